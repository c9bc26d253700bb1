//! The forms in which a secret can show up, and the [`Redactor`] that takes all of them out of a text.

use std::{
    borrow::Cow,
    collections::BTreeSet,
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use aho_corasick::{AhoCorasick, MatchKind};
use base64::{Engine, engine::general_purpose::STANDARD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Secret, shapes::without_token_shapes};

/// What stands in a secret's place, as in the runner's own log.
const STARS: &str = "***";

/// The user name beside a token in git's basic authentication.
const BASIC_USER: &str = "x-access-token";

/// A key's line below this length is no secret on its own: `-----`, a short last line.
const SHORTEST_KEY_LINE: usize = 16;

/// A shorter line of another secret (a brace, a blank) would black out half of the log and hide nothing.
const SHORTEST_LINE: usize = 4;

/// A longer form, in bytes, is looked for by itself: an automaton of it would take minutes to build.
const LONGEST_PATTERN: usize = 1024;

/// What RFC 3986 leaves unreserved.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Every form in which `secret` may appear: as it is, its lines, base64 of git's `user:secret` pair, URL-encoded, JSON-escaped.
///
/// Of a PEM or OpenSSH key each body line of at least 16 characters counts, never `BEGIN` and `END`, encoded or not.
/// A blank secret has no forms. No form holds a line break unless it is the whole secret.
pub fn masks(secret: &Secret) -> Vec<Secret> {
    if secret.is_blank() {
        return Vec::new();
    }
    let value = secret.expose();
    let mut forms = vec![value.to_owned(), value.trim().to_owned()];
    let is_key = value.contains("-----BEGIN ");
    let shortest = if is_key { SHORTEST_KEY_LINE } else { SHORTEST_LINE };
    let lines: Vec<&str> = value.trim().lines().map(str::trim).collect();
    let telling = |line: &&&str| !(is_key && line.starts_with("-----")) && line.chars().count() >= shortest;
    if lines.len() > 1 {
        forms.extend(lines.iter().filter(telling).map(|line| (*line).to_owned()));
    } else {
        forms.push(STANDARD.encode(format!("{BASIC_USER}:{}", value.trim())));
    }
    // A key that is encoded as a whole would begin with its frame: its lines are looked for one by one.
    let encoded: Vec<&str> = if is_key && lines.len() > 1 {
        lines.iter().filter(telling).copied().collect()
    } else {
        vec![value, value.trim()]
    };
    for value in encoded {
        forms.push(utf8_percent_encode(value, UNRESERVED).to_string());
        forms.push(utf8_percent_encode(value, NON_ALPHANUMERIC).to_string());
        forms.push(url::form_urlencoded::byte_serialize(value.as_bytes()).collect());
        let json = serde_json::Value::from(value).to_string();
        forms.push(json[1..json.len() - 1].to_owned());
        forms.push(value.escape_debug().to_string());
    }
    let mut seen = BTreeSet::new();
    forms.retain(|form| !form.trim().is_empty() && seen.insert(form.clone()));
    forms.into_iter().map(Secret::new).collect()
}

#[derive(Default)]
struct Known {
    forms: Vec<Secret>,
    finder: Option<AhoCorasick>,
}

impl Known {
    /// `text` without the forms that no automaton looks for, the longest first: most texts are too short to hold one.
    fn without_long_forms<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let fits = |form: &&str| form.len() > LONGEST_PATTERN && form.len() <= text.len();
        let mut long: Vec<&str> = self.forms.iter().map(Secret::expose).filter(fits).collect();
        long.sort_by_key(|form| std::cmp::Reverse(form.len()));
        long.into_iter().fold(Cow::Borrowed(text), |text, form| {
            if text.contains(form) { Cow::Owned(text.replace(form, STARS)) } else { text }
        })
    }
}

/// Replaces every form of every known secret by `***`. Cheap to clone; all clones know what one learns.
#[derive(Clone, Default)]
pub struct Redactor(Arc<RwLock<Known>>);

