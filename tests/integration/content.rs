//! What becomes of a branch's content and history.

use emulator::model::{Repository, Token};

use crate::world::{TARGET, World};

fn world(files: &[(&str, &str)]) -> World {
    World::with(Repository::new(TARGET).files("gh-pages", files), Token::classic("robin", &["repo", "workflow"]))
}

#[test]
fn an_empty_repository_gets_its_first_branch() {
    let world = World::with(Repository::new(TARGET), Token::classic("robin", &["repo"]));
    let outcome = world.publish().input("tag", "v1").run();
    outcome.succeeded();
    assert_eq!(world.paths("gh-pages"), [".nojekyll", "index.html"]);
    assert_eq!(world.tip("refs/tags/v1"), world.tip("refs/heads/gh-pages"));
}

#[test]
fn history_single_leaves_one_commit_and_sends_only_what_the_branch_lacks() {
    let big = "x".repeat(200_000);
    let world = world(&[("big.txt", &big), ("old.txt", "old")]);
    let outcome = world.publish().file("site/big.txt", &big).input("history", "single").run();
    outcome.succeeded();
    assert_eq!(world.git(&["rev-list", "--count", "gh-pages"]), "1");
    assert_eq!(world.paths("gh-pages"), [".nojekyll", "big.txt", "index.html"]);
    assert!(outcome.report()["targets"][0]["refs"][0]["forced"].as_bool().unwrap());
    let pushed = world.github.log().pushes()[0].bytes_in;
    assert!(pushed < 2000, "{pushed} bytes were sent");
    world.git(&["fsck", "--strict"]);
    // The same tree on a tip without parents: nothing to do.
    let again = world.publish().file("site/big.txt", &big).input("history", "single").run();
    again.succeeded();
    assert_eq!(again.stage("push"), "unchanged");
}

#[test]
fn what_is_kept_stays_and_may_be_overwritten() {
    let world = world(&[("keep/a.txt", "old"), ("keep/b.txt", "old"), ("gone.txt", "old")]);
    world.publish().file("site/keep/a.txt", "new").input("keep", "keep/**").run().succeeded();
    assert_eq!(world.paths("gh-pages"), [".nojekyll", "index.html", "keep/a.txt", "keep/b.txt"]);
    assert_eq!(world.git(&["show", "gh-pages:keep/a.txt"]), "new");
}

#[test]
fn what_is_excluded_is_neither_published_nor_removed() {
    let world = world(&[("drafts/there.md", "there"), (".github/workflows/x.yml", "x"), ("gone.txt", "old")]);
    let step = world
        .publish()
        .file("site/drafts/new.md", "new")
        .file("site/.github/workflows/x.yml", "other")
        .file("site/page.map", "m")
        .input("exclude", "+drafts\n+*.map");
    step.run().succeeded();
    assert_eq!(world.paths("gh-pages"), [".github/workflows/x.yml", ".nojekyll", "drafts/there.md", "index.html"]);
    assert_eq!(world.git(&["show", "gh-pages:.github/workflows/x.yml"]), "x");
}

#[test]
fn an_exclude_of_its_own_replaces_the_default_and_an_empty_one_excludes_nothing() {
    for (exclude, paths) in [
        ("drafts/", &[".github/new.txt", ".nojekyll", "drafts/there.md", "index.html"][..]),
        ("", &[".github/new.txt", ".nojekyll", "drafts/new.md", "index.html"]),
        ("+**/*.md", &[".github/there.txt", ".nojekyll", "drafts/there.md", "index.html"]),
    ] {
        let world = world(&[("drafts/there.md", "there"), (".github/there.txt", "there"), ("gone.txt", "old")]);
        let step = world.publish().file("site/drafts/new.md", "new").file("site/.github/new.txt", "new");
        step.input("exclude", exclude).run().succeeded();
        assert_eq!(world.paths("gh-pages"), paths, "{exclude:?}");
    }
}

#[test]
fn keep_and_exclude_speak_of_the_destination() {
    let files = [("v1/a.txt", "old"), ("v1/sub/a.txt", "old"), ("a.txt", "root"), ("v1/b.md", "b"), ("v1/c", "c")];
    let world = world(&files);
    let step = world.publish().file("site/b.md", "new").input("destination", "v1");
    step.input("keep", "a.txt\n**/sub").input("exclude", "*.md").run().succeeded();
    let expected = ["a.txt", "v1/a.txt", "v1/b.md", "v1/index.html", "v1/sub/a.txt"];
    assert_eq!(world.paths("gh-pages"), expected);
    assert_eq!(world.git(&["show", "gh-pages:v1/b.md"]), "b");
}

