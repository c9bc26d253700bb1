//! Why nothing started: each reason, looked for and said by the real binary.

use std::time::Duration;

use emulator::{
    faults::{Canned, Fault, FaultRule},
    model::{Level::Write, Model, Repository, Run, Token},
};

use crate::{
    refs::Tree,
    runner::{Outcome, Step},
    world::{TARGET, World},
};

const ON_PUSH: &str = "on: push\n";

/// A target with this workflow file on its default branch and on `gh-pages`.
fn with(yaml: &str) -> Repository {
    Repository::new(TARGET)
        .file("README.md", "r")
        .workflow("ci.yml", yaml)
        .files("gh-pages", &[(".github/workflows/ci.yml", yaml)])
}

/// What comes of a publish that waits for the file.
fn published(target: Repository, change: impl FnOnce(Step) -> Step) -> Outcome {
    let world = World::with(target, Token::classic("robin", &["repo", "workflow"]));
    let outcome = change(world.publish()).input("wait-for", "ci.yml").input("wait-timeout", "3s").run();
    assert_eq!(outcome.output("pushed"), "true", "what was done is told whatever comes of it: {outcome}");
    assert_eq!((outcome.stage("push"), outcome.stage("wait")), ("done".into(), "failed".into()));
    outcome
}

#[track_caller]
fn says(outcome: &Outcome, words: &str) {
    outcome.failed("not-triggered");
    // The preflight may have warned in like words: what counts is what the wait stage says.
    let stages = outcome.report()["targets"][0]["stages"].as_array().unwrap().clone();
    let wait = stages.iter().find(|stage| stage["name"] == "wait").unwrap()["message"].clone();
    assert!(wait.as_str().unwrap().contains(words), "{words:?} is not said in {wait}: {outcome}");
    assert!(outcome.summary.contains("not-triggered"), "{}", outcome.summary);
}

#[test]
fn a_filter_that_leaves_the_branch_out_is_quoted_with_its_line() {
    let branches = published(with("on:\n  push:\n    branches:\n      - main\n"), |step| step);
    says(&branches, "leaves the branch gh-pages out (line 3: `branches:`, line 4: `- main`)");
    let taken_back = published(with("on:\n  push:\n    branches: ['**', '!gh-*']\n"), |step| step);
    says(&taken_back, "(line 3: `branches: ['**', '!gh-*']`)");
    let paths = published(with("on:\n  push:\n    paths: [docs/**]\n"), |step| step);
    says(&paths, "may leave out what was pushed (line 3: `paths: [docs/**]`)");
}

#[test]
fn a_filter_that_leaves_the_tag_out_is_quoted_with_its_line() {
    let target =
        || Repository::new(TARGET).workflow("ci.yml", "on:\n  push:\n    tags:\n      - 'v*'\n      - '!v*-rc*'\n");
    for (tag, line) in
        [("x1", "line 3: `tags:`, line 4: `- 'v*'`, line 5: `- '!v*-rc*'`"), ("v1-rc1", "line 5: `- '!v*-rc*'`")]
    {
        let world = World::with(target(), Token::classic("robin", &["repo", "workflow"]));
        let step = world.step().input("tag", tag).input("tag-target", "main").input("wait-for", "ci.yml");
        let outcome = step.input("wait-timeout", "3s").run();
        says(&outcome, &format!("leaves the tag {tag} out ({line})"));
        assert_eq!(outcome.output("tag-created"), "true");
    }
}

#[test]
fn a_file_without_the_trigger_or_that_is_not_there_is_named() {
    says(&published(with("on: [pull_request]\n"), |step| step), "no `push` (line 1: `on: [pull_request]`)");
    // On the default branch there is one: what counts is the commit that was pushed.
    let elsewhere = Repository::new(TARGET).workflow("ci.yml", ON_PUSH);
    says(&published(elsewhere, |step| step), "was pushed to gh-pages has no .github/workflows/ci.yml");
    // Of a file that cannot be read GitHub makes a run that fails at once.
    let broken = published(with("on: [push\n"), |step| step.input("wait", "completed"));
    broken.failed("run-failed");
    assert!(broken.stdout.contains("the workflow file itself is at fault"), "{broken}");
}

