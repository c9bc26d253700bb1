//! Where the step runs: the only reader of `GITHUB_*`, `RUNNER_*`, proxies and terminal variables.
//!
//! Source: <https://docs.github.com/en/actions/reference/workflows-and-actions/variables>

use std::{collections::BTreeMap, ffi::OsString, fmt, path::PathBuf};

use crate::{
    diagnosis::{Cause, Failure},
    http::Proxies,
    names::{ApiUrl, NameError, Oid, ServerUrl, Slug},
};

/// The environment, read once: names and values as text. It has no `Debug`: secrets are in it.
#[derive(Clone, Default)]
pub struct Environment {
    values: BTreeMap<String, String>,
    not_text: BTreeMap<String, OsString>,
}

impl Environment {
    /// Takes the process's environment, as it is now.
    #[allow(clippy::disallowed_methods, reason = "the one place that reads the environment; all else gets a copy")]
    pub fn of_this_process() -> Self {
        std::env::vars_os().collect()
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Takes a variable out.
    pub fn take(&mut self, name: &str) -> Option<String> {
        self.values.remove(name)
    }

    /// The names that are set, those of values that are not UTF-8 included.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().chain(self.not_text.keys()).map(String::as_str)
    }

    /// The names of variables whose value is not UTF-8.
    pub fn not_text(&self) -> impl Iterator<Item = &str> {
        self.not_text.keys().map(String::as_str)
    }

    /// The path that a variable holds, which need not be text.
    fn path(&self, name: &str) -> Option<PathBuf> {
        let text = self.get(name).map(str::trim).filter(|value| !value.is_empty());
        text.map(PathBuf::from).or_else(|| self.not_text.get(name).map(PathBuf::from))
    }
}

impl FromIterator<(OsString, OsString)> for Environment {
    fn from_iter<I: IntoIterator<Item = (OsString, OsString)>>(vars: I) -> Self {
        let mut all = Self::default();
        for (name, value) in vars {
            // Every variable that is read has an ASCII name, so this one is none of them.
            let Ok(name) = name.into_string() else { continue };
            match value.into_string() {
                Ok(value) => drop(all.values.insert(name, value)),
                // Kept: an input that cannot be read is refused, and not taken for absent.
                Err(value) => drop(all.not_text.insert(name, value)),
            }
        }
        all
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(vars: I) -> Self {
        Self { values: vars.into_iter().collect(), not_text: BTreeMap::new() }
    }
}

/// What the runner, or the shell on a laptop, says about this run.
///
/// Values that the runner gives malformed are treated as absent, except the two addresses: [`Context::server`] and
/// [`Context::api`] tell what is wrong with them, to whom needs them.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is one variable of the environment")]
pub struct Context {
    /// `GITHUB_REPOSITORY`: the workflow's own repository.
    pub repository: Option<Slug>,
    /// `GITHUB_SHA`: the commit that started the run.
    pub sha: Option<Oid>,
    /// `GITHUB_REF`: `refs/heads/…`, `refs/tags/…` or `refs/pull/…`.
    pub git_ref: Option<String>,
    /// `GITHUB_HEAD_REF`: the source branch of a pull request.
    pub head_ref: Option<String>,
    /// `GITHUB_ACTOR`.
    pub actor: Option<String>,
    /// `GITHUB_EVENT_NAME`.
    pub event: Option<String>,
    /// `GITHUB_EVENT_PATH`: the event's payload, JSON.
    pub event_file: Option<PathBuf>,
    /// `GITHUB_WORKFLOW_REF`: `owner/name/.github/workflows/file.yml@ref`.
    pub workflow_ref: Option<String>,
    /// `SERVER/REPOSITORY/actions/runs/ID` of this very run.
    pub run_url: Option<String>,
    /// `GITHUB_WORKSPACE`, else the current directory.
    pub workspace: PathBuf,
    /// `HOME`.
    pub home: Option<PathBuf>,
    /// `GITHUB_OUTPUT`: where outputs are appended.
    pub output_file: Option<PathBuf>,
    /// `GITHUB_STEP_SUMMARY`: where the summary is appended.
    pub summary_file: Option<PathBuf>,
    /// Whether a runner reads the streams (`GITHUB_ACTIONS=true`): workflow commands are spoken only then.
    pub on_runner: bool,
    /// Whether debug logging is on (`RUNNER_DEBUG=1`).
    pub debug: bool,
    /// Whether some CI system runs the program (`CI`).
    pub ci: bool,
    /// Whether colours are unwanted (`NO_COLOR`, any value but the empty one).
    pub no_color: bool,
    /// The proxies to use.
    pub proxies: ProxyVariables,
    /// Address of the remote `origin` of the repository in the current directory; filled in by the caller on a laptop.
    pub origin: Option<String>,
    server_url: Option<String>,
    api_url: Option<String>,
    gh_host: Option<String>,
}

/// The proxy variables as they were written, upper case before lower case. Their `Debug` hides them: they may hold a password.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ProxyVariables {
    /// `HTTPS_PROXY`.
    pub https: Option<String>,
    /// `HTTP_PROXY`.
    pub http: Option<String>,
    /// `NO_PROXY`.
    pub no: Option<String>,
}

