//! Refs of the checkout: real clones, real git, the real binary.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

use emulator::model::{Repository, Token};

use crate::{
    runner::{Outcome, Step},
    world::{TARGET, World},
};

/// A folder in which git works as on a fresh machine.
pub(crate) struct Tree(pub(crate) PathBuf);

impl Tree {
    /// An empty repository on `main`.
    pub(crate) fn init(folder: &Path) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        let tree = Self(folder.to_owned());
        tree.git(&["init", "-q", "-b", "main"]);
        tree
    }

    /// A clone, as actions/checkout would make one.
    pub(crate) fn clone(from: &Path, to: &Path, options: &[&str]) -> Self {
        let from = format!("file://{}", from.display());
        let arguments = [&["clone", "-q"], options, &[&from, to.to_str().unwrap()]].concat();
        Self::git_in(Path::new("/"), &arguments);
        Self(to.to_owned())
    }

    pub(crate) fn git(&self, args: &[&str]) -> String {
        Self::git_in(&self.0, args)
    }

    /// What git says when it fails.
    pub(crate) fn try_git(&self, args: &[&str]) -> Result<(), String> {
        let output = Self::command(&self.0, args).env("GIT_TERMINAL_PROMPT", "0").output().unwrap();
        if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
    }

    fn git_in(folder: &Path, args: &[&str]) -> String {
        let output = Self::command(folder, args).output().unwrap();
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    fn command(folder: &Path, args: &[&str]) -> Command {
        let mut command = Command::new("git");
        command.args(args).current_dir(folder).env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin");
        command.env("HOME", "/nonexistent").env("GIT_CONFIG_NOSYSTEM", "1");
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "Ada").env(format!("GIT_{who}_EMAIL"), "ada@example.com");
        }
        command
    }

    /// Commits a file and returns the commit.
    pub(crate) fn commit(&self, path: &str, content: &str) -> String {
        let file = self.0.join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, content).unwrap();
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", &format!("change {path}")]);
        self.git(&["rev-parse", "HEAD"])
    }

    fn tip(&self, name: &str) -> String {
        self.git(&["rev-parse", name])
    }
}

fn empty() -> World {
    World::with(Repository::new(TARGET), Token::classic("robin", &["repo", "workflow"]))
}

/// A step in whose workspace is a repository of three commits on `main`.
pub(crate) fn checkout(world: &World, refs: &str) -> (Step, Tree) {
    let step = world.step().input("refs", refs);
    let tree = Tree::init(&step.workspace());
    for number in 1..=3 {
        tree.commit(&format!("folder/{number}.txt"), &"line\n".repeat(number * 50));
    }
    (step, tree)
}

pub(crate) fn updates(outcome: &Outcome) -> BTreeMap<String, (String, String, bool)> {
    let report = outcome.report();
    let refs = report["targets"][0]["refs"].as_array().unwrap().clone();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    refs.iter()
        .map(|one| (text(&one["ref"]), (text(&one["old"]), text(&one["new"]), one["forced"].as_bool().unwrap())))
        .collect()
}

const NOTHING: &str = "0000000000000000000000000000000000000000";

#[test]
fn a_branch_goes_to_an_empty_repository() {
    let world = empty();
    let (step, tree) = checkout(&world, "main");
    let outcome = step.run();
    outcome.succeeded();
    assert_eq!(world.tip("refs/heads/main"), Some(tree.tip("main")));
    assert_eq!(outcome.output("pushed"), "true");
    assert_eq!(outcome.output("commit"), tree.tip("main"));
    assert_eq!((outcome.output("previous"), outcome.output("branch")), ("", "main"));
    assert_eq!(
        updates(&outcome),
        BTreeMap::from([("refs/heads/main".into(), (NOTHING.into(), tree.tip("main"), false))])
    );
    world.git(&["fsck", "--strict"]);
}

