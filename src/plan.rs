//! The plan: what one relay will do to one target, as data. Nothing here asks, prints or writes.

use std::{path::PathBuf, sync::Arc, time::Duration};

use crate::{
    app::App,
    context::Context,
    credential::{Secret, TokenKind},
    diagnosis::{Cause, Failure, Situation},
    git::{
        advertisement::Interest,
        stored_header::{StoredHeader, stored_headers},
        transport::ssh::{Access, DeployKey, KnownHosts, PORT, Route},
    },
    inputs::{
        ActionsSecret, Author, Behaviour, BranchCommit, DirectoryPush, Inputs, JsonObject, Nojekyll, Push, TagExists,
        Tags, TokenInput, Triggers, Wait, WaitFor,
    },
    publish::{globs::Globs, message::Origin, sign::SigningKey, walk::resolve_directory},
    refs::Local,
    target::{Oid, RefName, Target},
};

/// A token with what its form tells.
#[derive(Clone, Debug)]
pub struct Token {
    /// The value.
    pub secret: Secret,
    /// Its kind.
    pub kind: TokenKind,
}

/// What one relay does to one target.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The repository that is written to.
    pub target: Target,
    /// The token; none when there is none that may be sent.
    pub token: Option<Token>,
    /// Why there is no token, in a sentence; empty when there is one.
    pub token_absence: String,
    /// The App that mints the token; the plan has none before.
    pub app: Option<App>,
    /// The way of git over SSH; none: git goes over HTTP, with the token.
    pub ssh: Option<Access>,
    /// Whether the target is the repository that the workflow runs in.
    pub own_repository: bool,
    /// The run that this step belongs to.
    pub origin: Origin,
    /// What the checkout stored for git in the workspace; it is reported, and never used.
    pub stored_headers: Vec<StoredHeader>,
    /// The push stage.
    pub push: Option<DirectoryPlan>,
    /// The push stage, when it pushes refs of the checkout: what they are, or why the checkout can not be read.
    pub refs: Option<Result<Arc<Local>, Failure>>,
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
    /// How it is done.
    pub behaviour: Behaviour,
}

/// A directory onto a branch.
#[derive(Clone, Debug)]
pub struct DirectoryPlan {
    /// The folder whose content is published: it is there, and inside the workspace. None: the destination is taken off the branch.
    pub directory: Option<PathBuf>,
    /// What the user asked for.
    pub asked: DirectoryPush,
    /// Files on the branch that stay though the directory lacks them.
    pub keep: Globs,
    /// Files that are neither published nor removed.
    pub exclude: Globs,
    /// Whether `.nojekyll` is added at the branch's root.
    pub nojekyll: bool,
}

impl DirectoryPlan {
    /// The branch that is published to.
    pub fn branch(&self) -> &RefName {
        &self.asked.commit.branch
    }

