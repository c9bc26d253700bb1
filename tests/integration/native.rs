//! The native action: `native/main.js` in a real Node.js takes a program from a server on loopback, and runs it as the step.

mod failures;
mod server;

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use ring::digest::{SHA256, digest};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tempfile::TempDir;

use self::server::{Answer, Server};
use crate::{
    front::{Front, Proxy},
    runner::{Outcome, Step},
    world::World,
};

const VERSION: &str = "1.2.3";

/// The name of the program for the machine that the tests run on.
const NAME: &str = if cfg!(target_arch = "aarch64") {
    "repo-relay-aarch64-unknown-linux-gnu"
} else {
    "repo-relay-x86_64-unknown-linux-gnu"
};

/// A program that tells how it was started.
const TELLER: &[u8] = b"#!/bin/sh\ntr '\\0' '\\n' < /proc/$$/environ\necho \"in $PWD\" >&2\nexit 7\n";

/// The action as a release's commit has it.
struct Action {
    folder: TempDir,
    sha256: String,
}

impl Action {
    /// Whose program is `program`, released at `release`.
    fn released(program: &[u8], release: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let sha256 = hex::encode(digest(&SHA256, program));
        let binaries = json!({"version": VERSION, "release": release, "sha256": {NAME: sha256}});
        fs::write(folder.path().join("binaries.json"), binaries.to_string()).unwrap();
        let shim = Path::new(env!("CARGO_MANIFEST_DIR")).join("native/main.js");
        fs::copy(shim, folder.path().join("main.js")).unwrap();
        Self { folder, sha256 }
    }

    /// The command of a step, with a tool cache beside its workspace. `options` are Node.js's own.
    #[expect(clippy::disallowed_methods, reason = "where this machine has Node.js")]
    fn command(&self, step: &Step, options: &[&str]) -> Command {
        let mut command = Command::new("node");
        command.env_clear().env("PATH", std::env::var("PATH").unwrap()).current_dir(step.workspace());
        command.env("RUNNER_TOOL_CACHE", tools(step)).envs(step.variables()).stdin(Stdio::null());
        command.args(options).arg(self.folder.path().join("main.js"));
        command
    }

    /// Runs a step to its end.
    #[track_caller]
    fn run(&self, step: Step) -> Outcome {
        self.run_with(step, &[])
    }

    /// The same, with options of Node.js.
    #[track_caller]
    fn run_with(&self, step: Step, options: &[&str]) -> Outcome {
        let begin = Instant::now();
        let output = self.command(&step, options).output().unwrap();
        step.outcome(output, begin.elapsed())
    }

    /// Where the tool cache of this step keeps the program.
    fn cached(&self, step: &Step) -> PathBuf {
        let version = format!("{VERSION}-{}", &self.sha256[..12]);
        let processor = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
        tools(step).join("repo-relay").join(version).join(processor).join(NAME)
    }
}

/// The tool cache of a step.
fn tools(step: &Step) -> PathBuf {
    step.workspace().parent().unwrap().join("tools")
}

/// A step whose program is [`TELLER`].
fn step() -> Step {
    Step::new("https://github.com").input("token", "ghp_0123456789012345678901234567890123456")
}

/// That [`TELLER`] ran.
#[track_caller]
fn told(outcome: &Outcome) -> BTreeMap<&str, &str> {
    assert_eq!(outcome.status, Some(7), "{outcome}");
    outcome.stdout.lines().filter_map(|line| line.split_once('=')).collect()
}

/// Takes the secret out of what [`TELLER`] told: a real program masks it, and the tests look for it everywhere.
fn without_token(step: Step) -> Step {
    step.input("token", "")
}

#[test]
fn a_whole_publish_by_the_native_action() {
    let world = World::new();
    let program = fs::read(env!("CARGO_BIN_EXE_repo-relay")).unwrap();
    let server = Server::start(Answer::ok(&program));
    let action = Action::released(&program, &server.url("/v1.2.3"));
    let first = world.publish().input("dry-run", "true");
    let cached = action.cached(&first);
    let outcome = action.run(first);
    outcome.succeeded();
    assert!(cached.metadata().unwrap().permissions().mode() & 0o111 != 0);
    assert_eq!(world.tip("refs/heads/gh-pages"), None, "dry-run did not reach the program");

    // The next job of the same runner.
    let second = world.publish();
    fs::create_dir_all(action.cached(&second).parent().unwrap()).unwrap();
    fs::copy(&cached, action.cached(&second)).unwrap();
    let outcome = action.run(second);
    outcome.succeeded();
    assert_eq!(outcome.output("commit"), world.tip("refs/heads/gh-pages").unwrap());
    let requests = server.requests();
    assert_eq!(requests.len(), 1, "the tool cache was not used: {requests:?}");
    let request = requests[0].to_lowercase();
    assert!(request.starts_with(&format!("get /v1.2.3/{NAME} http/1.1\r\n").to_lowercase()), "{request}");
    assert!(!request.contains("authorization") && !request.contains(world.token.value()), "{request}");
}

