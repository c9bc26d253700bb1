//! The pace that the targets of a step keep together.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// What all targets of a step share: the pause between two writes over REST, and a limit that one of them met.
///
/// Source: <https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api>
#[derive(Clone, Debug)]
pub struct Pace {
    between: Duration,
    next_write: Arc<Mutex<Instant>>,
    held_until: Arc<Mutex<Instant>>,
}

impl Pace {
    /// At least `between` from one write to the next.
    pub fn new(between: Duration) -> Self {
        let now = Instant::now();
        Self { between, next_write: Arc::new(Mutex::new(now)), held_until: Arc::new(Mutex::new(now)) }
    }

    /// How long a write that is about to be sent has to wait; the turn is taken with the answer.
    pub(super) fn take_turn(&self) -> Duration {
        let mut next = self.next_write.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let turn = (*next).max(now);
        // Under the lock, so that two targets that ask at once get different turns.
        *next = turn + self.between;
        turn - now
    }

    pub(super) fn hold(&self, pause: Duration) {
        let mut until = self.held_until.lock().unwrap_or_else(PoisonError::into_inner);
        // A shorter limit that another target meets must not end a longer one.
        *until = (*until).max(Instant::now() + pause);
    }

    pub(super) fn held(&self) -> Duration {
        let until = *self.held_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.saturating_duration_since(Instant::now())
    }
}
