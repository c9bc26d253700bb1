//! What the server says about the policies of an organization or enterprise, and about the account itself.

use super::Cause;
use crate::finding::CausePattern;

pub(super) const PATTERNS: &[CausePattern] = &[
    CausePattern::of(
        Cause::SsoAuthorizationRequired,
        &[
            "saml enforc",
            "saml sso",
            "saml single sign",
            "saml-single-sign-on",
            "enabled or enforced saml",
            "saml_failure: true",
            "saml identity",
            "saml session",
            "single sign-on",
            // Part of "you must grant your Personal Access token access to this organization".
            "must grant your",
            "must re-authorize the",
            "/sso?authorization_request",
            "authorized for*saml",
        ],
    ),
    CausePattern::of(
        Cause::TokenLifetimePolicy,
        &[
            // Before the words about classic tokens: the sentence begins alike and names the lifetime at its end.
            "forbids access via*lifetime",
            "token's lifetime",
            "lifetime is greater than",
            "adjust your token",
            "lifetime*exceeds the maximum",
        ],
    ),
    CausePattern::of(
        Cause::OrgForbidsClassicPat,
        &[
            "forbids access via a personal access token",
            "forbids access via*(classic)",
            "tokens (classic) are forbidden",
            "token (classic)*forbidden",
            "forbids*classic personal access token",
            "classic personal access tokens are*not allowed",
            "(classic) are not allowed",
            "does not allow*personal access tokens (classic)",
            // The advice that ends the refusal of a classic token.
            "personal access token with fine-grained permissions",
        ],
    ),
    // The rest of the sentence, which names the limit, is cut off in some logs.
    CausePattern::of(Cause::TokenLifetimePolicy, &["forbids access via a fine-grained"]),
    // Until an owner approves it, such a token reaches public repositories alone.
    CausePattern::of(Cause::FineGrainedRepoNotSelected, &["token*pending approval", "awaiting approval by"]),
    CausePattern::of(
        Cause::OrgOauthAppRestricted,
        &[
            "oauth app access restrictions",
            "oauth application access restrictions",
            "third-party application access",
            "third-party application restrictions",
            "third-parties is limited",
            "restricting-access-to-your-organization",
            "oauth app*access restriction",
        ],
    ),
    CausePattern::of(
        Cause::IpAllowList,
        &[
            "ip allow list",
            "ip allowlist",
            "ip address is not permitted",
            "ip address*not*allow list",
            "organization's allow list",
            "ip address*not permitted",
            "ip address*not allowed",
            // The end of GitHub's sentence, for a text that lost its beginning.
            "is not permitted to access this resource",
        ],
    ),
    CausePattern::of(
        Cause::BillingLocked,
        &[
            "account is disabled. please see*billing",
            "account/billing",
            "billing issue",
            "billing problem",
            "spending limit",
            "account payments have failed",
            "billing is locked",
            "billing has been locked",
            "locked due to*billing",
            "locked for billing",
            "disabled*billing",
            "billing & plans",
            "payment method*declined",
            "budget*actions*exceeded",
        ],
    ),
    CausePattern::unsure(
        Cause::BillingLocked,
        &[Cause::AccountSuspended],
        // These words do not say whether unpaid bills or a suspension are the reason.
        &["your account is disabled", "account has been disabled", "account is locked"],
    ),
    CausePattern::of(
        Cause::AccountSuspended,
        &[
            "account is suspended",
            "account was suspended",
            "account has been suspended",
            "account '*' is suspended",
            "account*suspended",
            "user*suspended",
            "suspended user",
            "account was flagged",
            "account has been flagged",
        ],
    ),
];
