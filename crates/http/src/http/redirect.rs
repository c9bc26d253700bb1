//! Redirects: followed on the same server alone, with what may be sent again.

use http::{Method, Uri, header::LOCATION};
use url::Url;

use super::{
    Answer,
    error::{HttpError, HttpErrorKind},
    host_of,
};
use crate::diagnosis::errors::RedirectFault;

/// Scheme, host and port: what a credential belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WebOrigin {
    scheme: String,
    host: String,
    port: Option<u16>,
}

impl WebOrigin {
    pub(super) fn of(uri: &Uri) -> Option<Self> {
        Self::of_url(&Url::parse(&uri.to_string()).ok()?)
    }

    /// Nothing for an address with a user name in it: credentials do not travel in addresses here.
    pub(super) fn of_url(url: &Url) -> Option<Self> {
        let plain = url.username().is_empty() && url.password().is_none();
        let host = url.host_str().filter(|_| plain)?.to_ascii_lowercase();
        Some(Self { scheme: url.scheme().to_owned(), host, port: url.port_or_known_default() })
    }
}

/// Where a redirect leads, `None` when the answer is none.
pub(super) fn redirection(method: &Method, answer: &Answer) -> Result<Option<Uri>, HttpError> {
    let reads = method == Method::GET || method == Method::HEAD;
    match answer.status.as_u16() {
        // Clients repeat it as a GET (RFC 9110, section 15.4), and the push would be lost without an error.
        301..=303 if !reads => return Err(not_followed(answer, RedirectFault::WriteIntoRead)),
        301..=303 | 307 | 308 => {}
        _ => return Ok(None),
    }
    let base = Url::parse(&answer.url.to_string()).ok();
    let location = answer.headers.get(LOCATION).and_then(|location| location.to_str().ok());
    let target = base.as_ref().zip(location).and_then(|(base, location)| base.join(location).ok());
    let Some(target) = target else { return Err(not_followed(answer, RedirectFault::NoAddress)) };
    if WebOrigin::of_url(&target) != WebOrigin::of(&answer.url) {
        let other = target.host_str().unwrap_or("another host").to_owned();
        return Err(not_followed(answer, RedirectFault::OtherServer(other)));
    }
    // A fragment is never sent.
    let sent = target.as_str().split('#').next().unwrap_or_default();
    sent.parse().map(Some).map_err(|_| not_followed(answer, RedirectFault::Unreadable))
}

/// The error of a redirect that leads to where nothing may be sent.
pub(super) fn not_followed(answer: &Answer, fault: RedirectFault) -> HttpError {
    let (host, status) = (host_of(&answer.url), answer.status.as_u16());
    HttpError::unsent(HttpErrorKind::Redirect { host, status, fault }).permanent()
}
