//! Faults of the server itself.

use super::earliest;
use crate::{
    Cause,
    finding::{CausePattern, Finding},
    reading::Reading,
};

/// Weaker than anything it says about the request.
const FAULTS: &[CausePattern] = &[
    CausePattern::of(
        Cause::ServerError,
        &[
            "internal server error",
            "remote failed to report status",
            "(failure)",
            "fatal error in commit_refs",
            "something went wrong while executing your query",
            "something went wrong",
            "unicorn",
            "server error",
            "bad gateway",
            "service unavailable",
            "service is temporarily unavailable",
            "temporarily unavailable",
            "gateway time-out",
            "gateway timeout",
            "respond to your request in time",
            "no server is currently available",
            "for maintenance",
            "under maintenance",
            "maintenance mode",
            "upstream connect error",
            "unexpected token '<'",
            "unexpected token <",
            "invalid character '<'",
            "expecting value: line 1 column 1",
            "taking too long to load",
            "unable to create temporary object directory",
            "unable to migrate objects",
            "internal error",
            "read-only mode",
            "type: internal",
            "type: service_unavailable",
        ],
    ),
    CausePattern::unsure(
        Cause::ServerError,
        &[Cause::PackTooLarge, Cause::ConnectionFailed],
        &["index-pack abnormal exit", "unpacker error", "remote unpack failed", "unpack-objects abnormal exit"],
    ),
];

/// A fault of the server, in its words.
pub(super) fn faults(reading: &Reading) -> Option<Finding> {
    earliest(reading, FAULTS)
}
