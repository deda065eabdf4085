//! Objects that prove something of others are kept in the lake as they were delivered.

use super::{Incoming, ObjectError, Run};
use crate::formats;
use crate::pipeline::PipelineError;
use crate::source::SourceError;
use crate::source::object::Object;
use bstr::ByteSlice as _;
use std::io::Read as _;

/// Evidence is small: a digest names the files of an hour.
const MOST: usize = 64 * 1024 * 1024;

impl Run<'_> {
    /// Keeps the object's bytes if it begins as evidence does; where in the lake they are.
    pub(super) fn evidence(&self, object: &Object, sha256: &str, head: &[u8]) -> Result<Option<String>, ObjectError> {
        let Some(kind) = formats::evidence(&head.to_str_lossy()) else {
            return Ok(None);
        };
        let refused = |why: String| SourceError::Member { object: object.name.clone(), why };
        let Some(bytes) = object.stored(MOST)? else {
            let why = format!("begins as a {kind} and has more than {MOST} bytes, which none has; it was not kept");
            return Err(refused(why).into());
        };
        match self.lake.keep_evidence(kind, sha256, &bytes).map_err(PipelineError::from)? {
            Some(path) => Ok(Some(path)),
            None => Err(refused("was changed while it was read".to_owned()).into()),
        }
    }

    /// Keeps a pulled file as it was delivered; where in the lake.
    pub(super) fn original(&self, object: &Object, incoming: &Incoming, sha256: &str) -> Result<String, ObjectError> {
        let mut head = Vec::new();
        let opened = std::fs::File::open(&incoming.file.path).and_then(|file| file.take(8).read_to_end(&mut head));
        opened.map_err(|source| SourceError::Spool { object: object.name.clone(), source })?;
        Ok(self.lake.keep_pulled(sha256, &head, &incoming.file.path).map_err(PipelineError::from)?)
    }
}
