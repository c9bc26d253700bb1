//! Every fault at every request of every stage. The points are the log of a relay without a fault; what came of each case is
//! asked of the server's state.
//!
//! `MATRIX=TEXT cargo test --test integration matrix -- --nocapture` runs the cases whose name holds TEXT, and shows them.

mod blow;
pub(crate) mod point;
pub(crate) mod scene;

use std::{
    collections::BTreeMap,
    net::TcpListener,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use emulator::faults::Fault;
use repo_relay::{diagnosis::Cause, http::Waits};

use self::{
    blow::{Blow, Nature, blows, is_tried_for_ever},
    point::{Point, pattern, points},
    scene::{KINDS, Kind, Scene, contradictions},
};
use crate::{inside::Virtual, runner::Outcome};

/// How many cases run side by side: most of them wait for git's processes.
const THREADS: usize = 4;

/// The tries that a case has.
const ATTEMPTS: u64 = 3;

/// How long a server may be silent in the cases where it is.
const SILENCE: Duration = Duration::from_millis(700);

struct Case {
    kind: Kind,
    point: Point,
    blow: Blow,
    always: bool,
}

impl Case {
    fn name(&self) -> String {
        let often = if self.always { "always" } else { "once" };
        format!("{:?}, {}, {}, {often}", self.kind, self.point, self.blow.name)
    }

    /// Runs it; the answer is how it ended, and what is wrong with that.
    fn run(&self) -> (String, Vec<String>) {
        let scene = Scene::new(self.kind);
        scene.github.fault(self.blow.rule(&self.point, self.always));
        let pauses = Virtual::new(&scene.github);
        let step = scene.step(scene.github.url()).input("attempts", ATTEMPTS.to_string());
        let outcome = step.run_inside(|settings, retries| {
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
        let error = outcome.output("error");
        (if error.is_empty() { "success".to_owned() } else { error.to_owned() }, wrong)
    }

    fn judge(&self, scene: &Scene, outcome: &Outcome, pauses: &[Duration]) -> Vec<String> {
        let effects = scene.effects();
        let mut wrong = contradictions(&effects, outcome);
        let error = outcome.output("error");
        let succeeded = outcome.status == Some(0);
        if succeeded != error.is_empty() {
            wrong.push(format!("status {:?} with the error {error:?}", outcome.status));
        }
        let cause = Cause::from_slug(error);
        if !succeeded && (cause.is_none() || matches!(error, "internal-error" | "unknown" | "not-a-failure")) {
            wrong.push(format!("unnamed: {error}"));
        }
        // Runs that are there were started.
        if error == "not-triggered" && effects.iter().all(|effect| effect.count == 1) && !self.hides_runs() {
            wrong.push("lost: all runs are there, and the step says that they are not".to_owned());
        }
        let passes = !self.always && self.blow.nature != Nature::Lasting;
        let open = error == "connection-failed" && outcome.stdout.contains("may have started");
        if self.may_start_yet() {
            if !open {
                wrong.push("doubled: the server may start it yet, and it was asked for again".to_owned());
            }
        } else if passes && !succeeded {
            wrong.push(format!("lost: it passes, and the step failed with {error}"));
        }
        wrong.extend(self.judge_tries(scene));
        if let Nature::Named(pause) = self.blow.nature
            && passes
            && !self.kept(pauses, pause, scene)
        {
            wrong.push(format!("the pause of {pause:?} was not kept"));
        }
        for secret in scene.secrets() {
            let visible = |line: &&str| !line.starts_with("::add-mask::") && line.contains(&secret);
            let shown = outcome.stdout.lines().find(visible).map(str::to_owned);
            let told = outcome.outputs.values().chain([&outcome.summary]).find(|text| text.contains(&secret));
            if shown.or(told.cloned()).is_some() {
                wrong.push("leaked: a secret".to_owned());
            }
        }
        wrong
    }

    /// The server had the request for a start, was given up on, and has not started anything so far.
    fn may_start_yet(&self) -> bool {
        matches!(self.blow.fault, Fault::Silence) && self.point.pattern.ends_with("/dispatches")
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
            (Nature::Harmless | Nature::Lasting, _) => 0,
            (_, false) => 1,
            (_, true) => (self.point.of - self.point.nth + 1) * (ATTEMPTS - 1),
        };
        // What is looked at until something is there is asked for again anyway.
        let polls = self.point.method == "GET" && self.point.is_rest() && self.point.pattern.contains("/actions/");
        let polls = polls || self.point.pattern.contains("/pages");
        if made > self.point.of + more && !polls {
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

/// What came of all cases.
#[derive(Default)]
struct Tally {
    ends: BTreeMap<String, usize>,
    wrong: Vec<(String, Vec<String>)>,
}

#[test]
fn every_fault_at_every_request_ends_in_success_or_in_a_named_cause() {
    let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
    stranger.set_nonblocking(true).unwrap();
    let elsewhere = format!("http://{}/", stranger.local_addr().unwrap());
    #[expect(clippy::disallowed_methods, reason = "which cases to run is asked of whoever looks for a fault")]
    let filter = std::env::var("MATRIX").unwrap_or_default();
    let mut cases = Vec::new();
    let mut seen: Vec<(String, String, u64)> = Vec::new();
    let mut reached = 0;
    for kind in KINDS {
        let scene = Scene::new(kind);
        let pauses = Virtual::new(&scene.github);
        let outcome = scene.step(scene.github.url()).run_inside(|_, retries| pauses.rule(retries));
        outcome.succeeded();
        let wrong = contradictions(&scene.effects(), &outcome);
        assert!(wrong.is_empty(), "{wrong:?}\n{outcome}");
        let all = points(&scene.github.log());
        println!("{kind:?}: {} requests", all.len());
        for point in all {
            let key = (point.method.clone(), point.pattern.clone(), point.nth);
            // What another kind of relay asks in the same words is asked by the same code.
            let known = seen.contains(&key);
            seen.push(key);
            reached += 1;
            for blow in blows(&point, &elsewhere) {
                for always in [false, true] {
                    if (always && !is_tried_for_ever(&blow)) || known && !point.writes() {
                        continue;
                    }
                    let case = Case { kind, point: point.clone(), blow: blow.clone(), always };
                    if case.name().contains(&filter) {
                        cases.push(case);
                    }
                }
            }
        }
    }
    let begun = Instant::now();
    let tally = Mutex::new(Tally::default());
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let (end, wrong) = case.run();
                    if !filter.is_empty() {
                        println!("{}: {end}", case.name());
                    }
                    let mut tally = tally.lock().unwrap();
                    let often = if case.always { "always" } else { "once" };
                    *tally.ends.entry(format!("{often:6} {end}")).or_default() += 1;
                    if !wrong.is_empty() {
                        tally.wrong.push((case.name(), wrong));
                    }
                }
            });
        }
    });
    let Tally { ends, wrong } = tally.into_inner().unwrap();
    for (end, count) in &ends {
        println!("{count:5}  {end}");
    }
    let of = cases.len();
    let count = |word: &str| wrong.iter().filter(|(_, what)| what.iter().any(|what| what.starts_with(word))).count();
    let strange = stranger.accept().is_ok();
    println!("{reached} points, {of} cases, {} passed, in {:?}", of - wrong.len(), begun.elapsed());
    let [lost, doubled, leaked] = ["lost", "doubled", "leaked"].map(count);
    println!("lost {lost} of {of}, doubled {doubled} of {of}, leaked {leaked} of {of}");
    for (name, what) in &wrong {
        println!("WRONG {name}: {}", what[..what.len() - 1].join("; "));
    }
    assert!(!strange, "another host was spoken to");
    if let Some((name, what)) = wrong.first() {
        panic!("{} of {of} cases are wrong, the first of them `{name}`:\n{}", wrong.len(), what.join("\n"));
    }
}
