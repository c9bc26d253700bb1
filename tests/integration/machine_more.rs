//! The machine that a step runs on is not trusted: what a laptop reads first, `.git` as the folder to publish, outlets that take nothing.

use std::{
    ffi::OsStr,
    fs,
    os::unix::ffi::OsStrExt as _,
    time::{Duration, Instant},
};

use emulator::model::{Repository, Token};
use rustix::process::Signal;

use crate::{
    machine::{pipe, rest},
    runner::Step,
    world::{TARGET, World},
};

#[test]
fn m2_a_pipe_where_a_laptop_looks_for_its_origin_holds_nothing_up() {
    for (place, signal) in [
        ("workspace/.git/config", None),
        ("workspace/.git/HEAD", None),
        ("home/.gitconfig", None),
        ("workspace/.git/config", Some((Signal::TERM, "SIGTERM"))),
        ("home/.gitconfig", Some((Signal::INT, "SIGINT"))),
    ] {
        let token = Token::classic("robin", &["repo"]);
        let step = Step::new("").on_a_laptop().env("GH_TOKEN", token.value()).arg("check").arg("--json");
        let step = step.arg("--timeout").arg(if signal.is_some() { "1m" } else { "1s" });
        crate::refs::Tree::init(&step.workspace()).commit("a.txt", "1");
        pipe(&step.workspace().parent().unwrap().join(place));
        let begin = Instant::now();
        let child = step.start();
        let outcome = if let Some((signal, _)) = signal {
            (0..50).for_each(|_| rest());
            step.ended_by(child, signal)
        } else {
            let output = child.wait_with_output().unwrap();
            step.outcome(output, begin.elapsed())
        };
        assert!(begin.elapsed() < Duration::from_secs(4), "{place}: {:?}", outcome.took);
        // A `HEAD` that is no file makes no repository.
        let error = match signal {
            Some(_) => "cancelled",
            None if place.ends_with("HEAD") => "invalid-input",
            None => "timeout",
        };
        assert_eq!(outcome.status, Some(1), "{place}: {outcome}");
        let report: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
        assert_eq!(report["error"], error, "{place}: {outcome}");
        assert!(signal.is_none_or(|(_, name)| outcome.stderr.contains(name)), "{place}: {outcome}");
    }
}

#[test]
fn m4_the_git_directory_is_not_published_under_any_name() {
    let world = World::new();
    let inside = ["config", "modules/theme/config"];
    for (directory, link) in [
        (".git", None),
        ("./.git/", None),
        (".git/modules/theme", None),
        ("code/.GIT", None),
        ("site", Some(".git")),
        ("site/theme", Some(".git/modules")),
    ] {
        let mut step = world.step().input("directory", directory);
        for name in inside {
            step = step.file(&format!(".git/{name}"), "[http]\n").file(&format!("code/.GIT/{name}"), "[http]\n");
        }
        if let Some(target) = link {
            std::os::unix::fs::symlink(target, step.workspace().join("site")).unwrap();
        }
        let outcome = step.run();
        outcome.failed("invalid-input");
        assert!(outcome.stdout.contains("leads into `.git`"), "{directory}: {outcome}");
    }
    assert_eq!(world.tip("refs/heads/gh-pages"), None);
    // Other names that begin so are no git directory.
    world.step().input("directory", ".github").file(".github/a.txt", "1").run().succeeded();
}

#[test]
fn m12_a_pipe_that_nobody_reads_takes_no_outputs() {
    let world = World::new();
    let step = world.publish();
    let place = step.workspace().parent().unwrap().join("pipe");
    pipe(&place);
    let place = place.to_str().unwrap().to_owned();
    let outcome = step.env("GITHUB_OUTPUT", &*place).env("GITHUB_STEP_SUMMARY", &*place).run();
    assert_eq!(outcome.status, Some(1), "{outcome}");
    assert!(outcome.stdout.contains("The outputs could not be written to "), "{outcome}");
    assert!(outcome.stdout.contains("The summary could not be written to "), "{outcome}");
    assert!(outcome.took < Duration::from_secs(15), "{:?}", outcome.took);
    // What takes all of it is no error: a person's terminal, a pipe that is read.
    let world = World::new();
    let outcome = world.publish().env("GITHUB_OUTPUT", "/dev/stdout").run();
    assert_eq!(outcome.status, Some(0), "{outcome}");
    assert!(outcome.stdout.contains("token-kind"), "{outcome}");
}

#[test]
#[cfg(target_os = "linux")]
fn m12_paths_of_the_runner_need_not_be_text() {
    let world = World::new();
    let step = world.publish();
    let folder = step.workspace().parent().unwrap().join(OsStr::from_bytes(b"\xff"));
    fs::rename(step.workspace(), &folder).unwrap();
    fs::create_dir(step.workspace()).unwrap();
    let mut command = step.command();
    let (output, summary) = (folder.join("output"), folder.join("summary"));
    command.env("GITHUB_WORKSPACE", &folder).env("TMPDIR", &folder);
    command.env("GITHUB_OUTPUT", &output).env("GITHUB_STEP_SUMMARY", &summary);
    let ended = command.output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stdout));
    assert!(fs::read_to_string(output).unwrap().contains("token-kind"));
    assert!(fs::read_to_string(summary).unwrap().contains("Relayed"));
    assert!(!world.paths("refs/heads/gh-pages").is_empty());
}

/// A full disk behind standard output: whoever reads the file later finds nothing or half of it.
#[test]
#[cfg(target_os = "linux")]
fn m12_standard_output_that_takes_nothing_fails_a_command() {
    let world = World::new();
    let full = || fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    for args in [&["check", "--json"][..], &["completions", "bash"], &["explain", "--json"], &["--help"]] {
        let step = args.iter().fold(world.step(), |step, arg| step.arg(*arg));
        let ended = step.command().stdout(full()).output().unwrap();
        assert_eq!(ended.status.code(), Some(1), "{args:?}");
        let said = String::from_utf8(ended.stderr).unwrap();
        assert!(said.contains("Standard output could not be written: "), "{args:?}: {said}");
    }
    // The log is for people, and the outputs are written all the same.
    let step = world.publish();
    let ended = step.command().stdout(full()).output().unwrap();
    assert_eq!(ended.status.code(), Some(0));
    // A reader that has seen enough.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let step = world.step().arg("--help");
    assert_eq!(step.command().stdout(writer).output().unwrap().status.code(), Some(0));
}

#[test]
fn m2_a_pipe_in_the_place_of_a_folder_of_the_checkout_is_named() {
    for (place, says) in [
        ("objects/pack", "objects/pack of the checkout is no regular file"),
        ("objects/pack/pack-1.pack", "pack-1.pack of the checkout is no regular file"),
        ("objects", "There is no git repository"),
        ("refs/heads", "refs/heads of the checkout is no regular file"),
        ("config.worktree", "config.worktree of the checkout is no regular file"),
    ] {
        let world = World::with(Repository::new(TARGET), Token::classic("robin", &["repo"]));
        let step = world.step().input("refs", "main").input("timeout", "3s");
        crate::refs::Tree::init(&step.workspace()).commit("a.txt", "1");
        let place = step.workspace().join(".git").join(place);
        let _ = fs::remove_dir_all(&place);
        pipe(&place);
        let outcome = step.run();
        assert_eq!(outcome.status, Some(1), "{outcome}");
        assert!(outcome.stdout.contains(says), "{says}: {outcome}");
        assert!(outcome.took < Duration::from_secs(3), "{says}: {:?}", outcome.took);
    }
}
