//! What the REST interface answers, as far as a relay reads it. Fields that an older server leaves out are tolerated.

mod pulls;
mod rules;
mod runs;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Deserializer};

pub(super) use self::runs::{Jobs, Runs, Workflows};
pub use self::{
    pulls::{MadeCommit, MergeDone, PullRequest, WorkflowPermissions},
    rules::{Branch, Rule, Ruleset},
    runs::{ActionsPermissions, Dispatched, Job, Run, Step, Workflow},
};
use crate::credential::Secret;

/// Stays as it is in the name of a folder in an address.
const IN_ADDRESS: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A moment in RFC 3339; another form counts as not given.
fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.and_then(|text| DateTime::parse_from_rfc3339(&text).ok()).map(|moment| moment.with_timezone(&Utc)))
}

/// `null` counts as not given.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// An account.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Account {
    /// Its number; 0 where the server does not tell.
    pub id: u64,
    /// Its name.
    #[serde(deserialize_with = "or_default")]
    pub login: String,
    /// `User`, `Organization` or `Bot`.
    #[serde(rename = "type", deserialize_with = "or_default")]
    pub kind: String,
}

/// The hourly limits of a credential.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct RateLimits {
    /// Per resource: `core` is that of most calls.
    pub resources: BTreeMap<String, Limit>,
}

/// One hourly limit.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
#[allow(clippy::struct_field_names, reason = "GitHub's name")]
pub struct Limit {
    /// Requests an hour.
    pub limit: u64,
    /// Requests left.
    pub remaining: u64,
    /// When the hour ends, in seconds since 1970 UTC.
    pub reset: i64,
}

/// A repository.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "the interface has them")]
pub struct Repository {
    /// `owner/name` as it is now called.
    pub full_name: String,
    /// The owner.
    pub owner: Account,
    /// Whether only those with access see it.
    pub private: bool,
    /// `public`, `private` or `internal`; an older server does not tell.
    pub visibility: Option<String>,
    /// Whether it is a fork.
    pub fork: bool,
    /// Whether it is read-only for good.
    pub archived: bool,
    /// Whether GitHub has switched it off.
    pub disabled: bool,
    /// The default branch's name; it need not exist yet.
    pub default_branch: String,
    /// The web address.
    pub html_url: String,
    /// Whether its wiki is switched on; an older server does not tell.
    pub has_wiki: Option<bool>,
    /// Whether it has a Pages site; an older server does not tell.
    pub has_pages: Option<bool>,
    /// The role of the USER behind the token. For a fine-grained token it says nothing about the token's own grant.
    pub permissions: Option<Permissions>,
}

/// A user's role on a repository.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "the interface has them")]
pub struct Permissions {
    /// May administer.
    pub admin: bool,
    /// May manage.
    pub maintain: bool,
    /// May write.
    pub push: bool,
    /// May triage issues.
    pub triage: bool,
    /// May read.
    pub pull: bool,
}

/// A commit's own text.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct GitCommit {
    /// The whole message.
    pub message: String,
}

/// What stands at a path of a branch, tag or commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A file and its bytes.
    File(Vec<u8>),
    /// A folder, a submodule, a symlink, or a file that is too large for this interface (1 MiB).
    Other,
}

/// A commit, as far as its id is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct NamedCommit {
    /// Its id, 40 hexadecimal digits.
    pub sha: String,
}

/// A release.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Release {
    /// Whether its tag can neither move nor go. An older Enterprise Server does not say.
    pub immutable: bool,
    /// Its page.
    pub html_url: String,
}

/// A file or folder in a folder of a branch, tag or commit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct FolderEntry {
    /// Its name.
    pub name: String,
    /// The object's id, 40 hexadecimal digits.
    pub sha: String,
    /// `file`, `dir`, `symlink` or `submodule`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its bytes; 0 for what is no file.
    #[serde(default)]
    pub size: u64,
}

#[derive(Deserialize)]
#[serde(untagged)]
// One address answers with an object for a file and with a list for a folder.
pub(super) enum RawContent {
    Entry {
        #[serde(rename = "type", default)]
        kind: String,
        #[serde(default)]
        encoding: String,
        #[serde(default)]
        content: String,
    },
    #[expect(dead_code, reason = "that it is a list is all that counts")]
    Folder(Vec<serde::de::IgnoredAny>),
}

/// A Pages site.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Pages {
    /// `built`, `building` or `errored`; `None` for one that was never built.
    pub status: Option<String>,
    /// Its address.
    pub html_url: Option<String>,
    /// Its own domain.
    pub cname: Option<String>,
    /// `legacy` (from a branch) or `workflow`.
    pub build_type: Option<String>,
    /// The branch that it is made from.
    pub source: Option<PagesSource>,
}

