//! Faults as state: which request goes wrong, when, and how. What was not used up is reported at the end.

use std::{
    fmt,
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use globset::{GlobBuilder, GlobMatcher};
use serde_json::Value;
use tokio::sync::Notify;

use crate::RepositoryHandle;

/// An answer given in place of the real one.
#[derive(Clone, Debug)]
pub struct Canned {
    /// The status.
    pub status: u16,
    /// Headers, lower-case names.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Canned {
    /// A JSON error as the REST API gives it.
    pub fn error(status: u16, message: &str) -> Self {
        let body = serde_json::json!({
            "message": message,
            "documentation_url": "https://docs.github.com/rest",
            "status": status.to_string(),
        });
        Self {
            status,
            headers: vec![("content-type".into(), "application/json; charset=utf-8".into())],
            body: body.to_string(),
        }
    }

    /// The HTML page of a 502.
    pub fn bad_gateway() -> Self {
        let body = "<!DOCTYPE html><html><head><title>Unicorn! &middot; GitHub</title></head><body>\
                    <p><strong>We had issues producing the response to your request.</strong></p></body></html>";
        Self {
            status: 502,
            headers: vec![("content-type".into(), "text/html; charset=utf-8".into())],
            body: body.into(),
        }
    }

    /// A 503 that asks to come back in so many seconds.
    pub fn unavailable(retry_after: u64) -> Self {
        Self::error(503, "Service unavailable").header("retry-after", &retry_after.to_string())
    }

    /// A 403 of the primary rate limit that ends at this time (seconds since 1970).
    pub fn primary_limit(reset: i64) -> Self {
        Self::error(403, "API rate limit exceeded for user ID 1001.")
            .header("x-ratelimit-limit", "5000")
            .header("x-ratelimit-remaining", "0")
            .header("x-ratelimit-used", "5000")
            .header("x-ratelimit-resource", "core")
            .header("x-ratelimit-reset", &reset.to_string())
    }

    /// A 403 of the secondary rate limit.
    pub fn secondary_limit(retry_after: u64) -> Self {
        let text = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
        Self::error(403, text).header("retry-after", &retry_after.to_string())
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.to_owned()));
        self
    }
}

/// A body of any bytes and any length: what a server sends that means no good.
#[derive(Clone, Debug)]
pub struct Flood {
    /// How it begins.
    pub head: Bytes,
    /// What follows, again and again.
    pub piece: Bytes,
    /// How often; for ever when not given, which ends with the connection.
    pub times: Option<u64>,
}

impl Flood {
    /// These bytes, once.
    pub fn once(bytes: impl Into<Bytes>) -> Self {
        Self { head: bytes.into(), piece: Bytes::new(), times: Some(0) }
    }

    /// `piece` after `head`, for ever.
    pub fn endless(head: impl Into<Bytes>, piece: impl Into<Bytes>) -> Self {
        Self { head: head.into(), piece: piece.into(), times: None }
    }
}

/// The string at which a test holds a request: see [`Fault::Hold`].
#[derive(Clone, Debug, Default)]
pub struct Held(Arc<Hold>);

#[derive(Debug, Default)]
struct Hold {
    released: Notify,
    done: Mutex<bool>,
    changed: Condvar,
}

impl Held {
    /// Has the request executed, and returns once it is.
    ///
    /// # Panics
    /// When no such request came for 20 s.
    pub fn release(&self) {
        self.0.released.notify_one();
        let done = self.0.done.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.0.changed.wait_timeout_while(done, Duration::from_secs(20), |done| !*done);
        assert!(waited.is_ok_and(|(_, waited)| !waited.timed_out()), "there is no request to be released");
    }

    /// Waits until it may be executed.
    pub(crate) async fn wait(&self) {
        self.0.released.notified().await;
    }

    /// It was executed.
    pub(crate) fn done(&self) {
        *self.0.done.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.changed.notify_all();
    }
}

type Rewrite = Arc<dyn Fn(&mut Value) + Send + Sync>;

type Deed = Arc<dyn Fn(&RepositoryHandle) + Send + Sync>;

