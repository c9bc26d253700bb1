//! How often the runs are asked for.
//!
//! Two wishes meet: an end is to be seen within ten seconds, and ten minutes are to take fewer than sixty requests. Fifty-nine looks
//! less than ten seconds apart do not reach beyond 590 seconds, and the first ones come closer together, so that a run is shown
//! soon: both cannot hold to the last minute. For the first five minutes, in which most runs end, an end is seen within ten
//! seconds; what is too much for that many requests is spread over the rest, in which it is seen within [`LATE`].

use std::time::Duration;

/// The least pause, however slow the answers are.
pub(super) const LEAST: Duration = Duration::from_secs(1);

/// The shortest time between two looks: runs show within seconds.
const FIRST: Duration = Duration::from_secs(3);

/// The longest one of the first minutes: with the last request itself still within ten seconds.
const LONGEST: Duration = Duration::from_millis(9700);

/// How long it stays below ten seconds.
const EARLY: Duration = Duration::from_mins(5);

/// What it is after that.
const LATE: Duration = Duration::from_millis(12_800);

/// What it is where it was looked in vain for a run, and for the reason why there is none.
const IN_VAIN: Duration = Duration::from_secs(15);

/// How long after the beginning of one look the next one begins, `spent` after that of the stage. `in_vain`: nothing has shown
/// that could end.
pub(super) fn pause(spent: Duration, in_vain: bool) -> Duration {
    if in_vain {
        IN_VAIN
    } else if spent < EARLY {
        // A short run is seen soon; a long one does not end sooner for being asked about.
        (spent / 2 + Duration::from_secs(1)).clamp(FIRST, LONGEST)
    } else {
        LATE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_minutes_take_less_than_sixty_looks_and_no_end_is_seen_late() {
        let (mut spent, mut looks) = (Duration::ZERO, 1);
        let end = Duration::from_mins(10);
        while spent < end {
            let pause = pause(spent, false).min(end.saturating_sub(spent));
            let most = if spent < EARLY { Duration::from_secs(10) } else { Duration::from_secs(13) };
            assert!(pause < most, "{spent:?}: {pause:?}");
            spent += pause;
            looks += 1;
        }
        // The Pages site, or the jobs of a run that failed, are one more.
        assert!(looks < 59, "{looks}");
    }

    #[test]
    fn pauses_grow() {
        let pauses: Vec<_> = (0..600).map(|second| pause(Duration::from_secs(second), false)).collect();
        assert!(pauses.is_sorted(), "{pauses:?}");
    }
}
