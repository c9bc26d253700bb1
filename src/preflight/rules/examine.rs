//! One rule against one change: is it broken, and how certainly?

use serde_json::Value;

use super::{
    certainty::Certainty,
    change::{PlannedUpdate, Way},
    pattern::{broken, demand, fits, strings},
};
use crate::{diagnosis::Cause, github::model::Rule};

/// A rule that is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Breach {
    pub(super) cause: Cause,
    pub(super) certainty: Certainty,
    /// What the rule says, as part of a list.
    pub(super) what: String,
}

impl Breach {
    fn new(cause: Cause, certainty: Certainty, what: impl Into<String>) -> Self {
        Self { cause, certainty, what: what.into() }
    }
}

/// Whether `change` breaks `rule`.
pub(super) fn examine(rule: &Rule, change: &PlannedUpdate<'_>) -> Option<Breach> {
    use Certainty::{Certain, Perhaps};
    let parameters = &rule.parameters;
    let updates = change.way == Way::Updates;
    if change.way == Way::Deletes {
        return (rule.kind == "deletion")
            .then(|| Breach::new(Cause::RulesetViolation, Certain, "deleting it is restricted"));
    }
    // NOTE: a branch can be made under a rule for its later changes ("create, push; the second push must come through a
    // pull request"); it is left to the server.
    let change_rule =
        |cause: Cause, what: &str| Some(Breach::new(cause, if updates { Certain } else { Perhaps }, what));
    match rule.kind.as_str() {
        "creation" => (!updates).then(|| Breach::new(Cause::RulesetViolation, Certain, "creating it is restricted")),
        "update" => updates.then(|| Breach::new(Cause::RulesetViolation, Certain, "updating it is restricted")),
        "non_fast_forward" => match change.forced {
            Some(true) => Some(Breach::new(Cause::ForcePushForbidden, Certain, "rewriting it is blocked")),
            None if updates => Some(Breach::new(Cause::ForcePushForbidden, Perhaps, "rewriting it is blocked")),
            _ => None,
        },
        "pull_request" => change_rule(Cause::RulesetRequiresPr, "changes must come through a pull request"),
        "merge_queue" => change_rule(Cause::RulesetRequiresPr, "changes must come through the merge queue"),
        "required_deployments" => change_rule(Cause::RulesetViolation, "a deployment must have succeeded first"),
        "workflows" => change_rule(Cause::RequiredStatusChecks, "required workflows must have passed first"),
        "code_scanning" => change_rule(Cause::RulesetViolation, "results of code scanning are required first"),
        "required_status_checks" => status_checks(parameters, change),
        "required_signatures" => {
            let what = "commits must be signed and verified";
            match &change.commit {
                Some(commit) if commit.signed => None,
                Some(_) => Some(Breach::new(Cause::RequiredSignatures, Certain, what)),
                None => Some(Breach::new(Cause::RequiredSignatures, Perhaps, what)),
            }
        }
        "required_linear_history" => {
            let what = "merge commits are not allowed";
            match &change.commit {
                Some(commit) => (commit.parents > 1).then(|| Breach::new(Cause::RulesetViolation, Certain, what)),
                None => Some(Breach::new(Cause::RulesetViolation, Perhaps, what)),
            }
        }
        "commit_message_pattern" => of_commit(parameters, change, "the commit message", |commit| Some(&commit.message)),
        "commit_author_email_pattern" => {
            of_commit(parameters, change, "the author's address", |commit| commit.author.as_deref())
        }
        "committer_email_pattern" => {
            of_commit(parameters, change, "the committer's address", |commit| Some(&commit.committer))
        }
        "branch_name_pattern" | "tag_name_pattern" => {
            if updates || change.name.is_tag() != rule.kind.starts_with("tag") {
                return None;
            }
            let certainty = broken(parameters, change.name.short())?;
            Some(Breach::new(Cause::RulesetViolation, certainty, format!("its name {}", demand(parameters))))
        }
        "file_path_restriction" | "file_extension_restriction" | "max_file_path_length" | "max_file_size" => {
            files(&rule.kind, parameters, change)
        }
        "deletion" | "copilot_code_review" | "license_compliance_scanning" => None,
        other => {
            let what = format!("there is a rule of the type `{other}`, which is not known here");
            Some(Breach::new(Cause::RulesetViolation, Perhaps, what))
        }
    }
}

