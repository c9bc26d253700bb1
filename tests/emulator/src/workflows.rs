//! What starts workflow runs, and what does not.
//!
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows>

mod definition;

use chrono::TimeDelta;
use git2::{Commit, ObjectType, Oid};
use serde_json::{Value, json};

pub(crate) use self::definition::{Definition, Input};
use crate::{
    handle,
    log::Update,
    model::{Decoy, Model, Outcome, PullRequest, Repository, Run, Stage, Token, TokenKind, stable_id},
    pulls,
    shared::Shared,
};

const FOLDER: &str = ".github/workflows";

/// Where the workflow of Pages stands in lists.
pub(crate) const PAGES_PATH: &str = "dynamic/pages/pages-build-deployment";

/// What the workflow of Pages is called.
pub(crate) const PAGES_NAME: &str = "pages-build-deployment";

/// A workflow file of a commit.
pub(crate) struct WorkflowFile {
    /// `.github/workflows/x.yml`
    pub(crate) path: String,
    pub(crate) definition: Definition,
}

impl WorkflowFile {
    /// `x.yml`
    pub(crate) fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }
}

/// The id of a workflow in addresses.
pub(crate) fn workflow_id(repository: &Repository, path: &str) -> u64 {
    stable_id(&format!("{} {path}", repository.id))
}

/// The workflow files of a commit, in order of their names.
pub(crate) fn files_of(bare: &git2::Repository, commit: &Commit<'_>) -> Vec<WorkflowFile> {
    let folder = commit.tree().and_then(|tree| tree.get_path(FOLDER.as_ref())?.to_object(bare)?.peel_to_tree());
    let Ok(folder) = folder else { return Vec::new() };
    let mut files = Vec::new();
    for entry in &folder {
        let name = String::from_utf8_lossy(entry.name_bytes()).into_owned();
        let extension = name.rsplit_once('.').map(|(_, extension)| extension);
        if entry.kind() == Some(ObjectType::Blob)
            && matches!(extension, Some("yml" | "yaml"))
            && let Ok(blob) = bare.find_blob(entry.id())
        {
            let definition = Definition::read(&String::from_utf8_lossy(blob.content()));
            files.push(WorkflowFile { path: format!("{FOLDER}/{name}"), definition });
        }
    }
    files
}

/// The commit at the tip of the default branch.
pub(crate) fn default_tip<'a>(bare: &'a git2::Repository, repository: &Repository) -> Option<Commit<'a>> {
    bare.find_reference(&format!("refs/heads/{}", repository.default_branch)).ok()?.peel_to_commit().ok()
}

/// What a run is started for.
pub(crate) struct Trigger<'a> {
    pub(crate) event: &'a str,
    pub(crate) full_ref: &'a str,
    pub(crate) actor: &'a str,
    /// What `github.event` holds beside the inputs.
    pub(crate) context: Value,
    /// Kept with the run: `client_payload` or `inputs`.
    pub(crate) payload: Value,
    /// The title without a `run-name`.
    pub(crate) title: String,
}

