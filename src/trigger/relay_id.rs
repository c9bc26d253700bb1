//! The relay's own id: a receiver that shows it in its `run-name` can be recognised among others.

use serde_json::{Map, Value};

/// The placeholder that becomes the id.
const RELAY_ID: &str = "{relay_id}";

/// The object with the relay's id in the place of its placeholder, and whether there was one.
pub(crate) fn with_id(payload: &Map<String, Value>, id: &str) -> (Map<String, Value>, bool) {
    let mut found = false;
    let members = payload.iter().map(|(name, value)| (name.clone(), filled(value, id, &mut found)));
    let filled = members.collect();
    (filled, found)
}

fn filled(value: &Value, id: &str, found: &mut bool) -> Value {
    match value {
        Value::String(text) if text.contains(RELAY_ID) => {
            *found = true;
            Value::String(text.replace(RELAY_ID, id))
        }
        Value::Array(items) => items.iter().map(|item| filled(item, id, found)).collect(),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(name, value)| (name.clone(), filled(value, id, found))).collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_relays_id_goes_wherever_its_placeholder_stands() {
        let payload = serde_json::json!({"a": "x {relay_id}", "b": [{"c": "{relay_id}"}], "d": 1});
        let (filled, found) = with_id(payload.as_object().unwrap(), "id");
        assert!(found);
        assert_eq!(Value::Object(filled), serde_json::json!({"a": "x id", "b": [{"c": "id"}], "d": 1}));
        let plain = serde_json::json!({"a": "{relay}"});
        assert!(!with_id(plain.as_object().unwrap(), "id").1);
    }
}
