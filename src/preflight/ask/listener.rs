//! Asks what the later stages will need of Actions: the files that listen to the event, and the right to list runs.

use futures_util::future::join_all;

use super::{
    super::facts::{Asked, FileText, ListenerFacts},
    RestAnswer, if_possible,
};
use crate::{
    connection::Connection,
    github::{
        Answered, Meta, Polled, RunQuery,
        model::{Content, Workflow},
    },
    names::Oid,
    plan::Plan,
    workflow_file::WorkflowFile,
};

/// How many workflow files are read at most.
const MOST_FILES: usize = 20;

/// The workflows of the target and what their files on the default branch say, and the heads of the answers. None: nothing
/// is dispatched. The file whose name is most like the event type is read first: if it listens, no other need be read.
pub(super) async fn ask(plan: &Plan, connection: &Connection) -> Option<(ListenerFacts, Vec<Meta>)> {
    let event_type = &plan.dispatch.as_ref()?.event_type;
    plan.token()?;
    let slug = &plan.target.slug;
    let list = if_possible(connection, "question for the workflows", || connection.github.workflows(slug)).await;
    let mut metas: Vec<Meta> = list.metas().cloned().collect();
    let list = list.asked(|list| list);
    let mut names = file_names(list.answer().map(Vec::as_slice).unwrap_or_default());
    let likeness = |file: &String| strsim::jaro_winkler(event_type, file.trim_end_matches(".yml"));
    names.sort_by(|one, other| likeness(other).total_cmp(&likeness(one)));
    let is_cut = names.len() > MOST_FILES;
    names.truncate(MOST_FILES);
    let mut files = Vec::new();
    if let Some(likeliest) = names.first() {
        let (text, heads) = read(plan, connection, likeliest).await;
        metas.extend(heads);
        let listens =
            matches!(&text, FileText::Text(text) if WorkflowFile::read(text).excludes_dispatch(event_type).is_none());
        files.push((likeliest.clone(), text));
        if !listens {
            let others = &names[1..];
            let answers = join_all(others.iter().map(|file| read(plan, connection, file))).await;
            for (file, (text, heads)) in others.iter().zip(answers) {
                metas.extend(heads);
                files.push((file.clone(), text));
            }
        }
    }
    Some((ListenerFacts { list, files, is_cut }, metas))
}

/// The files of the workflows that can start: those of the repository itself, not those that GitHub makes up.
fn file_names(list: &[Workflow]) -> Vec<String> {
    let able = list.iter().filter(|workflow| workflow.state == "active");
    able.filter_map(|workflow| Some(workflow.path.strip_prefix(".github/workflows/")?.to_owned())).collect()
}

async fn read(plan: &Plan, connection: &Connection, file: &str) -> (FileText, Vec<Meta>) {
    let path = format!(".github/workflows/{file}");
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

/// Whether the token may list runs. Asked where the wait stage will list them and no other answer tells it: the right to
/// list workflows is the same.
pub(super) async fn runs(plan: &Plan, connection: &Connection) -> RestAnswer<()> {
    if !plan.lists_runs() || plan.triggers() || plan.token().is_none() {
        return RestAnswer::none();
    }
    // Of a commit that no run can have: the answer is small.
    let nowhere = Oid::ZERO.to_string();
    let query = RunQuery { head_sha: Some(&nowhere), ..RunQuery::default() };
    let ask = || async {
        let meta = match connection.github.runs(&plan.target.slug, &query, None).await? {
            Polled::Changed(answered) => answered.meta,
            Polled::Unchanged(meta) => meta,
        };
        Ok(Answered { value: (), meta })
    };
    if_possible(connection, "question for the runs", ask).await
}
