//! `{relay_id}`: the run of a start is told from others of the same sender, and those are left alone.

use emulator::model::{Decoy, Flavour, Model, Repository, Role, Token};

use crate::world::{TARGET, World};

const SHOWS: &str = "name: shows\nrun-name: Deploy ${{ github.event.client_payload.id }}${{ inputs.id }}\non:\n  \
    repository_dispatch:\n  workflow_dispatch:\n    inputs:\n      id: {required: false}\n";
const SILENT: &str = "name: silent\non:\n  repository_dispatch:\n";
const DECOYS: &[Decoy] =
    &[Decoy::OtherTitle, Decoy::OtherActor, Decoy::OtherSha, Decoy::Older, Decoy::Newer, Decoy::OtherTitle];

fn world(target: Repository, flavour: Flavour) -> World {
    let model = Model::new().repository(target.collaborator("robin", Role::Write));
    World::of(model.set(|settings| settings.flavour = flavour), Token::classic("robin", &["repo", "workflow"]))
}

/// The numbers of the runs that the step reports, in order.
fn reported(outcome: &crate::runner::Outcome) -> Vec<u64> {
    let report = outcome.report();
    let runs = report["targets"][0]["runs"].as_array().unwrap().clone();
    let mut ids: Vec<_> = runs.iter().map(|run| run["id"].as_u64().unwrap()).collect();
    ids.sort_unstable();
    ids
}

#[test]
fn the_run_is_found_among_others_of_the_same_sender_that_end_badly() {
    let id = r#"{"id": "{relay_id}"}"#;
    for flavour in [Flavour::Cloud, Flavour::Enterprise("3.17".into())] {
        // Every decoy ends in failure: who follows one of them fails.
        let world = world(Repository::new(TARGET).workflow("shows.yml", SHOWS).decoys(DECOYS), flavour);
        let step = world.step().input("dispatch", "published").input("payload", id).input("wait", "completed");
        let outcome = step.input("workflow", "shows.yml").input("workflow-inputs", id).run();
        outcome.succeeded();
        let ours: Vec<_> = world.github.runs(TARGET).iter().filter(|run| !run.decoy).map(|run| run.id).collect();
        assert_eq!(reported(&outcome), ours, "{outcome}");
        assert_eq!(outcome.output("run-id"), ours[1].to_string());
    }
}

#[test]
fn a_receiver_that_does_not_show_the_id_is_followed_beside_one_that_does() {
    let target = Repository::new(TARGET).workflow("shows.yml", SHOWS).workflow("silent.yml", SILENT);
    let world = world(target, Flavour::Cloud);
    let step = world.step().input("dispatch", "published").input("payload", r#"{"id": "{relay_id}"}"#);
    let outcome = step.input("wait", "completed").run();
    outcome.succeeded();
    let started: Vec<_> = world.github.runs(TARGET).iter().map(|run| run.id).collect();
    assert_eq!((started.len(), reported(&outcome)), (2, started.clone()), "{outcome}");
}

#[test]
fn t1_two_runs_that_fit_are_both_named_and_green_only_together() {
    let target = Repository::new(TARGET).workflow("shows.yml", SHOWS).decoys(&[Decoy::OtherTitle]);
    let world = world(target, Flavour::Enterprise("3.17".into()));
    let step = || world.step().input("workflow", "shows.yml").input("wait", "completed");
    let outcome = step().run();
    outcome.failed("run-failed");
    let runs = world.github.repository(TARGET).runs();
    assert_eq!(runs.len(), 2);
    let warning = outcome.stdout.lines().find(|line| line.starts_with("::warning") && line.contains("{relay_id}"));
    let warning = warning.unwrap_or_else(|| panic!("{outcome}"));
    assert!(runs.iter().all(|run| warning.contains(&format!("/actions/runs/{}", run.id))), "{warning}");
    let told = step().input("workflow-inputs", r#"{"id": "{relay_id}"}"#).run();
    told.succeeded();
    assert!(!told.stdout.contains("fit this dispatch"), "{told}");
}

#[test]
fn without_the_id_a_run_of_the_same_sender_can_not_be_told_apart() {
    let world =
        world(Repository::new(TARGET).workflow("shows.yml", SHOWS).decoys(&[Decoy::OtherTitle]), Flavour::Cloud);
    let outcome = world.step().input("dispatch", "published").input("wait", "completed").run();
    outcome.failed("run-failed");
}
