//! One object: its hash, and its decompressed bytes.

use super::SourceError;
use super::archive::{Archive, is_tar, is_zip};
use super::parquet_rows::is_parquet;
use super::walk::SourceFile;
use super::whole::{IN_MEMORY, Spool, Whole, fill};
use crate::codec::hex;
use crate::codec::inflate::{self, Compression};
use sha2::{Digest as _, Sha256};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufRead, Read};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

const BLOCK: usize = 1024 * 1024;

/// Archives in archives in archives are unpacked; one more is an error.
pub const MAX_DEPTH: u8 = 3;

/// A stream of bytes as they are stored.
pub type Bytes = Box<dyn Read + Send>;
/// Gives the bytes from the beginning, each time it is called.
pub type Opener = Arc<dyn Fn() -> Bytes + Send + Sync>;

/// Bytes with a name: a file, standard input, or a member of an archive.
pub struct Object {
    /// How it is called: the path as given, `-`, or `<archive>!/<member>`. May hold any character.
    pub name: String,
    /// Where it lies, or would if its archive were a folder: for what its path says.
    pub path: PathBuf,
    /// Bytes as stored (of a member: unpacked). What an archive says may be a lie until [`Object::kept`].
    pub size: u64,
    /// Archives it lies in.
    pub(super) depth: u8,
    pub(super) body: Body,
}

pub(super) enum Body {
    /// A file, which may be called otherwise.
    File(PathBuf),
    /// Kept bytes, and why they end early.
    Whole(Whole, Option<(io::ErrorKind, String)>),
    Again(Opener),
    /// A stream that comes once.
    Once(Mutex<Option<Bytes>>),
}

/// What an object turns out to be.
pub enum Opened {
    Content(Content),
    Archive(Archive),
}

/// The bytes of an object that is no archive.
pub enum Content {
    /// Decompressed.
    Bytes(Box<dyn BufRead + Send>),
    Parquet(Whole),
}

impl Content {
    /// As bytes, whatever they are.
    pub fn into_bytes(self) -> Box<dyn BufRead + Send> {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Parquet(whole) => Box::new(io::BufReader::new(whole.reader())),
        }
    }
}

/// Files AWS writes to test a destination: no logs.
const TEST_OBJECTS: [&str; 5] = [
    "aws-logs-write-test",
    "ELBAccessLogTestFile",
    "ELBConnectionLogTestFile",
    "ELBHealthCheckLogTestFile",
    "ConfigWritabilityCheckFile",
];

/// As much of an object's beginning as tells what it is: a tar header.
const HEAD: usize = 512;

impl Object {
    /// A file; with a name, that is where it lies as far as anybody else is concerned.
    pub fn of_file(file: &SourceFile, name: Option<&str>) -> Self {
        let path = name.map_or_else(|| file.path.clone(), PathBuf::from);
        let name = path.display().to_string();
        Self { name, path, size: file.size, depth: 0, body: Body::File(file.path.clone()) }
    }

    /// A stream that can be read once, such as standard input.
    pub fn of_stream(name: &str, stream: Bytes) -> Self {
        let body = Body::Once(Mutex::new(Some(stream)));
        Self { name: name.to_owned(), path: PathBuf::from(name), size: u64::MAX, depth: 0, body }
    }

    pub fn is_test_object(&self) -> bool {
        let name = self.path.file_name().and_then(OsStr::to_str);
        name.is_some_and(|name| TEST_OBJECTS.contains(&name))
    }

    /// The object with its SHA-256 (of the bytes as stored, in lower-case hex), to be opened any number of times.
    /// What could not be read to its end is as long as what was read.
    pub fn kept(self, spool: &Spool) -> Result<(Self, String), SourceError> {
        let mut hasher = Sha256::new();
        match self.body {
            Body::File(_) | Body::Whole(..) => {
                let size = drain(&mut *self.bytes()?, &mut hasher);
                match size {
                    Err((_, error)) if matches!(self.body, Body::File(_)) => Err(SourceError::open(&self.path, error)),
                    _ => Ok((self, hex::encode(&hasher.finalize()))),
                }
            }
            Body::Again(ref opener) => {
                let mut start = Vec::new();
                let mut bytes = opener();
                let (ended, error) = fill(&mut *bytes, &mut start, IN_MEMORY);
                hasher.update(&start);
                if ended {
                    let body = Body::Whole(Whole::of_bytes(start), error.as_ref().map(cause));
                    return Ok(self.with(body, hasher));
                }
                drop(start);
                let more = drain(&mut *bytes, &mut hasher).unwrap_or_else(|(read, _)| read);
                let size = IN_MEMORY as u64 + more;
                Ok((Self { size, ..self }, hex::encode(&hasher.finalize())))
            }
            Body::Once(_) => {
                let mut bytes = self.bytes()?;
                let kept = spool.keep(&mut *bytes, &mut |part| hasher.update(part));
                let kept = kept.map_err(|e| SourceError::Spool { object: self.name.clone(), source: e })?;
                Ok(self.with(Body::Whole(kept.whole, kept.error.as_ref().map(cause)), hasher))
            }
        }
    }

