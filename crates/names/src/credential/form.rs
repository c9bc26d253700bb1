//! Token texts that no server can know, found by their form before any request.

use base64::{Engine, prelude::BASE64_STANDARD};
use zeroize::Zeroizing;

/// What stands in `token` in place of a token, as the end of a sentence; `None` where the form is possible.
/// It never repeats a part of the text, which can be the secret.
pub fn token_form_fault(token: &str) -> Option<&'static str> {
    let token = token.trim();
    let lower = token.to_ascii_lowercase();
    // First: with quotation marks or a header's words around it the same text would be taken for another mistake.
    if token.contains("${{") {
        return Some(
            "holds a `${{ … }}` expression that was not evaluated. Expressions work in a workflow file, not in a \
             secret's value, a script or a file. Pass the secret itself",
        );
    }
    if !token.is_empty() && token.bytes().all(|byte| byte == b'*') {
        return Some(
            "is a row of asterisks: a masked value was copied from a log. Store the token itself as the secret",
        );
    }
    if token.starts_with(['"', '\'', '`']) || token.ends_with(['"', '\'', '`']) {
        return Some("has quotation marks around it, and they are part of the secret. Store the token without them");
    }
    if ["authorization:", "bearer ", "token ", "basic "].iter().any(|scheme| lower.starts_with(scheme)) {
        return Some(
            "begins with the words of an HTTP header (such as `Bearer` or `token`). Store the token alone, without them",
        );
    }
    if lower.starts_with("ghr_") {
        return Some(
            "is a refresh token (`ghr_`), which can only be exchanged for an access token. Store an access token or a \
             personal access token",
        );
    }
    if let Some(fault) = of_another_kind(token, &lower) {
        return Some(fault);
    }
    if has_name_in_front(token) {
        return Some("has a name in front of the token (as in `NAME=…`). Store the token alone, without the name");
    }
    of_no_value(token, &lower).or_else(|| damaged(token))
}

fn has_name_in_front(token: &str) -> bool {
    PREFIXES
        .iter()
        .filter_map(|prefix| token.find(prefix))
        .min()
        .is_some_and(|start| start > 0 && token[..start].trim_end().ends_with(['=', ':']))
}

/// How GitHub's tokens begin.
const PREFIXES: [&str; 5] = ["ghp_", "github_pat_", "ghs_", "gho_", "ghu_"];

/// How the tokens of other services begin that stand in the same secrets.
const FOREIGN: [&str; 6] = ["glpat-", "npm_", "pypi-", "dckr_pat_", "hvs.", "xoxb-"];

/// Something whole that belongs into another place.
fn of_another_kind(token: &str, lower: &str) -> Option<&'static str> {
    if token.contains("-----BEGIN ") {
        return Some(
            "is a key or certificate in PEM, not a token. Pass a deploy key as `ssh-key`, and an App's key as \
             `app-private-key` with `app-id`",
        );
    }
    if lower.starts_with("ssh-") || lower.starts_with("ecdsa-sha2-") || token.starts_with("SHA256:") {
        return Some(
            "is the public half or the fingerprint of an SSH key. Store a token, or pass the private half as `ssh-key`",
        );
    }
    if lower.starts_with("http://") || lower.starts_with("https://") {
        return Some("is a web address. Store the token alone, without the address around it");
    }
    if token.starts_with(['{', '[']) {
        return Some("is JSON. Store the token alone, without what stands around it");
    }
    if FOREIGN.iter().any(|prefix| token.starts_with(prefix)) {
        return Some(
            "is a token of another service, which GitHub does not know. Store a token of the target's own server",
        );
    }
    // An App's id, or a run's: the oldest tokens have 40 characters.
    if token.len() < 40 && !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some("is a number, such as an App's id (`app-id`). Store a token");
    }
    let decoded = BASE64_STANDARD.decode(token).map(Zeroizing::new).ok()?;
    let pair = decoded.strip_prefix(b"x-access-token:").unwrap_or(&decoded);
    PREFIXES
        .iter()
        .any(|prefix| pair.starts_with(prefix.as_bytes()))
        .then_some("is a token in base64. Store the token itself, which `base64 -d` prints")
}

