//! First publish, ten files changed, nothing changed, a new footer on every page: this project beside hand-written git and the
//! bare cost of reading and hashing the same files.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use emulator::{
    Emulator,
    model::{Model, Repository, Role, Token},
};

use crate::{
    clients::{Cost, bare, by_hand, by_relay, timed},
    sites,
};

const RELAY: &str = "repo-relay";
const HAND: &str = "git by hand";
const FIRST: &str = "first publish";
const TEN: &str = "10 files changed";
const NOTHING: &str = "nothing changed";
const FOOTER: &str = "a new footer on every page";
/// What is done to most sites, in this order.
const USUAL: &[&str] = &[FIRST, TEN, NOTHING];
const HASHING: &str = "read and hash";

/// A folder, and how it is published.
struct Site {
    name: &'static str,
    folder: PathBuf,
    /// Milliseconds that the server adds to each request, for each of which it is measured.
    latencies: &'static [u64],
    /// Whether git by hand is measured beside it.
    beside: bool,
    /// What is done to it, the first publish first.
    deeds: &'static [&'static str],
}

/// Prints the table of medians of `runs` runs, and what the ratios in it are, of the sites whose name holds `only`.
pub(crate) fn measure(runs: usize, rustdoc: Option<PathBuf>, only: &str) {
    let work = tempfile::Builder::new().prefix("bench-").tempdir().unwrap();
    let mut all = Vec::new();
    for (name, files, folders, bytes, latencies, beside) in [
        ("5,000 files, 100 MB", 5_000, 100, 100_000_000, &[0, 20][..], true),
        ("20,000 files, 500 MB", 20_000, 100, 500_000_000, &[0], true),
        ("50,000 files in one folder", 50_000, 1, 50_000_000, &[0], false),
    ] {
        if !name.contains(only) {
            continue;
        }
        let folder = work.path().join(format!("site-{files}"));
        sites::make(&folder, files, folders, bytes);
        all.push(Site { name, folder, latencies, beside, deeds: USUAL });
    }
    let name = "5,000 pages of one template";
    if name.contains(only) {
        let folder = work.path().join("pages");
        sites::make_pages(&folder, 5_000);
        all.push(Site { name, folder, latencies: &[0], beside: true, deeds: &[FIRST, FOOTER] });
    }
    let name = "rustdoc of five crates";
    if let Some(from) = rustdoc.filter(|_| name.contains(only)) {
        let folder = work.path().join("rustdoc");
        sites::copy(&from, &folder);
        all.push(Site { name, folder, latencies: &[0], beside: true, deeds: USUAL });
    }
    println!("| site | what | way | wall | CPU | memory | git server | REST + git | down | up |");
    println!("| --- | --- | --- | --: | --: | --: | --: | --: | --: | --: |");
    let mut ratios = Vec::new();
    for site in &all {
        for latency in site.latencies {
            ratios.push(one_site(site, runs, *latency, work.path()));
        }
    }
    println!();
    ratios.iter().flatten().for_each(|line| println!("- {line}"));
}

/// Prints a site's rows; what comes back are its ratios, in words.
fn one_site(site: &Site, runs: usize, latency: u64, work: &Path) -> Vec<String> {
    let token = Token::classic("robin", &["repo"]);
    let delay = if latency == 0 { String::new() } else { format!(", {latency} ms a request") };
    let name = format!("{}{delay}", site.name);
    let mut costs: Vec<(&str, &str, Vec<Cost>)> = Vec::new();
    let mut packed = 0;
    for round in 0..runs {
        let mut model = Model::new().token(&token).set(|set| set.latency = Duration::from_millis(latency));
        for way in ["relay", "hand"] {
            let repository = Repository::new(&format!("acme/{way}")).file("README.md", "r");
            model = model.repository(repository.collaborator("robin", Role::Write));
        }
        let github = Emulator::start(model).unwrap();
        let mut note = |what: &'static str, way: &'static str, command: &dyn Fn(&Path) -> Command| {
            let cost = timed(&github, work, &site.folder, command);
            match costs.iter_mut().find(|(known, by, _)| (*known, *by) == (what, way)) {
                Some((_, _, all)) => all.push(cost),
                None => costs.push((what, way, vec![cost])),
            }
        };
        note(HASHING, "rayon, SHA-1", &bare);
        for what in site.deeds.iter().copied() {
            if what == TEN {
                sites::change(&site.folder, round);
                packed = packed_trees(&github);
            } else if what == FOOTER {
                sites::new_footer(&site.folder, round);
            }
            note(what, RELAY, &|copy| by_relay(&github, &token, copy));
            if site.beside {
                note(what, HAND, &|copy| by_hand(&github, &token, copy));
            }
        }
        let files = |way: &str| github.repository(&format!("acme/{way}")).files("gh-pages").len();
        assert!(!site.beside || files("relay") == files("hand") + 1, "the same files, .nojekyll besides");
    }
    for (what, way, all) in &costs {
        println!("| {name} | {what} | {way} | {} |", row(&median(all)));
    }
    let of = |what: &str, way: &str| {
        costs.iter().find(|(known, by, _)| (*known, *by) == (what, way)).map(|(_, _, all)| median(all))
    };
    let bare = of(HASHING, "rayon, SHA-1").unwrap();
    let mut words = Vec::new();
    for what in site.deeds.iter().copied() {
        let relay = of(what, RELAY).unwrap();
        let beside = of(what, HAND).map(|hand| {
            let up = megabytes(relay.up) / megabytes(hand.up);
            let up = if what == NOTHING { String::new() } else { format!("{up:.2} x the bytes up, ") };
            format!("{:.1} x as fast as by hand, {up}", hand.wall / relay.wall)
        });
        let down = if what == TEN {
            format!(", down {:.2} x the packed commit and trees", megabytes(relay.down) / megabytes(packed))
        } else {
            String::new()
        };
        let hashing = relay.wall / bare.wall;
        let beside = beside.unwrap_or_default();
        words.push(format!("{name}, {what}: {beside}{hashing:.2} x the time to read and hash{down}"));
    }
    words
}

/// A cost as the columns from `wall` to `up`.
pub(crate) fn row(cost: &Cost) -> String {
    let Cost { wall, cpu, memory, server, rest, git, .. } = cost;
    format!(
        "{wall:.2} s | {cpu:.2} s | {memory:.0} MB | {server:.2} s | {rest} + {git} | {:.2} MB | {:.2} MB",
        megabytes(cost.down),
        megabytes(cost.up)
    )
}

/// Each number's own median.
pub(crate) fn median(all: &[Cost]) -> Cost {
    let middle = |value: fn(&Cost) -> f64| {
        let mut values: Vec<f64> = all.iter().map(value).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    Cost {
        wall: middle(|cost| cost.wall),
        cpu: middle(|cost| cost.cpu),
        memory: middle(|cost| cost.memory),
        server: middle(|cost| cost.server),
        ..all[all.len() - 1]
    }
}

#[allow(clippy::cast_precision_loss, reason = "two digits are shown")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// The size of the pack that git itself makes of the branch's commit and trees.
fn packed_trees(github: &Emulator) -> u64 {
    let script =
        "git rev-list --objects -1 gh-pages --filter=blob:none | cut -c1-40 | git pack-objects --stdout -q | wc -c";
    let folder = github.repository("acme/relay").path();
    let output = Command::new("sh").args(["-c", script]).env("GIT_DIR", folder).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}
