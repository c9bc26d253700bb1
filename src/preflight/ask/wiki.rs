//! Asks git for the default branch of a wiki, which is the one that its readers see.

use crate::{connection::Connection, git::advertisement::Advertisement, plan::Plan};

/// The short name of the default branch, empty when git does not tell; none where the target is no wiki.
pub(super) async fn ask(plan: &Plan, connection: &Connection, refs: Option<&Advertisement>) -> Option<String> {
    if !plan.is_wiki() {
        return None;
    }
    // Where the start of a push was refused, so is this question.
    refs?;
    // A push's advertisement does not say where `HEAD` points.
    let ask = || connection.remote.refs(&["HEAD"]);
    let head =
        connection.retries.run("question for the wiki's default branch", ask).await.ok().and_then(|refs| refs.head);
    Some(head.map(|name| name.short().to_owned()).unwrap_or_default())
}
