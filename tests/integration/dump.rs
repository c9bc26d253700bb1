//! What others can see of a step that runs: its arguments, a core of its memory, its log for debugging.

use std::{
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use emulator::faults::{Fault, FaultRule};

use crate::{
    leaks::{Canary, search},
    matrix::scene::{KINDS, Kind, Scene},
    world::World,
};

/// A shell that lifts the limit of a core's size and becomes the program.
fn unlimited(folder: &Path) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "ulimit -c unlimited; exec \"$0\" \"$@\""]).current_dir(folder);
    command
}

/// Whether a core was made, by the kernel's word or as a file.
fn dumped(ended: ExitStatus, folder: &Path) -> bool {
    assert_eq!(ended.signal(), Some(6));
    let is_core = |name: std::ffi::OsString| name.to_string_lossy().starts_with("core");
    ended.core_dumped() || std::fs::read_dir(folder).unwrap().any(|entry| is_core(entry.unwrap().file_name()))
}

#[test]
fn neither_arguments_nor_a_core_hold_the_token() {
    let folder = tempfile::tempdir().unwrap();
    let ended = unlimited(folder.path()).args(["/bin/sh", "-c", "kill -ABRT $$"]).status().unwrap();
    if !dumped(ended, folder.path()) {
        println!("no process leaves a core here: nothing can be seen of one");
        return;
    }
    let world = World::new();
    world.github.fault(FaultRule::on("GET", "/api/v3/user", Fault::Delay(Duration::from_secs(20))));
    let step = world.publish();
    let whole = step.command();
    let mut command = unlimited(&step.workspace());
    command.env_clear().envs(whole.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut child = command.arg(whole.get_program()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let begin = Instant::now();
    while world.github.log().calls("GET", "/user").is_empty() && begin.elapsed() < Duration::from_secs(30) {
        std::thread::park_timeout(Duration::from_millis(20));
    }
    let arguments = std::fs::read(format!("/proc/{}/cmdline", child.id())).unwrap();
    let arguments = String::from_utf8_lossy(&arguments);
    assert!(arguments.contains("repo-relay") && !arguments.contains(world.token.value()), "{arguments}");
    assert!(Command::new("kill").args(["-ABRT", &child.id().to_string()]).status().unwrap().success());
    let ended = child.wait().unwrap();
    assert!(!dumped(ended, &step.workspace()), "a core of the step was made");
    println!("a core of another process is made here, and none of a step");
}

#[test]
fn debug_logging_shows_no_secret_not_even_one_that_was_made_on_the_way() {
    for scene in KINDS.map(Scene::new).into_iter().chain([Scene::over_ssh(Kind::Publish)]) {
        let outcome = scene.step(scene.github.url()).env("RUNNER_DEBUG", "1").run();
        outcome.succeeded();
        let mut visible: String = outcome.stdout.lines().filter(|line| !line.starts_with("::add-mask::")).collect();
        visible.extend([outcome.stderr.as_str(), outcome.summary.as_str()]);
        visible.extend(outcome.outputs.values().map(String::as_str));
        // An App's tokens, and the head of every statement that it signs.
        let made = scene.secrets().into_iter().map(|secret| Canary::new("made", &secret));
        let statement = BASE64_STANDARD.encode(r#"{"alg":"RS25"#);
        let made: Vec<Canary> = made.chain([Canary::new("statement", &statement)]).collect();
        search("a step that logs for debugging", &made, [("all of it".to_owned(), visible.into_bytes().into())]);
    }
}
