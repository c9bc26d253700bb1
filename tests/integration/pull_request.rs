//! `pull-request`: one pull request for each branch and destination, made, updated, merged, or said to be open.

use emulator::{
    faults::{Canned, Fault, FaultRule},
    model::{Level, MergeMethod, Repository, Ruleset, Target, Token},
};
use serde_json::json;

use crate::{
    refs::Tree,
    runner::{Outcome, Step},
    world::{TARGET, World},
};

fn site() -> Repository {
    Repository::new(TARGET).file("README.md", "hello\n").files("main", &[("old.html", "old\n")])
}

fn guarded() -> Repository {
    site().ruleset(Ruleset::new("guard", Target::Branch, &["refs/heads/main"]).rule("pull_request"))
}

fn classic() -> Token {
    Token::classic("robin", &["repo"])
}

fn proposed(world: &World) -> Step {
    world.publish().input("branch", "main").input("keep", "**").input("pull-request", "required")
}

/// How many pull requests were ever made.
fn count(world: &World) -> usize {
    world.github.model(|model| model.find(TARGET).unwrap().pull_requests.len())
}

#[track_caller]
fn says(outcome: &Outcome, status: &str) {
    outcome.succeeded();
    let report = outcome.report();
    let pull = &report["targets"][0]["pull_request"];
    assert_eq!(pull["status"], status, "{outcome}");
    assert_eq!(outcome.output("pull-request"), pull["number"].to_string());
    assert_eq!(outcome.output("pull-request-url"), pull["url"].as_str().unwrap());
}

#[test]
fn required_makes_one_pull_request_and_then_updates_it() {
    let world = World::with(guarded(), classic());
    let main = world.tip("refs/heads/main");
    let outcome = proposed(&world).input("tag", "v1").run();
    says(&outcome, "opened");
    assert_eq!(world.tip("refs/heads/main"), main, "nothing goes to the branch itself");
    assert_eq!(world.paths("relay/main"), ["README.md", "index.html", "old.html"]);
    assert!(outcome.message("branch-rules").contains("asks for a pull request"), "{outcome}");
    assert_eq!((outcome.output("branch"), outcome.output("pushed")), ("main", "true"));
    assert_eq!(Some(outcome.output("commit").to_owned()), main);
    assert_eq!((outcome.stage("tag"), world.tip("refs/tags/v1")), ("skipped".to_owned(), None));
    assert!(outcome.stdout.contains("only once the pull request is merged"), "{outcome}");
    let pull = world.github.repository(TARGET).pull_request(1);
    assert!(pull.title.starts_with("Publish acme/source@"), "{}", pull.title);
    let body = pull.body.unwrap();
    assert!(body.contains("1 file added") && body.contains("Source: <code>acme/source"), "{body}");
    let same = proposed(&world).run();
    says(&same, "updated");
    assert_eq!((same.stage("push").as_str(), same.output("pushed")), ("unchanged", "false"));
    let more = proposed(&world).file("site/more.html", "more\n").run();
    says(&more, "updated");
    assert_eq!((more.stage("push").as_str(), count(&world)), ("done", 1));
    assert_eq!(world.git(&["rev-list", "--count", "main..relay/main"]), "1", "it stays one commit on the branch");
}

#[test]
fn where_no_rule_asks_for_it_the_push_is_direct_unless_always() {
    let world = World::with(site(), classic());
    let outcome = proposed(&world).run();
    outcome.succeeded();
    assert_eq!((count(&world), outcome.output("pull-request")), (0, ""));
    assert_eq!(outcome.check("pull-request"), "pass");
    assert!(world.paths("main").contains(&"index.html".to_owned()));
    let always =
        proposed(&world).input("pull-request", "always").file("site/b.html", "b").input("destination", "docs/api");
    says(&always.run(), "opened");
    assert!(world.tip("refs/heads/relay/main--docs-api").is_some());
}

#[test]
fn it_is_merged_at_once_by_each_method_and_the_tag_follows() {
    for method in MergeMethod::ALL {
        let world = World::with(guarded(), classic());
        let outcome = proposed(&world).input("pull-request-merge", method.as_str()).input("tag", "v1").run();
        says(&outcome, "merged");
        let tip = world.tip("refs/heads/main").unwrap();
        assert_eq!(
            (outcome.output("commit"), world.tip("refs/tags/v1")),
            (tip.as_str(), Some(tip.clone())),
            "{method:?}"
        );
        assert!(world.paths("main").contains(&"index.html".to_owned()));
        let again = proposed(&world).input("pull-request-merge", method.as_str()).run();
        again.succeeded();
        assert_eq!((again.stage("push").as_str(), count(&world)), ("unchanged", 1));
    }
}

