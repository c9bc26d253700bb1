//! The first sentence of a failure: ours, with the names that are known. The server's words follow it in quotation marks.

use super::{Cause, Situation};

/// What happened, without a full stop; none where the target is not known or the server's words say it best.
pub(super) fn sentence(cause: Cause, situation: &Situation) -> Option<String> {
    let repository = situation.repository.as_deref()?;
    let branch = situation.branch.as_deref().map_or_else(|| "the branch".to_owned(), |branch| format!("`{branch}`"));
    let tag = situation.tag.as_deref().map_or_else(|| "the tag".to_owned(), |tag| format!("`{tag}`"));
    Some(match cause {
        Cause::BadCredentials => "The server rejected the token".to_owned(),
        Cause::TokenExpired => "The token has expired".to_owned(),
        Cause::PasswordAuthRemoved => "The server accepts tokens only, no passwords".to_owned(),
        Cause::RepoNotFoundOrHidden => format!("{repository} does not exist, or this credential cannot see it"),
        Cause::NoWriteAccess => format!("This credential cannot write to {repository}"),
        Cause::FineGrainedPermissionMissing | Cause::ResourceNotAccessibleByIntegration => {
            format!("The token lacks a permission on {repository}")
        }
        Cause::FineGrainedRepoNotSelected => format!("The token does not include {repository}"),
        Cause::MissingRepoScope => format!("The token lacks the scope `repo`, which {repository} needs"),
        Cause::GithubTokenCrossRepo => format!("`GITHUB_TOKEN` has no access to {repository}"),
        Cause::ActionsBotDenied if situation.hijacking_header == Some(true) => {
            "The checkout's stored header replaced the token".to_owned()
        }
        Cause::ActionsBotDenied => format!("`GITHUB_TOKEN` can only read {repository} here"),
        Cause::DeployKeyReadOnly => format!("The deploy key cannot write to {repository}"),
        Cause::RepoArchived => format!("{repository} is archived"),
        Cause::RepoDisabled => format!("GitHub has blocked {repository}"),
        Cause::BranchProtected => format!("The protection of {branch} in {repository} refused the push"),
        Cause::RulesetRequiresPr | Cause::RulesetViolation => {
            format!("A ruleset of {repository} refused the update of {branch}")
        }
        Cause::ProtectedTag => format!("A rule of {repository} protects {tag}"),
        Cause::PackRefused => format!("{repository} refused an object of the push"),
        Cause::PullRequestRefused => format!("{repository} refused the pull request"),
        Cause::SsoAuthorizationRequired => {
            format!("The credential is not authorized for the single sign-on of {repository}'s organization")
        }
        _ => return None,
    })
}
