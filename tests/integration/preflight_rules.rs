//! The check `branch-rules`: every kind of rule against the push that the step would make.

use emulator::{
    faults::{Canned, Fault, FaultRule},
    model::{BypassActor, Enforcement, Guard, Level, Model, Protection, Repository, Role, Ruleset, Target, Token},
};
use serde_json::{Value, json};

use crate::{
    refs::Tree,
    runner::Step,
    world::{TARGET, World},
};

/// The target with a page on `gh-pages`, and these rules for that branch.
fn site(rules: Ruleset) -> Repository {
    Repository::new(TARGET).files("gh-pages", &[("index.html", "old")]).file("README.md", "r").ruleset(rules)
}

fn rules(kind: &str, parameters: Value) -> Ruleset {
    Ruleset::new("guard", Target::Branch, &["refs/heads/gh-pages"]).rule_with(kind, parameters)
}

fn classic() -> Token {
    Token::classic("robin", &["repo"])
}

fn with(rules: Ruleset) -> World {
    World::with(site(rules), classic())
}

fn pattern(operator: &str, pattern: &str) -> Value {
    json!({"operator": operator, "pattern": pattern, "negate": false})
}

#[test]
fn each_rule_that_the_push_breaks_is_found_before_it() {
    let checks =
        json!({"required_status_checks": [{"context": "ci/build"}], "strict_required_status_checks_policy": false});
    let cases = [
        ("update", Value::Null, "ruleset-violation", "updating it is restricted"),
        ("pull_request", Value::Null, "ruleset-requires-pr", "pull request"),
        ("merge_queue", Value::Null, "ruleset-requires-pr", "merge queue"),
        ("required_deployments", Value::Null, "ruleset-violation", "deployment"),
        ("workflows", Value::Null, "required-status-checks", "workflows"),
        ("code_scanning", Value::Null, "ruleset-violation", "code scanning"),
        ("required_status_checks", checks, "required-status-checks", "ci/build"),
        ("required_signatures", Value::Null, "required-signatures", "signed"),
        ("commit_message_pattern", pattern("regex", "^[A-Z]+-[0-9]+: "), "ruleset-violation", "must match"),
        ("commit_message_pattern", pattern("starts_with", "docs:"), "ruleset-violation", "must start with `docs:`"),
        ("commit_author_email_pattern", pattern("ends_with", "@acme.test"), "ruleset-violation", "author's address"),
        ("committer_email_pattern", pattern("contains", "acme"), "ruleset-violation", "committer's address"),
        ("file_path_restriction", json!({"restricted_file_paths": ["*.html"]}), "ruleset-violation", "index.html"),
        (
            "file_extension_restriction",
            json!({"restricted_file_extensions": ["html"]}),
            "ruleset-violation",
            "index.html",
        ),
        ("max_file_path_length", json!({"max_file_path_length": 8}), "ruleset-violation", "index.html"),
        ("max_file_size", json!({"max_file_size": 1}), "ruleset-violation", "big.bin"),
    ];
    for (kind, parameters, cause, words) in cases {
        let world = with(rules(kind, parameters));
        let step = world.publish().file("site/big.bin", vec![b'x'; 2 << 20]);
        let outcome = world.refuses(step, "branch-rules", cause);
        let message = outcome.message("branch-rules");
        assert!(message.contains(words), "{kind}: {message}");
        assert!(message.contains("the ruleset \"guard\""), "{kind}: {message}");
        assert!(message.contains(&format!("{}/{TARGET}/settings/rules", world.github.url())), "{kind}: {message}");
    }
}

