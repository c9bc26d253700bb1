//! Packs: made on all cores while they are sent, with bounded memory, always in the same order and so always the same bytes.
//!
//! Files that resemble each other are sent as deltas. They are looked for among the neighbours in the pack's order, so whoever makes a
//! pack puts files that are likely to resemble each other side by side. What the checkout has as a delta is sent as it is.
//!
//! Source: <https://git-scm.com/docs/gitformat-pack>

mod entry;
mod large;
mod likeness;
mod objects;
mod output;
mod put;
#[cfg(test)]
mod tests;

use std::{
    collections::{HashMap, VecDeque},
    io::{self, Read},
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, sync_channel},
    },
};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use tokio::sync::mpsc;

pub use self::entry::PackEntry;
use self::{
    large::{LargeFileSums, pack_block},
    objects::pack_objects,
    output::Output,
};
use super::{ByteStream, WireError, checkout::Copier, ids::OidSet, objects::ObjectStore};
use crate::{
    diagnosis::errors::PackError,
    names::Oid,
    progress::{Event, Watch},
    system::{Place, is_replaced},
};

/// The length of the blocks of large files, and of what is copied at once, in bytes.
const WORK: u64 = 512 * 1024;

/// How much content small objects that are compared with each other have together, in bytes.
const RUN: u64 = 2 * 1024 * 1024;

/// How much content all cores hold at once, in bytes; the indexes of it take twice as much again. With many cores the runs are
/// shorter, but not below a quarter.
const HELD: u64 = 32 * 1024 * 1024;

/// Less content than this is not worth a core of its own.
const LEAST_WORK: u64 = 128 * 1024;

/// A file above this size is not read whole.
const LARGE: u64 = 1024 * 1024;

/// How many finished pieces wait for the network.
const PIECES_AHEAD: usize = 2;

/// The objects of a pack. Cheap to clone; [`Self::stream`] makes the pack's bytes as often as they are needed.
#[derive(Clone, Debug, Default)]
pub struct Pack {
    entries: Arc<[PackEntry]>,
    earlier: Option<Arc<EarlierVersions>>,
}

/// Earlier versions of a pack's objects, which the server has: deltas against them make a "thin" pack.
#[derive(Debug)]
pub struct EarlierVersions {
    /// The earlier version of each object.
    pub versions: HashMap<Oid, Oid>,
    /// Where earlier versions are read. It may lack some.
    pub store: ObjectStore,
}

impl Pack {
    /// A pack of these objects, in this order; one that comes twice is taken once.
    pub fn new(mut entries: Vec<PackEntry>) -> Self {
        let mut seen = OidSet::default();
        entries.retain(|entry| seen.insert(entry.oid()));
        Self { entries: entries.into(), earlier: None }
    }

    /// The same, with deltas against earlier versions of its objects.
    #[must_use]
    pub fn thin(mut self, earlier: EarlierVersions) -> Self {
        self.earlier = Some(Arc::new(earlier));
        self
    }

    /// The same without deltas against what it does not hold itself, for a server that advertises `no-thin`.
    #[must_use]
    pub fn self_contained(mut self) -> Self {
        self.earlier = None;
        self
    }

    /// The earlier versions of its objects that deltas are made against.
    pub fn earlier(&self) -> Option<&EarlierVersions> {
        self.earlier.as_deref()
    }

    /// How many bytes these objects take: with deltas against what is here of their earlier versions, and without. Blocks.
    pub fn measured(&self, objects: &[usize]) -> Result<(usize, usize), WireError> {
        let entries: Vec<_> = objects.iter().filter_map(|index| self.entries.get(*index)).cloned().collect();
        let bytes = |earlier| pack_objects(&entries, earlier).map(|made| made.packed.len());
        Ok((bytes(self.earlier())?, bytes(None)?))
    }

