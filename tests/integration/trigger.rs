//! Dispatches: each started once.

use emulator::{
    faults::{Canned, Fault, FaultRule},
    model::{Repository, Token},
};

use crate::world::{TARGET, World};

const LISTENER: &str =
    "name: deploy\non:\n  repository_dispatch:\n    types: [published]\njobs: {a: {runs-on: x, steps: []}}\n";

fn world() -> World {
    World::with(
        Repository::new(TARGET).file("README.md", "r").workflow("deploy.yml", LISTENER),
        Token::classic("robin", &["repo", "workflow"]),
    )
}

#[test]
fn a_repository_dispatch_carries_its_payload() {
    let world = world();
    let outcome =
        world.step().input("dispatch", "published").input("payload", r#"{"version": "1.2", "n": [1, 2]}"#).run();
    outcome.succeeded();
    assert_eq!(outcome.output("dispatched"), "true");
    let log = world.github.log();
    let sent = log.calls("POST", "/dispatches");
    assert_eq!(sent.len(), 1);
    assert_eq!(
        sent[0].request.clone().unwrap(),
        serde_json::json!({"event_type": "published", "client_payload": {"version": "1.2", "n": [1, 2]}})
    );
    assert_eq!(world.github.runs(TARGET).len(), 1);
}

#[test]
fn a_dispatch_whose_answer_got_lost_is_not_sent_twice() {
    let world = world();
    world.github.fault(FaultRule::on("POST", "*/dispatches", Fault::AnswerAfter(Canned::bad_gateway())).first(1));
    let outcome = world.step().input("dispatch", "published").run();
    assert_eq!(world.github.runs(TARGET).len(), 1, "{outcome}");
    outcome.failed("server-error");
    assert!(outcome.stdout.contains("may have started"), "{outcome}");
}

#[test]
fn a_dispatch_that_is_refused_is_tried_once() {
    let world = World::with(
        Repository::new(TARGET).file("README.md", "r"),
        World::fine_grained(&[("contents", emulator::model::Level::Read), ("metadata", emulator::model::Level::Read)]),
    );
    let outcome = world.step().input("dispatch", "published").run();
    outcome.failed("fine-grained-permission-missing");
    assert!(world.github.log().calls("POST", "/dispatches").len() <= 1);
    assert!(world.github.runs(TARGET).is_empty());
}
