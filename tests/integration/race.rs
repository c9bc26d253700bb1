//! Several publishers of one branch at once: nobody's content is lost, and nobody's is mixed with another's.

use std::collections::BTreeSet;

use emulator::{
    RepositoryHandle,
    faults::{Fault, FaultRule},
    model::{Repository, Token},
};

use crate::{
    runner::Outcome,
    world::{TARGET, World},
};

fn world(files: &[(&str, &str)]) -> World {
    World::with(Repository::new(TARGET).files("gh-pages", files), Token::classic("robin", &["repo"]))
}

/// Lets another push come between the first `times` pushes and the refs that they saw.
fn race(world: &World, times: u64, deed: impl Fn(&RepositoryHandle) + Send + Sync + 'static) {
    let push = format!("/{TARGET}.git/git-receive-pack");
    world.github.fault(FaultRule::on("POST", &push, Fault::race(deed)).first(times));
}

/// Runs publishers side by side, each of them made ready by `ready`.
fn at_once(world: &World, count: usize, ready: impl Fn(&World, usize) -> crate::runner::Step + Sync) -> Vec<Outcome> {
    std::thread::scope(|scope| {
        let ready = &ready;
        let running: Vec<_> = (0..count).map(|number| scope.spawn(move || ready(world, number).run())).collect();
        running.into_iter().map(|one| one.join().unwrap()).collect()
    })
}

#[test]
fn a_lost_race_is_merged_again_and_both_changes_land() {
    let world = World::with(
        Repository::new(TARGET).files("gh-pages", &[("a/index.html", "a")]),
        emulator::model::Token::classic("robin", &["repo"]),
    );
    world.github.fault(
        FaultRule::on(
            "POST",
            "/acme/site.git/git-receive-pack",
            Fault::race(|repository| {
                repository.commit("refs/heads/gh-pages", &[("c/index.html", b"c")], "another");
            }),
        )
        .first(1),
    );
    let outcome = world.publish().input("destination", "b").input("attempts", "1").run();
    outcome.succeeded();
    assert_eq!(world.paths("gh-pages"), ["a/index.html", "b/index.html", "c/index.html"]);
    assert_eq!(world.git(&["rev-list", "--count", "gh-pages"]), "3");
}

#[test]
fn lost_races_do_not_count_as_attempts() {
    let world = world(&[("index.html", "root")]);
    let number = std::sync::atomic::AtomicU32::new(0);
    race(&world, 4, move |repository| {
        let number = number.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        repository.commit("refs/heads/gh-pages", &[(&format!("other-{number}"), b"o")], "another");
    });
    world.publish().input("destination", "mine").input("attempts", "2").run().succeeded();
    assert_eq!(world.github.log().pushes().len(), 5);
    let paths = world.paths("gh-pages");
    assert!((0..4).all(|number| paths.contains(&format!("other-{number}"))), "{paths:?}");
    assert!(paths.contains(&"mine/index.html".to_owned()));
}

#[test]
fn a_single_history_keeps_what_others_publish_meanwhile() {
    let world = world(&[("a/index.html", "a")]);
    race(&world, 2, |repository| {
        let number = repository.files("gh-pages").len();
        repository.commit("refs/heads/gh-pages", &[(&format!("c{number}/index.html"), b"c")], "another");
    });
    let outcome = world.publish().input("destination", "b").input("history", "single").run();
    outcome.succeeded();
    assert_eq!(world.git(&["rev-list", "--count", "gh-pages"]), "1");
    let expected = ["a/index.html", "b/index.html", "c1/index.html", "c2/index.html"];
    assert_eq!(world.paths("gh-pages"), expected);
    world.git(&["fsck", "--strict"]);
}

#[test]
fn the_last_one_of_two_in_the_same_destination_wins_wholly() {
    let world = world(&[("docs/old.html", "old"), ("index.html", "root")]);
    race(&world, 1, |repository| {
        let files: [(&str, &[u8]); 3] = [("docs/theirs", b"t"), ("docs/shared", b"theirs"), ("docs/index.html", b"t")];
        repository.commit("refs/heads/gh-pages", &files, "theirs");
    });
    world.publish().file("site/shared", "mine").input("destination", "docs").run().succeeded();
    assert_eq!(world.paths("gh-pages"), ["docs/index.html", "docs/shared", "index.html"]);
    assert_eq!(world.git(&["show", "gh-pages:docs/shared"]), "mine");
}

#[test]
fn publishers_of_one_destination_never_make_a_mixture() {
    let world = world(&[("index.html", "root")]);
    let outcomes = at_once(&world, 6, |world, number| {
        let step = world.publish().input("destination", "docs").input("attempts", "1");
        (0..8).fold(step, |step, file| {
            let own = if file % 2 == 0 { format!("site/own-{number}-{file}") } else { format!("site/shared-{file}") };
            step.file(&own, format!("of {number}"))
        })
    });
    for outcome in &outcomes {
        outcome.succeeded();
    }
    let mut seen = BTreeSet::new();
    for commit in world.git(&["rev-list", "gh-pages", "--not", "gh-pages~6"]).lines() {
        let files = world.github.repository(TARGET).files(commit);
        let docs = files.iter().filter(|(path, _)| path.starts_with("docs/") && !path.ends_with("index.html"));
        let owners: BTreeSet<_> = docs.clone().map(|(_, content)| content.clone()).collect();
        assert_eq!((docs.count(), owners.len()), (8, 1), "a mixture in {commit}: {files:?}");
        seen.extend(owners);
    }
    assert_eq!(seen.len(), 6, "each of them landed once");
}

#[test]
fn many_publishers_to_many_destinations_all_land() {
    const COUNT: usize = 24;
    let world = world(&[("index.html", "root")]);
    let outcomes = at_once(&world, COUNT, |world, number| {
        let page = format!("page of {number}");
        let step = world.publish().file("site/page.html", page).input("attempts", "1");
        step.input("destination", format!("previews/{number}"))
    });
    for outcome in &outcomes {
        outcome.succeeded();
    }
    let files = world.github.repository(TARGET).files("gh-pages");
    for number in 0..COUNT {
        let page = files.get(&format!("previews/{number}/page.html")).map(|(_, page)| String::from_utf8_lossy(page));
        assert_eq!(page.as_deref(), Some(&*format!("page of {number}")));
    }
    assert_eq!(files.len(), 1 + 2 * COUNT);
    assert_eq!(world.git(&["rev-list", "--count", "gh-pages"]), (COUNT + 1).to_string());
    let pushes = world.github.log().pushes().len();
    println!("{pushes} pushes for {COUNT} publishers");
}
