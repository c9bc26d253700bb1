//! A server that means no good, over SSH: a real OpenSSH server before a git that sends whatever it likes, or something that
//! only begins as SSH does.

use std::{fmt::Write as _, time::Duration};

use crate::{
    malicious::{MOST_MEGABYTES, SOON, band, frame, many, megabytes, raw, withstands, world},
    packs::{self, Pack},
    runner::Step,
    sshd::{Manners, Sshd, generate},
    world::{TARGET, World},
};

const UPLOAD: &str = "git-upload-pack";
const RECEIVE: &str = "git-receive-pack";

/// `SSH_MSG_IGNORE`, before any keys are exchanged.
const IGNORE: &[u8] = b"\0\0\0\x0c\x06\x02\0\0\0\0\0\0\0\0\0\0";

/// As long as the client is there.
const WAIT: &str = "while kill -0 $PPID 2>/dev/null; do sleep 0.1; done; exit";

/// A target that has a branch to publish to, and its SSH server.
fn over_ssh() -> (World, Sshd) {
    let world = world();
    let sshd = Sshd::start(&world, Manners::default());
    (world, sshd)
}

/// A publish of one try, with a budget of three seconds.
fn publish(world: &World, sshd: &Sshd) -> Step {
    sshd.over_ssh(world.publish()).input("attempts", "1").input("timeout", "3s")
}

#[test]
fn words_without_end_end_with_the_budget() {
    let opening = frame("packfile\n");
    let progress = many(band(2, "Counting objects: 50%\r"));
    let words = many(band(2, "remote: wait a little\n"));
    let line = many(band(2, "x".repeat(60_000)));
    for (name, service, greets, head, piece, aside) in [
        ("endless progress", UPLOAD, true, &opening, &progress, false),
        ("endless words", UPLOAD, true, &opening, &words, false),
        ("one endless line", UPLOAD, true, &opening, &line, false),
        ("endless words about a push", RECEIVE, true, &Vec::new(), &words, false),
        ("endless errors before a word of git", RECEIVE, false, &Vec::new(), &many("so it goes\n"), true),
        ("endless errors beside a fetch", UPLOAD, true, &Vec::new(), &many("so it goes\n"), true),
    ] {
        let (world, sshd) = over_ssh();
        sshd.plays(service, greets, head, piece, aside);
        let name = format!("{name} over SSH");
        withstands(&name, publish(&world, &sshd), &["timeout"], SOON);
    }
}

#[test]
fn a_report_without_end_is_given_up_over_ssh_too() {
    let (world, sshd) = over_ssh();
    // The push itself is done by nobody: the branch is where it was.
    sshd.plays(RECEIVE, true, b"", &many(band(1, frame("ng refs/heads/gh-pages no\n"))), false);
    withstands("an endless report over SSH", publish(&world, &sshd), &["server-error", "timeout"], SOON);
}

#[test]
fn advertisements_without_end_end_with_the_budget() {
    let oid = "1".repeat(40);
    let capabilities = "report-status delete-refs side-band-64k ofs-delta atomic object-format=sha1";
    let first = frame(format!("{oid} refs/heads/gh-pages\0{capabilities}\n"));
    let refs = many(frame(format!("{oid} refs/tags/v1.0.0\n")));
    let many_capabilities = many(frame("feature-of-tomorrow=yes\n"));
    for (name, service, head, piece, causes) in [
        ("refs", RECEIVE, &first, &refs, &["timeout"][..]),
        ("capabilities", UPLOAD, &frame("version 2\n"), &many_capabilities, &["server-error", "timeout"]),
        ("empty lines", RECEIVE, &first, &many("0004"), &["server-error", "timeout"]),
        ("garbage", RECEIVE, &Vec::new(), &many("Welcome to the machine. "), &["server-error"]),
    ] {
        let (world, sshd) = over_ssh();
        sshd.plays(service, false, head, piece, false);
        withstands(&format!("endless {name} over SSH"), publish(&world, &sshd), causes, SOON);
    }
}

