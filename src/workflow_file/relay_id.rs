//! The relay's own id: a receiver that shows it in its `run-name` can be recognised among others.
//!
//! Source: <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#run-name>

use serde_json::{Map, Value};

use crate::{github::model::Run, inputs::JsonObject, workflow_file::WorkflowFile};

/// The placeholder that becomes the id.
const RELAY_ID: &str = "{relay_id}";

/// The relay's id, and where the receiver finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayId {
    /// The id.
    pub id: String,
    /// The members whose text it stands in, as an expression names them: `a.b` of `{"a": {"b": "{relay_id}"}}`.
    members: Vec<String>,
}

impl RelayId {
    /// The text of `object` with the id in the place of its placeholder, and the id, where there was a placeholder.
    ///
    /// The placeholder can stand nowhere but inside a string of a JSON text, and the id needs no escape there.
    pub(crate) fn put_into(object: &JsonObject, id: String) -> (String, Option<Self>) {
        if !object.text().contains(RELAY_ID) {
            return (object.text().to_owned(), None);
        }
        let mut members = Vec::new();
        holders(object.value(), "", &mut members);
        (object.text().replace(RELAY_ID, &id), Some(Self { id, members }))
    }

    /// Whether a run's title shows it.
    pub(crate) fn is_shown_by(&self, run: &Run) -> bool {
        run.display_title.contains(&self.id) || run.name.contains(&self.id)
    }

    /// Whether a run of this file that was started with this id must show it in its title: the file's `run-name` names one of
    /// the members, alone in an expression.
    pub(crate) fn must_be_shown_by(&self, file: &WorkflowFile) -> bool {
        let expressions = file.run_name().unwrap_or_default().split("${{").skip(1);
        expressions.filter_map(|rest| rest.split_once("}}")).any(|(expression, _)| {
            // Names have no case in expressions, and a member can be named in brackets.
            let plain = expression.trim().to_lowercase().replace("['", ".").replace("']", "");
            let roots = ["github.event.client_payload.", "github.event.inputs.", "inputs."];
            let member = roots.iter().find_map(|root| plain.strip_prefix(root));
            member.is_some_and(|member| self.members.iter().any(|known| known.to_lowercase() == member))
        })
    }
}

/// The members, at any depth of objects, whose text holds the placeholder.
fn holders(object: &Map<String, Value>, above: &str, members: &mut Vec<String>) {
    for (name, value) in object {
        match value {
            Value::String(text) if text.contains(RELAY_ID) => members.push(format!("{above}{name}")),
            Value::Object(inner) => holders(inner, &format!("{above}{name}."), members),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(text: &str) -> JsonObject {
        text.parse().unwrap()
    }

    #[test]
    fn the_relays_id_goes_wherever_its_placeholder_stands_and_nothing_else_changes() {
        let text = r#"{"b":"x {relay_id}","a":[{"c":"{relay_id}"}],"n":12345678901234567890123}"#;
        let (filled, id) = RelayId::put_into(&object(text), "id".into());
        assert_eq!(filled, r#"{"b":"x id","a":[{"c":"id"}],"n":12345678901234567890123}"#);
        assert_eq!(id, Some(RelayId { id: "id".into(), members: vec!["b".into()] }));
        let (same, none) = RelayId::put_into(&object(r#"{"a":"{relay}"}"#), "id".into());
        assert_eq!((same.as_str(), none), (r#"{"a":"{relay}"}"#, None));
    }

    #[test]
    fn a_run_name_that_shows_the_id_is_told_from_one_that_may_not() {
        let (_, id) = RelayId::put_into(&object(r#"{"id":"{relay_id}","a":{"B":"{relay_id}"},"x":"y"}"#), "7".into());
        let id = id.unwrap();
        let shows = |name: &str| id.must_be_shown_by(&WorkflowFile::read(&format!("run-name: {name}\non: push\n")));
        for name in [
            "Deploy ${{ inputs.id }}",
            "${{github.event.inputs.id}}",
            "x ${{ github.event.client_payload.x }} ${{ github.event.client_payload.a.b }}",
            "${{ github.event.client_payload['id'] }}",
        ] {
            assert!(shows(name), "{name}");
        }
        for name in
            ["Deploy", "${{ inputs.x }}", "${{ inputs.id == 'x' && inputs.id }}", "inputs.id", "${{ inputs.ident }}"]
        {
            assert!(!shows(name), "{name}");
        }
        assert!(!id.must_be_shown_by(&WorkflowFile::read("on: push\n")));
    }
}
