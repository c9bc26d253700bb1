//! Cloning and pushing with each kind of credential.

use emulator::{
    faults::{Fault, FaultRule},
    model::{
        Level::{Read, Write},
        Model, Repository, Role, Token,
    },
};

use crate::support::{address, clone_with_commit, commit, fails, git, ok, start};

fn site() -> Repository {
    Repository::new("acme/site").collaborator("robin", Role::Write).file("README.md", "hello\n")
}

#[test]
fn each_kind_of_token_pushes_what_it_was_made_for() {
    let contents = [("contents", Write)];
    let tokens = [
        Token::classic("robin", &["repo"]),
        Token::oauth("robin", &["repo"]),
        Token::fine_grained("robin", "acme", &["acme/site"], &contents),
        Token::installation("relay-bot", "acme", &["acme/site"], &contents),
        Token::installation("relay-bot", "acme", &["*"], &contents).stateless(),
        Token::github_token("acme/site", &contents),
        Token::user_to_server("robin", "acme", &["acme/site"], &contents),
    ];
    let emulator = start(tokens.iter().fold(Model::new().repository(site().private()), Model::token));
    for (index, token) in tokens.iter().enumerate() {
        let clone = clone_with_commit(&emulator, "acme/site", token, &format!("file{index}"));
        ok(clone.path(), &["push", "-q", "origin", "main"]);
        let tip = ok(clone.path(), &["rev-parse", "HEAD"]);
        assert_eq!(emulator.repository("acme/site").tip("refs/heads/main"), Some(tip), "{}", token.name);
    }
    let log = emulator.log();
    assert_eq!(log.pushes().len(), tokens.len());
    let push = log.pushes()[0];
    assert_eq!(push.updates[0].name, "refs/heads/main");
    assert_eq!(push.updates[0].result, "ok");
    assert_eq!(push.token.as_deref(), Some("classic token of robin"));
    assert!(push.bytes_in > 100 && push.bytes_out > 10);
    assert!(!format!("{log:?}").contains(tokens[0].value()), "a token's value is not logged");
}

#[test]
fn refusals_speak_githubs_words() {
    let read_only = Token::github_token("acme/site", &[("contents", Read)]);
    let stranger = Token::classic("mallory", &["repo"]);
    let scopeless = Token::classic("robin", &["gist"]);
    let fine = Token::fine_grained("robin", "acme", &["acme/site"], &[("issues", Write)]);
    let revoked = Token::classic("robin", &["repo"]).revoked();
    let model = Model::new()
        .repository(site())
        .repository(Repository::new("acme/hidden").private().file("a", "b"))
        .repository(Repository::new("acme/old").collaborator("robin", Role::Write).file("a", "b").archived());
    let writer = Token::classic("robin", &["repo"]);
    let tokens = [&read_only, &stranger, &scopeless, &fine, &revoked, &writer];
    let emulator = start(tokens.into_iter().fold(model, Model::token));
    let clone = clone_with_commit(&emulator, "acme/site", &writer, "x");
    let push = |slug: &str, token: Option<&Token>| {
        fails(clone.path(), &["push", &address(&emulator, slug, token), "HEAD:refs/heads/x"])
    };
    let cases = [
        ("acme/site", Some(&read_only), "remote: Permission to acme/site.git denied to github-actions[bot]."),
        ("acme/site", Some(&stranger), "remote: Permission to acme/site.git denied to mallory."),
        ("acme/site", Some(&scopeless), "remote: Write access to repository not granted."),
        ("acme/site", Some(&fine), "remote: Write access to repository not granted."),
        ("acme/site", Some(&revoked), "remote: Invalid username or token."),
        ("acme/site", None, "could not read Username"),
        ("acme/hidden", Some(&stranger), "remote: Repository not found."),
        ("acme/missing", Some(&writer), "remote: Repository not found."),
        ("acme/old", Some(&writer), "remote: This repository was archived so it is read-only."),
    ];
    for (slug, token, words) in cases {
        let said = push(slug, token);
        assert!(said.contains(words), "{slug}: {words:?} is not in {said:?}");
    }
    assert_eq!(emulator.repository("acme/site").refs().len(), 1, "nothing was written");
}

