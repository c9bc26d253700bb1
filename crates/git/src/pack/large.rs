//! Large files: read, hashed and deflated block by block, each block on a core of its own.

use sha1::{Digest, Sha1};
use zlib_rs::adler32::{adler32, adler32_combine};

use super::{
    PackedWork, WireError, changed,
    entry::PackEntry,
    internal,
    put::{number_of, put_header},
    unreadable,
};
use crate::{deflate, format::ObjectKind, system::fill_at};

/// Reads and deflates a part of a large file.
pub(super) fn pack_block(entry: &PackEntry, offset: u64, length: usize) -> Result<PackedWork, WireError> {
    let PackEntry::File { size, place, .. } = entry else { return Err(internal("only files have blocks")) };
    let mut content = vec![0; length];
    let (file, _) = place.open().map_err(|error| unreadable(place, &error))?;
    let fill = |buffer: &mut [u8], offset| fill_at(&file, buffer, offset).map_err(|error| unreadable(place, &error));
    let last = offset + length as u64 == *size;
    // A file that shrank or grew since it was hashed is not the object that its tree names.
    if fill(&mut content, offset)? < length || last && fill(&mut [0], *size)? > 0 {
        return Err(changed(place));
    }
    let mut packed = Vec::new();
    // Only the first block has a header; the checksum follows the last one.
    if offset == 0 {
        put_header(number_of(ObjectKind::Blob), *size, &mut packed);
        packed.extend_from_slice(&deflate::ZLIB_HEADER);
    }
    deflate::block(&content, last, &mut packed).map_err(|error| internal(&error))?;
    Ok(PackedWork { packed, begins: Vec::new(), content })
}

/// What is computed from the beginning of a large file to its end: its id, and zlib's checksum.
#[derive(Default)]
pub(super) struct LargeFileSums(Option<(Sha1, u32)>);

impl LargeFileSums {
    pub(super) fn take(&mut self, entry: &PackEntry, offset: u64, content: &[u8]) {
        if offset == 0 {
            // Adler-32 begins at 1 (RFC 1950).
            self.0 = Some((entry.kind().hasher(entry.size()), 1));
        }
        if let Some((hasher, checksum)) = &mut self.0 {
            hasher.update(content);
            *checksum = adler32_combine(*checksum, adler32(1, content), content.len() as u64);
        }
    }

    pub(super) fn end(&mut self, entry: &PackEntry) -> Result<[u8; 4], WireError> {
        let (hasher, checksum) = self.0.take().ok_or_else(|| internal("a file ended before it began"))?;
        if let PackEntry::File { oid, place, .. } = entry
            && hasher.finalize()[..] != oid.as_bytes()[..]
        {
            return Err(changed(place));
        }
        Ok(checksum.to_be_bytes())
    }
}
