//! The checks of a secret that is to be set: may it be, and is the new value, where it is itself a token, worth storing.

use super::{
    check::{Check, CheckName, Verdict},
    facts::{Facts, NewTokenFacts, Refusal},
    token,
};
use crate::{
    credential::TokenKind,
    diagnosis::{Cause, Failure},
    plan::Plan,
};

/// Whether the secrets of the target may be set. Reading the public key needs less than writing: a refusal is certain.
pub(super) fn permission(plan: &Plan, facts: &Facts) -> Option<Check> {
    plan.secret.as_ref()?;
    let known = facts.secret.as_ref()?;
    Some(match known.key.refusal() {
        Some(Refusal { failure, .. }) => {
            let what = format!("The secrets of {} can not be set. {}", plan.target.slug, failure.what);
            Check::fail(CheckName::Permission, Failure { what, ..failure.clone() })
        }
        None => Check::pass(CheckName::Permission, "The token may look at the secrets here (Secrets: read, at least)."),
    })
}

/// The checks of a new value that is a GitHub token: alive, how long, how far it reaches.
pub(super) fn new_token(plan: &Plan, facts: &Facts) -> Vec<Check> {
    let (Some(secret), Some(known)) = (&plan.secret, facts.secret.as_ref().and_then(|secret| secret.token.as_ref()))
    else {
        return Vec::new();
    };
    let checks = [
        Some(valid(plan, known)),
        expiry(plan, facts, known),
        known.scopes.as_deref().map(|scopes| token::excess(plan, scopes)),
    ];
    checks.into_iter().flatten().map(|check| of_value(&secret.name, check)).collect()
}

fn valid(plan: &Plan, known: &NewTokenFacts) -> Check {
    let server = &plan.target.server;
    if let Some(Refusal { status, failure }) = known.asked.refusal() {
        return match status {
            Some(401) => Check::fail(
                CheckName::TokenValid,
                failure.clone().with_remedy(
                    "Make the token again and put it into the secret that `secret-value` reads; nothing was changed yet. \
                     A token of another server passes with `ignore-checks: token-valid`.",
                ),
            ),
            // A server without rate limits has no such page: it has let the token in all the same.
            Some(404) => Check::pass(CheckName::TokenValid, format!("{server} accepts it.")),
            Some(403) => Check::warn(CheckName::TokenValid, failure.clone()),
            _ => Check::skip(CheckName::TokenValid, format!("{server} could not be asked. {}", failure.what)),
        };
    }
    if known.padded {
        let what = "There is white space around the token, and it will be stored with it.";
        let failure = Failure::new(Cause::BadCredentials, what).with_remedy(
            "Store the token in the secret that `secret-value` reads again, without a line break at its end.",
        );
        return Check::warn(CheckName::TokenValid, failure);
    }
    let text = match (&known.login, known.kind) {
        (_, TokenKind::GithubToken) => "It is this workflow's own GITHUB_TOKEN.".to_owned(),
        (Some(login), _) => format!("{server} accepts it; it acts as {login}."),
        (None, _) => format!("{server} accepts it."),
    };
    Check::pass(CheckName::TokenValid, text)
}

fn expiry(plan: &Plan, facts: &Facts, known: &NewTokenFacts) -> Option<Check> {
    let short = |life: &str| {
        let remedy =
            "Store a personal access token or an App's private key; short-lived tokens are made where they are used.";
        Check::warn(CheckName::TokenExpiry, Failure::new(Cause::TokenExpiring, life).with_remedy(remedy))
    };
    match (known.expires_at, known.kind) {
        (_, TokenKind::GithubToken) => Some(short("The workflow's own GITHUB_TOKEN ends with this job.")),
        (_, TokenKind::Installation) => Some(short("An App's installation token lives for an hour at most.")),
        (Some(end), _) => Some(token::judge_expiry(end, facts.now, plan.behaviour.expiry_warning_days)),
        (None, TokenKind::UserToServer) => Some(short("An App's token for a user lives for eight hours at most.")),
        (None, _) => known.asked.answer().map(|()| Check::pass(CheckName::TokenExpiry, "No expiry date is known.")),
    }
}

/// The same check, said of the value that is about to be stored.
fn of_value(name: &str, check: Check) -> Check {
    let said = |text: &str| format!("The new value of {name}: {text}");
    let retold = |failure: Failure| Failure { what: said(&failure.what), ..failure };
    let verdict = match check.verdict {
        Verdict::Pass(text) => Verdict::Pass(said(&text)),
        Verdict::Warn(failure) => Verdict::Warn(retold(failure)),
        Verdict::Fail(failure) => Verdict::Fail(retold(failure)),
        Verdict::Skip(failure) => Verdict::Skip(retold(failure)),
    };
    Check { name: check.name, verdict }
}
