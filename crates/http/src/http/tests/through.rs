//! TLS under a private CA, and proxies.

use std::{sync::Arc, time::Duration};

use emulator::loopback::{Act, Seen, Server, answer, pass, proxy};
use http::Method;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use url::Url;

use super::{client, fine, get, pieces, request, text};
use crate::{
    diagnosis::Cause,
    http::{HttpClient, Proxies, Settings, Trust},
};

/// A private CA, and a server's settings under it for `name`.
fn private_ca(name: &str) -> (String, Arc<rustls::ServerConfig>) {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    authority.distinguished_name.push(rcgen::DnType::CommonName, "a private CA");
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
    assert_eq!((error.cause(), error.maybe_sent, error.transient), (Cause::TlsCertificateUntrusted, false, false));
    assert!(
        error.what().contains("127.0.0.1") && error.what().contains("its issuer \"a private CA\" is unknown"),
        "{error}"
    );

    let trust = Trust::from_pem(&pem).unwrap();
    let trusting = Settings { trust: trust.clone(), ..Settings::to(vec![server.url()]) };
    let answer = HttpClient::new(&trusting).unwrap().send(get(&server.at("/"))).await.unwrap();
    assert_eq!(text(answer).await, "secure");

    let (pem, tls) = private_ca("ghes.example.test");
    let server = Server::start_tls(tls, |_| fine("secure")).await;
    let settings = Settings { trust: Trust::from_pem(&pem).unwrap(), ..Settings::to(vec![server.url()]) };
    let error = HttpClient::new(&settings).unwrap().send(get(&server.at("/"))).await.unwrap_err();
    assert_eq!(error.cause(), Cause::TlsCertificateUntrusted);
    assert!(error.what().contains("made for ghes.example.test, not for 127.0.0.1"), "{error}");
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
    assert_eq!((error.cause(), error.transient), (Cause::ConnectionFailed, true));
    assert!(error.what().contains("TLS handshake"), "{error}");
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
    assert_eq!((error.cause(), error.maybe_sent, error.transient), (Cause::ConnectionFailed, false, false));
    assert!(error.what().contains(&format!("proxy {address} asks for a user name")), "{error}");
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
    assert!(error.what().contains(&format!("proxy {address} did not open a tunnel")), "{error}");
    assert!(error.transient && !error.maybe_sent);
    let error = through("http://127.0.0.1:1").send(get(origin.as_str())).await.unwrap_err();
    assert!(error.what().contains("No connection to the proxy 127.0.0.1:1"), "{error}");
    assert_eq!(error.cause(), Cause::ConnectionFailed);
    let error = through("http://u:geheim@no-such-proxy.invalid:3128").send(get(origin.as_str())).await.unwrap_err();
    assert_eq!(error.cause(), Cause::DnsFailure);
    assert!(error.what().contains("no-such-proxy.invalid") && !error.what().contains("geheim"), "{error}");
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
