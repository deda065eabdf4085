//! The tables a scan makes: findings, and occurrences beside them. Each scan replaces them whole.

use super::manifest::{Change, Part, Scanned};
use super::store::Store as _;
use super::{Lake, LakeError, schema};
use crate::model::{Confidence, Finding, Micros, Severity, Text};
use arrow::array::{
    Array as _, ArrayRef, AsArray as _, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{Int64Type, SchemaRef, TimestampMicrosecondType};
use arrow::error::ArrowError;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

/// One row of the occurrences table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OccurrenceRow {
    /// Of the value.
    pub fingerprint: Text,
    /// Fingerprint of its finding: another one where all values of a rule in one place are one finding.
    pub finding: Text,
    pub rule: Text,
    pub category: &'static str,
    pub severity: Severity,
    pub confidence: Confidence,
    pub mask: Text,
    pub event_id: String,
    pub event_time: Option<Micros>,
    pub source_table: Text,
    pub resource: Option<Text>,
    pub source_object: Text,
    pub source_record: u64,
    /// Half-open byte span in the record.
    pub span: (u64, u64),
    /// The layers it was encoded in, outermost first, with ` → ` between; none where it stands in plain.
    pub decode_path: Option<String>,
    /// Where it stands in its record.
    pub context: Option<Text>,
    /// What its validators say, as JSON.
    pub verdict: String,
}

fn text<'a>(values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(values.collect::<StringArray>())
}

fn int(values: impl Iterator<Item = u64>) -> ArrayRef {
    Arc::new(values.map(|n| n as i64).collect::<Int64Array>())
}

