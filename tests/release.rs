//! `script/release` on real repositories: what may become a release, and the commit that a release is.

#![allow(clippy::unwrap_used, reason = "tests may stop at the first surprise")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

const IMAGE: &str = "ghcr.io/acme/repo-relay@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// A bare `origin` and a clone with what a release is made of.
struct World {
    folder: TempDir,
    version: &'static str,
}

/// What a program says that has to end well.
#[track_caller]
fn run(program: &str, words: &[&str], folder: &Path) -> String {
    let mut command = Command::new(program);
    command.args(words).current_dir(folder).env_remove("CARGO_TARGET_DIR").env("GIT_CONFIG_GLOBAL", "/dev/null");
    for role in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{role}_NAME"), "robin").env(format!("GIT_{role}_EMAIL"), "robin@example.test");
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{program} {words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

impl World {
    fn new() -> Self {
        let world = Self { folder: TempDir::new().unwrap(), version: env!("CARGO_PKG_VERSION") };
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        run("git", &["init", "--quiet", "--bare", "--initial-branch=main", "origin"], world.folder.path());
        run("git", &["clone", "--quiet", "origin", "clone"], world.folder.path());
        world.git(&["checkout", "--quiet", "-B", "main"]);
        fs::create_dir_all(world.clone().join("script/lib")).unwrap();
        for name in ["Cargo.toml", "action.yml", "script/release", "script/lib/tools.sh", "script/lib/containers.sh"] {
            fs::copy(root.join(name), world.clone().join(name)).unwrap();
        }
        // As in the repository, not as in a release that the tests are run on.
        let action = fs::read_to_string(world.clone().join("action.yml")).unwrap();
        let (begin, _) = action.split_once("  image: ").unwrap();
        fs::write(world.clone().join("action.yml"), format!("{begin}  image: Dockerfile\n")).unwrap();
        fs::write(world.clone().join("CHANGELOG.md"), format!("# Changes\n\n## [{}] - 2026-01-02\n", world.version))
            .unwrap();
        fs::write(world.clone().join(".gitignore"), "/target\n").unwrap();
        world.commit("first");
        world
    }

    fn clone(&self) -> PathBuf {
        self.folder.path().join("clone")
    }

    #[track_caller]
    fn git(&self, words: &[&str]) -> String {
        run("git", words, &self.clone())
    }

    /// Commits all that changed to main, at both places.
    fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "-m", message]);
        self.git(&["push", "--quiet", "origin", "main"]);
        self.git(&["rev-parse", "HEAD"])
    }

    #[track_caller]
    fn release(&self, words: &[&str]) -> String {
        run("script/release", words, &self.clone())
    }

    /// What the script says where it refuses.
    #[track_caller]
    fn refused(&self, words: &[&str]) -> String {
        let output = Command::new("script/release").args(words).current_dir(self.clone()).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{words:?}: {}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8(output.stderr).unwrap()
    }
}

#[test]
fn only_the_version_of_the_manifest_at_the_tip_of_main_may_be_released_and_once() {
    let world = World::new();
    assert!(world.release(&["check", world.version]).contains("can be made of"));
    for wrong in ["v1.0.0", "1.0", "01.0.0", "1.0.0-rc.1", "1.0.0; true", ""] {
        assert!(world.refused(&["check", wrong]).contains("is no version"), "{wrong}");
    }
    assert!(world.refused(&["check", "9.9.9"]).contains("Cargo.toml says"));

    world.git(&["commit", "--quiet", "--allow-empty", "-m", "not pushed"]);
    assert!(world.refused(&["check", world.version]).contains("is not the tip of main"));
    world.git(&["push", "--quiet", "origin", "main"]);
    world.release(&["check", world.version]);

    world.git(&["tag", &format!("v{}", world.version)]);
    assert!(world.refused(&["check", world.version]).contains("is published and stays as it is"));
    world.git(&["tag", "--delete", &format!("v{}", world.version)]);

    fs::write(world.clone().join("CHANGELOG.md"), "# Changes\n\n## [Unreleased]\n").unwrap();
    world.commit("nothing to tell");
    assert!(world.refused(&["check", world.version]).contains("has no section"));
}

#[test]
fn a_release_is_a_commit_that_names_its_image_on_top_of_the_last_one() {
    let world = World::new();
    let branch = format!("releases/v{}", world.version.split('.').next().unwrap());
    let source = world.git(&["rev-parse", "HEAD"]);
    let first = world.release(&["commit", IMAGE]);
    assert_eq!(world.git(&["rev-parse", "HEAD"]), first);
    assert_eq!(world.git(&["rev-parse", &format!("{first}^@")]), source);
    assert_eq!(world.git(&["diff", "--name-only", &source, &first]), "action.yml");
    let action = world.git(&["show", &format!("{first}:action.yml")]);
    assert!(action.ends_with(&format!("  image: docker://{IMAGE}")), "{action}");
    assert_eq!(
        world.git(&["show", "--no-patch", "--format=%an %s", &first]),
        format!("github-actions[bot] Release {}", world.version)
    );

    // Done again, as when a job is run again: the same commit.
    world.git(&["checkout", "--quiet", "main"]);
    assert_eq!(world.release(&["commit", IMAGE]), first);
    world.git(&["push", "--quiet", "origin", &format!("HEAD:refs/heads/{branch}")]);
    world.git(&["checkout", "--quiet", "main"]);
    assert_eq!(world.release(&["commit", IMAGE]), first, "also when it is published");

    // The next one: the branch only grows, and main is in it.
    world.git(&["checkout", "--quiet", "main"]);
    let next_source = world.commit("more");
    let next = IMAGE.replace("sha256:01", "sha256:10");
    let second = world.release(&["commit", &next]);
    assert_eq!(world.git(&["rev-parse", &format!("{second}^@")]), format!("{first}\n{next_source}"));
    assert_eq!(world.git(&["diff", "--name-only", &next_source, &second]), "action.yml");
    world.git(&["push", "--quiet", "origin", &format!("HEAD:refs/heads/{branch}")]);
}

#[test]
fn what_is_no_digest_is_not_committed() {
    let world = World::new();
    for wrong in
        ["ghcr.io/acme/repo-relay:v1", "ghcr.io/Acme/repo-relay@sha256:0123", "", &IMAGE.replace("acme", "a|cme")]
    {
        assert!(world.refused(&["commit", wrong]).contains("is not NAME@sha256:DIGEST"), "{wrong}");
    }
    world.release(&["commit", IMAGE]);
    assert!(world.refused(&["commit", IMAGE]).contains("is this a release already?"));
    assert_eq!(world.git(&["status", "--porcelain"]), "");
}
