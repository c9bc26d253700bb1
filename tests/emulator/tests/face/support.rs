//! A client for the tests: HTTP by hyper, git by its own command.

use std::{
    path::Path,
    process::{Command, Output},
};

use bytes::Bytes;
use emulator::{
    Emulator,
    model::{Model, Token},
};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde_json::Value;

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("no JSON ({error}): {}", self.text))
    }
}

/// One request on a connection of its own; an `Err` is a connection that broke.
pub(crate) fn call(
    emulator: &Emulator,
    method: &str,
    path: &str,
    token: Option<&Token>,
    headers: &[(&str, &str)],
    body: Option<&Value>,
) -> Result<Reply, String> {
    let address = emulator.url().trim_start_matches("http://").to_owned();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let stream = tokio::net::TcpStream::connect(&address).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let mut request = http::Request::builder().method(method).uri(path).header("host", &address);
        if !headers.iter().any(|(name, _)| *name == "user-agent") {
            request = request.header("user-agent", "tests");
        }
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {}", token.value()));
        }
        for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
            request = request.header(*name, *value);
        }
        let bytes = body.map(|body| Bytes::from(body.to_string())).unwrap_or_default();
        let response = sender.send_request(request.body(Full::new(bytes)).unwrap()).await;
        let (parts, body) = response.map_err(|error| error.to_string())?.into_parts();
        let bytes = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
        Ok(Reply {
            status: parts.status.as_u16(),
            headers: parts
                .headers
                .iter()
                .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
                .collect(),
            text: String::from_utf8_lossy(&bytes).into_owned(),
        })
    })
}

pub(crate) fn get(emulator: &Emulator, path: &str, token: &Token) -> Reply {
    call(emulator, "GET", &format!("/api/v3{path}"), Some(token), &[], None).unwrap()
}

pub(crate) fn post(emulator: &Emulator, path: &str, token: &Token, body: &Value) -> Reply {
    call(emulator, "POST", &format!("/api/v3{path}"), Some(token), &[], Some(body)).unwrap()
}

/// Git with no configuration but ours.
pub(crate) fn git(directory: &Path, arguments: &[&str]) -> Output {
    Command::new("git")
        .current_dir(directory)
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("LC_ALL", "C")
        .output()
        .unwrap()
}

pub(crate) fn ok(directory: &Path, arguments: &[&str]) -> String {
    let output = git(directory, arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments:?}: {errors}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Git's standard error of a command that must fail.
pub(crate) fn fails(directory: &Path, arguments: &[&str]) -> String {
    let output = git(directory, arguments);
    assert!(!output.status.success(), "git {arguments:?} should fail");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The address of a repository, with a token as the password when there is one.
pub(crate) fn address(emulator: &Emulator, slug: &str, token: Option<&Token>) -> String {
    let host = emulator.url().trim_start_matches("http://");
    let user = token.map(|token| format!("x-access-token:{}@", token.value())).unwrap_or_default();
    format!("http://{user}{host}/{slug}.git")
}

/// A clone with a commit that is not pushed yet.
pub(crate) fn clone_with_commit(emulator: &Emulator, slug: &str, token: &Token, file: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    ok(directory.path(), &["clone", "-q", &address(emulator, slug, Some(token)), "."]);
    commit(directory.path(), file, "Change");
    directory
}

pub(crate) fn commit(directory: &Path, file: &str, message: &str) {
    let path = directory.join(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, format!("{message} {file}\n")).unwrap();
    ok(directory, &["add", "-A"]);
    ok(directory, &["-c", "user.name=T", "-c", "user.email=t@example.com", "commit", "-qm", message]);
}

pub(crate) fn start(model: Model) -> Emulator {
    Emulator::start(model).unwrap()
}
