//! A question answered: plans run window by window, findings and detections merged in by time.

use super::entries::{EventRows, StorySources, Wanted, beside};
use super::query::TimelineQuery;
use super::windows::Windows;
use crate::frame::{self, Cells, FrameError};
use crate::lake::{Lake, schema};
use crate::model::{Common, Entry, TimeRange};
use polars::prelude::*;
use std::ops::ControlFlow;

/// How many entries went out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    pub rows: u64,
    /// The limit ended it, or the sink: whether there is more was not looked for.
    pub is_cut: bool,
}

/// Rows of the first window: where much matches, about as many entries are held at once.
const FIRST: u64 = 400_000;
/// Rows of a window where next to nothing matches.
const MOST: u64 = 64_000_000;

/// Takes entries in time order, some at a time, and says whether to go on.
pub type Sink<'s, E> = dyn FnMut(Vec<Entry>) -> Result<ControlFlow<()>, E> + 's;

/// The merged timeline: every event that matches, findings at their first sighting, detections at their first
/// event. Ties keep the order event, finding, detection, and among events source table, object, record.
///
/// # Errors
/// Parts that cannot be read, a condition that is no SQL, and whatever the sink says.
pub fn timeline<E: From<FrameError>>(
    lake: &Lake,
    query: &TimelineQuery,
    sources: &StorySources<'_>,
    wanted: Wanted,
    limit: Option<usize>,
    sink: &mut Sink<'_, E>,
) -> Result<Told, E> {
    let predicate = query.predicate()?;
    let tables = query.chosen(lake);
    let mut windows = Windows::new(lake, &tables, query.range);
    let mut beside = beside(query, sources).into_iter().peekable();
    let mut told = Told::default();
    let mut rows = FIRST;
    let left = |told: &Told| limit.map(|limit| limit.saturating_sub(told.rows as usize));
    while let Some(range) = windows.next(rows) {
        let mut entries = match plan(lake, query, &tables, range, predicate.as_ref())? {
            Some(plan) => read(plan, wanted, left(&told))?,
            None => Vec::new(),
        };
        let found = entries.len();
        while let Some(entry) = beside.next_if(|entry| range.to.is_none_or(|to| entry.time < to)) {
            entries.push(entry);
        }
        entries.sort_by_key(|entry| (entry.time, entry.kind));
        entries.truncate(left(&told).unwrap_or(usize::MAX));
        told.rows += entries.len() as u64;
        told.is_cut = sink(entries)?.is_break() || left(&told) == Some(0);
        if told.is_cut {
            return Ok(told);
        }
        if found < rows as usize / 16 {
            rows = (rows * 4).min(MOST);
        }
    }
    let mut rest: Vec<Entry> = beside.collect();
    let all = rest.len();
    rest.truncate(left(&told).unwrap_or(usize::MAX));
    told.is_cut = rest.len() < all;
    told.rows += rest.len() as u64;
    told.is_cut |= sink(rest)?.is_break();
    Ok(told)
}

impl TimelineQuery {
    /// The tables that are looked at.
    pub fn chosen<'l>(&self, lake: &'l Lake) -> Vec<&'l str> {
        let mut all = lake.tables();
        all.retain(|table| self.tables.is_empty() || self.tables.iter().any(|t| t == table));
        all
    }
}

/// The matching rows of a window; `None` when no part can hold any.
pub(super) fn plan(
    lake: &Lake,
    query: &TimelineQuery,
    tables: &[&str],
    range: TimeRange,
    predicate: Option<&Expr>,
) -> Result<Option<LazyFrame>, FrameError> {
    let Some(mut plan) = frame::events_with(lake, tables, range, &query.pivot())? else {
        return Ok(None);
    };
    plan = plan.filter(col(Common::EventTime.name()).is_not_null());
    if let Some(predicate) = predicate {
        plan = plan.filter(predicate.clone());
    }
    Ok(Some(plan))
}

/// What decides the order of events.
pub(super) const ORDER: [&str; 4] =
    [Common::EventTime.name(), schema::SOURCE_TABLE, schema::SOURCE_OBJECT, schema::SOURCE_RECORD];

pub(super) fn read(plan: LazyFrame, wanted: Wanted, limit: Option<usize>) -> Result<Vec<Entry>, FrameError> {
    let mut columns = wanted.columns();
    columns.extend([schema::SOURCE_OBJECT, schema::SOURCE_RECORD]);
    let selected: Vec<Expr> = columns.into_iter().map(col).collect();
    let mut plan = plan.select(selected).sort(ORDER, SortMultipleOptions::default());
    if let Some(limit) = limit {
        plan = plan.limit(IdxSize::try_from(limit).unwrap_or(IdxSize::MAX));
    }
    let cells = Cells::collect(plan)?;
    let rows = EventRows::new(&cells, wanted);
    Ok((0..cells.rows()).filter_map(|row| rows.entry(row)).collect())
}

/// How the lake is read for a question: Polars' plan of each table after optimisation, and what the manifest
/// leaves to be opened.
///
/// # Errors
/// Parts that cannot be read, and a condition that is no SQL.
pub fn explain(lake: &Lake, query: &TimelineQuery, wanted: Wanted) -> Result<String, FrameError> {
    let predicate = query.predicate()?;
    let mut out = String::new();
    for table in query.chosen(lake) {
        let Some(plan) = plan(lake, query, &[table], query.range, predicate.as_ref())? else {
            continue;
        };
        let columns: Vec<Expr> = wanted.columns().into_iter().map(col).collect();
        out.push_str(&format!("{table}\n{}\n", plan.select(columns).explain(true)?));
    }
    Ok(out)
}
