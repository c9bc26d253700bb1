//! A mirror as a state: what has no source is pruned, how the target stood is told, and the checkout stays in the workspace.

use std::{collections::BTreeMap, fs, process::Command};

use emulator::model::{Repository, Token};

use crate::{
    refs::{Tree, updates},
    runner::Step,
    world::{TARGET, World},
};

const ALL: &str = "refs/heads/*\nrefs/tags/*";

fn empty() -> World {
    World::with(Repository::new(TARGET), Token::classic("robin", &["repo", "workflow"]))
}

/// A repository of three commits on `main`, in a folder that outlives a step.
fn source() -> (tempfile::TempDir, Tree) {
    let folder = tempfile::tempdir().unwrap();
    let tree = Tree::init(&folder.path().join("source"));
    for number in 1..=3 {
        tree.commit(&format!("folder/{number}.txt"), &"line\n".repeat(number * 50));
    }
    (folder, tree)
}

/// A step whose workspace is a copy of `tree` as it is now.
pub(crate) fn step_of(world: &World, tree: &Tree, refs: &str) -> Step {
    let step = world.step().input("refs", refs);
    let from = format!("{}/.", tree.0.display());
    assert!(Command::new("cp").args(["-a", &from]).arg(step.workspace()).status().unwrap().success());
    step
}

/// Brings refs of `from` to the target behind the server's back.
fn bring(world: &World, from: &Tree, specs: &[&str]) {
    let target = Tree(world.github.repository(TARGET).path());
    let url = format!("file://{}", from.0.display());
    target.git(&[&["fetch", "-q", &url], specs].concat());
}

/// A target that has all branches and tags of a checkout, which then loses some of them.
fn mirrored(world: &World) -> (tempfile::TempDir, Tree) {
    let (folder, tree) = source();
    for name in ["docs", "wip/a", "gone"] {
        tree.git(&["branch", name]);
    }
    tree.git(&["tag", "v1"]);
    tree.git(&["tag", "-m", "second", "v2"]);
    bring(world, &tree, &["refs/heads/*:refs/heads/*", "refs/tags/*:refs/tags/*"]);
    (folder, tree)
}

fn refs_of(world: &World) -> BTreeMap<String, String> {
    let listed = world.git(&["for-each-ref", "--format=%(refname) %(objectname)"]);
    listed.lines().filter_map(|line| line.split_once(' ')).map(|(name, oid)| (name.into(), oid.into())).collect()
}

#[test]
fn prune_deletes_what_has_no_source_and_says_so() {
    let world = empty();
    let (_folder, tree) = mirrored(&world);
    let refs = ALL;
    tree.git(&["branch", "-D", "gone"]);
    tree.git(&["tag", "-d", "v2"]);
    let before = refs_of(&world);
    let dry = step_of(&world, &tree, refs).input("prune", "true").input("dry-run", "true").run();
    dry.succeeded();
    assert_eq!(refs_of(&world), before, "a dry run deletes nothing");
    assert_eq!((dry.output("drift"), dry.output("pushed")), ("extra", "false"));
    let outcome = step_of(&world, &tree, refs).input("prune", "true").run();
    outcome.succeeded();
    assert_eq!(outcome.check("prune"), "pass");
    assert_eq!(outcome.output("drift"), "extra");
    let after = refs_of(&world);
    assert!(!after.contains_key("refs/heads/gone") && !after.contains_key("refs/tags/v2"), "{after:?}");
    assert_eq!(after.len(), before.len() - 2);
    let told = updates(&outcome);
    assert_eq!(told.keys().collect::<Vec<_>>(), ["refs/heads/gone", "refs/tags/v2"]);
    assert!(outcome.summary.contains("Drift"), "{outcome}");
}

#[test]
fn without_prune_what_is_extra_stays_and_is_drift() {
    let world = empty();
    let (_folder, tree) = mirrored(&world);
    let refs = ALL;
    tree.git(&["branch", "-D", "gone"]);
    let outcome = step_of(&world, &tree, refs).run();
    outcome.succeeded();
    assert_eq!((outcome.output("drift"), outcome.output("pushed")), ("extra", "false"));
    assert!(refs_of(&world).contains_key("refs/heads/gone"));
}

