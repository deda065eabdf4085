//! One pass over a JSON object into a row: members go to the cells whose native spelling is their path.

use super::cell;
use crate::codec::json::{Json, JsonError};
use crate::codec::json_walk::Walk;
use crate::codec::tokens;
use crate::model::{Common, Field, Link, Reject, Row, Value};
use std::borrow::Cow;

/// Longest name that is looked up regardless of its spelling; none of AWS's comes near.
const LONGEST_LOOSE: usize = 64;

/// Paths of a format's fields as a tree: `userIdentity.arn` is a leaf below `userIdentity`.
pub struct JsonMap {
    root: Node,
    /// Names are compared by their letters and digits alone, in any case.
    loose: bool,
}

#[derive(Default)]
struct Node {
    /// Native cell of the value at this path.
    cell: Option<usize>,
    /// Where the value is handed to the format beside the cells.
    note: Option<usize>,
    names: Vec<(String, Node)>,
    /// Positions in `names` plus one, by [`hash`]; 0 is free. A power of two, at least twice the names.
    table: Vec<u16>,
}

impl Node {
    fn child(&self, name: &[u8]) -> Option<&Self> {
        let mask = self.table.len().checked_sub(1)?;
        let mut slot = hash(name) & mask;
        loop {
            let position = usize::from(self.table[slot]).checked_sub(1)?;
            let (own, node) = &self.names[position];
            if own.as_bytes() == name {
                return Some(node);
            }
            slot = (slot + 1) & mask;
        }
    }

    fn child_or_new(&mut self, name: &str) -> &mut Self {
        if let Some(position) = self.names.iter().position(|(own, _)| own == name) {
            return &mut self.names[position].1;
        }
        self.names.push((name.to_owned(), Self::default()));
        self.index();
        let last = self.names.len() - 1;
        &mut self.names[last].1
    }

    fn index(&mut self) {
        let size = (self.names.len() * 2).next_power_of_two();
        self.table = vec![0; size];
        for (position, (name, _)) in self.names.iter().enumerate() {
            let mut slot = hash(name.as_bytes()) & (size - 1);
            while self.table[slot] != 0 {
                slot = (slot + 1) & (size - 1);
            }
            self.table[slot] = u16::try_from(position + 1).unwrap_or(0);
        }
    }
}

/// Tells AWS's names apart well enough: length, and the bytes at the start, in the middle and at the end.
/// Names of a record are only looked up, so hostile ones cannot fill a table.
fn hash(name: &[u8]) -> usize {
    let n = name.len();
    let byte = |at: usize| name.get(at).map_or(0, |b| usize::from(*b));
    (n & 0xff) * 5 + byte(0) * 3 + byte(n / 2) * 17 + byte(n.saturating_sub(1)) * 7 + byte(n.saturating_sub(2)) * 29
}

/// Where a member stands: its name and those above it.
struct Above<'p> {
    up: Option<&'p Above<'p>>,
    name: &'p str,
}

fn path<'r>(above: Option<&Above<'_>>, name: Cow<'r, str>) -> Cow<'r, str> {
    let mut whole = name;
    let mut at = above;
    while let Some(up) = at {
        whole = Cow::Owned(format!("{}.{whole}", up.name));
        at = up.up;
    }
    whole
}

impl JsonMap {
    /// Native spellings are paths with dots between the names; those that begin with `(` are computed.
    pub fn new(fields: &'static [Field]) -> Self {
        Self { root: Node::default(), loose: false }.with_fields(fields)
    }

    /// As [`JsonMap::new`], but names match whatever their case, blanks and dashes: `Event name` is `eventName`.
    pub fn loose(fields: &'static [Field]) -> Self {
        Self { root: Node::default(), loose: true }.with_fields(fields)
    }

    fn with_fields(mut self, fields: &'static [Field]) -> Self {
        for (cell, field) in fields.iter().enumerate().filter(|(_, f)| !f.native.starts_with('(')) {
            self.leaf(field.native).cell.get_or_insert(cell);
        }
        self
    }

    fn leaf(&mut self, path: &str) -> &mut Node {
        let loose = self.loose;
        path.split('.').fold(&mut self.root, |node, name| {
            let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
            if loose { node.child_or_new(&plain.to_ascii_lowercase()) } else { node.child_or_new(name) }
        })
    }

    /// Also takes a member of this name (a path) for that cell.
    pub fn alias(mut self, path: &str, cell: usize) -> Self {
        self.leaf(path).cell.get_or_insert(cell);
        self
    }

    /// [`JsonMap::fill_noting`] hands the value at this path on as note `n`: what a format needs of a nested
    /// object, without reading it again. An object with fields below it is gone into and is no note.
    pub fn note(mut self, path: &str, n: usize) -> Self {
        self.leaf(path).note.get_or_insert(n);
        self
    }

