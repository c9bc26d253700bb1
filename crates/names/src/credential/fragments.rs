//! Parts of secrets: a text that was cut before it came here may hold a secret's beginning, its end or its middle.

use std::{collections::HashSet, ops::Range};

use super::shapes::PREFIXES;

/// The length in bytes from which on a part of a secret is taken out: what is shown of one stays below.
const GRAM: usize = 7;

/// A shorter secret is looked for as a whole alone.
const SHORTEST: usize = 12;

/// What stands where a text was cut.
const MARK: char = '…';

/// Which parts of secrets are looked for.
#[derive(Default)]
pub(super) struct Fragments {
    /// Every run of [`GRAM`] bytes of secrets that look random: a text holds one only if it holds a part of the secret.
    grams: HashSet<u64>,
    /// Forms of secrets that are made of words, which other texts may share: a part of one is looked for beside a [`MARK`] alone.
    worded: Vec<Box<str>>,
}

impl Fragments {
    /// Learns the `forms` of the secret `value`.
    pub(super) fn learn<'a>(&mut self, value: &str, forms: impl IntoIterator<Item = &'a str>) {
        let is_random = looks_random(value.trim());
        for form in forms.into_iter().filter(|form| form.len() >= SHORTEST) {
            if is_random {
                // What lies in the prefix alone is said of tokens in general.
                let prefix = PREFIXES.iter().find(|prefix| form.starts_with(**prefix)).map_or(0, |prefix| prefix.len());
                let telling = form.as_bytes().windows(GRAM).enumerate().filter(|(at, _)| at + GRAM > prefix);
                self.grams.extend(telling.map(|(_, gram)| number(gram)));
            } else {
                self.worded.push(form.into());
            }
        }
    }

    /// Where `text` holds parts of secrets, in order and apart from each other.
    pub(super) fn find(&self, text: &str) -> Vec<Range<usize>> {
        let mut found = self.random_parts(text.as_bytes());
        if !self.worded.is_empty() {
            found.extend(text.match_indices(MARK).flat_map(|(at, _)| self.beside(text, at)));
        }
        found.sort_unstable_by_key(|range| range.start);
        let mut merged: Vec<Range<usize>> = Vec::new();
        for part in found {
            let (start, end) = (text.floor_char_boundary(part.start), text.ceil_char_boundary(part.end));
            match merged.last_mut().filter(|last| last.end >= start) {
                Some(last) => last.end = last.end.max(end),
                None => merged.push(start..end),
            }
        }
        merged
    }

    fn random_parts(&self, text: &[u8]) -> Vec<Range<usize>> {
        if self.grams.is_empty() {
            return Vec::new();
        }
        let windows = text.windows(GRAM).enumerate();
        windows.filter(|(_, gram)| self.grams.contains(&number(gram))).map(|(at, _)| at..at + GRAM).collect()
    }

    /// The beginning of a secret in front of the mark at `at`, and the end of one behind it.
    fn beside(&self, text: &str, at: usize) -> Vec<Range<usize>> {
        let (before, after) = (text[..at].trim_end(), &text[at + MARK.len_utf8()..]);
        let lengths = |form: &str| (GRAM..form.len()).rev();
        let beginning =
            |form: &str| lengths(form).find(|length| before.as_bytes().ends_with(&form.as_bytes()[..*length]));
        let end = |form: &str| {
            lengths(form).find(|length| after.as_bytes().starts_with(&form.as_bytes()[form.len() - *length..]))
        };
        let mut found = Vec::new();
        if let Some(longest) = self.worded.iter().filter_map(|form| beginning(form)).max() {
            found.push(before.len() - longest..before.len());
        }
        if let Some(longest) = self.worded.iter().filter_map(|form| end(form)).max() {
            found.push(text.len() - after.len()..text.len() - after.len() + longest);
        }
        found
    }
}

