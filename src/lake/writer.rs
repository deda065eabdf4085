//! Collects rows by table and day, stores full parts, and publishes them in one commit.

use super::manifest::{Change, Part, SourceObject, StaleDay};
use super::part::{PartBuilder, RowMeta};
use super::store::Store;
use super::{Lake, LakeError};
use crate::model::{Field, Micros, Row};

/// Raw bytes in one part at most: parts are built in memory, one or more per thread. `lake compact` makes them
/// larger.
const PART_RAW: usize = 32 * 1024 * 1024;
/// Raw bytes in all open builders at most.
const OPEN_RAW: usize = 96 * 1024 * 1024;
/// Hive's name of the partition of rows without a date.
pub(super) const NO_DATE: &str = "__HIVE_DEFAULT_PARTITION__";

/// Folder of a table's rows of one day.
pub fn partition(table: &str, time: Option<Micros>) -> String {
    let date = time.map_or_else(|| NO_DATE.to_owned(), |time| time.date());
    format!("{table}/event_date={date}")
}

/// A part that rows are still added to.
struct Open {
    table: String,
    /// Days since 1970; none without a time.
    day: Option<i64>,
    folder: String,
    builder: PartBuilder,
}

/// Writes rows of any tables; nothing is visible before [`LakeWriter::finish`]'s change is committed.
pub struct LakeWriter<'s> {
    store: &'s dyn Store,
    /// By table and day; the one written to last comes first.
    open: Vec<Open>,
    open_raw: usize,
    parts: Vec<Part>,
}

impl<'s> LakeWriter<'s> {
    pub fn new(store: &'s dyn Store) -> Self {
        Self { store, open: Vec::new(), open_raw: 0, parts: Vec::new() }
    }

    /// Adds a row to its table's part of its day.
    pub fn push(&mut self, table: &str, native: &[Field], row: &Row<'_>, meta: &RowMeta<'_>) -> Result<(), LakeError> {
        let day = row.time().map(Micros::day);
        let at = match self.open.iter().position(|open| open.day == day && open.table == table) {
            Some(at) => at,
            None => {
                let folder = partition(table, row.time());
                let builder = PartBuilder::new(table, native);
                self.open.push(Open { table: table.to_owned(), day, folder, builder });
                self.open.len() - 1
            }
        };
        self.open.swap(0, at);
        let builder = &mut self.open[0].builder;
        builder.push(row, meta);
        self.open_raw += meta.raw.len();
        if builder.raw_size() >= PART_RAW {
            self.store_part(0)?;
        } else if self.open_raw >= OPEN_RAW
            && let Some((largest, _)) = self.open.iter().enumerate().max_by_key(|(_, open)| open.builder.raw_size())
        {
            self.store_part(largest)?;
        }
        Ok(())
    }

    fn store_part(&mut self, at: usize) -> Result<(), LakeError> {
        let Open { folder, builder, .. } = self.open.swap_remove(at);
        self.open_raw -= builder.raw_size();
        self.parts.push(builder.build()?.store(self.store, &folder)?);
        Ok(())
    }

    /// Stores what is open and returns the parts, to be committed.
    pub fn finish(mut self) -> Result<Vec<Part>, LakeError> {
        self.open.sort_by(|a, b| b.folder.cmp(&a.folder));
        while let Some(last) = self.open.len().checked_sub(1) {
            self.store_part(last)?;
        }
        Ok(self.parts)
    }
}

impl Lake {
    /// Publishes imported parts and their source objects together, and which days of derived tables lack them.
    pub fn commit_import(
        &mut self,
        parts: Vec<Part>,
        stale: Vec<StaleDay>,
        objects: Vec<SourceObject>,
    ) -> Result<(), LakeError> {
        if parts.is_empty() && objects.is_empty() {
            return Ok(());
        }
        self.commit(Change {
            by: "import".to_owned(),
            add_parts: parts,
            stale,
            add_objects: objects,
            ..Change::default()
        })
    }
}
