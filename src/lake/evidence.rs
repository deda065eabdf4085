//! Source objects that are kept as they were delivered: CloudTrail's digests, which prove its log files.

use super::manifest::SourceObject;
use super::publish::sha256;
use super::store::Store as _;
use super::{Lake, LakeError};
use crate::codec::inflate::Compression;
use std::collections::HashSet;

/// Folder in the lake; in it one folder for each kind.
pub const FOLDER: &str = "evidence";

/// Named by its SHA-256, and by how the bytes are compressed.
fn path_of(kind: &str, sha256: &str, bytes: &[u8]) -> String {
    let suffix = match Compression::of(bytes) {
        Compression::Gzip => ".json.gz",
        Compression::Zstd => ".json.zst",
        Compression::None => ".json",
    };
    format!("{FOLDER}/{kind}/{sha256}{suffix}")
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

    /// The object's kept bytes are here, and what they were; else what is wrong with them.
    pub(super) fn check_evidence(
        &self,
        object: &SourceObject,
        path: &str,
    ) -> Result<Result<Vec<u8>, String>, LakeError> {
        let Some(bytes) = self.get(path)? else {
            return Ok(Err("is missing".to_owned()));
        };
        let found = sha256(&bytes);
        Ok(if found == object.sha256 {
            Ok(bytes)
        } else {
            Err(format!("another SHA-256 than that of {}", object.name))
        })
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
        let altered = |what: String| LakeError::Altered { path: path.clone(), what };
        let bytes = other.check_evidence(object, path)?.map_err(altered)?;
        if path_of(&kind, &object.sha256, &bytes) != *path {
            return Err(LakeError::Foreign { path: path.clone() });
        }
        self.keep_evidence(&kind, &object.sha256, &bytes)
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
