//! The plan: what one relay will do to one target, as data. Nothing here asks, prints or writes.

pub mod app;
mod make;
pub mod reference;
mod route;

use std::{sync::Arc, time::Duration};

use crate::{
    credential::{Redactor, Secret, TokenKind},
    diagnosis::{Failure, Pushes, Situation},
    git::{
        advertisement::RefSelection, scratch, sign::SigningKey, stored_header::StoredHeader, transport::ssh::Access,
    },
    inputs::{Behaviour, JsonObject, TagExists, Wait, WaitFor},
    names::{Author, Oid, RefName, SecretScope, Target},
    plan::app::App,
    publish::directory::{AboutSite, CommitPlan, DirectoryPlan},
    publish::message::Origin,
    refs::Local,
};

pub use self::route::{ProposedBranch, PushRoute, Signer, account_author};

/// A token with what its form tells.
#[derive(Clone, Debug)]
pub struct Token {
    /// The value.
    pub secret: Secret,
    /// Its kind.
    pub kind: TokenKind,
}

/// What one relay authenticates with.
#[derive(Clone, Debug)]
pub enum Credential {
    /// A token.
    Token(Token),
    /// A GitHub App, which mints a token of its own before the preflight.
    App(App),
    /// No token, with the reason and where one would come from. SSH can still carry what git does.
    Missing(Failure),
}

/// What the push stage does.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "there is one for each target, and it is moved once")]
pub enum PushPlan {
    /// There is none.
    None,
    /// It publishes a directory onto a branch, or takes a destination off it.
    Directory(DirectoryPlan),
    /// It pushes refs of the checkout.
    Refs(Arc<Local>),
    /// It was to push refs of a checkout that cannot be read.
    Unreadable(Failure),
}

/// What one relay does to one target.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The repository that is written to.
    pub target: Target,
    /// What the step authenticates with.
    pub credential: Credential,
    /// The way of git over SSH; none: git goes over HTTP, with the token.
    pub ssh: Option<Access>,
    /// Whether the target is the repository that the workflow runs in.
    pub own_repository: bool,
    /// The run that this step belongs to.
    pub origin: Origin,
    /// What the checkout stored for git in the workspace; it is reported, and never used.
    pub stored_headers: Vec<StoredHeader>,
    /// The push stage.
    pub push: PushPlan,
    /// The tag stage.
    pub tags: Option<TagPlan>,
    /// The secret stage; one value for all targets.
    pub secret: Option<Arc<SecretPlan>>,
    /// The trigger stage: a `repository_dispatch`.
    pub dispatch: Option<DispatchPlan>,
    /// The trigger stage: a `workflow_dispatch` of each of these files.
    pub workflows: Option<WorkflowPlan>,
    /// The wait stage.
    pub wait: Option<WaitPlan>,
    /// Author, committer and tagger.
    pub author: Author,
    /// What signs the commit and the annotated tags.
    pub signing_key: Option<SigningKey>,
    /// Whether an old token is revoked once all targets have succeeded.
    pub revokes: bool,
    /// How it is done.
    pub behaviour: Behaviour,
}

/// The tags of a step.
#[derive(Clone, Debug)]
pub struct TagPlan {
    /// The tags in order, each with what happens when it is there already.
    pub tags: Vec<(RefName, TagExists)>,
    /// The annotation before its placeholders are filled in; lightweight without.
    pub message: Option<String>,
    /// What they name.
    pub target: TagTarget,
}

/// What a tag names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TagTarget {
    /// The branch's tip after the push stage.
    PushedTip,
    /// The workflow's own commit, where the target has it.
    OwnCommit(Option<Oid>),
    /// A commit of the target.
    Commit(Oid),
    /// A branch or tag of the target, by its short or full name.
    Named(String),
}

/// The secret to set.
#[derive(Clone, Debug)]
pub struct SecretPlan {
    /// Its name as it was written; GitHub stores it in upper case.
    pub name: String,
    /// Its value, white space as given.
    pub value: Secret,
    /// Where it is set.
    pub scope: SecretScope,
    /// The value as a token, without white space around it, where it has a GitHub token's prefix.
    pub token: Option<Token>,
}

