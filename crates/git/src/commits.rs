//! What an object id of the server leads to.

use super::{
    fetch::{FetchRequest, Filter},
    format::ObjectKind,
    objects::ObjectStore,
    remote::Remote,
};
use crate::{
    diagnosis::errors::{CommitError, RemoteError, StoreError},
    names::Oid,
};

/// How many annotated tags may stand one behind the other.
const DEPTH: usize = 8;

/// The commit that `oid` is, or that it leads to as an annotated tag.
///
/// # Errors
/// The server does not have the object, or it is a file or a tree; else those of a fetch.
pub async fn commit_of(remote: &Remote, oid: Oid) -> Result<Oid, CommitError> {
    let store = ObjectStore::create()?;
    // One commit without its tree: nothing but the kind of the object is needed.
    let request =
        FetchRequest { wants: vec![oid], depth: Some(1), filter: Some(Filter::Tree(0)), ..FetchRequest::default() };
    let take = move |pack| {
        store.index_pack(pack)?;
        peel(&store, oid)
    };
    let not_fetched = |error: RemoteError| CommitError::NotFetched { oid, error };
    let fetched = remote.fetch(&request, take).await.map_err(not_fetched)?;
    fetched.taken.ok_or(CommitError::NoCommit(oid))
}

/// The commit that `oid` leads to in `store`, if it leads to one.
fn peel(store: &ObjectStore, oid: Oid) -> Result<Option<Oid>, StoreError> {
    let mut at = oid;
    // Tags of tags are valid and rare; the bound keeps a long chain from costing time.
    for _ in 0..DEPTH {
        match store.read_raw(at)? {
            Some((ObjectKind::Commit, _)) => return Ok(Some(at)),
            Some((ObjectKind::Tag, content)) => match tagged(&content) {
                Some(next) => at = next,
                None => break,
            },
            Some(_) | None => break,
        }
    }
    Ok(None)
}

/// The object that an annotated tag names: its first line is `object ID`.
///
/// Source: <https://git-scm.com/docs/git-mktag>
fn tagged(content: &[u8]) -> Option<Oid> {
    let line = content.split(|byte| *byte == b'\n').next()?;
    std::str::from_utf8(line.strip_prefix(b"object ")?).ok()?.parse().ok()
}
