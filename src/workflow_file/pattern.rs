//! The filter patterns of workflow files: `*` stops at `/`, `**` does not, `?` and `+` repeat what stands before them.
//!
//! Source: <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#filter-pattern-cheat-sheet>

use regex::Regex;

/// Whether the pattern, without a leading `!`, fits the whole text. One that cannot be read fits nothing.
pub(super) fn fits(pattern: &str, text: &str) -> bool {
    Regex::new(&expression(pattern)).is_ok_and(|expression| expression.is_match(text))
}

fn expression(pattern: &str) -> String {
    // A pattern has to fit the whole name.
    let mut expression = String::from("^(?:");
    let mut letters = pattern.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '*' if letters.next_if_eq(&'*').is_some() => {
                // `**/x` is `x` too.
                if letters.next_if_eq(&'/').is_some() {
                    expression.push_str("(?:.*/)?");
                } else {
                    expression.push_str(".*");
                }
            }
            '*' => expression.push_str("[^/]*"),
            '?' | '+' => expression.push(letter),
            '[' => {
                expression.push('[');
                expression.extend(letters.by_ref().take_while(|&next| next != ']'));
                expression.push(']');
            }
            '\\' => expression.extend(letters.next().map(|next| regex::escape(&next.to_string()))),
            other => expression.push_str(&regex::escape(&other.to_string())),
        }
    }
    expression.push_str(")$");
    expression
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn the_examples_of_the_documentation_fit() {
        for (pattern, text, expected) in [
            ("feature/*", "feature/my-branch", true),
            ("feature/*", "feature/a/b", false),
            ("feature/**", "feature/beta-a/my-branch", true),
            ("main", "main", true),
            ("main", "mainly", false),
            ("*", "releases", true),
            ("*", "all/the/branches", false),
            ("**", "all/the/branches", true),
            ("*feature", "mona-feature", true),
            ("v2*", "v2.9", true),
            ("v[12].[0-9]+.[0-9]+", "v1.10.1", true),
            ("v[12].[0-9]+.[0-9]+", "v3.10.1", false),
            ("*.jsx?", "page.js", true),
            ("*.jsx?", "page.jsx", true),
            ("**/README.md", "README.md", true),
            ("**/*src/**", "a/src/app.js", true),
            ("a.c", "abc", false),
            ("[", "[", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }
}
