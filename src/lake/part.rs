//! Builds one part: rows in, a Parquet file sorted by time out.

use super::link_index::LinkHashes;
use super::{LakeError, schema, shared_columns};
use crate::model::{Common, Field, Kind, Link, Row, Value};
use arrow::array::{
    Array as _, ArrayRef, AsArray as _, BinaryBuilder, BooleanBuilder, Float64Builder, Int64Builder, ListBuilder,
    RecordBatch, StringBuilder, TimestampMicrosecondBuilder, UInt32Array, new_null_array,
};
use arrow::compute::take;
use arrow::datatypes::{DataType, Schema, SchemaRef, TimestampMicrosecondType};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;
use std::sync::Arc;

/// Uncompressed `raw` per row group: what a reader must hold at once.
pub(super) const ROW_GROUP_RAW: usize = 32 * 1024 * 1024;

/// What a row is, beside its cells.
#[derive(Clone, Copy, Debug)]
pub struct RowMeta<'a> {
    pub event_id: &'a str,
    /// The record's text, lossy where the bytes are not UTF-8.
    pub raw: &'a str,
    /// The exact bytes, only where they are not UTF-8.
    pub raw_bytes: Option<&'a [u8]>,
    pub object: &'a str,
    /// From 1.
    pub record: u64,
    /// Byte offset in the decompressed object.
    pub offset: u64,
    pub segment: Option<u32>,
}

enum Column {
    /// Nulls only so far: most columns of a table never get a value in a given part.
    Empty(Kind),
    Str(StringBuilder),
    Int(Int64Builder),
    Float(Float64Builder),
    Bool(BooleanBuilder),
    Time(TimestampMicrosecondBuilder),
}

impl Column {
    fn new(kind: Kind) -> Self {
        Self::Empty(kind)
    }

    /// A column of that kind that begins with `nulls` nulls.
    fn begin(kind: Kind, nulls: usize) -> Self {
        match kind {
            Kind::Str | Kind::Json => {
                let mut builder = StringBuilder::new();
                (0..nulls).for_each(|_| builder.append_null());
                Self::Str(builder)
            }
            Kind::Int => {
                let mut builder = Int64Builder::new();
                builder.append_nulls(nulls);
                Self::Int(builder)
            }
            Kind::Float => {
                let mut builder = Float64Builder::new();
                builder.append_nulls(nulls);
                Self::Float(builder)
            }
            Kind::Bool => {
                let mut builder = BooleanBuilder::new();
                builder.append_nulls(nulls);
                Self::Bool(builder)
            }
            Kind::Time => {
                let mut builder = TimestampMicrosecondBuilder::new().with_timezone("UTC");
                builder.append_nulls(nulls);
                Self::Time(builder)
            }
        }
    }

    /// A value of another kind than the column's is null: formats fill their own columns.
    #[inline]
    fn push(&mut self, value: &Value<'_>, rows: usize) {
        if let Self::Empty(kind) = self {
            if value.is_null() {
                return;
            }
            *self = Self::begin(*kind, rows);
        }
        match (self, value) {
            (Self::Empty(..), _) => {}
            (Self::Str(b), Value::Str(text)) => b.append_value(text),
            (Self::Str(b), _) => b.append_null(),
            (Self::Int(b), Value::Int(n)) => b.append_value(*n),
            (Self::Int(b), _) => b.append_null(),
            (Self::Float(b), Value::Float(n)) => b.append_value(*n),
            (Self::Float(b), _) => b.append_null(),
            (Self::Bool(b), Value::Bool(v)) => b.append_value(*v),
            (Self::Bool(b), _) => b.append_null(),
            (Self::Time(b), Value::Time(t)) => b.append_value(t.0),
            (Self::Time(b), _) => b.append_null(),
        }
    }

    fn finish(&mut self, rows: usize) -> ArrayRef {
        match self {
            Self::Empty(kind) => new_null_array(&schema::data_type(*kind), rows),
            Self::Str(b) => Arc::new(b.finish()),
            Self::Int(b) => Arc::new(b.finish()),
            Self::Float(b) => Arc::new(b.finish()),
            Self::Bool(b) => Arc::new(b.finish()),
            Self::Time(b) => Arc::new(b.finish()),
        }
    }
}

