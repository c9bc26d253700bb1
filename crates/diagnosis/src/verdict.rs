//! The result of a diagnosis: the words that show the cause, the pause before another try, and the failure it becomes.

use std::time::Duration;

use super::finding::Finding;
use super::{
    Cause, Evidence, Failure, Retry, Situation,
    reading::{
        Reading,
        clock::{pause_of, time_of_answer},
    },
    remedy,
};
use crate::credential::{OutsideText, Shown};

/// How what is said of an answer without words begins.
const NO_WORDS: &str = "The server returned ";
/// How many characters of a sentence are shown.
// An annotation holds 4096 characters, and the remedy has to follow the sentence.
const SENTENCE: usize = 500;
/// How many characters of a text that nothing was found in are kept.
// Nothing was recognised, so the text itself is all that a person has to go by.
const UNKNOWN: usize = 8_000;
/// The pause where GitHub asks for "at least a minute" and names none.
const MINUTE: Duration = Duration::from_mins(1);

/// The one cause, the words that show it, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// The one cause, of the closed list.
    pub cause: Cause,
    /// Whether the same request, unchanged, may pass later.
    pub transient: bool,
    /// The sentence of the text that shows it, cleaned of control characters; for an unknown cause the text itself.
    pub what: Shown,
    /// The same in our own words with the names that are known, without a full stop; it stands before [`Self::what`].
    sentence: Option<String>,
    /// The status of the answer.
    status: Option<u16>,
    /// What to do, in one or two sentences, with the names that are known; where the text fits several causes, how to
    /// tell them apart.
    pub remedy: Shown,
    /// The page to read.
    pub docs: &'static str,
    /// The other causes that the text fits, the likelier first; empty where it decides.
    pub also: Vec<Cause>,
    /// When the same request may be sent again.
    pub retry: Retry,
    /// A more exact address than [`Self::docs`], from the text or its headers.
    pub link: Option<Shown>,
}

impl Diagnosis {
    /// The page to open: [`Self::link`] where there is one, else [`Self::docs`].
    pub fn page(&self) -> &str {
        self.link.as_ref().map_or(self.docs, |link| link.as_str())
    }

    /// The failure that a stage returns.
    pub fn into_failure(self) -> Failure {
        // The quotation ends with a full stop of ours, after the closing mark.
        let words = self.what.trim_end_matches(['.', '。']);
        let what = match self.sentence {
            // These words are ours already: quoted they would look like the server's.
            Some(sentence) if self.what.starts_with(NO_WORDS) => format!("{sentence}. {words}."),
            None if self.what.starts_with(NO_WORDS) => format!("{words}."),
            Some(sentence) => format!("{sentence}: \"{words}\"."),
            None => match self.status {
                Some(status) => format!("{NO_WORDS}HTTP {status}: \"{words}\"."),
                None => format!("The server reported an error: \"{words}\"."),
            },
        };
        let (remedy, link) = (Some(self.remedy.into_inner()), self.link.map(Shown::into_inner));
        Failure { cause: self.cause, what, remedy, link, retry: self.retry }
    }
}

/// Puts the result together.
pub(super) fn put_together(
    finding: Finding,
    reading: &Reading,
    evidence: &Evidence<'_>,
    situation: &Situation,
) -> Diagnosis {
    let cause = finding.cause;
    // Both can hold words of the text: names of rules, addresses.
    let shown = |text: String| OutsideText::from(text).redacted(&situation.redactor);
    Diagnosis {
        cause,
        transient: cause.is_transient(),
        what: what(&finding, reading, evidence, situation),
        sentence: super::sentence::sentence(cause, situation),
        status: reading.status,
        remedy: shown(remedy::remedy(&finding, reading, situation)),
        docs: cause.docs(),
        retry: retry(cause, reading),
        link: super::link::link(cause, reading, situation).map(shown),
        also: finding.also,
    }
}

