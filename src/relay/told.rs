//! What the report says of each stage.

use crate::{
    connection::Connection,
    diagnosis::Stage,
    inputs::WaitFor,
    names::{Oid, RefName},
    plan::{Plan, ProposedBranch, Signer},
    preflight::{
        Check, Cleared, Verdict,
        facts::{Facts, PublishFacts},
    },
    publish::walk::Listing,
    push::{directory::Pushed, pull_request::Delivered},
    refs::{Wanted, updates::first_branch},
    report::{
        CheckReport, CheckStatus, Drift, FileChange, FileStatus, PullRequestReport, PullRequestStatus, RefReport,
        RunReport, StageStatus, TargetLog, TargetReport, text::count,
    },
    secrets::{SecretChange, SecretSet},
    tag::Tagged,
    trigger::Start,
};

/// What went over the network so far, and what the server said with it.
pub(super) fn note_traffic(connection: &Connection, log: &TargetLog, report: &mut TargetReport) {
    report.remote = log.remote();
    (report.changes.bytes_sent, report.changes.bytes_received) = connection.bytes();
}

pub(super) fn note_preflight(
    checks: &[Check],
    facts: Option<&Facts>,
    wanted: &[Wanted],
    publishes: Option<&RefName>,
    report: &mut TargetReport,
) {
    report.checks = checks.iter().map(check_report).collect();
    let told = facts.and_then(|facts| facts.token.expires_at);
    // The end of a minted token is known from its minting; no header of a later answer need repeat it.
    report.facts.token_expires_at = told.or(report.facts.token_expires_at);
    if let Some(facts) = facts {
        report.facts.login = facts.token.login.clone().or_else(|| facts.user.answer().cloned());
        report.facts.surplus_scopes = facts.token.surplus_scopes();
        report.facts.server_time = Some(facts.now);
    }
    if let Some(facts) = facts.filter(|facts| facts.refs.answer().is_some() && !wanted.is_empty()) {
        // The worst of all refs: a later step compares one word.
        report.drift = Some(facts.drift.iter().map(|row| row.state).max().unwrap_or(Drift::None));
        report.drift_rows.clone_from(&facts.drift);
    }
    // Also where the refs turn out not to be pushable: the branch stays where it is.
    if let Some(target) = facts.and_then(|facts| facts.refs.answer())
        && let Some(branch) = first_branch(wanted, target)
    {
        let tip = target.tip(&branch);
        report.facts.branch = Some(branch.short().to_owned());
        (report.facts.commit, report.facts.previous) = (tip, tip);
    }
    if let Some(Ok(publish)) = facts.and_then(|facts| facts.publish.as_ref()) {
        report.changes.excluded = publish.hashed.listing().excluded;
    }
    if let Some(target) = facts.and_then(|facts| facts.refs.answer())
        && let Some(branch) = publishes
    {
        (report.facts.commit, report.facts.previous) = (target.tip(branch), target.tip(branch));
    }
}

fn check_report(check: &Check) -> CheckReport {
    let (status, cause, message) = match &check.verdict {
        Verdict::Pass(text) => (CheckStatus::Pass, None, text.clone()),
        Verdict::Warn(failure) => (CheckStatus::Warn, Some(failure.cause), failure.to_string()),
        Verdict::Fail(failure) => (CheckStatus::Fail, Some(failure.cause), failure.to_string()),
        Verdict::Skip(failure) => (CheckStatus::Skip, Some(failure.cause), failure.what.clone()),
    };
    // A skip has no remedy in its message: there is nothing that has to be done about it.
    CheckReport { name: check.name.name(), status, cause, message }
}

/// What of the directory is not on the branch, as the end of a sentence.
fn left_out(listing: &Listing) -> String {
    let mut parts = Vec::new();
    if listing.excluded > 0 {
        parts.push(format!("{} left out by `exclude`", count(listing.excluded, "file")));
    }
    if listing.empty > 0 {
        parts.push(format!("{} not published, as git stores none", count(listing.empty, "empty folder")));
    }
    if parts.is_empty() { String::new() } else { format!("; {}", parts.join("; ")) }
}

