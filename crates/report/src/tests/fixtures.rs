//! For tests: a relay that went well and one that did not.

use crate::{
    ChangesReport, CheckReport, CheckStatus, Drift, FileChange, FileStatus, PullRequestReport, PullRequestStatus,
    RefReport, Report, RunReport, StageStatus, TargetReport,
};
use crate::{
    credential::TokenKind,
    diagnosis::{Cause, Failure, Stage},
    names::{Oid, RefName, Target},
};

pub(crate) fn target(name: &str) -> Target {
    Target {
        slug: name.parse().unwrap(),
        server: "https://github.com".parse().unwrap(),
        api: "https://api.github.com".parse().unwrap(),
    }
}

fn check(name: &'static str, status: CheckStatus, cause: Option<Cause>, message: &str) -> CheckReport {
    CheckReport { name, status, cause, message: message.to_owned() }
}

pub(crate) fn success() -> Report {
    let mut report = TargetReport::new(
        &target("octo/site"),
        &[Stage::Preflight, Stage::Push, Stage::Tag, Stage::Trigger, Stage::Wait],
    );
    let (old, new) = (Oid::from_bytes([0x1a; 20]), Oid::from_bytes([0x2b; 20]));
    report.checks = vec![
        check("token-valid", CheckStatus::Pass, None, "The token is alice's."),
        check(
            "token-expiry",
            CheckStatus::Warn,
            Some(Cause::TokenExpiring),
            "The token ends in 9 days. Regenerate it.",
        ),
        check("pages", CheckStatus::Skip, Some(Cause::CheckNotPermitted), "The token may not ask."),
    ];
    report.stage(Stage::Preflight, StageStatus::Done, "2 checks passed");
    report.stage(Stage::Push, StageStatus::Done, "gh-pages is at 2b2b2b2");
    report.stage(Stage::Tag, StageStatus::Done, "v1.2.0 made");
    report.stage(Stage::Trigger, StageStatus::Done, "deploy.yml started");
    report.stage(Stage::Wait, StageStatus::Done, "deploy.yml: success");
    report.refs = vec![
        RefReport::new(&RefName::branch("gh-pages").unwrap(), old, new, false),
        RefReport::new(&RefName::tag("v1.2.0").unwrap(), Oid::ZERO, new, false),
    ];
    report.changes = ChangesReport {
        added: 12,
        changed: 3,
        removed: 1,
        excluded: 2,
        bytes_sent: 48_213,
        bytes_received: 9_120,
        files: vec![
            FileChange { path: "about.html".into(), change: FileStatus::Removed },
            FileChange { path: "index.html".into(), change: FileStatus::Changed },
        ],
    };
    report.remote = vec!["Resolving deltas: 100% (3/3), done.".into()];
    report.drift = Some(Drift::Behind);
    report.pull_request = Some(PullRequestReport {
        number: 7,
        url: "https://github.com/octo/site/pull/7".into(),
        status: PullRequestStatus::AutoMerge,
    });
    report.runs = vec![RunReport {
        id: 4711,
        url: "https://github.com/octo/site/actions/runs/4711".into(),
        workflow: "deploy.yml".into(),
        event: "workflow_dispatch".into(),
        status: "completed".into(),
        conclusion: "success".into(),
    }];
    let facts = &mut report.facts;
    facts.pushed = true;
    facts.commit = Some(new);
    facts.previous = Some(old);
    facts.branch = Some("gh-pages".into());
    facts.tags = vec!["v1.2.0".into(), "v1".into()];
    facts.tag_created = true;
    facts.dispatched = true;
    facts.page_url = Some("https://octo.github.io/site/".into());
    facts.token_kind = Some(TokenKind::FineGrained);
    facts.token_expires_at = chrono::DateTime::from_timestamp(1_800_000_000, 0);
    Report::new(vec![report])
}

pub(crate) fn failure() -> Report {
    let mut target = success().targets.remove(0);
    target.stages.truncate(1);
    for stage in [Stage::Tag, Stage::Trigger] {
        target.stage(stage, StageStatus::Skipped, "");
    }
    target.fail(
        Stage::Push,
        &Failure::new(
            Cause::BranchProtected,
            "The branch `gh-pages` of octo/site is protected: a pull request is required.",
        )
        .with_remedy("Let this account push under Settings > Branches, or publish to another `branch`."),
    );
    target.runs.clear();
    target.facts = super::OutputFacts { token_kind: Some(TokenKind::Classic), ..super::OutputFacts::default() };
    Report::new(vec![target])
}
