//! Every fault at every request of every stage. The points are the log of a relay without a fault; what came of each case is
//! asked of the server's state.
//!
//! Of the relays in [`is_sampled`] a part is drawn from a seed that is printed; `MATRIX_SEED=NUMBER` draws the same again, and
//! `MATRIX_WHOLE=1` runs all.
//!
//! `MATRIX=TEXT cargo test --test integration matrix -- --nocapture` runs the cases whose name holds TEXT, and shows them.

mod blow;
mod checkouts;
mod connections;
pub(crate) mod point;
pub(crate) mod scene;
mod ssh;
pub(crate) mod trial;

use std::{
    net::TcpListener,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use emulator::faults::Fault;
use repo_relay::http::Waits;

use self::{
    blow::{Blow, Nature, blows, is_tried_for_ever},
    point::{Point, pattern, points},
    scene::{KINDS, Kind, OF_CHECKOUTS, Scene, contradictions, failed_before_the_end},
    trial::{ATTEMPTS, SILENCE, Trial, conduct, end, filter, judge, often},
};
use crate::{inside::Virtual, runner::Outcome};

/// Kinds of which one case in [`SHARE`] is run: with them all the matrix would take too long for every change.
fn is_sampled(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Signed
            | Kind::Proposed
            | Kind::Merged
            | Kind::MergedLater
            | Kind::Previews
            | Kind::Awaited
            | Kind::Lfs
            | Kind::Parts
            | Kind::Rotation(_)
    )
}

const SHARE: u64 = 4;

/// Rotations of which a target failed: in none of them the old token may have ended.
static FAILED_ROTATIONS: AtomicUsize = AtomicUsize::new(0);

/// Draws the cases that are run.
struct Sample {
    seed: u64,
    is_whole: bool,
}

impl Sample {
    #[allow(clippy::disallowed_methods, reason = "it is the test that is told, not the program")]
    fn new(filter: &str) -> Self {
        let given = std::env::var("MATRIX_SEED").ok().and_then(|seed| seed.parse().ok());
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let seed = given.unwrap_or(now.as_secs());
        let is_whole = !filter.is_empty() || std::env::var_os("MATRIX_WHOLE").is_some();
        println!("MATRIX_SEED={seed}");
        Self { seed, is_whole }
    }

    fn has(&self, case: &Case) -> bool {
        let mut hasher = std::hash::DefaultHasher::new();
        std::hash::Hash::hash(&(self.seed, case.name()), &mut hasher);
        self.is_whole || !is_sampled(case.kind) || std::hash::Hasher::finish(&hasher).is_multiple_of(SHARE)
    }
}

/// A fault at a request.
struct Case {
    kind: Kind,
    point: Point,
    blow: Blow,
    always: bool,
}

impl Trial for Case {
    fn name(&self) -> String {
        format!("{:?}, {}, {}, {}", self.kind, self.point, self.blow.name, often(self.always))
    }

    fn is_lasting(&self) -> bool {
        self.always
    }

    fn run(&self) -> (String, Vec<String>) {
        let scene = Scene::new(self.kind);
        scene.github.fault(self.blow.rule(&self.point, self.always));
        let pauses = Virtual::new(&scene.github);
        let step = scene.step(scene.github.url()).input("attempts", ATTEMPTS.to_string());
        let lower = |inputs: &mut _| checkouts::lowered(self.kind, inputs);
        let outcome = step.run_inside_with(lower, |settings, retries| {
            pauses.rule(retries);
            if self.blow.is_silent() {
                settings.waits = Waits { silence: SILENCE, work: SILENCE * 2 };
            }
        });
        if !scene.github.unused_faults().is_empty() {
            return ("not reached".to_owned(), contradictions(&scene.effects(), &outcome));
        }
        let mut wrong = self.judge(&scene, &outcome, &pauses.passed());
        if !wrong.is_empty() {
            wrong.push(format!("pauses {:?}\n{outcome}\n{}", pauses.passed(), scene.github.log()));
        }
        (end(&outcome), wrong)
    }
}

impl Case {
    fn judge(&self, scene: &Scene, outcome: &Outcome, pauses: &[Duration]) -> Vec<String> {
        let passes = !self.always && self.blow.nature != Nature::Lasting;
        let mut wrong = judge(scene, outcome, passes && !self.may_start_yet());
        let open = outcome.output("error") == "connection-failed" && outcome.stdout.contains("may have started");
        if self.may_start_yet() && !open {
            wrong.push("doubled: the server may start it yet, and it was asked for again".to_owned());
        }
        // Runs that are there were started.
        let all_there = scene.effects().iter().all(|effect| effect.count == 1);
        if outcome.output("error") == "not-triggered" && all_there && !self.hides_runs() {
            wrong.push("lost: all runs are there, and the step says that they are not".to_owned());
        }
        wrong.extend(self.judge_tries(scene));
        if matches!(self.kind, Kind::Rotation(_)) && failed_before_the_end(outcome) {
            FAILED_ROTATIONS.fetch_add(1, Ordering::Relaxed);
        }
        if let Nature::Named(pause) = self.blow.nature
            && passes
            && !self.kept(pauses, pause, scene)
        {
            wrong.push(format!("the pause of {pause:?} was not kept"));
        }
        wrong
    }

