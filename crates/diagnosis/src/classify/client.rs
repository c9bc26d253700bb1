//! What the client itself says: git in any language, and what it runs on.

use super::{Cause, Reading, credentials, languages, network, repository};
use crate::{
    finding::{CausePattern, Finding, earliest},
    reading::Span,
};

const PATTERNS: &[CausePattern] = &[
    CausePattern::of(
        Cause::LocalGitError,
        &[
            "not a git repository",
            "dubious ownership",
            "unsafe repository",
            "safe.directory",
            "owned by someone else",
            "not owned by current user",
            "code=owner",
            "could not find repository",
            "bad object",
            "is corrupt",
            "loose object",
            "corrupt loose",
            "object file * is empty",
            ".lock': file exists",
            "another git process",
            "insufficient permission for adding",
            "no space left on device",
            "out of diskspace",
            "disk quota exceeded",
            "must be run in a work tree",
            "not in a git directory",
            "does not appear to be a git repository",
            "no such remote",
            "no configured push destination",
            "unable to read tree",
            "unable to read sha1 file",
            "unable to write",
            "failed to write object",
            "cannot open '.git",
            "packfile*corrupt",
            "pack*is far too short",
            "invalid sha1 pointer",
            "index file corrupt",
            "index file smaller than expected",
            "bad config",
            "missing blob",
            "missing tree",
            "missing commit",
            "fsck error",
        ],
    ),
    CausePattern::unsure(
        Cause::BadCredentials,
        &[Cause::TokenExpired, Cause::TokenMissing, Cause::PasswordAuthRemoved],
        &[
            "authentication failed",
            "not authorized",
            "authentication replays",
            "unauthorized",
            "authentication required",
            "no valid credentials",
            "code=auth",
        ],
    ),
    CausePattern::unsure(
        Cause::NoWriteAccess,
        credentials::NO_WRITE,
        &[
            "403 forbidden",
            "access denied",
            "authorization failed",
            "sufficient access",
            "sufficient permission",
            "sufficient rights",
            "sufficient privileges",
        ],
    ),
    CausePattern::unsure(Cause::RepoNotFoundOrHidden, repository::HIDDEN, &["404 not found", "code=notfound"]),
];

/// A line of the client: the network first, then git.
pub(super) fn look(reading: &Reading) -> Option<Finding> {
    earliest(reading, network::SPECIFIC)
        .or_else(|| languages::look(reading, false))
        .or_else(|| repository::not_served(reading))
        .or_else(|| earliest(reading, &PATTERNS[..1]))
        .or_else(|| earliest(reading, &PATTERNS[1..]).filter(|_| is_git_or_github(reading)))
        .or_else(|| denied(reading).filter(|_| is_git_or_github(reading)))
        .or_else(|| network::broken(reading))
        .or_else(|| languages::look(reading, true))
}

/// General words count where git or GitHub is spoken of.
fn is_git_or_github(reading: &Reading) -> bool {
    // git begins its last line with `fatal: `; over SSH it has other words for a key that is not known.
    reading.has_any(&[
        "git",
        "remote",
        "octokit",
        "api/v3",
        "graphql",
        "class=http",
        "class=ssh",
        "dulwich",
        "personal access token",
        "fatal: authentication",
    ])
}

/// `Permission denied`, unless the system says it of a file: `./deploy.sh: Permission denied`.
fn denied(reading: &Reading) -> Option<Finding> {
    const WORDS: &str = "permission denied";
    let places = reading.flat.match_indices(WORDS).take(64);
    let mut meant = places.filter(|(at, _)| {
        let of = reading.flat[..*at].strip_suffix(": ").and_then(|before| before.rsplit(' ').next());
        !of.is_some_and(|of| of.ends_with('\'') || of.contains('/') && !of.contains("://") && !of.contains('@'))
    });
    let (start, _) = meant.next()?;
    let span = Span { start, end: start + WORDS.len() };
    Some(Finding::new(Cause::NoWriteAccess, credentials::NO_WRITE, Some(span)))
}
