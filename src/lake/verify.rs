//! Whether the lake is what its manifest says, and the source objects are what was imported.

pub(super) mod sources;

use super::link_index::{self, LinkHashes};
use super::manifest::{self, Change, Manifest, Part};
use super::publish::sha256;
use super::rewrite::folder_of;
use super::store::Store as _;
use super::{Lake, LakeError, schema, writer};
use crate::model::{Common, Micros};
use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::datatypes::TimestampMicrosecondType;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::statistics::Statistics;
use serde::Serialize;
use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io;

pub use sources::Members;

/// Something that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// In the lake, relative to its root; a source object as it was named.
    pub file: String,
    /// Byte offset of the first difference, where it can be told.
    pub offset: Option<u64>,
    pub what: String,
}

impl Problem {
    fn new(file: &str, offset: Option<u64>, what: impl Into<String>) -> Self {
        Self { file: file.to_owned(), offset, what: what.into() }
    }
}

/// What was looked at, and what was found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct VerifyReport {
    pub changes: u64,
    /// SHA-256 of the newest change's file. Written down elsewhere, it shows later that nothing before it was
    /// altered: each change names the hash of the one before.
    pub head: Option<String>,
    pub parts: u64,
    pub rows: u64,
    pub bytes: u64,
    /// Source objects whose bytes are kept in the lake, and are as delivered.
    pub evidence: u64,
    /// Source objects that are what was imported.
    pub objects: u64,
    /// Source objects that are no longer where they were imported from.
    pub missing: Vec<String>,
    /// Source objects that have grown: what was imported is their beginning.
    pub grown: Vec<String>,
    /// Source objects of whose name a later version was imported, and lies there.
    pub replaced: Vec<String>,
    /// Source objects that are no local files.
    pub not_local: Vec<String>,
    /// Files beside the lake's own: replaced parts, or what a crash left. The next command that writes deletes them.
    pub orphans: u64,
    pub problems: Vec<Problem>,
}

impl Lake {
    /// Checks manifests, parts and source objects; `deep` also decodes every row. Source objects with relative names
    /// are looked for from the working directory. `members` opens archives, `progress` is told bytes as they are done.
    pub fn verify(&self, deep: bool, members: &Members<'_>, progress: &dyn Fn(u64)) -> Result<VerifyReport, LakeError> {
        let mut report = VerifyReport { orphans: self.orphans()?.len() as u64, ..VerifyReport::default() };
        self.verify_chain(&mut report)?;
        let mut ids: (&str, HashSet<String>) = ("", HashSet::new());
        for part in self.all_parts() {
            let problems = self.verify_part(part)?;
            let sound = problems.is_empty();
            report.problems.extend(problems);
            if deep && sound && !schema::DERIVED.contains(&part.table.as_str()) {
                let day = folder_of(part);
                if ids.0 != day {
                    ids = (day, HashSet::new());
                }
                report.problems.extend(self.verify_rows(part, &mut ids.1)?);
            }
            for old in part.replaces.iter().filter(|old| self.manifest.parts.contains_key(*old)) {
                let what = format!("is in the lake beside {old}, which it replaces: its rows count twice");
                report.problems.push(Problem::new(&part.path, None, what));
            }
            report.parts += 1;
            report.rows += part.rows;
            report.bytes += part.bytes;
            progress(part.bytes);
        }
        self.verify_evidence(&mut report, progress)?;
        self.verify_sources(members, &mut report, progress);
        Ok(report)
    }

    /// Bytes that [`Lake::verify`] will read, at the most.
    pub fn verify_size(&self) -> u64 {
        let parts: u64 = self.all_parts().map(|part| part.bytes).sum();
        let objects = self.manifest.objects.values();
        parts + objects.map(|o| if o.evidence.is_some() { o.size.saturating_mul(2) } else { o.size }).sum::<u64>()
    }

