//! Asks what holds for the branches and tags that are written to: two round trips, the rulesets themselves in the second.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;

use super::{
    super::{
        facts::{Asked, BranchFacts, RuleFacts},
        rules::{BRANCHES, may_matter},
    },
    RestAnswer, if_possible,
};
use crate::{
    connection::Connection,
    credential::TokenKind,
    github::{
        Meta,
        model::{Rule, Ruleset},
    },
    names::RefName,
    plan::Plan,
};

/// How many rulesets are looked into; the server decides about what is left.
const RULESETS: usize = 20;

/// How many branches are asked about at once, two questions each.
///
/// NOTE: GitHub bars whoever has more than a hundred requests under way, and a step may have eight targets at once.
/// Source: <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits>
const AT_ONCE: usize = 4;

/// What the rulesets and the branch protection say, and the heads of the answers.
pub(super) async fn ask(plan: &Plan, connection: &Connection) -> (RuleFacts, Vec<Meta>) {
    if plan.token().is_none() || plan.is_wiki() {
        return (RuleFacts::default(), Vec::new());
    }
    let mut seen = BTreeSet::new();
    let head = plan.proposed().map(|proposed| proposed.head);
    let branches: Vec<&RefName> =
        plan.branches().chain(&head).filter(|name| seen.insert(*name)).take(BRANCHES).collect();
    let questions = async {
        let mut answers = Vec::with_capacity(branches.len());
        for few in branches.chunks(AT_ONCE) {
            answers.extend(join_all(few.iter().map(|name| branch(plan, connection, name))).await);
        }
        answers
    };
    let (branches, list) = tokio::join!(questions, list(plan, connection));
    let mut metas: Vec<Meta> = list.metas().cloned().collect();
    let mut known = Vec::new();
    for (facts, heads) in branches {
        known.push(facts);
        metas.extend(heads);
    }
    let list = list.asked(|list| list);
    let wanted = wanted(plan, &known, &list);
    let ask = |id: u64| async move {
        let ask = || connection.github.ruleset(&plan.target.slug, id);
        (id, if_possible(connection, "question for a ruleset", ask).await)
    };
    let mut rulesets = BTreeMap::new();
    for (id, answer) in join_all(wanted.into_iter().take(RULESETS).map(ask)).await {
        metas.extend(answer.metas().cloned());
        rulesets.insert(id, answer.asked(|ruleset| ruleset));
    }
    (RuleFacts { branches: known, list, rulesets }, metas)
}

async fn branch(plan: &Plan, connection: &Connection, name: &RefName) -> (BranchFacts, Vec<Meta>) {
    let (slug, short) = (&plan.target.slug, name.short());
    let rules =
        if_possible(connection, "question for the branch's rules", || connection.github.branch_rules(slug, short));
    let detail = if_possible(connection, "question for the branch", || connection.github.branch(slug, short));
    let (rules, detail) = tokio::join!(rules, detail);
    let metas = rules.metas().chain(detail.metas()).cloned().collect();
    let facts =
        BranchFacts { name: name.clone(), rules: rules.asked(|rules| rules), branch: detail.asked(|branch| branch) };
    (facts, metas)
}

/// The rulesets for tags and for pushes, as far as the plan has any.
async fn list(plan: &Plan, connection: &Connection) -> RestAnswer<Vec<Ruleset>> {
    let targets: Vec<&str> = [(plan.pushes(), "push"), (plan.tags.is_some(), "tag")]
        .into_iter()
        .filter_map(|(planned, target)| planned.then_some(target))
        .collect();
    if targets.is_empty() {
        return RestAnswer::none();
    }
    let targets = targets.join(",");
    if_possible(connection, "question for the rulesets", || connection.github.rulesets(&plan.target.slug, &targets))
        .await
}

/// The rulesets to look into: those with a rule that this plan may break, for whoever may bypass one at all.
fn wanted(plan: &Plan, branches: &[BranchFacts], list: &Asked<Vec<Ruleset>>) -> BTreeSet<u64> {
    // Where an answer leaves the field out, the ruleset counts as active.
    let active = |ruleset: &&Ruleset| ruleset.enforcement.is_empty() || ruleset.enforcement == "active";
    let listed = list.answer().into_iter().flatten().filter(active).map(|ruleset| ruleset.id);
    // `GITHUB_TOKEN` bypasses no ruleset, so that nothing has to be looked up for it.
    let own = plan.git_token().is_some_and(|token| token.kind == TokenKind::GithubToken);
    let rules = branches.iter().filter_map(|branch| branch.rules.answer()).flatten();
    let of_branches =
        rules.filter(|rule: &&Rule| !own && may_matter(plan, &rule.kind)).filter_map(|rule: &Rule| rule.ruleset_id);
    listed.chain(of_branches).collect()
}
