//! What a pause between two tries is: how long by chance, and how it passes.

use std::{sync::Arc, time::Duration};

use backoff::{ExponentialBackoff, ExponentialBackoffBuilder, backoff::Backoff};
use futures_util::future::BoxFuture;

/// Where chance comes from: a number from 0 up to, but not including, 1.
pub type Jitter = Arc<dyn Fn() -> f64 + Send + Sync>;

/// Chance from the operating system.
pub(super) fn chance() -> f64 {
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
pub(super) struct Jittered {
    bounds: ExponentialBackoff,
    jitter: Jitter,
}

impl Jittered {
    pub(super) fn new(first: Duration, longest: Duration, jitter: Jitter) -> Self {
        // The crate's own randomness cannot be asked in a test: it gives the bounds, and chance is applied to them here.
        let bounds = ExponentialBackoffBuilder::new()
            .with_initial_interval(first)
            .with_multiplier(2.0)
            .with_randomization_factor(0.0)
            .with_max_interval(longest)
            .with_max_elapsed_time(None)
            .build();
        Self { bounds, jitter }
    }

    pub(super) fn next(&mut self) -> Duration {
        let bound = self.bounds.next_backoff().unwrap_or(self.bounds.max_interval);
        bound.mul_f64((self.jitter)().clamp(0.0, 1.0))
    }
}
