//! Files under the given paths, in a fixed order.

use super::SourceError;
use std::path::{Path, PathBuf};

/// A file to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    pub path: PathBuf,
    /// Size in bytes, as stored.
    pub size: u64,
}

/// Every regular file under `paths`, sorted by path; hidden ones too, for evidence hides there.
/// Links inside a directory are not followed. The lake `skip` is left out; another lake met on the way is an
/// error, for it is scanned by `--lake`. Errors do not end the walk.
pub fn walk(paths: &[PathBuf], skip: &Path) -> (Vec<SourceFile>, Vec<SourceError>) {
    let mut files = Vec::new();
    let mut errors = Vec::new();
    let skip = skip.canonicalize().ok();
    for root in paths {
        let mut entries = walkdir::WalkDir::new(root).sort_by_file_name().into_iter();
        while let Some(entry) = entries.next() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    errors.push(walk_error(root, error));
                    continue;
                }
            };
            if entry.file_type().is_dir() {
                let own = skip.is_some() && entry.path().canonicalize().ok() == skip;
                let lake = entry.path().join("_logsift").join("manifest").is_dir();
                if lake && (!own || entry.depth() == 0) {
                    errors.push(SourceError::Lake { path: entry.path().to_path_buf() });
                    entries.skip_current_dir();
                } else if own {
                    entries.skip_current_dir();
                }
                continue;
            }
            if entry.depth() > 0 && entry.path_is_symlink() {
                continue;
            }
            match std::fs::metadata(entry.path()) {
                Ok(meta) if meta.is_file() => {
                    files.push(SourceFile { path: entry.path().to_path_buf(), size: meta.len() });
                }
                Ok(_) if entry.depth() == 0 => {
                    errors.push(SourceError::NotAFile { path: entry.path().to_path_buf() });
                }
                Ok(_) => {}
                Err(error) => errors.push(SourceError::open(entry.path(), error)),
            }
        }
    }
    (files, errors)
}

fn walk_error(root: &Path, error: walkdir::Error) -> SourceError {
    let path = error.path().unwrap_or(root).to_path_buf();
    match error.io_error().map(std::io::Error::kind) {
        Some(std::io::ErrorKind::NotFound) => SourceError::Missing { path },
        Some(std::io::ErrorKind::PermissionDenied) => SourceError::Denied { path },
        _ => SourceError::Walk { path, source: error },
    }
}
