//! A pack's bytes in their order, on their way to who sends them.

use sha1::{Digest, Sha1};
use tokio::sync::mpsc;

use super::{
    Piece, WORK, WireError,
    entry::PackEntry,
    internal,
    put::{OFS_DELTA, REF_DELTA, number_of, put_distance, put_header},
};
use crate::{
    checkout::{Copier, DeltaBase},
    ids::OidMap,
    names::Oid,
};

/// The pack while it grows.
pub(super) struct Output<'a> {
    sender: &'a mpsc::Sender<Result<Piece, WireError>>,
    checksum: Sha1,
    pub(super) bytes: Vec<u8>,
    /// Bytes that are sent.
    sent: u64,
    objects: u64,
    /// Where each object begins; only kept for packs with deltas.
    places: Option<OidMap<u64>>,
    listened_to: bool,
}

impl<'a> Output<'a> {
    pub(super) fn new(sender: &'a mpsc::Sender<Result<Piece, WireError>>, places: bool) -> Self {
        let places = places.then(OidMap::default);
        Self { sender, checksum: Sha1::new(), bytes: Vec::new(), sent: 0, objects: 0, places, listened_to: true }
    }

    /// Takes note that `entry` begins `ahead` bytes from here.
    pub(super) fn begin(&mut self, entry: &PackEntry, ahead: u64) {
        self.objects += 1;
        let place = self.sent + self.bytes.len() as u64 + ahead;
        if let Some(places) = &mut self.places {
            places.insert(entry.oid(), place);
        }
    }

    pub(super) fn copy(&mut self, entry: &PackEntry, copier: &mut Copier) -> Result<(), WireError> {
        let PackEntry::Stored(stored) = entry else { return Err(internal("only entries of packs are copied")) };
        let here = self.sent + self.bytes.len() as u64;
        self.begin(entry, 0);
        let place = |base: &Oid| self.places.as_ref().and_then(|places| places.get(base)).copied();
        match stored.base {
            DeltaBase::None => put_header(number_of(stored.kind), stored.size, &mut self.bytes),
            DeltaBase::Sent(base) => match place(&base) {
                Some(place) => {
                    put_header(OFS_DELTA, stored.size, &mut self.bytes);
                    put_distance(here - place, &mut self.bytes);
                }
                // The base follows later in this pack, where a distance cannot point.
                None => self.put_base(base, stored.size),
            },
            DeltaBase::Known(base) => self.put_base(base, stored.size),
        }
        copier.copy(stored, |piece| {
            self.bytes.extend_from_slice(piece);
            // A copied entry can have gigabytes: it leaves in pieces.
            if self.bytes.len() as u64 > 2 * WORK {
                self.flush();
            }
        })?;
        Ok(())
    }

    fn put_base(&mut self, base: Oid, size: u64) {
        put_header(REF_DELTA, size, &mut self.bytes);
        self.bytes.extend_from_slice(base.as_bytes());
    }

    /// Sends what there is; false when nobody listens any more.
    pub(super) fn flush(&mut self) -> bool {
        self.send(false);
        self.listened_to
    }

    pub(super) fn end(mut self) {
        self.checksum.update(&self.bytes);
        let checksum = std::mem::take(&mut self.checksum).finalize();
        self.bytes.extend_from_slice(&checksum);
        let piece = Piece { bytes: std::mem::take(&mut self.bytes).into(), objects: self.objects, last: true };
        // A receiver that is gone has given the push up.
        let _ = self.sender.blocking_send(Ok(piece));
    }

    fn send(&mut self, last: bool) {
        self.checksum.update(&self.bytes);
        self.sent += self.bytes.len() as u64;
        let piece = Piece { bytes: std::mem::take(&mut self.bytes).into(), objects: self.objects, last };
        self.listened_to &= self.sender.blocking_send(Ok(piece)).is_ok();
    }
}
