//! The ends that come from outside: a signal, or the budget, while the server is silent at each of a relay's requests. The real
//! binary; in every case the report, the outputs and the summary are there, and say what was done.

use std::{
    collections::BTreeMap,
    process::Child,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use emulator::faults::{Canned, Fault, FaultRule};
use rustix::process::{Pid, Signal, kill_process};

use crate::{
    inside::Virtual,
    matrix::{
        point::{Point, points},
        scene::{KINDS, Kind, Scene, contradictions},
    },
    runner::Outcome,
};

/// How many steps run side by side.
const THREADS: usize = 4;

/// How late an end may be on a machine that has other things to do. What it takes is printed.
const LATE: Duration = Duration::from_secs(8);

/// Every request of every kind of relay; those that write are held before and after their effect.
fn cases() -> Vec<(Kind, Point, Fault)> {
    let mut cases = Vec::new();
    for kind in KINDS {
        let scene = Scene::new(kind);
        let pauses = Virtual::new(&scene.github);
        scene.step(scene.github.url()).run_inside(|_, retries| pauses.rule(retries)).succeeded();
        for point in points(&scene.github.log()) {
            let faults = if point.writes() { vec![Fault::Silence, Fault::SilenceAfter] } else { vec![Fault::Silence] };
            cases.extend(faults.into_iter().map(|fault| (kind, point.clone(), fault)));
        }
    }
    cases
}

/// Runs `case` for all, some at a time, and shows what is wrong. The answer is how often each end came.
fn for_all(
    what: &str,
    case: impl Fn(usize, Kind, &Point, Fault) -> (String, Option<Duration>, Vec<String>) + Sync,
) -> BTreeMap<String, usize> {
    let cases = cases();
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let ends = Mutex::new(BTreeMap::<String, usize>::new());
    let took = Mutex::new(Duration::ZERO);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some((kind, point, fault)) = cases.get(index) else { break };
                    let (end, late, found) = case(index, *kind, point, fault.clone());
                    *ends.lock().unwrap().entry(end).or_default() += 1;
                    let mut took = took.lock().unwrap();
                    *took = (*took).max(late.unwrap_or_default());
                    if !found.is_empty() {
                        wrong.lock().unwrap().push(format!("{kind:?}, {point}, {fault:?}: {}", found.join("\n")));
                    }
                }
            });
        }
    });
    println!("{what}: {} points held silent, the latest end after {:?}", cases.len(), took.lock().unwrap());
    for (end, count) in ends.lock().unwrap().iter() {
        println!("{count:5}  {end}");
    }
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n\n"));
    ends.into_inner().unwrap()
}

/// The stage that the end of the step befell.
fn stage_of_the_end(outcome: &Outcome) -> String {
    let report = outcome.report();
    let stages =
        report["targets"].as_array().into_iter().flatten().flat_map(|target| target["stages"].as_array().unwrap());
    let failed = stages.into_iter().find(|stage| stage["status"] == "failed");
    failed.map_or("none", |stage| stage["name"].as_str().unwrap()).to_owned()
}

const SIGNALS: [(Signal, &str); 4] =
    [(Signal::TERM, "SIGTERM"), (Signal::INT, "SIGINT"), (Signal::HUP, "SIGHUP"), (Signal::QUIT, "SIGQUIT")];

/// Waits until the fault has met its request. `false`: the step ended without it.
fn is_held(scene: &Scene, child: &mut Child) -> bool {
    loop {
        if scene.github.log().0.iter().any(|entry| !entry.faults.is_empty()) {
            return true;
        }
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        rest();
    }
}

#[expect(clippy::disallowed_methods, reason = "another process is waited for")]
fn rest() {
    std::thread::sleep(Duration::from_millis(10));
}

/// Whether a token of an App is alive at the server.
pub(crate) fn alive(scene: &Scene) -> bool {
    scene.github.model(|model| model.tokens.iter().any(|token| token.is_bot() && !token.revoked))
}

/// The files that the step left in its temporary folder.
pub(crate) fn left_files(outcome: &Outcome) -> Vec<String> {
    let left = std::fs::read_dir(outcome.path("temp")).unwrap().map(|entry| entry.unwrap().path());
    left.map(|path| format!("it left {}", path.display())).collect()
}

/// The end, and what is wrong with it; `fit` says which errors are right.
fn judge(scene: &Scene, outcome: &Outcome, fit: impl Fn(&str) -> bool) -> (String, Vec<String>) {
    let error = outcome.output("error").to_owned();
    let mut wrong = contradictions(&scene.effects(), outcome);
    if !fit(&error) {
        wrong.push(format!("it ended with {error:?}"));
    }
    if outcome.status != Some(i32::from(!error.is_empty())) {
        wrong.push(format!("status {:?} with the error {error:?}", outcome.status));
    }
    if outcome.report()["error"] != error.as_str() || outcome.summary.is_empty() {
        wrong.push("the report or the summary is not whole".to_owned());
    }
    if outcome.stderr.contains("panicked") {
        wrong.push("it panicked".to_owned());
    }
    wrong.extend(left_files(outcome));
    if !wrong.is_empty() {
        wrong.push(format!("{outcome}\n{}", scene.github.log()));
    }
    (error, wrong)
}

