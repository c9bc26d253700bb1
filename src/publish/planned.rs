//! The files that a branch would have after a publish, read before anything is pushed.

use super::proposal::{Base, Proposal};
use crate::{
    diagnosis::Failure,
    git::{
        format::{ObjectKind, TreeEntry},
        pack::PackEntry,
        remote::Remote,
    },
    names::{Oid, TreePath},
    retry::Retries,
};

impl Proposal {
    /// Whether the new commit has a file at `path`. Trees that the publish leaves as they are and that `base` lacks are fetched.
    pub async fn has_file(
        &self,
        path: &TreePath,
        base: &Base,
        remote: &Remote,
        retries: &Retries,
    ) -> Result<bool, Failure> {
        let Some(commit) = self.commit() else { return Ok(false) };
        let mut tree = commit.tree;
        let mut names = path.components().peekable();
        while let Some(name) = names.next() {
            let entries = match self.new_tree(tree) {
                Some(entries) => entries,
                None => base.folder(tree, &TreePath::default(), remote, retries).await?,
            };
            let Some(entry) = entries.into_iter().find(|entry| entry.name == name.as_bytes()) else {
                return Ok(false);
            };
            match (entry.mode.is_tree(), names.peek()) {
                (true, Some(_)) => tree = entry.oid,
                (is_tree, next) => return Ok(!is_tree && next.is_none() && !entry.mode.is_submodule()),
            }
        }
        Ok(false)
    }

    /// The entries of a tree that the publish makes.
    fn new_tree(&self, wanted: Oid) -> Option<Vec<TreeEntry>> {
        self.pack.entries().iter().find_map(|entry| match entry {
            PackEntry::Data { kind: ObjectKind::Tree, oid, content } if *oid == wanted => TreeEntry::read_all(content),
            _ => None,
        })
    }
}
