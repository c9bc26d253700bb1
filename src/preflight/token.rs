//! The checks of the token itself: present, of which kind, alive, how long, with which scopes.

use super::check;
use chrono::{DateTime, Utc};

use super::{
    check::{Check, CheckName},
    facts::Facts,
};
use crate::{
    credential::TokenKind,
    diagnosis::{Cause, Failure},
    plan::{Credential, Plan},
};

/// Whether a credential was given at all.
pub(super) fn present(plan: &Plan) -> Check {
    if plan.token().is_some() {
        return Check::pass(CheckName::TokenPresent, "A token is given.");
    }
    if plan.can_do_without_token() {
        return Check::pass(CheckName::TokenPresent, "A deploy key is given; there is no token, and no need of one.");
    }
    let failure = match &plan.credential {
        Credential::Missing(failure) => failure.clone(),
        Credential::Token(_) | Credential::App(_) => check::contradiction(),
    };
    Check::fail(CheckName::TokenPresent, failure)
}

/// What kind of token it is, as its prefix tells.
pub(super) fn kind(kind: TokenKind) -> Check {
    let text = match kind {
        TokenKind::Classic => "A classic personal access token.",
        TokenKind::FineGrained => "A fine-grained personal access token.",
        TokenKind::Installation => "A GitHub App's installation token.",
        TokenKind::GithubToken => "The workflow's own GITHUB_TOKEN.",
        TokenKind::Oauth => "An OAuth app's token for a user.",
        TokenKind::UserToServer => "A GitHub App's token for a user.",
        TokenKind::Unknown => "A token of an unknown kind; the server decides.",
    };
    Check::pass(CheckName::TokenKind, text)
}

/// Whether the server knows the token: any answer but a 401 proves it.
pub(super) fn valid(plan: &Plan, facts: &Facts) -> Check {
    let refused = facts
        .refusals()
        .find(|refusal| refusal.status == Some(401) || refusal.failure.cause == Cause::TokenExpired)
        .map(|refusal| &refusal.failure);
    if let Some(failure) = refused {
        return Check::fail(CheckName::TokenValid, failure.clone());
    }
    if let Some(login) = facts.user.answer() {
        return Check::pass(CheckName::TokenValid, format!("{} accepts it as {login}.", plan.target.server));
    }
    if facts.token_is_known(plan) {
        return Check::pass(CheckName::TokenValid, format!("{} accepts it.", plan.target.server));
    }
    // Nothing but failures came, such as no connection: the stages would only meet them again.
    match facts.refusals().next() {
        Some(refusal) => Check::fail(CheckName::TokenValid, refusal.failure.clone()),
        None => Check::skip(CheckName::TokenValid, "Nothing was asked."),
    }
}

/// How long the token lives on.
pub(super) fn expiry(plan: &Plan, facts: &Facts) -> Check {
    let Some(expires_at) = facts.token.expires_at else {
        if !facts.rest_answered() {
            return Check::skip(CheckName::TokenExpiry, "The server said nothing about the token.");
        }
        // A token without an end has no such header, and installation tokens have none either.
        return Check::pass(CheckName::TokenExpiry, "No expiry date is known.");
    };
    judge_expiry(expires_at, facts.now, plan.behaviour.expiry_warning_days)
}

pub(super) fn judge_expiry(expires_at: DateTime<Utc>, now: DateTime<Utc>, warning_days: u32) -> Check {
    let date = expires_at.format("%Y-%m-%d %H:%M UTC");
    let left = expires_at - now;
    if left <= chrono::Duration::zero() {
        return Check::fail(
            CheckName::TokenExpiry,
            Failure::new(Cause::TokenExpired, format!("The token ended on {date}.")),
        );
    }
    let days = left.num_days();
    let in_days = match days {
        0 => "in less than a day".to_owned(),
        1 => "in 1 day".to_owned(),
        days => format!("in {days} days"),
    };
    if left <= chrono::Duration::days(i64::from(warning_days)) {
        let what = format!("The token ends {in_days}, on {date}.");
        return Check::warn(CheckName::TokenExpiry, Failure::new(Cause::TokenExpiring, what));
    }
    Check::pass(CheckName::TokenExpiry, format!("It ends {in_days}, on {date}."))
}

/// Scopes that a plan of ours can need; any other of a classic token is more than needed.
const USEFUL_SCOPES: &[&str] = &["repo", "public_repo", "workflow"];

/// Scopes that `repo` holds already.
///
/// Source: <https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps#available-scopes>
const PARTS_OF_REPO: &[&str] = &["repo:status", "repo_deployment", "repo:invite", "security_events"];

