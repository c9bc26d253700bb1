//! `revoke-token`: the old token ends once, after everything else, or not at all.

use emulator::{
    faults::{Canned, Fault, FaultRule},
    model::{Flavour, Model, Outcome as Conclusion, Repository, Role, Token},
};

use crate::{
    leaks::Judged,
    runner::{Outcome, Step},
    secret::stage_message,
};

const PROOF: &str = "name: proof\non:\n  workflow_dispatch:\n";

/// A rotation over `count` repositories: the new token works, the old one is ada's.
struct Rotation {
    github: Judged,
    new: Token,
    old: Token,
    targets: String,
}

impl Rotation {
    fn over(count: usize) -> Self {
        Self::proving(count, &[])
    }

    /// The proof of a repository whose number is in `failing` fails.
    fn proving(count: usize, failing: &[usize]) -> Self {
        let (new, old) = (Token::classic("robin", &["repo"]), Token::classic("ada", &["repo"]));
        let names: Vec<String> = (0..count).map(|number| format!("acme/s{number}")).collect();
        let model = names.iter().enumerate().fold(Model::new().token(&new).token(&old), |model, (number, name)| {
            let conclusion = if failing.contains(&number) { "failure" } else { "success" };
            let repository = Repository::new(name).file("a", "a").collaborator("robin", Role::Write);
            let repository =
                repository.workflow("proof.yml", PROOF).outcome("proof.yml", Conclusion::concluded(conclusion));
            model.repository(repository)
        });
        Self { github: Judged::start(model), new, old, targets: names.join("\n") }
    }

    fn step(&self) -> Step {
        Step::new(self.github.url())
            .input("repository", &self.targets)
            .input("token", self.new.value())
            .input("secret-name", "N")
            .input("secret-value", self.new.value())
            .input("revoke-token", self.old.value())
    }

    fn is_alive(&self) -> bool {
        let mut alive = false;
        self.github.model(|model| {
            alive = model.tokens.iter().any(|token| token.value() == self.old.value() && !token.revoked);
        });
        alive
    }

    fn requests(&self) -> usize {
        self.github.log().calls("POST", "/credentials/revoke").len()
    }
}

fn statuses(outcome: &Outcome) -> Vec<String> {
    let report = outcome.report();
    let targets = report["targets"].as_array().unwrap().clone();
    let of = |target: &serde_json::Value| {
        let stages = target["stages"].as_array().unwrap().clone();
        stages.iter().find(|stage| stage["name"] == "revoke").unwrap()["status"].as_str().unwrap().to_owned()
    };
    targets.iter().map(of).collect()
}

#[test]
fn the_old_token_ends_once_after_every_target() {
    let rotation = Rotation::over(3);
    let outcome = rotation.step().run();
    outcome.succeeded();
    assert!(!rotation.is_alive() && rotation.requests() == 1, "{outcome}");
    assert_eq!(statuses(&outcome), ["done"; 3]);
    let log = rotation.github.log();
    let last = log.0.iter().rposition(|entry| entry.method == "PUT").unwrap();
    let end = log.0.iter().position(|entry| entry.path.ends_with("/credentials/revoke")).unwrap();
    assert!(last < end, "the secret of a target was set after the old token had ended");
}

#[test]
fn a_dry_run_and_a_failure_anywhere_leave_it_alive_and_say_so() {
    let rotation = Rotation::over(2);
    let outcome = rotation.step().input("dry-run", "true").run();
    outcome.succeeded();
    assert_eq!(statuses(&outcome), ["planned"; 2]);
    assert!(stage_message(&outcome, 0, "revoke").contains("stays alive"), "{outcome}");
    let refusal = Fault::Answer(Canned::error(403, "No."));
    rotation.github.fault(FaultRule::on("PUT", "*/acme/s1/actions/secrets/N", refusal));
    let outcome = rotation.step().run();
    assert_eq!(outcome.status, Some(1), "{outcome}");
    assert_eq!(statuses(&outcome), ["skipped"; 2]);
    assert!(stage_message(&outcome, 0, "revoke").contains("acme/s1 failed"), "{outcome}");
    assert!(outcome.stdout.contains("::warning::The old token stays alive"), "{outcome}");
    assert!(rotation.is_alive() && rotation.requests() == 0);
}

