//! A workflow file as far as it says what starts it, with the lines that say so.
//!
//! Source: <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax>

mod pattern;
pub mod relay_id;
pub mod skip;
mod yaml;

use saphyr::YamlData;

use self::{
    pattern::fits,
    yaml::{YamlNode, get, load, text_of, texts},
};
use crate::names::RefName;

/// How many lines of a filter are quoted.
const MOST_QUOTED: usize = 5;

/// What a workflow file says about its own start.
#[derive(Clone, Debug, Default)]
pub struct WorkflowFile {
    lines: Vec<String>,
    /// The line of `on`, from 1; none when there is none.
    on: Option<usize>,
    events: Vec<TriggerEvent>,
    /// The title of its runs.
    run_name: Option<String>,
    broken: Option<String>,
}

/// An event that it listens to.
#[derive(Clone, Debug)]
struct TriggerEvent {
    name: String,
    filters: Vec<TriggerFilter>,
    inputs: Vec<DispatchInput>,
}

/// A list under an event: `branches`, `tags-ignore`, `types` and the like.
#[derive(Clone, Debug)]
struct TriggerFilter {
    name: String,
    line: usize,
    patterns: Vec<(String, usize)>,
}

/// An input of `workflow_dispatch`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DispatchInput {
    /// Its name.
    pub name: String,
    /// Whether it must be given.
    pub required: bool,
    /// Whether there is a default.
    pub has_default: bool,
    /// `string`, `boolean`, `choice`, `number`, `environment`; empty where it is not said.
    pub kind: String,
    /// What a `choice` takes.
    pub options: Vec<String>,
}

/// Why an event does not start a workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exclusion {
    /// A sentence without its full stop, with the line of the file quoted.
    pub why: String,
    /// Whether it is sure; a filter of paths can only be supposed.
    pub certain: bool,
}

impl WorkflowFile {
    /// Reads a file. What is no YAML, or has no `on`, is a file that nothing starts, and says why.
    pub fn read(text: &str) -> Self {
        // Kept whole: a reason quotes the line that a person has to change.
        let lines = text.lines().map(str::to_owned).collect();
        let document = match load(text) {
            Ok(document) => document,
            Err(why) => return Self { lines, broken: Some(why), ..Self::default() },
        };
        let Some(root) = document else {
            return Self { lines, broken: Some("it is empty".to_owned()), ..Self::default() };
        };
        let run_name = get(&root, "run-name").and_then(|(_, value)| text_of(value));
        // YAML 1.1 would read a bare `on` as true; this reader, like GitHub's, takes it for text.
        let Some((key, on)) = get(&root, "on") else {
            return Self { lines, run_name, broken: Some("it has no `on`".to_owned()), ..Self::default() };
        };
        let line = key.span.start.line();
        Self { lines, on: Some(line), events: events(on), run_name, broken: None }
    }

    /// The title that the file gives its runs.
    pub fn run_name(&self) -> Option<&str> {
        self.run_name.as_deref()
    }

    /// Why it cannot be used at all: no YAML, no `on`.
    pub fn broken(&self) -> Option<&str> {
        self.broken.as_deref()
    }

    /// Whether it listens to an event, whatever the event's filters say.
    pub fn listens_to(&self, event: &str) -> bool {
        self.event(event).is_some()
    }

    /// The inputs of its `workflow_dispatch`; none when it has no such trigger.
    pub fn dispatch_inputs(&self) -> Option<&[DispatchInput]> {
        self.event("workflow_dispatch").map(|event| event.inputs.as_slice())
    }

