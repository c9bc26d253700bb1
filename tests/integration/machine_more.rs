//! The machine that a step runs on is not trusted: what a laptop reads first, `.git` as the folder to publish, outlets that take nothing.

use std::time::{Duration, Instant};

use emulator::model::Token;
use rustix::process::Signal;

use crate::{
    machine::{pipe, rest},
    runner::Step,
    world::World,
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