    /// The server had the request for a start, was given up on, and has not started anything so far.
    fn may_start_yet(&self) -> bool {
        matches!(self.blow.fault, Fault::Silence) && self.point.pattern.ends_with("/dispatches")
    }

    /// It uploads or verifies a Git LFS object.
    fn is_of_an_object(&self) -> bool {
        self.point.pattern.starts_with("/storage/") || self.point.pattern.ends_with("/verify")
    }

    /// The fault is in the way of the runs themselves.
    fn hides_runs(&self) -> bool {
        self.point.pattern.contains("/actions/runs") || self.point.pattern.ends_with("/pages")
    }

    /// How often the request was made.
    fn judge_tries(&self, scene: &Scene) -> Vec<String> {
        let log = scene.github.log();
        let same =
            |entry: &&emulator::log::Entry| entry.method == self.point.method && pattern(entry) == self.point.pattern;
        let made = log.0.iter().filter(same).count() as u64;
        let more = match (self.blow.nature, self.always) {
            // A storage refuses an address that has ended: the next try has a new one.
            (Nature::Lasting, false) if self.is_of_an_object() => 1,
            (Nature::Lasting, true) if self.is_of_an_object() => (self.point.of - self.point.nth + 1) * (ATTEMPTS - 1),
            (Nature::Harmless | Nature::Lasting, _) => 0,
            (_, false) => 1,
            (_, true) => (self.point.of - self.point.nth + 1) * (ATTEMPTS - 1),
        };
        // At the end the scratch ref of a signed commit is deleted: three tries by the stage, three by the step. Of a push in parts each
        // helper ref is, by the step.
        let farewell = match self.kind {
            Kind::Signed if self.point.pattern.ends_with("git-receive-pack") => 6,
            Kind::Parts if self.point.pattern.ends_with("git-receive-pack") => 3 * (self.point.of - 1),
            _ => 0,
        };
        let more = more + farewell;
        if made > self.point.of + more && !self.point.is_polled() {
            return vec![format!("asked {made} times instead of {} and {more} more", self.point.of)];
        }
        Vec::new()
    }

    /// The pause was kept to the second, or nothing was tried again.
    fn kept(&self, pauses: &[Duration], pause: Duration, scene: &Scene) -> bool {
        let log = scene.github.log();
        let same =
            |entry: &&emulator::log::Entry| entry.method == self.point.method && pattern(entry) == self.point.pattern;
        let again = log.0.iter().filter(same).count() as u64 > self.point.of;
        let exact = |passed: &Duration| passed.abs_diff(pause) <= Duration::from_secs(1);
        !again || pauses.iter().any(exact)
    }
}

/// A relay without a fault; the requests that it makes of the target.
fn undisturbed(kind: Kind) -> Vec<Point> {
    let scene = Scene::new(kind);
    let pauses = Virtual::new(&scene.github);
    let lower = |inputs: &mut _| checkouts::lowered(kind, inputs);
    let outcome = scene.step(scene.github.url()).run_inside_with(lower, |_, retries| pauses.rule(retries));
    outcome.succeeded();
    let wrong = judge(&scene, &outcome, true);
    assert!(wrong.is_empty(), "{wrong:?}\n{outcome}");
    let points = points(&scene.github.log());
    let is_wanted = |point: &Point| match kind {
        Kind::FanOut => point.is_of_target(),
        // Which of the targets asks for the account first is chance.
        Kind::Rotation(_) => !point.pattern.ends_with("/user"),
        _ => true,
    };
    points.into_iter().filter(is_wanted).collect()
}

#[test]
fn every_fault_at_every_request_ends_in_success_or_in_a_named_cause() {
    let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
    stranger.set_nonblocking(true).unwrap();
    let elsewhere = format!("http://{}/", stranger.local_addr().unwrap());
    let filter = filter();
    let sample = Sample::new(&filter);
    let mut cases = Vec::new();
    let mut seen: Vec<(String, String, u64)> = Vec::new();
    let mut reached = 0;
    for kind in KINDS.into_iter().chain(OF_CHECKOUTS).chain([Kind::FanOut]) {
        let all = undisturbed(kind);
        println!("{kind:?}: {} requests", all.len());
        for point in all {
            let key = (point.method.clone(), point.pattern.clone(), point.nth);
            // What another kind of relay asks in the same words is asked by the same code.
            let known = seen.contains(&key) && kind != Kind::FanOut;
            seen.push(key);
            reached += 1;
            for blow in blows(&point, &elsewhere) {
                for always in [false, true] {
                    let wanted = match kind {
                        // There it is about the others.
                        Kind::FanOut => blow.is_for_many(always),
                        _ => (!always || is_tried_for_ever(&blow)) && (!known || point.writes()),
                    };
                    let case = Case { kind, point: point.clone(), blow: blow.clone(), always };
                    if wanted && case.name().contains(&filter) && sample.has(&case) {
                        cases.push(case);
                    }
                }
            }
        }
    }
    conduct(&format!("{reached} requests"), &cases);
    println!("{} rotations failed at a target, and no old token ended", FAILED_ROTATIONS.load(Ordering::Relaxed));
    assert!(stranger.accept().is_err(), "another host was spoken to");
}
