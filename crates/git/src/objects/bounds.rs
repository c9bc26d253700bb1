//! What a pack claims of its objects, looked at while it passes: libgit2 sets aside the memory that a pack asks for, and a
//! pack of a kilobyte may ask for terabytes.
//!
//! Nothing is kept but the place in the pack. What is malformed is left to the indexer, which says what is wrong.
//!
//! NOTE: a delta that names its base by id is refused. None was asked for (`ofs-delta` is), and libgit2 1.9 looks for ever for
//! the base of one whose result it cannot store (`resolve_deltas` in `indexer.c`): ninety bytes suffice.
//!
//! Source: <https://git-scm.com/docs/gitformat-pack>

use flate2::{Decompress, FlushDecompress, Status};

/// How many objects a pack may hold: more than the files of the largest repositories.
const MAX_OBJECTS: u32 = 4_000_000;

/// The largest commit, tree or tag, in bytes: a folder of some eight hundred thousand entries.
pub(super) const MAX_OBJECT: u64 = 32 * 1024 * 1024;

/// The largest object that is stored as a delta, in bytes: both its sides are held in memory, whatever kind it is. GitHub
/// takes no file above 100 MiB.
const MAX_DELTA: u64 = 128 * 1024 * 1024;

/// What all objects may have together once they are inflated, in bytes. Large files pass through; this is about time.
const MAX_CONTENT: u64 = 16 * 1024 * 1024 * 1024;

/// A pack that asks for too much, in words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Excess(String);

/// Where in the pack the next byte stands.
enum PackPosition {
    /// In the pack's header, so many bytes of it known.
    Header([u8; 12], usize),
    /// In the header of an entry: its kind, its size so far and by how much the next bits are shifted.
    Entry(Option<(u8, u64, u32)>),
    /// In the distance of a delta's base.
    Distance,
    /// In deflated content, of which so many bytes came out. Of a delta the first bytes are kept: they tell two sizes.
    Content { delta: bool, out: u64, head: Vec<u8> },
    /// Behind the last entry, or behind something that the indexer will refuse.
    End,
}

/// Follows a pack, whatever pieces it comes in.
pub(super) struct PackBounds {
    place: PackPosition,
    inflate: Decompress,
    /// Entries that are still to come.
    left: u32,
    size: u64,
    kind: u8,
    total: u64,
}

impl PackBounds {
    pub(super) fn new() -> Self {
        let inflate = Decompress::new(true);
        Self { place: PackPosition::Header([0; 12], 0), inflate, left: 0, size: 0, kind: 0, total: 0 }
    }

    /// Looks at the pack's next bytes.
    pub(super) fn look(&mut self, mut bytes: &[u8]) -> Result<(), Excess> {
        while let Some((first, rest)) = bytes.split_first() {
            let first = *first;
            match &mut self.place {
                PackPosition::Header(header, known) => {
                    header[*known] = first;
                    *known += 1;
                    // The number of objects is the last of the header's three numbers.
                    if let (Some(count), 12) = (header.last_chunk(), *known) {
                        self.left = u32::from_be_bytes(*count);
                        if self.left > MAX_OBJECTS {
                            return Err(Excess(format!("it claims {} objects", self.left)));
                        }
                        self.next();
                    }
                }
                PackPosition::Entry(known) => {
                    let (kind, size, shift) = match *known {
                        None => ((first >> 4) & 7, u64::from(first & 15), 4),
                        Some((kind, size, shift)) => (kind, size | shifted(first, shift)?, shift + 7),
                    };
                    *known = Some((kind, size, shift));
                    if first & 0x80 == 0 {
                        self.begin(kind, size)?;
                    }
                }
                PackPosition::Distance if first & 0x80 == 0 => self.place = content(true),
                PackPosition::Distance => {}
                PackPosition::Content { .. } => {
                    bytes = self.inflate(bytes)?;
                    continue;
                }
                // The checksum behind the last entry is the indexer's business.
                PackPosition::End => return Ok(()),
            }
            bytes = rest;
        }
        Ok(())
    }

    /// Goes to the next entry, if there is one.
    fn next(&mut self) {
        self.place = if self.left == 0 { PackPosition::End } else { PackPosition::Entry(None) };
        self.left = self.left.saturating_sub(1);
    }

    fn begin(&mut self, kind: u8, size: u64) -> Result<(), Excess> {
        let limit = match kind {
            1 | 2 | 4 => MAX_OBJECT,
            6 => MAX_DELTA,
            7 => return Err(Excess("it holds a delta whose base is named by its id".to_owned())),
            _ => MAX_CONTENT,
        };
        self.total = self.total.saturating_add(size);
        if size > limit || self.total > MAX_CONTENT {
            return Err(Excess(format!("it claims an object of {size} bytes")));
        }
        // Each entry is a zlib stream by itself.
        self.inflate.reset(true);
        (self.kind, self.size) = (kind, size);
        self.place = match kind {
            6 => PackPosition::Distance,
            1..=4 => content(false),
            _ => PackPosition::End,
        };
        Ok(())
    }

