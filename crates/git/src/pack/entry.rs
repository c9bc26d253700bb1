//! What a pack is made of.

use bytes::Bytes;

use super::LARGE;
use crate::{
    checkout::{DeltaBase, LocalObject, StoredEntry},
    format::ObjectKind,
    names::Oid,
    system::Place,
};

/// An object to send.
#[derive(Clone, Debug)]
pub enum PackEntry {
    /// A blob whose content lies in a file.
    File {
        /// The blob's id; the content is checked against it while it is read.
        oid: Oid,
        /// The file's size in bytes.
        size: u64,
        /// Where the file lies.
        place: Place,
    },
    /// An object whose content is here.
    Data {
        /// The kind.
        kind: ObjectKind,
        /// The object's id; it must be that of the content.
        oid: Oid,
        /// The content.
        content: Bytes,
    },
    /// An object of the checkout that is deflated anew.
    Local(LocalObject),
    /// An entry of one of the checkout's packs, sent as it is there.
    Stored(StoredEntry),
}

impl PackEntry {
    /// The object's id.
    pub fn oid(&self) -> Oid {
        match self {
            Self::File { oid, .. } | Self::Data { oid, .. } => *oid,
            Self::Local(object) => object.oid,
            Self::Stored(entry) => entry.oid,
        }
    }

    /// The content's length in bytes; of a stored entry what it has deflated, since nothing else is known without reading it.
    pub fn size(&self) -> u64 {
        match self {
            Self::File { size, .. } => *size,
            Self::Data { content, .. } => content.len() as u64,
            Self::Local(object) => object.size,
            Self::Stored(entry) => entry.length(),
        }
    }

    /// Whether the object may be larger than `size` bytes: of what is deflated already that is not known without reading it.
    pub fn may_be(&self, size: u64) -> bool {
        match self {
            // Deflate makes nothing smaller than a thousandth.
            Self::Stored(entry) => entry.size > size || entry.base != DeltaBase::None && entry.length() > size / 1032,
            other => other.size() > size,
        }
    }

    /// Whether the object may be shorter than `size` bytes: of a delta that is not known without reading it.
    pub fn may_be_below(&self, size: u64) -> bool {
        match self {
            Self::Stored(entry) => entry.base != DeltaBase::None || entry.size < size,
            other => other.size() < size,
        }
    }

    /// The object's kind.
    pub fn kind(&self) -> ObjectKind {
        match self {
            Self::File { .. } => ObjectKind::Blob,
            Self::Data { kind, .. } => *kind,
            Self::Local(object) => object.kind,
            Self::Stored(entry) => entry.kind,
        }
    }

    /// The object, and the one of the same pack that it is stored as a delta against.
    pub(crate) fn base_in_pack(&self) -> Option<(Oid, Oid)> {
        match self {
            Self::Stored(StoredEntry { oid, base: DeltaBase::Sent(base), .. }) => Some((*oid, *base)),
            _ => None,
        }
    }

    pub(super) fn is_large(&self) -> bool {
        matches!(self, Self::File { size, .. } if *size > LARGE)
    }

    pub(super) fn is_stored(&self) -> bool {
        matches!(self, Self::Stored(_))
    }
}
