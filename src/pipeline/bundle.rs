//! A zip of files to hand over, with the SHA-256 of each in `SHA256SUMS`, as `sha256sum -c` reads it.

use crate::codec::deflate::deflating;
use rawzip::{CompressionMethod, ZipArchiveWriter};
use sha2::{Digest as _, Sha256};
use std::io::{self, Write};

/// Takes files one after another and writes them compressed as they come.
pub struct Bundle<W: Write> {
    archive: ZipArchiveWriter<W>,
    sums: String,
}

/// Hashes what goes through.
struct Hashed<'a, W: Write> {
    out: &'a mut W,
    hash: Sha256,
}

impl<W: Write> Write for Hashed<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl<W: Write> Bundle<W> {
    pub fn new(out: W) -> Self {
        Self { archive: ZipArchiveWriter::new(out), sums: String::new() }
    }

    /// Adds a file; `write` gives its bytes.
    ///
    /// # Errors
    /// What the output or `write` says; the bundle is of no use then.
    pub fn add<E: From<io::Error>>(
        &mut self,
        name: &str,
        write: impl FnOnce(&mut dyn Write) -> Result<(), E>,
    ) -> Result<(), E> {
        let sum = self.put(name, write)?;
        self.sums.push_str(&format!("{sum}  {name}\n"));
        Ok(())
    }

    /// Adds the list of checksums and closes the zip.
    ///
    /// # Errors
    /// What the output says.
    pub fn finish(mut self) -> io::Result<()> {
        let sums = std::mem::take(&mut self.sums);
        self.put("SHA256SUMS", |out| out.write_all(sums.as_bytes()))?;
        self.archive.finish().map_err(io::Error::other)?.flush()
    }

    fn put<E: From<io::Error>>(
        &mut self,
        name: &str,
        write: impl FnOnce(&mut dyn Write) -> Result<(), E>,
    ) -> Result<String, E> {
        let file = self.archive.new_file(name).compression_method(CompressionMethod::DEFLATE).unix_permissions(0o600);
        let (mut entry, config) = file.start().map_err(io::Error::other)?;
        let mut out = config.wrap(deflating(&mut entry));
        let mut hashed = Hashed { out: &mut out, hash: Sha256::new() };
        write(&mut hashed)?;
        let sum: String = hashed.hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let (encoder, descriptor) = out.finish().map_err(io::Error::other)?;
        encoder.finish()?;
        entry.finish(descriptor).map_err(io::Error::other)?;
        Ok(sum)
    }
}
