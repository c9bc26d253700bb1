//! What becomes of pull requests: whether one can be merged, the merge itself by git, and what a push does to them.
//!
//! <https://docs.github.com/en/pull-requests/collaborating-with-pull-requests/incorporating-changes-from-a-pull-request/about-pull-request-merges>

use git2::{Commit, Oid, Signature, Time};

use crate::{
    git::{
        inspect,
        rules::{self, Surroundings},
    },
    handle,
    log::Update,
    model::{Guard, MergeMethod, Merged, Model, PullRequest, Repository, Token},
    shared::Shared,
    signatures::{self, GITHUB},
    workflows,
};

/// Why a pull request is not merged.
#[derive(Clone, Debug)]
pub(crate) enum Obstacle {
    /// Closed, merged already, or a branch is gone.
    Closed,
    /// Still a draft.
    Draft,
    /// The repository does not allow this way of merging.
    Method(MergeMethod),
    /// The branches conflict, or cannot be brought together in this way.
    Conflict,
    /// The rules of the base branch, in their sentences.
    Rules(Vec<String>),
}

/// A merge that is worked out and not yet done: the commit is there, the base branch stands where it stood.
pub(crate) struct Proposal {
    update: Update,
}

/// Subject and rest of a merge's message, where they were given.
#[derive(Clone, Debug, Default)]
pub(crate) struct Message {
    pub(crate) title: Option<String>,
    pub(crate) body: Option<String>,
}

/// The tip of a branch.
pub(crate) fn tip(bare: &git2::Repository, branch: &str) -> Option<Oid> {
    bare.refname_to_id(&format!("refs/heads/{branch}")).ok()
}

/// Works a merge out, with the rights of `token`.
pub(crate) fn propose(
    shared: &Shared,
    model: &Model,
    repository: &Repository,
    pull: &PullRequest,
    token: &Token,
    (method, message): (MergeMethod, &Message),
) -> Result<Proposal, Obstacle> {
    if !pull.open {
        return Err(Obstacle::Closed);
    }
    if pull.draft {
        return Err(Obstacle::Draft);
    }
    if !repository.merge_methods.contains(&method) {
        return Err(Obstacle::Method(method));
    }
    let bare = handle::open(&repository.path).map_err(|_| Obstacle::Closed)?;
    let (base, head) = tip(&bare, &pull.base).zip(tip(&bare, &pull.head)).ok_or(Obstacle::Closed)?;
    let merger = Merger { bare: &bare, model, pull, login: &token.login, owner: &repository.owner, base, head };
    let new = match method {
        MergeMethod::Merge => merger.merge(message),
        MergeMethod::Squash => merger.squash(message),
        MergeMethod::Rebase => merger.rebase(),
    };
    let new = new.ok().flatten().ok_or(Obstacle::Conflict)?;
    let name = format!("refs/heads/{}", pull.base);
    let update = Update { name, old: base.to_string(), new: new.to_string(), result: "ok".into() };
    let around = Surroundings::of(shared.url(), model);
    let broken = rules::judge_merge(&around, repository, token, pull, &update).broken;
    if broken.is_empty() { Ok(Proposal { update }) } else { Err(Obstacle::Rules(broken)) }
}

/// Moves the base branch, closes the pull request, and starts what that starts. Returns the new tip.
pub(crate) fn carry_out(
    shared: &Shared,
    model: &mut Model,
    id: u64,
    number: u64,
    token: &Token,
    Proposal { update }: Proposal,
) -> Result<String, git2::Error> {
    let now = model.now();
    let Some(repository) = model.repositories.iter_mut().find(|repository| repository.id == id) else {
        return Err(git2::Error::from_str("the repository is gone"));
    };
    let bare = handle::open(&repository.path)?;
    let (old, new) = (Oid::from_str(&update.old)?, Oid::from_str(&update.new)?);
    bare.reference_matching(&update.name, new, true, old, "merge")?;
    for pull in repository.pull_requests.iter_mut().filter(|pull| pull.number == number) {
        pull.open = false;
        pull.closed_at = Some(now);
        pull.auto_merge = None;
        pull.merged = Some(Merged { at: now, by: token.login.clone(), sha: update.new.clone() });
    }
    workflows::pushed(shared, model, id, token, std::slice::from_ref(&update));
    Ok(update.new)
}

/// Whether anything of the base branch's rules could hold a merge up.
pub(crate) fn is_protected(repository: &Repository, branch: &str) -> bool {
    let full_ref = format!("refs/heads/{branch}");
    let ruleset = repository.rulesets.iter().any(|ruleset| {
        ruleset.enforcement == crate::model::Enforcement::Active
            && !ruleset.rules.is_empty()
            && ruleset.covers(&full_ref, &repository.default_branch)
    });
    let asks = |guard: &Guard| !matches!(guard, Guard::AllowForce | Guard::AllowDeletion);
    let classic = repository.protections.iter().filter(|protection| protection.covers(branch));
    ruleset || classic.into_iter().any(|one| !one.checks.is_empty() || one.guards.iter().any(asks))
}

/// Merges what waits for its rules and need not wait any longer.
pub(crate) fn merge_waiting(shared: &Shared, model: &mut Model, id: u64) {
    let waiting = |model: &Model| {
        let repository = model.repositories.iter().find(|repository| repository.id == id)?.clone();
        let pulls = repository.pull_requests.iter().filter(|pull| pull.open);
        pulls.filter_map(|pull| pull.auto_merge.clone().map(|auto| (pull.clone(), auto))).find_map(|(pull, auto)| {
            let message = Message { title: auto.title, body: auto.message };
            let found = propose(shared, model, &repository, &pull, &auto.by, (auto.method, &message)).ok()?;
            Some((pull.number, auto.by, found))
        })
    };
    while let Some((number, by, proposal)) = waiting(model) {
        if carry_out(shared, model, id, number, &by, proposal).is_err() {
            break;
        }
    }
}

