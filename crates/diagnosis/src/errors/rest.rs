//! REST calls that brought no usable answer.

use crate::{
    Cause, Evidence, Failure, Operation, Retry, Situation, classify, credential::OutsideText, errors::HttpError,
};

/// What a request does when it arrives twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing, or the same as once: it may be sent again.
    Repeatable,
    /// Something each time (a dispatch starts another run): it is sent again only when it provably had no effect.
    Once,
}

/// Why there is no usable answer.
#[derive(Clone, Debug)]
pub enum RestErrorKind {
    /// The server answered with a status that is none of the expected ones.
    Refused,
    /// The answer is not what this address should give: HTML, damaged JSON, too long.
    Unreadable(String),
    /// There was no answer, or not all of it.
    Network(HttpError),
    /// The request could not be made: a fault of this program.
    Own(String),
}

/// What is known of a REST call without a usable answer.
#[derive(Clone, Debug)]
pub struct RestFault<'a> {
    /// Why there is none.
    pub kind: RestErrorKind,
    /// What the request does when it arrives twice.
    pub effect: Effect,
    /// What was called: `GET /repos/o/r`.
    pub endpoint: &'a str,
    /// The status; zero without an answer.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: &'a [(String, String)],
    /// The body.
    pub text: OutsideText,
}

impl RestFault<'_> {
    /// The failure of the call.
    pub fn into_failure(self, situation: &Situation) -> Failure {
        let Self { kind, effect, endpoint, status, headers, text } = self;
        let once = effect == Effect::Once;
        match kind {
            RestErrorKind::Network(error) if once => error.into_write_failure(),
            RestErrorKind::Network(error) => error.into_read_failure(),
            RestErrorKind::Own(reason) => {
                Failure::new(Cause::InternalError, format!("{endpoint} could not be asked: {reason}."))
            }
            RestErrorKind::Unreadable(what) => {
                let what = format!("The answer to {endpoint} (status {status}) cannot be read: {what}.");
                let retry = if once { Retry::Unclear(None) } else { Retry::Backoff };
                Failure::new(Cause::ServerError, what).with_retry(retry)
            }
            RestErrorKind::Refused => {
                let evidence = Evidence {
                    operation: Operation::Rest,
                    status: Some(status),
                    headers,
                    text,
                    request: Some(endpoint),
                };
                let mut failure = classify(&evidence, situation).into_failure();
                // A gateway's 502 says nothing about what the server behind it did.
                if once && status >= 500 && failure.retry != Retry::Never {
                    failure.retry = failure.retry.unclear();
                }
                failure
            }
        }
    }
}
