//! What keeps the native action from starting anything: each has its own message, the cause as output, and status 1.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown},
};

use tempfile::TempDir;

use super::{Action, NAME, TELLER, VERSION, told};
use super::{
    server::{Answer, Server},
    step, tools, without_token,
};
use crate::runner::Outcome;

/// That nothing ran, with one error of this cause that says all of `words`.
#[track_caller]
fn refused(outcome: &Outcome, cause: &str, words: &[&str]) {
    outcome.failed(cause);
    let line = outcome.stdout.strip_suffix('\n').unwrap();
    assert!(line.starts_with(&format!("::error title={cause}::")) && !line.contains('\n'), "{outcome}");
    assert!(words.iter().all(|word| line.contains(word)), "{words:?}: {outcome}");
    assert_eq!(outcome.stderr, "");
}

#[test]
fn a_download_that_fails_says_how() {
    let short = Answer::content(TELLER.len() + 10, "application/octet-stream", TELLER);
    let page = Answer::content(7, "text/html; charset=utf-8", b"sign in");
    let lengths = format!("ended after {} of {} bytes", TELLER.len(), TELLER.len() + 10);
    let away = Answer::redirect("ftp://elsewhere.test/");
    // The answer, what is said, and how often it is tried.
    for (answer, words, attempts) in [
        (Answer::status("404 Not Found"), "answered HTTP 404", 1),
        (Answer::status("503 Service Unavailable"), "answered HTTP 503", 3),
        (short, &*lengths, 3),
        (page, "answered a web page", 1),
        (away, "redirects too often, or away from https", 1),
        (Answer::redirect("/again"), "redirects too often", 6),
    ] {
        let server = Server::start(answer);
        let outcome = Action::released(TELLER, &server.url("/place")).run(step());
        refused(&outcome, "connection-failed", &[words, NAME, VERSION, "REPO_RELAY_BINARIES", "docs/install.md"]);
        assert_eq!(server.requests().len(), attempts, "{words}");
        assert!(server.requests().iter().all(|head| !head.contains("ghp_") && !head.contains("uthorization")));
    }
    let closed = "http://127.0.0.1:1/place";
    refused(&Action::released(TELLER, closed).run(step()), "connection-failed", &["127.0.0.1:1", "ECONNREFUSED"]);
    let unknown = Action::released(TELLER, "https://downloads.invalid/place").run(step());
    refused(&unknown, "connection-failed", &["downloads.invalid", "network, proxy and firewall"]);
    let absent = Action::released(TELLER, closed).run(step().env("REPO_RELAY_BINARIES", "/no/such/folder"));
    refused(&absent, "connection-failed", &["/no/such/folder", "ENOENT"]);
}

#[test]
fn a_download_that_passes_is_tried_again() {
    let turns = std::sync::atomic::AtomicU8::new(0);
    let server = Server::with(move |_| match turns.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
        0 => Answer::status("502 Bad Gateway"),
        _ => Answer::ok(TELLER),
    });
    told(&Action::released(TELLER, &server.url("")).run(without_token(step())));
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn another_program_than_the_released_one_is_not_run() {
    let server = Server::start(Answer::ok(b"#!/bin/sh\ntouch ran\n"));
    let action = Action::released(TELLER, &server.url(""));
    let outcome = action.run(step());
    refused(&outcome, "internal-error", &["not the released one", &action.sha256, "Nothing was started", "mirror"]);
    assert!(!outcome.path("workspace/ran").exists() && !outcome.path("tools").exists());
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_tool_cache_that_something_else_wrote_is_not_trusted() {
    let server = Server::start(Answer::ok(TELLER));
    let action = Action::released(TELLER, &server.url(""));
    let prepared = |content: &[u8], mode: u32, owner: Option<u32>| {
        let step = without_token(step());
        let cached = action.cached(&step);
        fs::create_dir_all(cached.parent().unwrap()).unwrap();
        fs::write(&cached, content).unwrap();
        fs::set_permissions(&cached, PermissionsExt::from_mode(mode)).unwrap();
        let given = chown(&cached, owner, owner).is_ok();
        (step, cached, given)
    };
    let (step, cached, _) = prepared(b"#!/bin/sh\ntouch ran\n", 0o755, None);
    let outcome = action.run(step);
    refused(&outcome, "internal-error", &[cached.to_str().unwrap(), "tool cache", "delete it", "Nothing was started"]);
    assert!(!outcome.path("workspace/ran").exists());
    assert!(server.requests().is_empty());

    // The right content, which another user could change before it is started: a private copy runs.
    for (mode, owner) in [(0o757, None), (0o755, Some(4711))] {
        let (step, _, given) = prepared(TELLER, mode, owner);
        let outcome = action.run(step);
        told(&outcome);
        let copies = fs::read_dir(outcome.path("temp")).unwrap().count();
        assert_eq!(copies, usize::from(given || owner.is_none()), "{mode:o} {owner:?}");
    }
    assert!(server.requests().is_empty());
}

#[test]
fn without_a_tool_cache_that_can_be_written_the_program_runs_from_the_temporary_folder() {
    let server = Server::start(Answer::ok(TELLER));
    let action = Action::released(TELLER, &server.url(""));
    for cache in ["", "/dev/null/tools"] {
        let step = without_token(step()).env("RUNNER_TOOL_CACHE", cache).env("HOME", "/dev/null/home");
        let unused = tools(&step);
        told(&action.run(step));
        assert!(!unused.exists());
    }
}

#[test]
fn a_system_a_node_or_a_commit_without_a_program_is_named() {
    let action = Action::released(TELLER, "http://127.0.0.1:1");
    let folder = TempDir::new().unwrap();
    let before = folder.path().join("before.js");
    let with = |code: &str| {
        fs::write(&before, code).unwrap();
        action.run_with(step(), &["--require", before.to_str().unwrap()])
    };
    let outcome = with("Object.defineProperty(process, 'arch', { value: 'riscv64' });");
    refused(&outcome, "invalid-input", &["no program for linux on riscv64", NAME, "docs/install.md"]);
    let outcome = with("Object.defineProperty(process, 'versions', { value: { node: '16.20.2' } });");
    refused(&outcome, "invalid-input", &["Node.js 16.20.2 is too old", "18 or later", "Update the runner"]);

    // As the action stands on main.
    fs::copy(
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("native/binaries.json"),
        action.folder.path().join("binaries.json"),
    )
    .unwrap();
    refused(&action.run(step()), "invalid-input", &["no released programs", "native@v1"]);
}

#[test]
fn a_program_that_cannot_be_started_is_told() {
    let program = b"#!/no/such/interpreter\n";
    let server = Server::start(Answer::ok(program));
    let outcome = Action::released(program, &server.url("")).run(step());
    refused(&outcome, "internal-error", &["Could not start", NAME, "noexec"]);
}
