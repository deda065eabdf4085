//! How far the clocks of two sources are apart, told by requests that both have seen.

use crate::frame::{self, Cells, FrameError};
use crate::lake::Lake;
use crate::model::{Common, Link, TimeRange};
use polars::prelude::*;
use serde::Serialize;

/// Times of the second table less those of the first, for ids that stand in both. Microseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Skew {
    pub first: String,
    pub second: String,
    /// Ids in both.
    pub ids: u64,
    pub median: i64,
    /// Nine tenths of the differences lie between these.
    pub low: i64,
    pub high: i64,
}

/// Rows of a table that are compared at most.
const ROWS: IdxSize = 2_000_000;
/// Fewer ids tell nothing of a clock.
const LEAST: u64 = 5;
/// What a request takes, and coarse clocks: a difference below says nothing of skew.
const ORDINARY: i64 = 5_000_000;

impl Skew {
    /// Whether all but a few differences lie to one side, by more than requests take.
    pub const fn is_apart(&self) -> bool {
        self.low > ORDINARY || self.high < -ORDINARY
    }
}

/// Every two tables that share ids of requests, connections or traces, by their names.
///
/// # Errors
/// Parts that cannot be read.
pub fn skews(lake: &Lake, range: TimeRange) -> Result<Vec<Skew>, FrameError> {
    let mut firsts: Vec<(&str, LazyFrame)> = Vec::new();
    for table in lake.tables() {
        if let Some(plan) = first_times(lake, table, range)? {
            firsts.push((table, plan));
        }
    }
    let mut all = Vec::new();
    for (at, (first, left)) in firsts.iter().enumerate() {
        for (second, right) in &firsts[at + 1..] {
            let id = Link::RequestId.column();
            let both =
                left.clone().inner_join(right.clone().select([col(id), col("at").alias("other")]), col(id), col(id));
            let apart = || col("other") - col("at");
            let told = both.select([
                len().alias("n"),
                apart().median().cast(DataType::Int64).alias("median"),
                apart().quantile(lit(0.05), QuantileMethod::Nearest).cast(DataType::Int64).alias("low"),
                apart().quantile(lit(0.95), QuantileMethod::Nearest).cast(DataType::Int64).alias("high"),
            ]);
            let cells = Cells::collect_streaming(told)?;
            let number = |name: &str| cells.int(name, 0);
            if let (Some(ids), Some(median), Some(low), Some(high)) =
                (number("n"), number("median"), number("low"), number("high"))
                && ids.unsigned_abs() >= LEAST
            {
                let (first, second) = ((*first).to_owned(), (*second).to_owned());
                all.push(Skew { first, second, ids: ids.unsigned_abs(), median, low, high });
            }
        }
    }
    Ok(all)
}

/// Each id of a table with its first time.
fn first_times(lake: &Lake, table: &str, range: TimeRange) -> Result<Option<LazyFrame>, FrameError> {
    let (id, time) = (Link::RequestId.column(), Common::EventTime.name());
    let Some(plan) = frame::events(lake, &[table], range)? else {
        return Ok(None);
    };
    let options = ExplodeOptions { empty_as_null: false, keep_nulls: false };
    let plan = plan
        .filter(col(time).is_not_null().and(col(id).list().len().gt(lit(0))))
        .select([col(id), col(time).dt().timestamp(TimeUnit::Microseconds).alias("at")])
        .limit(ROWS)
        .explode(by_name([id], true, false), options);
    Ok(Some(plan.group_by([col(id)]).agg([col("at").min()])))
}
