//! Is it live? The build and deployment of a published branch.

use emulator::model::{Level, Outcome, Repository, Token};

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

#[test]
fn a_branch_that_pages_does_not_publish_is_said() {
    let world = World::with(Repository::new(TARGET).file("README.md", "r").pages("docs"), token());
    let outcome = world.publish().input("wait-for", "pages").input("wait-timeout", "2s").run();
    outcome.failed("not-triggered");
    assert!(outcome.stdout.contains("Pages publishes the branch docs"), "{outcome}");
}
