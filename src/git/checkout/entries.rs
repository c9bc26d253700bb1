//! Entries of the checkout's packs, to be copied as they are: deflated, and as deltas where they are deltas.
//!
//! Source: <https://git-scm.com/docs/gitformat-pack>

use std::{io, os::unix::fs::FileExt as _, sync::Arc};

use flate2::Crc;
use rayon::{iter::Either, prelude::*};

use super::{
    objects::{LocalObject, Objects},
    packs::PackFile,
    trees, unreadable,
};
use crate::{
    diagnosis::Failure,
    git::{
        format::ObjectKind,
        ids::{OidMap, OidSet, SharedSet},
        pack::{Pack, PackEntry},
    },
    names::Oid,
};

/// How much is read at once: of entries that are copied, and of such whose heads are looked at.
const WINDOW: usize = 256 * 1024;
const HEADS_WINDOW: usize = 64 * 1024;

/// The longest head of an entry, in bytes: a size, and the name of a base.
const HEAD: usize = 48;

/// How many entries a core looks at in one go.
const SHARE: usize = 4096;

/// What an entry is made against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Base {
    /// Nothing: it is whole.
    None,
    /// An object of the same pack.
    Sent(Oid),
    /// An object that the server has.
    Known(Oid),
}

/// An entry of a pack of the checkout.
#[derive(Clone, Debug)]
pub struct StoredEntry {
    pub(crate) oid: Oid,
    pub(crate) kind: ObjectKind,
    /// Bytes before deflating: of the object, or of the delta.
    pub(crate) size: u64,
    pub(crate) base: Base,
    pack: Arc<PackFile>,
    at: usize,
    /// Where the entry, its deflated bytes and the next entry begin.
    begin: u64,
    body: u64,
    end: u64,
}

impl StoredEntry {
    /// How many deflated bytes it has.
    pub(crate) fn length(&self) -> u64 {
        self.end - self.body
    }
}

/// A part of a pack in memory; what lies side by side is read at once.
struct Window {
    pack: Option<Arc<PackFile>>,
    begin: u64,
    bytes: Vec<u8>,
    size: usize,
}

impl Window {
    fn new(size: usize) -> Self {
        Self { pack: None, begin: 0, bytes: Vec::new(), size }
    }

    /// The bytes from `at` on: `least` of them, or all that the file has, or more.
    fn read(&mut self, pack: &Arc<PackFile>, at: u64, least: usize) -> Result<&[u8], Failure> {
        let same = self.pack.as_ref().is_some_and(|known| Arc::ptr_eq(known, pack));
        let skip = at.checked_sub(self.begin).and_then(|skip| usize::try_from(skip).ok()).filter(|_| same);
        let held = skip.filter(|skip| skip + least <= self.bytes.len());
        if held.is_none() {
            self.bytes.resize(self.size.max(least), 0);
            let filled = fill(pack, &mut self.bytes, at)?;
            self.bytes.truncate(filled);
            (self.pack, self.begin) = (Some(Arc::clone(pack)), at);
        }
        let skip = held.unwrap_or(0);
        Ok(&self.bytes[skip..])
    }
}

fn fill(pack: &PackFile, buffer: &mut [u8], at: u64) -> Result<usize, Failure> {
    let mut filled = 0;
    while filled < buffer.len() {
        match pack.file().read_at(&mut buffer[filled..], at + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unreadable::unreadable(pack.path(), &error)),
        }
    }
    Ok(filled)
}

/// Copies entries.
pub(crate) struct Copier(Window);

impl Default for Copier {
    fn default() -> Self {
        Self(Window::new(WINDOW))
    }
}

impl Copier {
    /// Hands the entry's deflated bytes to `take`, piece by piece. An entry that does not have the checksum that the index names is damaged.
    pub(crate) fn copy(&mut self, entry: &StoredEntry, mut take: impl FnMut(&[u8])) -> Result<(), Failure> {
        let mut crc = Crc::new();
        let mut at = entry.begin;
        while at < entry.end {
            let left = usize::try_from(entry.end - at).unwrap_or(usize::MAX);
            let piece = self.0.read(&entry.pack, at, 1)?;
            let piece = &piece[..piece.len().min(left)];
            if piece.is_empty() {
                return Err(damaged(&entry.pack));
            }
            crc.update(piece);
            let skip = usize::try_from(entry.body.saturating_sub(at)).unwrap_or(usize::MAX).min(piece.len());
            take(&piece[skip..]);
            at += piece.len() as u64;
        }
        if entry.pack.crc(entry.at) == Some(crc.sum()) { Ok(()) } else { Err(damaged(&entry.pack)) }
    }
}

fn damaged(pack: &PackFile) -> Failure {
    unreadable::unreadable(pack.path(), &"it is damaged")
}

/// What is to be sent.
#[derive(Debug, Default)]
pub struct Wanted {
    /// The objects, each once.
    pub(super) objects: Vec<(Oid, ObjectKind)>,
    /// The trees of the commits among them, oldest first, each with that of a parent.
    pub(super) trees: Vec<(Oid, Oid)>,
}

/// An object, and where it lies.
struct Place {
    oid: Oid,
    kind: ObjectKind,
    pack: usize,
    at: usize,
    begin: u64,
}

