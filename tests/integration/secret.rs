//! An Actions secret on every target: sealed, created or updated, and what is asked about its new value beforehand.

use std::process::Command;

use chrono::{TimeDelta, Utc};
use emulator::{
    faults::{Canned, Fault, FaultRule},
    model::{Level, Model, Repository, Role, Secret, SecretScope, Token, Zone},
};

use crate::{
    hostile::sound,
    leaks::Judged,
    runner::{Outcome, Step},
    world::{TARGET, World},
};

fn set(world: &World, value: &str) -> Step {
    world.step().input("secret-name", "deploy_token").input("secret-value", value)
}

fn message(outcome: &Outcome, target: usize) -> String {
    stage_message(outcome, target, "secret")
}

/// What the report says of a stage.
pub(crate) fn stage_message(outcome: &Outcome, target: usize, stage: &str) -> String {
    let report = outcome.report();
    let stages = report["targets"][target]["stages"].as_array().unwrap().clone();
    stages.iter().find(|known| known["name"] == stage).unwrap()["message"].as_str().unwrap().to_owned()
}

/// The checks of a name, as `status cause message`.
fn checks(outcome: &Outcome, name: &str) -> Vec<String> {
    let report = outcome.report();
    let checks = report["targets"][0]["checks"].as_array().unwrap().clone();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let of_name = checks.iter().filter(|check| check["name"] == name);
    of_name
        .map(|check| format!("{} {} {}", text(&check["status"]), text(&check["cause"]), text(&check["message"])))
        .collect()
}

/// A world that knows one more token of robin's.
fn world_with(new: &Token) -> World {
    let target = Repository::new(TARGET).file("README.md", "r").collaborator("robin", Role::Write);
    World::of(Model::new().repository(target).token(new), Token::classic("robin", &["repo"]))
}

#[test]
fn a_secret_arrives_as_it_was_given_and_created_is_told_from_updated() {
    let world = World::new();
    let value = " päss \"word\"\nsecond line\n";
    let outcome = set(&world, value).run();
    outcome.succeeded();
    assert_eq!(world.github.repository(TARGET).secret("DEPLOY_TOKEN").as_deref(), Some(value));
    assert_eq!(message(&outcome, 0), "The secret DEPLOY_TOKEN was created.");
    let last = outcome.stdout.lines().last().unwrap();
    assert!(last.starts_with("✓ Relayed to acme/site · The secret DEPLOY_TOKEN was created"), "{outcome}");
    let outcome = set(&world, "other").run();
    outcome.succeeded();
    assert_eq!(outcome.stage("secret"), "done");
    assert!(
        message(&outcome, 0).starts_with("The secret DEPLOY_TOKEN was updated; it was last set on 20"),
        "{outcome}"
    );
    assert_eq!(world.github.repository(TARGET).secret("DEPLOY_TOKEN").as_deref(), Some("other"));
    let log = world.github.log();
    assert!(log.git().next().is_none(), "git was asked although nothing is pushed");
}

#[test]
fn the_secret_is_set_after_the_tag_and_before_the_trigger() {
    let world = World::new();
    let outcome = set(&world, "v4lue-of-it")
        .input("directory", "site")
        .file("site/index.html", "x")
        .input("tag", "v1")
        .input("dispatch", "go")
        .run();
    outcome.succeeded();
    let log = world.github.log();
    let writes: Vec<&str> = log
        .0
        .iter()
        .filter(|entry| entry.method == "PUT" || entry.method == "POST")
        .map(|entry| &*entry.path)
        .collect();
    let at = |end: &str| writes.iter().rposition(|path| path.ends_with(end)).unwrap_or_else(|| panic!("{writes:?}"));
    assert!(at("git-receive-pack") < at("DEPLOY_TOKEN") && at("DEPLOY_TOKEN") < at("/dispatches"), "{writes:?}");
}

#[test]
fn a_dry_run_tells_which_would_change_and_when_each_was_last_set() {
    let token = Token::classic("robin", &["repo"]);
    let site = |name: &str| Repository::new(name).file("a", "a").collaborator("robin", Role::Write);
    let github = Judged::start(Model::new().repository(site("acme/a")).repository(site("acme/b")).token(&token));
    let at = "2025-03-04T05:06:07Z".parse().unwrap();
    let stored =
        Secret { scope: SecretScope::Actions, name: "N".into(), sealed: "old".into(), created_at: at, updated_at: at };
    github.model(|model| model.find_mut("acme/b").unwrap().secrets.push(stored));
    let outcome = Step::new(github.url())
        .input("repository", "acme/a\nacme/b")
        .input("token", token.value())
        .input("secret-name", "N")
        .input("secret-value", "value-4711")
        .input("dry-run", "true")
        .run();
    outcome.succeeded();
    assert_eq!(message(&outcome, 0), "The secret N would be created.");
    assert_eq!(message(&outcome, 1), "The secret N would be updated; it was last set on 2025-03-04 05:06 UTC.");
    assert!(outcome.summary.contains("2025-03-04"), "{}", outcome.summary);
    assert!(github.log().0.iter().all(|entry| entry.method == "GET"));
    assert_eq!(github.repository("acme/b").secrets()[0].sealed, "old");
}