impl ProxyVariables {
    /// The proxies that the variables name.
    ///
    /// # Errors
    /// `invalid-input` for a value that is no proxy address; its text is not shown.
    pub fn proxies(&self) -> Result<Proxies, Failure> {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        Proxies::new(&text(&self.https), &text(&self.http), &text(&self.no)).map_err(|what| {
            Failure::new(Cause::InvalidInput, format!("{what}."))
                .with_remedy("Correct the variable in the runner's or the job's environment.")
        })
    }
}

impl fmt::Debug for ProxyVariables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |value: &Option<String>| value.as_ref().map(|_| "***");
        f.debug_struct("ProxyVariables")
            .field("https", &shown(&self.https))
            .field("http", &shown(&self.http))
            // A list of hosts; unlike the addresses it cannot carry a password.
            .field("no", &self.no)
            .finish()
    }
}

impl Context {
    /// Reads the context out of `environment`; `current_dir` is the workspace outside a runner.
    pub fn read(environment: &Environment, current_dir: PathBuf) -> Self {
        // The runner sets some variables to an empty text instead of leaving them out: GITHUB_HEAD_REF on a push.
        let text = |name: &str| environment.get(name).map(str::trim).filter(|value| !value.is_empty());
        let owned = |name: &str| text(name).map(str::to_owned);
        let path = |name: &str| environment.path(name);
        // Both spellings are in use; curl reads `http_proxy` in lower case only.
        let proxy = |name: &str| owned(name).or_else(|| owned(&name.to_ascii_lowercase()));
        // A malformed value counts as absent: `repository` is then asked for by name, which a person can mend.
        let repository: Option<Slug> = text("GITHUB_REPOSITORY").and_then(|slug| slug.parse().ok());
        let server_url = owned("GITHUB_SERVER_URL");
        let run_url = text("GITHUB_RUN_ID")
            // It becomes part of an address in commit messages, so it has to be what a runner writes.
            .filter(|id| id.bytes().all(|byte| byte.is_ascii_digit()))
            .zip(repository.as_ref())
            // Not `GH_HOST`: a run exists only where a runner has named its server.
            .zip(server(server_url.as_deref()).ok())
            .map(|((id, repository), server)| format!("{server}/{repository}/actions/runs/{id}"));
        Self {
            sha: text("GITHUB_SHA").and_then(|sha| sha.parse().ok()),
            git_ref: owned("GITHUB_REF"),
            head_ref: owned("GITHUB_HEAD_REF"),
            actor: owned("GITHUB_ACTOR"),
            event: owned("GITHUB_EVENT_NAME"),
            event_file: path("GITHUB_EVENT_PATH"),
            workflow_ref: owned("GITHUB_WORKFLOW_REF"),
            run_url,
            workspace: path("GITHUB_WORKSPACE").unwrap_or(current_dir),
            home: path("HOME"),
            output_file: path("GITHUB_OUTPUT"),
            summary_file: path("GITHUB_STEP_SUMMARY"),
            // Other systems set `CI` as well, but read no workflow commands. The runner documents this one value.
            on_runner: text("GITHUB_ACTIONS") == Some("true"),
            // The runner sets it only with debug logging on, and then always to 1.
            debug: text("RUNNER_DEBUG") == Some("1"),
            // By custom any value but `false` means yes.
            ci: text("CI").is_some_and(|value| value != "false"),
            // Any value that is not empty counts, `0` included: https://no-color.org.
            no_color: text("NO_COLOR").is_some(),
            proxies: ProxyVariables { https: proxy("HTTPS_PROXY"), http: proxy("HTTP_PROXY"), no: proxy("NO_PROXY") },
            origin: None,
            repository,
            // A runner names its server itself; on a laptop the variable means what it means to gh.
            gh_host: owned("GH_HOST").filter(|_| text("GITHUB_ACTIONS") != Some("true")),
            server_url,
            api_url: owned("GITHUB_API_URL"),
        }
    }

