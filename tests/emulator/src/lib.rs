//! A GitHub on loopback for tests and the demo: real HTTP, real `git http-backend`, faults as state, a log of every
//! request. It is not kind: it hides what a token may not see, refuses what GitHub refuses in GitHub's words, and shows
//! new runs late.
//!
//! The server runs on threads of its own, so a test may block while the program under test talks to it.
//!
//! ```
//! use emulator::{Emulator, faults::{Canned, Fault, FaultRule}, model::{Model, Repository, Role, Token}};
//!
//! let token = Token::classic("robin", &["repo", "workflow"]);
//! let model = Model::new()
//!     .repository(Repository::new("acme/site").collaborator("robin", Role::Write).file("README.md", "hello"))
//!     .token(&token);
//! let emulator = Emulator::start(model)?;
//! emulator.fault(FaultRule::on("GET", "/api/v3/repos/acme/site", Fault::Answer(Canned::bad_gateway())).first(2));
//!
//! let clone = format!("{}/acme/site.git", emulator.url());      // git, with `token.value()` as the password
//! let api = format!("{}/api/v3/repos/acme/site", emulator.url());  // REST, with `Bearer` and the same value
//! assert!(emulator.repository("Acme/Site").tip("refs/heads/main").is_some());
//! assert_eq!(emulator.unused_faults().len(), 1);
//! # let _ = (clone, api);
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! What a test can hold the program to:
//! - [`log::Log`]: every request with its connection, headers, JSON, ref updates, bytes and status; a credential by name.
//! - [`conformance::check`]: requests and answers of a log against GitHub's OpenAPI description.
//! - [`RepositoryHandle`]: refs, files, runs and opened secrets behind the server's back.
//! - [`faults::FaultRule`]: what goes wrong, and [`Emulator::unused_faults`] what did not.
//! - [`runner`]: a step's log and files as the Actions runner reads them.
//! - [`model::Outcome`], [`model::Decoy`], [`model::Settings`]: how runs go, what surrounds them, the server's clock.
//!
//! How a test sets up what GitHub does:
//!
//! | what | set up by | looked at by |
//! | --- | --- | --- |
//! | secrets of an environment | [`Repository::environment`](model::Repository::environment) | [`RepositoryHandle::secret_in`] |
//! | an Enterprise Server's key ids | `settings.numeric_key_ids` | |
//! | revocation of credentials | `settings.revocations_left` | the token is dead afterwards: 401 |
//! | pull requests | [`Repository::pull_request`](model::Repository::pull_request), `actions_may_propose`, `allow_auto_merge`, `merge_methods` | [`RepositoryHandle::pull_request`]; `change_pull_request` approves it or lets checks pass |
//! | verified signatures | [`Account::signing_key`](model::Account::signing_key), [`Account::email`](model::Account::email); a rule `required_signatures` | `verification` of `GET git/commits/{sha}` |
//! | a server that signs no commits | `settings.web_commit_signing = false` | the same |
//! | immutable releases | [`Repository::release`](model::Repository::release), [`Repository::burned_tag`](model::Repository::burned_tag) | GH013 |
//! | what hooks say | `settings.push_notice` (always), `settings.pre_receive_hook` (and refuses) | [`log::Entry::sideband`] |
//! | push protection | [`Repository::push_protection`](model::Repository::push_protection) | GH013 with an address for each secret |
//! | repositories made, renamed, deleted by REST | a classic token with `repo` (and `delete_repo`), or `administration` for all of an owner | the model's list |
//! | a wiki | [`Repository::wiki`](model::Repository::wiki); without a page git finds none | `repository("acme/site.wiki")` |
//! | Pages | [`Repository::pages_from`](model::Repository::pages_from), [`Repository::pages_domain`](model::Repository::pages_domain) | runs at `dynamic/pages/…` |
//! | a repository that went to another owner | [`Repository::formerly`](model::Repository::formerly) of the old owner's name | 301, 307 to `/repositories/ID` |
//! | old runs, workflows of other branches | [`model::Decoy::Ancient`], [`Repository::other_workflow`](model::Repository::other_workflow) | |
//! | a run that goes away | [`RepositoryHandle::delete_run`] | 404 |
//! | Git LFS | [`Repository::lfs`](model::Repository::lfs); [`Emulator::lfs_authenticate`] for SSH | [`RepositoryHandle::lfs_objects`], [`log::Log::storage`] |
//! | deploy keys | `POST …/keys`; [`Emulator::serve_ssh`] starts the SSH server that lets them in | the model's `deploy_keys` |
//!
//! GraphQL is at `/api/graphql`: `viewer`, `repository`, and the mutations `enablePullRequestAutoMerge`,
//! `disablePullRequestAutoMerge`, `mergePullRequest`.
//!
//! The product derives `SCHEME://HOST:PORT/api/v3` for any server that is not github.com, so one port serves both
//! faces: git at `/OWNER/NAME.git/...`, REST at `/api/v3/...`.

