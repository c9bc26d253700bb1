//! What waiting costs, and how late it sees an end: the stages in this process, with pauses that take no time and move the
//! server's clock instead.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use emulator::{
    log::Log,
    model::{Model, Outcome, Repository, Role, Token},
};
use futures_util::future::BoxFuture;
use repo_relay::{
    cli::{self, Invocation, RelayRequest},
    connection::Connection,
    context::{Context, Environment},
    credential::Redactor,
    git::scratch::ScratchRefs,
    http::{HttpClient, Settings},
    inputs::Inputs,
    pending_write::PendingWrite,
    plan::Plan,
    preflight::Shared,
    progress::NoWatch,
    relay::{relay, stages, wait_for_runs},
    report::{Console, Mode, TargetReport},
    retry::{Pause, Retries},
};

use crate::{leaks::Judged, world::TARGET};

const MANUAL: &str = "name: ci\non:\n  push:\n    tags: ['*']\n  workflow_dispatch:\n  repository_dispatch:\n";

/// A pause that moves the server's clock.
struct Virtual(Arc<Judged>);

impl Pause for Virtual {
    fn pause(&self, length: Duration) -> BoxFuture<'_, ()> {
        self.0.model(|model| model.settings.clock_skew += TimeDelta::from_std(length).unwrap());
        Box::pin(std::future::ready(()))
    }
}

/// Waits with these inputs for runs that go so; the log of the wait stage alone, the report, and the server's clock at the end.
async fn waited(inputs: &[(&str, &str)], outcome: Outcome) -> (Log, TargetReport, DateTime<Utc>, Arc<Judged>) {
    let token = Token::classic("robin", &["repo", "workflow"]);
    let target = Repository::new(TARGET)
        .workflow("ci.yml", MANUAL)
        .workflow("other.yml", MANUAL)
        .outcome("ci.yml", outcome)
        .outcome("other.yml", Outcome::stuck("queued"));
    let model = Model::new().repository(target.collaborator("robin", Role::Write)).token(&token);
    let github = Arc::new(Judged::start(model));
    let given = [("repository", TARGET), ("token", token.value()), ("server-url", github.url())];
    let environment: Environment = given
        .iter()
        .chain(inputs)
        .map(|(name, value)| (format!("INPUT_{}", name.to_uppercase()), (*value).to_owned()))
        .collect();
    let context = Context::read(&environment, std::env::temp_dir());
    let Ok(Invocation::Relay(RelayRequest { raw, .. })) =
        cli::parse(Vec::new(), environment, &mut |_| Err(io::Error::other("no file")))
    else {
        panic!("the inputs are refused")
    };
    let inputs = Inputs::read(&raw, &context).unwrap();
    let plan = Plan::for_targets(&inputs, &context).unwrap().remove(0);
    let origins = vec![plan.target.server.url().clone(), plan.target.api.url().clone()];
    let http = HttpClient::new(&Settings::to(origins)).unwrap();
    let retries = Retries::new(5, Instant::now() + Duration::from_mins(15), Arc::new(NoWatch))
        .with_pauser(Arc::new(Virtual(Arc::clone(&github))));
    let connection =
        Connection::new(&plan, &http, retries, PendingWrite::default(), ScratchRefs::default(), Arc::new(NoWatch))
            .unwrap();
    let console = Console::new(Mode::Plain, false, Box::new(io::sink()), Box::new(io::sink()), Redactor::default());
    let log = console.target(TARGET, true);
    let mut report = TargetReport::new(&plan.target, &stages(&plan));
    let waiting = relay(plan, &connection, &Shared::default(), &log, &mut report).await;
    let waiting = waiting.unwrap_or_else(|| panic!("{:?}", report.failure()));
    github.clear_log();
    wait_for_runs(waiting, &connection, &log, &mut report).await;
    let now = github.model(|model| model.now());
    (github.log(), report, now, github)
}

#[tokio::test]
async fn ten_minutes_take_less_than_sixty_requests_most_of_them_answered_304() {
    for inputs in [
        &[("workflow", "ci.yml"), ("wait", "completed")][..],
        &[("dispatch", "x"), ("wait", "completed")],
        &[("dispatch", "x"), ("workflow", "ci.yml\nother.yml"), ("wait", "completed")],
        &[("tag", "v1\nv2"), ("tag-target", "main"), ("wait-for", "other.yml\nci.yml"), ("wait", "completed")],
    ] {
        let (log, report, ..) = Box::pin(waited(inputs, Outcome::stuck("in_progress"))).await;
        let unchanged = log.0.iter().filter(|entry| entry.status == Some(304)).count();
        println!("{inputs:?}: {} requests in ten minutes, {unchanged} of them answered 304", log.0.len());
        assert_eq!(report.error().unwrap().slug(), "wait-timeout");
        assert!(log.0.len() < 60, "{log}");
        assert!(unchanged * 10 > log.0.len() * 9, "{log}");
    }
}

#[tokio::test]
async fn the_end_of_a_run_is_seen_within_ten_seconds_and_after_five_minutes_within_thirteen() {
    let mut worst = [0, 0];
    for seconds in (0..20).step_by(4).chain((20..590).step_by(53)) {
        let slow = Outcome::default().taking(Duration::from_secs(2), Duration::from_secs(seconds));
        let (log, report, now, github) = Box::pin(waited(&[("workflow", "ci.yml"), ("wait", "completed")], slow)).await;
        assert!(report.failure().is_none(), "{:?}", report.failure());
        let begun = github.runs(TARGET)[0].created_at;
        let late = now - begun - TimeDelta::seconds(i64::try_from(seconds).unwrap() + 2);
        println!("a run of {seconds} s: seen {} ms after its end, {} requests", late.num_milliseconds(), log.0.len());
        let is_long = seconds > 290;
        worst[usize::from(is_long)] = worst[usize::from(is_long)].max(late.num_milliseconds());
        assert!(late < TimeDelta::seconds(if is_long { 13 } else { 10 }), "{seconds}: {late}");
    }
    println!("at the latest {} ms after the end, of runs of more than five minutes {} ms", worst[0], worst[1]);
}
