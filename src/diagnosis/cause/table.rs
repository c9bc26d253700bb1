//! The table itself, in the order of the documentation.

use super::{Nature, Row};

/// A section of this project's README, for what GitHub's documentation does not answer.
macro_rules! readme {
    ($anchor:literal) => {
        concat!(env!("CARGO_PKG_REPOSITORY"), "#", $anchor)
    };
}

macro_rules! nature {
    (passing) => {
        Nature::Passing
    };
    (lasting) => {
        Nature::Lasting
    };
}

macro_rules! causes {
    ($($section:literal { $($name:ident, $slug:literal, $nature:ident, $meaning:literal, $remedy:literal, $docs:expr;)+ })+) => {
        /// The one reason why something failed, or was warned about. The list is closed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Cause {
            $($(#[doc = $meaning] $name,)+)+
        }

        impl Cause {
            /// Every cause, in the order of the documentation.
            pub const ALL: &[Self] = &[$($(Self::$name,)+)+];

            pub(super) const fn row(self) -> Row {
                match self {
                    $($(Self::$name => Row {
                        section: $section,
                        slug: $slug,
                        nature: nature!($nature),
                        meaning: $meaning,
                        remedy: $remedy,
                        docs: $docs,
                    },)+)+
                }
            }
        }
    };
}

// name, slug, passing or lasting, meaning, remedy, page
causes! {
    "Inputs and checkout" {
        InvalidInput, "invalid-input", lasting,
            "an input or flag is unknown, malformed or contradicts another",
            "Correct the named input under `with:` of the step; `--help` lists what each accepts.",
            readme!("inputs");
        InsecureUrl, "insecure-url", lasting,
            "plain `http://` to a host that is not loopback",
            "Write `https://` in `repository`, `server-url` or `api-url`; for a private CA set `ca-certificate`.",
            readme!("inputs");
        TokenMissing, "token-missing", lasting,
            "no credential, or an empty one; git had none and could not ask",
            "Define the secret in the workflow's repository (Settings > Secrets and variables > Actions) under exactly the name that `token:` reads. Runs of forks and of Dependabot get no secrets: run the step on `push` instead.",
            "https://docs.github.com/en/actions/security-for-github-actions/security-guides/using-secrets-in-github-actions";
        DirectoryNotFound, "directory-not-found", lasting,
            "`directory` does not exist in the workspace",
            "Set `directory` to the folder that the build writes, relative to the workspace; in another job's step, download its artifact first.",
            readme!("inputs");
        NothingToPublish, "nothing-to-publish", lasting,
            "the directory is empty, or `exclude` leaves nothing",
            "Look at the build step before this one: it wrote nothing, or elsewhere.",
            readme!("inputs");
        ShallowCheckout, "shallow-checkout", lasting,
            "the checkout lacks history that the target needs",
            "Set `fetch-depth: 0` under `with:` of actions/checkout.",
            readme!("inputs");
        LocalGitError, "local-git-error", lasting,
            "the checkout is no repository, damaged, or owned by another user",
            "Run actions/checkout before this step and let it make a fresh clone; on a self-hosted runner delete the old working folder.",
            "https://docs.github.com/en/repositories/creating-and-managing-repositories/troubleshooting-cloning-errors";
    }
    "Credential not accepted" {
        BadCredentials, "bad-credentials", lasting,
            "the token is not known: mistyped, revoked, of another server",
            "Make a new token (Settings > Developer settings > Personal access tokens) on the server in `server-url` and store it in the secret again, without quotes or blanks.",
            "https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/managing-your-personal-access-tokens";
        TokenExpired, "token-expired", lasting,
            "the token's lifetime is over",
            "Regenerate it (Settings > Developer settings > Personal access tokens > the token) and update the secret; installation tokens live one hour: mint them in the same job.",
            "https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/token-expiration-and-revocation";
        PasswordAuthRemoved, "password-auth-removed", lasting,
            "an account's password, or password and one-time code, where GitHub takes tokens only",
            "Put a token, not the account's password, into the secret.",
            "https://docs.github.com/en/get-started/getting-started-with-git/about-remote-repositories";
        AppAuthFailed, "app-auth-failed", lasting,
            "the App's own signature is not accepted: wrong id, wrong key, or a clock that is off",
            "Compare `app-id` with the App's settings page and store the whole PEM file, line breaks included, as `app-private-key`; on a self-hosted runner set the clock.",
            "https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app";
        AppNotInstalled, "app-not-installed", lasting,
            "the App is not installed on the target's owner, not for this repository, or suspended",
            "Install it: the App's settings > Install App > the owner, and select the repository there; lift a suspension under Settings > Applications (organization: GitHub Apps) > Configure.",
            "https://docs.github.com/en/apps/using-github-apps/installing-your-own-github-app";
    }
    "Credential lacks a right" {
        MissingRepoScope, "missing-repo-scope", lasting,
            "classic token without `repo` (`public_repo` for a public target)",
            "Edit the token (Settings > Developer settings > Tokens (classic)) and tick `repo`; the secret keeps its value.",
            "https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps";
        MissingWorkflowScope, "missing-workflow-scope", lasting,
            "the push changes `.github/workflows/` and the credential may not",
            "Classic token: tick `workflow`. Fine-grained token or App: Repository permissions > Workflows > Read and write. `GITHUB_TOKEN` can never have it. Or leave these files out with `exclude`.",
            "https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps";
        FineGrainedRepoNotSelected, "fine-grained-repo-not-selected", lasting,
            "fine-grained token of another resource owner, without this repository, or still waiting for an owner's approval",
            "On the token's page: Resource owner = the owner of the target, Repository access = this repository. For an organization an owner approves it under Settings > Personal access tokens > Pending requests.",
            "https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/managing-your-personal-access-tokens";
        FineGrainedPermissionMissing, "fine-grained-permission-missing", lasting,
            "fine-grained token without the permission of this request: Contents (push, tag, `repository_dispatch`), Actions (`workflow_dispatch`, runs), Secrets",
            "On the token's page under Repository permissions set the one that `x-accepted-github-permissions` names to Read and write.",
            "https://docs.github.com/en/rest/authentication/permissions-required-for-fine-grained-personal-access-tokens";
        ResourceNotAccessibleByIntegration, "resource-not-accessible-by-integration", lasting,
            "`GITHUB_TOKEN` or an installation token without the permission",
            "`GITHUB_TOKEN`: add `permissions:` to the job (`contents: write`, `actions: write`). App: its settings > Permissions & events, then accept the change in the installation.",
            "https://docs.github.com/en/actions/concepts/security/github_token";
        GithubTokenCrossRepo, "github-token-cross-repo", lasting,
            "`GITHUB_TOKEN` used on a repository other than the workflow's own",
            "Pass a PAT, a deploy key or an App's credentials that reach the target; `permissions:` can not widen `GITHUB_TOKEN` beyond its repository.",
            "https://docs.github.com/en/actions/concepts/security/github_token";
        DuplicateAuthorization, "duplicate-authorization", lasting,
            "two Authorization headers reached the server: the checkout's stored one beside the tool's own",
            "Set `persist-credentials: false` under actions/checkout.",
            "https://github.com/actions/checkout#usage";
        ActionsBotDenied, "actions-bot-denied", lasting,
            "git was answered as `github-actions[bot]`: a read-only `GITHUB_TOKEN`, or the checkout's stored header displaced the intended token",
            "Set `persist-credentials: false` under actions/checkout when another token was meant. Else give the job `permissions: contents: write`, or Settings > Actions > General > Workflow permissions > Read and write.",
            "https://docs.github.com/en/actions/concepts/security/github_token";
        NoWriteAccess, "no-write-access", lasting,
            "the account or credential may read the target but not write it",
            "Have an administrator add the account with Write under the target's Settings > Collaborators and teams; check whose token it is, and that it is not a read-only one.",
            "https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api";
        RepoNotFoundOrHidden, "repo-not-found-or-hidden", lasting,
            "no such repository, or renamed, or not visible to this credential",
            "Compare `repository` with the address in the browser; if it is right, give the credential access to it.",
            "https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api";
    }
    "Organization, enterprise and account policy" {
        SsoAuthorizationRequired, "sso-authorization-required", lasting,
            "token, key or app not authorized for the organization's SAML single sign-on (or results left out for that reason)",
            "Settings > Developer settings > the token (or SSH keys > the key) > Configure SSO > Authorize; the address in `x-github-sso` leads there for an hour.",
            "https://docs.github.com/articles/authenticating-to-a-github-organization-with-saml-single-sign-on/";
        OrgForbidsClassicPat, "org-forbids-classic-pat", lasting,
            "the organization or enterprise bars classic tokens",
            "Use a fine-grained token with the organization as Resource owner, or a GitHub App.",
            "https://docs.github.com/en/organizations/managing-programmatic-access-to-your-organization/setting-a-personal-access-token-policy-for-your-organization";
        TokenLifetimePolicy, "token-lifetime-policy", lasting,
            "the token may live longer than the organization or enterprise allows",
            "Open the address in the message and set an earlier expiration.",
            "https://docs.github.com/en/organizations/managing-programmatic-access-to-your-organization/setting-a-personal-access-token-policy-for-your-organization";
        OrgOauthAppRestricted, "org-oauth-app-restricted", lasting,
            "the OAuth app behind the token is not approved by the organization",
            "An owner approves it under the organization's Settings > Third-party Access > OAuth app policy; or use a personal token.",
            "https://docs.github.com/en/organizations/managing-oauth-access-to-your-organizations-data/about-oauth-app-access-restrictions";
        IpAllowList, "ip-allow-list", lasting,
            "the runner's address is not on the owner's allow list",
            "Run the job on a runner with an allowed address, or have an owner add its range under Settings > Authentication security > IP allow list.",
            "https://docs.github.com/en/enterprise-cloud@latest/organizations/keeping-your-organization-secure/managing-security-settings-for-your-organization/managing-allowed-ip-addresses-for-your-organization";
        AccountSuspended, "account-suspended", lasting,
            "the account behind the credential is suspended",
            "Ask GitHub Support, on Enterprise Server the site administrator; until then use another account.",
            "https://docs.github.com/en/site-policy/acceptable-use-policies/github-appeal-and-reinstatement";
        BillingLocked, "billing-locked", lasting,
            "an account is disabled or locked for billing, or its spending limit is reached",
            "The owner settles it under Settings > Billing and licensing, then the run is started again.",
            "https://docs.github.com/en/billing";
        ActionsDisabled, "actions-disabled", lasting,
            "Actions is switched off for the repository or barred for the account",
            "The target's Settings > Actions > General > Actions permissions; an account that is barred goes to GitHub Support.",
            "https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/enabling-features-for-your-repository/managing-github-actions-settings-for-a-repository";
    }
    "The repository refuses the change" {
        RepoArchived, "repo-archived", lasting,
            "the repository is read-only",
            "Unarchive it (Settings > General > Danger Zone), or set `repository` to its successor.",
            "https://docs.github.com/en/repositories/archiving-a-github-repository/archiving-repositories";
        RepoDisabled, "repo-disabled", lasting,
            "GitHub blocked the repository: terms of service or a takedown",
            "The owner reads the notice that the answer links and asks GitHub Support.",
            "https://docs.github.com/en/site-policy/content-removal-policies/dmca-takedown-policy";
        BranchProtected, "branch-protected", lasting,
            "classic branch protection (GH006): pull request, review, restricted pushers, deletion, history",
            "Settings > Branches > the rule: add this account or App under \"Allow specified actors to bypass\" or \"Restrict who can push\"; or push another branch and open a pull request.",
            "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-protected-branches/about-protected-branches";
        RulesetRequiresPr, "ruleset-requires-pr", lasting,
            "a ruleset (GH013) wants changes through a pull request or the merge queue",
            "Push another branch and open a pull request; or Settings > Rules > Rulesets > the ruleset > Bypass list: add the account, App or deploy key that pushes. `GITHUB_TOKEN` can not be on it.",
            "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/available-rules-for-rulesets";
        RulesetViolation, "ruleset-violation", lasting,
            "another rule of a ruleset: creation, update or deletion restricted, linear history, patterns, paths",
            "Do what the quoted rule asks, or have this identity put on the ruleset's Bypass list (Settings > Rules > Rulesets).",
            "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/available-rules-for-rulesets";
        RequiredStatusChecks, "required-status-checks", lasting,
            "the commit lacks required checks",
            "Push it to another branch, let the checks run there, then push it here; or bypass (Settings > Rules, or Branches).",
            "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-protected-branches/about-protected-branches";
        RequiredSignatures, "required-signatures", lasting,
            "commits must be signed and verified",
            "Set `signing-key` to an SSH key whose public half is registered as Signing Key (Settings > SSH and GPG keys) of the account in `author`.",
            "https://docs.github.com/en/authentication/managing-commit-signature-verification/about-commit-signature-verification";
        ForcePushForbidden, "force-push-forbidden", lasting,
            "rewriting this branch is not allowed",
            "Use `history: append` or drop the `+`; or allow force pushes on the rule (Settings > Branches, or Rules > Rulesets > Block force pushes).",
            "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-protected-branches/about-protected-branches";
        ProtectedTag, "protected-tag", lasting,
            "a rule, or an immutable release, forbids creating, moving or deleting this tag",
            "Take a tag name that was not used yet; or put this identity on the tag ruleset's Bypass list (Settings > Rules > Rulesets).",
            "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/available-rules-for-rulesets";
        NonFastForward, "non-fast-forward", lasting,
            "the branch holds commits that this push does not have",
            "Fetch, rebase, push again; a `concurrency:` group on the job keeps two runs apart.",
            "https://docs.github.com/en/get-started/using-git/dealing-with-non-fast-forward-errors";
        StaleInfo, "stale-info", lasting,
            "the lease of a forced push does not hold: the branch moved or is gone",
            "Look at what was pushed meanwhile, fetch, and force again only if it may be lost.",
            "https://docs.github.com/en/get-started/using-git/dealing-with-non-fast-forward-errors";
        CannotLockRef, "cannot-lock-ref", passing,
            "two pushes met at the same ref",
            "Run again; a `concurrency:` group on the job keeps two runs apart.",
            "https://docs.github.com/en/get-started/using-git/dealing-with-non-fast-forward-errors";
        TagExists, "tag-exists", lasting,
            "the tag is there, or (REST) the reference is",
            "Raise the version; for a tag that is meant to move set `tag-exists: move`.",
            "https://docs.github.com/en/rest/git/refs";
        InvalidRefOrObject, "invalid-ref-or-object", lasting,
            "a ref name that is malformed, names nothing, or can not stand beside another (`a/b` and `a`); an unknown commit",
            "Correct `refs`, `branch`, `tag` or `tag-target`; where `a` blocks `a/b`, rename one of them on the target's Branches page; push a commit before the tag that names it.",
            "https://docs.github.com/en/rest/git/refs";
        FileTooLarge, "file-too-large", lasting,
            "a file above 100 MiB (a warning from 50 MiB)",
            "Take it out with `exclude`, publish it as a release asset, or track it with Git LFS; for `refs` take it out of the history.",
            "https://docs.github.com/en/repositories/working-with-files/managing-large-files/about-large-files-on-github";
        PackTooLarge, "pack-too-large", lasting,
            "more than 2 GiB in one push, or more than a proxy lets through",
            "Push in parts (older commits first), or publish less; behind a proxy raise its limit on request bodies.",
            "https://docs.github.com/en/get-started/using-git/troubleshooting-the-2-gb-push-limit";
        PushProtectionSecret, "push-protection-secret", lasting,
            "secret scanning found a credential in the pushed content",
            "Revoke the secret where it was issued and take it out of every commit; a false alarm is allowed at the address in the message.",
            "https://docs.github.com/en/code-security/secret-scanning/working-with-secret-scanning-and-push-protection/working-with-push-protection-from-the-command-line";
        EmailPrivacy, "email-privacy", lasting,
            "a commit would publish a private address",
            "Set `author` to the account's noreply address (Settings > Emails shows it).",
            "https://docs.github.com/en/account-and-profile/setting-up-and-managing-your-personal-account-on-github/managing-email-preferences/setting-your-commit-email-address";
        PreReceiveHookDeclined, "pre-receive-hook-declined", lasting,
            "a hook of the Enterprise Server itself refused",
            "Do what the hook's own lines ask; what it checks the site administrator knows.",
            "https://docs.github.com/en/enterprise-server@latest/pull-requests/collaborating-with-pull-requests/collaborating-on-repositories-with-code-quality-features/working-with-pre-receive-hooks";
        PackRefused, "pack-refused", lasting,
            "the server's own check of the objects refused one: a bad submodule address, a broken old commit, an odd tree",
            "Repair or leave out the object that the server's line names; for old history ask the server's owner, or rewrite it.",
            "https://git-scm.com/docs/git-fsck#_fsck_messages";
        PullRequestRefused, "pull-request-refused", lasting,
            "the pull request could not be made, updated or merged",
            "Allow it under Settings > Actions > General > \"Allow GitHub Actions to create and approve pull requests\", or give the token Pull requests: Read and write.",
            "https://docs.github.com/en/rest/pulls/pulls#create-a-pull-request";
        PruneGuard, "prune-guard", lasting,
            "`prune` would delete more than half of the refs that match",
            "Check out all branches and tags (`fetch-depth: 0`); if the deletion is meant, name `prune` in `ignore-checks`.",
            readme!("inputs");
        SecretFile, "secret-file", lasting,
            "a file of the directory holds a credential",
            "Take the file out of the folder, or out of the publish with `exclude`; if it was published before, revoke what it holds.",
            "https://docs.github.com/en/code-security/secret-scanning/introduction/about-secret-scanning";
        LfsUnavailable, "lfs-unavailable", lasting,
            "the owner's Git LFS budget is spent, or LFS is off",
            "The owner raises the budget under Settings > Billing and licensing > Budgets, or switches LFS on for the repository.",
            "https://docs.github.com/en/repositories/working-with-files/managing-large-files/about-git-large-file-storage";
        LfsMissingObject, "lfs-missing-object", lasting,
            "the push names LFS objects that the server lacks",
            "Check out with `lfs: true` and run `git lfs push --all` to the target first.",
            "https://docs.github.com/en/repositories/working-with-files/managing-large-files/resolving-git-large-file-storage-upload-failures";
    }
    "SSH" {
        DeployKeyReadOnly, "deploy-key-read-only", lasting,
            "the deploy key may not write here: added without write access, or belongs to another repository",
            "The target's Settings > Deploy keys > Add deploy key: this key's public half, with \"Allow write access\" ticked. A key can be a deploy key of one repository only.",
            "https://docs.github.com/en/authentication/connecting-to-github-with-ssh/managing-deploy-keys";
        SshPermissionDeniedPublickey, "ssh-permission-denied-publickey", lasting,
            "the server knows none of the offered keys",
            "Add the public half of `ssh-key` under the target's Settings > Deploy keys (with write access).",
            "https://docs.github.com/en/authentication/troubleshooting-ssh/error-permission-denied-publickey";
        SshKeyUnusable, "ssh-key-unusable", lasting,
            "the private key can not be read: cut short, encrypted, other format, open file mode",
            "Store the whole key file, first and last line included, in the secret; make it without a passphrase (`ssh-keygen -t ed25519 -N ''`).",
            "https://docs.github.com/en/authentication/troubleshooting-ssh/error-permission-denied-publickey";
        SshHostKeyMismatch, "ssh-host-key-mismatch", lasting,
            "the server shows another key than the known one",
            "Compare it with the published fingerprints; replace the line in `ssh-known-hosts` only if they agree. Never switch the check off.",
            "https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/githubs-ssh-key-fingerprints";
        SshHostKeyUnknown, "ssh-host-key-unknown", lasting,
            "no known key for this host",
            "Put the host's lines, got from its administrator, into `ssh-known-hosts`; github.com's are built in.",
            "https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/githubs-ssh-key-fingerprints";
    }
    "Trigger and wait" {
        WorkflowDispatchNoTrigger, "workflow-dispatch-no-trigger", lasting,
            "the workflow at that ref has no `workflow_dispatch`",
            "Add `workflow_dispatch:` under `on:` of the file, on the ref that is dispatched and on the default branch.",
            "https://docs.github.com/en/rest/actions/workflows#create-a-workflow-dispatch-event";
        WorkflowNotFound, "workflow-not-found", lasting,
            "no such workflow file on the target's default branch",
            "Set `workflow` to the file's name in `.github/workflows/` (not its title) and merge the file into the default branch first.",
            "https://docs.github.com/en/rest/actions/workflows#create-a-workflow-dispatch-event";
        WorkflowDisabled, "workflow-disabled", lasting,
            "the workflow is switched off",
            "The target's Actions tab > the workflow > Enable workflow.",
            "https://docs.github.com/en/actions/how-tos/manage-workflow-runs/disable-and-enable-workflows";
        WorkflowInputsRejected, "workflow-inputs-rejected", lasting,
            "an input is not declared, missing, or not among the options",
            "Bring `workflow-inputs` in line with `on.workflow_dispatch.inputs` of the file at the dispatched ref.",
            "https://docs.github.com/en/rest/actions/workflows#create-a-workflow-dispatch-event";
        DispatchRefNotFound, "dispatch-ref-not-found", lasting,
            "`workflow-ref` is no branch or tag of the target",
            "Set `workflow-ref` to a branch or tag of the target; a commit id or a ref of this repository does not serve.",
            "https://docs.github.com/en/rest/actions/workflows#create-a-workflow-dispatch-event";
        DispatchPayloadInvalid, "dispatch-payload-invalid", lasting,
            "the body is refused: over 10 top-level keys, over 64 KB, event type missing or over 100 characters, no object",
            "Correct `dispatch` or `payload`; put many values under one key.",
            "https://docs.github.com/en/rest/repos/repos#create-a-repository-dispatch-event";
        GithubTokenDoesNotTrigger, "github-token-does-not-trigger", lasting,
            "a push or tag made with `GITHUB_TOKEN` starts no workflow",
            "Push with a PAT, a deploy key or an App; or start the workflow with `workflow:`, which `GITHUB_TOKEN` may do.",
            "https://docs.github.com/en/actions/concepts/security/github_token";
        NotTriggered, "not-triggered", lasting,
            "no run appeared in time",
            "Compare the workflow's `on:` (branches, tags, paths) with what was pushed; more than three tags in one push start nothing, and `[skip ci]` in the message prevents runs.",
            "https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows";
        RunFailed, "run-failed", lasting,
            "the run ended in failure, was timed out, cancelled there or could not start",
            "Open the run's link and read the first failed step; `startup_failure` is a fault in the workflow file itself.",
            "https://docs.github.com/en/rest/actions/workflow-runs";
        WaitTimeout, "wait-timeout", lasting,
            "the run had not ended (or begun) within `wait-timeout`",
            "Raise `wait-timeout`, or see on the run's page whether it waits for a runner or an approval.",
            readme!("inputs");
    }
    "Passing troubles" {
        PrimaryRateLimit, "primary-rate-limit", passing,
            "the hour's requests of this credential are spent",
            "Wait for the reset; use an App or a PAT of its own instead of a shared account or `GITHUB_TOKEN`.",
            "https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api";
        SecondaryRateLimit, "secondary-rate-limit", passing,
            "too many requests or writes in a short time",
            "Wait; spread the targets or let fewer jobs run at once.",
            "https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api";
        ServerError, "server-error", passing,
            "GitHub failed: 5xx, its error page, maintenance, an internal error in the push's report",
            "Look at the status page and run again; after a lost answer see first whether the ref or run is there.",
            "https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api";
        ConnectionFailed, "connection-failed", passing,
            "no connection, or one that broke: refused, reset, timed out, TLS handshake, transfer cut",
            "Run again; if it stays, check proxy and firewall (SSH also answers on port 443), and push less at once.",
            "https://docs.github.com/en/get-started/using-github/troubleshooting-connectivity-problems";
        DnsFailure, "dns-failure", passing,
            "the host's name can not be resolved",
            "Check the spelling in `repository` or `server-url`, then the runner's resolver and proxy.",
            "https://docs.github.com/en/get-started/using-github/troubleshooting-connectivity-problems";
        TlsCertificateUntrusted, "tls-certificate-untrusted", lasting,
            "the certificate's issuer is not trusted: Enterprise Server or proxy with its own CA",
            "Put the CA's PEM into `ca-certificate`. Never switch verification off.",
            "https://docs.github.com/en/enterprise-server@latest/admin/configuring-settings/hardening-security-for-your-enterprise/configuring-tls";
    }
    "The step itself" {
        Timeout, "timeout", lasting,
            "the step's whole budget (`timeout`) is used up",
            "Raise `timeout`; the report shows which stage took it.",
            readme!("inputs");
        Cancelled, "cancelled", lasting,
            "the run was cancelled, or the runner sent SIGTERM",
            "Nothing to repair; the report says what was already written.",
            readme!("outputs");
        InternalError, "internal-error", lasting,
            "a fault of repo-relay",
            "Report it with the run's log under RUNNER_DEBUG=1.",
            readme!("troubleshooting");
        NotAFailure, "not-a-failure", lasting,
            "`explain` only: the text shows a success",
            "Nothing to do.",
            "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/about-rulesets";
        Unknown, "unknown", lasting,
            "the text names no cause that is known here",
            "Run again with debug logging and show git's own lines or the answer's body.",
            "https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api";
    }
    "Notices of the preflight (never the cause of a failure)" {
        TokenExpiring, "token-expiring", lasting,
            "the token ends within `expiry-warning` days",
            "Regenerate it and update the secret before that day.",
            "https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/managing-your-personal-access-tokens";
        TokenOverscoped, "token-overscoped", lasting,
            "the token may do more than the plan needs",
            "Replace it by a fine-grained token for this repository, or by a deploy key.",
            "https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/managing-your-personal-access-tokens";
        PagesSourceMismatch, "pages-source-mismatch", lasting,
            "the branch is not what Pages publishes",
            "The target's Settings > Pages > Build and deployment: choose this branch and folder.",
            "https://docs.github.com/en/pages/getting-started-with-github-pages/configuring-a-publishing-source-for-your-github-pages-site";
        PatternUnmatched, "pattern-unmatched", lasting,
            "a line of `keep`, `exclude` or a refspec pattern matches nothing",
            "One glob a line, without quotes, commas or brackets around it, relative to `destination`.",
            readme!("inputs");
        NewerPublish, "newer-publish", lasting,
            "a later run of the same workflow has published here already",
            "Add a `concurrency:` group to the workflow, so that an older run does not end after a newer one.",
            "https://docs.github.com/en/actions/how-tos/write-workflows/choose-when-workflows-run/control-workflow-concurrency";
        SymlinkNotServed, "symlink-not-served", lasting,
            "symlinks on the branch that Pages builds from",
            "Set `symlinks: follow`, or copy what they point to before this step (`cp -rL`).",
            "https://docs.github.com/en/pages/getting-started-with-github-pages/troubleshooting-404-errors-for-github-pages-sites";
        OwnerChanged, "owner-changed", lasting,
            "the repository was renamed or transferred to another owner",
            "Write its present name into `repository` if that owner is the one you mean.",
            "https://docs.github.com/en/repositories/creating-and-managing-repositories/transferring-a-repository";
        CheckoutCredentials, "checkout-credentials", lasting,
            "the checkout left a stored header that other steps would use",
            "Set `persist-credentials: false` under actions/checkout.",
            readme!("troubleshooting");
        CheckNotPermitted, "check-not-permitted", lasting,
            "the credential may not ask: the check is skipped",
            "None needed; with Administration or Metadata read access the check can run.",
            readme!("troubleshooting");
    }
}