    /// Every change from the first on: there, unaltered by what its successor says, and adding up to what
    /// checkpoints hold.
    fn verify_chain(&self, report: &mut VerifyReport) -> Result<(), LakeError> {
        let mut replay = Manifest { layout: manifest::LAYOUT, ..Manifest::default() };
        let mut before: Option<String> = None;
        let mut whole = true;
        for version in 1..=self.manifest.version {
            let path = manifest::change_path(version);
            let Some(bytes) = self.store.get(&path)? else {
                report.problems.push(Problem::new(&path, None, "is missing, and later changes are there"));
                (before, whole) = (None, false);
                replay.version = version;
                continue;
            };
            report.changes += 1;
            let hash = sha256(&bytes);
            match serde_json::from_slice::<Change>(&bytes) {
                Ok(change) => {
                    if let (Some(parent), Some(before)) = (&change.parent, &before)
                        && parent != before
                    {
                        let last = manifest::change_path(version - 1);
                        let what = format!("was altered after {path} was written");
                        report.problems.push(Problem::new(&last, None, what));
                    }
                    replay.apply(change);
                }
                Err(error) => {
                    let what = format!("cannot be read: {error}");
                    report.problems.push(Problem::new(&path, offset_of(&bytes, &error), what));
                    (replay.version, whole) = (version, false);
                }
            }
            before = Some(hash);
            let path = manifest::checkpoint_path(version);
            if let Some(bytes) = self.store.get(&path)?.filter(|_| whole) {
                match serde_json::from_slice::<Manifest>(&bytes) {
                    Ok(state) if same_content(&state, &replay) => {}
                    Ok(_) => {
                        let what = "does not hold what the changes before it add up to";
                        report.problems.push(Problem::new(&path, None, what));
                    }
                    Err(error) => {
                        let what = format!("cannot be read: {error}");
                        report.problems.push(Problem::new(&path, offset_of(&bytes, &error), what));
                    }
                }
            }
        }
        report.head = before;
        Ok(())
    }

    fn verify_part(&self, part: &Part) -> Result<Vec<Problem>, LakeError> {
        let path = self.path_of(part);
        let (size, hash) = match sources::hash_file(&path, u64::MAX) {
            Ok(hashed) => (hashed.size, hashed.whole),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(vec![Problem::new(&part.path, None, "is missing")]);
            }
            Err(error) => return Err(LakeError::io(&path, error)),
        };
        if size != part.bytes {
            let what = format!("has {size} bytes, the manifest says {}", part.bytes);
            return Ok(vec![Problem::new(&part.path, Some(size.min(part.bytes)), what)]);
        }
        if hash != part.sha256 {
            return Ok(vec![self.locate(part)]);
        }
        footer(self, part)
    }

    /// Where a part of the right size was altered, as far as Parquet's own structure tells.
    fn locate(&self, part: &Part) -> Problem {
        let problem = |offset: Option<u64>, what: &str| {
            let what = format!("another SHA-256 than the manifest says: {what}");
            Problem::new(&part.path, offset, what)
        };
        let edge = |at: u64| self.store.get_range(&part.path, at, 4).is_ok_and(|bytes| bytes == b"PAR1");
        let end = part.bytes.saturating_sub(4);
        for at in [0, end] {
            if !edge(at) {
                return problem(Some(at), "no Parquet mark here");
            }
        }
        let Some(metadata) = metadata_of(self, part) else {
            let length = self.store.get_range(&part.path, end.saturating_sub(4), 4).unwrap_or_default();
            let length = length.try_into().map_or(0, u32::from_le_bytes);
            return problem(end.checked_sub(4 + u64::from(length)), "the Parquet footer cannot be read");
        };
        for (number, group) in metadata.row_groups().iter().enumerate() {
            for (leaf, column) in group.columns().iter().enumerate() {
                let (start, length) = column.byte_range();
                if !decodes(self, part, number, leaf) {
                    let name = column.column_path().string();
                    let what = format!("column {name} of row group {number}, {length} bytes, cannot be decoded");
                    return problem(Some(start), &what);
                }
            }
        }
        problem(None, "every page can be decoded all the same, so the place cannot be told")
    }

    /// What only whole rows show.
    fn verify_rows(&self, part: &Part, ids: &mut HashSet<String>) -> Result<Vec<Problem>, LakeError> {
        let mut problems = Vec::new();
        let mut wrong = |what: String| problems.push(Problem::new(&part.path, None, what));
        let whole = self.open_whole(&part.path, part.rows, part.raw_bytes)?;
        if part.schema.as_ref().is_some_and(|id| *id != schema::id(&whole.schema)) {
            wrong("has other columns than the manifest says".to_owned());
        }
        let mut links = LinkHashes::new();
        let mut raw = 0;
        let mut last = None;
        for batch in whole.reader {
            let batch = match batch {
                Ok(batch) => batch,
                Err(error) => {
                    wrong(format!("cannot be decoded: {error}"));
                    return Ok(problems);
                }
            };
            links.add(&batch);
            raw += check_rows(&batch, part, &mut last, ids).unwrap_or_else(|what| {
                wrong(what);
                0
            });
        }
        if raw != part.raw_bytes && problems.is_empty() {
            problems.push(Problem::new(
                &part.path,
                None,
                format!("has {raw} bytes of records, the manifest says {}", part.raw_bytes),
            ));
        }
        if part.links {
            let path = link_index::path_of(&part.sha256);
            let (right, found) = (links.finish(), self.get(&path)?.unwrap_or_default());
            if right != found {
                let same = right.iter().zip(&found).take_while(|(a, b)| a == b).count();
                problems.push(Problem::new(&path, Some(same as u64), "is not the index of its part"));
            }
        }
        Ok(problems)
    }
}

