//! Sets and maps of objects.

use std::{
    collections::{HashMap, HashSet},
    hash::{BuildHasherDefault, Hasher},
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::names::Oid;

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

/// A set of objects.
pub(super) type OidSet = HashSet<Oid, BuildHasherDefault<Prefix>>;

/// What is known of objects.
pub(super) type OidMap<T> = HashMap<Oid, T, BuildHasherDefault<Prefix>>;

/// A set of objects that all cores fill at once.
pub(super) struct SharedSet(Box<[Mutex<OidSet>]>);

/// So many parts that cores seldom wait for each other.
const PARTS: usize = 64;

impl Default for SharedSet {
    fn default() -> Self {
        Self((0..PARTS).map(|_| Mutex::default()).collect())
    }
}

impl SharedSet {
    // The last byte has no part in the hash.
    fn part(&self, oid: &Oid) -> MutexGuard<'_, OidSet> {
        // Every insertion leaves a whole set, so that a panic elsewhere does not spoil it.
        self.0[usize::from(oid.as_bytes()[19]) % PARTS].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an object; false when it was there.
    pub(super) fn insert(&self, oid: Oid) -> bool {
        self.part(&oid).insert(oid)
    }

    /// Whether the object is in the set.
    pub(super) fn contains(&self, oid: &Oid) -> bool {
        self.part(oid).contains(oid)
    }
}
