//! Everything that a user can ask for, as typed values: the only reader of `INPUT_*` and of flags.
//!
//! The texts are gathered first (flag before environment), so that secrets can be masked before anything is judged;
//! then they become values, or one [`Failure`](crate::diagnosis::Failure) that names the input and what it accepts.
//! One table of inputs drives the parser, `--help`, `action.yml` and `docs/inputs.md`.

mod address;
mod check_name;
pub mod documents;
mod forms;
mod groups;
mod json;
mod options;
mod push;
mod raw;
mod read;
mod refusal;
mod repository;
mod row;
pub mod table;
#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, fmt, path::PathBuf, time::Duration};

use crate::{
    credential::Secret,
    names::Author,
    names::{RefName, SecretScope, Target, TreePath},
};

pub use check_name::CheckName;
pub use options::{
    MergeMethod, PreviewFolders, PullRequestInputs, PullRequestWhen, RefsPush, Sign, Symlinks, Trailers,
};
pub use raw::Raw;
pub(crate) use raw::nearest_name;
pub use table::INPUTS;

/// What one step was asked to do. Every value has passed the checks that need neither network nor disk.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// Where the relay goes to.
    pub targets: Targets,
    /// What it authenticates with.
    pub credential: CredentialInputs,
    /// What is pushed, if anything.
    pub push: Push,
    /// What is tagged, if anything.
    pub tags: Option<Tags>,
    /// What is started and waited for.
    pub triggers: Triggers,
    /// The secret to set, if any.
    pub secret: Option<SecretInput>,
    /// The old token that is revoked after everything else has succeeded.
    pub revoke_token: Option<Secret>,
    /// Author, committer and tagger.
    pub author: Author,
    /// SSH private key that signs commits and tags.
    pub signing_key: Option<Secret>,
    /// How the step behaves as a whole.
    pub behaviour: Behaviour,
    /// Sentences a person should see although nothing is wrong: a target named twice, an input without effect.
    pub notices: Vec<String>,
    /// Sentences about what most likely is a mistake: inputs of a push where nothing is pushed.
    pub warnings: Vec<String>,
}

impl Inputs {
    /// Whether anything is to be written.
    pub fn writes(&self) -> bool {
        let triggers = self.triggers.dispatch.is_some() || !self.triggers.workflows.is_empty();
        !matches!(self.push, Push::None)
            || self.tags.is_some()
            || triggers
            || self.secret.is_some()
            // It changes no repository, but it cannot be undone either.
            || self.revoke_token.is_some()
    }
}

/// The repositories a relay goes to, all on one server.
#[derive(Clone, Debug)]
pub struct Targets {
    /// In the order of the lines, each once; never empty.
    pub list: Vec<Target>,
    /// Where SSH connects to when an `ssh://` address named a user, host or port; the same for all targets.
    pub ssh: Option<SshRoute>,
    /// PEM certificates to trust besides the public roots.
    pub ca_certificate: Option<String>,
}

/// What an SSH address of `repository` says beyond server, owner and name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshRoute {
    /// The user before `@`.
    pub user: String,
    /// The host as written: `ssh.github.com` stands for github.com.
    pub host: String,
    /// The port, when it is not 22.
    pub port: Option<u16>,
}

/// What the step may authenticate with. `app` takes the place of `token`.
#[derive(Clone, Debug)]
pub struct CredentialInputs {
    /// The token, or why there is none.
    pub token: TokenInput,
    /// The workflow's own `GITHUB_TOKEN`: only compared with `token`, never sent.
    pub workflow_token: Option<Secret>,
    /// Private key of a deploy key: git goes over SSH.
    pub ssh_key: Option<Secret>,
    /// Extra `known_hosts` lines.
    pub ssh_known_hosts: Option<String>,
    /// A GitHub App that mints its own installation token.
    pub app: Option<AppCredential>,
}

