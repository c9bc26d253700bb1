//! The build and deployment of a Pages site that is made from a branch.
//!
//! Source: <https://docs.github.com/en/rest/pages/pages>

use std::time::Duration;

use crate::wait::{Expected, PATIENCE, Waiting, failure, not_triggered::Reason, poll::Polls};
use crate::{
    connection::Connection,
    diagnosis::{Cause, Failure},
    github::{
        Polled,
        model::{Pages, Run},
    },
    inputs::Wait,
};

/// What is known of the site.
#[derive(Debug)]
pub(super) struct Site {
    /// Its address.
    pub(super) url: Option<String>,
    build_type: Option<String>,
    branch: Option<String>,
}

/// Asks for the site; none where there is none, or the token may not ask.
pub(super) async fn site(waiting: &Waiting, connection: &Connection) -> Option<Site> {
    let slug = &waiting.cleared.plan().target.slug;
    let ask = || async { Ok(connection.github.pages_site(slug).await?.value) };
    let Pages { html_url, build_type, source, .. } =
        connection.retries.run("question for the Pages site", ask).await.ok()?;
    Some(Site { url: html_url, build_type, branch: source.map(|source| source.branch) })
}

/// Why no build was started.
pub(super) async fn reason(
    expected: &Expected,
    waiting: &Waiting,
    connection: &Connection,
    site: Option<&Site>,
) -> Option<Reason> {
    let target = &waiting.cleared.plan().target;
    let settings = format!("{}/settings/pages", target.web());
    let Some(site) = site else {
        // NOTE: a first push to `gh-pages` may have made the site, so that the answer from before counts no longer.
        let has_pages = connection.github.repository(&target.slug).await.ok()?.value.has_pages;
        return Some(if has_pages == Some(false) {
            Reason::certain(
                "Pages is not switched on: the repository has no Pages site.",
                format!("Open {settings} and choose the branch under Build and deployment > Deploy from a branch."),
            )
        } else {
            Reason::likely("The token may not ask for the repository's Pages site (Pages: read).")
        });
    };
    if site.build_type.as_deref() == Some("workflow") {
        return Some(Reason::certain(
            "The site is built by a workflow of its own, not from a branch.",
            format!("Name that workflow's file in `wait-for` instead of `pages`, or choose a branch on {settings}."),
        ));
    }
    let source = site.branch.as_deref()?;
    let place = expected.places(waiting).next()?;
    (expected.places(waiting).all(|place| place.name.short() != source)).then(|| {
        Reason::certain(
            format!("Pages publishes the branch {source}, and {} was pushed.", place.name.short()),
            format!("Choose {} on {settings}, or set `branch: {source}`.", place.name.short()),
        )
    })
}

/// Whether there are builds, and all were cancelled: GitHub builds one at a time, and gives up what is under way when the
/// branch moves on.
pub(super) fn are_given_up(builds: &[Run]) -> bool {
    !builds.is_empty() && builds.iter().all(|run| run.conclusion.as_deref() == Some("cancelled"))
}

/// The build that took the place of `builds`: the newest later one of the same branch, which brings what both pushed.
pub(super) fn successor<'a>(builds: &[Run], all: impl Iterator<Item = &'a Run>) -> Option<&'a Run> {
    let last = builds.last()?;
    let later = all.filter(|run| is_build(run) && run.head_branch == last.head_branch);
    let later = later.filter(|run| (run.created_at, run.id) > (last.created_at, last.id));
    later.max_by_key(|run| (run.created_at, run.id))
}

/// Whether a run is a build and deployment of a Pages site from a branch.
pub(super) fn is_build(run: &Run) -> bool {
    run.path.contains("pages-build-deployment")
}

/// Looks at the builds instead of the runs: for a token that may read Pages but not Actions, and on a server that builds
/// without Actions. `None`: not ended yet.
pub(super) async fn by_builds(
    expected: &mut Expected,
    waiting: &Waiting,
    connection: &Connection,
    polls: &mut Polls,
    spent: Duration,
    site: Option<&Site>,
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
