//! Many clients at once, connections that are kept, latency.

use std::{
    io::{Read, Write},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use emulator::{
    Emulator,
    model::{Model, Repository, Role, Token},
};

use crate::support::{address, ok, start};

fn emulator(token: &Token) -> Emulator {
    start(
        Model::new()
            .repository(Repository::new("acme/site").collaborator("robin", Role::Write).file("a", "b"))
            .token(token),
    )
}

/// Sends a request on an open connection and reads the answer's head.
fn ask(stream: &mut TcpStream, path: &str) -> String {
    write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nuser-agent: tests\r\n\r\n").unwrap();
    let mut buffer = vec![0; 64 << 10];
    let length = stream.read(&mut buffer).unwrap();
    String::from_utf8_lossy(&buffer[..length]).into_owned()
}

#[test]
fn two_hundred_clients_are_served_at_once() {
    let token = Token::classic("robin", &["repo"]);
    let emulator = emulator(&token);
    let host = emulator.url().trim_start_matches("http://");
    let mut streams: Vec<_> = (0..200).map(|_| TcpStream::connect(host).unwrap()).collect();
    thread::scope(|scope| {
        for stream in &mut streams {
            scope.spawn(|| {
                let head = ask(stream, "/acme/site.git/info/refs?service=git-upload-pack");
                assert!(head.starts_with("HTTP/1.1 200"), "{head}");
            });
        }
    });
    assert_eq!(emulator.log().totals().connections, 200);
    let directory = tempfile::tempdir().unwrap();
    thread::scope(|scope| {
        for index in 0..8 {
            let (emulator, token, at) = (&emulator, &token, directory.path());
            scope.spawn(move || {
                ok(at, &["clone", "-q", &address(emulator, "acme/site", Some(token)), &index.to_string()]);
            });
        }
    });
}

#[test]
fn a_kept_connection_shows_in_the_log() {
    let token = Token::classic("robin", &["repo"]);
    let emulator = emulator(&token);
    let host = emulator.url().trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).unwrap();
    ask(&mut stream, "/api/v3/rate_limit");
    ask(&mut stream, "/api/v3/meta");
    ask(&mut TcpStream::connect(host).unwrap(), "/api/v3/meta");
    let log = emulator.log();
    let connections: Vec<_> = log.0.iter().map(|entry| entry.connection).collect();
    assert_eq!(connections, [1, 1, 2]);
    assert_eq!(log.counts()["GET /api/v3/meta"], 2);
    emulator.clear_log();
    assert_eq!(emulator.log().0.len(), 0);
}

#[test]
fn it_can_be_started_and_dropped_inside_an_async_test() {
    let token = Token::classic("robin", &["repo"]);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let emulator = emulator(&token);
        let mut stream = TcpStream::connect(emulator.url().trim_start_matches("http://")).unwrap();
        // Blocks the test's only thread: the server must not need it.
        assert!(ask(&mut stream, "/api/v3/meta").starts_with("HTTP/1.1 200"));
        drop(emulator);
    });
}

#[test]
fn latency_is_added_to_each_answer() {
    let token = Token::classic("robin", &["repo"]);
    let emulator = emulator(&token);
    emulator.model(|model| model.settings.latency = Duration::from_millis(60));
    let mut stream = TcpStream::connect(emulator.url().trim_start_matches("http://")).unwrap();
    let begun = Instant::now();
    ask(&mut stream, "/api/v3/meta");
    assert!(begun.elapsed() >= Duration::from_millis(60));
}
