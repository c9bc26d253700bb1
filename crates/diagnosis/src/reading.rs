//! A failure's text, read: unwrapped from what other programs put around it, its lines cleaned, and the status,
//! the headers and the endpoint found that it shows.

pub(super) mod clock;
mod foreign;
mod scan;
mod unwrap;

use memchr::memmem;

use super::{Evidence, Operation};
use crate::credential::OutsideText;
pub(super) use scan::Endpoint;

/// How much of a text is looked at, in bytes: so much of its beginning and as much of its end.
// A runner's log can have hundreds of megabytes; the command stands at its beginning, the error at its end.
const HALF: usize = 128 * 1024;

/// Where a match lies in [`Reading::flat`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
}

/// What the layers of the classifier look at.
pub(super) struct Reading {
    /// What was being done.
    pub(super) operation: Operation,
    /// The text in lower case, without line ends, prefixes and repeated blanks; all quotation marks are `'`.
    pub(super) flat: String,
    /// The same in lines, as they are shown to a person.
    lines: Vec<ReadingLine>,
    /// The status that the caller or the text told.
    pub(super) status: Option<u16>,
    headers: Vec<(String, String)>,
    /// Which call it was, where that is known.
    pub(super) endpoint: Endpoint,
    /// Whether the text is an HTML page.
    pub(super) html: bool,
    /// Whether the text speaks of other services, and of neither git nor GitHub.
    pub(super) is_foreign: bool,
}

struct ReadingLine {
    /// Where the line begins in `flat`.
    start: usize,
    shown: String,
    /// Whether `remote:` stood before it: git repeats so what the server said.
    by_server: bool,
}

impl Reading {
    /// Reads the evidence. Linear in the length of its text, which is cut beyond 256 KiB.
    pub(super) fn of(evidence: &Evidence<'_>) -> Self {
        let text = unwrap::unwrap(&bounded(evidence.text.searched()));
        let mut flat = String::with_capacity(text.len());
        let mut lines = Vec::new();
        let is_foreign = foreign::is_foreign(&text.to_lowercase());
        let mut scan = scan::TextScan::new(evidence);
        // git overwrites its progress with a lone carriage return, without a line break.
        for line in text.split(['\n', '\r']) {
            scan.line(line);
            let shown = unwrap::without_prefix(line);
            if shown.is_empty() {
                continue;
            }
            if !flat.is_empty() {
                flat.push(' ');
            }
            let start = flat.len();
            flatten(shown, &mut flat);
            let foreign = foreign::is_foreign(&flat[start..]);
            if flat.len() == start || foreign {
                // With the blank that was put before it: patterns must not see a gap.
                flat.truncate(start.saturating_sub(1));
                continue;
            }
            let by_server = line.rfind(shown).is_some_and(|start| line[..start].contains("remote:"));
            lines.push(ReadingLine { start, shown: shown.to_owned(), by_server });
        }
        // Proxies and load balancers answer with pages, which hold words of many causes in their markup.
        let html = ["<!doctype html", "<html", "<head>", "<body"].iter().any(|tag| flat.contains(tag));
        let scan::ScannedText { status, headers, endpoint } = scan.finish(&flat);
        Self { operation: evidence.operation, flat, lines, status, headers, endpoint, html, is_foreign }
    }

    /// A header's value; of several the first.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Where `pattern` matches first. `*` in it stands for at most 200 bytes of anything.
    pub(super) fn find(&self, pattern: &str) -> Option<Span> {
        find_from(&self.flat, pattern, 0)
    }

    /// Where `head` stands first with something behind it that `is_meant` says yes to.
    pub(super) fn first_where(&self, head: &str, is_meant: impl Fn(&str) -> bool) -> Option<Span> {
        let mut places =
            memmem::find_iter(self.flat.as_bytes(), head).map(|start| Span { start, end: start + head.len() });
        places.find(|place| is_meant(&self.flat[place.end..]))
    }

    /// Whether the line of a match is one that the server said with a push or a fetch.
    pub(super) fn is_said_by_server(&self, span: Span) -> bool {
        self.lines.iter().rfind(|line| line.start <= span.start).is_some_and(|line| line.by_server)
    }

    /// Whether `pattern` matches anywhere.
    pub(super) fn has(&self, pattern: &str) -> bool {
        self.find(pattern).is_some()
    }

    /// The earliest match of any of the patterns.
    pub(super) fn first_of(&self, patterns: &[&str]) -> Option<Span> {
        // The first error of a log is the cause; those after it are its consequences.
        patterns.iter().filter_map(|pattern| self.find(pattern)).min_by_key(|span| span.start)
    }

    /// Whether any of the patterns matches.
    pub(super) fn has_any(&self, patterns: &[&str]) -> bool {
        patterns.iter().any(|pattern| self.has(pattern))
    }

    /// The lines as shown, without prefixes.
    pub(super) fn lines(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(|line| line.shown.as_str())
    }

    /// What stands in [`Self::flat`] after the last line that is `shown`.
    pub(super) fn after(&self, shown: &str) -> Option<&str> {
        // The last one: a push that was tried again shows the same line twice.
        let at = self.lines.iter().rposition(|line| line.shown == shown)?;
        Some(self.lines.get(at + 1).map_or("", |next| &self.flat[next.start..]))
    }

    /// The title of a web page.
    pub(super) fn title(&self) -> Option<String> {
        let text: Vec<&str> = self.lines().collect();
        let text = text.join(" ");
        let (_, rest) = text.split_once("<title>")?;
        let (title, _) = rest.split_once("</title>")?;
        Some(title.replace("&middot;", "-").trim().to_owned()).filter(|title| !title.is_empty())
    }

