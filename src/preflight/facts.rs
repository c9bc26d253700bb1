//! What the preflight knows when it judges: plain data, asked beforehand.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};

use crate::{
    credential::TokenKind,
    diagnosis::Failure,
    git::{advertisement::Advertisement, format::CommitInfo},
    github::model::{Branch, Content, FolderEntry, Pages, PublicKey, PullRequest, Rule, Ruleset, SecretInfo, Workflow},
    names::{Author, Oid, RefName},
    plan::{Plan, ProposedBranch, PushRoute},
    publish::{
        directory::CommitPlan,
        hash::Hashed,
        proposal::{Base, Proposal},
        unmatched::Unmatched,
    },
    refs::facts::RefsFacts,
    report::DriftRow,
};

/// The answer to one question.
#[derive(Clone, Debug, Default)]
pub enum Asked<T> {
    /// There was no need, or no way, to ask.
    #[default]
    No,
    /// The answer.
    Answer(T),
    /// The question was refused, or got lost.
    Refused(Refusal),
}

/// A question that got no answer.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The HTTP status, where there was one.
    pub status: Option<u16>,
    /// What the refusal means.
    pub failure: Failure,
}

impl<T> Asked<T> {
    /// The answer, if there is one.
    pub fn answer(&self) -> Option<&T> {
        match self {
            Self::Answer(answer) => Some(answer),
            _ => None,
        }
    }

    /// The refusal, if there was one.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }
}

/// What the answers' headers told about the token.
#[derive(Clone, Debug, Default)]
pub struct TokenFacts {
    /// The account's name, where the token stands for a user.
    pub login: Option<String>,
    /// `x-oauth-scopes`: given for classic and OAuth tokens alone.
    pub scopes: Option<Vec<String>>,
    /// When the token ends, in UTC; none when never or unknown.
    pub expires_at: Option<DateTime<Utc>>,
    /// The organizations whose single sign-on hides results, and the address that authorizes the token.
    pub sso: Option<String>,
    /// The hour's budget of REST requests.
    pub rate: Option<RateFacts>,
}

impl TokenFacts {
    /// How many of the scopes no plan needs.
    pub fn surplus_scopes(&self) -> usize {
        self.scopes.as_deref().map_or(0, |scopes| super::token::surplus(scopes).len())
    }
}

/// The hour's budget of REST requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateFacts {
    /// Requests an hour.
    pub limit: u64,
    /// Requests left.
    pub remaining: u64,
    /// How long until the budget is full again.
    pub reset_in: Duration,
}

/// What `GET /repos/{owner}/{repo}` told.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own in the answer")]
pub struct RepositoryFacts {
    /// The repository's present name; another one than asked for when it was renamed.
    pub full_name: String,
    /// Whether it can be seen without a token.
    pub public: bool,
    /// Whether everybody of its enterprise sees it, and nobody else.
    pub internal: bool,
    /// Read-only.
    pub archived: bool,
    /// Blocked by GitHub.
    pub disabled: bool,
    /// The default branch's name; of a wiki that of its own, empty when git does not tell.
    pub default_branch: String,
    /// Whether it can have a wiki; an older server does not tell.
    pub has_wiki: Option<bool>,
    /// Whether it has a Pages site.
    pub has_pages: Option<bool>,
    /// Whether the USER may push; it says nothing about the token.
    pub user_may_push: Option<bool>,
    /// Whether the USER administers it.
    pub user_is_admin: Option<bool>,
}

/// The directory, hashed, and what publishing it would do.
#[derive(Clone, Debug)]
pub struct PublishFacts {
    /// The directory's content by its object ids.
    pub hashed: Arc<Hashed>,
    /// What the commit says about itself.
    pub commit: CommitPlan,
    /// The branch as it was found.
    pub base: Base,
    /// The change against it.
    pub proposal: Proposal,
    /// What is to be sent, in bytes after deflating; counted only where it may be above GitHub's limit.
    pub deflated: Option<Deflated>,
    /// Lines of `keep` and `exclude` that match nothing.
    pub unmatched: Vec<Unmatched>,
    /// The address of the later run that published here already.
    pub newer_run: Option<String>,
}

/// The size of a pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deflated {
    /// So many bytes.
    Whole(u64),
    /// More than this many bytes; the count stopped there.
    Above(u64),
}

