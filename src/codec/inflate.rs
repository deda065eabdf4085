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
    open_counted(input).map(|(reader, _)| reader)
}

/// [`open`], and how many layers it took off.
pub fn open_counted<'r>(input: Box<dyn Read + Send + 'r>) -> io::Result<(Box<dyn BufRead + Send + 'r>, usize)> {
    let mut layers = 0;
    let mut reader = BufReader::with_capacity(BUFFER, input);
    for _ in 0..MAX_LAYERS {
        let head = match reader.fill_buf() {
            Ok(head) => head,
            // A decoder whose head is cut tells it once, and is at its end then.
            Err(error) => return Ok((Box::new(BufReader::with_capacity(0, Failed(Some(error)))), layers)),
        };
        match Compression::of(head) {
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
        layers += 1;
    }
    Ok((Box::new(reader), layers))
}

/// Nothing but an error.
struct Failed(Option<io::Error>);

impl Read for Failed {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
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
    fn a_stream_that_is_cut_anywhere_is_no_whole_one() {
        let packed = gzip(b"some text");
        for length in 2..packed.len() {
            assert!(read(packed[..length].to_vec()).is_err(), "{length}");
        }
        assert_eq!(read(packed).unwrap(), b"some text");
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
