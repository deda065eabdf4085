//! Plans run, events, findings and detections merged by time.

use super::query::TimelineQuery;
use crate::frame::{self, Cells, FrameError};
use crate::lake::{Lake, schema};
use crate::model::summary::{Histogram, TableSummary};
use crate::model::{Common, Detection, Entry, EntryKind, Finding, Link, Micros, Severity, TimeRange};
use polars::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// What a story is made of beside events.
pub struct StorySources<'a> {
    pub findings: &'a [Finding],
    pub detections: &'a [Detection],
}

/// Entries in time order, and how many more the limit cut off.
pub struct Story {
    pub entries: Vec<Entry>,
    pub left_out: u64,
}

/// The merged timeline: every event that matches, findings at their first sighting, detections at their
/// first event. Ties keep the order source table, object, record.
pub fn timeline(
    lake: &Lake,
    query: &TimelineQuery,
    sources: &StorySources<'_>,
    limit: Option<usize>,
) -> Result<Story, FrameError> {
    let (mut entries, unread) = events(lake, query, query.predicate(), limit)?;
    merge(&mut entries, query, sources);
    let mut told = cut(entries, limit);
    told.left_out += unread;
    Ok(told)
}

/// The story alone: findings and detections from `min_severity` (default medium) on, and every event of
/// the addresses and keys that the detections say to follow.
pub fn story(
    lake: &Lake,
    query: &TimelineQuery,
    sources: &StorySources<'_>,
    limit: Option<usize>,
) -> Result<Story, FrameError> {
    let linked = linked_to(sources.detections);
    let predicate = query.predicate().map_or(linked.clone(), |own| own.and(linked));
    let (mut entries, _) = events(lake, query, Some(predicate), None)?;
    let least = query.min_severity.unwrap_or(Severity::Medium);
    let about = TimelineQuery { min_severity: Some(least), ..query.clone() };
    merge(&mut entries, &about, sources);
    Ok(cut(fold_findings(entries), limit))
}

/// Events of the addresses and keys that the detections say to follow. Flows only where a detection came
/// from flows: every request has two of them, and they say less.
fn linked_to(detections: &[Detection]) -> Expr {
    let unique = |values: Vec<String>| values.into_iter().collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>();
    let ips = |flows: bool| {
        let of = detections.iter().filter(|d| (d.source_table == "vpcflow") == flows);
        unique(of.flat_map(|d| d.follow_ips.clone()).collect())
    };
    let keys = unique(detections.iter().flat_map(|d| d.follow_keys.clone()).collect());
    let ids: BTreeSet<&str> = detections.iter().filter_map(|d| d.event_id.as_deref()).collect();
    let requests = frame::has_any_link(Link::Ip, &ips(false)).and(col(schema::SOURCE_TABLE).neq(lit("vpcflow")));
    requests
        .or(frame::has_any_link(Link::Ip, &ips(true)))
        .or(frame::has_any_link(Link::Key, &keys))
        .or(frame::is_one_of(schema::EVENT_ID, &ids.into_iter().collect::<Vec<_>>()))
}

/// Findings of one rule in one place become one row at the first of them: sixty users' tokens in one log
/// group are one fact of the story.
fn fold_findings(entries: Vec<Entry>) -> Vec<Entry> {
    let mut first: BTreeMap<(Option<String>, Option<String>), usize> = BTreeMap::new();
    let mut more: BTreeMap<usize, u64> = BTreeMap::new();
    let mut kept: Vec<Entry> = Vec::with_capacity(entries.len());
    for entry in entries {
        if entry.kind == EntryKind::Finding {
            let key = (entry.action.clone(), entry.target.clone());
            if let Some(&at) = first.get(&key) {
                *more.entry(at).or_default() += 1;
                kept[at].severity = kept[at].severity.max(entry.severity);
                continue;
            }
            first.insert(key, kept.len());
        }
        kept.push(entry);
    }
    for (at, n) in more {
        let message = kept[at].message.take().unwrap_or_default();
        kept[at].message = Some(format!("{message} (and {n} more secrets of this rule here, later)"));
    }
    kept
}

fn cut(mut entries: Vec<Entry>, limit: Option<usize>) -> Story {
    let most = limit.unwrap_or(usize::MAX);
    let left_out = entries.len().saturating_sub(most) as u64;
    entries.truncate(most);
    Story { entries, left_out }
}

