//! The client against real sockets on loopback.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Method, Request};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use url::Url;

use super::{
    loopback::{Act, Seen, Server, answer, pass, proxy},
    *,
};
use crate::diagnosis::{Failure, Retry};

fn client(origin: &Url) -> HttpClient {
    HttpClient::new(&Settings::to(vec![origin.clone()])).unwrap()
}

fn quick(origin: &Url) -> HttpClient {
    let silence = Duration::from_millis(600);
    HttpClient::new(&Settings { connect: silence, silence, ..Settings::to(vec![origin.clone()]) }).unwrap()
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
    assert_eq!((error.cause, error.transient), (Cause::ServerError, false));
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
        (request(Method::POST, &server.at("/stream"), pieces(1, &made)), "can not be sent again"),
        (request(Method::POST, &server.at("/write"), Body::empty()), "turn a write into a read"),
        (get(&server.at("/nowhere")), "names no address"),
    ] {
        let error = client.send(request).await.unwrap_err();
        assert!(error.what.contains(reason), "{}", error.what);
        assert_eq!((error.cause, error.transient), (Cause::ConnectionFailed, false));
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
        assert_eq!((error.cause, error.maybe_sent), (Cause::InternalError, false));
        assert!(!format!("{error:?}").contains("geheim"));
    }
    assert_eq!((other.seen().len(), server.seen().len()), (0, 0));
}

#[tokio::test]
async fn what_failed_before_anything_was_sent_is_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let error = client(&closed.parse().unwrap()).send(get(&closed)).await.unwrap_err();
    assert_eq!((error.cause, error.maybe_sent, error.transient), (Cause::ConnectionFailed, false, true), "{error}");
    assert!(error.what.contains("127.0.0.1") && error.what.contains("refused"), "{error}");
    assert_eq!(error.into_write_failure().retry, Retry::Backoff);

    let unknown = "https://no-such-host.invalid/";
    let error = client(&unknown.parse().unwrap()).send(get(unknown)).await.unwrap_err();
    assert_eq!((error.cause, error.maybe_sent, error.transient), (Cause::DnsFailure, false, true), "{error}");
    assert!(error.what.contains("no-such-host.invalid"), "{error}");
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
    assert_eq!((error.cause, error.maybe_sent, error.transient), (Cause::ConnectionFailed, true, true), "{error}");
    assert_eq!(error.clone().into_write_failure().retry, Retry::Unclear);
    assert_eq!(error.into_read_failure().retry, Retry::Backoff);

    let answer = client.send(get(&server.at("/cut"))).await.unwrap();
    let error = answer.body.bytes(1000).await.unwrap_err();
    assert_eq!((error.cause, error.maybe_sent), (Cause::ConnectionFailed, true), "{error}");

    let answer = client.send(get(&server.at("/cut"))).await.unwrap();
    let mut sink = Vec::new();
    let error = answer.body.reader().read_to_end(&mut sink).await.unwrap_err();
    assert_eq!(HttpError::inside(&error).unwrap().cause, Cause::ConnectionFailed);
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
    assert_eq!((error.cause, error.maybe_sent, error.transient), (Cause::ConnectionFailed, true, true), "{error}");
    assert!(error.what.contains("0.6 s"), "{error}");
    assert!((600..5000).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());

    let answer = client.send(get(&server.at("/body"))).await.unwrap();
    let start = Instant::now();
    let error = answer.body.bytes(1000).await.unwrap_err();
    assert!(error.what.contains("neither took nor sent"), "{error}");
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

#[tokio::test]
async fn a_server_that_does_not_take_the_connection_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin: Url = format!("https://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let error = quick(&origin).send(get(origin.as_str())).await.unwrap_err();
    assert_eq!((error.cause, error.maybe_sent), (Cause::ConnectionFailed, false));
    assert!(error.what.contains("did not take the connection within 1.2 s"), "{error}");
}

