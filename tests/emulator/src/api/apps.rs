//! GitHub Apps: the signed statement they authenticate with, their installations, the tokens they mint.
//!
//! <https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app>

use std::collections::BTreeMap;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::{Map, Value, json};

use super::{Call, Handled, refusal, resources};
use crate::{
    answer::Answer,
    model::{App, Installation, Level, Repository, Selection, Token, TokenKind, timestamp},
};

/// The App that a JWT speaks for, or what is wrong with it.
fn authenticate(call: &Call<'_>, secret: Option<&str>) -> Result<App, Answer> {
    let refused = |text: &str| refusal::error(401, text);
    let Some(jwt) = secret else { return Err(refused("Requires authentication")) };
    let undecodable = || refused("A JSON web token could not be decoded");
    let (signed, signature) = jwt.rsplit_once('.').ok_or_else(undecodable)?;
    let (head, claims) = signed.split_once('.').ok_or_else(undecodable)?;
    let read = |part: &str| -> Option<Value> { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok() };
    let (head, claims) = read(head).zip(read(claims)).ok_or_else(undecodable)?;
    if head["alg"] != "RS256" {
        return Err(undecodable());
    }
    let issuer = claims["iss"].as_str().map_or_else(|| claims["iss"].to_string(), str::to_owned);
    let app = call.model.apps.iter().find(|app| app.id.to_string() == issuer || app.client_id == issuer);
    let app = app.ok_or_else(|| refused("A JSON web token could not be decoded"))?;
    let key = public_key(&app.public_key).unwrap_or_default();
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| undecodable())?;
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key)
        .verify(signed.as_bytes(), &signature)
        .map_err(|_| undecodable())?;
    let now = call.model.now().timestamp();
    let (Some(issued), Some(expires)) = (claims["iat"].as_i64(), claims["exp"].as_i64()) else {
        return Err(refused("Missing 'issued at' claim ('iat') in assertion"));
    };
    if issued > now {
        let text = "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued";
        return Err(refused(text));
    }
    if expires <= now {
        let text = "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the \
                    assertion expires";
        return Err(refused(text));
    }
    if expires > now + 600 {
        return Err(refused("'Expiration time' claim ('exp') is too far in the future"));
    }
    Ok(app.clone())
}

/// The PKCS#1 key inside a PEM of either form.
fn public_key(pem: &str) -> Option<Vec<u8>> {
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).map(str::trim).collect();
    let der = STANDARD.decode(body).ok()?;
    // rsaEncryption with its NULL parameter and the tag of the bit string that holds the key
    let marker = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00, 0x03];
    let Some(at) = der.windows(marker.len()).position(|window| window == marker) else { return Some(der) };
    let start = der[at..].iter().skip(marker.len()).position(|&byte| byte == 0x30)?;
    Some(der[at + marker.len() + start..].to_vec())
}

fn permissions(permissions: &BTreeMap<String, Level>) -> Value {
    let table: Map<_, _> = permissions.iter().map(|(name, level)| (name.clone(), json!(level.as_str()))).collect();
    Value::Object(table)
}

fn selection(selection: &Selection) -> &'static str {
    if *selection == Selection::All { "all" } else { "selected" }
}

/// `GET /app`
pub(super) fn app(call: &mut Call<'_>, secret: Option<&str>) -> Handled {
    let app = authenticate(call, secret)?;
    let held = app.installations.first().map(|installation| permissions(&installation.permissions));
    let body = json!({
        "id": app.id, "slug": app.slug, "client_id": app.client_id, "node_id": format!("A_{}", app.id),
        "owner": resources::account(call, "app-owner"), "name": app.slug, "description": null,
        "external_url": "https://example.com", "html_url": format!("{}/apps/{}", call.shared.url(), app.slug),
        "created_at": "2026-01-05T08:00:00Z", "updated_at": "2026-01-05T08:00:00Z",
        "permissions": held.unwrap_or_else(|| json!({})), "events": [], "installations_count": app.installations.len(),
    });
    Ok(Answer::json(200, &body))
}

