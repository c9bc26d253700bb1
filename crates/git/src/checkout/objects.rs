//! The objects of the checkout: read by libgit2, found in the packs by their own indexes.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use git2::{ErrorCode, Odb, OdbLookupFlags, OdbObject};

use super::{
    held::HeldObjects,
    kind,
    packs::{PackFile, PackIndex},
    unreadable,
};
use crate::{delta, diagnosis::errors::CheckoutError, format::ObjectKind, names::Oid};

/// No delta is made of or against anything longer, in bytes: it would take more memory than the rest of the work.
const DELTA_LIMIT: u64 = 8 * 1024 * 1024;

/// The objects of a checkout and of all that it borrows from. Cheap to clone; several threads may use it at once.
#[derive(Clone)]
pub struct Objects(Arc<ObjectFolder>);

/// An objects folder, opened.
struct ObjectFolder {
    folders: Vec<String>,
    reader: OdbReader,
    packs: Vec<Arc<PackFile>>,
    /// What the others read through, so that it goes last.
    _held: Option<HeldObjects>,
}

/// libgit2's way to the objects. NOTE: it reads one object at a time, whoever asks: who reads many takes a reader of its own.
pub(super) struct OdbReader(
    // NOTE: like the private store, a database without a repository: entries are read long after the checkout was looked at.
    Odb<'static>,
);

impl OdbReader {
    fn open(folders: &[String]) -> Result<Self, CheckoutError> {
        let database = Odb::new().map_err(|error| unreadable::broken(&error))?;
        for folder in folders {
            database.add_disk_alternate(folder).map_err(|error| unreadable::broken(&error))?;
        }
        Ok(Self(database))
    }

    /// The object, if it is here.
    pub(super) fn read(&self, oid: Oid) -> Result<Option<OdbObject<'_>>, CheckoutError> {
        match self.0.read(native(oid)) {
            Ok(object) => Ok(Some(object)),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(unreadable::broken(&error)),
        }
    }
}

impl OdbReader {
    /// The object's size in bytes, if it is here.
    pub(super) fn size(&self, oid: Oid) -> Result<Option<u64>, CheckoutError> {
        match self.0.read_header(native(oid)) {
            Ok((size, _)) => Ok(Some(size as u64)),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(unreadable::broken(&error)),
        }
    }
}

impl std::fmt::Debug for Objects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Objects").field(&self.0.packs).finish()
    }
}

impl Objects {
    /// The objects in `folder` (`.git/objects`); within a `boundary` they are held, so that none from outside comes among them.
    pub(super) fn open(folder: &Path, boundary: Option<&Path>) -> Result<Self, CheckoutError> {
        // Ids are checked when objects are packed; to check them at every look at a tree costs more than the rest.
        git2::opts::strict_hash_verification(false);
        let held = boundary.map(|boundary| HeldObjects::of(folder, boundary)).transpose()?.flatten();
        let (folders, indexes) = match &held {
            Some(held) => (held.folders.clone(), held.indexes.clone()),
            None => (vec![folder.to_owned()], indexes(folder)?),
        };
        // libgit2 takes paths as UTF-8 text.
        let text = |path: &PathBuf| path.to_str().map(str::to_owned);
        let folders = folders.iter().map(text).collect::<Option<Vec<String>>>();
        let folders = folders.ok_or_else(|| unreadable::unreadable(folder, &"its name is not UTF-8"))?;
        let reader = OdbReader::open(&folders)?;
        let mut packs = Vec::new();
        for index in indexes {
            packs.extend(PackFile::open(&index)?.map(Arc::new));
        }
        Ok(Self(Arc::new(ObjectFolder { folders, reader, packs, _held: held })))
    }

    /// Whether the object is here.
    pub fn has(&self, oid: Oid) -> bool {
        // Without a refresh: libgit2 would list the pack folder again at every miss, and misses are common here.
        self.locate(oid).is_some() || self.0.reader.0.exists_ext(native(oid), OdbLookupFlags::NO_REFRESH)
    }

