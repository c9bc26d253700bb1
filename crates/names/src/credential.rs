//! Credentials: a value that cannot be printed, and what its form tells about it.

mod form;
mod fragments;
mod key_text;
mod outside;
mod redact;
mod shapes;
mod spellings;

use std::fmt;

pub use form::token_form_fault;
pub use key_text::{KEY_IN_BASE64, is_key_in_base64, repaired_key_text};
pub use outside::{OutsideText, Redacted, Shown, Texts};
pub use redact::Redactor;
pub use shapes::without_token_shapes;
pub use spellings::masks;
use zeroize::Zeroizing;

/// A secret value. It has no `Display`, its `Debug` is `***`, and its memory is zeroed when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the value over.
    pub fn new(value: String) -> Self {
        Self(Zeroizing::new(value))
    }

    /// The value itself, for the one place that sends it or derives a masked form of it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether nothing, or nothing but white space, was given.
    pub fn is_blank(&self) -> bool {
        self.0.trim().is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// What kind of token a value is, by its prefix alone: GitHub asks not to look further inside.
///
/// Source: <https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/about-authentication-to-github#githubs-token-formats>
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// `ghp_`, or 40 hexadecimal digits from before 2021.
    Classic,
    /// `github_pat_`.
    FineGrained,
    /// `ghs_`, or `v1.` on older servers: an App's installation token.
    Installation,
    /// The workflow's own `GITHUB_TOKEN`: an installation token known by comparison only.
    GithubToken,
    /// `gho_`: an OAuth app acting for a user.
    Oauth,
    /// `ghu_`: a GitHub App acting for a user.
    UserToServer,
    /// Another form: another server's, or a refresh token.
    #[default]
    Unknown,
}

impl TokenKind {
    /// Classifies `token`; one equal to `workflow_token` is the workflow's `GITHUB_TOKEN`.
    pub fn of(token: &Secret, workflow_token: Option<&Secret>) -> Self {
        // First, since it has the prefix of any installation token.
        if workflow_token.is_some_and(|own| !own.is_blank() && own == token) {
            return Self::GithubToken;
        }
        let value = token.expose();
        if value.starts_with("github_pat_") {
            Self::FineGrained
        } else if value.starts_with("ghp_") || is_hex_40(value) {
            Self::Classic
        } else if value.starts_with("ghs_") || value.starts_with("v1.") {
            Self::Installation
        } else if value.starts_with("gho_") {
            Self::Oauth
        } else if value.starts_with("ghu_") {
            Self::UserToServer
        } else {
            Self::Unknown
        }
    }

    /// The value of the output `token-kind`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Classic => "classic",
            Self::FineGrained => "fine-grained",
            Self::Installation => "installation",
            Self::GithubToken => "github-token",
            Self::Oauth => "oauth",
            Self::UserToServer => "user-to-server",
            Self::Unknown => "unknown",
        }
    }

    /// Whether the token stands for a user, so that `GET /user` answers it.
    pub fn has_user(self) -> bool {
        !matches!(self, Self::Installation | Self::GithubToken)
    }
}

fn is_hex_40(value: &str) -> bool {
    value.len() == 40 && value.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(value: &str) -> &'static str {
        let own = Secret::new("ghs_own".into());
        TokenKind::of(&Secret::new(value.into()), Some(&own)).name()
    }

    #[test]
    fn a_token_is_known_by_its_prefix() {
        assert_eq!(kind("ghp_abc"), "classic");
        assert_eq!(kind("0123456789abcdef0123456789abcdef01234567"), "classic");
        assert_eq!(kind("github_pat_11A_b"), "fine-grained");
        assert_eq!(kind("ghs_1234_eyJ.a-b.c"), "installation");
        assert_eq!(kind("ghs_own"), "github-token");
        assert_eq!(kind("gho_x"), "oauth");
        assert_eq!(kind("ghu_x"), "user-to-server");
        assert_eq!(kind("ghr_x"), "unknown");
    }

    #[test]
    fn a_secret_does_not_print() {
        assert_eq!(format!("{:?}", Secret::new("ghp_abc".into())), "***");
    }
}
