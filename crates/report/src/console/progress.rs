//! Progress bars for hashing and sending, on standard error of a terminal.

use indicatif::{ProgressBar, ProgressStyle};

use crate::{progress::Event, text::bytes};

/// A bar on the screen; gone when dropped.
pub(super) struct Bar {
    bar: ProgressBar,
    verb: &'static str,
}

impl Bar {
    fn new(verb: &'static str) -> Self {
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template("  {prefix} {bar:30} {percent:>3} % {msg}") {
            bar.set_style(style);
        }
        bar.set_prefix(verb);
        Self { bar, verb }
    }

    /// Writes with `bar`, if there is one, out of the way.
    pub(super) fn aside(bar: Option<&Self>, write: impl FnOnce()) {
        match bar {
            Some(Self { bar, .. }) => bar.suspend(write),
            None => write(),
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Moves the bar, makes it, or takes it away. Other events leave it alone.
pub(super) fn show(slot: &mut Option<Bar>, event: &Event<'_>) {
    let (verb, done, total, message) = match *event {
        Event::Hashing { done, total } => ("hashing", done, total, format!("{} of {}", bytes(done), bytes(total))),
        Event::Uploading { done, total } => ("uploading", done, total, format!("{} of {}", bytes(done), bytes(total))),
        Event::Sending { objects, total, bytes: sent } => {
            ("sending", objects, total, format!("{objects} of {total} objects, {}", bytes(sent)))
        }
        Event::Finished => {
            *slot = None;
            return;
        }
        _ => return,
    };
    if slot.as_ref().is_none_or(|bar| bar.verb != verb) {
        *slot = None;
    }
    let bar = &slot.get_or_insert_with(|| Bar::new(verb)).bar;
    bar.set_length(total);
    bar.set_position(done);
    bar.set_message(message);
}
