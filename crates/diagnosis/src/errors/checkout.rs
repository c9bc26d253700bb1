//! Checkouts that cannot be read, or not whole.

use std::path::PathBuf;

use crate::{
    Cause, Failure,
    names::{Oid, Slug},
};

/// Why a checkout cannot be pushed from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckoutError {
    /// A part of the repository lies outside of the folder that it must stay in.
    #[error("{part}, {}: {reason}", path.display())]
    Outside {
        /// The part, at the beginning of a sentence: "Its git directory".
        part: String,
        /// Where the part is looked for.
        path: PathBuf,
        /// Why it counts as outside.
        reason: String,
    },
    /// The folder holds no repository.
    #[error("there is no git repository in {}", folder.display())]
    NoRepository {
        /// The folder.
        folder: PathBuf,
        /// A folder of the workspace that holds one, relative to the workspace.
        nested: Option<String>,
    },
    /// The objects are not named by SHA-1.
    #[error("{} names its objects by {format}", git_dir.display())]
    ObjectFormat {
        /// The repository.
        git_dir: PathBuf,
        /// The format's name in the configuration.
        format: String,
    },
    /// The refs are not stored as files.
    #[error("{} keeps its refs in the format {format}", git_dir.display())]
    RefFormat {
        /// The repository.
        git_dir: PathBuf,
        /// The format's name in the configuration.
        format: String,
    },
    /// Something else stands in the place of a file, such as a pipe.
    #[error("{} is no regular file", .0.display())]
    NotRegular(PathBuf),
    /// A folder that objects are borrowed from is gone.
    #[error("objects are borrowed from {}, which is not there", .0.display())]
    NoAlternate(PathBuf),
    /// A partial clone, and the target is not the repository that has the rest.
    #[error("it left objects at its remote {remote:?}, which is another repository than {target}")]
    PartialClone {
        /// The remote's name.
        remote: String,
        /// The target.
        target: Slug,
    },
    /// libgit2 cannot read it, in its own words.
    #[error("{0}")]
    Libgit2(String),
    /// A file of the object store cannot be read.
    #[error("{} cannot be read: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// An object that is part of the push is not there, or has other content than its id says.
    #[error("the object {0} is missing")]
    MissingObject(Oid),
    /// An object that is named as a commit is none.
    #[error("the object {0} is not a commit")]
    NotCommit(Oid),
}

impl From<CheckoutError> for Failure {
    fn from(error: CheckoutError) -> Self {
        let (what, remedy) = match error {
            CheckoutError::Outside { part, path, reason } => {
                let path = path.display();
                let what =
                    format!("The checkout is not used, since it leaves the workspace. {part}, {path}: {reason}.");
                return Self::new(Cause::InvalidInput, what).with_remedy(INSIDE);
            }
            CheckoutError::NoRepository { folder, nested } => {
                let what = format!("There is no git repository in {}, from which `refs` pushes.", folder.display());
                let Some(place) = nested else {
                    let remedy = "Run actions/checkout with `fetch-depth: 0` before this step.";
                    return Self::new(Cause::LocalGitError, what).with_remedy(remedy);
                };
                let what = format!("{what} There is one in the folder {place:?} of the workspace.");
                let remedy = format!("Set `checkout: {place}`, as `path:` of actions/checkout has it.");
                return Self::new(Cause::LocalGitError, what).with_remedy(remedy);
            }
            CheckoutError::ObjectFormat { git_dir, format } => {
                let place = git_dir.display();
                let what =
                    format!("The checkout {place} names its objects by {format}; GitHub takes sha1 repositories only.");
                (what, Some(SHA1))
            }
            CheckoutError::RefFormat { git_dir, format } => {
                let place = git_dir.display();
                let what =
                    format!("The checkout {place} keeps its refs in the format {format}, which cannot be read here.");
                (what, Some(MIGRATE))
            }
            CheckoutError::NotRegular(path) => {
                (format!("{} of the checkout is no regular file.", path.display()), Some(FRESH))
            }
            CheckoutError::NoAlternate(folder) => {
                let what = format!("The checkout borrows objects from {}, which is not there.", folder.display());
                (what, Some(MOUNT))
            }
            CheckoutError::PartialClone { remote, target } => {
                let what = format!(
                    "The checkout is a partial clone: it left objects at its remote {remote:?}, which is another repository than {target}."
                );
                (what, Some(WHOLE))
            }
            CheckoutError::Libgit2(text) => (format!("The checkout cannot be read: {text}."), None),
            CheckoutError::Unreadable { path, reason } => {
                (format!("The file {} of the checkout cannot be read: {reason}.", path.display()), None)
            }
            CheckoutError::MissingObject(oid) => {
                let what = format!(
                    "The checkout is damaged: it lacks the object {oid}, which is part of what is to be pushed."
                );
                (what, Some(FRESH_DEEP))
            }
            CheckoutError::NotCommit(oid) => {
                (format!("The object {oid} of the checkout is not the commit it should be."), None)
            }
        };
        let failure = Self::new(Cause::LocalGitError, what);
        // Without a remedy of its own the general one of the cause is shown.
        match remedy {
            Some(remedy) => failure.with_remedy(remedy),
            None => failure,
        }
    }
}

const INSIDE: &str =
    "Let actions/checkout make a clone of its own inside the workspace, and set `checkout` to the `path:` given there.";
const SHA1: &str = "Check out a repository with the object format sha1, or publish its files with `directory`.";
const MIGRATE: &str = "Run `git refs migrate --ref-format=files` in the checkout before this step, or check out again without `GIT_DEFAULT_REF_FORMAT`.";
const FRESH: &str =
    "Let actions/checkout make a fresh clone; on a self-hosted runner delete the old working folder first.";
const FRESH_DEEP: &str = "Let actions/checkout make a fresh clone with `fetch-depth: 0`; on a self-hosted runner delete the old working folder.";
const MOUNT: &str = "Mount that folder into the step's container at the same path, or run `git repack -a -d` and remove `.git/objects/info/alternates` before this step.";
const WHOLE: &str = "Leave `filter:` and `sparse-checkout:` out of actions/checkout, so that the clone is whole. A partial clone can be pushed only to the repository that it was cloned from.";