/// Rows of one table and day, in memory.
pub struct PartBuilder {
    table: String,
    schema: SchemaRef,
    event_id: StringBuilder,
    source_table: StringBuilder,
    common: Vec<Column>,
    links: Vec<ListBuilder<StringBuilder>>,
    raw: StringBuilder,
    raw_bytes: BinaryBuilder,
    object: StringBuilder,
    record: Int64Builder,
    offset: Int64Builder,
    segment: Int64Builder,
    native: Vec<Column>,
    extra: StringBuilder,
    rows: usize,
    raw_size: usize,
    last_time: Option<i64>,
    min_time: Option<i64>,
    max_time: Option<i64>,
    sorted: bool,
}

/// A finished part, not yet stored.
pub struct BuiltPart {
    pub table: String,
    pub rows: u64,
    pub raw_bytes: u64,
    pub min_time: Option<i64>,
    pub max_time: Option<i64>,
    /// See [`schema::id`].
    pub schema: String,
    /// The file of its link index.
    pub links: Vec<u8>,
    pub parquet: Vec<u8>,
}

impl PartBuilder {
    pub fn new(table: &str, native: &[Field]) -> Self {
        Self {
            table: table.to_owned(),
            schema: schema::of(native),
            event_id: StringBuilder::new(),
            source_table: StringBuilder::new(),
            common: Common::ALL.iter().map(|c| Column::new(c.kind())).collect(),
            links: Link::ALL.iter().map(|_| ListBuilder::new(StringBuilder::new())).collect(),
            raw: StringBuilder::new(),
            raw_bytes: BinaryBuilder::new(),
            object: StringBuilder::new(),
            record: Int64Builder::new(),
            offset: Int64Builder::new(),
            segment: Int64Builder::new(),
            native: native.iter().map(|f| Column::new(f.kind)).collect(),
            extra: StringBuilder::new(),
            rows: 0,
            raw_size: 0,
            last_time: None,
            min_time: None,
            max_time: None,
            sorted: true,
        }
    }

    pub fn raw_size(&self) -> usize {
        self.raw_size
    }

    pub fn push(&mut self, row: &Row<'_>, meta: &RowMeta<'_>) {
        self.event_id.append_value(meta.event_id);
        self.source_table.append_value(&self.table);
        for (column, &common) in self.common.iter_mut().zip(Common::ALL) {
            column.push(row.common(common), self.rows);
        }
        for (list, &link) in self.links.iter_mut().zip(&Link::ALL) {
            for value in row.links(link) {
                list.values().append_value(value);
            }
            list.append(true);
        }
        self.raw.append_value(meta.raw);
        self.raw_bytes.append_option(meta.raw_bytes);
        self.object.append_value(meta.object);
        self.record.append_value(meta.record as i64);
        self.offset.append_value(meta.offset as i64);
        self.segment.append_option(meta.segment.map(i64::from));
        for (column, value) in self.native.iter_mut().zip(&row.native) {
            column.push(value, self.rows);
        }
        self.extra.append_option(row.extra_json());
        self.rows += 1;
        self.raw_size += meta.raw.len();
        self.note_time(row.time().map(|t| t.0));
    }

    fn note_time(&mut self, time: Option<i64>) {
        self.sorted &= self.rows == 1 || time >= self.last_time;
        self.last_time = time;
        if let Some(time) = time {
            self.min_time = Some(self.min_time.map_or(time, |min| min.min(time)));
            self.max_time = Some(self.max_time.map_or(time, |max| max.max(time)));
        }
    }

    fn columns(&mut self) -> Vec<ArrayRef> {
        let mut columns: Vec<ArrayRef> = vec![Arc::new(self.event_id.finish()), Arc::new(self.source_table.finish())];
        columns.extend(self.common.iter_mut().map(|column| column.finish(self.rows)));
        columns.extend(self.links.iter_mut().map(|list| Arc::new(list.finish()) as ArrayRef));
        columns.push(Arc::new(self.raw.finish()));
        columns.push(Arc::new(self.raw_bytes.finish()));
        columns.push(Arc::new(self.object.finish()));
        columns.push(Arc::new(self.record.finish()));
        columns.push(Arc::new(self.offset.finish()));
        columns.push(Arc::new(self.segment.finish()));
        columns.extend(self.native.iter_mut().map(|column| column.finish(self.rows)));
        columns.push(Arc::new(self.extra.finish()));
        columns
    }

