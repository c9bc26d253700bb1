//! The text of a pull request: what changes, and where it comes from. Outside text cannot become Markdown.

use super::pull_request::Words;
use crate::{
    names::{Oid, RefName},
    plan::{Plan, ProposedBranch},
    publish::proposal::Proposal,
    report::{
        markdown::{code, link, text},
        text::count,
    },
};

/// GitHub takes titles of up to 256 characters.
const LONGEST_TITLE: usize = 250;

/// The text for a directory: that of its commit, which names its source where the trailers do.
pub fn of_directory(plan: &Plan, proposed: &ProposedBranch, proposal: &Proposal) -> Words {
    let message =
        proposal.commit().map(|commit| String::from_utf8_lossy(&commit.message).into_owned()).unwrap_or_default();
    let changes = &proposal.changes;
    let destination = plan.directory().map_or("", |directory| directory.asked.commit.destination.as_str());
    let place = if destination.is_empty() {
        code(proposed.base.short())
    } else {
        format!("{} on {}", code(destination), code(proposed.base.short()))
    };
    let what = format!(
        "{} added, {} changed, {} removed in {place}.",
        count(changes.added, "file"),
        changes.changed,
        changes.removed
    );
    of_message(&message, &what)
}

/// The text for a commit of the checkout.
pub fn of_commit(plan: &Plan, base: &RefName, new: Oid) -> Words {
    let run = plan.origin.run_url.as_ref().map(|url| format!("\n\nRelay-Run: {url}")).unwrap_or_default();
    let what = format!("Brings the commit {} to {}.", code(&new.short()), code(base.short()));
    of_message(&format!("Update {} to {}{run}", base.short(), new.short()), &what)
}

fn of_message(message: &str, what: &str) -> Words {
    let mut lines = message.trim().lines();
    let title: String = lines.next().unwrap_or("Publish").chars().take(LONGEST_TITLE).collect();
    let (mut paragraphs, mut origin) = (Vec::new(), Vec::new());
    // Each line becomes a paragraph: Markdown would run neighbouring lines together.
    for line in lines.filter(|line| !line.trim().is_empty()) {
        if let Some(source) = line.strip_prefix("Relay-Source: ") {
            origin.push(format!("- Source: {}", code(source)));
        } else if let Some(url) = line.strip_prefix("Relay-Run: ") {
            origin.push(format!("- Run: {}", link(&text(url), url)));
        } else {
            paragraphs.push(text(line));
        }
    }
    paragraphs.push(what.to_owned());
    if !origin.is_empty() {
        paragraphs.push(origin.join("\n"));
    }
    Words { title: if title.trim().is_empty() { "Publish".to_owned() } else { title }, body: paragraphs.join("\n\n") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_becomes_title_and_body_without_markdown_of_its_own() {
        let message = "Publish <b> @all\n\nBody *x*\n\nRelay-Source: o/r@1234567\nRelay-Run: https://github.com/o/r/actions/runs/7\n";
        let Words { title, body } = of_message(message, "1 file added.");
        assert_eq!(title, "Publish <b> @all");
        assert!(!body.contains("*x*") && body.contains("1 file added."), "{body}");
        assert!(
            body.contains("- Source: <code>") && body.contains("(<https://github.com/o/r/actions/runs/7>)"),
            "{body}"
        );
        assert_eq!(of_message("", "x").title, "Publish");
        assert_eq!(of_message(&"t".repeat(999), "x").title.len(), LONGEST_TITLE);
    }
}
