//! A column of texts: each distinct value once, and a number per row. Sorting moves numbers only, and the
//! dictionary that Parquet wants is there already. Where most values are distinct none are looked for.

use crate::lake::hashing;

/// The number of a row without a value.
pub(super) const NULL: u32 = u32::MAX;

/// Distinct values, and their bytes, that a dictionary holds at most.
const DICTIONARY_VALUES: usize = 1 << 16;
const DICTIONARY_BYTES: usize = 1024 * 1024;
/// After so many rows it is known whether values repeat.
const TRIAL: usize = 8192;

/// Values that are looked up at once: their places in memory are fetched beside each other instead of one after
/// the other, and the column's table stays near meanwhile.
const BATCH: usize = 256;
const BATCH_BYTES: usize = 64 * 1024;

/// See the module. What was pushed is readable after [`Texts::settle`].
#[derive(Clone, Default)]
pub(in crate::lake) struct Texts {
    codes: Vec<u32>,
    bytes: Vec<u8>,
    /// Where each value ends in `bytes`.
    ends: Vec<usize>,
    nulls: usize,
    /// Slots of an open hash table of codes, [`NULL`] for free: a power of two of them, half of them free at
    /// least. None where values are not looked for.
    slots: Option<Vec<u32>>,
    fresh: Fresh,
}

/// Values that are not looked up yet: the codes of their rows are numbers of them.
#[derive(Clone, Default)]
struct Fresh {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// Rows before have codes.
    row: usize,
}

impl Fresh {
    fn value(&self, number: usize) -> &[u8] {
        let start = if number == 0 { 0 } else { self.ends[number - 1] };
        &self.bytes[start..self.ends[number]]
    }
}

impl Texts {
    /// Values of which many repeat.
    pub fn repeating() -> Self {
        Self { slots: Some(vec![NULL; 64]), ..Self::default() }
    }

    /// Values of which each is another.
    pub fn unique() -> Self {
        Self::default()
    }

    /// One value, in each of `rows` rows.
    pub fn constant(value: &[u8], rows: usize) -> Self {
        let mut texts = Self::repeating();
        texts.push(value);
        texts.settle();
        texts.codes.resize(rows, 0);
        texts
    }

    pub fn rows(&self) -> usize {
        self.codes.len()
    }

    pub fn nulls(&self) -> usize {
        self.nulls
    }

    pub(super) fn codes(&self) -> &[u32] {
        debug_assert!(self.fresh.ends.is_empty());
        &self.codes
    }

    /// Distinct values, or just values where they were not looked for.
    pub fn count(&self) -> usize {
        self.ends.len()
    }

    pub fn is_dictionary(&self) -> bool {
        self.slots.is_some()
    }

    pub fn value(&self, code: u32) -> &[u8] {
        let code = code as usize;
        let start = if code == 0 { 0 } else { self.ends[code - 1] };
        &self.bytes[start..self.ends[code]]
    }