fn status_checks(parameters: &Value, change: &PlannedUpdate<'_>) -> Option<Breach> {
    if change.way == Way::Creates && parameters["do_not_enforce_on_create"] == Value::Bool(true) {
        return None;
    }
    let checks = parameters["required_status_checks"].as_array().map(Vec::as_slice).unwrap_or_default();
    let names: Vec<&str> = checks.iter().filter_map(|check| check["context"].as_str()).collect();
    // A commit that is made here has passed no check yet; another one may have.
    let certainty = if change.commit.is_some() { Certainty::Certain } else { Certainty::Perhaps };
    let what = format!("a commit needs the status checks: {}", names.join(", "));
    Some(Breach::new(Cause::RequiredStatusChecks, certainty, what))
}

fn of_commit(
    parameters: &Value,
    change: &PlannedUpdate<'_>,
    part: &str,
    text: impl Fn(&super::change::NewCommit) -> Option<&str>,
) -> Option<Breach> {
    let certainty = match change.commit.as_ref().and_then(text) {
        Some(text) => broken(parameters, text)?,
        None => Certainty::Perhaps,
    };
    Some(Breach::new(Cause::RulesetViolation, certainty, format!("{part} {}", demand(parameters))))
}

/// How many paths a message names.
const SHOWN: usize = 3;

fn files(kind: &str, parameters: &Value, change: &PlannedUpdate<'_>) -> Option<Breach> {
    if change.commit.is_none() {
        let what = format!("there is a rule about files (`{kind}`)");
        return Some(Breach::new(Cause::RulesetViolation, Certainty::Perhaps, what));
    }
    let limit = parameters[kind].as_u64().unwrap_or(u64::MAX);
    let says = match kind {
        "file_path_restriction" => "these paths are restricted".to_owned(),
        "file_extension_restriction" => "files of this extension are restricted".to_owned(),
        "max_file_path_length" => format!("a path may have {limit} characters"),
        _ => format!("a file may have {limit} MB"),
    };
    let broken = |(path, size): &(String, u64)| match kind {
        "file_path_restriction" => strings(&parameters["restricted_file_paths"]).any(|pattern| covers(pattern, path)),
        "file_extension_restriction" => {
            strings(&parameters["restricted_file_extensions"]).any(|extension| ends_in(path, extension))
        }
        "max_file_path_length" => path.chars().count() as u64 > limit,
        _ => *size > limit.saturating_mul(1 << 20),
    };
    let found: Vec<&str> = change.files.iter().filter(|file| broken(file)).map(|(path, _)| path.as_str()).collect();
    let more = found.len().saturating_sub(SHOWN);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    (!found.is_empty()).then(|| {
        let what = format!("{says}: {}{more}", found[..found.len().min(SHOWN)].join(", "));
        Breach::new(Cause::RulesetViolation, Certainty::Certain, what)
    })
}

