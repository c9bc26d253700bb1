//! Holds a log to GitHub's own OpenAPI description: an emulator that only its author has read proves nothing.
//!
//! The description (`openapi.json` beside this crate's manifest) is cut from the npm package `@octokit/openapi` (MIT) by
//! `script/openapi`, which lists the operations.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use jsonschema::{Draft, Validator};
use percent_encoding::percent_decode_str;
use regex::Regex;
use serde_json::{Map, Value, json};

use crate::log::{Entry, Log};

/// Whose fault a violation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The program under test asked what GitHub does not know.
    Request,
    /// The emulator answered what GitHub would not.
    Answer,
}

/// Something that GitHub's description does not allow.
#[derive(Clone, Debug)]
pub struct Violation {
    /// Whose fault it is.
    pub side: Side,
    /// `METHOD path -> status`
    pub exchange: String,
    /// What is wrong, and where in the JSON.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} of {}: {}", self.side, self.exchange, self.what)
    }
}

/// A call of the description.
struct Operation {
    method: String,
    template: String,
    path: Regex,
    description: Value,
}

static OPERATIONS: LazyLock<Vec<Operation>> = LazyLock::new(|| {
    let mut description: Value = serde_json::from_str(include_str!("../openapi.json")).unwrap_or_default();
    spell_out_null(&mut description);
    let empty = Map::new();
    let mut operations = Vec::new();
    for (template, methods) in description["paths"].as_object().unwrap_or(&empty) {
        for (method, description) in methods.as_object().unwrap_or(&empty) {
            if let (Ok(path), true) = (path_expression(template), description["responses"].is_object()) {
                let (method, template) = (method.to_uppercase(), template.clone());
                operations.push(Operation { method, template, path, description: description.clone() });
            }
        }
    }
    // The most literal template is tried first: `/secrets/public-key` before `/secrets/{secret_name}`,
    // `/branches/{branch}/protection` before `/branches/{branch}`.
    operations.sort_by_key(|operation| {
        let template = &operation.template;
        (template.matches('{').count(), std::cmp::Reverse(template.len()))
    });
    operations
});

/// What stands for a template; names of refs and paths may hold slashes.
fn path_expression(template: &str) -> Result<Regex, regex::Error> {
    let parts = template.split('/').map(|part| match part {
        "{ref}" | "{branch}" | "{tag}" => ".+".to_owned(),
        "{path}" => ".*".to_owned(),
        variable if variable.starts_with('{') => "[^/]+".to_owned(),
        literal => regex::escape(literal),
    });
    Regex::new(&format!("^{}$", parts.collect::<Vec<_>>().join("/")))
}

/// `nullable: true` of `OpenAPI` 3.0 in the words of JSON Schema.
fn spell_out_null(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(spell_out_null),
        Value::Object(table) => {
            table.values_mut().for_each(spell_out_null);
            if table.get("nullable") == Some(&Value::Bool(true)) {
                table.remove("nullable");
                let bare = Value::Object(std::mem::take(table));
                *schema = json!({"anyOf": [bare, {"type": "null"}]});
            }
        }
        _ => {}
    }
}

/// Everything in the log that GitHub's description does not allow. Answers that a fault made are not judged.
pub fn check(log: &Log) -> Vec<Violation> {
    let mut violations = Vec::new();
    for entry in log.rest() {
        let status = entry.status.map_or_else(|| "cut".to_owned(), |status| status.to_string());
        let exchange = format!("{} {} -> {status}", entry.method, entry.path);
        let mut note = |side, what| violations.push(Violation { side, exchange: exchange.clone(), what });
        let Some(operation) = find(entry) else {
            note(Side::Request, "no such call in the description".to_owned());
            continue;
        };
        for what in judge_request(operation, entry) {
            note(Side::Request, what);
        }
        let harmless = |fault: &String| ["delay", "race", "farewell"].iter().any(|kind| fault.starts_with(kind));
        if entry.faults.iter().all(harmless) {
            for what in judge_answer(operation, entry) {
                note(Side::Answer, what);
            }
        }
    }
    violations
}

fn find(entry: &Entry) -> Option<&'static Operation> {
    let path = entry.bare_path().strip_prefix("/api/v3")?;
    // Where redirects of renamed repositories lead; the description speaks of the named address alone.
    let path = match path.strip_prefix("/repositories/").map(|rest| rest.split_once('/').unwrap_or((rest, ""))) {
        Some((_, rest)) => format!("/repos/o/r/{rest}").trim_end_matches('/').to_owned(),
        None => path.to_owned(),
    };
    OPERATIONS.iter().find(|operation| operation.method == entry.method && operation.path.is_match(&path))
}

