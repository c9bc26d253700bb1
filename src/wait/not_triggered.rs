//! The reason that nothing started, as it is found.

use crate::diagnosis::Cause;

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
