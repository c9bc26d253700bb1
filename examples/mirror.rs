//! A mirror of a repository of 10,000 commits beside `git push` of the same refs, in one run: `cargo run --profile thin --example mirror`.
//!
//! Both push to a repository of their own on the same GitHub on loopback. Wall and CPU time and peak memory are those of
//! the client with all that it starts, as GNU time tells them; bytes are those of the requests' bodies.

#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::disallowed_methods, missing_docs, reason = "a measurement")]

use std::{
    env, fs,
    io::{BufWriter, Write},
    path::Path,
    process::{Command, ExitCode, Stdio},
};

use emulator::{
    Emulator,
    model::{Model, Repository, Role, Token},
};
use repo_relay::{context::Environment, step};

const AS_PROGRAM: &str = "as-program";
const COMMITS: usize = 10_000;
const BRANCHES: &str = "refs/heads/*:refs/heads/*";
const TAGS: &str = "refs/tags/*:refs/tags/*";

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    let first = arguments.next().unwrap_or_default();
    if first == AS_PROGRAM {
        return step::run(arguments.collect(), Environment::of_this_process(), env::current_dir().unwrap());
    }
    let runs = first.to_str().and_then(|text| text.parse().ok()).unwrap_or(3);
    let work = tempfile::Builder::new().prefix("mirror-").tempdir().unwrap();
    let source = work.path().join("source");
    make(&source);
    println!("| {COMMITS} commits, {} | way | wall | CPU | memory | up |", size(&source));
    println!("| --- | --- | --- | --- | --- | --- |");
    for run in 1..=runs {
        round(run, &source, work.path());
    }
    ExitCode::SUCCESS
}

/// A mirror of all, then of tags, of ten new commits and of nothing, by both.
fn round(run: usize, source: &Path, work: &Path) {
    let token = Token::classic("robin", &["repo", "workflow"]);
    let names = ["acme/relay", "acme/git"];
    let mut model = Model::new().token(&token);
    for name in names {
        model = model.repository(Repository::new(name).collaborator("robin", Role::Write));
    }
    let github = Emulator::start(model).unwrap();
    let checkout = work.join(format!("checkout-{run}"));
    git(work, &["clone", "-q", source.to_str().unwrap(), checkout.to_str().unwrap()]);
    // NOTE: branches and tags apart: the emulator's rules look at all new commits once for each ref of a push, which says nothing of the client.
    for (what, refs) in [
        ("all branches", BRANCHES),
        ("then a hundred tags", TAGS),
        ("ten commits more", BRANCHES),
        ("nothing new", BRANCHES),
    ] {
        if what == "ten commits more" {
            for number in 0..10 {
                fs::write(checkout.join(format!("part{}/page{number}.txt", number % 40)), format!("{run} {number}\n"))
                    .unwrap();
                git(&checkout, &["add", "-A"]);
                git(&checkout, &["commit", "-q", "-m", "one more"]);
            }
        }
        timed(what, "repo-relay", &github, work, &mut by_relay(&github, &token, &checkout, refs));
        timed(what, "git push", &github, work, &mut by_git(&github, &token, &checkout, refs));
    }
    let [ours, theirs] = names.map(|name| github.repository(name).refs());
    assert_eq!(ours, theirs, "the same refs");
    git(&github.repository(names[0]).path(), &["fsck", "--strict", "--no-dangling"]);
    fs::remove_dir_all(checkout).unwrap();
}

fn by_relay(github: &Emulator, token: &Token, checkout: &Path, refs: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .arg(AS_PROGRAM)
        .env("GITHUB_SERVER_URL", github.url())
        .env("GITHUB_WORKSPACE", checkout)
        .env("INPUT_REPOSITORY", "acme/relay")
        .env("INPUT_TOKEN", token.value())
        .env("INPUT_REFS", refs);
    command
}

fn by_git(github: &Emulator, token: &Token, checkout: &Path, refs: &str) -> Command {
    let address = github.url().replacen("http://", &format!("http://x-access-token:{}@", token.value()), 1);
    let mut command = Command::new("git");
    command.arg("-C").arg(checkout).args(["push", "-q"]).arg(format!("{address}/acme/git.git")).arg(refs);
    command
}

