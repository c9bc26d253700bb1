//! A folder that changes while it is published: another process exchanges files and folders of it for links that lead out of
//! the workspace. Whatever comes of the step, nothing from outside is sent.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use emulator::model::{Repository, Token};

use crate::{
    refs::Tree,
    runner::Step,
    world::{TARGET, World},
};

/// What only files outside of the workspace hold.
const OUTSIDE: &str = "from outside of the workspace";
/// How many steps run unless `SWAP_RUNS` says otherwise.
const RUNS: usize = 40;
/// How many steps run side by side: more than cores, so that a step is interrupted anywhere.
const THREADS: usize = 4;
const FOLDERS: usize = 12;
const FILES: usize = 6;

/// Makes the same names under `site`, which is published, and `outside`, which must not be.
fn fill(folder: &Path, content: &str) {
    for number in 0..FOLDERS {
        let deep = folder.join(format!("f{number}/deep"));
        fs::create_dir_all(&deep).unwrap();
        for file in 0..FILES {
            fs::write(deep.join(format!("{file}.txt")), format!("{content} {number} {file}\n")).unwrap();
            fs::write(deep.join(format!("../{file}.txt")), format!("{content} {number} {file}\n")).unwrap();
        }
    }
}

/// The pairs of paths that are exchanged: something of the site, and a link to its counterpart outside.
fn pairs(workspace: &Path, site: &Path, outside: &Path) -> Vec<(PathBuf, PathBuf)> {
    let beside = workspace.join("links");
    fs::create_dir_all(&beside).unwrap();
    let mut pairs = Vec::new();
    let mut add = |below: &str| {
        let link = beside.join(below.replace('/', "-"));
        symlink(outside.join(below), &link).unwrap();
        pairs.push((site.join(below), link));
    };
    for number in 0..FOLDERS {
        match number % 3 {
            0 => add(&format!("f{number}")),
            1 => add(&format!("f{number}/deep")),
            _ => (0..FILES).for_each(|file| add(&format!("f{number}/deep/{file}.txt"))),
        }
    }
    pairs
}

/// Exchanges the pairs without a pause until `ended`.
fn exchange(pairs: &[(PathBuf, PathBuf)], ended: &AtomicBool) {
    while !ended.load(Ordering::Relaxed) {
        for (one, other) in pairs {
            // What lies below a folder that is exchanged at this moment is not there.
            let _ = renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE);
        }
    }
}

/// Runs the step while its folder changes. The answer is the error that it ended with.
fn run_while_exchanging(step: Step, whole: bool) -> String {
    let workspace = step.workspace();
    let site = workspace.join("site");
    let outside = workspace.parent().unwrap().join("outside");
    fill(&site, "inside");
    fill(&outside, OUTSIDE);
    let pairs = if whole {
        symlink(&outside, workspace.join("link")).unwrap();
        vec![(site, workspace.join("link"))]
    } else {
        pairs(&workspace, &site, &outside)
    };
    let ended = AtomicBool::new(false);
    let outcome = std::thread::scope(|scope| {
        scope.spawn(|| exchange(&pairs, &ended));
        let outcome = step.run();
        ended.store(true, Ordering::Relaxed);
        outcome
    });
    let error = outcome.output("error").to_owned();
    let fits = ["", "local-git-error", "invalid-input", "directory-not-found", "nothing-to-publish"];
    assert!(fits.contains(&&*error), "{outcome}");
    error
}