    /// Why a push of this ref does not start it; none when it should.
    pub fn excludes_push(&self, name: &RefName) -> Option<Exclusion> {
        let event = match self.listening("push") {
            Ok(event) => event,
            Err(exclusion) => return Some(exclusion),
        };
        let (own, other, word) =
            if name.is_tag() { ("tags", "branches", "tag") } else { ("branches", "tags", "branch") };
        let ignore = format!("{own}-ignore");
        let only = |side: &str| {
            event.filters.iter().find(|filter| filter.name == side || filter.name == format!("{side}-ignore"))
        };
        // Filters for branches alone exclude every tag, and the other way round (workflow syntax, `on.push`).
        if only(own).is_none()
            && let Some(filter) = only(other)
        {
            let why = format!("its `push` is for {other} only ({})", self.quote(filter.line));
            return Some(Exclusion { why, certain: true });
        }
        if let Some(filter) = event.filter(own)
            && let Some(lines) = filter.leaves_out(name.short())
        {
            let why = format!("its filter `{own}` leaves the {word} {} out ({})", name.short(), self.quotes(&lines));
            return Some(Exclusion { why, certain: true });
        }
        if let Some(filter) = event.filter(&ignore)
            && let Some((_, line)) = filter.patterns.iter().find(|(pattern, _)| fits(pattern, name.short()))
        {
            let why = format!("its filter `{ignore}` leaves the {word} {} out ({})", name.short(), self.quote(*line));
            return Some(Exclusion { why, certain: true });
        }
        // GitHub does not evaluate filters of paths for tags.
        if name.is_branch()
            && let Some(filter) = event.filter("paths").or_else(|| event.filter("paths-ignore"))
        {
            let why =
                format!("its filter `{}` may leave out what was pushed ({})", filter.name, self.quote(filter.line));
            return Some(Exclusion { why, certain: false });
        }
        None
    }

    /// Why a `repository_dispatch` of this type does not start it; none when it should.
    pub fn excludes_dispatch(&self, event_type: &str) -> Option<Exclusion> {
        // This event has no filter of refs: GitHub takes the file of the default branch.
        let event = match self.listening("repository_dispatch") {
            Ok(event) => event,
            Err(exclusion) => return Some(exclusion),
        };
        // Without a list every type starts it.
        let filter = event.filter("types")?;
        let lines = filter.leaves_out(event_type)?;
        let why = format!("its `types` leave {event_type} out ({})", self.quotes(&lines));
        Some(Exclusion { why, certain: true })
    }

    /// The types of `repository_dispatch` that it listens to; none where it takes all, or no such event.
    pub fn dispatch_types(&self) -> impl Iterator<Item = &str> {
        let types = self.event("repository_dispatch").and_then(|event| event.filter("types"));
        types.into_iter().flat_map(|filter| filter.patterns.iter().map(|(pattern, _)| pattern.as_str()))
    }

    /// The event of this name, or why there is none.
    fn listening(&self, name: &str) -> Result<&TriggerEvent, Exclusion> {
        self.event(name).ok_or_else(|| {
            let why = match (&self.broken, self.on) {
                // A file that is no YAML has no events either: the better reason goes first.
                (Some(broken), _) => format!("it is no workflow that could start: {broken}"),
                (None, Some(line)) => format!("its `on` has no `{name}` ({})", self.quote(line)),
                (None, None) => format!("its `on` has no `{name}`"),
            };
            Exclusion { why, certain: true }
        })
    }

    fn event(&self, name: &str) -> Option<&TriggerEvent> {
        self.events.iter().find(|event| event.name == name)
    }

    /// The first few of these lines, each quoted.
    fn quotes(&self, lines: &[usize]) -> String {
        let mut quotes: Vec<_> = lines.iter().take(MOST_QUOTED).map(|line| self.quote(*line)).collect();
        if lines.len() > MOST_QUOTED {
            quotes.push("…".to_owned());
        }
        quotes.join(", ")
    }

    /// `line 5: branches: [main]`
    fn quote(&self, line: usize) -> String {
        let text = self.lines.get(line.saturating_sub(1)).map(|text| text.trim()).unwrap_or_default();
        format!("line {line}: `{text}`")
    }
}

impl TriggerEvent {
    fn filter(&self, name: &str) -> Option<&TriggerFilter> {
        self.filters.iter().find(|filter| filter.name == name)
    }
}

