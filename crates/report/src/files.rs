//! The files that a step leaves to the runner: outputs and summary. Appended to, never emptied.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::mpsc,
    thread,
    time::Duration,
};

use super::{Console, Report, outputs, summary};
use crate::credential::Redacted;

/// How long a file may take, so that a stalled disk, or a pipe that nobody reads, does not hold up the end of the step.
const PATIENCE: Duration = Duration::from_secs(5);

/// The stack of the thread that writes, in bytes: the usual one, whatever `RUST_MIN_STACK` says.
const STACK: usize = 2 * 1024 * 1024;

/// Where the report goes beside the log.
#[derive(Clone, Debug, Default)]
pub struct Destinations {
    /// The file that `GITHUB_OUTPUT` names.
    pub output: Option<PathBuf>,
    /// The file that `GITHUB_STEP_SUMMARY` names.
    pub summary: Option<PathBuf>,
}

/// Writes the outputs and the summary, in every case that a step can end in. The answer is whether
/// the outputs are there: later steps go by them, so that a step without them has failed. A summary that cannot be written is
/// a warning.
pub fn write_all(report: &Redacted<Report>, destinations: &Destinations, console: &Console) -> bool {
    let mut written = true;
    if let Some(path) = &destinations.output {
        let content = outputs::render(report);
        if let Err(error) = append_in_time(path, |_| content) {
            console.error(None, &format!("The outputs could not be written to {}: {error}.", path.display()));
            written = false;
        }
    }
    if let Some(path) = &destinations.summary {
        let report = report.clone();
        let appended = append_in_time(path, move |taken| {
            let left = u64::try_from(summary::MOST_BYTES).unwrap_or(u64::MAX).saturating_sub(taken + 1);
            summary::render(&report, usize::try_from(left).unwrap_or(usize::MAX))
        });
        complain(console, path, appended);
    }
    written
}

fn complain(console: &Console, path: &Path, written: io::Result<()>) {
    if let Err(error) = written {
        console.warning(None, &format!("The summary could not be written to {}: {error}.", path.display()));
    }
}

/// As [`append`], on a thread of its own, which the end of the process does not wait for.
fn append_in_time(path: &Path, content: impl FnOnce(u64) -> String + Send + 'static) -> io::Result<()> {
    let (done, ended) = mpsc::channel();
    let path = path.to_owned();
    // Nobody hears of an end that comes too late.
    thread::Builder::new().stack_size(STACK).spawn(move || drop(done.send(append(&path, content))))?;
    let late = || {
        let what =
            format!("it was not done in {} s, as with a stalled disk or a pipe that nobody reads", PATIENCE.as_secs());
        Err(io::Error::new(io::ErrorKind::TimedOut, what))
    };
    ended.recv_timeout(PATIENCE).unwrap_or_else(|_| late())
}

/// Adds what `content` makes of the file's length so far, on a line of its own, in one write.
fn append(path: &Path, content: impl FnOnce(u64) -> String) -> io::Result<()> {
    // NOTE: opened for reading as well, a pipe without a reader would take the content and lose it.
    let is_file = fs::metadata(path).map_or(true, |found| found.is_file());
    let mut file = OpenOptions::new().append(true).create(true).read(is_file).open(path)?;
    let taken = if is_file { file.metadata()?.len() } else { 0 };
    let mut content = content(taken);
    // Another step can have left its last line open, which would swallow our first output.
    if !ends_line(&mut file, taken)? {
        content.insert(0, '\n');
    }
    file.write_all(content.as_bytes())
}

/// Whether new content begins on a line of its own.
fn ends_line(file: &mut File, length: u64) -> io::Result<bool> {
    if length == 0 {
        return Ok(true);
    }
    let mut last = [0];
    file.seek(SeekFrom::Start(length - 1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

#[cfg(test)]
mod tests {
    use super::{super::Mode, *};
    use crate::credential::Redactor;
    use crate::tests::{fixtures, runner};

    fn console() -> (Console, super::super::console::tests::Shared) {
        let out = super::super::console::tests::Shared::default();
        let console =
            Console::new(Mode::Runner, false, Box::new(out.clone()), Box::new(out.clone()), Redactor::default());
        (console, out)
    }

    #[test]
    fn both_files_are_appended_to() {
        let folder = tempfile::tempdir().unwrap();
        let destinations =
            Destinations { output: Some(folder.path().join("output")), summary: Some(folder.path().join("summary")) };
        std::fs::write(destinations.output.as_ref().unwrap(), "before=kept").unwrap();
        std::fs::write(destinations.summary.as_ref().unwrap(), "# Before").unwrap();
        let (console, out) = console();
        write_all(&Redactor::default().redacted(fixtures::success()), &destinations, &console);
        let outputs = runner::parse_file(&std::fs::read_to_string(destinations.output.unwrap()).unwrap()).unwrap();
        assert_eq!(outputs[0], ("before".into(), "kept".into()));
        assert_eq!(outputs.len(), outputs::NAMES.len() + 1);
        let summary = std::fs::read_to_string(destinations.summary.unwrap()).unwrap();
        assert!(summary.starts_with("# Before\n## ✓ Relayed"), "{summary}");
        assert_eq!(out.text(), "");
    }

    #[test]
    fn a_summary_that_is_nearly_full_is_not_made_too_large() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("summary");
        std::fs::write(&path, "x".repeat(summary::MOST_BYTES - 400)).unwrap();
        let destinations = Destinations { output: None, summary: Some(path.clone()) };
        write_all(&Redactor::default().redacted(fixtures::success()), &destinations, &console().0);
        assert!(std::fs::metadata(path).unwrap().len() < summary::MOST_BYTES as u64);
    }

    #[test]
    fn outputs_that_cannot_be_written_are_an_error_and_a_summary_is_a_warning() {
        let folder = tempfile::tempdir().unwrap();
        let destinations = Destinations {
            output: Some(folder.path().join("no/such/folder")),
            summary: Some(folder.path().to_owned()),
        };
        let (console, out) = console();
        assert!(!write_all(&Redactor::default().redacted(fixtures::success()), &destinations, &console));
        let (commands, _) = runner::parse_log(&out.text());
        assert_eq!(commands.iter().map(|command| command.name.as_str()).collect::<Vec<_>>(), ["error", "warning"]);
    }
}
