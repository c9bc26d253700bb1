//! The REST face: GitHub's `/api/v3`, one function a call, in the shapes of GitHub's OpenAPI description; and GraphQL.
//!
//! <https://docs.github.com/en/rest>

mod account;
mod actions;
mod apps;
mod contents;
mod deploy_keys;
mod dispatch;
mod graphql;
mod headers;
mod management;
mod objects;
mod pages;
mod pulls;
mod query;
mod refs;
mod refusal;
mod releases;
mod repository;
mod resources;
mod revocation;
mod route;
mod rules;
mod runs;
mod secrets;
mod trees;

use bytes::{Bytes, BytesMut};
use http::request::Parts;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str};
use serde_json::{Value, json};

pub(crate) use self::secrets::unseal;
use crate::{
    access,
    answer::Answer,
    faults::Fault,
    model::{Flavour, Level, Model, Repository, Token, TokenKind},
    shared::Shared,
};

/// What is escaped in the path of an address that is handed out.
const PATH: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'%').add(b'<').add(b'>').add(b'?').add(b'[').add(b']');

/// One call under way: what was asked, by whom, and the state it may change.
struct Call<'a> {
    shared: &'a Shared,
    model: &'a mut Model,
    token: Option<Token>,
    method: &'a str,
    /// Path and query as they were asked for.
    asked: &'a str,
    query: Vec<(String, String)>,
    body: Value,
    version: String,
    /// What the endpoint needs, for the headers that tell.
    needs: Option<(&'static str, Level)>,
}

type Handled = Result<Answer, Answer>;

impl Call<'_> {
    /// A query parameter.
    fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// `http://.../api/v3`
    fn api(&self) -> String {
        format!("{}/api/v3", self.shared.url())
    }

    /// The repository, when the caller may do this there.
    fn repository(
        &mut self,
        owner: &str,
        name: &str,
        permission: &'static str,
        level: Level,
    ) -> Result<Repository, Answer> {
        self.needs = Some((permission, level));
        let slug = format!("{owner}/{name}");
        let found = match (owner, name.parse::<u64>()) {
            // `/repositories/ID/...`, where redirects lead
            ("", Ok(id)) => self.model.repositories.iter().find(|repository| repository.id == id),
            _ => self.model.find(&slug),
        };
        // A wiki is served by git alone.
        let found = found.filter(|repository| repository.wiki_of.is_none());
        let Some(repository) = found else {
            let former = self.model.find_former(&slug).map(|now| now.id);
            return Err(former.map_or_else(refusal::not_found, |id| self.moved(id)));
        };
        match access::check(self.model, self.token.as_ref(), repository, permission, level) {
            Ok(()) => Ok(repository.clone()),
            Err(refused) => Err(refusal::answer(&refused, self.token.as_ref())),
        }
    }

    /// The repository that [`Call::repository`] found, to change it.
    fn stored(&mut self, id: u64) -> Result<&mut Repository, Answer> {
        self.model.repositories.iter_mut().find(|repository| repository.id == id).ok_or_else(refusal::not_found)
    }

    /// Sends to the same thing of the repository with this id.
    fn moved(&self, id: u64) -> Answer {
        let of_owner = self.asked.strip_prefix("/api/v3/repos/").and_then(|path| path.split_once('/'));
        let rest = of_owner.and_then(|(_, path)| Some(&path[path.find(['/', '?'])?..]));
        let url = format!("{}/repositories/{id}{}", self.api(), rest.unwrap_or_default());
        let status = if self.method == "GET" { 301 } else { 307 };
        let text = if status == 301 { "Moved Permanently" } else { "Temporary Redirect" };
        Answer::json(status, &json!({"message": text, "url": url, "documentation_url": refusal::GUIDELINES}))
            .header("location", url)
    }
}

/// `owner/name` of a REST address's path.
pub(crate) fn slug_of(path: &str) -> Option<String> {
    let mut parts = path.strip_prefix("/api/v3/repos/")?.split(['/', '?']);
    Some(format!("{}/{}", parts.next()?, parts.next()?))
}

/// The request's body, counted in the log.
pub(crate) async fn read_body(shared: &Shared, number: usize, mut incoming: Incoming) -> Bytes {
    let mut bytes = BytesMut::new();
    while let Some(Ok(frame)) = incoming.frame().await {
        if let Some(data) = frame.data_ref() {
            bytes.extend_from_slice(data);
        }
    }
    shared.journal().amend(number, |entry| entry.bytes_in = bytes.len() as u64);
    bytes.freeze()
}