#[test]
fn all_is_kept_but_what_the_directory_has_a_file_for() {
    let world = world(&[("a/b", "old"), ("a/x", "old"), ("index.html", "old")]);
    let outcome = world.publish().file("site/a/b", "new").input("keep", "**").run();
    outcome.succeeded();
    assert_eq!(world.paths("gh-pages"), [".nojekyll", "a/b", "a/x", "index.html"]);
    assert_eq!(world.git(&["show", "gh-pages:index.html"]), "<h1>hello</h1>");
    let changes = outcome.report()["targets"][0]["changes"].clone();
    assert_eq!([&changes["added"], &changes["changed"], &changes["removed"]], [1, 2, 0]);
}

#[test]
fn what_is_excluded_does_not_go_with_the_folder_that_a_file_replaces() {
    let world = world(&[("docs/secret.md", "kept"), ("docs/other.md", "other")]);
    let before = world.tip("refs/heads/gh-pages");
    let outcome = world.publish().file("site/docs", "a file").input("exclude", "docs/secret.md").run();
    outcome.failed("invalid-input");
    assert!(outcome.stdout.contains("docs/secret.md"), "{outcome}");
    assert_eq!(world.tip("refs/heads/gh-pages"), before);
}

#[test]
fn a_file_becomes_a_folder_and_back_and_names_change_their_case() {
    let world = world(&[("a", "file"), ("b/c", "folder"), ("Readme.md", "r")]);
    world
        .publish()
        .file("site/a/b", "now a folder")
        .file("site/b", "now a file")
        .file("site/README.md", "r")
        .run()
        .succeeded();
    assert_eq!(world.paths("gh-pages"), [".nojekyll", "README.md", "a/b", "b", "index.html"]);
    world.git(&["fsck", "--strict"]);
}

#[test]
fn a_path_that_leaves_the_workspace_is_refused() {
    let world = World::new();
    for directory in ["..", "../other", "/etc", "link"] {
        let step = world.publish().input("directory", directory);
        std::os::unix::fs::symlink("/etc", step.workspace().join("link")).unwrap();
        step.run().failed("invalid-input");
    }
    assert!(world.github.log().0.is_empty());
}

#[test]
fn a_cname_on_the_branch_stays_when_the_directory_has_none() {
    let world = world(&[("CNAME", "docs.example.test\n"), ("index.html", "old")]);
    world.publish().run().succeeded();
    assert_eq!(world.git(&["show", "gh-pages:CNAME"]), "docs.example.test");
    world.publish().input("cname", "new.example.test").run().succeeded();
    assert_eq!(world.git(&["show", "gh-pages:CNAME"]), "new.example.test");
}

#[test]
fn one_preview_costs_what_one_preview_costs_and_is_taken_off_again() {
    let files: Vec<(String, String)> =
        (0..600).map(|number| (format!("previews/pr-{number}/sub/index.html"), format!("preview {number}"))).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, content)| (path.as_str(), content.as_str())).collect();
    let world = world(&files);
    let whole: u64 = world.git(&["rev-list", "--objects", "--filter=blob:none", "gh-pages"]).lines().count() as u64;
    let outcome = world.publish().input("destination", "previews/pr-7").run();
    outcome.succeeded();
    let log = world.github.log();
    let down: u64 = log.calls("POST", "/git-upload-pack").iter().map(|entry| entry.bytes_out).sum();
    println!("{whole} commits and trees on the branch, {down} bytes fetched");
    assert!(down < 40_000, "{down} bytes for one preview");
    assert_eq!(world.paths("gh-pages").len(), 600);
    assert_eq!(world.git(&["show", "gh-pages:previews/pr-7/index.html"]), "<h1>hello</h1>");

    let removal = || world.step().input("remove", "true").input("destination", "previews/pr-7");
    let outcome = removal().run();
    outcome.succeeded();
    assert_eq!(outcome.output("pushed"), "true");
    assert!(!world.paths("gh-pages").iter().any(|path| path.starts_with("previews/pr-7/")));
    assert_eq!(world.paths("gh-pages").len(), 599);
    let again = removal().run();
    again.succeeded();
    assert_eq!(again.stage("push"), "unchanged");
    let elsewhere = removal().input("branch", "no-such-branch").run();
    elsewhere.succeeded();
    assert_eq!(elsewhere.output("pushed"), "false");
    assert_eq!(world.tip("refs/heads/no-such-branch"), None);
    world.git(&["fsck", "--strict"]);
}
