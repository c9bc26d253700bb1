//! The trees of commits: what they lead to, looked through on all cores, and what stood in the place of an object before it.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::{
    objects::{Objects, OdbReader},
    unreadable,
};
use crate::{
    diagnosis::errors::CheckoutError,
    format::ObjectKind,
    ids::{OidMap, OidSet, SharedSet},
    names::{Oid, tree::Special},
};

/// How many trees a core takes at once: neighbours share most of what they hold, and libgit2 remembers what it has just unpacked.
const SHARE: usize = 256;

/// How many deltas are made one against the other: git's own limit.
const CHAIN: usize = 50;

/// All trees and blobs that `roots` lead to and `known` lacks; from then on it has them. Of a tree that is not here nothing is told.
pub(super) fn note(objects: &Objects, roots: &[Oid], known: &SharedSet) -> Result<(), CheckoutError> {
    let look = TreeScan { reader: objects.first_reader(), known, complete: false };
    roots.iter().try_for_each(|root| look.tree(*root, &mut Found::default()))
}

/// All trees and blobs that `roots` lead to and `known` lacks; from then on it has them. In no order. With `complete`
/// all trees must be here.
///
/// # Errors
/// A tree that is not here or cannot be read.
pub(super) fn collect(
    objects: &Objects,
    roots: &[Oid],
    known: &SharedSet,
    complete: bool,
) -> Result<Found, CheckoutError> {
    let shares: Result<Vec<Found>, CheckoutError> = roots
        .par_chunks(SHARE)
        .map_init(
            || objects.reader(),
            |reader, roots| {
                // rayon makes the reader once per thread and has no way to return its error; each share reports it.
                let reader = reader.as_ref().map_err(Clone::clone)?;
                let look = TreeScan { reader, known, complete };
                let mut found = Found::default();
                roots.iter().try_for_each(|root| look.tree(*root, &mut found))?;
                Ok(found)
            },
        )
        .collect();
    Ok(shares?.into_iter().fold(Found::default(), |mut all, share| {
        all.objects.extend(share.objects);
        all.special.extend(share.special);
        all
    }))
}

/// The same of one root, on this thread.
///
/// # Errors
/// As for [`collect`].
pub(super) fn collect_one(
    objects: &Objects,
    root: Oid,
    known: &SharedSet,
    complete: bool,
) -> Result<Vec<(Oid, ObjectKind)>, CheckoutError> {
    let look = TreeScan { reader: objects.first_reader(), known, complete };
    let mut found = Found::default();
    look.tree(root, &mut found)?;
    Ok(found.objects)
}

/// What trees lead to.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Trees and blobs, each once.
    pub(super) objects: Vec<(Oid, ObjectKind)>,
    /// Entries that GitHub's check of a push looks into.
    pub(super) special: Vec<SpecialEntry>,
}

/// An entry that git, or a system that it is checked out on, takes for a file that git itself reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecialEntry {
    /// The entry's own name.
    pub name: Vec<u8>,
    /// Its blob, which is new.
    pub blob: Oid,
    /// Whether it is a symbolic link.
    pub is_link: bool,
}

struct TreeScan<'a> {
    reader: &'a OdbReader,
    known: &'a SharedSet,
    /// Whether all trees must be here.
    complete: bool,
}

impl TreeScan<'_> {
    fn tree(&self, root: Oid, found: &mut Found) -> Result<(), CheckoutError> {
        let mut open = vec![root];
        while let Some(oid) = open.pop() {
            // Tested and marked in one step: two threads that meet the same tree must not both send it.
            if !self.known.insert(oid) {
                continue;
            }
            let Some(tree) = self.reader.read(oid)? else {
                if self.complete {
                    return Err(unreadable::missing(oid));
                }
                continue;
            };
            found.objects.push((oid, ObjectKind::Tree));
            for entry in entries(tree.data()) {
                if entry.is_tree {
                    open.push(entry.oid);
                } else if self.known.insert(entry.oid) {
                    found.objects.push((entry.oid, ObjectKind::Blob));
                    if Special::of(entry.name).is_some() {
                        let RawTreeEntry { name, oid, is_link, .. } = entry;
                        found.special.push(SpecialEntry { name: name.to_vec(), blob: oid, is_link });
                    }
                }
            }
        }
        Ok(())
    }
}

