//! The checks of the target: is it there, may this credential write to it, is there budget left, will a push start anything.

use std::time::Duration;

use super::{
    check::{Check, CheckName},
    facts::{Facts, Refusal},
};
use crate::{
    credential::TokenKind,
    diagnosis::{Cause, Failure},
    plan::Plan,
};

/// Whether the repository exists, can be seen and takes changes.
pub(super) fn repository(plan: &Plan, facts: &Facts) -> Check {
    let name = &plan.target.slug;
    if let Some(repository) = facts.repository.answer() {
        if repository.archived {
            let what = format!("{name} is archived: it is read-only.");
            return Check::fail(CheckName::Repository, Failure::new(Cause::RepoArchived, what));
        }
        if repository.disabled {
            let what = format!("{name} is disabled by GitHub.");
            return Check::fail(CheckName::Repository, Failure::new(Cause::RepoDisabled, what));
        }
        let visibility = if repository.public { "public" } else { "private" };
        let renamed = !repository.full_name.is_empty() && !repository.full_name.eq_ignore_ascii_case(&name.to_string());
        let text = if renamed {
            format!("{name} is now {}; its old name still leads there. It is {visibility}.", repository.full_name)
        } else {
            format!("{name} is there and {visibility}.")
        };
        return Check::pass(CheckName::Repository, text);
    }
    if facts.refs.answer().is_some() {
        return Check::pass(CheckName::Repository, format!("{name} is there: git may push to it."));
    }
    match facts.repository.refusal() {
        Some(Refusal { failure, .. }) => Check::fail(CheckName::Repository, failure.clone()),
        None => Check::skip(CheckName::Repository, format!("{name} could not be asked about.")),
    }
}

/// Whether the credential may write: the start of a push is asked for, which is what the push itself will ask for.
pub(super) fn permission(plan: &Plan, facts: &Facts) -> Check {
    if facts.refs.answer().is_some() {
        let text = "git may push here (Contents: write).";
        return Check::pass(CheckName::Permission, text);
    }
    match facts.refs.refusal() {
        Some(Refusal { failure, .. }) if plan.writes() => Check::fail(CheckName::Permission, failure.clone()),
        Some(Refusal { failure, .. }) => {
            let what = format!("The token may read here, not write. {}", failure.what);
            Check::warn(CheckName::Permission, Failure { what, ..failure.clone() })
        }
        None => Check::skip(CheckName::Permission, "Whether git may push here was not asked."),
    }
}

/// Fewer requests left than this are worth a warning: another job of the same account may need them too.
const FEW_REQUESTS: u64 = 50;

/// Whether enough requests are left in this hour.
pub(super) fn rate_limit(plan: &Plan, facts: &Facts) -> Check {
    let Some(rate) = facts.token.rate else {
        return Check::pass(CheckName::RateLimit, "The server names no limit.");
    };
    let left = format!("{} of {} requests are left in this hour", rate.remaining, rate.limit);
    let minutes = rate.reset_in.as_secs().div_ceil(60);
    if rate.remaining == 0 && plan.triggers() {
        let what = format!("{left}; the budget is full again in {minutes} min.");
        let failure = Failure::new(Cause::PrimaryRateLimit, what);
        // A reset within the step's budget is waited for by the request itself.
        return if rate.reset_in > plan.behaviour.timeout {
            Check::fail(CheckName::RateLimit, failure)
        } else {
            Check::warn(CheckName::RateLimit, failure)
        };
    }
    if rate.remaining < FEW_REQUESTS && rate.reset_in > Duration::ZERO {
        let what = format!("Only {left}; the budget is full again in {minutes} min.");
        return Check::warn(CheckName::RateLimit, Failure::new(Cause::PrimaryRateLimit, what));
    }
    Check::pass(CheckName::RateLimit, format!("{left}."))
}

/// The markers in a commit message that keep `push` workflows from starting.
///
/// Source: <https://docs.github.com/en/actions/how-tos/manage-workflow-runs/skip-workflow-runs>
const SKIP_MARKERS: &[&str] = &["[skip ci]", "[ci skip]", "[no ci]", "[skip actions]", "[actions skip]"];

/// Whether what is pushed will start workflows; judged only where a start is hoped for.
pub(super) fn triggers(plan: &Plan) -> Option<Check> {
    if !plan.expects_start() {
        return None;
    }
    let kind = plan.token.as_ref().map(|token| token.kind);
    if kind == Some(TokenKind::GithubToken) {
        let what = "What GITHUB_TOKEN pushes, a branch or a tag, starts no workflow.";
        let failure = Failure::new(Cause::GithubTokenDoesNotTrigger, what);
        return Some(Check::warn(CheckName::Triggers, failure));
    }
    let message = plan.commit_message().unwrap_or_default().to_lowercase();
    if let Some(marker) = SKIP_MARKERS.iter().find(|marker| message.contains(**marker)) {
        let what = format!("The commit message holds `{marker}`, which keeps workflows from starting.");
        let remedy = format!("Take `{marker}` out of `message`.");
        return Some(Check::warn(CheckName::Triggers, Failure::new(Cause::NotTriggered, what).with_remedy(remedy)));
    }
    Some(Check::pass(CheckName::Triggers, "Pushes of this token start workflows."))
}
