//! A start that is asked for once. After an answer that got lost it is asked for again only when the list of runs could be
//! read for half a minute and shows no new run of this event by this actor; and never when the server had the request and was
//! silent until it was given up on, since it may start the run yet.

use std::{collections::BTreeSet, sync::OnceLock, time::Duration};

use chrono::{DateTime, Utc};

use super::{
    Start,
    receiver::{Receivers, Whose},
};
use crate::workflow_file::relay_id::RelayId;
use crate::{
    connection::Connection,
    diagnosis::{Cause, Failure, Retry},
    github::{Polled, RestError, RunQuery, model::Run},
    names::RefName,
    plan::Plan,
    preflight::Cleared,
};

/// How long the list is read before a start counts as not having happened.
const LOOK: Duration = Duration::from_secs(30);

/// How long it is tried when the list cannot be read each time.
const PATIENCE: Duration = Duration::from_mins(1);

/// The pause between two readings of the list.
const INTERVAL: Duration = Duration::from_secs(3);

/// How far a run may seem older than the request that started it: both clocks are the server's, to the second.
pub(crate) const TOLERANCE: chrono::Duration = chrono::Duration::seconds(2);

/// The search syntax for runs made at `moment` of the server or later, as far as its clock tells.
pub(crate) fn made_since(moment: DateTime<Utc>) -> String {
    (moment - TOLERANCE).format(">=%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// What is left for the report when the budget ends during a request.
const MARGIN: Duration = Duration::from_millis(100);

/// What a run that this request started looks like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RunSearch<'a> {
    event: &'static str,
    workflow: Option<&'a str>,
    reference: Option<&'a str>,
    id: Option<&'a RelayId>,
    before: &'a BTreeSet<u64>,
}

impl<'a> RunSearch<'a> {
    /// The runs of `start`.
    pub(crate) fn of(start: &'a Start) -> Self {
        Self {
            event: start.event,
            workflow: start.workflow.as_deref(),
            reference: start.reference.as_deref(),
            id: start.relay_id.as_ref(),
            before: &start.before,
        }
    }

    /// Whether a run may be it, as far as actor and ref tell, and what was there before.
    fn may_be(&self, run: &Run, login: Option<&str>) -> bool {
        let by_us = login.is_none_or(|login| run.may_be_by(login));
        by_us
            && !self.before.contains(&run.id)
            && (run.head_branch.is_empty() || self.reference.is_none_or(|name| is_at(run, name)))
    }
}

/// A start that was made.
#[derive(Debug)]
pub(crate) struct Once<T> {
    /// When it was asked for, by the server's clock.
    pub(crate) began: DateTime<Utc>,
    /// How it is known.
    pub(crate) sent: StartProof<T>,
}

/// How a start is known to have been made.
#[derive(Debug)]
pub(crate) enum StartProof<T> {
    /// By the answer.
    ApiAnswer(T),
    /// The answer got lost; the run was found by the relay's id.
    LostAnswer(Box<Run>),
}

/// What the list of runs tells about a request whose answer got lost.
enum LostAnswer {
    /// The run that it started, known by its id.
    Ours(Box<Run>),
    /// A run that may be it, or another sender's.
    Perhaps(Box<Run>),
    /// None, as long as was looked.
    None,
    /// The list may not, or could not, be read.
    Unknown,
}

/// Sends until it is done once.
pub(crate) async fn send<T, F>(
    cleared: &Cleared<Plan>,
    connection: &Connection,
    what: &str,
    search: &RunSearch<'_>,
    mut request: impl FnMut() -> F,
) -> Result<Once<T>, Failure>
where
    F: Future<Output = Result<T, RestError>>,
{
    let first = OnceLock::new();
    let attempt = || {
        let (request, first) = (request(), &first);
        async move {
            connection.retries.turn().await;
            // After the turn: the pause before it would let older runs of others in.
            let began = Utc::now() + cleared.server_ahead();
            // A run of an earlier try would do as well.
            let since = *first.get_or_init(|| began);
            connection.pending_write.sent(what);
            let answer = within(connection, request).await;
            // What is not known after an answer, and after a look, is told here.
            let failure = match answer {
                Some(Ok(answer)) => {
                    connection.pending_write.answered();
                    return Ok(Once { began, sent: StartProof::ApiAnswer(answer) });
                }
                Some(Err(error)) => Failure::from(error),
                None => {
                    connection.pending_write.answered();
                    let what = format!("No answer to the {what} came within the step's whole budget (`timeout`).");
                    return Err(may_have_started(Failure::new(Cause::ConnectionFailed, what), None));
                }
            };
            if !matches!(failure.retry, Retry::Unclear(_) | Retry::Silence) {
                connection.pending_write.answered();
                return Err(failure);
            }
            let found = within(connection, look(cleared, connection, search, since)).await;
            connection.pending_write.answered();
            match found.unwrap_or(LostAnswer::Unknown) {
                LostAnswer::Ours(run) => Ok(Once { began, sent: StartProof::LostAnswer(run) }),
                LostAnswer::None if failure.retry == Retry::Silence => {
                    let what =
                        format!("{} No run of it was listed since, but the server may start it yet.", failure.what);
                    Err(may_have_started(Failure { what, ..failure }, None))
                }
                LostAnswer::None => Err(failure.undone()),
                LostAnswer::Perhaps(run) => Err(may_have_started(failure, Some(&run))),
                LostAnswer::Unknown => Err(may_have_started(failure, None)),
            }
        }
    };
    connection.retries.run(what, attempt).await
}

/// What comes of `future`, unless the budget ends before: a start that was sent must not end as a mere `timeout`.
async fn within<T>(connection: &Connection, future: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(connection.retries.left().saturating_sub(MARGIN), future).await.ok()
}

fn may_have_started(failure: Failure, run: Option<&Run>) -> Failure {
    let known = run.map(|run| format!(" {} may be it, or another sender's.", run.html_url)).unwrap_or_default();
    let what = format!("{} The start was sent and may have started a run: it is not sent again.{known}", failure.what);
    let failure = Failure { what, ..failure }
        .with_remedy("Look at the target's Actions tab. If nothing started, run this step again; `{relay_id}` in the payload or the inputs and in the receiver's `run-name` makes the look-up exact.")
        .with_retry(Retry::Never);
    match run {
        Some(run) => failure.with_link(&run.html_url),
        None => failure,
    }
}

/// Looks for the run. Time is counted by its pauses.
async fn look(
    cleared: &Cleared<Plan>,
    connection: &Connection,
    search: &RunSearch<'_>,
    since: DateTime<Utc>,
) -> LostAnswer {
    let created = made_since(since);
    let query = RunQuery {
        workflow: search.workflow,
        event: Some(search.event),
        created: Some(&created),
        ..RunQuery::default()
    };
    let (mut looked, mut passed) = (Duration::ZERO, Duration::ZERO);
    let mut etag: Option<String> = None;
    let slug = &cleared.plan().target.slug;
    let mut receivers = Receivers::new(slug, connection);
    loop {
        let mut pause = INTERVAL;
        let read = match connection.github.runs(slug, &query, etag.as_deref()).await {
            Ok(Polled::Changed(answered)) => {
                etag = answered.meta.etag().map(str::to_owned);
                let mut runs = Vec::new();
                for run in answered.value {
                    let anothers = match search.id.filter(|_| search.may_be(&run, cleared.login())) {
                        Some(id) => receivers.whose(id, &run).await == Whose::Anothers,
                        None => false,
                    };
                    runs.extend((!anothers).then_some(run));
                }
                if let Some(found) = judge(search, cleared.login(), runs) {
                    return found;
                }
                true
            }
            Ok(Polled::Unchanged(_)) => true,
            // Without Actions: read it stays unknown, and what is unknown is not sent again.
            Err(error) if error.is_not_permitted() => return LostAnswer::Unknown,
            Err(error) => {
                if let Retry::After(named) = Failure::from(error).retry {
                    // Asking sooner than a limit allows would prolong it.
                    pause = pause.max(named);
                }
                false
            }
        };
        // Only time in which the list could be read counts: a list that was not read proves nothing.
        if read && looked >= LOOK {
            return LostAnswer::None;
        }
        if passed >= PATIENCE || connection.retries.left() <= pause {
            return LostAnswer::Unknown;
        }
        connection.retries.pause(pause).await;
        passed += pause;
        if read {
            looked += pause;
        }
    }
}

/// Only an id makes sure; a run by the same actor, or by anyone when ours is not known, may be another sender's.
fn judge(search: &RunSearch<'_>, login: Option<&str>, runs: Vec<Run>) -> Option<LostAnswer> {
    let mut perhaps = None;
    for run in runs {
        if search.id.is_some_and(|id| id.is_shown_by(&run)) {
            return Some(LostAnswer::Ours(Box::new(run)));
        }
        if perhaps.is_none() && search.may_be(&run, login) {
            perhaps = Some(LostAnswer::Perhaps(Box::new(run)));
        }
    }
    perhaps
}

/// Whether a run is of this branch or tag, given in any form.
fn is_at(run: &Run, name: &str) -> bool {
    let short = name.parse::<RefName>().map_or_else(|_| name.to_owned(), |full| full.short().to_owned());
    run.head_branch == short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(title: &str, actor: &str, branch: &str) -> Run {
        let mut run = Run { display_title: title.into(), head_branch: branch.into(), ..Run::default() };
        run.actor.login = actor.into();
        run
    }

    fn found(id: Option<&str>, login: Option<&str>, runs: Vec<Run>) -> &'static str {
        let payload = r#"{"id": "{relay_id}"}"#.parse().unwrap();
        let id = id.and_then(|id| RelayId::put_into(&payload, id.to_owned()).1);
        let reference = Some("refs/heads/main");
        let before = BTreeSet::from([7]);
        let search =
            RunSearch { event: "repository_dispatch", workflow: None, reference, id: id.as_ref(), before: &before };
        match judge(&search, login, runs) {
            Some(LostAnswer::Ours(_)) => "ours",
            Some(LostAnswer::Perhaps(_)) => "perhaps",
            _ => "none",
        }
    }

    #[test]
    fn only_the_id_makes_sure() {
        let ours = || run("Deploy 42", "robin", "main");
        assert_eq!(found(Some("42"), Some("robin"), vec![run("x", "robin", "main"), ours()]), "ours");
        assert_eq!(found(None, Some("robin"), vec![ours()]), "perhaps");
        assert_eq!(found(Some("7"), Some("robin"), vec![ours()]), "perhaps", "the receiver need not show the id");
        assert_eq!(found(None, Some("Robin"), vec![ours()]), "perhaps");
        assert_eq!(found(None, None, vec![run("x", "anyone", "main")]), "perhaps");
        assert_eq!(found(None, Some("robin"), vec![run("x", "mallory", "main")]), "none");
        assert_eq!(found(None, Some("robin"), vec![run("x", "robin", "other")]), "none");
        assert_eq!(found(None, Some("robin"), vec![run("x", "robin", "")]), "perhaps");
        assert_eq!(found(None, Some("robin"), vec![Run { id: 7, ..run("x", "robin", "main") }]), "none");
        assert_eq!(found(None, Some("robin"), vec![run("x", "", "")]), "perhaps", "nobody says that it is not ours");
    }
}
