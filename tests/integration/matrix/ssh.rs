//! Every fault at every call over SSH: a real OpenSSH server before git, or before a shell that does otherwise.
//!
//! What HTTP alone has (statuses, limits, redirects, pages, JSON, content types, TLS) has no place here; a server that is another
//! than it was takes that of a certificate which nobody knows.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use repo_relay::{http::Waits, retry::Pause};

use super::{
    blow::Nature,
    scene::{Kind, Scene},
    trial::{ATTEMPTS, Trial, conduct, end, filter, judge, often},
};
use crate::{inside::Virtual, runner::Outcome, sshd::Sshd};

/// How long a silent server is waited for, where it is one; it has processes to start.
const SILENCE: Duration = Duration::from_secs(2);

/// What can be done with git alone.
const KINDS: [Kind; 3] = [Kind::Publish, Kind::Refs, Kind::Tag];

const SERVICES: [&str; 2] = ["git-upload-pack", "git-receive-pack"];

/// The server is gone at a call, and with it the connection.
const GONE: &str = "kill -9 $(cat listener); touch gone; kill -9 $PPID; exit";

/// A call of a service: so many-th, from 1, of so many, with an answer of so many bytes.
#[derive(Clone, Copy, Debug)]
struct Call {
    service: &'static str,
    nth: u64,
    of: u64,
    answer: u64,
}

/// What befalls a call.
#[derive(Clone, Debug)]
struct Blow {
    name: &'static str,
    /// A piece of shell, see [`Sshd::lapse`].
    deed: String,
    nature: Nature,
}

/// Passes so many bytes on, each at once: who keeps them until all are there is silent where an answer is shorter.
fn first(bytes: u64) -> String {
    format!("dd bs=1 count={bytes} status=none")
}

fn blows(call: &Call) -> Vec<Blow> {
    let blow = |name, deed: &str, nature| Blow { name, deed: deed.to_owned(), nature };
    let said = |words: &str| format!("echo 'ERROR: {words}' >&2; exit 1");
    let half = call.answer / 2;
    let mut blows = vec![
        blow("refused", GONE, Nature::Passing),
        blow("another host key", GONE, Nature::Lasting),
        blow("cut", "kill -9 $PPID; exit", Nature::Passing),
        blow("closed", "exit 1", Nature::Passing),
        blow("slow", "sleep 0.2", Nature::Harmless),
        blow("silence", "while kill -0 $PPID 2>/dev/null; do sleep 0.1; done; exit", Nature::Passing),
        blow("failing server", &said("Internal Server Error"), Nature::Passing),
        blow("no such repository", &said("Repository not found."), Nature::Lasting),
        blow("no right", &said("Permission to acme/site.git denied to deploy key"), Nature::Lasting),
        blow("cut pkt-line", &format!("served | {{ {}; kill -9 $$; }}", first(6)), Nature::Passing),
        blow("no pkt-line", "printf 00; exit", Nature::Passing),
        blow("cut body", &format!("served | {{ {}; kill -9 $$; }}", first(half)), Nature::Passing),
        blow(
            "cut in the body",
            &format!("served | {{ {}; sleep 0.05; kill -9 $PPID; }}", first(half)),
            Nature::Passing,
        ),
    ];
    if call.service == "git-receive-pack" {
        blows.push(blow("cut after the effect", "export LAPSE=cut", Nature::Passing));
        blows.push(blow("silence after the effect", "export LAPSE=hush", Nature::Passing));
    }
    blows
}

/// One of each kind. What is refused for good is not asked for again.
fn is_tried_for_ever(blow: &Blow) -> bool {
    let kinds = ["refused", "cut", "silence", "failing server", "cut body", "cut after the effect"];
    kinds.contains(&blow.name)
}

/// A blow at a call, and at all that follow if it is `lasting`.
struct Case {
    kind: Kind,
    call: Call,
    blow: Blow,
    lasting: bool,
}

/// Pauses that take no time, during the second of which a server that is gone comes back, as itself or as another.
struct Reviving {
    pauses: Arc<Virtual>,
    sshd: Arc<Sshd>,
    as_another: bool,
}

impl Pause for Reviving {
    fn pause(&self, length: Duration) -> BoxFuture<'_, ()> {
        // The first pause is after the call that was cut; before the second somebody has knocked in vain.
        if self.as_another || !self.pauses.passed().is_empty() {
            self.sshd.revive(self.as_another);
        }
        self.pauses.pause(length)
    }
}

impl Case {
    fn is_silent(&self) -> bool {
        self.blow.name.starts_with("silence")
    }

