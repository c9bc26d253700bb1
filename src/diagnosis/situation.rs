//! What the caller knows decides what the text can not.

use crate::credential::TokenKind;

use super::{Cause, Situation, classify::Finding, reading::Reading};

/// Narrows a finding by the token's kind, whose repository it is, and what the checkout left behind.
pub(super) fn refine(mut finding: Finding, _reading: &Reading, situation: &Situation) -> Finding {
    let narrowed = narrowed(&finding, situation);
    if let Some(cause) = narrowed {
        finding.also = Vec::new();
        finding.cause = cause;
    } else if let Some(kind) = situation.token_kind {
        finding.also.retain(|cause| is_possible(*cause, kind));
        if finding.cause == Cause::NotAFailure {
            finding.also.clear();
        }
    }
    finding
}

/// The one cause that is left, where the situation decides.
fn narrowed(finding: &Finding, situation: &Situation) -> Option<Cause> {
    use TokenKind::{FineGrained, GithubToken, Installation};
    let kind = situation.token_kind?;
    let unsure = !finding.also.is_empty();
    let by_app = unsure && matches!(kind, GithubToken | Installation);
    match finding.cause {
        // `GITHUB_TOKEN` reaches its own repository alone, whatever the answer says.
        Cause::ActionsBotDenied
        | Cause::ResourceNotAccessibleByIntegration
        | Cause::NoWriteAccess
        | Cause::RepoNotFoundOrHidden
            if kind == GithubToken && situation.own_repository == Some(false) =>
        {
            Some(Cause::GithubTokenCrossRepo)
        }
        // Answered as the bot although another token was meant, or although the repository is its own.
        Cause::ActionsBotDenied
            if situation.hijacking_header == Some(true) || situation.own_repository == Some(true) =>
        {
            Some(Cause::ActionsBotDenied)
        }
        Cause::ResourceNotAccessibleByIntegration if kind == Installation || situation.own_repository == Some(true) => {
            Some(Cause::ResourceNotAccessibleByIntegration)
        }
        Cause::NoWriteAccess if unsure && kind == FineGrained => Some(Cause::FineGrainedPermissionMissing),
        Cause::NoWriteAccess if unsure && kind == GithubToken => Some(Cause::ActionsBotDenied),
        Cause::NoWriteAccess | Cause::FineGrainedPermissionMissing if by_app => {
            Some(Cause::ResourceNotAccessibleByIntegration)
        }
        _ => None,
    }
}

/// Whether a cause can be met with such a token at all.
fn is_possible(cause: Cause, kind: TokenKind) -> bool {
    use TokenKind::{Classic, FineGrained, GithubToken, Installation, Oauth, Unknown, UserToServer};
    match cause {
        Cause::FineGrainedRepoNotSelected | Cause::FineGrainedPermissionMissing => {
            matches!(kind, FineGrained | Unknown)
        }
        Cause::MissingRepoScope => matches!(kind, Classic | Oauth | Unknown),
        Cause::GithubTokenCrossRepo => matches!(kind, GithubToken | Installation),
        Cause::ResourceNotAccessibleByIntegration => matches!(kind, GithubToken | Installation | UserToServer),
        Cause::PasswordAuthRemoved => kind == Unknown,
        _ => true,
    }
}
