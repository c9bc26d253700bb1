//! Connections: name look-up, proxy, TLS, and a stream that knows when it last moved a byte.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use http::{Uri, uri::Scheme};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::{
    client::legacy::connect::{Connected, Connection, HttpConnector, proxy::Tunnel},
    rt::TokioIo,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::OnceCell,
};
use tower_service::Service;

use super::{
    BoxError,
    error::{ConnectTimeout, ProxyFailed},
    names::{Later, Names, Resolver},
    proxy::{Proxies, ProxyRoute},
    trust::Trust,
};

/// After this silence the other end is asked whether it is there, and then at intervals of half of it. A server that works is
/// waited for; one that is gone, or that stopped taking what was sent, is noticed after a minute and a half.
const KEEPALIVE: Duration = Duration::from_secs(30);
const KEEPALIVE_PROBES: u32 = 4;

type Tcp = HttpConnector<Resolver>;
type Channel = MaybeHttpsStream<TokioIo<TcpStream>>;

/// Opens the way to a server, through a proxy where one is named, short of the server's own TLS.
#[derive(Clone)]
struct Dial {
    tcp: Tcp,
    to_proxy: HttpsConnector<Tcp>,
    proxies: Proxies,
}

impl Service<Uri> for Dial {
    type Response = Channel;
    type Error = BoxError;
    type Future = Later<Channel, BoxError>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        match self.proxies.route(&target) {
            ProxyRoute::Direct => {
                let connecting = self.tcp.call(target);
                Box::pin(async move { Ok(MaybeHttpsStream::Http(connecting.await?)) })
            }
            ProxyRoute::Forward(proxy) => {
                let connecting = self.to_proxy.call(proxy.uri().clone());
                Box::pin(async move { connecting.await.map_err(|source| through(proxy.uri(), source)) })
            }
            ProxyRoute::Tunnel(proxy) => {
                let mut tunnel = Tunnel::new(proxy.uri().clone(), self.to_proxy.clone());
                if let Some(authorization) = proxy.basic_auth() {
                    tunnel = tunnel.with_auth(authorization.clone());
                }
                let connecting = tunnel.call(target);
                Box::pin(async move { connecting.await.map_err(|source| through(proxy.uri(), source.into())) })
            }
        }
    }
}

fn through(proxy: &Uri, source: BoxError) -> BoxError {
    let address = proxy.authority().map_or_else(String::new, ToString::to_string);
    Box::new(ProxyFailed { address, source })
}

/// What hyper's client asks for connections.
#[derive(Clone)]
pub(super) struct Connector {
    tcp: Tcp,
    proxies: Proxies,
    within: Duration,
    tls: Arc<Tls>,
}

impl Connector {
    /// `connect` bounds one TCP connection; twice that bounds all of name look-up, TCP, proxy and TLS.
    pub(super) fn new(trust: &Trust, names: Names, proxies: Proxies, connect: Duration) -> Result<Self, rustls::Error> {
        let mut tcp = HttpConnector::new_with_resolver(Resolver::new(names));
        // The same connector serves https and proxies; which schemes are allowed is decided above it.
        tcp.enforce_http(false);
        // A request is written whole, so that waiting for more only adds a delay.
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(KEEPALIVE));
        tcp.set_keepalive_interval(Some(KEEPALIVE / 2));
        tcp.set_keepalive_retries(Some(KEEPALIVE_PROBES));
        // Keepalive rests while sent bytes are unacknowledged, and the kernel alone would try for a quarter of an
        // hour.
        #[cfg(target_os = "linux")]
        tcp.set_tcp_user_timeout(Some(KEEPALIVE + KEEPALIVE / 2 * KEEPALIVE_PROBES));
        tcp.set_connect_timeout(Some(connect));
        // A connector wants settings even for plain connections; these trust nobody.
        let tls = Tls { unused: Arc::new(Trust::none()?), trust: trust.clone(), settings: OnceCell::new() };
        Ok(Self { tcp, proxies, within: connect * 2, tls: Arc::new(tls) })
    }

    async fn connect(self, target: Uri) -> Result<MaybeHttpsStream<Channel>, BoxError> {
        let encrypted = |address: &Uri| address.scheme() == Some(&Scheme::HTTPS);
        let to_proxy = match self.proxies.route(&target) {
            ProxyRoute::Direct => false,
            ProxyRoute::Forward(proxy) | ProxyRoute::Tunnel(proxy) => encrypted(proxy.uri()),
        };
        let tls = if to_proxy || encrypted(&target) { self.tls.settings().await? } else { self.tls.unused.clone() };
        let to_proxy = HttpsConnector::from((self.tcp.clone(), Arc::clone(&tls)));
        let dial = Dial { tcp: self.tcp, to_proxy, proxies: self.proxies };
        HttpsConnector::from((dial, tls)).call(target).await
    }
}

