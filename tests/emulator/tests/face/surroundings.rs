//! What surrounds a repository: its wiki, its Pages site, its former names, its visibility, old and foreign workflows.

use std::ops::Range;

use emulator::{
    conformance::check,
    model::{
        BypassActor, Decoy,
        Level::{Read, Write},
        Model, Repository, Role, Ruleset, Target, Token,
    },
};
use serde_json::{Value, json};

use crate::support::{address, call, clone_with_commit, fails, get, ok, post, start};

fn site() -> Repository {
    Repository::new("acme/site").collaborator("robin", Role::Write).file("a.txt", "one\n")
}

#[test]
fn a_wiki_is_served_by_git_alone_once_it_has_a_page() {
    let own = Token::github_token("acme/site", &[("contents", Write)]);
    let reader = Token::github_token("acme/site", &[("contents", Read)]);
    let foreign = Token::github_token("acme/other", &[("contents", Write)]);
    let app = Token::installation("relay-bot", "acme", &["*"], &[("contents", Write)]);
    let model = Model::new()
        .repository(site().private().formerly("acme/old").wiki(&[("Home.md", "Welcome\n")]))
        .repository(Repository::new("acme/other").collaborator("robin", Role::Write).file("a", "b"))
        .repository(Repository::new("acme/none").without_wiki().file("a", "b"));
    let emulator = start([&own, &reader, &foreign, &app].into_iter().fold(model, Model::token));
    let clone = clone_with_commit(&emulator, "acme/site.wiki", &own, "Page.md");
    ok(clone.path(), &["push", "-q", "origin", "HEAD:master"]);
    let wiki = emulator.repository("acme/site.wiki");
    assert!(wiki.files("master").contains_key("Home.md") && wiki.files("master").contains_key("Page.md"));
    let push =
        |slug: &str, token: &Token| fails(clone.path(), &["push", &address(&emulator, slug, Some(token)), "HEAD:x"]);
    assert!(
        push("acme/site.wiki", &reader).contains("Permission to acme/site.wiki.git denied to github-actions[bot].")
    );
    assert!(push("acme/site.wiki", &foreign).contains("Repository not found."));
    for slug in ["acme/other.wiki", "acme/none.wiki"] {
        assert!(push(slug, &foreign).contains("Repository not found."), "{slug}");
    }
    ok(clone.path(), &["ls-remote", &address(&emulator, "acme/old.wiki", Some(&own))]);
    assert_eq!(get(&emulator, "/repos/acme/site.wiki", &own).status, 404);
    assert_eq!(get(&emulator, "/repos/acme/site", &own).json()["has_wiki"], true);
    assert_eq!(get(&emulator, "/repos/acme/none", &own).json()["has_wiki"], false);
    assert_eq!(get(&emulator, "/installation/repositories", &app).json()["total_count"], 3);
    assert!(check(&emulator.log()).is_empty(), "{:?}", check(&emulator.log()));
}

#[test]
fn a_site_has_its_folder_and_its_domain_and_refuses_links() {
    let token = Token::classic("robin", &["repo"]);
    let repository = site().pages_from("main", "/docs").pages_domain("docs.example.com");
    let emulator = start(Model::new().repository(repository).token(&token));
    let shown = get(&emulator, "/repos/acme/site/pages", &token).json();
    assert_eq!(shown["source"], json!({"branch": "main", "path": "/docs"}));
    assert_eq!(
        (&shown["cname"], &shown["html_url"]),
        (&json!("docs.example.com"), &json!("https://docs.example.com/"))
    );
    let clone = clone_with_commit(&emulator, "acme/site", &token, "docs/index.html");
    let outcome = || emulator.runs("acme/site").last().unwrap().outcome.conclusion.clone();
    std::os::unix::fs::symlink("a.txt", clone.path().join("link")).unwrap();
    crate::support::commit(clone.path(), "x", "A link outside the folder");
    ok(clone.path(), &["push", "-q", "origin", "main"]);
    assert_eq!(outcome().as_deref(), Some("success"));
    std::os::unix::fs::symlink("index.html", clone.path().join("docs/latest")).unwrap();
    crate::support::commit(clone.path(), "y", "A link in it");
    ok(clone.path(), &["push", "-q", "origin", "main"]);
    assert_eq!(outcome().as_deref(), Some("failure"));
    assert!(check(&emulator.log()).is_empty(), "{:?}", check(&emulator.log()));
}

