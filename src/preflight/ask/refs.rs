//! What pushing the refs of the checkout would do.

use super::size;
use crate::{
    connection::Connection,
    diagnosis::Failure,
    git::{advertisement::Advertisement, pack::Pack},
    plan::Plan,
    preflight::facts::Deflated,
    refs::{Local, facts::RefsFacts, lfs, prepare::prepare},
    report::DriftRow,
};

/// None where no refs are pushed, or those of the target are not known.
pub(super) async fn pushed_refs(
    plan: &Plan,
    connection: &Connection,
    refs: Option<&Advertisement>,
    drift: &mut Vec<DriftRow>,
) -> Option<Result<RefsFacts, Failure>> {
    refs_facts(plan.refs()?, plan, connection, refs?, drift).await
}

async fn is_above(pack: &Pack, limit: u64) -> Result<bool, Failure> {
    Ok(matches!(size::deflated(pack, limit).await?, Some(Deflated::Above(_))))
}

/// What pushing the refs of a checkout would do.
pub(super) async fn refs_facts(
    local: &Local,
    plan: &Plan,
    connection: &Connection,
    refs: &Advertisement,
    drift: &mut Vec<DriftRow>,
) -> Option<Result<RefsFacts, Failure>> {
    let facts = async {
        if let Some(promisor) = local.promisor.as_ref().filter(|promisor| !promisor.is(&plan.target)) {
            return Err(promisor.refusal(&plan.target).into());
        }
        let (remote, retries) = (&connection.remote, &connection.retries);
        let mut facts = prepare(local, refs, remote, retries, plan.behaviour.dry_run, drift).await?;
        let limit = local.asked.push_limit;
        for batch in &mut facts.batches {
            if !is_above(&batch.pack, limit).await? {
                continue;
            }
            let mut is_sendable = batch.divide();
            for pack in batch.packs() {
                is_sendable = is_sendable && !is_above(pack, limit).await?;
            }
            if !is_sendable {
                facts.above = Some(limit);
            }
        }
        let named = std::mem::take(&mut facts.lfs.named);
        facts.lfs = lfs::look(named, &local.lfs, &connection.lfs, remote.situation(), retries).await?;
        Ok(facts)
    };
    Some(facts.await)
}
