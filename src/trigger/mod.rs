//! The trigger stage: each start is asked for once, and after a lost answer looked for before it is asked for again.

mod before;
pub(crate) mod once;
pub(crate) mod receiver;
pub mod reference;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use self::{
    before::before,
    once::{Once, RunSearch, StartProof},
};
pub use crate::workflow_file::relay_id::RelayId;
use crate::{
    connection::Connection,
    diagnosis::Failure,
    github::{ApiAnswer, DispatchRequest, WorkflowDispatchRequest, model::Dispatched},
    names::{Oid, RefName},
    plan::{DispatchPlan, Plan, WorkflowPlan},
    preflight::Cleared,
};

/// One start that was asked for, or would be in a dry run.
#[derive(Clone, Debug)]
pub struct Start {
    /// The event type, or the workflow's file name.
    pub name: String,
    /// `repository_dispatch` or `workflow_dispatch`.
    pub event: &'static str,
    /// The workflow's file name, where one was named.
    pub workflow: Option<String>,
    /// The ref that it runs on, the full one wherever that is known.
    pub reference: Option<String>,
    /// When it was sent, by the server's clock.
    pub began: DateTime<Utc>,
    /// The relay's id, where the payload or the inputs carry it.
    pub relay_id: Option<RelayId>,
    /// The runs that were there before it was asked for, as far as they could be listed.
    pub before: BTreeSet<u64>,
    /// The run that it made, where that is known: its number and address.
    pub run: Option<(u64, String)>,
}

/// Starts what the plan says, the dispatch before the workflows; `note` hears of each start as soon as it is done. `made` are the
/// refs that the step made or found as they should be, in order.
pub async fn trigger(
    cleared: &Cleared<Plan>,
    connection: &Connection,
    made: &[(RefName, Oid)],
    note: &mut dyn FnMut(&Start),
) -> Result<Vec<Start>, Failure> {
    let plan = cleared.plan();
    let mut starts = Vec::new();
    if let Some(dispatch) = &plan.dispatch {
        let start = repository_dispatch(cleared, connection, dispatch).await?;
        note(&start);
        starts.push(start);
    }
    if let Some(workflows) = &plan.workflows {
        for file in &workflows.files {
            let reference = reference::choose(cleared, connection, file, made).await?;
            let start = workflow_dispatch(cleared, connection, workflows, file, reference).await?;
            note(&start);
            starts.push(start);
        }
    }
    Ok(starts)
}

async fn repository_dispatch(
    cleared: &Cleared<Plan>,
    connection: &Connection,
    dispatch: &DispatchPlan,
) -> Result<Start, Failure> {
    let plan = cleared.plan();
    // One id for all tries: a run shows it, whichever of them started it.
    let (client_payload, relay_id) = RelayId::put_into(&dispatch.payload, Uuid::new_v4().to_string());
    let mut start = Start {
        name: dispatch.event_type.clone(),
        event: "repository_dispatch",
        workflow: None,
        reference: cleared.default_branch().map(|branch| format!("refs/heads/{branch}")),
        began: Utc::now() + cleared.server_ahead(),
        relay_id,
        before: BTreeSet::new(),
        run: None,
    };
    if !plan.behaviour.dry_run {
        // Ahead of the request: afterwards a run from a moment before looks like its own.
        start.before = before(&plan.target.slug, connection, &start).await;
        let request = DispatchRequest { event_type: dispatch.event_type.clone(), client_payload };
        let send = || connection.github.create_dispatch(&plan.target.slug, &request);
        let what = format!("dispatch of {}", dispatch.event_type);
        let Once { began, sent } = once::send(cleared, connection, &what, &RunSearch::of(&start), send).await?;
        start.began = began;
        if let StartProof::LostAnswer(run) = sent {
            start.run = Some((run.id, run.html_url));
        }
    }
    Ok(start)
}

async fn workflow_dispatch(
    cleared: &Cleared<Plan>,
    connection: &Connection,
    workflows: &WorkflowPlan,
    file: &str,
    reference: String,
) -> Result<Start, Failure> {
    let plan = cleared.plan();
    let (inputs, relay_id) = RelayId::put_into(&workflows.inputs, Uuid::new_v4().to_string());
    let mut start = Start {
        name: file.to_owned(),
        event: "workflow_dispatch",
        workflow: Some(file.to_owned()),
        reference: Some(reference.clone()),
        began: Utc::now() + cleared.server_ahead(),
        relay_id,
        before: BTreeSet::new(),
        run: None,
    };
    if plan.behaviour.dry_run {
        return Ok(start);
    }
    start.before = before(&plan.target.slug, connection, &start).await;
    // With the details the answer names the run, which else has to be looked for in a list.
    let request = WorkflowDispatchRequest { reference, inputs, return_run_details: true };
    let plain = WorkflowDispatchRequest { return_run_details: false, ..request.clone() };
    let (slug, github) = (&plan.target.slug, &connection.github);
    let send = || async {
        match github.create_workflow_dispatch(slug, file, &request).await {
            // An older GitHub Enterprise Server does not know the key, says so, and has started nothing.
            Err(error)
                if error.is(422)
                    && ["return_run_details", "not a permitted key"].iter().any(|words| error.says(words)) =>
            {
                github.create_workflow_dispatch(slug, file, &plain).await
            }
            answered => answered,
        }
    };
    let what = format!("dispatch of {file}");
    let Once { began, sent } = once::send(cleared, connection, &what, &RunSearch::of(&start), send).await?;
    start.began = began;
    start.run = match sent {
        StartProof::ApiAnswer(ApiAnswer { value: Some(Dispatched { id, html_url }), .. }) => Some((id, html_url)),
        // 204: the server does not name the run. The wait stage looks for it.
        StartProof::ApiAnswer(_) => None,
        StartProof::LostAnswer(run) => Some((run.id, run.html_url)),
    };
    if let Some((id, url)) = start.run.as_mut().filter(|(_, url)| url.is_empty()) {
        *url = format!("{}/actions/runs/{id}", plan.target.web());
    }
    Ok(start)
}
