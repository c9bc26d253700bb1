//! The preview folders of a branch: one for each pull request.

use super::proposal::Base;
use crate::{
    diagnosis::{Cause, Failure},
    git::{format::TreeEntry, remote::Remote},
    inputs::PreviewFolders,
    names::Oid,
    retry::Retries,
};

/// The preview of one pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// Its path on the branch.
    pub path: Vec<u8>,
    /// The number of the pull request.
    pub number: u64,
    /// Its tree.
    pub tree: Oid,
}

/// The previews that the branch has, by their folders' names. Of the branch's trees only those are fetched that hold such
/// folders, never what a preview holds.
///
/// # Errors
/// Those of a fetch.
pub async fn previews(
    base: &Base,
    folders: &PreviewFolders,
    remote: &Remote,
    retries: &Retries,
) -> Result<Vec<Preview>, Failure> {
    let Some(mut tree) = base.root()? else { return Ok(Vec::new()) };
    let mut path = Vec::new();
    // One tree per level, each known only from the one above it.
    for name in folders.above() {
        base.fetch_trees([tree], remote, retries).await?;
        let Some(below) = folder(&entries(base, tree)?, name) else { return Ok(Vec::new()) };
        tree = below;
        path.extend([name.as_bytes(), b"/"].concat());
    }
    base.fetch_trees([tree], remote, retries).await?;
    let preview = |entry: TreeEntry| {
        let number = folders.number(&entry.name).filter(|_| entry.mode.is_tree())?;
        Some(Preview { path: [&path[..], &entry.name].concat(), number, tree: entry.oid })
    };
    let mut found: Vec<Preview> = entries(base, tree)?.into_iter().filter_map(preview).collect();
    for name in folders.below() {
        // All in one request: with a request each, a thousand previews would cost a thousand round trips.
        base.fetch_trees(found.iter().map(|preview| preview.tree), remote, retries).await?;
        let mut below = Vec::new();
        for Preview { path, number, tree } in found {
            let tree = folder(&entries(base, tree)?, name);
            let path = [&path[..], b"/", name.as_bytes()].concat();
            below.extend(tree.map(|tree| Preview { path, number, tree }));
        }
        found = below;
    }
    Ok(found)
}

fn entries(base: &Base, tree: Oid) -> Result<Vec<TreeEntry>, Failure> {
    base.store().read_tree(tree)?.ok_or_else(|| {
        Failure::new(Cause::ServerError, format!("The server left the tree {tree} out of what it sent."))
    })
}

fn folder(entries: &[TreeEntry], name: &str) -> Option<Oid> {
    let named = entries.iter().find(|entry| entry.name == name.as_bytes() && entry.mode.is_tree());
    named.map(|entry| entry.oid)
}