/// The input `token` as it was found.
#[derive(Clone, Debug)]
pub enum TokenInput {
    /// A token for the target's server.
    Given(Secret),
    /// `token` was given, but empty: a secret that is not defined, or a fork's or Dependabot's run.
    Blank,
    /// Neither `token` nor `--token-file` nor a variable that gh reads was given.
    Absent,
    /// There is a token, but it belongs to another server than the target's, so that it counts as empty.
    Withheld {
        /// What it is: the workflow's `GITHUB_TOKEN`, or the variable that it came from.
        what: String,
        /// The server that it belongs to.
        server: String,
    },
    /// There is a token, but nobody wrote the target's server: the remote `origin` of the checkout alone names it.
    Unconfirmed {
        /// What it is: `--token-file`, or the variable that it came from.
        what: String,
        /// The repository's address, as `origin` has it.
        web: String,
    },
}

impl TokenInput {
    /// The token, where there is one that may be sent.
    pub fn secret(&self) -> Option<&Secret> {
        match self {
            Self::Given(token) => Some(token),
            // Named one by one, so that a new reason for "no token" is decided about here.
            Self::Blank | Self::Absent | Self::Withheld { .. } | Self::Unconfirmed { .. } => None,
        }
    }
}

/// A GitHub App's identity.
#[derive(Clone, Debug)]
pub struct AppCredential {
    /// Client id or app id.
    pub id: String,
    /// The App's private key, PEM.
    pub private_key: Secret,
}

/// What is pushed.
#[derive(Clone, Debug)]
pub enum Push {
    /// Nothing.
    None,
    /// A folder of the workspace onto a branch.
    Directory(DirectoryPush),
    /// A folder of the branch is taken off it.
    Remove(BranchCommit),
    /// Refs of the checkout.
    Refs(RefsPush),
}

/// `directory` and what goes with it.
#[derive(Clone, Debug)]
pub struct DirectoryPush {
    /// The folder as it was written: relative to the workspace, or absolute inside it. The plan looks whether it is there.
    pub directory: PathBuf,
    /// Where it goes.
    pub commit: BranchCommit,
    /// Globs, relative to the destination, of files on the branch that stay though the directory lacks them.
    pub keep: Vec<String>,
    /// Globs, relative to the destination, of files that are neither published nor removed.
    pub exclude: Vec<String>,
    /// What becomes of symlinks.
    pub symlinks: Symlinks,
    /// Whether `.nojekyll` is added at the branch's root.
    pub nojekyll: Nojekyll,
    /// The content of `CNAME` at the branch's root.
    pub cname: Option<String>,
}

/// A commit that the relay makes on a branch of the target.
#[derive(Clone, Debug)]
pub struct BranchCommit {
    /// The branch, as a full ref name.
    pub branch: RefName,
    /// The folder of the branch that is written; everything outside it stays.
    pub destination: TreePath,
    /// One more commit, or one orphan commit.
    pub history: History,
    /// The message with its placeholders, outer white space as given.
    pub message: String,
    /// Whether to commit although nothing changed.
    pub allow_empty: bool,
    /// Whether the message names the source and the run.
    pub trailers: Trailers,
    /// Whether GitHub signs the commit.
    pub sign: Sign,
    /// Whether the commit goes through a pull request.
    pub pull_request: PullRequestInputs,
    /// The folders of previews that go when their pull request is no longer open.
    pub prune_previews: Option<PreviewFolders>,
}

/// The input `history`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum History {
    /// One commit on top of the branch.
    Append,
    /// The branch becomes one commit without parents.
    Single,
}

/// The input `nojekyll`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nojekyll {
    /// Added when the branch is `gh-pages` and is new or published at its root.
    Auto,
    /// Added.
    Always,
    /// Not added.
    Never,
}

/// One line of `refs`: `[+]SOURCE[:DESTINATION]`; `:DESTINATION` to delete; `[+]:` for the branches that both sides have;
/// `^SOURCE` for what the other lines are to leave out.
///
/// Source: <https://git-scm.com/docs/git-push#Documentation/git-push.txt-refspec>
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refspec {
    /// `+`: forced, with a lease on the advertised value.
    pub force: bool,
    /// `^`: what `source` names, here or at the target, is left out of what the other lines name.
    pub negative: bool,
    /// What of the checkout; `None` deletes. A short name, a full ref, `HEAD`, an object id, or a pattern with one `*`.
    pub source: Option<String>,
    /// What of the target; `None` means the source's own name. Empty, without a source: the branches that both sides have.
    pub destination: Option<String>,
}

