//! The pull request that brings a change to its branch: it is made or brought up to date, and merged where that is wanted.
//!
//! GitHub allows one open pull request of two branches, and merges only the commit that is named. So every request can be sent
//! again after an answer that got lost: what is done already is refused, and then looked up.
//!
//! Source: <https://docs.github.com/en/rest/pulls/pulls>

use std::sync::{Mutex, PoisonError};

use crate::{
    connection::Connection,
    diagnosis::{Cause, Failure, Retry},
    github::{PullRequestDraft, RestError, model::PullRequest},
    inputs::MergeMethod,
    names::Oid,
    plan::{Plan, ProposedBranch},
    preflight::Cleared,
    progress::Event,
    report::{PullRequestReport, PullRequestStatus},
};

/// What became of the pull request.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// As the report tells it.
    pub report: PullRequestReport,
    /// The new tip of the base branch, once it is merged.
    pub merged: Option<Oid>,
    /// Whether anything was written.
    pub is_new: bool,
}

/// The text of a pull request.
#[derive(Clone, Debug)]
pub struct Words {
    /// The title.
    pub title: String,
    /// The description, Markdown.
    pub body: String,
}

/// Makes or updates the pull request of `proposed`, whose branch now stands at `head`, and merges it if that is wanted.
/// None: the base branch has all of it already. `moved`: this step moved the branch. `note` hears of the pull request as soon as it is there.
pub async fn propose(
    cleared: &Cleared<Plan>,
    connection: &Connection,
    proposed: &ProposedBranch,
    (head, moved): (Oid, bool),
    words: &Words,
    note: &mut dyn FnMut(&PullRequestReport),
) -> Result<Option<Delivered>, Failure> {
    let desk = Desk { plan: cleared.plan(), connection, proposed };
    let known = cleared.proposed().and_then(|known| known.open.answer()).and_then(Option::as_ref);
    let (pull, status) = match known {
        // It shows this very change already, with the run that brought it.
        Some(open) if !moved => (open.clone(), PullRequestStatus::Updated),
        Some(open) => match desk.update(open.number, words).await? {
            Some(updated) => updated,
            None => return Ok(None),
        },
        None => match desk.open(words).await? {
            Some(opened) => opened,
            None => return Ok(None),
        },
    };
    let is_new = moved || status == PullRequestStatus::Opened;
    let mut report = PullRequestReport { number: pull.number, url: pull.html_url.clone(), status };
    note(&report);
    let Some(method) = proposed.merge else { return Ok(Some(Delivered { report, merged: None, is_new })) };
    let merged = match desk.merge(&pull, head, method).await? {
        Merging::Merged(tip) => {
            report.status = PullRequestStatus::Merged;
            Some(tip)
        }
        Merging::Waits => {
            report.status = PullRequestStatus::AutoMerge;
            None
        }
        Merging::Left(why) => {
            let text = format!("Pull request #{} is left open: {}", pull.number, why.trim());
            connection.watch.see(Event::Warning(&text));
            None
        }
    };
    note(&report);
    Ok(Some(Delivered { is_new: is_new || merged.is_some(), report, merged }))
}

/// How far the merge is.
enum Merging {
    /// The base branch holds it, with this tip.
    Merged(Oid),
    /// GitHub merges it once its conditions are met.
    Waits,
    /// It can neither be merged nor wait; the reason in GitHub's words.
    Left(String),
}

/// What one try to merge came to.
enum Try {
    Merged(Oid),
    /// Not now, in GitHub's words.
    Held(String),
    /// The same, and a later try finds it otherwise.
    Passing(String),
}

/// One pair of branches and the way to GitHub.
struct Desk<'a> {
    plan: &'a Plan,
    connection: &'a Connection,
    proposed: &'a ProposedBranch,
}

