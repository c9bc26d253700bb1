//! The commands for people: what they do, what they print, and where a token goes.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::{
    runner::{Outcome, Step},
    world::{TARGET, World},
};

/// A laptop whose token lies in a file.
fn laptop(world: &World, arguments: &[&str]) -> Step {
    let step = Step::new(world.github.url()).on_a_laptop().file("token.txt", world.token.value());
    arguments.iter().fold(step, |step, argument| step.arg(*argument)).arg("--token-file").arg("token.txt")
}

fn report(outcome: &Outcome) -> Value {
    assert_eq!(outcome.stdout.lines().count(), 1, "{outcome}");
    serde_json::from_str(&outcome.stdout).unwrap()
}

fn address(world: &World) -> String {
    format!("{}/{TARGET}", world.github.url())
}

fn git(step: &Step, arguments: &[&str]) {
    let status = Command::new("git").current_dir(step.workspace()).args(arguments).stdout(Stdio::null()).status();
    assert!(status.unwrap().success(), "{arguments:?}");
}

/// A checkout with one commit, whose remote `origin` is the target.
fn with_checkout(step: Step, origin: &str) -> Step {
    git(&step, &["init", "--quiet", "--initial-branch", "main"]);
    git(
        &step,
        &["-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--allow-empty", "--message", "one"],
    );
    git(&step, &["remote", "add", "origin", origin]);
    step
}

#[test]
fn each_command_does_its_part_and_prints_one_json_object() {
    let world = World::new();
    let address = address(&world);
    let check = laptop(&world, &["check", &address, "--json"]).run();
    let json = report(&check);
    assert_eq!((check.status, &json["error"]), (Some(0), &Value::from("")), "{check}");
    assert_eq!(json["targets"][0]["stages"].as_array().unwrap().len(), 1);
    assert!(
        check.stderr.contains("Token of robin for acme/site") && check.stderr.contains("Checked, nothing to relay")
    );

    let publish = laptop(&world, &["publish", "--dry-run", "site", "--repository", &address, "--json"]);
    let planned = publish.file("site/index.html", "<h1>hello</h1>\n").run();
    assert_eq!(report(&planned)["targets"][0]["stages"][1]["status"], "planned");
    assert!(planned.stderr.contains("Would publish to acme/site gh-pages: "), "{planned}");
    assert_eq!(world.tip("refs/heads/gh-pages"), None);
    let publish = laptop(&world, &["publish", "site", "--repository", &address, "--branch", "pages"]);
    publish.file("site/index.html", "<h1>hello</h1>\n").run();
    assert_eq!(world.paths("refs/heads/pages"), ["index.html"]);

    let push = with_checkout(laptop(&world, &["push", "main:new", "--repository", &address]), &address).run();
    assert_eq!(push.status, Some(0), "{push}");
    assert!(world.tip("refs/heads/new").is_some());
    assert!(push.stdout.lines().last().unwrap().starts_with("✓ Relayed to acme/site · new "), "{push}");

    let wrong = laptop(&world, &["check", &address, "--json", "--tokn-file", "x"]).run();
    assert_eq!((wrong.status, &report(&wrong)["error"]), (Some(1), &Value::from("invalid-input")));
    assert!(wrong.stderr.contains("Unknown flag `--tokn-file`. Did you mean `--token-file`?"), "{wrong}");
}

#[test]
fn m5_a_host_that_only_the_checkout_names_is_sent_no_token() {
    let world = World::new();
    let address = address(&world);
    let refused = |step: Step| {
        let seen = world.github.log().0.len();
        let outcome = step.run();
        assert_eq!((outcome.status, &report(&outcome)["error"]), (Some(1), &Value::from("token-missing")), "{outcome}");
        let log = world.github.log();
        assert_eq!(log.0.len(), seen, "something was asked");
        assert!(outcome.stderr.contains("origin") && outcome.stderr.contains("--repository"), "{outcome}");
    };
    let push = ["push", "main:evil", "--yes", "--json"];
    refused(with_checkout(laptop(&world, &push), &address));
    let instead = with_checkout(laptop(&world, &push), "https://github.com/acme/site");
    git(&instead, &["config", &format!("url.{}/.insteadOf", world.github.url()), "https://github.com/"]);
    refused(instead);
    let written = with_checkout(laptop(&world, &push), &address);
    let host = world.github.url().trim_start_matches("http://").to_owned();
    let outcome = written.env("GH_HOST", host).run();
    assert_eq!(outcome.status, Some(0), "{outcome}");
}