#[test]
fn a_second_push_sends_what_is_new_and_a_third_nothing() {
    let world = empty();
    let (step, tree) = checkout(&world, "main");
    let first = tree.tip("main");
    let ran = step.run();
    let tree = Tree(ran.path("workspace"));
    let second = tree.commit("folder/4.txt", "new\n");
    let copy = |step: Step| {
        Tree::clone(&tree.0, &step.workspace().join("inner"), &[]);
        std::fs::rename(step.workspace().join("inner/.git"), step.workspace().join(".git")).unwrap();
        step
    };
    let outcome = copy(world.step().input("refs", "main").input("dry-run", "true")).run();
    outcome.succeeded();
    assert!(outcome.stdout.contains("4 objects, "), "a commit, two folders and a file: {outcome}");
    let outcome = copy(world.step().input("refs", "main")).run();
    outcome.succeeded();
    assert_eq!(updates(&outcome)["refs/heads/main"], (first, second.clone(), false));
    assert_eq!(world.tip("refs/heads/main"), Some(second.clone()));
    let outcome = copy(world.step().input("refs", "main")).run();
    outcome.succeeded();
    assert_eq!((outcome.output("pushed"), outcome.output("commit")), ("false", &second[..]));
    assert_eq!(outcome.stage("push"), "unchanged");
    assert_eq!(world.github.log().pushes().len(), 2);
    world.git(&["fsck", "--strict"]);
}

#[test]
fn head_goes_to_a_branch_of_another_name() {
    let world = World::new();
    let (step, tree) = checkout(&world, "HEAD:gh-pages\nHEAD~1:refs/heads/before");
    let outcome = step.run();
    outcome.succeeded();
    assert_eq!(world.tip("refs/heads/gh-pages"), Some(tree.tip("HEAD")));
    assert_eq!(world.tip("refs/heads/before"), Some(tree.tip("HEAD~1")));
    assert_eq!(outcome.output("branch"), "gh-pages");
}

#[test]
fn main_and_all_tags_go_in_one_step_and_nothing_else() {
    let world = empty();
    let (step, tree) = checkout(&world, "main\nrefs/tags/*");
    tree.git(&["tag", "v1", "HEAD~1"]);
    tree.git(&["tag", "-a", "-m", "two", "v2"]);
    tree.git(&["branch", "other"]);
    tree.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    let outcome = step.run();
    outcome.succeeded();
    let refs = world.github.repository(TARGET).refs();
    assert_eq!(refs.keys().collect::<Vec<_>>(), ["refs/heads/main", "refs/tags/v1", "refs/tags/v2"]);
    assert_eq!(refs["refs/tags/v2"], tree.tip("refs/tags/v2"));
    assert_eq!(world.git(&["cat-file", "-t", "refs/tags/v2"]), "tag");
    assert_eq!(world.git(&["rev-parse", "v2^{commit}"]), tree.tip("main"));
    assert_eq!(updates(&outcome).len(), 3);
    world.git(&["fsck", "--strict"]);
}

#[test]
fn globs_map_names_and_hidden_refs_stay_here() {
    let world = empty();
    let (step, tree) = checkout(&world, "refs/*:refs/*\nrefs/heads/*:refs/heads/mirror/*");
    tree.git(&["branch", "a/b"]);
    for name in ["refs/pull/1/head", "refs/remotes/origin/x", "refs/stash", "refs/notes/commits"] {
        tree.git(&["update-ref", name, "HEAD"]);
    }
    step.run().succeeded();
    let refs = world.github.repository(TARGET).refs();
    let names = ["a/b", "main", "mirror/a/b", "mirror/main"].map(|name| format!("refs/heads/{name}"));
    let names: Vec<_> = names.into_iter().chain(["refs/notes/commits".to_owned()]).collect();
    assert_eq!(refs.into_keys().collect::<Vec<_>>(), names);
}

#[test]
fn a_ref_is_deleted_without_a_pack_and_nothing_else_goes() {
    let world = World::with(
        Repository::new(TARGET).file("a", "a").files("old", &[("b", "b")]).files("kept", &[("c", "c")]).tag("v1"),
        Token::classic("robin", &["repo"]),
    );
    let (step, _) = checkout(&world, ":old\n:refs/tags/v1");
    let outcome = step.run();
    outcome.succeeded();
    let refs = world.github.repository(TARGET).refs();
    assert_eq!(refs.into_keys().collect::<Vec<_>>(), ["refs/heads/kept", "refs/heads/main"]);
    assert_eq!(updates(&outcome)["refs/heads/old"].1, NOTHING);
    assert_eq!((outcome.output("branch"), outcome.output("commit")), ("old", ""));
}

