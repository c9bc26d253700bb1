//! The points of a relay: every request that it makes when nothing goes wrong.

use std::{collections::BTreeMap, fmt};

use emulator::log::{Entry, Log};

use crate::world::TARGET;

/// One request: how it is told from the others, and what its answer is like.
#[derive(Clone, Debug)]
pub(crate) struct Point {
    pub(crate) method: String,
    /// As [`emulator::faults::FaultRule::on`] takes it.
    pub(crate) pattern: String,
    /// It is the so-many-th that matches, from 1.
    pub(crate) nth: u64,
    /// How many match in all.
    pub(crate) of: u64,
    /// Bytes of the answer's body.
    pub(crate) answer: usize,
}

impl Point {
    pub(crate) fn is_rest(&self) -> bool {
        self.pattern.starts_with("/api/v3")
    }

    /// It changes something.
    pub(crate) fn writes(&self) -> bool {
        self.method != "GET" && !self.pattern.ends_with("/git-upload-pack")
    }

    /// It is looked at until something is there, and asked for again anyway.
    pub(crate) fn is_polled(&self) -> bool {
        let runs = self.method == "GET" && self.is_rest() && self.pattern.contains("/actions/");
        runs || self.pattern.contains("/pages")
    }

    /// It names the target.
    pub(crate) fn is_of_target(&self) -> bool {
        let (git, rest) = (format!("/{TARGET}.git/"), format!("/api/v3/repos/{TARGET}"));
        self.pattern.starts_with(&git) || self.pattern.starts_with(&rest)
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}#{}", self.method, self.pattern.replace("[0-9]", "9").replace("[0-9a-f]", "f"), self.nth)
    }
}

/// The points of a log.
pub(crate) fn points(log: &Log) -> Vec<Point> {
    let mut seen: BTreeMap<(String, String), u64> = BTreeMap::new();
    let mut points = Vec::new();
    for entry in &log.0 {
        let (method, pattern) = (entry.method.clone(), pattern(entry));
        let nth = seen.entry((method.clone(), pattern.clone())).or_default();
        *nth += 1;
        let answer = usize::try_from(entry.bytes_out).unwrap();
        points.push(Point { method, pattern, nth: *nth, of: 0, answer });
    }
    for point in &mut points {
        point.of = seen[&(point.method.clone(), point.pattern.clone())];
    }
    points
}

/// The path; of git's advertisements the service too. Numbers and object ids differ from run to run.
pub(crate) fn pattern(entry: &Entry) -> String {
    if !entry.is_rest() {
        return entry.path.clone();
    }
    let part = |part: &str| {
        let digit = |byte: u8| byte.is_ascii_digit();
        if part.len() > 4 && part.bytes().all(digit) {
            "[0-9]".repeat(part.len())
        } else if part.len() == 40 && part.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            "[0-9a-f]".repeat(part.len())
        } else {
            part.to_owned()
        }
    };
    entry.bare_path().split('/').map(part).collect::<Vec<_>>().join("/")
}
