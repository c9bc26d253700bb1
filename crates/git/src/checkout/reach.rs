//! What objects lead to what: which of them a server lacks, and which commit is an ancestor of which.

use std::{
    collections::{BTreeMap, BTreeSet, BinaryHeap},
    sync::Arc,
};

use super::{
    entries::{self, ObjectsToSend},
    history::{Commit, CommitWalk, KNOWN, header},
    kind,
    objects::Objects,
    pointers::{self, NamedObject},
    trees, unreadable,
};
use crate::{
    diagnosis::errors::CheckoutError,
    format::ObjectKind,
    ids::{OidMap, OidSet, SharedSet},
    names::Oid,
    pack::Pack,
};

/// Objects that a server lacks.
#[derive(Clone, Debug, Default)]
pub struct Missing {
    /// The commits that the tips are or lead to.
    pub(super) tips: Vec<Oid>,
    /// Commits, youngest first.
    pub(super) commits: Vec<Oid>,
    /// Annotated tags, and what is named directly though it is no commit.
    pub(super) others: Vec<(Oid, ObjectKind)>,
    /// Commits among them whose parents are not here, each with these parents: the server must have them, or the commit itself.
    pub cut: Vec<(Oid, Vec<Oid>)>,
}

/// The walk over a checkout, with all that it learned.
pub struct Reach {
    pub(super) objects: Objects,
    shallow: BTreeSet<Oid>,
    /// Whether the server has every object that is not here: it is a partial clone of the target.
    pub(super) partial: bool,
    /// Tips that the server has.
    haves: Vec<Oid>,
    /// What the server has, as far as it was looked at: commits, trees, blobs, tags.
    pub(super) known: SharedSet,
    commits: OidMap<Option<Arc<Commit>>>,
}

impl Reach {
    /// A walk over `objects`, whose history ends at the commits of `shallow`.
    pub fn new(objects: Objects, shallow: BTreeSet<Oid>) -> Self {
        Self {
            objects,
            shallow,
            partial: false,
            haves: Vec::new(),
            known: SharedSet::default(),
            commits: OidMap::default(),
        }
    }

    /// The same for a server that has every object which is not here: it is the one that a partial clone was cloned from.
    #[must_use]
    pub fn partial(self, partial: bool) -> Self {
        Self { partial, ..self }
    }

    /// The same walk before it has collected anything.
    #[must_use]
    pub fn afresh(&self) -> Self {
        let fresh = Self::new(self.objects.clone(), self.shallow.clone()).partial(self.partial);
        Self { haves: self.haves.clone(), ..fresh }
    }

    /// Takes note that the server has `oid` with all that it leads to; what is not here is of no use.
    pub fn server_has(&mut self, oid: Oid) -> Result<(), CheckoutError> {
        if !self.objects.has(oid) || !self.known.insert(oid) {
            return Ok(());
        }
        let mut others = Vec::new();
        if let Some(commit) = self.peel(oid, &mut others)? {
            self.haves.push(commit);
        }
        for (oid, _) in others {
            self.known.insert(oid);
        }
        Ok(())
    }

    /// Whether the object is here.
    pub fn is_here(&self, oid: Oid) -> bool {
        self.objects.has(oid)
    }

    /// The object's kind.
    pub fn kind(&self, oid: Oid) -> Result<ObjectKind, CheckoutError> {
        Ok(self.objects.header(oid)?.ok_or_else(|| unreadable::missing(oid))?.0)
    }

    /// The object's size in bytes.
    pub fn size(&self, oid: Oid) -> Result<u64, CheckoutError> {
        Ok(self.objects.header(oid)?.ok_or_else(|| unreadable::missing(oid))?.1)
    }

    /// The commit that `oid` is or leads to, if it leads to one.
    pub fn commit_of(&self, oid: Oid) -> Result<Option<Oid>, CheckoutError> {
        self.peel(oid, &mut Vec::new())
    }

