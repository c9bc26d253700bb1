//! Git LFS pointers among the blobs of a pack, and where the checkout keeps the objects.

use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use rayon::prelude::*;

use super::{objects::Objects, unreadable};
use crate::{
    diagnosis::errors::CheckoutError,
    format::ObjectKind,
    lfs::{POINTER_LIMIT, Pointer},
    names::Oid,
    pack::{Pack, PackEntry},
    system::Stamp,
};

/// How many blobs a core reads in one go.
const SHARE: usize = 1024;

/// File systems that keep whole or even seconds alone tell two changes apart after this time.
const SETTLED: Duration = Duration::from_secs(3);

/// A pointer in what is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NamedObject {
    /// What it stands for.
    pub pointer: Pointer,
    /// The blob that holds it.
    pub blob: Oid,
}

/// The pointers that `pack` holds, one for each object, in the order of the objects' names.
pub(super) fn find(objects: &Objects, pack: &Pack) -> Result<Vec<NamedObject>, CheckoutError> {
    // The sizes stand in the pack's entries, so that nothing but short blobs is inflated.
    let short = pack
        .entries()
        .iter()
        .filter(|entry| entry.kind() == ObjectKind::Blob && entry.may_be_below(POINTER_LIMIT))
        .map(PackEntry::oid);
    let short: Vec<Oid> = short.collect();
    let look = |share: &[Oid]| {
        // One libgit2 database reads one object at a time, whichever thread asks.
        let reader = objects.reader()?;
        let mut found = Vec::new();
        for blob in share {
            if reader.size(*blob)?.is_some_and(|size| size < POINTER_LIMIT) {
                let object = reader.read(*blob)?.ok_or_else(|| unreadable::missing(*blob))?;
                found.extend(Pointer::read(object.data()).map(|pointer| NamedObject { pointer, blob: *blob }));
            }
        }
        Ok(found)
    };
    let found = short.par_chunks(SHARE).map(look).collect::<Result<Vec<_>, CheckoutError>>()?;
    let mut found: Vec<NamedObject> = found.into_iter().flatten().collect();
    found.sort_unstable_by_key(|named| (named.pointer, named.blob));
    // Several files can stand for one object, which is uploaded once.
    found.dedup_by_key(|named| named.pointer.oid);
    Ok(found)
}

/// Where the checkout keeps Git LFS objects: its own folder, then those of the repositories that it borrows from.
#[derive(Clone, Debug, Default)]
pub struct LfsStore(Vec<PathBuf>);

/// A file whose content was compared with the name of its object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WholeFile {
    /// The file.
    pub path: PathBuf,
    /// When it had last changed: with the same stamp it still is the object. None where it had changed so shortly before that a
    /// further change need not show.
    pub stamp: Option<Stamp>,
}

/// The outcome of a search for an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LfsLookup {
    /// It is here, whole.
    Whole(WholeFile),
    /// Its file has other content than its name says.
    Damaged(PathBuf),
    /// It is not here.
    Absent,
}

impl LfsStore {
    /// Beside `objects` (`.git/objects`) and beside what it borrows from.
    pub(super) fn beside(objects: &Path) -> Self {
        // A list that is no file was refused when the checkout was opened.
        let borrowed = unreadable::alternates(objects).unwrap_or_default();
        let folders = std::iter::once(objects.to_owned()).chain(borrowed);
        Self(folders.filter_map(|folder| Some(folder.parent()?.join("lfs/objects"))).collect())
    }

    /// Looks for an object and compares its content with its name, so that nothing else is ever sent for it. Blocks.
    pub fn find(&self, pointer: &Pointer) -> LfsLookup {
        let oid = pointer.oid.to_string();
        let mut damaged = None;
        for folder in &self.0 {
            // The layout of git-lfs itself: two levels of folders with two digits each.
            let path = folder.join(&oid[..2]).join(&oid[2..4]).join(&oid);
            let Ok(about) = path.metadata() else { continue };
            let whole = (about.is_file() && about.len() == pointer.size).then(|| whole(&path, pointer)).flatten();
            if let Some(file) = whole {
                return LfsLookup::Whole(file);
            }
            // Another store can still hold a whole copy.
            damaged.get_or_insert(path);
        }
        damaged.map_or(LfsLookup::Absent, LfsLookup::Damaged)
    }
}

/// The file, if it holds the object.
fn whole(path: &Path, pointer: &Pointer) -> Option<WholeFile> {
    // As git's index does: of what changed a moment ago a second change may have the same time.
    let settled = SystemTime::now() - SETTLED;
    let file = File::open(path).ok()?;
    let stamp = Stamp::of_open(&file).ok().filter(|stamp| stamp.is_before(settled));
    // The file can grow between the look at its size and the reading.
    let mut content = file.take(pointer.size);
    let mut digest = ring::digest::Context::new(&ring::digest::SHA256);
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match content.read(&mut buffer).ok()? {
            0 => break,
            length => digest.update(&buffer[..length]),
        }
    }
    pointer.oid.is(digest.finish().as_ref()).then(|| WholeFile { path: path.to_owned(), stamp })
}