#[test]
fn the_program_gets_the_variables_and_folder_and_its_status_is_the_steps() {
    let server = Server::start(Answer::ok(TELLER));
    let action = Action::released(TELLER, &server.url(""));
    let step = without_token(step()).input("dry-run", "true").input("message", "two\nlines, ü");
    let workspace = fs::canonicalize(step.workspace()).unwrap();
    let outcome = action.run(step);
    let variables = told(&outcome);
    assert_eq!(variables["INPUT_DRY-RUN"], "true");
    assert!(outcome.stdout.contains("INPUT_MESSAGE=two\nlines, ü\n"), "{outcome}");
    assert_eq!(outcome.stderr, format!("in {}\n", workspace.display()));
}

#[test]
fn signals_reach_the_program() {
    let program = b"#!/bin/sh\nfor name in TERM INT HUP QUIT; do trap \"echo got $name; exit 5\" $name; done\n\
                    echo ready\nturns=0\nwhile [ $((turns += 1)) -lt 200 ]; do sleep 0.05; done\n";
    let server = Server::start(Answer::ok(program));
    let action = Action::released(program, &server.url(""));
    for (signal, name) in [(Signal::TERM, "TERM"), (Signal::INT, "INT"), (Signal::HUP, "HUP"), (Signal::QUIT, "QUIT")] {
        let step = step();
        let mut child = action.command(&step, &[]).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert_eq!(lines.next().unwrap().unwrap(), "ready");
        let sent = Instant::now();
        kill_process(Pid::from_child(&child), signal).unwrap();
        assert_eq!(lines.next().unwrap().unwrap(), format!("got {name}"));
        assert_eq!(child.wait().unwrap().code(), Some(5), "{name}");
        assert!(sent.elapsed() < Duration::from_secs(5), "the runner waits for 7.5 seconds");
    }
    // A program that a signal ends has no status: as a shell tells it.
    let program = b"#!/bin/sh\nkill -9 $$\n";
    let server = Server::start(Answer::ok(program));
    assert_eq!(Action::released(program, &server.url("")).run(step()).status, Some(128 + 9));
}

#[test]
fn a_mirror_and_a_copy_on_an_enterprise_server_take_the_place_of_the_release() {
    let program = TELLER;
    let nowhere = "http://127.0.0.1:1/never";
    // A folder that is part of the runner's image, a mirror inside the network.
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join(NAME), program).unwrap();
    let server = Server::start(Answer::ok(program));
    let mirrors = [folder.path().display().to_string(), server.url("/a%20mirror/")];
    for mirror in mirrors {
        told(&Action::released(program, nowhere).run(without_token(step()).env("REPO_RELAY_BINARIES", &mirror)));
    }
    // The action was copied to the server, with its releases; or it was not, and comes from github.com.
    let copied = format!("/acme/relay/releases/download/v{VERSION}/{NAME}");
    let copy =
        Server::with(move |path| if path == copied { Answer::ok(TELLER) } else { Answer::status("404 Not Found") });
    for (repository, release) in [("acme/relay", nowhere), ("acme/other", &*server.url("/release"))] {
        let step = Step::new(&copy.url("")).env("GITHUB_ACTION_REPOSITORY", repository);
        told(&Action::released(program, release).run(step));
    }
    let asked: Vec<String> = server.requests().iter().map(|head| head.split(' ').nth(1).unwrap().to_owned()).collect();
    assert_eq!(asked, [format!("/a%20mirror/{NAME}"), format!("/release/{NAME}")]);
}

#[test]
fn a_redirect_is_followed_as_githubs_to_its_store() {
    let store = Server::start(Answer::ok(TELLER));
    let to = store.url("/store?signature=x");
    let server = Server::with(move |_| Answer::redirect(&to));
    told(&Action::released(TELLER, &server.url("")).run(without_token(step())));
    assert!(store.requests()[0].starts_with("GET /store?signature=x HTTP/1.1\r\n"), "{:?}", store.requests());
}

#[test]
fn a_proxy_with_a_password_and_a_private_ca_are_on_the_way() {
    let server = Server::start(Answer::ok(TELLER));
    let front = Front::start(&server.url(""), &["downloads.test"]);
    let proxy = Proxy::start(&front, true);
    let action = Action::released(TELLER, "https://downloads.test/release");
    let step = |user: &str| {
        without_token(step()).input("ca-certificate", &front.authority).env("HTTPS_PROXY", proxy.url(user))
    };
    told(&action.run(step("ada:s3cret@").env("NO_PROXY", "elsewhere.test, .other.test")));
    for (user, hint) in [("", "requires a user and a password"), ("ada:wrong-one@", "rejected the user and password")] {
        let outcome = action.run(step(user));
        outcome.failed("connection-failed");
        assert!(outcome.stdout.contains(hint) && outcome.stdout.contains("HTTP 40"), "{outcome}");
        assert!(!outcome.stdout.contains("wrong-one"), "{outcome}");
    }
    let outcome = action.run(step("").env("HTTPS_PROXY", "socks5://ada:wrong-one@127.0.0.1:1080"));
    outcome.failed("invalid-input");
    assert!(outcome.stdout.contains("HTTPS_PROXY is not the address of a proxy"), "{outcome}");
    // Named in NO_PROXY the host is asked directly, and this name has no address.
    for names in ["downloads.test", "*.test", "*", "x, .test:443"] {
        let outcome = action.run(step("ada:s3cret@").env("NO_PROXY", names));
        outcome.failed("connection-failed");
        assert!(outcome.stdout.contains("downloads.test"), "{names}: {outcome}");
    }
    assert_eq!(front.asked(), ["downloads.test:443"]);
}
