//! From the inputs and what the workflow is to one plan for each target.

use std::{path::PathBuf, sync::Arc};

use super::{Credential, DispatchPlan, Plan, PushPlan, SecretPlan, TagPlan, TagTarget, Token, WaitPlan, WorkflowPlan};
use crate::publish::directory::DirectoryPlan;
use crate::{
    context::Context,
    credential::{Secret, TokenKind, token_form_fault},
    diagnosis::{Cause, Failure},
    git::{
        sign::SigningKey,
        stored_header::stored_headers,
        transport::ssh::{Access, DeployKey, KnownHosts, PORT, Route},
    },
    globs::Globs,
    inputs::{
        self, BranchCommit, DirectoryPush, Inputs, Nojekyll, PullRequestWhen, Push, SecretInput, Sign, Symlinks,
        TagExists, Tags, TokenInput, Triggers, Wait,
    },
    names::{Oid, Target},
    plan::app::App,
    publish::{exposed::Search, message::Origin, walk::resolve_directory},
    refs::{Local, Wanted},
};

impl Plan {
    /// One plan for each target of `inputs`.
    ///
    /// # Errors
    /// What is wrong with an input that needs a look at the disk: `directory-not-found`, `invalid-input`.
    pub fn for_targets(inputs: &Inputs, context: &Context) -> Result<Vec<Self>, Failure> {
        let push = match &inputs.push {
            Push::None => PushPlan::None,
            Push::Directory(asked) => PushPlan::Directory(directory_plan(asked, inputs, context)?),
            Push::Remove(commit) => PushPlan::Directory(removal_plan(commit)),
            Push::Refs(asked) => match Local::read(&context.workspace, context.on_runner, asked) {
                Ok(local) => PushPlan::Refs(Arc::new(local)),
                // Not an error yet: the checks of token and repository still run, and name what else is wrong.
                Err(failure) => PushPlan::Unreadable(failure),
            },
        };
        let origin = Origin {
            repository: context.repository.clone(),
            sha: context.sha,
            git_ref: context.git_ref.clone(),
            head_ref: context.head_ref.clone(),
            actor: context.actor.clone(),
            run_url: context.run_url.clone(),
            server: context.server().ok(),
            event: context.event.clone(),
            event_file: context.event_file.clone(),
            workflow_ref: context.workflow_ref.clone(),
        };
        let credential = credential(&inputs.credential)?;
        can_sign(&push, &credential)?;
        can_propose(&push)?;
        wikis(inputs, &push)?;
        let ssh = ssh_access(inputs)?;
        // Read before anything is sent: a damaged key would otherwise show only after the push began.
        let signing_key = inputs.signing_key.as_ref().map(SigningKey::read).transpose();
        let signing_key = signing_key.map_err(|error| error.of_input("signing-key"))?;
        let own_server = context.server().ok();
        // Once for all targets: it is the workspace that holds them.
        let stored = stored_headers(&context.workspace);
        let workflow_token = inputs.credential.workflow_token.as_ref();
        // Shared: however many targets there are, memory holds the value once.
        let secret = inputs.secret.as_ref().map(|secret| Arc::new(secret_plan(secret, workflow_token)));
        let wait = wait_plan(inputs)?;
        let plan = |target: &Target| Self {
            target: target.clone(),
            credential: credential.clone(),
            ssh: ssh.clone(),
            // The same name on another server is another repository, which `GITHUB_TOKEN` cannot reach.
            own_repository: context.repository.as_ref() == Some(&target.slug.repository())
                && own_server.as_ref() == Some(&target.server),
            origin: origin.clone(),
            stored_headers: stored.clone(),
            tags: inputs.tags.as_ref().map(|tags| tag_plan(tags, !matches!(push, PushPlan::None), context.sha)),
            push: push_to(target, &push),
            secret: secret.clone(),
            dispatch: inputs.triggers.dispatch.as_ref().map(|event_type| DispatchPlan {
                event_type: event_type.clone(),
                payload: inputs.triggers.payload.clone(),
            }),
            workflows: workflow_plan(&inputs.triggers),
            wait: wait.clone(),
            author: inputs.author.clone(),
            signing_key: signing_key.clone(),
            revokes: inputs.revoke_token.is_some(),
            behaviour: inputs.behaviour.clone(),
        };
        Ok(inputs.targets.list.iter().map(plan).collect())
    }
}

