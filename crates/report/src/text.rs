//! Text from outside, made fit to be printed on one line: what would act on the reader or on the runner is shown, not obeyed.

use std::{borrow::Cow, time::Duration};

/// `text` as one printable line that cannot start a workflow command.
///
/// Line breaks, control characters (ANSI escapes among them) and bidirectional marks become visible escapes.
/// A line that begins, after blanks, with `::`, and a `##[` anywhere, get a backslash in front.
///
/// NOTE: this is enough for the runner: it takes a line for a command only when, trimmed, it begins with `::`, or
/// holds `##[` (`ActionCommand.cs`). So `::stop-commands::` is not used: while it is on, the masks of a token minted
/// on the way would not be heard either.
/// <https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs>
pub fn safe_line(text: &str) -> Cow<'_, str> {
    // NOTE: the runner compares by culture, which skips what has no width: `:\u{ad}:` is `::` to it.
    let seen = || text.chars().filter(|c| !is_ignorable(*c));
    let mut start = seen().skip_while(|c| c.is_whitespace() || c.is_control());
    let is_command = start.next() == Some(':') && start.next() == Some(':');
    let is_legacy = {
        let mut last = ['\0'; 2];
        seen().any(|c| {
            let hit = last == ['#', '#'] && c == '[';
            last = [last[1], c];
            hit
        })
    };
    let dangerous = is_command || is_legacy;
    if !dangerous && !text.contains(is_acting) {
        return Cow::Borrowed(text);
    }
    let mut line = String::with_capacity(text.len() + 16);
    let mut guard = is_command;
    for c in text.chars() {
        if is_acting(c) || dangerous && is_ignorable(c) {
            line.extend(c.escape_default());
        } else {
            if guard && c == ':' {
                line.push('\\');
                guard = false;
            }
            if is_legacy && c == '[' && line.ends_with('#') {
                line.push('\\');
            }
            line.push(c);
        }
    }
    Cow::Owned(line)
}

/// Every line of `text`, each through [`safe_line`]. A carriage return counts as a line break, as a terminal takes it.
pub fn safe_lines(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    text.split(['\n', '\r']).filter(|line| !line.is_empty()).map(safe_line)
}

/// Control characters, line and paragraph separators, bidirectional marks and embeddings.
fn is_acting(c: char) -> bool {
    (c.is_control() && c != '\t')
        || matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// What has neither width nor ink, so that a comparison by culture skips it.
fn is_ignorable(c: char) -> bool {
    (c.is_control() && !c.is_whitespace())
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// At most `limit` characters of `text`, `…` standing for what was cut off the end. Only what renders a [`Redacted`] value cuts by it.
///
/// [`Redacted`]: crate::credential::Redacted
pub(super) fn cut(text: &str, limit: usize) -> Cow<'_, str> {
    match text.char_indices().nth(limit) {
        None => Cow::Borrowed(text),
        Some(_) if limit == 0 => Cow::Borrowed(""),
        Some(_) => Cow::Owned(text.chars().take(limit - 1).chain(['…']).collect()),
    }
}

/// What happened and what to do as one text of at most `limit` characters. Cut is what happened: the remedy stays whole as long as it fits.
pub fn what_and_remedy(what: &str, remedy: &str, limit: usize) -> String {
    let remedy = cut(sentence(remedy), limit);
    let left = limit.saturating_sub(remedy.chars().count() + 1);
    let what = cut(sentence(what), left);
    match (what.is_empty(), remedy.is_empty()) {
        (true, _) => remedy.into_owned(),
        (_, true) => what.into_owned(),
        _ if what.ends_with(['.', '!', '?', '…', ':']) => format!("{what} {remedy}"),
        _ => cut(&format!("{what}. {remedy}"), limit).into_owned(),
    }
}

fn sentence(text: &str) -> &str {
    text.trim()
}

/// A number of bytes for a person: `999 B`, `1.5 kB`, `50.0 MB`; decimal units.
pub fn bytes(number: u64) -> String {
    indicatif::DecimalBytes(number).to_string()
}

/// A number with its noun, in the plural where it is due: `1 file`, `2 files`.
pub fn count(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", indicatif::HumanCount(number), if number == 1 { "" } else { "s" })
}

/// A length of time for a person, to the tenth of a second below ten: `0.3s`, `12s`, `1m 30s`.
pub fn duration(length: Duration) -> String {
    if length < Duration::from_secs(10) {
        return format!("{:.1}s", length.as_secs_f64());
    }
    humantime::format_duration(Duration::from_secs(length.as_secs())).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tests::runner;

    #[test]
    fn ordinary_text_stays_as_it_is() {
        for text in ["remote: a::b", "✔️ 👩‍💻 déjà vu", "a [b] ## c", "\tindented", "C#: [x]", "x ##", ""]
        {
            assert!(matches!(safe_line(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    #[test]
    fn what_would_start_a_command_is_shown_and_not_obeyed() {
        assert_eq!(safe_line("::set-env name=x::y"), r"\::set-env name=x::y");
        assert_eq!(safe_line(" \t::error::y"), " \t\\::error::y");
        assert_eq!(safe_line("a ##[error]b"), r"a ##\[error]b");
        assert_eq!(safe_line("a\r\n::b"), r"a\r\n::b");
        assert_eq!(safe_line("\u{1b}[31mred"), r"\u{1b}[31mred");
        assert_eq!(safe_line("a\u{202e}b"), r"a\u{202e}b");
        assert_eq!(safe_line(":\u{ad}:error::y"), r"\:\u{ad}:error::y");
        assert_eq!(safe_line("#\u{200b}#[x]"), r"#\u{200b}#\[x]");
    }

    #[test]
    fn the_remedy_survives_the_cut() {
        let text = what_and_remedy(&"é".repeat(1_000_000), "Do this.", 4096);
        assert_eq!(text.chars().count(), 4096);
        assert!(text.ends_with("é… Do this."), "{}", &text[text.len() - 20..]);
        assert_eq!(what_and_remedy("It broke", "Mend it.", 100), "It broke. Mend it.");
        assert_eq!(what_and_remedy("It broke.", "", 100), "It broke.");
        assert!(what_and_remedy("It broke.", &"r".repeat(9000), 4096).chars().count() <= 4096);
    }

    #[test]
    fn numbers_are_for_a_person() {
        assert_eq!((bytes(999), bytes(1500)), ("999 B".to_owned(), "1.50 kB".to_owned()));
        assert_eq!((count(1, "file"), count(2000, "file")), ("1 file".to_owned(), "2,000 files".to_owned()));
        let texts = [300, 12_345, 90_000].map(|ms| duration(Duration::from_millis(ms)));
        assert_eq!(texts, ["0.3s", "12s", "1m 30s"]);
    }

    proptest! {
        #[test]
        fn no_text_starts_a_command(text in runner::hostile()) {
            let line = safe_line(&text);
            prop_assert!(runner::parse_line(&line).is_none(), "{line:?}");
            let acting = ['\n', '\r', '\u{1b}', '\u{202e}', '\u{85}', '\u{2028}'];
            prop_assert!(!line.contains(acting));
        }

        #[test]
        fn a_cut_text_keeps_to_its_limit(text in "\\PC{0,60}", remedy in "\\PC{0,60}", limit in 0_usize..50) {
            prop_assert!(cut(&text, limit).chars().count() <= limit);
            prop_assert!(what_and_remedy(&text, &remedy, limit).chars().count() <= limit);
        }
    }
}
