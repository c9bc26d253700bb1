//! Workflow runs: what started them, and how they move from queued to their end by the server's clock.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

/// A status in which a run stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunState {
    /// `queued`, `in_progress`, `completed`, `waiting`, `requested`, `pending`.
    pub status: String,
    /// `success`, `failure`, ... once completed.
    pub conclusion: Option<String>,
}

/// A stretch of a run's life.
#[derive(Clone, Debug)]
pub struct Stage {
    /// The status during it.
    pub status: String,
    /// How long it lasts.
    pub lasts: Duration,
}

/// What becomes of the runs of a workflow file.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The statuses before the end, in order.
    pub stages: Vec<Stage>,
    /// The end; `None`: the last stage never ends.
    pub conclusion: Option<String>,
    /// Job and step that fail.
    pub failing: Option<(String, String)>,
}

impl Default for Outcome {
    fn default() -> Self {
        Self::concluded("success")
    }
}

impl Outcome {
    /// Queued and run for a moment each, then this conclusion.
    pub fn concluded(conclusion: &str) -> Self {
        let stage = |status: &str, millis| Stage { status: status.to_owned(), lasts: Duration::from_millis(millis) };
        Self {
            stages: vec![stage("queued", 200), stage("in_progress", 300)],
            conclusion: Some(conclusion.to_owned()),
            failing: None,
        }
    }

    /// This conclusion from the first moment on.
    pub(crate) fn at_once(conclusion: &str) -> Self {
        Self { stages: Vec::new(), ..Self::concluded(conclusion) }
    }

    /// Ends in failure at this step of this job.
    pub fn failure(job: &str, step: &str) -> Self {
        Self { failing: Some((job.to_owned(), step.to_owned())), ..Self::concluded("failure") }
    }

    /// Never leaves this status.
    pub fn stuck(status: &str) -> Self {
        let stage = Stage { status: status.to_owned(), lasts: Duration::from_hours(24) };
        Self { stages: vec![stage], conclusion: None, failing: None }
    }

    /// Other durations of being queued and of running.
    #[must_use]
    pub fn taking(mut self, queued: Duration, running: Duration) -> Self {
        self.stages = vec![
            Stage { status: "queued".to_owned(), lasts: queued },
            Stage { status: "in_progress".to_owned(), lasts: running },
        ];
        self
    }

    /// Puts a stage before the others, e.g. `waiting`, `requested`, `pending`.
    #[must_use]
    pub fn first(mut self, status: &str, lasts: Duration) -> Self {
        self.stages.insert(0, Stage { status: status.to_owned(), lasts });
        self
    }
}

/// A run that looks like the one sought and is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoy {
    /// Same event and time, another actor.
    OtherActor,
    /// Same event, actor and time, another commit and branch.
    OtherSha,
    /// Same event, actor and commit, five minutes older.
    Older,
    /// Same event and commit, another actor, two seconds newer.
    Newer,
    /// Same event, actor, commit and time; the last word of its title is another one.
    OtherTitle,
    /// Same event and actor, of 2021: such runs have no `path`.
    Ancient,
}

/// A workflow run.
#[derive(Clone, Debug)]
pub struct Run {
    /// The id in addresses.
    pub id: u64,
    /// Counts the runs of this workflow.
    pub number: u64,
    /// Path of the workflow file, `.github/workflows/x.yml`.
    pub path: String,
    /// The workflow's name.
    pub name: String,
    /// `push`, `workflow_dispatch`, `repository_dispatch`, `dynamic`.
    pub event: String,
    /// Title in lists: the `run-name`, else what GitHub makes up.
    pub title: String,
    /// Branch or tag name without `refs/...`.
    pub head_branch: Option<String>,
    /// The commit it runs on.
    pub head_sha: String,
    /// Message of that commit.
    pub head_message: String,
    /// The full ref.
    pub full_ref: String,
    /// Who started it.
    pub actor: String,
    /// By the server's clock.
    pub created_at: DateTime<Utc>,
    /// From when on the list of runs shows it.
    pub listed_at: DateTime<Utc>,
    /// How it will go.
    pub outcome: Outcome,
    /// `client_payload` or `inputs`, as they arrived.
    pub payload: Value,
    /// Shown without `path`, as runs of 2020 and 2021 are.
    pub pathless: bool,
    /// Put there to mislead; nothing asked for it.
    pub decoy: bool,
}

impl Run {
    /// Where the run stands at a time.
    pub fn state(&self, now: DateTime<Utc>) -> RunState {
        let mut at = self.created_at;
        let last = self.outcome.stages.len().saturating_sub(1);
        for (index, stage) in self.outcome.stages.iter().enumerate() {
            at += TimeDelta::from_std(stage.lasts).unwrap_or(TimeDelta::MAX);
            if now < at || (index == last && self.outcome.conclusion.is_none()) {
                return RunState { status: stage.status.clone(), conclusion: None };
            }
        }
        RunState { status: "completed".to_owned(), conclusion: self.outcome.conclusion.clone() }
    }

    /// When the run last changed its status, seen from `now`.
    pub fn updated_at(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let mut at = self.created_at;
        for stage in &self.outcome.stages {
            let next = at + TimeDelta::from_std(stage.lasts).unwrap_or(TimeDelta::MAX);
            if now < next {
                break;
            }
            at = next;
        }
        at
    }
}
