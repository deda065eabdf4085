//! Bytes → frames: where one record ends and the next begins. Memory is bounded by [`MAX_FRAME`].
//!
//! A record that is a transport of its own (a Lambda or Kinesis event with a compressed document inside,
//! an X-Ray trace with its segments) never comes out as such: its inner records do, at its offset.

mod csv;
mod detect;
mod json;
mod lines;
mod nested;

pub use csv::row_object;
pub use lines::{STAMP, export_stamp, tail_line, tail_short};

use super::transport::Context;
use std::io::{BufRead, Read as _};
use std::sync::Arc;

/// A longer record is kept in segments of this many bytes. CloudTrail events end at 256 KB,
/// CloudWatch events at 1 MB.
pub const MAX_FRAME: usize = 8 * 1024 * 1024;
/// How much of an object is looked at to tell its framing.
const HEAD: usize = 64 * 1024;
const READ: usize = 256 * 1024;

/// How an object is cut into records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// One record a line; `\r` before `\n` is no part of it.
    Lines,
    /// CloudWatch export objects: a record begins with an ISO time in milliseconds and a blank.
    ExportLines,
    /// `aws logs tail --format detailed`: a record begins with an ISO time with its zone, a blank, the
    /// stream, a blank.
    TailLines,
    /// `aws logs tail --format short`: a record begins with an ISO time of whole seconds without zone (UTC)
    /// and a blank.
    TailShort,
    /// RFC 4180 rows under a header row.
    Csv,
    /// Elements of the top-level array of that name (empty: the document itself is the array).
    JsonArray(&'static str),
    /// JSON values one after another, over any number of lines.
    JsonValues,
}

impl Framing {
    /// JSON's structure tells where a record ends; a record without its end is cut.
    const fn is_json(self) -> bool {
        matches!(self, Self::JsonArray(_) | Self::JsonValues)
    }
}

/// One record's bytes, transport included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'w> {
    pub bytes: &'w [u8],
    /// Byte offset in the decompressed object; of the outer record, where this one was nested in it.
    pub offset: u64,
    /// Number of this piece of a record over [`MAX_FRAME`], from 0; `None` for whole records.
    pub segment: Option<u32>,
    /// The object ended inside this record.
    pub truncated: bool,
    /// How this record was cut out, for [`unwrap_with`](super::transport::unwrap_with): within one object it
    /// changes, with nested documents and after broken ones.
    pub framing: Framing,
    /// What stands once for many records, for [`unwrap_with`](super::transport::unwrap_with) too: the head of
    /// a subscription document, the header row of a CSV file.
    pub context: Option<&'w Arc<Context>>,
}

/// Cuts a stream into frames.
pub struct Framer {
    reader: Box<dyn BufRead + Send>,
    window: Vec<u8>,
    start: usize,
    /// Offset of `window[0]`.
    base: u64,
    eof: bool,
    error: Option<std::io::Error>,
    framing: Framing,
    state: State,
    max_frame: usize,
    segment: Option<u32>,
    /// Bytes of the window already searched without finding an end.
    searched: usize,
    context: Option<Arc<Context>>,
    nested: Option<Nested>,
    /// How many documents this one lies in.
    depth: u8,
}

/// The document inside a record, while it is read.
struct Nested {
    framer: Box<Framer>,
    /// The record it lies in; the window stays as it is until that is done with.
    outer: Piece,
}

/// Documents in documents in documents are no log: deeper ones stay closed.
const MAX_DEPTH: u8 = 2;

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the array, or between documents.
    Outside,
    InArray,
    /// Inside the top-level object, after its array.
    AfterArray,
}

/// What a search of the window found, relative to its start.
enum Found {
    Record {
        start: usize,
        end: usize,
        next: usize,
    },
    /// Nothing but transport up to here.
    Skip(usize),
    NeedMore,
    /// Not the expected structure: read the rest as lines.
    Lost,
}

/// Where a frame lies: in the window of the framer `level` documents further in.
struct Piece {
    from: usize,
    to: usize,
    segment: Option<u32>,
    truncated: bool,
    framing: Framing,
    context: bool,
    level: u8,
}

impl Framer {
    /// Reads the head and tells the framing from it.
    pub fn new(reader: Box<dyn BufRead + Send>) -> Self {
        Self::with_max_frame(reader, MAX_FRAME)
    }

    pub fn with_max_frame(reader: Box<dyn BufRead + Send>, max_frame: usize) -> Self {
        let mut framer = Self {
            reader,
            window: Vec::new(),
            start: 0,
            base: 0,
            eof: false,
            error: None,
            framing: Framing::Lines,
            state: State::Outside,
            max_frame,
            segment: None,
            searched: 0,
            context: None,
            nested: None,
            depth: 0,
        };
        while framer.window.len() < HEAD && !framer.eof {
            framer.fill();
        }
        if framer.window.starts_with(b"\xef\xbb\xbf") {
            framer.start = 3;
        }
        framer.framing = detect::detect(&framer.window[framer.start..]);
        framer
    }

    /// How the object was begun to be cut; single frames may be cut another way.
    pub fn framing(&self) -> Framing {
        self.framing
    }

    /// The bytes at the beginning that were looked at; for telling binary from text.
    pub fn head(&self) -> &[u8] {
        &self.window[self.start..]
    }

    /// Offset in the decompressed object of the next unread byte.
    pub fn offset(&self) -> u64 {
        self.base + self.start as u64
    }

