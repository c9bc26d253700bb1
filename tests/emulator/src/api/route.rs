//! Which function answers which method and path.

use super::{
    Call, Handled, account, actions, apps, contents, deploy_keys, dispatch, management, objects, pages, pulls, refs,
    refusal, releases, repository, revocation, rules, runs, secrets, trees,
};
use crate::model::SecretScope;

/// Answers a call, or refuses it.
pub(super) fn route(call: &mut Call<'_>, segments: &[String], secret: Option<&str>) -> Handled {
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    match (call.method, parts.as_slice()) {
        ("GET", ["user"]) => account::user(call),
        ("GET", ["users", login]) => account::of_login(call, login),
        ("GET", ["users", login, "ssh_signing_keys"]) => account::signing_keys(call, login),
        ("GET", ["user", "repos"]) => account::repositories(call),
        ("POST", ["user", "repos"]) => management::create_own(call),
        ("POST", ["orgs", organization, "repos"]) => management::create_of(call, organization),
        ("GET", ["rate_limit"]) => Ok(account::rate_limit(call)),
        ("GET", ["meta"]) => Ok(account::meta(call)),
        ("POST", ["credentials", "revoke"]) => revocation::revoke(call),
        ("GET", ["app"]) => apps::app(call, secret),
        ("GET", ["app", "installations"]) => apps::installations(call, secret),
        ("POST", ["app", "installations", id, "access_tokens"]) => apps::mint(call, secret, id),
        ("GET", ["installation", "repositories"]) => apps::repositories(call),
        ("DELETE", ["installation", "token"]) => apps::revoke(call),
        ("GET", ["repos", owner, name, "installation"]) => apps::of_repository(call, secret, owner, name),
        ("GET", ["repositories", id, "installation"]) => apps::of_repository(call, secret, "", id),
        (_, ["repos", owner, name, rest @ ..]) => repository_route(call, owner, name, rest),
        (_, ["repositories", id, rest @ ..]) => repository_route(call, "", id, rest),
        _ => Err(refusal::not_found()),
    }
}

fn repository_route(call: &mut Call<'_>, owner: &str, name: &str, rest: &[&str]) -> Handled {
    match (call.method, rest) {
        ("GET", []) => repository::get(call, owner, name),
        ("PATCH", []) => management::update(call, owner, name),
        ("DELETE", []) => management::delete(call, owner, name),
        ("DELETE", ["environments", environment]) => management::delete_environment(call, owner, name, environment),
        ("PUT", ["environments", environment]) => management::make_environment(call, owner, name, environment),
        ("GET", ["branches", branch @ .., "protection"]) if !branch.is_empty() => {
            rules::protection(call, owner, name, &branch.join("/"))
        }
        ("GET", ["branches", branch @ ..]) if !branch.is_empty() => {
            repository::branch(call, owner, name, &branch.join("/"))
        }
        ("GET", ["rules", "branches", branch @ ..]) => rules::of_branch(call, owner, name, &branch.join("/")),
        ("GET", ["rulesets"]) => rules::rulesets(call, owner, name),
        ("GET", ["rulesets", id]) => rules::ruleset(call, owner, name, id),
        ("GET", ["contents", path @ ..]) => contents::get(call, owner, name, &path.join("/")),
        ("GET", ["git", "ref", path @ ..]) => refs::get(call, owner, name, &path.join("/")),
        ("GET", ["git", "matching-refs", path @ ..]) => refs::matching(call, owner, name, &path.join("/")),
        ("POST", ["git", "refs"]) => refs::create(call, owner, name),
        ("PATCH", ["git", "refs", path @ ..]) => refs::update(call, owner, name, &path.join("/")),
        ("DELETE", ["git", "refs", path @ ..]) => refs::delete(call, owner, name, &path.join("/")),
        ("GET", ["git", "commits", sha]) => objects::commit(call, owner, name, sha),
        ("POST", ["git", "commits"]) => objects::create_commit(call, owner, name),
        ("GET", ["git", "trees", path @ ..]) => trees::get(call, owner, name, &path.join("/")),
        ("POST", ["git", "trees"]) => trees::create(call, owner, name),
        ("POST", ["git", "blobs"]) => objects::create_blob(call, owner, name),
        ("GET", ["git", "tags", sha]) => objects::tag(call, owner, name, sha),
        ("POST", ["git", "tags"]) => objects::create_tag(call, owner, name),
        ("GET", ["commits", path @ ..]) if !path.is_empty() => {
            objects::commit_of_ref(call, owner, name, &path.join("/"))
        }
        ("GET", ["releases", "tags", tag @ ..]) if !tag.is_empty() => {
            releases::by_tag(call, owner, name, &tag.join("/"))
        }
        ("POST", ["releases"]) => releases::create(call, owner, name),
        ("GET", ["releases"]) => releases::list(call, owner, name),
        ("DELETE", ["releases", id]) => releases::delete(call, owner, name, id),
        ("GET", ["keys"]) => deploy_keys::list(call, owner, name),
        ("POST", ["keys"]) => deploy_keys::create(call, owner, name),
        ("GET", ["keys", id]) => deploy_keys::get(call, owner, name, id),
        ("DELETE", ["keys", id]) => deploy_keys::delete(call, owner, name, id),
        ("GET", ["hash-algorithm"]) => repository::hash_algorithm(call, owner, name),
        ("GET", ["pulls"]) => pulls::list(call, owner, name),
        ("POST", ["pulls"]) => pulls::create(call, owner, name),
        ("GET", ["pulls", number]) => pulls::get(call, owner, name, number),
        ("PATCH", ["pulls", number]) => pulls::update(call, owner, name, number),
        ("PUT", ["pulls", number, "merge"]) => pulls::merge(call, owner, name, number),
        ("GET", ["pages"]) => pages::get(call, owner, name),
        ("GET", ["pages", "builds", "latest"]) => pages::latest_build(call, owner, name),
        (_, ["actions", "secrets", rest]) => secrets::route(call, owner, name, &SecretScope::Actions, rest),
        (_, ["dependabot", "secrets", rest]) => secrets::route(call, owner, name, &SecretScope::Dependabot, rest),
        (_, ["codespaces", "secrets", rest]) => secrets::route(call, owner, name, &SecretScope::Codespaces, rest),
        (_, ["environments", environment, "secrets", rest]) => {
            secrets::route(call, owner, name, &SecretScope::Environment((*environment).to_owned()), rest)
        }
        ("GET", ["environments", environment]) => secrets::environment(call, owner, name, environment),
        ("POST", ["dispatches"]) => dispatch::repository(call, owner, name),
        ("GET", ["actions", "permissions"]) => actions::permissions(call, owner, name),
        ("GET", ["actions", "permissions", "workflow"]) => actions::workflow_permissions(call, owner, name),
        ("GET", ["actions", "workflows"]) => actions::workflows(call, owner, name),
        ("GET", ["actions", "workflows", id]) => actions::workflow(call, owner, name, id),
        ("POST", ["actions", "workflows", id, "dispatches"]) => dispatch::workflow(call, owner, name, id),
        ("GET", ["actions", "workflows", id, "runs"]) => runs::list(call, owner, name, Some(id)),
        ("GET", ["actions", "runs"]) => runs::list(call, owner, name, None),
        ("GET", ["actions", "runs", id]) => runs::get(call, owner, name, id),
        ("GET", ["actions", "runs", id, "jobs"]) => runs::jobs(call, owner, name, id),
        _ => Err(refusal::not_found()),
    }
}
