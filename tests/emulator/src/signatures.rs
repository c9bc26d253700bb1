//! Signatures of commits as GitHub judges them: a commit that GitHub itself made and signed, and an SSH signature whose key
//! is registered with the account that the committer's address belongs to.
//!
//! <https://docs.github.com/en/authentication/managing-commit-signature-verification/about-commit-signature-verification>,
//! format of SSH signatures: <https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.sshsig>

use base64::{Engine, engine::general_purpose::STANDARD};
use git2::Commit;
use ring::{
    digest, hmac,
    signature::{self, UnparsedPublicKey},
};
use serde_json::{Value, json};

use crate::model::{Account, Model};

/// The committer of commits that GitHub makes.
pub(crate) const GITHUB: (&str, &str) = ("GitHub", "noreply@github.com");

const PGP: (&str, &str) = ("-----BEGIN PGP SIGNATURE-----", "-----END PGP SIGNATURE-----");
const SSH: (&str, &str) = ("-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----");

/// What is said of a commit's signature.
#[derive(Clone, Debug)]
pub(crate) struct Verification {
    /// `valid` where it is verified.
    pub(crate) reason: &'static str,
    signature: Option<String>,
    payload: Option<String>,
}

impl Verification {
    /// Whether GitHub shows the commit as verified.
    pub(crate) fn is_good(&self) -> bool {
        self.reason == "valid"
    }

    /// As the REST API shows it.
    pub(crate) fn object(&self) -> Value {
        json!({
            "verified": self.is_good(), "reason": self.reason, "signature": self.signature, "payload": self.payload,
            "verified_at": self.is_good().then_some("2026-01-05T08:00:00Z"),
        })
    }
}

/// The key behind the signatures of this GitHub. (The real one signs with `OpenPGP`; only the emulator can verify these.)
fn github_key() -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, b"web-flow of the emulator")
}

/// GitHub's own signature of a commit's text.
pub(crate) fn by_github(payload: &str) -> String {
    let tag = STANDARD.encode(hmac::sign(&github_key(), payload.as_bytes()));
    format!("{}\n\n{tag}\n{}\n", PGP.0, PGP.1)
}

/// Judges a commit by the accounts that there are; `host` is this server's, without a port.
pub(crate) fn judge(accounts: &[Account], host: &str, commit: &Commit<'_>) -> Verification {
    let field = commit.header_field_bytes("gpgsig").ok();
    let Some(signature) = field.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()) else {
        return Verification { reason: "unsigned", signature: None, payload: None };
    };
    let payload = payload(commit);
    let committer = commit.committer();
    let address = String::from_utf8_lossy(committer.email_bytes()).into_owned();
    let reason = if signature.trim_start().starts_with(PGP.0) {
        let tag = body(&signature, PGP).unwrap_or_default();
        match hmac::verify(&github_key(), payload.as_bytes(), &tag) {
            Ok(()) if address == GITHUB.1 => "valid",
            Ok(()) => "bad_email",
            Err(_) => "unknown_key",
        }
    } else {
        match SshSignature::read(&signature) {
            None => "unknown_signature_type",
            Some(ssh) if !ssh.fits(payload.as_bytes()) => "invalid",
            Some(ssh) => match owner(accounts, host, &address) {
                None => "no_user",
                Some(account) if account.signing_keys.iter().any(|key| ssh.is_by(key)) => "valid",
                Some(_) => "unknown_key",
            },
        }
    };
    Verification { reason, signature: Some(signature), payload: Some(payload) }
}

/// The commit's text without its signature: what was signed.
fn payload(commit: &Commit<'_>) -> String {
    let mut lines = Vec::new();
    let mut skipping = false;
    for line in String::from_utf8_lossy(commit.raw_header_bytes()).lines() {
        skipping = line.starts_with("gpgsig") || (skipping && line.starts_with(' '));
        if !skipping {
            lines.push(line.to_owned());
        }
    }
    format!("{}\n\n{}", lines.join("\n").trim_end(), String::from_utf8_lossy(commit.message_raw_bytes()))
}

/// The account that an address belongs to: one of its own addresses, or the one that this server made up for it.
fn owner(accounts: &[Account], host: &str, address: &str) -> Option<Account> {
    let own = |account: &&Account| account.emails.iter().any(|one| one.eq_ignore_ascii_case(address));
    if let Some(account) = accounts.iter().find(own) {
        return Some(account.clone());
    }
    let (local, domain) = address.split_once('@')?;
    let domain = domain.strip_prefix("users.noreply.")?;
    let (id, login) = local.split_once('+').map_or((None, local), |(id, login)| (Some(id), login));
    let known = accounts.iter().find(|account| account.login.eq_ignore_ascii_case(login));
    let account = known.cloned().unwrap_or_else(|| Account::user(login));
    let fits = (domain == "github.com" || domain == host) && id.is_none_or(|id| id == account.id.to_string());
    fits.then_some(account)
}