/// The address of the published folder, where Pages is made from its branch. With a wait for Pages it is told only once it is live.
fn page_url(cleared: &Cleared<Plan>) -> Option<String> {
    let plan = cleared.plan();
    let waits = plan.wait.as_ref().is_some_and(|wait| wait.expected.contains(&WaitFor::Pages));
    // Until the deployment has ended the page shows the old content.
    if waits || plan.behaviour.dry_run || cleared.route().proposed.is_some() {
        return None;
    }
    let directory = plan.directory().filter(|directory| directory.directory.is_some())?;
    cleared.pages()?.address_of(directory.branch().short(), directory.asked.commit.destination.as_str())
}

pub(super) fn note_push(cleared: &Cleared<Plan>, publish: &PublishFacts, pushed: &Pushed, report: &mut TargetReport) {
    let branch = pushed.branch.short();
    let dry_run = cleared.plan().behaviour.dry_run;
    let changes = &pushed.proposal.changes;
    report.facts.branch = Some(branch.to_owned());
    report.facts.page_url = page_url(cleared);
    report.facts.previous = pushed.old;
    report.changes.added = changes.added;
    report.changes.changed = changes.changed;
    report.changes.removed = changes.removed;
    let file = |(path, change): (&Vec<u8>, &FileStatus)| FileChange {
        path: String::from_utf8_lossy(path).into_owned(),
        change: *change,
    };
    report.changes.files = pushed.proposal.files.iter().map(file).collect();
    if pushed.proposal.is_unchanged() {
        report.facts.commit = pushed.old;
        let text = match pushed.old {
            Some(old) => {
                let short = old.short();
                format!("{branch} has this content already; it stays at {short}{}.", left_out(publish.hashed.listing()))
            }
            None => format!("There is no branch {branch}, so there is nothing to remove."),
        };
        report.stage(Stage::Push, StageStatus::Unchanged, text);
        return;
    }
    if pushed.old == Some(pushed.new) {
        report.stage(Stage::Push, StageStatus::Unchanged, format!("{branch} has this change already."));
        return;
    }
    let by = match cleared.route().signer {
        Signer::Step => "",
        Signer::GitHub if dry_run => " GitHub would make and sign the commit.",
        Signer::GitHub => " GitHub made and signed the commit.",
    };
    let previews = match changes.previews {
        0 => String::new(),
        number => format!(" and {}", count(number, "preview")),
    };
    let files = format!(
        "{} added, {} changed, {} removed{previews}{}",
        count(changes.added, "file"),
        changes.changed,
        changes.removed - changes.previews,
        left_out(publish.hashed.listing())
    );
    let reference = RefReport::new(&pushed.branch, pushed.old.unwrap_or(Oid::ZERO), pushed.new, pushed.forced);
    report.refs.push(reference);
    if dry_run {
        let objects = pushed.proposal.pack.len();
        let text = match pushed.old {
            Some(old) => {
                format!(
                    "{branch} would get a commit on top of {}: {files}; {objects} objects to send.{by}",
                    old.short()
                )
            }
            None => format!("{branch} would be created: {files}; {objects} objects to send.{by}"),
        };
        report.stage(Stage::Push, StageStatus::Planned, text);
        return;
    }
    report.facts.pushed = true;
    report.facts.commit = Some(pushed.new);
    let new = pushed.new.short();
    let text = match pushed.old {
        Some(old) => format!("{branch} went from {} to {new}: {files}.{by}", old.short()),
        None => format!("{branch} was created at {new}: {files}.{by}"),
    };
    report.stage(Stage::Push, StageStatus::Done, text);
}

/// The outputs speak of the branch that the change is for; until it is merged that stays where it is.
pub(super) fn note_base(proposed: &ProposedBranch, tip: Option<Oid>, report: &mut TargetReport) {
    report.facts.branch = Some(proposed.base.short().to_owned());
    (report.facts.commit, report.facts.previous) = (tip, tip);
}

