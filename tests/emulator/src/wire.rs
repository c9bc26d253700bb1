//! The last step before the socket: bodies that count what they send and break off where a fault asks for it, sockets
//! that can be reset.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::Sleep,
};

use crate::shared::Shared;

/// Waits: the one place of the emulator where time is spent on purpose.
#[expect(clippy::disallowed_methods, reason = "latency and delays are part of what is emulated")]
pub(crate) fn pause(duration: Duration) -> Sleep {
    tokio::time::sleep(duration)
}

/// A body on its way out: counts, and cuts where a fault asked for it.
pub(crate) struct Outgoing {
    pub(crate) inner: UnsyncBoxBody<Bytes, io::Error>,
    pub(crate) shared: Shared,
    pub(crate) number: usize,
    pub(crate) started: Instant,
    pub(crate) reset: Arc<AtomicBool>,
    pub(crate) limit: Option<(usize, bool)>,
    pub(crate) sent: usize,
    pub(crate) linger: Option<Pin<Box<Sleep>>>,
}

impl http_body::Body for Outgoing {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(linger) = &mut self.linger {
            ready!(linger.as_mut().poll(cx));
            return Poll::Ready(Some(Err(io::Error::other("cut as a fault asked"))));
        }
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        let Some(Ok(frame)) = frame else { return Poll::Ready(frame) };
        let Ok(mut data) = frame.into_data() else { return Poll::Ready(None) };
        if let Some((limit, hard)) = self.limit
            && self.sent + data.len() > limit
        {
            data.truncate(limit - self.sent);
            self.reset.store(hard, Ordering::Relaxed);
            // The bytes before the cut must be on the wire before it.
            self.linger = Some(Box::pin(pause(Duration::from_millis(20))));
        }
        self.sent += data.len();
        let (length, took) = (data.len() as u64, self.started.elapsed());
        self.shared.journal().amend(self.number, |entry| {
            entry.bytes_out += length;
            entry.took = took;
        });
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }

    fn is_end_stream(&self) -> bool {
        self.linger.is_none() && self.inner.is_end_stream()
    }
}

/// A connection that can be reset (RST) instead of closed (FIN).
pub(crate) struct Socket {
    pub(crate) stream: TcpStream,
    pub(crate) reset: Arc<AtomicBool>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.reset.load(Ordering::Relaxed) {
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
