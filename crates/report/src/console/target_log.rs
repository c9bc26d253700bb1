//! The log of one target: live, or kept back until it is whole.

use std::sync::{Arc, Mutex, PoisonError};

use super::{CheckReport, CheckStatus, Console, Failure, Level, LogEntry, Mode, Stage, Tone, commands, progress};
use crate::{
    StageStatus,
    credential::OutsideText,
    progress::{Event, Watch},
    text::duration,
};

#[derive(Default)]
struct TargetLogState {
    /// What is shown when the log ends, unless it is live.
    entries: Vec<LogEntry>,
    /// Annotations of the open part: inside a fold nobody sees them.
    marks: Vec<LogEntry>,
    /// The open part, by its number.
    open: Option<u64>,
    /// How many parts there were.
    parts: u64,
    /// What the server sent with each try of a push.
    remote: Vec<Vec<String>>,
}

struct TargetLogShared {
    console: Console,
    repository: String,
    live: bool,
    kept: Mutex<TargetLogState>,
}

/// Where one relay tells what it does. Clones write to the same log; the last one to go ends it.
#[derive(Clone)]
pub struct TargetLog(Arc<TargetLogShared>);

impl TargetLog {
    pub(super) fn new(console: Console, repository: &str, live: bool) -> Self {
        Self(Arc::new(TargetLogShared { console, repository: repository.to_owned(), live, kept: Mutex::default() }))
    }

    /// Opens the part of `stage`, which ends with the returned guard, or with the next stage if that comes first.
    pub fn stage(&self, stage: Stage) -> StageLog {
        self.0.close(None);
        let mut kept = self.0.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.parts += 1;
        let part = kept.parts;
        kept.open = Some(part);
        drop(kept);
        let title = stage.name().to_owned();
        self.0.put(if self.0.live { LogEntry::Open(title) } else { LogEntry::Heading(title) });
        StageLog { log: self.clone(), part }
    }

    /// The lines that the server sent with the pushes so far. A try that was told what the one before it was told counts once.
    pub fn remote(&self) -> Vec<String> {
        let mut tries = self.0.kept.lock().unwrap_or_else(PoisonError::into_inner).remote.clone();
        tries.retain(|lines| !lines.is_empty());
        tries.dedup();
        tries.concat()
    }

    /// A line of the open stage. Several lines are shown as such.
    pub fn line(&self, text: &str) {
        self.0.line(Tone::Plain, text);
    }

    /// How the open stage ended.
    pub fn outcome(&self, status: StageStatus, message: &str) {
        let (sign, tone) = match status {
            StageStatus::Done => ("✓", Tone::Good),
            StageStatus::Unchanged => ("=", Tone::Good),
            StageStatus::Skipped => ("-", Tone::Faint),
            StageStatus::Failed => ("✗", Tone::Bad),
            StageStatus::Planned => ("…", Tone::Plain),
        };
        self.0.line(tone, &format!("{sign} {message}"));
    }

    /// One line a check; a warning becomes an annotation as well.
    pub fn check(&self, check: &CheckReport) {
        let tone = match check.status {
            CheckStatus::Pass => Tone::Good,
            CheckStatus::Warn => Tone::Warning,
            CheckStatus::Fail => Tone::Bad,
            CheckStatus::Skip => Tone::Faint,
        };
        let cause = check.cause.map(|cause| format!(" ({})", cause.slug())).unwrap_or_default();
        self.0.line(tone, &format!("{} {:<20} {}{cause}", check.status.sign(), check.name, check.message));
        // Of what fails, one annotation a target: that of the failure that ends it.
        if check.status == CheckStatus::Warn {
            let title = check.cause.map(|cause| cause.slug().to_owned());
            self.0.mark(LogEntry::Mark { level: Level::Warning, title, text: self.0.named(&check.message) });
        }
    }