    /// Fills the row from the text of one object; what has no cell goes to `extra` under its path, nulls
    /// excepted, and so does what is no value of its cell's kind.
    pub fn fill<'r>(&self, row: &mut Row<'r>, fields: &[Field], object: &'r str) -> Result<(), JsonError> {
        self.fill_noting(row, fields, object, &mut [])
    }

    /// As [`JsonMap::fill`]; `notes` begin as nulls.
    pub fn fill_noting<'r>(
        &self,
        row: &mut Row<'r>,
        fields: &[Field],
        object: &'r str,
        notes: &mut [Json<'r>],
    ) -> Result<(), JsonError> {
        let mut walk = Walk::new(object);
        if !walk.enter() {
            return Err(JsonError { at: walk.position(), what: "not an object" });
        }
        Filling { map: self, row, fields, notes }.object(&mut walk, &self.root, None, true)?;
        walk.finish()
    }

    /// As [`JsonMap::fill`], from the text of a record that must be one JSON object.
    pub fn fill_record<'r>(&self, row: &mut Row<'r>, fields: &[Field], text: &'r str) -> Result<(), Reject> {
        self.fill(row, fields, text).map_err(|error| Reject::malformed(error.to_string()))
    }

    /// The cell of a top-level member.
    pub fn cell_of(&self, name: &str) -> Option<usize> {
        self.child(&self.root, name)?.cell
    }

    fn child<'n>(&self, node: &'n Node, name: &str) -> Option<&'n Node> {
        if !self.loose {
            return node.child(name.as_bytes());
        }
        let mut plain = [0; LONGEST_LOOSE];
        let mut length = 0;
        for byte in name.bytes().filter(u8::is_ascii_alphanumeric) {
            *plain.get_mut(length)? = byte.to_ascii_lowercase();
            length += 1;
        }
        node.child(&plain[..length])
    }
}

struct Filling<'f, 'r> {
    map: &'f JsonMap,
    row: &'f mut Row<'r>,
    fields: &'f [Field],
    notes: &'f mut [Json<'r>],
}

impl<'r> Filling<'_, 'r> {
    /// Members up to the end of the object `walk` has entered. Where an object above has a cell (`keep` is
    /// off), members without one are in there already.
    fn object(
        &mut self,
        walk: &mut Walk<'r>,
        node: &Node,
        above: Option<&Above<'_>>,
        keep: bool,
    ) -> Result<(), JsonError> {
        let mut first = true;
        while let Some(name) = walk.name(first)? {
            first = false;
            let Some(child) = self.map.child(node, &name) else {
                let value = walk.value()?;
                if keep {
                    self.extra(above, name, &value);
                }
                continue;
            };
            let start = walk.position();
            if child.names.is_empty() || !walk.enter() {
                let value = walk.value()?;
                self.take(child, above, name, value, keep);
                continue;
            }
            let here = Above { up: above, name: &name };
            self.object(walk, child, Some(&here), keep && child.cell.is_none())?;
            if let Some(cell) = child.cell {
                self.row.native[cell] = cell::of_json(self.fields[cell].kind, &Json::Object(walk.since(start)));
            }
        }
        Ok(())
    }

    fn take(&mut self, node: &Node, above: Option<&Above<'_>>, name: Cow<'r, str>, value: Json<'r>, keep: bool) {
        if let Some(cell) = node.cell {
            match cell::of_json(self.fields[cell].kind, &value) {
                Value::Null if keep && !matches!(value, Json::Str("" | "-")) => self.extra(above, name, &value),
                Value::Null => {}
                known => self.row.native[cell] = known,
            }
        } else if keep && node.note.is_none() {
            self.extra(above, name, &value);
        }
        if let Some(note) = node.note.and_then(|n| self.notes.get_mut(n)) {
            *note = value;
        }
    }

    fn extra(&mut self, above: Option<&Above<'_>>, name: Cow<'r, str>, value: &Json<'r>) {
        if *value != Json::Null {
            self.row.extra.push((path(above, name), value.to_json()));
        }
    }
}

/// Moves everything from a row that borrows from a text made on the way; values of `row` give way.
pub fn adopt(row: &mut Row<'_>, from: Row<'_>) {
    for &common in Common::ALL {
        if !from.common(common).is_null() {
            row.set(common, owned(from.common(common).clone()));
        }
    }
    for link in Link::ALL {
        for value in from.links(link) {
            row.add_link(link, Cow::Owned(value.clone().into_owned()));
        }
    }
    for (cell, value) in from.native.into_iter().enumerate().filter(|(_, v)| !v.is_null()) {
        row.native[cell] = owned(value);
    }
    let extra = from.extra.into_iter().map(|(k, v)| (Cow::Owned(k.into_owned()), Cow::Owned(v.into_owned())));
    row.extra.extend(extra);
}

/// The address a cell holds, in its canonical spelling; null where it holds none.
pub fn ip<'r>(value: &Value<'r>) -> Value<'r> {
    let address = match value {
        Value::Str(Cow::Borrowed(text)) => tokens::ip(text.trim()),
        Value::Str(Cow::Owned(text)) => tokens::ip(text.trim()).map(|ip| Cow::Owned(ip.into_owned())),
        _ => None,
    };
    address.map_or(Value::Null, Value::Str)
}

