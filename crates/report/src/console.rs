//! What is printed while the relay runs, and at its end: for the Actions runner, a terminal, or a plain stream.
//!
//! Everything passes through the [`Redactor`] and [`safe_line`] here; stages hand over facts, not lines.

mod finish;
mod progress;
mod target_log;

use std::{
    collections::{HashMap, HashSet},
    io::{self, IsTerminal, Write},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anstyle::{AnsiColor, Style};

pub use target_log::{StageLog, TargetLog};

use super::{
    CheckReport, CheckStatus,
    commands::{self, Level},
    text::{safe_line, safe_lines},
};
use crate::{
    credential::{Redactor, Secret, Shown},
    diagnosis::{Failure, Stage},
};
use progress::Bar;

/// Who reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The Actions runner: workflow commands, all on standard output so that their order holds.
    Runner,
    /// A person at a terminal: colour, progress bars, errors on standard error.
    Terminal,
    /// A file or a pipe: the same text, bare.
    Plain,
}

/// How a line is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tone {
    Plain,
    Good,
    Warning,
    Bad,
    Faint,
}

impl Tone {
    fn style(self) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Good => AnsiColor::Green.on_default(),
            Self::Warning => AnsiColor::Yellow.on_default(),
            Self::Bad => AnsiColor::Red.on_default().bold(),
            Self::Faint => Style::new().dimmed(),
        }
    }
}

/// One thing to be shown.
#[derive(Clone, Debug)]
enum LogEntry {
    /// Opens a part; on a runner a fold.
    Open(String),
    /// Closes it.
    Close,
    /// A heading inside a part.
    Heading(String),
    /// A line of standard output.
    Line(Tone, String),
    /// A line of standard error.
    ErrorLine(Tone, String),
    /// An annotation; off a runner a line of standard error.
    Annotation { level: Level, title: Option<String>, text: String },
    /// An annotation of what a line says already: shown on a runner alone.
    Mark { level: Level, title: Option<String>, text: String },
}

struct Streams {
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    annotations: HashMap<Level, usize>,
    said: HashSet<(Level, Option<String>, Shown)>,
    bar: Option<Bar>,
}

struct ConsoleState {
    mode: Mode,
    debug: bool,
    redactor: Redactor,
    streams: Mutex<Streams>,
}

/// Where everything is printed. Cheap to clone; its lines never mix, from however many threads.
#[derive(Clone)]
pub struct Console(Arc<ConsoleState>);

impl Console {
    /// A console that writes to `out` and `err`; `debug` lets [`Self::debug`] speak. In [`Mode::Terminal`] it writes ANSI colours.
    pub fn new(
        mode: Mode,
        debug: bool,
        out: Box<dyn Write + Send>,
        err: Box<dyn Write + Send>,
        redactor: Redactor,
    ) -> Self {
        let streams = Streams { out, err, annotations: HashMap::new(), said: HashSet::new(), bar: None };
        Self(Arc::new(ConsoleState { mode, debug, redactor, streams: Mutex::new(streams) }))
    }

    /// The console of this process. Off a runner it honours `NO_COLOR`, `CLICOLOR_FORCE` and what the terminal can.
    pub fn standard(on_runner: bool, debug: bool, redactor: Redactor) -> Self {
        if on_runner {
            return Self::new(Mode::Runner, debug, Box::new(io::stdout()), Box::new(io::stderr()), redactor);
        }
        // One of the two suffices: with standard output in a pipe, errors and the bar still reach a person.
        let mode = if io::stdout().is_terminal() || io::stderr().is_terminal() { Mode::Terminal } else { Mode::Plain };
        Self::new(mode, debug, Box::new(anstream::stdout()), Box::new(anstream::stderr()), redactor)
    }

    /// The same with everything on standard error: standard output is somebody else's.
    pub fn on_standard_error(on_runner: bool, debug: bool, redactor: Redactor) -> Self {
        if on_runner {
            return Self::new(Mode::Runner, debug, Box::new(io::stderr()), Box::new(io::stderr()), redactor);
        }
        let mode = if io::stderr().is_terminal() { Mode::Terminal } else { Mode::Plain };
        Self::new(mode, debug, Box::new(anstream::stderr()), Box::new(anstream::stderr()), redactor)
    }

    /// Who reads.
    pub fn mode(&self) -> Mode {
        self.0.mode
    }

    /// What takes the secrets out of everything printed.
    pub fn redactor(&self) -> &Redactor {
        &self.0.redactor
    }

