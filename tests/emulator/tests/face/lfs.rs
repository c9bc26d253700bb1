//! Git LFS: the batch API, the storage on its own host, pushes of pointers, and the real client.

use std::fs;

use bytes::Bytes;
use emulator::{
    Emulator,
    faults::{Canned, Fault, FaultRule},
    model::{
        Level::{Read, Write},
        Lfs, LfsState, Model, Repository, Role, Token,
    },
};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};

use crate::support::{address, call, clone_with_commit, commit, fails, git, ok, start};

const MEDIA: &str = "application/vnd.git-lfs+json";
/// SHA-256 of `hello\n`.
const HELLO: &str = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";

fn site() -> Repository {
    Repository::new("acme/site").collaborator("robin", Role::Write).file("a.txt", "one\n")
}

fn batch(emulator: &Emulator, token: Option<&Token>, operation: &str, objects: &[(&str, u64)]) -> (u16, Value) {
    let objects: Vec<_> = objects.iter().map(|(oid, size)| json!({"oid": oid, "size": size})).collect();
    let body = json!({"operation": operation, "transfers": ["basic"], "objects": objects});
    let path = "/acme/site.git/info/lfs/objects/batch";
    let headers = [("accept", MEDIA), ("content-type", MEDIA)];
    let reply = call(emulator, "POST", path, token, &headers, Some(&body)).unwrap();
    assert_eq!(reply.header("content-type"), Some(MEDIA));
    (reply.status, reply.json())
}

/// Does what an action of a batch says, with other headers where some are given.
fn act(method: &str, action: &Value, body: &[u8], instead: &[(&str, &str)]) -> (u16, Vec<u8>) {
    let href = action["href"].as_str().unwrap();
    let (host, _) = href.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut request = http::Request::builder().method(method).uri(href).header("host", host);
    let told =
        action["header"].as_object().unwrap().iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap()));
    let kept = told.filter(|(name, _)| !instead.iter().any(|(other, _)| name.eq_ignore_ascii_case(other)));
    for (name, value) in kept.chain(instead.iter().copied()) {
        request = request.header(name, value);
    }
    let request = request.body(Full::new(Bytes::copy_from_slice(body))).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let stream = tokio::net::TcpStream::connect(host).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let response = sender.send_request(request).await.unwrap();
        (response.status().as_u16(), response.into_body().collect().await.unwrap().to_bytes().to_vec())
    })
}

#[test]
fn objects_go_to_another_host_with_the_headers_that_the_batch_names() {
    let token = Token::classic("robin", &["repo"]);
    let emulator = start(Model::new().repository(site().lfs(Lfs::default())).token(&token));
    let object = |operation| batch(&emulator, Some(&token), operation, &[(HELLO, 6)]).1["objects"][0].clone();
    assert_eq!(object("download")["error"]["code"], 404);
    let upload = object("upload")["actions"]["upload"].clone();
    assert_eq!(object("upload")["actions"]["verify"], Value::Null);
    let host = |url: &str| url.strip_prefix("http://").unwrap().split(':').next().unwrap().to_owned();
    assert_ne!(host(upload["href"].as_str().unwrap()), host(emulator.url()), "another host");
    let bearer = format!("Bearer {}", token.value());
    assert_eq!(act("PUT", &upload, b"hello\n", &[("authorization", &bearer)]).0, 400, "no credential of GitHub's");
    assert_eq!(act("PUT", &upload, b"hello\n", &[("x-amz-content-sha256", "UNSIGNED-PAYLOAD")]).0, 403);
    assert_eq!(act("PUT", &upload, b"other\n", &[]).0, 400, "the content is checked");
    assert!(emulator.repository("acme/site").lfs_objects().is_empty());
    assert_eq!(act("PUT", &upload, b"hello\n", &[]).0, 200);
    assert_eq!(emulator.repository("acme/site").lfs_objects()[HELLO], b"hello\n");
    assert_eq!(object("upload")["actions"], Value::Null, "it is there already");
    assert_eq!(act("GET", &object("download")["actions"]["download"], b"", &[]), (200, b"hello\n".to_vec()));
    let log = emulator.log();
    assert_eq!((log.storage().count(), log.storage().filter(|entry| entry.status == Some(200)).count()), (5, 2));
    emulator.fault(FaultRule::on("PUT", "/storage/*", Fault::Answer(Canned::unavailable(1))).first(1));
    assert_eq!(act("PUT", &upload, b"hello\n", &[]).0, 503, "faults hit the storage too");
}

#[test]
fn an_upload_may_have_to_be_verified_before_it_counts() {
    let token = Token::classic("robin", &["repo"]);
    let emulator = start(Model::new().repository(site().lfs(Lfs::default().verified())).token(&token));
    let actions = batch(&emulator, Some(&token), "upload", &[(HELLO, 6)]).1["objects"][0]["actions"].clone();
    let verify = |size: u64| {
        let body = json!({"oid": HELLO, "size": size}).to_string();
        act("POST", &actions["verify"], body.as_bytes(), &[("content-type", MEDIA)]).0
    };
    assert_eq!(verify(6), 404);
    assert_eq!(act("PUT", &actions["upload"], b"hello\n", &[]).0, 200);
    assert!(emulator.repository("acme/site").lfs_objects().is_empty(), "it does not count yet");
    assert_eq!((verify(7), verify(6), verify(6)), (422, 200, 200));
    assert_eq!(emulator.repository("acme/site").lfs_objects().len(), 1);
}