    pub fn values(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.count() as u32).map(|code| self.value(code))
    }

    /// Nulls up to row `rows`, exclusive.
    #[inline]
    pub fn pad(&mut self, rows: usize) {
        if rows > self.codes.len() {
            self.nulls += rows - self.codes.len();
            self.codes.resize(rows, NULL);
        }
    }

    #[inline]
    pub fn push(&mut self, value: &[u8]) {
        make_room(&mut self.codes, 1);
        if self.slots.is_none() {
            let code = self.append(value);
            self.codes.push(code);
            return;
        }
        let last = self.fresh.ends.len();
        if last > 0 && self.fresh.value(last - 1) == value {
            self.codes.push(last as u32 - 1);
            return;
        }
        self.codes.push(last as u32);
        self.fresh.bytes.extend_from_slice(value);
        self.fresh.ends.push(self.fresh.bytes.len());
        if last + 1 == BATCH || self.fresh.bytes.len() > BATCH_BYTES {
            self.settle();
        }
    }

    fn append(&mut self, value: &[u8]) -> u32 {
        make_room(&mut self.bytes, value.len());
        self.bytes.extend_from_slice(value);
        make_room(&mut self.ends, 1);
        self.ends.push(self.bytes.len());
        (self.ends.len() - 1) as u32
    }

    /// Looks up what was pushed since.
    pub fn settle(&mut self) {
        if self.fresh.ends.is_empty() {
            return;
        }
        let mut fresh = std::mem::take(&mut self.fresh);
        let mut hashes = [0; BATCH];
        for (number, hash) in hashes.iter_mut().enumerate().take(fresh.ends.len()) {
            *hash = hashing::hash(hashing::seed(), fresh.value(number));
        }
        let mut codes = [NULL; BATCH];
        // Loads that wait for nothing, so that they go on side by side.
        if let Some(slots) = &self.slots {
            let mask = slots.len() - 1;
            codes.iter_mut().zip(&hashes[..fresh.ends.len()]).for_each(|(c, hash)| *c = slots[*hash as usize & mask]);
        }
        for (number, code) in codes.iter_mut().enumerate().take(fresh.ends.len()) {
            let value = fresh.value(number);
            if *code == NULL || self.value(*code) != value {
                *code = self.look_up(hashes[number], value);
            }
        }
        for code in self.codes[fresh.row..].iter_mut().filter(|code| **code != NULL) {
            *code = codes[*code as usize];
        }
        fresh.bytes.clear();
        fresh.ends.clear();
        fresh.row = self.codes.len();
        self.fresh = fresh;
    }

    fn look_up(&mut self, hash: u64, value: &[u8]) -> u32 {
        let Some(slots) = &self.slots else { return self.append(value) };
        let mask = slots.len() - 1;
        let mut at = hash as usize & mask;
        while slots[at] != NULL {
            if self.value(slots[at]) == value {
                return slots[at];
            }
            at = (at + 1) & mask;
        }
        let code = self.append(value);
        let many = self.codes.len() > TRIAL && self.count() * 2 > self.codes.len();
        if many || self.count() > DICTIONARY_VALUES || self.bytes.len() > DICTIONARY_BYTES {
            self.slots = None;
        } else if let Some(slots) = &mut self.slots {
            slots[at] = code;
            if self.ends.len() * 2 > slots.len() {
                self.grow();
            }
        }
        code
    }

    fn grow(&mut self) {
        let size = self.slots.as_ref().map_or(0, Vec::len) * 2;
        let mut slots = vec![NULL; size];
        for code in 0..self.count() as u32 {
            let mut at = hashing::hash(hashing::seed(), self.value(code)) as usize & (size - 1);
            while slots[at] != NULL {
                at = (at + 1) & (size - 1);
            }
            slots[at] = code;
        }
        self.slots = Some(slots);
    }

    /// Row `i` becomes the one that was at `order[i]`.
    pub fn reorder(&mut self, order: &[u32]) {
        debug_assert!(self.fresh.ends.is_empty());
        self.codes = order.iter().map(|&row| self.codes[row as usize]).collect();
    }

    /// Whether rows hold the same values, as far as that is cheap to tell: both must have met them alike.
    pub fn is_same(&self, other: &Self) -> bool {
        // Codes come last: there is one for each row, and columns of one value each have the same.
        self.nulls == other.nulls
            && self.is_dictionary() == other.is_dictionary()
            && self.ends == other.ends
            && self.bytes == other.bytes
            && self.codes == other.codes
    }
}

/// Large buffers grow fourfold: what is reserved and not used costs nothing, what is moved costs much.
#[inline]
pub(super) fn make_room<T>(buffer: &mut Vec<T>, more: usize) {
    const LARGE: usize = 64 * 1024;
    if buffer.capacity() - buffer.len() < more && buffer.len() >= LARGE {
        buffer.reserve(more.max(buffer.len() * 3));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(texts: &Texts) -> Vec<Option<String>> {
        let text = |code: u32| String::from_utf8(texts.value(code).to_vec()).unwrap();
        texts.codes().iter().map(|&code| (code != NULL).then(|| text(code))).collect()
    }

    #[test]
    fn rows_are_what_was_pushed() {
        let mut texts = Texts::repeating();
        let mut wanted = Vec::new();
        for i in 0..50_000usize {
            let value = format!("value {}", i * 7919 % 900);
            if i % 5 == 0 {
                texts.pad(i + 1);
                wanted.push(None);
            } else {
                texts.push(value.as_bytes());
                wanted.push(Some(value));
            }
        }
        texts.settle();
        assert!(read(&texts) == wanted);
        assert!(texts.is_dictionary());
        // The multiples of five among the 900 were left out.
        assert_eq!((texts.count(), texts.nulls(), texts.rows()), (720, 10_000, 50_000));
        let order: Vec<u32> = (0..50_000).rev().collect();
        texts.reorder(&order);
        wanted.reverse();
        assert!(read(&texts) == wanted);
    }

    #[test]
    fn values_that_do_not_repeat_are_no_longer_looked_for() {
        let mut texts = Texts::repeating();
        for i in 0..20_000 {
            texts.push(format!("{}", i / 10_000 * 10_000 + i % 10_000).as_bytes());
        }
        texts.settle();
        assert!(!texts.is_dictionary());
        assert_eq!(read(&texts)[19_999].as_deref(), Some("19999"));
        assert_eq!(read(&texts)[0].as_deref(), Some("0"));
        let mut long = Texts::repeating();
        (0..40).for_each(|i| long.push(format!("{i}{}", "x".repeat(50_000)).as_bytes()));
        long.settle();
        assert!(!long.is_dictionary());
    }
}