/// Starts a run of a workflow file, with the decoys that the repository asks for; returns its id.
pub(crate) fn start(
    shared: &Shared,
    model: &mut Model,
    id: u64,
    file: &WorkflowFile,
    commit: &Commit<'_>,
    trigger: &Trigger<'_>,
) -> Option<u64> {
    let now = model.now();
    let delays = model.settings.run_delay.clone();
    let repository = model.repositories.iter_mut().find(|repository| repository.id == id)?;
    let serial = shared.serial();
    let span = delays.end.saturating_sub(delays.start).as_millis().max(1);
    let late = delays.start.as_millis() + u128::from(serial * 619) % span;
    let context = json!({
        "event": trigger.context, "event_name": trigger.event, "ref": trigger.full_ref, "actor": trigger.actor,
        "ref_name": short_name(trigger.full_ref), "sha": commit.id().to_string(),
    });
    let title = file.definition.run_name(&context, &trigger.payload).unwrap_or_else(|| trigger.title.clone());
    let same_workflow = repository.runs.iter().filter(|run| run.path == file.path).count() as u64;
    let run = Run {
        id: 19_000_000_000 + serial,
        number: same_workflow + 1,
        path: file.path.clone(),
        name: file.definition.name(&file.path),
        event: trigger.event.to_owned(),
        title,
        head_branch: Some(short_name(trigger.full_ref).to_owned()),
        head_sha: commit.id().to_string(),
        head_message: String::from_utf8_lossy(commit.message_bytes()).into_owned(),
        full_ref: trigger.full_ref.to_owned(),
        actor: trigger.actor.to_owned(),
        created_at: now,
        listed_at: now + TimeDelta::milliseconds(i64::try_from(late).unwrap_or(i64::MAX)),
        outcome: repository.outcomes.get(file.file_name()).cloned().unwrap_or_default(),
        payload: trigger.payload.clone(),
        pathless: false,
        decoy: false,
    };
    for decoy in repository.decoys.clone() {
        let false_friend = disguise(decoy, &run, 19_000_000_000 + shared.serial());
        repository.runs.push(false_friend);
    }
    let id = run.id;
    repository.runs.push(run);
    Some(id)
}

/// A run that resembles `run` and is listed at once.
fn disguise(decoy: Decoy, run: &Run, id: u64) -> Run {
    let mut other =
        Run { id, listed_at: run.created_at, outcome: Outcome::concluded("failure"), decoy: true, ..run.clone() };
    match decoy {
        Decoy::OtherActor => "mallory".clone_into(&mut other.actor),
        Decoy::OtherSha => {
            other.head_sha = run.head_sha.chars().rev().collect();
            other.head_branch = Some("another-branch".to_owned());
            "refs/heads/another-branch".clone_into(&mut other.full_ref);
            other.payload = Value::Null;
            "Something else".clone_into(&mut other.title);
        }
        Decoy::Older => {
            other.created_at = run.created_at - TimeDelta::minutes(5);
            other.listed_at = other.created_at;
        }
        Decoy::Ancient => {
            other.created_at = run.created_at - TimeDelta::days(5 * 365 + 20);
            other.listed_at = other.created_at;
            other.pathless = true;
        }
        Decoy::OtherTitle => {
            let words = run.title.rsplit_once(' ').map_or("", |(words, _)| words);
            other.title = format!("{words} 00000000-0000-4000-8000-000000000000");
            other.payload = Value::Null;
        }
        Decoy::Newer => {
            "mallory".clone_into(&mut other.actor);
            other.created_at = run.created_at + TimeDelta::seconds(2);
            other.listed_at = other.created_at;
        }
    }
    other
}

/// A full ref without `refs/heads/` or `refs/tags/`.
pub(crate) fn short_name(full_ref: &str) -> &str {
    full_ref.strip_prefix("refs/heads/").or_else(|| full_ref.strip_prefix("refs/tags/")).unwrap_or(full_ref)
}

/// Whether a commit message asks for no runs.
fn skips(message: &str) -> bool {
    ["[skip ci]", "[ci skip]", "[no ci]", "[skip actions]", "[actions skip]"].iter().any(|mark| message.contains(mark))
        || message.lines().any(|line| matches!(line.trim(), "skip-checks: true" | "skip-checks:true"))
}

