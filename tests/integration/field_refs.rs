//! Refs and tags as people name them: what is refused is refused before anything is written, with what to write instead.

use emulator::model::{Level, Model, Repository, Ruleset, Target, Token};

use crate::{
    refs::{Tree, checkout},
    runner::{Outcome, Step},
    world::{TARGET, World},
};

fn classic() -> Token {
    Token::classic("robin", &["repo", "workflow"])
}

fn site() -> Repository {
    Repository::new(TARGET).file("README.md", "r")
}

/// A step with a checkout that has what the target's main has, and one commit more.
fn ahead(world: &World, refs: &str) -> (Step, Tree) {
    let (step, tree) = checkout(world, refs);
    let from = format!("file://{}", world.github.repository(TARGET).path().display());
    tree.git(&["fetch", "-q", &from, "+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"]);
    tree.git(&["reset", "-q", "--hard", "refs/remotes/origin/main"]);
    tree.commit("new.txt", "new");
    (step, tree)
}

#[track_caller]
fn says(outcome: &Outcome, words: &[&str], never: &[&str]) {
    let annotation = outcome.stdout.lines().find(|line| line.starts_with("::error")).unwrap_or_default();
    for word in words {
        assert!(annotation.contains(word), "{word}: {outcome}");
    }
    for word in never {
        assert!(!annotation.contains(word), "{word}: {outcome}");
    }
}

#[test]
fn r5_a_key_of_the_step_does_not_sign_the_commits_of_the_checkout() {
    let ruleset = Ruleset::new("signed", Target::Branch, &["refs/heads/*"]).rule("required_signatures");
    for refs in ["HEAD:main", "HEAD:refs/heads/next", "+HEAD:main"] {
        let world = World::with(site().ruleset(ruleset.clone()), classic());
        let (step, _tree) = ahead(&world, refs);
        let outcome = step.run();
        outcome.failed("required-signatures");
        says(
            &outcome,
            &["commits of the checkout", "sign only what the step commits", "Bypass list"],
            &["Set `signing-key`"],
        );
    }
    // Of a directory the step makes the commit: there the key helps.
    let world = World::with(site().ruleset(ruleset), classic());
    let outcome = world.publish().input("ignore-checks", "branch-rules").run();
    outcome.failed("required-signatures");
    says(&outcome, &["`signing-key`"], &["of the checkout"]);
}

#[test]
fn r6_the_default_branch_is_not_deleted() {
    let world = World::with(site().files("dev", &[("a", "a")]), classic());
    let before = world.state();
    for (refs, dry_run) in [(":main", "false"), (":main", "true"), ("HEAD:new\n:refs/heads/main", "false")] {
        let (step, _tree) = ahead(&world, refs);
        let outcome = step.input("dry-run", dry_run).run();
        outcome.failed("branch-protected");
        assert_eq!(outcome.stage("preflight"), "failed", "{outcome}");
        says(&outcome, &["deletes main", "/acme/site/settings", "dev", "`:main`"], &["bypass", "Bypass"]);
    }
    assert_eq!(world.state(), before);
    assert!(world.github.log().pushes().is_empty());
    let (step, _tree) = ahead(&world, ":dev");
    step.run().succeeded();
    assert_eq!(world.tip("refs/heads/dev"), None, "another branch goes");
}

/// A step of `acme/source` with its `GITHUB_TOKEN`, which tags `target` there.
fn own_tag(world: &World, target: &str) -> Step {
    Step::new(world.github.url())
        .env("GITHUB_REPOSITORY", "acme/source")
        .input("token", world.token.value())
        .input("tag", "v1")
        .input("tag-target", target)
}

/// `acme/source` with a commit that no branch holds, whose workflow files are these.
fn with_lost_commit(token: Token, path: &str) -> (World, String) {
    let world = World::of(Model::new(), token);
    let source = world.github.repository("acme/source");
    let commit = source.commit("refs/heads/gone", &[(path, b"on: push\n")], "a workflow");
    source.set_ref("refs/heads/gone", None);
    (world, commit)
}

