//! Commit and tag messages: placeholders filled in, and the trailers that lead from a commit back to the run that made it.
//!
//! Source: <https://git-scm.com/docs/git-interpret-trailers>

use std::{borrow::Cow, path::PathBuf};

use crate::{
    inputs::table::MESSAGE,
    names::{Oid, ServerUrl, Slug},
};

/// The run that this step belongs to. On a laptop some or all of it is unknown.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The workflow's own repository.
    pub repository: Option<Slug>,
    /// The server that holds it.
    pub server: Option<ServerUrl>,
    /// The commit that started the run.
    pub sha: Option<Oid>,
    /// The full ref that started the run.
    pub git_ref: Option<String>,
    /// The source branch of the pull request that started the run.
    pub head_ref: Option<String>,
    /// Who started it.
    pub actor: Option<String>,
    /// The run's page.
    pub run_url: Option<String>,
    /// What started the run: `push`, `schedule`, ...
    pub event: Option<String>,
    /// Where the event's payload lies, which says whether the repository is private.
    pub event_file: Option<PathBuf>,
    /// The workflow file of the run: `owner/name/.github/workflows/file.yml@ref`.
    pub workflow_ref: Option<String>,
}

impl Origin {
    /// What stands for the placeholder `{word}`; nothing when there is no such placeholder.
    fn value(&self, word: &str, tag: Option<&str>) -> Option<Cow<'_, str>> {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let value = match word {
            "repository" => self.repository.as_ref().map(Slug::to_string).unwrap_or_default(),
            "sha" => self.sha.as_ref().map(Oid::to_string).unwrap_or_default(),
            "short_sha" => self.sha.as_ref().map(Oid::short).unwrap_or_default(),
            "ref" => text(&self.git_ref),
            "actor" => text(&self.actor),
            "run_url" => text(&self.run_url),
            "tag" => tag.unwrap_or_default().to_owned(),
            _ => return None,
        };
        Some(value.into())
    }

    fn trailers(&self) -> Vec<String> {
        let source = self.repository.as_ref().zip(self.sha).map(|(slug, sha)| format!("Relay-Source: {slug}@{sha}"));
        let run = self.run_url.as_ref().map(|url| format!("Relay-Run: {url}"));
        source.into_iter().chain(run).collect()
    }
}

/// Fills in `{repository} {sha} {short_sha} {ref} {actor} {run_url} {tag}`.
///
/// What is unknown becomes empty, an `@` before an unknown commit and the blanks before the end of the line with it; any other `{word}` stays as it is written.
/// Values are not searched for placeholders again.
pub fn placeholders(template: &str, origin: &Origin, tag: Option<&str>) -> String {
    let mut filled = String::with_capacity(template.len() + 64);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let known = after.split_once('}').and_then(|(word, after)| Some((word, origin.value(word, tag)?, after)));
        rest = if let Some((word, value, after)) = known {
            if value.is_empty() && word.ends_with("sha") && filled.ends_with('@') {
                filled.pop();
            }
            filled.push_str(&value);
            if value.is_empty() && (after.is_empty() || after.starts_with(['\n', '\r'])) {
                filled.truncate(filled.trim_end_matches([' ', '\t']).len());
            }
            after
        } else {
            // Braces of something else, as in a message about code, stay as they were written.
            filled.push('{');
            after
        };
    }
    filled.push_str(rest);
    filled
}

/// A commit's message: the template filled in, then `Relay-Source` and `Relay-Run` as trailers, as far as they are known,
/// where `with_trailers` says so. Lines of these names in the message itself are left out: they would be taken for ours. Where
/// nothing else remains the default message stands in: the trailers would become the subject.
pub fn message(template: &str, origin: &Origin, tag: Option<&str>, with_trailers: bool) -> String {
    let mut text = without_own_trailers(placeholders(template, origin, tag));
    if text.trim().is_empty() {
        text = placeholders(MESSAGE, origin, tag);
    }
    let trailers = if with_trailers { origin.trailers() } else { Vec::new() };
    if !trailers.is_empty() {
        text.truncate(text.trim_end().len());
        // git reads the last paragraph alone: a blank line in between would take the message's own trailers out of it.
        text.push_str(if ends_in_trailers(&text) { "\n" } else { "\n\n" });
        text.push_str(&trailers.join("\n"));
    }
    text
}

/// The names of the trailers that the step writes.
const OWN: [&str; 2] = ["Relay-Source", "Relay-Run"];

/// Without lines that are named like the step's own trailers, and the lines that continue them.
///
/// NOTE: git compares the names of trailers without regard to case, takes blanks before the colon, and folds lines that begin
/// with a blank.
fn without_own_trailers(text: String) -> String {
    let is_own = |line: &str| {
        line.split_once(':').is_some_and(|(name, _)| OWN.iter().any(|own| name.trim_end().eq_ignore_ascii_case(own)))
    };
    if !text.split(['\n', '\r']).any(is_own) {
        return text;
    }
    let mut left = String::with_capacity(text.len());
    let mut is_left_out = false;
    for line in text.split_inclusive(['\n', '\r']) {
        let continues = is_left_out && line.starts_with([' ', '\t']);
        is_left_out = continues || is_own(line);
        if !is_left_out {
            left.push_str(line);
        }
    }
    left
}

