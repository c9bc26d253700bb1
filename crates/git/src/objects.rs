//! A private place for objects: packs in a temporary folder, which goes when the last handle goes.
//!
//! It holds what was fetched of a target (commits and trees, seldom blobs) and lends libgit2's pack indexer.
//! Everything here blocks: call it through `spawn_blocking`. Types of git2 stop here.

mod bounds;

use std::{
    collections::BTreeSet,
    fmt, fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use git2::{ErrorClass, ErrorCode, Indexer, ObjectType, Odb, OdbLookupFlags};
use tempfile::TempDir;

use self::bounds::{MAX_OBJECT, PackBounds};
use super::format::{CommitInfo, ObjectKind, TreeEntry};
use crate::{diagnosis::errors::StoreError, names::Oid};

/// The folders of all stores of this process: a thread that is still at work when the process ends cannot remove its own.
static FOLDERS: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// How often a folder is tried to be removed that another thread may be removing.
const REMOVALS: usize = 5;

/// Removes what stores have left in the temporary folder: for the very end of the process.
pub fn remove_leftovers() {
    // At the end of the process nothing joins a blocking thread, so that its store is never dropped.
    for folder in std::mem::take(&mut *folders()) {
        // A thread that removes it too may take a file away from under this one.
        let removed = |_: &usize| fs::remove_dir_all(&folder).is_ok() || !folder.exists();
        // What cannot be removed stays as it is.
        let _ = (0..REMOVALS).find(removed);
    }
}

fn folders() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    FOLDERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A temporary folder that no other user can enter. It goes with this value, or at the very end of the process.
pub(super) struct PrivateFolder(TempDir);

impl PrivateFolder {
    /// Makes an empty one.
    pub(super) fn create() -> io::Result<Self> {
        let folder = crate::system::private_folder("repo-relay-")?;
        folders().insert(folder.path().to_owned());
        Ok(Self(folder))
    }

    /// Where it lies.
    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for PrivateFolder {
    fn drop(&mut self) {
        // The process may end meanwhile: until the folder is gone it stands in the list of what is to be removed.
        let _ = fs::remove_dir_all(self.0.path());
        folders().remove(self.0.path());
    }
}

/// A handle on the store; clones share it, and several threads may use it at once.
#[derive(Clone)]
pub struct ObjectStore(Arc<StoreFolder>);

/// The database, and the temporary folder that it lies in.
struct StoreFolder {
    // NOTE: an object database without a repository reads no configuration, so that a broken or
    // unreadable `~/.gitconfig` of the runner cannot stop a publish.
    objects: Odb<'static>,
    // Dropped after the database: it removes the folder.
    folder: PrivateFolder,
}

impl fmt::Debug for ObjectStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ObjectStore").field(&self.0.folder.path()).finish()
    }
}

impl ObjectStore {
    /// Makes an empty store in the system's temporary folder.
    pub fn create() -> Result<Self, StoreError> {
        let folder = PrivateFolder::create().map_err(|error| unusable(&error))?;
        // libgit2 looks for packs in the folder `pack` of an alternate, and the indexer does not make it.
        fs::create_dir(folder.path().join("pack")).map_err(|error| unusable(&error))?;
        let path = folder.path().to_str().ok_or_else(|| unusable(&"its path is not UTF-8"))?;
        let objects = Odb::new().map_err(|error| broken(&error))?;
        // Single objects stay in memory, packs lie in the folder.
        objects.add_new_mempack_backend(2).map_err(|error| broken(&error))?;
        objects.add_disk_alternate(path).map_err(|error| broken(&error))?;
        Ok(Self(Arc::new(StoreFolder { objects, folder })))
    }