    /// The lines that a span touches, joined; and the next ones where the sentence goes on in them.
    pub(super) fn words_at(&self, span: Span) -> String {
        // A sentence of git or GitHub has four lines at most; what follows is another one.
        const MORE: usize = 3;
        let first = self.lines.partition_point(|line| line.start <= span.start).saturating_sub(1);
        let mut end = self.lines.partition_point(|line| line.start < span.end.max(span.start + 1)).max(first);
        let stop = self.lines.len().min(end + MORE);
        while end > first && end < stop && goes_on(&self.lines[end - 1].shown, &self.lines[end].shown) {
            end += 1;
        }
        let words: Vec<&str> = self.lines[first..end].iter().map(|line| line.shown.trim()).collect();
        words.join(" ")
    }
}

/// Whether `next` continues the sentence of `line`: git and GitHub wrap at about 80 columns.
fn goes_on(line: &str, next: &str) -> bool {
    let open = line.trim_end().ends_with(|last: char| last.is_alphanumeric() || last == ',');
    let word = next.split_whitespace().next().unwrap_or_default();
    // A short line ends because its sentence does, not because it was wrapped.
    line.len() > 50
        && open
        && word.bytes().all(|byte| byte.is_ascii_lowercase() || b",.'-".contains(&byte))
        && !word.is_empty()
}

/// The text without control characters and terminal escapes, line ends kept.
pub(super) fn cleaned(text: &OutsideText) -> OutsideText {
    unwrap::without_ansi(&bounded(text.searched())).into()
}

/// Finds `pattern` in `flat`, from `from` on.
fn find_from(flat: &str, pattern: &str, from: usize) -> Option<Span> {
    // The parts of a pattern belong to one sentence. Further apart, two sentences happen to stand in one log.
    const GAP: usize = 200;
    let mut parts = pattern.split('*');
    let head = parts.next().unwrap_or_default();
    let rest: Vec<&str> = parts.collect();
    let mut from = from;
    'next: while let Some(at) = memmem::find(flat.get(from..)?.as_bytes(), head.as_bytes()) {
        let start = from + at;
        let mut end = start + head.len();
        for part in &rest {
            let mut limit = (end + GAP + part.len()).min(flat.len());
            // Slicing inside a character panics, and error texts come in every language.
            while !flat.is_char_boundary(limit) {
                limit += 1;
            }
            let Some(gap) = memmem::find(&flat.as_bytes()[end..limit], part.as_bytes()) else {
                from = start + head.len().max(1);
                while !flat.is_char_boundary(from) {
                    from += 1;
                }
                continue 'next;
            };
            end += gap + part.len();
        }
        return Some(Span { start, end });
    }
    None
}

/// Beginning and end of a text that is too long.
fn bounded(text: &str) -> std::borrow::Cow<'_, str> {
    if text.len() <= 2 * HALF {
        return text.into();
    }
    let mut head = HALF;
    while !text.is_char_boundary(head) {
        head -= 1;
    }
    let mut tail = text.len() - HALF;
    while !text.is_char_boundary(tail) {
        tail += 1;
    }
    // With the marks by which the redactor knows that a secret may have been cut through.
    format!("{}…\n…{}", &text[..head], &text[tail..]).into()
}

/// Appends `line` in the form that patterns are matched against.
fn flatten(line: &str, flat: &mut String) {
    let begin = flat.len();
    for character in line.chars() {
        match character {
            // Translations and web pages have their own quotation marks; patterns are written with one.
            '"' | '`' | '\u{b4}' | '\u{2018}'..='\u{201f}' | '\u{ab}' | '\u{bb}' | '\u{300c}' | '\u{300d}' => {
                flat.push('\'');
            }
            // The full-width colon of Chinese and Japanese messages.
            '\u{ff1a}' => flat.push(':'),
            character if character.is_whitespace() || character.is_control() => {
                if flat.len() > begin && !flat.ends_with(' ') {
                    flat.push(' ');
                }
            }
            character if character.is_ascii() => flat.push(character.to_ascii_lowercase()),
            character => flat.extend(character.to_lowercase()),
        }
    }
    if flat.len() > begin && flat.ends_with(' ') {
        flat.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Reading {
        Reading::of(&Evidence::of_text(Operation::Unsaid, text))
    }

    #[test]
    fn a_sentence_is_found_across_wrapped_lines_and_prefixes() {
        let reading =
            read("remote: The `acme' organization has enabled SAML SSO. To access\nremote: this repository, do X.");
        let span = reading.find("to access this repository").unwrap();
        assert_eq!(
            reading.words_at(span),
            "The `acme' organization has enabled SAML SSO. To access this repository, do X."
        );
    }

    #[test]
    fn a_gap_is_bounded() {
        assert!(read("denied to the user").has("denied*user"));
        assert!(!read(&format!("denied {} user", "x".repeat(300))).has("denied*user"));
        assert!(read("a a a ab").has("a*b"));
    }

    #[test]
    fn a_part_of_a_phrase_at_the_end_of_a_text_is_not_the_phrase() {
        assert!(!read("remote: error: Repository rule viol").has("repository rule violations"));
        assert!(!read("for key Authorization").has("authorization failed"));
        assert!(!read("ository not found. fatal: x").has("repository not found"));
    }

    #[test]
    fn a_long_text_is_read_at_both_ends() {
        let text = format!("first words\n{}\nlast words", "filler line\n".repeat(100_000));
        let reading = read(&text);
        assert!(reading.has("first words") && reading.has("last words"));
        assert!(reading.flat.len() < 3 * HALF);
    }
}
