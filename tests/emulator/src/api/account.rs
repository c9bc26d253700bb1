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
    let mut user = resources::account(call, &token.login);
    let more = json!({
        "name": null, "company": null, "blog": "", "location": null, "email": null, "hireable": null, "bio": null,
        "public_repos": 2, "public_gists": 0, "followers": 0, "following": 0,
        "created_at": "2020-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
    });
    if let (Value::Object(user), Value::Object(more)) = (&mut user, more) {
        user.extend(more);
        if token.scopes().is_some_and(|scopes| scopes.iter().any(|scope| scope == "user")) {
            user.extend([("private_gists".to_owned(), json!(0)), ("total_private_repos".to_owned(), json!(0))]);
            user.extend([("owned_private_repos".to_owned(), json!(0)), ("disk_usage".to_owned(), json!(0))]);
            user.extend([
                ("collaborators".to_owned(), json!(0)),
                ("two_factor_authentication".to_owned(), json!(true)),
            ]);
        }
    }
    Ok(Answer::json(200, &user))
}

/// `GET /user/repos`: without the organizations for whose single sign-on the token is not authorized, which a header
/// names.
pub(super) fn repositories(call: &mut Call<'_>) -> Handled {
    let Some(token) = call.token.clone() else { return Err(refusal::error(401, "Requires authentication")) };
    if token.is_bot() {
        return Err(refusal::error(403, "Resource not accessible by integration"));
    }
    let (mut list, mut left_out) = (Vec::new(), BTreeSet::new());
    for repository in &call.model.repositories {
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
