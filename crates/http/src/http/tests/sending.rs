//! Bodies both ways, and answers that come before a request has ended.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use emulator::loopback::{Act, Server, answer, pass};
use http::Method;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use url::Url;

use super::{client, fine, get, pieces, request, text};
use crate::{
    diagnosis::{Cause, Failure},
    http::{AGENT, Body, BoxError, Traffic},
};

#[tokio::test]
async fn connections_are_kept_and_traffic_is_counted() {
    let server = Server::start(|seen| fine(&format!("{} {}", seen.method, seen.target))).await;
    let client = client(&server.url());
    for _ in 0..3 {
        let answer = client.send(request(Method::POST, &server.at("/a?b=c"), b"hello".to_vec().into())).await.unwrap();
        assert_eq!((answer.status.as_u16(), answer.url.path()), (200, "/a"));
        assert_eq!(text(answer).await, "POST /a?b=c");
    }
    let seen = server.seen();
    assert!(seen.iter().all(|request| request.connection == 0 && request.body == b"hello"));
    assert!(seen.iter().all(|request| request.header("user-agent") == Some(AGENT)));
    assert_eq!(client.traffic(), Traffic { requests: 3, sent: 15, received: 33 });
    assert_eq!(client.counted_apart().traffic(), Traffic::default());
}

#[tokio::test]
async fn a_streamed_body_goes_chunked_and_both_ways_stream() {
    let server = Server::start(|_| {
        Act::Slowly(
            vec![
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".into(),
                "5\r\nfirst\r\n".into(),
                "6\r\nsecond\r\n0\r\n\r\n".into(),
            ],
            Duration::from_millis(20),
        )
    })
    .await;
    let client = client(&server.url());
    let made = Arc::default();
    let answer = client.send(request(Method::POST, &server.at("/"), pieces(40, &made))).await.unwrap();
    let mut all = String::new();
    answer.body.reader().read_to_string(&mut all).await.unwrap();
    assert_eq!(all, "firstsecond");
    let seen = server.seen();
    assert_eq!((seen[0].header("transfer-encoding"), seen[0].body.len()), (Some("chunked"), 40 << 16));
    assert_eq!(client.traffic().sent, 40 << 16);
}

#[tokio::test]
async fn an_early_refusal_is_read_although_the_rest_can_not_be_sent() {
    for round in 0..20 {
        let server = Server::start(|_| {
            let body = "x".repeat(2000);
            Act::Early(answer("413 Payload Too Large", "connection: close\r\n", &body))
        })
        .await;
        let client = client(&server.url());
        let made = Arc::default();
        let sent = client.send(request(Method::POST, &server.at("/"), pieces(4000, &made))).await;
        let answer = sent.unwrap_or_else(|error| panic!("round {round}: {error}"));
        assert_eq!(answer.status.as_u16(), 413);
        assert_eq!(text(answer).await.len(), 2000, "round {round}");
        assert!(made.load(Ordering::Relaxed) < 4000, "the rest was made for nobody");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::disallowed_methods, reason = "it is the thread that must not run on")]
async fn an_answer_is_not_lost_when_a_write_fails_before_it_is_read() {
    for _ in 0..5 {
        let server = Server::start(|_| Act::Early(answer("403 Forbidden", "connection: close\r\n", "denied"))).await;
        // While the second piece is made the server answers and resets the connection: the write comes next, and fails.
        let body = futures_util::stream::iter((0..3).map(|piece| {
            if piece == 1 {
                std::thread::sleep(Duration::from_millis(100));
            }
            Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; 1 << 20]))
        }));
        let request = request(Method::POST, &server.at("/"), Body::stream(body));
        let answer = client(&server.url()).send(request).await.unwrap();
        assert_eq!(answer.status.as_u16(), 403);
        assert_eq!(text(answer).await, "denied");
    }
}

#[tokio::test]
async fn sending_ends_when_the_answer_is_dropped() {
    // A server that goes on reading after its answer, as a proxy does that drains what it refused.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin: Url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let taken = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&taken);
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = vec![0; 1 << 16];
        let _ = stream.read(&mut buffer).await;
        stream.write_all(answer("403 Forbidden", "", "no").as_bytes()).await.unwrap();
        while let Ok(read) = stream.read(&mut buffer).await {
            if read == 0 {
                break;
            }
            counter.fetch_add(read as u64, Ordering::Relaxed);
            pass(Duration::from_millis(1)).await;
        }
        counter.fetch_add(1 << 40, Ordering::Relaxed);
    });
    let made = Arc::default();
    let client = client(&origin);
    let answer = client.send(request(Method::POST, origin.as_str(), pieces(100_000, &made))).await.unwrap();
    assert_eq!(text(answer).await, "no");
    for _ in 0..200 {
        if taken.load(Ordering::Relaxed) >= 1 << 40 {
            break;
        }
        pass(Duration::from_millis(10)).await;
    }
    assert!(taken.load(Ordering::Relaxed) >= 1 << 40, "the connection was not closed");
    assert!(made.load(Ordering::Relaxed) < 100_000);
}

#[tokio::test]
async fn a_body_that_can_not_be_made_keeps_its_own_cause() {
    let server = Server::start(|_| fine("")).await;
    let client = client(&server.url());
    let failing =
        |error: BoxError| Body::stream(futures_util::stream::iter([Ok(Bytes::from_static(b"x")), Err(error)]));
    let own = Failure::new(Cause::LocalGitError, "The file is gone.").with_remedy("Bring it back.");
    let error = client.send(request(Method::POST, &server.at("/"), failing(Box::new(own)))).await.unwrap_err();
    assert_eq!((error.cause(), &*error.what()), (Cause::LocalGitError, "The file is gone."));
    assert_eq!(error.into_read_failure().remedy(), "Bring it back.");
    let error = client.send(request(Method::POST, &server.at("/"), failing("disk full".into()))).await.unwrap_err();
    assert_eq!(error.cause(), Cause::InternalError);
    assert!(error.what().contains("disk full"), "{error}");
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_an_error() {
    let server = Server::start(|_| fine("0123456789")).await;
    let client = client(&server.url());
    let answer = client.send(get(&server.at("/"))).await.unwrap();
    assert_eq!(answer.body.bytes(9).await.unwrap_err().cause(), Cause::ServerError);
    let answer = client.send(get(&server.at("/"))).await.unwrap();
    assert_eq!(answer.body.bytes(10).await.unwrap().len(), 10);
}
