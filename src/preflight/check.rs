//! One check of the preflight with its verdict.

use crate::diagnosis::{Cause, Failure};
pub use crate::inputs::CheckName;

/// What a check says.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// Fine; the text tells what was found.
    Pass(String),
    /// Likely to go wrong, or worth knowing; the server decides.
    Warn(Failure),
    /// Certain to be refused: nothing is written.
    Fail(Failure),
    /// The credential may not ask.
    Skip(Failure),
}

/// One check with its verdict. A check that has nothing to do with the plan is not made.
#[derive(Clone, Debug)]
pub struct Check {
    /// Which check.
    pub name: CheckName,
    /// What it says.
    pub verdict: Verdict,
}

impl Check {
    /// A check that found all well.
    pub fn pass(name: CheckName, text: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Pass(text.into()) }
    }

    /// A check that warns.
    pub fn warn(name: CheckName, failure: Failure) -> Self {
        Self { name, verdict: Verdict::Warn(failure) }
    }

    /// A check that stops the step.
    pub fn fail(name: CheckName, failure: Failure) -> Self {
        Self { name, verdict: Verdict::Fail(failure) }
    }

    /// A check that could not be made; the text says what could not be asked.
    pub fn skip(name: CheckName, text: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Skip(Failure::new(Cause::CheckNotPermitted, text)) }
    }

    /// How bad the verdict is, from 0.
    pub(super) fn weight(&self) -> u8 {
        match self.verdict {
            Verdict::Pass(_) => 0,
            Verdict::Skip(_) => 1,
            Verdict::Warn(_) => 2,
            Verdict::Fail(_) => 3,
        }
    }

    /// The failure that stops the step, if this check has one.
    pub fn failure(&self) -> Option<&Failure> {
        match &self.verdict {
            Verdict::Fail(failure) => Some(failure),
            _ => None,
        }
    }

    /// The same check with its `fail` turned into a warning.
    #[must_use]
    pub fn ignored(self) -> Self {
        match self.verdict {
            Verdict::Fail(failure) if self.name.may_be_ignored() => Self::warn(self.name, failure),
            verdict => Self { name: self.name, verdict },
        }
    }
}

/// A task of this program that did not come to its end.
pub(super) fn contradiction() -> Failure {
    Failure::new(Cause::InternalError, "The preflight did not come to its end.")
}
