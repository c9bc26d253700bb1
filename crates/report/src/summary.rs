//! The step summary: the file that `GITHUB_STEP_SUMMARY` names, in GitHub's Markdown.
//!
//! On failure the cause and its remedy come first; then what a person looks for, in that order: the relay as a chain,
//! the checks, what changed, the refs, the runs.
//!
//! Limit: <https://docs.github.com/en/actions/writing-workflows/choosing-what-your-workflow-does/workflow-commands-for-github-actions#step-isolation-and-limits>

mod chain;
mod grid;
mod sections;

use std::fmt::Write as _;

use self::{
    grid::{MOST_ROWS, table},
    sections::{changes, checks, drift, refs, runs},
};
use super::{
    Report, StageStatus, TargetReport, headline,
    markdown::{code, link, text},
    text::{count, duration},
};
use crate::{
    credential::Redacted,
    diagnosis::{Failure, Stage},
};

/// A larger file is not shown at all by GitHub.
pub const MOST_BYTES: usize = 1024 * 1024;

/// More lines of the server are counted and not shown.
const MOST_SAID: usize = 60;

/// Where GitHub's refusals send people.
const DOCUMENTATION: &str = "https://docs.github.com";

/// What the closing note may take.
const NOTE: usize = 200;

/// The summary in less than `most_bytes` bytes. What does not fit is counted and left out, from the end.
pub fn render(report: &Redacted<Report>, most_bytes: usize) -> String {
    let mut sections = vec![heading(report)];
    if let [target] = report.targets.as_slice() {
        sections.extend(details(target, report.dry_run));
    } else if !report.targets.is_empty() {
        sections.push(targets(report));
        // Cut from the end: what failed has to survive the limit of bytes.
        for target in failed_first(report) {
            let mut section = format!("<details><summary>{}</summary>\n\n", code(&target.repository));
            if let Some((stage, failure)) = target.failure() {
                section.push_str(&blame(target, stage, failure, report.dry_run));
            }
            section.extend(details(target, report.dry_run));
            section.push_str("</details>\n\n");
            sections.push(section);
        }
    }
    join(&sections, most_bytes)
}

/// As many of `sections` as fit; the others are counted.
fn join(sections: &[String], most_bytes: usize) -> String {
    let mut summary = String::new();
    for (index, section) in sections.iter().enumerate() {
        let last = index + 1 == sections.len();
        // Room is kept for the note, except where nothing follows that it could count.
        if summary.len() + section.len() + if last { 0 } else { NOTE } >= most_bytes {
            let note = format!(
                "_{} left out: the summary would be too large._\n",
                count_of(sections.len() - index, "section")
            );
            if summary.len() + note.len() < most_bytes {
                summary.push_str(&note);
            }
            break;
        }
        summary.push_str(section);
    }
    summary
}

fn count_of(number: usize, noun: &str) -> String {
    count(number as u64, noun)
}

fn heading(report: &Report) -> String {
    match (report.first_failure(), report.targets.as_slice()) {
        (Some((target, stage, failure)), targets) => {
            let dry = if report.dry_run { " (dry run: nothing was written)" } else { "" };
            let mut section = format!("## ✗ Relay failed: `{}`{dry}\n\n", failure.cause.slug());
            if targets.len() > 1 {
                let failed = targets.iter().filter(|target| target.failure().is_some()).count();
                let _ = writeln!(section, "{failed} of {} failed. The first:\n", count_of(targets.len(), "target"));
            }
            match target {
                Some(target) => section.push_str(&blame(target, stage, failure, report.dry_run)),
                // A failure before any target, such as a wrong input, has no stage and no page.
                None => section.push_str(&remedy(failure)),
            }
            section
        }
        (None, [target]) => {
            let site = target.facts.page_url.as_deref();
            let site = site.map(|page| format!("The site: {}\n\n", link(&text(page), page))).unwrap_or_default();
            format!("## {}\n\n{site}{}", headline_of(target, report.dry_run), acting(target))
        }
        (None, targets) => {
            let number = count_of(targets.len(), "target");
            let line = match targets.first() {
                Some(first) if headline::is_check(first) => format!("✓ Checked {number}, nothing to relay"),
                _ if report.dry_run => format!("Would relay to {number} (dry run: nothing was written)"),
                _ => format!("✓ Relayed to {number}"),
            };
            format!("## {line}\n\n")
        }
    }
}

/// The headline with the links of what was made.
fn headline_of(target: &TargetReport, dry_run: bool) -> String {
    let headline = headline::headline(target, dry_run);
    let sign = if headline.sign.is_empty() { String::new() } else { format!("{} ", headline.sign) };
    let shown = |part: &headline::HeadlinePart| {
        // The blank in front is no part of what is escaped.
        let space = if part.text.starts_with(' ') && !part.own { " " } else { "" };
        let words = if part.own { part.text.clone() } else { format!("{space}{}", text(&part.text)) };
        part.page.as_deref().map_or(words.clone(), |page| link(&words, page))
    };
    let after: String = headline.after.iter().map(shown).collect();
    let at = link(&text(&target.repository), &target.web());
    // A check and a dry run change nothing that a link could show.
    let at = if headline::is_check(target) || dry_run { text(&target.repository) } else { at };
    format!("{sign}{}{}{at}{after}", text(&headline.before), if headline.before.is_empty() { "" } else { " " })
}

