//! The one HTTP client, under REST and git alike: HTTP/1.1 with keep-alive over rustls, through the proxies that the
//! environment names, to the hosts that the step names and to no other.
//!
//! It retries nothing and reads no environment. Names, reasons and addresses may appear in its errors; credentials do not.

mod body;
mod certificate;
mod connect;
mod error;
mod names;
mod proxy;
mod redirect;
#[cfg(test)]
pub(crate) mod tests;
mod trust;

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri,
    header::{CONTENT_LENGTH, PROXY_AUTHORIZATION, USER_AGENT},
};
use hyper_util::{
    client::legacy::{
        Client,
        connect::{CaptureConnection, capture_connection},
    },
    rt::{TokioExecutor, TokioTimer},
};
use url::Url;

pub use self::{
    body::{AnswerBody, Body},
    error::{HttpError, HttpErrorKind},
    names::Names,
    proxy::Proxies,
    trust::Trust,
};
use self::{
    body::{BodyControl, OutgoingBody},
    connect::{Activity, Connector},
    redirect::{WebOrigin, not_followed, redirection},
};
use crate::{credential::Redactor, diagnosis::errors::RedirectFault};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// How many redirects one request follows.
const REDIRECTS: u32 = 5;

/// The longest that a server may work on a push without a word, whatever the budget.
const LONGEST_WORK: Duration = Duration::from_hours(1);

/// What a request calls itself unless it brings a `User-Agent` of its own. GitHub refuses requests without one.
pub const AGENT: &str = concat!("repo-relay/", env!("CARGO_PKG_VERSION"));

/// What a client is made of.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Who is spoken to: the target's server and its REST interface. Requests to another scheme, host or port are refused.
    pub origins: Vec<Url>,
    /// How host names are looked up.
    pub names: Names,
    /// The proxies.
    pub proxies: Proxies,
    /// The private CA, if there is one.
    pub trust: Trust,
    /// The bound of one TCP connection; name look-up, proxy and TLS together have as long again.
    pub connect: Duration,
    /// How long a silent server is waited for.
    pub waits: Waits,
    /// What takes the secrets out of the servers' texts.
    pub redactor: Redactor,
}

/// How long a server may be silent while an answer is due: no byte moves in either direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waits {
    /// Usually.
    pub silence: Duration,
    /// Once it was sent all of a request that it may work on for long: a push ([`LongWork`]), whose pack is unpacked and whose
    /// hooks run.
    pub work: Duration,
}

impl Waits {
    /// The usual ones of a step that has `budget` in all: 60 s, and half of the budget for work, so that a look at what became
    /// of it and another try still have their time.
    ///
    /// NOTE: git itself waits for ever. A server of its kind says every five seconds that it still works
    /// (`receive.keepAlive`); it is proxies on the way, and servers of other kinds, that keep this to themselves.
    pub fn within(budget: Duration) -> Self {
        let silence = Duration::from_mins(1);
        Self { silence, work: (budget / 2).clamp(silence, LONGEST_WORK) }
    }
}

/// Marks a request, as one of its extensions, that the server may work on for long without a word.
#[derive(Clone, Copy, Debug)]
pub struct LongWork;

impl Settings {
    /// The usual settings for these servers: the system's names, no proxy, public roots, 10 s to connect, the waits of a
    /// budget of 15 minutes.
    pub fn to(origins: Vec<Url>) -> Self {
        Self {
            origins,
            names: Names::default(),
            proxies: Proxies::none(),
            trust: Trust::default(),
            connect: Duration::from_secs(10),
            waits: Waits::within(Duration::from_mins(15)),
            redactor: Redactor::default(),
        }
    }
}

/// What went over the network so far. Bytes are those of bodies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Requests, redirects included.
    pub requests: u64,
    /// Bytes sent.
    pub sent: u64,
    /// Bytes received.
    pub received: u64,
}

/// Requests, and bytes of bodies in both directions.
#[derive(Clone, Debug, Default)]
struct TrafficCounters {
    requests: Arc<AtomicU64>,
    sent: Arc<AtomicU64>,
    received: Arc<AtomicU64>,
}

/// An answer whose head is there; its body follows as it is read.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The address that answered: another one than was asked where a redirect was followed.
    pub url: Uri,
    /// The body.
    pub body: AnswerBody,
}

