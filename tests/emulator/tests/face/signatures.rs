//! Which commits are verified, and what a rule for signatures makes of it.

use std::{fs, process::Command};

use emulator::{
    Emulator,
    conformance::check,
    model::{Account, Level::Write, Model, Repository, Role, Ruleset, Target, Token},
};
use serde_json::{Value, json};

use crate::support::{address, clone_with_commit, fails, get, ok, post, start};

fn site() -> Repository {
    Repository::new("acme/site").collaborator("robin", Role::Write).file("a.txt", "one\n")
}

/// A key pair by OpenSSH's own tool: where the private half lies, and the public line.
fn key(folder: &tempfile::TempDir, kind: &str) -> (String, String) {
    let file = folder.path().join(kind);
    let made = Command::new("ssh-keygen").args(["-q", "-N", "", "-t", kind, "-f"]).arg(&file).status().unwrap();
    assert!(made.success());
    (file.display().to_string(), fs::read_to_string(file.with_extension("pub")).unwrap())
}

fn signed(clone: &tempfile::TempDir, key: &str, email: &str) -> String {
    let (email, key) = (format!("user.email={email}"), format!("user.signingkey={key}"));
    let config = ["-c", "user.name=T", "-c", &email, "-c", "gpg.format=ssh", "-c", &key];
    ok(clone.path(), &[&config[..], &["commit", "-q", "-S", "--amend", "--reset-author", "--no-edit"]].concat());
    ok(clone.path(), &["rev-parse", "HEAD"])
}

fn verification(emulator: &Emulator, token: &Token, sha: &str) -> Value {
    get(emulator, &format!("/repos/acme/site/git/commits/{sha}"), token).json()["verification"].clone()
}

#[test]
fn a_pushed_commit_is_verified_by_the_key_of_its_committers_account() {
    let keys = tempfile::tempdir().unwrap();
    let token = Token::classic("robin", &["repo"]);
    let rule = Ruleset::new("signed", Target::Branch, &["refs/heads/strict"]).rule("required_signatures");
    let (other, _) = key(&keys, "ed25519");
    let robin = Account::user("robin").email("robin@example.com");
    let id = robin.id;
    let emulator = start(Model::new().account(robin).repository(site().ruleset(rule)).token(&token));
    let clone = clone_with_commit(&emulator, "acme/site", &token, "x");
    let reason = |sha: &str| verification(&emulator, &token, sha)["reason"].as_str().unwrap().to_owned();
    for kind in ["ecdsa", "rsa", "ed25519_own"] {
        let (private, public) = if kind == "ed25519_own" {
            fs::remove_file(keys.path().join("ed25519.pub")).unwrap();
            fs::remove_file(&other).unwrap();
            key(&keys, "ed25519")
        } else {
            key(&keys, kind)
        };
        let sha = signed(&clone, &private, "robin@example.com");
        let refused = fails(clone.path(), &["push", "origin", "HEAD:strict"]);
        assert!(refused.contains("- Commits must have verified signatures."), "{refused}");
        ok(clone.path(), &["push", "-q", "--force", "origin", "HEAD:loose"]);
        assert_eq!(reason(&sha), "unknown_key", "{kind}");
        emulator.model(|model| model.accounts[0].signing_keys.push(public));
        assert_eq!(verification(&emulator, &token, &sha)["verified"], true, "{kind}");
        for (email, expected) in [
            ("nobody@example.com", "no_user"),
            ("41898282+github-actions[bot]@users.noreply.github.com", "unknown_key"),
            (&*format!("{id}+robin@users.noreply.127.0.0.1"), "valid"),
            (&*format!("{}+robin@users.noreply.github.com", id + 1), "no_user"),
        ] {
            let sha = signed(&clone, &private, email);
            ok(clone.path(), &["push", "-q", "--force", "origin", "HEAD:loose"]);
            assert_eq!(reason(&sha), expected, "{kind} {email}");
        }
    }
    signed(&clone, &keys.path().join("rsa").display().to_string(), "robin@example.com");
    ok(clone.path(), &["push", "-q", "origin", "HEAD:strict"]);
    let listed = get(&emulator, "/users/robin/ssh_signing_keys", &token).json();
    assert_eq!(listed.as_array().unwrap().len(), 3);
    assert!(check(&emulator.log()).is_empty(), "{:?}", check(&emulator.log()));
}

