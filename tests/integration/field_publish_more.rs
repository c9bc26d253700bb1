//! Neighbours of the situations in which people publish: other forms of a credential, other places of a link, other slips.

use std::os::unix::fs::symlink;

use emulator::model::{Level, Model, Repository, Role, Token};

use crate::{
    runner::{Outcome, Step},
    world::{TARGET, World},
};

fn classic() -> Token {
    Token::classic("robin", &["repo", "workflow"])
}

fn site() -> Repository {
    Repository::new(TARGET).file("README.md", "r")
}

fn base64(text: impl AsRef<[u8]>) -> String {
    base64::Engine::encode(&base64::engine::general_purpose::STANDARD, text)
}

#[test]
fn p11_the_steps_token_in_base64_and_in_an_address_stops_the_publish() {
    let world = World::with(site(), classic());
    let token = world.token.value().to_owned();
    let docker =
        |user: &str| format!(r#"{{"auths": {{"ghcr.io": {{"auth": "{}"}}}}}}"#, base64(format!("{user}:{token}")));
    let cases = [
        ("config.json", docker("robin")),
        ("docker/config.json", docker("x")),
        ("docker2/config.json", docker("me")),
        ("env.txt", format!("TOKEN={}\n", base64(&token))),
        ("env2.txt", format!("TOKEN={}\n", base64(format!("{token}\n")))),
        ("remote.html", format!("https://x-access-token:{token}@github.com/acme/site.git")),
    ];
    for (path, content) in cases {
        let step = world.publish().file(&format!("site/{path}"), content);
        let outcome = world.refuses(step, "secret-files", "secret-file");
        assert!(outcome.message("secret-files").contains(path), "{outcome}");
    }
}

#[test]
fn p11_other_secrets_of_the_step_stop_the_publish() {
    let world = World::with(site(), classic());
    let value = "s3cr3t-of-the-step-0123";
    let step = world.publish().input("secret-name", "DEPLOY").input("secret-value", value);
    world.refuses(step.file("site/app.js", format!("x('{value}')")), "secret-files", "secret-file");
    // A link is published as the text of its target.
    let step = world.publish();
    symlink(format!("https://x:{}@github.com/", world.token.value()), step.workspace().join("site/clone")).unwrap();
    let outcome = world.refuses(step, "secret-files", "secret-file");
    assert!(outcome.message("secret-files").contains("clone"), "{outcome}");
}

#[test]
fn p11_more_files_that_often_hold_a_credential_are_told() {
    let world = World::with(site(), classic());
    let check = |path: &str, content: &str| {
        let outcome = world.publish().file(&format!("site/{path}"), content).run();
        outcome.succeeded();
        outcome.check("secret-files")
    };
    for (path, content) in [
        (".git-credentials", "https://x"),
        ("home/.docker/config.json", "{}"),
        (".aws/credentials", "[default]"),
        ("app/.yarnrc.yml", "npmAuthToken: \"npm_x\"\n"),
        (".env.production", "A=1"),
    ] {
        assert_eq!(check(path, content), "warn", "{path}");
    }
    for (path, content) in [
        ("docs/config.json", "{}"),
        ("aws/credentials", "how to"),
        (".yarnrc.yml", "npmAuthToken: ${NPM_TOKEN}\nnodeLinker: node-modules\n"),
        ("id_rsa.pub", "ssh-rsa AAAA"),
        (".env.sample", "A="),
    ] {
        assert_eq!(check(path, content), "pass", "{path}");
    }
}

