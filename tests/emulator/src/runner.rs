//! The Actions runner's side of a step: workflow commands in a log and files of commands, read as the runner reads them, and
//! texts that try to fool it.
//!
//! Follows `ActionCommand.cs`, `OutputManager.cs` and `FileCommandManager.cs` of <https://github.com/actions/runner>.

use std::collections::BTreeMap;

/// The commands that the runner has registered.
const REGISTERED: &[&str] = &[
    "add-mask",
    "add-matcher",
    "add-path",
    "debug",
    "echo",
    "endgroup",
    "error",
    "group",
    "notice",
    "remove-matcher",
    "save-state",
    "set-env",
    "set-output",
    "stop-commands",
    "internal-set-repo-path",
    "warning",
];

/// A workflow command as the runner understood it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Its name, in lower case.
    pub name: String,
    /// Its properties, their names in lower case.
    pub properties: BTreeMap<String, String>,
    /// What follows them.
    pub data: String,
}

/// Without what a comparison by culture skips; the widest reading, wider than the runner's.
fn culture(text: &str) -> String {
    text.chars()
        .filter(|c| {
            !matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fe00}'..='\u{fe0f}')
                && (!c.is_control() || c.is_whitespace())
        })
        .collect()
}

/// The command on a line, if the runner sees one there. Unregistered names count as commands too: they may be registered one day.
pub fn parse_line(line: &str) -> Option<Command> {
    let line = &culture(line);
    let trimmed = line.trim_start();
    if let Some(rest) = trimmed.strip_prefix("::") {
        // Without a second `::` the runner takes the line for text; a guard that relies on that is none.
        let (info, data) = rest.split_once("::").unwrap_or((rest, ""));
        return Some(command(info, data, ',', unescape_data, unescape_property));
    }
    let at = line.find("##[")?;
    let (info, data) = line[at + 3..].split_once(']').unwrap_or((&line[at + 3..], ""));
    Some(command(info, data, ';', unescape_legacy, unescape_legacy))
}

fn command(
    info: &str,
    data: &str,
    separator: char,
    data_of: fn(&str) -> String,
    property_of: fn(&str) -> String,
) -> Command {
    let (name, properties) = info.split_once(' ').unwrap_or((info, ""));
    let properties = properties
        .split(separator)
        .filter_map(|pair| pair.trim().split_once('='))
        .map(|(key, value)| (key.to_lowercase(), property_of(value)))
        .collect();
    Command { name: name.to_lowercase(), properties, data: data_of(data) }
}

fn unescape_data(text: &str) -> String {
    text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
}

fn unescape_property(text: &str) -> String {
    unescape_data(&text.replace("%3A", ":").replace("%2C", ","))
}

fn unescape_legacy(text: &str) -> String {
    text.replace("%3B", ";").replace("%0D", "\r").replace("%0A", "\n").replace("%5D", "]").replace("%25", "%")
}

/// A log as the runner splits it: its commands, and the lines that are text.
///
/// # Panics
/// At a command that the runner does not know: nobody means to send one.
pub fn parse_log(log: &str) -> (Vec<Command>, Vec<String>) {
    let mut commands = Vec::new();
    let mut text = Vec::new();
    for line in log.split(['\n', '\r']) {
        match parse_line(line) {
            Some(command) => {
                assert!(REGISTERED.contains(&command.name.as_str()), "{line:?}");
                commands.push(command);
            }
            None => text.push(line.to_owned()),
        }
    }
    (commands, text)
}

/// A file of `GITHUB_OUTPUT`'s form: names and values in order, or what the runner would fail the step with.
pub fn parse_file(content: &str) -> Result<Vec<(String, String)>, String> {
    let mut pairs = Vec::new();
    let mut rest = content;
    while !rest.is_empty() {
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        rest = after;
        if line.is_empty() {
            continue;
        }
        let (equals, heredoc) = (line.find('='), line.find("<<"));
        match (equals, heredoc) {
            (Some(equals), heredoc) if heredoc.is_none_or(|heredoc| equals < heredoc) => {
                pairs.push((line[..equals].to_owned(), line[equals + 1..].to_owned()));
            }
            (_, Some(heredoc)) => {
                let (name, delimiter) = (&line[..heredoc], &line[heredoc + 2..]);
                if name.is_empty() || delimiter.is_empty() {
                    return Err(format!("Invalid format '{line}'"));
                }
                let mut lines = Vec::new();
                loop {
                    let Some((line, after)) = rest.split_once('\n') else {
                        return Err("Invalid value. Matching delimiter not found".to_owned());
                    };
                    rest = after;
                    if line == delimiter {
                        break;
                    }
                    lines.push(line);
                }
                pairs.push((name.to_owned(), lines.join("\n")));
            }
            _ => return Err(format!("Invalid format '{line}'")),
        }
    }
    Ok(pairs)
}

/// Texts that try to get out of where they are put.
pub const HOSTILE: &[&str] = &[
    "::set-env name=PATH::/evil",
    "::add-mask::a",
    "::stop-commands::pause",
    "  ::error title=x::forged",
    "\u{feff}::error::forged",
    "\u{a0}::error::forged",
    "text\n::set-output name=commit::forged",
    "text\r::warning::forged",
    "text\r\n##[error]forged",
    "##[set-env name=x]y",
    "a ##[command]rm",
    "%0A::error::forged",
    "%0D%0A%25%3A%2C",
    "a: b, c=d",
    "\u{1b}[2J\u{1b}[31mred\u{7}",
    "\u{9b}31m",
    "\u{202e}gnp.exe\u{2066}",
    "EOF\nforged=1\nreport<<EOF",
    "x<<y",
    "a=b",
    "ghadelimiter_00000000-0000-4000-8000-000000000000",
    "# heading\n\n* list\n\n    code",
    "1. one\n---\n===",
    "[link](https://evil.example) ![image](https://evil.example/x.png) <https://evil.example>",
    "https://evil.example www.evil.example a@evil.example @octo/team #1 :skull:",
    "a | b || c \\| d",
    "`code` ``` $math$ ~~gone~~ _under_ **bold** __init__",
    "```\n# out of the fence",
    "~~~mermaid\ngraph LR",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "</details></table><h1>",
    "&lt;b&gt; &amp; &#60;",
    "<!-- hidden",
    "\"]; click A \"javascript:alert(1)\"; %%{init: {}}%%",
    "A-->B; end; subgraph x",
    "#quot; #35; #nbsp;",
    "javascript:alert(1)",
    "\0\u{1}\u{7f}",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runners_rules_are_read_as_it_reads_them() {
        let command = parse_line("  ::error title=a%3Ab%2Cc,file=x::d%0Ae%25").unwrap();
        assert_eq!((command.name.as_str(), command.properties["title"].as_str()), ("error", "a:b,c"));
        assert_eq!(command.data, "d\ne%");
        assert!(parse_line("x ##[error]y").is_some() && parse_line("x ::error::y").is_none());
        assert_eq!(
            parse_file("a=b<<c\nd<<E\n1\n2\nE\n").unwrap(),
            [("a".into(), "b<<c".into()), ("d".into(), "1\n2".into())]
        );
        assert!(parse_file("d<<E\n1\nE").is_err() && parse_file("d<<E\n1\n").is_err());
    }
}
