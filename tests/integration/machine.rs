//! The machine that a step runs on is not trusted: variables, pipes in the place of files, files that cannot be written.

use std::{fs, process::Command, time::Duration};

use emulator::model::{Repository, Token};

use crate::{
    runner::Step,
    world::{TARGET, World},
};

fn pipe(path: &std::path::Path) {
    let _ = fs::remove_file(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

fn checkout(world: &World) -> Step {
    let step = world.step().input("refs", "main").input("timeout", "3s");
    crate::refs::Tree::init(&step.workspace()).commit("a.txt", "1");
    step
}

#[test]
fn m2_a_pipe_in_the_place_of_a_file_of_the_checkout_holds_nothing_up() {
    for name in ["config", "HEAD", "packed-refs", "shallow", "objects/info/alternates", "commondir"] {
        let world = World::with(Repository::new(TARGET), Token::classic("robin", &["repo"]));
        let step = checkout(&world);
        pipe(&step.workspace().join(".git").join(name));
        let outcome = step.run();
        assert_eq!(outcome.status, Some(1), "{name}: {outcome}");
        assert!(outcome.took < Duration::from_secs(5), "{name}: {:?}", outcome.took);
        assert!(!outcome.output("error").is_empty(), "{name}: {outcome}");
        assert_eq!(world.tip("refs/heads/main"), None, "{name}");
    }
}

#[test]
fn m2_a_pipe_beside_a_publish_of_a_directory_holds_nothing_up() {
    let world = World::new();
    let step = world.publish();
    pipe(&step.workspace().join(".git/config"));
    let outcome = step.run();
    outcome.succeeded();
    assert!(outcome.took < Duration::from_secs(10), "{:?}", outcome.took);
}

#[test]
fn m12_outputs_that_cannot_be_written_fail_the_step() {
    let world = World::new();
    let outcome = world.publish().env("GITHUB_OUTPUT", "/dev/full").run();
    assert_eq!(outcome.status, Some(1), "{outcome}");
    assert!(outcome.stdout.contains("The outputs could not be written to /dev/full"), "{outcome}");
    let world = World::new();
    let outcome = world.publish().env("GITHUB_OUTPUT", "/").run();
    assert_eq!(outcome.status, Some(1), "{outcome}");
    // A summary is for people: without it the step stays what it was.
    let world = World::new();
    let outcome = world.publish().env("GITHUB_STEP_SUMMARY", "/dev/full").run();
    assert_eq!(outcome.status, Some(0), "{outcome}");
}
