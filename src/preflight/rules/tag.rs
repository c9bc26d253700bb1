//! The rulesets of tags. There is no list of the rules of one tag: each ruleset says which refs it is for.

use super::{
    super::facts::{Asked, Facts},
    ActiveRule, RuleFinding, bypass,
    change::{PlannedUpdate, Way},
    examine::examine,
    onto_bypass_list,
    pattern::fits,
    standing,
};
use crate::preflight::rules::certainty::Certainty;
use crate::{
    diagnosis::{Cause, Failure},
    github::model::Ruleset,
    inputs::TagExists,
    names::{Oid, RefName},
    plan::Plan,
};

/// What the rulesets say about the tags of the plan.
pub(in super::super) enum TagRules {
    /// Nothing stands in the way.
    Free,
    /// One of them is certain to be refused.
    Refused(Failure),
    /// One of them may be refused.
    Doubtful(Failure),
    /// They could not be asked for.
    Unknown(String),
}

/// Judges the tags; `commit` is what they shall name, where that is known.
pub(in super::super) fn tag_rules(plan: &Plan, facts: &Facts, commit: Option<Oid>) -> TagRules {
    let (Some(tags), Some(Ok(known))) = (&plan.tags, &facts.tags) else { return TagRules::Free };
    // Rulesets belong to the repository, and a wiki is another one that has none.
    if plan.is_wiki() {
        return TagRules::Free;
    }
    // Without the list the absence of a rule proves nothing.
    if !matches!(facts.rules.list, Asked::Answer(_)) {
        let why = facts.rules.list.refusal().map(|refusal| refusal.failure.what.clone()).unwrap_or_default();
        return TagRules::Unknown(why);
    }
    let rulesets: Vec<&Ruleset> = facts
        .rules
        .rulesets
        .values()
        .filter_map(Asked::answer)
        .filter(|ruleset| ruleset.target.as_deref() == Some("tag"))
        .collect();
    let mut doubt = None;
    for (name, exists) in &tags.tags {
        let way = match known.existing.get(name) {
            None => Way::Creates,
            // A tag that is kept is not written, so that no rule applies.
            Some((_, there)) if *exists == TagExists::Move && commit != Some(*there) => Way::Updates,
            Some(_) => continue,
        };
        let change = PlannedUpdate { name, way, forced: None, commit: None, files: Vec::new() };
        for ruleset in &rulesets {
            let applies = applies(ruleset, name);
            if applies == Some(false) {
                continue;
            }
            for rule in &ruleset.rules {
                let Some(mut breach) = examine(rule, &change) else { continue };
                // These rules look at new commits, and the tag brings none.
                if is_of_commits(&rule.kind) && known.commit.is_some() {
                    continue;
                }
                if applies.is_none() {
                    // A pattern of a form that is not known here can leave the tag out.
                    breach.certainty = Certainty::Perhaps;
                }
                let active = ActiveRule::of_ruleset(rule, ruleset);
                let bypass = bypass(plan, facts, Some(ruleset.id));
                let finding = RuleFinding { active, breach, bypass };
                if finding.is_passed() {
                    continue;
                }
                let fatal = finding.is_fatal();
                let failure = failure(plan, facts, &change, &finding);
                if fatal {
                    // One refused tag decides: its batch is refused as a whole.
                    return TagRules::Refused(failure);
                }
                doubt = doubt.or(Some(failure));
            }
        }
    }
    // The list names rulesets of the organization, too, which a token cannot always open.
    let unread = facts.rules.list.answer().into_iter().flatten().find(|ruleset| {
        ruleset.target.as_deref() == Some("tag")
            && ruleset.enforcement == "active"
            && !rulesets.iter().any(|read| read.id == ruleset.id)
    });
    match (doubt, unread) {
        (Some(failure), _) => TagRules::Doubtful(failure),
        (None, Some(ruleset)) => TagRules::Unknown(format!("The ruleset {:?} could not be read.", ruleset.name)),
        (None, None) => TagRules::Free,
    }
}

/// Rules about commits that a push brings: a tag on a commit that the target has brings none.
fn is_of_commits(kind: &str) -> bool {
    const KINDS: &[&str] = &[
        "required_signatures",
        "required_linear_history",
        "commit_message_pattern",
        "commit_author_email_pattern",
        "committer_email_pattern",
        "file_path_restriction",
        "file_extension_restriction",
        "max_file_path_length",
        "max_file_size",
    ];
    KINDS.contains(&kind)
}

fn failure(plan: &Plan, facts: &Facts, change: &PlannedUpdate<'_>, finding: &RuleFinding<'_>) -> Failure {
    let name = change.name.short();
    let page = finding.active.page(plan);
    let (would, standing) = if finding.is_fatal() {
        ("would be refused", standing(plan, facts, finding.active.ruleset))
    } else {
        ("may be refused", String::new())
    };
    let what = format!("The tag {name} {would}: {}.{standing}", finding.sentence());
    let other = match change.way {
        Way::Updates => "Take a tag name that was not used yet",
        _ => "Take a tag name that the ruleset leaves free",
    };
    let remedy = format!("{other} instead of {name}, or {}.", onto_bypass_list(plan, &page));
    Failure::new(Cause::ProtectedTag, what).with_remedy(remedy).with_link(finding.active.link(plan))
}

/// Whether a ruleset is for this ref; none: that cannot be told here.
pub(super) fn applies(ruleset: &Ruleset, name: &RefName) -> Option<bool> {
    let Some(condition) = &ruleset.conditions.ref_name else { return Some(true) };
    let hits = |patterns: &[String]| {
        let mut unknown = false;
        for pattern in patterns {
            match pattern.as_str() {
                "~ALL" => return Some(true),
                // It names a branch, and this is a tag.
                "~DEFAULT_BRANCH" => {}
                pattern => match fits(pattern, name.as_str()) {
                    Some(true) => return Some(true),
                    Some(false) => {}
                    None => unknown = true,
                },
            }
        }
        (!unknown).then_some(false)
    };
    match (hits(&condition.exclude), hits(&condition.include)) {
        (Some(true), _) | (_, Some(false)) => Some(false),
        (None, _) | (_, None) => None,
        (Some(false), Some(true)) => Some(true),
    }
}
