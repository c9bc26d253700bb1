//! Takes off what other programs wrap around a text: colours, JSON, escapes, prefixes of logs.

use serde_json::Value;

/// How deep JSON inside JSON strings is followed.
const DEPTH: usize = 5;
/// How many places of a text are tried as the beginning of JSON.
const TRIES: usize = 48;

/// The text without escape sequences, JSON turned into lines, written-out line ends turned into real ones.
pub(super) fn unwrap(text: &str) -> String {
    let plain = without_entities(without_ansi(text));
    let mut out = String::with_capacity(plain.len());
    spread(&plain, DEPTH, &mut out);
    out
}

/// Removes terminal escape sequences and other control characters, except line ends and tabs.
pub(super) fn without_ansi(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\u{1b}' => match characters.next() {
                Some('[') => while characters.next().is_some_and(|c| !('@'..='~').contains(&c)) {},
                // A title or a link of a terminal; it ends with BEL or with another escape.
                Some(']') => while characters.next().is_some_and(|c| c != '\u{7}' && c != '\u{1b}') {},
                _ => {}
            },
            '\n' | '\r' | '\t' => out.push(character),
            // Marks without width and of direction: they split words that a person sees whole.
            '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' => {}
            character if character.is_control() => {}
            character => out.push(character),
        }
    }
    out
}

/// Turns the entities that web pages and error trackers make of quotation marks back.
fn without_entities(text: String) -> String {
    if !text.contains('&') {
        return text;
    }
    // Without `&amp;`: turned back first, it would make new entities of what was text.
    let quotes = [
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&apos;", "'"),
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&gt;", ">"),
        ("&lt;", "<"),
    ];
    quotes.into_iter().fold(text, |text, (entity, sign)| text.replace(entity, sign))
}

/// Appends `text`, each piece of JSON in it as lines.
fn spread(text: &str, depth: usize, out: &mut String) {
    let mut rest = text;
    for _ in 0..TRIES {
        let Some(at) = rest.find(['{', '[']) else { break };
        let mut values = serde_json::Deserializer::from_str(&rest[at..]).into_iter::<Value>();
        match values.next() {
            Some(Ok(value)) if depth > 0 && holds_members(&value) => {
                unescape(&rest[..at], out);
                out.push('\n');
                leaf_lines(None, &value, depth - 1, out);
                rest = &rest[at + values.byte_offset()..];
            }
            _ => {
                unescape(&rest[..=at], out);
                rest = &rest[at + 1..];
            }
        }
    }
    unescape(rest, out);
}

fn holds_members(value: &Value) -> bool {
    match value {
        Value::Object(members) => !members.is_empty(),
        Value::Array(items) => items.iter().any(Value::is_object),
        _ => false,
    }
}

/// One line a leaf: the text alone where the member's name says nothing more, else `name: value`.
fn leaf_lines(name: Option<&str>, value: &Value, depth: usize, out: &mut String) {
    const PLAIN: [&str; 9] =
        ["message", "stderr", "stdout", "error", "output", "log", "text", "body", "error_description"];
    match value {
        Value::Object(members) => {
            // What is said comes before what is only attached to it.
            let said = |name: &str| PLAIN.contains(&name);
            let (first, then): (Vec<_>, Vec<_>) = members.iter().partition(|(name, _)| said(name));
            for (name, value) in first.into_iter().chain(then) {
                leaf_lines(Some(name), value, depth, out);
            }
        }
        Value::Array(items) => {
            for item in items {
                leaf_lines(name, item, depth, out);
            }
        }
        leaf => {
            if let Some(name) = name.filter(|name| !PLAIN.contains(name)) {
                out.push_str(name);
                out.push_str(": ");
            }
            match leaf {
                // Error trackers store whole answers as texts, so that JSON lies inside JSON.
                Value::String(text) => spread(text, depth, out),
                other => out.push_str(&other.to_string()),
            }
            out.push('\n');
        }
    }
}

