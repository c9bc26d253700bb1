//! What the later stages will need is looked at before anything is written: runs that can be listed, somebody who listens, a
//! site that is there.

use std::time::Duration;

use emulator::{
    faults::{Canned, Fault, FaultRule},
    model::{Level, Model, Repository, Role, Token},
};

use crate::{
    refs::Tree,
    world::{TARGET, World},
};

const LISTENS: &str = "on:\n  repository_dispatch:\n    types: [published]\n";
const ON_PUSH: &str = "on: push\n";

fn classic() -> Token {
    Token::classic("robin", &["repo", "workflow"])
}

#[test]
fn t4_a_token_that_may_not_list_runs_fails_before_anything_is_written() {
    let write = [("contents", Level::Write), ("metadata", Level::Read)];
    for (token, cause) in [
        (World::fine_grained(&write), "fine-grained-permission-missing"),
        (Token::installation("helper", "acme", &[TARGET], &write), "resource-not-accessible-by-integration"),
    ] {
        let target = || Repository::new(TARGET).private().file("README.md", "r").workflow("ci.yml", LISTENS);
        let inputs: [&[(&str, &str)]; 3] = [
            &[("tag", "v1"), ("tag-target", "main"), ("wait-for", "ci.yml")],
            &[("dispatch", "published"), ("wait", "started")],
            &[("tag", "v1"), ("tag-target", "main"), ("dispatch", "published"), ("wait", "completed")],
        ];
        for inputs in inputs {
            let world = World::with(target(), token.clone());
            let step = inputs.iter().fold(world.step(), |step, (name, value)| step.input(name, *value));
            let outcome = world.refuses(step, "permission", cause);
            assert!(outcome.message("permission").contains("need Actions: read"), "{outcome}");
        }
        let world = World::with(target(), token);
        let outcome = world.step().input("dispatch", "published").run();
        outcome.succeeded();
        assert_eq!(outcome.check("listener"), "skip", "nothing is waited for: {outcome}");
    }
}

#[test]
fn t4_a_site_that_nobody_lets_the_token_look_at_is_not_waited_for() {
    let write = [("contents", Level::Write), ("metadata", Level::Read)];
    let site = || Repository::new(TARGET).private().file("README.md", "r").pages("gh-pages");
    let world = World::with(site(), World::fine_grained(&write));
    let step = world.publish().input("wait-for", "pages");
    let outcome = world.refuses(step, "permission", "fine-grained-permission-missing");
    assert!(outcome.message("permission").contains("Actions: read or Pages: read"), "{outcome}");
    for right in ["actions", "pages"] {
        let token = World::fine_grained(&[write[0], write[1], (right, Level::Read)]);
        let world = World::with(site(), token);
        let outcome = world.publish().input("wait-for", "pages").input("dry-run", "true").run();
        assert_eq!(outcome.succeeded().check("permission"), "pass", "{right}: {outcome}");
    }
}

#[test]
fn t5_refs_that_bring_no_site_are_warned_of_too() {
    for (target, status, words) in [
        (Repository::new(TARGET).file("README.md", "r"), "warn", "has no Pages site"),
        (
            Repository::new(TARGET).file("README.md", "r").pages("gh-pages"),
            "warn",
            "made from gh-pages, which this step does not push",
        ),
        (Repository::new(TARGET).file("README.md", "r").pages("main"), "pass", ""),
    ] {
        let world = World::with(target, classic());
        let step = world.step().input("refs", "HEAD:refs/heads/topic\n+HEAD:main").input("wait-for", "pages");
        let topic = words.contains("does not push");
        let step = if topic { step.input("refs", "HEAD:refs/heads/topic") } else { step };
        Tree::init(&step.workspace()).commit("a", "a");
        let outcome = step.input("dry-run", "true").run();
        assert_eq!(outcome.succeeded().check("pages"), status, "{outcome}");
        assert!(outcome.message("pages").contains(words), "{outcome}");
    }
}

