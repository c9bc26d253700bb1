//! What the later stages will need is looked at before anything is written: runs that can be listed, somebody who listens, a
//! site that is there.

use std::time::Duration;

use emulator::{
    faults::{Canned, Fault, FaultRule},
    model::{Level, Model, Repository, Role, Token},
};

use crate::world::{TARGET, World};

const LISTENS: &str = "on:\n  repository_dispatch:\n    types: [published]\n";
const ON_PUSH: &str = "on: push\n";

fn classic() -> Token {
    Token::classic("robin", &["repo", "workflow"])
}

#[test]
fn t4_a_token_that_may_not_list_runs_fails_before_anything_is_written() {
    let write = [("contents", Level::Write), ("metadata", Level::Read)];
    for (token, cause) in [
        (World::fine_grained(&write), "fine-grained-permission-missing"),
        (Token::installation("helper", "acme", &[TARGET], &write), "resource-not-accessible-by-integration"),
    ] {
        let target = || Repository::new(TARGET).private().file("README.md", "r").workflow("ci.yml", LISTENS);
        let inputs: [&[(&str, &str)]; 3] = [
            &[("tag", "v1"), ("tag-target", "main"), ("wait-for", "ci.yml")],
            &[("dispatch", "published"), ("wait", "started")],
            &[("tag", "v1"), ("tag-target", "main"), ("dispatch", "published"), ("wait", "completed")],
        ];
        for inputs in inputs {
            let world = World::with(target(), token.clone());
            let step = inputs.iter().fold(world.step(), |step, (name, value)| step.input(name, *value));
            let outcome = world.refuses(step, "permission", cause);
            assert!(outcome.message("permission").contains("need Actions: read"), "{outcome}");
        }
        let world = World::with(target(), token);
        let outcome = world.step().input("dispatch", "published").run();
        outcome.succeeded();
        assert_eq!(outcome.check("listener"), "skip", "nothing is waited for: {outcome}");
    }
}

#[test]
fn t4_the_questions_are_at_most_two_more_and_none_where_nothing_is_waited_for() {
    let count = |inputs: &[(&str, &str)]| {
        let world = World::with(Repository::new(TARGET).workflow("ci.yml", LISTENS), classic());
        let step = world.publish().input("dry-run", "true");
        inputs.iter().fold(step, |step, (name, value)| step.input(name, *value)).run().succeeded();
        world.github.log().rest().count()
    };
    let plain = count(&[]);
    assert_eq!(count(&[("wait-for", "ci.yml")]), plain + 1);
    assert_eq!(count(&[("dispatch", "published")]), plain + 2);
    assert_eq!(count(&[("dispatch", "published"), ("wait", "completed")]), plain + 2);
}

#[test]
fn t8_an_account_that_may_only_read_is_told_that_it_may_not_start_a_workflow() {
    let start = "on: workflow_dispatch\n";
    let target = Repository::new(TARGET).file("README.md", "r").workflow("go.yml", start);
    let model = Model::new().repository(target.collaborator("robin", Role::Read));
    let world = World::of(model, classic());
    let step = world.step().input("workflow", "go.yml");
    let outcome = world.refuses(step, "permission", "no-write-access");
    assert!(outcome.message("permission").contains("robin has not the role Write"), "{outcome}");
}

#[test]
fn t2_an_event_that_nobody_listens_to_is_warned_of_before_it_is_sent() {
    let target = || Repository::new(TARGET).workflow("ci.yml", LISTENS).workflow("push.yml", ON_PUSH);
    let world = World::with(target(), classic());
    let outcome = world.step().input("dispatch", "publish").run();
    outcome.succeeded();
    assert_eq!((outcome.check("listener").as_str(), outcome.cause("listener").as_str()), ("warn", "not-triggered"));
    let message = outcome.message("listener");
    assert!(message.contains("type publish") && message.contains("ci.yml comes nearest"), "{message}");
    assert!(message.contains("line 3: `types: [published]`"), "{message}");
    let outcome = world.step().input("dispatch", "published").run();
    assert_eq!(outcome.succeeded().check("listener"), "pass", "{outcome}");
    let off = World::with(target().disabled_workflow("ci.yml"), classic());
    let outcome = off.step().input("dispatch", "published").run();
    assert!(outcome.message("listener").contains("Switched off: ci.yml"), "{outcome}");
    let none = World::with(Repository::new(TARGET).file("README.md", "r"), classic());
    assert_eq!(none.step().input("dispatch", "published").run().succeeded().check("listener"), "warn");
}

#[test]
fn t3_a_listed_file_that_the_default_branch_lacks_cannot_listen() {
    let world =
        World::with(Repository::new(TARGET).workflow("ci.yml", LISTENS).workflow("gone.yml", ON_PUSH), classic());
    let gone = || Fault::Answer(Canned::error(404, "Not Found"));
    world.github.fault(FaultRule::on("GET", "*/contents/.github/workflows/gone.yml", gone()));
    let step = world.step().input("dispatch", "other").input("wait", "started").input("wait-timeout", "3s");
    let outcome = step.run();
    outcome.failed("not-triggered");
    assert_eq!(outcome.check("listener"), "warn", "{outcome}");
    let stages = outcome.report()["targets"][0]["stages"].as_array().unwrap().clone();
    let wait = stages.iter().find(|stage| stage["name"] == "wait").unwrap()["message"].as_str().unwrap().to_owned();
    assert!(wait.contains("No workflow file on the default branch main listens"), "{wait}");
}

#[test]
fn t3_a_file_that_cannot_be_read_leaves_the_check_open() {
    let world = World::with(Repository::new(TARGET).workflow("ci.yml", LISTENS), classic());
    let refusal = Canned::error(403, "Resource not accessible by personal access token");
    world.github.fault(FaultRule::on("GET", "*/contents/*", Fault::Answer(refusal)));
    assert_eq!(world.step().input("dispatch", "other").run().succeeded().check("listener"), "skip");
}

#[test]
fn t5_a_site_that_is_waited_for_and_is_not_there_is_warned_of_and_ends_soon() {
    let world = World::with(Repository::new(TARGET).file("README.md", "r"), classic());
    let outcome = world.publish().input("wait-for", "pages").input("wait-timeout", "5m").run();
    outcome.failed("not-triggered");
    assert_eq!(outcome.check("pages"), "warn", "{outcome}");
    assert!(outcome.message("pages").contains("has no Pages site"), "{outcome}");
    assert!(outcome.took < Duration::from_mins(1), "{:?}", outcome.took);
    assert_eq!(outcome.output("pushed"), "true");
}
