//! Text from outside: what a server, another program or a file says. It comes in as [`OutsideText`], which shows nothing of itself,
//! and can be cut, printed and kept only as [`Shown`], which a [`Redactor`] alone makes of it. So the compiler keeps the order:
//! half a secret is not known again, and what is cut first may hold one.

use std::{borrow::Cow, fmt, ops::Deref};

use super::Redactor;

/// What stands where a text was cut. The redactor knows by it that the words beside it can be a part of more.
const MARK: char = '…';

/// Text as it came from outside. It cannot be printed:
///
/// ```compile_fail,E0277
/// let text = repo_relay_names::credential::OutsideText::from("remote: ghp_…");
/// println!("{text}");
/// ```
///
/// nor cut, be it by its own methods or as a `str`:
///
/// ```compile_fail,E0599
/// let text = repo_relay_names::credential::OutsideText::from("remote: ghp_…");
/// text.cut(10);
/// ```
///
/// ```compile_fail,E0608
/// let text = repo_relay_names::credential::OutsideText::from("remote: ghp_…");
/// let beginning = &text[..10];
/// ```
///
/// ```compile_fail,E0308
/// let text = repo_relay_names::credential::OutsideText::from("remote: ghp_…");
/// let text: &str = &text;
/// ```
///
/// After the redaction it can:
///
/// ```
/// use repo_relay_names::credential::{OutsideText, Redactor, Secret};
///
/// let redactor = Redactor::new(&[Secret::new("s3cr3t-0f-the-st3p".into())]);
/// let text = OutsideText::from("denied for s3cr3t-0f-the-st3p, ask the owner");
/// assert_eq!(text.redacted(&redactor).cut(20).to_string(), "denied for ***, ask…");
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct OutsideText(String);

impl OutsideText {
    /// `bytes` as text. What is no UTF-8 is replaced.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(String::from_utf8_lossy(bytes).into_owned())
    }

    /// The beginning of a text that was not taken in to its end.
    pub fn cut_off(bytes: &[u8]) -> Self {
        let mut text = Self::from_bytes(bytes);
        text.0.push(MARK);
        text
    }

    /// Whether it holds nothing but white space.
    pub fn is_blank(&self) -> bool {
        self.0.trim().is_empty()
    }

    /// The text without any secret that `redactor` knows.
    pub fn redacted(&self, redactor: &Redactor) -> Shown {
        redactor.redacted(self.0.clone())
    }

    /// The text as it came, for the few places that look for words in it and show nothing of it; `tests/house.rs` lists them.
    pub fn searched(&self) -> &str {
        &self.0
    }
}

impl From<String> for OutsideText {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for OutsideText {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for OutsideText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OutsideText({} bytes)", self.0.len())
    }
}

/// A value with texts that can hold secrets.
pub trait Texts {
    /// Hands each of these texts to `change`, in place.
    fn for_each_text(&mut self, change: &mut dyn FnMut(&mut String));
}

impl Texts for String {
    fn for_each_text(&mut self, change: &mut dyn FnMut(&mut String)) {
        change(self);
    }
}

/// A value without secrets in its texts. Only [`Redactor::redacted`] makes one, and nothing changes one but what leaves text out:
///
/// ```compile_fail,E0423
/// use repo_relay_names::credential::Shown;
///
/// let shown: Shown = repo_relay_names::credential::Redacted("remote: ghp_…".to_owned());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Redacted<T>(T);

/// Text without secrets.
pub type Shown = Redacted<String>;

impl Redactor {
    /// `value` with every text of it redacted.
    pub fn redacted<T: Texts>(&self, mut value: T) -> Redacted<T> {
        value.for_each_text(&mut |text| self.clean(text));
        Redacted(value)
    }
}

impl<T> Redacted<T> {
    /// The value, to be put together with others.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T: Texts> Redacted<T> {
    /// Cuts each text to at most `limit` characters.
    #[must_use]
    pub fn with_texts_cut(mut self, limit: usize) -> Self {
        self.0.for_each_text(&mut |text| {
            // A text of fewer bytes has fewer characters.
            if text.len() > limit
                && let Cow::Owned(short) = cut(text, limit)
            {
                *text = short;
            }
        });
        self
    }
}

impl Shown {
    /// At most `limit` characters, `…` standing for what was cut off the end.
    #[must_use]
    pub fn cut(&self, limit: usize) -> Self {
        Self(cut(&self.0, limit).into_owned())
    }

    /// All of it on one line: each run of white space is one blank.
    #[must_use]
    pub fn one_line(&self) -> Self {
        Self(self.0.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// A part of it.
    #[must_use]
    pub fn part(&self, pick: impl for<'a> FnOnce(&'a str) -> &'a str) -> Self {
        Self(pick(&self.0).to_owned())
    }
}

impl<T> Deref for Redacted<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: fmt::Display> fmt::Display for Redacted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl PartialEq<str> for Shown {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for Shown {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

/// At most `limit` characters of `text`.
fn cut(text: &str, limit: usize) -> Cow<'_, str> {
    match text.char_indices().nth(limit) {
        None => Cow::Borrowed(text),
        Some(_) if limit == 0 => Cow::Owned(String::new()),
        Some(_) => Cow::Owned(text.chars().take(limit - 1).chain([MARK]).collect()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::credential::Secret;

    proptest! {
        #[test]
        fn m7_whatever_the_cut_no_part_of_a_secret_is_shown(
            (before, after) in ("[a-f .:]{0,30}", "[a-f .:]{0,30}"),
            secret in "ghp_[A-Za-z0-9]{36}|[a-z]{5,9}-[a-z]{5,9}-[a-z]{5,9}",
            limit in 0_usize..100,
        ) {
            let redactor = Redactor::new(&[Secret::new(secret.clone())]);
            let text = OutsideText::from(format!("{before}{secret}{after}"));
            let shown = text.redacted(&redactor).cut(limit);
            prop_assert!(shown.chars().count() <= limit);
            // Neither the letters around it nor the stars hold what only a secret has.
            let told = shown.trim_end_matches('…').trim_start_matches(&*before);
            prop_assert!(told.is_empty() || told.starts_with('*') || before.starts_with(told), "{shown}");
        }
    }

    #[test]
    fn it_shows_nothing_of_itself() {
        assert_eq!(format!("{:?}", OutsideText::from("hunter2")), "OutsideText(7 bytes)");
    }

    #[test]
    fn m7_words_that_were_not_taken_in_whole_are_known_by_their_mark() {
        let redactor = Redactor::new(&[Secret::new("correct-horse-battery".into())]);
        let text = OutsideText::cut_off(b"password: correct-horse");
        assert_eq!(text.redacted(&redactor), "password: ***…");
    }
}