fn installation_object(call: &Call<'_>, app: &App, installation: &Installation) -> Value {
    let account = resources::account(call, &installation.owner);
    let url = format!("{}/app/installations/{}", call.api(), installation.id);
    json!({
        "id": installation.id, "account": account, "repository_selection": selection(&installation.repositories),
        "access_tokens_url": format!("{url}/access_tokens"),
        "repositories_url": format!("{}/installation/repositories", call.api()),
        "html_url": format!("{}/settings/installations/{}", call.shared.url(), installation.id), "app_id": app.id,
        "client_id": app.client_id, "target_id": account["id"], "target_type": account["type"],
        "permissions": permissions(&installation.permissions), "events": [], "created_at": "2026-01-05T08:00:00Z",
        "updated_at": "2026-01-05T08:00:00Z", "single_file_name": null, "app_slug": app.slug,
        "suspended_by": installation.suspended.then(|| account.clone()),
        "suspended_at": installation.suspended.then_some("2026-02-01T08:00:00Z"),
    })
}

/// `GET /app/installations`
pub(super) fn installations(call: &mut Call<'_>, secret: Option<&str>) -> Handled {
    let app = authenticate(call, secret)?;
    let list = app.installations.iter().map(|one| {
        let mut object = installation_object(call, &app, one);
        // NOTE: the description asks here for a user and an enterprise in one, so this list bears the fields of both.
        for (key, value) in [("name", &one.owner), ("slug", &one.owner)] {
            object["account"][key] = json!(value);
        }
        object["account"]["created_at"] = json!("2026-01-05T08:00:00Z");
        object["account"]["updated_at"] = json!("2026-01-05T08:00:00Z");
        object
    });
    let all: Vec<_> = list.collect();
    let (page, _) = super::runs::page(call, &all)?;
    Ok(Answer::json(200, &Value::Array(page)))
}

fn reaches(installation: &Installation, repository: &Repository) -> bool {
    repository.wiki_of.is_none()
        && installation.owner.eq_ignore_ascii_case(&repository.owner)
        && match &installation.repositories {
            Selection::All => true,
            Selection::Only(some) => some.iter().any(|slug| slug.eq_ignore_ascii_case(&repository.slug())),
        }
}

/// `GET /repos/{owner}/{repo}/installation`
pub(super) fn of_repository(call: &mut Call<'_>, secret: Option<&str>, owner: &str, name: &str) -> Handled {
    let app = authenticate(call, secret)?;
    let slug = format!("{owner}/{name}");
    // `/repositories/ID/installation`, where the redirect leads
    let by_id = name.parse::<u64>().ok().filter(|_| owner.is_empty());
    let found = match by_id {
        Some(id) => call.model.repositories.iter().find(|repository: &&Repository| repository.id == id),
        None => call.model.find(&slug),
    };
    let Some(repository) = found else {
        let former = call.model.find_former(&slug).map(|now| now.id);
        return Err(former.map_or_else(refusal::not_found, |id| call.moved(id)));
    };
    let installation = app.installations.iter().find(|installation| reaches(installation, repository));
    let installation = installation.ok_or_else(refusal::not_found)?;
    Ok(Answer::json(200, &installation_object(call, &app, installation)))
}

