//! Everything that is looked at before anything is written.

use emulator::model::{Level, Model, Repository, Role, Token, Zone};

use crate::{
    leaks::Judged,
    runner::Step,
    world::{TARGET, World},
};

#[test]
fn every_kind_of_token_publishes() {
    let write = [("contents", Level::Write), ("metadata", Level::Read)];
    let kinds = [
        (Token::classic("robin", &["repo"]), "classic"),
        (World::fine_grained(&write), "fine-grained"),
        (Token::installation("helper", "acme", &[TARGET], &write), "installation"),
        (Token::installation("helper", "acme", &[TARGET], &write).stateless(), "installation"),
        (Token::oauth("robin", &["repo"]), "oauth"),
        (Token::user_to_server("robin", "acme", &[TARGET], &write), "user-to-server"),
    ];
    for (token, kind) in kinds {
        let world = World::with(Repository::new(TARGET).file("a", "a"), token);
        let outcome = world.publish().run();
        outcome.succeeded();
        assert_eq!(outcome.output("token-kind"), kind);
        assert_eq!(outcome.check("token-valid"), "pass", "{kind}");
        assert_eq!(outcome.check("permission"), "pass", "{kind}");
        let log = world.github.log();
        let asked_user = log.calls("GET", "/user").len();
        assert_eq!(asked_user, usize::from(kind != "installation"), "{kind}");
        assert!(!outcome.stdout.replace("::add-mask::", "").is_empty());
    }
}

#[test]
fn the_workflows_own_token_is_known_by_comparison() {
    let token = Token::github_token("acme/source", &[("contents", Level::Write), ("metadata", Level::Read)]);
    let world = World::of(Model::new(), token);
    let step = Step::new(world.github.url())
        .input("token", world.token.value())
        .input("workflow-token", world.token.value())
        .input("directory", "site")
        .file("site/a", "a");
    let outcome = step.run();
    outcome.succeeded();
    assert_eq!(outcome.output("token-kind"), "github-token");

    let tagged = Step::new(world.github.url())
        .input("token", world.token.value())
        .input("workflow-token", world.token.value())
        .input("tag", "v1")
        .input("tag-target", "main")
        .run();
    tagged.succeeded();
    assert_eq!(tagged.check("triggers"), "warn");
}

#[test]
fn the_end_of_a_token_is_told_in_both_formats() {
    for zone in [Zone::Utc, Zone::Offset] {
        let expires = chrono::Utc::now() + chrono::Duration::days(5);
        let token = Token::classic("robin", &["repo"]).expires(expires, zone);
        let world = World::with(Repository::new(TARGET).file("a", "a"), token);
        let outcome = world.publish().run();
        outcome.succeeded();
        assert_eq!(outcome.check("token-expiry"), "warn");
        assert_eq!(outcome.output("token-expires-at"), expires.format("%Y-%m-%dT%H:%M:%SZ").to_string());
        let quiet = world.publish().input("expiry-warning", "3").run();
        assert_eq!(quiet.check("token-expiry"), "pass");
    }
}

#[test]
fn every_wrong_credential_and_target_has_its_own_cause_and_nothing_is_written() {
    let read = [("contents", Level::Read), ("metadata", Level::Read)];
    let write = [("contents", Level::Write), ("metadata", Level::Read)];
    let classic = || Token::classic("robin", &["repo"]);
    let site = || Repository::new(TARGET).file("a", "a");
    let cases: Vec<(&str, Repository, Token, &[&str])> = vec![
        ("revoked", site(), classic().revoked(), &["bad-credentials"]),
        ("archived", site().archived(), classic(), &["repo-archived"]),
        ("hidden", Repository::new("acme/other"), classic(), &["repo-not-found-or-hidden"]),
        (
            "read-only fine-grained",
            site(),
            World::fine_grained(&read),
            &["fine-grained-permission-missing", "no-write-access"],
        ),
        (
            "repository not selected",
            site().private(),
            Token::fine_grained("robin", "acme", &["acme/other"], &write),
            &["fine-grained-repo-not-selected", "repo-not-found-or-hidden"],
        ),
        (
            "read-only installation",
            site(),
            Token::installation("helper", "acme", &[TARGET], &read),
            &["resource-not-accessible-by-integration", "no-write-access"],
        ),
        ("no scope", site().private(), Token::classic("robin", &["gist"]), &["missing-repo-scope"]),
    ];
    for (name, repository, token, causes) in cases {
        let slug = repository.slug();
        let world = World::with(repository, token);
        let before = world.github.repository(&slug).refs();
        let outcome = world.publish().run();
        assert_eq!(outcome.status, Some(1), "{name}: {outcome}");
        assert!(causes.contains(&outcome.output("error")), "{name}: {} {outcome}", outcome.output("error"));
        assert_eq!(world.github.repository(&slug).refs(), before, "{name}");
        assert!(world.github.log().pushes().is_empty(), "{name}");
        assert!(outcome.summary.contains(outcome.output("error")), "{name}");
        assert!(outcome.stdout.contains(&format!("::error title={}", outcome.output("error"))), "{name}");
    }
}

