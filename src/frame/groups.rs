//! Groups of many rows, counted and added up in tables of our own: Polars holds every row of a group-by until its
//! end where most keys differ, here a group is its key and its numbers.

use super::FrameError;
use foldhash::quality::RandomState;
use hashbrown::HashTable;
use polars::prelude::*;
use std::hash::BuildHasher;

/// What becomes of a number over the rows of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fold {
    /// How many rows have one.
    Count,
    Sum,
    Min,
    Max,
}

impl Fold {
    /// What stands for nothing yet.
    const fn start(self) -> i64 {
        match self {
            Self::Count => 0,
            Self::Min => i64::MAX,
            Self::Sum | Self::Max => i64::MIN,
        }
    }

    fn apply(self, state: i64, value: i64) -> i64 {
        match self {
            Self::Count => state + 1,
            Self::Sum if state == self.start() => value,
            Self::Sum => state.wrapping_add(value),
            Self::Min => state.min(value),
            Self::Max => state.max(value),
        }
    }

    /// `None` for the sum, the least and the greatest of nothing.
    fn end(self, state: i64) -> Option<i64> {
        (self == Self::Count || state != self.start()).then_some(state)
    }
}

/// Numbers that some rows bring for one fold.
pub enum Numbers {
    /// Every row has one, whichever.
    Every,
    None,
    Of(Int64Chunked),
}

/// A column that groups are told apart by.
enum Key {
    Text(StringChunked),
    /// Whole numbers, times in microseconds, truth values.
    Number(Int64Chunked),
}

/// Columns that can be keys: texts, whole numbers, times, truth values.
pub fn can_be_key(of: &DataType) -> bool {
    of.is_string() || of.is_bool() || can_be_folded(of)
}

/// Columns that can be added up or compared here: whole numbers and times.
pub fn can_be_folded(of: &DataType) -> bool {
    of.is_integer() || matches!(of, DataType::Datetime(TimeUnit::Microseconds, _))
}

/// Numbers of a column: of times their microseconds.
pub fn numbers(column: &Column) -> Result<Int64Chunked, FrameError> {
    Ok(column.to_physical_repr().cast(&DataType::Int64)?.i64()?.rechunk().into_owned())
}

/// Groups found so far, in as many shares as there are cores: a group's share follows from its key.
pub struct Groups {
    folds: Vec<Fold>,
    hasher: RandomState,
    shares: Vec<Share>,
}

#[derive(Default)]
struct Share {
    table: HashTable<Group>,
    long: Packed,
    /// As many for each group as there are folds.
    states: Vec<i64>,
}

/// A group's key as it is compared: the bytes themselves and their number, so that a look into the table is mostly
/// all it takes to find a group.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Short([u8; WIDTH]);

const WIDTH: usize = 24;
/// Last byte of a [`Short`] of which only the hash and the place in [`Packed`] are there.
const IS_LONG: u8 = u8::MAX;

impl Short {
    fn new(bytes: &[u8], hash: u64, long: &mut Packed) -> Self {
        let mut short = [0; WIDTH];
        if bytes.len() < WIDTH {
            short[..bytes.len()].copy_from_slice(bytes);
            short[WIDTH - 1] = bytes.len() as u8;
        } else {
            short[..8].copy_from_slice(&hash.to_le_bytes());
            short[8..16].copy_from_slice(&(long.ends.len() as u64).to_le_bytes());
            short[WIDTH - 1] = IS_LONG;
            long.bytes.extend_from_slice(bytes);
            long.ends.push(long.bytes.len() as u64);
        }
        Self(short)
    }

    fn bytes<'k>(&'k self, long: &'k Packed) -> &'k [u8] {
        match self.0[WIDTH - 1] {
            IS_LONG => long.get(self.0[8..16].iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte))),
            length => &self.0[..usize::from(length)],
        }
    }

    /// Whether two keys are one, each with the long ones beside it.
    fn is(&self, own: &Packed, other: &Self, others: &Packed) -> bool {
        if self.0[WIDTH - 1] != IS_LONG {
            return self == other;
        }
        other.0[WIDTH - 1] == IS_LONG && self.0[..8] == other.0[..8] && self.bytes(own) == other.bytes(others)
    }
}

