//! Rows of one column, in memory: what a part is built of and what a row group is encoded from.

use super::texts::{Texts, make_room};
use arrow::datatypes::DataType;

/// What the values of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lake) enum Shape {
    /// UTF-8 or any bytes.
    Text,
    /// Whole numbers and times.
    Int,
    Float,
    Bool,
    /// Lists of texts.
    List,
}

impl Shape {
    /// `None` for a type that no column of a lake has.
    pub fn of(kind: &DataType) -> Option<Self> {
        match kind {
            DataType::Utf8 | DataType::Binary => Some(Self::Text),
            DataType::Int64 | DataType::Timestamp(..) => Some(Self::Int),
            DataType::Float64 => Some(Self::Float),
            DataType::Boolean => Some(Self::Bool),
            DataType::List(item) if *item.data_type() == DataType::Utf8 => Some(Self::List),
            _ => None,
        }
    }
}

/// Numbers of the rows, 0 where there is none.
#[derive(Clone, Default)]
pub(in crate::lake) struct Numbers {
    pub(super) values: Vec<i64>,
    /// Which rows have one, where not all do; it may end before the last row.
    pub(super) absent: Vec<bool>,
    pub(super) nulls: usize,
}

impl Numbers {
    fn pad(&mut self, rows: usize) {
        if rows > self.values.len() {
            self.nulls += rows - self.values.len();
            self.absent.resize(self.values.len(), false);
            self.absent.resize(rows, true);
            self.values.resize(rows, 0);
        }
    }

    pub(super) fn is_null(&self, row: usize) -> bool {
        self.absent.get(row).copied().unwrap_or(false)
    }

    fn reorder(&mut self, order: &[u32]) {
        if self.nulls > 0 {
            self.absent = order.iter().map(|&row| self.is_null(row as usize)).collect();
        }
        self.values = order.iter().map(|&row| self.values[row as usize]).collect();
    }
}

/// Lists of texts.
#[derive(Clone)]
pub(in crate::lake) struct Lists {
    pub(super) items: Texts,
    /// Where each row's list ends.
    pub(super) ends: Vec<usize>,
}

impl Lists {
    pub(super) fn range(&self, row: usize) -> std::ops::Range<usize> {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        start..self.ends[row]
    }

    fn reorder(&mut self, order: &[u32]) {
        let mut items = Vec::with_capacity(self.items.rows());
        let mut ends = Vec::with_capacity(order.len());
        for &row in order {
            items.extend(self.range(row as usize).map(|item| item as u32));
            ends.push(items.len());
        }
        self.items.reorder(&items);
        self.ends = ends;
    }
}

/// Values as far as they came: the rows behind the last one are null, or empty lists.
#[derive(Clone)]
pub(in crate::lake) enum Data {
    /// None so far: most columns of a table never get one in a given part.
    Empty,
    Text(Texts),
    Int(Numbers),
    /// Little-endian bytes of each, for the same is met often.
    Float(Texts),
    Bool(Numbers),
    List(Lists),
}

/// See the module. Rows are pushed in order; those left out are null.
#[derive(Clone)]
pub(in crate::lake) struct Column {
    shape: Shape,
    repetition: Repetition,
    pub(super) data: Data,
}

/// How much the texts of a column have in common.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Repetition {
    /// Many rows have the same.
    Values,
    /// Each is another, but neighbours begin alike.
    Beginnings,
    None,
}

impl Column {
    pub fn new(shape: Shape) -> Self {
        Self { shape, repetition: Repetition::Values, data: Data::Empty }
    }

    /// Of texts that do not repeat.
    pub fn unique() -> Self {
        Self { shape: Shape::Text, repetition: Repetition::None, data: Data::Empty }
    }

    /// Of texts that do not repeat, though their beginnings do.
    pub fn ids() -> Self {
        Self { shape: Shape::Text, repetition: Repetition::Beginnings, data: Data::Empty }
    }

    /// The same text in each of `rows` rows.
    pub fn constant(value: &[u8], rows: usize) -> Self {
        let mut column = Self::new(Shape::Text);
        if rows > 0 {
            column.data = Data::Text(Texts::constant(value, rows));
        }
        column
    }

    pub(super) fn shares_beginnings(&self) -> bool {
        self.repetition == Repetition::Beginnings
    }

    pub fn shape(&self) -> Shape {
        self.shape
    }

