//! Refspecs and the checkout: which objects are to go to which names. Pure, but for the questions that [`View`] answers.
//!
//! Source: <https://git-scm.com/docs/git-push#Documentation/git-push.txt-refspec>, `remote.c` of git (`match_push_refs`)

use std::collections::BTreeMap;

use crate::{
    diagnosis::{Cause, Failure},
    git::{checkout::Head, format::ObjectKind},
    inputs::Refspec,
    names::{Oid, RefName},
};

/// Names that belong to one clone or to the server: never sent.
const HIDDEN: [&str; 9] = [
    "refs/repo-relay/",
    "refs/pull/",
    "refs/remotes/",
    "refs/bisect/",
    "refs/original/",
    "refs/prefetch/",
    "refs/rewritten/",
    "refs/worktree/",
    "refs/stash",
];

/// What `:` looks through.
pub(super) const BRANCHES: &str = "refs/heads/*";

/// What is known of the checkout.
pub struct View<'a> {
    /// Its refs.
    pub refs: &'a BTreeMap<RefName, Oid>,
    /// Its `HEAD`.
    pub head: &'a Head,
    /// What an expression means that is no ref's name.
    pub resolve: &'a dyn Fn(&str) -> Result<Option<Oid>, Failure>,
    /// What kind of object it is, if it is there.
    pub kind: &'a dyn Fn(Oid) -> Result<Option<ObjectKind>, Failure>,
}

/// One ref to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The refspec that it comes from, for messages.
    pub spec: String,
    /// `+`: forced, with a lease.
    pub force: bool,
    /// The object; `None` deletes.
    pub from: Option<Oid>,
    /// The name at the target.
    pub to: Destination,
    /// Whether a pattern matched it: a line that names it counts more.
    pub matched: bool,
    /// `:` — only if the target has it too.
    pub in_both: bool,
}

/// A name at the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A full name.
    Full(RefName),
    /// A branch or a tag, whichever the target has.
    Short {
        /// The branch.
        branch: RefName,
        /// The tag.
        tag: RefName,
        /// Whether it is to be a tag where the target has neither.
        makes_tag: bool,
    },
}

impl Destination {
    /// The name that it has where the target does not say otherwise.
    pub fn likely(&self) -> &RefName {
        match self {
            Self::Full(name) | Self::Short { tag: name, makes_tag: true, .. } | Self::Short { branch: name, .. } => {
                name
            }
        }
    }
}

fn invalid(spec: &Refspec, why: &str, remedy: &str) -> Failure {
    Failure::new(
        Cause::InvalidRefOrObject,
        format!("The line {:?} of `refs` cannot be pushed: {why}.", spec.to_string()),
    )
    .with_remedy(remedy)
}

pub(super) fn is_hidden(name: &RefName) -> bool {
    HIDDEN.iter().any(|hidden| name.as_str().starts_with(hidden))
}

/// What the lines of `refs` name in a checkout.
#[derive(Clone, Debug, Default)]
pub struct Expanded {
    /// The refs to write, in order of the lines.
    pub wanted: Vec<Wanted>,
    /// Worth knowing: what a pattern matches and leaves out.
    pub notices: Vec<String>,
    /// The patterns that match nothing, as written.
    pub unmatched: Vec<String>,
}

/// What `specs` name, in their order, and what is worth knowing about it.
pub fn expand(specs: &[Refspec], view: &View<'_>) -> Result<Expanded, Failure> {
    let mut expanded = Expanded::default();
    let (negative, positive): (Vec<_>, Vec<_>) = specs.iter().partition(|spec| spec.negative);
    let left_out: Vec<&str> = negative.iter().filter_map(|spec| spec.source.as_deref()).collect();
    for spec in positive {
        match spec.source.as_deref() {
            Some(source) if source.contains('*') => {
                pattern(spec, source, &left_out, view, &mut expanded)?;
            }
            None if spec.destination.as_deref() == Some("") => {
                pattern(spec, BRANCHES, &left_out, view, &mut expanded)?;
            }
            source => expanded.wanted.push(single(spec, source, view)?),
        }
    }
    // NOTE: git's page says that `^` looks at the source; git itself looks at the destination, whatever line names it. Both count here.
    expanded.wanted.retain(|wanted| !is_left_out(&left_out, wanted.to.likely().as_str()));
    Ok(expanded)
}

/// What `*` stands for, if the pattern fits the whole name.
pub(super) fn fits<'a>(pattern: &str, name: &'a str) -> Option<&'a str> {
    match pattern.split_once('*') {
        Some((begin, end)) => name.strip_prefix(begin)?.strip_suffix(end),
        None => (pattern == name).then_some(""),
    }
}

pub(super) fn is_left_out(left_out: &[&str], name: &str) -> bool {
    left_out.iter().any(|pattern| fits(pattern, name).is_some())
}

