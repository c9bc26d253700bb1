//! The [`Redactor`], which takes every form of a secret, and every part of one, out of a text.

use std::{
    borrow::Cow,
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use aho_corasick::{AhoCorasick, MatchKind};

use super::{Secret, fragments::Fragments, shapes::without_token_shapes, spellings::masks};

/// What stands in a secret's place, as in the runner's own log.
const STARS: &str = "***";

/// A longer form, in bytes, is looked for by itself: an automaton of it would take minutes to build.
const LONGEST_PATTERN: usize = 1024;

#[derive(Default)]
struct KnownSecrets {
    forms: Vec<Secret>,
    finder: Option<AhoCorasick>,
    fragments: Fragments,
}

impl KnownSecrets {
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
pub struct Redactor(Arc<RwLock<KnownSecrets>>);

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
        for secret in secrets {
            let forms = masks(secret);
            let short = forms.iter().map(Secret::expose).filter(|form| form.len() <= LONGEST_PATTERN);
            known.fragments.learn(secret.expose(), short);
            for form in forms {
                if !known.forms.contains(&form) && !fresh.contains(&form) {
                    fresh.push(form);
                }
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

    /// `text` without any form of a known secret, without parts of one that are longer than six characters, and without anything
    /// that has the form of a token. It does not matter whether the text was cut before.
    ///
    /// NOTE: of a secret that is made of words, which other texts share, a part is known beside `…` alone.
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.without_parts(text) {
            Cow::Borrowed(text) => without_token_shapes(text),
            Cow::Owned(text) => match without_token_shapes(&text) {
                Cow::Borrowed(_) => Cow::Owned(text),
                Cow::Owned(clean) => Cow::Owned(clean),
            },
        }
    }

    fn without_parts<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let text = self.without_known(text);
        let parts = self.0.read().unwrap_or_else(PoisonError::into_inner).fragments.find(&text);
        if parts.is_empty() {
            return text;
        }
        let mut clean = String::with_capacity(text.len());
        let mut copied = 0;
        for part in parts {
            clean.push_str(&text[copied..part.start]);
            clean.push_str(STARS);
            copied = part.end;
        }
        clean.push_str(&text[copied..]);
        Cow::Owned(clean)
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
    use base64::{Engine as _, engine::general_purpose::STANDARD};
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
        let mut once = forms.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), forms.len(), "{forms:?}");
        assert_eq!(forms[..2], ["ghp_abcDEF".to_owned(), STANDARD.encode("x-access-token:ghp_abcDEF")]);
        assert!(forms.contains(&"ghp%5FabcDEF".to_owned()));
    }

    #[test]
    fn m7_the_spellings_of_the_runner_are_taken_out() {
        let value = "p\"a's<s>&word&+Secret/42?";
        let redactor = Redactor::new(&[Secret::new(value.to_owned())]);
        let encoded = |before: &str, after: &str| STANDARD.encode(format!("{before}{value}{after}"));
        let spellings = [
            encoded("", ""),
            encoded("", "").replace('=', "%3D"),
            encoded("a", "b"),
            encoded("ab", "c"),
            "p\\\"a's<s>&word&+Secret/42?".to_owned(),
            "p\"a''s<s>&word&+Secret/42?".to_owned(),
            "p%22a%27s%3cs%3e%26word%26%2bSecret%2f42%3f".to_owned(),
            "p&quot;a&apos;s&lt;s&gt;&amp;word&amp;+Secret/42?".to_owned(),
            "p\"a's<s>&word&+".to_owned(),
            "ecret/42?".to_owned(),
        ];
        for text in spellings {
            let shown = redactor.redact(&text).into_owned();
            // Base64 at the edges depends on what stands beside the secret.
            assert!(shown.contains("***") && shown.len() <= 16, "{text}: {shown}");
        }
        let quoted = Redactor::new(&[Secret::new("\"quoted-value\"".to_owned())]);
        assert_eq!(quoted.redact("it is quoted-value"), "it is ***");
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
        assert_eq!(redactor.learn(&[Secret::new("minted".into())]).len(), 3);
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
