//! The check `workflow-files`: content under `.github/workflows/` needs a right of its own.

use std::collections::HashMap;

use super::{
    check::{Check, CheckName},
    facts::{Asked, Facts},
};
use crate::{
    credential::TokenKind,
    diagnosis::{Cause, Failure},
    plan::Plan,
    publish::source::WORKFLOWS,
};

/// Whether the workflow files that the publish changes may be pushed with this token.
pub(super) fn workflow_files(plan: &Plan, facts: &Facts) -> Option<Check> {
    plan.push.as_ref()?;
    let proposal = facts.proposal()?;
    let changed = &proposal.changes.workflow_files;
    let Some(first) = changed.first() else {
        return Some(Check::pass(CheckName::WorkflowFiles, "No workflow file changes."));
    };
    let first = String::from_utf8_lossy(first).into_owned();
    let others = changed.len() - 1;
    let named = if others == 0 { first } else { format!("{first} and {others} more") };
    if plan.ssh.is_some() {
        let text = format!("{named} changes; a deploy key that may write may change it.");
        return Some(Check::pass(CheckName::WorkflowFiles, text));
    }
    let kind = plan.token.as_ref().map_or(TokenKind::Unknown, |token| token.kind);
    let has_scope = |scopes: &Vec<String>| scopes.iter().any(|scope| scope == "workflow");
    let server = &plan.target.server;
    let leave_out = "or leave these files out with `exclude`";
    let (lacks, remedy) = match (kind, &facts.token.scopes) {
        (_, Some(scopes)) if has_scope(scopes) => {
            let text = format!("{named} changes, and the token has the scope `workflow`.");
            return Some(Check::pass(CheckName::WorkflowFiles, text));
        }
        (TokenKind::GithubToken, _) => (
            "GITHUB_TOKEN can never change workflow files".to_owned(),
            format!(
                "Pass as `token` a classic token with `workflow`, or a fine-grained token or App with Workflows: Read and write, {leave_out}."
            ),
        ),
        (_, Some(_)) => (
            "the token lacks the scope `workflow`".to_owned(),
            format!("Open the token on {server}/settings/tokens and tick `workflow`, {leave_out}."),
        ),
        (TokenKind::Classic | TokenKind::Oauth, None) => {
            let text = format!("{named} changes; whether the token has the scope `workflow` is not told.");
            return Some(Check::skip(CheckName::WorkflowFiles, text));
        }
        _ => {
            let what =
                format!("{named} changes, which needs Workflows: write. Whether the token has it can not be asked.");
            let remedy = format!(
                "If the push is refused: {} > Repository permissions > Workflows > Read and write, {leave_out}.",
                match kind {
                    TokenKind::FineGrained => format!("{server}/settings/personal-access-tokens > the token"),
                    _ => "the App's settings > Permissions & events".to_owned(),
                }
            );
            let failure = Failure::new(Cause::MissingWorkflowScope, what).with_remedy(remedy);
            return Some(Check::warn(CheckName::WorkflowFiles, failure));
        }
    };
    let failure = |what: String| Failure::new(Cause::MissingWorkflowScope, what).with_remedy(remedy.clone());
    Some(if is_certain(plan, facts) {
        let what = format!("{named} would change on the branch, and {lacks}.");
        Check::fail(CheckName::WorkflowFiles, failure(what))
    } else {
        let what = format!(
            "{named} would change on the branch, and {lacks}; the server lets through what stands so on another branch."
        );
        Check::warn(CheckName::WorkflowFiles, failure(what))
    })
}

/// Whether a workflow file is added or changed that the default branch does not have in this very form: GitHub refuses
/// what the tip of no branch has.
fn is_certain(plan: &Plan, facts: &Facts) -> bool {
    let (Some(directory), Some(Ok(publish))) = (&plan.push, &facts.publish) else { return false };
    let default: HashMap<&str, &str> = match &facts.workflow_folder {
        Asked::Answer(entries) => entries.iter().map(|entry| (entry.name.as_str(), entry.sha.as_str())).collect(),
        Asked::Refused(refusal) if refusal.status == Some(404) => HashMap::new(),
        _ => return false,
    };
    let files = publish.hashed.listing().files().iter().zip(publish.hashed.oids());
    files
        .map(|(file, oid)| (directory.on_branch(&file.path), oid))
        .filter(|(path, _)| publish.proposal.changes.workflow_files.contains(path))
        .any(|(path, oid)| {
            let name = String::from_utf8_lossy(&path[WORKFLOWS.len()..]).into_owned();
            // What lies deeper is no workflow file to GitHub, but it guards the whole folder.
            default.get(name.as_str()) != Some(&oid.to_string().as_str())
        })
}