#[test]
fn a_missing_secret_is_said_with_its_likely_reasons_before_any_request() {
    let world = World::new();
    let outcome = world.publish().input("token", "").run();
    outcome.failed("token-missing");
    assert!(outcome.stdout.contains("fork"), "{outcome}");
    assert!(world.github.log().0.is_empty());
}

#[test]
fn t14_a_token_in_a_form_that_no_server_knows_is_told_before_any_request() {
    let world = World::new();
    for (token, words) in [
        ("Bearer ghp_0123456789", "HTTP header"),
        ("token ghp_0123456789", "HTTP header"),
        ("\"ghp_0123456789\"", "quotation marks"),
        ("'github_pat_0123456789'", "quotation marks"),
        ("${{ secrets.SITE }}", "not evaluated"),
        ("***", "asterisks"),
        ("ghr_0123456789", "refresh token"),
        ("GH_TOKEN=ghp_0123456789", "a name in front"),
        ("https://x-access-token:ghp_0123456789@github.com", "a web address"),
        ("$SITE_TOKEN", "a variable that was not filled in"),
        ("SITE_TOKEN", "the name of a secret"),
        ("glpat-0123456789abcdef", "another service"),
        ("ghp_012...789", "a part was left out"),
        ("ghp_0123456789 ghp_9876543210", "a blank or a line break inside"),
        ("ghp_0123456789\tghp_9876543210", "a blank or a line break inside"),
        ("ghp_0123456789\r\nghp_9876543210", "a blank or a line break inside"),
        ("\u{feff}ghp_0123456789", "a character that no token has"),
        ("ghp_01234\u{200b}56789", "a character that no token has"),
        ("ghp_01234\u{1}56789", "a character that no token has"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----", "as `ssh-key`"),
    ] {
        let outcome = world.publish().input("token", token).run();
        outcome.failed("bad-credentials");
        assert!(outcome.stdout.contains(words), "{words}: {outcome}");
        assert!(world.github.log().0.is_empty(), "{words}");
    }
}

#[test]
fn t15_an_empty_key_beside_an_empty_token_is_named_too() {
    let world = World::new();
    let outcome = world.publish().input("token", "").input("ssh-key", "").run();
    outcome.failed("token-missing");
    assert!(outcome.stdout.contains("`token` and `ssh-key` are both empty"), "{outcome}");
    assert!(world.github.log().0.is_empty());
}

#[test]
fn github_token_on_another_repository_is_named() {
    let token = Token::github_token("acme/source", &[("contents", Level::Write), ("metadata", Level::Read)]);
    let world = World::of(Model::new().repository(Repository::new(TARGET).private().file("a", "a")), token);
    let outcome = world.publish().input("workflow-token", world.token.value()).run();
    outcome.failed("github-token-cross-repo");
}

#[test]
fn a_renamed_repository_is_found_under_its_old_name() {
    let token = Token::classic("robin", &["repo"]);
    let repository =
        Repository::new("acme/new-site").formerly(TARGET).collaborator("robin", Role::Write).file("a", "a");
    let model = Model::new().repository(repository).token(&token);
    let github = Judged::start(model);
    let outcome = Step::new(github.url())
        .input("repository", "ACME/Site")
        .input("token", token.value())
        .input("directory", "site")
        .file("site/index.html", "x")
        .run();
    outcome.succeeded();
    assert!(github.repository("acme/new-site").tip("refs/heads/gh-pages").is_some());
}

#[test]
fn alone_it_is_a_health_check() {
    let world = World::with(
        Repository::new(TARGET).file("a", "a"),
        World::fine_grained(&[("contents", Level::Read), ("metadata", Level::Read)]),
    );
    let outcome = world.step().run();
    outcome.succeeded();
    assert_eq!(outcome.check("permission"), "warn", "a read-only token is reported, not failed");
    assert_eq!(outcome.output("token-kind"), "fine-grained");
    let dead = world.step().input("token", "ghp_0000000000000000000000000000000000000").run();
    dead.failed("bad-credentials");
}

#[test]
fn wrong_inputs_are_refused_before_the_first_request() {
    let world = World::new();
    for (input, value, cause) in [
        ("branch", "a..b", "invalid-input"),
        ("destination", "../x", "invalid-input"),
        ("attempts", "many", "invalid-input"),
        ("dry-run", "yes", "invalid-input"),
        ("server-url", "http://github.example.test", "insecure-url"),
        ("brunch", "x", "invalid-input"),
        ("payload", "[]", "invalid-input"),
        ("repository", "no slug", "invalid-input"),
    ] {
        let outcome = world.publish().input(input, value).run();
        outcome.failed(cause);
        assert!(outcome.stdout.contains(input), "{input}: {outcome}");
    }
    assert!(world.github.log().0.is_empty());
}
