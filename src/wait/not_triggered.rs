//! The failure of an expectation that no run met.

use std::time::Duration;

use super::{Expected, Origin, Waiting, failure};
use crate::diagnosis::{Cause, Failure};

/// Why there is no run.
#[derive(Clone, Debug)]
pub(super) struct Reason {
    pub(super) cause: Cause,
    /// Whole sentences.
    pub(super) why: String,
    pub(super) remedy: Option<String>,
    /// Whether it is sure that none will come.
    pub(super) certain: bool,
}

impl Reason {
    pub(super) fn certain(why: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { cause: Cause::NotTriggered, why: why.into(), remedy: Some(remedy.into()), certain: true }
    }

    pub(super) fn likely(why: impl Into<String>) -> Self {
        Self { cause: Cause::NotTriggered, why: why.into(), remedy: None, certain: false }
    }
}

/// The failure of an expectation that no run met.
pub(super) fn not_triggered(
    expected: &Expected,
    waiting: &Waiting,
    after: Duration,
    reason: Option<Reason>,
) -> Failure {
    let after = humantime::format_duration(Duration::from_secs(after.as_secs()));
    let whence = match &expected.origin {
        Origin::Trigger(_) => String::new(),
        Origin::File(_) | Origin::Pages => {
            let missing = expected.missing(waiting);
            let all = expected.places(waiting);
            let named = all.filter(|place| missing.is_empty() || missing.iter().any(|one| one.name == place.name));
            let names: Vec<&str> = named.map(|place| place.name.short()).collect();
            if names.is_empty() { String::new() } else { format!(" for {}", names.join(", ")) }
        }
    };
    let link = format!("{}/actions", waiting.cleared.plan().target.web());
    let begin = format!("No run of {}{whence} showed within {after}.", expected.name());
    match reason {
        None => failure(Cause::NotTriggered, format!("{begin} No reason was found."), Some(&link)),
        Some(reason) => {
            let failure = failure(reason.cause, format!("{begin} {}", reason.why), Some(&link));
            match reason.remedy {
                Some(remedy) => failure.with_remedy(remedy),
                None => failure,
            }
        }
    }
}
