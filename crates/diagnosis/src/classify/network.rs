//! What network clients say: curl, OpenSSL, `GnuTLS`, Schannel, Go, Node, Python, Java, rustls, libgit2.

use super::{Cause, Operation, Reading};
use crate::finding::{CausePattern, Finding, earliest};

/// Whether a status of 500 is the client's own word for "no answer came": octokit writes it beside the reason.
///
/// Source: <https://github.com/octokit/request.js/blob/main/src/fetch-wrapper.ts>
pub(super) fn is_status_of_the_client(reading: &Reading) -> bool {
    const ANSWERED: [&str; 5] =
        ["x-github-request-id", "internal server error", "server error", "rpc failed", "requested url returned"];
    // An answer of a server has at least a date: without one no server spoke.
    reading.status == Some(500)
        && matches!(reading.operation, Operation::Rest | Operation::Unsaid)
        && !["content-type", "date", "server"].iter().any(|name| reading.header(name).is_some())
        && !reading.html
        && !reading.has_any(&ANSWERED)
        && (earliest(reading, SPECIFIC).is_some() || broken(reading).is_some())
}

/// A name that does not resolve, and a certificate that is not trusted.
pub(super) const SPECIFIC: &[CausePattern] = &[
    CausePattern::of(
        Cause::DnsFailure,
        &[
            "could not resolve host",
            // The remedy of this cause names the proxy's settings as well.
            "could not resolve proxy",
            "couldn't resolve host",
            "couldn't resolve proxy",
            "could not be resolved",
            "name or service not known",
            "name resolution",
            "nodename nor servname",
            "no such host",
            "enotfound",
            // A resolver that does not answer; Node prints the C library's name of the error.
            "eai_again",
            "unknownhostexception",
            "gaierror",
            "getaddrinfo",
            "failed to lookup address",
            "failed to resolve",
            "server misbehaving",
            "no address associated",
            "dns error",
            "dns lookup",
            "dnserror",
            "nxdomain",
            "servfail",
            "host not found",
            "err_name_not_resolved",
            "unable to resolve host",
        ],
    ),
    CausePattern::of(
        Cause::TlsCertificateUntrusted,
        &[
            "ssl certificate problem",
            // The clients word it each in their own way, and the library's code is printed by few.
            "certificate verification failed",
            "certificate verify failed",
            "certificate_verify_failed",
            "failed to verify certificate",
            "unknown authority",
            "x509:",
            "self signed certificate",
            "self-signed certificate",
            "self_signed_cert",
            "unable_to_verify_leaf",
            "unable_to_get_issuer",
            "local issuer certificate",
            "verify the first certificate",
            "pkix path",
            "valid certification path",
            "invalid peer certificate",
            "unknownissuer",
            "unknown issuer",
            "unknown_ca",
            "unknown ca",
            "untrusted_root",
            "untrusted root",
            "certificate is invalid",
            "certificate is not trusted",
            "certificate*not trusted",
            "certificate has expired",
            "cert_has_expired",
            "no alternative certificate subject",
            "certificate subject name",
            "err_tls_cert_altname_invalid",
            "match certificate's altnames",
            "certificate's alternative names",
            // The bundle of roots cannot be read, so that nothing at all is trusted.
            "error setting certificate",
            "certificates cannot be authenticated",
            "certificate cannot be authenticated",
            "chain*not trusted",
            "code=certificate",
            "certificate check failed",
            "sec_e_wrong_principal",
            "sec_e_untrusted",
            "certificate is not yet valid",
            "certificate is not valid",
            "certificate signer not trusted",
        ],
    ),
];

/// No connection, or one that broke.
const BROKEN: &[CausePattern] = &[CausePattern::of(
    Cause::ConnectionFailed,
    &[
        "connection refused",
        "connection reset",
        "connection was reset",
        "connection closed",
        "connection aborted",
        "connection was aborted",
        "connection was closed",
        "connection lost",
        "connection died",
        "connection terminated",
        "non-properly terminated",
        "closed abruptly",
        "lost connection",
        "could not connect",
        "couldn't connect",
        "failed to connect",
        "unable to connect",
        "cannot connect",
        "failed to open socket",
        "failed to establish a new connection",
        "empty reply from server",
        "hung up",
        "unexpected disconnect",
        "early eof",
        "eof before pack header",
        "rpc failed",
        "not closed cleanly",
        "ssl_error_syscall",
        "ssl_connect",
        "ssl_read",
        "ssl_write",
        // Its errors carry a number and few words; certificates were looked for before.
        "gnutls",
        "schannel",
        "secure channel",
        "handshake fail",
        // What Go says after an address.
        "': eof",
        "wrong version number",
        "send failure",
        "recv failure",
        "transfer closed",
        "body are still expected",
        "http2 framing",
        "http/2 stream",
        "econnreset",
        "econnrefused",
        "econnaborted",
        "etimedout",
        "ehostunreach",
        "enetunreach",
        // The prefix of all codes of Node's own HTTP client.
        "und_err",
        "socket hang up",
        "other side closed",
        "network is unreachable",
        "network unreachable",
        "no route to host",
        "host is unreachable",
        "proxy after connect",
        "proxyconnect",
        "proxy connect",
        "tunneling socket",
        "tunnel connection failed",
        // The proxy refuses before the server hears anything: no connection came about.
        "proxy authentication required",
        "connect tunnel failed",
        "fetch failed",
        "remotedisconnected",
        "without response",
        "network error",
        "network failure",
        "incompletemessage",
        "incomplete message",
        "incompleteread",
        "protocolerror",
        "error sending request",
        "request canceled while waiting",
        "premature close",
        "premature end",
        "err_stream_premature_close",
        "goaway",
        "kex_exchange_identification",
        "ssh_exchange_identification",
        "banner exchange",
        "closed by remote host",
        "send disconnect",
        "invalid index-pack output",
        "transport endpoint",
        // The class of a libgit2 error, which its bindings print after the words.
        "class=net",
        "class=os",
        "index-pack failed",
        // Something else, such as a shell's greeting or a log-in page, answered in the place of git.
        "bad line length character",
        "bad pack header",
        "socket closed",
        "failed sending",
        "socket disconnected",
        "ended prematurely",
        "ssh_dispatch_run_fatal",
        "unable to negotiate",
        "error occurred while sending the request",
        "connection was forcibly closed",
        "forcibly closed",
        "connection is closed",
        "socketexception",
        "connection broken",
        "connecttimeout",
        "connecterror",
    ],
)];

/// Words of a broken connection that other things have too: they count where one is spoken of, or an operation is known.
const VAGUE: &[CausePattern] = &[CausePattern::of(
    Cause::ConnectionFailed,
    &[
        "timed out",
        "timeout",
        "time-out",
        "handshake",
        "end of file",
        "prematurely",
        "too slow",
        "deadline exceeded",
        "broken pipe",
        "unexpected eof",
        "stream error",
        "epipe",
    ],
)];

/// What a text about a connection holds.
const ABOUT_CONNECTIONS: [&str; 16] = [
    "git", "http", "://", "connect", "socket", "ssl", "tls", "network", "server", "host", "port ", "ssh", "curl",
    "proxy", "request", "remote",
];

/// No connection, or one that broke.
pub(super) fn broken(reading: &Reading) -> Option<Finding> {
    let plain = earliest(reading, BROKEN);
    let vague = || earliest(reading, VAGUE);
    // "timeout" is also a step's own limit, and "end of file" a parser's.
    let meant = reading.operation != Operation::Unsaid || reading.has_any(&ABOUT_CONNECTIONS);
    plain.or_else(|| if meant { vague() } else { None })
}