/// Notes what a dry run would do with the pull request.
pub(super) fn note_planned_pull_request(cleared: &Cleared<Plan>, proposed: &ProposedBranch, report: &mut TargetReport) {
    let open = cleared.proposed().and_then(|known| known.open.answer()).and_then(Option::as_ref);
    let (head, base) = (proposed.head.short(), proposed.base.short());
    let request = match open {
        Some(open) => format!("Pull request #{} into {base} would be updated", open.number),
        None => format!("A pull request from {head} into {base} would be opened"),
    };
    let merge = proposed.merge.map(|method| format!(" and merged by `{}` as soon as it can be", method.name()));
    let before = message_of(report, Stage::Push);
    let text = format!("{before} {request}{}.", merge.unwrap_or_default());
    report.stage(Stage::Push, StageStatus::Planned, text.trim_start());
}

/// Notes what became of the pull request.
pub(super) fn note_pull_request(
    cleared: &Cleared<Plan>,
    proposed: &ProposedBranch,
    delivered: Option<&Delivered>,
    report: &mut TargetReport,
) {
    let base = proposed.base.short();
    let before = message_of(report, Stage::Push);
    let Some(Delivered { report: pull, merged, is_new }) = delivered else {
        let open = cleared.proposed().and_then(|known| known.open.answer()).and_then(Option::as_ref);
        // It was opened for an earlier change, and closes by itself only when it is merged or its branch goes.
        let told = open.map(|open| format!(" Pull request #{} is open all the same: {}.", open.number, open.html_url));
        if let Some(open) = open {
            let (number, url) = (open.number, open.html_url.clone());
            report.pull_request = Some(PullRequestReport { number, url, status: PullRequestStatus::Updated });
        }
        let text = format!("{base} has this content already, so no pull request is made.{}", told.unwrap_or_default());
        report.facts.pushed = false;
        return report.stage(Stage::Push, StageStatus::Unchanged, text);
    };
    let became = match pull.status {
        PullRequestStatus::Opened => "was opened",
        PullRequestStatus::Updated if *is_new => "was updated",
        PullRequestStatus::Updated => "is open for this already",
        PullRequestStatus::Merged => "was merged",
        PullRequestStatus::AutoMerge => "is merged by GitHub once its conditions are met",
    };
    // The push was to the proposed branch: what counts is whether the pull request has something new.
    report.facts.pushed = *is_new;
    if let Some(tip) = merged {
        report.facts.commit = Some(*tip);
        let old = report.facts.previous.unwrap_or(Oid::ZERO);
        report.refs.push(RefReport::new(&proposed.base, old, *tip, false));
    }
    let status = if *is_new { StageStatus::Done } else { StageStatus::Unchanged };
    let text = format!("{before} Pull request #{} into {base} {became}: {}.", pull.number, pull.url);
    report.stage(Stage::Push, status, text.trim_start());
}

/// A tag of the branch waits for the merge.
pub(super) fn note_tag_waits(cleared: &Cleared<Plan>, report: &mut TargetReport) {
    let names = report.facts.tags.join(", ");
    let when = if cleared.plan().behaviour.dry_run { "would be made" } else { "is made" };
    let text = format!("{names} {when} only once the pull request is merged.");
    report.stage(Stage::Tag, StageStatus::Skipped, text);
}

fn message_of(report: &TargetReport, stage: Stage) -> String {
    let known = report.stages.iter().find(|known| known.stage == stage);
    known.map(|known| known.message.clone()).unwrap_or_default()
}

/// Notes tags as soon as they are there: whatever ends the step, the report says what was made.
pub(super) fn note_made(cleared: &Cleared<Plan>, written: &[Tagged], report: &mut TargetReport) {
    // One that another push has made meanwhile may be among them.
    for tagged in written.iter().filter(|tagged| !tagged.is_unchanged()) {
        let moved = tagged.old.is_some();
        report.refs.push(RefReport::new(&tagged.name, tagged.old.unwrap_or(Oid::ZERO), tagged.new, moved));
        // A dry run makes nothing, although its report lists what would be made.
        report.facts.tag_created |= !cleared.plan().behaviour.dry_run;
    }
}

