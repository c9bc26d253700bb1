//! The closed table of causes: the one place that knows each cause's slug, meaning, remedy and page.

/// One row of the table.
struct Row {
    slug: &'static str,
    meaning: &'static str,
    transient: bool,
    remedy: &'static str,
    docs: &'static str,
}

/// The one reason why something failed, or was warned about. The list is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// An input or flag is unknown, malformed or contradicts another.
    InvalidInput,
    /// Plain `http://` to a host that is not loopback.
    InsecureUrl,
    /// No credential, or an empty one; git had none and could not ask.
    TokenMissing,
    /// `directory` does not exist in the workspace.
    DirectoryNotFound,
    /// The directory is empty, or `exclude` leaves nothing.
    NothingToPublish,
    /// The checkout lacks history that the target needs.
    ShallowCheckout,
    /// The checkout is no repository, damaged, or owned by another user.
    LocalGitError,
    /// The token is not known: mistyped, revoked, of another server.
    BadCredentials,
    /// The token's lifetime is over.
    TokenExpired,
    /// An account's password, or password and one-time code, where GitHub takes tokens only.
    PasswordAuthRemoved,
    /// The App's own signature is not accepted: wrong id, wrong key, or a clock that is off.
    AppAuthFailed,
    /// The App is not installed on the target's owner, not for this repository, or suspended.
    AppNotInstalled,
    /// Classic token without `repo` (`public_repo` for a public target).
    MissingRepoScope,
    /// The push changes `.github/workflows/` and the credential may not.
    MissingWorkflowScope,
    /// Fine-grained token of another resource owner, without this repository, or still waiting for an owner's approval.
    FineGrainedRepoNotSelected,
    /// Fine-grained token without the permission of this request: Contents (push, tag, repository_dispatch), Actions (workflow_dispatch, runs), Secrets.
    FineGrainedPermissionMissing,
    /// `GITHUB_TOKEN` or an installation token without the permission.
    ResourceNotAccessibleByIntegration,
    /// `GITHUB_TOKEN` used on a repository other than the workflow's own.
    GithubTokenCrossRepo,
    /// Git was answered as `github-actions[bot]`: a read-only `GITHUB_TOKEN`, or the checkout's stored header displaced the intended token.
    ActionsBotDenied,
    /// The account or credential may read the target but not write it.
    NoWriteAccess,
    /// No such repository, or renamed, or not visible to this credential.
    RepoNotFoundOrHidden,
    /// Token, key or app not authorized for the organization's SAML single sign-on (or results left out for that reason).
    SsoAuthorizationRequired,
    /// The organization or enterprise bars classic tokens.
    OrgForbidsClassicPat,
    /// The token may live longer than the organization or enterprise allows.
    TokenLifetimePolicy,
    /// The OAuth app behind the token is not approved by the organization.
    OrgOauthAppRestricted,
    /// The runner's address is not on the owner's allow list.
    IpAllowList,
    /// The account behind the credential is suspended.
    AccountSuspended,
    /// An account is disabled or locked for billing, or its spending limit is reached.
    BillingLocked,
    /// Actions is switched off for the repository or barred for the account.
    ActionsDisabled,
    /// The repository is read-only.
    RepoArchived,
    /// GitHub blocked the repository: terms of service or a takedown.
    RepoDisabled,
    /// Classic branch protection (GH006): pull request, review, restricted pushers, deletion, history.
    BranchProtected,
    /// A ruleset (GH013) wants changes through a pull request or the merge queue.
    RulesetRequiresPr,
    /// Another rule of a ruleset: creation, update or deletion restricted, linear history, patterns, paths.
    RulesetViolation,
    /// The commit lacks required checks.
    RequiredStatusChecks,
    /// Commits must be signed and verified.
    RequiredSignatures,
    /// Rewriting this branch is not allowed.
    ForcePushForbidden,
    /// A rule, or an immutable release, forbids creating, moving or deleting this tag.
    ProtectedTag,
    /// The branch holds commits that this push does not have.
    NonFastForward,
    /// The lease of a forced push does not hold: the branch moved or is gone.
    StaleInfo,
    /// Two pushes met at the same ref.
    CannotLockRef,
    /// The tag is there, or (REST) the reference is.
    TagExists,
    /// A ref name that is malformed, names nothing, or can not stand beside another (`a/b` and `a`); an unknown commit.
    InvalidRefOrObject,
    /// A file above 100 MiB (a warning from 50 MiB).
    FileTooLarge,
    /// More than 2 GiB in one push, or more than a proxy lets through.
    PackTooLarge,
    /// Secret scanning found a credential in the pushed content.
    PushProtectionSecret,
    /// A commit would publish a private address.
    EmailPrivacy,
    /// A hook of the Enterprise Server itself refused.
    PreReceiveHookDeclined,
    /// The owner's Git LFS budget is spent, or LFS is off.
    LfsUnavailable,
    /// The push names LFS objects that the server lacks.
    LfsMissingObject,
    /// The deploy key may not write here: added without write access, or belongs to another repository.
    DeployKeyReadOnly,
    /// The server knows none of the offered keys.
    SshPermissionDeniedPublickey,
    /// The private key can not be read: cut short, encrypted, other format, open file mode.
    SshKeyUnusable,
    /// The server shows another key than the known one.
    SshHostKeyMismatch,
    /// No known key for this host.
    SshHostKeyUnknown,
    /// The workflow at that ref has no `workflow_dispatch`.
    WorkflowDispatchNoTrigger,
    /// No such workflow file on the target's default branch.
    WorkflowNotFound,
    /// The workflow is switched off.
    WorkflowDisabled,
    /// An input is not declared, missing, or not among the options.
    WorkflowInputsRejected,
    /// `workflow-ref` is no branch or tag of the target.
    DispatchRefNotFound,
    /// The body is refused: over 10 top-level keys, over 64 KB, event type missing or over 100 characters, no object.
    DispatchPayloadInvalid,
    /// A push or tag made with `GITHUB_TOKEN` starts no workflow.
    GithubTokenDoesNotTrigger,
    /// No run appeared in time.
    NotTriggered,
    /// The run ended in failure, was timed out, cancelled there or could not start.
    RunFailed,
    /// The run had not ended (or begun) within `wait-timeout`.
    WaitTimeout,
    /// The hour's requests of this credential are spent.
    PrimaryRateLimit,
    /// Too many requests or writes in a short time.
    SecondaryRateLimit,
    /// GitHub failed: 5xx, its error page, maintenance, an internal error in the push's report.
    ServerError,
    /// No connection, or one that broke: refused, reset, timed out, TLS handshake, transfer cut.
    ConnectionFailed,
    /// The host's name can not be resolved.
    DnsFailure,
    /// The certificate's issuer is not trusted: Enterprise Server or proxy with its own CA.
    TlsCertificateUntrusted,
    /// The step's whole budget (`timeout`) is used up.
    Timeout,
    /// The run was cancelled, or the runner sent SIGTERM.
    Cancelled,
    /// A fault of repo-relay.
    InternalError,
    /// `explain` only: the text shows a success.
    NotAFailure,
    /// The text names no cause that is known here.
    Unknown,
    /// The token ends within `expiry-warning` days.
    TokenExpiring,
    /// The token may do more than the plan needs.
    TokenOverscoped,
    /// The branch is not what Pages publishes.
    PagesSourceMismatch,
    /// The checkout left a stored header that other steps would use.
    CheckoutCredentials,
    /// The credential may not ask: the check is skipped.
    CheckNotPermitted,
}

