//! What a merge made that the branch does not have: all that has to be sent.

use std::collections::{HashMap, HashSet};

use super::{BlobSource, NewBlob, NewTree, RootFile, Trees};
use crate::{
    diagnosis::Failure,
    git::format::{ObjectKind, TreeEntry},
    names::Oid,
    publish::{
        folders::{Child, Folder},
        hash::Hashed,
    },
};

/// What a merge made that the branch may lack.
#[derive(Default)]
pub(super) struct New {
    /// Trees of a mixture of directory and branch.
    pub(super) mixed: HashMap<Oid, Vec<u8>>,
    /// Folders of the directory that were taken whole.
    pub(super) folders: Vec<usize>,
    /// Files of the directory that were taken.
    pub(super) files: Vec<usize>,
    /// What stood on the branch in the place of a new tree or file.
    pub(super) before: HashMap<Oid, Oid>,
    /// Root files that were taken, as indices.
    pub(super) root_files: Vec<usize>,
}

impl New {
    /// Takes the tree of `entries` in, which are in git's order.
    pub(super) fn tree(&mut self, entries: &[TreeEntry]) -> Oid {
        let content = TreeEntry::write_all(entries);
        let oid = ObjectKind::Tree.id_of(&content);
        self.mixed.insert(oid, content);
        oid
    }

    /// Drops the mixed trees that `root` does not lead to: a later step of the merge replaced them.
    pub(super) fn keep_reachable(&mut self, root: Option<Oid>) {
        let mut reachable = HashSet::new();
        let mut open: Vec<Oid> = root.into_iter().collect();
        while let Some(oid) = open.pop() {
            if let Some(content) = self.mixed.get(&oid).filter(|_| reachable.insert(oid)) {
                let entries = TreeEntry::read_all(content).unwrap_or_default();
                open.extend(entries.iter().filter(|entry| entry.mode.is_tree()).map(|entry| entry.oid));
            }
        }
        self.mixed.retain(|oid, _| reachable.contains(oid));
    }

    /// The trees, with their content, and the blobs that no tree of `base` names.
    pub(super) fn lacking(
        mut self,
        trees: &dyn Trees,
        base: Option<Oid>,
        content: Option<&Hashed>,
        root_files: &[RootFile],
    ) -> Result<(Vec<NewTree>, Vec<NewBlob>), Failure> {
        let oids = content.map_or(&[][..], Hashed::oids);
        let folders = content.map(|content| self.all_folders(content)).unwrap_or_default();
        let root_files: Vec<_> = self.root_files.iter().map(|index| root_files[*index].content.clone()).collect();
        let mut lacking: HashSet<Oid> = self.mixed.keys().chain(folders.keys()).copied().collect();
        lacking.extend(self.files.iter().map(|index| oids[*index]));
        lacking.extend(root_files.iter().map(|content| ObjectKind::Blob.id_of(content)));
        drop_known(trees, base, content, &mut lacking)?;

        // An id leaves the set with its first object: files of one content are one blob, sent once.
        let mut new_trees: Vec<_> = self.mixed.into_iter().filter(|(oid, _)| lacking.remove(oid)).collect();
        let mut blobs = Vec::new();
        for content in root_files {
            let oid = ObjectKind::Blob.id_of(&content);
            if lacking.remove(&oid) {
                blobs.push(NewBlob { oid, size: content.len() as u64, source: BlobSource::Memory(content) });
            }
        }
        if let Some(content) = content {
            let new = folders.into_iter().filter(|(oid, _)| lacking.remove(oid));
            new_trees.extend(new.map(|(oid, index)| (oid, content.tree_content(index))));
            // Files of one kind and name side by side, and then those of one folder: the pack compares neighbours.
            let files = content.listing().files();
            self.files.sort_unstable_by_key(|index| (kind_and_name(&files[*index].path), *index));
            for index in self.files.into_iter().filter(|index| lacking.remove(&oids[*index])) {
                let kept = content.content(oids[index]);
                let source = kept.map_or(BlobSource::File(index), BlobSource::Memory);
                blobs.push(NewBlob { oid: oids[index], size: content.listing().files()[index].size, source });
            }
        }
        // A hash map's order differs from run to run. With a fixed one, the same change is the same pack.
        new_trees.sort_unstable_by_key(|(oid, _)| *oid);
        Ok((new_trees, blobs))
    }

    /// The folders that were taken whole, with all below them, by their trees' ids.
    fn all_folders(&mut self, content: &Hashed) -> HashMap<Oid, usize> {
        let mut all = HashMap::new();
        let mut open = std::mem::take(&mut self.folders);
        while let Some(index) = open.pop() {
            let folder = content.folders.get(index);
            // Folders of the same content are one tree: what lies below is known already.
            if all.insert(folder.oid, index).is_none() {
                open.extend(folder.children.iter().filter_map(|child| match child {
                    Child::Folder(index) => Some(*index),
                    Child::File(_) => None,
                }));
            }
        }
        all
    }
}

/// The extension of a path, and its file name.
fn kind_and_name(path: &[u8]) -> (&[u8], &[u8]) {
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let dot = name.iter().rposition(|byte| *byte == b'.').unwrap_or(name.len());
    (&name[dot..], name)
}

/// Takes off `lacking` what some tree of `base` names. A tree that is not here may name more: that counts as lacking.
/// What lies below a folder that `content` has with the same id is known from there: few trees are read when little changed.
fn drop_known(
    trees: &dyn Trees,
    base: Option<Oid>,
    content: Option<&Hashed>,
    lacking: &mut HashSet<Oid>,
) -> Result<(), Failure> {
    // Of a folder that is the same on both sides the directory knows
    // everything: the branch's trees below it stay unread.
    let same: HashMap<Oid, &Folder> = match content {
        Some(content) => content.folders.iter().map(|folder| (folder.oid, folder)).collect(),
        None => HashMap::new(),
    };
    let mut open: Vec<Oid> = base.into_iter().collect();
    let mut seen: HashSet<Oid> = open.iter().copied().collect();
    while let Some(oid) = open.pop() {
        lacking.remove(&oid);
        if lacking.is_empty() {
            break;
        }
        if let (Some(folder), Some(content)) = (same.get(&oid), content) {
            for file in &content.oids()[folder.files.clone()] {
                lacking.remove(file);
            }
            let folders = folder.children.iter().filter_map(|child| match child {
                Child::Folder(index) => Some(content.folders.get(*index).oid),
                Child::File(_) => None,
            });
            open.extend(folders.filter(|folder| seen.insert(*folder)));
            continue;
        }
        for entry in trees.tree(oid)?.unwrap_or_default() {
            lacking.remove(&entry.oid);
            if entry.mode.is_tree() && seen.insert(entry.oid) {
                open.push(entry.oid);
            }
        }
    }
    Ok(())
}
