//! `symlinks: follow`: where a link ends, and the links that have no end to publish.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{ListedFolder, shown};
use crate::{
    diagnosis::{Cause, Failure},
    names::tree,
    system,
};

/// What the link at `place` leads to, with no link left on the way: like `place` it is relative to the workspace. `path` is the
/// link's own inside the directory.
///
/// NOTE: the answer holds for a moment. Whatever is opened there is opened without following a link.
pub(super) fn end_of(path: &[u8], folder: &ListedFolder, place: &Path, workspace: &Path) -> Result<PathBuf, Failure> {
    let place = &workspace.join(place);
    let refused = |why: &str, remedy: &str| {
        let target = fs::read_link(place).map(system::target_of).unwrap_or_default();
        let what = format!("The link {} (to {}) cannot be followed: it {why}.", shown(path), shown(&target));
        Failure::new(Cause::InvalidInput, what).with_remedy(format!("{remedy} `exclude` leaves a link out."))
    };
    let end = place.canonicalize().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            refused("dangles, as nothing is there", "Create what it points to before this step, or remove the link.")
        }
        io::ErrorKind::NotADirectory => {
            refused("dangles, as it leads through a file", "Correct the link, or remove it.")
        }
        // The kind `FilesystemLoop` is not stable in std.
        _ if leads_to_itself(place) => refused("loops, as it leads back to itself", "Correct the link, or remove it."),
        _ => refused(&format!("cannot be read ({error})"), "Correct the link, or remove it."),
    })?;
    let Ok(inside) = end.strip_prefix(workspace) else {
        let remedy = "Copy what it points to into the workspace before this step (`cp -rL`).";
        return Err(refused("leaves the workspace", remedy));
    };
    // The walk passes over `.git` by its name. A link would publish the checkout's credentials under another one.
    if inside.iter().any(|name| tree::is_dot_git(&system::bytes_of(name))) {
        return Err(refused("leads into `.git`, which is never published", "Remove the link."));
    }
    // Such a folder would be listed inside itself without end.
    if end.is_dir() && folder.through.iter().chain([&folder.place]).any(|way| way.starts_with(inside)) {
        return Err(refused("loops, as it leads to a folder that holds it", "Remove the link."));
    }
    Ok(inside.to_owned())
}

/// Whether following the links from `place` on comes to one a second time. The number is that of Linux, which gives up after it.
fn leads_to_itself(place: &Path) -> bool {
    const MOST: usize = 40;
    let mut place = place.to_owned();
    for _ in 0..MOST {
        let Ok(target) = fs::read_link(&place) else { return false };
        place = place.parent().map_or_else(|| target.clone(), |folder| folder.join(&target));
    }
    true
}
