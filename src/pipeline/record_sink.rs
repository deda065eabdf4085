//! One object's records: unwrapped, parsed, identified, counted, written.

use super::PipelineError;
use super::identity::{self, Id, Known};
use crate::formats::{self, LogFormat, Options, Outcome, Parser};
use crate::lake::part::RowMeta;
use crate::lake::writer::LakeWriter;
use crate::lake::{Lake, schema};
use crate::model::{Common, Envelope, Micros, Origin, Record, Reject, RejectReason, Row, Tally, Value};
use crate::source::framing::Frame;
use crate::source::transport;
use bstr::ByteSlice as _;
use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// What one object's sink needs from the run.
pub(super) struct SinkConfig<'a> {
    pub lake: &'a Lake,
    pub known: &'a Mutex<Known>,
    /// Path or URI, as given.
    pub object: &'a str,
    pub sha256: &'a str,
    /// What equal lines are counted within: see [`identity`].
    pub view: &'a Path,
    /// SHA-256 of an earlier object of this name that was cut short: its records have that identity.
    pub resumes: Option<&'a str>,
    pub origin: &'a Origin,
    /// `--format`: no other is tried.
    pub forced: Option<&'static dyn LogFormat>,
    pub options: &'a Options,
}

/// Takes the frames of one object.
pub(super) struct RecordSink<'a, 'w, 's> {
    config: SinkConfig<'a>,
    writer: &'w mut LakeWriter<'s>,
    parsers: HashMap<&'static str, Box<dyn Parser>>,
    current: Option<&'static dyn LogFormat>,
    records: u64,
    pub tally: Tally,
    /// Transport of the record whose segments are coming: only the first one has it.
    long: Option<Envelope>,
    /// CloudWatch events came whose group or stream is not known.
    pub ungrouped: bool,
}

impl<'a, 'w, 's> RecordSink<'a, 'w, 's> {
    pub fn new(config: SinkConfig<'a>, writer: &'w mut LakeWriter<'s>) -> Self {
        let current = config.forced;
        Self {
            config,
            writer,
            parsers: HashMap::new(),
            current,
            records: 0,
            tally: Tally::default(),
            long: None,
            ungrouped: false,
        }
    }

    pub fn take(&mut self, frame: &Frame<'_>) -> Result<(), PipelineError> {
        // Later segments belong to the record counted with the first.
        if frame.segment.is_none_or(|n| n == 0) {
            self.records += 1;
            self.tally.records_in += 1;
        }
        let unwrapped = transport::unwrap_with(frame.framing, frame.context.map(AsRef::as_ref), frame.bytes);
        if let Some(why) = unwrapped.ignored.filter(|_| broken(frame).is_none()) {
            Tally::count(&mut self.tally.ignored, why);
            return Ok(());
        }
        let bytes: &[u8] = &unwrapped.bytes;
        if bytes.trim_ascii().is_empty() && unwrapped.envelope.is_none() && frame.segment.is_none() {
            Tally::count(&mut self.tally.ignored, "empty line");
            return Ok(());
        }
        let text = bytes.to_str_lossy();
        let raw_bytes = matches!(text, Cow::Owned(_)).then_some(bytes);
        let text: &str = &text;
        let mut meta = RowMeta {
            event_id: "",
            raw: text,
            raw_bytes,
            object: self.config.object,
            record: self.records,
            offset: frame.offset,
            segment: frame.segment,
        };
        if let Some(reject) = broken(frame) {
            if frame.segment.is_none_or(|n| n == 0) {
                self.long.clone_from(&unwrapped.envelope);
            }
            let envelope = self.long.clone();
            return self.reject(&reject, envelope.as_ref(), &mut meta);
        }
        let text = unwrapped.text.as_deref().unwrap_or(text);
        let record = Record { text, envelope: unwrapped.envelope.as_ref(), origin: self.config.origin };
        self.parse(&record, &mut meta)
    }

