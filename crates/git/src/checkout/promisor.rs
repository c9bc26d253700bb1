//! A partial clone: objects were left at the remote that it was cloned from, which has them for as long as it has the commits.
//!
//! Source: <https://git-scm.com/docs/partial-clone>

use std::{path::Path, sync::Once};

use git2::Config;
use url::Url;

use crate::{
    diagnosis::errors::CheckoutError,
    names::{Slug, Target},
};

/// The remote that has what a partial clone lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promisor {
    /// Its name in the checkout's configuration.
    pub name: String,
    /// Its address there, which may hold a credential.
    url: String,
}

impl Promisor {
    /// That of the repository whose common folder is `git_dir`, if it is a partial clone.
    pub(super) fn of(git_dir: &Path) -> Option<Self> {
        let config = Config::open(&git_dir.join("config")).ok()?;
        let name = name(&config)?;
        let url = config.get_string(&format!("remote.{name}.url")).unwrap_or_default();
        Some(Self { name, url })
    }

    /// Whether this remote is the repository `target`, over whatever protocol.
    pub fn is(&self, target: &Target) -> bool {
        let (host, port, path) = match Url::parse(&self.url) {
            Ok(url) => {
                let Some(host) = url.host_str() else { return false };
                let web = matches!(url.scheme(), "http" | "https");
                (host.to_owned(), web.then(|| url.port()), url.path().to_owned())
            }
            // `git@host:owner/name.git`
            Err(_) => match self.url.split_once(':') {
                Some((host, path)) => (host.rsplit('@').next().unwrap_or_default().to_owned(), None, path.to_owned()),
                None => return false,
            },
        };
        let path = path.trim_matches('/');
        let slug = path.strip_suffix(".git").unwrap_or(path).parse::<Slug>();
        let server = &target.server;
        let same_host = host.trim_start_matches("ssh.").eq_ignore_ascii_case(server.host());
        same_host && port.is_none_or(|port| port == server.port()) && slug.is_ok_and(|slug| slug == target.slug)
    }

    /// Why a partial clone cannot be pushed to another repository: nobody can say that it has the missing objects.
    pub fn refusal(&self, target: &Target) -> CheckoutError {
        CheckoutError::PartialClone { remote: self.name.clone(), target: target.slug.clone() }
    }
}

/// Has libgit2 open repositories with `extensions.partialClone`, as older versions of git write it. What they lack is looked for nowhere.
pub(super) fn accept_extension() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: the call sets a global list of libgit2 without a lock. It comes before anything is opened, and once.
        #[allow(unsafe_code, reason = "libgit2 has no other way to say this")]
        let accepted = unsafe { git2::opts::set_extensions(&["partialclone"]) };
        // Where it does not take the list, opening the repository says what is wrong.
        drop(accepted);
    });
}

fn name(config: &Config) -> Option<String> {
    if let Ok(name) = config.get_string("extensions.partialclone") {
        return Some(name);
    }
    let mut found = None;
    let entries = config.entries(Some("remote\\..*\\.promisor")).ok()?;
    // An entry that cannot be read names no remote.
    let _ = entries.for_each(|entry| {
        let name = entry.name().unwrap_or_default();
        if config.get_bool(name).unwrap_or_default() {
            let name = name.strip_prefix("remote.").and_then(|name| name.strip_suffix(".promisor"));
            found = name.map(str::to_owned);
        }
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remote_is_the_target_over_every_protocol() {
        let target = |server: &str| Target {
            server: server.parse().unwrap(),
            api: format!("{server}/api/v3").parse().unwrap(),
            slug: "acme/site".parse().unwrap(),
        };
        let is = |url: &str, server: &str| Promisor { name: "origin".into(), url: url.into() }.is(&target(server));
        let ours = "https://github.com";
        for same in [
            "https://github.com/acme/site",
            "https://x:token@github.com/Acme/Site.git/",
            "git@github.com:acme/site.git",
            "ssh://git@ssh.github.com:443/acme/site.git",
        ] {
            assert!(is(same, ours), "{same}");
        }
        for other in [
            "https://github.com/acme/other",
            "https://github.com:8443/acme/site",
            "https://github.com.example.com/acme/site",
            "file:///acme/site",
            "/acme/site",
            "",
        ] {
            assert!(!is(other, ours), "{other}");
        }
        assert!(is("http://127.0.0.1:8080/acme/site.git", "http://127.0.0.1:8080"));
        assert!(!is("http://127.0.0.1:8081/acme/site.git", "http://127.0.0.1:8080"));
    }
}
