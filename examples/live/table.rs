//! The table of facts: a row for each, printed, and written as Markdown and JSON.

use std::{fmt::Write as _, fs, io, path::Path, time::Instant};

use repo_relay::credential::Redactor;
use serde_json::json;

/// What became of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Holds,
    Differs,
    /// With the reason.
    Skipped(String),
}

impl Verdict {
    fn word(&self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Differs => "differs",
            Self::Skipped(_) => "skipped",
        }
    }
}

/// A row.
pub(crate) struct Row {
    pub(crate) id: String,
    /// The fact, in a sentence.
    pub(crate) says: &'static str,
    /// Where in the code it stands.
    pub(crate) code: &'static str,
    pub(crate) expected: String,
    pub(crate) seen: String,
    pub(crate) verdict: Verdict,
}

/// All rows so far.
pub(crate) struct Table {
    server: String,
    redactor: Redactor,
    only: Vec<String>,
    rows: Vec<Row>,
    begun: Instant,
    seconds: f64,
    requests: usize,
}

impl Table {
    /// An empty table of `server`, for the rows whose names begin as one of `only`, or for all when that is empty.
    pub(crate) fn new(server: &str, redactor: &Redactor, only: &[String]) -> Self {
        Self {
            server: server.to_owned(),
            redactor: redactor.clone(),
            only: only.to_vec(),
            rows: Vec::new(),
            begun: Instant::now(),
            seconds: 0.0,
            requests: 0,
        }
    }

    /// Whether a row of this name is wanted.
    pub(crate) fn wants(&self, id: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|begin| id.starts_with(begin.as_str()))
    }

    /// Adds a row, without any secret that the server may have repeated.
    pub(crate) fn add(&mut self, row: Row) {
        let seen = self.redactor.redact(&row.seen).into_owned();
        let shown = if let Verdict::Skipped(reason) = &row.verdict { reason } else { &seen };
        println!("{:8} {:44} {shown}", row.verdict.word(), row.id);
        self.rows.push(Row { seen, ..row });
    }

    /// Notes how much the run took.
    pub(crate) fn finish(&mut self, requests: usize) {
        self.seconds = self.begun.elapsed().as_secs_f64();
        self.requests = requests;
    }

    /// Whether a row differs from what is expected.
    pub(crate) fn differs(&self) -> bool {
        self.rows.iter().any(|row| row.verdict == Verdict::Differs)
    }

    fn count(&self, word: &str) -> usize {
        self.rows.iter().filter(|row| row.verdict.word() == word).count()
    }

    fn headline(&self) -> String {
        let [holds, differs, skipped] = ["holds", "differs", "skipped"].map(|word| self.count(word));
        format!(
            "{holds} facts hold, {differs} differ, {skipped} were skipped on {}; {} requests in {:.0} s.",
            self.server, self.requests, self.seconds
        )
    }

    /// The rows that differ, and the sums, for a terminal.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("\n{}\n", self.headline());
        for row in self.rows.iter().filter(|row| row.verdict == Verdict::Differs) {
            let _ = write!(
                text,
                "\n{}: {}\n  expected {}\n  seen     {}\n  stands in {}\n",
                row.id, row.says, row.expected, row.seen, row.code
            );
        }
        text
    }

    fn markdown(&self) -> String {
        let mut text = format!("# Facts about GitHub\n\n{}\n\n", self.headline());
        text.push_str(
            "| verdict | row | fact | expected | seen | stands in |\n| --- | --- | --- | --- | --- | --- |\n",
        );
        for row in &self.rows {
            let seen = if let Verdict::Skipped(reason) = &row.verdict { reason } else { &row.seen };
            let cells = [row.verdict.word(), &row.id, row.says, &row.expected, seen, row.code].map(cell);
            let _ = writeln!(text, "| {} |", cells.join(" | "));
        }
        text
    }

    fn json(&self) -> serde_json::Value {
        let row = |row: &Row| {
            let reason = if let Verdict::Skipped(reason) = &row.verdict { reason } else { "" };
            json!({"id": row.id, "fact": row.says, "code": row.code, "expected": row.expected, "seen": row.seen,
                "verdict": row.verdict.word(), "reason": reason})
        };
        json!({"schema": 1, "version": env!("CARGO_PKG_VERSION"), "server": self.server, "requests": self.requests,
            "seconds": (self.seconds * 10.0).round() / 10.0, "rows": self.rows.iter().map(row).collect::<Vec<_>>()})
    }

    /// Writes `live.md` and `live.json`.
    ///
    /// # Errors
    /// The system's.
    pub(crate) fn write(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        fs::write(folder.join("live.md"), self.markdown())?;
        fs::write(folder.join("live.json"), format!("{:#}\n", self.json()))
    }
}

/// Text that stays inside a cell and is nothing but text: it may have come from the server.
fn cell(text: &str) -> String {
    let mut clean = String::new();
    for character in text.chars().take(300) {
        match character {
            '\\' | '|' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '!' | '@' | '&' | '~' | '$' => {
                clean.push('\\');
                clean.push(character);
            }
            control if control.is_control() => clean.push(' '),
            plain => clean.push(plain),
        }
    }
    clean.replace("://", ":\u{200b}//")
}