/// What goes wrong.
#[derive(Clone)]
pub enum Fault {
    /// Answers so; the request is not executed. A push is answered while its pack still comes in.
    Answer(Canned),
    /// Executes the request, then answers so.
    AnswerAfter(Canned),
    /// Answers that the primary rate limit is spent until so long from now; the request is not executed.
    Limit(Duration),
    /// Waits, then goes on as usual.
    Delay(Duration),
    /// Accepts and never answers; the request is not executed.
    Silence,
    /// Executes the request and never answers.
    SilenceAfter,
    /// Takes all of the request and executes it when the test says so, whether or not anybody still waits for the answer. For
    /// one request alone.
    Hold(Held),
    /// Resets the connection before the request's body is read.
    Reset,
    /// Closes the connection without an answer, before the request is executed.
    Close,
    /// Executes the request, then resets the connection before the answer.
    ResetAfter,
    /// Executes the request and closes the connection after so many bytes of the answer's body.
    Truncate(usize),
    /// Executes the request and resets the connection after so many bytes of the answer's body.
    ResetBody(usize),
    /// Sends another `content-type`.
    ContentType(String),
    /// Sends this body, with the real status and content type.
    Body(String),
    /// Executes the request and sends this in place of the answer's body, in chunks, with the real status and headers.
    Flood(Flood),
    /// Adds a header to the real answer, or replaces it.
    Header(String, String),
    /// Leaves a header (lower-case name) of the real answer out, `date` included.
    Without(&'static str),
    /// Executes the request and changes the answer's JSON.
    Rewrite(Rewrite),
    /// Redirects with this status to this address.
    Redirect(u16, String),
    /// git: the server does not know `filter`.
    NoFilter,
    /// git: the server answers protocol version 0.
    NoVersion2,
    /// Compresses the answer.
    Gzip,
    /// Sends the answer of git with a length instead of in chunks.
    Lengthy,
    /// Closes the connection after the answer.
    Farewell,
    /// Refuses a request body in chunks with 411.
    RefuseChunked,
    /// Does something to the repository first: the other side of a race.
    First(Deed),
}

impl Fault {
    /// Changes the JSON of the real answer.
    pub fn rewrite(change: impl Fn(&mut Value) + Send + Sync + 'static) -> Self {
        Self::Rewrite(Arc::new(change))
    }

    /// What holds the request, if anything does.
    pub(crate) fn held(faults: &[Self]) -> Option<&Held> {
        faults.iter().find_map(|fault| if let Self::Hold(held) = fault { Some(held) } else { None })
    }

    /// Does something to the repository before the request is executed.
    pub fn race(deed: impl Fn(&RepositoryHandle) + Send + Sync + 'static) -> Self {
        Self::First(Arc::new(deed))
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer(canned) => write!(f, "answer {}", canned.status),
            Self::AnswerAfter(canned) => write!(f, "execute, answer {}", canned.status),
            Self::Limit(pause) => write!(f, "primary limit for {pause:?}"),
            Self::Farewell => f.write_str("farewell"),
            Self::Delay(pause) => write!(f, "delay {pause:?}"),
            Self::Silence => f.write_str("silence"),
            Self::SilenceAfter => f.write_str("execute, silence"),
            Self::Hold(_) => f.write_str("hold"),
            Self::Reset => f.write_str("reset"),
            Self::Close => f.write_str("close"),
            Self::ResetAfter => f.write_str("execute, reset"),
            Self::Truncate(bytes) => write!(f, "truncate after {bytes} B"),
            Self::ResetBody(bytes) => write!(f, "reset after {bytes} B"),
            Self::ContentType(kind) => write!(f, "content type {kind}"),
            Self::Body(_) => f.write_str("other body"),
            Self::Flood(Flood { head, piece, times }) => {
                write!(f, "{} B, then {} B {times:?} times", head.len(), piece.len())
            }
            Self::Header(name, value) => write!(f, "header {name}: {value}"),
            Self::Without(name) => write!(f, "no header {name}"),
            Self::Rewrite(_) => f.write_str("other JSON"),
            Self::Redirect(status, to) => write!(f, "redirect {status} to {to}"),
            Self::NoFilter => f.write_str("no filter"),
            Self::NoVersion2 => f.write_str("no protocol version 2"),
            Self::Gzip => f.write_str("gzip"),
            Self::Lengthy => f.write_str("with a length"),
            Self::RefuseChunked => f.write_str("refuse chunked"),
            Self::First(_) => f.write_str("race"),
        }
    }
}