    fn parse<'r>(&mut self, record: &Record<'r>, meta: &mut RowMeta<'r>) -> Result<(), PipelineError> {
        let guess = match self.current {
            // CloudWatch takes anything: a better claim must be asked for each time.
            Some(format) if format.id() != "cloudwatch" || self.config.forced.is_some() => Some(format),
            Some(_) | None => formats::identify(record, self.config.options).map(|(format, _)| format),
        };
        let Some(format) = guess else {
            let reject = Reject { reason: RejectReason::UnknownFormat, detail: "no format claims it".to_owned() };
            return self.reject(&reject, record.envelope, meta);
        };
        self.current.get_or_insert(format);
        let (outcome, row) = self.run(format, record);
        let Outcome::Reject(reject) = outcome else {
            return self.settle(format, &outcome, row, record.envelope, meta);
        };
        // A mixed file: another format may know the line.
        let other = formats::identify(record, self.config.options).map(|(other, _)| other);
        if let Some(other) = other.filter(|o| o.id() != format.id() && self.config.forced.is_none()) {
            let (outcome, row) = self.run(other, record);
            if !matches!(outcome, Outcome::Reject(_)) {
                return self.settle(other, &outcome, row, record.envelope, meta);
            }
        }
        self.reject(&reject, record.envelope, meta)
    }

    fn run<'r>(&mut self, format: &'static dyn LogFormat, record: &Record<'r>) -> (Outcome, Row<'r>) {
        let options = self.config.options;
        let parser = self.parsers.entry(format.id()).or_insert_with(|| format.parser(options));
        let mut row = Row::new(format.fields().len());
        let outcome = parser.parse(record, &mut row);
        (outcome, row)
    }

    fn settle<'r>(
        &mut self,
        format: &'static dyn LogFormat,
        outcome: &Outcome,
        mut row: Row<'r>,
        envelope: Option<&'r Envelope>,
        meta: &mut RowMeta<'r>,
    ) -> Result<(), PipelineError> {
        if let Outcome::Ignored(reason) = outcome {
            Tally::count(&mut self.tally.ignored, reason);
            return Ok(());
        }
        row.feed(format.fields());
        let origin = self.config.origin;
        fill(&mut row, origin, envelope);
        let (id, shared) = self.identify(format, &row, envelope, meta);
        if shared && !self.is_new(format.id(), row.time(), id)? {
            Tally::count(&mut self.tally.duplicates, format.id());
            return Ok(());
        }
        let event_id = identity::hex(&id);
        let meta = RowMeta { event_id: &event_id, ..*meta };
        self.writer.push(format.id(), format.fields(), &row, &meta)?;
        Tally::count(&mut self.tally.events, format.id());
        Ok(())
    }

    /// The event's identity, and whether another object may hold the same event.
    fn identify(
        &mut self,
        format: &'static dyn LogFormat,
        row: &Row<'_>,
        envelope: Option<&Envelope>,
        meta: &RowMeta<'_>,
    ) -> (Id, bool) {
        if let Some(aws_id) = format.aws_id(row) {
            return (identity::by_aws_id(format.id(), &aws_id), true);
        }
        if let Some(envelope) = envelope
            && let Some(time) = envelope.time
        {
            let raw = meta.raw_bytes.unwrap_or(meta.raw.as_bytes());
            let stream = envelope.log_stream.as_deref();
            if let Some(base) =
                identity::cloudwatch_base(&known_origin(self.config.origin, envelope), stream, time, raw)
            {
                let mut known = self.config.known.lock().unwrap_or_else(PoisonError::into_inner);
                return (known.next_of(self.config.view, base), true);
            }
            self.ungrouped = true;
        }
        (self.by_place(meta), self.config.resumes.is_some())
    }

    fn by_place(&self, meta: &RowMeta<'_>) -> Id {
        let object = self.config.resumes.unwrap_or(self.config.sha256);
        let raw = meta.raw_bytes.unwrap_or(meta.raw.as_bytes());
        identity::by_place(object, meta.record, meta.segment.unwrap_or(0), raw)
    }

    fn is_new(&self, table: &str, time: Option<Micros>, id: Id) -> Result<bool, PipelineError> {
        let partition = crate::lake::writer::partition(table, time);
        let mut known = self.config.known.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.is_loaded(&partition) {
            known.load(self.config.lake, &self.config.lake.manifest, &partition)?;
        }
        Ok(known.insert(id))
    }

    fn reject(
        &mut self,
        reject: &Reject,
        envelope: Option<&Envelope>,
        meta: &mut RowMeta<'_>,
    ) -> Result<(), PipelineError> {
        let mut row = Row::new(schema::REJECT_FIELDS.len());
        let format = self.current.map_or("", LogFormat::id);
        row.native = vec![Value::text(reject.reason.as_str()), Value::text(&reject.detail), Value::text(format)];
        fill(&mut row, self.config.origin, envelope);
        let id = self.by_place(meta);
        if self.config.resumes.is_some() && !self.is_new(schema::REJECTS, row.time(), id)? {
            if meta.segment.is_none_or(|n| n == 0) {
                Tally::count(&mut self.tally.duplicates, schema::REJECTS);
            }
            return Ok(());
        }
        let event_id = identity::hex(&id);
        let meta = RowMeta { event_id: &event_id, ..*meta };
        self.writer.push(schema::REJECTS, &schema::REJECT_FIELDS, &row, &meta)?;
        if meta.segment.is_none_or(|n| n == 0) {
            Tally::count(&mut self.tally.rejects, reject.reason.as_str());
        }
        Ok(())
    }
}

/// The object's origin, completed by what the envelope says of this record: flags win.
fn known_origin(origin: &Origin, envelope: &Envelope) -> Origin {
    let or = |given: &Option<Arc<str>>, told: &Option<Arc<str>>| given.clone().or_else(|| told.clone());
    Origin {
        account_id: or(&origin.account_id, &envelope.account_id),
        log_group: or(&origin.log_group, &envelope.log_group),
        ..origin.clone()
    }
}

fn broken(frame: &Frame<'_>) -> Option<Reject> {
    if frame.segment.is_some() {
        let detail = format!("longer than {} bytes, kept in segments", crate::source::framing::MAX_FRAME);
        return Some(Reject { reason: RejectReason::TooLong, detail });
    }
    let detail = "the object ends inside this record".to_owned();
    frame.truncated.then_some(Reject { reason: RejectReason::Truncated, detail })
}

/// What flags, path or transport know and the record does not say.
fn fill<'r>(row: &mut Row<'r>, origin: &Origin, envelope: Option<&'r Envelope>) {
    let owned = |text: &Option<std::sync::Arc<str>>| text.as_deref().map(|t| Value::owned(t.to_owned()));
    if let Some(account) = owned(&origin.account_id) {
        row.set_default(Common::AccountId, account);
    }
    if let Some(region) = owned(&origin.region) {
        row.set_default(Common::Region, region);
    }
    if let Some(envelope) = envelope {
        if let Some(group) = owned(&origin.log_group).or_else(|| owned(&envelope.log_group)) {
            row.set_default(Common::Resource, group);
        }
        if let Some(account) = owned(&envelope.account_id) {
            row.set_default(Common::AccountId, account);
        }
        row.extra.extend(envelope.extra.iter().map(|(name, json)| (name.as_str().into(), json.as_str().into())));
        row.set_default(Common::EventTime, Value::time(envelope.time));
    }
}
