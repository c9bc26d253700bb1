//! Certificates of TLS servers that are not trusted: each kind with what was found and its own next step.

use chrono::{DateTime, Utc};

/// A moment of a certificate or of this machine; none where it is out of range or not told.
type Moment = Option<DateTime<Utc>>;

/// Why the certificate that a server shows is not trusted. Names are those of the certificate, without control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateFault {
    /// Its end is past, or that of a CA's certificate between it and the root.
    Expired {
        /// The end.
        not_after: Moment,
        /// What this machine's clock shows.
        now: Moment,
    },
    /// Its beginning is ahead, or that of a CA's certificate between it and the root.
    NotYetValid {
        /// The beginning.
        not_before: Moment,
        /// What this machine's clock shows.
        now: Moment,
    },
    /// It is for other hosts.
    OtherHost {
        /// The hosts that it is for, as it names them: `*.example.test` stands for one label. Empty where they are not known.
        presented: Vec<String>,
        /// The host that was meant.
        expected: String,
    },
    /// It has no subjectAltName.
    NoSubjectAltName {
        /// The host that was meant.
        expected: String,
    },
    /// It signed itself, and is none of those that are trusted.
    SelfSigned {
        /// SHA-256 of the certificate, as OpenSSL prints it.
        fingerprint: String,
        /// Whether certificates were given that are trusted.
        others_given: bool,
    },
    /// No trusted CA signed it.
    UnknownIssuer {
        /// The name of the last issuer that is not known, where it can be read.
        issuer: Option<String>,
        /// Whether the server sent the certificate of a CA between it and the root.
        with_intermediate: bool,
        /// Whether certificates were given that are trusted.
        others_given: bool,
    },
    /// A trusted CA has the issuer's name and another key.
    OtherKeyOfIssuer {
        /// The issuer's name, where it can be read.
        issuer: Option<String>,
    },
    /// It is a CA's, which no chain may end in.
    OfCa,
    /// What signed it is not a CA's certificate.
    IssuerIsNoCa,
    /// It was revoked.
    Revoked,
    /// It is not for servers.
    Purpose,
    /// Its signature's algorithm is unknown, or too weak.
    Algorithm,
    /// It is of X.509 version 1.
    Version1,
    /// Its issuer may not sign for this host.
    NameConstraints,
    /// Too many CAs stand between it and the root.
    PathLength,
    /// It has a critical extension that is unknown.
    Extension,
    /// It is malformed.
    Malformed,
    /// The server signed the handshake with another key than the certificate's.
    OtherKey,
    /// It breaks another rule of RFC 5280.
    Rule,
}

impl CertificateFault {
    /// What was found: the end of a sentence about the certificate.
    pub(super) fn reason(&self) -> String {
        let known = match self {
            Self::Expired { not_after, now } => {
                let end = not_after.map_or_else(|| "has expired".to_owned(), |end| format!("expired on {}", time(end)));
                return format!("it, or the certificate of a CA that signed it, {end}{}", clock(*now));
            }
            Self::NotYetValid { not_before, now } => {
                let from = not_before
                    .map_or_else(|| "not valid yet".to_owned(), |from| format!("valid only from {} on", time(from)));
                return format!("it, or the certificate of a CA that signed it, is {from}{}", clock(*now));
            }
            Self::OtherHost { presented, expected } if presented.is_empty() => {
                return format!("it was made for another host name than {expected}");
            }
            Self::OtherHost { presented, expected } => {
                return format!("it was made for {}, not for {expected}", list(presented));
            }
            Self::SelfSigned { fingerprint, others_given } => {
                let given = if *others_given { ", which holds others" } else { "" };
                return format!(
                    "it is signed by itself, and `ca-certificate` does not hold it{given}; its SHA-256 fingerprint is {fingerprint}"
                );
            }
            Self::UnknownIssuer { issuer, with_intermediate, others_given } => {
                let given = if *others_given { ", nor does a certificate in `ca-certificate`" } else { "" };
                return match (issuer, with_intermediate) {
                    (Some(name), false) => format!(
                        "its issuer \"{name}\" is unknown here, and the server does not send that one's certificate along{given}"
                    ),
                    (Some(name), true) => {
                        format!("it comes from \"{name}\", and no known root vouches for that one{given}")
                    }
                    (None, _) => "its issuer is unknown here".to_owned(),
                };
            }
            Self::OtherKeyOfIssuer { issuer } => {
                let name = issuer.as_deref().map_or_else(String::new, |name| format!(" \"{name}\""));
                return format!(
                    "the trusted certificate of its issuer{name} has the right name, but its key did not make this signature"
                );
            }
            Self::NoSubjectAltName { .. } => {
                "it has no subjectAltName, and the host name in its subject (CN) does not count"
            }
            Self::OfCa => {
                "it is a CA's certificate (CA:TRUE), which counts for a server only where `ca-certificate` holds this very certificate"
            }
            Self::IssuerIsNoCa => "the certificate that signed it is not a CA's (CA:FALSE)",
            Self::Revoked => "it was revoked",
            Self::Purpose => "it was not made for servers (extended key usage without serverAuth)",
            Self::Algorithm => "it is signed by an algorithm that is too weak or unknown here, such as SHA-1",
            Self::Version1 => "it is of X.509 version 1, which has no subjectAltName",
            Self::NameConstraints => "its issuer is not allowed to sign for this host name (name constraints)",
            Self::PathLength => "more CAs stand between it and the root than the root allows",
            Self::Extension => "it has a critical extension that is unknown here",
            Self::Malformed => "it cannot be read",
            Self::OtherKey => "its key does not fit the handshake",
            Self::Rule => "it breaks a rule for certificates",
        };
        known.to_owned()
    }

