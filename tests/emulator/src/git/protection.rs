//! Push protection: secrets in what a push brings, in the words of GitHub's secret scanning.
//!
//! <https://docs.github.com/en/code-security/secret-scanning/working-with-secret-scanning-and-push-protection/working-with-push-protection-from-the-command-line>

use std::sync::LazyLock;

use git2::Commit;
use regex::Regex;

use super::inspect;
use crate::model::stable_id;

const LINE: &str = "—————————————————————————————————————————";
const DOCS: &str = "https://docs.github.com/code-security/secret-scanning/working-with-secret-scanning-and-push-protection/\
                    working-with-push-protection-from-the-command-line#resolving-a-blocked-push";

/// What is looked for: its name, and its form.
static PATTERNS: LazyLock<Vec<(&str, Regex)>> = LazyLock::new(|| {
    let patterns = [
        ("GitHub Personal Access Token", r"\b(ghp_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59})\b"),
        ("GitHub App Installation Access Token", r"\bghs_[A-Za-z0-9._-]{36,}"),
        ("Amazon AWS Access Key ID", r"\bAKIA[0-9A-Z]{16}\b"),
        ("Slack API Token", r"\bxox[bp]-[0-9]{10,13}-[0-9A-Za-z-]{20,}"),
    ];
    patterns.into_iter().filter_map(|(name, form)| Some((name, Regex::new(form).ok()?))).collect()
});

/// A secret and the places where it stands.
struct Found {
    kind: &'static str,
    secret: String,
    places: Vec<String>,
}

fn scan(bare: &git2::Repository, commits: &[Commit<'_>]) -> Vec<Found> {
    let mut all: Vec<Found> = Vec::new();
    for commit in commits {
        let Ok(tree) = commit.tree() else { continue };
        for (path, _) in inspect::changed_files(bare, commit) {
            let blob = tree.get_path(path.as_ref()).and_then(|entry| bare.find_blob(entry.id()));
            let Ok(blob) = blob else { continue };
            for (number, line) in String::from_utf8_lossy(blob.content()).lines().enumerate() {
                for (kind, form) in PATTERNS.iter() {
                    for hit in form.find_iter(line) {
                        let place = format!("commit: {}\n           path: {path}:{}", commit.id(), number + 1);
                        match all.iter_mut().find(|found| found.secret == hit.as_str()) {
                            Some(found) => found.places.push(place),
                            None => all.push(Found { kind, secret: hit.as_str().to_owned(), places: vec![place] }),
                        }
                    }
                }
            }
        }
    }
    all
}

/// The violation of push protection by these commits, with an address for each secret.
pub(super) fn violation(bare: &git2::Repository, commits: &[Commit<'_>], web: &str) -> Option<String> {
    let found = scan(bare, commits);
    if found.is_empty() {
        return None;
    }
    let head = [
        "GITHUB PUSH PROTECTION",
        &format!("  {LINE}"),
        "    Resolve the following violations before pushing again",
        "",
        "    - Push cannot contain secrets",
        "",
        "    ",
        "     (?) Learn how to resolve a blocked push",
        &format!("     {DOCS}"),
        "    ",
        "    ",
    ];
    let mut lines: Vec<String> = head.iter().map(|&line| line.to_owned()).collect();
    for Found { kind, secret, places } in found {
        let rest = "—".repeat(50_usize.saturating_sub(kind.chars().count()));
        lines.extend([format!("      —— {kind} {rest}"), "       locations:".to_owned()]);
        lines.extend(places.into_iter().map(|place| format!("         - {place}")));
        let id = stable_id(&secret);
        let words = "       (?) To push, remove secret from commit(s) or follow this URL to allow the secret.";
        let address = format!("       {web}/security/secret-scanning/unblock-secret/2{id:026}");
        lines.extend(["    ".to_owned(), words.to_owned(), address, "    ".to_owned()]);
    }
    Some(lines.join("\n"))
}
