//! One parsed event as a row: borrowed where the record allows it.

use super::field::{Common, Field, Link};
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

/// From this length on a list is not searched for each new value.
const LONG_LIST: usize = 64;

/// One event: common and native cells, links, and what the format does not know.
#[derive(Clone, Debug)]
pub struct Row<'a> {
    common: Vec<Value<'a>>,
    /// In the order of the format's fields.
    pub native: Vec<Value<'a>>,
    links: [Vec<Cow<'a, str>>; Link::ALL.len()],
    /// Unknown fields as name and JSON text, in the order they came.
    pub extra: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Row<'a> {
    pub fn new(native: usize) -> Self {
        // Nothing is cloned here: this is done for every record.
        let nulls = |n| std::iter::repeat_with(Value::default).take(n).collect();
        Self { common: nulls(Common::COUNT), native: nulls(native), links: Default::default(), extra: Vec::new() }
    }

    /// Makes it a fresh row of `native` cells again, keeping its memory.
    pub fn clear(&mut self, native: usize) {
        self.common.fill(Value::Null);
        self.native.clear();
        self.native.resize(native, Value::Null);
        self.links.iter_mut().for_each(Vec::clear);
        self.extra.clear();
    }

    pub fn common(&self, column: Common) -> &Value<'a> {
        &self.common[column as usize]
    }

    pub fn set(&mut self, column: Common, value: Value<'a>) {
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

    /// Copies native cells to the common columns they feed, and fills the list columns.
    pub fn feed(&mut self, fields: &[Field]) {
        for (i, field) in fields.iter().enumerate() {
            if self.native[i].is_null() {
                continue;
            }
            if let Some(common) = field.feeds
                && self.common(common).is_null()
            {
                self.set(common, self.native[i].clone());
            }
            if let (Some(link), Value::Str(text)) = (field.link, &self.native[i]) {
                let text = text.clone();
                self.add_link(link, text);
            }
        }
        for &common in Common::ALL {
            if let (Some(link), Value::Str(text)) = (common.link(), self.common(common)) {
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
