//! Which values the list columns of a part may hold: one small file beside each part, so that a pivot opens
//! few parts. It may say yes wrongly, never no.
//!
//! A split-block Bloom filter per list column. Blocks are 32 bytes, a value lies in one of them, so that a
//! look-up reads the head of the file and one block. All numbers are little-endian:
//!
//! ```text
//! "LSI1"  u32 columns  { 16 bytes column name, zeros after it;  u32 blocks }…  blocks…
//! ```
//!
//! `u32::MAX` blocks: no filter, there were too many values. No blocks: no value at all.

use super::manifest::{Manifest, Part};
use super::store::Store;
use super::{Lake, LakeError, hashing};
use crate::model::Link;
use arrow::array::{Array as _, AsArray as _, RecordBatch};

const FOLDER: &str = "_logsift/index";
const MAGIC: &[u8; 4] = b"LSI1";
const BLOCK: usize = 32;
const NAME: usize = 16;
const ENTRY: usize = NAME + 4;
/// What a look-up reads first: room for more columns than there are.
const HEAD: usize = 8 + 16 * ENTRY;
const NO_FILTER: u32 = u32::MAX;
/// One wrong yes in about a hundred.
const BITS_PER_VALUE: usize = 10;
/// Of one column. Half a million request ids have four bits each then: one wrong yes in five.
const MAX_BYTES: usize = 256 * 1024;
const LEAST_BITS: usize = 4;
/// Values for which single blocks are read, not the whole file.
const FEW: usize = 8;
const MAX_VALUES: usize = MAX_BYTES * 8 / LEAST_BITS;

/// Odd numbers, one for each word of a block.
const SALTS: [u32; 8] =
    [0x9e37_79b1, 0x85eb_ca77, 0xc2b2_ae3d, 0x27d4_eb2f, 0x1656_67b1, 0xd3a2_646d, 0xfd70_46c5, 0xb55a_4f09];

/// Stable for ever: it is on disk.
fn hash(value: &[u8]) -> u64 {
    hashing::hash(0x51_7c_c1_b7_27_22_0a_95, value)
}

fn block_of(hash: u64, blocks: u32) -> usize {
    (((hash >> 32) * u64::from(blocks)) >> 32) as usize
}

/// The eight words with one bit each.
fn mask(hash: u64) -> [u32; 8] {
    SALTS.map(|salt| 1 << ((hash as u32).wrapping_mul(salt) >> 27))
}

/// Hashes of the values of each list column, gathered batch by batch.
pub(super) struct LinkHashes {
    /// `None`: too many values.
    columns: [Option<Vec<u64>>; Link::ALL.len()],
}

impl LinkHashes {
    pub fn new() -> Self {
        Self { columns: std::array::from_fn(|_| Some(Vec::new())) }
    }

    /// Notes values of one list column; the same one may come again.
    pub fn add_values<'v>(&mut self, link: Link, values: impl Iterator<Item = &'v [u8]>) {
        let at = Link::ALL.iter().position(|other| *other == link);
        if let Some(hashes) = at.and_then(|at| self.columns.get_mut(at)) {
            values.for_each(|value| note(hashes, value));
        }
    }

    pub fn add(&mut self, batch: &RecordBatch) {
        for (hashes, link) in self.columns.iter_mut().zip(Link::ALL) {
            let list = batch.column_by_name(link.column()).and_then(|c| c.as_list_opt::<i32>());
            let Some(values) = list.and_then(|list| list.values().as_string_opt::<i32>()) else {
                continue;
            };
            let offsets = list.map(|list| list.value_offsets()).unwrap_or_default();
            let (Some(first), Some(last)) = (offsets.first(), offsets.last()) else {
                continue;
            };
            for i in *first as usize..*last as usize {
                if values.is_valid(i) {
                    note(hashes, values.value(i).as_bytes());
                }
            }
        }
    }

    /// The file.
    pub fn finish(mut self) -> Vec<u8> {
        let mut head = MAGIC.to_vec();
        let mut body = Vec::new();
        head.extend((Link::ALL.len() as u32).to_le_bytes());
        for (hashes, link) in self.columns.iter_mut().zip(Link::ALL) {
            let mut name = [0; NAME];
            name.iter_mut().zip(link.column().bytes()).for_each(|(to, from)| *to = from);
            head.extend(name);
            let filter = hashes.take().and_then(|mut all| (distinct(&mut all) <= MAX_VALUES).then(|| filter(&all)));
            head.extend(filter.as_ref().map_or(NO_FILTER, |f| (f.len() / BLOCK) as u32).to_le_bytes());
            body.extend(filter.unwrap_or_default());
        }
        head.extend(body);
        head
    }
}

