//! git's own lines in the languages it speaks: it translates its own, never the server's.
//!
//! The words come from the message catalogues of git 2.47 (`po/*.po` of its source), in the form of
//! [`Reading::flat`], cut to what tells one message from the others; `*` stands where a name is filled in.

use super::{Cause, Reading, credentials, repository};
use crate::finding::Finding;

const WORDS: &str = include_str!("languages.tsv");

/// A translated line; `broken` asks for those that tell of a broken connection, which say less than the others.
pub(super) fn look(reading: &Reading, broken: bool) -> Option<Finding> {
    if reading.flat.is_ascii() {
        // NOTE: a few catalogues (Indonesian, parts of others) need no letter beyond ASCII.
        return find(reading, broken, str::is_ascii);
    }
    find(reading, broken, |_| true)
}

fn find(reading: &Reading, broken: bool, may: impl Fn(&str) -> bool) -> Option<Finding> {
    let rows = WORDS.lines().filter_map(|row| row.split_once('\t'));
    let rows = rows.filter(|(slug, pattern)| (*slug == "connection-failed") == broken && may(pattern));
    let found = rows.filter_map(|(slug, pattern)| Some((reading.find(pattern)?, slug)));
    let (span, slug) = found.min_by_key(|(span, _)| span.start)?;
    let cause = Cause::from_slug(slug)?;
    let also: &[Cause] = match cause {
        Cause::BadCredentials => &[Cause::TokenExpired, Cause::PasswordAuthRemoved],
        Cause::RepoNotFoundOrHidden => repository::HIDDEN,
        Cause::NoWriteAccess => credentials::NO_WRITE,
        _ => &[],
    };
    Some(Finding::new(cause, also, Some(span)))
}

#[cfg(test)]
mod tests {
    use super::{Cause, WORDS};

    #[test]
    fn every_row_names_a_cause_and_words_in_the_form_they_are_looked_for() {
        for row in WORDS.lines() {
            let (slug, pattern) = row.split_once('\t').unwrap();
            assert!(Cause::from_slug(slug).is_some(), "{row}");
            assert!(pattern == pattern.to_lowercase() && !pattern.contains(['"', '`', '“', '«']), "{row}");
        }
    }
}
