//! The plain state of the server: accounts, repositories, tokens, rules and runs. A test builds it, starts the emulator
//! with it, and may change it while the emulator serves.

mod account;
mod app;
mod lfs;
mod pull_request;
mod repository;
mod rules;
mod run;
mod token;

use std::{ops::Range, time::Duration};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

pub use self::{
    account::{Account, Policy, Role},
    app::{App, Installation},
    lfs::{Lfs, LfsState},
    pull_request::{AutoMerge, MergeMethod, Merged, PullRequest},
    repository::{DeployKey, Files, Pages, Release, Repository, Secret, SecretScope, Standing, Visibility},
    rules::{Bypass, BypassActor, Enforcement, Guard, Protection, Rule, Ruleset, Target},
    run::{Decoy, Outcome, Run, RunState, Stage},
    token::{Grant, Level, Rate, Selection, Token, TokenKind, Zone},
};

/// Which GitHub the emulator is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// github.com: API versions 2022-11-28 and 2026-03-10, `return_run_details` known.
    Cloud,
    /// GitHub Enterprise Server of this version, e.g. `3.19`: `return_run_details` is refused.
    Enterprise(String),
}

/// What holds for the whole server.
#[derive(Clone, Debug)]
pub struct Settings {
    /// github.com or an Enterprise Server.
    pub flavour: Flavour,
    /// How far the server's clock is ahead of this machine's (negative: behind).
    pub clock_skew: TimeDelta,
    /// Pause before each answer, for measurements.
    pub latency: Duration,
    /// How late a new run shows in the list of runs; the actual lateness varies inside this range.
    pub run_delay: Range<Duration>,
    /// Lines that a hook of an Enterprise Server prints before it refuses every push.
    pub pre_receive_hook: Option<Vec<String>>,
    /// Lines that a hook prints to everybody who pushes, whatever becomes of the push.
    pub push_notice: Vec<String>,
    /// Whether the ids of secrets' public keys are numbers, as on some Enterprise Servers.
    pub numeric_key_ids: bool,
    /// Whether commits made by REST can be signed by the server itself; on an Enterprise Server that has to be set up.
    pub web_commit_signing: bool,
    /// How many more requests for the revocation of credentials are answered (GitHub: 60 an hour).
    pub revocations_left: u64,
    /// Largest file that a push may bring, in bytes (GitHub: 100 MiB).
    pub file_limit: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            flavour: Flavour::Cloud,
            clock_skew: TimeDelta::zero(),
            latency: Duration::ZERO,
            run_delay: Duration::from_secs(1)..Duration::from_secs(3),
            pre_receive_hook: None,
            push_notice: Vec::new(),
            numeric_key_ids: false,
            web_commit_signing: true,
            revocations_left: 60,
            file_limit: 100 << 20,
        }
    }
}

/// Everything the server knows.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// Users and organizations that have something special; any other name is an ordinary user.
    pub accounts: Vec<Account>,
    /// The repositories, in order of creation.
    pub repositories: Vec<Repository>,
    /// Every token that was ever given out, dead ones included.
    pub tokens: Vec<Token>,
    /// GitHub Apps and where they are installed.
    pub apps: Vec<App>,
    /// What holds for the whole server.
    pub settings: Settings,
}

impl Model {
    /// An empty github.com.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a user or organization.
    #[must_use]
    pub fn account(mut self, account: Account) -> Self {
        self.accounts.push(account);
        self
    }

    /// Adds a repository.
    #[must_use]
    pub fn repository(mut self, repository: Repository) -> Self {
        self.repositories.push(repository);
        self
    }

    /// Adds a token.
    #[must_use]
    pub fn token(mut self, token: &Token) -> Self {
        self.tokens.push(token.clone());
        self
    }

    /// Adds a GitHub App.
    #[must_use]
    pub fn app(mut self, app: App) -> Self {
        self.apps.push(app);
        self
    }

    /// Changes the settings.
    #[must_use]
    pub fn set(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }

    /// The account of this name; one that was never declared is an ordinary user.
    pub fn find_account(&self, login: &str) -> Account {
        let known = self.accounts.iter().find(|account| account.login.eq_ignore_ascii_case(login));
        known.cloned().unwrap_or_else(|| Account::user(login))
    }

    /// The repository that bears `owner/name` now, compared without case.
    pub fn find(&self, slug: &str) -> Option<&Repository> {
        self.repositories.iter().find(|repository| repository.slug().eq_ignore_ascii_case(slug))
    }

    /// As [`Model::find`], to change it.
    pub fn find_mut(&mut self, slug: &str) -> Option<&mut Repository> {
        self.repositories.iter_mut().find(|repository| repository.slug().eq_ignore_ascii_case(slug))
    }

    /// The repository that once bore `owner/name` and was renamed or moved since.
    pub fn find_former(&self, slug: &str) -> Option<&Repository> {
        self.repositories
            .iter()
            .find(|repository| repository.former.iter().any(|former| former.eq_ignore_ascii_case(slug)))
    }

    /// Now, by the server's clock.
    pub fn now(&self) -> DateTime<Utc> {
        Utc::now() + self.settings.clock_skew
    }
}

/// A number that stays the same for a name, so that ids need no bookkeeping (FNV-1a, cut to 31 bits).
pub(crate) fn stable_id(name: &str) -> u64 {
    let hash = name
        .to_ascii_lowercase()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    hash % 2_000_000_000 + 1
}

/// A point in time as the REST API writes it: whole seconds, `Z`.
pub(crate) fn timestamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
