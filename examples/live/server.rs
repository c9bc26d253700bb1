//! The one way to the server. Every request of this program goes through [`Server`]; one that writes names a repository, and
//! [`Server::own`] refuses every name but those of the run's two.

use std::{
    cell::{Cell, RefCell},
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, Request};
use repo_relay::{
    credential::{Redactor, Secret},
    http::{Body, HttpClient, Proxies, Settings},
};
use serde_json::Value;
use tokio::{
    runtime::{Builder, Runtime},
    signal::unix::{SignalKind, signal},
};

use super::options::Options;

/// Longest wait for one answer.
const PATIENCE: Duration = Duration::from_secs(90);

/// Pause before a write: GitHub asks for a second between two of them.
///
/// <https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#pause-between-mutative-requests>
const PAUSE: Duration = Duration::from_secs(1);

/// Most bytes of an answer that are read.
const LONGEST: usize = 16 << 20;

/// Why the run ends before its end.
#[derive(Debug)]
pub(crate) enum Stop {
    /// A signal came.
    Interrupted,
    /// Something that nothing further can be learnt after.
    Failed(String),
}

impl Stop {
    pub(crate) fn failed(what: impl Into<String>) -> Self {
        Self::Failed(what.into())
    }
}

/// Whether a signal has asked the run to end.
#[derive(Clone, Default)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Set by SIGINT, SIGTERM and SIGHUP from now on.
    ///
    /// # Errors
    /// The system's.
    pub(crate) fn of_signals() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let interrupt = Self::default();
        let flag = interrupt.clone();
        let mut signals = {
            let _inside = runtime.enter();
            [signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, signal(SignalKind::hangup())?]
        };
        std::thread::spawn(move || {
            runtime.block_on(async {
                let [first, second, third] = &mut signals;
                loop {
                    tokio::select! { _ = first.recv() => {}, _ = second.recv() => {}, _ = third.recv() => {} }
                    eprintln!("A signal came: the run ends, and what it made is removed. This takes a few seconds.");
                    flag.0.store(true, Ordering::Relaxed);
                }
            });
        });
        Ok(interrupt)
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// How a request says who asks.
#[derive(Clone, Copy)]
pub(crate) enum Auth<'a> {
    None,
    /// REST.
    Bearer(&'a Secret),
    /// git over HTTP.
    Git(&'a Secret),
    /// git over HTTP with the header twice, as a leftover of actions/checkout makes it.
    GitTwice(&'a Secret),
}

/// An answer.
pub(crate) struct Seen {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// The body, where it is JSON; else null.
    pub(crate) json: Value,
    /// Path of the address that answered, which differs from the one that was asked where a redirect was followed.
    pub(crate) path: String,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Status and message, of a refusal with its reasons.
    pub(crate) fn words(&self) -> String {
        let message = self.json["message"].as_str().unwrap_or_default();
        let errors = self.json["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        let reasons = errors.iter().filter_map(|error| error["message"].as_str());
        let words: Vec<&str> = std::iter::once(message).chain(reasons).filter(|text| !text.is_empty()).collect();
        format!("{} {}", self.status, words.join(": ")).trim_end().to_owned()
    }

    /// This answer when it is a success.
    ///
    /// # Errors
    /// Its words, after `what` could not be done.
    pub(crate) fn success(self, what: &str) -> Result<Self, Stop> {
        if (200..300).contains(&self.status) {
            Ok(self)
        } else {
            Err(Stop::failed(format!("{what}: {}", self.words())))
        }
    }
}

/// The server, and what may be written there.
pub(crate) struct Server {
    runtime: Runtime,
    client: HttpClient,
    web: String,
    api: String,
    own: Vec<String>,
    /// The name that the source bears for a moment, where the run made it.
    moved: Option<String>,
    interrupt: Interrupt,
    minted: RefCell<Vec<Secret>>,
    clearing: Cell<bool>,
    requests: Cell<usize>,
    pause: Duration,
    redactor: Redactor,
}

impl Server {
    /// A client of the server that `options` names, allowed to write to its two repositories.
    ///
    /// # Errors
    /// What makes that impossible, for a person.
    pub(crate) fn new(options: &Options, interrupt: Interrupt) -> Result<Self, String> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        let variable = |name: &str| {
            [name.to_uppercase(), name.to_lowercase()]
                .iter()
                .find_map(|name| std::env::var(name).ok())
                .unwrap_or_default()
        };
        let proxies = Proxies::new(&variable("https_proxy"), &variable("http_proxy"), &variable("no_proxy"))?;
        let settings = Settings { proxies, ..Settings::to(vec![options.web.clone(), options.api.clone()]) };
        let client = {
            let _inside = runtime.enter();
            HttpClient::new(&settings).map_err(|error| error.to_string())?
        };
        let text = |url: &url::Url| url.as_str().trim_end_matches('/').to_owned();
        let key = options.app.as_ref().map(|(_, key)| key);
        let secrets = [&options.classic, &options.fine_grained, &options.fine_grained_read, &options.github_token];
        let redactor = Redactor::new(secrets.into_iter().flatten().chain(key).chain([&options.deploy_key]));
        Ok(Self {
            runtime,
            client,
            web: text(&options.web),
            api: text(&options.api),
            own: options.slugs.to_vec(),
            moved: options.make.then(|| format!("{}-moved", options.slugs[0])),
            interrupt,
            minted: RefCell::default(),
            clearing: Cell::new(false),
            requests: Cell::new(0),
            pause: if options.is_loopback() { Duration::ZERO } else { PAUSE },
            redactor,
        })
    }

    /// Web address, without a slash at its end.
    pub(crate) fn web(&self) -> &str {
        &self.web
    }

    /// Address of the REST interface, without a slash at its end.
    pub(crate) fn api(&self) -> &str {
        &self.api
    }

    pub(crate) fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// Requests so far, without those of the program under test.
    pub(crate) fn requests(&self) -> usize {
        self.requests.get()
    }

    /// From now on signals are no reason to end: what was made is removed.
    pub(crate) fn clear(&self) {
        self.clearing.set(true);
    }

    /// The guard: lets a write to one of the run's two repositories through, and no other.
    ///
    /// # Errors
    /// For every other name.
    pub(crate) fn own<'a>(&self, slug: &'a str) -> Result<&'a str, Stop> {
        if self.own.iter().chain(&self.moved).any(|own| own == slug) {
            return Ok(slug);
        }
        Err(Stop::failed(format!("A write to {slug} was held back: it is not one of {}.", self.own.join(" and "))))
    }

    /// Reads `path` of the REST interface.
    ///
    /// # Errors
    /// When no answer came, or a signal.
    pub(crate) fn read(&self, auth: Auth<'_>, path: &str) -> Result<Seen, Stop> {
        self.send("GET", &format!("{}{path}", self.api), auth, &[], None)
    }

    /// As [`Self::read`], with another version of the interface.
    ///
    /// # Errors
    /// As there.
    pub(crate) fn read_version(&self, auth: Auth<'_>, path: &str, version: &str) -> Result<Seen, Stop> {
        self.send("GET", &format!("{}{path}", self.api), auth, &[("x-github-api-version", version)], None)
    }

    /// The first request of a push, which changes nothing.
    ///
    /// # Errors
    /// As of [`Self::read`].
    pub(crate) fn receive_pack(&self, auth: Auth<'_>, slug: &str) -> Result<Seen, Stop> {
        let url = format!("{}/{slug}.git/info/refs?service=git-receive-pack", self.web);
        self.send("GET", &url, auth, &[("user-agent", "git/2.47.3")], None)
    }

    /// Changes something of a repository of the run.
    ///
    /// # Errors
    /// As of [`Self::read`], and when the repository is another one.
    pub(crate) fn write(
        &self,
        auth: Auth<'_>,
        method: &str,
        slug: &str,
        rest: &str,
        body: &Value,
    ) -> Result<Seen, Stop> {
        self.write_version(auth, method, slug, rest, (body, None))
    }

    /// As [`Self::write`], with another version of the interface.
    ///
    /// # Errors
    /// As there.
    pub(crate) fn write_version(
        &self,
        auth: Auth<'_>,
        method: &str,
        slug: &str,
        rest: &str,
        (body, version): (&Value, Option<&str>),
    ) -> Result<Seen, Stop> {
        let url = format!("{}/repos/{}{rest}", self.api, self.own(slug)?);
        let version = version.map(|version| ("x-github-api-version", version));
        self.rest()?;
        self.send(method, &url, auth, version.as_slice(), (!body.is_null()).then_some(body))
    }

    /// Makes a repository of the run for a user or an organization.
    ///
    /// # Errors
    /// As of [`Self::write`].
    pub(crate) fn create(&self, auth: Auth<'_>, slug: &str, organization: bool) -> Result<Seen, Stop> {
        let (owner, name) = self.own(slug)?.split_once('/').unwrap_or_default();
        let path = if organization { format!("/orgs/{owner}/repos") } else { "/user/repos".to_owned() };
        let body = serde_json::json!({"name": name, "private": true, "auto_init": true, "has_wiki": true,
            "description": "Made by repo-relay's script/live and deleted when it ends."});
        self.rest()?;
        self.send("POST", &format!("{}{path}", self.api), auth, &[], Some(&body))
    }

    /// A GraphQL mutation of something that the repository `slug` of the run holds.
    ///
    /// # Errors
    /// As of [`Self::write`].
    pub(crate) fn mutate(&self, auth: Auth<'_>, slug: &str, query: &str, variables: &Value) -> Result<Seen, Stop> {
        self.own(slug)?;
        let api = self.api.strip_suffix("/v3").unwrap_or(&self.api);
        let body = serde_json::json!({"query": query, "variables": variables});
        self.send("POST", &format!("{api}/graphql"), auth, &[], Some(&body))
    }

    /// An installation token for the repositories of the run and no others.
    ///
    /// # Errors
    /// As of [`Self::read`], and when it is refused.
    pub(crate) fn mint(
        &self,
        statement: &Secret,
        installation: u64,
        permissions: Option<&Value>,
    ) -> Result<Secret, Stop> {
        let names: Vec<&str> = self.own.iter().filter_map(|slug| Some(slug.split_once('/')?.1)).collect();
        let mut body = serde_json::json!({ "repositories": names });
        if let Some(permissions) = permissions {
            body["permissions"] = permissions.clone();
        }
        let url = format!("{}/app/installations/{installation}/access_tokens", self.api);
        let made =
            self.send("POST", &url, Auth::Bearer(statement), &[], Some(&body))?.success("No token was minted")?;
        let token = Secret::new(made.json["token"].as_str().unwrap_or_default().to_owned());
        self.redactor.learn([&token]);
        self.minted.borrow_mut().push(token.clone());
        Ok(token)
    }

    /// Ends the tokens that were minted; those that live on, in words.
    pub(crate) fn end_minted(&self) -> Vec<String> {
        let url = format!("{}/installation/token", self.api);
        let tokens = self.minted.take();
        let ended = tokens.iter().map(|token| self.send("DELETE", &url, Auth::Bearer(token), &[], None));
        let told = |end: Result<Seen, Stop>| match end {
            Ok(seen) if seen.status == 204 => None,
            Ok(seen) => Some(format!("an installation token, which ends within the hour ({})", seen.words())),
            Err(stop) => Some(format!("an installation token, which ends within the hour ({stop:?})")),
        };
        ended.filter_map(told).collect()
    }

    /// Asks for the revocation of a token that nobody ever had.
    ///
    /// # Errors
    /// As of [`Self::read`].
    pub(crate) fn revoke_unknown(&self) -> Result<Seen, Stop> {
        let made_up = uuid::Uuid::new_v4().simple().to_string();
        let body = serde_json::json!({"credentials": [format!("ghp_{made_up}0000")]});
        self.send("POST", &format!("{}/credentials/revoke", self.api), Auth::None, &[], Some(&body))
    }

    /// The pause before a write.
    fn rest(&self) -> Result<(), Stop> {
        // A runner that cancels a job gives it seconds.
        if self.clearing.get() { Ok(()) } else { self.sleep(self.pause) }
    }

    /// Waits, and ends early when a signal comes.
    ///
    /// # Errors
    /// The signal.
    pub(crate) fn sleep(&self, whole: Duration) -> Result<(), Stop> {
        let mut left = whole;
        while !left.is_zero() {
            self.go_on()?;
            let part = left.min(Duration::from_millis(100));
            std::thread::sleep(part);
            left -= part;
        }
        self.go_on()
    }

    /// # Errors
    /// When a signal has come and nothing is being removed.
    pub(crate) fn go_on(&self) -> Result<(), Stop> {
        if self.interrupt.is_set() && !self.clearing.get() { Err(Stop::Interrupted) } else { Ok(()) }
    }

    fn send(
        &self,
        method: &str,
        url: &str,
        auth: Auth<'_>,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Seen, Stop> {
        self.go_on()?;
        let mut request = Request::builder().method(method).uri(url).header("accept", "application/vnd.github+json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let basic =
            |token: &Secret| format!("Basic {}", BASE64_STANDARD.encode(format!("x-access-token:{}", token.expose())));
        let authorization = match auth {
            Auth::None => Vec::new(),
            Auth::Bearer(token) => vec![format!("Bearer {}", token.expose())],
            Auth::Git(token) => vec![basic(token)],
            Auth::GitTwice(token) => vec![basic(token); 2],
        };
        for value in authorization {
            request = request.header("authorization", value);
        }
        let body = match body {
            Some(body) => Body::from(bytes::Bytes::from(body.to_string())),
            None => Body::empty(),
        };
        let told = |error: &dyn std::fmt::Display| {
            Stop::failed(format!("{method} {url}: {}", self.redactor.redact(&error.to_string())))
        };
        let request = request.body(body).map_err(|error| told(&error))?;
        self.requests.set(self.requests.get() + 1);
        self.runtime.block_on(async {
            let exchange = async {
                let answer = self.client.send(request).await.map_err(|error| told(&error))?;
                let (status, headers, path) =
                    (answer.status.as_u16(), answer.headers.clone(), answer.url.path().to_owned());
                let bytes = answer.body.bytes(LONGEST).await.map_err(|error| told(&error))?;
                let json = serde_json::from_slice(&bytes).unwrap_or_default();
                Ok(Seen { status, headers, json, path })
            };
            tokio::time::timeout(PATIENCE, exchange).await.map_err(|_| told(&"no answer within 90 seconds"))?
        })
    }
}
