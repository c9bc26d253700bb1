//! Asking for runs, conditionally; what cannot be asked now is asked later.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    connection::Connection,
    diagnosis::{Failure, Retry},
    github::{
        ApiAnswer, Polled, RestError, RunQuery,
        model::{PagesBuild, Run},
    },
    names::moment::rfc3339,
    progress::Event,
    trigger::Start,
};
use crate::{
    trigger::once::made_since,
    wait::{deleted::deleted, waiting::Waiting},
};

/// How long one answer is waited for.
const LONGEST: Duration = Duration::from_secs(20);

/// How long an answer is waited for beyond the stage's end.
const MARGIN: Duration = Duration::from_secs(5);

/// How long a run that was just made need not be known under its number.
const GRACE: Duration = Duration::from_secs(30);

/// Where runs are looked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum RunSource {
    /// The run of this number.
    Run(u64),
    /// A list.
    List {
        /// Of this workflow file.
        workflow: Option<String>,
        /// Of this event.
        event: Option<&'static str>,
        /// Of this commit.
        head_sha: Option<String>,
        /// Made at or after this time of the server, in search syntax.
        created: Option<String>,
    },
}

impl RunSource {
    /// A list of the runs made since then.
    pub(super) fn list(
        workflow: Option<String>,
        event: Option<&'static str>,
        head_sha: Option<String>,
        since: Option<DateTime<Utc>>,
    ) -> Self {
        let created = since.map(made_since);
        Self::List { workflow, event, head_sha, created }
    }

    fn workflow(&self) -> Option<&str> {
        match self {
            Self::List { workflow, .. } => workflow.as_deref(),
            Self::Run(_) => None,
        }
    }

    fn event(&self) -> Option<&'static str> {
        match self {
            Self::List { event, .. } => *event,
            Self::Run(_) => None,
        }
    }

    fn head_sha(&self) -> Option<&str> {
        match self {
            Self::List { head_sha, .. } => head_sha.as_deref(),
            Self::Run(_) => None,
        }
    }

    /// The list that the runs of a start are in.
    pub(super) fn of_start(start: &Start) -> Self {
        Self::list(start.workflow.clone(), Some(start.event), None, Some(start.began))
    }
}

/// A list that holds so many may hold more, on a page that is not read.
const FULL: usize = 100;

/// Which list answers for each source: several that are about runs since `since` are asked for in one request, as long as one
/// page holds them.
fn together(wanted: BTreeSet<RunSource>, since: DateTime<Utc>) -> BTreeMap<RunSource, RunSource> {
    let (recent, others): (Vec<_>, Vec<_>) =
        wanted.into_iter().partition(|source| !matches!(source, RunSource::List { created: None, .. }));
    let alone = others.into_iter().map(|source| (source.clone(), source));
    if recent.len() < 2 {
        return alone.chain(recent.iter().map(|source| (source.clone(), source.clone()))).collect();
    }
    let common = |part: fn(&RunSource) -> Option<&str>| {
        let first = part(&recent[0])?;
        recent.iter().all(|source| part(source) == Some(first)).then(|| first.to_owned())
    };
    let event = recent[0].event().filter(|event| recent.iter().all(|source| source.event() == Some(event)));
    // What all have in common keeps the list short, and so on one page.
    let all = RunSource::list(common(RunSource::workflow), event, common(RunSource::head_sha), Some(since));
    alone.chain(recent.into_iter().map(|source| (source, all.clone()))).collect()
}

/// The last answer of one source.
#[derive(Debug, Default)]
struct LastAnswer {
    etag: Option<String>,
    runs: Vec<Run>,
    refused: Option<Failure>,
}

/// The answers so far.
#[derive(Debug, Default)]
pub(super) struct Polls {
    known: BTreeMap<RunSource, LastAnswer>,
    /// What was asked in the place of each source.
    asked: BTreeMap<RunSource, RunSource>,
    /// A common list was too long for its page: each source is asked by itself.
    crowded: bool,
    trouble: Option<Failure>,
    pub(super) build: Option<PagesBuild>,
    pub(super) build_etag: Option<String>,
}

impl Polls {
    /// The runs of a source, as last seen.
    pub(super) fn runs(&self, source: &RunSource) -> &[Run] {
        self.answer(source).map(|known| known.runs.as_slice()).unwrap_or_default()
    }

    /// Why a source cannot be asked at all.
    pub(super) fn refusal(&self, source: &RunSource) -> Option<&Failure> {
        self.answer(source)?.refused.as_ref()
    }

