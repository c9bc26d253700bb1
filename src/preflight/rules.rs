//! Protection and rulesets against this push: which rules it breaks for certain, which perhaps, and who may pass them by.
//!
//! Sources: <https://docs.github.com/en/rest/repos/rules>,
//! <https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/available-rules-for-rulesets>

mod branch;
mod certainty;
mod change;
mod examine;
mod pattern;
mod route;
mod tag;

use self::examine::Breach;
pub(super) use self::{
    branch::branch_rules,
    route::{pull_request, route},
    tag::{TagRules, tag_rules},
};
use super::facts::{Asked, Facts};
use crate::preflight::rules::certainty::Certainty;
use crate::{
    credential::TokenKind,
    github::model::{Rule, Ruleset},
    inputs::History,
    plan::Plan,
};

/// How many branches are asked about; the server decides about what is left.
pub(super) const BRANCHES: usize = 20;

/// Rules that cannot stop a push to a branch.
const HARMLESS: &[&str] = &["tag_name_pattern", "copilot_code_review", "license_compliance_scanning"];

/// Whether a rule of this kind may stand in the way of what the plan pushes to branches.
pub(super) fn may_matter(plan: &Plan, kind: &str) -> bool {
    let rewrites = plan.directory().is_some_and(|push| push.asked.commit.history == History::Single);
    match kind {
        "non_fast_forward" => rewrites || plan.pushes_refs() || plan.pull_request().is_some(),
        "deletion" => plan.pushes_refs(),
        kind => !HARMLESS.contains(&kind),
    }
}

/// Whether this actor passes a ruleset by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bypass {
    /// It may, for every push; or the ruleset is not in force.
    Passes,
    /// It may not, or only for pull requests.
    Stopped,
    /// The server does not say.
    Unknown,
}

fn bypass(plan: &Plan, facts: &Facts, ruleset: Option<u64>) -> Bypass {
    let known = ruleset.and_then(|id| facts.rules.rulesets.get(&id)).and_then(Asked::answer);
    if known.is_some_and(|ruleset| !ruleset.enforcement.is_empty() && ruleset.enforcement != "active") {
        return Bypass::Passes;
    }
    // What the server tells is about the token; a deploy key stands on the list, or does not, by itself.
    if plan.ssh.is_some() {
        return Bypass::Unknown;
    }
    // NOTE: GitHub refuses to put the Actions app on a bypass list (422, "must be part of the ruleset source or owner
    // organization").
    if plan.token().is_some_and(|token| token.kind == TokenKind::GithubToken) {
        return Bypass::Stopped;
    }
    match known.and_then(|ruleset| ruleset.current_user_can_bypass.as_deref()) {
        Some("always" | "exempt") => Bypass::Passes,
        Some("pull_requests_only" | "never") => Bypass::Stopped,
        _ => Bypass::Unknown,
    }
}

/// What the server says of this actor and a ruleset that stops it, as a sentence with a blank before it; empty where it says nothing.
fn standing(plan: &Plan, facts: &Facts, ruleset: Option<u64>) -> String {
    let kind = plan.git_token().map(|token| token.kind);
    let known = ruleset.and_then(|id| facts.rules.rulesets.get(&id)).and_then(Asked::answer);
    let who = match (kind, facts.token.login.as_deref()) {
        // What the remedy says of a key or of the workflow's own token says more.
        (None | Some(TokenKind::GithubToken), _) => return String::new(),
        (_, Some(login)) => login,
        (Some(TokenKind::Installation), None) => "The App of this token",
        (_, None) => "The account of this token",
    };
    match known.and_then(|ruleset| ruleset.current_user_can_bypass.as_deref()) {
        Some("never") => format!(" {who} is not on its Bypass list."),
        Some("pull_requests_only") => format!(" {who} bypasses it for pull requests only."),
        _ => String::new(),
    }
}

/// How the actor comes onto the Bypass list that is edited on `page`, as part of a sentence.
fn onto_bypass_list(plan: &Plan, page: &str) -> String {
    let own = plan.git_token().is_some_and(|token| token.kind == TokenKind::GithubToken);
    if plan.ssh.is_some() {
        format!("add \"Deploy keys\" to the ruleset's Bypass list (mode Always) on {page}")
    } else if own {
        format!(
            "`GITHUB_TOKEN` can never be on a Bypass list: pass as `token` that of an App or an account that stands on it ({page})"
        )
    } else {
        format!("add the account or App of this token to the ruleset's Bypass list (mode Always) on {page}")
    }
}

/// A rule with where it comes from.
struct ActiveRule<'a> {
    rule: &'a Rule,
    ruleset: Option<u64>,
    name: Option<&'a str>,
    organization: Option<&'a str>,
}

impl<'a> ActiveRule<'a> {
    fn of_branch(rule: &'a Rule, facts: &'a Facts) -> Self {
        let ruleset = rule.ruleset_id.and_then(|id| facts.rules.rulesets.get(&id)).and_then(Asked::answer);
        let organization = rule.ruleset_source_type.as_deref() == Some("Organization");
        Self {
            rule,
            ruleset: rule.ruleset_id,
            name: ruleset.map(|ruleset| ruleset.name.as_str()).filter(|name| !name.is_empty()),
            organization: rule.ruleset_source.as_deref().filter(|_| organization),
        }
    }

    fn of_ruleset(rule: &'a Rule, ruleset: &'a Ruleset) -> Self {
        let organization = ruleset.source_type.as_deref() == Some("Organization");
        Self {
            rule,
            ruleset: Some(ruleset.id),
            name: Some(ruleset.name.as_str()).filter(|name| !name.is_empty()),
            organization: Some(ruleset.source.as_str()).filter(|_| organization),
        }
    }

    fn source(&self) -> String {
        let name = match (self.name, self.ruleset) {
            (Some(name), _) => format!("the ruleset {name:?}"),
            (None, Some(id)) => format!("the ruleset {id}"),
            (None, None) => "a ruleset".to_owned(),
        };
        match self.organization {
            Some(organization) => format!("{name} of {organization}"),
            None => name,
        }
    }

    /// The page on which an administrator changes it.
    fn page(&self, plan: &Plan) -> String {
        match self.organization {
            Some(organization) => format!("{}/organizations/{organization}/settings/rules", plan.target.server),
            None => format!("{}/settings/rules", plan.target.web()),
        }
    }

    /// The page on which everybody can read it.
    fn link(&self, plan: &Plan) -> String {
        match self.ruleset {
            Some(id) => format!("{}/rules/{id}", plan.target.web()),
            None => format!("{}/rules", plan.target.web()),
        }
    }
}

/// A breach with its rule and whether the actor passes it by.
struct RuleFinding<'a> {
    active: ActiveRule<'a>,
    breach: Breach,
    bypass: Bypass,
}

impl RuleFinding<'_> {
    fn is_fatal(&self) -> bool {
        self.bypass == Bypass::Stopped && self.breach.certainty == Certainty::Certain
    }

    fn is_passed(&self) -> bool {
        self.bypass == Bypass::Passes
    }

    fn sentence(&self) -> String {
        format!("{} ({})", self.breach.what, self.active.source())
    }
}