fn github_token() -> Token {
    Token::github_token("acme/source", &[("contents", Level::Write), ("metadata", Level::Read)])
}

#[test]
fn r7_a_tag_of_a_commit_with_other_workflow_files_is_known_before() {
    for (token, dry_run) in
        [(github_token(), "false"), (github_token(), "true"), (Token::classic("robin", &["repo"]), "false")]
    {
        let is_own = token.value().starts_with("ghs_");
        let (world, commit) = with_lost_commit(token, ".github/workflows/x.yml");
        let step = own_tag(&world, &commit).input("dry-run", dry_run);
        let step = if is_own { step.input("workflow-token", world.token.value()) } else { step };
        let outcome = world.refuses(step, "tag", "missing-workflow-scope");
        says(&outcome, &[".github/workflows/x.yml", "v1", "tag a commit"], &["`exclude`"]);
    }
}

#[test]
fn r7_what_a_branch_has_can_be_tagged() {
    // Another folder, the tip of a branch, and a token that may change workflow files.
    let (world, commit) = with_lost_commit(github_token(), "docs/x.yml");
    own_tag(&world, &commit).input("workflow-token", world.token.value()).run().succeeded();
    let (world, _) = with_lost_commit(github_token(), ".github/workflows/x.yml");
    let tip = world.github.repository("acme/source").commit(
        "refs/heads/dev",
        &[(".github/workflows/x.yml", b"on: push\n")],
        "w",
    );
    own_tag(&world, &tip).input("workflow-token", world.token.value()).run().succeeded();
    let (world, commit) = with_lost_commit(classic(), ".github/workflows/x.yml");
    own_tag(&world, &commit).run().succeeded();
    // The same file at the tip of a branch, in a commit of its own.
    let (world, commit) = with_lost_commit(github_token(), ".github/workflows/x.yml");
    let source = world.github.repository("acme/source");
    source.commit("refs/heads/dev", &[(".github/workflows/x.yml", b"on: push\n"), ("more", b"m")], "w");
    own_tag(&world, &commit).input("workflow-token", world.token.value()).run().succeeded();
}

#[test]
fn r7_a_server_that_refuses_the_tag_speaks_of_tags() {
    let (world, commit) = with_lost_commit(github_token(), ".github/workflows/x.yml");
    let step = own_tag(&world, &commit).input("workflow-token", world.token.value()).input("ignore-checks", "tag");
    let outcome = step.run();
    outcome.failed("missing-workflow-scope");
    says(&outcome, &["tag a commit"], &["`exclude`"]);
}

#[test]
fn r8_a_shortened_id_is_resolved() {
    let world = World::with(site(), classic());
    let main = world.tip("refs/heads/main").unwrap();
    for (tag, target) in
        [("v1", main[..7].to_owned()), ("v2", main[..12].to_owned()), ("v3", main[..39].to_uppercase())]
    {
        world.step().input("tag", tag).input("tag-target", target).run().succeeded();
        assert_eq!(world.tip(&format!("refs/tags/{tag}")), Some(main.clone()));
    }
    // A branch of such a name comes first.
    world.github.repository(TARGET).commit("refs/heads/abcdef1", &[("a", b"a")], "a");
    world.step().input("tag", "v4").input("tag-target", "abcdef1").run().succeeded();
    assert_eq!(world.tip("refs/tags/v4"), world.tip("refs/heads/abcdef1"));
}

