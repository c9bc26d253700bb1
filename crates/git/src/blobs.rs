//! Files of the server by the ids of their objects: a few of them, without the trees and commits that hold them.

use std::collections::BTreeMap;

use super::{
    fetch::{FetchRequest, Filter},
    format::ObjectKind,
    objects::ObjectStore,
    remote::Remote,
};
use crate::{diagnosis::errors::RemoteError, names::Oid};

/// The content of each of `wants` that is a blob, by one fetch.
///
/// # Errors
/// The server refused the fetch, as one does that gives nothing but what its refs name; or the connection failed.
pub async fn blobs(remote: &Remote, mut wants: Vec<Oid>) -> Result<BTreeMap<Oid, Vec<u8>>, RemoteError> {
    // Two files with the same content are one object.
    wants.sort_unstable();
    wants.dedup();
    let store = ObjectStore::create()?;
    // What is wanted by name is sent in spite of the filter.
    let request = FetchRequest { wants: wants.clone(), filter: Some(Filter::Blobless), ..FetchRequest::default() };
    let take = move |pack| {
        store.index_pack(pack)?;
        let mut found = BTreeMap::new();
        for want in wants {
            if let Some((ObjectKind::Blob, content)) = store.read_raw(want)? {
                found.insert(want, content);
            }
        }
        Ok(found)
    };
    Ok(remote.fetch(&request, take).await?.taken)
}