#[test]
fn a_whole_name_that_is_gone_already_is_no_failure() {
    let world = World::new();
    let (step, _) = checkout(&world, ":refs/heads/preview-12\n:tags/v0");
    let outcome = step.run();
    outcome.succeeded();
    assert_eq!(outcome.stage("push"), "unchanged");
    assert_eq!((outcome.output("pushed"), outcome.output("branch")), ("false", "preview-12"));
    for name in ["refs/heads/preview-12", "refs/tags/v0"] {
        assert!(outcome.stdout.contains(&format!("The target has no {name}")), "{outcome}");
    }
    assert!(world.github.log().pushes().is_empty());
}

#[test]
fn what_is_left_out_stays_here() {
    let world = empty();
    let lines = [
        "refs/heads/*",
        "^refs/heads/wip/*",
        "refs/tags/*",
        "^refs/tags/nightly",
        "tag nightly",
        "refs/heads/*:refs/heads/copy/*",
        "^refs/heads/copy/main",
    ];
    let (step, tree) = checkout(&world, &lines.join("\n"));
    for name in ["other", "wip/a", "wip/b"] {
        tree.git(&["branch", name]);
    }
    for name in ["nightly", "nightly-2"] {
        tree.git(&["tag", name]);
    }
    step.run().succeeded();
    let refs = world.github.repository(TARGET).refs();
    let names = ["heads/copy/other", "heads/main", "heads/other", "tags/nightly-2"];
    let names: Vec<String> = names.iter().map(|name| format!("refs/{name}")).collect();
    assert_eq!(refs.into_keys().collect::<Vec<_>>(), names);
}

#[test]
fn a_colon_moves_the_branches_that_both_sides_have() {
    for (line, passes) in [(":", false), ("+:", true)] {
        let world = World::with(
            Repository::new(TARGET).file("a", "a").files("both", &[("b", "b")]).files("theirs", &[("c", "c")]),
            Token::classic("robin", &["repo"]),
        );
        let before = world.github.repository(TARGET).refs();
        let (step, tree) = checkout(&world, &format!("{line}\n^refs/heads/main"));
        tree.git(&["branch", "both"]);
        tree.git(&["branch", "ours"]);
        let outcome = step.run();
        let mut after = before.clone();
        if passes {
            outcome.succeeded();
            after.insert("refs/heads/both".to_owned(), tree.tip("both"));
        } else {
            outcome.failed("non-fast-forward");
        }
        assert_eq!(outcome.output("branch"), "both");
        assert_eq!(world.github.repository(TARGET).refs(), after);
    }
}

#[test]
fn what_the_target_has_besides_stays() {
    let world = World::with(Repository::new(TARGET), Token::classic("robin", &["repo"]));
    let theirs = world.github.repository(TARGET).commit("refs/heads/theirs", &[("a", b"a")], "theirs");
    world.github.repository(TARGET).set_ref("refs/tags/theirs", Some(&theirs));
    let before = world.github.repository(TARGET).refs();
    let (step, tree) = checkout(&world, "+refs/heads/*\n+refs/tags/*\nrefs/heads/*:refs/heads/copy/*");
    tree.git(&["tag", "v1"]);
    step.run().succeeded();
    let now = world.github.repository(TARGET).refs();
    assert_eq!(now.len(), before.len() + 3);
    assert!(before.iter().all(|(name, value)| now.get(name) == Some(value)), "{before:?} {now:?}");
}

#[test]
fn what_is_not_there_can_not_be_pushed_or_deleted() {
    let world = World::new();
    for (line, words) in [
        ("nothing", "no branch, tag or commit"),
        (":nothing", "to delete"),
        ("v*", "refs/tags/v*"),
        ("HEAD:refs/pull/1/head", "belongs to"),
        ("main\n+HEAD~1:main", "two values"),
        ("^refs/heads/main", "leaves out"),
        ("refs/heads/*\n^main", "a whole name"),
    ] {
        let (step, _) = checkout(&world, line);
        let outcome = step.run();
        assert_eq!(outcome.status, Some(1), "{line}: {outcome}");
        assert!(outcome.stdout.contains(words), "{line}: {outcome}");
        assert!(["invalid-ref-or-object", "invalid-input"].contains(&outcome.output("error")), "{outcome}");
    }
    assert!(world.github.log().pushes().is_empty());
}

