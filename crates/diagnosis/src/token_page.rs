//! GitHub's pages that make a token or a secret, opened with their forms filled in.
//!
//! Only github.com and GHE.com fill them in; Enterprise Server opens an empty form, so no address is built for it.
//!
//! Source: <https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/managing-your-personal-access-tokens#pre-filling-fine-grained-personal-access-token-details-using-url-parameters>

use url::{Url, form_urlencoded};

/// The name that the form proposes for the token.
const NAME: &str = "repo-relay";
/// Days until the proposed token ends.
const DAYS: &str = "90";

/// The page for a new fine-grained token of `owner` with `permissions`, such as `("contents", "write")`.
///
/// The repositories are still chosen by hand. None where `server` (`https://github.com`) does not fill in its form.
pub fn fine_grained<'a>(
    server: &str,
    owner: &str,
    permissions: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Option<String> {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("name", NAME).append_pair("target_name", owner).append_pair("expires_in", DAYS);
    query.extend_pairs(permissions);
    fills_in(server).then(|| format!("{server}/settings/personal-access-tokens/new?{}", query.finish()))
}

/// The page for a new classic token with `scopes`, such as `repo`.
///
/// None where `server` does not fill in its form.
pub fn classic(server: &str, scopes: &[&str]) -> Option<String> {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("scopes", &scopes.join(",")).append_pair("description", NAME);
    fills_in(server).then(|| format!("{server}/settings/tokens/new?{}", query.finish()))
}

/// The page for a new Actions secret of `repository` (`owner/name`).
pub fn secret(server: &str, repository: &str) -> String {
    format!("{server}/{repository}/settings/secrets/actions/new")
}

/// The permissions of a header `x-accepted-github-permissions`: `contents=write; workflows=write,actions=read`.
///
/// Alternatives stand between semicolons; only the first is read.
pub fn accepted(header: &str) -> Vec<(&str, &str)> {
    let first = header.split(';').next().unwrap_or_default();
    first.split(',').filter_map(|one| one.trim().split_once('=')).collect()
}

fn fills_in(server: &str) -> bool {
    let host = Url::parse(server).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    server.starts_with("https://") && (host == "github.com" || host.ends_with(".ghe.com"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_filled_in_with_what_is_needed() {
        assert_eq!(
            fine_grained("https://github.com", "acme", [("contents", "write"), ("actions", "read")]).unwrap(),
            "https://github.com/settings/personal-access-tokens/new?name=repo-relay&target_name=acme&expires_in=90&contents=write&actions=read"
        );
        assert_eq!(
            classic("https://acme.ghe.com", &["repo", "workflow"]).unwrap(),
            "https://acme.ghe.com/settings/tokens/new?scopes=repo%2Cworkflow&description=repo-relay"
        );
        let odd = fine_grained("https://github.com", "a&contents=read#x", []).unwrap();
        assert!(odd.contains("target_name=a%26contents%3Dread%23x&"), "{odd}");
    }

    #[test]
    fn enterprise_server_gets_no_such_address() {
        for server in
            ["https://ghe.acme.example", "http://github.com", "https://github.com.evil.example", "https://xghe.com", ""]
        {
            assert_eq!(fine_grained(server, "acme", [("contents", "write")]), None, "{server}");
            assert_eq!(classic(server, &["repo"]), None, "{server}");
        }
    }

    #[test]
    fn permissions_are_read_from_the_answers_header() {
        assert_eq!(accepted("contents=write; contents=write,workflows=write"), [("contents", "write")]);
        assert_eq!(accepted("contents=write,workflows=write"), [("contents", "write"), ("workflows", "write")]);
        assert!(accepted("").is_empty());
    }
}
