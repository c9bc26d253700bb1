//! What servers differ in, and what goes wrong on the way to them.

use std::{net::TcpListener, time::Duration};

use emulator::{
    faults::{Fault, FaultRule},
    model::{Repository, Token},
};

use crate::world::{TARGET, World};

const GIT: &str = "/acme/site.git/*";

fn world() -> World {
    let files = [("index.html", "before"), ("a/b/c.html", "deep"), ("gone.html", "gone")];
    World::with(Repository::new(TARGET).files("gh-pages", &files), Token::classic("robin", &["repo"]))
}

#[test]
fn old_and_odd_servers_make_no_difference() {
    for faults in [
        &[Fault::Gzip][..],
        &[Fault::Lengthy],
        &[Fault::NoFilter],
        &[Fault::NoVersion2],
        &[Fault::NoVersion2, Fault::NoFilter],
        &[Fault::NoVersion2, Fault::NoFilter, Fault::Gzip],
    ] {
        let world = world();
        for fault in faults {
            world.github.fault(FaultRule::on("*", GIT, fault.clone()));
        }
        let outcome = world.publish().file("site/a/b/c.html", "deep").run();
        outcome.succeeded();
        assert_eq!(world.paths("gh-pages"), [".nojekyll", "a/b/c.html", "index.html"], "{faults:?}");
        let changes = outcome.report()["targets"][0]["changes"].clone();
        assert_eq!([&changes["added"], &changes["changed"], &changes["removed"]], [1, 1, 1], "{faults:?}");
        assert_eq!(world.publish().file("site/a/b/c.html", "deep").run().succeeded().stage("push"), "unchanged");
    }
}

#[test]
fn a_destination_needs_neither_filter_nor_version_2() {
    // A server of protocol v0 gives nothing but what its refs name: there the whole tip comes at once.
    for faults in [&[Fault::NoFilter][..], &[Fault::NoVersion2], &[Fault::NoVersion2, Fault::NoFilter]] {
        let world = world();
        for fault in faults {
            world.github.fault(FaultRule::on("*", GIT, fault.clone()));
        }
        world.publish().input("destination", "a/b").run().succeeded();
        assert_eq!(world.paths("gh-pages"), ["a/b/index.html", "gone.html", "index.html"], "{faults:?}");
    }
}

#[test]
fn answers_in_chunks_are_read_and_connections_are_used_again() {
    let world = world();
    world.publish().run().succeeded();
    let log = world.github.log();
    let chunked = |header: &(String, String)| header.0 == "content-length";
    assert!(log.git().all(|entry| !entry.answer_headers.iter().any(chunked)), "the emulator's git answers in chunks");
    // REST is asked side by side; git's requests follow each other on what is open already.
    let (connections, side_by_side) = (log.totals().connections, log.rest().count() + 1);
    assert!(connections <= side_by_side, "{connections} connections for {} requests", log.0.len());
    let pushed_on = log.pushes()[0].connection;
    let before = log.0.iter().filter(|entry| entry.path.ends_with("service=git-receive-pack")).count();
    assert!(before == 1 && log.0.iter().filter(|entry| entry.connection == pushed_on).count() > 1, "{log}");
}

#[test]
fn a_push_is_made_again_for_a_server_that_wants_its_length() {
    let world = world();
    world.github.fault(FaultRule::on("POST", "*/git-receive-pack", Fault::RefuseChunked));
    let mut noise = 7_u64;
    let mut next = || {
        noise ^= noise << 13;
        noise ^= noise >> 7;
        noise ^= noise << 17;
        noise.to_le_bytes()
    };
    let content: Vec<u8> = (0..200_000).flat_map(|_| next()).collect();
    world.publish().file("site/noise.bin", &content).run().succeeded();
    assert_eq!(world.github.repository(TARGET).files("gh-pages")["noise.bin"].1, content);
}

#[test]
fn a_server_that_falls_silent_is_left_when_the_budget_ends() {
    for (method, path) in [("GET", "*/info/refs"), ("POST", "*/git-upload-pack"), ("POST", "*/git-receive-pack")] {
        let world = world();
        let before = world.tip("refs/heads/gh-pages");
        world.github.fault(FaultRule::on(method, path, Fault::Silence));
        let outcome = world.publish().input("timeout", "3s").run();
        outcome.failed("timeout");
        assert!(outcome.took < Duration::from_secs(20), "{method} {path}: {:?}", outcome.took);
        assert_eq!(world.tip("refs/heads/gh-pages"), before);
    }
}

#[test]
fn a_server_that_takes_no_connection_is_named() {
    let world = world();
    // A port that nobody listens on any more.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let outcome = world.publish().input("server-url", format!("http://127.0.0.1:{port}")).input("attempts", "1").run();
    outcome.failed("connection-failed");
    assert!(outcome.stdout.contains("127.0.0.1"), "{outcome}");
    assert!(world.github.log().0.is_empty());
}