    /// Reads a pack to its end and takes its objects in; the answer is their number. Objects that the pack refers to need not be here.
    ///
    /// A stream that breaks, or a pack that is cut off or damaged, is a failure that a second try may heal. One that asks for more
    /// memory than any repository needs is refused before it gets it.
    pub fn index_pack(&self, mut pack: impl Read) -> Result<u64, StoreError> {
        let indexed = Arc::new(AtomicU64::new(0));
        let seen = Arc::clone(&indexed);
        let folder = self.0.folder.path().join("pack");
        // Connectivity is not verified: a pack without blobs lacks most of what it refers to.
        let mut indexer = Indexer::new(Some(&self.0.objects), &folder, 0, false).map_err(|error| broken(&error))?;
        indexer.progress(move |progress| {
            seen.store(progress.indexed_objects() as u64, Ordering::Relaxed);
            true
        });
        let mut bounds = PackBounds::new();
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match pack.read(&mut buffer) {
                Ok(0) => break,
                Ok(filled) => {
                    // Before the indexer sees them: it allocates what a header claims.
                    bounds.look(&buffer[..filled]).map_err(|excess| excessive(&excess))?;
                    indexer.write_all(&buffer[..filled]).map_err(|error| not_taken_in(&error))?;
                }
                // A signal is no end of the stream.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(cut_off(&error)),
            }
        }
        indexer.commit().map_err(|error| not_taken_in(&error))?;
        // The new pack is announced here, once, so that no look-up has to search for it.
        self.0.objects.refresh().map_err(|error| broken(&error))?;
        Ok(indexed.load(Ordering::Relaxed))
    }

    /// Whether the object is here.
    pub fn has(&self, oid: Oid) -> Result<bool, StoreError> {
        // Every pack that comes here is announced by `index_pack`: no need to look for new ones at each miss.
        Ok(self.0.objects.exists_ext(native(oid)?, OdbLookupFlags::NO_REFRESH))
    }

    /// An object's kind and content, if it is here.
    pub fn read_raw(&self, oid: Oid) -> Result<Option<(ObjectKind, Vec<u8>)>, StoreError> {
        let objects = &self.0.objects;
        let oid = native(oid)?;
        if !objects.exists_ext(oid, OdbLookupFlags::NO_REFRESH) {
            return Ok(None);
        }
        let object = match objects.read(oid) {
            Ok(object) => object,
            Err(error) if error.code() == ErrorCode::NotFound => return Ok(None),
            Err(error) => return Err(broken(&error)),
        };
        let kind = match object.kind() {
            ObjectType::Commit => ObjectKind::Commit,
            ObjectType::Tree => ObjectKind::Tree,
            ObjectType::Tag => ObjectKind::Tag,
            _ => ObjectKind::Blob,
        };
        if kind != ObjectKind::Blob && object.len() as u64 > MAX_OBJECT {
            return Err(excessive(&format!("the {} {oid} has {} bytes", kind.name(), object.len())));
        }
        Ok(Some((kind, object.data().to_vec())))
    }

    /// A commit that was fetched. One that is not here, or an id of something else, is the server's fault.
    pub fn read_commit(&self, oid: Oid) -> Result<CommitInfo, StoreError> {
        match self.read_raw(oid)? {
            Some((ObjectKind::Commit, content)) => {
                CommitInfo::read(&content).ok_or_else(|| malformed(ObjectKind::Commit, oid))
            }
            Some((kind, _)) => Err(untrustworthy(&format!("gave a {} where {oid} has to be a commit", kind.name()))),
            None => Err(untrustworthy(&format!("left the commit {oid} out of what it sent"))),
        }
    }

    /// A tree's entries, in its own order; nothing when the tree is not here.
    pub fn read_tree(&self, oid: Oid) -> Result<Option<Vec<TreeEntry>>, StoreError> {
        match self.read_raw(oid)? {
            Some((ObjectKind::Tree, content)) => {
                let entries = TreeEntry::read_all(&content).ok_or_else(|| malformed(ObjectKind::Tree, oid))?;
                // Whoever checks the branch out would get a file outside of the folder.
                match entries.iter().find(|entry| !is_name(&entry.name)) {
                    Some(entry) => {
                        let name = String::from_utf8_lossy(&entry.name);
                        Err(untrustworthy(&format!(
                            "has a folder ({oid}) with an entry named {name:?}, which git allows nowhere"
                        )))
                    }
                    None => Ok(Some(entries)),
                }
            }
            Some((kind, _)) => Err(untrustworthy(&format!("gave a {} where {oid} has to be a tree", kind.name()))),
            None => Ok(None),
        }
    }

    /// Takes an object in; what it refers to need not be here.
    pub fn write(&self, kind: ObjectKind, content: &[u8]) -> Result<Oid, StoreError> {
        let native_kind = match kind {
            ObjectKind::Commit => ObjectType::Commit,
            ObjectKind::Tree => ObjectType::Tree,
            ObjectKind::Blob => ObjectType::Blob,
            ObjectKind::Tag => ObjectType::Tag,
        };
        self.0.objects.write(native_kind, content).map_err(|error| broken(&error))?;
        Ok(kind.id_of(content))
    }
}