/// The address that this server makes up for an account.
pub(crate) fn noreply(model: &Model, login: &str) -> String {
    let account = model.find_account(login);
    format!("{}+{}@users.noreply.github.com", account.id, account.login)
}

/// What stands between the lines of an armour.
fn body(text: &str, (begin, end): (&str, &str)) -> Option<Vec<u8>> {
    let inner = text.trim().strip_prefix(begin)?.strip_suffix(end)?;
    STANDARD.decode(inner.split_whitespace().collect::<String>()).ok()
}

struct SshSignature {
    key: Vec<u8>,
    namespace: Vec<u8>,
    reserved: Vec<u8>,
    hash: Vec<u8>,
    signature: Vec<u8>,
}

/// A length of four bytes and so many bytes, off the front.
fn string(rest: &mut &[u8]) -> Option<Vec<u8>> {
    let length = u32::from_be_bytes(rest.get(..4)?.try_into().ok()?) as usize;
    let text = rest.get(4..4 + length)?.to_vec();
    *rest = &rest[4 + length..];
    Some(text)
}

/// A positive number without the zeros in front.
fn number(rest: &mut &[u8]) -> Option<Vec<u8>> {
    let bytes = string(rest)?;
    let start = bytes.iter().position(|&byte| byte != 0)?;
    Some(bytes[start..].to_vec())
}

impl SshSignature {
    fn read(armoured: &str) -> Option<Self> {
        let blob = body(armoured, SSH)?;
        let mut rest = blob.strip_prefix(b"SSHSIG")?.strip_prefix(&[0, 0, 0, 1])?;
        Some(Self {
            key: string(&mut rest)?,
            namespace: string(&mut rest)?,
            reserved: string(&mut rest)?,
            hash: string(&mut rest)?,
            signature: string(&mut rest)?,
        })
    }

    /// Whether the key is the one of this line, `ssh-ed25519 AAAA… comment`.
    fn is_by(&self, line: &str) -> bool {
        line.split_whitespace().nth(1).is_some_and(|key| key == STANDARD.encode(&self.key))
    }

    /// Whether this key signed this text for git.
    fn fits(&self, text: &[u8]) -> bool {
        let algorithm = match &*self.hash {
            b"sha256" => &digest::SHA256,
            b"sha512" => &digest::SHA512,
            _ => return false,
        };
        let hashed = digest::digest(algorithm, text);
        let mut signed = b"SSHSIG".to_vec();
        for part in [&*self.namespace, &*self.reserved, &*self.hash, hashed.as_ref()] {
            signed.extend_from_slice(&u32::try_from(part.len()).unwrap_or_default().to_be_bytes());
            signed.extend_from_slice(part);
        }
        self.namespace == b"git" && self.verify(&signed).is_some()
    }

    fn verify(&self, signed: &[u8]) -> Option<()> {
        let (mut key, mut proof) = (&*self.key, &*self.signature);
        let (kind, scheme) = (string(&mut key)?, string(&mut proof)?);
        let mut proof = &*string(&mut proof)?;
        match (&*kind, &*scheme) {
            (b"ssh-ed25519", b"ssh-ed25519") => {
                UnparsedPublicKey::new(&signature::ED25519, string(&mut key)?).verify(signed, proof).ok()
            }
            (b"ecdsa-sha2-nistp256", b"ecdsa-sha2-nistp256") | (b"ecdsa-sha2-nistp384", b"ecdsa-sha2-nistp384") => {
                string(&mut key)?;
                let (algorithm, size) = match &*kind {
                    b"ecdsa-sha2-nistp256" => (&signature::ECDSA_P256_SHA256_FIXED, 32),
                    _ => (&signature::ECDSA_P384_SHA384_FIXED, 48),
                };
                let mut pair = Vec::new();
                for half in [number(&mut proof)?, number(&mut proof)?] {
                    pair.resize(pair.len() + size - half.len(), 0);
                    pair.extend_from_slice(&half);
                }
                UnparsedPublicKey::new(algorithm, string(&mut key)?).verify(signed, &pair).ok()
            }
            (b"ssh-rsa", scheme) => {
                let (e, n) = (number(&mut key)?, number(&mut key)?);
                let algorithm = match scheme {
                    b"rsa-sha2-256" => &signature::RSA_PKCS1_2048_8192_SHA256,
                    b"rsa-sha2-512" => &signature::RSA_PKCS1_2048_8192_SHA512,
                    _ => return None,
                };
                signature::RsaPublicKeyComponents { n, e }.verify(algorithm, signed, proof).ok()
            }
            _ => None,
        }
    }
}
