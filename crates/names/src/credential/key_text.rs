//! The text of a private key as people store it, brought back into the form that its file had.

use base64::{Engine, prelude::BASE64_STANDARD};
use zeroize::Zeroizing;

/// What a secret holds when somebody encoded the key once more, as the end of a sentence.
pub const KEY_IN_BASE64: &str = "it is a whole key in base64; store the key itself, which `base64 -d` prints";

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// How many characters of base64 stand on a line: what OpenSSH writes.
const WIDTH: usize = 70;

/// The key's text with its line breaks back in place: lost to blanks, written as `\n` or `\r`, or as CR. A byte order
/// mark, JSON's or a shell's quotes and what stands around the armour are left out. No character of the base64 changes;
/// a text that is no armour keeps its lines, without the blanks around them.
pub fn repaired_key_text(text: &str) -> Zeroizing<String> {
    // Each copy holds the key, and is wiped when the next one takes its place.
    let mut plain = Zeroizing::new(text.replace("\\\\", "\\"));
    for escape in ["\\r\\n", "\\n", "\\r", "\r\n", "\r"] {
        plain = Zeroizing::new(plain.replace(escape, "\n"));
    }
    armoured(&plain).unwrap_or_else(|| {
        let lines = plain.trim_matches(|c: char| c.is_whitespace() || is_mark(c)).lines().map(str::trim);
        Zeroizing::new(lines.collect::<Vec<_>>().join("\n"))
    })
}

/// Whether the text is base64 of a key's text.
pub fn is_key_in_base64(text: &str) -> bool {
    let packed: Zeroizing<String> =
        Zeroizing::new(text.chars().filter(|c| !c.is_whitespace() && !is_mark(*c)).collect());
    let decoded = BASE64_STANDARD.decode(packed.as_bytes()).map(Zeroizing::new);
    decoded.is_ok_and(|key| key.windows(BEGIN.len()).any(|part| part == BEGIN.as_bytes()))
}

/// The first armour of the text, written anew; none where there is none, or it has headers of its own.
fn armoured(text: &str) -> Option<Zeroizing<String>> {
    let (label, rest) = text[text.find(BEGIN)? + BEGIN.len()..].split_once(DASHES)?;
    let (body, end) = rest.split_once(END)?;
    let end = end.split_once(DASHES)?.0;
    let body: Zeroizing<String> = Zeroizing::new(body.chars().filter(|c| !c.is_whitespace() && !is_mark(*c)).collect());
    // PEM can have headers inside, such as those of an encrypted key: it is left as it is.
    let is_base64 = body.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte));
    if !is_base64 || body.is_empty() {
        return None;
    }
    // With room for all of it: a text that grows leaves copies of the key behind.
    let mut whole = Zeroizing::new(String::with_capacity(body.len() * 2 + 128));
    whole.extend([BEGIN, label, DASHES, "\n"]);
    let mut left = body.as_str();
    while !left.is_empty() {
        let (line, more) = left.split_at(WIDTH.min(left.len()));
        whole.extend([line, "\n"]);
        left = more;
    }
    whole.extend([END, end, DASHES, "\n"]);
    Some(whole)
}

/// A byte order mark or a blank without width: nobody sees them.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{feff}' | '\u{200b}' | '\u{2060}')
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "-----BEGIN PRIVATE KEY-----\nAbc+/w==\n-----END PRIVATE KEY-----\n";

    #[test]
    fn what_a_store_or_a_paste_does_to_a_key_is_undone() {
        for text in [
            KEY.to_owned(),
            KEY.replace('\n', "\\n"),
            KEY.replace('\n', "\\\\n"),
            KEY.replace('\n', "\\r\\n"),
            KEY.replace('\n', "\r"),
            KEY.replace('\n', " "),
            format!("\u{feff}{KEY}"),
            format!("{KEY:?}"),
            format!("'{KEY}'"),
            format!("{{\"key\": {KEY:?}}}"),
            KEY.replace('\n', "\n    "),
            KEY.replace('\n', "\u{a0}"),
        ] {
            assert_eq!(*repaired_key_text(&text), KEY, "{text:?}");
        }
        assert_eq!(*repaired_key_text(" no key \n at all"), "no key\nat all");
    }

    #[test]
    fn a_key_that_was_encoded_once_more_is_known() {
        let mut encoded = BASE64_STANDARD.encode(KEY);
        assert!(is_key_in_base64(&encoded));
        encoded.insert(20, '\n');
        assert!(is_key_in_base64(&encoded));
        assert!(!is_key_in_base64(KEY) && !is_key_in_base64("Abcd") && !is_key_in_base64(""));
    }
}
