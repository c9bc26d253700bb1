//! Host keys of SSH servers that are not believed, and lines of a `known_hosts` file that cannot be read.

use crate::{Cause, Failure};

/// A line that is not a line of a `known_hosts` file. Lines count from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KnownHostsError {
    /// The line is for certificates of hosts.
    #[error("line {line} is `@cert-authority`: certificates of hosts are not supported, only their own keys")]
    Authority {
        /// The line's number.
        line: usize,
    },
    /// The line has another form.
    #[error("line {line} is no line of a known_hosts file: {reason}")]
    Malformed {
        /// The line's number.
        line: usize,
        /// The parser's own words.
        reason: String,
    },
}

impl From<KnownHostsError> for Failure {
    fn from(error: KnownHostsError) -> Self {
        let what = match error {
            KnownHostsError::Authority { line } => format!(
                "Line {line} of `ssh-known-hosts` is `@cert-authority`: certificates of hosts are not supported, only their own keys."
            ),
            KnownHostsError::Malformed { line, reason } => {
                format!("Line {line} of `ssh-known-hosts` is no line of a known_hosts file: {reason}.")
            }
        };
        let remedy = "Write lines of a known_hosts file, such as: ghes.example.com ssh-ed25519 AAAA…";
        Self::new(Cause::InvalidInput, what).with_remedy(remedy)
    }
}

/// Why the host key that a server shows is not believed. `shown` and `known` are kinds and fingerprints.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostKeyError {
    /// A line revokes the key.
    #[error("the SSH server {place} shows a revoked host key: {shown}")]
    Revoked {
        /// `host` or `host:port`.
        place: String,
        /// The key.
        shown: String,
    },
    /// No line names the host.
    #[error("no host key is known for the SSH server {place}, which shows {shown}")]
    Unknown {
        /// `host` or `host:port`.
        place: String,
        /// The key.
        shown: String,
    },
    /// The lines for the host hold other keys.
    #[error("the SSH server {place} shows another host key than the known one: {shown}")]
    Mismatch {
        /// `host` or `host:port`.
        place: String,
        /// The key.
        shown: String,
        /// The keys that would be believed.
        known: Vec<String>,
    },
}

impl From<HostKeyError> for Failure {
    fn from(error: HostKeyError) -> Self {
        match error {
            HostKeyError::Revoked { place, shown } => {
                let what = format!("The SSH server {place} shows a host key that is marked as revoked: {shown}.");
                let remedy = "Do not go on: ask the server's administrator. Never take the `@revoked` line away.";
                Self::new(Cause::SshHostKeyMismatch, what).with_remedy(remedy)
            }
            HostKeyError::Unknown { place, shown } => {
                let what = format!("No host key is known for the SSH server {place}. It shows {shown}.");
                let remedy = "Compare this fingerprint with the one that the server's administrator names, then put the host's line into `ssh-known-hosts`.";
                Self::new(Cause::SshHostKeyUnknown, what).with_remedy(remedy)
            }
            HostKeyError::Mismatch { place, shown, known } => {
                let what = format!(
                    "The SSH server {place} shows another host key than the known one: {shown}. Known: {}. Nothing was sent to it.",
                    known.join(", ")
                );
                Self::new(Cause::SshHostKeyMismatch, what)
            }
        }
    }
}
