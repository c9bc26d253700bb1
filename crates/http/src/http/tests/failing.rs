//! Connections that are refused, break or stay silent.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use emulator::loopback::{Act, Server, answer, pass};
use http::Method;
use tokio::{io::AsyncReadExt, net::TcpListener};
use url::Url;

use super::{SILENCE, client, fine, get, patient, pieces, quick, request, text};
use crate::{
    diagnosis::{Cause, Retry},
    http::{Body, LongWork, error::inside},
};

#[tokio::test]
async fn what_failed_before_anything_was_sent_is_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let error = client(&closed.parse().unwrap()).send(get(&closed)).await.unwrap_err();
    assert_eq!((error.cause(), error.maybe_sent, error.transient), (Cause::ConnectionFailed, false, true), "{error}");
    assert!(error.what().contains("127.0.0.1") && error.what().contains("refused"), "{error}");
    assert_eq!(error.into_write_failure().retry, Retry::Backoff);

    let unknown = "https://no-such-host.invalid/";
    let error = client(&unknown.parse().unwrap()).send(get(unknown)).await.unwrap_err();
    assert_eq!((error.cause(), error.maybe_sent, error.transient), (Cause::DnsFailure, false, true), "{error}");
    assert!(error.what().contains("no-such-host.invalid"), "{error}");
}

#[tokio::test]
async fn what_broke_after_sending_is_unclear_for_a_write_and_repeatable_for_a_read() {
    let server = Server::start(|seen| match seen.target.as_str() {
        "/cut" => Act::Cut("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this".to_owned()),
        _ => Act::Reset,
    })
    .await;
    let client = client(&server.url());
    let error = client.send(request(Method::POST, &server.at("/"), b"x".to_vec().into())).await.unwrap_err();
    assert_eq!((error.cause(), error.maybe_sent, error.transient), (Cause::ConnectionFailed, true, true), "{error}");
    assert_eq!(error.clone().into_write_failure().retry, Retry::Unclear(None));
    assert_eq!(error.into_read_failure().retry, Retry::Backoff);

    let answer = client.send(get(&server.at("/cut"))).await.unwrap();
    let error = answer.body.bytes(1000).await.unwrap_err();
    assert_eq!((error.cause(), error.maybe_sent), (Cause::ConnectionFailed, true), "{error}");

    let answer = client.send(get(&server.at("/cut"))).await.unwrap();
    let mut sink = Vec::new();
    let error = answer.body.reader().read_to_end(&mut sink).await.unwrap_err();
    assert_eq!(inside(&error).unwrap().cause(), Cause::ConnectionFailed);
}

