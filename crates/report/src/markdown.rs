//! Outside text in Markdown, HTML and Mermaid: entities for whatever could be syntax there.
//!
//! An entity never is syntax in GitHub's Markdown: <https://github.github.com/gfm/#entity-and-numeric-character-references>.
//! No library does this for all three at once; the rule "an entity for every sign that may mean something" is short.

use std::fmt::Write as _;

use url::Url;

use super::text::{cut, safe_line};

/// A longer text is cut: a summary is read, not searched.
const LONGEST_TEXT: usize = 2000;

/// A longer label makes the chain unreadable.
const LONGEST_LABEL: usize = 60;

/// A longer address is not linked.
const LONGEST_ADDRESS: usize = 2000;

/// Ends a word without a trace.
const AT_END: &str = "<!-- -->";

/// `text` as one line of plain Markdown text. What stands between backticks becomes code.
pub fn text(text: &str) -> String {
    let text = cut(text.trim(), LONGEST_TEXT);
    let line = safe_line(&text);
    let parts: Vec<&str> = line.split('`').collect();
    let mut markdown = String::with_capacity(line.len() * 2);
    for (index, part) in parts.iter().enumerate() {
        // A last backtick without a partner is a sign like any other.
        let alone = parts.len().is_multiple_of(2) && index == parts.len() - 1;
        if alone {
            markdown.push_str("&#96;");
        }
        if index % 2 == 1 && !alone {
            let _ = write!(markdown, "<code>{}</code>", entities(part));
        } else {
            markdown.push_str(&entities(part));
        }
    }
    markdown
}

/// `text` as code: a name of a file, a ref, a repository.
pub fn code(text: &str) -> String {
    let text = cut(text, LONGEST_TEXT);
    format!("<code>{}</code>", entities(&safe_line(&text)))
}

/// `label`, which is Markdown already, linked to `address` where that is a web address.
pub fn link(label: &str, address: &str) -> String {
    match web_address(address) {
        Some(address) => format!("[{label}](<{address}>)"),
        None => label.to_owned(),
    }
}

/// `text` as it stands between the quotation marks of a Mermaid label.
///
/// Source: <https://mermaid.js.org/syntax/flowchart.html#entity-codes-to-escape-characters>
pub fn label(text: &str) -> String {
    let text = cut(text, LONGEST_LABEL);
    let mut label = String::with_capacity(text.len());
    for c in safe_line(&text).chars() {
        if c.is_ascii_alphanumeric() || " -.".contains(c) || !c.is_ascii() {
            label.push(c);
        } else {
            let _ = write!(label, "#{};", u32::from(c));
        }
    }
    label
}

/// `address` when it leads to a web page, with no sign left that Markdown, HTML or Mermaid would take for its own.
pub fn web_address(address: &str) -> Option<String> {
    if address.len() > LONGEST_ADDRESS {
        return None;
    }
    let url = Url::parse(address).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let mut safe = String::with_capacity(address.len());
    for c in url.as_str().chars() {
        if c.is_ascii_alphanumeric() || "-._~:/?#&=%+@,[]".contains(c) {
            safe.push(c);
        } else {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                let _ = write!(safe, "%{byte:02X}");
            }
        }
    }
    Some(safe)
}

