//! The checks of the preflight by name: the table of inputs accepts these names, and the preflight judges by them.

/// A check of the preflight. The names are those of the report and of `ignore-checks`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CheckName {
    /// A credential is there.
    TokenPresent,
    /// What kind of credential it is.
    TokenKind,
    /// The server knows it.
    TokenValid,
    /// It does not end soon.
    TokenExpiry,
    /// Its scopes suffice, and are not far more than needed.
    TokenScope,
    /// Single sign-on does not stand in the way.
    Sso,
    /// The repository exists, is visible and takes changes.
    Repository,
    /// The credential may do what the plan needs.
    Permission,
    /// Protection and rulesets let this actor make this push.
    BranchRules,
    /// The names of the refs are ones that GitHub takes, beside those that are there.
    RefNames,
    /// No file of the directory holds a credential.
    SecretFiles,
    /// Every line of `keep` and `exclude` matches something.
    Patterns,
    /// No later run of the same workflow has published here.
    NewerPublish,
    /// The refs that `prune` would delete.
    Prune,
    /// The Git LFS objects that the pushed commits name are there.
    Lfs,
    /// A pull request can be made, where one is needed.
    PullRequest,
    /// Content under `.github/workflows/` may be pushed.
    WorkflowFiles,
    /// No file, and not the whole push, is above GitHub's limits.
    FileSize,
    /// The tags are free, or as `tag-exists` allows.
    Tag,
    /// The workflows to dispatch exist and take these inputs.
    Workflow,
    /// A workflow on the default branch listens to the dispatch.
    Listener,
    /// The payload of the dispatch is within its limits.
    Payload,
    /// The branch is what Pages publishes.
    Pages,
    /// Enough requests are left in this hour.
    RateLimit,
    /// Pushes of this credential start workflows.
    Triggers,
    /// The checkout left no stored header behind.
    CheckoutCredentials,
}

impl CheckName {
    /// Every check, in the order of the report.
    pub const ALL: &[Self] = &[
        Self::TokenPresent,
        Self::TokenKind,
        Self::TokenValid,
        Self::TokenExpiry,
        Self::TokenScope,
        Self::Sso,
        Self::Repository,
        Self::Permission,
        Self::BranchRules,
        Self::RefNames,
        Self::SecretFiles,
        Self::Patterns,
        Self::NewerPublish,
        Self::Prune,
        Self::Lfs,
        Self::PullRequest,
        Self::WorkflowFiles,
        Self::FileSize,
        Self::Tag,
        Self::Workflow,
        Self::Listener,
        Self::Payload,
        Self::Pages,
        Self::RateLimit,
        Self::Triggers,
        Self::CheckoutCredentials,
    ];

    /// The check's name in the report.
    pub fn name(self) -> &'static str {
        match self {
            Self::TokenPresent => "token-present",
            Self::TokenKind => "token-kind",
            Self::TokenValid => "token-valid",
            Self::TokenExpiry => "token-expiry",
            Self::TokenScope => "token-scope",
            Self::Sso => "sso",
            Self::Repository => "repository",
            Self::Permission => "permission",
            Self::BranchRules => "branch-rules",
            Self::RefNames => "ref-names",
            Self::SecretFiles => "secret-files",
            Self::Patterns => "patterns",
            Self::NewerPublish => "newer-publish",
            Self::Prune => "prune",
            Self::Lfs => "lfs",
            Self::PullRequest => "pull-request",
            Self::WorkflowFiles => "workflow-files",
            Self::FileSize => "file-size",
            Self::Tag => "tag",
            Self::Workflow => "workflow",
            Self::Listener => "listener",
            Self::Payload => "payload",
            Self::Pages => "pages",
            Self::RateLimit => "rate-limit",
            Self::Triggers => "triggers",
            Self::CheckoutCredentials => "checkout-credentials",
        }
    }

    /// The check of this name.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|check| check.name() == name)
    }

    /// Whether `ignore-checks` may turn its `fail` into a warning: not where nothing could be sent at all.
    pub fn may_be_ignored(self) -> bool {
        // Without a credential no request is authenticated, and GitHub takes no file above its limit.
        !matches!(self, Self::TokenPresent | Self::FileSize)
    }
}
