//! The two dispatches.

use serde_json::{Map, Value, json};

use super::{Call, Handled, refusal, repository::open};
use crate::{
    answer::Answer,
    model::{Flavour, Level},
    workflows::{self, Input, Trigger},
};

/// `POST /repos/{owner}/{repo}/dispatches`
pub(super) fn repository(call: &mut Call<'_>, owner: &str, name: &str) -> Handled {
    let repository = call.repository(owner, name, "contents", Level::Write)?;
    let kind = match &call.body["event_type"] {
        Value::String(kind) if (1..=100).contains(&kind.chars().count()) => kind.clone(),
        Value::String(kind) if kind.is_empty() => return Err(schema("For 'properties/event_type', is too short.")),
        Value::String(_) => {
            return Err(schema("For 'properties/event_type', is too long (maximum is 100 characters)."));
        }
        Value::Null => return Err(schema("\"event_type\" wasn't supplied.")),
        _ => return Err(schema("For 'properties/event_type', is not a string.")),
    };
    let payload = match &call.body["client_payload"] {
        Value::Null => json!({}),
        Value::Object(table) if table.len() > 10 => {
            return Err(schema(&format!("No more than 10 properties are allowed; {} were supplied.", table.len())));
        }
        Value::Object(table) => Value::Object(table.clone()),
        _ => return Err(schema("For 'properties/client_payload', is not an object.")),
    };
    if payload.to_string().chars().count() > 65_535 {
        return Err(refusal::error(422, "client_payload is too large."));
    }
    let actor = call.token.as_ref().map(|token| token.login.clone()).unwrap_or_default();
    workflows::dispatched(call.shared, call.model, repository.id, &actor, &kind, &payload);
    Ok(Answer::empty(204))
}

fn schema(text: &str) -> Answer {
    refusal::error(422, &format!("Invalid request.\n\n{text}"))
}

/// `POST /repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches`
pub(super) fn workflow(call: &mut Call<'_>, owner: &str, name: &str, id: &str) -> Handled {
    let repository = call.repository(owner, name, "actions", Level::Write)?;
    let known = super::actions::find(&repository, id)?;
    let details = details_wanted(call)?;
    let limit = if call.model.settings.flavour == Flavour::Cloud { 25 } else { 10 };
    let given = match &call.body["inputs"] {
        Value::Null => Map::new(),
        Value::Object(table) if table.len() > limit => {
            return Err(schema(&format!(
                "No more than {limit} properties are allowed; {} were supplied.",
                table.len()
            )));
        }
        Value::Object(table) => table.clone(),
        _ => return Err(schema("For 'properties/inputs', is not an object.")),
    };
    let wanted = match &call.body["ref"] {
        Value::String(name) => name.clone(),
        _ => return Err(schema("\"ref\" wasn't supplied.")),
    };
    let file_name = known.path.rsplit('/').next().unwrap_or_default();
    if !repository.actions {
        return Err(refusal::error(422, "Actions has been disabled for this repository."));
    }
    if repository.disabled_workflows.contains(file_name) {
        return Err(refusal::error(422, "Cannot trigger a 'workflow_dispatch' on a disabled workflow"));
    }
    let bare = open(&repository)?;
    let no_ref = || refusal::error(422, &format!("No ref found for: {wanted}"));
    let full_ref = full_ref(&bare, &wanted).ok_or_else(no_ref)?;
    let commit = bare.find_reference(&full_ref).and_then(|reference| reference.peel_to_commit());
    let commit = commit.map_err(|_| no_ref())?;
    let files = workflows::files_of(&bare, &commit);
    let no_trigger = || refusal::error(422, "Workflow does not have 'workflow_dispatch' trigger");
    let file = files.iter().find(|file| file.path == known.path).ok_or_else(no_trigger)?;
    if file.definition.is_broken() {
        let text = "failed to parse workflow: (Line: 1, Col: 1): No event triggers defined in `on`";
        return Err(refusal::error(422, text));
    }
    let inputs = accept(&file.definition.inputs().ok_or_else(no_trigger)?, &given)?;
    let actor = call.token.as_ref().map(|token| token.login.clone()).unwrap_or_default();
    let trigger = Trigger {
        event: "workflow_dispatch",
        full_ref: &full_ref,
        actor: &actor,
        context: json!({"inputs": inputs}),
        payload: inputs,
        title: file.definition.name(&file.path),
    };
    let run = workflows::start(call.shared, call.model, repository.id, file, &commit, &trigger);
    let Some(run) = run.filter(|_| details) else { return Ok(Answer::empty(204)) };
    let slug = repository.slug();
    let body = json!({
        "workflow_run_id": run, "run_url": format!("{}/repos/{slug}/actions/runs/{run}", call.api()),
        "html_url": format!("{}/{slug}/actions/runs/{run}", call.shared.url()),
    });
    let answer = Answer::json(200, &body);
    // The parameter is gone from the next version of the API, and the answer says so.
    let soon = call.version == "2022-11-28";
    Ok(if soon { answer.header("deprecation", "Tue, 10 Mar 2026 00:00:00 GMT") } else { answer })
}

/// Whether the answer shall hold the run; refuses keys that this server does not know.
fn details_wanted(call: &Call<'_>) -> Result<bool, Answer> {
    let newest = call.version == "2026-03-10";
    let knows = call.model.settings.flavour == Flavour::Cloud && !newest;
    let keys = call.body.as_object().map(|table| table.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
    for key in keys {
        let known = matches!(key.as_str(), "ref" | "inputs") || (knows && key == "return_run_details");
        if !known {
            return Err(schema(&format!("\"{key}\" is not a permitted key.")));
        }
    }
    Ok(newest || call.body["return_run_details"] == json!(true))
}

/// The full name of a branch or tag; a commit id is none.
fn full_ref(bare: &git2::Repository, name: &str) -> Option<String> {
    let candidates = [name.to_owned(), format!("refs/heads/{name}"), format!("refs/tags/{name}")];
    candidates.into_iter().find(|full| {
        (full.starts_with("refs/heads/") || full.starts_with("refs/tags/")) && bare.find_reference(full).is_ok()
    })
}

/// The inputs as the run gets them, or why they are refused.
fn accept(declared: &[Input], given: &Map<String, Value>) -> Result<Value, Answer> {
    let unexpected: Vec<_> =
        given.keys().filter(|key| !declared.iter().any(|input| &input.name == *key)).cloned().collect();
    if !unexpected.is_empty() {
        let list = unexpected.iter().map(|key| format!("\"{key}\"")).collect::<Vec<_>>().join(", ");
        return Err(refusal::error(422, &format!("Unexpected inputs provided: [{list}]")));
    }
    let mut inputs = Map::new();
    for Input { name, required, default, kind, options } in declared {
        match given.get(name).or(default.as_ref()) {
            None if *required => {
                return Err(refusal::error(422, &format!("Required input '{name}' not provided")));
            }
            None => {}
            Some(value) => {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                if kind == "choice" && !options.contains(&text) {
                    let list = options.join(", ");
                    let problem =
                        format!("Provided value '{text}' for input '{name}' not in the list of allowed values: {list}");
                    return Err(refusal::error(422, &problem));
                }
                inputs.insert(name.clone(), if kind == "boolean" { value.clone() } else { json!(text) });
            }
        }
    }
    Ok(Value::Object(inputs))
}