/// GitHub signs what bots commit, and nothing of a user's token.
fn can_sign(push: &PushPlan, credential: &Credential) -> Result<(), Failure> {
    let PushPlan::Directory(directory) = push else { return Ok(()) };
    if directory.asked.commit.sign != Sign::Github {
        return Ok(());
    }
    let who = match credential {
        Credential::App(_) => return Ok(()),
        Credential::Token(token) => match token.kind {
            // A kind that is not recognised may be a bot's; the server decides.
            TokenKind::Installation | TokenKind::GithubToken | TokenKind::Unknown => return Ok(()),
            TokenKind::Classic => "a classic personal access token",
            TokenKind::FineGrained => "a fine-grained personal access token",
            TokenKind::Oauth | TokenKind::UserToServer => "a user's token",
        },
        Credential::Missing(_) => "missing",
    };
    let what = format!(
        "`sign: github` needs the token of an App or `GITHUB_TOKEN`, and `token` is {who}: GitHub signs only what bots commit."
    );
    let remedy = "Use `app-id` and `app-private-key` or `GITHUB_TOKEN`, or sign with an SSH key of your account (`signing-key`).";
    Err(Failure::new(Cause::InvalidInput, what).with_remedy(remedy))
}

/// What is pushed to `target`: a branch `gh-pages` of a wiki is no site.
fn push_to(target: &Target, push: &PushPlan) -> PushPlan {
    match push {
        PushPlan::Directory(directory)
            if target.slug.wiki_of().is_some() && directory.asked.nojekyll == Nojekyll::Auto =>
        {
            let asked = DirectoryPush { nojekyll: Nojekyll::Never, ..directory.asked.clone() };
            PushPlan::Directory(DirectoryPlan { asked, ..directory.clone() })
        }
        push => push.clone(),
    }
}

/// A wiki is served by git alone: it has no pull requests, workflows and secrets.
fn wikis(inputs: &Inputs, push: &PushPlan) -> Result<(), Failure> {
    let Some((wiki, repository)) =
        inputs.targets.list.iter().find_map(|target| Some((&target.slug, target.slug.wiki_of()?)))
    else {
        return Ok(());
    };
    let commit = match push {
        PushPlan::Directory(directory) => Some(&directory.asked.commit),
        _ => None,
    };
    let proposes = match push {
        PushPlan::Refs(local) => local.asked.pull_request.when != PullRequestWhen::No,
        _ => commit.is_some_and(|commit| commit.pull_request.when != PullRequestWhen::No),
    };
    let given = [
        ("pull-request", proposes),
        ("prune-previews", commit.is_some_and(|commit| commit.prune_previews.is_some())),
        ("sign: github", commit.is_some_and(|commit| commit.sign == Sign::Github)),
        ("secret-name", inputs.secret.is_some()),
        ("dispatch", inputs.triggers.dispatch.is_some()),
        ("workflow", !inputs.triggers.workflows.is_empty()),
        ("wait-for", !inputs.triggers.wait_for.is_empty()),
    ];
    let Some((input, _)) = given.iter().find(|(_, is_given)| *is_given) else { return Ok(()) };
    let what = format!("`{input}` is set, and `repository` names the wiki {wiki}: a wiki takes pushes and tags only.");
    let remedy = format!("Take `{input}` out, or use it in a step of its own with `repository: {repository}`.");
    Err(Failure::new(Cause::InvalidInput, what).with_remedy(remedy))
}

