//! Signatures of commits and tags by an SSH key, as `git` with `gpg.format=ssh` makes and verifies them.
//!
//! Sources: <https://git-scm.com/docs/gitformat-signature>,
//! <https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.sshsig>

use std::{fmt, sync::Arc};

use russh::keys::{
    HashAlg, PrivateKey,
    ssh_key::{self, LineEnding},
};

use crate::{
    credential::Secret,
    diagnosis::errors::{KeyError, SigningError},
    transport::ssh::read_private_key,
};

/// What git signs in; a signature for another purpose is not taken for one of a commit.
const NAMESPACE: &str = "git";

/// A private key that signs. It does not print.
#[derive(Clone)]
pub struct SigningKey(Arc<PrivateKey>);

impl SigningKey {
    /// Reads a private key in OpenSSH or PEM form, and proves that it can sign.
    ///
    /// # Errors
    /// What is wrong with the key.
    pub fn read(secret: &Secret) -> Result<Self, KeyError> {
        let key = Self(Arc::new(read_private_key(secret)?));
        // A key of a security device can be read and cannot sign; that has to show before anything is pushed.
        match key.signature(b"") {
            Ok(_) => Ok(key),
            Err(error) => Err(KeyError::CannotSign(error.to_string())),
        }
    }

    /// A commit with its signature, which has its place behind the last header.
    pub fn sign_commit(&self, content: &[u8]) -> Result<Vec<u8>, SigningError> {
        let signature = self.signature(content).map_err(|error| failed(&error))?;
        // A header's further lines begin with a blank (gitformat-signature).
        let header = format!("\ngpgsig {}", signature.trim_end().replace('\n', "\n "));
        let end = content.windows(2).position(|pair| pair == b"\n\n").unwrap_or(content.len());
        let (headers, message) = content.split_at(end);
        Ok([headers, header.as_bytes(), message].concat())
    }

    /// A tag object with its signature, which follows the message.
    pub fn sign_tag(&self, content: &[u8]) -> Result<Vec<u8>, SigningError> {
        let signature = self.signature(content).map_err(|error| failed(&error))?;
        Ok([content, signature.as_bytes()].concat())
    }

    /// The signature of `content` in its armour, a line break at its end.
    fn signature(&self, content: &[u8]) -> Result<String, ssh_key::Error> {
        let armour = self.0.sign(NAMESPACE, HashAlg::Sha512, content)?.to_pem(LineEnding::LF)?;
        Ok(format!("{}\n", armour.trim_end()))
    }
}

fn failed(error: &ssh_key::Error) -> SigningError {
    SigningError(error.to_string())
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(***)")
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, process::Command};

    use chrono::Utc;
    use emulator::local::{Files, Git};
    use tempfile::TempDir;

    use super::*;
    use crate::{
        commit::{commit, tag},
        diagnosis::{Cause, Failure},
        names::{Author, Oid},
    };

    /// A key pair by OpenSSH's own tool: the private file's text and the public half.
    fn generate(kind: &[&str], passphrase: &str) -> (String, String) {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("key");
        let mut command = Command::new("ssh-keygen");
        command.args(["-q", "-C", "x", "-N", passphrase, "-f"]).arg(&file).args(kind);
        assert!(command.status().unwrap().success());
        (fs::read_to_string(&file).unwrap(), fs::read_to_string(file.with_extension("pub")).unwrap())
    }

    fn read(text: &str) -> Result<SigningKey, Failure> {
        SigningKey::read(&Secret::new(text.to_owned())).map_err(|error| error.of_input("signing-key"))
    }

    const KINDS: &[&[&str]] = &[
        &["-t", "ed25519"],
        &["-t", "ecdsa", "-b", "256"],
        &["-t", "ecdsa", "-b", "384"],
        &["-t", "ecdsa", "-b", "521"],
        &["-t", "rsa", "-b", "2048"],
        &["-t", "rsa", "-b", "2048", "-m", "PEM"],
        &["-t", "ecdsa", "-b", "256", "-m", "PKCS8"],
    ];

    #[test]
    fn git_verifies_what_every_kind_of_key_signed() {
        let git = Git::new();
        let author = Author { name: "A".to_owned(), email: "a@b".to_owned() };
        let tree: Oid = git.write_tree(&Files::from([(b"a".to_vec(), ("100644", b"1".to_vec()))])).parse().unwrap();
        git.run(&["hash-object", "-w", "--stdin"], b"1");
        let signers = git.path().join("signers");
        git.run(&["config", "gpg.format", "ssh"], b"");
        git.run(&["config", "gpg.ssh.allowedSignersFile", signers.to_str().unwrap()], b"");
        for kind in KINDS {
            let (private, public) = generate(kind, "");
            fs::write(&signers, format!("a@b namespaces=\"git\" {public}")).unwrap();
            let key = read(&private).unwrap();
            for message in ["subject\n\nbody\n", "x", ""] {
                let content = commit(tree, &[], &author, message, Utc::now());
                let signed = key.sign_commit(&content).unwrap();
                let oid = git.line(&["hash-object", "-t", "commit", "-w", "--stdin"], &signed);
                git.run(&["verify-commit", &oid], b"");
                assert_eq!(git.line(&["log", "-1", "--format=%B", &oid], b""), message.trim_end());
                let target: Oid = oid.parse().unwrap();
                let content = tag("v1", target, &author, &format!("{message}!"), Utc::now());
                let signed = key.sign_tag(&content).unwrap();
                let oid = git.line(&["mktag"], &signed);
                git.run(&["verify-tag", &oid], b"");
                git.run(&["update-ref", "refs/tags/v1", &oid], b"");
                let text =
                    git.line(&["for-each-ref", "--format=%(contents:subject)|%(contents:body)", "refs/tags/v1"], b"");
                assert!(text.starts_with(message.lines().next().unwrap_or("!")), "{text}");
            }
        }
        git.run(&["fsck", "--strict"], b"");
    }

    #[test]
    fn a_key_that_cannot_sign_is_refused_with_the_reason() {
        let (encrypted, _) = generate(&["-t", "ed25519"], "secret");
        let (whole, public) = generate(&["-t", "ed25519"], "");
        let cut = &whole[..whole.len() / 2];
        for (text, word) in
            [(&*encrypted, "passphrase"), (cut, "cut short"), (&public, "public half"), ("x", "first line")]
        {
            let failure = read(text).unwrap_err();
            assert_eq!(failure.cause, Cause::SshKeyUnusable, "{text}");
            assert!(failure.what.contains(word) && failure.what.contains("`signing-key`"), "{failure}");
        }
        assert_eq!(format!("{:?}", read(&whole).unwrap()), "SigningKey(***)");
    }
}
