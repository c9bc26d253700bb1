//! What publishing the directory would change on the branch.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::{previews, size};
use crate::{
    connection::Connection,
    diagnosis::Failure,
    git::advertisement::Advertisement,
    github::limits::PACK_LIMIT,
    names::Author,
    plan::Plan,
    preflight::{Shared, facts::PublishFacts},
    publish::{
        directory::AboutSite,
        newer::newer_run,
        proposal::{Base, Proposal},
        unmatched::unmatched,
    },
};

/// None where no directory is published.
pub(super) async fn publish_facts(
    plan: &Plan,
    connection: &Connection,
    shared: &Shared,
    refs: Option<&Advertisement>,
    author: &Author,
    site: oneshot::Receiver<AboutSite>,
) -> Option<Result<PublishFacts, Failure>> {
    let directory = plan.directory()?;
    let Connection { remote, retries, watch, .. } = connection;
    let source = &shared.source;
    let Some(refs) = refs else {
        // Without the branch there is no change to be worked out; a file that cannot be read is told all the same.
        return source.hashed(directory, watch).await.err().map(Err);
    };
    let facts = async {
        let base = Base::absent()?.moved_to(refs.tip(directory.branch()), directory, remote, retries);
        let (hashed, base) = tokio::join!(source.hashed(directory, watch), base);
        let (hashed, base) = (hashed?, base?);
        let closed_previews = previews::closed(plan, connection, directory, &base).await?;
        let about = AboutSite { closed_previews, ..site.await.unwrap_or_default() };
        let commit = plan.commit_plan(author, about);
        let proposal = Proposal::make(directory, &commit, &hashed, &base, remote, retries).await?;
        let deflated = size::deflated(&proposal.pack, PACK_LIMIT).await?;
        let newer = newer_run(plan.origin.run_url.as_deref(), directory, &base, remote, retries).await;
        let work = {
            let (directory, hashed, base) = (directory.clone(), Arc::clone(&hashed), base.clone());
            move || unmatched(&directory, &hashed, &base)
        };
        // What cannot be known here only lacks a warning.
        let unmatched = tokio::task::spawn_blocking(work).await.ok().and_then(Result::ok).unwrap_or_default();
        let newer_run = newer.ok().flatten();
        Ok(PublishFacts { hashed, commit, base, proposal, deflated, unmatched, newer_run })
    };
    Some(facts.await)
}
