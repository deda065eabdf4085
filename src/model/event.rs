//! One parsed event as a row: borrowed where the record allows it.

use super::field::{Common, Field, LINKED, Link};
use super::time::Micros;
use std::borrow::Cow;

/// One cell. Strings borrow from the record wherever nothing had to be unescaped.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value<'a> {
    #[default]
    Null,
    Str(Cow<'a, str>),
    Int(i64),
    Float(f64),
    Bool(bool),
    Time(Micros),
}

impl<'a> Value<'a> {
    /// `-` and the empty string are AWS's ways of saying nothing.
    pub fn text(text: &'a str) -> Self {
        if text.is_empty() || text == "-" { Self::Null } else { Self::Str(Cow::Borrowed(text)) }
    }

    pub fn owned(text: String) -> Self {
        Self::Str(Cow::Owned(text))
    }

    pub fn int(text: &str) -> Self {
        text.parse().map_or(Self::Null, Self::Int)
    }

    pub fn float(text: &str) -> Self {
        text.parse().map_or(Self::Null, Self::Float)
    }

    pub fn time(time: Option<Micros>) -> Self {
        time.map_or(Self::Null, Self::Time)
    }

    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            Self::Null | Self::Int(_) | Self::Float(_) | Self::Bool(_) | Self::Time(_) => None,
        }
    }
}

/// The native cells of an event. Which ones were written to is known, so that the many that a record leaves
/// empty cost nothing.
#[derive(Clone, Debug, Default)]
pub struct Cells<'a> {
    values: Vec<Value<'a>>,
    /// Bit `i`: cell `i` may hold a value.
    written: u128,
}

impl<'a> Cells<'a> {
    /// Cells of a format at most.
    pub const MOST: usize = u128::BITS as usize;

    fn new(count: usize) -> Self {
        Self { values: nulls(count), written: 0 }
    }

    /// Makes them `count` nulls again.
    fn reset(&mut self, count: usize) {
        self.fill(Value::Null);
        self.values.resize(count, Value::Null);
    }

    pub fn fill(&mut self, value: Value<'a>) {
        if value.is_null() {
            for i in Bits(std::mem::take(&mut self.written)) {
                self.values[i] = Value::Null;
            }
        } else {
            self.iter_mut().for_each(|cell| cell.clone_from(&value));
        }
    }

    /// The cells that may hold a value, by number.
    pub fn written(&self) -> impl Iterator<Item = (usize, &Value<'a>)> {
        Bits(self.written).map(|i| (i, &self.values[i]))
    }

    pub fn iter(&self) -> std::slice::Iter<'_, Value<'a>> {
        self.values.iter()
    }

    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, Value<'a>> {
        (0..self.values.len()).for_each(|i| self.mark(i));
        self.values.iter_mut()
    }

    pub fn last_mut(&mut self) -> Option<&mut Value<'a>> {
        self.mark(self.values.len().checked_sub(1)?);
        self.values.last_mut()
    }

    #[inline]
    fn mark(&mut self, i: usize) {
        self.written |= 1 << i;
    }
}

impl<'a> From<Vec<Value<'a>>> for Cells<'a> {
    fn from(values: Vec<Value<'a>>) -> Self {
        let mut cells = Self { values, written: 0 };
        (0..cells.values.len()).for_each(|i| cells.mark(i));
        cells
    }
}

impl<'a> PartialEq for Cells<'a> {
    fn eq(&self, other: &Self) -> bool {
        self.values == other.values
    }
}

impl<'a, const N: usize> PartialEq<[Value<'a>; N]> for Cells<'a> {
    fn eq(&self, other: &[Value<'a>; N]) -> bool {
        self.values == other
    }
}

impl<'a> std::ops::Index<usize> for Cells<'a> {
    type Output = Value<'a>;

    #[inline]
    fn index(&self, i: usize) -> &Value<'a> {
        &self.values[i]
    }
}

impl<'a> std::ops::IndexMut<usize> for Cells<'a> {
    #[inline]
    fn index_mut(&mut self, i: usize) -> &mut Value<'a> {
        self.mark(i);
        &mut self.values[i]
    }
}

