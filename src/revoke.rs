//! The revoke stage: the end of an old token, once for the whole step and after everything else has succeeded.
//!
//! Source: <https://docs.github.com/en/rest/credentials/revoke>

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    credential::Secret,
    diagnosis::{Cause, Failure, Retry, Situation},
    github::{GitHub, RestError},
    http::HttpClient,
    names::Target,
    pending_write::PendingWrite,
    progress::{Event, Watch},
    retry::Retries,
};

/// The most that the stage takes.
const BUDGET: Duration = Duration::from_mins(1);

/// What the stage may take even where nothing is left of `timeout`: the wait stage before it is not part of that.
const LEAST_BUDGET: Duration = Duration::from_secs(5);

/// The pause before a revocation whose answer was lost is sent again, where the server named none.
const SECOND_TRY: Duration = Duration::from_secs(1);

/// The stage as failures name it.
const WHAT: &str = "revocation of the old token";

/// The token to revoke, and the server that it belongs to.
#[derive(Clone, Debug)]
pub struct Revocation {
    /// The old token.
    pub token: Secret,
    /// A target of the step: all are on one server.
    pub target: Target,
    /// Whether nothing is written.
    pub dry_run: bool,
    /// Whether the revocation was sent and is not known to be done.
    pub pending_write: PendingWrite,
}

impl Revocation {
    /// Revokes the token, without a credential: the server refuses the request with one. A text says what was done.
    ///
    /// Revoking twice does the same as once: after a lost answer it is sent once more.
    ///
    /// # Errors
    /// `invalid-input` where the server does not revoke tokens; else what every request can meet.
    pub async fn revoke(
        &self,
        http: &HttpClient,
        retries: &Retries,
        watch: &Arc<dyn Watch>,
    ) -> Result<String, Failure> {
        let situation = Situation { server: Some(self.target.server.to_string()), ..Situation::default() };
        let github = GitHub::new(http, &self.target.api, None, situation)?;
        let budget = retries.left().clamp(LEAST_BUDGET, BUDGET);
        let retries = retries.clone().watched(Arc::clone(watch)).until(Instant::now() + budget);
        match self.send(&github, &retries).await {
            Ok(()) => return Ok("The old token was revoked. GitHub tells its owner by mail.".to_owned()),
            Err(RevocationError::Refused(failure)) => return Err(failure),
            // A pause that the server named and that is longer than what is left is not begun.
            Err(RevocationError::Lost(failure, pause)) if pause > retries.left() => return Err(failure),
            Err(RevocationError::Lost(failure, pause)) => {
                let text = format!("The answer to the {WHAT} was lost, so it is sent once more. {}", failure.what);
                watch.see(Event::Notice(&text));
                retries.pause(pause).await;
            }
        }
        match self.send(&github, &retries).await {
            Ok(()) => Ok("The old token was revoked, at the second request: the answer to the first was lost. GitHub \
                          tells its owner by mail."
                .to_owned()),
            Err(RevocationError::Refused(failure) | RevocationError::Lost(failure, _)) => Err(failure),
        }
    }

    async fn send(&self, github: &GitHub, retries: &Retries) -> Result<(), RevocationError> {
        let lost = Mutex::new(None);
        let pause_of_lost = || *lost.lock().unwrap_or_else(PoisonError::into_inner);
        let attempt = || async {
            self.pending_write.sent(WHAT);
            let Err(error) = github.revoke_credential(&self.token).await else {
                self.pending_write.resolved();
                return Ok(());
            };
            if error.may_be_done() {
                self.pending_write.unanswered(WHAT);
                let failure = Failure::from(error);
                let pause = match failure.retry {
                    Retry::After(pause) | Retry::Unclear(Some(pause)) => pause,
                    _ => SECOND_TRY,
                };
                *lost.lock().unwrap_or_else(PoisonError::into_inner) = Some(pause);
                // Ended here: the second request has a pause of its own, and there is no third.
                return Err(failure.with_retry(Retry::Never));
            }
            self.pending_write.answered();
            Err(self.refused(error))
        };
        retries.run(WHAT, attempt).await.map_err(|failure| match pause_of_lost() {
            Some(pause) => RevocationError::Lost(failure, pause),
            None => RevocationError::Refused(failure),
        })
    }

    fn refused(&self, error: RestError) -> Failure {
        if !error.is(404) {
            return error.into();
        }
        let server = &self.target.server;
        let what = format!("{server} does not revoke tokens on request: the old token stays alive.");
        let remedy = format!(
            "Delete it on {server}/settings/tokens (fine-grained: {server}/settings/personal-access-tokens), and remove `revoke-token`."
        );
        Failure::new(Cause::InvalidInput, what).with_remedy(remedy)
    }
}

/// Why a request did not revoke the token.
enum RevocationError {
    /// It was certainly not done.
    Refused(Failure),
    /// The answer got lost; the pause before the second request.
    Lost(Failure, Duration),
}
