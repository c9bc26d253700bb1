//! Git's objects over REST: commits, trees, blobs, annotated tags.
//!
//! <https://docs.github.com/en/rest/git>

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, FixedOffset};
use git2::{ObjectType, Oid, Signature, Time};
use serde_json::{Value, json};

use super::{
    Call, Handled,
    refs::open_filled,
    refusal,
    repository::{commit as show_commit, commit_named, signature, verification},
};
use crate::{
    answer::Answer,
    model::{Level, Repository},
    pulls::signed_commit,
    signatures::{self, GITHUB},
};

pub(super) fn id(text: &str) -> Result<Oid, Answer> {
    let whole = Some(text).filter(|text| text.len() == 40).and_then(|text| Oid::from_str(text).ok());
    whole.ok_or_else(|| {
        refusal::error(422, "The sha parameter must be exactly 40 characters and contain only [0-9a-f].")
    })
}

/// Name, address and time of a person in a request; without them the server's own, now.
fn person(call: &Call<'_>, given: &Value) -> Result<Signature<'static>, Answer> {
    let text = |key: &str, default: &str| given[key].as_str().unwrap_or(default).to_owned();
    let now = call.model.now().fixed_offset();
    let at: DateTime<FixedOffset> = match given["date"].as_str() {
        Some(date) => DateTime::parse_from_rfc3339(date).map_err(|_| refusal::error(422, "Invalid request."))?,
        None => now,
    };
    let login = call.token.as_ref().map_or("ghost", |token| &token.login);
    let address = signatures::noreply(call.model, login);
    let time = Time::new(at.timestamp(), at.offset().local_minus_utc() / 60);
    Signature::new(&text("name", login), &text("email", &address), &time)
        .map_err(|error| refusal::error(422, error.message()))
}

/// `GET /repos/{owner}/{repo}/commits/{ref}`
pub(super) fn commit_of_ref(call: &mut Call<'_>, owner: &str, name: &str, wanted: &str) -> Handled {
    let repository = call.repository(owner, name, "contents", Level::Read)?;
    let bare = open_filled(&repository)?;
    let commit = commit_named(&bare, wanted)
        .ok_or_else(|| refusal::error(422, &format!("No commit found for SHA: {wanted}")))?;
    let mut body = show_commit(call, &repository, &commit);
    body["stats"] = json!({"total": 0, "additions": 0, "deletions": 0});
    body["files"] = json!([]);
    Ok(Answer::json(200, &body))
}

fn git_commit(call: &Call<'_>, repository: &Repository, commit: &git2::Commit<'_>) -> Value {
    let (id, slug) = (commit.id(), repository.slug());
    let (url, web) = (format!("{}/repos/{slug}/git", call.api()), format!("{}/{slug}/commit", call.shared.url()));
    let parents = commit.parent_ids().map(|parent| {
        json!({"sha": parent.to_string(), "url": format!("{url}/commits/{parent}"), "html_url": format!("{web}/{parent}")})
    });
    json!({
        "sha": id.to_string(), "node_id": format!("C_{id}"), "url": format!("{url}/commits/{id}"),
        "html_url": format!("{web}/{id}"), "author": signature(&commit.author()),
        "committer": signature(&commit.committer()),
        "message": String::from_utf8_lossy(commit.message_bytes()).trim_end(),
        "tree": {"sha": commit.tree_id().to_string(), "url": format!("{url}/trees/{}", commit.tree_id())},
        "parents": parents.collect::<Vec<_>>(), "verification": verification(call, commit),
    })
}

/// `GET /repos/{owner}/{repo}/git/commits/{commit_sha}`
pub(super) fn commit(call: &mut Call<'_>, owner: &str, name: &str, sha: &str) -> Handled {
    let repository = call.repository(owner, name, "contents", Level::Read)?;
    let bare = open_filled(&repository)?;
    let commit = bare.find_commit(id(sha)?).map_err(|_| refusal::not_found())?;
    Ok(Answer::json(200, &git_commit(call, &repository, &commit)))
}

/// A bot's commit without people and signature of its own is made in the bot's name, and signed by GitHub.
///
/// <https://docs.github.com/en/authentication/managing-commit-signature-verification/about-commit-signature-verification#signature-verification-for-bots>
fn signed_by_github<'a>(
    call: &Call<'_>,
    bare: &'a git2::Repository,
    message: &str,
    tree: Oid,
    parents: &[git2::Commit<'_>],
) -> Result<Option<git2::Commit<'a>>, Answer> {
    let given = ["author", "committer", "signature"].iter().any(|key| !call.body[key].is_null());
    let Some(token) = call.token.as_ref().filter(|token| token.is_bot() && !given) else { return Ok(None) };
    if !call.model.settings.web_commit_signing {
        return Ok(None);
    }
    let time = Time::new(call.model.now().timestamp(), 0);
    let author = Signature::new(&token.login, &signatures::noreply(call.model, &token.login), &time);
    let made = author.and_then(|author| {
        let github = Signature::new(GITHUB.0, GITHUB.1, &time)?;
        bare.find_commit(signed_commit(bare, (&author, &github), message, tree, parents)?)
    });
    made.map(Some).map_err(|error| refusal::error(422, error.message()))
}

