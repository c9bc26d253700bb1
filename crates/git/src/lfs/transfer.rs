//! The basic transfer: an object's bytes go to the storage, with the headers that the batch API names and no credential of ours.
//!
//! Source: <https://github.com/git-lfs/git-lfs/blob/main/docs/api/basic-transfers.md>

use std::error::Error;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use http::{
    HeaderValue, Method, Request, StatusCode,
    header::{ACCEPT, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST, TRANSFER_ENCODING},
};
use http_body_util::BodyExt as _;

use super::{
    Pointer,
    batch::{LfsServer, MEDIA, TransferAction, Upload},
};
use crate::{
    credential::{OutsideText, Redactor},
    diagnosis::errors::LfsError,
    http::{Answer, Body, LongWork},
};

/// How much of a refusal's body is read, in bytes.
const TEXT_LIMIT: usize = 16 * 1024;

/// How many characters of a refusal's words are shown.
const LONGEST_SAID: usize = 200;

impl LfsServer {
    /// Sends an object and has it verified where the server wants that. `content` yields the object's bytes.
    ///
    /// # Errors
    /// Those of the storage; one of `content` is the [`HttpErrorKind::Body`](crate::http::HttpErrorKind) of the request.
    pub async fn send<S, E>(&self, pointer: &Pointer, upload: &Upload, content: S) -> Result<(), LfsError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let mut request = request(Method::PUT, &upload.put, Body::stream(content))?;
        // A server that wants the object chunked names that header.
        if request.headers_mut().remove(TRANSFER_ENCODING).is_none() {
            request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(pointer.size));
        }
        // A storage hashes the whole object before it answers.
        request.extensions_mut().insert(LongWork);
        self.act(&upload.put, request, pointer, "upload").await?;
        let Some(verify) = &upload.verify else { return Ok(()) };
        let body = format!(r#"{{"oid":"{}","size":{}}}"#, pointer.oid, pointer.size);
        let mut request = request_of_json(verify, body)?;
        // This body is short and has a length, whatever the batch answer says of the upload.
        request.headers_mut().remove(TRANSFER_ENCODING);
        self.act(verify, request, pointer, "verification").await
    }

    async fn act(
        &self,
        action: &TransferAction,
        request: Request<Body>,
        pointer: &Pointer,
        what: &str,
    ) -> Result<(), LfsError> {
        // The client speaks to this one origin, and to nobody else.
        let client = self.client().lent_to(&action.href);
        let answer = client.send(request).await?;
        let host = action.href.host_str().unwrap_or("the storage").to_owned();
        let request = format!("{what} of the Git LFS object {}", pointer.oid.short());
        if is_done(answer.status) {
            if is_page(&answer) {
                return Err(LfsError::Page { host, request });
            }
            // Read to its end, so that the connection can be used again.
            let _ = beginning(answer).await;
            return Ok(());
        }
        Err(refused(answer, request, host, client.redactor()).await)
    }
}

/// Whether the storage has done its work: 200 by the specification, 201 to 204 on storages that answer in HTTP's own terms. Any
/// other success, such as 206, is no answer to an upload.
fn is_done(status: StatusCode) -> bool {
    (200..=204).contains(&status.as_u16())
}

/// Whether a page for people came: a proxy or a network's sign-in answers so, with 200, and stores nothing.
fn is_page(answer: &Answer) -> bool {
    let kind = answer.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.trim_start().get(..9).is_some_and(|kind| kind.eq_ignore_ascii_case("text/html"))
}

fn request(method: Method, action: &TransferAction, body: Body) -> Result<Request<Body>, LfsError> {
    let request = Request::builder().method(method).uri(action.href.as_str()).body(body);
    let mut request = request.map_err(|error| LfsError::Address(error.to_string()))?;
    *request.headers_mut() = action.headers.clone();
    // What belongs to the connection is this program's own.
    for name in [HOST, CONTENT_LENGTH, CONNECTION, EXPECT] {
        request.headers_mut().remove(name);
    }
    Ok(request)
}

fn request_of_json(action: &TransferAction, body: String) -> Result<Request<Body>, LfsError> {
    let mut request = request(Method::POST, action, body.into_bytes().into())?;
    for name in [ACCEPT, CONTENT_TYPE] {
        request.headers_mut().entry(name).or_insert(HeaderValue::from_static(MEDIA));
    }
    Ok(request)
}

async fn refused(answer: Answer, request: String, host: String, redactor: &Redactor) -> LfsError {
    let status = answer.status.as_u16();
    let headers: Vec<(String, String)> = answer
        .headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let said = said(&beginning(answer).await).redacted(redactor).cut(LONGEST_SAID);
    LfsError::Refused { host, request, status, headers, said }
}

async fn beginning(answer: Answer) -> OutsideText {
    let mut body = answer.body.into_data_stream();
    let mut text = Vec::new();
    while let Some(Ok(piece)) = body.next().await {
        text.extend_from_slice(&piece[..piece.len().min(TEXT_LIMIT - text.len())]);
        if text.len() >= TEXT_LIMIT {
            return OutsideText::cut_off(&text);
        }
    }
    OutsideText::from_bytes(&text)
}

/// The words of a refusal: an object storage answers in XML, whose other elements repeat the signed request.
fn said(text: &OutsideText) -> OutsideText {
    let text = text.searched();
    let element = |name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        Some(rest.split_once("</")?.0.to_owned())
    };
    let json = || {
        let value: serde_json::Value = serde_json::from_str(text).ok()?;
        Some(value.get("message")?.as_str()?.to_owned())
    };
    let words = element("Message").or_else(|| element("Code")).or_else(json).unwrap_or_default();
    // Foreign text: a control character must not reach the log.
    words.chars().filter(|letter| !letter.is_control()).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_message_of_a_refusal_is_told() {
        let xml = "<Error><Code>SignatureDoesNotMatch</Code><Message>No match.</Message><SignatureProvided>abc</SignatureProvided></Error>";
        assert_eq!(said(&xml.into()), "No match.".into());
        assert_eq!(said(&r#"{"message":"quota"}"#.into()), "quota".into());
        assert!(said(&"<html>secret</html>".into()).is_blank());
    }
}
