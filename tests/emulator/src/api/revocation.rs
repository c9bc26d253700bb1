//! Credentials that whoever found them has revoked: the one call that must come without a credential.
//!
//! <https://docs.github.com/en/rest/credentials/revoke>

use serde_json::json;

use super::{Call, Handled, refusal};
use crate::{
    answer::Answer,
    model::{Flavour, TokenKind},
};

/// The most credentials that one request may name.
const MOST: usize = 1000;

/// `POST /credentials/revoke`. What is no credential, or dead already, is passed over: the answer tells nothing of it.
pub(super) fn revoke(call: &mut Call<'_>) -> Handled {
    if call.model.settings.flavour != Flavour::Cloud {
        return Err(refusal::not_found());
    }
    if call.token.is_some() {
        return Err(refusal::error(403, "This endpoint must be called without authentication."));
    }
    if call.model.settings.revocations_left == 0 {
        let text = "API rate limit exceeded for 127.0.0.1. (But here's the good news: Authenticated requests get a \
                    higher rate limit. Check out the documentation for more details.)";
        return Err(refusal::error(403, text).header("retry-after", "3600"));
    }
    call.model.settings.revocations_left -= 1;
    let list = call.body["credentials"].as_array().cloned().unwrap_or_default();
    if list.is_empty() || list.len() > MOST || !list.iter().all(serde_json::Value::is_string) {
        let body = json!({"message": "Validation Failed", "documentation_url": "https://docs.github.com/rest",
            "errors": [format!("credentials must be a list of 1 to {MOST} strings")]});
        return Err(Answer::json(422, &body));
    }
    for token in &mut call.model.tokens {
        let named = list.iter().any(|one| one == token.value());
        // An installation token is not among the kinds that this call takes.
        let taken = !matches!(token.kind, TokenKind::Installation(..) | TokenKind::GithubToken(_));
        token.revoked |= named && taken;
    }
    Ok(Answer::json(202, &json!({})))
}
