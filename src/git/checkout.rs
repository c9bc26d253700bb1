//! The checkout in the workspace.

use std::path::Path;

use git2::Repository;

/// The address of the remote `origin` of the repository that `folder` belongs to, if there is one.
pub fn origin(folder: &Path) -> Option<String> {
    let repository = Repository::discover(folder).ok()?;
    let remote = repository.find_remote("origin").ok()?;
    remote.url().ok().map(str::to_owned)
}
