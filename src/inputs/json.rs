//! JSON as people write it into `with:`: an object, or what is wrong with the text.

use serde_json::Value;

use super::JsonObject;

/// What people are advised to do with values that come from elsewhere.
const TO_JSON: &str = "insert values with `${{ toJSON(…) }}`, which also sets the quotation marks";

/// A JSON object, kept as it was written.
pub(super) fn json_object(text: &str) -> Result<JsonObject, String> {
    match serde_json::from_str(text) {
        // Not rendered from `value`: a number beyond 64 bits would be sent as another one.
        Ok(Value::Object(value)) => Ok(JsonObject { text: compact(text), value }),
        Ok(Value::Array(_)) => Err("it is a JSON array".to_owned()),
        Ok(Value::String(inner)) if serde_json::from_str::<serde_json::Map<_, _>>(&inner).is_ok() => {
            Err("it is a JSON text that holds the object; leave out the outer quotation marks and the backslashes, or one of two `toJSON()`".to_owned())
        }
        Ok(_) => Err("it is a single JSON value".to_owned()),
        Err(error) => {
            let place = format!("(line {}, column {})", error.line(), error.column());
            let slip = of_whole(text.trim()).or_else(|| of_strings(text)).or_else(|| of_place(text, &error));
            Err(format!("it is no JSON: {} {place}", slip.unwrap_or_else(|| "a value or a mark is missing".to_owned())))
        }
    }
}

/// What is wrong with the text as a whole.
fn of_whole(text: &str) -> Option<String> {
    let says = |what: &str| Some(what.to_owned());
    if text.starts_with('\'') || text.starts_with("{'") || text.starts_with("{ '") {
        return says("it has single quotes where JSON has double ones");
    }
    if text.contains("${{") {
        return says("it holds an expression that was not evaluated (`${{`)");
    }
    if text.contains(['\u{201c}', '\u{201d}', '\u{201e}']) && !text.contains('"') {
        return says("it has typographic quotation marks where JSON has straight ones (`\"`)");
    }
    if text.starts_with("{\\\"") {
        return says("it has backslashes before its quotation marks, which belong to a shell; leave them out");
    }
    if text.starts_with(['{', '[', '"']) {
        return None;
    }
    if text.starts_with("$(") || text.starts_with('`') {
        return says("a shell's command is not run here; give what it prints, as an output of an earlier step");
    }
    let first = text.lines().next().unwrap_or_default();
    if !text.contains(['{', ' ']) && first.to_ascii_lowercase().ends_with(".json") {
        return says("it is the name of a file; give the JSON that the file holds");
    }
    match first.split_once([':', '=']) {
        Some((name, _)) if !name.contains(['{', '"']) => {
            says("it is a list of names and values; write them as JSON, `{\"name\": \"value\"}`")
        }
        _ => says("it does not begin with `{`"),
    }
}

/// What is wrong inside and around its strings.
fn of_strings(text: &str) -> Option<String> {
    let (mut in_string, mut escaped, mut after) = (false, false, None);
    for c in text.trim().chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '\n' | '\r' if in_string => return Some(format!("a value holds a line break as such; {TO_JSON}")),
            '\t' if in_string => return Some(format!("a value holds a tab as such; {TO_JSON}")),
            '"' if !in_string && after.is_some() => return Some("a comma is missing between two parts".to_owned()),
            '"' => {
                in_string = !in_string;
                after = (!in_string).then_some(());
            }
            // A text ends before a comma, a colon or a bracket; a letter there means that a value holds the mark itself.
            c if !in_string && !c.is_whitespace() && after.take().is_some() && !",:]}/#".contains(c) => {
                return Some(format!("a value holds a `\"` as such; {TO_JSON}"));
            }
            _ => {}
        }
    }
    in_string.then(|| format!("a `\"` is missing at the end of a text; {TO_JSON}"))
}

