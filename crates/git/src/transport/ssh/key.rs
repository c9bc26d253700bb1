//! The private key of a deploy key, read whole or refused with what is wrong with it.

use std::{fmt, sync::Arc};

use russh::keys::{HashAlg, PrivateKey, decode_secret_key};

use crate::{
    credential::{Secret, is_key_in_base64, repaired_key_text},
    diagnosis::errors::KeyError,
};

/// A private key that can sign. It does not print.
#[derive(Clone)]
pub struct DeployKey(Arc<PrivateKey>);

impl DeployKey {
    /// Reads a key in OpenSSH or PEM form (PKCS#1, SEC1, PKCS#8).
    ///
    /// # Errors
    /// What the text is instead.
    pub fn read(secret: &Secret) -> Result<Self, KeyError> {
        read_private_key(secret).map(|key| Self(Arc::new(key)))
    }

    /// The key, to sign with.
    pub(super) fn private(&self) -> &Arc<PrivateKey> {
        &self.0
    }

    /// The public half as a person can compare it: `ssh-ed25519 SHA256:…`.
    pub fn fingerprint(&self) -> String {
        let public = self.0.public_key();
        format!("{} {}", public.algorithm(), public.fingerprint(HashAlg::Sha256))
    }
}

impl fmt::Debug for DeployKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeployKey(***)")
    }
}

/// Reads a private key in OpenSSH or PEM form (PKCS#1, SEC1, PKCS#8). Line breaks that a secret store has turned into
/// blanks or `\n` do not matter.
///
/// # Errors
/// What the text is instead.
pub fn read_private_key(secret: &Secret) -> Result<PrivateKey, KeyError> {
    let text = repaired_key_text(secret.expose());
    let lines: Vec<&str> = text.lines().collect();
    if let Some(error) = visible_fault(&lines) {
        return Err(error);
    }
    match decode_secret_key(&text, None) {
        Ok(key) => Ok(key),
        Err(russh::keys::Error::KeyIsEncrypted) => Err(KeyError::Encrypted),
        // NOTE: the reader's own words name structures of the format, never the key's content.
        Err(error) => Err(KeyError::Damaged(error.to_string())),
    }
}

/// What the text's outer form shows to be wrong.
fn visible_fault(lines: &[&str]) -> Option<KeyError> {
    let has = |words: &str| lines.iter().any(|line| line.contains(words));
    let first = lines.iter().find(|line| !line.is_empty())?;
    if first.starts_with("PuTTY-User-Key-File") {
        return Some(KeyError::PuttyForm);
    }
    if first.starts_with("ssh-") || first.starts_with("ecdsa-sha2-") || has("BEGIN PUBLIC KEY") {
        return Some(KeyError::PublicHalf);
    }
    if !has("-----BEGIN ") && is_key_in_base64(&lines.concat()) {
        return Some(KeyError::Base64);
    }
    if !has("-----BEGIN ") {
        return Some(KeyError::NoFirstLine);
    }
    // PEM says so in its header; OpenSSH's own form says it inside, where only decoding finds it.
    if has("ENCRYPTED") {
        return Some(KeyError::Encrypted);
    }
    if !has("PRIVATE KEY-----") {
        return Some(KeyError::NotPrivateKey);
    }
    if !has("-----END ") {
        return Some(KeyError::NoLastLine);
    }
    None
}

#[cfg(test)]
pub(super) mod tests {
    use std::process::Command;

    use super::*;
    use crate::diagnosis::{Cause, Failure};

    fn run(program: &str, arguments: &[&str]) -> Vec<u8> {
        let output = Command::new(program).args(arguments).output().unwrap();
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// Makes a key with OpenSSH's own tool: the private file's text and the public half's fingerprint.
    pub(in super::super) fn generate(kind: &[&str], passphrase: &str) -> (String, String) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        let file = file.to_str().unwrap();
        run("ssh-keygen", &[&["-q", "-N", passphrase, "-C", "x", "-f", file], kind].concat());
        let shown = String::from_utf8(run("ssh-keygen", &["-lf", file])).unwrap();
        (std::fs::read_to_string(file).unwrap(), shown.split(' ').nth(1).unwrap().to_owned())
    }

    fn read(text: &str) -> Result<DeployKey, Failure> {
        DeployKey::read(&Secret::new(text.to_owned())).map_err(|error| error.of_input("ssh-key"))
    }

    #[test]
    fn keys_of_every_kind_and_form_are_read() {
        for kind in [
            &["-t", "ed25519"][..],
            &["-t", "ecdsa", "-b", "256"],
            &["-t", "ecdsa", "-b", "384"],
            &["-t", "ecdsa", "-b", "521"],
            &["-t", "rsa", "-b", "2048"],
            &["-t", "rsa", "-b", "2048", "-m", "PEM"],
            &["-t", "rsa", "-b", "2048", "-m", "PKCS8"],
            &["-t", "ecdsa", "-b", "256", "-m", "PEM"],
            &["-t", "ecdsa", "-b", "384", "-m", "PKCS8"],
        ] {
            let (text, fingerprint) = generate(kind, "");
            let key = read(&text).unwrap_or_else(|failure| panic!("{kind:?}: {failure}"));
            assert!(key.fingerprint().ends_with(&fingerprint), "{kind:?}: {}", key.fingerprint());
            let indented = text.lines().collect::<Vec<_>>().join(" \r\n    ");
            for damaged in [indented, text.replace('\n', "\\n"), text.replace('\n', " "), format!("{text:?}")] {
                assert!(read(&damaged).is_ok(), "{kind:?}");
            }
            assert_eq!(format!("{key:?}"), "DeployKey(***)");
        }
    }

    #[test]
    fn an_encrypted_key_is_named_in_every_form() {
        for kind in [
            &["-t", "ed25519"][..],
            &["-t", "rsa", "-b", "2048", "-m", "PEM"],
            &["-t", "rsa", "-b", "2048", "-m", "PKCS8"],
        ] {
            let failure = read(&generate(kind, "secret").0).unwrap_err();
            assert_eq!(failure.cause, Cause::SshKeyUnusable);
            assert!(failure.what.contains("passphrase"), "{kind:?}: {failure}");
        }
    }

    #[test]
    fn what_is_no_whole_key_is_told_apart() {
        let (whole, _) = generate(&["-t", "ed25519"], "");
        let lines: Vec<&str> = whole.lines().collect();
        let body = &whole[..whole.len() - 60];
        let middle = format!("{}\n{}\n{}\n", lines[0], lines[2], lines[lines.len() - 1]);
        for (text, word) in [
            (&lines[..lines.len() - 1].join("\n")[..], "last line"),
            (&lines[1..].join("\n"), "first line"),
            (body, "last line"),
            (&base64::Engine::encode(&base64::prelude::BASE64_STANDARD, &whole), "base64"),
            (&middle, "damaged"),
            ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB9dG4kjRhQTtWTVzd2t27 x", "public half"),
            ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "public half"),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "something else"),
            ("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none", "PuTTY"),
            ("ghp_not_a_key", "first line"),
        ] {
            let failure = read(text).unwrap_err();
            assert_eq!(failure.cause, Cause::SshKeyUnusable, "{text}");
            assert!(failure.what.contains(word), "{word}: {failure}");
            assert!(!failure.what.contains(lines[1]));
        }
    }
}
