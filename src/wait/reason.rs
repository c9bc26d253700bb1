//! Why nothing started: looked for in the order of what people meet most.
//!
//! Source: <https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows>

use std::{collections::BTreeSet, time::Duration};

use crate::{
    connection::Connection,
    credential::TokenKind,
    diagnosis::{Cause, Failure},
    github::{
        Polled, RunQuery,
        model::{Content, Run, Workflow},
    },
    names::Oid,
    workflow_file::{Exclusion, WorkflowFile, skip::skip_mark_of},
};
use crate::{
    push::written::WrittenRef,
    wait::{
        expected::{Expected, RunOrigin},
        not_triggered::Reason,
        pages, run,
        waiting::{Waiting, failure},
    },
};

/// How many of the pushed refs are looked at for the reason.
const MOST_PLACES: usize = 5;

/// How long the search takes at most.
const LONGEST: Duration = Duration::from_secs(15);

/// Looks for the reason; none where none was found, or the token may not look.
pub(super) async fn find(
    expected: &Expected,
    waiting: &Waiting,
    connection: &Connection,
    site: Option<&pages::PagesSite>,
) -> Option<Reason> {
    let search = async {
        let found = match &expected.origin {
            RunOrigin::Trigger(start) if start.event == "repository_dispatch" => {
                no_listener(&start.name, waiting, connection).await
            }
            RunOrigin::Trigger(start) => disabled(&start.name, waiting, connection).await,
            RunOrigin::File(file) if waiting.places.is_empty() => of_starts(file, waiting, connection).await,
            RunOrigin::File(file) => of_push(file, expected, waiting, connection).await,
            RunOrigin::Pages => of_pages(expected, waiting, connection, site).await,
        };
        match found {
            // Last, as this setting takes an administrator's right, which few tokens have.
            None => actions_off(waiting, connection).await,
            found => found,
        }
    };
    // The reason is a help: the failure itself must not wait for it.
    tokio::time::timeout(LONGEST, search).await.ok().flatten()
}

/// Why a push started no run of a workflow file.
async fn of_push(file: &str, expected: &Expected, waiting: &Waiting, connection: &Connection) -> Option<Reason> {
    let plan = waiting.cleared.plan();
    let places: Vec<&WrittenRef> = expected.places(waiting).collect();
    // First of all: such a run has started, and everything below explains why one has not.
    if let Some(found) = awaiting_approval(file, &places, waiting, connection).await {
        return Some(found);
    }
    // A deploy key's pushes start workflows, whatever the token for the API is.
    if !places.is_empty() && plan.git_token().is_some_and(|token| token.kind == TokenKind::GithubToken) {
        let why = "It was pushed with `GITHUB_TOKEN`, whose pushes start no workflow.";
        return Some(Reason {
            cause: Cause::GithubTokenDoesNotTrigger,
            why: why.to_owned(),
            remedy: None,
            certain: true,
        });
    }
    let mut likely = None;
    let mut excluded = Vec::new();
    for place in places.iter().take(MOST_PLACES) {
        if place.pushed_with > 0 {
            excluded.push(Reason::certain(
                format!(
                    "{} tags were pushed at once, and GitHub starts nothing for the tags of a push that brings more than three tags.",
                    place.pushed_with
                ),
                "Push ten or fewer tags in one step with `refs`, or name them in `tag`: both are pushed three at a time.",
            ));
            continue;
        }
        if let Some(mark) = skip_mark(place.commit, waiting, connection).await {
            excluded.push(Reason::certain(
                format!(
                    "The message of the commit {} holds `{mark}`, which keeps GitHub from starting anything.",
                    place.commit.short()
                ),
                "Take the mark out of `message`, or of the commit's own message.",
            ));
            continue;
        }
        match file_at(file, &place.commit.to_string(), waiting, connection).await {
            WorkflowAtRef::Text(text) => match WorkflowFile::read(&text).excludes_push(&place.name) {
                Some(Exclusion { why, certain: true }) => excluded.push(Reason::certain(
                    format!("{file} as it is at {} does not start for it: {why}.", place.name.short()),
                    format!("Correct `on:` in {file} on that ref, or push what it is for."),
                )),
                Some(Exclusion { why, .. }) => likely = Some(Reason::likely(format!("{file}: {why}."))),
                None => likely = likely.or(Some(Reason::likely(format!("{file} should have started for {}.", place.name.short())))),
            },
            WorkflowAtRef::Missing => excluded.push(Reason::certain(
                format!(
                    "The commit that was pushed to {} has no .github/workflows/{file}: the file counts as it is there, not as on the default branch.",
                    place.name.short()
                ),
                format!("Push a commit that holds {file}, or start it with `workflow: {file}`."),
            )),
            WorkflowAtRef::Unknown => likely = likely.or(Some(Reason::likely("The workflow file could not be read."))),
        }
    }
    // Where one ref should have started the file, what keeps the others from it explains nothing.
    if excluded.len() == places.len().min(MOST_PLACES) {
        return together(excluded);
    }
    match disabled(file, waiting, connection).await.or(actions_off(waiting, connection).await) {
        None => likely,
        found => found,
    }
}

