//! Parts made out of other parts, batch by batch: what one holds in memory is one row group, encoded.

use super::encode::{Column, FileWriter, from_arrow};
use super::link_index::LinkHashes;
use super::manifest::Part;
use super::part::{BuiltPart, ROW_GROUP_RAW};
use super::publish;
use super::{Lake, LakeError, schema};
use crate::model::{Common, Link};
use arrow::array::{AsArray as _, RecordBatch};
use arrow::datatypes::{SchemaRef, TimestampMicrosecondType};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use std::fs::File;

/// Raw bytes per batch that a reader of a whole part gives, about.
const BATCH_RAW: u64 = 2 * 1024 * 1024;
const BATCH_ROWS: u64 = 4096;

/// Raw bytes of the rows of a batch: where each begins, and where the last one ends.
fn raw_offsets(batch: &RecordBatch) -> Vec<u64> {
    let raw = batch.column_by_name(schema::RAW).and_then(|c| c.as_string_opt::<i32>());
    match raw.map(|raw| raw.value_offsets()) {
        Some(offsets) => offsets.iter().map(|at| (at - offsets[0]) as u64).collect(),
        None => vec![0; batch.num_rows() + 1],
    }
}

/// How many of the rows that begin at `from` have at most `room` bytes of raw.
fn fitting(offsets: &[u64], from: usize, room: u64) -> usize {
    offsets[from + 1..].partition_point(|end| end - offsets[from] <= room)
}

/// Writes one part of batches that come in its order.
pub(super) struct PartWriter {
    table: String,
    schema: SchemaRef,
    writer: FileWriter,
    /// The row group that is being filled.
    group: Vec<Column>,
    group_rows: usize,
    group_raw: u64,
    links: LinkHashes,
    rows: u64,
    raw: u64,
    min_time: Option<i64>,
    max_time: Option<i64>,
}

impl PartWriter {
    pub fn new(table: &str, schema: &SchemaRef) -> Result<Self, LakeError> {
        let error = |source| LakeError::Write { path: table.to_owned(), source };
        Ok(Self {
            table: table.to_owned(),
            schema: SchemaRef::clone(schema),
            writer: FileWriter::new(schema).map_err(error)?,
            group: from_arrow::empty(schema).map_err(error)?,
            group_rows: 0,
            group_raw: 0,
            links: LinkHashes::new(),
            rows: 0,
            raw: 0,
            min_time: None,
            max_time: None,
        })
    }

    pub fn push(&mut self, batch: &RecordBatch) -> Result<(), LakeError> {
        let offsets = raw_offsets(batch);
        let mut from = 0;
        while from < batch.num_rows() {
            let rows = fitting(&offsets, from, (ROW_GROUP_RAW as u64).saturating_sub(self.group_raw));
            if rows == 0 && self.group_raw > 0 {
                self.flush()?;
                continue;
            }
            // One record larger than a row group has one of its own.
            let rows = rows.max(1);
            for (column, array) in self.group.iter_mut().zip(batch.columns()) {
                from_arrow::append(column, self.group_rows, array.slice(from, rows).as_ref());
            }
            self.group_rows += rows;
            self.group_raw += offsets[from + rows] - offsets[from];
            from += rows;
        }
        self.raw += offsets.last().copied().unwrap_or(0);
        self.rows += batch.num_rows() as u64;
        let times = batch.column_by_name(Common::EventTime.name());
        if let Some(times) = times.and_then(|c| c.as_primitive_opt::<TimestampMicrosecondType>()) {
            for time in times.iter().flatten() {
                self.min_time = Some(self.min_time.map_or(time, |min| min.min(time)));
                self.max_time = Some(self.max_time.map_or(time, |max| max.max(time)));
            }
        }
        Ok(())
    }

    /// Encodes the row group.
    fn flush(&mut self) -> Result<(), LakeError> {
        let error = |source| LakeError::Write { path: self.table.clone(), source };
        let mut group = std::mem::replace(&mut self.group, from_arrow::empty(&self.schema).map_err(error)?);
        group.iter_mut().for_each(|column| column.finish(self.group_rows));
        for link in Link::ALL {
            if let Ok(at) = self.schema.index_of(link.column()) {
                self.links.add_values(link, group[at].items());
            }
        }
        let columns: Vec<&Column> = group.iter().collect();
        self.writer.write(&columns, self.group_rows).map_err(error)?;
        (self.group_rows, self.group_raw) = (0, 0);
        Ok(())
    }