#[test]
fn the_batch_api_refuses_as_github_does() {
    let token = Token::classic("robin", &["repo"]);
    let reader = Token::github_token("acme/site", &[("contents", Read)]);
    let writer = Token::github_token("acme/site", &[("contents", Write)]);
    let repository = site().private().lfs(Lfs::default().limit(100));
    let emulator = start(Model::new().repository(repository).token(&token).token(&reader).token(&writer));
    let status = |token: Option<&Token>, operation: &str| batch(&emulator, token, operation, &[(HELLO, 6)]).0;
    assert_eq!((status(None, "download"), status(None, "upload")), (401, 401));
    assert_eq!((status(Some(&reader), "download"), status(Some(&reader), "upload")), (200, 403));
    assert_eq!((status(Some(&writer), "upload"), status(Some(&writer), "sideload")), (200, 422));
    let (status, answer) =
        batch(&emulator, Some(&token), "upload", &[(HELLO, 6), (&HELLO.replace('5', "6"), 101), ("x", 1)]);
    assert_eq!(status, 200, "each object is judged alone");
    assert!(answer["objects"][0]["actions"].is_object());
    let errors: Vec<_> = [1, 2].iter().map(|&index| answer["objects"][index]["error"]["code"].clone()).collect();
    assert_eq!(errors, [422, 422]);
    let said = |lfs: Option<Lfs>| {
        emulator.model(|model| model.find_mut("acme/site").unwrap().lfs = lfs);
        let (status, answer) = batch(&emulator, Some(&token), "upload", &[(HELLO, 6)]);
        (status, answer["message"].as_str().unwrap_or_default().to_owned())
    };
    let off = said(Some(Lfs::default().state(LfsState::Disabled)));
    assert_eq!(off, (403, "Git LFS is disabled for this repository.".to_owned()));
    let (status, text) = said(Some(Lfs::default().state(LfsState::OverBudget)));
    assert!(status == 403 && text.starts_with("This repository exceeded its LFS budget."), "{text}");
    assert_eq!(said(None).0, 404);
    let plain = call(&emulator, "POST", "/acme/site.git/info/lfs/objects/batch", Some(&token), &[], Some(&json!({})));
    assert_eq!(plain.unwrap().status, 406);
}

#[test]
fn a_push_that_names_missing_objects_is_refused() {
    let token = Token::classic("robin", &["repo"]);
    let emulator = start(Model::new().repository(site().lfs(Lfs::default())).token(&token));
    let clone = clone_with_commit(&emulator, "acme/site", &token, "x");
    let pointer = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{HELLO}\nsize 6\n");
    fs::write(clone.path().join("big.bin"), &pointer).unwrap();
    commit(clone.path(), "y", "A pointer");
    let said = fails(clone.path(), &["push", "origin", "main"]);
    for line in [
        "remote: error: GH008: Your push referenced at least 1 unknown Git LFS object:",
        &*format!("remote:     {HELLO}"),
        "remote: Try to push them with 'git lfs push --all'.",
        "(pre-receive hook declined)",
    ] {
        assert!(said.contains(line), "{line:?} is not in\n{said}");
    }
    let upload = batch(&emulator, Some(&token), "upload", &[(HELLO, 6)]).1["objects"][0]["actions"]["upload"].clone();
    act("PUT", &upload, b"hello\n", &[]);
    ok(clone.path(), &["push", "-q", "origin", "main"]);
    fs::write(clone.path().join("other.bin"), pointer.replace("5891", "5892")).unwrap();
    commit(clone.path(), "z", "Another");
    emulator.model(|model| model.find_mut("acme/site").unwrap().lfs = None);
    ok(clone.path(), &["push", "-q", "origin", "main"]);
}

#[test]
fn the_real_client_uploads_and_downloads() {
    let token = Token::classic("robin", &["repo"]);
    let repository = site().private().lfs(Lfs::default().verified());
    let emulator = start(Model::new().repository(repository).token(&token));
    let clone = clone_with_commit(&emulator, "acme/site", &token, "x");
    ok(clone.path(), &["lfs", "install", "--local"]);
    ok(clone.path(), &["lfs", "track", "*.bin"]);
    for number in 0..150 {
        fs::write(clone.path().join(format!("{number}.bin")), vec![number; 5000 + usize::from(number)]).unwrap();
    }
    commit(clone.path(), "y", "Large files");
    let output = git(clone.path(), &["push", "origin", "main"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(emulator.repository("acme/site").lfs_objects().len(), 150);
    let fresh = tempfile::tempdir().unwrap();
    let source = address(&emulator, "acme/site", Some(&token));
    ok(fresh.path(), &["clone", "-q", "--config", "filter.lfs.smudge=git-lfs smudge -- %f", &source, "."]);
    assert_eq!(fs::read(fresh.path().join("7.bin")).unwrap(), vec![7; 5007]);
    assert!(emulator.log().storage().all(|entry| entry.status == Some(200)));
}

#[test]
fn a_deploy_key_is_given_a_credential_for_the_batch_api() {
    let emulator = start(Model::new().repository(site().private().lfs(Lfs::default())));
    let told: Value = serde_json::from_str(&emulator.lfs_authenticate("acme/site")).unwrap();
    assert_eq!(told["href"], format!("{}/acme/site.git/info/lfs", emulator.url()));
    let body = json!({"operation": "upload", "objects": [{"oid": HELLO, "size": 6}]});
    let authorization = told["header"]["Authorization"].as_str().unwrap();
    let send = |path: &str, authorization: &str| {
        let headers = [("accept", MEDIA), ("content-type", MEDIA), ("authorization", authorization)];
        call(&emulator, "POST", path, None, &headers, Some(&body)).unwrap().status
    };
    assert_eq!(send("/acme/site.git/info/lfs/objects/batch", authorization), 200);
    assert_eq!(send("/acme/site.git/info/lfs/objects/batch", "RemoteAuth other"), 401);
}