/// Notes a JSON body in the log.
pub(crate) fn note_request(shared: &Shared, number: usize, body: &Bytes) {
    shared.journal().amend(number, |entry| {
        entry.request = serde_json::from_slice(body).ok();
        if entry.request.is_some() {
            entry.request_text = String::from_utf8_lossy(body).into_owned();
        }
    });
}

/// Answers a request to the REST face.
pub(crate) async fn answer(
    shared: &Shared,
    number: usize,
    parts: &Parts,
    incoming: Incoming,
    faults: &[Fault],
) -> Answer {
    let bytes = read_body(shared, number, incoming).await;
    note_request(shared, number, &bytes);
    if let Some(held) = Fault::held(faults) {
        held.wait().await;
    }
    if !parts.headers.contains_key("user-agent") {
        let text = "Request forbidden by administrative rules. Please make sure your request has a User-Agent header \
                    (https://docs.github.com/en/rest/overview/resources-in-the-rest-api#user-agent-required).";
        return Answer::empty(403).header("content-type", "text/html").body(Bytes::from(text));
    }
    let mut model = shared.model();
    let secret = access::presented(&parts.headers);
    let token = secret.as_deref().and_then(|secret| access::live_token(&model, secret)).cloned();
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let version = header("x-github-api-version").unwrap_or("2022-11-28").to_owned();
    let path = parts.uri.path().strip_prefix("/api/v3/").unwrap_or_default();
    let segments: Vec<String> =
        path.split('/').map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned()).collect();
    let mut call = Call {
        shared,
        model: &mut model,
        token,
        method: parts.method.as_str(),
        asked: parts.uri.path_and_query().map_or("", |asked| asked.as_str()),
        query: parse_query(parts.uri.query().unwrap_or_default()),
        body: Value::Null,
        version,
        needs: None,
    };
    let counted = path != "rate_limit";
    let mut answer = admit(&mut call, secret.as_deref(), &bytes, counted)
        .and_then(|()| match parts.uri.path() {
            "/api/graphql" => graphql::answer(&mut call),
            _ => route::route(&mut call, &segments, secret.as_deref()),
        })
        .unwrap_or_else(|refused| refused);
    if call.method != "GET" {
        shared.authorize(call.model);
    }
    headers::conditional(&mut answer, &call, &parts.headers);
    let free = answer.status == 304 || !counted;
    let needs = call.needs;
    let (version, token) = (call.version.clone(), call.token.clone());
    if let Some(stored) = token.as_ref().and_then(|token| find_token(&mut model, token))
        && !free
    {
        stored.rate.used = (stored.rate.used + 1).min(stored.rate.limit);
    }
    headers::common(answer, shared, &model, token.as_ref(), needs, &version)
}

fn find_token<'a>(model: &'a mut Model, token: &Token) -> Option<&'a mut Token> {
    model.tokens.iter_mut().find(|stored| stored.value() == token.value())
}

fn parse_query(query: &str) -> Vec<(String, String)> {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key), decode(value))
        })
        .collect()
}

/// What is checked before any endpoint: API version, credential, account, rate limit, JSON.
fn admit(call: &mut Call<'_>, secret: Option<&str>, bytes: &Bytes, counted: bool) -> Result<(), Answer> {
    let known = match call.model.settings.flavour {
        Flavour::Cloud => matches!(call.version.as_str(), "2022-11-28" | "2026-03-10"),
        Flavour::Enterprise(_) => call.version == "2022-11-28",
    };
    if !known {
        let text = format!("\"{}\" is not a supported version of the GitHub REST API", call.version);
        return Err(refusal::error(400, &text));
    }
    let is_jwt = secret.is_some_and(|secret| secret.starts_with("eyJ"));
    if secret.is_some() && call.token.is_none() && !is_jwt {
        return Err(refusal::error(401, "Bad credentials"));
    }
    if let Some(token) = &call.token {
        access::account_state(call.model, token).map_err(|refused| refusal::answer(&refused, Some(token)))?;
        if counted && token.rate.used >= token.rate.limit {
            return Err(refusal::error(403, &limit_text(call.model, token)));
        }
    }
    if !bytes.is_empty() {
        call.body = serde_json::from_slice(bytes).map_err(|_| refusal::error(400, "Problems parsing JSON"))?;
    }
    Ok(())
}

fn limit_text(model: &Model, token: &Token) -> String {
    match token.kind {
        TokenKind::Installation(id, _) => format!("API rate limit exceeded for installation ID {id}."),
        TokenKind::GithubToken(_) => "API rate limit exceeded for installation.".to_owned(),
        _ => format!("API rate limit exceeded for user ID {}.", model.find_account(&token.login).id),
    }
}
