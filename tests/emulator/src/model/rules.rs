//! Rulesets and classic branch protection.
//!
//! <https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/available-rules-for-rulesets>

use std::collections::BTreeSet;

use globset::GlobBuilder;
use serde_json::Value;

use super::{Role, stable_id};

/// What a ruleset speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Branches.
    Branch,
    /// Tags.
    Tag,
    /// Every push.
    Push,
}

impl Target {
    /// As the REST API writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Branch => "branch",
            Self::Tag => "tag",
            Self::Push => "push",
        }
    }
}

/// Whether a ruleset is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enforcement {
    /// In force.
    Active,
    /// Only watches.
    Evaluate,
    /// Off.
    Disabled,
}

impl Enforcement {
    /// As the REST API writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Evaluate => "evaluate",
            Self::Disabled => "disabled",
        }
    }
}

/// Who may pass a ruleset by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BypassActor {
    /// An App, by its slug.
    App(String),
    /// Everyone with at least this role.
    Role(Role),
    /// A member of a team on the list, by login.
    TeamMember(String),
    /// Deploy keys.
    DeployKey,
}

/// An entry of a bypass list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bypass {
    /// Who.
    pub actor: BypassActor,
    /// How: `always`, `pull_request` or `exempt`.
    pub mode: String,
}

/// One rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The type, as the REST API writes it: `pull_request`, `creation`, ...
    pub kind: String,
    /// Its parameters; `Null` where it has none.
    pub parameters: Value,
}

/// A ruleset.
#[derive(Clone, Debug)]
pub struct Ruleset {
    /// The numeric id.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// Branches, tags or pushes.
    pub target: Target,
    /// Whether it is in force.
    pub enforcement: Enforcement,
    /// Patterns of refs it holds for: full ref names with `*`, `~ALL`, `~DEFAULT_BRANCH`.
    pub include: Vec<String>,
    /// Patterns of refs it does not hold for.
    pub exclude: Vec<String>,
    /// Its rules.
    pub rules: Vec<Rule>,
    /// Who may pass it by.
    pub bypass: Vec<Bypass>,
    /// The organization it comes from; `None`: the repository itself.
    pub organization: Option<String>,
}

impl Ruleset {
    /// A ruleset in force for refs that match one of `include`.
    pub fn new(name: &str, target: Target, include: &[&str]) -> Self {
        Self {
            id: stable_id(name),
            name: name.to_owned(),
            target,
            enforcement: Enforcement::Active,
            include: include.iter().map(|&pattern| pattern.to_owned()).collect(),
            exclude: Vec::new(),
            rules: Vec::new(),
            bypass: Vec::new(),
            organization: None,
        }
    }

    /// Adds a rule without parameters.
    #[must_use]
    pub fn rule(self, kind: &str) -> Self {
        self.rule_with(kind, Value::Null)
    }

    /// Adds a rule with parameters.
    #[must_use]
    pub fn rule_with(mut self, kind: &str, parameters: Value) -> Self {
        self.rules.push(Rule { kind: kind.to_owned(), parameters });
        self
    }

    /// Lets an actor pass, in mode `always`, `pull_request` or `exempt`.
    #[must_use]
    pub fn bypassed_by(mut self, actor: BypassActor, mode: &str) -> Self {
        self.bypass.push(Bypass { actor, mode: mode.to_owned() });
        self
    }

    /// Leaves refs out.
    #[must_use]
    pub fn except(mut self, pattern: &str) -> Self {
        self.exclude.push(pattern.to_owned());
        self
    }

    /// Whether it is in force.
    #[must_use]
    pub fn enforcement(mut self, enforcement: Enforcement) -> Self {
        self.enforcement = enforcement;
        self
    }

    /// Comes from the organization and not from the repository.
    #[must_use]
    pub fn from_organization(mut self, login: &str) -> Self {
        self.organization = Some(login.to_owned());
        self
    }

    /// Whether it holds for a full ref name, given the default branch's name.
    pub fn covers(&self, full_ref: &str, default_branch: &str) -> bool {
        let kind_fits = match self.target {
            Target::Branch => full_ref.starts_with("refs/heads/"),
            Target::Tag => full_ref.starts_with("refs/tags/"),
            Target::Push => true,
        };
        let hit = |pattern: &String| match pattern.as_str() {
            "~ALL" => true,
            "~DEFAULT_BRANCH" => full_ref == format!("refs/heads/{default_branch}"),
            glob => matches(glob, full_ref),
        };
        kind_fits && (self.target == Target::Push || self.include.iter().any(hit)) && !self.exclude.iter().any(hit)
    }
}

/// fnmatch with `FNM_PATHNAME`, which is what rulesets and protection patterns use: `*` stops at `/`, `**` does not.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    GlobBuilder::new(pattern).literal_separator(true).build().is_ok_and(|glob| glob.compile_matcher().is_match(text))
}

/// What a classic protection guards against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Guard {
    /// Changes must come through a pull request.
    PullRequest,
    /// Commits must be signed.
    Signatures,
    /// No merge commits.
    LinearHistory,
    /// Holds for administrators too.
    Admins,
    /// Force pushes are allowed after all.
    AllowForce,
    /// Deletion is allowed after all.
    AllowDeletion,
    /// Nobody pushes.
    Locked,
}

/// Classic branch protection.
#[derive(Clone, Debug)]
pub struct Protection {
    /// Branch name pattern.
    pub pattern: String,
    /// What it guards against.
    pub guards: BTreeSet<Guard>,
    /// Required status checks.
    pub checks: Vec<String>,
    /// When set, only these users and Apps (`slug[bot]`) push.
    pub pushers: Option<Vec<String>>,
}

impl Protection {
    /// A protection of branches by pattern that forbids force pushes and deletion.
    pub fn new(pattern: &str) -> Self {
        Self { pattern: pattern.to_owned(), guards: BTreeSet::new(), checks: Vec::new(), pushers: None }
    }

    /// Adds a guard.
    #[must_use]
    pub fn with(mut self, guard: Guard) -> Self {
        self.guards.insert(guard);
        self
    }

    /// Adds a required status check.
    #[must_use]
    pub fn check(mut self, context: &str) -> Self {
        self.checks.push(context.to_owned());
        self
    }

    /// Only these push.
    #[must_use]
    pub fn only(mut self, logins: &[&str]) -> Self {
        self.pushers = Some(logins.iter().map(|&login| login.to_owned()).collect());
        self
    }

    /// Whether it holds for a branch (short name).
    pub fn covers(&self, branch: &str) -> bool {
        matches(&self.pattern, branch)
    }
}
