//! pkt-lines: the frames of git's protocol, a length of four hexadecimal digits and the payload.
//!
//! Source: <https://git-scm.com/docs/gitprotocol-common#_pkt_line_format>,
//! <https://git-scm.com/docs/gitprotocol-v2#_packet_line_framing>

use bytes::{Buf, Bytes, BytesMut};
use futures_util::StreamExt;

use super::{ByteStream, WireError};
use crate::credential::OutsideText;

/// The longest frame, its length field included.
pub const MAX_FRAME: usize = 65_520;

/// The longest payload of one frame.
pub const MAX_PAYLOAD: usize = MAX_FRAME - 4;

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet {
    /// `0000`: the end of a list or of an answer.
    Flush,
    /// `0001`: the end of a section (protocol v2).
    Delimiter,
    /// `0002`: the end of an answer over a connection that stays (protocol v2).
    ResponseEnd,
    /// A payload, seldom empty.
    Data(Bytes),
}

/// The payload without the newline that may end it.
pub fn line(payload: &[u8]) -> &[u8] {
    payload.strip_suffix(b"\n").unwrap_or(payload)
}

/// Frames written one after the other: a request.
#[derive(Clone, Debug, Default)]
pub struct PacketWriter(BytesMut);

impl PacketWriter {
    /// Adds a line; a newline is put at its end. A line over [`MAX_PAYLOAD`] is an error, and nothing is added.
    pub fn line(&mut self, text: impl AsRef<[u8]>) -> Result<(), WireError> {
        let text = text.as_ref();
        // The length counts its own four digits and the newline.
        let length = text.len() + 5;
        if length > MAX_FRAME {
            return Err(WireError::protocol(format!("a line of {} bytes does not fit into a frame", text.len())));
        }
        self.0.extend_from_slice(format!("{length:04x}").as_bytes());
        self.0.extend_from_slice(text);
        self.0.extend_from_slice(b"\n");
        Ok(())
    }

    /// Adds `0000`.
    pub fn flush(&mut self) {
        self.0.extend_from_slice(b"0000");
    }

    /// Adds `0001`.
    pub fn delimiter(&mut self) {
        self.0.extend_from_slice(b"0001");
    }

    /// What was written.
    pub fn finish(self) -> Bytes {
        self.0.freeze()
    }
}

/// Takes bytes in pieces of any size and gives frames. It holds at most one frame that is not whole, and what was fed last.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: BytesMut,
}

impl Decoder {
    /// Takes more bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next frame, or `None` until more bytes are fed.
    pub fn decode(&mut self) -> Result<Option<Packet>, WireError> {
        let Some(field) = self.buffer.first_chunk::<4>() else { return Ok(None) };
        let packet = match length(*field)? {
            0 => Packet::Flush,
            1 => Packet::Delimiter,
            2 => Packet::ResponseEnd,
            length => {
                if self.buffer.len() < length {
                    return Ok(None);
                }
                // Split off without a copy: whole packs pass here.
                let mut frame = self.buffer.split_to(length);
                frame.advance(4);
                return Ok(Some(Packet::Data(frame.freeze())));
            }
        };
        self.buffer.advance(4);
        Ok(Some(packet))
    }

    /// Whether everything that was fed was given out.
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }
}

/// Looks for the flush in bytes that are passed on as they are. It holds no frame, however long.
#[derive(Debug, Default)]
pub struct Frames {
    field: [u8; 4],
    known: usize,
    payload: usize,
}

impl Frames {
    /// Where the first flush ends inside `piece`, which continues the pieces before it.
    pub fn flush_in(&mut self, piece: &[u8]) -> Result<Option<usize>, WireError> {
        let mut at = 0;
        while at < piece.len() {
            if self.payload > 0 {
                let skipped = self.payload.min(piece.len() - at);
                self.payload -= skipped;
                at += skipped;
                continue;
            }
            self.field[self.known] = piece[at];
            (self.known, at) = (self.known + 1, at + 1);
            if self.known == self.field.len() {
                self.known = 0;
                match length(self.field)? {
                    0 => return Ok(Some(at)),
                    length => self.payload = length.saturating_sub(4),
                }
            }
        }
        Ok(None)
    }
}

