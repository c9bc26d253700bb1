//! What the REST interface answers, as far as a relay reads it. Fields that an older server leaves out are tolerated.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::credential::Secret;

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

/// A branch.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Branch {
    /// Its name without `refs/heads/`.
    pub name: String,
    /// Its tip.
    pub commit: CommitRef,
    /// Whether a branch protection or a ruleset covers it.
    pub protected: bool,
    /// What is told of the branch protection, without its details.
    #[serde(deserialize_with = "or_default")]
    pub protection: BranchProtection,
}

/// What everyone may know of a branch protection.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct BranchProtection {
    /// Whether there is one.
    pub enabled: bool,
    /// The status checks that it asks for.
    #[serde(deserialize_with = "or_default")]
    pub required_status_checks: ProtectionChecks,
}

/// The status checks that a branch protection asks for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ProtectionChecks {
    /// `off`, `non_admins` or `everyone`.
    pub enforcement_level: String,
    /// Their names.
    pub contexts: Vec<String>,
}

/// A commit's id.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct CommitRef {
    /// 40 hexadecimal digits.
    pub sha: String,
}

/// A rule that is active for a branch, or part of a ruleset.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Rule {
    /// `pull_request`, `required_signatures`, `non_fast_forward` and the like; the list is open.
    #[serde(rename = "type")]
    pub kind: String,
    /// The rule's settings, of a form that depends on its kind.
    pub parameters: Value,
    /// `Repository`, `Organization` or `Enterprise`.
    pub ruleset_source_type: Option<String>,
    /// The repository or organization that the ruleset belongs to.
    pub ruleset_source: Option<String>,
    /// The ruleset; absent inside one.
    pub ruleset_id: Option<u64>,
}

/// A ruleset. A list of rulesets leaves out conditions, rules and bypass.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Ruleset {
    /// Its number.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// `branch`, `tag` or `push`.
    pub target: Option<String>,
    /// `Repository`, `Organization` or `Enterprise`.
    pub source_type: Option<String>,
    /// The repository or organization that it belongs to.
    pub source: String,
    /// `active`, `evaluate` or `disabled`.
    pub enforcement: String,
    /// `always`, `exempt`, `pull_requests_only` or `never`; not every answer has it.
    pub current_user_can_bypass: Option<String>,
    /// Which refs it is for.
    #[serde(deserialize_with = "or_default")]
    pub conditions: Conditions,
    /// Its rules.
    #[serde(deserialize_with = "or_default")]
    pub rules: Vec<Rule>,
}

/// Which refs a ruleset is for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Conditions {
    /// By the ref's name.
    pub ref_name: Option<RefCondition>,
}

/// Patterns of full ref names, in fnmatch form; `~ALL` and `~DEFAULT_BRANCH` besides.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct RefCondition {
    /// Refs that it is for.
    pub include: Vec<String>,
    /// Refs that it is not for, whatever `include` says.
    pub exclude: Vec<String>,
}

/// A workflow.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Workflow {
    /// Its number.
    pub id: u64,
    /// Its title.
    pub name: String,
    /// Its file: `.github/workflows/deploy.yml`.
    pub path: String,
    /// `active`, `disabled_manually`, `disabled_inactivity`, `disabled_fork` or `deleted`.
    pub state: String,
    /// The web address.
    pub html_url: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Workflows {
    pub(super) workflows: Vec<Workflow>,
}

/// A commit's own text.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct GitCommit {
    /// The whole message.
    pub message: String,
}

/// Whether Actions run in a repository.
#[derive(Clone, Debug, Deserialize)]
pub struct ActionsPermissions {
    /// They do.
    pub enabled: bool,
}

/// What stands at a path of a branch, tag or commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A file and its bytes.
    File(Vec<u8>),
    /// A folder, a submodule, a symlink, or a file that is too large for this interface (1 MiB).
    Other,
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
}

#[derive(Deserialize)]
#[serde(untagged)]
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

/// A workflow run.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Run {
    /// Its number.
    pub id: u64,
    /// The workflow's title.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// What the run is called: `run-name`, or a default that depends on the event.
    #[serde(deserialize_with = "or_default")]
    pub display_title: String,
    /// The workflow's file, in some answers with `@ref` after it.
    #[serde(deserialize_with = "or_default")]
    pub path: String,
    /// The workflow's number.
    #[serde(deserialize_with = "or_default")]
    pub workflow_id: u64,
    /// `push`, `repository_dispatch`, `workflow_dispatch` and the like.
    #[serde(deserialize_with = "or_default")]
    pub event: String,
    /// `queued`, `requested`, `waiting`, `pending`, `in_progress`, `action_required` or `completed`; the list is open.
    #[serde(deserialize_with = "or_default")]
    pub status: String,
    /// `success`, `failure`, `neutral`, `cancelled`, `skipped`, `timed_out`, `action_required`, `stale` or `startup_failure`; `None` until it ends.
    pub conclusion: Option<String>,
    /// The branch or tag of the commit.
    #[serde(deserialize_with = "or_default")]
    pub head_branch: String,
    /// The commit.
    #[serde(deserialize_with = "or_default")]
    pub head_sha: String,
    /// The web address.
    #[serde(deserialize_with = "or_default")]
    pub html_url: String,
    /// Which try of the run this is, from 1.
    #[serde(deserialize_with = "or_default")]
    pub run_attempt: u64,
    /// When it was made, by the server's clock.
    #[serde(deserialize_with = "moment")]
    pub created_at: Option<DateTime<Utc>>,
    /// Who made the event.
    #[serde(deserialize_with = "or_default")]
    pub actor: Account,
    /// Who started this try.
    #[serde(deserialize_with = "or_default")]
    pub triggering_actor: Account,
}

impl Run {
    /// Whether an account of this name may have caused it: it did, or the server does not say who did.
    pub fn may_be_by(&self, login: &str) -> bool {
        self.actor.login.is_empty() || self.actor.login.eq_ignore_ascii_case(login)
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Runs {
    pub(super) workflow_runs: Vec<Run>,
}

/// A job of a run.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Job {
    /// Its number.
    pub id: u64,
    /// Its name.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// As of a run.
    #[serde(deserialize_with = "or_default")]
    pub status: String,
    /// As of a run.
    pub conclusion: Option<String>,
    /// The web address.
    #[serde(deserialize_with = "or_default")]
    pub html_url: String,
    /// Its steps so far.
    #[serde(deserialize_with = "or_default")]
    pub steps: Vec<Step>,
}

/// A step of a job.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Step {
    /// Its place, from 1.
    pub number: u64,
    /// Its name.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// As of a run.
    #[serde(deserialize_with = "or_default")]
    pub status: String,
    /// As of a run.
    pub conclusion: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Jobs {
    pub(super) jobs: Vec<Job>,
}

/// The run that a `workflow_dispatch` made.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Dispatched {
    /// Its number.
    #[serde(rename = "workflow_run_id")]
    pub id: u64,
    /// The web address.
    #[serde(default, deserialize_with = "or_default")]
    pub html_url: String,
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
    /// Its number, to be sent back.
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

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    String::deserialize(deserializer).map(Secret::new)
}