/// What holds for a branch that is pushed to.
#[derive(Clone, Debug)]
pub struct BranchFacts {
    /// The branch.
    pub name: RefName,
    /// The rules that are in force for it, those of the organization included.
    pub rules: Asked<Vec<Rule>>,
    /// The branch itself: whether a classic protection covers it. A branch that is not there is refused with 404.
    pub branch: Asked<Branch>,
}

/// A workflow that is to be dispatched.
#[derive(Clone, Debug)]
pub struct WorkflowFacts {
    /// Its file name.
    pub file: String,
    /// The workflow; 404 where the default branch does not have it.
    pub state: Asked<Workflow>,
    /// The file.
    pub content: Asked<Content>,
    /// At which moment the file was read.
    pub known: Known,
}

/// How what was read relates to what will be dispatched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// It is the ref that will be dispatched.
    Exactly,
    /// This step writes the ref, or may come to choose another one, after it was read.
    Before,
}

/// What is known of the workflows that may listen to the event that is dispatched.
#[derive(Clone, Debug)]
pub struct ListenerFacts {
    /// The workflows of the target.
    pub list: Asked<Vec<Workflow>>,
    /// The files of those that can start, as they are on the default branch.
    pub files: Vec<(String, FileText)>,
}

/// A workflow file on the default branch.
#[derive(Clone, Debug)]
pub enum FileText {
    /// What it says.
    Text(String),
    /// The branch does not have it.
    Missing,
    /// It could not be read, for this reason: a sentence.
    Unread(String),
}

/// What the rulesets of the target say.
#[derive(Clone, Debug)]
pub struct RuleFacts {
    /// The branches that are pushed to.
    pub branches: Vec<BranchFacts>,
    /// The rulesets for tags and for pushes; there is no list of the rules of one tag.
    pub list: Asked<Vec<Ruleset>>,
    /// Each ruleset that may matter, with its conditions, and whether this actor may bypass it.
    pub rulesets: BTreeMap<u64, Asked<Ruleset>>,
}

impl Default for RuleFacts {
    fn default() -> Self {
        Self { branches: Vec::new(), list: Asked::No, rulesets: BTreeMap::new() }
    }
}

/// What is known of the pull request that would bring the change.
#[derive(Clone, Debug)]
pub struct ProposedFacts {
    /// The branches.
    pub branch: ProposedBranch,
    /// The tip of the proposed branch, where it is there.
    pub tip: Option<Oid>,
    /// The commit at that tip; read only where a directory is published.
    pub commit: Option<CommitInfo>,
    /// The pull request of these branches that is open, if one is.
    pub open: Asked<Option<PullRequest>>,
    /// Whether this credential can make pull requests, where it was asked.
    pub right: Asked<()>,
}

/// What is known of the tags.
#[derive(Clone, Debug)]
pub struct TagFacts {
    /// The commit to tag; none when it is the branch's tip after the push.
    pub commit: Option<Oid>,
    /// The tags of the plan that are there: what each holds, and the commit that it leads to.
    pub existing: BTreeMap<RefName, (Oid, Oid)>,
    /// A workflow file of the commit to tag that the target's branches lack, as far as they were compared.
    pub new_workflow: Option<NewWorkflow>,
}

/// A workflow file that a tag brings, as no branch has it in this form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewWorkflow {
    /// Its path.
    pub path: String,
    /// Whether every branch was compared.
    pub certain: bool,
}

/// What is known of the secret that is to be set.
#[derive(Clone, Debug)]
pub struct SecretFacts {
    /// The key that values are sealed with; being given it takes a right to the secrets.
    pub key: Asked<PublicKey>,
    /// When the secret was last set; refused with status 404 when it is not there.
    pub existing: Asked<SecretInfo>,
    /// What the server says about the new value, where that is itself a token.
    pub token: Option<NewTokenFacts>,
}

