//! The schedule, asserted to the millisecond, and the loop around it.

use std::sync::Mutex;

use chrono::DateTime;
use futures_util::future::BoxFuture;

use super::*;
use crate::progress::NoWatch;

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
    for retry in [Retry::Never, Retry::Unclear(None), Retry::Silence] {
        let end = Schedule::new(5, fixed(0.0)).after(passing().with_retry(retry), Duration::MAX, noon()).unwrap_err();
        assert_eq!((end.what.as_str(), end.retry), ("It failed.", retry));
    }
}

fn retries(attempts: u32, budget: Duration) -> (Retries, Arc<Remembered>) {
    let pauser = Arc::new(Remembered::default());
    let retries = Retries::new(attempts, Instant::now() + budget, Arc::new(NoWatch))
        .with_pauser(Arc::clone(&pauser) as Arc<dyn Pause>)
        .with_jitter(fixed(1.0));
    (retries, pauser)
}

/// Counts the retries that are told.
#[derive(Default)]
struct SeenRetries(Mutex<Vec<(u32, u32)>>);

impl Watch for SeenRetries {
    fn see(&self, event: Event<'_>) {
        if let Event::Retry { attempt, attempts, .. } = event {
            self.0.lock().unwrap().push((attempt, attempts));
        }
    }
}

#[tokio::test]
async fn what_passes_at_the_third_try_is_tried_three_times_and_told_twice() {
    let (mut retries, pauser) = retries(5, Duration::from_mins(1));
    let told = Arc::new(SeenRetries::default());
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
    assert!(end.what.ends_with("during the push to gh-pages. The try before had failed: It failed."), "{}", end.what);
    let end = retries.run("push", || async { Ok::<(), Failure>(()) }).await.unwrap_err();
    assert_eq!(end.cause, Cause::Timeout);
}

#[tokio::test]
async fn lost_races_are_not_counted_and_their_pauses_follow_the_crowd() {
    let (retries, pauser) = retries(1, Duration::from_mins(10));
    let second = Duration::from_secs(1);
    let mut races = retries.races();
    // Of each race: how many commits came in during four times the length of the try.
    for commits in [40, 40, 3, 2, 1, 0, 0, 0, 40, 40] {
        races.lost("push to gh-pages", second).await.unwrap();
        races.seen(commits, 4 * second);
    }
    assert_eq!(races.count(), 10);
    assert_eq!(millis(&pauser.0.lock().unwrap()), [3000, 4500, 6750, 7232, 5165, 2582, 1291, 645, 500, 750]);
    let late = retries.until(Instant::now());
    let end = late.races().lost("push to gh-pages", Duration::ZERO).await.unwrap_err();
    assert_eq!(end.cause, Cause::Timeout);
}

#[tokio::test]
async fn pauses_after_lost_races_grow_where_nobody_looks_and_have_ends() {
    let (retries, pauser) = retries(1, Duration::from_mins(10));
    let mut races = retries.races();
    for millis in [0, 0, 0, 7000, 200_000] {
        races.lost("push of the tag v1", Duration::from_millis(millis)).await.unwrap();
    }
    assert_eq!(millis(&pauser.0.lock().unwrap()), [300, 450, 675, 3500, 60_000]);
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
        Ok::<_, Failure>(state.len())
    });
    is_send(&run);
}
