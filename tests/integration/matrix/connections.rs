//! Connections that do not come about: no address, nobody who listens, TLS that fails. Every request has a connection of its own
//! here, so that each request of a relay is one that is not reached.
//!
//! The relay believes to speak to github.com: git at one host, REST at another, both behind TLS. What a host's name leads to
//! is decided for each connection; what happens there is real.

use std::{
    collections::BTreeMap,
    io,
    net::{SocketAddr, TcpListener as Reserved, ToSocketAddrs},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use emulator::{
    faults::{Fault, FaultRule},
    log::Entry,
};
use repo_relay::http::Names;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket},
    runtime::Runtime,
};
use tokio_rustls::TlsAcceptor;

use super::{
    point::pattern,
    scene::{Kind, Scene},
    trial::{ATTEMPTS, Trial, conduct, end, filter, judge, often},
};
use crate::{
    front::{Authority, Front},
    inside::Virtual,
    runner::Outcome,
};

const HOSTS: [&str; 2] = ["github.com", "api.github.com"];

/// A name that no resolver knows.
///
/// Source: <https://www.rfc-editor.org/rfc/rfc6761#section-6.4>
const NOWHERE: &str = "no-such-host.invalid";

/// How long a connection may take where one never comes about; twice that for all of it.
const PATIENCE: Duration = Duration::from_millis(1500);

/// Whom a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Git,
    Rest,
}

impl Side {
    fn of(host: &str) -> Self {
        if host.starts_with("api.") { Self::Rest } else { Self::Git }
    }
}

/// Why a connection does not come about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    /// The name has no address.
    NoName,
    /// Nobody listens.
    Refused,
    /// TLS is cut off after the client's first words.
    Cut,
    /// The server speaks another protocol.
    NoTls,
    /// TLS is never answered.
    Silent,
    /// The certificate is of a CA that nobody knows.
    Untrusted,
    /// The certificate is another host's.
    Misnamed,
}

impl Flaw {
    /// The certificate is what is wrong: a second look would find the same.
    fn lasts(self) -> bool {
        matches!(self, Self::Untrusted | Self::Misnamed)
    }

    fn cause(self) -> &'static str {
        match self {
            Self::NoName => "dns-failure",
            Self::Refused | Self::Cut | Self::NoTls | Self::Silent => "connection-failed",
            Self::Untrusted | Self::Misnamed => "tls-certificate-untrusted",
        }
    }
}

/// Where connections end that do not come about.
struct Ditch {
    authority: String,
    right: TlsAcceptor,
    places: BTreeMap<&'static str, SocketAddr>,
    /// It has its port, and does not listen there.
    _deaf: TcpSocket,
    /// What is never accepted is never answered.
    _silent: Reserved,
    _runtime: Runtime,
}

impl Ditch {
    fn dig() -> Self {
        let authority = Authority::new();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (mut places, deaf) = runtime.block_on(async {
            let deaf = TcpSocket::new_v4().unwrap();
            deaf.bind("127.0.0.1:0".parse().unwrap()).unwrap();
            let mut places = BTreeMap::from([("refused", deaf.local_addr().unwrap())]);
            places.insert("cut", ditch(None, b"").await);
            places.insert("no tls", ditch(None, b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n").await);
            places.insert("untrusted", ditch(Some(Authority::new().server(&HOSTS)), b"").await);
            places.insert("misnamed", ditch(Some(authority.server(&["github.example.test"])), b"").await);
            (places, deaf)
        });
        let silent = Reserved::bind("127.0.0.1:0").unwrap();
        places.insert("silent", silent.local_addr().unwrap());
        let right = authority.server(&HOSTS);
        Self { authority: authority.pem, right, places, _deaf: deaf, _silent: silent, _runtime: runtime }
    }

    /// What the system says of a name, or where the connection goes.
    fn lead(&self, flaw: Flaw) -> io::Result<Vec<SocketAddr>> {
        let place = match flaw {
            Flaw::NoName => return (NOWHERE, 443).to_socket_addrs().map(Iterator::collect),
            Flaw::Refused => "refused",
            Flaw::Cut => "cut",
            Flaw::NoTls => "no tls",
            Flaw::Silent => "silent",
            Flaw::Untrusted => "untrusted",
            Flaw::Misnamed => "misnamed",
        };
        Ok(vec![self.places[place]])
    }
}

/// A server that hears the client's first words and says these.
async fn ditch(tls: Option<TlsAcceptor>, words: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let tls = tls.clone();
            tokio::spawn(async move {
                if let Some(tls) = tls {
                    // The client leaves.
                    drop(tls.accept(stream).await);
                } else {
                    let _ = stream.read(&mut [0; 1024]).await;
                    let _ = stream.write_all(words).await;
                }
            });
        }
    });
    address
}

