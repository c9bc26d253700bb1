//! Answers of the REST face to each kind of credential.

use chrono::{TimeDelta, Utc};
use emulator::model::{
    Account, Enforcement, Flavour,
    Level::{Read, Write},
    Model, Policy, Repository, Role, Ruleset, Target, Token, Zone,
};
use serde_json::json;

use crate::support::{call, get, post, start};

fn site() -> Repository {
    Repository::new("acme/site").collaborator("robin", Role::Write).file("README.md", "hello\n")
}

#[test]
fn the_kinds_of_token_are_told_apart_by_their_headers() {
    let end = Utc::now() + TimeDelta::days(30);
    let classic = Token::classic("robin", &["repo", "workflow"]).expires(end, Zone::Offset);
    let fine = Token::fine_grained("robin", "acme", &["acme/site"], &[]).expires(end, Zone::Utc);
    let own = Token::github_token("acme/site", &[]);
    let model = [&classic, &fine, &own].into_iter().fold(Model::new().repository(site()), Model::token);
    let emulator = start(model);
    let reply = get(&emulator, "/user", &classic);
    assert_eq!((reply.status, reply.header("x-oauth-scopes")), (200, Some("repo, workflow")));
    assert_eq!(reply.json()["login"], "robin");
    let shown = reply.header("github-authentication-token-expiration").unwrap();
    assert!(shown.ends_with(" +0200"), "{shown}");
    let reply = get(&emulator, "/repos/acme/site", &fine);
    assert_eq!(reply.header("x-oauth-scopes"), None);
    assert_eq!(reply.header("x-accepted-github-permissions"), Some("metadata=read"));
    assert!(reply.header("github-authentication-token-expiration").unwrap().ends_with(" UTC"));
    assert_eq!(reply.json()["permissions"]["push"], true, "the user's role, not the grant");
    let reply = get(&emulator, "/user", &own);
    assert_eq!((reply.status, &reply.json()["message"]), (403, &json!("Resource not accessible by integration")));
    let reply = get(&emulator, "/repos/acme/site", &own);
    assert_eq!(reply.header("x-ratelimit-limit"), Some("1000"));
    assert_eq!(reply.json()["permissions"]["push"], false);
}

#[test]
fn what_a_token_may_not_see_or_do_is_refused_as_github_refuses_it() {
    let tokens = [
        Token::classic("robin", &["repo"]).revoked(),
        Token::classic("robin", &["repo"]).expires(Utc::now() - TimeDelta::days(1), Zone::Utc),
        Token::classic("robin", &["gist"]),
        Token::fine_grained("robin", "acme", &["acme/other"], &[("contents", Write)]),
        Token::fine_grained("robin", "acme", &["acme/site"], &[("contents", Read)]),
        Token::installation("bot", "acme", &["acme/site"], &[("contents", Read)]),
        Token::classic("robin", &["repo"]),
        Token::classic("mallory", &["repo"]),
        Token::fine_grained("robin", "acme", &["acme/site"], &[("contents", Write)]).pending(),
        Token::classic("eve", &["repo"]),
    ];
    let model = Model::new()
        .repository(site().private())
        .repository(Repository::new("saml/x").private().collaborator("robin", Role::Write))
        .account(Account::organization("saml").with(Policy::RequiresSso))
        .repository(Repository::new("new/x").collaborator("robin", Role::Write))
        .account(Account::organization("new").with(Policy::ForbidsClassic))
        .repository(Repository::new("acme/gone").disabled())
        .account(Account::user("eve").with(Policy::Suspended));
    let emulator = start(tokens.iter().fold(model, Model::token));
    let site = "/repos/acme/site/dispatches";
    let cases = [
        (0, site, 401, "Bad credentials"),
        (1, site, 401, "Bad credentials"),
        (2, site, 404, "Not Found"),
        (3, site, 404, "Not Found"),
        (4, site, 403, "Resource not accessible by personal access token"),
        (5, site, 403, "Resource not accessible by integration"),
        (7, site, 404, "Not Found"),
        (8, site, 404, "Not Found"),
        (9, site, 403, "Sorry. Your account was suspended."),
        (6, "/repos/saml/x/dispatches", 403, "Resource protected by organization SAML enforcement."),
        (6, "/repos/new/x/dispatches", 403, "`new` forbids access via a personal access token (classic)."),
        (6, "/repos/acme/gone/dispatches", 403, "Repository access blocked"),
        (6, site, 204, ""),
    ];
    for (index, path, status, words) in cases {
        let reply = post(&emulator, path, &tokens[index], &json!({"event_type": "deploy"}));
        assert_eq!(reply.status, status, "token {index} {path}: {}", reply.text);
        assert!(reply.text.contains(words), "token {index} {path}: {}", reply.text);
        if path.contains("saml") {
            assert!(
                reply.header("x-github-sso").unwrap().starts_with("required; url=https://github.com/orgs/saml/sso")
            );
        }
    }
}

