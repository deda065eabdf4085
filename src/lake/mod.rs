//! The lake: immutable Parquet parts, numbered manifests, and what was imported. Knows no log format.

mod cache;
pub mod columns;
pub mod compact;
pub mod derived;
mod encode;
pub mod evidence;
mod footers;
mod hashing;
pub mod key;
pub mod link_index;
pub mod manifest;
pub mod merge;
pub mod part;
pub mod prune;
mod publish;
pub mod read;
mod rewrite;
pub mod schema;
mod sorted;
pub mod store;
pub mod verify;
pub mod writer;

use crate::model::TimeRange;
use manifest::{Manifest, Part};
use std::path::{Path, PathBuf};
use store::{LocalStore, Store};

/// Why a lake cannot be used, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    #[error("{}: is a file, not a lake; give a directory with --lake", path.display())]
    IsFile { path: PathBuf },
    #[error("{}: no lake here; make one with `logsift import`, or name yours with --lake", path.display())]
    Missing { path: PathBuf },
    #[error("{}: is a directory with other files in it; give an empty or new directory with --lake", path.display())]
    NotALake { path: PathBuf },
    #[error("{}: permission denied; the lake must be yours", path.display())]
    Denied { path: PathBuf },
    #[error("{}: the disk is full; nothing already in the lake is lost. Free some space and run the same command again", path.display())]
    DiskFull { path: PathBuf },
    #[error("{}: cannot be used", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("{path}: damaged manifest; restore the file from a backup of the lake")]
    Manifest { path: String, source: serde_json::Error },
    #[error("{path}: is missing, and later changes are there; restore the file from a backup of the lake")]
    Hole { path: String },
    #[error("{path}: is not what the manifest says ({what}); nothing was changed. See `logsift lake verify`")]
    Altered { path: String, what: String },
    #[error("{path}: a name no lake of logsift has; this lake was altered, and is not read")]
    Foreign { path: String },
    #[error("{path}: was written by a newer logsift (layout {found}, this one reads {known}); use that version")]
    Newer { path: String, found: u32, known: u32 },
    #[error("{path}: cannot write Parquet")]
    Write { path: String, source: parquet::errors::ParquetError },
    #[error("{path}: damaged or unreadable Parquet; import its source again into a new lake")]
    Read { path: String, source: parquet::errors::ParquetError },
    #[error("{path}: unexpected columns")]
    Arrow { path: String, source: arrow::error::ArrowError },
    #[error("another logsift changed the lake meanwhile; run the same command again")]
    Conflict,
    #[error("{}: not a fingerprint key (32 bytes as 64 hex digits expected); give the right --key-file", path.display())]
    BadKey { path: PathBuf },
}

impl LakeError {
    pub(crate) fn io(path: &Path, source: std::io::Error) -> Self {
        let path = path.to_path_buf();
        match source.kind() {
            std::io::ErrorKind::PermissionDenied => Self::Denied { path },
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::DiskFull { path },
            std::io::ErrorKind::NotADirectory => Self::IsFile { path },
            _ => Self::Io { path, source },
        }
    }
}

/// An opened lake: its storage and the newest manifest.
pub struct Lake {
    pub store: LocalStore,
    pub manifest: Manifest,
}

impl Lake {
    /// Opens an existing lake.
    pub fn open(root: &Path) -> Result<Self, LakeError> {
        match std::fs::metadata(root) {
            Ok(meta) if !meta.is_dir() => return Err(LakeError::IsFile { path: root.to_path_buf() }),
            Ok(_) if root.join(store::INTERNAL).is_dir() => {}
            Ok(_) => return Err(LakeError::Missing { path: root.to_path_buf() }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(LakeError::Missing { path: root.to_path_buf() });
            }
            Err(error) => return Err(LakeError::io(root, error)),
        }
        let store = LocalStore::new(root);
        let manifest = Manifest::load(&store)?;
        Ok(Self { store, manifest })
    }

    /// Opens a lake, or makes one in a new or empty directory: 0700, with a `.gitignore` of `*`.
    pub fn create(root: &Path) -> Result<Self, LakeError> {
        match Self::open(root) {
            Err(LakeError::Missing { .. }) => {}
            other => return other,
        }
        let occupied = std::fs::read_dir(root).is_ok_and(|mut entries| entries.next().is_some());
        if occupied && !root.join(store::INTERNAL).is_dir() {
            return Err(LakeError::NotALake { path: root.to_path_buf() });
        }
        let store = LocalStore::new(root);
        store.init()?;
        let manifest = Manifest::load(&store)?;
        Ok(Self { store, manifest })
    }

    /// Reads the newest manifest: after waiting for another writer, for instance.
    pub fn reload(&mut self) -> Result<(), LakeError> {
        self.manifest = Manifest::load(&self.store)?;
        Ok(())
    }

    /// Deletes part files that no manifest names, and half-written ones: left by a run that was cut off, or
    /// replaced by a newer scan or a compaction. Only under the writer lock, and before a command's own changes:
    /// whoever opened the lake before those still finds its files.
    pub fn remove_orphans(&self) -> Result<(), LakeError> {
        self.store.remove_staged()?;
        for path in self.orphans()? {
            self.store.delete(&path)?;
        }
        link_index::remove_orphans(&self.store, &self.manifest)
    }

    /// Part files that no manifest names, and such evidence.
    pub fn orphans(&self) -> Result<Vec<String>, LakeError> {
        let mut orphans = self.evidence_orphans()?;
        for table in self.store.list("")? {
            let table = table.trim_start_matches('/');
            if table.starts_with(['_', '.']) || table == evidence::FOLDER {
                continue;
            }
            let mut files = self.store.list(table)?;
            for day in files.clone() {
                files.extend(self.store.list(&day)?);
            }
            files.retain(|path| path.ends_with(".parquet") && !self.manifest.parts.contains_key(path));
            orphans.append(&mut files);
        }
        Ok(orphans)
    }

    pub fn root(&self) -> &Path {
        self.store.root()
    }

    /// Parts of a table that may hold events inside the range; parts without times always may.
    pub fn parts(&self, table: &str, range: TimeRange) -> impl Iterator<Item = &Part> {
        self.manifest.parts.values().filter(move |part| part.table == table && part.may_touch(range))
    }

    /// Names of the tables that hold log events, rejects included, sorted.
    pub fn tables(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.manifest.parts.values().map(|part| part.table.as_str()).collect();
        names.retain(|name| !schema::DERIVED.contains(name) && !schema::STITCHED.contains(name));
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Path of a part on the local disk.
    pub fn path_of(&self, part: &Part) -> PathBuf {
        self.root().join(&part.path)
    }

    /// Every part, every table.
    pub fn all_parts(&self) -> impl Iterator<Item = &Part> {
        self.manifest.parts.values()
    }

    /// Publishes a change: the lake is the old one until this returns, then the new one.
    pub fn commit(&mut self, change: manifest::Change) -> Result<(), LakeError> {
        self.manifest.commit(&self.store, change)
    }

    /// Reads a small object of the lake.
    pub fn get(&self, path: &str) -> Result<Option<Vec<u8>>, LakeError> {
        self.store.get(path)
    }
}
