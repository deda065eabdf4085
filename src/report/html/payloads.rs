//! Whole payloads in logs: where, how much, what lies in them, and what to change.

use super::cell::{Cell, When};
use super::{Listing, MOST_ROWS};
use crate::model::{PayloadField, PayloadLog, Severity};
use crate::report::text::number;

/// Fields that are told of one log.
const MOST_FIELDS: usize = 5;

/// One log group that logs payloads of one kind.
pub struct PayloadRow {
    pub severity: Severity,
    pub resource: Cell,
    pub title: Cell,
    pub events: String,
    pub bytes: String,
    /// 0 to 100, of the bytes of the resource.
    pub bar: u64,
    pub first: Option<When>,
    pub last: Option<When>,
    pub fields: Listing<(Cell, Cell)>,
    pub shape: Cell,
    pub cause: Cell,
    pub remedy: Cell,
}

impl PayloadRow {
    fn new(one: &PayloadLog) -> Self {
        let told: Vec<&PayloadField> = one.fields.iter().filter(|field| !field.found.is_empty()).collect();
        let found = |field: &&PayloadField| {
            let list: Vec<String> = field.found.iter().map(|(rule, n)| format!("{} {rule}", number(*n))).collect();
            (Cell::new(&field.path), Cell::new(&list.join(", ")))
        };
        Self {
            severity: one.severity(),
            resource: Cell::new(&one.resource),
            title: Cell::new(one.title),
            events: number(one.events),
            bytes: number(one.bytes),
            bar: (one.share_of_bytes() * 100.0) as u64,
            first: one.first_seen.map(When::new),
            last: one.last_seen.map(When::new),
            fields: Listing::new(&told, MOST_FIELDS, found),
            shape: Cell::long(&one.shape),
            cause: Cell::long(one.cause),
            remedy: Cell::long(one.remedy),
        }
    }
}

/// In the order given.
pub fn rows(payloads: &[PayloadLog]) -> Listing<PayloadRow> {
    Listing::new(payloads, MOST_ROWS, PayloadRow::new)
}