#[test]
fn a_rule_that_the_push_keeps_does_not_stop_it() {
    let cases = [
        ("creation", Value::Null),
        ("deletion", Value::Null),
        ("non_fast_forward", Value::Null),
        ("required_linear_history", Value::Null),
        ("branch_name_pattern", pattern("starts_with", "release/")),
        ("tag_name_pattern", pattern("starts_with", "v")),
        ("commit_message_pattern", pattern("starts_with", "Publish")),
        ("commit_author_email_pattern", pattern("ends_with", "users.noreply.github.com")),
        ("file_path_restriction", json!({"restricted_file_paths": ["src/**"]})),
        ("file_extension_restriction", json!({"restricted_file_extensions": ["*.exe"]})),
        ("max_file_path_length", json!({"max_file_path_length": 200})),
        ("max_file_size", json!({"max_file_size": 1})),
        ("copilot_code_review", Value::Null),
    ];
    for (kind, parameters) in cases {
        let world = with(rules(kind, parameters));
        let outcome = world.publish().run();
        outcome.succeeded();
        assert_eq!(outcome.check("branch-rules"), "pass", "{kind}: {}", outcome.message("branch-rules"));
        assert_eq!(outcome.output("pushed"), "true", "{kind}");
    }
}

#[test]
fn a_rewritten_branch_breaks_non_fast_forward_alone() {
    let world = with(rules("non_fast_forward", Value::Null));
    let step = world.publish().input("history", "single");
    let outcome = world.refuses(step, "branch-rules", "force-push-forbidden");
    assert!(outcome.message("branch-rules").contains("history: append"));
}

#[test]
fn a_branch_that_is_yet_to_be_made_has_rules_of_its_own() {
    let fresh = |rules: Ruleset| World::with(Repository::new(TARGET).file("README.md", "r").ruleset(rules), classic());
    let world = fresh(rules("creation", Value::Null));
    world.refuses(world.publish(), "branch-rules", "ruleset-violation");
    let world = fresh(
        Ruleset::new("names", Target::Branch, &["~ALL"])
            .rule_with("branch_name_pattern", pattern("starts_with", "release/")),
    );
    world.refuses(world.publish(), "branch-rules", "ruleset-violation");
    let checks = |spared: bool| json!({"required_status_checks": [{"context": "ci"}], "strict_required_status_checks_policy": false, "do_not_enforce_on_create": spared});
    let world = fresh(rules("required_status_checks", checks(false)));
    world.refuses(world.publish(), "branch-rules", "required-status-checks");
    let world = fresh(rules("required_status_checks", checks(true)));
    assert_eq!(world.publish().run().succeeded().check("branch-rules"), "pass");
    let world = fresh(rules("update", Value::Null));
    assert_eq!(world.publish().run().succeeded().check("branch-rules"), "pass");

    // Whether a new branch needs a pull request is the server's to say.
    let world = fresh(rules("pull_request", Value::Null));
    let outcome = world.publish().run();
    outcome.failed("ruleset-requires-pr");
    assert_eq!((outcome.check("branch-rules"), outcome.stage("push")), ("warn".to_owned(), "failed".to_owned()));
}

#[test]
fn who_may_bypass_a_rule_is_let_through() {
    let guard = || rules("pull_request", Value::Null).rule("update");
    let robin = || BypassActor::TeamMember("robin".to_owned());
    for mode in ["always", "exempt"] {
        let world = with(guard().bypassed_by(robin(), mode));
        let outcome = world.publish().run();
        outcome.succeeded();
        assert_eq!(outcome.check("branch-rules"), "pass", "{mode}");
        assert!(outcome.message("branch-rules").contains("may bypass"), "{}", outcome.message("branch-rules"));
    }
    let world = with(guard().bypassed_by(robin(), "pull_request"));
    world.refuses(world.publish(), "branch-rules", "ruleset-requires-pr");
    let world = with(guard().bypassed_by(BypassActor::Role(Role::Admin), "always"));
    world.refuses(world.publish(), "branch-rules", "ruleset-requires-pr");

    let write = [("contents", Level::Write), ("metadata", Level::Read)];
    let app = Token::installation("helper", "acme", &[TARGET], &write);
    let world = World::with(site(guard().bypassed_by(BypassActor::App("helper".to_owned()), "always")), app);
    assert_eq!(world.publish().run().succeeded().check("branch-rules"), "pass");
    let other = Token::installation("other", "acme", &[TARGET], &write);
    let world = World::with(site(guard().bypassed_by(BypassActor::App("helper".to_owned()), "always")), other);
    world.refuses(world.publish(), "branch-rules", "ruleset-requires-pr");
}

