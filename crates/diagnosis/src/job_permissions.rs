//! From the permissions that an answer asks for to the lines of a job's `permissions:`.

/// The keys of a job's `permissions:` that a repository's own API calls can need. A permission without a key, such as
/// `secrets` or `workflows`, is one that `GITHUB_TOKEN` never has.
///
/// Source: <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#permissions>
const KEYS: [&str; 15] = [
    "actions",
    "artifact-metadata",
    "attestations",
    "checks",
    "contents",
    "deployments",
    "discussions",
    "issues",
    "models",
    "packages",
    "pages",
    "pull-requests",
    "repository-projects",
    "security-events",
    "statuses",
];

/// What `GITHUB_TOKEN` can do about a missing permission.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum JobPermissions {
    /// These lines of `permissions:` give it: `contents: write`.
    Grant(String),
    /// No line gives it.
    Never(String),
}

/// Reads the header `x-accepted-github-permissions`: `a=read,b=write; c=read`, alternatives between semicolons.
///
/// Source: <https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api#resource-not-accessible>
pub(super) fn job_permissions(accepted: &str) -> JobPermissions {
    // Every repository lets its own token see that it is there.
    let lines = |way: &str| -> Option<String> {
        let asked = way.split(',').map(str::trim).filter(|asked| !asked.is_empty() && !asked.starts_with("metadata="));
        let lines: Option<Vec<String>> = asked.map(line).collect();
        lines.map(|lines| lines.join(", ")).filter(|lines| !lines.is_empty())
    };
    match accepted.split(';').find_map(lines) {
        Some(lines) => JobPermissions::Grant(lines),
        None => JobPermissions::Never(accepted.trim().to_owned()),
    }
}

fn line(asked: &str) -> Option<String> {
    let (name, access) = asked.split_once('=')?;
    let key = name.trim().replace('_', "-");
    KEYS.contains(&key.as_str()).then(|| format!("{key}: {}", access.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_job_can_be_given_is_named() {
        for (accepted, lines) in [
            ("contents=write", "contents: write"),
            ("pull_requests=write,metadata=read", "pull-requests: write"),
            ("contents=write; contents=write,workflows=write", "contents: write"),
            ("secrets=read; actions=read", "actions: read"),
            ("pull_requests=read,contents=read", "pull-requests: read, contents: read"),
        ] {
            assert_eq!(job_permissions(accepted), JobPermissions::Grant(lines.into()), "{accepted}");
        }
        for never in
            ["secrets=read", "dependabot_secrets=write", "environments=read", "workflows=write,contents=write", ""]
        {
            assert_eq!(job_permissions(never), JobPermissions::Never(never.into()), "{never}");
        }
    }
}