/// A `repository_dispatch`.
#[derive(Clone, Debug)]
pub struct DispatchPlan {
    /// The event type.
    pub event_type: String,
    /// The payload as given.
    pub payload: JsonObject,
}

/// A `workflow_dispatch` of several files.
#[derive(Clone, Debug)]
pub struct WorkflowPlan {
    /// The file names, in order, each once; at least one.
    pub files: Vec<String>,
    /// Branch or tag, as written; without one it is chosen for each file.
    pub reference: Option<String>,
    /// The inputs as given.
    pub inputs: JsonObject,
}

/// What is waited for.
#[derive(Clone, Debug)]
pub struct WaitPlan {
    /// How far the runs of the triggers are followed.
    pub triggers: Wait,
    /// How far the runs of the files of `expected` are followed; a Pages site always until it is deployed.
    pub until: Wait,
    /// Runs that the push or the tag is expected to start.
    pub expected: Vec<WaitFor>,
    /// The stage's budget.
    pub timeout: Duration,
}

impl Plan {
    /// Whether anything is written to the target.
    pub fn writes(&self) -> bool {
        self.needs_contents() || self.workflows.is_some() || self.secret.is_some()
    }

    /// Whether the target is a wiki, which git alone serves.
    pub fn is_wiki(&self) -> bool {
        self.target.slug.wiki_of().is_some()
    }

    /// Whether refs or events are written to the target; its secret takes a permission of its own.
    pub fn needs_contents(&self) -> bool {
        self.pushes() || self.tags.is_some() || self.dispatch.is_some()
    }

    /// Whether the commit that the plan makes is signed.
    pub fn signs(&self) -> bool {
        self.signing_key.is_some()
    }

    /// The token, where there is one; an App has none before it has minted it.
    pub fn token(&self) -> Option<&Token> {
        match &self.credential {
            Credential::Token(token) => Some(token),
            Credential::App(_) | Credential::Missing(_) => None,
        }
    }

    /// The directory that is published, or the destination that is removed.
    pub fn directory(&self) -> Option<&DirectoryPlan> {
        match &self.push {
            PushPlan::Directory(directory) => Some(directory),
            PushPlan::None | PushPlan::Refs(_) | PushPlan::Unreadable(_) => None,
        }
    }

    /// The refs of the checkout that are pushed.
    pub fn refs(&self) -> Option<&Arc<Local>> {
        match &self.push {
            PushPlan::Refs(local) => Some(local),
            PushPlan::None | PushPlan::Directory(_) | PushPlan::Unreadable(_) => None,
        }
    }

    /// Whether the push stage is about refs of the checkout, readable or not.
    pub fn pushes_refs(&self) -> bool {
        matches!(self.push, PushPlan::Refs(_) | PushPlan::Unreadable(_))
    }

    /// Whether there is a push stage.
    pub fn pushes(&self) -> bool {
        !matches!(self.push, PushPlan::None)
    }

    /// The branches that the change is for, as far as the plan alone names them.
    pub fn branches(&self) -> impl Iterator<Item = &RefName> {
        let refs = self.refs().into_iter().flat_map(|local| local.branches());
        self.directory().map(DirectoryPlan::branch).into_iter().chain(refs)
    }

    /// Whether git is asked for the target's refs: by all but a plan that sets a secret or starts workflows and nothing else.
    /// Both take a right of their own, and neither that to push.
    pub fn needs_git(&self) -> bool {
        let names_ref = self.workflows.as_ref().is_some_and(|workflows| workflows.reference.is_some());
        self.needs_contents() || (names_ref && self.secret.is_none()) || !self.writes()
    }

    /// Whether a request starts a workflow.
    pub fn triggers(&self) -> bool {
        self.dispatch.is_some() || self.workflows.is_some()
    }

    /// Whether the plan can be done without a token: SSH carries what git does, and nothing else is asked for.
    pub fn can_do_without_token(&self) -> bool {
        self.ssh.is_some() && !self.triggers() && self.secret.is_none() && self.wait.is_none()
    }

    /// The token that git pushes with; over SSH there is none.
    pub fn git_token(&self) -> Option<&Token> {
        self.token().filter(|_| self.ssh.is_none())
    }

    /// Whether what is pushed is hoped to start workflows.
    pub fn expects_start(&self) -> bool {
        self.tags.is_some() || self.wait.as_ref().is_some_and(|wait| !wait.expected.is_empty())
    }

