//! `workflow-inputs` against the server's limits and against what a workflow file declares.
//!
//! Source: <https://docs.github.com/en/rest/actions/workflows#create-a-workflow-dispatch-event>

use serde_json::{Map, Value};

use super::facts::Facts;
use crate::{
    diagnosis::{Cause, Failure},
    github::limits::{OLD_WORKFLOW_INPUTS, WORKFLOW_INPUTS, WORKFLOW_INPUTS_CHARACTERS},
    names::nearest,
    plan::Plan,
    workflow_file::DispatchInput,
};

/// The last version of Enterprise Server that takes [`OLD_WORKFLOW_INPUTS`].
const OLD_SERVER: (u32, u32) = (3, 19);

/// Why the server refuses the inputs whatever the file declares.
pub(super) fn refused_by_server(plan: &Plan, facts: &Facts) -> Option<Failure> {
    let wanted = plan.workflows.as_ref()?;
    let (text, inputs) = (wanted.inputs.text(), wanted.inputs.value());
    let failure =
        |what: String, remedy: &str| Some(Failure::new(Cause::WorkflowInputsRejected, what).with_remedy(remedy));
    // A server that does not tell its version is taken for a new one: it refuses too many inputs by itself.
    let old = facts.server_version.filter(|version| *version <= OLD_SERVER);
    let (limit, server) = match old {
        Some((major, minor)) => (OLD_WORKFLOW_INPUTS, format!("Enterprise Server {major}.{minor}")),
        None => (WORKFLOW_INPUTS, "GitHub".to_owned()),
    };
    if inputs.len() > limit {
        let what = format!("`workflow-inputs` has {} members; {server} takes {limit}.", inputs.len());
        return failure(
            what,
            "Put several values into one input, as a JSON text that the workflow reads with `fromJSON()`.",
        );
    }
    let length = text.chars().count();
    if length > WORKFLOW_INPUTS_CHARACTERS {
        let what = format!("`workflow-inputs` has {length} characters; GitHub takes {WORKFLOW_INPUTS_CHARACTERS}.");
        return failure(what, "Pass a link or the name of an artifact in place of the content.");
    }
    let (name, value) = inputs.iter().find(|(_, value)| value.is_object() || value.is_array() || value.is_null())?;
    let kind = match value {
        Value::Object(_) => "an object",
        Value::Array(_) => "an array",
        _ => "null",
    };
    let what = format!("`workflow-inputs` gives {name} {kind}; an input is a text, a number, true or false.");
    failure(
        what,
        "Write it as a text that holds JSON (`toJSON()`), which the workflow reads with `fromJSON()`, or leave it out.",
    )
}

/// What the file would refuse of the inputs.
pub(super) fn mismatch(file: &str, declared: &[DispatchInput], given: &Map<String, Value>) -> Option<String> {
    let unknown: Vec<&str> =
        given.keys().map(String::as_str).filter(|name| !declared.iter().any(|input| input.name == *name)).collect();
    if let Some(first) = unknown.first() {
        // A name that is given already cannot be the one that was meant.
        let free = declared.iter().map(|input| input.name.as_str()).filter(|name| !given.contains_key(*name));
        let meant = nearest(first, free).map(|name| format!(" Did you mean {name}?")).unwrap_or_default();
        return Some(format!("{file} declares no input {}.{meant}", unknown.join(", ")));
    }
    declared.iter().find_map(|input| one(file, input, given.get(&input.name)))
}

/// What the file would refuse of one input that it declares.
fn one(file: &str, input: &DispatchInput, given: Option<&Value>) -> Option<String> {
    let DispatchInput { name, required, has_default, kind, .. } = input;
    let Some(value) = given else {
        let lacks = *required && !has_default;
        return lacks.then(|| format!("{file} requires the input {name}, which `workflow-inputs` lacks."));
    };
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    // A value with a placeholder is filled in later.
    if text.contains('{') {
        return None;
    }
    if *required && text.is_empty() {
        return Some(format!("{file} requires the input {name}, which `workflow-inputs` gives empty."));
    }
    match kind.as_str() {
        // GitHub holds a boolean to its two words, as a choice of them.
        "boolean" if !["true", "false"].contains(&text.as_str()) => {
            Some(format!("{file} takes for {name} true or false; not {text:?}."))
        }
        "number" if text.trim().parse::<f64>().is_err() => {
            Some(format!("{file} takes for {name} a number; not {text:?}."))
        }
        "choice" if !input.options.contains(&text) => {
            Some(format!("{file} takes for {name} one of: {}; not {text:?}.", input.options.join(", ")))
        }
        _ => None,
    }
}