#[tokio::test]
async fn a_body_that_can_not_be_made_keeps_its_own_cause() {
    let server = Server::start(|_| fine("")).await;
    let client = client(&server.url());
    let failing =
        |error: BoxError| Body::stream(futures_util::stream::iter([Ok(Bytes::from_static(b"x")), Err(error)]));
    let own = Failure::new(Cause::LocalGitError, "The file is gone.");
    let error = client.send(request(Method::POST, &server.at("/"), failing(Box::new(own)))).await.unwrap_err();
    assert_eq!((error.cause, error.what.as_str()), (Cause::LocalGitError, "The file is gone."));
    let error = client.send(request(Method::POST, &server.at("/"), failing("disk full".into()))).await.unwrap_err();
    assert_eq!(error.cause, Cause::InternalError);
    assert!(error.what.contains("disk full"), "{error}");
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_an_error() {
    let server = Server::start(|_| fine("0123456789")).await;
    let client = client(&server.url());
    let answer = client.send(get(&server.at("/"))).await.unwrap();
    assert_eq!(answer.body.bytes(9).await.unwrap_err().cause, Cause::ServerError);
    let answer = client.send(get(&server.at("/"))).await.unwrap();
    assert_eq!(answer.body.bytes(10).await.unwrap().len(), 10);
}

/// A private CA, and a server's settings under it for `name`.
fn private_ca(name: &str) -> (String, Arc<rustls::ServerConfig>) {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let pem = authority.self_signed(&key).unwrap().pem();
    let issuer = rcgen::Issuer::new(authority, key);
    let own_key = rcgen::KeyPair::generate().unwrap();
    let own = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&own_key, &issuer).unwrap();
    let own_key = rustls_pki_types::PrivateKeyDer::try_from(own_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.der().clone()], own_key)
        .unwrap();
    (pem, Arc::new(config))
}

#[tokio::test]
async fn a_private_ca_is_trusted_only_when_it_is_given() {
    let (pem, tls) = private_ca("127.0.0.1");
    let server = Server::start_tls(tls, |_| fine("secure")).await;
    let error = client(&server.url()).send(get(&server.at("/"))).await.unwrap_err();
    assert_eq!((error.cause, error.maybe_sent, error.transient), (Cause::TlsCertificateUntrusted, false, false));
    assert!(error.what.contains("127.0.0.1") && error.what.contains("issuer is unknown"), "{error}");

    let trust = Trust::from_pem(&pem).unwrap();
    let trusting = Settings { trust: trust.clone(), ..Settings::to(vec![server.url()]) };
    let answer = HttpClient::new(&trusting).unwrap().send(get(&server.at("/"))).await.unwrap();
    assert_eq!(text(answer).await, "secure");

    let (pem, tls) = private_ca("ghes.example.test");
    let server = Server::start_tls(tls, |_| fine("secure")).await;
    let settings = Settings { trust: Trust::from_pem(&pem).unwrap(), ..Settings::to(vec![server.url()]) };
    let error = HttpClient::new(&settings).unwrap().send(get(&server.at("/"))).await.unwrap_err();
    assert_eq!(error.cause, Cause::TlsCertificateUntrusted);
    assert!(error.what.contains("another host name"), "{error}");
}

#[tokio::test]
async fn an_early_refusal_is_read_behind_tls_too() {
    let (pem, tls) = private_ca("127.0.0.1");
    let early = |_: &Seen| Act::Early(answer("403 Forbidden", "connection: close\r\n", "Permission denied"));
    let server = Server::start_tls(tls, early).await;
    let settings = Settings { trust: Trust::from_pem(&pem).unwrap(), ..Settings::to(vec![server.url()]) };
    let client = HttpClient::new(&settings).unwrap();
    for _ in 0..10 {
        let made = Arc::default();
        let answer = client.send(request(Method::POST, &server.at("/"), pieces(4000, &made))).await.unwrap();
        assert_eq!(answer.status.as_u16(), 403);
        assert_eq!(text(answer).await, "Permission denied");
    }
}

