//! What a relay did, as data, and its renderings: workflow commands, outputs, step summary, a terminal, JSON.
//!
//! The stages fold what they did into one [`Report`], failures included; everything a person or a later step
//! gets to see is rendered from it. All text in it is taken as it came: each rendering escapes for its own format.

use repo_relay_diagnosis as diagnosis;
use repo_relay_http::progress;
use repo_relay_names::{credential, names};

pub mod commands;
mod console;
mod entries;
mod files;
mod headline;
pub mod json;
pub mod logging;
pub mod markdown;
pub mod outputs;
pub mod summary;
mod target;
#[cfg(test)]
mod tests;
pub mod text;

pub use console::{Console, Mode, StageLog, TargetLog};
pub use entries::{
    ChangesReport, CheckReport, CheckStatus, Drift, DriftRow, FileChange, FileStatus, MOST_FILES, Omitted,
    PullRequestReport, PullRequestStatus, RefReport, RunReport, StageReport, StageStatus,
};
pub use files::{Destinations, write_all};
pub use target::{OutputFacts, TargetReport};

use serde::{Serialize, Serializer};

use crate::{
    credential::Texts,
    diagnosis::{Cause, Failure, Stage},
};

/// The version of the report's form, its field `schema`.
pub const SCHEMA: u32 = 1;

/// The whole step: one report a target, in the order of the list.
///
/// Serialized it is the output `report`; its form is `docs/report.schema.json`.
#[derive(Clone, Debug)]
pub struct Report {
    /// The targets, in list order.
    pub targets: Vec<TargetReport>,
    /// How many targets were left out of the list to keep the report small.
    pub omitted_targets: usize,
    /// What ended the step before there was any target: wrong input, a cancelled run.
    failure: Option<(Stage, Failure)>,
    /// Whether nothing was to be written.
    pub dry_run: bool,
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct ReportForm<'a> {
            schema: u32,
            version: &'static str,
            error: &'static str,
            targets: &'a [TargetReport],
            #[serde(skip_serializing_if = "entries::is_zero")]
            omitted_targets: usize,
        }
        ReportForm {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION"),
            error: self.error().map_or("", Cause::slug),
            targets: &self.targets,
            omitted_targets: self.omitted_targets,
        }
        .serialize(serializer)
    }
}

impl Report {
    /// The report of a step that relayed to `targets`.
    pub fn new(targets: Vec<TargetReport>) -> Self {
        Self { targets, omitted_targets: 0, failure: None, dry_run: false }
    }

    /// The report of a step that failed before it had a target.
    pub fn failed(stage: Stage, failure: &Failure) -> Self {
        Self { failure: Some((stage, failure.clone())), ..Self::new(Vec::new()) }
    }

    /// The same, marked as a dry run.
    #[must_use]
    pub fn dry_run(mut self, dry_run: bool) -> Self {
        self.dry_run = dry_run;
        self
    }

    /// The cause of the failure: the step's own, else that of the first failed target in list order.
    pub fn error(&self) -> Option<Cause> {
        self.first_failure().map(|(_, _, failure)| failure.cause)
    }

    /// The first failure in list order, with its target (none for the step's own) and its stage.
    pub fn first_failure(&self) -> Option<(Option<&TargetReport>, Stage, &Failure)> {
        if let Some((stage, failure)) = &self.failure {
            return Some((None, *stage, failure));
        }
        self.targets.iter().find_map(|target| target.failure().map(|(stage, failure)| (Some(target), stage, failure)))
    }

    /// Whether the exit status is 0.
    pub fn is_success(&self) -> bool {
        self.error().is_none()
    }

    /// Makes the error of the targets the report's own, so that it outlives a cut of the list.
    pub(crate) fn keep_error(&mut self) {
        self.failure = self.first_failure().map(|(_, stage, failure)| (stage, failure.clone()));
    }
}

impl Texts for Report {
    /// Every text that may come from outside.
    fn for_each_text(&mut self, change: &mut dyn FnMut(&mut String)) {
        for target in &mut self.targets {
            target.for_each_text(change);
        }
        if let Some((_, failure)) = &mut self.failure {
            failure.for_each_text(change);
        }
    }
}
