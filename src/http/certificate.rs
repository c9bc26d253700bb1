//! The check of a server's certificate, and its refusals in words that name what to change.
//!
//! Source: <https://datatracker.ietf.org/doc/html/rfc5280#section-4.2.1.9>, <https://datatracker.ietf.org/doc/html/rfc6125#section-6.4>

use std::sync::Arc;

use chrono::DateTime;
use rustls::{
    CertificateError, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::CryptoProvider,
    server::ParsedCertificate,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use webpki::EndEntityCert;

/// Why a certificate is not trusted: the end of a sentence, such as `it expired on 2026-01-31`.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Distrust(pub(super) String);

/// Believes what leads to one of the roots, and the certificates of `own` themselves: who makes one with
/// `openssl req -x509` gets a CA's certificate, which no chain can end in.
#[derive(Debug)]
pub(super) struct Verifier {
    roots: Arc<WebPkiServerVerifier>,
    own: Vec<CertificateDer<'static>>,
}

impl Verifier {
    /// `own` are the certificates of `ca-certificate`. Without any root there is an error.
    pub(super) fn new(
        roots: RootCertStore,
        own: Vec<CertificateDer<'static>>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, rustls::Error> {
        let roots = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map_err(|error| rustls::Error::General(error.to_string()))?;
        Ok(Self { roots, own })
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let refused = |error| match error {
            rustls::Error::InvalidCertificate(problem) => {
                let distrust = Distrust(reason(&problem, certificate, others));
                CertificateError::Other(OtherError(Arc::new(distrust))).into()
            }
            other => other,
        };
        let error = match self.roots.verify_server_cert(certificate, others, name, ocsp, now) {
            Err(rustls::Error::InvalidCertificate(problem))
                if self.own.iter().any(|own| own == certificate) && is_about_the_chain(&problem) =>
            {
                let parsed = ParsedCertificate::try_from(certificate).map_err(refused)?;
                verify_server_name(&parsed, name)
            }
            answer => return answer.map_err(refused),
        };
        error.map(|()| ServerCertVerified::assertion()).map_err(refused)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.roots.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.roots.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.roots.supported_verify_schemes()
    }
}

/// Whether the certificate was refused for who signed it or for what it may be used. Its time is looked at before that.
fn is_about_the_chain(problem: &CertificateError) -> bool {
    use CertificateError as E;
    matches!(
        problem,
        E::UnknownIssuer
            | E::BadSignature
            | E::UnhandledCriticalExtension
            | E::UnsupportedSignatureAlgorithmContext { .. }
            | E::UnsupportedSignatureAlgorithmForPublicKeyContext { .. }
            | E::InvalidPurpose
            | E::InvalidPurposeContext { .. }
            | E::Other(_)
    )
}

/// The reason in words: the end of a sentence about the certificate that a server shows.
fn reason(problem: &CertificateError, certificate: &CertificateDer<'_>, others: &[CertificateDer<'_>]) -> String {
    use CertificateError as E;
    let is_ca = |other: &OtherError| matches!(other.0.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity));
    match problem {
        E::Other(other) if is_ca(other) && is_self_signed(certificate) => SELF_SIGNED.to_owned(),
        E::UnknownIssuer => of_issuer(certificate, others),
        E::ExpiredContext { not_after, .. } => {
            format!("it, or one that vouches for it, expired on {}", day(*not_after))
        }
        E::Expired => "it, or one that vouches for it, has expired".to_owned(),
        E::NotValidYetContext { time, not_before } => format!(
            "it, or one that vouches for it, counts from {} on, and the clock of this machine shows {}",
            day(*not_before),
            day(*time)
        ),
        E::NotValidYet => {
            "it, or one that vouches for it, does not count yet: compare the clock of this machine".to_owned()
        }
        E::NotValidForNameContext { presented, .. } if presented.is_empty() => {
            "it has no subjectAltName, and the host name in its subject (CN) does not count: \
             have it made anew with `subjectAltName=DNS:HOST`"
                .to_owned()
        }
        E::NotValidForNameContext { expected, presented } => {
            format!("it was made for {}, not for {}", hosts(presented), expected.to_str())
        }
        E::NotValidForName => "it was made for another host name".to_owned(),
        E::BadSignature => "its signature does not belong to the certificate of its issuer".to_owned(),
        E::Revoked => "it was revoked".to_owned(),
        E::InvalidPurpose | E::InvalidPurposeContext { .. } => {
            "it was not made for servers (extended key usage without serverAuth)".to_owned()
        }
        E::UnsupportedSignatureAlgorithmContext { .. } | E::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "it is signed by an algorithm that is too weak or unknown here, such as SHA-1".to_owned()
        }
        E::UnhandledCriticalExtension => "it has a critical extension that is unknown here".to_owned(),
        E::BadEncoding => "it cannot be read".to_owned(),
        E::Other(other) => of_rules(other),
        _ => "it breaks a rule for certificates".to_owned(),
    }
}

