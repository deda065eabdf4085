//! Old events leave the lake, and that they did is written down.

use super::manifest::{Change, Part, Pruned};
use super::rewrite::{PartWriter, folder_of};
use super::{Lake, LakeError, schema};
use crate::model::{Common, Micros};
use arrow::array::{Array as _, AsArray as _, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::TimestampMicrosecondType;
use std::collections::BTreeMap;

/// What goes, or would go, of one table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PruneCount {
    pub rows: u64,
    /// Parts that go whole.
    pub parts: u64,
    /// Parts that are written again without their older rows.
    pub rewritten: u64,
    /// Rows without a time: they stay.
    pub untimed: u64,
}

/// By table; only tables from which something goes, or in which untimed rows stay.
pub type PruneReport = BTreeMap<String, PruneCount>;

impl Lake {
    /// Takes out events before an instant, of one table or all, in one commit; with `dry_run` only counts them.
    /// Source objects stay known, so importing them again brings nothing back.
    pub fn prune(
        &mut self,
        before: Micros,
        table: Option<&str>,
        now: Micros,
        dry_run: bool,
    ) -> Result<PruneReport, LakeError> {
        let mut report = PruneReport::new();
        let mut change = Change { by: "prune".to_owned(), ..Change::default() };
        let wanted = |part: &&Part| match table {
            Some(name) => part.table == name,
            None => !schema::DERIVED.contains(&part.table.as_str()),
        };
        for part in self.all_parts().filter(wanted) {
            let (Some(min), Some(max)) = (part.min_time, part.max_time) else {
                report.entry(part.table.clone()).or_default().untimed += part.rows;
                continue;
            };
            if min >= before.0 {
                continue;
            }
            let count = report.entry(part.table.clone()).or_default();
            if max < before.0 {
                count.parts += 1;
                count.rows += part.rows;
            } else {
                count.rewritten += 1;
                count.rows += self.rows_before(part, before)?;
                if !dry_run {
                    change.add_parts.push(self.without(part, before)?);
                }
            }
            change.remove_parts.push(part.path.clone());
        }
        let gone = report.iter().filter(|(_, count)| count.rows > 0);
        change.pruned.extend(gone.map(|(table, count)| Pruned {
            table: table.clone(),
            before: before.to_string(),
            rows: count.rows,
            when: now.to_string(),
        }));
        if !dry_run && !change.pruned.is_empty() {
            self.commit(change)?;
        }
        Ok(report)
    }

    fn rows_before(&self, part: &Part, before: Micros) -> Result<u64, LakeError> {
        let mut rows = 0;
        for batch in self.open_part(part, &[Common::EventTime.name()])? {
            let batch = batch.map_err(|source| LakeError::Arrow { path: part.path.clone(), source })?;
            rows += kept(&batch, before).false_count() as u64;
        }
        Ok(rows)
    }

    /// The part without its older rows, stored and not committed.
    fn without(&self, part: &Part, before: Micros) -> Result<Part, LakeError> {
        let whole = self.open_checked(part)?;
        let arrow = |source| LakeError::Arrow { path: part.path.clone(), source };
        let mut writer = PartWriter::new(&part.table, &whole.schema)?;
        for batch in whole.reader {
            let batch = batch.map_err(arrow)?;
            let left = filter_record_batch(&batch, &kept(&batch, before)).map_err(arrow)?;
            writer.push(&left)?;
        }
        let mut left = writer.finish()?.store(&self.store, folder_of(part))?;
        left.replaces = vec![part.path.clone()];
        Ok(left)
    }
}

/// Which rows stay: those at or after the instant, and those without a time.
fn kept(batch: &RecordBatch, before: Micros) -> BooleanArray {
    let times = batch.column_by_name(Common::EventTime.name());
    match times.and_then(|c| c.as_primitive_opt::<TimestampMicrosecondType>()) {
        Some(times) => (0..times.len()).map(|i| Some(times.is_null(i) || times.value(i) >= before.0)).collect(),
        None => BooleanArray::from(vec![true; batch.num_rows()]),
    }
}
