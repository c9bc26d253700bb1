//! What stands between a step and its GitHub: TLS under a private CA, the names of real servers, and a real proxy.

use std::{
    fs,
    net::{SocketAddr, TcpListener as Listener},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, Ordering},
    },
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt, copy, copy_bidirectional, split},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
};
use tokio_rustls::TlsAcceptor;

/// A private CA.
pub(crate) struct Authority {
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
    certificate: rcgen::Certificate,
    /// Its certificate, as PEM.
    pub(crate) pem: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        // With the subject of the server's certificate OpenSSL would take that one for self-signed.
        Self::named("a private CA")
    }

    /// A root of this name. Two of one name have different keys.
    pub(crate) fn named(name: &str) -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let own = Self::params(name);
        let certificate = own.self_signed(&key).unwrap();
        Self { pem: certificate.pem(), certificate, issuer: rcgen::Issuer::new(own, key) }
    }

    /// A CA that this one signs.
    pub(crate) fn under(&self, name: &str) -> Self {
        self.signing(Self::params(name))
    }

    /// The same with another word about whether it is a CA.
    pub(crate) fn under_as(&self, name: &str, is_ca: rcgen::IsCa) -> Self {
        let mut own = Self::params(name);
        own.is_ca = is_ca;
        self.signing(own)
    }

    /// A CA that this one signs, and that can sign for hosts below `domain` alone.
    pub(crate) fn for_hosts_below(&self, domain: &str) -> Self {
        let name_constraints = Some(rcgen::NameConstraints {
            permitted_subtrees: vec![rcgen::GeneralSubtree::DnsName(domain.to_owned())],
            excluded_subtrees: Vec::new(),
        });
        let mut own = Self::params("a narrow CA");
        own.name_constraints = name_constraints;
        self.signing(own)
    }

    fn params(name: &str) -> rcgen::CertificateParams {
        let mut own = rcgen::CertificateParams::new(Vec::new()).unwrap();
        own.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        own.distinguished_name.push(rcgen::DnType::CommonName, name);
        own
    }

    fn signing(&self, own: rcgen::CertificateParams) -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = own.signed_by(&key, &self.issuer).unwrap();
        Self { pem: certificate.pem(), certificate, issuer: rcgen::Issuer::new(own, key) }
    }

    /// TLS of a server that it vouches for under these names.
    pub(crate) fn server(&self, names: &[&str]) -> TlsAcceptor {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        self.sign(&rcgen::CertificateParams::new(names).unwrap(), &[])
    }

    /// TLS of a server with this certificate, which it sends with those of `others` behind it.
    pub(crate) fn sign(&self, own: &rcgen::CertificateParams, others: &[&Self]) -> TlsAcceptor {
        let key = rcgen::KeyPair::generate().unwrap();
        let own = own.signed_by(&key, &self.issuer).unwrap();
        let chain = [&own].into_iter().chain(others.iter().map(|other| &other.certificate));
        accept(chain.map(|certificate| certificate.der().clone()).collect(), &key)
    }
}

/// TLS of a server that signs its own certificate, and the certificate as PEM.
pub(crate) fn self_signed(own: &rcgen::CertificateParams) -> (TlsAcceptor, String) {
    let key = rcgen::KeyPair::generate().unwrap();
    let own = own.self_signed(&key).unwrap();
    (accept(vec![own.der().clone()], &key), own.pem())
}

fn accept(chain: Vec<rustls_pki_types::CertificateDer<'static>>, key: &rcgen::KeyPair) -> TlsAcceptor {
    let key = rustls_pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// Ends TLS for some names, and hands what is inside to the emulator. What is asked of `api.` is its REST face.
pub(crate) struct Front {
    /// PEM of the CA.
    pub(crate) authority: String,
    /// Where TLS is spoken at once.
    pub(crate) direct: SocketAddr,
    /// Where `CONNECT` comes first: the proxy's own proxy.
    upstream: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    runtime: Option<Runtime>,
}

#[derive(Clone)]
struct Way {
    tls: TlsAcceptor,
    emulator: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Front {
    /// In front of the emulator at `url`, under these names.
    pub(crate) fn start(url: &str, names: &[&str]) -> Self {
        let authority = Authority::new();
        Self::with(url, authority.server(names), authority.pem)
    }

    /// In front of the emulator at `url`, with a server's TLS that the CA `authority` vouches for.
    pub(crate) fn with(url: &str, tls: TlsAcceptor, authority: String) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let emulator = url.trim_start_matches("http://").parse().unwrap();
        let way = Way { tls, emulator, asked: Arc::clone(&asked) };
        let (direct, upstream) =
            runtime.block_on(async { (listen(way.clone(), false).await, listen(way, true).await) });
        Self { authority, direct, upstream, asked, runtime: Some(runtime) }
    }

    /// The hosts that a proxy asked for, in order and each once.
    pub(crate) fn asked(&self) -> Vec<String> {
        let mut asked = self.asked.lock().unwrap().clone();
        asked.sort();
        asked.dedup();
        asked
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn listen(way: Way, connect: bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let way = way.clone();
            // A connection that breaks is the step's affair.
            tokio::spawn(async move { serve(way, stream, connect).await });
        }
    });
    address
}

