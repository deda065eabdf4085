//! Rebuilds the tables that are made of another one's lines, for the days that got new ones.

use super::PipelineError;
use super::block::Event;
use super::identity;
use crate::formats;
use crate::lake::manifest::Part;
use crate::lake::part::RowMeta;
use crate::lake::writer::{LakeWriter, partition};
use crate::lake::{Lake, LakeError, schema};
use crate::model::{Common, Micros, TimeRange};
use crate::stitch::{self, Derived, Line, Stitched, Stitcher};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// A Lambda function runs for 15 minutes at most, an API Gateway request for less: lines of one row lie no
/// further apart.
const LONGEST: i64 = 16 * 60 * 1_000_000;
const DAY: i64 = 86_400_000_000;

/// The lines of this run that make rows of other tables, by derived table and day.
#[derive(Default)]
pub(super) struct Lines {
    stitchers: BTreeMap<(usize, Option<i64>), Box<dyn Stitcher>>,
}

impl Lines {
    /// Notes an event that is new to the lake. A line near the end of a day may belong to a row of the next or the
    /// last one.
    pub fn add(&mut self, event: &Event<'_, '_>, event_id: &str) {
        for (i, _) in stitch::ALL.iter().enumerate().filter(|(_, d)| d.source == event.format.id()) {
            let row = event.row;
            let cells = CELLS[i].map(|cell| cell.and_then(|at| row.native[at].as_str()));
            let [group, stream, kind, request_id, error_type] = cells;
            let time = row.time();
            let line = Line {
                event_id,
                time,
                log_group: group,
                log_stream: stream,
                account_id: row.common(Common::AccountId).as_str(),
                region: row.common(Common::Region).as_str(),
                kind,
                request_id,
                error_type,
                raw: event.meta.raw,
            };
            let mut add = |day| self.stitcher(i, day).add(&line);
            match time {
                Some(time) => {
                    let near = |shift: i64| Micros(time.0.saturating_add(shift)).day();
                    (near(-LONGEST)..=near(LONGEST)).for_each(|day| add(Some(day)));
                }
                None => add(None),
            }
        }
    }

    fn stitcher(&mut self, derived: usize, day: Option<i64>) -> &mut Box<dyn Stitcher> {
        self.stitchers.entry((derived, day)).or_insert_with(|| (stitch::ALL[derived].stitcher)())
    }

    /// Takes over another worker's.
    pub fn absorb(&mut self, other: Self) {
        for ((derived, day), stitcher) in other.stitchers {
            self.stitcher(derived, day).absorb(stitcher.into_any());
        }
    }
}

/// What a line needs of its source table, behind the table's prefix.
const COLUMNS: [&str; 5] = ["_log_group", "_log_stream", "_type", "_request_id", "_error_type"];

/// Their cells, of each derived table's source.
static CELLS: LazyLock<[[Option<usize>; COLUMNS.len()]; stitch::ALL.len()]> =
    LazyLock::new(|| stitch::ALL.map(|derived| COLUMNS.map(|end| cell_of(derived, end))));

/// The cell of a source table's column.
fn cell_of(derived: &Derived, end: &str) -> Option<usize> {
    let fields = formats::by_id(derived.source)?.fields();
    let prefix = fields.first()?.column.split('_').next()?;
    fields.iter().position(|field| field.column.strip_prefix(prefix) == Some(end))
}

