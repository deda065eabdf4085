//! Events → the columns of parts in memory, and no further: what parsing costs without identities, encoding and
//! writing. For benches and fuzz targets.

use super::PipelineError;
use super::block::{Event, Sink, parse_block};
use super::identity;
use super::input::Input;
use super::object_job::{ObjectJob, Sequencer};
use crate::formats::{LogFormat, Options};
use crate::lake::part::{PartBuilder, RowMeta};
use crate::lake::schema;
use crate::lake::writer::OpenParts;
use crate::model::{Field, Row, Tally};
use std::io::BufRead;
use std::sync::{Arc, PoisonError};

/// Reads decompressed bytes to their end on this thread and gives the columns of each part.
pub fn build_parts(
    input: Box<dyn BufRead + Send>,
    options: &Options,
    format: Option<&'static dyn LogFormat>,
    give: &mut dyn FnMut(PartBuilder),
) -> Result<Tally, PipelineError> {
    let job = Arc::new(ObjectJob { name: "-".to_owned(), ..ObjectJob::default() });
    let mut sink = ColumnSink { open: OpenParts::default(), place: String::new(), give };
    let input = Input::plain(input);
    let mut sequencer = Sequencer::new(Arc::clone(&job), input, options, format);
    while let Some(block) = sequencer.next_block() {
        parse_block(block, options, format, &mut sink)?;
    }
    sink.open.finish().for_each(|full| (sink.give)(full.builder));
    Ok(job.tally.lock().unwrap_or_else(PoisonError::into_inner).clone())
}

struct ColumnSink<'a> {
    open: OpenParts,
    place: String,
    give: &'a mut dyn FnMut(PartBuilder),
}

impl ColumnSink<'_> {
    fn push(&mut self, table: &str, native: &[Field], row: &Row<'_>, meta: &RowMeta<'_>) {
        let event_id = identity::place_text("", meta.record, meta.segment, &mut self.place);
        if let Some(full) = self.open.push(table, native, row, &RowMeta { event_id, ..*meta }) {
            (self.give)(full.builder);
        }
    }
}

impl Sink for ColumnSink<'_> {
    fn event(&mut self, _job: &ObjectJob, event: &Event<'_, '_>) -> Result<bool, PipelineError> {
        self.push(event.format.id(), event.format.fields(), event.row, event.meta);
        Ok(true)
    }

    fn reject(&mut self, _job: &ObjectJob, row: &Row<'_>, meta: &RowMeta<'_>) -> Result<bool, PipelineError> {
        self.push(schema::REJECTS, &schema::REJECT_FIELDS, row, meta);
        Ok(true)
    }
}
