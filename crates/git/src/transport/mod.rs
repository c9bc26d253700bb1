//! What carries git's conversations: a service is asked for its advertisement, and is sent requests that it answers.
//!
//! Every request stands for itself, as over HTTP; a transport with one channel for both reads the second advertisement away.

mod http;
pub mod ssh;

use std::sync::Arc;

use super::{ByteStream, WireError};
use crate::http::{Traffic, Waits};

#[cfg(test)]
pub use super::tests::process::ProcessTransport;
pub use http::HttpTransport;
pub use ssh::SshTransport;

/// The two services of a git server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// Fetching.
    UploadPack,
    /// Pushing.
    ReceivePack,
}

impl Service {
    /// The service's name in addresses and commands.
    pub fn name(self) -> &'static str {
        match self {
            Self::UploadPack => "git-upload-pack",
            Self::ReceivePack => "git-receive-pack",
        }
    }
}

/// A request: a stream that can be made again, since a server may want it once more with its length.
#[derive(Clone)]
pub struct ServiceRequest(Arc<dyn Fn() -> ByteStream + Send + Sync>);

impl ServiceRequest {
    /// A request that `make` makes; each call must give the same bytes.
    pub fn new(make: impl Fn() -> ByteStream + Send + Sync + 'static) -> Self {
        Self(Arc::new(make))
    }

    /// A request of bytes that are there.
    pub fn of_bytes(bytes: bytes::Bytes) -> Self {
        Self::new(move || Box::pin(futures_util::stream::iter([Ok(bytes.clone())])))
    }

    /// The bytes, from the beginning.
    pub fn stream(&self) -> ByteStream {
        (self.0)()
    }
}

/// Speaks to one repository on one server. Clones share what was learned on the way (a redirect) and the counters.
#[derive(Clone)]
pub enum Transport {
    /// Smart HTTP.
    Http(HttpTransport),
    /// SSH.
    Ssh(SshTransport),
    /// git as a subprocess, on a repository of this machine.
    #[cfg(test)]
    Process(ProcessTransport),
}

impl Transport {
    /// Asks for the advertisement of `service`: of upload-pack in protocol v2 if the server speaks it.
    pub async fn advertisement(&self, service: Service) -> Result<ByteStream, WireError> {
        match self {
            Self::Http(http) => http.advertisement(service).await,
            // Boxed: its future is large, and would make that of every caller as large.
            Self::Ssh(ssh) => Box::pin(ssh.advertisement(service)).await,
            #[cfg(test)]
            Self::Process(process) => process.advertisement(service).await,
        }
    }

    /// Sends a request to `service`; the answer may begin before all of it is sent. `v2` must be true for a request of
    /// protocol v2, which the advertisement has to have offered.
    pub async fn request(&self, service: Service, v2: bool, request: &ServiceRequest) -> Result<ByteStream, WireError> {
        match self {
            Self::Http(http) => http.request(service, v2, request).await,
            Self::Ssh(ssh) => Box::pin(ssh.request(service, v2, request)).await,
            #[cfg(test)]
            Self::Process(process) => process.request(service, v2, request).await,
        }
    }

    /// How long a silent server is waited for.
    pub fn waits(&self) -> Waits {
        match self {
            Self::Http(http) => http.waits(),
            Self::Ssh(ssh) => ssh.waits(),
            #[cfg(test)]
            Self::Process(_) => Waits::within(std::time::Duration::ZERO),
        }
    }

    /// What went over the network so far.
    pub fn traffic(&self) -> Traffic {
        match self {
            Self::Http(http) => http.traffic(),
            Self::Ssh(ssh) => ssh.traffic(),
            #[cfg(test)]
            Self::Process(_) => Traffic::default(),
        }
    }
}
