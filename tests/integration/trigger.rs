//! Dispatches: each started once.

use emulator::{
    faults::{Canned, Fault, FaultRule},
    model::{Repository, Token},
};

use crate::{
    runner::Step,
    world::{TARGET, World},
};

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

const MANUAL: &str = "name: release\nrun-name: Release ${{ inputs.id }}\non:\n  push:\n    tags: ['v*']\n  workflow_dispatch:\n    inputs:\n      id: {required: false}\n";

fn manual() -> Repository {
    Repository::new(TARGET).file("README.md", "r").workflow("release.yml", MANUAL)
}

#[test]
fn a_workflow_is_dispatched_on_the_full_ref_and_its_run_is_known_at_once() {
    let world = World::with(manual().files("next", &[("a", "a")]), Token::classic("robin", &["repo", "workflow"]));
    world.github.repository(TARGET).set_ref("refs/heads/next", world.tip("refs/heads/main").as_deref());
    for (given, sent) in [("", "refs/heads/main"), ("next", "refs/heads/next"), ("refs/heads/next", "refs/heads/next")]
    {
        world.github.clear_log();
        let outcome = world
            .step()
            .input("workflow", "release.yml")
            .input("workflow-ref", given)
            .input("workflow-inputs", r#"{"id": "{relay_id}"}"#)
            .run();
        outcome.succeeded();
        let log = world.github.log();
        let call = log.calls("POST", "/dispatches")[0].request.clone().unwrap();
        assert_eq!(call["ref"], sent, "{call}");
        let run = world.github.runs(TARGET).pop().unwrap();
        assert_eq!(run.full_ref, sent);
        assert_eq!(outcome.output("run-id"), run.id.to_string());
        assert!(outcome.output("run-url").ends_with(&format!("/acme/site/actions/runs/{}", run.id)), "{outcome}");
        assert_eq!(outcome.output("dispatched"), "true");
        assert!(run.title.len() > 30, "the relay's id is in the title: {}", run.title);
        assert_eq!(outcome.report()["targets"][0]["runs"][0]["id"], run.id);
        assert!(outcome.summary.contains(&format!("actions/runs/{}", run.id)), "{}", outcome.summary);
    }
}

#[test]
fn a_commit_or_a_name_that_is_not_there_is_refused_before_anything_is_written() {
    let world = World::with(manual(), Token::classic("robin", &["repo", "workflow"]));
    let commit = world.tip("refs/heads/main").unwrap();
    for (name, words) in [(commit.as_str(), "never on a commit"), ("no-such", "neither a branch nor a tag")] {
        let outcome = world.publish().input("workflow", "release.yml").input("workflow-ref", name).run();
        outcome.failed("dispatch-ref-not-found");
        assert!(outcome.stdout.contains(words), "{outcome}");
    }
    assert!(world.tip("refs/heads/gh-pages").is_none());
    assert!(world.github.runs(TARGET).is_empty());
}

#[test]
fn a_workflow_runs_on_the_tag_made_when_that_holds_its_file() {
    let world = World::with(manual(), Token::classic("robin", &["repo", "workflow"]));
    let step = || world.step().input("workflow", "release.yml");
    step().input("tag", "x1").input("tag-target", "main").run().succeeded();
    assert_eq!(world.github.runs(TARGET).pop().unwrap().full_ref, "refs/tags/x1");
    // The commit published has no workflow file.
    step().input("directory", "site").file("site/a", "a").input("tag", "x2").run().succeeded();
    assert_eq!(world.github.runs(TARGET).pop().unwrap().full_ref, "refs/heads/main");
    // The tag made in this very step may be named.
    step().input("tag", "x3").input("tag-target", "main").input("workflow-ref", "x3").run().succeeded();
    assert_eq!(world.github.runs(TARGET).pop().unwrap().full_ref, "refs/tags/x3");
}

#[test]
fn a_dry_run_names_the_ref_that_a_workflow_would_run_on() {
    let world = World::with(
        manual().files("gh-pages", &[(".github/workflows/release.yml", MANUAL), ("old.html", "old")]),
        Token::classic("robin", &["repo", "workflow"]),
    );
    let planned = |make: &dyn Fn() -> Step, reference: &str| {
        let runs = world.github.runs(TARGET).len();
        let dry = make().input("dry-run", "true").run();
        dry.succeeded();
        let told = format!("Would send release.yml on {reference}.");
        assert!(dry.report().to_string().contains(&told), "{told} {dry}");
        assert_eq!(world.github.runs(TARGET).len(), runs);
        let real = make().run();
        real.succeeded();
        assert_eq!(world.github.runs(TARGET).pop().unwrap().full_ref, reference, "{real}");
        dry
    };
    let step = |tag: &str| world.publish().input("workflow", "release.yml").input("tag", tag);
    // The file stays on the branch: `exclude` leaves it alone.
    let dry = planned(&|| step("x1"), "refs/tags/x1");
    assert!(dry.summary.contains("Would publish to acme/site gh-pages: "), "{}", dry.summary);
    // Into a folder, where the publish does not read the other trees of the tip.
    planned(&|| step("x2").input("destination", "docs/api"), "refs/tags/x2");
    // The publish brings it.
    let brings = || step("x3").input("branch", "fresh").input("exclude", "");
    planned(&|| brings().file("site/.github/workflows/release.yml", MANUAL), "refs/tags/x3");
    // The commit published has none.
    planned(&|| step("x4").input("branch", "other"), "refs/heads/main");
    let refs = || {
        let step = world.step().input("workflow", "release.yml").input("refs", "main:refs/heads/pushed");
        crate::refs::Tree::init(&step.workspace()).commit(".github/workflows/release.yml", MANUAL);
        step
    };
    planned(&refs, "refs/heads/pushed");
}

#[test]
fn an_older_enterprise_server_is_asked_without_the_key_it_does_not_know() {
    let model = emulator::model::Model::new()
        .repository(manual().collaborator("robin", emulator::model::Role::Write))
        .set(|settings| settings.flavour = emulator::model::Flavour::Enterprise("3.17".into()));
    let world = World::of(model, Token::classic("robin", &["repo", "workflow"]));
    let outcome = world.step().input("workflow", "release.yml").input("wait", "started").run();
    outcome.succeeded();
    let runs = world.github.runs(TARGET);
    assert_eq!(runs.len(), 1, "{outcome}");
    assert_eq!(outcome.output("run-id"), runs[0].id.to_string(), "{outcome}");
    let statuses: Vec<_> = world.github.log().calls("POST", "/dispatches").iter().map(|call| call.status).collect();
    assert_eq!(statuses, [Some(422), Some(204)]);
}

#[test]
fn a_server_that_answers_without_the_run_is_asked_for_the_list() {
    let world = World::with(manual(), Token::classic("robin", &["repo", "workflow"]));
    let silent = Canned { status: 204, headers: Vec::new(), body: String::new() };
    world.github.fault(FaultRule::on("POST", "*/dispatches", Fault::AnswerAfter(silent)).first(1));
    let inputs = r#"{"id": "{relay_id}"}"#;
    let step = world.step().input("workflow", "release.yml").input("workflow-inputs", inputs);
    let outcome = step.input("wait", "completed").run();
    outcome.succeeded();
    let runs = world.github.runs(TARGET);
    assert_eq!((runs.len(), outcome.output("run-id")), (1, &*runs[0].id.to_string()), "{outcome}");
    assert_eq!(world.github.log().calls("POST", "/dispatches").len(), 1);
}

#[test]
fn a_tag_by_github_token_starts_its_workflow_through_a_dispatch() {
    use emulator::model::{Level::Write, Model};
    let token = Token::github_token("acme/source", &[("contents", Write), ("actions", Write)]);
    let model = Model::new()
        .repository(Repository::new("acme/source").file("README.md", "r").workflow("release.yml", MANUAL))
        .token(&token);
    let github = crate::once::emulator(model);
    let outcome = crate::runner::Step::new(github.url())
        .input("token", token.value())
        .input("workflow-token", token.value())
        .input("tag", "v1.0.0")
        .input("tag-target", "main")
        .input("workflow", "release.yml")
        .input("wait", "completed")
        .run();
    outcome.succeeded();
    let runs = github.runs("acme/source");
    assert_eq!(runs.len(), 1, "the tag itself starts nothing: {outcome}");
    assert_eq!((runs[0].event.as_str(), runs[0].full_ref.as_str()), ("workflow_dispatch", "refs/tags/v1.0.0"));
    assert_eq!(outcome.output("run-conclusion"), "success");
    assert_eq!(outcome.output("token-kind"), "github-token");
}

#[test]
fn a_dry_run_starts_nothing() {
    let world = World::with(manual(), Token::classic("robin", &["repo", "workflow"]));
    let outcome =
        world.step().input("workflow", "release.yml").input("wait", "completed").input("dry-run", "true").run();
    outcome.succeeded();
    assert_eq!((outcome.stage("trigger"), outcome.stage("wait")), ("planned".into(), "planned".into()));
    assert_eq!(outcome.output("dispatched"), "false");
    assert!(world.github.runs(TARGET).is_empty());
}

#[test]
fn numbers_of_any_size_and_the_order_of_keys_arrive_as_they_were_written() {
    let world = World::with(manual(), Token::classic("robin", &["repo", "workflow"]));
    let payload = "{\n  \"z\": 12345678901234567890123,\n  \"price\": 1.10,\n  \"a\": \"x  {relay_id}\", \"pi\": 3.14159265358979323846\n}";
    world.step().input("dispatch", "published").input("payload", payload).run().succeeded();
    let inputs = r#"{ "id": 98765432109876543210.50 }"#;
    world.step().input("workflow", "release.yml").input("workflow-inputs", inputs).run().succeeded();
    let log = world.github.log();
    let sent: Vec<&str> = log.calls("POST", "/dispatches").iter().map(|call| call.request_text.as_str()).collect();
    let (before, after) = sent[0].split_once("x  ").unwrap();
    assert_eq!(before, r#"{"event_type":"published","client_payload":{"z":12345678901234567890123,"price":1.10,"a":""#);
    assert_eq!(after.split_once('"').unwrap().1, r#","pi":3.14159265358979323846}}"#);
    assert!(sent[1].contains(r#""inputs":{"id":98765432109876543210.50}"#), "{}", sent[1]);
}
