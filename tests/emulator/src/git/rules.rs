//! Whether a push is allowed by rulesets and branch protection.

use crate::model::{BypassActor, Repository, Ruleset, Token, TokenKind};

/// The mode in which the holder of a token may pass a ruleset by; `None`: not at all.
pub(crate) fn may_bypass<'a>(ruleset: &'a Ruleset, repository: &Repository, token: &Token) -> Option<&'a str> {
    let listed = |actor: &BypassActor| match (actor, &token.kind) {
        // The Actions app can not be put on a list.
        (_, TokenKind::GithubToken(_)) => false,
        (BypassActor::App(slug), TokenKind::Installation(..)) => token.login == format!("{slug}[bot]"),
        (BypassActor::Role(least), _) if !token.is_bot() => repository.role(&token.login) >= Some(*least),
        (BypassActor::TeamMember(login), _) if !token.is_bot() => login.eq_ignore_ascii_case(&token.login),
        _ => false,
    };
    let mut modes = ruleset.bypass.iter().filter(|bypass| listed(&bypass.actor)).map(|bypass| bypass.mode.as_str());
    let first = modes.next()?;
    Some(if first == "pull_request" { modes.find(|mode| *mode != "pull_request").unwrap_or(first) } else { first })
}
