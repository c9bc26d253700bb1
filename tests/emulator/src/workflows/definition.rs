//! A workflow file: its triggers with their filters, the inputs it declares, its `run-name`.
//!
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax>

use regex::Regex;
use serde_json::Value;

/// An input of `workflow_dispatch`.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    pub(crate) name: String,
    pub(crate) required: bool,
    pub(crate) default: Option<Value>,
    pub(crate) kind: String,
    pub(crate) options: Vec<String>,
}

/// A workflow file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Definition(Value);

impl Definition {
    pub(crate) fn read(text: &str) -> Self {
        Self(serde_yaml_ng::from_str(text).unwrap_or_default())
    }

    /// Is no workflow: not valid YAML, or without a trigger. Each push of it starts a run that fails at once.
    pub(crate) fn is_broken(&self) -> bool {
        self.0["on"].is_null() && self.0["name"] != super::PAGES_NAME
    }

    /// The workflow's name: its path where it has none.
    pub(crate) fn name(&self, path: &str) -> String {
        self.0["name"].as_str().unwrap_or(path).to_owned()
    }

    /// The title of a run, with the expressions replaced that speak of the event, the inputs or the ref.
    pub(crate) fn run_name(&self, github: &Value, inputs: &Value) -> Option<String> {
        let template = self.0["run-name"].as_str()?;
        let mut title = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once("${{") {
            let (expression, tail) = after.split_once("}}")?;
            title.push_str(before);
            let mut steps = expression.trim().split('.');
            let root = match steps.next()? {
                "github" => Some(github),
                "inputs" => Some(inputs),
                _ => None,
            };
            let value = root.and_then(|root| {
                steps.try_fold(root, |value, step| match (step, value.get(step)) {
                    ("inputs", None) => Some(inputs),
                    (_, found) => found,
                })
            });
            match value {
                Some(Value::String(text)) => title.push_str(text),
                Some(Value::Null) | None => {}
                Some(other) => title.push_str(&other.to_string()),
            }
            rest = tail;
        }
        title.push_str(rest);
        Some(title).filter(|title| !title.trim().is_empty())
    }

    /// The configuration of an event; `Some(Null)` where it is listed without one.
    pub(crate) fn event(&self, name: &str) -> Option<&Value> {
        match &self.0["on"] {
            Value::String(one) if one == name => Some(&Value::Null),
            Value::Array(some) if some.iter().any(|one| one == name) => Some(&Value::Null),
            Value::Object(table) => table.get(name),
            _ => None,
        }
    }

    /// Whether a push of this ref that changed these paths starts it.
    pub(crate) fn starts_on_push(&self, full_ref: &str, paths: &[String]) -> bool {
        let Some(filters) = self.event("push") else { return false };
        let any = |names: [&str; 2]| names.iter().any(|name| filters.get(name).is_some());
        let (has_branches, has_tags) = (any(["branches", "branches-ignore"]), any(["tags", "tags-ignore"]));
        let passes = |key: &str, text: &str| {
            let wanted = filters.get(key).is_none_or(|list| selected(&patterns(list), text));
            let ignored = filters
                .get(format!("{key}-ignore"))
                .is_some_and(|list| patterns(list).iter().any(|pattern| matches(pattern, text)));
            wanted && !ignored
        };
        if let Some(tag) = full_ref.strip_prefix("refs/tags/") {
            return if has_tags { passes("tags", tag) } else { !has_branches };
        }
        let Some(branch) = full_ref.strip_prefix("refs/heads/") else { return false };
        let branch_passes = if has_branches { passes("branches", branch) } else { !has_tags };
        let path_passes = !any(["paths", "paths-ignore"]) || paths.iter().any(|path| passes("paths", path));
        branch_passes && path_passes
    }

    /// Whether a `repository_dispatch` of this type starts it.
    pub(crate) fn starts_on_dispatch(&self, kind: &str) -> bool {
        self.event("repository_dispatch").is_some_and(|filters| {
            filters.get("types").is_none_or(|types| patterns(types).iter().any(|pattern| matches(pattern, kind)))
        })
    }

    /// Whether this activity of a pull request into this branch starts it.
    pub(crate) fn starts_on_pull_request(&self, action: &str, base: &str) -> bool {
        self.event("pull_request").is_some_and(|filters| {
            let types = filters.get("types").map(patterns);
            let types = types.unwrap_or_else(|| ["opened", "synchronize", "reopened"].map(str::to_owned).to_vec());
            types.iter().any(|one| one == action)
                && filters.get("branches").is_none_or(|list| selected(&patterns(list), base))
        })
    }

