//! A connection that is open: the host's key checked before anything else, then the deploy key shown.

use std::{
    future::Future,
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use russh::{
    Preferred,
    client::{self, AuthResult, DisconnectReason, Handle, Handler, Msg},
    keys::{HashAlg, PrivateKeyWithHashAlg, PublicKeyOrCertificate},
};
use tokio::net::{TcpStream, lookup_host};

use super::{DeployKey, HostKeys, Route};
use crate::{
    diagnosis::errors::{HostKeyError, SshError},
    http::HttpError,
};

/// How long taking the connection may last.
const CONNECT: Duration = Duration::from_secs(10);

/// How long the exchange of keys may last, and how long the signature.
const HANDSHAKE: Duration = Duration::from_secs(30);

/// After this silence the server is asked whether it is there.
const KEEPALIVE: Duration = Duration::from_secs(15);

/// After so many questions without an answer it is not.
const QUESTIONS: u32 = 4;

/// An open connection that the server let the key in on.
pub(super) struct Session {
    handle: Handle<HostKeyGuard>,
    route: String,
    parting: HandlerValue<String>,
    silence: Silence,
}

/// Whether a connection was given up on, since nothing was heard any more.
#[derive(Clone, Default)]
pub(super) struct Silence {
    route: String,
    found: Arc<AtomicBool>,
}

impl Silence {
    /// Nobody ended the connection, if this is why it ended: the server may still be at work.
    fn note(&self, error: &russh::Error) {
        let silent = match error {
            russh::Error::KeepaliveTimeout | russh::Error::InactivityTimeout => true,
            // The kernel gave up by its own timers: nobody closed the connection.
            russh::Error::IO(error) => {
                matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::HostUnreachable)
            }
            _ => false,
        };
        self.found.fetch_or(silent, Ordering::Release);
    }

    /// The error of a conversation that such an end broke off.
    pub(super) fn error(&self) -> Option<HttpError> {
        let silent = self.found.load(Ordering::Acquire);
        silent.then(|| self.of(KEEPALIVE * (QUESTIONS + 1)))
    }

    /// The error of a conversation in which the server was silent for so long.
    pub(super) fn of(&self, limit: Duration) -> HttpError {
        HttpError::silence(&format!("The SSH server {}", self.route), limit)
    }
}

/// A value that the connection's handler hands to the task that opened the connection.
struct HandlerValue<T>(Arc<Mutex<Option<T>>>);

impl<T> Default for HandlerValue<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Clone for HandlerValue<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> HandlerValue<T> {
    fn put(&self, value: T) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
    }

    fn take(&self) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Session {
    /// Connects, checks the host's key, and logs in.
    pub(super) async fn open(route: &Route, key: &DeployKey, hosts: HostKeys) -> Result<Self, SshError> {
        let name = route.to_string();
        let stream = dial(route).await?;
        // A server has keys of several kinds and shows the first one that is asked for: it has to be one that can be
        // compared.
        let preferred = Preferred { key: hosts.preferred(&Preferred::DEFAULT.key).into(), ..Preferred::DEFAULT };
        let config = client::Config {
            preferred,
            keepalive_interval: Some(KEEPALIVE),
            keepalive_max: QUESTIONS as usize,
            // The short frames that end a list must not wait for the acknowledgement of those before.
            nodelay: true,
            ..client::Config::default()
        };
        let (refusal, parting) = (HandlerValue::default(), HandlerValue::default());
        let silence = Silence { route: name.clone(), ..Silence::default() };
        let guard =
            HostKeyGuard { hosts, refusal: refusal.clone(), parting: parting.clone(), silence: silence.clone() };
        let shake = client::connect_stream(Arc::new(config), stream, guard);
        let shaken = within(HANDSHAKE, &name, "exchange keys", shake).await?;
        // Before russh's own error, which only says that the key was not accepted.
        if let Some(error) = refusal.take() {
            return Err(error.into());
        }
        let handle = shaken.map_err(|error| broken(&name, &error))?;
        let mut session = Self { handle, route: name.clone(), parting, silence };
        let log_in = session.log_in(route, key);
        within(HANDSHAKE, &name, "take the key", log_in).await??;
        Ok(session)
    }

    async fn log_in(&mut self, route: &Route, key: &DeployKey) -> Result<(), SshError> {
        let broken = |error: russh::Error| broken(&self.route, &error);
        let private = Arc::clone(key.private());
        let hash = if private.algorithm().is_rsa() {
            // NOTE: a server that does not tell what it takes takes rsa-sha2 since 2016.
            self.handle.best_supported_rsa_hash().await.map_err(broken)?.unwrap_or(Some(HashAlg::Sha256))
        } else {
            None
        };
        let shown = PrivateKeyWithHashAlg::new(private, hash);
        match self.handle.authenticate_publickey(&route.user, shown).await {
            Ok(AuthResult::Success) => Ok(()),
            // NOTE: a connection that ended is told as a refusal without methods.
            Ok(AuthResult::Failure { remaining_methods, .. }) if remaining_methods.is_empty() && self.is_closed() => {
                match self.parting.take() {
                    Some(said) => Err(SshError::Refused(said.into())),
                    None => Err(broken(russh::Error::Disconnect)),
                }
            }
            Ok(AuthResult::Failure { .. }) => Err(SshError::KeyUnknown {
                route: self.route.clone(),
                user: route.user.clone(),
                host: route.host.clone(),
                fingerprint: key.fingerprint(),
            }),
            Err(error) => Err(broken(error)),
        }
    }

    /// Whether it has ended.
    pub(super) fn is_closed(&self) -> bool {
        self.handle.is_closed()
    }

    /// Whether it ended because nothing was heard any more.
    pub(super) fn silence(&self) -> Silence {
        self.silence.clone()
    }

    /// Another channel on this connection.
    pub(super) async fn channel(&self) -> Result<russh::Channel<Msg>, SshError> {
        let open = self.handle.channel_open_session();
        within(HANDSHAKE, &self.route, "open a channel", open).await?.map_err(|error| broken(&self.route, &error))
    }
}

