//! GitHub's REST interface: octocrab over this crate's one HTTP client, one function a call. Types of octocrab end here.
//!
//! Nothing is retried: a call fails with a [`RestError`], which becomes a [`Failure`](crate::diagnosis::Failure) through the diagnosis.

use repo_relay_diagnosis as diagnosis;
use repo_relay_http::http;
use repo_relay_names::{credential, names};

mod error;
pub mod limits;
mod meta;
pub mod model;
mod operations;
mod pulls;
mod secrets;
#[cfg(test)]
mod tests;

use std::{fmt, sync::Arc};

use ::http::{
    HeaderName, HeaderValue, Method, Request, Response,
    header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, IF_NONE_MATCH},
};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use octocrab::{AuthState, OctoBody, Octocrab, OctocrabBuilder, service::middleware::base_uri::BaseUriLayer};
use serde::de::DeserializeOwned;

use self::error::{Details, Effect, RestErrorKind};
pub use self::{
    error::RestError,
    meta::Meta,
    operations::{DispatchRequest, Polled, RunQuery, WorkflowDispatchRequest},
    pulls::{PULLS_PER_PAGE, PullRequestDraft},
};
use crate::{
    credential::{OutsideText, Secret},
    diagnosis::{Situation, errors::RequestError},
    http::{Body, HttpClient, HttpError, HttpErrorKind},
    names::ApiUrl,
};

/// The longest answer that is read, in bytes.
const LONGEST: usize = 8 << 20;

/// How much of a refusal debug logging shows, in characters.
const LONGEST_SHOWN: usize = 4096;

/// The path of GraphQL behind the REST address.
const GRAPHQL: &str = "/graphql";

const API_VERSION: HeaderName = HeaderName::from_static("x-github-api-version");

/// An answer's content and what its headers say.
#[derive(Clone, Debug)]
pub struct ApiAnswer<T> {
    /// The content.
    pub value: T,
    /// The head.
    pub meta: Meta,
}

/// The REST interface of one server, spoken to with one credential. A clone is cheap.
#[derive(Clone)]
pub struct GitHub {
    crab: Octocrab,
    authorization: Option<HeaderValue>,
    situation: Arc<Situation>,
}

impl GitHub {
    /// The interface at `api`. `token` is a token, or an App's signed JWT; without one only public things are seen.
    /// `situation` is what the diagnosis of a failed call starts from. Must be called inside a tokio runtime.
    pub fn new(
        http: &HttpClient,
        api: &ApiUrl,
        token: Option<&Secret>,
        situation: Situation,
    ) -> Result<Self, RequestError> {
        let authorization = token.map(bearer).transpose()?;
        let base = api.to_string().parse().map_err(|error: ::http::uri::InvalidUri| RequestError::ApiAddress {
            address: api.to_string(),
            reason: error.to_string(),
        })?;
        let situation = Situation { redactor: http.redactor().clone(), ..situation };
        let http = http.clone();
        let service = tower::service_fn(move |request| forward(http.clone(), request));
        let built = OctocrabBuilder::new_empty()
            .with_service(service)
            .with_layer(&BaseUriLayer::new(base))
            // NOTE: octocrab would send its own credential to no host but api.github.com; the header is set here.
            .with_auth(AuthState::None)
            .build();
        let Ok(crab) = built;
        Ok(Self { crab, authorization, situation: Arc::new(situation) })
    }

    /// The same interface, with more known for the diagnosis.
    #[must_use]
    pub fn in_situation(&self, situation: Situation) -> Self {
        let situation = Situation { redactor: self.situation.redactor.clone(), ..situation };
        Self { situation: Arc::new(situation), ..self.clone() }
    }

    /// The same interface, spoken to with another credential.
    pub fn with_token(&self, token: &Secret) -> Result<Self, RequestError> {
        Ok(Self { authorization: Some(bearer(token)?), ..self.clone() })
    }

