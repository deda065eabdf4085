//! Columns with the same content are stored once: their entries in the footer name the same pages.
//!
//! A common column is mostly a copy of a native one, and half of a table's columns are null in a given part.
//! Parquet finds a column chunk by the offsets in the footer and does not ask that two differ; Arrow, DuckDB
//! and Polars read such files (see `tests/it/lake.rs`).

use arrow::array::{Array as _, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef};
use parquet::arrow::{ARROW_SCHEMA_META_KEY, ArrowSchemaConverter, ArrowWriter, encode_arrow_schema};
use parquet::errors::ParquetError;
use parquet::file::metadata::{
    ColumnChunkMetaData, FileMetaData, KeyValue, ParquetMetaData, ParquetMetaDataWriter, RowGroupMetaData,
};
use parquet::file::properties::WriterProperties;
use parquet::schema::types::{ColumnDescPtr, SchemaDescriptor};
use std::sync::Arc;

/// Bytes of the footer's length and the magic behind it.
const TAIL: usize = 8;

/// Encodes a batch. Every column must be flat or a list of flat values: one leaf each.
pub(super) fn encode(batch: &RecordBatch, properties: WriterProperties) -> Result<Vec<u8>, ParquetError> {
    let same_as = same_columns(batch);
    let unique: Vec<usize> = (0..same_as.len()).filter(|i| same_as[*i] == *i).collect();
    let stored = batch.project(&unique)?;
    let mut out = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut out, stored.schema(), Some(properties))?;
    writer.write(&stored)?;
    let metadata = writer.close()?;
    if unique.len() == same_as.len() {
        return Ok(out);
    }
    let places: Vec<usize> = same_as.iter().filter_map(|rep| unique.iter().position(|i| i == rep)).collect();
    let footer = out.len().checked_sub(TAIL).and_then(|at| Some((at, out.get(at..at + 4)?)));
    let footer = footer.and_then(|(at, length)| at.checked_sub(u32::from_le_bytes(length.try_into().ok()?) as usize));
    out.truncate(footer.ok_or_else(|| ParquetError::General("the footer just written cannot be found".to_owned()))?);
    let metadata = widen(&metadata, &batch.schema(), &places)?;
    ParquetMetaDataWriter::new(&mut out, &metadata).finish()?;
    Ok(out)
}

/// For each column the first one of the same type and content.
fn same_columns(batch: &RecordBatch) -> Vec<usize> {
    let columns = batch.columns();
    let null = |i: usize| columns[i].null_count() == columns[i].len();
    let schema = batch.schema();
    // Pages of a column that cannot be null have no levels, so its twin must be such a one too.
    let same = |a: usize, b: usize| {
        schema.field(a).data_type() == schema.field(b).data_type()
            && schema.field(a).is_nullable() == schema.field(b).is_nullable()
            && ((null(a) && null(b))
                || (columns[a].null_count() == columns[b].null_count() && columns[a].as_ref() == columns[b].as_ref()))
    };
    (0..columns.len()).map(|i| (0..i).find(|earlier| same(*earlier, i)).unwrap_or(i)).collect()
}

/// The metadata of all columns, where `places[i]` is the stored column that column `i` is read from.
fn widen(stored: &ParquetMetaData, schema: &SchemaRef, places: &[usize]) -> Result<ParquetMetaData, ParquetError> {
    let descriptor = Arc::new(ArrowSchemaConverter::new().convert(schema)?);
    debug_assert!(schema.fields().iter().all(|f| !matches!(f.data_type(), DataType::Struct(_))));
    let row_groups: Result<Vec<_>, _> =
        stored.row_groups().iter().map(|group| widen_group(group, &descriptor, places)).collect();
    let file = stored.file_metadata();
    let arrow = KeyValue::new(ARROW_SCHEMA_META_KEY.to_owned(), encode_arrow_schema(schema));
    let created_by = file.created_by().map(str::to_owned);
    let file = FileMetaData::new(file.version(), file.num_rows(), created_by, Some(vec![arrow]), descriptor, None);
    Ok(ParquetMetaData::new(file, row_groups?))
}