/// Whether a classic token's scopes suffice, and do not go far beyond.
pub(super) fn scope(plan: &Plan, facts: &Facts) -> Check {
    let skip = |text: &str| Check::skip(CheckName::TokenScope, text);
    let kind = plan.token().map(|token| token.kind);
    let Some(scopes) = facts.token.scopes.as_ref() else {
        return match kind {
            Some(TokenKind::FineGrained) => {
                skip("A fine-grained token has permissions, not scopes, and which ones cannot be asked.")
            }
            Some(TokenKind::Installation | TokenKind::GithubToken | TokenKind::UserToServer) => {
                skip("Such a token has permissions, not scopes, and which ones cannot be asked.")
            }
            _ => skip("The server does not name the token's scopes."),
        };
    };
    let has = |scope: &str| scopes.iter().any(|given| given == scope);
    let public = facts.repository.answer().is_some_and(|repository| repository.public);
    let enough = has("repo") || (public && has("public_repo"));
    let shown = if scopes.is_empty() { "none".to_owned() } else { scopes.join(", ") };
    let page = format!("{}/settings/tokens", plan.target.server);
    // The push's own advertisement is the better witness, as the public key is of secrets: where one was given, the scopes
    // were enough.
    let key = facts.secret.as_ref().and_then(|secret| secret.key.answer());
    // An App's token for a user has permissions, and shows an empty list.
    let has_scopes = kind != Some(TokenKind::UserToServer);
    let is_seen = facts.refs.answer().is_some() || key.is_some();
    if !enough && has_scopes && plan.writes() && plan.ssh.is_none() && !is_seen {
        let needed = if public { "`public_repo` or `repo`" } else { "`repo`" };
        let what = format!("The classic token lacks the scope {needed}; its scopes are: {shown}.");
        let tick = if public { "`public_repo`" } else { "`repo`" };
        let remedy = format!("Open the token on {page} and tick {tick}; the secret keeps its value.");
        let failure = Failure::new(Cause::MissingRepoScope, what).with_remedy(remedy).with_link(page);
        return Check::fail(CheckName::TokenScope, failure);
    }
    // Where the scopes and the witness disagree, the server decides. An App's user tokens show an empty list.
    let classic = matches!(kind, Some(TokenKind::Classic | TokenKind::Oauth));
    let known = facts.repository.answer().is_some() || !has("public_repo");
    if !enough && known && classic && plan.writes() && plan.ssh.is_none() {
        let what = format!("git may push here, yet the token's scopes lack `repo`; they are: {shown}.");
        let remedy = format!("If the push is refused, open the token on {page} and tick `repo`.");
        let failure = Failure::new(Cause::MissingRepoScope, what).with_remedy(remedy).with_link(page);
        return Check::warn(CheckName::TokenScope, failure);
    }
    excess(plan, scopes)
}

/// The scopes that no plan of ours needs.
pub(super) fn surplus(scopes: &[String]) -> Vec<&str> {
    let has_repo = scopes.iter().any(|scope| scope == "repo");
    let useful = |scope: &str| USEFUL_SCOPES.contains(&scope) || (has_repo && PARTS_OF_REPO.contains(&scope));
    scopes.iter().map(String::as_str).filter(|scope| !useful(scope)).collect()
}

/// Whether a token's scopes go beyond what any plan of ours needs.
pub(super) fn excess(plan: &Plan, scopes: &[String]) -> Check {
    let excess = surplus(scopes);
    if !excess.is_empty() {
        let what = format!("The token may do more than this step needs: {}.", excess.join(", "));
        let page = format!("{}/settings/tokens", plan.target.server);
        let remedy = format!(
            "Open the token on {page} and untick {}, or replace it by a fine-grained token for {} alone.",
            excess.iter().map(|scope| format!("`{scope}`")).collect::<Vec<_>>().join(", "),
            plan.target.slug
        );
        let failure = Failure::new(Cause::TokenOverscoped, what).with_remedy(remedy).with_link(page);
        return Check::warn(CheckName::TokenScope, failure);
    }
    let shown = if scopes.is_empty() { "none".to_owned() } else { scopes.join(", ") };
    Check::pass(CheckName::TokenScope, format!("Scopes: {shown}."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::check::Verdict;

    #[test]
    fn a_token_near_its_end_is_a_warning_and_a_dead_one_a_failure() {
        let now: DateTime<Utc> = "2026-11-21T12:00:00Z".parse().unwrap();
        let verdict = |days: i64| judge_expiry(now + chrono::Duration::days(days), now, 14).verdict;
        assert!(matches!(verdict(15), Verdict::Pass(text) if text.contains("in 15 days")));
        assert!(matches!(verdict(14), Verdict::Warn(failure) if failure.cause == Cause::TokenExpiring));
        assert!(matches!(verdict(0), Verdict::Fail(failure) if failure.cause == Cause::TokenExpired));
    }
}