    /// Its bytes as stored, if they are no more than `most`.
    pub fn stored(&self, most: usize) -> Result<Option<Vec<u8>>, SourceError> {
        let mut all = Vec::new();
        // What could not be read to its end is stored as far as it was read.
        let (ended, _) = fill(&mut *self.bytes()?, &mut all, most.saturating_add(1));
        Ok((ended && all.len() <= most).then_some(all))
    }

    fn with(self, body: Body, hasher: Sha256) -> (Self, String) {
        let size = if let Body::Whole(whole, _) = &body { whole.size() } else { self.size };
        (Self { body, size, ..self }, hex::encode(&hasher.finalize()))
    }

    fn bytes(&self) -> Result<Bytes, SourceError> {
        Ok(match &self.body {
            Body::File(path) => Box::new(File::open(path).map_err(|e| SourceError::open(path, e))?),
            Body::Whole(whole, None) => Box::new(whole.reader()),
            Body::Whole(whole, Some((kind, why))) => {
                Box::new(Cut { bytes: whole.reader(), error: Some(io::Error::new(*kind, why.clone())) })
            }
            Body::Again(opener) => opener(),
            Body::Once(stream) => {
                let taken = stream.lock().unwrap_or_else(PoisonError::into_inner).take();
                taken.unwrap_or_else(|| Box::new(io::empty()))
            }
        })
    }

    /// Tells what it is, by its content; what has to be read at any place is kept in `spool`.
    pub fn open(&self, spool: &Spool) -> Result<Opened, SourceError> {
        let stored = Begun::of(self.bytes()?);
        let head = stored.head.get_ref();
        let packed = Compression::of(head) != Compression::None;
        if is_zip(head) || is_parquet(head) {
            let (zip, whole) = (is_zip(head), self.whole(stored, spool)?);
            return if zip { self.archive(|o| Archive::zip(o, whole)) } else { Ok(content(Content::Parquet(whole))) };
        }
        let reader = decompress(Box::new(stored), self.size).map_err(|e| SourceError::open(&self.path, e))?;
        let reader = Begun::of(reader);
        let head = reader.head.get_ref();
        if packed && (is_zip(head) || is_parquet(head)) {
            let (zip, whole) = (is_zip(head), self.spooled(reader, spool)?);
            return if zip { self.archive(|o| Archive::zip(o, whole)) } else { Ok(content(Content::Parquet(whole))) };
        }
        if is_tar(head) {
            let whole = if packed { None } else { self.random().map_err(|e| SourceError::open(&self.path, e))? };
            return self.archive(|o| match whole {
                Some(whole) => Archive::tar(o, whole),
                None => Archive::tar_stream(o, Box::new(reader)),
            });
        }
        Ok(content(Content::Bytes(Box::new(reader))))
    }

    fn archive(&self, make: impl FnOnce(&Self) -> Archive) -> Result<Opened, SourceError> {
        if self.depth >= MAX_DEPTH {
            return Err(SourceError::TooDeep { object: self.name.clone() });
        }
        Ok(Opened::Archive(make(self)))
    }

    /// Its stored bytes, where they can be read at any place as they lie.
    fn random(&self) -> io::Result<Option<Whole>> {
        match &self.body {
            Body::File(path) => Whole::of_file(path).map(Some),
            Body::Whole(whole, _) => Ok(Some(whole.clone())),
            Body::Again(_) | Body::Once(_) => Ok(None),
        }
    }

    fn whole(&self, stored: impl Read, spool: &Spool) -> Result<Whole, SourceError> {
        match self.random().map_err(|e| SourceError::open(&self.path, e))? {
            Some(whole) => Ok(whole),
            None => self.spooled(stored, spool),
        }
    }

    fn spooled(&self, mut bytes: impl Read, spool: &Spool) -> Result<Whole, SourceError> {
        let kept = spool.keep(&mut bytes, &mut |_| ());
        let kept = kept.map_err(|source| SourceError::Spool { object: self.name.clone(), source })?;
        match kept.error {
            None => Ok(kept.whole),
            Some(source) => Err(SourceError::Broken { object: self.name.clone(), offset: kept.whole.size(), source }),
        }
    }
}

const fn content(content: Content) -> Opened {
    Opened::Content(content)
}

fn cause(error: &io::Error) -> (io::ErrorKind, String) {
    (error.kind(), error.to_string())
}

