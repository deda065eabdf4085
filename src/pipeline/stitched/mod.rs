//! Rebuilds the tables that are made of another one's lines, for the days that got new ones.

mod by_time;

use super::PipelineError;
use super::identity;
use super::progress::Progress;
use super::threads;
use crate::lake::manifest::{Change, Part, StaleDay};
use crate::lake::part::RowMeta;
use crate::lake::writer::{LakeWriter, partition};
use crate::lake::{Lake, LakeError, schema};
use crate::model::{Common, Micros, Value};
use crate::stitch::{self, Derived, LONGEST, Stitched};
use by_time::ByTime;
use crossbeam_channel::{Receiver, Sender};
use std::collections::BTreeSet;
use std::sync::Mutex;

const DAY: i64 = 86_400_000_000;
/// Time between two looks for rows that are over.
const STEP: i64 = 60_000_000;
/// Rows that are handed over at once.
const CHUNK: usize = 256;

/// Days whose rows may change by lines in these parts: a line can belong to a row that began the day before.
pub fn stale_days(new: &[Part]) -> Vec<StaleDay> {
    let mut days = BTreeSet::new();
    for derived in stitch::ALL {
        for part in new.iter().filter(|part| part.table == derived.source) {
            let mut add = |day| days.insert(StaleDay { table: derived.id.to_owned(), day });
            match (part.min_time, part.max_time) {
                (Some(min), Some(max)) => {
                    let (first, last) = (Micros(min.saturating_sub(LONGEST)).day(), Micros(max).day());
                    for day in first..=last {
                        add(Some(day));
                    }
                }
                _ => {
                    add(None);
                }
            }
        }
    }
    days.into_iter().collect()
}

/// Stitches the days anew that the lake knows to be stale, and publishes them at once. Where it is interrupted they
/// stay stale, and the next import goes on.
pub fn rebuild(lake: &mut Lake, progress: &dyn Progress) -> Result<(), PipelineError> {
    let stale: Vec<StaleDay> = lake.manifest.stale.iter().cloned().collect();
    if stale.is_empty() {
        return Ok(());
    }
    let next = Mutex::new(stale.iter());
    let shared = &*lake;
    let worker = || {
        let mut parts = Vec::new();
        loop {
            let day = next.lock().unwrap_or_else(std::sync::PoisonError::into_inner).next();
            match day {
                Some(day) => parts.extend(stitch_day(shared, day, progress)?),
                None => return Ok(parts),
            }
        }
    };
    let results: Vec<Result<Vec<Part>, PipelineError>> = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..threads().min(stale.len())).map(|_| scope.spawn(worker)).collect();
        handles.into_iter().map(|handle| handle.join().unwrap_or(Err(PipelineError::Worker))).collect()
    });
    let mut add_parts = Vec::new();
    for parts in results {
        add_parts.extend(parts?);
    }
    let folders: BTreeSet<String> = stale.iter().map(folder_of).collect();
    let old = lake.all_parts().filter(|part| part.path.rsplit_once('/').is_some_and(|(at, _)| folders.contains(at)));
    // The same rows make the same file again.
    let gone = old.filter(|old| add_parts.iter().all(|part| part.path != old.path)).map(|part| part.path.clone());
    let remove_parts = gone.collect();
    lake.commit(Change { by: "stitch".to_owned(), add_parts, remove_parts, stitched: stale, ..Change::default() })?;
    Ok(())
}

fn folder_of(stale: &StaleDay) -> String {
    partition(&stale.table, stale.day.map(|day| Micros(day * DAY)))
}

/// The parts of one day, stored and not yet committed: one thread reads lines, one writes rows.
fn stitch_day(lake: &Lake, stale: &StaleDay, progress: &dyn Progress) -> Result<Vec<Part>, PipelineError> {
    let Some(derived) = stitch::ALL.into_iter().find(|derived| derived.id == stale.table) else {
        return Ok(Vec::new());
    };
    let (send, rows) = crossbeam_channel::bounded(16);
    std::thread::scope(|scope| {
        let writer = scope.spawn(move || write(lake, derived, &rows));
        let read = read(lake, derived, stale.day, send, progress);
        let written = writer.join().unwrap_or(Err(PipelineError::Worker));
        // Without its writer the reader stops too: what the writer says is the reason.
        written.and_then(|parts| read.map(|()| parts))
    })
}

fn read(
    lake: &Lake,
    derived: &Derived,
    day: Option<i64>,
    send: Sender<Vec<Stitched>>,
    progress: &dyn Progress,
) -> Result<(), PipelineError> {
    let mut stitcher = (derived.stitcher)();
    let mut chunk = Vec::new();
    let mut give = |row: Stitched| {
        if row.first.map(Micros::day) == day {
            chunk.push(row);
        }
        if chunk.len() >= CHUNK {
            // Where nobody takes it any more the loop below ends.
            let _ = send.send(std::mem::take(&mut chunk));
        }
    };
    let mut looked = None;
    ByTime::new(lake, derived, day)?.each(&mut |line| {
        if let (Some(now), Some(before)) = (line.time, looked)
            && now.0.saturating_sub(before) > STEP
        {
            stitcher.retire(now, &mut give);
            looked = Some(now.0);
            if progress.cancelled() {
                return Err(PipelineError::Interrupted);
            }
        }
        looked = looked.or(line.time.map(|time| time.0));
        stitcher.add(line);
        Ok(())
    })?;
    stitcher.finish(&mut give);
    let _ = send.send(chunk);
    Ok(())
}

fn write(lake: &Lake, derived: &Derived, rows: &Receiver<Vec<Stitched>>) -> Result<Vec<Part>, PipelineError> {
    let mut writer = LakeWriter::new(&lake.store);
    for row in rows.iter().flatten() {
        push(&mut writer, derived, row)?;
    }
    Ok(writer.finish()?)
}

fn push(writer: &mut LakeWriter<'_>, derived: &Derived, stitched: Stitched) -> Result<(), LakeError> {
    let Stitched { mut row, event_id, first, raw } = stitched;
    row.feed(derived.fields);
    if let Some(first) = first {
        row.set(Common::EventTime, Value::Time(first));
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
