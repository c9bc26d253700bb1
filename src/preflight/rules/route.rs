//! Decides how the change comes to its branch, by what the branch's rules ask for, and judges whether a pull request can be made.

use super::{
    super::{
        check::{Check, CheckName},
        facts::{Asked, BranchFacts, Facts},
    },
    ActiveRule, Bypass, bypass,
};
use crate::{
    credential::TokenKind,
    diagnosis::{Cause, Failure},
    inputs::{History, PullRequestWhen, Sign},
    names::RefName,
    plan::{Plan, ProposedBranch, PushRoute, Signer},
};

/// Rules that a pull request satisfies and a push to the branch does not.
const BY_PULL_REQUEST: &[&str] =
    &["pull_request", "merge_queue", "required_status_checks", "workflows", "code_scanning", "required_deployments"];

/// How the change comes to its branch.
pub(in super::super) fn route(plan: &Plan, facts: &Facts) -> PushRoute {
    let proposed = plan.proposed().filter(|proposed| is_proposed(plan, facts, proposed));
    let signs = match plan.sign() {
        Sign::Github => true,
        Sign::No => false,
        Sign::Auto => {
            // Of the branch itself and of the one that is proposed: either can get the commit.
            let names = plan.branches().chain(proposed.iter().map(|proposed| &proposed.head));
            can_github_sign(plan)
                && plan.signing_key.is_none()
                && plan.has_default_author()
                && names.flat_map(|name| in_the_way(plan, facts, name)).any(|active| active.rule.kind == SIGNATURES)
        }
    };
    PushRoute { signer: if signs && plan.directory().is_some() { Signer::GitHub } else { Signer::Step }, proposed }
}

/// The rule that asks for signed commits.
const SIGNATURES: &str = "required_signatures";

/// Whether GitHub signs the commits that this token makes over REST: it does for bots alone.
///
/// Source: <https://docs.github.com/en/authentication/managing-commit-signature-verification/about-commit-signature-verification#signature-verification-for-bots>
fn can_github_sign(plan: &Plan) -> bool {
    plan.token().is_some_and(|token| matches!(token.kind, TokenKind::Installation | TokenKind::GithubToken))
}

fn is_proposed(plan: &Plan, facts: &Facts, proposed: &ProposedBranch) -> bool {
    match plan.pull_request().map(|asked| asked.when) {
        Some(PullRequestWhen::Always) => true,
        // A branch that is not there yet cannot be the base of one.
        Some(PullRequestWhen::Required) => {
            facts.refs.answer().is_some_and(|refs| refs.tip(&proposed.base).is_some())
                && !reasons(plan, facts, &proposed.base).is_empty()
        }
        Some(PullRequestWhen::No) | None => false,
    }
}

/// The rules of a branch that this actor is not known to pass by.
fn in_the_way<'a>(plan: &'a Plan, facts: &'a Facts, name: &RefName) -> Vec<ActiveRule<'a>> {
    let known = facts.rules.branches.iter().find(|branch| branch.name == *name);
    let rules = known.and_then(|known| known.rules.answer()).into_iter().flatten();
    rules
        .map(|rule| ActiveRule::of_branch(rule, facts))
        // Who passes a rule by need not satisfy it.
        .filter(|active| bypass(plan, facts, active.ruleset) != Bypass::Passes)
        .collect()
}

/// Why a push to the branch itself is not taken: what its rules ask for, as parts of a sentence.
pub(super) fn reasons(plan: &Plan, facts: &Facts, base: &RefName) -> Vec<String> {
    let said = |active: &ActiveRule<'_>| {
        let asks = match active.rule.kind.as_str() {
            "pull_request" => "a pull request",
            "merge_queue" => "the merge queue",
            "required_status_checks" => "status checks",
            "workflows" => "workflows that have passed",
            "code_scanning" => "results of code scanning",
            _ => "a deployment",
        };
        format!("{} asks for {asks}", active.source())
    };
    let mut reasons: Vec<String> = in_the_way(plan, facts, base)
        .iter()
        .filter(|active| BY_PULL_REQUEST.contains(&active.rule.kind.as_str()))
        .map(said)
        .collect();
    let known = facts.rules.branches.iter().find(|branch| branch.name == *base);
    if let Some(BranchFacts { branch: Asked::Answer(branch), rules, .. }) = known {
        // `protected` is also true where only a ruleset covers the branch.
        let no_rules = rules.answer().is_none_or(Vec::is_empty);
        if branch.protection.enabled || (branch.protected && no_rules) {
            reasons.push(format!("{} has a classic branch protection", base.short()));
        }
    }
    reasons
}

