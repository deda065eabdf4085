//! Aligned columns of plain text.

use super::text::{clip, terminal, width};
use std::borrow::Cow;
use std::convert::Infallible;

/// Blanks between two columns.
const GAP: usize = 2;
/// No column is clipped below this many characters: less tells nothing.
const NARROWEST: usize = 8;

/// A header and rows of text; cells are made safe for a terminal when they are shown.
#[derive(Clone, Debug, Default)]
pub struct Table {
    headers: Vec<String>,
    rows: Vec<Vec<String>>,
    /// By column; right-aligned columns hold numbers and are never clipped.
    right: Vec<bool>,
}

impl Table {
    pub fn new(headers: &[&str]) -> Self {
        Self {
            headers: headers.iter().map(ToString::to_string).collect(),
            rows: Vec::new(),
            right: vec![false; headers.len()],
        }
    }

    /// Right-aligns the columns with these headers; a name that is no header is ignored.
    pub fn right_aligned(mut self, headers: &[&str]) -> Self {
        for (right, header) in self.right.iter_mut().zip(&self.headers) {
            *right |= headers.contains(&header.as_str());
        }
        self
    }

    /// Adds a row. Missing cells are blank; surplus ones stand in columns without a header.
    pub fn push(&mut self, row: Vec<String>) {
        self.rows.push(row);
    }

    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Header and rows, each line ended by `\n` and without trailing blanks.
    ///
    /// With a `width` in terminal columns, the widest text columns are clipped until lines fit, but
    /// none below eight; a table of many columns may stay wider than asked.
    pub fn render(&self, width: Option<usize>) -> String {
        let mut out = String::new();
        let rows = || self.rows.iter().map(|row| Ok::<_, Infallible>(Cow::Borrowed(row.as_slice())));
        let Ok(()) = self.each_line(width, rows, |line| {
            out.push_str(line);
            Ok(())
        });
        out
    }

    /// As [`Table::render`], line by line, of rows that may be too many to hold: they are asked for twice, to be
    /// measured and to be shown.
    pub fn each_line<'a, E, I>(
        &self,
        width: Option<usize>,
        rows: impl Fn() -> I,
        mut show: impl FnMut(&str) -> Result<(), E>,
    ) -> Result<(), E>
    where
        I: Iterator<Item = Result<Cow<'a, [String]>, E>>,
    {
        let mut widths = Vec::new();
        measure(&mut widths, &self.headers);
        for row in rows() {
            measure(&mut widths, &row?);
        }
        if let Some(limit) = width {
            self.shrink(&mut widths, limit);
        }
        let mut line = String::new();
        self.push_line(&mut line, &self.headers, &widths);
        show(&line)?;
        for row in rows() {
            line.clear();
            self.push_line(&mut line, &row?, &widths);
            show(&line)?;
        }
        Ok(())
    }

    fn push_line(&self, out: &mut String, line: &[String], widths: &[usize]) {
        let start = out.len();
        for (column, &room) in widths.iter().enumerate() {
            let cell = line.get(column).map_or(Cow::Borrowed(""), |cell| terminal(cell));
            let cell = clip(&cell, room);
            let padding = room.saturating_sub(self::width(&cell));
            let (before, after) = if self.is_right(column) { (padding, 0) } else { (0, padding) };
            let gap = if column == 0 { 0 } else { GAP };
            out.extend(std::iter::repeat_n(' ', gap + before));
            out.push_str(&cell);
            out.extend(std::iter::repeat_n(' ', after));
        }
        let used = out.get(start..).unwrap_or_default().trim_end_matches(' ').len();
        out.truncate(start + used);
        out.push('\n');
    }

    fn is_right(&self, column: usize) -> bool {
        self.right.get(column).copied().unwrap_or(false)
    }

    /// Takes from the widest text column, one character at a time, so that columns that must give
    /// end up equally wide.
    fn shrink(&self, widths: &mut [usize], limit: usize) {
        // A column as wide as the line has no claim to more; this bounds the steps below.
        for (column, room) in widths.iter_mut().enumerate() {
            if !self.is_right(column) {
                *room = (*room).min(limit.max(NARROWEST));
            }
        }
        let gaps = GAP * widths.len().saturating_sub(1);
        let mut excess = (widths.iter().sum::<usize>() + gaps).saturating_sub(limit);
        while excess > 0 {
            let text = widths.iter_mut().enumerate().filter(|(column, _)| !self.is_right(*column));
            match text.map(|(_, room)| room).max() {
                Some(room) if *room > NARROWEST => *room -= 1,
                _ => return,
            }
            excess -= 1;
        }
    }
}

/// Makes the columns as wide as the row needs them.
fn measure(widths: &mut Vec<usize>, row: &[String]) {
    widths.resize(widths.len().max(row.len()), 0);
    for (room, cell) in widths.iter_mut().zip(row) {
        *room = (*room).max(width(&terminal(cell)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&["rule", "count", "place"]).right_aligned(&["count"]);
        table.push(vec!["aws-key".into(), "7".into(), "/aws/lambda/pay".into()]);
        table.push(vec!["jwt".into(), "1200".into(), "x".into()]);
        table
    }

    #[test]
    fn columns_are_aligned_and_lines_have_no_tail() {
        assert_eq!(table().render(None), "rule     count  place\naws-key      7  /aws/lambda/pay\njwt       1200  x\n");
        assert_eq!(Table::new(&["a", "b"]).render(Some(80)), "a  b\n");
        assert_eq!(Table::default().render(None), "\n");
        assert!(Table::default().is_empty() && !table().is_empty());
    }

    #[test]
    fn the_widest_text_column_gives_way() {
        assert_eq!(table().render(Some(25)), "rule     count  place\naws-key      7  /aws/lam…\njwt       1200  x\n");
    }

    #[test]
    fn clipped_lines_fit_exactly_and_never_go_below_eight() {
        let mut table = Table::new(&["a", "n", "b"]).right_aligned(&["n"]);
        table.push(vec!["a".repeat(10_000), "12345".into(), "漢".repeat(500)]);
        for limit in 25..120 {
            let text = table.render(Some(limit));
            assert!(text.lines().all(|line| width(line) <= limit), "{limit}");
        }
        let narrow = table.render(Some(1));
        assert_eq!(narrow.lines().nth(1), Some("aaaaaaa…  12345  漢漢漢…"));
    }

    #[test]
    fn cells_cannot_act_on_the_terminal_or_break_the_line() {
        let mut table = Table::new(&["a", "b"]);
        table.push(vec!["\x1b]0;pwned\x07".into(), "two\nlines".into()]);
        let header = format!("{:16}  b", "a");
        assert_eq!(table.render(None), format!("{header}\n\\x1b]0;pwned\\x07  two\\nlines\n"));
    }

    #[test]
    fn uneven_rows_lose_nothing() {
        let mut table = Table::new(&["a", "b"]);
        table.push(vec!["1".into()]);
        table.push(vec!["1".into(), "2".into(), "3".into()]);
        assert_eq!(table.render(None), "a  b\n1\n1  2  3\n");
    }
}
