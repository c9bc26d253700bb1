//! Publishing as people do it: what stays on the branch, what goes, and what the commit tells.

use std::os::unix::fs::symlink;

use emulator::model::{Model, Repository, Role, Token};

use crate::{
    runner::{SHA, Step},
    world::{TARGET, World},
};

fn classic() -> Token {
    Token::classic("robin", &["repo", "workflow"])
}

fn world(branch: &str, files: &[(&str, &str)]) -> World {
    World::with(Repository::new(TARGET).file("README.md", "r").files(branch, files), classic())
}

/// A target whose `gh-pages` has a submodule entry at each of `paths`, with a `.gitmodules`.
fn with_submodules(paths: &[&str]) -> World {
    let world =
        world("gh-pages", &[(".gitmodules", "[submodule \"t\"]\n\tpath = theme\n\turl = https://x.example/t\n")]);
    let tree = world.git(&["ls-tree", "gh-pages"]);
    let index = tempfile::tempdir().unwrap();
    let git = |args: &[&str]| {
        let mut command = std::process::Command::new("git");
        command.arg("--git-dir").arg(world.github.repository(TARGET).path()).args(args);
        let output = command.env("GIT_INDEX_FILE", index.path().join("index")).output().unwrap();
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    assert!(!tree.is_empty());
    git(&["read-tree", "gh-pages"]);
    for path in paths {
        git(&["update-index", "--add", "--cacheinfo", &format!("160000,{SHA},{path}")]);
    }
    let tree = git(&["write-tree"]);
    let identity = ["-c", "user.name=a", "-c", "user.email=a@b"];
    let commit = git(&[&identity[..], &["commit-tree", &tree, "-p", "gh-pages", "-m", "theme"]].concat());
    git(&["update-ref", "refs/heads/gh-pages", &commit]);
    world
}

#[test]
fn p1_a_submodule_entry_that_the_directory_lacks_goes() {
    let world = with_submodules(&["theme", "docs/lib"]);
    world.publish().run().succeeded();
    assert_eq!(world.paths("gh-pages"), [".nojekyll", "index.html"]);
    assert!(!world.git(&["ls-tree", "-r", "gh-pages"]).contains("160000"));

    let world = with_submodules(&["theme", "docs/lib"]);
    world.publish().input("history", "single").run().succeeded();
    assert!(!world.git(&["ls-tree", "-r", "gh-pages"]).contains("160000"), "with one commit too");

    let world = with_submodules(&["theme", "docs/lib"]);
    world.publish().input("destination", "docs").run().succeeded();
    let left = world.git(&["ls-tree", "-r", "gh-pages"]);
    assert!(left.contains("\ttheme") && !left.contains("docs/lib"), "outside it stays: {left}");

    let world = with_submodules(&["theme"]);
    world.publish().input("keep", "theme\n.gitmodules").run().succeeded();
    assert!(world.git(&["ls-tree", "-r", "gh-pages"]).contains("\ttheme"), "what is kept stays");
}

/// The step is refused before anything is sent, and the branch is what it was.
#[track_caller]
fn refused(world: &World, step: Step, words: &[&str]) {
    let before = world.state();
    let outcome = step.run();
    outcome.failed("invalid-input");
    for word in words {
        assert!(outcome.stdout.contains(word), "{word}: {outcome}");
    }
    assert_eq!(world.state(), before);
    assert!(world.github.log().pushes().is_empty(), "{outcome}");
}

#[test]
fn p2_a_kept_file_and_a_file_or_link_in_the_place_of_its_folder() {
    let kept = [("previews/pr-1/index.html", "preview")];
    let keeping = |world: &World| world.publish().input("keep", "previews/**");
    let words = ["previews/pr-1/index.html", "`keep`"];
    let world_ = world("gh-pages", &kept);
    refused(&world_, keeping(&world_).file("site/previews", "a file"), &words);
    let world_ = world("gh-pages", &kept);
    let step = keeping(&world_);
    symlink("index.html", step.workspace().join("site/previews")).unwrap();
    refused(&world_, step, &words);
    let world_ = world("gh-pages", &kept);
    refused(&world_, keeping(&world_).file("site/previews", "a file").input("dry-run", "true"), &words);
}

#[test]
fn p2_a_kept_file_and_a_folder_of_its_name() {
    let world_ = world("gh-pages", &[("docs", "a file"), ("v1/x", "x")]);
    let step = world_.publish().file("site/docs/index.html", "a folder").input("keep", "docs");
    refused(&world_, step, &["docs", "is a folder in the directory and a file on the branch"]);
    let world_ = world("gh-pages", &[("v1/docs", "a file")]);
    let step = world_.publish().file("site/docs/index.html", "a folder").input("keep", "*").input("destination", "v1");
    refused(&world_, step, &["`keep`"]);
}

#[test]
fn p6_cname_lives_in_the_folder_that_pages_publishes_from() {
    let site = |folder: &str| {
        let mut target = Repository::new(TARGET)
            .files("main", &[("README.md", "r"), ("docs/CNAME", "here.example\n"), ("docs/old.html", "o")])
            .pages("main");
        target.pages.as_mut().unwrap().folder = folder.to_owned();
        World::with(target, classic())
    };
    let publish = |world: &World| world.publish().input("branch", "main").input("destination", "docs");
    let world = site("/docs");
    publish(&world).run().succeeded();
    assert_eq!(world.paths("main"), ["README.md", "docs/CNAME", "docs/index.html"]);
    publish(&world).input("cname", "new.example").input("nojekyll", "true").run().succeeded();
    assert_eq!(world.git(&["show", "main:docs/CNAME"]), "new.example");
    assert_eq!(world.paths("main"), ["README.md", "docs/.nojekyll", "docs/CNAME", "docs/index.html"]);
    // Of another folder it is a file like any other.
    let world = site("/");
    publish(&world).input("cname", "root.example").run().succeeded();
    assert_eq!(world.paths("main"), ["CNAME", "README.md", "docs/index.html"]);
}

#[test]
fn p7_another_folder_of_a_site_does_not_switch_jekyll_off() {
    let jekyll = [("_config.yml", "title: x\n"), ("index.md", "# hello\n")];
    let world_ = world("gh-pages", &jekyll);
    world_.publish().input("destination", "api").run().succeeded();
    assert_eq!(world_.paths("gh-pages"), ["_config.yml", "api/index.html", "index.md"]);
    world_.publish().input("destination", "api").input("nojekyll", "true").run().succeeded();
    assert!(world_.paths("gh-pages").contains(&".nojekyll".to_owned()), "asked for, it is added");
    let world_ = world("gh-pages", &jekyll);
    world_.publish().run().succeeded();
    assert_eq!(world_.paths("gh-pages"), [".nojekyll", "index.html"], "at the root it is");
    let new = World::new();
    new.publish().input("destination", "api").run().succeeded();
    assert_eq!(new.paths("gh-pages"), [".nojekyll", "api/index.html"], "a new branch has no Jekyll yet");
    let site = world("site", &[("index.md", "# hello\n")]);
    site.publish().input("branch", "site").run().succeeded();
    assert_eq!(site.paths("site"), ["index.html"], "another branch is left alone");
}

/// A world whose source is private, or not; the target likewise.
fn private(source: bool, target: bool) -> World {
    let mut site = Repository::new(TARGET).file("README.md", "r").collaborator("robin", Role::Write);
    if target {
        site = site.private();
    }
    let world = World::of(Model::new().repository(site), classic());
    if source {
        world.github.model(|model| {
            model.find_mut("acme/source").unwrap().visibility = emulator::model::Visibility::Private;
        });
    }
    world
}

fn message(world: &World) -> String {
    world.git(&["log", "-1", "--format=%B", "gh-pages"])
}

#[test]
fn p13_a_private_source_is_not_named_in_a_public_target() {
    for (source, target, named) in [(true, false, false), (true, true, true), (false, false, true)] {
        let world = private(source, target);
        world.publish().input("message", "Publish").run().succeeded();
        assert_eq!(message(&world).contains("Relay-Source: acme/source@"), named, "{source} {target}");
        assert_eq!(message(&world).contains("Relay-Run: "), named, "{source} {target}");
    }
    let world = private(true, false);
    world.publish().input("trailers", "true").run().succeeded();
    assert!(message(&world).contains("Relay-Source: "), "asked for");
    let world = private(false, false);
    world.publish().input("trailers", "false").run().succeeded();
    assert!(!message(&world).contains("Relay-"));
}

#[test]
fn p13_the_event_says_it_without_a_request() {
    for (private, named) in [(true, false), (false, true)] {
        let world = World::new();
        let event = serde_json::json!({"repository": {"full_name": "acme/source", "private": private}});
        let step = world.publish().file("event.json", event.to_string());
        let place = step.workspace().join("event.json");
        step.env("GITHUB_EVENT_PATH", place.to_str().unwrap()).run().succeeded();
        assert_eq!(message(&world).contains("Relay-Source: "), named);
        assert!(world.github.log().calls("GET", "/repos/acme/source").is_empty());
    }
}

#[test]
fn p13_a_source_that_the_token_does_not_see_is_not_public() {
    let target = Repository::new(TARGET).file("README.md", "r").collaborator("robin", Role::Write);
    let world = World::of(Model::new().repository(target), classic());
    world.github.model(|model| {
        let source = model.find_mut("acme/source").unwrap();
        source.visibility = emulator::model::Visibility::Private;
        source.collaborators.clear();
    });
    let step = world.publish().input("message", "Publish").file("event.json", r#"{"schedule": "0 4 * * *"}"#);
    let place = step.workspace().join("event.json");
    step.env("GITHUB_EVENT_PATH", place.to_str().unwrap()).run().succeeded();
    assert_eq!(message(&world), "Publish");
}

#[test]
fn m11_a_message_brings_no_trailer_of_our_name() {
    let world = World::new();
    let forged = "Site\n\nRelay-Source: evil/repo@1111111\nRelay-Run: https://evil.example/1\nReviewed-by: A <a@b.c>";
    world.publish().input("message", forged).run().succeeded();
    let sources = world.git(&["log", "-1", "--format=%(trailers:key=Relay-Source,valueonly)", "gh-pages"]);
    assert_eq!(sources, format!("acme/source@{SHA}"));
    assert!(!message(&world).contains("evil") && message(&world).contains("Reviewed-by: A"));
}

#[test]
fn p14_what_is_left_out_is_counted() {
    let world_ = world("gh-pages", &[("index.html", "old"), ("gone.html", "g")]);
    let step =
        world_.publish().file("site/drafts/a.md", "a").file("site/drafts/deep/b.md", "b").file("site/x.map", "m");
    std::fs::create_dir_all(step.workspace().join("site/empty/too")).unwrap();
    let outcome = step.input("exclude", "drafts\n*.map").run();
    outcome.succeeded();
    let changes = outcome.report()["targets"][0]["changes"].clone();
    assert_eq!(changes["excluded"], 3, "{changes}");
    let named: Vec<(&str, &str)> = changes["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| (file["path"].as_str().unwrap(), file["change"].as_str().unwrap()))
        .collect();
    assert_eq!(named, [(".nojekyll", "added"), ("gone.html", "removed"), ("index.html", "changed")]);
    assert!(outcome.stdout.contains("3 files left out by `exclude`; 1 empty folder"), "{outcome}");
    assert!(outcome.summary.contains("3 files left out"), "{}", outcome.summary);
    let none = world_.publish().run();
    assert_eq!(none.report()["targets"][0]["changes"]["excluded"], 0, "{none}");
    let planned = world_.publish().file("site/x.map", "m").input("exclude", "*.map").input("dry-run", "true").run();
    assert_eq!(planned.report()["targets"][0]["changes"]["excluded"], 1, "{planned}");
}

/// Links of the workspace: where each is, and its target.
type Links<'a> = &'a [(&'a str, &'a str)];

/// A step whose site has these links.
fn linked(world: &World, links: Links) -> Step {
    let step = world.publish().input("symlinks", "follow");
    for (link, target) in links {
        let place = step.workspace().join(link);
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        symlink(target, place).unwrap();
    }
    step
}

#[test]
fn symlinks_are_followed_to_what_they_point_to() {
    let world = World::new();
    let links = [
        ("site/home.html", "index.html"),
        ("site/latest", "v2"),
        ("site/v2/assets", "../../shared/./assets"),
        ("site/run", "../shared/run.sh"),
        ("site/chain", "home.html"),
        ("site/drafts", "../shared"),
    ];
    let step = linked(&world, &links).file("site/v2/index.html", "two").file("shared/assets/a.css", "css");
    let step = step.file("shared/run.sh", "#!/bin/sh\n").input("exclude", "drafts/");
    let script = step.workspace().join("shared/run.sh");
    std::fs::set_permissions(script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let outcome = step.run();
    outcome.succeeded();
    let tree = world.git(&["ls-tree", "-r", "gh-pages"]);
    assert!(!tree.contains("120000"), "{tree}");
    assert!(tree.lines().any(|line| line.starts_with("100755") && line.ends_with("\trun")), "{tree}");
    let expected = [
        ".nojekyll",
        "chain",
        "home.html",
        "index.html",
        "latest/assets/a.css",
        "latest/index.html",
        "run",
        "v2/assets/a.css",
        "v2/index.html",
    ];
    assert_eq!(world.paths("gh-pages"), expected);
    assert_eq!(world.git(&["show", "gh-pages:latest/assets/a.css"]), "css");
    assert_eq!(world.git(&["show", "gh-pages:chain"]), "<h1>hello</h1>");
    assert_eq!(outcome.report()["targets"][0]["changes"]["excluded"], 2, "the folder behind a link is counted");
}

#[test]
fn a_link_without_an_end_to_publish_is_refused_by_name() {
    let elsewhere = tempfile::tempdir().unwrap();
    std::fs::write(elsewhere.path().join("secret"), "s").unwrap();
    let outside = elsewhere.path().join("secret");
    let cases: [(Links, &[&str]); 8] = [
        (&[("site/a", "gone")], &["a", "gone", "dangles"]),
        (&[("site/a", "index.html/x")], &["a", "dangles"]),
        (&[("site/a", "b"), ("site/b", "a")], &["loops"]),
        (&[("site/sub/up", "..")], &["sub/up", "loops"]),
        (&[("site/sub/all", "../../")], &["sub/all", "loops"]),
        (&[("site/x", "../m"), ("m/y", "../n"), ("n/z", "../m")], &["x/y/z", "loops"]),
        (&[("site/a", outside.to_str().unwrap())], &["a", "leaves the workspace"]),
        (&[("site/a", "../.git")], &[".git"]),
    ];
    for (links, words) in cases {
        let world = World::new();
        refused(&world, linked(&world, links).file(".git/config", "[core]"), words);
    }
    let world = World::new();
    let excluded = linked(&world, &[("site/a", "gone")]).input("exclude", "a");
    excluded.run().succeeded();
}

#[test]
fn p9_a_directory_that_is_not_there_is_diagnosed() {
    let cases: [(&str, &[&str]); 15] = [
        ("bazel-bin", &["\"bazel-bin\" is a link to \"/home/runner/.cache/bazel\"", "only the workspace", "cp -rL"]),
        ("bazel-bin/docs", &["\"bazel-bin\" is a link to"]),
        ("Site", &["Did you mean `directory: site`?", "case"]),
        ("packages/Web/dist", &["Did you mean `directory: packages/web`?"]),
        ("site/*", &["is a pattern", "Write `directory: site`."]),
        ("packages/*/dist", &["is a pattern", "Write `directory: packages`."]),
        ("\"site\"", &["quotes", "Write `directory: site`."]),
        ("~/site", &["home folder", "Write `directory: site`"]),
        ("${GITHUB_WORKSPACE}/site", &["not expanded", "Write `directory: site`.", "${{ env.NAME }}"]),
        ("packages\\web", &["backslashes", "Write `directory: packages/web`."]),
        ("site,packages", &["names 2 folders", "one folder per step"]),
        ("sites", &["Did you mean `directory: site`?"]),
        ("source/site", &["Did you mean `directory: site`?"]),
        ("web", &["Did you mean `directory: packages/web`?"]),
        ("build", &["does not exist", "The folders in the workspace: \"packages\", \"site\""]),
    ];
    for (directory, words) in cases {
        let world = World::new();
        let step = world.publish().file("packages/web/dist/a.js", "a").input("directory", directory);
        symlink("/home/runner/.cache/bazel", step.workspace().join("bazel-bin")).unwrap();
        let outcome = step.run();
        outcome.failed("directory-not-found");
        for word in words {
            assert!(outcome.stdout.contains(word), "{directory}: {word}: {outcome}");
        }
        assert!(world.github.log().pushes().is_empty());
    }
}

#[test]
fn p9_lines_paths_of_the_runner_and_an_empty_workspace() {
    let world = World::new();
    let outcome = world.publish().input("directory", "site\ndocs").run();
    outcome.failed("directory-not-found");
    assert!(outcome.stdout.contains("has 2 lines"), "{outcome}");
    let outcome = world.publish().input("directory", "/home/runner/work/source/source/site").run();
    outcome.failed("invalid-input");
    assert!(outcome.stdout.contains("Write `directory: site`"), "{outcome}");
    let outcome = world.step().input("directory", "dist").run();
    outcome.failed("directory-not-found");
    assert!(outcome.stdout.contains("actions/checkout"), "{outcome}");
    let outcome = world.publish().input("directory", "site/index.html").run();
    outcome.failed("directory-not-found");
    assert!(outcome.stdout.contains("is a file") && outcome.stdout.contains("`directory: site`"), "{outcome}");
}

#[test]
fn p17_what_githubs_check_refuses_in_a_file_is_found_before() {
    let long = format!("a text\n{} text\n", "x".repeat(2100));
    let module = |name: &str, url: &str| format!("[submodule \"{name}\"]\n\tpath = x\n\turl = {url}\n");
    for (path, content, words) in [
        (
            ".gitmodules",
            module("x", "-u./x"),
            &["\".gitmodules\"", "\"x\"", "\"-u./x\"", "address of a repository"][..],
        ),
        ("docs/.gitmodules", module("../x", "https://x.example/t"), &["\"docs/.gitmodules\"", "Rename the submodule"]),
        ("GITMOD~1", module("x", "-u./x"), &["\"GITMOD~1\"", "takes it for `.gitmodules`"]),
        (".git\u{200c}modules", module("x", "https:///x"), &["takes it for `.gitmodules`"]),
        (".gitattributes", long.clone(), &["\".gitattributes\"", "line 2", "2048", "Break"]),
        ("a/b/.gitattributes.", long.clone(), &["takes it for `.gitattributes`"]),
    ] {
        for dry_run in ["false", "true"] {
            let world_ = World::new();
            let before = world_.state();
            let step = world_.publish().file(&format!("site/{path}"), &content).input("dry-run", dry_run);
            let outcome = step.run();
            outcome.failed("pack-refused");
            let annotation = outcome.stdout.lines().find(|line| line.starts_with("::error")).unwrap();
            for word in words.iter().chain(&["`exclude`"]) {
                assert!(annotation.contains(word), "{word}: {annotation}");
            }
            assert!(world_.github.log().pushes().is_empty(), "{outcome}");
            assert_eq!(world_.state(), before);
        }
    }
    // What is left out is not read, and what is right goes.
    let world_ = World::new();
    let step = world_.publish().file("site/.gitattributes", &long).file("site/.gitmodules", module("x", "../t"));
    step.input("exclude", "+.gitattributes").run().succeeded();
    assert_eq!(world_.paths("gh-pages"), [".gitmodules", ".nojekyll", "index.html"]);
}
