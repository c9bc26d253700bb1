//! Questions about a branch's history at the server, answered from its commits alone.

use std::collections::HashSet;

use super::{
    fetch::{FetchRequest, Filter},
    objects::ObjectStore,
    remote::Remote,
};
use crate::{
    diagnosis::errors::{RemoteError, StoreError},
    names::Oid,
};

/// How many generations are looked at: a branch does not move further while one step runs.
const GENERATIONS: u32 = 1000;

/// Whether `commit` is `tip` or one of its ancestors that are younger than `old` (which may be [`Oid::ZERO`]).
///
/// One fetch of commits without trees, back to what `old` leads to.
pub async fn holds(remote: &Remote, tip: Oid, commit: Oid, old: Oid) -> Result<bool, RemoteError> {
    if tip == commit {
        return Ok(true);
    }
    let store = ObjectStore::create()?;
    let request = FetchRequest {
        wants: vec![tip],
        depth: Some(GENERATIONS),
        filter: Some(Filter::Tree(0)),
        ..FetchRequest::default()
    };
    let take = move |pack| {
        store.index_pack(pack)?;
        walk(&store, tip, commit, old)
    };
    Ok(remote.fetch(&request, take).await?.taken)
}

fn walk(store: &ObjectStore, tip: Oid, commit: Oid, old: Oid) -> Result<bool, StoreError> {
    let mut seen = HashSet::new();
    let mut open = vec![tip];
    while let Some(oid) = open.pop() {
        if oid == commit {
            return Ok(true);
        }
        // Nothing below `old` can be ours: the push was made on top of it.
        if oid != old && seen.insert(oid) && store.has(oid)? {
            open.extend(store.read_commit(oid)?.parents);
        }
    }
    Ok(false)
}

/// What a branch of the server has that is not here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// How many commits.
    pub commits: u64,
    /// The commits that are here and that they lead to.
    pub known: Vec<Oid>,
    /// Whether the history was seen down to what is known, or to its beginning.
    pub is_whole: bool,
}

/// Counts the commits that `tip` leads to and that are not here, by one fetch of commits without trees.
pub async fn unknown(
    remote: &Remote,
    tip: Oid,
    is_here: impl Fn(Oid) -> bool + Send + 'static,
) -> Result<Unknown, RemoteError> {
    let store = ObjectStore::create()?;
    let request = FetchRequest {
        wants: vec![tip],
        depth: Some(GENERATIONS),
        filter: Some(Filter::Tree(0)),
        ..FetchRequest::default()
    };
    let take = move |pack| {
        store.index_pack(pack)?;
        let mut unknown = Unknown { commits: 0, known: Vec::new(), is_whole: true };
        let mut seen = HashSet::new();
        let mut open = vec![tip];
        while let Some(oid) = open.pop() {
            if !seen.insert(oid) {
                continue;
            }
            if is_here(oid) {
                unknown.known.push(oid);
            } else if store.has(oid)? {
                unknown.commits += 1;
                open.extend(store.read_commit(oid)?.parents);
            } else {
                // The depth of the fetch ended the history here.
                unknown.is_whole = false;
            }
        }
        Ok(unknown)
    };
    Ok(remote.fetch(&request, take).await?.taken)
}
