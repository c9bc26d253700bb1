//! Names that are likely slips of one another.

/// How alike two names must be for one to be taken for a slip of the other.
const ALIKE: f64 = 0.85;

/// The name that `wrong` was most likely meant to be, if one is like it.
pub fn nearest<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wrong = wrong.to_lowercase();
    let likeness = |name: &str| strsim::jaro_winkler(&wrong, &name.to_lowercase());
    let alike = names.into_iter().filter(|name| likeness(name) >= ALIKE);
    alike.max_by(|one, other| likeness(one).total_cmp(&likeness(other)))
}
