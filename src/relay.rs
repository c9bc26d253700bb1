//! The stages in their order for one target, folded into its report.

mod told;

use crate::{
    connection::Connection,
    diagnosis::{Failure, Stage},
    plan::Plan,
    preflight::{Preflight, Shared, Verdict, preflight},
    push::{
        self,
        written::{self, Place},
    },
    report::{StageLog, StageStatus, TargetLog, TargetReport},
    secrets::set_secret,
    tag::{Tagged, tag},
    trigger::{Start, trigger},
    wait::{Waiting, wait},
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
pub async fn relay(
    plan: Plan,
    connection: &Connection,
    shared: &Shared,
    log: &TargetLog,
    report: &mut TargetReport,
) -> Option<Waiting> {
    let mut at = Stage::Preflight;
    let done = Box::pin(stages_of(plan, connection, shared, log, report, &mut at)).await;
    told::note_bytes(connection, report);
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
    told::note_bytes(connection, report);
}

async fn stages_of(
    plan: Plan,
    connection: &Connection,
    shared: &Shared,
    log: &TargetLog,
    report: &mut TargetReport,
    at: &mut Stage,
) -> Result<Waiting, Failure> {
    report.begin(Stage::Preflight);
    let mut part = log.stage(Stage::Preflight);
    report.facts.token_kind = plan.token.as_ref().map(|token| token.kind);
    let wanted = plan.refs.as_ref().and_then(|local| Some(local.as_ref().ok()?.wanted.clone())).unwrap_or_default();
    let publishes = plan.push.as_ref().map(|directory| directory.branch().clone());
    let Preflight { checks, facts, outcome } = preflight(plan, connection, shared).await;
    told::note_preflight(&checks, facts.as_ref(), &wanted, publishes.as_ref(), report);
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
        push::told::begin(&cleared, connection);
        let mut landed = Vec::new();
        let outcome = push::refs::push(&cleared, connection, &mut landed).await;
        told::note_bytes(connection, report);
        push::told::note(&cleared, &landed, outcome.is_ok(), report);
        outcome?;
        if plan.wait.is_some() || plan.workflows.is_some() {
            places = written::places(&cleared, &landed).await?;
        }
        show(log, report, Stage::Push);
    }
    if plan.push.is_some() {
        enter(report, Stage::Push, at, log, &mut part);
        push::directory::begin(&cleared, connection);
        pushed = push::directory::push(&cleared, connection).await?;
        told::note_bytes(connection, report);
        if let Some(pushed) = &pushed {
            told::note_push(&cleared, pushed, report);
            let changed = pushed.old != Some(pushed.new);
            places.push(Place { name: pushed.branch.clone(), commit: pushed.new, changed, pushed_with: 0 });
        }
        show(log, report, Stage::Push);
    }
    if plan.tags.is_some() {
        enter(report, Stage::Tag, at, log, &mut part);
        let tip = pushed.as_ref().map(|pushed| pushed.new).or_else(|| cleared.refs()?.first_tip());
        let mut note = |made: &[Tagged]| told::note_made(&cleared, made, report);
        let tagged = tag(&cleared, tip, connection, &mut note).await?;
        told::note_tags(&cleared, &tagged, report);
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
        told::note_secret(&cleared, set_secret(&cleared, connection).await?, report);
        show(log, report, Stage::Secret);
    }
    if plan.triggers() {
        enter(report, Stage::Trigger, at, log, &mut part);
        let made: Vec<_> = places.iter().map(|place| (place.name.clone(), place.commit)).collect();
        let mut note = |start: &Start| told::note_start(&cleared, start, report);
        starts = trigger(&cleared, connection, &made, &mut note).await?;
        told::note_trigger(&cleared, &starts, report);
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