#[test]
fn without_a_plus_only_a_fast_forward_is_sent() {
    let world = World::new();
    let before = world.tip("refs/heads/main").unwrap();
    let (step, _) = checkout(&world, "main");
    let outcome = step.run();
    outcome.failed("non-fast-forward");
    assert_eq!(world.tip("refs/heads/main"), Some(before.clone()));
    assert!(world.github.log().pushes().is_empty(), "found before anything was sent");
    let (step, tree) = checkout(&world, "+main");
    let outcome = step.run();
    outcome.succeeded();
    assert_eq!(updates(&outcome)["refs/heads/main"], (before.clone(), tree.tip("main"), true));
    assert_eq!(outcome.output("previous"), before);
}

#[test]
fn a_tag_that_is_there_stays_without_a_plus() {
    let world = World::with(Repository::new(TARGET).file("a", "a").tag("v1"), Token::classic("robin", &["repo"]));
    let before = world.tip("refs/tags/v1");
    let (step, tree) = checkout(&world, "refs/tags/*");
    tree.git(&["tag", "v1"]);
    step.run().failed("tag-exists");
    assert_eq!(world.tip("refs/tags/v1"), before);
    let (step, tree) = checkout(&world, "+v1");
    tree.git(&["tag", "v1"]);
    let moved = tree.tip("v1");
    step.run().succeeded();
    assert_eq!(world.tip("refs/tags/v1"), Some(moved));
}

#[test]
fn few_tags_are_pushed_in_batches_that_start_workflows_and_many_at_once() {
    for (count, pushes, warned) in [(7, vec![1, 3, 3, 1], false), (500, vec![1, 500], true)] {
        let world = empty();
        let (step, tree) = checkout(&world, "main\nrefs/tags/*");
        tree.commit(".github/workflows/release.yml", "name: release\non:\n  push:\n    tags: ['*']\n");
        let tip = tree.tip("main");
        let lines =
            (0..count).map(|number| format!("create refs/tags/v{number} {tip}")).collect::<Vec<_>>().join("\n") + "\n";
        let file = tree.0.join(".git/lines");
        std::fs::write(&file, lines).unwrap();
        let mut command = Tree::command(&tree.0, &["update-ref", "--stdin"]);
        assert!(command.stdin(std::fs::File::open(&file).unwrap()).status().unwrap().success());
        let outcome = step.run();
        outcome.succeeded();
        let log = world.github.log();
        let sizes: Vec<_> = log.pushes().iter().map(|entry| entry.updates.len()).collect();
        assert_eq!(sizes, pushes);
        let sent: Vec<_> = log.pushes()[1..].iter().flat_map(|entry| entry.updates.clone()).collect();
        let sent: Vec<&str> = sent.iter().map(|update| update.name.as_str()).collect();
        let ordered = tree.git(&["for-each-ref", "--format=%(refname)", "refs/tags"]);
        assert_eq!(sent, ordered.lines().collect::<Vec<_>>(), "in the order in which git sends them");
        let started = if warned { 0 } else { count };
        assert_eq!(world.github.runs(TARGET).len(), started, "{outcome}");
        // Nobody asked for a start.
        assert!(!outcome.stdout.contains("starts no workflow"), "{outcome}");
        assert_eq!(world.github.repository(TARGET).refs().len(), count + 1);
    }
}

#[test]
fn a_dry_run_shows_the_exact_updates_and_writes_nothing() {
    let world = World::new();
    let before = world.tip("refs/heads/main").unwrap();
    let (step, tree) = checkout(&world, "+main\nHEAD:new");
    let outcome = step.input("dry-run", "true").run();
    outcome.succeeded();
    assert_eq!(outcome.stage("push"), "planned");
    assert_eq!((outcome.output("pushed"), outcome.output("commit")), ("false", &before[..]));
    let updates = updates(&outcome);
    assert_eq!(updates["refs/heads/main"], (before.clone(), tree.tip("main"), true));
    assert_eq!(updates["refs/heads/new"], (NOTHING.into(), tree.tip("main"), false));
    assert_eq!(world.tip("refs/heads/main"), Some(before));
    assert!(world.github.log().pushes().is_empty());
}