impl Cause {
    /// Every cause, in the order of the documentation.
    pub const ALL: &[Self] = &[
        Self::InvalidInput,
        Self::InsecureUrl,
        Self::TokenMissing,
        Self::DirectoryNotFound,
        Self::NothingToPublish,
        Self::ShallowCheckout,
        Self::LocalGitError,
        Self::BadCredentials,
        Self::TokenExpired,
        Self::PasswordAuthRemoved,
        Self::AppAuthFailed,
        Self::AppNotInstalled,
        Self::MissingRepoScope,
        Self::MissingWorkflowScope,
        Self::FineGrainedRepoNotSelected,
        Self::FineGrainedPermissionMissing,
        Self::ResourceNotAccessibleByIntegration,
        Self::GithubTokenCrossRepo,
        Self::ActionsBotDenied,
        Self::NoWriteAccess,
        Self::RepoNotFoundOrHidden,
        Self::SsoAuthorizationRequired,
        Self::OrgForbidsClassicPat,
        Self::TokenLifetimePolicy,
        Self::OrgOauthAppRestricted,
        Self::IpAllowList,
        Self::AccountSuspended,
        Self::BillingLocked,
        Self::ActionsDisabled,
        Self::RepoArchived,
        Self::RepoDisabled,
        Self::BranchProtected,
        Self::RulesetRequiresPr,
        Self::RulesetViolation,
        Self::RequiredStatusChecks,
        Self::RequiredSignatures,
        Self::ForcePushForbidden,
        Self::ProtectedTag,
        Self::NonFastForward,
        Self::StaleInfo,
        Self::CannotLockRef,
        Self::TagExists,
        Self::InvalidRefOrObject,
        Self::FileTooLarge,
        Self::PackTooLarge,
        Self::PushProtectionSecret,
        Self::EmailPrivacy,
        Self::PreReceiveHookDeclined,
        Self::LfsUnavailable,
        Self::LfsMissingObject,
        Self::DeployKeyReadOnly,
        Self::SshPermissionDeniedPublickey,
        Self::SshKeyUnusable,
        Self::SshHostKeyMismatch,
        Self::SshHostKeyUnknown,
        Self::WorkflowDispatchNoTrigger,
        Self::WorkflowNotFound,
        Self::WorkflowDisabled,
        Self::WorkflowInputsRejected,
        Self::DispatchRefNotFound,
        Self::DispatchPayloadInvalid,
        Self::GithubTokenDoesNotTrigger,
        Self::NotTriggered,
        Self::RunFailed,
        Self::WaitTimeout,
        Self::PrimaryRateLimit,
        Self::SecondaryRateLimit,
        Self::ServerError,
        Self::ConnectionFailed,
        Self::DnsFailure,
        Self::TlsCertificateUntrusted,
        Self::Timeout,
        Self::Cancelled,
        Self::InternalError,
        Self::NotAFailure,
        Self::Unknown,
        Self::TokenExpiring,
        Self::TokenOverscoped,
        Self::PagesSourceMismatch,
        Self::CheckoutCredentials,
        Self::CheckNotPermitted,
    ];

