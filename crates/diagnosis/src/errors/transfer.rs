//! Requests that cannot be made, and packs that cannot be made or sent.

use std::path::PathBuf;

use crate::{Cause, Failure, Retry};

/// Why no request can be made with the address and the token that are given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The address of the REST interface.
    #[error("{address} cannot be called: {reason}")]
    ApiAddress {
        /// The address.
        address: String,
        /// The parser's own words.
        reason: String,
    },
    /// The address of a repository.
    #[error("{address} is no usable address: {reason}")]
    GitAddress {
        /// The address.
        address: String,
        /// The parser's own words.
        reason: String,
    },
    /// The token holds a character that no header can have.
    #[error("the token cannot be put into a header")]
    Token,
    /// The pair of user and token makes no header: a fault of this program, as its encoding has letters and digits alone.
    #[error("the credential cannot be put into a header")]
    BasicCredential,
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::ApiAddress { address, reason } => {
                Self::new(Cause::InvalidInput, format!("`api-url` {address} cannot be called: {reason}."))
            }
            RequestError::GitAddress { address, reason } => {
                Self::new(Cause::InvalidInput, format!("{address} is no usable address: {reason}."))
            }
            RequestError::BasicCredential => Self::new(Cause::InternalError, "The token cannot be put into a header."),
            RequestError::Token => {
                Self::new(Cause::BadCredentials, "The token holds a character that no token has, such as a line break.")
            }
        }
    }
}

/// Why a pack cannot be made from the files of this machine, or a request not be sent from here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackError {
    /// A file has other content than when it was hashed.
    #[error("the file {:?} was changed", .0.to_string_lossy())]
    FileChanged(PathBuf),
    /// A file that was hashed cannot be read any more.
    #[error("the file {:?} cannot be read any more: {reason}", path.to_string_lossy())]
    FileUnreadable {
        /// The file.
        path: PathBuf,
        /// The system's own words.
        reason: String,
    },
    /// More objects than the header of a pack can count.
    #[error("{0} objects do not fit into one pack")]
    TooManyObjects(usize),
    /// A fault of this program.
    #[error("the pack could not be made: {0}")]
    Broken(String),
    /// The thread that makes the pack ended early: a fault of this program.
    #[error("the making of the pack ended before its end")]
    Unfinished,
    /// The temporary folder has no room for what is to be sent.
    #[error("the temporary folder cannot be used: {0}")]
    NoRoom(String),
}

impl From<PackError> for Failure {
    fn from(error: PackError) -> Self {
        const LATER: &str = "Let the step run after everything that writes into the directory has ended.";
        match error {
            PackError::FileChanged(path) => {
                let path = path.to_string_lossy();
                let what = format!("The file {path:?} was changed while it was published; nothing was pushed.");
                Self::new(Cause::InvalidInput, what).with_remedy(LATER)
            }
            PackError::FileUnreadable { path, reason } => {
                let path = path.to_string_lossy();
                let what = format!("The file {path:?} cannot be read any more: {reason}; nothing was pushed.");
                Self::new(Cause::InvalidInput, what).with_remedy(LATER)
            }
            PackError::TooManyObjects(count) => {
                Self::new(Cause::PackTooLarge, format!("{count} objects do not fit into one pack."))
            }
            PackError::Broken(reason) => {
                Self::new(Cause::InternalError, format!("The pack could not be made: {reason}."))
            }
            PackError::Unfinished => Self::new(Cause::InternalError, "The making of the pack ended before its end."),
            PackError::NoRoom(reason) => {
                let what = format!("What is to be sent could not be put into the temporary folder: {reason}.");
                Self::new(Cause::InternalError, what).with_remedy(FREE_SPACE)
            }
        }
    }
}

const FREE_SPACE: &str = "Free space on the runner, or point TMPDIR at a folder that can be written to.";

/// Why objects that a server sent are not taken in, or cannot be read from the temporary store.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// libgit2 failed, in its own words.
    #[error("the temporary object store failed: {0}")]
    Libgit2(String),
    /// The system's temporary folder cannot be used.
    #[error("the temporary folder cannot be used: {0}")]
    NoFolder(String),
    /// The pack is damaged.
    #[error("the pack cannot be used: {0}")]
    DamagedPack(String),
    /// The pack claims more than any repository needs.
    #[error("the pack is not taken in: {0}")]
    Excessive(String),
    /// The server sent what git allows nowhere, or left out what it was asked for. The text follows "The server".
    #[error("the server {0}")]
    Untrustworthy(String),
    /// The transfer broke off.
    #[error("the transfer broke off: {0}")]
    CutOff(String),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Libgit2(reason) => {
                Self::new(Cause::InternalError, format!("The temporary object store failed: {reason}."))
                    .with_remedy("Look whether the runner's temporary folder is full, and run the step again.")
            }
            StoreError::NoFolder(reason) => {
                Self::new(Cause::InternalError, format!("The system's temporary folder cannot be used: {reason}."))
                    .with_remedy(FREE_SPACE)
            }
            // The bytes can have been damaged on the way, so that another transfer can bring a whole pack.
            StoreError::DamagedPack(reason) => {
                Self::new(Cause::ServerError, format!("The pack that the server sent cannot be used: {reason}."))
                    .with_retry(Retry::Backoff)
            }
            StoreError::Excessive(reason) => {
                Self::new(Cause::ServerError, format!("The pack that the server sent is not taken in: {reason}."))
            }
            StoreError::Untrustworthy(what) => Self::new(Cause::ServerError, format!("The server {what}.")),
            StoreError::CutOff(reason) => {
                Self::new(Cause::ConnectionFailed, format!("The transfer of the branch's trees broke off: {reason}."))
                    .with_retry(Retry::Backoff)
            }
        }
    }
}
