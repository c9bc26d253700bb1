//! What the preflight of a publish knows before anything is written: names, the site, the run that would start itself.

use std::os::unix::fs::symlink;

use emulator::model::{Level, Model, Repository, Role, Token};

use crate::{
    runner::Step,
    world::{TARGET, World},
};

fn classic() -> Token {
    Token::classic("robin", &["repo", "workflow"])
}

fn site() -> Repository {
    Repository::new(TARGET).file("README.md", "r")
}

#[test]
fn p5_a_tag_below_a_tag_that_is_there_is_refused_before_the_site_is_published() {
    let world = World::with(site(), classic());
    world.git(&["tag", "v1", "main"]);
    for dry_run in ["false", "true"] {
        let step = world.publish().input("tag", "v1/x").input("dispatch", "go").input("dry-run", dry_run);
        let outcome = world.refuses(step, "ref-names", "invalid-ref-or-object");
        let message = outcome.message("ref-names");
        assert!(message.contains("v1/x") && message.contains("the tag v1"), "{message}");
    }
}

#[test]
fn p5_a_branch_in_the_place_of_a_folder_of_branches_and_the_reverse() {
    let target = site().files("docs", &[("a", "a")]).files("previews/1", &[("a", "a")]);
    let world = World::with(target, classic());
    for branch in ["docs/latest", "docs/a/b", "previews"] {
        let outcome = world.refuses(world.publish().input("branch", branch), "ref-names", "invalid-ref-or-object");
        assert!(outcome.message("ref-names").contains(branch), "{outcome}");
    }
    // Its neighbours in the alphabet do not stand in its way.
    let outcome = world.publish().input("branch", "docs-latest").run();
    assert_eq!(outcome.succeeded().check("ref-names"), "pass");
}

#[test]
fn p5_names_that_github_never_takes() {
    let world = World::with(site(), classic());
    let long = "n".repeat(250);
    for branch in ["0123456789abcdef0123456789abcdef01234567", "refs/heads/refs/x", long.as_str()] {
        world.refuses(world.publish().input("branch", branch), "ref-names", "invalid-ref-or-object");
    }
    for tag in ["0123456789ABCDEF0123456789abcdef01234567", "refs/tags/refs/x", long.as_str()] {
        world.refuses(world.publish().input("tag", tag), "ref-names", "invalid-ref-or-object");
    }
    let both = world.publish().input("tag", "v1\nv1/x");
    world.refuses(both, "ref-names", "invalid-ref-or-object");
}

#[test]
fn p8_links_on_the_branch_that_pages_builds_are_told() {
    let world = World::with(site().pages("gh-pages"), classic());
    let linked = || {
        let step = world.publish();
        symlink("index.html", step.workspace().join("site/latest")).unwrap();
        step
    };
    let outcome = linked().run();
    outcome.succeeded();
    assert_eq!((outcome.check("pages").as_str(), outcome.cause("pages").as_str()), ("warn", "symlink-not-served"));
    assert!(outcome.message("pages").contains("latest"), "{outcome}");
    assert_eq!(world.publish().run().succeeded().check("pages"), "pass", "no link, no warning");
    let elsewhere = linked().input("branch", "data").run();
    assert_ne!(elsewhere.cause("pages"), "symlink-not-served", "another branch: {elsewhere}");
}

#[test]
fn p16_the_folder_that_pages_publishes_from_counts() {
    let in_docs = || {
        let mut target = site().pages("gh-pages");
        target.pages.as_mut().unwrap().folder = "/docs".to_owned();
        target
    };
    let world = World::with(in_docs(), classic());
    let outcome = world.publish().run();
    outcome.succeeded();
    assert_eq!((outcome.check("pages").as_str(), outcome.cause("pages").as_str()), ("warn", "pages-source-mismatch"));
    assert!(outcome.message("pages").contains("docs"), "{outcome}");
    let outcome = world.publish().input("destination", "docs").run();
    assert_eq!(outcome.succeeded().check("pages"), "pass");
    let outcome = world.publish().file("site/docs/index.html", "x").run();
    assert_eq!(outcome.succeeded().check("pages"), "pass", "the directory brings that folder");
    let outcome = world.publish().input("destination", "v1").run();
    assert_eq!(outcome.succeeded().check("pages"), "warn");
}

