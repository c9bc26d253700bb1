//! What objects lead to what: which of them a server lacks, and which commit is an ancestor of which.

use std::{
    collections::{BTreeSet, BinaryHeap, HashMap},
    sync::Arc,
};

use super::{
    kind,
    objects::{ByPrefix, Objects, OidSet},
    unreadable,
};
use crate::{
    diagnosis::{Cause, Failure},
    git::{format::ObjectKind, pack::Pack},
    target::Oid,
};

/// What is asked of a commit, again and again.
#[derive(Debug)]
struct Commit {
    tree: Oid,
    parents: Vec<Oid>,
    /// Seconds since 1970; a hint for the order only.
    time: i64,
    /// Whether a shallow clone has left its parents out.
    cut: bool,
}

/// Objects that a server lacks.
#[derive(Clone, Debug, Default)]
pub struct Missing {
    /// The commits that the tips are or lead to.
    tips: Vec<Oid>,
    /// Commits, youngest first.
    commits: Vec<Oid>,
    /// Annotated tags, and what is named directly though it is no commit.
    others: Vec<(Oid, ObjectKind)>,
    /// Commits among them whose parents are not here, each with these parents: the server must have them, or the commit itself.
    pub cut: Vec<(Oid, Vec<Oid>)>,
}

const SEEN: u8 = 1;
const KNOWN: u8 = 2;
const DONE: u8 = 4;

/// The walk over a checkout, with all that it learned.
pub struct Reach {
    objects: Objects,
    shallow: BTreeSet<Oid>,
    /// Tips that the server has.
    haves: Vec<Oid>,
    /// What the server has, as far as it was looked at: commits, trees, blobs, tags.
    known: OidSet,
    commits: HashMap<Oid, Option<Arc<Commit>>, ByPrefix>,
}

impl Reach {
    /// A walk over `objects`, whose history ends at the commits of `shallow`.
    pub fn new(objects: Objects, shallow: BTreeSet<Oid>) -> Self {
        Self { objects, shallow, haves: Vec::new(), known: OidSet::default(), commits: HashMap::default() }
    }

    /// Takes note that the server has `oid` with all that it leads to; what is not here is of no use.
    pub fn server_has(&mut self, oid: Oid) -> Result<(), Failure> {
        if !self.objects.has(oid) || !self.known.insert(oid) {
            return Ok(());
        }
        let mut others = Vec::new();
        if let Some(commit) = self.peel(oid, &mut others)? {
            self.haves.push(commit);
        }
        self.known.extend(others.into_iter().map(|(oid, _)| oid));
        Ok(())
    }

    /// Whether the object is here.
    pub fn is_here(&self, oid: Oid) -> bool {
        self.objects.has(oid)
    }

    /// The object's kind.
    pub fn kind(&self, oid: Oid) -> Result<ObjectKind, Failure> {
        Ok(self.objects.header(oid)?.ok_or_else(|| unreadable::missing(oid))?.0)
    }

    /// The object's size in bytes.
    pub fn size(&self, oid: Oid) -> Result<u64, Failure> {
        Ok(self.objects.header(oid)?.ok_or_else(|| unreadable::missing(oid))?.1)
    }

    /// The commit that `oid` is or leads to, if it leads to one.
    pub fn commit_of(&self, oid: Oid) -> Result<Option<Oid>, Failure> {
        self.peel(oid, &mut Vec::new())
    }

