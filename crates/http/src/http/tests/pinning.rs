//! Whom a credential is shown to, and whom not.

use std::sync::Arc;

use emulator::loopback::{Act, Server, answer};
use http::Method;

use super::{client, fine, get, pieces, request, text};
use crate::{
    diagnosis::{Cause, Retry},
    http::{Body, HttpClient, Settings},
};

#[tokio::test]
async fn a_redirect_on_the_same_server_is_followed() {
    let server = Server::start(|seen| match seen.target.as_str() {
        "/old" => Act::Answer(answer("301 Moved Permanently", "location: /new?x=1\r\n", "")),
        "/post" => Act::Answer(answer("307 Temporary Redirect", "location: /new\r\n", "")),
        "/loop" => Act::Answer(answer("302 Found", "location: /loop\r\n", "")),
        _ => fine("here"),
    })
    .await;
    let client = client(&server.url());
    let mut old = get(&server.at("/old"));
    old.headers_mut().insert("authorization", "Bearer t".parse().unwrap());
    let answer = client.send(old).await.unwrap();
    assert_eq!(answer.url.to_string(), server.at("/new?x=1"));
    assert_eq!(text(answer).await, "here");
    assert!(server.seen().iter().all(|request| request.header("authorization") == Some("Bearer t")));

    client.send(request(Method::POST, &server.at("/post"), b"again".to_vec().into())).await.unwrap();
    let last = server.seen().pop().unwrap();
    assert_eq!((last.method.as_str(), last.target.as_str(), &last.body[..]), ("POST", "/new", &b"again"[..]));

    let before = server.seen().len();
    let error = client.send(get(&server.at("/loop"))).await.unwrap_err();
    assert_eq!((error.cause(), error.transient), (Cause::ServerError, false));
    assert_eq!(server.seen().len() - before, 6);
}

#[tokio::test]
async fn a_redirect_elsewhere_and_one_that_can_not_be_repeated_are_not_followed() {
    let other = Server::start(|_| fine("stolen")).await;
    let elsewhere = other.at("/x");
    let server = Server::start(move |seen| match seen.target.as_str() {
        "/away" => Act::Answer(answer("302 Found", &format!("location: {elsewhere}\r\n"), "")),
        "/stream" => Act::Answer(answer("307 Temporary Redirect", "location: /new\r\n", "")),
        "/nowhere" => Act::Answer(answer("301 Moved Permanently", "", "")),
        _ => Act::Answer(answer("302 Found", "location: /new\r\n", "")),
    })
    .await;
    // Both servers are allowed, and still one's credential does not reach the other by a redirect.
    let client = HttpClient::new(&Settings::to(vec![server.url(), other.url()])).unwrap();
    let made = Arc::default();
    for (request, reason) in [
        (get(&server.at("/away")), "leads to another server (127.0.0.1)"),
        (request(Method::POST, &server.at("/stream"), pieces(1, &made)), "cannot be sent again"),
        (request(Method::POST, &server.at("/write"), Body::empty()), "turn a write into a read"),
        (get(&server.at("/nowhere")), "names no address"),
    ] {
        let error = client.send(request).await.unwrap_err();
        assert!(error.what().contains(reason), "{}", error.what());
        assert_eq!((error.cause(), error.transient), (Cause::ConnectionFailed, false));
        assert_eq!(error.into_write_failure().retry, Retry::Never);
    }
    assert_eq!(other.seen().len(), 0);
}

#[tokio::test]
async fn no_other_server_is_spoken_to() {
    let other = Server::start(|_| fine("stolen")).await;
    let server = Server::start(|_| fine("here")).await;
    let client = client(&server.url());
    let with_name = other.at("/").replace("://", "://u:geheim@");
    let own_with_name = server.at("/").replace("://", "://u:geheim@");
    for uri in [other.at("/"), with_name, own_with_name, server.at("/").replace("http:", "https:")] {
        let error = client.send(get(&uri)).await.unwrap_err();
        assert_eq!((error.cause(), error.maybe_sent), (Cause::InternalError, false));
        assert!(!format!("{error:?}").contains("geheim"));
    }
    assert_eq!((other.seen().len(), server.seen().len()), (0, 0));
}

#[tokio::test]
async fn a_client_that_is_lent_to_an_address_speaks_to_no_other_server() {
    let (own, storage) = (Server::start(|_| fine("own")).await, Server::start(|_| fine("storage")).await);
    let client = client(&own.url());
    let lent = client.lent_to(&storage.at("/x").parse().unwrap());
    assert_eq!(text(lent.send(get(&storage.at("/object?signature=1"))).await.unwrap()).await, "storage");
    let error = lent.send(get(&own.at("/"))).await.unwrap_err();
    assert!(error.what().contains("held back"), "{error}");
    let error = client.send(get(&storage.at("/"))).await.unwrap_err();
    assert!(error.what().contains("held back"), "{error}");
    assert_eq!((own.seen().len(), storage.seen().len()), (0, 1));
    assert_eq!(client.traffic().requests, 1, "the traffic is counted once");
}