/// `POST /app/installations/{installation_id}/access_tokens`
pub(super) fn mint(call: &mut Call<'_>, secret: Option<&str>, id: &str) -> Handled {
    let app = authenticate(call, secret)?;
    let installation = app.installations.iter().find(|installation| installation.id.to_string() == id);
    let installation = installation.ok_or_else(refusal::not_found)?;
    if installation.suspended {
        return Err(refusal::error(403, "This installation has been suspended"));
    }
    let mut granted: Vec<(&str, Level)> = Vec::new();
    for (name, level) in call.body["permissions"].as_object().cloned().unwrap_or_default() {
        let level = if level == json!("write") { Level::Write } else { Level::Read };
        match installation.permissions.get_key_value(&name) {
            Some((name, held)) if *held >= level => granted.push((name, level)),
            _ => {
                return Err(refusal::error(422, "The permissions requested are not granted to this installation."));
            }
        }
    }
    if granted.is_empty() {
        granted = installation.permissions.iter().map(|(name, level)| (name.as_str(), *level)).collect();
    }
    let wanted = chosen(call, installation)?;
    let slugs: Option<Vec<String>> = wanted.map(|some| some.iter().map(Repository::slug).collect());
    let names: Vec<&str> = match (&slugs, &installation.repositories) {
        (Some(some), _) | (None, Selection::Only(some)) => some.iter().map(String::as_str).collect(),
        (None, Selection::All) => vec!["*"],
    };
    let token = Token::installation(&app.slug, &installation.owner, &names, &granted);
    let grant = token.grant();
    let mut body = json!({
        "token": token.value(), "expires_at": token.expires.map(timestamp),
        "permissions": grant.map(|grant| permissions(&grant.permissions)),
        "repository_selection": grant.map(|grant| selection(&grant.repositories)),
    });
    if let Some(slugs) = &slugs {
        let list = slugs.iter().filter_map(|slug| call.model.find(slug)).map(|found| resources::full(call, found));
        body["repositories"] = Value::Array(list.collect());
    }
    call.model.tokens.push(token);
    Ok(Answer::json(201, &body))
}

/// The repositories that the request cuts the token down to.
fn chosen(call: &Call<'_>, installation: &Installation) -> Result<Option<Vec<Repository>>, Answer> {
    let names = call.body["repositories"].as_array().cloned().unwrap_or_default();
    let ids = call.body["repository_ids"].as_array().cloned().unwrap_or_default();
    let mut chosen = Vec::new();
    for wanted in names.iter().chain(&ids) {
        let found = match wanted {
            Value::String(name) => call.model.find(&format!("{}/{name}", installation.owner)),
            id => call.model.repositories.iter().find(|repository| Some(repository.id) == id.as_u64()),
        };
        let text =
            "There is at least one repository that does not exist or is not accessible to the parent installation.";
        let found = found.filter(|found| reaches(installation, found)).ok_or_else(|| refusal::error(422, text))?;
        chosen.push(found.clone());
    }
    Ok((!chosen.is_empty()).then_some(chosen))
}

fn own_grant(call: &Call<'_>) -> Result<Token, Answer> {
    match &call.token {
        None => Err(refusal::error(401, "Requires authentication")),
        Some(token) if matches!(token.kind, TokenKind::Installation(..)) => Ok(token.clone()),
        Some(_) => Err(refusal::error(
            403,
            "You must authenticate with an installation access token in order to list \
                                            repositories for an installation.",
        )),
    }
}

/// `GET /installation/repositories`
pub(super) fn repositories(call: &mut Call<'_>) -> Handled {
    let token = own_grant(call)?;
    let selects = |repository: &&Repository| {
        repository.wiki_of.is_none() && token.grant().is_some_and(|grant| grant.selects(&repository.slug()))
    };
    let all: Vec<_> =
        call.model.repositories.iter().filter(selects).map(|repository| resources::full(call, repository)).collect();
    let (page, _) = super::runs::page(call, &all)?;
    let word = token.grant().map_or("all", |grant| selection(&grant.repositories));
    Ok(Answer::json(200, &json!({"total_count": all.len(), "repositories": page, "repository_selection": word})))
}

/// `DELETE /installation/token`
pub(super) fn revoke(call: &mut Call<'_>) -> Handled {
    let token = own_grant(call)?;
    for stored in call.model.tokens.iter_mut().filter(|stored| stored.value() == token.value()) {
        stored.revoked = true;
    }
    Ok(Answer::empty(204))
}
