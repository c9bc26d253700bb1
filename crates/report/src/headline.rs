//! What came of a relay, in one line: the first of the summary and the last of the log.

use chrono::{DateTime, Utc};

use super::{
    StageReport, StageStatus, TargetReport,
    text::{count, duration},
};
use crate::{credential::TokenKind, diagnosis::Stage};

/// The line of one target that did not fail.
pub(super) struct Headline {
    /// `✓`, or `!` where a check warned; empty in a dry run.
    pub(super) sign: &'static str,
    /// What stands before the repository's name.
    pub(super) before: String,
    /// What follows it.
    pub(super) after: Vec<HeadlinePart>,
}

/// A part of a line.
pub(super) struct HeadlinePart {
    pub(super) text: String,
    /// Whether the words are this program's own: what came from outside is escaped.
    pub(super) own: bool,
    /// The page that it leads to.
    pub(super) page: Option<String>,
}

fn own(text: impl Into<String>) -> HeadlinePart {
    HeadlinePart { text: text.into(), own: true, page: None }
}

fn outside(text: impl Into<String>) -> HeadlinePart {
    HeadlinePart { text: text.into(), own: false, page: None }
}

impl HeadlinePart {
    fn to(self, page: String) -> Self {
        Self { page: Some(page), ..self }
    }
}

impl Headline {
    /// The line without its links.
    pub(super) fn plain(&self, target: &TargetReport) -> String {
        let after: String = self.after.iter().map(|part| part.text.as_str()).collect();
        let sign = if self.sign.is_empty() { String::new() } else { format!("{} ", self.sign) };
        format!("{sign}{}{}{after}", self.before, target.repository)
    }
}

/// Whether the target was only checked: nothing else was asked for.
pub(super) fn is_check(target: &TargetReport) -> bool {
    target.stages.iter().all(|stage| stage.stage == Stage::Preflight)
}

/// The line of a target that did not fail.
pub(super) fn headline(target: &TargetReport, dry_run: bool) -> Headline {
    if is_check(target) {
        checked(target)
    } else if dry_run {
        planned(target)
    } else {
        relayed(target)
    }
}

/// `Token of octo`: the account where one is known, else the kind.
pub(super) fn token_name(target: &TargetReport) -> String {
    // The name of the bot says less than the variable that people wrote.
    match (&target.facts.login, target.facts.token_kind) {
        (_, None) => "Deploy key".to_owned(),
        (_, Some(TokenKind::GithubToken)) => "GITHUB_TOKEN".to_owned(),
        (Some(login), _) => format!("Token of {login}"),
        (None, Some(TokenKind::Installation)) => "Installation token".to_owned(),
        (None, Some(_)) => "Token".to_owned(),
    }
}

/// `expires in 4 days (2026-12-04)`; none where no end is known.
pub(super) fn expiry(target: &TargetReport, now: DateTime<Utc>) -> Option<String> {
    let end = target.facts.token_expires_at?;
    // By the server's clock: it decides when the token ends, and a runner's can be wrong.
    let days = (end - target.facts.server_time.unwrap_or(now)).num_days();
    let left = match days {
        // Rounded down: "in 0 days" would read as over.
        ..=0 => "in less than a day".to_owned(),
        days => format!("in {}", count(days.unsigned_abs(), "day")),
    };
    Some(format!("expires {left} ({})", end.format("%Y-%m-%d")))
}

fn checked(target: &TargetReport) -> Headline {
    let mut findings = Vec::from_iter(expiry(target, Utc::now()));
    // Said aloud, since some kinds of token have an end that no answer tells.
    if target.facts.token_kind.is_some() && findings.is_empty() {
        findings.push("no expiry date known".to_owned());
    }
    match target.facts.surplus_scopes {
        0 => {}
        number => findings.push(format!("{} too many", count(number as u64, "scope"))),
    }
    if let Some(kind) = target.facts.token_kind.filter(|kind| says_more(target, *kind)) {
        findings.push(kind.name().to_owned());
    }
    let warns = target.checks.iter().any(|check| check.status == super::CheckStatus::Warn);
    let findings = if findings.is_empty() { String::new() } else { format!(": {}", findings.join(", ")) };
    Headline {
        // A check that failed has another line: this one is of what did not fail.
        sign: if warns { "!" } else { "✓" },
        before: format!("{} for ", token_name(target)),
        after: vec![own(format!("{findings}. Checked, nothing to relay"))],
    }
}

/// Whether the kind of the token is not in its name already.
fn says_more(target: &TargetReport, kind: TokenKind) -> bool {
    // Without an account the kind stands in the name already.
    target.facts.login.is_some() && !matches!(kind, TokenKind::GithubToken | TokenKind::Unknown)
}

