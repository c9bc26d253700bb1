//! The recipes of `docs/recipes` are ready workflows: the same as in `docs/workflows`, where script/test lints them, and with
//! no input or output that does not exist. tests/image has act run them.

#![allow(clippy::unwrap_used, clippy::panic, unreachable_pub, reason = "tests may stop at the first surprise")]

use std::{collections::BTreeSet, fs, path::Path};

use repo_relay::inputs::{INPUTS, table::OUTPUTS};
use serde_yaml_ng::Value;

#[path = "pages/mod.rs"]
mod pages;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn recipes() -> Vec<pages::Recipe> {
    pages::recipes(root()).unwrap()
}

#[test]
fn each_recipe_lies_ready_in_a_file() {
    let recipes = recipes();
    let folder = fs::read_dir(root().join("docs/workflows")).unwrap();
    let files: BTreeSet<String> = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(recipes.iter().map(|recipe| recipe.file.clone()).collect::<BTreeSet<_>>(), files);
    assert_eq!(recipes.len(), files.len(), "two recipes of one name");
    for recipe in &recipes {
        let written = fs::read_to_string(root().join("docs/workflows").join(&recipe.file)).unwrap();
        assert_eq!(written, recipe.text, "{}: run `cargo run --example tables`", recipe.file);
    }
}

#[test]
fn p12_a_recipe_that_publishes_a_site_keeps_an_older_run_from_ending_last() {
    for recipe in recipes() {
        let workflow: Value = serde_yaml_ng::from_str(&recipe.text).unwrap();
        let jobs = workflow["jobs"].as_mapping().unwrap();
        for job in jobs.values() {
            let steps = job["steps"].as_sequence().into_iter().flatten();
            let publishes = steps.filter(|step| !step["with"]["directory"].is_null()).count() > 0;
            let grouped = !workflow["concurrency"].is_null() || !job["concurrency"].is_null();
            assert!(grouped || !publishes, "{}: no `concurrency:`", recipe.file);
        }
    }
}

/// The recipes' other sides: workflows of the target, and what a fork's pull request may run.
const RECEIVERS: [&str; 3] = ["build-preview.yml", "docker-build.yml", "part-changed.yml"];

#[test]
fn each_recipe_uses_what_the_action_has() {
    let outputs: BTreeSet<&str> = OUTPUTS.iter().map(|output| output.name).collect();
    for recipe in recipes() {
        let workflow: Value = serde_yaml_ng::from_str(&recipe.text).unwrap();
        let mut relays = 0;
        for job in workflow["jobs"].as_mapping().unwrap().values() {
            for step in job["steps"].as_sequence().unwrap() {
                if step["uses"].as_str() != Some("OWNER/repo-relay@v1") {
                    continue;
                }
                relays += 1;
                for name in step["with"].as_mapping().unwrap().keys() {
                    let known = INPUTS.iter().any(|input| Some(input.name) == name.as_str());
                    assert!(known, "{}: {name:?} is no input", recipe.file);
                }
                let Some(id) = step["id"].as_str() else { continue };
                for used in recipe.text.split(&format!("steps.{id}.outputs.")).skip(1) {
                    let end = used.find(|character: char| !character.is_alphanumeric() && character != '-').unwrap();
                    assert!(outputs.contains(&used[..end]), "{}: {} is no output", recipe.file, &used[..end]);
                }
            }
        }
        assert_eq!(relays == 0, recipe.is_receiver(), "{}", recipe.file);
        assert!(relays > 0 || RECEIVERS.contains(&&*recipe.file), "{} does not use the action", recipe.file);
        assert!(workflow.get("permissions").is_some(), "{} takes the permissions that it happens to get", recipe.file);
    }
}

#[test]
fn the_readme_begins_with_a_recipe_and_is_short() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let shown = pages::workflows(&readme);
    assert_eq!(shown.iter().map(|workflow| &*workflow.file).collect::<Vec<_>>(), ["docs.yml"]);
    let recipe = recipes().into_iter().find(|recipe| recipe.file == "docs.yml").unwrap();
    assert_eq!(shown[0].text, recipe.text, "the README's workflow is that of docs/recipes/publish-docs.md");
    assert!(readme.lines().count() <= 220);
    for entry in fs::read_dir(root().join("docs/recipes")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(readme.contains(&format!("(docs/recipes/{name}")), "the README's table lacks {name}");
    }
}