/// Seven bytes as a number.
fn number(gram: &[u8]) -> u64 {
    gram.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Whether a secret is not made of words: its kinds of characters change often. An address is made of words.
fn looks_random(secret: &str) -> bool {
    let kind = |byte: u8| match byte {
        b'0'..=b'9' => 0,
        b'a'..=b'z' => 1,
        b'A'..=b'Z' => 2,
        _ => 3,
    };
    let lines = secret.lines().filter(|line| !line.starts_with("-----"));
    let bytes: Vec<u8> = lines.flat_map(str::bytes).collect();
    let changes = bytes.windows(2).filter(|pair| kind(pair[0]) != kind(pair[1])).count();
    let words = secret.contains("://") || secret.contains(' ') && !secret.starts_with("-----");
    !words && (PREFIXES.iter().any(|prefix| secret.starts_with(prefix)) || changes * 100 > bytes.len() * 36)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::credential::{Redactor, Secret, masks};

    /// The length in characters of the longest part that both texts hold.
    fn shared(one: &str, other: &str) -> usize {
        let one: Vec<char> = one.chars().collect();
        let holds = |length: usize| one.windows(length).any(|part| other.contains(&part.iter().collect::<String>()));
        (1..=one.len()).take_while(|length| holds(*length)).last().unwrap_or_default()
    }

    fn secrets() -> impl Strategy<Value = String> {
        let prefixed = (prop::sample::select(vec!["ghp_", "gho_", "ghs_", "ghr_"]), "[A-Za-z0-9]{36}");
        let fine_grained = "[A-Za-z0-9]{22}_[A-Za-z0-9]{59}".prop_map(|rest| format!("github_pat_{rest}"));
        prop_oneof![
            prefixed.prop_map(|(prefix, rest)| format!("{prefix}{rest}")),
            fine_grained,
            "[A-Za-z0-9+/]{60,80}(==)?".prop_filter("few changes", |text| super::looks_random(text)),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn m7_of_a_secret_that_was_cut_anywhere_six_characters_are_shown(
            secret in secrets(),
            before in "[a-f .:=\"/é]{0,30}",
            after in "[a-f .:=\"/é]{0,30}",
            spelling in any::<prop::sample::Index>(),
            (from, to) in any::<(prop::sample::Index, prop::sample::Index)>(),
            marked in any::<bool>(),
        ) {
            let secret = Secret::new(secret);
            let redactor = Redactor::new([&secret]);
            let forms = masks(&secret);
            let form = spelling.get(&forms).expose();
            let whole: Vec<char> = format!("{before}{form}{after}").chars().collect();
            let (one, other) = (from.index(whole.len() + 1), to.index(whole.len() + 1));
            let (from, to) = (one.min(other), one.max(other));
            let mark = if marked { "…" } else { "" };
            let text: String = [mark, &whole[from..to].iter().collect::<String>(), mark].concat();
            let shown = redactor.redact(&text);
            // What is the same for all secrets of a kind tells nothing: prefixes, git's user name in base64.
            let told = form.trim_start_matches("github_pat_").trim_start_matches("eC1hY2Nlc3MtdG9rZW4");
            prop_assert!(shared(&shown, told) <= 6, "{:?} of {:?}", shown, form);
        }

        #[test]
        fn m7_of_a_worded_secret_beside_a_mark_six_characters_are_shown(
            words in "[a-z]{4,9}(-[a-z]{4,9}){2,4}",
            length in any::<prop::sample::Index>(),
            from_the_end in any::<bool>(),
        ) {
            let secret = Secret::new(words.clone());
            let redactor = Redactor::new([&secret]);
            let length = length.index(words.len());
            let text = if from_the_end {
                format!("0 …{} 0", &words[words.len() - length..])
            } else {
                format!("0 {}… 0", &words[..length])
            };
            prop_assert!(shared(&redactor.redact(&text), &words) <= 6);
        }
    }

    #[test]
    fn words_that_other_texts_share_stay() {
        let redactor = Redactor::new(&[
            Secret::new("github-deployments-of-the-team".to_owned()),
            Secret::new("https://hooks.acme.com/services/T0A1B2/c3D4e5F6".to_owned()),
            Secret::new(format!("github_pat_{}", "0aB1cD2eF3".repeat(8))),
        ]);
        for text in ["the branch github-deployments", "see https://hooks.acme.com/docs", "a `github_pat_…` token"] {
            assert_eq!(redactor.redact(text), text);
        }
        assert_eq!(redactor.redact("it said github-deploym…"), "it said ***…");
        assert_eq!(redactor.redact("it said cD2eF30aB1"), "it said ***");
    }
}