fn widen_group(
    group: &RowGroupMetaData,
    descriptor: &Arc<SchemaDescriptor>,
    places: &[usize],
) -> Result<RowGroupMetaData, ParquetError> {
    let columns: Result<Vec<_>, _> =
        places.iter().enumerate().map(|(i, place)| rename(group.column(*place), descriptor.column(i))).collect();
    let mut builder = RowGroupMetaData::builder(Arc::clone(descriptor))
        .set_num_rows(group.num_rows())
        .set_total_byte_size(group.total_byte_size())
        .set_column_metadata(columns?);
    if let Some(ordinal) = group.ordinal() {
        builder = builder.set_ordinal(ordinal);
    }
    if let Some(offset) = group.file_offset() {
        builder = builder.set_file_offset(offset);
    }
    builder.build()
}

fn rename(chunk: &ColumnChunkMetaData, descriptor: ColumnDescPtr) -> Result<ColumnChunkMetaData, ParquetError> {
    let mut builder = ColumnChunkMetaData::builder(descriptor)
        .set_encodings_mask(*chunk.encodings_mask())
        .set_num_values(chunk.num_values())
        .set_compression(chunk.compression())
        .set_total_compressed_size(chunk.compressed_size())
        .set_total_uncompressed_size(chunk.uncompressed_size())
        .set_data_page_offset(chunk.data_page_offset())
        .set_dictionary_page_offset(chunk.dictionary_page_offset());
    if let Some(statistics) = chunk.statistics() {
        builder = builder.set_statistics(statistics.clone());
    }
    builder.build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, Int64Array, ListBuilder, StringArray, StringBuilder};
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    #[test]
    fn what_is_read_is_what_was_written_and_equal_columns_cost_nothing() {
        let text = |n: usize| (0..n).map(|i| Some(format!("value {}", i * 7919 % 5003))).collect::<StringArray>();
        let mut lists = ListBuilder::new(StringBuilder::new());
        for i in 0..1000 {
            lists.values().append_value(format!("{i}"));
            lists.append(true);
        }
        let null = Arc::new(StringArray::new_null(1000)) as ArrayRef;
        let numbers = Arc::new((0..1000).map(|i| (i % 3 > 0).then_some(i)).collect::<Int64Array>()) as ArrayRef;
        let columns = [
            ("a", Arc::new(text(1000)) as ArrayRef),
            ("list", Arc::new(lists.finish()) as ArrayRef),
            ("n", Arc::clone(&numbers)),
            ("null", Arc::clone(&null)),
            ("b", Arc::new(text(1000)) as ArrayRef),
            ("m", numbers),
            ("null2", null),
        ];
        let batch = RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true))).unwrap();
        assert_eq!(same_columns(&batch), [0, 1, 2, 3, 0, 2, 3]);
        let required = RecordBatch::try_from_iter_with_nullable([
            ("a", Arc::new(text(9)) as ArrayRef, false),
            ("b", Arc::new(text(9)) as ArrayRef, true),
        ]);
        assert_eq!(same_columns(&required.unwrap()), [0, 1]);
        let properties = || WriterProperties::builder().set_max_row_group_row_count(Some(300)).build();
        let bytes = encode(&batch, properties()).unwrap();
        let mut plain = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut plain, batch.schema(), Some(properties())).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        assert!(bytes.len() < plain.len() * 3 / 4, "{} of {}", bytes.len(), plain.len());
        let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes)).unwrap();
        assert_eq!(reader.schema(), &batch.schema());
        let read: Vec<RecordBatch> = reader.with_batch_size(4096).build().unwrap().map(Result::unwrap).collect();
        let read = arrow::compute::concat_batches(&batch.schema(), &read).unwrap();
        assert_eq!(read, batch);
    }
}