/// How many requests of REST and of git a dry run with these inputs takes, beside this many workflow files.
fn requests(files: usize, inputs: &[(&str, &str)]) -> (usize, usize) {
    let target = (0..files).fold(Repository::new(TARGET).file("README.md", "r"), |target, number| {
        target.workflow(&format!("ci-{number}.yml"), if number == 0 { LISTENS } else { ON_PUSH })
    });
    let world = World::with(target, classic());
    let step = world.publish().input("dry-run", "true");
    let outcome = inputs.iter().fold(step, |step, (name, value)| step.input(name, *value)).run();
    outcome.succeeded();
    let expected = match inputs.iter().find(|(name, _)| *name == "dispatch") {
        Some((_, "published")) if files > 0 => "pass",
        Some(_) => "warn",
        None => "",
    };
    assert_eq!(outcome.check("listener"), expected, "{files} {inputs:?}: {outcome}");
    let log = world.github.log();
    let writes = log.rest().filter(|entry| entry.method != "GET").count();
    assert_eq!(writes, 0, "{files} {inputs:?}: {log}");
    (log.rest().count(), log.git().count())
}

#[test]
fn t4_the_questions_are_at_most_two_more_and_none_where_nothing_is_waited_for() {
    let (plain, by_git) = requests(1, &[]);
    for (files, inputs, more) in [
        (40, &[][..], (0, 0)),
        (40, &[("tag", "v1")], (0, 0)),
        (1, &[("wait-for", "ci-0.yml")], (1, 0)),
        (40, &[("wait-for", "ci-0.yml"), ("wait", "completed")], (1, 0)),
        (40, &[("wait-for", "pages\nci-0.yml")], (1, 0)),
        (0, &[("dispatch", "published")], (1, 0)),
        (1, &[("dispatch", "published")], (2, 0)),
        (1, &[("dispatch", "other")], (2, 0)),
        (2, &[("dispatch", "published")], (2, 2)),
        (40, &[("dispatch", "other")], (2, 2)),
        (40, &[("dispatch", "published"), ("wait", "completed"), ("wait-for", "ci-0.yml")], (2, 2)),
    ] {
        let seen = requests(files, inputs);
        let tagged = if inputs.iter().any(|(name, _)| *name == "tag") { requests(0, inputs).0 - plain } else { 0 };
        assert_eq!((seen.0 - plain - tagged, seen.1 - by_git), more, "{files} {inputs:?}");
    }
}

#[test]
fn t8_an_account_that_may_only_read_is_told_that_it_may_not_start_a_workflow() {
    let start = "on: workflow_dispatch\n";
    let target = Repository::new(TARGET).file("README.md", "r").workflow("go.yml", start);
    let model = Model::new().repository(target.collaborator("robin", Role::Read));
    let world = World::of(model, classic());
    let step = world.step().input("workflow", "go.yml");
    let outcome = world.refuses(step, "permission", "no-write-access");
    assert!(outcome.message("permission").contains("robin has not the role Write"), "{outcome}");
}

#[test]
fn t2_an_event_that_nobody_listens_to_is_warned_of_before_it_is_sent() {
    let target = || Repository::new(TARGET).workflow("ci.yml", LISTENS).workflow("push.yml", ON_PUSH);
    let world = World::with(target(), classic());
    let outcome = world.step().input("dispatch", "publish").run();
    outcome.succeeded();
    assert_eq!((outcome.check("listener").as_str(), outcome.cause("listener").as_str()), ("warn", "not-triggered"));
    let message = outcome.message("listener");
    assert!(message.contains("type publish") && message.contains("ci.yml comes nearest"), "{message}");
    assert!(message.contains("line 3: `types: [published]`"), "{message}");
    let outcome = world.step().input("dispatch", "published").run();
    assert_eq!(outcome.succeeded().check("listener"), "pass", "{outcome}");
    // The nearest of several is named, and a slip with what was likely meant.
    let several = target().workflow("build.yml", "on:\n  repository_dispatch:\n    types: [rebuild, nightly]\n");
    let world =
        World::with(several.workflow("all.yml", "on:\n  repository_dispatch:\n    types: ['site-*']\n"), classic());
    let outcome = world.step().input("dispatch", "re-build").run();
    assert!(outcome.message("listener").contains("build.yml comes nearest"), "{outcome}");
    assert!(outcome.stdout.contains("Did you mean `dispatch: rebuild`?"), "{outcome}");
    for event in ["published", "nightly", "site-7"] {
        assert_eq!(world.step().input("dispatch", event).run().succeeded().check("listener"), "pass", "{event}");
    }
    let off = World::with(target().disabled_workflow("ci.yml"), classic());
    let outcome = off.step().input("dispatch", "published").run();
    assert!(outcome.message("listener").contains("Switched off: ci.yml"), "{outcome}");
    let none = World::with(Repository::new(TARGET).file("README.md", "r"), classic());
    assert_eq!(none.step().input("dispatch", "published").run().succeeded().check("listener"), "warn");
}

