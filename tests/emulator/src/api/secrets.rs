//! Secrets of Actions, Dependabot, Codespaces and environments, each kind sealed to a key of its own. The emulator keeps
//! what comes and can open it again, so that a test sees what was sealed.
//!
//! <https://docs.github.com/en/rest/actions/secrets>, <https://docs.github.com/en/rest/dependabot/secrets>,
//! <https://docs.github.com/en/rest/codespaces/repository-secrets>

use base64::{Engine, engine::general_purpose::STANDARD};
use crypto_box::SecretKey;
use serde_json::{Value, json};

use super::{Call, Handled, refusal};
use crate::{
    answer::Answer,
    model::{Level, Repository, Secret, SecretScope, Settings, stable_id, timestamp},
};

/// The permission that fine-grained tokens and Apps need.
fn permission(scope: &SecretScope) -> &'static str {
    match scope {
        SecretScope::Actions => "secrets",
        SecretScope::Dependabot => "dependabot_secrets",
        SecretScope::Codespaces => "codespaces_secrets",
        SecretScope::Environment(_) => "environments",
    }
}

/// A number that stands for a repository's scope.
fn number(repository: u64, scope: &SecretScope) -> u64 {
    match scope {
        SecretScope::Actions => repository,
        SecretScope::Environment(name) => stable_id(&format!("{repository} environment {name}")),
        other => stable_id(&format!("{repository} {}", permission(other))),
    }
}

/// The key pair of a repository's scope; the same at each start.
fn key(repository: u64, scope: &SecretScope) -> SecretKey {
    let mut bytes = [7; 32];
    bytes[..8].copy_from_slice(&number(repository, scope).to_be_bytes());
    SecretKey::from(bytes)
}

fn key_id(settings: &Settings, repository: u64, scope: &SecretScope) -> Value {
    let number = number(repository, scope);
    if settings.numeric_key_ids { json!(number) } else { json!(format!("56803891245784{number:010}")) }
}

/// What was sealed, if it was sealed to the key of this repository's scope.
pub(crate) fn unseal(repository: u64, scope: &SecretScope, sealed: &str) -> Option<String> {
    let opened = key(repository, scope).unseal(&STANDARD.decode(sealed).ok()?).ok()?;
    String::from_utf8(opened).ok()
}

/// The repository, when the caller has the right to its secrets of this scope, and the scope is there.
fn admitted(
    call: &mut Call<'_>,
    owner: &str,
    name: &str,
    scope: &SecretScope,
    level: Level,
) -> Result<Repository, Answer> {
    let repository = call.repository(owner, name, permission(scope), level)?;
    match scope {
        SecretScope::Environment(wanted) => {
            let known = repository.environments.iter().any(|known| known.eq_ignore_ascii_case(wanted));
            if known { Ok(repository) } else { Err(refusal::not_found()) }
        }
        _ => Ok(repository),
    }
}

fn is(stored: &Secret, scope: &SecretScope, name: &str) -> bool {
    stored.scope == *scope && stored.name.eq_ignore_ascii_case(name)
}

/// What stands behind `.../secrets/`, for a scope that the address names.
pub(super) fn route(call: &mut Call<'_>, owner: &str, name: &str, scope: &SecretScope, rest: &str) -> Handled {
    match (call.method, rest) {
        ("GET", "public-key") => public_key(call, owner, name, scope),
        ("GET", secret) => get(call, owner, name, scope, secret),
        ("PUT", secret) => put(call, owner, name, scope, secret),
        ("DELETE", secret) => delete(call, owner, name, scope, secret),
        _ => Err(refusal::not_found()),
    }
}

/// `GET .../secrets/public-key`
fn public_key(call: &mut Call<'_>, owner: &str, name: &str, scope: &SecretScope) -> Handled {
    let repository = admitted(call, owner, name, scope, Level::Read)?;
    let public = STANDARD.encode(key(repository.id, scope).public_key().as_bytes());
    let id = key_id(&call.model.settings, repository.id, scope);
    Ok(Answer::json(200, &json!({"key_id": id, "key": public})))
}