mod access;
mod answer;
mod api;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod faults;
mod git;
mod handle;
mod lfs;
pub mod local;
pub mod log;
#[cfg(feature = "loopback")]
pub mod loopback;
pub mod model;
mod pulls;
pub mod runner;
mod server;
mod shared;
mod signatures;
mod ssh;
mod wire;
mod workflows;

use std::io;

use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use self::{
    faults::FaultRule,
    log::Log,
    model::{Model, Run},
    shared::Shared,
};
pub use self::{handle::RepositoryHandle, ssh::Ssh};

/// A running GitHub. Dropping it stops it and removes its repositories.
pub struct Emulator {
    shared: Shared,
    runtime: Option<Runtime>,
    directory: TempDir,
}

impl Emulator {
    /// Creates the model's repositories in a directory for temporary files and serves them on a free port of loopback.
    /// May be called, and the emulator dropped, inside an async test.
    pub fn start(model: Model) -> io::Result<Self> {
        let directory = tempfile::Builder::new().prefix("emulator-").tempdir()?;
        let runtime = Builder::new_multi_thread().worker_threads(2).thread_name("emulator").enable_all().build()?;
        let shared = server::serve(&runtime, model, directory.path())?;
        Ok(Self { shared, runtime: Some(runtime), directory })
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn url(&self) -> &str {
        self.shared.url()
    }

    /// Looks at the state or changes it, while the server waits. (Nothing else of the emulator may be called in
    /// `change`.)
    pub fn model<T>(&self, change: impl FnOnce(&mut Model) -> T) -> T {
        change(&mut self.shared.model())
    }

    /// A repository, by the name it bears now, without regard to case.
    ///
    /// # Panics
    /// When there is none of that name.
    pub fn repository(&self, slug: &str) -> RepositoryHandle {
        let id = self.shared.model().find(slug).map(|repository| repository.id);
        let Some(id) = id else { panic!("the emulator has no repository {slug}") };
        RepositoryHandle::new(self.shared.clone(), id)
    }

    /// What `git-lfs-authenticate` prints for a deploy key over SSH: JSON with the address of the batch API and a credential.
    ///
    /// # Panics
    /// When there is no repository of that name.
    #[must_use]
    pub fn lfs_authenticate(&self, slug: &str) -> String {
        let answer = lfs::authenticate(&self.shared, &mut self.shared.model(), slug);
        answer.unwrap_or_else(|| panic!("the emulator has no repository {slug}"))
    }

    /// Starts an SSH server that serves each repository to its deploy keys, as they are added and deleted over REST.
    ///
    /// # Errors
    /// When OpenSSH's server does not start, or an earlier one was started.
    pub fn serve_ssh(&self) -> io::Result<Ssh> {
        let ssh = Ssh::start()?;
        if self.shared.attach_ssh(ssh.folder()) { Ok(ssh) } else { Err(io::Error::other("there was an SSH server")) }
    }

    /// Keeps the repositories on disk after the emulator is gone, and says where they are.
    #[must_use]
    pub fn keep(&mut self) -> std::path::PathBuf {
        self.directory.disable_cleanup(true);
        self.directory.path().to_owned()
    }

    /// Adds a fault.
    pub fn fault(&self, rule: FaultRule) {
        self.shared.faults().add(rule);
    }

    /// Faults that were not (or not as often as planned) applied, in words: a test asserts that there are none.
    pub fn unused_faults(&self) -> Vec<String> {
        self.shared.faults().unused()
    }

    /// Takes all faults away.
    pub fn clear_faults(&self) {
        self.shared.faults().clear();
    }

    /// The log so far.
    pub fn log(&self) -> Log {
        self.shared.journal().copy()
    }

    /// Forgets the log so far: for a test that measures only its second half.
    pub fn clear_log(&self) {
        self.shared.journal().clear();
    }

    /// Waits until every client has gone and everything that was asked for is done.
    ///
    /// # Panics
    /// When that takes longer than 20 s: a client holds its connection, or a request is held.
    pub fn settle(&self) {
        let rested = self.shared.rest(std::time::Duration::from_secs(20));
        assert!(matches!(rested, Ok(true)), "the emulator has clients, or work to do: {rested:?}");
    }

    /// The runs that were really started in a repository, decoys left out, in order of their start.
    pub fn runs(&self, slug: &str) -> Vec<Run> {
        self.repository(slug).runs().into_iter().filter(|run| !run.decoy).collect()
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // Dropping a runtime waits for its tasks, and is forbidden inside another runtime: a test may be async.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
