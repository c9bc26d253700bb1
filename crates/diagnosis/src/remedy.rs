//! What to do, with the target's own names filled in; and how to tell apart what one sentence can mean.

use crate::credential::TokenKind;

use super::{
    Cause, Pushes, Situation,
    finding::Finding,
    job_permissions::{JobPermissions, job_permissions},
    link::sso_link,
    listed,
    reading::Reading,
};

/// The remedy in one or two sentences, and one more where the text fits several causes.
pub(super) fn remedy(finding: &Finding, reading: &Reading, situation: &Situation) -> String {
    // First: inputs that shape a commit of this step cannot help commits of a checkout.
    let named = remedy_by_push(finding.cause, reading, situation);
    let named = named.or_else(|| remedy_with_page(finding.cause, reading, situation));
    let mut words = named.unwrap_or_else(|| finding.cause.remedy().to_owned());
    if let Some(hint) = hint_between_causes(finding) {
        words.push(' ');
        words.push_str(hint);
    }
    words
}

/// A remedy for what was pushed, where the inputs of a directory's commit cannot help.
fn remedy_by_push(cause: Cause, reading: &Reading, situation: &Situation) -> Option<String> {
    let server = situation.server.as_deref().unwrap_or("https://github.com");
    let page = |path: &str| Some(format!("{server}/{}/{path}", situation.repository.as_deref()?));
    let branch = situation.branch.as_deref().unwrap_or("the branch");
    // git says this by itself (`receive.denyDeleteCurrent`): no rule of the repository can be changed.
    if reading.has_any(&["refusing to delete the current branch", "deletion of the current branch"]) {
        let settings = page("settings").unwrap_or_else(|| "the repository's Settings > General".to_owned());
        return Some(format!(
            "The default branch cannot be deleted. Choose another default branch on {settings} (Default branch) first, then delete this one."
        ));
    }
    if cause == Cause::ProtectedTag
        && reading.has_any(&["creations being restricted", "cannot update this protected ref"])
    {
        let tag = situation.tag.as_deref().map(|tag| format!(" instead of {tag}")).unwrap_or_default();
        let rules = page("settings/rules").unwrap_or_else(|| "Settings > Rules > Rulesets".to_owned());
        return Some(format!(
            "Use a new version{tag}. The tag of an immutable release can neither move nor be made again, even when the release is deleted. \
             If a tag ruleset is listed on {rules}, add this account or App to its Bypass list."
        ));
    }
    // git names the rejected ref by its short name: `! [remote rejected] v1 -> v1 (…)`.
    let is_tag = || {
        let tag = situation.tag.as_deref()?.to_lowercase();
        reading.has(&format!("rejected] {tag} ->")).then_some(())
    };
    if cause == Cause::MissingWorkflowScope && (is_tag().is_some() || situation.pushes == Some(Pushes::Refs)) {
        let who = match situation.token_kind {
            Some(TokenKind::GithubToken) => "`GITHUB_TOKEN` cannot change workflow files. Use a token with `workflow`, or an App with Workflows set to \"Read and write\"".to_owned(),
            Some(TokenKind::Classic) => format!("Open the token on {server}/settings/tokens and tick `workflow`"),
            _ => "Give the token Workflows: Read and write".to_owned(),
        };
        let otherwise = if is_tag().is_some() {
            "tag a commit whose workflow files are those of one of the target's branches"
        } else {
            "push only commits that leave the target's workflow files as they are"
        };
        return Some(format!("{who}, or {otherwise}."));
    }
    if situation.pushes != Some(Pushes::Refs) {
        return None;
    }
    Some(match cause {
        Cause::RequiredSignatures => format!(
            "The commits of the checkout are pushed as they are: `signing-key` and `sign` sign only what the step commits. Sign them where they are made (`git rebase --exec 'git commit --amend --no-edit -S'` signs old ones), \
             or add this account or App to the ruleset's Bypass list on {}.",
            page("settings/rules")?
        ),
        Cause::ForcePushForbidden => {
            format!("Merge what the target's {branch} has and push without `+`. Or allow force pushes in its rule on {}.", page("settings/rules")?)
        }
        Cause::EmailPrivacy => "Set the commits' address to the account's noreply address (Settings > Emails shows it): `git rebase --exec 'git commit --amend --no-edit --reset-author'` rewrites old ones.".to_owned(),
        Cause::FileTooLarge => "Remove the file from the history (`git filter-repo --invert-paths --path FILE`), or track it with Git LFS.".to_owned(),
        _ => return None,
    })
}

