//! The objects that many answers hold: accounts and repositories, with all the addresses GitHub gives them.

use serde_json::{Map, Value, json};

use super::Call;
use crate::model::{Account, Repository, Role, Standing, timestamp};

/// A "simple user".
pub(super) fn account(call: &Call<'_>, login: &str) -> Value {
    let Account { login, id, organization, .. } = call.model.find_account(login);
    let (api, web) = (call.api(), call.shared.url());
    let user = format!("{api}/users/{login}");
    let kind = match (organization, login.ends_with("[bot]")) {
        (true, _) => "Organization",
        (_, true) => "Bot",
        _ => "User",
    };
    json!({
        "login": login, "id": id, "node_id": format!("U_{id}"), "type": kind, "site_admin": false, "gravatar_id": "",
        "avatar_url": format!("https://avatars.githubusercontent.com/u/{id}?v=4"),
        "url": address(&user), "html_url": address(&format!("{web}/{login}")),
        "followers_url": address(&format!("{user}/followers")),
        "following_url": format!("{user}/following{{/other_user}}"),
        "gists_url": format!("{user}/gists{{/gist_id}}"), "starred_url": format!("{user}/starred{{/owner}}{{/repo}}"),
        "subscriptions_url": address(&format!("{user}/subscriptions")),
        "organizations_url": address(&format!("{user}/orgs")), "repos_url": address(&format!("{user}/repos")),
        "events_url": format!("{user}/events{{/privacy}}"),
        "received_events_url": address(&format!("{user}/received_events")), "user_view_type": "public",
    })
}

/// `[bot]` in an address is escaped, as GitHub does.
fn address(text: &str) -> String {
    text.replace('[', "%5B").replace(']', "%5D")
}

/// Addresses of a repository that end in a fixed path.
const PLAIN: &[&str] = &[
    "contributors",
    "deployments",
    "downloads",
    "events",
    "forks",
    "hooks",
    "languages",
    "merges",
    "stargazers",
    "subscribers",
    "subscription",
    "tags",
    "teams",
];

/// Addresses of a repository that are templates: field, path.
const TEMPLATES: &[(&str, &str)] = &[
    ("archive_url", "{archive_format}{/ref}"),
    ("assignees_url", "assignees{/user}"),
    ("blobs_url", "git/blobs{/sha}"),
    ("branches_url", "branches{/branch}"),
    ("collaborators_url", "collaborators{/collaborator}"),
    ("comments_url", "comments{/number}"),
    ("commits_url", "commits{/sha}"),
    ("compare_url", "compare/{base}...{head}"),
    ("contents_url", "contents/{+path}"),
    ("git_commits_url", "git/commits{/sha}"),
    ("git_refs_url", "git/refs{/sha}"),
    ("git_tags_url", "git/tags{/sha}"),
    ("issue_comment_url", "issues/comments{/number}"),
    ("issue_events_url", "issues/events{/number}"),
    ("issues_url", "issues{/number}"),
    ("keys_url", "keys{/key_id}"),
    ("labels_url", "labels{/name}"),
    ("milestones_url", "milestones{/number}"),
    ("notifications_url", "notifications{?since,all,participating}"),
    ("pulls_url", "pulls{/number}"),
    ("releases_url", "releases{/id}"),
    ("statuses_url", "statuses/{sha}"),
    ("trees_url", "git/trees{/sha}"),
];

/// A "minimal repository", as runs hold it.
pub(super) fn minimal(call: &Call<'_>, repository: &Repository) -> Map<String, Value> {
    let slug = repository.slug();
    let url = format!("{}/repos/{slug}", call.api());
    let mut object = Map::new();
    for name in PLAIN {
        object.insert(format!("{name}_url"), json!(format!("{url}/{name}")));
    }
    for (field, path) in TEMPLATES {
        object.insert((*field).to_owned(), json!(format!("{url}/{path}")));
    }
    let more = json!({
        "id": repository.id, "node_id": format!("R_{}", repository.id), "name": repository.name, "full_name": slug,
        "owner": account(call, &repository.owner), "private": !repository.is_public(), "description": null,
        "html_url": format!("{}/{slug}", call.shared.url()), "fork": false, "url": url,
    });
    if let Value::Object(more) = more {
        object.extend(more);
    }
    object
}

/// A whole repository.
pub(super) fn full(call: &Call<'_>, repository: &Repository) -> Value {
    let mut object = minimal(call, repository);
    let slug = repository.slug();
    let web = format!("{}/{slug}", call.shared.url());
    let host = call.shared.url().trim_start_matches("http://").to_owned();
    let now = timestamp(call.model.now());
    let more = json!({
        "git_url": format!("git://{host}/{slug}.git"), "ssh_url": format!("git@{host}:{slug}.git"),
        "clone_url": format!("{web}.git"), "svn_url": web, "mirror_url": null, "homepage": null, "language": null,
        "forks_count": 0, "stargazers_count": 0, "watchers_count": 0, "size": 12, "open_issues_count": 0, "forks": 0,
        "open_issues": 0, "watchers": 0, "network_count": 0, "subscribers_count": 0,
        "default_branch": repository.default_branch, "has_issues": true, "has_projects": false, "has_wiki": repository.has_wiki,
        "has_pages": repository.pages.is_some(), "has_discussions": false, "has_downloads": true,
        "archived": repository.standing == Standing::Archived, "disabled": repository.standing == Standing::Disabled,
        "visibility": repository.visibility.as_str(),
        "pushed_at": now, "created_at": "2026-01-05T08:00:00Z", "updated_at": now, "license": null,
        "is_template": false, "allow_forking": true, "web_commit_signoff_required": false, "topics": [],
    });
    if let Value::Object(more) = more {
        object.extend(more);
    }
    if let Some(token) = &call.token {
        // The USER's role whatever the token may do; for an App's token `pull` alone whatever was granted.
        let role = if token.is_bot() { Some(Role::Read) } else { repository.role(&token.login) };
        let has = |least: Role| role >= Some(least);
        let permissions = json!({
            "admin": has(Role::Admin), "maintain": has(Role::Maintain), "push": has(Role::Write),
            "triage": has(Role::Triage), "pull": has(Role::Read),
        });
        object.insert("permissions".to_owned(), permissions);
    }
    Value::Object(object)
}
