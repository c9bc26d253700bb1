//! One container, as the runner starts it.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use emulator::{
    faults::{Fault, FaultRule},
    model::{Repository, Token},
};

use crate::{
    engine::{Container, podman, variable},
    world::{TARGET, World},
};

const LISTENER: &str =
    "name: deploy\non:\n  repository_dispatch:\n    types: [published]\njobs: {a: {runs-on: x, steps: []}}\n";

fn world() -> World {
    World::with(
        Repository::new(TARGET).file("README.md", "hello\n").workflow("deploy.yml", LISTENER),
        Token::classic("robin", &["repo", "workflow"]),
    )
}

/// Owner, mode, time of change and content of everything below a folder.
fn snapshot(folder: &Path) -> BTreeMap<String, (u32, u32, u32, i64, Vec<u8>)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        for path in entries.chain([folder.clone()]) {
            let facts = path.symlink_metadata().unwrap();
            let content = if facts.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
            if facts.is_dir() && path != folder {
                folders.push(path.clone());
            }
            let about = (facts.uid(), facts.gid(), facts.mode(), facts.mtime(), content);
            found.insert(path.display().to_string(), about);
        }
    }
    found
}

#[test]
#[ignore = "needs the image: script/test"]
fn a_whole_relay_changes_the_target_and_nothing_on_the_runner() {
    let world = world();
    let step = world.publish().file("site/css/main.css", "a{}").input("tag", "v1.0.0").input("dispatch", "published");
    let container = Container::new(step);
    let folder = container.folder().to_owned();
    let watched = ["workspace", "home", "temp", "workflow"].map(|name| folder.join(name));
    let before = watched.each_ref().map(|folder| snapshot(folder));
    let owner = |name: &str| fs::metadata(folder.join(name)).map(|facts| (facts.uid(), facts.mode())).unwrap();
    let owners = ["output", "summary"].map(owner);

    let outcome = container.run();
    outcome.succeeded();
    let tip = world.tip("refs/heads/gh-pages").unwrap();
    assert_eq!(outcome.output("commit"), tip);
    assert_eq!(outcome.output("pushed"), "true");
    assert_eq!(outcome.output("tag-created"), "true");
    assert_eq!(outcome.output("dispatched"), "true");
    assert_eq!(world.tip("refs/tags/v1.0.0").unwrap(), tip);
    assert_eq!(world.paths("gh-pages"), [".nojekyll", "css/main.css", "index.html"]);
    assert_eq!(world.github.runs(TARGET).len(), 1);
    assert!(outcome.summary.contains("```mermaid"), "{}", outcome.summary);

    assert_eq!(watched.each_ref().map(|folder| snapshot(folder)), before, "the runner's folders are as they were");
    assert_eq!(["output", "summary"].map(owner), owners, "the runner can still read and remove its files");
    let names = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(names.count(), 7, "nothing came to lie beside the runner's files");
}

#[test]
#[ignore = "needs the image: script/test"]
fn a_dead_token_ends_the_container_with_status_1_and_a_cause() {
    let world = world();
    let outcome = Container::new(world.publish().input("token", "ghp_0000000000000000000000000000000000000")).run();
    outcome.failed("bad-credentials");
    assert_eq!(outcome.output("pushed"), "false");
    assert!(outcome.stdout.contains("::error title=bad-credentials::"), "{outcome}");
    assert_eq!(world.tip("refs/heads/gh-pages"), None);
}

#[test]
#[ignore = "needs the image: script/test"]
fn a_secret_that_is_not_defined_is_no_token() {
    let world = world();
    Container::new(world.publish().input("token", "")).run().failed("token-missing");
    assert_eq!(world.github.log().0.len(), 0, "nothing was asked without a token");
}

#[test]
#[ignore = "needs the image: script/test"]
fn sigterm_to_pid_1_still_writes_the_report() {
    let world = world();
    world.github.fault(FaultRule::on("GET", "*", Fault::Delay(Duration::from_mins(1))));
    let container = Container::new(world.publish());
    let name = container.name().to_owned();
    let mut command = container.command();
    let begin = Instant::now();
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while world.github.log().0.is_empty() {
        assert!(begin.elapsed() < Duration::from_secs(30), "the container did not ask anything");
        std::thread::yield_now();
    }
    assert!(podman().args(["kill", "--signal", "TERM", &name]).stdout(Stdio::null()).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let took = begin.elapsed();
    let outcome = container.outcome(output, begin);
    assert!(took < Duration::from_secs(20), "{took:?}\n{outcome}");
    assert_eq!(outcome.status, Some(1), "{outcome}");
    assert_ne!(outcome.output("error"), "", "{outcome}");
    assert_eq!(outcome.report()["schema"], 1);
}

#[test]
#[ignore = "needs the image: script/test"]
fn the_image_holds_the_program_and_an_empty_tmp_alone() {
    let image = variable("REPO_RELAY_IMAGE");
    let created = podman().args(["create", &image]).output().unwrap();
    let id = String::from_utf8(created.stdout).unwrap().trim().to_owned();
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("image.tar");
    assert!(podman().args(["export", "--output", archive.to_str().unwrap(), &id]).status().unwrap().success());
    assert!(podman().args(["rm", &id]).stdout(Stdio::null()).status().unwrap().success());
    let listing = std::process::Command::new("tar").arg("-tvf").arg(&archive).output().unwrap();
    let listing = String::from_utf8(listing.stdout).unwrap();
    // The engine itself adds the places that it mounts over.
    let engine = ["dev/", "etc/", "proc/", "run/", "sys/"];
    let entries = listing.lines().map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        (words[0], words[5])
    });
    let own: Vec<_> = entries.filter(|(_, name)| !engine.iter().any(|place| name.starts_with(place))).collect();
    assert_eq!(own, [("-rwxr-xr-x", "repo-relay"), ("drwxrwxrwt", "tmp/")], "{listing}");
}

#[test]
#[ignore = "needs the image: script/test"]
fn the_image_says_its_version() {
    let output = podman().args(["run", "--rm", &variable("REPO_RELAY_IMAGE"), "--version"]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    assert!(said.starts_with(concat!("repo-relay ", env!("CARGO_PKG_VERSION"))), "{said}");
}
