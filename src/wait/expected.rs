//! What is waited for, and which runs are it.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use chrono::{DateTime, Utc};

use crate::{
    diagnosis::Failure,
    github::model::Run,
    inputs::{Wait, WaitFor},
    names::RefName,
    plan::WaitPlan,
    trigger::Start,
};
use crate::{
    push::written::WrittenRef,
    trigger::{
        once::TOLERANCE,
        receiver::{Receivers, Whose},
    },
    wait::{
        Waiting,
        not_triggered::Reason,
        poll::{Polls, RunSource},
        run,
    },
};

/// How long after the first run others of the same event are awaited.
const SETTLE: Duration = Duration::from_secs(4);

/// How long a run that shows the relay's id is preferred to one whose file cannot be read.
const PREFER: Duration = Duration::from_secs(10);

/// For how many of the refs that were there already a run from before is looked for.
const LOOKED_BACK_AT: usize = 3;

/// How long it is looked for the build that took the place of one that was given up.
const SUCCESSION: Duration = Duration::from_secs(20);

/// After how long all runs of what came before the wait stage have shown.
const ALL_SHOWN: Duration = Duration::from_secs(10);

/// Where the runs come from.
#[derive(Clone, Debug)]
pub(super) enum RunOrigin {
    /// A trigger.
    Trigger(Start),
    /// A workflow file that the pushed refs should start.
    File(String),
    /// The build and deployment of Pages.
    Pages,
}

/// One thing that is waited for.
#[derive(Debug)]
pub(super) struct Expected {
    pub(super) origin: RunOrigin,
    /// Nothing was pushed that could start it: a run from before is followed, and none is no failure.
    pub(super) is_idle: bool,
    pub(super) until: Wait,
    /// The runs as they were last seen, the oldest first.
    pub(super) runs: Vec<Run>,
    /// The refs that must start the file, once that was looked at.
    pub(super) awaited: Option<BTreeSet<RefName>>,
    /// Whose the runs are that resemble those of a start with the relay's id.
    whose: BTreeMap<u64, Whose>,
    /// Whether the builds of Pages show it, where no run does.
    pub(super) is_built: bool,
    /// When the build of Pages was seen to be given up, and the server's time when it was begun.
    given_up: Option<(Duration, DateTime<Utc>)>,
    /// When the first run that fits was seen.
    first: Option<Duration>,
    /// Whether it was looked for the reason why there is no run.
    pub(super) asked: bool,
    pub(super) reason: Option<Reason>,
    /// How it ended.
    pub(super) done: Option<Result<(), Failure>>,
}

/// Everything that the plan waits for, the triggers first.
pub(super) fn all(waiting: &Waiting, plan: &WaitPlan) -> Vec<Expected> {
    let new = |origin, until| Expected {
        is_idle: false,
        origin,
        until,
        runs: Vec::new(),
        awaited: None,
        whose: BTreeMap::new(),
        is_built: false,
        given_up: None,
        first: None,
        asked: false,
        reason: None,
        done: None,
    };
    let mut all = Vec::new();
    if plan.triggers != Wait::No {
        all.extend(waiting.starts.iter().map(|start| new(RunOrigin::Trigger(start.clone()), plan.triggers)));
    }
    for wanted in &plan.expected {
        let mut expected = match wanted {
            WaitFor::Pages => new(RunOrigin::Pages, Wait::Completed),
            WaitFor::Workflow(file) => new(RunOrigin::File(file.clone()), plan.until),
        };
        let mut places = expected.all_places(waiting).peekable();
        expected.is_idle = places.peek().is_some() && places.all(|place| !place.changed);
        all.push(expected);
    }
    all
}

impl Expected {
    /// What it is called in messages.
    pub(super) fn name(&self) -> String {
        match &self.origin {
            RunOrigin::Trigger(start) if start.workflow.is_some() => start.name.clone(),
            RunOrigin::Trigger(start) => format!("{} {}", start.event, start.name),
            RunOrigin::File(file) => file.clone(),
            RunOrigin::Pages => "pages".to_owned(),
        }
    }

