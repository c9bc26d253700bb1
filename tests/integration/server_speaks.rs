//! What the server says with a push is shown: in the push group, and with a refusal in summary and report too.

use emulator::model::{BypassActor, Model, Repository, Role, Ruleset, Target, Token};
use serde_json::Value;

use crate::{
    runner::Outcome,
    world::{TARGET, World},
};

fn classic() -> Token {
    Token::classic("robin", &["repo", "workflow"])
}

/// The lines of the group of `stage`.
fn group(outcome: &Outcome, stage: &str) -> Vec<String> {
    let lines = outcome.stdout.lines().skip_while(|line| *line != format!("::group::{stage}"));
    lines.skip(1).take_while(|line| *line != "::endgroup::").map(str::to_owned).collect()
}

/// `report.targets[0].remote`.
fn remote(outcome: &Outcome) -> Vec<String> {
    let lines = outcome.report()["targets"][0]["remote"].as_array().unwrap().clone();
    lines.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// A server whose hook says `lines` and refuses every push.
fn with_hook(lines: &[&str]) -> World {
    let lines: Vec<String> = lines.iter().map(|&line| line.to_owned()).collect();
    let target = Repository::new(TARGET).file("README.md", "r").collaborator("robin", Role::Write);
    World::of(Model::new().repository(target).set(|settings| settings.pre_receive_hook = Some(lines)), classic())
}

#[test]
fn p18_a_hook_says_why_it_refuses() {
    let world = with_hook(&["check-size: the folder dist has 812 files", "", "ask #platform for an exception"]);
    let outcome = world.publish().run();
    outcome.failed("pre-receive-hook-declined");
    let push = group(&outcome, "push");
    let said =
        ["remote: check-size: the folder dist has 812 files", "remote:", "remote: ask #platform for an exception"];
    let at = push.iter().position(|line| line == said[0]).unwrap_or_else(|| panic!("{outcome}"));
    assert_eq!(push[at..at + 3], said, "{outcome}");
    assert!(remote(&outcome).contains(&"ask #platform for an exception".to_owned()), "{outcome}");
    assert!(
        outcome.summary.contains("check&#45;size: the folder dist has 812 files")
            || outcome.summary.contains("check-size: the folder dist has 812 files"),
        "{}",
        outcome.summary
    );
    assert_eq!(world.github.log().pushes().len(), 1, "a refusal is not sent again");
}

#[test]
fn p18_what_a_hook_says_can_start_no_command_and_shows_no_secret() {
    let token = classic();
    let echo = format!("you came with {}", token.value());
    let lines =
        ["::error title=x::forged", "##[warning]forged", &echo, "\u{1b}[31mred", "<img src=x> | `a` | [b](http://c)"];
    let lines: Vec<String> = lines.iter().map(|&line| line.to_owned()).collect();
    let target = Repository::new(TARGET).file("README.md", "r").collaborator("robin", Role::Write);
    let model = Model::new().repository(target).set(|settings| settings.pre_receive_hook = Some(lines));
    let world = World::of(model, token);
    let outcome = world.publish().run();
    outcome.failed("pre-receive-hook-declined");
    let (commands, text) = emulator::runner::parse_log(&outcome.stdout);
    assert!(!commands.iter().any(|command| command.data.starts_with("forged")), "{outcome}");
    assert!(text.iter().any(|line| line.contains("you came with ***")), "{outcome}");
    assert!(!outcome.summary.contains("<img") && !outcome.summary.contains("](http://c)"), "{}", outcome.summary);
}

#[test]
fn p18_every_rule_of_one_refusal_is_named() {
    let ruleset = Ruleset::new("site", Target::Branch, &["refs/heads/gh-pages"])
        .rule("required_signatures")
        .rule("required_linear_history")
        .rule_with("commit_message_pattern", serde_json::json!({"operator": "starts_with", "pattern": "site: "}));
    let target = Repository::new(TARGET).files("gh-pages", &[("index.html", "old")]).ruleset(ruleset);
    let world = World::with(target, classic());
    let outcome = world.publish().input("ignore-checks", "branch-rules").run();
    assert_eq!(outcome.stage("push"), "failed", "{outcome}");
    let stages = outcome.report()["targets"][0]["stages"].as_array().unwrap().clone();
    let message = stages.iter().find(|stage| stage["name"] == "push").unwrap()["message"].as_str().unwrap().to_owned();
    for rule in ["verified signatures", "must start with a matching pattern: site"] {
        assert!(message.contains(rule), "{rule}: {message}");
        assert!(remote(&outcome).iter().any(|line| line.contains(rule)), "{rule}: {outcome}");
    }
}

#[test]
fn p18_every_secret_of_push_protection_has_its_address() {
    let world = with_hook(&[
        "error: GH013: Repository rule violations found for refs/heads/gh-pages.",
        "",
        "- GITHUB PUSH PROTECTION",
        "  —————————————————————————————————————————",
        "    - Push cannot contain secrets",
        "      —— Stripe API Key ——————————————————",
        "       locations:",
        "         - commit: 1234",
        "           path: .env:3",
        "       https://github.com/acme/site/security/secret-scanning/unblock-secret/2aaa",
        "      —— GitHub Personal Access Token ——————",
        "       locations:",
        "         - commit: 1234",
        "           path: a.txt:1",
        "       https://github.com/acme/site/security/secret-scanning/unblock-secret/2bbb",
    ]);
    let outcome = world.publish().run();
    outcome.failed("push-protection-secret");
    let annotation = outcome.stdout.lines().find(|line| line.starts_with("::error")).unwrap();
    for words in [
        "Stripe API Key (.env:3)",
        "GitHub Personal Access Token (a.txt:1)",
        "unblock-secret/2aaa",
        "unblock-secret/2bbb",
    ] {
        assert!(annotation.contains(words), "{words}: {annotation}");
    }
}

#[test]
fn p18_on_success_what_was_bypassed_is_shown() {
    let ruleset = Ruleset::new("site", Target::Branch, &["refs/heads/gh-pages"])
        .rule("pull_request")
        .bypassed_by(BypassActor::Role(Role::Write), "always");
    let target = Repository::new(TARGET).files("gh-pages", &[("index.html", "old")]).ruleset(ruleset);
    let world = World::with(target, classic());
    let outcome = world.publish().run();
    outcome.succeeded();
    assert!(
        group(&outcome, "push").contains(&"remote: Bypassed rule violations for refs/heads/gh-pages:".to_owned()),
        "{outcome}"
    );
    assert!(remote(&outcome).iter().any(|line| line.contains("through a pull request")), "{outcome}");
    assert!(!outcome.summary.contains("The server said"), "a success is no refusal: {}", outcome.summary);
}

#[test]
fn p18_a_tag_that_is_refused_speaks_too() {
    let ruleset = Ruleset::new("tags", Target::Tag, &["refs/tags/*"]).rule("creation");
    let world = World::with(Repository::new(TARGET).file("README.md", "r").ruleset(ruleset), classic());
    let step = world.step().input("tag", "v1").input("tag-target", "main").input("ignore-checks", "tag");
    let outcome = step.run();
    outcome.failed("protected-tag");
    assert!(
        group(&outcome, "tag").iter().any(|line| line.starts_with("remote: ") && line.contains("creations")),
        "{outcome}"
    );
    assert!(outcome.summary.contains("The server said"), "{}", outcome.summary);
}