/// A remedy that names the page to open; none where the names are not known.
fn remedy_with_page(cause: Cause, reading: &Reading, situation: &Situation) -> Option<String> {
    // `explain` knows no server; nearly every log that is pasted is about github.com.
    let server = situation.server.as_deref().unwrap_or("https://github.com");
    let repository = situation.repository.as_deref();
    let page = |path: &str| repository.map(|repository| format!("{server}/{repository}/{path}"));
    let owner = repository.and_then(|repository| repository.split('/').next());
    let branch = situation.branch.as_deref().unwrap_or("the branch");
    let needs = reading.header("x-accepted-github-permissions");
    Some(match cause {
        Cause::ActionsBotDenied if situation.hijacking_header == Some(true) => {
            "Set `persist-credentials: false` for actions/checkout: its stored header replaced `token`.".to_owned()
        }
        Cause::ActionsBotDenied => format!(
            "Give the job `permissions: contents: write`, or choose \"Read and write permissions\" on {}. \
             If another token was meant, set `persist-credentials: false` for actions/checkout.",
            page("settings/actions")?
        ),
        Cause::GithubTokenCrossRepo => format!(
            "Use a personal access token, a deploy key or an App with write access to {}. `GITHUB_TOKEN` works only in its own repository.",
            repository?
        ),
        Cause::ResourceNotAccessibleByIntegration => missing_permission(needs?, situation.token_kind),
        Cause::FineGrainedPermissionMissing => {
            let needs = needs.map_or_else(|| "Contents".to_owned(), |needs| format!("the missing permission (`{needs}`)"));
            format!(
                "Open the token on {server}/settings/personal-access-tokens and set {needs} to \"Read and write\"{}.",
                repository.map(|repository| format!(", with {repository} among its repositories")).unwrap_or_default()
            )
        }
        Cause::FineGrainedRepoNotSelected => format!(
            "Open the token on {server}/settings/personal-access-tokens. Its resource owner must be {}, and its repositories must include {}. In an organization, an owner approves it under Settings > Personal access tokens > Pending requests.",
            owner?, repository?
        ),
        // Scopes are edited in place. Only a regenerated token has a new value.
        Cause::MissingRepoScope => format!("Open the token on {server}/settings/tokens and tick `repo`. The secret's value stays the same."),
        Cause::MissingWorkflowScope if situation.token_kind == Some(TokenKind::GithubToken) => {
            "`GITHUB_TOKEN` cannot change workflow files. Use a token with `workflow`, an App with Workflows set to \"Read and write\", or leave `.github/workflows/` out with `exclude`.".to_owned()
        }
        Cause::NoWriteAccess => format!("Have an administrator give the token's account the Write role on {}.", page("settings/access")?),
        // GitHub hides private repositories by a 404, so only the token's owner can see which of the two it is.
        Cause::RepoNotFoundOrHidden => format!("Open {server}/{} as the token's owner. A 404 there means that `repository` is wrong; if the page opens, give the token access to it.", repository?),
        Cause::SsoAuthorizationRequired => match sso_link(reading) {
            Some(link) => format!("Authorize the token on {link} (valid for one hour), or on its own page > Configure SSO > Authorize."),
            None => return None,
        },
        Cause::BranchProtected => format!(
            "In the rule of {branch} on {}, add this account or App to \"Allow specified actors to bypass required pull requests\" or \"Restrict who can push\". Or set `pull-request: required`.",
            page("settings/branches")?
        ),
        Cause::RulesetRequiresPr => format!(
            "Set `pull-request: required`, or add the account, App or deploy key that pushes to {branch} to the ruleset's Bypass list on {}. `GITHUB_TOKEN` cannot be on it.",
            page("settings/rules")?
        ),
        Cause::RulesetViolation => format!("Do what the quoted rule requires, or add this account or App to the ruleset's Bypass list on {}.", page("settings/rules")?),
        Cause::RepoArchived => format!("Unarchive it on {} (Danger Zone), or set `repository` to its successor.", page("settings")?),
        Cause::PushProtectionSecret => match listed::pages(reading) {
            // Without the page the general remedy says more than a sentence with a hole in it.
            pages if pages.is_empty() => return None,
            pages => format!(
                "Revoke the secret where it was issued and take it out of every commit. A false alarm is allowed on {}.",
                listed::named(&pages, " and ")
            ),
        },
        Cause::ProtectedTag => format!(
            "Use a new tag name{}, or add this account or App to the Bypass list of the tag ruleset on {}.",
            situation.tag.as_deref().map(|tag| format!(" instead of {tag}")).unwrap_or_default(),
            page("settings/rules")?
        ),
        Cause::TagExists => format!("Use a new version. To move {0}, write `+{0}` or set `tag-exists: move`.", situation.tag.as_deref()?),
        // The access of a deploy key cannot be edited: the key is removed and added again.
        Cause::DeployKeyReadOnly => format!("Add this key's public half on {} with \"Allow write access\" ticked. A key can be the deploy key of only one repository.", page("settings/keys")?),
        Cause::SshPermissionDeniedPublickey => format!("Add the public half of `ssh-key` on {} with \"Allow write access\" ticked.", page("settings/keys")?),
        Cause::ActionsDisabled => format!("Enable Actions on {}. For a blocked account, contact GitHub Support.", page("settings/actions")?),
        Cause::WorkflowDisabled => format!("Open the workflow on {} and choose Enable workflow.", page("actions")?),
        _ => return None,
    })
}

