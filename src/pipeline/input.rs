//! An object's records, wherever they come from: cut out of its bytes, or the rows of a Parquet file.

use crate::source::framing::{Frame, Framer, Framing};
use crate::source::parquet_rows::{ParquetRows, is_parquet};
use crate::source::walk::SourceFile;
use crate::source::{SourceError, object};
use std::fs::File;
use std::io::{BufRead, Read as _};

/// A zip file begins with its first member's header.
const ZIP: [u8; 4] = *b"PK\x03\x04";
/// Where a tar file has its magic, and which.
const TAR: (usize, &[u8]) = (257, b"ustar");

/// Opened, with the first bytes looked at.
pub enum Input {
    Framed(Box<Framer>),
    Rows { rows: Box<ParquetRows>, error: Option<SourceError> },
}

impl Input {
    pub fn open(file: &SourceFile) -> Result<Self, SourceError> {
        let mut head = [0; 4];
        let mut opened = File::open(&file.path).map_err(|e| SourceError::open(&file.path, e))?;
        if opened.read_exact(&mut head).is_ok() && is_parquet(&head) {
            return Ok(Self::Rows { rows: Box::new(ParquetRows::open(&file.path)?), error: None });
        }
        let framer = Framer::new(object::open(file)?);
        if head == ZIP || framer.head().get(TAR.0..TAR.0 + TAR.1.len()) == Some(TAR.1) {
            return Err(SourceError::Archive { path: file.path.clone() });
        }
        Ok(Self::Framed(Box::new(framer)))
    }

    pub fn stream(reader: Box<dyn BufRead + Send>) -> Self {
        Self::Framed(Box::new(Framer::new(reader)))
    }

    /// The framing of the object as a whole.
    pub fn framing(&self) -> Framing {
        match self {
            Self::Framed(framer) => framer.framing(),
            Self::Rows { .. } => Framing::JsonValues,
        }
    }

    /// Whether its records are the rows of a Parquet file.
    pub fn is_rows(&self) -> bool {
        matches!(self, Self::Rows { .. })
    }

    /// Whether its first bytes hold a NUL: no log does.
    pub fn is_binary(&self) -> bool {
        match self {
            Self::Framed(framer) => memchr::memchr(0, framer.head()).is_some(),
            Self::Rows { .. } => false,
        }
    }

    /// The next record; `None` at the end. Of a Parquet row the offset is its number, from 0.
    pub fn next_frame(&mut self) -> Option<Frame<'_>> {
        match self {
            Self::Framed(framer) => framer.next_frame(),
            Self::Rows { rows, error } => {
                let offset = rows.row();
                match rows.next_row()? {
                    Ok(text) => Some(Frame {
                        bytes: text.as_bytes(),
                        offset,
                        segment: None,
                        truncated: false,
                        framing: Framing::JsonValues,
                        context: None,
                    }),
                    Err(broken) => {
                        *error = Some(broken);
                        None
                    }
                }
            }
        }
    }

    /// After the last record: why the object ended early, if it did.
    pub fn take_error(self, name: &str) -> Option<SourceError> {
        match self {
            Self::Framed(mut framer) => {
                let source = framer.take_error()?;
                Some(SourceError::Broken { object: name.to_owned(), offset: framer.offset(), source })
            }
            Self::Rows { error, .. } => error,
        }
    }
}