    /// The objects, in their order.
    pub fn entries(&self) -> &[PackEntry] {
        &self.entries
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no object. Such a pack still has bytes, and a created or moved ref needs them.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many bytes the objects have before they are deflated.
    pub fn content_bytes(&self) -> u64 {
        self.entries.iter().map(PackEntry::size).sum()
    }

    /// The pack's bytes, made on all cores as they are asked for; `watch` sees [`Event::Sending`], and `ended` becomes true when the last
    /// byte is handed out. At most some 60 MB are in flight. A file that is gone or was changed ends the stream with a failure.
    /// Must be called inside a tokio runtime.
    pub fn stream(&self, watch: Arc<dyn Watch>, ended: Arc<AtomicBool>) -> ByteStream {
        let (sender, receiver) = mpsc::channel(PIECES_AHEAD);
        let pack = self.clone();
        tokio::task::spawn_blocking(move || {
            if let Err(failure) = assemble(&pack, &sender) {
                // Nobody listens any more when this fails.
                let _ = sender.blocking_send(Err(failure));
            }
        });
        let total = self.len() as u64;
        let state = (receiver, 0_u64, false);
        stream::try_unfold(state, move |(mut receiver, mut bytes, done)| {
            let (watch, ended) = (Arc::clone(&watch), Arc::clone(&ended));
            async move {
                if done {
                    return Ok(None);
                }
                // The sender went without a last piece: its thread panicked. A pack cut short here must not pass for
                // a whole one.
                let Some(piece) = receiver.recv().await else {
                    return Err(PackError::Unfinished.into());
                };
                let piece: Piece = piece?;
                bytes += piece.bytes.len() as u64;
                watch.see(Event::Sending { objects: piece.objects, total, bytes });
                if piece.last {
                    // From here on the server can hold the whole request, and its silence counts as work on it.
                    ended.store(true, Ordering::Release);
                }
                Ok(Some((piece.bytes, (receiver, bytes, piece.last))))
            }
        })
        .boxed()
    }
}

/// Bytes of a pack, in their order.
struct Piece {
    bytes: Bytes,
    /// Objects that are whole by now.
    objects: u64,
    last: bool,
}

/// A piece of work for one core.
enum Work {
    /// Small objects.
    Objects(Range<usize>),
    /// A part of a large file.
    Block { index: usize, offset: u64, length: usize },
    /// Entries that are copied; no core makes anything for them.
    Copies(Range<usize>),
}

/// What one core made.
#[derive(Default)]
struct PackedWork {
    packed: Vec<u8>,
    /// Where each small object begins in `packed`.
    begins: Vec<usize>,
    /// Of a part of a large file, the content: ids can only be computed from its beginning.
    content: Vec<u8>,
}

/// Divides the objects into pieces of work.
struct WorkPlan<'a> {
    entries: &'a [PackEntry],
    /// How much content small objects have together, in bytes.
    share: u64,
    index: usize,
    offset: u64,
}

impl<'a> WorkPlan<'a> {
    /// Little is divided, too: a change of some megabytes does not wait for one core while the others rest.
    fn of(entries: &'a [PackEntry], cores: usize) -> Self {
        let (all, cores): (u64, _) = (entries.iter().map(PackEntry::size).sum(), cores as u64);
        // A longer run finds more deltas, so that the memory is what bounds it.
        let most = (HELD / cores).clamp(RUN / 4, RUN);
        Self { entries, share: (all / (2 * cores)).clamp(LEAST_WORK, most), index: 0, offset: 0 }
    }
}

impl Iterator for WorkPlan<'_> {
    type Item = Work;

    fn next(&mut self) -> Option<Work> {
        let entry = self.entries.get(self.index)?;
        if entry.is_large() {
            let (index, offset) = (self.index, self.offset);
            let length = WORK.min(entry.size() - offset);
            self.offset += length;
            if self.offset == entry.size() {
                (self.index, self.offset) = (index + 1, 0);
            }
            return Some(Work::Block { index, offset, length: usize::try_from(length).unwrap_or_default() });
        }
        let begin = self.index;
        let mut size = 0;
        let stored = entry.is_stored();
        let most = if stored { WORK } else { self.share };
        let fits = |entry: &&PackEntry, size| size < most && !entry.is_large() && entry.is_stored() == stored;
        while let Some(entry) = self.entries.get(self.index).filter(|entry| fits(entry, size)) {
            size += entry.size();
            self.index += 1;
        }
        let range = begin..self.index;
        Some(if stored { Work::Copies(range) } else { Work::Objects(range) })
    }
}