/// Runs the relay, whose server is silent at this point, and sends it a signal there. The answer is the end, how late it came, and what is wrong.
fn signalled(
    kind: Kind,
    point: &Point,
    fault: Fault,
    (signal, name): (Signal, &str),
) -> (String, Option<Duration>, Vec<String>) {
    let scene = Scene::new(kind);
    scene.github.fault(FaultRule::on(&point.method, &point.pattern, fault).nth(point.nth));
    let step = scene.step(scene.github.url());
    let mut child = step.start();
    let held = is_held(&scene, &mut child);
    let sent = Instant::now();
    if held {
        kill_process(Pid::from_child(&child), signal).unwrap();
    }
    let output = child.wait_with_output().unwrap();
    let late = sent.elapsed();
    let outcome = step.outcome(output, late);
    // An App's token is ended after all is done.
    let over = point.method == "DELETE" || !held;
    let (end, mut wrong) = judge(&scene, &outcome, |error| error == "cancelled" || over && error.is_empty());
    // A token whose answer never came is known to nobody here.
    if alive(&scene) && !point.pattern.ends_with("/access_tokens") {
        wrong.push("a token that was minted lives on".to_owned());
    }
    if end == "cancelled" && !outcome.stdout.contains(name) {
        wrong.push(format!("{name} is not named"));
    }
    if late > LATE {
        wrong.push(format!("the end came after {late:?}"));
    }
    let end = if end == "cancelled" { format!("{name} in {}", stage_of_the_end(&outcome)) } else { end };
    (if held { end } else { "not reached".to_owned() }, Some(late), wrong)
}

#[test]
fn a_signal_at_any_request_ends_the_step_with_its_report() {
    let met = Mutex::new(BTreeMap::new());
    let ends = for_all("signals", |index, kind, point, fault| {
        let signal = SIGNALS[index % SIGNALS.len()];
        let found = signalled(kind, point, fault.clone(), signal);
        if let Some((_, stage)) = found.0.split_once(" in ") {
            met.lock().unwrap().insert(stage.to_owned(), (kind, point.clone(), fault));
        }
        found
    });
    let met = met.into_inner().unwrap();
    let stages: Vec<&str> = met.keys().map(String::as_str).collect();
    assert_eq!(stages, ["preflight", "push", "revoke", "secret", "tag", "trigger", "wait"]);
    // Every signal at every stage: what the turn of the requests left out.
    for signal in SIGNALS {
        for (stage, (kind, point, fault)) in &met {
            let wanted = format!("{} in {stage}", signal.1);
            if !ends.contains_key(&wanted) {
                let (end, _, wrong) = signalled(*kind, point, fault.clone(), signal);
                assert_eq!((end, wrong), (wanted, Vec::<String>::new()));
            }
        }
    }
}

/// A step pauses between two tries, and holds a token that it has minted.
#[test]
fn m6_every_signal_ends_a_pause() {
    std::thread::scope(|scope| {
        for (signal, name) in SIGNALS {
            scope.spawn(move || {
                let scene = Scene::new(Kind::App);
                let busy = Fault::Answer(Canned::unavailable(60));
                scene.github.fault(FaultRule::on("POST", "*/git-receive-pack", busy).from(1));
                let step = scene.step(scene.github.url());
                let mut child = step.start();
                assert!(is_held(&scene, &mut child), "{name}");
                // The answer is on its way; the pause after it takes a minute.
                (0..30).for_each(|_| rest());
                let sent = Instant::now();
                kill_process(Pid::from_child(&child), signal).unwrap();
                let output = child.wait_with_output().unwrap();
                let late = sent.elapsed();
                let outcome = step.outcome(output, late);
                let (_, wrong) = judge(&scene, &outcome, |error| error == "cancelled");
                assert!(wrong.is_empty(), "{name}: {}", wrong.join("\n"));
                assert!(!alive(&scene), "{name}: a token that was minted lives on: {outcome}");
                assert!(outcome.stdout.contains(name) && late < LATE, "{name}, {late:?}: {outcome}");
            });
        }
    });
}

#[test]
fn the_budget_holds_at_any_request() {
    const BUDGET: Duration = Duration::from_secs(2);
    for_all("timeout", |_, kind, point, fault| {
        let scene = Scene::new(kind);
        scene.github.fault(FaultRule::on(&point.method, &point.pattern, fault).from(point.nth));
        let step = scene.step(scene.github.url()).input("timeout", "2s").input("wait-timeout", "2s");
        let begin = Instant::now();
        let output = step.start().wait_with_output().unwrap();
        let took = begin.elapsed();
        let outcome = step.outcome(output, took);
        let held = scene.github.log().0.iter().any(|entry| !entry.faults.is_empty());
        // A start that was sent is told as such, and runs that cannot be seen in so short a time are not there.
        let fits = ["timeout", "wait-timeout", "not-triggered", "connection-failed", ""];
        let (end, mut wrong) = judge(&scene, &outcome, |error| fits.contains(&error));
        if end == "timeout" && took < BUDGET {
            wrong.push(format!("the budget ended after {took:?}"));
        }
        // The wait has a budget of its own.
        let waits = outcome.stage("wait") == "failed";
        let late = took.saturating_sub(if waits { BUDGET * 2 } else { BUDGET });
        if late > LATE {
            wrong.push(format!("the end came {late:?} late"));
        }
        (if held { end } else { format!("{end} before it was reached") }, Some(late), wrong)
    });
}
