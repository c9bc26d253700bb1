//! Whole publishes beside hand-written git, in one run: `script/bench`.
//!
//! Each way publishes the same folder to a repository of its own on the same GitHub on loopback, from a fresh HOME and a
//! fresh folder for temporary files. Wall and CPU time and peak memory are those of the client, as GNU time tells them.

#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::disallowed_methods, missing_docs, reason = "a measurement")]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    time::Duration,
};

use emulator::{
    Emulator,
    model::{Model, Repository, Role, Token},
};
use rayon::prelude::*;
use repo_relay::{context::Environment, publish, step};
use sha1::{Digest as _, Sha1};

const AS_PROGRAM: &str = "as-program";
const BARE: &str = "bare";

/// What everybody writes into their workflow who does without an action.
const BY_HAND: &str = r#"
set -e
git -c credential.helper= clone -q --depth 1 --branch gh-pages "$URL" checkout 2>/dev/null || git init -q -b gh-pages checkout
cd checkout
git ls-files -z | xargs -0 -r rm -f
cp -a "$SITE/." .
git add -A
git -c user.name=a -c user.email=a@example.test commit -q -m publish || exit 0
git push -q "$URL" HEAD:gh-pages
"#;

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    let first = arguments.next().unwrap_or_default();
    if first == AS_PROGRAM {
        return step::run(arguments.collect(), Environment::of_this_process(), env::current_dir().unwrap());
    }
    if first == BARE {
        read_and_hash(Path::new(&arguments.next().unwrap()));
        return ExitCode::SUCCESS;
    }
    let runs = first.to_str().and_then(|text| text.parse().ok()).unwrap_or(3);
    let rustdoc = arguments.next().map(PathBuf::from);
    bench(runs, rustdoc);
    ExitCode::SUCCESS
}

fn read_and_hash(site: &Path) {
    let none = publish::globs::Globs::default();
    let listing = publish::walk::walk(site, &none).unwrap();
    let sum: usize = listing
        .files()
        .par_iter()
        .map(|file| usize::from(Sha1::digest(fs::read(listing.location(file)).unwrap())[0]))
        .sum();
    println!("{sum}");
}

/// What one run cost.
#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    wall: f64,
    cpu: f64,
    memory_mb: f64,
    requests: usize,
    down: u64,
    up: u64,
}

fn bench(runs: usize, rustdoc: Option<PathBuf>) {
    let work = tempfile::Builder::new().prefix("bench-").tempdir().unwrap();
    let mut sites = Vec::new();
    if let Some(folder) = rustdoc {
        let site = work.path().join("rustdoc");
        copy(&folder, &site);
        sites.push(("this workspace's rustdoc".to_owned(), site));
    }
    for (name, files, bytes) in
        [("5,000 files, 100 MB", 5_000, 100_000_000), ("20,000 files, 500 MB", 20_000, 500_000_000)]
    {
        let site = work.path().join(format!("site-{files}"));
        make_site(&site, files, bytes);
        sites.push((name.to_owned(), site));
    }
    println!("| site | what | way | wall | CPU | memory | requests | down | up |");
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    for (name, site) in &sites {
        for latency in [0, 20] {
            measure(name, site, runs, Duration::from_millis(latency), work.path());
        }
    }
}