/// Turns `\n`, `\t`, `\"` and `\uXXXX`, written out, into what they stand for: JSON that was cut.
fn unescape(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let path = is_in_windows_path(&rest[..at]);
        let (character, length) = match after.as_bytes().first() {
            Some(b'n' | b'r') if !path => ('\n', 1),
            Some(b't') if !path => (' ', 1),
            Some(b'"') => ('"', 1),
            Some(b'\'') => ('\'', 1),
            Some(b'u') => {
                let code = after.get(1..5).and_then(|hex| u32::from_str_radix(hex, 16).ok());
                match code.and_then(char::from_u32) {
                    Some(character) if !character.is_control() => (character, 5),
                    _ => ('\\', 0),
                }
            }
            _ => ('\\', 0),
        };
        out.push(character);
        rest = &after[length..];
    }
    out.push_str(rest);
}

/// Whether what follows `before` continues a path such as `C:\new`.
fn is_in_windows_path(before: &str) -> bool {
    let bytes = before.as_bytes();
    bytes.len() >= 2
        && bytes.ends_with(b":")
        && bytes[bytes.len() - 2].is_ascii_uppercase()
        && bytes.get(bytes.len().wrapping_sub(3)).is_none_or(|byte| !byte.is_ascii_alphanumeric())
}

/// What git and logs write before a line; none of it carries a sense of its own.
///
/// `hint:` stands in the languages of git's own catalogues.
const PREFIXES: [&str; 35] = [
    "##[error]",
    "##[warning]",
    "##[debug]",
    "##[group]",
    "##[endgroup]",
    "remote:",
    "hint:",
    "Hinweis:",
    "astuce :",
    "astuce:",
    "astuce\u{a0}:",
    "ayuda:",
    "pista:",
    "提示：",
    "提示:",
    "suggerimento:",
    "dica:",
    "подсказка:",
    "підказка:",
    "съвет:",
    "podpowiedź:",
    "wskazówka:",
    "petunjuk:",
    "tips:",
    "ipucu:",
    "gợi ý:",
    "힌트:",
    "vísbending:",
    "consell:",
    "ヒント:",
    "stderr:",
    "stdout:",
    "err:",
    "out:",
    "<= Recv header:",
];

/// The line without prefixes: timestamps of logs, workflow commands, `remote:`, `hint:`.
pub(super) fn without_prefix(line: &str) -> &str {
    let mut rest = line.trim();
    loop {
        let before = rest.len();
        for prefix in PREFIXES {
            if let Some(after) = rest.strip_prefix(prefix) {
                rest = after.trim_start();
            }
        }
        if let Some(command) = rest.strip_prefix("::")
            && let Some((name, message)) = command.split_once("::")
            && ["error", "warning", "notice", "debug"].iter().any(|known| name.starts_with(known))
        {
            rest = message.trim_start();
        }
        rest = without_time(rest);
        if rest.len() == before {
            return rest;
        }
    }
}

/// Without a leading `2026-01-02T03:04:05.678Z` or `[03:04:05]`.
fn without_time(line: &str) -> &str {
    let word = line.split(' ').next().unwrap_or_default();
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    let time = word.len() >= 8 && digits >= 6 && word.matches(':').count() >= 2;
    if time && word.bytes().all(|byte| byte.is_ascii_digit() || b"[]-:.,TZ+".contains(&byte)) {
        line[word.len()..].trim_start()
    } else {
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_around_a_text_is_taken_off() {
        let text = unwrap(
            r#"{"command": "git push", "exitCode": 128, "stderr": "remote: no\nfatal: {\"message\": \"deep\"}\n"}"#,
        );
        let lines: Vec<_> = text.lines().map(without_prefix).filter(|line| !line.is_empty()).collect();
        assert_eq!(lines, ["no", "fatal:", "deep", "command: git push", "exitCode: 128"]);
    }

    #[test]
    fn json_that_was_cut_still_has_lines() {
        let text = unwrap(r#"x: {"stderr": "remote: one\nremote: \"two\" \u003cthree"#);
        let last = text.lines().last().map(without_prefix);
        assert_eq!(last, Some("\"two\" <three"));
        assert!(unwrap(r"C:\new").contains(r"C:\new"));
    }

    #[test]
    fn colours_and_log_prefixes_go() {
        assert_eq!(unwrap("\u{1b}[31merror\u{1b}[0m"), "error");
        assert_eq!(
            without_prefix("2026-01-02T03:04:05.6780000Z ##[error]remote: error: GH006: no"),
            "error: GH006: no"
        );
        assert_eq!(without_prefix("::error title=push::remote: no"), "no");
        assert_eq!(without_prefix("12:34 is no timestamp"), "12:34 is no timestamp");
    }
}