/// Judges the host's key, before anything is shown to the host.
struct HostKeyGuard {
    hosts: HostKeys,
    refusal: HandlerValue<HostKeyError>,
    parting: HandlerValue<String>,
    silence: Silence,
}

impl Handler for HostKeyGuard {
    type Error = russh::Error;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        match self.hosts.judge(&shown.public_key()) {
            Ok(()) => Ok(true),
            Err(error) => {
                self.refusal.put(error);
                Ok(false)
            }
        }
    }

    async fn disconnected(&mut self, reason: DisconnectReason<Self::Error>) -> Result<(), Self::Error> {
        match reason {
            DisconnectReason::ReceivedDisconnect(info) => {
                self.parting.put(info.message);
                Ok(())
            }
            DisconnectReason::Error(error) => {
                self.silence.note(&error);
                Err(error)
            }
        }
    }
}

async fn dial(route: &Route) -> Result<TcpStream, SshError> {
    // The resolver takes an IPv6 address without its brackets.
    let host = route.host.trim_start_matches('[').trim_end_matches(']');
    let addresses = lookup_host((host, route.port))
        .await
        .map_err(|error| SshError::Unresolved { host: host.to_owned(), reason: error.to_string() })?;
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name leads to no address");
    // One after the other: a runner without IPv6 is given such addresses too.
    for address in addresses {
        match tokio::time::timeout(CONNECT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = error,
            Err(_) => {
                let text = format!("it did not take the connection within {} s", CONNECT.as_secs());
                last = io::Error::new(io::ErrorKind::TimedOut, text);
            }
        }
    }
    Err(SshError::NoConnection { route: route.to_string(), reason: last.to_string() })
}

/// The step of the log-in that `work` is, within its bound.
async fn within<T>(
    limit: Duration,
    route: &str,
    step: &'static str,
    work: impl Future<Output = T>,
) -> Result<T, SshError> {
    let late = |_| SshError::Late { route: route.to_owned(), step, seconds: limit.as_secs() };
    tokio::time::timeout(limit, work).await.map_err(late)
}

/// The error of a connection that broke, or that never came about.
fn broken(route: &str, error: &russh::Error) -> SshError {
    let (route, reason) = (route.to_owned(), error.to_string());
    match error {
        russh::Error::NoCommonAlgo { .. } => SshError::NoCommonAlgorithm { route, reason },
        _ => SshError::Broken { route, reason },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_is_not_heard_any_more_is_told_from_one_that_hung_up() {
        let io = |kind: io::ErrorKind| russh::Error::IO(kind.into());
        for (error, silent) in [
            (russh::Error::KeepaliveTimeout, true),
            (io(io::ErrorKind::TimedOut), true),
            (io(io::ErrorKind::ConnectionReset), false),
            (russh::Error::Disconnect, false),
        ] {
            let silence = Silence { route: "x".into(), ..Silence::default() };
            silence.clone().note(&error);
            let found = silence.error();
            assert_eq!(found.is_some(), silent, "{error}");
            assert!(found.is_none_or(|found| found.silent && found.maybe_sent && found.what().contains("for 75 s")));
        }
    }
}
