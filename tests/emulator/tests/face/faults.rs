//! Each fault as a client sees it.

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use emulator::{
    Emulator,
    faults::{Canned, Fault, FaultRule, Flood, Held},
    model::{Model, Repository, Role, Token},
};
use serde_json::json;

use crate::support::{Reply, call, clone_with_commit, ok, start};

const PATH: &str = "/api/v3/repos/acme/site/dispatches";

fn emulator(token: &Token) -> Emulator {
    let yaml = "on: repository_dispatch\n";
    let repository = Repository::new("acme/site").collaborator("robin", Role::Write).workflow("deploy.yml", yaml);
    start(Model::new().repository(repository).token(token))
}

fn send(emulator: &Emulator, token: &Token) -> Result<Reply, String> {
    call(emulator, "POST", PATH, Some(token), &[], Some(&json!({"event_type": "deploy"})))
}

#[test]
fn a_fault_hits_before_or_after_the_effect() {
    let token = Token::classic("robin", &["repo"]);
    let cases = [
        (Fault::Answer(Canned::error(500, "Server Error")), Some(500), 0),
        (Fault::Answer(Canned::bad_gateway()), Some(502), 0),
        (Fault::AnswerAfter(Canned::bad_gateway()), Some(502), 1),
        (Fault::Reset, None, 0),
        (Fault::Close, None, 0),
        (Fault::ResetAfter, None, 1),
        (Fault::Delay(Duration::from_millis(100)), Some(204), 1),
        (Fault::Redirect(302, "http://127.0.0.1:1/".into()), Some(302), 0),
        (Fault::Body("<html>".into()), Some(204), 1),
    ];
    for (fault, status, runs) in cases {
        let emulator = emulator(&token);
        let shown = format!("{fault:?}");
        emulator.fault(FaultRule::on("POST", "/api/v3/repos/*/dispatches", fault).first(1));
        let begun = Instant::now();
        let reply = send(&emulator, &token);
        assert_eq!(reply.as_ref().ok().map(|reply| reply.status), status, "{shown}: {reply:?}");
        assert_eq!(emulator.runs("acme/site").len(), runs, "{shown}");
        assert!(!shown.contains("delay") || begun.elapsed() >= Duration::from_millis(100));
        assert_eq!(send(&emulator, &token).unwrap().status, 204, "the next one passes");
        assert!(emulator.unused_faults().is_empty());
        assert_eq!(emulator.log().0[0].faults, [shown]);
    }
}