/// The words that show the cause.
fn what(finding: &Finding, reading: &Reading, evidence: &Evidence<'_>, situation: &Situation) -> Shown {
    let shown = |text: OutsideText| text.redacted(&situation.redactor);
    let sentence = |words: String| shown(words.into()).cut(SENTENCE);
    if finding.cause == Cause::Unknown {
        let text = super::reading::cleaned(&evidence.text);
        if !text.is_blank() {
            return shown(text).part(str::trim).cut(UNKNOWN);
        }
    }
    if let Some(all) = super::listed::all(finding.cause, reading) {
        return sentence(all);
    }
    let told = finding.span.map(|span| reading.words_at(span)).filter(|words| !words.is_empty());
    // The status or a header showed the cause; the first line that says something stands for its words.
    let told = told.or_else(|| reading.lines().find(|line| !is_noise(line)).map(str::to_owned));
    // Markup tells a person nothing. The title of the page often does: "Unicorn!", "502 Bad Gateway".
    if reading.html && told.as_ref().is_none_or(|words| words.contains('<')) {
        return match reading.title() {
            Some(title) => sentence(format!("{NO_WORDS}a web page: {title}")),
            None => sentence(format!("{NO_WORDS}a web page.")),
        };
    }
    match (told, reading.status) {
        (Some(words), _) => shown(without_label(&words).into()).one_line().cut(SENTENCE),
        (None, Some(status)) => sentence(format!("{NO_WORDS}HTTP {status} with an empty body.")),
        (None, None) => sentence("The text is empty.".to_owned()),
    }
}

/// Progress, the command itself and lines of a trace say nothing about a cause.
fn is_noise(line: &str) -> bool {
    const NOISE: [&str; 14] = [
        "Enumerating objects",
        "Counting objects",
        "Delta compression",
        "Compressing objects",
        "Writing objects",
        "Total ",
        "Resolving deltas",
        "To ",
        "From ",
        "/usr/bin/git",
        "=> Send",
        "HTTP/",
        "Done",
        "git push",
    ];
    // A header of an HTTP trace. A sentence has a capital or a blank before its colon.
    let header = line.split_once(": ").is_some_and(|(name, _)| {
        name.len() > 3
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && (name.contains('-') || name == "server")
    });
    header || NOISE.iter().any(|noise| line.starts_with(noise))
}

/// Without `error: `, `fatal: `, `- ` and the like in front.
fn without_label(words: &str) -> &str {
    let mut rest = words.trim_matches(['@', ' ']);
    loop {
        let before = rest.len();
        for label in [
            "error: ",
            "fatal: ",
            "ERROR: ",
            "Error: ",
            "warning: ",
            "- ",
            "RequestError [HttpError]: ",
            "HttpError: ",
            "GitHub: ",
            "gh: ",
        ] {
            rest = rest.strip_prefix(label).unwrap_or(rest).trim_start();
        }
        if rest.len() == before {
            return rest;
        }
    }
}