    /// Sends one request and reads the whole answer; a status that is not expected is an error.
    async fn call(&self, call: &Call<'_>) -> Result<(Meta, Bytes), RestError> {
        let own =
            |error: &dyn fmt::Display| self.failed(call, RestErrorKind::Own(error.to_string()), Meta::default(), &[]);
        let request = ::http::request::Builder::new().method(call.method.clone()).uri(&call.path);
        let mut request = self.crab.build_request(request, None::<&()>).map_err(|error| own(&error))?;
        if let Some(body) = &call.body {
            // octocrab would write the JSON itself, and round what a user's numbers hold.
            *request.body_mut() = OctoBody::from(body.clone());
        }
        let headers = request.headers_mut();
        // octocrab sets a length of 0 on requests without a body, GET included.
        headers.remove(CONTENT_LENGTH);
        if call.body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        headers.insert(ACCEPT, HeaderValue::from_static("application/vnd.github+json"));
        // Pinned: between versions GitHub changes the form of answers.
        headers.insert(API_VERSION, HeaderValue::from_static("2022-11-28"));
        if let Some(authorization) = &self.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        if let Some(Ok(etag)) = call.etag.map(HeaderValue::from_str) {
            headers.insert(IF_NONE_MATCH, etag);
        }
        let response = self.crab.send(request).await.map_err(|error| match error::network(&error) {
            Some(network) => self.failed(call, RestErrorKind::Network(network), Meta::default(), &[]),
            None => own(&error),
        })?;
        let meta = Meta::new(response.status(), response.headers());
        // The length that a server names is only a claim.
        let body = match Limited::new(response.into_body(), LONGEST).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) => {
                let reason = if error.is::<LengthLimitError>() {
                    RestErrorKind::Unreadable(format!("it is longer than {LONGEST} bytes"))
                } else if let Some(network) = error.downcast_ref().and_then(error::network) {
                    RestErrorKind::Network(network)
                } else {
                    RestErrorKind::Unreadable(error.to_string())
                };
                return Err(self.failed(call, reason, meta, &[]));
            }
        };
        if call.expected.contains(&meta.status) {
            return Ok((meta, body));
        }
        // No refusal: what was asked for may be done, and only its answer is none that is known here.
        let reason = if (200..300).contains(&meta.status) {
            RestErrorKind::Unreadable("this status answers no such request".to_owned())
        } else {
            RestErrorKind::Refused
        };
        Err(self.failed(call, reason, meta, &body))
    }

    /// Calls, and reads the answer as JSON.
    async fn ask<T: DeserializeOwned>(&self, call: &Call<'_>) -> Result<ApiAnswer<T>, RestError> {
        let (meta, body) = self.call(call).await?;
        self.read(call, meta, &body)
    }

    fn read<T: DeserializeOwned>(&self, call: &Call<'_>, meta: Meta, body: &[u8]) -> Result<ApiAnswer<T>, RestError> {
        match serde_json::from_slice(body) {
            Ok(value) => Ok(ApiAnswer { value, meta }),
            Err(error) => {
                // A log-in gate answers 200 with a page, of which serde would say "expected value at line 1".
                let html = body.trim_ascii_start().starts_with(b"<");
                let what = if html { "it is a web page, not JSON".to_owned() } else { error.to_string() };
                Err(self.failed(call, RestErrorKind::Unreadable(what), meta, body))
            }
        }
    }

    fn failed(&self, call: &Call<'_>, reason: RestErrorKind, meta: Meta, body: &[u8]) -> RestError {
        let text = OutsideText::from_bytes(body);
        // Nothing else than a refusal is shown: the answer to a request for a token holds one.
        if meta.status >= 400 {
            let shown = text.redacted(&self.situation.redactor).cut(LONGEST_SHOWN);
            tracing::debug!("{} was answered: {shown}", call.endpoint());
        }
        RestError(Box::new(Details {
            reason,
            effect: call.effect,
            endpoint: call.endpoint(),
            meta,
            text,
            situation: Arc::clone(&self.situation),
        }))
    }
}

impl fmt::Debug for GitHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GitHub").field("situation", &self.situation).finish_non_exhaustive()
    }
}

/// One request.
struct Call<'a> {
    method: Method,
    /// Path and query, without the interface's own prefix.
    path: String,
    /// JSON.
    body: Option<String>,
    etag: Option<&'a str>,
    expected: &'static [u16],
    effect: Effect,
}

impl<'a> Call<'a> {
    fn get(path: String) -> Self {
        let (body, etag, expected, effect) = (None, None, &[200][..], Effect::Repeatable);
        Self { method: Method::GET, path, body, etag, expected, effect }
    }

    /// A write with this body, JSON.
    fn write(method: Method, path: String, body: String, expected: &'static [u16], effect: Effect) -> Self {
        Self { method, path, body: Some(body), etag: None, expected, effect }
    }

    fn unless(mut self, etag: Option<&'a str>) -> Self {
        if etag.is_some() {
            self.etag = etag;
            self.expected = &[200, 304];
        }
        self
    }

    /// `GET /repos/o/r`, without the query.
    fn endpoint(&self) -> String {
        format!("{} {}", self.method, self.path.split('?').next().unwrap_or_default())
    }
}

async fn forward(http: HttpClient, request: Request<OctoBody>) -> Result<Response<crate::http::AnswerBody>, HttpError> {
    let (mut parts, body) = request.into_parts();
    // NOTE: an Enterprise Server has REST at /api/v3 and GraphQL beside it, at /api/graphql; octocrab joins paths and no more.
    // Source: <https://docs.github.com/en/enterprise-server@latest/graphql/guides/forming-calls-with-graphql#the-graphql-endpoint>
    if let Some(api) = parts.uri.path().strip_suffix("/v3/graphql") {
        let mut address = parts.uri.clone().into_parts();
        address.path_and_query = format!("{api}{GRAPHQL}").parse().ok();
        parts.uri = ::http::Uri::from_parts(address).unwrap_or(parts.uri);
    }
    // NOTE: whole bodies can be sent again after a redirect, streams cannot.
    let body =
        body.collect().await.map_err(|error| HttpError::unsent(HttpErrorKind::RequestBody(error.to_string())))?;
    let answer = http.send(Request::from_parts(parts, Body::from(body.to_bytes()))).await?;
    let mut response = Response::new(answer.body);
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    Ok(response)
}

fn bearer(token: &Secret) -> Result<HeaderValue, RequestError> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose())).map_err(|_| RequestError::Token)?;
    // A sensitive value does not print.
    value.set_sensitive(true);
    Ok(value)
}
