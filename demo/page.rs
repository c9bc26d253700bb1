//! The step summary as a page that a browser shows without a network: GitHub's Markdown, and the chain drawn as boxes.

use comrak::{Options, markdown_to_html};

const STYLE: &str = "\
body { margin: 2em auto; max-width: 60em; padding: 0 2em; font: 16px/1.5 system-ui, sans-serif; color: #1f2328 }
table { border-collapse: collapse; margin: 1em 0 } th, td { border: 1px solid #d1d9e0; padding: 6px 13px }
code { background: #818b981f; padding: .2em .4em; border-radius: 6px; font-size: 85% } a { color: #0969da }
h2 { border-bottom: 1px solid #d1d9e0b3; padding-bottom: .3em } summary { cursor: pointer }
.chain { display: flex; flex-wrap: wrap; align-items: center; gap: .5em; margin: 1.5em 0 }
.chain > * { border: 1px solid; border-radius: 4px; padding: .5em 1em; color: #1f2328; text-decoration: none }
.chain > i { border: 0; padding: 0; font-style: normal }
.done { background: #dafbe1; border-color: #1a7f37 } .unchanged { background: #ddf4ff; border-color: #0969da }
.planned { background: #fff8c5; border-color: #9a6700 } .skipped { background: #f6f8fa; border-color: #818b98 }
.failed { background: #ffebe9; border-color: #d1242f }
";

/// The page of a summary.
pub(crate) fn page(summary: &str) -> String {
    let mut markdown = String::new();
    let mut rest = summary;
    while let Some((before, after)) = rest.split_once("```mermaid\n") {
        let (chart, after) = after.split_once("```\n").unwrap_or((after, ""));
        markdown.extend([before, &chain(chart), "\n"]);
        rest = after;
    }
    markdown.push_str(rest);
    let mut options = Options::default();
    options.extension.table = true;
    // The summary's own HTML is `<code>` and the like, which GitHub lets through; what came from outside is escaped in it.
    options.render.r#unsafe = true;
    let body = markdown_to_html(&markdown, &options);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Step summary</title>\n<style>\n{STYLE}</style>\n{body}</html>\n"
    )
}

/// The flowchart as a row of boxes: `ID["LABEL"]:::CLASS`, and `click ID "ADDRESS"` for those that link.
fn chain(chart: &str) -> String {
    let link_of = |id: &str| {
        let lines = chart.lines().filter_map(|line| line.trim().strip_prefix("click ")?.split_once(' '));
        lines.filter(|(known, _)| *known == id).find_map(|(_, rest)| rest.split('"').nth(1))
    };
    let mut boxes = Vec::new();
    for line in chart.lines() {
        let Some((id, rest)) = line.trim().split_once("[\"") else { continue };
        let Some((label, class)) = rest.split_once("\"]:::") else { continue };
        // Mermaid writes `#35;` where HTML writes `&#35;`.
        let label = label.replace('#', "&#");
        boxes.push(match link_of(id) {
            Some(address) => format!("<a class=\"{class}\" href=\"{address}\">{label}</a>"),
            None => format!("<span class=\"{class}\">{label}</span>"),
        });
    }
    format!("<div class=\"chain\">{}</div>\n", boxes.join("<i>→</i>"))
}
