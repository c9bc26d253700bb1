//! The check of what a push starts: nothing, its own run once more, or the workflows that are waited for.

use super::{
    check::{Check, CheckName},
    facts::Facts,
    workflow::meant,
};
use crate::{
    credential::TokenKind,
    diagnosis::{Cause, Failure},
    inputs::{TagExists, WaitFor},
    names::RefName,
    plan::Plan,
    publish::proposal::Proposal,
    workflow_file::skip::skip_mark_of,
};

/// A push to the branch or tag that started this run, by a push or as the source of a pull request, with a credential that
/// starts workflows.
fn starts_itself(plan: &Plan, facts: &Facts, kind: Option<TokenKind>) -> Option<Failure> {
    let origin = &plan.origin;
    let starts = plan.ssh.is_some() || kind.is_some_and(|kind| kind != TokenKind::GithubToken);
    let moved_tag = moved_own_tag(plan, facts);
    let (name, what) = match origin.event.as_deref() {
        None | Some("push") => {
            let mut names = plan.branches().chain(moved_tag);
            let name = names.find(|name| Some(name.as_str()) == origin.git_ref.as_deref())?;
            (name, format!("A push to {} started this run", name.short()))
        }
        // The runs of a fork's pull request have no such credential.
        Some("pull_request") => {
            let branch = plan.branches().find(|branch| Some(branch.short()) == origin.head_ref.as_deref())?;
            (branch, format!("The pull request of {} started this run", branch.short()))
        }
        Some(_) => return None,
    };
    // A mark in the message of a new commit does not speak for the commit that a tag moves to.
    let is_marked = name.is_branch()
        && plan.commit_message().is_some_and(|message| skip_mark_of(&message.to_lowercase()).is_some());
    // A branch that stays as it is is not pushed, and so starts nothing.
    let changes = name.is_tag() || !facts.proposal().is_some_and(Proposal::is_unchanged);
    (plan.own_repository && starts && !is_marked && changes).then(|| {
        let what = format!(
            "{what}, and the step pushes to {} with a credential whose pushes start workflows: it can start itself again without an end.",
            name.short()
        );
        let remedy = if name.is_tag() {
            "Use `GITHUB_TOKEN` for the workflow's own repository, or leave the tag out of the workflow's `on: push: tags`."
        } else {
            "Use `GITHUB_TOKEN` for the workflow's own repository, put `[skip ci]` into `message`, or leave the published folder out with `paths-ignore:`."
        };
        Failure::new(Cause::InvalidInput, what).with_remedy(remedy)
    })
}

/// The tag whose push started this run, where the step moves it.
fn moved_own_tag<'a>(plan: &'a Plan, facts: &Facts) -> Option<&'a RefName> {
    let mut tags = plan.tags.iter().flat_map(|tags| &tags.tags);
    let (name, _) = tags
        .find(|(name, exists)| *exists == TagExists::Move && Some(name.as_str()) == plan.origin.git_ref.as_deref())?;
    let facts = facts.tags.as_ref()?.as_ref().ok()?;
    let (_, there) = facts.existing.get(name)?;
    (facts.commit != Some(*there)).then_some(name)
}

/// A file of `wait-for` that is switched off, or that has the name of none: a slip, or the title of one.
fn awaited_in_vain(plan: &Plan, facts: &Facts) -> Option<Failure> {
    let list = facts.all_workflows()?;
    plan.wait.iter().flat_map(|wait| &wait.expected).find_map(|wanted| {
        let WaitFor::Workflow(file) = wanted else { return None };
        let path = format!(".github/workflows/{file}");
        match list.iter().find(|known| known.path == path && known.state != "deleted") {
            Some(known) if known.state.starts_with("disabled") => {
                let page = format!("{}/actions/workflows/{file}", plan.target.web());
                let what = format!("`wait-for` names {file}, which is switched off ({}).", known.state);
                let failure = Failure::new(Cause::WorkflowDisabled, what);
                Some(failure.with_remedy(format!("Open {page} and choose Enable workflow.")).with_link(page))
            }
            Some(_) => None,
            // The push may bring a file of a new name, but hardly one that is so like another.
            None => {
                let (hint, right) = meant(list, file)?;
                let what = format!("`wait-for` names {file}, and {} has no such workflow. {hint}", plan.target.slug);
                Some(Failure::new(Cause::NotTriggered, what).with_remedy(format!("Set `wait-for: {right}`.")))
            }
        }
    })
}

/// Whether what is pushed will start workflows; judged only where a start is hoped for.
pub(super) fn triggers(plan: &Plan, facts: &Facts) -> Option<Check> {
    let kind = plan.git_token().map(|token| token.kind);
    if let Some(failure) = starts_itself(plan, facts, kind) {
        return Some(Check::warn(CheckName::Triggers, failure));
    }
    if !plan.expects_start() {
        return None;
    }
    if kind == Some(TokenKind::GithubToken) {
        let what = "What GITHUB_TOKEN pushes, a branch or a tag, starts no workflow.";
        let remedy = "Pass as `token` a PAT or an App's token, or push with a deploy key; or start the workflow with `workflow:`, which `GITHUB_TOKEN` may do.";
        let failure = Failure::new(Cause::GithubTokenDoesNotTrigger, what).with_remedy(remedy);
        return Some(Check::warn(CheckName::Triggers, failure));
    }
    if kind == Some(TokenKind::Unknown) {
        let text = "Whether pushes of such a token start workflows is not known.";
        return Some(Check::skip(CheckName::Triggers, text));
    }
    let message = plan.commit_message().unwrap_or_default().to_lowercase();
    if let Some(mark) = skip_mark_of(&message) {
        let what = format!("The commit message holds `{mark}`, which keeps workflows from starting.");
        let remedy = format!("Take `{mark}` out of `message`.");
        return Some(Check::warn(CheckName::Triggers, Failure::new(Cause::NotTriggered, what).with_remedy(remedy)));
    }
    if let Some(failure) = awaited_in_vain(plan, facts) {
        return Some(Check::warn(CheckName::Triggers, failure));
    }
    let who = if plan.ssh.is_some() { "deploy key" } else { "token" };
    Some(Check::pass(CheckName::Triggers, format!("Pushes with this {who} start workflows.")))
}
