//! Entries of a pack as bytes.
//!
//! Source: <https://git-scm.com/docs/gitformat-pack>

use crate::{WireError, checkout::ObjectForm, deflate, format::ObjectKind};

use super::internal;

/// A delta against an object before it in the pack.
pub(super) const OFS_DELTA: u8 = 6;

/// A delta against any object.
pub(super) const REF_DELTA: u8 = 7;

pub(super) fn number_of(kind: ObjectKind) -> u8 {
    match kind {
        ObjectKind::Commit => 1,
        ObjectKind::Tree => 2,
        ObjectKind::Blob => 3,
        ObjectKind::Tag => 4,
    }
}

fn put_whole(kind: ObjectKind, content: &[u8], out: &mut Vec<u8>) -> Result<(), WireError> {
    put_header(number_of(kind), content.len() as u64, out);
    deflate::whole(content, out).map_err(|error| internal(&error))
}

/// A whole object; `shrinks` is what [`deflate::shrinks`] says of the content.
pub(super) fn put_deflated(
    kind: ObjectKind,
    content: &[u8],
    shrinks: bool,
    out: &mut Vec<u8>,
) -> Result<(), WireError> {
    put_header(number_of(kind), content.len() as u64, out);
    deflate::whole_as(content, shrinks, out).map_err(|error| internal(&error))
}

pub(super) fn put_form(kind: ObjectKind, form: ObjectForm<'_>, out: &mut Vec<u8>) -> Result<(), WireError> {
    match form {
        ObjectForm::Whole(content) => put_whole(kind, content, out),
        ObjectForm::Delta(base, delta) => {
            put_header(REF_DELTA, delta.len() as u64, out);
            // The id of the base stands between header and data, and is not deflated.
            out.extend_from_slice(base.as_bytes());
            deflate::whole(&delta, out).map_err(|error| internal(&error))
        }
    }
}

/// How far back the base of a delta lies: groups of 7 bits, the highest first, each but the last one less than it says.
pub(super) fn put_distance(mut distance: u64, out: &mut Vec<u8>) {
    let mut groups = vec![(distance & 0x7f) as u8];
    distance >>= 7;
    while distance > 0 {
        // Git leaves the values out that fewer groups can say, so that each distance has one form.
        distance -= 1;
        groups.push((distance & 0x7f) as u8 | 0x80);
        distance >>= 7;
    }
    out.extend(groups.into_iter().rev());
}

/// The header of an entry: its type, and its size in groups of 4, 7, 7, … bits.
pub(super) fn put_header(kind: u8, size: u64, out: &mut Vec<u8>) {
    // The first byte has room for four bits of the size, as three hold the type.
    let mut byte = kind << 4 | (size & 0x0f) as u8;
    let mut rest = size >> 4;
    while rest > 0 {
        out.push(byte | 0x80);
        byte = (rest & 0x7f) as u8;
        rest >>= 7;
    }
    out.push(byte);
}
