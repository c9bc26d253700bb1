//! The program under test, started as the Actions runner starts a step.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use super::{credentials::Credential, scene::Scene, server::Stop};

/// How long a step that was asked to end may take for it.
const FAREWELL: Duration = Duration::from_secs(3);

/// Longest run of a step.
const PATIENCE: Duration = Duration::from_mins(20);

/// A step that is about to run.
pub(crate) struct Step<'a> {
    scene: &'a Scene<'a>,
    inputs: BTreeMap<String, String>,
    folder: TempDir,
}

/// A step that ran.
pub(crate) struct Outcome {
    pub(crate) succeeded: bool,
    pub(crate) outputs: BTreeMap<String, String>,
    pub(crate) report: Value,
    log: String,
}

impl<'a> Step<'a> {
    /// A step for the target, with a credential.
    ///
    /// # Errors
    /// The system's, and the guard's.
    pub(crate) fn of(scene: &'a Scene<'a>, credential: &Credential) -> Result<Self, Stop> {
        let target = scene.server.own(scene.target)?;
        let folder = TempDir::new().map_err(|error| told(&error))?;
        for name in ["workspace", "home", "temp"] {
            fs::create_dir(folder.path().join(name)).map_err(|error| told(&error))?;
        }
        for name in ["output", "summary"] {
            fs::write(folder.path().join(name), "").map_err(|error| told(&error))?;
        }
        let mut inputs = BTreeMap::from([("repository".to_owned(), target.to_owned())]);
        for (name, value) in &credential.inputs {
            inputs.insert((*name).to_owned(), value.expose().to_owned());
        }
        Ok(Self { scene, inputs, folder })
    }

    /// Sets an input.
    pub(crate) fn input(mut self, name: &str, value: impl Into<String>) -> Self {
        self.inputs.insert(name.to_owned(), value.into());
        self
    }

    /// The workspace.
    pub(crate) fn workspace(&self) -> PathBuf {
        self.folder.path().join("workspace")
    }

    /// Writes a file into the workspace.
    ///
    /// # Errors
    /// The system's.
    pub(crate) fn file(self, path: &str, content: &str) -> Result<Self, Stop> {
        let path = self.workspace().join(path);
        let parent = path.parent().map_or(Ok(()), fs::create_dir_all);
        parent.and_then(|()| fs::write(&path, content)).map_err(|error| told(&error))?;
        Ok(self)
    }

    /// A checkout in the workspace with one commit, and these tags on it.
    ///
    /// # Errors
    /// git's words.
    pub(crate) fn checkout(self, tags: &[&str]) -> Result<Self, Stop> {
        let workspace = self.workspace();
        git(&workspace, &["init", "--quiet", "--initial-branch", "main"])?;
        fs::write(workspace.join("VERSION"), tags.join("\n")).map_err(|error| told(&error))?;
        git(&workspace, &["add", "."])?;
        git(&workspace, &["commit", "--quiet", "--message", "A release"])?;
        for tag in tags {
            git(&workspace, &["tag", "--annotate", "--message", "A release", tag])?;
        }
        Ok(self)
    }

