//! `secret-scope`: each store of secrets with its own key and its own right; an environment must be there.

use emulator::model::{Level, Model, Repository, Role, SecretScope, Token};

use crate::{
    secret::stage_message,
    world::{TARGET, World},
};

const SCOPES: [(&str, &str, &str); 4] = [
    ("actions", "secrets", "The secret N was created."),
    ("dependabot", "dependabot_secrets", "The Dependabot secret N was created."),
    ("codespaces", "codespaces_secrets", "The Codespaces secret N was created."),
    ("environment:my stage", "environments", "The secret N of the environment my stage was created."),
];

fn scope(text: &str) -> SecretScope {
    match text {
        "actions" => SecretScope::Actions,
        "dependabot" => SecretScope::Dependabot,
        "codespaces" => SecretScope::Codespaces,
        other => SecretScope::Environment(other.trim_start_matches("environment:").to_owned()),
    }
}

fn target() -> Repository {
    Repository::new(TARGET).file("README.md", "r").environment("my stage")
}

#[test]
fn each_store_gets_the_secret_under_its_own_key_and_right() {
    for (name, right, message) in SCOPES {
        // Only an administrator of the repository sets its Codespaces secrets.
        let target = target().collaborator("robin", Role::Admin);
        let world = World::of(Model::new().repository(target), World::fine_grained(&[(right, Level::Write)]));
        // An Enterprise Server writes the id of a key as a number.
        world.github.model(|model| model.settings.numeric_key_ids = name.len() % 2 == 0);
        let step = || world.step().input("secret-name", "n").input("secret-value", "v4lue-of-it");
        let outcome = step().input("secret-scope", name).run();
        outcome.succeeded();
        outcome.succeeded();
        assert_eq!(stage_message(&outcome, 0, "secret"), message);
        let repository = world.github.repository(TARGET);
        assert_eq!(repository.secret_in(&scope(name), "N").as_deref(), Some("v4lue-of-it"), "{name}");
        assert_eq!(repository.secrets().len(), 1, "{name}");
        let other = if name == "actions" { "dependabot" } else { "actions" };
        let outcome = step().input("secret-scope", other).run();
        outcome.failed("fine-grained-permission-missing");
        assert_eq!(repository.secrets().len(), 1, "{name}");
    }
}

#[test]
fn a_missing_environment_is_named_before_anything_is_written() {
    let world = World::with(target(), Token::classic("robin", &["repo"]));
    let step = world.step().input("secret-name", "N").input("secret-value", "v4lue-of-it");
    let outcome = world.refuses(step.input("secret-scope", "environment:prod"), "permission", "invalid-input");
    assert!(outcome.stdout.contains("acme/site has no environment \"prod\""), "{outcome}");
    assert!(outcome.stdout.contains("/settings/environments"), "{outcome}");
}

#[test]
fn t10_github_token_is_never_told_to_get_a_right_that_no_job_can_have() {
    for (name, ..) in SCOPES {
        let token = Token::github_token(TARGET, &[("contents", Level::Write), ("actions", Level::Write)]);
        let world = World::with(target(), token.clone());
        let step = world.step().env("GITHUB_REPOSITORY", TARGET).input("workflow-token", token.value());
        let step = step.input("secret-name", "N").input("secret-value", "v4lue-of-it").input("secret-scope", name);
        let outcome = world.refuses(step, "permission", "resource-not-accessible-by-integration");
        assert!(outcome.stdout.contains("`GITHUB_TOKEN` can never set a secret"), "{outcome}");
        for wrong in ["secrets: ", "environments: ", "permissions:"] {
            assert!(!outcome.stdout.contains(wrong), "{name}, {wrong}: {outcome}");
        }
    }
}

#[test]
fn t8_an_account_that_may_only_read_is_told_so() {
    let token = Token::classic("robin", &["repo"]);
    for (name, role, needed) in [("actions", Role::Read, "Write"), ("codespaces", Role::Write, "Admin")] {
        let target = target().collaborator("robin", role);
        let world = World::of(Model::new().repository(target), token.clone());
        let step = world.step().input("secret-name", "N").input("secret-value", "v4lue-of-it");
        let outcome = world.refuses(step.input("secret-scope", name), "permission", "no-write-access");
        assert!(outcome.stdout.contains(&format!("has not the role {needed}")), "{outcome}");
    }
}
