//! For tests: the runner's reading of what was written, and arbitrary texts that try to fool it.

pub(crate) use emulator::runner::{HOSTILE, parse_file, parse_line, parse_log};
use proptest::prelude::*;

/// The hostile list, alone and mixed with arbitrary text, and arbitrary bytes.
pub(crate) fn hostile() -> impl Strategy<Value = String> {
    let listed = || proptest::sample::select(HOSTILE);
    prop_oneof![
        2 => listed().prop_map(str::to_owned),
        2 => (any::<String>(), listed(), any::<String>()).prop_map(|(a, b, c)| format!("{a}{b}{c}")),
        2 => "[ \t\u{ad}\u{200b}\u{a0}]{0,3}[:#\u{ad}]{1,5}[\u{ad}\u{feff}]?[\\[:]{0,3}[a-z=, %\r\n]{0,9}(::|\\])?.{0,5}",
        1 => any::<String>(),
        1 => proptest::collection::vec(any::<u8>(), 0..200).prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
    ]
}
