//! Frames: however an answer is cut, the frames are the same; little is kept; a flush is found where the frames say.
#![no_main]

use libfuzzer_sys::fuzz_target;
use repo_relay::git::{
    WireError,
    pktline::{Decoder, Frames, MAX_FRAME, MAX_PAYLOAD, Packet, PacketWriter},
};

fuzz_target!(|input: (u16, &[u8])| {
    let (cut, bytes) = input;
    let cut = usize::from(cut).max(1);
    let whole = decode(bytes, bytes.len().max(1));
    assert_eq!(whole, decode(bytes, cut), "the same frames in pieces of {cut}");
    let flush = whole.iter().position(|packet| packet == &Ok(Packet::Flush));
    let mut frames = Frames::default();
    let (mut passed, mut found) = (0, Ok(None));
    for piece in bytes.chunks(cut) {
        match frames.flush_in(piece) {
            Ok(None) => passed += piece.len(),
            Ok(Some(at)) => found = Ok(Some(passed + at)),
            Err(error) => found = Err(error),
        }
        if !matches!(found, Ok(None)) {
            break;
        }
    }
    match (flush, found) {
        (Some(flush), Ok(Some(end))) => assert_eq!(length_of(&whole[..=flush]), end),
        (None, Ok(None) | Err(_)) => {}
        (flush, found) => panic!("the flush is frame {flush:?}, but {found:?}"),
    }
    written_again(&whole);
});

/// The frames, up to the first that is none.
fn decode(bytes: &[u8], cut: usize) -> Vec<Result<Packet, String>> {
    let mut decoder = Decoder::default();
    let (mut frames, mut fed, mut given) = (Vec::new(), 0, 0);
    for piece in bytes.chunks(cut) {
        decoder.feed(piece);
        fed += piece.len();
        loop {
            match decoder.decode() {
                Ok(Some(packet)) => {
                    given += length_of(&[Ok(packet.clone())]);
                    frames.push(Ok(packet));
                }
                Ok(None) => break,
                Err(WireError::Protocol(what)) => {
                    frames.push(Err(what));
                    return frames;
                }
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!(decoder.is_empty(), fed == given);
        assert!(fed - given < MAX_FRAME, "{} bytes are kept", fed - given);
    }
    frames
}

fn length_of(frames: &[Result<Packet, String>]) -> usize {
    let length = |frame: &Result<Packet, String>| match frame {
        Ok(Packet::Data(payload)) => payload.len() + 4,
        _ => 4,
    };
    frames.iter().map(length).sum()
}

/// What was read, written again, is read the same.
fn written_again(frames: &[Result<Packet, String>]) {
    let mut writer = PacketWriter::default();
    let mut lines = Vec::new();
    for frame in frames.iter().flatten() {
        match frame {
            Packet::Data(payload) if payload.len() < MAX_PAYLOAD => {
                writer.line(payload).expect("it fits");
                lines.push(Ok(Packet::Data([payload, &b"\n"[..]].concat().into())));
            }
            Packet::Flush => {
                writer.flush();
                lines.push(Ok(Packet::Flush));
            }
            Packet::Delimiter => {
                writer.delimiter();
                lines.push(Ok(Packet::Delimiter));
            }
            _ => {}
        }
    }
    assert_eq!(decode(&writer.finish(), MAX_FRAME), lines);
}
