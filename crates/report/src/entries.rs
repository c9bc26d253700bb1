//! The entries of a target's report: its stages, checks, refs, changes and runs.

use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::{
    diagnosis::{Cause, Stage},
    names::{Oid, RefName},
};

/// How a stage ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StageStatus {
    /// It did its work.
    Done,
    /// There was nothing to do.
    Unchanged,
    /// It did not begin.
    Skipped,
    /// It failed.
    Failed,
    /// A dry run: it would have been done.
    Planned,
}

impl StageStatus {
    /// The status as the report names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Unchanged => "unchanged",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
            Self::Planned => "planned",
        }
    }
}

/// How a preflight check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckStatus {
    /// Nothing stands in the way.
    Pass,
    /// Something may.
    Warn,
    /// Something does, for certain.
    Fail,
    /// It could not be asked, or does not apply.
    Skip,
}

impl CheckStatus {
    /// The status as the report names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::Skip => "skip",
        }
    }

    /// The sign that a check's line begins with.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Pass => "✓",
            Self::Warn => "!",
            Self::Fail => "✗",
            Self::Skip => "-",
        }
    }
}

#[expect(clippy::ref_option, clippy::trivially_copy_pass_by_ref, reason = "the form that serde calls")]
fn cause<S: Serializer>(cause: &Option<Cause>, serializer: S) -> Result<S::Ok, S::Error> {
    // Empty, not null: an expression of a later step compares texts and need not ask for null first.
    serializer.serialize_str(cause.map_or("", Cause::slug))
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the form that serde calls")]
fn stage_name<S: Serializer>(stage: &Stage, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(stage.name())
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the form that serde calls")]
fn in_seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    // Milliseconds: further digits are noise of the clock, and make equal runs differ.
    serializer.serialize_f64((time.as_secs_f64() * 1000.0).round() / 1000.0)
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the form that serde calls")]
pub(super) fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// One stage of the relay.
#[derive(Clone, Debug, Serialize)]
pub struct StageReport {
    /// Which one.
    #[serde(rename = "name", serialize_with = "stage_name")]
    pub stage: Stage,
    /// How it ended.
    pub status: StageStatus,
    /// Why it failed.
    #[serde(serialize_with = "cause")]
    pub cause: Option<Cause>,
    /// What it did, or what happened and what to do, for a person.
    pub message: String,
    /// How long it took; in seconds with three decimals in the JSON.
    #[serde(rename = "seconds", serialize_with = "in_seconds")]
    pub took: Duration,
}

/// One preflight check.
#[derive(Clone, Debug, Serialize)]
pub struct CheckReport {
    /// The check's name: `token-valid`, `permission`, ...
    // A word of the program's own list: nothing from outside, so no rendering has to escape it.
    pub name: &'static str,
    /// How it ended.
    pub status: CheckStatus,
    /// Why it did not pass.
    #[serde(serialize_with = "cause")]
    pub cause: Option<Cause>,
    /// What was found, and what to do about it.
    pub message: String,
}

/// One ref that the push or the tag stage updated, or would update.
#[derive(Clone, Debug, Serialize)]
pub struct RefReport {
    /// The full name, `refs/…`.
    #[serde(rename = "ref")]
    pub name: String,
    /// The value before, forty zeros for a new ref.
    pub old: String,
    /// The value after, forty zeros for a deleted one.
    pub new: String,
    /// Whether the old value is not an ancestor of the new one.
    pub forced: bool,
}

impl RefReport {
    /// The update of `name` from `old` to `new`; [`Oid::ZERO`] stands for "no such ref".
    pub fn new(name: &RefName, old: Oid, new: Oid, forced: bool) -> Self {
        // Texts, not ids: the redactor and the cut of large reports work on texts.
        Self { name: name.as_str().to_owned(), old: old.to_string(), new: new.to_string(), forced }
    }
}

/// What the push changed on the branch, and what it cost on the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ChangesReport {
    /// Files that are new.
    pub added: u64,
    /// Files with other content or another mode.
    pub changed: u64,
    /// Files that are gone.
    pub removed: u64,
    /// Files of the directory that `exclude` left out.
    pub excluded: u64,
    /// Bytes of git traffic sent.
    pub bytes_sent: u64,
    /// Bytes of git traffic received.
    pub bytes_received: u64,
    /// The first [`MOST_FILES`] files that differ, in the order of their paths.
    pub files: Vec<FileChange>,
}

/// More changed files are counted and not named.
// A generated site can change ten thousand files, and the report is one output of the step.
pub const MOST_FILES: usize = 100;

/// One file that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileChange {
    /// Its path on the branch; bytes that are no UTF-8 are replaced.
    pub path: String,
    /// How it differs.
    pub change: FileStatus,
}

/// How a file differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FileStatus {
    /// It is new.
    Added,
    /// It has other content or another mode.
    Changed,
    /// It is gone.
    Removed,
}

/// How the target stood to the checkout before the push, over all refs named; the worst one counts.
// Ordered by severity: the state of a target is the maximum over its refs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Drift {
    /// All refs were equal.
    None,
    /// Only fast-forwards or new refs were needed.
    Behind,
    /// A ref holds commits that the checkout lacks.
    Diverged,
    /// The target has refs that `prune` deletes.
    Extra,
}

/// How one ref of the target stood to the checkout's before the push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DriftRow {
    /// The ref's full name.
    pub name: String,
    /// How it stood.
    pub state: Drift,
    /// Commits of the checkout that the target lacked; none where they were not counted.
    pub ahead: Option<u64>,
    /// Commits of the target that the checkout lacks; none where they were not counted.
    pub behind: Option<u64>,
}

impl Drift {
    /// The name in the report and the output `drift`.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Behind => "behind",
            Self::Diverged => "diverged",
            Self::Extra => "extra",
        }
    }
}

/// The pull request that the step made or updated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PullRequestReport {
    /// Its number.
    pub number: u64,
    /// Its page.
    pub url: String,
    /// What became of it.
    pub status: PullRequestStatus,
}

/// What became of a pull request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PullRequestStatus {
    /// It was made.
    Opened,
    /// It was there; its branch or text was brought up to date.
    Updated,
    /// It was merged at once.
    Merged,
    /// GitHub merges it once its conditions are met.
    AutoMerge,
}

impl ChangesReport {
    /// Whether no file differs.
    pub fn is_empty(&self) -> bool {
        self.added == 0 && self.changed == 0 && self.removed == 0
    }
}

/// One workflow run that was started or waited for.
#[derive(Clone, Debug, Serialize)]
pub struct RunReport {
    /// The run's id.
    pub id: u64,
    /// Its page.
    pub url: String,
    /// The workflow's file name.
    pub workflow: String,
    /// The event that started it.
    pub event: String,
    /// `queued`, `in_progress`, `completed`, ... as GitHub names it.
    pub status: String,
    /// `success`, `failure`, ... as GitHub names it; empty while it has not ended.
    pub conclusion: String,
}

/// How much was left out to keep the report below its limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Omitted {
    /// Checks left out.
    pub checks: usize,
    /// Refs left out.
    pub refs: usize,
    /// Runs left out.
    pub runs: usize,
    /// Changed files left out of those that would be named.
    pub files: usize,
    /// Lines of the server left out.
    pub remote: usize,
}

impl Omitted {
    pub(super) fn is_none(&self) -> bool {
        *self == Self::default()
    }
}