    fn row(self) -> Row {
        let (slug, meaning, transient, remedy, docs) = match self {
            Self::InvalidInput => (
                "invalid-input",
                "an input or flag is unknown, malformed or contradicts another",
                false,
                "Correct the named input under `with:` of the step; `--help` lists what each accepts.",
                "",
            ),
            Self::InsecureUrl => (
                "insecure-url",
                "plain `http://` to a host that is not loopback",
                false,
                "Write `https://` in `repository`, `server-url` or `api-url`; for a private CA set `ca-certificate`.",
                "",
            ),
            Self::TokenMissing => (
                "token-missing",
                "no credential, or an empty one; git had none and could not ask",
                false,
                "Define the secret in the workflow's repository (Settings > Secrets and variables > Actions) under exactly the name that `token:` reads. Runs of forks and of Dependabot get no secrets: run the step on `push` instead.",
                "https://docs.github.com/en/actions/security-for-github-actions/security-guides/using-secrets-in-github-actions",
            ),
            Self::DirectoryNotFound => (
                "directory-not-found",
                "`directory` does not exist in the workspace",
                false,
                "Set `directory` to the folder that the build writes, relative to the workspace; in another job's step, download its artifact first.",
                "",
            ),
            Self::NothingToPublish => (
                "nothing-to-publish",
                "the directory is empty, or `exclude` leaves nothing",
                false,
                "Look at the build step before this one: it wrote nothing, or elsewhere.",
                "",
            ),
            Self::ShallowCheckout => (
                "shallow-checkout",
                "the checkout lacks history that the target needs",
                false,
                "Set `fetch-depth: 0` under `with:` of actions/checkout.",
                "",
            ),
            Self::LocalGitError => (
                "local-git-error",
                "the checkout is no repository, damaged, or owned by another user",
                false,
                "Run actions/checkout before this step and let it make a fresh clone; on a self-hosted runner delete the old working folder.",
                "https://docs.github.com/en/repositories/creating-and-managing-repositories/troubleshooting-cloning-errors",
            ),
            Self::BadCredentials => (
                "bad-credentials",
                "the token is not known: mistyped, revoked, of another server",
                false,
                "Make a new token (Settings > Developer settings > Personal access tokens) on the server in `server-url` and store it in the secret again, without quotes or blanks.",
                "https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/managing-your-personal-access-tokens",
            ),
            Self::TokenExpired => (
                "token-expired",
                "the token's lifetime is over",
                false,
                "Regenerate it (Settings > Developer settings > Personal access tokens > the token) and update the secret; installation tokens live one hour: mint them in the same job.",
                "https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/token-expiration-and-revocation",
            ),
            Self::PasswordAuthRemoved => (
                "password-auth-removed",
                "an account's password, or password and one-time code, where GitHub takes tokens only",
                false,
                "Put a token, not the account's password, into the secret.",
                "https://docs.github.com/en/get-started/getting-started-with-git/about-remote-repositories",
            ),
            Self::AppAuthFailed => (
                "app-auth-failed",
                "the App's own signature is not accepted: wrong id, wrong key, or a clock that is off",
                false,
                "Compare `app-id` with the App's settings page and store the whole PEM file, line breaks included, as `app-private-key`; on a self-hosted runner set the clock.",
                "https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app",
            ),
            Self::AppNotInstalled => (
                "app-not-installed",
                "the App is not installed on the target's owner, not for this repository, or suspended",
                false,
                "Install it: the App's settings > Install App > the owner, and select the repository there; lift a suspension under Settings > Applications (organization: GitHub Apps) > Configure.",
                "https://docs.github.com/en/apps/using-github-apps/installing-your-own-github-app",
            ),
            Self::MissingRepoScope => (
                "missing-repo-scope",
                "classic token without `repo` (`public_repo` for a public target)",
                false,
                "Edit the token (Settings > Developer settings > Tokens (classic)) and tick `repo`; the secret keeps its value.",
                "https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps",
            ),
            Self::MissingWorkflowScope => (
                "missing-workflow-scope",
                "the push changes `.github/workflows/` and the credential may not",
                false,
                "Classic token: tick `workflow`. Fine-grained token or App: Repository permissions > Workflows > Read and write. `GITHUB_TOKEN` can never have it. Or leave these files out with `exclude`.",
                "https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps",
            ),
            Self::FineGrainedRepoNotSelected => (
                "fine-grained-repo-not-selected",
                "fine-grained token of another resource owner, without this repository, or still waiting for an owner's approval",
                false,
                "On the token's page: Resource owner = the owner of the target, Repository access = this repository. For an organization an owner approves it under Settings > Personal access tokens > Pending requests.",
                "https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/managing-your-personal-access-tokens",
            ),
            Self::FineGrainedPermissionMissing => (
                "fine-grained-permission-missing",
                "fine-grained token without the permission of this request: Contents (push, tag, repository_dispatch), Actions (workflow_dispatch, runs), Secrets",
                false,
                "On the token's page under Repository permissions set the one that `x-accepted-github-permissions` names to Read and write.",
                "https://docs.github.com/en/rest/authentication/permissions-required-for-fine-grained-personal-access-tokens",
            ),
            Self::ResourceNotAccessibleByIntegration => (
                "resource-not-accessible-by-integration",
                "`GITHUB_TOKEN` or an installation token without the permission",
                false,
                "`GITHUB_TOKEN`: add `permissions:` to the job (`contents: write`, `actions: write`). App: its settings > Permissions & events, then accept the change in the installation.",
                "https://docs.github.com/en/actions/concepts/security/github_token",
            ),
            Self::GithubTokenCrossRepo => (
                "github-token-cross-repo",
                "`GITHUB_TOKEN` used on a repository other than the workflow's own",
                false,
                "Pass a PAT, a deploy key or an App's credentials that reach the target; `permissions:` can not widen `GITHUB_TOKEN` beyond its repository.",
                "https://docs.github.com/en/actions/concepts/security/github_token",
            ),
            Self::ActionsBotDenied => (
                "actions-bot-denied",
                "git was answered as `github-actions[bot]`: a read-only `GITHUB_TOKEN`, or the checkout's stored header displaced the intended token",
                false,
                "Set `persist-credentials: false` under actions/checkout when another token was meant. Else give the job `permissions: contents: write`, or Settings > Actions > General > Workflow permissions > Read and write.",
                "https://docs.github.com/en/actions/concepts/security/github_token",
            ),
            Self::NoWriteAccess => (
                "no-write-access",
                "the account or credential may read the target but not write it",
                false,
                "Have an administrator add the account with Write under the target's Settings > Collaborators and teams; check whose token it is, and that it is not a read-only one.",
                "https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api",
            ),
            Self::RepoNotFoundOrHidden => (
                "repo-not-found-or-hidden",
                "no such repository, or renamed, or not visible to this credential",
                false,
                "Compare `repository` with the address in the browser; if it is right, give the credential access to it.",
                "https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api",
            ),
            Self::SsoAuthorizationRequired => (
                "sso-authorization-required",
                "token, key or app not authorized for the organization's SAML single sign-on (or results left out for that reason)",
                false,
                "Settings > Developer settings > the token (or SSH keys > the key) > Configure SSO > Authorize; the address in `x-github-sso` leads there for an hour.",
                "https://docs.github.com/articles/authenticating-to-a-github-organization-with-saml-single-sign-on/",
            ),
            Self::OrgForbidsClassicPat => (
                "org-forbids-classic-pat",
                "the organization or enterprise bars classic tokens",
                false,
                "Use a fine-grained token with the organization as Resource owner, or a GitHub App.",
                "https://docs.github.com/en/organizations/managing-programmatic-access-to-your-organization/setting-a-personal-access-token-policy-for-your-organization",
            ),
            Self::TokenLifetimePolicy => (
                "token-lifetime-policy",
                "the token may live longer than the organization or enterprise allows",
                false,
                "Open the address in the message and set an earlier expiration.",
                "https://docs.github.com/en/organizations/managing-programmatic-access-to-your-organization/setting-a-personal-access-token-policy-for-your-organization",
            ),
            Self::OrgOauthAppRestricted => (
                "org-oauth-app-restricted",
                "the OAuth app behind the token is not approved by the organization",
                false,
                "An owner approves it under the organization's Settings > Third-party Access > OAuth app policy; or use a personal token.",
                "https://docs.github.com/en/organizations/managing-oauth-access-to-your-organizations-data/about-oauth-app-access-restrictions",
            ),
            Self::IpAllowList => (
                "ip-allow-list",
                "the runner's address is not on the owner's allow list",
                false,
                "Run the job on a runner with an allowed address, or have an owner add its range under Settings > Authentication security > IP allow list.",
                "https://docs.github.com/en/enterprise-cloud@latest/organizations/keeping-your-organization-secure/managing-security-settings-for-your-organization/managing-allowed-ip-addresses-for-your-organization",
            ),
            Self::AccountSuspended => (
                "account-suspended",
                "the account behind the credential is suspended",
                false,
                "Ask GitHub Support, on Enterprise Server the site administrator; until then use another account.",
                "https://docs.github.com/en/site-policy/acceptable-use-policies/github-appeal-and-reinstatement",
            ),
            Self::BillingLocked => (
                "billing-locked",
                "an account is disabled or locked for billing, or its spending limit is reached",
                false,
                "The owner settles it under Settings > Billing and licensing, then the run is started again.",
                "https://docs.github.com/en/billing",
            ),
            Self::ActionsDisabled => (
                "actions-disabled",
                "Actions is switched off for the repository or barred for the account",
                false,
                "The target's Settings > Actions > General > Actions permissions; an account that is barred goes to GitHub Support.",
                "https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/enabling-features-for-your-repository/managing-github-actions-settings-for-a-repository",
            ),
            Self::RepoArchived => (
                "repo-archived",
                "the repository is read-only",
                false,
                "Unarchive it (Settings > General > Danger Zone), or set `repository` to its successor.",
                "https://docs.github.com/en/repositories/archiving-a-github-repository/archiving-repositories",
            ),
            Self::RepoDisabled => (
                "repo-disabled",
                "GitHub blocked the repository: terms of service or a takedown",
                false,
                "The owner reads the notice that the answer links and asks GitHub Support.",
                "https://docs.github.com/en/site-policy/content-removal-policies/dmca-takedown-policy",
            ),
            Self::BranchProtected => (
                "branch-protected",
                "classic branch protection (GH006): pull request, review, restricted pushers, deletion, history",
                false,
                "Settings > Branches > the rule: add this account or App under \"Allow specified actors to bypass\" or \"Restrict who can push\"; or push another branch and open a pull request.",
                "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-protected-branches/about-protected-branches",
            ),
            Self::RulesetRequiresPr => (
                "ruleset-requires-pr",
                "a ruleset (GH013) wants changes through a pull request or the merge queue",
                false,
                "Push another branch and open a pull request; or Settings > Rules > Rulesets > the ruleset > Bypass list: add the account, App or deploy key that pushes. `GITHUB_TOKEN` can not be on it.",
                "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/available-rules-for-rulesets",
            ),
            Self::RulesetViolation => (
                "ruleset-violation",
                "another rule of a ruleset: creation, update or deletion restricted, linear history, patterns, paths",
                false,
                "Do what the quoted rule asks, or have this identity put on the ruleset's Bypass list (Settings > Rules > Rulesets).",
                "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/available-rules-for-rulesets",
            ),
            Self::RequiredStatusChecks => (
                "required-status-checks",
                "the commit lacks required checks",
                false,
                "Push it to another branch, let the checks run there, then push it here; or bypass (Settings > Rules, or Branches).",
                "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-protected-branches/about-protected-branches",
            ),
            Self::RequiredSignatures => (
                "required-signatures",
                "commits must be signed and verified",
                false,
                "Set `signing-key` to an SSH key whose public half is registered as Signing Key (Settings > SSH and GPG keys) of the account in `author`.",
                "https://docs.github.com/en/authentication/managing-commit-signature-verification/about-commit-signature-verification",
            ),
            Self::ForcePushForbidden => (
                "force-push-forbidden",
                "rewriting this branch is not allowed",
                false,
                "Use `history: append` or drop the `+`; or allow force pushes on the rule (Settings > Branches, or Rules > Rulesets > Block force pushes).",
                "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-protected-branches/about-protected-branches",
            ),
            Self::ProtectedTag => (
                "protected-tag",
                "a rule, or an immutable release, forbids creating, moving or deleting this tag",
                false,
                "Take a tag name that was not used yet; or put this identity on the tag ruleset's Bypass list (Settings > Rules > Rulesets).",
                "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/available-rules-for-rulesets",
            ),
            Self::NonFastForward => (
                "non-fast-forward",
                "the branch holds commits that this push does not have",
                false,
                "Fetch, rebase, push again; a `concurrency:` group on the job keeps two runs apart.",
                "https://docs.github.com/en/get-started/using-git/dealing-with-non-fast-forward-errors",
            ),
            Self::StaleInfo => (
                "stale-info",
                "the lease of a forced push does not hold: the branch moved or is gone",
                false,
                "Look at what was pushed meanwhile, fetch, and force again only if it may be lost.",
                "https://docs.github.com/en/get-started/using-git/dealing-with-non-fast-forward-errors",
            ),
            Self::CannotLockRef => (
                "cannot-lock-ref",
                "two pushes met at the same ref",
                true,
                "Run again; a `concurrency:` group on the job keeps two runs apart.",
                "https://docs.github.com/en/get-started/using-git/dealing-with-non-fast-forward-errors",
            ),
            Self::TagExists => (
                "tag-exists",
                "the tag is there, or (REST) the reference is",
                false,
                "Raise the version; for a tag that is meant to move set `tag-exists: move`.",
                "https://docs.github.com/en/rest/git/refs",
            ),
            Self::InvalidRefOrObject => (
                "invalid-ref-or-object",
                "a ref name that is malformed, names nothing, or can not stand beside another (`a/b` and `a`); an unknown commit",
                false,
                "Correct `refs`, `branch`, `tag` or `tag-target`; where `a` blocks `a/b`, rename one of them on the target's Branches page; push a commit before the tag that names it.",
                "https://docs.github.com/en/rest/git/refs",
            ),
            Self::FileTooLarge => (
                "file-too-large",
                "a file above 100 MiB (a warning from 50 MiB)",
                false,
                "Take it out with `exclude`, publish it as a release asset, or track it with Git LFS; for `refs` take it out of the history.",
                "https://docs.github.com/en/repositories/working-with-files/managing-large-files/about-large-files-on-github",
            ),
            Self::PackTooLarge => (
                "pack-too-large",
                "more than 2 GiB in one push, or more than a proxy lets through",
                false,
                "Push in parts (older commits first), or publish less; behind a proxy raise its limit on request bodies.",
                "https://docs.github.com/en/get-started/using-git/troubleshooting-the-2-gb-push-limit",
            ),
            Self::PushProtectionSecret => (
                "push-protection-secret",
                "secret scanning found a credential in the pushed content",
                false,
                "Revoke the secret where it was issued and take it out of every commit; a false alarm is allowed at the address in the message.",
                "https://docs.github.com/en/code-security/secret-scanning/working-with-secret-scanning-and-push-protection/working-with-push-protection-from-the-command-line",
            ),
            Self::EmailPrivacy => (
                "email-privacy",
                "a commit would publish a private address",
                false,
                "Set `author` to the account's noreply address (Settings > Emails shows it).",
                "https://docs.github.com/en/account-and-profile/setting-up-and-managing-your-personal-account-on-github/managing-email-preferences/setting-your-commit-email-address",
            ),
            Self::PreReceiveHookDeclined => (
                "pre-receive-hook-declined",
                "a hook of the Enterprise Server itself refused",
                false,
                "Do what the hook's own lines ask; what it checks the site administrator knows.",
                "https://docs.github.com/en/enterprise-server@latest/pull-requests/collaborating-with-pull-requests/collaborating-on-repositories-with-code-quality-features/working-with-pre-receive-hooks",
            ),
            Self::LfsUnavailable => (
                "lfs-unavailable",
                "the owner's Git LFS budget is spent, or LFS is off",
                false,
                "The owner raises the budget under Settings > Billing and licensing > Budgets, or switches LFS on for the repository.",
                "https://docs.github.com/en/repositories/working-with-files/managing-large-files/about-git-large-file-storage",
            ),
            Self::LfsMissingObject => (
                "lfs-missing-object",
                "the push names LFS objects that the server lacks",
                false,
                "Check out with `lfs: true` and run `git lfs push --all` to the target first.",
                "https://docs.github.com/en/repositories/working-with-files/managing-large-files/resolving-git-large-file-storage-upload-failures",
            ),
            Self::DeployKeyReadOnly => (
                "deploy-key-read-only",
                "the deploy key may not write here: added without write access, or belongs to another repository",
                false,
                "The target's Settings > Deploy keys > Add deploy key: this key's public half, with \"Allow write access\" ticked. A key can be a deploy key of one repository only.",
                "https://docs.github.com/en/authentication/connecting-to-github-with-ssh/managing-deploy-keys",
            ),
            Self::SshPermissionDeniedPublickey => (
                "ssh-permission-denied-publickey",
                "the server knows none of the offered keys",
                false,
                "Add the public half of `ssh-key` under the target's Settings > Deploy keys (with write access).",
                "https://docs.github.com/en/authentication/troubleshooting-ssh/error-permission-denied-publickey",
            ),
            Self::SshKeyUnusable => (
                "ssh-key-unusable",
                "the private key can not be read: cut short, encrypted, other format, open file mode",
                false,
                "Store the whole key file, first and last line included, in the secret; make it without a passphrase (`ssh-keygen -t ed25519 -N ''`).",
                "https://docs.github.com/en/authentication/troubleshooting-ssh/error-permission-denied-publickey",
            ),
            Self::SshHostKeyMismatch => (
                "ssh-host-key-mismatch",
                "the server shows another key than the known one",
                false,
                "Compare it with the published fingerprints; replace the line in `ssh-known-hosts` only if they agree. Never switch the check off.",
                "https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/githubs-ssh-key-fingerprints",
            ),
            Self::SshHostKeyUnknown => (
                "ssh-host-key-unknown",
                "no known key for this host",
                false,
                "Put the host's lines, got from its administrator, into `ssh-known-hosts`; github.com's are built in.",
                "https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/githubs-ssh-key-fingerprints",
            ),
            Self::WorkflowDispatchNoTrigger => (
                "workflow-dispatch-no-trigger",
                "the workflow at that ref has no `workflow_dispatch`",
                false,
                "Add `workflow_dispatch:` under `on:` of the file, on the ref that is dispatched and on the default branch.",
                "https://docs.github.com/en/rest/actions/workflows#create-a-workflow-dispatch-event",
            ),
            Self::WorkflowNotFound => (
                "workflow-not-found",
                "no such workflow file on the target's default branch",
                false,
                "Set `workflow` to the file's name in `.github/workflows/` (not its title) and merge the file into the default branch first.",
                "https://docs.github.com/en/rest/actions/workflows#create-a-workflow-dispatch-event",
            ),
            Self::WorkflowDisabled => (
                "workflow-disabled",
                "the workflow is switched off",
                false,
                "The target's Actions tab > the workflow > Enable workflow.",
                "https://docs.github.com/en/actions/how-tos/manage-workflow-runs/disable-and-enable-workflows",
            ),
            Self::WorkflowInputsRejected => (
                "workflow-inputs-rejected",
                "an input is not declared, missing, or not among the options",
                false,
                "Bring `workflow-inputs` in line with `on.workflow_dispatch.inputs` of the file at the dispatched ref.",
                "https://docs.github.com/en/rest/actions/workflows#create-a-workflow-dispatch-event",
            ),
            Self::DispatchRefNotFound => (
                "dispatch-ref-not-found",
                "`workflow-ref` is no branch or tag of the target",
                false,
                "Set `workflow-ref` to a branch or tag of the target; a commit id or a ref of this repository does not serve.",
                "https://docs.github.com/en/rest/actions/workflows#create-a-workflow-dispatch-event",
            ),
            Self::DispatchPayloadInvalid => (
                "dispatch-payload-invalid",
                "the body is refused: over 10 top-level keys, over 64 KB, event type missing or over 100 characters, no object",
                false,
                "Correct `dispatch` or `payload`; put many values under one key.",
                "https://docs.github.com/en/rest/repos/repos#create-a-repository-dispatch-event",
            ),
            Self::GithubTokenDoesNotTrigger => (
                "github-token-does-not-trigger",
                "a push or tag made with `GITHUB_TOKEN` starts no workflow",
                false,
                "Push with a PAT, a deploy key or an App; or start the workflow with `workflow:`, which `GITHUB_TOKEN` may do.",
                "https://docs.github.com/en/actions/concepts/security/github_token",
            ),
            Self::NotTriggered => (
                "not-triggered",
                "no run appeared in time",
                false,
                "Compare the workflow's `on:` (branches, tags, paths) with what was pushed; more than three tags in one push start nothing, and `[skip ci]` in the message prevents runs.",
                "https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows",
            ),
            Self::RunFailed => (
                "run-failed",
                "the run ended in failure, was timed out, cancelled there or could not start",
                false,
                "Open the run's link and read the first failed step; `startup_failure` is a fault in the workflow file itself.",
                "https://docs.github.com/en/rest/actions/workflow-runs",
            ),
            Self::WaitTimeout => (
                "wait-timeout",
                "the run had not ended (or begun) within `wait-timeout`",
                false,
                "Raise `wait-timeout`, or see on the run's page whether it waits for a runner or an approval.",
                "",
            ),
            Self::PrimaryRateLimit => (
                "primary-rate-limit",
                "the hour's requests of this credential are spent",
                true,
                "Wait for the reset; use an App or a PAT of its own instead of a shared account or `GITHUB_TOKEN`.",
                "https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api",
            ),
            Self::SecondaryRateLimit => (
                "secondary-rate-limit",
                "too many requests or writes in a short time",
                true,
                "Wait; spread the targets or let fewer jobs run at once.",
                "https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api",
            ),
            Self::ServerError => (
                "server-error",
                "GitHub failed: 5xx, its error page, maintenance, an internal error in the push's report",
                true,
                "Look at the status page and run again; after a lost answer see first whether the ref or run is there.",
                "https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api",
            ),
            Self::ConnectionFailed => (
                "connection-failed",
                "no connection, or one that broke: refused, reset, timed out, TLS handshake, transfer cut",
                true,
                "Run again; if it stays, check proxy and firewall (SSH also answers on port 443), and push less at once.",
                "https://docs.github.com/en/get-started/using-github/troubleshooting-connectivity-problems",
            ),
            Self::DnsFailure => (
                "dns-failure",
                "the host's name can not be resolved",
                true,
                "Check the spelling in `repository` or `server-url`, then the runner's resolver and proxy.",
                "https://docs.github.com/en/get-started/using-github/troubleshooting-connectivity-problems",
            ),
            Self::TlsCertificateUntrusted => (
                "tls-certificate-untrusted",
                "the certificate's issuer is not trusted: Enterprise Server or proxy with its own CA",
                false,
                "Put the CA's PEM into `ca-certificate`. Never switch verification off.",
                "https://docs.github.com/en/enterprise-server@latest/admin/configuring-settings/hardening-security-for-your-enterprise/configuring-tls",
            ),
            Self::Timeout => (
                "timeout",
                "the step's whole budget (`timeout`) is used up",
                false,
                "Raise `timeout`; the report shows which stage took it.",
                "",
            ),
            Self::Cancelled => (
                "cancelled",
                "the run was cancelled, or the runner sent SIGTERM",
                false,
                "Nothing to repair; the report says what was already written.",
                "",
            ),
            Self::InternalError => (
                "internal-error",
                "a fault of repo-relay",
                false,
                "Report it with the run's log under RUNNER_DEBUG=1.",
                "",
            ),
            Self::NotAFailure => (
                "not-a-failure",
                "`explain` only: the text shows a success",
                false,
                "Nothing to do.",
                "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/about-rulesets",
            ),
            Self::Unknown => (
                "unknown",
                "the text names no cause that is known here",
                false,
                "Run again with debug logging and show git's own lines or the answer's body.",
                "https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api",
            ),
            Self::TokenExpiring => (
                "token-expiring",
                "the token ends within `expiry-warning` days",
                false,
                "Regenerate it and update the secret before that day.",
                "https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/managing-your-personal-access-tokens",
            ),
            Self::TokenOverscoped => (
                "token-overscoped",
                "the token may do more than the plan needs",
                false,
                "Replace it by a fine-grained token for this repository, or by a deploy key.",
                "https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/managing-your-personal-access-tokens",
            ),
            Self::PagesSourceMismatch => (
                "pages-source-mismatch",
                "the branch is not what Pages publishes",
                false,
                "The target's Settings > Pages > Build and deployment: choose this branch and folder.",
                "https://docs.github.com/en/pages/getting-started-with-github-pages/configuring-a-publishing-source-for-your-github-pages-site",
            ),
            Self::CheckoutCredentials => (
                "checkout-credentials",
                "the checkout left a stored header that other steps would use",
                false,
                "Set `persist-credentials: false` under actions/checkout.",
                "",
            ),
            Self::CheckNotPermitted => (
                "check-not-permitted",
                "the credential may not ask: the check is skipped",
                false,
                "None needed; with Administration or Metadata read access the check can run.",
                "",
            ),
        };
        Row { slug, meaning, transient, remedy, docs }
    }

    /// The cause's name in outputs, annotations and the report.
    pub fn slug(self) -> &'static str {
        self.row().slug
    }

    /// What it means, in a few words.
    pub fn meaning(self) -> &'static str {
        self.row().meaning
    }

    /// Whether the same request, unchanged, may pass later.
    pub fn is_transient(self) -> bool {
        self.row().transient
    }

    /// What to click or to set, and where.
    pub fn remedy(self) -> &'static str {
        self.row().remedy
    }

    /// The page that tells more; empty where GitHub's documentation has none.
    pub fn docs(self) -> &'static str {
        self.row().docs
    }

    /// The cause with this slug.
    pub fn from_slug(slug: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|cause| cause.slug() == slug)
    }
}
