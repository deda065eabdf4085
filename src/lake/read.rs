//! Reads parts back: the raw records for a scan, and single columns.

use super::manifest::Part;
use super::{Lake, LakeError, schema};
use crate::model::Common;
use arrow::array::{
    Array as _, AsArray as _, BinaryArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use std::fs::File;

/// Rows per batch: with lines of a few hundred bytes, about the chunk a scan works on.
const BATCH_ROWS: usize = 4096;
/// Column of a log stream's name, in the table that has it.
const LOG_STREAM: &str = "cw_log_stream";

/// The records of one batch, with their places.
pub struct RawBatch {
    raw: StringArray,
    raw_bytes: BinaryArray,
    segments: Int64Array,
    times: Option<TimestampMicrosecondArray>,
    batch: RecordBatch,
}

/// One text column of a batch, found once.
#[derive(Clone, Copy)]
pub struct TextColumn<'b>(Option<&'b StringArray>);

impl<'b> TextColumn<'b> {
    fn of(batch: &'b RecordBatch, name: &str) -> Self {
        Self(batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>()))
    }

    /// The text of record `i`; `None` where it is null or the part has no such column.
    pub fn get(self, i: usize) -> Option<&'b str> {
        self.0.filter(|column| column.is_valid(i)).map(|column| column.value(i))
    }
}

/// Where one record of a batch lies.
#[derive(Clone, Debug)]
pub struct RawPlace<'b> {
    pub event_id: &'b str,
    /// UTC microseconds.
    pub event_time: Option<i64>,
    pub resource: Option<&'b str>,
    pub object: &'b str,
    pub record: i64,
    /// Piece number of a record kept in segments.
    pub segment: Option<i64>,
}

impl RawBatch {
    pub fn len(&self) -> usize {
        self.raw.len()
    }

    pub fn is_empty(&self) -> bool {
        self.raw.is_empty()
    }

    /// The exact bytes of record `i`.
    pub fn bytes(&self, i: usize) -> &[u8] {
        if self.raw_bytes.is_valid(i) { self.raw_bytes.value(i) } else { self.raw.value(i).as_bytes() }
    }

    /// Piece number of record `i`, where it is kept in segments.
    pub fn segment(&self, i: usize) -> Option<i64> {
        self.segments.is_valid(i).then(|| self.segments.value(i))
    }

    /// Log group or other resource of record `i`.
    pub fn resource(&self, i: usize) -> Option<&str> {
        self.text(Common::Resource.name(), i)
    }

    /// The record's text, lossy where the bytes are not UTF-8.
    pub fn raw(&self, i: usize) -> &str {
        self.raw.value(i)
    }

    /// Time of record `i` in UTC microseconds.
    pub fn time(&self, i: usize) -> Option<i64> {
        time_at(self.times.as_ref(), i)
    }

    fn text(&self, name: &str, i: usize) -> Option<&str> {
        TextColumn::of(&self.batch, name).get(i)
    }

    /// The names that stand beside the records: of objects, groups and streams; one that repeats is told once.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        [schema::SOURCE_OBJECT, Common::Resource.name(), LOG_STREAM].into_iter().flat_map(|column| {
            let column = TextColumn::of(&self.batch, column);
            let is_new = move |i: usize| i == 0 || column.get(i - 1) != column.get(i);
            (0..self.len()).filter(move |i| is_new(*i)).filter_map(move |i| column.get(i))
        })
    }

    fn int(&self, name: &str, i: usize) -> Option<i64> {
        let column = self.batch.column_by_name(name)?.as_primitive_opt::<Int64Type>()?;
        column.is_valid(i).then(|| column.value(i))
    }

    pub fn place(&self, i: usize) -> RawPlace<'_> {
        RawPlace {
            event_id: self.text(schema::EVENT_ID, i).unwrap_or_default(),
            event_time: self.time(i),
            resource: self.resource(i),
            object: self.text(schema::SOURCE_OBJECT, i).unwrap_or_default(),
            record: self.int(schema::SOURCE_RECORD, i).unwrap_or_default(),
            segment: self.segment(i),
        }
    }
}

/// Batches of one part's raw records and places.
pub struct RawBatches {
    path: String,
    reader: ParquetRecordBatchReader,
}

impl Iterator for RawBatches {
    type Item = Result<RawBatch, LakeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = match self.reader.next()? {
            Ok(batch) => batch,
            Err(source) => {
                let source = parquet::errors::ParquetError::from(source);
                return Some(Err(LakeError::Read { path: self.path.clone(), source }));
            }
        };
        let raw = batch.column_by_name(schema::RAW).and_then(|c| c.as_string_opt::<i32>()).cloned();
        let bytes = batch.column_by_name(schema::RAW_BYTES).and_then(|c| c.as_binary_opt::<i32>()).cloned();
        let segments = batch.column_by_name(schema::SEGMENT).and_then(|c| c.as_primitive_opt::<Int64Type>()).cloned();
        let (Some(raw), Some(raw_bytes), Some(segments)) = (raw, bytes, segments) else {
            let source = parquet::errors::ParquetError::General("no column `raw` or `segment`".to_owned());
            return Some(Err(LakeError::Read { path: self.path.clone(), source }));
        };
        let times = times_of(&batch);
        Some(Ok(RawBatch { raw, raw_bytes, segments, times, batch }))
    }
}

