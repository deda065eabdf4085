//! The lines of a table near a day, by time: parts are sorted, so they are merged, each opened when its time comes.

use super::DAY;
use crate::formats;
use crate::lake::manifest::Part;
use crate::lake::read::{RawBatch, RawBatches};
use crate::lake::{Lake, LakeError, schema};
use crate::model::{Common, Micros, TimeRange};
use crate::pipeline::PipelineError;
use crate::stitch::{Derived, LONGEST, Line};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What a line needs of its table, behind the table's prefix.
const NATIVE: [&str; 5] = ["_log_group", "_log_stream", "_type", "_request_id", "_error_type"];

/// Names of the columns that are read beside the raw text.
type Columns = [&'static str; NATIVE.len() + 2];

fn columns_of(derived: &Derived) -> Columns {
    let fields = formats::by_id(derived.source).map_or(&[][..], |format| format.fields());
    let prefix = fields.first().and_then(|field| field.column.split('_').next()).unwrap_or_default();
    let named = |end: &str| fields.iter().map(|f| f.column).find(|column| column.strip_prefix(prefix) == Some(end));
    let [group, stream, kind, request, error] = NATIVE.map(|end| named(end).unwrap_or_default());
    [Common::AccountId.name(), Common::Region.name(), group, stream, kind, request, error]
}

/// One part, and how far it is read.
struct Cursor {
    batches: RawBatches,
    batch: RawBatch,
    row: usize,
}

impl Cursor {
    /// The next row's time; of those without one the least.
    fn time(&self) -> i64 {
        self.batch.time(self.row).unwrap_or(i64::MIN)
    }

    /// Goes on to the next batch that has rows; `false` at the end.
    fn refill(&mut self) -> Result<bool, LakeError> {
        while self.row >= self.batch.len() {
            let Some(batch) = self.batches.next() else { return Ok(false) };
            self.batch = batch?;
            self.row = 0;
        }
        Ok(true)
    }
    /// The rows of this batch up to that time, one at least.
    fn give(
        &mut self,
        columns: &Columns,
        until: i64,
        give: &mut dyn FnMut(&Line<'_>) -> Result<(), PipelineError>,
    ) -> Result<(), PipelineError> {
        let batch = &self.batch;
        let ids = batch.texts(schema::EVENT_ID);
        let [account, region, group, stream, kind, request_id, error_type] = columns.map(|name| batch.texts(name));
        let first = self.row;
        while self.row < batch.len() {
            let i = self.row;
            let time = batch.time(i);
            if i > first && time.unwrap_or(i64::MIN) > until {
                break;
            }
            self.row += 1;
            give(&Line {
                event_id: ids.get(i).unwrap_or_default(),
                time: time.map(Micros),
                log_group: group.get(i),
                log_stream: stream.get(i),
                account_id: account.get(i),
                region: region.get(i),
                kind: kind.get(i),
                request_id: request_id.get(i),
                error_type: error_type.get(i),
                raw: batch.raw(i),
            })?;
        }
        Ok(())
    }
}

/// See the module.
pub(super) struct ByTime<'l> {
    lake: &'l Lake,
    columns: Columns,
    day: Option<i64>,
    range: TimeRange,
    /// Not opened yet, the earliest last.
    parts: Vec<&'l Part>,
    open: Vec<Option<Cursor>>,
    /// Times of the next rows, with their cursor's number.
    next: BinaryHeap<Reverse<(i64, usize)>>,
}

impl<'l> ByTime<'l> {
    pub fn new(lake: &'l Lake, derived: &Derived, day: Option<i64>) -> Result<Self, LakeError> {
        let range = day.map_or_else(TimeRange::default, |day| TimeRange {
            from: Some(Micros((day * DAY).saturating_sub(LONGEST))),
            to: Some(Micros(((day + 1) * DAY).saturating_add(LONGEST))),
        });
        let mut parts: Vec<&Part> = lake.parts(derived.source, range).collect();
        parts.sort_by(|a, b| (b.min_time, &b.path).cmp(&(a.min_time, &a.path)));
        let columns = columns_of(derived);
        Ok(Self { lake, columns, day, range, parts, open: Vec::new(), next: BinaryHeap::new() })
    }

    /// Opens the parts that may have a row before the next one of the others.
    fn open(&mut self) -> Result<(), LakeError> {
        while let Some(part) = self.parts.last() {
            let due = match (self.next.peek(), part.min_time) {
                (Some(Reverse((next, _))), Some(min)) => min <= *next,
                _ => true,
            };
            if !due {
                return Ok(());
            }
            let mut batches = self.lake.raw_batches_with(part, &self.columns)?;
            self.parts.pop();
            let Some(batch) = batches.next() else { continue };
            let mut cursor = Cursor { batches, batch: batch?, row: 0 };
            if cursor.refill()? {
                self.next.push(Reverse((cursor.time(), self.open.len())));
                self.open.push(Some(cursor));
            }
        }
        Ok(())
    }

    /// Gives every line of the day, and those that rows of the day may have on either side of it.
    pub fn each(mut self, give: &mut dyn FnMut(&Line<'_>) -> Result<(), PipelineError>) -> Result<(), PipelineError> {
        loop {
            self.open()?;
            let Some(Reverse((_, at))) = self.next.pop() else { return Ok(()) };
            // Rows up to the next one of another cursor, or of a part that is not open yet.
            let mut until = self.next.peek().map_or(i64::MAX, |Reverse((time, _))| *time);
            if let Some(min) = self.parts.last().and_then(|part| part.min_time) {
                until = until.min(min);
            }
            let Some(Some(cursor)) = self.open.get_mut(at) else { continue };
            cursor.give(&self.columns, until, &mut |line| match (line.time, self.day) {
                (Some(time), Some(_)) if self.range.contains(time) => give(line),
                (None, None) => give(line),
                _ => Ok(()),
            })?;
            if cursor.refill()? {
                self.next.push(Reverse((cursor.time(), at)));
            } else {
                self.open[at] = None;
            }
        }
    }
}
