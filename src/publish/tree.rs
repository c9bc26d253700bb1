//! Merges a directory into a branch's tree: inside `destination` the directory's content, outside everything as it was.
//!
//! The branch's blobs are never read, and of its trees only those that the merge has to look into. What comes out is
//! the new root tree, the objects that the branch does not have, and what changed in files. A merge on another tip
//! takes the same [`Hashed`] again.

mod merge;
#[cfg(test)]
mod model;
mod new;
mod outcome;
mod prune;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;

use super::hash::Hashed;
use crate::globs::Globs;
use crate::{
    diagnosis::{Cause, Failure},
    git::{format::TreeEntry, objects::ObjectStore},
    names::{Oid, TreePath},
    report::{FileStatus, MOST_FILES},
};

/// Enough for trees of the greatest depth; only what is used of it takes memory.
const STACK: usize = 64 * 1024 * 1024;

/// Where the branch's trees are read.
pub trait Trees: Sync {
    /// The entries of a tree, in its own order; nothing when the tree is not here (it was not fetched).
    fn tree(&self, oid: Oid) -> Result<Option<Vec<TreeEntry>>, Failure>;
}

impl Trees for ObjectStore {
    fn tree(&self, oid: Oid) -> Result<Option<Vec<TreeEntry>>, Failure> {
        Ok(self.read_tree(oid)?)
    }
}

/// A file that the step itself adds at the root of the site.
#[derive(Clone, Debug)]
pub struct RootFile {
    /// Its name.
    pub name: &'static str,
    /// Its content.
    pub content: Bytes,
    /// Whether it replaces a file of this name; else it is added only where there is none.
    pub overwrite: bool,
}

/// Where on the branch a directory goes, and what of the branch stays.
#[derive(Clone, Copy, Debug)]
pub struct Placement<'a> {
    /// The folder of the branch that becomes the directory's content.
    pub destination: &'a TreePath,
    /// Files of the branch that stay though the directory lacks them.
    pub keep: &'a Globs,
    /// Files of the branch that stay in any case; the listing was made without them.
    pub exclude: &'a Globs,
    /// `.nojekyll`, `CNAME`.
    pub root_files: &'a [RootFile],
    /// Where those stand.
    pub site: Site,
    /// Folders of the branch that go, unless the directory brings them or their trees are others.
    pub closed_previews: &'a ClosedPreviews,
}

/// Paths of folders on a branch, with the tree that each had when it was looked at. One with another tree was published to
/// since then.
pub type ClosedPreviews = BTreeMap<Vec<u8>, Oid>;

/// Where the root of the site is that the branch holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Site {
    /// At the root of the branch.
    #[default]
    Root,
    /// In the destination: it is the folder that Pages publishes from.
    Destination,
    /// The destination may be that folder: a `CNAME` in it stays, and what the step adds goes to the root.
    Unknown,
}

/// What a merge changes, in files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Files that the branch did not have.
    pub added: u64,
    /// Files with another content or mode.
    pub changed: u64,
    /// Files (and submodules) that are gone. A preview counts as one: what it holds is not fetched.
    pub removed: u64,
    /// How many of `removed` are previews.
    pub previews: u64,
    /// Paths of all that is added, changed or removed below `.github/workflows/`.
    pub workflow_files: Vec<Vec<u8>>,
    /// Paths of symbolic links that the directory lacks and that stay on the branch, as far as their folders were looked into.
    pub staying_links: Vec<Vec<u8>>,
}

/// The id and the content of a tree that the branch does not have.
pub type NewTree = (Oid, Vec<u8>);

/// A blob that the branch does not have.
#[derive(Clone, Debug)]
pub struct NewBlob {
    /// Its id.
    pub oid: Oid,
    /// Its size in bytes.
    pub size: u64,
    /// Where its content is.
    pub source: BlobSource,
}

/// Where the content of a new blob is.
#[derive(Clone, Debug)]
pub enum BlobSource {
    /// The file with this index in the listing; never a symlink.
    File(usize),
    /// In memory.
    Memory(Bytes),
}

/// The result of a merge.
#[derive(Clone, Debug)]
pub struct Merged {
    /// The branch's new root tree. Equal to the old one: nothing changed.
    pub tree: Oid,
    /// Trees that the old root tree does not hold anywhere, with their content.
    pub trees: Vec<NewTree>,
    /// Blobs, each once, that no tree of the old root that could be read holds.
    pub blobs: Vec<NewBlob>,
    /// What stood on the branch in the place of a new tree or blob.
    pub before: HashMap<Oid, Oid>,
    /// What changed.
    pub changes: Changes,
    /// The first [`MOST_FILES`] files that changed, by the order of their paths' bytes.
    pub files: BTreeMap<Vec<u8>, FileStatus>,
}

/// Why a merge did not come to its end.
#[derive(Debug)]
pub enum MergeError {
    /// A tree of the branch was not fetched.
    Missing {
        /// The tree.
        oid: Oid,
        /// Whether all trees below it are needed too: it lies inside the destination, not on the way to it.
        deep: bool,
    },
    /// The directory and the branch do not fit together, or a tree cannot be read.
    Failed(Failure),
}

impl From<Failure> for MergeError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Merges `content` into the tree `base` (nothing: a new branch). Without content, `destination` is taken off the branch;
/// folders above it that become empty vanish.
///
/// Submodules inside the destination are entries like files. A `CNAME` at the site's root stays when the directory has none.
pub fn merge(
    trees: &dyn Trees,
    base: Option<Oid>,
    content: Option<&Hashed>,
    placement: &Placement<'_>,
) -> Result<Merged, MergeError> {
    // The merge calls itself for each level of folders. The 2 MiB of an
    // ordinary thread would leave a kilobyte to each of 2,048.
    let run = || merge::Merge::new(trees, content, placement).run(base);
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, run);
        let thread = thread.map_err(|error| {
            Failure::new(Cause::InternalError, format!("No thread could be started for the merge: {error}."))
        })?;
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// How many files and submodules the tree `root` holds at any depth; nothing where a tree was not fetched.
pub fn count_files(trees: &dyn Trees, root: Oid) -> Result<Option<u64>, Failure> {
    // A tree may stand in many places: it is looked into once. (A kilobyte of trees can hold billions of files.)
    let mut counts: HashMap<Oid, u64> = HashMap::new();
    let mut open = vec![(root, false)];
    while let Some((oid, below_known)) = open.pop() {
        if counts.contains_key(&oid) {
            continue;
        }
        // A partial count is worse than none: it would make the share of removed files look larger than it is.
        let Some(entries) = trees.tree(oid)? else { return Ok(None) };
        let folders = || entries.iter().filter(|entry| entry.mode.is_tree()).map(|entry| entry.oid);
        if below_known {
            let below = folders().map(|folder| counts.get(&folder).copied().unwrap_or_default());
            let files = entries.iter().filter(|entry| !entry.mode.is_tree()).count() as u64;
            counts.insert(oid, below.fold(files, u64::saturating_add));
        } else {
            // It comes up again after all that is pushed above it: by then each folder below has its count.
            open.push((oid, true));
            open.extend(folders().map(|folder| (folder, false)));
        }
    }
    Ok(counts.get(&root).copied())
}
