//! Credentials in the files of a directory, searched for while the files are hashed.

use std::{borrow::Cow, fmt};

use aho_corasick::{AhoCorasick, MatchKind};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::credential::Secret;

/// How many bytes of the pieces before a piece are searched with it: more than any private key in text form has.
pub(super) const OVERLAP: usize = 8 * 1024;

/// A shorter secret, in bytes, is a word that any file can hold.
const SHORTEST: usize = 12;

/// A line of a key below this length, in bytes, is no secret on its own.
const SHORTEST_KEY_LINE: usize = 32;

/// Of a longer secret so many bytes are searched for: a match of them is no chance.
const LONGEST: usize = 1024;

/// The least length of a private key's body in base64, in bytes.
const SHORTEST_BODY: usize = 64;

const BEGIN: &str = "-----BEGIN ";

/// What a file holds that must not be published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exposed {
    /// One of the step's own secrets.
    OwnSecret,
    /// A private key in text form.
    PrivateKey,
    /// An `.npmrc` or `.yarnrc.yml` with a token or password that is no variable.
    RegistryToken,
}

/// Finds the step's secrets and private keys in bytes. Cheap to clone.
#[derive(Clone)]
pub struct Search(Option<AhoCorasick>);

impl fmt::Debug for Search {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Search(***)")
    }
}

impl Search {
    /// A search that finds nothing.
    pub fn nothing() -> Self {
        Self(None)
    }

    /// A search for `secrets`, as they are and in base64, whatever stands around them, and for any private key.
    pub fn of<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        // The first pattern: `find` takes a match of number 0 for a frame, of any other for a secret.
        let mut forms = vec![BEGIN.to_owned()];
        for secret in secrets {
            let value = secret.expose().trim();
            if value.contains(BEGIN) {
                // NOTE: the first line of an OpenSSH key is the same for all keys.
                // Line by line, since a file may hold the key indented or with other line ends.
                let body = value.lines().map(str::trim).filter(|line| line.len() >= SHORTEST_KEY_LINE);
                forms.extend(body.filter(|line| !line.starts_with("-----")).skip(1).map(str::to_owned));
            } else if value.len() >= SHORTEST {
                forms.push(value.to_owned());
                // Basic authentication has the token behind a name of any length: `.git/config` of actions/checkout, `.docker/config.json`.
                forms.extend(in_base64(value));
            }
        }
        let forms = forms.iter().map(|form| &form.as_bytes()[..form.len().min(LONGEST)]);
        // NOTE: building fails only for gigabytes of patterns. The kind is one of those that are searched with SIMD.
        Self(AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(forms).ok())
    }

    /// What stands in `content`. Of a piece of a file the last bytes of the piece before come first.
    pub(super) fn find(&self, content: &[u8]) -> Option<Exposed> {
        self.0.as_ref()?.find_iter(content).find_map(|found| match found.pattern().as_usize() {
            // A frame without a key does not end the search: the next match may be a secret.
            0 => is_private_key(&content[found.end()..]).then_some(Exposed::PrivateKey),
            _ => Some(Exposed::OwnSecret),
        })
    }
}

/// `value` in base64 at each of the three places in a group of three bytes: the characters that no byte around it changes.
fn in_base64(value: &str) -> impl Iterator<Item = String> {
    (0..3).map(move |before| {
        let text = STANDARD.encode([&[0; 3][..before], value.as_bytes()].concat());
        let (begin, end) = ((before * 4).div_ceil(3), (before + value.len()) * 4 / 3);
        text[begin..end].to_owned()
    })
}

/// Whether a private key follows after `-----BEGIN `: with its end and a body. Programs and pages that only name the frame have none.
fn is_private_key(after: &[u8]) -> bool {
    let after = String::from_utf8_lossy(&after[..after.len().min(OVERLAP)]);
    let Some((label, rest)) = after.split_once("-----") else { return false };
    // Only OpenPGP ends its label with `PRIVATE KEY BLOCK`.
    let kind = label.strip_suffix(" BLOCK").unwrap_or(label);
    let is_label = label.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' ');
    if !kind.ends_with("PRIVATE KEY") || !is_label {
        return false;
    }
    let Some((body, _)) = rest.split_once("-----END ") else { return false };
    // A key in JSON or in a variable has its line breaks escaped.
    let body: Cow<'_, str> =
        if body.contains('\\') { body.replace("\\r", "").replace("\\n", "\n").into() } else { body.into() };
    // An encrypted PEM key has headers such as `Proc-Type: 4,ENCRYPTED` before its body.
    let lines = body.lines().map(str::trim).filter(|line| !line.is_empty() && !line.contains(": "));
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    let mut length = 0;
    for line in lines {
        if !line.bytes().all(is_base64) {
            return false;
        }
        length += line.len();
    }
    length >= SHORTEST_BODY
}

