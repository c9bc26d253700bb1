//! Headers that every answer bears: the credential, the limits, `ETag`.
//!
//! <https://docs.github.com/en/rest/using-the-rest-api/getting-started-with-the-rest-api#about-the-response-code-and-headers>

use std::hash::{DefaultHasher, Hash, Hasher};

use http::HeaderMap;

use super::Call;
use crate::{
    answer::{Answer, Body},
    model::{Flavour, Level, Model, Token, Zone},
    shared::Shared,
};

/// `ETag`, and 304 where the client has it already.
pub(super) fn conditional(answer: &mut Answer, call: &Call<'_>, headers: &HeaderMap) {
    if call.method != "GET" || answer.status != 200 {
        return;
    }
    let Body::Whole(bytes) = &answer.body else { return };
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    let tag = format!("W/\"{:016x}\"", hasher.finish());
    let known = headers.get("if-none-match").and_then(|value| value.to_str().ok());
    if known.is_some_and(|known| known.split(',').any(|one| one.trim() == tag)) {
        *answer = Answer::empty(304);
    }
    answer.headers.push(("etag".to_owned(), tag));
    answer.headers.push(("cache-control".to_owned(), "private, max-age=60, s-maxage=60".to_owned()));
}

/// What is said beside every body.
pub(super) fn common(
    mut answer: Answer,
    shared: &Shared,
    model: &Model,
    token: Option<&Token>,
    needs: Option<(&'static str, Level)>,
    version: &str,
) -> Answer {
    let stored = token.and_then(|token| model.tokens.iter().find(|stored| stored.value() == token.value()));
    let (limit, used, reset) = stored.map_or((60, 1, model.now().timestamp() + 3600), |stored| {
        (stored.rate.limit, stored.rate.used, stored.rate.reset.timestamp())
    });
    answer = answer
        .header("x-github-request-id", format!("{:04X}:1D3E:{:06X}:1F9022:6740AB12", shared.serial(), shared.serial()))
        .header("x-github-media-type", "github.v3; format=json")
        .header("x-github-api-version-selected", version)
        .header("x-ratelimit-limit", limit.to_string())
        .header("x-ratelimit-remaining", limit.saturating_sub(used).to_string())
        .header("x-ratelimit-used", used.to_string())
        .header("x-ratelimit-reset", reset.to_string())
        .header("x-ratelimit-resource", "core")
        .header("vary", "Accept, Authorization, Cookie, X-GitHub-OTP,Accept-Encoding, Accept, X-Requested-With");
    if let Flavour::Enterprise(release) = &model.settings.flavour {
        answer = answer.header("x-github-enterprise-version", release.clone());
    }
    let Some(token) = token else { return answer };
    if let Some(scopes) = token.scopes() {
        let accepted = if needs.is_some() { "repo" } else { "" };
        answer = answer.header("x-oauth-scopes", scopes.join(", ")).header("x-accepted-oauth-scopes", accepted);
    } else if let Some((permission, level)) = needs {
        answer = answer.header("x-accepted-github-permissions", format!("{permission}={}", level.as_str()));
    }
    match (token.expires, token.is_bot()) {
        (Some(end), false) => {
            let text = match token.zone {
                Zone::Utc => end.format("%Y-%m-%d %H:%M:%S UTC").to_string(),
                Zone::Offset => {
                    let offset = chrono::FixedOffset::east_opt(2 * 3600);
                    offset.map_or_else(String::new, |offset| {
                        end.with_timezone(&offset).format("%Y-%m-%d %H:%M:%S %z").to_string()
                    })
                }
            };
            answer.header("github-authentication-token-expiration", text)
        }
        _ => answer,
    }
}
