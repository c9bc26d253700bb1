//! Starts the real binary as the Actions runner would: a cleared environment, `INPUT_*` and `GITHUB_*`, files for outputs
//! and summary, no standard input. What it did is read back as the runner reads it.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::leaks;

/// The commit that the workflow of the tests runs for.
pub(crate) const SHA: &str = "0123456789abcdef0123456789abcdef01234567";

/// A step that is about to run.
pub(crate) struct Step {
    inputs: BTreeMap<String, String>,
    env: BTreeMap<String, String>,
    args: Vec<String>,
    on_runner: bool,
    folder: TempDir,
    /// Files that held one of the secrets before the step ran.
    held: RefCell<BTreeSet<PathBuf>>,
}

/// A step that ran.
pub(crate) struct Outcome {
    /// The exit status; none when a signal ended it.
    pub(crate) status: Option<i32>,
    /// Standard output.
    pub(crate) stdout: String,
    /// Standard error.
    pub(crate) stderr: String,
    /// The step's outputs.
    pub(crate) outputs: BTreeMap<String, String>,
    /// The step summary.
    pub(crate) summary: String,
    /// Wall time.
    pub(crate) took: Duration,
    /// The workspace and the runner's files, as the step left them.
    pub(crate) folder: TempDir,
}

impl Step {
    /// A step on a runner whose server is `server`, in the workflow of `acme/source`.
    pub(crate) fn new(server: &str) -> Self {
        let folder = TempDir::new().unwrap();
        for name in ["workspace", "home", "temp"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        for name in ["output", "summary"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let env = [
            ("GITHUB_ACTIONS", "true".to_owned()),
            ("GITHUB_REPOSITORY", "acme/source".to_owned()),
            ("GITHUB_SHA", SHA.to_owned()),
            ("GITHUB_REF", "refs/heads/main".to_owned()),
            ("GITHUB_ACTOR", "ada".to_owned()),
            ("GITHUB_RUN_ID", "4711".to_owned()),
            ("GITHUB_SERVER_URL", server.to_owned()),
            ("GITHUB_API_URL", format!("{server}/api/v3")),
            ("GITHUB_WORKSPACE", path("workspace")),
            ("GITHUB_OUTPUT", path("output")),
            ("GITHUB_STEP_SUMMARY", path("summary")),
            ("HOME", path("home")),
            ("TMPDIR", path("temp")),
            ("RUNNER_TEMP", path("temp")),
        ];
        Self {
            inputs: BTreeMap::new(),
            env: env.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            args: Vec::new(),
            on_runner: true,
            folder,
            held: RefCell::default(),
        }
    }

    /// Sets an input.
    pub(crate) fn input(mut self, name: &str, value: impl Into<String>) -> Self {
        self.inputs.insert(name.to_owned(), value.into());
        self
    }

    /// Sets a variable of the environment.
    pub(crate) fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.insert(name.to_owned(), value.into());
        self
    }

    /// Adds an argument to the command line.
    pub(crate) fn arg(mut self, value: impl Into<String>) -> Self {
        self.args.push(value.into());
        self
    }

    /// Runs it as on a laptop: no variable of the runner.
    pub(crate) fn on_a_laptop(mut self) -> Self {
        self.on_runner = false;
        self
    }

    /// The workspace.
    pub(crate) fn workspace(&self) -> PathBuf {
        self.folder.path().join("workspace")
    }

    /// Writes a file into the workspace.
    pub(crate) fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.workspace().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    /// The command, ready to be started.
    pub(crate) fn command(&self) -> std::process::Command {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_repo-relay"));
        command.env_clear().current_dir(self.workspace()).stdin(Stdio::null()).args(&self.args);
        command.envs(self.variables());
        command
    }

    /// The environment.
    pub(crate) fn variables(&self) -> BTreeMap<String, String> {
        *self.held.borrow_mut() = leaks::holding(self.folder.path(), &self.canaries());
        let there = |name: &str| self.on_runner || !(name.starts_with("GITHUB_") || name.starts_with("RUNNER_"));
        let env = self.env.iter().filter(|(name, _)| there(name)).map(|(name, value)| (name.clone(), value.clone()));
        let input = |name: &str| format!("INPUT_{}", name.replace(' ', "_").to_uppercase());
        env.chain(self.inputs.iter().map(|(name, value)| (input(name), value.clone()))).collect()
    }

    /// Runs it to its end.
    #[track_caller]
    pub(crate) fn run(self) -> Outcome {
        let begin = Instant::now();
        let output = self.command().output().unwrap();
        self.outcome(output, begin.elapsed())
    }

    /// Starts it, both streams into pipes.
    pub(crate) fn start(&self) -> Child {
        self.command().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Sends the started step this signal, which has to end it within two seconds.
    #[track_caller]
    pub(crate) fn ended_by(self, child: Child, signal: Signal) -> Outcome {
        let sent = Instant::now();
        kill_process(Pid::from_child(&child), signal).unwrap();
        let output = child.wait_with_output().unwrap();
        let took = sent.elapsed();
        assert!(took < Duration::from_secs(2), "{signal:?}: {took:?}");
        self.outcome(output, took)
    }

    /// Runs it to its end and watches its memory: the most that it ever held, in KiB.
    #[track_caller]
    #[allow(clippy::disallowed_methods, reason = "a look every few milliseconds is no pause between tries")]
    pub(crate) fn run_measured(self) -> (Outcome, u64) {
        let begin = Instant::now();
        let child = self.start();
        let status = format!("/proc/{}/status", child.id());
        let watch = std::thread::spawn(move || {
            let mut most = 0;
            // The kernel keeps the peak itself; a process that has ended has none.
            while let Ok(text) = fs::read_to_string(&status) {
                let peak = text.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
                let Some(peak) = peak else { break };
                most = most.max(peak.trim().parse::<u64>().unwrap());
                std::thread::sleep(Duration::from_millis(5));
            }
            most
        });
        let output = child.wait_with_output().unwrap();
        (self.outcome(output, begin.elapsed()), watch.join().unwrap())
    }

    /// The secrets that the step is given.
    fn canaries(&self) -> Vec<leaks::Canary> {
        leaks::canaries(&self.inputs, &self.env)
    }

    /// What a finished process left behind. None of it may hold a secret.
    #[track_caller]
    pub(crate) fn outcome(self, output: std::process::Output, took: Duration) -> Outcome {
        self.left_behind(output.status.code(), output.stdout, output.stderr, took)
    }

    /// What an end with this status and these streams left behind. None of it may hold a secret.
    #[track_caller]
    pub(crate) fn left_behind(self, status: Option<i32>, stdout: Vec<u8>, stderr: Vec<u8>, took: Duration) -> Outcome {
        let (stdout, stderr) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
        let (folder, held) = (self.folder.path(), self.held.borrow());
        leaks::judge_step(&self.canaries(), &self.args, &stdout, &stderr, folder, &held);
        drop(held);
        let read = |name: &str| fs::read_to_string(self.folder.path().join(name)).unwrap();
        Outcome {
            status,
            stdout,
            stderr,
            outputs: file_command(&read("output")),
            summary: read("summary"),
            took,
            folder: self.folder,
        }
    }
}

impl Outcome {
    /// An output's value; one that was not written is a failed test.
    pub(crate) fn output(&self, name: &str) -> &str {
        self.outputs.get(name).unwrap_or_else(|| panic!("no output {name}\n{self}"))
    }

    /// The report.
    pub(crate) fn report(&self) -> Value {
        serde_json::from_str(self.output("report")).unwrap()
    }

    /// The status of a check of the first target, empty when it was not made.
    pub(crate) fn check(&self, name: &str) -> String {
        let report = self.report();
        let checks = report["targets"][0]["checks"].as_array().unwrap().clone();
        let status = checks.iter().find(|check| check["name"] == name).map(|check| check["status"].clone());
        status.and_then(|status| status.as_str().map(str::to_owned)).unwrap_or_default()
    }

    /// A text of a check of the first target, empty when it was not made.
    fn of_check(&self, name: &str, field: &str) -> String {
        let report = self.report();
        let checks = report["targets"][0]["checks"].as_array().unwrap().clone();
        let check = checks.iter().find(|check| check["name"] == name);
        check.and_then(|check| check[field].as_str()).unwrap_or_default().to_owned()
    }

    /// The cause of a check.
    pub(crate) fn cause(&self, name: &str) -> String {
        self.of_check(name, "cause")
    }

    /// What a check says.
    pub(crate) fn message(&self, name: &str) -> String {
        self.of_check(name, "message")
    }

    /// The status of a stage of the first target, empty when it is not there.
    pub(crate) fn stage(&self, name: &str) -> String {
        let report = self.report();
        let stages = report["targets"][0]["stages"].as_array().unwrap().clone();
        let status = stages.iter().find(|stage| stage["name"] == name).map(|stage| stage["status"].clone());
        status.and_then(|status| status.as_str().map(str::to_owned)).unwrap_or_default()
    }

    /// Asserts that the step succeeded, and shows everything when it did not.
    #[track_caller]
    pub(crate) fn succeeded(&self) -> &Self {
        assert_eq!(self.status, Some(0), "{self}");
        assert_eq!(self.output("error"), "", "{self}");
        self
    }

    /// Asserts that the step failed with this cause, and shows everything when it did not.
    #[track_caller]
    pub(crate) fn failed(&self, cause: &str) -> &Self {
        assert_eq!(self.status, Some(1), "{self}");
        assert_eq!(self.output("error"), cause, "{self}");
        self
    }

    /// Where a file of the runner, or the workspace, lies.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        Path::new(self.folder.path()).join(name)
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { status, stdout, stderr, outputs, .. } = self;
        write!(f, "status {status:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}\n--- outputs\n{outputs:#?}")
    }
}

/// Reads a file command as the runner does: `NAME=VALUE`, or a heredoc that must be closed.
fn file_command(text: &str) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    let mut lines = text.split_inclusive('\n');
    while let Some(line) = lines.next() {
        let line = line.strip_suffix('\n').expect("a file command ends with a newline");
        if line.is_empty() {
            continue;
        }
        let (equals, heredoc) = (line.find('='), line.find("<<"));
        match (equals, heredoc) {
            (Some(equals), heredoc) if heredoc.is_none_or(|heredoc| equals < heredoc) => {
                values.insert(line[..equals].to_owned(), line[equals + 1..].to_owned());
            }
            (_, Some(heredoc)) => {
                let (name, delimiter) = (&line[..heredoc], &line[heredoc + 2..]);
                let mut value: Vec<&str> = Vec::new();
                loop {
                    let line = lines.next().expect("matching delimiter not found");
                    let line = line.strip_suffix('\n').expect("a heredoc ends with a newline");
                    if line == delimiter {
                        break;
                    }
                    value.push(line);
                }
                values.insert(name.to_owned(), value.join("\n"));
            }
            _ => panic!("no file command: {line:?}"),
        }
    }
    values
}

/// Whether this process may start another with these options of unshare(1).
pub(crate) fn may_unshare(options: &str) -> bool {
    let mut command = std::process::Command::new("unshare");
    command.args([options, "true"]).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}
