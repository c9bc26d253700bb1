//! The moments that an answer names: its own date, and how long to wait.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::Reading;
use crate::names::moment::http_date;

/// `Retry-After`: seconds, or a date (RFC 9110, section 10.2.3).
pub(crate) fn pause_of(value: &str, reading: &Reading) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    Some((http_date(value)? - time_of_answer(reading)).to_std().unwrap_or_default())
}

/// When the answer was given: its `date`, else now.
pub(crate) fn time_of_answer(reading: &Reading) -> DateTime<Utc> {
    reading.header("date").and_then(http_date).unwrap_or_else(Utc::now)
}
