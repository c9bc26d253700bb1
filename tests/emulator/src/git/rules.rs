//! Whether a push is allowed: file sizes, workflow files, rulesets (GH013), branch protection (GH006). The words are
//! those that GitHub's servers print into the sideband and into the report.

use std::collections::BTreeSet;

use super::{inspect, names, violations::Site};
use crate::{
    handle, lfs,
    log::Update,
    model::{Account, BypassActor, Level, Model, PullRequest, Repository, Ruleset, Settings, Token, TokenKind},
};

/// What becomes of the updates of a push.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// What the sideband says.
    pub(crate) lines: Vec<String>,
    /// Ref and reason of each refusal.
    pub(crate) refused: Vec<(String, String)>,
    /// The rules that were broken, as the REST face lists them.
    pub(crate) broken: Vec<String>,
}

/// The mode in which the holder of a token may pass a ruleset by; `None`: not at all.
pub(crate) fn may_bypass<'a>(ruleset: &'a Ruleset, repository: &Repository, token: &Token) -> Option<&'a str> {
    let listed = |actor: &BypassActor| match (actor, &token.kind) {
        // The Actions app cannot be put on a list.
        (_, TokenKind::GithubToken(_)) => false,
        (BypassActor::App(slug), TokenKind::Installation(..)) => token.login == format!("{slug}[bot]"),
        (BypassActor::Role(least), _) if !token.is_bot() => repository.role(&token.login) >= Some(*least),
        (BypassActor::TeamMember(login), _) if !token.is_bot() => login.eq_ignore_ascii_case(&token.login),
        _ => false,
    };
    let mut modes = ruleset.bypass.iter().filter(|bypass| listed(&bypass.actor)).map(|bypass| bypass.mode.as_str());
    let first = modes.next()?;
    Some(if first == "pull_request" { modes.find(|mode| *mode != "pull_request").unwrap_or(first) } else { first })
}

/// What counts beside the repository and the push.
#[derive(Clone)]
pub(crate) struct Surroundings {
    /// This server's web address.
    pub(crate) url: String,
    pub(crate) settings: Settings,
    pub(crate) accounts: Vec<Account>,
}

impl Surroundings {
    pub(crate) fn of(url: &str, model: &Model) -> Self {
        Self { url: url.to_owned(), settings: model.settings.clone(), accounts: model.accounts.clone() }
    }

    /// The server's name, without a port.
    pub(crate) fn host(&self) -> &str {
        let host = self.url.trim_start_matches("http://");
        host.split(':').next().unwrap_or(host)
    }
}

/// Judges a merge of a pull request that would move its base.
pub(crate) fn judge_merge(
    around: &Surroundings,
    repository: &Repository,
    token: &Token,
    pull: &PullRequest,
    update: &Update,
) -> Verdict {
    let mut verdict = Verdict::default();
    let Ok(bare) = handle::open(&repository.path) else { return verdict };
    let site = Site { around, bare: &bare, repository, token, update, pull: Some(pull) };
    site.rulesets(&mut verdict);
    site.protection(&mut verdict);
    verdict
}

/// Judges the updates of one push; the objects are in, the refs are not changed yet.
pub(crate) fn judge(around: &Surroundings, repository: &Repository, token: &Token, updates: &[Update]) -> Verdict {
    let settings = &around.settings;
    let mut verdict = Verdict::default();
    let Ok(bare) = handle::open(&repository.path) else { return verdict };
    let all = |verdict: &mut Verdict, reason: &str| {
        verdict.refused = updates.iter().map(|update| (update.name.clone(), reason.to_owned())).collect();
    };
    verdict.lines.clone_from(&settings.push_notice);
    if let Some(lines) = &settings.pre_receive_hook {
        verdict.lines.extend_from_slice(lines);
        all(&mut verdict, "pre-receive hook declined");
        return verdict;
    }
    let names: Vec<_> = updates.iter().filter(|update| inspect::id(&update.old).is_none()).collect();
    let names: Vec<_> = names.into_iter().filter_map(|update| names::refusal(&update.name)).flatten().collect();
    if !names.is_empty() {
        verdict.lines.extend(names);
        all(&mut verdict, "pre-receive hook declined");
        return verdict;
    }
    if repository.lfs.is_some() && missing_objects(&bare, repository, updates, &mut verdict.lines) {
        all(&mut verdict, "pre-receive hook declined");
        return verdict;
    }
    if large_files(&bare, settings, updates, &mut verdict.lines) {
        all(&mut verdict, "pre-receive hook declined");
        return verdict;
    }
    for update in updates {
        let workflow = workflow_words(token).and_then(|(who, lacks)| {
            let path = inspect::new_workflow_file(&bare, &update.new)?;
            Some(format!("refusing to allow {who} to create or update workflow `{path}` without {lacks}"))
        });
        if let Some(reason) = workflow {
            verdict.refused.push((update.name.clone(), reason));
            continue;
        }
        let site = Site { around, bare: &bare, repository, token, update, pull: None };
        site.rulesets(&mut verdict);
        if !verdict.refused.iter().any(|(name, _)| *name == update.name) {
            site.protection(&mut verdict);
        }
    }
    verdict
}

