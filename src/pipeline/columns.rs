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
use crate::model::{Field, Micros, Row, Tally};
use crate::source::framing::Framer;
use std::io::BufRead;
use std::sync::{Arc, PoisonError};

/// Raw bytes in one builder at most, as many as in a part of an import.
const PART_RAW: usize = 32 * 1024 * 1024;

/// Reads decompressed bytes to their end on this thread and gives the columns of each part.
pub fn columns(
    input: Box<dyn BufRead + Send>,
    options: &Options,
    format: Option<&'static dyn LogFormat>,
    give: &mut dyn FnMut(PartBuilder),
) -> Result<Tally, PipelineError> {
    let job = Arc::new(ObjectJob { name: "-".to_owned(), ..ObjectJob::default() });
    let mut sink = ColumnSink { open: Vec::new(), place: String::new(), give };
    let input = Input::Framed(Box::new(Framer::new(input)));
    let mut sequencer = Sequencer::new(Arc::clone(&job), input, options, format);
    while let Some(block) = sequencer.next_block() {
        parse_block(block, options, format, &mut sink)?;
    }
    sink.open.into_iter().for_each(|open| (sink.give)(open.builder));
    Ok(job.tally.lock().unwrap_or_else(PoisonError::into_inner).clone())
}

struct Open {
    table: &'static str,
    day: Option<i64>,
    builder: PartBuilder,
}

struct ColumnSink<'a> {
    /// The one pushed to last comes first.
    open: Vec<Open>,
    place: String,
    give: &'a mut dyn FnMut(PartBuilder),
}

impl ColumnSink<'_> {
    fn push(&mut self, table: &'static str, native: &[Field], row: &Row<'_>, meta: &RowMeta<'_>) {
        let event_id = identity::place_text("", meta.record, meta.segment, &mut self.place);
        let day = row.time().map(Micros::day);
        let at = self.open.iter().position(|open| open.day == day && open.table == table).unwrap_or_else(|| {
            self.open.push(Open { table, day, builder: PartBuilder::new(table, native) });
            self.open.len() - 1
        });
        self.open.swap(0, at);
        let builder = &mut self.open[0].builder;
        builder.push(row, &RowMeta { event_id, ..*meta });
        if builder.raw_size() >= PART_RAW {
            (self.give)(self.open.swap_remove(0).builder);
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
