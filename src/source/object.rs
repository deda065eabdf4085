//! One object: its hash, and its decompressed bytes.

use super::SourceError;
use super::walk::SourceFile;
use crate::codec::inflate;
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{self, BufRead, Read};

const BLOCK: usize = 1024 * 1024;

/// SHA-256 of the object's bytes as stored, in lower-case hex.
pub fn sha256(file: &SourceFile) -> Result<String, SourceError> {
    let mut reader = File::open(&file.path).map_err(|e| SourceError::open(&file.path, e))?;
    let mut hasher = Sha256::new();
    let mut block = vec![0; BLOCK];
    loop {
        match reader.read(&mut block) {
            Ok(0) => return Ok(hex(&hasher.finalize())),
            Ok(n) => hasher.update(&block[..n]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(SourceError::open(&file.path, error)),
        }
    }
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(bytes.len() * 2);
    for b in bytes {
        out.push(char::from(DIGITS[usize::from(b >> 4)]));
        out.push(char::from(DIGITS[usize::from(b & 15)]));
    }
    out
}

/// The decompressed bytes of a file; large ones are read ahead on a thread of their own.
pub fn open(file: &SourceFile) -> Result<Box<dyn BufRead + Send>, SourceError> {
    let opened = File::open(&file.path).map_err(|e| SourceError::open(&file.path, e))?;
    decompress(Box::new(opened), file.size).map_err(|e| SourceError::open(&file.path, e))
}

/// As [`open`], for any stream of about `size` stored bytes.
pub fn decompress(input: Box<dyn Read + Send>, size: u64) -> io::Result<Box<dyn BufRead + Send>> {
    let reader = inflate::open(input)?;
    if size < READ_AHEAD_FROM { Ok(reader) } else { Ok(Box::new(ReadAhead::new(reader))) }
}

/// A thread costs more than it gives below this.
const READ_AHEAD_FROM: u64 = 4 * 1024 * 1024;
const BLOCKS_AHEAD: usize = 4;

/// Inflates on a thread of its own, a few blocks ahead.
struct ReadAhead {
    blocks: crossbeam_channel::Receiver<io::Result<Vec<u8>>>,
    block: Vec<u8>,
    at: usize,
}

impl ReadAhead {
    fn new(mut reader: Box<dyn BufRead + Send>) -> Self {
        let (send, blocks) = crossbeam_channel::bounded(BLOCKS_AHEAD);
        std::thread::spawn(move || {
            loop {
                let mut block = Vec::with_capacity(BLOCK);
                let result = reader.by_ref().take(BLOCK as u64).read_to_end(&mut block);
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
        Self { blocks, block: Vec::new(), at: 0 }
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
                Ok(Ok(block)) => (self.block, self.at) = (block, 0),
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