/// Stitches anew what the lines of these parts may belong to, which are stored and not yet committed: parts to add,
/// and paths of parts they replace. Both belong into the same change as the lines, or a run that is cut off in
/// between would leave lines without their rows.
pub(super) fn rebuild(lake: &Lake, new: &[Part], mut lines: Lines) -> Result<(Vec<Part>, Vec<String>), PipelineError> {
    let mut add = Vec::new();
    let mut remove = Vec::new();
    for (i, derived) in stitch::ALL.into_iter().enumerate() {
        for day in days(derived, new) {
            let folder = partition(derived.id, day.map(|day| Micros(day * DAY)));
            let old = lake.all_parts().filter(|part| part.path.rsplit_once('/').is_some_and(|(at, _)| at == folder));
            remove.extend(old.map(|part| part.path.clone()));
            let stitcher = lines.stitchers.remove(&(i, day)).unwrap_or_else(|| (derived.stitcher)());
            let stitcher = with_old_lines(lake, stitcher, derived, day)?;
            let mut writer = LakeWriter::new(&lake.store);
            let mut result = Ok(());
            stitcher.finish(&mut |row| {
                if result.is_ok() && row.first.map(Micros::day) == day {
                    result = push(&mut writer, derived, row);
                }
            });
            result?;
            add.extend(writer.finish()?);
        }
    }
    // The same rows make the same file again.
    remove.retain(|path| add.iter().all(|part| part.path != *path));
    Ok((add, remove))
}

/// Days whose rows may change: a line can belong to a row that began the day before.
fn days(derived: &Derived, new: &[Part]) -> BTreeSet<Option<i64>> {
    let mut days = BTreeSet::new();
    for part in new.iter().filter(|part| part.table == derived.source) {
        match (part.min_time, part.max_time) {
            (Some(min), Some(max)) => {
                let (first, last) = (Micros(min.saturating_sub(LONGEST)).day(), Micros(max).day());
                days.extend((first..=last).map(Some));
            }
            _ => {
                days.insert(None);
            }
        }
    }
    days
}

/// The lines of this run and those near the day that lie in the lake.
fn with_old_lines(
    lake: &Lake,
    mut stitcher: Box<dyn Stitcher>,
    derived: &Derived,
    day: Option<i64>,
) -> Result<Box<dyn Stitcher>, LakeError> {
    let range = match day {
        Some(day) => TimeRange {
            from: Some(Micros((day * DAY).saturating_sub(LONGEST))),
            to: Some(Micros(((day + 1) * DAY).saturating_add(LONGEST))),
        },
        None => TimeRange::default(),
    };
    let fields = formats::by_id(derived.source).map_or(&[][..], |format| format.fields());
    let column = |end: &str| cell_of(derived, end).map_or("", |at| fields[at].column);
    let [group, stream, kind, request_id, error_type] = COLUMNS.map(column);
    let columns = [Common::AccountId.name(), Common::Region.name(), group, stream, kind, request_id, error_type];
    for part in lake.parts(derived.source, range) {
        for batch in lake.raw_batches_with(part, &columns)? {
            let batch = batch?;
            let ids = batch.texts(schema::EVENT_ID);
            let [account, region, group, stream, kind, request_id, error_type] = columns.map(|name| batch.texts(name));
            for i in 0..batch.len() {
                let time = batch.time(i).map(Micros);
                let wanted = match (time, day) {
                    (Some(time), Some(_)) => range.contains(time),
                    (None, None) => true,
                    _ => false,
                };
                if wanted {
                    stitcher.add(&Line {
                        event_id: ids.get(i).unwrap_or_default(),
                        time,
                        log_group: group.get(i),
                        log_stream: stream.get(i),
                        account_id: account.get(i),
                        region: region.get(i),
                        kind: kind.get(i),
                        request_id: request_id.get(i),
                        error_type: error_type.get(i),
                        raw: batch.raw(i),
                    });
                }
            }
        }
    }
    Ok(stitcher)
}

fn push(writer: &mut LakeWriter<'_>, derived: &Derived, stitched: Stitched) -> Result<(), LakeError> {
    let Stitched { mut row, event_id, first, raw } = stitched;
    row.feed(derived.fields);
    if let Some(first) = first {
        row.set(Common::EventTime, crate::model::Value::Time(first));
    }
    let hex = identity::hex(&identity::by_aws_id(derived.id, &event_id));
    let meta = RowMeta {
        event_id: identity::text(&hex),
        raw: &raw,
        raw_bytes: None,
        object: derived.source,
        record: 0,
        offset: 0,
        segment: None,
    };
    debug_assert!(schema::STITCHED.contains(&derived.id));
    writer.push(derived.id, derived.fields, &row, &meta)
}