/// Who acted: the account, the kind of its token and its end.
fn acting(target: &TargetReport) -> String {
    let Some(kind) = target.facts.token_kind.filter(|_| !headline::is_check(target)) else { return String::new() };
    let expiry = headline::expiry(target, chrono::Utc::now()).map(|expiry| format!(", {expiry}")).unwrap_or_default();
    let name = headline::token_name(target);
    // The name says the kind already.
    let kind = if name == "GITHUB_TOKEN" { String::new() } else { format!(" ({})", kind.name()) };
    format!("{}{kind}{expiry}.\n\n", text(&name))
}

/// Where it failed, what happened, what was already written, what to do, where to read on.
fn blame(target: &TargetReport, stage: Stage, failure: &Failure, dry_run: bool) -> String {
    let at = link(&code(&target.repository), &target.web());
    let mut section = format!("**{}** of {at} failed.\n\n{}", stage.name(), remedy(failure));
    if let Some(written) = headline::written(target).filter(|_| !dry_run) {
        let _ = writeln!(section, "**Already written:** {}\n", text(&written));
    }
    section.push_str(&said(target));
    section.push_str(&acting(target));
    section
}

/// The failed targets, then the others, each in list order.
fn failed_first(report: &Report) -> impl Iterator<Item = &TargetReport> {
    let of = |failed: bool| report.targets.iter().filter(move |target| target.error().is_some() == failed);
    of(true).chain(of(false))
}

/// What the server said with the push; its own addresses are links.
fn said(target: &TargetReport) -> String {
    // A hook can print any address: only those of the server and its manual become links.
    let own = |word: &&str| [&*target.server, DOCUMENTATION].iter().any(|site| is_below(word, site));
    let linked = |line: &String| match line.split_whitespace().find(own) {
        Some(address) => link(&code(line), address),
        None => code(line),
    };
    let lines = target.remote.iter().filter(|line| !line.trim().is_empty());
    let left_out = lines.clone().count().saturating_sub(MOST_SAID) + target.omitted.remote;
    let mut lines: Vec<String> = lines.take(MOST_SAID).map(linked).collect();
    if lines.is_empty() {
        return String::new();
    }
    if left_out > 0 {
        lines.push(format!("_and {left_out} more._"));
    }
    format!("**The server said:**\n\n{}\n\n", lines.join("<br>\n"))
}

/// Whether an address leads to a page of `site`.
fn is_below(address: &str, site: &str) -> bool {
    address.strip_prefix(site).is_some_and(|rest| rest.starts_with('/'))
}

fn remedy(failure: &Failure) -> String {
    let mut section =
        format!("**What happened:** {}\n\n**What to do:** {}\n\n", text(&failure.what), text(failure.remedy()));
    if !failure.docs().is_empty() {
        let _ = writeln!(section, "{}\n", link(&format!("Read more about `{}`", failure.cause.slug()), failure.docs()));
    }
    section
}

fn stage_sign(status: StageStatus) -> &'static str {
    match status {
        StageStatus::Done => "✓",
        StageStatus::Unchanged => "=",
        StageStatus::Skipped => "-",
        StageStatus::Failed => "✗",
        StageStatus::Planned => "…",
    }
}

fn targets(report: &Report) -> String {
    let rows = failed_first(report).map(|target| {
        let stages: Vec<String> =
            target.stages.iter().map(|stage| format!("{} {}", stage_sign(stage.status), stage.stage.name())).collect();
        let cause = target.error().map(|cause| format!("`{}`", cause.slug())).unwrap_or_default();
        let result = if target.error().is_some() { "✗" } else { "✓" };
        let commit = target.facts.commit.filter(|_| target.facts.pushed);
        let commit = commit.map(|commit| link(&code(&commit.short()), &target.commit_page(commit)));
        vec![
            result.to_owned(),
            link(&code(&target.repository), &target.web()),
            commit.unwrap_or_default(),
            stages.join(", "),
            cause,
        ]
    });
    table("Targets", &["", "Repository", "Commit", "Stages", "Cause"], rows, report.omitted_targets, 1000)
}

/// One target's chain and tables; of a check alone the checks.
fn details(target: &TargetReport, dry_run: bool) -> Vec<String> {
    if headline::is_check(target) {
        return Vec::from_iter(Some(checks(target)).filter(|section| !section.is_empty()));
    }
    let mut sections = vec![chain::render(target)];
    sections.push(table(
        "Stages",
        &["", "Stage", "Result", "Time"],
        target.stages.iter().map(|stage| {
            vec![
                stage_sign(stage.status).to_owned(),
                stage.stage.name().to_owned(),
                if stage.message.is_empty() {
                    stage.status.name().to_owned()
                } else {
                    text(finding(target, &stage.message))
                },
                if stage.status == StageStatus::Skipped { String::new() } else { text(&duration(stage.took)) },
            ]
        }),
        0,
        MOST_ROWS,
    ));
    sections.push(checks(target));
    sections.push(changes(target, dry_run));
    sections.push(refs(target, dry_run));
    sections.push(drift(target));
    sections.push(runs(target));
    sections.retain(|section| !section.is_empty());
    sections
}

/// A row's message; of the failure that stands on top with its remedy, what happened alone.
fn finding<'a>(target: &'a TargetReport, message: &'a str) -> &'a str {
    target.failure().map(|(_, failure)| &*failure.what).filter(|what| message.starts_with(*what)).unwrap_or(message)
}

#[cfg(test)]
mod tests;
