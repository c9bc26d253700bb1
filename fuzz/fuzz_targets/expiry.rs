//! When a token ends: never a panic, and a moment that was read is the moment that was meant.
#![no_main]

use chrono::{DateTime, Utc};
use libfuzzer_sys::fuzz_target;
use repo_relay::names::moment::{rfc3339, token_expiry};

fuzz_target!(|input: (i64, i16, &str)| {
    let (seconds, minutes_east, text) = input;
    if let Some(moment) = token_expiry(text) {
        same(moment, &rfc3339(moment));
        // What stands around the words says nothing.
        assert_eq!(token_expiry(&format!(" {text}\t")), Some(moment));
        assert!(text.contains(':'), "{text:?} has no time of day");
    }
    // Every moment, in both forms that a server writes. The calendar of the header has four digits for a year.
    let (first, last) = (-62_135_596_800, 253_402_300_799);
    let day = 86_400;
    let seconds = (first + day) + seconds.rem_euclid(last - first - 2 * day);
    let moment = DateTime::<Utc>::from_timestamp(seconds, 0).expect("within four digits");
    assert_eq!(token_expiry(&moment.format("%Y-%m-%d %H:%M:%S UTC").to_string()), Some(moment));
    let east = i32::from(minutes_east) % (14 * 60 + 1);
    let zone = chrono::FixedOffset::east_opt(east * 60).expect("within a day");
    assert_eq!(token_expiry(&moment.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S %z").to_string()), Some(moment));
    same(moment, &rfc3339(moment));
});

/// What is written is read by others as the same moment, to the second.
fn same(moment: DateTime<Utc>, written: &str) {
    // RFC 3339 ends with the year 9999; what no date can mean need not be one.
    if (0..=9999).contains(&chrono::Datelike::year(&moment)) {
        let read = DateTime::parse_from_rfc3339(written).unwrap_or_else(|error| panic!("{written}: {error}"));
        assert_eq!(read.timestamp(), moment.timestamp());
    }
}
