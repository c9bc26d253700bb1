//! Every relative link of the pages leads to a file that is there, and every anchor to a heading of it.

#![allow(clippy::unwrap_used, reason = "tests may stop at the first surprise")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use repo_relay::diagnosis::Cause;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The Markdown files of the root, of `docs` and of `docs/recipes`.
fn pages() -> Vec<PathBuf> {
    let folders = ["", "docs", "docs/recipes"];
    let entries = folders.into_iter().flat_map(|folder| fs::read_dir(root().join(folder)).unwrap());
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
}

/// The lines of a page outside of its fenced blocks.
fn prose(page: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    page.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    })
}

/// The anchors that GitHub makes of a page's headings.
fn anchors(page: &str) -> BTreeSet<String> {
    let headings = prose(page).filter(|line| line.starts_with('#'));
    let anchor = |heading: &str| {
        let text = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = text.chars().filter(|character| character.is_alphanumeric() || "-_ ".contains(*character));
        kept.map(|character| if character == ' ' { '-' } else { character }).collect()
    };
    headings.map(anchor).collect()
}

/// Why a link of the page at `from` leads nowhere.
fn broken(from: &Path, link: &str) -> Option<String> {
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target = if file.is_empty() { from.to_owned() } else { from.parent().unwrap().join(file) };
    if !target.exists() {
        return Some(format!("{}: {link}: no such file", from.display()));
    }
    let missing = !anchor.is_empty() && !anchors(&fs::read_to_string(&target).unwrap()).contains(anchor);
    missing.then(|| format!("{}: {link}: no such heading", from.display()))
}

#[test]
fn every_relative_link_leads_somewhere() {
    let mut count = 0;
    let mut broken_links = Vec::new();
    for path in pages() {
        let page = fs::read_to_string(&path).unwrap();
        let text: Vec<&str> = prose(&page).collect();
        for link in text.join("\n").split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if !link.contains("://") {
                count += 1;
                broken_links.extend(broken(&path, link));
            }
        }
    }
    assert!(broken_links.is_empty(), "{broken_links:#?}");
    assert!(count > 60, "{count} links");
}

#[test]
fn every_cause_has_the_heading_that_messages_link_to() {
    let anchors = anchors(&fs::read_to_string(root().join("docs/causes.md")).unwrap());
    for cause in Cause::ALL {
        assert!(anchors.contains(cause.slug()), "{}", cause.slug());
    }
}