/// The length that a frame's first four bytes tell: 0, 1 and 2 are frames of their own.
fn length(field: [u8; 4]) -> Result<usize, WireError> {
    let mut bytes = [0; 2];
    if hex::decode_to_slice(field, &mut bytes).is_err() {
        let found = String::from_utf8_lossy(&field).escape_debug().to_string();
        return Err(WireError::protocol(format!("a frame begins with \"{found}\" instead of its length")));
    }
    let length = usize::from(u16::from_be_bytes(bytes));
    // Below 4 a length cannot count its own digits, and only 0, 1 and 2 have a meaning (gitprotocol-v2).
    if length == 3 || length > MAX_FRAME {
        return Err(WireError::protocol(format!("a frame claims a length of {length}")));
    }
    Ok(length)
}

/// Frames out of an answer.
pub struct PacketReader {
    bytes: ByteStream,
    decoder: Decoder,
}

impl PacketReader {
    /// Reads `bytes`.
    pub fn new(bytes: ByteStream) -> Self {
        Self { bytes, decoder: Decoder::default() }
    }

    /// The next frame; `None` at the end of the answer. An end inside a frame is [`WireError::CutOff`].
    pub async fn next(&mut self) -> Result<Option<Packet>, WireError> {
        // A server that sends faster than is read would keep this task from ever pausing, and so from its own timeout.
        tokio::task::consume_budget().await;
        loop {
            if let Some(packet) = self.decoder.decode()? {
                return Ok(Some(packet));
            }
            match self.bytes.next().await {
                Some(piece) => self.decoder.feed(&piece?),
                None if self.decoder.is_empty() => return Ok(None),
                None => return Err(WireError::CutOff),
            }
        }
    }

    /// Reads the little that may still come, so that the connection can be used again.
    pub async fn finish(mut self) {
        // Bounded: a server that never ends would hold the step for the sake of one connection.
        let mut rest = MAX_FRAME;
        while let Some(Ok(piece)) = self.bytes.next().await
            && let Some(less) = rest.checked_sub(piece.len())
        {
            rest = less;
        }
    }

    /// The next frame where the conversation must go on; its end there is [`WireError::CutOff`],
    /// an `ERR` line [`WireError::Remote`].
    pub async fn expect(&mut self) -> Result<Packet, WireError> {
        match self.next().await? {
            Some(Packet::Data(payload)) if payload.starts_with(b"ERR ") => Err(refusal(&payload[4..])),
            Some(packet) => Ok(packet),
            None => Err(WireError::CutOff),
        }
    }
}

