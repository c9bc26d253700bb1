//! Questions about a branch's history at the server, answered from its commits alone.

use std::collections::HashSet;

use super::{
    fetch::{FetchRequest, Filter},
    objects::ObjectStore,
    remote::Remote,
};
use crate::{diagnosis::Failure, names::Oid};

/// How many generations are looked at: a branch does not move further while one step runs.
const GENERATIONS: u32 = 1000;

/// Whether `commit` is `tip` or one of its ancestors that are younger than `old` (which may be [`Oid::ZERO`]).
///
/// One fetch of commits without trees, back to what `old` leads to.
pub async fn holds(remote: &Remote, tip: Oid, commit: Oid, old: Oid) -> Result<bool, Failure> {
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

fn walk(store: &ObjectStore, tip: Oid, commit: Oid, old: Oid) -> Result<bool, Failure> {
    let mut seen = HashSet::new();
    let mut open = vec![tip];
    while let Some(oid) = open.pop() {
        if oid == commit {
            return Ok(true);
        }
        if oid != old && seen.insert(oid) && store.has(oid)? {
            open.extend(store.read_commit(oid)?.parents);
        }
    }
    Ok(false)
}
