//! What the server says about dispatches, workflows and runs.

use super::{Cause, Reading};
use crate::finding::{CausePattern, Finding};
use crate::reading::Endpoint;

pub(super) const PATTERNS: &[CausePattern] = &[
    CausePattern::of(
        Cause::WorkflowDispatchNoTrigger,
        &[
            "does not have 'workflow_dispatch'",
            "have 'workflow_dispatch' trigger",
            "no 'workflow_dispatch' trigger",
            "does not have a workflow_dispatch",
            "does not have workflow_dispatch",
            "workflow does not have",
        ],
    ),
    CausePattern::of(
        Cause::WorkflowDisabled,
        &[
            "disabled workflow",
            "workflow is disabled",
            "workflow was disabled",
            "workflow has been disabled",
            // The star stands for the file or the title, which the caller chose.
            "workflow '*' is disabled",
            "disabled_manually",
            "disabled_inactivity",
            "disabled_fork",
        ],
    ),
    CausePattern::of(
        Cause::ActionsDisabled,
        &[
            "actions are currently disabled",
            "actions is currently disabled",
            "actions has been disabled",
            "actions have been disabled",
            "actions is disabled",
            "actions are disabled",
            "actions is not enabled",
            "actions are not enabled",
            "actions is not allowed",
            "actions disabled",
        ],
    ),
    CausePattern::of(
        Cause::WorkflowInputsRejected,
        &[
            "unexpected inputs provided",
            "unexpected input",
            "required input '",
            "required input",
            // An input of type choice; GitHub names the input first, so that the tail is what is constant.
            "not in the list of allowed values",
            "for input '",
            "invalid value for input",
            "inputs' for a 'workflow_dispatch",
            "inputs for a workflow_dispatch",
            "missing required input",
        ],
    ),
    // The ref stands at the end of the sentence, and can be any name.
    CausePattern::of(Cause::DispatchRefNotFound, &["no ref found for"]),
    CausePattern::unsure(
        Cause::WorkflowNotFound,
        // A token that cannot see the repository finds none of its workflows either.
        &[Cause::RepoNotFoundOrHidden],
        &[
            "could not find any workflows",
            "unable to find workflow",
            "could not find workflow",
            "couldn't find workflow",
            "workflow not found",
            "workflow * not found",
            "workflow * does not exist",
            "no workflow*found",
            "no workflows found",
        ],
    ),
    CausePattern::of(
        Cause::DispatchPayloadInvalid,
        &[
            // GitHub counts top-level keys: "No more than 10 properties are allowed".
            "properties are allowed",
            "characters are allowed",
            "client_payload",
            "event_type",
            "not permitted keys",
            "not a permitted key",
            "body should be a json object",
            // A payload that was put together by a shell lost its quotes.
            "problems parsing json",
            "payload is too large",
            "payload too large",
            "inputs are too large",
            "is not an object",
            "not a valid json object",
        ],
    ),
    CausePattern::of(
        Cause::RunFailed,
        &[
            // Words of actions that wait for a run; GitHub itself has only the field `conclusion`.
            "conclusion: failure",
            "conclusion: timed_out",
            "conclusion: cancelled",
            "conclusion: startup_failure",
            "conclusion: action_required",
            "conclusion: stale",
            "completed with 'failure'",
            "completed with 'cancelled'",
            "completed with 'timed_out'",
            "completed with 'startup_failure'",
            "completed with conclusion",
            "concluded with",
            "conclusion 'failure'",
            "conclusion=failure",
            "conclusion is not success",
            "conclusion is failure",
            "conclusion was failure",
            "conclusion was not success",
            "conclusion was cancelled",
            "conclusion was timed_out",
            "conclusion of one or more checks",
            "with conclusion failure",
            "with conclusion: failure",
            "with conclusion cancelled",
            "with conclusion timed_out",
            "with conclusion 'failure",
            "with conclusion 'cancelled",
            "with conclusion 'timed_out",
            "with conclusion startup_failure",
            "with a conclusion of",
            "with status 'failure'",
            "concluded as failure",
            "triggered workflow failed",
            "triggered workflow has failed",
            "downstream*workflow*failed",
            "remote run*failed",
            "run*conclusion 'failure'",
            "workflow run failed",
            "workflow run*was cancelled",
            "run*has failed",
            "startup_failure",
        ],
    ),
    CausePattern::of(
        Cause::NotTriggered,
        &[
            "no run appeared",
            // Before the waiting causes: these actions say "timeout" too when no run ever appeared.
            "timeout exceeded*run id",
            "timed out*run id",
            "timeout*to get*run id",
            "timeout*workflow run to start",
            "timed out*run to start",
            "timed out*run to appear",
            "exhausted searching ids",
            "was never run against this ref",
            "no matching run",
            "unable to find*run id",
            "could not find*run id",
            "failed to find*run id",
            "failed to get*run id",
            "unable to get run id",
            "run was not found in time",
            "no workflow runs were found",
            "no workflow run was found",
            "no workflow run found",
            "run*did not start in time",
            "could not find*workflow run",
            "unable to find*workflow run",
            "run id*not found",
            "no run was found",
            "no run found",
            "no runs were found",
            "timed out*to find*run",
        ],
    ),
    CausePattern::of(
        Cause::WaitTimeout,
        &[
            "timed out waiting for*run",
            "timeout*waiting for*run",
            "timed out*waiting for*workflow",
            "run*did not complete within",
            "run*has not completed",
            "timeout exceeded*workflow",
            "timeout exceeded*completion",
            "timeout exceeded*run",
            "timed out*completion",
            "timeout*for completion",
            "does not complete within",
            "did not complete in time",
            "did not finish in time",
            "didn't finish in time",
            "still in progress after",
            "still in_progress",
            "waited too long for*run",
            "maximum wait time",
        ],
    ),
    CausePattern::of(
        Cause::Cancelled,
        &[
            // What the runner writes when the job that holds the step is cancelled.
            "the operation was canceled",
            "the operation was cancelled",
            "received a shutdown signal",
            "run was canceled",
            "run was cancelled",
            "job was canceled",
            "sigterm",
            "has been cancelled by",
        ],
    ),
    CausePattern::unsure(
        Cause::Timeout,
        // The runner ends a job at its limit in the way in which it cancels one.
        &[Cause::Cancelled],
        &["exceeded the maximum execution time", "has timed out after * minutes", "timed out after * minutes"],
    ),
];

