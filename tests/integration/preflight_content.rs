//! The checks of what is written: workflow files, sizes, payload, Pages, what is lost, and what the checkout left behind.

use std::time::Duration;

use emulator::{
    faults::{Canned, Fault, FaultRule},
    model::{Level, Model, Repository, Token},
};
use serde_json::{Map, json};

use crate::{
    runner::Step,
    world::{TARGET, World},
};

const WORKFLOW: &str = "on: push\njobs: {a: {runs-on: x, steps: [{run: 'true'}]}}\n";

fn site() -> Repository {
    Repository::new(TARGET).files("gh-pages", &[("index.html", "old")]).file("README.md", "r")
}

/// A step that publishes a workflow file, too.
fn with_workflow(world: &World) -> Step {
    world.publish().input("exclude", "").file("site/.github/workflows/ci.yml", WORKFLOW)
}

#[test]
fn workflow_files_need_a_right_of_their_own() {
    let world = World::with(site(), Token::classic("robin", &["repo"]));
    let outcome = world.refuses(with_workflow(&world), "workflow-files", "missing-workflow-scope");
    let message = outcome.message("workflow-files");
    assert!(message.contains(".github/workflows/ci.yml") && message.contains("tick `workflow`"), "{message}");
    assert_eq!(world.publish().run().succeeded().check("workflow-files"), "pass", "no such file");

    let world = World::with(site(), Token::oauth("robin", &["repo", "public_repo"]));
    world.refuses(with_workflow(&world), "workflow-files", "missing-workflow-scope");

    let world = World::with(site(), Token::classic("robin", &["repo", "workflow"]));
    assert_eq!(with_workflow(&world).run().succeeded().check("workflow-files"), "pass");
    assert_eq!(with_workflow(&world).run().succeeded().check("workflow-files"), "pass", "unchanged");
}

#[test]
fn into_the_folder_itself_the_destination_counts() {
    let world = World::with(site(), Token::classic("robin", &["repo"]));
    let step =
        world.step().input("directory", "ci").input("destination", ".github/workflows").file("ci/a.yml", WORKFLOW);
    world.refuses(step, "workflow-files", "missing-workflow-scope");
}

#[test]
fn the_workflows_own_token_can_never_push_them() {
    let token = Token::github_token("acme/own", &[("contents", Level::Write), ("metadata", Level::Read)]);
    let world = World::of(Model::new().repository(Repository::new("acme/own").file("a", "a")), token);
    let step = Step::new(world.github.url())
        .env("GITHUB_REPOSITORY", "acme/own")
        .input("token", world.token.value())
        .input("workflow-token", world.token.value())
        .input("directory", "site")
        .input("exclude", "")
        .file("site/.github/workflows/ci.yml", WORKFLOW);
    let outcome = world.refuses(step, "workflow-files", "missing-workflow-scope");
    assert!(outcome.message("workflow-files").contains("GITHUB_TOKEN can never"));
}

#[test]
fn what_another_branch_has_is_left_to_the_server() {
    let world = World::with(site().workflow("ci.yml", WORKFLOW), Token::classic("robin", &["repo"]));
    let outcome = with_workflow(&world).run();
    outcome.succeeded();
    assert_eq!(outcome.check("workflow-files"), "warn", "plain git lands this push");
    assert_eq!(outcome.cause("workflow-files"), "missing-workflow-scope");
}

#[test]
fn where_the_permission_can_not_be_asked_it_is_a_warning() {
    let write = [("contents", Level::Write), ("workflows", Level::Write), ("metadata", Level::Read)];
    let world = World::with(site(), World::fine_grained(&write));
    assert_eq!(with_workflow(&world).run().succeeded().check("workflow-files"), "warn");
    let world = World::with(site(), World::fine_grained(&write[..1]));
    let outcome = with_workflow(&world).run();
    outcome.failed("missing-workflow-scope");
    assert_eq!(outcome.stage("push"), "failed");
}

#[test]
fn large_files_are_named_with_their_size() {
    let world = World::with(site(), Token::classic("robin", &["repo"]));
    let sparse = |step: Step, bytes: u64| {
        std::fs::File::create(step.workspace().join("site/video.mp4")).unwrap().set_len(bytes).unwrap();
        step
    };
    let outcome = world.refuses(sparse(world.publish(), (100 << 20) + 1), "file-size", "file-too-large");
    assert!(outcome.message("file-size").contains("video.mp4 (100 MiB)"), "{}", outcome.message("file-size"));
    // What is refused is not read first.
    let outcome = world.refuses(sparse(world.publish(), 1 << 40), "file-size", "file-too-large");
    assert!(outcome.took < Duration::from_mins(1), "{:?}", outcome.took);
    let ignored = world.publish().input("ignore-checks", "file-size").run();
    ignored.failed("invalid-input");
    let outcome = sparse(world.publish(), 51 << 20).input("dry-run", "true").run();
    outcome.succeeded();
    assert_eq!(
        (outcome.check("file-size"), outcome.cause("file-size")),
        ("warn".to_owned(), "file-too-large".to_owned())
    );
    assert_eq!(world.publish().run().succeeded().check("file-size"), "pass");
}