#[test]
fn the_workflows_own_token_never_bypasses() {
    let token = Token::github_token("acme/own", &[("contents", Level::Write), ("metadata", Level::Read)]);
    let actions = BypassActor::App("github-actions".to_owned());
    let rules = rules("pull_request", Value::Null).bypassed_by(actions, "always");
    let own = Repository::new("acme/own").files("gh-pages", &[("a", "a")]).file("README.md", "r").ruleset(rules);
    let world = World::of(Model::new().repository(own), token);
    let step = Step::new(world.github.url())
        .env("GITHUB_REPOSITORY", "acme/own")
        .input("token", world.token.value())
        .input("workflow-token", world.token.value())
        .input("directory", "site")
        .file("site/a", "b");
    let outcome = world.refuses(step, "branch-rules", "ruleset-requires-pr");
    let message = outcome.message("branch-rules");
    assert!(message.contains("`GITHUB_TOKEN` can never be on a Bypass list"), "{message}");
    assert!(world.github.log().calls("GET", "/user").is_empty());
    let asked = world.github.log().rest().filter(|entry| entry.path.contains("/rulesets/")).count();
    assert_eq!(asked, 0, "there is nothing to ask the ruleset for");
}

#[test]
fn where_the_bypass_is_not_told_the_server_decides() {
    let hidden = || FaultRule::on("GET", "*/rulesets/*", Fault::Answer(Canned::error(404, "Not Found")));
    let world =
        with(rules("pull_request", Value::Null).bypassed_by(BypassActor::TeamMember("robin".to_owned()), "always"));
    world.github.fault(hidden());
    let outcome = world.publish().run();
    outcome.succeeded();
    assert_eq!(outcome.check("branch-rules"), "warn", "plain git would land this push");
    let world = with(rules("pull_request", Value::Null));
    world.github.fault(hidden());
    let outcome = world.publish().run();
    outcome.failed("ruleset-requires-pr");
    assert_eq!((outcome.check("branch-rules"), outcome.stage("push")), ("warn".to_owned(), "failed".to_owned()));
    let world = with(rules("a_rule_of_tomorrow", Value::Null));
    let outcome = world.publish().run();
    outcome.succeeded();
    assert_eq!(outcome.check("branch-rules"), "warn");
    assert!(outcome.message("branch-rules").contains("a_rule_of_tomorrow"));
    world.github.clear_log(); // GitHub's description of itself does not know this rule either.
}

#[test]
fn rulesets_that_only_watch_or_are_off_do_not_count() {
    for enforcement in [Enforcement::Evaluate, Enforcement::Disabled] {
        let world = with(rules("pull_request", Value::Null).enforcement(enforcement));
        assert_eq!(world.publish().run().succeeded().check("branch-rules"), "pass");
    }
    let other = Ruleset::new("elsewhere", Target::Branch, &["~DEFAULT_BRANCH"]).rule("pull_request");
    assert_eq!(with(other).publish().run().succeeded().check("branch-rules"), "pass");
}

#[test]
fn rulesets_of_the_organization_and_of_pushes_count_too() {
    let world = with(rules("pull_request", Value::Null).from_organization("acme"));
    let outcome = world.refuses(world.publish(), "branch-rules", "ruleset-requires-pr");
    let message = outcome.message("branch-rules");
    assert!(message.contains("/organizations/acme/settings/rules"), "{message}");
    let pushes = Ruleset::new("no binaries", Target::Push, &[])
        .rule_with("file_extension_restriction", json!({"restricted_file_extensions": ["exe"]}));
    let world = with(pushes);
    assert_eq!(world.publish().run().succeeded().check("branch-rules"), "pass");
    let outcome = world.refuses(world.publish().file("site/setup.exe", "MZ"), "branch-rules", "ruleset-violation");
    assert!(outcome.message("branch-rules").contains("setup.exe"));
}

#[test]
fn a_wrong_verdict_can_be_switched_off() {
    let world = with(rules("pull_request", Value::Null));
    let outcome = world.publish().input("ignore-checks", "branch-rules").run();
    outcome.failed("ruleset-requires-pr");
    assert_eq!((outcome.check("branch-rules"), outcome.stage("push")), ("warn".to_owned(), "failed".to_owned()));
}

