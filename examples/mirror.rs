//! A mirror of a repository of 10,000 commits beside `git push` of the same refs, in one run:
//! `cargo run --profile thin --example mirror -- [RUNS [REPOSITORY]]`. `REPOSITORY` is a folder to take the commits from instead.
//!
//! Both push to a repository of their own on the same GitHub on loopback, from one clone that was made as actions/checkout makes it: over
//! the wire, so without what `git gc` prepares. Wall and CPU time and peak memory are those of the client with all that it starts, as GNU
//! time tells them; bytes are those of the requests' bodies. Both take turns in who is first.

#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::disallowed_methods, missing_docs, reason = "a measurement")]

use std::{
    env, fs,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    time::Instant,
};

use emulator::{
    Emulator,
    model::{Model, Repository, Role, Token},
};
use repo_relay::{context::Environment, step};

const AS_PROGRAM: &str = "as-program";
const COMMITS: usize = 10_000;
const BRANCH: &str = "HEAD:refs/heads/main";
const TAGS: &str = "refs/tags/*:refs/tags/*";

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    let first = arguments.next().unwrap_or_default();
    if first == AS_PROGRAM {
        return step::run(arguments.collect(), Environment::of_this_process(), env::current_dir().unwrap());
    }
    let runs = first.to_str().and_then(|text| text.parse().ok()).unwrap_or(3);
    let work = tempfile::Builder::new().prefix("mirror-").tempdir().unwrap();
    let source = arguments.next().map(fs::canonicalize).map_or_else(|| make(work.path()), Result::unwrap);
    let commits = count(&source);
    let mut table: Vec<(&str, Vec<Row>)> = Vec::new();
    for run in 1..=runs {
        for (what, rows) in round(run, &source, work.path()) {
            match table.iter_mut().find(|(known, _)| *known == what) {
                Some((_, all)) => all.extend(rows),
                None => table.push((what, rows.into())),
            }
        }
    }
    println!("| {commits} commits, {} | way | wall | CPU | memory | sent |", size(&source));
    println!("| --- | --- | --- | --- | --- | --- |");
    for (what, rows) in &table {
        for way in WAYS {
            println!("| {what} | {way} | {} |", medians(&rows.iter().filter(|row| row.way == way)));
        }
    }
    ExitCode::SUCCESS
}

/// Who pushes.
const WAYS: [&str; 2] = ["repo-relay", "`git push`"];

/// What one push took: seconds, seconds, megabytes, bytes.
struct Row {
    way: &'static str,
    numbers: [f64; 4],
}

fn medians<'a>(rows: &(impl Iterator<Item = &'a Row> + Clone)) -> String {
    let [wall, cpu, memory, sent] = [0, 1, 2, 3].map(|column| {
        let mut all: Vec<f64> = rows.clone().map(|row| row.numbers[column]).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    });
    format!("{wall:.3} s | {cpu:.2} s | {memory:.0} MB | {:.1} kB", sent / 1000.0)
}

/// A mirror of all, then of tags, of ten new commits and of nothing, by both.
fn round(run: usize, source: &Path, work: &Path) -> Vec<(&'static str, [Row; 2])> {
    let token = Token::classic("robin", &["repo", "workflow"]);
    let names = ["acme/relay", "acme/git"];
    let mut model = Model::new().token(&token);
    for name in names {
        model = model.repository(Repository::new(name).collaborator("robin", Role::Write));
    }
    let github = Emulator::start(model).unwrap();
    let checkout = work.join(format!("checkout-{run}"));
    git(work, &["clone", "-q", &format!("file://{}", source.display()), checkout.to_str().unwrap()]);
    let mut table = Vec::new();
    // NOTE: branches and tags apart: the emulator's rules look at all new commits once for each ref of a push, which says nothing of the client.
    for (what, refs) in
        [("all commits", BRANCH), ("then a hundred tags", TAGS), ("ten commits more", BRANCH), ("nothing new", BRANCH)]
    {
        if what == "ten commits more" {
            (0..10).for_each(|number| edit(&checkout, number));
        }
        let relay = || timed(WAYS[0], &github, work, &mut by_relay(&github, &token, &checkout, refs));
        let plain = || timed(WAYS[1], &github, work, &mut by_git(&github, &token, &checkout, refs));
        let rows = if run.is_multiple_of(2) {
            let first = plain();
            [relay(), first]
        } else {
            [relay(), plain()]
        };
        table.push((what, rows));
    }
    let [ours, theirs] = names.map(|name| github.repository(name).refs());
    assert_eq!(ours, theirs, "the same refs");
    git(&github.repository(names[0]).path(), &["fsck", "--strict", "--no-dangling"]);
    fs::remove_dir_all(checkout).unwrap();
    table
}

