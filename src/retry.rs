//! Trying again: how often, after which pause, and when not.
//!
//! The decision is a pure state machine ([`Schedule`]) over what a [`Failure`] says about itself; [`Retries`] adds the clock,
//! the pause and the one line in the log. Nothing else in this crate pauses or counts tries.

mod pace;
mod pause;
mod schedule;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::Utc;

use self::pause::chance;
pub use self::{
    pace::Pace,
    pause::{Clock, Jitter, Pause},
    schedule::Schedule,
};
use crate::{
    diagnosis::{Cause, Failure, Retry},
    progress::{Event, Watch},
};

/// The most that a pause after a lost race lasts.
const LONGEST_RACE: Duration = Duration::from_mins(1);
/// The least that a try to win a race is taken to last: the pauses between such tries are multiples of it.
const SHORTEST_RACE: Duration = Duration::from_millis(100);

/// The first pause after a lost race is drawn between nothing and this many times the length of the try.
const FIRST_SPREAD: u32 = 3;
/// How many commits come in during one try when the publishers of a branch are well spread. With more of them most tries are
/// lost, with fewer the branch idles. Measured with 12 and with 200 publishers.
const BUSY: f64 = 0.7;
/// The least bound of the pause, as a part of the length of the try: those that are left must not come back all at once.
const LEAST_BOUND: f64 = 0.5;
/// How the bound of the pause changes from one lost race to the next, at least and at most.
const LEAST_GROWTH: f64 = 0.5;
const MOST_GROWTH: f64 = 1.5;

/// Compare-and-swaps that another push won. They are no failures and not counted as attempts: only the budget ends them.
///
/// A try is lost to any other that ends while it lasts, so the publishers of a branch must spread. The pause is drawn between
/// nothing and a bound. The bound follows what the new tip shows: it grows while more than [`BUSY`] commits come in during a
/// try, and shrinks while fewer do. No publisher has to know how many others there are, and those that are left at the end
/// do not idle.
pub struct Races<'a> {
    retries: &'a Retries,
    lost: u32,
    /// The upper end of the next pause; none before the first lost race.
    bound: Option<Duration>,
    /// The length of the last try.
    took: Duration,
    /// Whether the last lost race was followed by a look.
    seen: bool,
}

impl Races<'_> {
    /// How many were lost so far.
    pub fn count(&self) -> u32 {
        self.lost
    }

    /// After a lost race: returns after a pause, or with the budget's end. `what` is a noun: "push to gh-pages"; `took` is
    /// the length of the try, from the look at the ref to the news that it is lost.
    pub async fn lost(&mut self, what: &str, took: Duration) -> Result<(), Failure> {
        self.took = took.max(SHORTEST_RACE);
        match self.bound {
            None => self.bound = Some(self.took.saturating_mul(FIRST_SPREAD)),
            // Nobody looked at the branch since: it is taken to be as busy as can be.
            Some(_) if !self.seen => self.grow(MOST_GROWTH),
            Some(_) => {}
        }
        self.lost += 1;
        tracing::debug!(lost = self.lost, seen = self.seen, ?took, bound = ?self.bound, "lost a race");
        self.seen = false;
        let left = self.retries.left();
        if left.is_zero() {
            let lost = self.lost;
            let times = if lost == 1 { "once".to_owned() } else { format!("{lost} times") };
            let what =
                format!("The step's whole budget (`timeout`) ran out: the {what} lost against other pushes {times}.");
            return Err(Failure::new(Cause::Timeout, what));
        }
        // No pause takes the time that another try needs.
        let bound = self.bound.unwrap_or_default().max(self.least()).min(LONGEST_RACE).min(left / 2);
        self.retries.pause(bound.mul_f64((self.retries.jitter)().clamp(0.0, 1.0))).await;
        Ok(())
    }

    /// After the look that follows a lost race: `commits` came in since the look before, which is `since` ago.
    pub fn seen(&mut self, commits: u32, since: Duration) {
        self.seen = true;
        tracing::debug!(commits, ?since, took = ?self.took, "looked at the branch after a lost race");
        let since = since.max(self.took);
        self.grow(f64::from(commits) * self.took.div_duration_f64(since) / BUSY);
    }

    fn grow(&mut self, factor: f64) {
        let least = self.least();
        if let Some(bound) = &mut self.bound {
            *bound = bound.mul_f64(factor.clamp(LEAST_GROWTH, MOST_GROWTH)).max(least).min(LONGEST_RACE);
        }
    }

    fn least(&self) -> Duration {
        self.took.mul_f64(LEAST_BOUND)
    }
}

