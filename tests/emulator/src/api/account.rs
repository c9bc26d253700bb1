//! Who calls, what is left of the rate limit, and what the server says of itself.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Call, Handled, refusal, resources};
use crate::{
    access::{self, Refusal},
    answer::Answer,
    model::{Flavour, Level},
};

/// `GET /user`
pub(super) fn user(call: &mut Call<'_>) -> Handled {
    let Some(token) = call.token.clone() else { return Err(refusal::error(401, "Requires authentication")) };
    if token.is_bot() {
        return Err(refusal::error(403, "Resource not accessible by integration"));
    }
    let mut user = public(call, &token.login);
    if token.scopes().is_some_and(|scopes| scopes.iter().any(|scope| scope == "user")) {
        for count in ["private_gists", "total_private_repos", "owned_private_repos", "disk_usage", "collaborators"] {
            user[count] = json!(0);
        }
        user["two_factor_authentication"] = json!(true);
    }
    Ok(Answer::json(200, &user))
}

/// What everybody sees of an account.
fn public(call: &Call<'_>, login: &str) -> Value {
    let mut user = resources::account(call, login);
    let more = json!({
        "name": null, "company": null, "blog": "", "location": null, "email": null, "hireable": null, "bio": null,
        "public_repos": 2, "public_gists": 0, "followers": 0, "following": 0,
        "created_at": "2020-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
    });
    if let (Value::Object(user), Value::Object(more)) = (&mut user, more) {
        user.extend(more);
    }
    user
}

/// Whether the server has this account: one that was declared, that owns something or that has a token.
fn is_known(call: &Call<'_>, login: &str) -> bool {
    let is = |other: &String| other.eq_ignore_ascii_case(login);
    let model = &call.model;
    model.accounts.iter().any(|account| is(&account.login))
        || model.repositories.iter().any(|repository| is(&repository.owner) || repository.collaborators.keys().any(is))
        || model.tokens.iter().any(|token| is(&token.login))
        || model.apps.iter().any(|app| is(&format!("{}[bot]", app.slug)))
        || login.eq_ignore_ascii_case("github-actions[bot]")
}

/// `GET /users/{username}`; a bot's name is escaped in the address.
pub(super) fn of_login(call: &mut Call<'_>, login: &str) -> Handled {
    if is_known(call, login) { Ok(Answer::json(200, &public(call, login))) } else { Err(refusal::not_found()) }
}

/// `GET /users/{username}/ssh_signing_keys`, which everybody may see.
pub(super) fn signing_keys(call: &mut Call<'_>, login: &str) -> Handled {
    if !is_known(call, login) {
        return Err(refusal::not_found());
    }
    let keys = call.model.find_account(login).signing_keys;
    let shown = keys.iter().enumerate().map(|(number, key)| {
        // GitHub keeps a key without its comment.
        let key = key.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
        json!({"id": number + 1, "key": key, "title": "signing key", "created_at": "2026-01-05T08:00:00Z"})
    });
    let (page, _) = super::runs::page(call, &shown.collect::<Vec<_>>())?;
    Ok(Answer::json(200, &Value::Array(page)))
}

/// `GET /user/repos`: without the organizations for whose single sign-on the token is not authorized, which a header
/// names.
pub(super) fn repositories(call: &mut Call<'_>) -> Handled {
    let Some(token) = call.token.clone() else { return Err(refusal::error(401, "Requires authentication")) };
    if token.is_bot() {
        return Err(refusal::error(403, "Resource not accessible by integration"));
    }
    let (mut list, mut left_out) = (Vec::new(), BTreeSet::new());
    for repository in call.model.repositories.iter().filter(|repository| repository.wiki_of.is_none()) {
        let member = repository.owner.eq_ignore_ascii_case(&token.login)
            || repository.collaborators.contains_key(&token.login.to_ascii_lowercase());
        match access::check(call.model, Some(&token), repository, "metadata", Level::Read) {
            Ok(()) if member => list.push(resources::full(call, repository)),
            Err(Refusal::Sso(organization)) => {
                left_out.insert(call.model.find_account(&organization).id.to_string());
            }
            _ => {}
        }
    }
    let (page, _) = super::runs::page(call, &list)?;
    let answer = Answer::json(200, &Value::Array(page));
    if left_out.is_empty() {
        return Ok(answer);
    }
    let ids = left_out.into_iter().collect::<Vec<_>>().join(",");
    Ok(answer.header("x-github-sso", format!("partial-results; organizations={ids}")))
}

/// `GET /rate_limit`
pub(super) fn rate_limit(call: &Call<'_>) -> Answer {
    let (limit, used, reset) = match &call.token {
        Some(token) => (token.rate.limit, token.rate.used, token.rate.reset.timestamp()),
        None => (60, 0, call.model.now().timestamp() + 3600),
    };
    let core = json!({"limit": limit, "used": used, "remaining": limit.saturating_sub(used), "reset": reset});
    let search = json!({"limit": 30, "used": 0, "remaining": 30, "reset": call.model.now().timestamp() + 60});
    let mut body = json!({"resources": {"core": core, "search": search}});
    if call.version != "2026-03-10" {
        body["rate"] = core;
    }
    Answer::json(200, &body)
}

/// `GET /meta`
pub(super) fn meta(call: &Call<'_>) -> Answer {
    let body = match &call.model.settings.flavour {
        Flavour::Cloud => json!({
            "verifiable_password_authentication": false,
            "ssh_key_fingerprints": {"SHA256_ED25519": "+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"},
            "ssh_keys": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"],
        }),
        Flavour::Enterprise(release) => {
            json!({"verifiable_password_authentication": true, "installed_version": release})
        }
    };
    Answer::json(200, &body)
}
