//! The pattern rules: of messages, addresses, names and paths.

use globset::GlobBuilder;
use regex::Regex;
use serde_json::Value;

use crate::preflight::rules::certainty::Certainty;

/// Whether `text` breaks a pattern rule with these parameters (`operator`, `pattern`, `negate`). None: it does not.
///
/// Where the end of the text is trimmed, or whether `^` and `$` mean lines, is not written down: a breach is certain only
/// when every reading has it.
pub(super) fn broken(parameters: &Value, text: &str) -> Option<Certainty> {
    let pattern = parameters["pattern"].as_str().unwrap_or_default();
    let negate = parameters["negate"].as_bool().unwrap_or(false);
    let hits: Vec<bool> = match parameters["operator"].as_str() {
        Some("starts_with") => vec![text.starts_with(pattern)],
        Some("ends_with") => vec![text.ends_with(pattern), text.trim_end().ends_with(pattern)],
        Some("contains") => vec![text.contains(pattern)],
        Some("regex") => {
            let forms = [String::new(), "(?m)".to_owned(), "(?s)".to_owned()];
            let read: Result<Vec<Regex>, _> =
                forms.iter().map(|flag| Regex::new(&format!("{flag}{pattern}"))).collect();
            let Ok(read) = read else { return Some(Certainty::Perhaps) };
            read.iter().flat_map(|form| [form.is_match(text), form.is_match(text.trim_end())]).collect()
        }
        _ => return Some(Certainty::Perhaps),
    };
    let broken = hits.iter().filter(|hit| **hit == negate).count();
    match broken {
        0 => None,
        all if all == hits.len() => Some(Certainty::Certain),
        _ => Some(Certainty::Perhaps),
    }
}

/// What the rule demands, in words.
pub(super) fn demand(parameters: &Value) -> String {
    let pattern = parameters["pattern"].as_str().unwrap_or_default();
    let not = if parameters["negate"].as_bool().unwrap_or(false) { "not " } else { "" };
    let verb = match parameters["operator"].as_str() {
        Some("starts_with") => "start with",
        Some("ends_with") => "end with",
        Some("contains") => "contain",
        _ => "match",
    };
    format!("must {not}{verb} `{pattern}`")
}

/// Whether an fnmatch pattern, as rulesets use it (`*` stops at `/`), fits; none: the pattern is not understood here.
pub(super) fn fits(pattern: &str, text: &str) -> Option<bool> {
    let glob = GlobBuilder::new(pattern).literal_separator(true).build().ok()?;
    Some(glob.compile_matcher().is_match(text))
}

/// The texts of a list.
pub(super) fn strings(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().map(Vec::as_slice).unwrap_or_default().iter().filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pattern_is_read_in_every_way_that_github_may_read_it() {
        let rule = |operator: &str, pattern: &str, negate: bool| json!({"operator": operator, "pattern": pattern, "negate": negate});
        let text = "Publish o/r@0123\n\nRelay-Run: x\n";
        for (parameters, expected) in [
            (rule("starts_with", "Publish", false), None),
            (rule("starts_with", "feat:", false), Some(Certainty::Certain)),
            (rule("starts_with", "Publish", true), Some(Certainty::Certain)),
            (rule("contains", "Relay", false), None),
            (rule("contains", "JIRA-", false), Some(Certainty::Certain)),
            (rule("ends_with", "x", false), Some(Certainty::Perhaps)),
            (rule("ends_with", "y", false), Some(Certainty::Certain)),
            (rule("regex", "^Publish", false), None),
            (rule("regex", "^Publish .*$", false), Some(Certainty::Perhaps)),
            (rule("regex", "[A-Z]+-[0-9]+:", false), Some(Certainty::Certain)),
            (rule("regex", "(?<=a)b", false), Some(Certainty::Perhaps)),
            (rule("sounds_like", "x", false), Some(Certainty::Perhaps)),
        ] {
            assert_eq!(broken(&parameters, text), expected, "{parameters}");
        }
    }

    #[test]
    fn a_star_of_a_ruleset_stops_at_a_slash() {
        assert_eq!(fits("refs/tags/v*", "refs/tags/v1"), Some(true));
        assert_eq!(fits("refs/tags/v*", "refs/tags/v1/x"), Some(false));
        assert_eq!(fits("refs/tags/**/*", "refs/tags/v1/x"), Some(true));
        assert_eq!(fits("refs/tags/[", "refs/tags/x"), None);
    }
}
