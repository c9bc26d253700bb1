//! Earlier versions of many changed files, fetched when that makes a push much smaller.
//!
//! A publish needs none of the branch's blobs. One exception pays: a change that touches a little of very many files, such as a
//! new footer on each page of a site, is a few bytes as deltas against what the branch has. Whether a change is of this kind is
//! tried with a few files first; all others fetch nothing.

use std::time::Duration;

use super::proposal::{Base, Proposal};
use crate::{
    diagnosis::{Cause, Failure},
    git::{
        fetch::{FetchRequest, Filter},
        format::ObjectKind,
        pack::{Pack, PackEntry},
        remote::Remote,
    },
    names::Oid,
    retry::Retries,
};

/// Fewer changed files are sent as they are.
const FEWEST: usize = 100;

/// The least that they hold together, in bytes: below it the requests take longer than the bytes.
const LEAST: u64 = 4 * 1024 * 1024;

/// The most that they hold together, in bytes: what is fetched lies on the disk, and in memory while it is read.
const MOST: u64 = 256 * 1024 * 1024;

/// The sizes of files that are looked at, in bytes.
const SIZES: std::ops::RangeInclusive<u64> = 512..=1024 * 1024;

/// How many files are tried.
const TRIED: usize = 8;

/// The part of its size that a push of the tried files must come down to: one in so many.
const WORTH: usize = 4;

/// The most that is spent on a fetch. A push without deltas is what happens else.
const LONGEST: Duration = Duration::from_mins(1);

/// Fetches the earlier versions of what `proposal` sends into the store of `base`, where the proposal's pack finds them. Nothing
/// that goes wrong here stops the publish: the files are then sent whole.
pub async fn fetch(base: &Base, proposal: &Proposal, remote: &Remote, retries: &Retries) {
    let changed = changed(&proposal.pack);
    if changed.is_empty() {
        return;
    }
    // A quarter of what is left: the push itself has to find its time after a fetch that brings nothing.
    let limit = LONGEST.min(retries.left() / 4);
    let fetched = tokio::time::timeout(limit, fetch_if_worth(base, &proposal.pack, &changed, remote)).await;
    match fetched {
        Ok(Ok(count)) => tracing::debug!(count, "earlier versions of changed files fetched"),
        Ok(Err(failure)) => tracing::debug!(%failure, "earlier versions of changed files were not fetched"),
        Err(_) => tracing::debug!("earlier versions of changed files did not come in time"),
    }
}

async fn fetch_if_worth(base: &Base, pack: &Pack, changed: &[(usize, Oid)], remote: &Remote) -> Result<usize, Failure> {
    // Spread over the whole pack: neighbours are of one kind, and would speak for that kind alone.
    let sample: Vec<_> = changed.iter().step_by(changed.len().div_ceil(TRIED)).copied().collect();
    get(base, sample.iter().map(|(_, version)| *version).collect(), remote).await?;
    let (pack, tried) = (pack.clone(), sample.iter().map(|(index, _)| *index).collect::<Vec<_>>());
    let measured = tokio::task::spawn_blocking(move || pack.measured(&tried)).await;
    let measured = measured.map_err(|error| Failure::new(Cause::InternalError, format!("{error}.")))?;
    let Ok((thin, whole)) = measured else { return Ok(sample.len()) };
    // The eight that were fetched for the trial stay, and the push uses them.
    if thin * WORTH > whole {
        return Ok(sample.len());
    }
    get(base, changed.iter().map(|(_, version)| *version).collect(), remote).await?;
    Ok(changed.len())
}

async fn get(base: &Base, mut wants: Vec<Oid>, remote: &Remote) -> Result<(), Failure> {
    // Two files that replaced copies of one file name the same version.
    wants.sort_unstable();
    wants.dedup();
    // A server sends what is wanted by name in spite of the filter.
    let request = FetchRequest { wants, filter: Some(Filter::Blobless), ..FetchRequest::default() };
    let store = base.store().clone();
    remote.fetch(&request, move |pack| store.index_pack(pack).map(|_| ())).await?;
    Ok(())
}

/// The files of a pack that replace others, with the version that each replaces; none unless these are many.
fn changed(pack: &Pack) -> Vec<(usize, Oid)> {
    let Some(earlier) = pack.earlier() else { return Vec::new() };
    let mut bytes = 0;
    let version = |(index, entry): (usize, &PackEntry)| {
        let fits = entry.kind() == ObjectKind::Blob && SIZES.contains(&entry.size());
        // The bounds come first: a file outside of them must not count towards the sum that decides.
        let version = *earlier.versions.get(&entry.oid()).filter(|_| fits)?;
        bytes += entry.size();
        Some((index, version))
    };
    let mut changed: Vec<_> = pack.entries().iter().enumerate().filter_map(version).collect();
    if changed.len() < FEWEST || !(LEAST..=MOST).contains(&bytes) {
        changed.clear();
    }
    changed
}
