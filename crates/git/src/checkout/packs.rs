//! The index of a pack in the checkout: which objects lie where. Only what is needed to copy entries as they are.
//!
//! Source: <https://git-scm.com/docs/gitformat-pack#_pack_idx_files_have_the_following_format>

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::OnceLock,
};

use rayon::slice::ParallelSliceMut as _;

use super::unreadable;
use crate::{diagnosis::errors::CheckoutError, names::Oid};

/// The two signs of an index of version 2.
const MAGIC: [u8; 8] = [0xff, b't', b'O', b'c', 0, 0, 0, 2];
const FANOUT: usize = MAGIC.len();
const NAMES: usize = FANOUT + 256 * 4;

/// Where the index of a pack lies; the pack lies beside it.
#[derive(Clone, Debug)]
pub(super) struct PackIndex {
    /// The path by which it is read.
    pub(super) path: PathBuf,
    /// Its path in the checkout, for messages.
    pub(super) named: PathBuf,
}

/// A pack with its index in memory.
pub(super) struct PackFile {
    path: PathBuf,
    file: File,
    index: Vec<u8>,
    count: usize,
    /// Where the entries end and the checksum begins.
    end: u64,
    by_offset: OnceLock<Vec<(u64, u32)>>,
}

impl std::fmt::Debug for PackFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.path.display())
    }
}

impl PackFile {
    /// Opens the pack that `index` belongs to; `None` for what is no index of version 2.
    pub(super) fn open(index: &PackIndex) -> Result<Option<Self>, CheckoutError> {
        let PackIndex { path: index, named } = index;
        let path = named.with_extension("pack");
        let bytes = fs::read(index).map_err(|error| unreadable::unreadable(named, &error))?;
        // Version 1, which git stopped writing by default in 1.6, has no checksum per entry; libgit2 reads its
        // objects.
        if !bytes.starts_with(&MAGIC) {
            return Ok(None);
        }
        let damaged = || unreadable::unreadable(named, &"it is damaged");
        let count = number(&bytes, NAMES - 4).ok_or_else(damaged)? as usize;
        // Each object has 20 bytes of name, 4 of checksum and 4 of offset; two checksums of 20 bytes end the file.
        if bytes.len() < NAMES + count * 28 + 40 {
            return Err(damaged());
        }
        let file = File::open(index.with_extension("pack")).map_err(|error| unreadable::unreadable(&path, &error))?;
        let length = file.metadata().map_err(|error| unreadable::unreadable(&path, &error))?.len();
        Ok(Some(Self { path, file, index: bytes, count, end: length.saturating_sub(20), by_offset: OnceLock::new() }))
    }

    /// The pack.
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Where it lies.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The place of an object in the index.
    pub(super) fn find(&self, oid: Oid) -> Option<usize> {
        let first = usize::from(oid.as_bytes()[0]);
        let bound = |at: usize| number(&self.index, FANOUT + at * 4).map_or(0, |bound| bound as usize);
        // The fan-out table leaves only the names with the same first byte to be searched.
        let (mut low, mut high) = (if first == 0 { 0 } else { bound(first - 1) }, bound(first).min(self.count));
        while low < high {
            let middle = low.midpoint(high);
            match self.name(middle)?.cmp(oid.as_bytes().as_slice()) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Some(middle),
            }
        }
        None
    }

    fn name(&self, at: usize) -> Option<&[u8]> {
        self.index.get(NAMES + at * 20..NAMES + at * 20 + 20)
    }

    /// The object at a place of the index.
    pub(super) fn oid(&self, at: usize) -> Option<Oid> {
        self.name(at)?.try_into().ok().map(Oid::from_bytes)
    }

    /// The checksum (CRC-32) of the entry at a place of the index.
    pub(super) fn crc(&self, at: usize) -> Option<u32> {
        number(&self.index, NAMES + self.count * 20 + at * 4)
    }

    /// Where the entry at a place of the index begins in the pack.
    pub(super) fn offset(&self, at: usize) -> Option<u64> {
        let offset = number(&self.index, NAMES + self.count * 24 + at * 4)?;
        // The highest bit marks a row of the table of 8-byte offsets, which packs above 2 GiB have.
        if offset & 0x8000_0000 == 0 {
            return Some(u64::from(offset));
        }
        let place = NAMES + self.count * 28 + (offset & 0x7fff_ffff) as usize * 8;
        self.index.get(place..place + 8)?.try_into().ok().map(u64::from_be_bytes)
    }

    fn by_offset(&self) -> &[(u64, u32)] {
        // Made when it is first needed: of most packs no entry is copied.
        self.by_offset.get_or_init(|| {
            let mut all: Vec<_> =
                (0..self.count).filter_map(|at| Some((self.offset(at)?, u32::try_from(at).ok()?))).collect();
            all.par_sort_unstable();
            all
        })
    }

    /// Where the entry at a place of the index begins and ends in the pack.
    pub(super) fn span(&self, at: usize) -> Option<(u64, u64)> {
        let offset = self.offset(at)?;
        let all = self.by_offset();
        let next = all.partition_point(|(other, _)| *other <= offset);
        let end = all.get(next).map_or(self.end, |(next, _)| *next);
        (end > offset).then_some((offset, end))
    }

    /// The object whose entry begins at `offset`.
    pub(super) fn at_offset(&self, offset: u64) -> Option<Oid> {
        let all = self.by_offset();
        let place = all.binary_search_by_key(&offset, |(other, _)| *other).ok()?;
        self.oid(all[place].1 as usize)
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes)
}
