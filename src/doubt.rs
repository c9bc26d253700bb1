//! What was sent and not answered yet. Whatever ends the step meanwhile, the failure says that it may have been done.

use std::sync::{Arc, Mutex, PoisonError};

use crate::diagnosis::Failure;

/// The one write of a target that is under way. A clone is the same doubt.
#[derive(Clone, Debug, Default)]
pub struct Doubt(Arc<Mutex<Option<String>>>);

impl Doubt {
    /// `what`, a noun ("push to gh-pages"), is about to be sent.
    pub fn begin(&self, what: &str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(what.to_owned());
    }

    /// It is known what became of it.
    pub fn clear(&self) {
        self.take();
    }

    /// The same failure, with what is in doubt.
    pub fn tell(&self, mut failure: Failure) -> Failure {
        if let Some(what) = self.take() {
            failure.what.extend([" The ", &what, " was sent and may have been done all the same."]);
        }
        failure
    }

    fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::Cause;

    #[test]
    fn only_what_is_under_way_is_in_doubt_and_it_is_told_once() {
        let doubt = Doubt::default();
        let told = |doubt: &Doubt| doubt.tell(Failure::new(Cause::Cancelled, "It was stopped.")).what;
        assert_eq!(told(&doubt), "It was stopped.");
        doubt.begin("push to gh-pages");
        let same = doubt.clone();
        assert_eq!(told(&same), "It was stopped. The push to gh-pages was sent and may have been done all the same.");
        assert_eq!(told(&doubt), "It was stopped.");
        doubt.begin("push to gh-pages");
        same.clear();
        assert_eq!(told(&doubt), "It was stopped.");
    }
}
