//! References: read, made, moved and deleted over REST, under the same rules as a push.
//!
//! <https://docs.github.com/en/rest/git/refs>

use git2::{Oid, Reference};
use serde_json::{Value, json};

use super::{Call, Handled, refusal, repository::open};
use crate::{
    answer::Answer,
    git::rules::{self, Surroundings},
    log::Update,
    model::{Level, Repository},
    workflows,
};

const ZERO: &str = "0000000000000000000000000000000000000000";

/// A reference as the API shows it.
fn object(call: &Call<'_>, repository: &Repository, bare: &git2::Repository, reference: &Reference<'_>) -> Value {
    let name = String::from_utf8_lossy(reference.name_bytes()).into_owned();
    let id = reference.target().unwrap_or(Oid::ZERO_SHA1);
    let kind = bare.find_object(id, None).ok().and_then(|object| object.kind()).map_or("commit", |kind| kind.str());
    let url = format!("{}/repos/{}/git", call.api(), repository.slug());
    json!({
        "ref": name, "node_id": format!("REF_{}_{name}", repository.id), "url": format!("{url}/{name}"),
        "object": {"type": kind, "sha": id.to_string(), "url": format!("{url}/{kind}s/{id}")},
    })
}

/// Whether no ref stands in it. (libgit2's own `is_empty` asks about HEAD's name too.)
pub(super) fn is_empty(bare: &git2::Repository) -> bool {
    bare.references().map_or(0, Iterator::count) == 0
}

/// Opens the bare repository unless nothing is in it.
pub(super) fn open_filled(repository: &Repository) -> Result<git2::Repository, Answer> {
    let bare = open(repository)?;
    if is_empty(&bare) {
        return Err(refusal::error(409, "Git Repository is empty."));
    }
    Ok(bare)
}

/// `GET /repos/{owner}/{repo}/git/ref/{ref}`
pub(super) fn get(call: &mut Call<'_>, owner: &str, name: &str, short: &str) -> Handled {
    let repository = call.repository(owner, name, "contents", Level::Read)?;
    let bare = open_filled(&repository)?;
    let reference = bare.find_reference(&format!("refs/{short}")).map_err(|_| refusal::not_found())?;
    Ok(Answer::json(200, &object(call, &repository, &bare, &reference)))
}

/// `GET /repos/{owner}/{repo}/git/matching-refs/{ref}`
pub(super) fn matching(call: &mut Call<'_>, owner: &str, name: &str, start: &str) -> Handled {
    let repository = call.repository(owner, name, "contents", Level::Read)?;
    let bare = open_filled(&repository)?;
    let start = format!("refs/{start}");
    let all = bare.references().map_err(|_| refusal::not_found())?.flatten();
    let fitting = all.filter(|reference| reference.name_bytes().starts_with(start.as_bytes()));
    let list: Vec<_> = fitting.map(|reference| object(call, &repository, &bare, &reference)).collect();
    Ok(Answer::json(200, &Value::Array(list)))
}

/// `POST /repos/{owner}/{repo}/git/refs`
pub(super) fn create(call: &mut Call<'_>, owner: &str, name: &str) -> Handled {
    let repository = call.repository(owner, name, "contents", Level::Write)?;
    let bare = open_filled(&repository)?;
    let full = call.body["ref"].as_str().unwrap_or_default().to_owned();
    if !full.starts_with("refs/") || full.matches('/').count() < 2 || !Reference::is_valid_name(&full) {
        let text = "Reference name must start with 'refs/' and have at least two slashes.";
        return Err(refusal::error(422, text));
    }
    let new = existing(&bare, &call.body["sha"])?;
    if bare.find_reference(&full).is_ok() {
        return Err(refusal::error(422, "Reference already exists"));
    }
    change(call, &repository, &bare, Update { name: full.clone(), old: ZERO.into(), new, result: "ok".into() })?;
    let made = bare.find_reference(&full).map_err(|_| refusal::not_found())?;
    Ok(Answer::json(201, &object(call, &repository, &bare, &made)))
}

