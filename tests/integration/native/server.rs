//! A server of downloads, which answers as it is told and keeps the heads of the requests.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// What goes back: bytes as they are sent, after which the connection is closed.
#[derive(Clone)]
pub(super) struct Answer(Arc<[u8]>);

impl Answer {
    /// The content, whole.
    pub(super) fn ok(content: &[u8]) -> Self {
        Self::content(content.len(), "application/octet-stream", content)
    }

    /// Content that is said to have `length` bytes.
    pub(super) fn content(length: usize, kind: &str, content: &[u8]) -> Self {
        let head =
            format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nContent-Type: {kind}\r\nConnection: close\r\n\r\n");
        Self([head.as_bytes(), content].concat().into())
    }

    /// A status without content.
    pub(super) fn status(status: &str) -> Self {
        Self(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").into_bytes().into())
    }

    /// Somewhere else.
    pub(super) fn redirect(to: &str) -> Self {
        Self::status(&format!("302 Found\r\nLocation: {to}"))
    }
}

/// The server. Its thread ends with the process.
pub(super) struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// That gives this answer to every request.
    pub(super) fn start(answer: Answer) -> Self {
        Self::with(move |_| answer.clone())
    }

    /// That answers by path.
    pub(super) fn with(answer: impl Fn(&str) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&requests);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that goes away is the test's affair.
                let _ = serve(stream, &seen, &answer);
            }
        });
        Self { address, requests }
    }

    /// Its address with a path.
    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The heads of all requests, in order.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn serve(mut stream: TcpStream, seen: &Mutex<Vec<String>>, answer: &impl Fn(&str) -> Answer) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    seen.lock().unwrap().push(head);
    stream.write_all(&answer(&path).0)
}
