//! Files → events as text, without a lake.

use super::PipelineError;
use super::block::{Event, Sink, parse_block};
use super::event_json;
use super::input::Input;
use super::left::Left;
use super::object_job::{ObjectJob, Sequencer};
use super::progress::Progress;
use crate::formats::{LogFormat, Options};
use crate::lake::part::RowMeta;
use crate::model::{Origin, Row, Tally};
use crate::source::archive::{Found, unpack};
use crate::source::object::Object;
use crate::source::walk::walk;
use crate::source::whole::Spool;
use crate::source::{SourceError, s3_key};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

/// What to parse.
pub struct ParseConfig {
    pub paths: Vec<PathBuf>,
    /// Read everything as this format.
    pub format: Option<&'static dyn LogFormat>,
    pub options: Options,
    /// From flags; wins over what a path says.
    pub origin: Origin,
    /// Print events of this table only.
    pub table: Option<String>,
}

/// What became of it.
#[derive(Debug, Default)]
pub struct ParseReport {
    pub tally: Tally,
    /// Objects that could not be read, or not to their end.
    pub errors: Vec<SourceError>,
    /// Things worth saying about single objects.
    pub notes: Vec<String>,
}

/// Why a run stopped.
#[derive(Debug, thiserror::Error)]
pub enum ParseError {
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    #[error("the output cannot be written")]
    Output(#[from] io::Error),
}

/// Prints every event of the paths, one JSON object a line, in the order of the records.
pub fn parse(config: &ParseConfig, progress: &dyn Progress, out: &mut dyn Write) -> Result<ParseReport, ParseError> {
    let (files, errors) = walk(&config.paths, Path::new(""));
    let mut report = ParseReport { errors, ..ParseReport::default() };
    progress.total(files.iter().map(|file| file.size).sum());
    for file in &files {
        parse_object(config, Object::of_file(file, None), progress, out, &mut report)?;
        progress.advance(file.size);
    }
    Ok(report)
}

/// As [`parse`], for one stream.
pub fn parse_stream(
    config: &ParseConfig,
    input: Box<dyn io::Read + Send>,
    progress: &dyn Progress,
    out: &mut dyn Write,
) -> Result<ParseReport, ParseError> {
    let mut report = ParseReport::default();
    parse_object(config, Object::of_stream("-", input), progress, out, &mut report)?;
    Ok(report)
}

/// As [`parse`], for one stream that is neither compressed nor an archive.
pub fn parse_plain(
    config: &ParseConfig,
    input: Box<dyn io::BufRead + Send>,
    progress: &dyn Progress,
    out: &mut dyn Write,
) -> Result<ParseReport, ParseError> {
    let mut report = ParseReport::default();
    parse_one(config, Input::plain(input), ("-".to_owned(), Origin::default()), progress, out, &mut report)?;
    Ok(report)
}

fn parse_object(
    config: &ParseConfig,
    object: Object,
    progress: &dyn Progress,
    out: &mut dyn Write,
    report: &mut ParseReport,
) -> Result<(), ParseError> {
    let mut left = Left::default();
    unpack(object, &Spool::temporary(), &mut |found| {
        match found {
            Found::Object(object, content) => match Input::new(&object.name, content) {
                Ok(input) => {
                    let origin = s3_key::origin_of(&object.path);
                    parse_one(config, input, (object.name, origin), progress, out, report)?;
                }
                Err(error) => report.errors.push(error),
            },
            Found::Left { name, what } => left.count(&name, what, &mut report.tally),
            Found::Error(error) => report.errors.push(error),
        }
        Ok::<(), ParseError>(())
    })?;
    report.notes.extend(left.into_notes());
    Ok(())
}

fn parse_one(
    config: &ParseConfig,
    input: Input,
    (name, from_path): (String, Origin),
    progress: &dyn Progress,
    out: &mut dyn Write,
    report: &mut ParseReport,
) -> Result<(), ParseError> {
    let job = Arc::new(ObjectJob { name, origin: config.origin.or(&from_path), ..ObjectJob::default() });
    let mut sink = TextSink { table: config.table.as_deref(), names: event_json::Names::default(), text: Vec::new() };
    let mut sequencer = Sequencer::new(Arc::clone(&job), input, &config.options, config.format);
    while let Some(block) = sequencer.next_block() {
        if progress.cancelled() {
            return Err(PipelineError::Interrupted.into());
        }
        progress.records(parse_block(block, &config.options, config.format, &mut sink)?);
        out.write_all(&sink.text)?;
        sink.text.clear();
    }
    report.errors.extend(sequencer.into_input().take_error(&job.name));
    report.tally.add(&job.tally.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(())
}

/// Events as lines of JSON; rejects are counted only.
struct TextSink<'a> {
    table: Option<&'a str>,
    names: event_json::Names,
    text: Vec<u8>,
}

impl Sink for TextSink<'_> {
    fn event(&mut self, _job: &ObjectJob, event: &Event<'_, '_>) -> Result<bool, PipelineError> {
        if self.table.is_none_or(|table| table == event.format.id()) {
            event_json::write(event, &mut self.names, &mut self.text);
        }
        Ok(true)
    }

    fn reject(&mut self, _job: &ObjectJob, _row: &Row<'_>, _meta: &RowMeta<'_>) -> Result<bool, PipelineError> {
        Ok(true)
    }
}

/// Names that [`parse`] prints a format's own fields under, in order.
pub fn column_names(format: &dyn LogFormat) -> Vec<String> {
    event_json::cell_names(format.fields())
}
