//! Plain data a report is made of: everything in it may be shown.

use super::detection::Detection;
use super::entry::Entry;
use super::finding::Finding;
use super::payload::PayloadLog;
use super::time::Micros;

/// Everything a report shows. Text from logs has been through the Masker.
#[derive(Clone, Debug)]
pub struct Summary {
    pub title: String,
    pub tool_version: String,
    /// When the report was made.
    pub generated: Micros,
    pub lake: String,
    pub tables: Vec<TableSummary>,
    /// Sorted by severity, then count.
    pub findings: Vec<Finding>,
    pub detections: Vec<Detection>,
    /// Who logs whole requests, responses or events, the worst first.
    pub payloads: Vec<PayloadLog>,
    /// The story: findings and detections and the events behind them, in time order.
    pub story: Vec<Entry>,
    pub histogram: Histogram,
    /// Objects that were not read to the end, with the reason: coverage is part of the answer.
    pub incomplete: Vec<String>,
}

/// One source table.
#[derive(Clone, Debug)]
pub struct TableSummary {
    pub name: String,
    pub events: u64,
    pub first: Option<Micros>,
    pub last: Option<Micros>,
}

/// Events per bucket and table.
#[derive(Clone, Debug, Default)]
pub struct Histogram {
    /// Start of the first bucket.
    pub start: i64,
    /// Width of a bucket in microseconds.
    pub bucket: i64,
    /// Table name and its count per bucket; all of the same length.
    pub series: Vec<(String, Vec<u64>)>,
}
