//! On a runner a checkout must not lead out of the workspace: a `.git` file, a link, `commondir` or an alternates file that
//! an earlier step wrote could make this step push another repository.
//!
//! Source: <https://git-scm.com/docs/gitrepository-layout>

use std::{
    collections::BTreeSet,
    fs::{self, FileType},
    path::{Path, PathBuf},
};

use super::unreadable::{ALTERNATES_DEPTH, alternates};
use crate::diagnosis::errors::CheckoutError;

/// Refuses a repository of which a part lies outside of `boundary`.
///
/// # Errors
/// [`CheckoutError::Outside`], with the part that leads outside.
pub(super) fn check(git_dir: &Path, common: &Path, boundary: &Path) -> Result<(), CheckoutError> {
    let boundary =
        fs::canonicalize(boundary).map_err(|error| outside("The workspace", boundary, &error.to_string()))?;
    inside("Its git directory", git_dir, &boundary)?;
    inside("Its common directory", common, &boundary)?;
    // Each of these can be a link by itself, wherever the git directory lies.
    for part in PARTS {
        for folder in [common, git_dir] {
            let path = folder.join(part);
            // A link that leads nowhere, such as an old `HEAD` on a branch without a commit, lends nothing.
            if path.exists() {
                inside(&format!("`{part}` of its git directory"), &path, &boundary)?;
            }
        }
    }
    let mut links = Links { boundary: &boundary, followed: BTreeSet::new() };
    links.stay_inside(&common.join("refs"), REFS_DEPTH)?;
    lent(&common.join("objects"), &mut links, ALTERNATES_DEPTH)
}

/// What is read of a git directory, and can be a link.
const PARTS: [&str; 9] =
    ["HEAD", "config", "config.worktree", "commondir", "packed-refs", "shallow", "refs", "objects", "lfs"];

/// How deep folders are searched for links: names of refs have no end by themselves, Git LFS has `lfs/objects/ab/cd/FILE`, an objects folder
/// `ab/FILE` and `pack/FILE`.
const REFS_DEPTH: usize = 64;
const LFS_DEPTH: usize = 4;
const OBJECTS_DEPTH: usize = 1;

/// The links below folders.
struct Links<'a> {
    boundary: &'a Path,
    /// The folders that links lead to, which can hold links themselves: each is looked at once.
    followed: BTreeSet<PathBuf>,
}

impl Links<'_> {
    /// Refuses a link below `folder` that leads out of the boundary, and what is neither file nor folder.
    fn stay_inside(&mut self, folder: &Path, depth: usize) -> Result<(), CheckoutError> {
        // A folder that is not there, or cannot be listed, lends nothing.
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(kind) = entry.file_type() else { continue };
            let path = entry.path();
            let is_new = if kind.is_symlink() {
                // One that leads nowhere lends nothing.
                if !path.exists() {
                    continue;
                }
                let real = inside("A link in its git directory", &path, self.boundary)?;
                let found = fs::metadata(&real).map(|found| found.file_type());
                let kind = found.map_err(|error| outside("A link in its git directory", &path, &error.to_string()))?;
                regular(&path, kind)?;
                kind.is_dir() && self.followed.insert(real)
            } else {
                regular(&path, kind)?;
                kind.is_dir()
            };
            if is_new && depth > 0 {
                self.stay_inside(&path, depth - 1)?;
            }
        }
        Ok(())
    }
}

/// Refuses a pipe or a device among refs and objects, which would be waited for without end.
fn regular(path: &Path, kind: FileType) -> Result<(), CheckoutError> {
    if kind.is_file() || kind.is_dir() { Ok(()) } else { Err(CheckoutError::NotRegular(path.to_owned())) }
}

/// An objects folder with the Git LFS objects beside it, and those that it borrows from.
fn lent(objects: &Path, links: &mut Links<'_>, depth: usize) -> Result<(), CheckoutError> {
    links.stay_inside(objects, OBJECTS_DEPTH)?;
    if let Some(git_dir) = objects.parent() {
        links.stay_inside(&git_dir.join("lfs"), LFS_DEPTH)?;
    }
    for folder in alternates(objects)? {
        // One that is not there is told by its own finding.
        if folder.exists() {
            inside("The folder that it borrows objects from", &folder, links.boundary)?;
            // git follows alternates no deeper than this, so that deeper ones lend nothing.
            if depth > 0 {
                lent(&folder, links, depth - 1)?;
            }
        }
    }
    Ok(())
}

/// Where `path` leads, unless that is out of `boundary`, which is canonical itself.
pub(super) fn inside(what: &str, path: &Path, boundary: &Path) -> Result<PathBuf, CheckoutError> {
    match fs::canonicalize(path) {
        // Both sides are canonical, so that neither `..` nor a link leads past the comparison.
        Ok(real) if real.starts_with(boundary) => Ok(real),
        Ok(real) => Err(outside(what, path, &format!("it leads to {}", real.display()))),
        Err(error) => Err(outside(what, path, &error.to_string())),
    }
}

pub(super) fn outside(part: &str, path: &Path, reason: &str) -> CheckoutError {
    CheckoutError::Outside { part: part.to_owned(), path: path.to_owned(), reason: reason.to_owned() }
}