#[test]
#[allow(clippy::disallowed_methods, reason = "how much is tried is no input of the program")]
fn m3_nothing_from_outside_is_published_whatever_is_exchanged_meanwhile() {
    let (next, passed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let runs = std::env::var("SWAP_RUNS").map_or(RUNS, |text| text.parse().unwrap());
    let world = World::new();
    // With luck none of the others comes to its end: the search at the end must find what was published.
    let still = world.step().input("directory", "site").input("branch", "still");
    fill(&still.workspace().join("site"), "inside");
    still.run().succeeded();
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let run = next.fetch_add(1, Ordering::Relaxed);
                    if run >= runs {
                        break;
                    }
                    let step = world.step().input("directory", "site").input("branch", format!("run-{run}"));
                    let step = if run % 2 == 1 { step.input("symlinks", "follow") } else { step };
                    if run_while_exchanging(step, run % 8 == 0).is_empty() {
                        passed.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let objects = world.git(&["cat-file", "--batch-all-objects", "--batch-check=%(objecttype) %(objectname)"]);
    let blobs: Vec<&str> = objects.lines().filter_map(|line| line.strip_prefix("blob ")).collect();
    let contents = world.git_with(&["cat-file", "--batch"], &format!("{}\n", blobs.join("\n")));
    let found = contents.matches(OUTSIDE).count();
    println!("{runs} runs, {} of them published, {found} files from outside", passed.into_inner());
    assert_eq!(found, 0, "files from outside were published");
    assert!(contents.contains("inside 0 0"), "the search finds nothing");
}

/// What is exchanged for its counterpart in a repository outside of the workspace.
const PARTS: &[&str] = &[".git", ".git/objects", ".git/refs", ".git/objects/pack"];

/// Pushes `main` while a part of the checkout is exchanged for a link to that of another repository. The answer is the error that it ended with.
fn push_while_exchanging(world: &World, run: usize) -> String {
    let step = world.step().input("refs", format!("main:refs/heads/run-{run}"));
    let workspace = step.workspace();
    let outside = workspace.parent().unwrap().join("outside");
    for (folder, content) in [(&workspace, "inside"), (&outside, OUTSIDE)] {
        let tree = Tree::init(folder);
        tree.commit("a.txt", &format!("{content} {run}"));
        tree.commit("b.txt", &format!("{content} b {run}"));
        tree.git(&["repack", "-adq"]);
    }
    let part = PARTS[run % PARTS.len()];
    if part.ends_with("pack") {
        // Both commits are named here, and the objects of one of them are outside.
        let tip = Tree(outside.clone()).git(&["rev-parse", "main"]);
        fs::write(workspace.join(".git/refs/heads/main"), format!("{tip}\n")).unwrap();
    }
    let link = workspace.join("link");
    symlink(outside.join(part), &link).unwrap();
    let ended = AtomicBool::new(false);
    let outcome = std::thread::scope(|scope| {
        scope.spawn(|| exchange(&[(workspace.join(part), link.clone())], &ended));
        let outcome = step.run();
        ended.store(true, Ordering::Relaxed);
        outcome
    });
    let error = outcome.output("error").to_owned();
    assert!(["", "local-git-error", "invalid-input", "invalid-ref-or-object"].contains(&&*error), "{outcome}");
    error
}

#[test]
#[allow(clippy::disallowed_methods, reason = "how much is tried is no input of the program")]
fn m3_no_object_from_outside_is_pushed_whatever_part_of_a_checkout_is_exchanged_meanwhile() {
    let (next, passed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let runs = std::env::var("SWAP_RUNS").map_or(RUNS, |text| text.parse().unwrap());
    let world = World::with(Repository::new(TARGET), Token::classic("robin", &["repo"]));
    let still = world.step().input("refs", "main:refs/heads/still");
    Tree::init(&still.workspace()).commit("a.txt", "inside still");
    still.run().succeeded();
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let run = next.fetch_add(1, Ordering::Relaxed);
                    if run >= runs {
                        break;
                    }
                    if push_while_exchanging(&world, run).is_empty() {
                        passed.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let objects = world.git(&["cat-file", "--batch-all-objects", "--batch-check=%(objecttype) %(objectname)"]);
    let blobs: Vec<&str> = objects.lines().filter_map(|line| line.strip_prefix("blob ")).collect();
    let contents = world.git_with(&["cat-file", "--batch"], &format!("{}\n", blobs.join("\n")));
    let found = contents.matches(OUTSIDE).count();
    println!("{runs} runs, {} of them pushed, {found} files from outside", passed.into_inner());
    assert_eq!(found, 0, "files from outside were pushed");
    assert!(contents.contains("inside still"), "the search finds nothing");
}
