//! The checks of the credential: scopes, single sign-on, requests left, what its pushes start, and the health check.

use emulator::{
    faults::{Canned, Fault, FaultRule},
    model::{Account, Level, Model, Policy, Repository, Role, Token, Zone},
};

use crate::world::{TARGET, World};

fn site() -> Repository {
    Repository::new(TARGET).file("README.md", "r")
}

const WRITE: [(&str, Level); 2] = [("contents", Level::Write), ("metadata", Level::Read)];

/// The organization `acme` with a policy, and the target in it.
fn organization(policy: Policy, site: Repository, token: Token) -> World {
    let account = Account::organization("acme").with(policy);
    World::of(Model::new().account(account).repository(site.collaborator("robin", Role::Write)), token)
}

#[test]
fn needless_scopes_are_named_one_by_one() {
    let world = World::with(site(), Token::classic("robin", &["repo", "workflow", "delete_repo", "admin:org", "gist"]));
    let outcome = world.publish().run();
    outcome.succeeded();
    assert_eq!(outcome.check("token-scope"), "warn");
    assert_eq!(outcome.cause("token-scope"), "token-overscoped");
    let message = outcome.message("token-scope");
    assert!(message.contains("delete_repo, admin:org, gist"), "{message}");
    assert!(message.contains("untick `delete_repo`, `admin:org`, `gist`"), "{message}");
    let parts = World::with(site(), Token::classic("robin", &["repo", "repo:status", "security_events"]));
    assert_eq!(parts.publish().run().succeeded().check("token-scope"), "pass");
}

#[test]
fn missing_scopes_are_a_failure_with_the_box_to_tick() {
    let world = World::with(site().private(), Token::classic("robin", &["public_repo"]));
    let outcome = world.refuses(world.publish(), "token-scope", "missing-repo-scope");
    let message = outcome.message("token-scope");
    assert!(message.contains("/settings/tokens and tick `repo`"), "{message}");
    let world = World::with(site(), Token::classic("robin", &["public_repo"]));
    assert_eq!(world.publish().run().succeeded().check("token-scope"), "pass", "enough for what is public");
}

#[test]
fn tokens_without_scopes_are_skipped() {
    for token in [World::fine_grained(&WRITE), Token::installation("helper", "acme", &[TARGET], &WRITE).stateless()] {
        let outcome = World::with(site(), token).publish().run();
        outcome.succeeded();
        assert_eq!(outcome.check("token-scope"), "skip");
        assert_eq!(outcome.cause("token-scope"), "check-not-permitted");
    }
}

#[test]
fn single_sign_on_is_named_with_the_link_that_authorizes() {
    let world = organization(Policy::RequiresSso, site().private(), Token::classic("robin", &["repo"]));
    let outcome = world.refuses(world.publish(), "sso", "sso-authorization-required");
    let message = outcome.message("sso");
    assert!(message.contains("https://github.com/orgs/acme/sso?authorization_request="), "{message}");

    let world = organization(Policy::RequiresSso, site(), Token::classic("robin", &["repo"]));
    world.refuses(world.publish(), "sso", "sso-authorization-required");

    let token = Token::classic("robin", &["repo"]).authorized_for("acme");
    let world = organization(Policy::RequiresSso, site().private(), token);
    assert_eq!(world.publish().run().succeeded().check("sso"), "pass");
}

#[test]
fn results_that_were_left_out_are_a_warning_that_names_the_organizations() {
    let world = World::with(site(), Token::classic("robin", &["repo"]));
    let partial =
        Canned::error(404, "Not Found").header("x-github-sso", "partial-results; organizations=21955855,20582480");
    world.github.fault(FaultRule::on("GET", "*/pages", Fault::Answer(partial)));
    let outcome = world.publish().run();
    outcome.succeeded();
    assert_eq!(
        (outcome.check("sso"), outcome.cause("sso")),
        ("warn".to_owned(), "sso-authorization-required".to_owned())
    );
    assert!(outcome.message("sso").contains("21955855, 20582480"), "{}", outcome.message("sso"));
}

#[test]
fn a_link_that_the_server_gives_with_an_optional_question_is_a_warning() {
    let world = World::with(site(), Token::classic("robin", &["repo"]));
    let url = "https://github.com/orgs/acme/sso?authorization_request=B";
    let refusal = Canned::error(403, "Resource protected by organization SAML enforcement.")
        .header("x-github-sso", &format!("required; url={url}"));
    world.github.fault(FaultRule::on("GET", "*/pages", Fault::Answer(refusal)));
    let outcome = world.publish().run();
    outcome.succeeded();
    assert_eq!(outcome.check("sso"), "warn");
    assert!(outcome.message("sso").contains(url), "{}", outcome.message("sso"));
}

