//! SSH: a channel runs the service, and carries its advertisement and one request with its answer.
//!
//! Source: <https://git-scm.com/docs/gitprotocol-pack#_ssh_transport>, RFC 4254

mod conversation;
mod key;
mod known_hosts;
mod session;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use futures_util::{StreamExt, future::BoxFuture, stream};
use tokio::sync::{Mutex, OnceCell};

use self::{
    conversation::Conversation,
    session::{Session, Silence},
};
pub use self::{
    key::{DeployKey, read_private_key},
    known_hosts::{HostKeys, KnownHosts},
};
use super::{Service, ServiceRequest};
use crate::{
    ByteStream, WireError,
    diagnosis::{Failure, errors::SshError},
    http::{Traffic, Waits},
    names::{ServerUrl, Slug},
    pktline::Frames,
};

/// The most that is read of a grant for Git LFS, in bytes.
const GRANT_LIMIT: usize = 64 * 1024;

/// The port of SSH.
pub const PORT: u16 = 22;

/// Where SSH connects to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The user to log in as.
    pub user: String,
    /// The host's name or address.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl Route {
    /// GitHub's way: user `git`, and on a data residency tenant `SUB.ghe.com` the user `SUB`.
    ///
    /// Source: <https://docs.github.com/en/enterprise-cloud@latest/admin/data-residency/about-github-enterprise-cloud-with-data-residency>
    pub fn to(server: &ServerUrl) -> Self {
        let user = server.tenant().unwrap_or("git").to_owned();
        Self { user, host: server.host().to_owned(), port: PORT }
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.host)?;
        if self.port == PORT { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

/// What SSH needs besides the repository's name.
#[derive(Clone, Debug)]
pub struct Access {
    /// Where to.
    pub route: Route,
    /// What is shown to the server.
    pub key: DeployKey,
    /// What the server may show.
    pub known_hosts: KnownHosts,
}

/// Asks the server's own interface for its host keys (`ssh-ed25519 AAAA…`).
pub type AskHostKeys = Arc<dyn Fn() -> BoxFuture<'static, Result<Vec<String>, Failure>> + Send + Sync>;

/// One repository over SSH. Clones share the connection.
#[derive(Clone)]
pub struct SshTransport(Arc<SshRepository>);

/// The repository's address, and the connection to its server.
struct SshRepository {
    access: Access,
    repository: String,
    ask: Option<AskHostKeys>,
    asked: OnceCell<Vec<String>>,
    session: Mutex<Option<Arc<Session>>>,
    waits: Waits,
    counters: Arc<ChannelCounters>,
}

/// Requests, and bytes in both directions.
#[derive(Default)]
struct ChannelCounters {
    requests: AtomicU64,
    sent: AtomicU64,
    received: AtomicU64,
}

impl SshTransport {
    /// The repository `slug`. `ask` is called once, and only where no line names the host. That a connection is dead is noticed
    /// by the session's own questions; `waits` bounds the silence of a server that answers those and nothing else.
    pub fn new(access: Access, slug: &Slug, ask: Option<AskHostKeys>, waits: Waits) -> Self {
        let repository = format!("{slug}.git");
        let (asked, session, counters) = (OnceCell::new(), Mutex::default(), Arc::default());
        Self(Arc::new(SshRepository { access, repository, ask, asked, session, waits, counters }))
    }

    /// What went through the channels so far, by this client and its clones.
    pub fn traffic(&self) -> Traffic {
        let ChannelCounters { requests, sent, received } = &*self.0.counters;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Traffic { requests: read(requests), sent: read(sent), received: read(received) }
    }

    pub(super) fn waits(&self) -> Waits {
        self.0.waits
    }

    pub(super) async fn advertisement(&self, service: Service) -> Result<ByteStream, WireError> {
        let conversation = self.run(service, service == Service::UploadPack).await?;
        let state = (conversation, Frames::default(), false);
        let pieces = stream::try_unfold(state, |(mut conversation, mut frames, ended)| async move {
            if ended {
                conversation.end().await;
                return Ok(None);
            }
            let Some(mut piece) = conversation.next().await? else { return Err(conversation.turned_away()) };
            // The flush ends the advertisement; the service then waits for a request and sends nothing.
            let end = frames.flush_in(&piece)?;
            piece.truncate(end.unwrap_or(piece.len()));
            Ok(Some((piece, (conversation, frames, end.is_some()))))
        });
        Ok(pieces.boxed())
    }

    pub(super) async fn request(
        &self,
        service: Service,
        v2: bool,
        request: &ServiceRequest,
    ) -> Result<ByteStream, WireError> {
        let mut conversation = self.run(service, v2).await?;
        // Every channel is a new service, which advertises before it listens.
        let first = conversation.skip_advertisement().await?;
        conversation.send(request);
        let state = (conversation, first);
        let pieces = stream::try_unfold(state, |(mut conversation, first)| async move {
            if !first.is_empty() {
                return Ok(Some((first, (conversation, Bytes::new()))));
            }
            let piece = conversation.answer().await?;
            Ok::<_, WireError>(piece.map(|piece| (piece, (conversation, Bytes::new()))))
        });
        Ok(pieces.boxed())
    }

    /// What the server's `git-lfs-authenticate` prints for uploads; empty where it has no such command.
    ///
    /// Source: <https://github.com/git-lfs/git-lfs/blob/main/docs/api/server-discovery.md#ssh>
    pub(crate) async fn lfs_authenticate(&self) -> Result<Vec<u8>, WireError> {
        let command = format!("git-lfs-authenticate '{}' upload", self.0.repository);
        let mut conversation = self.exec(Service::UploadPack, command, false).await?;
        let mut text = Vec::new();
        while let Some(piece) = conversation.next().await? {
            text.extend_from_slice(&piece);
            if text.len() > GRANT_LIMIT {
                return Err(WireError::protocol("the answer of git-lfs-authenticate is too long"));
            }
        }
        conversation.ended_whole()?;
        Ok(text)
    }

    /// Runs the service in a channel of its own.
    async fn run(&self, service: Service, v2: bool) -> Result<Conversation, WireError> {
        let command = format!("{} '{}'", service.name(), self.0.repository);
        self.exec(service, command, v2).await
    }

    /// Runs a command in a channel of its own; it is as patient as with `service`.
    async fn exec(&self, service: Service, command: String, v2: bool) -> Result<Conversation, WireError> {
        let (mut session, reused) = self.session().await?;
        let channel = match session.channel().await {
            Ok(channel) => channel,
            // An old connection may have ended meanwhile, or have all the channels that the server grants.
            Err(_) if reused => {
                self.forget(&session).await;
                session = self.session().await?.0;
                session.channel().await?
            }
            Err(error) => return Err(error.into()),
        };
        let started = async {
            if v2 {
                // Without waiting for an answer: a server that does not accept the variable simply speaks v0.
                channel.set_env(false, "GIT_PROTOCOL", "version=2").await?;
            }
            channel.exec(true, command).await
        };
        started.await.map_err(|_| WireError::CutOff)?;
        self.0.counters.requests.fetch_add(1, Ordering::Relaxed);
        let SshRepository { waits, counters, .. } = &*self.0;
        Ok(Conversation::new(channel, service, *waits, session.silence(), Arc::clone(counters)))
    }

    /// The open connection, and whether it was open before.
    async fn session(&self) -> Result<(Arc<Session>, bool), SshError> {
        // Locked during the log-in, so that requests at one time share a connection instead of opening several.
        let mut held = self.0.session.lock().await;
        if let Some(session) = held.as_ref().filter(|session| !session.is_closed()) {
            return Ok((Arc::clone(session), true));
        }
        let Access { route, key, .. } = &self.0.access;
        let hosts = self.host_keys().await?;
        let session = Arc::new(Session::open(route, key, hosts).await?);
        *held = Some(Arc::clone(&session));
        Ok((session, false))
    }

    async fn forget(&self, session: &Arc<Session>) {
        let mut held = self.0.session.lock().await;
        // Another task can have opened a new one meanwhile.
        if held.as_ref().is_some_and(|held| Arc::ptr_eq(held, session)) {
            *held = None;
        }
    }

    async fn host_keys(&self) -> Result<HostKeys, SshError> {
        let Access { route, known_hosts, .. } = &self.0.access;
        let mut keys = known_hosts.of(route);
        // The user's own lines come first: the server is asked only where none of them names the host.
        if let (true, Some(ask)) = (keys.is_empty(), &self.0.ask) {
            let asked = self.0.asked.get_or_try_init(|| ask()).await;
            let lines = asked.map_err(|failure| SshError::HostKeysUnknown(Box::new(failure)))?;
            keys.learn(lines);
        }
        Ok(keys)
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::atomic::AtomicUsize, time::Duration};

    use super::*;
    use crate::credential::Secret;

    const HOST_KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB9dG4kjRhQtTWVTzd2t27+t0DEHBPW7iOD23TUiYLio";

    #[tokio::test]
    async fn a_tenants_keys_are_asked_for_once_and_only_where_no_line_names_it() {
        let (key, _) = key::tests::generate(&["-t", "ed25519"], "");
        let key = DeployKey::read(&Secret::new(key)).unwrap();
        for (lines, questions) in [(String::new(), 1), (format!("acme.ghe.com {HOST_KEY}"), 0)] {
            let access = Access {
                route: Route::to(&"https://acme.ghe.com".parse().unwrap()),
                key: key.clone(),
                known_hosts: KnownHosts::parse(&lines).unwrap(),
            };
            let asked = Arc::<AtomicUsize>::default();
            let count = Arc::clone(&asked);
            let ask: AskHostKeys = Arc::new(move || {
                count.fetch_add(1, Ordering::Relaxed);
                Box::pin(async { Ok(vec!["no key".to_owned(), HOST_KEY.to_owned()]) })
            });
            let slug = "acme/site".parse().unwrap();
            let waits = Waits::within(Duration::from_mins(15));
            let transport = SshTransport::new(access, &slug, Some(ask), waits);
            for _ in 0..2 {
                transport.host_keys().await.unwrap().judge(&HOST_KEY.parse().unwrap()).unwrap();
            }
            assert_eq!(asked.load(Ordering::Relaxed), questions, "{lines}");
        }
    }

    #[test]
    fn the_user_is_git_and_on_a_tenant_the_tenant() {
        let route = |server: &str| Route::to(&server.parse().unwrap());
        let parts = |server: &str| (route(server).user, route(server).host, route(server).port);
        assert_eq!(parts("https://github.com"), ("git".into(), "github.com".into(), 22));
        assert_eq!(parts("https://acme.ghe.com"), ("acme".into(), "acme.ghe.com".into(), 22));
        assert_eq!(parts("https://ghes.example.test:8443"), ("git".into(), "ghes.example.test".into(), 22));
    }
}
