//! Hashes a listing on all cores: each file is read once, and of what is new a bounded part is kept for the pack.

use std::{
    cell::RefCell,
    collections::HashMap,
    io::Read,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use rayon::prelude::*;
use sha1::Digest;

use super::{
    exposed::{Exposed, OVERLAP, Search, has_registry_token, has_yarn_token},
    folders::Folders,
    walk::{self, File, Listing, Reader},
};
use crate::{
    diagnosis::Failure,
    git::format::{FileMode, ObjectKind, TreeEntry},
    names::Oid,
    progress::{Event, Watch},
};

/// Files up to this size, in bytes, are read in one piece; bigger ones pass through in pieces of it.
const PIECE: usize = 256 * 1024;
/// How many bytes are hashed between two events.
const STEP: u64 = 8 * 1024 * 1024;
/// A Git LFS pointer is never as long as this, in bytes.
///
/// Source: <https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md>
const LFS_POINTER_MAX: u64 = 1024;
const LFS_POINTER_START: &[u8] = b"version https://git-lfs.github.com/spec/";

/// Which contents stay in memory once they are hashed, so that the pack need not read the files again.
pub struct Retain<'a> {
    /// How many bytes may stay in all.
    pub budget: u64,
    /// Whether the target has this blob already: its content is not needed again.
    pub known: &'a (dyn Fn(Oid) -> bool + Sync),
}

impl Retain<'_> {
    /// What a publish spends on it, in bytes.
    const BUDGET: u64 = 16 * 1024 * 1024;

    /// Nothing stays.
    pub fn nothing() -> Self {
        Self { budget: 0, known: &|_| true }
    }

    /// All that `listing` holds when that is little: its files are then read once. Of more, nothing stays:
    /// hashing runs while the branch's trees are still on their way, and it is not known yet which files are new.
    pub fn small(listing: &Listing) -> Self {
        if listing.bytes() <= Self::BUDGET { Self { budget: Self::BUDGET, known: &|_| false } } else { Self::nothing() }
    }
}

/// A listing with the id of each file, and the trees that it makes on its own. Good for any number of targets and new tips.
#[derive(Debug)]
pub struct Hashed {
    listing: Listing,
    oids: Vec<Oid>,
    contents: HashMap<Oid, Bytes>,
    lfs_pointers: Vec<usize>,
    exposed: Vec<(usize, Exposed)>,
    pub(super) folders: Folders,
}

impl Hashed {
    /// The files that were hashed.
    pub fn listing(&self) -> &Listing {
        &self.listing
    }

    /// The blobs' ids, in the order of the listing's files.
    pub fn oids(&self) -> &[Oid] {
        &self.oids
    }

    /// The id of the tree that the directory makes on its own.
    pub fn tree(&self) -> Oid {
        self.folders.root().oid
    }

    /// The content of the tree of the folder with this index.
    pub(super) fn tree_content(&self, index: usize) -> Vec<u8> {
        let entry = |child: &_| self.folders.entry(*child, self.listing.files(), &self.oids);
        let entries: Vec<_> = self.folders.get(index).children.iter().map(entry).collect();
        TreeEntry::write_all(&entries)
    }

    /// The content of a blob, if it stayed in memory.
    pub fn content(&self, oid: Oid) -> Option<Bytes> {
        self.contents.get(&oid).cloned()
    }

    /// Files that are Git LFS pointers: GitHub Pages would serve the pointer, not the content.
    pub fn lfs_pointers(&self) -> impl Iterator<Item = &File> {
        self.lfs_pointers.iter().map(|index| &self.listing.files()[*index])
    }

    /// Files that hold a credential, and which kind.
    pub fn exposed(&self) -> impl Iterator<Item = (&File, Exposed)> {
        self.exposed.iter().map(|(index, held)| (&self.listing.files()[*index], *held))
    }
}

struct Blob {
    oid: Oid,
    content: Option<Bytes>,
    lfs_pointer: bool,
    exposed: Option<Exposed>,
}

