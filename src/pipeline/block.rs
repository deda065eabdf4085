//! Blocks: a few thousand records of one object that a worker parses by itself.

use super::PipelineError;
use super::object_job::ObjectJob;
use crate::codec::json::{self, Json};
use crate::formats::{self, LogFormat, Options, Outcome, Parser};
use crate::lake::part::RowMeta;
use crate::model::{Common, Envelope, Origin, Record, Reject, RejectReason, Row, Tally, Value};
use crate::source::framing::{Framing, MAX_FRAME};
use crate::source::transport::{self, Context};
use bstr::ByteSlice as _;
use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{Hash as _, Hasher as _};
use std::sync::{Arc, PoisonError};

/// Bytes of records in a block, about.
pub(super) const BLOCK: usize = 2 * 1024 * 1024;

/// One frame inside a block.
pub(super) struct FrameRef {
    /// Half-open range of the block's data.
    pub span: (usize, usize),
    /// In the decompressed object.
    pub offset: u64,
    pub segment: Option<u32>,
    pub truncated: bool,
    pub framing: Framing,
    pub context: Option<Arc<Context>>,
}

/// Records of one object, with everything needed to parse them apart from those before and after.
pub(super) struct Block {
    pub job: Arc<ObjectJob>,
    pub data: Vec<u8>,
    pub frames: Vec<FrameRef>,
    /// Number of the record before the block's first.
    pub records_before: u64,
    /// The object's format, as far as the records before tell.
    pub current: Option<&'static dyn LogFormat>,
    /// Parsers that read a header line before this block.
    pub parsers: Vec<(&'static str, Box<dyn Parser>)>,
    /// Transport of the record whose later segments begin the block.
    pub long: Option<Envelope>,
}

impl Block {
    /// Whether it holds pieces of a record: those of one record must come into the lake one after another.
    pub fn is_cut(&self) -> bool {
        self.frames.iter().any(|frame| frame.segment.is_some())
    }
}

/// An event, ready to be kept.
pub(super) struct Event<'e, 'r> {
    pub format: &'static dyn LogFormat,
    pub row: &'e Row<'r>,
    pub record: &'e Record<'r>,
    pub meta: &'e RowMeta<'r>,
}

/// Where a block's events and rejects go. Both return `false` when it was there already.
pub(super) trait Sink {
    fn event(&mut self, job: &ObjectJob, event: &Event<'_, '_>) -> Result<bool, PipelineError>;

    fn reject(&mut self, job: &ObjectJob, row: &Row<'_>, meta: &RowMeta<'_>) -> Result<bool, PipelineError>;
}

/// A record out of its frame and transport.
struct Prepared<'b> {
    raw: Cow<'b, str>,
    /// The exact bytes where they are not UTF-8.
    bytes: Option<Cow<'b, [u8]>>,
    /// What formats read where it is not the raw text.
    text: Option<String>,
    envelope: Option<Envelope>,
    /// Why this is no record at all.
    ignored: Option<&'static str>,
    frame: &'b FrameRef,
}

/// Parses one block.
struct BlockParser<'b, S> {
    job: &'b ObjectJob,
    options: &'b Options,
    current: Option<&'static dyn LogFormat>,
    forced: bool,
    /// What the last record of a mixed object was.
    last: Option<&'static dyn LogFormat>,
    /// JSON objects that only a format claims that takes anything, by the names of their members.
    others: HashMap<u64, &'static dyn LogFormat>,
    parsers: Vec<(&'static str, Box<dyn Parser>)>,
    tally: Tally,
    counts: Counts,
    sink: &'b mut S,
}