impl TriggerFilter {
    /// The lines that leave `text` out: that of the last pattern that takes it back, else those of the whole list. None: it is in.
    ///
    /// The patterns count in their order: one with `!` takes back what an earlier one selected.
    fn leaves_out(&self, text: &str) -> Option<Vec<usize>> {
        let lines = std::iter::once(self.line).chain(self.patterns.iter().map(|(_, line)| *line));
        let mut all: Vec<usize> = lines.collect();
        all.dedup();
        // A list without `!` selects: what no pattern names is out from the start.
        let mut out = Some(all);
        for (pattern, line) in &self.patterns {
            match pattern.strip_prefix('!') {
                Some(negated) if fits(negated, text) => out = Some(vec![*line]),
                None if fits(pattern, text) => out = None,
                _ => {}
            }
        }
        out
    }
}

fn events(on: &YamlNode<'_>) -> Vec<TriggerEvent> {
    let bare = |name: String| TriggerEvent { name, filters: Vec::new(), inputs: Vec::new() };
    match &on.data {
        YamlData::Sequence(names) => names.iter().filter_map(text_of).map(bare).collect(),
        YamlData::Mapping(table) => {
            let event = |(key, value): (&YamlNode<'_>, &YamlNode<'_>)| {
                Some(TriggerEvent { filters: filters(value), inputs: inputs(value), ..bare(text_of(key)?) })
            };
            table.iter().filter_map(event).collect()
        }
        // `on: push` is a text, and names one event.
        _ => text_of(on).map(bare).into_iter().collect(),
    }
}

fn filters(event: &YamlNode<'_>) -> Vec<TriggerFilter> {
    let YamlData::Mapping(table) = &event.data else { return Vec::new() };
    let filter = |(key, value): (&YamlNode<'_>, &YamlNode<'_>)| {
        let patterns = texts(value);
        Some(TriggerFilter { name: text_of(key)?, line: key.span.start.line(), patterns })
    };
    table.iter().filter_map(filter).collect()
}