    /// After the last frame: why the object ended early, if it did.
    pub fn take_error(&mut self) -> Option<std::io::Error> {
        let inside = matches!(self.framing, Framing::JsonArray(_)) && self.state != State::Outside;
        let cut = || std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "the JSON document does not end");
        self.error.take().or_else(|| inside.then(cut))
    }

    fn fill(&mut self) {
        let mut chunk = self.reader.by_ref().take(READ as u64);
        match chunk.read_to_end(&mut self.window) {
            Ok(0) => self.eof = true,
            Ok(_) => {}
            Err(error) => {
                self.error = Some(error);
                self.eof = true;
            }
        }
    }

    /// Drops what was handed out, so that the window does not grow.
    fn compact(&mut self) {
        if self.start > READ || self.start == self.window.len() {
            self.window.drain(..self.start);
            self.base += self.start as u64;
            self.start = 0;
        }
    }

    /// The next record; `None` at the end of the object.
    pub fn next_frame(&mut self) -> Option<Frame<'_>> {
        let piece = self.step()?;
        Some(self.view(&piece))
    }

    fn step(&mut self) -> Option<Piece> {
        loop {
            if let Some(nested) = &mut self.nested {
                if let Some(mut piece) = nested.framer.step() {
                    piece.level += 1;
                    return Some(piece);
                }
                let damaged = nested.framer.take_error().is_some();
                let outer = self.nested.take().map(|nested| nested.outer);
                if damaged {
                    return outer.map(|outer| Piece { truncated: true, ..outer });
                }
            }
            let piece = self.step_own()?;
            let Some(framer) = self.open(&piece) else {
                return Some(piece);
            };
            self.nested = Some(Nested { framer, outer: piece });
        }
    }

    /// The document inside this record, if it is the transport of one.
    fn open(&self, piece: &Piece) -> Option<Box<Framer>> {
        let known = piece.context && piece.framing == Framing::JsonValues;
        if self.depth == MAX_DEPTH || piece.segment.is_some() || piece.truncated || known {
            return None;
        }
        let document = nested::document(piece.framing, &self.window[piece.from..piece.to])?;
        let mut framer = Self::with_max_frame(document, self.max_frame);
        framer.depth = self.depth + 1;
        Some(Box::new(framer))
    }

    fn view(&self, piece: &Piece) -> Frame<'_> {
        if piece.level > 0
            && let Some(nested) = &self.nested
        {
            let inner = nested.framer.view(&Piece { level: piece.level - 1, ..*piece });
            return Frame { offset: self.base + nested.outer.from as u64, ..inner };
        }
        Frame {
            bytes: &self.window[piece.from..piece.to],
            offset: self.base + piece.from as u64,
            segment: piece.segment,
            truncated: piece.truncated,
            framing: piece.framing,
            context: self.context.as_ref().filter(|_| piece.context),
        }
    }

    fn step_own(&mut self) -> Option<Piece> {
        self.compact();
        loop {
            let length = self.window.len() - self.start;
            match self.search() {
                Found::Record { start, end, .. } if end - start > self.max_frame => {
                    self.start += start;
                    return Some(self.take_segment());
                }
                Found::Record { start, end, next } => return Some(self.take(start, end, next, false)),
                Found::Skip(n) => {
                    self.start += n;
                    self.searched = 0;
                    self.compact();
                    if self.eof && self.start == self.window.len() {
                        return None;
                    }
                }
                Found::Lost => {
                    self.framing = Framing::Lines;
                    self.searched = 0;
                }
                Found::NeedMore if self.eof => {
                    if length == 0 {
                        return None;
                    }
                    return Some(self.take(0, length, length, true));
                }
                Found::NeedMore if length > self.max_frame => return Some(self.take_segment()),
                Found::NeedMore => self.fill(),
            }
        }
    }

    fn take(&mut self, start: usize, end: usize, next: usize, cut: bool) -> Piece {
        let (from, to) = (self.start + start, self.start + end);
        self.start += next;
        self.searched = 0;
        let segment = self.segment.take().map(|n| n + 1);
        // The last line of a file may lack its newline; a JSON value that does not end is cut.
        let truncated = cut && (self.error.is_some() || self.framing.is_json());
        // What stands before, after or between the arrays is no element of theirs.
        let element = !matches!(self.framing, Framing::JsonArray(_)) || self.state == State::InArray;
        let framing = if element { self.framing } else { Framing::JsonValues };
        let header = framing == Framing::Csv && self.context.is_none() && segment.is_none();
        if header {
            self.context = Some(Arc::new(Context::Columns(csv::fields(&self.window[from..to]))));
        }
        let context = self.context.is_some() && !header;
        Piece { from, to, segment, truncated, framing, context, level: 0 }
    }

    fn take_segment(&mut self) -> Piece {
        let number = self.segment.map_or(0, |n| n + 1);
        self.segment = Some(number);
        let framing = self.framing;
        // Where a structure does not end, the rest can only be cut at line ends.
        if framing.is_json() || framing == Framing::Csv {
            self.framing = Framing::Lines;
        }
        let from = self.start;
        let to = from + self.max_frame;
        self.start = to;
        self.searched = 0;
        Piece { from, to, segment: Some(number), truncated: false, framing, context: false, level: 0 }
    }

    fn search(&mut self) -> Found {
        let window = &self.window[self.start..];
        let searched = &mut self.searched;
        match self.framing {
            Framing::Lines => lines::find_line(window, searched),
            Framing::ExportLines => {
                lines::find_stamped(window, searched, self.eof, |line| export_stamp(line).is_some())
            }
            Framing::TailLines => lines::find_stamped(window, searched, self.eof, |line| tail_line(line).is_some()),
            Framing::TailShort => lines::find_stamped(window, searched, self.eof, |line| tail_short(line).is_some()),
            Framing::Csv => csv::find_row(window),
            Framing::JsonValues => json::find_value(window),
            Framing::JsonArray(name) => json::find_element(window, name, &mut self.state, &mut self.context),
        }
    }
}

#[cfg(test)]
mod tests;
