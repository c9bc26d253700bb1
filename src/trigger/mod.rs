//! The trigger stage: each start is asked for once, and after a lost answer looked for before it is asked for again.

mod once;

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{
    connection::Connection,
    diagnosis::Failure,
    github::{DispatchRequest, model::Run},
    plan::Plan,
    preflight::Cleared,
};

/// The placeholder that becomes the relay's own id: a receiver that puts it into `run-name` can be recognised.
const RELAY_ID: &str = "{relay_id}";

/// What the trigger stage did.
#[derive(Clone, Debug, Default)]
pub struct Triggered {
    /// The events and workflows that were started.
    pub started: Vec<String>,
    /// The runs that are known by now.
    pub runs: Vec<Run>,
}

/// Starts what the plan says. `None`: nothing to start is planned.
pub async fn trigger(cleared: &Cleared<Plan>, connection: &Connection) -> Result<Option<Triggered>, Failure> {
    let plan = cleared.plan();
    let Some(dispatch) = &plan.dispatch else { return Ok(None) };
    let started = vec![dispatch.event_type.clone()];
    if plan.behaviour.dry_run {
        return Ok(Some(Triggered { started, runs: Vec::new() }));
    }
    let id = Uuid::new_v4().to_string();
    let (payload, named) = with_id(dispatch.payload.value(), &id);
    let request = DispatchRequest { event_type: dispatch.event_type.clone(), client_payload: payload };
    let search = once::Search {
        event: "repository_dispatch",
        login: cleared.login(),
        server_ahead: cleared.server_ahead(),
        id: named.then_some(id.as_str()),
    };
    let send = || async { connection.github.create_dispatch(&plan.target.slug, &request).await };
    let what = format!("dispatch of {}", dispatch.event_type);
    let runs = once::send(plan, connection, &what, &search, send).await?;
    Ok(Some(Triggered { started, runs }))
}

/// The payload with the relay's id in the place of its placeholder, and whether there was one.
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
