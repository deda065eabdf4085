//! Tables made of another table's lines: one row per request or invocation out of its many log lines.
//!
//! To add one: write `stitch/<name>.rs` with its [`Derived`], add its `mod` line and its entry in [`ALL`].

mod requests;

use crate::model::{Field, Micros, Row};

/// Every derived table.
pub static ALL: [&Derived; 1] = [&requests::REQUESTS];

/// A table made of another one's lines.
pub struct Derived {
    /// Name of the table.
    pub id: &'static str,
    pub title: &'static str,
    /// The table it reads.
    pub source: &'static str,
    /// Native columns, in the order of [`Row::native`].
    pub fields: &'static [Field],
    pub stitcher: fn() -> Box<dyn Stitcher>,
}

/// Takes all lines of the source table, in any order, and gives the rows they make. What comes out depends on
/// the set of lines only, never on their order.
pub trait Stitcher: Send {
    fn add(&mut self, line: &Line<'_>);

    /// The rows, in an order that does not depend on that of the lines.
    fn finish(self: Box<Self>) -> Vec<Stitched>;
}

/// One line of the source table.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// Identity of the line; a line may be added twice and counts once.
    pub event_id: &'a str,
    pub time: Option<Micros>,
    pub log_group: Option<&'a str>,
    pub log_stream: Option<&'a str>,
    pub account_id: Option<&'a str>,
    pub region: Option<&'a str>,
    /// The message, without the transport around it.
    pub raw: &'a str,
}

/// One row of a derived table.
#[derive(Clone, Debug)]
pub struct Stitched {
    /// Common cells are set; native cells have not been fed to them.
    pub row: Row<'static>,
    /// What makes the row the same one in the next run: parts of a key such as group, request id and ordinal,
    /// joined by newlines. Not hashed yet.
    pub event_id: String,
    /// Time of the first line.
    pub first: Option<Micros>,
    /// A line for people: method, path, status. Holds no header, query or body.
    pub raw: String,
}
