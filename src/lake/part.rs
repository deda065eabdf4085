//! Builds one part: rows in, a Parquet file sorted by time out.

use super::encode::{Column, FileWriter, Shape};
use super::link_index::LinkHashes;
use super::{LakeError, schema};
use crate::model::{Common, CommonCell, Field, Kind, Link, Row, Value};
use arrow::datatypes::SchemaRef;

/// Uncompressed `raw` per row group: what a reader must hold at once.
pub(super) const ROW_GROUP_RAW: usize = 32 * 1024 * 1024;

/// What a row is, beside its cells.
#[derive(Clone, Copy, Debug)]
pub struct RowMeta<'a> {
    pub event_id: &'a str,
    /// The record's text, lossy where the bytes are not UTF-8.
    pub raw: &'a str,
    /// The exact bytes, only where they are not UTF-8.
    pub raw_bytes: Option<&'a [u8]>,
    pub object: &'a str,
    /// From 1.
    pub record: u64,
    /// Byte offset in the decompressed object.
    pub offset: u64,
    pub segment: Option<u32>,
}

/// The column of a kind's values.
fn column_of(kind: Kind) -> Column {
    Column::new(match kind {
        Kind::Str | Kind::Json => Shape::Text,
        Kind::Int | Kind::Time => Shape::Int,
        Kind::Float => Shape::Float,
        Kind::Bool => Shape::Bool,
    })
}

/// A value of another kind than the column's is null: formats fill their own columns.
#[inline]
fn push(column: &mut Column, row: usize, value: &Value<'_>) {
    match (value, column.shape()) {
        (Value::Str(text), Shape::Text) => column.push_text(row, text.as_bytes()),
        (Value::Int(n), Shape::Int) => column.push_int(row, *n),
        (Value::Time(time), Shape::Int) => column.push_int(row, time.0),
        (Value::Float(n), Shape::Float) => column.push_float(row, *n),
        (Value::Bool(b), Shape::Bool) => column.push_int(row, i64::from(*b)),
        _ => {}
    }
}

/// A common column: one of its own, or just a native one as long as that has the same values.
enum CommonColumn {
    Own(Column),
    Native(usize),
}

/// Rows of one table and day, in memory.
pub struct PartBuilder {
    table: String,
    schema: SchemaRef,
    event_id: Column,
    source_table: Column,
    common: Vec<CommonColumn>,
    links: [Column; Link::ALL.len()],
    raw: Column,
    raw_bytes: Column,
    object: Column,
    record: Column,
    offset: Column,
    segment: Column,
    native: Vec<Column>,
    extra: Column,
    rows: usize,
    raw_size: usize,
    /// Of each row, [`i64::MIN`] where it has none.
    times: Vec<i64>,
    sorted: bool,
}

/// A finished part, not yet stored.
pub struct BuiltPart {
    pub table: String,
    pub rows: u64,
    pub raw_bytes: u64,
    pub min_time: Option<i64>,
    pub max_time: Option<i64>,
    /// See [`schema::id`].
    pub schema: String,
    /// The file of its link index.
    pub links: Vec<u8>,
    pub parquet: Vec<u8>,
}

