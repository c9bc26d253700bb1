//! A real workflow file with `uses: ./`, run by act: `action.yml` is read, the Dockerfile is built over the engine's
//! socket, inputs come from expressions and secrets, outputs go to the next step.

use std::{fs, path::Path, process::Command};

use emulator::model::{Repository, Token};

use crate::{
    workflow::{Act, git},
    world::{TARGET, World},
};

const LISTENER: &str =
    "name: deploy\non:\n  repository_dispatch:\n    types: [published]\njobs: {a: {runs-on: x, steps: []}}\n";

/// A repository with the action at its root and the workflow. Only the default of the Dockerfile's PROFILE differs, and the digest: a
/// runner passes no build arguments, and with this profile its build finds the layers of the image that is there.
fn repository(folder: &Path) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for name in [
        "Cargo.toml",
        "Cargo.lock",
        "action.yml",
        ".dockerignore",
        "src",
        "crates",
        "script/binary",
        "demo/Cargo.toml",
        "tests/emulator/Cargo.toml",
    ] {
        let to = folder.join(name);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        let copied = Command::new("cp").arg("-r").arg(root.join(name)).arg(&to).status().unwrap();
        assert!(copied.success(), "cannot copy {name}");
    }
    let dockerfile = fs::read_to_string(root.join("Dockerfile")).unwrap();
    assert!(dockerfile.contains("ARG PROFILE=release\n"));
    let dockerfile = dockerfile.replace("ARG PROFILE=release\n", "ARG PROFILE=thin\n");
    // Where no registry answers the base image was made here, and has no digest of a registry.
    let (before, digest) = dockerfile.split_once('@').unwrap();
    let dockerfile = format!("{before}{}", &digest[digest.find(' ').unwrap()..]);
    fs::write(folder.join("Dockerfile"), dockerfile).unwrap();
    fs::create_dir_all(folder.join(".github/workflows")).unwrap();
    fs::copy(root.join("tests/image/relay.yml"), folder.join(".github/workflows/relay.yml")).unwrap();
    git(folder, &["init", "--quiet"]);
    git(folder, &["remote", "add", "origin", "https://github.com/acme/source.git"]);
    git(folder, &["add", "--all"]);
    git(folder, &["commit", "--quiet", "--message", "the action and a workflow that uses it"]);
    git(folder, &["rev-parse", "HEAD"])
}

#[test]
#[ignore = "needs the image and act: script/test"]
fn a_workflow_publishes_tags_dispatches_and_reads_the_outputs() {
    let world = World::with(
        Repository::new(TARGET).file("README.md", "hello\n").workflow("deploy.yml", LISTENER),
        Token::classic("robin", &["repo", "workflow"]),
    );
    let act = Act::start();
    let source = act.path("source");
    fs::create_dir(&source).unwrap();
    let sha = repository(&source);
    let log = act
        .job(&source, "push")
        .value("--secret", "SITE_TOKEN", world.token.value())
        .value("--var", "SERVER", world.github.url())
        .succeeds();

    let tip = world.tip("refs/heads/gh-pages").unwrap_or_else(|| panic!("nothing was published\n{log}"));
    assert!(log.contains(&format!("commit={tip} error=<> dispatched=true")), "{log}");
    assert_eq!(world.paths("gh-pages"), [".nojekyll", "docs/css/main.css", "docs/index.html"]);
    assert_eq!(world.git(&["show", "gh-pages:docs/index.html"]), "<h1>acme/source</h1>");
    assert_eq!(world.git(&["cat-file", "-t", "v1.0.0"]), "tag");
    assert_eq!(world.git(&["rev-parse", "v1.0.0^{commit}"]), tip);
    assert_eq!(world.git(&["tag", "--list", "--format=%(contents)", "v1.0.0"]), format!("the docs of {}", &sha[..7]));
    let log_of_requests = world.github.log();
    let dispatches = log_of_requests.calls("POST", "/dispatches");
    assert_eq!(dispatches.len(), 1);
    assert_eq!(dispatches[0].request.as_ref().unwrap()["client_payload"]["sha"], sha);
    assert_eq!(world.github.runs(TARGET).len(), 1);
    assert!(log.contains("refused with <token-missing>"), "{log}");
    assert!(!log.contains(world.token.value()), "the token is in the log");
}