/// What the verifier has no variant of its own for.
fn of_rules(other: &OtherError) -> String {
    use webpki::Error as E;
    match other.0.downcast_ref::<E>() {
        Some(E::CaUsedAsEndEntity) => {
            "it is a CA's certificate (CA:TRUE), which counts for a server only where `ca-certificate` holds this very certificate"
        }
        Some(E::EndEntityUsedAsCa) => "the certificate that vouches for it is no CA's (CA:FALSE)",
        Some(E::UnsupportedCertVersion) => {
            "it is of X.509 version 1, which knows no subjectAltName: have it made anew as version 3"
        }
        Some(E::NameConstraintViolation) => "its issuer may not vouch for this host name (name constraints)",
        Some(E::PathLenConstraintViolated) => "more CAs stand between it and the root than the root allows",
        _ => "it breaks a rule for certificates",
    }
    .to_owned()
}

const SELF_SIGNED: &str = "it is signed by itself, and `ca-certificate` does not hold it";

fn is_self_signed(certificate: &CertificateDer<'_>) -> bool {
    EndEntityCert::try_from(certificate).is_ok_and(|own| own.issuer() == own.subject())
}

/// Who is missing: the issuer of the last certificate that the server sent.
fn of_issuer(certificate: &CertificateDer<'_>, others: &[CertificateDer<'_>]) -> String {
    let Ok(own) = EndEntityCert::try_from(certificate) else { return "its issuer is unknown here".to_owned() };
    if is_self_signed(certificate) {
        return SELF_SIGNED.to_owned();
    }
    // Servers often leave out the certificates between their own and the root.
    let is_sent = others
        .iter()
        .filter_map(|other| EndEntityCert::try_from(other).ok().map(|other| other.subject().to_vec()))
        .any(|subject| subject == own.issuer());
    let name = common_name(own.issuer());
    match (name, is_sent) {
        (Some(name), false) => {
            format!("its issuer \"{name}\" is unknown here, and the server does not send that one's certificate along")
        }
        (Some(name), true) => format!("it comes from \"{name}\", and no known root vouches for that one"),
        (None, _) => "its issuer is unknown here".to_owned(),
    }
}

/// The common name, else the organization, of a name in DER.
fn common_name(name: &[u8]) -> Option<String> {
    // 2.5.4.3 and 2.5.4.10 as object identifiers; the string follows with its tag and a length of one byte.
    [[0x06, 0x03, 0x55, 0x04, 0x03], [0x06, 0x03, 0x55, 0x04, 0x0a]].iter().find_map(|wanted| {
        let at = name.windows(wanted.len()).position(|part| part == wanted)? + wanted.len();
        let [_tag, length, rest @ ..] = name.get(at..)? else { return None };
        let text = String::from_utf8_lossy(rest.get(..usize::from(*length))?).into_owned();
        let plain: String = text.chars().filter(|c| !c.is_control() && *c != '"').collect();
        (!plain.trim().is_empty()).then(|| plain.trim().to_owned())
    })
}

/// The first hosts of those that a certificate names.
fn hosts(presented: &[String]) -> String {
    const MOST: usize = 3;
    // As `DnsName("example.test")`, with the type in front.
    let plain = |name: &String| match name.split_once('"') {
        Some((_, rest)) => rest.split('"').next().unwrap_or_default().to_owned(),
        None => name.split_once('(').map_or(name.as_str(), |(_, rest)| rest.trim_end_matches(')')).to_owned(),
    };
    let mut named: Vec<String> = presented.iter().take(MOST).map(plain).collect();
    if presented.len() > MOST {
        named.push(format!("{} others", presented.len() - MOST));
    }
    named.join(", ")
}

fn day(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    seconds.map_or_else(|| "an unknown day".to_owned(), |time| time.format("%Y-%m-%d").to_string())
}

/// Why a handshake failed that did not come to a certificate, or failed over another thing: the end of a sentence.
pub(super) fn of_handshake(error: &rustls::Error) -> String {
    use rustls::Error as E;
    match error {
        // What a server without TLS sends is no record of it.
        E::InvalidMessage(_) => {
            "the answer is not TLS; compare the port, and whether a proxy stands between".to_owned()
        }
        E::AlertReceived(alert) => format!("the server ended it with the alert {}", spaced(&format!("{alert:?}"))),
        E::PeerIncompatible(_) => "the server offers no TLS 1.2 or 1.3 with a cipher that is safe".to_owned(),
        E::PeerMisbehaved(_) | E::InappropriateMessage { .. } | E::InappropriateHandshakeMessage { .. } => {
            "the server does not keep to the protocol".to_owned()
        }
        E::PeerSentOversizedRecord | E::DecryptError => "what came was damaged on its way".to_owned(),
        _ => "it could not be completed".to_owned(),
    }
}

/// The name of an alert as words: `HandshakeFailure` is `handshake failure`.
fn spaced(name: &str) -> String {
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !words.is_empty() && !words.ends_with(|c: char| c.is_ascii_uppercase()) {
            words.push(' ');
        }
        words.push(letter.to_ascii_lowercase());
    }
    words
}
