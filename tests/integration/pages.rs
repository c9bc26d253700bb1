//! Is it live? The build and deployment of a published branch.

use std::time::Duration;

use emulator::{
    faults::{Canned, Fault, FaultRule},
    model::{Level, Outcome, Repository, Token},
};
use serde_json::json;

use crate::world::{TARGET, World};

fn site() -> Repository {
    Repository::new(TARGET).file("README.md", "r").pages("gh-pages")
}

fn token() -> Token {
    Token::classic("robin", &["repo", "workflow"])
}

#[test]
fn the_build_is_followed_to_its_end_and_the_address_is_set() {
    let world = World::with(site(), token());
    let outcome = world.publish().input("wait-for", "pages").run();
    outcome.succeeded();
    assert_eq!(outcome.output("page-url"), "https://acme.github.io/site/");
    assert_eq!(outcome.output("run-conclusion"), "success");
    assert_eq!(outcome.stage("wait"), "done");
    let again = world.publish().input("wait-for", "pages").run();
    again.succeeded();
    assert_eq!(again.output("pushed"), "false");
    assert_eq!(again.output("page-url"), "https://acme.github.io/site/", "{again}");
}

#[test]
fn a_build_that_fails_fails_the_step() {
    let world = World::with(site(), token());
    world.github.model(|model| {
        model.find_mut(TARGET).unwrap().pages.as_mut().unwrap().outcome =
            Outcome::failure("build", "Build with Jekyll");
    });
    let outcome = world.publish().input("wait-for", "pages").run();
    outcome.failed("run-failed");
    assert!(outcome.stdout.contains("`build` at the step `Build with Jekyll`"), "{outcome}");
    assert_eq!(outcome.output("page-url"), "");
    assert_eq!(outcome.output("pushed"), "true");
}

#[test]
fn the_builds_serve_where_the_runs_may_not_be_read() {
    let token = World::fine_grained(&[("contents", Level::Write), ("metadata", Level::Read), ("pages", Level::Read)]);
    let world = World::with(site().private(), token);
    let outcome = world.publish().input("wait-for", "pages").run();
    outcome.succeeded();
    assert_eq!(outcome.output("page-url"), "https://acme.github.io/site/");
}

/// A server that builds Pages without Actions, so that no run shows.
fn without_runs(slow: Duration) -> World {
    let world = World::with(site(), token());
    world.github.model(|model| {
        let outcome = Outcome::default().taking(Duration::ZERO, slow);
        model.find_mut(TARGET).unwrap().pages.as_mut().unwrap().outcome = outcome;
    });
    let none = Fault::rewrite(|answer| *answer = json!({"total_count": 0, "workflow_runs": []}));
    world.github.fault(FaultRule::on("GET", "*/actions/runs", none));
    world
}

#[test]
fn a_build_that_no_run_shows_is_followed_to_its_end() {
    let world = without_runs(Duration::from_secs(28));
    let outcome = world.publish().input("wait-for", "pages").run();
    outcome.succeeded();
    assert_eq!(outcome.output("page-url"), "https://acme.github.io/site/");
    assert!(outcome.took > Duration::from_secs(28) && outcome.took < Duration::from_secs(45), "{:?}", outcome.took);
    let world = without_runs(Duration::from_mins(1));
    let outcome = world.publish().input("wait-for", "pages").input("wait-timeout", "2s").run();
    outcome.failed("wait-timeout");
    assert_eq!(outcome.output("page-url"), "");
}

#[test]
fn the_address_of_a_site_that_the_push_has_made_is_set() {
    let world = World::with(site(), token());
    let absent = || Fault::Answer(Canned::error(404, "Not Found"));
    // Asked for by the preflight and at the beginning of the wait.
    world.github.fault(FaultRule::on("GET", "*/pages", absent()).first(2));
    let outcome = world.publish().input("wait-for", "pages").run();
    outcome.succeeded();
    assert_eq!(outcome.output("page-url"), "https://acme.github.io/site/");
}

#[test]
fn a_branch_that_pages_does_not_publish_is_said() {
    let world = World::with(Repository::new(TARGET).file("README.md", "r").pages("docs"), token());
    let outcome = world.publish().input("wait-for", "pages").input("wait-timeout", "2s").run();
    outcome.failed("not-triggered");
    assert!(outcome.stdout.contains("Pages publishes the branch docs"), "{outcome}");
}

#[test]
fn a_repository_without_a_site_is_said() {
    let world = World::with(Repository::new(TARGET).file("README.md", "r"), token());
    let outcome = world.publish().input("wait-for", "pages").input("wait-timeout", "2s").run();
    outcome.failed("not-triggered");
    assert!(outcome.stdout.contains("Pages is not switched on"), "{outcome}");
    assert!(outcome.stdout.contains("/acme/site/settings/pages"), "{outcome}");
    assert_eq!(outcome.output("page-url"), "");
}

#[test]
fn a_build_that_another_push_took_the_place_of_is_followed_to_the_others_end() {
    let world = World::with(site(), token());
    world.github.model(|model| {
        let slow = Outcome::default().taking(Duration::ZERO, Duration::from_secs(6));
        model.find_mut(TARGET).unwrap().pages.as_mut().unwrap().outcome = slow;
    });
    let publish = |folder: &str| world.publish().input("destination", folder).input("wait-for", "pages");
    let (first, second) = std::thread::scope(|scope| {
        let first = scope.spawn(|| publish("a").run());
        while world.github.runs(TARGET).is_empty() {
            std::thread::park_timeout(Duration::from_millis(20));
        }
        let second = publish("b").run();
        (first.join().unwrap(), second)
    });
    let builds = world.github.runs(TARGET);
    assert_eq!(builds.len(), 2);
    assert_eq!(builds[0].outcome.conclusion.as_deref(), Some("cancelled"));
    for (outcome, folder) in [(&first, "a"), (&second, "b")] {
        outcome.succeeded();
        assert_eq!(outcome.output("page-url"), format!("https://acme.github.io/site/{folder}/"));
    }
    let seen = first.report()["targets"][0]["runs"].clone();
    assert!(seen.as_array().unwrap().iter().any(|run| run["id"] == builds[1].id), "{first}");
}

#[test]
fn a_build_that_somebody_cancelled_fails_the_step() {
    let world = World::with(site(), token());
    world.github.model(|model| {
        model.find_mut(TARGET).unwrap().pages.as_mut().unwrap().outcome = Outcome::concluded("cancelled");
    });
    let outcome = world.publish().input("wait-for", "pages").run();
    outcome.failed("run-failed");
    assert!(outcome.stdout.contains("was cancelled"), "{outcome}");
}
