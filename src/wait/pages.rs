//! The build and deployment of a Pages site that is made from a branch.
//!
//! Source: <https://docs.github.com/en/rest/pages/pages>

use std::time::Duration;

use super::{
    expected::Expected,
    poll::Polls,
    waiting::{PATIENCE, Waiting, failure},
};
use crate::{
    connection::Connection,
    diagnosis::{Cause, Failure},
    github::{Polled, model::Pages},
    inputs::Wait,
    preflight::ClearedPush,
};

/// What is known of the site.
#[derive(Debug)]
pub(super) struct PagesSite {
    /// The address of the folder that was published, or that of the site.
    pub(super) url: Option<String>,
    pub(super) build_type: Option<String>,
    pub(super) branch: Option<String>,
}

/// Asks for the site; none where there is none, or the token may not ask.
pub(super) async fn site(waiting: &Waiting, connection: &Connection) -> Option<PagesSite> {
    let slug = &waiting.cleared.plan().target.slug;
    let ask = || async { Ok::<_, Failure>(connection.github.pages_site(slug).await?.value) };
    let site = connection.retries.run("question for the Pages site", ask).await.ok()?;
    let published = match waiting.cleared.push() {
        ClearedPush::Directory(work) => Some(&work.0).filter(|directory| directory.directory.is_some()),
        _ => None,
    };
    let address = published
        .and_then(|directory| site.address_of(directory.branch().short(), directory.asked.commit.destination.as_str()));
    let Pages { html_url, build_type, source, .. } = site;
    Some(PagesSite { url: address.or(html_url), build_type, branch: source.map(|source| source.branch) })
}

/// Looks at the builds instead of the runs: for a token that may read Pages but not Actions, and on a server that builds
/// without Actions. `None`: not ended yet.
pub(super) async fn by_builds(
    expected: &mut Expected,
    waiting: &Waiting,
    connection: &Connection,
    polls: &mut Polls,
    spent: Duration,
    site: Option<&PagesSite>,
) -> Option<Result<(), Failure>> {
    let plan = waiting.cleared.plan();
    match connection.github.latest_pages_build(&plan.target.slug, polls.build_etag.as_deref()).await {
        Ok(Polled::Changed(answered)) => {
            polls.build_etag = answered.meta.etag().map(str::to_owned);
            polls.build = Some(answered.value);
        }
        Ok(Polled::Unchanged(_)) => {}
        // The first build may not be there yet.
        Err(error) if error.is(404) && site.is_some() => {}
        Err(error) => {
            let failure = Failure::from(error);
            // Anything else may pass: the next look is seconds away.
            return (failure.retry == crate::diagnosis::Retry::Never).then_some(Err(failure));
        }
    }
    let build = polls.build.as_ref()?;
    let is_ours = expected.places(waiting).any(|place| place.commit.to_string() == build.commit);
    let source = site.and_then(|site| site.branch.as_deref());
    let is_pushed = |branch: &str| {
        let mut places = expected.places(waiting).peekable();
        places.peek().is_none() || places.any(|place| place.name.short() == branch)
    };
    // Another push came after ours, and the site holds both.
    let is_later = build.created_at.is_some_and(|at| at >= waiting.cleared.at())
        && spent >= PATIENCE
        && source.is_none_or(is_pushed);
    if !is_ours && !is_later {
        return None;
    }
    expected.is_built = true;
    match build.status.as_str() {
        "built" => Some(Ok(())),
        "errored" => {
            let why = build.error.message.as_deref().unwrap_or("GitHub gives no reason.");
            let what = format!("The Pages build of {} failed: {why}", build.commit);
            Some(Err(failure(Cause::RunFailed, what, Some(&format!("{}/actions", plan.target.web())))))
        }
        _ => (expected.until == Wait::Started).then_some(Ok(())),
    }
}