/// Every input and output of the actions that people move over from, as their newest `action.yml` has them in November 2026;
/// s0's reads the environment.
const THEIRS: [(&str, &str); 9] = [
    (
        "peaceiris/actions-gh-pages",
        "deploy_key github_token personal_token publish_branch publish_dir destination_dir external_repository \
         allow_empty_commit keep_files force_orphan user_name user_email commit_message full_commit_message tag_name \
         tag_message enable_jekyll disable_nojekyll cname exclude_assets",
    ),
    (
        "JamesIves/github-pages-deploy-action",
        "ssh-key token branch folder target-folder commit-message clean clean-exclude dry-run force attempt-limit \
         git-config-name git-config-email repository-name tag single-commit silent deployment-status",
    ),
    (
        "s0/git-publish-subdir-action",
        "REPO BRANCH FOLDER SSH_PRIVATE_KEY KNOWN_HOSTS_FILE GITHUB_TOKEN SQUASH_HISTORY SKIP_EMPTY_COMMITS MESSAGE TAG \
         CLEAR_GLOBS_FILE COMMIT_NAME COMMIT_EMAIL TARGET_DIR",
    ),
    (
        "cpina/github-action-push-to-another-repository",
        "API_TOKEN_GITHUB SSH_DEPLOY_KEY source-before-directory source-directory destination-github-username \
         destination-repository-name user-email github-server user-name destination-repository-username target-branch \
         commit-message target-directory create-target-branch-if-needed",
    ),
    (
        "ad-m/github-push-action",
        "token github_token github_url ssh repository branch force force_with_lease atomic push_to_submodules tags \
         push_only_tags directory pull",
    ),
    ("peter-evans/repository-dispatch", "token repository event-type client-payload"),
    (
        "benc-uk/workflow-dispatch",
        "workflow token inputs ref repo wait-for-completion wait-timeout-seconds sync-status runId runUrl runUrlHtml workflowId",
    ),
    (
        "convictional/trigger-workflow-and-wait",
        "owner repo github_token github_user ref wait_interval workflow_file_name client_payload propagate_failure \
         trigger_workflow wait_workflow comment_downstream_url comment_github_token workflow_id workflow_url conclusion",
    ),
    (
        "rickstaa/action-create-tag",
        "github_token tag message commit_sha force_push_tag tag_exists_error no_verify_tag gpg_private_key gpg_passphrase \
         tag_exists",
    ),
];

#[test]
fn every_input_and_output_of_the_other_actions_has_its_row() {
    let page = fs::read_to_string(root().join("docs/migrating.md")).unwrap();
    for (action, names) in THEIRS {
        let (_, section) =
            page.split_once(&format!("\n## {action}\n")).unwrap_or_else(|| panic!("no section {action}"));
        let section = section.split("\n## ").next().unwrap();
        let theirs: BTreeSet<&str> = section
            .lines()
            .filter_map(|line| line.strip_prefix("| ")?.split(" | ").next())
            .flat_map(|cell| cell.split('`').skip(1).step_by(2))
            .map(|quoted| quoted.split(':').next().unwrap())
            .collect();
        for name in names.split_whitespace() {
            assert!(theirs.contains(name), "{action}: no row for {name}");
        }
    }
}

#[test]
fn every_row_of_the_page_for_movers_leads_somewhere() {
    let page = fs::read_to_string(root().join("docs/migrating.md")).unwrap();
    let names: BTreeSet<&str> =
        INPUTS.iter().map(|input| input.name).chain(OUTPUTS.iter().map(|output| output.name)).collect();
    let rows = page
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| there") && !line.starts_with("| ---"));
    let mut count = 0;
    for row in rows {
        count += 1;
        let here = row.trim_end_matches(" |").rsplit_once(" | ").unwrap().1;
        if here.starts_with("nothing") || here.starts_with("write ") {
            continue;
        }
        let mut quoted = here.split('`').skip(1).step_by(2);
        assert!(quoted.any(|text| names.contains(text.split(':').next().unwrap())), "no such input or output: {row}");
    }
    assert!(count > 80, "{count} rows");
}
