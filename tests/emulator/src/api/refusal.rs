//! The REST face's words for what it refuses.

use serde_json::json;

use crate::{
    access::Refusal,
    answer::Answer,
    model::{Token, TokenKind},
};

pub(super) const GUIDELINES: &str = "https://docs.github.com/v3/#http-redirects";
const DOCS: &str = "https://docs.github.com/rest";
const SAML: &str = "https://docs.github.com/articles/authenticating-to-a-github-organization-with-saml-single-sign-on/";

/// An error in the API's usual shape.
pub(super) fn error(status: u16, message: &str) -> Answer {
    Answer::json(status, &json!({"message": message, "documentation_url": DOCS, "status": status.to_string()}))
}

/// 404, which also stands for what is hidden.
pub(super) fn not_found() -> Answer {
    error(404, "Not Found")
}

/// The answer to a refusal.
pub(super) fn answer(refusal: &Refusal, token: Option<&Token>) -> Answer {
    let correct = "Although you appear to have the correct authorization credentials,";
    match refusal {
        Refusal::Hidden | Refusal::NoRole | Refusal::NoScope => not_found(),
        Refusal::Anonymous => error(401, "Requires authentication"),
        Refusal::Suspended => error(403, "Sorry. Your account was suspended."),
        Refusal::Billing => error(403, "Sorry. Your account is locked. Please see https://github.com/account/billing"),
        Refusal::Blocked => {
            let block =
                json!({"reason": "tos", "created_at": "2026-02-03T04:05:06Z", "html_url": "https://github.com/tos"});
            Answer::json(403, &json!({"message": "Repository access blocked", "block": block, "status": "403"}))
        }
        Refusal::Archived => error(403, "Repository was archived so is read-only."),
        Refusal::ForbidsClassic(organization) => error(
            403,
            &format!(
                "`{organization}` forbids access via a personal access token (classic). Please use a GitHub App, OAuth \
                 App, or a personal access token with fine-grained permissions."
            ),
        ),
        Refusal::Sso(organization) => {
            let text = "Resource protected by organization SAML enforcement. You must grant your Personal Access token \
                        access to this organization.";
            let url = format!("https://github.com/orgs/{organization}/sso?authorization_request=A2FDETNPSTU3EXAMPLE");
            Answer::json(403, &json!({"message": text, "documentation_url": SAML, "status": "403"}))
                .header("x-github-sso", format!("required; url={url}"))
        }
        Refusal::OauthRestricted(organization) => error(
            403,
            &format!(
                "{correct} the `{organization}` organization has enabled OAuth App access restrictions, meaning that \
                 data access to third-parties is limited. For more information on these restrictions, including how \
                 to enable this app, visit \
                 https://docs.github.com/articles/restricting-access-to-your-organization-s-data/"
            ),
        ),
        Refusal::IpAllowList(organization) => error(
            403,
            &format!(
                "{correct} the `{organization}` organization has an IP allow list enabled, and your IP address is not \
                 permitted to access this resource."
            ),
        ),
        Refusal::Lifetime(organization) => error(
            403,
            &format!(
                "The '{organization}' enterprise forbids access via a fine-grained personal access tokens if the \
                 token's lifetime is greater than 180 days. Please adjust your token's lifetime at the following URL: \
                 https://github.com/settings/personal-access-tokens/1"
            ),
        ),
        Refusal::NotGranted => match token.map(|token| &token.kind) {
            Some(TokenKind::FineGrained(_)) => error(403, "Resource not accessible by personal access token"),
            _ => error(403, "Resource not accessible by integration"),
        },
    }
}