/// `GET .../secrets/{secret_name}`
fn get(call: &mut Call<'_>, owner: &str, name: &str, scope: &SecretScope, secret: &str) -> Handled {
    let repository = admitted(call, owner, name, scope, Level::Read)?;
    let found = repository.secrets.iter().find(|stored| is(stored, scope, secret));
    let Secret { name, created_at, updated_at, .. } = found.ok_or_else(refusal::not_found)?;
    let (created, updated) = (timestamp(*created_at), timestamp(*updated_at));
    Ok(Answer::json(200, &json!({"name": name, "created_at": created, "updated_at": updated})))
}

/// `PUT .../secrets/{secret_name}`
fn put(call: &mut Call<'_>, owner: &str, name: &str, scope: &SecretScope, secret: &str) -> Handled {
    let repository = admitted(call, owner, name, scope, Level::Write)?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if !secret.bytes().all(fits) || secret.starts_with(|first: char| first.is_ascii_digit()) {
        let text = "Secret names can only contain alphanumeric characters ([a-z], [A-Z], [0-9]) or underscores (_). \
                    Spaces are not allowed. Must start with a letter ([a-z], [A-Z]) or underscores (_).";
        return Err(refusal::error(422, text));
    }
    if secret.to_ascii_uppercase().starts_with("GITHUB_") {
        return Err(refusal::error(422, "Secret names must not start with GITHUB_."));
    }
    let digits = |id: &Value| id.as_str().map_or_else(|| id.to_string(), str::to_owned);
    if digits(&call.body["key_id"]) != digits(&key_id(&call.model.settings, repository.id, scope)) {
        return Err(refusal::error(422, "Bad request - the key ID provided does not match the key's ID."));
    }
    let sealed = call.body["encrypted_value"].as_str().unwrap_or_default().to_owned();
    if STANDARD.decode(&sealed).map_or(0, |bytes| bytes.len()) < 48 {
        return Err(refusal::error(422, "Bad request - the encrypted value is not sealed."));
    }
    let now = call.model.now();
    let stored = call.stored(repository.id)?;
    if let Some(old) = stored.secrets.iter_mut().find(|stored| is(stored, scope, secret)) {
        old.sealed = sealed;
        old.updated_at = now;
        return Ok(Answer::empty(204));
    }
    let (name, scope) = (secret.to_ascii_uppercase(), scope.clone());
    stored.secrets.push(Secret { scope, name, sealed, created_at: now, updated_at: now });
    Ok(Answer::json(201, &json!({})))
}

/// `DELETE .../secrets/{secret_name}`
fn delete(call: &mut Call<'_>, owner: &str, name: &str, scope: &SecretScope, secret: &str) -> Handled {
    let repository = admitted(call, owner, name, scope, Level::Write)?;
    let stored = call.stored(repository.id)?;
    let before = stored.secrets.len();
    stored.secrets.retain(|stored| !is(stored, scope, secret));
    if stored.secrets.len() == before { Err(refusal::not_found()) } else { Ok(Answer::empty(204)) }
}

/// `GET /repos/{owner}/{repo}/environments/{environment_name}`
pub(super) fn environment(call: &mut Call<'_>, owner: &str, name: &str, wanted: &str) -> Handled {
    let repository = call.repository(owner, name, "actions", Level::Read)?;
    let found = repository.environments.iter().find(|known| known.eq_ignore_ascii_case(wanted));
    let name = found.ok_or_else(refusal::not_found)?;
    let id = stable_id(&format!("{} environment {name}", repository.id));
    let escaped = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
    let (slug, web) = (repository.slug(), call.shared.url());
    Ok(Answer::json(
        200,
        &json!({
            "id": id, "node_id": format!("EN_{id}"), "name": name, "protection_rules": [],
            "url": format!("{}/repos/{slug}/environments/{escaped}", call.api()),
            "html_url": format!("{web}/{slug}/deployments/activity_log?environments_filter={escaped}"),
            "created_at": "2026-01-05T08:00:00Z", "updated_at": "2026-01-05T08:00:00Z",
            "deployment_branch_policy": null,
        }),
    ))
}