/// Reads and hashes every file of `listing`, and searches it on the way. A file that cannot be read, or changes meanwhile, is a failure that names it.
pub fn hash(listing: Listing, retain: &Retain<'_>, search: &Search, watch: &dyn Watch) -> Result<Hashed, Failure> {
    let total = listing.bytes();
    let (done, kept) = (AtomicU64::new(0), AtomicU64::new(0));
    let advance = |bytes: u64| {
        // Relaxed order is enough for counters: nothing else is read on the strength of their values.
        let before = done.fetch_add(bytes, Ordering::Relaxed);
        if before / STEP != (before + bytes) / STEP {
            watch.see(Event::Hashing { done: before + bytes, total });
        }
    };
    // A big file begun last would leave the other cores idle at the end.
    let mut order: Vec<usize> = (0..listing.files().len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(listing.files()[*index].size / STEP));
    let (failed, reader) = (OnceLock::new(), Reader::of(&listing));
    let one = |index: usize| {
        // What is hashed after a failure is thrown away.
        let file = &listing.files()[index];
        let made = failed.get().is_none().then(|| blob(&reader, file, retain, search, &kept, &advance));
        let made = made.and_then(|made| made.map_err(|failure| failed.set(failure)).ok());
        made.map(|blob| (index, blob))
    };
    // One file per task: in longer runs the big files, which stand first, would all fall to one thread.
    let hashed: Vec<Option<(usize, Blob)>> = order.into_par_iter().with_max_len(1).map(one).collect();
    watch.see(Event::Finished);
    if let Some(failure) = failed.into_inner() {
        return Err(failure);
    }
    let mut oids = vec![Oid::ZERO; listing.files().len()];
    let (mut contents, mut lfs_pointers, mut exposed) = (HashMap::new(), Vec::new(), Vec::new());
    for (index, blob) in hashed.into_iter().flatten() {
        oids[index] = blob.oid;
        if let Some(content) = blob.content {
            contents.insert(blob.oid, content);
        }
        if blob.lfs_pointer {
            lfs_pointers.push(index);
        }
        exposed.extend(blob.exposed.map(|held| (index, held)));
    }
    // Hashing went by size. Messages name files by path, the same ones on every run.
    lfs_pointers.sort_unstable();
    exposed.sort_unstable_by_key(|(index, _)| *index);
    let folders = Folders::of(&listing, &oids);
    Ok(Hashed { listing, oids, contents, lfs_pointers, exposed, folders })
}

fn blob(
    reader: &Reader<'_>,
    file: &File,
    retain: &Retain<'_>,
    search: &Search,
    kept: &AtomicU64,
    advance: &(dyn Fn(u64) + Sync),
) -> Result<Blob, Failure> {
    let keep = |oid: Oid, content: &[u8]| {
        let size = content.len() as u64;
        let room = || {
            let fits = |kept: u64| Some(kept + size).filter(|kept| *kept <= retain.budget);
            // One step, since a look and a later addition would let two threads share the last free bytes.
            kept.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok()
        };
        // A copy, as the thread reads its next file into the same buffer.
        (retain.budget > 0 && !(retain.known)(oid) && room()).then(|| Bytes::copy_from_slice(content))
    };
    if file.mode == FileMode::SYMLINK {
        let target = reader.listing().link_target(file)?;
        let oid = ObjectKind::Blob.id_of(&target);
        let exposed = search.find(&target);
        advance(file.size);
        // Opening the link would read what it leads to: its own content always stays.
        return Ok(Blob { oid, content: Some(target), lfs_pointer: false, exposed });
    }
    // A buffer per file would be filled with zeros and freed again for each of ten thousand small files.
    thread_local! {
        static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }
    BUFFER.with_borrow_mut(|buffer| {
        // In front of a piece stand the last bytes of the one before, so that what spans both is found.
        buffer.resize(OVERLAP + PIECE, 0);
        let mut opened = reader.open(file)?;
        // The size is hashed in front of the content: a file that grows or shrinks meanwhile has no valid id.
        let mut hasher = ObjectKind::Blob.hasher(file.size);
        let mut left = file.size;
        let mut exposed = None;
        let mut carried = 0;
        let mut next = || -> Result<usize, Failure> {
            if carried > 0 {
                buffer.copy_within(PIECE.., 0);
            }
            let piece = &mut buffer[OVERLAP..];
            let filled = fill(&mut opened, piece, left).map_err(|error| walk::unreadable(&file.path, &error))?;
            left = left.checked_sub(filled as u64).ok_or_else(|| walk::changed(&file.path))?;
            hasher.update(&piece[..filled]);
            exposed = exposed.or_else(|| search.find(&buffer[OVERLAP - carried..OVERLAP + filled]));
            carried = OVERLAP;
            advance(filled as u64);
            Ok(filled)
        };
        let first = next()?;
        let mut read = first as u64;
        while read < file.size {
            match next()? {
                0 => return Err(walk::changed(&file.path)),
                more => read += more as u64,
            }
        }
        let oid = Oid::from_bytes(hasher.finalize().into());
        // A file of several pieces is neither kept nor a pointer, and no `.npmrc`
        // is as long: the pack streams it from the disk.
        if read > first as u64 {
            return Ok(Blob { oid, content: None, lfs_pointer: false, exposed });
        }
        let content = &buffer[OVERLAP..OVERLAP + first];
        let is_npmrc = file.path.ends_with(b".npmrc") && has_registry_token(content);
        let is_yarnrc = file.path.ends_with(b".yarnrc.yml") && has_yarn_token(content);
        let exposed = exposed.or_else(|| (is_npmrc || is_yarnrc).then_some(Exposed::RegistryToken));
        let lfs_pointer = file.size < LFS_POINTER_MAX && content.starts_with(LFS_POINTER_START);
        Ok(Blob { oid, content: keep(oid, content), lfs_pointer, exposed })
    })
}

