//! Source objects that are kept as they were delivered: CloudTrail's digests, which prove its log files, and what was
//! pulled from buckets.

use super::manifest::SourceObject;
use super::publish::sha256;
use super::store::{INTERNAL, Store as _};
use super::verify::sources::hash_file;
use super::{Lake, LakeError};
use crate::codec::inflate::Compression;
use std::collections::HashSet;
use std::path::Path;

/// Folder in the lake; in it one folder for each kind.
pub const FOLDER: &str = "evidence";
/// Kind of what was pulled from buckets.
const PULLED: &str = "pulled";

/// Named by its SHA-256, and by how the bytes are compressed.
fn path_of(kind: &str, sha256: &str, head: &[u8]) -> String {
    let json = if kind == PULLED { "" } else { ".json" };
    let suffix = match Compression::of(head) {
        Compression::Gzip => ".gz",
        Compression::Zstd => ".zst",
        Compression::None => "",
    };
    format!("{FOLDER}/{kind}/{sha256}{json}{suffix}")
}

impl Lake {
    /// Stores the bytes of the object with that SHA-256; nothing is visible before it is committed. `None` where they
    /// are not its bytes.
    pub fn keep_evidence(&self, kind: &str, sha256: &str, bytes: &[u8]) -> Result<Option<String>, LakeError> {
        if self::sha256(bytes) != sha256 {
            return Ok(None);
        }
        let path = path_of(kind, sha256, bytes);
        self.store.put_if_absent(&path, bytes)?;
        Ok(Some(path))
    }

    /// Keeps a file of the lake's own disk whose bytes have that SHA-256, under another name. It is not safe from a
    /// power loss before [`Lake::sync`].
    pub fn keep_pulled(&self, sha256: &str, head: &[u8], file: &Path) -> Result<String, LakeError> {
        let path = path_of(PULLED, sha256, head);
        self.store.link_if_absent(&path, file)?;
        Ok(path)
    }

    /// All that was written is on the disk.
    pub fn sync(&self) -> Result<(), LakeError> {
        self.store.sync()
    }

    /// The object's kept bytes are here, and what they were; else what is wrong with them.
    pub(super) fn check_evidence(&self, object: &SourceObject, path: &str) -> Result<Result<(), String>, LakeError> {
        let full = self.root().join(path);
        match hash_file(&full, object.size) {
            Ok(hashed) if hashed.whole == object.sha256 => Ok(Ok(())),
            Ok(_) => Ok(Err(format!("another SHA-256 than that of {}", object.name))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Err("is missing".to_owned())),
            Err(error) => Err(LakeError::io(&full, error)),
        }
    }

    /// Copies another lake's evidence; its manifest may come from anybody, so the name is made anew.
    pub(super) fn take_evidence(&self, other: &Self, object: &SourceObject) -> Result<Option<String>, LakeError> {
        let Some(path) = &object.evidence else {
            return Ok(None);
        };
        let kind = match path.split('/').collect::<Vec<_>>().as_slice() {
            [FOLDER, kind, _] if kind.bytes().all(|b| b.is_ascii_lowercase() || b == b'-') => (*kind).to_owned(),
            _ => return Err(LakeError::Foreign { path: path.clone() }),
        };
        let head = other.store.get_range(path, 0, 8).unwrap_or_default();
        let own = path_of(&kind, &object.sha256, &head);
        let altered = |what: String| LakeError::Altered { path: path.clone(), what };
        other.check_evidence(object, path)?.map_err(altered)?;
        if own != *path {
            return Err(LakeError::Foreign { path: path.clone() });
        }
        // A copy of our own first: what is hashed is what is kept.
        let staged = self.root().join(INTERNAL).join(format!(".tmp-{}-evidence", std::process::id()));
        let take = || {
            std::fs::copy(other.root().join(path), &staged).map_err(|e| LakeError::io(&staged, e))?;
            match hash_file(&staged, object.size) {
                Ok(hashed) if hashed.whole == object.sha256 => self.store.link_if_absent(&own, &staged),
                Ok(_) => Err(altered("was changed while it was read".to_owned())),
                Err(error) => Err(LakeError::io(&staged, error)),
            }
        };
        let taken = take();
        // A leftover is removed by the next writer.
        let _ = std::fs::remove_file(&staged);
        taken?;
        self.sync()?;
        Ok(Some(own))
    }

    /// Evidence that no manifest names.
    pub(super) fn evidence_orphans(&self) -> Result<Vec<String>, LakeError> {
        let named: HashSet<&str> = self.manifest.objects.values().filter_map(|o| o.evidence.as_deref()).collect();
        let mut orphans = Vec::new();
        for kind in self.store.list(FOLDER)? {
            orphans.extend(self.store.list(&kind)?.into_iter().filter(|path| !named.contains(path.as_str())));
        }
        Ok(orphans)
    }
}
