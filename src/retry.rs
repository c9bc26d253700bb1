//! Trying again: how often, after which pause, and when not.
//!
//! The decision is a pure state machine ([`Schedule`]) over what a [`Failure`] says about itself; [`Retries`] adds the clock,
//! the pause and the one line in the log. Nothing else in this crate pauses or counts tries.

use std::{
    fmt,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use backoff::{ExponentialBackoff, ExponentialBackoffBuilder, backoff::Backoff};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use futures_util::future::BoxFuture;

use crate::{
    diagnosis::{Cause, Failure, Retry},
    progress::{Event, Watch},
};

/// The upper end of the first pause between tries; each further one is twice as long.
const FIRST: Duration = Duration::from_secs(1);
/// The upper end that no pause exceeds, unless a server names a longer one.
const LONGEST: Duration = Duration::from_mins(1);
/// The least that a try to win a race is taken to last: the pauses between such tries are multiples of it.
const SHORTEST_RACE: Duration = Duration::from_millis(100);

/// Where chance comes from: a number from 0 up to, but not including, 1.
pub type Jitter = Arc<dyn Fn() -> f64 + Send + Sync>;

/// Chance from the operating system.
fn chance() -> f64 {
    // NOTE: the version and variant of a random UUID lie in its upper half; 53 bits are what a float holds.
    let bits = u64::try_from(uuid::Uuid::new_v4().as_u128() & ((1 << 53) - 1)).unwrap_or(0);
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit a float exactly")]
    let fraction = bits as f64 / (1_u64 << 53) as f64;
    fraction
}

/// How a pause passes.
pub trait Pause: Send + Sync {
    /// Returns after `length`.
    fn pause(&self, length: Duration) -> BoxFuture<'_, ()>;
}

/// Real time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock;

impl Pause for Clock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that pauses")]
    fn pause(&self, length: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(length))
    }
}

/// A pause that is drawn between nothing and a bound, which doubles each time ("full jitter": many steps
/// that failed at once do not come back at once).
///
/// Source: <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>
struct Jittered {
    bounds: ExponentialBackoff,
    jitter: Jitter,
}

impl Jittered {
    fn new(first: Duration, longest: Duration, jitter: Jitter) -> Self {
        // The crate's own randomness can not be asked in a test: it gives the bounds, and chance is applied to them here.
        let bounds = ExponentialBackoffBuilder::new()
            .with_initial_interval(first)
            .with_multiplier(2.0)
            .with_randomization_factor(0.0)
            .with_max_interval(longest)
            .with_max_elapsed_time(None)
            .build();
        Self { bounds, jitter }
    }

    fn next(&mut self) -> Duration {
        let bound = self.bounds.next_backoff().unwrap_or(LONGEST);
        bound.mul_f64((self.jitter)().clamp(0.0, 1.0))
    }
}

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
    /// [`Retry::Never`] or [`Retry::Unclear`] comes back as it is: only the caller can find out what became of the latter.
    pub fn after(&mut self, failure: Failure, left: Duration, now: DateTime<Utc>) -> Result<Duration, Failure> {
        self.failed += 1;
        let (pause, reset) = match failure.retry {
            Retry::Never | Retry::Unclear => return Err(failure),
            Retry::Backoff => (self.pauses.next(), None),
            // NOTE: the number is the server's, and may be beyond any calendar.
            Retry::After(pause) => {
                (pause, TimeDelta::from_std(pause).ok().and_then(|pause| now.checked_add_signed(pause)))
            }
        };
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

fn ended(mut failure: Failure, reset: Option<DateTime<Utc>>, why: &str) -> Failure {
    failure.what.push_str(why);
    if let Some(reset) = reset {
        let reset = reset.to_rfc3339_opts(SecondsFormat::Secs, true);
        failure.what.extend([" The server takes it again from ", &reset, "."]);
    }
    failure
}

/// Compare-and-swaps that another push won. They are no failures and not counted as tries: only the budget ends them.
pub struct Races<'a> {
    retries: &'a Retries,
    lost: u32,
}

