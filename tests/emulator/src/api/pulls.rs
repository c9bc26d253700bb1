//! Pull requests over REST.
//!
//! <https://docs.github.com/en/rest/pulls/pulls>

use serde_json::{Value, json};

use super::{Call, Handled, refusal, repository::open, resources};
use crate::{
    answer::Answer,
    git::inspect,
    model::{Level, MergeMethod, PullRequest, Repository, Token, TokenKind, stable_id, timestamp},
    pulls::{self, Message, Obstacle},
    workflows,
};

/// The number in `id` and `node_id`.
pub(super) fn node(repository: &Repository, pull: &PullRequest) -> u64 {
    stable_id(&format!("{} pull {}", repository.id, pull.number))
}

/// `clean`, `blocked`, `dirty`, `draft`, or `unknown` of a closed one; as seen by the caller.
pub(super) fn state(call: &Call<'_>, repository: &Repository, pull: &PullRequest) -> &'static str {
    let Some(token) = &call.token else { return "unknown" };
    let ways = MergeMethod::ALL.into_iter().filter(|method| repository.merge_methods.contains(method));
    let mut found = "unknown";
    for method in ways {
        let proposed = pulls::propose(call.shared, call.model, repository, pull, token, (method, &Message::default()));
        match proposed {
            Ok(_) => return "clean",
            Err(Obstacle::Closed | Obstacle::Method(_)) => {}
            Err(Obstacle::Draft) => found = "draft",
            Err(Obstacle::Conflict) => found = "dirty",
            Err(Obstacle::Rules(_)) => return "blocked",
        }
    }
    found
}

/// A pull request as lists show it.
fn simple(call: &Call<'_>, repository: &Repository, pull: &PullRequest) -> Value {
    let (slug, number, id) = (repository.slug(), pull.number, node(repository, pull));
    let (api, web) = (format!("{}/repos/{slug}", call.api()), format!("{}/{slug}", call.shared.url()));
    let (url, html) = (format!("{api}/pulls/{number}"), format!("{web}/pull/{number}"));
    let issue = format!("{api}/issues/{number}");
    let base_sha = open(repository).ok().and_then(|bare| pulls::tip(&bare, &pull.base)).map(|id| id.to_string());
    let end = |branch: &str, sha: &str| {
        json!({"label": format!("{}:{branch}", repository.owner), "ref": branch, "sha": sha,
            "user": resources::account(call, &repository.owner), "repo": resources::full(call, repository)})
    };
    let statuses = format!("{api}/statuses/{}", pull.head_sha);
    let updated = pull.closed_at.unwrap_or(pull.created_at);
    let auto = pull.auto_merge.as_ref().map(|auto| {
        json!({"enabled_by": resources::account(call, &auto.by.login), "merge_method": auto.method.as_str(),
            "commit_title": auto.title.clone().unwrap_or_default(),
            "commit_message": auto.message.clone().unwrap_or_default()})
    });
    let href = |address: &str| json!({"href": address});
    let member = repository.role(&pull.author) >= Some(crate::model::Role::Write);
    let mut body = json!({
        "id": id, "node_id": format!("PR_{id}"), "number": number, "url": url, "html_url": html,
        "diff_url": format!("{html}.diff"), "patch_url": format!("{html}.patch"), "issue_url": issue,
        "commits_url": format!("{url}/commits"), "review_comments_url": format!("{url}/comments"),
        "review_comment_url": format!("{api}/pulls/comments{{/number}}"), "comments_url": format!("{issue}/comments"),
        "statuses_url": statuses, "state": if pull.open { "open" } else { "closed" }, "locked": false,
        "title": pull.title, "user": resources::account(call, &pull.author), "body": pull.body, "labels": [],
        "milestone": null, "active_lock_reason": null, "created_at": timestamp(pull.created_at),
        "updated_at": timestamp(updated), "closed_at": pull.closed_at.map(timestamp),
        "merged_at": pull.merged.as_ref().map(|merged| timestamp(merged.at)),
        "assignee": null, "assignees": [], "requested_reviewers": [], "requested_teams": [],
        "head": end(&pull.head, &pull.head_sha), "base": end(&pull.base, &base_sha.unwrap_or_default()),
        "_links": {
            "self": href(&url), "html": href(&html), "issue": href(&issue), "statuses": href(&statuses),
            "comments": href(&format!("{issue}/comments")), "commits": href(&format!("{url}/commits")),
            "review_comments": href(&format!("{url}/comments")),
            "review_comment": href(&format!("{api}/pulls/comments{{/number}}")),
        },
        "author_association": if member { "COLLABORATOR" } else { "NONE" }, "auto_merge": auto, "draft": pull.draft,
    });
    body["merge_commit_sha"] = json!(pull.merged.as_ref().map(|merged| merged.sha.clone()));
    body
}

/// A pull request as it is shown alone.
fn full(call: &Call<'_>, repository: &Repository, pull: &PullRequest) -> Value {
    let mut body = simple(call, repository, pull);
    let state = state(call, repository, pull);
    let commits = open(repository).ok().and_then(|bare| {
        let base = pulls::tip(&bare, &pull.base)?.to_string();
        Some(inspect::commits_between(&bare, &base, &pull.head_sha).len())
    });
    let more = json!({
        "merged": pull.merged.is_some(), "mergeable": pull.open.then_some(state != "dirty"), "rebaseable": null,
        "mergeable_state": state,
        "merged_by": pull.merged.as_ref().map(|merged| resources::account(call, &merged.by)), "comments": 0,
        "review_comments": 0, "maintainer_can_modify": false, "commits": commits.unwrap_or_default(), "additions": 0,
        "deletions": 0, "changed_files": 0,
    });
    if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
        body.extend(more);
    }
    body
}