/// A part of the text a cell holds, borrowed where the cell is; null where `find` finds none.
pub fn part<'r>(value: &Value<'r>, find: impl Fn(&str) -> Option<&str>) -> Value<'r> {
    let found = match value {
        Value::Str(Cow::Borrowed(text)) => find(text).map(Cow::Borrowed),
        Value::Str(Cow::Owned(text)) => find(text).map(|part| Cow::Owned(part.to_owned())),
        _ => None,
    };
    found.filter(|text| !text.is_empty()).map_or(Value::Null, Value::Str)
}

/// The value without a tie to the text it was read from.
pub fn owned<'b>(value: Value<'_>) -> Value<'b> {
    match value {
        Value::Str(text) => Value::Str(Cow::Owned(text.into_owned())),
        Value::Null => Value::Null,
        Value::Int(n) => Value::Int(n),
        Value::Float(n) => Value::Float(n),
        Value::Bool(b) => Value::Bool(b),
        Value::Time(t) => Value::Time(t),
    }
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

    #[test]
    fn what_is_no_value_of_its_cell_is_kept() {
        let map = JsonMap::new(&FIELDS);
        let mut row = Row::new(FIELDS.len());
        map.fill(&mut row, &FIELDS, r#" {"id":"-","user":"root","tags":[],"user":{"deep":{"n":"many"}}} "#).unwrap();
        assert_eq!(row.native, [Value::Null, Value::Null, Value::Null, Value::text("[]")]);
        assert_eq!(row.extra_json().unwrap(), r#"{"user":"root","user.deep.n":"many"}"#);
        for broken in ["[]", "7", "{} x", "{\"a\":1", ""] {
            assert!(map.fill(&mut Row::new(4), &FIELDS, broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn notes_come_from_the_same_pass() {
        static OUTER: [Field; 2] =
            [Field::new("x_p", "params", Kind::Json), Field::new("x_k", "params.cred.key", Kind::Str)];
        let map = JsonMap::new(&OUTER).note("params.name", 0).note("params.cred", 1).note("detail", 2);
        let mut row = Row::new(2);
        let mut notes = [Json::Null, Json::Null, Json::Null];
        let text = r#"{"params":{"name":"n\u0041","cred":{"key":"K"},"z":1},"detail":{"a":{}},"more":0}"#;
        map.fill_noting(&mut row, &OUTER, text, &mut notes).unwrap();
        assert_eq!(row.native[0], Value::text(r#"{"name":"n\u0041","cred":{"key":"K"},"z":1}"#));
        assert_eq!(row.native[1], Value::text("K"));
        assert_eq!(notes, [Json::Str("n\\u0041"), Json::Null, Json::Object(r#"{"a":{}}"#)]);
        assert_eq!(row.extra_json().unwrap(), r#"{"more":0}"#);
    }

    #[test]
    fn loose_names_and_names_that_hash_alike() {
        let map = JsonMap::loose(&FIELDS);
        let mut row = Row::new(FIELDS.len());
        map.fill(&mut row, &FIELDS, r#"{"I D":"a","USER":{"a-r-n":"b"},"Tags_":"t"}"#).unwrap();
        assert_eq!(row.native[0], Value::text("a"));
        assert_eq!(row.native[1], Value::text("b"));
        assert!(map.fill(&mut row, &FIELDS, &format!("{{\"{}\":1}}", "i".repeat(500))).is_ok());
        let mut node = Node::default();
        let names: Vec<String> = (0..300).map(|n| format!("a{n:03}b{n:03}yz")).collect();
        for (n, name) in names.iter().enumerate() {
            node.child_or_new(name).cell = Some(n);
        }
        for (n, name) in names.iter().enumerate() {
            assert_eq!(node.child(name.as_bytes()).unwrap().cell, Some(n));
        }
        assert!(node.child(b"a300b300yz").is_none());
        assert!(Node::default().child(b"").is_none());
    }

    #[test]
    fn a_row_of_another_text_is_adopted() {
        let mut row = Row::new(FIELDS.len());
        row.native[0] = Value::text("before");
        {
            let text = String::from(r#"{"id":"after","y":1}"#);
            let mut inner = Row::new(FIELDS.len());
            JsonMap::new(&FIELDS).fill(&mut inner, &FIELDS, &text).unwrap();
            inner.set(Common::EventAction, Value::text("act"));
            inner.add_link(Link::Key, Cow::Borrowed("k"));
            adopt(&mut row, inner);
        }
        assert_eq!(row.native[0], Value::text("after"));
        assert_eq!(row.common(Common::EventAction), &Value::text("act"));
        assert_eq!((row.links(Link::Key).len(), row.extra.len()), (1, 1));
    }
}
