//! The judgement: from the plan and the facts to the checks. Pure: the same facts give the same verdicts.

use super::{
    check::{Check, CheckName, Verdict},
    content::{file_size, tag},
    dispatch::payload,
    facts::Facts,
    lfs::lfs,
    listener::listener,
    published,
    ref_names::ref_names,
    refs,
    rules::{branch_rules, pull_request},
    secret,
    secret_files::secret_files,
    sso::sso,
    surroundings::{checkout_credentials, pages},
    target::{permission, rate_limit, repository},
    token,
    triggers::triggers,
    workflow::workflow,
    workflow_files::workflow_files,
};
use crate::{
    diagnosis::{Cause, Failure},
    plan::Plan,
};

/// All checks that concern this plan, in the order of the report. A `fail` that the plan ignores is a warning already.
pub fn judge(plan: &Plan, facts: &Facts) -> Vec<Check> {
    // Nothing was asked, and each other check would only say so.
    if plan.token().is_none() && !plan.can_do_without_token() {
        return vec![token::present(plan)];
    }
    let valid = token::valid(plan, facts);
    let is_dead = is_dead(plan, &valid);
    let mut checks: Vec<Check> = [
        Some(token::present(plan)),
        plan.token().map(|given| token::kind(given.kind)),
        Some(valid),
        Some(token::expiry(plan, facts)),
        Some(token::scope(plan, facts)),
        Some(sso(plan, facts)),
        Some(repository(plan, facts)),
        (plan.needs_git() || plan.triggers()).then(|| permission(plan, facts)),
        secret::permission(plan, facts),
        branch_rules(plan, facts),
        ref_names(plan, facts),
        secret_files(plan, facts),
        pull_request(plan, facts),
        refs::patterns(plan).or_else(|| published::patterns(plan, facts)),
        published::newer_publish(plan, facts),
        refs::prune(plan, facts),
        lfs(plan, facts),
        workflow_files(plan, facts),
        Some(rate_limit(plan, facts)),
        file_size(plan, facts),
        tag(plan, facts),
        workflow(plan, facts),
        listener(plan, facts),
        payload(plan),
        pages(plan, facts),
        triggers(plan, facts),
        Some(checkout_credentials(plan)),
    ]
    .into_iter()
    .flatten()
    .chain(secret::new_token(plan, facts))
    .filter(|check| plan.token().is_some() || !speaks_of_token(check.name))
    .map(|check| if is_dead { without_echo(check) } else { check })
    .map(|check| {
        let ignored = plan.behaviour.ignore_checks.contains(&check.name);
        // With nothing planned nothing can be refused but the questions themselves.
        let spare = plan.can_do_without_token() && speaks_of_token(check.name);
        if ignored || spare || !(plan.writes() || fails_alone(check.name)) { check.ignored() } else { check }
    })
    .collect();
    // The first failure stands for all of them: a cause has to come before what follows from it.
    checks.sort_by_key(|check| check.name);
    skip_what_follows(&mut checks);
    checks
}

/// Causes of a refusal that stand for the whole target: whatever else is asked there is refused for the same reason.
const WHOLE_TARGET: &[Cause] = &[
    Cause::RepoNotFoundOrHidden,
    Cause::FineGrainedRepoNotSelected,
    Cause::GithubTokenCrossRepo,
    Cause::AppNotInstalled,
    Cause::SsoAuthorizationRequired,
    Cause::RepoArchived,
    Cause::RepoDisabled,
    Cause::OrgForbidsClassicPat,
    Cause::TokenLifetimePolicy,
    Cause::OrgOauthAppRestricted,
    Cause::IpAllowList,
    Cause::AccountSuspended,
    Cause::BillingLocked,
];

/// What a refusal is called that may be nothing but the echo of a hidden or closed target.
const ECHOES: &[Cause] = &[
    Cause::NoWriteAccess,
    Cause::MissingRepoScope,
    Cause::ActionsBotDenied,
    Cause::ResourceNotAccessibleByIntegration,
    Cause::FineGrainedPermissionMissing,
    Cause::WorkflowNotFound,
];

/// Causes that keep every question from being answered: what fails for the same one says nothing new.
const UNREACHABLE: &[Cause] =
    &[Cause::TlsCertificateUntrusted, Cause::DnsFailure, Cause::ConnectionFailed, Cause::ServerError];

/// A check that fails only since the target as a whole is out of reach says just that: the first failure says why.
fn skip_what_follows(checks: &mut [Check]) {
    let whole = |cause: &Cause| WHOLE_TARGET.contains(cause) || UNREACHABLE.contains(cause);
    let first = checks
        .iter()
        .enumerate()
        .find_map(|(at, check)| Some((at, check.failure()?.cause)).filter(|(_, cause)| whole(cause)));
    let Some((first, cause)) = first else { return };
    let name = checks[first].name;
    for check in checks.iter_mut().skip(first + 1) {
        let (Verdict::Fail(failure) | Verdict::Warn(failure)) = &check.verdict else { continue };
        let echoes =
            WHOLE_TARGET.contains(&cause) && (WHOLE_TARGET.contains(&failure.cause) || ECHOES.contains(&failure.cause));
        if echoes || failure.cause == cause {
            *check = Check::skip(check.name, format!("It cannot be judged: the check `{}` failed.", name.name()));
        }
    }
}

