//! What can go wrong on the wire, and how it becomes a failure that a person can act on.

use crate::{
    credential::OutsideText,
    diagnosis::{
        Cause, Evidence, Failure, Operation, Retry, Situation, classify,
        errors::{CheckoutError, PackError, StoreError},
    },
    http::HttpError,
};

/// How many characters are shown of what stands where the protocol has something else.
const LONGEST_FOUND: usize = 100;

/// Why a conversation with a git server ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// No answer, or only a part of one.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// An answer with another status than 200.
    #[error("{request} was answered with status {status}")]
    Status {
        /// Method and address, for the diagnosis.
        request: String,
        /// The status.
        status: u16,
        /// The headers, names in lower case.
        headers: Vec<(String, String)>,
        /// The beginning of the body.
        text: OutsideText,
    },
    /// The answer is no valid piece of git's protocol; the text says what was found instead.
    #[error("{0}")]
    Protocol(String),
    /// The server ended the conversation in words of its own: an `ERR` line or sideband 3.
    #[error("the server ended the conversation")]
    Remote(OutsideText),
    /// The answer holds something else than git's protocol has in its place.
    #[error("{what}")]
    Unexpected {
        /// What it is not.
        what: String,
        /// What was found.
        found: OutsideText,
    },
    /// The answer ended in the middle.
    #[error("the answer ended before its end")]
    CutOff,
    /// An object of the checkout could not be read for the pack.
    #[error(transparent)]
    Checkout(#[from] CheckoutError),
    /// The pack could not be made.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// An earlier version could not be read from the temporary store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It is a failure already: what is ours to send could not be made, or the server lacks what is needed.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl WireError {
    /// An answer that is not as the protocol wants it.
    pub(crate) fn protocol(found: impl Into<String>) -> Self {
        Self::Protocol(found.into())
    }

    /// An answer that holds `found`, which `what` says what it is not.
    pub(crate) fn unexpected(what: impl Into<String>, found: &[u8]) -> Self {
        Self::Unexpected { what: what.into(), found: OutsideText::from_bytes(found) }
    }

    /// The failure of a conversation that changed nothing, and so may be held again.
    pub fn into_failure(self, operation: Operation, situation: &Situation) -> Failure {
        let server = situation.server.as_deref().unwrap_or("The server");
        match self {
            Self::Http(error) => error.into_read_failure(),
            Self::Status { request, status, headers, text } => {
                tracing::debug!("{request} was answered: {}", text.redacted(&situation.redactor));
                let evidence =
                    Evidence { operation, status: Some(status), headers: &headers, text, request: Some(&request) };
                let mut failure = classify(&evidence, situation).into_failure();
                if failure.what.trim().is_empty() {
                    failure.what = format!("{request} was answered with status {status}.");
                }
                failure
            }
            Self::Remote(text) => classify(&Evidence::of_text(operation, text), situation).into_failure(),
            Self::Protocol(found) => {
                let what = format!("{server} did not answer in git's protocol: {found}.");
                Failure::new(Cause::ServerError, what).with_retry(Retry::Backoff)
            }
            Self::Unexpected { what, found } => {
                let found = found.redacted(&situation.redactor).cut(LONGEST_FOUND);
                let what = format!("{server} did not answer in git's protocol: {what}: {:?}.", *found);
                Failure::new(Cause::ServerError, what).with_retry(Retry::Backoff)
            }
            Self::CutOff => {
                let what = format!("{server} ended its answer in the middle.");
                Failure::new(Cause::ConnectionFailed, what).with_retry(Retry::Backoff)
            }
            Self::Checkout(error) => error.into(),
            Self::Pack(error) => error.into(),
            Self::Store(error) => error.into(),
            Self::Failed(failure) => failure,
        }
    }
}
