//! The release workflow itself, run by act: a real registry on loopback in place of `ghcr.io`, a GitHub on loopback, and the
//! action from the image that was published a moment before.
//!
//! What only GitHub has stands aside, as actions of a few lines: the artifacts' store is a folder, and an attestation is a
//! line that says what would have been signed. The gate does not run within the gate, and the bill of materials takes a
//! tool that is compiled for minutes. Everything else is the workflow's own text.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use emulator::model::{Level, Model, Repository, Token};
use serde_json::json;

use crate::{
    engine::{podman, variable},
    workflow::{Act, git},
    world::World,
};

const OWN: &str = "acme/relay";

/// Debian's `docker-registry`, empty. As a package that nobody made public yet it answers only to who signs in.
struct Registry {
    process: Child,
    port: u16,
}

impl Registry {
    /// With one account: act's own name, and this password.
    fn start(folder: &Path, password: &str) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        fs::create_dir_all(folder.join("blobs")).unwrap();
        let place = folder.display();
        let configuration = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {place}/blobs}}}}\n\
             http: {{addr: \"127.0.0.1:{port}\"}}\nauth: {{htpasswd: {{realm: registry, path: {place}/accounts}}}}\n"
        );
        // The registry reads bcrypt alone, which the C library's crypt(3) makes.
        let script = "print 'nektos/act:', crypt($ENV{PASSWORD}, '$2b$04$abcdefghijklmnopqrstuu')";
        let account = Command::new("perl").args(["-e", script]).env("PASSWORD", password).output().unwrap();
        fs::write(folder.join("accounts"), account.stdout).unwrap();
        fs::write(folder.join("registry.yml"), configuration).unwrap();
        let mut command = Command::new(variable("REPO_RELAY_REGISTRY"));
        command.arg("serve").arg(folder.join("registry.yml")).stdout(Stdio::null()).stderr(Stdio::null());
        let registry = Self { process: command.spawn().unwrap(), port };
        let begin = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begin.elapsed() < Duration::from_secs(30), "the registry did not come up");
            std::thread::yield_now();
        }
        registry
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What GitHub alone has: a name, the inputs that are used, and a line of shell over them.
const ASIDE: [(&str, &[&str], &str); 5] = [
    (
        // Where no `ref` is given act takes the folder that it was started in.
        "actions/checkout",
        &["ref"],
        r#"git init --quiet && git fetch --quiet "$GITHUB_SERVER_URL/$GITHUB_REPOSITORY" "refs/tags/$ref" && git checkout --quiet --force FETCH_HEAD"#,
    ),
    (
        "actions/upload-artifact",
        &["name", "path"],
        r#"mkdir -p "$STORE/artifacts" && cp -r "$path" "$STORE/artifacts/$name""#,
    ),
    (
        "actions/download-artifact",
        &["path", "pattern"],
        r#"mkdir -p "$path" && cp -r "$STORE/artifacts/${pattern:-.}" "$path""#,
    ),
    (
        "actions/attest-build-provenance",
        &["subject_name", "subject_digest", "subject_checksums"],
        r#"echo "provenance $subject_name$subject_checksums $subject_digest" >> "$STORE/attested""#,
    ),
    (
        "actions/attest",
        &["subject_name", "subject_digest", "sbom_path"],
        r#"test -s "$sbom_path" && echo "sbom $subject_name $subject_digest" >> "$STORE/attested""#,
    ),
];

