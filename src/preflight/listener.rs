//! The check `listener`: a workflow on the default branch listens to the event that is dispatched. GitHub takes an event
//! that nobody listens to without a word.
//!
//! Source: <https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows#repository_dispatch>

use super::{
    check::{Check, CheckName},
    facts::{Asked, Facts, FileText, ListenerFacts},
};
use crate::{
    diagnosis::{Cause, Failure},
    plan::Plan,
    workflow_file::WorkflowFile,
};

/// Whether a workflow listens to the `repository_dispatch`.
pub(super) fn listener(plan: &Plan, facts: &Facts) -> Option<Check> {
    let event_type = &plan.dispatch.as_ref()?.event_type;
    let ListenerFacts { list, files, is_cut } = facts.listeners.as_ref()?;
    let skip = |text: String| Some(Check::skip(CheckName::Listener, text));
    let list = match list {
        Asked::No => return skip("The workflows were not asked for.".to_owned()),
        Asked::Refused(refusal) => {
            return skip(format!("The workflows could not be asked for. {}", refusal.failure.what));
        }
        Asked::Answer(list) => list,
    };
    let branch = facts.repository.answer().map_or("", |repository| repository.default_branch.as_str());
    let mut near = None;
    for (file, text) in files {
        let FileText::Text(text) = text else { continue };
        let read = WorkflowFile::read(text);
        match read.excludes_dispatch(event_type) {
            None => {
                let text = format!("{file} on the default branch {branch} listens to {event_type}.");
                return Some(Check::pass(CheckName::Listener, text));
            }
            Some(exclusion) if read.listens_to("repository_dispatch") => {
                near = near.or(Some(format!(" {file} comes nearest: {}.", exclusion.why)));
            }
            Some(_) => {}
        }
    }
    // Any file that was not read may be the one that listens: a warning would be a guess.
    if let Some((file, _)) = files.iter().find(|(_, text)| matches!(text, FileText::Unread)) {
        return skip(format!("{file} on the default branch could not be read; no other file listens to {event_type}."));
    }
    if *is_cut {
        return skip(format!("{} workflow files were read, and none of them listens to {event_type}.", files.len()));
    }
    let off: Vec<&str> = list
        .iter()
        .filter(|workflow| workflow.state.starts_with("disabled"))
        .filter_map(|workflow| workflow.path.strip_prefix(".github/workflows/"))
        .collect();
    let off = if off.is_empty() { String::new() } else { format!(" Switched off: {}.", off.join(", ")) };
    // The push of this very step can bring the workflow that listens.
    let before = if plan.branches().any(|pushed| pushed.short() == branch) {
        " That is so before this step's push."
    } else {
        ""
    };
    let what = format!(
        "No workflow file on the default branch {branch} listens to a `repository_dispatch` of the type {event_type}: it will start nothing.{}{off}{before}",
        near.unwrap_or_default()
    );
    let remedy = format!(
        "Add `on: repository_dispatch: types: [{event_type}]` to a workflow file on {branch}, or correct `dispatch`."
    );
    let failure = Failure::new(Cause::NotTriggered, what).with_remedy(remedy);
    Some(Check::warn(CheckName::Listener, failure.with_link(format!("{}/actions", plan.target.web()))))
}
