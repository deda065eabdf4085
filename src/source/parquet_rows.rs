//! Rows of a Parquet file as JSON texts: one record a row, as formats read them elsewhere.

mod value;

use super::SourceError;
use super::whole::Whole;
use arrow::array::RecordBatch;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Whether a file that begins so is Parquet.
pub fn is_parquet(head: &[u8]) -> bool {
    head.starts_with(b"PAR1")
}

/// Decoded bytes aimed at per batch; dictionaries make the estimate a low one.
const BATCH_BYTES: usize = 8 * 1024 * 1024;
const BATCH_ROWS: usize = 512;

/// The rows of one file, in order; memory is bounded by batches.
pub struct ParquetRows {
    object: String,
    whole: Whole,
    /// `None` once an error came.
    reader: Option<ParquetRecordBatchReader>,
    batch: Option<RecordBatch>,
    /// Row within the batch that comes next.
    at: usize,
    row: u64,
    total: u64,
    /// After an error within a batch its rows are read one by one, up to the damaged one.
    one_by_one: bool,
    text: String,
}

impl ParquetRows {
    /// Reads the schema; the rows come with [`Self::next_row`]. Errors call the file `object`.
    pub fn open(object: &str, whole: Whole) -> Result<Self, SourceError> {
        let builder = builder(object, &whole)?;
        check_codecs(object, builder.metadata())?;
        let rows = batch_rows(builder.metadata());
        let total = u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or_default();
        let reader = guarded(|| builder.with_batch_size(rows).build()).map_err(|e| broken(object, 0, e))?;
        Ok(Self {
            object: object.to_owned(),
            whole,
            reader: Some(reader),
            batch: None,
            at: 0,
            row: 0,
            total,
            one_by_one: false,
            text: String::new(),
        })
    }

    /// Rows in the file, by its own count.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Number of the row handed out last, from 1; 0 before the first.
    pub fn row(&self) -> u64 {
        self.row
    }

    /// The next row as a JSON object, cells without a value left out. An error comes after every row that can be
    /// read before the damage, and is the last item.
    pub fn next_row(&mut self) -> Option<Result<&str, SourceError>> {
        while self.batch.as_ref().is_none_or(|batch| self.at >= batch.num_rows()) {
            match self.next_batch()? {
                Ok(batch) => (self.batch, self.at) = (Some(batch), 0),
                Err(error) => return Some(Err(error)),
            }
        }
        let batch = self.batch.as_ref()?;
        self.text.clear();
        let written = value::write_row(&mut self.text, batch, self.at);
        self.at += 1;
        self.row += 1;
        if let Err(error) = written {
            (self.reader, self.batch) = (None, None);
            return Some(Err(broken(&self.object, self.row - 1, error.into())));
        }
        Some(Ok(&self.text))
    }

    fn next_batch(&mut self) -> Option<Result<RecordBatch, SourceError>> {
        loop {
            let reader = self.reader.as_mut()?;
            let error = match guarded(|| reader.next().transpose().map_err(ParquetError::from)) {
                Ok(Some(batch)) => return Some(Ok(batch)),
                Ok(None) if self.row < self.total => ParquetError::EOF("fewer rows than the file counts".to_owned()),
                Ok(None) => return None,
                Err(error) => error,
            };
            self.reader = None;
            if self.one_by_one {
                return Some(Err(broken(&self.object, self.row, error)));
            }
            self.one_by_one = true;
            match self.again() {
                Ok(reader) => self.reader = Some(reader),
                Err(error) => return Some(Err(error)),
            }
        }
    }

    /// A reader that goes on after the rows handed out, one row a batch.
    fn again(&self) -> Result<ParquetRecordBatchReader, SourceError> {
        let done = usize::try_from(self.row).unwrap_or(usize::MAX);
        let builder = builder(&self.object, &self.whole)?.with_batch_size(1).with_offset(done);
        guarded(|| builder.build()).map_err(|e| broken(&self.object, self.row, e))
    }
}

fn builder(object: &str, whole: &Whole) -> Result<ParquetRecordBatchReaderBuilder<Whole>, SourceError> {
    // An Arrow schema beside the Parquet one would only bring more types.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    guarded(|| ParquetRecordBatchReaderBuilder::try_new_with_options(whole.clone(), options))
        .map_err(|e| broken(object, 0, e))
}