/// A pattern is matched against the full names of the checkout's refs; `left_out` takes some of them away again.
fn pattern(
    spec: &Refspec,
    source: &str,
    left_out: &[&str],
    view: &View<'_>,
    expanded: &mut Expanded,
) -> Result<(), Failure> {
    let target = spec.destination.as_deref().filter(|target| !target.is_empty()).unwrap_or(source);
    if !source.starts_with("refs/") || !target.starts_with("refs/") {
        let remedy = format!("Write `refs/heads/{source}` or `refs/tags/{source}`.");
        return Err(invalid(spec, "a pattern is compared with whole names, which begin with `refs/`", &remedy));
    }
    let (mut found, mut hidden) = (0, 0);
    for (name, oid) in view.refs {
        let name = name.as_str();
        let Some(middle) = fits(source, name) else { continue };
        if is_left_out(left_out, name) {
            continue;
        }
        let Ok(to) = target.replacen('*', middle, 1).parse::<RefName>() else { continue };
        if is_hidden(&to) {
            hidden += 1;
            continue;
        }
        found += 1;
        expanded.wanted.push(Wanted {
            spec: spec.to_string(),
            force: spec.force,
            from: Some(*oid),
            to: Destination::Full(to),
            matched: true,
            in_both: spec.source.is_none(),
        });
    }
    if hidden > 0 {
        expanded
            .notices
            .push(format!("`{spec}` also matches {hidden} refs that are this clone's own; they are not pushed."));
    } else if found == 0 {
        expanded.unmatched.push(spec.to_string());
    }
    Ok(())
}

fn single(spec: &Refspec, source: Option<&str>, view: &View<'_>) -> Result<Wanted, Failure> {
    let (from, name) = match source {
        Some(source) => {
            let (oid, name) = find(spec, source, view)?;
            (Some(oid), name)
        }
        None => (None, None),
    };
    let to = match (&spec.destination, name) {
        (None, Some(name)) => Destination::Full(name),
        (None, None) => {
            let remedy = format!("Say which branch it is to be, such as `{spec}:main`.");
            return Err(invalid(
                spec,
                "it names a commit and no branch, so that its name at the target is not known",
                &remedy,
            ));
        }
        (Some(text), name) => destination(spec, text, from, name.as_ref(), view)?,
    };
    if let Destination::Full(name) = &to
        && is_hidden(name)
    {
        let remedy = "Push to a branch, such as `SOURCE:refs/heads/NAME`.";
        return Err(invalid(spec, &format!("{name} is a name that belongs to a clone or to the server"), remedy));
    }
    Ok(Wanted { spec: spec.to_string(), force: spec.force, from, to, matched: false, in_both: false })
}

fn destination(
    spec: &Refspec,
    text: &str,
    from: Option<Oid>,
    name: Option<&RefName>,
    view: &View<'_>,
) -> Result<Destination, Failure> {
    let full =
        if text.starts_with("heads/") || text.starts_with("tags/") { format!("refs/{text}") } else { text.to_owned() };
    let parsed = |result: Result<RefName, crate::names::NameError>| {
        result.map_err(|error| invalid(spec, &error.to_string(), "Correct the name behind the colon."))
    };
    if full.starts_with("refs/") {
        return parsed(full.parse()).map(Destination::Full);
    }
    // As in git the target's name is of the source's kind, where the target has neither.
    let makes_tag = match name {
        Some(name) if name.is_branch() => false,
        Some(name) if name.is_tag() => true,
        _ => match from {
            Some(oid) => (view.kind)(oid)? == Some(ObjectKind::Tag),
            None => false,
        },
    };
    Ok(Destination::Short { branch: parsed(RefName::branch(text))?, tag: parsed(RefName::tag(text))?, makes_tag })
}

/// The object that a source names, and the ref's full name if it is one.
fn find(spec: &Refspec, source: &str, view: &View<'_>) -> Result<(Oid, Option<RefName>), Failure> {
    if matches!(source, "HEAD" | "@") {
        let oid = view
            .head
            .oid
            .ok_or_else(|| invalid(spec, "the checkout has no commit yet", "Commit something before this step."))?;
        return Ok((oid, view.head.branch.clone()));
    }
    // git's order of what a short name can mean.
    let forms = ["", "refs/", "refs/tags/", "refs/heads/", "refs/remotes/"].map(|prefix| format!("{prefix}{source}"));
    let found: Vec<_> =
        forms.iter().filter_map(|form| view.refs.get_key_value(&form.parse::<RefName>().ok()?)).collect();
    // A branch or tag comes before a remote's branch of the same name, which actions/checkout leaves in every clone.
    let strong: Vec<_> = found
        .iter()
        .copied()
        .filter(|(name, _)| name.is_branch() || name.is_tag() || name.as_str() == source)
        .collect();
    let candidates = if strong.is_empty() { found } else { strong };
    match candidates[..] {
        [(name, oid)] => Ok((*oid, Some(name.clone()))),
        [] => {
            let oid = (view.resolve)(source)?.ok_or_else(|| nothing(spec, source, view))?;
            Ok((oid, None))
        }
        _ => {
            let names: Vec<_> = candidates.iter().map(|(name, _)| name.as_str()).collect();
            let remedy = format!("Write the whole name: {}.", names.join(" or "));
            Err(invalid(spec, "the checkout has more than one ref of this name", &remedy))
        }
    }
}

fn nothing(spec: &Refspec, source: &str, view: &View<'_>) -> Failure {
    // actions/checkout makes a local branch of the one that it checks out alone; the others are the remote's.
    let elsewhere = view.refs.keys().find(|name| {
        let rest = name.as_str().strip_prefix("refs/remotes/").and_then(|rest| rest.split_once('/'));
        rest.is_some_and(|(_, branch)| branch == source)
    });
    let why = format!("the checkout has no branch, tag or commit {source:?}");
    match elsewhere {
        Some(name) => {
            let name = name.as_str().trim_start_matches("refs/remotes/");
            let to = spec.destination.as_deref().unwrap_or(source);
            invalid(spec, &format!("{why} of its own, only {name}"), &format!("Write `{name}:{to}`."))
        }
        None => invalid(
            spec,
            &why,
            "Correct the name; a checkout of actions/checkout has other branches and tags only with `fetch-depth: 0`.",
        ),
    }
}
