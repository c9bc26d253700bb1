//! Pull requests, and commits that GitHub makes.

use serde::Deserialize;

use super::{Account, or_default};

/// A pull request.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PullRequest {
    /// Its number in the repository.
    pub number: u64,
    /// Its id in GraphQL.
    pub node_id: String,
    /// Its page.
    pub html_url: String,
    /// `open` or `closed`; a merged one is closed.
    pub state: String,
    /// Its title.
    pub title: String,
    /// Its description, Markdown.
    #[serde(deserialize_with = "or_default")]
    pub body: String,
    /// Who made it.
    #[serde(deserialize_with = "or_default")]
    pub user: Account,
    /// The branch that is proposed.
    pub head: PullRequestEnd,
    /// Whether it is merged; a list leaves this out.
    pub merged: bool,
    /// Whether the branches can be brought together; none: GitHub still works it out, or the answer is a list.
    pub mergeable: Option<bool>,
    /// Once it is merged: the commit that the base branch got. While it is open: a commit that only tests the merge.
    pub merge_commit_sha: Option<String>,
}

/// One of the two branches of a pull request.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PullRequestEnd {
    /// The branch's short name.
    #[serde(rename = "ref")]
    pub branch: String,
    /// Its tip.
    pub sha: String,
}

/// The answer to a merge.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct MergeDone {
    /// The base branch's new tip.
    pub sha: String,
    /// Whether it was merged.
    pub merged: bool,
}

/// What the workflows of a repository can do by default.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct WorkflowPermissions {
    /// Whether `GITHUB_TOKEN` can create and approve pull requests.
    pub can_approve_pull_request_reviews: bool,
}

/// A commit that was made over REST.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct MadeCommit {
    /// Its id, 40 hexadecimal digits.
    pub sha: String,
    /// What GitHub says of its signature.
    #[serde(deserialize_with = "or_default")]
    pub verification: Verification,
}

/// GitHub's judgement of a signature.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Verification {
    /// Whether the commit shows as verified.
    pub verified: bool,
    /// `valid`, `unsigned`, `unknown_key` and the like.
    #[serde(deserialize_with = "or_default")]
    pub reason: String,
}
