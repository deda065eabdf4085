//! The story alone: what was detected, and the events it leads to.

use super::entries::{StorySources, Wanted, beside};
use super::query::TimelineQuery;
use super::run::{plan, read};
use crate::frame::{self, FrameError};
use crate::lake::{Lake, schema};
use crate::model::{Detection, Entry, EntryKind, Link, Severity};
use polars::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Findings and detections from `min_severity` (default medium) on, and every event of the addresses and keys that
/// the detections say to follow.
///
/// # Errors
/// Parts that cannot be read, and a condition that is no SQL.
pub fn story(
    lake: &Lake,
    query: &TimelineQuery,
    sources: &StorySources<'_>,
    wanted: Wanted,
) -> Result<Vec<Entry>, FrameError> {
    let linked = linked_to(sources.detections);
    let predicate = query.predicate()?.map_or(linked.clone(), |own| own.and(linked));
    let mut entries = match plan(lake, query, &query.chosen(lake), query.range, Some(&predicate))? {
        Some(plan) => read(plan, wanted, None)?,
        None => Vec::new(),
    };
    let least = query.min_severity.unwrap_or(Severity::Medium);
    entries.extend(beside(&TimelineQuery { min_severity: Some(least), ..query.clone() }, sources));
    entries.sort_by_key(|entry| (entry.time, entry.kind));
    Ok(fold_findings(entries))
}

/// Events of the addresses and keys that the detections say to follow. Flows only where a detection came
/// from flows: every request has two of them, and they say less.
fn linked_to(detections: &[Detection]) -> Expr {
    let ips = |flows: bool| {
        let of = detections.iter().filter(move |d| (d.source_table == "vpcflow") == flows);
        frame::has_any(Link::Ip, of.flat_map(|d| d.follow_ips.iter().cloned()))
    };
    let keys = detections.iter().flat_map(|d| d.follow_keys.iter().cloned());
    let ids: BTreeSet<&str> = detections.iter().filter_map(|d| d.event_id.as_deref()).collect();
    let requests = ips(false).and(col(schema::SOURCE_TABLE).neq(lit("vpcflow")));
    requests.or(ips(true)).or(frame::has_any(Link::Key, keys)).or(frame::is_in(schema::EVENT_ID, ids))
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