/// Adds findings and detections; the sort is stable, so events keep their order among themselves.
fn merge(entries: &mut Vec<Entry>, query: &TimelineQuery, sources: &StorySources<'_>) {
    let least = query.min_severity.unwrap_or(Severity::Info);
    let wanted = |time: Micros, severity: Severity| query.range.contains(time) && severity >= least;
    let same = |asked: &str, id: &str| id == asked || (asked.len() >= 8 && id.starts_with(asked));
    let by_id =
        |ids: &[&str]| query.ids.is_empty() || query.ids.iter().any(|asked| ids.iter().any(|id| same(asked, id)));
    for finding in sources.findings {
        let ids: Vec<&str> =
            finding.public_ids.iter().map(|(_, id)| id.as_str()).chain([finding.fingerprint.as_str()]).collect();
        if let Some(time) = finding.first_seen
            && wanted(time, finding.severity)
            && !query.is_about_events()
            && by_id(&ids)
        {
            entries.push(finding_entry(finding, time));
        }
    }
    for detection in sources.detections {
        let ids: Vec<&str> =
            detection.follow_keys.iter().map(String::as_str).chain(detection.event_id.as_deref()).collect();
        let about_ip = query.ips.is_empty() || detection.source_ip.as_ref().is_some_and(|ip| query.ips.contains(ip));
        let about_actor = query.actors.is_empty()
            || query.actors.iter().any(|a| detection.actor.as_ref().is_some_and(|d| d.contains(a.as_str())));
        let about_table = query.tables.is_empty() || query.tables.contains(&detection.source_table);
        let about = about_ip && about_actor && about_table && query.texts.is_empty() && by_id(&ids);
        if wanted(detection.first_seen, detection.severity) && about {
            entries.push(detection_entry(detection));
        }
    }
    entries.sort_by_key(|entry| entry.time);
}

fn finding_entry(finding: &Finding, time: Micros) -> Entry {
    let place = finding.places.iter().max_by_key(|(_, n)| **n).map(|(place, _)| place.clone());
    let times = if finding.count == 1 { "once".to_owned() } else { format!("{} times", finding.count) };
    let until = finding.last_seen.filter(|last| *last != time).map(|last| format!(", last {last}")).unwrap_or_default();
    let ids: Vec<String> = finding.public_ids.iter().map(|(name, id)| format!("{name}={id}")).collect();
    Entry {
        time,
        kind: EntryKind::Finding,
        source: "findings".to_owned(),
        severity: finding.severity,
        actor: None,
        source_ip: None,
        action: Some(format!("secret logged: {}", finding.rule)),
        target: place,
        outcome: Some(finding.confidence.as_str().to_owned()),
        message: Some(
            format!("{} {}, {times}{until} {}", finding.rule_name, finding.mask, ids.join(" ")).trim().to_owned(),
        ),
        reference: finding.fingerprint.clone(),
    }
}

fn detection_entry(detection: &Detection) -> Entry {
    Entry {
        time: detection.first_seen,
        kind: EntryKind::Detection,
        source: "detections".to_owned(),
        severity: detection.severity,
        actor: detection.actor.clone(),
        source_ip: detection.source_ip.clone(),
        action: Some(detection.detector.to_owned()),
        target: detection.target.clone(),
        outcome: detection.outcome.clone(),
        message: Some(format!("{} [{}]", detection.title, detection.technique)),
        reference: detection.event_id.clone().unwrap_or_else(|| detection.detector.to_owned()),
    }
}

/// The first `limit` events in time order, and how many more there are.
fn events(
    lake: &Lake,
    query: &TimelineQuery,
    predicate: Option<Expr>,
    limit: Option<usize>,
) -> Result<(Vec<Entry>, u64), FrameError> {
    let all = lake.tables();
    let chosen: Vec<&str> = match query.tables.is_empty() {
        true => all,
        false => all.into_iter().filter(|table| query.tables.iter().any(|t| t == table)).collect(),
    };
    let Some(mut plan) = frame::events_with(lake, &chosen, query.range, &query.pivot())? else {
        return Ok((Vec::new(), 0));
    };
    let time = Common::EventTime.name();
    if let Some(predicate) = predicate {
        plan = plan.filter(predicate);
    }
    plan = plan.filter(col(time).is_not_null());
    let all = match limit {
        Some(_) => Cells::collect(plan.clone().select([col(schema::EVENT_ID).count().alias("n")]))?
            .int("n", 0)
            .unwrap_or(0)
            .unsigned_abs(),
        None => 0,
    };
    plan = plan.sort_by_exprs(
        [col(time), col(schema::SOURCE_TABLE), col(schema::SOURCE_OBJECT), col(schema::SOURCE_RECORD)],
        SortMultipleOptions::default(),
    );
    if let Some(limit) = limit {
        plan = plan.limit(IdxSize::try_from(limit).unwrap_or(IdxSize::MAX));
    }
    let cells = Cells::collect(plan)?;
    let entries: Vec<Entry> = (0..cells.rows()).filter_map(|row| event_entry(&cells, row)).collect();
    let unread = all.saturating_sub(entries.len() as u64);
    Ok((entries, unread))
}

