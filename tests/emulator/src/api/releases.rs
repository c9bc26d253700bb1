//! Releases.
//!
//! <https://docs.github.com/en/rest/releases/releases>

use serde_json::json;

use super::{Call, Handled, refusal, resources};
use crate::{
    answer::Answer,
    model::{Level, stable_id},
};

/// `GET /repos/{owner}/{repo}/releases/tags/{tag}`; drafts are not found by their tag.
pub(super) fn by_tag(call: &mut Call<'_>, owner: &str, name: &str, tag: &str) -> Handled {
    let repository = call.repository(owner, name, "contents", Level::Read)?;
    let release = repository.releases.iter().find(|release| release.tag == tag && !release.draft);
    let release = release.ok_or_else(refusal::not_found)?;
    let slug = repository.slug();
    let id = stable_id(&format!("{slug} release {tag}"));
    let (api, web) = (format!("{}/repos/{slug}", call.api()), format!("{}/{slug}", call.shared.url()));
    let mut body = json!({
        "url": format!("{api}/releases/{id}"), "html_url": format!("{web}/releases/tag/{tag}"), "id": id,
        "assets_url": format!("{api}/releases/{id}/assets"),
        "upload_url": format!("{api}/releases/{id}/assets{{?name,label}}"),
        "tarball_url": format!("{api}/tarball/{tag}"), "zipball_url": format!("{api}/zipball/{tag}"),
        "node_id": format!("RE_{id}"), "tag_name": tag, "target_commitish": repository.default_branch, "name": tag,
        "body": "", "draft": false, "prerelease": false, "created_at": "2026-01-05T08:00:00Z",
        "published_at": "2026-01-05T08:00:00Z", "updated_at": "2026-01-05T08:00:00Z",
        "author": resources::account(call, &repository.owner), "assets": [],
    });
    body["immutable"] = json!(release.immutable);
    Ok(Answer::json(200, &body))
}
