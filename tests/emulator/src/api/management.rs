//! Repositories made, renamed and deleted over REST, and their deployment environments.
//!
//! <https://docs.github.com/en/rest/repos/repos>

use serde_json::json;

use super::{Call, Handled, refusal, resources};
use crate::{
    answer::Answer,
    handle,
    model::{Account, Level, Repository, SecretScope, TokenKind, Visibility, stable_id},
};

/// `POST /user/repos`
pub(super) fn create_own(call: &mut Call<'_>) -> Handled {
    let Some(token) = call.token.clone() else { return Err(refusal::error(401, "Requires authentication")) };
    if token.is_bot() {
        return Err(refusal::error(403, "Resource not accessible by integration"));
    }
    let login = token.login.clone();
    create(call, &login)
}

/// `POST /orgs/{org}/repos`
pub(super) fn create_of(call: &mut Call<'_>, organization: &str) -> Handled {
    let Account { login, organization, .. } = call.model.find_account(organization);
    if call.token.is_none() || !organization {
        return Err(refusal::not_found());
    }
    create(call, &login)
}

fn create(call: &mut Call<'_>, owner: &str) -> Handled {
    let Some(token) = call.token.clone() else { return Err(refusal::error(401, "Requires authentication")) };
    let administers = |grant: &crate::model::Grant| {
        grant.owner.eq_ignore_ascii_case(owner)
            && grant.repositories == crate::model::Selection::All
            && grant.level("administration") == Some(Level::Write)
    };
    let may = match (token.scopes(), token.grant()) {
        (Some(scopes), _) => scopes.iter().any(|scope| scope == "repo"),
        (None, Some(grant)) => administers(grant),
        (None, None) => false,
    };
    if !may {
        let refused = if matches!(token.kind, TokenKind::Classic { .. }) {
            refusal::not_found()
        } else {
            refusal::answer(&crate::access::Refusal::NotGranted, Some(&token))
        };
        return Err(refused);
    }
    let name = call.body["name"].as_str().unwrap_or_default();
    let slug = format!("{owner}/{name}");
    if name.is_empty() || call.model.find(&slug).is_some() {
        let error = json!({"resource": "Repository", "code": "custom", "field": "name",
            "message": "name already exists on this account"});
        let body = json!({"message": "Repository creation failed.", "errors": [error], "documentation_url": "", "status": "422"});
        return Err(Answer::json(422, &body));
    }
    let mut repository = Repository::new(&slug);
    if call.body["private"] == json!(true) {
        repository.visibility = Visibility::Private;
    }
    if call.body["auto_init"] == json!(true) {
        repository = repository.file("README.md", &format!("# {name}\n"));
    }
    // Not of the name alone: a name can be used again.
    repository.id = stable_id(&format!("{slug} {}", call.shared.serial()));
    handle::create(&mut repository, call.shared.directory()).map_err(|error| refusal::error(500, error.message()))?;
    call.model.repositories.push(repository.clone());
    Ok(Answer::json(201, &resources::full(call, &repository)))
}

/// `PATCH /repos/{owner}/{repo}`: another name.
pub(super) fn update(call: &mut Call<'_>, owner: &str, name: &str) -> Handled {
    let repository = call.repository(owner, name, "administration", Level::Write)?;
    let Some(new) = call.body["name"].as_str().map(str::to_owned) else {
        return Ok(Answer::json(200, &resources::full(call, &repository)));
    };
    if call.model.find(&format!("{}/{new}", repository.owner)).is_some() {
        return Err(refusal::error(422, "Validation Failed"));
    }
    let former = repository.slug();
    let stored = call.stored(repository.id)?;
    stored.former.push(former);
    stored.name = new;
    let renamed = stored.clone();
    Ok(Answer::json(200, &resources::full(call, &renamed)))
}

/// `DELETE /repos/{owner}/{repo}`, for which a classic token needs a scope that nothing else does.
pub(super) fn delete(call: &mut Call<'_>, owner: &str, name: &str) -> Handled {
    let repository = call.repository(owner, name, "administration", Level::Write)?;
    let scopes = call.token.as_ref().and_then(|token| token.scopes());
    if scopes.is_some_and(|scopes| !scopes.iter().any(|scope| scope == "delete_repo")) {
        return Err(refusal::error(403, "Must have admin rights to Repository."));
    }
    call.model.repositories.retain(|stored| stored.id != repository.id && stored.wiki_of != Some(repository.id));
    let _ = std::fs::remove_dir_all(&repository.path);
    Ok(Answer::empty(204))
}

/// `PUT /repos/{owner}/{repo}/environments/{environment_name}`
pub(super) fn make_environment(call: &mut Call<'_>, owner: &str, name: &str, environment: &str) -> Handled {
    let repository = call.repository(owner, name, "administration", Level::Write)?;
    call.stored(repository.id)?.environments.insert(environment.to_owned());
    super::secrets::environment(call, owner, name, environment)
}

/// `DELETE /repos/{owner}/{repo}/environments/{environment_name}`, with its secrets.
pub(super) fn delete_environment(call: &mut Call<'_>, owner: &str, name: &str, environment: &str) -> Handled {
    let repository = call.repository(owner, name, "administration", Level::Write)?;
    let stored = call.stored(repository.id)?;
    if !stored.environments.remove(environment) {
        return Err(refusal::not_found());
    }
    stored.secrets.retain(|secret| secret.scope != SecretScope::Environment(environment.to_owned()));
    Ok(Answer::empty(204))
}
