//! An object's records, wherever they come from: cut out of its bytes, or the rows of a Parquet file.

use crate::source::SourceError;
use crate::source::framing::{Frame, Framer, Framing};
use crate::source::object::Content;
use crate::source::parquet_rows::ParquetRows;
use std::io::BufRead;

/// Opened, with the first bytes looked at.
pub enum Input {
    Framed(Box<Framer>),
    Rows { rows: Box<ParquetRows>, error: Option<SourceError> },
}

impl Input {
    /// The records of bytes that are neither compressed nor an archive.
    pub fn plain(bytes: Box<dyn BufRead + Send>) -> Self {
        Self::Framed(Box::new(Framer::new(bytes)))
    }

    /// The records of the object of that name.
    pub fn new(name: &str, content: Content) -> Result<Self, SourceError> {
        Ok(match content {
            Content::Bytes(bytes) => Self::plain(bytes),
            Content::Parquet(whole) => Self::Rows { rows: Box::new(ParquetRows::open(name, whole)?), error: None },
        })
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

    /// Its first bytes; none of a Parquet file.
    pub fn head(&self) -> &[u8] {
        match self {
            Self::Framed(framer) => framer.head(),
            Self::Rows { .. } => &[],
        }
    }

    /// Whether its first bytes hold a NUL: no log does.
    pub fn is_binary(&self) -> bool {
        memchr::memchr(0, self.head()).is_some()
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