/// A pull request brings one branch into another.
fn can_propose(push: &PushPlan) -> Result<(), Failure> {
    let PushPlan::Refs(local) = push else { return Ok(()) };
    if local.asked.pull_request.when == PullRequestWhen::No {
        return Ok(());
    }
    let brings = |wanted: &Wanted| wanted.from.is_some() && !wanted.in_both && wanted.to.likely().is_branch();
    match &local.wanted[..] {
        // `prune` deletes refs as well, which no pull request can bring.
        [one] if brings(one) && !local.asked.prune => Ok(()),
        several => {
            let what = format!(
                "`pull-request` brings one branch, and `refs` names {} refs, a tag or a deletion.",
                several.len()
            );
            Err(Failure::new(Cause::InvalidInput, what)
                .with_remedy("Write one line `SOURCE:BRANCH` into `refs`, or remove `pull-request`; push tags in a step of their own."))
        }
    }
}

fn directory_plan(asked: &DirectoryPush, inputs: &Inputs, context: &Context) -> Result<DirectoryPlan, Failure> {
    let globs = |input: &str, patterns: &[String]| {
        Globs::new(patterns)
            .map_err(|error| Failure::new(Cause::InvalidInput, format!("The input `{input}` is not usable: {error}.")))
    };
    let text = asked.directory.to_string_lossy();
    Ok(DirectoryPlan {
        directory: Some(resolve_directory(&context.workspace, &text)?),
        follow_within: match asked.symlinks {
            Symlinks::Keep => None,
            // Not beyond the workspace: a link such as `/proc/self/environ` would publish the runner's own data.
            Symlinks::Follow => Some(resolve_directory(&context.workspace, ".")?),
        },
        keep: globs("keep", &asked.keep)?,
        exclude: globs("exclude", &asked.exclude)?,
        asked: asked.clone(),
        // A build that prints its environment can write the step's own secrets into the site.
        search: Search::of(own_secrets(inputs)),
    })
}

/// The secrets that the step was given.
fn own_secrets(inputs: &Inputs) -> impl Iterator<Item = &Secret> {
    let credential = &inputs.credential;
    let token = match &credential.token {
        TokenInput::Given(token) => Some(token),
        _ => None,
    };
    let value = inputs.secret.as_ref().map(|secret| &secret.value);
    let app = credential.app.as_ref().map(|app| &app.private_key);
    let all = [token, credential.workflow_token.as_ref(), credential.ssh_key.as_ref(), app, value];
    all.into_iter().chain([inputs.signing_key.as_ref(), inputs.revoke_token.as_ref()]).flatten()
}

/// A destination that is taken off its branch: the publish of nothing.
fn removal_plan(commit: &BranchCommit) -> DirectoryPlan {
    let asked = DirectoryPush {
        directory: PathBuf::new(),
        commit: commit.clone(),
        keep: Vec::new(),
        exclude: Vec::new(),
        symlinks: Symlinks::Keep,
        nojekyll: Nojekyll::Never,
        cname: None,
    };
    DirectoryPlan {
        directory: None,
        follow_within: None,
        asked,
        keep: Globs::default(),
        exclude: Globs::default(),
        // Nothing of the workspace is sent, so there is nothing to search.
        search: Search::nothing(),
    }
}

fn tag_plan(tags: &Tags, pushes: bool, own_sha: Option<Oid>) -> TagPlan {
    let target = match tags.target.as_deref() {
        // An id before a name: GitHub refuses branches and tags of 40 hex digits (GH002).
        Some(text) => text.parse().map_or_else(|_| TagTarget::Named(text.to_owned()), TagTarget::Commit),
        None if pushes => TagTarget::PushedTip,
        None => TagTarget::OwnCommit(own_sha),
    };
    // The `+` of a line is the more exact wish: it wins over `tag-exists`.
    let exists = |moves: bool| if moves { TagExists::Move } else { tags.exists };
    TagPlan {
        tags: tags.list.iter().map(|line| (line.name.clone(), exists(line.moves))).collect(),
        message: tags.message.clone(),
        target,
    }
}

/// The prefixes by which GitHub's tokens are known; a refresh token is none that could be asked about.
const TOKEN_PREFIXES: &[&str] = &["ghp_", "github_pat_", "ghs_", "gho_", "ghu_"];

