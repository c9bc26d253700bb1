//! Commits as a walk needs them, and the walk's queue.

use std::collections::BinaryHeap;

use crate::{diagnosis::errors::CheckoutError, ids::OidMap, names::Oid};

/// What is asked of a commit, again and again.
#[derive(Debug)]
pub(super) struct Commit {
    pub(super) tree: Oid,
    pub(super) parents: Vec<Oid>,
    /// Seconds since 1970; a hint for the order only.
    pub(super) time: i64,
    /// Whether a shallow clone has left its parents out.
    pub(super) cut: bool,
}

// The marks of a commit, in one byte: a large history has more than a million commits.
const SEEN: u8 = 1;
pub(super) const KNOWN: u8 = 2;
const DONE: u8 = 4;

/// The queue of a walk, youngest commit first.
#[derive(Default)]
pub(super) struct CommitWalk {
    queue: BinaryHeap<(i64, Oid)>,
    flags: OidMap<u8>,
    /// How many in the queue the server may lack.
    pub(super) undecided: usize,
}

impl CommitWalk {
    pub(super) fn add(&mut self, oid: Oid, time: i64, known: u8) {
        let flags = self.flags.entry(oid).or_default();
        if *flags & SEEN == 0 {
            *flags |= SEEN | known;
            self.queue.push((time, oid));
            self.undecided += usize::from(*flags & KNOWN == 0);
        // It was queued as undecided, and now a commit that the server has leads to it.
        } else if known != 0 && *flags & (KNOWN | DONE) == 0 {
            *flags |= KNOWN;
            self.undecided -= 1;
        }
    }

    pub(super) fn next(&mut self) -> Option<(Oid, bool)> {
        let (_, oid) = self.queue.pop()?;
        let flags = self.flags.entry(oid).or_default();
        *flags |= DONE;
        let known = *flags & KNOWN != 0;
        self.undecided -= usize::from(!known);
        Some((oid, known))
    }

    /// Marks a commit that was passed as unknown; false when there is nothing to pass on.
    pub(super) fn learn(&mut self, oid: Oid) -> bool {
        let flags = self.flags.entry(oid).or_default();
        if *flags & KNOWN != 0 {
            return false;
        }
        if *flags & DONE == 0 {
            self.undecided -= usize::from(*flags & SEEN != 0);
        }
        *flags |= KNOWN;
        *flags & DONE != 0
    }

    pub(super) fn was_seen(&self, oid: Oid) -> bool {
        self.flags.contains_key(&oid)
    }

    /// All that turned out to be at the server.
    pub(super) fn known(&self) -> impl Iterator<Item = Oid> {
        self.flags.iter().filter(|(_, flags)| **flags & KNOWN != 0).map(|(oid, _)| *oid)
    }

    pub(super) fn is_known(&self, oid: Oid) -> bool {
        self.flags.get(&oid).is_some_and(|flags| flags & KNOWN != 0)
    }
}

impl Commit {
    pub(super) fn read(oid: Oid, content: &[u8], cut: bool) -> Result<Self, CheckoutError> {
        let mut lines = content.split(|byte| *byte == b'\n');
        let tree = lines.next().and_then(|line| header(line, b"tree "));
        let tree = tree.ok_or(CheckoutError::NotCommit(oid))?;
        let mut parents = Vec::new();
        let mut time = 0;
        for line in lines.take_while(|line| !line.is_empty()) {
            if let Some(parent) = header(line, b"parent ") {
                parents.push(parent);
            } else if line.starts_with(b"committer ") {
                // From the end, where `SECONDS ZONE` stand: a name can hold blanks and digits.
                let mut words = line.rsplit(|byte| *byte == b' ');
                // The committer's date: a rebase keeps the author's, and the order has to follow the graph.
                let seconds = words.nth(1).and_then(|word| std::str::from_utf8(word).ok());
                // A date that cannot be read makes the walk longer and its result no different.
                time = seconds.and_then(|word| word.parse().ok()).unwrap_or_default();
                break;
            }
        }
        Ok(Self { tree, parents, time, cut })
    }
}

pub(super) fn header(line: &[u8], name: &[u8]) -> Option<Oid> {
    std::str::from_utf8(line.strip_prefix(name)?).ok()?.parse().ok()
}
