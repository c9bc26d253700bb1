//! Errors of hyper, rustls and the system, read for what happened between a request and its answer.

use std::{error::Error, io, sync::Arc, time::Duration};

use http::Uri;
use hyper_util::client::legacy::connect::{HttpConnector, proxy::Tunnel};
use rustls::{CertificateError, OtherError};
use tower_service::Service;

use super::{
    BoxError,
    certificate::{Distrust, of_handshake},
};
use crate::diagnosis::errors::{CertificateFault, TunnelRefusal};
pub use crate::diagnosis::errors::{HttpError, HttpErrorKind};

/// The error of a tunnel through a proxy; its type does not depend on the connector below.
type TunnelError = <Tunnel<HttpConnector> as Service<Uri>>::Error;

/// The error that a body, read through [`std::io`], carries inside.
#[cfg(test)]
pub fn inside(error: &io::Error) -> Option<&HttpError> {
    links(error).into_iter().find_map(|link| link.downcast_ref())
}

/// A proxy wants another credential. `proxy` is `host:port`.
pub(super) fn refused_by_proxy(proxy: &str) -> HttpError {
    HttpError::unsent(HttpErrorKind::ProxyCredential { proxy: proxy.to_owned() }).permanent()
}

/// Reads the chain of sources under an error of hyper's client, which itself says little.
pub(super) fn of_client(error: &hyper_util::client::legacy::Error, host: &str) -> HttpError {
    // hyper calls a request cancelled whose pooled connection was closed before a byte of it was written.
    let unsent = error.is_connect()
        || links(error).iter().any(|link| link.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_canceled));
    let known = of_chain(error, host, error.is_connect());
    HttpError { maybe_sent: !unsent, silent: known.silent && !unsent, ..known }
}

/// Reads the chain under an error that came while an answer's body was read.
pub(super) fn of_body(error: &hyper::Error, host: &str) -> HttpError {
    HttpError { maybe_sent: true, ..of_chain(error, host, false) }
}

fn of_chain(error: &(dyn Error + 'static), host: &str, connecting: bool) -> HttpError {
    let links = links(error);
    if let Some(failed) = links.iter().find_map(|link| link.downcast_ref::<BodyFailed>()) {
        return HttpError::unsent(HttpErrorKind::Body(Arc::clone(&failed.0)));
    }
    let proxy = links.iter().find_map(|link| link.downcast_ref::<ProxyFailed>());
    let host = proxy.map_or_else(|| host.to_owned(), |proxy| format!("the proxy {}", proxy.address));
    // The innermost error is the system's; those around it repeat that connecting failed.
    let reason = links.last().map_or_else(String::new, ToString::to_string);
    if let Some(proxy) = proxy
        && let Some(refusal) = proxy.refusal()
    {
        let kind = HttpErrorKind::Tunnel { proxy: proxy.address.clone(), refusal };
        // Another try brings the same credential; the tunnel's other end may be reached later.
        return HttpError { transient: refusal != TunnelRefusal::Credential, ..HttpError::unsent(kind) };
    }
    if let Some(unresolved) = links.iter().find_map(|link| link.downcast_ref::<Unresolved>()) {
        let Unresolved { name, reason } = unresolved;
        return HttpError::unsent(HttpErrorKind::Unresolved { name: name.clone(), reason: reason.clone() });
    }
    if let Some(tls) = links.iter().find_map(|link| link.downcast_ref::<rustls::Error>()) {
        return of_tls(tls, host, proxy.is_some());
    }
    if let Some(late) = links.iter().find_map(|link| link.downcast_ref::<ConnectTimeout>()) {
        return HttpError::unsent(HttpErrorKind::ConnectTimeout { host, limit: late.0 });
    }
    let kind =
        if connecting { HttpErrorKind::NoConnection { host, reason } } else { HttpErrorKind::Broken { host, reason } };
    // The network gave up on a host that it does not hear of any more; a host that ends a connection is heard.
    let silent = links.iter().filter_map(|link| link.downcast_ref::<io::Error>()).any(|error| {
        use io::ErrorKind::{HostUnreachable, NetworkDown, NetworkUnreachable, TimedOut};
        matches!(error.kind(), TimedOut | HostUnreachable | NetworkUnreachable | NetworkDown)
    });
    HttpError { silent, ..HttpError::unsent(kind) }
}

fn of_tls(error: &rustls::Error, host: String, proxy: bool) -> HttpError {
    let rustls::Error::InvalidCertificate(problem) = error else {
        return HttpError::unsent(HttpErrorKind::Handshake { host, reason: of_handshake(error) });
    };
    let distrust = match problem {
        CertificateError::Other(OtherError(known)) => known.downcast_ref::<Distrust>(),
        // What is signed with the certificate's key during the handshake is checked after the certificate.
        _ => None,
    };
    let fault = distrust.map_or(CertificateFault::OtherKey, |distrust| distrust.0.clone());
    HttpError::unsent(HttpErrorKind::Certificate { host, proxy, fault })
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
    /// What the proxy itself said against the tunnel.
    fn refusal(&self) -> Option<TunnelRefusal> {
        match self.source.downcast_ref::<TunnelError>()? {
            TunnelError::ProxyAuthRequired => Some(TunnelRefusal::Credential),
            TunnelError::TunnelUnsuccessful => Some(TunnelRefusal::Refused),
            TunnelError::TunnelUnexpectedEof => Some(TunnelRefusal::Closed),
            _ => None,
        }
    }
}

/// The data to send could not be produced. Shared, since an [`HttpError`] can be cloned.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct BodyFailed(pub(super) Arc<dyn Error + Send + Sync>);
