//! What a merge notes, makes and refuses.

use super::{Changes, MergeError, RootFile};
use crate::{
    diagnosis::{Cause, Failure},
    git::format::{FileMode, ObjectKind, TreeEntry},
    names::Oid,
    publish::folders::Child,
};

/// GitHub's folder of workflow files: changes in it need a right of their own.
const WORKFLOWS: &[u8] = b".github/workflows/";

/// What the result is to have under a name.
#[derive(Clone, Copy)]
pub(super) enum WantedEntry {
    Directory(Child),
    RootFile(usize),
}

impl Changes {
    pub(super) fn note(&mut self, path: Vec<u8>) {
        if path.starts_with(WORKFLOWS) {
            self.workflow_files.push(path);
        }
    }
}

pub(super) fn folder_entry(name: &[u8], oid: Oid) -> TreeEntry {
    TreeEntry { name: name.to_vec(), mode: FileMode::TREE, oid }
}

pub(super) fn root_file_entry(file: &RootFile) -> TreeEntry {
    TreeEntry { name: file.name.as_bytes().to_vec(), mode: FileMode::FILE, oid: ObjectKind::Blob.id_of(&file.content) }
}

pub(super) fn kept(what: &str, held: &str) -> MergeError {
    Failure::new(Cause::InvalidInput, format!("{what}, and `keep` keeps {held}: only one of them can stand there."))
        .with_remedy("Rename it in the directory, publish into another `destination`, or take that line out of `keep`.")
        .into()
}

pub(super) fn conflict(what: &str) -> Failure {
    Failure::new(Cause::InvalidInput, format!("{what}."))
        .with_remedy("Choose another `destination`, or take the file off the branch first.")
}