fn time(values: impl Iterator<Item = Option<Micros>>) -> ArrayRef {
    Arc::new(values.map(|t| t.map(|t| t.0)).collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
}

fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// Findings as a table, as the lake keeps them.
pub fn findings_batch(findings: &[Finding]) -> Result<RecordBatch, ArrowError> {
    let each = |get: fn(&Finding) -> &str| text(findings.iter().map(move |f| Some(get(f))));
    let jsons = |get: fn(&Finding) -> String| {
        let values: Vec<String> = findings.iter().map(get).collect();
        text(values.iter().map(|v| Some(v.as_str())))
    };
    RecordBatch::try_from_iter_with_nullable([
        ("fingerprint", each(|f| &f.fingerprint), false),
        ("key_id", each(|f| &f.key_id), false),
        ("rule", each(|f| &f.rule), false),
        ("rule_name", each(|f| &f.rule_name), false),
        ("category", each(|f| &f.category), false),
        ("provider", each(|f| &f.provider), false),
        ("severity", each(|f| f.severity.as_str()), false),
        ("confidence", each(|f| f.confidence.as_str()), false),
        ("mask", each(|f| &f.mask), false),
        ("count", int(findings.iter().map(|f| f.count)), false),
        ("first_seen", time(findings.iter().map(|f| f.first_seen)), true),
        ("last_seen", time(findings.iter().map(|f| f.last_seen)), true),
        ("places", jsons(|f| json(&f.places)), false),
        ("public_ids", jsons(|f| json(&f.public_ids)), false),
        ("facts", jsons(|f| json(&f.facts)), false),
        ("remediation", each(|f| &f.remediation), false),
    ])
}

fn occurrences_batch(rows: &[OccurrenceRow]) -> Result<RecordBatch, ArrowError> {
    let each = |get: fn(&OccurrenceRow) -> &str| text(rows.iter().map(move |r| Some(get(r))));
    RecordBatch::try_from_iter_with_nullable([
        ("fingerprint", each(|r| &r.fingerprint), false),
        ("finding", each(|r| &r.finding), false),
        ("rule", each(|r| &r.rule), false),
        ("category", each(|r| r.category), false),
        ("severity", each(|r| r.severity.as_str()), false),
        ("confidence", each(|r| r.confidence.as_str()), false),
        ("mask", each(|r| &r.mask), false),
        ("event_id", each(|r| &r.event_id), false),
        ("event_time", time(rows.iter().map(|r| r.event_time)), true),
        ("source_table", each(|r| &r.source_table), false),
        ("resource", text(rows.iter().map(|r| r.resource.as_deref())), true),
        ("source_object", each(|r| &r.source_object), false),
        ("source_record", int(rows.iter().map(|r| r.source_record)), false),
        ("start", int(rows.iter().map(|r| r.span.0)), false),
        ("end", int(rows.iter().map(|r| r.span.1)), false),
        ("decode_path", text(rows.iter().map(|r| r.decode_path.as_deref())), true),
        ("context", text(rows.iter().map(|r| r.context.as_deref())), true),
        ("verdict", each(|r| r.verdict.as_str()), false),
    ])
}

/// Rows that are encoded together: a secret may stand in millions of places.
const ROWS: usize = 64 * 1024;
/// Rows of one part of the lake at most.
const PART_ROWS: usize = 1024 * 1024;

/// Occurrences as a table, as the lake keeps them: an empty batch, which has its columns, then the rows.
pub fn occurrences(
    mut rows: impl Iterator<Item = io::Result<OccurrenceRow>>,
) -> impl Iterator<Item = Result<RecordBatch, ArrowError>> {
    let more = std::iter::from_fn(move || {
        let next: io::Result<Vec<_>> = rows.by_ref().take(ROWS).collect();
        match next {
            Ok(next) if next.is_empty() => None,
            next => Some(next.map_err(ArrowError::from).and_then(|next| occurrences_batch(&next))),
        }
    });
    std::iter::once(occurrences_batch(&[])).chain(more)
}

/// Writes a table as a Parquet file of its own. One batch there must be; it may be empty.
pub fn write_file(
    out: impl io::Write + Send,
    batches: impl IntoIterator<Item = Result<RecordBatch, ArrowError>>,
) -> io::Result<()> {
    match write_table(out, batches) {
        Ok(_) => Ok(()),
        // What went wrong, said once: `parquet` says it again around the error of the output.
        Err(ParquetError::External(inner)) => {
            Err(inner.downcast::<io::Error>().map_or_else(io::Error::other, |error| *error))
        }
        Err(other) => Err(io::Error::other(other)),
    }
}

/// Its rows and columns.
fn write_table(
    out: impl io::Write + Send,
    batches: impl IntoIterator<Item = Result<RecordBatch, ArrowError>>,
) -> Result<(usize, SchemaRef), ParquetError> {
    let mut batches = batches.into_iter();
    let none = || ParquetError::General("a table without a batch".to_owned());
    let first = batches.next().transpose()?.ok_or_else(none)?;
    let (schema, mut rows) = (first.schema(), 0);
    let zstd = Compression::ZSTD(ZstdLevel::try_new(1)?);
    let properties = WriterProperties::builder().set_compression(zstd).build();
    let mut writer = ArrowWriter::try_new(out, schema.clone(), Some(properties))?;
    for batch in std::iter::once(Ok(first)).chain(batches) {
        let batch = batch?;
        rows += batch.num_rows();
        writer.write(&batch)?;
    }
    writer.close()?;
    Ok((rows, schema))
}

impl Lake {
    /// Replaces the findings and occurrences tables; what `adds` leaves the occurrences there are.
    pub fn commit_scan(
        &mut self,
        findings: &[Finding],
        occurrences: impl Iterator<Item = io::Result<OccurrenceRow>>,
        scanned: Scanned,
        adds: bool,
    ) -> Result<(), LakeError> {
        // Before the change and not after it: who reads the findings of the last scan now goes on doing so.
        self.remove_orphans()?;
        let remove: Vec<String> = self
            .all_parts()
            .filter(|part| schema::DERIVED.contains(&part.table.as_str()) && !(adds && part.table == "occurrences"))
            .map(|part| part.path.clone())
            .collect();
        let mut add = Vec::new();
        add.extend(self.put_table("findings", [findings_batch(findings)])?);
        let mut rows = occurrences.peekable();
        while rows.peek().is_some() {
            add.extend(self.put_table("occurrences", self::occurrences(rows.by_ref().take(PART_ROWS)))?);
        }
        let remove_parts = remove.iter().filter(|path| add.iter().all(|part| part.path != **path)).cloned().collect();
        let scanned = Some(scanned);
        self.commit(Change { by: "scan".to_owned(), add_parts: add, remove_parts, scanned, ..Change::default() })
    }

    /// None where the table has no rows.
    fn put_table(
        &self,
        table: &str,
        batches: impl IntoIterator<Item = Result<RecordBatch, ArrowError>>,
    ) -> Result<Option<Part>, LakeError> {
        let mut bytes = Vec::new();
        let (rows, schema) =
            write_table(&mut bytes, batches).map_err(|source| LakeError::Write { path: table.to_owned(), source })?;
        if rows == 0 {
            return Ok(None);
        }
        let sha256 = super::publish::sha256(&bytes);
        let path = format!("{table}/part-{}.parquet", &sha256[..16]);
        self.store.put_if_absent(&path, &bytes)?;
        Ok(Some(Part {
            path,
            table: table.to_owned(),
            rows: rows as u64,
            bytes: bytes.len() as u64,
            sha256,
            schema: Some(schema::id(&schema)),
            ..Part::default()
        }))
    }

    /// Tells of every occurrence kept what stands in these text columns; nothing stands for null.
    pub fn each_occurrence<const N: usize>(
        &self,
        columns: [&str; N],
        tell: &mut dyn FnMut([&str; N]),
    ) -> Result<(), LakeError> {
        for part in self.all_parts().filter(|part| part.table == "occurrences") {
            for batch in self.open_part(part, &columns)? {
                let batch = batch.map_err(|source| LakeError::Arrow { path: part.path.clone(), source })?;
                let texts = columns.map(|name| batch.column_by_name(name).and_then(|c| c.as_string_opt::<i32>()));
                let at = |i: usize| texts.map(|text| text.filter(|text| text.is_valid(i)).map_or("", |t| t.value(i)));
                (0..batch.num_rows()).for_each(|i| tell(at(i)));
            }
        }
        Ok(())
    }

    /// The findings of the last scan; `None` when the lake was never scanned.
    pub fn findings(&self) -> Result<Option<Vec<Finding>>, LakeError> {
        let mut all = Vec::new();
        for part in self.all_parts().filter(|part| part.table == "findings") {
            let read = |source| LakeError::Read { path: part.path.clone(), source };
            let bytes = self.get(&part.path)?.ok_or(LakeError::Conflict)?;
            let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes))
                .and_then(|builder| builder.build())
                .map_err(read)?;
            for batch in reader {
                let batch = batch.map_err(|source| LakeError::Arrow { path: part.path.clone(), source })?;
                all.extend((0..batch.num_rows()).map(|i| finding(&batch, i)));
            }
        }
        let scanned = self.manifest.last_scan > 0;
        Ok(scanned.then_some(all))
    }
}

