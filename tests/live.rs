//! `script/live` against the emulator: every fact holds there, a difference shows, nothing is left over whenever it is interrupted,
//! and no repository but the two is written to.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests may stop at the first surprise")]

#[allow(dead_code, reason = "what a person starts")]
#[path = "../examples/live/main.rs"]
mod live;

use std::{
    collections::BTreeMap,
    env, fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use emulator::{
    conformance::{self, Side},
    faults::{Canned, Fault, FaultRule},
    model::{Repository, TokenKind},
};
use live::{
    local::{ELSEWHERE, Local, NAMED},
    options::Options,
    server::{Auth, Interrupt, Server},
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The variable that holds the arguments, a line each, when this binary is the program itself.
const ARGUMENTS: &str = "LIVE_TEST_ARGUMENTS";

#[test]
#[ignore = "the program that the other tests start as a process"]
fn as_program() {
    let Ok(arguments) = env::var(ARGUMENTS) else { return };
    let arguments: Vec<String> = arguments.lines().map(str::to_owned).collect();
    std::process::exit(live::run(&arguments).into());
}

/// Starts the program against `local` with further arguments.
fn start(local: &Local, output: &Path, arguments: &[&str]) -> Child {
    let mut all = vec!["--program", env!("CARGO_BIN_EXE_repo-relay"), "--output", output.to_str().unwrap(), "--yes"];
    all.extend(arguments);
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "as_program", "--nocapture"]).env(ARGUMENTS, all.join("\n"));
    command.envs(local.variables().iter().map(|(name, value)| (name, value))).stdin(Stdio::null());
    command
        .stdout(fs::File::create(output.join("log")).unwrap())
        .stderr(fs::File::create(output.join("errors")).unwrap());
    command.spawn().unwrap()
}

/// Runs it to its end: exit status, rows by their names, everything that was printed or written.
fn run(local: &Local, arguments: &[&str]) -> (i32, BTreeMap<String, Value>, String) {
    let output = TempDir::new().unwrap();
    let status = start(local, output.path(), arguments).wait().unwrap();
    let texts =
        ["log", "errors", "live.md", "live.json"].map(|name| fs::read_to_string(output.path().join(name)).unwrap());
    let table: Value = serde_json::from_str(&texts[3]).unwrap();
    let rows =
        table["rows"].as_array().unwrap().iter().map(|row| (row["id"].as_str().unwrap().to_owned(), row.clone()));
    (status.code().unwrap(), rows.collect(), texts.concat())
}

/// Nothing is there that was not there before, and the repository that is none of the run's was left alone.
#[track_caller]
fn assert_nothing_left(local: &Local, when: &str) {
    let left: Vec<String> = local.github.model(|model| model.repositories.iter().map(Repository::slug).collect());
    assert_eq!(left, [ELSEWHERE, NAMED[0], NAMED[1]], "{when}");
    for slug in NAMED {
        let held = local.github.model(|model| {
            let one = model.find(slug).unwrap();
            one.deploy_keys.len() + one.secrets.len() + one.releases.len() + one.environments.len()
        });
        assert_eq!(held, 0, "{when}: {slug} holds keys, secrets, releases or environments");
    }
    let alive = local.github.model(|model| {
        let minted =
            |token: &&emulator::model::Token| matches!(token.kind, TokenKind::Installation(..)) && !token.revoked;
        model.tokens.iter().filter(minted).count()
    });
    assert_eq!(alive, 0, "{when}: tokens that were minted live on");
    for entry in &local.github.log().0 {
        let writes = entry.method != "GET" && entry.path.contains(ELSEWHERE);
        assert!(!writes, "{when}: {} {}", entry.method, entry.path);
    }
}

#[test]
fn every_fact_holds_and_nothing_is_left() {
    let local = Local::start().unwrap();
    let begun = Instant::now();
    let (status, rows, texts) = run(&local, &[]);
    let verdicts = |word: &str| rows.values().filter(|row| row["verdict"] == word).collect::<Vec<_>>();
    assert!(verdicts("differs").is_empty(), "{:#?}", verdicts("differs"));
    assert_eq!(status, 0, "{texts}");
    assert!(verdicts("holds").len() > 120, "{}", verdicts("holds").len());
    for set_up in ["documentation", "release", "coverage"] {
        let row = &rows[&format!("set-up-{set_up}/deploy-key")];
        assert_eq!(row["verdict"], "holds", "{row}");
    }
    for row in verdicts("skipped") {
        assert!(!row["reason"].as_str().unwrap().is_empty(), "{row}");
    }
    for (name, value) in local.variables().iter().filter(|(name, _)| name.ends_with("TOKEN") || name.ends_with("KEY")) {
        assert!(!texts.contains(value.trim()), "{name} stands in what was printed or written");
    }
    assert_nothing_left(&local, "after the run");
    let wrong: Vec<_> =
        conformance::check(&local.github.log()).into_iter().filter(|one| one.side == Side::Answer).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    println!("{} requests, those of the steps among them, in {:?}", local.github.log().0.len(), begun.elapsed());
}

#[test]
fn a_difference_is_a_row_that_fails() {
    let local = Local::start().unwrap();
    let refused = Fault::Answer(Canned::error(403, "Resource not accessible by integration"));
    local.github.fault(FaultRule::on("GET", "/api/v3/installation/repositories", refused));
    local.github.fault(FaultRule::on("*", "*/info/refs", Fault::Without("x-github-request-id")));
    let (status, rows, texts) = run(&local, &["--only", "installation-repositories,request-id,hash-algorithm"]);
    assert_eq!(status, 1, "{texts}");
    let came = |id: &str| (rows[id]["verdict"].as_str().unwrap(), rows[id]["seen"].as_str().unwrap());
    assert_eq!(came("installation-repositories/app"), ("differs", "403"));
    assert_eq!(came("request-id"), ("differs", "REST there, git absent"));
    assert_eq!(came("hash-algorithm"), ("holds", "200 sha1"));
    assert!(texts.contains("stands in crates/http/src/http.rs"), "{texts}");
    assert_nothing_left(&local, "after a difference");
}