/// Whether the last paragraph, which must not be the first one, holds nothing but trailers.
fn ends_in_trailers(text: &str) -> bool {
    let lines: Vec<&str> = text.trim_start_matches('\n').lines().collect();
    // A subject such as `Fix: the build` has the form of a trailer and is none.
    let Some(blank) = lines.iter().rposition(|line| line.trim().is_empty()) else { return false };
    let trailer = |line: &str| {
        line.split_once(':').is_some_and(|(token, _)| {
            !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        })
    };
    let (first, more) = match &lines[blank + 1..] {
        [] => return false,
        [first, more @ ..] => (first, more),
    };
    // git folds a line that begins with a blank into the one before; the first line has none.
    trailer(first) && more.iter().all(|line| line.starts_with([' ', '\t']) || trailer(line))
}

#[cfg(test)]
mod tests {
    use super::*;
    use emulator::local::Git;

    fn origin() -> Origin {
        Origin {
            repository: Some("octo/site".parse().unwrap()),
            sha: Some("0123456789012345678901234567890123456789".parse().unwrap()),
            git_ref: Some("refs/heads/{actor}".to_owned()),
            actor: Some("mona".to_owned()),
            run_url: Some("https://github.com/octo/site/actions/runs/7".to_owned()),
            ..Origin::default()
        }
    }

    #[test]
    fn placeholders_are_filled_in_once_and_unknown_words_stay() {
        let fill = |template: &str| placeholders(template, &origin(), Some("v1"));
        assert_eq!(fill("Publish {repository}@{short_sha}"), "Publish octo/site@0123456");
        assert_eq!(
            fill("{ref} {actor} {tag} {run_url}"),
            "refs/heads/{actor} mona v1 https://github.com/octo/site/actions/runs/7"
        );
        assert_eq!(fill("{sha}"), "0123456789012345678901234567890123456789");
        for same in ["", "{word}", "{}", "{", "}", "a { b } c", "{ sha }", "{SHA}", "fn x() {\n}\n"] {
            assert_eq!(fill(same), same);
        }
        assert_eq!(fill("{{sha}}"), format!("{{{}}}", origin().sha.unwrap()));
        assert_eq!(fill("{word {actor}"), "{word mona");
    }

    #[test]
    fn on_a_laptop_the_message_is_still_a_sentence() {
        assert_eq!(message("Publish {repository}@{short_sha}", &Origin::default(), None, true), "Publish");
        assert_eq!(message("By {actor}\n\nin full", &Origin::default(), None, true), "By\n\nin full");
        let origin = Origin { repository: Some("octo/site".parse().unwrap()), ..Origin::default() };
        assert_eq!(message("Publish {repository}@{short_sha}", &origin, None, true), "Publish octo/site");
        assert_eq!(message(" as given \n", &Origin::default(), None, true), " as given \n");
    }

    #[test]
    fn git_finds_the_trailers_whatever_the_message_ends_in() {
        let git = Git::new();
        let ours = "Relay-Source: octo/site@0123456789012345678901234567890123456789\n\
                    Relay-Run: https://github.com/octo/site/actions/runs/7";
        for (template, theirs) in [
            ("subject", ""),
            ("Fix: the subject is no trailer", ""),
            ("subject\n\nbody\nof two lines\n\n\n", ""),
            ("subject\n\nbody: with a colon\nand a line without", ""),
            ("subject\n\nbody\n\nSigned-off-by: A <a@b>\n", "Signed-off-by: A <a@b>\n"),
            (
                "subject\n\nSee-also: one\n  folded\nReviewed-by: B <b@c>",
                "See-also: one folded\nReviewed-by: B <b@c>\n",
            ),
            ("subject\r\n\r\nbody", ""),
        ] {
            let text = message(template, &origin(), None, true);
            let found = git.line(&["interpret-trailers", "--parse", "--no-divider"], text.as_bytes());
            assert_eq!(found, format!("{theirs}{ours}"), "{template:?}");
            assert!(text.starts_with(template.trim_end()), "{template:?}");
        }
    }

    #[test]
    fn m11_a_message_of_which_nothing_remains_is_the_default_one() {
        let usual = message(MESSAGE, &origin(), None, true);
        assert!(usual.starts_with("Publish octo/site@0123456\n\nRelay-Source: "));
        for template in ["Relay-Source: evil/repo@1", "relay-run: x\n folded\n\n", "{tag}", " \n"] {
            assert_eq!(message(template, &origin(), None, true), usual, "{template:?}");
        }
    }

    #[test]
    fn m11_lines_named_like_our_trailers_are_left_out_of_the_message() {
        let forged = "subject\n\nRelay-Source: evil/repo@1\n  folded\nrelay-run : https://evil\nSigned-off-by: A <a@b>";
        let text = message(forged, &origin(), None, true);
        assert!(
            !text.contains("evil")
                && !text.contains("folded")
                && text.contains("Signed-off-by: A <a@b>\nRelay-Source: octo")
        );
        assert_eq!(message(forged, &origin(), None, false), "subject\n\nSigned-off-by: A <a@b>");
        assert_eq!(message("a\rRelay-Run: x\rb", &Origin::default(), None, true), "a\rb");
        let same = "About Relay-Source: it names the source";
        assert_eq!(message(same, &origin(), None, false), same);
    }
}