fn event_entry(cells: &Cells, row: usize) -> Option<Entry> {
    let text = |common: Common| cells.text(common.name(), row);
    let outcome = text(Common::EventOutcome);
    let parts = [outcome.clone(), text(Common::HttpStatus), text(Common::ErrorCode)];
    let shown = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
    Some(Entry {
        time: cells.time(Common::EventTime.name(), row)?,
        kind: EntryKind::Event,
        source: cells.text(schema::SOURCE_TABLE, row)?,
        severity: if outcome.as_deref() == Some("failure") { Severity::Low } else { Severity::Info },
        actor: text(Common::UserArn).or_else(|| text(Common::UserName)).or_else(|| text(Common::Resource)),
        source_ip: text(Common::SourceIp),
        action: text(Common::EventAction),
        target: text(Common::Target),
        outcome: (!shown.is_empty()).then_some(shown),
        message: cells.text(schema::RAW, row),
        reference: cells.text(schema::EVENT_ID, row)?,
    })
}

/// Events, first and last time of each table.
pub fn table_summaries(lake: &Lake) -> Vec<TableSummary> {
    let summary = |name: &str| {
        let parts: Vec<_> = lake.parts(name, TimeRange::default()).collect();
        TableSummary {
            name: name.to_owned(),
            events: parts.iter().map(|p| p.rows).sum(),
            first: parts.iter().filter_map(|p| p.min_time).min().map(Micros),
            last: parts.iter().filter_map(|p| p.max_time).max().map(Micros),
        }
    };
    lake.tables().into_iter().map(summary).collect()
}

/// Buckets of a histogram at most.
const BUCKETS: i64 = 168;
/// Widths that read well, in microseconds: a minute to a week.
const WIDTHS: [i64; 9] = [
    60_000_000,
    300_000_000,
    900_000_000,
    3_600_000_000,
    10_800_000_000,
    21_600_000_000,
    86_400_000_000,
    259_200_000_000,
    604_800_000_000,
];

/// Events per table over time.
pub fn histogram(lake: &Lake, range: TimeRange) -> Result<Histogram, FrameError> {
    let tables = table_summaries(lake);
    let first = tables.iter().filter_map(|t| t.first).min().map(|t| range.from.map_or(t, |from| from.max(t)));
    let last = tables.iter().filter_map(|t| t.last).max().map(|t| range.to.map_or(t, |to| to.min(t)));
    let (Some(first), Some(last)) = (first, last) else {
        return Ok(Histogram::default());
    };
    let span = last.0.saturating_sub(first.0).max(1);
    let bucket = WIDTHS.into_iter().find(|w| span / w < BUCKETS).unwrap_or(span / BUCKETS + 1);
    let start = first.0.div_euclid(bucket) * bucket;
    let buckets = ((last.0 - start) / bucket + 1) as usize;
    let mut histogram = Histogram { start, bucket, series: Vec::new() };
    for table in &tables {
        let Some(plan) = frame::table(lake, &table.name, range)? else {
            continue;
        };
        let time = col(Common::EventTime.name());
        let at = (time.clone().dt().timestamp(TimeUnit::Microseconds) - lit(start)).floor_div(lit(bucket));
        let plan = plan.filter(time.is_not_null()).group_by([at.alias("bucket")]).agg([len().alias("n")]);
        let cells = Cells::collect(plan)?;
        let mut counts = vec![0; buckets];
        for row in 0..cells.rows() {
            let bucket = cells.int("bucket", row).and_then(|b| usize::try_from(b).ok());
            if let (Some(slot), Some(n)) = (bucket.and_then(|b| counts.get_mut(b)), cells.int("n", row)) {
                *slot = n.unsigned_abs();
            }
        }
        histogram.series.push((table.name.clone(), counts));
    }
    Ok(histogram)
}
