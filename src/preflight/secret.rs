//! The checks of a secret that is to be set: may it be, and is the new value, where it is itself a token, worth storing.

use super::{
    check::{Check, CheckName, Verdict},
    facts::{Facts, NewTokenFacts, Refusal},
    token,
};
use crate::{
    credential::TokenKind,
    diagnosis::{Cause, Failure},
    names::SecretScope,
    plan::Plan,
};

/// Whether the secrets of the target may be set. Reading the public key needs less than writing: a refusal is certain.
pub(super) fn permission(plan: &Plan, facts: &Facts) -> Option<Check> {
    let secret = plan.secret.as_ref()?;
    let known = facts.secret.as_ref()?;
    Some(match known.key.refusal() {
        // The repository itself can be seen: it is the environment that cannot.
        Some(Refusal { status: Some(404), .. })
            if let SecretScope::Environment(name) = &secret.scope
                && facts.repository.answer().is_some() =>
        {
            Check::fail(CheckName::Permission, no_environment(plan, name))
        }
        // No line of `permissions:` gives this right.
        Some(Refusal { status: Some(403), failure })
            if plan.token().is_some_and(|token| token.kind == TokenKind::GithubToken)
                && failure.cause == Cause::ResourceNotAccessibleByIntegration =>
        {
            let what = format!("`GITHUB_TOKEN` can never set a secret of {}.", plan.target.slug);
            let remedy = "Pass as `token` a personal access token with Secrets: Read and write, or an App's `app-id` and `app-private-key`.";
            Check::fail(CheckName::Permission, Failure { what, ..failure.clone() }.with_remedy(remedy))
        }
        // The repository itself can be seen, and a missing scope has been told apart already.
        Some(Refusal { status: Some(404), failure })
            if facts.repository.answer().is_some() && failure.cause == Cause::RepoNotFoundOrHidden =>
        {
            Check::fail(CheckName::Permission, no_role(plan, facts, &secret.scope))
        }
        Some(Refusal { failure, .. }) => {
            let what = format!("The secrets of {} cannot be set. {}", plan.target.slug, failure.what);
            Check::fail(CheckName::Permission, Failure { what, ..failure.clone() })
        }
        None => {
            // Whether the token may write is told by nothing but the write itself.
            let right = match secret.scope {
                SecretScope::Actions => "Secrets",
                SecretScope::Dependabot => "Dependabot secrets",
                SecretScope::Codespaces => "Codespaces secrets",
                SecretScope::Environment(_) => "Environments",
            };
            Check::pass(
                CheckName::Permission,
                format!("The token may look at the secrets here ({right}: read, at least)."),
            )
        }
    })
}

fn no_role(plan: &Plan, facts: &Facts, scope: &SecretScope) -> Failure {
    let account = facts.token.login.as_deref().unwrap_or("The token's account");
    // https://docs.github.com/en/rest/codespaces/repository-secrets: "Users must have admin access"
    let role = if *scope == SecretScope::Codespaces { "Admin" } else { "Write" };
    let page = format!("{}/settings/access", plan.target.web());
    let what = format!(
        "{account} has not the role {role} on {}, which setting a secret there needs: GitHub answers 404.",
        plan.target.slug
    );
    let remedy = format!("Have an administrator give the account the role {role} on {page}, or use another token.");
    Failure::new(Cause::NoWriteAccess, what).with_remedy(remedy).with_link(page)
}

fn no_environment(plan: &Plan, name: &str) -> Failure {
    let page = format!("{}/settings/environments", plan.target.web());
    let what = format!("{} has no environment {name:?} that this token can see.", plan.target.slug);
    let remedy = format!(
        "Compare the name in `secret-scope` (`environment:NAME`) with the list on {page}, or create the environment there first."
    );
    Failure::new(Cause::InvalidInput, what).with_remedy(remedy).with_link(page)
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
            // The server knows the token and refuses something else, such as this
            // network: it may serve where it is stored.
            Some(403) => Check::warn(CheckName::TokenValid, failure.clone()),
            _ => Check::skip(CheckName::TokenValid, format!("{server} could not be asked. {}", failure.what)),
        };
    }
    // Whatever reads the secret puts it into an HTTP header, and a header with a line break in it is refused.
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
        // The server's own date is better than what is usual for the kind.
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
