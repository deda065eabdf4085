//! Parts as Parquet files, encoded by ourselves: the columns of a part are held as a dictionary and numbers
//! anyway, so that nothing is looked up, copied or compared twice; and columns with the same content are stored
//! once.
//!
//! A common column is mostly a copy of a native one, and half of a table's columns are null in a given part.
//! Parquet finds a column chunk by the offsets in the footer and does not ask that two differ; Arrow, DuckDB
//! and Polars read such files (see `tests/it/lake.rs`).

mod chunk;
mod column;
mod delta;
pub(super) mod from_arrow;
mod levels;
mod statistics;
mod texts;

pub(super) use column::{Column, Shape};

use super::schema;
use crate::model::Common;
use arrow::datatypes::SchemaRef;
use chunk::{Chunk, Sink};
use parquet::arrow::{ARROW_SCHEMA_META_KEY, ArrowSchemaConverter, encode_arrow_schema};
use parquet::basic::{Compression, EncodingMask, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{
    ColumnChunkMetaData, FileMetaData, KeyValue, ParquetMetaData, ParquetMetaDataWriter, RowGroupMetaData,
};
use parquet::schema::types::SchemaDescriptor;
use std::sync::Arc;

/// Writes a file of row groups into memory. Every column is flat or a list of texts: one leaf each.
pub(super) struct FileWriter {
    schema: SchemaRef,
    descriptor: Arc<SchemaDescriptor>,
    sink: Sink,
    groups: Vec<RowGroupMetaData>,
    rows: i64,
}

impl FileWriter {
    pub fn new(schema: &SchemaRef) -> Result<Self, ParquetError> {
        let descriptor = Arc::new(ArrowSchemaConverter::new().convert(schema)?);
        Ok(Self { schema: SchemaRef::clone(schema), descriptor, sink: Sink::new()?, groups: Vec::new(), rows: 0 })
    }

    /// One row group: the columns of the schema in order, each padded to `rows`. A column may be named twice.
    pub fn write(&mut self, columns: &[&Column], rows: usize) -> Result<(), ParquetError> {
        let mut stored: Vec<(usize, Chunk)> = Vec::new();
        let mut metadata = Vec::with_capacity(columns.len());
        let mut total = 0;
        for (i, column) in columns.iter().enumerate() {
            let field = self.schema.field(i);
            // Pages of a column that cannot be null have no levels, so its twin must be such a one too.
            let twin = stored.iter().find(|(j, _)| {
                let other = self.schema.field(*j);
                other.data_type() == field.data_type()
                    && other.is_nullable() == field.is_nullable()
                    && (std::ptr::eq(*column, columns[*j]) || column.is_same(columns[*j]))
            });
            let chunk = match twin {
                Some((_, chunk)) => chunk.clone(),
                None => {
                    let chunk = chunk::write(&mut self.sink, column, !field.is_nullable(), rows)?;
                    total += chunk.uncompressed;
                    stored.push((i, chunk.clone()));
                    chunk
                }
            };
            metadata.push(self.metadata(i, column, &chunk, rows)?);
        }
        let group = RowGroupMetaData::builder(Arc::clone(&self.descriptor))
            .set_num_rows(rows as i64)
            .set_total_byte_size(total)
            .set_column_metadata(metadata)
            .set_ordinal(self.groups.len() as i32)
            .build()?;
        self.groups.push(group);
        self.rows += rows as i64;
        Ok(())
    }

    fn metadata(
        &self,
        i: usize,
        column: &Column,
        chunk: &Chunk,
        rows: usize,
    ) -> Result<ColumnChunkMetaData, ParquetError> {
        let field = self.schema.field(i);
        let mut builder = ColumnChunkMetaData::builder(self.descriptor.column(i))
            .set_encodings_mask(EncodingMask::new_from_encodings(chunk.encodings.iter()))
            .set_num_values(chunk.values)
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
            .set_total_compressed_size(chunk.compressed)
            .set_total_uncompressed_size(chunk.uncompressed)
            .set_data_page_offset(chunk.data_offset.unwrap_or_default())
            .set_dictionary_page_offset(chunk.dictionary_offset);
        // Nobody filters by a range of raw text, whose bounds would put secrets into the footer; who looks for a
        // range of other texts asks a common column.
        let ranged = column.shape() != Shape::Text || is_common(field.name());
        if let Some(statistics) = statistics::of(column, rows, ranged) {
            builder = builder.set_statistics(statistics);
        }
        builder.build()
    }

    pub fn finish(self) -> Result<Vec<u8>, ParquetError> {
        let arrow = KeyValue::new(ARROW_SCHEMA_META_KEY.to_owned(), encode_arrow_schema(&self.schema));
        let created_by = Some(concat!("logsift ", env!("CARGO_PKG_VERSION")).to_owned());
        let file = FileMetaData::new(1, self.rows, created_by, Some(vec![arrow]), self.descriptor, None);
        let metadata = ParquetMetaData::new(file, self.groups);
        let mut out = self.sink.out.into_inner()?;
        ParquetMetaDataWriter::new(&mut out, &metadata).finish()?;
        Ok(out)
    }
}

fn is_common(name: &str) -> bool {
    name == schema::SOURCE_TABLE || Common::ALL.iter().any(|common| common.name() == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lake::encode::from_arrow;
    use arrow::array::*;
    use parquet::arrow::ArrowWriter;
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use proptest::prelude::*;

    fn encode(batch: &RecordBatch, groups: usize) -> Vec<u8> {
        let mut writer = FileWriter::new(&batch.schema()).unwrap();
        let rows = batch.num_rows().div_ceil(groups).max(1);
        for start in (0..batch.num_rows()).step_by(rows) {
            let count = rows.min(batch.num_rows() - start);
            let mut all = from_arrow::empty(&batch.schema()).unwrap();
            for (column, array) in all.iter_mut().zip(batch.columns()) {
                from_arrow::append(column, 0, array.slice(start, count).as_ref());
                column.finish(count);
            }
            writer.write(&all.iter().collect::<Vec<_>>(), count).unwrap();
        }
        writer.finish().unwrap()
    }

    fn read(bytes: Vec<u8>, schema: &SchemaRef) -> RecordBatch {
        let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes)).unwrap();
        assert_eq!(reader.schema(), schema);
        let read: Vec<RecordBatch> = reader.with_batch_size(100_000).build().unwrap().map(Result::unwrap).collect();
        arrow::compute::concat_batches(schema, &read).unwrap()
    }

    fn lists(of: impl Iterator<Item = Vec<String>>) -> ArrayRef {
        let mut lists = ListBuilder::new(StringBuilder::new());
        for items in of {
            items.iter().for_each(|item| lists.values().append_value(item));
            lists.append(true);
        }
        Arc::new(lists.finish())
    }

    #[test]
    fn equal_columns_cost_nothing() {
        let text =
            |n: usize| Arc::new((0..n).map(|i| Some(format!("value {}", i * 7919 % 503))).collect::<StringArray>());
        let null = Arc::new(StringArray::new_null(1000)) as ArrayRef;
        let numbers = Arc::new((0..1000).map(|i| (i % 3 > 0).then_some(i)).collect::<Int64Array>()) as ArrayRef;
        let columns = [
            ("a", text(1000) as ArrayRef, true),
            ("list", lists((0..1000).map(|i| vec![format!("{i}"); i % 3])), true),
            ("n", Arc::clone(&numbers), true),
            ("null", Arc::clone(&null), true),
            ("b", text(1000) as ArrayRef, true),
            ("m", numbers, true),
            ("null2", null, true),
            ("required", text(1000) as ArrayRef, false),
        ];
        let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
        let bytes = encode(&batch, 3);
        let builder = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes.clone())).unwrap();
        for group in builder.metadata().row_groups() {
            let place = |i: usize| group.column(i).byte_range();
            assert_eq!((place(0), place(2), place(3)), (place(4), place(5), place(6)));
            assert_ne!(place(0), place(7));
        }
        let mut plain = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut plain, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        assert!(bytes.len() < plain.len(), "{} of {}", bytes.len(), plain.len());
        assert_eq!(read(bytes, &batch.schema()), batch);
    }

    #[test]
    fn pages_are_cut_and_bounds_are_those_of_the_values() {
        let n = 300_000usize;
        let raw: ArrayRef =
            Arc::new((0..n).map(|i| Some(format!("{i:>9} {}", "x".repeat(i % 7)))).collect::<StringArray>());
        let ip: ArrayRef =
            Arc::new((0..n).map(|i| (i % 11 > 0).then(|| format!("192.0.2.{}", i % 200))).collect::<StringArray>());
        let batch = RecordBatch::try_from_iter_with_nullable([
            (schema::RAW, Arc::clone(&raw), false),
            (schema::EVENT_ID, raw, false),
            ("source_ip", ip, true),
            ("bytes_in", Arc::new((0..n as i64).map(|i| Some(i * i - 5)).collect::<Int64Array>()), true),
            ("ips", lists((0..n).map(|i| (0..i % 4).map(|j| format!("{i} {j}")).collect())), true),
            (
                schema::RAW_BYTES,
                Arc::new((0..n).map(|i| (i % 9 == 0).then_some([255u8])).collect::<BinaryArray>()),
                true,
            ),
        ])
        .unwrap();
        let bytes = encode(&batch, 1);
        let builder = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes.clone())).unwrap();
        let group = builder.metadata().row_group(0);
        let of = |i: usize| group.column(i).statistics().unwrap();
        assert_eq!((of(0).min_bytes_opt(), of(5).min_bytes_opt()), (None, None));
        assert_eq!(of(2).min_bytes_opt(), Some(b"192.0.2.0".as_slice()));
        assert_eq!(of(2).max_bytes_opt(), Some(b"192.0.2.99".as_slice()));
        assert_eq!(of(2).null_count_opt(), Some(n.div_ceil(11) as u64));
        assert_eq!(of(3).min_bytes_opt(), Some((-5i64).to_le_bytes().as_slice()));
        assert_eq!(read(bytes, &batch.schema()), batch);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn what_is_read_is_what_was_written(
            rows in prop::collection::vec((
                "[a-c]{0,3}",
                prop::option::of("\\PC{0,12}"),
                prop::option::of(any::<i64>()),
                prop::option::of(-2i32..2),
                prop::option::of(any::<bool>()),
                prop::collection::vec("[0-9]{1,2}", 0..4),
            ), 1..200),
            groups in 1usize..4,
        ) {
            let time = rows.iter().map(|r| r.2).collect::<TimestampMicrosecondArray>().with_timezone("UTC");
            let batch = RecordBatch::try_from_iter_with_nullable([
                ("required", Arc::new(rows.iter().map(|r| Some(r.0.as_str())).collect::<StringArray>()) as ArrayRef, false),
                (schema::RAW, Arc::new(rows.iter().map(|r| Some(r.0.as_str())).collect::<StringArray>()), false),
                ("text", Arc::new(rows.iter().map(|r| r.1.as_deref()).collect::<StringArray>()), true),
                (schema::RAW_BYTES, Arc::new(rows.iter().map(|r| r.1.as_deref().map(str::as_bytes)).collect::<BinaryArray>()), true),
                ("int", Arc::new(rows.iter().map(|r| r.2).collect::<Int64Array>()), true),
                ("time", Arc::new(time), true),
                ("float", Arc::new(rows.iter().map(|r| r.3.map(|n| f64::from(n) / 3.0)).collect::<Float64Array>()), true),
                ("bool", Arc::new(rows.iter().map(|r| r.4).collect::<BooleanArray>()), true),
                ("list", lists(rows.iter().map(|r| r.5.clone())), true),
            ])
            .unwrap();
            prop_assert_eq!(read(encode(&batch, groups), &batch.schema()), batch);
        }
    }
}
