//! The program's own trace: `::debug::` lines under `RUNNER_DEBUG=1`, standard error of a laptop when asked for.

use std::fmt::{self, Write as _};

use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
};
use tracing_subscriber::{
    Layer,
    filter::Targets,
    layer::{Context, SubscriberExt},
};

use super::Console;

/// What the names of the program and of its crates begin with.
const OWN: &str = "repo_relay";

/// Which events are traced: none at 0, this program's own at 1 (debug) and 2 (trace), those of all libraries from 3.
fn filter(verbosity: u8) -> Targets {
    let own = match verbosity {
        0 => return Targets::new().with_default(LevelFilter::OFF),
        1 => Level::DEBUG,
        _ => Level::TRACE,
    };
    let others = if verbosity > 2 { LevelFilter::DEBUG } else { LevelFilter::WARN };
    Targets::new().with_default(others).with_target(OWN, own)
}

/// Sends the trace to `console`, which has to be made with `debug`. `verbosity` is 1 under `RUNNER_DEBUG=1`, else the number of `--verbose` flags.
///
/// Does nothing at 0, or when a subscriber is installed already.
pub fn install(console: &Console, verbosity: u8) {
    if verbosity > 0 {
        // A second call in one process (tests) keeps the first one's subscriber.
        let _ = tracing::subscriber::set_global_default(subscriber(console, verbosity));
    }
}

fn subscriber(console: &Console, verbosity: u8) -> impl Subscriber + Send + Sync + use<> {
    tracing_subscriber::registry().with(Trace(console.clone()).with_filter(filter(verbosity)))
}

struct Trace(Console);

impl<S: Subscriber> Layer<S> for Trace {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = TraceLine(event.metadata().target().to_owned() + ":");
        event.record(&mut line);
        self.0.debug(&line.0);
    }
}

/// `target: message key=value ...`
struct TraceLine(String);

impl Visit for TraceLine {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a String does not fail.
        let _ = match field.name() {
            "message" => write!(self.0, " {value:?}"),
            name => write!(self.0, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Mode, *};
    use crate::{console::tests::Shared, credential::Redactor};

    fn traced(verbosity: u8, mode: Mode) -> String {
        let out = Shared::default();
        let redactor = Redactor::new(&[crate::credential::Secret::new("canary".into())]);
        let console = Console::new(mode, verbosity > 0, Box::new(out.clone()), Box::new(out.clone()), redactor);
        tracing::subscriber::with_default(subscriber(&console, verbosity), || {
            tracing::debug!(refs = 2, "asked with canary\n::error::x");
            tracing::debug!(target: "hyper", "connected");
        });
        out.text()
    }

    #[test]
    fn debug_lines_are_for_those_who_ask() {
        let own = concat!(env!("CARGO_CRATE_NAME"), "::logging::tests: asked with ***");
        assert_eq!(traced(0, Mode::Runner), "");
        assert_eq!(traced(1, Mode::Runner), format!("::debug::{own}\n::debug::\\::error::x refs=2\n"));
        assert_eq!(traced(1, Mode::Plain), format!("{own}\n\\::error::x refs=2\n"));
        assert!(traced(3, Mode::Plain).contains("hyper: connected"));
    }
}