pub(super) fn refusal(text: &[u8]) -> WireError {
    WireError::Remote(OutsideText::from_bytes(text.trim_ascii_end()))
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use proptest::prelude::*;

    use super::*;

    fn all(bytes: &[u8]) -> Result<Vec<Packet>, WireError> {
        let mut decoder = Decoder::default();
        decoder.feed(bytes);
        std::iter::from_fn(|| decoder.decode().transpose()).collect()
    }

    fn reader(pieces: &[&[u8]]) -> PacketReader {
        let pieces: Vec<_> = pieces.iter().map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        PacketReader::new(stream::iter(pieces).boxed())
    }

    #[test]
    fn the_flush_is_found_however_the_bytes_are_cut() {
        let bytes = b"0009hello00010004000bfoobar\n0000rest";
        let end = bytes.len() - 4;
        for size in 1..=bytes.len() {
            let (mut frames, mut passed, mut found) = (Frames::default(), 0, None);
            for piece in bytes.chunks(size) {
                if let Some(at) = frames.flush_in(piece).unwrap() {
                    found = Some(passed + at);
                    break;
                }
                passed += piece.len();
            }
            assert_eq!(found, Some(end), "{size}");
        }
        assert!(Frames::default().flush_in(b"zzzz").is_err());
        assert_eq!(Frames::default().flush_in(b"0009hello").unwrap(), None);
    }

    #[test]
    fn frames_are_read_as_the_documentation_shows_them() {
        assert_eq!(
            all(b"0006a\n0005a000bfoobar\n000400000001").unwrap(),
            [
                Packet::Data(Bytes::from_static(b"a\n")),
                Packet::Data(Bytes::from_static(b"a")),
                Packet::Data(Bytes::from_static(b"foobar\n")),
                Packet::Data(Bytes::new()),
                Packet::Flush,
                Packet::Delimiter,
            ]
        );
    }

    #[test]
    fn malformed_lengths_are_named() {
        for (bytes, named) in [(&b"0003"[..], "length of 3"), (b"fff1", "length of 65521"), (b"<htm", "\"<htm\"")] {
            let error = all(bytes).unwrap_err();
            assert!(matches!(&error, WireError::Protocol(found) if found.contains(named)), "{error:?}");
        }
    }

    #[test]
    fn a_line_that_fits_into_no_frame_is_refused() {
        let mut writer = PacketWriter::default();
        writer.line(vec![b'x'; MAX_PAYLOAD - 1]).unwrap();
        assert!(writer.line(vec![b'x'; MAX_PAYLOAD]).is_err());
        assert_eq!(all(&writer.finish()).unwrap().len(), 1);
    }

    #[tokio::test]
    async fn an_answer_that_ends_inside_a_frame_is_cut_off() {
        let mut whole = reader(&[b"00", b"06a\n00", b"00"]);
        assert_eq!(whole.expect().await.unwrap(), Packet::Data(Bytes::from_static(b"a\n")));
        assert_eq!(whole.expect().await.unwrap(), Packet::Flush);
        assert_eq!(whole.next().await.unwrap(), None);
        assert!(matches!(whole.expect().await, Err(WireError::CutOff)));
        assert!(matches!(reader(&[b"0009ab"]).next().await, Err(WireError::CutOff)));
        let error = reader(&[b"0018ERR access denied: x"]).expect().await.unwrap_err();
        assert!(matches!(&error, WireError::Remote(text) if *text == "access denied: x".into()), "{error:?}");
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic_and_are_never_kept_beyond_a_frame(bytes in prop::collection::vec(any::<u8>(), 0..4096)) {
            let mut decoder = Decoder::default();
            for piece in bytes.chunks(7) {
                decoder.feed(piece);
                loop {
                    match decoder.decode() {
                        Ok(Some(_)) => {}
                        Ok(None) => break,
                        Err(_) => return Ok(()),
                    }
                }
                prop_assert!(decoder.buffer.len() < MAX_FRAME);
            }
        }

        #[test]
        fn what_is_written_is_read_again_however_it_is_cut(
            lines in prop::collection::vec("[^\n]{0,80}", 0..20), cut in 1_usize..50,
        ) {
            let mut writer = PacketWriter::default();
            for line in &lines {
                writer.line(line).unwrap();
            }
            writer.flush();
            let mut decoder = Decoder::default();
            let mut read = Vec::new();
            for piece in writer.finish().chunks(cut) {
                decoder.feed(piece);
                while let Some(packet) = decoder.decode().unwrap() {
                    read.push(packet);
                }
            }
            prop_assert_eq!(read.pop(), Some(Packet::Flush));
            let read: Vec<_> = read
                .iter()
                .map(|packet| match packet {
                    Packet::Data(payload) => String::from_utf8(line(payload).to_vec()).unwrap(),
                    other => panic!("{other:?}"),
                })
                .collect();
            prop_assert_eq!(read, lines);
        }
    }
}
