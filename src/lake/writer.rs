//! Collects rows by table and day, stores full parts, and publishes them in one commit.

use super::manifest::{Change, Part, SourceObject};
use super::part::{PartBuilder, RowMeta};
use super::store::Store;
use super::{Lake, LakeError};
use crate::model::{Field, Row};
use std::collections::HashMap;

/// Raw bytes in one part at most (half of what the layout allows: parts are built in memory).
const PART_RAW: usize = 64 * 1024 * 1024;
/// Raw bytes in all open builders at most.
const OPEN_RAW: usize = 192 * 1024 * 1024;
/// Hive's name of the partition of rows without a date.
pub(super) const NO_DATE: &str = "__HIVE_DEFAULT_PARTITION__";

/// Folder of a table's rows of one day.
pub fn partition(table: &str, time: Option<crate::model::Micros>) -> String {
    let date = time.map_or_else(|| NO_DATE.to_owned(), |time| time.date());
    format!("{table}/event_date={date}")
}

/// Writes rows of any tables; nothing is visible before [`LakeWriter::finish`]'s change is committed.
pub struct LakeWriter<'s> {
    store: &'s dyn Store,
    /// By table and partition.
    open: HashMap<(String, String), PartBuilder>,
    open_raw: usize,
    parts: Vec<Part>,
}

impl<'s> LakeWriter<'s> {
    pub fn new(store: &'s dyn Store) -> Self {
        Self { store, open: HashMap::new(), open_raw: 0, parts: Vec::new() }
    }

    /// Adds a row to its table's part of its day.
    pub fn push(&mut self, table: &str, native: &[Field], row: &Row<'_>, meta: &RowMeta<'_>) -> Result<(), LakeError> {
        let key = (table.to_owned(), partition(table, row.time()));
        if !self.open.contains_key(&key) {
            self.open.insert(key.clone(), PartBuilder::new(table, native));
        }
        let Some(builder) = self.open.get_mut(&key) else {
            return Ok(());
        };
        builder.push(row, meta);
        self.open_raw += meta.raw.len();
        if builder.raw_size() >= PART_RAW {
            self.store_part(&key)?;
        } else if self.open_raw >= OPEN_RAW
            && let Some(largest) = self.open.iter().max_by_key(|(_, b)| b.raw_size()).map(|(k, _)| k.clone())
        {
            self.store_part(&largest)?;
        }
        Ok(())
    }

    fn store_part(&mut self, key: &(String, String)) -> Result<(), LakeError> {
        let Some(builder) = self.open.remove(key) else {
            return Ok(());
        };
        self.open_raw -= builder.raw_size();
        self.parts.push(builder.build()?.store(self.store, &key.1)?);
        Ok(())
    }

    /// Stores what is open and returns the parts, to be committed.
    pub fn finish(mut self) -> Result<Vec<Part>, LakeError> {
        let mut keys: Vec<_> = self.open.keys().cloned().collect();
        keys.sort_unstable();
        for key in keys {
            self.store_part(&key)?;
        }
        Ok(self.parts)
    }
}

impl Lake {
    /// Publishes imported parts and their source objects together.
    pub fn commit_import(&mut self, parts: Vec<Part>, objects: Vec<SourceObject>) -> Result<(), LakeError> {
        if parts.is_empty() && objects.is_empty() {
            return Ok(());
        }
        self.commit(Change { by: "import".to_owned(), add_parts: parts, add_objects: objects, ..Change::default() })
    }
}
