//! Fetching: protocol v2, and v0 for servers that know nothing better. The pack goes to whoever wants it while it arrives.
//!
//! Source: <https://git-scm.com/docs/gitprotocol-v2#_fetch>, <https://git-scm.com/docs/gitprotocol-v2#_ls_refs>,
//! <https://git-scm.com/docs/gitprotocol-pack#_packfile_negotiation>

use std::{
    collections::BTreeSet,
    io::{self, Read},
};

use bytes::{Buf, Bytes};
use tokio::sync::mpsc;

use super::{
    WireError,
    advertisement::{Advertisement, Capabilities, Greeting, Interest, oid_and_rest},
    pktline::{Packet, Reader, Writer, line},
    sideband::Demultiplexer,
    transport::{Request, Service, Transport},
};
use crate::{
    diagnosis::{Cause, Failure},
    target::{Oid, RefName},
};

/// What we call ourselves to a server.
pub(super) const AGENT: &str = concat!("agent=git/repo-relay-", env!("CARGO_PKG_VERSION"));

/// How many pieces of a pack wait for the one who takes it.
const PIECES_AHEAD: usize = 16;

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
pub struct Uploader {
    transport: Transport,
    peer: Peer,
}

#[derive(Clone)]
enum Peer {
    V2(Capabilities),
    V0(Advertisement),
}

impl Uploader {
    /// Asks the server for its greeting.
    pub async fn open(transport: &Transport) -> Result<Self, WireError> {
        let mut reader = Reader::new(transport.advertisement(Service::UploadPack).await?);
        let greeting = Greeting::read(&mut reader, &Interest::all()).await?;
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
        let mut writer = command("ls-refs", capabilities)?;
        writer.line("peel")?;
        writer.line("symrefs")?;
        if capabilities.offers("ls-refs", "unborn") {
            writer.line("unborn")?;
        }
        writer.line("ref-prefix HEAD")?;
        for prefix in prefixes {
            writer.line(format!("ref-prefix {prefix}"))?;
        }
        writer.flush();
        let mut reader = self.ask(true, writer).await?;
        let mut refs = Advertisement { capabilities: capabilities.clone(), ..Advertisement::default() };
        while let Packet::Data(payload) = reader.expect().await? {
            take_ref(&mut refs, line(&payload))?;
        }
        reader.finish().await;
        Ok(refs)
    }

    /// Which of `candidates` the server has, reachable from its refs or not. `want` is any object that it has.
    /// A server that speaks only v0 is not asked: the answer is `None`.
    pub async fn known(&self, want: Oid, candidates: &[Oid]) -> Result<Option<BTreeSet<Oid>>, WireError> {
        let Peer::V2(capabilities) = &self.peer else { return Ok(None) };
        let mut writer = command("fetch", capabilities)?;
        writer.line("no-progress")?;
        if capabilities.offers("fetch", "wait-for-done") {
            writer.line("wait-for-done")?;
        }
        writer.line(format!("want {want}"))?;
        for candidate in candidates {
            writer.line(format!("have {candidate}"))?;
        }
        writer.flush();
        let mut reader = self.ask(true, writer).await?;
        section(&mut reader, b"acknowledgments").await?;
        let mut known = BTreeSet::new();
        // NOTE: without wait-for-done a pack may follow; it is not read.
        while let Packet::Data(payload) = reader.expect().await? {
            if let Some(oid) = line(&payload).strip_prefix(b"ACK ") {
                known.insert(oid_of(oid)?);
            }
        }
        reader.finish().await;
        Ok(Some(known))
    }

    /// Fetches. `take` gets the pack as it arrives, on a thread where it may block; the pack is whole in itself (not thin).
    pub async fn fetch<T, F>(&self, request: &FetchRequest, take: F) -> Result<Fetched<T>, WireError>
    where
        T: Send + 'static,
        F: FnOnce(PackReader) -> Result<T, Failure> + Send + 'static,
    {
        let (mut reader, opening, filtered) = match &self.peer {
            Peer::V2(capabilities) => {
                let filtered = capabilities.offers("fetch", "filter");
                let mut reader = self.ask(true, v2_request(request, capabilities, filtered)?).await?;
                let shallow = v2_sections(&mut reader).await?;
                (reader, Opening { shallow, first: None }, filtered)
            }
            Peer::V0(Advertisement { capabilities, .. }) => {
                let filtered = capabilities.has("filter");
                let mut reader = self.ask(false, v0_request(request, capabilities, filtered)?).await?;
                let opening = v0_opening(&mut reader).await?;
                (reader, opening, filtered)
            }
        };
        let (sender, receiver) = mpsc::channel(PIECES_AHEAD);
        let taking =
            tokio::task::spawn_blocking(move || take(PackReader { receiver, piece: Bytes::new(), ended: false }));
        let pumped = pump(&mut reader, opening.first, &sender).await;
        if pumped.is_ok() {
            // The taker may have gone already; its own answer tells why.
            let _ = sender.send(None).await;
            reader.finish().await;
        }
        drop(sender);
        let taken = taking.await;
        let bytes = pumped?;
        let taken = taken.map_err(|error| {
            WireError::Failed(Failure::new(Cause::InternalError, format!("Reading what was fetched failed: {error}.")))
        })??;
        Ok(Fetched { taken, shallow: opening.shallow, filtered: filtered && request.filter.is_some(), bytes })
    }

