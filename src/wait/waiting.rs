//! A relay whose runs are still to be waited for.

use std::time::Duration;

use crate::{
    diagnosis::{Cause, Failure},
    github::model::Run,
    plan::Plan,
    preflight::Cleared,
    push::written::WrittenRef,
    trigger::Start,
};

/// After how long without a run it is looked for the reason; runs show within seconds.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// A relay that has done everything but wait.
#[derive(Debug)]
pub struct Waiting {
    /// The plan.
    pub cleared: Cleared<Plan>,
    /// What was started.
    pub starts: Vec<Start>,
    /// What was pushed, branches before tags.
    pub places: Vec<WrittenRef>,
}

impl Waiting {
    /// Who caused the runs: an account of this name, or any App where the token stands for one. Where the account's name could
    /// not be learned, anybody.
    pub(super) fn is_ours(&self, run: &Run) -> bool {
        let actor = &run.actor.login;
        match self.cleared.login() {
            Some(login) => run.may_be_by(login),
            None if self.cleared.plan().token().is_some_and(|token| token.kind.has_user()) => true,
            None => actor.is_empty() || actor.ends_with("[bot]"),
        }
    }
}

/// A failure with this cause that says how to see for oneself.
pub(super) fn failure(cause: Cause, what: String, link: Option<&str>) -> Failure {
    let failure = Failure::new(cause, what);
    match link {
        Some(link) if !link.is_empty() => failure.with_link(link),
        _ => failure,
    }
}