/// What is wrong where the reader stopped.
fn of_place(text: &str, error: &serde_json::Error) -> Option<String> {
    let flat: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    if flat.contains(",}") || flat.contains(",]") {
        return Some("a comma stands before a closing bracket".to_owned());
    }
    if error.is_eof() {
        return Some("a closing bracket is missing at its end".to_owned());
    }
    let line = text.lines().nth(error.line().saturating_sub(1)).unwrap_or_default();
    // Columns count bytes, from 1.
    let at = line.get(error.column().saturating_sub(1)..).unwrap_or_default();
    if at.starts_with("//") || at.starts_with("/*") || at.starts_with('#') {
        return Some("it holds a comment, which JSON does not know".to_owned());
    }
    if ["True", "False", "None"].iter().any(|word| at.starts_with(word)) {
        return Some("JSON writes `true`, `false` and `null` in lower case".to_owned());
    }
    let what = error.to_string();
    if what.starts_with("key must be a string") {
        return Some("a name has no quotation marks around it".to_owned());
    }
    if what.starts_with("trailing characters") {
        return Some("something stands after its closing bracket".to_owned());
    }
    if what.starts_with("invalid number") {
        return Some(
            "a number is not written as JSON has it, such as one with a leading zero; put it into quotation marks"
                .to_owned(),
        );
    }
    // `{"sha": }` and `{"sha": abc}`: an expression that came out empty or without quotation marks.
    flat.contains(':').then(|| format!("a value is empty or has no quotation marks; {TO_JSON}"))
}

/// A JSON text without the white space between its parts.
fn compact(text: &str) -> String {
    let (mut in_string, mut escaped) = (false, false);
    let keep = |c: &char| {
        let kept = in_string || !c.is_ascii_whitespace();
        match c {
            '"' if !escaped => in_string = !in_string,
            _ => {}
        }
        // Of two backslashes the second one is a plain character, and a quote after it ends the string.
        escaped = in_string && *c == '\\' && !escaped;
        kept
    };
    text.chars().filter(keep).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_json_object_keeps_its_text() {
        let text = r#"{"b": 1.0, "a" : 12345678901234567890123,
            "c": [ "x  \" y\\", " z\\\" " , 1e-7 ] }"#;
        let compact = r#"{"b":1.0,"a":12345678901234567890123,"c":["x  \" y\\"," z\\\" ",1e-7]}"#;
        assert_eq!(json_object(text).unwrap().text(), compact);
        for wrong in ["[]", "\"x\"", "{a: 1}", "{\"a\": 1} x", "{\"a\":", "null"] {
            assert!(json_object(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn t13_what_is_usually_behind_a_text_that_is_no_json_is_named() {
        for (text, words) in [
            ("{'a': '1'}", "single quotes"),
            ("{\u{201c}a\u{201d}: 1}", "typographic"),
            (r#"{\"a\": \"b\"}"#, "backslashes"),
            (r#""{\"a\": 1}""#, "outer quotation marks"),
            ("$(cat payload.json)", "a shell's command"),
            ("payload.json", "the name of a file"),
            ("sha: abc\nref: main", "a list of names and values"),
            ("name=value", "a list of names and values"),
            ("hello", "does not begin with `{`"),
            (r#"{"a": ${{ github.sha }}}"#, "not evaluated"),
            ("{\"a\": \"b\nc\"}", "a line break"),
            (r#"{"a": "b" "c": 1}"#, "a comma is missing"),
            (r#"{"a": "say "hi" twice"}"#, "a `\"` as such"),
            (r#"{"a": "b}"#, "is missing at the end of a text"),
            (r#"{"a": "b""#, "closing bracket is missing"),
            (r#"{"a": 1,}"#, "a comma stands before"),
            ("{\"a\": // why\n 1}", "a comment"),
            (r#"{"a": True}"#, "lower case"),
            (r#"{a: "b"}"#, "a name has no quotation marks"),
            (r#"{"a": 1} {"b": 2}"#, "after its closing bracket"),
            (r#"{"a": 01}"#, "a leading zero"),
            (r#"{"a": }"#, "a value is empty"),
            (r#"{"a": abc}"#, "a value is empty"),
        ] {
            let why = json_object(text).unwrap_err();
            assert!(why.contains(words), "{text}: {why}");
            assert!(!why.contains("expected"), "{text}: {why}");
        }
    }
}