/// Why what was asked for started no run of a workflow file: of a dispatch, the file on the default branch tells.
async fn of_starts(file: &str, waiting: &Waiting, connection: &Connection) -> Option<Reason> {
    let branch = waiting.cleared.default_branch()?;
    if waiting.starts.iter().any(|start| start.workflow.as_deref() == Some(file)) {
        return disabled(file, waiting, connection).await;
    }
    let start = waiting.starts.iter().find(|start| start.event == "repository_dispatch")?;
    match file_at(file, branch, waiting, connection).await {
        WorkflowAtRef::Text(text) => match WorkflowFile::read(&text).excludes_dispatch(&start.name) {
            Some(Exclusion { why, .. }) => Some(Reason::certain(
                format!(
                    "{file} on the default branch {branch} does not start for a `repository_dispatch` of the type {}: {why}.",
                    start.name
                ),
                format!("Correct `on:` in {file} on {branch}, or `dispatch`."),
            )),
            None => disabled(file, waiting, connection).await,
        },
        WorkflowAtRef::Missing => Some(Reason::certain(
            format!(
                "The default branch {branch} has no .github/workflows/{file}, and a `repository_dispatch` starts none of another branch."
            ),
            format!("Merge {file} into {branch}, or correct `wait-for`."),
        )),
        WorkflowAtRef::Unknown => None,
    }
}

/// The reasons of several refs as one: each sentence once, with the remedy of the first.
fn together(reasons: Vec<Reason>) -> Option<Reason> {
    reasons.into_iter().reduce(|mut all, next| {
        if !all.why.contains(&next.why) {
            all.why.extend([" ", &next.why]);
        }
        all
    })
}

/// A run of the file for what was pushed that somebody has to approve first.
async fn awaiting_approval(
    file: &str,
    places: &[&WrittenRef],
    waiting: &Waiting,
    connection: &Connection,
) -> Option<Reason> {
    let commits: BTreeSet<String> = places.iter().take(MOST_PLACES).map(|place| place.commit.to_string()).collect();
    for commit in commits {
        let query = RunQuery { head_sha: Some(&commit), ..RunQuery::default() };
        let Polled::Changed(answered) =
            connection.github.runs(&waiting.cleared.plan().target.slug, &query, None).await.ok()?
        else {
            continue;
        };
        let is_it = |run: &&Run| run::file_name(run) == file && run::awaits_approval(run);
        if let Some(run) = answered.value.iter().find(is_it) {
            return Some(Reason::certain(
                format!("Its run {} (`{}`) waits for somebody's approval: {} .", run.id, run.event, run.html_url),
                format!("Open {} and approve the run.", run.html_url),
            ));
        }
    }
    None
}

/// Why a `repository_dispatch` started nothing.
async fn no_listener(event_type: &str, waiting: &Waiting, connection: &Connection) -> Option<Reason> {
    let plan = waiting.cleared.plan();
    let branch = waiting.cleared.default_branch()?;
    let workflows = connection.github.workflows(&plan.target.slug).await.ok()?.value;
    let mut near = None;
    for Workflow { path, state, .. } in &workflows {
        let Some(file) = path.strip_prefix(".github/workflows/") else { continue };
        let text = match file_at(file, branch, waiting, connection).await {
            WorkflowAtRef::Text(text) => text,
            // A file of another branch is in the list, too: it cannot listen.
            WorkflowAtRef::Missing => continue,
            // The file that cannot be read may be the one that listens.
            WorkflowAtRef::Unknown => return None,
        };
        let read = WorkflowFile::read(&text);
        match read.excludes_dispatch(event_type) {
            None if state == "active" => return None,
            None => return Some(off(file, state, waiting)),
            Some(Exclusion { why, .. }) if read.listens_to("repository_dispatch") => {
                near = near.or(Some(format!(" {file}: {why}.")));
            }
            Some(_) => {}
        }
    }
    let near = near.unwrap_or_default();
    Some(Reason::certain(
        format!(
            "No workflow file on the default branch {branch} listens to a `repository_dispatch` of the type {event_type}.{near}"
        ),
        format!(
            "Add `on: repository_dispatch: types: [{event_type}]` to a workflow file on {branch}, or correct `dispatch`."
        ),
    ))
}

async fn disabled(file: &str, waiting: &Waiting, connection: &Connection) -> Option<Reason> {
    let workflow = connection.github.workflow(&waiting.cleared.plan().target.slug, file).await.ok()?.value;
    (workflow.state != "active").then(|| off(file, &workflow.state, waiting))
}

