//! What every fact and set-up is tried on: the server, the filled repositories, the credentials.

use std::time::{Duration, Instant};

use repo_relay::credential::Secret;
use serde_json::Value;

use super::{
    credentials::{self, Credential, Kind},
    options::Options,
    repositories::commit,
    server::{Auth, Server, Stop},
};

/// Longest wait until a run is listed, or a workflow known.
const PATIENCE: Duration = Duration::from_mins(2);

/// The workflows of the target, by file name.
const WORKFLOWS: &[(&str, &str)] = &[
    ("live-plain.yml", "name: plain\non:\n  repository_dispatch:\n    types: [live-plain]\n"),
    (
        "live-echo.yml",
        "name: echo\nrun-name: Live ${{ github.event.client_payload.relay }}${{ inputs.relay }}\non:\n  repository_dispatch:\n    \
         types: [live-part]\n  workflow_dispatch:\n    inputs:\n      relay:\n        type: string\n",
    ),
    ("live-tag.yml", "name: tag\non:\n  push:\n    tags: ['live-v*']\n"),
];

/// What follows in every one of them.
const JOBS: &str = "permissions: {}\njobs:\n  nothing:\n    runs-on: ubuntu-latest\n    timeout-minutes: 5\n    steps:\n      - run: 'true'\n";

/// Where everything happens.
pub(crate) struct Scene<'a> {
    pub(crate) server: &'a Server,
    pub(crate) options: &'a Options,
    /// The repository whose workflow the steps seem to run in.
    pub(crate) source: &'a str,
    /// The repository that is written to.
    pub(crate) target: &'a str,
    /// Tip of the target's default branch once it is filled.
    pub(crate) tip: String,
    /// Tip of the source's default branch.
    pub(crate) source_tip: String,
    /// Name of the target's default branch.
    pub(crate) main: String,
    /// The token that sets up and clears away.
    pub(crate) manager: Credential,
    credentials: Vec<Credential>,
    refused_key: Option<String>,
}

impl<'a> Scene<'a> {
    /// Fills the target and readies the credentials.
    ///
    /// # Errors
    /// When the server refuses that.
    /// `refused_key` is the reason why the target has no deploy key.
    pub(crate) fn open(options: &'a Options, server: &'a Server, refused_key: Option<String>) -> Result<Self, Stop> {
        let [source, target] = &options.slugs;
        let token = credentials::manager(options).ok_or_else(|| Stop::failed("no token sets the repositories up"))?;
        let kind = if options.classic.is_some() { Kind::Classic } else { Kind::FineGrained };
        let manager = Credential { kind, token: token.clone(), inputs: vec![("token", token.clone())] };
        let found = server.read(manager.bearer(), &format!("/repos/{target}"))?.success("The target cannot be read")?;
        let main = found.json["default_branch"].as_str().unwrap_or("main").to_owned();
        let files: Vec<(String, String)> =
            WORKFLOWS.iter().map(|(name, on)| (format!(".github/workflows/{name}"), format!("{on}{JOBS}"))).collect();
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let tip = commit(server, token, target, &main, &files)?;
        let found = server.read(manager.bearer(), &format!("/repos/{source}"))?.success("The source cannot be read")?;
        let branch = found.json["default_branch"].as_str().unwrap_or("main").to_owned();
        let head = server.read(manager.bearer(), &format!("/repos/{source}/git/ref/heads/{branch}"))?;
        let head = head.success("The source cannot be read")?;
        let source_tip = head.json["object"]["sha"].as_str().unwrap_or_default().to_owned();
        let mut scene = Self {
            server,
            options,
            source,
            target,
            tip,
            source_tip,
            main,
            manager,
            credentials: credentials::given(options),
            refused_key,
        };
        if scene.refused_key.is_none() {
            scene.credentials.push(credentials::deploy_key(options, token));
        }
        scene.await_workflows()?;
        scene.credentials.extend(credentials::minted(options, server)?);
        Ok(scene)
    }

    /// Why there is no credential of this kind.
    pub(crate) fn missing(&self, kind: Kind) -> String {
        let refused = self.refused_key.clone().filter(|_| kind == Kind::DeployKey);
        refused.unwrap_or_else(|| kind.missing().to_owned())
    }

    /// The credential of this kind.
    pub(crate) fn credential(&self, kind: Kind) -> Option<&Credential> {
        self.credentials.iter().find(|one| one.kind == kind)
    }

    pub(crate) fn token(&self) -> &Secret {
        &self.manager.token
    }

    pub(crate) fn auth(&self) -> Auth<'_> {
        self.manager.bearer()
    }

    /// `path` of the target's REST interface.
    ///
    /// # Errors
    /// When no answer came, or a signal.
    pub(crate) fn read(&self, path: &str) -> Result<super::server::Seen, Stop> {
        self.server.read(self.auth(), &format!("/repos/{}{path}", self.target))
    }

    /// Tries again and again until `look` finds something; `None` when that takes too long.
    ///
    /// # Errors
    /// Those of `look`, or a signal.
    pub(crate) fn wait<T>(&self, mut look: impl FnMut() -> Result<Option<T>, Stop>) -> Result<Option<T>, Stop> {
        let pause = if self.options.is_loopback() { Duration::from_millis(30) } else { Duration::from_secs(3) };
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Some(found) = look()? {
                return Ok(Some(found));
            }
            self.server.sleep(pause)?;
        }
        Ok(None)
    }

    /// The first run of the target that fits.
    ///
    /// # Errors
    /// As of [`Self::read`].
    pub(crate) fn run(&self, event: &str, fits: impl Fn(&Value) -> bool) -> Result<Option<Value>, Stop> {
        self.wait(|| {
            let list = self.read(&format!("/actions/runs?event={event}&per_page=50"))?;
            Ok(list.json["workflow_runs"].as_array().and_then(|runs| runs.iter().find(|run| fits(run)).cloned()))
        })
    }

    /// GitHub reads new workflow files some seconds after the push.
    fn await_workflows(&self) -> Result<(), Stop> {
        let known = self.wait(|| {
            let list = self.read("/actions/workflows?per_page=100")?;
            let known = list.json["workflows"].as_array().map_or(0, |all| {
                let ours = |workflow: &&Value| workflow["path"].as_str().is_some_and(|path| path.contains("/live-"));
                all.iter().filter(ours).count()
            });
            Ok((known >= WORKFLOWS.len()).then_some(()))
        })?;
        known.ok_or_else(|| Stop::failed("The target's workflows were not known after two minutes."))
    }
}
