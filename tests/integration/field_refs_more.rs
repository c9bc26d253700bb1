//! Neighbours of the situations in which people push refs and tags.

use emulator::model::{Repository, Token};

use crate::{
    refs::Tree,
    runner::Step,
    world::{TARGET, World},
};

fn empty() -> World {
    World::with(Repository::new(TARGET), Token::classic("robin", &["repo", "workflow"]))
}

#[test]
fn r2_the_folder_of_the_checkout_in_other_spellings() {
    for place in ["code", "./code", "code/", "a b/code", "."] {
        let world = empty();
        let step = world.step().input("refs", "main").input("checkout", place);
        let tree = Tree::init(&step.workspace().join(place));
        let commit = tree.commit("a.txt", "1");
        step.run().succeeded();
        assert_eq!(world.tip("refs/heads/main"), Some(commit), "{place}");
    }
    // As `${{ github.workspace }}/code` comes out.
    let world = empty();
    let step = world.step().input("refs", "main");
    let tree = Tree::init(&step.workspace().join("code"));
    let commit = tree.commit("a.txt", "1");
    let place = step.workspace().join("code").display().to_string();
    step.input("checkout", place).run().succeeded();
    assert_eq!(world.tip("refs/heads/main"), Some(commit));
}

#[test]
fn r2_without_the_input_the_folder_of_a_checkout_is_named() {
    let world = empty();
    let of = |step: Step| {
        Tree::init(&step.workspace().join("code")).commit("a.txt", "1");
        step
    };
    let outcome = of(world.step().input("refs", "main")).run();
    outcome.failed("local-git-error");
    assert!(outcome.stdout.contains("`checkout: code`"), "{outcome}");
    // Two levels down, and beside another folder that has none.
    let step = world.step().input("refs", "main");
    Tree::init(&step.workspace().join("src/code")).commit("a.txt", "1");
    let outcome = step.run();
    assert!(outcome.stdout.contains("`checkout: src/code`"), "{outcome}");
    let step = world.step().input("refs", "main").input("checkout", "docs").file("docs/index.html", "x");
    let outcome = of(step).run();
    outcome.failed("local-git-error");
    assert!(outcome.stdout.contains("/docs") && outcome.stdout.contains("`checkout: code`"), "{outcome}");
}

#[test]
fn r3_other_patterns_without_a_match_warn_and_those_with_one_do_not() {
    for (refs, word) in [
        ("refs/tags/v*\nmain", "fetch-depth: 0"),
        ("+refs/tags/*\nmain", "fetch-depth: 0"),
        ("refs/tags/*:refs/tags/old-*\nmain", "refs/tags/*:refs/tags/old-*"),
    ] {
        let world = empty();
        let (step, _tree) = crate::refs::checkout(&world, refs);
        let outcome = step.input("dry-run", "true").run();
        outcome.succeeded();
        assert_eq!(outcome.cause("patterns"), "pattern-unmatched", "{refs}: {outcome}");
        assert!(outcome.stdout.contains(word), "{refs}: {outcome}");
    }
    let world = empty();
    let (step, tree) = crate::refs::checkout(&world, "refs/tags/v*\nmain");
    tree.git(&["tag", "v1"]);
    assert_eq!(step.run().succeeded().check("patterns"), "pass");
}

#[test]
fn r4_an_annotated_tag_and_one_of_many_count_as_created() {
    for refs in ["refs/tags/*", "main\nrefs/tags/v2", "HEAD:refs/tags/v2"] {
        let world = empty();
        let (step, tree) = crate::refs::checkout(&world, refs);
        tree.git(&["tag", "-m", "second", "v2"]);
        assert_eq!(step.run().succeeded().output("tag-created"), "true", "{refs}");
    }
    // A branch is none, and a tag that goes is none.
    let world = empty();
    let (step, _tree) = crate::refs::checkout(&world, "main");
    assert_eq!(step.run().succeeded().output("tag-created"), "false");
    world.git(&["tag", "v1", "main"]);
    let (step, _tree) = crate::refs::checkout(&world, ":refs/tags/v1");
    assert_eq!(step.run().succeeded().output("tag-created"), "false");
    assert_eq!(world.tip("refs/tags/v1"), None);
}