    /// The workflow's own server: `GITHUB_SERVER_URL`, on a laptop else `GH_HOST`, else github.com.
    ///
    /// # Errors
    /// When the variable is set and no address of a server.
    pub fn server(&self) -> Result<ServerUrl, NameError> {
        match (&self.server_url, &self.gh_host) {
            // A runner's variable wins: a laptop that sets both means to act like a runner.
            (None, Some(host)) => gh_server(host),
            (variable, _) => server(variable.as_deref()),
        }
    }

    /// The variable that [`Self::server`] is read from; none where github.com is meant for want of one.
    pub fn server_variable(&self) -> Option<&'static str> {
        let set = [("GITHUB_SERVER_URL", &self.server_url), ("GH_HOST", &self.gh_host)];
        set.into_iter().find(|(_, value)| value.is_some()).map(|(name, _)| name)
    }

    /// `GITHUB_API_URL`, where it is set.
    ///
    /// # Errors
    /// When the variable is set and no address.
    pub fn api(&self) -> Result<Option<ApiUrl>, NameError> {
        self.api_url.as_deref().map(str::parse).transpose()
    }
}

/// The server that `GH_HOST` names: a host's name alone. Like gh, this machine itself is spoken to without TLS.
///
/// Source: <https://cli.github.com/manual/gh_help_environment>
fn gh_server(host: &str) -> Result<ServerUrl, NameError> {
    // gh takes a bare host name. A whole address is what people paste, and is clear enough.
    if host.contains("://") {
        return host.parse();
    }
    let server: ServerUrl = format!("https://{host}").parse()?;
    // A server on this machine has no certificate that could be verified.
    if server.is_loopback() { format!("http://{host}").parse() } else { Ok(server) }
}

