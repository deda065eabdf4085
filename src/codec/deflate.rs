//! Compression of what goes out.

use std::io::Write;

/// A raw deflate stream, as zip has it; `finish` must be called at its end.
pub fn deflating<W: Write>(out: W) -> flate2::write::DeflateEncoder<W> {
    flate2::write::DeflateEncoder::new(out, flate2::Compression::default())
}
