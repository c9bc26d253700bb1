//! Moments as the headers of an answer write them, and as reports do.

use chrono::{DateTime, NaiveDateTime, SecondsFormat, Utc};

/// The end of a token, from `GitHub-Authentication-Token-Expiration`. Two forms are in use: `2021-09-03 02:34:04 UTC` and
/// `2023-04-26 20:23:26 +0200`, the latter in the time zone of the account that made the token. Any other text is `None`,
/// never an error: a token can have no end.
pub fn token_expiry(header: &str) -> Option<DateTime<Utc>> {
    let header = header.trim();
    // chrono's `%Z` reads any word and takes no offset from it.
    if let Some(utc) = header.strip_suffix("UTC") {
        return Some(NaiveDateTime::parse_from_str(utc.trim_end(), "%Y-%m-%d %H:%M:%S").ok()?.and_utc());
    }
    let zoned = DateTime::parse_from_str(header, "%Y-%m-%d %H:%M:%S %z").ok()?;
    Some(zoned.with_timezone(&Utc))
}

/// The moment in `Date` or `Retry-After`, as RFC 9110, section 5.6.7, has it.
pub fn http_date(header: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc2822(header).ok().map(|moment| moment.with_timezone(&Utc))
}

/// A moment as outputs and reports write it: RFC 3339 in UTC, to the second.
pub fn rfc3339(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_the_header_are_read() {
        let read = |header| token_expiry(header).map(rfc3339);
        assert_eq!(read("2021-09-03 02:34:04 UTC").as_deref(), Some("2021-09-03T02:34:04Z"));
        assert_eq!(read("2023-04-26 20:23:26 +0200").as_deref(), Some("2023-04-26T18:23:26Z"));
        assert_eq!(read("2023-12-31 23:00:00 -0800").as_deref(), Some("2024-01-01T07:00:00Z"));
        assert_eq!(read(" 2024-02-29 00:00:00 +0545 ").as_deref(), Some("2024-02-28T18:15:00Z"));
    }

    #[test]
    fn what_has_another_form_is_nothing_known() {
        for wrong in
            ["", "never", "UTC", "2023-02-30 00:00:00 UTC", "2023-04-26", "2023-04-26 20:23:26 CEST", "1682533406"]
        {
            assert_eq!(token_expiry(wrong), None, "{wrong}");
        }
    }
}
