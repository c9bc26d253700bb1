//! The requests of protocol v2, and what stands before the pack in their answers.
//!
//! Source: <https://git-scm.com/docs/gitprotocol-v2>

use super::{
    super::{
        WireError,
        advertisement::{Advertisement, Capabilities},
        pktline::{Packet, PacketReader, PacketWriter, line},
    },
    AGENT, FetchRequest, oid_of,
};
use crate::names::{Oid, RefName};

/// The beginning of a request of protocol v2, to its arguments.
pub(super) fn command(name: &str, capabilities: &Capabilities) -> Result<PacketWriter, WireError> {
    let mut writer = PacketWriter::default();
    writer.line(format!("command={name}"))?;
    if capabilities.has("agent") {
        writer.line(AGENT)?;
    }
    if capabilities.has("object-format") {
        writer.line("object-format=sha1")?;
    }
    writer.delimiter();
    Ok(writer)
}

pub(super) fn request(
    request: &FetchRequest,
    capabilities: &Capabilities,
    filtered: bool,
) -> Result<PacketWriter, WireError> {
    let mut writer = command("fetch", capabilities)?;
    // Deltas by distance: a pack with bases named by id is refused when it is taken in.
    writer.line("ofs-delta")?;
    writer.line("no-progress")?;
    // A server ends the request at an argument that it does not know.
    if let Some(depth) = request.depth.filter(|_| capabilities.offers("fetch", "shallow")) {
        writer.line(format!("deepen {depth}"))?;
    }
    if let Some(filter) = request.filter.filter(|_| filtered) {
        writer.line(format!("filter {filter}"))?;
    }
    for want in &request.wants {
        writer.line(format!("want {want}"))?;
    }
    for have in &request.haves {
        writer.line(format!("have {have}"))?;
    }
    // After `done` the answer has no acknowledgments and begins with the sections of the pack.
    writer.line("done")?;
    writer.flush();
    Ok(writer)
}

/// Reads to the beginning of the pack.
pub(super) async fn sections(reader: &mut PacketReader) -> Result<Vec<Oid>, WireError> {
    let mut shallow = Vec::new();
    loop {
        let Packet::Data(name) = reader.expect().await? else {
            return Err(WireError::protocol("the answer to a fetch holds no pack"));
        };
        if line(&name) == b"packfile" {
            return Ok(shallow);
        }
        while let Packet::Data(payload) = reader.expect().await? {
            if let Some(oid) = line(&payload).strip_prefix(b"shallow ") {
                super::note_shallow(&mut shallow, oid)?;
            }
        }
    }
}

pub(super) async fn section(reader: &mut PacketReader, name: &[u8]) -> Result<(), WireError> {
    match reader.expect().await? {
        Packet::Data(payload) if line(&payload) == name => Ok(()),
        other => {
            let what = format!("the section {} is missing", String::from_utf8_lossy(name));
            match other {
                Packet::Data(payload) => Err(WireError::unexpected(what, &payload)),
                Packet::Flush | Packet::Delimiter | Packet::ResponseEnd => Err(WireError::protocol(what)),
            }
        }
    }
}

