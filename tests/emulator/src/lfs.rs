//! Git LFS: the batch API beside git's own addresses, the storage on another host that it sends clients to, and what a push
//! of pointers is asked for.
//!
//! <https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md>

pub(crate) mod storage;

use std::path::PathBuf;

use chrono::TimeDelta;
use http::request::Parts;
use hyper::body::Incoming;
use ring::hmac;
use serde_json::{Value, json};

use crate::{
    access::{self, Refusal},
    answer::Answer,
    api, git,
    model::{Level, LfsState, Model, Repository, Token, timestamp},
    shared::Shared,
};

/// The media type of every request and answer.
const MEDIA: &str = "application/vnd.git-lfs+json";

/// Seconds for which an address that was handed out is good.
const LIFETIME: i64 = 900;

/// Where a repository's objects lie.
pub(crate) fn folder(repository: &Repository) -> PathBuf {
    repository.path.with_extension("lfs")
}

/// Whether the server has an object (and the client has had it verified, where that is asked for).
pub(crate) fn holds(repository: &Repository, oid: &str) -> bool {
    folder(repository).join(oid).is_file()
}

/// The object that a pointer file names.
///
/// <https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md#the-pointer>
pub(crate) fn pointer(content: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(content).ok().filter(|text| text.len() < 1024)?;
    let mut lines = text.lines();
    (lines.next() == Some("version https://git-lfs.github.com/spec/v1")).then_some(())?;
    let oid = lines.find_map(|line| line.strip_prefix("oid sha256:"))?;
    is_oid(oid).then(|| oid.to_owned())
}

fn is_oid(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// What proves that the batch API handed an address out.
fn signature(purpose: &str, repository: u64, oid: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"storage of the emulator");
    let tag = hmac::sign(&key, format!("{purpose} {repository} {oid}").as_bytes());
    hex::encode(tag)
}

/// The `Authorization` of the storage, for this object alone.
fn storage_authorization(repository: u64, oid: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=AKIAEMULATOR/20260105/us-east-1/s3/aws4_request, \
         SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature={}",
        signature("storage", repository, oid)
    )
}

fn verify_authorization(repository: u64, oid: &str) -> String {
    format!("RemoteAuth {}", signature("verify", repository, oid))
}

/// What `git-lfs-authenticate` prints over SSH: the address, and a credential of its own for the batch API.
pub(crate) fn authenticate(shared: &Shared, model: &mut Model, slug: &str) -> Option<String> {
    let repository = model.find(slug)?;
    let slug = repository.slug();
    let token = Token::installation("deploy-key", &repository.owner, &[&slug], &[("contents", Level::Write)]);
    let token =
        token.clone().valued(&format!("gitauth-v1-{}", token.value().trim_start_matches("ghs_"))).named("deploy key");
    let header = json!({"Authorization": format!("RemoteAuth {}", token.value())});
    let until = timestamp(model.now() + TimeDelta::seconds(LIFETIME));
    let href = format!("{}/{slug}.git/info/lfs", shared.url());
    model.tokens.push(token);
    Some(json!({"href": href, "header": header, "expires_at": until, "expires_in": LIFETIME}).to_string())
}

fn reply(status: u16, value: &Value) -> Answer {
    Answer::empty(status).header("content-type", MEDIA).body(value.to_string().into())
}

fn error(status: u16, message: &str) -> Answer {
    reply(
        status,
        &json!({"message": message, "documentation_url": "https://docs.github.com/repositories/working-with-files/managing-large-files"}),
    )
}

/// Whether an address is one of LFS.
pub(crate) fn is_meant(path: &str) -> bool {
    path.contains("/info/lfs/")
}

/// Answers a request beside git's own addresses.
pub(crate) async fn answer(shared: &Shared, number: usize, parts: &Parts, incoming: Incoming) -> Answer {
    let bytes = api::read_body(shared, number, incoming).await;
    api::note_request(shared, number, &bytes);
    let path = parts.uri.path();
    let inside = path.split_once("/info/lfs/").map_or("", |(_, inside)| inside);
    let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    if parts.method != "POST" {
        return error(404, "Not Found");
    }
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !header("accept").starts_with(MEDIA) || !header("content-type").starts_with(MEDIA) {
        return error(406, &format!("The Accept and Content-Type headers must be {MEDIA}"));
    }
    let mut model = shared.model();
    let slug = git::slug_of(path).unwrap_or_default();
    let found = if inside == "objects/verify" {
        verified(&mut model, &slug, header("authorization"), &body)
    } else {
        admit(&model, parts, &slug, inside, &body).and_then(|repository| match inside {
            "objects/batch" => batch(shared, &model, &repository, &body),
            "locks/verify" => Ok(reply(200, &json!({"ours": [], "theirs": [], "next_cursor": ""}))),
            _ => Err(error(404, "Not Found")),
        })
    };
    found.unwrap_or_else(|refused| refused)
}

