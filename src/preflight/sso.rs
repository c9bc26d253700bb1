//! The check `sso`: whether an organization's single sign-on keeps the token out.
//!
//! Source: <https://docs.github.com/en/rest/authentication/authenticating-to-the-rest-api#authorizing-a-personal-access-token-for-single-sign-on>

use super::{
    check::{Check, CheckName},
    facts::{Facts, Refusal},
};
use crate::{
    diagnosis::{Cause, Failure},
    plan::Plan,
};

/// Whether single sign-on stands in the way, with the address that authorizes the token.
pub(super) fn sso(plan: &Plan, facts: &Facts) -> Check {
    let said = facts.token.sso.as_deref().map(Said::read);
    let link = match &said {
        Some(Said::Required(link)) => link.as_deref(),
        _ => None,
    };
    let refused = facts.refusals().find(|refusal| refusal.failure.cause == Cause::SsoAuthorizationRequired);
    let owner = plan.target.slug.owner();
    if let Some(Refusal { failure, .. }) = refused {
        let link = link.or(failure.link.as_deref());
        let what =
            format!("{owner} asks for single sign-on, and this token is not authorized for it. {}", failure.what);
        return Check::fail(CheckName::Sso, authorize(plan, what, link));
    }
    match said {
        Some(Said::Required(link)) => {
            let what = format!("{owner} asks for single sign-on: a part of the questions was refused.");
            Check::warn(CheckName::Sso, authorize(plan, what, link.as_deref()))
        }
        Some(Said::Partial(organizations)) => {
            let what = format!(
                "Results were left out: the token is not authorized for the single sign-on of {}.",
                organizations.unwrap_or_else(|| "some organizations".to_owned())
            );
            Check::warn(CheckName::Sso, authorize(plan, what, None))
        }
        // Only answers of REST have the header: that git says nothing proves nothing.
        None if !facts.rest_answered() => Check::skip(CheckName::Sso, "The server said nothing about single sign-on."),
        None => Check::pass(CheckName::Sso, "Single sign-on does not block the token."),
    }
}

fn authorize(plan: &Plan, what: String, link: Option<&str>) -> Failure {
    let page = format!("{}/settings/tokens", plan.target.server);
    let failure = Failure::new(Cause::SsoAuthorizationRequired, what);
    match link {
        Some(link) => failure
            .with_remedy(format!(
                "Open {link} (it works for an hour), or on {page} the token > Configure SSO > Authorize."
            ))
            .with_link(link),
        None => failure
            .with_remedy(format!("On {page} open Configure SSO beside the token and authorize the organization."))
            .with_link(page),
    }
}

/// What `x-github-sso` says.
enum Said {
    /// The question was refused; the address that authorizes the token.
    Required(Option<String>),
    /// A list leaves out what belongs to these organizations.
    Partial(Option<String>),
}

impl Said {
    fn read(header: &str) -> Self {
        let (word, rest) = header.split_once(';').unwrap_or((header, ""));
        let value = |name: &str| {
            let value = rest.trim().strip_prefix(name)?.trim();
            (!value.is_empty()).then(|| value.to_owned())
        };
        if word.trim() == "partial-results" {
            let numbers = value("organizations=");
            Self::Partial(numbers.map(|numbers| format!("the organizations {}", numbers.replace(',', ", "))))
        } else {
            // The address becomes a link: a scheme such as `javascript:` must not come through.
            Self::Required(value("url=").filter(|link| link.starts_with("https://") || link.starts_with("http://")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_the_header_are_read() {
        let Said::Required(link) = Said::read("required; url=https://github.com/orgs/acme/sso?authorization_request=A")
        else {
            panic!("another form");
        };
        assert_eq!(link.as_deref(), Some("https://github.com/orgs/acme/sso?authorization_request=A"));
        let Said::Partial(organizations) = Said::read("partial-results; organizations=21955855,20582480") else {
            panic!("another form");
        };
        assert_eq!(organizations.as_deref(), Some("the organizations 21955855, 20582480"));
        assert!(matches!(Said::read("required; url=javascript:x"), Said::Required(None)));
        assert!(matches!(Said::read("required"), Said::Required(None)));
    }
}
