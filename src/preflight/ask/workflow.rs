//! Asks for the workflows that are to be dispatched: are they there and active, and what does the file say at the ref?

use futures_util::future::join_all;

use super::{
    super::facts::{Asked, Known, Refusal, WorkflowFacts},
    RestAnswer, if_possible,
};
use crate::{
    connection::Connection,
    diagnosis::{Cause, Failure},
    github::{
        Meta,
        model::{Content, Workflow},
    },
    plan::{Plan, TagTarget},
};

/// What is known of each workflow that the plan dispatches, the list of all where one is not among them, and
/// the heads of the answers.
pub(super) async fn ask(
    plan: &Plan,
    connection: &Connection,
) -> (Vec<WorkflowFacts>, Option<Vec<Workflow>>, Vec<Meta>) {
    let Some(wanted) = plan.workflows.as_ref().filter(|_| plan.token().is_some()) else { return Default::default() };
    let contents = join_all(wanted.files.iter().map(|file| content(plan, connection, file)));
    let (states, contents) = tokio::join!(states(plan, connection, &wanted.files), contents);
    let (states, list, mut metas) = states;
    let mut facts = Vec::new();
    for ((file, state), (content, known, heads)) in wanted.files.iter().zip(states).zip(contents) {
        metas.extend(heads);
        facts.push(WorkflowFacts { file: file.clone(), state, content, known });
    }
    (facts, list, metas)
}

/// The workflows by their files, with the list of all where it was needed. One is asked for by its name, and by the list
/// where there is none of this name; several are looked up in the list.
async fn states(
    plan: &Plan,
    connection: &Connection,
    files: &[String],
) -> (Vec<Asked<Workflow>>, Option<Vec<Workflow>>, Vec<Meta>) {
    let slug = &plan.target.slug;
    if let [file] = files {
        let answer =
            if_possible(connection, "question for the workflow", || connection.github.workflow(slug, file)).await;
        let metas = answer.metas().cloned().collect();
        let state = answer.asked(|workflow| workflow);
        let list = match &state {
            Asked::Refused(refusal) if refusal.status == Some(404) => {
                let ask = || connection.github.workflows(slug);
                if_possible(connection, "question for the workflows", ask).await.answer().cloned()
            }
            _ => None,
        };
        return (vec![state], list, metas);
    }
    let answer = if_possible(connection, "question for the workflows", || connection.github.workflows(slug)).await;
    let metas = answer.metas().cloned().collect();
    let list = answer.asked(|list| list);
    let state = |file: &String| match &list {
        Asked::No => Asked::No,
        Asked::Refused(refusal) => Asked::Refused(refusal.clone()),
        Asked::Answer(list) => {
            let path = format!(".github/workflows/{file}");
            let absent = || {
                let failure = Failure::new(Cause::WorkflowNotFound, "It is not among the workflows.");
                Asked::Refused(Refusal { status: Some(404), failure })
            };
            list.iter().find(|known| known.path == path).cloned().map_or_else(absent, Asked::Answer)
        }
    };
    (files.iter().map(state).collect(), list.answer().cloned(), metas)
}

/// The file at the ref that it will be dispatched on, as far as that ref is known before the push: what `workflow-ref`
/// names, else the commit to tag where it holds the file, else the default branch.
async fn content(plan: &Plan, connection: &Connection, file: &str) -> (Asked<Content>, Known, Vec<Meta>) {
    let path = format!(".github/workflows/{file}");
    let look = async |reference: Option<&str>| -> RestAnswer<Content> {
        let ask = || connection.github.content(&plan.target.slug, &path, reference);
        if_possible(connection, "question for the workflow file", ask).await
    };
    let named = plan.workflows.as_ref().and_then(|workflows| workflows.reference.as_deref());
    if let Some(name) = named {
        let answer = look(Some(name)).await;
        let metas = answer.metas().cloned().collect();
        // What this very step makes or moves is not there yet, or not yet what it will be.
        let known = if is_written(plan, name) { Known::Before } else { Known::Exactly };
        return (answer.asked(|content| content), known, metas);
    }
    let tagged = plan.tags.as_ref().and_then(|tags| match &tags.target {
        TagTarget::Commit(oid) | TagTarget::OwnCommit(Some(oid)) => Some(oid.to_string()),
        TagTarget::Named(name) => Some(name.clone()),
        TagTarget::PushedTip | TagTarget::OwnCommit(None) => None,
    });
    let mut metas = Vec::new();
    if let Some(tagged) = tagged {
        let answer = look(Some(&tagged)).await;
        metas.extend(answer.metas().cloned());
        if let asked @ Asked::Answer(Content::File(_)) = answer.asked(|content| content) {
            return (asked, Known::Exactly, metas);
        }
    }
    let answer = look(None).await;
    metas.extend(answer.metas().cloned());
    let known = if plan.pushes() { Known::Before } else { Known::Exactly };
    (answer.asked(|content| content), known, metas)
}

/// Whether the step itself writes the ref of this name.
fn is_written(plan: &Plan, name: &str) -> bool {
    let tags = plan.tags.iter().flat_map(|tags| tags.tags.iter().map(|(name, _)| name));
    plan.branches().chain(tags).any(|written| written.as_str() == name || written.short() == name)
}
