//! The trees that a listing makes on its own, before it meets a branch.

use crate::{
    git::format::{FileMode, ObjectKind, TreeEntry},
    names::Oid,
};

use super::walk::{File, Listing};

/// What stands under a name in a [`Folder`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Child {
    /// The file with this index in the listing.
    File(usize),
    /// The folder with this index in [`Folders`].
    Folder(usize),
}

/// One folder of the directory.
#[derive(Debug)]
pub(super) struct Folder {
    /// The id of its tree.
    pub(super) oid: Oid,
    /// Its entries, in git's order.
    pub(super) children: Vec<Child>,
    /// The files at any depth below it: a range of the listing's indices.
    pub(super) files: std::ops::Range<usize>,
    /// Where its own name begins and ends in the paths of its files.
    name: std::ops::Range<usize>,
}

/// All folders of a directory; those below come before those above, the root is the last one.
#[derive(Debug)]
pub(super) struct Folders(Vec<Folder>);

impl Folders {
    /// Builds the trees of `listing`, whose blobs have the ids `oids`.
    pub(super) fn of(listing: &Listing, oids: &[Oid]) -> Self {
        let files = listing.files();
        let mut done = Self(Vec::new());
        // The folders that are open: the root, and those on the way to the present file.
        let mut open = vec![Folder { oid: Oid::ZERO, children: Vec::new(), files: 0..0, name: 0..0 }];
        // The paths are in the order of their bytes, so that a folder's files
        // stand together and one pass closes each folder once.
        for (index, file) in files.iter().enumerate() {
            let parents = memchr::memrchr(b'/', &file.path).map_or(&[][..], |end| &file.path[..=end]);
            // The root has no name and stays open to the end.
            while let Some(last) = open.last().filter(|last| last.name.end > 0) {
                let prefix = &files[last.files.start].path[..=last.name.end];
                if parents.starts_with(prefix) {
                    break;
                }
                done.close(&mut open, index, files, oids);
            }
            let mut begin = open.last().map_or(0, |last| if last.name.end > 0 { last.name.end + 1 } else { 0 });
            while let Some(length) = memchr::memchr(b'/', &parents[begin..]) {
                let name = begin..begin + length;
                open.push(Folder { oid: Oid::ZERO, children: Vec::new(), files: index..index, name });
                begin += length + 1;
            }
            if let Some(last) = open.last_mut() {
                last.children.push(Child::File(index));
            }
        }
        while !open.is_empty() {
            done.close(&mut open, files.len(), files, oids);
        }
        done
    }

    fn close(&mut self, open: &mut Vec<Folder>, end: usize, files: &[File], oids: &[Oid]) {
        let Some(mut folder) = open.pop() else { return };
        // Folders close from the deepest on, and in git's order of entries: `a/`
        // stands between `a.txt` and `a0` for paths, too.
        folder.files.end = end;
        let entries: Vec<_> = folder.children.iter().map(|child| self.entry(*child, files, oids)).collect();
        folder.oid = ObjectKind::Tree.id_of(&TreeEntry::write_all(&entries));
        if let Some(parent) = open.last_mut() {
            parent.children.push(Child::Folder(self.0.len()));
        }
        self.0.push(folder);
    }

    /// The whole directory.
    pub(super) fn root(&self) -> &Folder {
        &self.0[self.0.len() - 1]
    }

    /// The index of [`Folders::root`].
    pub(super) fn root_index(&self) -> usize {
        self.0.len() - 1
    }

    /// All folders.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Folder> {
        self.0.iter()
    }

    /// The folder with this index.
    pub(super) fn get(&self, index: usize) -> &Folder {
        &self.0[index]
    }

    /// The name under which `child` stands in its folder.
    pub(super) fn name<'a>(&self, child: Child, files: &'a [File]) -> &'a [u8] {
        match child {
            Child::File(index) => {
                let path = &files[index].path;
                &path[memchr::memrchr(b'/', path).map_or(0, |slash| slash + 1)..]
            }
            Child::Folder(index) => {
                let folder = &self.0[index];
                &files[folder.files.start].path[folder.name.clone()]
            }
        }
    }

    /// `child` as an entry of a tree.
    pub(super) fn entry(&self, child: Child, files: &[File], oids: &[Oid]) -> TreeEntry {
        let (mode, oid) = match child {
            Child::File(index) => (files[index].mode, oids[index]),
            Child::Folder(index) => (FileMode::TREE, self.0[index].oid),
        };
        TreeEntry { name: self.name(child, files).to_vec(), mode, oid }
    }
}
