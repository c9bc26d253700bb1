//! The check of a server's certificate, and the kinds of its refusals.
//!
//! Source: <https://datatracker.ietf.org/doc/html/rfc5280#section-4.2.1.9>, <https://datatracker.ietf.org/doc/html/rfc6125#section-6.4>

use std::sync::Arc;

use chrono::{DateTime, Utc};
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

use crate::diagnosis::errors::CertificateFault;

/// The reason on its way through rustls, whose errors carry another crate's only as an opaque one.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0:?}")]
pub(super) struct Distrust(pub(super) CertificateFault);

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
                let distrust = Distrust(fault(&problem, certificate, others, !self.own.is_empty()));
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

/// The kind of a refusal. `others_given` tells whether there is a `ca-certificate`.
fn fault(
    problem: &CertificateError,
    certificate: &CertificateDer<'_>,
    others: &[CertificateDer<'_>],
    others_given: bool,
) -> CertificateFault {
    use CertificateError as E;
    use CertificateFault as Fault;
    let self_signed = || Fault::SelfSigned { fingerprint: fingerprint(certificate), others_given };
    match problem {
        E::ExpiredContext { not_after, time } => Fault::Expired { not_after: moment(*not_after), now: moment(*time) },
        E::Expired => Fault::Expired { not_after: None, now: None },
        E::NotValidYetContext { time, not_before } => {
            Fault::NotYetValid { not_before: moment(*not_before), now: moment(*time) }
        }
        E::NotValidYet => Fault::NotYetValid { not_before: None, now: None },
        E::NotValidForNameContext { expected, presented } if presented.is_empty() => {
            Fault::NoSubjectAltName { expected: expected.to_str().into_owned() }
        }
        E::NotValidForNameContext { expected, presented } => Fault::OtherHost {
            presented: presented.iter().map(|name| host(name)).collect(),
            expected: expected.to_str().into_owned(),
        },
        E::NotValidForName => Fault::OtherHost { presented: Vec::new(), expected: "this server".to_owned() },
        E::UnknownIssuer if is_self_signed(certificate) => self_signed(),
        // Where none of several certificates of the issuer's name fits, the name alone is right.
        E::BadSignature => Fault::OtherKeyOfIssuer { issuer: last_issuer(certificate, others).0 },
        E::UnknownIssuer => {
            let (issuer, with_intermediate) = last_issuer(certificate, others);
            Fault::UnknownIssuer { issuer, with_intermediate, others_given }
        }
        E::Revoked => Fault::Revoked,
        E::InvalidPurpose | E::InvalidPurposeContext { .. } => Fault::Purpose,
        E::UnsupportedSignatureAlgorithmContext { .. } | E::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            Fault::Algorithm
        }
        E::UnhandledCriticalExtension => Fault::Extension,
        E::BadEncoding => Fault::Malformed,
        E::Other(OtherError(other)) => match other.downcast_ref::<webpki::Error>() {
            Some(webpki::Error::CaUsedAsEndEntity) if is_self_signed(certificate) => self_signed(),
            Some(webpki::Error::CaUsedAsEndEntity) => Fault::OfCa,
            Some(webpki::Error::EndEntityUsedAsCa) => Fault::IssuerIsNoCa,
            Some(webpki::Error::UnsupportedCertVersion) => Fault::Version1,
            Some(webpki::Error::NameConstraintViolation) => Fault::NameConstraints,
            Some(webpki::Error::PathLenConstraintViolated) => Fault::PathLength,
            _ => Fault::Rule,
        },
        _ => Fault::Rule,
    }
}

fn is_self_signed(certificate: &CertificateDer<'_>) -> bool {
    EndEntityCert::try_from(certificate).is_ok_and(|own| own.issuer() == own.subject())
}

/// The name of the last issuer on the way from `certificate` through what the server sent, and whether it sent any.
///
/// Servers often leave out the certificates between their own and the root.
fn last_issuer(certificate: &CertificateDer<'_>, others: &[CertificateDer<'_>]) -> (Option<String>, bool) {
    let Ok(own) = EndEntityCert::try_from(certificate) else { return (None, false) };
    let sent: Vec<_> = others.iter().filter_map(|other| EndEntityCert::try_from(other).ok()).collect();
    let mut issuer = own.issuer();
    let mut is_sent = false;
    // Each step takes another certificate, so that a circle ends as well.
    for _ in &sent {
        match sent.iter().find(|other| other.subject() == issuer) {
            Some(next) if next.issuer() != issuer => (issuer, is_sent) = (next.issuer(), true),
            Some(_) => return (common_name(issuer), true),
            None => break,
        }
    }
    (common_name(issuer), is_sent)
}

/// SHA-256 in the form of `openssl x509 -fingerprint -sha256`.
fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, certificate);
    digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
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

/// A host that a certificate names, which rustls writes as `DnsName("example.test")` or `IpAddress(10.0.0.1)`.
fn host(presented: &str) -> String {
    let plain = match presented.split_once('"') {
        Some((_, rest)) => rest.split('"').next().unwrap_or_default(),
        None => presented.split_once('(').map_or(presented, |(_, rest)| rest.trim_end_matches(')')),
    };
    plain.chars().filter(|letter| !letter.is_control()).collect()
}

fn moment(time: UnixTime) -> Option<DateTime<Utc>> {
    i64::try_from(time.as_secs()).ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0))
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
