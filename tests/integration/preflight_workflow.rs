//! The check `workflow`: there, active, dispatchable, with these inputs; and the right to start it.

use emulator::{
    faults::{Canned, Fault, FaultRule},
    model::{Level, Repository, Token},
};

use crate::{
    runner::Step,
    world::{TARGET, World},
};

const DEPLOY: &str = "on:\n  workflow_dispatch:\n    inputs:\n      env: {required: true, type: choice, options: [live, test]}\n      note: {default: none}\n      dry: {type: boolean}\njobs: {a: {runs-on: x, steps: [{run: 'true'}]}}\n";
const PUSHED: &str = "on: push\njobs: {a: {runs-on: x, steps: [{run: 'true'}]}}\n";

fn site() -> Repository {
    Repository::new(TARGET).workflow("deploy.yml", DEPLOY).workflow("ci.yml", PUSHED).file("README.md", "r")
}

fn world() -> World {
    World::with(site(), Token::classic("robin", &["repo"]))
}

fn dispatch(world: &World, file: &str, inputs: &str) -> Step {
    world.step().input("workflow", file).input("workflow-inputs", inputs)
}

#[test]
fn a_workflow_is_refused_for_what_it_lacks_before_anything_is_started() {
    let env = r#"{"env": "live"}"#;
    for (file, inputs, cause, words) in [
        ("release.yml", env, "workflow-not-found", "no workflow release.yml on its default branch main"),
        ("ci.yml", "{}", "workflow-dispatch-no-trigger", "no `workflow_dispatch`"),
        ("deploy.yml", "{}", "workflow-inputs-rejected", "requires the input env"),
        ("deploy.yml", r#"{"env": "live", "branch": "x"}"#, "workflow-inputs-rejected", "declares no input branch"),
        ("deploy.yml", r#"{"env": "stage"}"#, "workflow-inputs-rejected", "one of: live, test"),
        ("deploy.yml", r#"{"env": "live", "dry": "maybe"}"#, "workflow-inputs-rejected", "true or false"),
        ("deploy.yml\nrelease.yml", env, "workflow-not-found", "release.yml"),
    ] {
        let world = world();
        let outcome = world.refuses(dispatch(&world, file, inputs), "workflow", cause);
        assert!(outcome.message("workflow").contains(words), "{file} {inputs}: {}", outcome.message("workflow"));
    }
    let world = World::with(site().disabled_workflow("deploy.yml"), Token::classic("robin", &["repo"]));
    let outcome = world.refuses(dispatch(&world, "deploy.yml", env), "workflow", "workflow-disabled");
    let message = outcome.message("workflow");
    assert!(message.contains("/acme/site/actions/workflows/deploy.yml and choose Enable workflow"), "{message}");
}

#[test]
fn t6_a_file_that_the_push_cannot_change_fails_before_anything_is_written() {
    for (file, inputs, cause) in [
        ("ci.yml", "{}", "workflow-dispatch-no-trigger"),
        ("deploy.yml", r#"{"env": "stage"}"#, "workflow-inputs-rejected"),
    ] {
        let world = world();
        let step = world.publish().input("workflow", file).input("workflow-inputs", inputs);
        world.refuses(step, "workflow", cause);
    }
    // The branch is the default one, so that the push may heal it.
    let world = World::with(site(), Token::classic("robin", &["repo", "workflow"]));
    let step = world.publish().input("branch", "main").input("keep", "**").input("workflow", "ci.yml");
    let outcome = step.input("dry-run", "true").run();
    assert_eq!(outcome.check("workflow"), "warn", "{outcome}");
}

#[test]
fn t12_a_title_or_a_slip_in_a_files_name_is_answered_with_the_right_one() {
    let titled = "name: Unit tests\non: workflow_dispatch\njobs: {a: {runs-on: x, steps: [{run: 'true'}]}}\n";
    for (given, words) in [
        ("Unit tests", "That is the title of unit.yml."),
        ("unit TESTS", "That is the title of unit.yml."),
        ("unit.yaml", "Did you mean unit.yml?"),
        ("unti.yml", "Did you mean unit.yml?"),
        ("Deploy.yml", "Did you mean deploy.yml?"),
        ("unit.yaml\nunit.yml", "Did you mean unit.yml?"),
    ] {
        let world = World::with(site().workflow("unit.yml", titled), Token::classic("robin", &["repo"]));
        let outcome = world.refuses(dispatch(&world, given, "{}"), "workflow", "workflow-not-found");
        assert!(outcome.message("workflow").contains(words), "{given}: {}", outcome.message("workflow"));
    }
    let world = world();
    let outcome = world.refuses(dispatch(&world, "entirely-else.yml", "{}"), "workflow", "workflow-not-found");
    assert!(!outcome.message("workflow").contains("Did you mean"), "{outcome}");
}

#[test]
fn t12_a_slip_in_what_is_waited_for_is_told_before_the_push() {
    let titled = "name: Unit tests\non: push\njobs: {a: {runs-on: x, steps: [{run: 'true'}]}}\n";
    let target = || site().workflow("unit.yml", titled).workflow("off.yml", PUSHED).disabled_workflow("off.yml");
    for (given, status, words) in [
        ("Unit tests", "warn", "That is the title of unit.yml."),
        ("unit.yaml", "warn", "Did you mean unit.yml?"),
        ("ci.yml\nunti.yml", "warn", "Did you mean unit.yml?"),
        ("off.yml", "warn", "off.yml, which is switched off"),
        ("unit.yml", "pass", ""),
        ("new-and-entirely-else.yml", "pass", ""),
    ] {
        let world = World::with(target(), Token::classic("robin", &["repo", "workflow"]));
        let outcome = world.publish().input("wait-for", given).input("dry-run", "true").run();
        assert_eq!(outcome.succeeded().check("triggers"), status, "{given}: {outcome}");
        assert!(outcome.message("triggers").contains(words), "{given}: {}", outcome.message("triggers"));
    }
}

#[test]
fn a_workflow_that_fits_passes() {
    let world = world();
    let outcome = dispatch(&world, "deploy.yml", r#"{"env": "test", "dry": true}"#).run();
    assert_eq!(outcome.succeeded().check("workflow"), "pass");
    assert_eq!(world.github.runs(TARGET).len(), 1);
    let outcome = dispatch(&world, "deploy.yml", r#"{"env": "test"}"#).input("workflow-ref", "main").run();
    assert_eq!(outcome.succeeded().check("workflow"), "pass");
}

#[test]
fn a_ref_that_the_target_lacks_is_the_failure_of_this_check() {
    for reference in ["nowhere", "refs/heads/nowhere", "0123456789abcdef0123456789abcdef01234567"] {
        let world = world();
        let step = dispatch(&world, "deploy.yml", r#"{"env": "live"}"#).input("workflow-ref", reference);
        world.refuses(step, "workflow", "dispatch-ref-not-found");
    }
}

#[test]
fn what_this_step_changes_is_left_to_the_server() {
    let world = World::with(site(), Token::classic("robin", &["repo", "workflow"]));
    let step = world.step().input("directory", "site").input("branch", "main").input("exclude", "");
    let step = step.file(
        "site/.github/workflows/new.yml",
        "on: workflow_dispatch\njobs: {a: {runs-on: x, steps: [{run: 'true'}]}}\n",
    );
    let outcome = step.input("workflow", "new.yml").input("keep", "**").run();
    outcome.succeeded();
    assert_eq!(outcome.check("workflow"), "warn", "it is not there yet");
}

#[test]
fn a_token_that_may_not_even_look_may_not_start_it() {
    let write = [("contents", Level::Write), ("metadata", Level::Read)];
    for (token, cause) in [
        (World::fine_grained(&write), "fine-grained-permission-missing"),
        (Token::installation("helper", "acme", &[TARGET], &write), "resource-not-accessible-by-integration"),
    ] {
        let world = World::with(site().private(), token);
        let outcome = world.refuses(dispatch(&world, "deploy.yml", r#"{"env": "live"}"#), "permission", cause);
        assert!(outcome.message("permission").contains("Actions"), "{}", outcome.message("permission"));
        assert_eq!(outcome.check("workflow"), "skip");
    }
}

#[test]
fn a_file_that_can_not_be_read_is_skipped() {
    let world = world();
    let refusal = Canned::error(403, "Resource not accessible by personal access token");
    world.github.fault(FaultRule::on("GET", "*/contents/*", Fault::Answer(refusal)));
    let outcome = dispatch(&world, "deploy.yml", r#"{"env": "live"}"#).run();
    assert_eq!(outcome.succeeded().check("workflow"), "skip");
    assert_eq!(outcome.cause("workflow"), "check-not-permitted");
}

#[test]
fn several_workflows_cost_one_request_each_and_one_list() {
    let mut site = site();
    for n in 0..4 {
        site = site
            .workflow(&format!("w{n}.yml"), "on: workflow_dispatch\njobs: {a: {runs-on: x, steps: [{run: 'true'}]}}\n");
    }
    let world = World::with(site, Token::classic("robin", &["repo"]));
    let step = world.publish().input("workflow", "w0.yml\nw1.yml\nw2.yml\nw3.yml").input("dry-run", "true");
    let outcome = step.run();
    assert_eq!(outcome.succeeded().check("workflow"), "pass", "{}", outcome.message("workflow"));
    let log = world.github.log();
    assert!(log.rest().count() <= 8 + 4, "{:?}", log.counts());
}