/// What a sentence means for the call that it answers.
pub(super) fn by_endpoint(reading: &Reading, mut finding: Finding) -> Finding {
    let dispatch = reading.endpoint == Endpoint::RepositoryDispatch;
    match (finding.cause, reading.endpoint) {
        (Cause::PackTooLarge | Cause::FileTooLarge, Endpoint::RepositoryDispatch | Endpoint::WorkflowDispatch) => {
            // A dispatch carries neither pack nor file: the text is about the size of its body.
            finding.cause = Cause::DispatchPayloadInvalid;
        }
        (Cause::DispatchPayloadInvalid, Endpoint::WorkflowDispatch) => {
            // This endpoint answers 422 for a malformed body and for undeclared inputs with like words.
            finding.also = vec![Cause::WorkflowInputsRejected];
        }
        (Cause::DispatchPayloadInvalid, Endpoint::Refs) => {
            // The body of a call for refs holds a name and an id, and nothing else can be invalid.
            finding.cause = Cause::InvalidRefOrObject;
        }
        // The words of a missing file, with a run of it as what is missing.
        (Cause::WorkflowNotFound, _) if reading.has_any(&["run not found", "run was not found", "runs not found"]) => {
            finding.cause = Cause::NotTriggered;
            finding.also = Vec::new();
        }
        // The answer to a dispatch comes before any run starts: the words are from somewhere else.
        (Cause::RunFailed, _) if dispatch => finding.also = vec![Cause::Unknown],
        _ => {}
    }
    finding
}
