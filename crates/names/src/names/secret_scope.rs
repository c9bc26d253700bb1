//! Where a secret of a repository is kept.

use std::{fmt, str::FromStr};

/// One of a repository's stores of secrets, as the input `secret-scope` names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretScope {
    /// The secrets of Actions.
    Actions,
    /// The secrets of Dependabot.
    Dependabot,
    /// The secrets of Codespaces.
    Codespaces,
    /// The secrets of the deployment environment of this name.
    Environment(String),
}

impl FromStr for SecretScope {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "actions" => Ok(Self::Actions),
            "dependabot" => Ok(Self::Dependabot),
            "codespaces" => Ok(Self::Codespaces),
            _ => match text.strip_prefix("environment:").map(str::trim) {
                None => Err("it is none of these scopes"),
                Some("") => Err("no name stands after `environment:`"),
                Some(name) if name.chars().any(char::is_control) => Err("a name has no control characters"),
                // GitHub's bound for the name of an environment.
                Some(name) if name.chars().count() > 255 => Err("a name has at most 255 characters"),
                Some(name) => Ok(Self::Environment(name.to_owned())),
            },
        }
    }
}

impl SecretScope {
    /// The permission that a fine-grained token or an App needs to write there, by GitHub's name.
    ///
    /// Source: <https://docs.github.com/en/rest/authentication/permissions-required-for-fine-grained-personal-access-tokens>
    pub fn permission(&self) -> &'static str {
        match self {
            Self::Actions => "secrets",
            Self::Dependabot => "dependabot_secrets",
            Self::Codespaces => "codespaces_secrets",
            Self::Environment(_) => "environments",
        }
    }

    /// What a sentence calls a secret of it: "Dependabot secret X".
    pub fn secret(&self, name: &str) -> String {
        match self {
            Self::Actions => format!("secret {name}"),
            Self::Dependabot => format!("Dependabot secret {name}"),
            Self::Codespaces => format!("Codespaces secret {name}"),
            Self::Environment(environment) => format!("secret {name} of the environment {environment}"),
        }
    }
}

impl fmt::Display for SecretScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Actions => f.write_str("actions"),
            Self::Dependabot => f.write_str("dependabot"),
            Self::Codespaces => f.write_str("codespaces"),
            Self::Environment(name) => write!(f, "environment:{name}"),
        }
    }
}