impl fmt::Display for Refspec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.force {
            f.write_str("+")?;
        }
        if self.negative {
            f.write_str("^")?;
        }
        // Without a source: the line deletes, or is the `:` of all branches that both sides have.
        f.write_str(self.source.as_deref().unwrap_or_default())?;
        match &self.destination {
            Some(destination) => write!(f, ":{destination}"),
            None => Ok(()),
        }
    }
}

/// What is tagged.
#[derive(Clone, Debug)]
pub struct Tags {
    /// In the order of the lines, each once; never empty.
    pub list: Vec<TagLine>,
    /// The annotation with its placeholders; lightweight tags without.
    pub message: Option<String>,
    /// Commit, branch or tag of the target; `None`: the branch's tip after the push, else `GITHUB_SHA`.
    pub target: Option<String>,
    /// What to do when a tag is there.
    pub exists: TagExists,
}

/// One line of `tag`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagLine {
    /// The tag, as a full ref name.
    pub name: RefName,
    /// A leading `+`: this one is moved whatever `tag-exists` says.
    pub moves: bool,
}

/// The input `tag-exists`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagExists {
    /// Fine when it names the same commit, a failure when not.
    Keep,
    /// A failure.
    Fail,
    /// It is moved.
    Move,
}

/// What is started, and how far it is followed.
#[derive(Clone, Debug)]
pub struct Triggers {
    /// Event type of a `repository_dispatch`.
    pub dispatch: Option<String>,
    /// Its `client_payload`.
    pub payload: JsonObject,
    /// Workflow files to start by `workflow_dispatch`, in order, each once.
    pub workflows: Vec<String>,
    /// Branch or tag of the `workflow_dispatch`; `None`: chosen by the plan.
    pub workflow_ref: Option<String>,
    /// Inputs of the `workflow_dispatch`.
    pub workflow_inputs: JsonObject,
    /// How far each trigger's run is followed.
    pub wait: Wait,
    /// Runs that the push or the tag is expected to start.
    pub wait_for: Vec<WaitFor>,
    /// The budget of the wait stage.
    pub wait_timeout: Duration,
}

/// A JSON object, kept as it was written: what is sent is the text, not a rendering of the parsed value, in which a number
/// beyond 64 bits is another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonObject {
    text: String,
    value: serde_json::Map<String, serde_json::Value>,
}

impl JsonObject {
    /// The object as the user wrote it, without the white space between its parts.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The object's members, to be looked at.
    pub fn value(&self) -> &serde_json::Map<String, serde_json::Value> {
        &self.value
    }
}

impl std::str::FromStr for JsonObject {
    type Err = String;

    /// Reads a JSON text; an error says what it is instead.
    fn from_str(text: &str) -> Result<Self, String> {
        // The plan reads objects too, and has to keep their text in the same way.
        json::json_object(text)
    }
}

/// The input `wait`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Runs are not waited for.
    No,
    /// Until a run of each trigger exists.
    Started,
    /// Until each has ended.
    Completed,
}

/// One line of `wait-for`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WaitFor {
    /// The Pages build and deployment of the branch.
    Pages,
    /// A workflow file.
    Workflow(String),
}

/// The secret to set on every target.
#[derive(Clone, Debug)]
pub struct SecretInput {
    /// Its name as it was written; GitHub stores it in upper case.
    pub name: String,
    /// Its value, white space as given.
    pub value: Secret,
    /// Where it is set.
    pub scope: SecretScope,
}

/// How the step behaves as a whole.
#[derive(Clone, Debug)]
pub struct Behaviour {
    /// Everything but the writes.
    pub dry_run: bool,
    /// Days before a token's expiry from which a warning is raised.
    pub expiry_warning_days: u32,
    /// Tries for what is transient, at least 1.
    pub attempts: u32,
    /// The budget of everything but the wait stage.
    pub timeout: Duration,
    /// Preflight checks, by name, whose `fail` is reported as `warn`.
    pub ignore_checks: BTreeSet<CheckName>,
}
