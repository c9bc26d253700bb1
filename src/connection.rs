//! One target, reached: what a stage needs to speak to it.

use std::sync::Arc;

use tokio::sync::OnceCell;

use crate::{
    diagnosis::Failure,
    git::{
        remote::Remote,
        transport::{HttpTransport, Transport},
    },
    github::GitHub,
    http::HttpClient,
    plan::Plan,
    preflight::facts::NewTokenFacts,
    progress::Watch,
    publish::source::Source,
    retry::Retries,
};

/// What the targets of a step share: it is the same for all, and worked out or asked for once.
#[derive(Clone, Debug, Default)]
pub struct Shared {
    /// The directory.
    pub source: Arc<Source>,
    /// What was learned about a new token that is to be stored.
    pub new_token: Arc<OnceCell<NewTokenFacts>>,
}

/// The ways to one target, all over the same client, and the policy of trying again.
#[derive(Clone)]
pub struct Connection {
    /// REST.
    pub github: GitHub,
    /// git.
    pub remote: Remote,
    /// Tries, pauses, the budget.
    pub retries: Retries,
    /// Who looks at the progress.
    pub watch: Arc<dyn Watch>,
    /// The directory, shared by all targets.
    pub source: Arc<Source>,
    /// What was learned about a new token, shared by all targets.
    pub new_token: Arc<OnceCell<NewTokenFacts>>,
    http: HttpClient,
}

impl Connection {
    /// The connection that `plan` needs; nothing is opened yet. Must be called inside a tokio runtime.
    pub fn new(
        plan: &Plan,
        http: &HttpClient,
        retries: Retries,
        shared: Shared,
        watch: Arc<dyn Watch>,
    ) -> Result<Self, Failure> {
        let http = http.counted_apart();
        let token = plan.token.as_ref().map(|token| &token.secret);
        let transport = HttpTransport::new(http.clone(), &plan.target.git_url(), token)?;
        let situation = plan.situation();
        Ok(Self {
            github: GitHub::new(&http, &plan.target.api, token, situation.clone())?,
            remote: Remote::new(Transport::Http(transport), situation),
            retries,
            watch,
            source: shared.source,
            new_token: shared.new_token,
            http,
        })
    }

    /// Bytes of bodies that went to and came from the target so far: sent, received.
    pub fn bytes(&self) -> (u64, u64) {
        let traffic = self.http.traffic();
        (traffic.sent, traffic.received)
    }
}
