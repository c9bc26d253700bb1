//! The credentials of a run, each with the inputs that hand it to a step.

use std::fmt;

use chrono::Utc;
use repo_relay::{credential::Secret, inputs::AppCredential, mint::App};
use serde_json::{Value, json};

use super::{
    options::Options,
    server::{Auth, Server, Stop},
};

/// What kind of credential a fact is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Classic,
    FineGrained,
    /// A fine-grained token that may only read.
    FineGrainedRead,
    App,
    /// An App's token that was minted for reading alone.
    AppRead,
    DeployKey,
    /// A workflow's own token.
    GithubToken,
}

impl Kind {
    /// The kinds that can write and have a token.
    pub(crate) const WRITERS: &'static [Self] = &[Self::Classic, Self::FineGrained, Self::App];

    /// Why there is none of this kind.
    pub(crate) fn missing(self) -> &'static str {
        match self {
            Self::Classic => "LIVE_CLASSIC_TOKEN is not set",
            Self::FineGrained => "LIVE_FINE_GRAINED_TOKEN is not set",
            Self::FineGrainedRead => "LIVE_FINE_GRAINED_READ_TOKEN is not set",
            Self::App | Self::AppRead => "LIVE_APP_ID and LIVE_APP_KEY are not set",
            Self::DeployKey => "the server took no deploy key",
            Self::GithubToken => "LIVE_GITHUB_TOKEN is not set",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Classic => "classic",
            Self::FineGrained => "fine-grained",
            Self::FineGrainedRead => "fine-grained-read",
            Self::App => "app",
            Self::AppRead => "app-read",
            Self::DeployKey => "deploy-key",
            Self::GithubToken => "github-token",
        })
    }
}

/// One credential.
pub(crate) struct Credential {
    pub(crate) kind: Kind,
    /// What REST and git over HTTP are asked with. Of a deploy key: the token that sets the repositories up.
    pub(crate) token: Secret,
    /// The inputs of a step that hand it over.
    pub(crate) inputs: Vec<(&'static str, Secret)>,
}

impl Credential {
    fn of_token(kind: Kind, token: &Secret) -> Self {
        Self { kind, token: token.clone(), inputs: vec![("token", token.clone())] }
    }

    pub(crate) fn bearer(&self) -> Auth<'_> {
        Auth::Bearer(&self.token)
    }

    pub(crate) fn git(&self) -> Auth<'_> {
        Auth::Git(&self.token)
    }
}

/// The token that sets the repositories up and clears them away.
pub(crate) fn manager(options: &Options) -> Option<&Secret> {
    options.classic.as_ref().or(options.fine_grained.as_ref())
}

/// Tokens minted for the App of `options`, if it has one: one that may do everything that the App may, one that reads.
///
/// # Errors
/// When the App cannot authenticate, or is not installed for the repositories.
pub(crate) fn minted(options: &Options, server: &Server) -> Result<Vec<Credential>, Stop> {
    let Some((id, key)) = &options.app else { return Ok(Vec::new()) };
    let app = App::read(&AppCredential { id: id.clone(), private_key: key.clone() });
    let app = app.map_err(|failure| Stop::failed(failure.to_string()))?;
    let statement = app.statement(Utc::now()).map_err(|failure| Stop::failed(failure.to_string()))?;
    let path = format!("/repos/{}/installation", options.slugs[1]);
    let found = server.read(Auth::Bearer(&statement), &path)?;
    let found = found.success("The App's installation for the repositories cannot be found")?;
    let installation = found.json["id"].as_u64().unwrap_or_default();
    let mint = |permissions: Option<&Value>| server.mint(&statement, installation, permissions);
    let whole = mint(None)?;
    let read = mint(Some(&json!({"contents": "read", "metadata": "read"})))?;
    let inputs = vec![
        ("app-id", Secret::new(id.clone())),
        ("app-private-key", key.clone()),
        ("token", Secret::new(String::new())),
    ];
    Ok(vec![Credential { kind: Kind::App, token: whole, inputs }, Credential::of_token(Kind::AppRead, &read)])
}

/// The credentials that are tokens of their own.
pub(crate) fn given(options: &Options) -> Vec<Credential> {
    let tokens = [
        (Kind::Classic, &options.classic),
        (Kind::FineGrained, &options.fine_grained),
        (Kind::FineGrainedRead, &options.fine_grained_read),
        (Kind::GithubToken, &options.github_token),
    ];
    let tokens = tokens.into_iter().filter_map(|(kind, token)| Some(Credential::of_token(kind, token.as_ref()?)));
    tokens.collect()
}

/// The deploy key, once it was added to the target.
pub(crate) fn deploy_key(options: &Options, manager: &Secret) -> Credential {
    let mut inputs = vec![("ssh-key", options.deploy_key.clone()), ("token", Secret::new(String::new()))];
    if let Some((url, hosts)) = &options.ssh {
        inputs.push(("repository", Secret::new(format!("{url}/{}.git", options.slugs[1]))));
        inputs.push(("ssh-known-hosts", Secret::new(hosts.clone())));
    }
    Credential { kind: Kind::DeployKey, token: manager.clone(), inputs }
}
