//! A failure is a value: where it happened, what happened, its cause, and whether trying again helps.

use std::{fmt, time::Duration};

use super::Cause;
use crate::credential::Texts;

/// The stages of a relay, in their order. The names are those of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Reading inputs; it is part of no report stage.
    Inputs,
    /// All checks before anything is written.
    Preflight,
    /// The directory or the refs.
    Push,
    /// The tags.
    Tag,
    /// The Actions secret.
    Secret,
    /// Dispatches.
    Trigger,
    /// Waiting for runs.
    Wait,
    /// The end of the old token, once for the whole step.
    Revoke,
}

impl Stage {
    /// The stage's name in the report and the log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Inputs => "inputs",
            Self::Preflight => "preflight",
            Self::Push => "push",
            Self::Tag => "tag",
            Self::Secret => "secret",
            Self::Trigger => "trigger",
            Self::Wait => "wait",
            Self::Revoke => "revoke",
        }
    }
}

/// Whether, and when, the same request may be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// It will not pass, however often it is tried.
    Never,
    /// It may pass: after the usual pause.
    Backoff,
    /// The server named the pause (`Retry-After`, a rate limit's reset).
    After(Duration),
    /// It may have been done: the answer got lost. Only what provably did not happen is sent again, after the pause that the
    /// server named, if it did.
    Unclear(Option<Duration>),
    /// It may be done, or may be done yet: the server had all of it, said nothing, and was given up on. Whatever is found
    /// now proves nothing about what it does later, so only what may be done twice is sent again.
    Silence,
}

impl Retry {
    /// The same for what may have been done all the same.
    #[must_use]
    pub fn unclear(self) -> Self {
        match self {
            Self::After(pause) => Self::Unclear(Some(pause)),
            Self::Unclear(_) | Self::Silence => self,
            Self::Never | Self::Backoff => Self::Unclear(None),
        }
    }
}

/// What failed, why, and what to do.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The one cause, of the closed list.
    pub cause: Cause,
    /// One or two sentences: what happened, with the names of the things it happened to. Ends with a full stop.
    pub what: String,
    /// A remedy with the target's own names filled in; without one, the cause's general remedy counts.
    pub remedy: Option<String>,
    /// A more exact address than the cause's page (an SSO link, a run), if there is one.
    pub link: Option<String>,
    /// Whether trying again may help.
    pub retry: Retry,
}

impl Texts for Failure {
    fn for_each_text(&mut self, change: &mut dyn FnMut(&mut String)) {
        change(&mut self.what);
        self.remedy.iter_mut().chain(&mut self.link).for_each(change);
    }
}

impl Failure {
    /// A failure that no second try heals.
    pub fn new(cause: Cause, what: impl Into<String>) -> Self {
        Self { cause, what: what.into(), remedy: None, link: None, retry: Retry::Never }
    }

    /// The same with a remedy that knows the names at hand.
    #[must_use]
    pub fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// The same with a more exact address.
    #[must_use]
    pub fn with_link(mut self, link: impl Into<String>) -> Self {
        self.link = Some(link.into());
        self
    }

    /// The same with another answer to "may it be tried again?".
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// The same for what turned out not to have been done, or may be done twice: it may be sent again.
    #[must_use]
    pub fn undone(mut self) -> Self {
        self.retry = match self.retry {
            Retry::After(pause) | Retry::Unclear(Some(pause)) => Retry::After(pause),
            Retry::Never | Retry::Backoff | Retry::Unclear(None) | Retry::Silence => Retry::Backoff,
        };
        self
    }

    /// What to do about it, in one or two sentences.
    pub fn remedy(&self) -> &str {
        self.remedy.as_deref().unwrap_or_else(|| self.cause.remedy())
    }

    /// The page to read: the exact link where there is one, else the cause's.
    pub fn docs(&self) -> &str {
        self.link.as_deref().unwrap_or_else(|| self.cause.docs())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.what, self.remedy())
    }
}

impl std::error::Error for Failure {}
