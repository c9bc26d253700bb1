//! Finds in a text what its caller did not say: the status, headers, and which call it was.

use crate::{Evidence, Operation};

/// Which call was answered, as far as it matters for the cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// `POST /repos/{o}/{r}/dispatches`.
    RepositoryDispatch,
    /// `POST /repos/{o}/{r}/actions/workflows/{id}/dispatches`.
    WorkflowDispatch,
    /// Another call under `/actions/workflows/{id}`.
    Workflow,
    /// `/app`, `/app/installations`, `/repos/{o}/{r}/installation`: asked with an App's own signature.
    App,
    /// `/repos/{o}/{r}/git/refs`, `/git/ref`, `/git/tags`.
    Refs,
    /// `/repos/{o}/{r}/releases`.
    Releases,
    /// Another REST call.
    Other,
    /// Nothing tells.
    Unknown,
}

/// The header names that a text is searched for.
const HEADERS: [&str; 15] = [
    "x-github-sso",
    "x-oauth-scopes",
    "x-accepted-oauth-scopes",
    "x-accepted-github-permissions",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-ratelimit-limit",
    "x-ratelimit-resource",
    "x-github-otp",
    "github-authentication-token-expiration",
    "retry-after",
    "date",
    "content-type",
    "server",
    "location",
];

/// Collects while the lines are read.
pub(super) struct TextScan {
    given: Option<u16>,
    status: Option<u16>,
    headers: Vec<(String, String)>,
    request: Option<String>,
    operation: Operation,
}

/// What was collected.
pub(super) struct ScannedText {
    pub(super) status: Option<u16>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) endpoint: Endpoint,
}

impl TextScan {
    pub(super) fn new(evidence: &Evidence<'_>) -> Self {
        let headers = evidence.headers.iter();
        Self {
            given: evidence.status,
            status: None,
            headers: headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect(),
            request: evidence.request.map(str::to_lowercase),
            operation: evidence.operation,
        }
    }

    /// Takes note of a header or a status line of an HTTP trace, in the forms of curl, git, gh, Node and Ruby.
    pub(super) fn line(&mut self, line: &str) {
        let line = line.trim().trim_start_matches("<= Recv header:").trim_start_matches(['<', '*', '>', ' ']);
        if let Some(rest) = line.strip_prefix("HTTP/") {
            // The last answer of a trace counts: redirects and `100 Continue` come before it.
            self.status = rest.split_once(' ').and_then(|(_, rest)| leading_status(rest)).or(self.status);
            return;
        }
        let quotes = ['\'', '"', ' ', ',', '{', '}', '\r'];
        let Some((name, value)) = line.split_once(':') else { return };
        if name.len() > 64 {
            return;
        }
        let name = name.trim_matches(quotes).to_ascii_lowercase();
        if HEADERS.contains(&name.as_str()) && !self.headers.iter().any(|(known, _)| *known == name) {
            self.headers.push((name, value.trim_matches(quotes).to_owned()));
        }
    }

    pub(super) fn finish(self, flat: &str) -> ScannedText {
        let status = self.given.or(self.status).or_else(|| status_in(flat));
        let known = self.request.as_deref().map_or(Endpoint::Unknown, endpoint_of);
        let endpoint = if known == Endpoint::Unknown { endpoint_in(flat, self.operation) } else { known };
        ScannedText { status, headers: self.headers, endpoint }
    }
}

/// A status at the beginning of `text`, with nothing like a longer number behind it.
fn leading_status(text: &str) -> Option<u16> {
    let digits = text.get(..3)?;
    let status = digits.parse().ok().filter(|status| (100..600).contains(status))?;
    let next = text[3..].chars().next();
    (!next.is_some_and(|c| c.is_ascii_alphanumeric() || c == '.')).then_some(status)
}

/// What programs write before a status, without the signs between.
const STATUS_NAMES: [&str; 21] = [
    "http",
    "http code",
    "http-code",
    "http_code",
    "http error",
    "http status",
    "http status code",
    "http response",
    "status",
    "status code",
    "status-code",
    "status_code",
    "statuscode",
    "response code",
    "response status",
    "returned error",
    "code http",
    "exception",
    "api error",
    "error code",
    "error",
];

/// The first status that the text names as one: three digits behind a name for it, with `:`, `=`, a bracket or a blank between.
fn status_in(flat: &str) -> Option<u16> {
    const BETWEEN: [char; 6] = [' ', ':', '=', '\'', '[', '('];
    let bytes = flat.as_bytes();
    let mut named =
        (1..bytes.len()).filter(|at| bytes[*at].is_ascii_digit() && BETWEEN.contains(&char::from(bytes[at - 1])));
    let found = named.find_map(|at| {
        let status = leading_status(&flat[at..]).filter(|status| *status >= 200)?;
        let before = flat[..at].trim_end_matches(BETWEEN);
        let name = STATUS_NAMES.iter().find(|name| before.ends_with(**name) && !before.ends_with("exit status"))?;
        // NOTE: "error 401 of 900 files": the word is too common to count without its colon.
        (*name != "error" || flat[before.len()..at].contains(':') || flat[at + 3..].starts_with(':')).then_some(status)
    });
    found.or_else(|| status_after_address(flat))
}

