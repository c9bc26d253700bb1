//! What the server says about a repository, its refs and what is pushed.

use super::{Cause, Operation, Reading};
use crate::finding::{CausePattern, Finding};

/// What a hidden or missing repository can also be.
// GitHub answers 404 in place of 403, so that the names of private repositories do not leak.
pub(super) const HIDDEN: &[Cause] = &[Cause::FineGrainedRepoNotSelected, Cause::MissingRepoScope, Cause::NoWriteAccess];

pub(super) const PATTERNS: &[CausePattern] = &[
    CausePattern::of(Cause::DirectoryNotFound, &["directory you're trying to deploy"]),
    CausePattern::of(
        Cause::InvalidInput,
        &[
            // Names of Actions secrets, refused by the REST API and by gh.
            "secret names must",
            "secret names can only",
            "secret name must",
            "secret name is invalid",
            "must not start with github_",
        ],
    ),
    CausePattern::of(
        Cause::RepoArchived,
        &[
            "repository was archived",
            "repository has been archived",
            "repository is archived",
            "archived so",
            "archived repositor",
            "was archived",
            "is archived and*read-only",
            "because it was archived",
        ],
    ),
    CausePattern::of(
        Cause::RepoDisabled,
        &[
            "repository access blocked",
            "access to this repository has been disabled",
            "repository has been disabled",
            "repository is disabled",
            // Staff, a takedown notice (DMCA), a legal order (451).
            "disabled by github staff",
            "dmca takedown",
            "reason: dmca",
            "reason: tos",
            "github.com/github/dmca",
            "unavailable for legal reasons",
            "unavailable due to dmca",
            "in violation of our terms",
            "repository unavailable",
        ],
    ),
    // Locked for a migration, or for the bill of its owner.
    CausePattern::unsure(
        Cause::RepoDisabled,
        &[Cause::BillingLocked],
        &["repository '*' is disabled", "ask the owner to check their account"],
    ),
    CausePattern::unsure(
        Cause::RepoNotFoundOrHidden,
        HIDDEN,
        &[
            "repository not found",
            "repository '*' not found",
            // GraphQL and gh; the lines above are git's.
            "could not resolve to a repository",
            "could not resolve to a node",
            "repo not found",
            "repository does not exist",
            "no such repository",
            "is this a git repository",
            "repository*could not be found",
        ],
    ),
    CausePattern::of(
        Cause::FileTooLarge,
        &[
            "file size limit",
            "input was too large to process",
            "code: too_large",
            "blob is too large",
            "file is too large",
            "larger than 100 mb",
            "exceeds the 100",
        ],
    ),
    CausePattern::of(
        Cause::PackTooLarge,
        &[
            "exceeds maximum allowed size",
            "exceeds the maximum allowed size",
            "request entity too large",
            "request body too large",
            "content too large",
            // nginx in front of an Enterprise Server.
            "client intended to send too large body",
            // git's own line about the answer of a proxy.
            "http 413",
            "error: 413",
            "push exceeds",
            "pack too large",
            "pack is too large",
            "2 gb limit",
        ],
    ),
    CausePattern::unsure(
        Cause::NoWriteAccess,
        &[Cause::BadCredentials, Cause::LfsUnavailable],
        &[
            "lfs: authorization error",
            "lfs*authentication required: authorization error",
            "lfs*you must have push access",
        ],
    ),
    CausePattern::of(
        Cause::LfsMissingObject,
        &[
            // The LFS client, before it sends anything.
            "missing or corrupt local objects",
            "lfs upload missing objects",
            "object does not exist on the server",
            "unable to find source for object",
            "(missing) *.",
            "referenced*git lfs object",
        ],
    ),
    CausePattern::of(
        Cause::LfsUnavailable,
        &[
            "lfs budget",
            "over its data quota",
            "lfs bandwidth",
            "lfs storage",
            "lfs is disabled",
            "lfs is not enabled",
            "lfs*not enabled",
            "lfs*disabled",
            "lfs*data packs",
            "upload new objects to public fork",
            "lfs quota",
        ],
    ),
    CausePattern::of(
        Cause::LocalGitError,
        &["cannot lock ref 'refs/remotes/", "unable to update local ref", "reference broken"],
    ),
    CausePattern::of(
        Cause::InvalidRefOrObject,
        &[
            "exists; cannot create",
            "repository is empty",
            // git, before it connects.
            "src refspec",
            "dst refspec",
            "refspec * matches more than one",
            "receives from more than one src",
            // GitHub's codes for the names of refs.
            "gh005",
            "refs longer than",
            "reference name is invalid",
            "ref name is too long",
            "branch name is too long",
            "branch or tag names",
            "pathspec '*' did not match",
            "object does not exist",
            "no commit found",
            "commit not found",
            "reference does not exist",
            "reference not found",
            "branch not found",
            "is not a valid ref",
            "not a valid branch",
            "not a valid tag",
            "not a valid object",
            "not a valid reference",
            "not a valid sha",
            "invalid refspec",
            "invalid ref name",
            "invalid reference name",
            "remote ref does not exist",
            "couldn't find remote ref",
            "could not find remote ref",
            "remote branch * not found",
            "not a full refname",
            "hidden ref",
            "funny refname",
            // The REST API for refs, commits and trees.
            "'sha' wasn't supplied",
            "'ref' wasn't supplied",
            "invalid tree info",
            "isn't a valid sha",
            "at least 40 characters are required",
            "tree sha does not exist",
            "does not exist in this repository",
            // git rev-parse, then libgit2.
            "unknown revision",
            "revspec '*' not found",
            "reference 'refs/*' not found",
            "bad refspec",
            "couldn't resolve head",
            "could not resolve to a ref",
            "could not resolve to a commit",
            "name conflicts with",
            "directory/file conflict",
            "d/f conflict",
        ],
    ),
    CausePattern::of(
        Cause::TagExists,
        &[
            "reference already exists",
            "tag already exists",
            "tag '*' already exists",
            "would clobber existing tag",
            "(already exists)",
            "tag_name already exists",
            "already_exists",
            "tag*already exists",
        ],
    ),
    CausePattern::of(
        Cause::StaleInfo,
        &[
            "stale info",
            // What JGit calls it.
            "rejected_remote_changed",
            "updated since checkout",
            "updated since the last checkout",
            "remote-tracking branch has been updated",
            "lease*does not hold",
        ],
    ),
    CausePattern::of(
        Cause::NonFastForward,
        &[
            "fetch first",
            "non-fast-forward",
            "non-fast forward",
            "not possible to fast-forward",
            "non fast forward",
            "nonfastforward",
            "non-fastforward",
            "notfastforward",
            "not a fast forward",
            "not a fast-forward",
            // JGit and libgit2 word it differently from git.
            "not a simple fast-forward",
            "cannot fast-forward",
            "contains commits that are not present locally",
            "remote contains work",
            "tip of your current branch is behind",
            "branch tip is behind",
            "tip is behind its remote",
            // GraphQL `createCommitOnBranch`, then the merge endpoint.
            "type: stale_data",
            "expected branch to point to",
            "head branch was modified",
            "base branch was modified",
        ],
    ),
    CausePattern::of(
        Cause::CannotLockRef,
        &[
            "cannot lock ref",
            "unable to lock ref",
            "failed to lock",
            "is at * but expected",
            "incorrect old value",
            "couldn't set 'refs/",
            "unable to resolve reference",
            "atomic transaction failed",
            "ref*is locked",
        ],
    ),
    CausePattern::unsure(Cause::CannotLockRef, &[Cause::ServerError], &["failed to update ref"]),
    CausePattern::unsure(
        Cause::ShallowCheckout,
        &[Cause::LocalGitError],
        &[
            "shallow update not allowed",
            "from a shallow repository",
            "shallow file has changed",
            "repository is shallow",
            "is a shallow",
            "shallow clone",
            "shallow checkout",
            "did not receive expected object",
            "missing necessary objects",
            "object not found - no match for id",
        ],
    ),
    CausePattern::unsure(
        Cause::PreReceiveHookDeclined,
        &[],
        &[
            "pre-receive hook declined",
            "update hook declined",
            "hook declined",
            "pre-receive hook*failed",
            "pre-receive hook*timed out",
            "rejected by pre-receive",
        ],
    ),
];

