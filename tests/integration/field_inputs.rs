//! `workflow-inputs` that a server or a workflow file refuses: known before anything is pushed, tagged or started.

use emulator::model::{Flavour, Model, Repository, Role, Token};

use crate::world::{TARGET, World};

const FILE: &str = "on:\n  workflow_dispatch:\n    inputs:\n      version: {required: true}\n      count: {type: number}\n      when: {default: now}\njobs: {a: {runs-on: x, steps: [{run: 'true'}]}}\n";

fn world(flavour: Flavour) -> World {
    let site = Repository::new(TARGET).workflow("deploy.yml", FILE).collaborator("robin", Role::Write);
    let model = Model::new().repository(site).set(|settings| settings.flavour = flavour);
    World::of(model, Token::classic("robin", &["repo"]))
}

#[track_caller]
fn refused(flavour: &Flavour, inputs: &str, words: &[&str]) {
    for dry_run in ["false", "true"] {
        let world = world(flavour.clone());
        let step = world.publish().input("workflow", "deploy.yml").input("workflow-inputs", inputs).input("tag", "v1");
        let step = step.input("workflow-ref", "main").input("dry-run", dry_run);
        let outcome = world.refuses(step, "workflow", "workflow-inputs-rejected");
        let message = outcome.message("workflow");
        assert!(words.iter().all(|word| message.contains(word)), "{inputs}: {message}");
    }
}

fn many(count: usize) -> String {
    let all: serde_json::Map<_, _> = (0..count).map(|number| (format!("i{number}"), "x".into())).collect();
    serde_json::Value::Object(all).to_string()
}

#[test]
fn t9_more_inputs_than_the_server_takes() {
    refused(
        &Flavour::Enterprise("3.19.2".into()),
        &many(11),
        &["11 members", "Enterprise Server 3.19 takes 10", "fromJSON"],
    );
    refused(&Flavour::Cloud, &many(26), &["26 members", "takes 25"]);
    // What it declares counts then.
    refused(&Flavour::Cloud, &many(11), &["declares no input i0"]);
    refused(&Flavour::Enterprise("3.21".into()), &many(11), &["declares no input i0"]);
}

#[test]
fn t9_values_of_another_form_than_declared() {
    for (inputs, words) in [
        (r#"{"version": {"a": 1}}"#, &["version", "an object", "toJSON()"][..]),
        (r#"{"version": ["a"]}"#, &["an array"]),
        (r#"{"version": null}"#, &["null"]),
        (r#"{"version": ""}"#, &["requires the input version", "empty"]),
        (r#"{"version": "1", "count": "many"}"#, &["count", "a number", "many"]),
        (r#"{"version": "1", "cuont": 3}"#, &["declares no input cuont", "Did you mean count?"]),
    ] {
        refused(&Flavour::Cloud, inputs, words);
    }
    let long = serde_json::json!({"version": "x".repeat(65_535)}).to_string();
    refused(&Flavour::Cloud, &long, &["characters", "65535"]);
}

#[test]
fn t9_what_the_file_takes_goes() {
    let world = world(Flavour::Cloud);
    let inputs = r#"{"version": "1", "count": 3.5, "when": ""}"#;
    let outcome = world.step().input("workflow", "deploy.yml").input("workflow-inputs", inputs).run();
    assert_eq!(outcome.succeeded().check("workflow"), "pass");
}
