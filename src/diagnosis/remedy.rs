//! What to do, with the target's own names filled in; and how to tell apart what one sentence can mean.

use crate::credential::TokenKind;

use super::{Cause, Situation, link::sso_link, listed, reading::Reading};
use crate::diagnosis::finding::Finding;

/// The remedy in one or two sentences, and one more where the text fits several causes.
pub(super) fn remedy(finding: &Finding, reading: &Reading, situation: &Situation) -> String {
    let named = named(finding.cause, reading, situation);
    let mut words = named.unwrap_or_else(|| finding.cause.remedy().to_owned());
    if let Some(apart) = apart(finding) {
        words.push(' ');
        words.push_str(apart);
    }
    words
}

/// A remedy that names the page to open; none where the names are not known.
fn named(cause: Cause, reading: &Reading, situation: &Situation) -> Option<String> {
    let server = situation.server.as_deref().unwrap_or("https://github.com");
    let repository = situation.repository.as_deref();
    let page = |path: &str| repository.map(|repository| format!("{server}/{repository}/{path}"));
    let owner = repository.and_then(|repository| repository.split('/').next());
    let branch = situation.branch.as_deref().unwrap_or("the branch");
    let needs = reading.header("x-accepted-github-permissions");
    Some(match cause {
        Cause::ActionsBotDenied if situation.hijacking_header == Some(true) => {
            "Set `persist-credentials: false` under actions/checkout: its stored header went instead of `token`.".to_owned()
        }
        Cause::ActionsBotDenied => format!(
            "Give the job `permissions: contents: write`, or choose Read and write permissions under Workflow permissions on {}. \
             If another token was meant, set `persist-credentials: false` under actions/checkout.",
            page("settings/actions")?
        ),
        Cause::GithubTokenCrossRepo => format!(
            "Pass as `token` a PAT, or use a deploy key or an App, that may write to {}: `GITHUB_TOKEN` never reaches beyond its own repository.",
            repository?
        ),
        Cause::ResourceNotAccessibleByIntegration => match (needs, situation.token_kind) {
            (Some(needs), Some(TokenKind::GithubToken)) => {
                format!("Add to the job's `permissions:` what the answer asks for: `{}`.", needs.replace('=', ": "))
            }
            (Some(needs), _) => format!(
                "The call needs `{needs}`: for `GITHUB_TOKEN` add it to the job's `permissions:`; for an App set it under its settings > Permissions & events and accept the change in the installation."
            ),
            (None, _) => return None,
        },
        Cause::FineGrainedPermissionMissing => {
            let needs = needs.map_or_else(|| "Contents".to_owned(), |needs| format!("what the answer asks for (`{needs}`)"));
            format!(
                "On {server}/settings/personal-access-tokens open the token and set under Repository permissions {needs} to Read and write{}.",
                repository.map(|repository| format!(", with {repository} among the selected repositories")).unwrap_or_default()
            )
        }
        Cause::FineGrainedRepoNotSelected => format!(
            "On {server}/settings/personal-access-tokens open the token: Resource owner must be {}, Repository access must hold {}. In an organization an owner approves it under Settings > Personal access tokens > Pending requests.",
            owner?, repository?
        ),
        Cause::MissingRepoScope => format!("Open the token on {server}/settings/tokens and tick `repo`; the secret keeps its value."),
        Cause::MissingWorkflowScope if situation.token_kind == Some(TokenKind::GithubToken) => {
            "`GITHUB_TOKEN` can never change workflow files: pass a PAT with `workflow` or an App with Workflows: Read and write, or leave `.github/workflows/` out with `exclude`.".to_owned()
        }
        Cause::NoWriteAccess => format!("Have an administrator add the token's account with the role Write on {}.", page("settings/access")?),
        Cause::RepoNotFoundOrHidden => format!("Open {server}/{}: if it is another name, correct `repository`; if it opens, give the token access to it.", repository?),
        Cause::SsoAuthorizationRequired => match sso_link(reading) {
            Some(link) => format!("Open {link} (it works for an hour), or the token's page > Configure SSO > Authorize."),
            None => return None,
        },
        Cause::BranchProtected => format!(
            "On {} edit the rule of {branch}: add this account or App under \"Allow specified actors to bypass required pull requests\" or \"Restrict who can push\"; or push another branch and open a pull request.",
            page("settings/branches")?
        ),
        Cause::RulesetRequiresPr => format!(
            "Push another branch than {branch} and open a pull request, or add the account, App or deploy key that pushes to the ruleset's Bypass list on {}; `GITHUB_TOKEN` can not be on it.",
            page("settings/rules")?
        ),
        Cause::RulesetViolation => format!("Do what the quoted rule asks, or have this identity put on the ruleset's Bypass list on {}.", page("settings/rules")?),
        Cause::RepoArchived => format!("Unarchive it on {} (Danger Zone), or set `repository` to its successor.", page("settings")?),
        Cause::PushProtectionSecret => match listed::pages(reading) {
            pages if pages.is_empty() => return None,
            pages => format!(
                "Revoke the secret where it was issued and take it out of every commit. A false alarm is allowed on {}.",
                listed::named(&pages, " and ")
            ),
        },
        Cause::ProtectedTag => format!(
            "Take a tag name that was not used yet{}; or put this identity on the tag ruleset's Bypass list on {}.",
            situation.tag.as_deref().map(|tag| format!(" instead of {tag}")).unwrap_or_default(),
            page("settings/rules")?
        ),
        Cause::TagExists => format!("Raise the version; if {} is meant to move, set `tag-exists: move`.", situation.tag.as_deref()?),
        Cause::DeployKeyReadOnly => format!("On {} add this key's public half with \"Allow write access\" ticked. A key can be a deploy key of one repository only.", page("settings/keys")?),
        Cause::SshPermissionDeniedPublickey => format!("Add the public half of `ssh-key` on {} with \"Allow write access\" ticked.", page("settings/keys")?),
        Cause::ActionsDisabled => format!("Allow actions on {}; an account that is barred goes to GitHub Support.", page("settings/actions")?),
        Cause::WorkflowDisabled => format!("Open the workflow on {} and choose Enable workflow.", page("actions")?),
        _ => return None,
    })
}