/// An object that the server's own check refuses: `object ID: messageId: words`, then `fsck error`.
///
/// Source: <https://git-scm.com/docs/git-fsck#_fsck_messages>
pub(super) fn refused_object(reading: &Reading) -> Option<Finding> {
    let object = reading.first_where("object ", |rest| {
        let (id, rest) = rest.split_once(':').unwrap_or_default();
        let message = rest.trim_start().split([':', ' ']).next().unwrap_or_default();
        // From the shortest abbreviation that git prints to a whole SHA-256 id.
        (4..=64).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_hexdigit())
            && rest.trim_start().get(message.len()..).is_some_and(|rest| rest.starts_with(':'))
            // fsck's message ids are camel case words, such as `badTimezone` or `missingEmail`.
            && message.len() >= 4
            && message.bytes().all(|byte| byte.is_ascii_alphanumeric())
    });
    let checked = reading.first_of(&["fsck error", "fatal: error in object", "fsckobjects"]);
    let span = object.or(checked)?;
    let pushed = match reading.operation {
        Operation::GitPush | Operation::Ssh => true,
        Operation::GitFetch => false,
        // Fetched objects are checked by the same code: words around it tell which way the object went.
        Operation::Rest | Operation::Unsaid => {
            reading.is_said_by_server(span) || reading.has_any(&["rejected]", "unpack", "failed to push", "git push"])
        }
    };
    let cause = if pushed { Cause::PackRefused } else { Cause::LocalGitError };
    Some(Finding::new(cause, &[], Some(span)))
}

