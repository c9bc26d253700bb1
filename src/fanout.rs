//! One step, many targets: every relay on its own, at most eight at a time, none of them stopped by another's failure.

use std::{
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::Semaphore;

use crate::{
    connection::Connection,
    diagnosis::{Cause, Failure, Stage},
    git::scratch::ScratchRefs,
    http::{HttpClient, HttpError, Settings},
    mint::{Authenticated, Tokens},
    pending_write::PendingWrite,
    plan::Plan,
    preflight::Shared,
    progress::Watch,
    relay::{relay, report_before_start, wait_for_runs},
    report::{Console, StageStatus, TargetLog, TargetReport},
    retry::{Pace, Retries},
    revoke::Revocation,
    system,
    wait::Waiting,
};

/// How many targets are spoken to at once.
const AT_ONCE: usize = 8;

/// The pause between two REST requests that change something, when there are several targets.
///
/// Source: <https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#pause-between-mutative-requests>
const MUTATIVE_PAUSE: Duration = Duration::from_secs(1);

/// What is waited for ends by itself when the budget does, and says what it was; this is for what does not.
const MARGIN: Duration = Duration::from_millis(100);

/// Relays to every target, as patiently as `retries`; what is minted on the way stands in `tokens` until it is revoked. Whatever ends it early, each report says how far its relay came.
pub async fn relay_all(
    plans: Vec<Plan>,
    settings: &Settings,
    retries: &Retries,
    console: &Console,
    tokens: &Tokens,
    revocation: Option<&Revocation>,
) -> Vec<TargetReport> {
    let mut reports: Vec<TargetReport> = plans.iter().map(report_before_start).collect();
    let logs: Vec<TargetLog> =
        reports.iter().map(|report| console.target(&report.repository, plans.len() == 1)).collect();
    let http = match HttpClient::new(settings).map_err(HttpError::into_read_failure) {
        Ok(http) => http,
        Err(failure) => {
            reports.iter_mut().zip(&logs).for_each(|(report, log)| fail(report, log, Stage::Preflight, &failure));
            return reports;
        }
    };
    let pace = Pace::new(if plans.len() > 1 { MUTATIVE_PAUSE } else { Duration::ZERO });
    let step = StepShared {
        http,
        settings,
        tokens,
        console,
        shared: Shared::default(),
        scratch: ScratchRefs::default(),
        places: Semaphore::new(AT_ONCE),
    };
    let pending_writes: Vec<PendingWrite> = plans.iter().map(|_| PendingWrite::default()).collect();
    let relays = plans.into_iter().zip(&mut reports).zip(&logs).zip(&pending_writes).map(
        |(((plan, report), log), pending_write)| {
            let retries = retries.clone().watched(Arc::new(log.clone())).paced(pace.clone());
            run_target(plan, retries, &step, pending_write, report, log)
        },
    );
    let stop_of = |name: &str| Failure::new(Cause::Cancelled, format!("The step was stopped by {name}."));
    let mut signal = pin!(system::ended());
    let mut stopped = tokio::select! {
        // It has to listen before the first relay begins: a signal that nobody heeds ends the program without a report.
        biased;
        name = &mut signal => Some(stop_of(name)),
        _ = futures_util::future::join_all(relays) => None,
    };
    if let Some(revocation) = revocation
        && stopped.is_none()
    {
        stopped = tokio::select! {
            biased;
            name = &mut signal => Some(revocation.pending_write.annotate(stop_of(name))),
            () = end_old_token(revocation, &step.http, retries, console, (&mut reports, &logs)) => None,
        };
    }
    // Whatever ended the relays: no scratch ref of theirs stays. It takes the tokens, so it comes before their end.
    for name in step.scratch.delete_all().await {
        let text = format!("The scratch ref {name} could not be deleted; the next step does it after a day.");
        console.warning(None, &text);
    }
    // What was minted for them ends with them.
    if tokens.revoke().await > 0 {
        console.warning(None, "The App's token could not be revoked; it ends by itself within an hour.");
    }
    if let Some(failure) = stopped {
        for ((report, log), pending_write) in reports.iter_mut().zip(&logs).zip(&pending_writes) {
            stop(report, log, &pending_write.annotate(failure.clone()));
        }
    }
    reports
}

/// The stage revoke: only after every stage of every target has succeeded, and never in a dry run.
async fn end_old_token(
    revocation: &Revocation,
    http: &HttpClient,
    retries: &Retries,
    console: &Console,
    (reports, logs): (&mut [TargetReport], &[TargetLog]),
) {
    let failed: Vec<&str> =
        reports.iter().filter(|report| report.failure().is_some()).map(|report| &*report.repository).collect();
    if let Some(first) = failed.first() {
        let more = if failed.len() > 1 { format!(" and {} more", failed.len() - 1) } else { String::new() };
        let text = format!("The old token stays alive, since not everything has succeeded: {first}{more} failed.");
        for report in reports.iter_mut() {
            report.stage(Stage::Revoke, StageStatus::Skipped, &text);
        }
        return console.warning(None, &text);
    }
    if revocation.dry_run {
        let text = "The old token stays alive; without `dry-run` it would be revoked.";
        for report in reports.iter_mut() {
            report.stage(Stage::Revoke, StageStatus::Planned, text);
        }
        return logs.iter().for_each(|log| log.outcome(StageStatus::Planned, text));
    }
    let (Some(first), Some(log)) = (reports.first_mut(), logs.first()) else { return };
    first.begin(Stage::Revoke);
    let _part = log.stage(Stage::Revoke);
    let watch: Arc<dyn Watch> = Arc::new(log.clone());
    match revocation.revoke(http, retries, &watch).await {
        Ok(text) => {
            log.outcome(StageStatus::Done, &text);
            for report in reports.iter_mut() {
                report.stage(Stage::Revoke, StageStatus::Done, &text);
            }
        }
        Err(failure) => {
            fail(first, log, Stage::Revoke, &revocation.pending_write.annotate(failure));
            let text = "See the first target: the old token is revoked once for the step.";
            reports.iter_mut().skip(1).for_each(|report| report.stage(Stage::Revoke, StageStatus::Skipped, text));
        }
    }
}

/// State shared by all relays of one step.
struct StepShared<'a> {
    http: HttpClient,
    settings: &'a Settings,
    tokens: &'a Tokens,
    console: &'a Console,
    shared: Shared,
    scratch: ScratchRefs,
    /// One for each target that may be at work.
    places: Semaphore,
}

