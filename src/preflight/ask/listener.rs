//! Asks what the later stages will need of Actions: the files that listen to the event, and the right to list runs.

use std::collections::BTreeMap;

use super::{
    super::facts::{Asked, FileText, ListenerFacts},
    RestAnswer, if_possible,
    rest::without_waiting,
};
use crate::{
    connection::Connection,
    diagnosis::Failure,
    git::blobs::blobs,
    github::{
        Meta,
        model::{Content, FolderEntry, Workflow},
    },
    names::Oid,
    plan::Plan,
};

/// The folder that workflow files stand in.
const FOLDER: &str = ".github/workflows";

/// The longest file that is read, in bytes: longer ones are no workflow files.
const LONGEST: u64 = 1 << 20;

/// Why a question was not asked.
const NO_TIME: &str = "The time of the step was over.";

/// The workflows of the target and what their files on the default branch say, and the heads of the answers. None: nothing
/// is dispatched. Two requests of REST at most, however many files there are: the texts of several come by git.
pub(super) async fn ask(plan: &Plan, connection: &Connection) -> Option<(ListenerFacts, Vec<Meta>)> {
    plan.dispatch.as_ref()?;
    plan.token()?;
    let slug = &plan.target.slug;
    let list = if_possible(connection, "question for the workflows", || connection.github.workflows(slug)).await;
    let mut metas: Vec<Meta> = list.metas().cloned().collect();
    let list = list.asked(|list| list);
    let names = file_names(list.answer().map(Vec::as_slice).unwrap_or_default());
    let (files, heads) = match names.as_slice() {
        [] => Default::default(),
        [file] => {
            let (text, heads) = read(plan, connection, file).await;
            (vec![(file.clone(), text)], heads)
        }
        _ => read_all(plan, connection, names).await,
    };
    metas.extend(heads);
    Some((ListenerFacts { list, files }, metas))
}

/// The files of the workflows that can start: those of the repository itself, not those that GitHub makes up.
fn file_names(list: &[Workflow]) -> Vec<String> {
    let able = list.iter().filter(|workflow| workflow.state == "active");
    able.filter_map(|workflow| Some(workflow.path.strip_prefix(FOLDER)?.strip_prefix('/')?.to_owned())).collect()
}

/// One file, by REST.
async fn read(plan: &Plan, connection: &Connection, file: &str) -> (FileText, Vec<Meta>) {
    let path = format!("{FOLDER}/{file}");
    let ask = || connection.github.content(&plan.target.slug, &path, None);
    let answer = if_possible(connection, "question for the workflow file", ask).await;
    let metas = answer.metas().cloned().collect();
    let text = match answer.asked(|content| content) {
        Asked::Answer(Content::File(bytes)) => FileText::Text(String::from_utf8_lossy(&bytes).into_owned()),
        Asked::Answer(Content::Other) => FileText::Missing,
        // The list holds files of other branches too.
        Asked::Refused(refusal) if refusal.status == Some(404) => FileText::Missing,
        Asked::Refused(refusal) => FileText::Unread(refusal.failure.what),
        Asked::No => FileText::Unread(NO_TIME.to_owned()),
    };
    (text, metas)
}

/// Several files: REST names their objects, and git brings all of them in one request.
async fn read_all(plan: &Plan, connection: &Connection, names: Vec<String>) -> (Vec<(String, FileText)>, Vec<Meta>) {
    let ask = || connection.github.folder(&plan.target.slug, FOLDER, None);
    let answer = if_possible(connection, "question for the workflow files", ask).await;
    let metas = answer.metas().cloned().collect();
    let entries = match answer.asked(|entries| entries) {
        Asked::Answer(entries) => entries,
        // Every file that is listed is one of another branch.
        Asked::Refused(refusal) if refusal.status == Some(404) => Vec::new(),
        Asked::Refused(refusal) => return (unread(names, &refusal.failure.what), metas),
        Asked::No => return (unread(names, NO_TIME), metas),
    };
    let is_read = |entry: &&FolderEntry| entry.kind == "file" && entry.size <= LONGEST && names.contains(&entry.name);
    let wants: BTreeMap<&str, Oid> = entries
        .iter()
        .filter(is_read)
        .filter_map(|entry| Some((entry.name.as_str(), entry.sha.parse().ok()?)))
        .collect();
    let texts = bring(connection, wants.values().copied().collect()).await;
    let text = |name: &String| match (wants.get(name.as_str()), &texts) {
        (None, _) if entries.iter().any(|entry| entry.name == *name && entry.kind == "file") => {
            FileText::Unread("It is longer than 1 MiB.".to_owned())
        }
        (None, _) => FileText::Missing,
        (Some(_), Err(failure)) => FileText::Unread(failure.what.clone()),
        (Some(oid), Ok(texts)) => match texts.get(oid) {
            Some(bytes) => FileText::Text(String::from_utf8_lossy(bytes).into_owned()),
            None => FileText::Unread("git did not get it from the server.".to_owned()),
        },
    };
    let files = names.iter().map(|name| (name.clone(), text(name))).collect();
    (files, metas)
}

/// The contents of these objects, by one fetch of git.
async fn bring(connection: &Connection, wants: Vec<Oid>) -> Result<BTreeMap<Oid, Vec<u8>>, Failure> {
    if wants.is_empty() {
        return Ok(BTreeMap::new());
    }
    let get = || {
        let texts = blobs(&connection.remote, wants.clone());
        async { texts.await.map_err(|error| without_waiting(error.into())) }
    };
    connection.retries.run("fetch of the workflow files", get).await
}

/// None of these files could be read, for this reason.
fn unread(names: Vec<String>, why: &str) -> Vec<(String, FileText)> {
    names.into_iter().map(|name| (name, FileText::Unread(why.to_owned()))).collect()
}

/// The workflows, where the wait stage will look for runs and no other answer tells of them: the right to list runs is the same.
pub(super) async fn awaited(plan: &Plan, connection: &Connection) -> RestAnswer<Vec<Workflow>> {
    let looks = plan.lists_runs() || plan.awaits_pages();
    if !looks || plan.triggers() || plan.token().is_none() {
        return RestAnswer::none();
    }
    let ask = || connection.github.workflows(&plan.target.slug);
    if_possible(connection, "question for the workflows", ask).await
}
