//! The judgement: from the plan and the facts to the checks. Pure: the same facts give the same verdicts.

use super::{
    check::Check,
    content::{file_size, tag},
    facts::Facts,
    target::{permission, rate_limit, repository, triggers},
    token,
};
use crate::{
    diagnosis::{Cause, Failure},
    plan::Plan,
};

/// All checks that concern this plan, in the order of the report. A `fail` that the plan ignores is a warning already.
pub fn judge(plan: &Plan, facts: &Facts) -> Vec<Check> {
    let Some(given) = &plan.token else { return vec![token::present(plan)] };
    let mut checks: Vec<Check> = [
        Some(token::present(plan)),
        Some(token::kind(given.kind)),
        Some(token::valid(plan, facts)),
        Some(token::expiry(plan, facts)),
        token::scope(plan, facts),
        Some(repository(plan, facts)),
        Some(permission(plan, facts)),
        Some(rate_limit(plan, facts)),
        file_size(plan, facts),
        tag(plan, facts),
        triggers(plan),
    ]
    .into_iter()
    .flatten()
    .map(|check| if plan.behaviour.ignore_checks.contains(check.name.name()) { check.ignored() } else { check })
    .collect();
    checks.sort_by_key(|check| check.name);
    checks
}

/// The one failure that stands for all of them: a dead token explains every other refusal, a hidden repository the
/// missing permission. The checks stand in that order, so the first is the cause.
pub fn first_failure(checks: &[Check]) -> Option<&Failure> {
    checks.iter().find_map(Check::failure)
}

/// A task of this program that did not come to its end.
pub(super) fn contradiction() -> Failure {
    Failure::new(Cause::InternalError, "The preflight did not come to its end.")
}
