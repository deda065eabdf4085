//! Events and rejects into the lake: identified, and left out where they are there already.

use super::PipelineError;
use super::block::{Event, Sink};
use super::identity::{self, Id};
use super::known::Known;
use super::object_job::ObjectJob;
use crate::lake::manifest::Part;
use crate::lake::part::RowMeta;
use crate::lake::writer::LakeWriter;
use crate::lake::{Lake, schema};
use crate::model::Row;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};

/// One worker's way into the lake.
pub(super) struct LakeSink<'a> {
    lake: &'a Lake,
    known: &'a Mutex<Known>,
    writer: LakeWriter<'a>,
    /// The text of a place, kept for its memory.
    place: String,
}

impl<'a> LakeSink<'a> {
    pub fn new(lake: &'a Lake, known: &'a Mutex<Known>) -> Self {
        Self { lake, known, writer: LakeWriter::new(&lake.store), place: String::new() }
    }

    /// The parts, stored and not yet committed.
    pub fn finish(self) -> Result<Vec<Part>, PipelineError> {
        Ok(self.writer.finish()?)
    }

    /// The event's identity where another object may hold the same event, and whether it is new.
    fn identify(&self, job: &ObjectJob, event: &Event<'_, '_>) -> Result<Option<(Id, bool)>, PipelineError> {
        let aws_id = event.format.aws_id(event.row).map(|aws_id| identity::by_aws_id(event.format.id(), &aws_id));
        let base = match aws_id {
            Some(_) => None,
            None => self.cloudwatch_base(job, event),
        };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let event_id = event.record.envelope.and_then(|envelope| envelope.event_id.as_deref());
        let Some(id) = aws_id.or_else(|| base.map(|base| known.next_of(job.view, base, event_id))) else {
            return Ok(None);
        };
        Ok(Some((id, known.is_new(self.lake, event.format.id(), event.row.time(), id)?)))
    }

    fn cloudwatch_base(&self, job: &ObjectJob, event: &Event<'_, '_>) -> Option<Id> {
        let envelope = event.record.envelope?;
        let time = envelope.time?;
        let raw = event.meta.raw_bytes.unwrap_or(event.meta.raw.as_bytes());
        let base = identity::cloudwatch_base(&job.origin, envelope, time, raw);
        if base.is_none() {
            job.ungrouped.store(true, Ordering::Relaxed);
        }
        base
    }

    /// Whether the record is not among those of the object that this one carries on.
    fn goes_on(&self, job: &ObjectJob, meta: &RowMeta<'_>) -> Result<bool, PipelineError> {
        let Some(before) = &job.resumes else {
            return Ok(true);
        };
        let raw = meta.raw_bytes.unwrap_or(meta.raw.as_bytes());
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.load_object(self.lake, before)?;
        Ok(known.insert_place(identity::content_at(meta.record, meta.segment.unwrap_or(0), raw)))
    }
}

impl Sink for LakeSink<'_> {
    fn event(&mut self, job: &ObjectJob, event: &Event<'_, '_>) -> Result<bool, PipelineError> {
        let format = event.format;
        let hex;
        let event_id = match self.identify(job, event)? {
            Some((_, false)) => return Ok(false),
            Some((id, true)) => {
                hex = identity::hex(&id);
                identity::text(&hex)
            }
            None if !self.goes_on(job, event.meta)? => return Ok(false),
            None => identity::place_text(&job.sha256, event.meta.record, event.meta.segment, &mut self.place),
        };
        let meta = RowMeta { event_id, ..*event.meta };
        self.writer.push(format.id(), format.fields(), event.row, &meta)?;
        Ok(true)
    }

    fn reject(&mut self, job: &ObjectJob, row: &Row<'_>, meta: &RowMeta<'_>) -> Result<bool, PipelineError> {
        if !self.goes_on(job, meta)? {
            return Ok(false);
        }
        let event_id = identity::place_text(&job.sha256, meta.record, meta.segment, &mut self.place);
        let meta = RowMeta { event_id, ..*meta };
        self.writer.push(schema::REJECTS, &schema::REJECT_FIELDS, row, &meta)?;
        Ok(true)
    }
}
