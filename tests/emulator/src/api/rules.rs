//! Rules of a branch, rulesets, classic protection.

use serde_json::{Map, Value, json};

use super::{Call, Handled, refusal};
use crate::{
    access,
    answer::Answer,
    git::rules::may_bypass,
    model::{BypassActor, Enforcement, Guard, Level, Repository, Role, Ruleset, Target},
};

fn source(ruleset: &Ruleset, repository: &Repository) -> (&'static str, String) {
    match &ruleset.organization {
        Some(organization) => ("Organization", organization.clone()),
        None => ("Repository", repository.slug()),
    }
}

/// `GET /repos/{owner}/{repo}/rules/branches/{branch}`; the branch need not exist.
pub(super) fn of_branch(call: &mut Call<'_>, owner: &str, name: &str, branch: &str) -> Handled {
    let repository = call.repository(owner, name, "metadata", Level::Read)?;
    let full_ref = format!("refs/heads/{branch}");
    let in_force = repository.rulesets.iter().filter(|ruleset| {
        ruleset.enforcement == Enforcement::Active
            && ruleset.target == Target::Branch
            && ruleset.covers(&full_ref, &repository.default_branch)
    });
    let mut rules = Vec::new();
    for ruleset in in_force {
        let (kind, source) = source(ruleset, &repository);
        for rule in &ruleset.rules {
            let mut object = rule_object(&rule.kind, &rule.parameters);
            object.insert("ruleset_source_type".to_owned(), json!(kind));
            object.insert("ruleset_source".to_owned(), json!(source));
            object.insert("ruleset_id".to_owned(), json!(ruleset.id));
            rules.push(Value::Object(object));
        }
    }
    super::runs::page(call, &rules).map(|(page, link)| {
        let answer = Answer::json(200, &Value::Array(page));
        link.into_iter().fold(answer, |answer, link| answer.header("link", link))
    })
}

fn rule_object(kind: &str, parameters: &Value) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("type".to_owned(), json!(kind));
    if !parameters.is_null() {
        object.insert("parameters".to_owned(), parameters.clone());
    }
    object
}

fn summary(call: &Call<'_>, repository: &Repository, ruleset: &Ruleset) -> Map<String, Value> {
    let (kind, source) = source(ruleset, repository);
    let slug = repository.slug();
    let body = json!({
        "id": ruleset.id, "name": ruleset.name, "target": ruleset.target.as_str(), "source_type": kind,
        "source": source, "enforcement": ruleset.enforcement.as_str(), "node_id": format!("RRS_{}", ruleset.id),
        "_links": {
            "self": {"href": format!("{}/repos/{slug}/rulesets/{}", call.api(), ruleset.id)},
            "html": {"href": format!("{}/{slug}/rules/{}", call.shared.url(), ruleset.id)},
        },
        "created_at": "2026-01-05T08:00:00Z", "updated_at": "2026-01-05T08:00:00Z",
    });
    if let Value::Object(body) = body { body } else { Map::new() }
}

/// `GET /repos/{owner}/{repo}/rulesets`
pub(super) fn rulesets(call: &mut Call<'_>, owner: &str, name: &str) -> Handled {
    let repository = call.repository(owner, name, "metadata", Level::Read)?;
    let targets = call.query("targets").map(str::to_owned);
    let parents = call.query("includes_parents") != Some("false");
    let wanted = repository.rulesets.iter().filter(|ruleset| {
        targets.as_ref().is_none_or(|targets| targets.split(',').any(|target| target == ruleset.target.as_str()))
            && (parents || ruleset.organization.is_none())
    });
    let list: Vec<_> = wanted.map(|ruleset| Value::Object(summary(call, &repository, ruleset))).collect();
    let (page, _) = super::runs::page(call, &list)?;
    Ok(Answer::json(200, &Value::Array(page)))
}

