//! What starts workflows, what the answers say, and how a run is found afterwards.

use serde_json::{Map, Value, json};

use super::{
    super::{
        credentials::{Credential, Kind},
        scene::Scene,
        server::Stop,
    },
    Fact, Look, seen,
};

pub(crate) const FACTS: &[Fact] = &[
    Fact {
        id: "repository-dispatch",
        says: "A repository_dispatch is answered 204, whether or not a workflow listens.",
        code: "src/trigger/once.rs: the run has to be found in the list; the check `listener` warns",
        kinds: Kind::WRITERS,
        expected: "204",
        look: |scene, asker| seen(event(scene, asker, "live-nobody", &json!({}))?),
    },
    Fact {
        id: "eleven-payload-keys",
        says: "A client_payload of eleven keys is refused.",
        code: "crates/github/src/limits.rs, the check `payload`",
        kinds: &[],
        expected: "422 with No more than 10 properties are allowed; 11 were supplied.",
        look: |scene, asker| {
            let payload: Map<String, Value> = (0..11).map(|number| (format!("key{number}"), json!(number))).collect();
            let words = event(scene, asker, "live-nobody", &Value::Object(payload))?;
            let known = "No more than 10 properties are allowed; 11 were supplied.";
            seen(if words.starts_with("422") && words.contains(known) { format!("422 with {known}") } else { words })
        },
    },
    Fact {
        id: "title-of-a-repository-dispatch",
        says: "Without `run-name` the run of a repository_dispatch bears the event type as its title.",
        code: "src/trigger/once.rs: the title alone never decides; `{relay_id}` does",
        kinds: &[],
        expected: "live-plain",
        look: |scene, asker| {
            let sent = event(scene, asker, "live-plain", &json!({}))?;
            if sent != "204" {
                return seen(sent);
            }
            let run = scene.run("repository_dispatch", |run| text(run, "path").ends_with("/live-plain.yml"))?;
            seen(run.map_or("no run".to_owned(), |run| text(&run, "display_title")))
        },
    },
    Fact {
        id: "run-details",
        says: "A workflow_dispatch with `return_run_details` is answered 200 with the run's id.",
        code: "src/trigger/workflow.rs: where the key is refused or 204 comes, the run is found in the list",
        kinds: Kind::WRITERS,
        expected: "200 with workflow_run_id",
        look: |scene, asker| {
            let body =
                json!({"ref": scene.main, "inputs": {"relay": asker.kind.to_string()}, "return_run_details": true});
            seen(started(scene, asker, &body, None)?)
        },
    },
    Fact {
        id: "run-details-of-the-next-version",
        says: "Version 2026-03-10 of the interface answers a workflow_dispatch 200 with the run's id, and does not know the key.",
        code: "crates/github/src/lib.rs: needed once 2022-11-28 is no longer served",
        kinds: &[],
        expected: "200 with workflow_run_id",
        look: |scene, asker| {
            let body = json!({"ref": scene.main, "inputs": {"relay": "next"}});
            seen(started(scene, asker, &body, Some("2026-03-10"))?)
        },
    },
    Fact {
        id: "dispatch-of-a-commit",
        says: "A workflow_dispatch for a commit id is refused: no branch or tag has this name.",
        code: "crates/diagnosis/src/classify/dispatch.rs: `No ref found for`",
        kinds: &[],
        expected: "422 No ref found for: (the commit)",
        look: |scene, asker| {
            let words = started(scene, asker, &json!({"ref": scene.tip}), None)?;
            seen(words.replace(&scene.tip, "(the commit)"))
        },
    },
    Fact {
        id: "dispatch-with-a-full-ref",
        says: "A workflow_dispatch takes the full name of a branch.",
        code: "src/trigger/workflow.rs: the full name is sent, so that a tag of the same name cannot be meant",
        kinds: &[],
        expected: "200 with workflow_run_id",
        look: |scene, asker| {
            let body = json!({"ref": format!("refs/heads/{}", scene.main), "return_run_details": true});
            seen(started(scene, asker, &body, None)?)
        },
    },
    Fact {
        id: "unknown-input",
        says: "An input that the workflow does not declare is refused, with its name.",
        code: "crates/diagnosis/src/classify/dispatch.rs: `Unexpected inputs provided`; the check `workflow`",
        kinds: &[],
        expected: r#"422 Unexpected inputs provided: ["stranger"]"#,
        look: |scene, asker| {
            seen(started(scene, asker, &json!({"ref": scene.main, "inputs": {"stranger": "1"}}), None)?)
        },
    },
    Fact {
        id: "no-dispatch-trigger",
        says: "A workflow without `workflow_dispatch` is refused, and the answer says so.",
        code: "crates/diagnosis/src/classify/dispatch.rs: `workflow_dispatch` trigger; the check `workflow`",
        kinds: &[],
        expected: "422 Workflow does not have 'workflow_dispatch' trigger",
        look: |scene, asker| {
            let rest = "/actions/workflows/live-tag.yml/dispatches";
            let body = json!({"ref": scene.main});
            seen(scene.server.write(asker.bearer(), "POST", scene.target, rest, &body)?.words())
        },
    },
    Fact {
        id: "twenty-six-inputs",
        says: "More than 25 inputs are refused (10 on an Enterprise Server up to 3.19).",
        code: "crates/github/src/limits.rs, the check `workflow`",
        kinds: &[],
        expected: "422 with No more than 25 properties are allowed; 26 were supplied.",
        look: |scene, asker| {
            let inputs: Map<String, Value> = (0..26).map(|number| (format!("input{number}"), json!("x"))).collect();
            let words = started(scene, asker, &json!({"ref": scene.main, "inputs": inputs}), None)?;
            let known = "No more than 25 properties are allowed; 26 were supplied.";
            seen(if words.starts_with("422") && words.contains(known) { format!("422 with {known}") } else { words })
        },
    },
    Fact {
        id: "branch-of-a-tag-push",
        says: "The run that a pushed tag starts names the tag as its `head_branch`.",
        code: "src/wait/expected.rs: runs of `wait-for` are told apart by it",
        kinds: Kind::WRITERS,
        expected: "the tag",
        look: |scene, asker| {
            let tag = format!("live-v1-{}", asker.kind);
            let body = json!({"ref": format!("refs/tags/{tag}"), "sha": scene.tip});
            let made = scene.server.write(asker.bearer(), "POST", scene.target, "/git/refs", &body)?;
            made.success("The tag cannot be made")?;
            branch_of(scene, "push", &tag, |run| text(run, "path").ends_with("/live-tag.yml"))
        },
    },
    Fact {
        id: "branch-of-a-tag-dispatch",
        says: "The run of a workflow_dispatch for a tag names the tag as its `head_branch`.",
        code: "src/trigger/once.rs: `is_at` compares it with the ref that was sent",
        kinds: &[],
        expected: "the tag",
        look: |scene, asker| {
            let body = json!({"ref": "refs/tags/live-dispatched", "sha": scene.tip});
            let made = scene.server.write(asker.bearer(), "POST", scene.target, "/git/refs", &body)?;
            made.success("The tag cannot be made")?;
            let body = json!({"ref": "refs/tags/live-dispatched", "inputs": {"relay": "at-a-tag"}});
            let sent = started(scene, asker, &body, None)?;
            if !sent.starts_with('2') {
                return seen(sent);
            }
            branch_of(scene, "workflow_dispatch", "live-dispatched", |run| {
                text(run, "display_title").contains("at-a-tag")
            })
        },
    },
    Fact {
        id: "helper-ref-starts-nothing",
        says: "A ref outside branches and tags starts no workflow.",
        code: "src/push/signed.rs: the helper ref of a signed commit is no event",
        kinds: &[],
        expected: "no run",
        look: |scene, _| {
            // Asked last: what the helper refs of earlier rows would have started is listed by now.
            let list = scene.read("/actions/runs?event=push&per_page=100")?;
            let runs = list.json["workflow_runs"].as_array().map(Vec::as_slice).unwrap_or_default();
            let started = runs.iter().any(|run| text(run, "head_branch").contains("repo-relay"));
            seen(if started { "a run" } else { "no run" })
        },
    },
];

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

