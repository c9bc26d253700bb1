//! The private key of a GitHub App, and the statement that it signs.
//!
//! Source: <https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app>

use std::{fmt, sync::Arc};

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use chrono::{DateTime, Utc};
use ring::{
    rand::SystemRandom,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};
use serde_json::json;
use zeroize::Zeroizing;

use crate::{
    credential::{KEY_IN_BASE64, Secret, is_key_in_base64, repaired_key_text},
    diagnosis::{Cause, Failure},
    inputs::AppCredential,
};

/// The statement's clock is set back by so many seconds, since no two clocks agree.
const DRIFT: i64 = 60;

/// How many seconds a statement holds; GitHub takes ten minutes at most.
const LIFE: i64 = 540;

/// An App that can speak for itself. Its key does not print.
#[derive(Clone)]
pub struct App {
    /// Client id or app id.
    pub id: String,
    key: Arc<RsaKeyPair>,
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("id", &self.id).finish_non_exhaustive()
    }
}

impl App {
    /// Reads the key: PEM, PKCS#1 as GitHub gives it out, or PKCS#8. Line breaks that a secret store has turned into
    /// blanks or `\n` do not matter.
    ///
    /// # Errors
    /// `app-auth-failed`, with what the text is instead.
    pub fn read(credential: &AppCredential) -> Result<Self, Failure> {
        let unusable =
            |what: &str| Failure::new(Cause::AppAuthFailed, format!("`app-private-key` cannot be used: {what}."));
        let given = credential.private_key.expose();
        if is_key_in_base64(given) {
            return Err(unusable(KEY_IN_BASE64));
        }
        let text = repaired_key_text(given);
        let (form, body) = armour(&text).map_err(unusable)?;
        let der = BASE64_STANDARD.decode(body.as_bytes()).map(Zeroizing::new);
        let der = der.map_err(|_| unusable("what stands between its first and last line is damaged"))?;
        let key = if form == "RSA PRIVATE KEY" { RsaKeyPair::from_der(&der) } else { RsaKeyPair::from_pkcs8(&der) };
        // NOTE: the reader's words name its reason, never the key's content.
        let key = key.map_err(|error| unusable(&format!("it is damaged or no RSA key ({error})")))?;
        Ok(Self { id: credential.id.clone(), key: Arc::new(key) })
    }

    /// The signed statement (a JWT) that stands for the App from `now` on.
    ///
    /// # Errors
    /// `internal-error`: the machine has no randomness to blind the signature with.
    pub fn statement(&self, now: DateTime<Utc>) -> Result<Secret, Failure> {
        let part = |value: serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let issued = now.timestamp() - DRIFT;
        let claims = json!({ "iat": issued, "exp": issued + DRIFT + LIFE, "iss": self.id });
        let mut statement = format!("{}.{}", part(json!({ "alg": "RS256", "typ": "JWT" })), part(claims));
        let mut signature = vec![0; self.key.public().modulus_len()];
        self.key
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), statement.as_bytes(), &mut signature)
            .map_err(|_| Failure::new(Cause::InternalError, "The App's statement could not be signed."))?;
        statement.push('.');
        BASE64_URL_SAFE_NO_PAD.encode_string(&signature, &mut statement);
        Ok(Secret::new(statement))
    }
}

/// The form and the base64 of a PEM text.
fn armour(text: &str) -> Result<(&str, Zeroizing<String>), &'static str> {
    const BEGIN: &str = "-----BEGIN ";
    let start = text.find(BEGIN).ok_or("its first line, `-----BEGIN RSA PRIVATE KEY-----`, is missing")?;
    let (form, rest) = text[start + BEGIN.len()..].split_once("-----").ok_or("its first line is damaged")?;
    if rest.contains("ENCRYPTED") || form.contains("ENCRYPTED") {
        return Err("it is encrypted with a passphrase");
    }
    if !matches!(form, "RSA PRIVATE KEY" | "PRIVATE KEY") {
        return Err("it is something else than an App's private key");
    }
    let (body, _) = rest.split_once("-----END ").ok_or("its last line is missing: it was cut short")?;
    Ok((form, Zeroizing::new(body.chars().filter(|c| !c.is_whitespace()).collect())))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

    use super::*;

    fn generate(form: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        let mut keygen = Command::new("ssh-keygen");
        keygen.args(["-q", "-t", "rsa", "-b", "2048", "-N", "", "-m", form, "-f"]).arg(&file);
        assert!(keygen.status().unwrap().success());
        std::fs::read_to_string(&file).unwrap()
    }

    fn read(text: &str) -> Result<App, Failure> {
        App::read(&AppCredential { id: "12".into(), private_key: Secret::new(text.to_owned()) })
    }

    #[test]
    fn a_statement_says_who_and_how_long_and_is_signed() {
        let app = read(&generate("PEM")).unwrap();
        let now = "2026-11-21T12:00:00Z".parse::<DateTime<Utc>>().unwrap();
        let statement = app.statement(now).unwrap();
        let (signed, signature) = statement.expose().rsplit_once('.').unwrap();
        let (head, claims) = signed.split_once('.').unwrap();
        let json = |part: &str| -> serde_json::Value {
            serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
        };
        assert_eq!(json(head), json!({ "alg": "RS256", "typ": "JWT" }));
        assert_eq!(json(claims), json!({ "iss": "12", "iat": now.timestamp() - 60, "exp": now.timestamp() + 540 }));
        let public = app.key.public().as_ref();
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public)
            .verify(signed.as_bytes(), &BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap())
            .unwrap();
        assert!(!format!("{app:?}").contains("key"));
    }

    #[test]
    fn a_key_is_read_in_both_forms_and_with_lost_line_breaks() {
        for form in ["PEM", "PKCS8"] {
            let whole = generate(form);
            for text in [
                whole.clone(),
                whole.replace('\n', "\\n"),
                whole.replace('\n', " "),
                whole.replace('\n', "\r\n"),
                format!("\u{feff}{whole:?}"),
            ] {
                read(&text).unwrap();
            }
        }
    }

    #[test]
    fn what_is_no_key_of_an_app_is_told_apart() {
        let whole = generate("PEM");
        let swapped = whole.replacen(&whole[100..140], &"A".repeat(40), 1);
        for (text, word) in [
            (&whole[..400], "cut short"),
            (&whole[40..], "first line"),
            (&swapped, "damaged"),
            ("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----", "something else"),
            (
                "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----",
                "passphrase",
            ),
            ("12345", "first line"),
            (&base64::prelude::BASE64_STANDARD.encode(&whole), "base64"),
        ] {
            let failure = read(text).unwrap_err();
            assert_eq!(failure.cause, Cause::AppAuthFailed);
            assert!(failure.what.contains(word), "{word}: {failure}");
        }
    }
}
