//! The GitHub on loopback that `--emulator` runs against, with a credential of every kind that needs no network.

use std::{process::Command, time::Duration};

use emulator::{
    Emulator, Ssh,
    model::{App, Level, Model, Repository, Token},
};

const WRITE: Level = Level::Write;
const READ: Level = Level::Read;

/// The account that the credentials belong to.
const OWNER: &str = "robin";

/// A repository that the run has nothing to do with.
pub(crate) const ELSEWHERE: &str = "robin/elsewhere";

/// Two repositories that can be named to a run.
pub(crate) const NAMED: [&str; 2] = ["robin/named-source", "robin/named-target"];

/// What a fine-grained token needs for everything that the run does.
const GRANTED: &[(&str, Level)] = &[
    ("administration", WRITE),
    ("actions", WRITE),
    ("contents", WRITE),
    ("dependabot_secrets", WRITE),
    ("codespaces_secrets", WRITE),
    ("environments", WRITE),
    ("pull_requests", WRITE),
    ("secrets", WRITE),
    ("workflows", WRITE),
];

/// A running emulator and the credentials that it knows.
pub(crate) struct Local {
    #[allow(dead_code, reason = "the tests look behind it")]
    pub(crate) github: Emulator,
    /// Where the deploy key pushes.
    _ssh: Ssh,
    variables: Vec<(&'static str, String)>,
}

impl Local {
    /// Starts it.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn start() -> Result<Self, String> {
        let (key, public) = key_pair()?;
        let classic = Token::classic(OWNER, &["repo", "workflow", "delete_repo"]);
        let fine_grained = Token::fine_grained(OWNER, OWNER, &["*"], GRANTED);
        let reading = Token::fine_grained(OWNER, OWNER, &["*"], &[("contents", READ)]);
        let own = Token::github_token(ELSEWHERE, &[("contents", READ)]);
        let app = App::new("relay-live", &public).installed(OWNER, &["*"], GRANTED);
        let id = app.id.to_string();
        let model = Model::new()
            .repository(Repository::new(ELSEWHERE).private().file("README.md", "not to be touched\n"))
            .repository(Repository::new(NAMED[0]).private().file("README.md", "of somebody\n"))
            .repository(Repository::new(NAMED[1]).private().file("README.md", "of somebody\n").tag("v1"))
            .app(app)
            .set(|settings| settings.run_delay = Duration::ZERO..Duration::from_millis(1));
        let tokens = [&classic, &fine_grained, &reading, &own];
        let model = tokens.into_iter().fold(model, Model::token);
        let github = Emulator::start(model).map_err(|error| format!("the emulator does not start: {error}"))?;
        let ssh = github.serve_ssh().map_err(|error| format!("OpenSSH's server does not start: {error}"))?;
        let value = |token: &Token| token.value().to_owned();
        let variables = vec![
            ("LIVE_OWNER", OWNER.to_owned()),
            ("LIVE_SERVER_URL", github.url().to_owned()),
            ("LIVE_CLASSIC_TOKEN", value(&classic)),
            ("LIVE_FINE_GRAINED_TOKEN", value(&fine_grained)),
            ("LIVE_FINE_GRAINED_READ_TOKEN", value(&reading)),
            ("LIVE_GITHUB_TOKEN", value(&own)),
            ("LIVE_APP_ID", id),
            ("LIVE_APP_KEY", key),
            ("LIVE_SSH_URL", ssh.url()),
            ("LIVE_SSH_KNOWN_HOSTS", ssh.known_host()),
        ];
        Ok(Self { github, _ssh: ssh, variables })
    }

    /// A variable of the environment that a run against it has.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        self.variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
    }

    /// All of them.
    #[allow(dead_code, reason = "the tests start a process with them")]
    pub(crate) fn variables(&self) -> &[(&'static str, String)] {
        &self.variables
    }
}

/// An App's private key and its public half, by OpenSSH's own tool.
fn key_pair() -> Result<(String, String), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let path = folder.path().join("key");
    let keygen = |arguments: &[&str]| {
        let output = Command::new("ssh-keygen").args(arguments).arg("-f").arg(&path).output();
        let output = output.map_err(|error| format!("ssh-keygen: {error}"))?;
        Ok::<_, String>(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    keygen(&["-q", "-t", "rsa", "-b", "2048", "-m", "PEM", "-N", ""])?;
    let key = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
    Ok((key, keygen(&["-e", "-m", "PKCS8"])?))
}
