//! How a test describes a repository: one method for each thing that is not as in a new, public one.

use super::{Pages, Release, Repository, Seed, Standing, Visibility};
use crate::model::{Decoy, Lfs, MergeMethod, Outcome, Protection, PullRequest, Role, Ruleset};

impl Repository {
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

    /// Lists a workflow (by file name) that the default branch does not have.
    #[must_use]
    pub fn other_workflow(mut self, file: &str, state: &str) -> Self {
        self.other_workflows.push((file.to_owned(), state.to_owned()));
        self
    }
}
