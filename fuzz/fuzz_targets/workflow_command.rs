//! Escaping: whatever a text holds, the runner reads back one command with this text, and no second one.
#![no_main]

#[allow(dead_code)]
#[path = "../../tests/emulator/src/runner.rs"]
mod runner;

use libfuzzer_sys::fuzz_target;
use repo_relay::{
    credential::Redactor,
    report::{
        commands::{Level, LONGEST_MESSAGE, add_mask, annotate, debug, endgroup, group},
        text::{safe_line, safe_lines},
    },
};

fuzz_target!(|input: &str| {
    let (title, text) = input.split_once('\0').unwrap_or(("", input));
    let line = safe_line(text);
    assert_eq!(runner::parse_line(&line), None, "a line of text is no command");
    assert_eq!(safe_line(&line), line, "what is safe stays as it is");
    assert!(line.chars().all(|c| !c.is_control() || c == '\t'));
    let mut log: String = safe_lines(text).flat_map(|line| [line.into_owned(), "\n".to_owned()]).collect();
    assert!(runner::parse_log(&log).0.is_empty(), "nor is one of several");

    let mut out = Vec::new();
    add_mask(&mut out, text).expect("memory");
    let shown = Redactor::default().redacted(text.to_owned());
    // What has the form of a token is none of this target's.
    if shown != *text {
        return;
    }
    group(&mut out, &shown).expect("memory");
    endgroup(&mut out).expect("memory");
    debug(&mut out, text).expect("memory");
    annotate(&mut out, Level::Error, Some(title), &shown).expect("memory");
    annotate(&mut out, Level::Notice, None, &shown).expect("memory");
    log += std::str::from_utf8(&out).expect("UTF-8");

    let (commands, rest) = runner::parse_log(&log);
    let names: Vec<_> = commands.iter().map(|command| command.name.as_str()).collect();
    assert_eq!(names, ["add-mask", "group", "endgroup", "debug", "error", "notice"]);
    let printed: Vec<_> = safe_lines(text).map(std::borrow::Cow::into_owned).collect();
    assert!(rest.iter().filter(|line| !line.is_empty()).eq(&printed), "the text is printed line by line");
    assert_eq!(commands[0].data, seen(text), "the mask is the secret, to the byte");
    for command in &commands[1..4] {
        assert!(command.properties.is_empty());
        let expected = if command.name == "endgroup" { String::new() } else { seen(&line) };
        assert_eq!(command.data, expected);
    }
    for command in &commands[4..] {
        assert!(command.data.chars().count() <= LONGEST_MESSAGE);
        if text.chars().count() <= LONGEST_MESSAGE && line.chars().count() <= LONGEST_MESSAGE {
            assert_eq!(command.data, seen(&line));
        }
    }
    assert_eq!(commands[4].properties.len(), 1);
    // The runner trims what stands before the second `::`.
    assert_eq!(commands[4].properties["title"].trim_end(), seen(&safe_line(title)).trim_end());
    assert!(commands[5].properties.is_empty());
    assert!(shown.cut(10).chars().count() <= 10);
});

/// A text as it comes through the runner whose reading of a log drops what has no width.
fn seen(text: &str) -> String {
    let escaped = text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    runner::parse_line(&format!("::x::{escaped}")).expect("a command").data
}
