//! Workflow commands: how a step speaks to the Actions runner through its log.
//!
//! Form and escaping follow
//! <https://docs.github.com/en/actions/writing-workflows/choosing-what-your-workflow-does/workflow-commands-for-github-actions>
//! and `ActionCommand.cs` of <https://github.com/actions/runner>.

use std::io::{self, Write};

use super::text::{cut, safe_line, what_and_remedy};
use crate::{
    credential::{Redacted, Shown},
    diagnosis::Failure,
};

/// Past this many characters the runner cuts an annotation's message.
pub const LONGEST_MESSAGE: usize = 4096;

/// Past this many of one kind the runner keeps no further annotation of a step.
pub const MOST_ANNOTATIONS: usize = 10;

/// How grave an annotation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// `::error`
    Error,
    /// `::warning`
    Warning,
    /// `::notice`
    Notice,
}

impl Level {
    /// The command's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Notice => "notice",
        }
    }
}

/// Escapes the text after the second `::`.
fn data(text: &str) -> String {
    // The percent sign first: the runner would undo the others' escapes twice.
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes the value of a property.
fn property(text: &str) -> String {
    // A colon ends a property, and a comma begins the next.
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// Hides `secret` in everything the runner logs from now on. A secret of several lines is hidden line by line as well.
pub fn add_mask(out: &mut impl Write, secret: &str) -> io::Result<()> {
    writeln!(out, "::add-mask::{}", data(secret))
}

/// Opens a fold of the log. Groups do not nest.
pub fn group(out: &mut impl Write, title: &Shown) -> io::Result<()> {
    writeln!(out, "::group::{}", data(&safe_line(title)))
}

/// Closes the open fold.
pub fn endgroup<W: Write>(out: &mut W) -> io::Result<()> {
    writeln!(out, "::endgroup::")
}

/// A line that the log shows under `RUNNER_DEBUG=1`.
pub fn debug(out: &mut impl Write, text: &str) -> io::Result<()> {
    writeln!(out, "::debug::{}", data(&safe_line(text)))
}

/// An annotation of the run, also a line of the log. `title` is a cause's slug; without one there is no title.
pub fn annotate(out: &mut impl Write, level: Level, title: Option<&str>, text: &Shown) -> io::Result<()> {
    // Twice: what is escaped is longer, and escaping all of a megabyte takes its time.
    let text = text.cut(LONGEST_MESSAGE);
    let text = data(&cut(&safe_line(&text), LONGEST_MESSAGE));
    match title {
        Some(title) => writeln!(out, "::{} title={}::{text}", level.name(), property(&safe_line(title))),
        None => writeln!(out, "::{}::{text}", level.name()),
    }
}

/// A failure's annotation text: `<what happened>. <what to do>.`, the remedy always visible.
pub fn failure_text(failure: &Redacted<Failure>) -> String {
    what_and_remedy(&safe_line(&failure.what), &safe_line(failure.remedy()), LONGEST_MESSAGE)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::credential::Redactor;
    use crate::diagnosis::Cause;
    use crate::tests::runner;

    fn written(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn text(failure: Failure) -> Shown {
        let redactor = Redactor::default();
        redactor.redacted(failure_text(&redactor.redacted(failure)))
    }

    #[test]
    fn an_error_has_the_cause_as_its_title() {
        let failure = Failure::new(Cause::InvalidInput, "`brnch`: 100% wrong, a:b.").with_remedy("Write `branch`.");
        let line = written(|out| annotate(out, Level::Error, Some(failure.cause.slug()), &text(failure.clone())));
        assert_eq!(line, "::error title=invalid-input::`brnch`: 100%25 wrong, a:b. Write `branch`.\n");
    }

    #[test]
    fn a_mask_of_several_lines_is_one_command() {
        let line = written(|out| add_mask(out, "a%\nb"));
        assert_eq!(line, "::add-mask::a%25%0Ab\n");
        assert_eq!(runner::parse_line(line.trim_end()).unwrap().data, "a%\nb");
    }

    #[test]
    fn a_megabyte_of_text_is_cut_and_keeps_its_remedy() {
        let failure = Failure::new(Cause::Unknown, "\u{1b}".repeat(1 << 20)).with_remedy("Do this.");
        let line = written(|out| annotate(out, Level::Error, Some("unknown"), &text(failure.clone())));
        let command = runner::parse_line(line.trim_end()).unwrap();
        assert_eq!(command.data.chars().count(), LONGEST_MESSAGE);
        assert!(command.data.ends_with("… Do this."));
    }

    proptest! {
        #[test]
        fn the_runner_reads_back_one_command_with_this_text(title in runner::hostile(), text in runner::hostile()) {
            let line = written(|out| annotate(out, Level::Warning, Some(&title), &Redactor::default().redacted(text.clone())));
            let (commands, rest) = runner::parse_log(&line);
            prop_assert_eq!((commands.len(), rest.concat()), (1, String::new()));
            prop_assert_eq!(&commands[0].name, "warning");
            prop_assert_eq!(commands[0].properties.len(), 1);
            // The test's runner drops what has no width, here from both sides.
            let seen = |text: &str| runner::parse_line(&format!("::x::{}", data(text))).unwrap().data;
            prop_assert_eq!(&commands[0].data, &seen(&safe_line(&text)));
        }
    }
}
