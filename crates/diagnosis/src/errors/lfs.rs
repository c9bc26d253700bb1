//! Objects that the storage of Git LFS did not take.

use crate::{
    Cause, Failure, Operation, Retry, Situation,
    credential::{OutsideText, Shown},
    errors::{HttpError, WireError},
};

/// Why an object did not reach the storage.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LfsError {
    /// The server named an address that no request can be made with.
    #[error("the address of the Git LFS storage is not usable: {0}")]
    Address(String),
    /// No answer, or only a part of one.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// A page for people in place of an answer: from a proxy, or from a network that wants a sign-in.
    #[error("{host} answered the {request} with an HTML page")]
    Page {
        /// The storage.
        host: String,
        /// What was answered: "upload of the Git LFS object 5891b5b522d5".
        request: String,
    },
    /// An answer with a status that is no success.
    #[error("{host} answered the {request} with status {status}")]
    Refused {
        /// The storage.
        host: String,
        /// What was refused: "upload of the Git LFS object 5891b5b522d5".
        request: String,
        /// The status.
        status: u16,
        /// The headers, names in lower case.
        headers: Vec<(String, String)>,
        /// The storage's message, without control characters; empty where it gave none.
        said: Shown,
    },
}

impl From<LfsError> for Failure {
    /// The failure of an upload, which can be done twice: the object is the same.
    fn from(error: LfsError) -> Self {
        match error {
            LfsError::Address(reason) => Self::new(
                Cause::ServerError,
                format!("The server named an unusable address of its Git LFS storage: {reason}."),
            ),
            LfsError::Http(error) => error.into_read_failure(),
            LfsError::Page { host, request } => {
                let what =
                    format!("{host} answered the {request} with an HTML page, so that nothing is known to be stored.");
                Self::new(Cause::ServerError, what).with_retry(Retry::Backoff)
            }
            LfsError::Refused { host, request, status, headers, said } => {
                let said = if said.is_empty() { String::new() } else { format!(": {:?}", *said) };
                let what = format!("{host} answered the {request} with status {status}{said}.");
                match status {
                    // Too large, storage full, bandwidth spent: batch.md names these for limits of the account.
                    413 | 507 | 509 => Self::new(Cause::LfsUnavailable, what),
                    // For a moment, or since the address has ended: the next try asks for a new one. A limit can be a 403, too.
                    _ => {
                        let answer = WireError::Status { request, status, headers, text: OutsideText::default() };
                        // Of the diagnosis the pause alone counts: its words are about git's own server.
                        let known = answer.into_failure(Operation::GitPush, &Situation::default());
                        let named = matches!(known.retry, Retry::After(_));
                        let retry = if named { known.retry } else { Retry::Backoff };
                        Self::new(Cause::ServerError, what).with_retry(retry)
                    }
                }
            }
        }
    }
}