#[test]
fn t3_a_listed_file_that_the_default_branch_lacks_cannot_listen() {
    let target = || Repository::new(TARGET).file("README.md", "r").other_workflow("gone.yml", "active");
    for target in [
        target(),
        target().workflow("ci.yml", LISTENS),
        target().workflow("ci.yml", LISTENS).other_workflow("lost.yml", "active").other_workflow("old.yml", "deleted"),
        // The branch has not even the folder.
        target().other_workflow("lost.yml", "active"),
    ] {
        let world = World::with(target, classic());
        let step = world.step().input("dispatch", "other").input("wait", "started").input("wait-timeout", "3s");
        let outcome = step.run();
        outcome.failed("not-triggered");
        assert_eq!(outcome.check("listener"), "warn", "{outcome}");
        let stages = outcome.report()["targets"][0]["stages"].as_array().unwrap().clone();
        let wait = stages.iter().find(|stage| stage["name"] == "wait").unwrap()["message"].as_str().unwrap().to_owned();
        assert!(wait.contains("No workflow file on the default branch main listens"), "{wait}");
    }
}

#[test]
fn t3_a_file_that_cannot_be_read_leaves_the_check_open() {
    let forbidden = || Fault::Answer(Canned::error(403, "Resource not accessible by personal access token"));
    let answer = |status, message| Fault::Answer(Canned::error(status, message));
    // A limit is not waited for: the check can be left out.
    let limit =
        Fault::Answer(Canned::error(429, "You have exceeded a secondary rate limit.").header("retry-after", "60"));
    let unknown = Fault::Body("0020ERR upload-pack: not our ref".to_owned());
    for (files, method, path, fault, why, fetches) in [
        (1, "GET", "*/contents/*", forbidden(), "Resource not accessible by personal access token", 0),
        (3, "GET", "*/contents/*", forbidden(), "Resource not accessible by personal access token", 0),
        (3, "POST", "*/git-upload-pack", answer(503, "Service unavailable"), "tried 2 times", 2),
        (3, "POST", "*/git-upload-pack", answer(403, "Write access to repository not granted."), "not granted", 1),
        (3, "POST", "*/git-upload-pack", limit, "secondary rate limit", 1),
        (3, "POST", "*/git-upload-pack", unknown, "not our ref", 1),
    ] {
        let target = (0..files)
            .fold(Repository::new(TARGET), |target, number| target.workflow(&format!("ci-{number}.yml"), LISTENS));
        let world = World::with(target, classic());
        world.github.fault(FaultRule::on(method, path, fault));
        let outcome = world.step().input("dispatch", "other").input("attempts", "2").run();
        assert_eq!(outcome.succeeded().check("listener"), "skip", "{path}: {outcome}");
        let message = outcome.message("listener");
        assert!(
            message.starts_with("ci-0.yml on the default branch could not be read, and no other file"),
            "{message}"
        );
        assert!(message.contains(why), "{why}: {message}");
        let asked = world.github.log().counts();
        let asked =
            asked.iter().filter(|(request, _)| request.ends_with("git-upload-pack") && request.starts_with("POST"));
        assert_eq!(asked.map(|(_, count)| count).sum::<usize>(), fetches, "{path}: {outcome}");
    }
}

#[test]
fn t5_a_site_that_is_waited_for_and_is_not_there_is_warned_of_and_ends_soon() {
    let world = World::with(Repository::new(TARGET).file("README.md", "r"), classic());
    let outcome = world.publish().input("wait-for", "pages").input("wait-timeout", "5m").run();
    outcome.failed("not-triggered");
    assert_eq!(outcome.check("pages"), "warn", "{outcome}");
    assert!(outcome.message("pages").contains("has no Pages site"), "{outcome}");
    assert!(outcome.took < Duration::from_mins(1), "{:?}", outcome.took);
    assert_eq!(outcome.output("pushed"), "true");
}
