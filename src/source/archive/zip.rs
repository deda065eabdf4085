//! Zip: the directory at its end tells the members; each is read from where it lies.

use super::{Entry, Names};
use crate::codec::inflate::{self, Crc32};
use crate::source::SourceError;
use crate::source::object::{Bytes, Opener};
use crate::source::whole::Whole;
use rawzip::{CompressionMethod, MAX_CENTRAL_DIRECTORY_RECORD_SIZE, ZipArchive, ZipFileHeaderRecord, ZipLocator};
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Whether something that begins so is a zip file: with a member, or with the end of an empty directory.
pub fn is_zip(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06")
}

/// Something that is no regular file and longer than this is read all the same: no path is so long.
const LONGEST_LINK: u64 = 4096;

pub(super) fn each<E>(
    names: &Names,
    whole: &Whole,
    each: &mut dyn FnMut(Result<Entry, SourceError>) -> Result<(), E>,
) -> Result<(), E> {
    let mut buffer = vec![0; MAX_CENTRAL_DIRECTORY_RECORD_SIZE];
    let located = guarded(|| {
        let located = ZipLocator::new().locate_in_reader(whole.clone(), &mut buffer, whole.size());
        located.map_err(|(_, error)| error.to_string())
    });
    let zip = match located {
        Ok(zip) => zip,
        Err(why) => return each(Err(names.damaged(why))),
    };
    let mut entries = zip.entries(&mut buffer);
    let mut taken = Taken::default();
    let mut members = 0u64;
    loop {
        let lent = &mut entries;
        let record = guarded(move || lent.next_entry().map_err(|error| error.to_string()));
        match record {
            Ok(Some(record)) => {
                members += 1;
                let entry = guarded(|| Ok(member(names, &zip, &record, &mut taken)));
                each(entry.unwrap_or_else(|why| Err(Names::refused(names.of(record.file_path().as_ref()), why))))?;
            }
            Ok(None) => break,
            Err(why) => return each(Err(names.damaged(why))),
        }
    }
    // Without zip64 the count has 16 bits, and some writers let it run over.
    let said = zip.entries_hint();
    if said != members && said != members % 0x1_0000 {
        return each(Err(names.damaged(format!("its directory says {said} members and names {members}"))));
    }
    Ok(())
}

/// A library's arithmetic on hostile numbers must not end the run.
fn guarded<T>(read: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err("its directory makes no sense".to_owned()))
}

fn member(
    names: &Names,
    zip: &ZipArchive<Whole>,
    record: &ZipFileHeaderRecord<'_>,
    taken: &mut Taken,
) -> Result<Entry, SourceError> {
    let name = names.of(record.file_path().as_ref());
    let size = record.uncompressed_size_hint();
    let stored = record.compressed_size_hint();
    // Nothing deflated is two bytes.
    let empty = size == 0 && stored <= 2;
    let what = match record.mode().value() & 0o170_000 {
        0o040_000 if empty => Some("folder"),
        0o120_000 if size.max(stored) <= LONGEST_LINK => Some("symbolic link"),
        0o020_000 | 0o060_000 if empty => Some("device"),
        0o010_000 | 0o140_000 if empty => Some("pipe"),
        _ => None,
    };
    if let Some(what) = what {
        return Ok(Entry::Left { name, what });
    }
    if record.flags().is_encrypted() {
        return Err(Names::refused(name, "is encrypted; unpack the archive with its password and give the files"));
    }
    let method = record.compression_method();
    let known = [CompressionMethod::STORE, CompressionMethod::DEFLATE, CompressionMethod::ZSTD];
    if !known.contains(&method) {
        let (number, title) = (method.as_u16(), method.name().unwrap_or("unknown"));
        let why = format!("is compressed by zip's method {number} ({title}); unpack the archive and give the files");
        return Err(Names::refused(name, why));
    }
    let (start, end) = match zip.get_entry(record.wayfinder()) {
        Ok(entry) => entry.compressed_data_range(),
        Err(error) => return Err(Names::refused(name, format!("is not where the directory says ({error})"))),
    };
    if end > zip.get_ref().size() {
        return Err(Names::refused(name, "is said to end after the archive's own end"));
    }
    if !taken.take(record.local_header_offset(), end) {
        return Err(Names::refused(name, "shares its bytes with another member, as in a zip bomb"));
    }
    let (whole, crc) = (zip.get_ref().clone(), record.crc32());
    let opener: Opener = Arc::new(move || {
        let stored = whole.region(start, end - start);
        let bytes: io::Result<Bytes> = match method {
            CompressionMethod::DEFLATE => Ok(inflate::deflate(stored)),
            CompressionMethod::ZSTD => inflate::zstd(stored),
            _ => Ok(Box::new(stored)),
        };
        match bytes {
            Ok(bytes) => Box::new(Checked { bytes, crc: Crc32::new(), expected: crc, left: size }),
            Err(error) => Box::new(Failed(Some(error))),
        }
    });
    Ok(names.again(name, size, opener))
}

/// Stretches of the archive that members have, so that none is read for two: what unpacks to petabytes lets
/// all its members share one piece of data.
#[derive(Default)]
struct Taken {
    /// End by start; neighbours are one.
    stretches: BTreeMap<u64, u64>,
}

impl Taken {
    /// `false` when any of the bytes `[start, end)` is taken.
    fn take(&mut self, start: u64, end: u64) -> bool {
        let before = self.stretches.range(..=start).next_back().map(|(s, e)| (*s, *e));
        let after = self.stretches.range(start..).next().map(|(s, e)| (*s, *e));
        if before.is_some_and(|(_, e)| e > start) || after.is_some_and(|(s, _)| s < end) {
            return false;
        }
        let start = match before {
            Some((s, e)) if e == start => s,
            _ => start,
        };
        let end = match after {
            Some((s, e)) if s == end => {
                self.stretches.remove(&s);
                e
            }
            _ => end,
        };
        self.stretches.insert(start, end);
        true
    }
}

/// A member's bytes, compared with the size and CRC-32 that the directory says.
struct Checked {
    bytes: Bytes,
    crc: Crc32,
    expected: u32,
    left: u64,
}

impl Read for Checked {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let wrong = |what: &str| Err(io::Error::new(io::ErrorKind::InvalidData, what));
        if out.is_empty() {
            return Ok(0);
        }
        if self.left == 0 {
            let mut more = [0];
            return match self.bytes.read(&mut more)? {
                0 if self.crc.sum() == self.expected => Ok(0),
                0 => wrong("its CRC-32 is not the one the archive says"),
                _ => wrong("it is longer than the archive says"),
            };
        }
        let room = usize::try_from(self.left).unwrap_or(usize::MAX).min(out.len());
        match self.bytes.read(&mut out[..room])? {
            0 => wrong("it is shorter than the archive says"),
            n => {
                self.crc.update(&out[..n]);
                self.left -= n as u64;
                Ok(n)
            }
        }
    }
}

struct Failed(Option<io::Error>);

impl Read for Failed {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_byte_is_taken_twice() {
        let mut taken = Taken::default();
        assert!(taken.take(10, 20));
        assert!(taken.take(20, 30));
        assert!(taken.take(0, 10));
        assert_eq!(taken.stretches.len(), 1, "neighbours are one stretch");
        for (start, end) in [(0, 1), (29, 31), (5, 6), (0, 40), (29, 30)] {
            assert!(!taken.take(start, end), "{start}..{end}");
        }
        assert!(taken.take(40, 50));
        assert!(!taken.take(35, 41));
        assert!(taken.take(30, 40));
        assert_eq!(taken.stretches, BTreeMap::from([(0, 50)]));
    }
}
