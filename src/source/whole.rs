//! Bytes that can be read at any place, as zip and Parquet need them; and where those of a stream are kept.

use bytes::Bytes;
use parquet::file::reader::{ChunkReader, Length};
use rawzip::{FileReader, ReaderAt};
use std::fs::File;
use std::io::{self, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A file, or bytes in memory. Clones share them.
#[derive(Clone)]
pub struct Whole {
    data: Arc<dyn ReaderAt + Send + Sync>,
    len: u64,
}

impl Whole {
    pub fn of_file(path: &Path) -> io::Result<Self> {
        Self::of_open(File::open(path)?)
    }

    /// A file that need not have a name.
    pub fn of_open(file: File) -> io::Result<Self> {
        let len = file.metadata()?.len();
        Ok(Self { data: Arc::new(FileReader::from(file)), len })
    }

    pub fn of_bytes(bytes: Vec<u8>) -> Self {
        Self { len: bytes.len() as u64, data: Arc::new(bytes) }
    }

    /// Bytes in it.
    pub const fn size(&self) -> u64 {
        self.len
    }

    pub fn reader(&self) -> Region {
        self.region(0, self.len)
    }

    /// `len` bytes from `start` on; reading them is an error where they are not all there.
    pub fn region(&self, start: u64, len: u64) -> Region {
        Region { whole: self.clone(), at: start, end: start.saturating_add(len) }
    }
}

impl ReaderAt for Whole {
    fn read_at(&self, out: &mut [u8], offset: u64) -> io::Result<usize> {
        if offset >= self.len {
            return Ok(0);
        }
        // The sum of a hostile offset and a length must not overflow in whoever is asked.
        let room = usize::try_from(self.len - offset).unwrap_or(usize::MAX).min(out.len());
        loop {
            match self.data.read_at(&mut out[..room], offset) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }
}

/// Some of its bytes, in order.
pub struct Region {
    whole: Whole,
    at: u64,
    end: u64,
}

impl Read for Region {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let room = usize::try_from(self.end - self.at).unwrap_or(usize::MAX).min(out.len());
        if room == 0 {
            return Ok(0);
        }
        match self.whole.read_at(&mut out[..room], self.at)? {
            0 => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it ends early")),
            n => {
                self.at += n as u64;
                Ok(n)
            }
        }
    }
}

impl Length for Whole {
    fn len(&self) -> u64 {
        self.len
    }
}

impl ChunkReader for Whole {
    type T = BufReader<Region>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        Ok(BufReader::new(self.region(start, self.len.saturating_sub(start))))
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        let there = self.len.saturating_sub(start);
        if length as u64 > there {
            let what = format!("{length} bytes at {start} of {}", self.len);
            return Err(parquet::errors::ParquetError::EOF(what));
        }
        let mut out = vec![0; length];
        self.region(start, length as u64).read_exact(&mut out)?;
        Ok(out.into())
    }
}

/// Larger objects are kept in a file, not in memory.
pub const IN_MEMORY: usize = 8 * 1024 * 1024;
const BLOCK: usize = 256 * 1024;

/// Where bytes go that must be read twice or at any place, and can come once only.
#[derive(Clone, Debug)]
pub struct Spool {
    folder: PathBuf,
}

/// What was kept of a stream.
pub struct Kept {
    pub whole: Whole,
    /// Why it ended early; what is kept came before.
    pub error: Option<io::Error>,
}

impl Spool {
    /// Files in this folder have no name: they are gone with the process, whatever ends it.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// In the system's temporary folder.
    pub fn temporary() -> Self {
        Self::new(std::env::temp_dir())
    }

    /// An empty one.
    pub fn file(&self) -> io::Result<File> {
        tempfile::tempfile_in(&self.folder)
    }

    /// Keeps everything `reader` gives, and shows it to `seen` as it comes. The error of the result is the
    /// folder's, not the reader's.
    pub fn keep(&self, reader: &mut dyn Read, seen: &mut dyn FnMut(&[u8])) -> io::Result<Kept> {
        let mut start = Vec::new();
        let (ended, error) = fill(reader, &mut start, IN_MEMORY);
        seen(&start);
        if ended {
            return Ok(Kept { whole: Whole::of_bytes(start), error });
        }
        let mut file = self.file()?;
        file.write_all(&start)?;
        loop {
            start.clear();
            let (ended, error) = fill(reader, &mut start, BLOCK);
            seen(&start);
            file.write_all(&start)?;
            if ended {
                return Ok(Kept { whole: Whole::of_open(file)?, error });
            }
        }
    }
}

/// Reads up to `most` bytes; whether that was all there is, and why it ended early. What came before an error
/// is kept.
pub fn fill(reader: &mut dyn Read, out: &mut Vec<u8>, most: usize) -> (bool, Option<io::Error>) {
    match reader.take(most as u64).read_to_end(out) {
        Ok(n) => (n < most, None),
        Err(error) => (true, Some(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_can_be_read_at_any_place_and_more_than_once() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::new(folder.path().to_path_buf());
        for len in [0, 1, IN_MEMORY - 1, IN_MEMORY, IN_MEMORY + 1, IN_MEMORY + 3 * BLOCK] {
            let bytes: Vec<u8> = (0..len).map(|i| (i / 7) as u8).collect();
            let mut seen = Vec::new();
            let kept = spool.keep(&mut &bytes[..], &mut |part| seen.extend_from_slice(part)).unwrap();
            assert!(seen == bytes && kept.error.is_none() && kept.whole.size() == len as u64);
            for _ in 0..2 {
                let mut again = Vec::new();
                kept.whole.reader().read_to_end(&mut again).unwrap();
                assert!(again == bytes);
            }
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "a file with a name is left");
        }
    }

    #[test]
    fn a_region_that_is_not_there_is_an_error_after_its_bytes() {
        let whole = Whole::of_bytes(b"0123456789".to_vec());
        let mut out = Vec::new();
        let error = whole.region(8, 5).read_to_end(&mut out).unwrap_err();
        assert_eq!((out.as_slice(), error.kind()), (&b"89"[..], io::ErrorKind::UnexpectedEof));
        assert_eq!(whole.region(u64::MAX, u64::MAX).read(&mut [0; 4]).unwrap(), 0);
        assert!(whole.region(11, u64::MAX).read(&mut [0; 4]).is_err());
        assert!(whole.get_bytes(8, 3).is_err());
        assert_eq!(whole.get_bytes(8, 2).unwrap(), &b"89"[..]);
    }
}