/// Sends a `repository_dispatch`, and gives the answer's words.
fn event(scene: &Scene<'_>, asker: &Credential, kind: &str, payload: &Value) -> Result<String, Stop> {
    let body = json!({"event_type": kind, "client_payload": payload});
    Ok(scene.server.write(asker.bearer(), "POST", scene.target, "/dispatches", &body)?.words())
}

/// Sends a `workflow_dispatch`, and says what the answer holds.
fn started(scene: &Scene<'_>, asker: &Credential, body: &Value, version: Option<&str>) -> Result<String, Stop> {
    let rest = "/actions/workflows/live-echo.yml/dispatches";
    let answer = scene.server.write_version(asker.bearer(), "POST", scene.target, rest, (body, version))?;
    let with = if answer.json["workflow_run_id"].is_u64() { " with workflow_run_id" } else { "" };
    Ok(if answer.status < 300 { format!("{}{with}", answer.status) } else { answer.words() })
}

/// Whether the run that fits names `tag` as its branch.
fn branch_of(scene: &Scene<'_>, event: &str, tag: &str, fits: impl Fn(&Value) -> bool) -> Look {
    // Another credential's run of the same workflow may be listed: the one for this tag is waited for, or any other's is shown.
    let at_tag = |run: &Value| fits(run) && text(run, "head_branch") == tag;
    if scene.run(event, at_tag)?.is_some() {
        return seen("the tag");
    }
    let other = scene.run(event, &fits)?;
    seen(other.map_or("no run".to_owned(), |run| run["head_branch"].to_string()))
}
