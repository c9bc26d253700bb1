//! What the caller knows decides what the text cannot.

use crate::credential::TokenKind;

use crate::{Cause, Situation, finding::Finding, reading::Reading};

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Evidence, Operation, classify};

    const BOT: &str = "remote: Permission to o/r.git denied to github-actions[bot].";
    const NO_WRITE: &str = "remote: Write access to repository not granted.";
    const HIDDEN: &str = "remote: Repository not found.";

    fn causes(text: &str, kind: TokenKind, own: Option<bool>) -> (Cause, Vec<Cause>) {
        let situation = Situation { token_kind: Some(kind), own_repository: own, ..Situation::default() };
        let diagnosis = classify(&Evidence::of_text(Operation::GitPush, text), &situation);
        (diagnosis.cause, diagnosis.also)
    }

    #[test]
    fn the_workflows_token_on_another_repository_is_named_as_such() {
        for text in [BOT, NO_WRITE, HIDDEN, "HTTP 403: Resource not accessible by integration"] {
            assert_eq!(
                causes(text, TokenKind::GithubToken, Some(false)),
                (Cause::GithubTokenCrossRepo, vec![]),
                "{text}"
            );
        }
        assert_eq!(causes(BOT, TokenKind::GithubToken, Some(true)), (Cause::ActionsBotDenied, vec![]));
        assert_eq!(
            causes(BOT, TokenKind::GithubToken, None),
            (Cause::ActionsBotDenied, vec![Cause::GithubTokenCrossRepo])
        );
    }

    #[test]
    fn a_missing_right_is_that_of_the_tokens_kind() {
        assert_eq!(causes(NO_WRITE, TokenKind::FineGrained, None).0, Cause::FineGrainedPermissionMissing);
        assert_eq!(causes(NO_WRITE, TokenKind::Installation, None).0, Cause::ResourceNotAccessibleByIntegration);
        assert_eq!(causes(NO_WRITE, TokenKind::GithubToken, Some(true)).0, Cause::ActionsBotDenied);
        assert_eq!(causes(NO_WRITE, TokenKind::Classic, None), (Cause::NoWriteAccess, vec![Cause::MissingRepoScope]));
    }

    #[test]
    fn what_such_a_token_can_not_meet_is_not_offered() {
        let (cause, also) = causes(HIDDEN, TokenKind::Classic, None);
        assert_eq!((cause, also), (Cause::RepoNotFoundOrHidden, vec![Cause::MissingRepoScope, Cause::NoWriteAccess]));
        let (cause, also) = causes(HIDDEN, TokenKind::FineGrained, None);
        assert_eq!(
            (cause, also),
            (Cause::RepoNotFoundOrHidden, vec![Cause::FineGrainedRepoNotSelected, Cause::NoWriteAccess])
        );
    }

    #[test]
    fn a_stored_header_of_the_checkout_is_the_remedy_where_there_is_one() {
        let situation = Situation {
            token_kind: Some(TokenKind::Classic),
            own_repository: Some(false),
            hijacking_header: Some(true),
            repository: Some("o/r".into()),
            ..Situation::default()
        };
        let diagnosis = classify(&Evidence::of_text(Operation::GitPush, BOT), &situation);
        assert_eq!((diagnosis.cause, diagnosis.also), (Cause::ActionsBotDenied, vec![]));
        assert!(diagnosis.remedy.contains("persist-credentials: false"), "{}", diagnosis.remedy);
    }
}