/// What grants an integration the permissions that the call `needs`, as its answer lists them.
fn missing_permission(needs: &str, kind: Option<TokenKind>) -> String {
    let is_github_token = kind == Some(TokenKind::GithubToken);
    match job_permissions(needs) {
        JobPermissions::Grant(lines) if is_github_token => {
            format!("Add the missing permission to the job's `permissions:`: `{lines}`.")
        }
        JobPermissions::Grant(lines) => format!(
            "The call needs `{needs}`: for `GITHUB_TOKEN` add `{lines}` to the job's `permissions:`; for an App add it under Permissions & events and accept the change in the installation."
        ),
        // Permissions such as `workflows` or `secrets` have no key in `permissions:`.
        JobPermissions::Never(needs) if is_github_token => format!(
            "`GITHUB_TOKEN` can never have what the call needs (`{needs}`), whatever `permissions:` says: pass as `token` a PAT, or an App's `app-id` and `app-private-key`, that has it."
        ),
        JobPermissions::Never(needs) => format!(
            "The call needs `{needs}`, which `GITHUB_TOKEN` can never have: for an App add it under Permissions & events and accept the change in the installation."
        ),
    }
}

/// How to tell apart what the same words can mean.
fn hint_between_causes(finding: &Finding) -> Option<&'static str> {
    // With one cause left there is nothing to tell apart.
    if finding.also.is_empty() {
        return None;
    }
    Some(match finding.cause {
        Cause::NoWriteAccess => {
            "GitHub gives one answer for several missing rights. A fine-grained token needs this repository and Contents set to \"Read and write\", a classic one `repo`, and the account the Write role."
        }
        Cause::WorkflowNotFound | Cause::MissingRepoScope => {
            "GitHub answers 404 both for a wrong name and for missing access. A fine-grained token needs this repository, a classic one `repo`, and the account the Write role."
        }
        Cause::RepoNotFoundOrHidden => {
            "GitHub answers 404 in both cases. A fine-grained token needs this repository, a classic one `repo`."
        }
        Cause::BadCredentials | Cause::PasswordAuthRemoved | Cause::TokenExpired => {
            "GitHub gives one answer for a mistyped, a revoked and an expired token. The token's page shows whether it exists and when it expires."
        }
        Cause::ActionsBotDenied | Cause::ResourceNotAccessibleByIntegration => {
            "If the target is another repository than the workflow's own, `permissions:` cannot help; use another token."
        }
        Cause::FineGrainedPermissionMissing => {
            "If the permission is set, add the repository to the token's selected ones."
        }
        Cause::AppNotInstalled => {
            "If the App is installed on the owner, check the repository's name and the selected repositories."
        }
        Cause::ServerError => "If it fails each time, the pack may be too large or the connection unstable.",
        Cause::SshHostKeyUnknown => {
            "If a key of this host is known already, the server sent another one; compare the fingerprints first."
        }
        Cause::RulesetViolation | Cause::BranchProtected => "The `remote:` lines before the rejection name the rule.",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use crate::{Cause, Evidence, Operation, Situation, classify};

    fn situation() -> Situation {
        Situation {
            repository: Some("acme/site".into()),
            server: Some("https://acme.ghe.com".into()),
            branch: Some("gh-pages".into()),
            tag: Some("v1.2.3".into()),
            ..Situation::default()
        }
    }

    #[test]
    fn the_page_to_open_is_the_targets_own() {
        for (text, cause, words) in [
            (
                "remote: error: GH006: Protected branch update failed",
                Cause::BranchProtected,
                "https://acme.ghe.com/acme/site/settings/branches",
            ),
            (
                "GH013 - Changes must be made through a pull request.",
                Cause::RulesetRequiresPr,
                "https://acme.ghe.com/acme/site/settings/rules",
            ),
            (
                "git@x: Permission denied (publickey).",
                Cause::SshPermissionDeniedPublickey,
                "https://acme.ghe.com/acme/site/settings/keys",
            ),
            ("hint: Updates were rejected because the tag already exists in the remote.", Cause::TagExists, "v1.2.3"),
            ("remote: Repository not found.", Cause::RepoNotFoundOrHidden, "https://acme.ghe.com/acme/site"),
        ] {
            let diagnosis = classify(&Evidence::of_text(Operation::GitPush, text), &situation());
            assert_eq!(diagnosis.cause, cause, "{text}");
            assert!(diagnosis.remedy.contains(words), "{text}: {}", diagnosis.remedy);
        }
    }

    #[test]
    fn what_the_text_cannot_decide_comes_with_how_to_tell_it_apart() {
        let diagnosis =
            classify(&Evidence::of_text(Operation::GitPush, "remote: Repository not found."), &Situation::default());
        assert_eq!(diagnosis.also.first(), Some(&Cause::FineGrainedRepoNotSelected));
        assert!(diagnosis.remedy.contains("404 in both cases"), "{}", diagnosis.remedy);
    }
}