/// Causes of a token that the server does not know, or knows no longer.
const DEAD: &[Cause] = &[Cause::BadCredentials, Cause::TokenExpired];

/// Whether the plan stops as the server does not take the token.
fn is_dead(plan: &Plan, valid: &Check) -> bool {
    let is_spare = plan.behaviour.ignore_checks.contains(&CheckName::TokenValid) || plan.can_do_without_token();
    !is_spare && valid.failure().is_some_and(|failure| DEAD.contains(&failure.cause))
}

/// A check that a dead token kept from being made says just that: `token-valid` says what is wrong. What an answer to
/// nobody lacks, an end of the token's life or a sign-on, is no good news of it either.
fn without_echo(check: Check) -> Check {
    let is_own = matches!(check.name, CheckName::TokenValid | CheckName::TokenExpiry);
    let is_moot = match &check.verdict {
        Verdict::Fail(failure) | Verdict::Warn(failure) => !is_own && DEAD.contains(&failure.cause),
        Verdict::Pass(_) => matches!(check.name, CheckName::TokenExpiry | CheckName::Sso),
        Verdict::Skip(_) => false,
    };
    if is_moot {
        return Check::skip(
            check.name,
            "It could not be asked for: the server does not take the token (`token-valid`).",
        );
    }
    check
}

/// Whether a check is about the token alone.
fn speaks_of_token(name: CheckName) -> bool {
    matches!(
        name,
        CheckName::TokenKind
            | CheckName::TokenValid
            | CheckName::TokenExpiry
            | CheckName::TokenScope
            | CheckName::Sso
            | CheckName::RateLimit
    )
}

/// Whether a check can fail where nothing is planned.
fn fails_alone(name: CheckName) -> bool {
    matches!(name, CheckName::TokenPresent | CheckName::TokenValid | CheckName::Repository)
}

/// The one failure that stands for all of them: a dead token explains every other refusal, a hidden repository the
/// missing permission. The checks stand in that order, so the first is the cause.
pub fn first_failure(checks: &[Check]) -> Option<&Failure> {
    checks.iter().find_map(Check::failure)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fail(name: CheckName, cause: Cause) -> Check {
        Check::fail(name, Failure::new(cause, "The server says no."))
    }

    fn warn(name: CheckName, cause: Cause) -> Check {
        Check::warn(name, Failure::new(cause, "The server may say no."))
    }

    /// The names of the checks that are skipped, once what follows is.
    fn skipped(mut checks: Vec<Check>) -> Vec<&'static str> {
        let before: Vec<bool> = checks.iter().map(|check| matches!(check.verdict, Verdict::Skip(_))).collect();
        skip_what_follows(&mut checks);
        let new = checks.iter().zip(before).filter(|(check, was)| !was && matches!(check.verdict, Verdict::Skip(_)));
        new.map(|(check, _)| check.name.name()).collect()
    }

    #[test]
    fn t21_what_only_echoes_the_target_is_skipped() {
        for whole in WHOLE_TARGET {
            let checks = vec![
                Check::pass(CheckName::TokenPresent, "There is one."),
                fail(CheckName::Repository, *whole),
                fail(CheckName::Permission, *whole),
                fail(CheckName::Permission, Cause::NoWriteAccess),
                warn(CheckName::Workflow, Cause::WorkflowNotFound),
                fail(CheckName::FileSize, Cause::FileTooLarge),
                warn(CheckName::Tag, Cause::ProtectedTag),
                Check::skip(CheckName::Listener, "It was not asked for."),
            ];
            assert_eq!(skipped(checks), ["permission", "permission", "workflow"], "{whole:?}");
        }
        for lost in UNREACHABLE {
            let checks = vec![
                fail(CheckName::TokenValid, *lost),
                fail(CheckName::Repository, *lost),
                fail(CheckName::Permission, Cause::NoWriteAccess),
                warn(CheckName::Pages, *lost),
            ];
            assert_eq!(skipped(checks), ["repository", "pages"], "{lost:?}");
        }
        for echo in ECHOES {
            let checks = vec![fail(CheckName::Repository, Cause::RepoArchived), fail(CheckName::Permission, *echo)];
            assert_eq!(skipped(checks), ["permission"], "{echo:?}");
        }
    }

    #[test]
    fn t21_what_is_no_failure_of_the_whole_target_hides_nothing() {
        for checks in [
            Vec::new(),
            vec![fail(CheckName::Permission, Cause::NoWriteAccess), fail(CheckName::Workflow, Cause::WorkflowNotFound)],
            // A failure that is ignored is a warning: the checks behind it speak for themselves.
            vec![warn(CheckName::Repository, Cause::RepoArchived), fail(CheckName::Permission, Cause::NoWriteAccess)],
            // What comes before it is no consequence.
            vec![
                fail(CheckName::TokenScope, Cause::MissingRepoScope),
                fail(CheckName::Repository, Cause::RepoArchived),
            ],
        ] {
            assert_eq!(skipped(checks.clone()), [""; 0], "{checks:?}");
        }
    }
}
