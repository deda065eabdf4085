//! Who used a credential, before and after it was written to a log.

use super::leaks::{Leak, REQUESTS};
use super::{earlier, later};
use crate::frame::{self, Cells, FrameError};
use crate::lake::{Lake, schema};
use crate::model::{Common, Exposure, Link, Micros, TimeRange, Uses};
use polars::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const AFTER: &str = "after_the_leak";
/// How a credential is used.
const HOW: [Common; 4] = [Common::SourceIp, Common::UserAgent, Common::Region, Common::Resource];

/// Requests to API Gateway by whom tokens name, for all leaked tokens at once.
#[derive(Default)]
pub(super) struct Subjects {
    /// Whether any request says whom its token names: only then is the lack of one an answer.
    pub are_logged: bool,
    requests: BTreeMap<String, Vec<Request>>,
}

struct Request {
    event_id: String,
    time: Micros,
    failed: bool,
    how: [Option<String>; 4],
}

impl Subjects {
    pub fn load(lake: &Lake, leaks: &[Leak]) -> Result<Self, FrameError> {
        let wanted: BTreeSet<String> = leaks.iter().filter_map(|leak| leak.subject.clone()).collect();
        let Some(plan) = frame::events(lake, &["apigateway"], TimeRange::default())?.filter(|_| !wanted.is_empty())
        else {
            return Ok(Self::default());
        };
        let (time, who, outcome) = (Common::EventTime.name(), Common::UserName.name(), Common::EventOutcome.name());
        let named = plan.clone().filter(col(who).is_not_null()).select([col(who)]).limit(1);
        let are_logged = Cells::collect_streaming(named)?.rows() > 0;
        let columns = [schema::EVENT_ID, time, who, outcome].into_iter().chain(HOW.map(Common::name));
        let plan = plan
            .filter(frame::is_in(who, &wanted).and(col(time).is_not_null()))
            .select(columns.map(col).collect::<Vec<_>>());
        let cells = Cells::collect_streaming(plan)?;
        let mut requests: BTreeMap<String, Vec<Request>> = BTreeMap::new();
        for row in 0..cells.rows() {
            if let (Some(event_id), Some(time), Some(subject)) =
                (cells.text(schema::EVENT_ID, row), cells.time(time, row), cells.text(who, row))
            {
                let failed = cells.text(outcome, row).as_deref() == Some("failure");
                let how = HOW.map(|common| cells.text(common.name(), row));
                requests.entry(subject).or_default().push(Request { event_id, time, failed, how });
            }
        }
        Ok(Self { are_logged, requests })
    }

    /// Those of a token's subject, before it was written and from then on until it ends. The request in which it was
    /// written is neither.
    fn of(&self, leak: &Leak) -> (Uses, Uses) {
        let (mut before, mut since) = (Uses::default(), Uses::default());
        let requests = leak.subject.as_ref().and_then(|subject| self.requests.get(subject));
        for request in requests.into_iter().flatten() {
            if leak.written_in.contains(&request.event_id) || leak.end().is_some_and(|end| request.time >= end) {
                continue;
            }
            let uses = if request.time > leak.first_written { &mut since } else { &mut before };
            let at = Some(request.time);
            count(uses, &request.how, (1, u64::from(request.failed)), (at, at));
        }
        (before, since)
    }
}

/// Uses before the leak, and from it on. Of an AWS key these are the calls that it signed and requests that name it,
/// as presigned URLs do; of anything else the requests in which the value stands.
pub(super) fn of(lake: &Lake, leak: &Leak, subjects: &Subjects) -> Result<(Uses, Uses), FrameError> {
    let (mut before, mut since) = subjects.of(leak);
    if leak.key.is_none() && !leak.requested {
        return Ok((before, since));
    }
    let tables: Vec<&str> =
        lake.tables().into_iter().filter(|table| *table == "cloudtrail" || REQUESTS.contains(table)).collect();
    let (predicate, pivot) = match &leak.key {
        Some(key) => {
            let signed = col(Common::AccessKeyId.name()).eq(lit(key.clone()));
            let named = col(schema::SOURCE_TABLE).neq(lit("cloudtrail")).and(frame::has_link(Link::Key, key));
            (signed.or(named), vec![vec![(Link::Key, key.clone())]])
        }
        None => (frame::is_in(schema::EVENT_ID, &leak.written_in), frame::Pivot::new()),
    };
    let Some(plan) = frame::events_with(lake, &tables, TimeRange::default(), &pivot)? else {
        return Ok((before, since));
    };
    let time = Common::EventTime.name();
    // The request in which a value was leaked first is no use of the leak.
    let after = if leak.key.is_some() {
        col(time).gt_eq(frame::instant(leak.first_written))
    } else {
        col(time).gt(frame::instant(leak.first_written))
    };
    let groups = HOW.map(|common| col(common.name()));
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
    for row in 0..cells.rows() {
        let uses = if cells.text(AFTER, row).as_deref() == Some("true") { &mut since } else { &mut before };
        add(uses, &cells, row);
    }
    Ok((before, since))
}

fn add(uses: &mut Uses, cells: &Cells, row: usize) {
    let number = |name: &str| cells.int(name, row).unwrap_or(0).unsigned_abs();
    let how = HOW.map(|common| cells.text(common.name(), row));
    count(uses, &how, (number("n"), number("denied")), (cells.time("first", row), cells.time("last", row)));
}

fn count(
    uses: &mut Uses,
    how: &[Option<String>; 4],
    (events, denied): (u64, u64),
    (first, last): (Option<Micros>, Option<Micros>),
) {
    uses.events += events;
    uses.denied += denied;
    uses.first = earlier(uses.first, first);
    uses.last = later(uses.last, last);
    if let (Some(ip), Some(first)) = (&how[0], first) {
        uses.first_by_ip.entry(ip.clone()).and_modify(|known| *known = first.min(*known)).or_insert(first);
    }
    let kinds = [&mut uses.source_ips, &mut uses.user_agents, &mut uses.regions, &mut uses.services];
    for (counts, value) in kinds.into_iter().zip(how) {
        if let Some(value) = value {
            *counts.entry(value.clone()).or_default() += events;
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
                .and(frame::is_in(Common::SourceIp.name(), from)),
        )
        .select([col(made), col(Common::EventTime.name())]);
    let cells = Cells::collect(plan)?;
    let of = |row: usize| {
        let (key, time) = (cells.text(made, row)?, cells.time(Common::EventTime.name(), row)?);
        Some(Leak::issued(key, &exposure.credential, time))
    };
    Ok((0..cells.rows()).filter_map(of).collect())
}
