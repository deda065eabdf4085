//! Objects that prove something of others are kept in the lake as they were delivered.

use super::{ObjectError, Run};
use crate::formats;
use crate::pipeline::PipelineError;
use crate::source::SourceError;
use crate::source::object::Object;
use bstr::ByteSlice as _;

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
}