    /// Ends the part of `stage` with its failure. What to do about it stands at the log's end again.
    pub fn failure(&self, stage: Stage, failure: &Failure) {
        // A copy: the report keeps the words as they came.
        let failure = self.0.console.redactor().redacted(failure.clone());
        // The preflight's own line stands above: that of the check that failed.
        let what = if stage == Stage::Preflight { String::new() } else { format!(": {}", failure.what) };
        self.0.line(Tone::Bad, &format!("✗ {} failed ({}){what}", stage.name(), failure.cause.slug()));
        self.0.mark(LogEntry::Mark {
            level: Level::Error,
            title: Some(failure.cause.slug().to_owned()),
            text: self.0.named(&commands::failure_text(&failure)),
        });
        self.0.close(None);
    }
}

impl TargetLogShared {
    /// Keeps a line that the server sent, and shows it.
    fn heard(&self, line: &OutsideText) {
        let line = line.redacted(self.console.redactor());
        self.line(Tone::Faint, format!("remote: {line}").trim_end());
        let line = line.into_inner();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        match kept.remote.last_mut() {
            Some(lines) => lines.push(line),
            None => kept.remote.push(vec![line]),
        }
    }

    /// With several targets each annotation says which one it speaks of.
    fn named(&self, text: &str) -> String {
        if self.live { text.to_owned() } else { format!("{}: {text}", self.repository) }
    }

    fn line(&self, tone: Tone, text: &str) {
        // Folds set a line apart on a runner; elsewhere the indent does.
        let mut text = self.console.redactor().redact(text).into_owned();
        if self.console.mode() != Mode::Runner {
            text = format!("  {}", text.trim_end().replace('\n', "\n  "));
        }
        self.put(LogEntry::Line(tone, text));
    }

    fn put(&self, entry: LogEntry) {
        if self.live {
            self.console.show([entry]);
        } else {
            self.kept.lock().unwrap_or_else(PoisonError::into_inner).entries.push(entry);
        }
    }

    fn mark(&self, entry: LogEntry) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.open.is_some() || !self.live {
            kept.marks.push(entry);
        } else {
            drop(kept);
            self.console.show([entry]);
        }
    }

    /// Closes the open part, or only `part` if that still is the open one. The annotations of a log that is not live wait for its end.
    fn close(&self, part: Option<u64>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.open.is_none() || part.is_some_and(|part| kept.open != Some(part)) {
            return;
        }
        kept.open = None;
        if !self.live {
            return;
        }
        let marks = std::mem::take(&mut kept.marks);
        drop(kept);
        self.console.show(std::iter::once(LogEntry::Close).chain(marks));
    }
}

impl Drop for TargetLogShared {
    fn drop(&mut self) {
        self.close(None);
        let kept = std::mem::take(self.kept.get_mut().unwrap_or_else(PoisonError::into_inner));
        if !self.live && !kept.entries.is_empty() {
            let open = LogEntry::Open(self.repository.clone());
            self.console.show(std::iter::once(open).chain(kept.entries).chain([LogEntry::Close]).chain(kept.marks));
        }
    }
}

impl Watch for TargetLog {
    fn see(&self, event: Event<'_>) {
        match event {
            Event::Retry { what, failure, attempt, attempts, pause } => {
                self.0.kept.lock().unwrap_or_else(PoisonError::into_inner).remote.push(Vec::new());
                self.0.line(
                    Tone::Warning,
                    &format!(
                        "! {what}: try {attempt} of {attempts} failed ({}), the next in {}: {}",
                        failure.cause.slug(),
                        duration(pause),
                        failure.what
                    ),
                );
            }
            Event::Remote(line) => self.0.heard(&line),
            Event::Notice(text) => self.line(text),
            Event::Warning(text) => {
                self.0.line(Tone::Warning, &format!("! {text}"));
                self.0.mark(LogEntry::Mark { level: Level::Warning, title: None, text: self.0.named(text) });
            }
            Event::Hashing { .. } | Event::Sending { .. } | Event::Uploading { .. } | Event::Finished => {
                if self.0.live && self.0.console.mode() == Mode::Terminal {
                    progress::show(&mut self.0.console.streams().bar, &event);
                }
            }
        }
    }
}

/// The open part of a stage; ends with it.
#[must_use = "the stage's part ends when this is dropped"]
pub struct StageLog {
    log: TargetLog,
    part: u64,
}

impl Drop for StageLog {
    fn drop(&mut self) {
        self.log.0.close(Some(self.part));
    }
}