fn inputs(event: &YamlNode<'_>) -> Vec<DispatchInput> {
    let Some((_, YamlNode { data: YamlData::Mapping(table), .. })) = get(event, "inputs") else { return Vec::new() };
    let input = |(key, value): (&YamlNode<'_>, &YamlNode<'_>)| {
        // An input without settings is a key without a value, and every setting has a default.
        let field = |name: &str| get(value, name).map(|(_, value)| value);
        Some(DispatchInput {
            name: text_of(key)?,
            required: field("required").and_then(text_of).as_deref() == Some("true"),
            has_default: field("default").is_some(),
            kind: field("type").and_then(text_of).unwrap_or_default(),
            options: field("options").map(texts).unwrap_or_default().into_iter().map(|(text, _)| text).collect(),
        })
    };
    table.iter().filter_map(input).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(yaml: &str, name: &str) -> Option<String> {
        WorkflowFile::read(yaml).excludes_push(&name.parse().unwrap()).map(|exclusion| exclusion.why)
    }

    const BRANCHES: &str =
        "name: x\non:\n  push:\n    branches:\n      - main\n      - 'releases/**'\n      - '!releases/**-alpha'\n";

    #[test]
    fn the_line_that_leaves_a_push_out_is_quoted() {
        assert_eq!(push(BRANCHES, "refs/heads/main"), None);
        assert_eq!(push(BRANCHES, "refs/heads/releases/1/2"), None);
        let why = push(BRANCHES, "refs/heads/releases/1-alpha").unwrap();
        assert!(why.contains("line 7: `- '!releases/**-alpha'`"), "{why}");
        let why = push(BRANCHES, "refs/heads/gh-pages").unwrap();
        let quoted =
            "(line 4: `branches:`, line 5: `- main`, line 6: `- 'releases/**'`, line 7: `- '!releases/**-alpha'`)";
        assert!(why.ends_with(&format!("`branches` leaves the branch gh-pages out {quoted}")), "{why}");
        let why = push(BRANCHES, "refs/tags/v1").unwrap();
        assert!(why.contains("for branches only (line 4"), "{why}");
        let tags = "on:\n  push: {tags: ['v[0-9]+.*']}\n";
        assert_eq!(push(tags, "refs/tags/v12.0"), None);
        assert!(push(tags, "refs/tags/x1").unwrap().contains("line 2"));
        assert!(push(tags, "refs/heads/main").unwrap().contains("for tags only"));
        let ignored = "on:\n  push:\n    tags-ignore: ['*-rc']\n";
        assert_eq!(push(ignored, "refs/tags/v1"), None);
        assert!(push(ignored, "refs/tags/v1-rc").unwrap().contains("line 3: `tags-ignore: ['*-rc']`"));
    }

    #[test]
    fn an_event_that_is_not_listened_to_is_named() {
        assert!(
            push("on: [pull_request]\n", "refs/heads/a").unwrap().contains("no `push` (line 1: `on: [pull_request]`)")
        );
        assert_eq!(push("on: push\n", "refs/tags/a"), None);
        assert_eq!(push("on: [push, pull_request]\n", "refs/tags/a"), None);
        assert!(push("name: x\n", "refs/heads/a").unwrap().contains("it has no `on`"));
        assert!(push("on: [push\n", "refs/heads/a").unwrap().contains("no workflow that could start"));
        assert!(push("", "refs/heads/a").unwrap().contains("empty"));
        let paths = WorkflowFile::read("on:\n  push:\n    paths: [docs/**]\n");
        assert!(!paths.excludes_push(&"refs/heads/a".parse().unwrap()).unwrap().certain);
        assert_eq!(paths.excludes_push(&"refs/tags/a".parse().unwrap()), None, "paths are not looked at for tags");
    }

    #[test]
    fn a_text_without_bounds_is_no_file_that_could_start() {
        let levels = |count: usize| {
            let line = |depth| [" ".repeat(depth), "a:\n".to_owned()].concat();
            (0..count).map(line).collect::<String>()
        };
        for (text, why) in [
            ("- ".repeat(300_000), "nested deeper than 50"),
            ("? ".repeat(300_000), "nested deeper than 50"),
            (levels(200), "nested deeper than 50"),
            (format!("on: [{}]", "a: b,".repeat(100_000)), "more than 100000 parts"),
            (format!("on: push\n# {}", "x".repeat(1 << 20)), "longer than 1048576 bytes"),
        ] {
            let file = WorkflowFile::read(&text);
            assert!(file.broken().is_some_and(|broken| broken.contains(why)), "{:?}", file.broken());
        }
        let deep = levels(40) + "on: push";
        assert!(WorkflowFile::read(&deep).listens_to("push"), "fewer levels are read");
    }

    #[test]
    fn types_of_a_dispatch_are_compared() {
        let file = WorkflowFile::read("on:\n  repository_dispatch:\n    types: [deploy, 'site-*']\n");
        assert_eq!(file.excludes_dispatch("site-a"), None);
        assert!(file.excludes_dispatch("other").unwrap().why.contains("line 3"));
        assert_eq!(WorkflowFile::read("on: repository_dispatch\n").excludes_dispatch("any"), None);
    }

    #[test]
    fn inputs_are_read() {
        let yaml = "run-name: Deploy ${{ inputs.env }}\non:\n  workflow_dispatch:\n    inputs:\n      env: {required: true, type: choice, options: [live, test]}\n      note:\n        default: ''\n";
        let file = WorkflowFile::read(yaml);
        let inputs = file.dispatch_inputs().unwrap();
        assert_eq!(inputs[0].options, ["live", "test"]);
        assert!(inputs[0].required && !inputs[0].has_default && inputs[1].has_default);
        assert_eq!(file.run_name(), Some("Deploy ${{ inputs.env }}"));
        assert!(WorkflowFile::read("on: push").dispatch_inputs().is_none());
    }
}