    /// The server stays away.
    fn stays_away(&self) -> bool {
        self.blow.name == "refused" && self.lasting
    }

    fn run(&self) -> (Scene, Arc<Sshd>, Outcome, Vec<Duration>) {
        let scene = Scene::over_ssh(self.kind);
        let sshd = Arc::clone(scene.sshd.as_ref().unwrap());
        // What is gone once does not take another call with it.
        let last = if self.lasting && self.blow.deed != GONE { u64::MAX >> 1 } else { self.call.nth };
        sshd.lapse(self.call.service, self.call.nth..=last, &self.blow.deed);
        let pauses = Virtual::new(&scene.github);
        let reviving = Reviving {
            pauses: Arc::clone(&pauses),
            sshd: Arc::clone(&sshd),
            as_another: self.blow.name == "another host key",
        };
        let step = scene.step(scene.github.url()).input("attempts", ATTEMPTS.to_string());
        let outcome = step.run_inside(|settings, retries| {
            pauses.rule(retries);
            if !self.stays_away() {
                *retries = retries.clone().with_pauser(Arc::new(reviving));
            }
            if self.is_silent() {
                settings.waits = Waits { silence: SILENCE, work: SILENCE };
            }
        });
        (scene, sshd, outcome, pauses.passed())
    }
}

impl Trial for Case {
    fn name(&self) -> String {
        let Self { kind, call: Call { service, nth, .. }, blow, lasting } = self;
        format!("{kind:?} over SSH, {service}#{nth}, {}, {}", blow.name, often(*lasting))
    }

    fn is_lasting(&self) -> bool {
        self.lasting
    }

    fn run(&self) -> (String, Vec<String>) {
        let (scene, sshd, outcome, pauses) = self.run();
        let passes = !self.lasting && self.blow.nature != Nature::Lasting;
        let mut wrong = judge(&scene, &outcome, passes);
        let made = calls(&sshd, self.call.service);
        let more = match (self.blow.nature, self.lasting) {
            (Nature::Harmless | Nature::Lasting, _) => 0,
            (_, false) => 1,
            (_, true) => (self.call.of - self.call.nth + 1) * (ATTEMPTS - 1),
        };
        // A machine with much else to do is silent on its own.
        if made > self.call.of + more && !self.is_silent() {
            wrong.push(format!("called {made} times instead of {} and {more} more", self.call.of));
        }
        let error = outcome.output("error");
        if self.blow.name == "another host key" && error != "ssh-host-key-mismatch" {
            wrong.push(format!("another server was taken for the same: {error:?}"));
        }
        if !sshd.lapsed() {
            wrong.push("it was not reached".to_owned());
        }
        if !wrong.is_empty() {
            wrong.push(format!("pauses {pauses:?}\n{outcome}\n{}", sshd.log().join("\n")));
        }
        (end(&outcome), wrong)
    }
}

fn calls(sshd: &Sshd, service: &str) -> u64 {
    sshd.log().iter().filter(|line| line.contains(service)).count() as u64
}

/// The calls of a relay that nothing happens to.
fn undisturbed(kind: Kind) -> Vec<Call> {
    let mut all = Vec::new();
    for service in SERVICES {
        let scene = Scene::over_ssh(kind);
        let sshd = scene.sshd.as_ref().unwrap();
        sshd.lapse(service, 1..=u64::MAX >> 1, "served | tee answer.$number; exit");
        let outcome = scene.step(scene.github.url()).run_inside(|_, _| {});
        let wrong = judge(&scene, &outcome, true);
        assert!(wrong.is_empty(), "{wrong:?}\n{outcome}");
        let of = calls(sshd, service);
        all.extend((1..=of).map(|nth| Call { service, nth, of, answer: sshd.answered(nth) }));
    }
    all
}

#[test]
fn every_fault_at_every_call_over_ssh_ends_in_success_or_in_a_named_cause() {
    let filter = filter();
    let mut cases = Vec::new();
    let mut reached = 0;
    for kind in KINDS {
        let all = undisturbed(kind);
        println!("{kind:?} over SSH: {} calls", all.len());
        for call in all {
            reached += 1;
            for blow in blows(&call) {
                for lasting in [false, true] {
                    let wanted = !lasting || is_tried_for_ever(&blow);
                    let case = Case { kind, call, blow: blow.clone(), lasting };
                    if wanted && case.name().contains(&filter) {
                        cases.push(case);
                    }
                }
            }
        }
    }
    conduct(&format!("{reached} calls over SSH"), &cases);
}
