//! Many small relays with random faults, in one process: nothing is lost or done twice, and what a relay opens it closes.
//!
//! `script/soak [RELAYS] [SEED]` runs thousands; a seed makes the same faults again.

mod judge;

use std::{
    fs,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use self::judge::{End, Sums};
use crate::{inside::Virtual, leaks::Judged, runner::Step, world::TARGET};
use emulator::{
    faults::{Canned, Fault, FaultRule},
    model::{Model, Repository, Role, Token},
};
use repo_relay::http::Waits;

const DEPLOY: &str = "name: deploy\nrun-name: Deploy ${{ github.event.client_payload.id }}${{ inputs.id }}\non:\n  \
    repository_dispatch:\n    types: [published]\n  workflow_dispatch:\n    inputs:\n      id: {required: false}\n";

/// How many relays go on side by side.
const THREADS: u64 = 4;

/// How many relays one GitHub lives through.
const LIFE: u64 = 25;

/// How long a silent server is waited for: long enough for a machine with much else to do.
const SILENCE: Duration = Duration::from_secs(1);

/// Numbers that a seed determines (`SplitMix64`).
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 up to, but not including, `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

/// What a relay does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    Check,
    Publish,
    Tag,
    Secret,
    Dispatch,
    Workflow,
}

const DEEDS: [Deed; 8] = [
    Deed::Check,
    Deed::Publish,
    Deed::Publish,
    Deed::Tag,
    Deed::Secret,
    Deed::Dispatch,
    Deed::Dispatch,
    Deed::Workflow,
];

impl Deed {
    fn stage(self) -> &'static str {
        match self {
            Self::Check => "preflight",
            Self::Publish => "push",
            Self::Tag => "tag",
            Self::Secret => "secret",
            Self::Dispatch | Self::Workflow => "trigger",
        }
    }
}

/// A fault, and whether a relay must get over it.
fn fault(chance: &mut Chance) -> (FaultRule, bool) {
    let nth = chance.below(14) + 1;
    let passing = |fault| (FaultRule::on("*", "*", fault).nth(nth), true);
    let lasting = |fault| (FaultRule::on("*", "*", fault).from(nth), false);
    match chance.below(24) {
        0 | 1 => passing(Fault::Reset),
        2 | 3 => passing(Fault::Close),
        4 | 5 => passing(Fault::ResetAfter),
        6 => passing(Fault::Answer(Canned::bad_gateway())),
        7 | 8 => passing(Fault::AnswerAfter(Canned::bad_gateway())),
        9 => passing(Fault::Answer(Canned::error(500, "Server Error"))),
        10 => passing(Fault::Answer(Canned::unavailable(7))),
        11 => passing(Fault::Answer(Canned::secondary_limit(9))),
        12 => passing(Fault::Limit(Duration::from_secs(20))),
        13 => passing(Fault::Delay(Duration::from_millis(20))),
        14 => passing(Fault::Truncate(20)),
        15 => passing(Fault::ResetBody(20)),
        16 => passing(Fault::Gzip),
        17 => passing(Fault::Silence),
        18 => passing(Fault::SilenceAfter),
        19 => lasting(Fault::Reset),
        20 => lasting(Fault::ResetAfter),
        21 => lasting(Fault::AnswerAfter(Canned::bad_gateway())),
        22 => lasting(Fault::Answer(Canned::error(401, "Bad credentials"))),
        _ => lasting(Fault::Answer(Canned::error(403, "Resource not accessible by personal access token"))),
    }
}

/// A GitHub, and the token for it.
struct Ground {
    github: Arc<Judged>,
    token: Token,
}

impl Ground {
    fn new() -> Self {
        let token = Token::classic("robin", &["repo", "workflow"]);
        let target = Repository::new(TARGET).file("README.md", "hello\n").workflow("deploy.yml", DEPLOY);
        let target = target.files("gh-pages", &[("old.html", "old\n")]).collaborator("robin", Role::Write);
        let source = Repository::new("acme/source").file("README.md", "source\n").collaborator("robin", Role::Write);
        let model = Model::new().repository(target).repository(source).token(&token);
        Self { github: Arc::new(Judged::start(model)), token }
    }

    fn step(&self, deed: Deed, number: u64) -> Step {
        let step = Step::new(self.github.url()).input("repository", TARGET).input("token", self.token.value());
        let id = r#"{"id": "{relay_id}"}"#;
        match deed {
            Deed::Check => step,
            Deed::Publish => step
                .input("directory", "site")
                .file("site/index.html", format!("<h1>{number}</h1>\n"))
                .input("nojekyll", "false"),
            Deed::Tag => step.input("tag", format!("t{number}")).input("tag-target", "main"),
            Deed::Secret => step.input("secret-name", "VALUE").input("secret-value", format!("value {number}")),
            Deed::Dispatch => step.input("dispatch", "published").input("payload", id),
            Deed::Workflow => step.input("workflow", "deploy.yml").input("workflow-inputs", id),
        }
    }

    /// How much of `deed` is there: a number that a relay raises by one.
    fn count(&self, deed: Deed, number: u64) -> usize {
        let target = self.github.repository(TARGET);
        let runs = |event: &str| self.github.runs(TARGET).iter().filter(|run| run.event == event).count();
        match deed {
            Deed::Check => 0,
            Deed::Publish => {
                let repository = git2::Repository::open_bare(target.path()).unwrap();
                let mut walk = repository.revwalk().unwrap();
                walk.push_ref("refs/heads/gh-pages").unwrap();
                walk.count()
            }
            Deed::Tag => usize::from(target.tip(&format!("refs/tags/t{number}")).is_some()),
            Deed::Secret => usize::from(target.secret("VALUE").is_some_and(|value| value == format!("value {number}"))),
            Deed::Dispatch => runs("repository_dispatch"),
            Deed::Workflow => runs("workflow_dispatch"),
        }
    }

    /// One relay with its faults, judged.
    fn relay(&self, seed: u64, number: u64, sums: &Mutex<Sums>) {
        let mut chance = Chance(seed.wrapping_add(number.wrapping_mul(0x2545_f491_4f6c_dd1d)));
        let deed = DEEDS[usize::try_from(chance.below(DEEDS.len() as u64)).unwrap()];
        let faults: Vec<_> = (0..chance.below(4)).map(|_| fault(&mut chance)).collect();
        let passes = faults.iter().all(|(_, passes)| *passes);
        let told: Vec<String> = faults.iter().map(|(rule, _)| rule.to_string()).collect();
        let before = self.count(deed, number);
        for (rule, _) in faults {
            self.github.fault(rule);
        }
        let pauses = Virtual::new(&self.github);
        let outcome = self.step(deed, number).run_inside(|settings, retries| {
            pauses.rule(retries);
            settings.waits = Waits { silence: SILENCE, work: SILENCE * 2 };
        });
        // What the step gave up waiting for may be done yet.
        self.github.settle();
        self.github.clear_faults();
        let end = End { deed, made: self.count(deed, number) - before, passes, outcome: &outcome };
        let mut wrong = end.wrong();
        if deed == Deed::Publish && end.made == 1 {
            let files = self.github.repository(TARGET).files("refs/heads/gh-pages");
            if files.len() != 1 || files["index.html"].1 != format!("<h1>{number}</h1>\n").into_bytes() {
                wrong.push(format!("half done: {:?}", files.keys()));
            }
        }
        if !wrong.is_empty() {
            println!("WRONG relay {number}: {}", wrong.join("; "));
            wrong.push(format!("relay {number}, {deed:?}, {told:?}\n{outcome}\n{}", self.github.log()));
        }
        self.github.clear_log();
        sums.lock().unwrap().add(&end, wrong);
    }
}

/// What this process holds: file descriptors, and KiB of memory.
fn held() -> (usize, u64) {
    let descriptors = fs::read_dir("/proc/self/fd").unwrap().count();
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    (descriptors, line.split_whitespace().nth(1).unwrap().parse().unwrap())
}

/// What is held once the servers of a round have gone: their threads end on their own.
fn held_at_rest(most: usize) -> (usize, u64) {
    let begin = Instant::now();
    loop {
        let now = held();
        if now.0 <= most || begin.elapsed() > Duration::from_secs(20) {
            return now;
        }
        #[expect(clippy::disallowed_methods, reason = "nobody tells when a runtime's threads have gone")]
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Every round ends with no server alive; what is held then is compared, the first tenth being the warm-up.
fn soak(relays: u64, seed: u64) {
    // The runtimes' share of signals is opened once, and stays.
    let at_rest = held().0 + 4;
    println!("{relays} relays, seed {seed}");
    let begin = Instant::now();
    let sums: Mutex<Sums> = Mutex::default();
    let next = AtomicU64::new(0);
    let mut warm: Option<(usize, u64)> = None;
    let mut last = (0, 0);
    while next.load(Ordering::Relaxed) < relays {
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    let ground = Ground::new();
                    for _ in 0..LIFE {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= relays {
                            break;
                        }
                        ground.relay(seed, number, &sums);
                    }
                });
            }
        });
        let done = next.load(Ordering::Relaxed).min(relays);
        last = held_at_rest(at_rest);
        if done * 10 <= relays || warm.is_none() {
            warm = Some(last);
        }
        if done % 1000 < THREADS * LIFE || done == relays {
            println!("{done:6} relays in {:?}: {} descriptors, {} KiB", begin.elapsed(), last.0, last.1);
        }
    }
    let warm = warm.unwrap();
    let sums = sums.into_inner().unwrap();
    println!("{sums}");
    let took = begin.elapsed();
    println!("descriptors {} -> {}, memory {} -> {} KiB, in {took:?}, seed {seed}", warm.0, last.0, warm.1, last.1);
    let wrong = sums.wrong;
    assert!(wrong.is_empty(), "{} of {relays} relays are wrong:\n{}", wrong.len(), wrong[0].join("\n"));
    assert!(last.0 <= at_rest.max(warm.0), "descriptors: {} -> {}", warm.0, last.0);
    assert!(last.1 <= warm.1 + warm.1 / 4 + (32 << 10), "memory: {} -> {} KiB", warm.1, last.1);
}

#[test]
#[ignore = "minutes; script/soak"]
fn soak_thousands() {
    #[expect(clippy::disallowed_methods, reason = "how many, and with which seed, is asked of whoever starts it")]
    let asked = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    soak(asked("SOAK_RELAYS").unwrap_or(10_000), asked("SOAK_SEED").unwrap_or(1));
}

/// In a process of its own: other tests open and close descriptors too.
#[test]
fn sixty_relays_keep_nothing_and_lose_nothing() {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "soak::soak_thousands", "--nocapture"])
        .env("SOAK_RELAYS", "60")
        .env("SOAK_SEED", "4711")
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    println!("{printed}");
    assert!(output.status.success() && printed.contains("60 relays in"), "{}", String::from_utf8_lossy(&output.stderr));
}