/// Hands work to the cores, some pieces ahead, and puts what they made together in order.
fn assemble(pack: &Pack, sender: &mpsc::Sender<Result<Piece, WireError>>) -> Result<(), WireError> {
    let entries = &pack.entries;
    let cores = rayon::current_num_threads();
    let mut works = WorkPlan::of(entries, cores);
    let mut pending = VecDeque::new();
    // Enough that no core waits for the network; bounded, since each piece of work holds its content in memory.
    let ahead = (2 * cores + 2).min(24);
    let count = u32::try_from(entries.len()).map_err(|_| PackError::TooManyObjects(entries.len()))?;
    let mut output = Output::new(sender, entries.iter().any(PackEntry::is_stored));
    output.bytes.extend_from_slice(&[*b"PACK", 2_u32.to_be_bytes(), count.to_be_bytes()].concat());
    let mut large = LargeFileSums::default();
    let mut copier = Copier::default();
    loop {
        while pending.len() < ahead
            && let Some(work) = works.next()
        {
            pending.push_back(begin(work, pack.clone()));
        }
        // In order, whichever core is done first: equal objects give equal bytes.
        let Some((work, made)) = pending.pop_front() else { break };
        let made = match made {
            Some(made) => made.recv().map_err(|_| internal("a thread ended"))??,
            None => PackedWork::default(),
        };
        match work {
            Work::Objects(range) => {
                for (entry, begin) in entries[range].iter().zip(&made.begins) {
                    output.begin(entry, *begin as u64);
                }
                output.bytes.extend_from_slice(&made.packed);
            }
            Work::Block { index, offset, length } => {
                let entry = &entries[index];
                if offset == 0 {
                    output.begin(entry, 0);
                }
                output.bytes.extend_from_slice(&made.packed);
                large.take(entry, offset, &made.content);
                if offset + length as u64 == entry.size() {
                    output.bytes.extend_from_slice(&large.end(entry)?);
                }
            }
            Work::Copies(range) => {
                for entry in &entries[range] {
                    output.copy(entry, &mut copier)?;
                }
            }
        }
        // Nobody reads on: the request was answered early, or given up.
        if !output.flush() {
            return Ok(());
        }
    }
    output.end();
    Ok(())
}

/// A piece of work, and where what is made of it comes from.
type Pending = (Work, Option<Receiver<Result<PackedWork, WireError>>>);

fn begin(work: Work, pack: Pack) -> Pending {
    let task = match &work {
        Work::Objects(range) => Work::Objects(range.clone()),
        Work::Block { index, offset, length } => Work::Block { index: *index, offset: *offset, length: *length },
        Work::Copies(_) => return (work, None),
    };
    // Room for the one result, so that a core that is done never waits for the assembly.
    let (sender, receiver) = sync_channel(1);
    rayon::spawn(move || {
        let made = match task {
            Work::Objects(range) => pack_objects(&pack.entries[range], pack.earlier()),
            Work::Block { index, offset, length } => pack_block(&pack.entries[index], offset, length),
            Work::Copies(_) => Ok(PackedWork::default()),
        };
        // The pack is given up when nobody waits for this.
        let _ = sender.send(made);
    });
    (work, Some(receiver))
}

fn read_whole(place: &Place, size: u64, buffer: &mut Vec<u8>) -> Result<(), WireError> {
    buffer.clear();
    let (file, _) = place.open().map_err(|error| unreadable(place, &error))?;
    // One byte more than there should be tells a file that grew.
    file.take(size + 1).read_to_end(buffer).map_err(|error| unreadable(place, &error))?;
    if buffer.len() as u64 == size { Ok(()) } else { Err(changed(place)) }
}

fn changed(place: &Place) -> WireError {
    PackError::FileChanged(place.path()).into()
}

fn unreadable(place: &Place, error: &io::Error) -> WireError {
    if is_replaced(error) {
        return changed(place);
    }
    PackError::FileUnreadable { path: place.path(), reason: error.to_string() }.into()
}

fn internal(reason: &(impl std::fmt::Display + ?Sized)) -> WireError {
    PackError::Broken(reason.to_string()).into()
}