    /// Sorts by event_time, rows without one first, and encodes.
    pub fn build(mut self) -> Result<BuiltPart, LakeError> {
        let columns = self.columns();
        let arrow = |source| LakeError::Arrow { path: self.table.clone(), source };
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(arrow)?;
        let batch = if self.sorted { batch } else { sort(batch).map_err(arrow)? };
        let parquet =
            encode(&batch, self.raw_size).map_err(|source| LakeError::Write { path: self.table.clone(), source })?;
        Ok(BuiltPart {
            table: self.table,
            rows: self.rows as u64,
            raw_bytes: self.raw_size as u64,
            min_time: self.min_time,
            max_time: self.max_time,
            schema: schema::id(&self.schema),
            links: LinkHashes::of(&batch).finish(),
            parquet,
        })
    }
}

/// By time, rows without one first; rows of equal time stay in the order they came.
pub(super) fn sort(batch: RecordBatch) -> Result<RecordBatch, arrow::error::ArrowError> {
    let times = batch.column_by_name(Common::EventTime.name());
    let times = times.and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>());
    let Some(times) = times else {
        return Ok(batch);
    };
    let mut order: Vec<(i64, u32)> =
        (0..times.len()).map(|i| (if times.is_null(i) { i64::MIN } else { times.value(i) }, i as u32)).collect();
    order.sort_by_key(|(time, _)| *time);
    let order = UInt32Array::from_iter_values(order.into_iter().map(|(_, i)| i));
    let (schema, columns, _) = batch.into_parts();
    // Each column goes as soon as it is sorted: two of all of them would be twice the memory.
    let sorted = columns
        .into_iter()
        .map(|column| if column.null_count() == column.len() { Ok(column) } else { take(&column, &order, None) });
    RecordBatch::try_new(schema, sorted.collect::<Result<_, _>>()?)
}

/// How every part is encoded; the caller sees to the size of row groups.
pub(super) fn properties(columns: &Schema) -> Result<WriterPropertiesBuilder, ParquetError> {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
        .set_created_by(concat!("logsift ", env!("CARGO_PKG_VERSION")).to_owned());
    let common: Vec<&str> = Common::ALL.iter().map(|column| column.name()).collect();
    for field in columns.fields() {
        let path = ColumnPath::from(field.name().as_str());
        let unique = [schema::EVENT_ID, schema::RAW, schema::RAW_BYTES].contains(&field.name().as_str());
        match field.data_type() {
            // Times, ports and sizes differ from row to row: differences pack better than a dictionary.
            DataType::Int64 | DataType::Timestamp(..) => {
                properties = properties
                    .set_column_dictionary_enabled(path.clone(), false)
                    .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
            }
            // A dictionary would be built, found useless and thrown away. And nobody filters by a range of raw
            // text, whose bounds would put secrets into the footer.
            _ if unique => {
                properties = properties
                    .set_column_dictionary_enabled(path.clone(), false)
                    .set_column_statistics_enabled(path, EnabledStatistics::None);
            }
            // Who looks for a range of texts asks a common column.
            _ if !common.contains(&field.name().as_str()) => {
                properties = properties.set_column_statistics_enabled(path, EnabledStatistics::None);
            }
            _ => {}
        }
    }
    Ok(properties)
}

fn encode(batch: &RecordBatch, raw_size: usize) -> Result<Vec<u8>, ParquetError> {
    let rows_per_group = match raw_size / ROW_GROUP_RAW {
        0 => batch.num_rows().max(1),
        groups => (batch.num_rows() / (groups + 1)).max(1),
    };
    let properties = properties(&batch.schema())?.set_max_row_group_row_count(Some(rows_per_group));
    shared_columns::encode(batch, properties.build())
}