fn secret_plan(secret: &SecretInput, workflow_token: Option<&Secret>) -> SecretPlan {
    // Only this look trims: the value itself is stored as it was given.
    let trimmed = secret.value.expose().trim();
    let is_token = TOKEN_PREFIXES.iter().any(|prefix| trimmed.starts_with(prefix))
        && trimmed.bytes().all(|byte| byte.is_ascii_graphic());
    let token = is_token.then(|| {
        let secret = Secret::new(trimmed.to_owned());
        Token { kind: TokenKind::of(&secret, workflow_token), secret }
    });
    SecretPlan { name: secret.name.clone(), value: secret.value.clone(), scope: secret.scope.clone(), token }
}

/// What `ssh-key` asks for: the route that an SSH address named, else GitHub's own.
fn ssh_access(inputs: &Inputs) -> Result<Option<Access>, Failure> {
    let Some(key) = &inputs.credential.ssh_key else { return Ok(None) };
    let key = DeployKey::read(key).map_err(|error| error.of_input("ssh-key"))?;
    let known_hosts = KnownHosts::parse(inputs.credential.ssh_known_hosts.as_deref().unwrap_or_default())?;
    let route = match (&inputs.targets.ssh, inputs.targets.list.first()) {
        (Some(route), _) => {
            Route { user: route.user.clone(), host: route.host.clone(), port: route.port.unwrap_or(PORT) }
        }
        // All targets are on one server, so the first one names the route of all.
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
        // `wait` follows what the step starts; without a trigger only `wait-for` counts.
        triggers: if starts { triggers.wait } else { Wait::No },
        until: if triggers.wait == Wait::Completed { Wait::Completed } else { Wait::Started },
        expected: triggers.wait_for.clone(),
        timeout: triggers.wait_timeout,
    }))
}

fn credential(given: &inputs::CredentialInputs) -> Result<Credential, Failure> {
    // Before the token: `token` has a default, so it is there whenever an App is given.
    if let Some(app) = &given.app {
        return Ok(Credential::App(App::read(app)?));
    }
    let missing = |what: String| Failure::new(Cause::TokenMissing, what);
    Ok(Credential::Missing(match &given.token {
        TokenInput::Given(secret) => {
            // An error, not a missing token: over SSH the step could go on, and nobody would learn of the damaged
            // secret.
            if let Some(fault) = token_form_fault(secret.expose()) {
                let what = format!("The token {fault}.");
                return Err(Failure::new(Cause::BadCredentials, what)
                    .with_remedy("Correct the secret or the variable that holds the token."));
            }
            let kind = TokenKind::of(secret, given.workflow_token.as_ref());
            return Ok(Credential::Token(Token { secret: secret.clone(), kind }));
        }
        TokenInput::Blank if given.ssh_key.is_none() => missing(
            "The inputs `token` and `ssh-key` are both empty: the secret that one of them reads is not defined here, or this run (of a fork, or of Dependabot) gets no secrets."
                .to_owned(),
        ),
        TokenInput::Blank => missing(
            "The input `token` is empty: the secret that it reads is not defined here, or this run (of a fork, or of Dependabot) gets no secrets."
                .to_owned(),
        ),
        TokenInput::Absent => {
            missing("No token was given: neither `token`, `--token-file` nor a variable such as GH_TOKEN.".to_owned())
                .with_remedy("Set GH_TOKEN (`GH_TOKEN=$(gh auth token)`), or name a file that holds a token with `--token-file`.")
        }
        TokenInput::Withheld { what, server } => {
            missing(format!("There is {what}, but it belongs to {server} and is not sent to another server."))
                .with_remedy(
                    "Make a token on the target's own server. In a workflow, store it as a secret and pass it as `token`; on a \
                     laptop, use `--token-file`, or GH_ENTERPRISE_TOKEN for GitHub Enterprise Server.",
                )
        }
        TokenInput::Unconfirmed { what, web } => {
            missing(format!("{what} holds a token, but only the remote `origin` of this checkout names {web}: nothing is sent there."))
                .with_remedy(format!("If that is the target, write it: `--repository {web}`, or set GH_HOST to its host."))
        }
    }))
}