struct Group {
    key: Short,
    number: u32,
}

/// Byte strings one behind another.
#[derive(Default)]
struct Packed {
    bytes: Vec<u8>,
    ends: Vec<u64>,
}

impl Packed {
    fn get(&self, at: usize) -> &[u8] {
        let start = if at == 0 { 0 } else { self.ends[at - 1] as usize };
        &self.bytes[start..self.ends[at] as usize]
    }
}

/// Keys of some rows, and their hashes.
struct Encoded {
    first: usize,
    keys: Vec<(Short, u64)>,
    long: Packed,
}

impl Groups {
    pub fn new(folds: Vec<Fold>) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self { folds, hasher: RandomState::default(), shares: (0..cores).map(|_| Share::default()).collect() }
    }

    /// Takes rows: columns of keys, and the numbers for each fold.
    ///
    /// # Errors
    /// Keys of other kinds than [`can_be_key`] names.
    pub fn add(&mut self, keys: &[Column], numbers: &[Numbers]) -> Result<(), FrameError> {
        let rows = keys.first().map_or(0, Column::len);
        let keys = keys.iter().map(key_of).collect::<Result<Vec<Key>, FrameError>>()?;
        let cores = self.shares.len();
        let piece = rows.div_ceil(cores).max(1);
        let (folds, hasher, keys) = (&self.folds, &self.hasher, &keys);
        let starts: Vec<usize> = (0..rows).step_by(piece).collect();
        let encoded: Vec<Encoded> = std::thread::scope(|scope| {
            let encode = |first: usize| move || encode(keys, first..(first + piece).min(rows), hasher);
            let work: Vec<_> = starts.iter().map(|first| scope.spawn(encode(*first))).collect();
            work.into_iter().map(joined).collect()
        });
        let encoded = &encoded;
        std::thread::scope(|scope| {
            for (number, share) in self.shares.iter_mut().enumerate() {
                scope.spawn(move || share.take(encoded, (number, cores), folds, numbers, hasher));
            }
        });
        Ok(())
    }

    /// All groups as a frame: keys under these names and of these types, then numbers.
    ///
    /// # Errors
    /// Types that the keys were not of.
    pub fn into_frame(
        self,
        keys: &[(PlSmallStr, DataType)],
        numbers: &[(PlSmallStr, DataType)],
    ) -> PolarsResult<DataFrame> {
        let mut whole: Option<DataFrame> = None;
        for share in self.shares {
            let columns = share.columns(&self.folds, keys, numbers)?;
            match &mut whole {
                None => whole = Some(DataFrame::new_infer_height(columns)?),
                Some(whole) => drop(whole.vstack_mut(&DataFrame::new_infer_height(columns)?)?),
            }
        }
        Ok(whole.unwrap_or_default())
    }

    /// Each group that has one text as its key, and its numbers. Groups without a text are left out.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &[i64])> {
        let width = self.folds.len();
        self.shares.iter().flat_map(move |share| {
            share.table.iter().filter_map(move |group| {
                let (text, _) = text_of(group.key.bytes(&share.long));
                let first = group.number as usize * width;
                Some((text?, &share.states[first..first + width]))
            })
        })
    }
}