/// `gh release`, as far as `script/release announce` uses it. What is no draft any more lies in `published`.
const GH: &str = r#"
case "$2" in
    view) [ -d "$STORE/published/$3" ] && echo false ;;
    create)
        mkdir -p "$STORE/draft/$3" "$STORE/published"
        for word in "$@"; do case $word in /* | target/*) cp "$word" "$STORE/draft/$3/" ;; esac; done
        ;;
    edit) mv "$STORE/draft/$3" "$STORE/published/$3" ;;
esac
"#;

/// Writes the actions that stand aside; act's arguments that say so, for the commits that the workflow names.
fn aside(folder: &Path, workflow: &str) -> Vec<String> {
    let mut arguments = Vec::new();
    for (name, inputs, script) in ASIDE {
        let at = workflow.find(&format!("{name}@")).unwrap_or_else(|| panic!("{name} is not used"));
        let used = workflow[at..].split_whitespace().next().unwrap();
        let place = folder.join(name.replace('/', "-"));
        fs::create_dir_all(&place).unwrap();
        let lines = |line: &dyn Fn(&str, &str) -> String| -> Vec<String> {
            inputs.iter().map(|input| line(input, &input.replace('_', "-"))).collect()
        };
        let declared = lines(&|_, name| format!("  {name}: {{description: x}}\n")).concat();
        let values = lines(&|input, name| format!("        {input}: ${{{{ inputs.{name} }}}}\n")).concat();
        let text = format!(
            "name: aside\ndescription: aside\ninputs:\n{declared}runs:\n  using: composite\n  steps:\n    - shell: bash\n      env:\n{values}      run: |\n        {script}\n"
        );
        fs::write(place.join("action.yml"), text).unwrap();
        arguments.extend(["--local-repository".to_owned(), format!("{used}={}", place.display())]);
    }
    arguments
}

/// This repository as a clone of `acme/relay`, with the few words changed that the machine asks for.
fn repository(world: &World, act: &Act, registry: &Registry) -> PathBuf {
    let (root, source) = (Path::new(env!("CARGO_MANIFEST_DIR")), act.path("source"));
    fs::create_dir(&source).unwrap();
    let copy =
        "git ls-files -z --cached --others --exclude-standard | tar --null --files-from - --create | tar -x -C \"$0\"";
    assert!(Command::new("sh").args(["-c", copy]).arg(&source).current_dir(root).status().unwrap().success());
    let change = |name: &str, from: &str, to: &str| {
        let text = fs::read_to_string(source.join(name)).unwrap();
        assert!(text.contains(from), "{name} does not say {from:?}");
        fs::write(source.join(name), text.replace(from, to)).unwrap();
    };
    let workflow = ".github/workflows/release.yml";
    change(workflow, "ghcr.io/", &format!("127.0.0.1:{}/", registry.port));
    change(workflow, "PROFILE: release", "PROFILE: thin");
    change(workflow, "run: script/release sbom built/", "run: cp Cargo.lock built/");
    change("CHANGELOG.md", "## [Unreleased]", &format!("## [{}]", env!("CARGO_PKG_VERSION")));
    fs::write(source.join("script/test"), "#!/bin/sh\necho the gate\n").unwrap();
    git(&source, &["init", "--quiet"]);
    git(&source, &["add", "--all"]);
    git(&source, &["commit", "--quiet", "--message", "what is released"]);
    let bare = world.github.repository(OWN).path();
    git(&bare, &["fetch", "--quiet", source.to_str().unwrap(), "+main:main"]);
    git(&source, &["remote", "add", "origin", bare.to_str().unwrap()]);
    git(&source, &["fetch", "--quiet", "origin"]);
    source
}

#[test]
#[ignore = "needs the image, act and a registry: script/test"]
fn act_publishes_a_release_with_the_action_that_was_just_released() {
    let token = Token::github_token(OWN, &[("contents", Level::Write)]);
    let world = World::of(Model::new().repository(Repository::new(OWN).file("README.md", "r")), token);
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::start(folder.path(), world.token.value());
    let act = Act::with_registry(&format!("127.0.0.1:{}", registry.port));
    let source = repository(&world, &act, &registry);
    // There are no machines of other systems here, and act calls a job of which nothing ran no success.
    let text = fs::read_to_string(source.join(".github/workflows/release.yml")).unwrap();
    let (needs, fewer) = ("needs: [check, test, build, program, documents]", "needs: [check, test, build, documents]");
    assert!(text.contains(needs), "{text}");
    let text = text.replace(needs, fewer);
    let workflow = act.path("release.yml");
    fs::write(&workflow, &text).unwrap();
    let aside = aside(&act.path("aside"), &text);
    // The jobs here run as the user that the gate runs as; GitHub Releases are a folder for each tag.
    let tools = act.path("tools");
    fs::create_dir(&tools).unwrap();
    for (name, script) in [("sudo", "shift\nexec \"$@\"\n"), ("gh", GH)] {
        fs::write(tools.join(name), format!("#!/bin/sh\n{script}")).unwrap();
        fs::set_permissions(tools.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    let version = env!("CARGO_PKG_VERSION");
    let major = format!("v{}", version.split('.').next().unwrap());
    let (url, before) = (world.github.url(), git(&source, &["rev-parse", "HEAD"]));
    let run = || {
        let mut job = act
            .job(&source, "workflow_dispatch")
            .event(&json!({"ref": "refs/heads/main", "inputs": {"version": version}}))
            .args([
                "--workflows",
                workflow.to_str().unwrap(),
                "--matrix",
                "arch:amd64",
                "--matrix",
                "runner:ubuntu-24.04",
            ])
            .args([
                "--env",
                &format!("REPO_RELAY_BINARIES={}", act.path("store/published").join(format!("v{version}")).display()),
            ])
            .args(aside.iter().map(String::as_str))
            .args(["--env", &format!("GITHUB_SERVER_URL={url}"), "--env", &format!("GITHUB_API_URL={url}/api/v3")])
            .args(["--env", &format!("GITHUB_REPOSITORY={OWN}"), "--env", "GITHUB_REPOSITORY_OWNER=acme"])
            .args(["--env", &format!("STORE={}", act.path("store").display())])
            .args(["--env", &format!("PATH={}:{}", tools.display(), variable("PATH"))])
            .value("--secret", "GITHUB_TOKEN", world.token.value());
        // The build finds what this machine has already.
        for name in ["CARGO_TARGET_DIR", "CARGO_HOME", "RUSTUP_HOME"] {
            job = job.args(["--env", &format!("{name}={}", variable(name))]);
        }
        job.run()
    };
    fs::create_dir(act.path("store")).unwrap();
    let (success, log) = run();
    assert!(success, "{log}");

    let own = world.github.repository(OWN);
    let (branch, tag) = (format!("refs/heads/releases/{major}"), format!("refs/tags/v{version}"));
    let released = own.tip(&branch).unwrap_or_else(|| panic!("no release was pushed\n{log}"));
    assert_eq!(own.tip(&tag).as_ref(), Some(&released), "{log}");
    assert_eq!(own.tip(&format!("refs/tags/{major}")).as_ref(), Some(&released), "{log}");
    assert_eq!(git(&own.path(), &["diff", "--name-only", &before, &released]), "action.yml\nnative/binaries.json");
    let action = git(&own.path(), &["show", &format!("{released}:action.yml")]);
    let image = action.rsplit_once("image: docker://").unwrap().1;
    assert!(image.starts_with(&format!("127.0.0.1:{}/{OWN}@sha256:", registry.port)), "{image}");
    let attested = fs::read_to_string(act.path("store/attested")).unwrap();
    let subject = image.replace('@', " ");
    assert_eq!(attested, format!("provenance {subject}\nsbom {subject}\nprovenance release/SHA256SUMS \n"));

    // The same program in the image, in the release, and by the native action of the released commit.
    let binaries: serde_json::Value =
        serde_json::from_str(&git(&own.path(), &["show", &format!("{released}:native/binaries.json")])).unwrap();
    assert_eq!(binaries["release"], format!("{url}/{OWN}/releases/download/v{version}"));
    let published = act.path("store/published").join(format!("v{version}"));
    let name = format!("repo-relay-{}-unknown-linux-gnu", std::env::consts::ARCH);
    let sums = fs::read_to_string(published.join("SHA256SUMS")).unwrap();
    assert!(sums.contains(&format!("{}  {name}\n", binaries["sha256"][&name].as_str().unwrap())), "{sums}");
    assert!(
        published.join(format!("repo-relay-{version}-{}-unknown-linux-gnu.tar.gz", std::env::consts::ARCH)).exists()
    );
    assert!(log.contains("the native action on ubuntu-24.04"), "{log}");

    let removed = podman().args(["rmi", "--force", image]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert!(removed.unwrap().success(), "{image} is not among the images that act pulled");

    // A second start finds the version published, before anything is built.
    git(&source, &["fetch", "--quiet", "--tags", "origin"]);
    let (success, log) = run();
    assert!(!success && log.contains("is published and stays as it is"), "{log}");
    assert_eq!(own.tip(&branch), Some(released));
    assert!(!log.contains(world.token.value()), "the token is in the log");
}
