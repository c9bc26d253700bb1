//! Tokens of every kind, with the rights and the lifetime they were made with.
//!
//! Kinds and prefixes: <https://docs.github.com/en/organizations/managing-programmatic-access-to-your-organization/github-credential-types>

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
};

use chrono::{DateTime, TimeDelta, Utc};

use super::stable_id;

/// How far a permission reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Look.
    Read,
    /// Look and change.
    Write,
}

impl Level {
    /// As the REST API writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

/// The repositories that a token was made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// All of the owner.
    All,
    /// These, as `owner/name`.
    Only(Vec<String>),
}

/// What a token of fine permissions may do, and where.
#[derive(Clone, Debug)]
pub struct Grant {
    /// The account whose repositories are meant; the others are as if the token did not exist.
    pub owner: String,
    /// Which of its repositories.
    pub repositories: Selection,
    /// Permission name (`contents`, `actions`, `workflows`, ...) to level.
    pub permissions: BTreeMap<String, Level>,
    /// Still waits for an owner's approval: reaches nothing but what is public.
    pub pending: bool,
}

impl Grant {
    fn new(owner: &str, repositories: &[&str], permissions: &[(&str, Level)]) -> Self {
        let repositories = match repositories {
            ["*"] => Selection::All,
            some => Selection::Only(some.iter().map(|&slug| slug.to_owned()).collect()),
        };
        let mut permissions: BTreeMap<_, _> =
            permissions.iter().map(|&(name, level)| (name.to_owned(), level)).collect();
        permissions.entry("metadata".to_owned()).or_insert(Level::Read);
        Self { owner: owner.to_owned(), repositories, permissions, pending: false }
    }

    /// Whether the repository `owner/name` was selected; a wiki goes with its repository.
    pub fn selects(&self, slug: &str) -> bool {
        let slug = slug.strip_suffix(".wiki").unwrap_or(slug);
        let owner = slug.split('/').next().unwrap_or_default();
        !self.pending
            && owner.eq_ignore_ascii_case(&self.owner)
            && match &self.repositories {
                Selection::All => true,
                Selection::Only(some) => some.iter().any(|one| one.eq_ignore_ascii_case(slug)),
            }
    }

    /// The level of a permission, if it was given at all.
    pub fn level(&self, permission: &str) -> Option<Level> {
        self.permissions.get(permission).copied()
    }
}

/// What kind of credential a token is.
#[derive(Clone, Debug)]
pub enum TokenKind {
    /// `ghp_`: a classic personal access token.
    Classic {
        /// OAuth scopes such as `repo`, `workflow`.
        scopes: Vec<String>,
        /// Organizations for whose single sign-on the token was authorized.
        sso: Vec<String>,
    },
    /// `gho_`: an OAuth app's token for a user.
    OAuth {
        /// OAuth scopes.
        scopes: Vec<String>,
        /// Organizations for whose single sign-on, or that have approved the app.
        sso: Vec<String>,
    },
    /// `github_pat_`: a fine-grained personal access token.
    FineGrained(Grant),
    /// `ghs_`: an App's installation token; the number is the installation's id.
    Installation(u64, Grant),
    /// `ghs_`: the workflow's own token, for its repository alone.
    GithubToken(Grant),
    /// `ghu_`: an App's token for a user.
    UserToServer(Grant),
}

/// The two ways in which GitHub writes a token's expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// `2021-09-03 02:34:04 UTC`
    Utc,
    /// `2023-04-26 20:23:26 +0200`
    Offset,
}

/// The hourly request budget of a token.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// Requests an hour.
    pub limit: u64,
    /// Requests spent.
    pub used: u64,
    /// When the budget is full again.
    pub reset: DateTime<Utc>,
}

/// A token.
#[derive(Clone, Debug)]
pub struct Token {
    /// How the log names it; its value is never logged.
    pub name: String,
    /// Who acts: a user's login, or `app-slug[bot]`.
    pub login: String,
    /// Kind and rights.
    pub kind: TokenKind,
    /// End of its life.
    pub expires: Option<DateTime<Utc>>,
    /// How the expiry is written in the header.
    pub zone: Zone,
    /// Withdrawn: as if it never existed.
    pub revoked: bool,
    /// The request budget.
    pub rate: Rate,
    value: String,
}

static COUNTER: AtomicU64 = AtomicU64::new(1);

/// Letters and digits that no other token of this process has.
fn characters(length: usize) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let serial = COUNTER.fetch_add(1, Ordering::Relaxed);
    let mut state = stable_id(&format!("{serial} {}", std::process::id()));
    let tail = format!("{serial}x");
    let mut text: String = (tail.len()..length)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let index = usize::try_from(state >> 33).unwrap_or_default() % ALPHABET.len();
            char::from(ALPHABET[index])
        })
        .collect();
    text.push_str(&tail);
    text
}

impl Token {
    fn new(name: &str, login: &str, value: String, kind: TokenKind) -> Self {
        let limit = if matches!(kind, TokenKind::GithubToken(_)) { 1_000 } else { 5_000 };
        let rate = Rate { limit, used: 0, reset: Utc::now() + TimeDelta::minutes(47) };
        Self {
            name: format!("{name} of {login}"),
            login: login.to_owned(),
            kind,
            expires: None,
            zone: Zone::Utc,
            revoked: false,
            rate,
            value,
        }
    }