/// What a push does to pull requests: heads move, a branch that is gone closes them, a base that holds the head merges them.
pub(crate) fn follow(model: &mut Model, id: u64, by: &str, updates: &[Update]) {
    let now = model.now();
    let Some(repository) = model.repositories.iter_mut().find(|repository| repository.id == id) else { return };
    let Ok(bare) = handle::open(&repository.path) else { return };
    let moved = |branch: &str| updates.iter().any(|update| update.name.strip_prefix("refs/heads/") == Some(branch));
    for pull in repository.pull_requests.iter_mut().filter(|pull| pull.open) {
        if !moved(&pull.head) && !moved(&pull.base) {
            continue;
        }
        let Some((head, base)) = tip(&bare, &pull.head).zip(tip(&bare, &pull.base)) else {
            pull.open = false;
            pull.closed_at = Some(now);
            continue;
        };
        if pull.head_sha != head.to_string() {
            pull.head_sha = head.to_string();
            pull.passed_checks.clear();
        }
        if moved(&pull.base) && (head == base || bare.graph_descendant_of(base, head).unwrap_or(false)) {
            pull.open = false;
            pull.closed_at = Some(now);
            pull.merged = Some(Merged { at: now, by: by.to_owned(), sha: base.to_string() });
        }
    }
}

/// One merge: its branches and who makes it.
struct Merger<'a> {
    bare: &'a git2::Repository,
    model: &'a Model,
    pull: &'a PullRequest,
    login: &'a str,
    owner: &'a str,
    base: Oid,
    head: Oid,
}

impl Merger<'_> {
    fn person(&self) -> Result<Signature<'static>, git2::Error> {
        Signature::new(self.login, &signatures::noreply(self.model, self.login), &self.now())
    }

    fn now(&self) -> Time {
        Time::new(self.model.now().timestamp(), 0)
    }

    /// The tree of both sides; `None`: they conflict.
    fn both(&self) -> Result<Option<Oid>, git2::Error> {
        let (base, head) = (self.bare.find_commit(self.base)?, self.bare.find_commit(self.head)?);
        let mut index = self.bare.merge_commits(&base, &head, None)?;
        if index.has_conflicts() { Ok(None) } else { index.write_tree_to(self.bare).map(Some) }
    }

    /// A commit in the name of the merging account, committed and signed by GitHub.
    fn signed(&self, tree: Oid, message: &str, parents: &[Oid]) -> Result<Oid, git2::Error> {
        let github = Signature::new(GITHUB.0, GITHUB.1, &self.now())?;
        let parents: Result<Vec<_>, _> = parents.iter().map(|&parent| self.bare.find_commit(parent)).collect();
        signed_commit(self.bare, (&self.person()?, &github), message, tree, &parents?)
    }

    fn merge(&self, message: &Message) -> Result<Option<Oid>, git2::Error> {
        let Some(tree) = self.both()? else { return Ok(None) };
        let PullRequest { number, title, head, .. } = self.pull;
        let subject = format!("Merge pull request #{number} from {}/{head}", self.owner);
        let text = whole(message, &subject, title);
        self.signed(tree, &text, &[self.base, self.head]).map(Some)
    }

    fn squash(&self, message: &Message) -> Result<Option<Oid>, git2::Error> {
        let Some(tree) = self.both()? else { return Ok(None) };
        let subject = format!("{} (#{})", self.pull.title, self.pull.number);
        let text = whole(message, &subject, "");
        self.signed(tree, &text, &[self.base]).map(Some)
    }

    /// Each commit anew on top of the base, in the merging account's name as the committer.
    fn rebase(&self) -> Result<Option<Oid>, git2::Error> {
        let mut commits = inspect::commits_between(self.bare, &self.base.to_string(), &self.head.to_string());
        commits.reverse();
        let mut tip = self.base;
        for commit in commits {
            if commit.parent_count() > 1 {
                return Ok(None);
            }
            let onto = self.bare.find_commit(tip)?;
            let mut index = self.bare.cherrypick_commit(&commit, &onto, 0, None)?;
            if index.has_conflicts() {
                return Ok(None);
            }
            let tree = self.bare.find_tree(index.write_tree_to(self.bare)?)?;
            let message = String::from_utf8_lossy(commit.message_bytes()).into_owned();
            tip = self.bare.commit(None, &commit.author(), &self.person()?, &message, &tree, &[&onto])?;
        }
        Ok(Some(tip))
    }
}

fn whole(message: &Message, subject: &str, body: &str) -> String {
    let subject = message.title.as_deref().unwrap_or(subject);
    let body = message.body.as_deref().unwrap_or(body);
    if body.is_empty() { subject.to_owned() } else { format!("{subject}\n\n{body}") }
}

/// A commit that bears GitHub's own signature.
pub(crate) fn signed_commit(
    bare: &git2::Repository,
    (author, committer): (&Signature<'_>, &Signature<'_>),
    message: &str,
    tree: Oid,
    parents: &[Commit<'_>],
) -> Result<Oid, git2::Error> {
    let tree = bare.find_tree(tree)?;
    let parents: Vec<_> = parents.iter().collect();
    let buffer = bare.commit_create_buffer(author, committer, message, &tree, &parents)?;
    let text = String::from_utf8_lossy(&buffer).into_owned();
    bare.commit_signed(&text, &signatures::by_github(&text), Some("gpgsig"))
}
