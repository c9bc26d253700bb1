//! Pull requests over REST and GraphQL, merged by real git under the base branch's rules.

use emulator::{
    Emulator,
    conformance::check,
    model::{
        Account,
        Level::{Read, Write},
        MergeMethod, Model, Repository, Role, Ruleset, Target, Token,
    },
};
use serde_json::{Value, json};

use crate::support::{Reply, call, get, ok, post, start};

const PULLS: &str = "/repos/acme/site/pulls";

fn site() -> Repository {
    Repository::new("acme/site")
        .collaborator("robin", Role::Write)
        .file("a.txt", "one\n")
        .workflow("check.yml", "on: [pull_request, push]\n")
        .files("relay/main", &[("b.txt", "two\n")])
}

/// `relay/main` as one commit on top of `main`.
fn with_branch(emulator: &Emulator, files: &[(&str, &[u8])]) -> String {
    let repository = emulator.repository("acme/site");
    repository.set_ref("refs/heads/relay/main", repository.tip("refs/heads/main").as_deref());
    repository.commit("refs/heads/relay/main", files, "Publish")
}

fn put(emulator: &Emulator, path: &str, token: &Token, body: &Value) -> Reply {
    call(emulator, "PUT", &format!("/api/v3{path}"), Some(token), &[], Some(body)).unwrap()
}

fn graphql(emulator: &Emulator, token: &Token, query: &str, variables: &Value) -> Value {
    let body = json!({"query": query, "variables": variables});
    call(emulator, "POST", "/api/graphql", Some(token), &[], Some(&body)).unwrap().json()
}

fn open(emulator: &Emulator, token: &Token) -> Reply {
    post(
        emulator,
        PULLS,
        token,
        &json!({"title": "Publish", "body": "All of it", "head": "relay/main", "base": "main"}),
    )
}

#[test]
fn a_pull_request_is_made_listed_changed_and_refused_in_githubs_words() {
    let token = Token::classic("robin", &["repo"]);
    let reader = Token::fine_grained("robin", "acme", &["*"], &[("contents", Write), ("pull_requests", Read)]);
    let emulator = start(Model::new().repository(site()).token(&token).token(&reader));
    let head = with_branch(&emulator, &[("b.txt", b"two\n")]);
    assert_eq!(open(&emulator, &reader).status, 403);
    let made = open(&emulator, &token);
    assert_eq!((made.status, &made.json()["head"]["sha"]), (201, &json!(head)));
    let said = |reply: &Reply| reply.json()["errors"][0]["message"].as_str().unwrap_or_default().to_owned();
    assert_eq!(said(&open(&emulator, &token)), "A pull request already exists for acme:relay/main.");
    let same = post(&emulator, PULLS, &token, &json!({"title": "x", "head": "main", "base": "main"}));
    assert_eq!((same.status, said(&same).as_str()), (422, "No commits between main and main"));
    let list = |query: &str| get(&emulator, &format!("{PULLS}?{query}"), &reader).json().as_array().unwrap().len();
    assert_eq!((list("head=acme:relay/main&base=main"), list("head=acme:other"), list("base=dev")), (1, 0, 0));
    assert_eq!((list("state=closed"), list("state=all&per_page=1&page=2")), (0, 0));
    let path = format!("/api/v3{PULLS}/1");
    let patch = |body: &Value| call(&emulator, "PATCH", &path, Some(&token), &[], Some(body)).unwrap();
    assert_eq!(patch(&json!({"title": "Better", "state": "closed"})).json()["state"], "closed");
    assert_eq!((list("state=closed"), list("")), (1, 0));
    assert_eq!(patch(&json!({"state": "open"})).json()["title"], "Better");
    let runs = emulator.runs("acme/site");
    assert_eq!(runs.iter().filter(|run| run.event == "pull_request").count(), 2, "opened, reopened");
    emulator.repository("acme/site").set_ref("refs/heads/relay/main", None);
    assert!(check(&emulator.log()).is_empty(), "{:?}", check(&emulator.log()));
}

