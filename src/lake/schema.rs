//! Columns of the lake's tables, in order.

use crate::model::{Common, Field, Kind, Link};
use arrow::datatypes::{DataType, Field as ArrowField, Schema, SchemaRef, TimeUnit};
use std::sync::Arc;

/// Table of records no format could parse.
pub const REJECTS: &str = "rejects";
/// Tables made from others: replaced by each scan, no log events.
pub const DERIVED: [&str; 2] = ["findings", "occurrences"];
/// Tables stitched together of another one's lines: no events of their own.
pub const STITCHED: [&str; 2] = ["invocations", "requests"];

/// Native columns of the rejects table.
pub static REJECT_FIELDS: [Field; 3] = [
    Field::new("reject_reason", "(reason)", Kind::Str),
    Field::new("reject_detail", "(what was wrong)", Kind::Str),
    Field::new("reject_format", "(format it was read as)", Kind::Str),
];

/// Columns of every table beside the common and native ones.
pub const EVENT_ID: &str = "event_id";
pub const SOURCE_TABLE: &str = "source_table";
pub const RAW: &str = "raw";
pub const RAW_BYTES: &str = "raw_bytes";
pub const SOURCE_OBJECT: &str = "source_object";
pub const SOURCE_RECORD: &str = "source_record";
pub const SOURCE_OFFSET: &str = "source_offset";
pub const SEGMENT: &str = "segment";
pub const EXTRA: &str = "extra";

pub fn data_type(kind: Kind) -> DataType {
    match kind {
        Kind::Str | Kind::Json => DataType::Utf8,
        Kind::Int => DataType::Int64,
        Kind::Float => DataType::Float64,
        Kind::Bool => DataType::Boolean,
        Kind::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
    }
}

fn nullable(name: &str, data_type: DataType) -> ArrowField {
    ArrowField::new(name, data_type, true)
}

/// Schema of a table with these native fields: ids, common columns, links, raw and its place, native
/// columns, `extra`.
pub fn of(native: &[Field]) -> SchemaRef {
    let mut fields =
        vec![ArrowField::new(EVENT_ID, DataType::Utf8, false), ArrowField::new(SOURCE_TABLE, DataType::Utf8, false)];
    fields.extend(Common::ALL.iter().map(|c| nullable(c.name(), data_type(c.kind()))));
    let item = Arc::new(ArrowField::new("item", DataType::Utf8, true));
    fields.extend(Link::ALL.iter().map(|link| nullable(link.column(), DataType::List(Arc::clone(&item)))));
    fields.push(ArrowField::new(RAW, DataType::Utf8, false));
    fields.push(nullable(RAW_BYTES, DataType::Binary));
    fields.push(ArrowField::new(SOURCE_OBJECT, DataType::Utf8, false));
    fields.push(ArrowField::new(SOURCE_RECORD, DataType::Int64, false));
    fields.push(ArrowField::new(SOURCE_OFFSET, DataType::Int64, false));
    fields.push(nullable(SEGMENT, DataType::Int64));
    fields.extend(native.iter().map(|f| nullable(f.column, data_type(f.kind))));
    fields.push(nullable(EXTRA, DataType::Utf8));
    Arc::new(Schema::new(fields))
}

/// Names the columns and their types, in order: 16 hex digits of SHA-256.
pub fn id(schema: &Schema) -> String {
    let mut text = String::new();
    for field in schema.fields() {
        text.push_str(&format!("{}\0{}\n", field.name(), field.data_type()));
    }
    super::publish::sha256(text.as_bytes())[..16].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        let schema = of(&REJECT_FIELDS);
        let mut names: Vec<_> = schema.fields().iter().map(|f| f.name().as_str()).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