/// Which of the matching requests are hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Always,
    Nth(u64),
    First(u64),
    From(u64),
}

/// A matcher and its fault.
#[derive(Clone, Debug)]
pub struct FaultRule {
    method: String,
    pattern: String,
    glob: Option<GlobMatcher>,
    when: When,
    fault: Fault,
    seen: u64,
    applied: u64,
}

impl FaultRule {
    /// A fault for each request of this method (`*`: any) whose path matches the glob, compared without case. `*` also
    /// matches `/`. A pattern with `?` is compared with path and query, one without it with the path alone.
    pub fn on(method: &str, pattern: &str, fault: Fault) -> Self {
        let escaped = pattern.replace('?', "[?]").replace('{', "[{]");
        let glob = GlobBuilder::new(&escaped).case_insensitive(true).build().ok().map(|glob| glob.compile_matcher());
        Self {
            method: method.to_owned(),
            pattern: pattern.to_owned(),
            glob,
            when: When::Always,
            fault,
            seen: 0,
            applied: 0,
        }
    }

    /// Only the `n`-th matching request (from 1).
    #[must_use]
    pub fn nth(mut self, n: u64) -> Self {
        self.when = When::Nth(n);
        self
    }

    /// Only the first `n` matching requests.
    #[must_use]
    pub fn first(mut self, n: u64) -> Self {
        self.when = When::First(n);
        self
    }

    /// The `n`-th matching request (from 1) and all that follow.
    #[must_use]
    pub fn from(mut self, n: u64) -> Self {
        self.when = When::From(n);
        self
    }

    fn matches(&self, method: &str, path: &str) -> bool {
        let bare = path.split('?').next().unwrap_or_default();
        let text = if self.pattern.contains('?') { path } else { bare };
        (self.method == "*" || self.method.eq_ignore_ascii_case(method))
            && self.glob.as_ref().is_some_and(|glob| glob.is_match(text))
    }

    fn left_over(&self) -> bool {
        match self.when {
            When::First(n) => self.applied < n,
            When::Always | When::Nth(_) | When::From(_) => self.applied == 0,
        }
    }
}

impl fmt::Display for FaultRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, pattern, when, fault, seen, applied, .. } = self;
        write!(f, "{method} {pattern} ({when:?}): {fault:?}; {seen} matching requests, applied {applied} times")
    }
}

/// The faults in force.
#[derive(Clone, Default)]
pub(crate) struct Faults(Arc<Mutex<Vec<FaultRule>>>);

impl Faults {
    /// Adds a rule.
    pub(crate) fn add(&self, rule: FaultRule) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(rule);
    }

    /// The faults for a request, in the order of their rules; counts them as seen and applied.
    pub(crate) fn take(&self, method: &str, path: &str) -> Vec<Fault> {
        let mut rules = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut faults = Vec::new();
        for rule in rules.iter_mut().filter(|rule| rule.matches(method, path)) {
            rule.seen += 1;
            let hit = match rule.when {
                When::Always => true,
                When::Nth(n) => rule.seen == n,
                When::First(n) => rule.seen <= n,
                When::From(n) => rule.seen >= n,
            };
            if hit {
                rule.applied += 1;
                faults.push(rule.fault.clone());
            }
        }
        faults
    }

    /// Rules that were not used up, in words.
    pub(crate) fn unused(&self) -> Vec<String> {
        let rules = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rules.iter().filter(|rule| rule.left_over()).map(ToString::to_string).collect()
    }

    /// Takes all rules away.
    pub(crate) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
