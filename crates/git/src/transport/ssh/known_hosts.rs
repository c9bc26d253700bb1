//! The keys that a server may show: `known_hosts` lines, with github.com's own built in.
//!
//! Source: <https://man.openbsd.org/sshd.8#SSH_KNOWN_HOSTS_FILE_FORMAT>

use std::sync::Arc;

use ring::hmac;
use russh::keys::{
    Algorithm, HashAlg, PublicKey,
    ssh_key::known_hosts::{Entry, HostPatterns, Marker},
};

use super::{PORT, Route};
use crate::diagnosis::errors::{HostKeyError, KnownHostsError};

/// Source: <https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/githubs-ssh-key-fingerprints>
const GITHUB: &str = include_str!("github_known_hosts");

/// Where github.com answers SSH on port 443, with the same keys.
const SSH_OVER_HTTPS: &str = "ssh.github.com";

/// Lines of a `known_hosts` file.
#[derive(Clone, Debug, Default)]
pub struct KnownHosts(Arc<Vec<Entry>>);

impl KnownHosts {
    /// The lines of `text`, and github.com's.
    ///
    /// # Errors
    /// A line that is none, or that is no key but an authority, with its number.
    pub fn parse(text: &str) -> Result<Self, KnownHostsError> {
        let mut entries = Vec::new();
        for (index, line) in text.lines().enumerate() {
            // The parser takes single blanks only; a file written by hand has tabs, or more of them.
            let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let number = index + 1;
            match line.parse::<Entry>() {
                Ok(entry) if entry.marker() == Some(&Marker::CertAuthority) => {
                    return Err(KnownHostsError::Authority { line: number });
                }
                Ok(entry) => entries.push(entry),
                Err(error) => return Err(KnownHostsError::Malformed { line: number, reason: error.to_string() }),
            }
        }
        // Always, and last: lines for another host must not make github.com unknown.
        entries.extend(GITHUB.lines().filter_map(|line| line.parse().ok()));
        Ok(Self(Arc::new(entries)))
    }

    /// What is known of the host that `route` leads to.
    pub fn of(&self, route: &Route) -> HostKeys {
        let host = route.host.trim_start_matches('[').trim_end_matches(']').to_lowercase();
        let mut names = vec![if route.port == PORT { host.clone() } else { format!("[{host}]:{}", route.port) }];
        if host == SSH_OVER_HTTPS {
            names.push("github.com".to_owned());
        }
        let mut keys = HostKeys { place: route.to_string(), ..HostKeys::default() };
        for entry in self.0.iter() {
            let key = entry.public_key().clone();
            let named = names.iter().any(|name| is_for(entry.host_patterns(), name));
            // NOTE: as OpenSSH does, a line without a port vouches for the host on any port, and accuses it on none.
            let vouched = named || is_for(entry.host_patterns(), &host);
            match entry.marker() {
                // `@revoked`: the other marker was refused when the lines were read.
                Some(_) if vouched => keys.revoked.push(key),
                None if named => keys.known.push(key),
                None if vouched => keys.elsewhere.push(key),
                _ => {}
            }
        }
        keys
    }
}

/// What is known of one host.
#[derive(Clone, Debug, Default)]
pub struct HostKeys {
    place: String,
    known: Vec<PublicKey>,
    elsewhere: Vec<PublicKey>,
    revoked: Vec<PublicKey>,
}

impl HostKeys {
    /// Whether no line speaks of the host.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty() && self.elsewhere.is_empty()
    }

    /// Takes in what the server's own interface names (`ssh-ed25519 AAAA…`); what is no key is left out.
    pub fn learn(&mut self, lines: &[String]) {
        self.known.extend(lines.iter().filter_map(|line| line.parse::<PublicKey>().ok()));
    }

    /// The kinds of host key to ask for: those that are known first, so that the server shows one of them if it can.
    pub fn preferred(&self, all: &[Algorithm]) -> Vec<Algorithm> {
        // The kind of an RSA key does not say what it signs with.
        let is_rsa = |algorithm: &Algorithm| matches!(algorithm, Algorithm::Rsa { .. });
        let alike = |one: &Algorithm, other: &Algorithm| one == other || (is_rsa(one) && is_rsa(other));
        let known = || self.known.iter().chain(&self.elsewhere);
        let is_known = |algorithm: &&Algorithm| known().any(|key| alike(&key.algorithm(), algorithm));
        let (known, others): (Vec<_>, Vec<_>) = all.iter().partition(is_known);
        known.into_iter().chain(others).cloned().collect()
    }

    /// Whether the server may be believed that shows `key`.
    pub fn judge(&self, key: &PublicKey) -> Result<(), HostKeyError> {
        let holds = |keys: &[PublicKey]| keys.iter().any(|known| known.key_data() == key.key_data());
        let place = self.place.clone();
        let shown = format!("{} {}", key.algorithm(), key.fingerprint(HashAlg::Sha256));
        // First: a revoked key stays revoked, even where another line names it, as in OpenSSH.
        if holds(&self.revoked) {
            return Err(HostKeyError::Revoked { place, shown });
        }
        if holds(&self.known) || holds(&self.elsewhere) {
            return Ok(());
        }
        if self.known.is_empty() {
            return Err(HostKeyError::Unknown { place, shown });
        }
        let known: Vec<_> = self
            .known
            .iter()
            .map(|known| format!("{} {}", known.algorithm(), known.fingerprint(HashAlg::Sha256)))
            .collect();
        Err(HostKeyError::Mismatch { place, shown, known })
    }
}