#[test]
fn every_policy_has_its_own_cause_and_nothing_is_written() {
    let fine_grained = || World::fine_grained(&WRITE);
    let cases = [
        (Policy::ForbidsClassic, Token::classic("robin", &["repo"]), "org-forbids-classic-pat"),
        (Policy::RestrictsOauthApps, Token::oauth("robin", &["repo"]), "org-oauth-app-restricted"),
        (Policy::IpAllowList, fine_grained(), "ip-allow-list"),
        (Policy::LimitsLifetime, fine_grained(), "token-lifetime-policy"),
    ];
    for (policy, token, cause) in cases {
        let world = organization(policy, site().private(), token);
        world.refuses(world.publish(), "repository", cause);
    }
    for (policy, cause) in [(Policy::Suspended, "account-suspended"), (Policy::BillingLocked, "billing-locked")] {
        let model = Model::new()
            .account(Account::user("robin").with(policy))
            .repository(site().private().collaborator("robin", Role::Write));
        let world = World::of(model, Token::classic("robin", &["repo"]));
        world.refuses(world.publish(), "repository", cause);
    }
}

#[test]
fn a_hidden_repository_has_the_likely_reason_of_the_tokens_kind() {
    let token = Token::fine_grained("robin", "acme", &["acme/other"], &WRITE);
    let world = World::with(site().private(), token);
    let outcome = world.refuses(world.publish(), "repository", "fine-grained-repo-not-selected");
    let message = outcome.message("repository");
    for words in [
        "/settings/personal-access-tokens",
        "Resource owner to acme",
        "Repository access to acme/site",
        "if it does not, correct `repository`",
    ] {
        assert!(message.contains(words), "{words}: {message}");
    }
    let app = Token::installation("helper", "acme", &["acme/other"], &WRITE);
    let world = World::with(site().private(), app);
    let outcome = world.refuses(world.publish(), "repository", "repo-not-found-or-hidden");
    assert!(outcome.message("repository").contains("with this repository selected"));
    let world = World::with(site().archived(), Token::classic("robin", &["repo"]));
    let outcome = world.refuses(world.publish(), "repository", "repo-archived");
    assert!(outcome.message("repository").contains("Unarchive"), "{}", outcome.message("repository"));
    let world = World::with(site().disabled(), Token::classic("robin", &["repo"]));
    world.refuses(world.publish(), "repository", "repo-disabled");
}

#[test]
fn a_missing_right_is_a_failure_before_anything_is_sent() {
    let read = [("contents", Level::Read), ("metadata", Level::Read)];
    let world = World::with(site(), World::fine_grained(&read));
    let outcome = world.refuses(world.publish(), "permission", "fine-grained-permission-missing");
    assert!(outcome.message("permission").contains("Contents"), "{}", outcome.message("permission"));
    let model = Model::new().repository(site().collaborator("robin", Role::Read));
    let world = World::of(model, Token::classic("robin", &["repo"]));
    world.refuses(world.publish(), "permission", "no-write-access");
    let world = World::with(site(), Token::installation("helper", "acme", &[TARGET], &read));
    world.refuses(world.publish(), "permission", "resource-not-accessible-by-integration");
}

#[test]
fn git_may_push_although_the_role_says_otherwise_is_a_warning() {
    let world = World::with(site(), Token::classic("robin", &["repo"]));
    let reader = r#"{"id": 1, "full_name": "acme/site", "private": false, "default_branch": "main", "permissions": {"push": false, "pull": true}}"#;
    world.github.fault(FaultRule::on("GET", "*/repos/acme/site", Fault::Body(reader.to_owned())));
    let outcome = world.publish().run();
    outcome.succeeded();
    assert_eq!(
        (outcome.check("permission"), outcome.cause("permission")),
        ("warn".to_owned(), "no-write-access".to_owned())
    );
    world.github.clear_log(); // A repository has more members than these.
}

