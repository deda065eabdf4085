//! Compression, told by magic bytes and not by name.

use std::io::{self, BufRead, BufReader, Read};

/// What the first bytes of a stream say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    None,
    Gzip,
    Zstd,
}

impl Compression {
    /// By magic: gzip `1f 8b`, zstd frame `28 b5 2f fd`.
    pub fn of(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            _ => Self::None,
        }
    }
}

/// Firehose may deliver gzip inside gzip; deeper nesting is a bomb, not a log.
const MAX_LAYERS: usize = 3;
const BUFFER: usize = 256 * 1024;

pub use flate2::Crc as Crc32;

/// One raw deflate stream, as zip has it. Input that ends early looks like the end: compare the size.
pub fn deflate(input: impl Read + Send + 'static) -> Box<dyn Read + Send> {
    Box::new(flate2::bufread::DeflateDecoder::new(BufReader::new(input)))
}

/// One zstd stream, of any number of frames.
pub fn zstd(input: impl Read + Send + 'static) -> io::Result<Box<dyn Read + Send>> {
    Ok(Box::new(zstd::stream::read::Decoder::new(input)?))
}

/// The CRC-32 of gzip and zip (IEEE).
pub fn crc32(data: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(data);
    crc.sum()
}

/// Unwraps every compression layer of `input` (gzip with several members included).
/// Errors of a broken stream come out of the returned reader, after all bytes before it.
pub fn open<'r>(input: Box<dyn Read + Send + 'r>) -> io::Result<Box<dyn BufRead + Send + 'r>> {
    let mut reader = BufReader::with_capacity(BUFFER, input);
    for _ in 0..MAX_LAYERS {
        match Compression::of(peek(&mut reader)) {
            Compression::None => break,
            Compression::Gzip => {
                let inner = flate2::bufread::MultiGzDecoder::new(reader);
                reader = BufReader::with_capacity(BUFFER, Box::new(inner));
            }
            Compression::Zstd => {
                let inner = zstd::stream::read::Decoder::with_buffer(reader)?;
                reader = BufReader::with_capacity(BUFFER, Box::new(inner));
            }
        }
    }
    Ok(Box::new(reader))
}

/// The first bytes, without taking them; empty when even they cannot be read. The reader that is
/// asked for them next reports the error.
fn peek<R: Read>(reader: &mut BufReader<R>) -> &[u8] {
    reader.fill_buf().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    fn read(data: Vec<u8>) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        open(Box::new(io::Cursor::new(data)))?.read_to_end(&mut out).map(|_| out)
    }

    #[test]
    fn members_and_layers() {
        let two = [gzip(b"one\n"), gzip(b"two\n")].concat();
        assert_eq!(read(two.clone()).unwrap(), b"one\ntwo\n");
        assert_eq!(read(gzip(&two)).unwrap(), b"one\ntwo\n");
        assert_eq!(read(zstd::encode_all(&b"z"[..], 1).unwrap()).unwrap(), b"z");
        assert_eq!(read(b"plain".to_vec()).unwrap(), b"plain");
        assert_eq!(read(Vec::new()).unwrap(), b"");
    }

    #[test]
    fn a_cut_stream_is_an_error_after_its_bytes() {
        let mut cut = gzip(&b"line\n".repeat(100_000));
        cut.truncate(cut.len() - 10);
        let mut out = Vec::new();
        let result = open(Box::new(io::Cursor::new(cut))).unwrap().read_to_end(&mut out);
        assert_eq!(result.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert!(out.starts_with(b"line\n"));
    }
}