/// Runs a command under GNU time, with a fresh HOME and folder for temporary files, and prints its row.
fn timed(what: &str, way: &str, github: &Emulator, work: &Path, command: &mut Command) {
    let fresh = tempfile::tempdir_in(work).unwrap();
    let report = fresh.path().join("time");
    let mut timed = Command::new("/usr/bin/time");
    timed.args(["-f", "%e %U %S %M", "-o"]).arg(&report).arg(command.get_program()).args(command.get_args());
    timed.env_clear().env("PATH", env::var_os("PATH").unwrap()).stdin(Stdio::null()).stdout(Stdio::null());
    timed.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    timed.env("HOME", fresh.path()).env("TMPDIR", fresh.path());
    github.clear_log();
    assert!(timed.status().unwrap().success(), "{command:?}");
    let text = fs::read_to_string(report).unwrap();
    let numbers: Vec<f64> = text.split_whitespace().map(|number| number.parse().unwrap()).collect();
    let [wall, user, system, kilobytes] = numbers[..] else { panic!("{text}") };
    let up = github.log().totals().bytes_in;
    let (cpu, memory) = (user + system, kilobytes / 1024.0);
    println!("| {what} | {way} | {wall:.2} s | {cpu:.2} s | {memory:.0} MB | {up} |");
}

fn git(folder: &Path, arguments: &[&str]) {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=a", "-c", "user.email=a@example.test"]).args(arguments).current_dir(folder);
    let status = command.env("GIT_CONFIG_NOSYSTEM", "1").env("HOME", folder).status().unwrap();
    assert!(status.success(), "git {arguments:?}");
}

fn size(source: &Path) -> String {
    let packs = fs::read_dir(source.join("objects/pack")).unwrap();
    let bytes: u64 = packs.map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
    format!("{} MB packed", bytes / 1_000_000)
}

/// A history of small changes to a thousand pages in forty folders, packed by git; the same at every run.
fn make(source: &Path) {
    fs::create_dir(source).unwrap();
    git(source, &["init", "-q", "--bare", "-b", "main"]);
    let mut import =
        Command::new("git").args(["fast-import", "--quiet"]).current_dir(source).stdin(Stdio::piped()).spawn().unwrap();
    write_history(&mut BufWriter::new(import.stdin.take().unwrap()));
    assert!(import.wait().unwrap().success());
    git(source, &["gc", "-q"]);
}

fn write_history(out: &mut impl Write) {
    let mut seed = 1_u64;
    let mut random = move |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed >> 16).unwrap() % below
    };
    let mut line = move || [(); 8].map(|()| format!("word{}", random(3000))).join(" ");
    let mut number = 7_usize;
    let mut pages: Vec<Vec<String>> = (0..1000).map(|page| (0..20 + page % 180).map(|_| line()).collect()).collect();
    for commit in 1..=COMMITS {
        let stamp = 1_600_000_000 + commit * 600;
        let message = line();
        writeln!(out, "commit refs/heads/main\nmark :{commit}\ncommitter A <a@example.test> {stamp} +0000").unwrap();
        writeln!(out, "data {}\n{message}", message.len()).unwrap();
        if commit > 1 {
            writeln!(out, "from :{}", commit - 1).unwrap();
        }
        let changed: Vec<usize> = if commit == 1 {
            (0..pages.len()).collect()
        } else {
            number = (number * 31 + commit) % pages.len();
            vec![number, (number * 7 + 3) % pages.len()]
        };
        for page in changed {
            let lines = pages[page].len();
            pages[page][(commit * 13) % lines] = line();
            pages[page].insert((commit * 17) % lines, line());
            let text = pages[page].join("\n");
            writeln!(out, "M 100644 inline part{}/page{page}.txt\ndata {}\n{text}", page % 40, text.len()).unwrap();
        }
        if commit % 100 == 0 {
            writeln!(out, "reset refs/tags/v{}\nfrom :{commit}\n", commit / 100).unwrap();
        }
    }
}
