//! A repository: its settings beside the bare repository on disk that holds its objects and refs.

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

    /// A commit with these files on a branch (short name), on top of what was seeded there before.
    #[must_use]
    pub fn files(mut self, branch: &str, files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|&(path, text)| (path.to_owned(), text.as_bytes().to_vec())).collect();
        self.seeds.push(Seed { full_ref: format!("refs/heads/{branch}"), files });
        self
    }

    /// A file on the default branch.
    #[must_use]
    pub fn file(self, path: &str, text: &str) -> Self {
        let branch = self.default_branch.clone();
        self.files(&branch, &[(path, text)])
    }

    /// A workflow file (by file name) on the default branch.
    #[must_use]
    pub fn workflow(self, name: &str, yaml: &str) -> Self {
        self.file(&format!(".github/workflows/{name}"), yaml)
    }

    /// A lightweight tag on the default branch as seeded so far.
    #[must_use]
    pub fn tag(mut self, name: &str) -> Self {
        self.seeds.push(Seed { full_ref: format!("refs/tags/{name}"), files: Vec::new() });
        self
    }

    /// Another default branch; to be called before anything is seeded.
    #[must_use]
    pub fn default_branch(mut self, name: &str) -> Self {
        name.clone_into(&mut self.default_branch);
        self
    }

    /// Not public.
    #[must_use]
    pub fn private(mut self) -> Self {
        self.visibility = Visibility::Private;
        self
    }

    /// Of the enterprise alone.
    #[must_use]
    pub fn internal(mut self) -> Self {
        self.visibility = Visibility::Internal;
        self
    }

    /// Read-only.
    #[must_use]
    pub fn archived(mut self) -> Self {
        self.standing = Standing::Archived;
        self
    }

    /// Blocked.
    #[must_use]
    pub fn disabled(mut self) -> Self {
        self.standing = Standing::Disabled;
        self
    }

    /// Was called `owner/name` before.
    #[must_use]
    pub fn formerly(mut self, slug: &str) -> Self {
        self.former.push(slug.to_owned());
        self
    }

    /// Gives a user a role.
    #[must_use]
    pub fn collaborator(mut self, login: &str, role: Role) -> Self {
        self.collaborators.insert(login.to_ascii_lowercase(), role);
        self
    }

    /// Adds a classic branch protection.
    #[must_use]
    pub fn protection(mut self, protection: Protection) -> Self {
        self.protections.push(protection);
        self
    }

    /// Adds a ruleset.
    #[must_use]
    pub fn ruleset(mut self, ruleset: Ruleset) -> Self {
        self.rulesets.push(ruleset);
        self
    }

    /// Switches Actions off.
    #[must_use]
    pub fn without_actions(mut self) -> Self {
        self.actions = false;
        self
    }

    /// Switches a workflow (by file name) off.
    #[must_use]
    pub fn disabled_workflow(mut self, file: &str) -> Self {
        self.disabled_workflows.insert(file.to_owned());
        self
    }

    /// What becomes of the runs of a workflow (by file name).
    #[must_use]
    pub fn outcome(mut self, file: &str, outcome: Outcome) -> Self {
        self.outcomes.insert(file.to_owned(), outcome);
        self
    }

    /// An open pull request from this branch into the default branch.
    #[must_use]
    pub fn pull_request(mut self, branch: &str) -> Self {
        let number = self.next_number();
        let base = self.default_branch.clone();
        self.pull_requests.push(PullRequest::new(number, branch, &base, "A pull request", &self.owner));
        self
    }

    /// `GITHUB_TOKEN` may make pull requests (Settings > Actions > General). GitHub's default is that it may not.
    #[must_use]
    pub fn actions_may_propose(mut self) -> Self {
        self.actions_may_propose = true;
        self
    }

    /// Auto-merge can be switched on. GitHub's default is that it cannot.
    #[must_use]
    pub fn allow_auto_merge(mut self) -> Self {
        self.allows_auto_merge = true;
        self
    }

    /// The only ways in which pull requests may be merged.
    #[must_use]
    pub fn merge_methods(mut self, methods: &[MergeMethod]) -> Self {
        self.merge_methods = methods.iter().copied().collect();
        self
    }

    /// The number of the next pull request.
    pub(crate) fn next_number(&self) -> u64 {
        self.pull_requests.last().map_or(1, |last| last.number + 1)
    }

    /// Decoys beside each run.
    #[must_use]
    pub fn decoys(mut self, decoys: &[Decoy]) -> Self {
        self.decoys = decoys.to_vec();
        self
    }

    /// A Pages site from the root of a branch.
    #[must_use]
    pub fn pages(self, branch: &str) -> Self {
        self.pages_from(branch, "/")
    }

    /// The custom domain of its Pages site.
    #[must_use]
    pub fn pages_domain(mut self, domain: &str) -> Self {
        if let Some(pages) = &mut self.pages {
            pages.cname = Some(domain.to_owned());
        }
        self
    }

    /// A Pages site from a folder of a branch: `/` or `/docs`.
    #[must_use]
    pub fn pages_from(mut self, branch: &str, folder: &str) -> Self {
        self.pages = Some(Pages {
            branch: branch.to_owned(),
            folder: folder.to_owned(),
            build_type: "legacy".to_owned(),
            cname: None,
            outcome: Outcome::default(),
        });
        self
    }

    /// A deployment environment.
    #[must_use]
    pub fn environment(mut self, name: &str) -> Self {
        self.environments.insert(name.to_owned());
        self
    }

    /// A tag on the default branch as seeded so far, with a release that can or cannot be changed.
    #[must_use]
    pub fn release(mut self, tag: &str, immutable: bool) -> Self {
        self.releases.push(Release { tag: tag.to_owned(), immutable, draft: false });
        self.tag(tag)
    }

    /// An immutable release had this tag and was deleted.
    #[must_use]
    pub fn burned_tag(mut self, tag: &str) -> Self {
        self.burned_tags.insert(tag.to_owned());
        self
    }

    /// Pushes that bring secrets are refused.
    #[must_use]
    pub fn push_protection(mut self) -> Self {
        self.push_protection = true;
        self
    }

    /// Git LFS: objects are taken, and a push that names one which is not there is refused (GH008).
    #[must_use]
    pub fn lfs(mut self, lfs: Lfs) -> Self {
        self.lfs = Some(lfs);
        self
    }

    /// A wiki with these first pages, served by git as `owner/name.wiki` with the branch `master`. Without this call the wiki
    /// is switched on and has no page yet, so git does not find it.
    #[must_use]
    pub fn wiki(mut self, pages: &[(&str, &str)]) -> Self {
        self.wiki = Some(pages.iter().map(|&(path, text)| (path.to_owned(), text.as_bytes().to_vec())).collect());
        self
    }

    /// Its wiki is switched off.
    #[must_use]
    pub fn without_wiki(mut self) -> Self {
        self.has_wiki = false;
        self
    }

    /// The wiki as a repository of its own; `None`: it has no page.
    pub(crate) fn wiki_repository(&self) -> Option<Self> {
        let pages = self.wiki.clone().filter(|_| self.has_wiki)?;
        let mut wiki = Self::new(&format!("{}.wiki", self.slug())).default_branch("master").without_actions();
        wiki.former = self.former.iter().map(|slug| format!("{slug}.wiki")).collect();
        wiki.seeds.push(Seed { full_ref: "refs/heads/master".to_owned(), files: pages });
        Some(Self { wiki_of: Some(self.id), ..wiki })
    }

    /// Lists a workflow (by file name) that the default branch does not have.
    #[must_use]
    pub fn other_workflow(mut self, file: &str, state: &str) -> Self {
        self.other_workflows.push((file.to_owned(), state.to_owned()));
        self
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