impl Pages {
    /// The address of the folder `folder` of the branch `branch`, which has no slash at its end and is empty for the root. None
    /// where the site is not made from that branch, or from another folder of it.
    pub fn address_of(&self, branch: &str, folder: &str) -> Option<String> {
        let source = self.source.as_ref().filter(|source| source.branch == branch)?;
        let (site, root) = (self.html_url.as_deref()?.trim_end_matches('/'), source.path.trim_matches('/'));
        let is_built_from_branch = self.build_type.as_deref() != Some("workflow");
        // `docs2` begins with `docs` and is not below it: a slash has to follow.
        let below = match folder.strip_prefix(root)? {
            below if root.is_empty() || below.is_empty() => below,
            below => below.strip_prefix('/')?,
        };
        let names: Vec<String> = below
            .split('/')
            .filter(|name| !name.is_empty())
            .map(|name| utf8_percent_encode(name, IN_ADDRESS).to_string())
            .collect();
        let path: String = names.iter().flat_map(|name| ["/", name]).collect();
        is_built_from_branch.then(|| format!("{site}{path}/"))
    }
}

/// What a Pages site is made from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct PagesSource {
    /// The branch, without `refs/heads/`.
    pub branch: String,
    /// `/` or `/docs`.
    pub path: String,
}

/// A build of a Pages site.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PagesBuild {
    /// `queued`, `building`, `built` or `errored`.
    pub status: String,
    /// Why it failed.
    #[serde(deserialize_with = "or_default")]
    pub error: PagesError,
    /// The commit that was built.
    #[serde(deserialize_with = "or_default")]
    pub commit: String,
    /// When it was begun.
    #[serde(deserialize_with = "moment")]
    pub created_at: Option<DateTime<Utc>>,
    /// When it last changed.
    #[serde(deserialize_with = "moment")]
    pub updated_at: Option<DateTime<Utc>>,
}

/// Why a Pages build failed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PagesError {
    /// In GitHub's words.
    pub message: Option<String>,
}

/// The key that secrets of a repository are sealed with.
#[derive(Clone, Debug, Deserialize)]
pub struct PublicKey {
    /// Its number, to be sent back. Enterprise Server may write it as a number, github.com writes a text.
    #[serde(deserialize_with = "text_or_number")]
    pub key_id: String,
    /// 32 bytes of Curve25519, in base64.
    pub key: String,
}

/// What is told about a secret: never its value.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct SecretInfo {
    /// Its name.
    pub name: String,
    /// When it was last set.
    #[serde(deserialize_with = "moment")]
    pub updated_at: Option<DateTime<Utc>>,
}

/// What a server tells about itself.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ServerMeta {
    /// The SSH host keys as `type base64`; GitHub Enterprise Server has none here.
    pub ssh_keys: Vec<String>,
    /// The version of a GitHub Enterprise Server.
    pub installed_version: Option<String>,
}

/// The installation of a GitHub App.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Installation {
    /// Its number.
    pub id: u64,
    /// The App's name in addresses.
    pub app_slug: String,
    /// What it may do: permission to `read`, `write` or `admin`.
    pub permissions: BTreeMap<String, String>,
    /// `all` or `selected`.
    pub repository_selection: String,
    /// When it was suspended.
    #[serde(deserialize_with = "moment")]
    pub suspended_at: Option<DateTime<Utc>>,
}

/// An installation's token, just made.
#[derive(Clone, Debug, Deserialize)]
pub struct AccessToken {
    /// The token.
    #[serde(deserialize_with = "secret")]
    pub token: Secret,
    /// When it ends.
    #[serde(default, deserialize_with = "moment")]
    pub expires_at: Option<DateTime<Utc>>,
    /// What it may do.
    #[serde(default)]
    pub permissions: BTreeMap<String, String>,
}

fn text_or_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Text(String),
        Number(u64),
    }
    Ok(match Either::deserialize(deserializer)? {
        Either::Text(text) => text,
        Either::Number(number) => number.to_string(),
    })
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    String::deserialize(deserializer).map(Secret::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_an_address_where_the_site_is_made_from_its_branch() {
        let site = |build: &str, path: &str| Pages {
            html_url: Some("https://octo.github.io/site/".into()),
            build_type: Some(build.into()),
            source: Some(PagesSource { branch: "gh-pages".into(), path: path.into() }),
            ..Pages::default()
        };
        for (path, folder, address) in [
            ("/", "", Some("")),
            ("/", "previews/pr-7", Some("previews/pr-7/")),
            ("/", "a b/ü", Some("a%20b/%C3%BC/")),
            ("/docs", "docs", Some("")),
            ("/docs", "docs/v1", Some("v1/")),
            ("/docs", "docs2", None),
            ("/docs", "", None),
        ] {
            let expected = address.map(|path| format!("https://octo.github.io/site/{path}"));
            assert_eq!(site("legacy", path).address_of("gh-pages", folder), expected, "{path} {folder}");
        }
        assert_eq!(site("legacy", "/").address_of("main", ""), None);
        assert_eq!(site("workflow", "/").address_of("gh-pages", ""), None);
        assert_eq!(Pages::default().address_of("gh-pages", ""), None);
    }
}