/// The way that was chosen and why, as sentences; none: a push to the branch itself, with a commit of this step.
pub(super) fn way(plan: &Plan, facts: &Facts) -> Option<String> {
    let mut said = Vec::new();
    if let Some(ProposedBranch { head, base, .. }) = &facts.route.proposed {
        let why = match plan.pull_request().map(|asked| asked.when) {
            Some(PullRequestWhen::Required) => reasons(plan, facts, base).join(", "),
            _ => "`pull-request` is `always`".to_owned(),
        };
        said.push(format!(
            "The change goes to {} and through a pull request into {}: {why}.",
            head.short(),
            base.short()
        ));
    }
    if facts.route.signer == Signer::GitHub {
        let why = match plan.sign() {
            Sign::Auto => "the rules ask for verified signatures",
            Sign::Github | Sign::No => "`sign` is `github`",
        };
        said.push(format!("GitHub makes and signs the commit: {why}."));
    }
    (!said.is_empty()).then(|| said.join(" "))
}

/// Whether the pull request can be made, where the change goes through one.
pub(in super::super) fn pull_request(plan: &Plan, facts: &Facts) -> Option<Check> {
    let (Some(ProposedBranch { head, base, merge }), Some(known)) = (&facts.route.proposed, &facts.proposed) else {
        // Said only where a pull request was asked for: else nobody expects one.
        plan.pull_request()?;
        let text = "No rule asks for a pull request, so the push goes to the branch itself.";
        return Some(Check::pass(CheckName::PullRequest, text));
    };
    if let Some(failure) = impossible(plan, facts, base) {
        return Some(Check::fail(CheckName::PullRequest, failure));
    }
    let pages = pages(plan);
    if let Some(refusal) = known.right.refusal() {
        let said = &refusal.failure.what;
        // Without an answer nothing is known of the right, and the server decides.
        if refusal.status.is_none() {
            let what = format!("Whether this token can make a pull request is not known. {said}");
            let failure = Failure::new(Cause::PullRequestRefused, what).with_remedy(pages);
            return Some(Check::warn(CheckName::PullRequest, failure));
        }
        let what = format!("This token cannot make a pull request in {}: {said}", plan.target.slug);
        let failure = Failure::new(Cause::PullRequestRefused, what).with_remedy(pages);
        return Some(Check::fail(CheckName::PullRequest, failure));
    }
    if let (Some(refusal), Asked::No) = (known.open.refusal(), &known.right) {
        let text = format!("The open pull requests could not be asked for. {}", refusal.failure.what);
        return Some(Check::skip(CheckName::PullRequest, text));
    }
    let merge =
        merge.map_or_else(String::new, |method| format!(" It is merged by `{}` as soon as it can be.", method.name()));
    let (head, base) = (head.short(), base.short());
    let text = match known.open.answer() {
        Some(Some(open)) => {
            format!("Pull request #{} from {head} into {base} is open and is updated.{merge}", open.number)
        }
        _ => format!("A pull request from {head} into {base} is made.{merge}"),
    };
    Some(Check::pass(CheckName::PullRequest, text))
}

/// What no pull request can bring.
fn impossible(plan: &Plan, facts: &Facts, base: &RefName) -> Option<Failure> {
    let short = base.short();
    if plan.token().is_none() {
        let what = "A pull request is made over REST, which takes a token; there is only a deploy key.";
        return Some(Failure::new(Cause::TokenMissing, what).with_remedy("Set `token` beside `ssh-key`."));
    }
    if plan.directory().is_some_and(|push| push.asked.commit.history == History::Single) {
        let what = format!("`history: single` makes {short} anew, and a pull request can only add to it.");
        return Some(
            Failure::new(Cause::InvalidInput, what).with_remedy("Set `history: append`, or `pull-request: no`."),
        );
    }
    let absent = facts.refs.answer().is_some_and(|refs| refs.tip(base).is_none());
    absent.then(|| {
        let what = format!("{} has no branch {short}, so no pull request can go into it.", plan.target.slug);
        let remedy =
            format!("Create {short} first, or set `pull-request: required`, which pushes a new branch directly.");
        Failure::new(Cause::PullRequestRefused, what).with_remedy(remedy)
    })
}

/// Where the right to make pull requests is given.
fn pages(plan: &Plan) -> String {
    let server = &plan.target.server;
    match plan.token().map(|token| token.kind) {
        Some(TokenKind::GithubToken) => format!(
            "Add `pull-requests: write` to the job's `permissions:`, and on {}/settings/actions tick \"Allow GitHub Actions to create and approve pull requests\".",
            plan.target.web()
        ),
        Some(TokenKind::FineGrained) => format!(
            "On {server}/settings/personal-access-tokens open the token and set Repository permissions > Pull requests to Read and write."
        ),
        Some(TokenKind::Installation) => "In the App's settings > Permissions & events set Pull requests to Read and write, and accept the change in the installation.".to_owned(),
        _ => format!("Give the token the scope `repo`, and its account the role Write on {}/settings/access.", plan.target.web()),
    }
}
