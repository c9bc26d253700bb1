//! The stages in their order for one target, folded into its report.

use crate::{
    connection::Connection,
    diagnosis::{Failure, Stage},
    plan::Plan,
    preflight::{Check, Cleared, Preflight, Verdict, facts::Facts, preflight},
    push::{self, Pushed},
    refs::{self, Wanted, updates::first_branch},
    report::{
        CheckReport, CheckStatus, RefReport, RunReport, StageLog, StageStatus, TargetLog, TargetReport, text::count,
    },
    secrets::{SecretChange, SecretSet, set_secret},
    tag::{Tagged, tag},
    target::{Oid, RefName},
    trigger::{
        Start, trigger,
        wait::{Place, Waiting, wait},
    },
};

/// The stages that `plan` has, in their order.
pub fn stages(plan: &Plan) -> Vec<Stage> {
    let planned = [
        (Stage::Preflight, true),
        (Stage::Push, plan.pushes()),
        (Stage::Tag, plan.tags.is_some()),
        (Stage::Secret, plan.secret.is_some()),
        (Stage::Trigger, plan.triggers()),
        (Stage::Wait, plan.wait.is_some()),
    ];
    planned.into_iter().filter(|(_, planned)| *planned).map(|(stage, _)| stage).collect()
}

/// The report of a relay that has not begun. The names that the plan itself gives are told however it ends.
pub fn begun(plan: &Plan) -> TargetReport {
    let mut report = TargetReport::new(&plan.target, &stages(plan));
    report.facts.branch = plan.push.as_ref().map(|push| push.branch().short().to_owned());
    let tags = plan.tags.iter().flat_map(|tags| &tags.tags);
    report.facts.tags = tags.map(|(name, _)| name.short().to_owned()).collect();
    report
}

/// Relays to one target, as far as waiting for runs, which has a budget of its own: what comes back is to be waited for.
/// `report` holds at any moment what was done so far: whoever drops this future can still write it.
pub async fn relay(plan: Plan, connection: &Connection, log: &TargetLog, report: &mut TargetReport) -> Option<Waiting> {
    let mut at = Stage::Preflight;
    let done = Box::pin(stages_of(plan, connection, log, report, &mut at)).await;
    note_bytes(connection, report);
    match done {
        Ok(waiting) => Some(waiting).filter(|waiting| waiting.cleared.plan().wait.is_some()),
        Err(failure) => {
            let failure = connection.doubt.tell(failure);
            report.fail(at, &failure);
            log.failure(at, &failure);
            None
        }
    }
}

/// The wait stage.
pub async fn wait_for_runs(waiting: Waiting, connection: &Connection, log: &TargetLog, report: &mut TargetReport) {
    report.begin(Stage::Wait);
    let _part = log.stage(Stage::Wait);
    if waiting.cleared.plan().behaviour.dry_run {
        report.stage(Stage::Wait, StageStatus::Planned, "Runs would be waited for.");
        return show(log, report, Stage::Wait);
    }
    match wait(&waiting, connection, report).await {
        Ok(text) => {
            report.stage(Stage::Wait, StageStatus::Done, text.unwrap_or_default());
            show(log, report, Stage::Wait);
        }
        Err(failure) => {
            report.fail(Stage::Wait, &failure);
            log.failure(Stage::Wait, &failure);
        }
    }
    note_bytes(connection, report);
}

