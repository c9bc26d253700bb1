//! Git LFS objects beside `git lfs push`: one checkout, a repository for each way on the same GitHub on loopback.
//!
//! `git lfs push` uploads the objects alone, this project the refs too; `git push` with Git LFS's own hook does both.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use emulator::{
    Emulator,
    model::{Lfs, Model, Repository, Role, Token},
};
use ring::digest::{SHA256, digest};

use crate::{
    AS_PROGRAM,
    clients::{Cost, cost},
    publish::median,
};

/// The size of an object, in bytes.
const SIZE: usize = 1_000_000;

/// Each way's name, and the repository that it pushes to.
const WAYS: [(&str, &str); 3] = [
    ("repo-relay, objects and refs", "acme/relay"),
    ("`git lfs push`, objects alone", "acme/lfs"),
    ("`git push` with the hook of Git LFS, objects and refs", "acme/hook"),
];

/// How long the server waits before it answers, in milliseconds: on loopback alone, and as over a network.
const LATENCIES: [u64; 2] = [0, 20];

/// What Git LFS installs as the hook `pre-push`.
const HOOK: &str = "#!/bin/sh\nexec git lfs pre-push \"$@\"\n";

/// Prints the medians of `runs` runs with `count` objects. Each way's turn comes first in some run.
pub(crate) fn measure(runs: usize, count: usize) {
    let work = tempfile::Builder::new().prefix("lfs-").tempdir().unwrap();
    let checkout = checkout(work.path(), count);
    println!("| {count} objects of 1 MB | wall | CPU | memory |");
    println!("| --- | --: | --: | --: |");
    for latency in LATENCIES {
        ways(runs, count, latency, work.path(), &checkout);
    }
}

/// Prints a line per way, from a server that waits for `latency` milliseconds before each answer.
fn ways(runs: usize, count: usize, latency: u64, work: &Path, checkout: &Path) {
    let mut costs: [Vec<Cost>; WAYS.len()] = Default::default();
    for run in 0..runs {
        let token = Token::classic("robin", &["repo"]);
        let target =
            |slug| Repository::new(slug).lfs(Lfs::default()).collaborator("robin", Role::Write).file("README.md", "r");
        let model = Model::new().token(&token).set(|set| set.latency = Duration::from_millis(latency));
        let model = WAYS.iter().fold(model, |model, (_, slug)| model.repository(target(slug)));
        let github = Emulator::start(model).unwrap();
        for turn in 0..WAYS.len() {
            let way = (run + turn) % WAYS.len();
            let fresh = tempfile::tempdir_in(work).unwrap();
            for name in ["home", "temp"] {
                fs::create_dir(fresh.path().join(name)).unwrap();
            }
            let command = command(way, &github, &token, checkout);
            costs[way].push(cost(&github, fresh.path(), &command));
            let log = github.log();
            let stored = log.storage().filter(|entry| entry.status == Some(200)).count();
            assert_eq!(stored, count, "{}: each object once", WAYS[way].0);
        }
    }
    let delay = if latency == 0 { String::new() } else { format!(", {latency} ms a request") };
    for ((name, _), all) in WAYS.iter().zip(&costs) {
        let Cost { wall, cpu, memory, .. } = median(all);
        println!("| {name}{delay} | {wall:.2} s | {cpu:.2} s | {memory:.0} MB |");
    }
}

/// The command of a way, by its place in [`WAYS`].
fn command(way: usize, github: &Emulator, token: &Token, checkout: &Path) -> Command {
    let slug = WAYS[way].1;
    if way == 0 {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg(AS_PROGRAM).env("GITHUB_SERVER_URL", github.url()).env("GITHUB_WORKSPACE", checkout);
        command.env("INPUT_REPOSITORY", slug).env("INPUT_TOKEN", token.value()).env("INPUT_REFS", "main:objects");
        return command;
    }
    let address = github.url().replacen("http://", &format!("http://x-access-token:{}@", token.value()), 1);
    let address = format!("{address}/{slug}.git");
    let mut command = Command::new("git");
    command.arg("-C").arg(checkout).args(["-c", "lfs.locksverify=false"]);
    match way {
        1 => command.args(["lfs", "push", &address, "main"]),
        _ => command.args(["push", "-q", &address, "main:refs/heads/objects"]),
    };
    command
}

/// A checkout with the pointers of `count` objects in one commit, and the objects as Git LFS stores them.
fn checkout(work: &Path, count: usize) -> PathBuf {
    let checkout = work.join("checkout");
    fs::create_dir(&checkout).unwrap();
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=a", "-c", "user.email=a@example.test"]).args(arguments);
        let status = command.current_dir(&checkout).env("GIT_CONFIG_NOSYSTEM", "1").env("HOME", work).status();
        assert!(status.unwrap().success(), "git {arguments:?}");
    };
    git(&["init", "-q", "-b", "main"]);
    fs::write(checkout.join(".git/hooks/pre-push"), HOOK).unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(checkout.join(".git/hooks/pre-push"), executable).unwrap();
    fs::write(checkout.join(".gitattributes"), "*.bin filter=lfs diff=lfs merge=lfs -text\n").unwrap();
    let mut state = 1_u64;
    for number in 0..count {
        let content = noise(&mut state);
        let oid = hex::encode(digest(&SHA256, &content));
        let folder = checkout.join(format!(".git/lfs/objects/{}/{}", &oid[..2], &oid[2..4]));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(&oid), content).unwrap();
        let pointer = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {SIZE}\n");
        fs::write(checkout.join(format!("{number}.bin")), pointer).unwrap();
    }
    // Without the filter, which is not installed for this HOME: the files are pointers already.
    git(&["add", "-A"]);
    git(&["commit", "-q", "-m", "Objects"]);
    checkout
}

/// Bytes that are nowhere the same.
fn noise(state: &mut u64) -> Vec<u8> {
    let mut content = Vec::with_capacity(SIZE + 8);
    while content.len() < SIZE {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        content.extend_from_slice(&state.to_le_bytes());
    }
    content.truncate(SIZE);
    content
}