/// Whether the content of a `.yarnrc.yml` has a credential that is not read from a variable.
///
/// Source: <https://yarnpkg.com/configuration/yarnrc#npmAuthToken>
pub(super) fn has_yarn_token(content: &[u8]) -> bool {
    let content = String::from_utf8_lossy(content);
    content.lines().filter_map(|line| line.split_once(':')).any(|(key, value)| {
        let value = value.trim().trim_matches(['"', '\'']);
        matches!(key.trim(), "npmAuthToken" | "npmAuthIdent") && !value.is_empty() && !value.starts_with('$')
    })
}

/// Whether the content of an `.npmrc` has a credential that is not read from a variable.
///
/// Source: <https://docs.npmjs.com/cli/v11/configuring-npm/npmrc#auth-related-configuration>
pub(super) fn has_registry_token(content: &[u8]) -> bool {
    let content = String::from_utf8_lossy(content);
    content.lines().filter_map(|line| line.split_once('=')).any(|(key, value)| {
        let (key, value) = (key.trim(), value.trim().trim_matches('"'));
        let is_credential = ["_authToken", "_auth", "_password"]
            .iter()
            // `//host/:_authToken` is a credential, `always_auth` is a setting.
            .any(|name| key.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with(':')));
        // npm itself fills in `${NPM_TOKEN}` when it reads the file: such a line gives nothing away.
        is_credential && !value.is_empty() && !value.starts_with('$')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj";

    fn search() -> Search {
        Search::of(&[Secret::new("ghp_0123456789abcdef".into()), Secret::new("short".into())])
    }

    #[test]
    fn the_steps_secrets_are_found_as_they_are_and_as_git_sends_them() {
        for text in ["token: ghp_0123456789abcdef\n", "basic eC1hY2Nlc3MtdG9rZW46Z2hwXzAxMjM0NTY3ODlhYmNkZWY="] {
            assert_eq!(search().find(text.as_bytes()), Some(Exposed::OwnSecret), "{text}");
        }
        for around in ["", "a", "ab", "abc:", "robin:", "x-token-auth:"] {
            for after in ["", "\n", "\r\n", "abc"] {
                let text = STANDARD.encode(format!("{around}ghp_0123456789abcdef{after}"));
                assert_eq!(search().find(text.as_bytes()), Some(Exposed::OwnSecret), "{around} {after}");
            }
            let other = STANDARD.encode(format!("{around}ghp_0123456789bbcdef"));
            assert_eq!(search().find(other.as_bytes()), None, "{around}");
        }
        for text in ["", "short", "ghp_0123456789abcde"] {
            assert_eq!(search().find(text.as_bytes()), None, "{text}");
        }
        assert_eq!(format!("{:?}", search()), "Search(***)");
    }

    #[test]
    fn a_private_key_is_more_than_its_frame() {
        for kind in
            ["RSA PRIVATE KEY", "PRIVATE KEY", "OPENSSH PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "PGP PRIVATE KEY BLOCK"]
        {
            let key =
                format!("x\n-----BEGIN {kind}-----\nProc-Type: 4,ENCRYPTED\n\n{BODY}\n{BODY}\n-----END {kind}-----\n");
            assert_eq!(search().find(key.as_bytes()), Some(Exposed::PrivateKey), "{kind}");
            let json = serde_json::json!({ "private_key": key }).to_string();
            assert_eq!(search().find(json.as_bytes()), Some(Exposed::PrivateKey), "{json}");
        }
        for text in [
            format!("-----BEGIN PUBLIC KEY-----\n{BODY}\n-----END PUBLIC KEY-----"),
            format!("-----BEGIN CERTIFICATE-----\n{BODY}\n-----END CERTIFICATE-----"),
            "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----".to_owned(),
            "'-----BEGIN RSA PRIVATE KEY-----\\r\\n' + body + '\\r\\n-----END RSA PRIVATE KEY-----'".to_owned(),
            format!("-----BEGIN PRIVATE KEY-----\n{BODY}"),
        ] {
            assert_eq!(search().find(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn an_npmrc_with_a_value_is_told_from_one_with_a_variable() {
        for text in ["//registry.npmjs.org/:_authToken=npm_abc", "_auth = Zm9v", "//x/:_password=\"a\""] {
            assert!(has_registry_token(text.as_bytes()), "{text}");
        }
        for text in
            ["//registry.npmjs.org/:_authToken=${NPM_TOKEN}", "registry=https://x", "always_auth=true", "_auth="]
        {
            assert!(!has_registry_token(text.as_bytes()), "{text}");
        }
    }
}
