//! A start is asked for once: whatever breaks, at whatever point, no more than one run comes of it.

use std::{collections::BTreeMap, sync::Mutex, time::Duration};

use emulator::{
    faults::{Canned, Fault, FaultRule},
    model::{Decoy, Flavour, Model, Repository, Role, Token},
};

use crate::{
    leaks::Judged,
    runner::Step,
    world::{TARGET, World},
};

const ECHO: &str = "name: deploy\nrun-name: Deploy ${{ github.event.client_payload.id }}${{ inputs.id }}\non:\n  \
    repository_dispatch:\n    types: [published]\n  workflow_dispatch:\n    inputs:\n      id: {required: false}\n";

/// What surrounds the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Around {
    /// The receiver shows the relay's id.
    Id,
    /// Nothing tells its run from others.
    Plain,
    /// Runs that resemble it appear beside it.
    Decoys,
    /// Runs of the same sender appear beside it, which show other ids.
    OtherIds,
    /// The token may not list runs.
    Blind,
    /// The list of runs fails for a while.
    Shaky,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Repository,
    Workflow,
    Enterprise,
}

fn world(kind: Kind, around: Around) -> World {
    let mut target = Repository::new(TARGET).file("README.md", "r").workflow("deploy.yml", ECHO);
    if around == Around::Decoys {
        target = target.decoys(&[Decoy::OtherActor, Decoy::OtherSha, Decoy::Older, Decoy::Newer]);
    }
    if around == Around::OtherIds {
        target = target.decoys(&[Decoy::OtherTitle]);
    }
    let mut model = Model::new().repository(target.collaborator("robin", Role::Write));
    if kind == Kind::Enterprise {
        model = model.set(|settings| settings.flavour = Flavour::Enterprise("3.19".into()));
    }
    World::of(model, Token::classic("robin", &["repo", "workflow"]))
}

fn start(world: &World, kind: Kind, around: Around) -> Step {
    let id = if around == Around::Plain { "{}" } else { r#"{"id": "{relay_id}"}"# };
    match kind {
        Kind::Repository => world.step().input("dispatch", "published").input("payload", id),
        _ => world.step().input("workflow", "deploy.yml").input("workflow-inputs", id),
    }
}

fn faults() -> Vec<(&'static str, Fault, bool)> {
    let busy = || Canned::unavailable(1);
    vec![
        ("502 before", Fault::Answer(Canned::bad_gateway()), false),
        ("503 before", Fault::Answer(busy()), false),
        ("429 before", Fault::Answer(Canned::secondary_limit(1)), false),
        ("reset before", Fault::Reset, false),
        ("close before", Fault::Close, false),
        ("silence before", Fault::Silence, true),
        ("502 after", Fault::AnswerAfter(Canned::bad_gateway()), false),
        ("503 after", Fault::AnswerAfter(busy()), false),
        ("reset after", Fault::ResetAfter, false),
        ("silence after", Fault::SilenceAfter, true),
        ("body cut", Fault::Truncate(5), false),
        ("body reset", Fault::ResetBody(5), false),
    ]
}

#[test]
fn no_fault_at_any_point_starts_two_runs_or_none_with_success() {
    let counts: Mutex<BTreeMap<String, usize>> = Mutex::default();
    let sums: Mutex<(usize, usize, usize)> = Mutex::default();
    let wrong: Mutex<Vec<String>> = Mutex::default();
    let mut cases = Vec::new();
    for kind in [Kind::Repository, Kind::Workflow, Kind::Enterprise] {
        for around in [Around::Id, Around::Plain, Around::Decoys, Around::OtherIds, Around::Blind, Around::Shaky] {
            for (name, fault, silent) in faults() {
                // A 204 has no body to be cut.
                let bodiless = kind != Kind::Workflow && name.starts_with("body");
                if !bodiless {
                    cases.push((kind, around, name, fault, silent));
                }
            }
        }
    }
    let all = cases.len();
    std::thread::scope(|scope| {
        for (kind, around, name, fault, silent) in cases {
            let (counts, sums, wrong) = (&counts, &sums, &wrong);
            scope.spawn(move || {
                let world = world(kind, around);
                let nth = if kind == Kind::Enterprise { 2 } else { 1 };
                world.github.fault(FaultRule::on("POST", "*/dispatches", fault).nth(nth));
                let read_fault = match around {
                    Around::Blind => {
                        Some(Fault::Answer(Canned::error(403, "Resource not accessible by personal access token")))
                    }
                    Around::Shaky => Some(Fault::Answer(Canned::bad_gateway())),
                    _ => None,
                };
                if let Some(fault) = read_fault {
                    let rule = FaultRule::on("GET", "*/runs", fault);
                    world.github.fault(if around == Around::Shaky { rule.first(2) } else { rule });
                }
                let mut step = start(&world, kind, around);
                if silent {
                    step = step.input("timeout", "25s");
                }
                let outcome = step.run();
                let runs = world.github.runs(TARGET).iter().filter(|run| !run.decoy).count();
                // Not every start needs the list.
                world.github.clear_faults();
                if name.ends_with("before") {
                    // A body that was never read cannot be held to the description.
                    world.github.clear_log();
                }
                let error = outcome.output("error").to_owned();
                let case = format!("{kind:?}, {around:?}, {name}: {runs} runs, error {error:?}");
                let named = matches!(error.as_str(), "server-error" | "connection-failed" | "secondary-rate-limit");
                let says = error.is_empty() || outcome.stdout.contains("may have started");
                let good = match (runs, outcome.status) {
                    (1, Some(0)) => true,
                    // The budget was over before anything was sent.
                    (0, Some(1)) if error == "timeout" => silent,
                    (0 | 1, Some(1)) => named && says,
                    _ => false,
                };
                // With an id and a list that can be read in peace nothing stays open.
                let exact = matches!(around, Around::Id | Around::OtherIds | Around::Shaky);
                let decided = !exact || silent || outcome.status == Some(0);
                if !good || !decided {
                    wrong.lock().unwrap().push(format!("{case}\n{outcome}"));
                }
                let (doubled, lost, unsure) = &mut *sums.lock().unwrap();
                *doubled += usize::from(runs > 1);
                *lost += usize::from(runs == 0 && outcome.status == Some(0));
                *unsure += usize::from(runs == 1 && outcome.status == Some(1));
                let key = format!("{around:?}: {runs} run(s), {}", if error.is_empty() { "success" } else { &error });
                *counts.lock().unwrap().entry(key).or_default() += 1;
            });
        }
    });
    for (key, count) in counts.lock().unwrap().iter() {
        println!("{count:4}  {key}");
    }
    let (doubled, lost, unsure) = sums.into_inner().unwrap();
    println!("{all} tried: {doubled} doubled, {lost} lost with success, {unsure} started with a named failure");
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} of {all} cases are wrong:\n{}", wrong.len(), wrong.join("\n\n"));
}

