//! Which of the directory's files are new on the branch.

use std::collections::HashSet;

use super::facts::PublishFacts;
use crate::{
    git::{format::ObjectKind, pack::PackEntry},
    names::Oid,
    publish::{directory::DirectoryPlan, walk::File},
};

/// The files of the directory whose content the branch does not have anywhere, by their path on the branch: certain
/// to be new or changed there.
pub(super) fn new_files<'a>(publish: &'a PublishFacts, directory: &DirectoryPlan) -> Vec<(Vec<u8>, &'a File)> {
    let is_blob = |entry: &&PackEntry| match entry {
        PackEntry::File { .. } => true,
        PackEntry::Data { kind, .. } => *kind == ObjectKind::Blob,
        PackEntry::Local(_) | PackEntry::Stored(_) => false,
    };
    // By content: the branch's paths were not all looked at, and the pack holds exactly what the branch lacks.
    let new: HashSet<Oid> = publish.proposal.pack.entries().iter().filter(is_blob).map(PackEntry::oid).collect();
    let files = publish.hashed.listing().files().iter().zip(publish.hashed.oids());
    files.filter(|(_, oid)| new.contains(oid)).map(|(file, _)| (directory.on_branch(&file.path), file)).collect()
}
