//! Who used a credential, before and after it was written to a log.

use super::leaks::{Leak, REQUESTS};
use super::{earlier, later};
use crate::frame::{self, Cells, FrameError};
use crate::lake::{Lake, schema};
use crate::model::{Common, Exposure, Link, TimeRange, Uses};
use polars::prelude::*;

const AFTER: &str = "after_the_leak";

/// Uses before the leak, and from it on. Of an AWS key these are the calls that it signed and requests that name it,
/// as presigned URLs do; of anything else the requests in which the value stands.
pub(super) fn of(lake: &Lake, leak: &Leak) -> Result<(Uses, Uses), FrameError> {
    if leak.key.is_none() && !leak.requested {
        return Ok((Uses::default(), Uses::default()));
    }
    let tables: Vec<&str> =
        lake.tables().into_iter().filter(|table| *table == "cloudtrail" || REQUESTS.contains(table)).collect();
    let (predicate, pivot) = match &leak.key {
        Some(key) => {
            let signed = col(Common::AccessKeyId.name()).eq(lit(key.clone()));
            let named = col(schema::SOURCE_TABLE).neq(lit("cloudtrail")).and(frame::has_link(Link::Key, key));
            (signed.or(named), vec![vec![(Link::Key, key.clone())]])
        }
        None => (frame::is_in(schema::EVENT_ID, leak.written_in.iter().cloned().collect()), frame::Pivot::new()),
    };
    let Some(plan) = frame::events_with(lake, &tables, TimeRange::default(), &pivot)? else {
        return Ok((Uses::default(), Uses::default()));
    };
    let time = Common::EventTime.name();
    // The request in which a value was leaked first is no use of the leak.
    let after = if leak.key.is_some() {
        col(time).gt_eq(frame::instant(leak.first_written))
    } else {
        col(time).gt(frame::instant(leak.first_written))
    };
    let groups =
        [Common::SourceIp, Common::UserAgent, Common::Region, Common::Resource].map(|common| col(common.name()));
    let plan = plan
        .filter(predicate)
        .with_column(after.alias(AFTER))
        .group_by(groups.into_iter().chain([col(AFTER)]).collect::<Vec<_>>())
        .agg([
            len().alias("n"),
            col(Common::EventOutcome.name()).eq(lit("failure")).sum().alias("denied"),
            col(time).min().alias("first"),
            col(time).max().alias("last"),
        ]);
    let cells = Cells::collect_streaming(plan)?;
    let (mut before, mut since) = (Uses::default(), Uses::default());
    for row in 0..cells.rows() {
        let uses = if cells.text(AFTER, row).as_deref() == Some("true") { &mut since } else { &mut before };
        add(uses, &cells, row);
    }
    Ok((before, since))
}

fn add(uses: &mut Uses, cells: &Cells, row: usize) {
    let count = cells.int("n", row).unwrap_or(0).unsigned_abs();
    uses.events += count;
    uses.denied += cells.int("denied", row).unwrap_or(0).unsigned_abs();
    uses.first = earlier(uses.first, cells.time("first", row));
    uses.last = later(uses.last, cells.time("last", row));
    if let (Some(ip), Some(first)) = (cells.text(Common::SourceIp.name(), row), cells.time("first", row)) {
        uses.first_by_ip.entry(ip).and_modify(|known| *known = first.min(*known)).or_insert(first);
    }
    let kinds = [
        (Common::SourceIp, &mut uses.source_ips),
        (Common::UserAgent, &mut uses.user_agents),
        (Common::Region, &mut uses.regions),
        (Common::Resource, &mut uses.services),
    ];
    for (common, counts) in kinds {
        if let Some(value) = cells.text(common.name(), row) {
            *counts.entry(value).or_default() += count;
        }
    }
}

/// Keys that calls with this one, from these addresses, made.
pub(super) fn issued(lake: &Lake, exposure: &Exposure, from: &[String]) -> Result<Vec<Leak>, FrameError> {
    let Some(calls) = frame::table(lake, "cloudtrail", TimeRange::default())? else {
        return Ok(Vec::new());
    };
    let made = "ct_issued_access_key_id";
    let plan = calls
        .filter(
            col(Common::AccessKeyId.name())
                .eq(lit(exposure.credential.clone()))
                .and(col(made).is_not_null())
                .and(frame::is_in(Common::SourceIp.name(), from.to_vec())),
        )
        .select([col(made), col(Common::EventTime.name())]);
    let cells = Cells::collect(plan)?;
    let of = |row: usize| {
        let (key, time) = (cells.text(made, row)?, cells.time(Common::EventTime.name(), row)?);
        Some(Leak::issued(key, &exposure.credential, time))
    };
    Ok((0..cells.rows()).filter_map(of).collect())
}