/// Reads `OID NAME [symref-target:NAME] [peeled:OID]`, or the same with `unborn` for an id.
pub(super) fn take_ref(refs: &mut Advertisement, text: &[u8]) -> Result<(), WireError> {
    let text = String::from_utf8_lossy(text);
    let mut words = text.split(' ');
    let (Some(oid), Some(name)) = (words.next(), words.next()) else {
        return Err(WireError::protocol("a line of the list of refs holds no name"));
    };
    let attributes: Vec<_> = words.filter_map(|word| word.split_once(':')).collect();
    let attribute = |key: &str| attributes.iter().find(|(found, _)| *found == key).map(|(_, value)| *value);
    // HEAD repeats a branch; it only tells which one, even before that branch exists.
    if name == "HEAD" {
        refs.head = attribute("symref-target").and_then(|target| target.parse().ok());
        return Ok(());
    }
    refs.total += 1;
    if let Ok(name) = name.parse::<RefName>() {
        if let Some(peeled) = attribute("peeled") {
            refs.keep(name.clone(), oid_of(peeled.as_bytes())?, true)?;
        }
        refs.keep(name, oid_of(oid.as_bytes())?, false)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures_util::{StreamExt, stream};
    use proptest::prelude::*;

    use super::{super::v0, *};

    fn reader(bytes: Bytes) -> PacketReader {
        PacketReader::new(stream::iter([Ok(bytes)]).boxed())
    }

    /// Lines to frames; `""` is a flush, `"-"` a delimiter.
    fn frames(lines: &[&str]) -> PacketReader {
        let mut writer = PacketWriter::default();
        for line in lines {
            match *line {
                "" => writer.flush(),
                "-" => writer.delimiter(),
                line => writer.line(line).unwrap(),
            }
        }
        reader(writer.finish())
    }

    #[tokio::test]
    async fn sections_before_the_pack_are_read_or_passed_over() {
        let oid = "1".repeat(40);
        let shallow = format!("shallow {oid}");
        let mut answer =
            frames(&["acknowledgments", "NAK", "ready", "-", "shallow-info", &shallow, "-", "packfile", "x"]);
        assert_eq!(sections(&mut answer).await.unwrap(), [oid.parse().unwrap()]);
        assert_eq!(answer.expect().await.unwrap(), Packet::Data(Bytes::from_static(b"x\n")));
        assert!(matches!(sections(&mut frames(&[""])).await, Err(WireError::Protocol(_))));
        assert!(matches!(sections(&mut frames(&["shallow-info"])).await, Err(WireError::CutOff)));
        assert!(matches!(
            sections(&mut frames(&["shallow-info", "shallow x", "-"])).await,
            Err(WireError::Unexpected { .. })
        ));
        assert!(matches!(sections(&mut frames(&["ERR upload-pack: not our ref"])).await, Err(WireError::Remote(_))));
    }

    #[tokio::test]
    async fn the_opening_of_protocol_0_gives_the_first_frame_of_the_pack() {
        let shallow = format!("shallow {}", "1".repeat(40));
        let opening = v0::opening(&mut frames(&[&shallow, "", "NAK", "\u{1}PACK"])).await.unwrap();
        assert_eq!((opening.shallow.len(), opening.first), (1, Some(Bytes::from_static(b"\x01PACK\n"))));
        assert!(matches!(v0::opening(&mut frames(&["", "ACK 1"])).await, Err(WireError::CutOff)));
    }

    #[test]
    fn only_what_is_offered_is_asked_for() {
        let asked = FetchRequest {
            wants: vec![Oid::from_bytes([1; 20])],
            haves: vec![Oid::from_bytes([2; 20])],
            depth: Some(1),
            filter: Some(super::super::Filter::Blobless),
        };
        let plain = request(&asked, &Capabilities::default(), false).unwrap().finish();
        let plain = String::from_utf8(plain.to_vec()).unwrap();
        for word in ["agent", "object-format", "deepen", "filter"] {
            assert!(!plain.contains(word), "{word}: {plain}");
        }
        assert!(plain.ends_with(&format!(
            "0032want {}\n0032have {}\n0009done\n0000",
            "01".repeat(20),
            "02".repeat(20)
        )));
    }

    proptest! {
        #[test]
        fn arbitrary_answers_never_panic(bytes in any::<Vec<u8>>(), lines in prop::collection::vec("[\\x00-\\x7f]{0,60}", 0..20)) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let lines: Vec<_> = lines.iter().map(String::as_str).collect();
            runtime.block_on(async {
                let _ = sections(&mut reader(bytes.clone().into())).await;
                let _ = sections(&mut frames(&lines)).await;
                let _ = v0::opening(&mut frames(&lines)).await;
                for line in &lines {
                    let _ = take_ref(&mut Advertisement::default(), line.as_bytes());
                }
            });
        }
    }
}
