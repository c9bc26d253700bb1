//! One line of `repository`: a name, a web address, or an address that git would reach over SSH.

use std::fmt;

use url::{Host, Url};

use super::SshRoute;
use crate::names::{NameError, ServerUrl, Slug};

/// Where github.com answers SSH on port 443.
///
/// Source: <https://docs.github.com/en/authentication/troubleshooting-ssh/using-ssh-over-the-https-port>
pub(super) const SSH_OVER_HTTPS: &str = "ssh.github.com";

/// What one line of `repository` says.
pub(super) enum RepositoryAddress {
    /// `owner/name`.
    Slug(Slug),
    /// A web address.
    Web(ServerUrl, Slug),
    /// An address that git would reach over SSH.
    Ssh(SshRoute, Slug),
}

impl fmt::Display for SshRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.user, self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// Reads one line of `repository`.
pub(super) fn place(line: &str) -> Result<RepositoryAddress, NameError> {
    if line.contains("://") {
        let url = Url::parse(line).map_err(|error| unusable(line, &format!("is no address ({error})")))?;
        return match url.scheme() {
            // Plain http is refused later, with its own cause; on loopback it is allowed.
            "https" | "http" => web(line, &url),
            "ssh" => ssh(line, &url),
            _ => Err(unusable(line, "is neither an https nor an ssh address")),
        };
    }
    match scp_parts(line) {
        Some((user, host, path)) => {
            let host = host_text(host).ok_or_else(|| unusable(line, "names no host before `:`"))?;
            let slug = slug(line, path)?;
            Ok(RepositoryAddress::Ssh(SshRoute { user: user.unwrap_or("git").to_owned(), host, port: None }, slug))
        }
        // An address that was copied without its scheme; `github.com/acme` would pass for owner/name.
        None if line.starts_with("github.com/") || line.matches('/').count() > 1 => {
            Err(unusable(line, "is neither owner/name nor a whole address, which begins with https://"))
        }
        None => slug(line, line).map(RepositoryAddress::Slug),
    }
}

fn web(line: &str, url: &Url) -> Result<RepositoryAddress, NameError> {
    if !url.username().is_empty() || url.password().is_some() {
        return Err(unusable(line, "holds a user name or a password: the credential goes into `token`"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(unusable(line, "has a query or a fragment"));
    }
    // With the port: an Enterprise Server can listen anywhere.
    let server = url[..url::Position::AfterPort].parse()?;
    Ok(RepositoryAddress::Web(server, slug(line, url.path())?))
}

fn ssh(line: &str, url: &Url) -> Result<RepositoryAddress, NameError> {
    if url.password().is_some() {
        return Err(unusable(line, "holds a password: SSH takes the private key in `ssh-key`"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(unusable(line, "has a query or a fragment"));
    }
    let host = url.host_str().and_then(host_text).ok_or_else(|| unusable(line, "names no host"))?;
    let user = Some(url.username()).filter(|user| !user.is_empty()).unwrap_or("git").to_owned();
    // 22 written out and 22 left out are one route.
    let port = url.port().filter(|port| *port != 22);
    Ok(RepositoryAddress::Ssh(SshRoute { user, host, port }, slug(line, url.path())?))
}

/// `[user@]host:path`, where no slash comes before the colon.
///
/// Source: <https://git-scm.com/docs/git-clone#_git_urls>
fn scp_parts(line: &str) -> Option<(Option<&str>, &str, &str)> {
    let (user, rest) = match line.split_once('@') {
        Some((user, rest)) => (Some(user), rest),
        None => (None, line),
    };
    // An IPv6 address has colons of its own, and stands in brackets.
    let colon = if rest.starts_with('[') { rest.find("]:")? + 1 } else { rest.find(':')? };
    let (host, path) = (&rest[..colon], &rest[colon + 1..]);
    let plain = |part: &str| !part.is_empty() && !part.contains(['/', ':', '@']);
    (user.is_none_or(plain) && !host.contains('/')).then_some((user, host, path))
}

fn host_text(host: &str) -> Option<String> {
    // As URLs write it, in lower case and punycode: hosts are compared as texts later.
    Host::parse(host).ok().map(|host| host.to_string())
}

fn slug(line: &str, path: &str) -> Result<Slug, NameError> {
    // A bare owner/name is taken as it is; in an address a slash at either end means nothing.
    let path = if path == line { path } else { path.trim_matches('/') };
    path.strip_suffix(".git").unwrap_or(path).parse().map_err(|_| unusable(line, "does not name one owner/name"))
}

/// The error about a line, which is quoted without what may be a credential in it.
fn unusable(line: &str, why: &str) -> NameError {
    NameError::Malformed(format!("{:?} {why}", without_userinfo(line)))
}

/// The text without what stands between `://`, or its begin, and the last `@`, the SSH user `git` apart.
pub(super) fn without_userinfo(text: &str) -> String {
    let start = text.find("://").map_or(0, |at| at + 3);
    match text.rfind('@') {
        Some(at) if at >= start && &text[start..at] != "git" => format!("{}{}", &text[..start], &text[at + 1..]),
        _ => text.to_owned(),
    }
}