fn find<'a>(repository: &'a Repository, number: &str) -> Result<&'a PullRequest, Answer> {
    let found = repository.pull_requests.iter().find(|pull| pull.number.to_string() == number);
    found.ok_or_else(refusal::not_found)
}

/// `GET /repos/{owner}/{repo}/pulls`
pub(super) fn list(call: &mut Call<'_>, owner: &str, name: &str) -> Handled {
    let repository = call.repository(owner, name, "pull_requests", Level::Read)?;
    let state = call.query("state").unwrap_or("open");
    // A head without an owner is passed over, as GitHub does.
    let head = call.query("head").and_then(|head| head.split_once(':'));
    let wanted = |pull: &&PullRequest| {
        let fits = head.is_none_or(|(by, head)| by.eq_ignore_ascii_case(&repository.owner) && head == pull.head);
        (state == "all" || (state == "open") == pull.open)
            && fits
            && call.query("base").is_none_or(|base| base == pull.base)
    };
    let mut found: Vec<_> = repository.pull_requests.iter().filter(wanted).collect();
    if call.query("direction") != Some("asc") {
        found.reverse();
    }
    let all: Vec<_> = found.into_iter().map(|pull| simple(call, &repository, pull)).collect();
    let (page, link) = super::runs::page(call, &all)?;
    let answer = Answer::json(200, &Value::Array(page));
    Ok(link.into_iter().fold(answer, |answer, link| answer.header("link", link)))
}

/// `GET /repos/{owner}/{repo}/pulls/{pull_number}`
pub(super) fn get(call: &mut Call<'_>, owner: &str, name: &str, number: &str) -> Handled {
    let repository = call.repository(owner, name, "pull_requests", Level::Read)?;
    let pull = find(&repository, number)?;
    Ok(Answer::json(200, &full(call, &repository, pull)))
}

fn invalid(field: &str) -> Answer {
    failed(&json!({"resource": "PullRequest", "field": field, "code": "invalid"}))
}

fn custom(message: &str) -> Answer {
    failed(&json!({"resource": "PullRequest", "code": "custom", "message": message}))
}

fn failed(error: &Value) -> Answer {
    let docs = "https://docs.github.com/rest/pulls/pulls#create-a-pull-request";
    let body = json!({"message": "Validation Failed", "errors": [error], "documentation_url": docs, "status": "422"});
    Answer::json(422, &body)
}

/// `POST /repos/{owner}/{repo}/pulls`
pub(super) fn create(call: &mut Call<'_>, owner: &str, name: &str) -> Handled {
    let repository = call.repository(owner, name, "pull_requests", Level::Write)?;
    let Some(token) = call.token.clone() else { return Err(refusal::not_found()) };
    if matches!(token.kind, TokenKind::GithubToken(_)) && !repository.actions_may_propose {
        let text = "GitHub Actions is not permitted to create or approve pull requests.";
        return Err(refusal::error(403, text));
    }
    let text = |key: &str| call.body[key].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let Some(title) = text("title") else {
        return Err(failed(&json!({"resource": "PullRequest", "code": "missing_field", "field": "title"})));
    };
    let (head, base) = (text("head").unwrap_or_default(), text("base").unwrap_or_default());
    let head = match head.split_once(':') {
        Some((by, branch)) if by.eq_ignore_ascii_case(&repository.owner) => branch.to_owned(),
        Some(_) => return Err(invalid("head")),
        None => head,
    };
    let bare = open(&repository)?;
    let old = pulls::tip(&bare, &base).ok_or_else(|| invalid("base"))?;
    let new = pulls::tip(&bare, &head).ok_or_else(|| invalid("head"))?;
    if repository.pull_requests.iter().any(|pull| pull.open && pull.head == head && pull.base == base) {
        let text = format!("A pull request already exists for {}:{head}.", repository.owner);
        return Err(custom(&text));
    }
    if inspect::commits_between(&bare, &old.to_string(), &new.to_string()).is_empty() {
        return Err(custom(&format!("No commits between {base} and {head}")));
    }
    if bare.merge_base(old, new).is_err() {
        return Err(custom(&format!("The {head} branch has no history in common with {base}")));
    }
    let mut pull = PullRequest::new(repository.next_number(), &head, &base, &title, &token.login);
    pull.body = text("body");
    pull.head_sha = new.to_string();
    pull.draft = call.body["draft"] == json!(true);
    pull.created_at = call.model.now();
    call.stored(repository.id)?.pull_requests.push(pull.clone());
    workflows::proposed(call.shared, call.model, repository.id, &token, &pull, "opened");
    let repository = call.stored(repository.id)?.clone();
    Ok(Answer::json(201, &full(call, &repository, &pull)))
}

