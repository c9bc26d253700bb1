//! Who calls, and what they may do: one judgement for both faces, which then word a refusal each in its own way.

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::TimeDelta;
use http::{HeaderMap, header::AUTHORIZATION};

use crate::model::{Account, Level, Model, Policy, Repository, Role, Standing, Token, TokenKind};

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// As if the repository did not exist.
    Hidden,
    /// A credential is needed and none came.
    Anonymous,
    /// The account behind the credential is suspended.
    Suspended,
    /// The account behind the credential is locked for billing.
    Billing,
    /// The repository is blocked.
    Blocked,
    /// The repository is read-only.
    Archived,
    /// The organization bars classic tokens.
    ForbidsClassic(String),
    /// The organization asks for single sign-on, and this is the token's kind.
    Sso(String),
    /// The organization has not approved the OAuth app.
    OauthRestricted(String),
    /// The organization's IP allow list lacks this address.
    IpAllowList(String),
    /// The token lives longer than the enterprise allows.
    Lifetime(String),
    /// The user's role does not suffice.
    NoRole,
    /// The scopes do not suffice.
    NoScope,
    /// The fine permissions do not suffice.
    NotGranted,
}

/// The secret that a request carries, whatever the scheme; `None` without an `Authorization` header.
pub(crate) fn presented(headers: &HeaderMap) -> Option<String> {
    let value = String::from_utf8_lossy(headers.get(AUTHORIZATION)?.as_bytes()).into_owned();
    let (scheme, rest) = value.split_once(' ').unwrap_or(("", &value));
    if !scheme.eq_ignore_ascii_case("basic") {
        return Some(rest.trim().to_owned());
    }
    let pair = STANDARD.decode(rest.trim()).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let pair = pair.unwrap_or_default();
    let (user, password) = pair.split_once(':').unwrap_or((&pair, ""));
    let secret = if password.is_empty() || password == "x-oauth-basic" { user } else { password };
    Some(secret.to_owned())
}

/// The live token with this value.
pub(crate) fn live_token<'a>(model: &'a Model, value: &str) -> Option<&'a Token> {
    model.tokens.iter().find(|token| token.value() == value && !token.is_dead(model.now()))
}

/// Permissions whose reading is open to everyone on a public repository.
fn public_to_read(permission: &str) -> bool {
    matches!(permission, "metadata" | "contents" | "actions" | "pull_requests")
}

fn organization_policy(model: &Model, owner: &Account, token: &Token, protected: bool) -> Result<(), Refusal> {
    let name = owner.login.clone();
    let authorized = |list: &[String]| list.iter().any(|one| one.eq_ignore_ascii_case(&owner.login));
    if owner.has(Policy::IpAllowList) {
        return Err(Refusal::IpAllowList(name));
    }
    match &token.kind {
        TokenKind::Classic { sso, .. } => {
            if owner.has(Policy::ForbidsClassic) {
                return Err(Refusal::ForbidsClassic(name));
            }
            if owner.has(Policy::RequiresSso) && protected && !authorized(sso) {
                return Err(Refusal::Sso(name));
            }
        }
        TokenKind::OAuth { sso, .. } => {
            if owner.has(Policy::RestrictsOauthApps) && protected && !authorized(sso) {
                return Err(Refusal::OauthRestricted(name));
            }
            if owner.has(Policy::RequiresSso) && protected && !authorized(sso) {
                return Err(Refusal::Sso(name));
            }
        }
        TokenKind::FineGrained(_) => {
            let limit = model.now() + TimeDelta::days(180);
            if owner.has(Policy::LimitsLifetime) && token.expires.is_none_or(|end| end > limit) {
                return Err(Refusal::Lifetime(name));
            }
        }
        _ => {}
    }
    Ok(())
}

fn scopes_allow(scopes: &[String], repository: &Repository, write: bool) -> bool {
    let has = |scope: &str| scopes.iter().any(|one| one == scope);
    if repository.is_public() { !write || has("repo") || has("public_repo") } else { has("repo") }
}

/// The account whose state counts for a token: the user, or nobody for an App.
pub(crate) fn account_state(model: &Model, token: &Token) -> Result<(), Refusal> {
    let account = model.find_account(&token.login);
    if account.has(Policy::Suspended) {
        Err(Refusal::Suspended)
    } else if account.has(Policy::BillingLocked) {
        Err(Refusal::Billing)
    } else {
        Ok(())
    }
}

/// Whether the holder of `token` (or a stranger) may use `permission` at `level` on the repository.
pub(crate) fn check(
    model: &Model,
    token: Option<&Token>,
    repository: &Repository,
    permission: &str,
    level: Level,
) -> Result<(), Refusal> {
    let write = level == Level::Write;
    let open = repository.is_public() && !write && public_to_read(permission);
    let Some(token) = token else {
        return match (open, repository.is_public()) {
            (true, _) if repository.standing == Standing::Disabled => Err(Refusal::Blocked),
            (true, _) => Ok(()),
            (false, true) => Err(Refusal::Anonymous),
            (false, false) => Err(Refusal::Hidden),
        };
    };
    account_state(model, token)?;
    let slug = repository.slug();
    let role = if token.is_bot() { None } else { repository.role(&token.login) };
    let visible = repository.is_public()
        || match (token.scopes(), token.grant()) {
            // A member without single sign-on is told so, a stranger is not.
            (Some(_), _) => role.is_some(),
            (None, Some(grant)) => grant.selects(&slug) && (token.is_bot() || role.is_some()),
            (None, None) => false,
        };
    if !visible {
        return Err(Refusal::Hidden);
    }
    let owner = model.find_account(&repository.owner);
    organization_policy(model, &owner, token, write || !repository.is_public())?;
    if repository.standing == Standing::Disabled {
        return Err(Refusal::Blocked);
    }
    let needed_role = match (permission, level) {
        ("administration" | "codespaces_secrets", _) => Role::Admin,
        (_, Level::Write) | ("secrets" | "dependabot_secrets" | "environments", _) => Role::Write,
        (_, Level::Read) => Role::Read,
    };
    match (token.scopes(), token.grant()) {
        (Some(scopes), _) if !scopes_allow(scopes, repository, write || !public_to_read(permission)) => {
            return Err(Refusal::NoScope);
        }
        (Some(_), _) if role < Some(needed_role) => return Err(Refusal::NoRole),
        (None, Some(grant)) if !open => {
            let granted = grant.selects(&slug)
                && (permission == "metadata" || grant.level(permission).is_some_and(|has| has >= level));
            if !granted {
                return Err(Refusal::NotGranted);
            }
            if !token.is_bot() && role < Some(needed_role) {
                return Err(Refusal::NoRole);
            }
        }
        _ => {}
    }
    if write && repository.standing == Standing::Archived { Err(Refusal::Archived) } else { Ok(()) }
}