    /// Follows tags to a commit; whatever else is on the way is added to `others`.
    fn peel(&self, mut oid: Oid, others: &mut Vec<(Oid, ObjectKind)>) -> Result<Option<Oid>, Failure> {
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
    pub fn is_ancestor(&mut self, old: Oid, new: Oid) -> Result<bool, Failure> {
        let mut seen = OidSet::default();
        let mut open = BinaryHeap::from([(i64::MAX, new)]);
        while let Some((_, oid)) = open.pop() {
            if oid == old {
                return Ok(true);
            }
            if !seen.insert(oid) {
                continue;
            }
            let Some(commit) = self.commit(oid)? else { continue };
            for parent in &commit.parents {
                let time =
                    if commit.cut { i64::MAX } else { self.commit(*parent)?.map_or(i64::MAX, |commit| commit.time) };
                open.push((time, *parent));
            }
        }
        Ok(false)
    }

    /// The parents, not here, of all commits that end `new`'s history because the clone is shallow.
    pub fn beyond(&mut self, new: Oid) -> Result<Vec<Oid>, Failure> {
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
    pub fn missing(&mut self, tips: &[Oid]) -> Result<Missing, Failure> {
        let mut missing = Missing::default();
        let mut walk = Walk::default();
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
        while walk.undecided > 0
            && let Some((oid, known)) = walk.next()
        {
            let Some(commit) = self.commit(oid)? else {
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
        let lacks = |oid: &Oid| !walk.is_known(*oid);
        if let Some(oid) = absent.into_iter().find(lacks) {
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
        self.known.extend(walk.flags.iter().filter(|(_, flags)| **flags & KNOWN != 0).map(|(oid, _)| *oid));
        Ok(missing)
    }

    /// What is known of a commit that was passed already is known of its ancestors.
    fn spread(&mut self, oid: Oid, walk: &mut Walk) -> Result<(), Failure> {
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
    pub fn collect(&mut self, missing: &Missing) -> Result<Vec<(Oid, ObjectKind)>, Failure> {
        self.mark_edges(missing)?;
        let mut wanted = Vec::new();
        for (oid, kind) in &missing.others {
            if *kind == ObjectKind::Tree {
                self.tree(*oid, Some(&mut wanted))?;
            } else if self.known.insert(*oid) {
                wanted.push((*oid, *kind));
            }
        }
        for oid in &missing.commits {
            if !self.known.insert(*oid) {
                continue;
            }
            wanted.push((*oid, ObjectKind::Commit));
            let commit = self.commit(*oid)?.ok_or_else(|| unreadable::missing(*oid))?;
            self.tree(commit.tree, Some(&mut wanted))?;
        }
        for (oid, _) in &wanted {
            if !self.objects.has(*oid) {
                return Err(unreadable::missing(*oid));
            }
        }
        self.haves.extend(&missing.tips);
        Ok(wanted)
    }

    /// What the commits just below `missing` hold is at the server.
    fn mark_edges(&mut self, missing: &Missing) -> Result<(), Failure> {
        let mut edges = BTreeSet::new();
        for oid in &missing.commits {
            if let Some(commit) = self.commit(*oid)?
                && !commit.cut
            {
                edges.extend(commit.parents.iter().filter(|parent| self.known.contains(*parent)));
            }
        }
        for oid in edges {
            if let Some(commit) = self.commit(oid)? {
                self.tree(commit.tree, None)?;
            }
        }
        Ok(())
    }

    /// Takes note that the server has all that the commit `oid` holds, so that it is not sent again elsewhere.
    pub fn server_holds_files_of(&mut self, oid: Oid) -> Result<(), Failure> {
        if let Some(commit) = self.commit(oid)? {
            self.tree(commit.tree, None)?;
        }
        Ok(())
    }

    /// Goes through a tree as far as it is not known, and adds it to `wanted`.
    fn tree(&mut self, oid: Oid, mut wanted: Option<&mut Vec<(Oid, ObjectKind)>>) -> Result<(), Failure> {
        let mut open = vec![oid];
        while let Some(oid) = open.pop() {
            if !self.known.insert(oid) {
                continue;
            }
            let Some(object) = self.objects.read(oid)? else {
                if wanted.is_some() {
                    return Err(unreadable::missing(oid));
                }
                continue;
            };
            if let Some(wanted) = &mut wanted {
                wanted.push((oid, ObjectKind::Tree));
            }
            for (mode, oid) in entries(object.data()) {
                match mode {
                    b'4' => open.push(oid),
                    _ if self.known.insert(oid) => {
                        if let Some(wanted) = &mut wanted {
                            wanted.push((oid, ObjectKind::Blob));
                        }
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// The pack of `wanted`; a `thin` one may hold deltas against what the server has.
    pub fn pack(&self, wanted: &[(Oid, ObjectKind)], thin: bool) -> Result<Pack, Failure> {
        self.objects.pack(wanted, thin.then_some(&self.known))
    }

    fn commit(&mut self, oid: Oid) -> Result<Option<Arc<Commit>>, Failure> {
        if let Some(commit) = self.commits.get(&oid) {
            return Ok(commit.clone());
        }
        let cut = self.shallow.contains(&oid);
        let commit = match self.objects.read(oid)? {
            Some(object) => Some(Arc::new(Commit::read(oid, object.data(), cut)?)),
            None => None,
        };
        self.commits.insert(oid, commit.clone());
        Ok(commit)
    }
}

/// The queue of a walk, youngest commit first.
#[derive(Default)]
struct Walk {
    queue: BinaryHeap<(i64, Oid)>,
    flags: HashMap<Oid, u8, ByPrefix>,
    /// How many in the queue the server may lack.
    undecided: usize,
}

impl Walk {
    fn add(&mut self, oid: Oid, time: i64, known: u8) {
        let flags = self.flags.entry(oid).or_default();
        if *flags & SEEN == 0 {
            *flags |= SEEN | known;
            self.queue.push((time, oid));
            self.undecided += usize::from(*flags & KNOWN == 0);
        } else if known != 0 && *flags & (KNOWN | DONE) == 0 {
            *flags |= KNOWN;
            self.undecided -= 1;
        }
    }

    fn next(&mut self) -> Option<(Oid, bool)> {
        let (_, oid) = self.queue.pop()?;
        let flags = self.flags.entry(oid).or_default();
        *flags |= DONE;
        let known = *flags & KNOWN != 0;
        self.undecided -= usize::from(!known);
        Some((oid, known))
    }

    /// Marks a commit that was passed as unknown; false when there is nothing to pass on.
    fn learn(&mut self, oid: Oid) -> bool {
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

    fn was_seen(&self, oid: Oid) -> bool {
        self.flags.contains_key(&oid)
    }

    fn is_known(&self, oid: Oid) -> bool {
        self.flags.get(&oid).is_some_and(|flags| flags & KNOWN != 0)
    }
}

impl Commit {
    fn read(oid: Oid, content: &[u8], cut: bool) -> Result<Self, Failure> {
        let mut lines = content.split(|byte| *byte == b'\n');
        let tree = lines.next().and_then(|line| header(line, b"tree "));
        let tree = tree.ok_or_else(|| {
            Failure::new(
                Cause::LocalGitError,
                format!("The object {oid} of the checkout is not the commit it should be."),
            )
        })?;
        let mut parents = Vec::new();
        let mut time = 0;
        for line in lines.take_while(|line| !line.is_empty()) {
            if let Some(parent) = header(line, b"parent ") {
                parents.push(parent);
            } else if line.starts_with(b"committer ") {
                let mut words = line.rsplit(|byte| *byte == b' ');
                let seconds = words.nth(1).and_then(|word| std::str::from_utf8(word).ok());
                time = seconds.and_then(|word| word.parse().ok()).unwrap_or_default();
                break;
            }
        }
        Ok(Self { tree, parents, time, cut })
    }
}

fn header(line: &[u8], name: &[u8]) -> Option<Oid> {
    std::str::from_utf8(line.strip_prefix(name)?).ok()?.parse().ok()
}

/// The entries of a tree that are in this repository: the first digit of the mode, and the id. A malformed rest is left out.
fn entries(mut content: &[u8]) -> impl Iterator<Item = (u8, Oid)> {
    std::iter::from_fn(move || {
        loop {
            let end = memchr::memchr(0, content)?;
            let oid: [u8; 20] = content.get(end + 1..end + 21)?.try_into().ok()?;
            // `160000` is a submodule's commit, which is elsewhere.
            let (mode, submodule) = (*content.first()?, content.starts_with(b"16"));
            content = &content[end + 21..];
            if !submodule {
                return Some((mode, Oid::from_bytes(oid)));
            }
        }
    })
}
