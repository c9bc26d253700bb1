//! The table itself, in the order of the documentation.

use super::{Docs, Nature, Row};

/// Where a cause is explained: an address elsewhere, or, in braces, the paragraph for `docs/causes.md`.
macro_rules! docs {
    ($slug:literal, $url:literal) => {
        Docs::Elsewhere($url)
    };
    ($slug:literal, { $details:literal }) => {
        Docs::Here {
            url: concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/docs/causes.md#", $slug),
            details: $details,
        }
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
    ($($section:literal { $($name:ident, $slug:literal, $nature:ident, $meaning:literal, $remedy:literal, $docs:tt;)+ })+) => {
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
                        docs: docs!($slug, $docs),
                    },)+)+
                }
            }
        }
    };
}

// name, slug, passing or lasting, meaning, remedy, page that tells more
causes! {
    "Inputs and checkout" {
        InvalidInput, "invalid-input", lasting,
            "an unknown, malformed or contradictory input or flag",
            "Correct the input that the message names. `repo-relay --help` lists every input and its values.",
            {"The message quotes the value and names the nearest input. Nothing was sent. [inputs.md](inputs.md) lists every input with its default and values. Lists have one item per line; commas, quotes and brackets are part of an item."};
        InsecureUrl, "insecure-url", lasting,
            "plain `http://` to a host that is not loopback",
            "Write `https://` in `repository`, `server-url` or `api-url`. For a private CA, set `ca-certificate`.",
            {"A token sent over plain HTTP can be read on the way. Only loopback addresses (`localhost`, `127.0.0.1`, `[::1]`) can use `http://`."};
        TokenMissing, "token-missing", lasting,
            "no credential, or an empty one",
            "Create the secret in the workflow's repository (Settings > Secrets and variables > Actions) under the name that `token:` reads. Runs from forks and Dependabot get no secrets; run this step on `push` instead.",
            "https://docs.github.com/en/actions/security-for-github-actions/security-guides/using-secrets-in-github-actions";
        DirectoryNotFound, "directory-not-found", lasting,
            "`directory` does not exist in the workspace",
            "Set `directory` to the folder that the build writes, relative to the workspace. If another job builds it, download its artifact first.",
            {"The path is relative to `GITHUB_WORKSPACE`. Each job starts with an empty workspace: use actions/upload-artifact in the job that builds and actions/download-artifact before this step."};
        NothingToPublish, "nothing-to-publish", lasting,
            "the directory is empty, or `exclude` leaves nothing",
            "Check the build step before this one: it wrote no files, or wrote them to another folder.",
            {"Publishing an empty folder would wipe the branch, so the step refuses. To take a folder off the branch, set `remove: true` and `destination` instead of `directory`."};
        ShallowCheckout, "shallow-checkout", lasting,
            "the checkout lacks history that the target needs",
            "Set `fetch-depth: 0` for actions/checkout.",
            {"actions/checkout fetches one commit by default. `refs` needs the commits between the target's branch and the pushed commit, and therefore the whole history: `fetch-depth: 0`."};
        LocalGitError, "local-git-error", lasting,
            "the checkout is not a repository, is damaged, or belongs to another user",
            "Run actions/checkout before this step. On a self-hosted runner, delete the old working folder first.",
            "https://docs.github.com/en/repositories/creating-and-managing-repositories/troubleshooting-cloning-errors";
    }
    "Credential not accepted" {
        BadCredentials, "bad-credentials", lasting,
            "the server does not know the token: mistyped, revoked, or of another server",
            "Create a new token on the server in `server-url` (Settings > Developer settings > Personal access tokens) and save it in the secret, without quotes, spaces or line breaks.",
            "https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/managing-your-personal-access-tokens";
        TokenExpired, "token-expired", lasting,
            "the token has expired",
            "Regenerate the token (Settings > Developer settings > Personal access tokens) and update the secret. Installation tokens live for one hour; create them in the same job.",
            "https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/token-expiration-and-revocation";
        PasswordAuthRemoved, "password-auth-removed", lasting,
            "an account's password, or password and one-time code, where GitHub accepts only tokens",
            "Save a personal access token in the secret instead of the account's password.",
            "https://docs.github.com/en/get-started/getting-started-with-git/about-remote-repositories";
        AppAuthFailed, "app-auth-failed", lasting,
            "the server rejects the App's signature: wrong id, wrong key, or a wrong clock",
            "Compare `app-id` with the App's settings page, and save the whole PEM file, line breaks included, as `app-private-key`. On a self-hosted runner, check the clock.",
            "https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app";
        AppNotInstalled, "app-not-installed", lasting,
            "the App is not installed on the target's owner, not on this repository, or suspended",
            "Install the App on the target's owner (App settings > Install App) and select the repository there. A suspended App is unsuspended under Settings > Applications (organization: GitHub Apps) > Configure.",
            "https://docs.github.com/en/apps/using-github-apps/installing-your-own-github-app";
    }
    "Credential lacks a right" {
        MissingRepoScope, "missing-repo-scope", lasting,
            "classic token without `repo` (`public_repo` for a public target)",
            "Edit the token (Settings > Developer settings > Tokens (classic)) and tick `repo`. The secret's value stays the same.",
            "https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps";
        MissingWorkflowScope, "missing-workflow-scope", lasting,
            "the push changes `.github/workflows/`, which this credential cannot do",
            "Classic token: tick `workflow`. Fine-grained token or App: set Workflows to \"Read and write\". `GITHUB_TOKEN` never has this right. Or keep `exclude` at its default, which leaves these files out.",
            "https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps";
        FineGrainedRepoNotSelected, "fine-grained-repo-not-selected", lasting,
            "the fine-grained token belongs to another resource owner, does not include this repository, or awaits approval",
            "On the token's page, select the target's owner as resource owner and this repository under Repository access. In an organization, an owner approves the token under Settings > Personal access tokens > Pending requests.",
            "https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/managing-your-personal-access-tokens";
        FineGrainedPermissionMissing, "fine-grained-permission-missing", lasting,
            "the fine-grained token lacks a permission: Contents (push, tag, `repository_dispatch`), Actions (`workflow_dispatch`, runs), Secrets",
            "On the token's page, set the missing repository permission (`x-accepted-github-permissions` names it) to \"Read and write\".",
            "https://docs.github.com/en/rest/authentication/permissions-required-for-fine-grained-personal-access-tokens";
        ResourceNotAccessibleByIntegration, "resource-not-accessible-by-integration", lasting,
            "`GITHUB_TOKEN` or an installation token lacks the permission",
            "`GITHUB_TOKEN`: add the permission to the job's `permissions:` (`contents: write`, `actions: write`). App: add it under Permissions & events, then accept the change in the installation.",
            "https://docs.github.com/en/actions/concepts/security/github_token";
        GithubTokenCrossRepo, "github-token-cross-repo", lasting,
            "`GITHUB_TOKEN` used on a repository other than the workflow's own",
            "Use a personal access token, a deploy key or an App with access to the target. `permissions:` cannot extend `GITHUB_TOKEN` to another repository.",
            "https://docs.github.com/en/actions/concepts/security/github_token";
        DuplicateAuthorization, "duplicate-authorization", lasting,
            "two Authorization headers reached the server: that of the checkout and that of this step",
            "Set `persist-credentials: false` for actions/checkout.",
            "https://github.com/actions/checkout#usage";
        ActionsBotDenied, "actions-bot-denied", lasting,
            "git acted as `github-actions[bot]`: a read-only `GITHUB_TOKEN`, or the checkout's stored header replaced the token",
            "Give the job `permissions: contents: write`, or choose \"Read and write permissions\" under Settings > Actions > General. If another token was meant, set `persist-credentials: false` for actions/checkout.",
            "https://docs.github.com/en/actions/concepts/security/github_token";
        NoWriteAccess, "no-write-access", lasting,
            "the account or credential can read the target but not write to it",
            "Have an administrator give the account the Write role (Settings > Collaborators and teams). Check which account owns the token, and that the token is not read-only.",
            "https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api";
        RepoNotFoundOrHidden, "repo-not-found-or-hidden", lasting,
            "no such repository, or this credential cannot see it",
            "Open the repository in a browser as the token's owner. A 404 there means that `repository` is wrong; if the page opens, give the credential access to it.",
            "https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api";
    }
    "Organization, enterprise and account policy" {
        SsoAuthorizationRequired, "sso-authorization-required", lasting,
            "the token, key or app is not authorized for the organization's SAML single sign-on",
            "Authorize it: Settings > Developer settings > the token (or SSH keys > the key) > Configure SSO > Authorize. The address in `x-github-sso` opens that page for one hour.",
            "https://docs.github.com/articles/authenticating-to-a-github-organization-with-saml-single-sign-on/";
        OrgForbidsClassicPat, "org-forbids-classic-pat", lasting,
            "the organization or enterprise blocks classic tokens",
            "Use a fine-grained token with the organization as resource owner, or a GitHub App.",
            "https://docs.github.com/en/organizations/managing-programmatic-access-to-your-organization/setting-a-personal-access-token-policy-for-your-organization";
        TokenLifetimePolicy, "token-lifetime-policy", lasting,
            "the token's lifetime exceeds the limit of the organization or enterprise",
            "Open the token's page, which the message links, and set an earlier expiration.",
            "https://docs.github.com/en/organizations/managing-programmatic-access-to-your-organization/setting-a-personal-access-token-policy-for-your-organization";
        OrgOauthAppRestricted, "org-oauth-app-restricted", lasting,
            "the organization has not approved the OAuth app behind the token",
            "An organization owner approves the app under Settings > Third-party Access > OAuth app policy. Or use a personal access token.",
            "https://docs.github.com/en/organizations/managing-oauth-access-to-your-organizations-data/about-oauth-app-access-restrictions";
        IpAllowList, "ip-allow-list", lasting,
            "the runner's IP address is not on the owner's allow list",
            "Use a runner with an allowed address, or have an owner add its range under Settings > Authentication security > IP allow list.",
            "https://docs.github.com/en/enterprise-cloud@latest/organizations/keeping-your-organization-secure/managing-security-settings-for-your-organization/managing-allowed-ip-addresses-for-your-organization";
        AccountSuspended, "account-suspended", lasting,
            "the account behind the credential is suspended",
            "Contact GitHub Support, or the site administrator of an Enterprise Server. Until then, use another account.",
            "https://docs.github.com/en/site-policy/acceptable-use-policies/github-appeal-and-reinstatement";
        BillingLocked, "billing-locked", lasting,
            "an account is disabled or locked for billing, or its spending limit is reached",
            "The owner fixes it under Settings > Billing and licensing. Then run the job again.",
            "https://docs.github.com/en/billing";
        ActionsDisabled, "actions-disabled", lasting,
            "Actions is disabled for the repository or the account",
            "Enable Actions under the target's Settings > Actions > General. For a blocked account, contact GitHub Support.",
            "https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/enabling-features-for-your-repository/managing-github-actions-settings-for-a-repository";
    }
    "The repository refuses the change" {
        RepoArchived, "repo-archived", lasting,
            "the repository is read-only",
            "Unarchive it (Settings > General > Danger Zone), or set `repository` to its successor.",
            "https://docs.github.com/en/repositories/archiving-a-github-repository/archiving-repositories";
        RepoDisabled, "repo-disabled", lasting,
            "GitHub blocked the repository: terms of service or a takedown",
            "The owner reads the notice that the answer links and contacts GitHub Support.",
            "https://docs.github.com/en/site-policy/content-removal-policies/dmca-takedown-policy";
        BranchProtected, "branch-protected", lasting,
            "classic branch protection (GH006): pull request, review, restricted pushers, deletion, history",
            "Under Settings > Branches, add this account or App to \"Allow specified actors to bypass\" or \"Restrict who can push\". Or push to another branch and open a pull request (`pull-request: required`).",
            "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-protected-branches/about-protected-branches";
        RulesetRequiresPr, "ruleset-requires-pr", lasting,
            "a ruleset (GH013) requires a pull request or the merge queue",
            "Set `pull-request: required`, or add the account, App or deploy key to the ruleset's Bypass list (Settings > Rules > Rulesets). `GITHUB_TOKEN` cannot be on it.",
            "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/available-rules-for-rulesets";
        RulesetViolation, "ruleset-violation", lasting,
            "another rule of a ruleset: creation, update or deletion restricted, linear history, patterns, paths",
            "Do what the quoted rule requires, or add this account or App to the ruleset's Bypass list (Settings > Rules > Rulesets).",
            "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/available-rules-for-rulesets";
        RequiredStatusChecks, "required-status-checks", lasting,
            "the commit lacks required checks",
            "Push to another branch, let the checks run there, then push here. Or add this account or App to the Bypass list (Settings > Rules, or Branches).",
            "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-protected-branches/about-protected-branches";
        RequiredSignatures, "required-signatures", lasting,
            "commits must be signed and verified",
            "Set `signing-key` to an SSH key whose public half is a Signing Key (Settings > SSH and GPG keys) of the account in `author`. With an App or `GITHUB_TOKEN`, `sign: github` does it.",
            "https://docs.github.com/en/authentication/managing-commit-signature-verification/about-commit-signature-verification";
        ForcePushForbidden, "force-push-forbidden", lasting,
            "rewriting this branch is not allowed",
            "Use `history: append`, or drop the `+`. Or allow force pushes in the rule (Settings > Branches, or Rules > Rulesets > Block force pushes).",
            "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-protected-branches/about-protected-branches";
        ProtectedTag, "protected-tag", lasting,
            "a rule or an immutable release forbids creating, moving or deleting this tag",
            "Use a new tag name, or add this account or App to the Bypass list of the tag ruleset (Settings > Rules > Rulesets).",
            "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/available-rules-for-rulesets";
        NonFastForward, "non-fast-forward", lasting,
            "the branch holds commits that this push lacks",
            "Fetch, rebase and push again. A `concurrency:` group on the job keeps two runs apart.",
            "https://docs.github.com/en/get-started/using-git/dealing-with-non-fast-forward-errors";
        StaleInfo, "stale-info", lasting,
            "the lease of a forced push does not hold: the branch moved or was deleted",
            "Check what was pushed in the meantime, fetch, and force again only if those commits can be lost.",
            "https://docs.github.com/en/get-started/using-git/dealing-with-non-fast-forward-errors";
        CannotLockRef, "cannot-lock-ref", passing,
            "two pushes updated the same ref at once",
            "Run the job again. A `concurrency:` group on the job keeps two runs apart.",
            "https://docs.github.com/en/get-started/using-git/dealing-with-non-fast-forward-errors";
        TagExists, "tag-exists", lasting,
            "the tag (REST: the reference) exists",
            "Use a new version. To move the tag, write `+` before its name or set `tag-exists: move`.",
            "https://docs.github.com/en/rest/git/refs";
        InvalidRefOrObject, "invalid-ref-or-object", lasting,
            "a ref name that is malformed, does not exist, or conflicts with another (`a/b` and `a`); an unknown commit",
            "Correct `refs`, `branch`, `tag` or `tag-target`. If `a` blocks `a/b`, rename one of them on the target's Branches page. Push a commit before the tag that names it.",
            "https://docs.github.com/en/rest/git/refs";
        FileTooLarge, "file-too-large", lasting,
            "a file above 100 MiB (a warning from 50 MiB)",
            "Leave it out with `exclude`, publish it as a release asset, or track it with Git LFS. With `refs`, remove it from the history.",
            "https://docs.github.com/en/repositories/working-with-files/managing-large-files/about-large-files-on-github";
        PackTooLarge, "pack-too-large", lasting,
            "more than 2 GiB in one push, or more than a proxy accepts",
            "Push in parts, older commits first, or publish less. Behind a proxy, raise its limit on request bodies.",
            "https://docs.github.com/en/get-started/using-git/troubleshooting-the-2-gb-push-limit";
        PushProtectionSecret, "push-protection-secret", lasting,
            "secret scanning found a credential in the pushed content",
            "Revoke the secret where it was issued and remove it from every commit. If it is a false alarm, allow it on the page that the message links.",
            "https://docs.github.com/en/code-security/secret-scanning/working-with-secret-scanning-and-push-protection/working-with-push-protection-from-the-command-line";
        EmailPrivacy, "email-privacy", lasting,
            "a commit would publish a private email address",
            "Set `author` to the account's noreply address (shown under Settings > Emails).",
            "https://docs.github.com/en/account-and-profile/setting-up-and-managing-your-personal-account-on-github/managing-email-preferences/setting-your-commit-email-address";
        PreReceiveHookDeclined, "pre-receive-hook-declined", lasting,
            "a hook of the Enterprise Server refused the push",
            "Do what the hook's quoted lines require. The site administrator knows what the hook checks.",
            "https://docs.github.com/en/enterprise-server@latest/pull-requests/collaborating-with-pull-requests/collaborating-on-repositories-with-code-quality-features/working-with-pre-receive-hooks";
        PackRefused, "pack-refused", lasting,
            "the server's object check refused an object: a bad submodule URL, a malformed old commit, an odd tree",
            "Repair or leave out the object that the server's line names. For old history, contact the server's owner or rewrite it.",
            "https://git-scm.com/docs/git-fsck#_fsck_messages";
        PullRequestRefused, "pull-request-refused", lasting,
            "the pull request could not be made, updated or merged",
            "Allow it under Settings > Actions > General > \"Allow GitHub Actions to create and approve pull requests\", or set the token's Pull requests permission to \"Read and write\".",
            "https://docs.github.com/en/rest/pulls/pulls#create-a-pull-request";
        PruneGuard, "prune-guard", lasting,
            "`prune` would delete more than half of the refs that match",
            "Check out all branches and tags (`fetch-depth: 0`). If the deletion is intended, add `prune` to `ignore-checks`.",
            {"A checkout with only one branch makes every other branch look deleted. `fetch-depth: 0` brings all branches and tags as `origin/*` and `refs/tags/*`."};
        SecretFile, "secret-file", lasting,
            "a file of the directory holds a credential",
            "Remove the file from the folder, or leave it out with `exclude`. If it was published before, revoke the credential in it.",
            "https://docs.github.com/en/code-security/secret-scanning/introduction/about-secret-scanning";
        LfsUnavailable, "lfs-unavailable", lasting,
            "the owner's Git LFS budget is spent, or LFS is disabled",
            "The owner raises the budget under Settings > Billing and licensing > Budgets, or enables LFS for the repository.",
            "https://docs.github.com/en/repositories/working-with-files/managing-large-files/about-git-large-file-storage";
        LfsMissingObject, "lfs-missing-object", lasting,
            "the push names LFS objects that the server lacks",
            "Set `lfs: true` for actions/checkout and keep `lfs: auto` here, or run `git lfs push --all` to the target first.",
            "https://docs.github.com/en/repositories/working-with-files/managing-large-files/resolving-git-large-file-storage-upload-failures";
    }
    "SSH" {
        DeployKeyReadOnly, "deploy-key-read-only", lasting,
            "the deploy key cannot write here: added without write access, or it belongs to another repository",
            "Add the key's public half under the target's Settings > Deploy keys with \"Allow write access\" ticked. A key can be the deploy key of only one repository.",
            "https://docs.github.com/en/authentication/connecting-to-github-with-ssh/managing-deploy-keys";
        SshPermissionDeniedPublickey, "ssh-permission-denied-publickey", lasting,
            "the server knows none of the offered keys",
            "Add the public half of `ssh-key` under the target's Settings > Deploy keys, with write access.",
            "https://docs.github.com/en/authentication/troubleshooting-ssh/error-permission-denied-publickey";
        SshKeyUnusable, "ssh-key-unusable", lasting,
            "the private key cannot be read: cut short, encrypted, other format, open file mode",
            "Save the whole key file, first and last line included, in the secret. Create the key without a passphrase: `ssh-keygen -t ed25519 -N ''`.",
            "https://docs.github.com/en/authentication/troubleshooting-ssh/error-permission-denied-publickey";
        SshHostKeyMismatch, "ssh-host-key-mismatch", lasting,
            "the server's host key differs from the known one",
            "Compare it with the published fingerprints. Replace the line in `ssh-known-hosts` only if they match.",
            "https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/githubs-ssh-key-fingerprints";
        SshHostKeyUnknown, "ssh-host-key-unknown", lasting,
            "no known host key for this server",
            "Put the server's host key lines, from its administrator, into `ssh-known-hosts`. Those of github.com are built in.",
            "https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/githubs-ssh-key-fingerprints";
    }
    "Trigger and wait" {
        WorkflowDispatchNoTrigger, "workflow-dispatch-no-trigger", lasting,
            "the workflow has no `workflow_dispatch` trigger at that ref",
            "Add `workflow_dispatch:` under `on:` of the file, on the dispatched ref and on the default branch.",
            "https://docs.github.com/en/rest/actions/workflows#create-a-workflow-dispatch-event";
        WorkflowNotFound, "workflow-not-found", lasting,
            "no such workflow file on the target's default branch",
            "Set `workflow` to the file's name in `.github/workflows/`, not its title. The file must be on the default branch.",
            "https://docs.github.com/en/rest/actions/workflows#create-a-workflow-dispatch-event";
        WorkflowDisabled, "workflow-disabled", lasting,
            "the workflow is disabled",
            "Open the workflow in the target's Actions tab and choose Enable workflow.",
            "https://docs.github.com/en/actions/how-tos/manage-workflow-runs/disable-and-enable-workflows";
        WorkflowInputsRejected, "workflow-inputs-rejected", lasting,
            "an input is undeclared, missing, or not among the options",
            "Correct `workflow-inputs` after `on.workflow_dispatch.inputs` of the file at the dispatched ref.",
            "https://docs.github.com/en/rest/actions/workflows#create-a-workflow-dispatch-event";
        DispatchRefNotFound, "dispatch-ref-not-found", lasting,
            "`workflow-ref` is not a branch or tag of the target",
            "Set `workflow-ref` to a branch or tag of the target, not to a commit id or a ref of this repository.",
            "https://docs.github.com/en/rest/actions/workflows#create-a-workflow-dispatch-event";
        DispatchPayloadInvalid, "dispatch-payload-invalid", lasting,
            "the payload is refused: over 10 top-level keys, over 64 KB, not an object, or a bad event type",
            "Correct `dispatch` or `payload`. Nest many values under one key.",
            "https://docs.github.com/en/rest/repos/repos#create-a-repository-dispatch-event";
        GithubTokenDoesNotTrigger, "github-token-does-not-trigger", lasting,
            "a push or tag made with `GITHUB_TOKEN` starts no workflow",
            "Push with a personal access token, a deploy key or an App. Or start the workflow with `workflow:`, which works with `GITHUB_TOKEN`.",
            "https://docs.github.com/en/actions/concepts/security/github_token";
        NotTriggered, "not-triggered", lasting,
            "no run appeared in time",
            "Compare the workflow's `on:` (branches, tags, paths) with what was pushed. More than three tags in one push start nothing, and neither does `[skip ci]` in the message.",
            "https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows";
        RunFailed, "run-failed", lasting,
            "the run failed, timed out, was cancelled or could not start",
            "Open the run and read its first failed step. `startup_failure` means an error in the workflow file itself.",
            "https://docs.github.com/en/rest/actions/workflow-runs";
        WaitTimeout, "wait-timeout", lasting,
            "the run did not end (or begin) within `wait-timeout`",
            "Raise `wait-timeout`, or check on the run's page whether it waits for a runner or an approval.",
            {"`wait-timeout` applies to waiting alone and is separate from `timeout`. The run that was started continues; the step only stops waiting for it. Keep the job's `timeout-minutes` above both."};
    }
    "Passing troubles" {
        PrimaryRateLimit, "primary-rate-limit", passing,
            "the hourly requests of this credential are used up",
            "Wait for the reset. Use an App or a separate token instead of a shared account or `GITHUB_TOKEN`.",
            "https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api";
        SecondaryRateLimit, "secondary-rate-limit", passing,
            "too many requests or writes in a short time",
            "Wait, then run again. Spread the targets, or run fewer jobs at once.",
            "https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api";
        ServerError, "server-error", passing,
            "GitHub failed: 5xx, an error page, maintenance, an internal error in the push's report",
            "Check the status page and run again. After a lost answer, check first whether the ref or run exists.",
            "https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api";
        ConnectionFailed, "connection-failed", passing,
            "no connection, or a broken one: refused, reset, timed out, TLS handshake, transfer cut",
            "Run again. If it persists, check `server-url`, proxy and firewall (SSH also answers on port 443).",
            "https://docs.github.com/en/get-started/using-github/troubleshooting-connectivity-problems";
        DnsFailure, "dns-failure", passing,
            "the host name cannot be resolved",
            "Check the spelling in `repository` or `server-url`, then the runner's DNS and proxy.",
            "https://docs.github.com/en/get-started/using-github/troubleshooting-connectivity-problems";
        TlsCertificateUntrusted, "tls-certificate-untrusted", lasting,
            "the certificate's issuer is not trusted: Enterprise Server or proxy with a private CA",
            "Put the CA's certificate (PEM) into `ca-certificate`. Do not disable verification.",
            "https://docs.github.com/en/enterprise-server@latest/admin/configuring-settings/hardening-security-for-your-enterprise/configuring-tls";
    }
    "The step itself" {
        Timeout, "timeout", lasting,
            "the step's time budget (`timeout`) is used up",
            "Raise `timeout`. The report shows which stage used it.",
            {"Waiting for runs does not count towards `timeout`. Large first publishes spend most of the time in the upload. The outputs and the report are written even after a timeout. Keep `timeout` below the job's `timeout-minutes`."};
        Cancelled, "cancelled", lasting,
            "the run was cancelled, or the runner sent SIGTERM",
            "Nothing to repair. The report lists what was already written.",
            {"A second run of the workflow with the same `concurrency:` group and `cancel-in-progress: true`, a person, or the runner's shutdown cancels a run. Running the step again is safe: anything that is already done is left as it is."};
        InternalError, "internal-error", lasting,
            "a bug in repo-relay",
            "Report it with the log of a run under RUNNER_DEBUG=1.",
            {"Re-run the job with debug logging (Re-run jobs > Enable debug logging) and attach the step's log to an issue. The log contains no secrets."};
        NotAFailure, "not-a-failure", lasting,
            "`explain` only: the text shows a success",
            "Nothing to do.",
            "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/about-rulesets";
        Unknown, "unknown", lasting,
            "no known cause matches the text",
            "Run again with debug logging and pass git's own lines or the answer's body to `repo-relay explain`.",
            "https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api";
    }
    "Notices of the preflight (never the cause of a failure)" {
        TokenExpiring, "token-expiring", lasting,
            "the token expires within `expiry-warning` days",
            "Regenerate it and update the secret before that day.",
            "https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/managing-your-personal-access-tokens";
        TokenOverscoped, "token-overscoped", lasting,
            "the token has more rights than the plan needs",
            "Replace it by a fine-grained token for this repository, or by a deploy key.",
            "https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/managing-your-personal-access-tokens";
        PagesSourceMismatch, "pages-source-mismatch", lasting,
            "Pages does not publish from this branch",
            "Choose this branch and folder under the target's Settings > Pages > Build and deployment.",
            "https://docs.github.com/en/pages/getting-started-with-github-pages/configuring-a-publishing-source-for-your-github-pages-site";
        PatternUnmatched, "pattern-unmatched", lasting,
            "a line of `keep`, `exclude` or a refspec pattern matches nothing",
            "Write one glob per line, without quotes, commas or brackets, relative to `destination`.",
            {"`*.map` matches at the top only, `**/*.map` at every depth. `destination` is not part of a pattern. The check `patterns` names the line and the likely slip."};
        NewerPublish, "newer-publish", lasting,
            "a later run of the same workflow has already published here",
            "Add a `concurrency:` group to the workflow, so that an older run cannot end after a newer one.",
            "https://docs.github.com/en/actions/how-tos/write-workflows/choose-when-workflows-run/control-workflow-concurrency";
        SymlinkNotServed, "symlink-not-served", lasting,
            "the branch that Pages builds from holds symlinks",
            "Set `symlinks: follow`, or copy the files before this step (`cp -rL`).",
            "https://docs.github.com/en/pages/getting-started-with-github-pages/troubleshooting-404-errors-for-github-pages-sites";
        OwnerChanged, "owner-changed", lasting,
            "the repository was renamed or transferred to another owner",
            "If the new owner is the one you mean, write the repository's present name into `repository`.",
            "https://docs.github.com/en/repositories/creating-and-managing-repositories/transferring-a-repository";
        CheckoutCredentials, "checkout-credentials", lasting,
            "the checkout left a stored header that other steps would use",
            "Set `persist-credentials: false` for actions/checkout.",
            {"actions/checkout stores `GITHUB_TOKEN` in the checkout's git configuration unless told otherwise. This step does not use it, but a later `git push` in the same job would use it instead of your token."};
        CheckNotPermitted, "check-not-permitted", lasting,
            "the credential lacks the right to query this, so the check is skipped",
            "Nothing to do. With Administration or Metadata read access the check can run.",
            {"Some checks read settings that only an administrator's token can see. Without that right the check is skipped, and the server decides when the step pushes. [checks.md](checks.md) lists what each check needs."};
    }
}