    /// The files in the folder `path` of the commit that `oid` is or leads to, by their path in that folder; none of what is not here.
    pub fn files_in(&mut self, oid: Oid, path: &[&str]) -> Result<BTreeMap<Vec<u8>, Oid>, CheckoutError> {
        match self.commit_of(oid)?.map(|commit| self.commit(commit)).transpose()?.flatten() {
            Some(commit) => trees::folder(&self.objects, commit.tree, path),
            None => Ok(BTreeMap::new()),
        }
    }

    /// Follows tags to a commit; whatever else is on the way is added to `others`.
    fn peel(&self, mut oid: Oid, others: &mut Vec<(Oid, ObjectKind)>) -> Result<Option<Oid>, CheckoutError> {
        loop {
            let object = self.objects.read(oid)?.ok_or_else(|| unreadable::missing(oid))?;
            match kind(object.kind()) {
                ObjectKind::Commit => return Ok(Some(oid)),
                ObjectKind::Tag => {
                    others.push((oid, ObjectKind::Tag));
                    let line = object.data().split(|byte| *byte == b'\n').next().unwrap_or_default();
                    oid = header(line, b"object ").ok_or_else(|| unreadable::missing(oid))?;
                }
                other => {
                    others.push((oid, other));
                    return Ok(None);
                }
            }
        }
    }

    /// Whether `old` is `new` or one of its ancestors, as far as the history is here.
    pub fn is_ancestor(&mut self, old: Oid, new: Oid) -> Result<bool, CheckoutError> {
        let mut seen = OidSet::default();
        // Youngest first: an ancestor is usually met long before the walk comes to old history.
        let mut open = BinaryHeap::from([(i64::MAX, new)]);
        while let Some((_, oid)) = open.pop() {
            if oid == old {
                return Ok(true);
            }
            if !seen.insert(oid) {
                continue;
            }
            // History that a shallow clone has left out cannot be followed.
            let Some(commit) = self.commit(oid)? else { continue };
            for parent in &commit.parents {
                let time =
                    // A parent beyond the boundary has no date here. It is compared first, since `old` can be that
                    // parent.
                    if commit.cut { i64::MAX } else { self.commit(*parent)?.map_or(i64::MAX, |commit| commit.time) };
                open.push((time, *parent));
            }
        }
        Ok(false)
    }

    /// The objects that are walked over.
    pub fn objects(&self) -> &Objects {
        &self.objects
    }

    /// How many commits `new` leads to that none of `olds` leads to, and the other way round, as far as the history is here.
    pub fn ahead_behind(&mut self, olds: &[Oid], new: Oid) -> Result<(u64, u64), CheckoutError> {
        const NEW: u8 = 1;
        const OLD: u8 = 2;
        const BOTH: u8 = NEW | OLD;
        let mut marks: OidMap<u8> = OidMap::default();
        let mut queued = OidSet::default();
        let mut queue = BinaryHeap::new();
        // Commits in the queue that only one side leads to; without any the rest is common history.
        let mut open = 0_usize;
        let mut found: Vec<(Oid, u8)> = olds.iter().map(|old| (*old, OLD)).chain([(new, NEW)]).collect();
        loop {
            for (oid, mark) in found.drain(..) {
                let before = marks.get(&oid).copied().unwrap_or_default();
                // A commit belongs to every side that leads to it, so that a mark that grows has to be passed on once
                // more.
                let after = before | mark;
                if after == before {
                    continue;
                }
                let Some(commit) = self.commit(oid)? else { continue };
                marks.insert(oid, after);
                if queued.insert(oid) {
                    queue.push((commit.time, oid));
                    open += usize::from(after != BOTH);
                } else {
                    // It was queued for one side only; the second side makes it common history.
                    open -= 1;
                }
            }
            if open == 0 {
                break;
            }
            let Some((_, oid)) = queue.pop() else { break };
            queued.remove(&oid);
            let mark = marks.get(&oid).copied().unwrap_or(BOTH);
            open -= usize::from(mark != BOTH);
            if let Some(commit) = self.commit(oid)?
                && !commit.cut
            {
                found.extend(commit.parents.iter().map(|parent| (*parent, mark)));
            }
        }
        let count = |side: u8| marks.values().filter(|mark| **mark == side).count() as u64;
        Ok((count(NEW), count(OLD)))
    }

