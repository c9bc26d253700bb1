//! From a text, a status and headers to the one cause.
//!
//! The evidence is looked at in layers, the stronger first; the first layer that finds something decides:
//! a success that only quotes a rule, a rate limit, a rule on a ref, what the server says in words of its own, headers
//! and the status together with the call, a fault of the server, and last the client's own lines. So a refusal beats
//! the broken transfer that follows it, and a limit beats a missing right. Within a layer the earliest words count:
//! the first error of a run is its cause.

mod answers;
mod client;
mod credentials;
mod dispatch;
mod faults;
mod languages;
mod limits;
mod network;
mod policy;
mod pulls;
mod repository;
mod rules;
mod ssh;
mod success;

use super::finding::{Finding, earliest};
use super::{Cause, Diagnosis, Evidence, Operation, Situation, reading::Reading, refine, verdict};

/// What the server says in words of its own, of whatever topic.
fn statement(reading: &Reading) -> Option<Finding> {
    if let Some(plain) = credentials::unsendable(reading).or_else(|| repository::refused_object(reading)) {
        return Some(plain);
    }
    let signs =
        credentials::PATTERNS.iter().chain(policy::PATTERNS).chain(repository::PATTERNS).chain(dispatch::PATTERNS);
    let spoken = earliest(reading, signs.chain(pulls::PATTERNS));
    let denied = credentials::denied(reading);
    match (spoken, denied) {
        (Some(spoken), Some(denied)) if position(&spoken) < position(&denied) => Some(spoken),
        (spoken, denied) => denied.or(spoken),
    }
    .map(|finding| {
        dispatch::by_endpoint(reading, repository::in_context(reading, credentials::by_headers(reading, finding)))
    })
}

fn position(finding: &Finding) -> usize {
    finding.span.map_or(usize::MAX, |span| span.start)
}

/// Finds the cause of a failure. Never fails: what is not recognised is [`Cause::Unknown`] with the text kept.
pub fn classify(evidence: &Evidence<'_>, situation: &Situation) -> Diagnosis {
    let mut reading = Reading::of(evidence);
    if network::is_status_of_the_client(&reading) {
        reading.status = None;
    }
    let found = if reading.is_foreign { None } else { find(&reading) };
    let finding = found.unwrap_or_else(|| Finding::new(Cause::Unknown, &[], None));
    let finding = refine::refine(finding, &reading, situation);
    verdict::put_together(finding, &reading, evidence, situation)
}

type Layer = fn(&Reading) -> Option<Finding>;

/// Asks the layers in turn.
fn find(reading: &Reading) -> Option<Finding> {
    const LAYERS: [Layer; 10] = [
        success::look,
        limits::look,
        rules::look,
        statement,
        answers::from_headers,
        ssh::look,
        faults::faults,
        answers::from_status,
        client::look,
        success::look_again,
    ];
    LAYERS.iter().find_map(|layer| layer(reading))
}
