//! Bodies both ways: what is sent may be streamed, what is answered always is.

use std::{
    fmt,
    future::Future,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt, task::AtomicWaker};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::Incoming;
use tokio::{io::AsyncRead, time::Sleep};
use tokio_util::io::StreamReader;

use super::{
    BoxError, Waits,
    connect::Activity,
    error::{self, BodyFailed, HttpError, HttpErrorKind},
};

/// What a request sends.
pub struct Body(BodyKind);

enum BodyKind {
    Whole(Bytes),
    Stream(UnsyncBoxBody<Bytes, BoxError>),
}

impl Body {
    /// Nothing.
    pub fn empty() -> Self {
        Self(BodyKind::Whole(Bytes::new()))
    }

    /// Pieces that are made while they are sent. Without a length known beforehand they go chunked; such a body
    /// cannot be sent a second time, so no redirect is followed with it. An error of the stream ends the request;
    /// when it is a [`Failure`](crate::diagnosis::Failure), its cause becomes that of the request.
    pub fn stream<E>(pieces: impl Stream<Item = Result<Bytes, E>> + Send + 'static) -> Self
    where
        E: Into<BoxError>,
    {
        Self::of(StreamBody::new(pieces.map(|piece| piece.map(Frame::data))))
    }

    /// Any body of the `http-body` crate, with the length that its size hint tells.
    pub fn of<B>(body: B) -> Self
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self(BodyKind::Stream(body.map_err(Into::into).boxed_unsync()))
    }

    /// The bytes, where they are all there and so can be sent again.
    pub(super) fn whole(&self) -> Option<&Bytes> {
        match &self.0 {
            BodyKind::Whole(bytes) => Some(bytes),
            BodyKind::Stream(_) => None,
        }
    }

    /// The body to send. `length` is what the request's own header tells of it, if it has one: no more than that is asked for.
    pub(super) fn outgoing(self, counter: Arc<AtomicU64>, length: Option<u64>) -> (OutgoingBody, Arc<BodyControl>) {
        let control = Arc::new(BodyControl::default());
        let body = match self.0 {
            BodyKind::Whole(bytes) => Full::new(bytes).map_err(Into::into).boxed_unsync(),
            BodyKind::Stream(body) => body,
        };
        let body = OutgoingBody { body, control: Arc::clone(&control), counter, left: length };
        body.note_end();
        (body, control)
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self(BodyKind::Whole(bytes))
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self(BodyKind::Whole(bytes.into()))
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.whole() {
            Some(bytes) => write!(f, "Body({} bytes)", bytes.len()),
            None => f.write_str("Body(stream)"),
        }
    }
}

/// The state that a request's body shares with the task that waits for the answer.
#[derive(Debug, Default)]
pub(super) struct BodyControl {
    producing: AtomicBool,
    all_sent: AtomicBool,
    closed: AtomicBool,
    waker: AtomicWaker,
}

impl BodyControl {
    /// Whether the network waits for our own data.
    pub(super) fn is_producing(&self) -> bool {
        self.producing.load(Ordering::Relaxed)
    }

    /// How long the server may be silent now: longer once the last byte was handed to the connection.
    pub(super) fn limit(&self, waits: Waits) -> Duration {
        if self.all_sent.load(Ordering::Relaxed) { waits.work } else { waits.silence }
    }

    /// Ends the sending of what nobody reads any more.
    fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.waker.wake();
    }
}

/// A request's body on its way, counted.
pub(super) struct OutgoingBody {
    body: UnsyncBoxBody<Bytes, BoxError>,
    control: Arc<BodyControl>,
    counter: Arc<AtomicU64>,
    /// How many bytes are still to come, where that is known.
    left: Option<u64>,
}

impl OutgoingBody {
    /// NOTE: a body whose end is known beforehand is not asked whether there is more.
    fn note_end(&self) {
        if self.left == Some(0) || self.body.is_end_stream() {
            self.control.all_sent.store(true, Ordering::Relaxed);
        }
    }
}

