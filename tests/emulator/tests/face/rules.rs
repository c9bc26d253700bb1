//! Rules at the push, in GitHub's words, by real git.

use emulator::model::{BypassActor, Guard, Level::Write, Model, Protection, Repository, Role, Ruleset, Target, Token};
use serde_json::json;

use crate::support::{address, clone_with_commit, commit, fails, git, ok, start};

fn site() -> Repository {
    Repository::new("acme/site")
        .collaborator("robin", Role::Write)
        .collaborator("boss", Role::Admin)
        .file("README.md", "hello\n")
        .workflow("deploy.yml", "on: push\n")
}

fn said(clone: &tempfile::TempDir, arguments: &[&str]) -> String {
    let text = fails(clone.path(), arguments);
    text.lines().flat_map(|line| [line.trim_end(), "\n"]).collect()
}

#[test]
fn a_ruleset_refuses_with_gh013_and_its_list() {
    let token = Token::classic("robin", &["repo"]);
    let bot = Token::installation("relay-bot", "acme", &["acme/site"], &[("contents", Write)]);
    let main = Ruleset::new("main", Target::Branch, &["~DEFAULT_BRANCH"])
        .rule("pull_request")
        .rule("required_signatures")
        .bypassed_by(BypassActor::App("relay-bot".into()), "always");
    let tags = Ruleset::new("tags", Target::Tag, &["refs/tags/v*"]).rule("creation");
    let repository = site().ruleset(main).ruleset(tags);
    let emulator = start(Model::new().repository(repository).token(&token).token(&bot));
    let clone = clone_with_commit(&emulator, "acme/site", &token, "x");
    let head = ok(clone.path(), &["rev-parse", "HEAD"]);
    let text = said(&clone, &["push", "origin", "main"]);
    let rules = format!("{}/acme/site/rules?ref=refs%2Fheads%2Fmain", emulator.url());
    for line in [
        "remote: error: GH013: Repository rule violations found for refs/heads/main.\n",
        &format!("remote: Review all repository rules at {rules}\n"),
        "remote: - Changes must be made through a pull request.\n",
        "remote: - Commits must have verified signatures.\nremote:   Found 1 violation:\n",
        &format!("remote:   {head}\n"),
        "! [remote rejected] main -> main (push declined due to repository rule violations)\n",
    ] {
        assert!(text.contains(line), "{line:?} is not in\n{text}");
    }
    let text = said(&clone, &["push", "origin", "HEAD:refs/tags/v1", "HEAD:refs/heads/free"]);
    assert!(text.contains("remote: - Cannot create ref due to creations being restricted."), "{text}");
    assert!(emulator.repository("acme/site").tip("refs/heads/free").is_some(), "the other ref went through");
    let text = said(&clone, &["push", "--atomic", "origin", "HEAD:refs/tags/v1", "HEAD:refs/heads/free2"]);
    assert!(text.contains("(push declined due to repository rule violations)"), "{text}");
    assert_eq!(emulator.repository("acme/site").tip("refs/heads/free2"), None, "all or nothing");
    let log = emulator.log();
    let results: Vec<_> = log.pushes().last().unwrap().updates.iter().map(|update| update.result.clone()).collect();
    assert_eq!(results, ["push declined due to repository rule violations", "atomic push failure"]);
    let output = git(clone.path(), &["push", &address(&emulator, "acme/site", Some(&bot)), "main"]);
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("remote: Bypassed rule violations for refs/heads/main:"));
}

#[test]
fn branch_protection_refuses_with_gh006_and_lets_administrators_pass() {
    let token = Token::classic("robin", &["repo"]);
    let boss = Token::classic("boss", &["repo"]);
    let protection = Protection::new("ma*").check("ci/unit").with(Guard::LinearHistory);
    let emulator = start(Model::new().repository(site().protection(protection)).token(&token).token(&boss));
    let clone = clone_with_commit(&emulator, "acme/site", &token, "x");
    let text = said(&clone, &["push", "origin", "main"]);
    for line in [
        "remote: error: GH006: Protected branch update failed for refs/heads/main.\n",
        "remote: - Required status check \"ci/unit\" is expected.\n",
        "! [remote rejected] main -> main (protected branch hook declined)\n",
    ] {
        assert!(text.contains(line), "{line:?} is not in\n{text}");
    }
    ok(clone.path(), &["push", "-q", &address(&emulator, "acme/site", Some(&boss)), "main"]);
    ok(clone.path(), &["reset", "-q", "--hard", "HEAD~1"]);
    commit(clone.path(), "y", "Another history");
    let text = said(&clone, &["push", "--force", "origin", "main"]);
    assert!(text.contains("remote: - Cannot force-push to this branch"), "{text}");
}

