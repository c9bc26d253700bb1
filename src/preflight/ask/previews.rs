//! Which previews of the branch have lost their pull request.

use std::{collections::HashSet, sync::Arc};

use super::if_possible;
use crate::{
    connection::Connection,
    diagnosis::{Cause, Failure},
    github::PULLS_PER_PAGE,
    plan::Plan,
    progress::Event,
    publish::{
        directory::DirectoryPlan,
        previews::{Preview, previews},
        proposal::Base,
        tree::ClosedPreviews,
    },
};

/// The most pages of open pull requests that are read.
const PAGES: u32 = 100;

/// The previews whose pull request is not open. The branch is looked at before the pull requests, so that a preview that comes
/// meanwhile stays. Without an answer all stay, and a warning says so.
pub(super) async fn closed(
    plan: &Plan,
    connection: &Connection,
    directory: &DirectoryPlan,
    base: &Base,
) -> Result<Arc<ClosedPreviews>, Failure> {
    let Some(folders) = &directory.asked.commit.prune_previews else { return Ok(Arc::default()) };
    let there = previews(base, folders, &connection.remote, &connection.retries).await?;
    if there.is_empty() {
        return Ok(Arc::default());
    }
    match open_pull_requests(plan, connection).await {
        Ok(open) => {
            let closed = there.into_iter().filter(|preview| !open.contains(&preview.number));
            Ok(Arc::new(closed.map(|Preview { path, tree, .. }| (path, tree)).collect()))
        }
        Err(failure) => {
            let text = format!(
                "No preview is removed by `prune-previews`, because the open pull requests of {} cannot be read. {} \
                 The token needs Pull requests: Read.",
                plan.target.slug, failure.what
            );
            connection.watch.see(Event::Warning(&text));
            Ok(Arc::default())
        }
    }
}

/// The numbers of all open pull requests.
///
/// While pages are read forwards, a pull request that closes moves those behind it to an earlier page, and one of them is
/// never seen. Read backwards, it is seen twice.
async fn open_pull_requests(plan: &Plan, connection: &Connection) -> Result<HashSet<u64>, Failure> {
    if plan.token().is_none() {
        return Err(Failure::new(Cause::TokenMissing, "There is no token for the API."));
    }
    let mut open = HashSet::new();
    let (mut is_full, mut last) = page(plan, connection, 1, &mut open).await?;
    let mut end = last.unwrap_or(1);
    while last.is_none() && is_full && end <= PAGES {
        end += 1;
        (is_full, last) = page(plan, connection, end, &mut open).await?;
    }
    if end > PAGES {
        let what = format!("There are more than {} of them.", PAGES as usize * PULLS_PER_PAGE);
        return Err(Failure::new(Cause::ServerError, what));
    }
    // A single page is read in one answer, so that nothing can have moved meanwhile.
    if end > 1 {
        for number in (1..=end).rev() {
            page(plan, connection, number, &mut open).await?;
        }
    }
    Ok(open)
}

/// Takes one page in; tells whether it is full, and which one is the last.
async fn page(
    plan: &Plan,
    connection: &Connection,
    number: u32,
    open: &mut HashSet<u64>,
) -> Result<(bool, Option<u32>), Failure> {
    let ask = || connection.github.open_pull_requests(&plan.target.slug, number);
    let rest = if_possible(connection, "question for the open pull requests", ask).await;
    let unread = || Failure::new(Cause::ServerError, "The list of pull requests cannot be read.");
    match rest.last {
        // A number that is missing reads as 0, and the preview of an open pull request would be removed.
        Some(Ok(answered)) if answered.value.0.contains(&0) => Err(unread()),
        Some(Ok(answered)) => {
            let (numbers, last) = answered.value;
            let is_full = numbers.len() >= PULLS_PER_PAGE;
            open.extend(numbers);
            Ok((is_full, last))
        }
        Some(Err(error)) => Err(rest.failure.unwrap_or_else(|| error.into())),
        None => Err(rest.failure.unwrap_or_else(unread)),
    }
}
