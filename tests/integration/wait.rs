//! Runs, followed to their end: found among others, shown, and explained where none came.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use chrono::{TimeDelta, Utc};
use emulator::model::{Decoy, Level, Outcome, Repository, Token};

use crate::{
    runner::Step,
    world::{TARGET, World},
};

const BOTH: &str = "name: ci\non:\n  push:\n    branches: [gh-pages]\n    tags: ['v*']\n  repository_dispatch:\n    types: [published]\n  workflow_dispatch:\n";

fn target() -> Repository {
    Repository::new(TARGET)
        .file("README.md", "r")
        .workflow("ci.yml", BOTH)
        .files("gh-pages", &[(".github/workflows/ci.yml", BOTH), ("old", "old")])
}

fn world_of(target: Repository) -> World {
    World::with(target, Token::classic("robin", &["repo", "workflow"]))
}

fn world() -> World {
    world_of(target())
}

fn in_parallel<T: Send>(cases: Vec<T>, test: impl Fn(T) + Sync) {
    std::thread::scope(|scope| {
        let handles: Vec<_> = cases.into_iter().map(|case| scope.spawn(|| test(case))).collect();
        for handle in handles {
            handle.join().unwrap();
        }
    });
}

#[test]
fn the_runs_of_every_trigger_are_followed_among_decoys() {
    let world = world_of(target().decoys(&[Decoy::OtherActor, Decoy::OtherSha, Decoy::Older, Decoy::Newer]));
    let outcome =
        world.step().input("dispatch", "published").input("workflow", "ci.yml").input("wait", "completed").run();
    outcome.succeeded();
    let runs = world.github.runs(TARGET);
    let seen: Vec<_> = outcome.report()["targets"][0]["runs"].as_array().unwrap().clone();
    let mut ids: Vec<_> = seen.iter().map(|run| run["id"].as_u64().unwrap()).collect();
    ids.sort_unstable();
    assert_eq!(ids, runs.iter().map(|run| run.id).collect::<Vec<_>>(), "{outcome}");
    assert!(seen.iter().all(|run| run["status"] == "completed" && run["conclusion"] == "success"));
    assert_eq!(outcome.output("run-id"), runs[1].id.to_string());
    for run in &runs {
        assert!(outcome.stdout.contains(&format!("/acme/site/actions/runs/{}", run.id)), "{outcome}");
    }
}

#[test]
fn the_runs_of_a_branch_and_a_tag_are_followed_among_decoys() {
    let world = world_of(target().decoys(&[Decoy::OtherActor, Decoy::OtherSha, Decoy::Older, Decoy::Newer]));
    let outcome = world.publish().input("tag", "v1").input("wait-for", "ci.yml").run();
    outcome.succeeded();
    let runs = world.github.runs(TARGET);
    assert_eq!(runs.len(), 2, "{outcome}");
    assert_eq!(outcome.report()["targets"][0]["runs"].as_array().unwrap().len(), 2, "{outcome}");
    assert_eq!(outcome.stage("wait"), "done");
    // Nothing new: the runs from before are looked at, and none is asked for.
    let again = world.publish().input("tag", "v1").input("wait-for", "ci.yml").run();
    again.succeeded();
    assert_eq!(world.github.runs(TARGET).len(), 2);
}

#[test]
fn started_is_enough_where_it_is_asked_for() {
    let world = world_of(target().outcome("ci.yml", Outcome::stuck("queued")));
    let outcome = world.step().input("dispatch", "published").input("wait", "started").run();
    outcome.succeeded();
    assert_eq!(outcome.output("run-id"), world.github.runs(TARGET)[0].id.to_string());
    assert_eq!(outcome.output("run-conclusion"), "");
}

#[test]
fn every_conclusion_is_judged() {
    let good = ["success", "neutral", "skipped"];
    let bad = ["failure", "cancelled", "timed_out", "action_required", "startup_failure", "stale"];
    in_parallel(good.into_iter().chain(bad).collect(), |conclusion| {
        let world = world_of(target().outcome("ci.yml", Outcome::concluded(conclusion)));
        let outcome = world.step().input("workflow", "ci.yml").input("wait", "completed").run();
        assert_eq!(outcome.output("run-conclusion"), conclusion, "{outcome}");
        if good.contains(&conclusion) {
            outcome.succeeded();
        } else {
            outcome.failed("run-failed");
        }
    });
}