    pub fn finish(mut self) -> Result<BuiltPart, LakeError> {
        if self.group_rows > 0 || self.rows == 0 {
            self.flush()?;
        }
        let parquet = self.writer.finish().map_err(|source| LakeError::Write { path: self.table.clone(), source })?;
        Ok(BuiltPart {
            rows: self.rows,
            raw_bytes: self.raw,
            min_time: self.min_time,
            max_time: self.max_time,
            schema: schema::id(&self.schema),
            links: self.links.finish(),
            table: self.table,
            parquet,
        })
    }
}

/// Cuts a stream of batches into parts of at most so many bytes of raw, and stores them.
pub(super) struct Cutter<'l> {
    lake: &'l Lake,
    table: &'l str,
    folder: &'l str,
    schema: SchemaRef,
    target: u64,
    open: Option<PartWriter>,
    done: Vec<Part>,
}

impl<'l> Cutter<'l> {
    pub fn new(lake: &'l Lake, (table, folder): (&'l str, &'l str), schema: &SchemaRef, target: u64) -> Self {
        Self { lake, table, folder, schema: SchemaRef::clone(schema), target, open: None, done: Vec::new() }
    }

    pub fn push(&mut self, batch: &RecordBatch) -> Result<(), LakeError> {
        let offsets = raw_offsets(batch);
        let mut from = 0;
        while from < batch.num_rows() {
            let mut writer = match self.open.take() {
                Some(writer) => writer,
                None => PartWriter::new(self.table, &self.schema)?,
            };
            let fits = fitting(&offsets, from, self.target.saturating_sub(writer.raw));
            if fits == 0 && writer.rows > 0 {
                self.done.push(writer.finish()?.store(&self.lake.store, self.folder)?);
                continue;
            }
            let rows = fits.max(1);
            writer.push(&batch.slice(from, rows))?;
            from += rows;
            self.open = Some(writer);
        }
        Ok(())
    }

    /// The parts, stored and not yet committed.
    pub fn finish(mut self) -> Result<Vec<Part>, LakeError> {
        if let Some(writer) = self.open.take() {
            self.done.push(writer.finish()?.store(&self.lake.store, self.folder)?);
        }
        Ok(self.done)
    }
}

/// Batches of a whole part, in its order.
pub(super) struct Whole {
    pub schema: SchemaRef,
    pub reader: ParquetRecordBatchReader,
}

impl Lake {
    /// Opens a part to take its rows over, after making sure that it is the one the manifest names: else damage
    /// would be given a new hash, and look sound.
    pub(super) fn open_checked(&self, part: &Part) -> Result<Whole, LakeError> {
        self.check_bytes(part)?;
        self.open_whole(&part.path, part.rows, part.raw_bytes)
    }

    pub(super) fn check_bytes(&self, part: &Part) -> Result<(), LakeError> {
        let altered = |what: String| LakeError::Altered { path: part.path.clone(), what };
        let bytes = self.get(&part.path)?.ok_or_else(|| altered("it is missing".to_owned()))?;
        if bytes.len() as u64 != part.bytes {
            return Err(altered(format!("{} bytes instead of {}", bytes.len(), part.bytes)));
        }
        if publish::sha256(&bytes) != part.sha256 {
            return Err(altered("another SHA-256".to_owned()));
        }
        Ok(())
    }

    /// Batches of about [`BATCH_RAW`], going by the average row.
    pub(super) fn open_whole(&self, path: &str, rows: u64, raw_bytes: u64) -> Result<Whole, LakeError> {
        let full = self.root().join(path);
        let file = File::open(&full).map_err(|e| LakeError::io(&full, e))?;
        let read = |source| LakeError::Read { path: path.to_owned(), source };
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(read)?;
        let average = (raw_bytes / rows.max(1)).max(1);
        let batch_rows = (BATCH_RAW / average).clamp(1, BATCH_ROWS) as usize;
        let schema = SchemaRef::clone(builder.schema());
        let reader = builder.with_batch_size(batch_rows).build().map_err(read)?;
        Ok(Whole { schema, reader })
    }
}

/// The folder of a part: `table/event_date=…`.
pub(super) fn folder_of(part: &Part) -> &str {
    part.path.rsplit_once('/').map_or("", |(folder, _)| folder)
}
