//! The last lines of the log: what came of it, and what a stuck user needs.

use super::{Console, Failure, Level, LogEntry, Mode, Stage, Tone, commands};
use crate::{
    Report, TargetReport,
    credential::Redacted,
    headline::{headline, written},
    text::{count, cut},
};

/// The causes of more failed targets are in the summary.
const MOST_FAILURES: usize = 20;

/// A longer text is read better in the summary.
pub(super) const LONGEST_TEXT: usize = 2000;

impl Console {
    /// Ends the log: a line a target that went well; of each that did not the cause, what happened, what to do, and where to read on.
    pub fn finish(&self, report: &Redacted<Report>) {
        self.streams().bar = None;
        let several = report.targets.len() > 1;
        let mut entries: Vec<LogEntry> = report
            .targets
            .iter()
            .filter(|target| target.error().is_none())
            .map(|target| done(target, report.dry_run))
            .collect();
        let mut failures: Vec<(Option<&TargetReport>, Stage, &Failure)> = Vec::new();
        if report.targets.iter().all(|target| target.failure().is_none()) {
            failures.extend(report.first_failure());
        }
        failures.extend(
            report
                .targets
                .iter()
                .filter_map(|target| target.failure().map(|(stage, failure)| (Some(target), stage, failure))),
        );
        for (target, _, failure) in failures.iter().take(MOST_FAILURES) {
            let text = commands::failure_text(&self.redactor().redacted((*failure).clone()));
            let named = target.filter(|_| several).map(|target| format!("{}: {text}", target.repository));
            let title = Some(failure.cause.slug().to_owned());
            entries.push(LogEntry::Mark { level: Level::Error, title, text: named.unwrap_or(text) });
        }
        for &(target, stage, failure) in failures.iter().take(MOST_FAILURES) {
            entries.extend(blame(target, stage, failure, self.mode() == Mode::Runner, report.dry_run));
        }
        if failures.len() > MOST_FAILURES {
            let more = count((failures.len() - MOST_FAILURES) as u64, "failed target");
            entries.push(LogEntry::ErrorLine(Tone::Bad, format!("✗ and {more} more")));
        }
        self.show(entries);
    }
}

/// One line: what came of it.
fn done(target: &TargetReport, dry_run: bool) -> LogEntry {
    let headline = headline(target, dry_run);
    let tone = match headline.sign {
        "✓" => Tone::Good,
        "!" => Tone::Warning,
        _ => Tone::Plain,
    };
    let page = target.facts.page_url.as_deref().map(|page| format!(" · {page}")).unwrap_or_default();
    LogEntry::Line(tone, cut(&format!("{}{page}", headline.plain(target)), LONGEST_TEXT).into_owned())
}

/// At most five lines. `told`: what happened and what to do stand in the annotation right above.
fn blame(target: Option<&TargetReport>, stage: Stage, failure: &Failure, told: bool, dry_run: bool) -> Vec<LogEntry> {
    let at = target.map(|target| format!("{}: ", target.repository)).unwrap_or_default();
    let line = |tone, text: String| LogEntry::ErrorLine(tone, text);
    let one_line = |text: &str| cut(&text.split_whitespace().collect::<Vec<_>>().join(" "), LONGEST_TEXT).into_owned();
    let mut lines = vec![line(Tone::Bad, format!("✗ {at}{} failed: {}", stage.name(), failure.cause.slug()))];
    if !told {
        lines.push(line(Tone::Plain, format!("  What happened: {}", one_line(&failure.what))));
        lines.push(line(Tone::Plain, format!("  What to do:    {}", one_line(failure.remedy()))));
    }
    if let Some(written) = target.filter(|_| !dry_run).and_then(written) {
        lines.push(line(Tone::Plain, format!("  Written:       {written}")));
    }
    if !failure.docs().is_empty() {
        lines.push(line(Tone::Plain, format!("  Read more:     {}", one_line(failure.docs()))));
    }
    lines
}