    /// Inflates what belongs to this entry; the answer is what follows it.
    fn inflate<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], Excess> {
        // The content is thrown away: its length is what counts.
        let mut buffer = [0; 16 * 1024];
        let (before_in, before_out) = (self.inflate.total_in(), self.inflate.total_out());
        let status = self.inflate.decompress(bytes, &mut buffer, FlushDecompress::None);
        let taken = usize::try_from(self.inflate.total_in() - before_in).unwrap_or(bytes.len());
        let made = usize::try_from(self.inflate.total_out() - before_out).unwrap_or_default();
        let PackPosition::Content { delta, out, head } = &mut self.place else { return Ok(&[]) };
        *out += made as u64;
        // Two sizes, each of at most ten bytes.
        if *delta && head.len() < 20 {
            head.extend_from_slice(&buffer[..made.min(20)]);
            for size in sizes(head) {
                self.total = self.total.saturating_add(size);
                if size > MAX_DELTA || self.total > MAX_CONTENT {
                    return Err(Excess(format!("it claims an object of {size} bytes as a delta")));
                }
            }
        }
        let more = *out > self.size;
        match status {
            Ok(Status::StreamEnd) if !more => self.next(),
            // Neither forward nor back, damaged, or longer than it said: the indexer refuses it.
            Ok(_) if !more && taken + made > 0 => {}
            _ => self.place = PackPosition::End,
        }
        Ok(&bytes[taken..])
    }
}

fn content(delta: bool) -> PackPosition {
    PackPosition::Content { delta, out: 0, head: Vec::new() }
}

fn shifted(byte: u8, shift: u32) -> Result<u64, Excess> {
    let bits = u64::from(byte & 0x7f);
    let moved = bits.checked_shl(shift).filter(|moved| moved >> shift == bits);
    moved.ok_or_else(|| Excess("it claims an object without end".to_owned()))
}

/// The two sizes that a delta begins with, its base's and its result's, as far as they are known.
fn sizes(head: &[u8]) -> impl Iterator<Item = u64> {
    let mut bytes = head.iter();
    std::iter::from_fn(move || {
        let (mut size, mut shift) = (0_u64, 0);
        loop {
            let byte = *bytes.next()?;
            size |= shifted(byte, shift).unwrap_or(u64::MAX);
            if byte & 0x80 == 0 {
                return Some(size);
            }
            shift += 7;
        }
    })
    .take(2)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::ZlibEncoder};
    use proptest::prelude::*;

    use super::*;

    fn pack(count: u32, entries: &[(u8, u64, &[u8], &[u8])]) -> Vec<u8> {
        let mut pack = [*b"PACK", 2_u32.to_be_bytes(), count.to_be_bytes()].concat();
        for (kind, size, base, content) in entries {
            let (mut byte, mut rest) = (kind << 4 | u8::try_from(size & 15).unwrap(), size >> 4);
            while rest > 0 {
                pack.push(byte | 0x80);
                (byte, rest) = (u8::try_from(rest & 0x7f).unwrap(), rest >> 7);
            }
            pack.push(byte);
            pack.extend_from_slice(base);
            let mut deflated = ZlibEncoder::new(Vec::new(), Compression::fast());
            deflated.write_all(content).unwrap();
            pack.extend(deflated.finish().unwrap());
        }
        pack.extend([0; 20]);
        pack
    }

    /// What is said of a pack in pieces of `size`, and whether it was followed to its last entry.
    fn seen(pack: &[u8], size: usize) -> (Result<(), Excess>, bool) {
        let mut claims = PackBounds::new();
        let looked = pack.chunks(size).try_for_each(|piece| claims.look(piece));
        (looked, matches!(claims.place, PackPosition::End) && claims.left == 0)
    }

    #[test]
    fn an_ordinary_pack_is_followed_to_its_end_however_it_is_cut() {
        let long = vec![b'x'; 100_000];
        let delta = [&[0xa0, 0x8d, 0x06, 5][..], b"\x05hello"].concat();
        let pack = pack(3, &[(3, 100_000, b"", &long), (1, 0, b"", b""), (6, delta.len() as u64, &[0x80, 5], &delta)]);
        for size in [1, 2, 7, 100, pack.len()] {
            assert_eq!(seen(&pack, size), (Ok(()), true), "{size}");
        }
    }

    #[test]
    fn what_asks_for_too_much_is_named() {
        let delta = [0x01, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01];
        for (pack, words) in [
            (pack(4_000_000_000, &[]), "4000000000 objects"),
            (pack(1, &[(2, 1 << 40, b"", b"")]), "object of 1099511627776 bytes"),
            (pack(1, &[(3, u64::MAX, b"", b"")]), "object of 18446744073709551615 bytes"),
            (pack(1, &[(6, 7, &[1], &delta)]), "34359738368 bytes as a delta"),
            (pack(1, &[(7, 7, &[7; 20], &delta)]), "named by its id"),
            ([&pack(1, &[])[..12], &[0xb0], &[0xff; 12]].concat(), "without end"),
        ] {
            for size in [1, 5, pack.len()] {
                let (looked, _) = seen(&pack, size);
                assert!(looked.clone().is_err_and(|excess| excess.0.contains(words)), "{words}: {looked:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_neither_panic_nor_halt(bytes in prop::collection::vec(any::<u8>(), 0..300), count in 0_u32..9, cut in 1_usize..50) {
            let whole = [&pack(count, &[])[..12], &bytes].concat();
            let _ = seen(&whole, cut);
        }
    }
}
