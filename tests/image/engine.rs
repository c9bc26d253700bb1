//! `docker run` as the runner says it: the mounts, the variables, the identity, and nothing that it does not say.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs,
    os::unix::{fs::chown, net::UnixListener},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use serde_yaml_ng::Value;

use crate::runner::{Outcome, Step};

/// The user that hosted runners work as, and their workspaces belong to.
pub const RUNNER_USER: u32 = 1001;

/// What stands for `${{ github.token }}`.
pub const GITHUB_TOKEN: &str = "ghs_0000000000000000000000000000000000";

/// A variable of this process. The engine and its storage are named by `script/test`.
#[expect(clippy::disallowed_methods, reason = "script/test names the image and the engine in the environment")]
pub fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run script/test"))
}

/// The engine, with nothing of this process's environment but what it needs to find its storage.
pub fn podman() -> Command {
    let mut command = Command::new("podman");
    command.env_clear().stdin(Stdio::null());
    for name in ["PATH", "CONTAINERS_CONF", "CONTAINERS_STORAGE_CONF"] {
        command.env(name, variable(name));
    }
    command
}

/// A container action that is about to run.
pub struct Container {
    step: Step,
    name: String,
    folder: PathBuf,
    _socket: UnixListener,
}

impl Container {
    /// Lays the step's folders out as the runner has them and gives all of it to the runner's user.
    pub fn new(step: Step) -> Self {
        let folder = step.workspace().parent().unwrap().to_owned();
        let workflow = folder.join("workflow");
        fs::create_dir(&workflow).unwrap();
        fs::write(workflow.join("event.json"), "{}\n").unwrap();
        let step = step.env("GITHUB_EVENT_PATH", workflow.join("event.json").to_str().unwrap()).env("CI", "true");
        let socket = UnixListener::bind(folder.join("docker.sock")).unwrap();
        give_away(&folder);
        let name = format!("relay_{}", uuid::Uuid::new_v4().simple());
        Self { step, name, folder, _socket: socket }
    }

    /// The container's name, for the engine.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where the runner's files lie on the host.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The runner's command line (`DockerCommandManager.DockerRun` of actions/runner): every variable by name alone, its
    /// value in the engine's own environment, paths of the host translated; no user, terminal, standard input or init.
    pub fn command(&self) -> Command {
        let mut command = podman();
        command.args(["run", "--name", &self.name, "--label", "4f2b1c", "--workdir", "/github/workspace", "--rm"]);
        for (name, value) in self.environment() {
            command.arg("-e").arg(&name).env(name, value);
        }
        command.args(["-e", "GITHUB_ACTIONS=true", "-e", "CI=true", "--network", "host"]);
        for (host, inside) in self.mounts() {
            command.arg("-v").arg(format!("{}:{inside}", host.display()));
        }
        command.arg(variable("REPO_RELAY_IMAGE")).args(self.step.command().get_args());
        command
    }

    /// Runs it to its end.
    pub fn run(self) -> Outcome {
        let begin = Instant::now();
        let output = self.command().output().unwrap();
        self.step.outcome(output, begin.elapsed())
    }

    /// What a container left behind that was started by hand.
    pub fn outcome(self, output: std::process::Output, begin: Instant) -> Outcome {
        self.step.outcome(output, begin.elapsed())
    }

    fn mounts(&self) -> [(PathBuf, &'static str); 6] {
        let inside = |name: &str| self.folder.join(name);
        [
            (inside("docker.sock"), "/var/run/docker.sock"),
            (inside("temp"), "/github/runner_temp"),
            (inside("home"), "/github/home"),
            (inside("workflow"), "/github/workflow"),
            (self.folder.clone(), "/github/file_commands"),
            (inside("workspace"), "/github/workspace"),
        ]
    }

    /// The step's variables as the container sees them: every input that `action.yml` declares is set, if only to its
    /// default, and a value that is a path of the host is the path of its mount.
    fn environment(&self) -> BTreeMap<String, String> {
        let text = |value: &OsStr| value.to_str().unwrap().to_owned();
        let mut values: BTreeMap<String, String> = declared_inputs();
        let given = self.step.command();
        values.extend(given.get_envs().filter_map(|(name, value)| Some((text(name), text(value?)))));
        // The image has no such folder; a temporary file goes where the image says.
        values.remove("TMPDIR");
        let mut mounts = self.mounts();
        mounts.sort_by_key(|(host, _)| std::cmp::Reverse(host.as_os_str().len()));
        for value in values.values_mut() {
            let path = Path::new(value.as_str());
            let inside = mounts.iter().find_map(|(host, inside)| Some((inside, path.strip_prefix(host).ok()?)));
            if let Some((inside, rest)) = inside {
                *value = format!("{inside}/{}", rest.display()).trim_end_matches('/').into();
            }
        }
        values
    }
}

/// `INPUT_*` of every declared input, with its default.
fn declared_inputs() -> BTreeMap<String, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("action.yml");
    let action: Value = serde_yaml_ng::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let inputs = action["inputs"].as_mapping().unwrap();
    let variable = |(name, input): (&Value, &Value)| {
        let default = input["default"].as_str().unwrap_or_default().replace("${{ github.token }}", GITHUB_TOKEN);
        (format!("INPUT_{}", name.as_str().unwrap().replace(' ', "_").to_uppercase()), default)
    };
    inputs.iter().map(variable).collect()
}

/// Gives a folder and all in it to the runner's user. Without root it belongs to this user, who then is the runner's.
fn give_away(path: &Path) {
    if chown(path, Some(RUNNER_USER), Some(RUNNER_USER)).is_err() {
        return;
    }
    if path.symlink_metadata().unwrap().is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            give_away(&entry.unwrap().path());
        }
    }
}
