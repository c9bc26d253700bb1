//! The decision about the next try, as a state machine without a clock.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::pause::{Jitter, Jittered};
use crate::{
    diagnosis::{Failure, Retry},
    names::moment::rfc3339,
};

/// The upper end of the first pause between tries; each further one is twice as long.
const FIRST: Duration = Duration::from_secs(1);
/// The upper end that no pause exceeds, unless a server names a longer one.
const LONGEST: Duration = Duration::from_mins(1);

/// The tries of one thing: which pause follows a failed one, or why none does.
pub struct Schedule {
    attempts: u32,
    failed: u32,
    pauses: Jittered,
}

impl Schedule {
    /// At most `attempts` tries, at least one.
    pub fn new(attempts: u32, jitter: Jitter) -> Self {
        Self { attempts: attempts.max(1), failed: 0, pauses: Jittered::new(FIRST, LONGEST, jitter) }
    }

    /// How many tries failed so far.
    pub fn failed(&self) -> u32 {
        self.failed
    }

    /// After a try that failed: the pause before the next one, or the failure to end with. `left` is what remains of the
    /// budget, `now` the time that a limit's reset is told by.
    ///
    /// A server's own pause is kept to the second. One longer than what is left is not begun. What is
    /// [`Retry::Never`], [`Retry::Unclear`] or [`Retry::Silence`] comes back as it is: only the caller can find out what
    /// became of the latter two.
    pub fn after(&mut self, failure: Failure, left: Duration, now: DateTime<Utc>) -> Result<Duration, Failure> {
        self.failed += 1;
        let (pause, reset) = match failure.retry {
            Retry::Never | Retry::Unclear(_) | Retry::Silence => return Err(failure),
            Retry::Backoff => (self.pauses.next(), None),
            // NOTE: the number is the server's, and may be beyond any calendar.
            Retry::After(pause) => {
                (pause, TimeDelta::from_std(pause).ok().and_then(|pause| now.checked_add_signed(pause)))
            }
        };
        // The reset time goes with the last failure too: it tells when the step can be run again.
        if self.failed >= self.attempts {
            let tried = if self.failed > 1 { format!(" It was tried {} times.", self.failed) } else { String::new() };
            return Err(ended(failure, reset, &tried));
        }
        if pause > left {
            let seconds = pause.as_secs_f64().ceil();
            let why = format!(" The next try is due in {seconds} s, which is later than `timeout` allows.");
            return Err(ended(failure, reset, &why));
        }
        Ok(pause)
    }
}

/// The failure to end with. Whoever tries something larger again does not begin from the start with this part of it.
fn ended(mut failure: Failure, reset: Option<DateTime<Utc>>, why: &str) -> Failure {
    failure.retry = Retry::Never;
    failure.what.push_str(why);
    if let Some(reset) = reset {
        let reset = rfc3339(reset);
        failure.what.extend([" The server takes it again from ", &reset, "."]);
    }
    failure
}