/// `GET /repos/{owner}/{repo}/rulesets/{ruleset_id}`
pub(super) fn ruleset(call: &mut Call<'_>, owner: &str, name: &str, id: &str) -> Handled {
    let repository = call.repository(owner, name, "metadata", Level::Read)?;
    let ruleset = repository.rulesets.iter().find(|ruleset| ruleset.id.to_string() == id);
    let ruleset = ruleset.ok_or_else(refusal::not_found)?;
    let mut body = summary(call, &repository, ruleset);
    let rules = ruleset.rules.iter().map(|rule| Value::Object(rule_object(&rule.kind, &rule.parameters)));
    body.insert("rules".to_owned(), Value::Array(rules.collect()));
    if ruleset.target != Target::Push {
        let names = json!({"ref_name": {"include": ruleset.include, "exclude": ruleset.exclude}});
        body.insert("conditions".to_owned(), names);
    }
    if let Some(token) = &call.token {
        let bypass = may_bypass(ruleset, &repository, token).unwrap_or("never");
        let word = if bypass == "pull_request" { "pull_requests_only" } else { bypass };
        body.insert("current_user_can_bypass".to_owned(), json!(word));
        // The list itself is for those who may change the ruleset.
        if access::check(call.model, Some(token), &repository, "administration", Level::Write).is_ok() {
            let actors = ruleset.bypass.iter().map(|bypass| actor(&bypass.actor, &bypass.mode));
            body.insert("bypass_actors".to_owned(), Value::Array(actors.collect()));
        }
    }
    Ok(Answer::json(200, &Value::Object(body)))
}

fn actor(actor: &BypassActor, mode: &str) -> Value {
    let (kind, id) = match actor {
        BypassActor::App(slug) => ("Integration", Some(crate::model::stable_id(slug) % 3_000_000)),
        BypassActor::Role(Role::Maintain) => ("RepositoryRole", Some(2)),
        BypassActor::Role(Role::Admin) => ("RepositoryRole", Some(5)),
        BypassActor::Role(_) => ("RepositoryRole", Some(4)),
        BypassActor::TeamMember(login) => ("Team", Some(crate::model::stable_id(login))),
        BypassActor::DeployKey => ("DeployKey", None),
    };
    json!({"actor_id": id, "actor_type": kind, "bypass_mode": mode})
}

/// `GET /repos/{owner}/{repo}/branches/{branch}/protection`
pub(super) fn protection(call: &mut Call<'_>, owner: &str, name: &str, branch: &str) -> Handled {
    let repository = call.repository(owner, name, "administration", Level::Read)?;
    let bare = super::repository::open(&repository)?;
    if bare.find_reference(&format!("refs/heads/{branch}")).is_err() {
        return Err(refusal::error(404, "Branch not found"));
    }
    let protection = repository.protections.iter().find(|protection| protection.covers(branch));
    let protection = protection.ok_or_else(|| refusal::error(404, "Branch not protected"))?;
    let url = format!("{}/repos/{}/branches/{branch}/protection", call.api(), repository.slug());
    let has = |guard| protection.guards.contains(&guard);
    let mut body = json!({
        "url": url,
        "required_signatures": {"url": format!("{url}/required_signatures"), "enabled": has(Guard::Signatures)},
        "enforce_admins": {"url": format!("{url}/enforce_admins"), "enabled": has(Guard::Admins)},
        "required_linear_history": {"enabled": has(Guard::LinearHistory)},
        "allow_force_pushes": {"enabled": has(Guard::AllowForce)},
        "allow_deletions": {"enabled": has(Guard::AllowDeletion)},
        "lock_branch": {"enabled": has(Guard::Locked)},
    });
    if !protection.checks.is_empty() {
        body["required_status_checks"] = json!({
            "url": format!("{url}/required_status_checks"), "strict": false, "contexts": protection.checks,
            "contexts_url": format!("{url}/required_status_checks/contexts"), "checks": [],
        });
    }
    if has(Guard::PullRequest) {
        body["required_pull_request_reviews"] = json!({
            "url": format!("{url}/required_pull_request_reviews"), "dismiss_stale_reviews": false,
            "require_code_owner_reviews": false, "required_approving_review_count": 1,
        });
    }
    Ok(Answer::json(200, &body))
}