/// The client. A clone shares connections and counters.
#[derive(Clone)]
pub struct HttpClient {
    client: Client<Connector, OutgoingBody>,
    origins: Arc<[WebOrigin]>,
    is_lent: bool,
    proxies: Proxies,
    waits: Waits,
    counters: TrafficCounters,
    redactor: Redactor,
}

impl HttpClient {
    /// A client over `settings`. Opens no connection. Must be called, and used, inside a tokio runtime.
    pub fn new(settings: &Settings) -> Result<Self, HttpError> {
        let connector =
            Connector::new(&settings.trust, settings.names.clone(), settings.proxies.clone(), settings.connect);
        let connector = connector.map_err(|error| HttpError::unsent(HttpErrorKind::TlsSettings(error.to_string())))?;
        let origins = settings.origins.iter().filter_map(WebOrigin::of_url).collect();
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            // NOTE: shorter than servers keep a connection, so that few requests meet one that was just closed.
            .pool_idle_timeout(Duration::from_secs(20))
            .build(connector);
        let proxies = settings.proxies.clone();
        Ok(Self {
            client,
            origins,
            is_lent: false,
            proxies,
            waits: settings.waits,
            counters: TrafficCounters::default(),
            redactor: settings.redactor.clone(),
        })
    }

    /// The same client, connections shared, with counters that begin at zero: for one target among several.
    #[must_use]
    pub fn counted_apart(&self) -> Self {
        Self { counters: TrafficCounters::default(), ..self.clone() }
    }

    /// The same client, connections and counters shared, that speaks to the origin of `address` and to no other: for an
    /// address that the target's server hands out with headers of its own, such as that of a storage. Proxies and trust
    /// are the same. Its addresses are not traced with their queries, which may hold a signature.
    #[must_use]
    pub fn lent_to(&self, address: &Url) -> Self {
        Self { origins: WebOrigin::of_url(address).into_iter().collect(), is_lent: true, ..self.clone() }
    }

    /// What takes the secrets out of the servers' texts.
    pub fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// How long a silent server is waited for.
    pub fn waits(&self) -> Waits {
        self.waits
    }

    /// What this client and its clones moved so far.
    pub fn traffic(&self) -> Traffic {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let TrafficCounters { requests, sent, received } = &self.counters;
        Traffic { requests: read(requests), sent: read(sent), received: read(received) }
    }

