//! Tokens that nobody told the program about, known by their form: in a wrong input, in a log that is to be explained.

use std::borrow::Cow;

/// What stands in a token's place.
const STARS: &str = "***";

/// GitHub's prefixes.
///
/// Source: <https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/about-authentication-to-github#githubs-token-formats>
pub(super) const PREFIXES: [&str; 6] = ["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"];

/// What the prefixes become in base64, and the user name that git's basic authentication has in front of a token: the header that
/// actions/checkout leaves in `.git/config` begins with it.
const BASE64_PREFIXES: [&str; 7] =
    ["Z2hwX", "Z2hvX", "Z2h1X", "Z2hzX", "Z2hyX", "Z2l0aHViX3BhdF", "eC1hY2Nlc3MtdG9rZW46"];

/// A shorter rest is a placeholder or a name.
const SHORTEST_REST: usize = 16;

/// A shorter rest in front of `…` is a placeholder; what is longer was cut.
const SHORTEST_CUT: usize = 3;

/// `text` with `***` for everything that has the form of a token of GitHub's.
pub fn without_token_shapes(text: &str) -> Cow<'_, str> {
    let mut clean = String::new();
    let mut copied = 0;
    let mut from = 0;
    while let Some(at) = memchr::memchr3(b'g', b'Z', b'e', &text.as_bytes()[from..]).map(|at| at + from) {
        from = at + 1;
        // In the middle of a word the same letters are part of a hash or a name.
        let inside_a_word = text[..at].ends_with(|before: char| before.is_ascii_alphanumeric());
        let begins =
            |prefixes: &[&'static str]| prefixes.iter().find(|prefix| text[at..].starts_with(**prefix)).copied();
        let plain = begins(&PREFIXES).map(|prefix| (prefix, "_-."));
        let found = plain.or_else(|| Some((begins(&BASE64_PREFIXES)?, "+/-_=")));
        let Some((prefix, others)) = found.filter(|_| !inside_a_word) else { continue };
        let rest = &text[at + prefix.len()..];
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || others.contains(c))).unwrap_or(rest.len());
        let is_cut = rest[end..].trim_start().starts_with('…');
        // The full stop of a sentence is no part of the token.
        let rest = rest[..end].trim_end_matches(['.', '-']);
        if rest.len() < if is_cut { SHORTEST_CUT } else { SHORTEST_REST } {
            continue;
        }
        clean.push_str(&text[copied..at]);
        clean.push_str(STARS);
        copied = at + prefix.len() + rest.len();
        from = copied;
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    clean.push_str(&text[copied..]);
    Cow::Owned(clean)
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};

    use super::*;

    #[test]
    fn m10_a_token_is_known_by_its_form() {
        let body = "0123456789abcdefghijABCDEFGHIJ012345";
        for prefix in PREFIXES {
            let text = format!("https://h/o/r?access_token={prefix}{body}. And {prefix}{body}\n");
            assert_eq!(without_token_shapes(&text), "https://h/o/r?access_token=***. And ***\n");
        }
        assert_eq!(without_token_shapes("it said ghp_0aB1c… and ghp_…"), "it said ***… and ghp_…");
        assert_eq!(without_token_shapes(&format!("ghs_12_{body}.{body}-{body}, x")), "***, x");
    }

    #[test]
    fn m10_a_token_is_known_in_base64() {
        let body = "0123456789abcdefghijABCDEFGHIJ012345";
        for prefix in PREFIXES {
            for user in ["", "x-access-token:"] {
                let encoded = STANDARD.encode(format!("{user}{prefix}{body}"));
                let text =
                    format!("extraheader AUTHORIZATION: basic {encoded}, and\n{}", encoded.trim_end_matches('='));
                assert_eq!(without_token_shapes(&text), "extraheader AUTHORIZATION: basic ***, and\n***");
            }
        }
    }

    #[test]
    fn names_and_placeholders_stay() {
        for text in
            ["ghp_…", "`ghp_` or `github_pat_`", "laughs_at_everything_that_is_long", "ghp_short", "gh auth token", ""]
        {
            assert!(matches!(without_token_shapes(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }
}
