//! A repository: its settings beside the bare repository on disk that holds its objects and refs.

mod build;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use chrono::{DateTime, Utc};

use super::{Decoy, Lfs, MergeMethod, Outcome, Protection, PullRequest, Role, Ruleset, Run, stable_id};

/// Paths and contents of a commit.
pub type Files = Vec<(String, Vec<u8>)>;

/// Who may see a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visibility {
    /// Everyone.
    Public,
    /// Those with a role.
    Private,
    /// As private here; on GitHub every member of the enterprise reads it.
    Internal,
}

impl Visibility {
    /// As the REST API writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
            Self::Internal => "internal",
        }
    }
}

/// Whether a repository can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// As usual.
    Active,
    /// Read-only.
    Archived,
    /// Blocked by GitHub.
    Disabled,
}

/// A Pages site.
#[derive(Clone, Debug)]
pub struct Pages {
    /// Branch it is published from.
    pub branch: String,
    /// `/` or `/docs`.
    pub folder: String,
    /// `legacy` (a branch) or `workflow`.
    pub build_type: String,
    /// Custom domain.
    pub cname: Option<String>,
    /// How a build goes.
    pub outcome: Outcome,
}

/// Where a secret is kept. Each place has its own key pair and permission.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SecretScope {
    /// `actions/secrets`.
    Actions,
    /// `dependabot/secrets`.
    Dependabot,
    /// `codespaces/secrets`.
    Codespaces,
    /// `environments/{name}/secrets`.
    Environment(String),
}

/// A secret of a repository.
#[derive(Clone, Debug)]
pub struct Secret {
    /// Where it is kept.
    pub scope: SecretScope,
    /// Its name, upper case.
    pub name: String,
    /// The sealed value as it came, base64.
    pub sealed: String,
    /// First set.
    pub created_at: DateTime<Utc>,
    /// Last set.
    pub updated_at: DateTime<Utc>,
}

/// A deploy key.
#[derive(Clone, Debug)]
pub struct DeployKey {
    /// The numeric id.
    pub id: u64,
    /// Its title.
    pub title: String,
    /// The public half: kind and key, without a comment.
    pub key: String,
    /// It cannot push.
    pub read_only: bool,
    /// When it was added.
    pub created_at: DateTime<Utc>,
}

/// A release.
#[derive(Clone, Debug)]
pub struct Release {
    /// Its tag.
    pub tag: String,
    /// Its tag can neither move nor go.
    pub immutable: bool,
    /// Not published.
    pub draft: bool,
}

/// What to put into the bare repository at the start.
#[derive(Clone, Debug)]
pub(crate) struct Seed {
    pub(crate) full_ref: String,
    pub(crate) files: Files,
}

