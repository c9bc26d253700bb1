//! The one page to open: an address that the answer names, else the target's own page for the cause.

use crate::credential::TokenKind;

use super::{Cause, Situation, reading::Reading, token_page};

/// The longest address that is taken from a text, in bytes.
// In an annotation the sentence and the remedy stand beside the address, and need their room.
const LONGEST: usize = 500;

/// What addresses of a text end with that is not part of them.
const AFTER: [char; 8] = ['.', ',', ')', '"', '\'', ']', '}', '>'];

/// A more exact address than the cause's page; the server's own words win over what the situation tells.
pub(super) fn link(cause: Cause, reading: &Reading, situation: &Situation) -> Option<String> {
    of_answer(cause, reading, situation).or_else(|| of_target(cause, reading, situation))
}

/// The address that the answer names for its cause.
fn of_answer(cause: Cause, reading: &Reading, situation: &Situation) -> Option<String> {
    let parts: &[&str] = match cause {
        Cause::SsoAuthorizationRequired => {
            // The header is GitHub's own; the text can have passed a proxy or a log.
            return sso_link(reading).or_else(|| address(reading, situation, &["/sso?", "/sso/"]));
        }
        Cause::PushProtectionSecret => &["/security/secret-scanning/unblock-secret/", "/security/secret-scanning/"],
        Cause::TokenLifetimePolicy | Cause::FineGrainedPermissionMissing | Cause::FineGrainedRepoNotSelected => {
            &["/settings/personal-access-tokens/", "/settings/tokens/"]
        }
        Cause::MissingRepoScope | Cause::TokenExpired | Cause::BadCredentials => {
            &["/settings/tokens", "/settings/personal-access-tokens"]
        }
        Cause::OrgOauthAppRestricted => &["/settings/connections/applications/", "/policies/applications/"],
        Cause::RulesetRequiresPr
        | Cause::RulesetViolation
        | Cause::RequiredStatusChecks
        | Cause::RequiredSignatures
        | Cause::ForcePushForbidden
        | Cause::ProtectedTag => &["/rules?ref=", "/rules/"],
        Cause::EmailPrivacy => &["/settings/emails"],
        Cause::BillingLocked | Cause::LfsUnavailable => &["/account/billing", "/settings/billing", "/billing"],
        Cause::RepoDisabled => &["/github/dmca/"],
        Cause::AppNotInstalled => &["/settings/installations", "/installations/new"],
        Cause::RunFailed | Cause::WaitTimeout | Cause::Cancelled => &["/actions/runs/"],
        Cause::PullRequestRefused => &["/pull/"],
        // For the other causes an address in the text is a manual or the repository itself.
        _ => return None,
    };
    address(reading, situation, parts)
}

/// The page of the target, or of its server, on which the cause is healed.
fn of_target(cause: Cause, reading: &Reading, situation: &Situation) -> Option<String> {
    let server = situation.server.as_deref()?;
    let repository = situation.repository.as_deref();
    let page = |path: &str| repository.map(|repository| format!("{server}/{repository}/{path}"));
    let fine_grained = || Some(format!("{server}/settings/personal-access-tokens"));
    let classic = || Some(format!("{server}/settings/tokens"));
    let token = || match situation.token_kind {
        Some(TokenKind::Classic) => classic(),
        Some(TokenKind::FineGrained) => fine_grained(),
        _ => None,
    };
    // The page is filled in with what the refused call needs, as its header says.
    let new_token = || {
        let owner = repository?.split('/').next()?;
        let needs = reading.header("x-accepted-github-permissions").map(token_page::accepted).unwrap_or_default();
        let needs = if needs.is_empty() { vec![("contents", "write")] } else { needs };
        token_page::fine_grained(server, owner, needs)
    };
    match cause {
        Cause::BadCredentials | Cause::TokenExpired | Cause::MissingWorkflowScope => token(),
        Cause::PasswordAuthRemoved | Cause::OrgForbidsClassicPat | Cause::GithubTokenCrossRepo => new_token(),
        Cause::FineGrainedPermissionMissing | Cause::FineGrainedRepoNotSelected => fine_grained(),
        Cause::MissingRepoScope => classic(),
        // The remedy is in the workflow file: no page of the target changes it.
        Cause::ActionsBotDenied if situation.hijacking_header == Some(true) => None,
        Cause::ActionsBotDenied | Cause::ActionsDisabled => page("settings/actions"),
        Cause::NoWriteAccess => page("settings/access"),
        Cause::RepoNotFoundOrHidden => repository.map(|repository| format!("{server}/{repository}")),
        Cause::BranchProtected => page("settings/branches"),
        Cause::RulesetRequiresPr | Cause::RulesetViolation | Cause::ProtectedTag => page("settings/rules"),
        Cause::RepoArchived => page("settings"),
        Cause::TagExists => page(&format!("tree/{}", situation.tag.as_deref()?)),
        Cause::DeployKeyReadOnly | Cause::SshPermissionDeniedPublickey => page("settings/keys"),
        Cause::WorkflowDisabled => page("actions"),
        _ => None,
    }
}

