//! Neighbours of the situations in which people publish: other forms of a credential, other places of a link, other slips.

use std::os::unix::fs::symlink;

use emulator::model::{Level, Model, Repository, Role, Token};

use crate::{
    runner::{Outcome, Step},
    world::{TARGET, World},
};

fn classic() -> Token {
    Token::classic("robin", &["repo", "workflow"])
}

fn site() -> Repository {
    Repository::new(TARGET).file("README.md", "r")
}

fn base64(text: impl AsRef<[u8]>) -> String {
    base64::Engine::encode(&base64::engine::general_purpose::STANDARD, text)
}

#[test]
fn p11_the_steps_token_in_base64_and_in_an_address_stops_the_publish() {
    let world = World::with(site(), classic());
    let token = world.token.value().to_owned();
    let docker =
        |user: &str| format!(r#"{{"auths": {{"ghcr.io": {{"auth": "{}"}}}}}}"#, base64(format!("{user}:{token}")));
    let cases = [
        ("config.json", docker("robin")),
        ("docker/config.json", docker("x")),
        ("docker2/config.json", docker("me")),
        ("env.txt", format!("TOKEN={}\n", base64(&token))),
        ("env2.txt", format!("TOKEN={}\n", base64(format!("{token}\n")))),
        ("remote.html", format!("https://x-access-token:{token}@github.com/acme/site.git")),
    ];
    for (path, content) in cases {
        let step = world.publish().file(&format!("site/{path}"), content);
        let outcome = world.refuses(step, "secret-files", "secret-file");
        assert!(outcome.message("secret-files").contains(path), "{outcome}");
    }
}

#[test]
fn p11_other_secrets_of_the_step_stop_the_publish() {
    let world = World::with(site(), classic());
    let value = "s3cr3t-of-the-step-0123";
    let step = world.publish().input("secret-name", "DEPLOY").input("secret-value", value);
    world.refuses(step.file("site/app.js", format!("x('{value}')")), "secret-files", "secret-file");
    // A link is published as the text of its target.
    let step = world.publish();
    symlink(format!("https://x:{}@github.com/", world.token.value()), step.workspace().join("site/clone")).unwrap();
    let outcome = world.refuses(step, "secret-files", "secret-file");
    assert!(outcome.message("secret-files").contains("clone"), "{outcome}");
}

#[test]
fn p11_more_files_that_often_hold_a_credential_are_told() {
    let world = World::with(site(), classic());
    let check = |path: &str, content: &str| {
        let outcome = world.publish().file(&format!("site/{path}"), content).run();
        outcome.succeeded();
        outcome.check("secret-files")
    };
    for (path, content) in [
        (".git-credentials", "https://x"),
        ("home/.docker/config.json", "{}"),
        (".aws/credentials", "[default]"),
        ("app/.yarnrc.yml", "npmAuthToken: \"npm_x\"\n"),
        (".env.production", "A=1"),
    ] {
        assert_eq!(check(path, content), "warn", "{path}");
    }
    for (path, content) in [
        ("docs/config.json", "{}"),
        ("aws/credentials", "how to"),
        (".yarnrc.yml", "npmAuthToken: ${NPM_TOKEN}\nnodeLinker: node-modules\n"),
        ("id_rsa.pub", "ssh-rsa AAAA"),
        (".env.sample", "A="),
    ] {
        assert_eq!(check(path, content), "pass", "{path}");
    }
}

/// The verdict of `pages` for a site with a link at each of `links`.
fn pages(world: &World, links: &[&str], change: impl FnOnce(Step) -> Step) -> Outcome {
    let step = world.publish();
    for link in links {
        let place = step.workspace().join("site").join(link);
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        symlink("index.html", place).unwrap();
    }
    let outcome = change(step).run();
    outcome.succeeded();
    outcome
}

#[test]
fn p8_a_link_that_is_followed_or_left_out_is_no_warning() {
    let world = World::with(site().pages("gh-pages"), classic());
    assert_eq!(pages(&world, &["latest"], |step| step.input("symlinks", "follow")).check("pages"), "pass");
    assert!(!world.git(&["ls-tree", "-r", "gh-pages"]).contains("120000"));
    assert_eq!(pages(&world, &["latest"], |step| step.input("exclude", "latest")).check("pages"), "pass");
    let four = pages(&world, &["a", "b", "c/d", "e"], |step| step.input("destination", "v1"));
    assert_eq!(four.cause("pages"), "symlink-not-served");
    assert!(four.message("pages").contains("v1/a") && four.message("pages").contains("and 1 more"), "{four}");
}

#[test]
fn p8_only_links_in_the_folder_that_pages_builds_count() {
    let world = World::with(site().pages_from("gh-pages", "/docs"), classic());
    let in_docs = |links: &[&str]| pages(&world, links, |step| step.file("site/docs/index.html", "x"));
    assert_eq!(in_docs(&["latest"]).check("pages"), "pass", "outside of docs");
    assert_eq!(in_docs(&["docs/latest"]).cause("pages"), "symlink-not-served");
    let below = pages(&world, &["latest"], |step| step.input("destination", "docs/v2"));
    assert_eq!(below.cause("pages"), "symlink-not-served");
    // What a workflow publishes is no branch.
    let mut built = site().pages("main");
    built.pages.as_mut().unwrap().build_type = "workflow".to_owned();
    let world = World::with(built, classic());
    assert_eq!(pages(&world, &["latest"], |step| step.input("branch", "main")).check("pages"), "pass");
}

#[test]
fn p8_a_link_that_keep_leaves_on_the_branch_is_told() {
    let world = World::with(site().pages("gh-pages"), classic());
    pages(&world, &["latest", "old/latest"], |step| step);
    for (keep, links) in [("latest", &["latest"][..]), ("**", &["latest"]), ("old/latest", &["old/latest"])] {
        let outcome = pages(&world, &[], |step| step.input("keep", keep).input("dry-run", "true"));
        assert_eq!(outcome.cause("pages"), "symlink-not-served", "{keep}: {outcome}");
        for link in links {
            assert!(outcome.message("pages").contains(link), "{keep}: {outcome}");
        }
    }
    assert_eq!(pages(&world, &[], |step| step).check("pages"), "pass", "the links go");
}

#[test]
fn p3_more_slips_are_named() {
    let branch = [("css/a.css", "a"), ("js/a.js", "a")];
    let world = World::with(site().files("gh-pages", &branch), classic());
    let run = |input: &str, value: &str| {
        let outcome = world.publish().input(input, value).input("dry-run", "true").run();
        outcome.succeeded();
        outcome
    };
    for (input, value, word) in [
        ("keep", "css js", "A blank counts"),
        ("exclude", "css;js", "`;` counts"),
        ("keep", "css|js", "`|` counts"),
        ("keep", "# what stays\ncss", "comments are not supported"),
        ("keep", "'css'", "quotes"),
        ("exclude", "site/**", "without `directory` in front; write \"**\""),
    ] {
        let outcome = run(input, value);
        assert_eq!(outcome.cause("patterns"), "pattern-unmatched", "{value}: {outcome}");
        assert!(outcome.message("patterns").contains(word), "{value}: {outcome}");
    }
    for value in ["/css", "./css/**", "{css,js}/**", "c?s", "[cj]s*/**"] {
        assert_eq!(run("keep", value).check("patterns"), "pass", "{value}");
    }
    // git's own marks are refused by name before anything is asked.
    for value in ["!css", "css\\**", "../css"] {
        let outcome = world.publish().input("keep", value).run();
        outcome.failed("invalid-input");
        assert!(outcome.stdout.contains("`keep`"), "{outcome}");
    }
}

/// A step of `acme/own`, which its own event started, to `acme/own`.
fn own(world: &World, event: &str, git_ref: &str) -> Step {
    Step::new(world.github.url())
        .env("GITHUB_REPOSITORY", "acme/own")
        .env("GITHUB_EVENT_NAME", event)
        .env("GITHUB_REF", git_ref)
        .input("token", world.token.value())
}

fn own_world(token: Token) -> World {
    let target = Repository::new("acme/own").file("README.md", "r").tag("v1").collaborator("robin", Role::Write);
    let world = World::of(Model::new().repository(target), token);
    world.github.repository("acme/own").commit("refs/heads/main", &[("x", b"y")], "next");
    world
}

#[test]
fn p19_a_tag_that_started_the_run_and_moves_starts_it_again() {
    let moves = |token: Token, git_ref: &str, tag: &str, target: &str| {
        let world = own_world(token);
        let step = own(&world, "push", git_ref).input("tag", tag).input("tag-target", target).input("dry-run", "true");
        let step = if world.token.value().starts_with("ghs_") {
            step.input("workflow-token", world.token.value())
        } else {
            step
        };
        let outcome = step.run();
        outcome.succeeded();
        outcome
    };
    let outcome = moves(classic(), "refs/tags/v1", "+v1", "main");
    assert_eq!(outcome.check("triggers"), "warn", "{outcome}");
    assert!(outcome.message("triggers").contains("v1") && outcome.message("triggers").contains("again"), "{outcome}");
    let token = Token::github_token("acme/own", &[("contents", Level::Write), ("metadata", Level::Read)]);
    for outcome in [
        moves(classic(), "refs/tags/v1", "+v1", "v1"),
        moves(classic(), "refs/tags/v1.2.3", "+v1", "main"),
        moves(token, "refs/tags/v1", "+v1", "main"),
    ] {
        assert!(!outcome.message("triggers").contains("started this run"), "{outcome}");
    }
}

#[test]
fn p19_other_credentials_and_refs_of_the_checkout() {
    // A fine-grained token and an App's token start workflows as a classic one does.
    let rights = [("contents", Level::Write), ("metadata", Level::Read)];
    for token in [
        Token::fine_grained("robin", "acme", &["acme/own"], &rights),
        Token::installation("helper", "acme", &["acme/own"], &rights),
    ] {
        let world = own_world(token);
        let step = own(&world, "push", "refs/heads/main").input("directory", "site").input("branch", "main");
        let step = step.input("destination", "docs").file("site/index.html", "x").input("dry-run", "true");
        let outcome = step.run();
        outcome.succeeded();
        assert_eq!(outcome.check("triggers"), "warn", "{outcome}");
    }
    // By refs of a checkout, and with a mark of GitHub's in another spelling.
    let world = own_world(classic());
    let step = own(&world, "push", "refs/heads/main").input("refs", "HEAD:refs/heads/main").input("dry-run", "true");
    let tree = crate::refs::Tree::init(&step.workspace());
    let from = format!("file://{}", world.github.repository("acme/own").path().display());
    tree.git(&["fetch", "-q", &from, "main"]);
    tree.git(&["reset", "-q", "--hard", "FETCH_HEAD"]);
    tree.commit("new.txt", "new");
    let outcome = step.run();
    outcome.succeeded();
    assert_eq!(outcome.check("triggers"), "warn", "{outcome}");
    for message in ["Publish [CI SKIP]", "Publish\n\n\nskip-checks: true"] {
        let step = own(&world, "push", "refs/heads/main").input("directory", "site").input("branch", "main");
        let step = step.input("destination", "docs").file("site/index.html", "x").input("message", message);
        let outcome = step.input("dry-run", "true").run();
        outcome.succeeded();
        assert_ne!(outcome.check("triggers"), "warn", "{outcome}");
    }
}

#[test]
fn p7_jekyll_stays_on_in_a_deep_folder_and_where_it_is_asked_for() {
    let jekyll = [("_config.yml", "title: x\n"), ("index.md", "# hello\n")];
    let world = World::with(site().files("gh-pages", &jekyll), classic());
    world.publish().input("destination", "docs/v1").run().succeeded();
    assert_eq!(world.paths("gh-pages"), ["_config.yml", "docs/v1/index.html", "index.md"]);
    world.publish().input("nojekyll", "false").run().succeeded();
    assert_eq!(world.paths("gh-pages"), ["index.html"], "at the root too");
    // What the branch has stays, whatever folder is published.
    let world = World::with(site().files("gh-pages", &[(".nojekyll", ""), ("a", "a")]), classic());
    world.publish().input("destination", "api").run().succeeded();
    assert_eq!(world.paths("gh-pages"), [".nojekyll", "a", "api/index.html"]);
}

#[test]
fn p14_one_file_and_none_are_counted_too() {
    let world = World::with(site(), classic());
    let excluded = |step: Step| {
        let outcome = step.run();
        outcome.succeeded();
        (outcome.report()["targets"][0]["changes"]["excluded"].as_u64().unwrap(), outcome.stdout)
    };
    let (count, log) = excluded(world.publish().file("site/.github/workflows/a.yml", "on: push\n"));
    assert_eq!(count, 1, "the default leaves it out");
    assert!(log.contains("1 file left out by `exclude`"), "{log}");
    let (count, log) = excluded(world.publish().input("exclude", "drafts"));
    assert_eq!(count, 0);
    assert!(!log.contains("left out by `exclude`"), "{log}");
}