/// Hashes to the end, or to an error; how many bytes came.
fn drain(bytes: &mut dyn Read, hasher: &mut Sha256) -> Result<u64, (u64, io::Error)> {
    let mut block = vec![0; BLOCK];
    let mut size = 0;
    loop {
        match bytes.read(&mut block) {
            Ok(0) => return Ok(size),
            Ok(n) => {
                hasher.update(&block[..n]);
                size += n as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err((size, error)),
        }
    }
}

/// A stream whose first bytes were looked at.
struct Begun<R> {
    head: io::Cursor<Vec<u8>>,
    /// What went wrong with them; told once they are read.
    error: Option<io::Error>,
    rest: R,
}

impl<R: Read> Begun<R> {
    fn of(mut rest: R) -> Self {
        let mut head = Vec::with_capacity(HEAD);
        let (_, error) = fill(&mut rest, &mut head, HEAD);
        Self { head: io::Cursor::new(head), error, rest }
    }
}

impl<R: Read> Read for Begun<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self.head.read(out)? {
            0 => self.error.take().map_or_else(|| self.rest.read(out), Err),
            n => Ok(n),
        }
    }
}

impl<R: BufRead> BufRead for Begun<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if (self.head.position() as usize) < self.head.get_ref().len() {
            return self.head.fill_buf();
        }
        match self.error.take() {
            Some(error) => Err(error),
            None => self.rest.fill_buf(),
        }
    }

    fn consume(&mut self, n: usize) {
        if (self.head.position() as usize) < self.head.get_ref().len() {
            self.head.consume(n);
        } else {
            self.rest.consume(n);
        }
    }
}

/// A stream that ends with an error.
struct Cut {
    bytes: super::whole::Region,
    error: Option<io::Error>,
}

impl Read for Cut {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self.bytes.read(out)? {
            0 if !out.is_empty() => self.error.take().map_or(Ok(0), Err),
            n => Ok(n),
        }
    }
}

/// Any stream of about `size` stored bytes, decompressed; a large one is inflated on a thread of its own.
fn decompress(input: Bytes, size: u64) -> io::Result<Box<dyn BufRead + Send>> {
    let (reader, layers) = inflate::open_counted(input)?;
    if layers == 0 || size < READ_AHEAD_FROM { Ok(reader) } else { Ok(Box::new(ReadAhead::new(reader))) }
}

/// Fills the buffer as far as there is something: how far, and why no further if that is not the end.
pub fn fill_slice(reader: &mut dyn BufRead, buffer: &mut [u8]) -> (usize, io::Result<()>) {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(got) => filled += got,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (filled, Err(error)),
        }
    }
    (filled, Ok(()))
}

/// A thread costs more than it gives below this.
const READ_AHEAD_FROM: u64 = 4 * 1024 * 1024;
const BLOCKS_AHEAD: usize = 4;

/// Inflates on a thread of its own, a few blocks ahead.
struct ReadAhead {
    blocks: crossbeam_channel::Receiver<io::Result<Vec<u8>>>,
    /// Blocks that were read, to be used again.
    spare: crossbeam_channel::Sender<Vec<u8>>,
    block: Vec<u8>,
    at: usize,
}

impl ReadAhead {
    fn new(mut reader: Box<dyn BufRead + Send>) -> Self {
        let (send, blocks) = crossbeam_channel::bounded(BLOCKS_AHEAD);
        let (spare, used) = crossbeam_channel::bounded::<Vec<u8>>(BLOCKS_AHEAD);
        std::thread::spawn(move || {
            loop {
                let mut block = used.try_recv().unwrap_or_default();
                block.resize(BLOCK, 0);
                let (filled, result) = fill_slice(&mut *reader, &mut block);
                block.truncate(filled);
                // What came before an error goes out first: nothing read is lost.
                if block.is_empty() && result.is_ok() {
                    return;
                }
                let failed = result.is_err();
                if (!block.is_empty() && send.send(Ok(block)).is_err()) || failed {
                    if let Err(error) = result {
                        let _ = send.send(Err(error));
                    }
                    return;
                }
            }
        });
        Self { blocks, spare, block: Vec::new(), at: 0 }
    }
}

impl Read for ReadAhead {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.fill_buf()?.read(out)?;
        self.consume(n);
        Ok(n)
    }
}

impl BufRead for ReadAhead {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at == self.block.len() {
            match self.blocks.recv() {
                Ok(Ok(block)) => {
                    let read = std::mem::replace(&mut self.block, block);
                    self.at = 0;
                    // Where there are enough, this one goes.
                    let _ = self.spare.try_send(read);
                }
                Ok(Err(error)) => return Err(error),
                Err(_) => return Ok(&[]),
            }
        }
        Ok(&self.block[self.at..])
    }

    fn consume(&mut self, n: usize) {
        self.at += n;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_ahead_gives_every_byte_and_then_the_error() {
        let data: Vec<u8> = (0..5_000_000u32).map(|i| i as u8).collect();
        let packed = zstd::encode_all(&data[..], 1).unwrap();
        let mut whole = Vec::new();
        decompress(Box::new(io::Cursor::new(packed.clone())), u64::MAX).unwrap().read_to_end(&mut whole).unwrap();
        assert!(whole == data);
        let cut = packed[..packed.len() / 2].to_vec();
        let mut part = Vec::new();
        let result = decompress(Box::new(io::Cursor::new(cut)), u64::MAX).unwrap().read_to_end(&mut part);
        assert!(result.is_err());
        assert!(data.starts_with(&part));
    }
}
