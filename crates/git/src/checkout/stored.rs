//! An entry of one of the checkout's packs, and how it is copied.

use std::sync::Arc;

use flate2::Crc;

use super::{packs::PackFile, unreadable};
use crate::{diagnosis::errors::CheckoutError, format::ObjectKind, names::Oid, system::fill_at};

/// A part of a pack in memory; what lies side by side is read at once.
pub(super) struct Window {
    pack: Option<Arc<PackFile>>,
    begin: u64,
    bytes: Vec<u8>,
    size: usize,
}

impl Window {
    pub(super) fn new(size: usize) -> Self {
        Self { pack: None, begin: 0, bytes: Vec::new(), size }
    }

    /// The bytes from `at` on: `least` of them, or all that the file has, or more.
    pub(super) fn read(&mut self, pack: &Arc<PackFile>, at: u64, least: usize) -> Result<&[u8], CheckoutError> {
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

pub(super) fn fill(pack: &PackFile, buffer: &mut [u8], at: u64) -> Result<usize, CheckoutError> {
    fill_at(pack.file(), buffer, at).map_err(|error| unreadable::unreadable(pack.path(), &error))
}

pub(super) fn damaged(pack: &PackFile) -> CheckoutError {
    unreadable::unreadable(pack.path(), &"it is damaged")
}

/// How much is read at once: of entries that are copied, and of such whose heads are looked at.
const WINDOW: usize = 256 * 1024;

/// What an entry is made against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeltaBase {
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
    pub(crate) base: DeltaBase,
    pub(super) pack: Arc<PackFile>,
    pub(super) at: usize,
    /// Where the entry, its deflated bytes and the next entry begin.
    pub(super) begin: u64,
    pub(super) body: u64,
    pub(super) end: u64,
}

impl StoredEntry {
    /// How many deflated bytes it has.
    pub(crate) fn length(&self) -> u64 {
        self.end - self.body
    }
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
    pub(crate) fn copy(&mut self, entry: &StoredEntry, mut take: impl FnMut(&[u8])) -> Result<(), CheckoutError> {
        let mut crc = Crc::new();
        let mut at = entry.begin;
        while at < entry.end {
            let left = usize::try_from(entry.end - at).unwrap_or(usize::MAX);
            let piece = self.0.read(&entry.pack, at, 1)?;
            let piece = &piece[..piece.len().min(left)];
            if piece.is_empty() {
                return Err(damaged(&entry.pack));
            }
            // The index's checksum covers the entry's head too, which is written anew and so not handed on.
            crc.update(piece);
            let skip = usize::try_from(entry.body.saturating_sub(at)).unwrap_or(usize::MAX).min(piece.len());
            take(&piece[skip..]);
            at += piece.len() as u64;
        }
        // After the bytes went out, since an entry can have gigabytes. The failure ends the stream before the pack's
        // own checksum, so that the server takes in nothing.
        if entry.pack.crc(entry.at) == Some(crc.sum()) { Ok(()) } else { Err(damaged(&entry.pack)) }
    }
}