impl Races<'_> {
    /// How many were lost so far.
    pub fn count(&self) -> u32 {
        self.lost
    }

    /// After a lost race: returns after a pause, or with the budget's end. `what` is a noun: "push to gh-pages"; `took` is
    /// how long the try lasted, from the look at the ref to the news that it is lost.
    ///
    /// The pause is drawn between nothing and 1, 3, 5, … times `took`. A try is lost to any other that ends while it lasts,
    /// so what counts is how many others there are for each such span: the slower the server, or the more they are, the
    /// further they spread. Growth in steps, not by doubling, since after a few losses a doubled pause idles for longer than
    /// the others need.
    pub async fn lost(&mut self, what: &str, took: Duration) -> Result<(), Failure> {
        let steps = self.lost.saturating_mul(2).saturating_add(1);
        self.lost += 1;
        let left = self.retries.left();
        if left.is_zero() {
            let lost = self.lost;
            let times = if lost == 1 { "once".to_owned() } else { format!("{lost} times") };
            let what =
                format!("The step's whole budget (`timeout`) ran out: the {what} lost against other pushes {times}.");
            return Err(Failure::new(Cause::Timeout, what));
        }
        // No pause takes the time that another try needs.
        let bound = took.max(SHORTEST_RACE).saturating_mul(steps).min(LONGEST).min(left / 2);
        self.retries.pause(bound.mul_f64((self.retries.jitter)().clamp(0.0, 1.0))).await;
        Ok(())
    }
}

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
    fn take_turn(&self) -> Duration {
        let mut next = self.next_write.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let turn = (*next).max(now);
        *next = turn + self.between;
        turn - now
    }

    fn hold(&self, pause: Duration) {
        let mut until = self.held_until.lock().unwrap_or_else(PoisonError::into_inner);
        *until = (*until).max(Instant::now() + pause);
    }

    fn held(&self) -> Duration {
        let until = *self.held_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.saturating_duration_since(Instant::now())
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
        Races { retries: self, lost: 0 }
    }

    /// Does `attempt` until it succeeds, fails for good, or may not be tried again. `what` is a noun: "push to gh-pages".
    ///
    /// A try that outlasts the budget is dropped and ends with [`Cause::Timeout`]. A failure that is
    /// [`Retry::Unclear`] is returned at once: the caller looks what became of it first.
    // NOTE: with `AsyncFnMut` the whole would not be `Send` as soon as the closure borrows (rust-lang/rust#110338).
    pub async fn run<T, A, F>(&self, what: &str, mut attempt: A) -> Result<T, Failure>
    where
        A: FnMut() -> F,
        F: Future<Output = Result<T, Failure>>,
    {
        let mut schedule = Schedule::new(self.attempts, Arc::clone(&self.jitter));
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
                Ok(Err(failure)) => failure,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Unwatched;

    /// Takes no time and remembers what was asked of it.
    #[derive(Default)]
    struct Remembered(Mutex<Vec<Duration>>);

    impl Pause for Remembered {
        fn pause(&self, length: Duration) -> BoxFuture<'_, ()> {
            self.0.lock().unwrap().push(length);
            Box::pin(std::future::ready(()))
        }
    }

    fn fixed(value: f64) -> Jitter {
        Arc::new(move || value)
    }

    fn passing() -> Failure {
        Failure::new(Cause::ServerError, "It failed.").with_retry(Retry::Backoff)
    }

    fn noon() -> DateTime<Utc> {
        "2026-11-21T12:00:00Z".parse().unwrap()
    }

    fn millis(durations: &[Duration]) -> Vec<u128> {
        durations.iter().map(Duration::as_millis).collect()
    }

    fn schedule_of(attempts: u32, value: f64) -> Vec<Duration> {
        let mut schedule = Schedule::new(attempts, fixed(value));
        std::iter::from_fn(|| schedule.after(passing(), Duration::MAX, noon()).ok()).collect()
    }

    #[test]
    fn the_bound_of_the_pause_doubles_up_to_a_minute() {
        assert_eq!(millis(&schedule_of(5, 1.0)), [1000, 2000, 4000, 8000]);
        assert_eq!(millis(&schedule_of(5, 0.5)), [500, 1000, 2000, 4000]);
        assert_eq!(millis(&schedule_of(5, 0.0)), [0, 0, 0, 0]);
        assert_eq!(millis(&schedule_of(10, 1.0)[5..]), [32_000, 60_000, 60_000, 60_000]);
        assert!(schedule_of(1, 1.0).is_empty());
        assert!(schedule_of(0, 1.0).is_empty());
    }

    #[test]
    fn chance_is_spread_over_the_whole_range() {
        let drawn: Vec<f64> = (0..1000).map(|_| chance()).collect();
        assert!(drawn.iter().all(|value| (0.0..1.0).contains(value)));
        let low = drawn.iter().filter(|value| **value < 0.5).count();
        assert!((300..700).contains(&low), "{low} of 1000 in the lower half");
    }

    #[test]
    fn a_pause_that_the_server_names_is_kept_to_the_second() {
        let limited =
            Failure::new(Cause::SecondaryRateLimit, "Slow down.").with_retry(Retry::After(Duration::from_secs(37)));
        let mut schedule = Schedule::new(3, fixed(0.5));
        assert_eq!(schedule.after(limited.clone(), Duration::MAX, noon()).unwrap(), Duration::from_secs(37));
        assert_eq!(schedule.after(passing(), Duration::MAX, noon()).unwrap(), Duration::from_millis(500));
        let end = schedule.after(limited, Duration::MAX, noon()).unwrap_err();
        assert_eq!(end.cause, Cause::SecondaryRateLimit);
        assert_eq!(end.what, "Slow down. It was tried 3 times. The server takes it again from 2026-11-21T12:00:37Z.");
    }

    #[test]
    fn a_pause_longer_than_the_budget_is_not_begun() {
        let limited = Failure::new(Cause::PrimaryRateLimit, "Spent.").with_retry(Retry::After(Duration::from_hours(1)));
        let end = Schedule::new(5, fixed(1.0)).after(limited, Duration::from_mins(10), noon()).unwrap_err();
        assert_eq!(end.cause, Cause::PrimaryRateLimit);
        assert!(end.what.contains("due in 3600 s"), "{}", end.what);
        assert!(end.what.contains("from 2026-11-21T13:00:00Z"), "{}", end.what);
        let end = Schedule::new(5, fixed(1.0)).after(passing(), Duration::from_millis(900), noon()).unwrap_err();
        assert_eq!(end.cause, Cause::ServerError);
    }

    #[test]
    fn a_pause_beyond_any_calendar_does_no_harm() {
        let limited = passing().with_retry(Retry::After(Duration::from_secs(u64::MAX)));
        let end = Schedule::new(5, fixed(1.0)).after(limited, Duration::from_mins(10), noon()).unwrap_err();
        assert!(end.what.ends_with("later than `timeout` allows."), "{}", end.what);
    }

    #[test]
    fn what_is_final_or_unclear_is_returned_as_it_is() {
        for retry in [Retry::Never, Retry::Unclear] {
            let end =
                Schedule::new(5, fixed(0.0)).after(passing().with_retry(retry), Duration::MAX, noon()).unwrap_err();
            assert_eq!((end.what.as_str(), end.retry), ("It failed.", retry));
        }
    }

    fn retries(attempts: u32, budget: Duration) -> (Retries, Arc<Remembered>) {
        let pauser = Arc::new(Remembered::default());
        let retries = Retries::new(attempts, Instant::now() + budget, Arc::new(Unwatched))
            .with_pauser(Arc::clone(&pauser) as Arc<dyn Pause>)
            .with_jitter(fixed(1.0));
        (retries, pauser)
    }

    /// Counts the retries that are told.
    #[derive(Default)]
    struct Told(Mutex<Vec<(u32, u32)>>);

    impl Watch for Told {
        fn see(&self, event: Event<'_>) {
            if let Event::Retry { attempt, attempts, .. } = event {
                self.0.lock().unwrap().push((attempt, attempts));
            }
        }
    }

    #[tokio::test]
    async fn what_passes_at_the_third_try_is_tried_three_times_and_told_twice() {
        let (mut retries, pauser) = retries(5, Duration::from_mins(1));
        let told = Arc::new(Told::default());
        retries.watch = Arc::clone(&told) as Arc<dyn Watch>;
        let mut tries = 0;
        let done = retries
            .run("push", || {
                tries += 1;
                std::future::ready(if tries < 3 { Err(passing()) } else { Ok(tries) })
            })
            .await;
        assert_eq!(done.unwrap(), 3);
        assert_eq!(millis(&pauser.0.lock().unwrap()), [1000, 2000]);
        assert_eq!(*told.0.lock().unwrap(), [(1, 5), (2, 5)]);
    }

    #[tokio::test]
    async fn a_try_does_not_outlast_the_budget() {
        let (retries, _) = retries(5, Duration::from_millis(50));
        let mut tries = 0;
        let end = retries
            .run("push to gh-pages", || {
                tries += 1;
                async move {
                    if tries == 1 {
                        // A pause of a second would not be begun: this one is named by the server, and shorter.
                        return Err(passing().with_retry(Retry::After(Duration::from_millis(1))));
                    }
                    std::future::pending::<Result<(), Failure>>().await
                }
            })
            .await
            .unwrap_err();
        assert_eq!(end.cause, Cause::Timeout);
        assert!(
            end.what.ends_with("during the push to gh-pages. The try before had failed: It failed."),
            "{}",
            end.what
        );
        let end = retries.run("push", || async { Ok(()) }).await.unwrap_err();
        assert_eq!(end.cause, Cause::Timeout);
    }

    #[tokio::test]
    async fn lost_races_are_not_counted_and_their_pauses_grow() {
        let (retries, pauser) = retries(1, Duration::from_mins(10));
        let mut races = retries.races();
        for millis in [700, 700, 700, 20, 0, 20_000, 20_000] {
            races.lost("push to gh-pages", Duration::from_millis(millis)).await.unwrap();
        }
        assert_eq!(races.count(), 7);
        // In proportion to what the try took, at least 100 ms, and at most a minute.
        assert_eq!(millis(&pauser.0.lock().unwrap()), [700, 2100, 3500, 700, 900, 60_000, 60_000]);
        let late = retries.until(Instant::now());
        let end = late.races().lost("push to gh-pages", Duration::ZERO).await.unwrap_err();
        assert_eq!(end.cause, Cause::Timeout);
    }

    #[tokio::test]
    async fn the_real_clock_passes_real_time() {
        let start = Instant::now();
        Clock.pause(Duration::from_millis(30)).await;
        assert!(start.elapsed() >= Duration::from_millis(30));
    }

    #[test]
    fn a_run_can_be_moved_to_another_thread() {
        fn is_send<T: Send>(_: &T) {}
        let (retries, _) = retries(1, Duration::from_secs(1));
        let state = [0];
        let run = retries.run("push", || async {
            tokio::task::yield_now().await;
            Ok(state.len())
        });
        is_send(&run);
    }
}
