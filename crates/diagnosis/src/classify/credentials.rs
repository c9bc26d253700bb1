//! What the server says about a credential and its rights.

use super::{Cause, Operation, Reading};
use crate::finding::{CausePattern, Finding};
use crate::reading::Span;

const REFUSED: &[Cause] = &[Cause::TokenExpired, Cause::PasswordAuthRemoved];
const FINE_GRAINED: &[Cause] = &[Cause::FineGrainedRepoNotSelected];
const CROSS: &[Cause] = &[Cause::GithubTokenCrossRepo];

/// The kinds of missing right that the sentence of a refused push does not tell apart.
pub(super) const NO_WRITE: &[Cause] =
    &[Cause::FineGrainedPermissionMissing, Cause::FineGrainedRepoNotSelected, Cause::MissingRepoScope];

pub(super) const PATTERNS: &[CausePattern] = &[
    CausePattern::unsure(
        Cause::DuplicateAuthorization,
        &[Cause::ActionsBotDenied],
        &[
            "duplicate header*authorization",
            "duplicate authorization header",
            "duplicated authorization header",
            "multiple authorization headers",
            "more than one authorization header",
            "two authorization headers",
            "authorization header*more than once",
            "only one authorization header",
        ],
    ),
    CausePattern::unsure(
        Cause::BadCredentials,
        REFUSED,
        &[
            "invalid username or token",
            "invalid username or password",
            // What github.com says today to every Basic login that fails, whatever was sent as a password.
            "password authentication is not supported",
            "invalid credentials",
            "incorrect username or password",
        ],
    ),
    CausePattern::unsure(
        Cause::BadCredentials,
        &[Cause::TokenExpired],
        &[
            "bad credentials",
            // GitHub locks an account's Basic login after repeated failures, wrong tokens included.
            "maximum number of login attempts",
            "token in *is invalid",
            "token is invalid",
            "token is no longer valid",
            "invalid token",
            "invalid access token",
            "token was revoked",
            "token has been revoked",
            "is not a valid token",
        ],
    ),
    CausePattern::unsure(
        Cause::TokenExpired,
        &[Cause::BadCredentials],
        &[
            "token has expired",
            "token expired",
            "token is expired",
            "expired token",
            "token '*' has expired",
            "expired personal access token",
            "token*expired on",
        ],
    ),
    CausePattern::unsure(
        Cause::PasswordAuthRemoved,
        &[Cause::BadCredentials, Cause::TokenExpired],
        &[
            "password authentication was removed",
            "password authentication is not available",
            "password authentication is disabled",
            "password authentication is no longer",
            "password authentication for git is",
            "support for password authentication",
            "must use a personal access token or ssh key",
            "use a personal access token instead",
        ],
    ),
    CausePattern::of(
        Cause::PasswordAuthRemoved,
        &["two-factor authentication otp", "two-factor otp", "must specify two-factor", "one-time password"],
    ),
    CausePattern::of(
        Cause::TokenMissing,
        &[
            "requires authentication",
            "requires you to be authenticated",
            "authentication is required",
            "authentication required but no",
            "must be authenticated to access",
            "anonymous access denied",
            "this endpoint requires",
            // git finds no credential and no terminal to ask at.
            "could not read username",
            "could not read password",
            "terminal prompts disabled",
            // gh inside a workflow; then gh on a laptop.
            "populate the gh_token",
            "set the gh_token",
            "gh auth login' to authenticate",
            "please run: gh auth login",
            // `core.getInput` of the actions toolkit, for a secret that is not defined.
            "input required and not supplied",
            "parameter token or opts.auth is required",
            "token*not set",
            "token*must not be empty",
            "token*is empty",
            "missing token",
            "no token provided",
            "no github token",
            "missing github*token",
            "missing required argument: token",
            "token not defined",
            "no credentials",
            // Actions that push, in words of their own; then a shell that reads a variable without a value.
            "not found deploy key or tokens",
            "missing input 'github_token",
            "missing input '${{ secrets.",
            "must provide the action with either a personal access token",
            "token*and ssh_deploy_key are empty",
            "input must be set to a non-empty string",
            "token: unbound variable",
            // isomorphic-git, then git's prompt helpers.
            "no onauth",
            "failed to execute prompt script",
            "cannot prompt because",
            "/dev/tty",
        ],
    ),
    CausePattern::of(
        Cause::AppAuthFailed,
        &[
            "json web token",
            "web token could not be decoded",
            "claim ('iss')",
            "claim ('iat')",
            "claim ('exp')",
            "'issuer' claim",
            "claim in assertion",
            "' claim ('",
            "'issued at' claim",
            "'expiration time' claim",
            "must generate a public key",
            "universal-github-app-jwt",
            "secretorprivatekey",
            "appid option is required",
            "privatekey option is required",
            "could not parse the provided public key",
            "could not deserialize key data",
            "could not parse private key",
            "key must be pem encoded",
            "key must be a pem encoded",
            "decoder routines",
            "pem routines",
            "pkcs#1 format",
            "invalid keydata",
            "invalid rsa private key",
            "app*private key*invalid",
            "error signing jwt",
            "sign the jwt",
            "jwt*could not be",
            "unable to sign jwt",
        ],
    ),
    CausePattern::unsure(
        Cause::AppAuthFailed,
        &[Cause::AppNotInstalled],
        &["integration not found", "no integration found"],
    ),
    CausePattern::unsure(
        Cause::AppNotInstalled,
        &[Cause::RepoNotFoundOrHidden],
        &[
            "installation has been suspended",
            "installation is suspended",
            "installation was suspended",
            "suspended installation",
            "not accessible to the parent installation",
            "no installation found",
            "no installations found",
            "installation not found",
            "installation*not found",
            "could not get repository installation",
            "could not find*installation",
            "failed to get*installation",
            "app is not installed",
            "app not installed",
            "app*is not installed",
            "app*not installed on",
            "is the app installed",
            "has not been installed",
        ],
    ),
    CausePattern::unsure(
        Cause::MissingRepoScope,
        &[Cause::RepoNotFoundOrHidden, Cause::NoWriteAccess],
        &[
            "not been granted the required scopes",
            "missing required scope",
            "missing the required scope",
            "operation needs the '",
            "requires one of the following scopes",
            "does not have the required scope",
            "doesn't have the required scope",
            "insufficient scope",
            "insufficient_scopes",
            "missing*'repo' scope",
            "requires*'repo' scope",
            "needs*'repo' scope",
            "repo scope is required",
        ],
    ),
    CausePattern::unsure(
        Cause::FineGrainedPermissionMissing,
        FINE_GRAINED,
        &[
            "resource not accessible by personal",
            "resource not accessible by fine",
            "accessible by personal access token",
            "accessible by fine-grained",
            "accessible by your personal access token",
        ],
    ),
    CausePattern::unsure(
        Cause::ResourceNotAccessibleByIntegration,
        CROSS,
        &[
            "resource not accessible by integ",
            "accessible by integration",
            "by integration",
            "not granted to this installation",
        ],
    ),
    CausePattern::unsure(
        Cause::ResourceNotAccessibleByIntegration,
        &[Cause::FineGrainedPermissionMissing, Cause::GithubTokenCrossRepo],
        &["resource not accessible"],
    ),
    CausePattern::unsure(Cause::ActionsBotDenied, CROSS, &["denied to github-actions", "to github-actions[bot]"]),
    CausePattern::unsure(
        Cause::NoWriteAccess,
        NO_WRITE,
        &[
            "write access to repository not granted",
            "write access to this repository not granted",
            "do not have write access",
            "don't have write access",
            "does not have write access",
            "requires write access",
            "need write access",
            "git-receive-pack not permitted",
            "receive-pack not permitted",
            "must have push access",
            "must have write access",
            "must have admin",
            "must be an admin",
            "do not have permission to push",
            "don't have permission to push",
            "not allowed to push",
            "push access*required",
            "permission denied to push",
        ],
    ),
    CausePattern::unsure(Cause::NoWriteAccess, NO_WRITE, &["type: forbidden"]),
];

