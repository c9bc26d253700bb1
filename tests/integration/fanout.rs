//! One step, many targets.

use std::time::Duration;

use emulator::{
    faults::{Canned, Fault, FaultRule},
    model::{Model, Repository, Role, Standing, Token, Visibility},
};

use crate::{leaks::Judged, runner::Step};

/// The most memory that a step over two hundred targets may take, in KiB.
const MOST_MEMORY: u64 = 150 << 10;

fn name(number: usize) -> String {
    format!("acme/site{number}")
}

fn github(targets: usize) -> (Judged, Token) {
    let token = Token::classic("robin", &["repo"]);
    let mut model = Model::new().token(&token);
    for number in 0..targets {
        model = model.repository(Repository::new(&name(number)).file("a", "a").collaborator("robin", Role::Write));
    }
    (Judged::start(model), token)
}

fn step(github: &Judged, token: &Token, targets: usize) -> Step {
    let lines: Vec<String> = (0..targets).map(name).collect();
    Step::new(github.url())
        .input("repository", lines.join("\n"))
        .input("token", token.value())
        .input("directory", "site")
        .file("site/index.html", "hello")
}

#[test]
fn every_target_gets_the_directory_and_one_named_twice_gets_it_once() {
    let (github, token) = github(3);
    let step = step(&github, &token, 3).input("repository", "acme/site0\nacme/site1\nACME/Site0\nacme/site2");
    let outcome = step.run();
    outcome.succeeded();
    let report = outcome.report();
    let targets = report["targets"].as_array().unwrap();
    assert_eq!(targets.len(), 3);
    for number in 0..3 {
        assert!(github.repository(&name(number)).tip("refs/heads/gh-pages").is_some());
    }
    assert_eq!(github.log().pushes().len(), 3);
    assert!(outcome.stdout.contains("::notice"), "{outcome}");
    assert_eq!(outcome.output("commit"), github.repository("acme/site0").tip("refs/heads/gh-pages").unwrap());
}

#[test]
fn a_failing_target_does_not_stop_the_others_and_the_first_in_the_list_names_the_error() {
    let (github, token) = github(10);
    github.model(|model| model.find_mut("acme/site7").unwrap().standing = emulator::model::Standing::Archived);
    github.fault(FaultRule::on("GET", "/acme/site3.git/info/refs", Fault::Answer(Canned::bad_gateway())));
    let outcome = step(&github, &token, 10).input("attempts", "2").run();
    outcome.failed("server-error");
    let report = outcome.report();
    let errors: Vec<&str> =
        report["targets"].as_array().unwrap().iter().map(|target| target["error"].as_str().unwrap()).collect();
    assert_eq!(errors, ["", "", "", "server-error", "", "", "", "repo-archived", "", ""]);
    for number in 0..10 {
        let landed = github.repository(&name(number)).tip("refs/heads/gh-pages").is_some();
        assert_eq!(landed, number != 3 && number != 7, "{number}");
    }
    for number in 0..10 {
        assert!(outcome.summary.contains(&name(number)), "{number}");
    }
}

#[test]
fn a_limit_that_one_target_met_is_waited_for_by_all() {
    let (github, token) = github(4);
    github.fault(FaultRule::on("GET", "/api/v3/repos/acme/site0", Fault::Answer(Canned::secondary_limit(2))).first(1));
    let outcome = step(&github, &token, 4).run();
    outcome.succeeded();
    let log = github.log();
    let limited = log.0.iter().find(|entry| entry.status == Some(403)).unwrap().at;
    let early: Vec<String> = log
        .pushes()
        .iter()
        .filter(|entry| entry.at - limited < chrono::Duration::milliseconds(1900))
        .map(|entry| entry.path.clone())
        .collect();
    assert!(early.is_empty(), "pushed within the limit's pause: {early:?}");
}

