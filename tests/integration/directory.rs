//! What a directory may hold, how wide and deep it may be, and what is said about the rest.

use std::{
    fs,
    os::unix::{ffi::OsStrExt as _, net::UnixListener},
};

use emulator::model::{Repository, Token};

use crate::world::{TARGET, World};

const LFS_POINTER: &str = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n";

#[test]
fn names_that_git_or_github_refuse_are_named_before_anything_is_sent() {
    let world = World::new();
    let long = "n".repeat(255);
    let too_long = format!("{}/x", vec![&*long; 17].join("/"));
    for (path, reason) in [
        (&b"git~1"[..], "Windows takes its name for `.git`"),
        (b"a/.git .", "Windows takes its name for `.git`"),
        ("b/.g\u{200c}it".as_bytes(), "macOS takes its name for `.git`"),
    ] {
        let step = world.publish();
        let place = step.workspace().join("site").join(std::ffi::OsStr::from_bytes(path));
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, "x").unwrap();
        let outcome = step.run();
        outcome.failed("invalid-input");
        assert!(outcome.stdout.contains(reason), "{outcome}");
    }
    for destination in ["a/../b", ".git/hooks", "previews/git~1", &format!("{long}n"), &too_long] {
        world.publish().input("destination", destination).run().failed("invalid-input");
    }
    // Both fit alone, and not together.
    let (upper, lower) = (too_long[..2000].to_owned(), format!("site/{}/x", &too_long[..2200]));
    let outcome = world.publish().input("destination", upper).file(&lower, "x").run();
    outcome.failed("invalid-input");
    assert!(outcome.stdout.contains("longer than 4096 bytes"), "{outcome}");
    assert!(world.github.log().0.is_empty(), "refused before the first request");
}

#[test]
fn a_windows_path_and_other_malformed_globs_are_explained() {
    let world = World::new();
    for (input, glob, words) in [
        ("keep", r"docs\api\**", "forward slashes"),
        ("exclude", r"+docs\drafts", "\"docs/drafts\""),
        ("keep", "../other", "leaves the destination"),
        ("exclude", "!docs", "without a negation"),
        ("keep", "a[", "no valid glob"),
    ] {
        let outcome = world.publish().input(input, glob).run();
        outcome.failed("invalid-input");
        let text = outcome.stdout.replace("%22", "\"");
        assert!(text.contains(words) && text.contains(&format!("`{input}`")), "{input} {glob}: {outcome}");
    }
    assert!(world.github.log().0.is_empty());
}

#[test]
fn what_git_can_not_hold_is_passed_over_with_a_notice() {
    let world = World::new();
    let step = world.publish();
    let _socket = UnixListener::bind(step.workspace().join("site/daemon.sock")).unwrap();
    let outcome = step.run();
    outcome.succeeded();
    assert_eq!(world.paths("gh-pages"), [".nojekyll", "index.html"]);
    assert!(outcome.stdout.contains("daemon.sock") && outcome.stdout.contains("git holds no sockets"), "{outcome}");
    assert!(!outcome.stdout.contains("::warning"), "{outcome}");
}

#[test]
fn lfs_pointers_are_warned_about_where_pages_would_serve_them() {
    let world = World::new();
    let step = |branch: &str| {
        let step = world.publish().file("site/video.mp4", LFS_POINTER).input("branch", branch);
        step.file("site/about-lfs.md", format!("A pointer looks like this:\n{LFS_POINTER}"))
    };
    let outcome = step("gh-pages").run();
    outcome.succeeded();
    let warning = outcome.stdout.lines().find(|line| line.starts_with("::warning") && line.contains("LFS"));
    let warning = warning.unwrap_or_else(|| panic!("{outcome}"));
    assert!(warning.contains("video.mp4") && warning.contains("lfs: true"), "{warning}");
    assert!(!warning.contains("about-lfs.md"), "{warning}");
    let outcome = step("release").run();
    outcome.succeeded();
    assert!(!outcome.stdout.contains("Git LFS"), "{outcome}");
}

#[test]
fn a_folder_of_fifty_thousand_files_and_a_very_deep_one_are_published() {
    const COUNT: usize = 50_000;
    let world = World::new();
    let site = |changed: &str| {
        let step = world.publish();
        let wide = step.workspace().join("site/wide");
        fs::create_dir(&wide).unwrap();
        for number in 0..COUNT {
            let content = if number == 777 { changed } else { "page" };
            fs::write(wide.join(format!("page-{number}.html")), content).unwrap();
        }
        step.file(&format!("site/{}bottom", "d/".repeat(700)), "deep")
    };
    let outcome = site("page").run();
    outcome.succeeded();
    assert_eq!(world.git(&["ls-tree", "-r", "--name-only", "gh-pages"]).lines().count(), COUNT + 3);
    assert_eq!(outcome.report()["targets"][0]["changes"]["added"], COUNT + 3);
    let outcome = site("another page").run();
    outcome.succeeded();
    assert_eq!(world.git(&["diff", "--name-only", "gh-pages~", "gh-pages"]), "wide/page-777.html");
    assert_eq!(outcome.report()["targets"][0]["changes"]["changed"], 1);
}

#[test]
fn a_rename_that_changes_only_the_case_leaves_one_name() {
    let files = [("Img/Logo.png", "logo"), ("README.md", "r")];
    let world = World::with(Repository::new(TARGET).files("gh-pages", &files), Token::classic("robin", &["repo"]));
    world.publish().file("site/img/logo.png", "logo").file("site/Readme.md", "r").run().succeeded();
    assert_eq!(world.paths("gh-pages"), [".nojekyll", "Readme.md", "img/logo.png", "index.html"]);
}

#[test]
fn modes_follow_the_directory_and_a_link_takes_a_files_place() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let files = [("run.sh", "#!/bin/sh\n"), ("latest", "a file"), ("index.html", "<h1>hello</h1>\n")];
    let world = World::with(Repository::new(TARGET).files("gh-pages", &files), Token::classic("robin", &["repo"]));
    let step = world.publish().file("site/run.sh", "#!/bin/sh\n");
    let site = step.workspace().join("site");
    fs::set_permissions(site.join("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    symlink("v2", site.join("latest")).unwrap();
    let outcome = step.run();
    outcome.succeeded();
    let modes = world.git(&["ls-tree", "gh-pages", "run.sh", "latest"]);
    assert!(modes.starts_with("120000") && modes.contains("\n100755"), "{modes}");
    assert_eq!(outcome.report()["targets"][0]["changes"]["changed"], 2);
}
