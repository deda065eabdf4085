//! Rebuilds the tables that are made of another one's lines, for the days that got new ones.

use super::PipelineError;
use super::identity;
use crate::formats;
use crate::lake::manifest::Part;
use crate::lake::part::RowMeta;
use crate::lake::writer::{LakeWriter, partition};
use crate::lake::{Lake, LakeError, schema};
use crate::model::{Common, Micros, TimeRange};
use crate::stitch::{self, Derived, Line, Stitched};
use std::collections::BTreeSet;

/// A Lambda function runs for 15 minutes at most, an API Gateway request for less: lines of one row lie no
/// further apart.
const LONGEST: i64 = 16 * 60 * 1_000_000;
const DAY: i64 = 86_400_000_000;

/// Stitches anew what lines of these parts may belong to, which are stored and not yet committed: parts to add, and
/// paths of parts they replace. Both belong into the same change as the lines, or a run that is cut off in between
/// would leave lines without their rows.
pub(super) fn rebuild(lake: &Lake, new: &[Part]) -> Result<(Vec<Part>, Vec<String>), PipelineError> {
    let mut add = Vec::new();
    let mut remove = Vec::new();
    for derived in stitch::ALL {
        for day in days(derived, new) {
            let folder = partition(derived.id, day.map(|day| Micros(day * DAY)));
            let old = lake.all_parts().filter(|part| part.path.rsplit_once('/').is_some_and(|(at, _)| at == folder));
            remove.extend(old.map(|part| part.path.clone()));
            let rows = stitch_day(lake, new, derived, day)?;
            let mut writer = LakeWriter::new(&lake.store);
            for row in rows {
                push(&mut writer, derived, row)?;
            }
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

fn stitch_day(lake: &Lake, new: &[Part], derived: &Derived, day: Option<i64>) -> Result<Vec<Stitched>, LakeError> {
    let range = match day {
        Some(day) => TimeRange {
            from: Some(Micros((day * DAY).saturating_sub(LONGEST))),
            to: Some(Micros(((day + 1) * DAY).saturating_add(LONGEST))),
        },
        None => TimeRange::default(),
    };
    let fields = formats::by_id(derived.source).map_or(&[][..], |format| format.fields());
    let column = |end: &str| fields.iter().map(|f| f.column).find(|name| name.ends_with(end)).unwrap_or_default();
    let (group, stream) = (column("_log_group"), column("_log_stream"));
    let columns = [Common::AccountId.name(), Common::Region.name(), group, stream];
    let mut stitcher = (derived.stitcher)();
    let fresh = new.iter().filter(|part| part.table == derived.source && part.may_touch(range));
    for part in lake.parts(derived.source, range).chain(fresh) {
        for batch in lake.raw_batches_with(part, &columns)? {
            let batch = batch?;
            let ids = batch.texts(schema::EVENT_ID);
            let [account, region, group, stream] = columns.map(|name| batch.texts(name));
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
                        raw: batch.raw(i),
                    });
                }
            }
        }
    }
    let rows = stitcher.finish();
    Ok(rows.into_iter().filter(|row| row.first.map(Micros::day) == day).collect())
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
