//! What a question about a stretch of time has to read of a part, told by its footer.

use super::Lake;
use super::manifest::Part;
use crate::model::{Common, TimeRange};
use parquet::file::metadata::{ParquetMetaDataReader, RowGroupMetaData};
use parquet::file::statistics::Statistics;
use std::fs::File;

/// Row groups and bytes, of these and of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadSize {
    pub groups: u64,
    pub all_groups: u64,
    /// Compressed bytes of the columns asked for, in row groups that touch the time.
    pub bytes: u64,
}

impl Lake {
    /// What of a part's columns lies in a time. A part whose footer cannot be read counts whole.
    pub fn read_size(&self, part: &Part, columns: &[&str], range: TimeRange) -> ReadSize {
        let whole = ReadSize { groups: 1, all_groups: 1, bytes: part.bytes };
        let footer = File::open(self.path_of(part)).ok();
        let Some(footer) = footer.and_then(|file| ParquetMetaDataReader::new().parse_and_finish(&file).ok()) else {
            return whole;
        };
        let mut size = ReadSize::default();
        for group in footer.row_groups() {
            size.all_groups += 1;
            if touches(group, range) {
                size.groups += 1;
                let read = |column: &&parquet::file::metadata::ColumnChunkMetaData| {
                    column.column_path().parts().first().is_some_and(|name| columns.contains(&name.as_str()))
                };
                let bytes = group.columns().iter().filter(read).map(|column| column.compressed_size());
                size.bytes += bytes.sum::<i64>().unsigned_abs();
            }
        }
        size
    }
}

/// Whether a row group may hold events of the time: those without statistics always may.
fn touches(group: &RowGroupMetaData, range: TimeRange) -> bool {
    let time = group.columns().iter().find(|column| column.column_path().string() == Common::EventTime.name());
    match time.and_then(|column| column.statistics()) {
        Some(Statistics::Int64(statistics)) => match (statistics.min_opt(), statistics.max_opt()) {
            (Some(first), Some(last)) => range.touches(crate::model::Micros(*first), crate::model::Micros(*last)),
            _ => true,
        },
        _ => true,
    }
}
