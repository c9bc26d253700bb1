//! What pushing refs would do, worked out and not yet sent.

use super::lfs::LfsFacts;
use crate::{
    git::{checkout::Part, pack::Pack},
    names::{Oid, RefName},
};

/// An update of a ref, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefUpdate {
    /// The ref.
    pub name: RefName,
    /// What the target has.
    pub old: Option<Oid>,
    /// What it is to have; `None`: it is deleted.
    pub new: Option<Oid>,
    /// `+`: whatever the target has may be lost, if it is `old`.
    pub lease: bool,
    /// Whether `old` is no ancestor of `new`.
    pub forced: bool,
}

/// Files by their ids, with their sizes in bytes.
pub type Large = Vec<(Oid, u64)>;

/// Updates that are sent together.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The updates.
    pub updates: Vec<RefUpdate>,
    /// The objects that the target lacks, once the batches before are in.
    pub pack: Pack,
    /// What is sent before `pack`, where all of it is more than one push takes.
    pub parts: Vec<Part>,
    /// The whole in parts, where it may be more than one push takes; the last one belongs to the updates.
    pub division: Vec<Part>,
}

impl Batch {
    /// Sends it in parts from now on; false where it cannot be divided.
    pub fn divide(&mut self) -> bool {
        let mut parts = std::mem::take(&mut self.division);
        match parts.pop() {
            // A single part is the whole, which one push takes as it is.
            Some(rest) if !parts.is_empty() => {
                (self.parts, self.pack) = (parts, rest.pack);
                true
            }
            _ => false,
        }
    }

    /// All packs that are sent.
    pub fn packs(&self) -> impl Iterator<Item = &Pack> {
        self.parts.iter().map(|part| &part.pack).chain([&self.pack])
    }
}

/// What pushing the refs would do.
#[derive(Clone, Debug, Default)]
pub struct RefsFacts {
    /// What is sent, in order: branches and deletions, then tags.
    pub batches: Vec<Batch>,
    /// The first branch in order of the lines: its name, what the target has, what it is to have.
    pub first_branch: Option<(RefName, Option<Oid>, Option<Oid>)>,
    /// The refs that are not deleted, in order of the lines, each with the value that it is to have or has already.
    pub values: Vec<(RefName, Oid)>,
    /// Refs that the target has as they are here.
    pub unchanged: usize,
    /// Refs that were to be deleted and are not there.
    pub absent: Vec<RefName>,
    /// How many bytes all packs have; only counted for a dry run.
    pub bytes: u64,
    /// Files in what is sent that are larger than GitHub likes: their ids and sizes in bytes, the largest first.
    pub large: Large,
    /// How many tags are pushed at once so that they start nothing; 0 when they start workflows.
    pub silent_tags: usize,
    /// The limit of one push in bytes, where one is above it.
    pub above: Option<u64>,
    /// Workflow files that no branch of the target has yet.
    pub workflows: NewWorkflows,
    /// The refs of the target that are deleted because they have no source any more.
    pub pruned: Vec<RefName>,
    /// The Git LFS objects that the commits name, where they are looked at.
    pub lfs: LfsFacts,
    /// How many refs of the target the patterns match.
    pub prunable: usize,
}

impl RefsFacts {
    /// All updates, in the order in which they are sent.
    pub fn updates(&self) -> impl Iterator<Item = &RefUpdate> {
        self.batches.iter().flat_map(|batch| &batch.updates)
    }

    /// The tip that the first branch is to have.
    pub fn first_tip(&self) -> Option<Oid> {
        self.first_branch.as_ref().and_then(|(_, _, new)| *new)
    }

    /// How many objects are sent.
    pub fn objects(&self) -> usize {
        self.batches.iter().flat_map(Batch::packs).map(Pack::len).sum()
    }
}
/// What is new under `.github/workflows/`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewWorkflows {
    /// The refs that bring something new, in the order in which they are sent, each with the first such file.
    pub files: Vec<(RefName, String)>,
    /// Whether a branch of the target is not in the checkout: it may have the same files.
    pub unsure: bool,
}