/// The policy of one step: how many tries, until when, and who is told.
#[derive(Clone)]
pub struct Retries {
    attempts: u32,
    deadline: Instant,
    watch: Arc<dyn Watch>,
    pauser: Arc<dyn Pause>,
    jitter: Jitter,
    pace: Pace,
}

impl Retries {
    /// At most `attempts` tries of each thing, none of them beyond `deadline`.
    pub fn new(attempts: u32, deadline: Instant, watch: Arc<dyn Watch>) -> Self {
        Self {
            attempts,
            deadline,
            watch,
            pauser: Arc::new(Clock),
            jitter: Arc::new(chance),
            pace: Pace::new(Duration::ZERO),
        }
    }

    /// The same, told to another.
    #[must_use]
    pub fn watched(mut self, watch: Arc<dyn Watch>) -> Self {
        self.watch = watch;
        self
    }

    /// The same with other pauses.
    #[must_use]
    pub fn with_pauser(mut self, pauser: Arc<dyn Pause>) -> Self {
        self.pauser = pauser;
        self
    }

    /// The same with another source of chance.
    #[must_use]
    pub fn with_jitter(mut self, jitter: Jitter) -> Self {
        self.jitter = jitter;
        self
    }

    /// The same, in step with the other targets.
    #[must_use]
    pub fn paced(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    /// Waits for the turn of a REST request that changes something.
    pub async fn turn(&self) {
        let pause = self.pace.take_turn();
        if !pause.is_zero() {
            self.pause(pause).await;
        }
    }

    /// The same with another end: the wait stage has a budget of its own.
    #[must_use]
    pub fn until(mut self, deadline: Instant) -> Self {
        self.deadline = deadline;
        self
    }

    /// What is left of the budget.
    pub fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Where the budget ends.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Passes `length`, for polls; a budget that is shorter ends it earlier.
    pub async fn pause(&self, length: Duration) {
        self.pauser.pause(length.min(self.left())).await;
    }

    /// A count of lost races.
    pub fn races(&self) -> Races<'_> {
        Races { retries: self, lost: 0, bound: None, took: SHORTEST_RACE, seen: false }
    }

    /// Does `attempt` until it succeeds, fails for good, or may not be tried again. `what` is a noun: "push to gh-pages".
    ///
    /// A try that outlasts the budget is dropped and ends with [`Cause::Timeout`]. A failure that is
    /// [`Retry::Unclear`] or [`Retry::Silence`] is returned at once: the caller looks what became of it first.
    // NOTE: with `AsyncFnMut` the whole would not be `Send` as soon as the closure borrows (rust-lang/rust#110338).
    pub async fn run<T, E, A, F>(&self, what: &str, mut attempt: A) -> Result<T, Failure>
    where
        E: Into<Failure>,
        A: FnMut() -> F,
        F: Future<Output = Result<T, E>>,
    {
        let mut schedule = Schedule::new(self.attempts, Arc::clone(&self.jitter));
        // The end of the budget alone would hide why no attempt succeeded.
        let mut before: Option<Failure> = None;
        loop {
            if self.left().is_zero() {
                return Err(out_of_time(what, before));
            }
            // A limit that another target met holds for the account, and so for this one.
            let held = self.pace.held();
            if !held.is_zero() {
                self.pause(held).await;
            }
            let failure = match tokio::time::timeout_at(self.deadline.into(), attempt()).await {
                Ok(Ok(done)) => return Ok(done),
                Ok(Err(error)) => error.into(),
                Err(_) => return Err(out_of_time(what, before)),
            };
            let pause = schedule.after(failure.clone(), self.left(), Utc::now())?;
            // A pause that is too long to be begun holds nobody else up either: git may go on where REST may not.
            if let (Cause::PrimaryRateLimit | Cause::SecondaryRateLimit, Retry::After(pause)) =
                (failure.cause, failure.retry)
            {
                self.pace.hold(pause);
            }
            self.watch.see(Event::Retry {
                what,
                failure: &failure,
                attempt: schedule.failed(),
                attempts: self.attempts,
                pause,
            });
            self.pauser.pause(pause).await;
            before = Some(failure);
        }
    }
}

impl fmt::Debug for Retries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retries").field("attempts", &self.attempts).field("left", &self.left()).finish_non_exhaustive()
    }
}

fn out_of_time(what: &str, before: Option<Failure>) -> Failure {
    let before = before.map_or_else(String::new, |failure| format!(" The try before had failed: {}", failure.what));
    Failure::new(Cause::Timeout, format!("The step's whole budget (`timeout`) ran out during the {what}.{before}"))
}