#[test]
fn of_two_hundred_targets_with_faults_in_a_tenth_every_other_one_lands() {
    let (github, token) = github(200);
    // Of each ten one, in five ways: read-only, not to be seen, no way in, a push that is refused, a push that breaks.
    let broken = |number: usize| number % 10 == 3;
    for number in (0..200).filter(|number| broken(*number)) {
        let git = |end: &str| format!("/{}.git/{end}", name(number));
        let change = |change: fn(&mut Repository)| github.model(|model| change(model.find_mut(&name(number)).unwrap()));
        match number / 10 % 5 {
            0 => change(|repository| repository.standing = Standing::Archived),
            1 => change(|repository| {
                repository.visibility = Visibility::Private;
                repository.collaborators.clear();
            }),
            2 => github.fault(FaultRule::on("GET", &git("info/refs"), Fault::Answer(Canned::bad_gateway()))),
            3 => github.fault(FaultRule::on("POST", &git("git-receive-pack"), Fault::Answer(Canned::error(403, "no")))),
            _ => github.fault(FaultRule::on("POST", &git("git-receive-pack"), Fault::Reset)),
        }
    }
    // And passing trouble elsewhere, which no one should see.
    for number in [5, 55, 155] {
        let git = format!("/{}.git/git-receive-pack", name(number));
        github.fault(FaultRule::on("POST", &git, Fault::AnswerAfter(Canned::bad_gateway())).first(1));
    }
    let (outcome, memory) = step(&github, &token, 200).input("attempts", "3").run_measured();
    assert_eq!(outcome.status, Some(1), "{outcome}");
    for number in 0..200 {
        let landed = github.repository(&name(number)).tip("refs/heads/gh-pages").is_some();
        assert_eq!(landed, !broken(number), "{}", name(number));
    }
    assert_eq!(outcome.output("error"), "repo-archived", "the first in the list names the error");
    assert_eq!(github.unused_faults(), [""; 0]);
    println!("200 targets, 20 of them broken: {:.1} s, {} MiB", outcome.took.as_secs_f64(), memory >> 10);
    assert!(memory < MOST_MEMORY, "{memory} KiB");
}

#[test]
fn two_relays_over_the_same_list_do_not_harm_each_other() {
    let (github, token) = github(12);
    let part = |part: &str| {
        step(&github, &token, 12).input("destination", part).file("site/which.txt", format!("the part {part}"))
    };
    let outcomes = std::thread::scope(|scope| {
        let relays = ["a", "b", "c"].map(|name| scope.spawn(move || part(name).run()));
        relays.map(|relay| relay.join().unwrap())
    });
    for outcome in &outcomes {
        outcome.succeeded();
    }
    for number in 0..12 {
        let files = github.repository(&name(number)).files("gh-pages");
        for part in ["a", "b", "c"] {
            let (_, content) = &files[&format!("{part}/which.txt")];
            assert_eq!(content, format!("the part {part}").as_bytes(), "{}", name(number));
        }
    }
}

#[test]
fn two_relays_of_the_same_content_and_tag_both_succeed() {
    let (github, token) = github(6);
    let relay = || step(&github, &token, 6).input("tag", "+live");
    let outcomes = std::thread::scope(|scope| {
        let relays = [(); 2].map(|()| scope.spawn(|| relay().run()));
        relays.map(|relay| relay.join().unwrap())
    });
    for outcome in &outcomes {
        outcome.succeeded();
    }
    for number in 0..6 {
        let repository = github.repository(&name(number));
        assert_eq!(repository.files("gh-pages").len(), 2, "the page and .nojekyll");
        assert!(repository.tip("refs/tags/live").is_some());
    }
}

/// `cargo test --release --test integration measure_fan_out -- --ignored --nocapture`
#[test]
#[ignore = "a measurement of a minute or more, not a test"]
fn measure_fan_out() {
    println!("targets  wall (s)  REST  git  requests a target  peak memory (MiB)");
    for targets in [1, 10, 100, 200] {
        let (github, token) = github(targets);
        github.model(|model| model.settings.latency = Duration::from_millis(20));
        let mut step = step(&github, &token, targets);
        for file in 0..200 {
            step = step.file(&format!("site/page{file}.html"), format!("<h1>{file}</h1>").repeat(100));
        }
        let (outcome, memory) = step.run_measured();
        outcome.succeeded();
        let totals = github.log().totals();
        let requests = totals.rest + totals.git;
        println!(
            "{targets:7}  {:8.1}  {:4}  {:3}  {:17}  {:17}",
            outcome.took.as_secs_f64(),
            totals.rest,
            totals.git,
            requests.div_ceil(targets),
            memory >> 10,
        );
    }
}
