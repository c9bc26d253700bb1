//! The names of things on a GitHub server, parsed strictly at the edge: what has one of these types needs no further check.

use std::{fmt, net::IpAddr, str::FromStr};

use url::{Host, Url};

use crate::{git::format::FileMode, publish::names};

/// Why a name is not accepted; the text says what would be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The text does not have the form of this kind of name.
    #[error("{0}")]
    Malformed(String),
    /// Plain `http://` to a host that is not this machine.
    #[error("{0} uses plain http, which would send the credential unencrypted")]
    Insecure(String),
}

fn malformed(text: impl Into<String>) -> NameError {
    NameError::Malformed(text.into())
}

/// `owner/name` of a repository. Compared without case, as GitHub does.
#[derive(Clone, Debug)]
pub struct Slug {
    owner: String,
    name: String,
}

impl Slug {
    /// The account that owns the repository.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// The repository's name without its owner.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn key(&self) -> (String, String) {
        (self.owner.to_ascii_lowercase(), self.name.to_ascii_lowercase())
    }
}

impl FromStr for Slug {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let part = |part: &str| {
            !part.is_empty()
                && part.len() <= 100
                && part != "."
                && part != ".."
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        };
        match text.split_once('/') {
            Some((owner, name)) if part(owner) && part(name) => {
                Ok(Self { owner: owner.to_owned(), name: name.to_owned() })
            }
            _ => Err(malformed(format!("{text:?} is not of the form owner/name"))),
        }
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

impl PartialEq for Slug {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Slug {}

impl std::hash::Hash for Slug {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

/// Whether `url` names this machine: 127.0.0.0/8, `::1` or `localhost`.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => false,
    }
}

fn web_address(text: &str) -> Result<Url, NameError> {
    let url = Url::parse(text).map_err(|error| malformed(format!("{text:?} is no web address ({error})")))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(malformed("an address must not hold a user name or a password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(malformed(format!("{text:?} must not have a query or a fragment")));
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => Err(NameError::Insecure(text.to_owned())),
        _ => Err(malformed(format!("{text:?} is no https address"))),
    }
}

/// The web address of a GitHub server: `https://HOST[:PORT]`, or plain http on loopback.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ServerUrl(Url);

impl ServerUrl {
    /// The host's name or address, without the port.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// The port when it is not the scheme's own.
    pub fn port(&self) -> Option<u16> {
        self.0.port()
    }

    /// The address, ending in `/`.
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// `SUB` of a data residency tenant `SUB.ghe.com`.
    pub fn tenant(&self) -> Option<&str> {
        self.host().strip_suffix(".ghe.com").filter(|sub| !sub.is_empty() && !sub.contains('.'))
    }

    /// Whether this is github.com itself.
    pub fn is_github_com(&self) -> bool {
        self.host() == "github.com"
    }

    /// The REST address that GitHub documents for this server.
    ///
    /// Source: <https://docs.github.com/en/rest/using-the-rest-api/getting-started-with-the-rest-api>
    pub fn derived_api(&self) -> ApiUrl {
        let mut url = self.0.clone();
        if self.is_github_com() || self.tenant().is_some() {
            let host = format!("api.{}", self.host());
            // NOTE: a host that parsed once parses with a label in front of it.
            let _ = url.set_host(Some(&host));
            url.set_path("/");
        } else {
            url.set_path("/api/v3");
        }
        ApiUrl(url)
    }
}

impl FromStr for ServerUrl {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let mut url = web_address(text)?;
        if !matches!(url.path(), "" | "/") {
            return Err(malformed(format!("{text:?} must name a server only, without a path")));
        }
        url.set_path("/");
        Ok(Self(url))
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

/// The address of a server's REST interface, without a slash at its end.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ApiUrl(Url);

impl ApiUrl {
    /// The address as a URL.
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// Whether this interface belongs to `server`: the same host, `api.` in front of it apart.
    pub fn belongs_to(&self, server: &ServerUrl) -> bool {
        let host = self.0.host_str().unwrap_or_default();
        host == server.host() || host.strip_prefix("api.") == Some(server.host())
    }
}

impl FromStr for ApiUrl {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let mut url = web_address(text)?;
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(Self(url))
    }
}

impl fmt::Display for ApiUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

/// A SHA-1 object id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Oid([u8; 20]);

impl Oid {
    /// Forty zeros: "no object" in a ref update.
    pub const ZERO: Self = Self([0; 20]);

    /// The id with these bytes.
    pub const fn from_bytes(bytes: [u8; 20]) -> Self {
        Self(bytes)
    }

    /// The id's bytes.
    pub fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }

    /// Whether this is "no object".
    pub fn is_zero(&self) -> bool {
        *self == Self::ZERO
    }

    /// The first seven digits, as people quote commits.
    pub fn short(&self) -> String {
        let mut text = self.to_string();
        text.truncate(7);
        text
    }
}

impl FromStr for Oid {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let mut bytes = [0; 20];
        hex::decode_to_slice(text, &mut bytes)
            .map_err(|_| malformed(format!("{text:?} is no object id of 40 hexadecimal digits")))?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A full ref name, `refs/…`, as `git check-ref-format` accepts it.
///
/// Source: <https://git-scm.com/docs/git-check-ref-format>
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RefName(String);

impl RefName {
    /// `refs/heads/NAME`. A name that already is a full branch ref is taken as it is.
    pub fn branch(name: &str) -> Result<Self, NameError> {
        format!("refs/heads/{}", name.strip_prefix("refs/heads/").unwrap_or(name)).parse()
    }