/// A server that keeps its repositories in folders says this of one that is not there; of a remote that the client does not know git says
/// the same.
///
/// Source: `enter_repo` in git's `upload-pack.c` and `receive-pack.c`
pub(super) fn not_served(reading: &Reading) -> Option<Finding> {
    let span = reading.find("'*' does not appear to be a git repository")?;
    let path = reading.flat[span.start + 1..].split('\'').next().unwrap_or_default();
    // A bare word or a relative path is a remote that the checkout does not know; that is git's own error.
    let served = reading.operation == Operation::Ssh || path.contains('/') && !path.starts_with('.');
    served.then(|| Finding::new(Cause::RepoNotFoundOrHidden, &[Cause::LocalGitError], Some(span)))
}

/// What a sentence about a ref means where it is said.
pub(super) fn in_context(reading: &Reading, mut finding: Finding) -> Finding {
    let lost_race =
        reading.has_any(&["cannot lock ref", "atomic transaction failed", "rejected] * (reference already exists"]);
    match finding.cause {
        // Over SSH a key that belongs to another repository is answered like a missing repository.
        Cause::RepoNotFoundOrHidden if reading.operation == Operation::Ssh => {
            finding.also = vec![Cause::DeployKeyReadOnly];
        }
        // For a branch these are lost races; the words are those of a tag that is there.
        Cause::TagExists if lost_race && !reading.has("refs/tags/") => {
            finding.cause = Cause::CannotLockRef;
        }
        // `a` and `a/b` cannot both be refs: no later try can pass.
        Cause::CannotLockRef if reading.has("exists; cannot create") => {
            finding.cause = Cause::InvalidRefOrObject;
            finding.span = reading.find("exists; cannot create").or(finding.span);
        }
        Cause::CannotLockRef if reading.has("refs/tags/") && reading.has("reference already exists") => {
            finding.cause = Cause::TagExists;
            finding.also = vec![Cause::CannotLockRef];
        }
        // The REST API uses the words of a lost lock for a branch that has moved.
        Cause::CannotLockRef if reading.operation == Operation::Rest => {
            finding.also = vec![Cause::NonFastForward];
        }
        // A remote-tracking ref is the client's own: at the server nothing is locked.
        Cause::CannotLockRef if reading.has_any(&["cannot lock ref 'refs/remotes/", "unable to update local ref"]) => {
            finding.cause = Cause::LocalGitError;
        }
        _ => {}
    }
    finding
}
