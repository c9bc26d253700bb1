//! A Pages site and its latest build.
//!
//! <https://docs.github.com/en/rest/pages/pages>

use serde_json::json;

use super::{Call, Handled, refusal, resources};
use crate::{
    answer::Answer,
    model::{Level, Pages, Repository, Run, timestamp},
    workflows::PAGES_PATH,
};

fn site(repository: &Repository) -> Result<&Pages, Answer> {
    repository.pages.as_ref().ok_or_else(refusal::not_found)
}

fn latest(repository: &Repository) -> Option<&Run> {
    repository.runs.iter().rev().find(|run| run.path == PAGES_PATH && !run.decoy)
}

fn status(call: &Call<'_>, run: &Run) -> &'static str {
    let state = run.state(call.model.now());
    match state.conclusion.as_deref() {
        None => "building",
        Some("success") => "built",
        Some(_) => "errored",
    }
}

/// `GET /repos/{owner}/{repo}/pages`
pub(super) fn get(call: &mut Call<'_>, owner: &str, name: &str) -> Handled {
    let repository = call.repository(owner, name, "pages", Level::Read)?;
    let pages = site(&repository)?;
    let domain = format!("{}.github.io", repository.owner.to_ascii_lowercase());
    let html = match &pages.cname {
        Some(cname) => format!("https://{cname}/"),
        None if repository.name.eq_ignore_ascii_case(&domain) => format!("https://{domain}/"),
        None => format!("https://{domain}/{}/", repository.name),
    };
    let body = json!({
        "url": format!("{}/repos/{}/pages", call.api(), repository.slug()), "html_url": html, "cname": pages.cname,
        "status": latest(&repository).map(|run| status(call, run)), "custom_404": false,
        "build_type": pages.build_type, "source": {"branch": pages.branch, "path": pages.folder},
        "public": true, "https_enforced": true,
    });
    Ok(Answer::json(200, &body))
}

/// `GET /repos/{owner}/{repo}/pages/builds/latest`
pub(super) fn latest_build(call: &mut Call<'_>, owner: &str, name: &str) -> Handled {
    let repository = call.repository(owner, name, "pages", Level::Read)?;
    site(&repository)?;
    let run = latest(&repository).ok_or_else(refusal::not_found)?;
    let status = status(call, run);
    let (begun, changed) = (run.created_at, run.updated_at(call.model.now()));
    let body = json!({
        "url": format!("{}/repos/{}/pages/builds/{}", call.api(), repository.slug(), run.id), "status": status,
        "error": {"message": (status == "errored").then_some("Page build failed.")},
        "pusher": resources::account(call, &run.actor), "commit": run.head_sha,
        "duration": (changed - begun).num_milliseconds(), "created_at": timestamp(begun), "updated_at": timestamp(changed),
    });
    Ok(Answer::json(200, &body))
}
