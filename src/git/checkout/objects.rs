//! The objects of the checkout: read by libgit2, found in the packs by their own indexes.

use std::{
    collections::HashSet,
    fs,
    hash::{BuildHasherDefault, Hasher},
    path::{Path, PathBuf},
    sync::Arc,
};

use git2::{ErrorCode, Odb, OdbLookupFlags, OdbObject};

use super::{entries, kind, packs::PackFile, unreadable};
use crate::{
    diagnosis::Failure,
    git::{format::ObjectKind, pack::Pack},
    target::Oid,
};

/// Object ids are as good as random: their first bytes are a hash.
#[derive(Clone, Copy, Default)]
pub(super) struct Prefix(u64);

impl Hasher for Prefix {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk::<8>() {
            self.0 = u64::from_ne_bytes(*first);
        }
    }

    // The length that an array is hashed with says nothing.
    fn write_usize(&mut self, _: usize) {}
}

/// Makes [`Prefix`] hashers.
pub(super) type ByPrefix = BuildHasherDefault<Prefix>;

/// A set of objects.
pub(super) type OidSet = HashSet<Oid, ByPrefix>;

/// The objects of a checkout and of all that it borrows from. Cheap to clone; several threads may use it at once.
#[derive(Clone)]
pub struct Objects(Arc<Inner>);

struct Inner {
    // NOTE: like the private store, a database without a repository: entries are read long after the checkout was looked at.
    database: Odb<'static>,
    packs: Vec<Arc<PackFile>>,
}

impl std::fmt::Debug for Objects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Objects").field(&self.0.packs).finish()
    }
}

/// How far one repository borrows from another that borrows itself: git's own limit.
const ALTERNATES_DEPTH: usize = 5;

impl Objects {
    /// The objects in `folder` (`.git/objects`).
    pub(super) fn open(folder: &Path) -> Result<Self, Failure> {
        // Ids are checked when objects are packed; to check them at every look at a tree costs more than the rest.
        git2::opts::strict_hash_verification(false);
        let database = Odb::new().map_err(|error| unreadable::broken(&error))?;
        let path = folder.to_str().ok_or_else(|| unreadable::unreadable(folder, &"its name is not UTF-8"))?;
        database.add_disk_alternate(path).map_err(|error| unreadable::broken(&error))?;
        let mut packs = Vec::new();
        for index in indexes(folder)? {
            packs.extend(PackFile::open(&index)?.map(Arc::new));
        }
        Ok(Self(Arc::new(Inner { database, packs })))
    }

    /// Whether the object is here.
    pub fn has(&self, oid: Oid) -> bool {
        self.locate(oid).is_some() || self.0.database.exists_ext(native(oid), OdbLookupFlags::NO_REFRESH)
    }

    /// The object, if it is here.
    pub(super) fn read(&self, oid: Oid) -> Result<Option<OdbObject<'_>>, Failure> {
        match self.0.database.read(native(oid)) {
            Ok(object) => Ok(Some(object)),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(unreadable::broken(&error)),
        }
    }

    /// The object's kind and its size in bytes, if it is here.
    pub fn header(&self, oid: Oid) -> Result<Option<(ObjectKind, u64)>, Failure> {
        match self.0.database.read_header(native(oid)) {
            Ok((size, found)) => Ok(Some((kind(found), size as u64))),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(unreadable::broken(&error)),
        }
    }

    /// The pack of `wanted`; with `known` it may hold deltas against what the server has.
    pub(super) fn pack(&self, wanted: &[(Oid, ObjectKind)], known: Option<&OidSet>) -> Result<Pack, Failure> {
        entries::pack(self, wanted, known)
    }

    pub(super) fn locate(&self, oid: Oid) -> Option<(&Arc<PackFile>, usize)> {
        self.0.packs.iter().find_map(|pack| pack.find(oid).map(|at| (pack, at)))
    }

    pub(super) fn place(&self, pack: &Arc<PackFile>) -> Option<usize> {
        self.0.packs.iter().position(|known| Arc::ptr_eq(known, pack))
    }
}

/// The indexes of all packs in `folder` and in what it borrows from, always in the same order.
fn indexes(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    for _ in 0..=ALTERNATES_DEPTH {
        let mut next = Vec::new();
        for folder in folders.drain(..) {
            let packs = folder.join("pack");
            if packs.is_dir() {
                let entries = fs::read_dir(&packs).map_err(|error| unreadable::unreadable(&packs, &error))?;
                let mut here: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
                here.retain(|path| path.extension().is_some_and(|extension| extension == "idx"));
                here.sort();
                found.extend(here);
            }
            next.extend(unreadable::alternates(&folder));
        }
        folders = next;
    }
    Ok(found)
}

fn native(oid: Oid) -> git2::Oid {
    git2::Oid::from_bytes(oid.as_bytes()).unwrap_or(git2::Oid::ZERO_SHA1)
}

/// An object of the checkout that is deflated anew: one that lies alone, or whose delta does not serve.
#[derive(Clone, Debug)]
pub struct LocalObject {
    pub(crate) oid: Oid,
    pub(crate) kind: ObjectKind,
    pub(crate) size: u64,
    objects: Objects,
}

impl LocalObject {
    pub(super) fn of(objects: &Objects, oid: Oid, kind: ObjectKind) -> Result<Self, Failure> {
        let (_, size) = objects.header(oid)?.ok_or_else(|| unreadable::missing(oid))?;
        Ok(Self { oid, kind, size, objects: objects.clone() })
    }

    /// Hands the object's content to `take`. Content that does not have the object's id is damaged.
    pub(crate) fn content<T>(&self, take: impl FnOnce(&[u8]) -> T) -> Result<T, Failure> {
        let object = self.objects.read(self.oid)?.ok_or_else(|| unreadable::missing(self.oid))?;
        if self.kind.id_of(object.data()) != self.oid {
            return Err(unreadable::missing(self.oid));
        }
        Ok(take(object.data()))
    }
}
