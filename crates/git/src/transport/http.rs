//! Smart HTTP.
//!
//! Source: <https://git-scm.com/docs/gitprotocol-http>

use std::{
    io::{Seek, SeekFrom, Write},
    sync::{Arc, Mutex, PoisonError},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::{Bytes, BytesMut};
use flate2::write::MultiGzDecoder;
use futures_util::{StreamExt, TryStreamExt, stream};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri,
    header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, USER_AGENT},
};
use http_body_util::BodyExt;
use tokio_util::io::ReaderStream;
use url::Url;

use super::{Service, ServiceRequest};
use crate::{
    ByteStream, WireError,
    credential::{OutsideText, Secret},
    diagnosis::errors::{PackError, RequestError},
    http::{Answer, Body, HttpClient, LongWork, Traffic, Waits},
};

/// NOTE: servers and the proxies before them tell git by an agent that begins with `git/`.
const AGENT: &str = concat!("git/repo-relay-", env!("CARGO_PKG_VERSION"));

const GIT_PROTOCOL: HeaderName = HeaderName::from_static("git-protocol");

/// The user that every kind of token of GitHub may be sent with.
const USER: &str = "x-access-token";

/// Up to this size a request goes out whole, with its length; git does the same (`http.postBuffer`).
const WHOLE: usize = 1024 * 1024;

/// How much of the body of a refusal is read.
const TEXT_LIMIT: usize = 64 * 1024;

/// One repository over HTTP.
#[derive(Clone)]
pub struct HttpTransport(Arc<HttpRepository>);

/// The repository's address, and what every request to it carries.
struct HttpRepository {
    client: HttpClient,
    /// The repository's address: another one once a redirect was followed.
    base: Mutex<String>,
    authorization: Option<HeaderValue>,
}

impl HttpTransport {
    /// The repository at `git_url` (`https://HOST/OWNER/NAME.git`), which must be an origin of `client`. The token travels
    /// as a header of every request, and nowhere else.
    pub fn new(client: HttpClient, git_url: &str, token: Option<&Secret>) -> Result<Self, RequestError> {
        let authorization = token.map(authorization).transpose()?;
        Ok(Self(Arc::new(HttpRepository { client, base: Mutex::new(git_url.to_owned()), authorization })))
    }

    /// What went over the network so far, by this client and its clones.
    pub fn traffic(&self) -> Traffic {
        self.0.client.traffic()
    }

    /// The client, for what is sent elsewhere on the server's word.
    pub(crate) fn client(&self) -> &HttpClient {
        &self.0.client
    }

