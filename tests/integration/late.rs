//! A server that has all of a request, is silent until it is given up on, and does it after all: nothing is done twice, and
//! a step that failed has said that it may come.

use std::{fs, sync::Arc, time::Duration};

use emulator::{
    faults::{Canned, Fault, FaultRule, Held},
    log::Entry,
    model::{Model, Repository, Role, Token},
};
use repo_relay::http::Waits;

use crate::{
    inside::Virtual,
    leaks::Judged,
    refs::Tree,
    runner::{Outcome, Step},
    world::TARGET,
};

const DEPLOY: &str = "name: deploy\nrun-name: Deploy ${{ github.event.client_payload.id }}${{ inputs.id }}\non:\n  \
    repository_dispatch:\n    types: [published]\n  workflow_dispatch:\n    inputs:\n      id: {required: false}\n";

const PUSH: &str = "*/git-receive-pack";

/// How long a silent server is waited for; a commit that is made after it bears another second than one made before.
const SILENCE: Duration = Duration::from_secs(1);

/// What a push brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Directory,
    Tag,
    Refs,
}

const KINDS: [Kind; 3] = [Kind::Directory, Kind::Tag, Kind::Refs];

impl Kind {
    /// The refs that it moves, and the output that tells.
    fn effect(self) -> (&'static [&'static str], &'static str) {
        match self {
            Self::Directory => (&["refs/heads/gh-pages"], "pushed"),
            Self::Tag => (&["refs/tags/v1", "refs/tags/v2"], "tag-created"),
            Self::Refs => (&["refs/heads/main", "refs/heads/release"], "pushed"),
        }
    }
}

/// A GitHub that holds the first request to one address.
struct Late {
    github: Arc<Judged>,
    token: Token,
    held: Held,
}

impl Late {
    fn new(path: &str) -> Self {
        let token = Token::classic("robin", &["repo", "workflow"]);
        let target = Repository::new(TARGET).file("README.md", "hello\n").workflow("deploy.yml", DEPLOY);
        let target = target.files("gh-pages", &[("old.html", "old\n")]).collaborator("robin", Role::Write);
        let source = Repository::new("acme/source").file("README.md", "source\n").collaborator("robin", Role::Write);
        let model = Model::new().repository(target).repository(source).token(&token);
        let late = Self { github: Arc::new(Judged::start(model)), token, held: Held::default() };
        late.github.fault(FaultRule::on("POST", path, Fault::Hold(late.held.clone())).nth(1));
        late
    }

    /// A fault at the requests to `path` from the `nth` on.
    fn then(&self, method: &str, path: &str, nth: u64, fault: Fault) {
        self.github.fault(FaultRule::on(method, path, fault).from(nth));
    }

    /// What was held is done right before the `nth` request to `path`.
    fn released_before(&self, method: &str, path: &str, nth: u64) {
        let held = self.held.clone();
        self.github.fault(FaultRule::on(method, path, Fault::race(move |_| held.release())).nth(nth));
    }

    fn step(&self) -> Step {
        Step::new(self.github.url()).input("repository", TARGET).input("token", self.token.value())
    }

    fn push(&self, kind: Kind) -> Step {
        let step = self.step();
        match kind {
            Kind::Directory => step.input("directory", "site").file("site/index.html", "<h1>hello</h1>\n"),
            Kind::Tag => step.input("tag", "v1\nv2").input("tag-message", "{tag}").input("tag-target", "main"),
            Kind::Refs => {
                let tree = Tree::clone(&self.github.repository(TARGET).path(), &step.workspace(), &[]);
                tree.commit("second.txt", "second\n");
                step.input("refs", "main\nHEAD:refs/heads/release")
            }
        }
    }

    fn start(&self, event: &str, payload: &str) -> Step {
        if event == "repository_dispatch" {
            self.step().input("dispatch", "published").input("payload", payload)
        } else {
            self.step().input("workflow", "deploy.yml").input("workflow-inputs", payload)
        }
    }

    fn run(&self, step: Step) -> Outcome {
        let pauses = Virtual::new(&self.github);
        step.run_inside(|settings, retries| {
            pauses.rule(retries);
            settings.waits = Waits { silence: SILENCE, work: SILENCE };
        })
    }

    /// How often a push that was executed moved this ref.
    fn landed(&self, name: &str) -> usize {
        let log = self.github.log();
        let updates = log.0.iter().flat_map(|entry| &entry.updates);
        updates.filter(|update| update.name == name && update.result == "ok").count()
    }

    fn asked(&self, wanted: impl Fn(&Entry) -> bool) -> usize {
        self.github.log().0.iter().filter(|entry| wanted(entry)).count()
    }

    fn runs(&self) -> usize {
        self.github.runs(TARGET).len()
    }
}