    /// Hides `secrets`, in all of their forms, from now on; before anything else is printed.
    pub fn masks<'a>(&self, secrets: impl IntoIterator<Item = &'a Secret>) {
        // Before the runner is told: other threads may print meanwhile.
        let forms = self.0.redactor.learn(secrets);
        // Anywhere else the command would print the very secret that it hides.
        if self.0.mode != Mode::Runner {
            return;
        }
        let mut streams = self.streams();
        for form in &forms {
            // NOTE: of a mask with line breaks the runner masks each line, `-----BEGIN` too; the lines that tell have forms of their own.
            if !form.expose().contains(['\n', '\r']) {
                streams.show(|out| commands::add_mask(out, form.expose()));
            }
        }
    }

    /// The log of one target. `live`: its lines appear at once, a part a stage; else they are kept and appear
    /// together, as one part, when the last clone of the log is dropped: so parallel targets do not mix.
    pub fn target(&self, repository: &str, live: bool) -> TargetLog {
        TargetLog::new(self.clone(), repository, live)
    }

    /// A line outside of all targets.
    pub fn line(&self, text: &str) {
        self.show([LogEntry::Line(Tone::Plain, text.to_owned())]);
    }

    /// A remark that becomes an annotation on a runner.
    pub fn notice(&self, title: Option<&str>, text: &str) {
        self.annotate(Level::Notice, title, text);
    }

    /// An error that becomes an annotation on a runner, and is no target's.
    pub fn error(&self, title: Option<&str>, text: &str) {
        self.annotate(Level::Error, title, text);
    }

    /// A warning that becomes an annotation on a runner. `title` is a cause's slug.
    pub fn warning(&self, title: Option<&str>, text: &str) {
        self.annotate(Level::Warning, title, text);
    }

    fn annotate(&self, level: Level, title: Option<&str>, text: &str) {
        self.show([LogEntry::Annotation { level, title: title.map(str::to_owned), text: text.to_owned() }]);
    }

    /// A line for whoever looks for a fault of this program; see [`Self::new`].
    pub fn debug(&self, text: &str) {
        if !self.0.debug {
            return;
        }
        let text = self.0.redactor.redact(text);
        let mode = self.0.mode;
        let mut streams = self.streams();
        for line in safe_lines(&text) {
            match mode {
                Mode::Runner => streams.show(|out| commands::debug(out, &line)),
                Mode::Terminal | Mode::Plain => streams.tell(mode, Tone::Faint, &line),
            }
        }
    }

    fn streams(&self) -> MutexGuard<'_, Streams> {
        // A thread that panicked while printing leaves no state that the next line could not follow.
        self.0.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows `entries` without anything of another thread in between.
    fn show(&self, entries: impl IntoIterator<Item = LogEntry>) {
        let mode = self.0.mode;
        let clean = |text: String| self.0.redactor.redacted(text);
        let mut streams = self.streams();
        for entry in entries {
            match entry {
                LogEntry::Open(title) if mode == Mode::Runner => {
                    let title = clean(title);
                    streams.show(|out| commands::group(out, &title));
                }
                LogEntry::Close if mode == Mode::Runner => streams.show(commands::endgroup),
                LogEntry::Close => {}
                // Groups do not nest on a runner, so a stage inside a target's group is a heading.
                LogEntry::Open(title) | LogEntry::Heading(title) => {
                    streams.say(mode, Style::new().bold(), &safe_line(&clean(title)));
                }
                LogEntry::Line(tone, text) => {
                    for line in safe_lines(&clean(text)) {
                        streams.say(mode, tone.style(), &line);
                    }
                }
                LogEntry::ErrorLine(tone, text) => {
                    for line in safe_lines(&clean(text)) {
                        streams.tell(mode, tone, &line);
                    }
                }
                LogEntry::Mark { .. } if mode != Mode::Runner => {}
                LogEntry::Annotation { level, title, text } | LogEntry::Mark { level, title, text } => {
                    streams.annotate(mode, level, title, clean(text));
                }
            }
        }
    }
}

impl Streams {
    /// Hands one piece of standard output over whole. A stream that is gone is no reason to stop the relay.
    fn show(&mut self, write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) {
        let mut piece = Vec::new();
        let out = &mut self.out;
        if write(&mut piece).is_ok() {
            Bar::aside(self.bar.as_ref(), || drop(out.write_all(&piece).and_then(|()| out.flush())));
        }
    }

    fn say(&mut self, mode: Mode, style: Style, line: &str) {
        self.show(|out| styled(out, mode, style, line));
    }

    /// A line of standard error; on a runner there is one stream, so that the order holds.
    fn tell(&mut self, mode: Mode, tone: Tone, line: &str) {
        if mode == Mode::Runner {
            return self.say(mode, tone.style(), line);
        }
        let mut piece = Vec::new();
        let err = &mut self.err;
        if styled(&mut piece, mode, tone.style(), line).is_ok() {
            Bar::aside(self.bar.as_ref(), || drop(err.write_all(&piece).and_then(|()| err.flush())));
        }
    }

    /// The same annotation is shown once. What the runner would not keep becomes a line.
    fn annotate(&mut self, mode: Mode, level: Level, title: Option<String>, text: Shown) {
        if self.said.contains(&(level, title.clone(), text.clone())) {
            return;
        }
        // Per level, as the runner counts. Past its limit a line is better than an annotation that is dropped.
        let count = self.annotations.entry(level).or_default();
        *count += 1;
        if mode == Mode::Runner && *count <= commands::MOST_ANNOTATIONS {
            self.show(|out| commands::annotate(out, level, title.as_deref(), &text));
            // Only what was kept by the runner: an annotation that became a line may be said again.
            self.said.insert((level, title, text));
            return;
        }
        // Off a runner, and past its limit, the line has to carry the weight of the annotation by colour alone.
        let tone = match level {
            Level::Error => Tone::Bad,
            Level::Warning => Tone::Warning,
            Level::Notice => Tone::Plain,
        };
        let title = title.map(|title| format!(" ({title})")).unwrap_or_default();
        for line in safe_lines(&format!("{}{title}: {text}", level.name())) {
            self.tell(mode, tone, &line);
        }
    }
}

/// One line, in colour on a terminal.
fn styled(out: &mut Vec<u8>, mode: Mode, style: Style, line: &str) -> io::Result<()> {
    match mode {
        Mode::Terminal => writeln!(out, "{style}{line}{style:#}"),
        Mode::Runner | Mode::Plain => writeln!(out, "{line}"),
    }
}

#[cfg(test)]
pub(crate) mod tests;