    fn answer(&self, source: &RunSource) -> Option<&LastAnswer> {
        self.known.get(self.asked.get(source).unwrap_or(source))
    }

    /// Why the last question got no answer.
    pub(super) fn trouble(&self) -> Option<&Failure> {
        self.trouble.as_ref()
    }

    /// Asks for every source once, for several in one request where that can be. The answer is the pause that a limit demands.
    ///
    /// # Errors
    /// The limit, when its pause is longer than what is left.
    pub(super) async fn ask(
        &mut self,
        sources: BTreeSet<RunSource>,
        waiting: &Waiting,
        connection: &Connection,
        spent: Duration,
        left: Duration,
    ) -> Result<Option<Duration>, Failure> {
        let mut held = None;
        let mut trouble = None;
        self.asked = if self.crowded {
            sources.into_iter().map(|source| (source.clone(), source)).collect()
        } else {
            together(sources, waiting.cleared.at())
        };
        let ask_for: BTreeSet<RunSource> = self.asked.values().cloned().collect();
        let longest = LONGEST.min(left + MARGIN);
        for source in ask_for {
            let known = self.known.entry(source.clone()).or_default();
            if known.refused.is_some() {
                continue;
            }
            let asked = tokio::time::timeout(longest, ask(&source, waiting, connection, known.etag.as_deref())).await;
            // A slow answer costs this look alone.
            let Ok(answer) = asked else { continue };
            let error = match answer {
                Ok(Polled::Changed(ApiAnswer { value, meta })) => {
                    known.etag = meta.etag().map(str::to_owned);
                    // What is asked for alone is as narrow as it can be.
                    let is_common = self.asked.get(&source) != Some(&source);
                    self.crowded |= is_common && value.len() >= FULL;
                    known.runs = value;
                    continue;
                }
                Ok(Polled::Unchanged(_)) => continue,
                Err(error) => error,
            };
            if error.is(404) && matches!(source, RunSource::Run(_)) && (spent < GRACE || !known.runs.is_empty()) {
                known.refused = known.runs.last().map(deleted);
                continue;
            }
            let failure = Failure::from(error);
            match failure.retry {
                Retry::Never => known.refused = Some(unreadable(failure)),
                // To wait for it would only use up the time and see nothing more.
                Retry::After(pause) if pause > left => return Err(beyond(failure, pause)),
                Retry::After(pause) => {
                    held = held.max(Some(pause));
                    trouble = Some(failure);
                }
                Retry::Backoff | Retry::Unclear(_) | Retry::Silence => trouble = Some(failure),
            }
        }
        // Said when it begins, not at each look: a server that is down for minutes would fill the log.
        if let (Some(trouble), None) = (&trouble, &self.trouble) {
            let line = format!("The runs could not be looked at ({}): {}", trouble.cause.slug(), trouble.what);
            connection.watch.see(Event::Notice(&line));
        }
        self.trouble = trouble;
        Ok(held)
    }
}

async fn ask(
    source: &RunSource,
    waiting: &Waiting,
    connection: &Connection,
    etag: Option<&str>,
) -> Result<Polled<Vec<Run>>, RestError> {
    let slug = &waiting.cleared.plan().target.slug;
    match source {
        RunSource::Run(id) => Ok(match connection.github.run(slug, *id, etag).await? {
            Polled::Changed(ApiAnswer { value, meta }) => Polled::Changed(ApiAnswer { value: vec![value], meta }),
            Polled::Unchanged(meta) => Polled::Unchanged(meta),
        }),
        RunSource::List { workflow, event, head_sha, created } => {
            let query = RunQuery {
                workflow: workflow.as_deref(),
                event: *event,
                head_sha: head_sha.as_deref(),
                created: created.as_deref(),
                ..RunQuery::default()
            };
            connection.github.runs(slug, &query, etag).await
        }
    }
}

/// A limit that lasts longer than the stage.
fn beyond(failure: Failure, pause: Duration) -> Failure {
    let reset = TimeDelta::from_std(pause).ok().and_then(|pause| Utc::now().checked_add_signed(pause));
    let reset = reset.map(rfc3339);
    let from = reset.map(|reset| format!(": the server takes questions again from {reset}")).unwrap_or_default();
    let what = format!("{} That is later than `wait-timeout` allows{from}. What was started goes on.", failure.what);
    Failure { what, ..failure }
}

fn unreadable(failure: Failure) -> Failure {
    let what = format!("The runs cannot be followed: {}", failure.what);
    Failure { what, ..failure }
}
