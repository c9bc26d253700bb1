//! Requests without an answer, or with only a part of one.

use std::{error::Error, fmt, sync::Arc, time::Duration};

use super::CertificateFault;
use crate::{Cause, Failure, Retry};

/// No answer, or only a part of one, with the two facts a caller decides on: can it pass later, and can the server have
/// seen the request, or even still be at work on it?
#[derive(Clone, Debug)]
pub struct HttpError {
    /// What happened.
    pub kind: HttpErrorKind,
    /// Bytes of the request may have reached the server: for a write, only a look tells whether it was done.
    pub maybe_sent: bool,
    /// Nobody ended the connection: it was given up on, and the server may still be at work on the request.
    pub silent: bool,
    /// The same request may pass later.
    pub transient: bool,
}

/// What happened to a request, with the names of hosts. No variant holds a credential.
#[derive(Clone, Debug)]
pub enum HttpErrorKind {
    /// The name service does not know the host, or did not answer.
    Unresolved {
        /// The host's name.
        name: String,
        /// The resolver's own words.
        reason: String,
    },
    /// Name look-up, TCP, proxy and TLS together took too long.
    ConnectTimeout {
        /// The host, or the proxy before it.
        host: String,
        /// The bound.
        limit: Duration,
    },
    /// The connection did not come about.
    NoConnection {
        /// The host, or the proxy before it.
        host: String,
        /// The system's own words.
        reason: String,
    },
    /// The connection broke.
    Broken {
        /// The host, or the proxy before it.
        host: String,
        /// The system's own words.
        reason: String,
    },
    /// No byte moved for so long that the connection was given up.
    Silence {
        /// The host.
        host: String,
        /// How long.
        limit: Duration,
    },
    /// The TLS handshake failed.
    Handshake {
        /// The host, or the proxy before it.
        host: String,
        /// The end of a sentence.
        reason: String,
    },
    /// The host's certificate is not trusted.
    Certificate {
        /// The host with its port where one was written, or the proxy before it.
        host: String,
        /// Whether it is the proxy's.
        proxy: bool,
        /// What is wrong with it.
        fault: CertificateFault,
    },
    /// A proxy wants another credential.
    ProxyCredential {
        /// `host:port`.
        proxy: String,
    },
    /// A proxy refused to open a tunnel.
    Tunnel {
        /// `host:port`.
        proxy: String,
        /// Its answer.
        refusal: TunnelRefusal,
    },
    /// A redirect that is not followed.
    Redirect {
        /// The host that answered.
        host: String,
        /// The status.
        status: u16,
        /// Why not.
        fault: RedirectFault,
    },
    /// More redirects than are followed.
    Redirects {
        /// The host of the last one.
        host: String,
        /// The bound.
        limit: u32,
    },
    /// The answer is longer than its bound.
    TooLong {
        /// The host.
        host: String,
        /// The bound in bytes.
        limit: usize,
    },
    /// A request to a host that the step does not name: a fault of this program.
    ForeignHost(String),
    /// The request is malformed: a fault of this program.
    Request(String),
    /// The body of a request could not be collected: a fault of this program.
    RequestBody(String),
    /// The TLS settings cannot be used.
    TlsSettings(String),
    /// The stream that makes the request's body ended with this error.
    Body(Arc<dyn Error + Send + Sync>),
}

/// How a proxy refused to open a tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TunnelRefusal {
    /// It wants another credential.
    Credential,
    /// It did not open the tunnel.
    Refused,
    /// It closed the connection.
    Closed,
}

/// Why a redirect is not followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedirectFault {
    /// The body was a stream.
    #[error("what was sent cannot be sent again")]
    NotRepeatable,
    /// The status asks for a GET in the place of a write.
    #[error("it would turn a write into a read")]
    WriteIntoRead,
    /// The header `Location` is missing.
    #[error("it names no address")]
    NoAddress,
    /// The address has another scheme, host or port.
    #[error("it leads to another server ({0}), which must not see the credential")]
    OtherServer(String),
    /// The address is malformed.
    #[error("its address cannot be read")]
    Unreadable,
}

impl HttpError {
    /// An error before anything was sent, transient as its cause is.
    pub fn unsent(kind: HttpErrorKind) -> Self {
        let transient = kind.cause().is_transient();
        Self { kind, maybe_sent: false, silent: false, transient }
    }

    /// An error after bytes of the request may have been read by the server.
    pub fn sent(kind: HttpErrorKind) -> Self {
        Self { maybe_sent: true, ..Self::unsent(kind) }
    }

    /// The same, as one that no second try heals.
    #[must_use]
    pub fn permanent(mut self) -> Self {
        self.transient = false;
        self
    }

    /// The error of a connection over which `host` was not heard for so long that it was given up.
    pub fn silence(host: &str, limit: Duration) -> Self {
        Self { silent: true, ..Self::sent(HttpErrorKind::Silence { host: host.to_owned(), limit }) }
    }