fn measure(name: &str, site: &Path, runs: usize, latency: Duration, work: &Path) {
    let token = Token::classic("robin", &["repo"]);
    let delay = if latency.is_zero() { String::new() } else { format!(", {} ms a request", latency.as_millis()) };
    let mut costs: Vec<(&str, &str, Vec<Cost>)> = Vec::new();
    for round in 0..runs {
        let names = ["relay", "hand"].map(|way| format!("acme/{way}"));
        let mut model = Model::new().token(&token).set(|settings| settings.latency = latency);
        for name in &names {
            model = model.repository(Repository::new(name).file("README.md", "r").collaborator("robin", Role::Write));
        }
        let github = Emulator::start(model).unwrap();
        let mut note = |what: &'static str, way: &'static str, cost: Cost| match costs
            .iter_mut()
            .find(|(known, by, _)| (*known, *by) == (what, way))
        {
            Some((_, _, all)) => all.push(cost),
            None => costs.push((what, way, vec![cost])),
        };
        note("read and hash", "rayon, SHA-1", timed(&github, work, &mut bare(site)));
        for what in ["first publish", "10 files changed", "nothing changed"] {
            if what == "10 files changed" {
                change(site, round);
            }
            note(what, "repo-relay", timed(&github, work, &mut by_relay(&github, &token, site)));
            note(what, "by hand", timed(&github, work, &mut by_hand(&github, &token, site)));
        }
        let tree = |name: &String| github.repository(name).files("gh-pages").len();
        assert_eq!(tree(&names[0]), tree(&names[1]) + 1, "the same files, .nojekyll besides");
    }
    for (what, way, all) in costs {
        let middle = |value: fn(&Cost) -> f64| {
            let mut values: Vec<f64> = all.iter().map(value).collect();
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        let Cost { requests, down, up, .. } = all[all.len() - 1];
        println!(
            "| {name}{delay} | {what} | {way} | {:.2} s | {:.2} s | {:.0} MB | {requests} | {:.2} MB | {:.2} MB |",
            middle(|cost| cost.wall),
            middle(|cost| cost.cpu),
            middle(|cost| cost.memory_mb),
            megabytes(down),
            megabytes(up),
        );
    }
}

#[allow(clippy::cast_precision_loss, reason = "two digits are shown")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// Runs a command under GNU time, with a fresh HOME and folder for temporary files.
fn timed(github: &Emulator, work: &Path, command: &mut Command) -> Cost {
    let fresh = tempfile::tempdir_in(work).unwrap();
    for name in ["home", "temp", "work"] {
        fs::create_dir(fresh.path().join(name)).unwrap();
    }
    let report = fresh.path().join("time");
    let mut timed = Command::new("/usr/bin/time");
    timed.args(["-f", "%e %U %S %M", "-o"]).arg(&report).arg(command.get_program()).args(command.get_args());
    timed.env_clear().env("PATH", env::var_os("PATH").unwrap()).stdin(Stdio::null()).stdout(Stdio::null());
    timed.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    timed.env("HOME", fresh.path().join("home")).env("TMPDIR", fresh.path().join("temp"));
    github.clear_log();
    let status = timed.current_dir(fresh.path().join("work")).status().unwrap();
    assert!(status.success(), "{command:?}");
    let text = fs::read_to_string(report).unwrap();
    let numbers: Vec<f64> = text.split_whitespace().map(|number| number.parse().unwrap()).collect();
    let totals = github.log().totals();
    Cost {
        wall: numbers[0],
        cpu: numbers[1] + numbers[2],
        memory_mb: numbers[3] / 1024.0,
        requests: totals.rest + totals.git,
        down: totals.bytes_out,
        up: totals.bytes_in,
    }
}

fn bare(site: &Path) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.arg(BARE).arg(site);
    command
}

fn by_relay(github: &Emulator, token: &Token, site: &Path) -> Command {
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

fn by_hand(github: &Emulator, token: &Token, site: &Path) -> Command {
    let mut command = Command::new("bash");
    let address = github.url().replacen("http://", &format!("http://x-access-token:{}@", token.value()), 1);
    command.args(["-c", BY_HAND]).env("URL", format!("{address}/acme/hand.git")).env("SITE", site);
    command
}

/// Pages of words, and a tenth of the files media that do not shrink; the same at every run.
fn make_site(site: &Path, files: usize, bytes: usize) {
    let mut seed = 1_u64;
    let size = bytes / files;
    for number in 0..files {
        let folder = site.join(format!("part{}", number % 100));
        fs::create_dir_all(&folder).unwrap();
        let media = number % 10 == 0;
        let end = if media { "png" } else { "html" };
        fs::write(folder.join(format!("file{number}.{end}")), content(&mut seed, size, media)).unwrap();
    }
}

fn content(seed: &mut u64, size: usize, media: bool) -> Vec<u8> {
    const WORDS: [&str; 16] = [
        "the ", "site ", "is ", "made ", "of ", "pages ", "and ", "every ", "page ", "holds ", "words ", "<p>",
        "</p>\n", "that ", "repeat ", "often ",
    ];
    let mut bytes = Vec::with_capacity(size + 16);
    while bytes.len() < size {
        // xorshift: any sequence serves that is the same at every run.
        *seed ^= *seed << 13;
        *seed ^= *seed >> 7;
        *seed ^= *seed << 17;
        if media {
            bytes.extend_from_slice(&seed.to_le_bytes());
        } else {
            bytes.extend_from_slice(WORDS[(*seed % 16) as usize].as_bytes());
            if seed.is_multiple_of(7) {
                bytes.extend_from_slice(format!("{} ", *seed % 100_000).as_bytes());
            }
        }
    }
    bytes.truncate(size);
    bytes
}

/// Changes ten pages.
fn change(site: &Path, round: usize) {
    let listing = publish::walk::walk(site, &publish::globs::Globs::default()).unwrap();
    let pages = listing.files().iter().filter(|file| file.path.ends_with(b".html"));
    for (number, file) in pages.step_by(97).take(10).enumerate() {
        let path = listing.location(file);
        let mut text = fs::read(&path).unwrap();
        text.extend_from_slice(format!("<p>round {round}, change {number}</p>\n").as_bytes());
        fs::write(path, text).unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap().success());
}