#[test]
fn each_method_of_merging_is_done_by_git() {
    let token = Token::classic("robin", &["repo"]);
    for method in MergeMethod::ALL {
        let emulator = start(Model::new().repository(site()).token(&token));
        let head = with_branch(&emulator, &[("b.txt", b"two\n")]);
        open(&emulator, &token);
        let site = emulator.repository("acme/site");
        let side = site.commit("refs/heads/main", &[("c.txt", b"three\n")], "Meanwhile");
        let moved = put(&emulator, &format!("{PULLS}/1/merge"), &token, &json!({"sha": side}));
        assert_eq!((moved.status, emulator.repository("acme/site").tip("refs/heads/main")), (409, Some(side.clone())));
        let body = json!({"sha": head, "merge_method": method.as_str(), "commit_title": "Land it"});
        let merged = put(&emulator, &format!("{PULLS}/1/merge"), &token, &body);
        assert_eq!((merged.status, merged.json()["merged"].clone()), (200, json!(true)));
        let tip = site.tip("refs/heads/main").unwrap();
        assert_eq!(merged.json()["sha"], tip.as_str());
        assert!(["a.txt", "b.txt", "c.txt"].iter().all(|path| site.files(&tip).contains_key(*path)));
        let line = ok(&site.path(), &["log", "-1", "--format=%s|%p|%ce", "main"]);
        let parents = line.split('|').nth(1).unwrap().split(' ').count();
        let (subject, number) = match method {
            MergeMethod::Merge => ("Land it", 2),
            MergeMethod::Squash => ("Land it", 1),
            MergeMethod::Rebase => ("Publish", 1),
        };
        assert!(line.starts_with(subject) && parents == number, "{method:?}: {line}");
        assert_eq!(line.ends_with("noreply@github.com"), method != MergeMethod::Rebase, "{line}");
        let shown = get(&emulator, &format!("{PULLS}/1"), &token).json();
        assert_eq!((&shown["merged"], &shown["state"]), (&json!(true), &json!("closed")));
        assert_eq!(put(&emulator, &format!("{PULLS}/1/merge"), &token, &json!({})).status, 405);
        assert!(emulator.runs("acme/site").iter().any(|run| run.event == "push" && run.head_sha == tip));
        assert!(check(&emulator.log()).is_empty(), "{:?}", check(&emulator.log()));
    }
}

#[test]
fn rules_conflicts_and_settings_hold_a_merge_up() {
    let token = Token::classic("robin", &["repo"]);
    let rules = Ruleset::new("main", Target::Branch, &["~DEFAULT_BRANCH"])
        .rule_with("pull_request", json!({"required_approving_review_count": 1}))
        .rule_with("required_status_checks", json!({"required_status_checks": [{"context": "ci"}]}));
    let repository = site().ruleset(rules).merge_methods(&[MergeMethod::Squash, MergeMethod::Merge]);
    let emulator = start(Model::new().repository(repository).token(&token));
    with_branch(&emulator, &[("a.txt", b"mine\n")]);
    open(&emulator, &token);
    let merge = |method: &str| {
        let reply = put(&emulator, &format!("{PULLS}/1/merge"), &token, &json!({"merge_method": method}));
        (reply.status, reply.json()["message"].as_str().unwrap().to_owned())
    };
    let (status, said) = merge("squash");
    assert_eq!(status, 405);
    assert!(said.contains("At least 1 approving review is required by reviewers with write access."), "{said}");
    assert!(said.contains("Required status check \"ci\" is expected."), "{said}");
    assert_eq!(get(&emulator, &format!("{PULLS}/1"), &token).json()["mergeable_state"], "blocked");
    assert_eq!(merge("rebase"), (405, "Rebase merges are not allowed on this repository.".to_owned()));
    let site = emulator.repository("acme/site");
    site.change_pull_request(1, |pull| {
        pull.approvals = 1;
        pull.passed_checks.insert("ci".into());
    });
    assert_eq!(get(&emulator, &format!("{PULLS}/1"), &token).json()["mergeable_state"], "clean");
    site.commit("refs/heads/main", &[("a.txt", b"theirs\n")], "Meanwhile");
    assert_eq!(merge("squash"), (405, "Pull Request is not mergeable".to_owned()));
    assert_eq!(get(&emulator, &format!("{PULLS}/1"), &token).json()["mergeable_state"], "dirty");
    assert!(check(&emulator.log()).is_empty(), "{:?}", check(&emulator.log()));
}

#[test]
fn the_workflows_token_needs_a_setting_and_its_runs_wait_for_approval() {
    let own = Token::github_token("acme/site", &[("contents", Write), ("pull_requests", Write)]);
    let admin = Token::classic("acme", &["repo"]);
    let emulator = start(Model::new().repository(site()).token(&own).token(&admin));
    with_branch(&emulator, &[("b.txt", b"two\n")]);
    let setting = || get(&emulator, "/repos/acme/site/actions/permissions/workflow", &admin).json();
    assert_eq!(setting()["can_approve_pull_request_reviews"], false);
    let refused = open(&emulator, &own);
    let said = refused.json()["message"].clone();
    assert_eq!(
        (refused.status, said),
        (403, json!("GitHub Actions is not permitted to create or approve pull requests."))
    );
    emulator.model(|model| model.find_mut("acme/site").unwrap().actions_may_propose = true);
    assert_eq!(setting()["can_approve_pull_request_reviews"], true);
    assert_eq!(get(&emulator, "/repos/acme/site/actions/permissions/workflow", &own).status, 403);
    assert_eq!(open(&emulator, &own).status, 201);
    let runs = emulator.runs("acme/site");
    assert_eq!(runs[0].state(chrono::Utc::now()).conclusion.as_deref(), Some("action_required"));
    assert!(check(&emulator.log()).is_empty(), "{:?}", check(&emulator.log()));
}

