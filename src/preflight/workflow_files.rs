//! The check `workflow-files`: content under `.github/workflows/` needs a right of its own.

use std::collections::HashMap;

use super::{
    check::{Check, CheckName, Verdict},
    facts::{Asked, Facts, NewWorkflow},
};
use crate::{
    credential::TokenKind,
    diagnosis::{Cause, Failure},
    names::RefName,
    plan::Plan,
    publish::source::WORKFLOWS,
    refs::facts::NewWorkflows,
};

/// The workflow files that a push changes, in words.
struct Changed {
    named: Option<String>,
    /// What the push would do to them, as a clause.
    would: String,
    /// Whether no branch of the target has them in this form, as far as that is known.
    certain: bool,
    /// What can be done without a better token.
    otherwise: &'static str,
}

/// Whether the workflow files that the push changes may be pushed with this token.
pub(super) fn workflow_files(plan: &Plan, facts: &Facts) -> Option<Check> {
    // A wiki has no Actions: no file in it is a workflow.
    if plan.is_wiki() {
        return None;
    }
    let changed = if plan.pushes_refs() { of_refs(facts)? } else { of_directory(plan, facts)? };
    Some(judged(CheckName::WorkflowFiles, plan, facts, changed))
}

/// Whether this token may tag a commit with this workflow file, which no branch has; none where it may.
pub(super) fn of_tag(plan: &Plan, facts: &Facts, new: &NewWorkflow) -> Option<Check> {
    let tag = plan.first_tag().unwrap_or_default();
    let changed = Changed {
        named: Some(new.path.clone()),
        would: format!(
            "The commit that the tag {tag} is to name has {} in a form that no branch of the target has",
            new.path
        ),
        certain: new.certain,
        otherwise: "or tag a commit whose workflow files are those of one of the target's branches",
    };
    let check = judged(CheckName::Tag, plan, facts, changed);
    matches!(check.verdict, Verdict::Fail(_) | Verdict::Warn(_)).then_some(check)
}

fn judged(check: CheckName, plan: &Plan, facts: &Facts, changed: Changed) -> Check {
    let Changed { named: Some(named), would, certain, otherwise } = changed else {
        return Check::pass(check, "No workflow files change.");
    };
    if plan.ssh.is_some() {
        let text = format!("{named} changes; a deploy key that may write may change it.");
        return Check::pass(check, text);
    }
    let kind = plan.token().map_or(TokenKind::Unknown, |token| token.kind);
    let has_scope = |scopes: &Vec<String>| scopes.iter().any(|scope| scope == "workflow");
    let server = &plan.target.server;
    let (lacks, remedy) = match (kind, &facts.token.scopes) {
        (_, Some(scopes)) if has_scope(scopes) => {
            let text = format!("{named} changes, and the token has the scope `workflow`.");
            return Check::pass(check, text);
        }
        // `workflows` is no key of a job's `permissions:`, so that the right cannot be given.
        (TokenKind::GithubToken, _) => (
            "GITHUB_TOKEN can never change workflow files".to_owned(),
            format!(
                "Pass as `token` a classic token with `workflow`, or a fine-grained token or App with Workflows: Read and write, {otherwise}."
            ),
        ),
        (_, Some(_)) => (
            "the token lacks the scope `workflow`".to_owned(),
            format!("Open the token on {server}/settings/tokens and tick `workflow`, {otherwise}."),
        ),
        (TokenKind::Classic | TokenKind::Oauth, None) => {
            let text = format!("{named} changes; whether the token has the scope `workflow` is not told.");
            return Check::skip(check, text);
        }
        _ => {
            let what = format!("{would}, which needs Workflows: write. Whether the token has it cannot be asked.");
            let remedy = format!(
                "If the push is refused: {} > Repository permissions > Workflows > Read and write, {otherwise}.",
                match kind {
                    TokenKind::FineGrained => format!("{server}/settings/personal-access-tokens > the token"),
                    _ => "the App's settings > Permissions & events".to_owned(),
                }
            );
            let failure = Failure::new(Cause::MissingWorkflowScope, what).with_remedy(remedy);
            return Check::warn(check, failure);
        }
    };
    let failure = |what: String| Failure::new(Cause::MissingWorkflowScope, what).with_remedy(remedy.clone());
    if certain {
        Check::fail(check, failure(format!("{would}, and {lacks}.")))
    } else {
        let what = format!("{would}, and {lacks}; the server lets through what stands so on another branch.");
        Check::warn(check, failure(what))
    }
}

fn of_directory(plan: &Plan, facts: &Facts) -> Option<Changed> {
    plan.directory()?;
    let changed = &facts.proposal()?.changes.workflow_files;
    let named = changed.first().map(|first| match changed.len() - 1 {
        0 => String::from_utf8_lossy(first).into_owned(),
        others => format!("{} and {others} more", String::from_utf8_lossy(first)),
    });
    Some(Changed {
        certain: named.is_some() && is_certain(plan, facts),
        would: format!("{} would change on the branch", named.as_deref().unwrap_or_default()),
        named,
        otherwise: "or leave these files out with `exclude`",
    })
}

fn of_refs(facts: &Facts) -> Option<Changed> {
    let NewWorkflows { files, unsure } = &facts.pushed_refs.as_ref()?.as_ref().ok()?.workflows;
    let place = |name: &RefName| match files.len() - 1 {
        0 => name.short().to_owned(),
        others => format!("{} (and files on {others} more refs)", name.short()),
    };
    Some(Changed {
        named: files.first().map(|(_, path)| path.clone()),
        would: files.first().map(|(name, path)| format!("{path} would change on {}", place(name))).unwrap_or_default(),
        certain: !unsure,
        otherwise: "or push only what leaves the workflow files of the target's branches as they are",
    })
}

/// Whether a workflow file is added or changed that the default branch does not have in this very form: GitHub refuses
/// what the tip of no branch has.
fn is_certain(plan: &Plan, facts: &Facts) -> bool {
    let (Some(directory), Some(Ok(publish))) = (plan.directory(), &facts.publish) else { return false };
    let default: HashMap<&str, &str> = match &facts.workflow_folder {
        Asked::Answer(entries) => entries.iter().map(|entry| (entry.name.as_str(), entry.sha.as_str())).collect(),
        // There is no such folder, so that each file is new.
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