#[tokio::test]
async fn silence_ends_a_request_and_an_answer() {
    let server = Server::start(|seen| match seen.target.as_str() {
        "/head" => Act::Silence,
        _ => Act::Slowly(vec!["HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n".into(), "123".into()], Duration::ZERO),
    })
    .await;
    let client = quick(&server.url());
    let start = Instant::now();
    let error = client.send(get(&server.at("/head"))).await.unwrap_err();
    assert_eq!((error.cause(), error.maybe_sent, error.transient), (Cause::ConnectionFailed, true, true), "{error}");
    assert!(error.what().contains("0.6 s"), "{error}");
    assert!((600..5000).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());

    let answer = client.send(get(&server.at("/body"))).await.unwrap();
    let start = Instant::now();
    let error = answer.body.bytes(1000).await.unwrap_err();
    assert!(error.what().contains("neither took nor sent"), "{error}");
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn slow_is_not_silent() {
    let mut pieces = vec!["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_owned()];
    pieces.extend((0..4).map(|_| "1\r\nx\r\n".to_owned()));
    pieces.push("0\r\n\r\n".to_owned());
    let server = Server::start(move |_| Act::Slowly(pieces.clone(), Duration::from_millis(200))).await;
    let answer = quick(&server.url()).send(get(&server.at("/"))).await.unwrap();
    assert_eq!(text(answer).await, "xxxx");

    let head = ["HTTP/1.1 200 OK\r\n", "content-length: 1\r\n", "\r\nx"].map(str::to_owned);
    let server = Server::start(move |_| Act::Slowly(head.to_vec(), Duration::from_millis(280))).await;
    let answer = quick(&server.url()).send(get(&server.at("/"))).await.unwrap();
    assert_eq!(text(answer).await, "x");

    let server = Server::start(|_| fine("done")).await;
    let client = quick(&server.url());
    // Our own data takes longer than the server may: that is no silence of the server's.
    let slow = futures_util::stream::unfold(0, |made| async move {
        pass(Duration::from_millis(800)).await;
        (made < 2).then(|| (Ok::<_, std::io::Error>(Bytes::from_static(b"piece")), made + 1))
    });
    let answer = client.send(request(Method::POST, &server.at("/"), Body::stream(slow))).await.unwrap();
    assert_eq!(text(answer).await, "done");
}

/// A push, as the client is told of one.
fn work(uri: &str, body: Body) -> http::Request<Body> {
    let mut request = request(Method::POST, uri, body);
    request.extensions_mut().insert(LongWork);
    request
}

#[tokio::test]
async fn work_is_waited_for_as_soon_as_all_of_the_request_was_sent() {
    let server = Server::start(|seen| match seen.target.as_str() {
        "/never" => Act::Silence,
        "/head" => Act::Slowly(vec![answer("200 OK", "", "done")], SILENCE * 3),
        _ => Act::Slowly(vec!["HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n".into(), "done".into()], SILENCE * 2),
    })
    .await;
    let client = patient(&server.url(), Duration::from_mins(1));
    let piece = || futures_util::stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"piece"))]);
    for path in ["/head", "/body"] {
        let told = client.send(request(Method::POST, &server.at(path), b"piece".to_vec().into())).await;
        let error = match told {
            Ok(answer) => answer.body.bytes(1000).await.unwrap_err(),
            Err(error) => error,
        };
        assert!(error.what().contains("0.6 s"), "what is no work is not waited for: {error}");
        let chunked = work(&server.at(path), Body::stream(piece()));
        let mut measured = work(&server.at(path), Body::stream(piece()));
        measured.headers_mut().insert(http::header::CONTENT_LENGTH, 5.into());
        for push in [work(&server.at(path), b"piece".to_vec().into()), chunked, measured] {
            assert_eq!(text(client.send(push).await.unwrap()).await, "done", "{path}");
        }
    }
    let client = patient(&server.url(), SILENCE * 2);
    let error = client.send(work(&server.at("/never"), b"piece".to_vec().into())).await.unwrap_err();
    assert!(error.what().contains("1.2 s"), "{error}");
    assert_eq!(error.into_write_failure().retry, Retry::Silence);
}

#[tokio::test]
async fn whoever_says_now_and_then_that_it_works_is_waited_for_without_end() {
    let mut pieces = vec!["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_owned()];
    pieces.extend((0..8).map(|_| "5\r\n0005\u{1}\r\n".to_owned()));
    pieces.push("0\r\n\r\n".to_owned());
    let server = Server::start(move |_| Act::Slowly(pieces.clone(), SILENCE / 3)).await;
    let push = work(&server.at("/"), b"piece".to_vec().into());
    let answer = patient(&server.url(), SILENCE).send(push).await.unwrap();
    assert_eq!(text(answer).await.len(), 40);
}

#[tokio::test]
async fn a_server_that_does_not_take_the_request_does_not_work_on_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin: Url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let taken = tokio::spawn(async move { listener.accept().await.unwrap() });
    // More than the kernels' buffers on both sides take.
    let push = work(origin.as_str(), pieces(2000, &Arc::default()));
    let error = patient(&origin, Duration::from_mins(1)).send(push).await.unwrap_err();
    assert!(error.what().contains("0.6 s"), "{error}");
    drop(taken);
}

#[tokio::test]
async fn a_server_that_does_not_take_the_connection_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin: Url = format!("https://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let error = quick(&origin).send(get(origin.as_str())).await.unwrap_err();
    assert_eq!((error.cause(), error.maybe_sent), (Cause::ConnectionFailed, false));
    assert!(error.what().contains("did not take the connection within 1.2 s"), "{error}");
}
