//! Numbers over time and by table.

use super::query::TimelineQuery;
use super::run::plan;
use crate::frame::{Cells, FrameError};
use crate::lake::Lake;
use crate::model::summary::{Histogram, TableSummary};
use crate::model::{Common, Micros, TimeRange};
use polars::prelude::*;

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
/// Buckets of a histogram that is asked for at most.
const MOST_BUCKETS: i64 = 100_000;
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

/// Events per table over time that match the question; buckets of the given width, else of one that reads well.
///
/// # Errors
/// Parts that cannot be read, and a condition that is no SQL.
pub fn histogram(lake: &Lake, query: &TimelineQuery, bucket: Option<i64>) -> Result<Histogram, FrameError> {
    let tables = query.chosen(lake);
    let range = query.range;
    let summaries: Vec<_> = table_summaries(lake).into_iter().filter(|t| tables.contains(&t.name.as_str())).collect();
    let first = summaries.iter().filter_map(|t| t.first).min().map(|t| range.from.map_or(t, |from| from.max(t)));
    let last = summaries.iter().filter_map(|t| t.last).max().map(|t| range.to.map_or(t, |to| to.min(t)));
    let (Some(first), Some(last)) = (first, last) else {
        return Ok(Histogram::default());
    };
    let span = last.0.saturating_sub(first.0).max(1);
    let readable = || WIDTHS.into_iter().find(|w| span / w < BUCKETS).unwrap_or(span / BUCKETS + 1);
    let bucket = bucket.unwrap_or_else(readable).max(span / MOST_BUCKETS + 1);
    let start = first.0.div_euclid(bucket) * bucket;
    let buckets = ((last.0 - start) / bucket + 1) as usize;
    let predicate = query.predicate()?;
    let mut histogram = Histogram { start, bucket, series: Vec::new() };
    for table in tables {
        let Some(plan) = plan(lake, query, &[table], range, predicate.as_ref())? else {
            continue;
        };
        let time = col(Common::EventTime.name()).dt().timestamp(TimeUnit::Microseconds);
        let at = (time - lit(start)).floor_div(lit(bucket));
        let cells = Cells::collect_streaming(plan.group_by([at.alias("bucket")]).agg([len().alias("n")]))?;
        let mut counts = vec![0; buckets];
        for row in 0..cells.rows() {
            let bucket = cells.int("bucket", row).and_then(|b| usize::try_from(b).ok());
            if let (Some(slot), Some(n)) = (bucket.and_then(|b| counts.get_mut(b)), cells.int("n", row)) {
                *slot = n.unsigned_abs();
            }
        }
        histogram.series.push((table.to_owned(), counts));
    }
    Ok(histogram)
}
