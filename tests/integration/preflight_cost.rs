//! What a preflight costs: requests, and how many of them wait for each other.

use std::time::Duration;

use chrono::{DateTime, Utc};
use emulator::{
    log::Log,
    model::{BypassActor, Level, Model, Repository, Role, Ruleset, Target, Token},
};

use crate::{
    refs::Tree,
    world::{TARGET, World},
};

/// How long each answer takes: longer than a busy machine takes to ask two questions, so that they are seen to overlap.
const ANSWER: Duration = Duration::from_millis(100);

/// How a step is made ready.
type Ready = fn(&World) -> crate::runner::Step;

/// The longest chain of requests of which each began when the one before had ended.
fn depth(log: &Log) -> usize {
    let took = |entry: &emulator::log::Entry| chrono::Duration::from_std(entry.took).unwrap();
    let mut spans: Vec<(DateTime<Utc>, DateTime<Utc>)> =
        log.0.iter().map(|entry| (entry.at, entry.at + took(entry))).collect();
    spans.sort_by_key(|(_, end)| *end);
    let (mut depth, mut last) = (0, DateTime::<Utc>::MIN_UTC);
    for (begin, end) in spans {
        if begin >= last {
            depth += 1;
            last = end;
        }
    }
    depth
}

fn slow(site: Repository, token: Token) -> World {
    let model = Model::new().repository(site.collaborator("robin", Role::Write));
    World::of(model.set(|settings| settings.latency = ANSWER), token)
}

fn busy() -> Repository {
    let ruleset = |name: &str, target, pattern: &str, kind: &str| {
        Ruleset::new(name, target, &[pattern]).rule(kind).bypassed_by(BypassActor::Role(Role::Write), "always")
    };
    Repository::new(TARGET)
        .files("gh-pages", &[("index.html", "old"), ("a/b.html", "b")])
        .file("README.md", "r")
        .tag("v1")
        .pages("gh-pages")
        .ruleset(ruleset("one", Target::Branch, "~ALL", "pull_request"))
        .ruleset(ruleset("two", Target::Branch, "refs/heads/gh-*", "update"))
        .ruleset(ruleset("three", Target::Tag, "~ALL", "creation"))
}

#[test]
fn all_questions_are_asked_side_by_side() {
    let plain = || Repository::new(TARGET).files("gh-pages", &[("index.html", "old")]).file("README.md", "r");
    let classic = || Token::classic("robin", &["repo"]);
    let app = || Token::installation("helper", "acme", &[TARGET], &[("contents", Level::Write)]);
    let alone: Ready = World::step;
    let publish: Ready = |world| world.publish().input("dry-run", "true");
    let tags: Ready = |world| world.publish().input("tag", "v2\n+v1").input("dispatch", "x").input("dry-run", "true");
    // What comes on top: each ruleset, and with a dispatch the workflows and the file that may listen.
    for (name, site, token, step, further) in [
        ("alone", plain(), classic(), alone, 0),
        ("publish", plain(), classic(), publish, 0),
        ("publish, an App's token", plain(), app(), publish, 0),
        ("publish, tags and a dispatch, three rulesets", busy(), classic(), tags, 3 + 2),
    ] {
        let world = slow(site, token);
        let outcome = step(&world).run();
        outcome.succeeded();
        let log = world.github.log();
        let (rest, git) = (log.rest().count(), log.git().count());
        let spans = log.0.iter().map(|entry| (entry.at, entry.at + entry.took));
        let begin = spans.clone().map(|(begin, _)| begin).min().unwrap();
        let wall = spans.map(|(_, end)| end).max().unwrap() - begin;
        let depth = depth(&log);
        println!(
            "{name}: {rest} REST, {git} git, {depth} deep, {} ms of {} ms answers\n{log}",
            wall.num_milliseconds(),
            ANSWER.as_millis()
        );
        assert!(rest <= 8 + further, "{name}: {:?}", log.counts());
        assert!(depth <= 3, "{name}: {depth}\n{log}");
    }
}

#[test]
fn many_branches_are_not_all_asked_about() {
    let world = World::with(Repository::new(TARGET), Token::classic("robin", &["repo"]));
    let step = world.step().input("refs", "refs/heads/*\nmain");
    let tree = Tree::init(&step.workspace());
    tree.commit("a", "a");
    for number in 0..60 {
        tree.git(&["branch", &format!("b{number:02}")]);
    }
    let outcome = step.run();
    outcome.succeeded();
    assert_eq!(world.github.repository(TARGET).refs().len(), 61);
    let rest = world.github.log().rest().count();
    assert!((40..=48).contains(&rest), "{rest}");
    assert_eq!(outcome.check("branch-rules"), "skip", "{outcome}");
    assert!(outcome.message("branch-rules").contains("20 branches were asked for"), "{outcome}");
}
