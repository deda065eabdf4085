//! Where a record lies, so that anybody can find it again.

use std::fmt;
use std::sync::Arc;

/// Place of a record: object, member of an archive, record number and byte span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provenance {
    /// Path or URI of the source object, as given.
    pub object: Arc<str>,
    /// Record number in the object, from 1.
    pub record: u64,
    /// Byte offset of the record's first byte in the decompressed object.
    pub offset: u64,
}

impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: record {}, byte {}", self.object, self.record, self.offset)
    }
}
