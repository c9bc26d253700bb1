//! The revoke stage: the end of an old token, once for the whole step and after everything else has succeeded.
//!
//! Source: <https://docs.github.com/en/rest/credentials/revoke>

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{
    credential::Secret,
    diagnosis::{Cause, Failure, Situation},
    doubt::Doubt,
    github::{GitHub, RestError},
    http::HttpClient,
    names::Target,
    progress::{Event, Watch},
    retry::Retries,
};

/// The stage's budget. What is left of `timeout` may be nothing: the wait stage before it is not part of that.
const BUDGET: Duration = Duration::from_mins(1);

/// The pause before a revocation whose answer was lost is sent again.
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
    pub doubt: Doubt,
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
        let retries = retries.clone().watched(Arc::clone(watch)).until(Instant::now() + BUDGET);
        match self.send(&github, &retries).await {
            Ok(()) => return Ok("The old token was revoked. GitHub tells its owner by mail.".to_owned()),
            Err(Unrevoked::Refused(failure)) => return Err(failure),
            Err(Unrevoked::Lost(failure)) => {
                let text = format!("The answer to the {WHAT} was lost, so it is sent once more. {}", failure.what);
                watch.see(Event::Notice(&text));
            }
        }
        retries.pause(SECOND_TRY).await;
        match self.send(&github, &retries).await {
            Ok(()) => Ok("The old token was revoked, at the second request: the answer to the first was lost. GitHub \
                          tells its owner by mail."
                .to_owned()),
            Err(Unrevoked::Refused(failure) | Unrevoked::Lost(failure)) => Err(failure),
        }
    }

    async fn send(&self, github: &GitHub, retries: &Retries) -> Result<(), Unrevoked> {
        let lost = AtomicBool::new(false);
        let attempt = || async {
            self.doubt.begin(WHAT);
            let Err(error) = github.revoke_credential(&self.token).await else {
                self.doubt.settle();
                return Ok(());
            };
            if error.may_be_done() {
                self.doubt.linger(WHAT);
                lost.store(true, Ordering::Relaxed);
                return Err(Failure::from(error).with_retry(crate::diagnosis::Retry::Never));
            }
            self.doubt.clear();
            Err(self.refused(error))
        };
        retries.run(WHAT, attempt).await.map_err(|failure| {
            if lost.load(Ordering::Relaxed) { Unrevoked::Lost(failure) } else { Unrevoked::Refused(failure) }
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
enum Unrevoked {
    /// It was certainly not done.
    Refused(Failure),
    /// The answer got lost.
    Lost(Failure),
}