#[test]
fn the_value_is_masked_and_appears_nowhere_else() {
    let world = World::new();
    let value = "can+ary/4711\nsecond-line-of-it";
    let outcome = set(&world, value).env("RUNNER_DEBUG", "1").run();
    outcome.succeeded();
    for form in ["::add-mask::second-line-of-it", "::add-mask::can+ary/4711\n", "::add-mask::can%252Bary"] {
        assert!(outcome.stdout.contains(form), "{form}: {outcome}");
    }
    let printed: Vec<&str> = outcome.stdout.lines().filter(|line| !line.starts_with("::add-mask::")).collect();
    let everywhere = format!("{printed:?}{}{:?}{}", outcome.stderr, outcome.outputs, outcome.summary);
    for part in ["can+ary/4711", "second-line-of-it", "can%2Bary"] {
        assert!(!everywhere.contains(part), "{part} in {everywhere}");
    }
    for entry in &world.github.log().0 {
        assert!(!format!("{entry:?}").contains("second-line-of-it"), "{entry:?}");
    }
}

#[test]
fn a_value_that_is_part_of_every_report_hides_itself_and_breaks_nothing() {
    let values = [
        "a", "e", "0", "::", "\"", "{", ",", "\\", "true", "error", "title", "done", "***", "<!--", "|", "%0A", "<<",
        "=",
    ];
    for value in values {
        let world = World::new();
        let step = set(&world, value).input("directory", "site").file("site/index.html", "x").input("tag", "v1");
        let outcome = step.run();
        sound(&outcome, world.github.url());
        outcome.succeeded();
        assert_eq!((outcome.output("pushed"), outcome.output("tag-created")), ("true", "true"), "{value:?}");
        assert_eq!(world.github.repository(TARGET).secret("DEPLOY_TOKEN").as_deref(), Some(value));
    }
}

#[test]
fn a_lost_answer_is_no_failure_and_what_was_created_is_said_to_be() {
    let world = World::new();
    let lost = Fault::AnswerAfter(Canned::bad_gateway());
    world.github.fault(FaultRule::on("PUT", "*/actions/secrets/DEPLOY_TOKEN", lost).first(1));
    let outcome = set(&world, "v4lue-of-it").run();
    outcome.succeeded();
    assert_eq!(message(&outcome, 0), "The secret DEPLOY_TOKEN was created.");
    assert_eq!(world.github.log().calls("PUT", "/DEPLOY_TOKEN").len(), 2);
}

#[test]
fn a_token_without_the_right_to_secrets_is_stopped_before_anything_is_written() {
    let target = || Repository::new(TARGET).file("README.md", "r");
    let world = World::with(target(), World::fine_grained(&[("contents", Level::Write)]));
    let outcome = set(&world, "v4lue-of-it").input("directory", "site").file("site/a", "a").run();
    outcome.failed("fine-grained-permission-missing");
    assert!(checks(&outcome, "permission").iter().any(|check| check.starts_with("fail fine-grained")), "{outcome}");
    assert_eq!(world.tip("refs/heads/gh-pages"), None);
    // What it may, and no more, is enough: git is not needed for a secret.
    let world = World::with(target(), World::fine_grained(&[("secrets", Level::Write)]));
    set(&world, "v4lue-of-it").run().succeeded();
    // Reading was allowed, writing is not: the server says so.
    let world = World::with(target(), World::fine_grained(&[("secrets", Level::Read)]));
    let outcome = set(&world, "v4lue-of-it").run();
    outcome.failed("fine-grained-permission-missing");
    assert_eq!(outcome.stage("secret"), "failed");
}

#[test]
fn a_new_token_that_is_dead_is_not_stored() {
    let dead = Token::classic("robin", &["repo"]).revoked();
    let world = world_with(&dead);
    let outcome = set(&world, dead.value()).run();
    outcome.failed("bad-credentials");
    let valid = checks(&outcome, "token-valid");
    assert_eq!(valid.len(), 2, "{valid:#?}");
    assert!(
        valid[0].starts_with("pass ") && valid[1].starts_with("fail bad-credentials The new value of "),
        "{valid:#?}"
    );
    assert!(world.github.repository(TARGET).secrets().is_empty());
    // Another server's token is not known here: the user may say so.
    set(&world, dead.value()).input("ignore-checks", "token-valid").run().succeeded();
}