    /// The parents, not here, of all commits that end `new`'s history because the clone is shallow.
    pub fn beyond(&mut self, new: Oid) -> Result<Vec<Oid>, CheckoutError> {
        let mut beyond = BTreeSet::new();
        let mut seen = OidSet::default();
        let mut open = vec![new];
        while let Some(oid) = open.pop() {
            if let Some(commit) = self.commit(oid)?
                && seen.insert(oid)
            {
                if commit.cut { beyond.extend(&commit.parents) } else { open.extend(&commit.parents) }
            }
        }
        Ok(beyond.into_iter().collect())
    }

    /// The commits, and what else stands outside of them, that the server lacks of what `tips` lead to.
    pub fn missing(&mut self, tips: &[Oid]) -> Result<Missing, CheckoutError> {
        let mut missing = Missing::default();
        let mut walk = CommitWalk::default();
        for have in self.haves.clone() {
            let time = self.commit(have)?.map_or(0, |commit| commit.time);
            walk.add(have, time, KNOWN);
        }
        for tip in tips {
            if self.known.contains(tip) {
                continue;
            }
            if let Some(commit) = self.peel(*tip, &mut missing.others)? {
                let time = self.commit(commit)?.map_or(0, |commit| commit.time);
                walk.add(commit, time, 0);
                missing.tips.push(commit);
            }
        }
        let mut absent = Vec::new();
        // When the server has every queued commit, it has all their ancestors too.
        while walk.undecided > 0
            && let Some((oid, known)) = walk.next()
        {
            let Some(commit) = self.commit(oid)? else {
                // No error yet: a later commit can show that the server has it.
                absent.push(oid);
                continue;
            };
            if !known {
                missing.commits.push(oid);
            }
            if commit.cut {
                continue;
            }
            for parent in &commit.parents {
                let time = self.commit(*parent)?.map_or(0, |commit| commit.time);
                walk.add(*parent, time, if known { KNOWN } else { 0 });
                if known {
                    self.spread(*parent, &mut walk)?;
                }
            }
        }
        // Clocks are wrong at times: a commit that was passed as missing can turn out to be known.
        let lacks = |oid: &Oid| !walk.is_known(*oid);
        if let Some(oid) = absent.into_iter().find(lacks).filter(|_| !self.partial) {
            return Err(unreadable::missing(oid));
        }
        missing.commits.retain(lacks);
        missing.others.retain(|(oid, _)| !self.known.contains(oid));
        for oid in &missing.commits {
            if let Some(commit) = self.commit(*oid)?
                && commit.cut
            {
                missing.cut.push((*oid, commit.parents.clone()));
            }
        }
        for oid in walk.known() {
            self.known.insert(oid);
        }
        Ok(missing)
    }

    /// What is known of a commit that was passed already is known of its ancestors.
    fn spread(&mut self, oid: Oid, walk: &mut CommitWalk) -> Result<(), CheckoutError> {
        let mut open = vec![oid];
        while let Some(oid) = open.pop() {
            if !walk.learn(oid) {
                continue;
            }
            if let Some(commit) = self.commit(oid)?
                && !commit.cut
            {
                open.extend(commit.parents.iter().filter(|parent| walk.was_seen(**parent)));
            }
        }
        Ok(())
    }