impl<'c, 'a> IntoIterator for &'c Cells<'a> {
    type Item = &'c Value<'a>;
    type IntoIter = std::slice::Iter<'c, Value<'a>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a> IntoIterator for Cells<'a> {
    type Item = Value<'a>;
    type IntoIter = std::vec::IntoIter<Value<'a>>;

    fn into_iter(self) -> Self::IntoIter {
        self.values.into_iter()
    }
}

/// Numbers of the bits that are set.
struct Bits(u128);

impl Iterator for Bits {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        let bit = self.0.trailing_zeros() as usize;
        self.0 &= self.0.checked_sub(1)?;
        Some(bit)
    }
}

fn nulls<'a>(count: usize) -> Vec<Value<'a>> {
    // Nothing is cloned here: this is done for every record.
    std::iter::repeat_with(Value::default).take(count).collect()
}

/// From this length on a list is not searched for each new value.
const LONG_LIST: usize = 64;

/// One event: common and native cells, links, and what the format does not know.
#[derive(Clone, Debug)]
pub struct Row<'a> {
    /// Those that were set; the others are looked up in `fed`.
    common: Vec<Value<'a>>,
    /// Bit `i`: common cell `i` was set.
    set: u32,
    /// The native cell each common one is read from, plus one; 0 for none.
    fed: [u8; Common::COUNT],
    /// Bit `i`: common cell `i` is fed.
    fed_set: u32,
    /// In the order of the format's fields.
    pub native: Cells<'a>,
    links: [Vec<Cow<'a, str>>; Link::ALL.len()],
    /// Unknown fields as name and JSON text, in the order they came.
    pub extra: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

/// Where a common cell has its value from.
#[derive(Debug)]
pub enum CommonCell<'c, 'a> {
    Set(&'c Value<'a>),
    /// The native cell of that number.
    Fed(usize),
}

impl<'a> Row<'a> {
    pub fn new(native: usize) -> Self {
        Self {
            common: nulls(Common::COUNT),
            set: 0,
            fed: [0; Common::COUNT],
            fed_set: 0,
            native: Cells::new(native),
            links: Default::default(),
            extra: Vec::new(),
        }
    }

    /// Makes it a fresh row of `native` cells again, keeping its memory.
    pub fn clear(&mut self, native: usize) {
        for i in Bits(std::mem::take(&mut self.set).into()) {
            self.common[i] = Value::Null;
        }
        for i in Bits(std::mem::take(&mut self.fed_set).into()) {
            self.fed[i] = 0;
        }
        self.native.reset(native);
        self.links.iter_mut().for_each(Vec::clear);
        self.extra.clear();
    }

    pub fn common(&self, column: Common) -> &Value<'a> {
        let own = &self.common[column as usize];
        match self.fed[column as usize] {
            cell if cell > 0 && own.is_null() => &self.native[usize::from(cell) - 1],
            _ => own,
        }
    }

    /// Each common cell that may hold a value, and where from.
    pub fn common_cells(&self) -> impl Iterator<Item = (usize, CommonCell<'_, 'a>)> {
        Bits((self.set | self.fed_set).into()).filter_map(|i| match self.fed[i] {
            _ if !self.common[i].is_null() => Some((i, CommonCell::Set(&self.common[i]))),
            0 => None,
            cell => Some((i, CommonCell::Fed(usize::from(cell) - 1))),
        })
    }

    pub fn set(&mut self, column: Common, value: Value<'a>) {
        self.set |= 1 << column as u32;
        self.common[column as usize] = value;
    }

    /// Sets a common cell unless it has a value already.
    pub fn set_default(&mut self, column: Common, value: Value<'a>) {
        if self.common(column).is_null() {
            self.set(column, value);
        }
    }

    pub fn time(&self) -> Option<Micros> {
        match self.common(Common::EventTime) {
            Value::Time(time) => Some(*time),
            _ => None,
        }
    }

    pub fn links(&self, link: Link) -> &[Cow<'a, str>] {
        &self.links[link as usize]
    }

    /// Adds to a list column, once per value; of long lists repetitions go in [`Row::feed`], for a hostile
    /// record may hold a hundred thousand.
    pub fn add_link(&mut self, link: Link, value: Cow<'a, str>) {
        let list = &mut self.links[link as usize];
        if list.len() >= LONG_LIST || !list.contains(&value) {
            list.push(value);
        }
    }

    /// Lets native cells stand for the common columns they feed, and fills the list columns.
    pub fn feed(&mut self, fields: &[Field]) {
        for i in Bits(self.native.written) {
            let (Some(field), false) = (fields.get(i), self.native[i].is_null()) else { continue };
            if let Some(common) = field.feeds
                && self.common(common).is_null()
            {
                self.fed[common as usize] = i as u8 + 1;
                self.fed_set |= 1 << common as u32;
            }
            if let (Some(link), Value::Str(text)) = (field.link, &self.native[i]) {
                let text = text.clone();
                self.add_link(link, text);
            }
        }
        for &(common, link) in &LINKED {
            if let Value::Str(text) = self.common(common) {
                let text = text.clone();
                self.add_link(link, text);
            }
        }
        for list in self.links.iter_mut().filter(|list| list.len() > LONG_LIST) {
            list.sort_unstable();
            list.dedup();
        }
    }

    /// The unknown fields as one JSON object, or null.
    pub fn extra_json(&self) -> Option<String> {
        if self.extra.is_empty() {
            return None;
        }
        let mut json = String::from("{");
        for (i, (name, value)) in self.extra.iter().enumerate() {
            if i > 0 {
                json.push(',');
            }
            json.push_str(&serde_json::Value::from(name.as_ref()).to_string());
            json.push(':');
            json.push_str(value);
        }
        json.push('}');
        Some(json)
    }
}