/// Decoders may panic on damaged data; one bad file must not end the run.
fn guarded<T>(read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ParquetError> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err(ParquetError::General("cannot be decoded".to_owned())))
}

fn check_codecs(object: &str, metadata: &ParquetMetaData) -> Result<(), SourceError> {
    let mut columns = metadata.row_groups().iter().flat_map(|group| group.columns());
    let foreign = columns.find_map(|column| match column.compression() {
        Compression::UNCOMPRESSED | Compression::SNAPPY | Compression::GZIP(_) | Compression::ZSTD(_) => None,
        Compression::LZO => Some("LZO"),
        Compression::BROTLI(_) => Some("Brotli"),
        Compression::LZ4 | Compression::LZ4_RAW => Some("LZ4"),
    });
    foreign.map_or(Ok(()), |codec| Err(SourceError::ParquetCodec { object: object.to_owned(), codec }))
}

/// Rows per batch, fewer where rows are large.
fn batch_rows(metadata: &ParquetMetaData) -> usize {
    let widest = metadata.row_groups().iter().map(|group| group.total_byte_size() / group.num_rows().max(1)).max();
    let row = usize::try_from(widest.unwrap_or_default()).unwrap_or_default().max(1);
    (BATCH_BYTES / row).clamp(1, BATCH_ROWS)
}

