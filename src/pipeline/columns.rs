//! Events → the columns of parts in memory, and no further: what parsing costs without identities, encoding and
//! writing. For benches.

use super::PipelineError;
use super::block::{Event, Sink, parse_block};
use super::identity;
use super::input::Input;
use super::object_job::{ObjectJob, Sequencer};
use crate::formats::Options;
use crate::lake::part::{PartBuilder, RowMeta};
use crate::lake::schema;
use crate::model::{Field, Micros, Row, Tally};
use std::io::BufRead;
use std::sync::{Arc, PoisonError};

/// Raw bytes in one builder at most, as many as in a part of an import.
const PART_RAW: usize = 32 * 1024 * 1024;

/// Reads decompressed bytes to their end on this thread; the columns are dropped as soon as they make a part.
pub fn columns(input: Box<dyn BufRead + Send>, options: &Options) -> Result<Tally, PipelineError> {
    let job = Arc::new(ObjectJob { name: "-".to_owned(), ..ObjectJob::default() });
    let mut sink = ColumnSink::default();
    let mut sequencer = Sequencer::new(Arc::clone(&job), Input::stream(input), options, None);
    while let Some(block) = sequencer.next_block() {
        parse_block(block, options, None, &mut sink)?;
    }
    Ok(job.tally.lock().unwrap_or_else(PoisonError::into_inner).clone())
}

/// Builders by table and day, the one pushed to last first.
#[derive(Default)]
struct ColumnSink {
    open: Vec<(&'static str, Option<i64>, PartBuilder)>,
    place: String,
}

impl ColumnSink {
    fn push(&mut self, table: &'static str, native: &[Field], row: &Row<'_>, meta: &RowMeta<'_>) {
        let event_id = identity::place_text("", meta.record, meta.segment, &mut self.place);
        let day = row.time().map(Micros::day);
        let at = self.open.iter().position(|open| open.1 == day && open.0 == table).unwrap_or_else(|| {
            self.open.push((table, day, PartBuilder::new(table, native)));
            self.open.len() - 1
        });
        self.open.swap(0, at);
        let builder = &mut self.open[0].2;
        builder.push(row, &RowMeta { event_id, ..*meta });
        if builder.raw_size() >= PART_RAW {
            self.open.swap_remove(0);
        }
    }
}

impl Sink for ColumnSink {
    fn event(&mut self, _job: &ObjectJob, event: &Event<'_, '_>) -> Result<bool, PipelineError> {
        self.push(event.format.id(), event.format.fields(), event.row, event.meta);
        Ok(true)
    }

    fn reject(&mut self, _job: &ObjectJob, row: &Row<'_>, meta: &RowMeta<'_>) -> Result<bool, PipelineError> {
        self.push(schema::REJECTS, &schema::REJECT_FIELDS, row, meta);
        Ok(true)
    }
}