#[test]
fn former_names_redirect_and_branches_may_have_slashes() {
    let token = Token::classic("robin", &["repo"]);
    let repository = site().formerly("acme/old").files("feature/one", &[("a", "b")]);
    let emulator = start(Model::new().repository(repository).token(&token));
    let reply = get(&emulator, "/repos/acme/OLD", &token);
    assert_eq!(reply.status, 301);
    let place = reply.header("location").unwrap().strip_prefix(emulator.url()).unwrap().to_owned();
    let reply = call(&emulator, "GET", &place, Some(&token), &[], None).unwrap();
    assert_eq!(reply.json()["full_name"], "acme/site");
    // Everything below the old name leads to the same thing below the id; what writes is to be sent again as it is.
    let id = emulator.model(|model| model.find("acme/site").unwrap().id);
    let dispatch = json!({"event_type": "deploy"});
    for (method, rest, body, status) in [
        ("GET", "/branches/feature%2Fone", None, 301),
        ("GET", "/actions/runs?event=push&per_page=5", None, 301),
        ("POST", "/dispatches", Some(&dispatch), 307),
    ] {
        let reply = call(&emulator, method, &format!("/api/v3/repos/acme/old{rest}"), Some(&token), &[], body).unwrap();
        assert_eq!(reply.status, status, "{rest}");
        let place = format!("/api/v3/repositories/{id}{rest}");
        assert_eq!(reply.header("location"), Some(&*format!("{}{place}", emulator.url())), "{rest}");
        let reply = call(&emulator, method, &place, Some(&token), &[], body).unwrap();
        assert!(matches!(reply.status, 200 | 204), "{place}: {}", reply.text);
    }
    for path in ["/repos/acme/site/branches/feature%2Fone", "/repos/Acme/SITE/branches/feature/one"] {
        assert_eq!(get(&emulator, path, &token).json()["name"], "feature/one");
    }
    let reply = get(&emulator, "/repos/acme/site/contents/README.md", &token);
    assert_eq!(reply.json()["content"], "aGVsbG8K\n");
}

#[test]
fn rules_of_a_branch_leave_out_what_is_not_in_force() {
    let token = Token::fine_grained("robin", "acme", &["acme/site"], &[]);
    let evaluate = Ruleset::new("soon", Target::Branch, &["~ALL"]).rule("deletion").enforcement(Enforcement::Evaluate);
    let active = Ruleset::new("main", Target::Branch, &["~DEFAULT_BRANCH"])
        .rule("creation")
        .rule_with("commit_message_pattern", json!({"operator": "starts_with", "pattern": "x"}));
    let emulator = start(Model::new().repository(site().ruleset(evaluate).ruleset(active)).token(&token));
    let rules = get(&emulator, "/repos/acme/site/rules/branches/main", &token).json();
    assert_eq!(rules.as_array().unwrap().len(), 2);
    assert_eq!(rules[1]["parameters"]["pattern"], "x");
    assert_eq!(get(&emulator, "/repos/acme/site/rules/branches/not-there", &token).json(), json!([]));
    let id = rules[0]["ruleset_id"].to_string();
    let ruleset = get(&emulator, &format!("/repos/acme/site/rulesets/{id}"), &token).json();
    assert_eq!(ruleset["current_user_can_bypass"], "never");
    assert_eq!(ruleset["bypass_actors"], json!(null), "the list is for administrators");
}

