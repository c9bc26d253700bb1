//! What is wrong with a relay's end, and the sums over all of them.

use std::{collections::BTreeMap, fmt};

use repo_relay::diagnosis::Cause;

use super::Deed;
use crate::runner::Outcome;

/// How a relay ended, beside what it left behind.
pub(super) struct End<'a> {
    pub(super) deed: Deed,
    /// How often its effect is there.
    pub(super) made: usize,
    /// Whether each of its faults passes.
    pub(super) passes: bool,
    pub(super) outcome: &'a Outcome,
}

impl End<'_> {
    fn succeeded(&self) -> bool {
        self.outcome.status == Some(0)
    }

    fn has_effect(&self) -> bool {
        self.deed != Deed::Check
    }

    /// The step says of what it was to bring about that it may be there.
    fn is_told(&self) -> bool {
        self.outcome.stdout.contains("may have")
    }

    /// It rightly does not know: a start is never asked for twice, so that neither a server that was silent nor another run of the
    /// same sender lets it be asked for again.
    fn is_open(&self) -> bool {
        let because = ["neither took nor sent a byte", "another sender's"];
        let starts = matches!(self.deed, Deed::Dispatch | Deed::Workflow);
        starts && self.is_told() && because.iter().any(|text| self.outcome.stdout.contains(text))
    }

    /// What is wrong, each with the word that it is counted under first.
    pub(super) fn wrong(&self) -> Vec<String> {
        let Self { deed, made, passes, outcome } = *self;
        let mut wrong = Vec::new();
        let (error, stage) = (outcome.output("error"), outcome.stage(deed.stage()));
        let succeeded = self.succeeded();
        let expected = usize::from(self.has_effect());
        if made > expected {
            wrong.push(format!("doubled: {made}"));
        }
        if made < expected && (succeeded || stage == "done") {
            wrong.push("lost: success without its effect".to_owned());
        }
        if passes && !succeeded && !self.is_open() {
            wrong.push(format!("lost: all faults pass, and the step failed with {error}"));
        }
        if made > 0 && !succeeded && !self.is_told() {
            wrong.push("untold: the effect is there, and nothing says that it may be".to_owned());
        }
        let named = Cause::from_slug(error).is_some() && !matches!(error, "internal-error" | "unknown");
        if succeeded != error.is_empty() || (!succeeded && !named) {
            wrong.push(format!("unnamed: status {:?}, {error:?}", outcome.status));
        }
        wrong
    }
}

/// A number of relays, and of how many it could have been.
#[derive(Default)]
struct Share {
    found: u64,
    of: u64,
}

impl Share {
    fn add(&mut self, possible: bool, found: bool) {
        self.of += u64::from(possible);
        self.found += u64::from(found);
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.found, self.of)
    }
}

/// The sums.
#[derive(Default)]
pub(super) struct Sums {
    ends: BTreeMap<String, u64>,
    lost: Share,
    doubled: Share,
    untold: Share,
    unnamed: Share,
    /// Failures that say that the effect may be there, and how many of these effects are.
    told: Share,
    /// All that is wrong with a relay, the last being what it printed.
    pub(super) wrong: Vec<Vec<String>>,
}

impl Sums {
    pub(super) fn add(&mut self, end: &End<'_>, wrong: Vec<String>) {
        let has = |word: &str| wrong.iter().any(|what| what.starts_with(word));
        let (effect, failed) = (end.has_effect(), !end.succeeded());
        // A tag and a secret are there or not: only of the others could there be two.
        let countable = effect && !matches!(end.deed, Deed::Tag | Deed::Secret);
        self.lost.add(effect || end.passes, has("lost"));
        self.doubled.add(countable, has("doubled"));
        self.untold.add(effect && failed, has("untold"));
        self.unnamed.add(true, has("unnamed"));
        self.told.add(effect && failed && end.is_told(), effect && failed && end.is_told() && end.made > 0);
        let error = end.outcome.output("error");
        *self.ends.entry(if error.is_empty() { "success" } else { error }.to_owned()).or_default() += 1;
        if !wrong.is_empty() {
            self.wrong.push(wrong);
        }
    }
}

impl fmt::Display for Sums {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (end, count) in &self.ends {
            writeln!(f, "{count:6}  {end}")?;
        }
        let Self { lost, doubled, untold, unnamed, told, .. } = self;
        writeln!(f, "lost {lost} that were to do something, doubled {doubled} that can be seen twice,")?;
        writeln!(f, "untold {untold} that failed, unnamed {unnamed}")?;
        write!(f, "failed with \"may have been done\": {}, of which done: {}", told.of, told.found)
    }
}
