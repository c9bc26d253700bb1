//! Servers and proxies on real sockets of this machine, which answer as they are told.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "for tests alone, which stop at the first surprise")]

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::rustls::ServerConfig;
use url::Url;

/// One request as it arrived.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Which connection brought it, from 0.
    pub connection: usize,
    /// `GET` and the like.
    pub method: String,
    /// What stands behind the method: a path, or an address where a proxy is asked.
    pub target: String,
    /// In their order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// What has arrived of it.
    pub body: Vec<u8>,
}

impl Seen {
    /// The first header of this name, which is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// What becomes of a request.
#[derive(Clone, Debug)]
pub enum Act {
    /// The body is read and these bytes are the answer; the connection stays.
    Answer(String),
    /// The body is not read; these bytes are the answer, and the connection is closed over what still arrives.
    Early(String),
    /// The body is read and the connection is reset.
    Reset,
    /// The body is read and the connection is reset after these bytes.
    Cut(String),
    /// Nothing more happens, and the connection stays open.
    Silence,
    /// These pieces, with a pause before each.
    Slowly(Vec<String>, Duration),
}

/// An answer with this status, headers (each with its line end) and body.
pub fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
}

/// Lets time pass.
#[expect(clippy::disallowed_methods, reason = "a server's own slowness is no pause between tries")]
pub async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}

/// A server on loopback; it ends with the test's runtime.
#[derive(Clone)]
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    scheme: &'static str,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// A server that asks `handler` what to do once the head of a request is there.
    pub async fn start(handler: impl Fn(&Seen) -> Act + Send + Sync + 'static) -> Self {
        Self::listen(None, handler).await
    }

    /// The same behind TLS.
    pub async fn start_tls(tls: Arc<ServerConfig>, handler: impl Fn(&Seen) -> Act + Send + Sync + 'static) -> Self {
        Self::listen(Some(tls), handler).await
    }

    async fn listen(tls: Option<Arc<ServerConfig>>, handler: impl Fn(&Seen) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = Self { address, scheme: if tls.is_some() { "https" } else { "http" }, seen: Arc::default() };
        let seen = Arc::clone(&server.seen);
        let handler = Arc::new(handler);
        tokio::spawn(async move {
            for connection in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                let (seen, handler, tls) = (Arc::clone(&seen), Arc::clone(&handler), tls.clone());
                tokio::spawn(async move {
                    stream.set_nodelay(true).unwrap();
                    match tls {
                        None => serve(stream, connection, &seen, &*handler).await,
                        Some(tls) => {
                            if let Ok(stream) = tokio_rustls::TlsAcceptor::from(tls).accept(stream).await {
                                serve(stream, connection, &seen, &*handler).await;
                            }
                        }
                    }
                });
            }
        });
        server
    }

    /// The address of `path`.
    pub fn at(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    /// The address of its root.
    pub fn url(&self) -> Url {
        self.at("/").parse().unwrap()
    }

    /// What arrived so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

/// What a test server's stream must do: a reset needs the socket under it.
trait Stream: AsyncRead + AsyncWrite + Unpin {
    fn socket(&self) -> &TcpStream;
}

impl Stream for TcpStream {
    fn socket(&self) -> &TcpStream {
        self
    }
}

impl Stream for tokio_rustls::server::TlsStream<TcpStream> {
    fn socket(&self) -> &TcpStream {
        self.get_ref().0
    }
}

async fn serve(
    stream: impl Stream,
    connection: usize,
    seen: &Mutex<Vec<Seen>>,
    handler: &(dyn Fn(&Seen) -> Act + Send + Sync),
) {
    let mut stream = BufReader::new(stream);
    while let Some(mut request) = head(&mut stream).await {
        request.connection = connection;
        let act = handler(&request);
        if !matches!(act, Act::Early(_)) && body(&mut stream, &mut request).await.is_none() {
            return;
        }
        seen.lock().unwrap().push(request);
        match act {
            Act::Answer(bytes) => {
                if stream.write_all(bytes.as_bytes()).await.is_err() {
                    return;
                }
                stream.flush().await.unwrap();
            }
            Act::Early(bytes) => {
                stream.write_all(bytes.as_bytes()).await.unwrap();
                stream.flush().await.unwrap();
                return;
            }
            Act::Cut(bytes) => {
                stream.write_all(bytes.as_bytes()).await.unwrap();
                stream.flush().await.unwrap();
                // A reset overtakes bytes that the other side has not read yet.
                pass(Duration::from_millis(50)).await;
                stream.get_ref().socket().set_zero_linger().unwrap();
                return;
            }
            Act::Reset => {
                stream.get_ref().socket().set_zero_linger().unwrap();
                return;
            }
            Act::Silence => std::future::pending::<()>().await,
            Act::Slowly(pieces, pause) => {
                for piece in pieces {
                    pass(pause).await;
                    if stream.write_all(piece.as_bytes()).await.is_err() {
                        return;
                    }
                    stream.flush().await.unwrap();
                }
            }
        }
    }
}

async fn head(stream: &mut (impl AsyncBufReadExt + Unpin)) -> Option<Seen> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, target) = (words.next()?, words.next()?);
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) => headers.push((name.to_ascii_lowercase(), value.to_owned())),
            None => return Some(Seen { method, target, headers, ..Seen::default() }),
        }
    }
}

async fn body(stream: &mut (impl AsyncBufReadExt + Unpin), request: &mut Seen) -> Option<()> {
    if let Some(length) = request.header("content-length").and_then(|length| length.parse().ok()) {
        request.body = vec![0; length];
        stream.read_exact(&mut request.body).await.ok()?;
    } else if request.header("transfer-encoding") == Some("chunked") {
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
            let length = usize::from_str_radix(line.trim(), 16).ok()?;
            let mut chunk = vec![0; length + 2];
            stream.read_exact(&mut chunk).await.ok()?;
            if length == 0 {
                break;
            }
            request.body.extend_from_slice(&chunk[..length]);
        }
    }
    Some(())
}

/// A proxy on loopback that opens tunnels and forwards plain requests; `authorization` is the value that it asks for.
/// Returns its address and the first lines of what it was asked.
pub async fn proxy(authorization: Option<&'static str>) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = Arc::clone(&asked);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                let mut stream = BufReader::new(stream);
                let Some(request) = head(&mut stream).await else { return };
                log.lock().unwrap().push(format!("{} {}", request.method, request.target));
                if authorization.is_some() && request.header("proxy-authorization") != authorization {
                    let refusal = answer("407 Proxy Authentication Required", "proxy-authenticate: Basic\r\n", "");
                    let _ = stream.write_all(refusal.as_bytes()).await;
                    return;
                }
                if request.method == "CONNECT" {
                    let Ok(mut onward) = TcpStream::connect(&request.target).await else {
                        let _ = stream.write_all(answer("502 Bad Gateway", "", "").as_bytes()).await;
                        return;
                    };
                    stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut stream, &mut onward).await;
                } else {
                    let url: Url = request.target.parse().unwrap();
                    let target = format!("127.0.0.1:{}", url.port().unwrap());
                    let mut onward = TcpStream::connect(target).await.unwrap();
                    let mut text = format!("{} {} HTTP/1.1\r\nconnection: close\r\n", request.method, url.path());
                    for (name, value) in request.headers.iter().filter(|(name, _)| !name.starts_with("proxy-")) {
                        text.extend([name, ": ", value, "\r\n"]);
                    }
                    text.push_str("\r\n");
                    onward.write_all(text.as_bytes()).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut stream, &mut onward).await;
                }
            });
        }
    });
    (address, asked)
}
