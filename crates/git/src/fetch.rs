//! Fetching: protocol v2, and v0 for servers that know nothing better. The pack goes to whoever wants it while it arrives.
//!
//! Source: <https://git-scm.com/docs/gitprotocol-v2#_fetch>, <https://git-scm.com/docs/gitprotocol-v2#_ls_refs>,
//! <https://git-scm.com/docs/gitprotocol-pack#_packfile_negotiation>

mod v0;
mod v2;

use std::{
    collections::BTreeSet,
    io::{self, Read},
};

use bytes::{Buf, Bytes};
use tokio::sync::mpsc;

use super::{
    WireError,
    advertisement::{Advertisement, Capabilities, Greeting, RefSelection, oid_and_rest},
    pktline::{Packet, PacketReader, PacketWriter, line},
    sideband::Demultiplexer,
    transport::{Service, ServiceRequest, Transport},
};
use crate::{
    diagnosis::errors::StoreError,
    names::{Oid, RefName},
};

/// What we call ourselves to a server.
pub(super) const AGENT: &str = concat!("agent=git/repo-relay-", env!("CARGO_PKG_VERSION"));

/// How many pieces of a pack wait for the one who takes it.
const PIECES_AHEAD: usize = 16;

/// How many shallow commits are taken in.
const MAX_SHALLOW: usize = 1_000_000;

/// How many bytes a pack may have: more than a branch's commits and trees, or all of its files where the server knows no filter.
const MAX_PACK: u64 = 4 * 1024 * 1024 * 1024;

/// What is left out of a pack. What a request names itself is always sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// `blob:none`: commits and trees.
    Blobless,
    /// `tree:N`: what lies less than N levels under a commit's root; 0 is commits alone.
    /// NOTE: large servers allow 0 only (`uploadpackFilter.tree.maxDepth`).
    Tree(u32),
}

impl std::fmt::Display for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Blobless => f.write_str("blob:none"),
            Self::Tree(depth) => write!(f, "tree:{depth}"),
        }
    }
}

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FetchRequest {
    /// Objects to get with all that they lead to: commits, or with [`Filter::Tree`] of 0 single trees. A server that speaks
    /// only v0 gives nothing but what its refs name.
    pub wants: Vec<Oid>,
    /// Commits that are here, with all that they lead to; what the server knows of them it does not send.
    pub haves: Vec<Oid>,
    /// How many generations of commits to get; all when not given.
    pub depth: Option<u32>,
    /// What is left out, if the server is able to.
    pub filter: Option<Filter>,
}

/// What came of a fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched<T> {
    /// What the taker of the pack made of it.
    pub taken: T,
    /// Commits whose parents were not sent because of `depth`.
    pub shallow: Vec<Oid>,
    /// Whether the filter was applied; otherwise all objects came.
    pub filtered: bool,
    /// Bytes of the pack.
    pub bytes: u64,
}

/// The server's side of fetching, after its greeting.
#[derive(Clone)]
pub struct UploadPack {
    transport: Transport,
    peer: Peer,
}

#[derive(Clone)]
enum Peer {
    V2(Capabilities),
    V0(Advertisement),
}

impl UploadPack {
    /// Asks the server for its greeting.
    pub async fn open(transport: &Transport) -> Result<Self, WireError> {
        let mut reader = PacketReader::new(transport.advertisement(Service::UploadPack).await?);
        // Protocol v0 lists the refs here and nowhere else, so that all are kept.
        let greeting = Greeting::read(&mut reader, &RefSelection::all()).await?;
        reader.finish().await;
        let peer = match greeting {
            Greeting::Commands(capabilities) => Peer::V2(capabilities),
            Greeting::Refs(advertisement) => Peer::V0(advertisement),
        };
        Ok(Self { transport: transport.clone(), peer })
    }

