//! A built part becomes a file of the lake, named by its hash.

use super::LakeError;
use super::link_index;
use super::manifest::Part;
use super::part::BuiltPart;
use super::store::Store;
use crate::codec::hex;
use sha2::{Digest as _, Sha256};

/// SHA-256 in lower-case hex.
pub(super) fn sha256(bytes: &[u8]) -> String {
    hex::encode(&Sha256::digest(bytes))
}

/// A part's path in its folder (`table/event_date=…`).
pub(super) fn path_in(folder: &str, sha256: &str) -> String {
    format!("{folder}/part-{}.parquet", &sha256[..16])
}

impl BuiltPart {
    /// Stores the part and its link index; nothing is visible before the part is committed.
    pub(super) fn store(self, store: &dyn Store, folder: &str) -> Result<Part, LakeError> {
        let sha256 = sha256(&self.parquet);
        let path = path_in(folder, &sha256);
        // The same bytes may lie there from a run that was cut off before its commit.
        store.put_if_absent(&path, &self.parquet)?;
        store.put_if_absent(&link_index::path_of(&sha256), &self.links)?;
        Ok(Part {
            path,
            table: self.table,
            rows: self.rows,
            bytes: self.parquet.len() as u64,
            raw_bytes: self.raw_bytes,
            min_time: self.min_time,
            max_time: self.max_time,
            sha256,
            schema: Some(self.schema),
            links: true,
            replaces: Vec::new(),
        })
    }
}
