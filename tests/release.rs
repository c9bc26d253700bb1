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
    command.env("GITHUB_SERVER_URL", "https://github.com").env("GITHUB_REPOSITORY", "acme/relay");
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
        fs::create_dir_all(world.clone().join("native")).unwrap();
        for name in [
            "Cargo.toml",
            "LICENSE-APACHE",
            "LICENSE-MIT",
            "action.yml",
            "native/binaries.json",
            "script/release",
            "script/lib/tools.sh",
            "script/lib/containers.sh",
        ] {
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

    /// The files of a release, each with the content `NAME VERSION`, and their checksums.
    fn files(&self) -> PathBuf {
        let folder = self.folder.path().join("files");
        fs::create_dir_all(&folder).unwrap();
        for name in
            ["repo-relay-x86_64-unknown-linux-gnu", "repo-relay-x86_64-pc-windows-msvc.exe", "repo-relay-1.tar.gz"]
        {
            fs::write(folder.join(name), format!("{name} {}", self.version)).unwrap();
        }
        run("sh", &["-c", "rm -f SHA256SUMS; sha256sum * > ../sums && mv ../sums SHA256SUMS"], &folder);
        folder
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
    let files = world.files();
    let files = files.to_str().unwrap();
    let first = world.release(&["commit", IMAGE, files]);
    assert_eq!(world.git(&["rev-parse", "HEAD"]), first);
    assert_eq!(world.git(&["rev-parse", &format!("{first}^@")]), source);
    assert_eq!(world.git(&["diff", "--name-only", &source, &first]), "action.yml\nnative/binaries.json");
    let binaries: serde_json::Value =
        serde_json::from_str(&world.git(&["show", &format!("{first}:native/binaries.json")])).unwrap();
    assert_eq!(binaries["version"], world.version);
    let release = format!("https://github.com/acme/relay/releases/download/v{}", world.version);
    assert_eq!(binaries["release"], release);
    let sums = fs::read_to_string(Path::new(files).join("SHA256SUMS")).unwrap();
    let names: Vec<&String> = binaries["sha256"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["repo-relay-x86_64-pc-windows-msvc.exe", "repo-relay-x86_64-unknown-linux-gnu"]);
    for (name, sum) in binaries["sha256"].as_object().unwrap() {
        assert!(sums.contains(&format!("{}  {name}\n", sum.as_str().unwrap())), "{name}");
    }
    let action = world.git(&["show", &format!("{first}:action.yml")]);
    assert!(action.ends_with(&format!("  image: docker://{IMAGE}")), "{action}");
    assert_eq!(
        world.git(&["show", "--no-patch", "--format=%an %s", &first]),
        format!("github-actions[bot] Release {}", world.version)
    );

    // Done again, as when a job is run again: the same commit.
    world.git(&["checkout", "--quiet", "main"]);
    assert_eq!(world.release(&["commit", IMAGE, files]), first);
    world.git(&["push", "--quiet", "origin", &format!("HEAD:refs/heads/{branch}")]);
    world.git(&["checkout", "--quiet", "main"]);
    assert_eq!(world.release(&["commit", IMAGE, files]), first, "also when it is published");

    // The next one: the branch only grows, and main is in it.
    world.git(&["checkout", "--quiet", "main"]);
    let next_source = world.commit("more");
    let next = IMAGE.replace("sha256:01", "sha256:10");
    let second = world.release(&["commit", &next, files]);
    assert_eq!(world.git(&["rev-parse", &format!("{second}^@")]), format!("{first}\n{next_source}"));
    assert_eq!(world.git(&["diff", "--name-only", &next_source, &second]), "action.yml\nnative/binaries.json");
    world.git(&["push", "--quiet", "origin", &format!("HEAD:refs/heads/{branch}")]);
}

#[test]
fn what_is_no_digest_is_not_committed() {
    let world = World::new();
    for wrong in
        ["ghcr.io/acme/repo-relay:v1", "ghcr.io/Acme/repo-relay@sha256:0123", "", &IMAGE.replace("acme", "a|cme")]
    {
        assert!(world.refused(&["commit", wrong, "files"]).contains("is not NAME@sha256:DIGEST"), "{wrong}");
    }
    let files = world.files();
    let files = files.to_str().unwrap();
    world.release(&["commit", IMAGE, files]);
    assert!(world.refused(&["commit", IMAGE, files]).contains("is this a release already?"));
    assert_eq!(world.git(&["status", "--porcelain"]), "");
}

#[test]
fn an_artifact_that_is_not_the_one_that_was_built_is_refused() {
    let world = World::new();
    let artifacts = world.folder.path().join("artifacts");
    for (name, file) in [("amd64", "image.tar"), ("documents", "repo-relay.1")] {
        fs::create_dir_all(artifacts.join(name)).unwrap();
        fs::write(artifacts.join(name).join(file), name).unwrap();
    }
    let lines =
        ["amd64", "documents"].map(|name| world.release(&["sums", name, artifacts.join(name).to_str().unwrap()]));
    let values: Vec<&str> = lines.iter().map(|line| line.split_once('=').unwrap().1).collect();
    // As an expression of the workflow joins them; a job that was not run has none.
    let sums = format!("{}  {}", values[0], values[1]);
    let verify = |sums: &str| {
        let mut command = Command::new("script/release");
        let output =
            command.args(["verify", artifacts.to_str().unwrap()]).current_dir(world.clone()).env("SUMS", sums).output();
        let output = output.unwrap();
        (output.status.success(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(verify(&sums), (true, String::new()));
    let (success, said) = verify(values[0]);
    assert!(!success && said.contains("the artifacts are not those that were built"), "{said}");
    fs::write(artifacts.join("amd64/image.tar"), "another").unwrap();
    let (success, said) = verify(&sums);
    assert!(!success && said.contains("an artifact is not the one that was built"), "{said}");
    fs::remove_file(artifacts.join("amd64/image.tar")).unwrap();
    assert!(!verify(&sums).0);
}

#[test]
fn a_release_has_programs_archives_of_them_and_their_checksums() {
    let world = World::new();
    let artifacts = world.folder.path().join("artifacts");
    let host = run("rustc", &["--print", "host-tuple"], world.folder.path());
    for (artifact, name) in
        [("amd64", format!("repo-relay-{host}")), ("macos-arm64", "repo-relay-aarch64-apple-darwin".to_owned())]
    {
        fs::create_dir_all(artifacts.join(artifact)).unwrap();
        fs::write(artifacts.join(artifact).join(name), "#!/bin/sh\necho \"$@ of a shell\"\n").unwrap();
    }
    fs::create_dir_all(artifacts.join("documents")).unwrap();
    fs::write(artifacts.join("documents/repo-relay.1"), ".TH").unwrap();
    fs::write(artifacts.join("documents/repo-relay.cdx.json"), "{}").unwrap();
    let made = |name: &str| {
        let folder = world.folder.path().join(name);
        world.release(&["archives", artifacts.to_str().unwrap(), folder.to_str().unwrap()]);
        (folder.clone(), fs::read_to_string(folder.join("SHA256SUMS")).unwrap())
    };
    let (folder, sums) = made("once");
    assert_eq!(made("again").1, sums, "not the same archives");
    run("sha256sum", &["--check", "--strict", "--quiet", "SHA256SUMS"], &folder);
    let names: Vec<&str> = sums.lines().map(|line| line.split_once("  ").unwrap().1).collect();
    let place = format!("repo-relay-{}-{host}", world.version);
    assert_eq!(names.len(), 4);
    assert!(
        names.contains(&&*format!("{place}.tar.gz")) && names.contains(&&*format!("repo-relay-{host}")),
        "{names:?}"
    );
    let held = run("tar", &["-tzf", &format!("{place}.tar.gz")], &folder);
    for file in ["repo-relay", "LICENSE-MIT", "LICENSE-APACHE", "repo-relay.1", "completions/repo-relay.zsh"] {
        assert!(held.lines().any(|line| line == format!("{place}/{file}")), "{file}: {held}");
    }
    let script =
        run("tar", &["-xzOf", &format!("{place}.tar.gz"), &format!("{place}/completions/repo-relay.fish")], &folder);
    assert_eq!(script, "completions fish of a shell");
}

#[test]
fn the_notes_of_a_release_are_its_section_of_the_changelog() {
    let world = World::new();
    let text =
        "# Changes\n\n## [Unreleased]\n\n## [1.1.0]\n\n### Added\n\n- more\n\n## [1.0.0] - 2026-01-02\n\n- first\n";
    fs::write(world.clone().join("CHANGELOG.md"), text).unwrap();
    assert_eq!(world.release(&["notes", "1.1.0"]).trim(), "### Added\n\n- more");
    assert_eq!(world.release(&["notes", "1.0.0"]).trim(), "- first");
    assert_eq!(world.release(&["notes", "1.0"]), "");
}