#[test]
fn a_mark_in_the_message_is_quoted() {
    for mark in ["[skip ci]", "[ci skip]", "[no ci]", "[skip actions]", "[actions skip]"] {
        let outcome = published(with(ON_PUSH), |step| step.input("message", format!("Publish {mark}")));
        says(&outcome, &format!("holds `{mark}`"));
        assert_eq!(outcome.check("triggers"), "warn", "{outcome}");
    }
}

#[test]
fn the_steps_own_message_is_known_where_the_commit_can_not_be_read() {
    let world = World::with(with(ON_PUSH), Token::classic("robin", &["repo", "workflow"]));
    world.github.fault(FaultRule::on("GET", "*/git/commits/*", Fault::Answer(Canned::error(404, "Not Found"))));
    let step = world.publish().input("message", "Publish [skip ci]").input("wait-for", "ci.yml");
    says(&step.input("wait-timeout", "3s").run(), "holds `[skip ci]`");
}

#[test]
fn a_workflow_that_is_switched_off_is_named() {
    says(
        &published(with(ON_PUSH).disabled_workflow("ci.yml"), |step| step),
        "ci.yml is switched off (`disabled_manually`)",
    );
}

#[test]
fn actions_that_are_switched_off_are_named_to_who_may_know() {
    let world = World::with(with(ON_PUSH).without_actions(), Token::classic("acme", &["repo", "workflow"]));
    let outcome = world.publish().input("wait-for", "ci.yml").input("wait-timeout", "3s").run();
    says(&outcome, "Actions are switched off");
    // Who may not ask is told what is known.
    says(&published(with(ON_PUSH).without_actions(), |step| step), "should have started for gh-pages");
}

#[test]
fn more_than_three_tags_in_one_push_are_counted() {
    let world = World::with(Repository::new(TARGET), Token::classic("robin", &["repo", "workflow"]));
    let step = world.step().input("refs", "main\nrefs/tags/*").input("wait-for", "ci.yml").input("wait-timeout", "3s");
    let tree = Tree::init(&step.workspace());
    tree.commit(".github/workflows/ci.yml", "on:\n  push:\n    tags: ['v*']\n");
    for number in 1..=11 {
        tree.git(&["tag", &format!("v{number}")]);
    }
    let outcome = step.run();
    says(&outcome, "11 tags were pushed at once");
    assert!(world.github.runs(TARGET).is_empty());
}

/// A repository that relays to itself with the workflow's own token.
fn own(repository: Repository) -> (crate::leaks::Judged, Step) {
    let token = Token::github_token("acme/source", &[("contents", Write), ("actions", Write)]);
    let github = crate::once::emulator(Model::new().repository(repository).token(&token));
    let step = Step::new(github.url())
        .input("token", token.value())
        .input("workflow-token", token.value())
        .input("directory", "site")
        .file("site/index.html", "hello")
        .input("wait-for", "ci.yml")
        .input("wait-timeout", "3s");
    (github, step)
}

fn source(yaml: &str) -> Repository {
    Repository::new("acme/source").workflow("ci.yml", yaml).files("gh-pages", &[(".github/workflows/ci.yml", yaml)])
}

#[test]
fn what_github_token_pushed_starts_nothing_and_that_is_said() {
    let (github, step) = own(source(ON_PUSH));
    let outcome = step.run();
    outcome.failed("github-token-does-not-trigger");
    assert!(outcome.stdout.contains("pushed with `GITHUB_TOKEN`"), "{outcome}");
    assert_eq!((outcome.stage("wait"), outcome.check("triggers")), ("failed".into(), "warn".into()));
    assert!(github.runs("acme/source").is_empty());
}

#[test]
fn a_run_that_waits_for_an_approval_is_named_with_its_page() {
    let (github, step) = own(source("on: [push, pull_request]\n").pull_request("gh-pages"));
    let outcome = step.run();
    let run = github.runs("acme/source").remove(0);
    says(&outcome, "(`pull_request`) waits for somebody's approval");
    assert!(outcome.stdout.contains(&format!("/actions/runs/{}", run.id)), "{outcome}");
}