#[test]
fn a_new_token_that_ends_soon_or_reaches_too_far_is_a_warning() {
    let new = Token::classic("robin", &["repo", "admin:org"]).expires(Utc::now() + TimeDelta::days(3), Zone::Offset);
    let world = world_with(&new);
    let outcome = set(&world, new.value()).run();
    outcome.succeeded();
    let own_and_new = |name: &str| checks(&outcome, name).try_into().unwrap_or_else(|_| panic!("{outcome}"));
    let [own, new_one]: [String; 2] = own_and_new("token-expiry");
    assert!(
        own.starts_with("pass ") && new_one.starts_with("warn token-expiring The new value of "),
        "{own} {new_one}"
    );
    let [own, new_one]: [String; 2] = own_and_new("token-scope");
    assert!(
        own.starts_with("pass ") && new_one.contains("token-overscoped") && new_one.contains("admin:org"),
        "{new_one}"
    );
    assert_eq!(outcome.output("token-expires-at"), "", "the end is that of the token that is used");
    assert_eq!(world.github.repository(TARGET).secret("DEPLOY_TOKEN").as_deref(), Some(new.value()));
}

#[test]
fn a_new_token_that_lives_for_an_hour_or_brings_a_line_break_is_a_warning() {
    let short = Token::installation("app", "acme", &["*"], &[("contents", Level::Write)]);
    let world = world_with(&short);
    let outcome = set(&world, short.value()).run();
    outcome.succeeded();
    assert!(checks(&outcome, "token-expiry")[1].contains("an hour at most"), "{outcome}");
    let new = Token::classic("robin", &["repo"]);
    let world = world_with(&new);
    let outcome = set(&world, &format!("{}\n", new.value())).run();
    outcome.succeeded();
    assert!(checks(&outcome, "token-valid")[1].contains("white space around"), "{outcome}");
}

#[test]
fn a_new_token_is_asked_about_once_for_all_targets_and_no_other_value_is() {
    let (token, new) = (Token::classic("robin", &["repo"]), Token::classic("ada", &["repo"]));
    let mut model = Model::new().token(&token).token(&new);
    for number in 0..5 {
        model = model
            .repository(Repository::new(&format!("acme/s{number}")).file("a", "a").collaborator("robin", Role::Write));
    }
    let github = Judged::start(model);
    let lines: Vec<String> = (0..5).map(|number| format!("acme/s{number}")).collect();
    let step = |value: &str| {
        Step::new(github.url())
            .input("repository", lines.join("\n"))
            .input("token", token.value())
            .input("secret-name", "N")
            .input("secret-value", value)
    };
    let users = || github.log().0.iter().filter(|entry| entry.path.ends_with("/user")).count();
    step(new.value()).run().succeeded();
    assert_eq!(users(), 5 + 1);
    for number in 0..5 {
        assert_eq!(github.repository(&format!("acme/s{number}")).secret("N").as_deref(), Some(new.value()));
    }
    let puts: Vec<_> = github.log().calls("PUT", "/N").iter().map(|entry| entry.at).collect();
    // A second apart where they leave; on the way a loaded machine may bring two of them closer.
    assert!(puts[4] - puts[0] > TimeDelta::milliseconds(3500), "five writes: {puts:?}");
    github.clear_log();
    step("0123456789abcdef0123456789abcdef01234567").input("dry-run", "true").run().succeeded();
    assert_eq!(users(), 5, "only what bears a prefix is asked about");
}

#[test]
fn the_largest_value_is_hidden_without_taking_the_machines_memory() {
    let world = World::new();
    let line: String = (0..48 * 1024_u64).map(|at| char::from(b'a' + u8::try_from(at * at % 23).unwrap())).collect();
    let lines: Vec<&str> = line.as_bytes().chunks(63).map(|line| str::from_utf8(line).unwrap()).collect();
    let lines = lines.join("\n");
    for value in [line.clone(), lines[..48 * 1024].to_owned()] {
        let (outcome, memory) = set(&world, &value).run_measured();
        outcome.succeeded();
        assert_eq!(world.github.repository(TARGET).secret("DEPLOY_TOKEN"), Some(value));
        println!("{:.1} s, {} MiB", outcome.took.as_secs_f64(), memory >> 10);
        assert!(memory < 100 << 10, "{memory} KiB");
        assert!(outcome.took.as_secs() < 20, "{:?}", outcome.took);
    }
}

#[test]
fn a_deploy_key_alone_sets_no_secret() {
    let world = World::new();
    let key = Command::new("sh")
        .args(["-c", "f=$(mktemp -u); ssh-keygen -q -t ed25519 -N '' -f $f && cat $f && rm $f $f.pub"])
        .output()
        .unwrap();
    let key = String::from_utf8(key.stdout).unwrap();
    set(&world, "v4lue-of-it").input("token", "").input("ssh-key", key).run().failed("token-missing");
    assert!(world.github.log().0.is_empty());
}