#[test]
fn the_default_branch_and_what_is_left_out_are_never_pruned() {
    let world = empty();
    let (_folder, tree) = mirrored(&world);
    let refs = "refs/heads/*\n^refs/heads/wip/*";
    tree.git(&["checkout", "-q", "docs"]);
    tree.git(&["branch", "-D", "main", "wip/a", "gone"]);
    step_of(&world, &tree, refs).input("prune", "true").run().succeeded();
    let left: Vec<String> = refs_of(&world).into_keys().filter(|name| name.starts_with("refs/heads/")).collect();
    assert_eq!(left, ["refs/heads/docs", "refs/heads/main", "refs/heads/wip/a"]);
}

#[test]
fn a_deletion_of_most_refs_is_refused_unless_the_check_is_ignored() {
    let world = empty();
    let (_folder, tree) = source();
    let refs = "refs/heads/*";
    for number in 0..8 {
        bring(&world, &tree, &[&format!("main:refs/heads/old/{number}")]);
    }
    bring(&world, &tree, &["main:refs/heads/main"]);
    let outcome = world.refuses(step_of(&world, &tree, refs).input("prune", "true"), "prune", "prune-guard");
    assert_eq!(outcome.output("error"), "prune-guard");
    let outcome = step_of(&world, &tree, refs).input("prune", "true").input("ignore-checks", "prune").run();
    outcome.succeeded();
    assert_eq!(outcome.check("prune"), "warn");
    assert_eq!(refs_of(&world).len(), 1);
}

#[test]
fn drift_counts_what_each_side_has() {
    let world = empty();
    let (_folder, tree) = mirrored(&world);
    let refs = "main\ndocs";
    let dry = || step_of(&world, &tree, refs).input("dry-run", "true").run();
    let outcome = dry();
    assert_eq!(outcome.output("drift"), "none");
    tree.commit("new.txt", "1");
    tree.commit("new.txt", "2");
    assert_eq!(dry().output("drift"), "behind");
    // Somebody works at the mirror itself, in a clone that this checkout knows nothing of.
    let folder = tempfile::tempdir().unwrap();
    let other = Tree::clone(&world.github.repository(TARGET).path(), &folder.path().join("other"), &[]);
    for number in 0..3 {
        other.commit("their.txt", &number.to_string());
    }
    bring(&world, &other, &["HEAD:refs/heads/docs"]);
    let outcome = dry();
    outcome.failed("non-fast-forward");
    assert_eq!(outcome.output("drift"), "diverged");
    let row = outcome.summary.lines().find(|line| line.contains("refs/heads/docs")).unwrap().to_owned();
    assert!(row.contains("diverged") && row.contains('3'), "{row}");
}

#[test]
fn r3_a_pattern_that_matches_nothing_warns_with_the_setting() {
    let world = empty();
    let (_folder, tree) = source();
    let refs = "refs/tags/*\nmain";
    let outcome = step_of(&world, &tree, refs).run();
    outcome.succeeded();
    assert_eq!(outcome.check("patterns"), "warn");
    assert_eq!(outcome.cause("patterns"), "pattern-unmatched");
    assert!(outcome.stdout.contains("fetch-depth: 0"), "{outcome}");
    tree.git(&["tag", "v1"]);
    let outcome = step_of(&world, &tree, refs).run();
    assert_eq!(outcome.check("patterns"), "pass");
    // Neighbours: a pattern of branches, and one of several that matches nothing.
    let outcome = step_of(&world, &tree, "refs/heads/release/*\nmain").run();
    assert_eq!(outcome.check("patterns"), "warn");
    assert!(outcome.stdout.contains("refs/heads/release/*"), "{outcome}");
}