/// One target. Waiting for its runs takes no other target's place, and nothing of the budget.
async fn run_target(
    plan: Plan,
    retries: Retries,
    step: &StepShared<'_>,
    pending_write: &PendingWrite,
    report: &mut TargetReport,
    log: &TargetLog,
) {
    let (timeout, end) = (plan.behaviour.timeout, retries.deadline() + MARGIN);
    // What a relay needs it takes when its turn comes: thousands may wait.
    let act = async {
        // It is never closed.
        let _place = step.places.acquire().await;
        Box::pin(prepare_and_relay(plan, retries, step, pending_write, report, log)).await
    };
    let ended = tokio::select! {
        // On a machine that is late for both, the stage's own end says more.
        biased;
        waiting = act => Ok(waiting),
        () = past(end) => Err(()),
    };
    match ended {
        Ok(Some((waiting, connection))) => Box::pin(wait_for_runs(*waiting, &connection, log, report)).await,
        Ok(None) => {}
        Err(()) => {
            let what = format!("The step's whole budget (`timeout`, {} s) is used up.", timeout.as_secs());
            stop(report, log, &pending_write.annotate(Failure::new(Cause::Timeout, what)));
        }
    }
}

/// The relay of one target, whose turn it is; what comes back is to be waited for.
async fn prepare_and_relay(
    plan: Plan,
    retries: Retries,
    step: &StepShared<'_>,
    pending_write: &PendingWrite,
    report: &mut TargetReport,
    log: &TargetLog,
) -> Option<(Box<Waiting>, Box<Connection>)> {
    let plan = match Box::pin(step.tokens.authenticate(plan, (&step.http, step.settings), &retries, step.console)).await
    {
        Ok(Authenticated { plan, expires_at }) => {
            report.facts.token_expires_at = expires_at;
            plan
        }
        Err(failure) => {
            fail(report, log, Stage::Preflight, &failure);
            return None;
        }
    };
    let connection = match Connection::new(
        &plan,
        &step.http,
        retries,
        pending_write.clone(),
        step.scratch.clone(),
        Arc::new(log.clone()),
    ) {
        Ok(connection) => connection,
        Err(failure) => {
            fail(report, log, Stage::Preflight, &failure);
            return None;
        }
    };
    let waiting = relay(plan, &connection, &step.shared, log, report).await?;
    Some((Box::new(waiting), Box::new(connection)))
}

/// Names what ended a relay in the first stage that it did not come to the end of.
fn stop(report: &mut TargetReport, log: &TargetLog, failure: &Failure) {
    let open = report.stages.iter().find(|stage| stage.status == StageStatus::Skipped).map(|stage| stage.stage);
    if let (Some(open), None) = (open, report.failure()) {
        report.remote = log.remote();
        fail(report, log, open, failure);
    }
}

fn fail(report: &mut TargetReport, log: &TargetLog, stage: Stage, failure: &Failure) {
    report.fail(stage, failure);
    log.failure(stage, failure);
}

#[allow(clippy::disallowed_methods, reason = "the end of the budget is no pause between tries")]
async fn past(end: Instant) {
    tokio::time::sleep_until(end.into()).await;
}