impl PartBuilder {
    pub fn new(table: &str, native: &[Field]) -> Self {
        let text = || Column::new(Shape::Text);
        let int = || Column::new(Shape::Int);
        Self {
            table: table.to_owned(),
            schema: schema::of(native),
            event_id: Column::ids(),
            source_table: text(),
            common: Common::ALL.iter().map(|c| CommonColumn::Own(column_of(c.kind()))).collect(),
            links: Link::ALL.map(|_| Column::new(Shape::List)),
            raw: Column::unique(),
            raw_bytes: Column::unique(),
            object: text(),
            record: int(),
            offset: int(),
            segment: int(),
            native: native.iter().map(|f| column_of(f.kind)).collect(),
            extra: text(),
            rows: 0,
            raw_size: 0,
            times: Vec::new(),
            sorted: true,
        }
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn raw_size(&self) -> usize {
        self.raw_size
    }

    pub fn push(&mut self, row: &Row<'_>, meta: &RowMeta<'_>) {
        let at = self.rows;
        self.event_id.push_text(at, meta.event_id.as_bytes());
        // Before the native columns have this row: whether they were empty so far is asked.
        for (i, cell) in row.common_cells() {
            self.push_common(i, &cell, row);
        }
        for (list, &link) in self.links.iter_mut().zip(&Link::ALL) {
            row.links(link).iter().for_each(|value| list.push_item(at, value.as_bytes()));
        }
        self.raw.push_text(at, meta.raw.as_bytes());
        if let Some(bytes) = meta.raw_bytes {
            self.raw_bytes.push_text(at, bytes);
        }
        self.object.push_text(at, meta.object.as_bytes());
        self.record.push_int(at, meta.record as i64);
        self.offset.push_int(at, meta.offset as i64);
        if let Some(segment) = meta.segment {
            self.segment.push_int(at, i64::from(segment));
        }
        for (i, value) in row.native.written() {
            if let Some(column) = self.native.get_mut(i) {
                push(column, at, value);
            }
        }
        if let Some(extra) = row.extra_json() {
            self.extra.push_text(at, extra.as_bytes());
        }
        self.rows += 1;
        self.raw_size += meta.raw.len();
        let time = row.time().map_or(i64::MIN, |t| t.0);
        self.sorted &= self.times.last().is_none_or(|last| *last <= time);
        self.times.push(time);
    }

    fn push_common(&mut self, i: usize, cell: &CommonCell<'_, '_>, row: &Row<'_>) {
        let value = match cell {
            CommonCell::Set(value) => *value,
            CommonCell::Fed(native) => &row.native[*native],
        };
        if let (CommonColumn::Own(own), CommonCell::Fed(native)) = (&self.common[i], cell)
            && own.is_empty()
            && self.native.get(*native).is_some_and(|column| column.is_empty() && column.shape() == own.shape())
        {
            self.common[i] = CommonColumn::Native(*native);
        }
        let own = match (&mut self.common[i], cell) {
            (CommonColumn::Native(of), CommonCell::Fed(native)) if of == native => return,
            (CommonColumn::Native(of), _) => {
                // From here on they differ.
                let mut own = self.native[*of].clone();
                own.pad(self.rows);
                self.common[i] = CommonColumn::Own(own);
                &mut self.common[i]
            }
            (own, _) => own,
        };
        if let CommonColumn::Own(own) = own {
            push(own, self.rows, value);
        }
    }

    /// The columns that are there, in any order.
    fn stored(&mut self) -> impl Iterator<Item = &mut Column> {
        let own = self.common.iter_mut().filter_map(|common| match common {
            CommonColumn::Own(column) => Some(column),
            CommonColumn::Native(_) => None,
        });
        [&mut self.event_id, &mut self.source_table, &mut self.raw, &mut self.raw_bytes, &mut self.object]
            .into_iter()
            .chain([&mut self.record, &mut self.offset, &mut self.segment, &mut self.extra])
            .chain(own)
            .chain(&mut self.links)
            .chain(&mut self.native)
    }

    /// The columns of the schema.
    fn columns(&self) -> Vec<&Column> {
        let mut columns = vec![&self.event_id, &self.source_table];
        columns.extend(self.common.iter().map(|common| match common {
            CommonColumn::Own(column) => column,
            CommonColumn::Native(native) => &self.native[*native],
        }));
        columns.extend(&self.links);
        columns.extend([&self.raw, &self.raw_bytes, &self.object, &self.record, &self.offset, &self.segment]);
        columns.extend(&self.native);
        columns.push(&self.extra);
        columns
    }

    /// Rows by time, those without one first, those of equal time as they came; `None` where they are so.
    fn order(&self) -> Option<Vec<u32>> {
        if self.sorted {
            return None;
        }
        let mut order: Vec<(i64, u32)> = self.times.iter().enumerate().map(|(i, time)| (*time, i as u32)).collect();
        order.sort_by_key(|(time, _)| *time);
        Some(order.into_iter().map(|(_, row)| row).collect())
    }

    /// Sorts by event_time, rows without one first, and encodes.
    pub fn build(mut self) -> Result<BuiltPart, LakeError> {
        let rows = self.rows;
        self.source_table = Column::constant(self.table.as_bytes(), rows);
        self.stored().for_each(|column| column.finish(rows));
        if let Some(order) = self.order() {
            self.stored().for_each(|column| column.reorder(&order));
        }
        let times = self.times.iter().copied().filter(|time| *time != i64::MIN);
        let (min_time, max_time) = (times.clone().min(), times.max());
        let mut links = LinkHashes::new();
        self.links.iter().zip(Link::ALL).for_each(|(list, link)| links.add_values(link, list.items()));
        let encode = || {
            let mut writer = FileWriter::new(&self.schema)?;
            writer.write(&self.columns(), rows)?;
            writer.finish()
        };
        let parquet = encode().map_err(|source| LakeError::Write { path: self.table.clone(), source })?;
        Ok(BuiltPart {
            rows: rows as u64,
            raw_bytes: self.raw_size as u64,
            min_time,
            max_time,
            schema: schema::id(&self.schema),
            links: links.finish(),
            table: self.table,
            parquet,
        })
    }
}