/// A step of the workflow of `acme/own` that publishes to its own branch.
fn own(token: Token, branch: &str, change: impl FnOnce(Step) -> Step) -> crate::runner::Outcome {
    let target = Repository::new("acme/own").file("README.md", "r").collaborator("robin", Role::Write);
    let world = World::of(Model::new().repository(target), token);
    let step = Step::new(world.github.url())
        .env("GITHUB_REPOSITORY", "acme/own")
        .env("GITHUB_EVENT_NAME", "push")
        .input("token", world.token.value())
        .input("directory", "site")
        .input("branch", branch)
        .input("destination", "docs")
        .file("site/index.html", "x");
    let step =
        if world.token.value().starts_with("ghs_") { step.input("workflow-token", world.token.value()) } else { step };
    let outcome = change(step).run();
    outcome.succeeded();
    outcome
}

#[test]
fn p19_a_push_to_the_branch_that_started_the_run_starts_it_again() {
    let outcome = own(classic(), "main", |step| step);
    assert_eq!(outcome.check("triggers"), "warn", "{outcome}");
    assert!(outcome.message("triggers").contains("[skip ci]"), "{outcome}");
    assert_eq!(own(classic(), "gh-pages", |step| step).check("triggers"), "", "another branch");
    let skips = own(classic(), "main", |step| step.input("message", "Publish [skip ci]"));
    assert_eq!(skips.check("triggers"), "", "{skips}");
    let scheduled = own(classic(), "main", |step| step.env("GITHUB_EVENT_NAME", "schedule"));
    assert_eq!(scheduled.check("triggers"), "", "no push started it");
    let proposed = |token, branch| {
        let of = |step: Step| step.env("GITHUB_EVENT_NAME", "pull_request").env("GITHUB_REF", "refs/pull/7/merge");
        own(token, branch, |step| of(step).env("GITHUB_HEAD_REF", "topic"))
    };
    let outcome = proposed(classic(), "topic");
    assert_eq!(outcome.check("triggers"), "warn", "{outcome}");
    assert!(outcome.message("triggers").contains("The pull request of topic started this run"), "{outcome}");
    assert_eq!(proposed(classic(), "main").check("triggers"), "", "not the branch of the pull request");
    let token = || Token::github_token("acme/own", &[("contents", Level::Write), ("metadata", Level::Read)]);
    assert_eq!(own(token(), "main", |step| step).check("triggers"), "", "its pushes start nothing");
    assert_eq!(proposed(token(), "topic").check("triggers"), "", "its pushes start nothing");
}

#[test]
fn m9_a_repository_that_belongs_to_another_owner_now_is_told() {
    let moved = |slug: &str| {
        let mut target = Repository::new(slug).file("README.md", "r").collaborator("robin", Role::Write);
        target.former = vec![TARGET.to_owned()];
        World::of(Model::new().repository(target), classic())
    };
    let outcome = moved("stranger/site").publish().input("dry-run", "true").run();
    outcome.succeeded();
    assert_eq!((outcome.check("repository").as_str(), outcome.cause("repository").as_str()), ("warn", "owner-changed"));
    let message = outcome.message("repository");
    assert!(message.contains("acme") && message.contains("stranger"), "{message}");
    let outcome = moved("ACME/new-site").publish().input("dry-run", "true").run();
    assert_eq!(outcome.succeeded().check("repository"), "pass", "the same owner: {outcome}");
}

/// A private key of the usual form; nobody has it.
fn private_key() -> String {
    let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n".repeat(24);
    format!("-----BEGIN PRIVATE KEY-----\n{body}-----END PRIVATE KEY-----\n")
}

#[test]
fn p11_a_file_with_a_credential_stops_the_publish() {
    let world = World::with(site(), classic());
    let token = world.token.value().to_owned();
    let far = |at: usize, text: &str| format!("{}{text}{}", "x".repeat(at), "y".repeat(9000));
    let basic = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, format!("x-access-token:{token}"));
    let cases = [
        ("config.js", format!("const token = '{token}';\n")),
        ("deep/er/gitconfig", format!("extraheader = AUTHORIZATION: basic {basic}\n")),
        ("big.js", far(256 * 1024 - 7, &token)),
        ("bigger.js", far(3 * 256 * 1024 - 500, &private_key())),
        ("id_rsa", private_key()),
        ("account.json", serde_json::json!({"private_key": private_key()}).to_string()),
        ("gha-creds-0123456789abcdef.json", "{}".to_owned()),
    ];
    for (path, content) in cases {
        for dry_run in ["false", "true"] {
            let step = world.publish().file(&format!("site/{path}"), content.clone()).input("dry-run", dry_run);
            let outcome = world.refuses(step, "secret-files", "secret-file");
            assert!(outcome.message("secret-files").contains(path), "{outcome}");
        }
    }
}

