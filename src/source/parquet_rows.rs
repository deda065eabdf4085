//! Rows of a Parquet file as JSON texts: one record a row, as formats read them elsewhere.

mod value;

use super::SourceError;
use arrow::array::RecordBatch;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// Whether a file that begins so is Parquet.
pub fn is_parquet(head: &[u8]) -> bool {
    head.starts_with(b"PAR1")
}

/// Decoded bytes aimed at per batch; dictionaries make the estimate a low one.
const BATCH_BYTES: usize = 8 * 1024 * 1024;
const BATCH_ROWS: usize = 512;

/// The rows of one file, in order; memory is bounded by batches.
pub struct ParquetRows {
    path: PathBuf,
    /// `None` once an error came.
    reader: Option<ParquetRecordBatchReader>,
    batch: Option<RecordBatch>,
    /// Row within the batch that comes next.
    at: usize,
    row: u64,
    total: u64,
    /// After an error within a batch its rows are read one by one, up to the damaged one.
    one_by_one: bool,
    text: String,
}

impl ParquetRows {
    /// Reads the schema; the rows come with [`Self::next_row`].
    pub fn open(path: &Path) -> Result<Self, SourceError> {
        let builder = builder(path)?;
        check_codecs(path, builder.metadata())?;
        let rows = batch_rows(builder.metadata());
        let total = u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or_default();
        let reader = guarded(|| builder.with_batch_size(rows).build()).map_err(|e| broken(path, 0, e))?;
        Ok(Self {
            path: path.to_owned(),
            reader: Some(reader),
            batch: None,
            at: 0,
            row: 0,
            total,
            one_by_one: false,
            text: String::new(),
        })
    }

    /// Rows in the file, by its own count.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Number of the row handed out last, from 1; 0 before the first.
    pub fn row(&self) -> u64 {
        self.row
    }

    /// The next row as a JSON object, cells without a value left out. An error comes after every row that can be
    /// read before the damage, and is the last item.
    pub fn next_row(&mut self) -> Option<Result<&str, SourceError>> {
        while self.batch.as_ref().is_none_or(|batch| self.at >= batch.num_rows()) {
            match self.next_batch()? {
                Ok(batch) => (self.batch, self.at) = (Some(batch), 0),
                Err(error) => return Some(Err(error)),
            }
        }
        let batch = self.batch.as_ref()?;
        self.text.clear();
        let written = value::write_row(&mut self.text, batch, self.at);
        self.at += 1;
        self.row += 1;
        if let Err(error) = written {
            (self.reader, self.batch) = (None, None);
            return Some(Err(broken(&self.path, self.row - 1, error.into())));
        }
        Some(Ok(&self.text))
    }

    fn next_batch(&mut self) -> Option<Result<RecordBatch, SourceError>> {
        loop {
            let reader = self.reader.as_mut()?;
            let error = match guarded(|| reader.next().transpose().map_err(ParquetError::from)) {
                Ok(Some(batch)) => return Some(Ok(batch)),
                Ok(None) if self.row < self.total => ParquetError::EOF("fewer rows than the file counts".to_owned()),
                Ok(None) => return None,
                Err(error) => error,
            };
            self.reader = None;
            if self.one_by_one {
                return Some(Err(broken(&self.path, self.row, error)));
            }
            self.one_by_one = true;
            match self.again() {
                Ok(reader) => self.reader = Some(reader),
                Err(error) => return Some(Err(error)),
            }
        }
    }

    /// A reader that goes on after the rows handed out, one row a batch.
    fn again(&self) -> Result<ParquetRecordBatchReader, SourceError> {
        let done = usize::try_from(self.row).unwrap_or(usize::MAX);
        let builder = builder(&self.path)?.with_batch_size(1).with_offset(done);
        guarded(|| builder.build()).map_err(|e| broken(&self.path, self.row, e))
    }
}

fn builder(path: &Path) -> Result<ParquetRecordBatchReaderBuilder<File>, SourceError> {
    let file = File::open(path).map_err(|e| SourceError::open(path, e))?;
    // An Arrow schema beside the Parquet one would only bring more types.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    guarded(|| ParquetRecordBatchReaderBuilder::try_new_with_options(file, options)).map_err(|e| broken(path, 0, e))
}

/// Decoders may panic on damaged data; one bad file must not end the run.
fn guarded<T>(read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ParquetError> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err(ParquetError::General("cannot be decoded".to_owned())))
}

fn check_codecs(path: &Path, metadata: &ParquetMetaData) -> Result<(), SourceError> {
    let mut columns = metadata.row_groups().iter().flat_map(|group| group.columns());
    let foreign = columns.find_map(|column| match column.compression() {
        Compression::UNCOMPRESSED | Compression::SNAPPY | Compression::GZIP(_) | Compression::ZSTD(_) => None,
        Compression::LZO => Some("LZO"),
        Compression::BROTLI(_) => Some("Brotli"),
        Compression::LZ4 | Compression::LZ4_RAW => Some("LZ4"),
    });
    foreign.map_or(Ok(()), |codec| Err(SourceError::ParquetCodec { path: path.to_owned(), codec }))
}

/// Rows per batch, fewer where rows are large.
fn batch_rows(metadata: &ParquetMetaData) -> usize {
    let widest = metadata.row_groups().iter().map(|group| group.total_byte_size() / group.num_rows().max(1)).max();
    let row = usize::try_from(widest.unwrap_or_default()).unwrap_or_default().max(1);
    (BATCH_BYTES / row).clamp(1, BATCH_ROWS)
}

fn broken(path: &Path, row: u64, source: ParquetError) -> SourceError {
    SourceError::Parquet { path: path.to_owned(), row, source: Box::new(source) }
}

#[cfg(test)]
mod tests;