    /// The inputs of `workflow_dispatch`; `None`: it has no such trigger.
    pub(crate) fn inputs(&self) -> Option<Vec<Input>> {
        let event = self.event("workflow_dispatch")?;
        let table = event.get("inputs").and_then(Value::as_object);
        let read = |(name, input): (&String, &Value)| Input {
            name: name.clone(),
            required: input["required"].as_bool().unwrap_or(false),
            default: input.get("default").cloned(),
            kind: input["type"].as_str().unwrap_or("string").to_owned(),
            options: input.get("options").map(patterns).unwrap_or_default(),
        };
        Some(table.map(|table| table.iter().map(read).collect()).unwrap_or_default())
    }
}

/// A list of strings, which may be written as one string.
fn patterns(list: &Value) -> Vec<String> {
    match list {
        Value::String(one) => vec![one.clone()],
        Value::Array(some) => some.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    }
}

/// Patterns in order: a later `!pattern` takes back what an earlier one selected.
fn selected(patterns: &[String], text: &str) -> bool {
    patterns.iter().fold(false, |selected, pattern| match pattern.strip_prefix('!') {
        Some(negated) => selected && !matches(negated, text),
        None => selected || matches(pattern, text),
    })
}

/// The filter pattern language: `*` stops at `/`, `**` does not, `?` and `+` repeat what stands before them.
fn matches(pattern: &str, text: &str) -> bool {
    let mut expression = String::from("^");
    let mut letters = pattern.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '*' if letters.peek() == Some(&'*') => {
                letters.next();
                // `**/x` also matches `x`.
                if letters.peek() == Some(&'/') {
                    letters.next();
                    expression.push_str("(.*/)?");
                } else {
                    expression.push_str(".*");
                }
            }
            '*' => expression.push_str("[^/]*"),
            '?' | '+' => expression.push(letter),
            '[' => {
                expression.push('[');
                expression.extend(letters.by_ref().take_while(|&next| next != ']'));
                expression.push(']');
            }
            '\\' => expression.extend(letters.next().map(|next| regex::escape(&next.to_string()))),
            other => expression.push_str(&regex::escape(&other.to_string())),
        }
    }
    expression.push('$');
    Regex::new(&expression).is_ok_and(|expression| expression.is_match(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(text: &str) -> Definition {
        Definition::read(text)
    }

    #[test]
    fn filters_of_a_push_are_githubs() {
        let branches = on("on:\n  push:\n    branches: [main, 'releases/**', '!releases/**-alpha']\n");
        assert!(branches.starts_on_push("refs/heads/main", &[]));
        assert!(branches.starts_on_push("refs/heads/releases/10/1", &[]));
        assert!(!branches.starts_on_push("refs/heads/releases/10-alpha", &[]));
        assert!(!branches.starts_on_push("refs/tags/v1", &[]), "branches alone leave tags out");
        let tags = on("on:\n  push:\n    tags: ['v[0-9]+.*']\n");
        assert!(tags.starts_on_push("refs/tags/v12.0", &[]));
        assert!(!tags.starts_on_push("refs/tags/x1.0", &[]));
        assert!(!tags.starts_on_push("refs/heads/main", &[]), "tags alone leave branches out");
        let paths = on("on:\n  push:\n    paths: ['docs/**', '*.md']\n");
        assert!(paths.starts_on_push("refs/heads/x", &["docs/a/b.txt".into()]));
        assert!(!paths.starts_on_push("refs/heads/x", &["src/a.md".into()]));
        assert!(paths.starts_on_push("refs/tags/v1", &[]), "paths are not looked at for tags");
        let ignored = on("on:\n  push:\n    paths-ignore: ['docs/**']\n");
        assert!(!ignored.starts_on_push("refs/heads/x", &["docs/a".into()]));
        assert!(ignored.starts_on_push("refs/heads/x", &["docs/a".into(), "src/b".into()]));
        assert!(on("on: [push]\n").starts_on_push("refs/tags/v1", &[]));
        assert!(!on("on: [pull_request]\n").starts_on_push("refs/heads/main", &[]));
    }

    #[test]
    fn a_run_name_shows_what_the_event_brought() {
        let workflow = on("run-name: Deploy ${{ github.event.client_payload.id }} by ${{ github.actor }}\non: push\n");
        let github = serde_json::json!({"actor": "robin", "event": {"client_payload": {"id": 7}}});
        assert_eq!(workflow.run_name(&github, &Value::Null).as_deref(), Some("Deploy 7 by robin"));
        let inputs = on("run-name: ${{ inputs.env }} ${{ github.event.inputs.env }}\non: push\n");
        let given = serde_json::json!({"env": "live"});
        assert_eq!(inputs.run_name(&github, &given).as_deref(), Some("live live"));
    }

    #[test]
    fn types_of_a_dispatch_are_compared() {
        let some = on("on:\n  repository_dispatch:\n    types: [deploy, 'site-*']\n");
        assert!(some.starts_on_dispatch("deploy") && some.starts_on_dispatch("site-a"));
        assert!(!some.starts_on_dispatch("other"));
        assert!(on("on: repository_dispatch\n").starts_on_dispatch("anything"));
    }
}