#[test]
fn a_million_refs_are_read_over_ssh_too() {
    let (world, sshd) = over_ssh();
    let (tip, oid) = (world.tip("refs/heads/gh-pages").unwrap(), "1".repeat(40));
    let capabilities = "report-status delete-refs side-band-64k ofs-delta atomic object-format=sha1";
    let mut refs = frame(format!("{tip} refs/heads/gh-pages\0{capabilities}\n"));
    for number in 0..1_000_000 {
        let mut line = String::new();
        writeln!(line, "{oid} refs/tags/v{number:09}").unwrap();
        refs.extend(frame(line));
    }
    refs.extend(b"0000");
    sshd.plays(RECEIVE, false, &refs, b"", false);
    // That the branch has the content already ends the step before anything is pushed.
    let step = sshd.over_ssh(world.step()).input("attempts", "1");
    let (outcome, peak) = megabytes(step.run_measured());
    println!("malicious: a million refs over SSH: read after {:.1?}, at most {peak} MB", outcome.took);
    outcome.succeeded();
    assert_eq!(outcome.check("permission"), "pass", "{outcome}");
    assert!((1..MOST_MEGABYTES).contains(&peak), "{peak} MB: {outcome}");
}

#[test]
fn packs_that_are_not_what_they_claim_are_refused_over_ssh_too() {
    let commit =
        b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nnot it\n";
    let mut other = Pack::default();
    other.add(packs::COMMIT, commit);
    other.add(packs::TREE, b"");
    let small =
        |kind, claim| packs::ended([Pack::header(1), packs::head(kind, claim), packs::deflated(b"tree")].concat());
    let zeros = many(band(1, vec![0; 50_000]));
    for (name, pack, piece, said) in [
        ("four billion objects", packs::ended(Pack::header(u32::MAX)), &b""[..], "is not taken in"),
        ("a tree of a terabyte", small(packs::TREE, 1 << 40), b"", "is not taken in"),
        ("a blob of sixteen exabytes", small(packs::BLOB, u64::MAX), b"", "is not taken in"),
        ("another commit than was asked for", other.finish(), b"", "left the commit"),
        ("endless garbage for a pack", Vec::new(), &zeros, ""),
    ] {
        let (world, sshd) = over_ssh();
        let mut answer = frame("packfile\n");
        for part in pack.chunks(60_000) {
            answer.extend(band(1, part));
        }
        if piece.is_empty() {
            answer.extend(b"0000");
        }
        sshd.plays(UPLOAD, true, &answer, piece, false);
        let name = format!("{name} over SSH");
        let outcome = withstands(&name, publish(&world, &sshd), &["server-error"], SOON);
        assert!(outcome.stdout.contains(said), "{outcome}");
    }
}

#[test]
fn a_service_that_says_nothing_ends_with_the_budget_and_one_that_is_cut_is_named() {
    let greets = format!("served --advertise-refs </dev/null\n{WAIT}");
    for (name, service, deed, causes) in [
        ("silence after the login", RECEIVE, WAIT, &["timeout"][..]),
        ("no answer to a fetch", UPLOAD, &greets, &["timeout"]),
        ("no answer to a push", RECEIVE, &greets, &["timeout"]),
        ("cut after the login", RECEIVE, "kill -9 $PPID; exit", &["connection-failed"]),
        (
            "cut in the advertisement",
            RECEIVE,
            "served | { head -c 30; sleep 0.05; kill -9 $PPID; }; exit",
            &["connection-failed"],
        ),
    ] {
        let (world, sshd) = over_ssh();
        sshd.lapse(service, 1..=1000, deed);
        // A service that lives is asked until the budget ends; every other one is left at once.
        withstands(&format!("{name} over SSH"), publish(&world, &sshd), causes, SOON);
        assert!(sshd.lapsed(), "{name}");
    }
}

#[test]
fn what_only_begins_as_ssh_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let (key, public) = generate(folder.path(), "key", &["-t", "ed25519"]);
    for (name, head, piece) in [
        ("endless lines before SSH", &b""[..], &b"Authorized use only.\r\n"[..]),
        ("one endless line before SSH", b"", b"Authorized use only. "),
        ("an endless name of the server's program", b"SSH-2.0-", b"OpenSSH"),
        ("a packet of two gigabytes", b"SSH-2.0-evil\r\n", b"xxxx"),
        ("endless packets to be ignored", b"SSH-2.0-evil\r\n", IGNORE),
        ("HTTP in place of SSH", b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n", b" "),
    ] {
        let address = raw(head, piece);
        let step = Step::new("https://github.com")
            .input("repository", format!("ssh://git@{address}/{TARGET}.git"))
            .input("token", "")
            .input("ssh-key", &key)
            .input("ssh-known-hosts", format!("[127.0.0.1]:{} {public}", address.port()))
            .input("directory", "site")
            .input("attempts", "1")
            .input("timeout", "3s")
            .file("site/index.html", "x");
        withstands(name, step, &["connection-failed", "timeout"], Duration::from_secs(20));
    }
}
