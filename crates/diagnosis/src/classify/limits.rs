//! Rate limits. They beat a missing right: both come as 403.
//!
//! Source: <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>

use super::{Cause, Reading};
use crate::finding::Finding;

/// The words of the status, and clients' names for it: they do not tell which limit it is.
const STATUS: [&str; 2] = ["too many requests", "toomanyrequests"];

const SECONDARY: [&str; 12] = [
    "secondary rate limit",
    "abuse detection",
    "abuse rate limit",
    "submitted too quickly",
    "temporarily blocked from content creation",
    "too many concurrent requests",
    "blocked from content creation",
    // The advice stands in answers that do not name the limit.
    "wait a few minutes before you try again",
    "about-secondary-rate-limits",
    "#abuse-rate-limits",
    "secondaryratelimit",
    "abuseratelimit",
];

const PRIMARY: [&str; 10] = [
    "api rate limit",
    "rate limit exceeded",
    "rate limit already exceeded",
    "rate limit has been exceeded",
    "exceeded the rate limit",
    "type: rate_limited",
    "type: rate_limit",
    "ratelimitexceeded",
    "ratelimiterror",
    "request quota exhausted",
];

/// A limit that the text names, or that headers show beside a 403 or a 429.
pub(super) fn look(reading: &Reading) -> Option<Finding> {
    let limited = matches!(reading.status, Some(403 | 429));
    let spent = reading.header("x-ratelimit-remaining").is_some_and(|left| left.trim() == "0");
    let secondary = |span| {
        // GitHub says "too many requests" for both limits; the count of what is left tells them apart.
        let spent = spent && limited && !reading.has("secondary") && !reading.has("abuse");
        let cause = if spent { Cause::PrimaryRateLimit } else { Cause::SecondaryRateLimit };
        Some(Finding::new(cause, &[], Some(span)))
    };
    // First: its text also holds "rate limit", which is the name of the primary one.
    if let Some(span) = reading.first_of(&SECONDARY) {
        return secondary(span);
    }
    if let Some(span) = reading.first_of(&PRIMARY) {
        return Some(Finding::new(Cause::PrimaryRateLimit, &[], Some(span)));
    }
    if let Some(span) = reading.first_of(&STATUS) {
        return secondary(span);
    }
    if !limited {
        return None;
    }
    if spent {
        return Some(Finding::new(Cause::PrimaryRateLimit, &[], None));
    }
    // A pause without an explanation: the primary limit would show in its own headers.
    if reading.header("retry-after").is_some() || reading.status == Some(429) {
        return Some(Finding::new(Cause::SecondaryRateLimit, &[], None));
    }
    None
}
