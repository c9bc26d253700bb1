//! The inputs as texts: flag before environment, secrets apart from the rest.

use std::collections::{BTreeMap, BTreeSet};

use super::table::{INPUTS, InputRow, find};
use crate::{context::Environment, credential::Secret};

/// The variables that hold a token on a laptop, for github.com and GHE.com and for GitHub Enterprise Server; of each the
/// first one wins.
///
/// Source: <https://cli.github.com/manual/gh_help_environment>
pub(super) const CLOUD_TOKENS: [&str; 2] = ["GH_TOKEN", "GITHUB_TOKEN"];
/// See [`CLOUD_TOKENS`].
pub(super) const ENTERPRISE_TOKENS: [&str; 2] = ["GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN"];

/// Every input that was given, unread. Its `Debug` shows no secret.
#[derive(Clone, Debug, Default)]
pub struct Raw {
    texts: BTreeMap<&'static str, String>,
    secrets: BTreeMap<&'static str, Secret>,
    ambient: Vec<(&'static str, Secret)>,
    unknown: Vec<String>,
    not_text: BTreeSet<String>,
}

impl Raw {
    /// Takes the inputs out of `environment`, secrets included, so that no second copy of those stays.
    pub fn from_environment(mut environment: Environment) -> Self {
        let mut raw = Self::default();
        for input in INPUTS {
            if let Some(value) = environment.take(&variable(input)) {
                raw.put(input, value);
            }
        }
        let known: BTreeSet<String> = INPUTS.iter().map(variable).collect();
        let stray = |name: &&str| name.starts_with("INPUT_") && !known.contains(*name);
        raw.unknown = environment.names().filter(stray).map(str::to_owned).collect();
        raw.not_text = environment.not_text().map(str::to_owned).collect();
        // NOTE: all are taken, so that none stays behind in a copy of the environment.
        let ambient = CLOUD_TOKENS.into_iter().chain(ENTERPRISE_TOKENS);
        let ambient = ambient.filter_map(|name| Some((name, Secret::new(environment.take(name)?))));
        raw.ambient = ambient.filter(|(_, token)| !token.is_blank()).collect();
        raw
    }

    /// Sets an input from a flag, which wins over the environment.
    pub fn put(&mut self, input: &'static InputRow, value: String) {
        if input.form.is_secret() {
            self.secrets.insert(input.name, Secret::new(value));
        } else {
            self.texts.insert(input.name, value);
        }
    }

    /// Drops the inputs that a command does not take.
    pub fn retain(&mut self, takes: impl Fn(&InputRow) -> bool) {
        let stays = |name: &str| find(name).is_some_and(&takes);
        self.texts.retain(|name, _| stays(name));
        self.secrets.retain(|name, _| stays(name));
    }

    /// Whether `repository` was written, as a flag or a variable.
    pub fn names_repository(&self) -> bool {
        self.text("repository").is_some_and(|text| !text.trim().is_empty())
    }

    /// Every secret that was given, with the name it goes by: to be masked before anything else is printed.
    pub fn secrets(&self) -> impl Iterator<Item = (&'static str, &Secret)> {
        let ambient = self.ambient.iter().map(|(name, secret)| (*name, secret));
        self.secrets
            .iter()
            .map(|(name, secret)| (*name, secret))
            .chain(ambient)
            .filter(|(_, secret)| !secret.is_blank())
    }

    /// The text of an input that is no secret, if it was given.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.texts.get(name).map(String::as_str)
    }

    /// The value of a secret input, if it was given.
    pub(super) fn secret(&self, name: &str) -> Option<&Secret> {
        self.secrets.get(name)
    }

    /// The token of the first of these variables that holds one, with the variable's name.
    pub(super) fn ambient_token(&self, variables: &[&str]) -> Option<(&'static str, &Secret)> {
        let mut given = self.ambient.iter().filter(|(name, _)| variables.contains(name));
        given.next().map(|(name, token)| (*name, token))
    }

    /// Variables that begin with `INPUT_` and are no input.
    pub(super) fn unknown(&self) -> &[String] {
        &self.unknown
    }

    /// Variables whose value is not UTF-8, and so was not taken.
    pub(super) fn is_not_text(&self, input: &InputRow) -> bool {
        self.not_text.contains(&variable(input))
    }
}

/// The variable in which the runner hands over an input: upper case, blanks turned to `_`, hyphens kept.
///
/// Source: <https://github.com/actions/runner/blob/main/src/Runner.Worker/Handlers/Handler.cs>
pub(super) fn variable(input: &InputRow) -> String {
    format!("INPUT_{}", input.name.replace(' ', "_").to_uppercase())
}

/// The name out of `names` that `wrong` was most likely meant to be.
pub(crate) fn nearest_name<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wrong = wrong.to_lowercase().replace(['_', ' '], "-");
    let likeness = |name: &str| strsim::jaro_winkler(&wrong, name);
    names.into_iter().max_by(|one, other| likeness(one).total_cmp(&likeness(other)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(pairs: &[(&str, &str)]) -> Raw {
        Raw::from_environment(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn an_input_is_read_under_the_name_that_the_runner_gives_it() {
        let raw = raw(&[("INPUT_DRY-RUN", "true"), ("INPUT_DIRECTORY", "site"), ("INPUT_TOKEN", "ghp_x")]);
        assert_eq!((raw.text("dry-run"), raw.text("directory")), (Some("true"), Some("site")));
        assert_eq!(raw.secret("token").map(Secret::expose), Some("ghp_x"));
        assert!(raw.text("token").is_none() && raw.unknown().is_empty());
    }

    #[test]
    fn a_variable_that_is_no_input_is_kept_as_unknown() {
        assert_eq!(
            raw(&[("INPUT_DRY_RUN", "true"), ("INPUT_", ""), ("OTHER", "")]).unknown(),
            ["INPUT_", "INPUT_DRY_RUN"]
        );
    }

    #[test]
    fn secrets_are_listed_for_masking_and_do_not_print() {
        let raw = raw(&[
            ("INPUT_TOKEN", "ghp_first"),
            ("INPUT_SSH-KEY", " "),
            ("GH_TOKEN", ""),
            ("GITHUB_TOKEN", "ghp_second"),
        ]);
        let names: Vec<&str> = raw.secrets().map(|(name, _)| name).collect();
        assert_eq!(names, ["token", "GITHUB_TOKEN"]);
        assert!(!format!("{raw:?}").contains("ghp_"));
    }

    #[test]
    fn the_nearest_name_is_found() {
        let names = || INPUTS.iter().map(|input| input.name);
        for (wrong, right) in [
            ("DRY_RUN", "dry-run"),
            ("DIRECTORIES", "directory"),
            ("branc", "branch"),
            ("REPO", "repository"),
            ("tags", "tag"),
            ("TAG_MESSAGE", "tag-message"),
        ] {
            assert_eq!(nearest_name(wrong, names()), Some(right), "{wrong}");
        }
    }
}
