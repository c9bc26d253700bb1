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
mod languages;
mod limits;
mod network;
mod policy;
mod pulls;
mod repository;
mod rules;
mod ssh;
mod success;

use super::{
    Cause, Diagnosis, Evidence, Operation, Situation,
    reading::{Reading, Span},
    situation, verdict,
};

/// What a layer found.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    pub(super) cause: Cause,
    /// The other causes that the same words fit, the likelier first.
    pub(super) also: Vec<Cause>,
    /// The words that show it; none where the status or a header does.
    pub(super) span: Option<Span>,
}

impl Finding {
    fn new(cause: Cause, also: &[Cause], span: Option<Span>) -> Self {
        Self { cause, also: also.to_vec(), span }
    }
}

/// Words that show a cause.
struct Sign {
    cause: Cause,
    also: &'static [Cause],
    any: &'static [&'static str],
}

impl Sign {
    const fn of(cause: Cause, any: &'static [&'static str]) -> Self {
        Self { cause, also: &[], any }
    }

    const fn unsure(cause: Cause, also: &'static [Cause], any: &'static [&'static str]) -> Self {
        Self { cause, also, any }
    }
}

/// The sign whose words stand first in the text; of several at one place the first of the table.
fn earliest<'a>(reading: &Reading, signs: impl IntoIterator<Item = &'a Sign>) -> Option<Finding> {
    let found = signs.into_iter().filter_map(|sign| Some((reading.first_of(sign.any)?, sign)));
    let (span, sign) = found.min_by_key(|(span, _)| span.start)?;
    Some(Finding::new(sign.cause, sign.also, Some(span)))
}

/// What the server says in words of its own, of whatever topic.
fn statement(reading: &Reading) -> Option<Finding> {
    if let Some(plain) = credentials::unsendable(reading).or_else(|| repository::refused_object(reading)) {
        return Some(plain);
    }
    let signs = credentials::SIGNS.iter().chain(policy::SIGNS).chain(repository::SIGNS).chain(dispatch::SIGNS);
    let spoken = earliest(reading, signs.chain(pulls::SIGNS));
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
    let finding = situation::refine(finding, &reading, situation);
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
        repository::faults,
        answers::from_status,
        client::look,
        success::look_again,
    ];
    LAYERS.iter().find_map(|layer| layer(reading))
}