#[test]
fn auto_merge_is_switched_on_by_graphql_alone_and_waits_for_the_rules() {
    const ENABLE: &str = "mutation($id: ID!) { enablePullRequestAutoMerge(input: {pullRequestId: $id, mergeMethod: SQUASH}) \
                          { pullRequest { number autoMergeRequest { mergeMethod } } } }";
    let token = Token::classic("robin", &["repo"]);
    let bot = Token::installation("relay-bot", "acme", &["acme/site"], &[("contents", Read), ("pull_requests", Write)]);
    let emulator = start(Model::new().repository(site()).token(&token).token(&bot));
    assert_eq!(
        graphql(&emulator, &bot, "{ viewer { login } }", &json!({}))["data"]["viewer"]["login"],
        "relay-bot[bot]"
    );
    with_branch(&emulator, &[("b.txt", b"two\n")]);
    let id = json!({"id": open(&emulator, &token).json()["node_id"]});
    let enable = |token: &Token| graphql(&emulator, token, ENABLE, &id);
    let refused = |token: &Token| enable(token)["errors"][0]["message"].as_str().unwrap_or_default().to_owned();
    assert_eq!(refused(&bot), "Resource not accessible by integration");
    assert_eq!(refused(&token), "Pull request Auto merge is not allowed for this repository");
    emulator.model(|model| model.find_mut("acme/site").unwrap().allows_auto_merge = true);
    assert_eq!(refused(&token), "Pull request Protected branch rules not configured for this branch");
    let rules = Ruleset::new("main", Target::Branch, &["~DEFAULT_BRANCH"]).rule("pull_request");
    emulator.model(|model| model.find_mut("acme/site").unwrap().rulesets.push(rules));
    assert_eq!(refused(&token), "Pull request Pull request is in clean status");
    let checks = json!({"required_status_checks": [{"context": "ci"}]});
    let rules = Ruleset::new("ci", Target::Branch, &["~ALL"]).rule_with("required_status_checks", checks);
    emulator.model(|model| model.find_mut("acme/site").unwrap().rulesets.push(rules));
    assert_eq!(
        enable(&token)["data"]["enablePullRequestAutoMerge"]["pullRequest"]["autoMergeRequest"]["mergeMethod"],
        "SQUASH"
    );
    let site = emulator.repository("acme/site");
    assert!(site.pull_request(1).merged.is_none());
    site.change_pull_request(1, |pull| {
        pull.passed_checks.insert("ci".into());
    });
    assert_eq!(site.pull_request(1).merged.map(|merged| merged.sha), site.tip("refs/heads/main"));
    let wrong = graphql(&emulator, &token, "{ viewer { colour } }", &json!({}));
    assert_eq!(wrong["errors"][0]["message"], "Field 'colour' doesn't exist on type 'User'");
    let anonymous =
        call(&emulator, "POST", "/api/graphql", None, &[], Some(&json!({"query": "{viewer{login}}"}))).unwrap();
    assert_eq!(anonymous.status, 401);
}

#[test]
fn a_merge_into_a_branch_of_signed_commits_is_judged_by_what_it_brings() {
    let token = Token::classic("robin", &["repo"]);
    let rules = Ruleset::new("signed", Target::Branch, &["~DEFAULT_BRANCH"]).rule("required_signatures");
    let model = Model::new().account(Account::user("robin")).repository(site().ruleset(rules)).token(&token);
    let emulator = start(model);
    with_branch(&emulator, &[("b.txt", b"two\n")]);
    open(&emulator, &token);
    let merge =
        |method: &str| put(&emulator, &format!("{PULLS}/1/merge"), &token, &json!({"merge_method": method})).status;
    assert_eq!((merge("rebase"), merge("merge")), (405, 405), "the branch's own commits are not signed");
    assert_eq!(merge("squash"), 200, "the one commit is signed by GitHub");
    let tip = emulator.repository("acme/site").tip("refs/heads/main").unwrap();
    let shown = get(&emulator, &format!("/repos/acme/site/git/commits/{tip}"), &token).json();
    assert_eq!(shown["verification"]["verified"], true);
}
