//! Tables in Markdown, cut where they would be too long to read.

use std::fmt::Write as _;

/// More rows are counted and not shown.
pub(super) const MOST_ROWS: usize = 100;

/// A table with its heading; nothing without rows.
pub(super) fn table(
    title: &str,
    columns: &[&str],
    rows: impl Iterator<Item = Vec<String>>,
    omitted: usize,
    most: usize,
) -> String {
    let grid = grid(columns, rows, omitted, most);
    if grid.is_empty() { grid } else { format!("### {title}\n\n{grid}") }
}

/// A table; nothing without rows. Rows past `most`, and those `omitted` before, are counted below it.
pub(super) fn grid(columns: &[&str], rows: impl Iterator<Item = Vec<String>>, omitted: usize, most: usize) -> String {
    let mut body = String::new();
    let mut left_out = omitted;
    for (index, row) in rows.enumerate() {
        if index < most {
            let _ = writeln!(body, "| {} |", row.join(" | "));
        } else {
            left_out += 1;
        }
    }
    if body.is_empty() {
        return String::new();
    }
    let head = columns.join(" | ");
    let rule = vec!["---"; columns.len()].join(" | ");
    let mut grid = format!("| {head} |\n| {rule} |\n{body}\n");
    if left_out > 0 {
        let _ = writeln!(grid, "_and {} more._\n", indicatif::HumanCount(left_out as u64));
    }
    grid
}