/// A pattern of paths: an fnmatch pattern, or a folder with all below it.
fn covers(pattern: &str, path: &str) -> bool {
    let folder = pattern.trim_end_matches('/');
    fits(pattern, path) == Some(true) || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// Whether a path has this extension, which is written `exe`, `.exe` or `*.exe`.
fn ends_in(path: &str, extension: &str) -> bool {
    let wanted = extension.trim_start_matches('*').trim_start_matches('.');
    let name = path.rsplit('/').next().unwrap_or_default();
    name.rsplit_once('.').is_some_and(|(_, found)| found.eq_ignore_ascii_case(wanted))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{names::RefName, preflight::rules::change::NewCommit};

    /// `certain`, `perhaps` or `kept`, and the cause.
    fn verdict(kind: &str, parameters: Value, change: &PlannedUpdate<'_>) -> String {
        let rule = Rule { kind: kind.to_owned(), parameters, ..Rule::default() };
        match examine(&rule, change) {
            None => "kept".to_owned(),
            Some(Breach { cause, certainty: Certainty::Certain, .. }) => format!("certain {}", cause.slug()),
            Some(Breach { cause, certainty: Certainty::Perhaps, .. }) => format!("perhaps {}", cause.slug()),
        }
    }

    /// What each kind says of an update, a rewrite, a new branch, a deletion, pushed refs and a signed commit.
    const BY_KIND: &[(&str, [&str; 6])] = &[
        ("creation", ["kept", "kept", "certain ruleset-violation", "kept", "kept", "kept"]),
        (
            "update",
            [
                "certain ruleset-violation",
                "certain ruleset-violation",
                "kept",
                "kept",
                "certain ruleset-violation",
                "certain ruleset-violation",
            ],
        ),
        ("deletion", ["kept", "kept", "kept", "certain ruleset-violation", "kept", "kept"]),
        (
            "non_fast_forward",
            ["kept", "certain force-push-forbidden", "kept", "kept", "perhaps force-push-forbidden", "kept"],
        ),
        ("required_linear_history", ["kept", "kept", "kept", "kept", "perhaps ruleset-violation", "kept"]),
        (
            "required_signatures",
            [
                "certain required-signatures",
                "certain required-signatures",
                "certain required-signatures",
                "kept",
                "perhaps required-signatures",
                "kept",
            ],
        ),
        (
            "pull_request",
            [
                "certain ruleset-requires-pr",
                "certain ruleset-requires-pr",
                "perhaps ruleset-requires-pr",
                "kept",
                "certain ruleset-requires-pr",
                "certain ruleset-requires-pr",
            ],
        ),
        (
            "merge_queue",
            [
                "certain ruleset-requires-pr",
                "certain ruleset-requires-pr",
                "perhaps ruleset-requires-pr",
                "kept",
                "certain ruleset-requires-pr",
                "certain ruleset-requires-pr",
            ],
        ),
        (
            "required_status_checks",
            [
                "certain required-status-checks",
                "certain required-status-checks",
                "certain required-status-checks",
                "kept",
                "perhaps required-status-checks",
                "certain required-status-checks",
            ],
        ),
        ("license_compliance_scanning", ["kept"; 6]),
        (
            "a_rule_of_tomorrow",
            [
                "perhaps ruleset-violation",
                "perhaps ruleset-violation",
                "perhaps ruleset-violation",
                "kept",
                "perhaps ruleset-violation",
                "perhaps ruleset-violation",
            ],
        ),
    ];

    #[test]
    fn each_kind_of_rule_speaks_of_its_own_kind_of_change() {
        let name = RefName::branch("site").unwrap();
        let commit = || Some(NewCommit { message: "Publish".to_owned(), parents: 1, ..NewCommit::default() });
        let change = |way, forced| PlannedUpdate { name: &name, way, forced, commit: commit(), files: Vec::new() };
        let updates = change(Way::Updates, Some(false));
        let rewrites = change(Way::Updates, Some(true));
        let creates = change(Way::Creates, Some(false));
        let deletes = change(Way::Deletes, Some(false));
        let others = PlannedUpdate { commit: None, forced: None, ..updates.clone() };
        let signed =
            PlannedUpdate { commit: commit().map(|commit| NewCommit { signed: true, ..commit }), ..updates.clone() };
        for &(kind, expected) in BY_KIND {
            let found = [&updates, &rewrites, &creates, &deletes, &others, &signed]
                .map(|change| verdict(kind, Value::Null, change));
            assert_eq!(found, expected, "{kind}");
        }
        let merge =
            PlannedUpdate { commit: commit().map(|commit| NewCommit { parents: 2, ..commit }), ..updates.clone() };
        assert_eq!(verdict("required_linear_history", Value::Null, &merge), "certain ruleset-violation");
    }

    #[test]
    fn files_are_held_to_paths_extensions_lengths_and_sizes() {
        let name = RefName::branch("site").unwrap();
        let files = vec![("docs/a.html".to_owned(), 10), ("tools/setup.EXE".to_owned(), (3 << 20) + 1)];
        let commit = Some(NewCommit::default());
        let change = PlannedUpdate { name: &name, way: Way::Updates, forced: Some(false), commit, files };
        let certain = "certain ruleset-violation";
        for (kind, parameters, expected) in [
            ("file_path_restriction", json!({"restricted_file_paths": ["docs/*.html"]}), certain),
            ("file_path_restriction", json!({"restricted_file_paths": ["docs"]}), certain),
            ("file_path_restriction", json!({"restricted_file_paths": ["doc", "*.html"]}), "kept"),
            ("file_extension_restriction", json!({"restricted_file_extensions": ["exe"]}), certain),
            ("file_extension_restriction", json!({"restricted_file_extensions": ["*.exe"]}), certain),
            ("file_extension_restriction", json!({"restricted_file_extensions": ["ex", "tml"]}), "kept"),
            ("max_file_path_length", json!({"max_file_path_length": 14}), certain),
            ("max_file_path_length", json!({"max_file_path_length": 15}), "kept"),
            ("max_file_size", json!({"max_file_size": 3}), certain),
            ("max_file_size", json!({"max_file_size": 4}), "kept"),
        ] {
            assert_eq!(verdict(kind, parameters.clone(), &change), expected, "{kind} {parameters}");
        }
    }
}