fn times_of(batch: &RecordBatch) -> Option<TimestampMicrosecondArray> {
    batch.column_by_name(Common::EventTime.name())?.as_primitive_opt::<TimestampMicrosecondType>().cloned()
}

fn time_at(times: Option<&TimestampMicrosecondArray>, i: usize) -> Option<i64> {
    times.filter(|times| times.is_valid(i)).map(|times| times.value(i))
}

/// Times and some text columns of one part, batch by batch.
pub struct TextBatches {
    path: String,
    reader: ParquetRecordBatchReader,
}

/// See [`TextBatches`].
pub struct TextBatch {
    times: Option<TimestampMicrosecondArray>,
    batch: RecordBatch,
}

impl TextBatch {
    pub fn len(&self) -> usize {
        self.batch.num_rows()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Time of row `i` in UTC microseconds.
    pub fn time(&self, i: usize) -> Option<i64> {
        time_at(self.times.as_ref(), i)
    }

    /// A text column, where it was asked for: for whoever reads it row by row.
    pub fn texts(&self, name: &str) -> TextColumn<'_> {
        TextColumn::of(&self.batch, name)
    }
}

impl Iterator for TextBatches {
    type Item = Result<TextBatch, LakeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let read = self.reader.next()?.map_err(|source| LakeError::Arrow { path: self.path.clone(), source });
        Some(read.map(|batch| TextBatch { times: times_of(&batch), batch }))
    }
}

/// A record no format could parse.
#[derive(Clone, Debug)]
pub struct RejectRow {
    pub object: String,
    /// From 1.
    pub record: i64,
    /// Byte offset in the decompressed object.
    pub offset: i64,
    pub reason: String,
    pub detail: String,
    /// Lossy where the bytes are not UTF-8.
    pub raw: String,
}

impl Lake {
    /// Every reject, in order of object and record.
    pub fn rejects(&self) -> Result<Vec<RejectRow>, LakeError> {
        let columns = [
            schema::SOURCE_OBJECT,
            schema::SOURCE_RECORD,
            schema::SOURCE_OFFSET,
            "reject_reason",
            "reject_detail",
            schema::RAW,
        ];
        let mut rows = Vec::new();
        for part in self.all_parts().filter(|part| part.table == schema::REJECTS) {
            for batch in self.open_part(part, &columns)? {
                let batch = batch.map_err(|source| LakeError::Arrow { path: part.path.clone(), source })?;
                let text = |name: &str, i: usize| {
                    let column = batch.column_by_name(name).and_then(|c| c.as_string_opt::<i32>());
                    column.filter(|c| c.is_valid(i)).map(|c| c.value(i).to_owned()).unwrap_or_default()
                };
                let int = |name: &str, i: usize| {
                    batch.column_by_name(name).and_then(|c| c.as_primitive_opt::<Int64Type>()).map_or(0, |c| c.value(i))
                };
                rows.extend((0..batch.num_rows()).map(|i| RejectRow {
                    object: text(schema::SOURCE_OBJECT, i),
                    record: int(schema::SOURCE_RECORD, i),
                    offset: int(schema::SOURCE_OFFSET, i),
                    reason: text("reject_reason", i),
                    detail: text("reject_detail", i),
                    raw: text(schema::RAW, i),
                }));
            }
        }
        rows.sort_by(|a, b| (&a.object, a.record, a.offset).cmp(&(&b.object, b.record, b.offset)));
        Ok(rows)
    }

    pub(super) fn open_part(&self, part: &Part, columns: &[&str]) -> Result<ParquetRecordBatchReader, LakeError> {
        let path = self.path_of(part);
        let file = File::open(&path).map_err(|e| LakeError::io(&path, e))?;
        let read = |source| LakeError::Read { path: path.display().to_string(), source };
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(read)?;
        let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
        builder.with_projection(mask).with_batch_size(BATCH_ROWS).build().map_err(read)
    }

    /// The raw records of a part.
    pub fn raw_batches(&self, part: &Part) -> Result<RawBatches, LakeError> {
        let columns = [
            schema::EVENT_ID,
            Common::EventTime.name(),
            Common::Resource.name(),
            schema::RAW,
            schema::RAW_BYTES,
            schema::SOURCE_OBJECT,
            schema::SOURCE_RECORD,
            schema::SEGMENT,
            LOG_STREAM,
        ];
        Ok(RawBatches { path: part.path.clone(), reader: self.open_part(part, &columns)? })
    }

    /// Times and these text columns of a part; one that the part has not is null.
    pub fn text_batches(&self, part: &Part, columns: &[&str]) -> Result<TextBatches, LakeError> {
        let all: Vec<&str> = std::iter::once(Common::EventTime.name()).chain(columns.iter().copied()).collect();
        Ok(TextBatches { path: part.path.clone(), reader: self.open_part(part, &all)? })
    }

    /// Every event id of a part.
    pub fn event_ids(&self, part: &Part) -> Result<Vec<String>, LakeError> {
        let mut ids = Vec::with_capacity(part.rows as usize);
        for batch in self.open_part(part, &[schema::EVENT_ID])? {
            let batch = batch.map_err(|source| LakeError::Arrow { path: part.path.clone(), source })?;
            if let Some(column) = batch.column_by_name(schema::EVENT_ID).and_then(|c| c.as_string_opt::<i32>()) {
                ids.extend(column.iter().flatten().map(str::to_owned));
            }
        }
        Ok(ids)
    }
}
