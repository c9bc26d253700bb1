//! Remedies that fit the run: its event, the kind of its token, the account; and one failure where one thing is wrong.

use emulator::{
    faults::{Canned, Fault, FaultRule},
    model::{Level, Model, Repository, Role, Token},
};

use crate::{
    runner::{Outcome, Step},
    world::{TARGET, World},
};

fn of_pull_request(step: Step, head: &str) -> Step {
    let event = format!(
        r#"{{"pull_request": {{"head": {{"repo": {head}}}, "base": {{"repo": {{"full_name": "acme/source"}}}}}}}}"#
    );
    let step = step.file("event.json", event).env("GITHUB_EVENT_NAME", "pull_request");
    let path = step.workspace().join("event.json").display().to_string();
    step.env("GITHUB_EVENT_PATH", path)
}

const FORK: &str = r#"{"full_name": "eve/source"}"#;
const OWN: &str = r#"{"full_name": "acme/source"}"#;

fn statuses(outcome: &Outcome, wanted: &str) -> Vec<String> {
    let report = outcome.report();
    let checks = report["targets"][0]["checks"].as_array().unwrap().clone();
    let named = checks.iter().filter(|check| check["status"] == wanted);
    named.map(|check| check["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn t19_a_run_without_secrets_is_told_why_it_has_none() {
    let world = World::new();
    let blank = || world.publish().input("token", "");
    for (step, words, wrong) in [
        (of_pull_request(blank(), FORK), "a pull request from the fork eve/source, and gets no secrets", "Dependabot"),
        (of_pull_request(blank(), "null"), "a fork that is gone", "Dependabot"),
        (of_pull_request(blank(), OWN), "no secret of the name that the workflow reads is defined", "fork's"),
        (of_pull_request(blank(), OWN).env("GITHUB_ACTOR", "dependabot[bot]"), "settings/secrets/dependabot", "fork"),
        (blank().env("GITHUB_EVENT_NAME", "schedule"), "(`schedule`)", "fork"),
    ] {
        let outcome = step.run();
        outcome.failed("token-missing");
        assert!(outcome.stdout.contains(words), "{words}: {outcome}");
        let error = outcome.stdout.lines().find(|line| line.starts_with("::error")).unwrap();
        assert!(!error.contains(wrong), "{wrong}: {error}");
        assert!(world.github.log().0.is_empty(), "{words}");
    }
}

#[test]
fn t19_permissions_are_no_remedy_for_the_token_of_a_forks_run() {
    let token = Token::github_token("acme/source", &[("contents", Level::Read), ("metadata", Level::Read)]);
    let world = World::of(Model::new().repository(Repository::new("acme/source").file("a", "a")), token);
    let step = || world.publish().input("repository", "acme/source").input("workflow-token", world.token.value());
    for (step, is_fork) in [(of_pull_request(step(), FORK), true), (of_pull_request(step(), OWN), false)] {
        let outcome = step.run();
        assert_eq!(outcome.status, Some(1), "{outcome}");
        let error = outcome.stdout.lines().find(|line| line.starts_with("::error")).unwrap();
        assert_eq!(error.contains("pull request from the fork eve/source"), is_fork, "{error}");
        assert_eq!(error.contains("`permissions: contents: write`"), !is_fork, "{error}");
        assert_eq!(error.contains("cannot help a fork's pull request"), is_fork, "{error}");
        assert!(world.github.log().pushes().is_empty());
    }
}

#[test]
fn t21_one_failure_in_our_words_where_one_thing_is_wrong() {
    let classic = || Token::classic("robin", &["repo", "workflow"]);
    let hidden = World::of(Model::new(), classic());
    let archived = World::with(Repository::new(TARGET).file("a", "a").archived(), classic());
    let token = Token::github_token("acme/source", &[("contents", Level::Write), ("metadata", Level::Read)]);
    let elsewhere = World::of(Model::new().repository(Repository::new(TARGET).private().file("a", "a")), token);
    let sso = World::with(Repository::new(TARGET).private().file("a", "a"), classic());
    let refusal = Canned::error(
        403,
        "Resource protected by organization SAML enforcement. You must grant your Personal Access token access to this organization.",
    );
    sso.github.fault(FaultRule::on("GET", "*/repos/acme/site*", Fault::Answer(refusal)));
    for (world, cause, words) in [
        (&hidden, "repo-not-found-or-hidden", "acme/site does not exist, or robin cannot see it."),
        (&archived, "repo-archived", "acme/site is archived"),
        (&elsewhere, "github-token-cross-repo", "`GITHUB_TOKEN` reaches the workflow's own repository alone"),
        (&sso, "sso-authorization-required", "SAML"),
    ] {
        let step = world
            .publish()
            .input("workflow-token", if cause == "github-token-cross-repo" { world.token.value() } else { "" });
        let step =
            step.input("workflow", "ci.yml").input("wait", "completed").input("dispatch", "x").input("tag", "v1");
        let outcome = step.run();
        outcome.failed(cause);
        let errors: Vec<&str> = outcome.stdout.lines().filter(|line| line.starts_with("::error")).collect();
        assert_eq!(errors.len(), 1, "{outcome}");
        assert!(errors[0].contains(words) && !errors[0].contains("::Not Found"), "{}", errors[0]);
        assert_eq!(statuses(&outcome, "fail").len(), 1, "{outcome}");
        assert!(statuses(&outcome, "skip").len() >= 2, "{cause}: {outcome}");
        assert!(world.github.log().pushes().is_empty());
    }
}

#[test]
fn t13_a_payload_that_is_no_json_is_told_by_what_stands_in_it() {
    let world = World::new();
    for (payload, words) in [
        ("{'sha': '1'}", "single quotes"),
        (r#"'{"sha": "1"}'"#, "single quotes"),
        ("{\"text\": \"one\ntwo\"}", "a line break as such"),
        (r#"{"title": "say "hi" twice"}"#, "toJSON("),
        (r#"{"sha": }"#, "toJSON("),
        (r#"{"sha": abc}"#, "toJSON("),
        (r#"{"a": 1,}"#, "a comma stands before a closing bracket"),
    ] {
        for (input, start) in [("payload", "dispatch"), ("workflow-inputs", "workflow")] {
            let outcome = world.step().input(start, "go.yml").input(input, payload).run();
            outcome.failed("invalid-input");
            assert!(outcome.stdout.contains(words) && outcome.stdout.contains("line "), "{payload}: {outcome}");
        }
    }
    assert!(world.github.log().0.is_empty());
    let role = World::with(
        Repository::new(TARGET).file("a", "a").collaborator("robin", Role::Write),
        Token::classic("robin", &["repo"]),
    );
    role.step().input("dispatch", "x").input("payload", r#"{"a": "b \"c\", {d"}"#).run().succeeded();
}