#[cfg(test)]
mod tests {
    use super::super::field::Kind;
    use super::*;

    #[test]
    fn cells_know_what_was_written() {
        let mut cells = Cells::new(100);
        cells[3] = Value::Int(1);
        cells[64] = Value::text("a");
        assert_eq!(cells.written().map(|(i, _)| i).collect::<Vec<_>>(), [3, 64]);
        *cells.last_mut().unwrap() = Value::Bool(true);
        assert_eq!(cells.written().map(|(i, _)| i).collect::<Vec<_>>(), [3, 64, 99]);
        cells.reset(70);
        assert!(cells.iter().all(Value::is_null) && cells.iter().len() == 70);
        assert_eq!(cells.written().count(), 0);
        assert_eq!(Cells::from(vec![Value::Null, Value::Int(2)]).written().count(), 2);
    }

    #[test]
    fn a_common_cell_is_the_first_native_one_that_feeds_it_unless_it_was_set() {
        const FIELDS: [Field; 3] = [
            Field::new("t_a", "a", Kind::Str).feeds(Common::SourceIp),
            Field::new("t_b", "b", Kind::Str).feeds(Common::SourceIp),
            Field::new("t_c", "c", Kind::Str).feeds(Common::UserName),
        ];
        let mut row = Row::new(3);
        row.native[0] = Value::Null;
        row.native[1] = Value::text("192.0.2.1");
        row.native[2] = Value::text("ignored");
        row.set(Common::UserName, Value::text("alice"));
        row.feed(&FIELDS);
        assert_eq!(row.common(Common::SourceIp), &Value::text("192.0.2.1"));
        assert_eq!(row.common(Common::UserName), &Value::text("alice"));
        assert_eq!(row.links(Link::Ip), ["192.0.2.1"]);
        let all: Vec<String> = row.common_cells().map(|(i, cell)| format!("{i} {cell:?}")).collect();
        assert_eq!(all.len(), 2, "{all:?}");
        assert!(all[0].ends_with("Fed(1)"), "{all:?}");
        row.clear(3);
        assert!(row.common(Common::SourceIp).is_null() && row.common(Common::UserName).is_null());
    }
}
