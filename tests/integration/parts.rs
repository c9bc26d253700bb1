//! A first push that is larger than one push may be: it goes in parts to helper refs, and then the refs are set at once.

use std::{fmt::Write as _, sync::Arc, time::Duration};

use emulator::{
    faults::{Canned, Fault, FaultRule},
    model::{Repository, Token},
};
use futures_util::future::BoxFuture;
use repo_relay::{
    inputs::{Inputs, Push},
    retry::Pause,
};

use crate::{
    mirror::step_of,
    refs::Tree,
    runner::Outcome,
    world::{TARGET, World},
};

/// The limit of one push here, in bytes.
const LIMIT: u64 = 100_000;

fn lowered(inputs: &mut Inputs) {
    if let Push::Refs(refs) = &mut inputs.push {
        refs.push_limit = LIMIT;
    }
}

/// Pauses between tries take no time.
struct NoPause;

impl Pause for NoPause {
    fn pause(&self, _: Duration) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

/// Text that deflate cannot shorten much.
fn noise(seed: u64, lines: usize) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..lines).fold(String::new(), |mut text, _| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        writeln!(text, "{state:016x}").unwrap();
        text
    })
}

/// Two lines of history that meet, a third that does not, and tags: some 400 KB deflated.
fn source() -> (tempfile::TempDir, Tree) {
    let folder = tempfile::tempdir().unwrap();
    let tree = Tree::init(&folder.path().join("source"));
    let commit = |number: u64| tree.commit(&format!("d{}/{number}.txt", number % 3), &noise(number, 1500));
    (1..=8).for_each(|number| drop(commit(number)));
    tree.git(&["checkout", "-q", "-b", "side", "main~4"]);
    (9..=14).for_each(|number| drop(commit(number)));
    tree.git(&["checkout", "-q", "main"]);
    tree.git(&["merge", "-q", "--no-edit", "side"]);
    tree.git(&["checkout", "-q", "--orphan", "other"]);
    (15..=19).for_each(|number| drop(commit(number)));
    tree.git(&["tag", "-a", "-m", "one", "v1", "main"]);
    (folder, tree)
}

fn world() -> World {
    World::with(Repository::new(TARGET), Token::classic("robin", &["repo", "workflow"]))
}

fn push(world: &World, tree: &Tree, options: &[(&str, &str)]) -> Outcome {
    let step = step_of(world, tree, "refs/heads/*\nrefs/tags/*").input("attempts", "3");
    let step = options.iter().fold(step, |step, (name, value)| step.input(name, *value));
    step.run_inside_with(lowered, |_, retries| *retries = retries.clone().with_pauser(Arc::new(NoPause)))
}

/// The refs of the target that are not the source's.
fn helpers(world: &World) -> String {
    world.git(&["for-each-ref", "--format=%(refname)", "refs/repo-relay/"])
}

fn assert_mirrored(world: &World, tree: &Tree, outcome: &Outcome) {
    for name in ["refs/heads/main", "refs/heads/side", "refs/heads/other", "refs/tags/v1"] {
        assert_eq!(world.tip(name), Some(tree.git(&["rev-parse", name])), "{name}: {outcome}");
    }
    assert_eq!(helpers(world), "", "{outcome}");
    world.git(&["fsck", "--full", "--strict"]);
}

#[test]
fn a_push_above_the_limit_goes_in_parts_that_are_below_it() {
    let (_folder, tree) = source();
    for packed in [false, true] {
        if packed {
            tree.git(&["gc", "-q"]);
        }
        let world = world();
        let outcome = push(&world, &tree, &[("dry-run", "true")]);
        outcome.succeeded();
        assert!(world.github.log().pushes().is_empty(), "{outcome}");
        let outcome = push(&world, &tree, &[]);
        outcome.succeeded();
        assert_mirrored(&world, &tree, &outcome);
        let log = world.github.log();
        let pushes = log.pushes();
        let sizes: Vec<u64> = pushes.iter().map(|entry| entry.bytes_in).collect();
        assert!(sizes.len() > 5 && sizes.iter().all(|size| *size <= LIMIT), "{sizes:?}");
        // The branches are set by one push, which deletes the helper refs.
        let branches: Vec<bool> = pushes
            .iter()
            .map(|entry| entry.updates.iter().any(|update| update.name.starts_with("refs/heads/")))
            .collect();
        assert_eq!(branches.iter().filter(|brings| **brings).count(), 1, "{branches:?}");
        assert!(outcome.stdout.contains("parts go to helper refs first"), "{outcome}");
    }
}

#[test]
fn a_part_that_does_not_arrive_is_sent_again_and_a_failure_leaves_no_helper_ref() {
    let (_folder, tree) = source();
    let path = format!("/{TARGET}.git/git-receive-pack");
    for (fault, nth) in [
        (Fault::Reset, 2),
        (Fault::ResetAfter, 3),
        (Fault::AnswerAfter(Canned::bad_gateway()), 1),
        (Fault::ResetAfter, 6),
    ] {
        let world = world();
        world.github.fault(FaultRule::on("POST", &path, fault).nth(nth));
        let outcome = push(&world, &tree, &[]);
        outcome.succeeded();
        assert_mirrored(&world, &tree, &outcome);
    }
    let world = world();
    world.github.fault(FaultRule::on("POST", &path, Fault::Answer(Canned::bad_gateway())).nth(3));
    world.github.fault(FaultRule::on("POST", &path, Fault::Answer(Canned::bad_gateway())).nth(4));
    world.github.fault(FaultRule::on("POST", &path, Fault::Answer(Canned::bad_gateway())).nth(5));
    let outcome = push(&world, &tree, &[]);
    outcome.failed("server-error");
    assert_eq!((world.tip("refs/heads/main"), helpers(&world)), (None, String::new()), "{outcome}");
    // What ended early is begun again, and lands.
    let outcome = push(&world, &tree, &[]);
    outcome.succeeded();
    assert_mirrored(&world, &tree, &outcome);
}

#[test]
fn a_commit_that_alone_is_above_the_limit_is_refused_before_anything_is_sent() {
    let (_folder, tree) = source();
    tree.commit("large.txt", &noise(99, 15_000));
    let world = world();
    let outcome = push(&world, &tree, &[]);
    outcome.failed("pack-too-large");
    assert!(world.github.log().pushes().is_empty(), "{outcome}");
    assert!(outcome.stdout.contains("One commit alone"), "{outcome}");
}