/// Counting by name costs more than parsing: the last name is kept.
#[derive(Default)]
struct Counts {
    events: Option<(&'static str, u64)>,
}

/// Parses a block's records into the sink and adds its counts to the object's.
pub(super) fn parse_block<S: Sink>(
    mut block: Block,
    options: &Options,
    forced: Option<&'static dyn LogFormat>,
    sink: &mut S,
) -> Result<u64, PipelineError> {
    let parsers = std::mem::take(&mut block.parsers);
    let job = Arc::clone(&block.job);
    let mut parser = BlockParser {
        job: &job,
        options,
        current: block.current,
        forced: forced.is_some(),
        last: None,
        others: HashMap::new(),
        parsers,
        tally: Tally::default(),
        counts: Counts::default(),
        sink,
    };
    let result = parser.block(&block);
    parser.flush_counts();
    let records = parser.tally.records_in;
    job.tally.lock().unwrap_or_else(PoisonError::into_inner).add(&parser.tally);
    result.map(|()| records)
}

impl<S: Sink> BlockParser<'_, S> {
    fn block(&mut self, block: &Block) -> Result<(), PipelineError> {
        let prepared: Vec<Prepared<'_>> = block.frames.iter().map(|frame| prepare(block, frame)).collect();
        let mut long = block.long.clone();
        let mut number = block.records_before;
        let mut row = Row::new(0);
        for record in &prepared {
            let frame = record.frame;
            // Later segments belong to the record counted with the first.
            if frame.segment.is_none_or(|n| n == 0) {
                number += 1;
                self.tally.records_in += 1;
            }
            if let Some(why) = record.ignored.filter(|_| frame.segment.is_none() && !frame.truncated) {
                Tally::count(&mut self.tally.ignored, why);
                continue;
            }
            if record.raw.trim().is_empty() && record.envelope.is_none() && frame.segment.is_none() {
                Tally::count(&mut self.tally.ignored, "empty line");
                continue;
            }
            let meta = RowMeta {
                event_id: "",
                raw: &record.raw,
                raw_bytes: record.bytes.as_deref(),
                object: &self.job.name,
                record: number,
                offset: frame.offset,
                segment: frame.segment,
            };
            if let Some(reject) = broken(frame) {
                if frame.segment.is_none_or(|n| n == 0) {
                    long.clone_from(&record.envelope);
                }
                self.reject(&reject, long.as_ref(), &meta)?;
                continue;
            }
            let text = record.text.as_deref().unwrap_or(&record.raw);
            let record = Record { text, envelope: record.envelope.as_ref(), origin: &self.job.origin };
            self.record(&record, &mut row, &meta)?;
        }
        Ok(())
    }

    fn record<'r>(&mut self, record: &Record<'r>, row: &mut Row<'r>, meta: &RowMeta<'r>) -> Result<(), PipelineError> {
        let guess = match self.current {
            Some(format) if self.forced || !format.takes_anything() => Some(format),
            Some(_) | None => self.identify(record),
        };
        let Some(format) = guess else {
            let reject = Reject { reason: RejectReason::UnknownFormat, detail: "no format claims it".to_owned() };
            return self.reject(&reject, record.envelope, meta);
        };
        self.current.get_or_insert(format);
        let outcome = self.run(format, record, row);
        let Outcome::Reject(reject) = outcome else {
            return self.settle(format, &outcome, row, record, meta);
        };
        // A mixed file: another format may know the line. One that takes anything knows nothing.
        let other = formats::identify(record, self.options).map(|(other, _)| other);
        if let Some(other) = other.filter(|o| o.id() != format.id() && !o.takes_anything() && !self.forced) {
            let outcome = self.run(other, record, row);
            if !matches!(outcome, Outcome::Reject(_)) {
                return self.settle(other, &outcome, row, record, meta);
            }
        }
        self.reject(&reject, record.envelope, meta)
    }

    /// The format of a record in an object whose records differ. One that is sure of a record like the last
    /// is not compared with the others.
    fn identify(&mut self, record: &Record<'_>) -> Option<&'static dyn LogFormat> {
        const SURE: u8 = 80;
        if let Some(last) = self.last
            && last.claims(record, self.options).is_some_and(|claim| claim.score >= SURE)
        {
            return Some(last);
        }
        let names = member_names(record.text);
        if let Some(known) = names.and_then(|names| self.others.get(&names)) {
            return Some(*known);
        }
        self.last = formats::identify(record, self.options).map(|(format, _)| format);
        if let (Some(names), Some(format)) = (names, self.last.filter(|format| format.takes_anything())) {
            self.others.insert(names, format);
        }
        self.last
    }

    fn run<'r>(&mut self, format: &'static dyn LogFormat, record: &Record<'r>, row: &mut Row<'r>) -> Outcome {
        row.clear(format.fields().len());
        let at = match self.parsers.iter().position(|(id, _)| *id == format.id()) {
            Some(at) => at,
            None => {
                self.parsers.push((format.id(), format.parser(self.options)));
                self.parsers.len() - 1
            }
        };
        self.parsers[at].1.parse(record, row)
    }

    fn settle<'r>(
        &mut self,
        format: &'static dyn LogFormat,
        outcome: &Outcome,
        row: &mut Row<'r>,
        record: &Record<'r>,
        meta: &RowMeta<'r>,
    ) -> Result<(), PipelineError> {
        if let Outcome::Ignored(reason) = outcome {
            Tally::count(&mut self.tally.ignored, reason);
            return Ok(());
        }
        row.feed(format.fields());
        fill(row, record.origin, record.envelope);
        if self.sink.event(self.job, &Event { format, row, record, meta })? {
            self.count_event(format.id());
        } else {
            Tally::count(&mut self.tally.duplicates, format.id());
        }
        Ok(())
    }

    fn count_event(&mut self, id: &'static str) {
        match &mut self.counts.events {
            Some((last, n)) if *last == id => *n += 1,
            _ => {
                self.flush_counts();
                self.counts.events = Some((id, 1));
            }
        }
    }

    fn flush_counts(&mut self) {
        if let Some((id, n)) = self.counts.events.take() {
            *self.tally.events.entry(id.to_owned()).or_default() += n;
        }
    }

    fn reject(
        &mut self,
        reject: &Reject,
        envelope: Option<&Envelope>,
        meta: &RowMeta<'_>,
    ) -> Result<(), PipelineError> {
        let mut row = Row::new(crate::lake::schema::REJECT_FIELDS.len());
        let format = self.current.map_or("", LogFormat::id);
        row.native = vec![Value::text(reject.reason.as_str()), Value::text(&reject.detail), Value::text(format)].into();
        fill(&mut row, &self.job.origin, envelope);
        let new = self.sink.reject(self.job, &row, meta)?;
        if meta.segment.is_none_or(|n| n == 0) {
            let (counts, name) = if new {
                (&mut self.tally.rejects, reject.reason.as_str())
            } else {
                (&mut self.tally.duplicates, crate::lake::schema::REJECTS)
            };
            Tally::count(counts, name);
        }
        Ok(())
    }
}