    async fn ask(&self, v2: bool, writer: Writer) -> Result<Reader, WireError> {
        let request = Request::of_bytes(writer.finish());
        Ok(Reader::new(self.transport.request(Service::UploadPack, v2, &request).await?))
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

/// Hands the pack on and counts it, until its end or until nobody takes it any more.
async fn pump(
    reader: &mut Reader,
    mut first: Option<Bytes>,
    sender: &mpsc::Sender<Option<Bytes>>,
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
            if sender.send(Some(data)).await.is_err() {
                return Ok(bytes);
            }
        }
    }
}

/// The beginning of a request of protocol v2, to its arguments.
fn command(name: &str, capabilities: &Capabilities) -> Result<Writer, WireError> {
    let mut writer = Writer::default();
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

fn v2_request(request: &FetchRequest, capabilities: &Capabilities, filtered: bool) -> Result<Writer, WireError> {
    let mut writer = command("fetch", capabilities)?;
    writer.line("ofs-delta")?;
    writer.line("no-progress")?;
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
    writer.line("done")?;
    writer.flush();
    Ok(writer)
}

/// Reads to the beginning of the pack.
async fn v2_sections(reader: &mut Reader) -> Result<Vec<Oid>, WireError> {
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
                shallow.push(oid_of(oid)?);
            }
        }
    }
}

async fn section(reader: &mut Reader, name: &[u8]) -> Result<(), WireError> {
    match reader.expect().await? {
        Packet::Data(payload) if line(&payload) == name => Ok(()),
        other => {
            let name = String::from_utf8_lossy(name);
            Err(WireError::protocol(format!("the section {name} is missing: {other:?}")))
        }
    }
}

fn v0_request(request: &FetchRequest, capabilities: &Capabilities, filtered: bool) -> Result<Writer, WireError> {
    if !capabilities.has("side-band-64k") {
        return Err(WireError::protocol("the server knows neither protocol v2 nor side-band-64k"));
    }
    let filter = request.filter.filter(|_| filtered);
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
    let mut writer = Writer::default();
    for want in &request.wants {
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
    writer.line("done")?;
    Ok(writer)
}

/// What comes before a pack, and the first frame of the pack itself.
struct Opening {
    shallow: Vec<Oid>,
    first: Option<Bytes>,
}

/// Reads over the list of shallow commits (which is there when a depth was asked for) and the one answer to all haves.
async fn v0_opening(reader: &mut Reader) -> Result<Opening, WireError> {
    let mut shallow = Vec::new();
    loop {
        match reader.expect().await? {
            Packet::Flush => {}
            Packet::Data(payload) => {
                let text = line(&payload);
                if let Some(oid) = text.strip_prefix(b"shallow ") {
                    shallow.push(oid_of(oid)?);
                } else if !(text == b"NAK" || text.starts_with(b"ACK ") || text.starts_with(b"unshallow ")) {
                    return Ok(Opening { shallow, first: Some(payload) });
                }
            }
            Packet::Delimiter | Packet::ResponseEnd => {
                return Err(WireError::protocol("a section mark stands in an answer of protocol v0"));
            }
        }
    }
}

/// Reads `OID NAME [symref-target:NAME] [peeled:OID]`, or the same with `unborn` for an id.
fn take_ref(refs: &mut Advertisement, text: &[u8]) -> Result<(), WireError> {
    let text = String::from_utf8_lossy(text);
    let mut words = text.split(' ');
    let (Some(oid), Some(name)) = (words.next(), words.next()) else {
        return Err(WireError::protocol("a line of the list of refs holds no name"));
    };
    let attributes: Vec<_> = words.filter_map(|word| word.split_once(':')).collect();
    let attribute = |key: &str| attributes.iter().find(|(found, _)| *found == key).map(|(_, value)| *value);
    if name == "HEAD" {
        refs.head = attribute("symref-target").and_then(|target| target.parse().ok());
        return Ok(());
    }
    refs.total += 1;
    if let Ok(name) = name.parse::<RefName>() {
        if let Some(peeled) = attribute("peeled") {
            refs.peeled.insert(name.clone(), oid_of(peeled.as_bytes())?);
        }
        refs.refs.insert(name, oid_of(oid.as_bytes())?);
    }
    Ok(())
}

fn oid_of(text: &[u8]) -> Result<Oid, WireError> {
    let mut padded = text.to_vec();
    padded.push(b' ');
    oid_and_rest(&padded).map(|(oid, _)| oid)
}
