//! Deflate for packs: whole objects, and blocks of large ones that are deflated side by side.
//!
//! What does not shrink is stored: media and archives are most of the bytes of a site.
//!
//! Source: <https://www.rfc-editor.org/rfc/rfc1950>, <https://www.rfc-editor.org/rfc/rfc1951>

use std::cell::RefCell;

use flate2::{Compress, Compression, FlushCompress, Status};

/// How much is deflated to see whether it shrinks, by a 32nd at least: that stores a third more of media files than "at all" does, and
/// costs 0.6 % of their size.
const SAMPLE: usize = 4 * 1024;

/// The level of git's own default.
const LEVEL: u32 = 6;

/// The header of a zlib stream with a window of 32 KiB.
pub(super) const ZLIB_HEADER: [u8; 2] = [0x78, 0x01];

thread_local! {
    static DEFLATERS: RefCell<Deflaters> = RefCell::new(Deflaters::new());
}

/// The state of deflate is some 300 kB: each thread makes it once.
struct Deflaters {
    zlib: Compress,
    zlib_stored: Compress,
    raw: Compress,
    raw_stored: Compress,
    sample: Vec<u8>,
}

impl Deflaters {
    fn new() -> Self {
        let with = |level, header| Compress::new(Compression::new(level), header);
        Self {
            zlib: with(LEVEL, true),
            zlib_stored: with(0, true),
            raw: with(LEVEL, false),
            raw_stored: with(0, false),
            sample: Vec::new(),
        }
    }

    fn shrinks(&mut self, content: &[u8]) -> Result<bool, flate2::CompressError> {
        if content.len() <= SAMPLE {
            return Ok(true);
        }
        self.sample.clear();
        run(&mut self.raw, &content[..SAMPLE], FlushCompress::Finish, &mut self.sample)?;
        Ok(self.sample.len() < SAMPLE - SAMPLE / 32)
    }
}

/// Whether `content` is worth to be deflated, judged by its beginning.
pub(super) fn shrinks(content: &[u8]) -> Result<bool, flate2::CompressError> {
    DEFLATERS.with_borrow_mut(|deflaters| deflaters.shrinks(content))
}

/// Adds a whole zlib stream of `content` to `out`.
pub(super) fn whole(content: &[u8], out: &mut Vec<u8>) -> Result<(), flate2::CompressError> {
    whole_as(content, shrinks(content)?, out)
}

/// The same where it is known whether the content shrinks.
pub(super) fn whole_as(content: &[u8], shrinks: bool, out: &mut Vec<u8>) -> Result<(), flate2::CompressError> {
    DEFLATERS.with_borrow_mut(|deflaters| {
        let deflater = if shrinks { &mut deflaters.zlib } else { &mut deflaters.zlib_stored };
        run(deflater, content, FlushCompress::Finish, out)
    })
}

/// Adds one block of a deflate stream to `out`. Blocks know nothing of each other and end at a byte: put one after the other they
/// are one stream, which the last one ends. The zlib header before and the checksum behind them are the caller's.
pub(super) fn block(content: &[u8], last: bool, out: &mut Vec<u8>) -> Result<(), flate2::CompressError> {
    DEFLATERS.with_borrow_mut(|deflaters| {
        let shrinks = deflaters.shrinks(content)?;
        // A sync flush ends at a whole byte, so that blocks of several threads can follow each other (RFC 1951).
        let deflater = if shrinks { &mut deflaters.raw } else { &mut deflaters.raw_stored };
        run(deflater, content, if last { FlushCompress::Finish } else { FlushCompress::Sync }, out)
    })
}

fn run(
    deflater: &mut Compress,
    mut content: &[u8],
    flush: FlushCompress,
    out: &mut Vec<u8>,
) -> Result<(), flate2::CompressError> {
    // One that failed half-way would go on with its old content in the next object.
    deflater.reset();
    let finish = matches!(flush, FlushCompress::Finish);
    loop {
        // `compress_vec` fills spare capacity only and never makes the vector grow.
        out.reserve(content.len() / 2 + 256);
        let before = deflater.total_in();
        let status = deflater.compress_vec(content, out, flush)?;
        let read = usize::try_from(deflater.total_in() - before).unwrap_or(content.len());
        content = &content[read..];
        // A flush is whole when it left room in what it was given.
        if status == Status::StreamEnd || !finish && content.is_empty() && out.len() < out.capacity() {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::ZlibDecoder;
    use proptest::prelude::*;

    use super::*;

    fn noise(length: usize) -> Vec<u8> {
        let mut state = 1_u32;
        std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .take(length)
        .collect()
    }

    fn inflate(packed: &[u8]) -> Vec<u8> {
        let mut content = Vec::new();
        ZlibDecoder::new(packed).read_to_end(&mut content).unwrap();
        content
    }

    fn in_blocks(content: &[u8], size: usize) -> Vec<u8> {
        let mut out = ZLIB_HEADER.to_vec();
        let blocks: Vec<_> = content.chunks(size).collect();
        for (index, piece) in blocks.iter().enumerate() {
            block(piece, index + 1 == blocks.len(), &mut out).unwrap();
        }
        out.extend_from_slice(&zlib_rs::adler32::adler32(1, content).to_be_bytes());
        out
    }

    #[test]
    fn noise_is_stored_and_text_is_deflated() {
        let noise = noise(300_000);
        let text = b"all work and no play ".repeat(20_000);
        for (content, from, to) in [(&noise, 300_000, 300_100), (&text, 100, 10_000)] {
            let mut packed = Vec::new();
            whole(content, &mut packed).unwrap();
            for packed in [packed, in_blocks(content, 50_000)] {
                assert!((from..to).contains(&packed.len()), "{}", packed.len());
                assert!(inflate(&packed) == *content);
            }
        }
    }

    proptest! {
        #[test]
        fn what_was_deflated_is_inflated_again(
            content in prop::collection::vec(any::<u8>(), 1..3_000), repeat in 1_usize..40, size in 1_usize..20_000,
        ) {
            let content = content.repeat(repeat);
            let mut packed = Vec::new();
            whole(&content, &mut packed).unwrap();
            prop_assert!(inflate(&packed) == content);
            prop_assert!(inflate(&in_blocks(&content, size)) == content);
        }
    }
}