/// For objects of `lone` what stood in their place before: a likely base for a delta. `pairs` are the trees of commits, oldest first, each
/// with that of a parent; only trees of `lone` are looked through. No chain leads back to where it began, be it through `made_against`,
/// which tells what an object of the pack is a delta against already.
pub(super) fn predecessors(
    objects: &Objects,
    pairs: &[(Oid, Oid)],
    lone: &OidSet,
    made_against: impl Fn(&Oid) -> Option<Oid>,
) -> Result<OidMap<Oid>, CheckoutError> {
    let reader = objects.first_reader();
    let mut seen = OidSet::default();
    let mut found = OidMap::default();
    let mut add = |new: Oid, old: Oid| {
        let next = |oid: &Oid| found.get(oid).copied().or_else(|| made_against(oid));
        // A longer chain costs the server more to read than it saves, and a circle could not be read at all.
        let mut chain = std::iter::successors(Some(old), next).take(CHAIN + 1);
        if chain.by_ref().take(CHAIN).all(|oid| oid != new) && chain.next().is_none() {
            found.entry(new).or_insert(old);
        }
    };
    for pair in pairs {
        let mut open = vec![*pair];
        while let Some((new, old)) = open.pop() {
            if new == old || !lone.contains(&new) || !seen.insert(new) {
                continue;
            }
            let (Some(new_tree), Some(old_tree)) = (reader.read(new)?, reader.read(old)?) else { continue };
            add(new, old);
            // Both are sorted alike.
            let mut before = entries(old_tree.data()).peekable();
            for entry in entries(new_tree.data()).filter(|entry| lone.contains(&entry.oid)) {
                while before.next_if(|old| old.sort_key().lt(entry.sort_key())).is_some() {}
                let same = |old: &RawTreeEntry<'_>| old.name == entry.name && old.is_tree == entry.is_tree;
                let Some(old) = before.next_if(same) else { continue };
                if entry.is_tree {
                    open.push((entry.oid, old.oid));
                } else if entry.oid != old.oid {
                    add(entry.oid, old.oid);
                }
            }
        }
    }
    Ok(found)
}

/// The files in the folder `path` of the tree `root`, with those in folders below it, by their path in that folder.
pub(super) fn folder(objects: &Objects, root: Oid, path: &[&str]) -> Result<BTreeMap<Vec<u8>, Oid>, CheckoutError> {
    let mut at = root;
    for name in path {
        let Some(tree) = objects.read(at)? else { return Ok(BTreeMap::new()) };
        match entries(tree.data()).find(|entry| entry.is_tree && entry.name == name.as_bytes()) {
            Some(entry) => at = entry.oid,
            None => return Ok(BTreeMap::new()),
        }
    }
    let mut files = BTreeMap::new();
    let mut open = vec![(Vec::new(), at)];
    while let Some((above, oid)) = open.pop() {
        let Some(tree) = objects.read(oid)? else { continue };
        for entry in entries(tree.data()) {
            let path = [&above, entry.name].concat();
            if entry.is_tree {
                open.push(([&path[..], b"/"].concat(), entry.oid));
            } else {
                files.insert(path, entry.oid);
            }
        }
    }
    Ok(files)
}

/// An entry of a tree's content, borrowed from it.
pub(super) struct RawTreeEntry<'a> {
    is_tree: bool,
    is_link: bool,
    name: &'a [u8],
    oid: Oid,
}

impl RawTreeEntry<'_> {
    /// git sorts a folder as if its name ended with a slash.
    fn sort_key(&self) -> impl Iterator<Item = &u8> {
        self.name.iter().chain(self.is_tree.then_some(&b'/'))
    }
}

/// The entries of a tree that are in this repository. A malformed rest is left out.
fn entries(mut content: &[u8]) -> impl Iterator<Item = RawTreeEntry<'_>> {
    std::iter::from_fn(move || {
        loop {
            let blank = memchr::memchr(b' ', content)?;
            let end = memchr::memchr(0, content)?;
            let oid: [u8; 20] = content.get(end + 1..end + 21)?.try_into().ok()?;
            let (mode, name) = (&content[..blank.min(end)], &content[(blank + 1).min(end)..end]);
            content = &content[end + 21..];
            // `160000` is a submodule's commit, which is elsewhere.
            if !mode.starts_with(b"16") {
                let (is_tree, is_link) = (mode.starts_with(b"4"), mode.starts_with(b"12"));
                return Some(RawTreeEntry { is_tree, is_link, name, oid: Oid::from_bytes(oid) });
            }
        }
    })
}