#[test]
fn what_a_bot_commits_by_rest_is_signed_by_github() {
    let contents = [("contents", Write)];
    let app = Token::installation("relay-bot", "acme", &["*"], &contents);
    let own = Token::github_token("acme/site", &contents);
    let person = Token::classic("robin", &["repo"]);
    let rule = Ruleset::new("signed", Target::Branch, &["refs/heads/main"]).rule("required_signatures");
    let model = [&app, &own, &person].into_iter().fold(Model::new().repository(site().ruleset(rule)), Model::token);
    let emulator = start(model);
    let site = emulator.repository("acme/site");
    let parent = site.tip("refs/heads/main").unwrap();
    let base = json!({"base_tree": parent, "tree": [{"path": "d/b.txt", "mode": "100644", "content": "two"}]});
    let tree = post(&emulator, "/repos/acme/site/git/trees", &app, &base).json()["sha"].clone();
    let commit = |token: &Token, more: &Value| {
        let mut body = json!({"message": "Publish", "tree": tree, "parents": [parent]});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        post(&emulator, "/repos/acme/site/git/commits", token, &body).json()
    };
    let author = json!({"author": {"name": "R", "email": "r@example.com"}});
    let made = commit(&own, &json!({}));
    assert_eq!((&made["verification"]["verified"], &made["verification"]["reason"]), (&json!(true), &json!("valid")));
    assert_eq!(made["author"]["email"], "41898282+github-actions[bot]@users.noreply.github.com");
    assert_eq!(
        (&made["committer"]["name"], &made["committer"]["email"]),
        (&json!("GitHub"), &json!("noreply@github.com"))
    );
    assert_eq!(commit(&app, &json!({}))["author"]["name"], "relay-bot[bot]");
    for (token, more) in [(&own, &author), (&person, &json!({})), (&person, &author)] {
        assert_eq!(commit(token, more)["verification"]["reason"], "unsigned", "{}", token.name);
    }
    let sha = made["sha"].as_str().unwrap();
    assert_eq!(verification(&emulator, &own, sha)["verified"], true);
    let body = json!({"sha": sha});
    let moved = |body: &Value| {
        let path = "/api/v3/repos/acme/site/git/refs/heads/main";
        crate::support::call(&emulator, "PATCH", path, Some(&own), &[], Some(body)).unwrap().status
    };
    assert_eq!(moved(&json!({"sha": commit(&own, &author)["sha"]})), 422, "an unsigned one breaks the rule");
    assert_eq!(moved(&body), 200);
    assert!(site.files("main").contains_key("d/b.txt") && site.files("main").contains_key("a.txt"));
    emulator.model(|model| model.settings.web_commit_signing = false);
    assert_eq!(commit(&own, &json!({}))["verification"]["verified"], false);
    assert!(check(&emulator.log()).is_empty(), "{:?}", check(&emulator.log()));
}

#[test]
fn a_ref_that_is_neither_branch_nor_tag_starts_nothing_and_can_go_again() {
    let token = Token::classic("robin", &["repo"]);
    let rules = Ruleset::new("all", Target::Branch, &["~ALL"]).rule("creation").rule("update").rule("deletion");
    let repository = site().workflow("push.yml", "on: push\n").ruleset(rules);
    let emulator = start(Model::new().repository(repository).token(&token));
    let clone = clone_with_commit(&emulator, "acme/site", &token, "x");
    ok(clone.path(), &["push", "-q", "origin", "HEAD:refs/repo-relay/4711"]);
    let found = get(&emulator, "/repos/acme/site/git/matching-refs/repo-relay", &token).json();
    assert_eq!(found[0]["ref"], "refs/repo-relay/4711");
    let listed = ok(clone.path(), &["ls-remote", &address(&emulator, "acme/site", None), "refs/repo-relay/*"]);
    assert!(listed.ends_with("refs/repo-relay/4711"), "{listed}");
    let path = "/api/v3/repos/acme/site/git/refs/repo-relay/4711";
    let gone = crate::support::call(&emulator, "DELETE", path, Some(&token), &[], None).unwrap();
    assert_eq!((gone.status, emulator.runs("acme/site").len()), (204, 0));
    assert!(check(&emulator.log()).is_empty(), "{:?}", check(&emulator.log()));
}
