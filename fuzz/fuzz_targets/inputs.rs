//! Inputs: whatever stands in them, they are read or refused by name, and no refusal shows a secret.
#![no_main]

use libfuzzer_sys::fuzz_target;
use repo_relay::{
    context::{Context, Environment},
    credential::Redactor,
    inputs::{INPUTS, Inputs, Raw},
};

const TOKEN: &str = "ghp_0aB1cD2eF3gH4iJ5kL6mN7oP8qR9sT0uV1wX";

// Lines of `name=value`; `\n` in a value is a line break, `{TOKEN}` the token.
fuzz_target!(|text: &str| {
    let runner = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_SERVER_URL", "https://github.com"),
        ("GITHUB_API_URL", "https://api.github.com"),
        ("GITHUB_REPOSITORY", "acme/source"),
        ("GITHUB_WORKSPACE", "/nonexistent"),
        ("INPUT_TOKEN", TOKEN),
    ];
    let mut variables: Vec<(String, String)> =
        runner.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    for line in text.lines() {
        let Some((name, value)) = line.split_once('=') else { continue };
        let value = value.replace("\\n", "\n").replace("{TOKEN}", TOKEN);
        variables.push((format!("INPUT_{}", name.to_uppercase()), value));
    }
    let context = Context::read(&variables.iter().cloned().collect(), "/nonexistent".into());
    let raw = Raw::from_environment(variables.into_iter().collect::<Environment>());
    let redactor = Redactor::new(raw.secrets().map(|(_, secret)| secret));
    match Inputs::read(&raw, &context) {
        Ok(inputs) => assert!(!inputs.targets.list.is_empty()),
        Err(failure) => {
            let shown = redactor.redacted(failure.clone());
            assert!(!shown.what.contains(TOKEN) && !shown.remedy().contains(TOKEN), "{shown:?}");
            assert!(failure.what.len() < 64 * 1024, "{} bytes", failure.what.len());
            let named = INPUTS.iter().any(|input| failure.what.contains(input.name));
            assert!(named || failure.what.contains("INPUT_"), "which input? {}", failure.what);
        }
    }
});