async fn stages_of(
    plan: Plan,
    connection: &Connection,
    log: &TargetLog,
    report: &mut TargetReport,
    at: &mut Stage,
) -> Result<Waiting, Failure> {
    report.begin(Stage::Preflight);
    let mut part = log.stage(Stage::Preflight);
    report.facts.token_kind = plan.token.as_ref().map(|token| token.kind);
    let wanted = plan.refs.as_ref().and_then(|local| Some(local.as_ref().ok()?.wanted.clone())).unwrap_or_default();
    let publishes = plan.push.as_ref().map(|directory| directory.branch().clone());
    let Preflight { checks, facts, outcome } = preflight(plan, connection).await;
    note_preflight(&checks, facts.as_ref(), &wanted, publishes.as_ref(), report);
    report.checks.iter().for_each(|check| log.check(check));
    let cleared = outcome?;
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
    text.push('.');
    report.stage(Stage::Preflight, StageStatus::Done, text);
    show(log, report, Stage::Preflight);
    let plan = cleared.plan();

    let mut pushed = None;
    let mut places = Vec::new();
    let mut starts = Vec::new();
    if plan.refs.is_some() {
        enter(report, Stage::Push, at, log, &mut part);
        refs::report::begin(&cleared, connection);
        let mut landed = Vec::new();
        let outcome = refs::push::push(&cleared, connection, &mut landed).await;
        note_bytes(connection, report);
        refs::report::note(&cleared, &landed, outcome.is_ok(), report);
        outcome?;
        if plan.wait.is_some() || plan.workflows.is_some() {
            places = refs::places::places(&cleared, &landed).await?;
        }
        show(log, report, Stage::Push);
    }
    if plan.push.is_some() {
        enter(report, Stage::Push, at, log, &mut part);
        push::begin(&cleared, connection);
        pushed = push::push(&cleared, connection).await?;
        note_bytes(connection, report);
        if let Some(pushed) = &pushed {
            note_push(&cleared, pushed, report);
            let changed = pushed.old != Some(pushed.new);
            places.push(Place { name: pushed.branch.clone(), commit: pushed.new, changed, pushed_with: 0 });
        }
        show(log, report, Stage::Push);
    }
    if plan.tags.is_some() {
        enter(report, Stage::Tag, at, log, &mut part);
        let tip = pushed.as_ref().map(|pushed| pushed.new).or_else(|| cleared.refs()?.first_tip());
        let mut note = |made: &[Tagged]| note_made(&cleared, made, report);
        let tagged = tag(&cleared, tip, connection, &mut note).await?;
        note_tags(&cleared, &tagged, report);
        places.extend(tagged.iter().map(|tagged| Place {
            name: tagged.name.clone(),
            commit: tagged.commit,
            changed: !tagged.is_unchanged(),
            pushed_with: 0,
        }));
        show(log, report, Stage::Tag);
    }
    if plan.secret.is_some() {
        enter(report, Stage::Secret, at, log, &mut part);
        note_secret(&cleared, set_secret(&cleared, connection).await?, report);
        show(log, report, Stage::Secret);
    }
    if plan.triggers() {
        enter(report, Stage::Trigger, at, log, &mut part);
        let made: Vec<_> = places.iter().map(|place| (place.name.clone(), place.commit)).collect();
        let mut note = |start: &Start| note_start(&cleared, start, report);
        starts = trigger(&cleared, connection, &made, &mut note).await?;
        note_trigger(&cleared, &starts, report);
        show(log, report, Stage::Trigger);
    }
    Ok(Waiting { cleared, starts, places })
}

fn enter(report: &mut TargetReport, stage: Stage, at: &mut Stage, log: &TargetLog, part: &mut StageLog) {
    report.begin(stage);
    *at = stage;
    *part = log.stage(stage);
}

fn show(log: &TargetLog, report: &TargetReport, stage: Stage) {
    if let Some(ended) = report.stages.iter().find(|known| known.stage == stage) {
        log.outcome(ended.status, &ended.message);
    }
}

fn note_bytes(connection: &Connection, report: &mut TargetReport) {
    (report.changes.bytes_sent, report.changes.bytes_received) = connection.bytes();
}

