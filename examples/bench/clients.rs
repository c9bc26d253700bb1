//! The ways to publish, as commands, and what one run of a command costs.

use std::{
    env, fs,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use emulator::{Emulator, model::Token};
use rayon::prelude::*;
use repo_relay::{
    credential::Secret,
    globs::Globs,
    progress::NoWatch,
    publish::{
        exposed::Search,
        hash::{Retain, hash},
        walk,
    },
};
use sha1::{Digest as _, Sha1};

use crate::{AS_PROGRAM, BARE, HASH, SEARCH, sites};

/// What everybody writes into their workflow who does without an action.
const BY_HAND: &str = r#"
set -e
git clone -q --depth 1 --branch gh-pages "$URL" checkout 2>/dev/null || git init -q -b gh-pages checkout
cd checkout
git ls-files -z | xargs -0 -r rm -f
cp -a "$SITE/." .
git add -A
git -c user.name=a -c user.email=a@example.test commit -q -m publish || exit 0
git push -q "$URL" HEAD:gh-pages
"#;

/// What one run cost.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    /// Seconds from start to end.
    pub(crate) wall: f64,
    /// Seconds of all cores, without the server's.
    pub(crate) cpu: f64,
    /// The largest process at its largest, in MB.
    pub(crate) memory: f64,
    /// Seconds in which the server's git was at work.
    pub(crate) server: f64,
    /// Requests over REST.
    pub(crate) rest: usize,
    /// Requests of git.
    pub(crate) git: usize,
    /// Bytes from the server.
    pub(crate) down: u64,
    /// Bytes to the server.
    pub(crate) up: u64,
}

/// Reads and hashes a folder as simply as that can be done on all cores.
pub(crate) fn read_and_hash(site: &Path) {
    let listing = walk::walk(site, &Globs::default()).unwrap();
    let sum: usize = listing
        .files()
        .par_iter()
        .map(|file| usize::from(Sha1::digest(fs::read(listing.place(file).unwrap().path()).unwrap())[0]))
        .sum();
    println!("{sum}");
}

/// Walks and hashes a folder as a publish does, with the search for the secrets of a usual step or without.
pub(crate) fn hash_as_a_publish(site: &Path, searching: bool) {
    let secrets = SECRETS.map(|secret| Secret::new(secret.to_owned()));
    let search = if searching { Search::of(&secrets) } else { Search::nothing() };
    let listing = walk::walk(site, &Globs::default()).unwrap();
    println!("{}", hash(listing, &Retain::nothing(), &search, &NoWatch).unwrap().tree());
}

/// What a step usually holds: a token, the job's own token, a body line of a key and a password.
const SECRETS: [&str; 4] = [
    "ghp_0123456789abcdefghijklmnopqrstuvwxyz",
    "ghs_zyxwvutsrqponmlkjihgfedcba9876543210",
    "MIIEpAIBAAKCAQEA0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKL",
    "correct horse battery staple",
];

/// A way to publish the folder that it is given.
pub(crate) type Way<'a> = dyn Fn(&Path) -> Command + 'a;

/// Runs a way under GNU time, on a fresh copy of `site`, with a fresh HOME and folder for temporary files under `work`.
pub(crate) fn timed(github: &Emulator, work: &Path, site: &Path, way: &Way) -> Cost {
    let fresh = tempfile::tempdir_in(work).unwrap();
    for name in ["home", "temp", "workspace"] {
        fs::create_dir(fresh.path().join(name)).unwrap();
    }
    let copy = fresh.path().join("workspace/site");
    sites::copy(site, &copy);
    cost(github, fresh.path(), &way(&copy))
}

/// Runs a command under GNU time. `fresh` is an empty folder with `home` and `temp`, its HOME and folder for temporary files.
pub(crate) fn cost(github: &Emulator, fresh: &Path, command: &Command) -> Cost {
    let report = fresh.join("time");
    let mut timed = Command::new("/usr/bin/time");
    timed.args(["-f", "%e %U %S %M", "-o"]).arg(&report).arg(command.get_program()).args(command.get_args());
    timed.env_clear().env("PATH", env::var_os("PATH").unwrap()).stdin(Stdio::null()).stdout(Stdio::null());
    timed.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    timed.env("HOME", fresh.join("home")).env("TMPDIR", fresh.join("temp"));
    github.clear_log();
    let status = timed.current_dir(fresh.join("home")).status().unwrap();
    assert!(status.success(), "{command:?}");
    let text = fs::read_to_string(report).unwrap();
    let numbers: Vec<f64> = text.split_whitespace().map(|number| number.parse().unwrap()).collect();
    let log = github.log();
    let totals = log.totals();
    Cost {
        wall: numbers[0],
        cpu: numbers[1] + numbers[2],
        memory: numbers[3] / 1024.0,
        server: log.git().map(|entry| entry.took).sum::<Duration>().as_secs_f64(),
        rest: totals.rest,
        git: totals.git,
        down: totals.bytes_out,
        up: totals.bytes_in,
    }
}

/// Reading and hashing alone.
pub(crate) fn bare(site: &Path) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.arg(BARE).arg(site);
    command
}

/// Walking and hashing by this project, with the search for secrets or without.
pub(crate) fn hashing(site: &Path, searching: bool) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.arg(if searching { SEARCH } else { HASH }).arg(site);
    command
}

/// This project, into `acme/relay`.
pub(crate) fn by_relay(github: &Emulator, token: &Token, site: &Path) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .arg(AS_PROGRAM)
        .env("GITHUB_SERVER_URL", github.url())
        .env("GITHUB_WORKSPACE", site.parent().unwrap())
        .env("INPUT_REPOSITORY", "acme/relay")
        .env("INPUT_TOKEN", token.value())
        .env("INPUT_DIRECTORY", site.file_name().unwrap())
        .env("INPUT_EXCLUDE", "");
    command
}

/// git by hand, into `acme/hand`.
pub(crate) fn by_hand(github: &Emulator, token: &Token, site: &Path) -> Command {
    let mut command = Command::new("bash");
    let address = github.url().replacen("http://", &format!("http://x-access-token:{}@", token.value()), 1);
    command.args(["-c", BY_HAND]).env("URL", format!("{address}/acme/hand.git")).env("SITE", site);
    command
}