/// The settings of TLS. They are made for the first connection that needs them, and not where others wait for it: the
/// certificates of a machine are hundreds of files.
struct Tls {
    unused: Arc<rustls::ClientConfig>,
    trust: Trust,
    settings: OnceCell<Arc<rustls::ClientConfig>>,
}

impl Tls {
    async fn settings(&self) -> Result<Arc<rustls::ClientConfig>, BoxError> {
        let make = || async {
            let trust = self.trust.clone();
            Ok::<_, BoxError>(Arc::new(tokio::task::spawn_blocking(move || trust.tls()).await??))
        };
        self.settings.get_or_try_init(make).await.cloned()
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<ServerStream>;
    type Error = BoxError;
    type Future = Later<TokioIo<ServerStream>, BoxError>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        let forwarded = matches!(self.proxies.route(&target), ProxyRoute::Forward(_));
        let within = self.within;
        let connecting = self.clone().connect(target);
        Box::pin(async move {
            let stream = tokio::time::timeout(within, connecting).await.map_err(|_| ConnectTimeout(within))??;
            let stream = TokioIo::new(stream);
            Ok(TokioIo::new(ServerStream {
                stream,
                forwarded,
                activity: Activity::new(),
                writing: Writing::Open,
                at_a_stretch: 0,
            }))
        })
    }
}

/// When a connection last moved a byte, in either direction.
#[derive(Clone, Debug)]
pub(super) struct Activity(Arc<(Instant, AtomicU64)>);

impl Activity {
    fn new() -> Self {
        Self(Arc::new((Instant::now(), AtomicU64::new(0))))
    }

    fn touch(&self) {
        // Milliseconds in an atomic: this runs for every piece that is read, and a lock would be taken as often.
        let (start, last) = &*self.0;
        last.store(u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// The moment of the last byte.
    pub(super) fn last(&self) -> Instant {
        let (start, last) = &*self.0;
        *start + Duration::from_millis(last.load(Ordering::Relaxed))
    }
}

/// A connection that goes on reading after it can no longer be written to.
///
/// NOTE: a server that refuses a push answers 403 or 413 early and closes; the reset that the rest of the
/// pack then meets would hide the answer that already lies in the socket. So a write that cannot be done is left
/// undone, and its error shows only when reading brings no answer. It must not look as if it were done: the rest of the
/// pack would be made for nobody, and the push would seem to have been sent whole.
pub(super) struct ServerStream {
    stream: TokioIo<MaybeHttpsStream<Channel>>,
    forwarded: bool,
    activity: Activity,
    writing: Writing,
    /// Bytes that were read without a pause.
    at_a_stretch: usize,
}

/// How many bytes a connection reads before others get their turn: timers too, whatever the server sends.
const STRETCH: usize = 256 * 1024;

/// What became of the way out.
enum Writing {
    Open,
    /// Broken, which reading has not met yet.
    Broken(io::Error),
    Closed,
}

impl ServerStream {
    fn wrote<T>(&mut self, cx: &Context<'_>, outcome: io::Result<T>) -> Poll<io::Result<T>> {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
        match outcome {
            Err(error) if matches!(error.kind(), BrokenPipe | ConnectionReset | ConnectionAborted) => {
                self.writing = Writing::Broken(error);
                // hyper reads and writes in one task, which has to run once more to find the answer.
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            outcome => Poll::Ready(outcome),
        }
    }

    /// Nothing while the way out is open.
    fn refused<T>(&self) -> Option<Poll<io::Result<T>>> {
        match self.writing {
            Writing::Open => None,
            Writing::Broken(_) => Some(Poll::Pending),
            Writing::Closed => Some(Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))),
        }
    }
}

impl Connection for ServerStream {
    fn connected(&self) -> Connected {
        // The code that waits for an answer gets the connection's activity through these extras.
        self.stream.inner().connected().proxy(self.forwarded).extra(self.activity.clone())
    }
}

impl AsyncRead for ServerStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.at_a_stretch >= STRETCH {
            this.at_a_stretch = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buf.filled().len();
        let outcome = Pin::new(&mut this.stream).poll_read(cx, buf);
        this.at_a_stretch = if outcome.is_pending() { 0 } else { this.at_a_stretch + buf.filled().len() - before };
        let outcome = ready!(outcome);
        if (outcome.is_err() || buf.filled().len() == before)
            && matches!(this.writing, Writing::Broken(_))
            && let Writing::Broken(error) = std::mem::replace(&mut this.writing, Writing::Closed)
        {
            return Poll::Ready(outcome.and(Err(error)));
        }
        outcome?;
        this.activity.touch();
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ServerStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if let Some(refused) = this.refused() {
            return refused;
        }
        let outcome = ready!(Pin::new(&mut this.stream).poll_write_vectored(cx, bufs));
        if outcome.as_ref().is_ok_and(|written| *written > 0) {
            this.activity.touch();
        }
        this.wrote(cx, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if let Some(refused) = this.refused() {
            return refused;
        }
        let outcome = ready!(Pin::new(&mut this.stream).poll_flush(cx));
        this.wrote(cx, outcome)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
