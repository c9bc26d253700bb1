//! Entries of the checkout's packs, to be copied as they are: deflated, and as deltas where they are deltas.
//!
//! Source: <https://git-scm.com/docs/gitformat-pack>

use std::sync::Arc;

use rayon::{iter::Either, prelude::*};

use super::{
    objects::{LocalObject, Objects},
    stored::{DeltaBase, StoredEntry, Window, damaged},
    trees::{self, SpecialEntry},
    unreadable,
};
use crate::{
    diagnosis::errors::CheckoutError,
    format::ObjectKind,
    ids::{OidMap, OidSet, SharedSet},
    names::Oid,
    pack::{Pack, PackEntry},
};

// The heads of neighbours lie close together: one read serves many of them.
const HEADS_WINDOW: usize = 64 * 1024;

/// The longest head of an entry, in bytes: a size, and the name of a base.
const HEAD: usize = 48;

/// How many entries a core looks at in one go.
const SHARE: usize = 4096;

/// What is to be sent.
#[derive(Debug, Default)]
pub struct ObjectsToSend {
    /// The objects, each once.
    pub(super) objects: Vec<(Oid, ObjectKind)>,
    /// The trees of the commits among them, oldest first, each with that of a parent.
    pub(super) trees: Vec<(Oid, Oid)>,
    /// New files that GitHub's check of a push looks into.
    pub(super) special: Vec<SpecialEntry>,
}

impl ObjectsToSend {
    /// The new files that git itself reads, which GitHub's check of a push looks into.
    pub fn special(&self) -> &[SpecialEntry] {
        &self.special
    }
}

/// An object, and where it lies.
struct PackedObject {
    oid: Oid,
    kind: ObjectKind,
    pack: usize,
    at: usize,
    begin: u64,
}

/// The pack of `wanted`, made of what the checkout's packs hold wherever that serves. A delta serves when its base is sent too, or, with
/// `known`, when the server has it.
pub(super) fn pack(
    objects: &Objects,
    wanted: &ObjectsToSend,
    known: Option<&SharedSet>,
) -> Result<Pack, CheckoutError> {
    let place = |(oid, kind): &(Oid, ObjectKind)| match objects.locate(*oid) {
        Some((pack, at)) => Either::Left(PackedObject {
            oid: *oid,
            kind: *kind,
            pack,
            at,
            begin: objects.pack(pack).offset(at).unwrap_or_default(),
        }),
        None => Either::Right((*oid, *kind)),
    };
    let (mut places, mut lone): (Vec<PackedObject>, Vec<(Oid, ObjectKind)>) =
        wanted.objects.par_iter().partition_map(place);
    // A base comes before what is made against it, as it does in the packs.
    places.par_sort_unstable_by_key(|place| (place.pack, place.begin));
    let sent: OidSet = wanted.objects.iter().map(|(oid, _)| *oid).collect();
    let usable = |mut entry: StoredEntry| match entry.base {
        DeltaBase::Sent(base) if !sent.contains(&base) => {
            entry.base = DeltaBase::Known(base);
            known.is_some_and(|known| known.contains(&base)).then_some(entry)
        }
        _ => Some(entry),
    };
    // A window per share: sorted entries are read forward, and threads do not wait for one buffer.
    let look = |places: &[PackedObject]| {
        let mut window = Window::new(HEADS_WINDOW);
        let look = |place: &PackedObject| Ok(entry(objects, place, &mut window)?.and_then(usable));
        places.iter().map(look).collect::<Result<Vec<_>, CheckoutError>>()
    };
    let looked = places.par_chunks(SHARE).map(look).collect::<Result<Vec<_>, CheckoutError>>()?;
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
    wanted: &ObjectsToSend,
    stored: &[PackEntry],
    may_be_base: impl Fn(&Oid) -> bool,
) -> Result<Vec<PackEntry>, CheckoutError> {
    if lone.is_empty() {
        return Ok(Vec::new());
    }
    // Threads find them in any order; sorted, an equal push makes an equal pack.
    lone.sort_unstable_by_key(|(oid, _)| *oid);
    // A chain that runs through copied deltas can close a circle too, which no reader could resolve.
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
fn entry(objects: &Objects, place: &PackedObject, window: &mut Window) -> Result<Option<StoredEntry>, CheckoutError> {
    let pack = objects.pack(place.pack);
    let PackedObject { oid, kind, at, .. } = *place;
    let (begin, end) = pack.span(at).ok_or_else(|| damaged(pack))?;
    let head = window.read(pack, begin, HEAD)?;
    let head = &head[..head.len().min(HEAD)];
    let mut bytes = head.iter().copied();
    let mut next = || bytes.next().ok_or_else(|| damaged(pack));
    let first = next()?;
    // The first byte has the type in bits 4 to 6 and the lowest four bits of the size (gitformat-pack).
    let (mut size, mut shift, mut byte) = (u64::from(first & 0x0f), 4, first);
    while byte & 0x80 != 0 {
        byte = next()?;
        // Only a damaged pack shifts past 64 bits, and the checksum of the copy reports that.
        size |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or_default();
        shift += 7;
    }
    let base = match first >> 4 & 7 {
        1..=4 => DeltaBase::None,
        6 => {
            byte = next()?;
            let mut back = u64::from(byte & 0x7f);
            while byte & 0x80 != 0 {
                byte = next()?;
                // The one that each further byte adds is part of the format: no distance has two encodings.
                back = (back + 1) << 7 | u64::from(byte & 0x7f);
            }
            // A distance holds for the checkout's pack only. The object there is what counts: its place in our pack
            // differs.
            let base = begin.checked_sub(back).and_then(|offset| pack.at_offset(offset));
            DeltaBase::Sent(base.ok_or_else(|| damaged(pack))?)
        }
        7 => {
            let mut base = [0; 20];
            for byte in &mut base {
                *byte = next()?;
            }
            DeltaBase::Sent(Oid::from_bytes(base))
        }
        // Types 0 and 5 are reserved. libgit2 reads such an object, if it can, and it is deflated anew.
        _ => return Ok(None),
    };
    let body = begin + (head.len() - bytes.len()) as u64;
    Ok((body < end).then(|| StoredEntry { oid, kind, size, base, pack: Arc::clone(pack), at, begin, body, end }))
}