#[test]
fn limits_versions_and_missing_user_agents_are_refused() {
    let token = Token::classic("robin", &["repo"]).rate(5000, 2, Utc::now() + TimeDelta::minutes(3));
    let emulator = start(Model::new().repository(site()).token(&token));
    let tag = get(&emulator, "/repos/acme/site/branches/main", &token);
    let tag = tag.header("etag").unwrap().to_owned();
    for _ in 0..3 {
        let path = "/api/v3/repos/acme/site/branches/main";
        let reply = call(&emulator, "GET", path, Some(&token), &[("if-none-match", &tag)], None).unwrap();
        assert_eq!((reply.status, reply.header("x-ratelimit-remaining")), (304, Some("1")), "304 is free");
    }
    assert_eq!(get(&emulator, "/repos/acme/site", &token).status, 200);
    let reply = get(&emulator, "/repos/acme/site", &token);
    assert_eq!((reply.status, reply.header("x-ratelimit-remaining")), (403, Some("0")));
    assert!(reply.text.contains("API rate limit exceeded for user ID"));
    assert_eq!(get(&emulator, "/rate_limit", &token).status, 200);
    let reply = call(&emulator, "GET", "/api/v3/meta", None, &[("x-github-api-version", "2030-01-01")], None).unwrap();
    assert_eq!(reply.status, 400);
    let reply = call(&emulator, "GET", "/api/v3/meta", None, &[("user-agent", "")], None).unwrap();
    assert_eq!(reply.status, 403);
}

#[test]
fn an_enterprise_server_knows_less() {
    let token = Token::classic("robin", &["repo"]);
    let repository = site().workflow("deploy.yml", "on: workflow_dispatch\n");
    let model = Model::new().repository(repository).token(&token);
    let emulator = start(model.set(|settings| settings.flavour = Flavour::Enterprise("3.19".into())));
    let path = "/repos/acme/site/actions/workflows/deploy.yml/dispatches";
    let reply = post(&emulator, path, &token, &json!({"ref": "main", "return_run_details": true}));
    assert_eq!(reply.status, 422);
    assert!(reply.text.contains(r#"\"return_run_details\" is not a permitted key."#), "{}", reply.text);
    assert_eq!(post(&emulator, path, &token, &json!({"ref": "main"})).status, 204);
    assert_eq!(get(&emulator, "/meta", &token).json()["installed_version"], "3.19");
}

#[test]
fn lists_leave_out_organizations_without_single_sign_on_and_say_so() {
    let token = Token::classic("robin", &["repo"]);
    let model = Model::new()
        .repository(site())
        .repository(Repository::new("saml/x").private().collaborator("robin", Role::Write))
        .account(Account::organization("saml").with(Policy::RequiresSso))
        .token(&token);
    let emulator = start(model);
    let reply = get(&emulator, "/user/repos", &token);
    assert_eq!(reply.json().as_array().unwrap().len(), 1);
    let id = Account::organization("saml").id;
    assert_eq!(reply.header("x-github-sso"), Some(format!("partial-results; organizations={id}").as_str()));
}

#[test]
fn the_servers_clock_may_be_off() {
    let token = Token::classic("robin", &["repo"]);
    let model = Model::new().repository(site().workflow("d.yml", "on: repository_dispatch\n")).token(&token);
    let emulator = start(model.set(|settings| settings.clock_skew = TimeDelta::hours(5)));
    let reply = post(&emulator, "/repos/acme/site/dispatches", &token, &json!({"event_type": "x"}));
    let date = chrono::DateTime::parse_from_rfc2822(reply.header("date").unwrap()).unwrap();
    let ahead = date.with_timezone(&Utc) - Utc::now();
    assert!((295..=300).contains(&ahead.num_minutes()), "{ahead}");
    assert!(emulator.runs("acme/site")[0].created_at > Utc::now() + TimeDelta::hours(4));
}

#[test]
fn workflow_files_are_read_with_contents_and_their_list_with_actions() {
    let site =
        Repository::new("acme/site").private().collaborator("robin", Role::Write).workflow("a.yml", "on: push\n");
    let contents = Token::fine_grained("robin", "acme", &["*"], &[("contents", Read)]);
    let actions = Token::github_token("acme/site", &[("actions", Read)]);
    let emulator = start(Model::new().repository(site).token(&contents).token(&actions));
    let folder = "/repos/acme/site/contents/.github/workflows";
    for (path, by_contents, by_actions) in [
        (folder, 200, 403),
        (&*format!("{folder}/a.yml"), 200, 403),
        ("/repos/acme/site/actions/workflows", 403, 200),
        ("/repos/acme/site/actions/workflows/a.yml", 403, 200),
    ] {
        let status = |token: &Token| get(&emulator, path, token).status;
        assert_eq!((status(&contents), status(&actions)), (by_contents, by_actions), "{path}");
    }
    let needs = get(&emulator, folder, &actions);
    assert_eq!(needs.header("x-accepted-github-permissions"), Some("contents=read"));
}
