//! The GraphQL face, `POST /api/graphql`: who calls, a repository with its pull requests, and the three mutations that merge.
//!
//! <https://docs.github.com/en/graphql/reference/mutations#enablepullrequestautomerge>

use serde_json::{Map, Value, json};

use super::{
    Call, Handled, pulls as rest,
    query::{self, Field},
    refusal,
};
use crate::{
    access::{self, Refusal},
    answer::Answer,
    model::{AutoMerge, Level, MergeMethod, PullRequest, Repository, Token, TokenKind},
    pulls::{self, Message},
};

/// An error: its type and its message.
type Failure = (&'static str, String);

/// Answers a request.
pub(super) fn answer(call: &mut Call<'_>) -> Handled {
    if call.method != "POST" {
        return Err(refusal::not_found());
    }
    if call.token.is_none() {
        return Err(refusal::error(401, "This endpoint requires you to be authenticated."));
    }
    let text = call.body["query"].as_str().unwrap_or_default();
    let Some(operation) = query::read(text, &call.body["variables"]) else {
        let error =
            json!({"message": "Parse error: the document cannot be read", "locations": [{"line": 1, "column": 1}]});
        return Ok(Answer::json(200, &json!({"errors": [error]})));
    };
    let (mut data, mut errors) = (Map::new(), Vec::new());
    for field in &operation.fields {
        let found = if operation.mutates { mutation(call, field) } else { query(call, field) };
        let found = found.and_then(|value| project(&value, &field.fields, &field.name));
        let value = found.unwrap_or_else(|(kind, message)| {
            let mut error = json!({"path": [field.alias], "locations": [{"line": 1, "column": 1}], "message": message});
            if !kind.is_empty() {
                error["type"] = json!(kind);
            }
            errors.push(error);
            Value::Null
        });
        data.insert(field.alias.clone(), value);
    }
    let mut body = json!({"data": data});
    if !errors.is_empty() {
        body["errors"] = Value::Array(errors);
    }
    Ok(Answer::json(200, &body))
}

/// The fields that are asked for out of all that there are.
fn project(value: &Value, fields: &[Field], parent: &str) -> Result<Value, Failure> {
    match value {
        Value::Array(items) => {
            let items: Result<Vec<_>, _> = items.iter().map(|item| project(item, fields, parent)).collect();
            items.map(Value::Array)
        }
        Value::Object(table) => {
            let mut chosen = Map::new();
            for field in fields {
                let found = table.get(&field.name).ok_or_else(|| {
                    let of = table.get("__typename").and_then(Value::as_str).unwrap_or(parent);
                    ("", format!("Field '{}' doesn't exist on type '{of}'", field.name))
                })?;
                chosen.insert(field.alias.clone(), project(found, &field.fields, &field.name)?);
            }
            Ok(Value::Object(chosen))
        }
        plain => Ok(plain.clone()),
    }
}

fn query(call: &mut Call<'_>, field: &Field) -> Result<Value, Failure> {
    match field.name.as_str() {
        "viewer" => {
            let login = call.token.as_ref().map_or("", |token| &token.login);
            let account = call.model.find_account(login);
            let id = format!("U_{}", account.id);
            Ok(json!({"__typename": "User", "login": account.login, "id": id, "databaseId": account.id}))
        }
        "repository" => repository(call, field),
        other => Err(("", format!("Field '{other}' doesn't exist on type 'Query'"))),
    }
}

fn repository(call: &Call<'_>, field: &Field) -> Result<Value, Failure> {
    let text = |name: &str| field.arguments.get(name).and_then(Value::as_str).unwrap_or_default();
    let slug = format!("{}/{}", text("owner"), text("name"));
    let unknown = || ("NOT_FOUND", format!("Could not resolve to a Repository with the name '{slug}'."));
    let repository = call.model.find(&slug).filter(|found| found.wiki_of.is_none()).ok_or_else(unknown)?;
    access::check(call.model, call.token.as_ref(), repository, "metadata", Level::Read).map_err(|_| unknown())?;
    let allows = |method| repository.merge_methods.contains(&method);
    let mut body = json!({
        "__typename": "Repository", "id": format!("R_{}", repository.id), "databaseId": repository.id,
        "name": repository.name, "nameWithOwner": repository.slug(), "isPrivate": !repository.is_public(),
        "autoMergeAllowed": repository.allows_auto_merge, "mergeCommitAllowed": allows(MergeMethod::Merge),
        "squashMergeAllowed": allows(MergeMethod::Squash), "rebaseMergeAllowed": allows(MergeMethod::Rebase),
        "defaultBranchRef": {"__typename": "Ref", "name": repository.default_branch},
    });
    if let Some(inner) = field.fields.iter().find(|inner| inner.name == "pullRequest") {
        let number = inner.arguments.get("number").and_then(Value::as_u64);
        let found = repository.pull_requests.iter().find(|pull| Some(pull.number) == number);
        let missing = ("NOT_FOUND", format!("Could not resolve to a PullRequest with the number of {number:?}."));
        body["pullRequest"] = pull_request(call, repository, found.ok_or(missing)?);
    }
    Ok(body)
}

fn pull_request(call: &Call<'_>, repository: &Repository, pull: &PullRequest) -> Value {
    let id = rest::node(repository, pull);
    let state = rest::state(call, repository, pull);
    let stands = match (pull.open, &pull.merged) {
        (true, _) => "OPEN",
        (_, Some(_)) => "MERGED",
        _ => "CLOSED",
    };
    let auto = pull.auto_merge.as_ref().map(|auto| {
        json!({"__typename": "AutoMergeRequest", "mergeMethod": auto.method.as_str().to_uppercase(),
            "enabledBy": {"__typename": "User", "login": auto.by.login}})
    });
    json!({
        "__typename": "PullRequest", "id": format!("PR_{id}"), "databaseId": id, "number": pull.number,
        "title": pull.title, "state": stands, "merged": pull.merged.is_some(), "isDraft": pull.draft,
        "url": format!("{}/{}/pull/{}", call.shared.url(), repository.slug(), pull.number),
        "headRefName": pull.head, "baseRefName": pull.base, "headRefOid": pull.head_sha,
        "mergeStateStatus": state.to_uppercase(), "autoMergeRequest": auto,
        "mergeable": if state == "dirty" { "CONFLICTING" } else { "MERGEABLE" },
        "mergeCommit": pull.merged.as_ref().map(|merged| json!({"__typename": "Commit", "oid": merged.sha})),
    })
}

/// The pull request that a mutation speaks of, when the caller may merge it.
fn wanted(call: &Call<'_>, input: &Value) -> Result<(Repository, PullRequest, Token), Failure> {
    let id = input["pullRequestId"].as_str().unwrap_or_default();
    let unknown = || ("NOT_FOUND", format!("Could not resolve to a node with the global id of '{id}'"));
    let found = call.model.repositories.iter().find_map(|repository| {
        let is_it = |pull: &&PullRequest| format!("PR_{}", rest::node(repository, pull)) == id;
        Some((repository, repository.pull_requests.iter().find(is_it)?))
    });
    let ((repository, pull), token) = found.zip(call.token.clone()).ok_or_else(unknown)?;
    for permission in ["pull_requests", "contents"] {
        match access::check(call.model, Some(&token), repository, permission, Level::Write) {
            Ok(()) => {}
            Err(Refusal::Hidden) => return Err(unknown()),
            Err(Refusal::NotGranted) => {
                let by = if matches!(token.kind, TokenKind::FineGrained(_)) {
                    "personal access token"
                } else {
                    "integration"
                };
                return Err(("FORBIDDEN", format!("Resource not accessible by {by}")));
            }
            Err(_) => {
                let text = format!("{} does not have the correct permissions to execute this mutation", token.login);
                return Err(("FORBIDDEN", text));
            }
        }
    }
    Ok((repository.clone(), pull.clone(), token))
}

fn mutation(call: &mut Call<'_>, field: &Field) -> Result<Value, Failure> {
    let input = field.arguments.get("input").cloned().unwrap_or_default();
    let refused = |text: String| ("UNPROCESSABLE", text);
    let text = |key: &str| input[key].as_str().map(str::to_owned);
    let word = text("mergeMethod").unwrap_or_else(|| "MERGE".to_owned());
    let method =
        MergeMethod::parse(&word).ok_or_else(|| ("", format!("Argument 'mergeMethod' has no value '{word}'")))?;
    let message = Message { title: text("commitHeadline"), body: text("commitBody") };
    let (repository, pull) = match field.name.as_str() {
        "enablePullRequestAutoMerge" => {
            let (repository, pull, token) = wanted(call, &input)?;
            may_wait(call, &repository, &pull, method).map_err(|text| refused(format!("Pull request {text}")))?;
            let auto = AutoMerge { method, by: token, title: message.title, message: message.body };
            change(call, &repository, &pull, Some(&auto));
            (repository, pull)
        }
        "disablePullRequestAutoMerge" => {
            let (repository, pull, _) = wanted(call, &input)?;
            if pull.auto_merge.is_none() {
                return Err(refused("Can't disable auto-merge for this pull request.".to_owned()));
            }
            change(call, &repository, &pull, None);
            (repository, pull)
        }
        "mergePullRequest" => {
            let (repository, pull, _) = wanted(call, &input)?;
            if text("expectedHeadOid").is_some_and(|head| head != pull.head_sha) {
                return Err(refused("Head branch was modified. Review and try the merge again.".to_owned()));
            }
            rest::perform(call, &repository, &pull, method, &message).map_err(refused)?;
            (repository, pull)
        }
        other => return Err(("", format!("Field '{other}' doesn't exist on type 'Mutation'"))),
    };
    let stored =
        call.model.repositories.iter().find(|stored| stored.id == repository.id).cloned().unwrap_or(repository);
    let now = stored.pull_requests.iter().find(|one| one.number == pull.number).unwrap_or(&pull);
    Ok(json!({"__typename": "Payload", "clientMutationId": input["clientMutationId"],
        "pullRequest": pull_request(call, &stored, now)}))
}

/// Whether auto-merge can be switched on, or why not.
fn may_wait(call: &Call<'_>, repository: &Repository, pull: &PullRequest, method: MergeMethod) -> Result<(), String> {
    if !repository.allows_auto_merge {
        return Err("Auto merge is not allowed for this repository".to_owned());
    }
    if !pulls::is_protected(repository, &pull.base) {
        return Err("Protected branch rules not configured for this branch".to_owned());
    }
    if !repository.merge_methods.contains(&method) {
        return Err(format!("Merge method {} merging is not allowed on this repository", method.as_str()));
    }
    match rest::state(call, repository, pull) {
        "blocked" | "dirty" => Ok(()),
        other => Err(format!("Pull request is in {other} status")),
    }
}

fn change(call: &mut Call<'_>, repository: &Repository, pull: &PullRequest, auto: Option<&AutoMerge>) {
    let stored = call.model.repositories.iter_mut().find(|stored| stored.id == repository.id);
    for stored in stored.into_iter().flat_map(|stored| &mut stored.pull_requests) {
        if stored.number == pull.number {
            stored.auto_merge = auto.cloned();
        }
    }
}
