//! The check `workflow`: each file to dispatch exists, is active, has `workflow_dispatch`, and takes these inputs.
//!
//! Source: <https://docs.github.com/en/rest/actions/workflows#create-a-workflow-dispatch-event>

use serde_json::{Map, Value};

use super::{
    check::{Check, CheckName},
    facts::{Asked, Facts, Known, WorkflowFacts},
    workflow_inputs::{mismatch, refused_by_server},
};
use crate::{
    diagnosis::{Cause, Failure},
    github::model::{Content, Workflow},
    plan::{Plan, reference},
    workflow_file::WorkflowFile,
};

/// Whether GitHub will start the workflows with these inputs.
pub(super) fn workflow(plan: &Plan, facts: &Facts) -> Option<Check> {
    let wanted = plan.workflows.as_ref()?;
    let inputs = wanted.inputs.value();
    if let Some(failure) = refused_by_server(plan, facts) {
        return Some(Check::fail(CheckName::Workflow, failure));
    }
    if let Some(Err(failure)) = reference::named(plan, facts.refs.answer(), &[]) {
        return Some(Check::fail(CheckName::Workflow, failure));
    }
    let mut checks: Vec<Check> = facts.workflows.iter().map(|known| one(plan, facts, known, inputs)).collect();
    // One line for all files: the worst verdict stands for them.
    checks.sort_by_key(Check::weight);
    checks.pop()
}

fn one(plan: &Plan, facts: &Facts, known: &WorkflowFacts, inputs: &Map<String, Value>) -> Check {
    let (file, web) = (&known.file, plan.target.web());
    let skip = |text: String| Check::skip(CheckName::Workflow, text);
    match &known.state {
        Asked::No => return skip(format!("{file} was not asked for.")),
        // 404 stands for a hidden repository, too: where that can be seen, the file is what is missing.
        Asked::Refused(refusal) if refusal.status == Some(404) && facts.repository.answer().is_some() => {
            return absent(plan, facts, file);
        }
        Asked::Refused(refusal) => {
            return skip(format!("{file} could not be asked for. {}", refusal.failure.what));
        }
        // GitHub goes on listing a workflow whose file is gone.
        Asked::Answer(workflow) if workflow.state == "deleted" => return absent(plan, facts, file),
        Asked::Answer(workflow) if workflow.state.starts_with("disabled") => {
            let page = format!("{web}/actions/workflows/{file}");
            let what = format!("The workflow {file} is switched off ({}).", workflow.state);
            let failure = Failure::new(Cause::WorkflowDisabled, what);
            let remedy = format!("Open {page} and choose Enable workflow.");
            return Check::fail(CheckName::Workflow, failure.with_remedy(remedy).with_link(page));
        }
        Asked::Answer(_) => {}
    }
    let text = match &known.content {
        Asked::Answer(Content::File(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
        _ => return skip(format!("{file} is there and active; what it says at the ref could not be read.")),
    };
    let read = WorkflowFile::read(&text);
    // The server reads the file with another parser: this is too doubtful to stop for.
    if let Some(broken) = read.broken() {
        let what = format!("{file} is no workflow that could start: {broken}.");
        let failure = Failure::new(Cause::WorkflowDispatchNoTrigger, what)
            .with_remedy(format!("Correct {file} on the ref that is dispatched."));
        return Check::warn(CheckName::Workflow, failure);
    }
    let Some(declared) = read.dispatch_inputs() else {
        let what = format!("{file} has no `workflow_dispatch` under `on:`.");
        let remedy = format!(
            "Add `workflow_dispatch:` under `on:` of .github/workflows/{file}, on the ref that is dispatched and on the default branch."
        );
        return settled(plan, facts, known, Failure::new(Cause::WorkflowDispatchNoTrigger, what).with_remedy(remedy));
    };
    if let Some(what) = mismatch(file, declared, inputs) {
        let names: Vec<&str> = declared.iter().map(|input| input.name.as_str()).collect();
        let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        let remedy = format!(
            "Bring `workflow-inputs` in line with `on.workflow_dispatch.inputs` of {file}; it declares: {names}."
        );
        return settled(plan, facts, known, Failure::new(Cause::WorkflowInputsRejected, what).with_remedy(remedy));
    }
    Check::pass(CheckName::Workflow, format!("{file} is active and takes these inputs."))
}

/// Certain where the file was read at the very ref that is dispatched, or where this step cannot change it there.
fn settled(plan: &Plan, facts: &Facts, known: &WorkflowFacts, failure: Failure) -> Check {
    match known.known {
        Known::Before if leaves_default_branch(plan, facts) => Check::fail(CheckName::Workflow, failure),
        Known::Exactly => Check::fail(CheckName::Workflow, failure),
        Known::Before => {
            let what = format!("{} That is so before this step's push.", failure.what);
            Check::warn(CheckName::Workflow, Failure { what, ..failure })
        }
    }
}

/// Whether the default branch is dispatched and the push goes elsewhere: a directory's branch is never chosen by itself.
fn leaves_default_branch(plan: &Plan, facts: &Facts) -> bool {
    let is_chosen = plan.tags.is_none() && plan.workflows.as_ref().is_some_and(|wanted| wanted.reference.is_none());
    let default = facts.repository.answer().map(|repository| repository.default_branch.as_str());
    is_chosen
        && plan.directory().is_some_and(|directory| default.is_some_and(|name| name != directory.branch().short()))
}

/// How alike two names must be for one to be taken for a slip of the other.
const ALIKE: f64 = 0.85;

/// What was likely meant by the name of a file that is not there: a sentence and the right name.
pub(super) fn meant(list: &[Workflow], file: &str) -> Option<(String, String)> {
    let named = || list.iter().filter_map(|known| Some((known.path.strip_prefix(".github/workflows/")?, known)));
    let wanted = file.trim().to_lowercase();
    if let Some((right, _)) = named().find(|(_, known)| known.name.trim().to_lowercase() == wanted) {
        return Some((format!("That is the title of {right}."), right.to_owned()));
    }
    let likeness = |name: &str| strsim::jaro_winkler(&wanted, &name.to_lowercase());
    let (right, _) = named().max_by(|one, other| likeness(one.0).total_cmp(&likeness(other.0)))?;
    let stem = |name: &str| name.trim_end_matches(".yaml").trim_end_matches(".yml").to_owned();
    let is_like =
        likeness(right) >= ALIKE || strsim::jaro_winkler(&stem(&wanted), &stem(&right.to_lowercase())) >= ALIKE;
    is_like.then(|| (format!("Did you mean {right}?"), right.to_owned()))
}

fn absent(plan: &Plan, facts: &Facts, file: &str) -> Check {
    let default = facts.repository.answer().map_or("", |repository| repository.default_branch.as_str());
    let what = format!("{} has no workflow {file} on its default branch {default}.", plan.target.slug);
    let meant = facts.all_workflows().and_then(|list| meant(list, file));
    let what = meant.iter().fold(what, |what, (hint, _)| format!("{what} {hint}"));
    let remedy = meant.map(|(_, right)| format!("Set `workflow: {right}`."));
    let remedy = remedy.unwrap_or_else(|| format!(
        "Set `workflow` to the name of a file in {}/tree/{default}/.github/workflows (not to its title), or merge the file into {default} first.",
        plan.target.web()
    ));
    let failure = Failure::new(Cause::WorkflowNotFound, what).with_remedy(remedy);
    // This very step may bring it.
    if plan.branches().any(|branch| branch.short() == default) {
        return Check::warn(CheckName::Workflow, failure);
    }
    Check::fail(CheckName::Workflow, failure)
}
