//! Checkouts that cannot be read, or not whole: each is found when it is opened.

use std::{
    fs,
    path::{Path, PathBuf},
};

use git2::{Config, ErrorCode};

use crate::{diagnosis::errors::CheckoutError, names::Oid};

/// How far one repository borrows from another that borrows itself: git's own limit.
pub(super) const ALTERNATES_DEPTH: usize = 5;

/// Refuses what libgit2 cannot read, by the repository's own configuration and without opening it.
///
/// Source: <https://git-scm.com/docs/repository-version>
pub(super) fn check(git_dir: &Path) -> Result<(), CheckoutError> {
    // A configuration that cannot be read is reported by libgit2 when it opens the repository.
    let Ok(config) = Config::open(&git_dir.join("config")) else { return Ok(()) };
    let value = |name: &str| config.get_string(name).unwrap_or_default().to_lowercase();
    let format = value("extensions.objectformat");
    if !matches!(format.as_str(), "" | "sha1") {
        return Err(CheckoutError::ObjectFormat { git_dir: git_dir.to_owned(), format });
    }
    let storage = value("extensions.refstorage");
    if !matches!(storage.as_str(), "" | "files") {
        return Err(CheckoutError::RefFormat { git_dir: git_dir.to_owned(), format: storage });
    }
    check_alternates(&git_dir.join("objects"), ALTERNATES_DEPTH)
}

/// The files of a git directory that are read by name, here or by libgit2.
const FILES: [&str; 10] = [
    "HEAD",
    "config",
    "config.worktree",
    "packed-refs",
    "shallow",
    "commondir",
    "info/grafts",
    "objects/info/alternates",
    "objects/info/commit-graph",
    "objects/pack/multi-pack-index",
];

/// Refuses a pipe or a device in the place of a file, which would be waited for without end.
pub(super) fn regular(git_dir: &Path) -> Result<(), CheckoutError> {
    FILES.iter().try_for_each(|name| regular_file(&git_dir.join(name)).map(drop))
}

/// Whether there is a file at `path`.
///
/// # Errors
/// Something is there that is no regular file.
fn regular_file(path: &Path) -> Result<bool, CheckoutError> {
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => Err(CheckoutError::NotRegular(path.to_owned())),
        found => Ok(found.is_ok()),
    }
}

/// Source: <https://git-scm.com/docs/gitrepository-layout> (`objects/info/alternates`)
fn check_alternates(objects: &Path, depth: usize) -> Result<(), CheckoutError> {
    for folder in alternates(objects)? {
        if !folder.is_dir() {
            return Err(CheckoutError::NoAlternate(folder));
        }
        if depth > 0 {
            check_alternates(&folder, depth - 1)?;
        }
    }
    Ok(())
}

/// The object folders that `objects` borrows from, directly.
///
/// # Errors
/// The list is no regular file.
pub(super) fn alternates(objects: &Path) -> Result<Vec<PathBuf>, CheckoutError> {
    let path = objects.join("info/alternates");
    if !regular_file(&path)? {
        return Ok(Vec::new());
    }
    let text = fs::read_to_string(path).unwrap_or_default();
    // A line that begins with `#` is a comment (`link_alt_odb_entries` of git).
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(lines.map(|line| objects.join(line)).collect())
}

/// Why no repository was found in `folder`, a folder of the workspace `boundary`.
pub(super) fn none(folder: &Path, boundary: Option<&Path>, error: &git2::Error) -> CheckoutError {
    if error.code() != ErrorCode::NotFound {
        return broken(error);
    }
    // The usual reason is `path:` of actions/checkout, and then the repository is a level or two down.
    let top = boundary.unwrap_or(folder);
    let nested = repository_below(folder, 2).or_else(|| repository_below(top, 2));
    let nested = nested.map(|place| place.strip_prefix(top).unwrap_or(&place).to_string_lossy().into_owned());
    CheckoutError::NoRepository { folder: folder.to_owned(), nested }
}

/// The first folder with a repository at most `levels` below `folder`. Links are not followed.
fn repository_below(folder: &Path, levels: usize) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?.flatten();
    let mut folders: Vec<PathBuf> =
        entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path()).collect();
    folders.sort_unstable();
    let direct = folders.iter().find(|inner| inner.join(".git").exists()).cloned();
    direct.or_else(|| (levels > 1).then(|| folders.iter().find_map(|inner| repository_below(inner, levels - 1)))?)
}

/// Something that libgit2 could not read.
pub(super) fn broken(error: &git2::Error) -> CheckoutError {
    CheckoutError::Libgit2(error.message().trim_end_matches('.').to_owned())
}

/// An object that should be in the checkout is not.
pub(super) fn missing(oid: Oid) -> CheckoutError {
    CheckoutError::MissingObject(oid)
}

/// A file of the object store that cannot be read.
pub(super) fn unreadable(path: &Path, reason: &dyn std::fmt::Display) -> CheckoutError {
    CheckoutError::Unreadable { path: path.to_owned(), reason: reason.to_string() }
}
