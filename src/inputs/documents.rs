//! Both `action.yml` files and the tables of `docs/inputs.md`, made from the table of inputs: `cargo run --example tables` writes them,
//! and a test holds the checked-in files to them.

use std::fmt::Write as _;

use super::table::{Group, INPUTS, InputRow, OUTPUTS, Preset};

/// The widest line of a description in `action.yml`.
const WIDTH: usize = 110;

/// The whole of `action.yml`: the container action.
pub fn action_yml() -> String {
    metadata("repo-relay", "using: docker\n  image: Dockerfile")
}

/// The whole of `native/action.yml`: the same action for runners without Docker.
pub fn native_action_yml() -> String {
    metadata("repo-relay without Docker", "using: node24\n  main: main.js")
}

/// An action's metadata; `runs` is the content of its last section.
///
/// Source: <https://docs.github.com/en/actions/reference/workflows-and-actions/metadata-syntax>
fn metadata(name: &str, runs: &str) -> String {
    let mut text = format!(
        "# Written by `cargo run --example tables`; the table is src/inputs/table.rs.\n\
         name: {name}\n\
         description: Publish a folder, or push branches and tags, to another repository, tag it, trigger its workflows and wait for them\n\
         author: repo-relay contributors\n\
         branding:\n  icon: send\n  color: purple\n\
         inputs:\n",
    );
    for input in INPUTS {
        let _ = writeln!(
            text,
            "  {}:\n{}",
            input.name,
            folded(&format!("{}{}", input.help, default_sentence(input.preset)))
        );
        match input.preset {
            Preset::Value(value) | Preset::Expression(value) => {
                let _ = writeln!(text, "    default: '{}'", value.replace('\'', "''"));
            }
            Preset::None | Preset::Derived(_) => {}
        }
    }
    text.push_str("outputs:\n");
    for output in OUTPUTS {
        let _ = writeln!(text, "  {}:\n{}", output.name, folded(output.help));
    }
    let _ = writeln!(text, "runs:\n  {runs}");
    text
}

/// What an empty value means, to stand after the description.
fn default_sentence(preset: Preset) -> String {
    match preset {
        Preset::Value(words) => format!(" Default: `{words}`."),
        Preset::Derived(words) => format!(" Default: {words}."),
        // The runner takes braces in a description for an expression, and refuses the whole file.
        Preset::Expression(value) => format!(" Default: `{}`.", bare(value)),
        Preset::None => " No default.".to_owned(),
    }
}

/// An expression without its braces.
fn bare(expression: &str) -> &str {
    expression.trim_start_matches("${{ ").trim_end_matches(" }}")
}

/// A `description` as a folded block.
fn folded(help: &str) -> String {
    let mut text = String::from("    description: >-");
    let mut column = WIDTH;
    for word in help.split_whitespace() {
        let length = word.chars().count();
        if column + 1 + length > WIDTH {
            text.push_str("\n      ");
            column = 6 + length;
        } else {
            text.push(' ');
            column += 1 + length;
        }
        text.push_str(word);
    }
    text
}

/// The tables of inputs, one per group.
pub fn inputs_tables() -> String {
    let mut text = String::new();
    for group in Group::ALL {
        let _ = write!(text, "### {}\n\n| input | default | meaning |\n| --- | --- | --- |\n", group.title());
        for input in INPUTS.iter().filter(|input| input.group == group) {
            let _ = writeln!(text, "| `{}` | {} | {} |", input.name, preset(input), cell(input.help));
        }
        text.push('\n');
    }
    text
}

fn preset(input: &InputRow) -> String {
    match input.preset {
        Preset::None => String::new(),
        Preset::Value(value) => format!("`{}`", cell(value)),
        Preset::Expression(value) => format!("`{}`", cell(bare(value))),
        Preset::Derived(words) => cell(words),
    }
}

/// The table of outputs.
pub fn outputs_table() -> String {
    let mut text = String::from("| output | value |\n| --- | --- |\n");
    for output in OUTPUTS {
        let _ = writeln!(text, "| `{}` | {} |", output.name, cell(output.help));
    }
    text
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// `document` with what stands between the markers of `name` replaced by `content`; `None` without the markers.
pub fn between_markers(document: &str, name: &str, content: &str) -> Option<String> {
    let (begin, end) = (format!("<!-- {name}: begin -->\n"), format!("<!-- {name}: end -->"));
    let start = document.find(&begin)? + begin.len();
    let stop = start + document[start..].find(&end)?;
    Some(format!("{}\n{}\n{}", &document[..start], content.trim_end(), &document[stop..]))
}
