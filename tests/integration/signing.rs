//! Signed commits and tags, verified by git itself.

use std::{fs, process::Command};

use emulator::model::{Account, Repository, Ruleset, Target, Token};
use tempfile::TempDir;

use crate::{
    runner::Step,
    world::{TARGET, World},
};

/// A key pair by OpenSSH's own tool, and the list of signers that names it.
pub(crate) struct Key {
    folder: TempDir,
    pub(crate) private: String,
    /// The line of the `.pub` file.
    pub(crate) public: String,
}

impl Key {
    fn new(kind: &[&str], passphrase: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("key");
        let mut command = Command::new("ssh-keygen");
        command.args(["-q", "-C", "x", "-N", passphrase, "-f"]).arg(&file).args(kind);
        assert!(command.status().unwrap().success());
        let public = fs::read_to_string(file.with_extension("pub")).unwrap();
        fs::write(folder.path().join("signers"), format!("robin@example.test namespaces=\"git\" {public}")).unwrap();
        Self { private: fs::read_to_string(&file).unwrap(), public, folder }
    }

    pub(crate) fn ed25519() -> Self {
        Self::new(&["-t", "ed25519"], "")
    }

    /// git's own judgement, `verify-commit` or `verify-tag`: it fails when the signature is not good.
    fn verify(&self, world: &World, command: &str, revision: &str) {
        let signers = format!("gpg.ssh.allowedSignersFile={}", self.folder.path().join("signers").display());
        world.git(&["-c", "gpg.format=ssh", "-c", &signers, command, revision]);
    }
}

fn signed(step: Step, key: &Key) -> Step {
    step.input("signing-key", &key.private).input("author", "Robin <robin@example.test>")
}

#[test]
fn git_verifies_the_commit_and_the_tag() {
    for kind in [&["-t", "ed25519"][..], &["-t", "ecdsa", "-b", "256"], &["-t", "rsa", "-b", "2048"]] {
        let (world, key) = (World::new(), Key::new(kind, ""));
        let outcome = signed(world.publish(), &key).input("tag", "v1").input("tag-message", "Release {tag}").run();
        outcome.succeeded();
        assert_eq!(world.tip("refs/heads/gh-pages").unwrap(), outcome.output("commit"));
        key.verify(&world, "verify-commit", "gh-pages");
        key.verify(&world, "verify-tag", "v1");
        assert_eq!(world.git(&["for-each-ref", "--format=%(contents:subject)", "refs/tags/v1"]), "Release v1");
        assert!(world.git(&["log", "-1", "--format=%B", "gh-pages"]).starts_with("Publish acme/source@0123456"));
        world.git(&["fsck", "--strict"]);
    }
}

#[test]
fn a_key_that_can_not_be_used_ends_the_step_before_any_request() {
    let encrypted = Key::new(&["-t", "ed25519"], "secret").private;
    let whole = Key::ed25519().private;
    for text in [&*encrypted, &whole[..whole.len() / 2], "no key"] {
        let world = World::new();
        let outcome = world.publish().input("signing-key", text).run();
        outcome.failed("ssh-key-unusable");
        assert!(world.github.log().0.is_empty(), "{outcome}");
        assert!(
            !outcome.stdout.lines().any(|line| !line.starts_with("::add-mask::") && line.contains("b3BlbnNzaC1rZXk"))
        );
    }
}

#[test]
fn a_rule_that_wants_signatures_is_met_with_a_key_and_said_without() {
    let rule = || Ruleset::new("signed", Target::Branch, &["refs/heads/gh-pages"]).rule("required_signatures");
    let target = Repository::new(TARGET).file("README.md", "r").ruleset(rule());
    let world = World::with(target, Token::classic("robin", &["repo"]));
    let outcome = world.publish().run();
    outcome.failed("required-signatures");
    assert!(outcome.stdout.contains("`signing-key`"), "{outcome}");
    assert_eq!(world.tip("refs/heads/gh-pages"), None);
    let key = Key::ed25519();
    signed(world.publish(), &key).run().failed("required-signatures");
    let robin = Account::user("robin").email("robin@example.test").signing_key(&key.public);
    world.github.model(|model| model.accounts.push(robin));
    signed(world.publish(), &key).run().succeeded();
    key.verify(&world, "verify-commit", "gh-pages");
}

#[test]
fn a_lost_race_is_signed_again() {
    let world = World::new();
    let key = Key::ed25519();
    world.github.repository(TARGET).commit("refs/heads/gh-pages", &[("a", b"a")], "first");
    let raced = emulator::faults::Fault::race(|repository| {
        repository.commit("refs/heads/gh-pages", &[("other/page", b"x")], "another publish");
    });
    world.github.fault(emulator::faults::FaultRule::on("POST", "*/git-receive-pack", raced).first(1));
    signed(world.publish(), &key).input("destination", "mine").run().succeeded();
    key.verify(&world, "verify-commit", "gh-pages");
    assert!(world.paths("gh-pages").contains(&"other/page".to_owned()));
}
