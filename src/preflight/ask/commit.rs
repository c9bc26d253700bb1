//! What the commit of a publish needs to know before it is made: where Pages publishes from, and who may read which repository.

use super::{super::event, RestAnswer, if_possible};
use crate::{
    connection::Connection,
    github::model::{Pages, Repository},
    inputs::Trailers,
    plan::Plan,
    publish::directory::AboutSite,
};

/// What the commit depends on, once the repository and its site have been asked for.
pub(super) async fn about_site(
    plan: &Plan,
    connection: &Connection,
    repository: &RestAnswer<Repository>,
    pages: &RestAnswer<Pages>,
) -> AboutSite {
    let site = pages.answer().filter(|site| site.build_type.as_deref() != Some("workflow"));
    let source = site.and_then(|site| site.source.as_ref());
    let pages = source.map(|source| (source.branch.clone(), source.path.trim_matches('/').to_owned()));
    let trailers = match plan.directory().map(|directory| directory.asked.commit.trailers) {
        Some(Trailers::Always) => true,
        Some(Trailers::Never) | None => false,
        Some(Trailers::Auto) => !tells_a_secret(plan, connection, repository).await,
    };
    AboutSite { pages, trailers, ..AboutSite::default() }
}

/// Whether the trailers would tell readers of the target about a private repository.
async fn tells_a_secret(plan: &Plan, connection: &Connection, target: &RestAnswer<Repository>) -> bool {
    let Some(source) = plan.origin.repository.as_ref().filter(|_| !plan.own_repository) else { return false };
    if target.answer().is_some_and(|target| target.private) {
        return false;
    }
    let event = event::payload(plan.origin.event_file.clone()).await;
    if let Some(private) = event.and_then(|event| event["repository"]["private"].as_bool()) {
        return private;
    }
    // The event of a schedule does not say it. The source's own server is asked, where that is the target's.
    if plan.token().is_none() || plan.origin.server.as_ref() != Some(&plan.target.server) {
        return false;
    }
    let ask = || connection.github.repository(source);
    let answer = if_possible(connection, "question for the source repository", ask).await;
    match answer.answer() {
        Some(source) => source.private,
        // In a run the source is there, whatever the token sees of it; on a laptop it may be no repository of this server.
        None => answer.status() == Some(404) && plan.origin.event_file.is_some(),
    }
}
