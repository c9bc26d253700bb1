//! A run of small objects as bytes of a pack: deltas against each other where they resemble, else deflated whole.
//!
//! A delta's base always stands before it in the same run, so that each run is the work of one core, with bounded memory.

use bytes::Bytes;

use super::{
    EarlierVersions, PackedWork, WireError, changed,
    entry::PackEntry,
    internal,
    likeness::SimilarityIndex,
    put::{OFS_DELTA, put_deflated, put_distance, put_form, put_header},
    read_whole,
};
use crate::{checkout::ObjectForm, deflate, delta::Index, format::ObjectKind, names::Oid};

/// How many deltas stand between an object and one that is whole, at most. git's own packs have up to 50.
const DEPTH: u8 = 24;

/// Objects below this size, in bytes, are sent whole: an instruction, a distance and a header cost about as much.
const LEAST_SIZE: usize = 64;

/// The part of an object that its delta may cost, in hundredths. Above it little is gained, and the search costs the more.
const MOST_COST: usize = 70;

/// A longer earlier version, in bytes, is not read: a file that was cut down to a small part of itself is rare.
const LONGEST_EARLIER: usize = 8 * 1024 * 1024;

/// After so many objects in a row that resemble none before them, only a few neighbours are compared, until some resemble again:
/// a site whose files do not resemble each other pays little for the search.
const PATIENCE: usize = 24;

/// Which objects are then compared: the first [`PROBED`] of each [`PROBE_EVERY`].
const PROBE_EVERY: usize = 16;
const PROBED: usize = 2;

/// Makes the bytes of a run. A file that does not have the content that its id names was changed.
pub(super) fn pack_objects(entries: &[PackEntry], earlier: Option<&EarlierVersions>) -> Result<PackedWork, WireError> {
    let contents: Vec<Bytes> = entries.iter().map(content).collect::<Result<_, _>>()?;
    // A single blob has nothing to be compared with, and the tables take memory.
    let blobs = || entries.iter().zip(&contents).filter(|(entry, _)| is_blob(entry));
    let mut run = DeltaRun::new(&contents, blobs().count() > 1);
    for (number, entry) in (0..).zip(entries) {
        run.begins.push(run.packed.len());
        match entry {
            PackEntry::Local(object) => object.form(|form| put_form(entry.kind(), form, &mut run.packed))??,
            PackEntry::Stored(_) => return Err(internal("entries of packs are copied")),
            PackEntry::File { .. } | PackEntry::Data { .. } => {
                match against_earlier(entry, &contents[number], earlier)? {
                    Some((base, delta)) => put_form(entry.kind(), ObjectForm::Delta(base, delta), &mut run.packed)?,
                    None => run.put(number, entry)?,
                }
            }
        }
    }
    Ok(PackedWork { packed: run.packed, begins: run.begins, content: Vec::new() })
}

fn is_blob(entry: &PackEntry) -> bool {
    matches!(entry, PackEntry::File { .. } | PackEntry::Data { kind: ObjectKind::Blob, .. })
}

/// The content of an entry, checked against its id where it comes from a file. Of objects of the checkout nothing is read yet.
fn content(entry: &PackEntry) -> Result<Bytes, WireError> {
    match entry {
        PackEntry::File { oid, size, place } => {
            let mut content = Vec::new();
            read_whole(place, *size, &mut content)?;
            if ObjectKind::Blob.id_of(&content) != *oid {
                return Err(changed(place));
            }
            Ok(content.into())
        }
        PackEntry::Data { content, .. } => Ok(content.clone()),
        PackEntry::Local(_) | PackEntry::Stored(_) => Ok(Bytes::new()),
    }
}

/// The delta against the object's earlier version, and that version, where it is here and the delta is short.
fn against_earlier(
    entry: &PackEntry,
    content: &[u8],
    earlier: Option<&EarlierVersions>,
) -> Result<Option<(Oid, Vec<u8>)>, WireError> {
    let Some(earlier) = earlier.filter(|_| content.len() >= LEAST_SIZE) else { return Ok(None) };
    let Some(version) = earlier.versions.get(&entry.oid()) else { return Ok(None) };
    let Some((kind, base)) = earlier.store.read_raw(*version)? else { return Ok(None) };
    let limit = content.len() * MOST_COST / 100;
    // A server refuses a delta whose base is of another kind.
    let fits = kind == entry.kind() && base.len() <= LONGEST_EARLIER;
    let delta = fits.then(|| Index::of(&base)?.delta(content, limit)).flatten();
    Ok(delta.map(|delta| (*version, delta)))
}

/// A run while its bytes grow.
struct DeltaRun<'a> {
    contents: &'a [Bytes],
    /// None where there is nothing to compare.
    likeness: Option<SimilarityIndex>,
    indexes: Vec<Option<Index<'a>>>,
    /// How many deltas each object needs to become whole.
    depths: Vec<u8>,
    /// How many objects in a row resembled none before them.
    misses: usize,
    packed: Vec<u8>,
    begins: Vec<usize>,
}

impl<'a> DeltaRun<'a> {
    fn new(contents: &'a [Bytes], compare: bool) -> Self {
        let bytes = contents.iter().map(Bytes::len).sum();
        Self {
            contents,
            likeness: compare.then(|| SimilarityIndex::new(contents.len(), bytes)),
            indexes: std::iter::repeat_with(|| None).take(contents.len()).collect(),
            depths: vec![0; contents.len()],
            misses: 0,
            packed: Vec::new(),
            begins: Vec::with_capacity(contents.len()),
        }
    }

    fn put(&mut self, number: usize, entry: &PackEntry) -> Result<(), WireError> {
        let content = &self.contents[number];
        let shrinks = deflate::shrinks(content).map_err(|error| internal(&error))?;
        // Media resemble nothing, and are most of the bytes of a site that does not shrink.
        if is_blob(entry)
            && shrinks
            && let Some((base, delta)) = self.delta(number)
        {
            self.depths[number] = self.depths[base] + 1;
            let distance = self.packed.len() - self.begins[base];
            put_header(OFS_DELTA, delta.len() as u64, &mut self.packed);
            put_distance(distance as u64, &mut self.packed);
            return deflate::whole(&delta, &mut self.packed).map_err(|error| internal(&error));
        }
        put_deflated(entry.kind(), content, shrinks, &mut self.packed)
    }

    /// The object before this one that serves as its base, and the delta.
    fn delta(&mut self, number: usize) -> Option<(usize, Vec<u8>)> {
        let content = &self.contents[number];
        if content.len() < LEAST_SIZE || self.misses >= PATIENCE && number % PROBE_EVERY >= PROBED {
            return None;
        }
        let depths = &self.depths;
        let allowed = |object: u32| depths[object as usize] < DEPTH;
        let nearest = self.likeness.as_mut()?.nearest(u32::try_from(number).ok()?, content, allowed);
        self.misses = if nearest.is_some() { 0 } else { self.misses + 1 };
        let base = nearest? as usize;
        let index = &mut self.indexes[base];
        if index.is_none() {
            *index = Index::of(&self.contents[base]);
        }
        let delta = index.as_ref()?.delta(content, content.len() * MOST_COST / 100)?;
        Some((base, delta))
    }
}