    pub fn is_empty(&self) -> bool {
        matches!(self.data, Data::Empty)
    }

    #[cold]
    fn begin(&mut self) {
        let repeat = self.repetition == Repetition::Values;
        let texts = || if repeat { Texts::repeating() } else { Texts::unique() };
        self.data = match self.shape {
            Shape::Text => Data::Text(texts()),
            Shape::Int => Data::Int(Numbers::default()),
            Shape::Float => Data::Float(texts()),
            Shape::Bool => Data::Bool(Numbers::default()),
            Shape::List => Data::List(Lists { items: Texts::repeating(), ends: Vec::new() }),
        };
    }

    /// The text of row `row`. A value of another kind than the column's is left out, here and below.
    #[inline]
    pub fn push_text(&mut self, row: usize, value: &[u8]) {
        if self.is_empty() {
            self.begin();
        }
        if let Data::Text(texts) = &mut self.data {
            texts.pad(row);
            texts.push(value);
        }
    }

    #[inline]
    pub fn push_int(&mut self, row: usize, value: i64) {
        if self.is_empty() {
            self.begin();
        }
        if let Data::Int(numbers) | Data::Bool(numbers) = &mut self.data {
            numbers.pad(row);
            make_room(&mut numbers.values, 1);
            numbers.values.push(value);
            if numbers.nulls > 0 {
                numbers.absent.push(false);
            }
        }
    }

    pub fn push_float(&mut self, row: usize, value: f64) {
        if self.is_empty() {
            self.begin();
        }
        if let Data::Float(texts) = &mut self.data {
            texts.pad(row);
            texts.push(&value.to_le_bytes());
        }
    }

    /// Adds to the list of row `row`.
    #[inline]
    pub fn push_item(&mut self, row: usize, value: &[u8]) {
        if self.is_empty() {
            self.begin();
        }
        if let Data::List(lists) = &mut self.data {
            let before = lists.items.rows();
            if lists.ends.len() <= row {
                lists.ends.resize(row + 1, before);
            }
            lists.items.push(value);
            lists.ends[row] = before + 1;
        }
    }

    /// Makes it `rows` rows long at least.
    pub fn pad(&mut self, rows: usize) {
        match &mut self.data {
            Data::Empty => {}
            Data::Text(texts) | Data::Float(texts) => texts.pad(rows),
            Data::Int(numbers) | Data::Bool(numbers) => numbers.pad(rows),
            Data::List(lists) => {
                let end = lists.items.rows();
                lists.ends.resize(rows.max(lists.ends.len()), end);
            }
        }
    }

    /// Makes it `rows` rows long, the last ones: it can be read from now on.
    pub fn finish(&mut self, rows: usize) {
        self.pad(rows);
        match &mut self.data {
            Data::Text(texts) | Data::Float(texts) => texts.settle(),
            Data::List(lists) => lists.items.settle(),
            Data::Empty | Data::Int(_) | Data::Bool(_) => {}
        }
    }

    /// Row `i` becomes the one that was at `order[i]`.
    pub fn reorder(&mut self, order: &[u32]) {
        match &mut self.data {
            Data::Empty => {}
            Data::Text(texts) | Data::Float(texts) => texts.reorder(order),
            Data::Int(numbers) | Data::Bool(numbers) => numbers.reorder(order),
            Data::List(lists) => lists.reorder(order),
        }
    }

    /// Whether both are known to hold the same values.
    pub fn is_same(&self, other: &Self) -> bool {
        if self.shape != other.shape || self.repetition != other.repetition {
            return false;
        }
        match (&self.data, &other.data) {
            (Data::Empty, Data::Empty) => true,
            (Data::Text(a), Data::Text(b)) | (Data::Float(a), Data::Float(b)) => a.is_same(b),
            (Data::Int(a), Data::Int(b)) | (Data::Bool(a), Data::Bool(b)) => {
                a.nulls == b.nulls && a.values == b.values && (a.nulls == 0 || a.absent == b.absent)
            }
            (Data::List(a), Data::List(b)) => a.ends == b.ends && a.items.is_same(&b.items),
            _ => false,
        }
    }

    /// Distinct items of a column of lists, or all of them where most are distinct.
    pub fn items(&self) -> impl Iterator<Item = &[u8]> {
        let lists = if let Data::List(lists) = &self.data { Some(lists) } else { None };
        lists.into_iter().flat_map(|lists| lists.items.values())
    }
}