pub(super) fn note_tags(cleared: &Cleared<Plan>, tagged: &[Tagged], report: &mut TargetReport) {
    let made: Vec<&Tagged> = tagged.iter().filter(|tagged| !tagged.is_unchanged()).collect();
    // In the order of the input, in which a person looks for them.
    let names = |tags: &[&Tagged]| tags.iter().map(|tagged| tagged.name.short()).collect::<Vec<_>>().join(", ");
    if made.is_empty() {
        let text = format!("Already there: {}.", names(&tagged.iter().collect::<Vec<_>>()));
        report.stage(Stage::Tag, StageStatus::Unchanged, text);
    } else if cleared.plan().behaviour.dry_run {
        report.stage(Stage::Tag, StageStatus::Planned, format!("Would make {}.", names(&made)));
    } else {
        report.stage(
            Stage::Tag,
            StageStatus::Done,
            format!("Made {} on commit {}.", names(&made), made[0].commit.short()),
        );
    }
}

pub(super) fn note_secret(cleared: &Cleared<Plan>, set: SecretSet, report: &mut TargetReport) {
    let SecretSet { called, change } = set;
    let before = match change {
        SecretChange::Updated(Some(at)) => format!("; it was last set on {}", at.format("%Y-%m-%d %H:%M UTC")),
        SecretChange::Unknown => "; the server does not tell whether it is there".to_owned(),
        SecretChange::Created | SecretChange::Updated(None) => String::new(),
    };
    let done = match change {
        SecretChange::Created => "created",
        SecretChange::Updated(_) => "updated",
        SecretChange::Unknown => "set",
    };
    let (status, would) =
        if cleared.plan().behaviour.dry_run { (StageStatus::Planned, "would be") } else { (StageStatus::Done, "was") };
    report.stage(Stage::Secret, status, format!("The {called} {would} {done}{before}."));
}

/// Notes a start as soon as it is made: whatever ends the step, the report says what has started.
pub(super) fn note_start(cleared: &Cleared<Plan>, start: &Start, report: &mut TargetReport) {
    if cleared.plan().behaviour.dry_run {
        return;
    }
    report.facts.dispatched = true;
    // The outputs speak of the last trigger, whether or not its run is known.
    report.facts.run = start.run.as_ref().map(|(id, url)| RunReport {
        id: *id,
        url: url.clone(),
        workflow: start.workflow.clone().unwrap_or_default(),
        event: start.event.to_owned(),
        status: "queued".to_owned(),
        conclusion: String::new(),
    });
    // In the list as well: a step that does not wait still shows the run that it started.
    if let Some(run) = report.facts.run.clone() {
        report.run(run);
    }
}

pub(super) fn note_trigger(cleared: &Cleared<Plan>, starts: &[Start], report: &mut TargetReport) {
    let name = |start: &Start| match start.reference.as_deref().filter(|_| start.workflow.is_some()) {
        Some(reference) => format!("{} on {reference}", start.name),
        None => start.name.clone(),
    };
    let names = starts.iter().map(name).collect::<Vec<_>>().join(", ");
    if cleared.plan().behaviour.dry_run {
        report.stage(Stage::Trigger, StageStatus::Planned, format!("Would send {names}."));
    } else {
        report.stage(Stage::Trigger, StageStatus::Done, format!("Sent {names}."));
    }
}

/// How the checks came out, in numbers.
pub(super) fn counted(checks: &[Check]) -> String {
    let count = |verdict: fn(&Verdict) -> bool| checks.iter().filter(|check| verdict(&check.verdict)).count();
    let mut text = format!("{} checks passed", count(|verdict| matches!(verdict, Verdict::Pass(_))));
    for (number, word) in [
        (count(|verdict| matches!(verdict, Verdict::Warn(_))), "warned"),
        (count(|verdict| matches!(verdict, Verdict::Skip(_))), "skipped"),
    ] {
        if number > 0 {
            text = format!("{text}, {number} {word}");
        }
    }
    text + "."
}
