//! Checkouts that cannot be read, or not whole: each is found when it is opened, and each has its own remedy.

use std::{
    fs,
    path::{Path, PathBuf},
};

use git2::{Config, ErrorCode};

use crate::{
    diagnosis::{Cause, Failure},
    names::Oid,
};

/// How far one repository borrows from another that borrows itself: git's own limit.
pub(super) const ALTERNATES_DEPTH: usize = 5;

fn failure(what: impl Into<String>, remedy: impl Into<String>) -> Failure {
    Failure::new(Cause::LocalGitError, what).with_remedy(remedy)
}

/// Refuses what libgit2 cannot read, by the repository's own configuration and without opening it.
///
/// Source: <https://git-scm.com/docs/repository-version>
pub(super) fn check(git_dir: &Path) -> Result<(), Failure> {
    regular(git_dir)?;
    // A configuration that cannot be read is reported by libgit2 when it opens the repository.
    let Ok(config) = Config::open(&git_dir.join("config")) else { return Ok(()) };
    let value = |name: &str| config.get_string(name).unwrap_or_default().to_lowercase();
    let place = git_dir.display();
    let format = value("extensions.objectformat");
    if !matches!(format.as_str(), "" | "sha1") {
        return Err(failure(
            format!("The checkout {place} names its objects by {format}; GitHub takes sha1 repositories only."),
            "Check out a repository with the object format sha1, or publish its files with `directory`.",
        ));
    }
    let storage = value("extensions.refstorage");
    if !matches!(storage.as_str(), "" | "files") {
        return Err(failure(
            format!("The checkout {place} keeps its refs in the format {storage}, which cannot be read here."),
            "Run `git refs migrate --ref-format=files` in the checkout before this step, or check out again without `GIT_DEFAULT_REF_FORMAT`.",
        ));
    }
    check_alternates(&git_dir.join("objects"), ALTERNATES_DEPTH)
}

/// Refuses a pipe or a device in the place of a file, which would be waited for without end.
fn regular(git_dir: &Path) -> Result<(), Failure> {
    for name in ["HEAD", "config", "config.worktree", "packed-refs", "shallow", "commondir", "objects/info/alternates"]
    {
        let path = git_dir.join(name);
        if fs::metadata(&path).is_ok_and(|found| !found.is_file()) {
            return Err(failure(
                format!("{} of the checkout is no regular file.", path.display()),
                "Let actions/checkout make a fresh clone; on a self-hosted runner delete the old working folder first.",
            ));
        }
    }
    Ok(())
}

/// Source: <https://git-scm.com/docs/gitrepository-layout> (`objects/info/alternates`)
fn check_alternates(objects: &Path, depth: usize) -> Result<(), Failure> {
    for folder in alternates(objects) {
        if !folder.is_dir() {
            return Err(failure(
                format!("The checkout borrows objects from {}, which is not there.", folder.display()),
                "Mount that folder into the step's container at the same path, or run `git repack -a -d` and remove `.git/objects/info/alternates` before this step.",
            ));
        }
        if depth > 0 {
            check_alternates(&folder, depth - 1)?;
        }
    }
    Ok(())
}

/// The object folders that `objects` borrows from, directly.
pub(super) fn alternates(objects: &Path) -> Vec<PathBuf> {
    let Ok(text) = fs::read_to_string(objects.join("info/alternates")) else { return Vec::new() };
    // A line that begins with `#` is a comment (`link_alt_odb_entries` of git).
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| objects.join(line)).collect()
}

/// Why no repository was found in the workspace.
pub(super) fn none(workspace: &Path, error: &git2::Error) -> Failure {
    if error.code() != ErrorCode::NotFound {
        return broken(error);
    }
    // The usual reason is `path:` of actions/checkout, and then the repository is one level down.
    let inner = fs::read_dir(workspace).ok().and_then(|entries| {
        entries.flatten().find(|entry| entry.path().join(".git").exists()).map(|entry| entry.file_name())
    });
    let what = format!("There is no git repository in {}, from which `refs` pushes.", workspace.display());
    match inner {
        Some(name) => failure(
            format!("{what} There is one in its folder {:?}.", name.to_string_lossy()),
            "Leave `path:` out of actions/checkout, so that the workspace itself is the checkout.",
        ),
        None => failure(what, "Run actions/checkout with `fetch-depth: 0` before this step."),
    }
}

/// Something that libgit2 could not read.
pub(super) fn broken(error: &git2::Error) -> Failure {
    let text = error.message().trim_end_matches('.');
    Failure::new(Cause::LocalGitError, format!("The checkout cannot be read: {text}."))
}

/// An object that should be in the checkout is not.
pub(super) fn missing(oid: Oid) -> Failure {
    failure(
        format!("The checkout is damaged: it lacks the object {oid}, which is part of what is to be pushed."),
        "Let actions/checkout make a fresh clone with `fetch-depth: 0`; on a self-hosted runner delete the old working folder.",
    )
}

/// A file of the object store that cannot be read.
pub(super) fn unreadable(path: &Path, reason: &dyn std::fmt::Display) -> Failure {
    let what = format!("The file {} of the checkout cannot be read: {reason}.", path.display());
    Failure::new(Cause::LocalGitError, what)
}
