//! What an object id of the server leads to.

use super::{
    fetch::{FetchRequest, Filter},
    format::ObjectKind,
    objects::ObjectStore,
    remote::Remote,
};
use crate::{
    diagnosis::{Cause, Failure, Retry},
    names::Oid,
};

/// How many annotated tags may stand one behind the other.
const DEPTH: usize = 8;

/// The commit that `oid` is, or that it leads to as an annotated tag.
///
/// # Errors
/// `invalid-ref-or-object` when the server does not have it, or it is a file or a tree.
pub async fn commit_of(remote: &Remote, oid: Oid) -> Result<Oid, Failure> {
    let store = ObjectStore::create()?;
    // One commit without its tree: nothing but the kind of the object is needed.
    let request =
        FetchRequest { wants: vec![oid], depth: Some(1), filter: Some(Filter::Tree(0)), ..FetchRequest::default() };
    let take = move |pack| {
        store.index_pack(pack)?;
        peel(&store, oid)
    };
    match remote.fetch(&request, take).await {
        Ok(fetched) => Ok(fetched.taken),
        // A refused credential, and a repository that is not there, stay what they are.
        Err(failure)
            if failure.retry == Retry::Never
                && !matches!(failure.cause, Cause::InvalidRefOrObject | Cause::RepoNotFoundOrHidden) =>
        {
            // A server that does not have the object says so in its own words.
            let unknown = ["not our ref", "no such", "not found", "bad object", "unadvertised"];
            let says = failure.what.to_lowercase();
            if unknown.iter().any(|words| says.contains(words)) { Err(missing(oid)) } else { Err(failure) }
        }
        Err(failure) => Err(failure),
    }
}

fn peel(store: &ObjectStore, oid: Oid) -> Result<Oid, Failure> {
    let mut at = oid;
    // Tags of tags are valid and rare; the bound keeps a long chain from costing time.
    for _ in 0..DEPTH {
        match store.read_raw(at)? {
            Some((ObjectKind::Commit, _)) => return Ok(at),
            Some((ObjectKind::Tag, content)) => match tagged(&content) {
                Some(next) => at = next,
                None => break,
            },
            Some(_) | None => break,
        }
    }
    Err(missing(oid))
}

/// The object that an annotated tag names: its first line is `object ID`.
///
/// Source: <https://git-scm.com/docs/git-mktag>
fn tagged(content: &[u8]) -> Option<Oid> {
    let line = content.split(|byte| *byte == b'\n').next()?;
    std::str::from_utf8(line.strip_prefix(b"object ")?).ok()?.parse().ok()
}

fn missing(oid: Oid) -> Failure {
    Failure::new(Cause::InvalidRefOrObject, format!("The target has no commit {oid}.")).with_remedy(
        "Push the commit before the tag that names it, or set `tag-target` to a commit, branch or tag of the target.",
    )
}