async fn serve(way: Way, mut stream: TcpStream, connect: bool) -> Option<()> {
    let mut host = String::new();
    if connect {
        let head = head(&mut stream).await?;
        assert!(!head.to_lowercase().contains("proxy-authorization"), "a proxy keeps the password to itself");
        host = head.split(' ').nth(1)?.to_owned();
        way.asked.lock().unwrap().push(host.clone());
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.ok()?;
    }
    let mut inside = way.tls.accept(stream).await.ok()?;
    if !connect {
        host = inside.get_ref().1.server_name().unwrap_or_default().to_owned();
    }
    let mut emulator = TcpStream::connect(way.emulator).await.ok()?;
    if !host.starts_with("api.") {
        copy_bidirectional(&mut inside, &mut emulator).await.ok()?;
        return Some(());
    }
    // The interface has a host of its own here, and a path of its own in the emulator.
    let (mut from, mut to) = split(inside);
    let (mut answers, mut requests) = emulator.into_split();
    let back = tokio::spawn(async move { copy(&mut answers, &mut to).await });
    while let Some(head) = head(&mut from).await {
        let length = head
            .to_lowercase()
            .split_once("content-length: ")
            .and_then(|(_, rest)| rest.split("\r\n").next().and_then(|number| number.parse::<u64>().ok()));
        requests.write_all(head.replacen(" /", " /api/v3/", 1).as_bytes()).await.ok()?;
        copy(&mut (&mut from).take(length.unwrap_or(0)), &mut requests).await.ok()?;
    }
    back.abort();
    Some(())
}

/// A request's head, its end included.
async fn head(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()
}

/// A port for a program that cannot be told to choose one. It lies below those that the system gives to whoever asks for
/// any, so that no other test takes it between the look and the program's start.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let begin = std::process::id() % 10_000;
    (0..10_000)
        .map(|_| NEXT.fetch_add(1, Ordering::Relaxed))
        .map(|step| 20_000 + u16::try_from((begin + u32::from(step)) % 10_000).unwrap())
        .find(|port| Listener::bind(("127.0.0.1", *port)).is_ok())
        .unwrap()
}

/// tinyproxy, which knows one user.
pub(crate) struct Proxy {
    process: Child,
    port: u16,
    _folder: TempDir,
}

impl Proxy {
    /// Hands everything to a front. With the user `ada` and the password `s3cret`, or open to all.
    pub(crate) fn start(front: &Front, password: bool) -> Self {
        Self::with(&format!("Upstream http {}\n", front.upstream), password)
    }

    /// The same, which goes where it is asked to.
    pub(crate) fn open(password: bool) -> Self {
        Self::with("", password)
    }

    fn with(upstream: &str, password: bool) -> Self {
        let folder = TempDir::new().unwrap();
        let port = free_port();
        let user = if password { "BasicAuth ada s3cret\n" } else { "" };
        let file = folder.path().join("tinyproxy.conf");
        let text = format!("Port {port}\nListen 127.0.0.1\nTimeout 60\n{upstream}{user}");
        fs::write(&file, text).unwrap();
        let mut command = Command::new("tinyproxy");
        let command = command.arg("-d").arg("-c").arg(&file).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().unwrap();
        let begin = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begin.elapsed() < Duration::from_secs(10), "tinyproxy did not start");
            #[allow(clippy::disallowed_methods, reason = "tinyproxy does not say when it is ready")]
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { process, port, _folder: folder }
    }

    /// Its address, with what stands before the `@`.
    pub(crate) fn url(&self, user: &str) -> String {
        format!("http://{user}127.0.0.1:{}", self.port)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
