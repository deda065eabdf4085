//! Archives on their way into the lake: each member is an object, and the archive has a custody record too.

use super::{Finished, Incoming, ObjectError, Read, Run};
use crate::model::Tally;
use crate::pipeline::PipelineError;
use crate::pipeline::block::Block;
use crate::pipeline::lake_sink::LakeSink;
use crate::pipeline::left::Left;
use crate::pipeline::object_job::ObjectJob;
use crate::source::archive::{Archive, Entry};
use crate::source::object::Object;
use crossbeam_channel::Sender;
use std::sync::{Arc, Mutex};

impl Run<'_> {
    /// Imports every member. `outer` is the SHA-256 of the archive file that this archive lies in, if it does.
    pub(super) fn archive(
        &self,
        object: &Object,
        sha256: String,
        (outer, inside): (Option<String>, Archive),
        incoming: &Incoming,
        send: &Sender<Block>,
        sink: &mut LakeSink<'_>,
    ) -> Result<Read, ObjectError> {
        let mut tally = Tally::default();
        let mut left = Left::default();
        let mut members = 0;
        let mut unread = 0;
        inside.each(&mut |entry| {
            if self.progress.cancelled() {
                return Err(PipelineError::Interrupted);
            }
            let result = match entry {
                Ok(Entry::Object(member)) => {
                    self.object(member, Some(outer.as_ref().unwrap_or(&sha256)), incoming, send, sink)
                }
                Ok(Entry::Left { name, what }) => {
                    left.count(&name, what, &mut tally);
                    return Ok(());
                }
                Err(error) => Err(error.into()),
            };
            match result {
                Ok(read) => {
                    members += read.members;
                    unread += u64::from(!read.whole);
                }
                Err(ObjectError::Source(error)) => {
                    unread += 1;
                    self.done().errors.push(error);
                }
                Err(ObjectError::Run(error)) => return Err(error),
            }
            Ok(())
        })?;
        self.done().notes.extend(left.into_notes());
        let incomplete = (unread > 0).then(|| format!("{unread} of its members could not be read, or not to the end"));
        let whole = incomplete.is_none();
        let known = self.lake.manifest.objects.contains_key(&sha256);
        let job = ObjectJob { name: object.name.clone(), sha256, tally: Mutex::new(tally), ..ObjectJob::default() };
        let finished = Finished {
            job: Arc::new(job),
            size: object.size,
            incomplete,
            etag: incoming.etag.clone().filter(|_| outer.is_none()),
            archive: outer,
            members: Some(members),
            ..Finished::default()
        };
        // The record of the first time stays.
        if !known {
            self.finish(finished);
        }
        Ok(Read { members, whole })
    }
}