fn broken(object: &str, row: u64, source: ParquetError) -> SourceError {
    SourceError::Parquet { object: object.to_owned(), row, source: Box::new(source) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{
        Array as _, ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array,
        Int64Array, ListArray, MapBuilder, StringArray, StringBuilder, StructArray, TimestampMillisecondArray,
        TimestampNanosecondArray,
    };
    use arrow::datatypes::{Field, Int32Type};
    use parquet::arrow::ArrowWriter;
    use parquet::basic::{BrotliLevel, GzipLevel, ZstdLevel};
    use parquet::file::properties::WriterProperties;
    use std::path::Path;
    use std::sync::Arc;

    fn write(columns: Vec<(&str, ArrayRef)>, compression: Compression, group: usize) -> tempfile::NamedTempFile {
        let batch = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, c)| (n, c, true))).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        let properties = WriterProperties::builder()
            .set_compression(compression)
            .set_max_row_group_row_count(Some(group))
            .set_data_page_row_count_limit(group)
            .set_write_batch_size(group)
            .build();
        let mut writer = ArrowWriter::try_new(file.reopen().unwrap(), batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        file
    }

    fn gzip() -> Compression {
        Compression::GZIP(GzipLevel::default())
    }

    /// The rows, and the error after them.
    fn read(path: &Path) -> (Vec<String>, Option<SourceError>) {
        let mut rows = match ParquetRows::open(&path.display().to_string(), Whole::of_file(path).unwrap()) {
            Ok(rows) => rows,
            Err(error) => return (Vec::new(), Some(error)),
        };
        let mut all = Vec::new();
        while let Some(row) = rows.next_row() {
            match row {
                Ok(text) => all.push(text.to_owned()),
                Err(error) => {
                    assert!(rows.next_row().is_none(), "an error is the last item");
                    return (all, Some(error));
                }
            }
            assert_eq!(rows.row(), all.len() as u64);
        }
        assert_eq!(rows.total(), all.len() as u64);
        (all, None)
    }

    /// Columns as the hive-compatible flow logs have them; `protocol` of either width.
    fn flows(protocol: ArrayRef) -> Vec<(&'static str, ArrayRef)> {
        vec![
            ("version", Arc::new(Int32Array::from(vec![2, 2]))),
            ("account_id", Arc::new(StringArray::from(vec!["111122223333", "111122223333"]))),
            ("interface_id", Arc::new(StringArray::from(vec![Some("eni-0a1b2c3d"), None]))),
            ("protocol", protocol),
            ("start", Arc::new(Int64Array::from(vec![1_772_445_600, 1_772_445_660]))),
            ("log_status", Arc::new(StringArray::from(vec!["OK", "NODATA"]))),
        ]
    }

    #[test]
    fn flow_log_rows_with_either_width_of_protocol() {
        let expected = [
            r#"{"version":2,"account_id":"111122223333","interface_id":"eni-0a1b2c3d","protocol":6,"start":1772445600,"log_status":"OK"}"#,
            r#"{"version":2,"account_id":"111122223333","start":1772445660,"log_status":"NODATA"}"#,
        ];
        let narrow: ArrayRef = Arc::new(Int32Array::from(vec![Some(6), None]));
        let wide: ArrayRef = Arc::new(Int64Array::from(vec![Some(6), None]));
        let codecs = [gzip(), Compression::SNAPPY, Compression::ZSTD(ZstdLevel::default()), Compression::UNCOMPRESSED];
        for (protocol, codec) in [narrow, wide].iter().flat_map(|p| codecs.iter().map(move |c| (p, c))) {
            let file = write(flows(Arc::clone(protocol)), *codec, 1000);
            assert!(is_parquet(&std::fs::read(file.path()).unwrap()));
            let (rows, error) = read(file.path());
            assert_eq!(rows, expected, "{codec:?}");
            assert!(error.is_none());
        }
    }

    fn structure(members: Vec<(&str, ArrayRef)>) -> StructArray {
        let fields = members.iter().map(|(n, c)| Field::new(*n, c.data_type().clone(), true)).collect::<Vec<_>>();
        StructArray::new(fields.into(), members.into_iter().map(|(_, c)| c).collect(), None)
    }

    #[test]
    fn a_nested_finding() {
        let endpoint = structure(vec![
            ("ip", Arc::new(StringArray::from(vec!["192.0.2.7"])) as ArrayRef),
            ("port", Arc::new(Int32Array::from(vec![443]))),
            ("hostname", Arc::new(StringArray::from(vec![None::<&str>]))),
        ]);
        let observable =
            structure(vec![("name", Arc::new(StringArray::from(vec!["a \"b\"\\\n\u{1}é", "c"])) as ArrayRef)]);
        let item = Arc::new(Field::new("element", observable.data_type().clone(), true));
        let offsets = arrow::buffer::OffsetBuffer::from_lengths([2]);
        let observables = ListArray::new(item, offsets, Arc::new(observable), None);
        let mut unmapped = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
        unmapped.keys().append_value("k");
        unmapped.values().append_value("v");
        unmapped.keys().append_value("none");
        unmapped.values().append_null();
        unmapped.append(true).unwrap();
        let file = write(
            vec![
                ("src_endpoint", Arc::new(endpoint)),
                ("observables", Arc::new(observables)),
                ("unmapped", Arc::new(unmapped.finish())),
                ("codes", Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>([Some([Some(1), None])]))),
            ],
            gzip(),
            1000,
        );
        let (rows, error) = read(file.path());
        assert!(error.is_none());
        let expected = r#"{"src_endpoint":{"ip":"192.0.2.7","port":443},"observables":[{"name":"a \"b\"\\\n\u0001é"},{"name":"c"}],"unmapped":{"k":"v"},"codes":[1,null]}"#;
        assert_eq!(rows, [expected]);
        serde_json::from_str::<serde_json::Value>(&rows[0]).unwrap();
    }

    #[test]
    fn scalars_of_every_type() {
        let file = write(
            vec![
                ("millis", Arc::new(TimestampMillisecondArray::from(vec![1_709_979_072_123]).with_timezone("UTC"))),
                ("nanos", Arc::new(TimestampNanosecondArray::from(vec![1_709_979_072_123_456_789]))),
                ("before", Arc::new(TimestampMillisecondArray::from(vec![-1]))),
                ("day", Arc::new(Date32Array::from(vec![19_791]))),
                ("text", Arc::new(BinaryArray::from(vec![&b"abc"[..]]))),
                ("bytes", Arc::new(BinaryArray::from(vec![&[0xff, 0xef][..]]))),
                ("price", Arc::new(Decimal128Array::from(vec![-12_345]).with_precision_and_scale(10, 2).unwrap())),
                ("half", Arc::new(Float64Array::from(vec![0.5]))),
                ("huge", Arc::new(Float64Array::from(vec![1e300]))),
                ("nan", Arc::new(Float64Array::from(vec![f64::NAN]))),
                ("yes", Arc::new(BooleanArray::from(vec![true]))),
                ("least", Arc::new(Int64Array::from(vec![i64::MIN]))),
            ],
            gzip(),
            1000,
        );
        let (rows, error) = read(file.path());
        assert!(error.is_none());
        let row: serde_json::Value = serde_json::from_str(&rows[0]).unwrap();
        assert_eq!(row["millis"], "2024-03-09T10:11:12.123000Z");
        assert_eq!(row["nanos"], "2024-03-09T10:11:12.123456Z");
        assert_eq!(row["before"], "1969-12-31T23:59:59.999000Z");
        assert_eq!(row["day"], "2024-03-09");
        assert_eq!((&row["text"], &row["bytes"]), (&"abc".into(), &"/+8=".into()));
        assert_eq!(row["price"].to_string(), "-123.45");
        assert_eq!((row["half"].as_f64(), row["huge"].as_f64()), (Some(0.5), Some(1e300)));
        assert_eq!(row["nan"], "NaN");
        assert_eq!(row["yes"], true);
        assert_eq!(row["least"], i64::MIN);
    }

    fn numbers(count: i64) -> Vec<(&'static str, ArrayRef)> {
        let texts: Vec<String> = (0..count).map(|n| format!("row {n} of many")).collect();
        vec![("n", Arc::new(Int64Array::from_iter_values(0..count))), ("text", Arc::new(StringArray::from(texts)))]
    }

    #[test]
    fn every_row_of_many_groups_in_order() {
        let file = write(numbers(3_000), gzip(), 700);
        let (rows, error) = read(file.path());
        assert!(error.is_none());
        assert_eq!(rows.len(), 3_000);
        assert_eq!(rows[2_999], r#"{"n":2999,"text":"row 2999 of many"}"#);
        assert!(rows.iter().enumerate().all(|(n, row)| row.starts_with(&format!("{{\"n\":{n},"))));
    }

    #[test]
    fn damage_comes_after_the_rows_before_it() {
        let file = write(numbers(1_000), gzip(), 100);
        let bytes = std::fs::read(file.path()).unwrap();
        let reader = builder("x", &Whole::of_file(file.path()).unwrap()).unwrap();
        let at = reader.metadata().row_group(3).column(1).byte_range().0 as usize;
        let mut damaged = bytes.clone();
        damaged[at..at + 60].fill(0xaa);
        std::fs::write(file.path(), damaged).unwrap();
        let (rows, error) = read(file.path());
        // The batch of 512 rows that holds the damage is given up to it.
        assert_eq!(rows.len(), 300);
        let error = error.unwrap();
        assert!(matches!(error, SourceError::Parquet { row: 300, .. }));
        let text = error.to_string();
        assert!(text.starts_with(file.path().to_str().unwrap()), "{text}");
        assert!(text.contains("Fetch the object again"), "{text}");
    }

    #[test]
    fn cut_files_and_foreign_codecs() {
        let file = write(numbers(10), gzip(), 100);
        let bytes = std::fs::read(file.path()).unwrap();
        for cut in [0, 4, 11, bytes.len() / 2, bytes.len() - 1] {
            std::fs::write(file.path(), &bytes[..cut]).unwrap();
            let (rows, error) = read(file.path());
            assert!(rows.is_empty() && matches!(error, Some(SourceError::Parquet { row: 0, .. })), "{cut}");
        }
        let one = Whole::of_file(write(numbers(1), gzip(), 100).path()).unwrap();
        let metadata = builder("x", &one).unwrap().metadata().clone();
        assert!(check_codecs("x", &metadata).is_ok());
        let group = metadata.row_group(0).clone();
        let column =
            group.column(0).clone().into_builder().set_compression(Compression::BROTLI(BrotliLevel::default()));
        let mut columns = group.columns().to_vec();
        columns[0] = column.build().unwrap();
        let group = group.into_builder().set_column_metadata(columns).build().unwrap();
        let foreign = metadata.as_ref().clone().into_builder().set_row_groups(vec![group]).build();
        let error = check_codecs("x", &foreign).unwrap_err().to_string();
        assert!(error.contains("Brotli") && error.contains("gzip, snappy or zstd"), "{error}");
    }

    #[test]
    fn no_damaged_byte_ends_the_run() {
        let file = write(numbers(20), gzip(), 10);
        let bytes = std::fs::read(file.path()).unwrap();
        let whole = read(file.path()).0;
        for at in (0..bytes.len()).step_by(3) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0xff;
            std::fs::write(file.path(), damaged).unwrap();
            let (rows, _) = read(file.path());
            assert!(rows.len() <= whole.len(), "byte {at}");
        }
    }
}