fn planned(target: &TargetReport) -> Headline {
    let changes = &target.changes;
    let stage = |stage: Stage| target.stages.iter().find(|known| known.stage == stage);
    let branch = outside(format!(" {}", target.facts.branch.as_deref().unwrap_or_default()));
    let files = format!(": {} added, {} changed, {} removed", changes.added, changes.changed, changes.removed);
    let (before, mut after) = match stage(Stage::Push).map(|push| push.status) {
        Some(StageStatus::Planned) if !changes.is_empty() => ("Would publish to ", vec![branch, own(files)]),
        Some(StageStatus::Planned) => {
            ("Would push to ", vec![own(format!(": {}", count(target.refs.len() as u64, "ref")))])
        }
        Some(_) => ("Would push nothing to ", vec![branch, own(": it is up to date")]),
        None => ("Would relay to ", Vec::new()),
    };
    for stage in &target.stages {
        // The push stands in the line already, and a wait announces nothing.
        let counted = matches!(stage.stage, Stage::Preflight | Stage::Push | Stage::Wait);
        if !counted && stage.status == StageStatus::Planned {
            after.push(own(" · "));
            after.push(outside(stage.message.trim_end_matches('.')));
        }
    }
    after.push(own(" (dry run: nothing was written)"));
    // No sign: nothing has been done that it could confirm.
    Headline { sign: "", before: before.to_owned(), after }
}

fn relayed(target: &TargetReport) -> Headline {
    let (facts, changes) = (&target.facts, &target.changes);
    let mut after = Vec::new();
    let pushes = target.stages.iter().any(|stage| stage.stage == Stage::Push);
    // A relay that only tags knows its branch too, and has not touched it.
    if let Some(branch) = facts.branch.as_deref().filter(|_| pushes) {
        after.extend([own(" · "), outside(branch), own(" ")]);
        after.push(match (facts.previous, facts.commit) {
            // With both ends known the link shows the change itself.
            (Some(old), Some(new)) if old != new => {
                own(format!("{}...{}", old.short(), new.short())).to(target.compare(&old.to_string(), &new.to_string()))
            }
            (_, Some(new)) => {
                let word = if facts.pushed { "" } else { "unchanged at " };
                own(format!("{word}{}", new.short())).to(target.commit_page(new))
            }
            // A pushed ref without a new value is a deletion.
            (_, None) => own("removed"),
        });
        if !changes.is_empty() {
            after.push(own(format!(" · +{} ~{} −{}", changes.added, changes.changed, changes.removed)));
        }
    }
    if let Some(request) = &target.pull_request {
        after.extend([own(" · "), own(format!("#{}", request.number)).to(request.url.clone())]);
    }
    if facts.tag_created {
        after.extend([own(" · "), outside(facts.tags.join(", "))]);
    }
    if let Some(secret) = done(target, Stage::Secret) {
        after.extend([own(" · "), outside(secret.message.trim_end_matches('.'))]);
    }
    for run in &target.runs {
        let state = match run.conclusion.as_str() {
            "success" => "✓",
            "" => run.status.as_str(),
            other => other,
        };
        after.extend([own(" · "), outside(format!("{} {state}", run.workflow)).to(run.url.clone())]);
    }
    // With a run in the line it is plain that the dispatch arrived.
    if facts.dispatched && target.runs.is_empty() {
        after.push(own(" · dispatched"));
    }
    // The stages and not the step: side by side with other targets it has waited its turn.
    let took: std::time::Duration = target.stages.iter().map(|stage| stage.took).sum();
    if !took.is_zero() {
        after.push(own(format!(" · {} in all", duration(took))));
    }
    Headline { sign: "✓", before: "Relayed to ".to_owned(), after }
}

fn done(target: &TargetReport, stage: Stage) -> Option<&StageReport> {
    target.stages.iter().find(|known| known.stage == stage && known.status == StageStatus::Done)
}

/// What a relay that failed had written by then: `the branch: yes, the tag: no`; none where nothing was to be written.
pub(super) fn written(target: &TargetReport) -> Option<String> {
    let facts = &target.facts;
    let parts = target.stages.iter().filter_map(|stage| {
        let (what, done) = match stage.stage {
            Stage::Push => ("the push", facts.pushed),
            Stage::Tag => ("the tag", facts.tag_created),
            // The report keeps no fact of a secret: its stage alone tells.
            Stage::Secret => ("the secret", stage.status == StageStatus::Done),
            Stage::Trigger => ("the dispatch", facts.dispatched),
            _ => return None,
        };
        Some(format!("{what}: {}", if done { "yes" } else { "no" }))
    });
    let parts: Vec<String> = parts.collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}