#[tokio::test]
async fn what_is_no_tls_at_all_is_a_failed_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin: Url = format!("https://{}/", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut hello = [0; 16];
        stream.read_exact(&mut hello).await.unwrap();
        stream.write_all(answer("400 Bad Request", "", "").as_bytes()).await.unwrap();
        pass(Duration::from_secs(5)).await;
    });
    let error = client(&origin).send(get(origin.as_str())).await.unwrap_err();
    assert_eq!((error.cause, error.transient), (Cause::ConnectionFailed, true));
    assert!(error.what.contains("TLS handshake"), "{error}");
}

// "u:p%40ss" in base64.
const PROXY_LOGIN: &str = "Basic dTpwQHNz";

#[tokio::test]
async fn https_goes_through_a_tunnel_of_the_proxy() {
    let (pem, tls) = private_ca("127.0.0.1");
    let server = Server::start_tls(tls, |_| fine("through")).await;
    let (address, asked) = proxy(Some(PROXY_LOGIN)).await;
    let with = |proxy: &str, no_proxy: &str| {
        let proxies = Proxies::new(proxy, "", no_proxy).unwrap();
        let trust = Trust::from_pem(&pem).unwrap();
        HttpClient::new(&Settings { proxies, trust, ..Settings::to(vec![server.url()]) }).unwrap()
    };
    let client = with(&format!("http://u:p%40ss@{address}"), "");
    for _ in 0..2 {
        assert_eq!(text(client.send(get(&server.at("/"))).await.unwrap()).await, "through");
    }
    assert_eq!(*asked.lock().unwrap(), [format!("CONNECT {}", server.address)]);
    assert!(server.seen().iter().all(|request| request.header("proxy-authorization").is_none()));

    let direct = with(&format!("http://u:p%40ss@{address}"), "127.0.0.1");
    assert_eq!(text(direct.send(get(&server.at("/"))).await.unwrap()).await, "through");
    assert_eq!(asked.lock().unwrap().len(), 1);

    let error = with(&format!("http://u:geheim@{address}"), "").send(get(&server.at("/"))).await.unwrap_err();
    assert_eq!((error.cause, error.maybe_sent, error.transient), (Cause::ConnectionFailed, false, false));
    assert!(error.what.contains(&format!("proxy {address} asks for a user name")), "{error}");
    assert!(!format!("{error:?}").contains("geheim"));
}

#[tokio::test]
async fn a_proxy_that_is_down_or_refuses_is_named() {
    let origin: Url = "https://127.0.0.1:1/".parse().unwrap();
    let (address, _) = proxy(None).await;
    let through = |proxy: &str| {
        let proxies = Proxies::new(proxy, "", "").unwrap();
        HttpClient::new(&Settings { proxies, ..Settings::to(vec![origin.clone()]) }).unwrap()
    };
    let error = through(&address.to_string()).send(get(origin.as_str())).await.unwrap_err();
    assert!(error.what.contains(&format!("proxy {address} did not open a tunnel")), "{error}");
    assert!(error.transient && !error.maybe_sent);
    let error = through("http://127.0.0.1:1").send(get(origin.as_str())).await.unwrap_err();
    assert!(error.what.contains("No connection to the proxy 127.0.0.1:1"), "{error}");
    assert_eq!(error.cause, Cause::ConnectionFailed);
    let error = through("http://u:geheim@no-such-proxy.invalid:3128").send(get(origin.as_str())).await.unwrap_err();
    assert_eq!(error.cause, Cause::DnsFailure);
    assert!(error.what.contains("no-such-proxy.invalid") && !error.what.contains("geheim"), "{error}");
}

#[tokio::test]
async fn plain_http_is_forwarded_by_a_proxy_on_this_machine() {
    let server = Server::start(|_| fine("forwarded")).await;
    let (address, asked) = proxy(Some(PROXY_LOGIN)).await;
    let proxies = Proxies::new("", &format!("http://u:p%40ss@{address}"), "").unwrap();
    let client = HttpClient::new(&Settings { proxies, ..Settings::to(vec![server.url()]) }).unwrap();
    assert_eq!(text(client.send(get(&server.at("/x"))).await.unwrap()).await, "forwarded");
    assert_eq!(*asked.lock().unwrap(), [format!("GET {}", server.at("/x"))]);
}