    /// The refs that begin with one of `prefixes`, and where `HEAD` points even if nothing is there yet.
    pub async fn refs(&self, prefixes: &[&str]) -> Result<Advertisement, WireError> {
        let capabilities = match &self.peer {
            Peer::V2(capabilities) => capabilities,
            Peer::V0(advertisement) => {
                let mut advertisement = advertisement.clone();
                let wanted = |name: &RefName| prefixes.iter().any(|prefix| name.as_str().starts_with(prefix));
                advertisement.refs.retain(|name, _| wanted(name));
                advertisement.peeled.retain(|name, _| wanted(name));
                return Ok(advertisement);
            }
        };
        let mut writer = v2::command("ls-refs", capabilities)?;
        writer.line("peel")?;
        writer.line("symrefs")?;
        // Without it an empty repository does not tell the name of its default branch.
        if capabilities.offers("ls-refs", "unborn") {
            writer.line("unborn")?;
        }
        // A list with prefixes leaves HEAD out unless a prefix names it.
        writer.line("ref-prefix HEAD")?;
        for prefix in prefixes {
            writer.line(format!("ref-prefix {prefix}"))?;
        }
        writer.flush();
        let mut reader = self.ask(true, writer).await?;
        let mut refs = Advertisement::default();
        refs.capabilities.clone_from(capabilities);
        while let Packet::Data(payload) = reader.expect().await? {
            v2::take_ref(&mut refs, line(&payload))?;
        }
        reader.finish().await;
        Ok(refs)
    }

    /// Which of `candidates` the server has, reachable from its refs or not. `want` is any object that it has.
    /// A server that speaks only v0 is not asked: the answer is `None`.
    pub async fn known(&self, want: Oid, candidates: &[Oid]) -> Result<Option<BTreeSet<Oid>>, WireError> {
        let Peer::V2(capabilities) = &self.peer else { return Ok(None) };
        let mut writer = v2::command("fetch", capabilities)?;
        writer.line("no-progress")?;
        // Otherwise the server begins to send the pack as soon as it knows enough common commits.
        if capabilities.offers("fetch", "wait-for-done") {
            writer.line("wait-for-done")?;
        }
        writer.line(format!("want {want}"))?;
        for candidate in candidates {
            writer.line(format!("have {candidate}"))?;
        }
        writer.flush();
        let mut reader = self.ask(true, writer).await?;
        v2::section(&mut reader, b"acknowledgments").await?;
        let mut known = BTreeSet::new();
        // NOTE: without wait-for-done a pack may follow; it is not read.
        while let Packet::Data(payload) = reader.expect().await? {
            if let Some(oid) = line(&payload).strip_prefix(b"ACK ") {
                let oid = oid_of(oid)?;
                // A server could name any object; only what it was asked about counts.
                if candidates.contains(&oid) {
                    known.insert(oid);
                }
            }
        }
        reader.finish().await;
        Ok(Some(known))
    }

    /// Fetches. `take` gets the pack as it arrives, on a thread where it may block; the pack is whole in itself (not thin).
    pub async fn fetch<T, F>(&self, request: &FetchRequest, take: F) -> Result<Fetched<T>, WireError>
    where
        T: Send + 'static,
        F: FnOnce(PackReader) -> Result<T, StoreError> + Send + 'static,
    {
        let (mut reader, opening, filtered) = match &self.peer {
            Peer::V2(capabilities) => {
                let filtered = capabilities.offers("fetch", "filter");
                let mut reader = self.ask(true, v2::request(request, capabilities, filtered)?).await?;
                let shallow = v2::sections(&mut reader).await?;
                (reader, v0::Opening { shallow, first: None }, filtered)
            }
            Peer::V0(Advertisement { capabilities, .. }) => {
                let filtered = capabilities.has("filter");
                let mut reader = self.ask(false, v0::request(request, capabilities, filtered)?).await?;
                let opening = v0::opening(&mut reader).await?;
                (reader, opening, filtered)
            }
        };
        // Bounded, so that a slow disk slows the network down instead of filling the memory.
        let (sender, receiver) = mpsc::channel(PIECES_AHEAD);
        let taking =
            tokio::task::spawn_blocking(move || take(PackReader { receiver, piece: Bytes::new(), ended: false }));
        let pumped = pump(&mut reader, opening.first, &sender, MAX_PACK).await;
        if pumped.is_ok() {
            // The taker may have gone already; its own answer tells why.
            let _ = sender.send(None).await;
            reader.finish().await;
        }
        // Without the end marker the taker sees a transfer that was cut off, never a short pack.
        drop(sender);
        let taken = taking.await;
        // The network's error first: what the taker reports then is its consequence.
        let bytes = pumped?;
        let taken = taken.map_err(|error| WireError::Taker(error.to_string()))??;
        Ok(Fetched { taken, shallow: opening.shallow, filtered: filtered && request.filter.is_some(), bytes })
    }