impl Desk<'_> {
    /// Makes it. One that another step has made meanwhile, or an earlier try of this one, is taken over.
    async fn open(&self, words: &Words) -> Result<Option<(PullRequest, PullRequestStatus)>, Failure> {
        let Connection { github, retries, pending_write, .. } = self.connection;
        let (slug, head, base) = (&self.plan.target.slug, self.proposed.head.short(), self.proposed.base.short());
        let Words { title, body } = words.clone();
        let draft = PullRequestDraft { head: head.to_owned(), base: base.to_owned(), title, body };
        let what = format!("request for a pull request from {head} into {base}");
        let create = || async {
            // GitHub asks for a second between requests that write; faster ones can run into its secondary limit.
            retries.turn().await;
            pending_write.sent(&what);
            match github.create_pull_request(slug, &draft).await {
                Ok(made) => {
                    pending_write.resolved();
                    Ok(Ok(made.value))
                }
                // 422 is said both of a pull request that is there already and of one
                // without a commit: neither is worth another try.
                Err(error) if error.is(422) => {
                    pending_write.resolved();
                    Ok(Err(error))
                }
                Err(error) => {
                    if !error.may_be_done() {
                        pending_write.answered();
                    }
                    Err(self.refused(error))
                }
            }
        };
        let tried = std::sync::atomic::AtomicU32::new(0);
        let outcome = retries
            .run(&what, || {
                tried.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                create()
            })
            .await?;
        let refusal = match outcome {
            Ok(made) => return Ok(Some((made, PullRequestStatus::Opened))),
            Err(refusal) => refusal,
        };
        if refusal.says("No commits between") {
            return Ok(None);
        }
        let look = || async { Ok::<_, RestError>(github.open_pull_request(slug, head, base).await?.value) };
        match retries.run("look at the open pull requests", look).await? {
            // An earlier try of this step made it, and its answer got lost.
            Some(open) if tried.into_inner() > 1 && open.title == words.title && open.body == words.body => {
                Ok(Some((open, PullRequestStatus::Opened)))
            }
            // On the heap: updating one that was closed meanwhile comes back here.
            Some(open) => Box::pin(self.update(open.number, words)).await,
            None => Err(self.refused(refusal)),
        }
    }

    /// Brings the text of an open one up to date. One that was closed meanwhile is followed by a new one.
    async fn update(&self, number: u64, words: &Words) -> Result<Option<(PullRequest, PullRequestStatus)>, Failure> {
        let Connection { github, retries, .. } = self.connection;
        let update = || async {
            retries.turn().await;
            let answer = github.update_pull_request(&self.plan.target.slug, number, &words.title, &words.body).await;
            answer.map(|answer| answer.value).map_err(|error| self.refused(error))
        };
        let pull = retries.run(&format!("update of pull request #{number}"), update).await?;
        if pull.state == "closed" {
            return Box::pin(self.open(words)).await;
        }
        Ok(Some((pull, PullRequestStatus::Updated)))
    }

    async fn merge(&self, pull: &PullRequest, head: Oid, method: MergeMethod) -> Result<Merging, Failure> {
        let Connection { github, retries, .. } = self.connection;
        let what = format!("merge of pull request #{}", pull.number);
        // The merge comes first: GitHub refuses auto-merge for a pull request that could be merged at once.
        let held = match self.merge_soon(&what, pull.number, head, method).await? {
            Try::Merged(tip) => return Ok(Merging::Merged(tip)),
            Try::Held(said) | Try::Passing(said) => said,
        };
        let enable = || async {
            retries.turn().await;
            github.enable_auto_merge(&pull.node_id, method.name()).await.map_err(|error| self.refused(error))
        };
        let refused = match retries.run(&format!("auto-merge of pull request #{}", pull.number), enable).await? {
            Ok(()) => return Ok(Merging::Waits),
            Err(said) => said,
        };
        // What held it up has passed meanwhile.
        if refused.contains("clean status") || refused.contains("unstable status") {
            return match self.merge_soon(&what, pull.number, head, method).await? {
                Try::Merged(tip) => Ok(Merging::Merged(tip)),
                Try::Held(said) | Try::Passing(said) => Ok(Merging::Left(said)),
            };
        }
        Ok(Merging::Left(format!("{held} Auto-merge: {refused}.")))
    }

    /// Asks for the merge, and again as long as what holds it up passes by itself.
    async fn merge_soon(&self, what: &str, number: u64, head: Oid, method: MergeMethod) -> Result<Try, Failure> {
        let passing = Mutex::new(None);
        let once = || async {
            match self.merge_once(number, head, method).await? {
                Try::Passing(said) => {
                    let failure = Failure::new(Cause::PullRequestRefused, said.clone()).with_retry(Retry::Backoff);
                    *passing.lock().unwrap_or_else(PoisonError::into_inner) = Some(said);
                    Err(failure)
                }
                done => {
                    *passing.lock().unwrap_or_else(PoisonError::into_inner) = None;
                    Ok(done)
                }
            }
        };
        let outcome = self.connection.retries.run(what, once).await;
        let passing = passing.into_inner().unwrap_or_else(PoisonError::into_inner);
        match (outcome, passing) {
            // It did not pass in time: auto-merge can still wait for it.
            (Err(failure), Some(said)) if failure.cause == Cause::PullRequestRefused => Ok(Try::Held(said)),
            (outcome, _) => outcome,
        }
    }

    /// Asks for the merge once. After a refusal, and after an answer that got lost, the pull request itself tells.
    async fn merge_once(&self, number: u64, head: Oid, method: MergeMethod) -> Result<Try, Failure> {
        let Connection { github, retries, pending_write, .. } = self.connection;
        let slug = &self.plan.target.slug;
        retries.turn().await;
        pending_write.sent(&format!("merge of pull request #{number}"));
        let error = match github.merge_pull_request(slug, number, head, method.name()).await {
            Ok(done) => {
                pending_write.resolved();
                return tip(&done.value.sha).map(Try::Merged);
            }
            Err(error) => error,
        };
        // 405: its conditions are not met. 409: the head is another commit by now.
        let held = error.is(405) || error.is(409) || error.is(422);
        if !held && !error.may_be_done() {
            pending_write.answered();
            return Err(self.refused(error));
        }
        let look = || async { Ok::<_, RestError>(github.pull_request(slug, number).await?.value) };
        let now = retries.run("look at the pull request", look).await?;
        if now.merged {
            pending_write.resolved();
            return tip(now.merge_commit_sha.as_deref().unwrap_or_default()).map(Try::Merged);
        }
        // GitHub merges a pull request once: a later try finds it merged, whatever an earlier one does yet.
        pending_write.answered();
        if !held {
            return Err(self.refused(error).undone());
        }
        // NOTE: status 405 as well. The base moves with each other merge; after each move, and for a new pull request, GitHub works
        // out anew whether the branches fit (`mergeable` is null meanwhile).
        // Source: <https://docs.github.com/en/rest/pulls/pulls#get-a-pull-request>
        let unknown = now.state == "open" && now.mergeable.is_none();
        let text = said(&error);
        Ok(if unknown || text.starts_with("Base branch was modified") { Try::Passing(text) } else { Try::Held(text) })
    }

    /// A refusal of this kind of request; a limit, a dead token and a lost connection stay what they are.
    fn refused(&self, error: RestError) -> Failure {
        let (status, failure) = (error.status(), Failure::from(error));
        let is_own = matches!(
            failure.cause,
            Cause::Unknown
                | Cause::PullRequestRefused
                | Cause::ResourceNotAccessibleByIntegration
                | Cause::FineGrainedPermissionMissing
                | Cause::RepoNotFoundOrHidden
                | Cause::NoWriteAccess
        );
        match status {
            Some(403 | 404 | 422) if is_own => {
                let (head, base) = (self.proposed.head.short(), self.proposed.base.short());
                let what =
                    format!("The pull request from {head} into {base} could not be made or updated. {}", failure.what);
                Failure { cause: Cause::PullRequestRefused, what, ..failure }
            }
            _ => failure,
        }
    }
}

fn tip(sha: &str) -> Result<Oid, Failure> {
    sha.parse().map_err(|_| {
        Failure::new(Cause::ServerError, format!("The server merged the pull request and named the commit {sha:?}."))
    })
}

/// GitHub's own sentence in a refusal.
fn said(error: &RestError) -> String {
    let sentence = error.sentence().into_inner();
    match sentence.as_str() {
        "" => "GitHub does not merge it now.".to_owned(),
        _ if sentence.ends_with('.') => sentence,
        _ => sentence + ".",
    }
}
