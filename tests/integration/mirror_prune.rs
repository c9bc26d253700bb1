//! Random repositories: `prune` leaves the target with the same refs as `git push --prune`.
//!
//! `PRUNE_SEED=NUMBER` makes the same repositories again; `PRUNE_CASES=150` makes more of them.

use std::{collections::BTreeMap, time::SystemTime};

use emulator::model::{Repository, Token};

use crate::{
    mirror::step_of,
    refs::Tree,
    soak::Chance,
    world::{TARGET, World},
};

/// How many repositories the gate compares.
const CASES: u64 = 8;

/// No name is the folder of another.
const NAMES: [&str; 12] = [
    "heads/main",
    "heads/a",
    "heads/b",
    "heads/x/a",
    "heads/x/b",
    "heads/m/a",
    "heads/m/main",
    "heads/wip/1",
    "tags/v1",
    "tags/v2",
    "tags/t/1",
    "notes/n",
];

const LINES: [&[&str]; 9] = [
    &["+refs/heads/*"],
    &["+refs/heads/*", "+refs/tags/*"],
    &["+refs/heads/*", "+refs/tags/*", "^refs/heads/wip/*"],
    &["+refs/heads/*:refs/heads/m/*", "^refs/heads/m/*"],
    &["+refs/heads/x/*:refs/heads/x/*", "+refs/tags/t/*"],
    &["+refs/*:refs/*"],
    &["+refs/*:refs/*", "^refs/tags/t/*", "^refs/notes/*"],
    &["+main", "+refs/tags/v*"],
    &["+refs/heads/*:refs/mirror/*", "+refs/tags/*"],
];

fn refs_of(repository: &Tree) -> BTreeMap<String, String> {
    let listed = repository.git(&["for-each-ref", "--format=%(refname) %(objectname)"]);
    listed.lines().filter_map(|line| line.split_once(' ')).map(|(name, oid)| (name.into(), oid.into())).collect()
}

/// Sets some of the names, `main` always, to some of the commits.
fn scatter(repository: &Tree, commits: &[String], chance: &mut Chance) {
    for name in NAMES {
        let commit = &commits[usize::try_from(chance.below(commits.len() as u64)).unwrap()];
        if name == "heads/main" || chance.below(3) > 0 {
            repository.git(&["update-ref", &format!("refs/{name}"), commit]);
        } else if repository.try_git(&["rev-parse", "-q", "--verify", &format!("refs/{name}")]).is_ok() {
            repository.git(&["update-ref", "-d", &format!("refs/{name}")]);
        }
    }
}

fn compare(seed: u64) {
    let mut chance = Chance(seed);
    let folder = tempfile::tempdir().unwrap();
    let source = Tree::init(&folder.path().join("source"));
    let commits: Vec<String> = (0..4).map(|number| source.commit("file.txt", &format!("{number}\n"))).collect();
    let world =
        World::with(Repository::new(TARGET).default_branch("main"), Token::classic("robin", &["repo", "workflow"]));
    let target = Tree(world.github.repository(TARGET).path());
    target.git(&["fetch", "-q", &format!("file://{}", source.0.display()), "main:refs/heads/main"]);
    scatter(&target, &commits, &mut chance);
    source.git(&["checkout", "-q", "--detach"]);
    scatter(&source, &commits, &mut chance);
    let lines = LINES[usize::try_from(chance.below(LINES.len() as u64)).unwrap()];
    let copy = Tree(folder.path().join("copy.git"));
    source.git(&["clone", "-q", "--mirror", &target.0.display().to_string(), &copy.0.display().to_string()]);
    let before = refs_of(&target);
    // It fails where it would delete the default branch, after all else is done.
    let _ = source.try_git(&[&["push", "-q", "--prune", &copy.0.display().to_string()], lines].concat());
    let step = step_of(&world, &source, &lines.join("\n")).input("prune", "true").input("ignore-checks", "prune");
    let outcome = step.run();
    let (ours, gits) = (refs_of(&target), refs_of(&copy));
    assert_eq!(ours, gits, "PRUNE_SEED={seed} {lines:?}\nbefore {before:#?}\nhere {:#?}\n{outcome}", refs_of(&source));
    outcome.succeeded();
}

#[test]
fn random_repositories_end_with_the_refs_of_git_push_prune() {
    #[allow(clippy::disallowed_methods, reason = "it is the test that is told, not the program")]
    let told = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let (seed, cases) = (told("PRUNE_SEED").unwrap_or(now), told("PRUNE_CASES").unwrap_or(CASES));
    println!("PRUNE_SEED={seed} PRUNE_CASES={cases}");
    for number in 0..cases {
        compare(seed + number);
    }
    println!("{cases} repositories, the same refs in all of them");
}
