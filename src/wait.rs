//! The wait stage: the runs of every trigger, and those that the pushed refs should start, followed as far as was asked for.
//!
//! They are asked for by conditional requests: an answer of 304 costs nothing of the hour's budget
//! (<https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#use-conditional-requests-if-appropriate>).

mod awaited;
mod deleted;
mod ending;
mod expected;
mod not_triggered;
mod pages;
mod poll;
mod reason;
mod run;
mod schedule;
mod waiting;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use self::waiting::PATIENCE;
pub use self::waiting::Waiting;
use crate::trigger::receiver::Receivers;
use crate::wait::{
    expected::{Expected, RunOrigin},
    poll::Polls,
};
use crate::{
    connection::Connection,
    diagnosis::Failure,
    github::model::Run,
    inputs::{Wait, WaitFor},
    plan::WaitPlan,
    progress::Event,
    report::{RunReport, TargetReport},
};

/// Waits as planned, and notes every run in `report` as soon as it is seen. The answer is a sentence for the report; none: there
/// was nothing to wait for.
pub async fn wait(
    waiting: &Waiting,
    connection: &Connection,
    report: &mut TargetReport,
) -> Result<Option<String>, Failure> {
    let Some(plan) = &waiting.cleared.plan().wait else { return Ok(None) };
    let mut connection = connection.clone();
    // The step's own `timeout` is for what is written. A deployment can take longer than that.
    connection.retries = connection.retries.until(Instant::now() + plan.timeout);
    let site = if plan.expected.contains(&WaitFor::Pages) { pages::site(waiting, &connection).await } else { None };
    let mut follow = Follow {
        waiting,
        connection: &connection,
        plan,
        report,
        expected: expected::all(waiting, plan),
        polls: Polls::default(),
        receivers: Receivers::new(&waiting.cleared.plan().target.slug, &connection),
        doubts: BTreeSet::new(),
        shown: BTreeMap::new(),
        spent: Duration::ZERO,
        site,
    };
    follow.run().await?;
    follow.outcome().map(Some)
}

/// How long the reason for a run that did not show is looked for once the wait is over.
const LATE: std::time::Duration = std::time::Duration::from_secs(3);

/// Everything that is followed.
struct Follow<'a> {
    waiting: &'a Waiting,
    connection: &'a Connection,
    plan: &'a WaitPlan,
    report: &'a mut TargetReport,
    expected: Vec<Expected>,
    polls: Polls,
    receivers: Receivers<'a>,
    /// The doubts about whose runs they are that were told.
    doubts: BTreeSet<String>,
    /// What was shown of each run.
    shown: BTreeMap<u64, String>,
    /// Time since the beginning, counted by pauses and requests.
    spent: Duration,
    site: Option<pages::PagesSite>,
}

