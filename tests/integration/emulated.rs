//! The program for another processor, run under emulation. script/arm64 builds it and starts this.

use std::{
    process::{Command, Stdio},
    time::Instant,
};

use emulator::model::{Repository, Token};

use crate::world::{TARGET, World};

const WORKFLOW: &str = "name: ci\non:\n  repository_dispatch:\n    types: [published]\n";

#[test]
#[ignore = "needs a program for arm64: script/arm64 builds it"]
#[expect(clippy::disallowed_methods, reason = "script/arm64 says where the program is")]
fn a_whole_publish_on_arm64() {
    let program = std::env::var("REPO_RELAY_ARM64").expect("REPO_RELAY_ARM64 is the path of a program for arm64");
    let target = Repository::new(TARGET).workflow("ci.yml", WORKFLOW).files("gh-pages", &[("old/page.html", "old")]);
    let world = World::with(target, Token::classic("robin", &["repo", "workflow"]));
    let step = world.publish().file("site/blob", vec![7; 300_000]).file("site/more/page.html", "page".repeat(5000));
    let step = step.input("destination", "docs").input("tag", "v1.0.0").input("dispatch", "published");
    let step = step.input("wait", "completed");
    // Without a shell between: dash drops variables whose names have a hyphen.
    let mut command = Command::new("qemu-aarch64-static");
    command.arg(&program).env_clear().envs(step.variables()).current_dir(step.workspace()).stdin(Stdio::null());
    let begin = Instant::now();
    let output = command.output().unwrap();
    let outcome = step.outcome(output, begin.elapsed());
    outcome.succeeded();
    println!("published in {:.1} s", outcome.took.as_secs_f64());
    assert_eq!(outcome.output("commit"), world.tip("refs/heads/gh-pages").unwrap(), "{outcome}");
    assert_eq!(outcome.output("commit"), world.git(&["rev-parse", "v1.0.0^{commit}"]), "{outcome}");
    let paths = ["docs/blob", "docs/index.html", "docs/more/page.html", "old/page.html"];
    assert_eq!(world.paths("gh-pages"), paths, "{outcome}");
    assert_eq!(world.git(&["cat-file", "-s", "gh-pages:docs/blob"]), "300000");
    world.git(&["fsck", "--strict"]);
    let runs = outcome.report()["targets"][0]["runs"].as_array().unwrap().clone();
    assert!(runs.len() == 1 && runs[0]["conclusion"] == "success", "{outcome}");
}