#[test]
fn repositories_that_were_named_are_as_before() {
    let local = Local::start().unwrap();
    let state = || NAMED.map(|slug| local.github.repository(slug).refs());
    let before = state();
    let only = "branch-of-a-tag-push/app,helper-ref,twice-proposed,set-up-coverage/classic,set-up-release/app,\
                set-up-documentation/deploy-key,stage-secret/classic,immutable-release,key-of-an-environment";
    let (status, rows, texts) = run(&local, &["--repositories", &NAMED.join(","), "--only", only]);
    assert_eq!(status, 0, "{texts}");
    assert!(rows.values().filter(|row| row["verdict"] == "holds").count() > 5, "{rows:#?}");
    assert_eq!(state(), before);
    assert!(local.github.log().pushes().len() >= 2, "something was there to be put back");
    assert_nothing_left(&local, "after a run with named repositories");
}

/// Rows with requests and steps of every kind: what is made, filled, minted, renamed, pushed and waited for.
const PART: &str = "renamed,set-up-documentation/app,stage-workflow-dispatch/classic";

#[test]
fn an_interruption_leaves_nothing_over() {
    let local = Local::start().unwrap();
    let (status, _, texts) = run(&local, &["--only", PART]);
    assert_eq!(status, 0, "{texts}");
    let whole = local.github.log().0.len();
    assert!(whole > 40, "{whole}");
    // The last requests remove what was made: a signal then changes nothing.
    let points = (0..10).map(|point| 1 + point * (whole - 8) / 9);
    interrupt_at_each(points, &["--only", PART]);
}

/// The same of what a named repository can keep: branches, tags, a deploy key, a secret, a release, an environment.
const NAMED_PART: &str = "set-up-documentation/deploy-key,set-up-release/app,set-up-coverage/classic,stage-secret/classic,\
                          immutable-release,key-of-an-environment";

#[test]
fn an_interruption_leaves_nothing_over_in_named_repositories() {
    let named = NAMED.join(",");
    let arguments = ["--repositories", &named, "--only", NAMED_PART];
    let local = Local::start().unwrap();
    let (status, _, texts) = run(&local, &arguments);
    assert_eq!(status, 0, "{texts}");
    let whole = local.github.log().0.len();
    let removed = local.github.log().0.iter().filter(|entry| entry.method == "DELETE").count();
    assert!(removed >= 8, "only {removed} things were there to be removed");
    interrupt_at_each((0..10).map(|point| 1 + point * (whole - 30) / 9), &arguments);
}

fn interrupt_at_each(points: impl Iterator<Item = usize>, arguments: &[&str]) {
    std::thread::scope(|scope| {
        for (number, point) in points.enumerate() {
            let signal = if number % 2 == 0 { Signal::INT } else { Signal::TERM };
            scope.spawn(move || interrupt_at(point, signal, arguments));
        }
    });
}

/// Sends the signal while the request of this number is under way.
fn interrupt_at(point: usize, signal: Signal, arguments: &[&str]) {
    let local = Local::start().unwrap();
    let state = || NAMED.map(|slug| local.github.repository(slug).refs());
    let before = state();
    let output = TempDir::new().unwrap();
    local.github.fault(FaultRule::on("*", "*", Fault::Delay(Duration::from_millis(300))).nth(point as u64));
    let mut child = start(&local, output.path(), arguments);
    let begun = Instant::now();
    while local.github.log().0.len() < point && begun.elapsed() < Duration::from_mins(1) {
        assert!(child.try_wait().unwrap().is_none(), "it ended before request {point}");
        std::thread::sleep(Duration::from_millis(2));
    }
    kill_process(Pid::from_child(&child), signal).unwrap();
    let status = child.wait().unwrap();
    let errors = fs::read_to_string(output.path().join("errors")).unwrap();
    let when = format!("{signal:?} at request {point}: {errors}");
    assert_eq!(status.code(), Some(130), "{when}");
    assert!(!errors.contains("LEFT OVER"), "{when}");
    local.github.settle();
    assert_eq!(state(), before, "{when}");
    assert_nothing_left(&local, &when);
}

#[test]
fn a_write_to_any_other_repository_is_held_back() {
    let local = Local::start().unwrap();
    let arguments = ["--program".to_owned(), "unused".to_owned()];
    let options = Options::read(&arguments, &|name| local.variable(name)).unwrap();
    let server = Server::new(&options, Interrupt::default()).unwrap();
    let auth = Auth::Bearer(options.classic.as_ref().unwrap());
    for slug in [ELSEWHERE, "robin/repo-relay-live-another-target", "robin/x/../elsewhere"] {
        let tried = [
            server.write(auth, "DELETE", slug, "", &Value::Null).map(|_| ()),
            server.write(auth, "POST", slug, "/dispatches", &json!({})).map(|_| ()),
            server.create(auth, slug, false).map(|_| ()),
            server.mutate(auth, slug, "mutation { x }", &json!({})).map(|_| ()),
            server.own(slug).map(|_| ()),
        ];
        for (number, came) in tried.into_iter().enumerate() {
            let told = format!("{:?}", came.expect_err("held back"));
            assert!(told.contains("was held back"), "{number}: {told}");
        }
    }
    assert!(local.github.log().0.is_empty(), "nothing was sent");
}