/// The repository, when the caller may do this and LFS is there.
fn admit(model: &Model, parts: &Parts, slug: &str, inside: &str, body: &Value) -> Result<Repository, Answer> {
    let challenge = || error(401, "Credentials needed").header("lfs-authenticate", "Basic realm=\"GitHub\"");
    let secret = access::presented(&parts.headers);
    let token = secret.as_deref().and_then(|secret| access::live_token(model, secret));
    if secret.is_some() && token.is_none() {
        return Err(challenge());
    }
    let hidden = || if token.is_some() { error(404, "Not Found") } else { challenge() };
    let repository = model.find(slug).filter(|repository| repository.wiki_of.is_none()).ok_or_else(hidden)?;
    let writes = inside == "locks/verify" || body["operation"] == "upload";
    let level = if writes { Level::Write } else { Level::Read };
    match access::check(model, token, repository, "contents", level) {
        Ok(()) => {}
        Err(Refusal::Hidden | Refusal::Anonymous) => return Err(hidden()),
        Err(Refusal::Archived) => return Err(error(403, "This repository was archived so it is read-only.")),
        Err(_) => {
            let login = token.map_or("", |token| &token.login);
            return Err(error(403, &format!("Permission to {}.git denied to {login}.", repository.slug())));
        }
    }
    let Some(lfs) = &repository.lfs else { return Err(error(404, "Not Found")) };
    match lfs.state {
        LfsState::Enabled => Ok(repository.clone()),
        LfsState::Disabled => Err(error(403, "Git LFS is disabled for this repository.")),
        LfsState::OverBudget => {
            let text = "This repository exceeded its LFS budget. The account responsible for the budget should increase it \
                        to restore access.";
            Err(error(403, text))
        }
    }
}

/// `POST .../objects/batch`
fn batch(shared: &Shared, model: &Model, repository: &Repository, body: &Value) -> Result<Answer, Answer> {
    let upload = match body["operation"].as_str() {
        Some("upload") => true,
        Some("download") => false,
        _ => return Err(error(422, "operation must be upload or download")),
    };
    if body["hash_algo"].as_str().is_some_and(|name| name != "sha256") {
        return Err(error(409, "This server knows the hash algorithm sha256 alone"));
    }
    let basic = |list: &Vec<Value>| list.iter().any(|name| name == "basic");
    if body["transfers"].as_array().is_some_and(|list| !list.is_empty() && !basic(list)) {
        return Err(error(422, "This server knows the transfer basic alone"));
    }
    let wanted = body["objects"].as_array().filter(|list| !list.is_empty());
    let wanted = wanted.ok_or_else(|| error(422, "objects must be a list"))?;
    let until = timestamp(model.now() + TimeDelta::seconds(LIFETIME));
    let objects = wanted.iter().map(|object| {
        let (oid, size) = (object["oid"].as_str().unwrap_or_default(), object["size"].as_u64());
        let refused =
            |code: u16, text: &str| json!({"oid": oid, "size": size, "error": {"code": code, "message": text}});
        let (true, Some(bytes)) = (is_oid(oid), size) else { return refused(422, "Invalid object") };
        let limit = repository.lfs.as_ref().map_or(0, |lfs| lfs.object_limit);
        let mut shown = json!({"oid": oid, "size": bytes, "authenticated": true});
        match (upload, holds(repository, oid)) {
            (true, true) => {}
            (false, false) => return refused(404, "Object does not exist on the server"),
            (true, false) if bytes > limit => {
                return refused(422, &format!("Size must be less than or equal to {limit}"));
            }
            _ => shown["actions"] = actions(shared, repository, oid, upload, &until),
        }
        shown
    });
    let objects: Vec<_> = objects.collect();
    Ok(reply(200, &json!({"transfer": "basic", "hash_algo": "sha256", "objects": objects})))
}

fn actions(shared: &Shared, repository: &Repository, oid: &str, upload: bool, until: &str) -> Value {
    let href = format!("{}/storage/{}/{oid}", shared.storage(), repository.id);
    let header = json!({
        "Authorization": storage_authorization(repository.id, oid), "x-amz-content-sha256": oid,
        "x-amz-date": "20260105T080000Z",
    });
    let transfer = json!({"href": href, "header": header, "expires_at": until, "expires_in": LIFETIME});
    if !upload {
        return json!({"download": transfer});
    }
    let mut actions = json!({"upload": transfer});
    if repository.lfs.as_ref().is_some_and(|lfs| lfs.verify) {
        let header = json!({"Authorization": verify_authorization(repository.id, oid), "Accept": MEDIA});
        let href = format!("{}/{}.git/info/lfs/objects/verify", shared.url(), repository.slug());
        actions["verify"] = json!({"href": href, "header": header, "expires_at": until, "expires_in": LIFETIME});
    }
    actions
}

/// `POST .../objects/verify`: from now on the object counts.
fn verified(model: &mut Model, slug: &str, authorization: &str, body: &Value) -> Result<Answer, Answer> {
    let repository = model.find(slug).ok_or_else(|| error(404, "Not Found"))?;
    let oid = body["oid"].as_str().filter(|oid| is_oid(oid)).unwrap_or_default();
    if authorization != verify_authorization(repository.id, oid) {
        return Err(error(401, "Credentials needed").header("lfs-authenticate", "Basic realm=\"GitHub\""));
    }
    let place = folder(repository).join(oid);
    let waiting = place.with_extension("unverified");
    let there = if place.is_file() { &place } else { &waiting };
    let size = std::fs::metadata(there).map_err(|_| error(404, "Object does not exist on the server"))?.len();
    if body["size"].as_u64() != Some(size) {
        return Err(error(422, &format!("Invalid size: the object has {size} bytes")));
    }
    if there == &waiting {
        std::fs::rename(&waiting, &place).map_err(|problem| error(500, &problem.to_string()))?;
    }
    Ok(Answer::empty(200).header("content-type", MEDIA))
}
