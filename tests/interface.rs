//! `action.yml`, the parser, `--help` and the tables of `docs/inputs.md` say the same, and it is what the interface promises.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test's helper fails the test")]

use std::{collections::BTreeSet, ffi::OsString, fs, io, path::Path};

use repo_relay::{
    cli::{self, Invocation},
    context::{Context, Environment},
    inputs::{
        CheckName, INPUTS, Inputs, documents,
        table::{Group, OUTPUTS, Preset},
    },
};
use serde_yaml_ng::Value;

/// The inputs that users write, in order. Written out once more: a row that goes missing in the table is a broken workflow.
const NAMES: &str = "repository server-url api-url ca-certificate \
    token workflow-token ssh-key ssh-known-hosts app-id app-private-key \
    directory branch destination remove keep exclude symlinks history message trailers author nojekyll cname allow-empty \
    signing-key sign pull-request pull-request-merge prune-previews refs checkout prune lfs tag tag-message tag-target tag-exists \
    dispatch payload workflow workflow-ref workflow-inputs wait wait-for wait-timeout \
    secret-name secret-value secret-scope revoke-token dry-run expiry-warning attempts timeout ignore-checks";

/// The outputs that users read, in order.
const OUTPUT_NAMES: &str = "pushed commit previous branch tag tag-created dispatched run-id run-url run-conclusion page-url \
    pull-request pull-request-url drift token-kind token-expires-at error report";

/// The defaults that users rely on.
const DEFAULTS: &[(&str, &str)] = &[
    ("token", "${{ github.token }}"),
    ("workflow-token", "${{ github.token }}"),
    ("branch", "gh-pages"),
    ("remove", "false"),
    ("exclude", ".github/**"),
    ("symlinks", "keep"),
    ("history", "append"),
    ("message", "Publish {repository}@{short_sha}"),
    ("trailers", "auto"),
    ("author", "github-actions[bot] <41898282+github-actions[bot]@users.noreply.github.com>"),
    ("nojekyll", "auto"),
    ("allow-empty", "false"),
    ("sign", "auto"),
    ("pull-request", "no"),
    ("pull-request-merge", "no"),
    ("prune", "false"),
    ("lfs", "auto"),
    ("tag-exists", "keep"),
    ("payload", "{}"),
    ("workflow-inputs", "{}"),
    ("wait", "no"),
    ("wait-timeout", "10m"),
    ("secret-scope", "actions"),
    ("dry-run", "false"),
    ("expiry-warning", "14"),
    ("attempts", "5"),
    ("timeout", "15m"),
];

