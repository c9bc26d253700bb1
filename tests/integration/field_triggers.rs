//! Triggers and waits as people met them: rights that nothing needs, keys of other repositories, runs that go away.

use std::time::Duration;

use emulator::model::{
    BypassActor, Decoy, Flavour, Level, Model, Outcome as Ends, Repository, Role, Ruleset, Target, Token,
};

use crate::{
    runner::Outcome,
    sshd::{Manners, Sshd},
    world::{TARGET, World},
};

const START: &str = "name: Deploy\non:\n  workflow_dispatch:\n  push:\n  repository_dispatch:\njobs: {a: {runs-on: x, steps: [{run: 'true'}]}}\n";

fn target() -> Repository {
    Repository::new(TARGET).file("README.md", "r").workflow("go.yml", START).workflow("do.yml", START)
}

fn classic() -> Token {
    Token::classic("robin", &["repo", "workflow"])
}

/// What all checks say together.
fn said(outcome: &Outcome) -> String {
    let checks = outcome.report()["targets"][0]["checks"].clone();
    let texts = checks.as_array().unwrap().iter().filter_map(|check| check["message"].as_str());
    texts.collect::<Vec<_>>().join("\n")
}

#[test]
fn t7_who_only_starts_workflows_is_asked_for_nothing_else() {
    let actions = [("actions", Level::Write), ("metadata", Level::Read)];
    for token in [
        World::fine_grained(&actions),
        Token::installation("helper", "acme", &[TARGET], &actions),
        Token::classic("robin", &["repo"]),
    ] {
        for inputs in [
            &[("workflow", "go.yml")][..],
            &[("workflow", "go.yml"), ("workflow-ref", "main")],
            &[("workflow", "go.yml\ndo.yml"), ("wait", "completed")],
            &[("workflow", "go.yml"), ("dry-run", "true")],
        ] {
            let world = World::with(target().private(), token.clone());
            let outcome = inputs.iter().fold(world.step(), |step, (name, value)| step.input(name, *value)).run();
            outcome.succeeded();
            assert_eq!(outcome.check("permission"), "pass", "{inputs:?}: {outcome}");
            assert!(!said(&outcome).contains("Contents") && !outcome.stdout.contains("::warning"), "{outcome}");
            let asked = world.github.log().git().count();
            assert_eq!(asked > 0, inputs.iter().any(|(name, _)| *name == "workflow-ref"), "{inputs:?}");
        }
    }
    // Without that right it is the one that is named, and no other.
    let contents = [("contents", Level::Write), ("metadata", Level::Read)];
    let world = World::with(target().private(), World::fine_grained(&contents));
    let step = world.step().input("workflow", "go.yml");
    let outcome = world.refuses(step, "permission", "fine-grained-permission-missing");
    assert!(outcome.message("permission").contains("Actions: write"), "{outcome}");
    // Who dispatches an event needs the other.
    let world = World::with(target().private(), World::fine_grained(&actions));
    let step = world.step().input("dispatch", "x");
    let outcome = world.refuses(step, "permission", "fine-grained-permission-missing");
    assert!(outcome.stdout.contains("Contents"), "{outcome}");
}

#[test]
fn t11_an_enterprise_servers_number_of_a_key_is_read() {
    for (scope, id) in
        [("actions", "secrets"), ("dependabot", "dependabot_secrets"), ("environment:live", "environments")]
    {
        for numeric in [true, false] {
            let world = World::with(target().environment("live"), World::fine_grained(&[(id, Level::Write)]));
            world.github.model(|model| {
                model.settings.flavour = Flavour::Enterprise("3.14.2".into());
                model.settings.numeric_key_ids = numeric;
            });
            let step = world.step().input("secret-name", "N").input("secret-value", "v4lue-of-it");
            step.input("secret-scope", scope).run().succeeded();
            assert_eq!(world.github.repository(TARGET).secrets().len(), 1, "{scope} {numeric}");
        }
    }
}

