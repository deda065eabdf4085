//! One pass over a JSON object into a row: members go to the cells whose native spelling is their path.

use super::cell;
use crate::codec::json::{self, Json, JsonError};
use crate::model::{Field, Reject, Row};
use std::borrow::Cow;
use std::collections::HashMap;

/// Paths of a format's fields as a tree: `userIdentity.arn` is a leaf below `userIdentity`.
pub struct JsonMap {
    root: Node,
}

#[derive(Default)]
struct Node {
    /// Native cell of the value at this path.
    cell: Option<usize>,
    children: HashMap<&'static str, Node>,
}

impl JsonMap {
    /// Native spellings are paths with dots between the names; those that begin with `(` are computed.
    pub fn new(fields: &'static [Field]) -> Self {
        let mut root = Node::default();
        for (cell, field) in fields.iter().enumerate().filter(|(_, f)| !f.native.starts_with('(')) {
            let leaf = field.native.split('.').fold(&mut root, |node, name| node.children.entry(name).or_default());
            leaf.cell.get_or_insert(cell);
        }
        Self { root }
    }

    /// Also takes a member of this name (a path) for that cell.
    pub fn alias(mut self, path: &'static str, cell: usize) -> Self {
        let leaf = path.split('.').fold(&mut self.root, |node, name| node.children.entry(name).or_default());
        leaf.cell.get_or_insert(cell);
        self
    }

    /// Fills the row; what has no cell goes to `extra` under its path, nulls excepted.
    pub fn fill<'r>(&self, row: &mut Row<'r>, fields: &[Field], object: &'r str) -> Result<(), JsonError> {
        fill(&self.root, "", row, fields, object)
    }

    /// As [`JsonMap::fill`], from the text of a record that must be one JSON object.
    pub fn fill_record<'r>(&self, row: &mut Row<'r>, fields: &[Field], text: &'r str) -> Result<(), Reject> {
        let filled = match json::parse(text) {
            Ok(Json::Object(object)) => self.fill(row, fields, object),
            Ok(_) => return Err(Reject::malformed("not a JSON object")),
            Err(error) => Err(error),
        };
        filled.map_err(|error| Reject::malformed(error.to_string()))
    }

    /// The cell of a top-level member.
    pub fn cell_of(&self, name: &str) -> Option<usize> {
        self.root.children.get(name)?.cell
    }
}

fn fill<'r>(node: &Node, above: &str, row: &mut Row<'r>, fields: &[Field], object: &'r str) -> Result<(), JsonError> {
    for member in json::members(object) {
        let (name, value) = member?;
        let Some(child) = node.children.get(name.as_ref()) else {
            if value != Json::Null {
                let path = if above.is_empty() { name } else { Cow::Owned(format!("{above}.{name}")) };
                row.extra.push((path, value.to_json()));
            }
            continue;
        };
        if let Some(cell) = child.cell {
            row.native[cell] = cell::of_json(fields[cell].kind, &value);
        }
        if let Json::Object(inner) = value
            && !child.children.is_empty()
        {
            let path = if above.is_empty() { name } else { Cow::Owned(format!("{above}.{name}")) };
            // Where the object as a whole has a cell, its other members are in there already.
            let before = row.extra.len();
            fill(child, &path, row, fields, inner)?;
            if child.cell.is_some() {
                row.extra.truncate(before);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Kind, Value};

    static FIELDS: [Field; 4] = [
        Field::new("x_id", "id", Kind::Str),
        Field::new("x_arn", "user.arn", Kind::Str),
        Field::new("x_n", "user.deep.n", Kind::Int),
        Field::new("x_tags", "tags", Kind::Json),
    ];

    #[test]
    fn paths_aliases_and_the_rest() {
        let map = JsonMap::new(&FIELDS).alias("ID", 0);
        let mut row = Row::new(FIELDS.len());
        let text =
            r#"{"ID":"a","user":{"arn":"b","deep":{"n":"5","more":1},"x":null,"y":"z"},"tags":[1],"other":true}"#;
        map.fill(&mut row, &FIELDS, text).unwrap();
        assert_eq!(row.native, [Value::text("a"), Value::text("b"), Value::Int(5), Value::text("[1]")]);
        assert_eq!(row.extra_json().unwrap(), r#"{"user.deep.more":1,"user.y":"z","other":true}"#);
        assert_eq!(map.cell_of("tags"), Some(3));
        assert!(map.fill(&mut Row::new(4), &FIELDS, r#"{"a" 1}"#).is_err());
        for text in ["[1]", "{", r#"{"a" 1}"#, ""] {
            assert!(map.fill_record(&mut Row::new(4), &FIELDS, text).is_err(), "{text}");
        }
        assert!(map.fill_record(&mut Row::new(4), &FIELDS, " {}\n").is_ok());
    }
}
