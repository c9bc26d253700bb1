//! The result of a diagnosis, and how it becomes a failure.

use super::{Cause, Failure, Retry};

/// The one cause, the words that show it, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// The one cause, of the closed list.
    pub cause: Cause,
    /// Whether the same request, unchanged, may pass later.
    pub transient: bool,
    /// The sentence of the text that shows it, cleaned of control characters; for an unknown cause the text itself.
    pub what: String,
    /// What to do, in one or two sentences, with the names that are known.
    pub remedy: String,
    /// The page to read.
    pub docs: &'static str,
    /// The other causes that the text fits, the likelier first; empty where it decides.
    pub also: Vec<Cause>,
    /// When the same request may be sent again.
    pub retry: Retry,
    /// A more exact address than [`Self::docs`], from the text or its headers.
    pub link: Option<String>,
}

impl Diagnosis {
    /// The failure that a stage returns.
    pub fn into_failure(self) -> Failure {
        Failure { cause: self.cause, what: self.what, remedy: Some(self.remedy), link: self.link, retry: self.retry }
    }
}
