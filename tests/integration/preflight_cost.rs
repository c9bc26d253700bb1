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

/// A publish that every check has something to say about.
fn publish_with_everything(world: &World) -> crate::runner::Step {
    let step = world.publish().input("keep", "previews/**\nfonts/**").input("exclude", "+**/*.map");
    let step = step.file("site/.env", "A=1").file("site/deep/x.map", "m").file("site/.gitattributes", "* text\n");
    std::os::unix::fs::symlink("index.html", step.workspace().join("site/latest")).unwrap();
    step.input("cname", "site.example").env("GITHUB_EVENT_NAME", "push")
}

#[test]
fn the_preflight_of_a_publish_takes_at_most_eight_questions_to_rest_and_four_to_git() {
    let absent = || Repository::new(TARGET).file("README.md", "r").pages("gh-pages");
    let there =
        || absent().files("gh-pages", &[("index.html", "old"), ("previews/pr-7/a", "a"), (".gitattributes", "")]);
    let busy = || there().workflow("pages.yml", "on: push\n").pull_request("main");
    let classic = || Token::classic("robin", &["repo", "workflow"]);
    let plain: Ready = publish_with_everything;
    let inside: Ready = |world| publish_with_everything(world).input("destination", "docs").input("keep", "");
    let single: Ready = |world| publish_with_everything(world).input("history", "single");
    let previews: Ready = |world| publish_with_everything(world).input("prune-previews", "previews/pr-{number}");
    let tag: Ready = |world| publish_with_everything(world).input("tag", "v1\n+v2");
    let wait: Ready = |world| publish_with_everything(world).input("wait-for", "pages.yml").input("wait", "completed");
    let pages: Ready = |world| publish_with_everything(world).input("wait-for", "pages");
    let proposes: Ready = |world| publish_with_everything(world).input("pull-request", "required");
    let removes: Ready = |world| world.step().input("remove", "true").input("destination", "previews/pr-7");
    // What comes on top: the open pull request and the rules of its branch; the trees on the way to a folder of a folder.
    for (name, site, step, (more_rest, more_git)) in [
        ("existing branch", there(), plain, (0, 0)),
        ("new branch", absent(), plain, (0, 0)),
        ("destination", there(), inside, (0, 0)),
        ("single", there(), single, (0, 0)),
        ("previews", busy(), previews, (0, 0)),
        ("tags", there(), tag, (0, 0)),
        ("wait for a file", busy(), wait, (0, 0)),
        ("wait for Pages", there(), pages, (0, 0)),
        ("remove", there(), removes, (0, 2)),
        ("pull request, if required", there(), proposes, (2, 0)),
    ] {
        for dry_run in ["true", "false"] {
            let world = World::with(site.clone(), classic());
            let outcome = step(&world).input("dry-run", dry_run).input("wait-timeout", "1s").run();
            let log = world.github.log();
            // What comes before the first write is the preflight's.
            let writes =
                |entry: &&emulator::log::Entry| entry.path.ends_with("/git-receive-pack") && entry.method == "POST";
            let end = log.0.iter().find(writes).map(|entry| entry.at);
            let before = Log(log.0.iter().filter(|entry| end.is_none_or(|end| entry.at < end)).cloned().collect());
            assert_eq!(end.is_some(), dry_run == "false", "{name}: {outcome}");
            let (rest, git) = (before.rest().count(), before.git().count());
            println!("{name}, dry run {dry_run}: {rest} REST, {git} git");
            assert!(rest <= 8 + more_rest && git <= 4 + more_git, "{name}: {rest} REST, {git} git\n{before}");
            assert_ne!(outcome.stage("preflight"), "failed", "{name}: {outcome}");
        }
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
