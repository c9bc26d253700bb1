//! Each fault as a client sees it.

use std::time::{Duration, Instant};

use emulator::{
    Emulator,
    faults::{Canned, Fault, FaultRule, Flood},
    model::{Model, Repository, Role, Token},
};
use serde_json::json;

use crate::support::{Reply, call, start};

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