#[test]
fn faults_before_the_start_do_not_start_twice() {
    for (method, path) in
        [("GET", "/api/v3/repos/acme/site"), ("GET", "/api/v3/user"), ("GET", "/api/v3/repos/acme/site/contents/*")]
    {
        let world = world(Kind::Workflow, Around::Plain);
        world.github.fault(FaultRule::on(method, path, Fault::Reset).first(1));
        start(&world, Kind::Workflow, Around::Plain).run().succeeded();
        assert_eq!(world.github.runs(TARGET).len(), 1, "{method} {path}");
    }
}

#[test]
fn a_server_whose_clock_is_off_finds_its_run_all_the_same() {
    for minutes in [-7, 7] {
        let world = world(Kind::Enterprise, Around::Id);
        world.github.model(|model| model.settings.clock_skew = chrono::Duration::minutes(minutes));
        world.github.fault(FaultRule::on("POST", "*/dispatches", Fault::ResetAfter).nth(2));
        let outcome = start(&world, Kind::Enterprise, Around::Id).run();
        outcome.succeeded();
        let run = world.github.runs(TARGET).remove(0);
        assert_eq!(outcome.output("run-id"), run.id.to_string(), "{outcome}");
    }
}

#[test]
fn another_senders_run_is_never_taken_for_ones_own() {
    // Another dispatch of the same account arrives in the place of ours.
    let world = world(Kind::Repository, Around::Plain);
    world.github.model(|model| model.settings.run_delay = Duration::ZERO..Duration::from_millis(1));
    world.github.fault(FaultRule::on("POST", "*/dispatches", Fault::AnswerAfter(Canned::bad_gateway())).first(1));
    let outcome = world.step().input("dispatch", "published").run();
    outcome.failed("server-error");
    assert!(outcome.stdout.contains("or another sender's"), "{outcome}");
    assert_eq!(world.github.runs(TARGET).len(), 1);
}

#[test]
fn a_run_of_an_earlier_try_that_is_listed_late_ends_the_tries() {
    let world = world(Kind::Repository, Around::Plain);
    // Beyond the half minute for which the list is read.
    world.github.model(|model| model.settings.run_delay = Duration::from_secs(38)..Duration::from_secs(39));
    world.github.fault(FaultRule::on("POST", "*/dispatches", Fault::ResetAfter).nth(1));
    world.github.fault(FaultRule::on("POST", "*/dispatches", Fault::Reset).nth(2));
    let outcome = start(&world, Kind::Repository, Around::Plain).run();
    world.github.clear_log();
    outcome.failed("connection-failed");
    assert!(outcome.stdout.contains("may have started a run"), "{outcome}");
    assert_eq!(world.github.runs(TARGET).len(), 1, "{outcome}");
}

#[test]
fn a_run_of_the_same_sender_that_shows_another_id_is_no_reason_to_give_up() {
    let silent = "name: deploy\non:\n  repository_dispatch:\n";
    std::thread::scope(|scope| {
        for (file, is_told_apart) in [(ECHO, true), (silent, false)] {
            scope.spawn(move || {
                let target = Repository::new(TARGET).file("README.md", "r").workflow("deploy.yml", file);
                let world = World::with(target, Token::classic("robin", &["repo", "workflow"]));
                start(&world, Kind::Repository, Around::Id).run().succeeded();
                // It is listed as if it had been made while the next step waits for its answer; what was there before that can
                // not be read.
                world.github.fault(FaultRule::on("GET", "*/runs", Fault::Answer(Canned::bad_gateway())).first(1));
                world.github.model(|model| {
                    let run = &mut model.find_mut(TARGET).unwrap().runs[0];
                    run.created_at += chrono::Duration::seconds(30);
                    run.listed_at = chrono::DateTime::UNIX_EPOCH;
                });
                world.github.fault(FaultRule::on("POST", "*/dispatches", Fault::Reset).first(1));
                let outcome = start(&world, Kind::Repository, Around::Id).run();
                world.github.clear_log();
                if is_told_apart {
                    outcome.succeeded();
                } else {
                    outcome.failed("connection-failed");
                    assert!(outcome.stdout.contains("or another sender's"), "{outcome}");
                }
                assert_eq!(world.github.runs(TARGET).len(), 1 + usize::from(is_told_apart), "{outcome}");
            });
        }
    });
}

/// Kept for tests that need an emulator without the usual cast.
pub(crate) fn emulator(model: Model) -> Judged {
    Judged::start(model)
}