/// Whether git lets an entry of a tree have this name: one that leads elsewhere it refuses (`fsck.c`), and GitHub with it.
fn is_name(name: &[u8]) -> bool {
    !matches!(name, b"." | b"..") && !name.eq_ignore_ascii_case(b".git") && !name.contains(&b'/')
}

fn native(oid: Oid) -> Result<git2::Oid, StoreError> {
    git2::Oid::from_bytes(oid.as_bytes()).map_err(|error| broken(&error))
}

fn broken(error: &git2::Error) -> StoreError {
    StoreError::Libgit2(error.message().to_owned())
}

fn unusable(reason: &dyn std::fmt::Display) -> StoreError {
    StoreError::NoFolder(reason.to_string())
}

/// A pack that is damaged, or has no room here: libgit2 tells both in the same place.
fn not_taken_in(error: &(dyn std::error::Error + 'static)) -> StoreError {
    let inside = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    let native = inside.and_then(|inside| inside.downcast_ref()).or_else(|| error.downcast_ref::<git2::Error>());
    match native {
        Some(native) if matches!(native.class(), ErrorClass::Os | ErrorClass::Filesystem) => {
            unusable(&native.message())
        }
        _ => damaged(&error),
    }
}

fn damaged(reason: &dyn std::fmt::Display) -> StoreError {
    StoreError::DamagedPack(reason.to_string())
}

fn excessive(what: &dyn std::fmt::Display) -> StoreError {
    StoreError::Excessive(what.to_string())
}

/// What no server sends that means well, or that is in order.
fn untrustworthy(what: &str) -> StoreError {
    StoreError::Untrustworthy(what.to_owned())
}

fn cut_off(error: &io::Error) -> StoreError {
    StoreError::CutOff(error.to_string())
}

fn malformed(kind: ObjectKind, oid: Oid) -> StoreError {
    untrustworthy(&format!("has a {} that cannot be read: {oid}", kind.name()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::{Cause, Failure, Retry};
    use emulator::local::git;

    fn text(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).unwrap().trim().to_owned()
    }

    /// A commit, its tree of one file, and a pack of both without the blob.
    fn blobless() -> (Oid, Oid, Vec<u8>) {
        let folder = tempfile::tempdir().unwrap();
        let git = |arguments: &[&str], input: &[u8]| git(folder.path(), arguments, input);
        git(&["init", "-q"], b"");
        let blob = text(git(&["hash-object", "-w", "--stdin"], b"hello\n"));
        let tree = text(git(&["mktree"], format!("100644 blob {blob}\thello\n").as_bytes()));
        let who = ["-c", "user.name=A", "-c", "user.email=a@b"];
        let commit = text(git(&[&who[..], &["commit-tree", "-m", "one", &tree]].concat(), b""));
        let pack = git(&["pack-objects", "--stdout", "-q"], format!("{commit}\n{tree}\n").as_bytes());
        (commit.parse().unwrap(), tree.parse().unwrap(), pack)
    }

    #[test]
    fn a_pack_without_blobs_is_taken_in_and_read() {
        let (commit, tree, pack) = blobless();
        let store = ObjectStore::create().unwrap();
        assert_eq!(store.read_tree(tree).unwrap(), None);
        for _ in 0..2 {
            assert_eq!(store.index_pack(&pack[..]).unwrap(), 2);
        }
        assert_eq!(store.read_commit(commit).unwrap().tree, tree);
        let entries = store.read_tree(tree).unwrap().unwrap();
        assert_eq!((entries.len(), &entries[0].name[..]), (1, &b"hello"[..]));
        assert!(!store.has(entries[0].oid).unwrap());
        assert!(store.has(tree).unwrap());
        assert_eq!(store.read_commit(tree).map_err(Failure::from).unwrap_err().cause, Cause::ServerError);
        assert_eq!(store.read_commit(Oid::ZERO).map_err(Failure::from).unwrap_err().cause, Cause::ServerError);
    }

    #[test]
    fn a_cut_off_or_damaged_pack_may_be_fetched_again() {
        let (commit, _, mut pack) = blobless();
        let store = ObjectStore::create().unwrap();
        for length in [0, 5, 12, 40, pack.len() - 1] {
            let failure = Failure::from(store.index_pack(&pack[..length]).unwrap_err());
            assert_eq!(failure.retry, Retry::Backoff, "{length}: {failure}");
        }
        let middle = pack.len() / 2;
        pack[middle] ^= 0x55;
        assert_eq!(store.index_pack(&pack[..]).map_err(Failure::from).unwrap_err().cause, Cause::ServerError);
        assert!(!store.has(commit).unwrap());
    }

    #[test]
    fn a_pack_that_asks_for_terabytes_is_refused_for_good() {
        let claim = [&b"PACK\0\0\0\x02\0\0\0\x01"[..], &[0xa0, 0x80, 0x80, 0x80, 0x80, 0x40], b"\x78\x9c"].concat();
        let failure = Failure::from(ObjectStore::create().unwrap().index_pack(&claim[..]).unwrap_err());
        assert_eq!((failure.cause, failure.retry), (Cause::ServerError, Retry::Never), "{failure}");
        assert!(failure.what.contains("claims an object of"), "{failure}");
    }

    #[test]
    fn a_tree_with_a_name_that_leads_elsewhere_is_refused() {
        let store = ObjectStore::create().unwrap();
        for name in [&b".."[..], b".", b".git", b".GIT", b"a/b"] {
            let content = [b"100644 ", name, b"\0", &[9; 20]].concat();
            let oid = store.write(ObjectKind::Tree, &content).unwrap();
            assert_eq!(store.read_tree(oid).map_err(Failure::from).unwrap_err().cause, Cause::ServerError, "{name:?}");
        }
    }

    #[test]
    fn a_pack_of_nothing_is_fine() {
        let folder = tempfile::tempdir().unwrap();
        git(folder.path(), &["init", "-q"], b"");
        let pack = git(folder.path(), &["pack-objects", "--stdout", "-q"], b"");
        assert_eq!(ObjectStore::create().unwrap().index_pack(&pack[..]).unwrap(), 0);
    }

    #[test]
    fn what_is_written_need_not_be_complete() {
        let store = ObjectStore::create().unwrap();
        let tree = TreeEntry::write_all(&[TreeEntry {
            name: b"absent".to_vec(),
            mode: super::super::format::FileMode::FILE,
            oid: Oid::from_bytes([9; 20]),
        }]);
        let oid = store.write(ObjectKind::Tree, &tree).unwrap();
        assert_eq!(store.read_raw(oid).unwrap(), Some((ObjectKind::Tree, tree)));
    }

    #[test]
    fn a_delta_with_a_named_base_is_refused_where_libgit2_would_search_for_ever() {
        let pack = include_bytes!("../../../fuzz/seeds/pack/named-base-without-end");
        let failure = Failure::from(ObjectStore::create().unwrap().index_pack(&pack[..]).unwrap_err());
        assert!(failure.what.contains("named by its id"), "{failure}");
    }

    #[test]
    fn the_folder_goes_with_the_last_handle() {
        let store = ObjectStore::create().unwrap();
        let folder = store.0.folder.path().to_owned();
        let second = store.clone();
        drop(store);
        assert!(folder.exists());
        drop(second);
        assert!(!folder.exists());
    }
}