fn note(hashes: &mut Option<Vec<u64>>, value: &[u8]) {
    let Some(seen) = hashes else { return };
    seen.push(hash(value));
    if seen.len() > 4 * MAX_VALUES && distinct(seen) > MAX_VALUES {
        *hashes = None;
    }
}

/// Leaves each hash once, sorted; how many there are.
fn distinct(hashes: &mut Vec<u64>) -> usize {
    hashes.sort_unstable();
    hashes.dedup();
    hashes.len()
}

fn filter(hashes: &[u64]) -> Vec<u8> {
    let blocks = (hashes.len() * BITS_PER_VALUE).div_ceil(BLOCK * 8).min(MAX_BYTES / BLOCK);
    let mut words = vec![[0u32; 8]; blocks];
    for &hash in hashes {
        let block = &mut words[block_of(hash, blocks as u32)];
        block.iter_mut().zip(mask(hash)).for_each(|(word, bit)| *word |= bit);
    }
    words.iter().flatten().flat_map(|word| word.to_le_bytes()).collect()
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// Whether the filter in a file of which `read(start, len)` gives bytes may hold the value; `None` where it
/// cannot be told.
fn look_up(link: Link, value: &str, read: impl Fn(u64, usize) -> Option<Vec<u8>>) -> Option<bool> {
    let head = read(0, HEAD)?;
    let columns = u32_at(&head, 4).filter(|n| head.starts_with(MAGIC) && *n <= 16)? as usize;
    let mut start = 8 + columns * ENTRY;
    for column in 0..columns {
        let entry = head.get(8 + column * ENTRY..)?.get(..ENTRY)?;
        let name = &entry[..entry[..NAME].iter().position(|b| *b == 0).unwrap_or(NAME)];
        let blocks = u32_at(entry, NAME)?;
        if name != link.column().as_bytes() {
            start += if blocks == NO_FILTER { 0 } else { blocks as usize * BLOCK };
            continue;
        }
        if blocks == NO_FILTER || blocks == 0 {
            return Some(blocks == NO_FILTER);
        }
        let hash = hash(value.as_bytes());
        let block = read((start + block_of(hash, blocks) * BLOCK) as u64, BLOCK)?;
        let words: Option<Vec<u32>> = (0..8).map(|i| u32_at(&block, i * 4)).collect();
        return Some(words?.iter().zip(mask(hash)).all(|(word, bit)| word & bit != 0));
    }
    None
}

/// Path of the index of the part with this hash.
pub(super) fn path_of(sha256: &str) -> String {
    format!("{FOLDER}/{sha256}.bin")
}

/// Deletes indexes of parts that are no longer part of the lake.
pub(super) fn remove_orphans(store: &dyn Store, manifest: &Manifest) -> Result<(), LakeError> {
    let named: std::collections::HashSet<String> = manifest.parts.values().map(|p| path_of(&p.sha256)).collect();
    for path in store.list(FOLDER)? {
        if !named.contains(&path) {
            store.delete(&path)?;
        }
    }
    Ok(())
}

impl Lake {
    /// Parts of a table whose list column may hold the value; all that have no index.
    pub fn parts_with_link<'a>(&'a self, table: &'a str, link: Link, value: &'a str) -> impl Iterator<Item = &'a Part> {
        self.all_parts().filter(move |part| part.table == table && self.may_have_link(part, link, value))
    }

    /// Whether the part's list column may hold the value; `false` is sure.
    pub fn may_have_link(&self, part: &Part, link: Link, value: &str) -> bool {
        let path = path_of(&part.sha256);
        let read = |start, len| self.store.get_range(&path, start, len).ok();
        !part.links || look_up(link, value, read).unwrap_or(true)
    }

    /// Whether the part's list columns may hold one of the values; `false` is sure.
    pub fn may_have_any_link(&self, part: &Part, values: &[(Link, String)]) -> bool {
        if values.len() <= FEW {
            return values.iter().any(|(link, value)| self.may_have_link(part, *link, value));
        }
        let Some(file) = part.links.then(|| self.store.get(&path_of(&part.sha256)).ok().flatten()).flatten() else {
            return true;
        };
        let read = |start: u64, len: usize| {
            let rest = file.get(usize::try_from(start).ok()?..)?;
            Some(rest[..len.min(rest.len())].to_vec())
        };
        values.iter().any(|(link, value)| look_up(*link, value, read).unwrap_or(true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, ListBuilder, StringBuilder};
    use std::sync::Arc;

    fn batch(ips: &[Vec<String>]) -> RecordBatch {
        let mut list = ListBuilder::new(StringBuilder::new());
        for row in ips {
            row.iter().for_each(|value| list.values().append_value(value));
            list.append(true);
        }
        RecordBatch::try_from_iter([("ips", Arc::new(list.finish()) as ArrayRef)]).unwrap()
    }

    fn holds(file: &[u8], link: Link, value: &str) -> Option<bool> {
        let read = |start: u64, len: usize| file.get(start as usize..).map(|f| f[..len.min(f.len())].to_vec());
        look_up(link, value, read)
    }

    fn ip(n: usize) -> String {
        format!("10.{}.{}.{}", n >> 16, n >> 8 & 255, n & 255)
    }

    fn of(batch: &RecordBatch) -> LinkHashes {
        let mut hashes = LinkHashes::new();
        hashes.add(batch);
        hashes
    }

    #[test]
    fn no_value_is_denied_and_few_others_are_affirmed() {
        for n in [1, 2, 7, 100, 5_000, 60_000] {
            let rows: Vec<Vec<String>> = (0..n).map(|i| vec![ip(i), ip(i / 2)]).collect();
            let file = of(&batch(&rows)).finish();
            assert!(file.len() <= HEAD + n * 2 + BLOCK, "{n} values in {} bytes", file.len());
            assert!((0..n).all(|i| holds(&file, Link::Ip, &ip(i)) == Some(true)), "{n}");
            let wrong =
                (0..10_000).filter(|i| holds(&file, Link::Ip, &format!("198.51.100.{i}")) == Some(true)).count();
            assert!(wrong < 400, "{n} values: {wrong} of 10,000 wrongly affirmed");
            // A column without a value affirms nothing.
            assert_eq!(holds(&file, Link::Key, "AKIAIOSFODNN7EXAMPLE"), Some(false));
        }
    }

    #[test]
    fn slices_count_their_own_values_only() {
        let all = batch(&[vec![ip(1)], vec![], vec![ip(2)], vec![ip(3)]]);
        let file = of(&all.slice(1, 2)).finish();
        assert_eq!([1, 2, 3].map(|n| holds(&file, Link::Ip, &ip(n)).unwrap()), [false, true, false]);
    }

    #[test]
    fn too_many_values_may_be_anything() {
        let mut hashes = LinkHashes::new();
        for from in (0..MAX_VALUES + 10).step_by(100_000) {
            hashes.add(&batch(&[(from..from + 100_000).map(ip).collect()]));
        }
        let file = hashes.finish();
        assert_eq!(holds(&file, Link::Ip, "198.51.100.1"), Some(true));
        assert!(file.len() < HEAD);
    }

    #[test]
    fn a_damaged_index_says_nothing() {
        let file = of(&batch(&[vec![ip(1)]])).finish();
        assert_eq!(holds(b"", Link::Ip, "x"), None);
        assert_eq!(holds(b"LSI2....", Link::Ip, "x"), None);
        assert_eq!(holds(&file[..file.len() - 1], Link::Ip, &ip(1)), None);
    }

    /// The layout is on disk: a value's place must never move.
    #[test]
    fn the_hash_is_the_one_of_the_first_version() {
        // Computed with Python's integers from the definition above.
        assert_eq!(hash(b""), 0x0);
        assert_eq!(hash(b"192.0.2.10"), 0xbb2520ba5e4375b5);
    }
}