#[test]
fn r8_a_name_that_is_not_there_is_answered_with_those_that_are() {
    let world = World::with(site().files("develop", &[("a", "a")]).tag("v1"), classic());
    for (target, words) in [
        ("mian", &["\"mian\"", "Did you mean main?", "Branches: develop, main.", "Tags: v1."][..]),
        ("origin/main", &["Did you mean main?"]),
        ("refs/heads/developp", &["Did you mean develop?"]),
        ("HEAD", &["Branches: develop, main."]),
        ("8a358ee", &["`tag-target` is \"8a358ee\"", "all 40 digits", "Branches: develop, main."]),
        ("deadbeefdeadbeefdeadbeefdeadbeefdeadbeef", &["`tag-target`", "Branches: develop, main."]),
        ("", &["GITHUB_SHA", "Branches: develop, main."]),
    ] {
        for dry_run in ["false", "true"] {
            let step = world.step().input("tag", "v9").input("tag-target", target).input("dry-run", dry_run);
            says(&world.refuses(step, "tag", "invalid-ref-or-object"), words, &["rename one of them"]);
        }
    }
}

#[test]
fn r9_the_tag_of_an_immutable_release_stays() {
    let world = World::with(site().release("v1", true).release("v0", false), classic());
    world.github.repository(TARGET).commit("refs/heads/main", &[("x", b"y")], "next");
    for dry_run in ["true", "false"] {
        let step = |tag: &str| world.step().input("tag", tag).input("tag-target", "main").input("dry-run", dry_run);
        let outcome = world.refuses(step("+v1"), "tag", "protected-tag");
        says(&outcome, &["v1", "immutable release", "for ever"], &["Bypass"]);
        world.refuses(step("v9\n+v1"), "tag", "protected-tag");
        let outcome = world.refuses(step("v1"), "tag", "tag-exists");
        says(&outcome, &["immutable release"], &["write `+`"]);
        // With the directory that it would tag, and by refs of a checkout.
        world.refuses(
            world.publish().input("tag", "v1").input("tag-exists", "move").input("dry-run", dry_run),
            "tag",
            "protected-tag",
        );
        for refs in ["+HEAD:refs/tags/v1", ":refs/tags/v1"] {
            let (step, _tree) = ahead(&world, refs);
            world.refuses(step.input("dry-run", dry_run), "tag", "protected-tag");
        }
    }
    world.step().input("tag", "+v0").input("tag-target", "main").run().succeeded();
    world.step().input("tag", "v1").input("tag-target", "v1").run().succeeded();
}

#[test]
fn r9_a_name_that_an_immutable_release_had_is_burned() {
    let world = World::with(site().burned_tag("v3"), classic());
    let outcome = world.step().input("tag", "v3").input("tag-target", "main").run();
    outcome.failed("protected-tag");
    says(&outcome, &["new version instead of v3", "even when the release is deleted"], &[]);
    assert_eq!(world.github.log().pushes().len(), 1, "a refusal is not sent again");
}

/// A commit of the checkout that git's strict check refuses, whose line this is.
fn broken(tree: &Tree, line: &str) -> String {
    let id = tree.git(&["rev-parse", "HEAD^{tree}"]);
    let text = format!("tree {id}\nauthor {line}\ncommitter Ada <ada@example.com> 1 +0000\n\nimported\n");
    let file = tree.0.join(".git/broken");
    std::fs::write(&file, text).unwrap();
    tree.git(&["hash-object", "-t", "commit", "-w", "--literally", ".git/broken"])
}

#[test]
fn p17_what_only_the_server_refuses_is_sent_once_and_told_in_its_words() {
    for (line, words) in [
        ("Ada<ada@example.com> 1 +0000", "missingSpaceBeforeEmail"),
        ("Ada <ada@example.com> 01 +0000", "zeroPaddedDate"),
        ("Ada <ada@example.com 1 +0000", "badEmail"),
    ] {
        let world = World::with(site(), classic());
        let before = world.state();
        let (step, tree) = ahead(&world, "HEAD:main\nrefs/tags/*");
        let commit = broken(&tree, line);
        tree.git(&["update-ref", "refs/tags/old", &commit]);
        tree.git(&["update-ref", "refs/heads/old", &commit]);
        let outcome = step.input("refs", "refs/heads/old").run();
        outcome.failed("pack-refused");
        says(&outcome, &[words], &[]);
        assert!(outcome.summary.contains(words), "{}", outcome.summary);
        let remote = outcome.report()["targets"][0]["remote"].to_string();
        assert!(remote.contains(words), "{remote}");
        assert_eq!(world.github.log().pushes().len(), 1, "{outcome}");
        assert_eq!(world.state(), before);
    }
}

