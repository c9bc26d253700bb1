//! The batch API: which objects a repository lacks, and where to send them.
//!
//! Source: <https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md>

use std::{
    collections::BTreeMap,
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::TryStreamExt as _;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use url::Url;

use super::{LfsOid, Pointer};
use crate::{
    WireError,
    credential::{OutsideText, Redactor, Shown},
    http::HttpClient,
    transport::{HttpTransport, SshTransport},
};

/// The media type of the batch API.
pub(super) const MEDIA: &str = "application/vnd.git-lfs+json";

/// How many objects one request names; GitHub takes no more.
pub const OBJECTS_AT_ONCE: usize = 100;

/// The most that is read of an answer, in bytes.
const ANSWER_LIMIT: usize = 4 * 1024 * 1024;

/// An address that ends sooner than this is asked for again.
const MARGIN: Duration = Duration::from_secs(30);

/// How a repository stands to an object that it was asked about.
#[derive(Clone, Debug)]
pub enum LfsObjectState {
    /// It has the object.
    There,
    /// It takes the object.
    Wanted(Box<Upload>),
    /// It does not take the object.
    Refused {
        /// The status of this object alone.
        code: u16,
        /// The server's words.
        message: Shown,
    },
}

/// Where an object is sent, and what confirms that it has arrived.
#[derive(Clone, Debug)]
pub struct Upload {
    pub(super) put: TransferAction,
    pub(super) verify: Option<TransferAction>,
    until: Option<Instant>,
}

impl Upload {
    /// Whether the addresses can still be used.
    pub fn is_fresh(&self) -> bool {
        self.until.is_none_or(|until| until > Instant::now() + MARGIN)
    }
}

/// A request that the server names: its address and its headers, which may hold a credential for this one object.
#[derive(Clone)]
pub(super) struct TransferAction {
    pub(super) href: Url,
    pub(super) headers: HeaderMap,
}

impl fmt::Debug for TransferAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The query of a pre-signed address is a credential.
        f.debug_struct("Action").field("host", &self.href.host_str()).finish_non_exhaustive()
    }
}

/// The LFS side of a repository.
#[derive(Clone)]
pub struct LfsServer {
    transport: HttpTransport,
    /// Where the credential of the batch API is asked for; none: the transport has one.
    ssh: Option<Arc<OverSsh>>,
}

/// The batch API as SSH grants it.
struct OverSsh {
    transport: SshTransport,
    granted: Mutex<Option<Granted>>,
}

/// An address of the batch API with a credential, and until when it can be used.
#[derive(Clone)]
struct Granted {
    action: TransferAction,
    until: Option<Instant>,
}

#[derive(Serialize)]
struct BatchRequest<'a> {
    operation: &'a str,
    transfers: [&'a str; 1],
    hash_algo: &'a str,
    objects: Vec<RequestObject>,
}

#[derive(Serialize)]
struct RequestObject {
    oid: String,
    size: u64,
}

#[derive(Deserialize)]
struct BatchResponse {
    transfer: Option<String>,
    objects: Vec<ResponseObject>,
}

#[derive(Deserialize)]
struct ResponseObject {
    oid: String,
    actions: Option<ResponseActions>,
    error: Option<ObjectError>,
}

#[derive(Deserialize)]
struct ObjectError {
    code: u16,
    #[serde(default)]
    message: String,
}

#[derive(Deserialize)]
struct ResponseActions {
    upload: Option<ResponseAction>,
    verify: Option<ResponseAction>,
}

#[derive(Deserialize)]
struct ResponseAction {
    href: String,
    #[serde(default)]
    header: BTreeMap<String, String>,
    #[serde(default)]
    expires_in: i64,
}

impl LfsServer {
    /// The LFS side of the repository that `transport` reaches.
    pub fn new(transport: HttpTransport) -> Self {
        Self { transport, ssh: None }
    }

    /// The same without a token: `git-lfs-authenticate` over SSH grants the use of the batch API.
    #[must_use]
    pub fn over_ssh(self, transport: SshTransport) -> Self {
        Self { ssh: Some(Arc::new(OverSsh { transport, granted: Mutex::default() })), ..self }
    }

    /// How the repository stands to each of `pointers`, at most [`OBJECTS_AT_ONCE`], in their order. Writes nothing.
    ///
    /// # Errors
    /// `WireError::Status` 404: the server has no LFS.
    pub async fn batch(&self, pointers: &[Pointer]) -> Result<Vec<LfsObjectState>, WireError> {
        let objects = pointers.iter().map(|pointer| RequestObject { oid: pointer.oid.to_string(), size: pointer.size });
        let question =
            BatchRequest { operation: "upload", transfers: ["basic"], hash_algo: "sha256", objects: objects.collect() };
        let body = serde_json::to_vec(&question).map_err(|error| WireError::protocol(error.to_string()))?;
        let mut answer = match &self.ssh {
            None => self.transport.post("info/lfs/objects/batch", MEDIA, body.into()).await?,
            Some(over_ssh) => {
                let granted = self.granted(over_ssh).await?;
                self.transport.post_to(&granted.href, granted.headers, MEDIA, body.into()).await?
            }
        };
        let mut text = Vec::new();
        while let Some(piece) = answer.try_next().await? {
            text.extend_from_slice(&piece);
            if text.len() > ANSWER_LIMIT {
                return Err(WireError::protocol("the answer about Git LFS objects is too long"));
            }
        }
        states_of(&text, pointers, self.transport.is_encrypted(), self.client().redactor())
    }

