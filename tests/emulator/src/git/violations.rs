//! Which rules an update breaks, each in the sentence that GitHub has for it.

use globset::Glob;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use regex::Regex;
use serde_json::Value;

use super::{
    inspect, protection,
    rules::{Surroundings, Verdict, may_bypass},
};
use crate::{
    log::Update,
    model::{Enforcement, Guard, Protection, PullRequest, Repository, Role, Rule, Target, Token},
    signatures,
};

/// One update before its rules.
pub(super) struct Site<'a> {
    pub(super) around: &'a Surroundings,
    pub(super) bare: &'a git2::Repository,
    pub(super) repository: &'a Repository,
    pub(super) token: &'a Token,
    pub(super) update: &'a Update,
    /// The update merges this pull request.
    pub(super) pull: Option<&'a PullRequest>,
}

impl Site<'_> {
    fn creates(&self) -> bool {
        inspect::id(&self.update.old).is_none()
    }

    fn deletes(&self) -> bool {
        inspect::id(&self.update.new).is_none()
    }

    /// Rulesets: GH013.
    pub(super) fn rulesets(&self, verdict: &mut Verdict) {
        let name = &self.update.name;
        let (mut broken, mut bypassed) = (Vec::new(), Vec::new());
        for ruleset in &self.repository.rulesets {
            let in_force = ruleset.enforcement == Enforcement::Active
                && ruleset.covers(name, &self.repository.default_branch)
                && (ruleset.target != Target::Push || !self.deletes());
            let mode = may_bypass(ruleset, self.repository, self.token);
            if in_force && mode != Some("exempt") {
                let found = ruleset.rules.iter().filter_map(|rule| self.violation(rule));
                let passes = mode == Some("always") || (mode == Some("pull_request") && self.pull.is_some());
                if passes { bypassed.extend(found) } else { broken.extend(found) }
            }
        }
        broken.extend(self.immutable());
        if self.repository.push_protection && self.pull.is_none() {
            let web = format!("{}/{}", self.around.url, self.repository.slug());
            broken.extend(protection::violation(self.bare, &self.brought(), &web));
        }
        let list = |lines: &mut Vec<String>, broken: &[String]| {
            for rule in broken {
                lines.push(String::new());
                lines.extend(format!("- {rule}").lines().map(str::to_owned));
            }
            lines.push(String::new());
        };
        if !broken.is_empty() {
            let place = utf8_percent_encode(name, NON_ALPHANUMERIC);
            let rules = format!("{}/{}/rules?ref={place}", self.around.url, self.repository.slug());
            verdict.lines.push(format!("error: GH013: Repository rule violations found for {name}."));
            verdict.lines.push(format!("Review all repository rules at {rules}"));
            list(&mut verdict.lines, &broken);
            verdict.refused.push((name.clone(), "push declined due to repository rule violations".to_owned()));
            verdict.broken.extend(broken);
        } else if !bypassed.is_empty() {
            verdict.lines.push(format!("Bypassed rule violations for {name}:"));
            list(&mut verdict.lines, &bypassed);
        }
    }

    /// The sentence of the rules that hold for the tags of immutable releases, for everybody, in no ruleset that is shown.
    fn immutable(&self) -> Option<String> {
        let tag = self.update.name.strip_prefix("refs/tags/")?;
        let held = self.repository.releases.iter().any(|release| release.immutable && release.tag == tag);
        let sentence = match (held, self.deletes()) {
            (true, true) => "Cannot delete this protected ref.",
            (true, false) if !self.creates() => "Cannot update this protected ref.",
            (false, false) if self.creates() && self.repository.burned_tags.contains(tag) => {
                "Cannot create ref due to creations being restricted."
            }
            _ => return None,
        };
        Some(sentence.to_owned())
    }

    /// The sentence of a rule that the update breaks.
    fn violation(&self, rule: &Rule) -> Option<String> {
        let lives = !self.deletes();
        let parameter = |name: &str| rule.parameters.get(name).unwrap_or(&Value::Null);
        let says = |holds: bool, text: &str| holds.then(|| text.to_owned());
        match rule.kind.as_str() {
            "creation" => says(self.creates(), "Cannot create ref due to creations being restricted."),
            "update" => says(!self.creates() && lives, "Cannot update this protected ref."),
            "deletion" => says(!lives, "Cannot delete this protected ref."),
            "non_fast_forward" => says(self.is_forced(), "Cannot force-push to this branch"),
            "pull_request" => match self.pull {
                None => says(lives, "Changes must be made through a pull request."),
                Some(pull) => {
                    let least = parameter("required_approving_review_count").as_u64().unwrap_or(0);
                    (pull.approvals < least).then(|| missing_reviews(least))
                }
            },
            "merge_queue" => says(lives, "Changes must be made through the merge queue"),
            "required_deployments" => says(lives, "Required deployments are missing: a successful active deployment."),
            "workflows" => says(lives, "Required workflow checks are expected."),
            "code_scanning" => says(
                lives,
                "Waiting for Code Scanning results. Code Scanning may not be configured for the target branch.",
            ),
            "required_status_checks" => {
                let spared = self.creates() && parameter("do_not_enforce_on_create") == &Value::Bool(true);
                let checks = parameter("required_status_checks").as_array().cloned().unwrap_or_default();
                let names = checks.iter().filter_map(|check| check["context"].as_str().map(str::to_owned));
                if lives && !spared { self.missing_checks(&names.collect::<Vec<_>>()) } else { None }
            }
            "required_linear_history" => {
                self.found("This branch must not contain merge commits.", |commit| commit.parent_count() < 2)
            }
            "required_signatures" => {
                self.found("Commits must have verified signatures.", |commit| self.is_verified(commit))
            }
            "commit_message_pattern" => self.pattern(rule, "Commit message", |commit| commit.message_bytes().to_vec()),
            "commit_author_email_pattern" => {
                self.pattern(rule, "Author email", |commit| commit.author().email_bytes().to_vec())
            }
            "committer_email_pattern" => {
                self.pattern(rule, "Committer email", |commit| commit.committer().email_bytes().to_vec())
            }
            "branch_name_pattern" | "tag_name_pattern" => {
                let what = if rule.kind.starts_with("branch") { "Branch name" } else { "Tag name" };
                let short = crate::workflows::short_name(&self.update.name);
                (self.creates() && !fits(rule, short)).then(|| format!("{what} {}", demand(rule)))
            }
            "file_path_restriction" => self.files("Changes to these paths are restricted", |path, _| {
                strings(parameter("restricted_file_paths"))
                    .iter()
                    .any(|pattern| Glob::new(pattern).is_ok_and(|glob| glob.compile_matcher().is_match(path)))
            }),
            "file_extension_restriction" => self.files("Files of this extension are restricted", |path, _| {
                strings(parameter("restricted_file_extensions"))
                    .iter()
                    .any(|end| path.ends_with(end.trim_start_matches('*')))
            }),
            "max_file_path_length" => {
                let limit = parameter("max_file_path_length").as_u64().unwrap_or(u64::MAX);
                self.files("File path is too long", |path, _| path.len() as u64 > limit)
            }
            "max_file_size" => {
                let limit = parameter("max_file_size").as_u64().unwrap_or(u64::MAX >> 20) << 20;
                self.files("File is too large", |_, size| size > limit)
            }
            _ => None,
        }
    }

    fn is_forced(&self) -> bool {
        !inspect::is_fast_forward(self.bare, &self.update.old, &self.update.new)
    }

    fn is_verified(&self, commit: &git2::Commit<'_>) -> bool {
        signatures::judge(&self.around.accounts, self.around.host(), commit).is_good()
    }

    /// The commits that the update brings to its ref; of a merge also those that stand on another branch already.
    fn brought(&self) -> Vec<git2::Commit<'_>> {
        match self.pull {
            Some(_) => inspect::commits_between(self.bare, &self.update.old, &self.update.new),
            None => inspect::new_commits(self.bare, &self.update.new),
        }
    }

    /// The sentence for status checks that have not passed. Nothing that is pushed past a pull request has passed any.
    fn missing_checks(&self, names: &[String]) -> Option<String> {
        let passed = |name: &&String| self.pull.is_some_and(|pull| pull.passed_checks.contains(*name));
        let left: Vec<_> = names.iter().filter(|name| !passed(name)).cloned().collect();
        (!left.is_empty() || (names.is_empty() && self.pull.is_none())).then(|| expected_checks(&left))
    }

    /// The sentence with the new commits that are not as they must be.
    fn found(&self, sentence: &str, good: impl Fn(&git2::Commit<'_>) -> bool) -> Option<String> {
        let commits = self.brought();
        let bad: Vec<_> = commits.iter().filter(|commit| !good(commit)).map(|commit| commit.id().to_string()).collect();
        let plural = if bad.len() == 1 { "" } else { "s" };
        (!bad.is_empty())
            .then(|| format!("{sentence}\n  Found {} violation{plural}:\n\n  {}", bad.len(), bad.join("\n  ")))
    }

    fn pattern(&self, rule: &Rule, what: &str, part: impl Fn(&git2::Commit<'_>) -> Vec<u8>) -> Option<String> {
        self.found(&format!("{what} {}", demand(rule)), |commit| fits(rule, &String::from_utf8_lossy(&part(commit))))
    }

    fn files(&self, sentence: &str, bad: impl Fn(&str, u64) -> bool) -> Option<String> {
        let commits = self.brought();
        let files = commits.iter().flat_map(|commit| inspect::changed_files(self.bare, commit));
        let mut paths: Vec<_> = files.filter(|(path, size)| bad(path, *size)).map(|(path, _)| path).collect();
        paths.sort();
        paths.dedup();
        (!paths.is_empty()).then(|| format!("{sentence}:\n  {}", paths.join("\n  ")))
    }

    /// Classic branch protection: GH006.
    pub(super) fn protection(&self, verdict: &mut Verdict) {
        let Some(branch) = self.update.name.strip_prefix("refs/heads/") else { return };
        let Some(protection) = self.repository.protections.iter().find(|protection| protection.covers(branch)) else {
            return;
        };
        let broken = self.broken_guards(protection);
        if broken.is_empty() {
            return;
        }
        let role = if self.token.is_bot() { None } else { self.repository.role(&self.token.login) };
        if role == Some(Role::Admin) && !protection.guards.contains(&Guard::Admins) {
            verdict.lines.push(format!("Bypassed rule violations for {}:", self.update.name));
            verdict.lines.extend(broken.iter().flat_map(|rule| [String::new(), format!("- {rule}")]));
            verdict.lines.push(String::new());
            return;
        }
        verdict.lines.push(format!("error: GH006: Protected branch update failed for {}.", self.update.name));
        verdict.lines.extend(broken.iter().flat_map(|rule| [String::new(), format!("- {rule}")]));
        verdict.refused.push((self.update.name.clone(), "protected branch hook declined".to_owned()));
        verdict.broken.extend(broken);
    }

    fn broken_guards(&self, protection: &Protection) -> Vec<String> {
        let has = |guard| protection.guards.contains(&guard);
        let mut broken = Vec::new();
        if self.deletes() {
            if !has(Guard::AllowDeletion) {
                broken.push("Cannot delete this branch".to_owned());
            }
            return broken;
        }
        let may_push =
            |pushers: &Vec<String>| pushers.iter().any(|login| login.eq_ignore_ascii_case(&self.token.login));
        if !protection.pushers.as_ref().is_none_or(may_push) {
            broken.push(
                "You're not authorized to push to this branch. Visit https://docs.github.com/repositories/\
                 configuring-branches-and-merges-in-your-repository/managing-protected-branches/\
                 about-protected-branches for more information."
                    .to_owned(),
            );
        }
        if self.creates() {
            return broken;
        }
        if self.is_forced() && !has(Guard::AllowForce) {
            broken.push("Cannot force-push to this branch".to_owned());
        }
        if has(Guard::Locked) {
            broken.push("Cannot change this locked branch".to_owned());
        }
        if has(Guard::PullRequest) {
            match self.pull {
                None => broken.push("Changes must be made through a pull request.".to_owned()),
                Some(pull) if pull.approvals == 0 => broken.push(missing_reviews(1)),
                Some(_) => {}
            }
        }
        if !protection.checks.is_empty() {
            broken.extend(self.missing_checks(&protection.checks));
        }
        let signed = |commit: &git2::Commit<'_>| self.is_verified(commit);
        if has(Guard::Signatures) {
            broken.extend(self.found("Commits must have verified signatures.", signed));
        }
        if has(Guard::LinearHistory) {
            let linear = |commit: &git2::Commit<'_>| commit.parent_count() < 2;
            broken.extend(self.found("This branch must not contain merge commits.", linear));
        }
        broken
    }
}

fn missing_reviews(least: u64) -> String {
    let plural = if least == 1 { "" } else { "s" };
    let verb = if least == 1 { "is" } else { "are" };
    format!("At least {least} approving review{plural} {verb} required by reviewers with write access.")
}

fn expected_checks(names: &[String]) -> String {
    match names {
        [one] => format!("Required status check \"{one}\" is expected."),
        some => format!("{0} of {0} required status checks are expected.", some.len()),
    }
}

fn strings(list: &Value) -> Vec<String> {
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect()
}

/// Whether a text is as a pattern rule demands.
fn fits(rule: &Rule, text: &str) -> bool {
    let pattern = rule.parameters["pattern"].as_str().unwrap_or_default();
    let hit = match rule.parameters["operator"].as_str() {
        Some("starts_with") => text.starts_with(pattern),
        Some("ends_with") => text.trim_end().ends_with(pattern),
        Some("contains") => text.contains(pattern),
        _ => Regex::new(pattern).is_ok_and(|expression| expression.is_match(text)),
    };
    hit != (rule.parameters["negate"] == Value::Bool(true))
}

fn demand(rule: &Rule) -> String {
    let pattern = rule.parameters["pattern"].as_str().unwrap_or_default();
    let not = if rule.parameters["negate"] == Value::Bool(true) { "not " } else { "" };
    match rule.parameters["operator"].as_str() {
        Some("starts_with") => format!("must {not}start with a matching pattern: {pattern}"),
        Some("ends_with") => format!("must {not}end with a matching pattern: {pattern}"),
        Some("contains") => format!("must {not}contain a matching pattern: {pattern}"),
        _ => format!("must {not}match a given regex pattern: {pattern}"),
    }
}
