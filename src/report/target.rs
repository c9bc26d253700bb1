//! The report of one target: its stages, checks, refs, changes and runs.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};

use crate::{
    credential::TokenKind,
    diagnosis::{Cause, Failure, Stage},
    names::{Oid, RefName, Slug, Target},
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
    serializer.serialize_str(cause.map_or("", Cause::slug))
}

#[allow(clippy::ref_option, clippy::trivially_copy_pass_by_ref, reason = "the form that serde calls")]
fn failed_with<S: Serializer>(failure: &Option<(Stage, Failure)>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(failure.as_ref().map_or("", |(_, failure)| failure.cause.slug()))
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the form that serde calls")]
fn stage_name<S: Serializer>(stage: &Stage, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(stage.name())
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the form that serde calls")]
fn in_seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((time.as_secs_f64() * 1000.0).round() / 1000.0)
}

#[allow(clippy::ref_option, clippy::trivially_copy_pass_by_ref, reason = "the form that serde calls")]
fn drift_name<S: Serializer>(drift: &Option<Drift>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(drift.map_or("", Drift::name))
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
        Self { name: name.as_str().to_owned(), old: old.to_string(), new: new.to_string(), forced }
    }
}

/// What the push changed on the branch, and what it cost on the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Changes {
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

impl Changes {
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
    fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// What the single-valued outputs speak of.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Whether the push changed the branch or a ref.
    pub pushed: bool,
    /// The branch's tip at the target afterwards.
    pub commit: Option<Oid>,
    /// The tip before; none for a new branch.
    pub previous: Option<Oid>,
    /// The branch's short name.
    pub branch: Option<String>,
    /// The tag lines' names, in order.
    pub tags: Vec<String>,
    /// Whether any tag was created or moved.
    pub tag_created: bool,
    /// Whether any trigger was sent.
    pub dispatched: bool,
    /// The run of the last trigger; without one the last of [`TargetReport::runs`] counts.
    pub run: Option<RunReport>,
    /// The address of the published site.
    pub page_url: Option<String>,
    /// The credential's kind.
    pub token_kind: Option<TokenKind>,
    /// The account that acts, where the server names one.
    pub login: Option<String>,
    /// How many scopes of the token no relay needs.
    pub surplus_scopes: usize,
    /// The server's clock at the preflight.
    pub server_time: Option<DateTime<Utc>>,
    /// When the credential ends; none for never, or not known.
    pub token_expires_at: Option<DateTime<Utc>>,
}

/// Everything about one target.
#[derive(Clone, Debug, Serialize)]
pub struct TargetReport {
    /// `owner/name`.
    pub repository: String,
    /// The server's web address.
    pub server: String,
    #[serde(rename = "error", serialize_with = "failed_with")]
    failure: Option<(Stage, Failure)>,
    /// The stages of the plan, in their order.
    pub stages: Vec<StageReport>,
    /// The preflight's checks.
    pub checks: Vec<CheckReport>,
    /// The refs that were updated.
    pub refs: Vec<RefReport>,
    /// What changed on the branch.
    pub changes: Changes,
    /// The lines that the server sent with the push.
    pub remote: Vec<String>,
    /// How the target stood to the checkout; none where no refs are pushed, or before that is known.
    #[serde(serialize_with = "drift_name")]
    pub drift: Option<Drift>,
    /// The refs that differed, for the summary.
    #[serde(skip)]
    pub drift_rows: Vec<DriftRow>,
    /// The pull request, where there is one.
    pub pull_request: Option<PullRequestReport>,
    /// The runs that were started or waited for.
    pub runs: Vec<RunReport>,
    /// What was left out.
    #[serde(skip_serializing_if = "Omitted::is_none")]
    pub omitted: Omitted,
    /// What the single-valued outputs speak of.
    #[serde(skip)]
    pub facts: Facts,
    /// The stage under way, and since when.
    #[serde(skip)]
    under_way: Option<(Stage, Instant)>,
}

impl TargetReport {
    /// The report of a relay to `target` that has not begun: each of the plan's `stages` is `skipped` until it says otherwise.
    pub fn new(target: &Target, stages: &[Stage]) -> Self {
        let stages = stages.iter().map(|&stage| StageReport {
            stage,
            status: StageStatus::Skipped,
            cause: None,
            message: String::new(),
            took: Duration::ZERO,
        });
        Self {
            repository: target.slug.to_string(),
            server: target.server.to_string(),
            failure: None,
            stages: stages.collect(),
            checks: Vec::new(),
            refs: Vec::new(),
            changes: Changes::default(),
            remote: Vec::new(),
            drift: None,
            drift_rows: Vec::new(),
            pull_request: None,
            runs: Vec::new(),
            omitted: Omitted::default(),
            facts: Facts::default(),
            under_way: None,
        }
    }

    /// Notes that `stage` begins: the time until it is noted as ended is what it took.
    pub fn begin(&mut self, stage: Stage) {
        self.under_way = Some((stage, Instant::now()));
    }

    /// Notes how `stage` ended. A stage that the plan did not name is added in its place of the order.
    pub fn stage(&mut self, stage: Stage, status: StageStatus, message: impl Into<String>) {
        self.put(StageReport { stage, status, cause: None, message: message.into(), took: Duration::ZERO });
    }

