//! `known_hosts`: what no line names is never believed, what is revoked never, and no pattern takes for ever.
#![no_main]

use libfuzzer_sys::fuzz_target;
use repo_relay::{
    diagnosis::{Cause, Failure},
    git::transport::ssh::{KnownHosts, PORT, Route},
};
use russh::keys::PublicKey;

const KEYS: [&str; 2] = [
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB9dG4kjRhQTtWTVzd2t27+t0DEHBPW7iOD23TUiYLio",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl",
];

fuzz_target!(|input: (u16, &str)| {
    let (port, text) = input;
    let (host, text) = text.split_once('\n').unwrap_or(("", text));
    // `A` and `B` stand for whole keys, which no mutation would hit.
    let lines: Vec<_> = text.lines().map(|line| line.replace("{A}", KEYS[0]).replace("{B}", KEYS[1])).collect();
    let text = lines.join("\n");
    let route = Route { user: "git".into(), host: host.into(), port };
    let shown: PublicKey = KEYS[0].parse().expect("a key");
    let known = match KnownHosts::parse(&text) {
        Ok(known) => known,
        Err(error) => {
            let failure = Failure::from(error);
            assert_eq!(failure.cause, Cause::InvalidInput);
            assert!(failure.what.contains("Line "), "{failure}");
            return;
        }
    };
    let lines = || lines.iter().map(|line| line.trim()).filter(|line| !line.starts_with('#') && !line.is_empty());
    let verdict = known.of(&route).judge(&shown).map_err(Failure::from);
    match &verdict {
        Ok(()) => assert!(
            lines().any(|line| line.contains(KEYS[0]) && !line.starts_with('@')),
            "a key that no line holds was believed"
        ),
        Err(failure) => {
            assert!(matches!(failure.cause, Cause::SshHostKeyUnknown | Cause::SshHostKeyMismatch), "{failure}");
        }
    }
    // A line that names the host as it is makes the key known, one that revokes it for every host ends that.
    if !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'.') {
        let place = if port == PORT { host.to_owned() } else { format!("[{host}]:{port}") };
        let mut more = format!("{text}\n{place} {}", KEYS[0]);
        let revoked = lines().any(|line| line.starts_with('@'));
        let judge = |text: &str| KnownHosts::parse(text).expect("lines").of(&route).judge(&shown).map_err(Failure::from);
        assert!(judge(&more).is_ok() || revoked, "{place} is not believed");
        more += &format!("\n@revoked * {}", KEYS[0]);
        assert_eq!(judge(&more).map_err(|failure| failure.cause), Err(Cause::SshHostKeyMismatch));
    }
});