#[test]
fn the_job_and_the_step_that_failed_are_named() {
    let world = world_of(target().outcome("ci.yml", Outcome::failure("publish", "Upload to the shop")));
    let outcome = world.step().input("workflow", "ci.yml").input("wait", "completed").run();
    outcome.failed("run-failed");
    assert!(outcome.stdout.contains("in the job `publish` at the step `Upload to the shop`"), "{outcome}");
    assert!(outcome.summary.contains("Upload to the shop"), "{}", outcome.summary);
}

#[test]
fn a_run_that_does_not_end_in_time_is_told_with_its_status() {
    let cases = vec![
        ("queued", "waits for a runner"),
        ("waiting", "approval"),
        ("pending", "concurrency"),
        ("requested", "requested"),
        ("in_progress", "in_progress"),
        ("action_required", "approval"),
    ];
    in_parallel(cases, |(status, words)| {
        let world = world_of(target().outcome("ci.yml", Outcome::stuck(status)));
        let step = world.step().input("workflow", "ci.yml").input("wait", "completed").input("wait-timeout", "2s");
        let outcome = step.run();
        outcome.failed("wait-timeout");
        assert!(outcome.stdout.contains(words), "{status}: {outcome}");
        assert!(outcome.took < Duration::from_secs(8), "{:?}", outcome.took);
        assert_eq!(outcome.report()["targets"][0]["runs"][0]["status"], status);
    });
}

#[test]
fn the_budget_of_the_step_is_not_that_of_waiting() {
    let slow = Outcome::default().taking(Duration::from_secs(1), Duration::from_secs(6));
    let world = world_of(target().outcome("ci.yml", slow));
    let outcome = world.step().input("workflow", "ci.yml").input("wait", "completed").input("timeout", "5s").run();
    outcome.succeeded();
    assert!(outcome.took > Duration::from_secs(6), "{:?}", outcome.took);
}

#[test]
fn the_end_of_a_run_is_seen_within_ten_seconds() {
    let lengths = vec![1, 8, 20, 35];
    in_parallel(lengths, |seconds| {
        let slow = Outcome::default().taking(Duration::from_secs(1), Duration::from_secs(seconds));
        let world = world_of(target().outcome("ci.yml", slow));
        world.step().input("workflow", "ci.yml").input("wait", "completed").run().succeeded();
        let begun = world.github.runs(TARGET)[0].created_at;
        let late = Utc::now() - begun - TimeDelta::seconds(i64::try_from(seconds).unwrap() + 1);
        println!("a run of {seconds} s: the step ended {} ms after it", late.num_milliseconds());
        assert!(late < TimeDelta::seconds(10), "{late}");
    });
}

