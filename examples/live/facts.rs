//! The facts that the code believes in, each with the request that settles it.

mod answers;
mod dispatches;
mod git;
mod objects;
mod places;
mod proposals;
mod unasked;

use super::{
    credentials::{Credential, Kind},
    scene::Scene,
    server::Stop,
    table::{Row, Table, Verdict},
};

/// What looking came to.
pub(crate) enum Finding {
    /// What the server did, in the words in which the fact's row expects it.
    Seen(String),
    /// Cannot be asked here, with the reason.
    Skipped(String),
}

/// What looking for a fact gives.
pub(crate) type Look = Result<Finding, Stop>;

/// Something was seen.
#[expect(clippy::unnecessary_wraps, reason = "it ends what gives a `Look`")]
pub(crate) fn seen(what: impl Into<String>) -> Look {
    Ok(Finding::Seen(what.into()))
}

/// A fact.
pub(crate) struct Fact {
    /// Name of its row; the kind of the credential follows where it is asked with several.
    pub(crate) id: &'static str,
    /// The fact, in a sentence.
    pub(crate) says: &'static str,
    /// Where in the code it stands, and what would have to change there.
    pub(crate) code: &'static str,
    /// With which credentials it is asked; without one, with the one that set the repositories up.
    pub(crate) kinds: &'static [Kind],
    pub(crate) expected: &'static str,
    pub(crate) look: fn(&Scene<'_>, &Credential) -> Look,
}

/// Asks for all of them, and adds their rows.
///
/// # Errors
/// A signal. What cannot be asked for is a row that differs.
pub(crate) fn ask(scene: &Scene<'_>, table: &mut Table) -> Result<(), Stop> {
    let families = [answers::FACTS, git::FACTS, objects::FACTS, dispatches::FACTS, proposals::FACTS, places::FACTS];
    for fact in families.into_iter().flatten() {
        if fact.kinds.is_empty() && table.wants(fact.id) {
            row(scene, table, fact, fact.id.to_owned(), &scene.manager)?;
        }
        for &kind in fact.kinds {
            let id = format!("{}/{kind}", fact.id);
            match scene.credential(kind) {
                _ if !table.wants(&id) => {}
                Some(credential) => row(scene, table, fact, id, credential)?,
                None => table.add(made(fact, id, &Finding::Skipped(scene.missing(kind)))),
            }
        }
    }
    unasked::rows().filter(|row| table.wants(&row.id)).collect::<Vec<_>>().into_iter().for_each(|row| table.add(row));
    Ok(())
}

fn row(scene: &Scene<'_>, table: &mut Table, fact: &Fact, id: String, credential: &Credential) -> Result<(), Stop> {
    let found = match (fact.look)(scene, credential) {
        Err(Stop::Interrupted) => return Err(Stop::Interrupted),
        Err(Stop::Failed(problem)) => Finding::Seen(format!("could not be asked: {problem}")),
        Ok(found) => found,
    };
    table.add(made(fact, id, &found));
    Ok(())
}

fn made(fact: &Fact, id: String, found: &Finding) -> Row {
    let (seen, verdict) = match found {
        Finding::Seen(seen) if seen == fact.expected => (seen.clone(), Verdict::Holds),
        Finding::Seen(seen) => (seen.clone(), Verdict::Differs),
        Finding::Skipped(reason) => (String::new(), Verdict::Skipped(reason.clone())),
    };
    Row { id, says: fact.says, code: fact.code, expected: fact.expected.to_owned(), seen, verdict }
}
