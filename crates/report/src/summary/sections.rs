//! The sections of one target: its checks, its changed files, its refs, its drift and its runs.

use std::fmt::Write as _;

use super::{
    super::{
        CheckStatus, Drift, FileStatus, TargetReport,
        markdown::{code, link, text},
        text::{bytes, count},
    },
    count_of, finding,
    grid::{MOST_ROWS, grid, table},
};

/// More changed files are counted and not named.
const MOST_FILES: usize = 20;

/// What needs a look stands open, failures first; what does not is folded away.
pub(super) fn checks(target: &TargetReport) -> String {
    let grid_of = |statuses: [CheckStatus; 2], omitted: usize| {
        let checks =
            statuses.iter().flat_map(|status| target.checks.iter().filter(move |check| check.status == *status));
        let rows = checks.map(|check| {
            let cause = check.cause.map(|cause| {
                let slug = format!("`{}`", cause.slug());
                if cause.docs().is_empty() { slug } else { link(&slug, cause.docs()) }
            });
            vec![
                check.status.sign().to_owned(),
                format!("`{}`", check.name),
                if check.message.is_empty() {
                    check.status.name().to_owned()
                } else {
                    text(finding(target, &check.message))
                },
                cause.unwrap_or_default(),
            ]
        });
        grid(&["", "Check", "Result", "Cause"], rows, omitted, MOST_ROWS)
    };
    let open = grid_of([CheckStatus::Fail, CheckStatus::Warn], 0);
    let folded = grid_of([CheckStatus::Pass, CheckStatus::Skip], target.omitted.checks);
    if open.is_empty() && folded.is_empty() {
        return String::new();
    }
    let mut section = format!("### Checks\n\n{open}");
    if !folded.is_empty() {
        let number = |status| target.checks.iter().filter(|check| check.status == status).count();
        let passed = count_of(number(CheckStatus::Pass), "check");
        let skipped = match number(CheckStatus::Skip) {
            0 => String::new(),
            number => format!(", {number} skipped"),
        };
        let _ = writeln!(section, "<details><summary>{passed} passed{skipped}</summary>\n\n{folded}</details>\n");
    }
    section
}

pub(super) fn changes(target: &TargetReport, dry_run: bool) -> String {
    let changes = &target.changes;
    // What was received alone is the checks' reading.
    let has_content = !changes.is_empty() || changes.excluded > 0 || !dry_run && changes.bytes_sent > 0;
    if !has_content {
        return String::new();
    }
    let mut parts = Vec::new();
    if !changes.is_empty() || changes.excluded > 0 {
        let files = count(changes.added, "file");
        let left_out = match changes.excluded {
            0 => String::new(),
            number => format!(", {number} left out by `exclude`"),
        };
        parts.push(format!("{files} added, {} changed, {} removed{left_out}", changes.changed, changes.removed));
    }
    if !dry_run {
        parts.push(format!("{} sent, {} received", bytes(changes.bytes_sent), bytes(changes.bytes_received)));
    }
    let title = if dry_run { "What would change" } else { "What changed" };
    let mut section = format!("### {title}\n\n{}.\n\n", parts.join("; "));
    if changes.files.is_empty() {
        return section;
    }
    let all = changes.added + changes.changed + changes.removed;
    let shown = changes.files.len().min(MOST_FILES);
    let title =
        if all > shown as u64 { format!("The first {shown} of {}", count(all, "file")) } else { count(all, "file") };
    let _ = writeln!(section, "<details><summary>{title}</summary>\n");
    for file in changes.files.iter().take(MOST_FILES) {
        let sign = match file.change {
            FileStatus::Added => "added",
            FileStatus::Changed => "changed",
            FileStatus::Removed => "removed",
        };
        let _ = writeln!(section, "- {} {sign}", code(&file.path));
    }
    section.push_str("\n</details>\n\n");
    section
}

pub(super) fn refs(target: &TargetReport, dry_run: bool) -> String {
    let none = |oid: &str| oid.bytes().all(|byte| byte == b'0');
    let short_id = |oid: &str| code(&oid.chars().take(7).collect::<String>());
    let commit = |oid: &str, exists: bool| match none(oid) {
        true => "none".to_owned(),
        false if exists => link(&short_id(oid), &target.commit_page(oid)),
        false => short_id(oid),
    };
    let rows = target.refs.iter().map(|reference| {
        let short = short(&reference.name);
        let gone = none(&reference.new) || dry_run && none(&reference.old);
        let name = code(&reference.name);
        let name = if gone { name } else { link(&name, &target.tree_page(short)) };
        let forced = if reference.forced { " (forced)" } else { "" };
        let is_tag = reference.name.starts_with("refs/tags/");
        let moved = !dry_run && !none(&reference.old) && !none(&reference.new);
        let compare = if moved && !is_tag {
            link("compare", &target.compare(&reference.old, &reference.new))
        } else {
            String::new()
        };
        // An annotated tag's value is no commit: the tag's own page resolves the new one, and the old one has none.
        let new = if is_tag && !gone {
            link(&code(&reference.new.chars().take(7).collect::<String>()), &target.tree_page(short))
        } else {
            commit(&reference.new, !dry_run)
        };
        vec![name, commit(&reference.old, !is_tag), format!("{new}{forced}"), compare]
    });
    table("Refs", &["Ref", "Before", "After", "Changes"], rows, target.omitted.refs, MOST_ROWS)
}

/// How the target stood to the checkout before the push.
pub(super) fn drift(target: &TargetReport) -> String {
    let number = |count: Option<u64>| count.map_or_else(|| "?".to_owned(), |count| count.to_string());
    let rows = target.drift_rows.iter().map(|row| {
        let state = match (row.state, row.ahead) {
            (Drift::Behind, None) => "behind or not there",
            (state, _) => state.name(),
        };
        vec![code(&row.name), state.to_owned(), number(row.ahead), number(row.behind)]
    });
    let head = &["Ref", "Target", "Commits it lacked", "Commits only it has"];
    table("Drift", head, rows, 0, MOST_ROWS)
}

fn short(reference: &str) -> &str {
    reference.strip_prefix("refs/heads/").or_else(|| reference.strip_prefix("refs/tags/")).unwrap_or(reference)
}

pub(super) fn runs(target: &TargetReport) -> String {
    let rows = target.runs.iter().map(|run| {
        vec![link(&code(&run.workflow), &run.url), text(&run.event), text(&run.status), text(&run.conclusion)]
    });
    table("Runs", &["Workflow", "Event", "Status", "Conclusion"], rows, target.omitted.runs, MOST_ROWS)
}
