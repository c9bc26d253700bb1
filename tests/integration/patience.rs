//! Servers that work on a push for long without a word, and servers that never answer one.

use std::time::Duration;

use emulator::{
    faults::{Fault, FaultRule},
    model::{Repository, Token},
};
use repo_relay::http::Waits;

use crate::{
    refs::{Tree, checkout},
    runner::{Outcome, Step},
    sshd::{Manners, Sshd},
    world::{TARGET, World},
};

const PUSH: &str = "*/git-receive-pack";

/// How long a server may be silent where it does not work.
const SILENCE: Duration = Duration::from_millis(400);

/// The same over SSH, where what is counted includes the start of a process.
const LONGER: Duration = Duration::from_secs(2);

/// Runs `step` with a server that may work for so long.
fn run(step: Step, work: Duration) -> Outcome {
    waiting(step, Waits { silence: SILENCE, work })
}

fn waiting(step: Step, waits: Waits) -> Outcome {
    step.run_inside(|settings, retries| {
        settings.waits = waits;
        *retries = retries.clone().with_jitter(std::sync::Arc::new(|| 0.0));
    })
}

fn slow(world: &World) {
    world.github.fault(FaultRule::on("POST", PUSH, Fault::Delay(SILENCE * 4)));
}

#[test]
fn a_push_that_the_server_works_on_is_waited_for_and_sent_once() {
    let world = World::new();
    slow(&world);
    let outcome = run(world.publish().input("tag", "v1"), Duration::from_mins(5));
    outcome.succeeded();
    assert_eq!(world.github.log().pushes().len(), 2, "the branch, and the tag: {outcome}");
    assert_eq!(outcome.output("commit"), world.tip("refs/heads/gh-pages").unwrap());

    let world = World::with(Repository::new(TARGET), Token::classic("robin", &["repo"]));
    slow(&world);
    let (step, tree) = checkout(&world, "main");
    let tip = tree.git(&["rev-parse", "main"]);
    run(step, Duration::from_mins(5)).succeeded();
    assert_eq!(world.github.log().pushes().len(), 1);
    assert_eq!(world.tip("refs/heads/main"), Some(tip));
}

#[test]
fn a_push_that_is_done_is_not_waited_for_though_its_answer_got_lost_on_an_open_way() {
    let lost = || FaultRule::on("POST", PUSH, Fault::SilenceAfter).first(2);
    let world = World::new();
    world.github.fault(lost());
    let outcome = run(world.publish().input("tag", "v1"), Duration::from_mins(5));
    outcome.succeeded();
    assert!(outcome.took < Duration::from_mins(2), "{:?}", outcome.took);
    assert_eq!(world.github.log().pushes().len(), 2);
    assert_eq!((outcome.output("pushed"), outcome.output("tag-created")), ("true", "true"));

    // Several refs at once, one of them deleted.
    let world = World::with(Repository::new(TARGET), Token::classic("robin", &["repo"]));
    let (step, tree) = checkout(&world, "main\n:gone\nHEAD:refs/heads/copy");
    crate::refs_checkouts::seed(&world, &tree, &["main~1:refs/heads/gone"]);
    world.github.fault(lost().first(1));
    let outcome = run(step, Duration::from_mins(5));
    outcome.succeeded();
    assert!(outcome.took < Duration::from_mins(2), "{:?}", outcome.took);
    assert_eq!(world.github.log().pushes().len(), 1);
    assert_eq!(world.github.repository(TARGET).refs().len(), 2, "{outcome}");
}

#[test]
fn a_push_that_is_never_answered_is_given_up_after_all_and_sent_again() {
    let world = World::new();
    world.github.fault(FaultRule::on("POST", PUSH, Fault::Silence).first(1));
    let outcome = run(world.publish(), SILENCE * 3);
    outcome.succeeded();
    assert!(outcome.stdout.contains("for 1.2 s"), "{outcome}");
    assert_eq!(world.github.log().pushes().len(), 2);
    assert_eq!(world.git(&["rev-list", "--count", "gh-pages"]), "1");
}

#[test]
fn over_ssh_too_a_push_is_waited_for_while_the_server_works() {
    let world = World::with(Repository::new(TARGET), Token::classic("robin", &["repo"]));
    let sshd = Sshd::start(&world, Manners { works: 5, ..Manners::default() });
    let step = sshd.over_ssh(world.step()).input("refs", "main");
    let tip = Tree::init(&step.workspace()).commit("a", "b");
    waiting(step, Waits { silence: LONGER, work: Duration::from_mins(5) }).succeeded();
    assert_eq!(world.tip("refs/heads/main"), Some(tip));
    assert_eq!((sshd.begun(), sshd.landed()), (1, 1), "{:?}", sshd.log());
}

#[test]
fn over_ssh_too_a_push_that_is_never_answered_is_given_up_after_all_and_sent_again() {
    let world = World::new();
    let sshd = Sshd::start(&world, Manners { hangs: 1, ..Manners::default() });
    let waits = Waits { silence: LONGER, work: LONGER + Duration::from_secs(1) };
    let outcome = waiting(sshd.over_ssh(world.publish()), waits);
    outcome.succeeded();
    assert!(outcome.stdout.contains("for 3 s"), "{outcome}");
    assert_eq!((sshd.begun(), sshd.landed()), (2, 1), "{:?}", sshd.log());
    assert_eq!(world.git(&["rev-list", "--count", "gh-pages"]), "1");
}