    /// Whether the repository is reached over TLS.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.base().starts_with("https:")
    }

    /// Posts to an address below the repository's own, with the same credential. `media` is the type of both bodies. The
    /// request must be one that changes nothing.
    pub(crate) async fn post(&self, below: &str, media: &str, body: Bytes) -> Result<ByteStream, WireError> {
        let address = format!("{}/{below}", self.base());
        let mut headers = self.headers();
        insert(&mut headers, CONTENT_TYPE, media)?;
        insert(&mut headers, ACCEPT, media)?;
        let answer = self.send(Method::POST, Service::UploadPack, &address, headers, body.into()).await?;
        accept(&Method::POST, answer, media).await
    }

    /// Posts to an address that the server handed out, with the headers that came with it and no other credential.
    pub(crate) async fn post_to(
        &self,
        address: &Url,
        headers: HeaderMap,
        media: &str,
        body: Bytes,
    ) -> Result<ByteStream, WireError> {
        let mut request =
            http::Request::builder().method(Method::POST).uri(address.as_str()).body(Body::from(body)).map_err(
                |error| {
                    WireError::protocol(format!("the server handed out an unusable address of its Git LFS ({error})"))
                },
            )?;
        *request.headers_mut() = headers;
        insert(request.headers_mut(), CONTENT_TYPE, media)?;
        insert(request.headers_mut(), ACCEPT, media)?;
        let answer = self.0.client.lent_to(address).send(request).await.map_err(WireError::Http)?;
        accept(&Method::POST, answer, media).await
    }

    pub(super) fn waits(&self) -> Waits {
        self.0.client.waits()
    }

    pub(super) async fn advertisement(&self, service: Service) -> Result<ByteStream, WireError> {
        let address = format!("{}/info/refs?service={}", self.base(), service.name());
        let mut headers = self.headers();
        if service == Service::UploadPack {
            headers.insert(GIT_PROTOCOL, HeaderValue::from_static("version=2"));
        }
        let answer = self.send(Method::GET, service, &address, headers, Body::empty()).await?;
        let answered_by = answer.url.clone();
        let bytes = accept(&Method::GET, answer, &format!("application/x-{}-advertisement", service.name())).await?;
        // Only now, after git's own content type: a log-in page must not become the repository's address.
        self.rebase(&answered_by);
        Ok(bytes)
    }

    pub(super) async fn request(
        &self,
        service: Service,
        v2: bool,
        request: &ServiceRequest,
    ) -> Result<ByteStream, WireError> {
        let name = service.name();
        let address = format!("{}/{name}", self.base());
        let mut headers = self.headers();
        if v2 {
            headers.insert(GIT_PROTOCOL, HeaderValue::from_static("version=2"));
        }
        insert(&mut headers, CONTENT_TYPE, &format!("application/x-{name}-request"))?;
        let result = format!("application/x-{name}-result");
        insert(&mut headers, ACCEPT, &result)?;

        // With a length a request passes every proxy; only a long one has to go chunked.
        let (begun, rest) = gather(request.stream()).await?;
        let Some(rest) = rest else {
            let answer = self.send(Method::POST, service, &address, headers, begun.into()).await?;
            return accept(&Method::POST, answer, &result).await;
        };
        let whole = stream::iter([Ok(begun)]).chain(rest);
        let answer = self.send_stream(service, &address, headers.clone(), whole.boxed()).await?;
        // 411: the server takes no chunked body. The request is made once more, with its length.
        if answer.status != StatusCode::LENGTH_REQUIRED {
            return accept(&Method::POST, answer, &result).await;
        }
        // Ends the first request, whose rest nobody reads.
        drop(answer);
        let (spooled, length) = spool(request.stream()).await?;
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        let answer = self.send_stream(service, &address, headers, spooled).await?;
        accept(&Method::POST, answer, &result).await
    }

    fn base(&self) -> String {
        self.0.base.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Follows a renamed repository: what answered the advertisement answers the requests too.
    fn rebase(&self, answered_by: &Uri) {
        let address = answered_by.to_string();
        if let Some((base, _)) = address.split_once("/info/refs?") {
            base.clone_into(&mut self.0.base.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        // Long lists of refs shrink; packs are deflated already, and servers send them as they are.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        if let Some(authorization) = &self.0.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        headers
    }

    async fn send(
        &self,
        method: Method,
        service: Service,
        address: &str,
        headers: HeaderMap,
        body: Body,
    ) -> Result<Answer, WireError> {
        let is_push = method == Method::POST && service == Service::ReceivePack;
        let request = http::Request::builder().method(method).uri(address).body(body);
        let mut request = request
            .map_err(|error| RequestError::GitAddress { address: address.to_owned(), reason: error.to_string() })?;
        *request.headers_mut() = headers;
        // Unpacking and hooks take as long as they take.
        if is_push {
            request.extensions_mut().insert(LongWork);
        }
        Ok(self.0.client.send(request).await?)
    }

    /// Sends a body while it is made. What ends its making is the error, not the broken connection that follows from it.
    async fn send_stream(
        &self,
        service: Service,
        address: &str,
        headers: HeaderMap,
        body: ByteStream,
    ) -> Result<Answer, WireError> {
        let ended_by: Arc<Mutex<Option<WireError>>> = Arc::default();
        let slot = Arc::clone(&ended_by);
        let body = body.map_err(move |error| {
            let text = error.to_string();
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            text
        });
        let sent = self.send(Method::POST, service, address, headers, Body::stream(body)).await;
        sent.map_err(|error| ended_by.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or(error))
    }
}

fn authorization(token: &Secret) -> Result<HeaderValue, RequestError> {
    // The texts on the way to the header hold the token, and are wiped after use.
    let pair = zeroize::Zeroizing::new(format!("{USER}:{}", token.expose()));
    let basic = zeroize::Zeroizing::new(format!("Basic {}", BASE64_STANDARD.encode(pair.as_bytes())));
    let mut value = HeaderValue::from_str(&basic).map_err(|_| RequestError::BasicCredential)?;
    value.set_sensitive(true);
    Ok(value)
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) -> Result<(), WireError> {
    let value = HeaderValue::from_str(value).map_err(|error| WireError::protocol(error.to_string()))?;
    headers.insert(name, value);
    Ok(())
}

/// The beginning of a stream, and the rest where it is longer than [`WHOLE`].
async fn gather(mut stream: ByteStream) -> Result<(Bytes, Option<ByteStream>), WireError> {
    let mut begun = BytesMut::new();
    while let Some(piece) = stream.next().await {
        begun.extend_from_slice(&piece?);
        if begun.len() > WHOLE {
            return Ok((begun.freeze(), Some(stream)));
        }
    }
    Ok((begun.freeze(), None))
}

/// Writes a stream into a file without a name, to know its length before it is sent.
async fn spool(mut stream: ByteStream) -> Result<(ByteStream, u64), WireError> {
    let full = |error: std::io::Error| WireError::from(PackError::NoRoom(error.to_string()));
    // Without a name, so that the system removes it even when the process is killed.
    let mut file = tempfile::tempfile().map_err(full)?;
    let mut length = 0;
    while let Some(piece) = stream.next().await {
        let piece = piece?;
        length += piece.len() as u64;
        let written = tokio::task::spawn_blocking(move || file.write_all(&piece).map(|()| file)).await;
        file = written.map_err(std::io::Error::other).and_then(|written| written).map_err(full)?;
    }
    file.seek(SeekFrom::Start(0)).map_err(full)?;
    let spooled = ReaderStream::with_capacity(tokio::fs::File::from_std(file), 64 * 1024).map_err(full);
    Ok((spooled.boxed(), length))
}

/// The body of an answer that is git's; any other answer is an error with what it says.
async fn accept(method: &Method, answer: Answer, content_type: &str) -> Result<ByteStream, WireError> {
    let request = format!("{method} {}", answer.url);
    if answer.status.is_success() && answer.status != StatusCode::OK {
        // No refusal: a push may be done.
        return Err(WireError::protocol(format!("{request} gave the status {}", answer.status)));
    }
    if answer.status != StatusCode::OK {
        let status = answer.status.as_u16();
        let headers = answer
            .headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
        let headers = headers.collect();
        let text = beginning(body(answer)).await;
        return Err(WireError::Status { request, status, headers, text });
    }
    let found = answer.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("none");
    if !found.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(content_type) {
        let what = format!("{request} gave another content type than {content_type}");
        return Err(WireError::unexpected(what, found.as_bytes()));
    }
    Ok(body(answer))
}

/// What can be had of a refusal's text.
async fn beginning(mut body: ByteStream) -> OutsideText {
    let mut text = Vec::new();
    while let Some(Ok(piece)) = body.next().await {
        text.extend_from_slice(&piece[..piece.len().min(TEXT_LIMIT - text.len())]);
        if text.len() >= TEXT_LIMIT {
            return OutsideText::cut_off(&text);
        }
    }
    OutsideText::from_bytes(&text)
}

/// The body as bytes, unpacked where the server packed it.
fn body(answer: Answer) -> ByteStream {
    let gzip = answer.headers.get(CONTENT_ENCODING).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"gzip"));
    let bytes = answer.body.into_data_stream().map_err(WireError::from).boxed();
    if gzip { gunzip(bytes) } else { bytes }
}