#[test]
fn what_cannot_be_merged_yet_waits_or_is_left() {
    let checks = json!({"required_status_checks": [{"context": "ci"}], "strict_required_status_checks_policy": false});
    let target = || {
        site().ruleset(
            Ruleset::new("ci", Target::Branch, &["refs/heads/main"])
                .rule_with("required_status_checks", checks.clone()),
        )
    };
    let world = World::with(target().allow_auto_merge(), classic());
    let outcome = proposed(&world).input("pull-request-merge", "squash").run();
    says(&outcome, "auto-merge");
    world.github.repository(TARGET).change_pull_request(1, |pull| {
        pull.passed_checks.insert("ci".into());
    });
    assert!(world.paths("main").contains(&"index.html".to_owned()), "GitHub merges it by itself");
    let world = World::with(target(), classic());
    let outcome = proposed(&world).input("pull-request-merge", "squash").run();
    says(&outcome, "opened");
    assert!(outcome.stdout.contains("left open") && outcome.stdout.contains("Auto merge is not allowed"), "{outcome}");
}

#[test]
fn a_missing_right_or_setting_is_known_before_anything_is_written() {
    let own = Token::github_token(TARGET, &[("contents", Level::Write), ("pull_requests", Level::Write)]);
    let world = World::with(guarded(), own);
    let step =
        |world: &World| proposed(world).env("GITHUB_REPOSITORY", TARGET).input("workflow-token", world.token.value());
    let outcome = world.refuses(step(&world), "pull-request", "pull-request-refused");
    assert!(outcome.message("pull-request").contains("Allow GitHub Actions to create"), "{outcome}");
    world.github.model(|model| model.find_mut(TARGET).unwrap().actions_may_propose = true);
    says(&step(&world).run(), "opened");
    let token = World::fine_grained(&[("contents", Level::Write), ("pull_requests", Level::Read)]);
    let world = World::with(guarded(), token);
    let outcome = world.refuses(proposed(&world), "pull-request", "pull-request-refused");
    assert!(outcome.message("pull-request").contains("Pull requests to Read and write"), "{outcome}");
    let world = World::with(guarded(), classic());
    world.refuses(proposed(&world).input("history", "single"), "pull-request", "invalid-input");
    let step = proposed(&world).input("branch", "new").input("pull-request", "always");
    world.refuses(step, "pull-request", "pull-request-refused");
}

#[test]
fn nothing_changed_makes_none_and_an_open_one_is_told() {
    let world = World::with(guarded(), classic());
    says(&proposed(&world).run(), "opened");
    world.github.repository(TARGET).commit("refs/heads/main", &[("index.html", b"<h1>hello</h1>\n")], "By hand");
    let outcome = proposed(&world).run();
    outcome.succeeded();
    assert_eq!((outcome.stage("push").as_str(), count(&world)), ("unchanged", 1));
    assert!(outcome.stdout.contains("Pull request #1 is open all the same"), "{outcome}");
}

#[test]
fn a_dry_run_says_which_way_and_writes_nothing() {
    let world = World::with(guarded(), classic());
    let before = world.state();
    let outcome = proposed(&world).input("dry-run", "true").input("tag", "v1").run();
    outcome.succeeded();
    assert_eq!((world.state(), count(&world)), (before, 0));
    assert!(outcome.stdout.contains("A pull request from relay/main into main would be opened"), "{outcome}");
    assert_eq!((outcome.stage("push"), outcome.stage("tag")), ("planned".to_owned(), "skipped".to_owned()));
}

#[test]
fn a_bot_signs_what_it_proposes_where_the_rules_ask_for_both() {
    let rules = Ruleset::new("guard", Target::Branch, &["~ALL"]).rule("required_signatures");
    let permissions = [("contents", Level::Write), ("pull_requests", Level::Write)];
    let bot = Token::installation("relay-bot", "acme", &[TARGET], &permissions);
    let world = World::with(guarded().ruleset(rules), bot);
    says(&proposed(&world).input("pull-request-merge", "merge").run(), "merged");
    assert!(world.git(&["cat-file", "commit", "main^2"]).contains("gpgsig"), "the proposed commit is signed too");
    assert!(world.github.repository(TARGET).refs().keys().all(|name| !name.starts_with("refs/repo-relay/")));
}

