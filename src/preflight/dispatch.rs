//! The check `payload`: the limits of a `repository_dispatch`.
//!
//! Source: <https://docs.github.com/en/rest/repos/repos#create-a-repository-dispatch-event>

use super::check::{Check, CheckName};
use crate::github::limits::{EVENT_TYPE_CHARACTERS, PAYLOAD_CHARACTERS, PAYLOAD_KEYS};
use crate::{
    diagnosis::{Cause, Failure},
    plan::Plan,
    workflow_file::relay_id::RelayId,
};

/// Whether GitHub takes the event and its payload.
pub(super) fn payload(plan: &Plan) -> Option<Check> {
    let dispatch = plan.dispatch.as_ref()?;
    let fail = |what: String, remedy: &str| {
        let failure = Failure::new(Cause::DispatchPayloadInvalid, what).with_remedy(remedy);
        Some(Check::fail(CheckName::Payload, failure))
    };
    let length = dispatch.event_type.chars().count();
    if length > EVENT_TYPE_CHARACTERS {
        let what = format!("The event type has {length} characters; GitHub takes {EVENT_TYPE_CHARACTERS}.");
        return fail(what, "Shorten `dispatch`, and put the rest into `payload`.");
    }
    let payload = dispatch.payload.value();
    if payload.len() > PAYLOAD_KEYS {
        let what = format!("`payload` has {} top-level keys; GitHub takes {PAYLOAD_KEYS}.", payload.len());
        return fail(what, "Put them under one key: `{\"data\": {…}}` is one.");
    }
    // As it will be sent: the id of the relay is part of the size, and each id has the same length.
    let (text, _) = RelayId::put_into(&dispatch.payload, uuid::Uuid::nil().to_string());
    let (characters, bytes) = (text.chars().count(), text.len());
    let remedy = "Shorten it: send an address at which the receiver finds the rest.";
    if characters >= PAYLOAD_CHARACTERS {
        return fail(format!("`payload` has {characters} characters; GitHub takes less than 64 KB."), remedy);
    }
    // GitHub's pages speak of characters in one place and of kilobytes in another: this is too doubtful to stop for.
    if bytes >= PAYLOAD_CHARACTERS {
        let what = format!(
            "`payload` has {characters} characters in {bytes} bytes; GitHub may count the bytes, and takes less than 64 KB."
        );
        let failure = Failure::new(Cause::DispatchPayloadInvalid, what).with_remedy(remedy);
        return Some(Check::warn(CheckName::Payload, failure));
    }
    let keys = if payload.len() == 1 { "key" } else { "keys" };
    Some(Check::pass(CheckName::Payload, format!("{} top-level {keys}, {bytes} bytes.", payload.len())))
}
