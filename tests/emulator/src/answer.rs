//! An answer before it goes out: status, headers, and a body that may be a stream.

use std::{io, pin::Pin};

use bytes::Bytes;
use futures_util::Stream;
use http::StatusCode;
use serde_json::Value;

/// A body that is produced while it is sent.
pub(crate) type ByteStream = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// The body of an answer.
pub(crate) enum Body {
    /// Known whole; sent with a length.
    Whole(Bytes),
    /// Sent in chunks.
    Stream(ByteStream),
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Body,
}

impl Answer {
    /// An answer without a body.
    pub(crate) fn empty(status: u16) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, headers: Vec::new(), body: Body::Whole(Bytes::new()) }
    }

    /// A JSON answer as the REST API gives it.
    pub(crate) fn json(status: u16, value: &Value) -> Self {
        Self::empty(status)
            .header("content-type", "application/json; charset=utf-8")
            .body(Bytes::from(value.to_string()))
    }

    /// A text answer as the git face gives it.
    pub(crate) fn text(status: u16, text: &str) -> Self {
        Self::empty(status).header("content-type", "text/plain").body(Bytes::from(text.to_owned()))
    }

    /// Adds a header.
    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.into()));
        self
    }

    /// Sets the body.
    pub(crate) fn body(mut self, bytes: Bytes) -> Self {
        self.body = Body::Whole(bytes);
        self
    }

    /// The value of a header.
    pub(crate) fn find_header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}
