//! From a text, a status and headers to the one cause.

use super::{Cause, Diagnosis, Evidence, Retry, Situation};

/// Finds the cause of a failure. Never fails: what is not recognised is [`Cause::Unknown`] with the text kept.
pub fn classify(evidence: &Evidence<'_>, _situation: &Situation) -> Diagnosis {
    let cause = match evidence.status {
        Some(500..) => Cause::ServerError,
        Some(401) => Cause::BadCredentials,
        Some(404) => Cause::RepoNotFoundOrHidden,
        Some(429) => Cause::SecondaryRateLimit,
        _ => Cause::Unknown,
    };
    let transient = cause.is_transient();
    Diagnosis {
        cause,
        transient,
        what: evidence.text.to_owned(),
        remedy: cause.remedy().to_owned(),
        docs: cause.docs(),
        also: Vec::new(),
        retry: if transient { Retry::Backoff } else { Retry::Never },
        link: None,
    }
}
