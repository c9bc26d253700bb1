//! The first sentence of a failure: ours, with the names that are known. The server's words follow it in quotation marks.

use super::{Cause, Situation};

/// What happened, without a full stop; none where the cause says no more than the answer's status does.
pub(super) fn sentence(cause: Cause, situation: &Situation) -> Option<String> {
    let repository = situation.repository.as_deref().unwrap_or("the repository");
    let branch = situation.branch.as_deref().map_or_else(|| "the branch".to_owned(), |branch| format!("`{branch}`"));
    let tag = situation.tag.as_deref().map_or_else(|| "the tag".to_owned(), |tag| format!("`{tag}`"));
    let sentence = match cause {
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
        cause => return of_cause(cause, repository, &branch, &tag).map(|sentence| capital(&sentence)),
    };
    Some(capital(&sentence))
}

/// Causes whose sentence depends on the names alone.
fn of_cause(cause: Cause, repository: &str, branch: &str, tag: &str) -> Option<String> {
    Some(match cause {
        Cause::TokenMissing => format!("{repository} requires a credential"),
        Cause::AppAuthFailed => "The server rejected the App's signature".to_owned(),
        Cause::AppNotInstalled => format!("The App is not installed for {repository}"),
        Cause::MissingWorkflowScope => format!("The credential cannot change workflow files in {repository}"),
        Cause::DuplicateAuthorization => "The server received two Authorization headers".to_owned(),
        Cause::OrgForbidsClassicPat => format!("The owner of {repository} does not accept classic tokens"),
        Cause::TokenLifetimePolicy => format!("The owner of {repository} does not accept tokens that live this long"),
        Cause::OrgOauthAppRestricted => format!("The owner of {repository} has not approved the token's OAuth app"),
        Cause::IpAllowList => format!("The owner of {repository} does not accept this runner's address"),
        Cause::AccountSuspended => "The account of this credential is suspended".to_owned(),
        Cause::BillingLocked => "An account is locked for billing".to_owned(),
        Cause::ActionsDisabled => format!("Actions is disabled for {repository}"),
        Cause::RequiredStatusChecks => format!("{repository} requires status checks for {branch}"),
        Cause::RequiredSignatures => format!("{repository} requires signed commits on {branch}"),
        Cause::ForcePushForbidden => format!("{repository} does not allow {branch} to be rewritten"),
        Cause::NonFastForward => format!("The push does not contain all commits of {branch} in {repository}"),
        Cause::StaleInfo => format!("The ref in {repository} is not where the push expected it"),
        Cause::CannotLockRef => format!("Another push was changing the same ref of {repository}"),
        Cause::TagExists => format!("{repository} already has {tag}"),
        Cause::InvalidRefOrObject => format!("{repository} rejected the name of a ref or an object"),
        Cause::FileTooLarge => format!("{repository} rejected a file for its size"),
        Cause::PackTooLarge => format!("{repository} rejected the push for its size"),
        Cause::PushProtectionSecret => format!("The push protection of {repository} found a secret"),
        Cause::EmailPrivacy => "The commit would publish a private email address".to_owned(),
        Cause::PreReceiveHookDeclined => "A pre-receive hook of the server refused the push".to_owned(),
        Cause::LfsUnavailable => format!("Git LFS is not available for {repository}"),
        Cause::LfsMissingObject => format!("{repository} lacks a Git LFS object that the push names"),
        Cause::SshPermissionDeniedPublickey => "The SSH server rejected the key".to_owned(),
        Cause::WorkflowDispatchNoTrigger => "The workflow has no `workflow_dispatch` at this ref".to_owned(),
        Cause::WorkflowNotFound => format!("{repository} has no such workflow"),
        Cause::WorkflowDisabled => "The workflow is disabled".to_owned(),
        Cause::WorkflowInputsRejected => format!("{repository} rejected the inputs of the workflow"),
        Cause::DispatchRefNotFound => format!("{repository} has no such branch or tag to dispatch on"),
        Cause::DispatchPayloadInvalid => format!("{repository} rejected the dispatch"),
        Cause::PrimaryRateLimit => "The hourly rate limit of this credential is used up".to_owned(),
        Cause::SecondaryRateLimit => "The server limits the rate of requests".to_owned(),
        _ => return None,
    })
}

/// The first letter of a sentence that begins with words of ours; the name of a repository keeps its case.
fn capital(sentence: &str) -> String {
    sentence.strip_prefix("the ").map_or_else(|| sentence.to_owned(), |rest| format!("The {rest}"))
}
