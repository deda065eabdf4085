//! One object on its way into the lake: cut into blocks in order, its counts gathered as they are parsed.

use super::block::{BLOCK, Block, FrameRef};
use super::input::Input;
use crate::formats::{self, LogFormat, Options, Parser};
use crate::model::{Envelope, Origin, Record, Row, Tally};
use crate::source::framing::{Frame, Framing};
use crate::source::transport;
use bstr::ByteSlice as _;
use std::borrow::Cow;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

/// What all blocks of one object share.
#[derive(Debug, Default)]
pub(super) struct ObjectJob {
    /// Path or URI, as given.
    pub name: String,
    pub sha256: String,
    /// Number of the view that equal lines are counted within: see [`super::identity`].
    pub view: u32,
    /// SHA-256 of an earlier object of this name that was cut short: its records have that identity.
    pub resumes: Option<String>,
    pub origin: Origin,
    pub tally: Mutex<Tally>,
    /// CloudWatch events came whose group or stream is not known.
    pub ungrouped: AtomicBool,
}

/// A format with header lines, and how far its parser has read them.
struct Stateful {
    format: &'static dyn LogFormat,
    parser: Box<dyn Parser>,
    /// Whether it has met one.
    read: bool,
}

/// Cuts an object into blocks. Header lines are read here too, so that every block knows those before it.
pub(super) struct Sequencer<'a> {
    job: Arc<ObjectJob>,
    options: &'a Options,
    input: Input,
    records: u64,
    current: Option<&'static dyn LogFormat>,
    /// Of every format with header lines.
    stateful: Vec<Stateful>,
    open: Option<Block>,
    long: Option<Envelope>,
}

impl<'a> Sequencer<'a> {
    pub fn new(
        job: Arc<ObjectJob>,
        input: Input,
        options: &'a Options,
        forced: Option<&'static dyn LogFormat>,
    ) -> Self {
        let stateful = formats::ALL.into_iter().filter(|f| f.has_headers());
        let stateful =
            stateful.map(|format| Stateful { format, parser: format.parser(options), read: false }).collect();
        Self { job, options, input, records: 0, current: forced, stateful, open: None, long: None }
    }

    /// The next block; `None` at the end of the object.
    pub fn next_block(&mut self) -> Option<Block> {
        loop {
            let Some(frame) = self.input.next_frame() else {
                return self.open.take().filter(|block| !block.frames.is_empty());
            };
            let first = frame.segment.is_none_or(|n| n == 0);
            let header = frame.segment.is_none() && read_header(&mut self.stateful, &frame, &self.job.origin);
            let full = self.open.as_ref().is_some_and(|b| b.data.len() + frame.bytes.len() > BLOCK);
            let before = if header || full { self.open.take().filter(|block| !block.frames.is_empty()) } else { None };
            let open = self.open.get_or_insert_with(|| Block {
                job: Arc::clone(&self.job),
                data: Vec::with_capacity(frame.bytes.len().max(64 * 1024)),
                frames: Vec::new(),
                records_before: self.records,
                current: self.current,
                parsers: self.stateful.iter().filter(|s| s.read).map(|s| (s.format.id(), s.parser.fork())).collect(),
                long: self.long.clone(),
            });
            if self.current.is_none() || frame.segment == Some(0) {
                let context = frame.context.map(AsRef::as_ref);
                let unwrapped = transport::unwrap_with(frame.framing, context, frame.bytes);
                let record = frame.segment.is_none() && !frame.truncated && unwrapped.ignored.is_none();
                if record && !unwrapped.bytes.trim_ascii().is_empty() {
                    let text = unwrapped.text.map_or_else(|| unwrapped.bytes.to_str_lossy(), Cow::Owned);
                    let record =
                        Record { text: &text, envelope: unwrapped.envelope.as_ref(), origin: &self.job.origin };
                    self.current = formats::identify(&record, self.options).map(|(format, _)| format);
                }
                if frame.segment == Some(0) {
                    self.long = unwrapped.envelope;
                }
            }
            self.records += u64::from(first);
            push(open, &frame);
            if before.is_some() {
                return before;
            }
        }
    }

    /// The input, for what went wrong with the object as a whole.
    pub fn into_input(self) -> Input {
        self.input
    }
}

fn push(block: &mut Block, frame: &Frame<'_>) {
    let start = block.data.len();
    block.data.extend_from_slice(frame.bytes);
    block.frames.push(FrameRef {
        span: (start, block.data.len()),
        offset: frame.offset,
        segment: frame.segment,
        truncated: frame.truncated,
        framing: frame.framing,
        context: frame.context.cloned(),
    });
}

/// Lets the parsers of formats with headers read a header line; whether it was one.
fn read_header(stateful: &mut [Stateful], frame: &Frame<'_>, origin: &Origin) -> bool {
    let bytes = match frame.framing {
        Framing::Lines => frame.bytes,
        Framing::ExportLines => frame.bytes.get(crate::source::framing::STAMP..).unwrap_or_default(),
        _ => return false,
    };
    if !bytes.first().is_some_and(|b| b.is_ascii_lowercase() || *b == b'#') {
        return false;
    }
    let mut any = false;
    for state in stateful.iter_mut().filter(|state| state.parser.is_state(bytes)) {
        let text = bytes.to_str_lossy();
        let record = Record { text: &text, envelope: None, origin };
        // The block's own fork reads it again, and counts it.
        let _ = state.parser.parse(&record, &mut Row::new(state.format.fields().len()));
        state.read = true;
        any = true;
    }
    any
}