/// The connections of a relay, and which of them go wrong: those from `first` to `last` of a side, counted from 1.
struct Lines {
    ditch: Arc<Ditch>,
    front: SocketAddr,
    flaw: Option<(Flaw, Side, u64, u64)>,
    made: Mutex<BTreeMap<Side, u64>>,
    missed: AtomicU64,
}

impl Lines {
    fn look_up(&self, host: &str) -> io::Result<Vec<SocketAddr>> {
        let side = Side::of(host);
        let number = {
            let mut made = self.made.lock().unwrap();
            let number = made.entry(side).or_default();
            *number += 1;
            *number
        };
        match self.flaw {
            Some((flaw, its, first, last)) if its == side && (first..=last).contains(&number) => {
                self.missed.fetch_add(1, Ordering::Relaxed);
                self.ditch.lead(flaw)
            }
            _ => Ok(vec![self.front]),
        }
    }

    fn made(&self, side: Side) -> u64 {
        self.made.lock().unwrap().get(&side).copied().unwrap_or_default()
    }
}

/// Whether a request asks for what comes in its own time: as often as it takes.
fn is_poll(entry: &Entry) -> bool {
    let pattern = pattern(entry);
    let lists =
        pattern.contains("/actions/runs") || (pattern.contains("/actions/workflows/") && pattern.contains("/runs"));
    (entry.method == "GET" && lists) || pattern.contains("/pages")
}

/// How many requests were polls.
fn polls(scene: &Scene) -> u64 {
    scene.github.log().0.iter().filter(|entry| is_poll(entry)).count() as u64
}

/// Of each REST request in its order, whether it was a poll.
fn order(scene: &Scene) -> Vec<bool> {
    scene.github.log().0.iter().filter(|entry| entry.is_rest()).map(is_poll).collect()
}

/// A relay of which every connection is made anew.
fn relay(
    kind: Kind,
    ditch: &Arc<Ditch>,
    flaw: Option<(Flaw, Side, u64, u64)>,
) -> (Scene, Outcome, Arc<Lines>, Vec<Duration>) {
    let scene = Scene::new(kind);
    scene.github.fault(FaultRule::on("*", "*", Fault::Farewell));
    let front = Front::with(scene.github.url(), ditch.right.clone(), ditch.authority.clone());
    let lines = Arc::new(Lines {
        ditch: Arc::clone(ditch),
        front: front.direct,
        flaw,
        made: Mutex::default(),
        missed: AtomicU64::new(0),
    });
    let pauses = Virtual::new(&scene.github);
    let step = scene
        .step("https://github.com")
        .env("GITHUB_API_URL", "https://api.github.com")
        .input("ca-certificate", &front.authority)
        .input("attempts", ATTEMPTS.to_string());
    let outcome = step.run_inside(|settings, retries| {
        pauses.rule(retries);
        let lines = Arc::clone(&lines);
        settings.names = Names::table(move |host| lines.look_up(host));
        if matches!(flaw, Some((Flaw::Silent, ..))) {
            settings.connect = PATIENCE;
        }
    });
    (scene, outcome, lines, pauses.passed())
}

/// A connection that does not come about, or that and all that follow.
struct Missed {
    ditch: Arc<Ditch>,
    kind: Kind,
    side: Side,
    nth: u64,
    /// How many there are when nothing goes wrong, and how many requests are polls.
    of: (u64, u64),
    /// Whether it was for a poll: one that is missed is in no log.
    for_poll: bool,
    flaw: Flaw,
    lasting: bool,
}

impl Trial for Missed {
    fn name(&self) -> String {
        let Self { kind, side, nth, flaw, lasting, .. } = self;
        format!("{kind:?}, {side:?} connection {nth}, {flaw:?}, {}", often(*lasting))
    }

    fn is_lasting(&self) -> bool {
        self.lasting
    }

    fn run(&self) -> (String, Vec<String>) {
        let last = if self.lasting { u64::MAX } else { self.nth };
        let (scene, outcome, lines, pauses) =
            relay(self.kind, &self.ditch, Some((self.flaw, self.side, self.nth, last)));
        if lines.missed.load(Ordering::Relaxed) == 0 {
            return ("not reached".to_owned(), judge(&scene, &outcome, true));
        }
        let mut wrong = judge(&scene, &outcome, !self.lasting && !self.flaw.lasts());
        let error = outcome.output("error");
        if !error.is_empty() && error != self.flaw.cause() {
            wrong.push(format!("{error} instead of {}", self.flaw.cause()));
        }
        let more = match (self.flaw.lasts(), self.lasting) {
            (true, _) => 0,
            (false, false) => 1,
            (false, true) => (self.of.0 - self.nth + 1) * (ATTEMPTS - 1),
        };
        let missed = if self.for_poll { lines.missed.load(Ordering::Relaxed) } else { 0 };
        let more = more + (polls(&scene) + missed).saturating_sub(self.of.1);
        let made = lines.made(self.side);
        if made > self.of.0 + more {
            wrong.push(format!("{made} connections instead of {} and {more} more", self.of.0));
        }
        if !wrong.is_empty() {
            wrong.push(format!("pauses {pauses:?}\n{outcome}\n{}", scene.github.log()));
        }
        (end(&outcome), wrong)
    }
}