#[test]
fn p11_what_often_holds_a_credential_is_told_and_what_does_not_is_not() {
    let world = World::with(site(), classic());
    let check = |path: &str, content: &str| {
        let outcome = world.publish().file(&format!("site/{path}"), content).run();
        outcome.succeeded();
        (outcome.check("secret-files"), outcome.cause("secret-files"))
    };
    let npm = "//registry.npmjs.org/:_authToken=npm_x\n";
    for (path, content) in
        [(".env", "A=1"), ("app/.env", "A=1"), (".netrc", "machine x"), (".pypirc", "x"), (".npmrc", npm)]
    {
        assert_eq!(check(path, content), ("warn".to_owned(), "secret-file".to_owned()), "{path}");
    }
    let variable = "//registry.npmjs.org/:_authToken=${NPM_TOKEN}\n";
    let program = "'-----BEGIN RSA PRIVATE KEY-----\\n' + key + '\\n-----END RSA PRIVATE KEY-----'";
    for (path, content) in [(".env.example", "A="), (".npmrc", variable), ("forge.js", program), ("x.json", "{}")] {
        assert_eq!(check(path, content).0, "pass", "{path}");
    }
    let left_out = world.publish().file("site/id_rsa", private_key()).input("exclude", "+id_rsa").run();
    assert_eq!(left_out.succeeded().check("secret-files"), "pass");
    let ignored = world.publish().file("site/id_rsa", private_key()).input("ignore-checks", "secret-files").run();
    assert_eq!(ignored.succeeded().check("secret-files"), "warn");
}

#[test]
fn p3_patterns_that_match_nothing_are_told_with_the_slip() {
    let branch = [("css/a.css", "a"), ("js/a.js", "a"), ("v1/index.html", "one"), ("docs/old/x", "x")];
    let target = || site().files("gh-pages", &branch);
    let warned = |input: &str, value: &str, destination: &str| {
        let world = World::with(target(), classic());
        let step = world.publish().input(input, value).input("destination", destination).input("dry-run", "true");
        let step = step.file("site/deep/x.map", "m").file("site/node_modules/x/y.js", "y");
        symlink("v1", step.workspace().join("site/latest")).unwrap();
        let outcome = step.run();
        outcome.succeeded();
        (outcome.check("patterns"), outcome.cause("patterns"), outcome.message("patterns"))
    };
    for (input, value, destination, word) in [
        ("keep", "[\"css\", \"js\"]", "", "list in brackets"),
        ("keep", "css,js", "", "Commas"),
        ("exclude", ".github,node_modules", "", "Commas"),
        ("keep", "\"css\"", "", "quotes"),
        ("keep", "- css", "", "dash"),
        ("keep", "docs/old/**", "docs", "without `destination` in front; write \"old/**\""),
        ("exclude", "site/deep", "", "without `directory` in front; write \"deep\""),
        ("keep", "latest/**", "", "symbolic link"),
        ("exclude", "*.map", "", "write \"**/*.map\""),
        ("keep", "fonts/**", "", "matches nothing"),
    ] {
        let (check, cause, message) = warned(input, value, destination);
        assert_eq!((check.as_str(), cause.as_str()), ("warn", "pattern-unmatched"), "{input}: {value}: {message}");
        assert!(message.contains(word), "{value}: {message}");
    }
    for (input, value, destination) in [
        ("keep", "css/**\njs", ""),
        ("keep", "old", "docs"),
        ("exclude", "+node_modules\nnode_modules/x", ""),
        ("exclude", "**/*.map\nv1/**", ""),
    ] {
        assert_eq!(warned(input, value, destination).0, "pass", "{input}: {value}");
    }
}