    /// Where a file of the directory comes to stand on the branch.
    pub fn on_branch(&self, path: &[u8]) -> Vec<u8> {
        let destination = &self.asked.commit.destination;
        if destination.is_root() { path.to_vec() } else { [destination.as_str().as_bytes(), b"/", path].concat() }
    }
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

/// The Actions secret to set.
#[derive(Clone, Debug)]
pub struct SecretPlan {
    /// Its name as it was written; GitHub stores it in upper case.
    pub name: String,
    /// Its value, white space as given.
    pub value: Secret,
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
    /// How far the runs of `expected` are followed.
    pub until: Wait,
    /// Runs that the push or the tag is expected to start.
    pub expected: Vec<WaitFor>,
    /// The stage's budget.
    pub timeout: Duration,
}

impl Plan {
    /// One plan for each target of `inputs`.
    ///
    /// # Errors
    /// What is wrong with an input that needs a look at the disk: `directory-not-found`, `invalid-input`.
    pub fn for_targets(inputs: &Inputs, context: &Context) -> Result<Vec<Self>, Failure> {
        let push = match &inputs.push {
            Push::Directory(asked) => Some(directory_plan(asked, context)?),
            Push::Remove(commit) => Some(removal_plan(commit)),
            Push::None | Push::Refs(_) => None,
        };
        let refs = match &inputs.push {
            Push::Refs(specs) => Some(Local::read(&context.workspace, specs).map(Arc::new)),
            Push::None | Push::Remove(_) | Push::Directory(_) => None,
        };
        let origin = Origin {
            repository: context.repository.clone(),
            sha: context.sha,
            git_ref: context.git_ref.clone(),
            actor: context.actor.clone(),
            run_url: context.run_url.clone(),
        };
        let app = inputs.credential.app.as_ref().map(App::read).transpose()?;
        let given = inputs.credential.token.secret().filter(|_| app.is_none());
        let token = given.map(|secret| Token {
            secret: secret.clone(),
            kind: TokenKind::of(secret, inputs.credential.workflow_token.as_ref()),
        });
        let ssh = ssh_access(inputs)?;
        let signing_key = inputs.signing_key.as_ref().map(SigningKey::read).transpose()?;
        let own_server = context.server().ok();
        let stored = stored_headers(&context.workspace);
        let workflow_token = inputs.credential.workflow_token.as_ref();
        let secret = inputs.secret.as_ref().map(|secret| Arc::new(secret_plan(secret, workflow_token)));
        let wait = wait_plan(inputs)?;
        let plan = |target: &Target| Self {
            target: target.clone(),
            token: token.clone(),
            token_absence: absence(&inputs.credential.token),
            app: app.clone(),
            ssh: ssh.clone(),
            own_repository: context.repository.as_ref() == Some(&target.slug)
                && own_server.as_ref() == Some(&target.server),
            origin: origin.clone(),
            stored_headers: stored.clone(),
            tags: inputs.tags.as_ref().map(|tags| tag_plan(tags, push.is_some() || refs.is_some(), context.sha)),
            push: push.clone(),
            secret: secret.clone(),
            refs: refs.clone(),
            dispatch: inputs.triggers.dispatch.as_ref().map(|event_type| DispatchPlan {
                event_type: event_type.clone(),
                payload: inputs.triggers.payload.clone(),
            }),
            workflows: workflow_plan(&inputs.triggers),
            wait: wait.clone(),
            author: inputs.author.clone(),
            signing_key: signing_key.clone(),
            behaviour: inputs.behaviour.clone(),
        };
        Ok(inputs.targets.list.iter().map(plan).collect())
    }

    /// Whether anything is written to the target.
    pub fn writes(&self) -> bool {
        self.needs_contents() || self.workflows.is_some() || self.secret.is_some()
    }

    /// Whether refs or events are written to the target; its secret takes a permission of its own.
    pub fn needs_contents(&self) -> bool {
        self.pushes() || self.tags.is_some() || self.dispatch.is_some()
    }

    /// Whether the commit that the plan makes is signed.
    pub fn signs(&self) -> bool {
        self.signing_key.is_some()
    }

    /// Whether there is a push stage.
    pub fn pushes(&self) -> bool {
        self.push.is_some() || self.refs.is_some()
    }

    /// The branches that are pushed to, as far as the plan alone names them.
    pub fn branches(&self) -> impl Iterator<Item = &RefName> {
        let refs = self.refs.iter().flatten().flat_map(|local| local.branches());
        self.push.iter().map(DirectoryPlan::branch).chain(refs)
    }

    /// Whether the credential has to hold git's side of the target: all but a plan that sets a secret and nothing else.
    pub fn needs_git(&self) -> bool {
        self.needs_contents() || self.secret.is_none()
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
        self.token.as_ref().filter(|_| self.ssh.is_none())
    }

    /// Whether what is pushed is hoped to start workflows.
    pub fn expects_start(&self) -> bool {
        self.tags.is_some() || self.wait.as_ref().is_some_and(|wait| !wait.expected.is_empty())
    }

