//! Whose certificates are believed: the public roots that are compiled in, those of the machine where it has some,
//! and the private CA of a GitHub Enterprise Server.

use std::sync::Arc;

use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier, crypto::CryptoProvider};
use rustls_pki_types::{CertificateDer, pem::PemObject};

use super::certificate::Verifier;

/// What is believed beside the public roots.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// The certificates of `ca-certificate`; empty without one.
    certificates: Vec<CertificateDer<'static>>,
    /// Whether the machine's own store is left unread.
    built_in_only: bool,
}

impl Trust {
    /// Reads one or more PEM certificates. What holds none, or a damaged one, is an error that says so. Each counts as a
    /// root, and as a server's own certificate.
    pub fn from_pem(pem: &str) -> Result<Self, String> {
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes())
            .collect::<Result<_, _>>()
            .map_err(|error| format!("it is not valid PEM: {error}"))?;
        if certificates.is_empty() {
            return Err("it holds no `-----BEGIN CERTIFICATE-----` block".to_owned());
        }
        // A certificate is parsed only when it is added to a store; this one is made for the check.
        let mut store = RootCertStore::empty();
        for (index, certificate) in certificates.iter().enumerate() {
            store
                .add(certificate.clone())
                .map_err(|_| format!("certificate {} in it is damaged, or no X.509 certificate", index + 1))?;
        }
        Ok(Self { certificates, built_in_only: false })
    }

    /// The same without the machine's store. On a runner an earlier step can set `SSL_CERT_FILE` for all that follow, and a
    /// proxy that holds the key of such a certificate would read the token in clear.
    #[must_use]
    pub fn built_in_only(self) -> Self {
        Self { built_in_only: true, ..self }
    }

    /// A client's TLS settings over these certificates and the public ones. Reads files.
    ///
    /// A machine without a certificate store, such as an image made from scratch, is no error: the public roots suffice.
    pub(super) fn tls(&self) -> Result<ClientConfig, rustls::Error> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        if !self.built_in_only {
            // A machine's store has certificates that rustls cannot read; one of them must not take the others away.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        roots.add_parsable_certificates(self.certificates.iter().cloned());
        let provider = provider();
        let verifier = Verifier::new(roots, self.certificates.clone(), Arc::clone(&provider))?;
        let settings = settings(provider)?.dangerous();
        Ok(settings.with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
    }

    /// Settings that believe nobody: for connections that are not encrypted.
    pub(super) fn none() -> Result<ClientConfig, rustls::Error> {
        Ok(settings(provider())?.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
    }
}

/// Named here: with more than one provider in the program rustls picks none and panics.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn settings(provider: Arc<CryptoProvider>) -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, rustls::Error> {
    ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_is_refused_with_the_reason() {
        assert!(Trust::from_pem("nonsense").unwrap_err().contains("no `-----BEGIN CERTIFICATE-----`"));
        let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        assert!(Trust::from_pem(key).is_err());
        let damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(Trust::from_pem(damaged).unwrap_err().contains("certificate 1"));
        let cut = "-----BEGIN CERTIFICATE-----\nAAAA\n";
        assert!(Trust::from_pem(cut).is_err());
    }
}