fn judge_request(operation: &Operation, entry: &Entry) -> Vec<String> {
    let mut problems = Vec::new();
    let parameters = operation.description["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
    for pair in entry.path.split_once('?').map(|(_, query)| query).unwrap_or_default().split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let known = parameters.iter().find(|parameter| parameter["in"] == "query" && parameter["name"] == name);
        match known {
            _ if pair.is_empty() => {}
            None => problems.push(format!("unknown query parameter {name}")),
            Some(parameter) => {
                let text = percent_decode_str(value).decode_utf8_lossy().into_owned();
                let value = match parameter["schema"]["type"].as_str() {
                    Some("integer") => text.parse::<i64>().map_or(json!(text), |number| json!(number)),
                    Some("boolean") => text.parse::<bool>().map_or(json!(text), |truth| json!(truth)),
                    _ => json!(text),
                };
                let place = format!("{} {} ?{name}", operation.method, operation.template);
                // NOTE: `created` has the format `date-time` there, and takes the search syntax of dates all the same:
                // https://docs.github.com/en/rest/actions/workflow-runs#list-workflow-runs-for-a-repository
                let mut schema = parameter["schema"].clone();
                schema.as_object_mut().map(|schema| schema.remove("format"));
                problems.extend(validate(&place, &schema, &value));
            }
        }
    }
    let body = &operation.description["requestBody"];
    let schema = &body["content"]["application/json"]["schema"];
    match &entry.request {
        Some(given) if schema.is_object() => {
            problems.extend(validate(&format!("{} {} request", operation.method, operation.template), schema, given));
        }
        Some(_) => problems.push("a body where none is expected".to_owned()),
        None if body["required"] == json!(true) => problems.push("the body is missing or no JSON".to_owned()),
        None => {}
    }
    problems
}

fn judge_answer(operation: &Operation, entry: &Entry) -> Vec<String> {
    let Some(status) = entry.status.filter(|status| *status != 304) else { return Vec::new() };
    let described = &operation.description["responses"][status.to_string()];
    let content = &described["content"];
    let schema = &content["application/json"]["schema"];
    match (&entry.answer, schema.is_object()) {
        (Some(answer), _) if matches!(status, 301 | 307) => validate("redirect", &redirect(), answer),
        (Some(answer), true) => {
            let place = format!("{} {} {status}", operation.method, operation.template);
            // NOTE: an Enterprise Server may give the id of a key as a number, whatever its description says:
            // https://github.com/google/go-github/blob/master/github/actions_secrets.go
            let mut answer = answer.clone();
            give_old_runs_a_path(&mut answer);
            if let Some(number) = answer.get("key_id").and_then(Value::as_u64) {
                answer["key_id"] = json!(number.to_string());
            }
            validate(&place, schema, &answer)
        }
        (None, true) => vec!["the body is missing or no JSON".to_owned()],
        (Some(answer), false) if status >= 300 => validate("error", &basic_error(), answer),
        (Some(_), false) if !described.is_null() => vec!["a body where none is described".to_owned()],
        (_, false) if described.is_null() => vec![format!("status {status} is not described")],
        (_, false) => Vec::new(),
    }
}

/// NOTE: the description demands `path`, and runs of 2020 and 2021 have none.
fn give_old_runs_a_path(answer: &mut Value) {
    let runs = match answer.get_mut("workflow_runs") {
        Some(Value::Array(runs)) => runs.iter_mut().collect(),
        _ => vec![answer],
    };
    let is_old = |run: &&mut Value| run["created_at"].as_str().is_some_and(|at| at < "2022");
    for run in runs.into_iter().filter(|run| run["workflow_id"].is_u64()).filter(is_old) {
        if run["path"].is_null() {
            run["path"] = json!("");
        }
    }
}

/// Failures that the description leaves out, or whose body it does not show (401, 403, 422 of many calls), have GitHub's
/// usual error.
fn basic_error() -> Value {
    let text = json!({"type": "string"});
    json!({"type": "object", "required": ["message", "status"],
           "properties": {"message": text, "status": text, "documentation_url": text, "url": text}})
}

/// What stands beside the new address of a repository that was renamed; of most calls the description leaves it out.
///
/// <https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#follow-redirects>
fn redirect() -> Value {
    let text = json!({"type": "string"});
    json!({"type": "object", "required": ["message", "url", "documentation_url"],
           "properties": {"message": text, "documentation_url": text, "url": text}})
}

type Validators = Mutex<HashMap<String, Arc<Validator>>>;

fn validate(place: &str, schema: &Value, instance: &Value) -> Vec<String> {
    static VALIDATORS: LazyLock<Validators> = LazyLock::new(Validators::default);
    let mut validators = VALIDATORS.lock().unwrap_or_else(PoisonError::into_inner);
    let validator = if let Some(known) = validators.get(place) {
        known.clone()
    } else {
        let options = jsonschema::options().with_draft(Draft::Draft7).should_validate_formats(true);
        match options.build(schema) {
            Ok(built) => validators.entry(place.to_owned()).or_insert(Arc::new(built)).clone(),
            Err(error) => return vec![format!("the schema of {place} cannot be used: {error}")],
        }
    };
    drop(validators);
    validator
        .iter_errors(instance)
        .map(|error| {
            let text: String = error.to_string().chars().take(600).collect();
            format!("at {:?}: {text}", error.instance_path().to_string())
        })
        .collect()
}
