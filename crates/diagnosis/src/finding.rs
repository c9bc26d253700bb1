//! What the classifier found in a text, and the words by which it finds it.

use super::{
    Cause,
    reading::{Reading, Span},
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
    pub(super) fn new(cause: Cause, also: &[Cause], span: Option<Span>) -> Self {
        Self { cause, also: also.to_vec(), span }
    }
}

/// Words that show a cause.
pub(super) struct CausePattern {
    pub(super) cause: Cause,
    pub(super) also: &'static [Cause],
    pub(super) any: &'static [&'static str],
}

impl CausePattern {
    pub(super) const fn of(cause: Cause, any: &'static [&'static str]) -> Self {
        Self { cause, also: &[], any }
    }

    pub(super) const fn unsure(cause: Cause, also: &'static [Cause], any: &'static [&'static str]) -> Self {
        Self { cause, also, any }
    }
}

/// The sign whose words stand first in the text; of several at one place the first of the table.
pub(super) fn earliest<'a>(reading: &Reading, signs: impl IntoIterator<Item = &'a CausePattern>) -> Option<Finding> {
    let found = signs.into_iter().filter_map(|sign| Some((reading.first_of(sign.any)?, sign)));
    let (span, sign) = found.min_by_key(|(span, _)| span.start)?;
    Some(Finding::new(sign.cause, sign.also, Some(span)))
}