#[test]
fn t17_the_deploy_key_of_another_repository_is_what_the_message_speaks_of() {
    let other = Repository::new("acme/other").file("README.md", "o").collaborator("robin", Role::Write);
    let model = || Model::new().repository(target().collaborator("robin", Role::Write)).repository(other.clone());
    for (token, cause, words) in [
        (false, "repo-not-found-or-hidden", "`ssh-key` is no key of acme/site"),
        (true, "deploy-key-read-only", "acme/site is there, and `ssh-key` is no key of it"),
    ] {
        for inputs in [&[("directory", "site")][..], &[("tag", "v1"), ("tag-target", "main")]] {
            let world = World::of(model(), classic());
            let sshd = Sshd::serving(&world, "acme/other", Manners::default(), &["-t", "ed25519"]);
            let step = sshd.over_ssh(world.step().file("site/index.html", "x"));
            let step = step.input("repository", sshd.url().replace("acme/other", TARGET));
            let step = if token { step.input("token", world.token.value()) } else { step };
            let outcome = inputs.iter().fold(step, |step, (name, value)| step.input(name, *value)).run();
            outcome.failed(cause);
            let error = outcome.stdout.lines().find(|line| line.starts_with("::error")).unwrap();
            assert!(error.contains(words) && error.contains("/acme/site/settings/keys"), "{error}");
            assert!(error.contains("one repository only") && !error.contains("token"), "{error}");
            assert!(error.contains("The server says: \"Repository not found\"."), "{error}");
        }
    }
    let refusal = ("git-receive-pack", "Permission to acme/site.git denied to acme/other.");
    let world = World::of(model(), classic());
    let sshd = Sshd::start(&world, Manners { refuses: Some(refusal), ..Manners::default() });
    let outcome = sshd.over_ssh(world.publish()).run();
    outcome.failed("deploy-key-read-only");
    assert!(!outcome.stdout.contains("the token"), "{outcome}");
}

#[test]
fn t20_a_run_that_is_deleted_while_it_is_waited_for_is_told_so() {
    let slow = || Ends::default().taking(Duration::ZERO, Duration::from_mins(10));
    for inputs in [
        &[("workflow", "go.yml"), ("wait", "completed")][..],
        &[("dispatch", "published"), ("wait", "completed")],
        &[("directory", "site"), ("branch", "main"), ("keep", "**"), ("wait-for", "go.yml"), ("wait", "completed")],
    ] {
        let world = World::with(target(), classic());
        world.github.model(|model| {
            for file in ["go.yml", "do.yml"] {
                model.find_mut(TARGET).unwrap().outcomes.insert(file.to_owned(), slow());
            }
        });
        let step = world.step().file("site/index.html", "x").input("wait-timeout", "50s");
        let step = inputs.iter().fold(step, |step, (name, value)| step.input(name, *value));
        let child = step.start();
        let seen = || world.github.log().rest().filter(|entry| entry.path.contains("/actions/")).count();
        let repository = world.github.repository(TARGET);
        wait_until(|| !repository.runs().is_empty());
        // Seen by the step: two more looks at least.
        let before = seen();
        wait_until(|| seen() >= before + 3);
        for run in repository.runs() {
            repository.delete_run(run.id);
        }
        let output = child.wait_with_output().unwrap();
        let outcome = step.outcome(output, Duration::ZERO);
        outcome.failed("run-failed");
        assert!(outcome.stdout.contains("was deleted while it was waited for"), "{inputs:?}: {outcome}");
        assert!(!outcome.stdout.contains("It goes on"), "{outcome}");
    }
}

#[allow(clippy::disallowed_methods, reason = "a look every few milliseconds is no pause between tries")]
fn wait_until(is_so: impl Fn() -> bool) {
    for _ in 0..3000 {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("it did not come about in time");
}

#[test]
fn t20_what_the_server_says_of_bypass_and_visibility_is_repeated() {
    let ruleset = |mode: Option<&str>| {
        let ruleset = Ruleset::new("gate", Target::Branch, &["~ALL"]).rule("pull_request");
        mode.map_or(ruleset.clone(), |mode| ruleset.bypassed_by(BypassActor::Role(Role::Write), mode))
    };
    for (mode, status, words) in [
        (None, "fail", "robin is not on its Bypass list"),
        (Some("pull_request"), "fail", "robin bypasses it for pull requests only"),
        (Some("always"), "pass", ""),
        (Some("exempt"), "pass", ""),
    ] {
        let target =
            Repository::new(TARGET).file("README.md", "r").files("gh-pages", &[("a", "a")]).ruleset(ruleset(mode));
        let world = World::with(target, classic());
        let outcome = world.publish().input("dry-run", "true").run();
        assert_eq!(outcome.check("branch-rules"), status, "{mode:?}: {outcome}");
        assert!(outcome.stdout.contains(words), "{words}: {outcome}");
    }
    for (target, word) in [(target(), "public"), (target().private(), "private"), (target().internal(), "internal")] {
        let outcome = World::with(target, classic()).step().run();
        assert!(outcome.message("repository").contains(&format!("is {word}.")), "{outcome}");
    }
}

#[test]
fn t20_a_run_without_a_path_is_called_by_its_title() {
    let world = World::with(target().decoys(&[Decoy::Ancient]), classic());
    let step = world.step().input("dispatch", "published").input("wait", "started");
    let outcome = step.run();
    outcome.succeeded();
    assert!(!outcome.stdout.contains("of  ") && !outcome.stdout.contains("\n: "), "{outcome}");
}
