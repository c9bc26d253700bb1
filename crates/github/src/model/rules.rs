//! Branches, their protection, and rulesets.

use serde::Deserialize;
use serde_json::Value;

use super::or_default;

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
    // Kept as it is: each kind has other settings, and new kinds come without notice.
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
