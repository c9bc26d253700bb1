//! What an answer says besides its body: GitHub tells in headers what a token is, may, and how long it lives.
//!
//! Sources: <https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api>,
//! <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use http::{HeaderMap, StatusCode};

use crate::names::moment;

/// The head of an answer.
#[derive(Clone, Debug, Default)]
pub struct Meta {
    /// The status.
    pub status: u16,
    /// All headers, names in lower case, as the diagnosis reads them.
    pub headers: Vec<(String, String)>,
    /// This machine's clock when the head came.
    pub received: Option<DateTime<Utc>>,
}

/// The primary rate limit of the resource that was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests an hour. 1,000 hints at a `GITHUB_TOKEN`.
    pub limit: Option<u64>,
    /// Requests left in this hour.
    pub remaining: Option<u64>,
    /// When the hour ends.
    pub reset: Option<DateTime<Utc>>,
    /// What is counted together: `core`, `actions`.
    pub resource: Option<String>,
}

impl Meta {
    pub(super) fn new(status: StatusCode, headers: &HeaderMap) -> Self {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        Self { status: status.as_u16(), headers, received: Some(Utc::now()) }
    }

    /// The first header of this name, in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The server's clock when it answered, as far as it names a year that a date in HTTP has room for.
    ///
    /// Source: <https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7>
    pub fn date(&self) -> Option<DateTime<Utc>> {
        moment::http_date(self.header("date")?).filter(|date| (1..=9998).contains(&date.year()))
    }

    /// How far the server's clock was ahead of this machine's.
    pub fn ahead(&self) -> Option<TimeDelta> {
        Some(self.date()? - self.received?)
    }

    /// The scopes of a classic or OAuth token; `None` for the kinds of token that have no scopes.
    pub fn scopes(&self) -> Option<Vec<String>> {
        self.header("x-oauth-scopes").map(list)
    }

    /// The scopes that this endpoint takes, any one of which suffices.
    pub fn accepted_scopes(&self) -> Option<Vec<String>> {
        self.header("x-accepted-oauth-scopes").map(list)
    }

    /// The permissions that this endpoint needs, as written: `contents=write` and the like, alternatives after `;`.
    pub fn accepted_permissions(&self) -> Option<&str> {
        self.header("x-accepted-github-permissions")
    }

    /// When the token ends; `None` when it never does, or nothing is said.
    pub fn token_expiration(&self) -> Option<DateTime<Utc>> {
        moment::token_expiry(self.header("github-authentication-token-expiration")?)
    }

    /// The single sign-on header: `required; url=...` or `partial-results; organizations=...`.
    pub fn sso(&self) -> Option<&str> {
        self.header("x-github-sso")
    }

    /// The version of an Enterprise Server, major and minor: `3.19.2` is `(3, 19)`.
    pub fn server_version(&self) -> Option<(u32, u32)> {
        // The patch level is left out: features come with minor versions.
        let mut numbers = self.header("x-github-enterprise-version")?.split('.').map(str::parse);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    }

    /// The number under which GitHub's support finds the request.
    pub fn request_id(&self) -> Option<&str> {
        self.header("x-github-request-id")
    }

    /// The tag that makes the next request of the same address conditional.
    pub fn etag(&self) -> Option<&str> {
        self.header("etag")
    }

    /// The number of a list's last page: that of the link `rel="last"`, which every page but the last one has.
    ///
    /// Source: <https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api>
    pub fn last_page(&self) -> Option<u32> {
        let links = self.header("link")?;
        // The order of the relations is not promised.
        let last = links.split(',').find(|link| link.contains("rel=\"last\""))?;
        let address = last.trim().strip_prefix('<')?.split('>').next()?;
        let (_, query) = address.split_once('?')?;
        query.split('&').find_map(|pair| pair.strip_prefix("page="))?.parse().ok()
    }

    /// The primary rate limit; its parts are `None` on a server that has none.
    pub fn rate_limit(&self) -> RateLimit {
        // An Enterprise Server without limits leaves these headers out.
        let number = |name| self.header(name).and_then(|value| value.parse::<u64>().ok());
        RateLimit {
            limit: number("x-ratelimit-limit"),
            remaining: number("x-ratelimit-remaining"),
            reset: number("x-ratelimit-reset")
                .and_then(|seconds| DateTime::from_timestamp(i64::try_from(seconds).ok()?, 0)),
            resource: self.header("x-ratelimit-resource").map(str::to_owned),
        }
    }
}

fn list(value: &str) -> Vec<String> {
    value.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta(headers: &[(&str, &str)]) -> Meta {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Meta { status: 200, headers, ..Meta::default() }
    }

    #[test]
    fn a_token_is_described_by_the_headers() {
        let meta = meta(&[
            ("date", "Sat, 21 Nov 2026 04:27:46 GMT"),
            ("x-oauth-scopes", "repo, workflow"),
            ("x-accepted-oauth-scopes", ""),
            ("github-authentication-token-expiration", "2027-01-02 03:04:05 UTC"),
            ("x-ratelimit-limit", "5000"),
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-reset", "1795235266"),
            ("x-ratelimit-resource", "core"),
        ]);
        assert_eq!(meta.date().map(moment::rfc3339).as_deref(), Some("2026-11-21T04:27:46Z"));
        assert_eq!(meta.scopes().unwrap(), ["repo", "workflow"]);
        assert_eq!(meta.accepted_scopes().unwrap(), [""; 0]);
        assert_eq!(meta.token_expiration().map(moment::rfc3339).as_deref(), Some("2027-01-02T03:04:05Z"));
        let rate = meta.rate_limit();
        assert_eq!((rate.limit, rate.remaining, rate.resource.as_deref()), (Some(5000), Some(0), Some("core")));
        assert_eq!(rate.reset.map(moment::rfc3339).as_deref(), Some("2026-11-21T04:27:46Z"));
    }

    #[test]
    fn the_last_page_is_that_of_the_link() {
        let link = "<https://api.github.com/r?per_page=100&page=2>; rel=\"next\", <https://api.github.com/r?per_page=100&page=7>; rel=\"last\"";
        assert_eq!(meta(&[("link", link)]).last_page(), Some(7));
        for other in ["", "<x>; rel=\"last\"", "<x?per_page=9>; rel=\"last\"", "<x?page=3>; rel=\"prev\""] {
            assert_eq!(meta(&[("link", other)]).last_page(), None, "{other}");
        }
    }

    #[test]
    fn what_is_not_said_is_not_known() {
        let meta = meta(&[("x-ratelimit-limit", "many"), ("date", "yesterday")]);
        assert_eq!((meta.scopes(), meta.date(), meta.token_expiration()), (None, None, None));
        assert_eq!(meta.rate_limit(), RateLimit::default());
    }

    #[test]
    fn a_clock_at_the_end_of_all_calendars_is_none() {
        for date in ["31 Dec 262142 23:59:59 +0000", "Fri, 31 Dec 9999 23:59:59 GMT", "1 Jan 0000 00:00:00 +0000"] {
            assert_eq!(meta(&[("date", date)]).date(), None, "{date}");
        }
    }
}