#[test]
fn the_variables_of_gh_hold_a_token() {
    let world = World::new();
    let host = world.github.url().trim_start_matches("http://").to_owned();
    let step = |variable: &str| {
        let step = Step::new(world.github.url()).on_a_laptop().arg("check").arg(TARGET).arg("--json");
        step.env("GH_HOST", &host).env(variable, world.token.value()).run()
    };
    let enterprise = step("GH_ENTERPRISE_TOKEN");
    assert_eq!(enterprise.status, Some(0), "{enterprise}");
    assert_eq!(report(&step("GH_TOKEN"))["error"], "token-missing");
}

#[test]
fn p10_a_directory_that_came_out_empty_is_told() {
    let world = World::new();
    let outcome = world.step().input("directory", "").input("branch", "pages").input("destination", "v2").run();
    outcome.succeeded();
    assert!(outcome.summary.lines().next().unwrap().contains("Checked, nothing to relay"), "{}", outcome.summary);
    assert!(outcome.stdout.lines().last().unwrap().contains("Checked, nothing to relay"), "{outcome}");
    assert!(outcome.stdout.contains("::warning::Nothing is pushed: "), "{outcome}");
    let health = world.step().run();
    assert!(!health.stdout.contains("::warning::Nothing is pushed") && !health.summary.contains("mermaid"), "{health}");
}

#[test]
fn m10_a_token_in_the_wrong_input_is_not_repeated() {
    let world = World::new();
    let token = "ghp_0123456789abcdefghijklmnopqrstuvwxyz";
    for (input, value) in [
        ("repository", format!("https://github.com/o/r?access_token={token}")),
        ("server-url", format!("https://github.com/?t={token}")),
        ("branch", format!("a {token}")),
        ("timeout", format!("{} {token}", "x".repeat(70))),
    ] {
        let outcome =
            Step::new(world.github.url()).input("repository", TARGET).input("token", "ghs_x").input(input, value).run();
        let everything = format!("{outcome}{}", outcome.summary);
        assert!(!everything.contains("0123456789"), "{input}: {outcome}");
    }
    let step = Step::new(world.github.url()).on_a_laptop().arg("explain");
    let mut child = step.command().stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let text = format!("fatal: odd thing with https://{token}@github.com/o/r");
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let printed = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    assert!(printed.contains("odd thing") && !printed.contains("0123456789"), "{printed}");
}

/// Runs the step on a terminal of its own, at which `typed` is typed.
fn at_a_terminal(step: &Step, arguments: &str, typed: &str) -> (Option<i32>, String) {
    let command = format!("{} {arguments}", env!("CARGO_BIN_EXE_repo-relay"));
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", &command, "/dev/null"]).current_dir(step.workspace());
    script.env_clear().env("PATH", "/usr/bin:/bin").env("SHELL", "/bin/sh").envs(step.variables());
    let mut child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn a_push_from_a_terminal_to_what_nobody_named_asks_once() {
    let world = World::new();
    let address = address(&world);
    let step = with_checkout(laptop(&world, &[]), &address);
    let push = &format!("push main:asked --token-file token.txt --server-url {}", world.github.url());
    let (status, text) = at_a_terminal(&step, push, "n\n");
    assert_eq!((status, world.tip("refs/heads/asked")), (Some(1), None), "{text}");
    assert_eq!(text.matches("[y/N]").count(), 1, "{text}");
    let (status, text) = at_a_terminal(&step, push, "y\n");
    assert!(status == Some(0) && world.tip("refs/heads/asked").is_some(), "{text}");
    for quiet in ["--yes", "--dry-run", &format!("--repository {address}")] {
        let (status, text) = at_a_terminal(&step, &format!("{push} {quiet}"), "");
        assert!(status == Some(0) && !text.contains("[y/N]"), "{quiet}: {text}");
    }
    let (status, text) = at_a_terminal(&step, "explain", "fatal: repository 'x' not found\n\u{4}");
    assert!(status == Some(0) && text.contains("Waiting for") && text.contains("What to do:"), "{text}");
}