    /// Whether the wait stage lists runs; a Pages site is looked at by its builds where runs cannot be listed.
    pub fn lists_runs(&self) -> bool {
        let by_file = |wait: &WaitPlan| wait.expected.iter().any(|wanted| matches!(wanted, WaitFor::Workflow(_)));
        self.wait.as_ref().is_some_and(|wait| wait.triggers != Wait::No || by_file(wait))
    }

    /// Whether the wait stage looks at the Pages site.
    pub fn awaits_pages(&self) -> bool {
        self.wait.as_ref().is_some_and(|wait| wait.expected.contains(&WaitFor::Pages))
    }

    /// What the commit of the push stage, made by `author`, says about itself.
    pub fn commit_plan(&self, author: &Author, about: AboutSite) -> CommitPlan {
        CommitPlan {
            author: author.clone(),
            signing_key: self.signing_key.clone(),
            origin: self.origin.clone(),
            first_tag: self.first_tag().map(str::to_owned),
            about,
        }
    }

    /// The short name of the first tag, for messages.
    pub fn first_tag(&self) -> Option<&str> {
        self.tags.as_ref().and_then(|tags| tags.tags.first()).map(|(name, _)| name.short())
    }

    /// The refs that the plan needs to know before it writes.
    pub fn selection(&self) -> RefSelection {
        // All that the target has need not be sent.
        if self.pushes_refs() {
            return RefSelection::all();
        }
        let branch = self.directory().map(DirectoryPlan::branch);
        let head = self.proposed().map(|proposed| proposed.head);
        let tags = self.tags.iter().flat_map(|tags| tags.tags.iter().map(|(name, _)| name));
        let named: Vec<&RefName> = branch.into_iter().chain(&head).chain(tags).collect();
        // Those that could not stand beside them, too: `a` and `a/b`.
        let above: Vec<RefName> = named.iter().flat_map(|name| name.above()).collect();
        let mut selection = RefSelection::names(named.iter().copied().chain(&above));
        selection = named.iter().fold(selection, |selection, name| selection.with_prefix(&format!("{name}/")));
        if self.directory().is_some() {
            // What killed steps left behind is deleted by the next one.
            selection = selection.with_prefix(scratch::PREFIX);
        }
        if let Some(name) = self.workflows.as_ref().and_then(|workflows| workflows.reference.as_deref()) {
            let forms = [name.to_owned(), format!("refs/heads/{name}"), format!("refs/tags/{name}")];
            selection = forms.iter().fold(selection, |selection, form| selection.with_prefix(form));
        }
        match self.tags.as_ref().map(|tags| &tags.target) {
            None | Some(TagTarget::PushedTip) => selection,
            // A branch that has the commit to tag, and the names that are offered in place of a wrong one.
            Some(target) => {
                let named = if let TagTarget::Named(name) = target { selection.with_prefix(name) } else { selection };
                named.with_prefix("refs/heads/").with_prefix("refs/tags/")
            }
        }
    }

    /// The message of the commit that the plan makes, if it makes one.
    pub fn commit_message(&self) -> Option<&str> {
        self.directory().map(|push| push.asked.commit.message.as_str())
    }

    /// What the diagnosis of a refusal may know about this relay.
    pub fn situation(&self) -> Situation {
        Situation {
            token_kind: self.token().map(|token| token.kind),
            own_repository: Some(self.own_repository),
            // The workflow's own token is what such a header holds: with it nothing was displaced.
            hijacking_header: Some(
                !self.stored_headers.is_empty()
                    && self.token().is_some_and(|token| token.kind != TokenKind::GithubToken),
            ),
            pushes: match &self.push {
                PushPlan::None => None,
                PushPlan::Directory(_) => Some(Pushes::Directory),
                PushPlan::Refs(_) | PushPlan::Unreadable(_) => Some(Pushes::Refs),
            },
            repository: Some(self.target.slug.to_string()),
            branch: self.branches().next().map(|branch| branch.short().to_owned()),
            tag: self.first_tag().map(str::to_owned),
            server: Some(self.target.server.to_string()),
            // Whoever connects knows the secrets.
            redactor: Redactor::default(),
        }
    }
}