impl Follow<'_> {
    async fn run(&mut self) -> Result<(), Failure> {
        loop {
            let began = Instant::now();
            let left = self.plan.timeout.saturating_sub(self.spent);
            let sources = self.expected.iter().filter(|expected| expected.done.is_none());
            let sources: BTreeSet<_> = sources.flat_map(|expected| expected.sources(self.waiting)).collect();
            let held = self.polls.ask(sources, self.waiting, self.connection, self.spent, left).await?;
            for index in 0..self.expected.len() {
                self.look_at(index).await;
            }
            self.spent += began.elapsed();
            if self.expected.iter().all(|expected| expected.done.is_some()) {
                return Ok(());
            }
            if self.spent >= self.plan.timeout {
                self.time_out().await;
                return Ok(());
            }
            let mut open = self.expected.iter().filter(|expected| expected.done.is_none());
            let in_vain = open.all(|expected| expected.asked && expected.runs.is_empty() && !expected.is_built);
            // A slow answer is part of the time between two looks; what a server asks for begins with its answer.
            let pause = held
                .unwrap_or_else(|| schedule::pause(self.spent, in_vain).saturating_sub(began.elapsed()))
                .max(schedule::LEAST)
                .min(self.plan.timeout.saturating_sub(self.spent));
            self.connection.retries.pause(pause).await;
            self.spent += pause;
        }
    }

    /// Takes in what is new about one expectation, and closes it when it is met or cannot be.
    async fn look_at(&mut self, index: usize) {
        let expected = &mut self.expected[index];
        if expected.done.is_some() {
            return;
        }
        expected.tell_apart(&self.polls, self.waiting, &mut self.receivers).await;
        let vanished = expected.vanished(&self.polls, self.waiting);
        expected.take(&self.polls, self.waiting, self.spent);
        if !vanished.is_empty() {
            match deleted::still_there(vanished, self.waiting, self.connection).await {
                Ok(kept) => expected.keep(kept),
                Err(deleted) => expected.done = Some(Err(deleted)),
            }
        }
        if expected.done.is_some() {
            return;
        }
        if let Some(doubt) = expected.doubt().filter(|doubt| self.doubts.insert(doubt.clone())) {
            self.connection.watch.see(Event::Warning(&doubt));
        }
        let is_trigger = matches!(expected.origin, RunOrigin::Trigger(_));
        let is_last_trigger = is_trigger && index + 1 == self.waiting.starts.len();
        for run in &expected.runs {
            let line = format!("{}: {} {}", run::workflow_name(run), run::state(run), run.html_url);
            if self.shown.get(&run.id) != Some(&line) {
                self.connection.watch.see(Event::Notice(&line));
                self.shown.insert(run.id, line);
                self.report.run(run_report(run));
            }
        }
        if let Some(run) = expected.runs.last().filter(|_| is_last_trigger) {
            self.report.facts.run = Some(run_report(run));
        }
        let refused = expected.sources(self.waiting).iter().find_map(|source| self.polls.refusal(source).cloned());
        if expected.is_built || (refused.is_some() && matches!(expected.origin, RunOrigin::Pages)) {
            let site = self.site.as_ref();
            expected.done =
                pages::by_builds(expected, self.waiting, self.connection, &mut self.polls, self.spent, site).await;
        } else if let Some(refused) = refused {
            expected.done = Some(Err(refused));
        } else if expected.is_idle && expected.runs.is_empty() {
            let line = format!("{}: nothing was pushed, so no run is expected.", expected.name());
            self.connection.watch.see(Event::Notice(&line));
            expected.done = Some(Ok(()));
        } else if expected.is_met(self.spent)
            && (expected.went_wrong() || awaited::all_have_shown(expected, self.waiting, self.connection).await)
        {
            expected.done = Some(match expected.until {
                Wait::Completed => ending::judge(expected, self.waiting, self.connection).await,
                _ => Ok(()),
            });
        } else if expected.runs.is_empty() && !expected.asked && self.spent >= PATIENCE {
            expected.asked = true;
            if self.is_built_without_a_run(index).await {
                return self.note_site(index).await;
            }
            let expected = &mut self.expected[index];
            let found = reason::find(expected, self.waiting, self.connection, self.site.as_ref()).await;
            // A certain reason ends the wait. A likely one is kept for its end, since a run may still show.
            if found.as_ref().is_some_and(|found| found.certain) {
                expected.done = Some(Err(reason::not_triggered(expected, self.waiting, self.spent, found)));
            } else {
                expected.reason = found;
            }
        }
        self.note_site(index).await;
    }

    /// Whether the builds of Pages show what no run does; they may tell that it has ended, too.
    async fn is_built_without_a_run(&mut self, index: usize) -> bool {
        let expected = &mut self.expected[index];
        if !matches!(expected.origin, RunOrigin::Pages) {
            return false;
        }
        let site = self.site.as_ref();
        let done = pages::by_builds(expected, self.waiting, self.connection, &mut self.polls, self.spent, site).await;
        if expected.is_built {
            expected.done = done;
        }
        expected.is_built
    }

    /// Notes the address of a site that is there. One that the push itself has made was not there before.
    async fn note_site(&mut self, index: usize) {
        let Expected { origin: RunOrigin::Pages, done: Some(Ok(())), .. } = &self.expected[index] else { return };
        if self.site.is_none() {
            // The first push to `gh-pages` can have made the site.
            self.site = pages::site(self.waiting, self.connection).await;
        }
        self.report.facts.page_url = self.site.as_ref().and_then(|site| site.url.clone());
    }

    async fn time_out(&mut self) {
        for index in 0..self.expected.len() {
            let expected = &self.expected[index];
            if expected.done.is_none() && expected.runs.is_empty() && self.is_built_without_a_run(index).await {
                self.note_site(index).await;
            }
        }
        for expected in self.expected.iter_mut().filter(|expected| expected.done.is_none()) {
            let failure = if expected.is_built {
                ending::too_late(expected, self.plan.timeout)
            } else if expected.runs.is_empty() {
                if !expected.asked {
                    expected.asked = true;
                    // The wait is over: a server that is silent now costs the reason, not more time.
                    let find = reason::find(expected, self.waiting, self.connection, self.site.as_ref());
                    expected.reason = tokio::time::timeout(LATE, find).await.ok().flatten();
                }
                let found = expected.reason.take();
                reason::not_triggered(expected, self.waiting, self.plan.timeout, found)
            } else if expected.runs.iter().all(run::has_ended) {
                let shown = awaited::all_have_shown(expected, self.waiting, self.connection).await;
                let judged = ending::judge(expected, self.waiting, self.connection).await;
                let late = || awaited::not_all(expected, self.waiting, self.plan.timeout);
                expected.done = Some(judged.and_then(|()| if shown { Ok(()) } else { Err(late()) }));
                continue;
            } else {
                ending::too_late(expected, self.plan.timeout)
            };
            expected.done = Some(Err(failure));
        }
        if let Some(trouble) = self.polls.trouble() {
            let line = format!("The last look at the runs failed: {}", trouble.what);
            self.connection.watch.see(Event::Notice(&line));
        }
    }

    /// What it all came to: the first failure, with the others' sentences, or a sentence.
    fn outcome(&self) -> Result<String, Failure> {
        let mut failures = self.expected.iter().filter_map(|expected| expected.done.as_ref()?.as_ref().err());
        if let Some(first) = failures.next() {
            let mut failure = first.clone();
            for other in failures {
                failure.what.extend([" ", &other.what]);
            }
            return Err(failure);
        }
        let runs = self.expected.iter().flat_map(|expected| &expected.runs);
        let mut parts: Vec<String> =
            runs.map(|run| format!("{}: {}", run::workflow_name(run), run::state(run))).collect();
        parts.extend(self.report.facts.page_url.iter().map(|url| format!("the site is at {url}")));
        parts.dedup();
        Ok(if parts.is_empty() {
            "Nothing was pushed, so no run is expected.".to_owned()
        } else {
            format!("{}.", parts.join("; "))
        })
    }
}

/// A run as the report shows it.
pub(crate) fn run_report(run: &Run) -> RunReport {
    RunReport {
        id: run.id,
        url: run.html_url.clone(),
        workflow: run::workflow_name(run).to_owned(),
        event: run.event.clone(),
        status: run.status.clone(),
        conclusion: run.conclusion.clone().unwrap_or_default(),
    }
}
