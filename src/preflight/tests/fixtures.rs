//! Plans and facts for the tests of the judges.

use std::{path::PathBuf, sync::Arc};

use chrono::{DateTime, Utc};

use crate::preflight::facts::{Asked, Facts, PublishFacts, Refusal, RepositoryFacts, RuleFacts, TokenFacts};
use crate::{
    context::{Context, Environment},
    diagnosis::{Cause, Failure},
    git::{advertisement::Advertisement, pack::Pack},
    globs::Globs,
    inputs::{Inputs, Raw},
    names::Oid,
    plan::{Plan, PushRoute},
    progress::NoWatch,
    publish::{
        directory::AboutSite,
        exposed::Search,
        hash::{Retain, hash},
        proposal::{Base, Proposal},
        tree::Changes,
        walk::walk,
    },
};

/// The plan that these inputs make on a runner of `own/source`, for the target `acme/site`. `directory`, where it is
/// asked for, is `site` with one page.
pub(crate) fn plan(inputs: &[(&str, &str)]) -> Plan {
    let workspace = tempfile::tempdir().unwrap();
    std::fs::create_dir(workspace.path().join("site")).unwrap();
    std::fs::write(workspace.path().join("site/index.html"), "x").unwrap();
    let mut variables = vec![
        ("GITHUB_REPOSITORY".to_owned(), "own/source".to_owned()),
        ("GITHUB_SERVER_URL".to_owned(), "https://github.com".to_owned()),
        ("INPUT_REPOSITORY".to_owned(), "acme/site".to_owned()),
        ("INPUT_TOKEN".to_owned(), "ghp_x".to_owned()),
    ];
    variables
        .extend(inputs.iter().map(|(name, value)| (format!("INPUT_{}", name.to_uppercase()), (*value).to_owned())));
    let environment: Environment = variables.into_iter().collect();
    let context = Context::read(&environment, PathBuf::from(workspace.path()));
    let inputs = Inputs::read(&Raw::from_environment(environment), &context).unwrap();
    Plan::for_targets(&inputs, &context).unwrap().remove(0)
}

/// Facts of a target that is there and may be pushed to; nothing else is known.
pub(crate) fn facts() -> Facts {
    let now: DateTime<Utc> = "2026-11-21T12:00:00Z".parse().unwrap();
    Facts {
        now,
        server_ahead: chrono::Duration::zero(),
        server_version: None,
        user: Asked::Answer("robin".to_owned()),
        repository: Asked::Answer(RepositoryFacts {
            full_name: "acme/site".to_owned(),
            public: true,
            default_branch: "main".to_owned(),
            ..RepositoryFacts::default()
        }),
        refs: Asked::Answer(Advertisement::default()),
        token: TokenFacts::default(),
        author: plan(&[]).author,
        route: PushRoute::default(),
        proposed: None,
        publish: None,
        pushed_refs: None,
        drift: Vec::new(),
        tags: None,
        immutable: Vec::new(),
        rules: RuleFacts::default(),
        pages: Asked::No,
        workflows: Vec::new(),
        workflow_list: None,
        listeners: None,
        awaited: Asked::No,
        workflow_folder: Asked::No,
        secret: None,
    }
}

/// A publish of one page onto a branch with this tip, which changes so much.
pub(crate) fn publish(tip: Option<Oid>, changes: Changes) -> PublishFacts {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("index.html"), "x").unwrap();
    let listing = walk(folder.path(), &Globs::default()).unwrap();
    let hashed = Arc::new(hash(listing, &Retain::nothing(), &Search::nothing(), &NoWatch).unwrap());
    let new_tip = Oid::ZERO;
    let (pack, files) = (Pack::default(), std::collections::BTreeMap::new());
    let proposal = Proposal { tip, new_tip, pack, changes, files, rewrites: false, files_before: None };
    let planned = plan(&[]);
    let commit = planned.commit_plan(&planned.author, AboutSite { trailers: true, ..AboutSite::default() });
    PublishFacts {
        hashed,
        commit,
        base: Base::absent().unwrap(),
        proposal,
        deflated: None,
        unmatched: Vec::new(),
        newer_run: None,
    }
}

/// A refusal with this status and cause.
pub(crate) fn refusal<T>(status: Option<u16>, cause: Cause) -> Asked<T> {
    Asked::Refused(Refusal { status, failure: Failure::new(cause, "The server says no.") })
}
