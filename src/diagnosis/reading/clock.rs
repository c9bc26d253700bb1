//! The moments that an answer names: its own date, how long to wait, and when a token ends.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::Reading;

/// `Retry-After`: seconds, or a date (RFC 9110, section 10.2.3).
pub(in crate::diagnosis) fn pause_of(value: &str, reading: &Reading) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = DateTime::parse_from_rfc2822(value).ok()?;
    Some((until.with_timezone(&Utc) - time_of_answer(reading)).to_std().unwrap_or_default())
}

/// When the answer was given: its `date`, else now.
pub(in crate::diagnosis) fn time_of_answer(reading: &Reading) -> DateTime<Utc> {
    let date = reading.header("date").and_then(|date| DateTime::parse_from_rfc2822(date).ok());
    date.map_or_else(Utc::now, |date| date.with_timezone(&Utc))
}

/// `github-authentication-token-expiration`, in both forms that GitHub writes: `… UTC` and `… +0200`.
pub(in crate::diagnosis) fn parse_expiry(value: &str) -> Option<DateTime<Utc>> {
    let value = value.trim().replace("UTC", "+0000");
    DateTime::parse_from_str(&value, "%Y-%m-%d %H:%M:%S %z").ok().map(|time| time.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_an_expiry_are_read() {
        let utc = parse_expiry("2021-09-03 02:34:04 UTC").unwrap();
        let offset = parse_expiry("2021-09-03 04:34:04 +0200").unwrap();
        assert_eq!(utc, offset);
        assert_eq!(parse_expiry("tomorrow"), None);
    }
}