#[test]
fn an_answer_can_break_off_or_never_come() {
    let token = Token::classic("robin", &["repo"]);
    let emulator = emulator(&token);
    for fault in [Fault::Truncate(20), Fault::ResetBody(20)] {
        emulator.fault(FaultRule::on("GET", "/api/v3/repos/acme/site", fault));
        let broken = call(&emulator, "GET", "/api/v3/repos/acme/site", Some(&token), &[], None);
        assert!(broken.is_err(), "{broken:?}");
        assert_eq!(emulator.log().0.last().unwrap().bytes_out, 20);
        emulator.clear_faults();
    }
    let address = emulator.url().trim_start_matches("http://").to_owned();
    let hear = |fault| {
        emulator.fault(FaultRule::on("GET", "/api/v3/meta", fault));
        let mut stream = std::net::TcpStream::connect(&address).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        std::io::Write::write_all(&mut stream, b"GET /api/v3/meta HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
        let heard = std::io::Read::read(&mut stream, &mut [0; 10]);
        emulator.clear_faults();
        heard.map_err(|error| error.kind())
    };
    assert_eq!(hear(Fault::Close), Ok(0), "the end of the stream");
    assert_eq!(hear(Fault::Reset), Err(std::io::ErrorKind::ConnectionReset));
    assert_eq!(hear(Fault::Silence), Err(std::io::ErrorKind::WouldBlock), "nothing at all");
}

#[test]
fn a_body_may_be_of_any_bytes_and_without_end() {
    let token = Token::classic("robin", &["repo"]);
    let emulator = emulator(&token);
    let flood = |fault| emulator.fault(FaultRule::on("GET", "/api/v3/repos/acme/site", fault));
    flood(Fault::Flood(Flood { head: "[1".into(), piece: ",2".into(), times: Some(3) }));
    flood(Fault::Header("link".into(), "<x>; rel=\"next\"".into()));
    let reply = call(&emulator, "GET", "/api/v3/repos/acme/site", Some(&token), &[], None).unwrap();
    assert_eq!((reply.text.as_str(), reply.header("link")), ("[1,2,2,2", Some("<x>; rel=\"next\"")));
    emulator.clear_faults();

    flood(Fault::Flood(Flood::endless("[", vec![b' '; 1024])));
    let address = emulator.url().trim_start_matches("http://").to_owned();
    let mut stream = std::net::TcpStream::connect(&address).unwrap();
    let request = format!(
        "GET /api/v3/repos/acme/site HTTP/1.1\r\nhost: x\r\nuser-agent: x\r\nauthorization: Bearer {}\r\n\r\n",
        token.value()
    );
    std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
    let read = std::io::copy(&mut std::io::Read::take(&mut stream, 1 << 20), &mut std::io::sink()).unwrap();
    assert_eq!(read, 1 << 20, "as much as one takes");
}

#[test]
fn faults_that_were_not_used_are_reported() {
    let token = Token::classic("robin", &["repo"]);
    let emulator = emulator(&token);
    emulator.fault(FaultRule::on("POST", PATH, Fault::Answer(Canned::secondary_limit(1))).nth(2));
    emulator.fault(FaultRule::on("POST", PATH, Fault::Delay(Duration::ZERO)).first(2));
    send(&emulator, &token).unwrap();
    assert_eq!(emulator.unused_faults().len(), 2, "{:?}", emulator.unused_faults());
    let reply = send(&emulator, &token).unwrap();
    assert_eq!((reply.status, reply.header("retry-after")), (403, Some("1")));
    assert_eq!(emulator.unused_faults().len(), 0);
}

#[test]
fn what_is_held_is_done_when_the_test_says_so_though_nobody_waits_for_it() {
    let token = Token::classic("robin", &["repo"]);
    let emulator = emulator(&token);
    let held = Held::default();
    emulator.fault(FaultRule::on("POST", PATH, Fault::Hold(held.clone())).nth(1));
    let body = r#"{"event_type": "deploy"}"#;
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nhost: x\r\nuser-agent: x\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n\r\n",
        token.value(),
        body.len()
    );
    let mut stream = TcpStream::connect(emulator.url().trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    stream.write_all((head + body).as_bytes()).unwrap();
    assert_eq!(stream.read(&mut [0; 10]).map_err(|error| error.kind()), Err(ErrorKind::WouldBlock), "nothing at all");
    drop(stream);
    assert_eq!(emulator.runs("acme/site").len(), 0);
    held.release();
    assert_eq!(emulator.runs("acme/site").len(), 1);
    emulator.settle();
}

#[test]
fn a_push_that_is_held_is_received_late() {
    let token = Token::classic("robin", &["repo"]);
    let repository = Repository::new("acme/site").collaborator("robin", Role::Write).file("README.md", "r");
    let emulator = start(Model::new().repository(repository).token(&token));
    let held = Held::default();
    emulator.fault(FaultRule::on("POST", "*/git-receive-pack", Fault::Hold(held.clone())).nth(1));
    let clone = clone_with_commit(&emulator, "acme/site", &token, "late");
    let pushing = std::thread::spawn(move || ok(clone.path(), &["push", "-q", "origin", "HEAD:refs/heads/late"]));
    while emulator.log().pushes().is_empty() {
        std::thread::yield_now();
    }
    // Another that comes later is received before it.
    let other = clone_with_commit(&emulator, "acme/site", &token, "other");
    ok(other.path(), &["push", "-q", "origin", "HEAD:refs/heads/other"]);
    assert!(emulator.repository("acme/site").tip("refs/heads/other").is_some());
    assert_eq!(emulator.repository("acme/site").tip("refs/heads/late"), None);
    held.release();
    assert!(emulator.repository("acme/site").tip("refs/heads/late").is_some());
    pushing.join().unwrap();
}

#[test]
fn a_limit_ends_so_long_after_the_server_s_own_now() {
    let token = Token::classic("robin", &["repo"]);
    let emulator = emulator(&token);
    emulator.model(|model| model.settings.clock_skew = chrono::Duration::hours(3));
    emulator.fault(FaultRule::on("POST", PATH, Fault::Limit(Duration::from_secs(90))).nth(1));
    let now = || emulator.model(|model| model.now().timestamp());
    let before = now();
    let reply = send(&emulator, &token).unwrap();
    let after = now();
    assert_eq!(reply.status, 403, "{reply:?}");
    assert!(reply.text.contains("API rate limit exceeded"), "{reply:?}");
    assert_eq!(
        (reply.header("x-ratelimit-remaining"), reply.header("x-ratelimit-resource")),
        (Some("0"), Some("core"))
    );
    let reset: i64 = reply.header("x-ratelimit-reset").unwrap().parse().unwrap();
    assert!((before + 90..=after + 90).contains(&reset), "{reset} is not 90 s after {before} to {after}");
    assert_eq!(emulator.runs("acme/site").len(), 0, "it is not executed");
    assert_eq!(send(&emulator, &token).unwrap().status, 204, "the next one passes");
    assert_eq!(emulator.log().0[0].faults, ["primary limit for 90s"]);
}

#[test]
fn a_farewell_is_said_and_the_connection_is_closed_behind_the_whole_answer() {
    let token = Token::classic("robin", &["repo"]);
    let emulator = emulator(&token);
    let head = format!(
        "GET /api/v3/repos/acme/site HTTP/1.1\r\nhost: x\r\nuser-agent: x\r\nauthorization: Bearer {}\r\n\r\n",
        token.value()
    );
    let open = || {
        let stream = TcpStream::connect(emulator.url().trim_start_matches("http://")).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    };
    // Without the fault two requests go over one connection.
    let mut stream = open();
    for _ in 0..2 {
        stream.write_all(head.as_bytes()).unwrap();
        let (said, length, read) = answer(&mut stream);
        assert!(said.starts_with("http/1.1 200") && !said.contains("connection: close"), "{said}");
        assert_eq!(read, length);
    }
    drop(stream);
    emulator.fault(FaultRule::on("GET", "/api/v3/repos/acme/site", Fault::Farewell).nth(1));
    let mut stream = open();
    stream.write_all(head.as_bytes()).unwrap();
    let (said, length, read) = answer(&mut stream);
    assert!(said.starts_with("http/1.1 200") && said.contains("connection: close"), "{said}");
    assert_eq!(read, length, "the answer is whole");
    assert_eq!(stream.read(&mut [0; 10]).unwrap(), 0, "the end of the stream");
    let reused: Vec<_> = emulator.log().0.iter().map(|entry| entry.connection).collect();
    assert!(reused[0] == reused[1] && reused[1] != reused[2], "{reused:?}");
}

/// The head of one answer in lower case, the length that it names, and how many bytes of the body came.
fn answer(stream: &mut TcpStream) -> (String, usize, usize) {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
        bytes.push(byte[0]);
    }
    let head = String::from_utf8(bytes).unwrap().to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    (head, length, body.len())
}

#[test]
fn a_fault_from_a_request_on_stays() {
    let token = Token::classic("robin", &["repo"]);
    let emulator = emulator(&token);
    emulator.fault(FaultRule::on("POST", PATH, Fault::Answer(Canned::bad_gateway())).from(3));
    let statuses: Vec<_> = (0..2).map(|_| send(&emulator, &token).unwrap().status).collect();
    assert_eq!(statuses, [204, 204]);
    assert_eq!(emulator.unused_faults().len(), 1, "it did not happen so far");
    // What does not match is neither hit nor counted.
    let other = call(&emulator, "GET", "/api/v3/repos/acme/site", Some(&token), &[], None).unwrap();
    assert_eq!(other.status, 200);
    let statuses: Vec<_> = (0..3).map(|_| send(&emulator, &token).unwrap().status).collect();
    assert_eq!(statuses, [502, 502, 502]);
    assert!(emulator.unused_faults().is_empty());
    assert_eq!(emulator.runs("acme/site").len(), 2);
    emulator.clear_faults();
    assert_eq!(send(&emulator, &token).unwrap().status, 204);
}