#[test]
fn a_push_that_changes_nothing_breaks_no_rule() {
    let files = [("index.html", "<h1>hello</h1>\n"), (".nojekyll", "")];
    let repository = Repository::new(TARGET).files("gh-pages", &files).ruleset(rules("pull_request", Value::Null));
    let world = World::with(repository, classic());
    let outcome = world.publish().run();
    outcome.succeeded();
    assert_eq!((outcome.check("branch-rules"), outcome.stage("push")), ("pass".to_owned(), "unchanged".to_owned()));
}

#[test]
fn rules_that_may_not_be_asked_for_are_skipped() {
    let world = with(rules("creation", Value::Null));
    let refusal = Canned::error(403, "Resource not accessible by personal access token");
    world.github.fault(FaultRule::on("GET", "*/rules/branches/*", Fault::Answer(refusal)));
    let outcome = world.publish().run();
    outcome.succeeded();
    assert_eq!(outcome.check("branch-rules"), "skip");
    assert_eq!(outcome.cause("branch-rules"), "check-not-permitted");
}

#[test]
fn a_classic_protection_is_named_and_left_to_the_server() {
    let guarded = |protection: Protection| {
        let site = Repository::new(TARGET).files("gh-pages", &[("index.html", "old")]).protection(protection);
        World::with(site, classic())
    };
    let world = guarded(Protection::new("gh-pages").with(Guard::PullRequest));
    let outcome = world.publish().run();
    outcome.failed("branch-protected");
    assert_eq!((outcome.check("branch-rules"), outcome.stage("push")), ("warn".to_owned(), "failed".to_owned()));
    assert!(outcome.message("branch-rules").contains("/settings/branches"));
    let world = guarded(Protection::new("gh-pages"));
    assert_eq!(world.publish().run().succeeded().check("branch-rules"), "warn");
    let world = guarded(Protection::new("gh-pages").check("ci").with(Guard::Admins));
    let outcome = world.refuses(world.publish(), "branch-rules", "required-status-checks");
    assert!(outcome.message("branch-rules").contains("ci"));
}

#[test]
fn refs_of_the_checkout_are_held_to_the_rules_of_their_branches() {
    let push = |world: &World, refs: &str| {
        let step = world.step().input("refs", refs);
        let tree = Tree::init(&step.workspace());
        tree.commit("a", "a");
        step
    };
    let old = || Repository::new(TARGET).files("old", &[("x", "x")]).file("README.md", "r");
    let guard = |kind: &str, branch: &str| Ruleset::new("guard", Target::Branch, &[branch]).rule(kind);
    for (kind, branch, refs, cause) in [
        ("pull_request", "refs/heads/old", "+HEAD:old", "ruleset-requires-pr"),
        ("non_fast_forward", "refs/heads/old", "+HEAD:old", "force-push-forbidden"),
        ("deletion", "refs/heads/old", ":old", "ruleset-violation"),
        ("creation", "refs/heads/new", "HEAD:new", "ruleset-violation"),
        ("update", "refs/heads/old", "HEAD:new\n+HEAD:old", "ruleset-violation"),
    ] {
        let world = World::with(old().ruleset(guard(kind, branch)), classic());
        world.refuses(push(&world, refs), "branch-rules", cause);
    }
    for (kind, refs) in
        [("deletion", "+HEAD:old"), ("creation", "+HEAD:old"), ("update", "HEAD:new"), ("non_fast_forward", "HEAD:new")]
    {
        let world = World::with(old().ruleset(guard(kind, "~ALL")), classic());
        let outcome = push(&world, refs).run();
        assert_eq!(outcome.succeeded().check("branch-rules"), "pass", "{kind} {refs}");
    }
    let world = World::with(old().ruleset(guard("required_signatures", "~ALL")), classic());
    let outcome = push(&world, "HEAD:new").run();
    outcome.failed("required-signatures");
    assert_eq!(outcome.check("branch-rules"), "warn", "whether those commits are signed is not looked at");
}
