//! The forms in which a secret can show up.

use std::collections::BTreeSet;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::Secret;

/// The user name beside a token in git's basic authentication.
const BASIC_USER: &str = "x-access-token";

/// A key's line below this length is no secret on its own: `-----`, a short last line.
const SHORTEST_KEY_LINE: usize = 16;

/// A shorter line of another secret (a brace, a blank) would black out half of the log and hide nothing.
const SHORTEST_LINE: usize = 4;

/// Fewer characters of base64 are found in texts that have nothing to do with the secret.
const SHORTEST_BASE64: usize = 8;

/// A shorter value in quotation marks keeps them, and a shorter part of a value is no secret on its own: the runner's own bounds.
const SHORTEST_QUOTED: usize = 8;
const SHORTEST_PART: usize = 6;

/// What RFC 3986 leaves unreserved.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Every form in which `secret` may appear: as it is, its lines, base64 of git's `user:secret` pair and of any text that holds the
/// secret, URL-encoded, escaped for JSON, XML and shells.
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
        let pair = STANDARD.encode(format!("{BASIC_USER}:{}", value.trim()));
        forms.extend([pair.clone(), pair.replace('=', "%3D"), pair.trim_end_matches('=').to_owned()]);
    }
    // A key that is encoded as a whole would begin with its frame: its lines are looked for one by one.
    let encoded: Vec<&str> = if is_key && lines.len() > 1 {
        lines.iter().filter(telling).copied().collect()
    } else {
        vec![value, value.trim()]
    };
    for value in encoded {
        forms.extend(base64_inside(value));
        let percent = utf8_percent_encode(value, UNRESERVED).to_string();
        forms.extend([lower_escapes(&percent), percent]);
        forms.push(utf8_percent_encode(value, NON_ALPHANUMERIC).to_string());
        forms.push(url::form_urlencoded::byte_serialize(value.as_bytes()).collect());
        let json = serde_json::Value::from(value).to_string();
        forms.push(json[1..json.len() - 1].to_owned());
        forms.push(value.escape_debug().to_string());
        forms.extend(runner_spellings(value));
    }
    let mut seen = BTreeSet::new();
    forms.retain(|form| !form.trim().is_empty() && seen.insert(form.clone()));
    forms.into_iter().map(Secret::new).collect()
}

/// What base64 makes of `value` wherever it stands in a longer text, without padding: the characters that depend on it alone. A text
/// can begin at three places of a group of three bytes.
fn base64_inside(value: &str) -> Vec<String> {
    let mut forms = Vec::new();
    for (offset, foreign) in [(0, 0), (1, 2), (2, 3)] {
        let mut bytes = vec![0; offset];
        bytes.extend_from_slice(value.as_bytes());
        let own = bytes.len() * 8 / 6;
        for alphabet in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let text = alphabet.encode(&bytes);
            forms.extend(text.get(foreign..own).filter(|form| form.len() >= SHORTEST_BASE64).map(str::to_owned));
        }
    }
    forms
}

/// The same escapes with small letters: `%3a`.
fn lower_escapes(percent: &str) -> String {
    let mut parts = percent.split('%');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2).unwrap_or((part, ""));
        text.extend(["%", &digits.to_lowercase(), rest]);
    }
    text
}

/// The spellings that the runner itself registers beside those that are here already.
///
/// Source: <https://github.com/actions/runner/blob/main/src/Sdk/DTLogging/Logging/ValueEncoders.cs>
fn runner_spellings(value: &str) -> Vec<String> {
    let xml = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let mut forms =
        vec![value.replace('"', "\\\""), value.replace('\'', "''"), xml.replace('"', "&quot;").replace('\'', "&apos;")];
    if value.len() > SHORTEST_QUOTED
        && let Some(inner) = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'))
    {
        forms.push(inner.to_owned());
    }
    // PowerShell colours a failed command's text at an ampersand, and the letter behind `&+`.
    let parts = match value.find("&+") {
        Some(at) => Some((
            &value[..at + 2],
            value[at + 2..].char_indices().nth(1).map_or("", |(next, _)| &value[at + 2 + next..]),
        )),
        None => value.rfind('&').map(|at| value.split_at(at + 1)),
    };
    let parts = parts.into_iter().flat_map(|(before, after)| [before, after]);
    forms.extend(parts.filter(|part| part.len() >= SHORTEST_PART).map(str::to_owned));
    forms
}
