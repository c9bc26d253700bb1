//! Checks of a push of refs: patterns that match nothing, and what `prune` would delete.

use super::check::{Check, CheckName};
use crate::{
    diagnosis::{Cause, Failure},
    names::RefName,
    plan::Plan,
    preflight::facts::Facts,
};

/// How many refs a message names.
const NAMED: usize = 10;

/// So many refs are deleted without a question, however few match.
const FEW: usize = 5;

/// Whether each pattern of `refs` matches something.
pub(super) fn patterns(plan: &Plan) -> Option<Check> {
    let local = plan.refs()?;
    // A plain name that matches nothing has failed before. Only a pattern can match nothing.
    if !local.asked.specs.iter().any(|spec| spec.source.as_deref().is_some_and(|source| source.contains('*'))) {
        return None;
    }
    if local.unmatched.is_empty() {
        return Some(Check::pass(CheckName::Patterns, "Every pattern matches a ref of the checkout."));
    }
    let lines: Vec<String> = local.unmatched.iter().map(|line| format!("`{line}`")).collect();
    let what = format!("{} of `refs` matches no ref of the checkout.", lines.join(", "));
    let remedy = "Set `fetch-depth: 0` under `with:` of actions/checkout, which else fetches one commit and no tags; or correct the pattern.";
    Some(Check::warn(CheckName::Patterns, Failure::new(Cause::PatternUnmatched, what).with_remedy(remedy)))
}

/// What `prune` would delete, and whether that is more than a person is likely to mean.
pub(super) fn prune(plan: &Plan, facts: &Facts) -> Option<Check> {
    plan.refs().filter(|local| local.asked.prune)?;
    let Some(Ok(refs)) = &facts.pushed_refs else {
        return Some(Check::skip(CheckName::Prune, "The refs could not be compared."));
    };
    let (count, matching) = (refs.pruned.len(), refs.prunable);
    if count == 0 {
        return Some(Check::pass(
            CheckName::Prune,
            format!("All {matching} refs that the patterns match have a source."),
        ));
    }
    let list = listed(&refs.pruned);
    // More likely a checkout without its branches (`fetch-depth`) than a wish, and deleted refs do not come back.
    if count > FEW && count * 2 > matching {
        let what = format!("`prune` would delete {count} of the {matching} refs that the patterns match: {list}.");
        return Some(Check::fail(CheckName::Prune, Failure::new(Cause::PruneGuard, what)));
    }
    Some(Check::pass(
        CheckName::Prune,
        format!("Deletes {count} of the {matching} refs that the patterns match: {list}."),
    ))
}

fn listed(names: &[RefName]) -> String {
    let mut list: Vec<&str> = names.iter().take(NAMED).map(RefName::as_str).collect();
    let more = names.len().saturating_sub(NAMED);
    let rest = format!("and {more} more");
    if more > 0 {
        list.push(&rest);
    }
    list.join(", ")
}