/// `PATCH /repos/{owner}/{repo}/pulls/{pull_number}`
pub(super) fn update(call: &mut Call<'_>, owner: &str, name: &str, number: &str) -> Handled {
    let repository = call.repository(owner, name, "pull_requests", Level::Write)?;
    let Some(token) = call.token.clone() else { return Err(refusal::not_found()) };
    let before = find(&repository, number)?.clone();
    let bare = open(&repository)?;
    let text = |key: &str| call.body[key].as_str().map(str::to_owned);
    let mut pull = before.clone();
    pull.title = text("title").unwrap_or(pull.title);
    pull.body = text("body").or(pull.body);
    if let Some(base) = text("base") {
        pulls::tip(&bare, &base).ok_or_else(|| invalid("base"))?;
        pull.base = base;
    }
    match text("state").as_deref() {
        Some("closed") if pull.open => {
            pull.open = false;
            pull.closed_at = Some(call.model.now());
            pull.auto_merge = None;
        }
        Some("open") if !pull.open => {
            let gone = pull.merged.is_some() || pulls::tip(&bare, &pull.head).is_none();
            let twin = repository.pull_requests.iter().any(|other| other.open && other.head == pull.head);
            if gone || twin {
                return Err(failed(&json!({"resource": "PullRequest", "field": "state", "code": "invalid"})));
            }
            pull.open = true;
            pull.closed_at = None;
        }
        _ => {}
    }
    let reopened = pull.open && !before.open;
    for stored in &mut call.stored(repository.id)?.pull_requests {
        if stored.number == pull.number {
            stored.clone_from(&pull);
        }
    }
    if reopened {
        workflows::proposed(call.shared, call.model, repository.id, &token, &pull, "reopened");
    }
    Ok(Answer::json(200, &full(call, &repository, &pull)))
}

/// The sentence for an obstacle.
pub(super) fn words(obstacle: &Obstacle) -> String {
    match obstacle {
        Obstacle::Closed | Obstacle::Conflict => "Pull Request is not mergeable".to_owned(),
        Obstacle::Draft => "Pull Request is still a draft".to_owned(),
        Obstacle::Method(MergeMethod::Merge) => "Merge commits are not allowed on this repository.".to_owned(),
        Obstacle::Method(MergeMethod::Squash) => "Squash merges are not allowed on this repository.".to_owned(),
        Obstacle::Method(MergeMethod::Rebase) => "Rebase merges are not allowed on this repository.".to_owned(),
        Obstacle::Rules(rules) => format!("Repository rule violations found\n\n{}\n\n", rules.join("\n\n")),
    }
}

/// `PUT /repos/{owner}/{repo}/pulls/{pull_number}/merge`
pub(super) fn merge(call: &mut Call<'_>, owner: &str, name: &str, number: &str) -> Handled {
    let repository = call.repository(owner, name, "contents", Level::Write)?;
    let pull = find(&repository, number)?.clone();
    if call.body["sha"].as_str().is_some_and(|sha| sha != pull.head_sha) {
        return Err(refusal::error(409, "Head branch was modified. Review and try the merge again."));
    }
    let word = call.body["merge_method"].as_str().unwrap_or("merge");
    let method = MergeMethod::parse(word).ok_or_else(|| invalid("merge_method"))?;
    let text = |key: &str| call.body[key].as_str().map(str::to_owned);
    let message = Message { title: text("commit_title"), body: text("commit_message") };
    let sha = perform(call, &repository, &pull, method, &message).map_err(|refused| refusal::error(405, &refused))?;
    Ok(Answer::json(200, &json!({"sha": sha, "merged": true, "message": "Pull Request successfully merged"})))
}

/// Merges, or says why not.
pub(super) fn perform(
    call: &mut Call<'_>,
    repository: &Repository,
    pull: &PullRequest,
    method: MergeMethod,
    message: &Message,
) -> Result<String, String> {
    let token: Token = call.token.clone().ok_or("Requires authentication")?;
    let proposal = pulls::propose(call.shared, call.model, repository, pull, &token, (method, message))
        .map_err(|obstacle| words(&obstacle))?;
    pulls::carry_out(call.shared, call.model, repository.id, pull.number, &token, proposal)
        .map_err(|error| error.message().to_owned())
}