fn file(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

fn action() -> Value {
    yaml("action.yml")
}

fn yaml(name: &str) -> Value {
    serde_yaml_ng::from_str(&file(name)).unwrap()
}

fn keys(value: &Value) -> Vec<String> {
    value.as_mapping().unwrap().keys().map(|key| key.as_str().unwrap().to_owned()).collect()
}

fn parse(arguments: &[&str], environment: Environment) -> Result<Invocation, String> {
    let mut no_file = |_: &str| Err(io::Error::from(io::ErrorKind::NotFound));
    cli::parse(arguments.iter().map(OsString::from), environment, &mut no_file).map_err(|failure| failure.to_string())
}

fn help() -> String {
    match parse(&["--help"], Environment::default()).unwrap() {
        Invocation::Help(text) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn action_yml_declares_every_input_with_description_and_default() {
    let action = action();
    assert_eq!(keys(&action["inputs"]), NAMES.split_whitespace().collect::<Vec<_>>());
    for name in NAMES.split_whitespace() {
        let input = &action["inputs"][name];
        let description = input["description"].as_str().unwrap();
        assert!(description.contains("Default: ") || description.ends_with("No default."), "{name}: {description}");
        assert!(!description.contains("${{"), "{name}: the runner refuses an expression here");
        let preset = DEFAULTS.iter().find(|(with_default, _)| *with_default == name).map(|(_, value)| *value);
        assert_eq!(input["default"].as_str(), preset, "{name}");
    }
    assert_eq!(keys(&action["outputs"]), OUTPUT_NAMES.split_whitespace().collect::<Vec<_>>());
    assert_eq!(action["runs"]["using"].as_str(), Some("docker"));
    assert!(action["runs"]["image"].as_str().is_some() && action["runs"]["args"].is_null());
    assert!(action["branding"]["icon"].as_str().is_some() && action["branding"]["color"].as_str().is_some());
}

#[test]
fn action_yml_and_the_page_of_inputs_are_those_that_the_table_makes() {
    let again = "run `cargo run --example tables`";
    // A release names its prebuilt image there.
    let image = format!("image: {}\n", action()["runs"]["image"].as_str().unwrap());
    assert_eq!(file("action.yml"), documents::action_yml().replace("image: Dockerfile\n", &image), "{again}");
    assert_eq!(file("native/action.yml"), documents::native_action_yml(), "{again}");
    let page = file("docs/inputs.md");
    for (name, content) in [("inputs", documents::inputs_tables()), ("outputs", documents::outputs_table())] {
        let written = documents::between_markers(&page, name, &content).unwrap();
        assert_eq!(page, written, "{again}");
    }
    for name in NAMES.split_whitespace().chain(OUTPUT_NAMES.split_whitespace()) {
        assert!(page.contains(&format!("\n| `{name}` | ")), "{name}");
    }
}

#[test]
fn the_native_action_has_the_same_inputs_and_outputs() {
    let (container, native) = (action(), yaml("native/action.yml"));
    assert_eq!(container["inputs"], native["inputs"]);
    assert_eq!(container["outputs"], native["outputs"]);
    assert_eq!(native["runs"]["using"].as_str(), Some("node24"));
    let main = file(&format!("native/{}", native["runs"]["main"].as_str().unwrap()));
    assert!(main.lines().count() < 150, "the shim is to be read at a glance");
    let modules = main.split("require(").skip(1).filter_map(|rest| rest.split('\'').nth(1));
    assert!(modules.clone().count() >= 3);
    for module in modules {
        assert!(["crypto", "child_process", "./binaries.json"].contains(&module), "{module} is a dependency");
    }
}

/// What the Marketplace refuses only when a release is published.
///
/// Source: <https://docs.github.com/en/actions/how-tos/create-and-publish-actions/publish-in-github-marketplace>
#[test]
fn the_marketplace_would_list_the_action() {
    const COLORS: [&str; 8] = ["white", "black", "yellow", "blue", "green", "orange", "red", "purple"];
    let action = action();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let (name, description) = (text(&action["name"]), text(&action["description"]));
    assert!(
        !name.is_empty() && name.chars().all(|character| character.is_ascii_alphanumeric() || "- ".contains(character))
    );
    assert!((1..125).contains(&description.chars().count()), "{description}");
    assert!(!text(&action["author"]).is_empty());
    let (icon, color) = (text(&action["branding"]["icon"]), text(&action["branding"]["color"]));
    assert!(icon.chars().all(|character| character.is_ascii_lowercase() || character == '-'), "{icon}");
    assert!(COLORS.contains(&&*color) || color == "gray-dark", "{color}");
    assert!(file("README.md").starts_with("# ") && file("LICENSE-MIT").starts_with("MIT License"));
    assert_ne!(name, text(&yaml("native/action.yml")["name"]), "two actions of one name");
}

#[test]
fn help_lists_every_input_under_its_group() {
    let help = help();
    for group in Group::ALL {
        assert!(help.contains(&format!("\n{}:\n", group.title())), "{}", group.title());
    }
    let flags: BTreeSet<&str> = help
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("--"))
        .map(|line| line.split([' ', '[', '=']).next().unwrap())
        .collect();
    for input in INPUTS {
        let flag = if input.form.is_secret() { format!("{}-file", input.name) } else { input.name.to_owned() };
        assert!(flags.contains(flag.as_str()), "{flag} is not among {flags:?}");
    }
    assert!(!flags.contains("token") && !flags.contains("secret-value"), "a secret has a value flag");
    assert!(help.contains("explain"));
}

#[test]
fn the_parser_takes_what_the_runner_hands_over_for_a_step_without_inputs() {
    // The runner sets every declared input, those without a default to the empty text.
    let action = action();
    let value = |name: &str| match action["inputs"][name]["default"].as_str() {
        Some("${{ github.token }}") => "ghs_workflow".to_owned(),
        preset => preset.unwrap_or_default().to_owned(),
    };
    let inputs = NAMES.split_whitespace().map(|name| (format!("INPUT_{}", name.to_uppercase()), value(name)));
    let environment: Environment = inputs.chain([("GITHUB_REPOSITORY".to_owned(), "o/r".to_owned())]).collect();
    let context = Context::read(&environment, "/github/workspace".into());
    let Ok(Invocation::Relay(request)) = parse(&[], environment) else { panic!("not a relay") };
    let raw = request.raw;
    assert_eq!(raw.secrets().map(|(name, _)| name).collect::<Vec<_>>(), ["token", "workflow-token"]);
    let inputs = Inputs::read(&raw, &context).unwrap();
    assert_eq!(inputs.targets.list[0].web(), "https://github.com/o/r");
    assert!(inputs.credential.token.secret().is_some() && inputs.notices.is_empty() && inputs.warnings.is_empty());
}

#[test]
fn the_table_is_whole() {
    assert_eq!(INPUTS.iter().map(|input| input.name).collect::<Vec<_>>(), NAMES.split_whitespace().collect::<Vec<_>>());
    assert_eq!(
        OUTPUTS.iter().map(|output| output.name).collect::<Vec<_>>(),
        OUTPUT_NAMES.split_whitespace().collect::<Vec<_>>()
    );
    for input in INPUTS {
        assert!(input.help.ends_with('.') && !input.help.contains("${{"), "{}", input.name);
        assert!(input.needs.iter().all(|need| INPUTS.iter().any(|other| other.name == *need)), "{}", input.name);
        let secret_default = input.form.is_secret() && matches!(input.preset, Preset::Value(_));
        assert!(!secret_default, "{}", input.name);
    }
    assert_eq!(CheckName::ALL.iter().map(|check| check.name()).collect::<BTreeSet<_>>().len(), 26);
}

/// The crates of the workspace's table, without the program's own.
fn direct_dependencies(manifest: &str) -> BTreeSet<String> {
    let mut inside = false;
    let mut names = BTreeSet::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line == "[workspace.dependencies]";
        } else if inside && let Some((name, _)) = line.split_once('=').filter(|_| !line.starts_with("repo-relay-")) {
            names.insert(name.trim().to_owned());
        }
    }
    names
}

#[test]
fn every_direct_dependency_has_its_reason() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let used = direct_dependencies(&fs::read_to_string(root.join("Cargo.toml")).unwrap());
    assert!(used.len() > 40, "{used:?}");
    let page = fs::read_to_string(root.join("CONTRIBUTING.md")).unwrap();
    let (_, table) = page.split_once("## Dependencies").unwrap();
    let mut reasons = BTreeSet::new();
    for line in table.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| ---")).skip(1) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        assert!(cells.len() == 2 && cells[1].len() > 3, "no reason: {line}");
        for name in cells[0].split(", ") {
            assert!(reasons.insert(name.to_owned()), "{name} stands there twice");
        }
    }
    assert_eq!(used, reasons, "Cargo.toml on the left, CONTRIBUTING.md on the right");
}
