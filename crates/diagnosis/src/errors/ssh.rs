//! SSH connections that did not come about, that broke, or over which a server refused.

use crate::{
    Cause, Evidence, Failure, Operation, Retry, Situation, classify, credential::OutsideText, errors::HostKeyError,
};

/// How many characters are shown of what a server said that ended without a reason.
const LONGEST_SAID: usize = 500;

/// Why nothing, or nothing more, can be said over SSH. `route` is `host` or `host:port`, `port` other than 22.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SshError {
    /// The name service does not know the host, or did not answer.
    #[error("the host name {host} cannot be resolved: {reason}")]
    Unresolved {
        /// The host's name.
        host: String,
        /// The resolver's own words.
        reason: String,
    },
    /// The connection did not come about.
    #[error("no connection to the SSH server {route}: {reason}")]
    NoConnection {
        /// The server.
        route: String,
        /// The system's own words.
        reason: String,
    },
    /// The server did not take a step of the log-in within its bound.
    #[error("the SSH server {route} did not {step} within {seconds} s")]
    Late {
        /// The server.
        route: String,
        /// The step, as a verb: "exchange keys".
        step: &'static str,
        /// The bound.
        seconds: u64,
    },
    /// Both sides know no common algorithm.
    #[error("no common algorithm with the SSH server {route}: {reason}")]
    NoCommonAlgorithm {
        /// The server.
        route: String,
        /// The library's own words.
        reason: String,
    },
    /// The connection broke.
    #[error("the connection to the SSH server {route} broke: {reason}")]
    Broken {
        /// The server.
        route: String,
        /// The library's own words.
        reason: String,
    },
    /// The server's host key is not believed.
    #[error(transparent)]
    HostKey(#[from] HostKeyError),
    /// The server's own interface did not name its host keys: the failure of that question.
    #[error(transparent)]
    HostKeysUnknown(Box<Failure>),
    /// The server does not know the key.
    #[error("the SSH server {route} does not know the key {fingerprint}")]
    KeyUnknown {
        /// The server.
        route: String,
        /// The user that was to be logged in.
        user: String,
        /// The host's name.
        host: String,
        /// Kind and fingerprint of the key's public half.
        fingerprint: String,
    },
    /// The server refused in these words.
    #[error("the SSH server refused")]
    Refused(OutsideText),
    /// The server does not run git, and said nothing.
    #[error("the SSH server does not run git here")]
    NoGit,
    /// The server ended the session without a reason. The text is what it had said before.
    #[error("the SSH server ended the session without a reason")]
    NoReason(OutsideText),
}

impl SshError {
    /// The failure of a connection over which nothing was changed.
    pub fn into_failure(self, situation: &Situation) -> Failure {
        let of_words =
            |words: OutsideText| classify(&Evidence::of_text(Operation::Ssh, words), situation).into_failure();
        match self {
            Self::Unresolved { host, reason } => {
                let what = format!("The host name {host} cannot be resolved: {reason}.");
                Failure::new(Cause::DnsFailure, what).with_retry(Retry::Backoff)
            }
            Self::NoConnection { route, reason } => lost(format!("No connection to the SSH server {route}: {reason}.")),
            Self::Late { route, step, seconds } => {
                lost(format!("The SSH server {route} did not {step} within {seconds} s."))
            }
            // No retry: both sides will have the same algorithms the next time.
            Self::NoCommonAlgorithm { route, reason } => {
                let what = format!(
                    "There is no way of encryption that the SSH server {route} and this program both know: {reason}."
                );
                Failure::new(Cause::ConnectionFailed, what)
            }
            Self::Broken { route, reason } => {
                lost(format!("The connection to the SSH server {route} broke: {reason}."))
            }
            Self::HostKey(error) => error.into(),
            Self::HostKeysUnknown(failure) => *failure,
            Self::KeyUnknown { route, user, host, fingerprint } => {
                // The words of OpenSSH's own client, by which the cause is known.
                let known = of_words(format!("{user}@{host}: Permission denied (publickey).").into());
                let what = format!("The SSH server {route} does not know the public half of `ssh-key`, {fingerprint}.");
                Failure { what, ..known }
            }
            Self::Refused(words) => of_words(words),
            Self::NoGit => {
                let what = "The SSH server does not run git here.".to_owned();
                // The cause is known by these words, but no server said them.
                Failure { what: what.clone(), ..of_words(what.into()) }
            }
            // It did not refuse: a server that does says why.
            Self::NoReason(said) if said.is_blank() => {
                lost("The SSH server ended the session without a word.".to_owned())
            }
            Self::NoReason(said) => {
                let said = said.redacted(&situation.redactor).cut(LONGEST_SAID);
                lost(format!("The SSH server ended the session without a reason; it had said: {said}"))
            }
        }
    }
}

fn lost(what: String) -> Failure {
    Failure::new(Cause::ConnectionFailed, what).with_retry(Retry::Backoff)
}
