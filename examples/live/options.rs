//! What the run is told: arguments, and credentials from the environment.

use std::path::PathBuf;

use repo_relay::credential::Secret;
use ring::rand::{SecureRandom, SystemRandom};
use russh::keys::{
    PrivateKey,
    ssh_key::{LineEnding, private::Ed25519Keypair},
};
use url::Url;

pub(crate) const USAGE: &str = "\
Checks on a real GitHub what repo-relay believes about it.

    script/live [--yes] [--output FOLDER] [--repositories OWNER/SOURCE,OWNER/TARGET] [--only ROW,ROW]
    script/live --emulator

Two private repositories named repo-relay-live-… are made for the owner and removed at the end, also after Ctrl-C. With
--repositories two private ones of yours are used instead; each needs a commit. Every ref that the run makes there is removed.

Environment; each credential is optional, at least one token has to be there:
    LIVE_OWNER                    the account or organization that the repositories are made for
    LIVE_CLASSIC_TOKEN            classic token: repo, workflow, delete_repo
    LIVE_FINE_GRAINED_TOKEN       fine-grained token for all repositories of the owner: Administration, Actions, Contents,
                                  Environments, Pull requests, Secrets, Dependabot secrets, Workflows: Read and write
    LIVE_FINE_GRAINED_READ_TOKEN  fine-grained token for all repositories of the owner with Contents: Read-only
    LIVE_APP_ID, LIVE_APP_KEY     GitHub App, installed for all repositories of the owner: Actions, Contents, Pull requests,
                                  Secrets, Workflows: Read and write
    LIVE_DEPLOY_KEY               private key (OpenSSH, no passphrase, used nowhere else) instead of one that the run makes. The public
                                  half is added to the target while the run lasts
    LIVE_SSH_URL, LIVE_SSH_KNOWN_HOSTS  another SSH server than that of the host (ssh://git@HOST:PORT), and its host keys
    LIVE_GITHUB_TOKEN             a workflow's own token, which is only read with
    LIVE_SERVER_URL, LIVE_API_URL another server than https://github.com
";

/// Everything that the run is told.
pub(crate) struct Options {
    /// Does not ask before the first write.
    pub(crate) yes: bool,
    /// The two repositories, source and target, as `owner/name`.
    pub(crate) slugs: [String; 2],
    /// The repositories are made and removed; otherwise they were named.
    pub(crate) make: bool,
    /// Web address of the server, without a slash at its end.
    pub(crate) web: Url,
    /// Address of its REST interface.
    pub(crate) api: Url,
    /// Beginnings of the names of the rows that are asked for; all when empty.
    pub(crate) only: Vec<String>,
    /// Where the table is written.
    pub(crate) output: PathBuf,
    /// The program under test.
    pub(crate) program: PathBuf,
    /// Account that the repositories belong to.
    pub(crate) owner: String,
    pub(crate) classic: Option<Secret>,
    pub(crate) fine_grained: Option<Secret>,
    pub(crate) fine_grained_read: Option<Secret>,
    /// App id or client id, and private key.
    pub(crate) app: Option<(String, Secret)>,
    /// Private half of the deploy key: the one that was given, or one that was made for this run.
    pub(crate) deploy_key: Secret,
    /// The deploy key was made for this run.
    pub(crate) deploy_key_is_new: bool,
    /// Another SSH server than that of the host, and its lines of `known_hosts`.
    pub(crate) ssh: Option<(String, String)>,
    pub(crate) github_token: Option<Secret>,
}

impl Options {
    /// Reads arguments and variables.
    ///
    /// # Errors
    /// What is wrong with them, for a person.
    pub(crate) fn read(arguments: &[String], variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, String> {
        let mut only = Vec::new();
        let (mut yes, mut named, mut output, mut program) = (false, None, PathBuf::from("target/live"), None);
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let mut value = || rest.next().cloned().ok_or(format!("{argument} needs a value."));
            match argument.as_str() {
                "--yes" | "--emulator" => yes = true,
                "--only" => only = value()?.split(',').map(str::to_owned).collect(),
                "--output" => output = value()?.into(),
                "--program" => program = std::path::absolute(value()?).ok(),
                "--repositories" => named = Some(value()?),
                unknown => return Err(format!("Unknown argument {unknown}.")),
            }
        }
        let web = variable("LIVE_SERVER_URL").unwrap_or("https://github.com".to_owned());
        let web = web.trim_end_matches('/').to_owned();
        let api = variable("LIVE_API_URL").unwrap_or_else(|| match web.strip_prefix("https://") {
            Some("github.com") => "https://api.github.com".to_owned(),
            Some(host) if host.ends_with(".ghe.com") => format!("https://api.{host}"),
            _ => format!("{web}/api/v3"),
        });
        let address = |text: &str| Url::parse(text).map_err(|error| format!("{text} is no address: {error}."));
        let secret = |name: &str| variable(name).map(Secret::new);
        let (slugs, make) = match named {
            Some(text) => (two_slugs(&text)?, false),
            None => (new_slugs(&variable("LIVE_OWNER").ok_or("LIVE_OWNER is not set.")?), true),
        };
        let owner = slugs[1].split('/').next().unwrap_or_default().to_owned();
        let app = match (variable("LIVE_APP_ID"), secret("LIVE_APP_KEY")) {
            (Some(id), Some(key)) => Some((id, key)),
            (None, None) => None,
            _ => return Err("LIVE_APP_ID and LIVE_APP_KEY go together.".to_owned()),
        };
        let ssh = match (variable("LIVE_SSH_URL"), variable("LIVE_SSH_KNOWN_HOSTS")) {
            (Some(url), Some(hosts)) => Some((url.trim_end_matches('/').to_owned(), hosts)),
            (None, None) => None,
            _ => return Err("LIVE_SSH_URL and LIVE_SSH_KNOWN_HOSTS go together.".to_owned()),
        };
        let key = secret("LIVE_DEPLOY_KEY");
        let options = Self {
            yes,
            slugs,
            make,
            web: address(&web)?,
            api: address(api.trim_end_matches('/'))?,
            only,
            output,
            program: program.ok_or("--program is missing: start it by script/live.")?,
            owner,
            classic: secret("LIVE_CLASSIC_TOKEN"),
            fine_grained: secret("LIVE_FINE_GRAINED_TOKEN"),
            fine_grained_read: secret("LIVE_FINE_GRAINED_READ_TOKEN"),
            app,
            deploy_key_is_new: key.is_none(),
            deploy_key: key.map_or_else(new_key, Ok)?,
            ssh,
            github_token: secret("LIVE_GITHUB_TOKEN"),
        };
        if options.classic.is_none() && options.fine_grained.is_none() {
            return Err("LIVE_CLASSIC_TOKEN or LIVE_FINE_GRAINED_TOKEN has to be set: one of them sets the \
                        repositories up and clears them away."
                .to_owned());
        }
        Ok(options)
    }

    /// Whether the server is on this machine, which needs no pauses.
    pub(crate) fn is_loopback(&self) -> bool {
        matches!(self.web.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"))
    }

    /// What the run will do, for a person.
    pub(crate) fn plan(&self) -> String {
        let [source, target] = &self.slugs;
        let given = [
            ("classic token", self.classic.is_some()),
            ("fine-grained token", self.fine_grained.is_some()),
            ("fine-grained token that only reads", self.fine_grained_read.is_some()),
            ("GitHub App", self.app.is_some()),
            ("deploy key that was given", !self.deploy_key_is_new),
            ("deploy key of this run", self.deploy_key_is_new),
            ("a workflow's own token (only read with)", self.github_token.is_some()),
        ];
        let given: Vec<&str> = given.into_iter().filter_map(|(name, is)| is.then_some(name)).collect();
        let (first, last) = if self.make {
            ("makes the private repositories", "Both are deleted at the end.")
        } else {
            ("uses your repositories", "Refs that the run makes there are deleted at the end; runs of workflows stay.")
        };
        format!(
            "On {} this {first}\n    {source}\n    {target}\nand no other. In the second it pushes branches and tags, opens pull \
             requests, sets secrets and starts workflows of a few seconds each. {last}\nCredentials: {}.",
            self.web.as_str().trim_end_matches('/'),
            given.join(", ")
        )
    }
}

/// A private key that is kept in memory alone, in OpenSSH's format.
fn new_key() -> Result<Secret, String> {
    let mut seed = [0; 32];
    SystemRandom::new().fill(&mut seed).map_err(|_| "The system has no random numbers.".to_owned())?;
    let pair = Ed25519Keypair::from_seed(&seed);
    let text = PrivateKey::from(pair).to_openssh(LineEnding::LF).map_err(|error| error.to_string())?;
    Ok(Secret::new(text.to_string()))
}

fn two_slugs(text: &str) -> Result<[String; 2], String> {
    let slugs: Vec<String> = text.split(',').map(|slug| slug.trim().to_owned()).collect();
    let is_slug =
        |slug: &String| slug.split('/').filter(|part| !part.is_empty()).count() == 2 && slug.matches('/').count() == 1;
    match <[String; 2]>::try_from(slugs) {
        Ok(two) if two.iter().all(is_slug) && two[0] != two[1] => Ok(two),
        _ => Err("--repositories takes two different repositories: OWNER/SOURCE,OWNER/TARGET.".to_owned()),
    }
}

/// Names that nobody else has.
fn new_slugs(owner: &str) -> [String; 2] {
    let id = uuid::Uuid::new_v4().simple().to_string();
    ["source", "target"].map(|role| format!("{owner}/repo-relay-live-{}-{role}", &id[..12]))
}