/// `x-github-sso: required; url=…`.
pub(super) fn sso_link(reading: &Reading) -> Option<String> {
    let value = reading.header("x-github-sso")?;
    let url = value.split(';').find_map(|part| part.trim().strip_prefix("url="))?;
    // A header can hold anything: only an address that a browser opens becomes a link.
    (url.starts_with("https://") && !url.contains(char::is_whitespace)).then(|| url.to_owned())
}

/// The first https address of the text that holds the first of `parts`, else the next.
///
/// Where the server is known, an address of another host is none: the text comes from outside.
fn address(reading: &Reading, situation: &Situation, parts: &[&str]) -> Option<String> {
    let is_of_server = |address: &str| {
        // With the slash, so that github.com.example.org is not taken for github.com.
        let of = |server: &str| address.strip_prefix(server).is_some_and(|rest| rest.starts_with('/'));
        situation.server.as_deref().is_none_or(of)
    };
    let addresses = || {
        reading.lines().flat_map(str::split_whitespace).filter_map(|word| {
            let word = word[word.find("https://")?..].trim_end_matches(AFTER);
            (word.len() < LONGEST && is_of_server(word)).then_some(word)
        })
    };
    // The parts are in the order of their use to a person, not of their place in the text.
    parts.iter().find_map(|part| {
        let found = addresses().find(|address| address.contains(part) && !is_call_or_manual(address));
        found.map(str::to_owned)
    })
}

/// A page of the documentation tells about the cause, a REST address answers a program: neither is the page to open.
fn is_call_or_manual(address: &str) -> bool {
    let host = address.trim_start_matches("https://").split('/').next().unwrap_or_default();
    let is_git = address.to_ascii_lowercase().ends_with(".git");
    host.starts_with("docs.") || host.starts_with("api.") || address.contains("/api/v3/") || is_git
}

#[cfg(test)]
mod tests {
    use crate::{
        Cause, Evidence, Operation, Situation, classify,
        credential::{Shown, TokenKind},
    };

    fn linked(text: &str, situation: &Situation) -> (Cause, Option<String>) {
        let diagnosis = classify(&Evidence::of_text(Operation::Unsaid, text), situation);
        (diagnosis.cause, diagnosis.link.map(Shown::into_inner))
    }

    #[test]
    fn the_address_that_the_text_holds_is_the_page_to_open() {
        for (text, cause, address) in [
            (
                "remote: - Push cannot contain secrets\nremote: https://github.com/o/r/security/secret-scanning/unblock-secret/2x.",
                Cause::PushProtectionSecret,
                "https://github.com/o/r/security/secret-scanning/unblock-secret/2x",
            ),
            (
                "GraphQL: Resource protected by organization SAML enforcement.\nAuthorize in your web browser: https://github.com/orgs/o/sso?authorization_request=A1",
                Cause::SsoAuthorizationRequired,
                "https://github.com/orgs/o/sso?authorization_request=A1",
            ),
            (
                "remote: error: GH013: Repository rule violations found for refs/heads/main.\n\
                 remote: Review all repository rules at https://github.com/o/r/rules?ref=refs%2Fheads%2Fmain\n\
                 remote: - Changes must be made through a pull request.\n ! [remote rejected] main -> main (push declined due to repository rule violations)",
                Cause::RulesetRequiresPr,
                "https://github.com/o/r/rules?ref=refs%2Fheads%2Fmain",
            ),
            (
                "remote: Your account is disabled. Please see https://github.com/account/billing",
                Cause::BillingLocked,
                "https://github.com/account/billing",
            ),
            (
                "forbids access via a fine-grained personal access tokens if the token's lifetime is greater than 30 days. (https://github.com/settings/personal-access-tokens/7)",
                Cause::TokenLifetimePolicy,
                "https://github.com/settings/personal-access-tokens/7",
            ),
        ] {
            assert_eq!(linked(text, &Situation::default()), (cause, Some(address.to_owned())), "{text}");
        }
    }

    #[test]
    fn an_address_of_another_host_is_no_page_of_a_known_server() {
        let text = "SAML enforcement: open https://evil.example/sso?authorization_request=A1";
        let situation = Situation { server: Some("https://ghe.acme.example".into()), ..Situation::default() };
        assert_eq!(linked(text, &situation), (Cause::SsoAuthorizationRequired, None));
        let text = text.replace("evil.example", "ghe.acme.example.evil.example");
        assert_eq!(linked(&text, &situation), (Cause::SsoAuthorizationRequired, None));
        let text = text.replace(".evil.example", "");
        assert!(linked(&text, &situation).1.is_some(), "{text}");
    }

    #[test]
    fn a_token_to_be_made_has_githubs_form_filled_in() {
        let mut situation = Situation {
            token_kind: Some(TokenKind::GithubToken),
            own_repository: Some(false),
            server: Some("https://github.com".into()),
            repository: Some("acme/site".into()),
            ..Situation::default()
        };
        let text = "remote: Write access to repository not granted.";
        let form = "https://github.com/settings/personal-access-tokens/new?name=repo-relay&target_name=acme&expires_in=90&contents=write";
        assert_eq!(linked(text, &situation), (Cause::GithubTokenCrossRepo, Some(form.to_owned())));
        situation.server = Some("https://ghe.acme.example".into());
        assert_eq!(linked(text, &situation), (Cause::GithubTokenCrossRepo, None));
    }
}
