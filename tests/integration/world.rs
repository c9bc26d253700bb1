//! The usual cast: `acme/source` runs the workflow, `acme/site` is the target, `robin` may write to it.

use std::{io::Write as _, process::Stdio};

use emulator::model::{Level, Model, Repository, Role, Token};

use crate::{
    leaks::Judged,
    runner::{Outcome, Step},
};

pub(crate) const TARGET: &str = "acme/site";

/// A GitHub with the usual cast.
pub(crate) struct World {
    pub(crate) github: Judged,
    pub(crate) token: Token,
}

impl World {
    /// With a classic token that may do everything.
    pub(crate) fn new() -> Self {
        Self::with(Repository::new(TARGET).file("README.md", "hello\n"), Token::classic("robin", &["repo", "workflow"]))
    }

    /// With another target, or another token.
    pub(crate) fn with(target: Repository, token: Token) -> Self {
        Self::of(Model::new().repository(target.collaborator("robin", Role::Write)), token)
    }

    /// With another model. `acme/source` and the token are added.
    pub(crate) fn of(model: Model, token: Token) -> Self {
        let model = model
            .repository(Repository::new("acme/source").file("README.md", "source\n").collaborator("robin", Role::Write))
            .token(&token);
        Self { github: Judged::start(model), token }
    }

    /// A fine-grained token of robin's for the target with these permissions.
    pub(crate) fn fine_grained(permissions: &[(&str, Level)]) -> Token {
        Token::fine_grained("robin", "acme", &[TARGET], permissions)
    }

    /// A step with the token and the target set.
    pub(crate) fn step(&self) -> Step {
        Step::new(self.github.url()).input("repository", TARGET).input("token", self.token.value())
    }

    /// A step that publishes `site`, which holds one page.
    pub(crate) fn publish(&self) -> Step {
        self.step().input("directory", "site").file("site/index.html", "<h1>hello</h1>\n")
    }

    /// The target's tip of a full ref.
    pub(crate) fn tip(&self, full_ref: &str) -> Option<String> {
        self.github.repository(TARGET).tip(full_ref)
    }

    /// The paths at a revision of the target.
    pub(crate) fn paths(&self, revision: &str) -> Vec<String> {
        self.github.repository(TARGET).files(revision).into_keys().collect()
    }

    /// Refs, runs and secrets of every repository.
    pub(crate) fn state(&self) -> Vec<String> {
        let slugs: Vec<String> = self.github.model(|model| model.repositories.iter().map(Repository::slug).collect());
        let state = |slug: &String| {
            let repository = self.github.repository(slug);
            let secrets: Vec<_> =
                repository.secrets().iter().map(|secret| (secret.name.clone(), secret.sealed.clone())).collect();
            let runs: Vec<_> = repository.runs().iter().map(|run| run.id).collect();
            format!("{slug}: {:?} {runs:?} {secrets:?}", repository.refs())
        };
        slugs.iter().map(state).collect()
    }

    /// Runs a step whose check `check` must fail with `cause`: nothing may have been written, or asked to be.
    #[track_caller]
    pub(crate) fn refuses(&self, step: Step, check: &str, cause: &str) -> Outcome {
        let before = self.state();
        let seen = self.github.log().0.len();
        let outcome = step.run();
        outcome.failed(cause);
        assert_eq!(outcome.check(check), "fail", "{check}: {outcome}");
        assert_eq!(outcome.cause(check), cause, "{outcome}");
        assert_eq!(outcome.stage("preflight"), "failed", "{outcome}");
        assert_eq!(self.state(), before, "{check} {cause} left something behind");
        for entry in &self.github.log().0[seen..] {
            // The question for the right to make pull requests is one that makes none.
            let proposes =
                entry.path.ends_with(&format!("/{TARGET}/pulls")) && entry.status.is_some_and(|status| status >= 400);
            // So is the question for Git LFS objects.
            let lfs = entry.path.ends_with("/info/lfs/objects/batch");
            let asks = entry.method == "GET" || entry.path.ends_with("/git-upload-pack") || proposes || lfs;
            assert!(asks, "{} {} before the check {check} was done", entry.method, entry.path);
        }
        outcome
    }

    /// Faults that were planned must have happened, and both sides must keep to GitHub's description of itself.
    fn judge(&self) {
        let violations = emulator::conformance::check(&self.github.log());
        assert!(violations.is_empty(), "{violations:#?}");
        assert_eq!(self.github.unused_faults(), [""; 0], "faults that did not happen");
    }

    /// git's own answer about the target's repository.
    pub(crate) fn git(&self, args: &[&str]) -> String {
        self.git_with(args, "")
    }

    /// As [`Self::git`], with something to read.
    pub(crate) fn git_with(&self, args: &[&str], input: &str) -> String {
        let mut child = std::process::Command::new("git")
            .arg("--git-dir")
            .arg(self.github.repository(TARGET).path())
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // git may not want it.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.judge();
        }
    }
}