fn server(variable: Option<&str>) -> Result<ServerUrl, NameError> {
    variable.unwrap_or("https://github.com").parse()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(pairs: &[(&str, &str)]) -> Context {
        let environment = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Context::read(&environment, PathBuf::from("/here"))
    }

    #[test]
    fn a_runner_is_read() {
        let context = context(&[
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_REPOSITORY", "octo/source"),
            ("GITHUB_SHA", "0123456789abcdef0123456789abcdef01234567"),
            ("GITHUB_REF", "refs/heads/main"),
            ("GITHUB_ACTOR", "octocat"),
            ("GITHUB_RUN_ID", "42"),
            ("GITHUB_SERVER_URL", "https://ghes.example.test:8443/"),
            ("GITHUB_API_URL", "https://ghes.example.test:8443/api/v3"),
            ("GITHUB_WORKSPACE", "/github/workspace"),
            ("GITHUB_OUTPUT", "/github/file_commands/out"),
            ("RUNNER_DEBUG", "1"),
        ]);
        assert!(context.on_runner && context.debug && !context.ci && !context.no_color);
        assert_eq!(context.run_url.as_deref(), Some("https://ghes.example.test:8443/octo/source/actions/runs/42"));
        assert_eq!(context.workspace, PathBuf::from("/github/workspace"));
        assert_eq!(context.output_file, Some(PathBuf::from("/github/file_commands/out")));
        assert_eq!(context.server().unwrap().to_string(), "https://ghes.example.test:8443");
        assert_eq!(context.api().unwrap().unwrap().to_string(), "https://ghes.example.test:8443/api/v3");
        assert_eq!(context.sha.unwrap().short(), "0123456");
    }

    #[test]
    fn a_laptop_has_defaults() {
        let context = context(&[("GITHUB_REPOSITORY", ""), ("NO_COLOR", ""), ("CI", "false")]);
        assert!(!context.on_runner && !context.debug && !context.ci && !context.no_color);
        assert!(context.repository.is_none() && context.run_url.is_none());
        assert_eq!(context.workspace, PathBuf::from("/here"));
        assert!(context.server().unwrap().is_github_com());
        assert!(context.api().unwrap().is_none());
    }

    #[test]
    fn gh_host_names_the_server_of_a_laptop_alone() {
        let server = |pairs: &[(&str, &str)]| context(pairs).server().map(|server| server.to_string());
        let gh = ("GH_HOST", "ghe.acme.test");
        assert_eq!(server(&[gh]).unwrap(), "https://ghe.acme.test");
        assert_eq!(server(&[("GH_HOST", "127.0.0.1:4000")]).unwrap(), "http://127.0.0.1:4000");
        assert_eq!(server(&[gh, ("GITHUB_SERVER_URL", "https://other.test")]).unwrap(), "https://other.test");
        assert_eq!(server(&[gh, ("GITHUB_ACTIONS", "true")]).unwrap(), "https://github.com");
        assert!(server(&[("GH_HOST", "a b")]).is_err());
    }

    #[test]
    fn malformed_runner_values_count_as_absent_but_addresses_tell() {
        let context = context(&[
            ("GITHUB_REPOSITORY", "no slug"),
            ("GITHUB_SHA", "main"),
            ("GITHUB_RUN_ID", "1/../../x"),
            ("GITHUB_SERVER_URL", "http://ghes.example.test"),
            ("GITHUB_API_URL", "nonsense"),
        ]);
        assert!(context.repository.is_none() && context.sha.is_none() && context.run_url.is_none());
        assert!(matches!(context.server(), Err(NameError::Insecure(_))));
        assert!(context.api().is_err());
    }

    #[test]
    fn proxies_are_read_in_either_case_and_do_not_print() {
        let context = context(&[
            ("https_proxy", "http://user:hunter2@proxy.example.test:3128"),
            ("HTTP_PROXY", "http://upper.example.test"),
            ("http_proxy", "http://lower.example.test"),
            ("no_proxy", "localhost,.example.test"),
        ]);
        assert_eq!(context.proxies.http.as_deref(), Some("http://upper.example.test"));
        assert_eq!(context.proxies.no.as_deref(), Some("localhost,.example.test"));
        assert!(!format!("{context:?}").contains("hunter2"));
        assert!(context.proxies.proxies().is_ok());
    }

    #[test]
    fn a_proxy_that_is_no_address_is_refused_without_its_text() {
        let context = context(&[("HTTPS_PROXY", "ftp://user:hunter2@proxy.example.test")]);
        let failure = context.proxies.proxies().unwrap_err();
        assert_eq!(failure.cause, Cause::InvalidInput);
        assert!(failure.what.contains("HTTPS_PROXY") && !failure.to_string().contains("hunter2"), "{failure}");
    }

    #[cfg(unix)]
    #[test]
    fn a_value_that_is_not_text_is_known_by_its_name_alone() {
        use std::os::unix::ffi::OsStringExt as _;
        let bytes = || OsString::from_vec(vec![b'a', 0xff]);
        let environment: Environment =
            [(OsString::from("INPUT_DIRECTORY"), bytes()), (bytes(), bytes())].into_iter().collect();
        assert_eq!(environment.get("INPUT_DIRECTORY"), None);
        assert_eq!(environment.names().collect::<Vec<_>>(), ["INPUT_DIRECTORY"]);
    }
}
