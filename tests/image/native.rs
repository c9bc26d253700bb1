//! The native action in a workflow, run by act on a runner that has no container engine, whose HOME cannot be written, and whose
//! workspace has blanks in its path.

use std::{fs, path::Path};

use ring::digest::{SHA256, digest};
use serde_json::json;

use crate::{
    server::{Answer, Server},
    workflow::{Act, Job, git},
    world::{TARGET, World},
};

/// The action, as [`WORKFLOW`] names it.
pub const ACTION: &str = "OWNER/repo-relay/native@v1";

/// A job that publishes, and then fails for want of a token.
pub const WORKFLOW: &str = r#"name: native
on: push
permissions: {}
jobs:
  publish:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v7
      - run: mkdir "a site" && echo hello > "a site/index.html"
      - id: relay
        uses: OWNER/repo-relay/native@v1
        with:
          server-url: ${{ vars.SERVER }}
          repository: acme/site
          token: ${{ secrets.SITE_TOKEN }}
          directory: a site
      - env:
          COMMIT: ${{ steps.relay.outputs.commit }}
        run: echo "commit=$COMMIT home=$HOME in $PWD"
      - id: refused
        uses: OWNER/repo-relay/native@v1
        continue-on-error: true
        with:
          server-url: ${{ vars.SERVER }}
          token: ${{ secrets.NOT_DEFINED }}
          directory: a site
      - if: steps.refused.outcome == 'failure'
        env:
          ERROR: ${{ steps.refused.outputs.error }}
        run: echo "refused with <$ERROR>"
"#;

/// The native action as a release has it, in the repository at `folder`.
pub fn released(folder: &Path, program: &[u8], release: &str) {
    let native = Path::new(env!("CARGO_MANIFEST_DIR")).join("native");
    let name = format!("repo-relay-{}-unknown-linux-gnu", std::env::consts::ARCH);
    let sha256 = hex::encode(digest(&SHA256, program));
    let binaries = json!({"version": "1.2.3", "release": release, "sha256": {name: sha256}});
    fs::create_dir_all(folder.join("native")).unwrap();
    for file in ["action.yml", "main.js"] {
        fs::copy(native.join(file), folder.join("native").join(file)).unwrap();
    }
    fs::write(folder.join("native/binaries.json"), binaries.to_string()).unwrap();
}

/// A repository with nothing but a workflow.
pub fn repository(folder: &Path, workflow: &str) {
    fs::create_dir_all(folder.join(".github/workflows")).unwrap();
    fs::write(folder.join(".github/workflows/native.yml"), workflow).unwrap();
    git(folder, &["init", "--quiet"]);
    git(folder, &["remote", "add", "origin", "https://github.com/acme/source.git"]);
    git(folder, &["add", "--all"]);
    git(folder, &["commit", "--quiet", "--message", "a workflow"]);
}

/// The workflow of `source` on this GitHub, with the action that lies in the folder `action`.
pub fn job<'a>(act: &'a Act, source: &Path, world: &World) -> Job<'a> {
    act.job(source, "push")
        .args(["--local-repository", &format!("OWNER/repo-relay@v1={}", act.path("action").display())])
        .value("--secret", "SITE_TOKEN", world.token.value())
        .value("--var", "SERVER", world.github.url())
}

#[test]
#[ignore = "needs act: script/test"]
fn the_native_action_needs_no_container_engine() {
    let world = World::new();
    let act = Act::without_engine();
    let program = fs::read(env!("CARGO_BIN_EXE_repo-relay")).unwrap();
    let server = Server::start(Answer::ok(&program));
    released(&act.path("action"), &program, &server.url("/release"));
    let source = act.path("a work space");
    repository(&source, WORKFLOW);
    let log = job(&act, &source, &world)
        .args([
            "--env",
            "HOME=/dev/null/home",
            "--env",
            &format!("RUNNER_TOOL_CACHE={}", act.path("tool cache").display()),
        ])
        .succeeds();

    let tip = world.tip("refs/heads/gh-pages").unwrap_or_else(|| panic!("nothing was published\n{log}"));
    assert_eq!(world.paths("gh-pages"), [".nojekyll", "index.html"]);
    assert!(log.contains(&format!("commit={tip} home=/dev/null/home in ")), "{log}");
    assert!(log.contains("refused with <token-missing>"), "{log}");
    assert_eq!(world.github.repository(TARGET).runs().len(), 0);
    assert_eq!(server.requests().len(), 1, "the second step did not take the program from the tool cache");
    assert!(!server.requests()[0].contains(world.token.value()) && !log.contains(world.token.value()));
}
