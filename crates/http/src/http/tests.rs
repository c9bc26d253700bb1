//! The client against real sockets on loopback.

mod failing;
mod pinning;
mod sending;
mod through;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use emulator::loopback::{Act, answer};
use http::{Method, Request};
use url::Url;

use super::*;

fn client(origin: &Url) -> HttpClient {
    HttpClient::new(&Settings::to(vec![origin.clone()])).unwrap()
}

/// How long a server may be silent to [`quick`].
const SILENCE: Duration = Duration::from_millis(600);

fn quick(origin: &Url) -> HttpClient {
    patient(origin, SILENCE)
}

/// A quick client that lets a server work for so long.
fn patient(origin: &Url, work: Duration) -> HttpClient {
    let waits = Waits { silence: SILENCE, work };
    HttpClient::new(&Settings { connect: SILENCE, waits, ..Settings::to(vec![origin.clone()]) }).unwrap()
}

fn request(method: Method, uri: &str, body: Body) -> Request<Body> {
    Request::builder().method(method).uri(uri).body(body).unwrap()
}

fn get(uri: &str) -> Request<Body> {
    request(Method::GET, uri, Body::empty())
}

fn fine(body: &str) -> Act {
    Act::Answer(answer("200 OK", "", body))
}

async fn text(answer: Answer) -> String {
    String::from_utf8(answer.body.bytes(1 << 20).await.unwrap().to_vec()).unwrap()
}

/// Pieces of 64 KiB; `made` counts them.
fn pieces(count: u64, made: &Arc<AtomicU64>) -> Body {
    let made = Arc::clone(made);
    Body::stream(futures_util::stream::iter((0..count).map(move |_| {
        made.fetch_add(1, Ordering::Relaxed);
        Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; 1 << 16]))
    })))
}