/// When the same request may be sent again.
///
/// Source: <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit>
fn retry(cause: Cause, reading: &Reading) -> Retry {
    if !cause.is_transient() {
        return Retry::Never;
    }
    let named = reading.header("retry-after").and_then(|value| pause_of(value, reading));
    let reset = || {
        let reset: i64 = reading.header("x-ratelimit-reset")?.trim().parse().ok()?;
        // Against the date of the answer: the clock of this machine may be wrong by minutes.
        let left = reset.saturating_sub(time_of_answer(reading).timestamp()).max(0);
        // The reset is given in whole seconds: without one more the request can arrive within the old window.
        Some(Duration::from_secs(u64::try_from(left).ok()?.saturating_add(1)))
    };
    match (cause, named) {
        // A pause that the server names wins, for every cause: it knows its own load.
        (_, Some(pause)) => Retry::After(pause),
        (Cause::PrimaryRateLimit, None) => Retry::After(reset().unwrap_or(MINUTE)),
        (Cause::SecondaryRateLimit, None) => Retry::After(MINUTE),
        _ => Retry::Backoff,
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::{Operation, classify};

    fn retry_of(status: u16, headers: &[(&str, &str)], text: &str) -> Retry {
        let headers: Vec<_> = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let evidence = Evidence {
            operation: Operation::Rest,
            status: Some(status),
            headers: &headers,
            text: text.into(),
            request: None,
        };
        classify(&evidence, &Situation::default()).retry
    }

    #[test]
    fn the_server_names_the_pause() {
        let after = |seconds| Retry::After(Duration::from_secs(seconds));
        assert_eq!(retry_of(403, &[("retry-after", "7")], "secondary rate limit"), after(7));
        assert_eq!(retry_of(429, &[], "secondary rate limit"), after(60));
        assert_eq!(retry_of(503, &[("retry-after", "9")], ""), after(9));
        let date = ("date", "Sat, 21 Nov 2026 04:00:00 GMT");
        let reset = DateTime::parse_from_rfc2822(date.1).unwrap().timestamp() + 90;
        let spent = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", &reset.to_string()), date];
        assert_eq!(retry_of(403, &spent, "{}"), after(91));
        let until = ("retry-after", "Sat, 21 Nov 2026 04:00:30 GMT");
        assert_eq!(retry_of(503, &[until, date], ""), after(30));
    }

    #[test]
    fn what_passes_without_a_named_pause_is_tried_after_the_usual_one_and_the_rest_never() {
        assert_eq!(retry_of(502, &[], "Bad Gateway"), Retry::Backoff);
        assert_eq!(retry_of(401, &[], "Bad credentials"), Retry::Never);
        assert_eq!(retry_of(401, &[("retry-after", "1")], "Bad credentials"), Retry::Never);
    }

    #[test]
    fn the_first_sentence_of_a_failure_names_the_target_and_the_servers_words_are_quoted() {
        let situation = Situation { repository: Some("acme/site".into()), ..Situation::default() };
        let what = |text, status| {
            let evidence = Evidence {
                operation: Operation::Rest,
                status,
                headers: &[],
                text: OutsideText::from(text),
                request: None,
            };
            classify(&evidence, &situation).into_failure().what
        };
        assert_eq!(
            what("{\"message\": \"Not Found\"}", Some(404)),
            "acme/site does not exist, or this credential cannot see it: \"Not Found\"."
        );
        assert_eq!(
            what("", Some(403)),
            "This credential cannot write to acme/site. The server returned HTTP 403 with an empty body."
        );
        assert_eq!(what("", Some(502)), "The server returned HTTP 502 with an empty body.");
        assert_eq!(what("nope", Some(500)), "The server returned HTTP 500: \"nope\".");
        assert_eq!(what("remote: nope", None), "The server reported an error: \"remote: nope\".");
        assert_eq!(
            what("{\"message\": \"API rate limit exceeded\"}", Some(403)),
            "The hourly rate limit of this credential is used up: \"API rate limit exceeded\"."
        );
    }

    #[test]
    fn a_failure_is_a_sentence_with_the_link_of_the_answer() {
        const SSO: &str =
            "The credential is not authorized for the single sign-on of the repository's organization: \"no\".";
        let headers = [("x-github-sso".to_owned(), "required; url=https://github.com/orgs/o/sso?a=1".to_owned())];
        let evidence = Evidence {
            operation: Operation::Rest,
            status: Some(403),
            headers: &headers,
            text: "no".into(),
            request: None,
        };
        let failure = classify(&evidence, &Situation::default()).into_failure();
        assert_eq!((failure.cause, failure.what.as_str()), (Cause::SsoAuthorizationRequired, SSO));
        assert_eq!(failure.docs(), "https://github.com/orgs/o/sso?a=1");
        assert!(failure.remedy().contains("https://github.com/orgs/o/sso?a=1"));
    }
}