#[test]
fn a_push_that_is_sent_again_and_meets_its_own_late_effect_is_done() {
    std::thread::scope(|scope| {
        for kind in KINDS {
            scope.spawn(move || {
                let late = Late::new(PUSH);
                late.released_before("POST", PUSH, 2);
                let outcome = late.run(late.push(kind));
                outcome.succeeded();
                let (refs, output) = kind.effect();
                assert_eq!(outcome.output(output), "true", "{kind:?}: {outcome}");
                for name in refs {
                    assert_eq!(late.landed(name), 1, "{kind:?} {name}: {outcome}");
                }
                // The one that was held, and the one that met what it had left.
                assert_eq!(late.asked(|entry| entry.path.ends_with("/git-receive-pack")), 2, "{kind:?}: {outcome}");
            });
        }
    });
}

#[test]
fn a_push_that_failed_after_a_silence_has_said_that_it_may_be_done() {
    let refusal = || Fault::Answer(Canned::error(401, "Bad credentials"));
    std::thread::scope(|scope| {
        for kind in KINDS {
            for (next, cause) in [(refusal(), "bad-credentials"), (Fault::Silence, "connection-failed")] {
                scope.spawn(move || {
                    let late = Late::new(PUSH);
                    late.then("POST", PUSH, 2, next);
                    let outcome = late.run(late.push(kind).input("attempts", "2"));
                    outcome.failed(cause);
                    assert!(
                        outcome.stdout.contains("was sent and may have been done all the same"),
                        "{kind:?}: {outcome}"
                    );
                    let (refs, output) = kind.effect();
                    assert_eq!(outcome.output(output), "false", "{kind:?}: {outcome}");
                    assert!(refs.iter().all(|name| late.landed(name) == 0), "{kind:?}: {outcome}");
                    late.held.release();
                    assert!(refs.iter().all(|name| late.landed(name) == 1), "{kind:?}: {outcome}");
                });
            }
        }
    });
}

#[test]
fn a_push_that_failed_after_a_reset_and_a_look_is_known_not_to_be_done() {
    let late = Late::new("nothing");
    late.github.clear_faults();
    late.github.fault(FaultRule::on("POST", PUSH, Fault::Reset).nth(1));
    late.then("POST", PUSH, 2, Fault::Answer(Canned::error(401, "Bad credentials")));
    let outcome = late.run(late.push(Kind::Directory));
    outcome.failed("bad-credentials");
    assert!(!outcome.stdout.contains("may have been done"), "{outcome}");
}

#[test]
fn a_push_that_waits_for_a_ref_that_is_held_sends_the_same_commit_again() {
    let late = Late::new(PUSH);
    let lock = late.github.repository(TARGET).path().join("refs/heads/gh-pages.lock");
    let (locked, held) = (lock.clone(), late.held.clone());
    let put = Fault::race(move |_| fs::write(&lock, "").unwrap());
    late.github.fault(FaultRule::on("POST", PUSH, put).nth(2));
    let freed = Fault::race(move |_| {
        fs::remove_file(&locked).unwrap();
        held.release();
    });
    late.github.fault(FaultRule::on("POST", PUSH, freed).nth(3));
    let outcome = late.run(late.push(Kind::Directory));
    outcome.succeeded();
    assert_eq!(outcome.output("pushed"), "true", "{outcome}");
    assert_eq!(late.landed("refs/heads/gh-pages"), 1, "{outcome}");
}

#[test]
fn a_start_that_a_silent_server_may_make_yet_is_not_asked_for_again() {
    let id = r#"{"id": "{relay_id}"}"#;
    std::thread::scope(|scope| {
        for event in ["repository_dispatch", "workflow_dispatch"] {
            for payload in ["{}", id] {
                scope.spawn(move || {
                    let late = Late::new("*/dispatches");
                    let outcome = late.run(late.start(event, payload));
                    outcome.failed("connection-failed");
                    assert!(outcome.stdout.contains("may have started a run"), "{event} {payload}: {outcome}");
                    assert_eq!(
                        (outcome.output("dispatched"), late.runs()),
                        ("false", 0),
                        "{event} {payload}: {outcome}"
                    );
                    late.held.release();
                    assert_eq!(late.runs(), 1, "{event} {payload}: {outcome}");
                });
            }
        }
    });
}

#[test]
fn a_start_that_a_silent_server_makes_while_it_is_looked_for_is_found_by_its_id() {
    std::thread::scope(|scope| {
        for event in ["repository_dispatch", "workflow_dispatch"] {
            scope.spawn(move || {
                let late = Late::new("*/dispatches");
                late.released_before("GET", "*/runs", 2);
                let outcome = late.run(late.start(event, r#"{"id": "{relay_id}"}"#));
                outcome.succeeded();
                assert_eq!(late.runs(), 1, "{event}: {outcome}");
                assert_eq!(outcome.output("run-id"), late.github.runs(TARGET)[0].id.to_string(), "{event}: {outcome}");
                assert_eq!(late.asked(|entry| entry.path.ends_with("/dispatches")), 1, "{event}: {outcome}");
            });
        }
    });
}
