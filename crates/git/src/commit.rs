//! Commits and annotated tags as the bytes that git stores.
//!
//! A signature has its place at the end of a commit's headers (`gpgsig`), and behind a tag's message.

use std::fmt::Write;

use chrono::{DateTime, Utc};

use crate::names::{Author, Oid};

/// The content of a commit of `tree` on `parents`, by one person at one time, in UTC.
pub fn commit(tree: Oid, parents: &[Oid], author: &Author, message: &str, when: DateTime<Utc>) -> Vec<u8> {
    let mut content = format!("tree {tree}\n");
    for parent in parents {
        // Writing to a string cannot fail.
        let _ = writeln!(content, "parent {parent}");
    }
    let who = signature(author, when);
    let _ = write!(content, "author {who}\ncommitter {who}\n\n{}", ended(message));
    content.into_bytes()
}

/// The content of an annotated tag `name` (without `refs/tags/`) on the commit `target`.
pub fn tag(name: &str, target: Oid, tagger: &Author, message: &str, when: DateTime<Utc>) -> Vec<u8> {
    let who = signature(tagger, when);
    format!("object {target}\ntype commit\ntag {name}\ntagger {who}\n\n{}", ended(message)).into_bytes()
}

fn signature(author: &Author, when: DateTime<Utc>) -> String {
    // NOTE: git has no time before 1970; a clock that is off must not make a commit that no server takes.
    format!("{} <{}> {} +0000", author.name, author.email, when.timestamp().max(0))
}

/// The message with a line break at its end.
fn ended(message: &str) -> String {
    let end = if message.is_empty() || message.ends_with('\n') { "" } else { "\n" };
    format!("{message}{end}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use emulator::local::{Files, Git};

    fn bot() -> Author {
        let email = "41898282+github-actions[bot]@users.noreply.github.com".to_owned();
        Author { name: "github-actions[bot]".to_owned(), email }
    }

    fn when() -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000, 999).unwrap()
    }

    #[test]
    fn git_takes_the_commit_for_its_own() {
        let git = Git::new();
        let tree: Oid = git.write_tree(&Files::from([(b"a".to_vec(), ("100644", b"1".to_vec()))])).parse().unwrap();
        git.run(&["hash-object", "-w", "--stdin"], b"1");
        let mut parents: Vec<Oid> = Vec::new();
        for message in ["first", "second\n\nwith a body, ünï\n", ""] {
            let content = commit(tree, &parents, &bot(), message, when());
            let oid = git.line(&["hash-object", "-t", "commit", "-w", "--stdin"], &content);
            let shown = git.line(&["log", "-1", "--format=%an <%ae> %at|%cn <%ce> %ct|%T|%P|%B", &oid], b"");
            let who = format!("{} 1700000000", bot());
            let parent = parents.first().map(Oid::to_string).unwrap_or_default();
            assert_eq!(shown, format!("{who}|{who}|{tree}|{parent}|{}", message.trim_end()));
            parents = vec![oid.parse().unwrap()];
        }
        git.run(&["update-ref", "refs/heads/main", &parents[0].to_string()], b"");
        git.run(&["fsck", "--strict"], b"");
    }

    #[test]
    fn git_takes_the_tag_for_its_own() {
        let git = Git::new();
        let tree: Oid = git.write_tree(&Files::new()).parse().unwrap();
        let content = commit(tree, &[], &bot(), "x", when());
        let target: Oid = git.line(&["hash-object", "-t", "commit", "-w", "--stdin"], &content).parse().unwrap();
        let content = tag("v1.2", target, &bot(), "Release 1.2", when());
        let oid = git.line(&["mktag"], &content);
        assert_eq!(oid, crate::format::ObjectKind::Tag.id_of(&content).to_string());
        git.run(&["update-ref", "refs/tags/v1.2", &oid], b"");
        let shown = git.line(&["for-each-ref", "--format=%(taggername) %(*objectname) %(contents)", "refs/tags"], b"");
        assert_eq!(shown, format!("{} {target} Release 1.2", bot().name));
    }

    #[test]
    fn a_clock_before_1970_makes_no_negative_time() {
        let early = DateTime::from_timestamp(-5, 0).unwrap();
        let content = String::from_utf8(commit(Oid::ZERO, &[], &bot(), "x", early)).unwrap();
        assert!(content.contains("> 0 +0000\n"));
    }
}
