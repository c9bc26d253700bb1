//! What the server says while it takes or refuses a push: hooks, names, secrets, git's own checks, immutable releases.

use std::fs;

use emulator::{
    conformance::check,
    model::{Model, Repository, Role, Ruleset, Target, Token},
};
use serde_json::json;

use crate::support::{clone_with_commit, commit, fails, get, git, ok, post, start};

fn site() -> Repository {
    Repository::new("acme/site").collaborator("robin", Role::Write).file("a.txt", "one\n")
}

fn robin() -> Token {
    Token::classic("robin", &["repo"])
}

#[test]
fn a_notice_is_printed_on_success_and_before_a_refusal() {
    let token = robin();
    let rules = Ruleset::new("tags", Target::Tag, &["~ALL"])
        .rule("creation")
        .rule_with("tag_name_pattern", json!({"operator": "starts_with", "pattern": "v"}));
    let model = Model::new().repository(site().ruleset(rules)).token(&token);
    let emulator = start(model.set(|settings| settings.push_notice = vec!["Be nice.".into(), "Read RULES.md".into()]));
    let clone = clone_with_commit(&emulator, "acme/site", &token, "x");
    let output = git(clone.path(), &["push", "origin", "main"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.contains("remote: Be nice.") && said.contains("remote: Read RULES.md"));
    let said = fails(clone.path(), &["push", "origin", "HEAD:refs/tags/x"]);
    for line in ["Be nice.", "- Cannot create ref due to creations", "- Tag name must start with a matching pattern: v"]
    {
        assert!(said.contains(&format!("remote: {line}")), "{line:?} is not in\n{said}");
    }
    assert!(emulator.log().pushes().last().unwrap().sideband.contains("Be nice."));
}

#[test]
fn push_protection_names_each_secret_with_its_places_and_its_address() {
    let token = robin();
    let emulator = start(Model::new().repository(site().push_protection()).token(&token));
    let clone = clone_with_commit(&emulator, "acme/site", &token, "x");
    let (first, second) = (format!("ghp_{}", "a1B2".repeat(9)), "AKIAIOSFODNN7EXAMPLE");
    fs::write(clone.path().join("one.txt"), format!("hello\n{first}\n")).unwrap();
    fs::write(clone.path().join("two.txt"), format!("{second} {first}\n")).unwrap();
    commit(clone.path(), "y", "Secrets");
    let said = fails(clone.path(), &["push", "origin", "main"]);
    for line in [
        "error: GH013: Repository rule violations found for refs/heads/main.",
        "- GITHUB PUSH PROTECTION",
        "    - Push cannot contain secrets",
        "      —— GitHub Personal Access Token ———",
        "      —— Amazon AWS Access Key ID ———",
        "           path: one.txt:2",
        "           path: two.txt:1",
    ] {
        assert!(said.contains(&format!("remote: {line}")), "{line:?} is not in\n{said}");
    }
    assert_eq!(said.matches("/acme/site/security/secret-scanning/unblock-secret/2").count(), 2, "{said}");
    assert!(said.contains("(push declined due to repository rule violations)") && !said.contains(&first));
}

#[test]
fn objects_that_fsck_refuses_are_refused_in_gits_own_words() {
    let token = robin();
    let emulator = start(Model::new().repository(site()).token(&token));
    let clone = clone_with_commit(&emulator, "acme/site", &token, "x");
    fs::write(clone.path().join(".gitmodules"), "[submodule \"x\"]\n\tpath = x\n\turl = -u./x\n").unwrap();
    commit(clone.path(), "y", "A bad module");
    let blob = ok(clone.path(), &["rev-parse", "HEAD:.gitmodules"]);
    let said = fails(clone.path(), &["push", "origin", "main"]);
    for line in [
        &*format!("remote: error: object {blob}: gitmodulesUrl: disallowed submodule url: -u./x"),
        "remote: fatal: fsck error in pack",
        "error: remote unpack failed: index-pack abnormal exit",
        "[remote rejected] main -> main (unpacker error)",
    ] {
        assert!(said.contains(line), "{line:?} is not in\n{said}");
    }
}

#[test]
fn names_that_github_refuses_are_refused_at_the_push_and_over_rest() {
    let token = robin();
    let emulator = start(Model::new().repository(site()).token(&token));
    let clone = clone_with_commit(&emulator, "acme/site", &token, "x");
    let (digits, long) = ("0123456789abcdef0123456789abcdef01234567", vec!["a".repeat(60); 5].join("/"));
    let tip = emulator.repository("acme/site").tip("refs/heads/main").unwrap();
    for (name, code) in [(digits, "GH002"), ("refs/heads/x", "GH002"), (&*long, "GH005")] {
        for kind in ["heads", "tags"] {
            let said = fails(clone.path(), &["push", "origin", &format!("HEAD:refs/{kind}/{name}")]);
            assert!(said.contains(&format!("remote: error: {code}: Sorry,")), "{said}");
            assert!(said.contains("(pre-receive hook declined)"), "{said}");
            let body = json!({"ref": format!("refs/{kind}/{name}"), "sha": tip});
            assert_eq!(post(&emulator, "/repos/acme/site/git/refs", &token, &body).status, 422);
        }
    }
    assert_eq!(emulator.repository("acme/site").refs().len(), 1);
}

#[test]
fn the_tag_of_an_immutable_release_stays_and_its_name_is_burned() {
    let token = robin();
    let boss = Token::classic("acme", &["repo"]);
    let repository = site().release("v1", true).release("v2", false).burned_tag("v0");
    let emulator = start(Model::new().repository(repository).token(&token).token(&boss));
    let clone = clone_with_commit(&emulator, "acme/site", &boss, "x");
    for (refspec, sentence) in [
        ("+HEAD:refs/tags/v1", "Cannot update this protected ref."),
        (":refs/tags/v1", "Cannot delete this protected ref."),
        ("HEAD:refs/tags/v0", "Cannot create ref due to creations being restricted."),
    ] {
        let said = fails(clone.path(), &["push", "origin", refspec]);
        assert!(said.contains(&format!("remote: - {sentence}")), "{said}");
    }
    ok(clone.path(), &["push", "-q", "origin", "+HEAD:refs/tags/v2"]);
    assert_eq!(get(&emulator, "/repos/acme/site/rulesets", &token).json(), json!([]), "no ruleset is shown");
    let release = |tag: &str| get(&emulator, &format!("/repos/acme/site/releases/tags/{tag}"), &token);
    assert_eq!((&release("v1").json()["immutable"], &release("v2").json()["immutable"]), (&json!(true), &json!(false)));
    assert_eq!(release("v0").status, 404);
    let body = json!({"ref": "refs/tags/v0", "sha": emulator.repository("acme/site").tip("refs/heads/main")});
    let refused = post(&emulator, "/repos/acme/site/git/refs", &token, &body);
    assert_eq!(refused.status, 422);
    assert!(refused.text.contains("Cannot create ref due to creations being restricted."), "{}", refused.text);
    assert!(check(&emulator.log()).is_empty(), "{:?}", check(&emulator.log()));
}