/// An entity for each sign that may mean something; the others stay, so that the file can be read as it is.
fn entities(text: &str) -> String {
    let mut markdown = String::with_capacity(text.len() * 2);
    let mut before: Option<char> = None;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let after = rest.peek().copied();
        let ends_word = after.is_none_or(|after| after == ' ') && before.is_none_or(|before| !before.is_ascii_digit());
        let in_word = [before, after].iter().all(|next| next.is_some_and(|next| next.is_ascii_alphanumeric()));
        let plain = match c {
            ' ' | ',' | ';' | '/' | '?' | '%' | '\'' | '"' | '(' => true,
            '-' | '_' => in_word,
            '.' => ends_word || in_word && !matches!(before, Some('w' | 'W')),
            ':' | ')' => ends_word,
            // Between words it is no quotation: that one begins a line.
            '>' => before == Some(' ') && after == Some(' '),
            _ => c.is_ascii_alphanumeric() || !c.is_ascii(),
        };
        if plain {
            markdown.push(c);
        } else {
            let _ = write!(markdown, "&#{};", u32::from(c));
        }
        if c == '@' {
            // NOTE: GitHub looks for addresses and for names to notify after entities are resolved, but not across a comment.
            markdown.push_str(AT_END);
        }
        before = Some(c);
    }
    markdown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tests::runner;

    /// What a reader sees on GitHub, and what kinds of nodes it is made of.
    fn read_by_github(markdown: &str) -> (String, Vec<&'static str>) {
        use comrak::nodes::NodeValue;
        let arena = comrak::Arena::new();
        let mut options = comrak::Options::default();
        let extension = &mut options.extension;
        extension.autolink = true;
        extension.table = true;
        extension.strikethrough = true;
        extension.tasklist = true;
        extension.footnotes = true;
        extension.math_dollars = true;
        extension.math_code = true;
        extension.alerts = true;
        let (mut shown, mut kinds) = (String::new(), Vec::new());
        for node in comrak::parse_document(&arena, markdown, &options).descendants() {
            kinds.push(match &node.data.borrow().value {
                NodeValue::Document | NodeValue::List(_) | NodeValue::Item(_) => continue,
                NodeValue::Text(text) => {
                    shown.push_str(text);
                    "text"
                }
                NodeValue::Paragraph => "paragraph",
                NodeValue::HtmlInline(html) if ["<code>", "</code>", AT_END].contains(&html.as_str()) => "code",
                NodeValue::HtmlBlock(_) => "html",
                NodeValue::Link(_) => "link",
                _ => "other",
            });
        }
        (shown, kinds)
    }

    /// The words of a text; code's backticks are not shown.
    fn words(text: &str) -> String {
        text.chars().filter(|c| !c.is_whitespace() && *c != '`').collect()
    }

    #[test]
    fn plain_sentences_stay_readable_as_they_are() {
        let plain = "Make a token (Settings, Developer settings) on the server: it ended on 2026-11-21, v1.2 too.";
        assert_eq!(text(plain), plain);
        assert_eq!(text("Set `fetch-depth: 0` under it."), "Set <code>fetch-depth: 0</code> under it.");
        assert_eq!(text("a ` b"), "a &#96; b");
    }

    #[test]
    fn only_web_addresses_are_linked() {
        assert_eq!(link("x", "https://h/a b\"(c)"), "[x](<https://h/a%20b%22%28c%29>)");
        for wrong in ["javascript:alert(1)", "data:text/html,x", "", "//h", "https://"] {
            assert_eq!(link("x", wrong), "x", "{wrong}");
        }
    }

    #[test]
    fn an_address_holds_no_syntax_of_mermaid() {
        assert_eq!(web_address("https://h/?%%{init}%%;\"'`|").unwrap(), "https://h/?%%%7Binit%7D%%%3B%22%27%60%7C");
    }

    proptest! {
        #[test]
        fn hostile_text_is_shown_and_is_no_syntax(hostile in runner::hostile()) {
            for prefix in ["", "- ", "| "] {
                let markdown = format!("{prefix}{}", text(&hostile));
                let (shown, kinds) = read_by_github(&markdown);
                prop_assert!(kinds.iter().all(|kind| ["text", "paragraph", "code"].contains(kind)), "{markdown} is {kinds:?}");
                let clean = cut(hostile.trim(), LONGEST_TEXT).into_owned();
                let expected = format!("{}{}", prefix.trim_start_matches("- "), safe_line(&clean));
                prop_assert_eq!(words(&shown), words(&expected));
            }
            let label = label(&hostile);
            prop_assert!(label.chars().all(|c| !c.is_ascii() || c.is_ascii_alphanumeric() || " -.#;".contains(c)));
        }

        #[test]
        fn an_address_is_safe_in_any_format(address in runner::hostile()) {
            if let Some(address) = web_address(&format!("https://h.example/{address}")) {
                let syntax = ['<', '>', '"', '`', '(', ')', '|', '\\', '{', '}', ';', ' ', '\n', '*'];
                prop_assert!(address.is_ascii() && !address.contains(syntax));
            }
        }
    }
}
