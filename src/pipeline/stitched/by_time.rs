//! The lines of a table near a day, by time: parts are sorted, so they are merged, each opened when its time comes.

use super::DAY;
use crate::formats;
use crate::lake::manifest::Part;
use crate::lake::read::{TextBatch, TextBatches};
use crate::lake::{Lake, LakeError, schema};
use crate::model::{Common, Micros, TimeRange};
use crate::pipeline::PipelineError;
use crate::stitch::{Derived, LONGEST, Line};
use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What a line needs of its table, behind the table's prefix.
const NATIVE: [&str; 5] = ["_log_group", "_log_stream", "_type", "_request_id", "_error_type"];

/// Names of the columns that are read.
type Columns = [&'static str; NATIVE.len() + 4];

fn columns_of(derived: &Derived) -> Columns {
    let fields = formats::by_id(derived.source).map_or(&[][..], |format| format.fields());
    let prefix = fields.first().and_then(|field| field.column.split('_').next()).unwrap_or_default();
    let named = |end: &str| fields.iter().map(|f| f.column).find(|column| column.strip_prefix(prefix) == Some(end));
    let [group, stream, kind, request, error] = NATIVE.map(|end| named(end).unwrap_or_default());
    let (account, region) = (Common::AccountId.name(), Common::Region.name());
    [schema::EVENT_ID, account, region, group, stream, kind, request, error, schema::RAW]
}

/// A part, and what came out of it next.
type Ahead = (TextBatches, Option<Result<TextBatch, LakeError>>);

/// Reads parts' next batches on a thread of its own, while the ones before are used.
struct Reader(Sender<(TextBatches, Sender<Ahead>)>);

impl Reader {
    /// Runs `with` beside the thread.
    fn run<T>(with: impl FnOnce(&Self) -> T) -> T {
        let (ask, asked) = unbounded::<(TextBatches, Sender<Ahead>)>();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                for (mut batches, back) in asked {
                    let batch = batches.next();
                    // Who has enough no longer listens.
                    let _ = back.send((batches, batch));
                }
            });
            with(&Self(ask))
        })
    }

    fn ask(&self, batches: TextBatches) -> Receiver<Ahead> {
        let (back, ahead) = bounded(1);
        // A thread that is gone has dropped its end of `ahead`, too.
        let _ = self.0.send((batches, back));
        ahead
    }
}

/// One part, and how far it is used.
struct Cursor {
    ahead: Receiver<Ahead>,
    batch: TextBatch,
    row: usize,
}

impl Cursor {
    /// `None` of a part without rows.
    fn open(batches: TextBatches, reader: &Reader) -> Result<Option<Self>, PipelineError> {
        let ahead = reader.ask(batches);
        let (ahead, batch) = next_batch(&ahead, reader)?;
        Ok(batch.map(|batch| Self { ahead, batch, row: 0 }))
    }

    /// The next row's time; of those without one the least.
    fn time(&self) -> i64 {
        self.batch.time(self.row).unwrap_or(i64::MIN)
    }

    /// Goes on to the next batch where this one is used up; `false` at the end.
    fn refill(&mut self, reader: &Reader) -> Result<bool, PipelineError> {
        if self.row < self.batch.len() {
            return Ok(true);
        }
        let (ahead, batch) = next_batch(&self.ahead, reader)?;
        let Some(batch) = batch else { return Ok(false) };
        *self = Self { ahead, batch, row: 0 };
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
        let [ids, account, region, group, stream, kind, request_id, error_type, raw] =
            columns.map(|name| batch.texts(name));
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
                raw: raw.get(i).unwrap_or_default(),
            })?;
        }
        Ok(())
    }
}

/// The batch that was asked for, the next one with rows, and asks for the one behind it.
fn next_batch(ahead: &Receiver<Ahead>, reader: &Reader) -> Result<(Receiver<Ahead>, Option<TextBatch>), PipelineError> {
    let mut ahead = Receiver::clone(ahead);
    loop {
        let (batches, batch) = ahead.recv().map_err(|_| PipelineError::Worker)?;
        ahead = reader.ask(batches);
        match batch.transpose()? {
            Some(batch) if batch.is_empty() => {}
            batch => return Ok((ahead, batch)),
        }
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
    fn open(&mut self, reader: &Reader) -> Result<(), PipelineError> {
        while let Some(&part) = self.parts.last() {
            let due = match (self.next.peek(), part.min_time) {
                (Some(Reverse((next, _))), Some(min)) => min <= *next,
                _ => true,
            };
            if !due {
                return Ok(());
            }
            self.parts.pop();
            let batches = self.lake.text_batches(part, &self.columns)?;
            if let Some(cursor) = Cursor::open(batches, reader)? {
                self.next.push(Reverse((cursor.time(), self.open.len())));
                self.open.push(Some(cursor));
            }
        }
        Ok(())
    }

    /// Gives every line of the day, and those that rows of the day may have on either side of it.
    pub fn each(mut self, give: &mut dyn FnMut(&Line<'_>) -> Result<(), PipelineError>) -> Result<(), PipelineError> {
        Reader::run(|reader| self.merge(reader, give))
    }

    fn merge(
        &mut self,
        reader: &Reader,
        give: &mut dyn FnMut(&Line<'_>) -> Result<(), PipelineError>,
    ) -> Result<(), PipelineError> {
        loop {
            self.open(reader)?;
            let Some(Reverse((time, at))) = self.next.pop() else { return Ok(()) };
            // Lines without a time come before all others.
            let last = if self.day.is_some() { self.range.to.map_or(i64::MAX, |to| to.0) } else { i64::MIN };
            if time > last {
                return Ok(());
            }
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
            if cursor.refill(reader)? {
                self.next.push(Reverse((cursor.time(), at)));
            } else {
                self.open[at] = None;
            }
        }
    }
}