    fn command(&self) -> Command {
        let options = self.scene.options;
        let path = |name: &str| self.folder.path().join(name);
        let mut command = Command::new(&options.program);
        command.env_clear().current_dir(self.workspace()).stdin(Stdio::null());
        for name in ["HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        command
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_REPOSITORY", self.scene.source)
            .env("GITHUB_SHA", &self.scene.source_tip)
            .env("GITHUB_REF", "refs/heads/main")
            .env("GITHUB_ACTOR", &options.owner)
            .env("GITHUB_RUN_ID", "1")
            .env("GITHUB_SERVER_URL", self.scene.server.web())
            .env("GITHUB_API_URL", self.scene.server.api())
            .env("GITHUB_WORKSPACE", self.workspace())
            .env("GITHUB_OUTPUT", path("output"))
            .env("GITHUB_STEP_SUMMARY", path("summary"))
            .env("HOME", path("home"))
            .env("TMPDIR", path("temp"))
            .env("RUNNER_TEMP", path("temp"));
        command.envs(self.inputs.iter().map(|(name, value)| (format!("INPUT_{}", name.to_uppercase()), value)));
        command
    }

    /// Runs it to its end, or ends it when a signal comes.
    ///
    /// # Errors
    /// The system's, or the signal.
    pub(crate) fn run(self) -> Result<Outcome, Stop> {
        let log = self.folder.path().join("log");
        let file = fs::File::create(&log).map_err(|error| told(&error))?;
        let again = file.try_clone().map_err(|error| told(&error))?;
        let child = self.command().stdout(file).stderr(again).spawn();
        let program = self.scene.options.program.display();
        let mut child = child.map_err(|error| Stop::failed(format!("{program} cannot be started: {error}")))?;
        let succeeded = self.follow(&mut child)?;
        let read = |name: &str| fs::read_to_string(self.folder.path().join(name)).unwrap_or_default();
        let outputs = emulator::runner::parse_file(&read("output")).unwrap_or_default();
        let outputs: BTreeMap<String, String> = outputs.into_iter().collect();
        let report = outputs.get("report").and_then(|report| serde_json::from_str(report).ok()).unwrap_or_default();
        Ok(Outcome { succeeded, outputs, report, log: read("log") })
    }

    fn follow(&self, child: &mut Child) -> Result<bool, Stop> {
        let begun = Instant::now();
        loop {
            if let Some(status) = child.try_wait().map_err(|error| told(&error))? {
                return Ok(status.success());
            }
            let stopped = self.scene.server.sleep(Duration::from_millis(10));
            if stopped.is_err() || begun.elapsed() > PATIENCE {
                // It has tokens to end and a report to write.
                let _ = kill_process(Pid::from_child(child), Signal::TERM);
                let asked = Instant::now();
                while asked.elapsed() < FAREWELL && matches!(child.try_wait(), Ok(None)) {
                    std::thread::sleep(Duration::from_millis(10));
                }
                let _ = child.kill();
                let _ = child.wait();
                stopped?;
                return Err(Stop::failed("the step did not end within 20 minutes"));
            }
        }
    }
}

impl Outcome {
    /// An output.
    pub(crate) fn output(&self, name: &str) -> &str {
        self.outputs.get(name).map_or("", String::as_str)
    }

    /// Lines that the server sent with the push.
    pub(crate) fn remote(&self) -> String {
        let lines = self.report["targets"][0]["remote"].as_array().map(Vec::as_slice).unwrap_or_default();
        lines.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
    }

    /// Stages and what became of them; of a failure its cause and what the step said.
    pub(crate) fn stages(&self) -> String {
        let stages = self.report["targets"][0]["stages"].as_array().map(Vec::as_slice).unwrap_or_default();
        let text = |stage: &Value, key: &str| stage[key].as_str().unwrap_or_default().to_owned();
        let list: Vec<String> =
            stages.iter().map(|stage| format!("{} {}", text(stage, "name"), text(stage, "status"))).collect();
        let failed = stages.iter().find(|stage| stage["status"] == "failed");
        match failed {
            Some(stage) => format!("{}: {}: {}", list.join(", "), text(stage, "cause"), text(stage, "message")),
            None if list.is_empty() => {
                let last: Vec<&str> = self.log.lines().rev().filter(|line| line.starts_with("::error")).collect();
                format!("no report: {}", last.first().copied().unwrap_or_default())
            }
            None => list.join(", "),
        }
    }
}

fn told(error: &io::Error) -> Stop {
    Stop::failed(format!("a step cannot be prepared: {error}"))
}

fn git(folder: &Path, words: &[&str]) -> Result<(), Stop> {
    let mut command = Command::new("git");
    command.current_dir(folder).args(["-c", "commit.gpgsign=false", "-c", "tag.gpgsign=false"]).args(words);
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
    for role in ["AUTHOR", "COMMITTER"] {
        command
            .env(format!("GIT_{role}_NAME"), "repo-relay")
            .env(format!("GIT_{role}_EMAIL"), "repo-relay@example.test");
    }
    let output = command.output().map_err(|error| told(&error))?;
    if output.status.success() {
        return Ok(());
    }
    Err(Stop::failed(format!("git {}: {}", words.join(" "), String::from_utf8_lossy(&output.stderr).trim())))
}