/// The pack of `wanted`, made of what the checkout's packs hold wherever that serves. A delta serves when its base is sent too, or, with
/// `known`, when the server has it.
pub(super) fn pack(objects: &Objects, wanted: &Wanted, known: Option<&SharedSet>) -> Result<Pack, Failure> {
    let place = |(oid, kind): &(Oid, ObjectKind)| match objects.locate(*oid) {
        Some((pack, at)) => Either::Left(Place {
            oid: *oid,
            kind: *kind,
            pack,
            at,
            begin: objects.pack(pack).offset(at).unwrap_or_default(),
        }),
        None => Either::Right((*oid, *kind)),
    };
    let (mut places, mut lone): (Vec<Place>, Vec<(Oid, ObjectKind)>) = wanted.objects.par_iter().partition_map(place);
    // A base comes before what is made against it, as it does in the packs.
    places.par_sort_unstable_by_key(|place| (place.pack, place.begin));
    let sent: OidSet = wanted.objects.iter().map(|(oid, _)| *oid).collect();
    let usable = |mut entry: StoredEntry| match entry.base {
        Base::Sent(base) if !sent.contains(&base) => {
            entry.base = Base::Known(base);
            known.is_some_and(|known| known.contains(&base)).then_some(entry)
        }
        _ => Some(entry),
    };
    let look = |places: &[Place]| {
        let mut window = Window::new(HEADS_WINDOW);
        let look = |place: &Place| Ok(entry(objects, place, &mut window)?.and_then(usable));
        places.iter().map(look).collect::<Result<Vec<_>, Failure>>()
    };
    let looked = places.par_chunks(SHARE).map(look).collect::<Result<Vec<_>, Failure>>()?;
    let mut stored = Vec::with_capacity(places.len());
    for (place, entry) in places.iter().zip(looked.into_iter().flatten()) {
        match entry {
            Some(entry) => stored.push(PackEntry::Stored(entry)),
            None => lone.push((place.oid, place.kind)),
        }
    }
    let mut entries = alone(objects, lone, wanted, &stored, |oid| {
        sent.contains(oid) || known.is_some_and(|known| known.contains(oid))
    })?;
    entries.extend(stored);
    Ok(Pack::new(entries))
}

/// What has to be deflated, in the order of names: always the same.
fn alone(
    objects: &Objects,
    mut lone: Vec<(Oid, ObjectKind)>,
    wanted: &Wanted,
    stored: &[PackEntry],
    may_be_base: impl Fn(&Oid) -> bool,
) -> Result<Vec<PackEntry>, Failure> {
    if lone.is_empty() {
        return Ok(Vec::new());
    }
    lone.sort_unstable_by_key(|(oid, _)| *oid);
    let made_against: OidMap<Oid> = stored.iter().filter_map(PackEntry::base_in_pack).collect();
    let names: OidSet = lone.iter().map(|(oid, _)| *oid).collect();
    let before = trees::predecessors(objects, &wanted.trees, &names, |oid| made_against.get(oid).copied())?;
    let local = |(oid, kind): &(Oid, ObjectKind)| {
        let (_, size) = objects.header(*oid)?.ok_or_else(|| unreadable::missing(*oid))?;
        let base = before.get(oid).copied().filter(&may_be_base);
        Ok(PackEntry::Local(LocalObject { oid: *oid, kind: *kind, size, base, objects: objects.clone() }))
    };
    lone.iter().map(local).collect()
}

/// Reads the head of an entry; `None` for a form that is not known here.
fn entry(objects: &Objects, place: &Place, window: &mut Window) -> Result<Option<StoredEntry>, Failure> {
    let pack = objects.pack(place.pack);
    let Place { oid, kind, at, .. } = *place;
    let (begin, end) = pack.span(at).ok_or_else(|| damaged(pack))?;
    let head = window.read(pack, begin, HEAD)?;
    let head = &head[..head.len().min(HEAD)];
    let mut bytes = head.iter().copied();
    let mut next = || bytes.next().ok_or_else(|| damaged(pack));
    let first = next()?;
    let (mut size, mut shift, mut byte) = (u64::from(first & 0x0f), 4, first);
    while byte & 0x80 != 0 {
        byte = next()?;
        size |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or_default();
        shift += 7;
    }
    let base = match first >> 4 & 7 {
        1..=4 => Base::None,
        6 => {
            byte = next()?;
            let mut back = u64::from(byte & 0x7f);
            while byte & 0x80 != 0 {
                byte = next()?;
                back = (back + 1) << 7 | u64::from(byte & 0x7f);
            }
            let base = begin.checked_sub(back).and_then(|offset| pack.at_offset(offset));
            Base::Sent(base.ok_or_else(|| damaged(pack))?)
        }
        7 => {
            let mut base = [0; 20];
            for byte in &mut base {
                *byte = next()?;
            }
            Base::Sent(Oid::from_bytes(base))
        }
        _ => return Ok(None),
    };
    let body = begin + (head.len() - bytes.len()) as u64;
    Ok((body < end).then(|| StoredEntry { oid, kind, size, base, pack: Arc::clone(pack), at, begin, body, end }))
}