#[test]
fn what_did_not_start_is_explained() {
    type Case = (&'static str, Repository, fn(Step) -> Step, &'static str, &'static str);
    let on = |yaml: &str| {
        Repository::new(TARGET)
            .file("README.md", "r")
            .workflow("ci.yml", yaml)
            .files("gh-pages", &[(".github/workflows/ci.yml", yaml)])
    };
    let same: fn(Step) -> Step = |step| step;
    let cases: Vec<Case> = vec![
        ("filter", on("on:\n  push:\n    branches:\n      - main\n"), same, "not-triggered", "line 3: `branches:`"),
        ("paths", on("on:\n  push:\n    paths: [docs/**]\n"), same, "not-triggered", "line 3: `paths: [docs/**]`"),
        ("no push", on("on: [pull_request]\n"), same, "not-triggered", "no `push` (line 1: `on: [pull_request]`)"),
        (
            "no file",
            Repository::new(TARGET).workflow("ci.yml", "on: push\n"),
            same,
            "not-triggered",
            "has no .github/workflows/ci.yml",
        ),
        ("disabled", on("on: push\n").disabled_workflow("ci.yml"), same, "not-triggered", "switched off"),
        ("skip", on("on: push\n"), |step| step.input("message", "Publish [skip ci]"), "not-triggered", "[skip ci]"),
    ];
    in_parallel(cases, |(name, target, change, cause, words)| {
        let world = world_of(target);
        let outcome = change(world.publish()).input("wait-for", "ci.yml").input("wait-timeout", "3s").run();
        outcome.failed(cause);
        assert!(outcome.stdout.contains(words), "{name}: {outcome}");
        assert_eq!(outcome.output("pushed"), "true", "{name}");
    });
}

#[test]
fn actions_that_are_switched_off_are_named_to_who_may_know() {
    let world = World::with(
        Repository::new(TARGET)
            .workflow("ci.yml", "on: push\n")
            .files("gh-pages", &[(".github/workflows/ci.yml", "on: push\n")])
            .without_actions(),
        Token::classic("acme", &["repo", "workflow"]),
    );
    let outcome = world.publish().input("wait-for", "ci.yml").input("wait-timeout", "3s").run();
    outcome.failed("not-triggered");
    assert!(outcome.stdout.contains("Actions are switched off"), "{outcome}");
}

#[test]
fn a_dispatch_that_nobody_listens_to_is_explained() {
    let world = world();
    let outcome = world.step().input("dispatch", "other").input("wait", "started").input("wait-timeout", "3s").run();
    outcome.failed("not-triggered");
    assert!(outcome.stdout.contains("line 7: `types: [published]`"), "{outcome}");
}

#[test]
fn a_sure_reason_is_told_long_before_the_time_is_over() {
    let world = world_of(Repository::new(TARGET).workflow("ci.yml", "on: push\n"));
    let outcome = world.publish().input("wait-for", "ci.yml").run();
    outcome.failed("not-triggered");
    assert!(outcome.took < Duration::from_secs(45), "{:?}", outcome.took);
}

#[test]
fn runs_that_may_not_be_read_are_said() {
    let token = World::fine_grained(&[("contents", Level::Write), ("metadata", Level::Read)]);
    let world = World::with(target().private(), token);
    let outcome = world.step().input("dispatch", "published").input("wait", "completed").run();
    assert_eq!(outcome.output("dispatched"), "true", "{outcome}");
    assert_eq!(outcome.status, Some(1));
    assert!(outcome.stdout.contains("can not be followed"), "{outcome}");
}

#[test]
fn a_signal_while_waiting_leaves_a_report_of_what_has_started() {
    in_parallel(vec!["TERM", "INT"], |signal| {
        let world = world_of(target().outcome("ci.yml", Outcome::stuck("in_progress")));
        let step = world.step().input("dispatch", "published").input("workflow", "ci.yml").input("wait", "completed");
        let child = step.command().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let begin = Instant::now();
        while world.github.log().calls("GET", "/actions/runs").len() < 3 && begin.elapsed() < Duration::from_secs(30) {
            std::thread::park_timeout(Duration::from_millis(50));
        }
        std::thread::park_timeout(Duration::from_secs(1));
        let killed = Instant::now();
        let sent = std::process::Command::new("kill").args([format!("-{signal}"), child.id().to_string()]).status();
        assert!(sent.unwrap().success());
        let output = child.wait_with_output().unwrap();
        assert!(killed.elapsed() < Duration::from_secs(2), "{:?}", killed.elapsed());
        let outcome = step.outcome(output, begin.elapsed());
        outcome.failed("cancelled");
        assert_eq!((outcome.stage("trigger"), outcome.stage("wait")), ("done".into(), "failed".into()), "{outcome}");
        assert_eq!(outcome.output("dispatched"), "true");
        let runs = world.github.runs(TARGET);
        assert_eq!(outcome.output("run-id"), runs[1].id.to_string());
        assert_eq!(outcome.report()["targets"][0]["runs"].as_array().unwrap().len(), 2, "{outcome}");
    });
}
