//! The stages in their order for one target, folded into its report.

mod told;

use crate::{
    connection::Connection,
    diagnosis::{Failure, Stage},
    names::{Oid, RefName},
    plan::{Plan, ProposedBranch},
    preflight::{Cleared, ClearedPush, Preflight, Shared, preflight},
    push::{
        self,
        pull_request::{Delivered, Words, propose},
        words,
        written::{self, WrittenRef},
    },
    report::{PullRequestReport, StageLog, StageStatus, TargetLog, TargetReport, text::duration},
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
        (Stage::Revoke, plan.revokes),
    ];
    planned.into_iter().filter(|(_, planned)| *planned).map(|(stage, _)| stage).collect()
}

/// The report of a relay that has not begun. The names that the plan itself gives are told however it ends.
pub fn report_before_start(plan: &Plan) -> TargetReport {
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
            let failure = connection.pending_write.annotate(failure);
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
        // Before the triggers: the workflows that they start read the new value.
        self.set_secret(&cleared).await?;
        let starts = self.trigger(&cleared, &places).await?;
        Ok(Waiting { cleared, starts, places })
    }

    async fn preflight(&mut self, plan: Plan, shared: &Shared) -> Result<Cleared<Plan>, Failure> {
        let _group = self.enter(Stage::Preflight);
        // Before anything is asked: it is known from the form of the token, and is an output even if all else fails.
        self.report.facts.token_kind = plan.token().map(|token| token.kind);
        let wanted = plan.refs().map(|local| local.wanted.clone()).unwrap_or_default();
        let publishes = plan.directory().map(|directory| directory.branch().clone());
        let Preflight { checks, facts, outcome } = preflight(plan, self.connection, shared).await;
        told::note_preflight(&checks, facts.as_ref(), &wanted, publishes.as_ref(), self.report);
        // Before the outcome: the check that failed is shown among the others.
        self.report.checks.iter().for_each(|check| self.log.check(check));
        let cleared = outcome?;
        self.report.stage(Stage::Preflight, StageStatus::Done, told::counted(&checks));
        self.show(Stage::Preflight);
        Ok(cleared)
    }

    /// The tip of the branch that was pushed to, and every ref that the stage made or found as it should be.
    async fn push(&mut self, cleared: &Cleared<Plan>) -> Result<(Option<Oid>, Vec<WrittenRef>), Failure> {
        match cleared.push() {
            ClearedPush::None => Ok((None, Vec::new())),
            ClearedPush::Directory(work) => {
                let (directory, publish) = &**work;
                let _group = self.enter(Stage::Push);
                push::directory::begin(directory, publish, self.connection);
                let pushed = push::directory::push(cleared, directory, publish, self.connection).await?;
                told::note_traffic(self.connection, self.log, self.report);
                told::note_push(cleared, publish, &pushed, self.report);
                if let Some(proposed) = &cleared.route().proposed {
                    let words = words::of_directory(cleared.plan(), proposed, &pushed.proposal);
                    let change = (!pushed.proposal.is_unchanged()).then_some((pushed.new, pushed.old));
                    return self.propose(cleared, proposed, change, &words).await;
                }
                let changed = pushed.old != Some(pushed.new);
                let place = WrittenRef { name: pushed.branch.clone(), commit: pushed.new, changed, pushed_with: 0 };
                self.show(Stage::Push);
                Ok((Some(pushed.new), vec![place]))
            }
            ClearedPush::Refs(local, refs) => {
                let _group = self.enter(Stage::Push);
                push::told::begin(cleared.plan(), local, refs, self.connection);
                // Filled batch by batch: a failure in the middle still reports what was pushed before it.
                let mut landed = Vec::new();
                // Objects before the commits that name them: GitHub refuses pointers without their objects (GH008).
                let outcome = match push::lfs::upload(cleared, refs, self.connection).await {
                    Ok(()) => push::refs::push(cleared, local, refs, self.connection, &mut landed).await,
                    Err(failure) => Err(failure),
                };
                told::note_traffic(self.connection, self.log, self.report);
                push::told::note(cleared, refs, &landed, outcome.is_ok(), self.report);
                outcome?;
                let plan = cleared.plan();
                if let Some(proposed) = &cleared.route().proposed {
                    let update = refs.first_branch.as_ref().filter(|(name, ..)| *name == proposed.head);
                    let change = update.and_then(|(_, old, new)| Some((new.as_ref().copied()?, *old)));
                    let words = words::of_commit(plan, &proposed.base, change.map_or(Oid::ZERO, |(new, _)| new));
                    return self.propose(cleared, proposed, change, &words).await;
                }
                // Only runs are looked up by them; a mirror of thousands of refs need not resolve its tags.
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

    /// The rest of the push stage where a pull request brings the change: `change` is the tip of the proposed branch now and
    /// before; none: the base branch has all of it. The tip to tag is that of the base branch, once it holds the change.
    async fn propose(
        &mut self,
        cleared: &Cleared<Plan>,
        proposed: &ProposedBranch,
        change: Option<(Oid, Option<Oid>)>,
        words: &Words,
    ) -> Result<(Option<Oid>, Vec<WrittenRef>), Failure> {
        // As of the preflight: the outputs `commit` and `previous` speak of the branch that the change is for.
        let base = cleared.advertisement().tip(&proposed.base);
        let place =
            |name: &RefName, commit, changed| WrittenRef { name: name.clone(), commit, changed, pushed_with: 0 };
        told::note_base(proposed, base, self.report);
        let delivered = match change {
            None => None,
            Some((head, old)) if cleared.plan().behaviour.dry_run => {
                told::note_planned_pull_request(cleared, proposed, self.report);
                self.show(Stage::Push);
                return Ok((None, vec![place(&proposed.head, head, old != Some(head))]));
            }
            Some((head, old)) => {
                let report = &mut *self.report;
                // The branch has moved, but the stage is not over: a signal from here on has to fail it.
                report.reopen(Stage::Push);
                let mut note = |pull: &PullRequestReport| report.pull_request = Some(pull.clone());
                let moved = old != Some(head);
                propose(cleared, self.connection, proposed, (head, moved), words, &mut note).await?
            }
        };
        told::note_pull_request(cleared, proposed, delivered.as_ref(), self.report);
        told::note_traffic(self.connection, self.log, self.report);
        self.show(Stage::Push);
        Ok(match (delivered, change) {
            (Some(Delivered { merged: Some(tip), .. }), _) => (Some(tip), vec![place(&proposed.base, tip, true)]),
            (Some(_), Some((head, old))) => (None, vec![place(&proposed.head, head, old != Some(head))]),
            _ => (base, base.map(|tip| place(&proposed.base, tip, false)).into_iter().collect()),
        })
    }

    async fn tag(&mut self, cleared: &Cleared<Plan>, tip: Option<Oid>) -> Result<Vec<WrittenRef>, Failure> {
        let Some(planned) = cleared.tags() else { return Ok(Vec::new()) };
        let _group = self.enter(Stage::Tag);
        if cleared.route().proposed.is_some() && planned.1.commit.is_none() && tip.is_none() {
            told::note_tag_waits(cleared, self.report);
            self.show(Stage::Tag);
            return Ok(Vec::new());
        }
        let report = &mut *self.report;
        let mut note = |made: &[Tagged]| told::note_made(cleared, made, report);
        let tagged = tag(cleared, planned, tip, self.connection, &mut note).await?;
        told::note_tags(cleared, &tagged, self.report);
        self.show(Stage::Tag);
        let place = |tagged: &Tagged| WrittenRef {
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

    async fn trigger(&mut self, cleared: &Cleared<Plan>, places: &[WrittenRef]) -> Result<Vec<Start>, Failure> {
        if !cleared.plan().triggers() {
            return Ok(Vec::new());
        }
        let _group = self.enter(Stage::Trigger);
        // A dispatch can name a ref that this step has made and that the preflight did not see.
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