#[test]
fn a_run_for_the_pull_request_of_the_pushed_branch_counts() {
    let world = World::with(
        with("on: [pull_request]\n").pull_request("gh-pages"),
        Token::classic("robin", &["repo", "workflow"]),
    );
    let outcome = world.publish().input("wait-for", "ci.yml").run();
    outcome.succeeded();
    assert_eq!(outcome.report()["targets"][0]["runs"][0]["event"], "pull_request", "{outcome}");
}

#[test]
fn a_dispatch_that_nobody_listens_to_is_explained() {
    let world = World::with(
        Repository::new(TARGET).workflow("ci.yml", "on:\n  repository_dispatch:\n    types: [published]\n"),
        Token::classic("robin", &["repo", "workflow"]),
    );
    let outcome = world.step().input("dispatch", "other").input("wait", "started").input("wait-timeout", "3s").run();
    says(&outcome, "line 3: `types: [published]`");
}

#[test]
fn a_file_that_a_dispatch_does_not_start_is_explained() {
    for (file, words) in [
        ("ci.yml", "line 3: `types: [published]`"),
        ("push.yml", "no `repository_dispatch` (line 1: `on: push`)"),
        ("none.yml", "The default branch main has no .github/workflows/none.yml"),
        ("off.yml", "off.yml is switched off (`disabled_manually`)"),
    ] {
        let target = Repository::new(TARGET)
            .workflow("ci.yml", "on:\n  repository_dispatch:\n    types: [published]\n")
            .workflow("push.yml", ON_PUSH)
            .workflow("off.yml", "on: repository_dispatch\n")
            .disabled_workflow("off.yml");
        let world = World::with(target, Token::classic("robin", &["repo", "workflow"]));
        let step = world.step().input("dispatch", "other").input("wait-for", file).input("wait-timeout", "1s");
        says(&step.run(), words);
    }
}

#[test]
fn a_sure_reason_is_told_long_before_the_time_is_over() {
    let world = World::with(
        Repository::new(TARGET).workflow("ci.yml", ON_PUSH),
        Token::classic("robin", &["repo", "workflow"]),
    );
    let outcome = world.publish().input("wait-for", "ci.yml").run();
    says(&outcome, "has no .github/workflows/ci.yml");
    assert!(outcome.took < Duration::from_mins(2), "{:?}", outcome.took);
}

/// Two tags that both start the file; the run of the second is tampered with before the list shows it.
fn two_tags(timeout: &str, tamper: impl FnOnce(&mut Vec<Run>)) -> (World, Outcome) {
    let world = World::with(
        Repository::new(TARGET).workflow("ci.yml", "on:\n  push:\n    tags: ['v*']\n"),
        Token::classic("robin", &["repo", "workflow"]),
    );
    // There is time to tamper before the list is read for the first time with a run in it.
    world.github.model(|model| model.settings.run_delay = Duration::from_secs(2)..Duration::from_secs(2));
    let step = world.step().input("tag", "v1\nv2").input("tag-target", "main").input("wait-for", "ci.yml");
    let step = step.input("wait-timeout", timeout);
    let outcome = std::thread::scope(|scope| {
        let running = scope.spawn(|| step.run());
        while world.github.runs(TARGET).len() < 2 {
            std::thread::park_timeout(Duration::from_millis(10));
        }
        world.github.model(|model| tamper(&mut model.find_mut(TARGET).unwrap().runs));
        running.join().unwrap()
    });
    (world, outcome)
}

#[test]
fn each_tag_must_show_its_run() {
    let (_world, outcome) = two_tags("6s", |runs| runs.truncate(1));
    says(&outcome, "No run of ci.yml for v2 showed within 6s. It started for the other refs");
    let (world, outcome) = two_tags("2m", |runs| runs[1].listed_at += chrono::Duration::seconds(18));
    outcome.succeeded();
    let ids: Vec<_> = world.github.runs(TARGET).iter().map(|run| run.id).collect();
    let report = outcome.report();
    let seen = report["targets"][0]["runs"].as_array().unwrap().iter().map(|run| run["id"].as_u64().unwrap());
    assert_eq!(seen.collect::<Vec<_>>(), ids, "{outcome}");
}
