//! Workflows of a repository.

use serde_json::{Value, json};

use super::{Call, Handled, refusal, repository::open};
use crate::{
    answer::Answer,
    model::{Level, Repository},
    workflows::{self, workflow_id},
};

/// A workflow as the API shows it: its path and name.
pub(super) struct Known {
    pub(super) id: u64,
    pub(super) path: String,
    pub(super) name: String,
    /// The state of one that the default branch does not have.
    state: Option<String>,
}

/// The workflows of the default branch, and the one of Pages.
pub(super) fn known(repository: &Repository) -> Result<Vec<Known>, Answer> {
    let bare = open(repository)?;
    let tip = workflows::default_tip(&bare, repository);
    let files = tip.map(|tip| workflows::files_of(&bare, &tip)).unwrap_or_default();
    let mut known: Vec<_> = files
        .into_iter()
        .map(|file| Known {
            id: workflow_id(repository, &file.path),
            name: file.definition.name(&file.path),
            path: file.path,
            state: None,
        })
        .collect();
    if repository.pages.is_some() {
        let path = workflows::PAGES_PATH.to_owned();
        known.push(Known {
            id: workflow_id(repository, &path),
            path,
            name: workflows::PAGES_NAME.to_owned(),
            state: None,
        });
    }
    Ok(known)
}

/// The workflows of the default branch and those that are listed beside them.
fn listed(repository: &Repository) -> Result<Vec<Known>, Answer> {
    let mut all = known(repository)?;
    for (file, state) in &repository.other_workflows {
        let path = format!(".github/workflows/{file}");
        let id = workflow_id(repository, &path);
        all.push(Known { id, name: path.clone(), path, state: Some(state.clone()) });
    }
    Ok(all)
}

fn pick(workflows: Vec<Known>, id: &str) -> Result<Known, Answer> {
    let fits = |known: &Known| known.id.to_string() == id || known.path.rsplit('/').next() == Some(id);
    workflows.into_iter().find(fits).ok_or_else(refusal::not_found)
}

/// The workflow of the default branch with this id or file name.
pub(super) fn find(repository: &Repository, id: &str) -> Result<Known, Answer> {
    pick(known(repository)?, id)
}

/// As [`find`], among all that are listed.
pub(super) fn find_listed(repository: &Repository, id: &str) -> Result<Known, Answer> {
    pick(listed(repository)?, id)
}

fn object(call: &Call<'_>, repository: &Repository, known: &Known) -> Value {
    let (slug, web) = (repository.slug(), call.shared.url());
    let file = known.path.rsplit('/').next().unwrap_or_default();
    let state = known.state.as_deref();
    let off = repository.disabled_workflows.contains(file);
    json!({
        "id": known.id, "node_id": format!("W_{}", known.id), "name": known.name, "path": known.path,
        "state": state.unwrap_or(if off { "disabled_manually" } else { "active" }),
        "created_at": "2026-01-05T08:00:00.000Z", "updated_at": "2026-01-05T08:00:00.000Z",
        "url": format!("{}/repos/{slug}/actions/workflows/{}", call.api(), known.id),
        "html_url": format!("{web}/{slug}/blob/{}/{}", repository.default_branch, known.path),
        "badge_url": format!("{web}/{slug}/workflows/{file}/badge.svg"),
    })
}

/// `GET /repos/{owner}/{repo}/actions/permissions`
pub(super) fn permissions(call: &mut Call<'_>, owner: &str, name: &str) -> Handled {
    let enabled = call.repository(owner, name, "administration", Level::Read)?.actions;
    let body = if enabled { json!({"enabled": true, "allowed_actions": "all"}) } else { json!({"enabled": false}) };
    Ok(Answer::json(200, &body))
}

/// `GET /repos/{owner}/{repo}/actions/permissions/workflow`
pub(super) fn workflow_permissions(call: &mut Call<'_>, owner: &str, name: &str) -> Handled {
    let may = call.repository(owner, name, "administration", Level::Read)?.actions_may_propose;
    let body = json!({"default_workflow_permissions": "read", "can_approve_pull_request_reviews": may});
    Ok(Answer::json(200, &body))
}

/// `GET /repos/{owner}/{repo}/actions/workflows`
pub(super) fn workflows(call: &mut Call<'_>, owner: &str, name: &str) -> Handled {
    let repository = call.repository(owner, name, "actions", Level::Read)?;
    let all: Vec<_> = listed(&repository)?.iter().map(|known| object(call, &repository, known)).collect();
    let (page, _) = super::runs::page(call, &all)?;
    Ok(Answer::json(200, &json!({"total_count": all.len(), "workflows": page})))
}

/// `GET /repos/{owner}/{repo}/actions/workflows/{workflow_id}`
pub(super) fn workflow(call: &mut Call<'_>, owner: &str, name: &str, id: &str) -> Handled {
    let repository = call.repository(owner, name, "actions", Level::Read)?;
    let known = find_listed(&repository, id)?;
    Ok(Answer::json(200, &object(call, &repository, &known)))
}
