//! The report of one target: its stages, checks, refs, changes and runs.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};

use super::entries::{
    ChangesReport, CheckReport, Drift, DriftRow, Omitted, PullRequestReport, RefReport, RunReport, StageReport,
    StageStatus,
};
use crate::{
    credential::{Texts as _, TokenKind},
    diagnosis::{Cause, Failure, Stage},
    names::{Oid, Slug, Target},
};

#[allow(clippy::ref_option, clippy::trivially_copy_pass_by_ref, reason = "the form that serde calls")]
fn failed_with<S: Serializer>(failure: &Option<(Stage, Failure)>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(failure.as_ref().map_or("", |(_, failure)| failure.cause.slug()))
}

#[allow(clippy::ref_option, clippy::trivially_copy_pass_by_ref, reason = "the form that serde calls")]
fn drift_name<S: Serializer>(drift: &Option<Drift>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(drift.map_or("", Drift::name))
}

/// What the single-valued outputs speak of.
#[derive(Clone, Debug, Default)]
pub struct OutputFacts {
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
    pub changes: ChangesReport,
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
    pub facts: OutputFacts,
    /// The stage under way, and since when.
    #[serde(skip)]
    under_way: Option<(Stage, Instant)>,
}

impl TargetReport {
    /// The report of a relay to `target` that has not begun: each of the plan's `stages` is `skipped` until it says otherwise.
    pub fn new(target: &Target, stages: &[Stage]) -> Self {
        let stages = stages.iter().map(|&stage| StageReport {
            stage,
            // Until it says otherwise: whatever ends the step early, a stage that was not reached reads so.
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
            changes: ChangesReport::default(),
            remote: Vec::new(),
            drift: None,
            drift_rows: Vec::new(),
            pull_request: None,
            runs: Vec::new(),
            omitted: Omitted::default(),
            facts: OutputFacts::default(),
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
        // A later failure is a consequence of the first, or of the stop that followed it.
        self.failure.get_or_insert_with(|| (stage, failure.clone()));
    }

    fn put(&mut self, report: StageReport) {
        let took = self.under_way.filter(|(stage, _)| *stage == report.stage).map(|(_, since)| since.elapsed());
        let report = StageReport { took: took.unwrap_or_default(), ..report };
        if let Some(known) = self.stages.iter_mut().find(|known| known.stage == report.stage) {
            *known = report;
        } else {
            // `Stage` is ordered as the stages run, so a stage outside the plan still finds its place.
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
        // The outputs hold a copy of this run, which has to move with it.
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
        // Without a trigger the last run that was waited for is the one that later steps ask about.
        self.facts.run.as_ref().or(self.runs.last())
    }

    /// Hands every text that may come from outside to `change`, in place. Words of the report's own vocabulary are not among them.
    pub(super) fn for_each_text(&mut self, change: &mut dyn FnMut(&mut String)) {
        // Every field that can hold outside text stands in this list. One that is forgotten is printed as it came.
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
            failure.for_each_text(change);
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