fn finding(batch: &RecordBatch, i: usize) -> Finding {
    let text = |name: &str| {
        let column = batch.column_by_name(name).and_then(|c| c.as_string_opt::<i32>());
        column.map_or_else(String::new, |c| c.value(i).to_owned())
    };
    let time = |name: &str| {
        let column = batch.column_by_name(name).and_then(|c| c.as_primitive_opt::<TimestampMicrosecondType>());
        column.filter(|c| c.is_valid(i)).map(|c| Micros(c.value(i)))
    };
    let count = batch.column_by_name("count").and_then(|c| c.as_primitive_opt::<Int64Type>()).map_or(0, |c| c.value(i));
    let pairs = |name: &str| serde_json::from_str::<Vec<(String, String)>>(&text(name)).unwrap_or_default();
    Finding {
        fingerprint: text("fingerprint"),
        key_id: text("key_id"),
        rule: text("rule"),
        rule_name: text("rule_name"),
        category: text("category"),
        provider: text("provider"),
        severity: Severity::parse(&text("severity")).unwrap_or(Severity::Info),
        confidence: Confidence::parse(&text("confidence")).unwrap_or(Confidence::Low),
        mask: text("mask"),
        count: count as u64,
        first_seen: time("first_seen"),
        last_seen: time("last_seen"),
        places: serde_json::from_str::<BTreeMap<String, u64>>(&text("places")).unwrap_or_default(),
        public_ids: pairs("public_ids"),
        facts: pairs("facts"),
        remediation: text("remediation"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(n: usize) -> OccurrenceRow {
        let text = Text::default;
        OccurrenceRow {
            fingerprint: Text::from(n.to_string().as_str()),
            finding: text(),
            rule: text(),
            category: "token",
            severity: Severity::High,
            confidence: Confidence::High,
            mask: text(),
            event_id: String::new(),
            event_time: None,
            source_table: text(),
            resource: None,
            source_object: text(),
            source_record: n as u64,
            span: (0, 1),
            decode_path: None,
            context: None,
            verdict: String::new(),
        }
    }

    #[test]
    fn many_occurrences_are_more_than_one_part() {
        let dir = tempfile::tempdir().unwrap();
        let mut lake = Lake::create(dir.path()).unwrap();
        let rows = |n: usize| (0..n).map(|i| Ok(row(i)));
        for (n, parts) in [(PART_ROWS + 1, 2), (PART_ROWS, 1), (0, 0)] {
            lake.commit_scan(&[], rows(n), Scanned::default(), false).unwrap();
            assert_eq!(lake.all_parts().count(), parts);
            let mut told = vec![0; n];
            lake.each_occurrence(["fingerprint"], &mut |[value]| told[value.parse::<usize>().unwrap()] += 1).unwrap();
            assert!(told.iter().all(|times| *times == 1));
        }
        let failed = || std::iter::once(Err(io::Error::other("no room")));
        let error = lake.commit_scan(&[], rows(5).chain(failed()), Scanned::default(), false).unwrap_err();
        let error = format!("{:#}", anyhow::Error::from(error));
        assert!(error.contains("no room"), "{error}");
    }
}
