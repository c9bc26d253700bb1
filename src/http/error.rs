//! What can go wrong between a request and its answer, with the two facts a caller decides on:
//! may it pass later, and may the server have seen the request, or even still be at work on it?

use std::{error::Error, io, time::Duration};

use http::Uri;
use hyper_util::client::legacy::connect::{HttpConnector, proxy::Tunnel};
use rustls::{CertificateError, OtherError};
use tower_service::Service;

use super::{
    BoxError,
    certificate::{Distrust, of_handshake},
};
use crate::diagnosis::{Cause, Failure, Retry};

/// The error of a tunnel through a proxy; its type does not depend on the connector below.
type TunnelError = <Tunnel<HttpConnector> as Service<Uri>>::Error;

/// No answer, or only a part of one.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{what}")]
pub struct HttpError {
    /// The cause, of the closed list.
    pub cause: Cause,
    /// One sentence with the host's name and a full stop; it never holds a credential.
    pub what: String,
    /// Bytes of the request may have reached the server: for a write, only a look tells whether it was done.
    pub maybe_sent: bool,
    /// Nobody ended the connection: it was given up on, and the server may still be at work on the request.
    pub silent: bool,
    /// The same request may pass later.
    pub transient: bool,
}

impl HttpError {
    /// An error before anything was sent, transient as its cause is.
    pub(crate) fn unsent(cause: Cause, what: impl Into<String>) -> Self {
        Self { cause, what: what.into(), maybe_sent: false, silent: false, transient: cause.is_transient() }
    }

    /// An error after bytes of the request may have been read by the server.
    pub(crate) fn sent(cause: Cause, what: impl Into<String>) -> Self {
        Self { maybe_sent: true, ..Self::unsent(cause, what) }
    }

    /// The same, as one that no second try heals.
    #[must_use]
    pub(crate) fn permanent(mut self) -> Self {
        self.transient = false;
        self
    }

    /// The failure of a request that changes something: unclear as soon as the server may have seen it.
    pub fn into_write_failure(self) -> Failure {
        let retry = match (self.maybe_sent, self.transient) {
            (true, true) if self.silent => Retry::Silence,
            (true, true) => Retry::Unclear(None),
            (false, true) => Retry::Backoff,
            (_, false) => Retry::Never,
        };
        Failure::new(self.cause, self.what).with_retry(retry)
    }

    /// The failure of a request that only reads, and so may be sent again whatever became of it.
    pub fn into_read_failure(self) -> Failure {
        let retry = if self.transient { Retry::Backoff } else { Retry::Never };
        Failure::new(self.cause, self.what).with_retry(retry)
    }

    /// The error that a body, read through [`std::io`], carries inside.
    pub fn inside(error: &io::Error) -> Option<&Self> {
        links(error).into_iter().find_map(|link| link.downcast_ref())
    }

    /// The error of a connection over which `host` was not heard for so long that it was given up.
    pub(crate) fn silence(host: &str, limit: Duration) -> Self {
        let seconds = limit.as_secs_f32();
        let what = format!("{host} neither took nor sent a byte for {seconds} s, and the connection was given up.");
        Self { silent: true, ..Self::sent(Cause::ConnectionFailed, what) }
    }

    /// A proxy wants another credential. `proxy` is `host:port`.
    pub(super) fn refused_by_proxy(proxy: &str) -> Self {
        Self::unsent(Cause::ConnectionFailed, format!("The proxy {proxy} {PROXY_AUTH}.")).permanent()
    }