#[test]
fn a_payload_is_held_to_its_limits() {
    let world = World::with(site(), Token::classic("robin", &["repo"]));
    let keys = |count: usize| {
        let keys: Map<_, _> = (0..count).map(|n| (format!("k{n}"), json!(n))).collect();
        json!(keys).to_string()
    };
    let step = |payload: &str| world.step().input("dispatch", "site-published").input("payload", payload);
    world.refuses(step(&keys(11)), "payload", "dispatch-payload-invalid");
    world.refuses(step(&json!({"a": "x".repeat(66_000)}).to_string()), "payload", "dispatch-payload-invalid");
    let ids = "{relay_id}".repeat(2000);
    world.refuses(step(&json!({ "a": ids }).to_string()), "payload", "dispatch-payload-invalid");
    world.refuses(step("{}").input("dispatch", "e".repeat(101)), "payload", "dispatch-payload-invalid");
    assert_eq!(step(&keys(10)).input("dispatch", "e".repeat(100)).run().succeeded().check("payload"), "pass");
    let outcome = step(&json!({"a": "ü".repeat(40_000)}).to_string()).run();
    assert_eq!(outcome.succeeded().check("payload"), "warn", "80,000 bytes, 40,000 characters");
    assert_eq!(world.publish().run().succeeded().check("payload"), "", "nothing is dispatched");
}

#[test]
fn the_pages_site_is_compared_with_the_branch() {
    let classic = || Token::classic("robin", &["repo"]);
    let outcome = World::with(site().pages("gh-pages"), classic()).publish().run();
    assert_eq!(outcome.succeeded().check("pages"), "pass");
    assert!(outcome.message("pages").contains("https://acme.github.io/site/"), "{}", outcome.message("pages"));

    let outcome = World::with(site().pages("main"), classic()).publish().run();
    assert_eq!(outcome.succeeded().check("pages"), "warn");
    assert_eq!(outcome.cause("pages"), "pages-source-mismatch");
    assert!(outcome.message("pages").contains("/acme/site/settings/pages"), "{}", outcome.message("pages"));

    let built = || {
        let mut site = site().pages("gh-pages");
        if let Some(pages) = &mut site.pages {
            pages.build_type = "workflow".to_owned();
        }
        site
    };
    assert_eq!(World::with(built(), classic()).publish().run().succeeded().check("pages"), "warn");
    let source = World::with(built(), classic()).publish().input("branch", "content").run();
    assert_eq!(source.succeeded().check("pages"), "pass", "a workflow may build from any branch");

    assert_eq!(World::with(site(), classic()).publish().run().succeeded().check("pages"), "skip", "no site");
    let write = [("contents", Level::Write), ("metadata", Level::Read)];
    let outcome = World::with(site().pages("gh-pages"), World::fine_grained(&write)).publish().run();
    assert_eq!(outcome.succeeded().check("pages"), "skip", "no right to ask");
    assert_eq!(outcome.cause("pages"), "check-not-permitted");
}

#[test]
fn a_publish_that_empties_the_default_branch_is_a_warning_with_the_number() {
    let files: Vec<(String, String)> = (0..20).map(|n| (format!("src/{n}.rs"), n.to_string())).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let site = || Repository::new(TARGET).files("main", &files);
    let world = World::with(site(), Token::classic("robin", &["repo"]));
    let outcome = world.publish().input("branch", "main").input("dry-run", "true").run();
    outcome.succeeded();
    assert_eq!(outcome.check("repository"), "warn");
    assert!(outcome.message("repository").contains("20 of the 20 files of main"), "{}", outcome.message("repository"));
    let outcome = world.publish().input("branch", "main").input("destination", "docs").run();
    assert_eq!(outcome.succeeded().check("repository"), "pass");
    let outcome = world.publish().input("branch", "main").input("keep", "src/1*\ndocs").run();
    assert_eq!(outcome.succeeded().check("repository"), "pass", "9 of 21");
}

#[test]
fn what_the_checkout_left_behind_is_reported_and_never_used() {
    let world = World::with(site(), Token::classic("robin", &["repo"]));
    let secret = "eC1hY2Nlc3MtdG9rZW46Z2hzX3N0b2xlbg==";
    let header = format!("[http \"{}/\"]\n\textraheader = AUTHORIZATION: basic {secret}\n", world.github.url());

    let old = world.publish().file(".git/config", &header).run();
    let step = world.publish();
    let temp = step.workspace().parent().unwrap().join("temp/git-credentials-1.config");
    std::fs::write(&temp, &header).unwrap();
    let include = format!("[includeIf \"gitdir:/github/workspace/.git\"]\n\tpath = {}\n", temp.display());
    let new = step.file(".git/config", include).file("site/new", "new").run();
    for (outcome, place) in [(&old, ".git/config"), (&new, "includes")] {
        outcome.succeeded();
        assert_eq!(outcome.check("checkout-credentials"), "warn");
        assert_eq!(outcome.cause("checkout-credentials"), "checkout-credentials");
        let message = outcome.message("checkout-credentials");
        assert!(message.contains(place) && message.contains("persist-credentials: false"), "{message}");
        let everything = format!("{outcome}{}", outcome.summary);
        assert!(!everything.contains(secret), "{everything}");
    }
    let tokens: Vec<_> = world.github.log().0.iter().filter_map(|entry| entry.token.clone()).collect();
    assert!(tokens.iter().all(|token| *token == world.token.name), "{tokens:?}");
    assert_eq!(world.publish().run().succeeded().check("checkout-credentials"), "pass");
}

#[test]
fn a_question_that_is_asked_in_vain_holds_nobody_up() {
    let world = World::with(site(), Token::classic("robin", &["repo"]));
    let reset = (chrono::Utc::now() + chrono::Duration::minutes(10)).timestamp();
    for path in ["*/pages", "*/rulesets", "*/rules/branches/*", "*/branches/*"] {
        world.github.fault(FaultRule::on("GET", path, Fault::Answer(Canned::primary_limit(reset))));
    }
    let outcome = world.publish().run();
    outcome.succeeded();
    for check in ["pages", "branch-rules"] {
        assert_eq!(outcome.check(check), "skip", "{check}");
    }
    assert!(outcome.took < std::time::Duration::from_secs(20), "{:?}", outcome.took);
}
