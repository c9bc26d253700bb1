//! The relay as a chain: a Mermaid flowchart of the stages and of the runs they started.
//!
//! Source: <https://mermaid.js.org/syntax/flowchart.html>

use std::fmt::Write as _;

use super::super::{
    StageReport, StageStatus, TargetReport,
    markdown::{label, web_address},
};
use crate::diagnosis::Stage;

/// More runs are in the table below the chain.
const MOST_RUNS: usize = 8;

const CLASSES: &str = "  classDef done fill:#dafbe1,stroke:#1a7f37,color:#1f2328
  classDef unchanged fill:#ddf4ff,stroke:#0969da,color:#1f2328
  classDef planned fill:#fff8c5,stroke:#9a6700,color:#1f2328
  classDef skipped fill:#f6f8fa,stroke:#818b98,color:#59636e
  classDef failed fill:#ffebe9,stroke:#d1242f,color:#1f2328
";

struct ChainNode {
    id: String,
    label: String,
    class: &'static str,
    link: Option<String>,
}

/// The chain as a fenced block; nothing for a report without stages.
pub(super) fn render(target: &TargetReport) -> String {
    let mut nodes: Vec<ChainNode> = target
        .stages
        .iter()
        .map(|stage| {
            let detail = detail(target, stage.stage).map(|detail| format!(" {detail}")).unwrap_or_default();
            ChainNode {
                id: stage.stage.name().to_owned(),
                label: format!("{}{} · {}", stage.stage.name(), label(&detail), stage.status.name()),
                class: stage.status.name(),
                link: page(target, stage.stage).filter(|_| is_there(target, stage)),
            }
        })
        .collect();
    if nodes.is_empty() {
        return String::new();
    }
    nodes.extend(target.runs.iter().take(MOST_RUNS).enumerate().map(|(index, run)| {
        let state = if run.conclusion.is_empty() { &run.status } else { &run.conclusion };
        ChainNode {
            id: format!("run{index}"),
            label: format!("{} · {}", label(&run.workflow), label(state)),
            class: match run.conclusion.as_str() {
                "success" => StageStatus::Done,
                "neutral" | "skipped" => StageStatus::Skipped,
                "" => StageStatus::Planned,
                _ => StageStatus::Failed,
            }
            .name(),
            link: web_address(&run.url),
        }
    }));
    let mut chart = "```mermaid\nflowchart LR\n".to_owned();
    // Writing to a String does not fail.
    for node in &nodes {
        let _ = writeln!(chart, "  {}[\"{}\"]:::{}", node.id, node.label, node.class);
    }
    let stages: Vec<&str> = nodes[..target.stages.len()].iter().map(|node| node.id.as_str()).collect();
    if stages.len() > 1 {
        let _ = writeln!(chart, "  {}", stages.join(" --> "));
    }
    if let Some(last) = stages.last() {
        for run in &nodes[stages.len()..] {
            let _ = writeln!(chart, "  {last} -.-> {}", run.id);
        }
    }
    for node in &nodes {
        if let Some(link) = &node.link {
            let _ = writeln!(chart, "  click {} \"{link}\" _blank", node.id);
        }
    }
    chart.push_str(CLASSES);
    chart.push_str("```\n\n");
    chart
}

/// What the stage worked on.
fn detail(target: &TargetReport, stage: Stage) -> Option<String> {
    match stage {
        Stage::Push => target.facts.branch.clone(),
        Stage::Tag => target.facts.tags.first().cloned(),
        _ => None,
    }
}

/// Whether the page of a stage exists: what is only planned, or was not reached, has made none.
fn is_there(target: &TargetReport, stage: &StageReport) -> bool {
    match stage.status {
        StageStatus::Skipped => false,
        StageStatus::Planned => stage.stage == Stage::Push && target.facts.commit.is_some(),
        StageStatus::Done | StageStatus::Unchanged | StageStatus::Failed => true,
    }
}

/// The page that shows what the stage did.
fn page(target: &TargetReport, stage: Stage) -> Option<String> {
    let web = target.web();
    let page = match stage {
        Stage::Push => match (&target.facts.commit, &target.facts.branch) {
            (Some(commit), _) => target.commit_page(commit),
            (None, Some(branch)) => target.tree_page(branch),
            (None, None) => web,
        },
        Stage::Tag => target.facts.tags.first().map_or(web.clone(), |tag| target.tree_page(tag)),
        Stage::Trigger | Stage::Wait => target.last_run().map_or(format!("{web}/actions"), |run| run.url.clone()),
        Stage::Inputs | Stage::Preflight | Stage::Secret | Stage::Revoke => web,
    };
    web_address(&page)
}