/// Starts what a push starts. `updates` are those that git accepted.
pub(crate) fn pushed(shared: &Shared, model: &mut Model, id: u64, token: &Token, updates: &[Update]) {
    pulls::follow(model, id, &token.login, updates);
    let Some(repository) = model.repositories.iter().find(|repository| repository.id == id).cloned() else { return };
    let Ok(bare) = handle::open(&repository.path) else { return };
    start_pages(shared, model, &repository, &bare, token, updates);
    start_pull_requests(shared, model, &repository, token, updates);
    let made_tag = |update: &&Update| update.name.starts_with("refs/tags/") && !update.new.starts_with("0000000");
    let tags = updates.iter().filter(made_tag).count();
    if matches!(token.kind, TokenKind::GithubToken(_)) || !repository.actions {
        return;
    }
    for update in updates {
        let is_tag = update.name.starts_with("refs/tags/");
        if (is_tag && tags > 3) || !(is_tag || update.name.starts_with("refs/heads/")) {
            continue;
        }
        let commit = Oid::from_str(&update.new)
            .and_then(|new| bare.find_object(new, None))
            .and_then(|object| object.peel_to_commit());
        let Ok(commit) = commit else { continue };
        let message = String::from_utf8_lossy(commit.message_bytes()).into_owned();
        if skips(&message) {
            continue;
        }
        let files = files_of(&bare, &commit);
        // The whole of both trees is compared: not where nothing could start.
        let paths = if files.is_empty() { Vec::new() } else { changed_paths(&bare, &update.old, &commit) };
        for file in files {
            let broken = file.definition.is_broken() && !is_tag;
            if !repository.disabled_workflows.contains(file.file_name())
                && (broken || file.definition.starts_on_push(&update.name, &paths))
            {
                let trigger = Trigger {
                    event: "push",
                    full_ref: &update.name,
                    actor: &token.login,
                    context: json!({"ref": update.name, "before": update.old, "after": update.new}),
                    payload: Value::Null,
                    title: message.lines().next().unwrap_or_default().to_owned(),
                };
                let run = start(shared, model, id, &file, &commit, &trigger);
                if broken {
                    end_as(model, id, run, &Outcome::at_once("startup_failure"));
                }
            }
        }
    }
}

/// A push to the branch of an open pull request starts what listens to that.
fn start_pull_requests(shared: &Shared, model: &mut Model, repository: &Repository, token: &Token, updates: &[Update]) {
    for update in updates {
        let of_branch = |pull: &&PullRequest| update.name.strip_prefix("refs/heads/") == Some(pull.head.as_str());
        for pull in repository.pull_requests.iter().filter(|pull| pull.open).filter(of_branch) {
            proposed(shared, model, repository.id, token, pull, "synchronize");
        }
    }
}

/// Starts what listens to a pull request that was made, moved or opened again. What `GITHUB_TOKEN` did waits for an approval.
pub(crate) fn proposed(shared: &Shared, model: &mut Model, id: u64, token: &Token, pull: &PullRequest, action: &str) {
    let Some(repository) = model.repositories.iter().find(|repository| repository.id == id).cloned() else { return };
    let Ok(bare) = handle::open(&repository.path) else { return };
    let full_ref = format!("refs/heads/{}", pull.head);
    let Ok(commit) = bare.find_reference(&full_ref).and_then(|head| head.peel_to_commit()) else { return };
    if !repository.actions {
        return;
    }
    let files = files_of(&bare, &commit);
    for file in files.iter().filter(|file| file.definition.starts_on_pull_request(action, &pull.base)) {
        let trigger = Trigger {
            event: "pull_request",
            full_ref: &full_ref,
            actor: &token.login,
            context: json!({"action": action, "number": pull.number}),
            payload: Value::Null,
            title: pull.title.clone(),
        };
        let run = start(shared, model, id, file, &commit, &trigger);
        if matches!(token.kind, TokenKind::GithubToken(_)) {
            end_as(model, id, run, &Outcome::at_once("action_required"));
        }
    }
}

