//! What was sent and is not known to be done. Whatever ends the step, the failure says that it may have been done.

use std::sync::{Arc, Mutex, PoisonError};

use crate::diagnosis::Failure;

/// The one write of a target that is in doubt. A clone is the same doubt.
#[derive(Clone, Debug, Default)]
pub struct Doubt(Arc<Mutex<Open>>);

/// A noun each: "push to gh-pages".
#[derive(Debug, Default)]
struct Open {
    /// Under way.
    sent: Option<String>,
    /// Sent before, to a server that was silent until it was given up on: it may do it yet, whatever becomes of later tries.
    lingering: Option<String>,
}

impl Doubt {
    /// `what`, a noun ("push to gh-pages"), is about to be sent.
    pub fn begin(&self, what: &str) {
        self.with(|open| open.sent = Some(what.to_owned()));
    }

    /// It is known what became of what was sent last.
    pub fn clear(&self) {
        self.with(|open| open.sent = None);
    }

    /// Nothing tells what becomes of what was sent last: `what` stays in doubt until it is settled.
    pub fn linger(&self, what: &str) {
        self.with(|open| *open = Open { sent: None, lingering: Some(what.to_owned()) });
    }

    /// Whether something is in doubt.
    pub fn is_open(&self) -> bool {
        self.with(|open| open.sent.is_some() || open.lingering.is_some())
    }

    /// It is done, by whichever try, or none can do it any more.
    pub fn settle(&self) {
        self.with(|open| *open = Open::default());
    }

    /// The same failure, with what is in doubt.
    pub fn tell(&self, mut failure: Failure) -> Failure {
        let open = self.with(std::mem::take);
        if let Some(what) = open.sent.or(open.lingering) {
            failure.what.extend([" The ", &what, " was sent and may have been done all the same."]);
        }
        failure
    }

    fn with<T>(&self, change: impl FnOnce(&mut Open) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::Cause;

    fn told(doubt: &Doubt) -> String {
        doubt.tell(Failure::new(Cause::Cancelled, "It was stopped.")).what
    }

    #[test]
    fn only_what_is_under_way_is_in_doubt_and_it_is_told_once() {
        let doubt = Doubt::default();
        assert_eq!(told(&doubt), "It was stopped.");
        doubt.begin("push to gh-pages");
        let same = doubt.clone();
        assert_eq!(told(&same), "It was stopped. The push to gh-pages was sent and may have been done all the same.");
        assert_eq!(told(&doubt), "It was stopped.");
        doubt.begin("push to gh-pages");
        same.clear();
        assert_eq!(told(&doubt), "It was stopped.");
    }

    #[test]
    fn what_a_silent_server_may_do_yet_stays_in_doubt_until_it_is_settled() {
        let doubt = Doubt::default();
        doubt.begin("push of a, b");
        doubt.linger("push of b");
        doubt.begin("push of b");
        doubt.clear();
        assert!(doubt.is_open());
        assert_eq!(told(&doubt), "It was stopped. The push of b was sent and may have been done all the same.");
        doubt.linger("push of b");
        doubt.settle();
        assert!(!doubt.is_open());
        assert_eq!(told(&doubt), "It was stopped.");
    }
}
