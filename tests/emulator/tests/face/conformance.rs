//! The emulator's answers against GitHub's own description, and that the check can fail.

use emulator::{
    conformance::{Side, check},
    model::{
        Account, Guard,
        Level::{Read, Write},
        Model, Outcome, Policy, Protection, Repository, Role, Ruleset, Target, Token,
    },
};
use serde_json::json;

use crate::support::{call, get, post, start};

#[test]
fn every_answer_conforms_to_githubs_description() {
    let person = Token::classic("robin", &["repo", "workflow", "user"]);
    let fine = Token::fine_grained("robin", "acme", &["acme/site"], &[("contents", Read)]);
    let own = Token::github_token("acme/site", &[("contents", Write), ("actions", Write)]);
    let admin = Token::classic("acme", &["repo"]);
    let rules = Ruleset::new("rules", Target::Branch, &["~ALL"]).rule("deletion").rule_with(
        "pull_request",
        json!({
            "required_approving_review_count": 1, "dismiss_stale_reviews_on_push": false,
            "require_code_owner_review": false, "require_last_push_approval": false,
            "required_review_thread_resolution": false,
        }),
    );
    let yaml = "on:\n  push:\n  workflow_dispatch:\n  repository_dispatch:\n";
    let repository = Repository::new("acme/site")
        .collaborator("robin", Role::Write)
        .formerly("acme/old")
        .file("docs/a.txt", "a")
        .workflow("deploy.yml", yaml)
        .outcome("deploy.yml", Outcome::failure("publish", "Upload"))
        .protection(Protection::new("main").with(Guard::PullRequest).check("build"))
        .ruleset(rules)
        .pages("gh-pages")
        .environment("live")
        .files("relay/main", &[("b.txt", "b")])
        .pull_request("relay/main")
        .release("v1", true);
    let model = Model::new()
        .repository(repository)
        .repository(Repository::new("acme/empty"))
        .repository(Repository::new("acme/gone").disabled())
        .account(Account::organization("acme").with(Policy::RequiresSso));
    let model = model.set(|settings| settings.run_delay = std::time::Duration::ZERO..std::time::Duration::ZERO);
    let tokens = [&person, &fine, &own, &admin];
    let emulator = start(tokens.into_iter().fold(model, Model::token));
    let site = "/repos/acme/site";
    post(&emulator, &format!("{site}/dispatches"), &own, &json!({"event_type": "deploy", "client_payload": {"a": 1}}));
    let dispatch = format!("{site}/actions/workflows/deploy.yml/dispatches");
    let reply = post(&emulator, &dispatch, &own, &json!({"ref": "main", "return_run_details": true}));
    let run = reply.json()["workflow_run_id"].clone();
    let id = emulator.model(|model| model.find("acme/site").unwrap().rulesets[0].id);
    let paths = [
        "/user".to_owned(),
        "/user/repos".to_owned(),
        "/rate_limit".to_owned(),
        "/meta".to_owned(),
        site.to_owned(),
        "/repos/acme/old".to_owned(),
        "/repos/acme/old/branches/main".to_owned(),
        "/repos/acme/old/actions/runs".to_owned(),
        "/repos/acme/none".to_owned(),
        "/repos/acme/gone".to_owned(),
        format!("{site}/branches/main"),
        format!("{site}/branches/none"),
        format!("{site}/branches/main/protection"),
        format!("{site}/rules/branches/main?per_page=100"),
        format!("{site}/rulesets?targets=branch,tag&includes_parents=true"),
        format!("{site}/rulesets/{id}"),
        format!("{site}/contents/docs/a.txt"),
        format!("{site}/contents/docs?ref=main"),
        format!("{site}/contents/none"),
        "/repos/acme/empty/contents/x".to_owned(),
        format!("{site}/actions/workflows"),
        format!("{site}/actions/workflows/deploy.yml"),
        format!("{site}/actions/workflows/deploy.yml/runs?per_page=1"),
        format!("{site}/actions/runs?event=push&created=%3E%3D2026-01-01"),
        format!("{site}/actions/runs"),
        format!("{site}/actions/runs/{run}"),
        format!("{site}/actions/runs/{run}/jobs"),
        format!("{site}/actions/runs/1"),
        format!("{site}/actions/permissions/workflow"),
        format!("{site}/actions/secrets/public-key"),
        format!("{site}/dependabot/secrets/public-key"),
        format!("{site}/codespaces/secrets/public-key"),
        format!("{site}/environments/live"),
        format!("{site}/environments/live/secrets/public-key"),
        format!("{site}/environments/none/secrets/NAME"),
        format!("{site}/pages"),
        format!("{site}/pulls?state=all&head=acme:relay/main&base=main"),
        format!("{site}/pulls/1"),
        format!("{site}/pulls/2"),
        format!("{site}/releases/tags/v1"),
        format!("{site}/releases/tags/v1/none"),
        format!("{site}/hash-algorithm"),
        format!("{site}/contents/.github/workflows?ref=main"),
        format!("{site}/contents/.github/workflows/deploy.yml"),
        format!("{site}/git/matching-refs/heads/"),
        "/users/robin".to_owned(),
        "/users/robin/ssh_signing_keys".to_owned(),
        "/users/github-actions%5Bbot%5D".to_owned(),
        "/users/nobody-there".to_owned(),
    ];
    for token in tokens {
        for path in &paths {
            get(&emulator, path, token);
        }
    }
    for path in &paths {
        call(&emulator, "GET", &format!("/api/v3{path}"), None, &[], None).unwrap();
    }
    let log = emulator.log();
    let violations = check(&log);
    let shown: Vec<_> = violations.iter().map(ToString::to_string).collect();
    assert!(shown.is_empty(), "{} of {}:\n{}", shown.len(), log.0.len(), shown.join("\n"));
    for path in &paths {
        let all = log.0.iter().filter(|entry| entry.path == format!("/api/v3{path}"));
        let statuses: Vec<_> = all.filter_map(|entry| entry.status).collect();
        assert_eq!(statuses.len(), tokens.len() + 1, "{path}");
    }
    let served = log.0.iter().filter(|entry| entry.status == Some(200)).count();
    assert!(served > paths.len() * 3, "most were answered in earnest: {served}");
}

#[test]
fn the_check_finds_what_does_not_conform() {
    let token = Token::classic("robin", &["repo"]);
    let emulator = start(Model::new().repository(Repository::new("robin/site").file("a", "b")).token(&token));
    post(&emulator, "/repos/robin/site/dispatches", &token, &json!({"event_type": "x", "client_payload": []}));
    get(&emulator, "/repos/robin/site/none-such", &token);
    get(&emulator, "/repos/robin/site/actions/runs?colour=red", &token);
    get(&emulator, "/repos/robin/site/actions/runs?per_page=many", &token);
    let violations = check(&emulator.log());
    assert_eq!(violations.iter().filter(|violation| violation.side == Side::Request).count(), 4, "{violations:?}");
    let mut log = emulator.log();
    log.0.truncate(0);
    get(&emulator, "/repos/robin/site", &token);
    log.0.extend(emulator.log().0.into_iter().last());
    assert!(check(&log).is_empty());
    log.0[0].answer.as_mut().unwrap()["owner"]["id"] = json!("a text");
    let violations = check(&log);
    assert_eq!(violations.len(), 1);
    assert!(violations[0].what.contains("/owner/id"), "{}", violations[0]);
}