/// Whether a line's hosts hold `name`: the host in lower case, or `[host]:port`.
fn is_for(hosts: &HostPatterns, name: &str) -> bool {
    match hosts {
        HostPatterns::HashedName { salt, hash } => {
            // SHA-1 is what `HashKnownHosts` of OpenSSH uses.
            let salt = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, salt);
            hmac::verify(&salt, name.as_bytes(), hash).is_ok()
        }
        HostPatterns::Patterns(patterns) => {
            let mut found = false;
            for pattern in patterns {
                let pattern = pattern.to_lowercase();
                match pattern.strip_prefix('!') {
                    // A negated pattern excludes the host whatever else the line says (sshd(8)).
                    Some(pattern) if fits(pattern.as_bytes(), name.as_bytes()) => return false,
                    None => found |= fits(pattern.as_bytes(), name.as_bytes()),
                    Some(_) => {}
                }
            }
            found
        }
    }
}

/// Whether a pattern with `*` and `?` fits the whole name. Of several stars only the last is tried at other places: what fits
/// before it fits wherever it stands, so that no pattern takes longer than its length times the name's.
fn fits(pattern: &[u8], name: &[u8]) -> bool {
    let (mut wanted, mut at) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while at < name.len() {
        match pattern.get(wanted) {
            Some(b'*') => {
                star = Some((wanted, at));
                wanted += 1;
            }
            Some(byte) if *byte == b'?' || *byte == name[at] => (wanted, at) = (wanted + 1, at + 1),
            _ => match &mut star {
                Some((place, skipped)) => {
                    *skipped += 1;
                    (wanted, at) = (*place + 1, *skipped);
                }
                None => return false,
            },
        }
    }
    pattern[wanted..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::{Cause, Failure};

    const A: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB9dG4kjRhQTtWTVzd2t27+t0DEHBPW7iOD23TUiYLio";
    const B: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";

    fn key(line: &str) -> PublicKey {
        line.parse().unwrap()
    }

    /// The verdict on key A for a host: "fine", "unknown" or "mismatch".
    fn verdict(lines: &str, host: &str, port: u16) -> &'static str {
        let route = Route { user: "git".into(), host: host.into(), port };
        match KnownHosts::parse(lines).unwrap().of(&route).judge(&key(A)).map_err(Failure::from) {
            Ok(()) => "fine",
            Err(failure) if failure.cause == Cause::SshHostKeyUnknown => "unknown",
            Err(failure) if failure.cause == Cause::SshHostKeyMismatch => "mismatch",
            Err(failure) => panic!("{failure}"),
        }
    }

    #[test]
    fn a_line_speaks_for_its_hosts_and_ports() {
        for (lines, host, port, expected) in [
            (format!("h.test {A}"), "h.test", 22, "fine"),
            (format!("  H.test\t{A} a comment "), "h.TEST", 22, "fine"),
            (format!("other.test,h.test {A}"), "h.test", 22, "fine"),
            (format!("*.test,!h.test {A}"), "h.test", 22, "unknown"),
            (format!("?.te*t {A}"), "h.test", 22, "fine"),
            (format!("[h.test]:2222 {A}"), "h.test", 2222, "fine"),
            (format!("[h.test]:2222 {A}"), "h.test", 22, "unknown"),
            (format!("h.test {A}"), "h.test", 2222, "fine"),
            (format!("h.test {B}"), "h.test", 2222, "unknown"),
            (format!("h.test {B}"), "h.test", 22, "mismatch"),
            (format!("h.test {B}\nh.test {A}"), "h.test", 22, "fine"),
            (format!("h.test {A}\n@revoked h.test {A}"), "h.test", 22, "mismatch"),
            (format!("h.test {A}\n@revoked * {B}"), "h.test", 22, "fine"),
            (format!("# h.test {A}\n\n"), "h.test", 22, "unknown"),
            (String::new(), "github.com", 22, "mismatch"),
            (String::new(), "ssh.github.com", 443, "mismatch"),
            (format!("[::1]:2222 {A}"), "[::1]", 2222, "fine"),
        ] {
            assert_eq!(verdict(&lines, host, port), expected, "{lines} {host}:{port}");
        }
    }

    #[test]
    fn stars_fit_as_they_should_and_many_of_them_take_no_time() {
        for (pattern, name, expected) in [
            ("*", "", true),
            ("", "a", false),
            ("a*", "a", true),
            ("*a*b", "xaxxbxab", true),
            ("*a*b", "xaxxbxaba", false),
            ("a**?c", "abbc", true),
            ("a?", "a", false),
            ("*.test", "h.test.test", true),
        ] {
            assert_eq!(fits(pattern.as_bytes(), name.as_bytes()), expected, "{pattern} {name}");
        }
        let (pattern, name) = ("*a".repeat(500) + "b", "a".repeat(5000));
        assert!(!fits(pattern.as_bytes(), name.as_bytes()), "and this ends");
    }

    #[test]
    fn a_hashed_name_is_found() {
        let hashed = "|1|lcY/In3lsGnkJikLENb0DM70B/I=|Qs4e9Nr7mM6avuEv02fw2uFnwQo=";
        let HostPatterns::HashedName { salt, .. } = hashed.parse().unwrap() else { panic!("not hashed") };
        let salt = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &salt);
        let hash = hmac::sign(&salt, b"[h.test]:2222").as_ref().try_into().unwrap();
        let line = HostPatterns::HashedName { salt: hashed_salt(hashed), hash }.to_string();
        assert_eq!(verdict(&format!("{line} {A}"), "h.test", 2222), "fine");
        assert_eq!(verdict(&format!("{line} {B}"), "h.test", 2222), "mismatch");
        assert_eq!(verdict(&format!("{line} {A}"), "g.test", 2222), "unknown");
    }

    fn hashed_salt(text: &str) -> Vec<u8> {
        match text.parse().unwrap() {
            HostPatterns::HashedName { salt, .. } => salt,
            HostPatterns::Patterns(_) => panic!("not hashed"),
        }
    }

    #[test]
    fn githubs_own_keys_are_built_in() {
        let route = Route { user: "git".into(), host: "github.com".into(), port: 22 };
        let keys = KnownHosts::parse("").unwrap().of(&route);
        let prints: Vec<_> = keys.known.iter().map(|key| key.fingerprint(HashAlg::Sha256).to_string()).collect();
        assert_eq!(
            prints,
            [
                "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU",
                "SHA256:p2QAMXNIC1TJYWeIOttrVc98/R1BUFWu3/LiyKgUfQM",
                "SHA256:uNiVztksCsDhcc0u9e8BujQXVUpKZIDTMczCvj3tD2s",
            ]
        );
    }

    #[test]
    fn what_is_no_line_and_an_authority_are_refused_with_the_lines_number() {
        for (lines, word) in [
            (format!("h.test {A}\nh.test"), "Line 2"),
            ("h.test ssh-ed25519 AAAA".to_owned(), "Line 1"),
            (format!("@cert-authority *.test {A}"), "@cert-authority"),
        ] {
            let failure = Failure::from(KnownHosts::parse(&lines).unwrap_err());
            assert_eq!(failure.cause, Cause::InvalidInput);
            assert!(failure.what.contains(word), "{failure}");
        }
    }

    #[test]
    fn the_kinds_that_are_known_are_asked_for_first() {
        let route = Route { user: "git".into(), host: "h.test".into(), port: 22 };
        let rsa = "h.test ".to_owned() + GITHUB.lines().nth(2).unwrap().split_once(' ').unwrap().1;
        let keys = KnownHosts::parse(&rsa).unwrap().of(&route);
        let rsa = |hash| Algorithm::Rsa { hash };
        let all = [Algorithm::Ed25519, rsa(Some(HashAlg::Sha512)), rsa(Some(HashAlg::Sha256))];
        assert_eq!(keys.preferred(&all), [all[1].clone(), all[2].clone(), Algorithm::Ed25519]);
    }
}
