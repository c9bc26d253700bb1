//! act, which runs workflow files, over the container engine of this machine.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::engine::{podman, variable};

/// The engine's API on a socket, as long as it lives.
struct Service(Child);

impl Service {
    fn start(socket: &Path, registries: &Path) -> Self {
        let mut command = podman();
        command.env("CONTAINERS_REGISTRIES_CONF", registries);
        command.env("BUILDAH_ISOLATION", "chroot").args(["system", "service", "--time=0"]);
        let service = Self(command.arg(format!("unix://{}", socket.display())).spawn().unwrap());
        let begin = Instant::now();
        while !socket.exists() {
            assert!(begin.elapsed() < Duration::from_secs(30), "the engine's service did not come up");
            std::thread::yield_now();
        }
        service
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A folder for everything that act and its workflows keep, and the engine's service.
pub struct Act {
    service: Option<Service>,
    folder: TempDir,
}

/// One workflow that is to be run.
pub struct Job<'a> {
    command: Command,
    act: &'a Act,
}

impl Act {
    /// With the engine's API on a socket in a folder of its own.
    pub fn start() -> Self {
        Self::with("")
    }

    /// With images from a registry without TLS, too.
    pub fn with_registry(location: &str) -> Self {
        Self::with(&format!("[[registry]]\nlocation = \"{location}\"\ninsecure = true\n"))
    }

    /// On a machine without a container engine.
    pub fn without_engine() -> Self {
        Self { service: None, folder: folder() }
    }

    fn with(registries: &str) -> Self {
        let folder = folder();
        let file = folder.path().join("registries.conf");
        fs::write(&file, registries).unwrap();
        let service = Some(Service::start(&folder.path().join("engine.sock"), &file));
        Self { service, folder }
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A workflow of `source`, started by `event`.
    pub fn job(&self, source: &Path, event: &str) -> Job<'_> {
        let inside = |name: &str| self.path(name).display().to_string();
        // On a host platform act's files lie in its cache: the action's container sees them under the same paths.
        let options = format!("--network host --volume {0}/act:{0}/act", inside("cache"));
        let mut command = Command::new("act");
        command
            .env_clear()
            .envs(["PATH", "CONTAINERS_CONF", "CONTAINERS_STORAGE_CONF"].map(|name| (name, variable(name))))
            .env("HOME", inside("home"))
            .env("XDG_CACHE_HOME", inside("cache"))
            .env("XDG_CONFIG_HOME", inside("config"))
            .env("DOCKER_HOST", format!("unix://{}", inside("engine.sock")))
            .current_dir(source)
            .stdin(Stdio::null())
            .args([event, "--container-daemon-socket", "-", "--pull=false", "--container-options", &options]);
        for runner in ["ubuntu-latest", "ubuntu-24.04", "ubuntu-24.04-arm"] {
            command.args(["--platform", &format!("{runner}=-self-hosted")]);
        }
        Job { command, act: self }
    }
}

fn folder() -> TempDir {
    tempfile::Builder::new().prefix("act-").tempdir_in("/tmp").unwrap()
}

impl Drop for Act {
    fn drop(&mut self) {
        // Before its socket goes.
        self.service.take();
    }
}

impl Job<'_> {
    /// More words for act.
    pub fn args<'a>(mut self, words: impl IntoIterator<Item = &'a str>) -> Self {
        self.command.args(words);
        self
    }

    /// A secret or a variable (`--secret`, `--var`), by the environment, which no process list shows.
    pub fn value(mut self, flag: &str, name: &str, value: &str) -> Self {
        self.command.env(name, value).args([flag, name]);
        self
    }

    /// The event's payload.
    pub fn event(self, payload: &serde_json::Value) -> Self {
        let file = self.act.path("event.json");
        fs::write(&file, payload.to_string()).unwrap();
        self.args(["--eventpath", file.to_str().unwrap()])
    }

    /// act's command, for somebody who reads along.
    pub fn into_command(self) -> Command {
        self.command
    }

    /// Whether every job ended well, and all that was said.
    pub fn run(mut self) -> (bool, String) {
        let output = self.command.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.success(), text(&output.stdout) + &text(&output.stderr))
    }

    /// Runs it; it has to end well.
    #[track_caller]
    pub fn succeeds(self) -> String {
        let (success, log) = self.run();
        assert!(success, "{log}");
        log
    }
}

/// git, as robin.
#[track_caller]
pub fn git(folder: &Path, args: &[&str]) -> String {
    let identity = ["-c", "user.name=robin", "-c", "user.email=robin@example.test", "-c", "init.defaultBranch=main"];
    let output = Command::new("git").arg("-C").arg(folder).args(identity).args(args).output().unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