#[test]
fn r4_a_tag_that_refs_makes_or_moves_counts_as_created() {
    let world = empty();
    let (_folder, tree) = source();
    let refs = "refs/tags/v1";
    tree.git(&["tag", "v1"]);
    assert_eq!(step_of(&world, &tree, refs).run().output("tag-created"), "true");
    assert_eq!(step_of(&world, &tree, refs).run().output("tag-created"), "false", "it is there already");
    tree.commit("more.txt", "1");
    tree.git(&["tag", "-f", "v1"]);
    assert_eq!(step_of(&world, &tree, "+refs/tags/v1").run().output("tag-created"), "true");
    let dry = step_of(&world, &tree, "main:refs/tags/v9").input("dry-run", "true").run();
    assert_eq!(dry.output("tag-created"), "false");
}

#[test]
fn r10_many_tags_warn_only_where_a_start_is_asked_for() {
    let world = empty();
    let (_folder, tree) = source();
    let refs = "refs/tags/*";
    for number in 0..12 {
        tree.git(&["tag", &format!("v{number}")]);
    }
    let outcome = step_of(&world, &tree, refs).input("dry-run", "true").run();
    outcome.succeeded();
    assert!(!outcome.stdout.contains("starts no workflow"), "{outcome}");
    let step = step_of(&world, &tree, refs).input("dry-run", "true").input("wait-for", "release.yml");
    let outcome = step.run();
    assert!(outcome.stdout.contains("starts no workflow"), "{outcome}");
}

#[test]
fn r2_the_checkout_may_stand_in_a_folder_of_the_workspace() {
    let world = empty();
    let step = world.step().input("refs", "main").input("checkout", "code");
    let tree = Tree::init(&step.workspace().join("code"));
    let commit = tree.commit("a.txt", "1");
    step.run().succeeded();
    assert_eq!(world.tip("refs/heads/main"), Some(commit));
    for wrong in ["cod", "../temp", "/"] {
        let step = world.step().input("refs", "main").input("checkout", wrong).file("code/x", "");
        step.run().failed("invalid-input");
    }
}

#[test]
fn r2_worktrees_submodules_and_borrowed_objects_inside_the_workspace_are_read() {
    let (folder, tree) = source();
    let allow = ["-c", "protocol.file.allow=always"];
    let prepare = |kind: &str, step: &Step| {
        let workspace = step.workspace();
        let code = Tree(workspace.join("code"));
        match kind {
            "worktree" => {
                let main = Tree::init(&workspace.join("main"));
                main.commit("a.txt", "1");
                main.git(&["worktree", "add", "-q", "-b", "topic", "../code"]);
            }
            "submodule" => {
                let main = Tree::init(&workspace.join("main"));
                main.commit("a.txt", "1");
                let url = tree.0.display().to_string();
                main.git(&[&allow[..], &["submodule", "--quiet", "add", &url, "code"]].concat());
                return Tree(workspace.join("main/code"));
            }
            "alternates" | "relative alternates" => {
                let lender = workspace.join("lender");
                Tree::clone(&tree.0, &lender, &[]);
                Tree(lender.clone()).git(&["gc", "-q"]);
                let from = lender.display().to_string();
                let clone = ["clone", "-q", "--shared", &from, &code.0.display().to_string()];
                Tree(workspace.clone()).git(&clone.map(String::from).each_ref().map(String::as_str));
                if kind.starts_with("relative") {
                    let file = code.0.join(".git/objects/info/alternates");
                    fs::write(file, "../../../lender/.git/objects\n").unwrap();
                }
            }
            "linked packs" => {
                Tree::clone(&tree.0, &code.0, &[]);
                code.git(&["gc", "-q"]);
                let packs = code.0.join(".git/objects/pack");
                fs::rename(&packs, workspace.join("packs")).unwrap();
                std::os::unix::fs::symlink("../../../packs", &packs).unwrap();
            }
            other => panic!("{other}"),
        }
        code
    };
    for kind in ["worktree", "submodule", "alternates", "relative alternates", "linked packs"] {
        let world = empty();
        let step = world.step().input("refs", "HEAD:refs/heads/main");
        let tree = prepare(kind, &step);
        let commit = tree.commit("new.txt", kind);
        let place = tree.0.strip_prefix(step.workspace()).unwrap().display().to_string();
        step.input("checkout", place).run().succeeded();
        assert_eq!(world.tip("refs/heads/main"), Some(commit), "{kind}");
        world.git(&["fsck", "--full", "--strict"]);
    }
    drop(folder);
}