    /// Sends `request`, whose URI is absolute, and returns when the head of the answer is there, whatever its status.
    ///
    /// Redirects are followed on the same scheme, host and port (a renamed repository): up to five, 301, 302 and 303
    /// for GET and HEAD, 307 and 308 for whatever can be sent again. Any other redirect is an error, since it would take the
    /// credential elsewhere. Nothing else is sent twice, and the whole has no deadline: that is the caller's.
    ///
    /// A `User-Agent` is added where there is none. Git traffic should bring one that begins with `git/`, as servers
    /// and the proxies before them tell git by it.
    pub async fn send(&self, request: Request<Body>) -> Result<Answer, HttpError> {
        let (mut parts, mut body) = request.into_parts();
        parts.headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(AGENT));
        let silence = self.waits.silence;
        let long = parts.extensions.get::<LongWork>().is_some();
        let waits = Waits { work: if long { self.waits.work } else { silence }, silence };
        for _ in 0..=REDIRECTS {
            // For a redirect. Bytes are shared, not copied.
            let again = body.whole().cloned();
            let mut request = Request::builder().method(parts.method.clone()).uri(parts.uri.clone()).body(body);
            if let Ok(request) = &mut request {
                *request.headers_mut() = parts.headers.clone();
            }
            let request = request.map_err(|error| HttpError::unsent(HttpErrorKind::Request(error.to_string())))?;
            let answer = self.send_once(request, waits).await?;
            let Some(target) = redirection(&parts.method, &answer)? else { return Ok(answer) };
            let Some(bytes) = again else {
                return Err(not_followed(&answer, RedirectFault::NotRepeatable));
            };
            parts.uri = target;
            body = bytes.into();
        }
        let host = host_of(&parts.uri);
        Err(HttpError::sent(HttpErrorKind::Redirects { host, limit: REDIRECTS }).permanent())
    }

    async fn send_once(&self, mut request: Request<Body>, waits: Waits) -> Result<Answer, HttpError> {
        let uri = request.uri().clone();
        // The one gate of every request: no caller can send a credential to another host by mistake.
        if !WebOrigin::of(&uri).is_some_and(|origin| self.origins.contains(&origin)) {
            return Err(HttpError::unsent(HttpErrorKind::ForeignHost(host_of(&uri))));
        }
        if let Some(authorization) = self.proxies.forward_authorization(&uri) {
            request.headers_mut().insert(PROXY_AUTHORIZATION, authorization);
        }
        let (parts, body) = request.into_parts();
        // With a length hyper does not ask for the end of the body, so that the last byte has to be counted.
        let length = parts.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        let (body, control) = body.outgoing(Arc::clone(&self.counters.sent), length);
        let mut request = Request::from_parts(parts, body);
        let connection = capture_connection(&mut request);
        self.counters.requests.fetch_add(1, Ordering::Relaxed);
        let host = host_of(&uri);
        let (method, begun) = (request.method().clone(), Instant::now());
        let response = self.watched(request, &connection, &control, &host, waits).await;
        let address = uri.to_string();
        // The query of a pre-signed address is a credential.
        let shown = if self.is_lent { address.split('?').next().unwrap_or_default() } else { &address };
        trace(&method, shown, &response, begun.elapsed());
        let response = response?;
        // A proxy that forwards plain http answers in the server's place.
        if response.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED
            && let Some(proxy) = self.proxies.forwarder(&uri)
        {
            return Err(error::refused_by_proxy(&proxy));
        }
        let activity = activity_of(&connection);
        let (parts, body) = response.into_parts();
        let counter = Arc::clone(&self.counters.received);
        let body = AnswerBody { body, host, waits, activity, waiting: None, control, counter };
        Ok(Answer { status: parts.status, headers: parts.headers, url: uri, body })
    }

    /// Waits for the head of the answer, as long as bytes move in either direction or our own data is not ready.
    async fn watched(
        &self,
        request: Request<OutgoingBody>,
        connection: &CaptureConnection,
        control: &BodyControl,
        host: &str,
        waits: Waits,
    ) -> Result<Response<hyper::body::Incoming>, HttpError> {
        let mut response = pin!(self.client.request(request));
        let mut since = Instant::now();
        let mut rest = waits.silence;
        loop {
            match tokio::time::timeout(rest, &mut response).await {
                Ok(Ok(response)) => return Ok(response),
                Ok(Err(error)) => return Err(error::of_client(&error, host)),
                Err(_) => {}
            }
            // Connecting has a bound of its own, and our own slowness is not the server's silence.
            let activity = activity_of(connection);
            if activity.is_none() || control.is_producing() {
                since = Instant::now();
            }
            let last = activity.map_or(since, |activity| activity.last().max(since));
            let limit = control.limit(waits);
            rest = limit.saturating_sub(last.elapsed());
            if rest.is_zero() {
                return Err(HttpError::silence(host, limit));
            }
        }
    }
}

impl std::fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpClient")
            .field("origins", &self.origins)
            .field("proxies", &self.proxies)
            .finish_non_exhaustive()
    }
}

/// Host, and the port where one is written.
fn host_of(uri: &Uri) -> String {
    let Some(host) = uri.host() else { return "the server".to_owned() };
    uri.port_u16().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn activity_of(connection: &CaptureConnection) -> Option<Activity> {
    let mut extras = http::Extensions::new();
    connection.connection_metadata().as_ref()?.get_extras(&mut extras);
    extras.remove::<Activity>()
}

/// What debug logging shows of one request.
fn trace<B>(method: &Method, uri: &str, response: &Result<Response<B>, HttpError>, took: Duration) {
    let took = took.as_millis();
    match response {
        Ok(response) => {
            let id = response.headers().get("x-github-request-id").and_then(|id| id.to_str().ok()).unwrap_or("none");
            tracing::debug!("{method} {uri}: status {}, request id {id}, {took} ms", response.status().as_u16());
        }
        Err(error) => tracing::debug!("{method} {uri}: {error} ({took} ms)"),
    }
}
