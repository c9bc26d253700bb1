//! What a refused push lists: every rule that it broke, every secret that was found in it, every page that lets one pass.
//!
//! Source: <https://docs.github.com/en/code-security/secret-scanning/working-with-secret-scanning-and-push-protection/working-with-push-protection-from-the-command-line>

use super::{Cause, reading::Reading};

/// How many secrets, and how many pages, a sentence names.
const NAMED: usize = 5;

/// Causes whose refusal can list several rules.
const OF_RULES: &[Cause] = &[
    Cause::RulesetRequiresPr,
    Cause::RulesetViolation,
    Cause::BranchProtected,
    Cause::RequiredSignatures,
    Cause::RequiredStatusChecks,
    Cause::ForcePushForbidden,
    Cause::ProtectedTag,
    Cause::MissingWorkflowScope,
];

/// One sentence with all that the refusal lists; none where it lists no more than the one thing that shows its cause.
pub(super) fn all(cause: Cause, reading: &Reading) -> Option<String> {
    if cause == Cause::PushProtectionSecret {
        let secrets = secrets(reading);
        return (!secrets.is_empty()).then(|| format!("Push cannot contain secrets: {}.", named(&secrets, ", ")));
    }
    let rules = if OF_RULES.contains(&cause) { rules(reading) } else { Vec::new() };
    // One rule is what shows the cause, and is quoted already.
    (rules.len() > 1).then(|| format!("{}.", rules.join("; ")))
}

/// The pages that let a secret pass, each once, in the order of the text.
pub(super) fn pages(reading: &Reading) -> Vec<String> {
    let mut pages: Vec<String> = Vec::new();
    for word in reading.lines().flat_map(str::split_whitespace) {
        let Some(address) = word.find("https://").map(|at| &word[at..]) else { continue };
        let address = address.trim_end_matches(['.', ',', ')', '"', '\'', ']', '}']);
        // A page for one secret; the manual about secret scanning stands in the same text.
        let is_page = address.contains("/security/secret-scanning/unblock-secret/") && address.len() < 500;
        if is_page && !pages.iter().any(|page| page == address) {
            pages.push(address.to_owned());
        }
    }
    pages
}

/// The first of `parts`, and how many more there are.
pub(super) fn named(parts: &[String], between: &str) -> String {
    let more = parts.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    parts[..parts.len().min(NAMED)].join(between) + &more
}

/// The rules in the list of GH013 or GH006, each once. What stands below one (the commits that break it) is left out.
fn rules(reading: &Reading) -> Vec<String> {
    let mut rules: Vec<String> = Vec::new();
    let mut is_in_list = false;
    for line in reading.lines() {
        is_in_list |= ["GH013", "GH006"].iter().any(|code| line.contains(code));
        // Git's own table follows the server's list, and has dashes too.
        if line.starts_with('!') || line.starts_with("To ") {
            is_in_list = false;
        }
        if let Some(rule) = line.strip_prefix("- ").filter(|_| is_in_list) {
            let rule = rule.trim().trim_end_matches('.').to_owned();
            if !rule.is_empty() && !rules.contains(&rule) {
                rules.push(rule);
            }
        }
    }
    rules
}

/// The secrets that push protection names between dashes, each with the first place that it names.
fn secrets(reading: &Reading) -> Vec<String> {
    let mut secrets: Vec<String> = Vec::new();
    let mut is_placed = true;
    for line in reading.lines() {
        // GitHub draws a line of dashes around the name of each secret.
        if let Some(title) = line.strip_prefix("—").map(|rest| rest.trim_matches(['—', ' '])) {
            if !title.is_empty() {
                secrets.push(title.to_owned());
                is_placed = false;
            }
        // The first place alone: a secret can stand in hundreds of commits.
        } else if let (Some(path), Some(secret), false) = (line.strip_prefix("path: "), secrets.last_mut(), is_placed) {
            secret.extend([" (", path.trim(), ")"]);
            is_placed = true;
        }
    }
    secrets
}

#[cfg(test)]
mod tests {
    use crate::{Cause, Evidence, Operation, Situation, classify};

    #[test]
    fn every_rule_of_one_refusal_is_named() {
        let text = "remote: error: GH013: Repository rule violations found for refs/heads/main.\n\
                    remote: Review all repository rules at https://github.com/o/r/rules?ref=refs%2Fheads%2Fmain\n\
                    remote: \nremote: - Commits must have verified signatures.\nremote:   Found 1 violation:\nremote: \n\
                    remote:   0123456789012345678901234567890123456789\nremote: \n\
                    remote: - Changes must be made through a pull request.\nremote: \n\
                    remote: - Required status check \"build\" is expected.\n\
                    ! [remote rejected] main -> main (push declined due to repository rule violations)";
        let told = classify(&Evidence::of_text(Operation::GitPush, text), &Situation::default());
        assert_eq!(told.cause, Cause::RulesetRequiresPr);
        assert_eq!(
            told.what,
            "Commits must have verified signatures; Changes must be made through a pull request; \
             Required status check \"build\" is expected."
        );
    }

    #[test]
    fn every_secret_is_named_with_its_place_and_its_page() {
        let secret = |name: &str, path: &str, id: &str| {
            format!(
                "remote:       —— {name} ——————————————\nremote:        locations:\nremote:          - commit: 1aa\n\
                 remote:            path: {path}\nremote:        (?) To push, remove secret from commit(s) or follow this URL to allow the secret.\n\
                 remote:        https://github.com/o/r/security/secret-scanning/unblock-secret/{id}\nremote: \n"
            )
        };
        let text = format!(
            "remote: error: GH013: Repository rule violations found for refs/heads/main.\nremote: \n\
             remote: - GITHUB PUSH PROTECTION\nremote:   —————————————\nremote:     - Push cannot contain secrets\n{}{}",
            secret("Stripe API Key", ".env:3", "2abc"),
            secret("GitHub Personal Access Token", "a/b.txt:1", "2abd")
        );
        let told = classify(&Evidence::of_text(Operation::GitPush, text), &Situation::default());
        assert_eq!(told.cause, Cause::PushProtectionSecret);
        assert_eq!(
            told.what,
            "Push cannot contain secrets: Stripe API Key (.env:3), GitHub Personal Access Token (a/b.txt:1)."
        );
        for id in ["2abc", "2abd"] {
            assert!(told.remedy.contains(&format!("/unblock-secret/{id}")), "{}", told.remedy);
        }
    }
}