/// go-github and octokit.rb write `POST https://…: 422 words`.
fn status_after_address(flat: &str) -> Option<u16> {
    flat.match_indices("https://").take(32).find_map(|(at, _)| {
        let word = flat[at..].split(' ').next()?;
        let rest = &flat[at + word.len()..];
        word.ends_with(':').then(|| leading_status(rest.trim_start())).flatten()
    })
}

/// The endpoint of a path such as `POST /repos/o/r/dispatches`.
fn endpoint_of(path: &str) -> Endpoint {
    let path = path.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    let any = |parts: &[&str]| parts.iter().any(|part| path.contains(part));
    if path.contains("/actions/workflows/") && path.ends_with("/dispatches") {
        Endpoint::WorkflowDispatch
    } else if path.ends_with("/dispatches") {
        Endpoint::RepositoryDispatch
    } else if path.contains("/actions/workflows/") {
        Endpoint::Workflow
    } else if any(&["/app/installations", "/access_tokens"])
        || path.ends_with("/installation")
        || path.ends_with("/app")
    {
        Endpoint::App
    } else if any(&["/git/refs", "/git/ref/", "/git/tags", "/git/matching-refs"]) {
        Endpoint::Refs
    } else if path.contains("/releases") {
        Endpoint::Releases
    } else if any(&["/repos/", "/user", "/orgs/", "/graphql"]) {
        Endpoint::Other
    } else {
        Endpoint::Unknown
    }
}

/// The endpoint that addresses in the text name, or the page of the documentation that an answer links.
fn endpoint_in(flat: &str, operation: Operation) -> Endpoint {
    const PAGES: [(&str, Endpoint); 11] = [
        ("#create-a-workflow-dispatch-event", Endpoint::WorkflowDispatch),
        ("#create-a-repository-dispatch-event", Endpoint::RepositoryDispatch),
        ("#get-a-workflow", Endpoint::Workflow),
        ("#list-workflow-runs-for-a-workflow", Endpoint::Workflow),
        ("-installation-for-the-authenticated-app", Endpoint::App),
        ("#create-an-installation-access-token", Endpoint::App),
        ("#get-the-authenticated-app", Endpoint::App),
        ("#create-a-reference", Endpoint::Refs),
        ("#update-a-reference", Endpoint::Refs),
        ("#delete-a-reference", Endpoint::Refs),
        ("#create-a-release", Endpoint::Releases),
    ];
    for mark in ["/repos/", "/app/installations", "/orgs/", "/users/"] {
        for (at, _) in flat.match_indices(mark).take(16) {
            let path = flat[at..].split([' ', '\'', ')', '>', ',', ':', ']']).next().unwrap_or_default();
            // NOTE: a page of the documentation, `docs.github.com/rest/repos/repos#…`, is no call.
            let endpoint = endpoint_of(path);
            if !matches!(endpoint, Endpoint::Unknown | Endpoint::Other) && !path.contains('#') {
                return endpoint;
            }
        }
    }
    let page = PAGES.into_iter().find(|(anchor, _)| flat.contains(anchor));
    let otherwise = if operation == Operation::Rest { Endpoint::Other } else { Endpoint::Unknown };
    page.map_or(otherwise, |(_, endpoint)| endpoint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_found_in_the_words_of_many_clients() {
        for (text, status) in [
            ("the requested url returned error: 403", Some(403)),
            ("gh: not found (http 404)", Some(404)),
            ("post https://api.github.com/repos/o/r/dispatches: 422 no", Some(422)),
            ("github.githubexception.githubexception: 401 {", Some(401)),
            ("rpc failed; http 408 curl 22", Some(408)),
            ("unexpected http status code: 404; class=http (34)", Some(404)),
            ("unable to reach port 443 after 403 ms", None),
            ("{'message': 'not found', 'status': '404'}", Some(404)),
            ("error: rpc failed; result=22, http code = 413", Some(413)),
            ("http-code: 502", Some(502)),
            ("error 500: no", Some(500)),
            ("error 401 of 900 files", None),
            ("git died with exit status 255", None),
            ("http 4031", None),
            ("error: 200mb is too much", None),
        ] {
            assert_eq!(status_in(text), status, "{text}");
        }
    }

    #[test]
    fn a_call_is_known_by_its_path_or_its_page() {
        for (path, endpoint) in [
            ("post /repos/o/r/dispatches", Endpoint::RepositoryDispatch),
            ("post /repos/o/r/actions/workflows/x.yml/dispatches", Endpoint::WorkflowDispatch),
            ("get /repos/o/r/installation", Endpoint::App),
            ("patch /repos/o/r/git/refs/heads/main", Endpoint::Refs),
            ("git-receive-pack", Endpoint::Unknown),
        ] {
            assert_eq!(endpoint_of(path), endpoint, "{path}");
        }
        let page = "documentation_url: https://docs.github.com/rest/repos/repos#create-a-repository-dispatch-event";
        assert_eq!(endpoint_in(page, Operation::Rest), Endpoint::RepositoryDispatch);
    }
}
