//! The names of things on a GitHub server, parsed strictly at the edge: what has one of these types needs no further check.

mod alike;
mod author;
mod git;
pub mod moment;
mod secret_scope;
pub mod tree;

use std::{fmt, net::IpAddr, str::FromStr};

use url::{Host, Url};

pub use self::{
    alike::nearest,
    author::Author,
    git::{Oid, RefName, TreePath},
    secret_scope::SecretScope,
};

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

/// What a wiki's name ends with: it is a git repository beside the one that it belongs to.
///
/// Source: <https://docs.github.com/en/communities/documenting-your-project-with-wikis/adding-or-editing-wiki-pages>
const WIKI: &str = ".wiki";

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

    /// The repository that this one is the wiki of: `owner/name` of `owner/name.wiki`. GitHub reserves names that end so.
    pub fn wiki_of(&self) -> Option<Self> {
        let name = self.name.len().checked_sub(WIKI.len()).filter(|length| *length > 0)?;
        let is_wiki = self.name.get(name..).is_some_and(|end| end.eq_ignore_ascii_case(WIKI));
        is_wiki.then(|| Self { owner: self.owner.clone(), name: self.name[..name].to_owned() })
    }

    /// The repository that REST knows: of a wiki the one that it belongs to.
    #[must_use]
    pub fn repository(&self) -> Self {
        self.wiki_of().unwrap_or_else(|| self.clone())
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
                // GitHub's bound for a repository's name; an account's is shorter.
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
        // No other name: a resolver could lead it elsewhere.
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => false,
    }
}

fn web_address(text: &str) -> Result<Url, NameError> {
    let url = Url::parse(text).map_err(|error| malformed(format!("{text:?} is no web address ({error})")))?;
    // The text is not quoted: what stands there can be a token.
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

    /// Whether this is a GitHub Enterprise Server, or whatever else is neither github.com nor a tenant of GHE.com.
    pub fn is_enterprise_server(&self) -> bool {
        !self.is_github_com() && self.tenant().is_none()
    }

    /// Whether the host is this machine.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
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
    /// The page of the repository, or of the wiki, without a slash at its end.
    pub fn web(&self) -> String {
        match self.slug.wiki_of() {
            Some(repository) => format!("{}/{repository}/wiki", self.server),
            None => format!("{}/{}", self.server, self.slug),
        }
    }

    /// The address that git speaks to over HTTP: `SERVER/OWNER/NAME.git`.
    pub fn git_url(&self) -> String {
        format!("{}/{}.git", self.server, self.slug)
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
    fn a_wiki_belongs_to_its_repository() {
        let parent = |slug: &str| slug.parse::<Slug>().unwrap().wiki_of().map(|slug| slug.to_string());
        assert_eq!(parent("o/r.wiki").as_deref(), Some("o/r"));
        assert_eq!(parent("o/r.WIKI").as_deref(), Some("o/r"));
        assert_eq!(parent("o/r.wiki.wiki").as_deref(), Some("o/r.wiki"));
        for none in ["o/r", "o/wiki", "o/.wiki", "o/r.wikis"] {
            assert_eq!(parent(none), None, "{none}");
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
}