    /// The cause, of the closed list.
    pub fn cause(&self) -> Cause {
        self.kind.cause()
    }

    /// One sentence with the host's name and a full stop; it never holds a credential.
    pub fn what(&self) -> String {
        self.kind.what()
    }

    /// The failure of a request that changes something: unclear as soon as the server may have seen it.
    pub fn into_write_failure(self) -> Failure {
        let retry = match (self.maybe_sent, self.transient) {
            (true, true) if self.silent => Retry::Silence,
            (true, true) => Retry::Unclear(None),
            (false, true) => Retry::Backoff,
            (_, false) => Retry::Never,
        };
        self.kind.failure().with_retry(retry)
    }

    /// The failure of a request that only reads, and so may be sent again whatever became of it.
    pub fn into_read_failure(self) -> Failure {
        let retry = if self.transient { Retry::Backoff } else { Retry::Never };
        self.kind.failure().with_retry(retry)
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what())
    }
}

impl Error for HttpError {}

impl HttpErrorKind {
    fn cause(&self) -> Cause {
        match self {
            Self::Unresolved { .. } => Cause::DnsFailure,
            Self::Certificate { .. } => Cause::TlsCertificateUntrusted,
            Self::ConnectTimeout { .. }
            | Self::NoConnection { .. }
            | Self::Broken { .. }
            | Self::Silence { .. }
            | Self::Handshake { .. }
            | Self::ProxyCredential { .. }
            | Self::Tunnel { .. }
            | Self::Redirect { .. } => Cause::ConnectionFailed,
            Self::Redirects { .. } | Self::TooLong { .. } => Cause::ServerError,
            Self::ForeignHost(_) | Self::Request(_) | Self::RequestBody(_) | Self::TlsSettings(_) => {
                Cause::InternalError
            }
            Self::Body(_) => self.callers_failure().map_or(Cause::InternalError, |failure| failure.cause),
        }
    }

    /// The failure of the caller with which the stream of a request's body ended, if it was one. It keeps its cause, its
    /// words and its remedy on the way through the client.
    fn callers_failure(&self) -> Option<&Failure> {
        let Self::Body(error) = self else { return None };
        error.downcast_ref()
    }

    fn failure(&self) -> Failure {
        let failure = || Failure::new(self.cause(), self.what());
        match self {
            Self::Certificate { host, proxy, fault } => failure().with_remedy(fault.remedy(host, *proxy)),
            _ => self.callers_failure().cloned().unwrap_or_else(failure),
        }
    }

    fn what(&self) -> String {
        match self {
            Self::Unresolved { name, reason } => {
                sentence(&format!("the host name {name} cannot be resolved: {reason}"))
            }
            Self::ConnectTimeout { host, limit } => {
                sentence(&format!("{host} did not take the connection within {} s", limit.as_secs_f32()))
            }
            Self::NoConnection { host, reason } => sentence(&format!("no connection to {host}: {reason}")),
            Self::Broken { host, reason } => sentence(&format!("the connection to {host} broke: {reason}")),
            Self::Silence { host, limit } => {
                let seconds = limit.as_secs_f32();
                format!("{host} neither took nor sent a byte for {seconds} s, and the connection was given up.")
            }
            Self::Handshake { host, reason } => sentence(&format!("the TLS handshake with {host} failed: {reason}")),
            Self::Certificate { host, fault, .. } => {
                sentence(&format!("the certificate that {host} shows is not trusted: {}", fault.reason()))
            }
            Self::ProxyCredential { proxy } => format!("The proxy {proxy} {PROXY_AUTH}."),
            Self::Tunnel { proxy, refusal } => {
                let refusal = match refusal {
                    TunnelRefusal::Credential => PROXY_AUTH,
                    TunnelRefusal::Refused => "did not open a tunnel to the server",
                    TunnelRefusal::Closed => "closed the connection instead of opening a tunnel",
                };
                sentence(&format!("the proxy {proxy} {refusal}"))
            }
            Self::Redirect { host, status, fault } => {
                format!("{host} answered with a redirect ({status}) that is not followed: {fault}.")
            }
            Self::Redirects { host, limit } => format!("{host} redirected more than {limit} times."),
            Self::TooLong { host, limit } => format!("The answer of {host} is longer than {limit} bytes."),
            Self::ForeignHost(host) => {
                format!("A request to {host} was held back: it is not the target's server.")
            }
            Self::Request(reason) => format!("A request could not be made: {reason}."),
            Self::RequestBody(reason) => format!("A request's body could not be made: {reason}."),
            Self::TlsSettings(reason) => format!("The TLS settings are not usable: {reason}."),
            Self::Body(error) => match self.callers_failure() {
                Some(failure) => failure.what.clone(),
                None => sentence(&format!("the data to send could not be made: {error}")),
            },
        }
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