#[test]
fn the_old_token_ends_only_once_every_target_has_proved_the_new_one() {
    for failing in [&[][..], &[1]] {
        let rotation = Rotation::proving(3, failing);
        let outcome = rotation.step().input("workflow", "proof.yml").input("wait", "completed").run();
        if failing.is_empty() {
            outcome.succeeded();
            let log = rotation.github.log();
            let last = log.0.iter().rposition(|entry| entry.path.contains("/actions/runs")).unwrap();
            let end = log.0.iter().position(|entry| entry.path.ends_with("/credentials/revoke")).unwrap();
            assert!(last < end && !rotation.is_alive(), "{outcome}");
        } else {
            outcome.failed("run-failed");
            assert!(rotation.is_alive() && rotation.requests() == 0, "{outcome}");
        }
    }
    // The last job of a rotation in slices.
    let rotation = Rotation::over(1);
    let alone = Step::new(rotation.github.url()).input("repository", &rotation.targets);
    alone.input("token", rotation.new.value()).input("revoke-token", rotation.old.value()).run().succeeded();
    assert!(!rotation.is_alive());
}

#[test]
fn a_lost_answer_is_asked_for_once_more_and_told() {
    for done in [true, false] {
        let rotation = Rotation::over(1);
        let lost = Canned::bad_gateway();
        let fault = if done { Fault::AnswerAfter(lost) } else { Fault::Answer(lost) };
        rotation.github.fault(FaultRule::on("POST", "*/credentials/revoke", fault).first(1));
        let outcome = rotation.step().input("attempts", "1").run();
        outcome.succeeded();
        assert!(!rotation.is_alive() && rotation.requests() == 2, "{outcome}");
        assert!(stage_message(&outcome, 0, "revoke").contains("the answer to the first was lost"), "{outcome}");
    }
    let rotation = Rotation::over(2);
    let fault = Fault::AnswerAfter(Canned::bad_gateway());
    rotation.github.fault(FaultRule::on("POST", "*/credentials/revoke", fault));
    let outcome = rotation.step().run();
    outcome.failed("server-error");
    assert_eq!(rotation.requests(), 2, "{outcome}");
    assert_eq!(statuses(&outcome), ["failed", "skipped"]);
    assert!(outcome.stdout.contains("may have been done all the same"), "{outcome}");
}

#[test]
fn a_server_that_revokes_nothing_is_told_with_what_to_do() {
    let rotation = Rotation::over(1);
    rotation.github.model(|model| model.settings.flavour = Flavour::Enterprise("3.19".into()));
    let outcome = rotation.step().run();
    outcome.failed("invalid-input");
    assert!(outcome.stdout.contains("does not revoke tokens") && rotation.is_alive(), "{outcome}");
}

#[test]
fn no_token_ends_where_any_request_of_any_target_fails_for_good() {
    let rotation = Rotation::over(2);
    rotation.step().input("dry-run", "true").run().succeeded();
    // Every kind of request that this rotation makes, refused at one target after the other.
    let mut cases = 0;
    for name in ["s0", "s1"] {
        for (method, path) in [
            ("GET", format!("*/repos/acme/{name}")),
            ("GET", format!("*/acme/{name}/actions/secrets/public-key")),
            ("PUT", format!("*/acme/{name}/actions/secrets/N")),
        ] {
            for status in [401, 403, 404, 410, 422, 500] {
                let rotation = Rotation::over(2);
                let fault = Fault::Answer(Canned::error(status, "No."));
                rotation.github.fault(FaultRule::on(method, &path, fault));
                let outcome = rotation.step().input("attempts", "1").run();
                if outcome.status != Some(0) {
                    cases += 1;
                    assert!(rotation.is_alive() && rotation.requests() == 0, "{method} {path} {status}: {outcome}");
                }
            }
        }
    }
    println!("{cases} failed rotations, no token revoked");
    assert!(cases >= 30, "{cases}");
}

/// Prints what a secret in two hundred repositories costs.
#[test]
#[ignore = "a measurement"]
fn two_hundred_repositories() {
    let rotation = Rotation::over(200);
    let began = std::time::Instant::now();
    let outcome = rotation.step().input("timeout", "30m").run();
    outcome.succeeded();
    println!("{:?}; {} requests", began.elapsed(), rotation.github.log().0.len());
}