    /// The short name of the first tag, for messages.
    pub fn first_tag(&self) -> Option<&str> {
        self.tags.as_ref().and_then(|tags| tags.tags.first()).map(|(name, _)| name.short())
    }

    /// The refs that the plan needs to know before it writes.
    pub fn interest(&self) -> Interest {
        // All that the target has need not be sent.
        if self.refs.is_some() {
            return Interest::all();
        }
        let branch = self.push.as_ref().map(DirectoryPlan::branch);
        let tags = self.tags.iter().flat_map(|tags| tags.tags.iter().map(|(name, _)| name));
        let mut interest = Interest::names(branch.into_iter().chain(tags));
        if let Some(name) = self.workflows.as_ref().and_then(|workflows| workflows.reference.as_deref()) {
            let forms = [name.to_owned(), format!("refs/heads/{name}"), format!("refs/tags/{name}")];
            interest = forms.iter().fold(interest, |interest, form| interest.with_prefix(form));
        }
        match self.tags.as_ref().map(|tags| &tags.target) {
            Some(TagTarget::Named(name)) => {
                let forms = [name.clone(), format!("refs/heads/{name}"), format!("refs/tags/{name}")];
                forms.iter().fold(interest, |interest, form| interest.with_prefix(form))
            }
            _ => interest,
        }
    }

    /// The message of the commit that the plan makes, if it makes one.
    pub fn commit_message(&self) -> Option<&str> {
        self.push.as_ref().map(|push| push.asked.commit.message.as_str())
    }