/// A commit that changes a line in the middle of three files.
fn edit(checkout: &Path, number: usize) {
    let mut files = Vec::new();
    let listed =
        Command::new("git").args(["ls-files", "*.txt", "*.c", "*.rs", "*.md"]).current_dir(checkout).output().unwrap();
    files.extend(String::from_utf8(listed.stdout).unwrap().lines().map(|name| checkout.join(name)));
    for file in files.iter().cycle().skip(number * 7).step_by(files.len() / 3).take(3) {
        let text = fs::read_to_string(file).unwrap_or_default();
        let (before, after) = text.split_at(text.floor_char_boundary(text.len() / 2));
        fs::write(file, format!("{before}\nchange {number}\n{after}")).unwrap();
    }
    git(checkout, &["commit", "-q", "-a", "-m", "one more"]);
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

/// Runs a command under GNU time, with a fresh HOME and folder for temporary files.
fn timed(way: &'static str, github: &Emulator, work: &Path, command: &mut Command) -> Row {
    let fresh = tempfile::tempdir_in(work).unwrap();
    let report = fresh.path().join("time");
    let mut timed = Command::new("/usr/bin/time");
    timed.args(["-f", "%U %S %M", "-o"]).arg(&report).arg(command.get_program()).args(command.get_args());
    timed.env_clear().env("PATH", env::var_os("PATH").unwrap()).stdin(Stdio::null()).stdout(Stdio::null());
    timed.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    timed.env("HOME", fresh.path()).env("TMPDIR", fresh.path());
    github.clear_log();
    // GNU time tells wall time in hundredths of a second: more than what the two differ by.
    let begin = Instant::now();
    assert!(timed.status().unwrap().success(), "{command:?}");
    let wall = begin.elapsed().as_secs_f64();
    let text = fs::read_to_string(report).unwrap();
    let numbers: Vec<f64> = text.split_whitespace().map(|number| number.parse().unwrap()).collect();
    let [user, system, kilobytes] = numbers[..] else { panic!("{text}") };
    let sent = u32::try_from(github.log().totals().bytes_in).unwrap();
    Row { way, numbers: [wall, user + system, kilobytes / 1024.0, sent.into()] }
}

fn git(folder: &Path, arguments: &[&str]) {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=a", "-c", "user.email=a@example.test"]).args(arguments).current_dir(folder);
    let status = command.env("GIT_CONFIG_NOSYSTEM", "1").env("HOME", folder).status().unwrap();
    assert!(status.success(), "git {arguments:?}");
}

fn count(source: &Path) -> String {
    let output = Command::new("git").args(["rev-list", "--all", "--count"]).current_dir(source).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn size(source: &Path) -> String {
    let packs = fs::read_dir(source.join("objects/pack")).unwrap();
    let bytes: u64 = packs.map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
    format!("{} MB packed", bytes / 1_000_000)
}

/// A history of small changes to a thousand pages in forty folders, packed by git; the same at every run.
fn make(work: &Path) -> PathBuf {
    let source = work.join("source");
    fs::create_dir(&source).unwrap();
    git(&source, &["init", "-q", "--bare", "-b", "main"]);
    let mut import = Command::new("git")
        .args(["fast-import", "--quiet"])
        .current_dir(&source)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    write_history(&mut BufWriter::new(import.stdin.take().unwrap()));
    assert!(import.wait().unwrap().success());
    git(&source, &["gc", "-q"]);
    source
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
