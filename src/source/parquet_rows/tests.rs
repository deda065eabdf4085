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
    let mut rows = match ParquetRows::open(path) {
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
    let observable = structure(vec![("name", Arc::new(StringArray::from(vec!["a \"b\"\\\n\u{1}é", "c"])) as ArrayRef)]);
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
    let reader = builder(file.path()).unwrap();
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
fn cut_files_missing_files_and_foreign_codecs() {
    let file = write(numbers(10), gzip(), 100);
    let bytes = std::fs::read(file.path()).unwrap();
    for cut in [0, 4, 11, bytes.len() / 2, bytes.len() - 1] {
        std::fs::write(file.path(), &bytes[..cut]).unwrap();
        let (rows, error) = read(file.path());
        assert!(rows.is_empty() && matches!(error, Some(SourceError::Parquet { row: 0, .. })), "{cut}");
    }
    assert!(matches!(read(Path::new("/nowhere/x.parquet")).1, Some(SourceError::Missing { .. })));
    let metadata = builder(write(numbers(1), gzip(), 100).path()).unwrap().metadata().clone();
    assert!(check_codecs(Path::new("x"), &metadata).is_ok());
    let group = metadata.row_group(0).clone();
    let column = group.column(0).clone().into_builder().set_compression(Compression::BROTLI(BrotliLevel::default()));
    let mut columns = group.columns().to_vec();
    columns[0] = column.build().unwrap();
    let group = group.into_builder().set_column_metadata(columns).build().unwrap();
    let foreign = metadata.as_ref().clone().into_builder().set_row_groups(vec![group]).build();
    let error = check_codecs(Path::new("x"), &foreign).unwrap_err().to_string();
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