/// How to tell apart what the same words can mean.
fn apart(finding: &Finding) -> Option<&'static str> {
    if finding.also.is_empty() {
        return None;
    }
    Some(match finding.cause {
        Cause::NoWriteAccess => {
            "The same words stand for several missing rights: a fine-grained token needs this repository selected and Contents: Read and write, a classic one `repo`, and the account the role Write."
        }
        Cause::RepoNotFoundOrHidden | Cause::WorkflowNotFound | Cause::MissingRepoScope => {
            "A wrong name and a missing right are answered alike: if the page opens in a browser of the token's owner, the name is right and the token lacks this repository (fine-grained), `repo` (classic) or Write."
        }
        Cause::BadCredentials | Cause::PasswordAuthRemoved | Cause::TokenExpired => {
            "A mistyped, a revoked and an expired token are answered alike: the token's own page shows whether it is there and when it ends."
        }
        Cause::ActionsBotDenied | Cause::ResourceNotAccessibleByIntegration => {
            "If the target is not the workflow's own repository, no `permissions:` help: pass another token."
        }
        Cause::FineGrainedPermissionMissing => {
            "If the permission is there, the repository is not among the token's selected ones."
        }
        Cause::AppNotInstalled => {
            "If the App is installed on the owner, compare the repository's name and the selected repositories."
        }
        Cause::ServerError => "If it fails each time, look for a pack that is too large or a connection that breaks.",
        Cause::SshHostKeyUnknown => {
            "If a key of this host is known already, the server showed another one: compare the fingerprints first."
        }
        Cause::RulesetViolation | Cause::BranchProtected => {
            "Which rule it is stands in the `remote:` lines before the rejection."
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use crate::diagnosis::{Cause, Evidence, Operation, Situation, classify};

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
    fn what_the_text_can_not_decide_comes_with_how_to_tell_it_apart() {
        let diagnosis =
            classify(&Evidence::of_text(Operation::GitPush, "remote: Repository not found."), &Situation::default());
        assert_eq!(diagnosis.also.first(), Some(&Cause::FineGrainedRepoNotSelected));
        assert!(diagnosis.remedy.contains("answered alike"), "{}", diagnosis.remedy);
    }
}