    /// Whether GitHub's own servers never show such a certificate.
    fn is_of_between(&self) -> bool {
        matches!(
            self,
            Self::SelfSigned { .. }
                | Self::UnknownIssuer { .. }
                | Self::OtherKeyOfIssuer { .. }
                | Self::OtherHost { .. }
                | Self::NoSubjectAltName { .. }
                | Self::OfCa
        )
    }

    /// What to do about it. `host` is the server that shows the certificate; `proxy` tells that it is a proxy.
    pub(super) fn remedy(&self, host: &str, proxy: bool) -> String {
        let whom = whom(host, proxy);
        let anew = |how: &str| format!("Ask {whom} for a new certificate {how}.");
        match self {
            _ if !proxy && is_public(host) && self.is_of_between() => format!(
                "{host} has a certificate of a public CA: something between, such as a proxy that opens TLS, shows this one. Ask who runs the runner's network for that proxy's CA certificate, and put its PEM into `ca-certificate`. Do not disable verification."
            ),
            Self::Expired { .. } => format!(
                "Ask {whom} to renew it; `ca-certificate` cannot lengthen it. If that clock is wrong, set the clock of the runner."
            ),
            Self::NotYetValid { .. } => format!(
                "Set the clock of the runner, and switch on its time synchronization. If the clock is right, ask {whom} for a certificate that is valid already."
            ),
            Self::OtherHost { presented, expected } => other_host(presented, expected, host, proxy),
            Self::NoSubjectAltName { expected } => anew(&format!(
                "with `subjectAltName={}:{expected}` (`openssl req -x509 -addext`)",
                if is_address(expected) { "IP" } else { "DNS" }
            )),
            Self::SelfSigned { .. } => format!(
                "Ask {whom} for the certificate or export it (`openssl s_client -connect {} -showcerts </dev/null`), compare its fingerprint with the administrator's, and put the PEM into `ca-certificate`.",
                endpoint(host)
            ),
            Self::UnknownIssuer { issuer, with_intermediate, .. } => {
                unknown_issuer(issuer.as_deref(), *with_intermediate, &whom)
            }
            Self::OtherKeyOfIssuer { issuer } => format!(
                "The CA{} was probably made anew under the same name. Ask {whom} for its present certificate, and put that PEM into `ca-certificate` in the place of the old one.",
                issuer.as_deref().map_or_else(String::new, |name| format!(" \"{name}\""))
            ),
            Self::OfCa => format!(
                "Put the PEM of exactly this certificate into `ca-certificate`, beside its CA's, or ask {whom} for a certificate of its own that says CA:FALSE."
            ),
            Self::IssuerIsNoCa => {
                format!(
                    "Ask {whom} for a certificate that is signed by a CA's (CA:TRUE), and put that CA's PEM into `ca-certificate`."
                )
            }
            Self::Revoked | Self::OtherKey => {
                format!("Do not go on: ask {whom} which certificate is the right one. Do not disable verification.")
            }
            Self::Purpose => anew("with `extendedKeyUsage=serverAuth`, or without that extension"),
            Self::Algorithm => anew("that is signed with SHA-256 and a key of ECDSA, Ed25519 or RSA from 2048 bits on"),
            Self::Version1 => anew("of version 3, with a subjectAltName"),
            Self::NameConstraints => anew("of a CA that is allowed to sign for that host name"),
            Self::PathLength => anew("that is signed nearer to the root"),
            Self::Extension | Self::Malformed | Self::Rule => {
                anew("that follows RFC 5280; `openssl x509 -text -noout` shows the present one")
            }
        }
    }
}

fn whom(host: &str, proxy: bool) -> String {
    if proxy { format!("whoever runs {host}") } else { format!("the administrator of {host}") }
}