    /// A classic personal access token of a user.
    pub fn classic(login: &str, scopes: &[&str]) -> Self {
        let scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
        let kind = TokenKind::Classic { scopes, sso: Vec::new() };
        Self::new("classic token", login, format!("ghp_{}", characters(36)), kind)
    }

    /// An OAuth app's token for a user.
    pub fn oauth(login: &str, scopes: &[&str]) -> Self {
        let scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
        let kind = TokenKind::OAuth { scopes, sso: Vec::new() };
        Self::new("OAuth token", login, format!("gho_{}", characters(36)), kind)
    }

    /// A fine-grained token of a user for repositories (`["*"]`: all) of `owner`.
    pub fn fine_grained(login: &str, owner: &str, repositories: &[&str], permissions: &[(&str, Level)]) -> Self {
        let kind = TokenKind::FineGrained(Grant::new(owner, repositories, permissions));
        Self::new("fine-grained token", login, format!("github_pat_{}_{}", characters(22), characters(59)), kind)
    }

    /// An App's token for a user, bounded by both.
    pub fn user_to_server(login: &str, owner: &str, repositories: &[&str], permissions: &[(&str, Level)]) -> Self {
        let kind = TokenKind::UserToServer(Grant::new(owner, repositories, permissions));
        Self::new("user-to-server token", login, format!("ghu_{}", characters(36)), kind)
    }

    /// An installation token of the App `slug` for repositories (`["*"]`: all) of `owner`, good for an hour.
    pub fn installation(slug: &str, owner: &str, repositories: &[&str], permissions: &[(&str, Level)]) -> Self {
        let kind = TokenKind::Installation(
            stable_id(&format!("{slug}@{owner}")),
            Grant::new(owner, repositories, permissions),
        );
        let token = Self::new("installation token", &format!("{slug}[bot]"), format!("ghs_{}", characters(36)), kind);
        Self { expires: Some(Utc::now() + TimeDelta::hours(1)), ..token }
    }

    /// The `GITHUB_TOKEN` of a workflow in `repository` (`owner/name`).
    pub fn github_token(repository: &str, permissions: &[(&str, Level)]) -> Self {
        let owner = repository.split('/').next().unwrap_or_default();
        let kind = TokenKind::GithubToken(Grant::new(owner, &[repository], permissions));
        Self::new("GITHUB_TOKEN", "github-actions[bot]", format!("ghs_{}", characters(36)), kind)
    }

    /// Gives an installation token the long form of 2026: `ghs_<APPID>_<JWT>`, about 520 characters.
    #[must_use]
    pub fn stateless(mut self) -> Self {
        self.value =
            format!("ghs_15368_eyJ{}.eyJ{}.{}-_{}", characters(60), characters(200), characters(120), characters(120));
        self
    }

    /// Another value, for forms that no constructor makes.
    #[must_use]
    pub fn valued(mut self, value: &str) -> Self {
        value.clone_into(&mut self.value);
        self
    }

    /// The name by which the log shows the token.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// Ends (or ended) at this time, written in the header in this form.
    #[must_use]
    pub fn expires(mut self, at: DateTime<Utc>, zone: Zone) -> Self {
        self.expires = Some(at);
        self.zone = zone;
        self
    }

    /// Withdrawn.
    #[must_use]
    pub fn revoked(mut self) -> Self {
        self.revoked = true;
        self
    }

    /// Authorized for an organization's single sign-on, or, for OAuth, approved by the organization.
    #[must_use]
    pub fn authorized_for(mut self, organization: &str) -> Self {
        if let TokenKind::Classic { sso, .. } | TokenKind::OAuth { sso, .. } = &mut self.kind {
            sso.push(organization.to_owned());
        }
        self
    }

    /// Still waiting for an organization owner's approval.
    #[must_use]
    pub fn pending(mut self) -> Self {
        if let TokenKind::FineGrained(grant) = &mut self.kind {
            grant.pending = true;
        }
        self
    }

    /// Another request budget.
    #[must_use]
    pub fn rate(mut self, limit: u64, remaining: u64, reset: DateTime<Utc>) -> Self {
        self.rate = Rate { limit, used: limit.saturating_sub(remaining), reset };
        self
    }

    /// The secret itself.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Scopes of a classic or OAuth token.
    pub fn scopes(&self) -> Option<&[String]> {
        match &self.kind {
            TokenKind::Classic { scopes, .. } | TokenKind::OAuth { scopes, .. } => Some(scopes),
            _ => None,
        }
    }

    /// The grant of a token of fine permissions.
    pub fn grant(&self) -> Option<&Grant> {
        match &self.kind {
            TokenKind::FineGrained(grant)
            | TokenKind::Installation(_, grant)
            | TokenKind::GithubToken(grant)
            | TokenKind::UserToServer(grant) => Some(grant),
            _ => None,
        }
    }

    /// Acts for an App and not for a user.
    pub fn is_bot(&self) -> bool {
        matches!(self.kind, TokenKind::Installation(..) | TokenKind::GithubToken(_))
    }

    /// Is dead at this time.
    pub fn is_dead(&self, now: DateTime<Utc>) -> bool {
        self.revoked || self.expires.is_some_and(|end| end <= now)
    }
}