    /// `refs/tags/NAME`. A name that already is a full tag ref is taken as it is.
    pub fn tag(name: &str) -> Result<Self, NameError> {
        format!("refs/tags/{}", name.strip_prefix("refs/tags/").unwrap_or(name)).parse()
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name without `refs/heads/` or `refs/tags/`.
    pub fn short(&self) -> &str {
        self.0.strip_prefix("refs/heads/").or_else(|| self.0.strip_prefix("refs/tags/")).unwrap_or(&self.0)
    }

    /// Whether it is a branch.
    pub fn is_branch(&self) -> bool {
        self.0.starts_with("refs/heads/")
    }

    /// Whether it is a tag.
    pub fn is_tag(&self) -> bool {
        self.0.starts_with("refs/tags/")
    }
}

impl FromStr for RefName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let forbidden = |c: char| c.is_ascii_control() || " ~^:?*[\\".contains(c);
        let component = |part: &str| {
            !part.is_empty()
                && !part.starts_with('.')
                && !part.ends_with('.')
                && part.rsplit_once('.').is_none_or(|(_, last)| last != "lock")
        };
        let short = text.strip_prefix("refs/heads/").or_else(|| text.strip_prefix("refs/tags/")).unwrap_or(text);
        let fine = text.starts_with("refs/")
            && text.len() <= 1024
            && !text.contains(forbidden)
            && !text.contains("..")
            && !text.contains("@{")
            && !short.starts_with('-')
            && text.split('/').all(component);
        if fine { Ok(Self(text.to_owned())) } else { Err(malformed(format!("{short:?} is no valid ref name"))) }
    }
}

impl fmt::Display for RefName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A folder inside a branch: `/` between names, none of them empty, `.`, `..` or `.git`. The root is the empty path.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TreePath(String);

impl TreePath {
    /// The path, without a slash at either end; empty for the root.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The names from the root down.
    pub fn components(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').filter(|part| !part.is_empty())
    }
}

impl FromStr for TreePath {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        for part in &parts {
            if *part == ".." {
                return Err(malformed(format!("{text:?} leaves the branch: `..` is not allowed")));
            }
            if part.eq_ignore_ascii_case(".git") || part.contains(['\\', '\0']) {
                return Err(malformed(format!("{text:?} holds {part:?}, which git does not allow as a folder name")));
            }
        }
        let path = parts.join("/");
        for part in &parts {
            if let Some(reason) = names::refusal(path.as_bytes(), part.as_bytes(), FileMode::TREE) {
                return Err(malformed(format!("the folder {part:?} can not be pushed: {reason}")));
            }
        }
        Ok(Self(path))
    }
}

