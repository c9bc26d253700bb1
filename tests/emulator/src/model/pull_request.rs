//! Pull requests between branches of one repository.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::Token;

/// How a pull request is merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MergeMethod {
    /// A merge commit.
    Merge,
    /// One commit.
    Squash,
    /// Its commits on top of the base.
    Rebase,
}

impl MergeMethod {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Merge, Self::Squash, Self::Rebase];

    /// As the REST API writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::Squash => "squash",
            Self::Rebase => "rebase",
        }
    }

    /// Of the REST API's word, or of GraphQL's in capitals.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str().eq_ignore_ascii_case(word))
    }
}

/// A merge that waits for what the rules ask for.
#[derive(Clone, Debug)]
pub struct AutoMerge {
    /// How.
    pub method: MergeMethod,
    /// Whose credential switched it on; the merge is made with its rights.
    pub by: Token,
    /// Subject of the commit, where one was given.
    pub title: Option<String>,
    /// The rest of its message, where one was given.
    pub message: Option<String>,
}

/// The end of a pull request that was merged.
#[derive(Clone, Debug)]
pub struct Merged {
    /// When.
    pub at: DateTime<Utc>,
    /// Who, by login.
    pub by: String,
    /// The base branch's new tip.
    pub sha: String,
}

/// A pull request.
#[derive(Clone, Debug)]
pub struct PullRequest {
    /// Its number in the repository.
    pub number: u64,
    /// Title.
    pub title: String,
    /// Description.
    pub body: Option<String>,
    /// The branch that it brings (short name).
    pub head: String,
    /// The branch that it goes into (short name).
    pub base: String,
    /// The head's commit; of a closed one, as it was then.
    pub head_sha: String,
    /// Who made it, by login.
    pub author: String,
    /// Open, and neither closed nor merged.
    pub open: bool,
    /// Still a draft.
    pub draft: bool,
    /// By the server's clock.
    pub created_at: DateTime<Utc>,
    /// By the server's clock.
    pub closed_at: Option<DateTime<Utc>>,
    /// Set once it is merged.
    pub merged: Option<Merged>,
    /// Set while auto-merge is on.
    pub auto_merge: Option<AutoMerge>,
    /// Approving reviews that count.
    pub approvals: u64,
    /// Status checks that have passed on its head.
    pub passed_checks: BTreeSet<String>,
}

impl PullRequest {
    /// An open pull request.
    pub(crate) fn new(number: u64, head: &str, base: &str, title: &str, author: &str) -> Self {
        Self {
            number,
            title: title.to_owned(),
            body: None,
            head: head.to_owned(),
            base: base.to_owned(),
            head_sha: String::new(),
            author: author.to_owned(),
            open: true,
            draft: false,
            created_at: Utc::now(),
            closed_at: None,
            merged: None,
            auto_merge: None,
            approvals: 0,
            passed_checks: BTreeSet::new(),
        }
    }
}
