//! The sideband: three streams in one. Band 1 is data, band 2 is text for a person, band 3 is text that ends it all.
//!
//! Source: <https://git-scm.com/docs/gitprotocol-pack#_packfile_data>

use bytes::{Buf, Bytes};

use super::{WireError, pktline::refusal};
use crate::{
    credential::OutsideText,
    progress::{Event, Watch},
};

/// How much of the server's text is kept.
const TEXT_LIMIT: usize = 64 * 1024;

/// How much of one line is kept.
const LINE_LIMIT: usize = 4 * 1024;

/// What stands at the end of a line that was cut.
const CUT: &str = "…";

/// Takes the bands apart.
#[derive(Debug, Default)]
pub struct Demultiplexer {
    /// What the server said on band 2.
    pub lines: RemoteLines,
}

impl Demultiplexer {
    /// Takes the payload of one frame: `Some` is data of band 1.
    /// Band 3 is [`WireError::Remote`], with the text of band 2 before its own words.
    pub fn take(&mut self, mut payload: Bytes) -> Result<Option<Bytes>, WireError> {
        if !payload.has_remaining() {
            return Ok(None);
        }
        match payload.get_u8() {
            1 => Ok(Some(payload)),
            2 => {
                self.lines.feed(&payload);
                Ok(None)
            }
            3 => {
                // The last words begin a line even when band 2 has left one open.
                self.lines.feed(b"\n");
                self.lines.feed(&payload);
                Err(WireError::Remote(self.lines.clone().finish()))
            }
            // NOTE: some servers put an ERR line where sideband is due.
            b'E' if payload.starts_with(b"RR ") => Err(refusal(&payload[3..])),
            band => Err(WireError::protocol(format!("there is a sideband {band}"))),
        }
    }
}

/// Text for a person that comes in arbitrary pieces, put together to lines. Progress (`…%\r`) is left out.
#[derive(Clone, Debug, Default)]
pub struct RemoteLines {
    text: String,
    /// How much of `text` was shown already, in bytes.
    shown: usize,
    left_out: usize,
    partial: Vec<u8>,
}

impl RemoteLines {
    /// Takes a piece.
    pub fn feed(&mut self, piece: &[u8]) {
        for part in piece.split_inclusive(|byte| matches!(byte, b'\n' | b'\r')) {
            let (content, end) = match part.split_last() {
                Some((end @ (b'\n' | b'\r'), content)) => (content, Some(*end)),
                _ => (part, None),
            };
            // A hook can print a line without end.
            let room = LINE_LIMIT.saturating_sub(self.partial.len());
            self.partial.extend_from_slice(&content[..content.len().min(room)]);
            // The redactor knows by the mark that a secret may have been cut through.
            if content.len() > room && !self.partial.ends_with(CUT.as_bytes()) {
                self.partial.extend_from_slice(CUT.as_bytes());
            }
            match end {
                Some(b'\n') => self.end_line(),
                // A carriage return begins the line anew: progress, which the next piece replaces.
                Some(_) => self.partial.clear(),
                None => {}
            }
        }
    }

    /// Shows the lines that ended since the last call: a hook that runs for minutes is heard while it does.
    pub fn show(&mut self, watch: &dyn Watch) {
        self.text[self.shown..].lines().for_each(|line| watch.see(Event::Remote(line.into())));
        self.shown = self.text.len();
    }

    /// As [`Self::show`], with what stands at the end without a newline.
    pub fn show_rest(&mut self, watch: &dyn Watch) {
        if !self.partial.is_empty() {
            self.end_line();
        }
        self.show(watch);
        if self.left_out > 0 {
            watch.see(Event::Remote(format!("({} more lines)", self.left_out).into()));
        }
    }

    /// The lines, each without trailing blanks, with a newline between them and none at the end.
    pub fn finish(mut self) -> OutsideText {
        self.end_line();
        if self.left_out > 0 {
            self.text = self.text + "(" + &self.left_out.to_string() + " more lines)\n";
        }
        self.text.truncate(self.text.trim_end().len());
        self.text.into()
    }

    fn end_line(&mut self) {
        let line = String::from_utf8_lossy(&self.partial);
        let line = line.trim_end();
        if self.text.len() + line.len() > TEXT_LIMIT {
            self.left_out += 1;
        } else if !(line.is_empty() && self.text.is_empty()) {
            self.text.push_str(line);
            self.text.push('\n');
        }
        self.partial.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_in_pieces_becomes_lines_and_progress_is_left_out() {
        let mut demultiplexer = Demultiplexer::default();
        for piece in [
            &b"\x02Resolving deltas:  50% (1/2)\rResolving"[..],
            b"\x02 deltas: 100% (2/2)\r",
            b"\x02err",
            b"\x02or: GH0",
        ] {
            assert_eq!(demultiplexer.take(Bytes::copy_from_slice(piece)).unwrap(), None);
        }
        assert_eq!(demultiplexer.take(Bytes::from_static(b"\x01data")).unwrap(), Some(Bytes::from_static(b"data")));
        demultiplexer.take(Bytes::from_static(b"\x0206: Protected   \n\nlast")).unwrap();
        assert_eq!(demultiplexer.lines.finish(), "error: GH006: Protected\n\nlast".into());
    }

    #[test]
    fn band_three_ends_it_with_all_that_was_said() {
        let mut demultiplexer = Demultiplexer::default();
        demultiplexer.take(Bytes::from_static(b"\x02first")).unwrap();
        let error = demultiplexer.take(Bytes::from_static(b"\x03fatal: pack exceeds\n")).unwrap_err();
        assert!(matches!(&error, WireError::Remote(text) if *text == "first\nfatal: pack exceeds".into()), "{error:?}");
        assert!(matches!(demultiplexer.take(Bytes::from_static(b"\x04x")), Err(WireError::Protocol(_))));
    }

    #[test]
    fn endless_text_is_cut_and_counted() {
        let mut lines = RemoteLines::default();
        for _ in 0..3 {
            lines.feed(&vec![b'x'; LINE_LIMIT]);
        }
        for _ in 0..30 {
            lines.feed(&[&[b'y'; LINE_LIMIT - 1][..], b"\n"].concat());
        }
        let text = lines.finish();
        let text = text.searched();
        assert!(text.contains("xx…\n"), "a cut line bears its mark");
        assert!(text.len() < TEXT_LIMIT + 100 && text.ends_with(" more lines)"), "{}", text.len());
    }

    proptest! {
        #[test]
        fn arbitrary_frames_never_panic(frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..64), 0..64)) {
            let mut demultiplexer = Demultiplexer::default();
            for frame in frames {
                let _ = demultiplexer.take(frame.into());
            }
            demultiplexer.lines.finish();
        }
    }
}