#[test]
fn m4_nothing_of_a_checkout_may_lie_outside_of_the_workspace() {
    let world = empty();
    let outside = tempfile::tempdir().unwrap();
    let foreign = Tree::init(&outside.path().join("foreign"));
    foreign.commit("secret.txt", "secret");
    let git_dir = foreign.0.join(".git");
    let refused = |step: Step, what: &str| {
        let outcome = step.run();
        outcome.failed("invalid-input");
        assert!(outcome.stdout.contains("leaves the workspace"), "{what}: {outcome}");
        assert_eq!(world.tip("refs/heads/main"), None, "{what}");
    };
    let step = world.step().input("refs", "main");
    fs::write(step.workspace().join(".git"), format!("gitdir: {}\n", git_dir.display())).unwrap();
    refused(step, "a .git file");
    let step = world.step().input("refs", "main");
    std::os::unix::fs::symlink(&git_dir, step.workspace().join(".git")).unwrap();
    refused(step, "a .git link");
    let (_folder, tree) = source();
    let step = step_of(&world, &tree, "main");
    let alternates = step.workspace().join(".git/objects/info/alternates");
    fs::write(alternates, format!("{}\n", git_dir.join("objects").display())).unwrap();
    refused(step, "alternates");
    let (_folder, tree) = source();
    let step = step_of(&world, &tree, "main");
    let refs = step.workspace().join(".git/refs");
    fs::remove_dir_all(&refs).unwrap();
    std::os::unix::fs::symlink(git_dir.join("refs"), &refs).unwrap();
    refused(step, "linked refs");
    // A part of a folder: packs, one pack, a folder of loose objects, refs of a folder, one ref, a folder of Git LFS.
    foreign.git(&["repack", "-adq"]);
    foreign.commit("loose.txt", "loose");
    let pack = fs::read_dir(git_dir.join("objects/pack")).unwrap().next().unwrap().unwrap().file_name();
    let pack = format!("objects/pack/{}", pack.to_str().unwrap());
    let tip = foreign.git(&["rev-parse", "main"]);
    let loose = format!("objects/{}", &tip[..2]);
    for part in
        ["HEAD", "objects/pack", pack.as_str(), loose.as_str(), "refs/heads", "refs/heads/main", "lfs", "lfs/objects"]
    {
        let (_folder, tree) = source();
        let step = step_of(&world, &tree, "main");
        let place = step.workspace().join(".git").join(part);
        let _ = fs::remove_dir_all(&place).or_else(|_| fs::remove_file(&place));
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::create_dir_all(git_dir.join("lfs/objects")).unwrap();
        std::os::unix::fs::symlink(git_dir.join(part), &place).unwrap();
        refused(step, part);
    }
    // The same through a folder of the workspace.
    let (_folder, tree) = source();
    let step = step_of(&world, &tree, "main");
    let packs = step.workspace().join(".git/objects/pack");
    fs::rename(&packs, step.workspace().join("packs")).unwrap();
    std::os::unix::fs::symlink("../../packs", &packs).unwrap();
    std::os::unix::fs::symlink(git_dir.join(&pack), step.workspace().join("packs/pack-1.pack")).unwrap();
    refused(step, "a pack behind a link that stays inside");
    let step = world.step().input("refs", "main");
    let above = step.workspace().parent().unwrap().to_owned();
    assert!(Command::new("git").args(["init", "-q"]).current_dir(&above).status().unwrap().success());
    step.run().failed("local-git-error");
}