impl HttpBody for OutgoingBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        // Before the flag is read: a close between the two would never wake this task.
        this.control.waker.register(cx.waker());
        if this.control.closed.load(Ordering::Acquire) {
            return Poll::Ready(Some(Err("the answer came before the end of the request".into())));
        }
        let polled = Pin::new(&mut this.body).poll_frame(cx);
        // hyper asks for a frame only when the connection has room, so that "pending" is our own delay.
        this.control.producing.store(polled.is_pending(), Ordering::Relaxed);
        let frame = ready!(polled);
        if frame.is_none() {
            this.control.all_sent.store(true, Ordering::Relaxed);
        }
        Poll::Ready(frame.map(|frame| {
            let frame = frame.map_err(|error| -> BoxError { Box::new(BodyFailed(error.into())) })?;
            if let Some(data) = frame.data_ref() {
                let length = data.len() as u64;
                this.counter.fetch_add(length, Ordering::Relaxed);
                this.left = this.left.map(|left| left.saturating_sub(length));
                this.note_end();
            }
            Ok(frame)
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// An answer's body as it arrives. It fails when the connection breaks or stays silent for too long;
/// dropping it also ends the sending of a request that is still under way.
pub struct AnswerBody {
    pub(super) body: Incoming,
    pub(super) host: String,
    pub(super) waits: Waits,
    pub(super) activity: Option<Activity>,
    pub(super) waiting: Option<SilenceTimer>,
    pub(super) control: Arc<BodyControl>,
    pub(super) counter: Arc<AtomicU64>,
}

/// What is waited for: since when, and until when without another look.
pub(super) struct SilenceTimer {
    since: Instant,
    timer: Pin<Box<Sleep>>,
}

impl SilenceTimer {
    fn set(&mut self, rest: Duration) {
        self.timer.as_mut().reset(tokio::time::Instant::now() + rest);
    }
}

impl AnswerBody {
    /// The whole body, of at most `limit` bytes; a longer one is an error.
    pub async fn bytes(mut self, limit: usize) -> Result<Bytes, HttpError> {
        let mut whole = Vec::new();
        while let Some(frame) = self.frame().await {
            if let Ok(data) = frame?.into_data() {
                // Counted while it arrives: `Content-Length` is only a claim.
                if whole.len() + data.len() > limit {
                    let kind = HttpErrorKind::TooLong { host: self.host.clone(), limit };
                    return Err(HttpError::sent(kind).permanent());
                }
                whole.extend_from_slice(&data);
            }
        }
        Ok(whole.into())
    }

    /// The body for the traits of [`tokio::io`]; its errors hold an [`HttpError`].
    pub fn reader(self) -> impl AsyncRead + Send + Unpin {
        StreamReader::new(self.into_data_stream().map_err(io::Error::other))
    }

    /// How long the connection has been silent, counted from `since` at the earliest.
    fn quiet(&self, since: Instant) -> Duration {
        let last = self.activity.as_ref().map_or(since, Activity::last);
        last.max(since).elapsed()
    }
}

impl fmt::Debug for AnswerBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AnswerBody(from {})", self.host)
    }
}

impl Drop for AnswerBody {
    fn drop(&mut self) {
        self.control.close();
    }
}

impl HttpBody for AnswerBody {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        let this = self.get_mut();
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
            this.waiting = None;
            return Poll::Ready(frame.map(|frame| {
                let frame = frame.map_err(|error| error::of_body(&error, &this.host))?;
                if let Some(data) = frame.data_ref() {
                    this.counter.fetch_add(data.len() as u64, Ordering::Relaxed);
                }
                Ok(frame)
            }));
        }
        let waits = this.waits;
        let mut waiting = this.waiting.take().unwrap_or_else(|| {
            let now = tokio::time::Instant::now();
            SilenceTimer { since: now.into_std(), timer: Box::pin(tokio::time::sleep_until(now + waits.silence)) }
        });
        // The timer is looked at when it fires; to set it anew at each byte would cost more than it tells.
        while waiting.timer.as_mut().poll(cx).is_ready() {
            let (quiet, limit) = (this.quiet(waiting.since), this.control.limit(waits));
            if quiet >= limit && !this.control.is_producing() {
                return Poll::Ready(Some(Err(HttpError::silence(&this.host, limit))));
            }
            // Not shorter than a tenth: with a limit that has passed while we produce, the loop would spin.
            waiting.set(limit.saturating_sub(quiet).max(waits.silence / 10));
        }
        this.waiting = Some(waiting);
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
