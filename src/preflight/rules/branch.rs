//! The check `branch-rules`: protection and rulesets of the branches that are pushed to.

use super::{
    super::{
        check::{Check, CheckName, Verdict},
        facts::{Asked, BranchFacts, Facts},
    },
    ActiveRule, BRANCHES, RuleFinding, bypass,
    change::{self, PlannedUpdate, Way},
    examine::examine,
    onto_bypass_list,
    route::way,
    standing,
    tag::applies,
};
use crate::{
    diagnosis::{Cause, Failure},
    github::model::Branch,
    inputs::Sign,
    plan::{Plan, Signer},
    publish::proposal::Proposal,
    refs::facts::RefsFacts,
};

/// Whether protection and rulesets let this actor make this push.
pub(in super::super) fn branch_rules(plan: &Plan, facts: &Facts) -> Option<Check> {
    if !plan.pushes() {
        return None;
    }
    if plan.is_wiki() {
        return Some(Check::pass(CheckName::BranchRules, "A wiki has no rules."));
    }
    let nothing_new = |refs: &RefsFacts| !refs.updates().any(|update| update.name.is_branch());
    if facts.proposal().is_some_and(Proposal::is_unchanged) || facts.pushed_refs.iter().flatten().any(nothing_new) {
        return Some(Check::pass(CheckName::BranchRules, "Nothing changes, so nothing is pushed."));
    }
    let changes: Vec<PlannedUpdate<'_>> =
        change::of_publish(plan, facts).into_iter().chain(change::of_refs(facts)).collect();
    let mut verdicts: Vec<Check> = changes.iter().map(|change| judge_update(plan, facts, change)).collect();
    if verdicts.is_empty() {
        let text = "What would be pushed is not known, so the rules could not be compared with it.";
        return Some(Check::skip(CheckName::BranchRules, text));
    }
    // The worst of several branches stands for all.
    verdicts.sort_by_key(Check::weight);
    verdicts.pop().map(|check| with_way(plan, facts, check))
}

/// The check with the way that was chosen, and with what makes GitHub doubt a signature.
fn with_way(plan: &Plan, facts: &Facts, check: Check) -> Check {
    let way = way(plan, facts).map(|way| way + " ").unwrap_or_default();
    match check.verdict {
        Verdict::Pass(text) => match unverifiable(plan, facts) {
            Some(failure) => Check::warn(check.name, Failure { what: format!("{way}{}", failure.what), ..failure }),
            None => Check::pass(check.name, format!("{way}{text}")),
        },
        Verdict::Warn(failure) => {
            Check::warn(check.name, Failure { what: format!("{way}{}", failure.what), ..failure })
        }
        verdict => Check { name: check.name, verdict },
    }
}

/// A signature that GitHub cannot verify, as the address of the committer belongs to no account that could have the key.
fn unverifiable(plan: &Plan, facts: &Facts) -> Option<Failure> {
    // Where GitHub makes the commit the key has no part in it.
    if plan.directory().is_none() || facts.route.signer == Signer::GitHub {
        return None;
    }
    if !plan.author_is_account() || facts.author != plan.author {
        return None;
    }
    let what = format!(
        "The commit is signed with `signing-key` in the name of {}: GitHub will show it as unverified, as the account of this credential is not known.",
        facts.author.name
    );
    let remedy = "Set `author` to the account that has the key as a Signing Key (`NAME <ID+LOGIN@users.noreply.github.com>`), or use `sign: github` with the token of an App or `GITHUB_TOKEN`.";
    Some(Failure::new(Cause::RequiredSignatures, what).with_remedy(remedy))
}

fn judge_update(plan: &Plan, facts: &Facts, change: &PlannedUpdate<'_>) -> Check {
    let known = facts.rules.branches.iter().find(|branch| branch.name == *change.name);
    let short = change.name.short();
    let Some(BranchFacts { rules: Asked::Answer(rules), branch, .. }) = known else {
        let why = known.and_then(|known| known.rules.refusal()).map(|refusal| refusal.failure.what.clone());
        let text = if known.is_none() && facts.rules.branches.len() >= BRANCHES {
            format!("The rules of {BRANCHES} branches were asked for; the server decides about {short}.")
        } else {
            format!("The rules of {short} could not be asked for. {}", why.unwrap_or_default())
        };
        return Check::skip(CheckName::BranchRules, text.trim_end());
    };
    let of_branch = rules.iter().map(|rule| ActiveRule::of_branch(rule, facts));
    let of_pushes =
        facts.rules.rulesets.values().filter_map(Asked::answer).filter(|ruleset| {
            ruleset.target.as_deref() == Some("push") && applies(ruleset, change.name) != Some(false)
        });
    let of_pushes =
        of_pushes.flat_map(|ruleset| ruleset.rules.iter().map(move |rule| ActiveRule::of_ruleset(rule, ruleset)));
    let findings: Vec<RuleFinding<'_>> = of_branch
        .chain(of_pushes)
        .filter_map(|active| {
            let breach = examine(active.rule, change)?;
            let bypass = bypass(plan, facts, active.ruleset);
            Some(RuleFinding { active, breach, bypass })
        })
        .collect();
    let open: Vec<&RuleFinding<'_>> = findings.iter().filter(|finding| !finding.is_passed()).collect();
    if !open.is_empty() {
        return broken(plan, facts, change, &open);
    }
    if let Some(check) = branch.answer().and_then(|branch| protection(plan, facts, change, branch, rules.is_empty())) {
        return check;
    }
    let text = match (rules.len(), findings.len()) {
        (0, _) => format!("No rules apply to {short}."),
        (_, 0) => format!("The rules of {short} allow this push."),
        _ => {
            let list: Vec<String> = findings.iter().map(RuleFinding::sentence).collect();
            format!("This token may bypass the rules of {short} that would refuse the push: {}.", list.join("; "))
        }
    };
    Check::pass(CheckName::BranchRules, text)
}