    /// Reads the chain of sources under an error of hyper's client, which itself says little.
    pub(super) fn of_client(error: &hyper_util::client::legacy::Error, host: &str) -> Self {
        // hyper calls a request cancelled whose pooled connection was closed before a byte of it was written.
        let unsent = error.is_connect()
            || links(error)
                .iter()
                .any(|link| link.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_canceled));
        let known = Self::of_chain(error, host, error.is_connect());
        Self { maybe_sent: !unsent, silent: known.silent && !unsent, ..known }
    }

    /// Reads the chain under an error that came while an answer's body was read.
    pub(super) fn of_body(error: &hyper::Error, host: &str) -> Self {
        Self { maybe_sent: true, ..Self::of_chain(error, host, false) }
    }

    fn of_chain(error: &(dyn Error + 'static), host: &str, connecting: bool) -> Self {
        let links = links(error);
        if let Some(failed) = links.iter().find_map(|link| link.downcast_ref::<BodyFailed>()) {
            return failed.judged();
        }
        let proxy = links.iter().find_map(|link| link.downcast_ref::<ProxyFailed>());
        let host = proxy.map_or_else(|| host.to_owned(), |proxy| format!("the proxy {}", proxy.address));
        // The innermost error is the system's; those around it repeat that connecting failed.
        let reason = links.last().map_or_else(String::new, ToString::to_string);
        if let Some(proxy) = proxy
            && let Some((reason, transient)) = proxy.refusal()
        {
            let what = sentence(&format!("{host} {reason}"));
            return Self { transient, ..Self::unsent(Cause::ConnectionFailed, what) };
        }
        if let Some(unresolved) = links.iter().find_map(|link| link.downcast_ref::<Unresolved>()) {
            let what = format!("the host name {} cannot be resolved: {}", unresolved.name, unresolved.reason);
            return Self::unsent(Cause::DnsFailure, sentence(&what));
        }
        if let Some(tls) = links.iter().find_map(|link| link.downcast_ref::<rustls::Error>()) {
            return Self::of_tls(tls, &host);
        }
        if let Some(late) = links.iter().find_map(|link| link.downcast_ref::<ConnectTimeout>()) {
            let what = format!("{host} did not take the connection within {} s", late.0.as_secs_f32());
            return Self::unsent(Cause::ConnectionFailed, sentence(&what));
        }
        let what = if connecting {
            format!("no connection to {host}: {reason}")
        } else {
            format!("the connection to {host} broke: {reason}")
        };
        // The network gave up on a host that it does not hear of any more; a host that ends a connection is heard.
        let silent = links.iter().filter_map(|link| link.downcast_ref::<io::Error>()).any(|error| {
            use io::ErrorKind::{HostUnreachable, NetworkDown, NetworkUnreachable, TimedOut};
            matches!(error.kind(), TimedOut | HostUnreachable | NetworkUnreachable | NetworkDown)
        });
        Self { silent, ..Self::unsent(Cause::ConnectionFailed, sentence(&what)) }
    }

    fn of_tls(error: &rustls::Error, host: &str) -> Self {
        let rustls::Error::InvalidCertificate(problem) = error else {
            let what = format!("the TLS handshake with {host} failed: {}", of_handshake(error));
            return Self::unsent(Cause::ConnectionFailed, sentence(&what));
        };
        let distrust = match problem {
            CertificateError::Other(OtherError(known)) => known.downcast_ref::<Distrust>(),
            // What is signed with the certificate's key during the handshake is checked after the certificate.
            _ => None,
        };
        let reason = distrust.map_or("its key does not fit the handshake", |distrust| &distrust.0);
        let what = format!("the certificate that {host} shows is not trusted: {reason}");
        Self::unsent(Cause::TlsCertificateUntrusted, sentence(&what))
    }
}

const PROXY_AUTH: &str = "asks for a user name and password, or does not accept those in its address";

/// `text` with a capital at its start and one full stop at its end.
fn sentence(text: &str) -> String {
    let text = text.trim_end_matches(['.', ' ', '\n']);
    let mut letters = text.chars();
    match letters.next() {
        // NOTE: a host's name keeps its case.
        Some(first) if !text.split(' ').next().is_some_and(|word| word.contains(['.', ':'])) => {
            format!("{}{}.", first.to_ascii_uppercase(), letters.as_str())
        }
        _ => format!("{text}."),
    }
}

/// An error and all that lie under it, the innermost last.
///
/// NOTE: `io::Error::source` skips the error that it wraps, so that one is asked for by name.
fn links<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
    let mut found = vec![error];
    let mut link = error;
    loop {
        let inner = link.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        let next = inner.map(|inner| -> &'a (dyn Error + 'static) { inner }).or_else(|| link.source());
        match next {
            Some(next) => {
                found.push(next);
                link = next;
            }
            None => return found,
        }
    }
}

/// The name service does not know the host, or did not answer.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub(super) struct Unresolved {
    pub(super) name: String,
    pub(super) reason: String,
}

/// The whole of name look-up, TCP, proxy and TLS took too long.
#[derive(Debug, thiserror::Error)]
#[error("no connection within {0:?}")]
pub(super) struct ConnectTimeout(pub(super) Duration);

/// The way to the proxy, or through it, failed.
#[derive(Debug, thiserror::Error)]
#[error("proxy")]
pub(super) struct ProxyFailed {
    /// `host:port`, without user name and password.
    pub(super) address: String,
    pub(super) source: BoxError,
}

impl ProxyFailed {
    /// What the proxy itself said against the tunnel, and whether that may pass.
    fn refusal(&self) -> Option<(&'static str, bool)> {
        match self.source.downcast_ref::<TunnelError>()? {
            TunnelError::ProxyAuthRequired => Some((PROXY_AUTH, false)),
            TunnelError::TunnelUnsuccessful => Some(("did not open a tunnel to the server", true)),
            TunnelError::TunnelUnexpectedEof => Some(("closed the connection instead of opening a tunnel", true)),
            _ => None,
        }
    }
}

/// The data to send could not be produced.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct BodyFailed(pub(super) BoxError);

impl BodyFailed {
    fn judged(&self) -> HttpError {
        if let Some(failure) = self.0.downcast_ref::<Failure>() {
            return HttpError::unsent(failure.cause, failure.what.clone());
        }
        let what = format!("the data to send could not be made: {}", self.0);
        HttpError::unsent(Cause::InternalError, sentence(&what))
    }
}
