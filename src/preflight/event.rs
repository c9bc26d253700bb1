//! What started this run, as far as it limits the run's credentials: a fork's pull request, Dependabot.
//!
//! Source: <https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows#workflows-in-forked-repositories>

use std::{io::Read as _, path::PathBuf};

use serde_json::Value;

use super::check::{Check, Verdict};
use crate::{
    credential::TokenKind,
    diagnosis::{Cause, Failure},
    plan::Plan,
    publish::message::Origin,
};

/// How much of an event's payload is read, in bytes. GitHub's own limit is 25 MB.
const EVENT_LIMIT: u64 = 32 * 1024 * 1024;

/// Why a run gets no secrets and, without more, a `GITHUB_TOKEN` that only reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Restriction {
    /// A pull request from another repository: its name, where it still exists.
    Fork(Option<String>),
    /// Dependabot started it.
    Dependabot,
}

/// The event's payload; none where there is no such file or it is not JSON.
///
/// Source: <https://docs.github.com/en/webhooks/webhook-events-and-payloads>
pub(super) async fn payload(file: Option<PathBuf>) -> Option<Value> {
    let file = file?;
    let read = move || {
        // A pipe in its place would be waited for.
        std::fs::metadata(&file).ok().filter(std::fs::Metadata::is_file)?;
        let mut text = Vec::new();
        std::fs::File::open(&file).ok()?.take(EVENT_LIMIT).read_to_end(&mut text).ok()?;
        serde_json::from_slice(&text).ok()
    };
    tokio::task::spawn_blocking(read).await.ok().flatten()
}

/// What limits the run. The payload is read for a pull request alone.
pub(super) async fn restriction(origin: &Origin) -> Option<Restriction> {
    let event = origin.event.as_deref()?;
    let limited = ["pull_request", "pull_request_review", "pull_request_review_comment"];
    if limited.contains(&event) {
        let payload = payload(origin.event_file.clone()).await.unwrap_or_default();
        let name = |side: &str| payload["pull_request"][side]["repo"]["full_name"].as_str().map(str::to_owned);
        let (head, base) = (name("head"), name("base"));
        if base.is_some() && head != base {
            return Some(Restriction::Fork(head));
        }
    }
    let by_dependabot =
        limited.contains(&event) || ["push", "create", "deployment", "deployment_status"].contains(&event);
    (by_dependabot && origin.actor.as_deref() == Some("dependabot[bot]")).then_some(Restriction::Dependabot)
}

/// The failure of a missing token in the words of the event.
pub(super) fn of_missing_token(plan: &Plan, restriction: Option<&Restriction>, failure: &Failure) -> Failure {
    let (Cause::TokenMissing, Some(event)) = (failure.cause, plan.origin.event.as_deref()) else {
        return failure.clone();
    };
    // Only an input that is there and empty speaks of a secret that was not handed out.
    let Some((inputs, _)) = failure.what.split_once(": the secret") else { return failure.clone() };
    let own = plan.origin.repository.as_ref().zip(plan.origin.server.as_ref());
    let page = |path: &str| own.map(|(slug, server)| format!("{server}/{slug}/settings/secrets/{path}"));
    match restriction {
        Some(fork @ Restriction::Fork(_)) => {
            let what = format!("{inputs}: this run is of {}, and gets no secrets.", fork.words());
            Failure { what, ..failure.clone() }.with_remedy(FORK)
        }
        Some(Restriction::Dependabot) => {
            let what = format!("{inputs}: Dependabot started this run, and it gets Dependabot's secrets alone.");
            let page = page("dependabot");
            let at = page.as_ref().map(|page| format!(" on {page}")).unwrap_or_default();
            let remedy = format!(
                "Store the secret as a Dependabot secret, too{at}; or leave the step out with `if: github.actor != 'dependabot[bot]'`."
            );
            linked(Failure { what, ..failure.clone() }.with_remedy(remedy), page)
        }
        // A called workflow gets what its caller passes on; any other event has all secrets.
        None => {
            let page = page("actions");
            let at = page.as_ref().map(|page| format!(" on {page}")).unwrap_or_default();
            let what =
                format!("{inputs}: no secret of the name that the workflow reads is defined for this run (`{event}`).");
            let remedy = format!(
                "Create the secret{at} under the name that `token:` reads; a secret of an environment needs `environment:` in the job, \
                 and a reusable workflow gets secrets with `secrets: inherit`."
            );
            linked(Failure { what, ..failure.clone() }.with_remedy(remedy), page)
        }
    }
}

const FORK: &str = "`permissions:` and new secrets cannot help a fork's pull request. Run this step on `push` after the merge, or in a second \
                    workflow on `workflow_run` that takes the first one's artifact: see docs/recipes/previews.md.";

fn linked(failure: Failure, page: Option<String>) -> Failure {
    match page {
        Some(page) => failure.with_link(page),
        None => failure,
    }
}

impl Restriction {
    fn words(&self) -> String {
        match self {
            Self::Fork(Some(name)) => format!("a pull request from the fork {name}"),
            Self::Fork(None) => "a pull request from a fork that is gone".to_owned(),
            Self::Dependabot => "Dependabot".to_owned(),
        }
    }

    /// The check of a `GITHUB_TOKEN` that may not write: in a fork's run no line of `permissions:` gives it more.
    pub(super) fn explain(&self, plan: &Plan, check: Check) -> Check {
        const READ_ONLY: &[Cause] =
            &[Cause::ActionsBotDenied, Cause::ResourceNotAccessibleByIntegration, Cause::NoWriteAccess];
        let own = plan.git_token().is_some_and(|token| token.kind == TokenKind::GithubToken);
        let is_fork = matches!(self, Self::Fork(_));
        let explain = |failure: Failure| {
            if !(own && is_fork && READ_ONLY.contains(&failure.cause)) {
                return failure;
            }
            let what = format!("`GITHUB_TOKEN` can only read {}: this run is of {}.", plan.target.slug, self.words());
            Failure { what, ..failure }.with_remedy(FORK)
        };
        let verdict = match check.verdict {
            Verdict::Fail(failure) => Verdict::Fail(explain(failure)),
            Verdict::Warn(failure) => Verdict::Warn(explain(failure)),
            other => other,
        };
        Check { name: check.name, verdict }
    }
}