impl fmt::Display for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One repository on one server: where a relay goes to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// The repository.
    pub slug: Slug,
    /// Its server's web address.
    pub server: ServerUrl,
    /// Its server's REST address.
    pub api: ApiUrl,
}

impl Target {
    /// The repository's page, without a slash at its end.
    pub fn web(&self) -> String {
        format!("{}/{}", self.server, self.slug)
    }

    /// The address that git speaks to over HTTP: `SERVER/OWNER/NAME.git`.
    pub fn git_url(&self) -> String {
        format!("{}.git", self.web())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_owner_and_name() {
        let slug: Slug = "Octo-Org/site.github.io".parse().unwrap();
        assert_eq!((slug.owner(), slug.name()), ("Octo-Org", "site.github.io"));
        assert_eq!(slug, "octo-org/SITE.github.io".parse().unwrap());
        for wrong in ["", "a", "a/", "/b", "a/b/c", "a b/c", "../x", "a/..", "o/r?x"] {
            assert!(wrong.parse::<Slug>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_api_address_follows_the_server() {
        let api = |server: &str| server.parse::<ServerUrl>().unwrap().derived_api().to_string();
        assert_eq!(api("https://github.com"), "https://api.github.com");
        assert_eq!(api("https://acme.ghe.com/"), "https://api.acme.ghe.com");
        assert_eq!(api("https://ghes.example.test:8443"), "https://ghes.example.test:8443/api/v3");
        assert_eq!(api("http://127.0.0.1:80"), "http://127.0.0.1/api/v3");
    }

    #[test]
    fn plain_http_is_for_loopback_alone() {
        for fine in ["http://127.9.9.9:1", "http://[::1]:1", "http://localhost:1", "https://ghes.example.test"] {
            assert!(fine.parse::<ServerUrl>().is_ok(), "{fine}");
        }
        for wrong in ["http://github.com", "http://10.0.0.1", "http://localhost.example.test"] {
            assert!(matches!(wrong.parse::<ServerUrl>(), Err(NameError::Insecure(_))), "{wrong}");
        }
        for wrong in ["github.com", "ftp://x", "https://u:p@github.com", "https://github.com/o/r", "https://h?x"] {
            assert!(matches!(wrong.parse::<ServerUrl>(), Err(NameError::Malformed(_))), "{wrong}");
        }
    }

    #[test]
    fn ref_names_are_those_of_check_ref_format() {
        for fine in ["main", "a/b", "gh-pages", "ünï", "v1.4.2", "@", "feature/a.b"] {
            assert!(RefName::branch(fine).is_ok(), "{fine}");
        }
        for wrong in [
            "", "-x", ".a", "a.", "a..b", "a b", "a~1", "a^", "a:b", "a?", "a*", "a[", "a\\b", "a//b", "a/", "/a",
            "a.lock", "a/.b", "x@{1}", "a\u{7f}", "a\nb",
        ] {
            assert!(RefName::branch(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(RefName::branch("refs/heads/x").unwrap().short(), "x");
        assert_eq!(RefName::tag("v1").unwrap().as_str(), "refs/tags/v1");
    }

    #[test]
    fn a_destination_stays_inside_the_branch() {
        assert_eq!("/docs//pr-1/".parse::<TreePath>().unwrap().as_str(), "docs/pr-1");
        assert!("".parse::<TreePath>().unwrap().is_root());
        for wrong in ["../x", "a/../b", "a/.git/b", "a\\b", ".GIT"] {
            assert!(wrong.parse::<TreePath>().is_err(), "{wrong}");
        }
    }
}