#[test]
fn a_former_name_leads_to_another_owner_by_the_number() {
    let token = Token::classic("robin", &["repo"]);
    let moved = Repository::new("mallory/site").formerly("acme/site").internal().collaborator("robin", Role::Write);
    let emulator = start(Model::new().repository(moved.file("a", "b")).token(&token));
    let reply = get(&emulator, "/repos/acme/site", &token);
    let location = reply.header("location").unwrap();
    assert_eq!(reply.status, 301);
    let path = location.strip_prefix(&format!("{}/api/v3", emulator.url())).unwrap();
    assert!(path.starts_with("/repositories/"), "{path}");
    let shown = get(&emulator, path, &token).json();
    assert_eq!((&shown["full_name"], &shown["visibility"]), (&json!("mallory/site"), &json!("internal")));
    assert_eq!(shown["private"], true);
    let body = json!({"event_type": "x"});
    let reply = post(&emulator, "/repos/acme/site/dispatches", &token, &body);
    assert_eq!(reply.status, 307);
    assert_eq!(reply.header("location"), Some(format!("{location}/dispatches").as_str()));
    assert_eq!(post(&emulator, &format!("{path}/dispatches"), &token, &body).status, 204);
    assert!(check(&emulator.log()).is_empty(), "{:?}", check(&emulator.log()));
}

#[test]
fn lists_hold_old_runs_and_foreign_workflows_and_a_run_can_go() {
    let token = Token::classic("robin", &["repo"]);
    let repository = site()
        .workflow("deploy.yml", "on: [push, workflow_dispatch]\n")
        .other_workflow("gone.yml", "deleted")
        .other_workflow("draft.yml", "active")
        .decoys(&[Decoy::Ancient]);
    let model = Model::new().repository(repository).token(&token);
    let emulator = start(model.set(|settings| settings.run_delay = Range::default()));
    let listed = get(&emulator, "/repos/acme/site/actions/workflows", &token).json();
    let states: Vec<_> = listed["workflows"].as_array().unwrap().iter().map(|one| one["state"].clone()).collect();
    assert_eq!(states, ["active", "deleted", "active"]);
    assert_eq!(get(&emulator, "/repos/acme/site/actions/workflows/gone.yml", &token).json()["state"], "deleted");
    let dispatch = |file: &str| {
        let path = format!("/repos/acme/site/actions/workflows/{file}/dispatches");
        post(&emulator, &path, &token, &json!({"ref": "main"})).status
    };
    assert_eq!((dispatch("draft.yml"), dispatch("gone.yml"), dispatch("deploy.yml")), (404, 404, 204));
    let runs = get(&emulator, "/repos/acme/site/actions/runs", &token).json();
    let paths: Vec<_> = runs["workflow_runs"].as_array().unwrap().iter().map(|run| run.get("path").cloned()).collect();
    assert_eq!(paths, [Some(json!(".github/workflows/deploy.yml")), None::<Value>]);
    let id = emulator.runs("acme/site")[0].id;
    let path = format!("/repos/acme/site/actions/runs/{id}");
    assert_eq!(get(&emulator, &path, &token).status, 200);
    emulator.repository("acme/site").delete_run(id);
    assert_eq!(get(&emulator, &path, &token).status, 404);
    assert!(check(&emulator.log()).is_empty(), "{:?}", check(&emulator.log()));
}

#[test]
fn a_ruleset_says_whether_its_caller_passes() {
    let token = Token::classic("robin", &["repo"]);
    let exempt =
        Ruleset::new("exempt", Target::Branch, &["~ALL"]).bypassed_by(BypassActor::Role(Role::Write), "exempt");
    let never = Ruleset::new("never", Target::Branch, &["~ALL"]).bypassed_by(BypassActor::Role(Role::Admin), "always");
    let ids = [exempt.id, never.id];
    let emulator = start(Model::new().repository(site().ruleset(exempt).ruleset(never)).token(&token));
    let said = ids.map(|id| {
        let shown = call(&emulator, "GET", &format!("/api/v3/repos/acme/site/rulesets/{id}"), Some(&token), &[], None);
        shown.unwrap().json()["current_user_can_bypass"].clone()
    });
    assert_eq!(said, ["exempt", "never"]);
    assert!(check(&emulator.log()).is_empty(), "{:?}", check(&emulator.log()));
}