impl Redactor {
    /// A redactor that knows `secrets`.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let redactor = Self::default();
        redactor.learn(secrets);
        redactor
    }

    /// Learns further secrets, such as a token minted on the way. Gives the forms that are new, in order.
    pub fn learn<'a>(&self, secrets: impl IntoIterator<Item = &'a Secret>) -> Vec<Secret> {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let mut fresh: Vec<Secret> = Vec::new();
        for form in secrets.into_iter().flat_map(masks) {
            if !known.forms.contains(&form) && !fresh.contains(&form) {
                fresh.push(form);
            }
        }
        if !fresh.is_empty() {
            known.forms.extend(fresh.iter().cloned());
            let forms = known.forms.iter().map(Secret::expose).filter(|form| form.len() <= LONGEST_PATTERN);
            // NOTE: building fails only for gigabytes of patterns; then nothing may be shown at all.
            known.finder = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(forms).ok();
        }
        fresh
    }

    /// `text` without any form of a known secret, and without anything that has the form of a token.
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.without_known(text) {
            Cow::Borrowed(text) => without_token_shapes(text),
            Cow::Owned(text) => match without_token_shapes(&text) {
                Cow::Borrowed(_) => Cow::Owned(text),
                Cow::Owned(clean) => Cow::Owned(clean),
            },
        }
    }

    fn without_known<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let text = known.without_long_forms(text);
        match &known.finder {
            None if known.forms.is_empty() => text,
            None => Cow::Borrowed(STARS),
            Some(finder) if !finder.is_match(&*text) => text,
            Some(finder) => {
                let mut clean = String::with_capacity(text.len());
                finder.replace_all_with(&text, &mut clean, |_, _, clean| {
                    clean.push_str(STARS);
                    true
                });
                Cow::Owned(clean)
            }
        }
    }

    /// [`Self::redact`] in place.
    pub fn clean(&self, text: &mut String) {
        if let Cow::Owned(clean) = self.redact(text) {
            *text = clean;
        }
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor(***)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn forms(value: &str) -> Vec<String> {
        masks(&Secret::new(value.into())).iter().map(|form| form.expose().to_owned()).collect()
    }

    // In two halves: the demo publishes these sources as pages, and a page with a private key is refused.
    const KEY: &str = concat!(
        "-----BEGIN OPENSSH ",
        "PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU\nQyNTUxOQAAACDshortbutlongenough==\nshort==\n",
        "-----END OPENSSH PRIVATE KEY-----\n"
    );

    #[test]
    fn a_token_has_its_derived_forms() {
        let forms = forms("ghp_a+b/c\"d");
        assert_eq!(forms[0], "ghp_a+b/c\"d");
        assert!(forms.contains(&STANDARD.encode("x-access-token:ghp_a+b/c\"d")));
        assert!(forms.contains(&"ghp_a%2Bb%2Fc%22d".to_owned()));
        assert!(forms.contains(&"ghp_a+b/c\\\"d".to_owned()));
        assert!(self::forms("ends\"").contains(&"ends\\\"".to_owned()));
    }

    #[test]
    fn a_plain_token_has_no_form_twice() {
        let forms = forms("ghp_abcDEF");
        assert_eq!(
            forms,
            ["ghp_abcDEF".to_owned(), STANDARD.encode("x-access-token:ghp_abcDEF"), "ghp%5FabcDEF".to_owned()]
        );
    }

    #[test]
    fn of_a_key_the_long_body_lines_count_and_never_its_frame() {
        let forms = forms(KEY);
        assert!(forms.contains(&"b3BlbnNzaC1rZXktdjEAAAAABG5vbmU".to_owned()));
        assert!(forms.contains(&"QyNTUxOQAAACDshortbutlongenough==".to_owned()));
        assert!(!forms.iter().any(|form| form == "short==" || form.trim().starts_with("-----END")));
        // But for the key as it is, which no mask of one line is.
        assert!(!forms.iter().any(|form| form.contains("BEGIN") && !form.contains('\n')), "{forms:?}");
    }

    #[test]
    fn a_secret_of_several_lines_is_masked_line_by_line() {
        let forms = forms("user=admin\n{\n  password=hunter2\n}\n");
        assert!(forms.contains(&"user=admin".to_owned()) && forms.contains(&"password=hunter2".to_owned()));
        assert!(!forms.contains(&"{".to_owned()));
    }

    #[test]
    fn a_blank_secret_masks_nothing() {
        assert!(forms("").is_empty() && forms(" \n\t").is_empty());
        assert_eq!(Redactor::new(&[Secret::new(String::new())]).redact("a b"), "a b");
    }

    #[test]
    fn every_form_is_taken_out_and_the_longest_wins() {
        let redactor = Redactor::new(&[Secret::new("abc".into()), Secret::new("abcdef".into())]);
        assert_eq!(redactor.redact("x abcdef y abc z"), "x *** y *** z");
        assert_eq!(redactor.redact(&format!("Basic {}", STANDARD.encode("x-access-token:abcdef"))), "Basic ***");
        assert_eq!(redactor.redact("nothing here"), "nothing here");
    }

    #[test]
    fn the_largest_secret_is_taken_out_without_delay() {
        let value = "0123456789abcdefg ".repeat(48 << 10).split_at(48 << 10).0.to_owned();
        let begin = std::time::Instant::now();
        let redactor = Redactor::new(&[Secret::new(value.clone()), Secret::new("hunter2".into())]);
        for form in masks(&Secret::new(value)) {
            assert_eq!(redactor.redact(&format!("<{}> hunter2", form.expose())), "<***> ***");
        }
        assert!(begin.elapsed() < std::time::Duration::from_secs(10), "{:?}", begin.elapsed());
    }

    #[test]
    fn a_clone_knows_what_the_other_learns() {
        let redactor = Redactor::default();
        let clone = redactor.clone();
        assert_eq!(redactor.learn(&[Secret::new("minted".into())]).len(), 2);
        assert_eq!(redactor.learn(&[Secret::new("minted".into())]).len(), 0);
        assert_eq!(clone.redact("a minted token"), "a *** token");
        assert!(!format!("{clone:?}").contains("minted"));
    }

    proptest! {
        #[test]
        fn no_form_survives(secret in "[ -~]{4,40}|\\PC{4,20}", before in "\\PC*", after in "\\PC*") {
            let secret = Secret::new(secret);
            let redactor = Redactor::new([&secret]);
            for form in masks(&secret) {
                // Stars cannot be told from the replacement's.
                prop_assume!(!form.expose().contains('*'));
                let text = format!("{before}{}{after}", form.expose());
                prop_assert_eq!(redactor.redact(&text).matches(form.expose()).count(), 0);
            }
        }
    }
}