#[test]
fn few_requests_left_are_a_warning_and_none_a_failure_where_they_are_needed() {
    let soon = chrono::Utc::now() + chrono::Duration::minutes(40);
    let left = |remaining| World::with(site(), Token::classic("robin", &["repo"]).rate(5000, remaining, soon));
    assert_eq!(left(4000).publish().run().succeeded().check("rate-limit"), "pass");
    let outcome = left(30).publish().run();
    outcome.succeeded();
    assert_eq!(
        (outcome.check("rate-limit"), outcome.cause("rate-limit")),
        ("warn".to_owned(), "primary-rate-limit".to_owned())
    );
    // Whoever has to wait is told until when.
    let moment = soon.format("%H:%M:%S UTC").to_string();
    let world = left(0);
    let outcome = world.refuses(world.step().input("dispatch", "go"), "rate-limit", "primary-rate-limit");
    assert!(outcome.message("rate-limit").contains(&moment), "{moment}: {outcome}");
    let world = left(0);
    let step = world.step().input("secret-name", "DEPLOY_TOKEN").input("secret-value", "v");
    let outcome = world.refuses(step, "permission", "primary-rate-limit");
    assert_eq!(outcome.check("rate-limit"), "fail", "{outcome}");
    let moment = soon.format("%Y-%m-%dT%H:%M").to_string();
    assert!(outcome.stdout.lines().any(|line| line.starts_with("::error ") && line.contains(&moment)), "{outcome}");
    let outcome = left(0).publish().run();
    outcome.succeeded();
    assert_eq!(outcome.check("rate-limit"), "warn", "git asks for no REST request");
}

#[test]
fn what_a_push_will_start_is_said_where_a_start_is_hoped_for() {
    let world = World::with(site(), Token::classic("robin", &["repo"]));
    let tagged =
        |message: &str| world.publish().input("message", message).input("tag", "+v1").file("site/m", message).run();
    for message in ["Docs [skip ci]", "Docs [No CI]", "Docs\n\nskip-checks: true"] {
        let outcome = tagged(message);
        outcome.succeeded();
        assert_eq!(
            (outcome.check("triggers"), outcome.cause("triggers")),
            ("warn".to_owned(), "not-triggered".to_owned())
        );
    }
    assert_eq!(tagged("Docs").succeeded().check("triggers"), "pass");
    assert_eq!(world.publish().input("message", "x [skip ci]").run().succeeded().check("triggers"), "");
}

#[test]
fn alone_it_says_what_the_token_is_and_may() {
    let end = chrono::Utc::now() + chrono::Duration::days(40);
    let token = Token::classic("robin", &["repo", "gist"]).expires(end, Zone::Utc);
    let outcome = World::with(site(), token).step().run();
    outcome.succeeded();
    for words in [
        "classic personal access token",
        "accepts it as robin",
        "in 39 days",
        "gist",
        "git may push here",
        "its account may write",
    ] {
        assert!(outcome.stdout.contains(words), "{words}: {outcome}");
        assert!(outcome.summary.contains(words), "{words}: {}", outcome.summary);
    }
    assert_eq!(outcome.check("token-expiry"), "pass");
}

#[test]
fn alone_only_a_dead_token_or_a_missing_repository_fails() {
    let read = [("contents", Level::Read), ("metadata", Level::Read)];
    for token in [
        Token::classic("robin", &["gist"]),
        World::fine_grained(&read),
        Token::installation("helper", "acme", &[TARGET], &read),
    ] {
        let outcome = World::with(site(), token).step().run();
        outcome.succeeded();
        assert_eq!(outcome.check("permission"), "warn");
        assert_eq!(outcome.check("branch-rules"), "", "nothing is pushed");
    }
    let end = chrono::Utc::now() + chrono::Duration::days(3);
    let soon = Token::classic("robin", &["repo"]).expires(end, Zone::Offset);
    let outcome = World::with(site(), soon).step().run();
    assert_eq!(outcome.succeeded().check("token-expiry"), "warn");
    let world = World::with(site(), Token::classic("robin", &["repo"]).revoked());
    for step in [world.step(), world.publish()] {
        let outcome = world.refuses(step, "token-valid", "bad-credentials");
        // One failure, one cause: what could not be asked for is not refused.
        for check in ["token-expiry", "sso", "repository", "permission"] {
            assert_eq!(outcome.check(check), "skip", "{check}: {outcome}");
        }
        assert_eq!(outcome.report().to_string().matches("\"bad-credentials\"").count(), 4, "{outcome}");
    }
    let world = World::with(Repository::new("acme/other"), Token::classic("robin", &["repo"]));
    world.refuses(world.step(), "repository", "repo-not-found-or-hidden");
}

#[test]
fn a_server_that_does_not_answer_leaves_the_checks_undone() {
    let world = World::with(site(), Token::classic("robin", &["repo"]));
    world.github.fault(FaultRule::on("GET", "*", Fault::Close));
    let outcome = world.publish().input("attempts", "1").run();
    outcome.failed("connection-failed");
    for check in ["sso", "rate-limit", "token-expiry", "token-scope", "branch-rules"] {
        assert_eq!(outcome.check(check), "skip", "{check}: {outcome}");
    }
}
