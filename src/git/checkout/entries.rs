//! Entries of the checkout's packs, to be copied as they are: deflated, and as deltas where they are deltas.
//!
//! Source: <https://git-scm.com/docs/gitformat-pack>

use std::{collections::HashSet, io, os::unix::fs::FileExt as _, sync::Arc};

use flate2::Crc;

use super::{
    objects::{LocalObject, Objects, OidSet},
    packs::PackFile,
    unreadable,
};
use crate::{
    diagnosis::Failure,
    git::{
        format::ObjectKind,
        pack::{Pack, PackEntry},
    },
    target::Oid,
};

/// How much is read at once.
const WINDOW: usize = 256 * 1024;

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

/// Copies entries; what lies side by side is read at once.
#[derive(Default)]
pub(crate) struct Copier {
    pack: Option<Arc<PackFile>>,
    begin: u64,
    window: Vec<u8>,
}

impl Copier {
    /// Hands the entry's deflated bytes to `take`, piece by piece. An entry that does not have the checksum that the index names is damaged.
    pub(crate) fn copy(&mut self, entry: &StoredEntry, mut take: impl FnMut(&[u8])) -> Result<(), Failure> {
        let mut crc = Crc::new();
        let mut at = entry.begin;
        while at < entry.end {
            let piece = self.read(&entry.pack, at, entry.end)?;
            crc.update(piece);
            let skip = usize::try_from(entry.body.saturating_sub(at)).unwrap_or(usize::MAX).min(piece.len());
            take(&piece[skip..]);
            at += piece.len() as u64;
        }
        if entry.pack.crc(entry.at) == Some(crc.sum()) { Ok(()) } else { Err(damaged(&entry.pack)) }
    }

    /// Bytes from `at` on, at least one, none behind `end`.
    fn read(&mut self, pack: &Arc<PackFile>, at: u64, end: u64) -> Result<&[u8], Failure> {
        let inside = |from: u64, length: usize| at.checked_sub(from).filter(|skip| *skip < length as u64);
        let same = self.pack.as_ref().is_some_and(|known| Arc::ptr_eq(known, pack));
        if !same || inside(self.begin, self.window.len()).is_none() {
            self.window.resize(WINDOW, 0);
            let filled = fill(pack, &mut self.window, at)?;
            self.window.truncate(filled);
            (self.pack, self.begin) = (Some(Arc::clone(pack)), at);
        }
        let from = usize::try_from(at - self.begin).unwrap_or(usize::MAX);
        let to = usize::try_from(end - self.begin).unwrap_or(usize::MAX).min(self.window.len());
        self.window.get(from..to).filter(|piece| !piece.is_empty()).ok_or_else(|| damaged(pack))
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

fn damaged(pack: &PackFile) -> Failure {
    unreadable::unreadable(pack.path(), &"it is damaged")
}

/// The pack of `wanted`, made of what the checkout's packs hold wherever that serves. A delta serves when its base is sent too, or, with
/// `known`, when the server has it.
pub(super) fn pack(objects: &Objects, wanted: &[(Oid, ObjectKind)], known: Option<&OidSet>) -> Result<Pack, Failure> {
    let sent: HashSet<Oid, super::objects::ByPrefix> = wanted.iter().map(|(oid, _)| *oid).collect();
    let mut whole = Vec::new();
    let mut stored = Vec::new();
    for (oid, kind) in wanted {
        let entry = match objects.locate(*oid) {
            Some((pack, at)) => entry(pack, at, *oid, *kind)?,
            None => None,
        };
        let usable = entry.and_then(|mut entry| match entry.base {
            Base::Sent(base) if !sent.contains(&base) => known.is_some_and(|known| known.contains(&base)).then(|| {
                entry.base = Base::Known(base);
                entry
            }),
            _ => Some(entry),
        });
        match usable {
            Some(entry) => stored.push(entry),
            None => whole.push(PackEntry::Local(LocalObject::of(objects, *oid, *kind)?)),
        }
    }
    // A base comes before what is made against it, as it does in the packs.
    stored.sort_by_key(|entry| (objects.place(&entry.pack), entry.begin));
    whole.extend(stored.into_iter().map(PackEntry::Stored));
    Ok(Pack::new(whole))
}

/// Reads the head of an entry; `None` for a form that is not known here.
fn entry(pack: &Arc<PackFile>, at: usize, oid: Oid, kind: ObjectKind) -> Result<Option<StoredEntry>, Failure> {
    let (begin, end) = pack.span(at).ok_or_else(|| damaged(pack))?;
    let mut head = [0; 48];
    let filled = fill(pack, &mut head, begin)?;
    let mut bytes = head[..filled].iter().copied();
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
    let body = begin + (filled - bytes.len()) as u64;
    Ok((body < end).then(|| StoredEntry { oid, kind, size, base, pack: Arc::clone(pack), at, begin, body, end }))
}
