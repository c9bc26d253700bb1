//! What the classifier looks at: the text of a failure, and what is known around it.

use crate::credential::{OutsideText, Redactor, TokenKind};

/// What was being done when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// `git push`: receive-pack over HTTP, or a step that does not say which way.
    GitPush,
    /// `git fetch` or `git clone`: upload-pack.
    GitFetch,
    /// git over SSH, and what the SSH client itself says.
    Ssh,
    /// A call of the REST (or GraphQL) interface.
    Rest,
    /// Nobody said: the text has to tell.
    Unsaid,
}

impl Operation {
    /// The name that `explain --operation` takes; `Unsaid` is what stands for its absence.
    pub fn name(self) -> &'static str {
        match self {
            Self::GitPush => "git-push",
            Self::GitFetch => "git-fetch",
            Self::Ssh => "ssh",
            Self::Rest => "rest",
            Self::Unsaid => "unsaid",
        }
    }

    /// The operation with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::GitPush, Self::GitFetch, Self::Ssh, Self::Rest].into_iter().find(|operation| operation.name() == name)
    }
}

/// What was seen of a failure. Anything but the text may be missing: the text is searched for it.
#[derive(Clone, Debug)]
pub struct Evidence<'a> {
    /// What was being done.
    pub operation: Operation,
    /// The HTTP status of the answer.
    pub status: Option<u16>,
    /// The answer's headers, names in lower case.
    pub headers: &'a [(String, String)],
    /// An answer's body, git's output, sideband lines, an error's words: as they came.
    pub text: OutsideText,
    /// The request that was answered: `POST /repos/o/r/dispatches`, or a git service (`git-receive-pack`).
    pub request: Option<&'a str>,
}

impl Evidence<'_> {
    /// Evidence of nothing but a text.
    pub fn of_text(operation: Operation, text: impl Into<OutsideText>) -> Self {
        Self { operation, status: None, headers: &[], text: text.into(), request: None }
    }
}

/// What a relay pushes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushes {
    /// The content of a directory, in a commit that the step makes.
    Directory,
    /// Refs of the checkout, as they are.
    Refs,
}

/// What the caller knows beyond the answer: it decides what no text can, and puts names into the remedy.
#[derive(Clone, Debug, Default)]
pub struct Situation {
    /// The kind of token that was sent.
    pub token_kind: Option<TokenKind>,
    /// Whether the target is the repository that the workflow runs in.
    pub own_repository: Option<bool>,
    /// Whether the checkout holds a stored `http.*.extraheader` that displaces the intended token.
    pub hijacking_header: Option<bool>,
    /// What the relay pushes, where it pushes: inputs that shape a directory's commit do nothing for refs.
    pub pushes: Option<Pushes>,
    /// `owner/name` of the target.
    pub repository: Option<String>,
    /// The branch that was pushed.
    pub branch: Option<String>,
    /// The tag that was made.
    pub tag: Option<String>,
    /// The server's web address, without a slash at its end.
    pub server: Option<String>,
    /// What takes the secrets out of the text that is shown.
    pub redactor: Redactor,
}