    fn all_places<'a>(&self, waiting: &'a Waiting) -> impl Iterator<Item = &'a WrittenRef> + use<'a> {
        // Pages is built from a branch: no tag starts a build.
        let branches_only = matches!(self.origin, RunOrigin::Pages);
        waiting.places.iter().filter(move |place| !branches_only || place.name.is_branch())
    }

    /// The refs that should start it: those that the step changed, or all when it changed none.
    pub(super) fn places<'a>(&'a self, waiting: &'a Waiting) -> impl Iterator<Item = &'a WrittenRef> {
        self.all_places(waiting).filter(|place| place.changed || self.is_idle)
    }

    /// Where its runs are looked for.
    pub(super) fn sources(&self, waiting: &Waiting) -> Vec<RunSource> {
        match &self.origin {
            RunOrigin::Trigger(Start { run: Some((id, _)), .. }) => vec![RunSource::Run(*id)],
            RunOrigin::Trigger(start) => vec![RunSource::of_start(start)],
            RunOrigin::File(_) if waiting.places.is_empty() => waiting.starts.iter().map(RunSource::of_start).collect(),
            RunOrigin::Pages if self.is_built => Vec::new(),
            RunOrigin::File(_) | RunOrigin::Pages => {
                // A ref that was there already can have had its run long ago.
                let since = (!self.is_idle).then(|| waiting.cleared.at());
                let most = if self.is_idle { LOOKED_BACK_AT } else { usize::MAX };
                let mut sources: Vec<RunSource> = self
                    .places(waiting)
                    .take(most)
                    .map(|place| RunSource::list(None, None, Some(place.commit.to_string()), since))
                    .collect();
                let builds = self.given_up.map(|(_, since)| since).or(sources.is_empty().then(|| waiting.cleared.at()));
                // A successor builds another commit, so that no list by commit has
                // it. Builds of Pages have the event `dynamic`.
                sources.extend(builds.map(|since| RunSource::list(None, Some("dynamic"), None, Some(since))));
                sources.dedup();
                sources
            }
        }
    }

    /// Looks whose the runs are that may be those of a start with the relay's id.
    pub(super) async fn tell_apart(&mut self, polls: &Polls, waiting: &Waiting, receivers: &mut Receivers<'_>) {
        let RunOrigin::Trigger(Start { relay_id: Some(id), run: None, .. }) = &self.origin else { return };
        let sources = self.sources(waiting);
        let mut told = Vec::new();
        for run in sources.iter().flat_map(|source| polls.runs(source)).filter(|run| self.fits(run, waiting)) {
            if !self.whose.contains_key(&run.id) {
                told.push((run.id, receivers.whose(id, run).await));
            }
        }
        self.whose.extend(told);
    }

    /// The changed refs for which no run of the file was seen.
    pub(super) fn without_run<'a>(&self, waiting: &'a Waiting) -> Vec<&'a WrittenRef> {
        let changed =
            self.all_places(waiting).filter(|place| place.changed && matches!(self.origin, RunOrigin::File(_)));
        let shows = |place: &WrittenRef| self.runs.iter().any(|run| is_for(run, place));
        changed.filter(|place| !shows(place)).collect()
    }

    /// Those of them that must start the file, as far as that was looked at.
    pub(super) fn missing<'a>(&self, waiting: &'a Waiting) -> Vec<&'a WrittenRef> {
        let Some(awaited) = &self.awaited else { return Vec::new() };
        self.without_run(waiting).into_iter().filter(|place| awaited.contains(&place.name)).collect()
    }

    /// The runs that were followed, had not ended, and are in no answer any more.
    pub(super) fn vanished(&self, polls: &Polls, waiting: &Waiting) -> Vec<Run> {
        let sources = self.sources(waiting);
        let is_there = |run: &Run| sources.iter().flat_map(|source| polls.runs(source)).any(|other| other.id == run.id);
        self.runs.iter().filter(|run| !run::has_ended(run) && !is_there(run)).cloned().collect()
    }

    /// Keeps runs that the lists no longer hold, as they are now.
    pub(super) fn keep(&mut self, runs: Vec<Run>) {
        self.runs.retain(|known| !runs.iter().any(|run| run.id == known.id));
        self.runs.extend(runs);
        self.runs.sort_by_key(|run| (run.created_at, run.id));
    }

    /// Takes in the runs that were found.
    pub(super) fn take(&mut self, polls: &Polls, waiting: &Waiting, spent: Duration) {
        let sources = self.sources(waiting);
        let mut found: Vec<Run> = Vec::new();
        for run in sources.iter().flat_map(|source| polls.runs(source)) {
            let anothers = self.whose.get(&run.id) == Some(&Whose::Anothers);
            if !anothers && self.fits(run, waiting) && !found.iter().any(|known| known.id == run.id) {
                found.push(run.clone());
            }
        }
        if found.is_empty() {
            return;
        }
        // Moments are told to the second: between two runs of one second the number decides.
        found.sort_by_key(|run| (run.created_at, run.id));
        let first = *self.first.get_or_insert(spent);
        if let RunOrigin::Trigger(start) = &self.origin
            && start.relay_id.is_some()
            && start.run.is_none()
        {
            let is = |run: &Run, whose| self.whose.get(&run.id) == Some(&whose);
            if found.iter().any(|run| is(run, Whose::Ours)) {
                found.retain(|run| !is(run, Whose::Unknown));
            } else if found.iter().all(|run| is(run, Whose::Unknown)) && spent < first + PREFER {
                return;
            }
            if start.workflow.is_some() && found.iter().any(|run| is(run, Whose::Ours)) {
                found.retain(|run| is(run, Whose::Ours));
                found.truncate(1);
            }
        }
        if matches!(self.origin, RunOrigin::Pages) && run::are_given_up(&found) {
            let begun = found.iter().filter_map(|run| run.created_at).min().unwrap_or(waiting.cleared.at());
            self.given_up.get_or_insert((spent, begun));
            let all = sources.iter().flat_map(|source| polls.runs(source));
            if let Some(later) = run::successor(&found, all) {
                found = vec![later.clone()];
            }
        }
        if self.is_idle {
            found.drain(..found.len() - 1);
        }
        self.runs = found;
    }

    fn fits(&self, run: &Run, waiting: &Waiting) -> bool {
        // GitHub can leave the branch out: an empty one speaks against no ref.
        let at = |name: &str| run.head_branch.is_empty() || run.head_branch == name;
        let is_since = |since: DateTime<Utc>| run.created_at.is_none_or(|at| at >= since - TOLERANCE);
        let is_new = self.is_idle || is_since(waiting.cleared.at());
        match &self.origin {
            RunOrigin::Trigger(Start { run: Some((id, _)), .. }) => run.id == *id,
            RunOrigin::Trigger(start) => {
                run.event == start.event
                    && !start.before.contains(&run.id)
                    && waiting.is_ours(run)
                    && start.workflow.as_ref().is_none_or(|file| run::file_name(run) == file)
                    && start.reference.as_deref().is_none_or(|name| at(&short(name)))
                    && is_since(start.began)
            }
            RunOrigin::File(file) => {
                // A push to the branch of an open pull request starts what listens to that, unless it waits for an approval.
                let by_push = match run.event.as_str() {
                    // A new branch or tag is both pushed and created.
                    "push" | "create" => true,
                    "pull_request" => !run::awaits_approval(run),
                    _ => false,
                } && self.places(waiting).any(|place| is_for(run, place));
                let by_start = waiting.places.is_empty() && waiting.starts.iter().any(|start| start.event == run.event);
                // What a deploy key pushed counts as done by the account that added the key.
                let ours = waiting.cleared.plan().ssh.is_some() || waiting.is_ours(run);
                run::file_name(run) == file && ours && is_new && (by_push || by_start)
            }
            RunOrigin::Pages => {
                let sha = |place: &WrittenRef| run.head_sha == place.commit.to_string();
                run::is_build(run) && is_new && (self.places(waiting).next().is_none() || self.places(waiting).any(sha))
            }
        }
    }

    /// Whether it is certain which run a trigger has made.
    fn is_run_certain(&self, start: &Start) -> bool {
        start.run.is_some() || self.runs.iter().any(|run| self.whose.get(&run.id) == Some(&Whose::Ours))
    }

    /// The runs of one file that fit a trigger which has made one of them, as a sentence; none where there is no doubt.
    pub(super) fn doubt(&self) -> Option<String> {
        let RunOrigin::Trigger(start) = &self.origin else { return None };
        if self.is_run_certain(start) {
            return None;
        }
        let alike = |file: &str| self.runs.iter().filter(|run| run::file_name(run) == file).collect::<Vec<_>>();
        let runs = self.runs.iter().map(|run| alike(run::file_name(run))).find(|runs| runs.len() > 1)?;
        let urls: Vec<&str> = runs.iter().map(|run| run.html_url.as_str()).collect();
        let input = if start.workflow.is_some() { "workflow-inputs" } else { "payload" };
        Some(format!(
            "{} runs of {} fit this dispatch, and nothing tells which one it started: {} . All of them are followed. Put `{{relay_id}}` into `{input}` and show that value in the file's `run-name`: then they can be told apart.",
            runs.len(),
            run::workflow_name(runs[0]),
            urls.join(" , ")
        ))
    }

    /// Whether a run has ended that should have ended well: nothing mends that.
    pub(super) fn went_wrong(&self) -> bool {
        self.until == Wait::Completed && self.runs.iter().any(|run| run::has_ended(run) && !run::ended_well(run))
    }

    /// Whether what was asked for has come about.
    pub(super) fn is_met(&self, spent: Duration) -> bool {
        if self.runs.is_empty() {
            return false;
        }
        let single = match &self.origin {
            RunOrigin::Trigger(start) => start.workflow.is_some() && self.is_run_certain(start),
            RunOrigin::File(_) => false,
            RunOrigin::Pages => true,
        };
        // A build that was given up may have a successor, which is looked for.
        let is_open = self.given_up.is_some_and(|(at, _)| spent < at + SUCCESSION);
        if is_open && run::are_given_up(&self.runs) {
            return false;
        }
        let settled =
            single || self.is_idle || spent >= ALL_SHOWN || self.first.is_some_and(|first| spent >= first + SETTLE);
        self.until == Wait::Started || (settled && self.runs.iter().all(run::has_ended))
    }
}

/// Whether a run is for what was pushed to a ref.
fn is_for(run: &Run, place: &WrittenRef) -> bool {
    let at = run.head_branch.is_empty() || run.head_branch == place.name.short();
    at && run.head_sha == place.commit.to_string()
}

fn short(name: &str) -> String {
    name.parse::<RefName>().map_or_else(|_| name.to_owned(), |full| full.short().to_owned())
}
