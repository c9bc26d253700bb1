//! Asks what the later stages will need of Actions: the files that listen to the event, and the right to list runs.

use std::collections::BTreeMap;

use super::{
    super::facts::{Asked, FileText, ListenerFacts},
    RestAnswer, if_possible,
};
use crate::{
    connection::Connection,
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
        Asked::Refused(_) | Asked::No => FileText::Unread,
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
        Asked::Refused(_) | Asked::No => {
            return (names.into_iter().map(|name| (name, FileText::Unread)).collect(), metas);
        }
    };
    let is_read = |entry: &&FolderEntry| entry.kind == "file" && entry.size <= LONGEST && names.contains(&entry.name);
    let wants: BTreeMap<&str, Oid> = entries
        .iter()
        .filter(is_read)
        .filter_map(|entry| Some((entry.name.as_str(), entry.sha.parse().ok()?)))
        .collect();
    let get = || blobs(&connection.remote, wants.values().copied().collect());
    let texts = if wants.is_empty() {
        BTreeMap::new()
    } else {
        connection.retries.run("fetch of the workflow files", get).await.unwrap_or_default()
    };
    let text = |name: &String| match wants.get(name.as_str()) {
        None if entries.iter().any(|entry| entry.name == *name && entry.kind == "file") => FileText::Unread,
        None => FileText::Missing,
        Some(oid) => {
            texts.get(oid).map_or(FileText::Unread, |bytes| FileText::Text(String::from_utf8_lossy(bytes).into_owned()))
        }
    };
    let files = names.iter().map(|name| (name.clone(), text(name))).collect();
    (files, metas)
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
