//! Servers that say less than GitHub does: what is left out speaks neither for a run nor against it.

use std::time::Duration;

use emulator::{
    faults::{Fault, FaultRule},
    model::{Repository, Token},
};
use serde_json::{Value, json};

use crate::{
    runner::Outcome,
    world::{TARGET, World},
};

const CI: &str = "name: ci\non:\n  push:\n    branches: [gh-pages]\n    tags: ['v*']\n  repository_dispatch:\n  workflow_dispatch:\n";

/// Leaves out of a run what a server need not tell.
fn spare(run: &mut Value) {
    let run = run.as_object_mut().unwrap();
    for name in ["actor", "triggering_actor", "display_title", "name", "run_attempt", "workflow_id"] {
        run.remove(name);
    }
    run.insert("head_branch".to_owned(), Value::Null);
}

/// A server that is late with its list of runs, tells little of each, knows no `ETag` and has no clock.
fn world() -> World {
    let target = Repository::new(TARGET).file("README.md", "r").workflow("ci.yml", CI);
    let target = target.files("gh-pages", &[(".github/workflows/ci.yml", CI)]);
    let world = World::with(target, Token::classic("robin", &["repo", "workflow"]));
    world.github.model(|model| model.settings.run_delay = Duration::from_secs(4)..Duration::from_secs(5));
    let runs = |answer: &mut Value| match answer.get_mut("workflow_runs") {
        Some(Value::Array(runs)) => runs.iter_mut().for_each(spare),
        _ => spare(answer),
    };
    world.github.fault(FaultRule::on("GET", "*/runs*", Fault::rewrite(runs)));
    for header in ["etag", "date"] {
        world.github.fault(FaultRule::on("*", "/api/*", Fault::Without(header)));
    }
    world
}

#[track_caller]
fn followed(world: &World, outcome: &Outcome) {
    // What was left out is not held to the description.
    world.github.clear_log();
    world.github.clear_faults();
    outcome.succeeded();
    let report = outcome.report();
    let runs = report["targets"][0]["runs"].as_array().unwrap();
    let seen: Vec<_> = runs.iter().map(|run| (run["id"].as_u64().unwrap(), run["conclusion"].clone())).collect();
    let started: Vec<_> = world.github.runs(TARGET).iter().map(|run| (run.id, json!("success"))).collect();
    assert_eq!(seen, started, "{outcome}");
    assert_eq!(started.len(), 2, "{outcome}");
}

#[test]
fn what_was_started_is_followed() {
    let world = world();
    world.github.fault(FaultRule::on("POST", "*/workflows/*/dispatches", Fault::rewrite(|answer| *answer = json!({}))));
    let outcome = world.step().input("dispatch", "x").input("workflow", "ci.yml").input("wait", "completed").run();
    followed(&world, &outcome);
    assert_eq!(outcome.output("run-id"), world.github.runs(TARGET)[1].id.to_string());
}

#[test]
fn what_was_pushed_is_followed() {
    let world = world();
    let outcome = world.publish().input("tag", "v1").input("wait-for", "ci.yml").run();
    followed(&world, &outcome);
}

#[test]
fn a_run_of_which_nobody_says_who_made_it_keeps_a_lost_start_from_being_sent_again() {
    let world = world();
    world.github.fault(FaultRule::on("POST", "*/dispatches", Fault::ResetAfter));
    let outcome = world.step().input("dispatch", "x").run();
    world.github.clear_log();
    outcome.failed("connection-failed");
    assert!(outcome.stdout.contains("may have started a run"), "{outcome}");
    assert_eq!(world.github.runs(TARGET).len(), 1, "{outcome}");
}