    /// The address of the batch API and its headers; asked for again before they end.
    async fn granted(&self, over_ssh: &OverSsh) -> Result<TransferAction, WireError> {
        let mut held = over_ssh.granted.lock().await;
        if let Some(granted) =
            held.as_ref().filter(|held| held.until.is_none_or(|until| until > Instant::now() + MARGIN))
        {
            return Ok(granted.action.clone());
        }
        let text = over_ssh.transport.lfs_authenticate().await?;
        let unreadable = || WireError::Status {
            request: "git-lfs-authenticate".to_owned(),
            // As an HTTP server without Git LFS answers.
            status: 404,
            headers: Vec::new(),
            text: OutsideText::default(),
        };
        let mut told: ResponseAction = serde_json::from_slice(&text).map_err(|_| unreadable())?;
        let until = until(told.expires_in);
        told.href = format!("{}/objects/batch", told.href.trim_end_matches('/'));
        let action = action(told, self.transport.is_encrypted())?;
        *held = Some(Granted { action: action.clone(), until });
        Ok(action)
    }

    pub(super) fn client(&self) -> &HttpClient {
        self.transport.client()
    }
}

/// What `answer` says about each of `pointers`, in their order. `is_encrypted`: the server has TLS, and so must the storage.
///
/// # Errors
/// [`WireError::Protocol`] and [`WireError::Unexpected`], for an answer that cannot be read or lacks one of them.
pub fn states_of(
    answer: &[u8],
    pointers: &[Pointer],
    is_encrypted: bool,
    redactor: &Redactor,
) -> Result<Vec<LfsObjectState>, WireError> {
    let reply: BatchResponse = serde_json::from_slice(answer)
        .map_err(|error| WireError::protocol(format!("the answer about Git LFS objects is not readable ({error})")))?;
    if let Some(other) = reply.transfer.filter(|name| name != "basic") {
        let what = "a Git LFS transfer was chosen that was not offered";
        return Err(WireError::unexpected(what, other.as_bytes()));
    }
    // The order of the answer is the server's choice.
    let mut told: BTreeMap<LfsOid, ResponseObject> =
        reply.objects.into_iter().filter_map(|object| Some((LfsOid::parse(&object.oid)?, object))).collect();
    let state = |pointer: &Pointer| match told.remove(&pointer.oid) {
        Some(object) => state(object, is_encrypted, redactor),
        None => Err(WireError::protocol(format!("nothing was said about the Git LFS object {}", pointer.oid))),
    };
    pointers.iter().map(state).collect()
}

fn state(object: ResponseObject, is_encrypted: bool, redactor: &Redactor) -> Result<LfsObjectState, WireError> {
    if let Some(ObjectError { code, message }) = object.error {
        let message = OutsideText::from(message).redacted(redactor);
        return Ok(LfsObjectState::Refused { code, message });
    }
    // No action means that the server has the object already (batch.md, "Successful Responses").
    let Some((upload, verify)) = object.actions.and_then(|actions| Some((actions.upload?, actions.verify))) else {
        return Ok(LfsObjectState::There);
    };
    let until = until(upload.expires_in);
    let put = action(upload, is_encrypted)?;
    let verify = verify.map(|told| action(told, is_encrypted)).transpose()?;
    Ok(LfsObjectState::Wanted(Box::new(Upload { put, verify, until })))
}

fn action(told: ResponseAction, is_encrypted: bool) -> Result<TransferAction, WireError> {
    let href = Url::parse(&told.href).ok().filter(|href| matches!(href.scheme(), "https" | "http"));
    let href = href.ok_or_else(|| WireError::protocol("an address of the Git LFS storage is not readable"))?;
    // A downgrade would send the object and its signed headers in clear.
    if href.scheme() == "http" && is_encrypted {
        let host = href.host_str().unwrap_or_default();
        return Err(WireError::protocol(format!("the Git LFS storage {host} is named without TLS")));
    }
    let mut headers = HeaderMap::new();
    for (name, value) in told.header {
        let pair = HeaderName::try_from(&name).ok().zip(HeaderValue::try_from(&value).ok());
        let Some((name, mut value)) = pair else {
            return Err(WireError::protocol("a header of the Git LFS storage is not readable"));
        };
        // Such a header can be a credential for this object; a sensitive value does not print.
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(TransferAction { href, headers })
}

/// When something that was granted for so many seconds ends; none where the server does not say.
fn until(seconds: i64) -> Option<Instant> {
    let seconds = u64::try_from(seconds).ok().filter(|seconds| *seconds > 0)?;
    Instant::now().checked_add(Duration::from_secs(seconds))
}