/// A push to the branch of a Pages site starts its build, whoever pushed; a build that is under way gives way to it.
fn start_pages(
    shared: &Shared,
    model: &mut Model,
    repository: &Repository,
    bare: &git2::Repository,
    token: &Token,
    updates: &[Update],
) {
    let Some(pages) = repository.pages.as_ref().filter(|pages| pages.build_type == "legacy") else { return };
    let full_ref = format!("refs/heads/{}", pages.branch);
    let broken = Outcome::failure("build", "Build with Jekyll");
    let now = model.now();
    for update in updates.iter().filter(|update| update.name == full_ref) {
        let commit = Oid::from_str(&update.new).and_then(|id| bare.find_commit(id));
        let Ok(commit) = commit else { continue };
        let definition = Definition::read(&format!("name: {PAGES_NAME}"));
        let file = WorkflowFile { path: PAGES_PATH.to_owned(), definition };
        let trigger = Trigger {
            event: "dynamic",
            full_ref: &full_ref,
            actor: &token.login,
            context: Value::Null,
            payload: Value::Null,
            title: "pages build and deployment".to_owned(),
        };
        let stored = model.repositories.iter_mut().find(|stored| stored.id == repository.id);
        let builds = stored.into_iter().flat_map(|stored| &mut stored.runs).filter(|run| run.path == PAGES_PATH);
        for older in builds.filter(|run| run.state(now).conclusion.is_none()) {
            let lasts = (now - older.created_at).to_std().unwrap_or_default();
            let stages = vec![Stage { status: "in_progress".to_owned(), lasts }];
            older.outcome = Outcome { stages, ..Outcome::concluded("cancelled") };
        }
        let run = start(shared, model, repository.id, &file, &commit, &trigger);
        let refused = has_links(bare, &commit, &pages.folder);
        end_as(model, repository.id, run, if refused { &broken } else { &pages.outcome });
    }
}

/// Whether a symlink stands in the folder that Pages publishes: the build refuses such a site.
fn has_links(bare: &git2::Repository, commit: &Commit<'_>, folder: &str) -> bool {
    let folder = folder.trim_matches('/');
    let Ok(root) = commit.tree() else { return false };
    let tree = match folder {
        "" => Some(root),
        path => root.get_path(path.as_ref()).ok().and_then(|entry| bare.find_tree(entry.id()).ok()),
    };
    let mut found = false;
    let _ = tree.map(|tree| {
        tree.walk(git2::TreeWalkMode::PreOrder, |_, entry| {
            found |= entry.filemode() == 0o120_000;
            if found { git2::TreeWalkResult::Abort } else { git2::TreeWalkResult::Ok }
        })
    });
    found
}

/// Gives a run another outcome than its file's.
fn end_as(model: &mut Model, repository: u64, run: Option<u64>, outcome: &Outcome) {
    let stored = model.repositories.iter_mut().find(|stored| stored.id == repository);
    let runs = stored.map(|stored| &mut stored.runs).into_iter().flatten();
    for started in runs.filter(|started| Some(started.id) == run) {
        started.outcome = outcome.clone();
    }
}

/// Paths that differ between the old value of a ref and its new commit; of a new ref, those of the commit itself.
fn changed_paths(bare: &git2::Repository, old: &str, commit: &Commit<'_>) -> Vec<String> {
    let old = Oid::from_str(old).ok().filter(|old| !old.is_zero());
    let before = old.and_then(|old| bare.find_commit(old).ok()).or_else(|| commit.parent(0).ok());
    let before = before.and_then(|before| before.tree().ok());
    let diff = commit.tree().and_then(|after| bare.diff_tree_to_tree(before.as_ref(), Some(&after), None));
    let Ok(diff) = diff else { return Vec::new() };
    let files = diff.deltas().flat_map(|delta| [delta.old_file().path_bytes(), delta.new_file().path_bytes()]);
    files.flatten().map(|path| String::from_utf8_lossy(path).into_owned()).collect()
}

/// Starts what a `repository_dispatch` starts: the files on the default branch that listen to this type.
pub(crate) fn dispatched(shared: &Shared, model: &mut Model, id: u64, actor: &str, kind: &str, payload: &Value) {
    let Some(repository) = model.repositories.iter().find(|repository| repository.id == id).cloned() else { return };
    let Ok(bare) = handle::open(&repository.path) else { return };
    let Some(commit) = default_tip(&bare, &repository) else { return };
    if !repository.actions {
        return;
    }
    let full_ref = format!("refs/heads/{}", repository.default_branch);
    for file in files_of(&bare, &commit) {
        if !repository.disabled_workflows.contains(file.file_name()) && file.definition.starts_on_dispatch(kind) {
            let trigger = Trigger {
                event: "repository_dispatch",
                full_ref: &full_ref,
                actor,
                context: json!({"action": kind, "client_payload": payload}),
                payload: payload.clone(),
                title: kind.to_owned(),
            };
            start(shared, model, id, &file, &commit, &trigger);
        }
    }
}
