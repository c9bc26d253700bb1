//! More than one push takes: the commits are divided so that each part can be sent once those before it are there.

use std::sync::Arc;

use super::{
    entries::{self, ObjectsToSend},
    history::Commit,
    reach::{Missing, Reach},
    trees, unreadable,
};
use crate::{
    diagnosis::errors::CheckoutError,
    format::ObjectKind,
    ids::{OidMap, OidSet},
    names::Oid,
    pack::Pack,
};

/// A part of what a server lacks.
#[derive(Clone, Debug)]
pub struct Part {
    /// The commits of the part that none of its other commits leads to; together they lead to all of it.
    pub heads: Vec<Oid>,
    /// The objects.
    pub pack: Pack,
}

/// A part that is being filled.
#[derive(Default)]
struct Open {
    wanted: ObjectsToSend,
    commits: OidMap<Arc<Commit>>,
    weight: u64,
}

impl Open {
    fn heads(&self) -> Vec<Oid> {
        let parents: OidSet = self.commits.values().flat_map(|commit| commit.parents.iter().copied()).collect();
        self.commits.keys().filter(|oid| !parents.contains(*oid)).copied().collect()
    }
}

impl Reach {
    /// Divides `missing` into parts of about `share` bytes, and never less than one commit. The last one has what stands
    /// outside of commits, too. From then on the server counts as having all of it.
    ///
    /// # Errors
    /// `local-git-error` for an object that is not here or cannot be read.
    pub fn divide(&mut self, missing: &Missing, share: u64, thin: bool) -> Result<Vec<Part>, CheckoutError> {
        self.note_edges(missing)?;
        let mut parts = Vec::new();
        let mut open = Open::default();
        // A part can be received only where the parents of its commits are.
        for oid in self.parents_first(missing)? {
            let commit = self.commit(oid)?.ok_or_else(|| unreadable::missing(oid))?;
            let mut objects = vec![(oid, ObjectKind::Commit)];
            objects.extend(self.below(commit.tree)?);
            let weight: u64 = objects.iter().map(|(oid, _)| self.objects.weight(*oid)).sum();
            // A commit that is larger than a share is a part alone: it cannot be divided.
            if open.weight > 0 && open.weight + weight > share {
                parts.push(self.close(&std::mem::take(&mut open), false)?);
            }
            self.known.insert(oid);
            open.weight += weight;
            open.wanted.objects.extend(objects);
            if let Some(parent) = commit.parents.first().filter(|_| !commit.cut)
                && let Some(parent) = self.commit(*parent)?
            {
                // A tree is sent as a delta against the one before it, which is most like it.
                open.wanted.trees.push((commit.tree, parent.tree));
            }
            open.commits.insert(oid, commit);
        }
        for (oid, kind) in &missing.others {
            if *kind == ObjectKind::Tree {
                open.wanted.objects.extend(self.below(*oid)?);
            } else if self.known.insert(*oid) {
                open.wanted.objects.push((*oid, *kind));
            }
        }
        parts.push(self.close(&open, thin)?);
        Ok(parts)
    }

    /// NOTE: of a part that others follow no delta may be made against what is known: that holds their objects already.
    fn close(&self, open: &Open, thin: bool) -> Result<Part, CheckoutError> {
        let pack = entries::pack(&self.objects, &open.wanted, thin.then_some(&self.known))?;
        Ok(Part { heads: open.heads(), pack })
    }

    /// What a tree leads to and the server lacks.
    fn below(&self, tree: Oid) -> Result<Vec<(Oid, ObjectKind)>, CheckoutError> {
        let found = trees::collect_one(&self.objects, tree, &self.known, !self.partial)?;
        Ok(found.into_iter().filter(|(oid, _)| !self.partial || self.objects.has(*oid)).collect())
    }

    /// The commits of `missing`, each after its parents.
    fn parents_first(&mut self, missing: &Missing) -> Result<Vec<Oid>, CheckoutError> {
        let lacks: OidSet = missing.commits.iter().copied().collect();
        let mut done = OidSet::default();
        let mut order = Vec::with_capacity(lacks.len());
        // A stack and no recursion: a history can be longer than a thread's stack is deep.
        let mut open: Vec<(Oid, bool)> = missing.tips.iter().rev().map(|tip| (*tip, false)).collect();
        while let Some((oid, passed)) = open.pop() {
            if passed {
                if done.insert(oid) {
                    order.push(oid);
                }
                continue;
            }
            if done.contains(&oid) || !lacks.contains(&oid) {
                continue;
            }
            open.push((oid, true));
            if let Some(commit) = self.commit(oid)?.filter(|commit| !commit.cut) {
                open.extend(commit.parents.iter().rev().map(|parent| (*parent, false)));
            }
        }
        Ok(order)
    }
}
