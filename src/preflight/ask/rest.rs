//! Questions by REST that keep the last answer, so that its headers are read whatever it says.

use std::sync::{Mutex, PoisonError};

use crate::{
    connection::Connection,
    diagnosis::{Cause, Failure, Retry},
    github::{ApiAnswer, Meta, RestError},
    preflight::facts::{Asked, Refusal},
};

/// An answer of REST, or why there is none; either has headers.
pub(super) struct RestAnswer<T> {
    pub(super) last: Option<Result<ApiAnswer<T>, RestError>>,
    /// What the tries ended with: the last refusal, and why there was no further try.
    pub(super) failure: Option<Failure>,
}

impl<T> RestAnswer<T> {
    /// Nothing was asked.
    pub(super) fn none() -> Self {
        Self { last: None, failure: None }
    }

    pub(super) fn metas(&self) -> impl Iterator<Item = &Meta> {
        self.last.iter().map(|result| match result {
            Ok(answered) => &answered.meta,
            Err(error) => error.meta(),
        })
    }

    pub(super) fn answer(&self) -> Option<&T> {
        self.last.as_ref().and_then(|last| last.as_ref().ok()).map(|answered| &answered.value)
    }

    pub(super) fn status(&self) -> Option<u16> {
        self.last.as_ref().and_then(|last| last.as_ref().err()).and_then(RestError::status)
    }

    pub(super) fn asked<U>(self, read: impl FnOnce(T) -> U) -> Asked<U> {
        match self.last {
            None => Asked::No,
            Some(Ok(answered)) => Asked::Answer(read(answered.value)),
            Some(Err(error)) => Asked::Refused(Refusal {
                status: error.status(),
                failure: self.failure.unwrap_or_else(|| error.into()),
            }),
        }
    }
}

/// Asks until there is an answer, or a refusal that no second try heals; the last refusal is kept with its headers.
pub(super) async fn patiently<T, F>(connection: &Connection, what: &str, call: impl FnMut() -> F) -> RestAnswer<T>
where
    F: Future<Output = Result<ApiAnswer<T>, RestError>>,
{
    asked(connection, what, call, |_| true).await
}

/// As [`patiently`], for what the plan can do without: a used-up rate limit is not waited for.
pub(super) async fn if_possible<T, F>(connection: &Connection, what: &str, call: impl FnMut() -> F) -> RestAnswer<T>
where
    F: Future<Output = Result<ApiAnswer<T>, RestError>>,
{
    asked(connection, what, call, |failure| !is_limit(failure)).await
}

/// Marks a used-up limit as final: what the plan can do without does not wait for its end.
pub(super) fn without_waiting(failure: Failure) -> Failure {
    if is_limit(&failure) { failure.with_retry(Retry::Never) } else { failure }
}

fn is_limit(failure: &Failure) -> bool {
    matches!(failure.cause, Cause::PrimaryRateLimit | Cause::SecondaryRateLimit)
}

/// Asks again only what is `worth` it.
async fn asked<T, F>(
    connection: &Connection,
    what: &str,
    mut call: impl FnMut() -> F,
    worth: impl Fn(&Failure) -> bool,
) -> RestAnswer<T>
where
    F: Future<Output = Result<ApiAnswer<T>, RestError>>,
{
    let last = Mutex::new(None);
    let keep = |result: Result<ApiAnswer<T>, RestError>| {
        let outcome = match &result {
            Ok(_) => Ok(()),
            Err(error) => {
                let failure = Failure::from(error.clone());
                // Marked as final, so that the retry loop ends here and the rest of the budget stays.
                if worth(&failure) { Err(failure) } else { Err(failure.with_retry(Retry::Never)) }
            }
        };
        *last.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
        outcome
    };
    let attempt = || {
        // Outside of the async block: the closure can borrow mutably only until it returns.
        let call = call();
        async { keep(call.await) }
    };
    let failure = connection.retries.run(what, attempt).await.err();
    RestAnswer { last: last.into_inner().unwrap_or_else(PoisonError::into_inner), failure }
}
