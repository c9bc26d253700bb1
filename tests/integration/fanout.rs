//! One step, many targets.

use emulator::{
    Emulator,
    faults::{Canned, Fault, FaultRule},
    model::{Model, Repository, Role, Token},
};

use crate::runner::Step;

fn name(number: usize) -> String {
    format!("acme/site{number}")
}

fn github(targets: usize) -> (Emulator, Token) {
    let token = Token::classic("robin", &["repo"]);
    let mut model = Model::new().token(&token);
    for number in 0..targets {
        model = model.repository(Repository::new(&name(number)).file("a", "a").collaborator("robin", Role::Write));
    }
    (Emulator::start(model).unwrap(), token)
}

fn step(github: &Emulator, token: &Token, targets: usize) -> Step {
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
