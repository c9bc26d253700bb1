//! The last step of a merge: preview folders whose pull request is not open are taken off its result.
//!
//! Only the trees above the previews are read, so that ten thousand of them cost one tree.

use std::collections::HashMap;

use super::{MergeError, merge::Merge};
use crate::{git::format::TreeEntry, names::Oid, report::FileStatus};

/// A path on the branch, and the tree that may go from there.
type Closed<'a> = (&'a [u8], Oid);

impl<'a> Merge<'a> {
    /// The tree `merged` without the closed previews; folders that become empty vanish.
    pub(super) fn without_closed_previews(&mut self, merged: Option<Oid>) -> Result<Option<Oid>, MergeError> {
        let (Some(tree), placement) = (merged, self.placement) else { return Ok(merged) };
        let all = placement.closed_previews.iter().map(|(path, tree)| (&path[..], *tree));
        let closed: Vec<Closed<'a>> = all.filter(|(path, _)| !self.is_brought(path)).collect();
        if closed.is_empty() {
            return Ok(merged);
        }
        let pruned = self.prune(tree, &closed, 0)?;
        if pruned != merged {
            self.new.keep_reachable(pruned);
        }
        Ok(pruned)
    }

    /// The tree `oid` without `closed`, whose paths all begin with its own, which has `length` bytes with the slash at its end.
    fn prune(&mut self, oid: Oid, closed: &[Closed<'_>], length: usize) -> Result<Option<Oid>, MergeError> {
        let Some(before) = self.merged_entries(oid)? else { return Ok(Some(oid)) };
        let name_of = |path: &[u8]| {
            let end = memchr::memchr(b'/', &path[length..]).map_or(path.len(), |slash| length + slash);
            length..end
        };
        // Paths of one folder stand side by side in the order of their bytes.
        let groups = closed.chunk_by(|(a, _), (b, _)| a[name_of(a)] == b[name_of(b)]);
        let groups: HashMap<&[u8], &[Closed<'_>]> =
            groups.map(|group| (&group[0].0[name_of(group[0].0)], group)).collect();
        let mut after = Vec::with_capacity(before.len());
        for entry in &before {
            match groups.get(&entry.name[..]).filter(|_| entry.mode.is_tree()) {
                None => after.push(entry.clone()),
                Some([(path, tree)]) if path.len() == length + entry.name.len() => {
                    // Another tree than when its pull request was looked up: a run has
                    // published to it since, so that it is in use.
                    if *tree == entry.oid {
                        self.changes.removed += 1;
                        self.changes.previews += 1;
                        self.name([path, &b"/"[..]].concat(), FileStatus::Removed);
                    } else {
                        after.push(entry.clone());
                    }
                }
                Some(group) => {
                    let below = self.prune(entry.oid, group, length + entry.name.len() + 1)?;
                    after.extend(below.map(|oid| TreeEntry { oid, ..entry.clone() }));
                }
            }
        }
        if after == before {
            return Ok(Some(oid));
        }
        if after.is_empty() {
            return Ok(None);
        }
        let pruned = self.new.tree(&after);
        // The delta is made against what the branch has. The tree in between exists only here and is never sent.
        let was = self.new.before.get(&oid).copied().unwrap_or(oid);
        self.new.before.insert(pruned, was);
        Ok(Some(pruned))
    }

    /// The entries of a tree of the merge's result; none for a folder that the directory alone makes.
    fn merged_entries(&mut self, oid: Oid) -> Result<Option<Vec<TreeEntry>>, MergeError> {
        if let Some(content) = self.new.mixed.get(&oid) {
            return Ok(TreeEntry::read_all(content));
        }
        let is_known = self.trees.tree(oid)?.is_some();
        if !is_known && self.content.is_some_and(|content| content.folders.iter().any(|folder| folder.oid == oid)) {
            return Ok(None);
        }
        self.entries(oid, false).map(Some)
    }

    /// Whether the directory has files for the folder of the branch at `path`, or goes to a folder inside of it.
    fn is_brought(&self, path: &[u8]) -> bool {
        // A preview that this step publishes is in use, whatever has become of its pull request meanwhile.
        let Some(content) = self.content else { return false };
        let inside =
            |above: &[u8], path: &[u8]| path.strip_prefix(above).is_some_and(|rest| rest.first() == Some(&b'/'));
        let destination = self.placement.destination.as_str().as_bytes();
        if destination == path || inside(path, destination) {
            return true;
        }
        let below = match destination {
            b"" => path,
            _ if inside(destination, path) => &path[destination.len() + 1..],
            _ => return false,
        };
        content.listing().files().iter().any(|file| inside(below, &file.path))
    }
}
