//! What the footer says of a chunk's values.

use super::column::{Column, Data, Numbers, Shape};
use super::texts::Texts;
use parquet::file::statistics::Statistics;

/// Longer bounds are left out: they would have to be cut, and would make footers large.
const LONGEST: usize = 64;

/// How many nulls there are and, where `ranged`, the least and the greatest value.
pub(super) fn of(column: &Column, rows: usize, ranged: bool) -> Option<Statistics> {
    let all = Some(rows as u64);
    match (&column.data, column.shape()) {
        (Data::Empty, Shape::Text) => Some(Statistics::byte_array(None, None, None, all, false)),
        (Data::Empty, Shape::Int) => Some(Statistics::int64(None, None, None, all, false)),
        (Data::Empty, Shape::Float) => Some(Statistics::double(None, None, None, all, false)),
        (Data::Empty, Shape::Bool) => Some(Statistics::boolean(None, None, None, all, false)),
        (Data::Empty, Shape::List) | (Data::List(_), _) => None,
        (Data::Text(texts), _) => {
            let (min, max) = if ranged { text_range(texts) } else { (None, None) };
            let bound = |text: Option<&[u8]>| text.map(|text| text.to_vec().into());
            Some(Statistics::byte_array(bound(min), bound(max), None, Some(texts.nulls() as u64), false))
        }
        (Data::Float(texts), _) => Some(Statistics::double(None, None, None, Some(texts.nulls() as u64), false)),
        (Data::Int(numbers), _) => {
            let (min, max) = if ranged { int_range(numbers) } else { (None, None) };
            Some(Statistics::int64(min, max, None, Some(numbers.nulls as u64), false))
        }
        (Data::Bool(numbers), _) => Some(Statistics::boolean(None, None, None, Some(numbers.nulls as u64), false)),
    }
}

fn text_range(texts: &Texts) -> (Option<&[u8]>, Option<&[u8]>) {
    let (mut min, mut max): (Option<&[u8]>, Option<&[u8]>) = (None, None);
    for value in texts.values() {
        if min.is_none_or(|min| value < min) {
            min = Some(value);
        }
        if max.is_none_or(|max| value > max) {
            max = Some(value);
        }
    }
    let short = |bound: &&[u8]| bound.len() <= LONGEST;
    match (min.filter(short), max.filter(short)) {
        (Some(min), Some(max)) => (Some(min), Some(max)),
        _ => (None, None),
    }
}

fn int_range(numbers: &Numbers) -> (Option<i64>, Option<i64>) {
    if numbers.nulls == 0 {
        return (numbers.values.iter().min().copied(), numbers.values.iter().max().copied());
    }
    let present = || (0..numbers.values.len()).filter(|row| !numbers.is_null(*row)).map(|row| numbers.values[row]);
    (present().min(), present().max())
}
