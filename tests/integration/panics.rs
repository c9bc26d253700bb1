//! A panic at any stage of a relay: the same end as a signal's. What was minted is revoked, no file stays, the report is written.

use std::{
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use emulator::faults::{Canned, Fault, FaultRule};
use futures_util::future::BoxFuture;
use repo_relay::{
    context::Environment,
    retry::{Pause, Retries},
    step::run_tuned,
};

use crate::{
    ending::{alive, left_files},
    inside::Virtual,
    matrix::{
        point::{Point, points},
        scene::{Kind, Scene},
    },
};

const THREADS: usize = 4;

/// A pause that fails the program: the only way into it from outside.
struct Panics;

impl Pause for Panics {
    fn pause(&self, _: Duration) -> BoxFuture<'_, ()> {
        panic!("planned by the test")
    }
}

/// The program whose first pause panics, with the environment of this process. Started by the test below.
#[test]
#[ignore = "it ends its process"]
fn panics_at_its_first_pause() {
    let tune = |_: &mut _, retries: &mut Retries| *retries = retries.clone().with_pauser(Arc::new(Panics));
    let _ = run_tuned(Vec::new(), Environment::of_this_process(), std::env::current_dir().unwrap(), tune);
}

/// Runs the relay with a panic at this request. None: nothing paused there.
fn panicked_at(kind: Kind, point: &Point) -> Option<Vec<String>> {
    let scene = Scene::new(kind);
    scene
        .github
        .fault(FaultRule::on(&point.method, &point.pattern, Fault::Answer(Canned::unavailable(1))).nth(point.nth));
    let step = scene.step(scene.github.url());
    let begin = Instant::now();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", "panics::panics_at_its_first_pause"])
        .env_clear()
        .envs(step.variables())
        .current_dir(step.workspace())
        .output()
        .unwrap();
    if !String::from_utf8_lossy(&output.stderr).contains("planned by the test") {
        return None;
    }
    let outcome = step.outcome(output, begin.elapsed());
    let mut wrong = Vec::new();
    if outcome.status != Some(1) || outcome.output("error") != "internal-error" {
        wrong.push(format!("it ended with {:?} and {:?}", outcome.status, outcome.output("error")));
    }
    if outcome.report()["error"] != "internal-error" || outcome.summary.is_empty() {
        wrong.push("the report or the summary is not whole".to_owned());
    }
    wrong.extend(alive(&scene).then(|| "a token that was minted lives on".to_owned()));
    wrong.extend(left_files(&outcome));
    if !wrong.is_empty() {
        wrong.push(outcome.to_string());
    }
    Some(wrong)
}

#[test]
fn m6_a_panic_at_any_stage_leaves_no_token_and_no_file() {
    let mut cases = Vec::new();
    for kind in [Kind::App, Kind::Signed] {
        let scene = Scene::new(kind);
        let pauses = Virtual::new(&scene.github);
        scene.step(scene.github.url()).run_inside(|_, retries| pauses.rule(retries)).succeeded();
        cases.extend(points(&scene.github.log()).into_iter().map(|point| (kind, point)));
    }
    let (next, panicked, wrong) = (AtomicUsize::new(0), AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some((kind, point)) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let Some(found) = panicked_at(*kind, point) else { continue };
                    panicked.fetch_add(1, Ordering::Relaxed);
                    if !found.is_empty() {
                        wrong.lock().unwrap().push(format!("{kind:?}, {point}: {}", found.join("\n")));
                    }
                }
            });
        }
    });
    let (panicked, wrong) = (panicked.into_inner(), wrong.into_inner().unwrap());
    println!("{panicked} panics at {} requests, {} of them left something", cases.len(), wrong.len());
    assert!(panicked > cases.len() / 3, "few requests are tried again: {panicked}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
