//! Runs, followed to their end: found among others, shown, and explained where none came.

use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use emulator::{
    faults::{Canned, Fault, FaultRule},
    model::{Decoy, Flavour, Level, Model, Outcome, Repository, Role, Token},
};
use rustix::process::Signal;

use crate::{
    refs::Tree,
    runner::Step,
    sshd::{Manners, Sshd},
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
fn of_steps_in_a_row_each_follows_its_own_run() {
    let model = Model::new().repository(target().collaborator("robin", Role::Write)).set(|settings| {
        // Only the list of runs tells what was started, and it does so at once.
        settings.flavour = Flavour::Enterprise("3.17".into());
        settings.run_delay = Duration::ZERO..Duration::ZERO;
    });
    let world = World::of(model, Token::classic("robin", &["repo", "workflow"]));
    for (input, value) in [("workflow", "ci.yml"), ("dispatch", "published")] {
        for _ in 0..3 {
            let outcome = world.step().input(input, value).input("wait", "started").run();
            outcome.succeeded();
            let newest = world.github.runs(TARGET).pop().unwrap().id;
            let report = outcome.report();
            let followed: Vec<_> =
                report["targets"][0]["runs"].as_array().unwrap().iter().map(|run| &run["id"]).collect();
            assert_eq!(followed, [newest], "{outcome}");
            assert_eq!(outcome.output("run-id"), newest.to_string(), "{outcome}");
        }
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
fn what_is_waited_for_is_followed_to_its_end_only_where_that_is_asked_for() {
    let world = world_of(target());
    world.github.model(|model| {
        let slow = Outcome::default().taking(Duration::ZERO, Duration::from_secs(12));
        model.find_mut(TARGET).unwrap().outcomes.insert("ci.yml".to_owned(), slow);
    });
    let outcome = world.publish().input("wait-for", "ci.yml").run();
    outcome.succeeded();
    let run = |outcome: &crate::runner::Outcome| outcome.report()["targets"][0]["runs"][0].clone();
    assert_ne!(run(&outcome)["status"], "completed", "{outcome}");
    let step = world.publish().file("site/index.html", "again").input("wait-for", "ci.yml");
    let outcome = step.input("wait", "completed").run();
    assert_eq!(run(outcome.succeeded())["status"], "completed", "{outcome}");
}

#[test]
fn a_run_from_before_a_long_preflight_is_another_starts() {
    let world = world();
    world.step().input("dispatch", "published").run().succeeded();
    // The server's clock is read early in the preflight, and what it tells must not grow old.
    world.github.fault(FaultRule::on("GET", "*/info/refs", Fault::Delay(Duration::from_secs(6))).first(1));
    let outcome = world.step().input("dispatch", "published").input("wait", "completed").run();
    outcome.succeeded();
    let seen = outcome.report()["targets"][0]["runs"].as_array().unwrap().clone();
    let ids: Vec<_> = seen.iter().map(|run| run["id"].as_u64().unwrap()).collect();
    assert_eq!(ids, [world.github.runs(TARGET)[1].id], "{outcome}");
}

#[test]
fn a_run_that_was_there_a_moment_before_is_nobodys_start() {
    let world = world();
    let dispatch =
        |kind: &str| world.step().input("dispatch", kind).input("wait", "started").input("wait-timeout", "5s");
    dispatch("published").run().succeeded();
    // Nobody listens to this one, and the first one's run is of the same second.
    let outcome = dispatch("unheard").run();
    outcome.failed("not-triggered");
    assert_eq!(world.github.runs(TARGET).len(), 1, "{outcome}");
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
fn runs_that_may_not_be_read_are_said() {
    let token = World::fine_grained(&[("contents", Level::Write), ("metadata", Level::Read)]);
    let world = World::with(target().private(), token);
    // Before anything is sent it is the check `permission` that says so.
    let step = world.step().input("dispatch", "published").input("wait", "completed");
    let outcome = step.input("ignore-checks", "permission").run();
    assert_eq!(outcome.output("dispatched"), "true", "{outcome}");
    assert_eq!(outcome.status, Some(1));
    assert!(outcome.stdout.contains("cannot be followed"), "{outcome}");
}

#[test]
fn a_signal_while_waiting_leaves_a_report_of_what_has_started() {
    in_parallel(vec![Signal::TERM, Signal::INT], |signal| {
        let world = world_of(target().outcome("ci.yml", Outcome::stuck("in_progress")));
        let step = world.step().input("dispatch", "published").input("workflow", "ci.yml").input("wait", "completed");
        let child = step.start();
        let begin = Instant::now();
        while world.github.log().calls("GET", "/actions/runs").len() < 3 && begin.elapsed() < Duration::from_secs(30) {
            std::thread::park_timeout(Duration::from_millis(50));
        }
        std::thread::park_timeout(Duration::from_secs(1));
        let outcome = step.ended_by(child, signal);
        outcome.failed("cancelled");
        assert_eq!((outcome.stage("trigger"), outcome.stage("wait")), ("done".into(), "failed".into()), "{outcome}");
        assert_eq!(outcome.output("dispatched"), "true");
        let runs = world.github.runs(TARGET);
        assert_eq!(outcome.output("run-id"), runs[1].id.to_string());
        assert_eq!(outcome.report()["targets"][0]["runs"].as_array().unwrap().len(), 2, "{outcome}");
    });
}

/// A step in whose workspace `main` holds the workflow file, with these tags.
fn checkout(step: Step, tags: &[&str]) -> Step {
    let tree = Tree::init(&step.workspace());
    tree.commit(
        ".github/workflows/ci.yml",
        "on:\n  push:\n    branches: [main]\n    tags: ['v*']\n  workflow_dispatch:\n",
    );
    for tag in tags {
        tree.git(&["tag", "-m", "x", tag]);
    }
    step
}

#[test]
fn the_runs_of_every_ref_of_the_checkout_are_followed() {
    let world = world_of(Repository::new(TARGET));
    let refs = "main\nrefs/tags/*";
    let tags = ["v1", "v2", "v3", "v4"];
    let step = checkout(world.step().input("refs", refs).input("wait-for", "ci.yml"), &tags);
    let outcome = step.run();
    outcome.succeeded();
    let started: Vec<_> = world.github.runs(TARGET).iter().map(|run| run.full_ref.clone()).collect();
    assert_eq!(started, ["refs/heads/main", "refs/tags/v1", "refs/tags/v2", "refs/tags/v3", "refs/tags/v4"]);
    assert_eq!(outcome.report()["targets"][0]["runs"].as_array().unwrap().len(), 5, "{outcome}");
    // All is there already: the run from before is looked at, and none is missed.
    let again = world.step().input("refs", refs).input("wait-for", "ci.yml").input("wait-timeout", "20s");
    let tree = Tree::clone(&world.github.repository(TARGET).path(), &again.workspace().join("inner"), &[]);
    std::fs::rename(tree.0.join(".git"), again.workspace().join(".git")).unwrap();
    let again = again.run();
    again.succeeded();
    assert_eq!((again.stage("push"), again.stage("wait")), ("unchanged".into(), "done".into()), "{again}");
    assert_eq!(world.github.runs(TARGET).len(), 5);
}

#[test]
fn a_workflow_is_started_on_what_the_refs_brought_and_followed() {
    for (refs, tags, full_ref) in [
        ("main", &["v1"][..], "refs/heads/main"),
        ("main\nrefs/tags/v1", &["v1"], "refs/tags/v1"),
        ("main:next\nmain\nrefs/tags/*", &["v1", "v2"], "refs/heads/next"),
    ] {
        let world = world_of(Repository::new(TARGET).file(".github/workflows/ci.yml", BOTH));
        let step = world.step().input("refs", format!("+{}", refs.replace('\n', "\n+"))).input("workflow", "ci.yml");
        let outcome = checkout(step, tags).input("wait", "completed").run();
        outcome.succeeded();
        let runs = world.github.runs(TARGET);
        let run = runs.iter().find(|run| run.event == "workflow_dispatch").unwrap();
        assert_eq!(run.full_ref, full_ref, "{refs:?}: {outcome}");
        assert_eq!(outcome.output("run-id"), run.id.to_string());
        assert_eq!(outcome.output("run-conclusion"), "success");
    }
}

#[test]
fn a_limit_is_waited_for_as_long_as_there_is_time() {
    let cases = vec![
        ("secondary", Canned::secondary_limit(2)),
        ("429", Canned { status: 429, ..Canned::secondary_limit(2) }),
        ("primary", Canned::primary_limit(Utc::now().timestamp() + 10)),
        ("503", Canned::unavailable(2)),
        ("502", Canned::bad_gateway()),
    ];
    in_parallel(cases, |(name, canned)| {
        let world = world();
        let rule = FaultRule::on("GET", "*/actions/runs/*", Fault::Answer(canned)).first(2);
        world.github.fault(rule);
        let outcome = world.step().input("workflow", "ci.yml").input("wait", "completed").run();
        outcome.succeeded();
        assert!(outcome.stdout.contains("could not be looked at"), "{name}: {outcome}");
    });
}

#[test]
fn a_limit_that_outlasts_the_wait_ends_it_at_once_with_its_reset() {
    let world = world();
    let reset = Utc::now() + TimeDelta::hours(1);
    let limit = Canned::primary_limit(reset.timestamp());
    world.github.fault(FaultRule::on("GET", "*/actions/runs/*", Fault::Answer(limit)));
    let outcome = world.step().input("workflow", "ci.yml").input("wait", "completed").run();
    outcome.failed("primary-rate-limit");
    // To the hour: both clocks are read at their own moment.
    let names = |at: &chrono::DateTime<Utc>| outcome.stdout.contains(&at.format("again from %Y-%m-%dT%H:").to_string());
    assert!([reset, reset + TimeDelta::minutes(2)].iter().any(names), "{outcome}");
    assert_eq!(outcome.output("dispatched"), "true");
    assert!(outcome.took < Duration::from_secs(30), "{:?}", outcome.took);
}

#[test]
fn a_run_is_followed_beside_git_over_ssh() {
    let world = world();
    let sshd = Sshd::start(&world, Manners::default());
    let step = sshd.over_ssh(world.publish()).input("token", world.token.value());
    let outcome = step.input("dispatch", "published").input("wait", "completed").run();
    outcome.succeeded();
    assert_eq!((outcome.output("pushed"), outcome.output("run-conclusion")), ("true", "success"));
}
