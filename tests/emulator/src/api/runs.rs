//! Workflow runs and their jobs.

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value, json};

use super::{Call, Handled, refusal, resources};
use crate::{
    answer::Answer,
    model::{Level, Repository, Run, RunState, timestamp},
    workflows::workflow_id,
};

/// One page of a list, by `per_page` and `page`, and the `Link` header when there are more.
pub(super) fn page(call: &Call<'_>, all: &[Value]) -> Result<(Vec<Value>, Option<String>), Answer> {
    let number = |name: &str, default: usize| {
        call.query(name).map_or(Ok(default), |text| text.parse().map_err(|_| refusal::error(422, "Validation Failed")))
    };
    let size = number("per_page", 30)?.clamp(1, 100);
    let index = number("page", 1)?.max(1);
    let page: Vec<_> = all.iter().skip((index - 1) * size).take(size).cloned().collect();
    let more = all.len() > index * size;
    let to = |page: usize, rel: &str| format!("<{}/?page={page}&per_page={size}>; rel=\"{rel}\"", call.api());
    let link = more.then(|| format!("{}, {}", to(index + 1, "next"), to(all.len().div_ceil(size), "last")));
    Ok((page, link))
}

/// `GET /repos/{owner}/{repo}/actions/runs` and `.../workflows/{workflow_id}/runs`
pub(super) fn list(call: &mut Call<'_>, owner: &str, name: &str, workflow: Option<&str>) -> Handled {
    let repository = call.repository(owner, name, "actions", Level::Read)?;
    let path = workflow.map(|id| super::actions::find_listed(&repository, id).map(|known| known.path)).transpose()?;
    let now = call.model.now();
    let mut runs: Vec<_> = repository.runs.iter().filter(|run| run.listed_at <= now).collect();
    runs.retain(|run| path.as_ref().is_none_or(|path| *path == run.path) && wanted(call, run, now));
    runs.sort_by_key(|run| std::cmp::Reverse((run.created_at, run.id)));
    runs.truncate(1000);
    let all: Vec<_> = runs.iter().map(|run| object(call, &repository, run, now)).collect();
    let (page, link) = page(call, &all)?;
    let answer = Answer::json(200, &json!({"total_count": all.len(), "workflow_runs": page}));
    Ok(link.into_iter().fold(answer, |answer, link| answer.header("link", link)))
}

fn wanted(call: &Call<'_>, run: &Run, now: DateTime<Utc>) -> bool {
    let RunState { status, conclusion } = run.state(now);
    let is = |name: &str, value: &str| call.query(name).is_none_or(|wanted| wanted.eq_ignore_ascii_case(value));
    is("event", &run.event)
        && is("actor", &run.actor)
        && is("head_sha", &run.head_sha)
        && is("branch", run.head_branch.as_deref().unwrap_or_default())
        && call.query("status").is_none_or(|wanted| wanted == status || conclusion.as_deref() == Some(wanted))
        && call.query("created").is_none_or(|range| within(range, run.created_at))
}

/// The search syntax of dates: `>=X`, `>X`, `<=X`, `<X`, `X..Y`, `X`, where X is a day or a time.
fn within(range: &str, at: DateTime<Utc>) -> bool {
    // A day that stands for an end means its last second.
    let parse = |text: &str, end: bool| {
        let time = if end { (23, 59, 59) } else { (0, 0, 0) };
        DateTime::parse_from_rfc3339(text).map(|time| time.with_timezone(&Utc)).ok().or_else(|| {
            let day: NaiveDate = text.parse().ok()?;
            day.and_hms_opt(time.0, time.1, time.2).map(|time| time.and_utc())
        })
    };
    let at = DateTime::from_timestamp(at.timestamp(), 0).unwrap_or(at);
    let bound = |text: &str, end, holds: fn(&DateTime<Utc>, &DateTime<Utc>) -> bool| {
        parse(text, end).is_some_and(|bound| holds(&at, &bound))
    };
    if let Some((from, to)) = range.split_once("..") {
        (from == "*" || bound(from, false, PartialOrd::ge)) && (to == "*" || bound(to, true, PartialOrd::le))
    } else if let Some(text) = range.strip_prefix(">=") {
        bound(text, false, PartialOrd::ge)
    } else if let Some(text) = range.strip_prefix("<=") {
        bound(text, true, PartialOrd::le)
    } else if let Some(text) = range.strip_prefix('>') {
        bound(text, true, PartialOrd::gt)
    } else if let Some(text) = range.strip_prefix('<') {
        bound(text, false, PartialOrd::lt)
    } else {
        bound(range, false, PartialOrd::ge) && bound(range, true, PartialOrd::le)
    }
}