    /// All objects of `missing`, for a pack. From then on the server counts as having them.
    pub fn collect(&mut self, missing: &Missing) -> Result<ObjectsToSend, CheckoutError> {
        // The trees just below the new commits hold most of the unchanged files, which would be sent again otherwise.
        self.note_edges(missing)?;
        let mut wanted = ObjectsToSend::default();
        let mut roots = Vec::with_capacity(missing.commits.len());
        for (oid, kind) in &missing.others {
            if *kind == ObjectKind::Tree {
                roots.push(*oid);
            } else if self.known.insert(*oid) {
                wanted.objects.push((*oid, *kind));
            }
        }
        for oid in &missing.commits {
            if !self.known.insert(*oid) {
                continue;
            }
            wanted.objects.push((*oid, ObjectKind::Commit));
            let commit = self.commit(*oid)?.ok_or_else(|| unreadable::missing(*oid))?;
            roots.push(commit.tree);
            // The first parent is the branch itself; what came in by a merge resembles the result less.
            if let Some(parent) = commit.parents.first().filter(|_| !commit.cut)
                && let Some(parent) = self.commit(*parent)?
            {
                wanted.trees.push((commit.tree, parent.tree));
            }
        }
        // The commits come youngest first, while deltas are made from the oldest version on.
        wanted.trees.reverse();
        let found = trees::collect(&self.objects, &roots, &self.known, !self.partial)?;
        // What a partial clone left out is at the server.
        wanted.special = found.special;
        wanted.objects.extend(found.objects.into_iter().filter(|(oid, _)| !self.partial || self.objects.has(*oid)));
        self.haves.extend(&missing.tips);
        Ok(wanted)
    }

    /// What the commits just below `missing` hold is at the server.
    pub(super) fn note_edges(&mut self, missing: &Missing) -> Result<(), CheckoutError> {
        let mut edges = BTreeSet::new();
        for oid in &missing.commits {
            if let Some(commit) = self.commit(*oid)?
                && !commit.cut
            {
                edges.extend(commit.parents.iter().filter(|parent| self.known.contains(parent)));
            }
        }
        edges.into_iter().try_for_each(|edge| self.server_holds_files_of(edge))
    }

    /// Takes note that the server has all that the commit `oid` holds, so that it is not sent again elsewhere.
    pub fn server_holds_files_of(&mut self, oid: Oid) -> Result<(), CheckoutError> {
        match self.commit(oid)? {
            Some(commit) => trees::note(&self.objects, &[commit.tree], &self.known),
            None => Ok(()),
        }
    }

    /// The pack of `wanted`; a `thin` one may hold deltas against what the server has.
    pub fn pack(&self, wanted: &ObjectsToSend, thin: bool) -> Result<Pack, CheckoutError> {
        entries::pack(&self.objects, wanted, thin.then_some(&self.known))
    }

    /// The content of a blob of at most `limit` bytes; none where it is larger or not here.
    pub fn blob(&self, oid: Oid, limit: u64) -> Result<Option<Vec<u8>>, CheckoutError> {
        if self.objects.header(oid)?.is_none_or(|(_, size)| size > limit) {
            return Ok(None);
        }
        Ok(self.objects.read(oid)?.map(|object| object.data().to_vec()))
    }

    /// The Git LFS pointers that `pack` holds.
    pub fn lfs_pointers(&self, pack: &Pack) -> Result<Vec<NamedObject>, CheckoutError> {
        pointers::find(&self.objects, pack)
    }

    pub(super) fn commit(&mut self, oid: Oid) -> Result<Option<Arc<Commit>>, CheckoutError> {
        if let Some(commit) = self.commits.get(&oid) {
            return Ok(commit.clone());
        }
        let cut = self.shallow.contains(&oid);
        let commit = match self.objects.read(oid)? {
            Some(object) => Some(Arc::new(Commit::read(oid, object.data(), cut)?)),
            None => None,
        };
        // Absent ones too: libgit2 would search all packs for them again.
        self.commits.insert(oid, commit.clone());
        Ok(commit)
    }
}
