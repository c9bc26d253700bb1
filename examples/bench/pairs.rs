//! One thing done in two ways by this project, side by side: a publish that GitHub signs beside the unsigned one, and hashing
//! with the search for secrets beside hashing alone.

use std::{path::Path, process::Command};

use emulator::{
    Emulator,
    model::{Level, Model, Repository, Token},
};

use crate::{
    clients::{Cost, by_relay, hashing, timed},
    publish::{median, row},
    sites,
};

const FILES: usize = 20_000;
const BYTES: usize = 500_000_000;
/// What is published, in this order.
const DEEDS: [&str; 3] = ["first publish", "10 files changed", "nothing changed"];
const SIGNED: [&str; 2] = ["unsigned", "`sign: github`"];
const SEARCHED: [&str; 2] = ["walk and hash", "walk, hash and search for secrets"];

/// Prints the medians of `runs` publishes without `sign` and with `sign: github`, and the ratio of each pair.
pub(crate) fn signed(runs: usize) {
    let work = tempfile::Builder::new().prefix("bench-").tempdir().unwrap();
    let site = made(work.path());
    let repositories = ["acme/unsigned", "acme/signed"];
    let token = Token::installation("relay-bot", "acme", &repositories, &[("contents", Level::Write)]);
    let mut costs = DEEDS.map(|_| [Vec::new(), Vec::new()]);
    for round in 0..runs {
        let mut model = Model::new().token(&token);
        for name in repositories {
            model = model.repository(Repository::new(name).file("README.md", "r"));
        }
        let github = Emulator::start(model).unwrap();
        for (number, pair) in costs.iter_mut().enumerate() {
            if number == 1 {
                sites::change(&site, round);
            }
            for way in in_turn(round) {
                let sign = ["no", "github"][way];
                pair[way].push(timed(&github, work.path(), &site, &|copy| {
                    let mut command = by_relay(&github, &token, copy);
                    command.env("INPUT_REPOSITORY", repositories[way]).env("INPUT_SIGN", sign);
                    command
                }));
            }
        }
        assert_eq!(tree(&github, repositories[0]), tree(&github, repositories[1]), "both ways publish the same");
    }
    let rows: Vec<_> = DEEDS.iter().zip(&costs).map(|(deed, pair)| (*deed, SIGNED, pair)).collect();
    print(&rows);
}

/// Prints the medians of `runs` runs that walk and hash the site, without the search for secrets and with it.
pub(crate) fn search(runs: usize) {
    let work = tempfile::Builder::new().prefix("bench-").tempdir().unwrap();
    let site = made(work.path());
    let github = Emulator::start(Model::new()).unwrap();
    let mut pair = [Vec::new(), Vec::new()];
    for round in 0..runs {
        for way in in_turn(round) {
            pair[way].push(timed(&github, work.path(), &site, &|copy| hashing(copy, way == 1)));
        }
    }
    print(&[("read the site", SEARCHED, &pair)]);
}

/// The tree of the branch that is published.
fn tree(github: &Emulator, repository: &str) -> String {
    let mut command = Command::new("git");
    command.arg("--git-dir").arg(github.repository(repository).path()).args(["rev-parse", "gh-pages^{tree}"]);
    String::from_utf8(command.output().unwrap().stdout).unwrap()
}

fn made(work: &Path) -> std::path::PathBuf {
    let site = work.join("site");
    sites::make(&site, FILES, 100, BYTES);
    site
}

/// Which way comes first changes with each round, so that none always has the warmer disk.
fn in_turn(round: usize) -> [usize; 2] {
    if round.is_multiple_of(2) { [0, 1] } else { [1, 0] }
}

/// What is done, its two ways, and what the runs of each cost.
type Pair<'a> = (&'a str, [&'a str; 2], &'a [Vec<Cost>; 2]);

/// A row for each way, and each pair's ratio.
fn print(pairs: &[Pair<'_>]) {
    println!("| site | what | way | wall | CPU | memory | git server | REST + git | down | up |");
    println!("| --- | --- | --- | --: | --: | --: | --: | --: | --: | --: |");
    let mut ratios = Vec::new();
    for (deed, ways, pair) in pairs {
        let costs = [median(&pair[0]), median(&pair[1])];
        for (way, cost) in ways.iter().zip(&costs) {
            println!("| 20,000 files, 500 MB | {deed} | {way} | {} |", row(cost));
        }
        let [one, other] = costs;
        ratios.push(format!("{deed}: {} takes {:.2} x the time of {}", ways[1], other.wall / one.wall, ways[0]));
    }
    println!();
    for line in &ratios {
        println!("- {line}");
    }
}
