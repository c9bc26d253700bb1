//! Actions secrets, sealed to the repository's key. The emulator keeps what comes and can open it again, so that a test
//! sees what was sealed.
//!
//! <https://docs.github.com/en/rest/actions/secrets>

use base64::{Engine, engine::general_purpose::STANDARD};
use crypto_box::SecretKey;
use serde_json::json;

use super::{Call, Handled, refusal};
use crate::{
    answer::Answer,
    model::{Level, Secret, timestamp},
};

/// The key pair of a repository; the same at each start.
fn key(repository: u64) -> SecretKey {
    let mut bytes = [7; 32];
    bytes[..8].copy_from_slice(&repository.to_be_bytes());
    SecretKey::from(bytes)
}

fn key_id(repository: u64) -> String {
    format!("56803891245784{repository:010}")
}

/// What was sealed, if it was sealed to this repository's key.
pub(crate) fn unseal(repository: u64, sealed: &str) -> Option<String> {
    let opened = key(repository).unseal(&STANDARD.decode(sealed).ok()?).ok()?;
    String::from_utf8(opened).ok()
}

/// `GET /repos/{owner}/{repo}/actions/secrets/public-key`
pub(super) fn public_key(call: &mut Call<'_>, owner: &str, name: &str) -> Handled {
    let repository = call.repository(owner, name, "secrets", Level::Read)?;
    let public = STANDARD.encode(key(repository.id).public_key().as_bytes());
    Ok(Answer::json(200, &json!({"key_id": key_id(repository.id), "key": public})))
}

/// `GET /repos/{owner}/{repo}/actions/secrets/{secret_name}`
pub(super) fn get(call: &mut Call<'_>, owner: &str, name: &str, secret: &str) -> Handled {
    let repository = call.repository(owner, name, "secrets", Level::Read)?;
    let found = repository.secrets.iter().find(|stored| stored.name.eq_ignore_ascii_case(secret));
    let Secret { name, created_at, updated_at, .. } = found.ok_or_else(refusal::not_found)?;
    let (created, updated) = (timestamp(*created_at), timestamp(*updated_at));
    Ok(Answer::json(200, &json!({"name": name, "created_at": created, "updated_at": updated})))
}

/// `PUT /repos/{owner}/{repo}/actions/secrets/{secret_name}`
pub(super) fn put(call: &mut Call<'_>, owner: &str, name: &str, secret: &str) -> Handled {
    let repository = call.repository(owner, name, "secrets", Level::Write)?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if !secret.bytes().all(fits) || secret.starts_with(|first: char| first.is_ascii_digit()) {
        let text = "Secret names can only contain alphanumeric characters ([a-z], [A-Z], [0-9]) or underscores (_). \
                    Spaces are not allowed. Must start with a letter ([a-z], [A-Z]) or underscores (_).";
        return Err(refusal::error(422, text));
    }
    if secret.to_ascii_uppercase().starts_with("GITHUB_") {
        return Err(refusal::error(422, "Secret names must not start with GITHUB_."));
    }
    if call.body["key_id"] != json!(key_id(repository.id)) {
        return Err(refusal::error(422, "Bad request - the key ID provided does not match the key's ID."));
    }
    let sealed = call.body["encrypted_value"].as_str().unwrap_or_default().to_owned();
    if STANDARD.decode(&sealed).map_or(0, |bytes| bytes.len()) < 48 {
        return Err(refusal::error(422, "Bad request - the encrypted value is not sealed."));
    }
    let now = call.model.now();
    let stored = call.stored(repository.id)?;
    if let Some(old) = stored.secrets.iter_mut().find(|stored| stored.name.eq_ignore_ascii_case(secret)) {
        old.sealed = sealed;
        old.updated_at = now;
        return Ok(Answer::empty(204));
    }
    let name = secret.to_ascii_uppercase();
    stored.secrets.push(Secret { name, sealed, created_at: now, updated_at: now });
    Ok(Answer::json(201, &json!({})))
}

/// `DELETE /repos/{owner}/{repo}/actions/secrets/{secret_name}`
pub(super) fn delete(call: &mut Call<'_>, owner: &str, name: &str, secret: &str) -> Handled {
    let repository = call.repository(owner, name, "secrets", Level::Write)?;
    let stored = call.stored(repository.id)?;
    let before = stored.secrets.len();
    stored.secrets.retain(|stored| !stored.name.eq_ignore_ascii_case(secret));
    if stored.secrets.len() == before { Err(refusal::not_found()) } else { Ok(Answer::empty(204)) }
}
