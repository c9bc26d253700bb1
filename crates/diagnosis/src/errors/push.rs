//! Pushes that did not do what they should.

use std::time::Duration;

use crate::{
    Cause, Evidence, Failure, Operation, Retry, Situation, classify, credential::OutsideText, errors::WireError,
};

/// Why a push did not do what it should.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PushError {
    /// A ref did not hold the old value that the command named, or was just being changed by another: fetch, merge, push again.
    /// Servers do not always say so; where the ref turns out not to have moved, count it as a failed try.
    #[error(transparent)]
    LostRace(PushFault),
    /// The server refused, or nothing that could be applied was sent; the failure's `retry` tells whether another try can help.
    #[error(transparent)]
    Failed(PushFault),
    /// All was sent, and no report came back: only a look at the refs tells what became of it, and after a
    /// [`Retry::Silence`] not even that, as long as they are what they were.
    #[error(transparent)]
    Unclear(PushFault),
}

/// What happened to a push, with what is known of the repository and the credential.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}", .0.kind)]
pub struct PushFault(Box<PushFaultDetails>);

#[derive(Clone, Debug)]
struct PushFaultDetails {
    kind: PushFaultKind,
    situation: Situation,
}

/// What happened to a push.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PushFaultKind {
    /// The conversation ended before the server had all of the push.
    #[error(transparent)]
    NotSent(WireError),
    /// The conversation ended after the server had all of the push, which it can have done or still be doing.
    #[error(transparent)]
    Unanswered(WireError),
    /// The server refused in these words, laid out as git shows them.
    #[error("the server refused")]
    Refused(OutsideText),
    /// The server's words, laid out as git shows them, say that a ref was not as the command named it, or say nothing.
    #[error("a ref was not as the command named it")]
    RefMoved(OutsideText),
    /// The answer holds no report, or not all of it. The text is a sentence without its full stop.
    #[error("{0}")]
    NoReport(String),
    /// The refs hold what was pushed, and the server was silent for so long.
    #[error("no answer within {0:?}")]
    DoneInSilence(Duration),
}

impl PushFault {
    /// What happened to a push to the repository of `situation`.
    pub fn new(kind: PushFaultKind, situation: &Situation) -> Self {
        Self(Box::new(PushFaultDetails { kind, situation: situation.clone() }))
    }
}

impl PushError {
    /// The failure, whatever kind it is.
    pub fn into_failure(self) -> Failure {
        match self {
            Self::LostRace(fault) | Self::Failed(fault) | Self::Unclear(fault) => fault.into(),
        }
    }
}

impl From<PushFault> for Failure {
    fn from(fault: PushFault) -> Self {
        let PushFaultDetails { kind, situation } = *fault.0;
        let of_words =
            |words: OutsideText| classify(&Evidence::of_text(Operation::GitPush, words), &situation).into_failure();
        match kind {
            PushFaultKind::NotSent(error) => error.into_failure(Operation::GitPush, &situation),
            PushFaultKind::Unanswered(error) => {
                let is_silent = matches!(&error, WireError::Http(error) if error.silent);
                let failure = error.into_failure(Operation::GitPush, &situation);
                let retry = if is_silent { Retry::Silence } else { failure.retry.unclear() };
                failure.with_retry(retry)
            }
            PushFaultKind::Refused(words) => of_words(words),
            PushFaultKind::RefMoved(words) => {
                Self::new(Cause::CannotLockRef, of_words(words).what).with_retry(Retry::Backoff)
            }
            PushFaultKind::NoReport(missing) => {
                let server = situation.server.as_deref().unwrap_or("the server");
                let what = format!("It is not known whether {server} did what was pushed: {missing}.");
                Self::new(Cause::ServerError, what).with_retry(Retry::Unclear(None))
            }
            PushFaultKind::DoneInSilence(silence) => {
                let server = situation.server.as_deref().unwrap_or("The server");
                let seconds = silence.as_secs_f32();
                let what = format!("{server} did what was pushed, and did not say so within {seconds} s.");
                Self::new(Cause::ConnectionFailed, what).with_retry(Retry::Unclear(None))
            }
        }
    }
}