#[test]
fn p17_what_githubs_check_refuses_in_commits_of_the_checkout_is_found_before() {
    let module = |name: &str, url: &str| format!("[submodule \"{name}\"]\n\tpath = x\n\turl = {url}\n");
    let long = format!("a text\n{} text\n", "x".repeat(2100));
    for (path, content, words) in [
        (".gitmodules", module("x", "-u./x"), &["\".gitmodules\"", "\"-u./x\"", "address of a repository"][..]),
        ("docs/.gitmodules", module("../x", "https://x.example/t"), &["Rename the submodule"]),
        ("GITMOD~1", module("x", "-u./x"), &["\"GITMOD~1\"", "takes for `.gitmodules`"]),
        (".git\u{200c}modules", module("x", "https:///x"), &["takes for `.gitmodules`"]),
        ("a/.gitattributes", long, &["\".gitattributes\"", "line 2", "2048"]),
    ] {
        for (dry_run, refs) in [("false", "HEAD:next"), ("true", "HEAD:next"), ("false", "+HEAD:main\nrefs/tags/*")] {
            let world = World::with(site(), classic());
            let before = world.state();
            let (step, tree) = ahead(&world, refs);
            tree.commit(path, &content);
            let blob = tree.git(&["rev-parse", &format!("HEAD:{path}")]);
            // Mended since: the history still has it.
            std::fs::remove_file(tree.0.join(path)).unwrap();
            tree.commit("later.txt", "later");
            let outcome = step.input("dry-run", dry_run).run();
            outcome.failed("pack-refused");
            says(&outcome, words, &["`exclude`"]);
            says(&outcome, &[&format!("--find-object={blob}")], &[]);
            assert!(world.github.log().pushes().is_empty(), "{outcome}");
            assert_eq!(world.state(), before);
        }
    }
    // What is right goes, and what the target has already is not looked into.
    let world = World::with(site(), classic());
    let (step, tree) = ahead(&world, "HEAD:next");
    tree.commit(".gitmodules", &module("x", "../t"));
    tree.commit("gitmodules.txt", &module("../x", "-u./x"));
    step.run().succeeded();
}

#[test]
fn p17_a_link_by_the_name_of_gitmodules_in_a_commit_is_found_before() {
    for name in [".gitmodules", ".gitmodules ", "GI7EBA~1"] {
        let world = World::with(site(), classic());
        let (step, tree) = ahead(&world, "HEAD:next");
        // git itself adds no such link; other programs do.
        let blob = tree.git(&["rev-parse", "HEAD:new.txt"]);
        let list = tree.0.join(".git/list");
        std::fs::write(&list, format!("120000 blob {blob}\t{name}\n")).unwrap();
        let mut mktree = std::process::Command::new("git");
        mktree.current_dir(&tree.0).arg("mktree").stdin(std::fs::File::open(&list).unwrap());
        let made = String::from_utf8(mktree.output().unwrap().stdout).unwrap();
        let commit = tree.git(&["commit-tree", made.trim(), "-p", "HEAD", "-m", "a link"]);
        tree.git(&["reset", "-q", "--soft", &commit]);
        let outcome = step.run();
        outcome.failed("pack-refused");
        says(&outcome, &["symbolic link", "--find-object="], &["`exclude`"]);
        assert!(world.github.log().pushes().is_empty(), "{outcome}");
    }
}
