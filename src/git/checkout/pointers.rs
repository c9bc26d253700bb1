//! Git LFS pointers among the blobs of a pack, and where the checkout keeps the objects.

use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use rayon::prelude::*;

use super::{objects::Objects, unreadable};
use crate::{
    diagnosis::errors::CheckoutError,
    git::{
        format::ObjectKind,
        lfs::{POINTER_LIMIT, Pointer},
        pack::{Pack, PackEntry},
    },
    names::Oid,
};

/// How many blobs a core reads in one go.
const SHARE: usize = 1024;

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

/// The outcome of a search for an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LfsLookup {
    /// It is here, whole.
    Whole(PathBuf),
    /// Its file has other content than its name says.
    Damaged(PathBuf),
    /// It is not here.
    Absent,
}

impl LfsStore {
    /// Beside `objects` (`.git/objects`) and beside what it borrows from.
    pub(super) fn beside(objects: &Path) -> Self {
        let borrowed = unreadable::alternates(objects);
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
            if about.is_file() && about.len() == pointer.size && is_whole(&path, pointer) {
                return LfsLookup::Whole(path);
            }
            // Another store can still hold a whole copy.
            damaged.get_or_insert(path);
        }
        damaged.map_or(LfsLookup::Absent, LfsLookup::Damaged)
    }
}

fn is_whole(path: &Path, pointer: &Pointer) -> bool {
    let Ok(file) = File::open(path) else { return false };
    // The file can grow between the look at its size and the reading.
    let mut file = file.take(pointer.size);
    let mut digest = ring::digest::Context::new(&ring::digest::SHA256);
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return pointer.oid.is(digest.finish().as_ref()),
            Ok(length) => digest.update(&buffer[..length]),
            Err(_) => return false,
        }
    }
}
