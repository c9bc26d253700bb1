//! A write that was sent and whose outcome is unknown. However the step ends, its failure says that the write may have happened.

use std::sync::{Arc, Mutex, PoisonError};

use crate::diagnosis::Failure;

/// The one write of a target whose outcome is unknown. Clones share their state.
#[derive(Clone, Debug, Default)]
pub struct PendingWrite(Arc<Mutex<Outstanding>>);

/// The writes without a known outcome, each as a noun: "push to gh-pages".
#[derive(Debug, Default)]
struct Outstanding {
    /// The write that is under way.
    sent: Option<String>,
    /// A write sent to a server that stayed silent until the connection was given up: the server can still carry it out.
    unanswered: Option<String>,
}

impl PendingWrite {
    /// Records that `what`, a noun ("push to gh-pages"), is about to be sent.
    pub fn sent(&self, what: &str) {
        self.with(|outstanding| outstanding.sent = Some(what.to_owned()));
    }

    /// Records that the outcome of the last write is known.
    pub fn answered(&self) {
        // An earlier unanswered write stays: the answer to a later attempt says nothing about it.
        self.with(|outstanding| outstanding.sent = None);
    }

    /// Records that nothing tells the outcome of the last write: `what` stays outstanding until [`Self::resolved`].
    pub fn unanswered(&self, what: &str) {
        self.with(|outstanding| *outstanding = Outstanding { sent: None, unanswered: Some(what.to_owned()) });
    }

    /// Whether a write is outstanding.
    pub fn is_open(&self) -> bool {
        self.with(|outstanding| outstanding.sent.is_some() || outstanding.unanswered.is_some())
    }

    /// Records that the change is in place, by whichever attempt, or that no attempt can make it any more.
    pub fn resolved(&self) {
        self.with(|outstanding| *outstanding = Outstanding::default());
    }

    /// `failure` with a sentence that names the outstanding write, if there is one.
    pub fn annotate(&self, mut failure: Failure) -> Failure {
        // Taken, not read: the stage and the step both annotate, and the sentence must stand once.
        let outstanding = self.with(std::mem::take);
        if let Some(what) = outstanding.sent.or(outstanding.unanswered) {
            failure.what.extend([" The ", &what, " was sent and may have been done all the same."]);
        }
        failure
    }

    fn with<T>(&self, change: impl FnOnce(&mut Outstanding) -> T) -> T {
        // A panic elsewhere must not hide that something was sent.
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::Cause;

    fn annotation(pending_write: &PendingWrite) -> String {
        pending_write.annotate(Failure::new(Cause::Cancelled, "It was stopped.")).what
    }

    #[test]
    fn only_a_write_under_way_is_named_and_only_once() {
        let pending_write = PendingWrite::default();
        assert_eq!(annotation(&pending_write), "It was stopped.");
        pending_write.sent("push to gh-pages");
        let same = pending_write.clone();
        assert_eq!(
            annotation(&same),
            "It was stopped. The push to gh-pages was sent and may have been done all the same."
        );
        assert_eq!(annotation(&pending_write), "It was stopped.");
        pending_write.sent("push to gh-pages");
        same.answered();
        assert_eq!(annotation(&pending_write), "It was stopped.");
    }

    #[test]
    fn a_write_to_a_silent_server_is_named_until_it_is_resolved() {
        let pending_write = PendingWrite::default();
        pending_write.sent("push of a, b");
        pending_write.unanswered("push of b");
        pending_write.sent("push of b");
        pending_write.answered();
        assert!(pending_write.is_open());
        assert_eq!(
            annotation(&pending_write),
            "It was stopped. The push of b was sent and may have been done all the same."
        );
        pending_write.unanswered("push of b");
        pending_write.resolved();
        assert!(!pending_write.is_open());
        assert_eq!(annotation(&pending_write), "It was stopped.");
    }
}
