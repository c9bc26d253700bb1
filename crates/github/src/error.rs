//! A REST call that brought no usable answer. Its cause and its sentence are those of the diagnosis.

use std::{error::Error, fmt, sync::Arc};

use super::meta::Meta;
pub(super) use crate::diagnosis::errors::{Effect, RestErrorKind};
use crate::{
    credential::{OutsideText, Shown},
    diagnosis::{Failure, Retry, Situation, errors::RestFault},
    http::HttpError,
};

/// A REST call that failed. It turns into a [`Failure`] by [`From`], so that `?` serves where one is returned.
#[derive(Clone, Debug)]
pub struct RestError(pub(super) Box<Details>);

#[derive(Clone, Debug)]
pub(super) struct Details {
    pub(super) reason: RestErrorKind,
    pub(super) effect: Effect,
    pub(super) endpoint: String,
    pub(super) meta: Meta,
    pub(super) text: OutsideText,
    pub(super) situation: Arc<Situation>,
}

impl RestError {
    /// The status of the answer, if there was one.
    pub fn status(&self) -> Option<u16> {
        Some(self.0.meta.status).filter(|status| *status != 0)
    }

    /// The answer's headers.
    pub fn meta(&self) -> &Meta {
        &self.0.meta
    }

    /// Whether the answer's body holds these words, in any case.
    pub fn says(&self, words: &str) -> bool {
        self.0.text.searched().to_lowercase().contains(&words.to_lowercase())
    }

    /// The sentence of the answer's body, on one line: its `message`, or all that is no JSON.
    pub fn sentence(&self) -> Shown {
        let text = &self.0.text;
        let json: Option<serde_json::Value> = serde_json::from_str(text.searched()).ok();
        let message = json.as_ref().and_then(|body| body.get("message")?.as_str()).map(OutsideText::from);
        message.unwrap_or_else(|| text.clone()).redacted(&self.0.situation.redactor).one_line()
    }

    /// What was called: `GET /repos/o/r`.
    pub fn endpoint(&self) -> &str {
        &self.0.endpoint
    }

    /// Whether the server answered with this status.
    pub fn is(&self, status: u16) -> bool {
        matches!(self.0.reason, RestErrorKind::Refused) && self.0.meta.status == status
    }

    /// Whether the server refuses to tell, be it for want of a right or of the thing itself: a check of it is skipped. A spent
    /// rate limit has the same status and is none of this.
    pub fn is_not_permitted(&self) -> bool {
        (self.is(403) || self.is(404)) && Failure::from(self.clone()).retry == Retry::Never
    }

    /// Whether the server may have done all the same what it was asked for.
    pub fn may_be_done(&self) -> bool {
        match &self.0.reason {
            RestErrorKind::Network(error) => error.maybe_sent,
            // The head of an answer came, so that the server has done something.
            RestErrorKind::Unreadable(_) => true,
            // A 4xx is decided before anything is changed.
            RestErrorKind::Refused => self.0.meta.status >= 500,
            RestErrorKind::Own(_) => false,
        }
    }

    /// The failure, told with another [`Situation`] than the one that was known when the call was made.
    pub fn into_failure_in(self, situation: &Situation) -> Failure {
        let Details { reason, effect, endpoint, meta, text, .. } = *self.0;
        let (status, headers) = (meta.status, &meta.headers);
        RestFault { kind: reason, effect, endpoint: &endpoint, status, headers, text }.into_failure(situation)
    }
}

impl From<RestError> for Failure {
    fn from(error: RestError) -> Self {
        let situation = Arc::clone(&error.0.situation);
        error.into_failure_in(&situation)
    }
}

impl fmt::Display for RestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.reason {
            RestErrorKind::Refused => write!(f, "{} was answered with status {}", self.0.endpoint, self.0.meta.status),
            RestErrorKind::Unreadable(what) => write!(f, "the answer to {} cannot be read: {what}", self.0.endpoint),
            RestErrorKind::Network(error) => write!(f, "{}: {error}", self.0.endpoint),
            RestErrorKind::Own(reason) => write!(f, "{} could not be asked: {reason}.", self.0.endpoint),
        }
    }
}

impl Error for RestError {}

/// Finds the client's own error under one of octocrab's.
pub(super) fn network(error: &octocrab::Error) -> Option<HttpError> {
    let mut link: Option<&(dyn Error + 'static)> = Some(error);
    // octocrab wraps the error of its service in errors of its own.
    while let Some(here) = link {
        if let Some(found) = here.downcast_ref::<HttpError>() {
            return Some(found.clone());
        }
        link = here.source();
    }
    None
}
