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

/// A target that has a branch elsewhere, and helper refs: two that steps left behind long ago, one of a step that may still run, and
/// two of somebody else.
fn world_with_leftovers() -> (World, [String; 2], [String; 3]) {
    let target = Repository::new(TARGET).files("elsewhere", &[("a", "1")]);
    let world = World::with(target, Token::classic("robin", &["repo", "workflow"]));
    let made = |age: i64| chrono::Utc::now().timestamp() - age;
    let old = [
        format!("refs/repo-relay/upload/{}-abc-0", made(25 * 3600)),
        format!("refs/repo-relay/{}-abc", made(25 * 3600)),
    ];
    let others = [
        format!("refs/repo-relay/upload/{}-abc-0", made(3600)),
        "refs/repo-relay/notes".to_owned(),
        "refs/upload/1-abc-0".to_owned(),
    ];
    let repository = world.github.repository(TARGET);
    let tip = repository.tip("refs/heads/elsewhere");
    for name in old.iter().chain(&others) {
        repository.set_ref(name, tip.as_deref());
    }
    (world, old, others)
}

#[test]
fn helper_refs_of_killed_steps_are_deleted_after_a_day_and_others_stay() {
    let (_folder, tree) = source();
    let (world, old, others) = world_with_leftovers();
    push(&world, &tree, &[("dry-run", "true")]).succeeded();
    assert!(world.tip(&old[0]).is_some(), "a dry run deletes nothing");
    let outcome = push(&world, &tree, &[]);
    outcome.succeeded();
    assert_eq!(old.each_ref().map(|name| world.tip(name)), [None, None], "{outcome}");
    assert!(others.iter().all(|name| world.tip(name).is_some()), "{outcome}");
    assert_eq!(helpers(&world).lines().count(), 2, "{outcome}");
    assert!(outcome.stdout.contains("2 scratch refs of steps that were killed are deleted."), "{outcome}");
}

#[test]
fn a_sweep_that_fails_fails_no_step_and_takes_no_ref_that_moved() {
    let (_folder, tree) = source();
    let path = format!("/{TARGET}.git/git-receive-pack");
    let (world, ..) = world_with_leftovers();
    push(&world, &tree, &[]).succeeded();
    // The sweep is the last push.
    let last = world.github.log().pushes().len() as u64;
    for fault in [Fault::Answer(Canned::bad_gateway()), Fault::Reset, Fault::Answer(Canned::error(403, "No."))] {
        let (world, old, _) = world_with_leftovers();
        world.github.fault(FaultRule::on("POST", &path, fault).nth(last));
        let outcome = push(&world, &tree, &[]);
        outcome.succeeded();
        assert!(world.github.unused_faults().is_empty() && world.tip(&old[0]).is_some(), "{outcome}");
        assert!(outcome.stdout.contains("of steps that were killed could not be deleted."), "{outcome}");
        assert_eq!(world.tip("refs/heads/main"), Some(tree.git(&["rev-parse", "main"])));
    }
    let (world, old, _) = world_with_leftovers();
    let moved = old[0].clone();
    let race = Fault::race(move |target| target.set_ref(&moved, target.tip("refs/heads/main").as_deref()));
    world.github.fault(FaultRule::on("POST", &path, race).nth(last));
    let outcome = push(&world, &tree, &[]);
    outcome.succeeded();
    assert_eq!((world.tip(&old[0]), world.tip(&old[1])), (world.tip("refs/heads/main"), None), "{outcome}");
}