fn off(file: &str, state: &str, waiting: &Waiting) -> Reason {
    let web = waiting.cleared.plan().target.web();
    Reason::certain(
        format!("The workflow {file} is switched off (`{state}`)."),
        format!("Open {web}/actions/workflows/{file} and choose Enable workflow."),
    )
}

async fn actions_off(waiting: &Waiting, connection: &Connection) -> Option<Reason> {
    let plan = waiting.cleared.plan();
    let enabled = connection.github.actions_permissions(&plan.target.slug).await.ok()?.value.enabled;
    (!enabled).then(|| {
        Reason::certain(
            "Actions are switched off in the target.",
            format!("Allow actions on {}/settings/actions.", plan.target.web()),
        )
    })
}

/// The mark in a commit's message that keeps GitHub from starting anything.
pub(super) async fn skip_mark(commit: Oid, waiting: &Waiting, connection: &Connection) -> Option<&'static str> {
    let slug = &waiting.cleared.plan().target.slug;
    let message = match connection.github.git_commit(slug, &commit.to_string()).await {
        Ok(known) => known.value.message,
        // What the step has published bears its own message.
        Err(_) => waiting.cleared.plan().commit_message()?.to_owned(),
    };
    skip_mark_of(&message)
}

/// A workflow file at a ref.
pub(super) enum WorkflowAtRef {
    Text(String),
    Missing,
    Unknown,
}

/// Reads a workflow file at a branch or commit.
pub(super) async fn file_at(file: &str, reference: &str, waiting: &Waiting, connection: &Connection) -> WorkflowAtRef {
    let path = format!(".github/workflows/{file}");
    match connection.github.content(&waiting.cleared.plan().target.slug, &path, Some(reference)).await {
        Ok(found) => match found.value {
            Content::File(bytes) => WorkflowAtRef::Text(String::from_utf8_lossy(&bytes).into_owned()),
            Content::Other => WorkflowAtRef::Missing,
        },
        // The commit was pushed, so that the repository is there and can be seen.
        Err(error) if error.is(404) => WorkflowAtRef::Missing,
        Err(_) => WorkflowAtRef::Unknown,
    }
}

/// Why no build was started.
async fn of_pages(
    expected: &Expected,
    waiting: &Waiting,
    connection: &Connection,
    site: Option<&pages::PagesSite>,
) -> Option<Reason> {
    let target = &waiting.cleared.plan().target;
    let settings = format!("{}/settings/pages", target.web());
    let Some(site) = site else {
        // NOTE: a first push to `gh-pages` may have made the site, so that the answer from before counts no longer.
        let has_pages = connection.github.repository(&target.slug).await.ok()?.value.has_pages;
        return Some(if has_pages == Some(false) {
            Reason::certain(
                "Pages is not switched on: the repository has no Pages site.",
                format!("Open {settings} and choose the branch under Build and deployment > Deploy from a branch."),
            )
        } else {
            Reason::likely("The token may not ask for the repository's Pages site (Pages: read).")
        });
    };
    if site.build_type.as_deref() == Some("workflow") {
        return Some(Reason::certain(
            "The site is built by a workflow of its own, not from a branch.",
            format!("Name that workflow's file in `wait-for` instead of `pages`, or choose a branch on {settings}."),
        ));
    }
    let source = site.branch.as_deref()?;
    let place = expected.places(waiting).next()?;
    (expected.places(waiting).all(|place| place.name.short() != source)).then(|| {
        Reason::certain(
            format!("Pages publishes the branch {source}, and {} was pushed.", place.name.short()),
            format!("Choose {} on {settings}, or set `branch: {source}`.", place.name.short()),
        )
    })
}

/// The failure of an expectation that no run met.
pub(super) fn not_triggered(
    expected: &Expected,
    waiting: &Waiting,
    after: Duration,
    reason: Option<Reason>,
) -> Failure {
    let after = humantime::format_duration(Duration::from_secs(after.as_secs()));
    let whence = match &expected.origin {
        RunOrigin::Trigger(_) => String::new(),
        RunOrigin::File(_) | RunOrigin::Pages => {
            let missing = expected.missing(waiting);
            let all = expected.places(waiting);
            let named = all.filter(|place| missing.is_empty() || missing.iter().any(|one| one.name == place.name));
            let names: Vec<&str> = named.map(|place| place.name.short()).collect();
            if names.is_empty() { String::new() } else { format!(" for {}", names.join(", ")) }
        }
    };
    let link = format!("{}/actions", waiting.cleared.plan().target.web());
    let begin = format!("No run of {}{whence} showed within {after}.", expected.name());
    match reason {
        None => failure(Cause::NotTriggered, format!("{begin} No reason was found."), Some(&link)),
        Some(reason) => {
            let failure = failure(reason.cause, format!("{begin} {}", reason.why), Some(&link));
            match reason.remedy {
                Some(remedy) => failure.with_remedy(remedy),
                None => failure,
            }
        }
    }
}
