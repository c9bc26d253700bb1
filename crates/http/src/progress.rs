//! How a stage tells what it is doing without printing: it hands events to a [`Watch`], and the report decides how they look.

use std::time::Duration;

use crate::{credential::OutsideText, diagnosis::Failure};

/// What happens inside a stage while it runs.
#[derive(Debug)]
pub enum Event<'a> {
    /// A try failed and another follows after a pause.
    Retry {
        /// What is tried, as a noun: "push to gh-pages".
        what: &'a str,
        /// Why the try failed.
        failure: &'a Failure,
        /// The number of the try that failed, from 1.
        attempt: u32,
        /// How many tries there are at most.
        attempts: u32,
        /// How long the pause is.
        pause: Duration,
    },
    /// Files of the directory were read and hashed.
    Hashing {
        /// Bytes hashed so far.
        done: u64,
        /// Bytes in all.
        total: u64,
    },
    /// Bytes of a pack were handed to the network.
    Sending {
        /// Objects written so far.
        objects: u64,
        /// Objects in all.
        total: u64,
        /// Bytes sent so far.
        bytes: u64,
    },
    /// Bytes of Git LFS objects were handed to the network.
    Uploading {
        /// Bytes sent so far.
        done: u64,
        /// Bytes in all.
        total: u64,
    },
    /// Hashing or sending is over: a bar may go.
    Finished,
    /// A line that the server sent with a push, as git shows it after `remote: `.
    Remote(OutsideText),
    /// A line a person should see in the log.
    Notice(&'a str),
    /// A line a person should see as a warning.
    Warning(&'a str),
}

/// A receiver of events. Called from several threads.
pub trait Watch: Send + Sync {
    /// Takes note of `event`; must not block for long.
    fn see(&self, event: Event<'_>);
}

/// A [`Watch`] that ignores every event.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoWatch;

impl Watch for NoWatch {
    fn see(&self, _event: Event<'_>) {}
}