/// `PATCH /repos/{owner}/{repo}/git/refs/{ref}`
pub(super) fn update(call: &mut Call<'_>, owner: &str, name: &str, short: &str) -> Handled {
    let repository = call.repository(owner, name, "contents", Level::Write)?;
    let bare = open_filled(&repository)?;
    let full = format!("refs/{short}");
    let old = bare.refname_to_id(&full).map_err(|_| refusal::error(422, "Reference does not exist"))?;
    let new = existing(&bare, &call.body["sha"])?;
    let forward =
        Oid::from_str(&new).is_ok_and(|new| new == old || bare.graph_descendant_of(new, old).unwrap_or(false));
    if !forward && call.body["force"] != json!(true) {
        return Err(refusal::error(422, "Update is not a fast forward"));
    }
    let update = Update { name: full.clone(), old: old.to_string(), new, result: "ok".into() };
    change(call, &repository, &bare, update)?;
    let moved = bare.find_reference(&full).map_err(|_| refusal::not_found())?;
    Ok(Answer::json(200, &object(call, &repository, &bare, &moved)))
}

/// `DELETE /repos/{owner}/{repo}/git/refs/{ref}`
pub(super) fn delete(call: &mut Call<'_>, owner: &str, name: &str, short: &str) -> Handled {
    let repository = call.repository(owner, name, "contents", Level::Write)?;
    let bare = open_filled(&repository)?;
    let full = format!("refs/{short}");
    let old = bare.refname_to_id(&full).map_err(|_| refusal::error(422, "Reference does not exist"))?;
    let update = Update { name: full, old: old.to_string(), new: ZERO.into(), result: "ok".into() };
    change(call, &repository, &bare, update)?;
    Ok(Answer::empty(204))
}

fn existing(bare: &git2::Repository, sha: &Value) -> Result<String, Answer> {
    let id = sha.as_str().filter(|text| text.len() == 40).and_then(|text| Oid::from_str(text).ok());
    let id = id.ok_or_else(|| {
        refusal::error(422, "The sha parameter must be exactly 40 characters and contain only [0-9a-f].")
    })?;
    bare.find_object(id, None)
        .map(|object| object.id().to_string())
        .map_err(|_| refusal::error(422, "Object does not exist"))
}

/// Makes the change if the rules allow it, and starts what it starts.
fn change(call: &mut Call<'_>, repository: &Repository, bare: &git2::Repository, update: Update) -> Result<(), Answer> {
    let Some(token) = call.token.clone() else { return Err(refusal::not_found()) };
    let around = Surroundings::of(call.shared.url(), call.model);
    let updates = [update];
    let verdict = rules::judge(&around, repository, &token, &updates);
    if !verdict.broken.is_empty() {
        let text = format!("Repository rule violations found\n\n{}\n\n", verdict.broken.join("\n\n"));
        return Err(refusal::error(422, &text));
    }
    if let Some(line) = verdict.lines.iter().find(|line| line.starts_with("error: GH00")) {
        return Err(refusal::error(422, &format!("Validation Failed: {line}")));
    }
    if !verdict.refused.is_empty() {
        // The rule of workflow files answers over REST with a bare 403 that names what is lacking.
        return Err(refusal::answer(&crate::access::Refusal::NotGranted, Some(&token))
            .header("x-accepted-github-permissions", "contents=write; contents=write,workflows=write"));
    }
    let [Update { name, old, new, .. }] = &updates;
    let done = match (Oid::from_str(old), Oid::from_str(new)) {
        (Ok(_), Ok(new)) if new.is_zero() => bare.find_reference(name).and_then(|mut reference| reference.delete()),
        (Ok(old), Ok(new)) if old.is_zero() => bare.reference(name, new, false, "REST").map(|_| ()),
        (Ok(old), Ok(new)) => bare.reference_matching(name, new, true, old, "REST").map(|_| ()),
        _ => Ok(()),
    };
    done.map_err(|error| refusal::error(422, error.message()))?;
    workflows::pushed(call.shared, call.model, repository.id, &token, &updates);
    Ok(())
}