/// Reads until `buffer` is full, `wanted` bytes are there or the file ends; the answer is the number of bytes,
/// more than `wanted` if the file grew.
fn fill(file: &mut impl Read, buffer: &mut [u8], wanted: u64) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() && (filled as u64) < wanted {
        match file.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            // A signal that the step handles elsewhere is no fault of the file.
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink, process::Command};

    use super::*;
    use crate::{globs::Globs, progress::NoWatch};

    fn hashed(root: &std::path::Path, retain: &Retain<'_>) -> Result<Hashed, Failure> {
        hash(walk::walk(root, &Globs::default()).unwrap(), retain, &Search::nothing(), &NoWatch)
    }

    fn sample() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("a/b")).unwrap();
        for (name, size) in [
            ("empty", 0),
            ("one", 1),
            ("a/piece", PIECE),
            ("a/b/more", PIECE + 1),
            ("a/x", PIECE - 1),
            ("big", 9 << 20),
        ] {
            let content: Vec<u8> = (0..size).map(|at| u8::try_from(at * 7 % 251).unwrap()).collect();
            fs::write(root.join(name), content).unwrap();
        }
        symlink("a/b/more", root.join("link")).unwrap();
        folder
    }

    #[test]
    fn ids_and_tree_are_those_of_git() {
        let folder = sample();
        let hashed = hashed(folder.path(), &Retain::nothing()).unwrap();
        let git = |arguments: &[&str]| {
            let output = Command::new("git").args(arguments).current_dir(folder.path()).output().unwrap();
            assert!(output.status.success());
            String::from_utf8(output.stdout).unwrap()
        };
        git(&["init", "-q"]);
        git(&["add", "-A"]);
        for (file, oid) in hashed.listing().files().iter().zip(hashed.oids()) {
            let path = String::from_utf8_lossy(&file.path).into_owned();
            assert!(git(&["ls-files", "-s", &path]).contains(&oid.to_string()), "{path}");
        }
        assert_eq!(git(&["write-tree"]).trim(), hashed.tree().to_string());
    }

    #[test]
    fn only_unknown_contents_stay_and_never_more_than_the_budget() {
        let folder = sample();
        let known = ObjectKind::Blob.id_of(b"\0");
        let few = Retain { budget: 300_000, known: &|oid| oid == known };
        let kept = hashed(folder.path(), &few).unwrap();
        assert!(kept.content(known).is_none());
        let sum: usize = kept.oids().iter().filter_map(|oid| kept.content(*oid)).map(|content| content.len()).sum();
        assert!(sum > 200_000 && sum <= 300_000, "{sum}");
        for oid in kept.oids() {
            assert!(kept.content(*oid).is_none_or(|content| ObjectKind::Blob.id_of(&content) == *oid));
        }
        let listing = walk::walk(folder.path(), &Globs::default()).unwrap();
        let small = Retain::small(&listing);
        let all = hash(listing, &small, &Search::nothing(), &NoWatch).unwrap();
        let files = all.listing().files().iter().zip(all.oids());
        let apart: Vec<_> = files.filter(|(_, oid)| all.content(**oid).is_none()).map(|(file, _)| file.size).collect();
        assert_eq!(apart, [PIECE as u64 + 1, 9 << 20], "only files of more than one piece are read again");
        let none = hashed(folder.path(), &Retain::nothing()).unwrap();
        let staying: Vec<_> = none.oids().iter().filter_map(|oid| none.content(*oid)).collect();
        assert_eq!(staying, ["a/b/more"], "a symlink's target stays in any case");
    }

    #[test]
    fn lfs_pointers_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";
        fs::write(folder.path().join("video.mp4"), pointer).unwrap();
        fs::write(folder.path().join("about.md"), format!("A pointer begins with {pointer}")).unwrap();
        let hashed = hashed(folder.path(), &Retain::nothing()).unwrap();
        let found: Vec<_> = hashed.lfs_pointers().map(|file| &file.path[..]).collect();
        assert_eq!(found, [b"video.mp4"]);
    }

    #[test]
    fn a_file_that_changed_since_it_was_listed_is_named() {
        let folder = sample();
        let listing = walk::walk(folder.path(), &Globs::default()).unwrap();
        fs::write(folder.path().join("a/x"), "shorter").unwrap();
        let failure = hash(listing, &Retain::nothing(), &Search::nothing(), &NoWatch).unwrap_err();
        assert!(failure.what.contains("a/x") && failure.what.contains("changed"), "{failure}");
    }

    #[test]
    fn progress_reaches_the_total() {
        #[derive(Default)]
        struct Seen(AtomicU64, AtomicU64);
        impl Watch for Seen {
            fn see(&self, event: Event<'_>) {
                match event {
                    Event::Hashing { done, total } => {
                        assert!(done <= total);
                        self.0.fetch_max(done, Ordering::Relaxed);
                    }
                    Event::Finished => {
                        self.1.fetch_add(1, Ordering::Relaxed);
                    }
                    _ => {}
                }
            }
        }
        let (folder, seen) = (sample(), Seen::default());
        let listing = walk::walk(folder.path(), &Globs::default()).unwrap();
        hash(listing, &Retain::nothing(), &Search::nothing(), &seen).unwrap();
        assert!(seen.0.load(Ordering::Relaxed) >= STEP);
        assert_eq!(seen.1.load(Ordering::Relaxed), 1);
    }
}
