//! Workflows, what asks for a run of one, and the runs.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{Account, moment, or_default};

/// A workflow.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Workflow {
    /// Its number.
    pub id: u64,
    /// Its title.
    pub name: String,
    /// Its file: `.github/workflows/deploy.yml`.
    pub path: String,
    /// `active`, `disabled_manually`, `disabled_inactivity`, `disabled_fork` or `deleted`.
    pub state: String,
    /// The web address.
    pub html_url: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Workflows {
    pub(crate) workflows: Vec<Workflow>,
}

/// Whether Actions run in a repository.
#[derive(Clone, Debug, Deserialize)]
pub struct ActionsPermissions {
    /// They do.
    pub enabled: bool,
}

/// A workflow run.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[allow(clippy::struct_field_names, reason = "GitHub's name")]
pub struct Run {
    /// Its number.
    pub id: u64,
    /// The workflow's title.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// What the run is called: `run-name`, or a default that depends on the event.
    #[serde(deserialize_with = "or_default")]
    pub display_title: String,
    /// The workflow's file, in some answers with `@ref` after it.
    #[serde(deserialize_with = "or_default")]
    pub path: String,
    /// The workflow's number.
    #[serde(deserialize_with = "or_default")]
    pub workflow_id: u64,
    /// `push`, `repository_dispatch`, `workflow_dispatch` and the like.
    #[serde(deserialize_with = "or_default")]
    pub event: String,
    /// `queued`, `requested`, `waiting`, `pending`, `in_progress`, `action_required` or `completed`; the list is open.
    #[serde(deserialize_with = "or_default")]
    pub status: String,
    /// `success`, `failure`, `neutral`, `cancelled`, `skipped`, `timed_out`, `action_required`, `stale` or `startup_failure`; `None` until it ends.
    pub conclusion: Option<String>,
    /// The branch or tag of the commit.
    #[serde(deserialize_with = "or_default")]
    pub head_branch: String,
    /// The commit.
    #[serde(deserialize_with = "or_default")]
    pub head_sha: String,
    /// The web address.
    #[serde(deserialize_with = "or_default")]
    pub html_url: String,
    /// Which try of the run this is, from 1.
    #[serde(deserialize_with = "or_default")]
    pub run_attempt: u64,
    /// When it was made, by the server's clock.
    #[serde(deserialize_with = "moment")]
    pub created_at: Option<DateTime<Utc>>,
    /// Who made the event.
    #[serde(deserialize_with = "or_default")]
    pub actor: Account,
    /// Who started this try.
    #[serde(deserialize_with = "or_default")]
    pub triggering_actor: Account,
}

impl Run {
    /// Whether an account of this name may have caused it: it did, or the server does not say who did.
    pub fn may_be_by(&self, login: &str) -> bool {
        // Logins are compared as GitHub does, without regard to case.
        self.actor.login.is_empty() || self.actor.login.eq_ignore_ascii_case(login)
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Runs {
    pub(crate) workflow_runs: Vec<Run>,
}

/// A job of a run.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Job {
    /// Its number.
    pub id: u64,
    /// Its name.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// As of a run.
    #[serde(deserialize_with = "or_default")]
    pub status: String,
    /// As of a run.
    pub conclusion: Option<String>,
    /// The web address.
    #[serde(deserialize_with = "or_default")]
    pub html_url: String,
    /// Its steps so far.
    #[serde(deserialize_with = "or_default")]
    pub steps: Vec<Step>,
}

/// A step of a job.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Step {
    /// Its place, from 1.
    pub number: u64,
    /// Its name.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// As of a run.
    #[serde(deserialize_with = "or_default")]
    pub status: String,
    /// As of a run.
    pub conclusion: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Jobs {
    pub(crate) jobs: Vec<Job>,
}

/// The run that a `workflow_dispatch` made.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Dispatched {
    /// Its number.
    #[serde(rename = "workflow_run_id")]
    pub id: u64,
    /// The web address.
    #[serde(default, deserialize_with = "or_default")]
    pub html_url: String,
}