#[test]
fn patterns_paths_and_merges_are_looked_at() {
    let token = Token::classic("robin", &["repo"]);
    let pattern = json!({"operator": "starts_with", "pattern": "feat: "});
    let ruleset = Ruleset::new("all", Target::Branch, &["refs/heads/strict/*"])
        .rule("required_linear_history")
        .rule_with("commit_message_pattern", pattern);
    let paths = Ruleset::new("paths", Target::Push, &[])
        .rule_with("file_path_restriction", json!({"restricted_file_paths": ["secret/**"]}));
    let emulator = start(Model::new().repository(site().ruleset(ruleset).ruleset(paths)).token(&token));
    let clone = clone_with_commit(&emulator, "acme/site", &token, "x");
    let text = said(&clone, &["push", "origin", "HEAD:refs/heads/strict/a"]);
    assert!(text.contains("- Commit message must start with a matching pattern: feat:"), "{text}");
    commit(clone.path(), "secret/key", "feat: key");
    let text = said(&clone, &["push", "origin", "HEAD:refs/heads/loose"]);
    assert!(text.contains("remote:   secret/key"), "{text}");
}

#[test]
fn workflow_files_need_their_own_right() {
    let plain = Token::classic("robin", &["repo"]);
    let full = Token::classic("robin", &["repo", "workflow"]);
    let own = Token::github_token("acme/site", &[("contents", Write), ("workflows", Write)]);
    let fine = Token::fine_grained("robin", "acme", &["*"], &[("contents", Write), ("workflows", Write)]);
    let model = [&plain, &full, &own, &fine].into_iter().fold(Model::new().repository(site()), Model::token);
    let emulator = start(model);
    let clone = clone_with_commit(&emulator, "acme/site", &plain, ".github/workflows/new.yml");
    let text = said(&clone, &["push", "origin", "main"]);
    let reason = "(refusing to allow a Personal Access Token to create or update workflow `.github/workflows/new.yml` \
                  without `workflow` scope)";
    assert!(text.contains(reason), "{text}");
    let text = said(&clone, &["push", &address(&emulator, "acme/site", Some(&own)), "HEAD:refs/tags/v1"]);
    assert!(text.contains("refusing to allow a GitHub App to create or update workflow"), "{text}");
    ok(clone.path(), &["push", "-q", &address(&emulator, "acme/site", Some(&fine)), "HEAD:other"]);
    ok(clone.path(), &["push", "-q", "origin", "main"]);
    assert!(emulator.repository("acme/site").tip("refs/heads/main").is_some(), "the files stand on a branch already");
}

#[test]
fn large_files_are_refused_and_hooks_of_an_enterprise_speak() {
    let token = Token::classic("robin", &["repo"]);
    let model = Model::new().repository(site()).token(&token).set(|settings| settings.file_limit = 2 << 20);
    let emulator = start(model);
    let clone = clone_with_commit(&emulator, "acme/site", &token, "x");
    std::fs::write(clone.path().join("big.bin"), vec![0; 3 << 20]).unwrap();
    commit(clone.path(), "y", "Big");
    let text = said(&clone, &["push", "origin", "main"]);
    assert!(text.contains("remote: error: File big.bin is 3.00 MB; this exceeds GitHub's file size limit of 2.00 MB"));
    assert!(text.contains("(pre-receive hook declined)"), "{text}");
    ok(clone.path(), &["reset", "-q", "--hard", "HEAD~1"]);
    emulator.model(|model| model.settings.pre_receive_hook = Some(vec!["error: rejecting all pushes".into()]));
    let text = said(&clone, &["push", "origin", "main"]);
    assert!(text.contains("remote: error: rejecting all pushes"), "{text}");
    assert!(emulator.log().pushes().last().unwrap().sideband.contains("rejecting all pushes"));
}
