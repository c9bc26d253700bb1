//! What an SSH client says before git begins: OpenSSH, libssh2, Go, `JSch`, Paramiko, russh.

use super::{Cause, Operation, Reading};
use crate::finding::{CausePattern, Finding, earliest};

const PATTERNS: &[CausePattern] = &[
    CausePattern::of(
        Cause::SshHostKeyMismatch,
        &[
            "remote host identification has changed",
            "host key for * has changed",
            "host key*does not match",
            "host key mismatch",
            "knownhosts: key mismatch",
            "hostkey has been changed",
            "hostkey*changed",
            "offending*key",
            "possible that someone is doing something nasty",
            "key changed at line",
            "host key*changed",
        ],
    ),
    CausePattern::of(
        Cause::SshHostKeyUnknown,
        &[
            // OpenSSH: "No ED25519 host key is known for HOST and you have requested strict checking."
            "host key is known for",
            "authenticity of host",
            "knownhosts: key is unknown",
            "unknownhostkey",
            "unknown host key",
            "reject hostkey",
            "rejecthostkey",
            "host key not found",
            "not found in known_hosts",
            "not in known_hosts",
            "server key verification failed",
            "server '*' not found in known_hosts",
        ],
    ),
    CausePattern::unsure(
        Cause::SshHostKeyUnknown,
        &[Cause::SshHostKeyMismatch],
        // These clients use the same words for a key that differs and for one that was never seen.
        &["unknown remote ssh hostkey", "hostkey verification", "unknown key"],
    ),
    CausePattern::of(
        Cause::SshKeyUnusable,
        &[
            // The reading makes all quotation marks single ones.
            "load key '",
            "loading key '",
            "error in libcrypto",
            "invalid format",
            "bad permissions",
            "unprotected private key",
            "are too open",
            "private key will be ignored",
            "enter passphrase for",
            "incorrect passphrase",
            "passphrase protected",
            "passphrase is required",
            "bad passphrase",
            "encrypted private key",
            "key is encrypted",
            "privatekeyencrypted",
            "invalid privatekey",
            "invalid private key",
            "not a valid*private key",
            "not a valid openssh private key",
            "identity file * not accessible",
            "no such identity",
            "ssh-private-key argument is empty",
            "ssh: no key found",
            "could not read private key",
            "couldn't read*private key",
            "cannot read*private key",
            "unable to extract public key",
            // Functions of libcrypto and of OpenSSH, as their error queues print them.
            "key_load_",
            "bad decrypt",
            "no start line",
            "could not read key",
            "could not parse key",
            "couldnotreadkey",
            "agent refused operation",
            "unable to open*private key",
            "private key file is encrypted",
            "passwordrequired",
            "wrong or missing passphrase",
        ],
    ),
];

const DENIED: &[CausePattern] = &[
    CausePattern::of(
        Cause::SshPermissionDeniedPublickey,
        &[
            "permission denied (publickey",
            // A server that offers passwords as well asks for one after the key was refused.
            "permission denied, please try again",
            "too many authentication failures",
            "unable to authenticate, attempted methods",
            "no supported methods remain",
            // JSch has two words in all for a refused key.
            "auth fail",
            "auth cancel",
            "no supported authentication methods",
            "all authentication methods failed",
            "failed to authenticate ssh",
            "username/publickey combination invalid",
            "callback returned unsupported credentials",
            "publickey authentication failed",
            "authentication failed (publickey",
            "no more authentication methods",
            "denied (publickey",
            // An RSA key that the client offers with SHA-1, which servers no longer take.
            "no mutual signature algorithm",
            "cannot log in at",
            "key with sha-1, which is no longer allowed",
            "authenticationexception",
            "rsa key with sha-1",
        ],
    ),
    // The last line of OpenSSH after either reason; the line before it decides where it is there.
    CausePattern::unsure(Cause::SshHostKeyUnknown, &[Cause::SshHostKeyMismatch], &["host key verification failed"]),
    CausePattern::of(
        Cause::DeployKeyReadOnly,
        &[
            "marked as read only",
            "marked as read-only",
            "key*is read only",
            "key*is read-only",
            "deploy key*not have write",
            // After a log-in that worked: GitHub names the key, and says nothing of its rights.
            "denied to deploy key",
        ],
    ),
];

/// A host key that is not trusted, a private key that is no use, or a public key that the server does not know.
///
/// A read-only key is what the server says, and comes last here only because nothing else fits beside it.
pub(super) fn look(reading: &Reading) -> Option<Finding> {
    // A changed key can be an attack, so that its words win over those for a key that was never seen.
    let found = earliest(reading, &PATTERNS[..1])
        .or_else(|| earliest(reading, &PATTERNS[1..3]))
        .or_else(|| earliest(reading, &PATTERNS[3..]).filter(|_| speaks_of_ssh(reading)))
        .or_else(|| earliest(reading, DENIED))?;
    Some(found)
}

/// The words about keys are common; they count where SSH is spoken of.
fn speaks_of_ssh(reading: &Reading) -> bool {
    reading.operation == Operation::Ssh
        || reading.has_any(&[
            "ssh",
            "publickey",
            "load key '",
            "loading key '",
            "private key",
            "privatekey",
            "passphrase",
            "identity file",
            "known_hosts",
        ])
}
