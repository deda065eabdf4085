//! Rows in the formats that every list has.

use super::args::TableFormat;
use super::context::Context;
use super::terminal;
use crate::report::table::Table;
use crate::report::text::clip;
use crate::report::{csv, jsonl};
use serde::Serialize;
use std::borrow::Cow;
use std::path::Path;

/// What a list looks like.
pub(super) struct Listing<'a, const N: usize> {
    pub headers: &'a [&'a str; N],
    /// Headers of numbers.
    pub numbers: &'a [&'a str],
    /// Cells that may be long, and how much of them a table shows.
    pub clipped: &'a [(usize, usize)],
}

impl<const N: usize> Listing<'_, N> {
    /// Writes rows: JSON Lines as they serialize, the other formats as their cells.
    pub fn write<T: Serialize>(
        &self,
        rows: &[T],
        cells: impl Fn(&T) -> [String; N],
        (format, to): (TableFormat, Option<&Path>),
        context: &Context,
    ) -> anyhow::Result<()> {
        let mut out = terminal::output(to)?;
        match format {
            TableFormat::Jsonl => rows.iter().try_for_each(|row| jsonl::write_line(&mut *out, row))?,
            TableFormat::Csv => {
                csv::write_row(&mut *out, &self.headers.map(Cow::Borrowed))?;
                rows.iter().try_for_each(|row| csv::write_row(&mut *out, &cells(row).map(Cow::Owned)))?;
            }
            TableFormat::Table => {
                let mut table = Table::new(self.headers).right_aligned(self.numbers);
                for row in rows {
                    let mut shown = cells(row);
                    for (cell, most) in self.clipped {
                        shown[*cell] = clip(&shown[*cell], *most).into_owned();
                    }
                    table.push(shown.to_vec());
                }
                let width = if to.is_none() { context.terminal.width() } else { None };
                if !table.is_empty() {
                    write!(out, "{}", table.render(width))?;
                }
            }
        }
        Ok(out.flush()?)
    }
}