#[test]
fn a_renamed_repository_redirects_and_names_have_no_case() {
    let token = Token::classic("robin", &["repo"]);
    let emulator = start(Model::new().repository(site().formerly("acme/old-name")).token(&token));
    let clone = clone_with_commit(&emulator, "acme/old-name", &token, "x");
    ok(clone.path(), &["push", "-q", &address(&emulator, "ACME/Site", Some(&token)), "HEAD:main"]);
    assert!(emulator.log().0.iter().any(|entry| entry.status == Some(301)));
}

#[test]
fn the_first_branch_of_an_empty_repository_becomes_the_default() {
    let token = Token::classic("robin", &["repo"]);
    let empty = Repository::new("acme/empty").collaborator("robin", Role::Write);
    let emulator = start(Model::new().repository(site()).repository(empty).token(&token));
    let clone = clone_with_commit(&emulator, "acme/site", &token, "x");
    ok(clone.path(), &["push", "-q", &address(&emulator, "acme/empty", Some(&token)), "HEAD:gh-pages"]);
    assert_eq!(emulator.model(|model| model.find("acme/empty").unwrap().default_branch.clone()), "gh-pages");
    let refused = fails(clone.path(), &["push", &address(&emulator, "acme/empty", Some(&token)), ":gh-pages"]);
    assert!(refused.contains("refusing to delete the current branch"), "{refused}");
}

#[test]
fn a_lost_race_inside_atomic_is_reported_as_git_reports_it() {
    let token = Token::classic("robin", &["repo"]);
    let emulator = start(Model::new().repository(site()).token(&token));
    let clone = clone_with_commit(&emulator, "acme/site", &token, "x");
    emulator.fault(
        FaultRule::on(
            "POST",
            "/acme/site.git/git-receive-pack",
            Fault::race(|repository| {
                repository.commit("refs/heads/main", &[("other", b"side")], "The other side");
            }),
        )
        .nth(1),
    );
    let output = git(clone.path(), &["push", "--atomic", "origin", "main", "HEAD:refs/heads/new"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("atomic transaction failed"), "{said}");
    assert!(said.contains("remote: error: cannot lock ref 'refs/heads/main'"), "{said}");
    assert_eq!(emulator.repository("acme/site").tip("refs/heads/new"), None);
    assert_eq!(emulator.log().pushes()[0].updates[0].result, "atomic transaction failed");
    assert!(emulator.unused_faults().is_empty());
}

#[test]
fn partial_clones_work_unless_the_filter_is_taken_away() {
    let token = Token::classic("robin", &["repo"]);
    let emulator = start(Model::new().repository(site()).token(&token));
    let clone = |name: &str| {
        let directory = tempfile::tempdir().unwrap();
        let output = git(
            directory.path(),
            &["clone", "-q", "--bare", "--filter=blob:none", &address(&emulator, "acme/site", None), name],
        );
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(!clone("a").contains("filtering not recognized"));
    emulator.fault(FaultRule::on("*", "/acme/site.git/*", Fault::NoFilter));
    assert!(clone("b").contains("filtering not recognized"));
    emulator.clear_faults();
    emulator.fault(FaultRule::on("*", "/acme/site.git/*", Fault::NoVersion2));
    emulator.fault(FaultRule::on("*", "/acme/site.git/*", Fault::Gzip));
    assert_eq!(clone("c"), "", "version 0 and gzip are no trouble for git");
}

#[test]
fn a_large_push_in_chunks_is_streamed() {
    let token = Token::classic("robin", &["repo"]);
    let emulator = start(Model::new().repository(site()).token(&token));
    let clone = clone_with_commit(&emulator, "acme/site", &token, "x");
    let mut state = 1_u64;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state.to_be_bytes()[2]
    });
    std::fs::write(clone.path().join("noise"), noise.take(3 << 20).collect::<Vec<u8>>()).unwrap();
    commit(clone.path(), "y", "Large");
    ok(clone.path(), &["push", "-q", "origin", "main"]);
    let log = emulator.log();
    let push = log.pushes().into_iter().find(|push| push.bytes_in > 3 << 20).expect("the push with the pack");
    assert_eq!(push.header("transfer-encoding"), Some("chunked"));
    emulator.fault(FaultRule::on("POST", "*/git-receive-pack", Fault::RefuseChunked));
    ok(clone.path(), &["push", "-q", "origin", "HEAD:refs/heads/small"]);
    emulator.repository("acme/site").set_ref("refs/heads/small", None);
    emulator.repository("acme/site").set_ref("refs/heads/main", None);
    let refused = fails(clone.path(), &["push", "origin", "HEAD:refs/heads/again"]);
    assert!(refused.contains("411"), "{refused}");
}
