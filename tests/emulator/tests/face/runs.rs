//! Which runs start, how they show and how they end.

use std::{
    thread,
    time::{Duration, Instant},
};

use emulator::{
    Emulator,
    model::{Decoy, Level::Write, Model, Outcome, Repository, Role, Token},
};
use serde_json::{Value, json};

use crate::support::{clone_with_commit, commit, get, ok, post, start};

const DEPLOY: &str = "name: Deploy\nrun-name: Deploy ${{ github.event.client_payload.id }}${{ inputs.env }}\non:\n  \
    push:\n    branches: [main]\n    tags: ['v*']\n  repository_dispatch:\n    types: [deploy]\n  workflow_dispatch:\n    \
    inputs:\n      env: {required: true, type: choice, options: [live, test]}\n";

fn site() -> Repository {
    Repository::new("acme/site").collaborator("robin", Role::Write).workflow("deploy.yml", DEPLOY)
}

#[expect(clippy::disallowed_methods, reason = "the test waits for the server's clock")]
fn wait_for(condition: impl Fn() -> bool) -> Duration {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < Duration::from_secs(10), "waited in vain");
        thread::sleep(Duration::from_millis(20));
    }
    begun.elapsed()
}

fn listed(emulator: &Emulator, token: &Token, query: &str) -> Vec<Value> {
    let reply = get(emulator, &format!("/repos/acme/site/actions/runs?{query}"), token).json();
    reply["workflow_runs"].as_array().unwrap().clone()
}

#[test]
fn pushes_start_runs_unless_something_forbids_it() {
    let contents = [("contents", Write)];
    let person = Token::classic("robin", &["repo", "workflow"]);
    let own = Token::github_token("acme/site", &contents);
    let emulator = start(Model::new().repository(site()).token(&person).token(&own));
    let started = || emulator.runs("acme/site").len();
    let clone = clone_with_commit(&emulator, "acme/site", &person, "a");
    let at = clone.path();
    ok(at, &["push", "-q", "origin", "main"]);
    assert_eq!(started(), 1);
    let run = emulator.runs("acme/site").remove(0);
    assert_eq!((run.event.as_str(), run.actor.as_str()), ("push", "robin"));
    assert_eq!(run.head_sha, ok(at, &["rev-parse", "HEAD"]));
    ok(at, &["push", "-q", "origin", "main:other"]);
    assert_eq!(started(), 1, "the filter excludes the branch");
    ok(at, &["tag", "v1"]);
    ok(at, &["push", "-q", "origin", "v1"]);
    assert_eq!(started(), 2);
    assert_eq!(emulator.runs("acme/site")[1].head_branch.as_deref(), Some("v1"));
    for name in ["v2", "v3", "v4", "v5"] {
        ok(at, &["tag", name]);
    }
    ok(at, &["push", "-q", "origin", "v2", "v3", "v4", "v5"]);
    assert_eq!(started(), 2, "more than three tags start nothing");
    ok(at, &["push", "-q", "origin", ":v2", ":other"]);
    assert_eq!(started(), 2, "deletions start nothing");
    commit(at, "b", "More [skip ci]");
    ok(at, &["push", "-q", "origin", "main"]);
    assert_eq!(started(), 2, "[skip ci]");
    commit(at, "c", "By the workflow's token");
    ok(at, &["push", "-q", &crate::support::address(&emulator, "acme/site", Some(&own)), "main"]);
    assert_eq!(started(), 2, "GITHUB_TOKEN");
    emulator.model(|model| model.find_mut("acme/site").unwrap().disabled_workflows.insert("deploy.yml".into()));
    commit(at, "d", "Disabled");
    ok(at, &["push", "-q", "origin", "main"]);
    assert_eq!(started(), 2, "disabled workflow");
    std::fs::write(at.join(".github/workflows/broken.yml"), "on: [push\n").unwrap();
    commit(at, "e", "Broken");
    ok(at, &["push", "-q", "origin", "main"]);
    let broken = emulator.runs("acme/site").remove(2);
    assert_eq!(broken.state(chrono::Utc::now()).conclusion.as_deref(), Some("startup_failure"));
    emulator.model(|model| model.find_mut("acme/site").unwrap().actions = false);
    commit(at, "f", "Actions are off");
    ok(at, &["push", "-q", "origin", "main"]);
    assert_eq!(started(), 3, "Actions disabled");
}

