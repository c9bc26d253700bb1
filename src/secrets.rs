//! The secret stage: one secret, sealed to the own public key of the store that it goes to, so that nobody on the way can open it.
//!
//! Source: <https://docs.github.com/en/rest/guides/encrypting-secrets-for-the-rest-api>

use crate::preflight::ClearedSecret;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use crypto_box::aead::OsRng;

use crate::{
    connection::Connection,
    credential::Secret,
    diagnosis::{Cause, Failure, Retry},
    github::{RestError, model::PublicKey},
    plan::Plan,
    preflight::{Cleared, facts::SecretFacts},
};

/// What became, or in a dry run would become, of the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretChange {
    /// It was not there before.
    Created,
    /// It was there, and last set at this time (UTC), where the server told it.
    Updated(Option<DateTime<Utc>>),
    /// A dry run that the server did not tell whether it is there.
    Unknown,
}

/// The secret after the stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretSet {
    /// What a sentence calls it, with its name as GitHub stores it: "secret X".
    pub called: String,
    /// What became of it.
    pub change: SecretChange,
}

/// Sets the secret. A dry run asks for nothing and tells what would change.
///
/// Setting a secret twice does the same as once: after a lost answer it is sent again.
pub async fn set_secret(
    cleared: &Cleared<Plan>,
    secret: &ClearedSecret,
    connection: &Connection,
) -> Result<SecretSet, Failure> {
    let plan = cleared.plan();
    let ClearedSecret { plan: secret, key, facts: known } = secret;
    let name = secret.name.to_ascii_uppercase();
    let called = secret.scope.secret(&name);
    let before = before(known);
    if plan.behaviour.dry_run {
        return Ok(SecretSet { called, change: before });
    }
    let sealed: Arc<str> = seal(&secret.value, key)?.into();
    let what = format!("setting of the {called}");
    let unsure = AtomicBool::new(false);
    let send = || async {
        connection.retries.turn().await;
        connection.pending_write.sent(&what);
        let answer = connection.github.put_secret(&plan.target.slug, &secret.scope, &name, &key.key_id, &sealed).await;
        // A refusal says nothing about an earlier try whose answer got lost.
        unsure.fetch_or(answer.as_ref().is_err_and(RestError::may_be_done), Ordering::Relaxed);
        if answer.is_ok() || !unsure.load(Ordering::Relaxed) {
            connection.pending_write.answered();
        }
        answer.map_err(|error| {
            // The key was changed between the two requests, or its name was damaged on the way.
            if error.is(422) && error.says("key ID") {
                let what = format!(
                    "The server does not know the public key that {what} was sealed with: \"{}\".",
                    error.sentence()
                );
                Failure::new(Cause::ServerError, what)
                    .with_remedy("Run the step again: it asks for the key anew.")
                    .with_retry(Retry::Never)
            } else {
                Failure::from(error)
            }
        })
    };
    let answer = connection.retries.run(&what, send).await?;
    let change = match (answer.status, before) {
        // A first try whose answer got lost created it: the second one only finds it there.
        (201, _) | (_, SecretChange::Created) => SecretChange::Created,
        (_, SecretChange::Updated(at)) => SecretChange::Updated(at),
        (_, SecretChange::Unknown) => SecretChange::Updated(None),
    };
    Ok(SecretSet { called, change })
}

fn before(known: &SecretFacts) -> SecretChange {
    match (known.existing.answer(), known.existing.refusal()) {
        (Some(info), _) => SecretChange::Updated(info.updated_at),
        (None, Some(refusal)) if refusal.status == Some(404) => SecretChange::Created,
        _ => SecretChange::Unknown,
    }
}

/// `value` in a sealed box that only the holder of the private half of `key` opens, in base64.
fn seal(value: &Secret, key: &PublicKey) -> Result<String, Failure> {
    let unusable = || Failure::new(Cause::ServerError, "The public key that the server gave for secrets is no key.");
    let bytes: [u8; 32] =
        STANDARD.decode(&key.key).ok().and_then(|bytes| bytes.try_into().ok()).ok_or_else(unusable)?;
    let sealed = crypto_box::PublicKey::from(bytes).seal(&mut OsRng, value.expose().as_bytes());
    sealed.map(|sealed| STANDARD.encode(sealed)).map_err(|_| unusable())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> PublicKey {
        PublicKey { key_id: "1".into(), key: text.into() }
    }

    #[test]
    fn what_is_sealed_opens_with_the_private_half_alone() {
        let ours = crypto_box::SecretKey::generate(&mut OsRng);
        let sealed =
            seal(&Secret::new("hunter2 \n".into()), &key(&STANDARD.encode(ours.public_key().as_bytes()))).unwrap();
        let sealed = STANDARD.decode(sealed).unwrap();
        assert_eq!(ours.unseal(&sealed).unwrap(), b"hunter2 \n");
        assert!(crypto_box::SecretKey::generate(&mut OsRng).unseal(&sealed).is_err());
    }

    #[test]
    fn a_key_that_is_none_is_the_servers_fault() {
        for text in ["", "?", "AAAA"] {
            assert_eq!(seal(&Secret::new("x".into()), &key(text)).unwrap_err().cause, Cause::ServerError, "{text}");
        }
    }
}
