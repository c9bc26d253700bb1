//! The marks in a commit's message that keep GitHub from starting workflows for its push.

/// In brackets, anywhere in the message.
///
/// Source: <https://docs.github.com/en/actions/how-tos/manage-workflow-runs/skip-workflow-runs>
const MARKS: &[&str] = &["[skip ci]", "[ci skip]", "[no ci]", "[skip actions]", "[actions skip]"];

/// As a line of its own.
const TRAILERS: &[&str] = &["skip-checks: true", "skip-checks:true"];

/// The first mark that `message` holds, written as GitHub's page writes it. Whether other capitals count is not documented:
/// who only warns may ask with small letters.
pub fn skip_mark_of(message: &str) -> Option<&'static str> {
    let trailer = |mark: &&&str| message.lines().any(|line| line.trim() == **mark);
    MARKS.iter().find(|mark| message.contains(**mark)).or_else(|| TRAILERS.iter().find(trailer)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trailer_counts_only_as_a_line_of_its_own() {
        assert_eq!(skip_mark_of("Docs [no ci] again"), Some("[no ci]"));
        assert_eq!(skip_mark_of("Docs\n\nskip-checks:true\n"), Some("skip-checks:true"));
        assert_eq!(skip_mark_of("The line `skip-checks: true` is explained"), None);
        assert_eq!(skip_mark_of("Docs"), None);
    }
}
