//! On a runner a checkout must not lead out of the workspace: a `.git` file, a link, `commondir` or an alternates file that
//! an earlier step wrote could make this step push another repository.
//!
//! Source: <https://git-scm.com/docs/gitrepository-layout>

use std::{fs, path::Path};

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
    for part in ["objects", "refs", "packed-refs", "config", "shallow"] {
        let path = common.join(part);
        if path.symlink_metadata().is_ok() {
            inside(&format!("`{part}` of its git directory"), &path, &boundary)?;
        }
    }
    borrowed(&common.join("objects"), &boundary, ALTERNATES_DEPTH)
}

fn borrowed(objects: &Path, boundary: &Path, depth: usize) -> Result<(), CheckoutError> {
    for folder in alternates(objects) {
        // One that is not there is told by its own finding.
        if folder.exists() {
            inside("The folder that it borrows objects from", &folder, boundary)?;
            // git follows alternates no deeper than this, so that deeper ones lend nothing.
            if depth > 0 {
                borrowed(&folder, boundary, depth - 1)?;
            }
        }
    }
    Ok(())
}

fn inside(what: &str, path: &Path, boundary: &Path) -> Result<(), CheckoutError> {
    match fs::canonicalize(path) {
        // Both sides are canonical, so that neither `..` nor a link leads past the comparison.
        Ok(real) if real.starts_with(boundary) => Ok(()),
        Ok(real) => Err(outside(what, path, &format!("it leads to {}", real.display()))),
        Err(error) => Err(outside(what, path, &error.to_string())),
    }
}

fn outside(part: &str, path: &Path, reason: &str) -> CheckoutError {
    CheckoutError::Outside { part: part.to_owned(), path: path.to_owned(), reason: reason.to_owned() }
}
