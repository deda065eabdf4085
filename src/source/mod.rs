//! Places → records: walk, decompress, frame, unwrap transports. Knows no log format.

pub mod archive;
pub mod framing;
pub mod object;
pub mod parquet_rows;
pub mod s3_key;
pub mod transport;
pub mod walk;
pub mod whole;

use std::path::PathBuf;

/// What could not be read, where, and what to do. The import of everything else goes on.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error("{}: no such file or directory; check the path", path.display())]
    Missing { path: PathBuf },
    #[error("{}: permission denied; run as a user who may read it, or change its mode", path.display())]
    Denied { path: PathBuf },
    #[error("{}: is a pipe or a device; give - and lead it to standard input", path.display())]
    NotAFile { path: PathBuf },
    #[error("{}: is a logsift lake and was left out; work on it with --lake", path.display())]
    Lake { path: PathBuf },
    #[error("{object}: {why}; it was not read")]
    Member { object: String, why: String },
    #[error(
        "{object}: the archive ends early or is damaged ({why}); members before that were read, others may be \
         missing. Fetch it again and import it anew"
    )]
    Archive { object: String, why: String },
    #[error("{object}: is an archive in an archive in an archive in an archive; unpack it and give its files")]
    TooDeep { object: String },
    #[error("{object}: cannot be kept in a temporary file while it is read")]
    Spool { object: String, source: std::io::Error },
    #[error("{}: cannot be opened", path.display())]
    Open { path: PathBuf, source: std::io::Error },
    #[error("{}: cannot be listed", path.display())]
    Walk { path: PathBuf, source: walkdir::Error },
    #[error(
        "{object}: the data ends early or is damaged at byte {offset} after decompression; \
         everything before it was read. Fetch the object again and import it anew"
    )]
    Broken { object: String, offset: u64, source: std::io::Error },
    #[error(
        "{object}: the Parquet data is damaged or cut short after row {row}; every row before was read. \
         Fetch the object again and import it anew"
    )]
    Parquet { object: String, row: u64, source: Box<parquet::errors::ParquetError> },
    #[error(
        "{object}: Parquet compressed with {codec}, which logsift cannot read; write it again with gzip, snappy or zstd"
    )]
    ParquetCodec { object: String, codec: &'static str },
}

impl SourceError {
    pub(crate) fn open(path: &std::path::Path, source: std::io::Error) -> Self {
        let path = path.to_path_buf();
        match source.kind() {
            std::io::ErrorKind::NotFound => Self::Missing { path },
            std::io::ErrorKind::PermissionDenied => Self::Denied { path },
            _ => Self::Open { path, source },
        }
    }
}
