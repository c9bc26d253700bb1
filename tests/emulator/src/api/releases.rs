//! Releases.
//!
//! <https://docs.github.com/en/rest/releases/releases>

use serde_json::{Value, json};

use super::{Call, Handled, refs::open_filled, refusal, resources};
use crate::{
    answer::Answer,
    model::{Level, Release, Repository, stable_id},
    workflows::default_tip,
};

/// `GET /repos/{owner}/{repo}/releases/tags/{tag}`; drafts are not found by their tag.
pub(super) fn by_tag(call: &mut Call<'_>, owner: &str, name: &str, tag: &str) -> Handled {
    let repository = call.repository(owner, name, "contents", Level::Read)?;
    let release = repository.releases.iter().find(|release| release.tag == tag && !release.draft);
    let release = release.ok_or_else(refusal::not_found)?;
    Ok(Answer::json(200, &object(call, &repository, release)))
}

/// `POST /repos/{owner}/{repo}/releases`; the tag is made on the default branch where it is missing.
pub(super) fn create(call: &mut Call<'_>, owner: &str, name: &str) -> Handled {
    let repository = call.repository(owner, name, "contents", Level::Write)?;
    let tag = call.body["tag_name"].as_str().unwrap_or_default().to_owned();
    let bare = open_filled(&repository)?;
    let full = format!("refs/tags/{tag}");
    if tag.is_empty() || !git2::Reference::is_valid_name(&full) {
        return Err(refusal::error(422, "Validation Failed"));
    }
    if bare.find_reference(&full).is_err() {
        let tip = default_tip(&bare, &repository).ok_or_else(refusal::not_found)?;
        bare.reference(&full, tip.id(), false, "release").map_err(|error| refusal::error(422, error.message()))?;
    }
    let release = Release { tag, immutable: false, draft: call.body["draft"] == json!(true) };
    call.stored(repository.id)?.releases.push(release.clone());
    Ok(Answer::json(201, &object(call, &repository, &release)))
}

/// `GET /repos/{owner}/{repo}/releases`
pub(super) fn list(call: &mut Call<'_>, owner: &str, name: &str) -> Handled {
    let repository = call.repository(owner, name, "contents", Level::Read)?;
    let shown: Vec<Value> = repository.releases.iter().map(|release| object(call, &repository, release)).collect();
    Ok(Answer::json(200, &Value::Array(shown)))
}

/// `DELETE /repos/{owner}/{repo}/releases/{release_id}`; the tag stays, and that of an immutable release is never made again.
pub(super) fn delete(call: &mut Call<'_>, owner: &str, name: &str, id: &str) -> Handled {
    let repository = call.repository(owner, name, "contents", Level::Write)?;
    let is = |release: &Release| stable_id(&format!("{} release {}", repository.slug(), release.tag)).to_string() == id;
    let stored = call.stored(repository.id)?;
    let place = stored.releases.iter().position(is).ok_or_else(refusal::not_found)?;
    let gone = stored.releases.remove(place);
    if gone.immutable {
        stored.burned_tags.insert(gone.tag);
    }
    Ok(Answer::empty(204))
}

fn object(call: &Call<'_>, repository: &Repository, release: &Release) -> Value {
    let (slug, tag) = (repository.slug(), &release.tag);
    let id = stable_id(&format!("{slug} release {tag}"));
    let (api, web) = (format!("{}/repos/{slug}", call.api()), format!("{}/{slug}", call.shared.url()));
    let mut body = json!({
        "url": format!("{api}/releases/{id}"), "html_url": format!("{web}/releases/tag/{tag}"), "id": id,
        "assets_url": format!("{api}/releases/{id}/assets"),
        "upload_url": format!("{api}/releases/{id}/assets{{?name,label}}"),
        "tarball_url": format!("{api}/tarball/{tag}"), "zipball_url": format!("{api}/zipball/{tag}"),
        "node_id": format!("RE_{id}"), "tag_name": tag, "target_commitish": repository.default_branch, "name": tag,
        "body": "", "draft": release.draft, "prerelease": false, "created_at": "2026-01-05T08:00:00Z",
        "published_at": "2026-01-05T08:00:00Z", "updated_at": "2026-01-05T08:00:00Z",
        "author": resources::account(call, &repository.owner), "assets": [],
    });
    body["immutable"] = json!(release.immutable);
    body
}
