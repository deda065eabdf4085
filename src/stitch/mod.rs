//! Tables made of another table's lines: one row per request or invocation out of its many log lines.
//!
//! To add one: write `stitch/<name>.rs` with its [`Derived`], add its `mod` line and its entry in [`ALL`].

mod invocations;
mod requests;

use crate::model::{Field, Micros, Row};

/// Every derived table.
pub static ALL: [&Derived; 2] = [&requests::REQUESTS, &invocations::INVOCATIONS];

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

/// No row spans more: a Lambda function runs for 15 minutes at most, an API Gateway request for less.
pub const LONGEST: i64 = 16 * 60 * 1_000_000;

/// Takes the lines of the source table by time, those of one time in any order; lines without a time come apart
/// from the others. What comes out depends on the set of lines only. Holds the lines of the last [`LONGEST`] or so.
pub trait Stitcher: Send {
    fn add(&mut self, line: &Line<'_>);

    /// Gives the rows that no line at `now` or later belongs to.
    fn retire(&mut self, now: Micros, give: &mut dyn FnMut(Stitched));

    /// Gives the rest.
    fn finish(self: Box<Self>, give: &mut dyn FnMut(Stitched));
}

/// One line of the source table.
#[derive(Clone, Copy, Debug, Default)]
pub struct Line<'a> {
    /// Identity of the line; a line may be added twice and counts once.
    pub event_id: &'a str,
    pub time: Option<Micros>,
    pub log_group: Option<&'a str>,
    pub log_stream: Option<&'a str>,
    pub account_id: Option<&'a str>,
    pub region: Option<&'a str>,
    /// What the source table's columns of these names say; the line is read where they say nothing.
    pub kind: Option<&'a str>,
    pub request_id: Option<&'a str>,
    pub error_type: Option<&'a str>,
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
