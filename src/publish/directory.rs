//! A directory onto a branch, as planned.

use std::path::PathBuf;

use crate::{
    git::sign::SigningKey,
    globs::Globs,
    inputs::DirectoryPush,
    names::{Author, RefName},
};

use super::message::Origin;

/// A directory onto a branch.
#[derive(Clone, Debug)]
pub struct DirectoryPlan {
    /// The folder whose content is published: it is there, and inside the workspace. None: the destination is taken off the branch.
    pub directory: Option<PathBuf>,
    /// What the user asked for.
    pub asked: DirectoryPush,
    /// Files on the branch that stay though the directory lacks them.
    pub keep: Globs,
    /// Files that are neither published nor removed.
    pub exclude: Globs,
    /// Whether `.nojekyll` is added at the branch's root.
    pub nojekyll: bool,
}

impl DirectoryPlan {
    /// The branch that is published to.
    pub fn branch(&self) -> &RefName {
        &self.asked.commit.branch
    }

    /// Where a file of the directory comes to stand on the branch.
    pub fn on_branch(&self, path: &[u8]) -> Vec<u8> {
        let destination = &self.asked.commit.destination;
        if destination.is_root() { path.to_vec() } else { [destination.as_str().as_bytes(), b"/", path].concat() }
    }
}

/// What the commit of a publish says about itself.
#[derive(Clone, Debug)]
pub struct CommitPlan {
    /// Author and committer.
    pub author: Author,
    /// The key that signs it; none: it is unsigned.
    pub signing_key: Option<SigningKey>,
    /// The run that makes it.
    pub origin: Origin,
    /// The first tag of the step, for the placeholder `{tag}`.
    pub first_tag: Option<String>,
}