/// A name or a word that stands where a value was meant.
fn of_no_value(token: &str, lower: &str) -> Option<&'static str> {
    if token.starts_with(['$', '%']) {
        return Some(
            "is the name of a variable that was not filled in. Pass the value itself, as in `${{ secrets.NAME }}`",
        );
    }
    if ["null", "undefined", "none", "nil", "true", "false"].contains(&lower) {
        return Some("is a word that stands for no value: what should give the token gave nothing");
    }
    let is_name = token.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    if lower.starts_with("secrets.") || lower.starts_with("env.") || (is_name && token.contains('_')) {
        return Some("is the name of a secret, not its value. Write `${{ secrets.NAME }}` in the workflow file");
    }
    let is_placeholder = token.starts_with('<')
        || lower.starts_with("your")
        || lower.contains("token-here")
        || lower.contains("token_here");
    is_placeholder.then_some("is a placeholder of an example. Put a token of your own into the secret")
}

/// A token that was cut or copied with more than itself.
fn damaged(token: &str) -> Option<&'static str> {
    if token.contains("...") || token.contains('\u{2026}') {
        return Some("has dots where a part was left out. Copy the whole token: GitHub shows it once, when it is made");
    }
    if token.contains(char::is_whitespace) {
        return Some("has a blank or a line break inside. Store one token, in one line, and nothing beside it");
    }
    // No header can hold a control character either.
    let possible = token.bytes().all(|byte| byte.is_ascii_graphic());
    (!possible).then_some(
        "has a character that no token has. Type nothing into it, and copy it again from the page that shows it",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_of_every_known_form_pass() {
        for token in
            ["ghp_a1", "github_pat_a_b", "ghs_a", "ghs_1_a.b.c-d", "gho_a", "ghu_a", "v1.ab", "0123abcd", " ghp_a\n"]
        {
            assert_eq!(token_form_fault(token), None, "{token}");
        }
    }

    #[test]
    fn what_is_no_token_is_called_by_its_name() {
        let encoded = BASE64_STANDARD.encode("x-access-token:ghp_0123456789");
        for (token, word) in [
            ("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA", "`ssh-key`"),
            ("ssh-ed25519 AAAAC3", "public half"),
            ("SHA256:abc", "fingerprint"),
            ("https://x-access-token:ghp_a@github.com", "web address"),
            (r#"{"token": "a"}"#, "JSON"),
            ("glpat-abc", "another service"),
            ("npm_abc", "another service"),
            ("123456", "a number"),
            (&encoded, "base64"),
            ("$GH_TOKEN", "a variable"),
            ("${GH_TOKEN}", "a variable"),
            ("%GH_TOKEN%", "a variable"),
            ("undefined", "no value"),
            ("secrets.SITE_TOKEN", "the name of a secret"),
            ("SITE_TOKEN", "the name of a secret"),
            ("<your token>", "a placeholder"),
            ("YOUR-TOKEN-HERE", "a placeholder"),
            ("ghp_abc...xyz", "dots"),
            ("github_pat_ab\u{2026}", "dots"),
            ("ghp_abc\nghp_def", "line break"),
            ("ghp_abc def", "a blank"),
            ("ghp_abc\tdef", "a blank"),
            ("ghp_\u{430}bc", "a character"),
            ("\u{feff}ghp_abc", "a character"),
            ("ghp_abc\u{7f}", "a character"),
            ("ghp_\u{1}abc", "a character"),
        ] {
            let fault = token_form_fault(token).unwrap_or_else(|| panic!("{token}"));
            assert!(fault.contains(word), "{token}: {fault}");
        }
    }
}
