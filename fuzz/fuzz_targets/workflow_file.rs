//! Workflow files: whatever a file holds it is read within bounds, and says what is wrong with it in one line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use repo_relay::{names::RefName, workflow_file::WorkflowFile};

fuzz_target!(|text: &str| {
    let file = WorkflowFile::read(text);
    let names: [RefName; 2] = ["refs/heads/main", "refs/tags/v1"].map(|name| name.parse().expect("a ref"));
    for name in &names {
        if let Some(found) = file.excludes_push(name) {
            assert!(!found.why.is_empty());
        }
    }
    if let Some(found) = file.excludes_dispatch("published") {
        assert!(!found.why.is_empty());
    }
    if file.broken().is_some() {
        assert!(!file.listens_to("push"), "a file that cannot be read starts nothing");
    }
    for input in file.dispatch_inputs().unwrap_or_default() {
        assert!(input.name.len() <= text.len() && input.options.len() <= text.len());
    }
    let again = WorkflowFile::read(text);
    assert_eq!(file.run_name(), again.run_name());
    assert_eq!(file.broken(), again.broken());
});