#[test]
fn a_branch_of_the_checkout_goes_through_one_too() {
    let world = World::with(guarded(), classic());
    let step = world.step().input("refs", "HEAD:main").input("pull-request", "required");
    let tree = Tree::clone(&world.github.repository(TARGET).path(), &step.workspace(), &[]);
    tree.commit("second.txt", "second\n");
    let main = world.tip("refs/heads/main");
    let outcome = step.input("pull-request-merge", "merge").run();
    says(&outcome, "merged");
    assert_ne!(world.tip("refs/heads/main"), main);
    assert!(world.paths("main").contains(&"second.txt".to_owned()));
    assert_eq!(outcome.output("branch"), "main");
    let two = world.step().input("refs", "HEAD:main\nHEAD:dev").input("pull-request", "always");
    Tree::clone(&world.github.repository(TARGET).path(), &two.workspace(), &[]);
    two.run().failed("invalid-input");
}

#[test]
fn a_lost_answer_makes_no_second_pull_request_and_no_second_merge() {
    let pulls = "*/repos/acme/site/pulls";
    let merge = "*/repos/acme/site/pulls/1/merge";
    for (method, path, fault) in [
        ("POST", pulls, Fault::ResetAfter),
        ("POST", pulls, Fault::AnswerAfter(Canned::bad_gateway())),
        ("PUT", merge, Fault::ResetAfter),
        ("PUT", merge, Fault::Answer(Canned::bad_gateway())),
        ("PUT", merge, Fault::AnswerAfter(Canned::bad_gateway())),
    ] {
        let world = World::with(guarded(), classic());
        world.github.fault(FaultRule::on(method, path, fault).first(1));
        says(&proposed(&world).input("pull-request-merge", "squash").run(), "merged");
        assert_eq!(count(&world), 1);
        assert_eq!(world.git(&["rev-list", "--count", "main"]), "3");
    }
}

#[test]
fn a_merge_that_another_merge_came_before_is_asked_for_again() {
    let merge = "*/repos/acme/site/pulls/1/merge";
    let refused = |words: &str| Fault::Answer(Canned::error(405, words));
    let world = World::with(guarded(), classic());
    let modified = refused("Base branch was modified. Review and try the merge again.");
    world.github.fault(FaultRule::on("PUT", merge, modified).first(2));
    says(&proposed(&world).input("pull-request-merge", "squash").run(), "merged");
    // GitHub does not know yet whether the branches fit.
    let world = World::with(guarded(), classic());
    world.github.fault(FaultRule::on("PUT", merge, refused("Pull Request is not mergeable")).first(1));
    let unknown = Fault::rewrite(|body| {
        body["mergeable"] = serde_json::Value::Null;
        body["mergeable_state"] = json!("unknown");
    });
    world.github.fault(FaultRule::on("GET", "*/repos/acme/site/pulls/1", unknown).first(1));
    says(&proposed(&world).input("pull-request-merge", "merge").run(), "merged");
    // It stays so: the pull request is left, and the step says why.
    let world = World::with(guarded(), classic());
    world.github.fault(FaultRule::on(
        "PUT",
        merge,
        refused("Base branch was modified. Review and try the merge again."),
    ));
    let outcome = proposed(&world).input("pull-request-merge", "squash").input("attempts", "2").run();
    says(&outcome, "opened");
    assert!(outcome.stdout.contains("left open: Base branch was modified"), "{outcome}");
}

#[test]
fn p5_a_branch_in_the_way_of_the_proposed_one_is_known_before() {
    for other in ["relay", "relay/main/x"] {
        let world = World::with(guarded().files(other, &[("a", "a")]), classic());
        for dry_run in ["false", "true"] {
            let step = proposed(&world).input("dry-run", dry_run);
            let outcome = world.refuses(step, "ref-names", "invalid-ref-or-object");
            let said = format!("Rename or delete the branch {other} in the target");
            assert!(outcome.stdout.contains(&said) && outcome.message("ref-names").contains("relay/main"), "{outcome}");
        }
        // Where the push is direct it stands in nobody's way.
        let free = World::with(site().files(other, &[("a", "a")]), classic());
        proposed(&free).run().succeeded();
    }
    let long = "n".repeat(240);
    let world = World::with(site().files(&long, &[("a", "a")]), classic());
    let step = world.publish().input("branch", &long).input("pull-request", "always").input("destination", "docs/api");
    let outcome = world.refuses(step, "ref-names", "invalid-ref-or-object");
    assert!(outcome.stdout.contains("choose shorter ones"), "{outcome}");
}
