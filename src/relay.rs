//! The stages in their order for one target, folded into its report.

mod told;

use crate::{
    connection::Connection,
    diagnosis::{Failure, Stage},
    names::Oid,
    plan::Plan,
    preflight::{Cleared, ClearedPush, Preflight, Shared, preflight},
    push::{
        self,
        written::{self, Place},
    },
    report::{StageLog, StageStatus, TargetLog, TargetReport, text::duration},
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
    report.facts.branch = plan.directory().map(|push| push.branch().short().to_owned());
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
    let mut relay = Relay { connection, log, report, at: Stage::Preflight };
    let done = Box::pin(relay.run(plan, shared)).await;
    let at = relay.at;
    told::note_traffic(connection, log, report);
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
    told::note_traffic(connection, log, report);
}

/// A relay under way: how its stages speak to the target, where they are told, and which one it is at.
struct Relay<'a> {
    connection: &'a Connection,
    log: &'a TargetLog,
    report: &'a mut TargetReport,
    at: Stage,
}

impl Relay<'_> {
    /// Every stage but the last. An error is that of the stage [`Self::at`].
    async fn run(&mut self, plan: Plan, shared: &Shared) -> Result<Waiting, Failure> {
        let cleared = self.preflight(plan, shared).await?;
        let (tip, mut places) = self.push(&cleared).await?;
        places.extend(self.tag(&cleared, tip).await?);
        self.set_secret(&cleared).await?;
        let starts = self.trigger(&cleared, &places).await?;
        Ok(Waiting { cleared, starts, places })
    }

    async fn preflight(&mut self, plan: Plan, shared: &Shared) -> Result<Cleared<Plan>, Failure> {
        let _group = self.enter(Stage::Preflight);
        self.report.facts.token_kind = plan.token().map(|token| token.kind);
        let wanted = plan.refs().map(|local| local.wanted.clone()).unwrap_or_default();
        let publishes = plan.directory().map(|directory| directory.branch().clone());
        let Preflight { checks, facts, outcome } = preflight(plan, self.connection, shared).await;
        told::note_preflight(&checks, facts.as_ref(), &wanted, publishes.as_ref(), self.report);
        self.report.checks.iter().for_each(|check| self.log.check(check));
        let cleared = outcome?;
        self.report.stage(Stage::Preflight, StageStatus::Done, told::counted(&checks));
        self.show(Stage::Preflight);
        Ok(cleared)
    }

    /// The tip of the branch that was pushed to, and every ref that the stage made or found as it should be.
    async fn push(&mut self, cleared: &Cleared<Plan>) -> Result<(Option<Oid>, Vec<Place>), Failure> {
        match cleared.push() {
            ClearedPush::None => Ok((None, Vec::new())),
            ClearedPush::Directory(work) => {
                let (directory, publish) = &**work;
                let _group = self.enter(Stage::Push);
                push::directory::begin(directory, publish, self.connection);
                let pushed = push::directory::push(cleared, directory, publish, self.connection).await?;
                told::note_traffic(self.connection, self.log, self.report);
                told::note_push(cleared, &pushed, self.report);
                self.show(Stage::Push);
                let changed = pushed.old != Some(pushed.new);
                let place = Place { name: pushed.branch.clone(), commit: pushed.new, changed, pushed_with: 0 };
                Ok((Some(pushed.new), vec![place]))
            }
            ClearedPush::Refs(local, refs) => {
                let _group = self.enter(Stage::Push);
                push::told::begin(local, refs, self.connection);
                let mut landed = Vec::new();
                let outcome = push::refs::push(cleared, local, refs, self.connection, &mut landed).await;
                told::note_traffic(self.connection, self.log, self.report);
                push::told::note(cleared, refs, &landed, outcome.is_ok(), self.report);
                outcome?;
                let plan = cleared.plan();
                let places = if plan.wait.is_some() || plan.workflows.is_some() {
                    written::places(local, refs, &landed).await?
                } else {
                    Vec::new()
                };
                self.show(Stage::Push);
                Ok((refs.first_tip(), places))
            }
        }
    }

    async fn tag(&mut self, cleared: &Cleared<Plan>, tip: Option<Oid>) -> Result<Vec<Place>, Failure> {
        let Some(planned) = cleared.tags() else { return Ok(Vec::new()) };
        let _group = self.enter(Stage::Tag);
        let report = &mut *self.report;
        let mut note = |made: &[Tagged]| told::note_made(cleared, made, report);
        let tagged = tag(cleared, planned, tip, self.connection, &mut note).await?;
        told::note_tags(cleared, &tagged, self.report);
        self.show(Stage::Tag);
        let place = |tagged: &Tagged| Place {
            name: tagged.name.clone(),
            commit: tagged.commit,
            changed: !tagged.is_unchanged(),
            pushed_with: 0,
        };
        Ok(tagged.iter().map(place).collect())
    }

    async fn set_secret(&mut self, cleared: &Cleared<Plan>) -> Result<(), Failure> {
        let Some(secret) = cleared.secret() else { return Ok(()) };
        let _group = self.enter(Stage::Secret);
        let set = set_secret(cleared, secret, self.connection).await?;
        told::note_secret(cleared, set, self.report);
        self.show(Stage::Secret);
        Ok(())
    }

    async fn trigger(&mut self, cleared: &Cleared<Plan>, places: &[Place]) -> Result<Vec<Start>, Failure> {
        if !cleared.plan().triggers() {
            return Ok(Vec::new());
        }
        let _group = self.enter(Stage::Trigger);
        let made: Vec<_> = places.iter().map(|place| (place.name.clone(), place.commit)).collect();
        let report = &mut *self.report;
        let mut note = |start: &Start| told::note_start(cleared, start, report);
        let starts = trigger(cleared, self.connection, &made, &mut note).await?;
        told::note_trigger(cleared, &starts, self.report);
        self.show(Stage::Trigger);
        Ok(starts)
    }

    /// Begins a stage; its group in the log ends with what comes back.
    fn enter(&mut self, stage: Stage) -> StageLog {
        self.report.begin(stage);
        self.at = stage;
        self.log.stage(stage)
    }

    fn show(&self, stage: Stage) {
        show(self.log, self.report, stage);
    }
}

fn show(log: &TargetLog, report: &TargetReport, stage: Stage) {
    if let Some(ended) = report.stages.iter().find(|known| known.stage == stage) {
        let took = if ended.message.is_empty() { String::new() } else { format!(" ({})", duration(ended.took)) };
        log.outcome(ended.status, &format!("{}{took}", ended.message));
    }
}
