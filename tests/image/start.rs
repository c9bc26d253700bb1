//! The time from the start of a step to the program's first line in the log, as the container action and as the native
//! action: `script/bench start`.

#![allow(clippy::print_stdout, reason = "a measurement")]

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    engine::{Container, podman, variable},
    native,
    server::{Answer, Server},
    workflow::Act,
    world::World,
};

/// The program's first line that a log shows; masks, which come before it, are not shown.
const FIRST: &str = "::group::preflight";

/// Runs a command to its end; the time to the program's first line, counted from the line of its output that holds
/// `begin`, or from its own start where that is empty.
#[track_caller]
fn first_line(command: &mut Command, begin: &str) -> Duration {
    let mut began = begin.is_empty().then(Instant::now);
    let mut child = command.stdout(Stdio::piped()).stdin(Stdio::null()).spawn().unwrap();
    let (mut took, mut log) = (None, String::new());
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let (line, now) = (line.unwrap(), Instant::now());
        match began {
            None if line.contains(begin) => began = Some(now),
            Some(began) if line.contains(FIRST) => _ = took.get_or_insert(now - began),
            _ => {}
        }
        log += &line;
        log.push('\n');
    }
    assert!(child.wait().unwrap().success(), "{log}");
    took.unwrap_or_else(|| panic!("the program did not start\n{log}"))
}

/// Puts the image from its archive into an empty storage of the engine; the time it takes.
fn load(archive: &Path, storage: &Path) -> Duration {
    let at = |name: &str| storage.join(name).into_os_string();
    let mut command = podman();
    command.arg("--root").arg(at("root")).arg("--runroot").arg(at("run")).args(["load", "--quiet", "--input"]);
    let begin = Instant::now();
    assert!(command.arg(archive).stdout(Stdio::null()).status().unwrap().success());
    begin.elapsed()
}

/// The container action as a release has it, in the repository at `folder`.
fn released(folder: &Path) {
    let action = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("action.yml")).unwrap();
    let image = format!("image: docker://{}\n", variable("REPO_RELAY_IMAGE"));
    assert!(action.contains("image: Dockerfile\n"));
    fs::write(folder.join("action.yml"), action.replace("image: Dockerfile\n", &image)).unwrap();
}

/// Prints a row of the table: median, least and most, in milliseconds.
fn row(way: &str, state: &str, mut times: Vec<Duration>) {
    times.sort();
    let [middle, least, most] = [times[times.len() / 2], times[0], times[times.len() - 1]].map(|time| time.as_millis());
    println!("| {way} | {state} | {middle} ms | {least} to {most} ms |");
}

#[test]
#[ignore = "a measurement: script/bench start"]
fn the_first_line_of_both_actions() {
    let release = PathBuf::from(variable("REPO_RELAY_RELEASE"));
    let runs: usize = variable("REPO_RELAY_RUNS").parse().unwrap();
    let program = fs::read(release.join(format!("repo-relay-{}-unknown-linux-gnu", std::env::consts::ARCH))).unwrap();
    let world = World::new();
    let server = Server::start(Answer::ok(&program));
    let act = Act::start();
    native::released(&act.path("action"), &program, &server.url("/release"));
    released(&act.path("action"));
    let workflows = [native::ACTION, "OWNER/repo-relay@v1"].map(|action| {
        let source = act.path(&action.replace('/', "-"));
        native::repository(&source, &native::WORKFLOW.replace(native::ACTION, action));
        (source, format!("Run Main {action}"))
    });
    let in_act = |(source, begin): &(PathBuf, String), cache: &str| {
        let job = native::job(&act, source, &world)
            .args(["--env", &format!("RUNNER_TOOL_CACHE={}", act.path(cache).display())]);
        first_line(&mut job.into_command(), begin)
    };
    let step = world.publish();
    let by_node = |cache: &str| {
        let mut command = Command::new("node");
        command.arg(act.path("action/native/main.js")).env_clear().current_dir(step.workspace()).envs(step.variables());
        first_line(command.env("PATH", variable("PATH")).env("RUNNER_TOOL_CACHE", act.path(cache)), "")
    };
    let by_engine = || first_line(&mut Container::new(world.publish()).command(), "");

    let [native, container] = &workflows;
    // What the first start of all makes: the branch, the cache, the pages of the files in memory.
    for warm in [in_act(native, "kept"), in_act(container, "kept"), by_node("kept"), by_engine()] {
        assert!(!warm.is_zero());
    }
    let mut times: [Vec<Duration>; 7] = Default::default();
    for run in 0..runs {
        let measured = [
            in_act(native, "kept"),
            in_act(native, &format!("empty-{run}")),
            in_act(container, "kept"),
            by_node("kept"),
            by_node(&format!("empty-by-node-{run}")),
            by_engine(),
            load(&release.join("image.tar"), &act.path(&format!("storage-{run}"))),
        ];
        times.iter_mut().zip(measured).for_each(|(times, time)| times.push(time));
    }
    let [act_native, act_download, act_container, node, node_download, engine, load] = times;
    let with_load = |times: &[Duration]| times.iter().zip(&load).map(|(start, load)| *start + *load).collect();
    println!("| way | before the start | first line | least to most |\n| --- | --- | --: | --: |");
    row("container action, act", "image loaded from its archive first", with_load(&act_container));
    row("container action, act", "image is there", act_container);
    row("native action, act", "program is downloaded", act_download);
    row("native action, act", "program is in the tool cache", act_native);
    row("`podman run`", "image loaded from its archive first", with_load(&engine));
    row("`podman run`", "image is there", engine);
    row("`node native/main.js`", "program is downloaded", node_download);
    row("`node native/main.js`", "program is in the tool cache", node);
}
