//! Deploy keys.
//!
//! <https://docs.github.com/en/rest/deploy-keys/deploy-keys>

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use super::{Call, Handled, refusal};
use crate::{
    answer::Answer,
    model::{DeployKey, Level, Repository},
};

/// `GET /repos/{owner}/{repo}/keys`
pub(super) fn list(call: &mut Call<'_>, owner: &str, name: &str) -> Handled {
    let repository = call.repository(owner, name, "administration", Level::Read)?;
    let shown: Vec<Value> = repository.deploy_keys.iter().map(|key| object(call, &repository, key)).collect();
    Ok(Answer::json(200, &Value::Array(shown)))
}

/// `GET /repos/{owner}/{repo}/keys/{key_id}`
pub(super) fn get(call: &mut Call<'_>, owner: &str, name: &str, id: &str) -> Handled {
    let repository = call.repository(owner, name, "administration", Level::Read)?;
    let found = repository.deploy_keys.iter().find(|key| key.id.to_string() == id).ok_or_else(refusal::not_found)?;
    Ok(Answer::json(200, &object(call, &repository, found)))
}

/// `POST /repos/{owner}/{repo}/keys`. A key belongs to one repository of the whole server.
pub(super) fn create(call: &mut Call<'_>, owner: &str, name: &str) -> Handled {
    let repository = call.repository(owner, name, "administration", Level::Write)?;
    let Some(key) = call.body["key"].as_str().and_then(normal) else {
        return Err(invalid("key is invalid. You must supply a key in OpenSSH public key format"));
    };
    if call.model.repositories.iter().flat_map(|one| &one.deploy_keys).any(|one| one.key == key) {
        return Err(invalid("key is already in use"));
    }
    let added = DeployKey {
        id: call.shared.serial(),
        title: call.body["title"].as_str().unwrap_or_default().to_owned(),
        key,
        read_only: call.body["read_only"] == json!(true),
        created_at: call.model.now(),
    };
    call.stored(repository.id)?.deploy_keys.push(added.clone());
    Ok(Answer::json(201, &object(call, &repository, &added)))
}

/// `DELETE /repos/{owner}/{repo}/keys/{key_id}`
pub(super) fn delete(call: &mut Call<'_>, owner: &str, name: &str, id: &str) -> Handled {
    let repository = call.repository(owner, name, "administration", Level::Write)?;
    let keys = &mut call.stored(repository.id)?.deploy_keys;
    let place = keys.iter().position(|key| key.id.to_string() == id).ok_or_else(refusal::not_found)?;
    keys.remove(place);
    Ok(Answer::empty(204))
}

/// Kind and key without the comment, as GitHub keeps them.
fn normal(text: &str) -> Option<String> {
    let mut words = text.split_ascii_whitespace();
    let (kind, key) = (words.next()?, words.next()?);
    let blob = BASE64_STANDARD.decode(key).ok()?;
    let known = matches!(kind, "ssh-ed25519" | "ssh-rsa" | "ecdsa-sha2-nistp256");
    // A blob begins with the length and the name of its kind.
    (known && blob.get(4..4 + kind.len()) == Some(kind.as_bytes())).then(|| format!("{kind} {key}"))
}

fn invalid(message: &str) -> Answer {
    let error = json!({"resource": "PublicKey", "code": "custom", "field": "key", "message": message});
    let body = json!({"message": "Validation Failed", "errors": [error], "documentation_url":
        "https://docs.github.com/rest/deploy-keys/deploy-keys#create-a-deploy-key", "status": "422"});
    Answer::json(422, &body)
}

fn object(call: &Call<'_>, repository: &Repository, key: &DeployKey) -> Value {
    json!({
        "id": key.id, "key": key.key, "title": key.title, "verified": true, "read_only": key.read_only,
        "url": format!("{}/repos/{}/keys/{}", call.api(), repository.slug(), key.id), "enabled": true,
        "created_at": key.created_at.format("%Y-%m-%dT%H:%M:%SZ").to_string(), "added_by": repository.owner, "last_used": null,
    })
}