/// `POST /repos/{owner}/{repo}/git/commits`
pub(super) fn create_commit(call: &mut Call<'_>, owner: &str, name: &str) -> Handled {
    let repository = call.repository(owner, name, "contents", Level::Write)?;
    let bare = open_filled(&repository)?;
    let tree = bare.find_tree(id(call.body["tree"].as_str().unwrap_or_default())?);
    let tree = tree.map_err(|_| refusal::error(422, "Tree SHA does not exist"))?;
    let mut parents = Vec::new();
    for parent in call.body["parents"].as_array().cloned().unwrap_or_default() {
        let parent = bare.find_commit(id(parent.as_str().unwrap_or_default())?);
        parents.push(parent.map_err(|_| refusal::error(422, "Parent SHA does not exist or is not a commit object"))?);
    }
    let message = call.body["message"].as_str().unwrap_or_default();
    if let Some(made) = signed_by_github(call, &bare, message, tree.id(), &parents)? {
        return Ok(Answer::json(201, &git_commit(call, &repository, &made)));
    }
    let author = person(call, &call.body["author"])?;
    let committer =
        if call.body["committer"].is_object() { person(call, &call.body["committer"])? } else { author.clone() };
    let parents: Vec<_> = parents.iter().collect();
    let made = bare.commit(None, &author, &committer, message, &tree, &parents).and_then(|id| bare.find_commit(id));
    let made = made.map_err(|error| refusal::error(422, error.message()))?;
    Ok(Answer::json(201, &git_commit(call, &repository, &made)))
}

/// `POST /repos/{owner}/{repo}/git/blobs`
pub(super) fn create_blob(call: &mut Call<'_>, owner: &str, name: &str) -> Handled {
    let repository = call.repository(owner, name, "contents", Level::Write)?;
    let bare = open_filled(&repository)?;
    let content = call.body["content"].as_str().unwrap_or_default();
    let bytes = match call.body["encoding"].as_str() {
        Some("base64") => STANDARD.decode(content).map_err(|_| refusal::error(422, "content is not valid Base64"))?,
        _ => content.as_bytes().to_vec(),
    };
    let id = bare.blob(&bytes).map_err(|error| refusal::error(422, error.message()))?.to_string();
    let url = format!("{}/repos/{}/git/blobs/{id}", call.api(), repository.slug());
    Ok(Answer::json(201, &json!({"sha": id, "url": url})))
}

fn tag_object(call: &Call<'_>, repository: &Repository, tag: &git2::Tag<'_>) -> Value {
    let url = format!("{}/repos/{}/git", call.api(), repository.slug());
    let kind = tag.target_type().unwrap_or(ObjectType::Commit).str();
    json!({
        "sha": tag.id().to_string(), "node_id": format!("TA_{}", tag.id()), "url": format!("{url}/tags/{}", tag.id()),
        "tag": String::from_utf8_lossy(tag.name_bytes()),
        "message": String::from_utf8_lossy(tag.message_bytes().unwrap_or_default()).trim_end(),
        "tagger": tag.tagger().map_or_else(|| json!({"name": "", "email": "", "date": ""}), |who| signature(&who)),
        "object": {"sha": tag.target_id().to_string(), "type": kind, "url": format!("{url}/{kind}s/{}", tag.target_id())},
        "verification": {"verified": false, "reason": "unsigned", "signature": null, "payload": null, "verified_at": null},
    })
}

/// `GET /repos/{owner}/{repo}/git/tags/{tag_sha}`
pub(super) fn tag(call: &mut Call<'_>, owner: &str, name: &str, sha: &str) -> Handled {
    let repository = call.repository(owner, name, "contents", Level::Read)?;
    let bare = open_filled(&repository)?;
    let tag = bare.find_tag(id(sha)?).map_err(|_| refusal::not_found())?;
    Ok(Answer::json(200, &tag_object(call, &repository, &tag)))
}

/// `POST /repos/{owner}/{repo}/git/tags`: the object alone, no reference.
pub(super) fn create_tag(call: &mut Call<'_>, owner: &str, name: &str) -> Handled {
    let repository = call.repository(owner, name, "contents", Level::Write)?;
    let bare = open_filled(&repository)?;
    let target = bare.find_object(id(call.body["object"].as_str().unwrap_or_default())?, None);
    let target = target.map_err(|_| refusal::error(422, "Object does not exist"))?;
    let tagger = person(call, &call.body["tagger"])?;
    let text = |key: &str| call.body[key].as_str().unwrap_or_default();
    let made = bare.tag_annotation_create(text("tag"), &target, &tagger, text("message"));
    let made = made.and_then(|id| bare.find_tag(id)).map_err(|error| refusal::error(422, error.message()))?;
    Ok(Answer::json(201, &tag_object(call, &repository, &made)))
}