/// What a rule that is broken comes to. A wanted pull request is the cause before all others: it heals them too.
fn broken(plan: &Plan, facts: &Facts, change: &PlannedUpdate<'_>, open: &[&RuleFinding<'_>]) -> Check {
    let fatal: Vec<&&RuleFinding<'_>> = open.iter().filter(|finding| finding.is_fatal()).collect();
    // What is certain is named alone: what is doubtful beside it would blur the remedy.
    let candidates: Vec<&&RuleFinding<'_>> = if fatal.is_empty() { open.iter().collect() } else { fatal.clone() };
    let requires_pr = |finding: &&&RuleFinding<'_>| finding.breach.cause == Cause::RulesetRequiresPr;
    let Some(first) = candidates.iter().find(|finding| requires_pr(finding)).or(candidates.first()) else {
        return Check::skip(CheckName::BranchRules, "The rules could not be judged.");
    };
    let short = change.name.short();
    let list: Vec<String> = candidates.iter().map(|finding| finding.sentence()).collect();
    let list = list.join("; ");
    let failure = Failure::new(first.breach.cause, String::new()).with_link(first.active.link(plan));
    if fatal.is_empty() {
        let what = format!(
            "A rule may refuse the push to {short}: {list}. Whether this actor may bypass it is not told, so the server decides."
        );
        let remedy = format!("If it is refused: {}", remedy(plan, change, first));
        return Check::warn(CheckName::BranchRules, Failure { what, ..failure }.with_remedy(remedy));
    }
    let standing = standing(plan, facts, first.active.ruleset);
    let what = format!("The push to {short} would be refused: {list}.{standing}");
    Check::fail(CheckName::BranchRules, Failure { what, ..failure }.with_remedy(remedy(plan, change, first)))
}

/// What to do, with the page to open.
fn remedy(plan: &Plan, change: &PlannedUpdate<'_>, finding: &RuleFinding<'_>) -> String {
    let (short, page) = (change.name.short(), finding.active.page(plan));
    let list = onto_bypass_list(plan, &page);
    match finding.breach.cause {
        Cause::RulesetRequiresPr => {
            format!("Set `pull-request: required`, which proposes the change from a branch of its own, or {list}.")
        }
        Cause::RequiredSignatures => signatures(plan, &list),
        Cause::ForcePushForbidden if plan.pushes_refs() => {
            format!("Merge what the target's {short} has and push without `+`, or {list}.")
        }
        Cause::ForcePushForbidden => format!("Use `history: append`, or {list}."),
        Cause::RequiredStatusChecks => {
            format!("Set `pull-request: required`, so that the checks run on a pull request, or {list}.")
        }
        _ => format!("Do what the rule asks, or {list}."),
    }
}

/// What satisfies a rule for signatures: a key of the account, or GitHub itself where the token is a bot's.
fn signatures(plan: &Plan, list: &str) -> String {
    let bot = plan.git_token().is_some_and(|token| !token.kind.has_user());
    if plan.pushes_refs() {
        // A key signs what the step commits, and it commits nothing.
        return format!("Push commits that are signed already, or {list}.");
    }
    if bot && plan.sign() == Sign::No {
        return format!("Remove `sign: no`, so that GitHub signs the commit, or {list}.");
    }
    if bot && !plan.has_default_author() {
        return format!("Remove `author`, so that GitHub signs the commit in the name of the token's bot, or {list}.");
    }
    format!(
        "Set `signing-key` to an SSH key that is registered as a Signing Key of the account in `author`, use the token of an App, for which GitHub signs the commit, or {list}."
    )
}

/// Classic branch protection, of which only an administrator's token sees the details.
fn protection(
    plan: &Plan,
    facts: &Facts,
    change: &PlannedUpdate<'_>,
    branch: &Branch,
    no_rules: bool,
) -> Option<Check> {
    if change.way == Way::Creates || !(branch.protection.enabled || (branch.protected && no_rules)) {
        return None;
    }
    let (short, page) = (change.name.short(), format!("{}/settings/branches", plan.target.web()));
    let checks = &branch.protection.required_status_checks;
    if checks.enforcement_level == "everyone" && !checks.contexts.is_empty() && change.commit.is_some() {
        let what = format!(
            "The branch protection of {short} wants for everyone the status checks {}, which a new commit has not passed.",
            checks.contexts.join(", ")
        );
        let remedy =
            format!("Push to another branch and let the checks run there, or edit the rule of {short} on {page}.");
        let failure = Failure::new(Cause::RequiredStatusChecks, what).with_remedy(remedy).with_link(page);
        return Some(Check::fail(CheckName::BranchRules, failure));
    }
    // Classic protection spares administrators unless it says otherwise, which cannot be seen here.
    let admin = facts.repository.answer().is_some_and(|repository| repository.user_is_admin == Some(true));
    let role = if admin { " The token's account is an administrator, who may be exempt." } else { "" };
    let forced =
        if change.forced == Some(true) { " It forbids to rewrite the branch unless that was allowed." } else { "" };
    let what = format!(
        "{short} has a classic branch protection; what it asks for cannot be seen with this token, so the server decides.{forced}{role}"
    );
    let remedy = format!(
        "If it is refused: on {page} edit the rule of {short}, and add this account or App under \"Allow specified actors to bypass required pull requests\" or \"Restrict who can push\"."
    );
    let failure = Failure::new(Cause::BranchProtected, what).with_remedy(remedy).with_link(page);
    Some(Check::warn(CheckName::BranchRules, failure))
}
