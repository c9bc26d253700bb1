//! Private keys that cannot be used.

use crate::{Cause, Failure, credential::KEY_IN_BASE64};

/// Why a text is not a private key that can be used. The text of the error is the end of a sentence about the key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The key is in the form of `PuTTY`.
    #[error("it is in PuTTY's own form; export it in OpenSSH form with PuTTYgen")]
    PuttyForm,
    /// The text is a public key.
    #[error("it is the public half; the private key is needed")]
    PublicHalf,
    /// The text does not begin like a key.
    #[error("its first line, `-----BEGIN … PRIVATE KEY-----`, is missing")]
    NoFirstLine,
    /// The key has a passphrase.
    #[error("it is encrypted with a passphrase, which a workflow cannot type")]
    Encrypted,
    /// The text is PEM of another kind, such as a certificate.
    #[error("it is something else than a private key")]
    NotPrivateKey,
    /// The text does not end like a key.
    #[error("its last line, `-----END … PRIVATE KEY-----`, is missing: it was cut short")]
    NoLastLine,
    /// The text is a whole key, encoded once more.
    #[error("{KEY_IN_BASE64}")]
    Base64,
    /// The decoder's own words, which name structures of the format and never the key's content.
    #[error("it is damaged or of a kind that is not supported ({0})")]
    Damaged(String),
    /// The signer's own words about a key that can be read and cannot sign.
    #[error("it cannot sign ({0})")]
    CannotSign(String),
}

impl KeyError {
    /// The failure of the input `input`, which holds the key.
    pub fn of_input(&self, input: &str) -> Failure {
        Failure::new(Cause::SshKeyUnusable, format!("`{input}` cannot be used: {self}."))
    }
}

/// A key that was tested and then failed to sign, in the signer's own words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SigningError(pub String);

impl From<SigningError> for Failure {
    fn from(error: SigningError) -> Self {
        Self::new(Cause::SshKeyUnusable, format!("The key in `signing-key` could not sign: {error}."))
    }
}
