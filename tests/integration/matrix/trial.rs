//! What is common to the cases of the matrix: how they are run, judged and counted.

use std::{
    collections::BTreeMap,
    sync::{
        Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use repo_relay::diagnosis::Cause;

use super::scene::{Scene, contradictions};
use crate::runner::Outcome;

/// How many cases run side by side: most of them wait for git's processes.
const THREADS: usize = 4;

/// The tries that a case has.
pub(super) const ATTEMPTS: u64 = 3;

/// How long a server may be silent in the cases where it is.
pub(super) const SILENCE: Duration = Duration::from_millis(700);

/// One case.
pub(super) trait Trial: Sync {
    /// What happens where, and how often.
    fn name(&self) -> String;

    /// It happens again and again.
    fn is_lasting(&self) -> bool;

    /// Runs it; the answer is how it ended, and what is wrong with that.
    fn run(&self) -> (String, Vec<String>);
}

/// Which cases to run: those whose name holds this.
pub(super) fn filter() -> String {
    #[expect(clippy::disallowed_methods, reason = "which cases to run is asked of whoever looks for a fault")]
    std::env::var("MATRIX").unwrap_or_default()
}

/// `once`, or `always`.
pub(super) fn often(lasting: bool) -> &'static str {
    if lasting { "always" } else { "once" }
}

/// The tests of the matrix share these: with more cases at once a server would be silent only because it is slow.
static SEATS: (Mutex<usize>, Condvar) = (Mutex::new(THREADS), Condvar::new());

struct Seat;

impl Seat {
    fn take() -> Self {
        let free = SEATS.0.lock().unwrap();
        *SEATS.1.wait_while(free, |free| *free == 0).unwrap() -= 1;
        Self
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        *SEATS.0.lock().unwrap() += 1;
        SEATS.1.notify_one();
    }
}

/// What came of all cases.
#[derive(Default)]
struct Tally {
    ends: BTreeMap<String, usize>,
    wrong: Vec<(String, Vec<String>)>,
}

/// Runs the cases, prints what came of them, and fails unless all of them are right. `what` is where they happen: "47 requests".
pub(super) fn conduct(what: &str, trials: &[impl Trial]) {
    let begun = Instant::now();
    let filter = filter();
    let tally = Mutex::new(Tally::default());
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(trial) = trials.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let seat = Seat::take();
                    let (end, wrong) = trial.run();
                    drop(seat);
                    if !filter.is_empty() {
                        println!("{}: {end}", trial.name());
                    }
                    let mut tally = tally.lock().unwrap();
                    *tally.ends.entry(format!("{:6} {end}", often(trial.is_lasting()))).or_default() += 1;
                    if !wrong.is_empty() {
                        tally.wrong.push((trial.name(), wrong));
                    }
                }
            });
        }
    });
    let Tally { ends, wrong } = tally.into_inner().unwrap();
    for (end, count) in &ends {
        println!("{count:5}  {end}");
    }
    let of = trials.len();
    let count = |word: &str| wrong.iter().filter(|(_, what)| what.iter().any(|what| what.starts_with(word))).count();
    println!("{what}, {of} cases, {} passed, in {:?}", of - wrong.len(), begun.elapsed());
    let [lost, doubled, leaked] = ["lost", "doubled", "leaked"].map(count);
    println!("{what}: lost {lost} of {of}, doubled {doubled} of {of}, leaked {leaked} of {of}");
    for (name, what) in &wrong {
        let shown = if filter.is_empty() { what.len() - 1 } else { what.len() };
        println!("WRONG {name}: {}", what[..shown].join("; "));
    }
    if let Some((name, what)) = wrong.first() {
        panic!("{} of {of} cases are wrong, the first of them `{name}`:\n{}", wrong.len(), what.join("\n"));
    }
}

/// How a step ended, in a word.
pub(crate) fn end(outcome: &Outcome) -> String {
    let error = outcome.output("error");
    (if error.is_empty() { "success" } else { error }).to_owned()
}

/// What is wrong with an end, whatever led to it. `passes`: the fault passes, and the step must succeed.
pub(crate) fn judge(scene: &Scene, outcome: &Outcome, passes: bool) -> Vec<String> {
    let mut wrong = contradictions(&scene.effects(), outcome);
    wrong.extend(scene.neglected(outcome));
    let error = outcome.output("error");
    let succeeded = outcome.status == Some(0);
    if succeeded != error.is_empty() {
        wrong.push(format!("status {:?} with the error {error:?}", outcome.status));
    }
    let cause = Cause::from_slug(error);
    if !succeeded && (cause.is_none() || matches!(error, "internal-error" | "unknown" | "not-a-failure")) {
        wrong.push(format!("unnamed: {error}"));
    }
    if passes && !succeeded {
        wrong.push(format!("lost: it passes, and the step failed with {error}"));
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
