//! Questions about a repository that its server did not answer.

use crate::{
    Cause, Failure, Operation, Retry, Situation,
    errors::{StoreError, WireError},
    names::Oid,
};

/// Why a repository's refs or objects could not be had. It turns into a [`Failure`] by [`From`], so that `?` serves where one
/// is returned.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RemoteError {
    /// The conversation ended before its end.
    #[error("{}", .0.error)]
    Wire(Box<WireFault>),
    /// What came could not be kept or read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An error of a conversation, with what is known around it.
#[derive(Clone, Debug)]
pub struct WireFault {
    /// The error.
    pub error: WireError,
    /// The conversation.
    pub operation: Operation,
    /// The repository and the credential.
    pub situation: Situation,
}

impl RemoteError {
    /// The error of a conversation with the repository of `situation`.
    pub fn of_wire(error: WireError, operation: Operation, situation: &Situation) -> Self {
        Self::Wire(Box::new(WireFault { error, operation, situation: situation.clone() }))
    }
}

impl From<RemoteError> for Failure {
    fn from(error: RemoteError) -> Self {
        match error {
            RemoteError::Wire(fault) => {
                let WireFault { error, operation, situation } = *fault;
                error.into_failure(operation, &situation)
            }
            RemoteError::Store(error) => error.into(),
        }
    }
}

/// Why an object id leads to no commit of the target.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CommitError {
    /// The temporary store could not be made.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The object is there and is no commit, or leads to none.
    #[error("the repository has no commit {0}")]
    NoCommit(Oid),
    /// The object could not be had, which a server can say of one that it does not have.
    #[error("{error}")]
    NotFetched {
        /// The object.
        oid: Oid,
        /// The server's answer.
        error: RemoteError,
    },
}

impl From<CommitError> for Failure {
    fn from(error: CommitError) -> Self {
        // A server that does not have the object says so in its own words.
        const UNKNOWN: [&str; 5] = ["not our ref", "no such", "not found", "bad object", "unadvertised"];
        let (oid, failure) = match error {
            CommitError::Store(error) => return error.into(),
            CommitError::NoCommit(oid) => return no_commit(oid),
            CommitError::NotFetched { oid, error } => (oid, Self::from(error)),
        };
        // A refused credential, and a repository that is not there, stay what they are.
        let is_own = matches!(failure.cause, Cause::InvalidRefOrObject | Cause::RepoNotFoundOrHidden);
        let says = failure.what.to_lowercase();
        let is_unknown = UNKNOWN.iter().any(|words| says.contains(words));
        if failure.retry == Retry::Never && !is_own && is_unknown { no_commit(oid) } else { failure }
    }
}

fn no_commit(oid: Oid) -> Failure {
    Failure::new(Cause::InvalidRefOrObject, format!("The target has no commit {oid}.")).with_remedy(
        "Push the commit before the tag that names it, or set `tag-target` to a commit, branch or tag of the target.",
    )
}
