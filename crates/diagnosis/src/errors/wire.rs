//! Conversations with a git server that ended before their end.

use crate::{
    Cause, Evidence, Failure, Operation, Retry, Situation, classify,
    credential::OutsideText,
    errors::{CheckoutError, HttpError, PackError, RequestError, SshError, StoreError},
};

/// How many characters are shown of what stands where the protocol has something else.
const LONGEST_FOUND: usize = 100;

/// Why a conversation with a git server ended before its end.
#[derive(Clone, Debug, thiserror::Error)]
pub enum WireError {
    /// No answer, or only a part of one.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The SSH connection did not come about, broke, or the server refused over it.
    #[error(transparent)]
    Ssh(#[from] SshError),
    /// No request can be made with the address.
    #[error(transparent)]
    Request(#[from] RequestError),
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
    /// The repository's objects are not named by SHA-1.
    #[error("the repository names its objects by {0}")]
    ObjectFormat(String),
    /// The server's receive-pack deletes no refs.
    #[error("the server does not let refs be deleted by a push")]
    NoDeletions,
    /// An object of the checkout could not be read for the pack.
    #[error(transparent)]
    Checkout(#[from] CheckoutError),
    /// The pack could not be made.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// What was fetched could not be taken in, or an earlier version not be read from the temporary store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The thread that takes in what is fetched ended early: a fault of this program.
    #[error("reading what was fetched failed: {0}")]
    Taker(String),
}

impl WireError {
    /// An answer that is not as the protocol wants it.
    pub fn protocol(found: impl Into<String>) -> Self {
        Self::Protocol(found.into())
    }

    /// An answer that holds `found`, which `what` says what it is not.
    pub fn unexpected(what: impl Into<String>, found: &[u8]) -> Self {
        Self::Unexpected { what: what.into(), found: OutsideText::from_bytes(found) }
    }

    /// The failure of a conversation that changed nothing, and so can be held again.
    pub fn into_failure(self, operation: Operation, situation: &Situation) -> Failure {
        let server = situation.server.as_deref().unwrap_or("The server");
        match self {
            Self::Http(error) => error.into_read_failure(),
            Self::Ssh(error) => error.into_failure(situation),
            Self::Request(error) => error.into(),
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
            Self::ObjectFormat(format) => {
                let what = format!(
                    "The target repository names its objects by {format}; only sha1 repositories can be written to."
                );
                Failure::new(Cause::InvalidRefOrObject, what).with_remedy(SHA1)
            }
            Self::NoDeletions => {
                Failure::new(Cause::InvalidRefOrObject, "The server does not let refs be deleted by a push.")
            }
            Self::Checkout(error) => error.into(),
            Self::Pack(error) => error.into(),
            Self::Store(error) => error.into(),
            Self::Taker(reason) => {
                Failure::new(Cause::InternalError, format!("Reading what was fetched failed: {reason}."))
            }
        }
    }
}

const SHA1: &str =
    "Use a target repository with the object format sha1, which is what GitHub makes unless asked otherwise.";
