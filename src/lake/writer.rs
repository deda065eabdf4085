//! Collects rows by table and day, stores full parts, and publishes them in one commit.

use super::manifest::{Change, Part};
use super::part::{PartBuilder, RowMeta};
use super::store::Store;
use super::{Lake, LakeError};
use crate::model::{Field, Micros, Row};

/// What one part weighs at most: parts are built in memory, one or more per thread. `lake compact` makes them larger.
const PART_WEIGHT: usize = 48 * 1024 * 1024;
/// What all open builders weigh at most.
const OPEN_WEIGHT: usize = 128 * 1024 * 1024;
/// A row weighs its raw bytes, and so many for its columns: short lines cost more than their text.
const ROW_WEIGHT: usize = 192;
/// Hive's name of the partition of rows without a date.
pub(super) const NO_DATE: &str = "__HIVE_DEFAULT_PARTITION__";

/// Folder of a table's rows of one day.
pub fn partition(table: &str, time: Option<Micros>) -> String {
    let date = time.map_or_else(|| NO_DATE.to_owned(), |time| time.date());
    format!("{table}/event_date={date}")
}

/// The rows of one table and day, so far.
struct Open {
    table: String,
    /// Days since 1970; none without a time.
    day: Option<i64>,
    full: FullPart,
}

/// Rows enough for a part, or all there are.
pub struct FullPart {
    folder: String,
    pub builder: PartBuilder,
}

/// Parts that rows are still added to, by table and day; the one written to last comes first.
#[derive(Default)]
pub struct OpenParts {
    open: Vec<Open>,
    weight: usize,
}

fn weight(builder: &PartBuilder) -> usize {
    builder.raw_size() + builder.rows() * ROW_WEIGHT
}

impl OpenParts {
    /// Adds a row to its table's part of its day, and gives the part that must be stored now, if any.
    pub fn push(&mut self, table: &str, native: &[Field], row: &Row<'_>, meta: &RowMeta<'_>) -> Option<FullPart> {
        let day = row.time().map(Micros::day);
        let at = match self.open.iter().position(|open| open.day == day && open.table == table) {
            Some(at) => at,
            None => {
                let full = FullPart { folder: partition(table, row.time()), builder: PartBuilder::new(table, native) };
                self.open.push(Open { table: table.to_owned(), day, full });
                self.open.len() - 1
            }
        };
        self.open.swap(0, at);
        let builder = &mut self.open[0].full.builder;
        builder.push(row, meta);
        self.weight += meta.raw.len() + ROW_WEIGHT;
        if weight(builder) >= PART_WEIGHT {
            return Some(self.take(0));
        }
        if self.weight < OPEN_WEIGHT {
            return None;
        }
        let largest = self.open.iter().enumerate().max_by_key(|(_, open)| weight(&open.full.builder))?.0;
        Some(self.take(largest))
    }

    fn take(&mut self, at: usize) -> FullPart {
        let full = self.open.swap_remove(at).full;
        self.weight -= weight(&full.builder);
        full
    }

    /// What is left, by table and day.
    pub fn finish(mut self) -> impl Iterator<Item = FullPart> {
        self.open.sort_by(|a, b| a.full.folder.cmp(&b.full.folder));
        self.open.into_iter().map(|open| open.full)
    }
}

/// Writes rows of any tables; nothing is visible before [`LakeWriter::finish`]'s change is committed.
pub struct LakeWriter<'s> {
    store: &'s dyn Store,
    open: OpenParts,
    parts: Vec<Part>,
}

impl<'s> LakeWriter<'s> {
    pub fn new(store: &'s dyn Store) -> Self {
        Self { store, open: OpenParts::default(), parts: Vec::new() }
    }

    /// Adds a row to its table's part of its day.
    pub fn push(&mut self, table: &str, native: &[Field], row: &Row<'_>, meta: &RowMeta<'_>) -> Result<(), LakeError> {
        match self.open.push(table, native, row, meta) {
            Some(full) => self.store(full),
            None => Ok(()),
        }
    }

    fn store(&mut self, full: FullPart) -> Result<(), LakeError> {
        self.parts.push(full.builder.build()?.store(self.store, &full.folder)?);
        Ok(())
    }

    /// Stores what is open and returns the parts, to be committed.
    pub fn finish(mut self) -> Result<Vec<Part>, LakeError> {
        std::mem::take(&mut self.open).finish().try_for_each(|full| self.store(full))?;
        Ok(self.parts)
    }
}

impl Lake {
    /// Publishes imported parts and their source objects together, which days of derived tables lack them, and what
    /// was fetched with them.
    pub fn commit_import(&mut self, change: Change) -> Result<(), LakeError> {
        let nothing = change.add_parts.is_empty() && change.add_objects.is_empty() && change.pulled.is_empty();
        if nothing && change.whole.is_empty() {
            return Ok(());
        }
        self.commit(change)
    }
}