fn object(call: &Call<'_>, repository: &Repository, run: &Run, now: DateTime<Utc>) -> Value {
    let slug = repository.slug();
    let url = format!("{}/repos/{slug}/actions/runs/{}", call.api(), run.id);
    let web = format!("{}/{slug}/actions/runs/{}", call.shared.url(), run.id);
    let RunState { status, conclusion } = run.state(now);
    let workflow = workflow_id(repository, &run.path);
    let at = timestamp(run.created_at);
    let person = json!({"name": "Seeder", "email": "seeder@example.com"});
    let mut object = json!({
        "id": run.id, "name": run.name, "node_id": format!("WFR_{}", run.id), "head_branch": run.head_branch,
        "head_sha": run.head_sha, "path": run.path, "display_title": run.title, "run_number": run.number,
        "run_attempt": 1, "event": run.event, "status": status, "conclusion": conclusion, "workflow_id": workflow,
        "check_suite_id": run.id + 7, "check_suite_node_id": format!("CS_{}", run.id + 7),
        "url": url, "html_url": web, "pull_requests": [], "created_at": at,
        "updated_at": timestamp(run.updated_at(now)), "run_started_at": at,
        "actor": resources::account(call, &run.actor), "triggering_actor": resources::account(call, &run.actor),
        "jobs_url": format!("{url}/jobs"), "logs_url": format!("{url}/logs"), "artifacts_url": format!("{url}/artifacts"),
        "check_suite_url": format!("{}/repos/{slug}/check-suites/{}", call.api(), run.id + 7),
        "cancel_url": format!("{url}/cancel"), "rerun_url": format!("{url}/rerun"), "previous_attempt_url": null,
        "workflow_url": format!("{}/repos/{slug}/actions/workflows/{workflow}", call.api()),
        "head_commit": {
            "id": run.head_sha, "tree_id": run.head_sha, "message": run.head_message, "timestamp": at,
            "author": person, "committer": person,
        },
        "repository": resources::minimal(call, repository), "head_repository": resources::minimal(call, repository),
    });
    if run.pathless {
        object.as_object_mut().map(|object| object.remove("path"));
    }
    object
}

fn find<'a>(repository: &'a Repository, id: &str) -> Result<&'a Run, Answer> {
    repository.runs.iter().find(|run| run.id.to_string() == id).ok_or_else(refusal::not_found)
}

/// `GET /repos/{owner}/{repo}/actions/runs/{run_id}`
pub(super) fn get(call: &mut Call<'_>, owner: &str, name: &str, id: &str) -> Handled {
    let repository = call.repository(owner, name, "actions", Level::Read)?;
    let run = find(&repository, id)?;
    Ok(Answer::json(200, &object(call, &repository, run, call.model.now())))
}

/// `GET /repos/{owner}/{repo}/actions/runs/{run_id}/jobs`
pub(super) fn jobs(call: &mut Call<'_>, owner: &str, name: &str, id: &str) -> Handled {
    let repository = call.repository(owner, name, "actions", Level::Read)?;
    let run = find(&repository, id)?;
    let now = call.model.now();
    let RunState { status, conclusion } = run.state(now);
    if matches!(conclusion.as_deref(), Some("startup_failure" | "action_required" | "stale")) {
        return Ok(Answer::json(200, &json!({"total_count": 0, "jobs": []})));
    }
    let url = format!("{}/repos/{}", call.api(), repository.slug());
    let (started, ended) = (timestamp(run.created_at), timestamp(run.updated_at(now)));
    let job = |offset: u64, name: &str, conclusion: Option<&str>, failing: Option<&str>| {
        let id = run.id * 2 + offset;
        let step = |number: u64, name: &str, conclusion: Option<&str>| {
            json!({"name": name, "number": number, "status": status, "conclusion": conclusion,
                   "started_at": started, "completed_at": conclusion.map(|_| ended.clone())})
        };
        let passed = conclusion.map(|_| "success");
        let mut steps = vec![step(1, "Set up job", passed)];
        steps.extend(failing.map(|name| step(2, name, conclusion)));
        steps.push(step(3, "Complete job", passed));
        let running = status == "in_progress" || status == "completed";
        json!({
            "id": id, "run_id": run.id, "run_url": format!("{url}/actions/runs/{}", run.id), "run_attempt": 1,
            "node_id": format!("CR_{id}"), "head_sha": run.head_sha, "head_branch": run.head_branch,
            "url": format!("{url}/actions/jobs/{id}"), "status": status, "conclusion": conclusion,
            "html_url": format!("{}/{}/actions/runs/{}/job/{id}", call.shared.url(), repository.slug(), run.id),
            "created_at": started, "started_at": started, "completed_at": conclusion.map(|_| ended.clone()),
            "name": name, "steps": if running { steps } else { Vec::new() }, "labels": ["ubuntu-latest"],
            "check_run_url": format!("{url}/check-runs/{id}"), "workflow_name": run.name,
            "runner_id": running.then_some(1), "runner_name": running.then_some("GitHub Actions 1"),
            "runner_group_id": running.then_some(0), "runner_group_name": running.then_some("GitHub Actions"),
        })
    };
    let ended_well = conclusion.as_deref();
    let jobs = match (&run.outcome.failing, ended_well) {
        (Some((name, step)), Some(conclusion)) => {
            vec![job(0, "prepare", Some("success"), None), job(1, name, Some(conclusion), Some(step))]
        }
        (Some((name, _)), None) => vec![job(0, "prepare", None, None), job(1, name, None, None)],
        (None, conclusion) => vec![job(0, "build", conclusion, None)],
    };
    Ok(Answer::json(200, &json!({"total_count": jobs.len(), "jobs": jobs})))
}