#[test]
fn p12_an_older_run_that_ends_after_a_newer_one_is_told() {
    let world = World::with(site(), classic());
    let of_run = |number: &str| world.publish().file("site/run", number).env("GITHUB_RUN_ID", number);
    of_run("100").run().succeeded();
    of_run("102").run().succeeded();
    let preview = |number: &str| of_run(number).input("destination", "previews/pr-1");
    let outcome = of_run("101").input("dry-run", "true").run();
    outcome.succeeded();
    assert_eq!(
        (outcome.check("newer-publish").as_str(), outcome.cause("newer-publish").as_str()),
        ("warn", "newer-publish")
    );
    assert!(
        outcome.message("newer-publish").contains("/actions/runs/102") && outcome.stdout.contains("concurrency"),
        "{outcome}"
    );
    let elsewhere = preview("101").run();
    assert_eq!(elsewhere.succeeded().check("newer-publish"), "pass", "the newer run changed another folder");
    preview("104").run().succeeded();
    assert_eq!(preview("103").input("dry-run", "true").run().succeeded().check("newer-publish"), "warn");
    let kept = of_run("103").input("keep", "previews/**").run();
    assert_eq!(kept.succeeded().check("newer-publish"), "pass", "what the newer run changed stays");
    assert_eq!(of_run("105").run().succeeded().check("newer-publish"), "pass");
}

#[test]
fn p15_a_temporary_folder_that_is_not_there_is_replaced() {
    for folder in ["/mnt/tmp/not/there", "/proc"] {
        World::with(site(), classic()).publish().env("TMPDIR", folder).run().succeeded();
    }
}

#[test]
fn p17_links_that_pass_for_gitmodules_are_refused_before_anything_is_sent() {
    for name in [".gitmodules ", ".gitmodules", "GITMOD~1", ".git\u{200c}modules"] {
        let world = World::with(site(), classic());
        let step = world.publish();
        symlink("index.html", step.workspace().join("site").join(name)).unwrap();
        let outcome = step.run();
        outcome.failed("invalid-input");
        assert!(world.github.log().pushes().is_empty(), "{outcome}");
    }
}

#[test]
fn p20_a_dry_run_reads_as_one_and_links_nothing_that_is_not_there() {
    let world = World::with(site(), classic());
    let step = || world.publish().input("tag", "v1").input("dispatch", "go");
    let outcome = step().input("dry-run", "true").run();
    outcome.succeeded();
    let first = outcome.summary.lines().next().unwrap();
    let last = outcome.stdout.trim_end().lines().last().unwrap();
    for line in [first, last] {
        assert!(
            line.contains("Would publish to acme/site gh-pages: 2 added") && line.contains("nothing was written"),
            "{line}"
        );
        assert!(!line.contains('\u{2713}') && !line.contains("Relayed"), "{line}");
    }
    for page in ["/commit/", "/tree/gh-pages", "/tree/v1", "/compare/", "acme/site/actions"] {
        assert!(!outcome.summary.contains(page), "{page}: {}", outcome.summary);
    }
    // Of a branch that is there the present tip is linked, and no new commit.
    step().run().succeeded();
    let tip = world.tip("refs/heads/gh-pages").unwrap();
    let again = world.publish().file("site/more.html", "more").input("dry-run", "true").run();
    again.succeeded();
    let commits: Vec<&str> = again.summary.split("/commit/").skip(1).map(|rest| &rest[..40]).collect();
    assert!(!commits.is_empty() && commits.iter().all(|commit| *commit == tip), "{}", again.summary);
}

#[test]
fn p20_a_health_check_reads_as_one() {
    let world = World::with(site(), classic());
    let outcome = world.step().run();
    outcome.succeeded();
    let first = outcome.summary.lines().next().unwrap();
    let last = outcome.stdout.trim_end().lines().last().unwrap();
    for line in [first, last] {
        assert!(line.contains("Token of robin for acme/site") && line.contains("nothing to relay"), "{line}");
        assert!(!line.contains("Relayed"), "{line}");
    }
    assert!(!outcome.summary.contains("mermaid") && !outcome.summary.contains("What changed"), "{}", outcome.summary);
}

#[test]
fn r11_an_annotated_tag_that_moves_links_no_tag_object() {
    let world = World::with(site(), classic());
    let tag = |message: &str| {
        world.step().input("tag", "+v1").input("tag-message", message).input("tag-target", "main").run()
    };
    tag("one").succeeded();
    let old = world.tip("refs/tags/v1").unwrap();
    world.github.repository(TARGET).commit("refs/heads/main", &[("x", b"y")], "next");
    let outcome = tag("two");
    outcome.succeeded();
    let new = world.tip("refs/tags/v1").unwrap();
    assert_ne!(old, new);
    for object in [&old, &new] {
        assert!(!outcome.summary.contains(&format!("/commit/{object}")), "{}", outcome.summary);
        assert!(!outcome.summary.contains(&format!("/compare/{object}")), "{}", outcome.summary);
    }
    assert!(outcome.summary.contains("/tree/v1"), "{}", outcome.summary);
}