/// The remedy where the certificate is for other hosts.
fn other_host(presented: &[String], expected: &str, host: &str, proxy: bool) -> String {
    let whom = whom(host, proxy);
    let port = split(host).1.map_or_else(String::new, |port| format!(":{port}"));
    let or_anew = format!("ask {whom} for a certificate that names {expected} in its subjectAltName");
    let whole = presented.iter().find(|name| !name.starts_with('*'));
    match (whole, presented.first()) {
        (Some(name), _) if proxy => {
            format!("If {name} is that proxy, write this name into `HTTPS_PROXY` and `HTTP_PROXY`. Else {or_anew}.")
        }
        (Some(name), _) => {
            format!("If {name} is the same server, write `https://{name}{port}` into `server-url`. Else {or_anew}.")
        }
        // As `ghe.acme.test` for `*.acme.test`: one label takes the place of the star.
        (None, Some(pattern)) => format!(
            "If the server has a name of the form {pattern}, with one label for the star, write that name into {}. Else {or_anew}.",
            if proxy { "`HTTPS_PROXY` and `HTTP_PROXY`" } else { "`server-url`" }
        ),
        (None, None) => format!("Write the name that the certificate is for, or {or_anew}."),
    }
}

/// The remedy where no trusted CA signed the certificate.
fn unknown_issuer(issuer: Option<&str>, with_intermediate: bool, whom: &str) -> String {
    let ca = issuer.map_or_else(|| "the CA that signed it".to_owned(), |name| format!("the CA \"{name}\""));
    if with_intermediate {
        format!("Ask {whom} for the certificate of the root that signed {ca}, and put its PEM into `ca-certificate`.")
    } else {
        format!(
            "Ask {whom} for the certificate of {ca}, and put its PEM into `ca-certificate`. If that CA is not the root, the server should send its certificate along (the full chain)."
        )
    }
}

/// The first names of a list, and how many others there are.
fn list(names: &[String]) -> String {
    const MOST: usize = 3;
    let mut named: Vec<String> = names.iter().take(MOST).cloned().collect();
    if names.len() > MOST {
        named.push(format!("{} others", names.len() - MOST));
    }
    named.join(", ")
}

/// Whether the host is GitHub's own, where no private CA can be.
fn is_public(host: &str) -> bool {
    let (host, _) = split(host);
    ["github.com", "ghe.com", "githubusercontent.com"]
        .iter()
        .any(|own| host.strip_suffix(own).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
}

fn is_address(host: &str) -> bool {
    host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok()
}

/// What `openssl s_client` connects to; a name without a port has that of HTTPS.
fn endpoint(host: &str) -> String {
    let (name, port) = split(host.trim_start_matches("the proxy "));
    format!("{name}:{}", port.unwrap_or("443"))
}

/// Name and port of `name`, `name:port`, `[::1]` or `[::1]:port`.
fn split(host: &str) -> (&str, Option<&str>) {
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    match host.rsplit_once(':') {
        Some((name, port)) if is_port(port) && (!name.contains(':') || name.ends_with(']')) => (name, Some(port)),
        _ => (host, None),
    }
}

fn time(moment: DateTime<Utc>) -> String {
    moment.format("%Y-%m-%d %H:%M UTC").to_string()
}

fn clock(now: Moment) -> String {
    now.map_or_else(String::new, |now| format!(" (the clock of this machine shows {})", time(now)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_a_finding_and_a_step_of_its_own() {
        let expected = "ghe.acme.test".to_owned();
        let kinds = [
            CertificateFault::Expired { not_after: None, now: None },
            CertificateFault::NotYetValid { not_before: None, now: None },
            CertificateFault::OtherHost { presented: Vec::new(), expected: expected.clone() },
            CertificateFault::NoSubjectAltName { expected },
            CertificateFault::SelfSigned { fingerprint: "AB:CD".to_owned(), others_given: true },
            CertificateFault::UnknownIssuer { issuer: None, with_intermediate: false, others_given: false },
            CertificateFault::OtherKeyOfIssuer { issuer: None },
            CertificateFault::OfCa,
            CertificateFault::IssuerIsNoCa,
            CertificateFault::Revoked,
            CertificateFault::Purpose,
            CertificateFault::Algorithm,
            CertificateFault::Version1,
            CertificateFault::NameConstraints,
            CertificateFault::PathLength,
        ];
        let mut seen = std::collections::HashSet::new();
        for kind in &kinds {
            assert!(seen.insert(kind.reason()), "{kind:?}");
            assert!(seen.insert(kind.remedy("ghe.acme.test", false)), "{kind:?}");
            assert!(!kind.remedy("the proxy a.test:3128", true).contains("administrator of"), "{kind:?}");
        }
    }

    #[test]
    fn a_port_is_added_where_there_is_none() {
        for (host, expected) in [
            ("ghe.acme.test", "ghe.acme.test:443"),
            ("ghe.acme.test:8443", "ghe.acme.test:8443"),
            ("[::1]", "[::1]:443"),
            ("[::1]:8443", "[::1]:8443"),
            ("the proxy 10.0.0.1:3128", "10.0.0.1:3128"),
        ] {
            assert_eq!(endpoint(host), expected);
        }
    }
}