    /// The object, if it is here.
    pub(super) fn read(&self, oid: Oid) -> Result<Option<OdbObject<'_>>, CheckoutError> {
        self.first_reader().read(oid)
    }

    /// The reader that all share.
    pub(super) fn first_reader(&self) -> &OdbReader {
        &self.0.reader
    }

    /// A reader for one core.
    pub(super) fn reader(&self) -> Result<OdbReader, CheckoutError> {
        OdbReader::open(&self.0.folders)
    }

    /// The object's kind and its size in bytes, if it is here.
    pub fn header(&self, oid: Oid) -> Result<Option<(ObjectKind, u64)>, CheckoutError> {
        match self.0.reader.0.read_header(native(oid)) {
            Ok((size, found)) => Ok(Some((kind(found), size as u64))),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(unreadable::broken(&error)),
        }
    }

    /// The number of the pack that holds the object, and the object's place in its index.
    pub(super) fn locate(&self, oid: Oid) -> Option<(usize, usize)> {
        self.0.packs.iter().enumerate().find_map(|(number, pack)| pack.find(oid).map(|at| (number, at)))
    }

    /// About how many bytes the object takes to send: as it lies in a pack, else its size. 0 where it is not here.
    pub(super) fn weight(&self, oid: Oid) -> u64 {
        match self.locate(oid).and_then(|(pack, at)| self.pack(pack).span(at)) {
            Some((begin, end)) => end - begin,
            None => self.header(oid).ok().flatten().map_or(0, |(_, size)| size),
        }
    }

    /// The pack of this number.
    pub(super) fn pack(&self, number: usize) -> &Arc<PackFile> {
        &self.0.packs[number]
    }
}

/// The indexes of all packs in `folder` and in what it borrows from, always in the same order.
fn indexes(folder: &Path) -> Result<Vec<PackIndex>, CheckoutError> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    // Folders can borrow from each other in a circle; the bound ends it.
    for _ in 0..=unreadable::ALTERNATES_DEPTH {
        let mut next = Vec::new();
        for folder in folders.drain(..) {
            let packs = folder.join("pack");
            if packs.is_dir() {
                let entries = fs::read_dir(&packs).map_err(|error| unreadable::unreadable(&packs, &error))?;
                let mut here: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
                here.retain(|path| path.extension().is_some_and(|extension| extension == "idx"));
                // `read_dir` has no order, and the order decides which copy of an object is sent.
                here.sort();
                found.extend(here.into_iter().map(|path| PackIndex { named: path.clone(), path }));
            }
            next.extend(unreadable::alternates(&folder)?);
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
    /// What a delta may be made against: it is sent too, or the server has it.
    pub(super) base: Option<Oid>,
    pub(super) objects: Objects,
}

/// How an object is sent.
pub(crate) enum ObjectForm<'a> {
    /// Its content.
    Whole(&'a [u8]),
    /// What makes it of another one.
    Delta(Oid, Vec<u8>),
}

impl LocalObject {
    /// Hands the object to `take` in the form that is shorter. Content that does not have the object's id is damaged.
    pub(crate) fn form<T>(&self, take: impl FnOnce(ObjectForm<'_>) -> T) -> Result<T, CheckoutError> {
        let object = self.objects.read(self.oid)?.ok_or_else(|| unreadable::missing(self.oid))?;
        let content = object.data();
        // The check that is switched off for reading is made here, once for each object that is sent.
        if self.kind.id_of(content) != self.oid {
            return Err(unreadable::missing(self.oid));
        }
        if let Some(base) = self.base.filter(|_| self.size <= DELTA_LIMIT)
            && let Some(old) = self.objects.read(base)?.filter(|old| old.len() as u64 <= DELTA_LIMIT)
            && let Some(delta) = delta::between(old.data(), content)
        {
            return Ok(take(ObjectForm::Delta(base, delta)));
        }
        Ok(take(ObjectForm::Whole(content)))
    }
}
