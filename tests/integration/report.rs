//! What a person and the next step get to see, however the step ended.

use std::time::{Duration, Instant};

use emulator::{
    faults::{Fault, FaultRule},
    model::{Repository, Token},
};
use rustix::process::Signal;

use crate::{
    runner::Outcome,
    world::{TARGET, World},
};

/// Every form of the token that must appear nowhere but in masks.
fn assert_hidden(world: &World, outcome: &Outcome) {
    let token = world.token.value();
    let visible: String = outcome.stdout.lines().filter(|line| !line.starts_with("::add-mask::")).collect();
    for (place, text) in [("stdout", &visible), ("stderr", &outcome.stderr), ("summary", &outcome.summary)] {
        assert!(!text.contains(token), "{place} shows the token: {outcome}");
    }
    assert!(!outcome.outputs.values().any(|value| value.contains(token)), "{outcome}");
}

#[test]
fn masks_come_first_and_the_token_is_shown_nowhere_else() {
    let world = World::new();
    let outcome = world.publish().input("tag", "v1").run();
    outcome.succeeded();
    assert!(outcome.stdout.starts_with(&format!("::add-mask::{}\n", world.token.value())), "{outcome}");
    assert_hidden(&world, &outcome);
    for part in ["::group::preflight", "::group::push", "::group::tag", "::endgroup::"] {
        assert!(outcome.stdout.contains(part), "{part}: {outcome}");
    }
    assert!(outcome.summary.contains("```mermaid"), "{}", outcome.summary);
    let schema: serde_json::Value = serde_json::from_str(include_str!("../../docs/report.schema.json")).unwrap();
    jsonschema::validate(&schema, &outcome.report()).unwrap();
}

#[test]
fn masks_come_before_the_refusal_of_a_flag() {
    let world = World::new();
    let outcome = world.step().arg("--no-such-flag").run();
    outcome.failed("invalid-input");
    assert!(outcome.stdout.starts_with(&format!("::add-mask::{}\n", world.token.value())), "{outcome}");
    assert_hidden(&world, &outcome);
}

#[test]
fn debug_logging_shows_every_request_and_what_a_refusal_said() {
    let world = World::new();
    let outcome = world.publish().env("RUNNER_DEBUG", "1").run();
    outcome.succeeded();
    let shown = |what: &str| outcome.stdout.lines().any(|line| line.starts_with("::debug::") && line.contains(what));
    assert!(
        shown("/api/v3/repos/acme/site: status 200") && shown("/acme/site.git/git-receive-pack: status 200"),
        "{outcome}"
    );
    assert!(shown("/pages was answered: {"), "what a refusal said: {outcome}");
    assert_hidden(&world, &outcome);
    assert!(!world.publish().run().stdout.contains("::debug::"));
}

#[test]
fn a_failed_step_writes_everything_too() {
    let world = World::with(Repository::new(TARGET).file("a", "a").archived(), Token::classic("robin", &["repo"]));
    let outcome = world.publish().input("tag", "v1").run();
    outcome.failed("repo-archived");
    assert_hidden(&world, &outcome);
    assert_eq!(outcome.output("pushed"), "false");
    assert_eq!(outcome.output("token-kind"), "classic");
    assert_eq!((outcome.output("branch"), outcome.output("tag")), ("gh-pages", "v1"), "what was asked for");
    assert_eq!(
        (outcome.stage("preflight"), outcome.stage("push"), outcome.stage("tag")),
        ("failed".into(), "skipped".into(), "skipped".into())
    );
    let first = outcome.summary.lines().take(4).collect::<String>();
    assert!(first.contains("repo-archived") || outcome.summary.contains("Unarchive"), "{}", outcome.summary);
    assert!(outcome.stdout.contains("::error title=repo-archived::"), "{outcome}");
    let schema: serde_json::Value = serde_json::from_str(include_str!("../../docs/report.schema.json")).unwrap();
    jsonschema::validate(&schema, &outcome.report()).unwrap();
}

#[test]
fn on_a_laptop_it_is_plain_text() {
    let world = World::new();
    let outcome =
        world.publish().input("server-url", world.github.url()).on_a_laptop().arg("--branch").arg("preview").run();
    assert_eq!(outcome.status, Some(0), "{outcome}");
    assert!(world.tip("refs/heads/preview").is_some(), "a flag wins over the environment");
    assert!(!outcome.stdout.contains("::"), "{outcome}");
    assert!(outcome.stdout.contains("preview was created at"), "{outcome}");
    assert!(!outcome.stdout.contains('\u{1b}'), "no colours into a pipe: {outcome}");
    assert_hidden(&world, &outcome);
}

#[test]
fn a_signal_ends_the_step_with_its_report() {
    for signal in [Signal::TERM, Signal::INT] {
        let world = World::new();
        world.github.fault(FaultRule::on("POST", "*/git-receive-pack", Fault::Silence));
        let step = world.publish();
        let child = step.start();
        let begin = Instant::now();
        while world.github.log().git().count() < 1 && begin.elapsed() < Duration::from_secs(10) {
            std::thread::yield_now();
        }
        std::thread::park_timeout(Duration::from_millis(1500));
        let outcome = step.ended_by(child, signal);
        outcome.failed("cancelled");
        assert_eq!(outcome.stage("push"), "failed", "{outcome}");
        assert!(outcome.summary.contains("cancelled"), "{outcome}");
    }
}

#[test]
fn the_budget_holds_to_the_second() {
    let world = World::new();
    world.github.fault(FaultRule::on("GET", "/api/v3/repos/acme/site", Fault::Silence));
    let outcome = world.publish().input("timeout", "2s").run();
    outcome.failed("timeout");
    assert!(outcome.took < Duration::from_secs(3), "{:?}", outcome.took);
}