/// Unpacks in small steps, so that a few bytes never become more than a few megabytes at once.
fn gunzip(packed: ByteStream) -> ByteStream {
    const STEP: usize = 4 * 1024;
    struct GunzipState {
        packed: ByteStream,
        piece: Bytes,
        decoder: MultiGzDecoder<Vec<u8>>,
        ended: bool,
    }
    let broken = |error: std::io::Error| WireError::protocol(format!("its gzip encoding is damaged ({error})"));
    let state = GunzipState { packed, piece: Bytes::new(), decoder: MultiGzDecoder::new(Vec::new()), ended: false };
    stream::try_unfold(state, move |mut state| async move {
        loop {
            // What unpacks to nothing, and comes without a pause, must not keep the task from its timeout.
            tokio::task::consume_budget().await;
            if !state.decoder.get_ref().is_empty() {
                let bytes = Bytes::from(std::mem::take(state.decoder.get_mut()));
                return Ok(Some((bytes, state)));
            }
            if state.ended {
                return Ok(None);
            }
            if state.piece.is_empty() {
                if let Some(piece) = state.packed.try_next().await? {
                    state.piece = piece;
                } else {
                    state.decoder.try_finish().map_err(broken)?;
                    state.ended = true;
                }
            } else {
                let step = state.piece.split_to(state.piece.len().min(STEP));
                state.decoder.write_all(&step).map_err(broken)?;
                state.decoder.flush().map_err(broken)?;
            }
        }
    })
    .boxed()
}