    /// What the diagnosis of a refusal may know about this relay.
    pub fn situation(&self) -> Situation {
        Situation {
            token_kind: self.token.as_ref().map(|token| token.kind),
            own_repository: Some(self.own_repository),
            // The workflow's own token is what such a header holds: with it nothing was displaced.
            hijacking_header: Some(
                !self.stored_headers.is_empty()
                    && self.token.as_ref().is_some_and(|token| token.kind != TokenKind::GithubToken),
            ),
            repository: Some(self.target.slug.to_string()),
            branch: self.branches().next().map(|branch| branch.short().to_owned()),
            tag: self.first_tag().map(str::to_owned),
            server: Some(self.target.server.to_string()),
        }
    }
}

fn directory_plan(asked: &DirectoryPush, context: &Context) -> Result<DirectoryPlan, Failure> {
    let globs = |input: &str, patterns: &[String]| {
        Globs::new(patterns)
            .map_err(|error| Failure::new(Cause::InvalidInput, format!("The input `{input}` is not usable: {error}.")))
    };
    let text = asked.directory.to_string_lossy();
    Ok(DirectoryPlan {
        directory: Some(resolve_directory(&context.workspace, &text)?),
        keep: globs("keep", &asked.keep)?,
        exclude: globs("exclude", &asked.exclude)?,
        nojekyll: match asked.nojekyll {
            Nojekyll::Always => true,
            Nojekyll::Never => false,
            Nojekyll::Auto => asked.commit.branch.short() == "gh-pages",
        },
        asked: asked.clone(),
    })
}

/// A destination that is taken off its branch: the publish of nothing.
fn removal_plan(commit: &BranchCommit) -> DirectoryPlan {
    let asked = DirectoryPush {
        directory: PathBuf::new(),
        commit: commit.clone(),
        keep: Vec::new(),
        exclude: Vec::new(),
        nojekyll: Nojekyll::Never,
        cname: None,
    };
    DirectoryPlan { directory: None, asked, keep: Globs::default(), exclude: Globs::default(), nojekyll: false }
}

fn tag_plan(tags: &Tags, pushes: bool, own_sha: Option<Oid>) -> TagPlan {
    let target = match tags.target.as_deref() {
        Some(text) => text.parse().map_or_else(|_| TagTarget::Named(text.to_owned()), TagTarget::Commit),
        None if pushes => TagTarget::PushedTip,
        None => TagTarget::OwnCommit(own_sha),
    };
    let exists = |moves: bool| if moves { TagExists::Move } else { tags.exists };
    TagPlan {
        tags: tags.list.iter().map(|line| (line.name.clone(), exists(line.moves))).collect(),
        message: tags.message.clone(),
        target,
    }
}

/// The prefixes by which GitHub's tokens are known; a refresh token is none that could be asked about.
const TOKEN_PREFIXES: &[&str] = &["ghp_", "github_pat_", "ghs_", "gho_", "ghu_"];

fn secret_plan(secret: &ActionsSecret, workflow_token: Option<&Secret>) -> SecretPlan {
    let trimmed = secret.value.expose().trim();
    let is_token = TOKEN_PREFIXES.iter().any(|prefix| trimmed.starts_with(prefix))
        && trimmed.bytes().all(|byte| byte.is_ascii_graphic());
    let token = is_token.then(|| {
        let secret = Secret::new(trimmed.to_owned());
        Token { kind: TokenKind::of(&secret, workflow_token), secret }
    });
    SecretPlan { name: secret.name.clone(), value: secret.value.clone(), token }
}

/// What `ssh-key` asks for: the route that an SSH address named, else GitHub's own.
fn ssh_access(inputs: &Inputs) -> Result<Option<Access>, Failure> {
    let Some(key) = &inputs.credential.ssh_key else { return Ok(None) };
    let key = DeployKey::read(key)?;
    let known_hosts = KnownHosts::parse(inputs.credential.ssh_known_hosts.as_deref().unwrap_or_default())?;
    let route = match (&inputs.targets.ssh, inputs.targets.list.first()) {
        (Some(route), _) => {
            Route { user: route.user.clone(), host: route.host.clone(), port: route.port.unwrap_or(PORT) }
        }
        (None, Some(target)) => Route::to(&target.server),
        (None, None) => return Ok(None),
    };
    Ok(Some(Access { route, key, known_hosts }))
}

fn workflow_plan(triggers: &Triggers) -> Option<WorkflowPlan> {
    (!triggers.workflows.is_empty()).then(|| WorkflowPlan {
        files: triggers.workflows.clone(),
        reference: triggers.workflow_ref.clone(),
        inputs: triggers.workflow_inputs.clone(),
    })
}

fn wait_plan(inputs: &Inputs) -> Result<Option<WaitPlan>, Failure> {
    let triggers = &inputs.triggers;
    let starts = triggers.dispatch.is_some() || !triggers.workflows.is_empty();
    let pushes = inputs.tags.is_some() || !matches!(inputs.push, Push::None);
    if !triggers.wait_for.is_empty() && !starts && !pushes {
        let what = "`wait-for` has nothing to wait for: the step pushes, tags and starts nothing.";
        return Err(Failure::new(Cause::InvalidInput, what)
            .with_remedy("Set `directory`, `refs` or `tag` too, or take `wait-for` out."));
    }
    let waits = (starts && triggers.wait != Wait::No) || !triggers.wait_for.is_empty();
    Ok(waits.then(|| WaitPlan {
        triggers: if starts { triggers.wait } else { Wait::No },
        until: if triggers.wait == Wait::Started { Wait::Started } else { Wait::Completed },
        expected: triggers.wait_for.clone(),
        timeout: triggers.wait_timeout,
    }))
}

fn absence(token: &TokenInput) -> String {
    match token {
        TokenInput::Given(_) => String::new(),
        TokenInput::Blank => {
            "The input `token` is empty: the secret that it reads is not defined here, or this run (of a fork, or of Dependabot) gets no secrets."
                .to_owned()
        }
        TokenInput::Absent => "No token was given: neither `token`, `--token-file`, GH_TOKEN nor GITHUB_TOKEN.".to_owned(),
        TokenInput::Withheld { what, server } => {
            format!("There is {what}, but it belongs to {server} and is not sent to another server.")
        }
    }
}
