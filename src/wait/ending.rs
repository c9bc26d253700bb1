//! How runs stand and end, in words.
//!
//! Source: <https://docs.github.com/en/rest/actions/workflow-runs>, <https://docs.github.com/en/rest/checks/runs>

use std::time::Duration;

use super::{
    expected::Expected,
    run,
    waiting::{Waiting, failure},
};
use crate::{
    connection::Connection,
    diagnosis::{Cause, Failure},
    github::model::{Job, Run},
};

/// Whether all runs, which have ended, ended well.
pub(super) async fn judge(expected: &Expected, waiting: &Waiting, connection: &Connection) -> Result<(), Failure> {
    let Some(run) = expected.runs.iter().find(|run| !run::ended_well(run)) else { return Ok(()) };
    let slug = &waiting.cleared.plan().target.slug;
    let look = || async { Ok::<_, Failure>(connection.github.jobs(slug, run.id).await?.value) };
    // Job and step only make the message better: without them it is still the run's failure.
    let jobs = connection.retries.run("look at the run's jobs", look).await.unwrap_or_default();
    Err(failed(run, &jobs))
}

/// A run that did not end well, with the job and step where it went wrong.
fn failed(run: &Run, jobs: &[Job]) -> Failure {
    let bad = |conclusion: &Option<String>| {
        matches!(conclusion.as_deref(), Some("failure" | "timed_out" | "cancelled" | "startup_failure"))
    };
    // Cancelled jobs are often victims of the one that failed: `fail-fast` cancels the rest of a matrix.
    let worst = |wanted: &str| jobs.iter().find(|job| job.conclusion.as_deref() == Some(wanted));
    let job = worst("failure").or_else(|| worst("timed_out")).or_else(|| jobs.iter().find(|job| bad(&job.conclusion)));
    let step = job.and_then(|job| job.steps.iter().find(|step| bad(&step.conclusion)));
    let place = match (job, step) {
        (Some(job), Some(step)) => format!(", in the job `{}` at the step `{}`", job.name, step.name),
        (Some(job), None) => format!(", in the job `{}`", job.name),
        _ => String::new(),
    };
    let conclusion = run.conclusion.as_deref().unwrap_or("no conclusion");
    let ended = match conclusion {
        "failure" => "failed".to_owned(),
        "cancelled" => "was cancelled".to_owned(),
        "timed_out" => "ran into its own time limit".to_owned(),
        "startup_failure" => "could not start (`startup_failure`): the workflow file itself is at fault".to_owned(),
        "action_required" => "waits for somebody's approval (`action_required`)".to_owned(),
        "stale" => "was given up by GitHub after two weeks (`stale`)".to_owned(),
        other => format!("ended as `{other}`"),
    };
    let url = job.map(|job| job.html_url.as_str()).filter(|url| !url.is_empty()).unwrap_or(&run.html_url);
    let what = format!("The run {} of {} {ended}{place}: {url} .", run.id, run::workflow_name(run));
    let remedy = match conclusion {
        "startup_failure" => format!("Open {} : it says what is wrong in {}.", run.html_url, run::workflow_name(run)),
        "action_required" => format!("Open {} and approve the run.", run.html_url),
        _ => format!("Open {url} and read the first failed step."),
    };
    failure(Cause::RunFailed, what, Some(url)).with_remedy(remedy)
}

/// Runs that had not ended in time.
pub(super) fn too_late(expected: &Expected, timeout: Duration) -> Failure {
    let open = expected.runs.iter().find(|run| !run::has_ended(run)).or(expected.runs.last());
    let Some(run) = open else {
        return failure(Cause::WaitTimeout, format!("{} took longer than `wait-timeout`.", expected.name()), None);
    };
    let timeout = humantime::format_duration(timeout);
    let why = match run.status.as_str() {
        "queued" => " It waits for a runner.",
        "waiting" => " It waits for an approval or a rule of its environment.",
        "pending" => " It waits for another run of its `concurrency` group.",
        "action_required" => " It waits for somebody's approval.",
        "requested" => " GitHub has not begun it yet.",
        _ => "",
    };
    let what = format!(
        "The run {} of {} was `{}` after {timeout} (`wait-timeout`).{why} It goes on: {} .",
        run.id,
        run::workflow_name(run),
        run.status,
        run.html_url
    );
    failure(Cause::WaitTimeout, what, Some(&run.html_url))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::github::model::Step;

    fn run(status: &str, conclusion: Option<&str>) -> Run {
        Run {
            id: 7,
            path: ".github/workflows/deploy.yml@main".into(),
            status: status.into(),
            conclusion: conclusion.map(str::to_owned),
            html_url: "https://h/r/7".into(),
            ..Run::default()
        }
    }

    #[test]
    fn every_status_and_conclusion_is_known() {
        for status in ["queued", "in_progress", "pending", "requested", "waiting", "action_required"] {
            assert!(!run::has_ended(&run(status, None)), "{status}");
            assert_eq!(run::state(&run(status, None)), status);
        }
        for conclusion in ["success", "neutral", "skipped"] {
            assert!(run::ended_well(&run("completed", Some(conclusion))), "{conclusion}");
        }
        for conclusion in ["failure", "cancelled", "timed_out", "action_required", "stale", "startup_failure", "new"] {
            let run = run("completed", Some(conclusion));
            assert!(run::has_ended(&run) && !run::ended_well(&run), "{conclusion}");
            let failure = failed(&run, &[]);
            assert_eq!(failure.cause, Cause::RunFailed);
            assert!(failure.what.starts_with("The run 7 of deploy.yml "), "{}", failure.what);
        }
    }

    #[test]
    fn the_job_and_the_step_that_failed_are_named() {
        let step = |name: &str, conclusion: &str| Step {
            name: name.into(),
            conclusion: Some(conclusion.into()),
            ..Step::default()
        };
        let job = |name: &str, conclusion: &str, steps| Job {
            name: name.into(),
            conclusion: Some(conclusion.into()),
            html_url: "https://h/r/7/job/1".into(),
            steps,
            ..Job::default()
        };
        let jobs = [
            job("lint", "cancelled", Vec::new()),
            job("publish", "failure", vec![step("Set up job", "success"), step("Upload", "failure")]),
        ];
        let failure = failed(&run("completed", Some("failure")), &jobs);
        assert!(failure.what.contains("in the job `publish` at the step `Upload`"), "{}", failure.what);
        assert_eq!(failure.link.as_deref(), Some("https://h/r/7/job/1"));
    }
}