#[test]
fn a_repository_dispatch_starts_the_default_branchs_files_and_shows_them_late() {
    let token = Token::classic("robin", &["repo"]);
    let repository = site()
        .files("other", &[(".github/workflows/other.yml", "on: repository_dispatch\n")])
        .decoys(&[Decoy::OtherActor, Decoy::OtherSha, Decoy::Older, Decoy::Newer])
        .outcome("deploy.yml", Outcome::failure("publish", "Upload"));
    let emulator = start(Model::new().repository(repository).token(&token));
    let send = |body: &Value| post(&emulator, "/repos/acme/site/dispatches", &token, body).status;
    assert_eq!(send(&json!({"event_type": "nobody-listens"})), 204);
    assert_eq!(emulator.runs("acme/site").len(), 0);
    assert_eq!(send(&json!({"event_type": "deploy", "client_payload": {"id": "42"}})), 204);
    let many: serde_json::Map<_, _> = (0..11).map(|n| (n.to_string(), json!(n))).collect();
    assert_eq!(send(&json!({"event_type": "deploy", "client_payload": many})), 422);
    assert_eq!(emulator.runs("acme/site").len(), 1);
    let run = emulator.runs("acme/site").remove(0);
    assert_eq!(run.title, "Deploy 42");
    let shows = || listed(&emulator, &token, "event=repository_dispatch&actor=robin");
    assert!(!shows().is_empty(), "decoys are there at once");
    let id = json!(run.id);
    assert!(shows().iter().all(|shown| shown["id"] != id), "the run itself is late");
    let late = wait_for(|| shows().iter().any(|shown| shown["id"] == id));
    assert!((900..3200).contains(&late.as_millis()), "{late:?}");
    let path = format!("/repos/acme/site/actions/runs/{}", run.id);
    let jobs = get(&emulator, &format!("{path}/jobs"), &token).json();
    assert_eq!(get(&emulator, &path, &token).json()["conclusion"], "failure");
    assert_eq!((&jobs["jobs"][1]["name"], &jobs["jobs"][1]["steps"][1]["name"]), (&json!("publish"), &json!("Upload")));
}

#[test]
fn a_workflow_dispatch_is_refused_or_answered_with_its_run() {
    let token = Token::fine_grained("robin", "acme", &["acme/site"], &[("actions", Write)]);
    let repository =
        site().tag("v1").workflow("plain.yml", "on: push\n").workflow("off.yml", "on: workflow_dispatch\n");
    let repository = repository
        .files("other", &[(".github/workflows/only-here.yml", "on: workflow_dispatch\n")])
        .disabled_workflow("off.yml")
        .outcome("deploy.yml", Outcome::stuck("waiting"));
    let emulator = start(Model::new().repository(repository).token(&token));
    let tip = emulator.repository("acme/site").tip("refs/heads/main").unwrap();
    let send = |file: &str, body: &Value| {
        let path = format!("/repos/acme/site/actions/workflows/{file}/dispatches");
        let reply = post(&emulator, &path, &token, body);
        (reply.status, reply.text)
    };
    let live = json!({"env": "live"});
    let cases = [
        ("missing.yml", json!({"ref": "main"}), 404, "Not Found"),
        ("only-here.yml", json!({"ref": "other"}), 404, "Not Found"),
        ("plain.yml", json!({"ref": "main"}), 422, "Workflow does not have 'workflow_dispatch' trigger"),
        ("off.yml", json!({"ref": "main"}), 422, "on a disabled workflow"),
        ("deploy.yml", json!({"ref": tip, "inputs": live}), 422, "No ref found for: "),
        ("deploy.yml", json!({"ref": "other", "inputs": live}), 422, "does not have 'workflow_dispatch'"),
        ("deploy.yml", json!({"ref": "main"}), 422, "Required input 'env' not provided"),
        ("deploy.yml", json!({"ref": "main", "inputs": {"a": "b"}}), 422, r#"Unexpected inputs provided: [\"a\"]"#),
        ("deploy.yml", json!({"ref": "main", "inputs": {"env": "x"}}), 422, "not in the list of allowed values"),
        ("deploy.yml", json!({"ref": "main", "inputs": live}), 204, ""),
    ];
    for (file, body, status, words) in cases {
        let (got, text) = send(file, &body);
        assert_eq!(got, status, "{file} {body}: {text}");
        assert!(text.contains(words), "{file} {body}: {text}");
    }
    let (status, text) =
        send("deploy.yml", &json!({"ref": "refs/tags/v1", "inputs": live, "return_run_details": true}));
    assert_eq!(status, 200);
    let id = serde_json::from_str::<Value>(&text).unwrap()["workflow_run_id"].clone();
    let run = get(&emulator, &format!("/repos/acme/site/actions/runs/{id}"), &token).json();
    assert_eq!((&run["status"], &run["conclusion"]), (&json!("waiting"), &json!(null)));
    assert_eq!((&run["display_title"], &run["head_branch"]), (&json!("Deploy live"), &json!("v1")));
    assert_eq!(emulator.runs("acme/site").len(), 2);
}
