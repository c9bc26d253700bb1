//! One target, reached: what a stage needs to speak to it.

use std::sync::Arc;

use crate::{
    diagnosis::{Failure, Situation},
    git::{
        lfs::batch::LfsServer,
        remote::Remote,
        scratch::ScratchRefs,
        transport::{HttpTransport, SshTransport, Transport, ssh::AskHostKeys},
    },
    github::GitHub,
    http::{HttpClient, Traffic},
    pending_write::PendingWrite,
    plan::Plan,
    progress::Watch,
    retry::Retries,
};

/// The ways to one target, all over the same client, and the policy of trying again.
#[derive(Clone)]
pub struct Connection {
    /// REST.
    pub github: GitHub,
    /// git.
    pub remote: Remote,
    /// Git LFS: with the token, or over SSH where there is none.
    pub lfs: LfsServer,
    /// Tries, pauses, the budget.
    pub retries: Retries,
    /// The write whose outcome is unknown.
    pub pending_write: PendingWrite,
    /// The scratch refs that the step has to delete.
    pub scratch: ScratchRefs,
    /// The receiver of progress events.
    pub watch: Arc<dyn Watch>,
    http: HttpClient,
}

impl Connection {
    /// The connection that `plan` needs; nothing is opened yet. Must be called inside a tokio runtime.
    pub fn new(
        plan: &Plan,
        http: &HttpClient,
        retries: Retries,
        pending_write: PendingWrite,
        scratch: ScratchRefs,
        watch: Arc<dyn Watch>,
    ) -> Result<Self, Failure> {
        let http = http.counted_apart();
        let token = plan.token().map(|token| &token.secret);
        let situation = Situation { redactor: http.redactor().clone(), ..plan.situation() };
        // Over SSH a refusal speaks of the key, whatever the token is.
        let git_situation = match &plan.ssh {
            Some(_) => {
                Situation { token_kind: None, own_repository: None, hijacking_header: None, ..situation.clone() }
            }
            None => situation.clone(),
        };
        let github = GitHub::new(&http, &plan.target.api, token, situation)?;
        let over_http = HttpTransport::new(http.clone(), &plan.target.git_url(), token)?;
        let lfs = LfsServer::new(over_http.clone());
        let mut lfs_over_ssh = None;
        let transport = match &plan.ssh {
            Some(access) => {
                // github.com's keys are built in, and an Enterprise Server names none.
                let ask = (plan.target.server.tenant().is_some() && token.is_some()).then(|| ask_host_keys(&github));
                let slug = &plan.target.slug;
                let ssh = SshTransport::new(access.clone(), slug, ask, http.waits());
                lfs_over_ssh = token.is_none().then(|| ssh.clone());
                Transport::Ssh(ssh)
            }
            None => Transport::Http(over_http),
        };
        Ok(Self {
            github,
            remote: Remote::new(transport, git_situation),
            lfs: match lfs_over_ssh {
                Some(ssh) => lfs.over_ssh(ssh),
                None => lfs,
            },
            retries,
            pending_write,
            scratch,
            watch,
            http,
        })
    }

    /// Bytes of bodies that went to and came from the target so far: sent, received.
    pub fn bytes(&self) -> (u64, u64) {
        let (http, git) = (self.http.traffic(), self.remote.traffic());
        // Over HTTP both are one.
        let ssh = if self.remote.is_ssh() { git } else { Traffic::default() };
        (http.sent + ssh.sent, http.received + ssh.received)
    }
}

/// A tenant's host keys are its own, and told by its own REST interface, whose certificate vouches for them.
fn ask_host_keys(github: &GitHub) -> AskHostKeys {
    let github = github.clone();
    Arc::new(move || {
        let github = github.clone();
        Box::pin(async move { Ok(github.server_meta().await?.value.ssh_keys) })
    })
}