/// Says which files are too large; true when one is over the limit.
fn large_files(bare: &git2::Repository, settings: &Settings, updates: &[Update], lines: &mut Vec<String>) -> bool {
    let mut files: Vec<_> = updates
        .iter()
        .flat_map(|update| inspect::new_commits(bare, &update.new))
        .flat_map(|commit| inspect::changed_files(bare, &commit))
        .filter(|(_, size)| *size > settings.file_limit / 2)
        .collect();
    files.sort();
    files.dedup();
    let megabytes = |size: u64| format!("{}.{:02} MB", size >> 20, ((size % (1 << 20)) * 100) >> 20);
    let help = "You may want to try Git Large File Storage - https://git-lfs.github.com.";
    let over: Vec<_> = files.iter().filter(|(_, size)| *size > settings.file_limit).collect();
    if over.is_empty() {
        for (path, size) in &files {
            let (size, limit) = (megabytes(*size), megabytes(settings.file_limit / 2));
            let text = "this is larger than GitHub's recommended maximum file size of";
            lines.push(format!("warning: File {path} is {size}; {text} {limit}"));
        }
        if !files.is_empty() {
            lines.push(format!("warning: GH001: Large files detected. {help}"));
        }
        return false;
    }
    lines.push("error: Trace: 76f03cdbf9ace9f18c9bf6598ebc4b0cdef40c62fb30949de8b3a8b1f6d71141".to_owned());
    lines.push("error: See https://gh.io/lfs for more information.".to_owned());
    for (path, size) in over {
        let (size, limit) = (megabytes(*size), megabytes(settings.file_limit));
        lines.push(format!("error: File {path} is {size}; this exceeds GitHub's file size limit of {limit}"));
    }
    lines.push(format!("error: GH001: Large files detected. {help}"));
    true
}

/// How many LFS objects a refusal names.
const NAMED_OBJECTS: usize = 5;

/// Says which LFS objects a push names that the server does not have.
fn missing_objects(
    bare: &git2::Repository,
    repository: &Repository,
    updates: &[Update],
    lines: &mut Vec<String>,
) -> bool {
    let commits = updates.iter().flat_map(|update| inspect::new_commits(bare, &update.new));
    let named: BTreeSet<String> = commits.flat_map(|commit| inspect::lfs_objects(bare, &commit)).collect();
    let missing: Vec<_> = named.into_iter().filter(|oid| !lfs::holds(repository, oid)).collect();
    if missing.is_empty() {
        return false;
    }
    let plural = if missing.len() == 1 { "" } else { "s" };
    let count = missing.len();
    lines.push(format!("error: GH008: Your push referenced at least {count} unknown Git LFS object{plural}:"));
    lines.extend(missing.iter().take(NAMED_OBJECTS).map(|oid| format!("    {oid}")));
    if count > NAMED_OBJECTS {
        lines.push("    ...".to_owned());
    }
    lines.push("Try to push them with 'git lfs push --all'.".to_owned());
    true
}

/// How a token that may not touch workflow files is called, and what it lacks.
fn workflow_words(token: &Token) -> Option<(&'static str, &'static str)> {
    let granted = match (token.scopes(), token.grant()) {
        (Some(scopes), _) => scopes.iter().any(|scope| scope == "workflow"),
        (_, Some(grant)) => grant.level("workflows") == Some(Level::Write),
        _ => true,
    };
    match token.kind {
        TokenKind::GithubToken(_) => Some(("a GitHub App", "`workflows` permission")),
        _ if granted => None,
        TokenKind::Classic { .. } | TokenKind::FineGrained(_) => Some(("a Personal Access Token", "`workflow` scope")),
        TokenKind::OAuth { .. } => Some(("an OAuth App", "`workflow` scope")),
        TokenKind::Installation(..) | TokenKind::UserToServer(_) => Some(("a GitHub App", "`workflows` permission")),
    }
}