fn note_preflight(
    checks: &[Check],
    facts: Option<&Facts>,
    wanted: &[Wanted],
    publishes: Option<&RefName>,
    report: &mut TargetReport,
) {
    report.checks = checks.iter().map(check_report).collect();
    let told = facts.and_then(|facts| facts.token.expires_at);
    report.facts.token_expires_at = told.or(report.facts.token_expires_at);
    // Also where the refs turn out not to be pushable: the branch stays where it is.
    if let Some(target) = facts.and_then(|facts| facts.refs.answer())
        && let Some(branch) = first_branch(wanted, target)
    {
        let tip = target.tip(&branch);
        report.facts.branch = Some(branch.short().to_owned());
        (report.facts.commit, report.facts.previous) = (tip, tip);
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
    CheckReport { name: check.name.name(), status, cause, message }
}

fn note_push(cleared: &Cleared<Plan>, pushed: &Pushed, report: &mut TargetReport) {
    let branch = pushed.branch.short();
    let dry_run = cleared.plan().behaviour.dry_run;
    let changes = &pushed.proposal.changes;
    report.facts.branch = Some(branch.to_owned());
    report.facts.previous = pushed.old;
    report.changes.added = changes.added;
    report.changes.changed = changes.changed;
    report.changes.removed = changes.removed;
    if pushed.proposal.is_unchanged() {
        report.facts.commit = pushed.old;
        let text = match pushed.old {
            Some(old) => format!("{branch} has this content already; it stays at {}.", old.short()),
            None => format!("There is no branch {branch}, so there is nothing to remove."),
        };
        report.stage(Stage::Push, StageStatus::Unchanged, text);
        return;
    }
    let files =
        format!("{} added, {} changed, {} removed", count(changes.added, "file"), changes.changed, changes.removed);
    let reference = RefReport::new(&pushed.branch, pushed.old.unwrap_or(Oid::ZERO), pushed.new, pushed.forced);
    report.refs.push(reference);
    if dry_run {
        let objects = pushed.proposal.pack.len();
        let text = match pushed.old {
            Some(old) => {
                format!("{branch} would get a commit on top of {}: {files}; {objects} objects to send.", old.short())
            }
            None => format!("{branch} would be created: {files}; {objects} objects to send."),
        };
        report.stage(Stage::Push, StageStatus::Planned, text);
        return;
    }
    report.facts.pushed = true;
    report.facts.commit = Some(pushed.new);
    let new = pushed.new.short();
    let text = match pushed.old {
        Some(old) => format!("{branch} went from {} to {new}: {files}.", old.short()),
        None => format!("{branch} was created at {new}: {files}."),
    };
    report.stage(Stage::Push, StageStatus::Done, text);
}

/// Notes tags as soon as they are there: whatever ends the step, the report says what was made.
fn note_made(cleared: &Cleared<Plan>, written: &[Tagged], report: &mut TargetReport) {
    // One that another push has made meanwhile may be among them.
    for tagged in written.iter().filter(|tagged| !tagged.is_unchanged()) {
        let moved = tagged.old.is_some();
        report.refs.push(RefReport::new(&tagged.name, tagged.old.unwrap_or(Oid::ZERO), tagged.new, moved));
        report.facts.tag_created |= !cleared.plan().behaviour.dry_run;
    }
}

fn note_tags(cleared: &Cleared<Plan>, tagged: &[Tagged], report: &mut TargetReport) {
    let made: Vec<&Tagged> = tagged.iter().filter(|tagged| !tagged.is_unchanged()).collect();
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

fn note_secret(cleared: &Cleared<Plan>, set: Option<SecretSet>, report: &mut TargetReport) {
    let Some(SecretSet { name, change }) = set else { return };
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
    report.stage(Stage::Secret, status, format!("The secret {name} {would} {done}{before}."));
}

/// Notes a start as soon as it is made: whatever ends the step, the report says what has started.
fn note_start(cleared: &Cleared<Plan>, start: &Start, report: &mut TargetReport) {
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
    if let Some(run) = report.facts.run.clone() {
        report.run(run);
    }
}

fn note_trigger(cleared: &Cleared<Plan>, starts: &[Start], report: &mut TargetReport) {
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