    async fn ask(&self, v2: bool, writer: PacketWriter) -> Result<PacketReader, WireError> {
        let request = ServiceRequest::of_bytes(writer.finish());
        Ok(PacketReader::new(self.transport.request(Service::UploadPack, v2, &request).await?))
    }
}

/// A pack as it arrives, for a thread that may block. Its end is its end only when the whole pack was received;
/// a transfer that broke is an error.
pub struct PackReader {
    receiver: mpsc::Receiver<Option<Bytes>>,
    piece: Bytes,
    ended: bool,
}

impl Read for PackReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() && !self.ended {
            match self.receiver.blocking_recv() {
                Some(Some(piece)) => self.piece = piece,
                Some(None) => self.ended = true,
                None => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the transfer was cut off")),
            }
        }
        let length = self.piece.len().min(buffer.len());
        self.piece.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}

/// Hands the pack on and counts it, until its end, `limit` bytes, or until nobody takes it any more.
async fn pump(
    reader: &mut PacketReader,
    mut first: Option<Bytes>,
    sender: &mpsc::Sender<Option<Bytes>>,
    limit: u64,
) -> Result<u64, WireError> {
    let mut bands = Demultiplexer::default();
    let mut bytes = 0;
    loop {
        let payload = match first.take() {
            Some(payload) => payload,
            None => match reader.next().await? {
                Some(Packet::Data(payload)) => payload,
                Some(Packet::Flush) => return Ok(bytes),
                Some(_) => return Err(WireError::protocol("a section mark stands inside a pack")),
                None => return Err(WireError::CutOff),
            },
        };
        if let Some(data) = bands.take(payload)?
            && !data.is_empty()
        {
            bytes += data.len() as u64;
            // The protocol announces no length, so that only counting bounds the disk that a pack takes.
            if bytes > limit {
                return Err(WireError::protocol(format!("the pack is longer than {limit} bytes")));
            }
            // The taker has given up; its own error is returned, not this count.
            if sender.send(Some(data)).await.is_err() {
                return Ok(bytes);
            }
        }
    }
}

/// Takes in a commit whose parents were left out; there is a bound.
fn note_shallow(shallow: &mut Vec<Oid>, text: &[u8]) -> Result<(), WireError> {
    if shallow.len() >= MAX_SHALLOW {
        return Err(WireError::protocol(format!("there are more than {MAX_SHALLOW} shallow commits")));
    }
    shallow.push(oid_of(text)?);
    Ok(())
}

fn oid_of(text: &[u8]) -> Result<Oid, WireError> {
    let mut padded = text.to_vec();
    padded.push(b' ');
    oid_and_rest(&padded).map(|(oid, _)| oid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_pack_without_an_end_is_given_up_at_its_bound() {
        let frame = Bytes::from([&b"0805\x01"[..], &[b'x'; 2048]].concat());
        let endless = futures_util::StreamExt::boxed(futures_util::stream::repeat_with(move || Ok(frame.clone())));
        let (sender, mut receiver) = mpsc::channel(PIECES_AHEAD);
        let taker = tokio::spawn(async move {
            let mut taken = 0;
            while let Some(Some(piece)) = receiver.recv().await {
                taken += Bytes::len(&piece);
            }
            taken
        });
        let pumped = pump(&mut PacketReader::new(endless), None, &sender, 1 << 20).await;
        assert!(matches!(&pumped, Err(WireError::Protocol(found)) if found.contains("longer than")), "{pumped:?}");
        drop(sender);
        assert!(taker.await.unwrap() <= 1 << 20);
    }

    #[test]
    fn shallow_commits_are_counted() {
        let mut shallow = vec![Oid::ZERO; MAX_SHALLOW];
        assert!(note_shallow(&mut shallow, "1".repeat(40).as_bytes()).is_err());
    }
}