fn joined<T>(work: std::thread::ScopedJoinHandle<'_, T>) -> T {
    work.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn key_of(column: &Column) -> Result<Key, FrameError> {
    if column.dtype().is_string() {
        return Ok(Key::Text(column.str()?.rechunk().into_owned()));
    }
    Ok(Key::Number(numbers(column)?))
}

/// Null is a byte 0, a number 1 and its bytes, a text its length and one, in a byte if that is enough, and its bytes:
/// no two rows of keys look alike.
fn encode(keys: &[Key], rows: std::ops::Range<usize>, hasher: &RandomState) -> Encoded {
    let mut encoded = Encoded { first: rows.start, keys: Vec::with_capacity(rows.len()), long: Packed::default() };
    let mut bytes = Vec::new();
    for row in rows {
        bytes.clear();
        for key in keys {
            match key {
                Key::Text(texts) => match texts.get(row) {
                    Some(text) if text.len() < MANY => {
                        bytes.push(text.len() as u8 + 1);
                        bytes.extend_from_slice(text.as_bytes());
                    }
                    Some(text) => {
                        bytes.push(u8::MAX);
                        bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
                        bytes.extend_from_slice(text.as_bytes());
                    }
                    None => bytes.push(0),
                },
                Key::Number(numbers) => match numbers.get(row) {
                    Some(number) => {
                        bytes.push(1);
                        bytes.extend_from_slice(&number.to_le_bytes());
                    }
                    None => bytes.push(0),
                },
            }
        }
        let hash = hasher.hash_one(bytes.as_slice());
        encoded.keys.push((Short::new(&bytes, hash, &mut encoded.long), hash));
    }
    encoded
}

/// Length of a text that does not fit into a byte.
const MANY: usize = 254;

/// A text at the start of a key, and what comes after it.
fn text_of(key: &[u8]) -> (Option<&str>, &[u8]) {
    let Some((mark, rest)) = key.split_first() else {
        return (None, key);
    };
    let (length, rest) = match (*mark, rest.split_first_chunk::<4>()) {
        (0, _) => return (None, rest),
        (u8::MAX, Some((length, rest))) => (u32::from_le_bytes(*length) as usize, rest),
        (mark, _) => (usize::from(mark) - 1, rest),
    };
    let (text, rest) = rest.split_at(length.min(rest.len()));
    (std::str::from_utf8(text).ok(), rest)
}

/// A number at the start of a key, and what comes after it.
fn number_of(key: &[u8]) -> (Option<i64>, &[u8]) {
    match key.split_first() {
        Some((1, rest)) => match rest.split_first_chunk::<8>() {
            Some((number, rest)) => (Some(i64::from_le_bytes(*number)), rest),
            None => (None, rest),
        },
        Some((_, rest)) => (None, rest),
        None => (None, key),
    }
}

impl Share {
    fn take(
        &mut self,
        encoded: &[Encoded],
        (number, of): (usize, usize),
        folds: &[Fold],
        numbers: &[Numbers],
        hasher: &RandomState,
    ) {
        for piece in encoded {
            for (at, (key, hash)) in piece.keys.iter().enumerate() {
                // The table itself goes by the lowest and the highest bits.
                if (hash >> 40) as usize % of != number {
                    continue;
                }
                let group = self.group(key, &piece.long, *hash, folds, hasher);
                let states = &mut self.states[group * folds.len()..];
                for ((state, fold), numbers) in states.iter_mut().zip(folds).zip(numbers) {
                    let value = match numbers {
                        Numbers::Every => Some(1),
                        Numbers::None => None,
                        Numbers::Of(all) => all.get(piece.first + at),
                    };
                    if let Some(value) = value {
                        *state = fold.apply(*state, value);
                    }
                }
            }
        }
    }

    fn group(&mut self, key: &Short, beside: &Packed, hash: u64, folds: &[Fold], hasher: &RandomState) -> usize {
        let long = &self.long;
        if let Some(group) = self.table.find(hash, |group| group.key.is(long, key, beside)) {
            return group.number as usize;
        }
        let number = self.table.len();
        self.states.extend(folds.iter().map(|fold| fold.start()));
        let key = Short::new(key.bytes(beside), hash, &mut self.long);
        let long = &self.long;
        let rehash = |group: &Group| hasher.hash_one(group.key.bytes(long));
        self.table.insert_unique(hash, Group { key, number: number as u32 }, rehash);
        number
    }

    fn columns(
        self,
        folds: &[Fold],
        keys: &[(PlSmallStr, DataType)],
        numbers: &[(PlSmallStr, DataType)],
    ) -> PolarsResult<Vec<Column>> {
        let groups = self.table.len();
        let mut rest: Vec<&[u8]> = vec![&[]; groups];
        for group in &self.table {
            rest[group.number as usize] = group.key.bytes(&self.long);
        }
        let mut columns = Vec::new();
        for (name, dtype) in keys {
            if dtype.is_string() {
                let mut texts = StringChunkedBuilder::new(name.clone(), groups);
                for key in &mut rest {
                    let (text, after) = text_of(key);
                    texts.append_option(text);
                    *key = after;
                }
                columns.push(texts.finish().into_column());
            } else {
                let values = rest.iter_mut().map(|key| {
                    let (number, after) = number_of(key);
                    *key = after;
                    number
                });
                columns.push(typed(Int64Chunked::from_iter_options(name.clone(), values), dtype)?);
            }
        }
        for (at, (fold, (name, dtype))) in folds.iter().zip(numbers).enumerate() {
            let values = (0..groups).map(|group| fold.end(self.states[group * folds.len() + at]));
            columns.push(typed(Int64Chunked::from_iter_options(name.clone(), values), dtype)?);
        }
        Ok(columns)
    }
}

fn typed(numbers: Int64Chunked, dtype: &DataType) -> PolarsResult<Column> {
    match dtype {
        DataType::Datetime(unit, zone) => Ok(numbers.into_datetime(*unit, zone.clone()).into_column()),
        other => numbers.into_column().cast(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    type Keys = (Option<String>, Option<i64>);

    proptest! {
        /// However rows are cut into pieces, groups are those of a map.
        #[test]
        fn groups_are_those_of_a_map(
            rows in prop::collection::vec((prop::option::of(prop_oneof!["[ab]{0,3}", "[ab]{20,24}", "[ab]{1,2}".prop_map(|text| text.repeat(253))]), prop::option::of(0i64..3), prop::option::of(-9i64..9)), 0..200),
            piece in 1usize..50,
        ) {
            let mut groups = Groups::new(vec![Fold::Count, Fold::Count, Fold::Sum, Fold::Min, Fold::Max]);
            for rows in rows.chunks(piece) {
                let texts = StringChunked::from_iter_options("t".into(), rows.iter().map(|r| r.0.as_deref()));
                let numbers = Int64Chunked::from_iter_options("n".into(), rows.iter().map(|r| r.1));
                let values = Int64Chunked::from_iter_options("v".into(), rows.iter().map(|r| r.2));
                let of = || Numbers::Of(values.clone());
                groups.add(&[texts.into_column(), numbers.into_column()], &[Numbers::Every, of(), of(), of(), of()]).unwrap();
            }
            let mut expected: BTreeMap<Keys, Vec<Option<i64>>> = BTreeMap::new();
            for (text, number, _) in &rows {
                let of = rows.iter().filter(|r| r.0 == *text && r.1 == *number);
                let values: Vec<i64> = of.clone().filter_map(|r| r.2).collect();
                let told = vec![
                    Some(of.count() as i64),
                    Some(values.len() as i64),
                    (!values.is_empty()).then(|| values.iter().sum()),
                    values.iter().min().copied(),
                    values.iter().max().copied(),
                ];
                expected.insert((text.clone(), *number), told);
            }
            let int = |name: &str| (PlSmallStr::from(name), DataType::Int64);
            let keys = [(PlSmallStr::from("t"), DataType::String), int("n")];
            let frame = groups.into_frame(&keys, &["a", "b", "c", "d", "e"].map(int)).unwrap();
            prop_assert_eq!(frame.height(), expected.len());
            for row in 0..frame.height() {
                let number = |name: &str| frame.column(name).unwrap().i64().unwrap().get(row);
                let text = frame.column("t").unwrap().str().unwrap().get(row).map(str::to_owned);
                let told: Vec<Option<i64>> = ["a", "b", "c", "d", "e"].iter().map(|name| number(name)).collect();
                prop_assert_eq!(&told, &expected[&(text, number("n"))]);
            }
        }
    }
}