/// What HTTP clients say of a header value that no request can carry: a line break, a blank in front, a letter beyond Latin-1.
const UNSENDABLE: [&str; 23] = [
    // Go, curl, git
    "invalid header field value",
    "credential value for*contains",
    "url contains a newline in its",
    // Node: http, undici, node-fetch, got
    "invalid character in header content",
    "err_invalid_char",
    "not a legal http header value",
    "an invalid header value",
    "invalid header value",
    "cannot convert argument to a bytestring",
    // Python: requests, http.client, aiohttp, httpx
    "return character*header value",
    "invalid return character or leading space in header",
    "return characters*header",
    "illegal header value",
    "header injection attack",
    "'latin-1' codec can't encode",
    // Rust, Ruby, Java, .NET, PHP
    "failed to parse header value",
    "invalidheadervalue",
    "cannot include cr/lf",
    "illegal character(s) in message header",
    "unexpected char 0x",
    "new-line characters are not allowed in header",
    "newline characters are not allowed in header",
    "not valid header value",
];

/// A token that cannot stand in a header: no server ever saw it.
pub(super) fn unsendable(reading: &Reading) -> Option<Finding> {
    let span = reading.first_of(&UNSENDABLE)?;
    // Other headers can be malformed as well; then no credential is to blame.
    let of_credential = reading.has_any(&["authorization", "bearer ", "token", "basic ", "password"]);
    of_credential.then(|| Finding::new(Cause::BadCredentials, &[Cause::InvalidInput], Some(span)))
}