    /// Notes that `stage` goes on after all: what was said of it so far stays its message, and an end from outside is its failure.
    pub fn reopen(&mut self, stage: Stage) {
        if let Some(known) = self.stages.iter_mut().find(|known| known.stage == stage) {
            known.status = StageStatus::Skipped;
        }
    }

    /// Notes that `stage` failed. The first failure names the target's error.
    pub fn fail(&mut self, stage: Stage, failure: &Failure) {
        self.put(StageReport {
            stage,
            status: StageStatus::Failed,
            cause: Some(failure.cause),
            message: failure.to_string(),
            took: Duration::ZERO,
        });
        self.failure.get_or_insert_with(|| (stage, failure.clone()));
    }

    fn put(&mut self, report: StageReport) {
        let took = self.under_way.filter(|(stage, _)| *stage == report.stage).map(|(_, since)| since.elapsed());
        let report = StageReport { took: took.unwrap_or_default(), ..report };
        if let Some(known) = self.stages.iter_mut().find(|known| known.stage == report.stage) {
            *known = report;
        } else {
            let at = self.stages.partition_point(|known| known.stage < report.stage);
            self.stages.insert(at, report);
        }
    }

    /// The first failure and its stage.
    pub fn failure(&self) -> Option<(Stage, &Failure)> {
        self.failure.as_ref().map(|(stage, failure)| (*stage, failure))
    }

    /// The first failure's cause.
    pub fn error(&self) -> Option<Cause> {
        self.failure.as_ref().map(|(_, failure)| failure.cause)
    }

    /// The page of the repository, or of the wiki.
    pub fn web(&self) -> String {
        match self.wiki() {
            Some(repository) => format!("{}/{repository}/wiki", self.server),
            None => format!("{}/{}", self.server, self.repository),
        }
    }

    /// The repository that the target is the wiki of.
    fn wiki(&self) -> Option<String> {
        self.repository.parse::<Slug>().ok()?.wiki_of().map(|repository| repository.to_string())
    }

    /// The page that compares two commits. A wiki has one page for all of them.
    pub(super) fn compare(&self, old: &str, new: &str) -> String {
        match self.wiki() {
            Some(_) => format!("{}/_history", self.web()),
            None => format!("{}/compare/{old}...{new}", self.web()),
        }
    }

    /// The page of a commit.
    pub(super) fn commit_page(&self, commit: impl std::fmt::Display) -> String {
        match self.wiki() {
            Some(_) => format!("{}/_history", self.web()),
            None => format!("{}/commit/{commit}", self.web()),
        }
    }

    /// The page of a branch or tag, by its short name.
    pub(super) fn tree_page(&self, name: &str) -> String {
        match self.wiki() {
            Some(_) => self.web(),
            None => format!("{}/tree/{name}", self.web()),
        }
    }

    /// Notes how a run stands, in the place where it was noted before.
    pub fn run(&mut self, run: RunReport) {
        let own = self.facts.run.as_mut().filter(|known| known.id == run.id);
        if let Some(known) = own {
            known.clone_from(&run);
        }
        match self.runs.iter_mut().find(|known| known.id == run.id) {
            Some(known) => *known = run,
            None => self.runs.push(run),
        }
    }

    /// The run that the outputs `run-id`, `run-url` and `run-conclusion` speak of.
    pub fn last_run(&self) -> Option<&RunReport> {
        self.facts.run.as_ref().or(self.runs.last())
    }

    /// Hands every text that may come from outside to `change`, in place. Words of the report's own vocabulary are not among them.
    pub(super) fn for_each_text(&mut self, change: &mut dyn FnMut(&mut String)) {
        change(&mut self.repository);
        change(&mut self.server);
        self.stages.iter_mut().for_each(|stage| change(&mut stage.message));
        self.checks.iter_mut().for_each(|check| change(&mut check.message));
        for reference in &mut self.refs {
            [&mut reference.name, &mut reference.old, &mut reference.new].into_iter().for_each(&mut *change);
        }
        self.changes.files.iter_mut().for_each(|file| change(&mut file.path));
        self.remote.iter_mut().for_each(&mut *change);
        self.pull_request.iter_mut().for_each(|request| change(&mut request.url));
        for run in self.runs.iter_mut().chain(&mut self.facts.run) {
            [&mut run.url, &mut run.workflow, &mut run.event, &mut run.status, &mut run.conclusion]
                .into_iter()
                .for_each(&mut *change);
        }
        if let Some((_, failure)) = &mut self.failure {
            failure_texts(failure, change);
        }
        let facts = &mut self.facts;
        facts
            .branch
            .iter_mut()
            .chain(&mut facts.page_url)
            .chain(&mut facts.login)
            .chain(&mut facts.tags)
            .for_each(&mut *change);
    }
}

pub(super) fn failure_texts(failure: &mut Failure, change: &mut dyn FnMut(&mut String)) {
    change(&mut failure.what);
    failure.remedy.iter_mut().chain(&mut failure.link).for_each(change);
}