/// A hash of the names of an object's members; `None` for what is no JSON object.
fn member_names(text: &str) -> Option<u64> {
    let Ok(Json::Object(object)) = json::parse(text) else {
        return None;
    };
    let mut hasher = std::hash::DefaultHasher::new();
    for member in json::members(object) {
        member.ok()?.0.hash(&mut hasher);
    }
    Some(hasher.finish())
}

fn prepare<'b>(block: &'b Block, frame: &'b FrameRef) -> Prepared<'b> {
    let bytes = &block.data[frame.span.0..frame.span.1];
    let unwrapped = transport::unwrap_with(frame.framing, frame.context.as_deref(), bytes);
    let (raw, bytes) = match unwrapped.bytes {
        Cow::Borrowed(bytes) => match bytes.to_str_lossy() {
            Cow::Borrowed(text) => (Cow::Borrowed(text), None),
            lossy @ Cow::Owned(_) => (lossy, Some(Cow::Borrowed(bytes))),
        },
        Cow::Owned(bytes) => match String::from_utf8(bytes) {
            Ok(text) => (Cow::Owned(text), None),
            Err(error) => {
                let bytes = error.into_bytes();
                (Cow::Owned(bytes.to_str_lossy().into_owned()), Some(Cow::Owned(bytes)))
            }
        },
    };
    Prepared { raw, bytes, text: unwrapped.text, envelope: unwrapped.envelope, ignored: unwrapped.ignored, frame }
}

fn broken(frame: &FrameRef) -> Option<Reject> {
    if frame.segment.is_some() {
        let detail = format!("longer than {MAX_FRAME} bytes, kept in segments");
        return Some(Reject { reason: RejectReason::TooLong, detail });
    }
    let detail = || "the object ends inside this record".to_owned();
    frame.truncated.then(|| Reject { reason: RejectReason::Truncated, detail: detail() })
}

/// What flags, path or transport know and the record does not say.
fn fill<'r>(row: &mut Row<'r>, origin: &'r Origin, envelope: Option<&'r Envelope>) {
    let account = origin.account_id.as_deref().or(envelope.and_then(|e| e.account_id.as_deref()));
    if let Some(account) = account {
        row.set_default(Common::AccountId, Value::Str(Cow::Borrowed(account)));
    }
    if let Some(region) = origin.region.as_deref() {
        row.set_default(Common::Region, Value::Str(Cow::Borrowed(region)));
    }
    if let Some(envelope) = envelope {
        row.extra.extend(envelope.extra.iter().map(|(name, json)| (Cow::from(name), Cow::from(json))));
        row.set_default(Common::EventTime, Value::time(envelope.time));
    }
    if let Some(group) = envelope.and_then(|e| e.log_group.as_deref()).or(origin.log_group.as_deref()) {
        row.set_default(Common::Resource, Value::Str(Cow::Borrowed(group)));
    }
}