/// `Permission to OWNER/NAME.git denied to WHOM`: the cause is in the last word.
pub(super) fn denied(reading: &Reading) -> Option<Finding> {
    let span = reading.find("permission to *denied to ")?;
    // The text is in lower case; a login has no blank, so the first word is all of it.
    let whom = reading.flat[span.end..].split(' ').next().unwrap_or_default().trim_end_matches(['.', '\'', ',']);
    let rest = &reading.flat[span.end..];
    // `denied to OWNER/OTHER`: the key is the deploy key of that other repository.
    let key = rest.starts_with("deploy key") || whom.contains('/');
    let (cause, also): (_, &[Cause]) = if key {
        (Cause::DeployKeyReadOnly, &[])
    } else if whom.starts_with("github-actions") {
        (Cause::ActionsBotDenied, CROSS)
    // An App has neither a role nor scopes: only its permissions can be missing.
    } else if whom.ends_with("[bot]") {
        (Cause::NoWriteAccess, &[Cause::ResourceNotAccessibleByIntegration, Cause::FineGrainedPermissionMissing])
    // Over SSH the key of a person acts: there is no token whose permissions could be missing.
    } else if reading.operation == Operation::Ssh {
        (Cause::NoWriteAccess, &[])
    } else {
        (Cause::NoWriteAccess, NO_WRITE)
    };
    let end = (span.end + whom.len()).max(span.start + 1);
    Some(Finding::new(cause, also, Some(Span { start: span.start, end })))
}

/// Sharpens a sentence about a credential by the headers beside it.
pub(super) fn by_headers(reading: &Reading, mut finding: Finding) -> Finding {
    match finding.cause {
        // GitHub says "Bad credentials" of an expired token too; the header beside it tells them apart.
        Cause::BadCredentials if has_expired(reading) => {
            finding.cause = Cause::TokenExpired;
            finding.also = vec![Cause::BadCredentials];
        }
        Cause::TokenMissing | Cause::BadCredentials
            if reading.header("x-github-otp").is_some_and(|otp| otp.starts_with("required")) =>
        {
            finding.cause = Cause::PasswordAuthRemoved;
            finding.also = Vec::new();
        }
        Cause::ResourceNotAccessibleByIntegration | Cause::FineGrainedPermissionMissing
            if reading
                .header("x-accepted-github-permissions")
                .is_some_and(|needs| needs.contains("workflows=write")) =>
        {
            finding.also = vec![finding.cause];
            finding.cause = Cause::MissingWorkflowScope;
        }
        Cause::NoWriteAccess if lacks_scope(reading) => {
            finding.also = vec![Cause::NoWriteAccess];
            finding.cause = Cause::MissingRepoScope;
        }
        _ => {}
    }
    finding
}

/// Whether the expiry that the answer names lies before the answer's own date, or before now.
fn has_expired(reading: &Reading) -> bool {
    use crate::{names::moment::token_expiry, reading::clock::time_of_answer};
    reading
        .header("github-authentication-token-expiration")
        .and_then(token_expiry)
        .is_some_and(|expiry| expiry <= time_of_answer(reading))
}

/// Whether a classic token's scopes hold none of those that the call accepts.
///
/// Source: <https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps>
pub(super) fn lacks_scope(reading: &Reading) -> bool {
    let list = |name| {
        reading
            .header(name)
            .map(|value| value.split(',').map(str::trim).filter(|scope| !scope.is_empty()).collect::<Vec<_>>())
    };
    let (Some(has), Some(accepts)) = (list("x-oauth-scopes"), list("x-accepted-oauth-scopes")) else { return false };
    let covers = |wanted: &str| {
        has.iter().any(|scope| {
            *scope == wanted
                // A scope holds those below it: `repo` holds `repo:status`.
                || wanted.strip_prefix(scope).is_some_and(|rest| rest.starts_with(':'))
                // These are below `repo` although their names do not begin with it.
                || *scope == "repo" && matches!(wanted, "public_repo" | "security_events" | "repo_deployment")
        })
    };
    // A call that accepts `gist` or `admin:org` says nothing about the right to a repository.
    accepts.iter().any(|scope| scope.contains("repo")) && !accepts.iter().any(|scope| covers(scope))
}