/// A server that is not there at all, as the system itself looks its name up.
struct Nowhere(Kind);

impl Trial for Nowhere {
    fn name(&self) -> String {
        format!("{:?}, {NOWHERE}", self.0)
    }

    fn is_lasting(&self) -> bool {
        true
    }

    fn run(&self) -> (String, Vec<String>) {
        let scene = Scene::new(self.0);
        let pauses = Virtual::new(&scene.github);
        let step = scene.step(&format!("https://{NOWHERE}")).input("attempts", ATTEMPTS.to_string());
        let outcome = step.run_inside(|_, retries| pauses.rule(retries));
        let mut wrong = judge(&scene, &outcome, false);
        if outcome.output("error") != "dns-failure" || !outcome.stdout.contains(NOWHERE) {
            wrong.push("the name is not named".to_owned());
        }
        if pauses.passed().is_empty() {
            wrong.push("it was not tried again".to_owned());
        }
        if !scene.github.log().0.is_empty() {
            wrong.push("somebody was spoken to".to_owned());
        }
        if !wrong.is_empty() {
            wrong.push(format!("pauses {:?}\n{outcome}", pauses.passed()));
        }
        (end(&outcome), wrong)
    }
}

const ALONE: [Kind; 5] = [Kind::Publish, Kind::Refs, Kind::Tag, Kind::Dispatch, Kind::Workflow];

#[test]
fn every_connection_that_does_not_come_about_ends_in_success_or_in_a_named_cause() {
    let ditch = Arc::new(Ditch::dig());
    let filter = filter();
    let mut cases = Vec::new();
    let mut reached = 0;
    for kind in [Kind::Whole].into_iter().chain(ALONE) {
        let (scene, outcome, lines, _) = relay(kind, &ditch, None);
        let wrong = judge(&scene, &outcome, true);
        assert!(wrong.is_empty(), "{wrong:?}\n{outcome}");
        let log = scene.github.log();
        let made = lines.made(Side::Git) + lines.made(Side::Rest);
        assert_eq!(made, log.0.len() as u64, "each request has a connection of its own\n{log}");
        println!("{kind:?}: {made} connections");
        for side in [Side::Git, Side::Rest] {
            let order = if side == Side::Rest { order(&scene) } else { Vec::new() };
            let of = (lines.made(side), order.iter().filter(|is_poll| **is_poll).count() as u64);
            for nth in 1..=of.0 {
                // The parts of the whole ask nothing else than the whole does: there each connection is looked at.
                let first = nth == 1;
                if kind != Kind::Whole && !first {
                    continue;
                }
                reached += 1;
                for flaw in
                    [Flaw::NoName, Flaw::Refused, Flaw::Cut, Flaw::NoTls, Flaw::Silent, Flaw::Untrusted, Flaw::Misnamed]
                {
                    for lasting in [false, true] {
                        let rare = matches!(flaw, Flaw::NoTls | Flaw::Misnamed | Flaw::Silent);
                        // REST is asked by one piece of code: there each connection meets two of the four.
                        let turn = matches!(flaw, Flaw::NoName | Flaw::Untrusted) == (nth % 2 == 1);
                        let wanted = match (kind, flaw, lasting) {
                            (Kind::Whole, Flaw::Silent, lasting) => first && !lasting,
                            (Kind::Whole, _, false) => first || !rare && (turn || side == Side::Git),
                            (Kind::Whole, _, true) => first,
                            (_, Flaw::Untrusted, lasting) => lasting,
                            (_, Flaw::Cut, lasting) => !lasting,
                            _ => !rare,
                        };
                        let for_poll = usize::try_from(nth - 1).ok().and_then(|place| order.get(place)) == Some(&true);
                        let ditch = Arc::clone(&ditch);
                        let case = Missed { ditch, kind, side, nth, of, for_poll, flaw, lasting };
                        if wanted && case.name().contains(&filter) {
                            cases.push(case);
                        }
                    }
                }
            }
        }
    }
    conduct(&format!("{reached} connections"), &cases);
}

#[test]
fn a_name_without_an_address_is_told_whatever_is_to_be_done() {
    let filter = filter();
    let cases: Vec<_> = ALONE.map(Nowhere).into_iter().filter(|case| case.name().contains(&filter)).collect();
    conduct("a name without an address", &cases);
}
