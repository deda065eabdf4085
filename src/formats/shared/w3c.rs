//! Lines whose fields a `#Fields:` line names (W3C extended log format), as CloudFront writes them.

use super::cell;
use crate::model::{Field, Row, Value};
use std::borrow::Cow;

/// Where each token of a line goes.
#[derive(Clone, Debug)]
pub struct Layout {
    columns: Vec<Column>,
}

#[derive(Clone, Debug)]
enum Column {
    Native(usize),
    /// A field no cell knows goes to `extra` under its own name.
    Extra(String),
}

impl Layout {
    /// The first `count` fields of the format, in its own order.
    pub fn documented(count: usize) -> Self {
        Self { columns: (0..count).map(Column::Native).collect() }
    }

    /// From the names after `#Fields:`, separated by blanks or tabs.
    pub fn named(fields: &[Field], names: &str) -> Self {
        let column = |name: &str| {
            let cell = fields.iter().position(|f| f.native == name);
            cell.map_or_else(|| Column::Extra(name.to_owned()), Column::Native)
        };
        Self { columns: names.split_whitespace().map(column).collect() }
    }

    /// How many of the fields have a cell.
    pub fn known(&self) -> usize {
        self.columns.iter().filter(|column| matches!(column, Column::Native(_))).count()
    }

    pub fn is_all_known(&self) -> bool {
        self.known() == self.columns.len()
    }

    /// Fills the row from a line; tokens after the last named field go to the cell `rest`.
    pub fn fill<'r>(&self, row: &mut Row<'r>, fields: &[Field], line: &'r str, rest: usize) {
        let mut columns = self.columns.iter();
        for token in tokens(line) {
            match columns.next() {
                Some(Column::Native(cell)) => row.native[*cell] = cell::of_text(fields[*cell].kind, token),
                Some(Column::Extra(name)) if !Value::text(token).is_null() => {
                    let json = serde_json::Value::from(token).to_string();
                    row.extra.push((Cow::Owned(name.clone()), Cow::Owned(json)));
                }
                Some(Column::Extra(_)) => {}
                None if token.is_empty() => {}
                None => {
                    row.native[rest] = match row.native[rest].as_str() {
                        Some(before) => Value::owned(format!("{before}\t{token}")),
                        None => Value::text(token),
                    };
                }
            }
        }
    }
}

/// Separated by tabs, or by blanks where the line has no tab.
pub fn tokens(line: &str) -> impl Iterator<Item = &str> {
    line.split(if line.contains('\t') { '\t' } else { ' ' })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Kind;

    static FIELDS: [Field; 3] = [
        Field::new("x_host", "cs(Host)", Kind::Str),
        Field::new("x_n", "sc-bytes", Kind::Int),
        Field::new("x_extra", "(undocumented)", Kind::Str),
    ];

    #[test]
    fn the_header_says_where_tokens_go() {
        let layout = Layout::named(&FIELDS, " sc-bytes\tnew-field  cs(Host)");
        assert_eq!((layout.known(), layout.is_all_known()), (2, false));
        let mut row = Row::new(3);
        layout.fill(&mut row, &FIELDS, "7\ta \"b\"\thost\tmore\t\tend", 2);
        assert_eq!(row.native, [Value::text("host"), Value::Int(7), Value::text("more\tend")]);
        assert_eq!(row.extra_json().unwrap(), r#"{"new-field":"a \"b\""}"#);
        let mut row = Row::new(3);
        layout.fill(&mut row, &FIELDS, "7 - host", 2);
        assert_eq!(row.native, [Value::text("host"), Value::Int(7), Value::Null]);
        assert!(row.extra.is_empty());
    }
}