/// Older versions leave out of a checkpoint what they do not know: what counts is compared.
fn same_content(one: &Manifest, two: &Manifest) -> bool {
    let parts = |state: &Manifest| -> BTreeMap<String, (String, u64, u64)> {
        state.parts.values().map(|p| (p.path.clone(), (p.sha256.clone(), p.rows, p.bytes))).collect()
    };
    parts(one) == parts(two) && one.objects.keys().eq(two.objects.keys())
}

/// Byte offset of where JSON could not be read.
fn offset_of(bytes: &[u8], error: &serde_json::Error) -> Option<u64> {
    let lines = bytes.split_inclusive(|b| *b == b'\n').take(error.line().checked_sub(1)?);
    let before: usize = lines.map(<[u8]>::len).sum();
    Some((before + error.column().saturating_sub(1)) as u64)
}

fn metadata_of(lake: &Lake, part: &Part) -> Option<ParquetMetaData> {
    let file = File::open(lake.path_of(part)).ok()?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).ok()?;
    Some(builder.metadata().as_ref().clone())
}

fn decodes(lake: &Lake, part: &Part, group: usize, leaf: usize) -> bool {
    let read = || -> Option<()> {
        let file = File::open(lake.path_of(part)).ok()?;
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).ok()?;
        let mask = ProjectionMask::leaves(builder.parquet_schema(), [leaf]);
        let reader = builder.with_projection(mask).with_row_groups(vec![group]).build().ok()?;
        for batch in reader {
            batch.ok()?;
        }
        Some(())
    };
    read().is_some()
}

/// What the footer says of rows and times, against the manifest.
pub(super) fn footer(lake: &Lake, part: &Part) -> Result<Vec<Problem>, LakeError> {
    let mut problems = Vec::new();
    let Some(metadata) = metadata_of(lake, part) else {
        return Ok(vec![Problem::new(&part.path, None, "the Parquet footer cannot be read")]);
    };
    let rows = metadata.file_metadata().num_rows();
    if rows != part.rows as i64 {
        let what = format!("has {rows} rows, the manifest says {}", part.rows);
        problems.push(Problem::new(&part.path, None, what));
    }
    let column = Common::EventTime.name();
    let mut bounds: (Option<i64>, Option<i64>) = (None, None);
    for chunk in metadata.row_groups().iter().flat_map(|group| group.columns()) {
        if chunk.column_path().string() != column {
            continue;
        }
        if let Some(Statistics::Int64(stats)) = chunk.statistics() {
            let (min, max) = (stats.min_opt().copied(), stats.max_opt().copied());
            bounds.0 = bounds.0.into_iter().chain(min).min();
            bounds.1 = bounds.1.into_iter().chain(max).max();
        }
    }
    if !schema::DERIVED.contains(&part.table.as_str()) && bounds != (part.min_time, part.max_time) {
        let show = |t: Option<i64>| t.map_or_else(|| "none".to_owned(), |t| Micros(t).to_string());
        let what = format!(
            "its times are {} to {}, the manifest says {} to {}",
            show(bounds.0),
            show(bounds.1),
            show(part.min_time),
            show(part.max_time)
        );
        problems.push(Problem::new(&part.path, None, what));
    }
    Ok(problems)
}

/// Checks order, day, table and identity of rows; gives their bytes of raw.
fn check_rows(
    batch: &RecordBatch,
    part: &Part,
    last: &mut Option<i64>,
    ids: &mut HashSet<String>,
) -> Result<u64, String> {
    let text = |name: &str| batch.column_by_name(name).and_then(|c| c.as_string_opt::<i32>());
    let time = batch.column_by_name(Common::EventTime.name());
    let time = time.and_then(|c| c.as_primitive_opt::<TimestampMicrosecondType>());
    let (Some(id), Some(table), Some(raw), Some(time)) =
        (text(schema::EVENT_ID), text(schema::SOURCE_TABLE), text(schema::RAW), time)
    else {
        return Err("lacks one of event_id, source_table, raw and event_time".to_owned());
    };
    let mut bytes = 0;
    for row in 0..batch.num_rows() {
        let now = time.is_valid(row).then(|| time.value(row));
        if now < *last {
            return Err("is not sorted by time".to_owned());
        }
        *last = now;
        if writer::partition(&part.table, now.map(Micros)) != folder_of(part) || table.value(row) != part.table {
            return Err(format!("event {} is of another table or day", id.value(row)));
        }
        if !ids.insert(id.value(row).to_owned()) {
            return Err(format!("event {} is there twice", id.value(row)));
        }
        bytes += raw.value(row).len() as u64;
    }
    Ok(bytes)
}