/// What is known of a token that is about to be stored as a secret.
#[derive(Clone, Debug, Default)]
pub struct NewTokenFacts {
    /// Its kind.
    pub kind: TokenKind,
    /// Whether there is white space around it.
    pub padded: bool,
    /// Whether the server accepts it.
    pub asked: Asked<()>,
    /// The account's name, where it stands for a user.
    pub login: Option<String>,
    /// Its scopes, where it has such.
    pub scopes: Option<Vec<String>>,
    /// When it ends, in UTC; none when never or unknown.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Everything the preflight asked, and when.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The server's clock where an answer told it, else this machine's, in UTC.
    pub now: DateTime<Utc>,
    /// How far the server's clock is ahead of this machine's; zero where no answer told it.
    pub server_ahead: chrono::Duration,
    /// The version of an Enterprise Server, major and minor, where an answer told it.
    pub server_version: Option<(u32, u32)>,
    /// `GET /user`: the login. Not asked for installation tokens, which have no user.
    pub user: Asked<String>,
    /// `GET /repos/{owner}/{repo}`.
    pub repository: Asked<RepositoryFacts>,
    /// The advertisement of receive-pack: being given it proves the right to push.
    pub refs: Asked<Advertisement>,
    /// What the headers of all answers told about the token.
    pub token: TokenFacts,
    /// Who makes commits and annotated tags.
    pub author: Author,
    /// How the change comes to its branch.
    pub route: PushRoute,
    /// The pull request; none where the plan uses none.
    pub proposed: Option<ProposedFacts>,
    /// The publish, worked out; none when none is planned, or when there are no refs to work it out against.
    pub publish: Option<Result<PublishFacts, Failure>>,
    /// The refs of the checkout, worked out; none when none are pushed, or when there are no refs to work it out against.
    pub pushed_refs: Option<Result<RefsFacts, Failure>>,
    /// How the target's refs stood to the checkout's; those that are equal have no row.
    pub drift: Vec<DriftRow>,
    /// The tags, looked at; none when none is planned, or when there are no refs.
    pub tags: Option<Result<TagFacts, Failure>>,
    /// Tags that the plan moves, deletes or finds on another commit, and that belong to an immutable release, with the page of the release.
    pub immutable: Vec<(RefName, String)>,
    /// Rulesets and branch protection; empty when nothing is pushed.
    pub rules: RuleFacts,
    /// The Pages site. 404 means that there is none, or that the token may not ask.
    pub pages: Asked<Pages>,
    /// The workflows to dispatch, in order of the lines.
    pub workflows: Vec<WorkflowFacts>,
    /// All workflows, where one to dispatch was not found by its name.
    pub workflow_list: Option<Vec<Workflow>>,
    /// What listens to the event; none where none is dispatched.
    pub listeners: Option<ListenerFacts>,
    /// All workflows, where runs of some are waited for and no other answer tells of them.
    pub awaited: Asked<Vec<Workflow>>,
    /// `.github/workflows` of the default branch; asked for when the directory brings workflow files.
    pub workflow_folder: Asked<Vec<FolderEntry>>,
    /// The secret, looked at; none when none is planned.
    pub secret: Option<SecretFacts>,
}

impl Facts {
    /// All refusals, those of REST first: they tell more than git's.
    pub fn refusals(&self) -> impl Iterator<Item = &Refusal> {
        [self.user.refusal(), self.repository.refusal(), self.refs.refusal()].into_iter().flatten()
    }

    /// Whether REST answered at all, be it by a refusal.
    pub fn rest_answered(&self) -> bool {
        self.user.answer().is_some()
            || self.repository.answer().is_some()
            || self.refusals().any(|refusal| refusal.status.is_some())
    }

    /// All workflows of the target, where an answer told them.
    pub fn all_workflows(&self) -> Option<&[Workflow]> {
        let listed = self.listeners.as_ref().and_then(|known| known.list.answer()).or(self.awaited.answer());
        self.workflow_list.as_ref().or(listed).map(Vec::as_slice)
    }

    /// The publish, where it could be worked out.
    pub fn proposal(&self) -> Option<&Proposal> {
        Some(&self.publish.as_ref()?.as_ref().ok()?.proposal)
    }

    /// Whether the server has shown that it knows the token, be it by refusing what the token may not do.
    pub fn token_is_known(&self, plan: &Plan) -> bool {
        // A server that does not know a token answers 401, whatever is asked for.
        let knows = |refusal: &Refusal| matches!(refusal.status, Some(403 | 404));
        // Over SSH it was the deploy key that was let in.
        let by_git = plan.ssh.is_none() && self.refs.answer().is_some();
        self.repository.answer().is_some() || by_git || self.refusals().any(knows)
    }
}
