//! A start that is asked for once. After an answer that got lost it is asked for again only when the list of runs could be
//! read for half a minute and shows no new run of this event by this actor.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use crate::{
    connection::Connection,
    diagnosis::{Failure, Retry},
    github::{Meta, Polled, RestError, RunQuery, model::Run},
    plan::Plan,
};

/// How long the list is read before a start counts as not having happened.
const LOOK: Duration = Duration::from_secs(30);

/// The pause between two readings of the list.
const INTERVAL: Duration = Duration::from_secs(3);

/// How far a run may seem older than the request that started it: both clocks are the server's, to the second.
const TOLERANCE: chrono::Duration = chrono::Duration::seconds(2);

/// What a run that this request started looks like.
#[derive(Clone, Copy, Debug)]
pub(super) struct Search<'a> {
    /// The event.
    pub(super) event: &'static str,
    /// The actor; none when the token does not tell whom it stands for.
    pub(super) login: Option<&'a str>,
    /// How far the server's clock is ahead of this machine's: it dates the runs.
    pub(super) server_ahead: chrono::Duration,
    /// The relay's id, where the payload carries it.
    pub(super) id: Option<&'a str>,
}

/// What the list of runs tells about a request whose answer got lost.
enum Found {
    /// The run that it started, known by its id.
    Ours(Box<Run>),
    /// A run that may be it, or another sender's.
    Perhaps,
    /// None, as long as was looked.
    None,
    /// The list may not be read.
    Unknown,
}

/// Sends until it is done once. The answer is the runs that are known to come of it.
pub(super) async fn send<F>(
    plan: &Plan,
    connection: &Connection,
    what: &str,
    search: &Search<'_>,
    mut request: impl FnMut() -> F,
) -> Result<Vec<Run>, Failure>
where
    F: Future<Output = Result<Meta, RestError>>,
{
    let attempt = || {
        let request = request();
        async move {
            connection.retries.turn().await;
            let began = Utc::now() + search.server_ahead;
            let Err(error) = request.await else { return Ok(Vec::new()) };
            let failure = Failure::from(error);
            if failure.retry != Retry::Unclear {
                return Err(failure);
            }
            match look(plan, connection, search, began).await {
                Found::Ours(run) => Ok(vec![*run]),
                Found::None => Err(failure.with_retry(Retry::Backoff)),
                Found::Perhaps | Found::Unknown => Err(may_have_started(failure)),
            }
        }
    };
    connection.retries.run(what, attempt).await
}

fn may_have_started(failure: Failure) -> Failure {
    let what = format!("{} The start was sent and may have started a run: it is not sent again.", failure.what);
    Failure { what, ..failure }
        .with_remedy("Look at the target's Actions tab. If nothing started, run this step again; `{relay_id}` in the payload and in the receiver's `run-name` makes the look-up exact.")
        .with_retry(Retry::Never)
}

async fn look(plan: &Plan, connection: &Connection, search: &Search<'_>, began: DateTime<Utc>) -> Found {
    let since = (began - TOLERANCE).format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let created = format!(">={since}");
    let query = RunQuery { event: Some(search.event), created: Some(&created), ..RunQuery::default() };
    let begin = Instant::now();
    let mut etag: Option<String> = None;
    loop {
        let read = match connection.github.runs(&plan.target.slug, &query, etag.as_deref()).await {
            Ok(Polled::Changed(answered)) => {
                etag = answered.meta.etag().map(str::to_owned);
                if let Some(found) = judge(search, answered.value) {
                    return found;
                }
                true
            }
            Ok(Polled::Unchanged(_)) => true,
            Err(error) if error.is_not_permitted() => return Found::Unknown,
            Err(_) => false,
        };
        if begin.elapsed() >= LOOK {
            return if read { Found::None } else { Found::Unknown };
        }
        if connection.retries.left() <= INTERVAL {
            return Found::Unknown;
        }
        connection.retries.pause(INTERVAL).await;
    }
}

/// Only an id makes sure; a run by the same actor, or by anyone when ours is not known, may be another sender's.
fn judge(search: &Search<'_>, runs: Vec<Run>) -> Option<Found> {
    let names = |run: &Run| search.id.is_some_and(|id| run.display_title.contains(id) || run.name.contains(id));
    let by_us = |run: &Run| search.login.is_none_or(|login| run.actor.login.eq_ignore_ascii_case(login));
    let perhaps = runs.iter().any(by_us);
    if let Some(run) = runs.into_iter().find(names) {
        return Some(Found::Ours(Box::new(run)));
    }
    perhaps.then_some(Found::Perhaps)
}
