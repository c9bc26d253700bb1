//! What an answer shows without words of its own: headers, the status and the call together.

use super::{Cause, Operation, Reading, credentials, repository};
use crate::finding::Finding;
use crate::reading::Endpoint;

/// Headers that name a cause whatever the body says.
///
/// Source: <https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api>
pub(super) fn from_headers(reading: &Reading) -> Option<Finding> {
    let only = |cause| Some(Finding::new(cause, &[], None));
    if let Some(sso) = reading.header("x-github-sso")
        && (sso.starts_with("required") || sso.starts_with("partial-results"))
    {
        return only(Cause::SsoAuthorizationRequired);
    }
    if reading.header("x-github-otp").is_some_and(|otp| otp.starts_with("required")) {
        return only(Cause::PasswordAuthRemoved);
    }
    if matches!(reading.status, Some(403 | 404)) && credentials::lacks_scope(reading) {
        return Some(Finding::new(Cause::MissingRepoScope, &[Cause::RepoNotFoundOrHidden, Cause::NoWriteAccess], None));
    }
    if reading.status == Some(403)
        && let Some(needs) = reading.header("x-accepted-github-permissions")
    {
        let cause = if needs.contains("workflows=write") {
            Cause::MissingWorkflowScope
        } else {
            Cause::FineGrainedPermissionMissing
        };
        let also = [Cause::ResourceNotAccessibleByIntegration, Cause::FineGrainedRepoNotSelected, Cause::NoWriteAccess];
        return Some(Finding::new(cause, &also, None));
    }
    None
}

/// The status, and which call it answered.
pub(super) fn from_status(reading: &Reading) -> Option<Finding> {
    let rest =
        matches!(reading.operation, Operation::Rest | Operation::Unsaid) || reading.endpoint != Endpoint::Unknown;
    let status = reading.status.or_else(|| says_not_found(reading).then_some(404));
    let unsure = |cause, also: &[Cause]| Some(Finding::new(cause, also, None));
    // The REST interface answers JSON: a page is that of a proxy or of an outage.
    if reading.html && rest && !matches!(status, Some(404 | 407 | 413 | 451)) {
        return unsure(Cause::ServerError, &[]);
    }
    match status? {
        401 if reading.endpoint == Endpoint::App => unsure(Cause::AppAuthFailed, &[]),
        401 => unsure(Cause::BadCredentials, &[Cause::TokenExpired, Cause::TokenMissing, Cause::PasswordAuthRemoved]),
        403 if reading.has("although you appear to have the correct") => {
            unsure(Cause::OrgOauthAppRestricted, &[Cause::IpAllowList])
        }
        403 if reading.has("forbids access via") => unsure(Cause::OrgForbidsClassicPat, &[Cause::TokenLifetimePolicy]),
        403 if reading.endpoint == Endpoint::App => unsure(Cause::AppNotInstalled, &[Cause::AppAuthFailed]),
        403 if reading.has("from proxy after connect") => unsure(Cause::ConnectionFailed, &[]),
        403 => {
            let mut also = credentials::NO_WRITE.to_vec();
            also.extend([Cause::SsoAuthorizationRequired, Cause::IpAllowList]);
            unsure(Cause::NoWriteAccess, &also)
        }
        404 | 301 | 307 | 308 => Some(not_found(reading)),
        // A merge that the rules forbid; of other calls 405 says that the method is wrong.
        405 if reading.has("merge") => unsure(Cause::BranchProtected, &[Cause::RequiredStatusChecks]),
        407 | 408 => unsure(Cause::ConnectionFailed, &[]),
        // The contents API compares ids, as a push does.
        409 if reading.has_any(&["does not match", "but expected"]) => unsure(Cause::NonFastForward, &[]),
        413 if matches!(reading.endpoint, Endpoint::RepositoryDispatch | Endpoint::WorkflowDispatch) => {
            unsure(Cause::DispatchPayloadInvalid, &[])
        }
        413 => unsure(Cause::PackTooLarge, &[]),
        // GitHub names what is wrong in a second line, which a server or a proxy can leave out.
        422 if reading.has("invalid request") && reading.endpoint == Endpoint::RepositoryDispatch => {
            unsure(Cause::DispatchPayloadInvalid, &[])
        }
        422 if reading.has("invalid request") && reading.endpoint == Endpoint::WorkflowDispatch => {
            unsure(Cause::WorkflowInputsRejected, &[Cause::DispatchPayloadInvalid])
        }
        451 => unsure(Cause::RepoDisabled, &[]),
        500..=599 => unsure(Cause::ServerError, &[]),
        _ => None,
    }
}

/// `Not Found` as an answer's whole message, where no status came with it.
fn says_not_found(reading: &Reading) -> bool {
    let whole = reading.lines().any(|line| line.trim_matches(['"', '.', ' ']).eq_ignore_ascii_case("not found"));
    whole
        || reading.has_any(&[
            "error: not found",
            "exception: not found",
            "not found - https://docs",
            "gh: not found",
            "github: not found",
            "octokit::notfound",
            "type: not_found",
            // An answer as Python shows it.
            "'message': 'not found'",
        ])
}

/// What a 404 can be, by the call that it answers.
fn not_found(reading: &Reading) -> Finding {
    let (cause, also): (_, &[Cause]) = match reading.endpoint {
        Endpoint::App => (Cause::AppNotInstalled, &[Cause::RepoNotFoundOrHidden]),
        Endpoint::WorkflowDispatch | Endpoint::Workflow => (
            Cause::WorkflowNotFound,
            &[
                Cause::RepoNotFoundOrHidden,
                Cause::FineGrainedRepoNotSelected,
                Cause::MissingRepoScope,
                Cause::NoWriteAccess,
            ],
        ),
        _ => (Cause::RepoNotFoundOrHidden, repository::HIDDEN),
    };
    Finding::new(cause, also, None)
}
