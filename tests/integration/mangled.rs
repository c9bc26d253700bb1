//! A way on which one place of what a server says is not what it was: a bit, a few bytes that are missing, doubled or noise, or
//! the end. Whatever it hits, the relay gets over it or names a cause, and does nothing by halves or twice.
//!
//! `MANGLED=N cargo test --test integration mangled -- --nocapture` tries N places of each kind of relay.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use repo_relay::http::Waits;

use crate::{
    inside::Virtual,
    matrix::{
        scene::{KINDS, Kind, Scene},
        trial::{end, judge},
    },
    runner::Outcome,
    soak::Chance,
};

/// How many places of each kind of relay are tried in the suite.
const PLACES: u64 = 30;

/// How many relays go on side by side.
const THREADS: usize = 3;

/// How long an answer whose end got lost is waited for, on a machine with much else to do.
const SILENCE: Duration = Duration::from_secs(2);

/// Carries bytes to and from a server, and changes what comes back at one place, counted over all connections.
struct Way {
    url: String,
    passed: Arc<AtomicU64>,
    /// What was done, and where.
    done: Arc<Mutex<String>>,
    streams: Arc<Mutex<Vec<TcpStream>>>,
}

/// What comes back through one connection.
struct Back {
    place: u64,
    seed: u64,
    passed: Arc<AtomicU64>,
    done: Arc<Mutex<String>>,
}

impl Way {
    fn to(server: &str, place: u64, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = server.trim_start_matches("http://").to_owned();
        let way = Self { url, passed: Arc::default(), done: Arc::default(), streams: Arc::default() };
        let (passed, done, streams) = (Arc::clone(&way.passed), Arc::clone(&way.done), Arc::clone(&way.streams));
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(&server) else { break };
                let _ = (client.set_nodelay(true), server.set_nodelay(true));
                let copy = |stream: &TcpStream| stream.try_clone().unwrap();
                streams.lock().unwrap().extend([copy(&client), copy(&server)]);
                let (mut from, mut into) = (copy(&client), copy(&server));
                std::thread::spawn(move || {
                    let _ = std::io::copy(&mut from, &mut into);
                    let _ = into.shutdown(Shutdown::Write);
                });
                let back = Back { place, seed, passed: Arc::clone(&passed), done: Arc::clone(&done) };
                std::thread::spawn(move || back.carry(server, client));
            }
        });
        way
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        for stream in self.streams.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Back {
    fn carry(&self, mut from: TcpStream, mut into: TcpStream) {
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            let begin = self.passed.fetch_add(length as u64, Ordering::Relaxed);
            let mut bytes = buffer[..length].to_vec();
            let here = self.place.checked_sub(begin).and_then(|at| usize::try_from(at).ok()).filter(|at| *at < length);
            let ends = here.is_some_and(|at| self.mangle(&mut bytes, at));
            if into.write_all(&bytes).is_err() || ends {
                break;
            }
        }
        let _ = into.shutdown(Shutdown::Both);
    }

    /// Changes the bytes from `at` on; the answer is whether they are the last.
    fn mangle(&self, bytes: &mut Vec<u8>, at: usize) -> bool {
        let mut chance = Chance(self.seed);
        let around = String::from_utf8_lossy(&bytes[at.saturating_sub(60)..(at + 30).min(bytes.len())]).into_owned();
        let end = (at + 1 + usize::try_from(chance.below(20)).unwrap()).min(bytes.len());
        let byte = |chance: &mut Chance| u8::try_from(chance.below(256)).unwrap();
        let what = match chance.below(7) {
            0 => {
                bytes[at] ^= 1 << chance.below(8);
                "a bit"
            }
            1 => {
                bytes[at] = byte(&mut chance);
                "a byte"
            }
            2 => {
                bytes[at] = b"0f9a{}[],:\"\r\n \0"[usize::try_from(chance.below(15)).unwrap()];
                "a character"
            }
            3 => {
                bytes.drain(at..end);
                "missing"
            }
            4 => {
                let twice = bytes[at..end].to_vec();
                bytes.splice(at..at, twice);
                "doubled"
            }
            5 => {
                let noise: Vec<u8> = (0..=chance.below(40)).map(|_| byte(&mut chance)).collect();
                bytes.splice(at..at, noise);
                "noise"
            }
            _ => {
                bytes.truncate(at);
                "the end"
            }
        };
        *self.done.lock().unwrap() = format!("{what} at {around:?}");
        what == "the end"
    }
}

fn relay(scene: &Scene, way: &Way) -> Outcome {
    let pauses = Virtual::new(&scene.github);
    scene.step(&way.url).input("attempts", "3").run_inside(|settings, retries| {
        pauses.rule(retries);
        settings.waits = Waits { silence: SILENCE, work: SILENCE * 2 };
    })
}

/// A relay with one place that is not what it was: how it ended, and what is wrong with that.
fn mangled(kind: Kind, bytes: u64, seed: u64) -> (String, Vec<String>) {
    let scene = Scene::new(kind);
    let mut chance = Chance(seed);
    let way = Way::to(scene.github.url(), chance.below(bytes), chance.below(u64::MAX));
    let outcome = relay(&scene, &way);
    // An answer that says something else may end a relay; it must not be believed against what there is.
    let mut wrong = judge(&scene, &outcome, false);
    let done = way.done.lock().unwrap().clone();
    // A public key that is another key seals what nobody can open: neither side notices it before the secret is used.
    if done.contains("\\\"key\\\":") {
        wrong.retain(|what| what != "half done: secret");
    }
    if !wrong.is_empty() {
        wrong.push(format!("{kind:?}, seed {seed}: {done}\n{outcome}\n{}", scene.github.log()));
    }
    let what = if done.is_empty() { "not reached" } else { done.split(" at ").next().unwrap() };
    (format!("{what:12} {}", end(&outcome)), wrong)
}

#[test]
fn one_mangled_place_is_got_over_or_named() {
    #[expect(clippy::disallowed_methods, reason = "how many is asked of whoever looks for a fault")]
    let places = std::env::var("MANGLED").ok().and_then(|text| text.parse().ok()).unwrap_or(PLACES);
    let begun = Instant::now();
    let mut cases = Vec::new();
    for kind in KINDS {
        let scene = Scene::new(kind);
        let way = Way::to(scene.github.url(), u64::MAX, 0);
        relay(&scene, &way).succeeded();
        let bytes = way.passed.load(Ordering::Relaxed);
        println!("{kind:?}: {bytes} bytes come back");
        cases.extend((0..places).map(|seed| (kind, bytes, seed)));
    }
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let ends: Mutex<BTreeMap<String, usize>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some((kind, bytes, seed)) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let (end, found) = mangled(*kind, *bytes, *seed);
                    *ends.lock().unwrap().entry(end).or_default() += 1;
                    wrong.lock().unwrap().extend(found);
                }
            });
        }
    });
    for (end, count) in ends.lock().unwrap().iter() {
        println!("{count:5}  {end}");
    }
    let (wrong, of) = (wrong.into_inner().unwrap(), cases.len());
    let count = |word: &str| wrong.iter().filter(|what| what.starts_with(word)).count();
    let [lost, doubled, leaked] = ["lost", "doubled", "leaked"].map(count);
    println!("mangled: {of} places in {:?}, lost {lost}, doubled {doubled}, leaked {leaked} of {of}", begun.elapsed());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
