//! The request of protocol v0, and what stands before the pack in its answer.
//!
//! Source: <https://git-scm.com/docs/gitprotocol-pack#_packfile_negotiation>

use bytes::Bytes;

use super::{
    super::{
        WireError,
        advertisement::Capabilities,
        pktline::{Packet, PacketReader, PacketWriter, line},
    },
    AGENT, FetchRequest, note_shallow,
};
use crate::names::Oid;

pub(super) fn request(
    request: &FetchRequest,
    capabilities: &Capabilities,
    filtered: bool,
) -> Result<PacketWriter, WireError> {
    // Without a sideband an error in the middle cannot be told from the pack's bytes.
    if !capabilities.has("side-band-64k") {
        return Err(WireError::protocol("the server knows neither protocol v2 nor side-band-64k"));
    }
    let filter = request.filter.filter(|_| filtered);
    // A server ends the request at a word that it did not offer.
    let depth = request.depth.filter(|_| capabilities.has("shallow"));
    let mut words = String::from(" side-band-64k");
    for word in ["ofs-delta", "no-progress"].into_iter().filter(|word| capabilities.has(word)) {
        words = words + " " + word;
    }
    if capabilities.has("object-format") {
        words += " object-format=sha1";
    }
    if filter.is_some() {
        words += " filter";
    }
    if capabilities.has("agent") {
        words = words + " " + AGENT;
    }
    let mut writer = PacketWriter::default();
    for want in &request.wants {
        // Only the first `want` carries capabilities (gitprotocol-pack).
        writer.line(format!("want {want}{}", std::mem::take(&mut words)))?;
    }
    if let Some(depth) = depth {
        writer.line(format!("deepen {depth}"))?;
    }
    if let Some(filter) = filter {
        writer.line(format!("filter {filter}"))?;
    }
    writer.flush();
    for have in &request.haves {
        writer.line(format!("have {have}"))?;
    }
    // No rounds of negotiation: the haves are few, and known to be common.
    writer.line("done")?;
    Ok(writer)
}

/// What comes before a pack, and the first frame of the pack itself.
pub(super) struct Opening {
    pub(super) shallow: Vec<Oid>,
    pub(super) first: Option<Bytes>,
}

/// Reads over the list of shallow commits (which is there when a depth was asked for) and the one answer to all haves.
pub(super) async fn opening(reader: &mut PacketReader) -> Result<Opening, WireError> {
    let mut shallow = Vec::new();
    loop {
        match reader.expect().await? {
            Packet::Flush => {}
            Packet::Data(payload) => {
                let text = line(&payload);
                if let Some(oid) = text.strip_prefix(b"shallow ") {
                    note_shallow(&mut shallow, oid)?;
                } else if !(text == b"NAK" || text.starts_with(b"ACK ") || text.starts_with(b"unshallow ")) {
                    // The first frame that is none of these belongs to the pack and must not get lost.
                    return Ok(Opening { shallow, first: Some(payload) });
                }
            }
            Packet::Delimiter | Packet::ResponseEnd => {
                return Err(WireError::protocol("a section mark stands in an answer of protocol v0"));
            }
        }
    }
}