/// A repository.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own on GitHub's pages, too")]
pub struct Repository {
    /// The numeric id.
    pub id: u64,
    /// The owner's login.
    pub owner: String,
    /// The name without the owner.
    pub name: String,
    /// `owner/name` under which it was known before; requests are redirected.
    pub former: Vec<String>,
    /// Public or private.
    pub visibility: Visibility,
    /// Usable, archived or blocked.
    pub standing: Standing,
    /// The default branch's name.
    pub default_branch: String,
    /// Roles of users; the owner is an administrator anyway.
    pub collaborators: BTreeMap<String, Role>,
    /// Classic branch protections.
    pub protections: Vec<Protection>,
    /// Rulesets, the organization's among them.
    pub rulesets: Vec<Ruleset>,
    /// Whether Actions is on.
    pub actions: bool,
    /// Workflow file names that are switched off.
    pub disabled_workflows: BTreeSet<String>,
    /// What becomes of the runs of a workflow file (by file name).
    pub outcomes: BTreeMap<String, Outcome>,
    /// Its pull requests, in order of their numbers.
    pub pull_requests: Vec<PullRequest>,
    /// Whether `GITHUB_TOKEN` may make pull requests.
    pub actions_may_propose: bool,
    /// Whether auto-merge can be switched on.
    pub allows_auto_merge: bool,
    /// How pull requests may be merged.
    pub merge_methods: BTreeSet<MergeMethod>,
    /// Decoys that appear beside each run.
    pub decoys: Vec<Decoy>,
    /// All runs, in order of their start.
    pub runs: Vec<Run>,
    /// Its Pages site.
    pub pages: Option<Pages>,
    /// Secrets of every scope.
    pub secrets: Vec<Secret>,
    /// Names of its deployment environments.
    pub environments: BTreeSet<String>,
    /// Its deploy keys.
    pub deploy_keys: Vec<DeployKey>,
    /// Its releases.
    pub releases: Vec<Release>,
    /// Tag names of immutable releases that were deleted: they cannot be made again.
    pub burned_tags: BTreeSet<String>,
    /// Whether pushes that bring secrets are refused.
    pub push_protection: bool,
    /// Git LFS; without it the server knows none there, and takes pointers for plain files.
    pub lfs: Option<Lfs>,
    /// Whether it can have a wiki. The wiki exists once it has a first page.
    pub has_wiki: bool,
    /// Of a wiki: the id of the repository that it belongs to. A wiki is served by git alone.
    pub wiki_of: Option<u64>,
    /// Workflows (by file name) that are listed beside those of the default branch, with their state: `deleted`, or `active`
    /// for one of another branch.
    pub other_workflows: Vec<(String, String)>,
    /// The bare repository; empty before the emulator has started.
    pub path: PathBuf,
    pub(crate) seeds: Vec<Seed>,
    /// The first pages of its wiki.
    pub(crate) wiki: Option<Files>,
}

impl Repository {
    /// An empty public repository `owner/name` with the default branch `main`.
    pub fn new(slug: &str) -> Self {
        let (owner, name) = slug.split_once('/').unwrap_or((slug, ""));
        Self {
            id: stable_id(slug),
            owner: owner.to_owned(),
            name: name.to_owned(),
            former: Vec::new(),
            visibility: Visibility::Public,
            standing: Standing::Active,
            default_branch: "main".to_owned(),
            collaborators: BTreeMap::new(),
            protections: Vec::new(),
            rulesets: Vec::new(),
            actions: true,
            disabled_workflows: BTreeSet::new(),
            outcomes: BTreeMap::new(),
            pull_requests: Vec::new(),
            actions_may_propose: false,
            allows_auto_merge: false,
            merge_methods: MergeMethod::ALL.into(),
            decoys: Vec::new(),
            runs: Vec::new(),
            pages: None,
            secrets: Vec::new(),
            environments: BTreeSet::new(),
            deploy_keys: Vec::new(),
            releases: Vec::new(),
            burned_tags: BTreeSet::new(),
            push_protection: false,
            lfs: None,
            has_wiki: true,
            wiki_of: None,
            other_workflows: Vec::new(),
            path: PathBuf::new(),
            seeds: Vec::new(),
            wiki: None,
        }
    }

    /// `owner/name`.
    pub fn slug(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    /// The number of the next pull request.
    pub(crate) fn next_number(&self) -> u64 {
        self.pull_requests.last().map_or(1, |last| last.number + 1)
    }

    /// The wiki as a repository of its own; `None`: it has no page.
    pub(crate) fn wiki_repository(&self) -> Option<Self> {
        let pages = self.wiki.clone().filter(|_| self.has_wiki)?;
        let mut wiki = Self::new(&format!("{}.wiki", self.slug())).default_branch("master").without_actions();
        wiki.former = self.former.iter().map(|slug| format!("{slug}.wiki")).collect();
        wiki.seeds.push(Seed { full_ref: "refs/heads/master".to_owned(), files: pages });
        Some(Self { wiki_of: Some(self.id), ..wiki })
    }

    /// A user's role; nothing for a stranger to a private repository.
    pub fn role(&self, login: &str) -> Option<Role> {
        if login.eq_ignore_ascii_case(&self.owner) {
            return Some(Role::Admin);
        }
        let public = (self.visibility == Visibility::Public).then_some(Role::Read);
        self.collaborators.get(&login.to_ascii_lowercase()).copied().or(public)
    }

    /// Whether everyone sees it.
    pub fn is_public(&self) -> bool {
        self.visibility == Visibility::Public
    }
}
