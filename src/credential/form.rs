//! Token texts that no server can know, found by their form before any request.

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
    let named = ["ghp_", "github_pat_", "ghs_", "gho_", "ghu_"]
        .iter()
        .filter_map(|prefix| token.find(prefix))
        .min()
        .is_some_and(|start| start > 0 && token[..start].trim_end().ends_with(['=', ':']));
    named.then_some("has a name in front of the token (as in `NAME=…`). Store the token alone, without the name")
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
}
